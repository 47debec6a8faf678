"""Aid and benefit applications: duplicates are shown, papers are named, somebody always has the next step."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction

from careplans.models import Task
from careplans.services import complete_task
from coordinator.accounts.roles import Role
from coordinator.db import Conflict
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import NotAllowed, System
from patients.tests.factories import make_document, make_patient
from referrals.models import AidApplication
from referrals.rules.money import period_of
from referrals.services import aid, benefits, follow_up_money
from referrals.tests.money_factories import award, make_fund

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 16, tzinfo=UTC)  # a Wednesday
TODAY = date(2026, 11, 18)
BY = System("nightly")


@pytest.fixture
def dana():
    return make_user(site=make_site(zone="America/Chicago"), name="Dana Whitfield")


@pytest.fixture
def patient(dana):
    return make_patient(site=dana.sites.get())


def ask(patient, fund, by, amount=150, now=NOW, **more):
    return aid.apply_for_aid(
        patient=patient, fund=fund, asked_amount=Decimal(amount), purpose="Bill", by=by, now=now, **more
    )


def open_tasks(record):
    return list(Task.objects.open().filter(cause_id=record.pk).order_by("pk"))


def test_an_application_begins_with_papers_owner_step_date_and_task(patient, dana):
    application = ask(patient, make_fund(papers="Pay slip\n\n Rent "), dana)
    assert list(application.papers.values_list("name", flat=True)) == ["Pay slip", "Rent"]
    assert (application.status, application.owner, application.period) == ("draft", dana, "2026")
    assert application.due_at.isoformat() == "2026-11-24T05:59:59+00:00", (
        "3 business days, end of the local day"
    )
    (task,) = open_tasks(application)
    assert (task.owner, task.due_at) == (dana, application.due_at)


def test_the_same_fund_in_the_same_period_is_shown_and_needs_a_reason(patient, dana):
    fund = make_fund()
    first = ask(patient, fund, dana)
    with pytest.raises(Conflict) as refusal, transaction.atomic():
        ask(patient, fund, dana)
    assert refusal.value.extra["similar"] == [str(first.pk)]
    again = ask(patient, fund, dana, duplicate_reason="Another bill")
    assert again.changes.get().facts["duplicate_reason"] == "Another bill"
    ask(patient, fund, dana, now=datetime(2027, 1, 4, 16, tzinfo=UTC))  # another period
    ask(make_patient(site=patient.site), fund, dana)
    ask(patient, make_fund(), dana)


@pytest.mark.parametrize(
    ("period", "expected"), [("once", "once"), ("year", "2026"), ("month", "2026-11"), ("", "once")]
)
def test_periods(period, expected):
    assert period_of(period, TODAY) == expected


def test_a_withdrawn_one_is_no_duplicate(patient, dana):
    fund = make_fund()
    first = ask(patient, fund, dana)
    aid.step_application(
        application_id=first.pk, step="withdraw", reason="Paid by the family", by=dana, now=NOW
    )
    ask(patient, fund, dana)


def test_sending_names_the_papers_that_are_missing(patient, dana):
    application = ask(patient, make_fund(papers="Pay slip\nRent\nTax return"), dana)
    slip, rent, _tax = application.papers.all()
    aid.attach_paper(paper_id=slip.pk, document=make_document(patient), by=dana, now=NOW)
    aid.attach_paper(paper_id=rent.pk, not_needed="Lives with family", by=dana, now=NOW)
    with pytest.raises(ValidationError, match=r"Missing: Tax return\."):
        aid.submit_application(application_id=application.pk, by=dana, now=NOW)
    sent = aid.submit_application(
        application_id=application.pk, without_papers="Comes by mail", by=dana, now=NOW
    )
    assert (sent.status, sent.without_papers) == ("submitted", "Comes by mail")


def test_a_paper_of_another_patient_is_refused(patient, dana):
    application = ask(patient, make_fund(papers="Pay slip"), dana)
    theirs = make_document(make_patient(site=patient.site))
    with pytest.raises(ValidationError, match="this patient"):
        aid.attach_paper(paper_id=application.papers.get().pk, document=theirs, by=dana, now=NOW)


def test_each_stage_closes_its_task_and_opens_the_next(patient, dana):
    application = ask(patient, make_fund(), dana)
    application = aid.submit_application(application_id=application.pk, by=dana, now=NOW)
    (task,) = open_tasks(application)
    assert task.reason == "Ask the fund for its decision"
    application = award(application, by=dana, decided_on=TODAY, now=NOW, expires_on=date(2026, 12, 10))
    (task,) = open_tasks(application)
    assert (task.reason, task.due_at) == ("Pay it before the award expires", application.due_at)
    assert application.due_at.date() == date(2026, 12, 11), "the end of December 10 in Chicago"
    aid.pay_award(
        application_id=application.pk, amount=Decimal(150), paid_to="Mercy", paid_for="Bill", paid_on=TODAY,
        by=dana, now=NOW,
    )  # fmt: skip
    assert open_tasks(application) == []


def test_a_refusal_asks_to_tell_the_patient_before_it_is_closed(patient, dana):
    application = aid.submit_application(application_id=ask(patient, make_fund(), dana).pk, by=dana, now=NOW)
    refuse = {"decided_by": "Board", "decided_on": TODAY, "by": dana, "now": NOW, "awarded": False}
    with pytest.raises(NotAllowed, match="reason"):
        aid.decide_application(application_id=application.pk, **refuse)
    application = aid.decide_application(application_id=application.pk, reason="Income", **refuse)
    assert application.next_step == "Tell the patient and look for other help"
    assert (application.decided_by, application.decided_on) == ("Board", TODAY)
    application = aid.step_application(application_id=application.pk, step="close", by=dana, now=NOW)
    assert (application.is_open, open_tasks(application)) == (False, [])


def test_a_mistaken_application_gives_back_what_was_reserved_but_not_what_was_paid(patient, dana):
    fund = make_fund(500)
    application = aid.submit_application(application_id=ask(patient, fund, dana).pk, by=dana, now=NOW)
    award(application, by=dana, decided_on=TODAY, now=NOW)
    paying = {"paid_to": "Mercy", "paid_for": "Bill", "paid_on": TODAY, "by": dana, "now": NOW}
    aid.pay_award(application_id=application.pk, amount=Decimal(50), **paying)
    wrong = {"application_id": application.pk, "step": "enter_in_error", "reason": "Other patient"}
    with pytest.raises(NotAllowed, match="Reverse the payments first"):
        aid.step_application(by=dana, now=NOW, **wrong)
    spend = application.awards.get().spends.get()
    aid.reverse_payment(spend_id=spend.pk, reason="Wrong", by=dana, now=NOW)
    aid.step_application(by=dana, now=NOW, **wrong)
    fund.refresh_from_db()
    assert (fund.reserved, fund.spent, fund.balance) == (0, 0, 500)


def test_the_night_asks_again_about_what_is_overdue_although_its_task_was_closed(patient, dana):
    application = ask(patient, make_fund(), dana)
    (task,) = open_tasks(application)
    complete_task(task_id=task.pk, by=dana, now=NOW)
    assert follow_up_money(site=patient.site, by=BY, now=NOW) == 0, "it is not due yet"
    late = NOW + timedelta(days=10)
    assert follow_up_money(site=patient.site, by=BY, now=late) == 1
    assert follow_up_money(site=patient.site, by=BY, now=late) == 0
    assert len(open_tasks(application)) == 1


def test_nothing_open_is_without_a_date_or_a_next_step(patient, dana):
    application = ask(patient, make_fund(), dana)
    for missing in ({"due_at": None}, {"next_step": ""}, {"owner": None}):
        with pytest.raises(IntegrityError, match="aid_is_followed"), transaction.atomic():
            AidApplication.objects.filter(pk=application.pk).update(**missing)


def test_who_only_reads_writes_nothing(patient):
    billing = make_user(Role.BILLING, site=patient.site)
    with pytest.raises(PermissionDenied):
        ask(patient, make_fund(), billing)
    elsewhere = make_user(site=make_site())
    with pytest.raises(PermissionDenied):
        ask(patient, make_fund(), elsewhere)


# --- benefits ---------------------------------------------------------------------------------------------


def begin(patient, by, **more):
    facts = {"program": "medicare_savings", "agency": "County office"} | more
    return benefits.start_benefit(patient=patient, by=by, now=NOW, **facts)


def step(record, name, by, now=NOW, **facts):
    return benefits.step_benefit(benefit_id=record.pk, step=name, by=by, now=now, **facts)


def test_a_renewal_is_asked_for_in_time_and_closes_by_itself(patient, dana):
    record = step(begin(patient, dana), "file", dana, filed_on=TODAY, agency_reference="77-1")
    record = step(record, "approve", dana, decided_on=TODAY, starts_on=TODAY, renews_on=date(2027, 11, 1))
    assert (record.next_step, open_tasks(record)) == ("Renew it", []), "a year away is on nobody's list"
    soon = datetime(2027, 9, 20, 16, tzinfo=UTC)
    assert follow_up_money(site=patient.site, by=BY, now=soon) == 1
    (task,) = open_tasks(record)
    assert task.due_at == record.due_at
    record = step(record, "renew", dana, now=soon, renews_on=date(2028, 11, 1))
    assert (record.status, open_tasks(record)) == ("approved", [])
    task.refresh_from_db()
    assert task.status == "cancelled"
    with pytest.raises(ValidationError, match="after the one before"):
        step(record, "renew", dana, now=soon, renews_on=date(2028, 1, 1))


def test_filing_names_missing_papers_and_an_approval_needs_its_renewal(patient, dana):
    record = begin(patient, dana, papers=["Proof of address"])
    with pytest.raises(ValidationError, match="Missing: Proof of address"):
        step(record, "file", dana, filed_on=TODAY)
    record = step(record, "file", dana, filed_on=TODAY, without_papers="Sent by mail")
    with pytest.raises(NotAllowed, match="date"):
        step(record, "approve", dana, decided_on=TODAY, starts_on=TODAY)
    denied = step(record, "deny", dana, decided_on=TODAY, reason="Assets")
    assert denied.next_step.startswith("Tell the patient")


def test_one_open_application_for_a_benefit(patient, dana):
    first = begin(patient, dana)
    with pytest.raises(Conflict, match="already"), transaction.atomic():
        begin(patient, dana)
    step(first, "withdraw", dana, reason="Not wanted")
    begin(patient, dana)
