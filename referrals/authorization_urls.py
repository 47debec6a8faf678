"""Addresses of the prior-authorization pages, below /referrals/authorizations/."""

from django.urls import path

from referrals.views import authorization_acts as acts
from referrals.views import authorizations as views
from referrals.views import payer_lists as lists

urlpatterns = [
    # The clinic's lists about payers.
    path("setup/<slug:kind>/", lists.payer_list, name="payer_list"),
    path("setup/<slug:kind>/new/", lists.payer_list_edit, name="payer_list_new"),
    path("setup/<slug:kind>/<uuid:pk>/", lists.payer_list_edit, name="payer_list_edit"),
    path("setup/<slug:kind>/<uuid:pk>/<slug:step>/", lists.payer_list_step, name="payer_list_step"),
    path("", views.authorization_list, name="authorization_list"),
    path("new/", views.authorization_new, name="authorization_new"),
    path("<uuid:pk>/", views.authorization_detail, name="authorization_detail"),
    path("<uuid:pk>/edit/", views.authorization_edit, name="authorization_edit"),
    path("<uuid:pk>/assign/", views.authorization_assign, name="authorization_assign"),
    path("<uuid:pk>/do/<slug:act>/", acts.authorization_act, name="authorization_act"),
    path("lines/<uuid:pk>/", acts.authorization_line, name="authorization_line"),
    path("papers/<uuid:pk>/", acts.authorization_paper, name="authorization_paper"),
    path(
        "<slug:kind>/<uuid:pk>/in-error/", acts.authorization_row_in_error, name="authorization_row_in_error"
    ),
]
