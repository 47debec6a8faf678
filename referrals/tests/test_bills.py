"""Bills: explained to those who may hear it, questioned, settled; and estimates before them (domain 3.6)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from careplans.models import Task
from coordinator.clocks.selectors import as_calendar, federal_calendar
from coordinator.tests.factories import make_site, make_user
from patients.models import Coverage, RelatedPerson
from patients.tests.factories import make_patient
from referrals.models import BillPhrase
from referrals.rules.money import estimate_rule, is_self_pay
from referrals.selectors import money as money_selectors
from referrals.services import aid, bills, estimates
from referrals.tests.money_factories import award, make_aid, make_fund

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 16, tzinfo=UTC)
TODAY = date(2026, 11, 18)


@pytest.fixture
def dana():
    return make_user(site=make_site(zone="America/Chicago"))


@pytest.fixture
def patient(dana):
    return make_patient(site=dana.sites.get(), language="es")


def log(patient, by, amount=412, **more):
    facts = {"biller": "Mercy General", "statement_on": date(2026, 11, 10)} | more
    return bills.log_bill(patient=patient, amount=Decimal(amount), by=by, now=NOW, **facts)


def test_a_line_is_explained_in_the_patients_language(patient, dana):
    bill = log(patient, dana)
    phrase = BillPhrase.objects.get(label="Facility fee")
    line = bills.add_line(
        bill_id=bill.pk, text="FACILITY", amount=Decimal(412), phrase=phrase, by=dana, now=NOW
    )
    assert line.explanation == phrase.words_es
    phrase.words_es = "Otra cosa"
    phrase.save()
    line.refresh_from_db()
    assert line.explanation.startswith("Lo que cobra"), "the bill keeps the words it was explained with"


def test_it_is_explained_only_to_who_may_hear_about_money(patient, dana):
    bill = log(patient, dana)
    ana = RelatedPerson.objects.create(
        patient=patient, name="Ana", relationship="daughter", topics=["scheduling"]
    )
    with pytest.raises(ValidationError, match="may not hear about money"):
        bills.explain_bill(bill_id=bill.pk, on=TODAY, related_person=ana, by=dana, now=NOW)
    ana.topics = ["money"]
    ana.save()
    bill = bills.explain_bill(bill_id=bill.pk, on=TODAY, related_person=ana, by=dana, now=NOW)
    assert (bill.explained_on, bill.explained_to) == (TODAY, ana)


def test_a_question_has_a_date_for_its_answer_and_the_answer_closes_it(patient, dana):
    bill = log(patient, dana)
    asked = bills.ask_about_bill(
        bill_id=bill.pk,
        to_whom="Billing",
        channel="phone",
        question="Why twice?",
        asked_on=TODAY,
        by=dana,
        now=NOW,
    )
    assert asked.answer_due_at.isoformat() == "2026-12-04T05:59:59+00:00", (
        "10 business days, without Thanksgiving"
    )
    bill = bills.answer_question(
        bill_id=bill.pk, answer="It was a mistake", answered_on=TODAY, by=dana, now=NOW + timedelta(days=1)
    )
    asked.refresh_from_db()
    assert (bill.status, asked.answer) == ("logged", "It was a mistake")


def settle(bill, by, won, now=NOW, outcome="corrected"):
    return bills.settle_bill(
        bill_id=bill.pk, outcome=outcome, dollars_won=Decimal(won), settled_on=now.date(), by=by, now=now
    )


def test_dollars_won_and_what_funds_paid_are_never_more_than_the_bill(patient, dana):
    bill, fund = log(patient, dana), make_fund(500)
    application = award(
        make_aid(patient, fund=fund, bill=bill, status="submitted"), now=NOW, decided_on=TODAY
    )
    aid.pay_award(
        application_id=application.pk, amount=Decimal(150), paid_to="Mercy", paid_for="Bill", paid_on=TODAY,
        by=dana, now=NOW,
    )  # fmt: skip
    with pytest.raises(ValidationError, match=r"our funds paid 150\.00"):
        settle(bill, dana, 263)
    settle(bill, dana, 262)
    found = money_selectors.dollars_found(dana, 2026)
    assert (found.funds, found.whole.bills, found.whole.total) == ([fund.name], 262, 412)
    assert [month.first for month in found.months] == [date(2026, 11, 1)]
    stranger = make_user(site=make_site())
    assert money_selectors.dollars_found(stranger, 2026).months == []
    bills.step_bill(
        bill_id=bill.pk, step="reopen", reason="Billed again", by=dana, now=NOW + timedelta(days=3)
    )
    assert money_selectors.dollars_found(dana, 2026).whole.total == 150


def test_a_removed_line_stays_with_its_reason(patient, dana):
    bill = log(patient, dana)
    line = bills.add_line(bill_id=bill.pk, text="X", amount=Decimal(5), by=dana, now=NOW)
    bills.remove_line(line_id=line.pk, reason="Other bill", by=dana, now=NOW)
    line.refresh_from_db()
    assert line.removed_because == "Other bill"
    assert bills.add_line(bill_id=bill.pk, text="Y", amount=Decimal(5), by=dana, now=NOW).position == 2


def test_a_nonprofit_hospitals_dates_say_that_they_are_unconfirmed(patient, dana):
    bill = log(patient, dana, is_nonprofit_hospital=True)
    before, until = money_selectors.hospital_dates(bill)
    assert (before.due_on, until.due_on) == (date(2027, 3, 10), date(2027, 7, 8))
    assert not before.terms.verified
    assert money_selectors.hospital_dates(log(patient, dana)) == []


# --- estimates --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheduled", "visit", "rule"),
    [
        ("2026-11-18", "2026-11-20", ""),  # 2 business days ahead
        ("2026-11-18", "2026-11-23", "estimate.scheduled_near"),  # Thu, Fri, Mon: 3
        ("2026-11-23", "2026-11-27", "estimate.scheduled_near"),  # Tue, Wed, Fri: Thanksgiving does not count
        ("2026-11-24", "2026-11-27", ""),  # Wed, Fri: 2
        ("2026-11-18", "2026-12-02", "estimate.scheduled_near"),  # 9, without Thanksgiving
        ("2026-11-18", "2026-12-03", "estimate.scheduled_far"),  # 10
        ("2026-11-21", "2026-11-25", "estimate.scheduled_near"),  # booked on a Saturday: Mon, Tue, Wed
    ],
)
def test_which_estimate_is_due(scheduled, visit, rule):
    calendar = as_calendar(federal_calendar())
    days = {"scheduled_on": date.fromisoformat(scheduled), "visit_on": date.fromisoformat(visit)}
    assert estimate_rule(**days, calendar=calendar) == rule


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], False),
        ([("Self-pay", 1)], True),
        ([("Medicare", 1), ("Self-pay", 2)], False),
        ([("Self pay", 1), ("Medicare", 2)], True),
        ([("NO_INSURANCE", 1)], True),
    ],
)
def test_who_pays_themselves(rows, expected):
    coverages = [Coverage(payer_name=name, rank=rank) for name, rank in rows]
    assert is_self_pay(coverages, TODAY) is expected
    for row in coverages:
        row.ends_on = TODAY - timedelta(days=1)
    assert is_self_pay(coverages, TODAY) is False


def given(patient, by, amount, visit_on):
    estimate = estimates.request_estimate(patient=patient, service="MRI", visit_on=visit_on, by=by, now=NOW)
    return estimates.give_estimate(
        estimate_id=estimate.pk, amount=Decimal(amount), given_on=TODAY, channel="mail", by=by, now=NOW
    )


@pytest.mark.parametrize(("amount", "disputable"), [(399, False), (400, True), (Decimal("399.99"), False)])
def test_a_bill_400_above_its_estimate_is_found_by_itself(patient, dana, amount, disputable):
    estimate = given(patient, dana, 100, date(2026, 11, 5))
    given(make_patient(site=patient.site), dana, 1, date(2026, 11, 5))
    bill = log(patient, dana, 100 + amount, service_on=date(2026, 11, 5))
    assert (bill.estimate, bill.may_be_disputed) == (estimate, disputable)
    assert bill.changes.filter(step="find_over_estimate").exists() is disputable


def test_without_a_day_only_the_one_estimate_that_can_be_meant_is_taken(patient, dana):
    first = given(patient, dana, 100, date(2026, 11, 5))
    assert log(patient, dana).estimate == first
    assert log(patient, dana).estimate is None, "another bill goes by it"
    given(patient, dana, 100, date(2026, 11, 6))
    given(patient, dana, 100, date(2026, 11, 7))
    assert log(patient, dana).estimate is None


def test_an_estimate_on_request_is_due_in_three_business_days_and_a_correction_moves_nothing(patient, dana):
    estimate = estimates.request_estimate(patient=patient, service="MRI", by=dana, now=NOW)
    due = estimate.due_at
    assert due.isoformat() == "2026-11-24T05:59:59+00:00"
    later = NOW + timedelta(days=1)
    estimate = estimates.give_estimate(
        estimate_id=estimate.pk, amount=Decimal(90), given_on=TODAY, channel="mail", by=dana, now=later
    )
    assert not Task.objects.open().filter(cause_id=estimate.pk).exists()
    estimate = estimates.step_estimate(
        estimate_id=estimate.pk, step="correct_given", reason="Another patient's", by=dana, now=later
    )
    assert (estimate.due_at, estimate.amount, estimate.clock.state) == (due, None, "running")
    assert Task.objects.open().filter(cause_id=estimate.pk).count() == 1
