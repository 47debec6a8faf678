"""Our request as a file: gathered once, then written as X12 278 or as a Da Vinci PAS bundle. Writing is pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from coordinator.workflow import NotAllowed
from referrals.models import PriorAuthorization
from referrals.workflow import AuthorizationStatus

ICD_10 = ("icd-10", "2.16.840.1.113883.6.90")
# UM02 of X12 for what a request is to the one it follows.
CERTIFICATIONS = {"initial": "I", "renewal": "R", "revision": "S", "extension": "4"}


@dataclass(frozen=True)
class AskedLine:
    number: int
    code: str
    label: str
    units: int
    unit_kind: str


@dataclass(frozen=True)
class RequestData:
    """Everything a payer needs to know of one request, and no more. `created` is aware; codes are X12's."""

    key: UUID
    trace: str
    created: datetime
    review_type: str  # UM01: AR admission, HS health services, SC specialty care
    certification: str  # UM02: I initial, R renewal, S revised, 1 and 2 appeal, 3 cancel, 4 extension
    urgent: bool
    payer_name: str
    clinic_name: str
    family_name: str
    given_name: str
    birth_date: date | None
    sex: str
    member_id: str
    requester_name: str
    requester_npi: str
    diagnoses: tuple[str, ...]
    lines: tuple[AskedLine, ...]


def request_data(record: PriorAuthorization, now: datetime) -> RequestData:
    """What a file needs. Raises NotAllowed naming what is missing, so that no half request leaves.

    A labelled problem (42 CFR part 2 and the like) is left out: the minimum necessary goes by default.
    """
    referral, coverage = record.referral, record.coverage
    requester = referral.requester if referral else None
    problem = referral.problem if referral else None
    coded = (
        problem
        and problem.code
        and not problem.label
        and any(s in problem.code_system.lower() for s in ICD_10)
    )
    lines = tuple(
        AskedLine(row.number, row.service_code, row.label, row.units_requested, row.unit_kind)
        for row in record.lines.all()
    )
    member = coverage.member_id if coverage else ""
    npi = requester.npi if requester else ""
    _check(lines=lines, member=member, npi=npi)
    patient = record.patient
    return RequestData(
        key=record.pk,
        trace=record.reference_number or record.pk.hex,
        created=now.astimezone(record.site.tzinfo),
        review_type=review_type(record),
        certification=certification(record),
        urgent=record.urgency == "expedited",
        payer_name=record.payer.name,
        clinic_name=record.site.name,
        family_name=patient.family_name,
        given_name=patient.given_name,
        birth_date=patient.birth_date,
        sex=patient.sex,
        member_id=member,
        requester_name=str(requester or ""),
        requester_npi=npi,
        diagnoses=(problem.code,) if problem and coded else (),
        lines=lines,
    )


def _check(*, lines: tuple[AskedLine, ...], member: str, npi: str) -> None:
    if not lines:
        raise NotAllowed(_("Add at least one service line first."))
    if not member:
        raise NotAllowed(_("Choose the coverage and enter its member ID first."))
    if not npi:
        raise NotAllowed(_("The referral it belongs to needs a requester with an NPI first."))


def review_type(record: PriorAuthorization) -> str:
    """UM01: specialty care for a visit at a specialist, health services for everything else.

    Admissions are not coordinated here, so AR is read and never written.
    """
    visits = record.referral is not None and record.referral.category in ("medical", "behavioral", "dental")
    only_visits = all(line.unit_kind == "visit" for line in record.lines.all())
    return "SC" if visits and only_visits else "HS"


def certification(record: PriorAuthorization) -> str:
    """UM02: an appeal of a refused one (1 at once, 2 standard), else what the request says that it is."""
    if record.status == AuthorizationStatus.APPEAL:
        return "1" if record.urgency == "expedited" else "2"
    return CERTIFICATIONS[record.certification]


def gathered() -> Any:
    """The requests with everything that `request_data` reads, in a fixed number of queries."""
    related = ("site", "payer", "patient", "coverage", "referral__requester", "referral__problem")
    return PriorAuthorization.objects.select_related(*related).prefetch_related("lines")
