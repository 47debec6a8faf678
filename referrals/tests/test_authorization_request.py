"""A request from "is it needed?" to the payer's decision: what drives it, what stops it, what it asks of people."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest
from django.core.exceptions import ValidationError

from careplans.models import Task
from coordinator.clocks.services import sweep
from coordinator.dashboard.silent import find_silent
from coordinator.tests.factories import make_organization, make_site, make_user
from coordinator.workflow import NotAllowed
from patients.models import Coverage, Document
from patients.tests.factories import make_document, make_patient
from referrals import services
from referrals.models import Payer, PayerRequirement, PriorAuthorization, RequiredPaper
from referrals.selectors.authorizations import is_payer_overdue, standing_answer
from referrals.tests.factories import make_payer, make_referral
from referrals.workflow import AuthorizationStatus as S

pytestmark = pytest.mark.django_db
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
NOW = datetime.datetime(2026, 11, 23, 10, 0, tzinfo=NEW_YORK)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def dana():
    return make_user(site=make_site(zone="America/New_York"))


@pytest.fixture
def payer():
    return make_payer(name="HealthNorth Plus")


@pytest.fixture
def maria(dana, payer):
    patient = make_patient(site=dana.sites.get(), coordinator=dana)
    Coverage.objects.create(patient=patient, payer_name="healthnorth plus", rank=1)
    return patient


@pytest.fixture
def ask(dana, maria, payer):
    """`ask("submitted")`: a request with one line, walked to that status at NOW."""

    def walk(status=S.REQUIREMENT_UNKNOWN, at=NOW, code="93306", **header):
        again = "Another one is needed" if maria.authorizations.exists() else ""
        header = {"service": "Echocardiogram", "payer": payer, "duplicate_reason": again} | header
        request = services.request_authorization(
            patient=maria, line={"service_code": code, "units": 3}, by=dana, now=at, **header
        )
        if status == S.REQUIREMENT_UNKNOWN:
            return request
        answer(dana, request, "auth-needed", at)
        if status == S.SUBMITTED:
            submit(dana, request, at)
        return fresh(request)

    return walk


def fresh(record):
    return type(record).objects.get(pk=record.pk)


def answer(by, request, said, at=NOW, **more):
    facts = {"source": "phone", "reference": "C-1"} | more
    return services.record_requirement(authorization_id=request.pk, pa_needed=said, by=by, now=at, **facts)


def submit(by, request, at=NOW, **facts):
    sent = {"channel": "portal", "received_by_payer_at": at, "receipt_proof": "P-1"} | facts
    return services.advance_authorization(authorization_id=request.pk, step="submit", by=by, now=at, **sent)


def tasks(**narrow):
    return list(Task.objects.open().filter(**narrow).order_by("created_at"))


# --- is it needed? ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("auth-needed", S.REQUIRED),
        ("performpa", S.REQUIRED),
        ("no-auth", S.NOT_REQUIRED),
        ("satisfied", S.NOT_REQUIRED),
        ("conditional", S.REQUIREMENT_UNKNOWN),
        ("indeterminate", S.REQUIREMENT_UNKNOWN),
    ],
)
def test_the_answer_drives_the_request_and_indeterminate_is_not_no(ask, dana, said, status):
    request = ask()
    answer(dana, request, said, doc_needed=["clinical", "admin"], info_needed=["location"])
    assert fresh(request).status == status


def test_not_needed_is_nothing_without_its_proof(ask, dana):
    request = ask()
    with pytest.raises(ValidationError) as refusal:
        answer(dana, request, "no-auth", reference="")
    assert "reference" in refusal.value.message_dict
    assert fresh(request).status == S.REQUIREMENT_UNKNOWN


def test_the_latest_answer_that_holds_counts(ask, dana):
    request = ask()
    answer(dana, request, "indeterminate", NOW - 3 * DAY)
    answer(dana, request, "no-auth", NOW - 2 * DAY, expires_on=(NOW - DAY).date())
    assert standing_answer(fresh(request), NOW).pa_needed == "indeterminate"
    last = answer(dana, request, "auth-needed", NOW)
    assert fresh(request).status == S.REQUIRED, "the payer changed its answer"
    services.enter_requirement_in_error(check_id=last.pk, reason="Another service", by=dana, now=NOW)
    assert standing_answer(fresh(request), NOW).pa_needed == "indeterminate"


def on_the_list(payer, **fields):
    facts = {"source": "List of October", "source_on": (NOW - 9 * DAY).date()} | fields
    facts.setdefault("expires_on", (NOW + 90 * DAY).date())
    facts.setdefault("pa_needed", "auth-needed")
    return PayerRequirement.objects.create(payer=payer, **facts)


def test_the_list_answers_without_a_call_while_it_holds(ask, dana, payer):
    on_the_list(payer, service_code="93306")
    request = ask()
    check = request.requirement_checks.get()
    assert (request.status, check.source, check.reference) == (
        S.REQUIRED,
        "list",
        "List of October, 2026-11-14",
    )
    PayerRequirement.objects.update(expires_on=(NOW - DAY).date())
    assert ask().status == S.REQUIREMENT_UNKNOWN


def test_one_service_that_needs_it_is_enough_and_all_must_be_free_of_it(ask, dana, payer):
    on_the_list(payer, service_code="93306", pa_needed="no-auth")
    request = ask(code="99999")
    assert request.status == S.REQUIREMENT_UNKNOWN
    services.add_service_line(authorization_id=request.pk, service_code="93306", by=dana, now=NOW)
    assert fresh(request).status == S.REQUIREMENT_UNKNOWN, "nobody knows about the other line"
    on_the_list(payer, service_code="72148")
    services.add_service_line(authorization_id=request.pk, service_code="72148", by=dana, now=NOW)
    assert fresh(request).status == S.REQUIRED


def test_a_specialty_speaks_for_a_service_but_never_clears_it(ask, dana, maria, payer):
    on_the_list(payer, specialty="Cardiology", pa_needed="no-auth")
    referral = make_referral(maria, owner=dana, specialty="Cardiology")
    assert ask(referral=referral).status == S.REQUIREMENT_UNKNOWN
    PayerRequirement.objects.update(pa_needed="auth-needed")
    assert ask(referral=referral).status == S.REQUIRED


# --- the referral waits and goes on by itself ----------------------------------------------------------------


def refer(dana, maria, **fields):
    return services.create_referral(
        patient=maria,
        specialty="Cardiology",
        reason="Swelling",
        clinical_question="Is it the heart?",
        by=dana,
        now=NOW,
        **fields,
    )


def test_a_referral_that_needs_it_waits_by_itself_and_is_ready_by_itself(dana, maria, payer):
    on_the_list(payer, specialty="cardiology", service_code="99244")
    referral = refer(dana, maria, recipient_organization=make_organization())
    assert referral.status == "awaiting_authorization"
    assert (referral.next_step, referral.due_at is not None) == ("Get the authorization", True)
    request = referral.authorizations.get()
    assert (request.status, request.lines.get().service_code) == (S.REQUIRED, "99244")
    submit(dana, request)
    decide(dana, request)
    assert fresh(referral).status == "ready"


def test_a_referral_without_recipient_stays_and_somebody_is_asked(dana, maria, payer):
    on_the_list(payer, specialty="Cardiology", service_code="99244")
    referral = refer(dana, maria)
    request = referral.authorizations.get()
    submit(dana, request)
    decide(dana, request)
    assert fresh(referral).status == "awaiting_authorization"
    (task,) = tasks(kind="referral_follow_up")
    assert "recipient" in task.reason
    services.update_referral(
        referral_id=referral.pk, version=None, by=dana, now=NOW,
        recipient_organization=make_organization(), specialty="Cardiology", reason="Swelling",
    )  # fmt: skip
    services.advance_referral(referral_id=referral.pk, step="make_ready", by=dana, now=NOW)
    assert tasks(kind="referral_follow_up") == []


def test_it_waits_for_every_request_and_goes_on_when_none_is_needed(dana, maria, payer, ask):
    referral = make_referral(maria, owner=dana, recipient_organization=make_organization())
    one, two = ask(referral=referral), ask(referral=referral, code="72148")
    answer(dana, one, "auth-needed")
    assert fresh(referral).status == "awaiting_authorization"
    submit(dana, one)
    decide(dana, one)
    assert fresh(referral).status == "awaiting_authorization", "the other is open"
    answer(dana, two, "no-auth")
    assert fresh(referral).status == "ready"


# --- papers -----------------------------------------------------------------------------------------------------


def test_it_does_not_go_out_without_a_required_paper_and_names_it(ask, dana, maria, payer):
    RequiredPaper.objects.create(label="Notes of the last two visits", is_required=False)
    RequiredPaper.objects.create(payer=payer, service_code="93306", label="Ejection-fraction report")
    RequiredPaper.objects.create(payer=make_payer(), label="Another payer's form")
    request = ask(S.REQUIRED)
    assert {p.label for p in request.papers.all()} == {
        "Notes of the last two visits",
        "Ejection-fraction report",
    }
    with pytest.raises(NotAllowed, match="Ejection-fraction report"):
        submit(dana, request)
    assert fresh(request).status == S.REQUIRED, "nothing of the click was kept"
    report = make_document(maria)
    paper = request.papers.get(label="Ejection-fraction report")
    services.attach_paper(paper_id=paper.pk, document=report, by=dana, now=NOW)
    Document.objects.filter(pk=report.pk).update(status="entered_in_error")
    with pytest.raises(NotAllowed, match="Ejection-fraction report"):
        submit(dana, request)
    Document.objects.filter(pk=report.pk).update(status="current")
    steps = list(submit(dana, request).changes.values_list("step", flat=True))
    assert steps[-3:] == ["gather", "make_ready", "submit"], "no row is skipped"


def test_a_paper_of_somebody_else_is_refused_and_one_not_needed_says_why(ask, dana, payer):
    RequiredPaper.objects.create(label="X-ray")
    request = ask(S.REQUIRED)
    paper = request.papers.get()
    with pytest.raises(ValidationError):
        services.attach_paper(paper_id=paper.pk, document=make_document(make_patient()), by=dana, now=NOW)
    with pytest.raises(ValidationError):
        services.drop_paper(paper_id=paper.pk, reason=" ", by=dana, now=NOW)
    services.drop_paper(paper_id=paper.pk, reason="The payer has it", by=dana, now=NOW)
    assert submit(dana, request).status == S.SUBMITTED


# --- the payer's clock ----------------------------------------------------------------------------------------


def test_expedited_over_the_spring_clock_change(ask, dana):
    received = datetime.datetime(2027, 3, 12, 16, 0, tzinfo=NEW_YORK)
    request = ask(S.SUBMITTED, received, urgency="expedited", urgency_reason="May lose the leg")
    assert request.due_at == datetime.datetime(2027, 3, 15, 17, 0, tzinfo=NEW_YORK)


def test_an_extension_of_fourteen_days_ends_on_december_14_and_not_a_day_later(ask, dana):
    request = ask(S.SUBMITTED)
    notice = {"notice_on": NOW.date(), "reason": "Needs a specialist", "by": dana, "now": NOW}
    with pytest.raises(NotAllowed, match="14"):
        services.extend_decision(authorization_id=request.pk, days=15, **notice)
    services.extend_decision(authorization_id=request.pk, days=14, **notice)
    due = fresh(request).due_at.astimezone(NEW_YORK)
    assert (due.date(), due.hour, due.minute) == (datetime.date(2026, 12, 14), 23, 59)
    with pytest.raises(NotAllowed):
        services.extend_decision(authorization_id=request.pk, days=1, **notice)


def test_a_downgrade_counts_the_standard_length_from_the_first_receipt(ask, dana):
    request = ask(S.SUBMITTED, urgency="expedited", urgency_reason="May lose the leg")
    assert request.due_at == NOW + 3 * DAY
    later = NOW + DAY
    services.downgrade_to_standard(authorization_id=request.pk, reason="Not urgent", by=dana, now=later)
    request = fresh(request)
    assert request.due_at.astimezone(NEW_YORK).date() == datetime.date(2026, 11, 30)
    assert (request.urgency, request.clock.anchor_at, request.clock.state) == ("standard", NOW, "running")
    with pytest.raises(NotAllowed):
        services.downgrade_to_standard(authorization_id=request.pk, reason="Again", by=dana, now=later)


def test_a_medicine_has_its_own_clock_and_without_a_date_we_follow_up(ask, dana):
    dated = ask(S.REQUIRED, kind="medicine")
    submit(dana, dated, decision_due_on=datetime.date(2026, 11, 25))
    dated = fresh(dated)
    assert dated.clock.rule_version.rule.key == "prior_auth.drug.standard"
    assert not dated.clock.rule_version.verified
    assert dated.due_at.astimezone(NEW_YORK).date() == datetime.date(2026, 11, 25)
    undated = fresh(submit(dana, ask(S.REQUIRED, kind="medicine")))
    assert (undated.clock.kind, undated.due_at is not None) == ("authorization.follow_up", True)


def test_a_question_asks_for_our_answer_and_leaves_the_payers_date_alone(ask, dana):
    request = ask(S.SUBMITTED)
    before, due = request.due_at, NOW + 2 * DAY
    services.advance_authorization(
        authorization_id=request.pk,
        step="pend",
        asked_for="Office notes",
        answer_due_at=due,
        by=dana,
        now=NOW,
    )
    (task,) = tasks(kind="authorization")
    assert (task.due_at, task.owner) == (due, dana)
    answered = services.record_answer(
        authorization_id=request.pk, channel="fax", proof="F-9", by=dana, now=NOW + DAY
    )
    assert (answered.status, answered.due_at, tasks()) == (S.PENDED, before, [])
    assert answered.next_step == "Payer decides; our answer is there"
    with pytest.raises(NotAllowed):
        services.record_answer(authorization_id=request.pk, channel="fax", proof="F-9", by=dana, now=NOW)


def test_a_payer_that_lets_its_deadline_pass_is_escalated_once_and_met_late(ask, dana):
    request = ask(S.SUBMITTED)
    late = NOW + 9 * DAY
    sweep(now=late)
    sweep(now=late)
    request = fresh(request)
    assert (request.status, is_payer_overdue(request, late)) == (S.SUBMITTED, True), "a flag, not a status"
    (task,) = tasks()
    assert "appealed" in task.next_step
    decide(dana, request, late)
    assert tasks() == []
    clock = type(request.clock).objects.get(pk=request.clock_id)
    assert (clock.state, clock.met_late) == ("met", True)


def test_our_own_follow_up_that_is_late_is_no_fault_of_the_payer(ask, dana):
    request = ask(S.SUBMITTED, payer=make_payer(payer_type=Payer.Type.OTHER))
    sweep(now=NOW + 9 * DAY)
    assert (tasks(), is_payer_overdue(fresh(request), NOW + 9 * DAY)) == ([], False)
    with pytest.raises(NotAllowed):
        services.extend_decision(
            authorization_id=request.pk, days=1, notice_on=NOW.date(), reason="x", by=dana, now=NOW
        )


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"received_by_payer_at": NOW + DAY}, "received_by_payer_at"),
        ({"sent_at": NOW - DAY, "received_by_payer_at": NOW - 2 * DAY}, "received_by_payer_at"),
    ],
)
def test_a_receipt_in_the_future_or_before_sending_is_refused(ask, dana, facts, field):
    request = ask(S.REQUIRED)
    with pytest.raises(ValidationError) as refusal:
        submit(dana, request, **facts)
    assert field in refusal.value.message_dict
    with pytest.raises(NotAllowed):
        submit(dana, request, receipt_proof="")


def test_returned_is_no_decision_and_the_payers_clock_is_void(ask, dana):
    request = ask(S.SUBMITTED)
    back = services.advance_authorization(
        authorization_id=request.pk, step="return", reason="Wrong member", by=dana, now=NOW
    )
    assert (back.status, back.decided_at, request.clock.__class__.objects.get(pk=request.clock_id).state) == (
        S.RETURNED,
        None,
        "void",
    )
    again = submit(dana, back, NOW + DAY)
    assert again.due_at.astimezone(NEW_YORK).date() == datetime.date(2026, 12, 1)


# --- calls --------------------------------------------------------------------------------------------------------


def test_a_promise_makes_a_task_for_its_day_and_a_call_in_error_takes_it_back(ask, dana):
    request = ask(S.SUBMITTED)
    same = {"authorization_id": request.pk, "by": dana, "now": NOW}
    with pytest.raises(ValidationError):
        services.record_call(said="Nothing yet", promised_by=NOW.date() + DAY, **same)
    services.record_call(said="Nothing yet", **same)
    assert tasks() == []
    call = services.record_call(
        said="Nurse has it", representative="Renee", call_reference="C-7", hold_minutes=12, talk_minutes=4,
        promised="Answer", promised_by=NOW.date() + 2 * DAY, **same,
    )  # fmt: skip
    (task,) = tasks()
    assert task.due_at.astimezone(NEW_YORK).date() == datetime.date(2026, 11, 25)
    assert "C-7" in task.reason
    services.enter_call_in_error(call_id=call.pk, reason="Other patient", by=dana, now=NOW)
    assert (tasks(), request.calls.count()) == ([], 2)


# --- decisions ------------------------------------------------------------------------------------------------


def decide(by, request, at=NOW, decision="approved", **facts):
    header = {"authorization_number": "HN-1", "starts_on": at.date(), "ends_on": at.date() + 60 * DAY} | facts
    return services.decide_lines(
        authorization_id=request.pk, decisions={1: {"decision": decision}}, by=by, now=at, **header
    )


def test_an_approval_stands_with_number_units_and_dates_and_is_due_by_its_end(ask, dana):
    request = decide(dana, ask(S.SUBMITTED))
    line = request.lines.get()
    assert (line.units_approved, line.ends_on) == (3, datetime.date(2027, 1, 22))
    assert request.due_at.astimezone(NEW_YORK).date() == datetime.date(2027, 1, 22)
    assert request.next_step == "Use it before it ends"


def test_an_approval_needs_the_payers_number(ask, dana):
    request = ask(S.SUBMITTED)
    with pytest.raises(ValidationError) as refusal:
        decide(dana, request, authorization_number="")
    assert "authorization_number" in refusal.value.message_dict
    assert request.lines.get().decision == "", "nothing of it was kept"


def test_a_missing_end_is_chased_until_it_is_there_or_there_is_none(ask, dana):
    one, two = ask(S.SUBMITTED), ask(S.SUBMITTED)
    for request in (one, two):
        decide(dana, request, ends_on=None)
    assert [task.kind for task in tasks()] == ["data_quality"] * 2
    same = {"by": dana, "now": NOW}
    with pytest.raises(ValidationError):
        services.set_end(authorization_id=one.pk, **same)
    end = datetime.date(2027, 1, 2)
    assert services.set_end(authorization_id=one.pk, ends_on=end, **same).lines.get().ends_on == end
    endless = services.set_end(authorization_id=two.pk, has_no_end=True, **same)
    assert (tasks(), endless.due_at, endless.next_step) == ([], None, "Use it; the payer set no end")
    assert not silent()


def test_lines_left_open_make_it_pended_with_the_payer_to_move(ask, dana):
    request = ask(S.SUBMITTED)
    services.add_line(authorization_id=request.pk, service_code="72148", by=dana, now=NOW)
    partly = decide(dana, request)
    assert (partly.status, partly.next_step, tasks()) == (S.PENDED, "Payer decides; our answer is there", [])
    whole = services.decide_lines(
        authorization_id=request.pk, by=dana, now=NOW, authorization_number="HN-1",
        decisions={2: {"decision": "denied", "reason": "Not covered"}}, ends_on=datetime.date(2027, 1, 2),
    )  # fmt: skip
    assert whole.status == S.PARTIALLY_APPROVED


def test_a_revision_keeps_the_earlier_version_under_the_same_number(ask, dana):
    request = decide(dana, ask(S.SUBMITTED))
    change = {"decision": "approved", "units_approved": 6, "ends_on": datetime.date(2027, 3, 1)}
    same = {"authorization_id": request.pk, "by": dana, "now": NOW + DAY}
    with pytest.raises(ValidationError):
        services.revise_lines(decisions={1: change}, reason=" ", **same)
    revised = services.revise_lines(decisions={1: change}, reason="Three visits more", **same)
    line = revised.lines.get()
    earlier = line.earlier.get()
    assert (revised.status, revised.authorization_number) == (S.APPROVED, "HN-1")
    assert (line.units_approved, earlier.units_approved, earlier.replaced_because) == (
        6,
        3,
        "Three visits more",
    )
    assert revised.ends_on == datetime.date(2027, 3, 1)


# --- nothing silent -----------------------------------------------------------------------------------------------


def silent():
    return [one.missing for one in find_silent(now=NOW) if one.kind == "authorization"]


def test_whatever_is_open_has_an_owner_a_next_step_and_a_date(ask, dana):
    """Every way to a decision, looked at after each step."""
    facts = {
        "pend": {"asked_for": "Notes", "answer_due_at": NOW + DAY},
        "return": {"reason": "Wrong member"},
        "ask_to_contact": {},
    }
    for step in facts:
        request = ask(S.SUBMITTED)
        services.advance_authorization(
            authorization_id=request.pk, step=step, by=dana, now=NOW, **facts[step]
        )
        assert not silent(), step
    ask()
    decide(dana, ask(S.SUBMITTED))
    decide(dana, ask(S.SUBMITTED), ends_on=None)
    decide(dana, ask(S.SUBMITTED), decision="denied", reason="Not necessary")
    assert not silent()
    PriorAuthorization.objects.filter(status=S.APPROVED, ends_on=None).update(due_at=None)
    assert silent() == [["no date"]], "and one that is silent is found"


def test_expedited_says_why_and_another_patients_coverage_is_refused(ask):
    with pytest.raises(ValidationError) as refusal:
        ask(urgency="expedited")
    assert "urgency_reason" in refusal.value.message_dict
    other = Coverage.objects.create(patient=make_patient(), payer_name="Medicare")
    with pytest.raises(ValidationError):
        ask(coverage=other)
    assert PriorAuthorization.objects.count() == 0
