from django.urls import path

from careplans.views import acting, bundles, contacts, escalation, plans, reasons, tasks, why

app_name = "careplans"

urlpatterns = [
    path("", plans.plan_list, name="plan_list"),
    path("new/", plans.plan_new, name="plan_new"),
    path("tasks/new/", tasks.task_new, name="task_new"),
    path("tasks/due/", tasks.due_words, name="due_words"),
    path("tasks/<uuid:pk>/", tasks.task_detail, name="task_detail"),
    path("tasks/<uuid:pk>/edit/", tasks.task_edit, name="task_edit"),
    path("tasks/<uuid:pk>/why/", why.task_why, name="task_why"),
    path("tasks/<uuid:pk>/undo/", acting.task_undo, name="task_undo"),
    path("tasks/<uuid:pk>/<slug:action>/", acting.task_act, name="task_act"),
    path("contacts/<uuid:pk>/in-error/", contacts.contact_in_error, name="contact_in_error"),
    path("setup/reasons/", reasons.reason_list, name="reason_list"),
    path("setup/reasons/new/", reasons.reason_edit, name="reason_new"),
    path("setup/reasons/<uuid:pk>/", reasons.reason_edit, name="reason_edit"),
    path("setup/reasons/<uuid:pk>/<slug:step>/", reasons.reason_step, name="reason_step"),
    path("setup/escalation/", escalation.escalation_list, name="escalation_list"),
    path("setup/escalation/new/", escalation.escalation_edit, name="escalation_new"),
    path("setup/escalation/<uuid:pk>/", escalation.escalation_edit, name="escalation_edit"),
    path("setup/escalation/<uuid:pk>/<slug:step>/", escalation.escalation_step, name="escalation_step"),
    path("setup/bundles/", bundles.bundle_list, name="bundle_list"),
    path("setup/bundles/new/", bundles.bundle_edit, name="bundle_new"),
    path("setup/bundles/<uuid:pk>/", bundles.bundle_edit, name="bundle_edit"),
    path("setup/bundles/<uuid:pk>/add/", bundles.bundle_item_new, name="bundle_item_new"),
    path("setup/bundles/<uuid:pk>/<slug:step>/", bundles.bundle_step, name="bundle_step"),
    path("setup/items/<uuid:pk>/", bundles.bundle_item_edit, name="bundle_item_edit"),
    path("setup/items/<uuid:pk>/<slug:step>/", bundles.bundle_item_step, name="bundle_item_step"),
    path("bundles/for/<uuid:pk>/", bundles.start_bundle, name="start_bundle"),
    path("bundles/<uuid:pk>/cancel/", bundles.cancel_bundle, name="cancel_bundle"),
    path("<uuid:pk>/", plans.plan_detail, name="plan_detail"),
    path("<uuid:pk>/why/", why.plan_why, name="plan_why"),
    path("<uuid:pk>/edit/", plans.plan_edit, name="plan_edit"),
    path("<uuid:pk>/add/<slug:what>/", plans.plan_add, name="plan_add"),
    path("steps/<slug:kind>/<uuid:pk>/<slug:name>/", plans.step, name="step"),
]
