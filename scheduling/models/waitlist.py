"""Who waits for a visit and what would suit them; which time was offered to whom, and what they said."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Practitioner, Site
from coordinator.clocks.models import Clock
from coordinator.db import Record
from coordinator.workflow import Change
from patients.models import Patient, hidden_from
from scheduling.models.visits import Appointment, Service, TimeRange
from scheduling.waitlist_workflow import ENTRY_WORKFLOW, OFFER_WORKFLOW, WAITS, EntryStatus, OfferStatus


class PartOfDay(models.TextChoices):
    ANY = "", _("Any time of day")
    MORNING = "morning", _("Morning")
    AFTERNOON = "afternoon", _("Afternoon")


class EntryQuerySet(models.QuerySet["WaitlistEntry"]):
    def visible_to(self, user: Any) -> EntryQuerySet:
        if not user.can("visits.view"):
            return self.none()
        mine = self.filter(site__in=user.site_ids).exclude(status=EntryStatus.ENTERED_IN_ERROR)
        return mine.exclude(patient__in=hidden_from(user))

    def open(self) -> EntryQuerySet:
        """Those who still wait, with a time offered to them or not."""
        return self.filter(status__in=WAITS)

    def waiting(self) -> EntryQuerySet:
        """Those to whom a time can be offered."""
        return self.filter(status=EntryStatus.WAITING)


class WaitlistEntry(Record):
    """Somebody who waits for a visit. Empty limits mean that anything suits; days are the site's local days."""

    workflow = ENTRY_WORKFLOW

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="waitlist_entries")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="waitlist_entries")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="waitlist_entries")
    practitioner = models.ForeignKey(
        Practitioner, null=True, blank=True, on_delete=models.PROTECT, related_name="waitlist_entries"
    )
    earliest_on = models.DateField(null=True, blank=True)
    latest_on = models.DateField(null=True, blank=True)
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)  # Monday is 0
    part_of_day = models.CharField(max_length=10, choices=PartOfDay.choices, blank=True, default="")
    priority = models.CharField(
        max_length=10, choices=[("routine", _("Routine")), ("urgent", _("Urgent"))], default="routine"
    )
    since = models.DateTimeField()  # when they began to wait; editing never resets it
    note = models.CharField(max_length=250, blank=True)
    status = models.CharField(max_length=20, choices=EntryStatus.choices, default=EntryStatus.WAITING)
    # What came of it.
    appointment = models.ForeignKey(
        Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="waitlist_entries"
    )

    objects = EntryQuerySet.as_manager()

    class Meta:
        ordering = ["since", "id"]
        constraints = [
            ENTRY_WORKFLOW.check_constraint("waitlist_entry_status_known"),
            models.CheckConstraint(
                condition=Q(earliest_on=None) | Q(latest_on=None) | Q(latest_on__gte=F("earliest_on")),
                name="waitlist_entry_period",
            ),
            models.CheckConstraint(
                condition=~Q(status=EntryStatus.BOOKED) | Q(appointment__isnull=False),
                name="waitlist_entry_booked_with_a_visit",
            ),
            models.UniqueConstraint(
                fields=["patient", "service", "site"],
                condition=Q(status__in=list(WAITS)),
                name="waitlist_entry_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["site", "service", "since"],
                condition=Q(status__in=list(WAITS)),
                name="waitlist_entry_waits",
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


class WaitlistEntryChange(Change):
    record = models.ForeignKey(WaitlistEntry, on_delete=models.PROTECT, related_name="changes")


class OfferQuerySet(models.QuerySet["WaitlistOffer"]):
    def visible_to(self, user: Any) -> OfferQuerySet:
        if not user.can("visits.view"):
            return self.none()
        mine = self.filter(site__in=user.site_ids).exclude(status=OfferStatus.ENTERED_IN_ERROR)
        return mine.exclude(entry__patient__in=hidden_from(user))

    def open(self) -> OfferQuerySet:
        return self.filter(status=OfferStatus.OFFERED)


class WaitlistOffer(Record):
    """A time offered to somebody who waits, until `answer_by`. It holds nobody's time: who books first has it.

    `freed_by` is the cancelled visit whose time it is; `because` says why this person, one sentence each.
    """

    workflow = OFFER_WORKFLOW

    entry = models.ForeignKey(WaitlistEntry, on_delete=models.PROTECT, related_name="offers")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="waitlist_offers")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="waitlist_offers")
    freed_by = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="waitlist_offers")
    start = models.DateTimeField()
    end = models.DateTimeField()
    because = models.JSONField(default=list)
    offered_at = models.DateTimeField()
    answer_by = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    clock = models.ForeignKey(Clock, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=20, choices=OfferStatus.choices, default=OfferStatus.OFFERED)

    objects = OfferQuerySet.as_manager()

    class Meta:
        ordering = ["start", "offered_at"]
        constraints = [
            OFFER_WORKFLOW.check_constraint("waitlist_offer_status_known"),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="waitlist_offer_period"),
            models.UniqueConstraint(
                fields=["entry"],
                condition=Q(status=OfferStatus.OFFERED),
                name="waitlist_offer_one_per_person",
            ),
            # One person at a time is asked about a time.
            ExclusionConstraint(
                name="waitlist_offer_one_per_time",
                expressions=[
                    (TimeRange("start", "end"), RangeOperators.OVERLAPS),
                    ("practitioner", RangeOperators.EQUAL),
                ],
                condition=Q(status=OfferStatus.OFFERED),
            ),
        ]
        indexes = [
            models.Index(
                fields=["answer_by"], condition=Q(status=OfferStatus.OFFERED), name="waitlist_offer_open"
            ),
            models.Index(fields=["practitioner", "start"], name="waitlist_offer_time"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class WaitlistOfferChange(Change):
    record = models.ForeignKey(WaitlistOffer, on_delete=models.PROTECT, related_name="changes")
