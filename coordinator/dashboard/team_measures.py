"""What the team board counts. Each measure is one queryset: its number and the list behind it cannot differ.

Restricted patients and their work are in no figure and no list: the board is the same for all who may open it.

A day is a local day of the record's site. Who a record counts for is in `person`: the patient's coordinator, or the
owner of the work; nobody for a team's list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    DateField,
    DateTimeField,
    Exists,
    Expression,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from careplans.models import ContactAttempt, Task
from careplans.rules import CONTACT_EVERY_DAYS, TIER_WEIGHTS
from careplans.workflow import TaskStatus
from coordinator.clocks.models import Clock
from coordinator.clocks.workflow import State
from patients.models import Patient, Tier
from referrals.models import PriorAuthorization, Referral
from scheduling.models import Appointment
from scheduling.workflow import Status

PERIODS = (7, 30, 90)
AT_RISK_HOURS = 24
COMING_DAYS = 7
WEEKS = 8
AGES = ((3, "young"), (8, "older"), (None, "old"))  # days overdue: under 3, under 8, more
Text = str | Promise


@dataclass(frozen=True)
class Scope:
    """Which sites, seen when: `zones` maps a zone to its sites' keys; `days` is the period looked back on."""

    zones: Mapping[str, frozenset[UUID]]
    now: datetime
    days: int = 7

    @property
    def sites(self) -> frozenset[UUID]:
        return frozenset().union(*self.zones.values())

    def today(self, zone: str) -> date:
        return self.now.astimezone(ZoneInfo(zone)).date()

    def by_zone(self, site: str, condition: Callable[[str], Q]) -> Q:
        """A condition that needs to know the local day, for every site on its own clock."""
        wanted = Q(pk__in=[])
        for zone, sites in self.zones.items():
            wanted |= Q(**{f"{site}__in": sites}) & condition(zone)
        return wanted


def starts(day: date, zone: str) -> datetime:
    """The first instant of a local day."""
    return datetime.combine(day, time(), ZoneInfo(zone))


@dataclass(frozen=True)
class Measure:
    """One figure. `rows(scope)` are its records; `person` and `site` name the paths to whom and where it counts."""

    key: str
    label: Text
    counted: Text  # who is counted
    left_out: Text
    kind: str  # what the rows are: patients, tasks, visits, referrals, clocks
    rows: Callable[[Scope], QuerySet[Any]]
    person: str
    site: str = "site"
    in_period: bool = False
    amount: Any = None  # instead of the number of rows

    def tally(self, scope: Scope) -> QuerySet[Any]:
        """One row per site and person with the figure `n`."""
        return tally(self.rows(scope), self.site, self.person, self.name(scope), self.amount or Count("pk"))

    def name(self, scope: Scope) -> str:
        """The figure's name in the rollup."""
        return f"{self.key}_{scope.days}" if self.in_period else self.key


def tally(rows: QuerySet[Any], site: str, person: str | None, name: Any, amount: Any) -> QuerySet[Any]:
    """Rows as (name, site, person, number), ready to be put under one another."""
    who: Expression | F = F(person) if person else Value(None, output_field=BigIntegerField())
    return (
        rows.order_by()
        .annotate(
            figure=name if isinstance(name, Expression) else Value(name), counted_at=F(site), counts_for=who
        )
        .values("figure", "counted_at", "counts_for")
        .annotate(number=amount)
        .values_list("figure", "counted_at", "counts_for", "number")
    )


