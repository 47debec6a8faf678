"""Addresses of packets."""

from django.urls import path

from coordinator.packets import views

app_name = "packets"

urlpatterns = [path("referrals/<uuid:pk>/new/", views.packet_new, name="packet_new")]
