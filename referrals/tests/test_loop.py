"""The machine to the letter of its table, the eight facts with their evidence, the clocks and what a missed one does."""

from __future__ import annotations

import datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse

from careplans.models import Task
from coordinator.accounts.roles import Role
from coordinator.tests.factories import make_organization, make_practitioner, make_user
from coordinator.workflow import NotAllowed, System
from patients.tests.factories import make_document, make_patient
from referrals import services
from referrals.exchange_states import BUSINESS, EXCHANGE
from referrals.models import Referral
from referrals.rules import referrals as rules
from referrals.selectors.loop import loop_facts
from referrals.tests.factories import make_authorization, make_referral
from referrals.workflow import REFERRAL_WORKFLOW
from referrals.workflow import ReferralStatus as S

NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)  # a Wednesday
BY = System("test")
DAY = datetime.timedelta(days=1)

# The product's table of moves, as the domain writes it; every status can also be entered in error.
ALLOWED = {
    S.DRAFT: {S.AWAITING_AUTHORIZATION, S.READY, S.WITHDRAWN},
    S.AWAITING_AUTHORIZATION: {S.READY, S.WITHDRAWN},
    S.READY: {S.SENT, S.AWAITING_AUTHORIZATION, S.DRAFT, S.WITHDRAWN},
    S.SENT: {S.RECEIVED, S.ACCEPTED, S.DECLINED, S.CANCEL_REQUESTED, S.SEND_FAILED},
    S.SEND_FAILED: {S.READY, S.SENT, S.WITHDRAWN},
    S.RECEIVED: {S.ACCEPTED, S.DECLINED, S.CANCEL_REQUESTED},
    S.ACCEPTED: {S.SCHEDULED, S.DECLINED, S.SEEN, S.COMPLETED, S.CANCEL_REQUESTED},
    S.SCHEDULED: {
        S.SCHEDULED, S.SEEN, S.NO_SHOW, S.VISIT_CANCELLED, S.DECLINED, S.COMPLETED, S.CANCEL_REQUESTED,
    },
    S.NO_SHOW: {S.SCHEDULED, S.VISIT_CANCELLED, S.DECLINED, S.CANCEL_REQUESTED},
    S.VISIT_CANCELLED: {S.SCHEDULED, S.CANCEL_REQUESTED},
    S.SEEN: {S.SCHEDULED, S.SEEN, S.VISIT_CANCELLED, S.DECLINED, S.COMPLETED, S.CANCEL_REQUESTED},
    S.COMPLETED: {S.SEEN, S.SCHEDULED},
    S.CANCEL_REQUESTED: {S.CANCELLED, S.COMPLETED},
    S.DECLINED: set(), S.CANCELLED: set(), S.WITHDRAWN: set(), S.ENTERED_IN_ERROR: set(),
}  # fmt: skip
# BSeR's table of exchange states: what either side may do next. A cancel request leaves every state before the end.
BSER = {
    "2.0": {"3.0", "4.0", "5.2"},
    "3.0": {"4.0", "5.1.1", "5.1.4", "7.0", "5.2"},
    "5.1.1": {"4.0", "5.1.1", "5.1.2", "5.1.3", "5.1.4", "7.0", "5.2"},
    "5.1.2": {"4.0", "5.1.1", "5.1.3", "5.2"},
    "5.1.3": {"5.1.1", "5.2"},
    "5.1.4": {"4.0", "5.1.1", "5.1.3", "5.1.4", "7.0", "5.2"},
    "5.2": {"6.0", "7.0"},
    "4.0": set(), "6.0": set(), "7.0": set(),
}  # fmt: skip
FHIR_SERVICE_REQUEST = {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}
FHIR_TASK = {
    "draft", "requested", "received", "accepted", "rejected", "ready", "cancelled", "in-progress", "on-hold",
    "failed", "completed", "entered-in-error",
}  # fmt: skip


def test_the_table_has_exactly_the_moves_of_the_domain():
    for status, to in ALLOWED.items():
        steps = [s for s in REFERRAL_WORKFLOW.steps_from(status) if s.name != "enter_in_error"]
        assert {s.to for s in steps} == to, status
        assert (status == S.ENTERED_IN_ERROR) != bool(REFERRAL_WORKFLOW.find("enter_in_error", status))


def test_every_status_has_its_exchange_state_and_no_move_leaves_that_machine():
    assert set(EXCHANGE) == set(S.values)
    for found in EXCHANGE.values():
        assert found.service_request in FHIR_SERVICE_REQUEST
        assert found.task in FHIR_TASK
        assert not found.business or found.business in BUSINESS
    assert {found.business for found in EXCHANGE.values() if found.business} == set(BUSINESS) == set(BSER)
    for status, to in ALLOWED.items():
        here = EXCHANGE[status].business
        there = {EXCHANGE[name].business for name in to} - {""}
        reopening = status == S.COMPLETED  # ours alone: it makes a new interval
        if here and not reopening:
            assert there - {here} <= BSER[here], status


