"""The rules register, business calendars, and clocks: deadlines that keep how they were worked out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Func, Q, Value

from coordinator.clocks import rules
from coordinator.clocks.vectors import Vector
from coordinator.clocks.workflow import OPEN, WORKFLOW, State
from coordinator.db import Record, uuid7
from coordinator.workflow import Change

if TYPE_CHECKING:
    from coordinator.accounts.models import User

KINDS: list[tuple[str, str]] = [(kind.value, kind.value.replace("_", " ")) for kind in rules.Kind]


def weekend() -> list[int]:
    return [5, 6]


class BusinessCalendar(models.Model):
    """Which days are open. Every change of its days raises `version`; clocks keep the version they used."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80, unique=True)
    zone = models.CharField(max_length=64)
    version = models.PositiveIntegerField(default=1)
    # Monday = 0
    closed_weekdays = ArrayField(models.PositiveSmallIntegerField(), default=weekend)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Holiday(models.Model):
    """One closed day of one calendar."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    calendar = models.ForeignKey(BusinessCalendar, on_delete=models.CASCADE, related_name="holidays")
    date = models.DateField()
    name = models.CharField(max_length=80)

    class Meta:
        ordering = ["date"]
        constraints = [models.UniqueConstraint(fields=["calendar", "date"], name="holiday_once")]

    def __str__(self) -> str:
        return f"{self.date:%Y-%m-%d} {self.name}"


class Rule(models.Model):
    """One deadline the register knows, such as `tcm.contact`. What it says is in its dated versions."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=80, unique=True)
    title = models.CharField(max_length=160)
    area = models.CharField(max_length=60)

    class Meta:
        ordering = ["area", "key"]

    def __str__(self) -> str:
        return self.key


class RuleVersionQuerySet(models.QuerySet["RuleVersion"]):
    def in_force(self, on: date) -> RuleVersionQuerySet:
        """Versions whose dates include this day; at most one per rule."""
        return self.filter(Q(effective_to__isnull=True) | Q(effective_to__gte=on), effective_from__lte=on)


class RuleVersion(models.Model):
    """What a rule says from one day to another (both included), with its source.

    `verified` says whether somebody compared it with the source; what ships unverified says so on screen.
    `calendar` is the calendar the rule itself names (federal); without one the caller's calendar counts. `approved_by`
    names who approved a clinic's own version; those that ship have none.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    effective_from = models.DateField()
    effective_to = models.DateField(null=True, blank=True)
    kind = models.CharField(max_length=20, choices=KINDS)
    params = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    calendar = models.ForeignKey(
        BusinessCalendar, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    source = models.TextField()
    source_url = models.TextField(blank=True)
    citation = models.CharField(max_length=200, blank=True)
    vectors = models.JSONField(default=list, encoder=DjangoJSONEncoder)  # test dates, see vectors.py
    verified = models.BooleanField(default=False)
    approved_by = models.CharField(max_length=120, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)

    objects = RuleVersionQuerySet.as_manager()

    class Meta:
        ordering = ["rule", "version"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "version"], name="rule_version_once"),
            models.CheckConstraint(
                condition=Q(effective_to__isnull=True) | Q(effective_to__gte=F("effective_from")),
                name="rule_version_dates",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[kind.value for kind in rules.Kind]), name="rule_version_kind"
            ),
            ExclusionConstraint(
                name="rule_versions_never_overlap",
                expressions=[
                    ("rule", RangeOperators.EQUAL),
                    (
                        Func(
                            "effective_from",
                            "effective_to",
                            Value("[]"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule.key} v{self.version}"

    @property
    def test_dates(self) -> list[Vector]:
        return [Vector.read(data) for data in self.vectors]

    def terms(self) -> rules.Terms:
        """This version as plain data for the pure functions."""
        return rules.Terms.read(
            kind=self.kind,
            params=self.params,
            key=self.rule.key,
            version=self.version,
            title=self.rule.title,
            source=self.source,
            since=self.effective_from,
            verified=self.verified,
        )


class ClockQuerySet(models.QuerySet["Clock"]):
    def visible_to(self, user: User) -> ClockQuerySet:
        """Clocks of the person's sites. Those without a site are reached through what they are about."""
        return self.filter(site__in=user.site_ids)

    def open(self) -> ClockQuerySet:
        return self.filter(state__in=OPEN)

    def running(self) -> ClockQuerySet:
        return self.filter(state=State.RUNNING)

    def past_due(self, now: datetime) -> ClockQuerySet:
        """Running clocks whose last second is over. Sub-seconds do not count: 23:59:59.9 is still the due day."""
        return self.running().filter(due_at__lt=now.replace(microsecond=0))

    def due_within(self, hours: int, now: datetime) -> ClockQuerySet:
        return self.running().filter(due_at__gte=now, due_at__lt=now + timedelta(hours=hours))

    def about(self, subjects: Iterable[models.Model]) -> ClockQuerySet:
        """Clocks about these records, whatever their models."""
        by_type: dict[str, set[Any]] = {}
        for subject in subjects:
            by_type.setdefault(subject._meta.label_lower, set()).add(subject.pk)
        wanted = Q(pk__in=[])
        for subject_type, keys in by_type.items():
            wanted |= Q(subject_type=subject_type, subject_id__in=keys)
        return self.filter(wanted)


