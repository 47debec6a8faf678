"""How requests and money records end: let go, given to a colleague, left by their patient, answered in appeal by a file."""

from __future__ import annotations

import datetime

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from careplans.models import Task
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.clocks.models import Clock
from coordinator.dashboard.caseload import caseload_of, take_back, transfer
from coordinator.dashboard.silent import find_silent
from coordinator.exchange import services as exchange
from coordinator.exchange.tests.files import answer_278
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import NotAllowed, System
from patients import services as patients
from patients.leaving import foretell
from patients.tests.factories import make_patient
from referrals import services
from referrals.models import AidApplication, PriorAuthorization
from referrals.selectors.authorizations import authorization_counts
from referrals.tests.factories import make_authorization, make_denial, make_line, make_payer
from referrals.tests.money_factories import award, make_aid, make_benefit, make_bill, make_estimate, make_fund
from scheduling.services.renewals import ask_for_renewals, end_authorizations

pytestmark = pytest.mark.django_db
NIGHT = System("nightly")
DAY = datetime.timedelta(days=1)


def now():
    return timezone.now()


@pytest.fixture
def dana():
    return make_user(site=make_site())


@pytest.fixture
def patient(dana):
    return make_patient(site=dana.sites.get(), coordinator=dana)


def approved(patient, days, **fields):
    fields.setdefault("status", "approved")
    today = timezone.localdate(timezone=patient.site.tzinfo)
    record = make_authorization(
        patient, starts_on=today - 60 * DAY, ends_on=today + days * DAY, authorization_number="A-1",
        due_at=now(), next_step="x", **fields,
    )  # fmt: skip
    make_line(record, decision="approved", units_approved=6, ends_on=record.ends_on)
    return record


def night(patient, at=None):
    same = {"site": patient.site, "by": NIGHT, "now": at or now()}
    ended = end_authorizations(**same)
    return ended, ask_for_renewals(**same)


def renewals(record):
    return Task.objects.open().filter(cause_id=record.pk)


# --- let it end ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "status"), [(5, "approved"), (-5, "expired")])
def test_what_may_end_closes_its_tasks_and_is_not_asked_about_again(dana, patient, days, status):
    record = approved(patient, days)
    night(patient)
    assert renewals(record).count() == 1
    same = {"authorization_id": record.pk, "by": dana, "now": now()}
    with pytest.raises(ValidationError, match="Say why"):
        services.let_end(reason=" ", **same)
    done = services.let_end(reason="Treatment finished", **same)
    assert done.changes.get(step="let_end").reason == "Treatment finished"
    night(patient)
    assert (PriorAuthorization.objects.get(pk=record.pk).status, renewals(record).count()) == (status, 0)
    with pytest.raises(NotAllowed):
        services.let_end(reason="Again", **same)


def test_an_expired_one_that_may_end_is_open_nowhere_and_can_be_taken_up(dana, patient):
    record = approved(patient, -5)
    night(patient)
    same = {"authorization_id": record.pk, "by": dana, "now": now()}
    services.let_end(reason="Moved to another drug", **same)
    assert authorization_counts(dana, now())["all"] == 0
    assert not find_silent(now=now())
    taken = services.take_up_end(**same)
    assert (taken.next_step, taken.due_at is not None) == ("Renew, or let it end", True)
    assert authorization_counts(dana, now())["over"] == 1


def test_the_page_offers_it_and_says_that_it_may_end(client, dana, patient):
    record = approved(patient, 5)
    client.force_login(dana)
    where = reverse("referrals:authorization_detail", args=[record.pk])
    act = reverse("referrals:authorization_act", args=[record.pk, "let_end"])
    page = client.get(where).content.decode()
    assert act in page
    for name in ("request_json", "request_x12"):
        assert reverse(f"exchange:{name}", args=[record.pk]) in page
    assert client.post(act, {"reason": ""}).status_code == 422
    assert client.post(act, {"reason": "Finished"}).status_code == 302
    page = client.get(where).content.decode()
    assert "It is not renewed; decided" in page
    assert act not in page


# --- in force after an appeal ----------------------------------------------------------------------------------


def appealed(patient, dana, lines=("denied", "approved")):
    record = approved(patient, 20, status="denied", reference_number="T-1", payer=make_payer())
    record.lines.all().delete()
    today = timezone.localdate(timezone=patient.site.tzinfo)
    for number, decision in enumerate(lines, 1):
        granted = {"units_approved": 6, "ends_on": today + 20 * DAY} if decision == "approved" else {}
        make_line(
            record,
            number=number,
            service_code=f"9711{number}",
            units_requested=6,
            decision=decision,
            **granted,
        )
    denial = make_denial(record, notice_on=today - 9 * DAY)
    services.file_appeal(
        denial_id=denial.pk, filed_at=now() - 2 * DAY, channel="fax", proof="F", by=dana, now=now()
    )
    return record, denial.appeals.get()


def test_partly_won_it_is_in_force_as_long_as_any_line_and_then_expires(dana, patient):
    record, appeal = appealed(patient, dana, ("denied", "denied", "approved"))
    today = timezone.localdate(timezone=patient.site.tzinfo)
    services.record_appeal_outcome(
        appeal_id=appeal.pk, outcome="partly", outcome_on=today - DAY, units={1: 3}, authorization_number="A-2",
        ends_on=today + 5 * DAY, by=dana, now=now(),
    )  # fmt: skip
    record.refresh_from_db()
    assert (record.status, record.ends_on) == ("partially_approved", today + 20 * DAY)
    assert night(patient, now() + 19 * DAY)[0] == 0
    assert night(patient, now() + 22 * DAY)[0] == 1
    record.refresh_from_db()
    assert record.status == "expired"


