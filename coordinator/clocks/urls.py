"""Addresses of the rules register and of "why this date?"."""

from django.urls import path

from coordinator.clocks import views

app_name = "clocks"

urlpatterns = [
    path("rules/", views.rule_list, name="rule_list"),
    path("rules/<uuid:pk>/", views.rule_detail, name="rule"),
    path("rules/<uuid:pk>/propose/", views.rule_propose, name="rule_propose"),
    path("rules/proposals/<uuid:pk>/", views.proposal, name="proposal"),
    path("rules/proposals/<uuid:pk>/<slug:step>/", views.proposal_step, name="proposal_step"),
    path("clocks/<uuid:pk>/why/", views.clock_why, name="clock_why"),
]
