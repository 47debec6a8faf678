""" "Nothing silent": whatever is open has an owner, a next step and a date. One statement finds what has not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _

from careplans.models import CarePlan, Task
from careplans.workflow import OPEN as TASK_OPEN
from careplans.workflow import PlanStatus, TaskStatus
from coordinator.accounts.models import Site
from coordinator.clocks.selectors import register
from coordinator.clocks.values import Kind
from patients.workflow import PatientStatus
from referrals.models import PriorAuthorization, Referral
from referrals.rules.referrals import NEXT_STEPS
from referrals.workflow import IN_FORCE, ReferralStatus
from scheduling.models import WaitlistEntry

KINDS = ("task", "referral", "authorization", "plan", "wait")
LISTED = 200
COLUMNS = ("what", "pk", "no_owner", "no_step", "no_date")
NOBODY = Q(owner__isnull=True, team__isnull=True)


@dataclass(frozen=True)
class Silent:
    """One open record that nobody would hear of, with what it lacks. `words` and `href` only for who may see it."""

    kind: str
    key: UUID
    no_owner: bool
    no_step: bool
    no_date: bool
    words: str = ""
    href: str = ""

    @property
    def missing(self) -> list[str]:
        """What it lacks, in words."""
        texts = (
            (self.no_owner, _("no owner")),
            (self.no_step, _("no next step")),
            (self.no_date, _("no date")),
        )
        return [text for is_missing, text in texts if is_missing]


def find_silent(*, now: datetime, site: Site | None = None, limit: int | None = None) -> list[Silent]:
    """Open tasks, referrals, authorizations, care plans and waits without an owner, a next step or a date.

    One statement over all five, and one that asks the register which deadlines it states there are none for.
    The date of an approval in force is the day it ends, or there is none because the payer said so. Who waits for a
    visit has all three from the open task that goes with the wait.
    """
    first, *others = (_lacking(kind, rows, site) for kind, rows in zip(KINDS, _open_rows(now), strict=True))
    found = first.union(*others, all=True).order_by("what", "pk")
    return [Silent(*row) for row in (found[:limit] if limit else found)]


def _open_rows(now: datetime) -> tuple[Any, ...]:
    """Each kind's open rows with what counts as no owner, no next step and no date."""
    tasks = Task.objects.filter(status__in=[status for status in TASK_OPEN if status != TaskStatus.DRAFT])
    referrals = Referral.objects.filter(loop_closed_at__isnull=True).exclude(
        status=ReferralStatus.ENTERED_IN_ERROR
    )
    authorizations = PriorAuthorization.objects.open()
    plans = CarePlan.objects.filter(
        status=PlanStatus.ACTIVE, is_imported=False, patient__status=PatientStatus.ACTIVE
    )
    lasting = Q(status__in=IN_FORCE) & (Q(ends_on__isnull=False) | Q(has_no_end=True))
    looked_after = Task.objects.open().filter(cause_id=OuterRef("pk"), dedupe_key__startswith="waitlist:")
    nobody = Q(~Exists(looked_after))
    return (
        (tasks, NOBODY, Q(title="", next_step=""), Q(due_at__isnull=True, wake_at__isnull=True)),
        (referrals, NOBODY, Q(next_step=""), Q(due_at__isnull=True) & ~_stated(now)),
        (
            authorizations,
            NOBODY,
            Q(next_step=""),
            Q(due_at__isnull=True) & ~lasting,
        ),
        (
            plans,
            Q(patient__coordinator__isnull=True, author__isnull=True),
            Q(pk__isnull=True),
            Q(next_review_on__isnull=True),
        ),
        (WaitlistEntry.objects.open(), nobody, nobody, nobody),
    )


def _stated(now: datetime) -> Q:
    """Referrals whose step the register states no deadline for."""
    without = {version.rule.key for version in register(now.date()) if version.kind == Kind.NO_DEADLINE}
    stated = Q(pk__isnull=True)
    for status, step in NEXT_STEPS.items():
        for urgency in ("routine", "urgent", "stat"):
            if step.rule.format(urgency=urgency) in without:
                stated |= Q(status=status, urgency=urgency)
    return stated


def _lacking(kind: str, rows: tuple[Any, ...], site: Site | None) -> QuerySet[Any, Any]:
    records, no_owner, no_step, no_date = rows
    if site is not None:
        records = records.filter(**{"patient__site" if kind == "plan" else "site": site})
    lacks = records.filter(no_owner | no_step | no_date)
    # `order_by()`: a union takes no order of its parts.
    return (
        lacks.order_by()
        .annotate(what=Value(kind), no_owner=_flag(no_owner), no_step=_flag(no_step), no_date=_flag(no_date))
        .values_list(*COLUMNS)
    )


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def count_silent(*, site: Site, now: datetime) -> dict[str, int]:
    """How many of each kind, for the run board; a kind without any is not named."""
    return dict(Counter(one.kind for one in find_silent(now=now, site=site)))


def silent_list(user: Any, site: Site, now: datetime) -> tuple[list[Silent], int]:
    """Those this person may see, named (at most 200), and how many there are in all."""
    found = find_silent(now=now, site=site)
    seen: dict[UUID, tuple[str, str]] = {}
    for kind, (records, words, route) in _doors(user).items():
        keys = [one.key for one in found[:LISTED] if one.kind == kind]
        if keys:
            rows = records.filter(pk__in=keys).values_list("pk", *words)
            seen |= {key: (" · ".join(filter(None, texts)), _href(route, key)) for key, *texts in rows}
    named = [
        Silent(one.kind, one.key, one.no_owner, one.no_step, one.no_date, *seen[one.key])
        for one in found[:LISTED]
        if one.key in seen
    ]
    return named, len(found)


def _doors(user: Any) -> dict[str, tuple[Any, Sequence[Any], str]]:
    """What this person may see of each kind, the columns that name it, and its page."""
    name = "patient__family_name"
    return {
        "task": (Task.objects.visible_to(user), ("title", name), "careplans:task_detail"),
        "referral": (Referral.objects.visible_to(user), ("specialty", name), "referrals:referral_detail"),
        "authorization": (PriorAuthorization.objects.visible_to(user), ("service", name), ""),
        "plan": (CarePlan.objects.visible_to(user), ("title", name), "careplans:plan_detail"),
        "wait": (
            WaitlistEntry.objects.visible_to(user),
            ("service__name", name),
            "scheduling:waitlist_entry",
        ),
    }


def _href(route: str, key: UUID) -> str:
    return reverse(route, args=[key]) if route else ""
