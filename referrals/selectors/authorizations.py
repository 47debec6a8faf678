"""Reads for the prior-authorization pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from coordinator.clocks.selectors import why
from coordinator.clocks.workflow import State
from coordinator.wording import week_day
from patients.models import Coverage, Document, Patient
from patients.rules.text import fold
from referrals.models import (
    AuthorizationPaper,
    Payer,
    PayerRequirement,
    PriorAuthorization,
    Referral,
    RequirementCheck,
)
from referrals.models.referrals import OVER_FOR_GOOD
from referrals.rules import authorizations as rules
from referrals.selectors.counts import added, open_requests
from referrals.selectors.payer_list import line_for, payer_lists
from referrals.workflow import AUTHORIZATION_OPEN, IN_FORCE, WITH_PAYER
from referrals.workflow import AuthorizationStatus as S

# The stages as filters of the list: name -> (words, whose move, statuses).
STAGES: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    "needed": (lazy("Is it needed?"), lazy("ours"), (S.REQUIREMENT_UNKNOWN,)),
    "preparing": (lazy("Being prepared"), lazy("ours"), (S.REQUIRED, S.GATHERING, S.READY, S.RETURNED)),
    "with_payer": (lazy("With the payer"), lazy("payer"), WITH_PAYER),
    "denied": (lazy("Denied or in appeal"), lazy("ours"), (S.DENIED, S.PEER_TO_PEER, S.APPEAL, S.UPHELD)),
    "in_force": (lazy("In force"), lazy("ours"), IN_FORCE),
    "over": (lazy("Expired or used up"), lazy("ours"), (S.EXPIRED, S.EXHAUSTED)),
}
OVERDUE_AT_PAYER = Q(status__in=WITH_PAYER, clock__kind=rules.PAYER_DECISION, clock__state=State.MISSED)
# Under these rules a missed deadline counts as a decision against the patient. Still to be checked [verify].
SILENCE_CAN_BE_APPEALED = (Payer.Type.MEDICARE_ADVANTAGE, Payer.Type.MEDICAID_MANAGED)


def authorization_list(user: Any, filters: dict[str, Any], now: datetime) -> QuerySet[PriorAuthorization]:
    """The list behind the filters, soonest date first. One query; the caller pages it."""
    rows: Any = PriorAuthorization.objects.visible_to(user).exclude(status=S.ENTERED_IN_ERROR)
    state = filters.get("state")
    if state == "ended":
        rows = rows.filter(~Q(status__in=AUTHORIZATION_OPEN) | OVER_FOR_GOOD)
    elif state != "all":
        rows = rows.open()
    if filters.get("stage") in STAGES:
        rows = rows.filter(status__in=STAGES[filters["stage"]][2])
    if filters.get("due") == "overdue":
        rows = rows.filter(due_at__lt=now)
    elif filters.get("due") == "soon":
        rows = rows.filter(due_at__gte=now, due_at__lt=now + timedelta(hours=48))
    elif filters.get("due") == "payer":
        rows = rows.filter(OVERDUE_AT_PAYER)
    if filters.get("owner") == "me":
        rows = rows.filter(owner=user)
    elif filters.get("owner"):
        rows = rows.filter(owner_id=filters["owner"])
    for name in ("urgency", "kind", "payer", "patient"):
        if filters.get(name):
            rows = rows.filter(**{name: filters[name]})
    for word in fold(filters.get("q") or "").split():
        rows = rows.filter(
            Q(patient__search_name__contains=word)
            | Q(service__icontains=word)
            | Q(payer__name__icontains=word)
            | Q(reference_number__icontains=word)
            | Q(authorization_number__icontains=word)
        )
    return rows.select_related("patient", "payer", "owner", "team", "clock__rule_version__rule")


def authorization_counts(user: Any, now: datetime) -> dict[str, int]:
    """How many open requests, and how many are past or near their date. Two queries."""
    groups = open_requests(user, now)
    late = PriorAuthorization.objects.visible_to(user).filter(OVERDUE_AT_PAYER)
    return {
        "all": added(groups),
        "overdue": added(groups, "overdue"),
        "soon": added(groups, "near"),
        "payer_overdue": late.count(),
        **{name: added(groups, "n", statuses) for name, (_w, _m, statuses) in STAGES.items()},
    }


def is_payer_overdue(record: PriorAuthorization, now: datetime) -> bool:
    """The payer let its own deadline pass. A flag from the clock, not a status; our follow-ups do not count."""
    clock = record.clock
    if clock is None or clock.kind != rules.PAYER_DECISION or record.status not in WITH_PAYER:
        return False
    return clock.state == State.MISSED or clock.is_past_due(now)


def why_this_date(record: PriorAuthorization) -> list[str]:
    """ "Why this date?" for a request: its clock's sentences, or the approval's own end."""
    if record.clock is not None:
        return why(record.clock)
    if record.status in IN_FORCE and record.ends_on:
        text = _("The approval ends on %(day)s: the payer's answer says so. No rule moves this date.")
        return [text % {"day": week_day(record.ends_on)}]
    return []


@dataclass
class Paper:
    """One line of the checklist as a person sees it: the document by name only if they may open it."""

    row: AuthorizationPaper
    document: Document | None

    @property
    def is_withheld(self) -> bool:
        return self.row.is_there and self.document is None


@dataclass
class Papers:
    lines: list[Paper] = field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        return [line.row.label for line in self.lines if line.row.is_missing]

    @property
    def there(self) -> int:
        return sum(line.row.is_there for line in self.lines)


def papers_of(user: Any, record: PriorAuthorization) -> Papers:
    """The checklist with the documents this person may know (two queries)."""
    rows = list(record.papers.select_related("document"))
    keys = [row.document_id for row in rows if row.document_id]
    seen = (
        {d.pk: d for d in Document.objects.visible_to(user).for_lists().filter(pk__in=keys)} if keys else {}
    )
    return Papers([Paper(row, seen.get(row.document_id)) for row in rows])


def standing_answer(record: PriorAuthorization, now: datetime) -> RequirementCheck | None:
    """The latest answer that holds today at the request's place; None when nobody knows (any more)."""
    today = now.astimezone(record.site.tzinfo).date()
    return next((c for c in record.requirement_checks.all() if c.holds_on(today)), None)


