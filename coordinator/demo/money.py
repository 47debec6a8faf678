"""Two funds, what patients asked of them, their bills, a benefit and an estimate. Everybody in them is invented."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from coordinator.demo.clinic import Clinic
from patients.models import Patient
from referrals.models import AidApplication, Bill, BillPhrase, Fund
from referrals.services import aid, benefits, bills, estimates, funds

# name, purpose, criteria, papers, most for one patient, days an award holds, contact, money in
FUNDS = (
    (
        "Riverbend Help Fund", "Bills, medicines and rides of patients in need", "Household income below 250 percent of the poverty level",
        "Proof of income\nThe bill", Decimal(500), 60, "Fund board, meets Thursdays", Decimal(6000),
    ),
    (
        "Harbor Medicine Fund", "Medicines until assistance starts", "No drug coverage, or a copay above 50 dollars",
        "Prescription\nPharmacy quote", Decimal(200), 30, "Harbor Food Shelf, (612) 555-0177", Decimal(1500),
    ),
)  # fmt: skip


def make_money(clinic: Clinic, patients: dict[str, Patient]) -> None:
    made = [_fund(clinic, *row) for row in FUNDS]
    marias = _bills(clinic, patients)
    _applications(clinic, patients, made, marias)
    marcus = clinic.users["marcus"]
    benefit = benefits.start_benefit(
        patient=patients["Begay, Harold"], program="medicare_savings", agency="County human services",
        papers=["Proof of income", "Medicare card"], by=marcus, now=clinic.ago(12),
    )  # fmt: skip
    benefits.step_benefit(
        benefit_id=benefit.pk, step="file", filed_on=clinic.today - timedelta(days=9), agency_reference="MSP-20417",
        without_papers="Sent by mail", by=marcus, now=clinic.ago(9),
    )  # fmt: skip
    estimates.request_estimate(
        patient=patients["Dubois, Marcel"],
        service="Physical therapy, first visit",
        by=marcus,
        now=clinic.ago(1),
    )


def _fund(clinic: Clinic, *row: object) -> Fund:
    names = ("name", "purpose", "criteria", "papers", "limit_per_patient", "holds_days", "contact")
    beth, at = clinic.users["beth"], clinic.ago(80)
    fund = funds.save_fund(fund_id=None, by=beth, now=at, **dict(zip(names, row, strict=False)))
    amount: Decimal = row[-1]  # type: ignore[assignment]
    funds.add_money(
        fund_id=fund.pk,
        amount=amount,
        on=clinic.today - timedelta(days=80),
        note="Spring giving",
        by=beth,
        now=at,
    )
    return fund


def _bills(clinic: Clinic, patients: dict[str, Patient]) -> Bill:
    marcus = clinic.users["marcus"]
    marias = bills.log_bill(
        patient=patients["Alvarez, Maria"], biller="Mercy General Hospital", amount=Decimal(412), is_nonprofit_hospital=True,
        statement_on=clinic.today - timedelta(days=6), service_on=clinic.today - timedelta(days=40),
        due_on=clinic.today + timedelta(days=20), account_number="MG-88213", by=marcus, now=clinic.ago(1),
    )  # fmt: skip
    for text, amount, kind in (
        ("Outpatient facility charge", 290, "Facility fee"),
        ("Echocardiogram, patient share", 122, "Coinsurance"),
    ):
        phrase = BillPhrase.objects.filter(label=kind).first()
        bills.add_line(
            bill_id=marias.pk, text=text, amount=Decimal(amount), phrase=phrase, by=marcus, now=clinic.ago(1)
        )
    other = bills.log_bill(
        patient=patients["Olsen, Gerald"], biller="Mercy Imaging", amount=Decimal(180),
        statement_on=clinic.today - timedelta(days=30), by=marcus, now=clinic.ago(25),
    )  # fmt: skip
    bills.settle_bill(
        bill_id=other.pk, outcome="corrected", dollars_won=Decimal(130), settled_on=clinic.today - timedelta(days=10),
        by=marcus, now=clinic.ago(10),
    )  # fmt: skip
    return marias


def _applications(clinic: Clinic, patients: dict[str, Patient], made: list[Fund], marias: Bill) -> None:
    help_fund, medicine_fund = made
    _ask(
        clinic, patients["Alvarez, Maria"], help_fund, 150, "Bill from Mercy General Hospital", 1, bill=marias
    )
    harold = _ask(clinic, patients["Begay, Harold"], help_fund, 240, "Rides to dialysis", 20)
    _award(clinic, harold, 200, 14)
    aid.pay_award(
        application_id=harold.pk, amount=Decimal(80), paid_to="Lakes Rides", paid_for="Two weeks of rides",
        paid_on=clinic.today - timedelta(days=7), by=clinic.users["marcus"], now=clinic.ago(7),
    )  # fmt: skip
    _send(clinic, _ask(clinic, patients["Coleman, Denise"], medicine_fund, 90, "Inhaler", 5), 4)


def _ask(
    clinic: Clinic,
    patient: Patient,
    fund: Fund,
    amount: int,
    purpose: str,
    days: int,
    bill: Bill | None = None,
) -> AidApplication:
    return aid.apply_for_aid(
        patient=patient, fund=fund, asked_amount=Decimal(amount), purpose=purpose, bill=bill,
        by=clinic.users["marcus"], now=clinic.ago(days),
    )  # fmt: skip


def _send(clinic: Clinic, application: AidApplication, days: int) -> None:
    for paper in application.papers.all():
        aid.attach_paper(
            paper_id=paper.pk,
            not_needed="Seen at the clinic",
            by=clinic.users["marcus"],
            now=clinic.ago(days),
        )
    aid.submit_application(application_id=application.pk, by=clinic.users["marcus"], now=clinic.ago(days))


def _award(clinic: Clinic, application: AidApplication, amount: int, days: int) -> None:
    _send(clinic, application, days + 2)
    aid.decide_application(
        application_id=application.pk, awarded=True, awarded_amount=Decimal(amount), decided_by="Fund board",
        decided_on=clinic.today - timedelta(days=days), by=clinic.users["marcus"], now=clinic.ago(days),
    )  # fmt: skip