@pytest.mark.parametrize(
    ("hcr", "outcome", "status"),
    [("HCR*A1*AUTH77", "overturned", "approved"), ("HCR*A3**0V", "upheld", "upheld")],
)
def test_a_payers_file_answers_the_appeal(dana, patient, hcr, outcome, status):
    record, appeal = appealed(patient, dana, ("denied",))
    content = answer_278("DTP*472*RD8*20300101-20301231", hcr=hcr)
    (file,) = exchange.take_file(name="a.278", content=content, site=patient.site, by=dana, now=now())
    assert file.authorization == record
    exchange.record_answer(file_id=file.pk, chosen={}, seen=None, by=dana, now=now())
    record.refresh_from_db()
    appeal.refresh_from_db()
    assert (appeal.outcome, record.status) == (outcome, status)


def test_a_file_without_a_last_day_does_not_decide_an_appeal(dana, patient):
    record, appeal = appealed(patient, dana, ("denied",))
    (file,) = exchange.take_file(
        name="a.278", content=answer_278(hcr="HCR*A1*AUTH77"), site=patient.site, by=dana, now=now()
    )
    with pytest.raises(NotAllowed, match="last day"):
        exchange.record_answer(file_id=file.pk, chosen={}, seen=None, by=dana, now=now())
    appeal.refresh_from_db()
    assert appeal.outcome == ""


# --- a colleague leaves, a patient leaves --------------------------------------------------------------------------


def test_a_caseload_moves_with_requests_and_money_and_comes_back(dana, patient):
    site = patient.site
    beth, marcus = make_user(Role.MANAGER, site=site), make_user(site=site, name="Marcus Lee")
    request = make_authorization(patient, owner=dana)
    money = [make(patient, owner=dana) for make in (make_aid, make_benefit, make_bill, make_estimate)]
    over = make_bill(patient, owner=dana, status="settled", outcome="paid", settled_on=timezone.localdate())
    counts = caseload_of(beth, dana).counts
    assert (counts["authorizations"], counts["money"]) == (1, 4)
    moved = transfer(
        owner=dana, to=marcus, sorts=["authorizations", "money"], by=beth, now=now(), reason="On leave"
    )
    for row in (request, *money, over):
        row.refresh_from_db()
    assert {row.owner for row in (request, *money)} == {marcus}
    assert (over.owner, moved.counts, moved.refused) == (dana, {"authorizations": 1, "money": 4}, [])
    assert money[0].changes.get(step="reassign").reason == "On leave"
    take_back(owner=dana, to=marcus, keys=moved.keys, by=beth, now=now())
    for row in (request, *money):
        row.refresh_from_db()
    assert {row.owner for row in (request, *money)} == {dana}


def test_money_of_somebody_who_left_is_ended_by_tasks_that_close_by_themselves(dana, patient):
    fund = make_fund(500)
    promised = award(make_aid(patient, fund=fund, status="submitted", owner=dana))
    bill = make_bill(patient, owner=dana)
    services.follow_up_money(site=patient.site, by=NIGHT, now=now() + 30 * DAY)
    before = set(Task.objects.open().filter(patient=patient).values_list("pk", flat=True))
    said = [
        effect.what for group in foretell(patient, "record_death", dana, now()) for effect in group.effects
    ]
    assert {str(promised), str(bill)} <= set(said)
    patients.record_death(
        patient_id=patient.pk, died_on=timezone.localdate(timezone=patient.site.tzinfo), by=dana, now=now(),
        cancel_visits=[],
    )  # fmt: skip
    asked = {task.title: task for task in Task.objects.open().filter(patient=patient)}
    assert set(asked) == {f"Give back what is reserved: {promised}", f"Settle the bill: {bill}"}
    assert not before & {task.pk for task in asked.values()}
    services_aid(promised, dana)
    fund.refresh_from_db()
    assert (fund.reserved, AidApplication.objects.get(pk=promised.pk).status) == (0, "closed")
    assert Task.objects.open().filter(patient=patient).count() == 1
    patients.reactivate_patient(patient_id=patient.pk, reason="Another patient", by=dana, now=now())
    titles = set(Task.objects.open().filter(patient=patient).values_list("title", flat=True))
    assert f"Settle the bill: {bill}" not in titles


def services_aid(application, by):
    from referrals.services import aid

    aid.step_application(
        application_id=application.pk, step="give_back", reason="The patient has died", by=by, now=now()
    )


def test_looking_at_why_a_date_is_a_look_into_the_record(client, dana, patient):
    services.create_referral(patient=patient, specialty="Cardiology", reason="x", by=dana, now=now())
    client.force_login(dana)
    clock = Clock.objects.filter(subject_type="referrals.referral").latest("pk")
    client.get(reverse("clocks:clock_why", args=[clock.pk]))
    event = AuditEvent.objects.filter(action="view", patient_id=patient.pk).get()
    assert event.details == {"what": "clock"}
