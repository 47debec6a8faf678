"""Logging a contact: kept whatever happens, and its result sets what comes next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import translation

from careplans import services
from careplans.models import ContactAttempt, Task
from careplans.rules import Offer
from careplans.workflow import TaskStatus
from coordinator.accounts.roles import Role
from coordinator.clocks.services import start_clock
from coordinator.db import Conflict, uuid7
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import System
from patients.models import RelatedPerson
from patients.tests.factories import make_patient, make_phone

NOW = datetime(2026, 11, 18, 16, 24, tzinfo=UTC)  # Wednesday, 10:24 AM in Chicago
pytestmark = pytest.mark.django_db


@pytest.fixture
def patient():
    return make_patient(language="es", interpreter_needed=True)


@pytest.fixture
def dana(patient):
    return make_user(site=patient.site, name="Dana Whitfield")


@pytest.fixture
def task(patient, dana):
    return services.open_task(
        patient=patient,
        site=patient.site,
        kind="outreach_call",
        title="Call",
        owner=dana,
        by=dana,
        now=NOW - timedelta(days=1),
    )


def log(patient, dana, task, outcome="no_answer", **fields):
    fields = {"channel": "phone", "now": NOW} | fields
    return services.log_contact(patient=patient, by=dana, task=task, outcome=outcome, **fields)


def test_no_answer_moves_the_task_to_the_other_part_of_the_next_day(patient, dana, task):
    result = log(patient, dana, task)
    task.refresh_from_db()
    assert task.due_at == result.attempt.next_attempt_at == datetime(2026, 11, 19, 20, 0, tzinfo=UTC)
    assert (task.attempts_made, task.last_contact_outcome, task.last_contact_at) == (1, "no_answer", NOW)
    assert task.due_has_time
    assert not result.attempt.reached


def test_the_persons_own_choice_goes_before_the_rule(patient, dana, task):
    chosen = NOW + timedelta(days=3)
    log(patient, dana, task, next_attempt_at=chosen)
    task.refresh_from_db()
    assert task.due_at == chosen


def test_reached_completes_the_task(patient, dana, task):
    result = log(patient, dana, task, "reached_done", minutes=12)
    task.refresh_from_db()
    assert (task.status, result.closed, result.attempt.minutes) == (TaskStatus.COMPLETED, True, 12)


def test_reached_with_open_items_asks_for_a_word_and_keeps_nothing_half_done(patient, dana, task):
    Task.objects.filter(pk=task.pk).update(checklist=[{"text": "Confirm identity", "done": False}])
    with pytest.raises(ValidationError) as refusal:
        log(patient, dana, task, "reached_done")
    assert "open_items" in refusal.value.message_dict
    assert not ContactAttempt.objects.exists()
    log(patient, dana, task, "reached_done", open_items="Known by voice")
    task.refresh_from_db()
    assert task.status == TaskStatus.COMPLETED


def test_a_refusal_closes_with_its_reason(patient, dana, task):
    with pytest.raises(ValidationError):
        log(patient, dana, task, "refused")
    log(patient, dana, task, "refused", note="Does not want calls")
    task.refresh_from_db()
    assert (task.status, task.close_reason) == (TaskStatus.CANCELLED, "refused")


def test_a_call_back_needs_its_time(patient, dana, task):
    with pytest.raises(ValidationError, match="promised"):
        log(patient, dana, task, "reached_call_back")
    promised = NOW + timedelta(days=2)
    log(patient, dana, task, "reached_call_back", next_attempt_at=promised)
    task.refresh_from_db()
    assert (task.status, task.due_at) == (TaskStatus.READY, promised)


@pytest.mark.parametrize("outcome", ["wrong_number", "disconnected"])
def test_a_wrong_number_is_flagged_once_and_makes_one_task(patient, dana, task, outcome):
    phone = make_phone(patient)
    result = log(patient, dana, task, outcome)
    phone.refresh_from_db()
    assert phone.failing_since == NOW
    (data_task,) = result.extra_tasks
    assert (data_task.kind, data_task.owner) == ("data_quality", dana)
    again = log(patient, dana, task, outcome, contact_point=phone)
    assert again.extra_tasks == (data_task,)


def test_which_of_two_numbers_was_wrong_has_to_be_said(patient, dana, task):
    make_phone(patient)
    make_phone(patient, "+16125550199")
    with pytest.raises(ValidationError, match="which number"):
        log(patient, dana, task, "wrong_number")


@pytest.mark.parametrize(
    ("outcome", "title"),
    [
        ("language_barrier", "Book an interpreter: Spanish"),
        ("wrong_number", "Find the right phone number"),
        ("disconnected", "Replace the disconnected phone number"),
    ],
)
def test_what_a_result_opens_is_kept_in_the_clinics_language(patient, dana, task, outcome, title):
    make_phone(patient)
    with translation.override("es"):
        result = log(patient, dana, task, outcome)
    kept = Task.objects.get(pk=result.extra_tasks[0].pk)
    assert kept.title == title
    assert kept.reason.split()[0] in ("A", "Somebody")
    assert result.explanation  # for whoever logs it, in their language


def test_a_language_barrier_opens_the_interpreter_task(patient, dana, task):
    result = log(patient, dana, task, "language_barrier")
    assert result.extra_tasks[0].title == "Book an interpreter: Spanish"
    assert result.extra_tasks[0].due_at == result.attempt.next_attempt_at


def ana(patient, **fields):
    fields = {"topics": ["scheduling", "transport"]} | fields
    return RelatedPerson.objects.create(patient=patient, name="Ana", relationship="daughter", **fields)


def test_a_caregiver_counts_for_the_topics_she_may_hear_about(patient, dana, task):
    result = log(patient, dana, task, "spoke_with_caregiver", related_person=ana(patient), topic="scheduling")
    assert (result.attempt.reached, result.closed) == (True, True)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"topics": ["scheduling"]}, "topic"),
        ({"topics": []}, "topic"),
        ({"topics": ["results"], "do_not_contact": True}, "related_person"),
        ({"topics": ["results"], "ended_on": NOW.date()}, "related_person"),
        ({"topics": ["results"], "started_on": NOW.date() + timedelta(days=1)}, "related_person"),
    ],
)
def test_what_somebody_may_not_hear_is_refused_and_nothing_is_kept(patient, dana, task, facts, field):
    person = ana(patient, **facts)
    with pytest.raises(ValidationError) as refusal:
        log(patient, dana, task, "spoke_with_caregiver", related_person=person, topic="results")
    assert list(refusal.value.message_dict) == [field]
    assert "Ana" in refusal.value.messages[0]
    assert not ContactAttempt.objects.exists()


def test_a_caregiver_who_was_told_nothing_does_not_count(patient, dana, task):
    result = log(
        patient, dana, task, "spoke_with_caregiver", related_person=ana(patient, topics=[]), topic="nothing"
    )
    assert (result.attempt.reached, result.closed, result.attempt.topic) == (False, False, "")
    assert "Nothing about the patient" in result.explanation[0]


@pytest.mark.parametrize("outcome", ["reached_done", "reached_call_back", "refused"])
def test_somebody_else_is_not_the_patient_reached(patient, dana, task, outcome):
    with pytest.raises(ValidationError, match="not with the patient"):
        log(patient, dana, task, outcome, related_person=ana(patient), topic="scheduling")


def test_who_was_spoken_with_and_about_what_has_to_be_said(patient, dana, task):
    with pytest.raises(ValidationError, match="who"):
        log(patient, dana, task, "spoke_with_caregiver")
    with pytest.raises(ValidationError, match="about"):
        log(patient, dana, task, "spoke_with_caregiver", related_person=ana(patient))


def test_the_third_failed_attempt_makes_an_offer(patient, dana, task):
    results = [log(patient, dana, task, now=NOW + timedelta(days=n)) for n in range(3)]
    assert [bool(r.offers) for r in results] == [False, False, True]
    assert results[2].offers[0] == Offer.LETTER


def test_a_rules_deadline_is_not_moved_by_an_attempt(patient, dana, task):
    clock = start_clock(
        subject=task,
        kind="tcm.contact",
        anchor_at=NOW - timedelta(days=2),
        zone=patient.site.zone,
        calendar=None,
        by=dana,
        now=NOW,
        site_id=patient.site_id,
    )
    Task.objects.filter(pk=task.pk).update(clock=clock, due_at=clock.due_at)
    result = log(patient, dana, task)
    task.refresh_from_db()
    assert task.due_at == clock.due_at
    assert result.attempt.next_attempt_at <= clock.due_at
    log(patient, dana, task, "reached_done")
    clock.refresh_from_db()
    assert clock.state == "met"


def test_a_contact_about_a_task_that_was_ended_meanwhile_is_kept(patient, dana, task):
    marcus = make_user(site=patient.site, name="Marcus Lee")
    services.complete_task(task_id=task.pk, by=marcus, now=NOW)
    result = log(patient, dana, task, note="She called us")
    assert "Marcus Lee completed this" in result.explanation[1]
    assert ContactAttempt.objects.get().note == "She called us"
    task.refresh_from_db()
    assert task.status == TaskStatus.COMPLETED


def test_a_repeated_post_is_one_contact(patient, dana, task):
    key = uuid7()
    for _n in range(2):
        log(patient, dana, task, attempt_id=key)
    task.refresh_from_db()
    assert task.attempts_made == 1


def test_the_key_of_another_patients_contact_is_refused_and_shows_nothing_of_it(patient, dana, task):
    key = uuid7()
    log(make_patient(site=patient.site), dana, None, attempt_id=key, note="Hers")
    with pytest.raises(Conflict):
        log(patient, dana, task, attempt_id=key)


def test_the_last_contact_stands_on_every_open_task_of_the_patient(patient, dana, task):
    other = services.open_task(
        patient=patient, site=patient.site, kind="other", title="Letter", owner=dana, by=dana, now=NOW
    )
    log(patient, dana, task)
    other.refresh_from_db()
    assert (other.last_contact_outcome, other.attempts_made) == ("no_answer", 0)
    newer = services.open_task(
        patient=patient, site=patient.site, kind="other", title="Form", owner=dana, by=dana, now=NOW
    )
    assert newer.last_contact_at == NOW


def test_a_contact_without_a_task_is_kept(patient, dana):
    result = log(patient, dana, None, "reached_done", direction="in", channel="portal")
    assert (result.task, result.attempt.direction) == (None, "in")


def test_an_incoming_call_is_no_attempt_of_ours(patient, dana, task):
    log(patient, dana, task, "reached_call_back", direction="in", next_attempt_at=NOW + timedelta(hours=3))
    task.refresh_from_db()
    assert task.attempts_made == 0


def test_things_of_another_patient_are_refused(patient, dana, task):
    stranger = make_patient(site=patient.site)
    with pytest.raises(ValidationError, match="another patient"):
        log(stranger, dana, task)
    with pytest.raises(ValidationError, match="another patient"):
        log(patient, dana, task, contact_point=make_phone(stranger))


def test_only_people_who_work_here_log_contacts(patient, task):
    for stranger in (make_user(role=Role.PROVIDER, site=patient.site), make_user(site=make_site())):
        with pytest.raises(PermissionDenied):
            log(patient, stranger, task)


def test_the_system_may_log_what_a_gateway_told(patient, task):
    assert log(patient, System("gateway"), task, channel="text").attempt.created_by is None