# --- coverage and payers --------------------------------------------------------------------------------------


def payer_named(name: str) -> Payer | None:
    """The managed payer a coverage names: the same name, whatever case and accents."""
    wanted = fold(name).strip()
    if not wanted:
        return None
    return next((p for p in Payer.objects.filter(is_active=True) if fold(p.name).strip() == wanted), None)


def coverage_and_payer(user: Any, patient: Patient) -> tuple[Coverage | None, Payer | None]:
    """The patient's first active coverage with its payer, as a proposal; the next one when no payer is known for it."""
    rows = list(Coverage.objects.visible_to(user).filter(patient=patient, status="active").order_by("rank"))
    for coverage in rows:
        payer = payer_named(coverage.payer_name)
        if payer is not None:
            return coverage, payer
    return (rows[0] if rows else None), None


# --- the managed list ------------------------------------------------------------------------------------------


def listed(payer: Payer, *, on: date, code: str = "", specialty: str = "") -> PayerRequirement | None:
    """The line of the clinic's list that answers for this payer and service on that day; a code before a specialty."""
    kept = PayerRequirement.objects.offered().filter(payer=payer).select_related("payer")
    return line_for(list(kept), on=on, code=code, specialty=specialty)


def payer_of(patient: Patient) -> tuple[Coverage | None, Payer | None]:
    """The first active coverage whose payer is one of ours, by name."""
    return payer_lists([patient.pk]).payer_of(patient.pk)


def listed_for_referral(referral: Referral, now: datetime) -> PayerRequirement | None:
    """What the list says of a referral's specialty for the patient's payer."""
    _coverage, payer = payer_of(referral.patient)
    if payer is None:
        return None
    on = now.astimezone(referral.site.tzinfo).date()
    return listed(payer, on=on, specialty=referral.specialty)
