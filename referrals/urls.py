"""Addresses of the referral pages."""

from django.urls import include, path, register_converter

from referrals.delivery_urls import patterns as delivery_patterns
from referrals.denial_urls import patterns as denial_patterns
from referrals.views import board as board_views
from referrals.views import inbound as inbound_views
from referrals.views import loop as loop_views
from referrals.views import referrals as views
from referrals.views import writing as writing_views


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
    *denial_patterns,
    *delivery_patterns,
    path("", views.referral_index, name="referral_list"),
    path("board/", board_views.referral_board, name="referral_board"),
    path("new/", writing_views.referral_new, name="referral_new"),
    path("authorizations/", include("referrals.authorization_urls")),
    path("money/", include("referrals.money_urls")),
    path("directory/", include("referrals.directory_urls")),
    path("<uuid:pk>/", views.referral_detail, name="referral_detail"),
    path("<uuid:pk>/edit/", views.referral_edit, name="referral_edit"),
    path("<uuid:pk>/assign/", views.referral_assign, name="referral_assign"),
    path("<uuid:pk>/told/", loop_views.referral_told, name="referral_told"),
    path("<uuid:pk>/attempts/new/", loop_views.referral_attempt, name="referral_attempt"),
    path("<uuid:pk>/messages/new/", loop_views.referral_message, name="referral_message"),
    path("entries/<entry:kind>/<uuid:pk>/in-error/", loop_views.entry_in_error, name="entry_in_error"),
    path("<uuid:pk>/<fact:fact>/", views.referral_fact, name="referral_fact"),
    path("<uuid:pk>/step/<slug:step>/", views.referral_step, name="referral_step"),
    path("incoming/", inbound_views.inbound_index, name="inbound_list"),
    path("incoming/new/", inbound_views.inbound_new, name="inbound_new"),
    path("incoming/<uuid:pk>/", inbound_views.inbound_detail, name="inbound_detail"),
    path("incoming/<uuid:pk>/pages/<int:number>/", inbound_views.inbound_page, name="inbound_page"),
    path("incoming/<uuid:pk>/file/", inbound_views.inbound_file, name="inbound_file"),
    path("incoming/<uuid:pk>/attach/", inbound_views.inbound_attach, name="inbound_attach"),
    path("incoming/<uuid:pk>/step/<slug:step>/", inbound_views.inbound_step, name="inbound_step"),
]