def test_every_path_is_made_of_moves_that_the_table_has():
    for (status, click), steps in rules.PATHS.items():
        at = status
        for name in steps:
            step = REFERRAL_WORKFLOW.find(name, at)
            assert step is not None, (status, click, name)
            at = step.to
        assert steps[-1] == click


# --- steps with what they need -----------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def patient(user):
    return make_patient(site=user.sites.get())


@pytest.fixture
def referral(patient, user):
    return make_referral(patient, owner=user, recipient_organization=make_organization(name="Lakes Heart"))


def go(referral, step, by, now=NOW, **facts):
    return services.advance_referral(referral_id=referral.pk, step=step, by=by, now=now, **facts)


def test_ready_needs_what_its_kind_asks_for(patient, user):
    plain = make_referral(patient, recipient_organization=make_organization(), clinical_question="")
    with pytest.raises(ValidationError) as refusal:
        go(plain, "make_ready", user)
    assert list(refusal.value.error_dict) == ["clinical_question"]
    assert go(plain, "make_ready", user, clinical_question="Why?").clinical_question == "Why?"
    need = make_referral(
        patient, category="social", recipient_organization=make_organization(), clinical_question=""
    )
    with pytest.raises(ValidationError) as refusal:
        go(need, "make_ready", user)
    assert list(refusal.value.error_dict) == ["service"]


def test_waiting_for_an_authorization_needs_one(referral, user):
    with pytest.raises(NotAllowed, match="authorization"):
        go(referral, "await_authorization", user)
    make_authorization(referral.patient, referral=referral)
    assert go(referral, "await_authorization", user).status == S.AWAITING_AUTHORIZATION


def test_a_report_that_comes_before_anything_else_leaves_no_step_out(referral, user):
    go(referral, "send", user, channel="fax")
    done = go(referral, "complete", user, report=make_document(referral.patient), seen_on=NOW.date())
    steps = list(referral.changes.order_by("id").values_list("step", flat=True))
    assert steps == ["make_ready", "send", "receive", "accept", "see", "complete"]
    assert (done.status, done.seen_on, done.accepted_at) == (S.COMPLETED, NOW.date(), NOW)


@pytest.mark.parametrize("wrong", ["another patient's", "in error", "none"])
def test_a_report_that_is_not_this_patients_closes_nothing(referral, user, wrong):
    report = {
        "another patient's": lambda: make_document(make_patient(site=referral.site)),
        "in error": lambda: make_document(
            referral.patient, status="entered_in_error", error_reason="Another person's"
        ),
        "none": lambda: None,
    }[wrong]()
    go(referral, "send", user, channel="fax")
    go(referral, "accept", user)
    before = referral.changes.count()
    with pytest.raises(ValidationError) as refusal:
        go(referral, "complete", user, report=report)
    assert list(refusal.value.error_dict) == ["report"]
    referral.refresh_from_db()
    assert (referral.status, referral.report, referral.changes.count()) == (S.ACCEPTED, None, before)


def test_help_for_a_need_is_an_outcome_and_only_for_a_need(patient, user):
    made = {"recipient_organization": make_organization(), "status": "sent"}
    need = make_referral(patient, category="social", **made)
    told = {"confirmed_by": "Ms. Ito", "outcome_reason": "got_help"}
    with pytest.raises(ValidationError):
        go(need, "record_help", user, **told | {"outcome_reason": "no_capacity"})
    assert go(need, "record_help", user, **told).outcome_reason == "got_help"
    with pytest.raises(NotAllowed, match="social need"):
        go(make_referral(patient, **made), "record_help", user, **told)


def test_a_reopened_one_with_a_visit_ahead_is_scheduled_again_and_its_loop_is_open(patient, user):
    done = make_referral(patient, status="completed", report=make_document(patient), report_received_at=NOW)
    services.record_review(referral_id=done.pk, by=user, now=NOW)
    services.record_patient_told(referral_id=done.pk, by=user, now=NOW)
    with pytest.raises(NotAllowed, match="reason"):
        go(done, "reopen_for_visit", user, visit_at=NOW + DAY)
    again = go(done, "reopen_for_visit", user, visit_at=NOW + DAY, reason="Second visit wanted")
    assert (again.status, again.report, again.loop_closed_at) == (S.SCHEDULED, None, None)
    assert again.visit_place


