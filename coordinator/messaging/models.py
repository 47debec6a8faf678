"""The ledger: a message is a row before it is a text, and stays one whatever happened to it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Site
from coordinator.db import uuid7

REMINDER = "visit_reminder"  # the purpose that a site can switch off


class MessageStatus(models.TextChoices):
    SCHEDULED = "scheduled", _("Scheduled")
    SENDING = "sending", _("Sending")
    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Failed")
    UNKNOWN = (
        "unknown",
        _("Unknown"),
    )  # the gateway did not answer and cannot be asked: never resent by itself
    CANCELLED = "cancelled", _("Withdrawn")
    SKIPPED = "skipped", _("Skipped")


class SkipReason(models.TextChoices):
    """Why a message was not sent, in the order the planner asks."""

    ALREADY_IN_LEDGER = "already_in_ledger", _("Already in the ledger")
    NOT_REMINDABLE_STATUS = "not_remindable_status", _("Visit is not booked")
    PATIENT_DECEASED_OR_INACTIVE = "patient_deceased_or_inactive", _("Patient deceased or inactive")
    NO_PERMISSION = "no_permission", _("No permission")
    OPTED_OUT = "opted_out", _("Opted out")
    NO_ADDRESS = "no_address", _("No number or address")
    TOPIC_NOT_HELD = "topic_not_held", _("Owner may not hear about visits")
    ADDRESS_FAILING = "address_failing", _("Number or address failing")
    BOOKED_AFTER_WINDOW = "booked_after_window", _("Booked after the window")
    WINDOW_MISSED = "window_missed", _("Window missed")
    DUPLICATE_SAME_DAY_MERGED = "duplicate_same_day_merged", _("Merged with another visit that day")
    DAILY_LIMIT = "daily_limit", _("Daily limit")
    WEEKLY_LIMIT = "weekly_limit", _("Weekly limit")
    SAFE_CONTACT_HOLD = "safe_contact_hold", _("Safe-contact hold")
    SITE_SWITCHED_OFF = "site_switched_off", _("Switched off for the site")
    TEMPLATE_MISSING = "template_missing", _("No template")


LATE_AFTER = timedelta(minutes=5)
# Gone out, or may have gone out: they count against the daily limit and are never planned again.
COUNTED = (
    MessageStatus.SCHEDULED,
    MessageStatus.SENDING,
    MessageStatus.SENT,
    MessageStatus.DELIVERED,
    MessageStatus.UNKNOWN,
)


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: Any) -> MessageQuerySet:
        """Messages of the person's sites; whether the patient may be named is for the page to ask."""
        if not (user.can("jobs.view") or user.can("patients.view")):
            return self.none()
        return self.filter(site__in=user.site_ids)

    def overdue(self, now: datetime) -> MessageQuerySet:
        """Should have gone more than five minutes ago and could go now: nobody is sending."""
        return (
            self.filter(status=MessageStatus.SCHEDULED, replay=False, send_after__lt=now - LATE_AFTER)
            .filter(Q(close_at=None) | Q(close_at__gt=now), Q(expires_at=None) | Q(expires_at__gt=now))
            .filter(Q(site__reminders_on=True) | ~Q(purpose=REMINDER))
        )

    def late(self, now: datetime) -> MessageQuerySet:
        """Planned after their moment, sent more than five minutes after it, or still waiting since then."""
        return self.filter(late_q(now))


def late_q(now: datetime) -> Q:
    """The condition of `MessageQuerySet.late`, for counting it beside other things."""
    gone = Q(status__in=(MessageStatus.SENT, MessageStatus.DELIVERED))
    sent_late = gone & Q(replay=False, finished_at__gt=F("send_after") + LATE_AFTER)
    waiting = Q(replay=False, status=MessageStatus.SCHEDULED, send_after__lt=now - LATE_AFTER)
    planned_late = Q(late=True) & ~Q(status__in=(MessageStatus.SKIPPED, MessageStatus.CANCELLED))
    return planned_late | sent_late | waiting


