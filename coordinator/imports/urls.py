"""Addresses of the import pages."""

from django.urls import path

from coordinator.imports import caseload_views, directory_views, views

app_name = "imports"

urlpatterns = [
    path("", views.import_list, name="import_list"),
    path("patients/", caseload_views.caseload_list, name="caseload_list"),
    path("patients/<uuid:pk>/", caseload_views.caseload_detail, name="caseload_detail"),
    path("patients/<uuid:pk>/columns/", caseload_views.caseload_columns, name="caseload_columns"),
    path("patients/<uuid:pk>/choose/", caseload_views.caseload_choose, name="caseload_choose"),
    path("patients/<uuid:pk>/start/", caseload_views.caseload_start, name="caseload_start"),
    path("patients/<uuid:pk>/stop/", caseload_views.caseload_stop, name="caseload_stop"),
    path("patients/<uuid:pk>/undo/", caseload_views.caseload_undo, name="caseload_undo"),
    path("patients/<uuid:pk>/rows-to-mend.csv", caseload_views.caseload_problems, name="caseload_problems"),
    path("directory/", directory_views.directory_list, name="directory_list"),
    path("directory/<uuid:pk>/", directory_views.directory_detail, name="directory_detail"),
    path("directory/<uuid:pk>/apply/", directory_views.directory_apply, name="directory_apply"),
    path("directory/<uuid:pk>/undo/", directory_views.directory_undo, name="directory_undo"),
    path("<uuid:pk>/", views.import_detail, name="import_detail"),
    path("<uuid:pk>/stop/", views.import_stop, name="import_stop"),
]
