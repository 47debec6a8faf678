"""The handover sheet: everything of a person that falls due while they are away, by patient, and what was done meanwhile.

Reads only; the number of queries does not depend on how much there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from careplans.models import CarePlan, Task, TaskChange
from careplans.rules import end_of_day
from careplans.selectors import change_words
from careplans.workflow import PlanStatus, TaskStatus
from coordinator.accounts.models import Delegation, User
from coordinator.clocks.models import Clock
from coordinator.wording import week_day
from patients.models import Patient
from referrals.models import PriorAuthorization, Referral, ReferralChange
from referrals.workflow import IN_FORCE
from scheduling.models import Appointment
from scheduling.workflow import UPCOMING

BACK_FOR = timedelta(days=3)  # what was done meanwhile is offered this long
MOST = 1000  # rows of one kind; nobody hands over more by hand


@dataclass
class Item:
    """One thing to hand over. `due_at` is UTC; `by_rule`: a rule set the deadline; `url`: a path, "" for none."""

    key: UUID
    kind: str
    what: str
    patient: Patient | None
    site_id: UUID
    due_at: datetime | None
    due_has_time: bool = False
    by_rule: bool = False
    promised: bool = False
    why: str = ""
    route: str = ""
    delegate_id: int = 0
    delegate_name: str = ""
    misfit: bool = False  # whoever should do it does not work at its place

    @property
    def patient_id(self) -> UUID | None:
        return self.patient.pk if self.patient else None


@dataclass
class Bundle:
    """What belongs to one patient, or to none."""

    patient: Patient | None
    items: list[Item] = field(default_factory=list)

    @property
    def key(self) -> str:
        return str(self.patient.pk) if self.patient else "none"

    @property
    def first_due(self) -> datetime | None:
        return min((item.due_at for item in self.items if item.due_at), default=None)

    @property
    def same_delegate(self) -> int:
        """Who does all of it, or 0 when several do."""
        found = {item.delegate_id for item in self.items}
        return found.pop() if len(found) == 1 else 0


@dataclass
class Sheet:
    cover: Delegation
    bundles: list[Bundle]

    @property
    def items(self) -> list[Item]:
        return [item for bundle in self.bundles for item in bundle.items]

    @property
    def misfits(self) -> int:
        return sum(item.misfit for item in self.items)


def read_sheet(cover: Delegation, user: User, now: datetime) -> Sheet:
    """Open work of the person that is due before the end of the cover or has no date, soonest patient first.

    Tasks, promised call-backs, referrals, authorizations, their patients' visits and plan reviews, and deadlines of
    rules that stand on none of these. `user` sees only what they may see anyway.
    """
    items = [item for read in READERS for item in read(cover, user, now)]
    items += _other_clocks(cover, user, items)
    singly = dict(cover.parts.values_list("record_id", "delegate_id"))
    names, sites = _people({cover.delegate_id, *singly.values()})
    for item in items:
        item.delegate_id = singly.get(item.key, cover.delegate_id)
        item.delegate_name = names.get(item.delegate_id, "")
        item.misfit = item.site_id not in sites.get(item.delegate_id, set())
    return Sheet(cover, _bundled(items))


def _people(keys: set[int]) -> tuple[dict[int, str], dict[int, set[UUID]]]:
    """Names and places of these colleagues; who left works nowhere (one query)."""
    names: dict[int, str] = {}
    sites: dict[int, set[UUID]] = {}
    for key, name, active, site in User.objects.filter(pk__in=keys).values_list(
        "pk", "name", "is_active", "sites"
    ):
        names[key] = name
        if active:
            sites.setdefault(key, set()).add(site)
    return names, sites


def _bundled(items: list[Item]) -> list[Bundle]:
    bundles: dict[Any, Bundle] = {}
    for item in items:
        key = item.patient.pk if item.patient else None
        bundles.setdefault(key, Bundle(item.patient)).items.append(item)
    for bundle in bundles.values():
        bundle.items.sort(key=lambda item: (item.due_at is None, item.due_at or 0, item.what))
    return sorted(
        bundles.values(),
        key=lambda one: (
            one.patient is None,
            one.first_due is None,
            one.first_due or 0,
            one.patient.search_name if one.patient else "",
        ),
    )


def _due(cover: Delegation) -> Q:
    return Q(due_at__lt=cover.ends_at) | Q(due_at=None)


def _tasks(cover: Delegation, user: User, now: datetime) -> Iterator[Item]:
    """Snoozed ones count by the time they come back: a call promised for then is a promise."""
    waking = Q(status=TaskStatus.ON_HOLD, wake_at__lt=cover.ends_at)
    awake = ~Q(status=TaskStatus.ON_HOLD) & _due(cover)
    tasks = Task.objects.visible_to(user).open().filter(waking | awake, owner=cover.person)
    for task in tasks.select_related("patient").order_by("due_at", "pk")[:MOST]:
        snoozed = task.status == TaskStatus.ON_HOLD
        yield Item(
            task.pk,
            _("Call-back") if snoozed and task.last_contact_at else _("Task"),
            task.title,
            task.patient,
            task.site_id,
            task.wake_at if snoozed else task.due_at,
            snoozed or task.due_has_time,
            by_rule=task.clock_id is not None,
            promised=snoozed,
            why=task.hold_reason if snoozed else task.reason,
            route="careplans:task_detail",
        )


def _referrals(cover: Delegation, user: User, now: datetime) -> Iterator[Item]:
    mine = Referral.objects.visible_to(user).open().filter(_due(cover), owner=cover.person)
    for referral in mine.select_related("patient").order_by("due_at", "pk")[:MOST]:
        yield Item(
            referral.pk,
            _("Referral"),
            f"{referral.specialty} · {referral.reference}",
            referral.patient,
            referral.site_id,
            referral.due_at,
            referral.due_has_time,
            by_rule=referral.clock_id is not None,
            why=referral.next_step_words,
            route="referrals:referral_detail",
        )


def _authorizations(cover: Delegation, user: User, now: datetime) -> Iterator[Item]:
    """Those with a date in the span, and approvals that end in it."""
    first, last = cover.first_day, cover.last_day
    ending = Q(status__in=IN_FORCE, ends_on__range=(first, last))
    mine = PriorAuthorization.objects.visible_to(user).open().filter(owner=cover.person)
    dated = ~Q(status__in=IN_FORCE) & _due(cover)
    for one in mine.filter(ending | dated).select_related("patient__site").order_by("due_at", "pk")[:MOST]:
        ends = one.ends_on if one.status in IN_FORCE else None
        yield Item(
            one.pk,
            _("Prior authorization"),
            one.service,
            one.patient,
            one.site_id,
            end_of_day(ends, one.patient.zone) if ends else one.due_at,
            by_rule=one.clock_id is not None and not ends,
            why=_("The approval ends.") if ends else one.next_step_words,
            route="referrals:authorization_detail",
        )


def _visits(cover: Delegation, user: User, now: datetime) -> Iterator[Item]:
    start = max(cover.starts_at, now)
    visits = Appointment.objects.visible_to(user).filter(
        patient__coordinator=cover.person, status__in=UPCOMING, start__gte=start, start__lt=cover.ends_at
    )
    for visit in visits.select_related("patient", "service", "practitioner").order_by("start", "pk")[:MOST]:
        yield Item(
            visit.pk,
            _("Visit"),
            visit.service.name,
            visit.patient,
            visit.site_id,
            visit.start,
            visit.time_known,
            why=str(visit.practitioner or ""),
            route="scheduling:appointment_detail",
        )


def _reviews(cover: Delegation, user: User, now: datetime) -> Iterator[Item]:
    plans = CarePlan.objects.visible_to(user).filter(
        patient__coordinator=cover.person,
        patient__status="active",
        status=PlanStatus.ACTIVE,
        next_review_on__lte=cover.last_day,
    )
    for plan in plans.select_related("patient__site").order_by("next_review_on", "pk")[:MOST]:
        yield Item(
            plan.pk,
            _("Plan review"),
            plan.title,
            plan.patient,
            plan.patient.site_id,
            end_of_day(plan.next_review_on, plan.patient.zone),
            route="careplans:plan_detail",
        )


READERS = (_tasks, _referrals, _authorizations, _visits, _reviews)


def _other_clocks(cover: Delegation, user: User, items: list[Item]) -> Iterator[Item]:
    """Deadlines of rules that this person answers for and that no row above shows."""
    shown = [item.key for item in items]
    mine = Clock.objects.visible_to(user).open().filter(owner_user=cover.person, due_at__lt=cover.ends_at)
    left = mine.exclude(subject_id__in=shown).exclude(
        pk__in=Task.objects.open().exclude(clock=None).values("clock")
    )
    for clock in left.select_related("rule_version__rule").order_by("due_at", "pk")[:MOST]:
        yield Item(
            clock.pk,
            pgettext("rule", "Deadline"),
            clock.rule_version.rule.title,
            None,
            clock.site_id,
            clock.due_at,
            clock.due_on is None,
            by_rule=True,
        )


@dataclass(frozen=True)
class Done:
    """One line of what colleagues did meanwhile."""

    at: datetime
    who: str
    what: str
    words: Any
    patient: Patient | None


def done_meanwhile(cover: Delegation, user: User, now: datetime, most: int = 300) -> list[Done]:
    """What others did, while the cover lasted, on the person's tasks and referrals, latest first (two queries)."""
    until = min(cover.ends_at, now)
    tasks = TaskChange.objects.filter(
        Q(record__owner=cover.person) | Q(facts__from_owner=str(cover.person_id)),
        record__in=Task.objects.visible_to(user),
        at__gte=cover.starts_at,
        at__lt=until,
    ).exclude(by=cover.person)
    referrals = ReferralChange.objects.filter(
        record__owner=cover.person,
        record__in=Referral.objects.visible_to(user),
        at__gte=cover.starts_at,
        at__lt=until,
    ).exclude(by=cover.person)
    system = _("The system")
    found = [
        Done(c.at, c.by.name if c.by else system, c.record.title, change_words(c.step), c.record.patient)
        for c in tasks.select_related("by", "record__patient").order_by("-at", "-id")[:most]
    ]
    found += [
        Done(
            c.at,
            c.by.name if c.by else system,
            f"{c.record.specialty} · {c.record}",
            c.words,
            c.record.patient,
        )
        for c in referrals.select_related("by", "record__patient").order_by("-at", "-id")[:most]
    ]
    return sorted(found, key=lambda done: done.at, reverse=True)[:most]


@dataclass(frozen=True)
class LeaveNote:
    """A line over My work about leave: `cover` is the page it opens."""

    text: str
    cover: Delegation


def leave_notes(user: User, now: datetime) -> list[LeaveNote]:
    """Being away, standing in, and for three days what was done while one was away (one query)."""
    near = Delegation.objects.filter(Q(person=user) | Q(delegate=user) | Q(parts__delegate=user)).distinct()
    near = near.filter(starts_at__lte=now, ends_at__gt=now - BACK_FOR)
    notes = []
    for cover in near.select_related("person", "delegate").order_by("starts_at"):
        own, is_on = cover.person_id == user.pk, cover.is_on(now)
        words = {"name": cover.delegate.name if own else cover.person.name, "day": week_day(cover.last_day)}
        if own and is_on:
            text = _("You are on leave until %(day)s; %(name)s stands in.")
        elif is_on:
            text = _("You stand in for %(name)s until %(day)s.")
        elif own and cover.ends_at > cover.starts_at:
            text = _("You are back. %(name)s stood in for you until %(day)s.")
        else:
            continue
        notes.append(LeaveNote(text % words, cover))
    return notes
