"""Good-faith estimates for patients who pay themselves (No Surprises Act patient notices; domain 3.6)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.clocks.selectors import as_calendar, federal_calendar
from coordinator.db import lock
from coordinator.wording import as_kept
from coordinator.workflow import Actor, NotAllowed
from patients.models import Coverage, Patient
from referrals.models import Estimate
from referrals.money_workflow import EstimateStatus
from referrals.rules.money import ESTIMATE_REQUESTED, estimate_rule, is_self_pay
from referrals.services.funds import check_amount
from referrals.services.money import PEOPLE, begin_followed, lock_followed, step_followed


def pays_themselves(patient_id: UUID, on: date) -> bool:
    """Whether the record says so for that day. One query."""
    rows = Coverage.objects.filter(patient=patient_id, status="active")
    return is_self_pay(rows.only("payer_name", "line_of_business", "rank", "starts_on", "ends_on"), on)


@transaction.atomic
def estimate_for_visit(
    *, patient: Patient, visit_id: UUID, service: str, visit_on: date, by: Actor, now: datetime
) -> Estimate | None:
    """A visit was booked for somebody who pays themselves (`pays_themselves`): open an estimate with its deadline, if
    the rule asks for one. Called again for the same visit it changes nothing."""
    scheduled_on = now.astimezone(patient.site.tzinfo).date()
    calendar = as_calendar(federal_calendar())
    rule = estimate_rule(scheduled_on=scheduled_on, visit_on=visit_on, calendar=calendar)
    if not rule or Estimate.objects.filter(visit_id=visit_id).exclude(status="entered_in_error").exists():
        return None
    estimate = Estimate(
        patient=patient, service=service, visit_id=visit_id, scheduled_on=scheduled_on, visit_on=visit_on
    )
    return begin_followed(estimate, by=by, now=now, rule=rule, anchor=scheduled_on, is_consequence=True)


@transaction.atomic
def visit_off(*, visit_id: UUID, by: Actor, now: datetime) -> None:
    """The visit will not be: an estimate that nobody gave yet is not needed any more."""
    waiting = Estimate.objects.filter(visit_id=visit_id, status=EstimateStatus.DUE)
    for pk in waiting.values_list("pk", flat=True):
        estimate = lock(Estimate.objects.select_related(*PEOPLE), pk)
        step_followed(estimate, "drop", by=by, now=now, reason=as_kept(_("The visit is off.")))


@transaction.atomic
def request_estimate(
    *, patient: Patient, service: str, by: Actor, now: datetime, visit_on: date | None = None
) -> Estimate:
    """The patient asked for one: due 3 business days later."""
    asked_on = now.astimezone(patient.site.tzinfo).date()
    estimate = Estimate(
        patient=patient, service=service.strip(), scheduled_on=asked_on, visit_on=visit_on, on_request=True
    )
    return begin_followed(estimate, by=by, now=now, rule=ESTIMATE_REQUESTED, anchor=asked_on)


@transaction.atomic
def give_estimate(
    *, estimate_id: UUID, amount: Decimal, given_on: date, channel: str, by: Actor, now: datetime
) -> Estimate:
    """It was given to the patient: how much, when and how."""
    check_amount(amount)
    estimate = lock_followed(Estimate, estimate_id, by)
    return step_followed(estimate, "give", by=by, now=now, amount=amount, given_on=given_on, channel=channel)


@transaction.atomic
def step_estimate(*, estimate_id: UUID, step: str, by: Actor, now: datetime, reason: str = "") -> Estimate:
    """Not needed, still to be given, or entered in error."""
    if step == "give":
        raise NotAllowed(_("Record the amount, the day and how it was given."))
    estimate = lock_followed(Estimate, estimate_id, by)
    facts: dict[str, Any] = {"rule": _rule_of(estimate), "anchor": estimate.scheduled_on}
    if step == "correct_given":
        facts |= {"amount": None, "given_on": None, "channel": ""}
    return step_followed(estimate, step, by=by, now=now, reason=reason, **facts)


def _rule_of(estimate: Estimate) -> str:
    """The rule that set its date: a correction does not move the date."""
    if estimate.on_request or estimate.visit_on is None:
        return ESTIMATE_REQUESTED
    calendar = as_calendar(federal_calendar())
    rule = estimate_rule(scheduled_on=estimate.scheduled_on, visit_on=estimate.visit_on, calendar=calendar)
    return rule or ESTIMATE_REQUESTED
