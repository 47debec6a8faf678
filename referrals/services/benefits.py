"""Benefit applications: papers, filing, the agency's decision, renewal."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.workflow import Actor, person
from patients.models import Patient
from referrals.models import AskedPaper, BenefitApplication
from referrals.selectors.money import same_benefits
from referrals.services.guard import check_guard, keep_answer
from referrals.services.money import (
    begin_followed,
    lock_followed,
    missing_papers,
    step_followed,
    withdraw_replaced,
)

FACTS = ("filed_on", "agency_reference", "decided_on", "starts_on", "ends_on", "renews_on", "without_papers")


@transaction.atomic
def start_benefit(
    *,
    patient: Patient,
    program: str,
    agency: str,
    by: Actor,
    now: datetime,
    name: str = "",
    papers: list[str] | None = None,
    duplicate_reason: str = "",
    replaces: BenefitApplication | None = None,
) -> BenefitApplication:
    """Begin collecting for a benefit; `papers` are the names of what the agency asks for.

    Refuses (Conflict, with `similar`) when the patient has an open one for the same program and name, unless
    `duplicate_reason` says why to go on, or it `replaces` that one, which is withdrawn. Either answer is counted.
    """
    if not agency.strip():
        raise ValidationError({"agency": _("Say who decides about it.")})
    # Two people at once: the second one waits, and then sees the first one's.
    Patient.objects.select_for_update().only("pk").get(pk=patient.pk)
    same = same_benefits(patient=patient, program=program, name=name, by=by)
    words = _("This patient has an open application for this benefit already.")
    shown = check_guard(same, words, reason=duplicate_reason, replaces=replaces)
    record = BenefitApplication(patient=patient, program=program, agency=agency.strip(), name=name.strip())
    facts: dict[str, Any] = {"duplicate_reason": duplicate_reason} if same and duplicate_reason else {}
    begin_followed(record, by=by, now=now, **facts)
    keep_answer("application", record, shown, reason=duplicate_reason, replaces=replaces, by=by, now=now)
    if replaces is not None:
        withdraw_replaced(record, replaces, step_benefit, "benefit_id", by=by, now=now)
    AskedPaper.objects.bulk_create(
        AskedPaper(benefit=record, position=n, name=paper[:160], created_by=person(by))
        for n, paper in enumerate(papers or [], 1)
    )
    return record


@transaction.atomic
def step_benefit(
    *, benefit_id: UUID, step: str, by: Actor, now: datetime, reason: str = "", **facts: Any
) -> BenefitApplication:
    """Take one step. Filing with papers missing is refused, naming them, unless `without_papers` says why.

    Facts: filed_on, agency_reference, decided_on, starts_on, ends_on, renews_on.
    """
    unknown = set(facts) - set(FACTS)
    if unknown:
        raise TypeError(f"Not facts of a benefit: {sorted(unknown)}")
    record = lock_followed(BenefitApplication, benefit_id, by)
    given = {name: value for name, value in facts.items() if value not in (None, "")}
    if step == "file":
        _check_papers(record, str(facts.get("without_papers") or ""))
    if step in ("approve", "renew"):
        _check_dates(record, given)
    return step_followed(record, step, by=by, now=now, reason=reason, **given)


def _check_papers(record: BenefitApplication, why: str) -> None:
    missing = missing_papers(record)
    if missing and not why.strip():
        text = _("Missing: %(papers)s. Attach them, or say why it goes without them.")
        raise ValidationError({"without_papers": text % {"papers": "; ".join(missing)}})


def _check_dates(record: BenefitApplication, facts: dict[str, Any]) -> None:
    starts, ends = facts.get("starts_on") or record.starts_on, facts.get("ends_on")
    renews = facts.get("renews_on")
    if ends and starts and ends < starts:
        raise ValidationError({"ends_on": _("It cannot end before it starts.")})
    if renews and record.renews_on and renews <= record.renews_on:
        raise ValidationError({"renews_on": _("The next renewal has to be after the one before.")})
    if renews and starts and renews < starts:
        raise ValidationError({"renews_on": _("It cannot be renewed before it starts.")})
