"""The directory: practices, community services and facilities that patients are referred to. No patient stands in it.

A practice is the directory's page about an `Organization`, which other apps refer to; its name and numbers are kept the
same there. Entries are retired, never deleted.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coordinator.accounts.models import Organization
from coordinator.db import Record

REVIEW_EVERY = timedelta(days=180)  # product default: after this an entry is due for review
NPI = r"^([0-9]{10})?$"
ZIP = r"^([0-9]{5}(-[0-9]{4})?)?$"


class PracticeQuerySet(models.QuerySet["Practice"]):
    def visible_to(self, user: Any) -> PracticeQuerySet:
        """The directory belongs to no site: everybody who works with referrals sees it."""
        return self if user.can("referrals.view") else self.none()

    def offered(self) -> PracticeQuerySet:
        return self.filter(retired_at__isnull=True)

    def due_for_review(self, today: date) -> PracticeQuerySet:
        never_or_long_ago = Q(reviewed_on__isnull=True) | Q(reviewed_on__lt=today - REVIEW_EVERY)
        return self.filter(never_or_long_ago)


class Practice(Record):
    """A place that takes referrals, and what coordinators know about it. Blank and "unknown" mean nobody said."""

    class Kind(models.TextChoices):
        PRACTICE = "practice", _("Practice")
        COMMUNITY = "community", _("Community service")
        FACILITY = "facility", _("Facility")

    class Channel(models.TextChoices):
        FAX = "fax", _("Fax")
        EMAIL = "email", _("E-mail through a secure link")
        PORTAL = "portal", _("Portal")
        PHONE = "phone", _("Phone")
        MAIL = "mail", _("Mail")

    class Accepting(models.TextChoices):
        """Da Vinci Plan-Net, AcceptingPatientsCS: newpt, existptonly and existptfam, nopt."""

        UNKNOWN = "unknown", pgettext_lazy("new patients", "Unknown")
        NEW = "new", _("Takes new patients")
        EXISTING = "existing", _("Only patients it knows already")
        NONE = "none", _("Takes no patients at present")

    class Cost(models.TextChoices):
        UNKNOWN = "unknown", pgettext_lazy("cost", "Unknown")
        STANDARD = "standard", _("Full price without insurance")
        SLIDING = "sliding", _("Sliding scale")
        FREE = "free", _("Free")

    organization = models.OneToOneField(Organization, on_delete=models.PROTECT, related_name="practice")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PRACTICE)
    specialties = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    npi = models.CharField(max_length=10, blank=True)
    address_line = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=2, blank=True)
    postal_code = models.CharField(max_length=10, blank=True)
    phone = models.CharField(max_length=40, blank=True)  # E.164, like the fax
    fax = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)
    portal = models.URLField(blank=True)
    channel = models.CharField(max_length=10, choices=Channel.choices, blank=True)
    languages = ArrayField(models.CharField(max_length=12), default=list, blank=True)  # BCP 47
    accepting = models.CharField(max_length=8, choices=Accepting.choices, default=Accepting.UNKNOWN)
    cost = models.CharField(max_length=8, choices=Cost.choices, default=Cost.UNKNOWN)
    intake_rules = models.TextField(blank=True)
    wait_days = models.PositiveSmallIntegerField(null=True, blank=True)  # to the first visit, as told
    wait_told_on = models.DateField(null=True, blank=True)
    wait_told_by = models.CharField(max_length=120, blank=True)
    notes = models.TextField(blank=True)
    reviewed_on = models.DateField(null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    # Where it was imported from and its key there: importing again changes this row and makes no second one.
    source = models.CharField(max_length=120, blank=True)
    source_key = models.CharField(max_length=250, blank=True)

    objects = PracticeQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=["practice", "community", "facility"],
                    accepting__in=["unknown", "new", "existing", "none"],
                    cost__in=["unknown", "standard", "sliding", "free"],
                    channel__in=["", "fax", "email", "portal", "phone", "mail"],
                ),
                name="practice_words_known",
            ),
            models.CheckConstraint(
                condition=Q(npi__regex=NPI, postal_code__regex=ZIP), name="practice_npi_and_zip"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="practice_has_a_name"),
            models.CheckConstraint(
                condition=Q(wait_days__isnull=True) | Q(wait_told_on__isnull=False, wait_days__lte=730),
                name="practice_wait_says_when",
            ),
            models.UniqueConstraint(
                fields=["source", "source_key"], condition=~Q(source_key=""), name="practice_source_once"
            ),
        ]
        indexes = [models.Index(fields=["retired_at", "name", "id"], name="practice_list")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_retired(self) -> bool:
        return self.retired_at is not None

    @property
    def place(self) -> str:
        """ "Minneapolis, MN 55401"; what is not known is left out."""
        town = ", ".join(filter(None, (self.city, self.state)))
        return " ".join(filter(None, (town, self.postal_code)))

    def is_due_for_review(self, today: date) -> bool:
        return self.reviewed_on is None or self.reviewed_on < today - REVIEW_EVERY


class PracticeNetwork(Record):
    """One statement: in this payer's network, or not, from when to when. A blank plan means every plan of the payer.

    A coverage keeps its payer's name, so this does too; they are compared without regard to case.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="networks")
    payer_name = models.CharField(max_length=160)
    plan_name = models.CharField(max_length=160, blank=True)
    network_name = models.CharField(max_length=160, blank=True)
    participates = models.BooleanField(default=True)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["payer_name", "plan_name", "network_name", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(payer_name=""), name="practice_network_has_a_payer"),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True)
                | Q(starts_on__isnull=True)
                | Q(ends_on__gte=F("starts_on")),
                name="practice_network_period",
            ),
            models.UniqueConstraint(
                fields=["practice", "payer_name", "plan_name", "network_name", "starts_on"],
                nulls_distinct=False,
                name="practice_network_once",
            ),
        ]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.payer_name, self.plan_name)))

    def holds_on(self, day: date) -> bool:
        return (self.starts_on is None or self.starts_on <= day) and (
            self.ends_on is None or self.ends_on >= day
        )


class PracticeClinician(Record):
    """Somebody who sees patients there."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="clinicians")
    name = models.CharField(max_length=160)
    npi = models.CharField(max_length=10, blank=True)
    specialty = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(npi__regex=NPI) & ~Q(name=""), name="practice_clinician_npi"),
            models.UniqueConstraint(fields=["practice", "name", "npi"], name="practice_clinician_once"),
        ]

    def __str__(self) -> str:
        return self.name