class Clock(Record):
    """One deadline about one record. `due_at` is UTC; `due_on` the local day in `zone`, None for hour rules.

    The subject is a generic reference without a foreign key, because the floor knows no app above it.
    Rule version, calendar version and every step are kept: later changes of either never move this clock.
    """

    subject_type = models.CharField(max_length=80)
    subject_id = models.UUIDField()
    kind = models.CharField(max_length=80)
    rule_version = models.ForeignKey(RuleVersion, on_delete=models.PROTECT, related_name="+")
    calendar = models.ForeignKey(BusinessCalendar, null=True, on_delete=models.PROTECT, related_name="+")
    calendar_version = models.PositiveIntegerField(null=True)
    zone = models.CharField(max_length=64)
    anchor_at = models.DateTimeField()
    anchor_label = models.CharField(max_length=120, blank=True)
    due_at = models.DateTimeField()
    due_on = models.DateField(null=True)
    original_due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    met_at = models.DateTimeField(null=True)
    held_since = models.DateTimeField(null=True)
    held_seconds = models.PositiveBigIntegerField(default=0)
    warn_marks = ArrayField(models.DateTimeField(), default=list)
    next_warn_at = models.DateTimeField(null=True)
    explanation = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    site = models.ForeignKey("accounts.Site", null=True, on_delete=models.PROTECT, related_name="+")
    owner_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    workflow: ClassVar = WORKFLOW
    objects = ClockQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="clock_state_known"),
            models.CheckConstraint(
                condition=Q(state=State.HELD, held_since__isnull=False)
                | ~Q(state=State.HELD) & Q(held_since=None),
                name="clock_held_since_when",
            ),
            models.CheckConstraint(
                condition=Q(state=State.MET, met_at__isnull=False) | ~Q(state=State.MET),
                name="clock_met_when",
            ),
            models.UniqueConstraint(
                fields=["subject_type", "subject_id", "kind"],
                condition=Q(state__in=[str(state) for state in OPEN]),
                name="clock_one_open_per_kind",
            ),
            models.UniqueConstraint(
                fields=["subject_type", "subject_id", "kind", "anchor_at"],
                condition=~Q(state=State.VOID),
                name="clock_once_per_event",
            ),
        ]
        indexes = [
            models.Index(fields=["subject_type", "subject_id"], name="clock_subject"),
            models.Index(fields=["due_at"], condition=Q(state=State.RUNNING), name="clock_sweep"),
            models.Index(fields=["next_warn_at"], condition=Q(state=State.RUNNING), name="clock_warn"),
            models.Index(fields=["site", "state", "due_at"], name="clock_site_due"),
            models.Index(
                fields=["owner_user", "due_at"], condition=Q(state=State.RUNNING), name="clock_owner_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

    # The floor's `move()` speaks of a status; the field's word for a clock is its state.
    @property
    def status(self) -> str:
        return self.state

    @status.setter
    def status(self, value: str) -> None:
        self.state = value

    def get_status_display(self) -> str:
        return str(State(self.state).label)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    def is_past_due(self, now: datetime) -> bool:
        """True from the first second after the deadline; a clock on hold is never past due."""
        return self.state == State.RUNNING and self.due_at < now.replace(microsecond=0)

    @property
    def met_late(self) -> bool:
        return (
            self.state == State.MET
            and self.met_at is not None
            and self.due_at < self.met_at.replace(microsecond=0)
        )

    def time_left(self, now: datetime) -> timedelta:
        """Until the deadline; negative once it has passed. Of a held clock: what was left when the hold began."""
        return self.due_at - (self.held_since or now)

    def share_used(self, now: datetime) -> float:
        """How much of the time is used, 0.0 to 1.0, for the bar on a card."""
        whole = (self.due_at - self.anchor_at).total_seconds()
        used = ((self.held_since or now) - self.anchor_at).total_seconds()
        return min(max(used / whole, 0.0), 1.0) if whole > 0 else float(used > 0)


class ClockEvent(Change):
    """What happened to a clock, in order: start, hold, resume, extend, warn, meet, miss, reopen, void.

    A trigger refuses update and delete. `facts` holds days, new due times and the like.
    """

    clock = models.ForeignKey(Clock, on_delete=models.PROTECT, related_name="changes")

    class Meta(Change.Meta):
        indexes = [models.Index(fields=["clock", "at"], name="clock_event_at")]


from coordinator.clocks.proposal_models import Decision, RuleProposal  # noqa: E402, F401  (stands on the models above)
