"""The recipients that are offered for a referral, ranked: what is known of each is gathered here in a fixed number of
queries, the order and its reasons come from `rules.recipients`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from patients.models import Coverage, Patient
from patients.rules.text import fold
from referrals.models import Practice, Referral
from referrals.rules.recipients import OF_PATIENT, WEIGHTS, Candidate, Need, Network, Ranked, rank
from referrals.selectors.directory import answers
from referrals.workflow import ENDED_WITHOUT_REPORT

SHOWN = 6  # before somebody asks for all of them
CHAIN = 10  # how many earlier referrals of a chain are looked at


@dataclass(frozen=True)
class Offer:
    """One row of the choice."""

    practice: Practice
    ranked: Ranked
    chosen: bool


@dataclass(frozen=True)
class Choice:
    need: Need
    offers: list[Offer]
    hidden: int  # how many more there are
    weights: list[tuple[Any, int]]


def recipient_choice(
    user: Any,
    patient: Patient,
    *,
    specialty: str,
    now: datetime,
    chosen: str = "",
    elsewhere: Referral | None = None,
    everything: bool = False,
    word: str = "",
    with_patient: bool = True,
) -> Choice:
    """Every entry that is offered, best first; the first few, the chosen one, or `everything`. `word` narrows by name.
    Without `with_patient` nothing of the patient's record counts or is said."""
    today = timezone.localdate(now)
    need = _need(user, patient, specialty, today) if with_patient else Need(specialty)
    rows = {p.pk: p for p in Practice.objects.visible_to(user).offered().prefetch_related("networks")}
    figures, ended = answers(user, now), _ended(user, elsewhere)
    candidates = (_candidate(p, figures, ended) for p in rows.values())
    ranked = rank(need, candidates, today, without=() if with_patient else OF_PATIENT)
    offers = [Offer(rows[one.key], one, str(one.key) == chosen) for one in ranked]
    if word.strip():
        offers = [o for o in offers if o.chosen or fold(word) in fold(o.practice.name)]
    shown = offers if everything else offers[:SHOWN] + [o for o in offers[SHOWN:] if o.chosen]
    weights = [(words, most) for most, words in WEIGHTS.values()]
    return Choice(need, shown, len(offers) - len(shown), weights)


def _need(user: Any, patient: Patient, specialty: str, today: Any) -> Need:
    first = (
        Coverage.objects.visible_to(user)
        .filter(patient=patient, status="active")
        .exclude(ends_on__lt=today)
        .order_by("rank")
        .first()
    )
    return Need(
        specialty=specialty,
        payer=first.payer_name if first else "",
        plan=first.plan_name if first else "",
        language=patient.language,
        city=patient.city,
        state=patient.state.upper() if len(patient.state) == 2 else "",
        postal_code=patient.postal_code if patient.postal_code[:5].isdigit() else "",
    )


def _candidate(practice: Practice, figures: dict[Any, tuple[int, int]], ended: dict[Any, str]) -> Candidate:
    accepted, answered = figures.get(practice.organization_id, (0, 0))
    return Candidate(
        key=practice.pk,
        name=practice.name,
        specialties=tuple(practice.specialties),
        networks=tuple(
            Network(n.payer_name, n.plan_name, n.participates, n.starts_on, n.ends_on)
            for n in practice.networks.all()
        ),
        cost=practice.cost,
        accepting=practice.accepting,
        languages=tuple(practice.languages),
        city=practice.city,
        state=practice.state,
        postal_code=practice.postal_code,
        wait_days=practice.wait_days,
        wait_told_on=practice.wait_told_on,
        accepted=accepted,
        answered=answered,
        ended=ended.get(practice.organization_id, ""),
    )


def _ended(user: Any, earlier: Referral | None) -> dict[Any, str]:
    """Organization -> the referral of this chain that ended there without a report."""
    found: dict[Any, str] = {}
    for _step in range(CHAIN):
        if earlier is None:
            break
        if earlier.status in ENDED_WITHOUT_REPORT and earlier.recipient_organization_id:
            found.setdefault(earlier.recipient_organization_id, earlier.reference)
        if earlier.refers_elsewhere_id is None:
            break
        earlier = Referral.objects.visible_to(user).filter(pk=earlier.refers_elsewhere_id).first()
    return found
