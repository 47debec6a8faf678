"""Records at any status, and what any step needs, for the tests that walk every workflow.

A test may put a row at a status without a step; nothing else may (see test_architecture).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from careplans.tests.factories import make_goal, make_intervention, make_plan, make_task
from coordinator.clocks.tests.factories import make_clock
from coordinator.exchange.tests.factories import make_payer_file
from coordinator.workflow import Step
from patients.models import Document
from patients.tests.factories import make_document, make_patient, make_update
from referrals.tests.factories import make_authorization, make_delivery, make_inbound, make_referral
from referrals.tests.money_factories import make_aid, make_benefit, make_bill, make_estimate
from scheduling.tests.factories import make_appointment, make_waitlist_entry, make_waitlist_offer

NOON = datetime.datetime(2026, 11, 18, 18, 0, tzinfo=datetime.UTC)


def _paper_in_a_record(**fields: Any) -> Any:
    """An incoming paper beside its document, so that it can stand in any status."""
    patient = make_patient()
    return make_inbound(patient.site, patient=patient, document=make_document(patient), **fields)


MAKE: dict[str, Callable[..., Any]] = {
    "clocks.Clock": make_clock,
    "patients.Patient": make_patient,
    "patients.ProviderUpdate": make_update,
    "careplans.CarePlan": lambda **fields: make_plan(**{"program": "CCM", **fields}),
    "careplans.Goal": lambda **fields: make_goal(make_plan(), **fields),
    "careplans.Intervention": lambda **fields: make_intervention(make_goal(make_plan()), **fields),
    "careplans.Task": make_task,
    "referrals.Referral": make_referral,
    "referrals.PriorAuthorization": make_authorization,
    "referrals.AidApplication": make_aid,
    "referrals.BenefitApplication": make_benefit,
    "referrals.Bill": make_bill,
    "referrals.Estimate": make_estimate,
    "referrals.InboundDocument": lambda **fields: _paper_in_a_record(**fields),
    "referrals.Delivery": make_delivery,
    "scheduling.Appointment": make_appointment,
    "scheduling.WaitlistEntry": lambda **fields: make_waitlist_entry(
        appointment=make_appointment(), **fields
    ),
    "scheduling.WaitlistOffer": lambda **fields: make_waitlist_offer(**fields),
    "exchange.PayerFile": make_payer_file,
}

# What the database asks of a row at a status, beside the status itself.
ALSO: dict[tuple[str, str], dict[str, Any]] = {
    ("clocks.Clock", "held"): {"held_since": NOON},
    ("clocks.Clock", "met"): {"met_at": NOON},
    ("patients.ProviderUpdate", "answered"): {"answer": "Take one more"},
    ("patients.ProviderUpdate", "closed"): {"answer": "Take one more"},
    ("careplans.Task", "on_hold"): {"wake_at": NOON},
    ("careplans.Task", "completed"): {"ended_at": NOON},
    ("careplans.Task", "cancelled"): {"ended_at": NOON},
    ("careplans.Task", "failed"): {"ended_at": NOON},
    ("careplans.Goal", "completed"): {"achievement_status": "achieved"},
    ("referrals.Delivery", "sending"): {"claim_token": UUID(int=1), "lease_until": NOON},
    ("referrals.Delivery", "delivered"): {"evidence": "Said by the front desk"},
    ("referrals.Estimate", "given"): {"amount": 120, "given_on": NOON.date()},
}
# Facts that a step has to bring although the table does not ask for them: a constraint does.
BRINGS: dict[tuple[str, str], dict[str, Any]] = {
    ("clocks.Clock", "hold"): {"held_since": NOON},
    ("clocks.Clock", "resume"): {"held_since": None},
    ("clocks.Clock", "meet"): {"held_since": None, "met_at": NOON},
    ("clocks.Clock", "void"): {"held_since": None},
    ("referrals.Delivery", "start"): {"claim_token": UUID(int=1), "lease_until": NOON},
    ("careplans.Task", "complete"): {"ended_at": NOON},
    ("careplans.Task", "fail"): {"ended_at": NOON},
    ("careplans.Task", "cancel"): {"ended_at": NOON},
}


def status_field(model: type[models.Model]) -> str:
    """The column that holds the status; a clock calls it its state."""
    return "status" if any(f.name == "status" for f in model._meta.concrete_fields) else "state"


def put_in_status(record: Any, status: str) -> Any:
    """Write the status straight to the row: the past of a record that a test starts from."""
    fields = {status_field(type(record)): status} | ALSO.get((record._meta.label, status), {})
    type(record)._base_manager.filter(pk=record.pk).update(**fields)
    record.refresh_from_db()
    return record


def facts_for(record: Any, step: Step) -> dict[str, Any]:
    """A value of the right type for everything the step needs."""
    needs = {need: _value(record, need) for need in step.needs}
    return BRINGS.get((record._meta.label, step.name), {}) | needs


def _value(record: Any, need: str) -> Any:
    try:
        field = record._meta.get_field(need)
    except FieldDoesNotExist:
        return "a fact"
    if field.is_relation and field.related_model is Document and record.patient_id is not None:
        return make_document(record.patient)
    if field.is_relation:
        return getattr(record, need)
    if isinstance(field, models.DateTimeField):
        return NOON
    if isinstance(field, models.DateField):
        return NOON.date()
    if field.choices:
        return next(value for value, _label in field.choices if value)
    return 1 if isinstance(field, (models.IntegerField, models.DecimalField)) else "a fact"
