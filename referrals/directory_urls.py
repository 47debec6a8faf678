"""Addresses of the directory, below /referrals/directory/."""

from django.urls import path

from referrals.views import directory as views
from referrals.views import payer_directory as payer_views

urlpatterns = [
    path("", views.practice_list, name="practice_list"),
    path("new/", views.practice_edit, name="practice_new"),
    path("payers/", payer_views.payer_directory, name="payer_directory"),
    path("payers/<uuid:pk>/", payer_views.payer_detail, name="payer_detail"),
    path("payers/<uuid:pk>/checked/", payer_views.payer_reviewed, name="payer_reviewed"),
    path("networks/<uuid:pk>/<slug:step>/", views.network_step, name="network_step"),
    path("clinicians/<uuid:pk>/remove/", views.clinician_remove, name="clinician_remove"),
    path("<uuid:pk>/", views.practice_detail, name="practice_detail"),
    path("<uuid:pk>/edit/", views.practice_edit, name="practice_edit"),
    path("<uuid:pk>/networks/new/", views.network_new, name="network_new"),
    path("<uuid:pk>/clinicians/new/", views.clinician_new, name="clinician_new"),
    path("<uuid:pk>/do/<slug:step>/", views.practice_step, name="practice_step"),
]
