"""Access for an hour: to a restricted record in an emergency, to labelled entries for a reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length, Now
from django.db.models.lookups import GreaterThanOrEqual
from django.utils.translation import gettext_lazy as _

from coordinator.db import Record
from patients.models.labels import Label
from patients.models.patient import Patient


class AccessGrantQuerySet(models.QuerySet["AccessGrant"]):
    def visible_to(self, user: Any) -> AccessGrantQuerySet:
        """Those to review: of the person's sites, for an auditor all. Nobody is shown their own to judge."""
        if not user.can("access.review"):
            return self.none()
        others = self.exclude(user=user)
        return others if user.can("audit.view") else others.filter(patient__site__in=user.site_ids)

    def open(self, at: Any = None) -> AccessGrantQuerySet:
        """Those that hold at this moment (UTC; the database's own when none is given). The last second is out."""
        return self.filter(ended_at=None, expires_at__gt=at or Now())

    def to_review(self) -> AccessGrantQuerySet:
        return self.filter(reviewed_at=None)

    def reviewed(self) -> AccessGrantQuerySet:
        return self.filter(reviewed_at__isnull=False)

    def with_names(self) -> AccessGrantQuerySet:
        return self.select_related("user", "patient__site", "reviewed_by")


class AccessGrant(Record):
    """Somebody opened what they otherwise may not see: one patient, one hour, one reason. Kept for ever."""

    class Kind(models.TextChoices):
        BREAK_GLASS = "break_glass", _("Emergency access")
        REASON = "reason", _("Labelled entries")

    class Purpose(models.TextChoices):
        """What labelled entries are opened for."""

        TREATMENT = "treatment", _("Treatment and care coordination")
        PATIENT_ASKED = "patient_asked", _("The patient asked for it")
        PAYMENT = "payment", _("Payment")
        QUALITY = "quality", _("Quality review")
        EMERGENCY = "emergency", _("Medical emergency")

    class Verdict(models.TextChoices):
        APPROPRIATE = "appropriate", _("Appropriate")
        NOT_APPROPRIATE = "not_appropriate", _("Not appropriate")

    LASTS = timedelta(minutes=60)
    LEAST_REASON = 10  # characters

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="access_grants")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    label = models.CharField(
        max_length=12, choices=Label.choices, blank=True
    )  # of what is opened for a reason
    purpose = models.CharField(max_length=14, choices=Purpose.choices, blank=True)
    reason = models.CharField(max_length=500)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)  # given back before it expired
    verdict = models.CharField(max_length=15, choices=Verdict.choices, blank=True)
    review_note = models.CharField(max_length=500, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = AccessGrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["break_glass", "reason"]), name="access_kind_known"),
            models.CheckConstraint(
                condition=Q(kind="break_glass", label="", purpose="")
                | (Q(kind="reason") & ~Q(label="") & ~Q(purpose="")),
                name="access_label_and_purpose",
            ),
            models.CheckConstraint(
                condition=GreaterThanOrEqual(Length("reason"), 10), name="access_has_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(expires_at=models.F("opened_at") + timedelta(minutes=60)),
                name="access_lasts_an_hour",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=models.F("opened_at")), name="access_period"
            ),
            models.CheckConstraint(
                condition=Q(verdict="", reviewed_at=None, reviewed_by=None)
                | Q(
                    verdict__in=["appropriate", "not_appropriate"],
                    reviewed_at__isnull=False,
                    reviewed_by__isnull=False,
                ),
                name="access_reviewed_whole",
            ),
            models.CheckConstraint(
                condition=~Q(verdict="not_appropriate") | ~Q(review_note=""), name="access_refused_why"
            ),
            models.CheckConstraint(
                condition=Q(reviewed_by=None) | ~Q(reviewed_by=models.F("user")),
                name="access_not_judged_by_oneself",
            ),
        ]
        indexes = [
            models.Index(fields=["patient", "user", "expires_at"], name="access_open"),
            models.Index(
                fields=["opened_at"], condition=Q(reviewed_at__isnull=True), name="access_to_review"
            ),
        ]

    def is_open(self, at: datetime) -> bool:
        """The same as `AccessGrantQuerySet.open`, for one in hand."""
        return self.ended_at is None and at < self.expires_at

    def minutes_left(self, at: datetime) -> int:
        """Whole minutes until it expires, counted up: 60 at the start, 1 in the last minute."""
        return max(-int((at - self.expires_at) // timedelta(minutes=1)), 0)
