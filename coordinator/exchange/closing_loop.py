"""CMS50 "closing the referral loop: receipt of specialist report", counted from our own tables.

Source: CMS50 (eCQI, version for 2026). Initial population and denominator: a finished outpatient visit (or a completed
qualifying procedure) wholly in the year, and a first referral ordered from 1 January to 31 October. Numerator: the
report on that first referral came after it was ordered and in the year.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q

from coordinator.imports.models import CodedEvent
from referrals.models import Referral, ReferralChange
from referrals.workflow import ReferralStatus
from scheduling.models import Appointment
from scheduling.workflow import Status

MARGIN = timedelta(days=2)  # days are local; the rows are looked for a little wider
NOT_ORDERED = (ReferralStatus.DRAFT, ReferralStatus.WITHDRAWN)


@dataclass(frozen=True)
class FirstReferral:
    """A patient of the denominator: their first referral of the year, and whether its report came."""

    patient_id: UUID
    referral_id: UUID
    ordered_on: date
    has_report: bool


@dataclass(frozen=True)
class LoopFigures:
    year: int
    rows: tuple[FirstReferral, ...]

    @property
    def denominator(self) -> int:
        """The initial population is the same: the measure excludes nobody."""
        return len(self.rows)

    @property
    def numerator(self) -> int:
        return sum(row.has_report for row in self.rows)

    @property
    def rate(self) -> int | None:
        """Whole percent, None without a denominator."""
        return round(100 * self.numerator / self.denominator) if self.rows else None

    @property
    def missing(self) -> tuple[FirstReferral, ...]:
        return tuple(row for row in self.rows if not row.has_report)


def closing_the_loop(user: Any, year: int) -> LoopFigures:
    """The measure for everybody this person may see. Four queries, whatever the number of patients."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    seen = _had_a_visit(user, first, last)
    rows = [_row(order, first, last) for order in _first_orders(user, first, date(year, 10, 31))]
    return LoopFigures(year, tuple(row for row in rows if row.patient_id in seen))


def _had_a_visit(user: Any, first: date, last: date) -> set[UUID]:
    """Patients with an imported coded visit, or a visit here that took place."""
    done = Q(kind="encounter", status="finished") | Q(kind="procedure", status="completed")
    events = CodedEvent.objects.visible_to(user).filter(done, started_on__gte=first, ended_on__lte=last)
    found = set(events.values_list("patient_id", flat=True))
    near = _instants(first, last)
    visits = Appointment.objects.visible_to(user).filter(status=Status.FULFILLED, start__range=near)
    for patient_id, start, zone in visits.values_list("patient_id", "start", "zone"):
        if first <= start.astimezone(ZoneInfo(zone)).date() <= last:
            found.add(patient_id)
    return found


def _instants(first: date, last: date) -> tuple[datetime, datetime]:
    begin = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo("UTC"))
    return begin - MARGIN, begin + (last - first) + MARGIN + timedelta(days=1)


@dataclass(frozen=True)
class _Order:
    patient_id: UUID
    referral_id: UUID
    at: datetime
    on: date
    report_at: datetime | None
    report_on: date | None


def _first_orders(user: Any, first: date, last: date) -> Iterable[_Order]:
    """Each patient's earliest order in the referral period, imported or written here."""
    earliest: dict[UUID, _Order] = {}
    for order in _orders(user, first, last):
        known = earliest.get(order.patient_id)
        if first <= order.on <= last and (known is None or order.at < known.at):
            earliest[order.patient_id] = order
    return earliest.values()


def _orders(user: Any, first: date, last: date) -> Iterable[_Order]:
    near = _instants(first, last)
    completed = ReferralChange.objects.filter(record=OuterRef("pk"), step="complete")
    rows = Referral.objects.visible_to(user).annotate(completed=Exists(completed))
    imported = rows.filter(
        origin__is_referral=True, origin__intent="order", origin__source_status__in=("active", "completed"),
        origin__authored_at__range=near,
    )  # fmt: skip
    own = rows.filter(origin=None, created_at__range=near).exclude(status__in=NOT_ORDERED)
    names = ("patient_id", "pk", "site__zone", "report_received_at", "completed")
    for *said, authored_at, authored_on, report_at, report_on in imported.values_list(
        *names, "origin__authored_at", "origin__authored_on", "origin__report_at", "origin__report_on"
    ):
        patient_id, pk, zone, received_at, by_us = said
        if report_at is None and by_us:
            report_at, report_on = received_at, _local(received_at, zone)
        yield _Order(patient_id, pk, authored_at, authored_on, report_at, report_on)
    for patient_id, pk, zone, received_at, by_us, created_at in own.exclude(
        category=Referral.Category.SOCIAL
    ).values_list(*names, "created_at"):
        report = received_at if by_us else None
        yield _Order(
            patient_id, pk, created_at, _local(created_at, zone), report, report and _local(report, zone)
        )


def _local(moment: datetime | None, zone: str) -> Any:
    return moment.astimezone(ZoneInfo(zone)).date() if moment else None


def _row(order: _Order, first: date, last: date) -> FirstReferral:
    has_report = (
        order.report_at is not None
        and order.report_on is not None
        and order.report_at > order.at
        and first <= order.report_on <= last
    )
    return FirstReferral(order.patient_id, order.referral_id, order.on, has_report)
