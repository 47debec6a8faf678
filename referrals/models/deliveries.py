"""Deliveries of packets: one version to one recipient by one channel, and the link through which one is fetched."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coordinator.db import Record
from coordinator.workflow import Change
from referrals.delivery_workflow import DELIVERY_WORKFLOW, NOT_STANDING, DeliveryStatus
from referrals.models.loop import OfReferral
from referrals.models.packets import ReferralPacket
from referrals.models.referrals import Referral

MOST_WRONG_CODES = 5


class DeliveryQuerySet(OfReferral):
    def standing(self) -> Any:
        """On their way, in doubt or delivered: sending the same packet once more needs a reason."""
        return self.exclude(status__in=NOT_STANDING)


class Delivery(Record):
    """One version of a packet to one recipient. A new try is a new row; `again_reason` says why there is another one.

    `recipient` and `address` (fax number, e-mail, portal or place) stand as they were written when it was sent.
    `evidence` shows that it arrived, which never means that anybody accepted anything. For a fax, `next_at` is when the
    worker looks at it next and the lease says until when a worker owns the handing over, by the database's clock (UTC).
    """

    class Channel(models.TextChoices):
        FAX = "fax", _("Fax")
        EMAIL = "email", _("E-mail through a secure link")
        PRINT = "print", _("Print")
        PORTAL = "portal", _("Portal, by hand")

    workflow = DELIVERY_WORKFLOW

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="deliveries")
    packet = models.ForeignKey(ReferralPacket, on_delete=models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    recipient = models.CharField(max_length=160)
    address = models.CharField(max_length=254, blank=True)
    status = models.CharField(max_length=20, choices=DeliveryStatus.choices, default=DeliveryStatus.QUEUED)
    again_reason = models.CharField(max_length=250, blank=True)
    reference = models.CharField(max_length=120, blank=True)  # the gateway's, or the one the portal gave
    evidence = models.CharField(max_length=250, blank=True)
    page_count = models.PositiveIntegerField(default=0)
    handed_over_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True)
    claim_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            DELIVERY_WORKFLOW.check_constraint("delivery_status_known"),
            models.CheckConstraint(
                condition=Q(channel__in=["fax", "email", "print", "portal"]), name="delivery_channel_known"
            ),
            models.CheckConstraint(
                condition=~Q(status="delivered") | ~Q(evidence=""), name="delivery_delivered_shows_it"
            ),
            models.CheckConstraint(
                condition=~Q(status="sending") | Q(claim_token__isnull=False, lease_until__isnull=False),
                name="delivery_sending_is_leased",
            ),
            # Two people, or one who presses twice, send a packet once; another one says why.
            models.UniqueConstraint(
                fields=["packet"],
                condition=Q(again_reason="") & ~Q(status__in=["failed", "revoked", "entered_in_error"]),
                name="delivery_once",
            ),
        ]
        indexes = [
            models.Index(fields=["referral", "-created_at"], name="delivery_referral"),
            models.Index(
                fields=["channel", "next_at"],
                condition=Q(status__in=["queued", "sending", "handed_over", "unknown"]),
                name="delivery_to_follow",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {self.recipient}"

    @property
    def key(self) -> str:
        """What the gateway knows it by, the same at every try: the idempotency key."""
        return f"{self.channel}:{self.pk}"

    @property
    def is_standing(self) -> bool:
        return self.status not in NOT_STANDING

    @property
    def can_be_revoked(self) -> bool:
        """A fax that still waits, or a link that is not closed."""
        if self.channel == self.Channel.FAX:
            return self.status == DeliveryStatus.QUEUED
        link = getattr(self, "link", None)
        return link is not None and link.revoked_at is None and self.is_standing

    @property
    def can_be_answered(self) -> bool:
        """Somebody at the recipient's could say whether it came."""
        return self.status in (DeliveryStatus.HANDED_OVER, DeliveryStatus.UNKNOWN)

    @property
    def patient_id(self) -> UUID:
        """For the audit."""
        return self.referral.patient_id

    @property
    def site_id(self) -> UUID:
        return self.referral.site_id


class DeliveryChange(Change):
    record = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="changes")


class SecureLinkQuerySet(models.QuerySet["SecureLink"]):
    def visible_to(self, user: Any) -> SecureLinkQuerySet:
        return self.filter(delivery__referral__in=Referral.objects.visible_to(user))


class SecureLink(models.Model):
    """How one recipient fetches one packet: a link that ends, with a code beside it, and few tries.

    Neither the link's secret nor the code is kept: the secret's SHA-256 is, and both are made from the application's
    key and this row's when they are needed (referrals.rules.secure_links).
    """

    delivery = models.OneToOneField(Delivery, primary_key=True, on_delete=models.PROTECT, related_name="link")
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    wrong_codes = models.PositiveSmallIntegerField(default=0)
    downloads = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True, blank=True)  # the first time with the right code
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = SecureLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(wrong_codes__lte=MOST_WRONG_CODES), name="secure_link_few_tries"
            ),
            models.CheckConstraint(condition=~Q(token_hash=""), name="secure_link_has_a_secret"),
        ]

    def lives(self, now: datetime) -> bool:
        """Whether it can still be opened, as far as this row knows."""
        return self.revoked_at is None and self.expires_at > now and self.wrong_codes < MOST_WRONG_CODES

    @property
    def tries_left(self) -> int:
        return MOST_WRONG_CODES - self.wrong_codes
