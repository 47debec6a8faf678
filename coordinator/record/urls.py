"""Addresses of record exports."""

from django.urls import path

from coordinator.record import views

app_name = "record"

urlpatterns = [
    path("patients/<uuid:pk>/", views.record_new, name="record_new"),
    path("<uuid:pk>/", views.record_detail, name="record_detail"),
    path("<uuid:pk>/file/", views.record_file, name="record_file"),
]
