"""The duplicate guard: what may already be the answer, before something is saved. Keys and days: product defaults.

Each kind has a finder in FINDERS, which returns what exists and `by` may know of, the newest first: nothing is said of
records of another place, or of a patient who is hidden (domain 3.12 asks for no more). Apps above fill in theirs in
`AppConfig.ready()` (`FINDERS["appointment"] = ...`); `found()` asks it, `services.guard` keeps the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from coordinator.wording import day
from coordinator.workflow import Actor
from patients.models import Patient, Result
from referrals.models import AidApplication, BenefitApplication, Fund, Payer, PriorAuthorization, Referral
from referrals.money_workflow import AidStatus, BenefitStatus
from referrals.rules.money import period_of
from referrals.selectors.known import known_to
from referrals.selectors.money import same_applications, same_benefits
from referrals.selectors.referrals import similar_referrals
from referrals.workflow import AUTHORIZATION_OPEN, BEFORE_SENDING, WITH_PAYER, WITH_RECIPIENT
from referrals.workflow import AuthorizationStatus as A
from referrals.workflow import ReferralStatus as R

ORDER_DAYS = 30
# Tests that are worth repeating only later, by LOINC code.
DAYS_BY_CODE = {"4548-4": 90}  # HbA1c
# What nobody has decided yet can be withdrawn for another one. An approval stays until the new one is there.
REPLACEABLE = (A.REQUIRED, A.GATHERING, A.READY, A.RETURNED, *WITH_PAYER)
REPLACEABLE_MONEY = (AidStatus.DRAFT, AidStatus.SUBMITTED, BenefitStatus.GATHERING, BenefitStatus.FILED)


@dataclass(frozen=True)
class Existing:
    """One thing that exists: what it is, how it stands, and what came of it. `replaceable`: it can be ended for this."""

    kind: str
    pk: UUID
    title: str
    state: str
    result: str
    since: date
    address: str = ""
    replaceable: bool = False


Finder = Callable[..., list[Existing]]


def as_existing(referral: Referral) -> Existing:
    """A referral as the guard shows it."""
    zone = referral.site.tzinfo
    if referral.report_received_at:
        words = _("Report received %(day)s.")
        result = words % {"day": day(referral.report_received_at.astimezone(zone).date())}
    else:
        result = referral.next_step_words
    return Existing(
        kind="referral",
        pk=referral.pk,
        title=f"{referral.reference}, {referral.specialty}",
        state=str(referral.get_status_display()),
        result=result,
        since=referral.created_at.astimezone(zone).date(),
        address=reverse("referrals:referral_detail", args=[referral.pk]),
        replaceable=referral.status in (*BEFORE_SENDING, *WITH_RECIPIENT, R.CANCEL_REQUESTED),
    )


def existing_referrals(
    *, patient: Patient, by: Actor, now: datetime, specialty: str, service: str = ""
) -> list[Existing]:
    found = similar_referrals(patient=patient, specialty=specialty, service=service, by=by, now=now)
    return [as_existing(referral) for referral in found]


def similar_authorizations(
    *,
    patient: Patient,
    payer: Payer,
    codes: Collection[str],
    by: Actor,
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> list[PriorAuthorization]:
    """Requests of this patient to this payer that `by` may know of, not ended, with a code in common and dates that
    overlap.

    A date that is not known leaves its side open. Codes are compared as typed, without case.
    """
    shared = Q()
    for code in codes:
        shared |= Q(lines__service_code__iexact=code.strip())
    if not codes:
        return []
    ended = (A.EXPIRED, A.EXHAUSTED)
    rows = PriorAuthorization.objects.filter(
        shared, patient=patient, payer=payer, status__in=[s for s in AUTHORIZATION_OPEN if s not in ended]
    )
    if starts_on:
        rows = rows.filter(Q(ends_on=None) | Q(ends_on__gte=starts_on))
    if ends_on:
        rows = rows.filter(Q(starts_on=None) | Q(starts_on__lte=ends_on))
    return list(known_to(rows, by).distinct().select_related("payer", "site").order_by("-created_at")[:5])


def existing_authorizations(*, patient: Patient, by: Actor, now: datetime, **key: Any) -> list[Existing]:
    return [
        Existing(
            kind="authorization",
            pk=record.pk,
            title=f"{record.service}, {record.payer}",
            state=str(record.get_status_display()),
            result=record.authorization_number or record.denial_reason,
            since=record.created_at.astimezone(record.site.tzinfo).date(),
            address=reverse("referrals:authorization_detail", args=[record.pk]),
            replaceable=record.status in REPLACEABLE,
        )
        for record in similar_authorizations(patient=patient, by=by, **key)
    ]


def existing_applications(
    *,
    patient: Patient,
    by: Actor,
    now: datetime,
    fund: Fund | None = None,
    program: str = "",
    name: str = "",
) -> list[Existing]:
    """Applications for the same money: to this fund in its present period, or open ones for this benefit."""
    rows: list[AidApplication | BenefitApplication] = []
    if fund is not None:
        period = period_of(fund.period, now.astimezone(patient.site.tzinfo).date())
        rows += same_applications(patient=patient, fund=fund, period=period, by=by)
    if program:
        rows += same_benefits(patient=patient, program=program, name=name, by=by)
    return [
        Existing(
            kind="application",
            pk=row.pk,
            title=str(row),
            state=str(row.get_status_display()),
            result=_came_of(row),
            since=row.created_at.astimezone(patient.site.tzinfo).date(),
            address=reverse("referrals:money_detail", args=[row.kind, row.pk]),
            replaceable=row.status in REPLACEABLE_MONEY,
        )
        for row in rows
    ]


def _came_of(row: AidApplication | BenefitApplication) -> str:
    if isinstance(row, BenefitApplication):
        return row.agency
    if row.awarded_amount is not None:
        return _("$%(amount)s awarded") % {"amount": _cents(row.awarded_amount)}
    return _("$%(amount)s asked") % {"amount": _cents(row.asked_amount)}


def _cents(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def existing_orders(*, patient: Patient, by: Actor, now: datetime, code: str) -> list[Existing]:
    """Results of the same test within its days: the last one is often the answer."""
    since = now - timedelta(days=DAYS_BY_CODE.get(code, ORDER_DAYS))
    rows = Result.objects.filter(patient=patient, code=code, taken_at__gte=since, label="").exclude(
        status__in=("entered_in_error", "entered-in-error")
    )
    zone = patient.site.tzinfo
    return [
        Existing(
            kind="order",
            pk=row.pk,
            title=row.name,
            state=_("Resulted"),
            result=_measured(row),
            since=(row.taken_at or now).astimezone(zone).date(),
        )
        for row in known_to(rows, by).order_by("-taken_at")[:5]
    ]


def _measured(row: Result) -> str:
    value = row.value_text or (f"{row.value.normalize():f}" if row.value is not None else "")
    return f"{value} {row.unit}".strip()


FINDERS: dict[str, Finder] = {
    "referral": existing_referrals,
    "authorization": existing_authorizations,
    "application": existing_applications,
    "order": existing_orders,
}


def found(kind: str, *, patient: Patient, by: Actor, now: datetime, **key: Any) -> list[Existing]:
    """What exists of this kind by its key, as far as `by` may know. Raises KeyError for a kind that no app answers for."""
    return FINDERS[kind](patient=patient, by=by, now=now, **key)