class Message(models.Model):
    """One message to one address. `key` makes scheduling it twice the same as once.

    Times are UTC; the lease is judged by the database's clock. No foreign key to what it is about:
    the floor does not know patients.

    It may go from `send_after` until `close_at` (the end of that day's allowed hours). When nobody sent it
    by then it waits for the next of `later`, a list of [opens, closes] in ISO form; past `expires_at` it is
    `window_missed`. `replay` marks rows of a night that was made up for afterwards: only that night sends them.
    """

    class Channel(models.TextChoices):
        SMS = "sms", _("Text message")
        EMAIL = "email", _("E-mail")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=200, unique=True)
    purpose = models.CharField(max_length=40)  # "visit_reminder", "opt_out_confirmation", ...
    about_type = models.CharField(max_length=60)
    about_id = models.UUIDField()
    patient_id = models.UUIDField(null=True)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    window = models.CharField(max_length=20, blank=True)  # "3d", "1d"
    channel = models.CharField(max_length=5, choices=Channel.choices)
    address = models.CharField(max_length=254, blank=True)
    subject = models.CharField(max_length=120, blank=True)
    body = models.TextField(blank=True)
    language = models.CharField(max_length=12, blank=True)
    status = models.CharField(max_length=10, choices=MessageStatus.choices, default=MessageStatus.SCHEDULED)
    skip_reason = models.CharField(max_length=40, choices=SkipReason.choices, blank=True)
    send_after = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)  # past this it is window_missed, never late
    close_at = models.DateTimeField(null=True)
    later = models.JSONField(default=list)
    late = models.BooleanField(default=False)  # its own moment had passed when it was planned
    replay = models.BooleanField(default=False)
    explanation = models.JSONField(default=list)  # the steps that led to send_after or to skip_reason
    followed_up_at = models.DateTimeField(null=True)  # failed or unknown, and a person was told
    run_id = models.UUIDField(null=True)  # the nightly run that planned it
    created_at = models.DateTimeField()
    claim_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    gateway_reference = models.CharField(max_length=120, blank=True)
    error = models.CharField(max_length=250, blank=True)
    finished_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=MessageStatus.values), name="message_status_known"),
            models.CheckConstraint(
                condition=~Q(status="skipped") | ~Q(skip_reason=""), name="message_skip_says_why"
            ),
            models.CheckConstraint(
                condition=~Q(status="sending") | Q(claim_token__isnull=False, lease_until__isnull=False),
                name="message_sending_is_leased",
            ),
        ]
        indexes = [
            models.Index(
                fields=["send_after", "id"], condition=Q(status="scheduled"), name="message_next_due"
            ),
            models.Index(fields=["lease_until"], condition=Q(status="sending"), name="message_leased"),
            models.Index(fields=["about_id"], name="message_about"),
            models.Index(fields=["patient_id", "send_after"], name="message_patient"),
            models.Index(fields=["run_id", "status"], name="message_run"),
            # The run board's days, and what went to one address lately.
            models.Index(fields=["site", "send_after"], name="message_site_day"),
            models.Index(fields=["address", "send_after"], condition=~Q(address=""), name="message_address"),
            models.Index(
                fields=["finished_at"],
                condition=Q(status__in=["failed", "unknown"], followed_up_at=None),
                name="message_to_follow_up",
            ),
        ]


class GatewayEvent(models.Model):
    """What a gateway told us: a reply, or what became of a message. Answered at once, worked on later.

    The gateway repeats when it is unsure that we heard; `event_id` makes that harmless.
    """

    class Kind(models.TextChoices):
        REPLY = "reply", _("Reply")
        RECEIPT = "receipt", _("Receipt")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event_id = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    sender = models.CharField(max_length=40, blank=True)
    text = models.CharField(max_length=1600, blank=True)
    reference = models.CharField(max_length=120, blank=True)
    key = models.CharField(max_length=200, blank=True)
    arrived = models.BooleanField(default=False)
    received_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    result = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["received_at"], condition=Q(handled_at=None), name="gateway_event_waiting")
        ]
