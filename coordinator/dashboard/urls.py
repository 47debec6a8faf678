from django.urls import path

from coordinator.dashboard import (
    audit_view,
    my_work,
    my_work_acts,
    patients_views,
    run_views,
    search_views,
    summary_contact,
    summary_views,
)

app_name = "dashboard"

urlpatterns = [
    path("", my_work.my_work, name="my_work"),
    path("work/find/", my_work.find, name="my_work_find"),
    path("work/news/", my_work.news, name="my_work_news"),
    path("work/call-list/", my_work.call_list, name="call_list"),
    path("work/views/", my_work.view_save, name="my_work_view_save"),
    path("work/views/<uuid:pk>/delete/", my_work.view_delete, name="my_work_view_delete"),
    path("work/bulk/", my_work_acts.bulk, name="my_work_bulk"),
    path("work/undo/", my_work_acts.undo, name="my_work_undo"),
    path("work/<uuid:pk>/<slug:action>/", my_work_acts.task_act, name="my_work_act"),
    path("search/", search_views.search, name="search"),
    path("patients/", patients_views.patient_list, name="patient_list"),
    path("patients/<uuid:pk>/", summary_views.patient_summary, name="patient_summary"),
    path("patients/<uuid:pk>/plan/", summary_views.patient_plan, name="patient_plan"),
    path("patients/<uuid:pk>/timeline/", summary_views.patient_timeline, name="patient_timeline"),
    path("patients/<uuid:pk>/tasks/", summary_views.patient_tasks, name="patient_tasks"),
    path("patients/<uuid:pk>/visits/", summary_views.patient_appointments, name="patient_appointments"),
    path("patients/<uuid:pk>/referrals/", summary_views.patient_referrals, name="patient_referrals"),
    path("patients/<uuid:pk>/notes/", summary_views.patient_notes, name="patient_notes"),
    path("patients/<uuid:pk>/details/", summary_views.patient_details, name="patient_details"),
    path("patients/<uuid:pk>/contact/", summary_contact.patient_contact, name="patient_contact"),
    path("patients/<uuid:pk>/pin/", summary_views.patient_pin, name="patient_pin"),
    path("audit/", audit_view.audit_trail, name="audit"),
    path("runs/", run_views.run_board, name="run_board"),
    path("runs/<uuid:pk>/tonight/", run_views.run_forecast, name="run_forecast"),
    path("runs/<uuid:pk>/run/", run_views.run_now, name="run_now"),
    path("runs/<uuid:pk>/reminders/", run_views.reminders_switch, name="reminders_switch"),
    path("runs/<uuid:pk>/reminders/<slug:step>/", run_views.reminders_undo, name="reminders_undo"),
    path("runs/<uuid:pk>/<slug:on>/", run_views.run_message_list, name="run_messages"),
    path("audit/export/", audit_view.audit_export, name="audit_export"),
]