def test_the_database_keeps_a_loop_open_that_nobody_told_of(referral):
    for fields in ({"status": "completed"}, {"status": "declined"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Referral.objects.filter(pk=referral.pk).update(loop_closed_at=NOW, **fields)


# --- the facts -----------------------------------------------------------------------------------------------


def test_each_fact_has_its_time_and_its_evidence(referral, user):
    doctor = make_practitioner(site=referral.site)
    provider = make_user(Role.PROVIDER, site=referral.site, practitioner=doctor)
    Referral.objects.filter(pk=referral.pk).update(requester=doctor)
    go(referral, "send", user, channel="fax")
    go(referral, "receive", user, confirmed_by="Front desk")
    go(referral, "accept", user, confirmed_by="Ms. Ito")
    go(referral, "schedule", user, visit_at=NOW - DAY)
    go(referral, "see", user, seen_on=(NOW - DAY).date())
    report = make_document(referral.patient, title="Heart report")
    go(referral, "complete", user, report=report)
    services.record_review(referral_id=referral.pk, by=provider, now=NOW)
    done = services.record_patient_told(referral_id=referral.pk, by=user, now=NOW, channel="phone")
    facts = loop_facts(user, done, list(done.changes.select_related("by")))
    assert [str(f.label) for f in facts] == [
        "Sent", "Received", "Accepted", "Visit date known", "Seen", "Report in", "Reviewed by the requester",
        "Patient told",
    ]  # fmt: skip
    assert all(f.is_there and f.by for f in facts)
    assert [f.evidence for f in facts] == [
        "By Fax, no packet kept here", "Said by Front desk", "Said by Ms. Ito", "At Lakes Heart", "", "", "By the requester", "By Phone",
    ]  # fmt: skip
    assert facts[5].document == report
    told = done.changes.get(step="tell_patient")
    assert told.facts["contact"] == str(done.patient.contact_attempts.get().pk)


def test_a_protected_report_is_named_only_to_who_may_see_it(referral, user):
    report = make_document(referral.patient, title="Detox summary", label="part2")
    Referral.objects.filter(pk=referral.pk).update(status="completed", report=report, report_received_at=NOW)
    referral.refresh_from_db()
    assert loop_facts(user, referral, [])[5].document is None


# --- clocks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("urgency", "rule", "hours"),
    [("routine", "routine", None), ("urgent", "urgent", None), ("stat", "stat", 2)],
)
def test_the_acknowledgement_has_the_clock_of_its_urgency(referral, user, urgency, rule, hours):
    Referral.objects.filter(pk=referral.pk).update(urgency=urgency)
    sent = go(referral, "send", user, channel="fax")
    assert sent.clock.rule_version.rule.key == f"referral.acknowledge.{rule}"
    days = {"routine": datetime.date(2026, 11, 20), "urgent": datetime.date(2026, 11, 19)}
    if hours:
        assert sent.due_at == NOW + datetime.timedelta(hours=hours)
    else:
        assert sent.due_at.astimezone(sent.site.tzinfo).date() == days[urgency]


@pytest.mark.parametrize(("critical", "day"), [(False, 20), (True, 18)])
def test_a_critical_report_is_reviewed_the_same_day(patient, user, critical, day):
    made = make_referral(patient, status="seen")
    done = go(made, "complete", user, report=make_document(patient), report_is_critical=critical)
    assert done.due_at.astimezone(done.site.tzinfo).date() == datetime.date(2026, 11, day)


def test_a_missed_date_opens_one_task_that_closes_when_the_referral_goes_on(referral, user):
    sent = go(referral, "send", user, channel="fax")
    late = sent.due_at + datetime.timedelta(hours=1)

    def chase(now):
        return services.chase_overdue(site=referral.site, by=BY, now=now)

    assert (chase(sent.due_at - DAY), chase(late), chase(late)) == (0, 1, 0)
    task = Task.objects.get()
    assert (task.title, task.owner) == ("Call the recipient: Cardiology", user)
    go(referral, "accept", user, now=late)
    task.refresh_from_db()
    assert task.status == "cancelled"


def test_a_day_asked_for_that_passed_goes_to_the_requester_once(referral, user):
    Referral.objects.filter(pk=referral.pk).update(
        status="accepted", requested_by_on=datetime.date(2026, 11, 17), due_at=None
    )
    for expected in (1, 0):
        assert services.chase_overdue(site=referral.site, by=BY, now=NOW) == expected
    assert Task.objects.get().title == "Not seen by the day asked for: Cardiology"
    go(referral, "see", user, seen_on=NOW.date())
    assert not Task.objects.open().exists()


def test_a_late_report_is_asked_for_again_after_its_days(referral, user):
    Referral.objects.filter(pk=referral.pk).update(status="scheduled")
    seen = go(referral, "see", user, seen_on=NOW.date())
    late = seen.due_at + datetime.timedelta(hours=1)
    assert services.ask_for_late_reports(site=referral.site, by=BY, now=late) == 1
    seen.refresh_from_db()
    assert seen.clock.rule_version.rule.key == "referral.report_again"
    assert seen.due_at > late


def test_the_page_shows_the_strip_and_the_exchange_states(client, referral, user):
    client.force_login(user)
    go(referral, "send", user, channel="fax")
    text = client.get(reverse("referrals:referral_detail", args=[referral.pk])).content.decode()
    for shown in ("By Fax", "not yet", "2.0", "Request received", "requested", "The loop closes when"):
        assert shown in text