def told(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Without what is about a restricted patient; what is about nobody stays."""
    return rows.exclude(patient__in=restricted())


def restricted() -> QuerySet[Any]:
    return Patient.objects.filter(is_restricted=True).order_by().values("pk")


# --- patients --------------------------------------------------------------------------------------------

WEIGHT = Case(
    *[When(tier=tier, then=Value(weight)) for tier, weight in TIER_WEIGHTS.items()],
    default=Value(0),
    output_field=IntegerField(),
)


def active_patients(scope: Scope) -> QuerySet[Any]:
    return Patient.objects.active().filter(site__in=scope.sites, is_restricted=False)


def high_risk(scope: Scope) -> QuerySet[Any]:
    return active_patients(scope).filter(tier__gte=Tier.HIGH)


def contacts_due(scope: Scope) -> QuerySet[Any]:
    """Nobody of us reached them within the days of their tier; who was never reached counts from registration.

    Rows carry `last_reached_at`. Said as "nobody was reached since" so that the database joins once instead of
    looking up each patient.
    """
    since = Case(
        *[
            When(site__in=sites, tier=tier, then=starts(scope.today(zone) - timedelta(days=days - 1), zone))
            for zone, sites in scope.zones.items()
            for tier, days in CONTACT_EVERY_DAYS.items()
        ],
        output_field=DateTimeField(),
    )
    reached = ContactAttempt.objects.filter(patient=OuterRef("pk"), reached=True)
    patients = active_patients(scope).annotate(since=since)
    return patients.filter(
        ~Exists(reached.filter(at__gte=OuterRef("since"))), Q(created_at__lt=F("since")) | Exists(reached)
    ).annotate(last_reached_at=Coalesce(Subquery(reached.order_by("-at").values("at")[:1]), F("created_at")))


# --- tasks, visits, referrals -----------------------------------------------------------------------------


def open_tasks(scope: Scope) -> QuerySet[Any]:
    return told(Task.objects.open().filter(site__in=scope.sites))


def overdue_tasks(scope: Scope) -> QuerySet[Any]:
    return told(Task.objects.overdue(scope.now).filter(site__in=scope.sites))


def coming_visits(scope: Scope) -> QuerySet[Any]:
    def near(zone: str) -> Q:
        return Q(start__lt=starts(scope.today(zone) + timedelta(days=COMING_DAYS + 1), zone))

    return told(Appointment.objects.upcoming(scope.now).filter(scope.by_zone("site", near)))


def no_shows(scope: Scope) -> QuerySet[Any]:
    def lately(zone: str) -> Q:
        return Q(start__gte=starts(scope.today(zone) - timedelta(days=scope.days - 1), zone))

    return told(
        Appointment.objects.filter(scope.by_zone("site", lately), status=Status.NO_SHOW, start__lte=scope.now)
    )


def referrals_overdue(scope: Scope) -> QuerySet[Any]:
    return told(Referral.objects.overdue(scope.now).filter(site__in=scope.sites))


# --- clocks -----------------------------------------------------------------------------------------------


def _with_owner(clocks: QuerySet[Any]) -> QuerySet[Any]:
    """Whose a clock is now: the owner of what carries it, or else whose it was when it started.

    Clocks about work for a restricted patient are left out.
    """
    for model in (Task, Referral, PriorAuthorization, Appointment):
        about = model.objects.filter(patient__is_restricted=True).order_by()  # type: ignore[attr-defined]
        clocks = clocks.exclude(subject_id__in=about.values("pk"))
    owners = [
        Subquery(model.objects.filter(clock=OuterRef("pk")).values("owner")[:1])  # type: ignore[attr-defined]
        for model in (Task, Referral, PriorAuthorization)
    ]
    return clocks.annotate(owned_by=Coalesce(*owners, F("owner_user_id"), output_field=BigIntegerField()))


def clocks_at_risk(scope: Scope) -> QuerySet[Any]:
    return _with_owner(Clock.objects.due_within(AT_RISK_HOURS, scope.now).filter(site__in=scope.sites))


def clocks_passed(scope: Scope) -> QuerySet[Any]:
    def lately(zone: str) -> Q:
        return Q(due_at__gte=starts(scope.today(zone) - timedelta(days=scope.days - 1), zone))

    unmet = Q(state__in=(State.RUNNING, State.MISSED)) | Q(state=State.MET, met_at__gt=F("due_at"))
    return _with_owner(Clock.objects.filter(unmet, scope.by_zone("site", lately), due_at__lt=scope.now))


# --- the register of measures -------------------------------------------------------------------------------

_EVERYONE_ACTIVE = _("Patients whose standing is active today.")
_NOT_ACTIVE = _("Deceased, transferred and inactive patients.")

MEASURES = {
    measure.key: measure
    for measure in (
        Measure(
            "active",
            _("Active patients"),
            _EVERYONE_ACTIVE,
            _NOT_ACTIVE,
            "patients",
            active_patients,
            "coordinator",
        ),
        Measure(
            "high",
            _("High and intensive"),
            _("Active patients in the tiers high and intensive."),
            _("The tiers low and rising. The points behind the tiers are ours and unvalidated."),
            "patients",
            high_risk,
            "coordinator",
        ),
        Measure(
            "load",
            _("Load"),
            _(
                "The sum of the weights of active patients: low 1, rising 2, high 4, intensive 6. Amber from 150, red from 200."
            ),
            _("Work itself: a load says how heavy a caseload is, not how much of it is done."),
            "patients",
            active_patients,
            "coordinator",
            amount=Sum(WEIGHT),
        ),
        Measure(
            "open",
            _("Open tasks"),
            _("Tasks that are not done and not closed, snoozed ones included, by their owner."),
            _("Finished and cancelled tasks. Tasks of a team list count for nobody."),
            "tasks",
            open_tasks,
            "owner",
        ),
        Measure(
            "overdue",
            _("Overdue tasks"),
            _("Open tasks whose date has passed. A task due on a day is overdue from the next day on."),
            _("Snoozed tasks, and tasks without a date."),
            "tasks",
            overdue_tasks,
            "owner",
        ),
        Measure(
            "contacts",
            _("Contacts due"),
            _(
                "Active patients nobody has reached within the days of their tier: low 90, rising 30, high 14, intensive 7. Due today counts."
            ),
            _(
                "Attempts that reached nobody do not count as contact. Who was never reached counts from the day of registration."
            ),
            "patients",
            contacts_due,
            "coordinator",
        ),
        Measure(
            "visits",
            _("Visits, next 7 days"),
            _(
                "Visits that are booked or wait for confirmation, from now to the end of the seventh day, by the patient's coordinator."
            ),
            _("Cancelled and moved visits."),
            "visits",
            coming_visits,
            "patient__coordinator",
        ),
        Measure(
            "no_shows",
            _("No-shows"),
            _("Visits in the period to which the patient did not come, by the patient's coordinator."),
            _(
                "No-shows that were corrected or rebooked from the missed visit, and visits without an outcome."
            ),
            "visits",
            no_shows,
            "patient__coordinator",
            in_period=True,
        ),
        Measure(
            "risk",
            _("Clocks at risk"),
            _(
                "Deadlines set by a rule that end within 24 hours and are not met yet, by the owner of the work."
            ),
            _("Clocks on hold, and deadlines that people set themselves."),
            "clocks",
            clocks_at_risk,
            "owned_by",
        ),
        Measure(
            "passed",
            _("Clocks passed"),
            _(
                "Deadlines set by a rule that ended in the period before they were met: still open, or met late."
            ),
            _("Clocks on hold or no longer applicable."),
            "clocks",
            clocks_passed,
            "owned_by",
            in_period=True,
        ),
        Measure(
            "referrals",
            _("Referrals overdue"),
            _("Open referrals whose next step is past its date, by owner."),
            _("Closed loops, and referrals without a date."),
            "referrals",
            referrals_overdue,
            "owner",
        ),
    )
}


# --- what the charts count -----------------------------------------------------------------------------------


def week_starts(scope: Scope, zone: str) -> list[date]:
    """The first days of the last eight stretches of seven days; the last one ends today."""
    return [scope.today(zone) - timedelta(days=7 * (WEEKS - n) - 1) for n in range(WEEKS)]


def opened_in_week(scope: Scope, number: int) -> QuerySet[Any]:
    return _in_week(scope, "opened_at", number)


def closed_in_week(scope: Scope, number: int) -> QuerySet[Any]:
    return _in_week(scope, "ended_at", number)


def _in_week(scope: Scope, field: str, number: int) -> QuerySet[Any]:
    def within(zone: str) -> Q:
        first = week_starts(scope, zone)[number]
        until = starts(first + timedelta(days=7), zone)
        return Q(**{f"{field}__gte": starts(first, zone), f"{field}__lt": until})

    return listed_tasks(scope).filter(scope.by_zone("site", within))


def listed_tasks(scope: Scope) -> QuerySet[Any]:
    return told(Task.objects.filter(site__in=scope.sites).exclude(status=TaskStatus.ENTERED_IN_ERROR))


class WeeksAgo(Func):
    """How many stretches of seven days lie between that moment's local day and today; 0 is the one that ends today."""

    arg_joiner = " - "
    template = "((%(expressions)s) / 7)"
    output_field = IntegerField()

    def __init__(self, field: str, zone: str, today: date) -> None:
        local = Func(Value(zone), F(field), function="timezone", output_field=DateTimeField())
        super().__init__(Cast(Value(today), DateField()), Cast(local, DateField()))


def age_band(scope: Scope) -> Case:
    """How long a task is overdue, as one of AGES."""
    whens = [
        When(due_at__gt=scope.now - timedelta(days=days), then=Value(band)) for days, band in AGES if days
    ]
    return Case(*whens, default=Value("old"))
