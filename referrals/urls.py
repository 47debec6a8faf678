"""Addresses of the referral pages."""

from django.urls import path, register_converter

from referrals import loop_views, views, writing_views


class FactConverter:
    """The loop's closing facts."""

    regex = "review|tell_patient|tell_requester"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class EntryConverter:
    """What can be entered in error beside a referral."""

    regex = "attempt|message"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(FactConverter, "fact")
register_converter(EntryConverter, "entry")

app_name = "referrals"

urlpatterns = [
    path("", views.referral_index, name="referral_list"),
    path("new/", writing_views.referral_new, name="referral_new"),
    path("<uuid:pk>/", views.referral_detail, name="referral_detail"),
    path("<uuid:pk>/edit/", views.referral_edit, name="referral_edit"),
    path("<uuid:pk>/assign/", views.referral_assign, name="referral_assign"),
    path("<uuid:pk>/told/", loop_views.referral_told, name="referral_told"),
    path("<uuid:pk>/attempts/new/", loop_views.referral_attempt, name="referral_attempt"),
    path("<uuid:pk>/messages/new/", loop_views.referral_message, name="referral_message"),
    path("entries/<entry:kind>/<uuid:pk>/in-error/", loop_views.entry_in_error, name="entry_in_error"),
    path("<uuid:pk>/<fact:fact>/", views.referral_fact, name="referral_fact"),
    path("<uuid:pk>/step/<slug:step>/", views.referral_step, name="referral_step"),
]
