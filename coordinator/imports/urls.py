"""Addresses of the import pages."""

from django.urls import path

from coordinator.imports import views

app_name = "imports"

urlpatterns = [
    path("", views.import_list, name="import_list"),
    path("<uuid:pk>/", views.import_detail, name="import_detail"),
    path("<uuid:pk>/stop/", views.import_stop, name="import_stop"),
]
