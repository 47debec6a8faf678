"""The ledger: a message is a row before it is a text, and stays one whatever happened to it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Site
from coordinator.db import uuid7


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
    """Why a message was not sent, in the order the planner asks (domain.md 3.8)."""

    ALREADY_IN_LEDGER = "already_in_ledger", _("Already in the ledger")
    NOT_REMINDABLE_STATUS = "not_remindable_status", _("Visit is not booked")
    PATIENT_DECEASED_OR_INACTIVE = "patient_deceased_or_inactive", _("Patient deceased or inactive")
    NO_PERMISSION = "no_permission", _("No permission")
    OPTED_OUT = "opted_out", _("Opted out")
    NO_ADDRESS = "no_address", _("No number or address")
    ADDRESS_FAILING = "address_failing", _("Number or address failing")
    BOOKED_AFTER_WINDOW = "booked_after_window", _("Booked after the window")
    WINDOW_MISSED = "window_missed", _("Window missed")
    DUPLICATE_SAME_DAY_MERGED = "duplicate_same_day_merged", _("Merged with another visit that day")
    DAILY_LIMIT = "daily_limit", _("Daily limit")
    WEEKLY_LIMIT = "weekly_limit", _("Weekly limit")
    SAFE_CONTACT_HOLD = "safe_contact_hold", _("Safe-contact hold")
    SITE_SWITCHED_OFF = "site_switched_off", _("Switched off for the site")
    TEMPLATE_MISSING = "template_missing", _("No template")


class Message(models.Model):
    """One message to one address. `key` makes scheduling it twice the same as once.

    Times are UTC; the lease is judged by the database's clock. No foreign key to what it is about:
    the floor does not know patients.
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
    run_id = models.UUIDField(null=True)  # the nightly run that planned it
    created_at = models.DateTimeField()
    claim_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    gateway_reference = models.CharField(max_length=120, blank=True)
    error = models.CharField(max_length=250, blank=True)
    finished_at = models.DateTimeField(null=True)

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
            models.Index(fields=["send_after"], condition=Q(status="scheduled"), name="message_due"),
            models.Index(fields=["lease_until"], condition=Q(status="sending"), name="message_leased"),
            models.Index(fields=["about_id"], name="message_about"),
            models.Index(fields=["patient_id", "send_after"], name="message_patient"),
            models.Index(fields=["run_id", "status"], name="message_run"),
        ]
