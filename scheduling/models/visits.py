"""Services, rooms, availability, appointments and reminder rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Practitioner, Site
from coordinator.db import Record
from coordinator.workflow import Change
from patients.models import Encounter, Patient, hidden_from
from referrals.models import PriorAuthorization, Referral
from scheduling.workflow import HOLDING, UPCOMING, WORKFLOW, CancelledBy, Status


class Service(Record):
    """A visit type: what is booked and how many minutes it takes."""

    name = models.CharField(max_length=120, unique=True)
    minutes = models.PositiveSmallIntegerField(default=30)
    is_outside = models.BooleanField(default=False)  # happens elsewhere; we never see the arrival
    preparation = models.TextField(blank=True)
    no_show_grace_minutes = models.PositiveSmallIntegerField(default=15)
    # What it is billed as, and how many units of an authorization one visit uses. No codes: any approved line.
    codes = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    units = models.PositiveSmallIntegerField(default=1)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(minutes__gte=5, minutes__lte=600), name="service_minutes"),
            models.CheckConstraint(condition=Q(units__gte=1, units__lte=99), name="service_units"),
        ]

    def __str__(self) -> str:
        return self.name


class SiteScoped(models.QuerySet[Any]):
    """Rows of a site: seen by who works there and sees visits, or sets the schedule up."""

    def visible_to(self, user: Any) -> Any:
        if user.can("accounts.manage"):
            return self
        if not (user.can("visits.view") or user.can("settings.manage")):
            return self.none()
        return self.filter(site__in=user.site_ids)


class Room(Record):
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="rooms")
    name = models.CharField(max_length=60)
    is_active = models.BooleanField(default=True)

    objects = SiteScoped.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["site", "name"], name="room_name_per_site")]

    def __str__(self) -> str:
        return self.name


class Availability(Record):
    """A weekly template: a practitioner takes visits at a site from start to end, local time."""

    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="availability")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="availability")
    weekday = models.PositiveSmallIntegerField()  # Monday is 0
    starts = models.TimeField()
    ends = models.TimeField()
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    services = models.ManyToManyField(Service, blank=True)  # empty: any

    objects = SiteScoped.as_manager()

    class Meta:
        ordering = ["weekday", "starts"]
        constraints = [
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="availability_period"),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="availability_weekday"),
        ]
        indexes = [models.Index(fields=["site", "practitioner", "weekday"], name="availability_lookup")]


class Block(Record):
    """A time when a practitioner (or a whole site) takes no visits: lunch, leave, a meeting, a closed day."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="blocks")
    practitioner = models.ForeignKey(
        Practitioner, null=True, blank=True, on_delete=models.PROTECT, related_name="blocks"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=120)

    objects = SiteScoped.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="block_period")]
        indexes = [models.Index(fields=["site", "starts_at"], name="block_lookup")]


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def visible_to(self, user: Any) -> AppointmentQuerySet:
        if not user.can("visits.view"):
            return self.none()
        mine = self.filter(site__in=user.site_ids).exclude(status=Status.ENTERED_IN_ERROR)
        return mine.exclude(patient__in=hidden_from(user))

    def upcoming(self, now: datetime) -> AppointmentQuerySet:
        return self.filter(status__in=UPCOMING, start__gt=now)

    def holding(self) -> AppointmentQuerySet:
        """Appointments that keep their practitioner, room and patient busy."""
        return self.filter(status__in=HOLDING)

    def between(self, start: datetime, end: datetime) -> AppointmentQuerySet:
        return self.filter(start__gte=start, start__lt=end)


class TimeRange(Func):
    """`[start, end)` as a PostgreSQL range."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


def _no_overlap(name: str, resource: str, **more: bool) -> ExclusionConstraint:
    return ExclusionConstraint(
        name=name,
        expressions=[(TimeRange("start", "end"), RangeOperators.OVERLAPS), (resource, RangeOperators.EQUAL)],
        # An import may know the day only; such a visit holds nobody's time. An override is a decision with a reason.
        condition=Q(status__in=list(HOLDING), time_known=True, overlap_allowed=False, **more),
    )


class Appointment(Record):
    """A visit, planned. `start` and `end` are UTC; `zone` is the place's zone they were agreed in."""

    workflow = WORKFLOW

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="appointments")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="appointments")
    practitioner = models.ForeignKey(
        Practitioner, null=True, blank=True, on_delete=models.PROTECT, related_name="appointments"
    )
    room = models.ForeignKey(
        Room, null=True, blank=True, on_delete=models.PROTECT, related_name="appointments"
    )
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="appointments")
    start = models.DateTimeField()
    end = models.DateTimeField()
    zone = models.CharField(max_length=64)
    time_known = models.BooleanField(
        default=True
    )  # False: only the day is known (start is its local midnight)
    start_version = models.PositiveSmallIntegerField(
        default=1
    )  # counts agreed times; part of a reminder's key
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.BOOKED)
    priority = models.CharField(
        max_length=10, choices=[("routine", _("Routine")), ("urgent", _("Urgent"))], default="routine"
    )
    reason = models.CharField(max_length=250, blank=True)
    must_be_by = models.DateField(null=True, blank=True)
    is_outside = models.BooleanField(default=False)
    place = models.CharField(max_length=200, blank=True)
    # Holds nobody's time: only for records that come from elsewhere and overlap there.
    overlap_allowed = models.BooleanField(default=False)
    # The patient has two visits at once, with a reason; the practitioner and the room stay protected.
    patient_overlap_allowed = models.BooleanField(default=False)
    override_reason = models.CharField(max_length=250, blank=True)
    cancelled_by = models.CharField(max_length=10, choices=CancelledBy.choices, blank=True)
    replaces = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by"
    )
    referral = models.ForeignKey(
        Referral, null=True, blank=True, on_delete=models.PROTECT, related_name="appointments"
    )
    authorization = models.ForeignKey(
        PriorAuthorization, null=True, blank=True, on_delete=models.PROTECT, related_name="appointments"
    )
    units = models.PositiveSmallIntegerField(default=1)  # of the authorization, when it has one
    encounter = models.OneToOneField(
        Encounter, null=True, blank=True, on_delete=models.PROTECT, related_name="appointment"
    )
    booked_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        constraints = [
            WORKFLOW.check_constraint("appointment_status_known"),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="appointment_period"),
            models.CheckConstraint(
                condition=Q(overlap_allowed=False, patient_overlap_allowed=False) | ~Q(override_reason=""),
                name="appointment_override_has_reason",
            ),
            _no_overlap("appointment_practitioner_busy", "practitioner"),
            _no_overlap("appointment_room_busy", "room"),
            _no_overlap("appointment_patient_busy", "patient", patient_overlap_allowed=False),
        ]
        indexes = [
            models.Index(fields=["site", "start", "id"], name="appointment_day"),
            models.Index(fields=["practitioner", "start"], name="appointment_practitioner"),
            models.Index(fields=["patient", "-start"], name="appointment_patient"),
            models.Index(
                fields=["start"], condition=Q(status__in=list(UPCOMING)), name="appointment_upcoming"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class AppointmentChange(Change):
    record = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="changes")


class ReminderWindow(Record):
    """How long before a visit a reminder goes. Without a service it is the default for all."""

    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.PROTECT, related_name="reminder_windows"
    )
    days_before = models.PositiveSmallIntegerField()
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["-days_before"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "days_before"], nulls_distinct=False, name="reminder_window_once"
            ),
            models.CheckConstraint(
                condition=Q(days_before__gte=1, days_before__lte=60), name="reminder_window_days"
            ),
        ]
