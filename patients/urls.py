"""Addresses of the record. The patient's own page stands on the roof (coordinator.dashboard)."""

from django.urls import path

from patients.views import entries, labels, notes, registration, restriction, standing

app_name = "patients"

urlpatterns = [
    path("new/", registration.patient_new, name="patient_new"),
    path("<uuid:pk>/edit/", registration.patient_edit, name="patient_edit"),
    path("<uuid:pk>/standing/", standing.patient_standing, name="patient_standing"),
    path("<uuid:pk>/restriction/", restriction.patient_restrict, name="patient_restrict"),
    path("<uuid:pk>/restriction/undo/", restriction.restriction_undo, name="restriction_undo"),
    path("<uuid:pk>/coordinator/", standing.patient_coordinator, name="patient_coordinator"),
    path("<uuid:pk>/note/", notes.note_new, name="note_new"),
    path("notes/<uuid:pk>/take-back/", notes.note_in_error, name="note_in_error"),
    path("notes/<uuid:pk>/read/", notes.note_acknowledge, name="note_acknowledge"),
    path("<uuid:pk>/add/<slug:kind>/", entries.entry_new, name="entry_new"),
    path("<uuid:pk>/protected/", labels.labels_open, name="labels_open"),
    path("labels/<slug:kind>/<uuid:pk>/", labels.entry_label, name="entry_label"),
    path("<uuid:pk>/no-known-allergies/", entries.no_known_allergies, name="no_known_allergies"),
    path("entries/<slug:kind>/<uuid:pk>/", entries.entry_change, name="entry_change"),
    path("entries/<slug:kind>/<uuid:pk>/end/", entries.entry_end, name="entry_end"),
]
