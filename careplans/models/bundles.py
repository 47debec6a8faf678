"""Protocol bundles: sets of tasks that belong together, dated from one event; and each time one was started."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from careplans.models.tasks import TaskKind
from coordinator.accounts.roles import Role
from coordinator.clocks.values import Kind
from coordinator.db import Record, uuid7
from patients.models import Patient, hidden_from

FURTHEST_DAY = 730


class Counts(models.TextChoices):
    """How the days from the event are counted (the clock rules' kinds)."""

    BUSINESS = Kind.BUSINESS_DAYS.value, _("business days")
    CALENDAR = Kind.CALENDAR_DAYS.value, _("calendar days")


class GoesTo(models.TextChoices):
    COORDINATOR = "coordinator", _("The patient's coordinator")
    STARTER = "starter", _("Whoever starts the bundle")
    TEAM = "team", _("A team list")
    ROLE = "role", _("Somebody of a role")


ROLES_WITH_WORK = (Role.COORDINATOR, Role.LEAD, Role.MANAGER)


class BundleQuerySet(models.QuerySet["Bundle"]):
    def offered(self) -> BundleQuerySet:
        return self.filter(retired_at=None)


class Bundle(Record):
    """A protocol as a set of tasks. Belongs to the whole clinic, like visit types."""

    name = models.CharField(max_length=120)
    program = models.CharField(max_length=40, blank=True)
    anchor = models.CharField(max_length=60)  # what the days count from: "Discharge"
    about = models.CharField(max_length=300, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = BundleQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(models.functions.Lower("name"), name="bundle_name_once")]

    def __str__(self) -> str:
        return self.name


class BundleItem(models.Model):
    """One task of a bundle. `days` after the event, 0 for the day itself; `checklist` holds lines of text."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="items")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=30, choices=TaskKind.choices, default=TaskKind.OTHER)
    title = models.CharField(max_length=200)
    next_step = models.CharField(max_length=200, blank=True)
    days = models.PositiveSmallIntegerField(validators=[MaxValueValidator(FURTHEST_DAY)])
    counts = models.CharField(max_length=20, choices=Counts.choices, default=Counts.BUSINESS)
    goes_to = models.CharField(max_length=20, choices=GoesTo.choices, default=GoesTo.COORDINATOR)
    team_name = models.CharField(max_length=120, blank=True)  # the list of that name at the patient's place
    role = models.CharField(
        max_length=20, blank=True, choices=[(role, role.label) for role in ROLES_WITH_WORK]
    )
    checklist = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(condition=Q(days__lte=FURTHEST_DAY), name="bundle_item_days"),
            models.CheckConstraint(condition=Q(counts__in=Counts.values), name="bundle_item_counts"),
            models.CheckConstraint(condition=Q(goes_to__in=GoesTo.values), name="bundle_item_goes_to"),
            models.CheckConstraint(condition=~Q(goes_to="role") | ~Q(role=""), name="bundle_item_role"),
        ]

    def __str__(self) -> str:
        return self.title


class StartedBundleQuerySet(models.QuerySet["StartedBundle"]):
    def visible_to(self, user: Any) -> StartedBundleQuerySet:
        if not user.can("tasks.view"):
            return self.none()
        mine = self.filter(patient__site__in=user.site_ids)
        return mine.exclude(patient__in=hidden_from(user))

    def running(self) -> StartedBundleQuerySet:
        return self.filter(cancelled_at=None)


class StartedBundle(Record):
    """A bundle started for a patient: the cause of its tasks. `start_key` lets the same start happen once."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="bundles")
    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="started")
    name = models.CharField(max_length=120)  # as it was called then
    anchor_on = models.DateField()
    start_key = models.CharField(max_length=120)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    cancel_reason = models.CharField(max_length=200, blank=True)

    objects = StartedBundleQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["start_key"], condition=Q(cancelled_at=None), name="bundle_started_once"
            ),
        ]
        indexes = [models.Index(fields=["patient", "-created_at"], name="bundle_of_patient")]

    def __str__(self) -> str:
        return self.name
