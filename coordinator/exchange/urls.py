"""Addresses of payers' files and of our requests as files."""

from django.urls import path

from coordinator.exchange import loop_views, request_views, views

app_name = "exchange"

urlpatterns = [
    path("closing-the-loop/", loop_views.closing_loop, name="closing_loop"),
    path("exchange/", views.file_list, name="file_list"),
    path("exchange/<uuid:pk>/", views.file_detail, name="file_detail"),
    path("exchange/<uuid:pk>/original/", views.file_original, name="file_original"),
    path("exchange/<uuid:pk>/match/", views.file_match, name="file_match"),
    path("exchange/<uuid:pk>/record/", views.file_record, name="file_record"),
    path("exchange/<uuid:pk>/again/", views.file_again, name="file_again"),
    path("exchange/<uuid:pk>/set-aside/", views.file_set_aside, name="file_set_aside"),
    path("authorizations/<uuid:pk>/request.json", request_views.request_json, name="request_json"),
    path("authorizations/<uuid:pk>/request.278", request_views.request_x12, name="request_x12"),
]
