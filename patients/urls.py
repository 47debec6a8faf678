"""Addresses of the record. The patient's own page stands on the roof (coordinator.dashboard)."""

from django.urls import path

from patients.views import (
    coverage,
    documents,
    entries,
    labels,
    notes,
    reconciliation,
    registration,
    restriction,
    standing,
    updates,
)

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
    path("<uuid:pk>/documents/new/", documents.document_new, name="document_new"),
    path("documents/<uuid:pk>/edit/", documents.document_edit, name="document_edit"),
    path("documents/<uuid:pk>/error/", documents.document_in_error, name="document_in_error"),
    path("documents/<uuid:pk>/error/undo/", documents.document_error_undo, name="document_error_undo"),
    path("documents/<uuid:pk>/file/", documents.document_file, name="document_file"),
    path("documents/<uuid:pk>/pages/<int:number>/", documents.document_page, name="document_page"),
    path("<uuid:pk>/update/", updates.update_new, name="update_new"),
    path("updates/<uuid:pk>/", updates.update_detail, name="update_detail"),
    path("updates/<uuid:pk>/<slug:step>/", updates.update_step, name="update_step"),
    path("<uuid:pk>/reconcile/<slug:kind>/", reconciliation.reconcile, name="reconcile"),
    path("reconciliations/<uuid:pk>/", reconciliation.reconciliation_detail, name="reconciliation_detail"),
    path(
        "reconciliations/<uuid:pk>/take-back/",
        reconciliation.reconciliation_in_error,
        name="reconciliation_in_error",
    ),
    path("coverage/<uuid:pk>/check/", coverage.coverage_check, name="coverage_check"),
    path("coverage/<uuid:pk>/move/<slug:way>/", coverage.coverage_move, name="coverage_move"),
    path("coverage-checks/<uuid:pk>/take-back/", coverage.check_in_error, name="check_in_error"),
    path("<uuid:pk>/add/<slug:kind>/", entries.entry_new, name="entry_new"),
    path("<uuid:pk>/protected/", labels.labels_open, name="labels_open"),
    path("labels/<slug:kind>/<uuid:pk>/", labels.entry_label, name="entry_label"),
    path("<uuid:pk>/no-known-allergies/", entries.no_known_allergies, name="no_known_allergies"),
    path("entries/<slug:kind>/<uuid:pk>/", entries.entry_change, name="entry_change"),
    path("entries/<slug:kind>/<uuid:pk>/in-error/", entries.entry_in_error, name="entry_in_error"),
    path("entries/<slug:kind>/<uuid:pk>/restore/", entries.entry_restore, name="entry_restore"),
    path("entries/<slug:kind>/<uuid:pk>/end/", entries.entry_end, name="entry_end"),
]
