"""Plain functions that make funds, applications, bills and estimates for tests."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from coordinator.tests.factories import make_user, number
from coordinator.workflow import System
from patients.models import Patient
from patients.tests.factories import make_patient
from referrals.models import (
    AidApplication,
    AskedPaper,
    BenefitApplication,
    Bill,
    BillLine,
    BillPhrase,
    Estimate,
    Fund,
    FundMovement,
    Spend,
)
from referrals.services import aid, funds

BY = System("test")


def make_fund(money: int | str = 1000, **fields: Any) -> Fund:
    """A fund with this much money in it."""
    fields.setdefault("name", f"Riverbend help fund {next(number)}")
    fields.setdefault("purpose", "Bills and medicines")
    fund = Fund.objects.create(**fields)
    if Decimal(money):
        make_deposit(fund, money)
        fund.refresh_from_db()
    return fund


def make_deposit(fund: Fund, money: int | str = 100) -> FundMovement:
    return funds.add_money(
        fund_id=fund.pk, amount=Decimal(money), on=date(2026, 1, 5), note="A donor", by=BY, now=timezone.now()
    )


def make_phrase(**fields: Any) -> BillPhrase:
    fields.setdefault("label", f"Kind {next(number)}")
    fields.setdefault("words", "What it means.")
    return BillPhrase.objects.create(**fields)


def _followed(model: type[Any], patient: Patient | None, **fields: Any) -> Any:
    patient = patient or make_patient()
    now = timezone.now()
    fields.setdefault("site", patient.site)
    fields.setdefault("stage_since", now)
    fields.setdefault("next_step", "Do the next thing")
    fields.setdefault("due_at", now + timedelta(days=3))
    if "owner" not in fields and "team" not in fields:
        fields["owner"] = make_user(site=patient.site)
    return model.objects.create(patient=patient, **fields)


def make_aid(patient: Patient | None = None, **fields: Any) -> AidApplication:
    fields.setdefault("fund", fields.get("fund") or make_fund())
    fields.setdefault("period", "2026")
    fields.setdefault("purpose", "Hospital bill")
    fields.setdefault("asked_amount", Decimal(150))
    return _followed(AidApplication, patient, **fields)


def make_benefit(patient: Patient | None = None, **fields: Any) -> BenefitApplication:
    fields.setdefault("program", "medicaid")
    fields.setdefault("agency", "County office")
    return _followed(BenefitApplication, patient, **fields)


def make_bill(patient: Patient | None = None, **fields: Any) -> Bill:
    fields.setdefault("biller", "Mercy General Hospital")
    fields.setdefault("statement_on", date(2026, 11, 2))
    fields.setdefault("amount", Decimal(412))
    return _followed(Bill, patient, **fields)


def make_estimate(patient: Patient | None = None, **fields: Any) -> Estimate:
    fields.setdefault("service", "Office visit")
    fields.setdefault("scheduled_on", date(2026, 11, 2))
    return _followed(Estimate, patient, **fields)


def make_bill_line(bill: Bill, **fields: Any) -> BillLine:
    fields.setdefault("position", bill.lines.count() + 1)
    fields.setdefault("text", "Facility fee")
    fields.setdefault("amount", Decimal(412))
    return BillLine.objects.create(bill=bill, **fields)


def make_asked_paper(application: AidApplication, **fields: Any) -> AskedPaper:
    fields.setdefault("name", "Proof of income")
    return AskedPaper.objects.create(application=application, **fields)


def make_payment(patient: Patient, amount: int = 50) -> Spend:
    """An award of 150 dollars with a payment of it."""
    application = award(make_aid(patient, status="submitted"))
    aid.pay_award(
        application_id=application.pk, amount=Decimal(amount), paid_to="Mercy General Hospital",
        paid_for="The bill", paid_on=timezone.localdate(), by=BY, now=timezone.now(),
    )  # fmt: skip
    return Spend.objects.get(award__application=application)


def award(application: AidApplication, amount: int | str = 150, by: Any = BY, **facts: Any) -> AidApplication:
    facts.setdefault("decided_on", timezone.localdate())
    facts.setdefault("now", timezone.now())
    with transaction.atomic():
        return aid.decide_application(
            application_id=application.pk, awarded=True, awarded_amount=Decimal(amount), decided_by="Board", by=by,
            **facts,
        )  # fmt: skip
