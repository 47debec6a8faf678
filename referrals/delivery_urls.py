"""Addresses of sending packets."""

from django.urls import path

from referrals.views import deliveries as views

patterns = [
    path("<uuid:pk>/send/", views.delivery_new, name="delivery_new"),
    path("deliveries/<uuid:pk>/<slug:act>/", views.delivery_act, name="delivery_act"),
]
