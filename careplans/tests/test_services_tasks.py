"""Tasks: opened once, done once, handed on and put off without losing their age."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from careplans import rules, services
from careplans.models import Task, TaskInterval
from careplans.tests.factories import make_task
from careplans.workflow import TaskStatus
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.db import Conflict
from coordinator.tests.factories import make_site, make_team, make_user
from coordinator.workflow import NotAllowed, System
from patients.tests.factories import make_patient

NOW = datetime(2026, 11, 18, 16, 24, tzinfo=UTC)  # Wednesday, 10:24 AM in Chicago
pytestmark = pytest.mark.django_db
NIGHTLY = System("nightly")


def call(patient, **fields):
    fields = {"kind": "outreach_call", "title": "Call", "by": NIGHTLY, "now": NOW} | fields
    return services.open_task(patient=patient, site=patient.site, **fields)


def colleagues():
    """Two coordinators and a patient at one site; the first one is the patient's coordinator."""
    patient = make_patient()
    dana = make_user(site=patient.site, name="Dana Whitfield")
    marcus = make_user(site=patient.site, name="Marcus Lee")
    patient.coordinator = dana
    patient.save()
    return patient, dana, marcus


# --- opening ---


def test_a_new_task_goes_to_the_patients_coordinator():
    patient, dana, _marcus = colleagues()
    task = call(patient)
    assert (task.owner, task.status, task.opened_at) == (dana, TaskStatus.READY, NOW)
    assert task.intervals.get().closed_at is None
    assert task.changes.get().step == "create"
    assert AuditEvent.objects.filter(entity="careplans.task", entity_id=str(task.pk)).count() == 1


def test_what_nobody_dated_is_due_by_the_register():
    patient, _dana, _marcus = colleagues()
    task = call(patient)
    # Thanksgiving and the weekend are skipped.
    assert task.due_at == rules.end_of_day(datetime(2026, 11, 25).date(), patient.site.zone)
    assert task.changes.get().reason.startswith("Nobody named a day.")
    dated = call(patient, title="Write", due_at=NOW)
    assert (dated.due_at, dated.changes.get().reason) == (NOW, "")


def test_the_date_of_an_open_task_cannot_be_taken_away():
    patient, dana, _marcus = colleagues()
    task = call(patient)
    with pytest.raises(ValidationError, match="Give a day"):
        services.edit_task(task_id=task.pk, version=task.version, by=dana, now=NOW, due_at=None)


def test_without_a_coordinator_it_goes_to_the_sites_team_list():
    patient = make_patient()
    team = make_team(site=patient.site, name="Front desk")
    task = call(patient)
    assert (task.owner, task.team, task.status) == (None, team, TaskStatus.REQUESTED)


def test_a_site_without_a_team_gets_one():
    task = call(make_patient())
    assert task.team is not None
    assert task.team.site_id == task.site_id


def test_a_coordinator_who_left_gets_no_new_work():
    patient, dana, _marcus = colleagues()
    dana.is_active = False
    dana.save()
    patient.refresh_from_db()
    assert call(patient).owner is None


def test_a_task_for_a_colleague_is_assigned_not_yet_taken():
    patient, dana, marcus = colleagues()
    assert call(patient, by=dana, owner=marcus).status == TaskStatus.REQUESTED
    assert call(patient, by=dana, owner=dana).status == TaskStatus.READY


def test_the_same_cause_opens_one_task():
    patient, _dana, _marcus = colleagues()
    first = call(patient, dedupe_key="no_show:1")
    assert call(patient, dedupe_key="no_show:1") == first
    services.complete_task(task_id=first.pk, by=NIGHTLY, now=NOW)
    assert call(patient, dedupe_key="no_show:1") != first


def test_work_cannot_be_given_to_people_who_do_not_work_there():
    patient, dana, _marcus = colleagues()
    for stranger in (make_user(), make_user(role=Role.PROVIDER, site=patient.site)):
        with pytest.raises(ValidationError, match="active colleague"):
            call(patient, by=dana, owner=stranger)


def test_a_provider_adds_no_tasks():
    patient, _dana, _marcus = colleagues()
    with pytest.raises(PermissionDenied):
        call(patient, by=make_user(role=Role.PROVIDER, site=patient.site))


def test_someone_from_another_site_adds_no_tasks_here():
    patient, _dana, _marcus = colleagues()
    with pytest.raises(PermissionDenied):
        call(patient, by=make_user())


@pytest.mark.django_db(transaction=True)
def test_ten_processes_open_one_task_at_once():
    patient, _dana, _marcus = colleagues()

    def open_it(_n):
        try:
            return call(patient, dedupe_key="discharge:7").pk
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        keys = set(pool.map(open_it, range(10)))
    assert len(keys) == 1
    assert Task.objects.count() == 1
    assert TaskInterval.objects.count() == 1


# --- doing ---


def test_completing_keeps_who_when_and_what():
    patient, dana, _marcus = colleagues()
    task = call(patient)
    services.complete_task(task_id=task.pk, by=dana, now=NOW, outcome="Rides arranged")
    task.refresh_from_db()
    assert (task.status, task.ended_at, task.outcome) == (TaskStatus.COMPLETED, NOW, "Rides arranged")
    assert task.intervals.get().closed_at == NOW
    assert task.changes.get(step="complete").by == dana


def test_an_assigned_task_is_taken_before_it_is_done():
    patient, dana, marcus = colleagues()
    task = call(patient, by=dana, owner=marcus)
    services.complete_task(task_id=task.pk, by=marcus, now=NOW)
    assert [c.step for c in task.changes.all()] == ["create", "accept", "complete"]


def test_completing_a_team_task_makes_it_mine():
    patient = make_patient()
    dana = make_user(site=patient.site)
    task = call(patient, team=make_team(site=patient.site))
    assert services.complete_task(task_id=task.pk, by=dana, now=NOW).owner == dana


def test_open_checklist_items_need_a_word():
    patient, dana, _marcus = colleagues()
    task = call(patient, checklist=[{"text": "Confirm identity", "done": False}])
    with pytest.raises(ValidationError, match="Confirm identity"):
        services.complete_task(task_id=task.pk, by=dana, now=NOW)
    services.complete_task(task_id=task.pk, by=dana, now=NOW, open_items="Known by voice")
    assert task.changes.get(step="complete").facts["not_done"] == ["Confirm identity"]


def test_a_ticked_item_needs_no_word():
    patient, dana, _marcus = colleagues()
    task = call(patient, checklist=[{"text": "Confirm identity", "done": False}])
    services.tick_item(task_id=task.pk, number=0, text="Confirm identity", done=True, by=dana, now=NOW)
    assert services.complete_task(task_id=task.pk, by=dana, now=NOW).status == TaskStatus.COMPLETED


def test_a_checklist_that_changed_is_not_ticked_blindly():
    patient, dana, _marcus = colleagues()
    task = call(patient, checklist=[{"text": "Confirm identity", "done": False}])
    with pytest.raises(Conflict):
        services.tick_item(task_id=task.pk, number=0, text="Something else", done=True, by=dana, now=NOW)


def test_the_second_one_reads_who_completed_it():
    patient, dana, marcus = colleagues()
    task = call(patient)
    services.complete_task(task_id=task.pk, by=marcus, now=NOW)
    with pytest.raises(Conflict, match=r"Marcus Lee completed this Nov 18, 2026, 10:24 AM\."):
        services.complete_task(task_id=task.pk, by=dana, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_people_complete_one_task_at_once_and_one_succeeds():
    patient, dana, marcus = colleagues()
    task = call(patient)

    def complete(user):
        try:
            services.complete_task(task_id=task.pk, by=user, now=NOW)
            return "done"
        except Conflict as refusal:
            return str(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        results = sorted(pool.map(complete, [dana, marcus]))
    assert results.count("done") == 1
    assert "completed this" in results[0] + results[1]
    assert task.changes.filter(step="complete").count() == 1


def test_closing_without_doing_needs_a_reason_from_the_list():
    patient, dana, _marcus = colleagues()
    task = call(patient)
    with pytest.raises(ValidationError):
        services.cancel_task(task_id=task.pk, close_reason="bored", by=dana, now=NOW)
    with pytest.raises(ValidationError, match="why"):
        services.cancel_task(task_id=task.pk, close_reason="other", by=dana, now=NOW)
    task = services.cancel_task(task_id=task.pk, close_reason="duplicate", by=dana, now=NOW)
    assert (task.status, task.close_reason) == (TaskStatus.CANCELLED, "duplicate")


def test_reopening_starts_a_new_interval():
    patient, dana, _marcus = colleagues()
    task = call(patient)
    services.complete_task(task_id=task.pk, by=dana, now=NOW + timedelta(days=2))
    later = NOW + timedelta(days=5)
    task = services.reopen_task(task_id=task.pk, reason="It was the wrong ride", by=dana, now=later)
    assert task.opened_at == later
    assert rules.age(task, later + timedelta(hours=1)).open_for == timedelta(hours=1)
    assert task.intervals.count() == 2


def test_an_automatic_task_is_not_reopened_beside_its_successor():
    patient, dana, _marcus = colleagues()
    first = call(patient, dedupe_key="k")
    services.complete_task(task_id=first.pk, by=dana, now=NOW)
    call(patient, dedupe_key="k")
    with pytest.raises(Conflict, match="open already"):
        services.reopen_task(task_id=first.pk, reason="Not done", by=dana, now=NOW)


def test_a_person_without_the_role_or_the_site_does_nothing():
    patient, _dana, _marcus = colleagues()
    task = call(patient)
    for stranger in (make_user(), make_user(role=Role.PROVIDER, site=patient.site)):
        for service in (services.complete_task, services.start_task):
            with pytest.raises(PermissionDenied):
                service(task_id=task.pk, by=stranger, now=NOW)


# --- editing ---


def test_editing_keeps_the_age():
    patient, dana, _marcus = colleagues()
    task = call(patient)
    edited = services.edit_task(
        task_id=task.pk, version=task.version, by=dana, now=NOW + timedelta(days=1), title="Call again"
    )
    assert (edited.title, edited.opened_at, edited.version) == ("Call again", NOW, task.version + 1)
    assert task.changes.get(step="edit").facts == {"fields": ["title"]}


def test_a_stale_edit_names_the_fields_that_differ():
    patient, dana, marcus = colleagues()
    task = call(patient)
    services.edit_task(task_id=task.pk, version=1, by=marcus, now=NOW, title="Call the daughter")
    with pytest.raises(Conflict) as conflict:
        services.edit_task(task_id=task.pk, version=1, by=dana, now=NOW, title="Call the son")
    assert conflict.value.extra["fields"] == ["title"]


# --- handing on ---


def test_reassigning_keeps_the_previous_owner_and_the_age():
    patient, dana, marcus = colleagues()
    task = call(patient)
    task = services.reassign_task(
        task_id=task.pk, owner=marcus, by=dana, now=NOW + timedelta(days=3), reason="Leave"
    )
    assert (task.owner, task.previous_owner, task.opened_at) == (marcus, dana, NOW)
    assert task.status == TaskStatus.REQUESTED


def test_only_a_lead_moves_somebody_elses_task():
    patient, _dana, marcus = colleagues()
    task = call(patient)
    with pytest.raises(PermissionDenied, match="lead"):
        services.reassign_task(task_id=task.pk, owner=marcus, by=marcus, now=NOW)
    lead = make_user(role=Role.LEAD, site=patient.site)
    assert services.reassign_task(task_id=task.pk, owner=marcus, by=lead, now=NOW).owner == marcus


def test_an_inactive_or_foreign_colleague_gets_nothing():
    patient, dana, marcus = colleagues()
    task = call(patient)
    marcus.is_active = False
    marcus.save()
    for stranger in (marcus, make_user(site=make_site())):
        with pytest.raises(ValidationError):
            services.reassign_task(task_id=task.pk, owner=stranger, by=dana, now=NOW)


def test_a_team_task_is_claimed_once():
    patient, dana, marcus = colleagues()
    task = call(patient, team=make_team(site=patient.site))
    assert services.accept_task(task_id=task.pk, by=marcus, now=NOW).owner == marcus
    with pytest.raises(Conflict, match="Marcus Lee took this"):
        services.accept_task(task_id=task.pk, by=dana, now=NOW)


def test_a_claim_works_whatever_the_status_of_the_team_task():
    patient, dana, _marcus = colleagues()
    task = make_task(patient, team=make_team(site=patient.site), owner=None, status=TaskStatus.READY)
    task = services.accept_task(task_id=task.pk, by=dana, now=NOW)
    assert (task.owner, task.status) == (dana, TaskStatus.ACCEPTED)


def test_a_task_handed_back_returns_to_whoever_had_it():
    patient, dana, marcus = colleagues()
    task = call(patient)
    services.reassign_task(task_id=task.pk, owner=marcus, by=dana, now=NOW)
    task = services.hand_back_task(task_id=task.pk, reason="I am out tomorrow", by=marcus, now=NOW)
    assert (task.owner, task.status) == (dana, TaskStatus.REQUESTED)
    assert [c.step for c in task.changes.all()][-2:] == ["reject", "reassign"]


def test_a_task_handed_back_by_its_first_owner_goes_to_the_team_list():
    patient, dana, _marcus = colleagues()
    make_team(site=patient.site)
    task = services.hand_back_task(task_id=call(patient).pk, reason="Not mine", by=dana, now=NOW)
    assert task.owner is None
    assert task.team is not None


# --- snoozing ---


def test_hold_time_does_not_count_as_age():
    patient, dana, _marcus = colleagues()
    task = call(patient)
    services.snooze_task(
        task_id=task.pk, wake_at=NOW + timedelta(hours=5), by=dana, now=NOW + timedelta(hours=1)
    )
    assert services.wake_due_tasks(now=NOW + timedelta(hours=4)) == 0
    assert services.wake_due_tasks(now=NOW + timedelta(hours=6)) == 1
    assert services.wake_due_tasks(now=NOW + timedelta(hours=6)) == 0
    task.refresh_from_db()
    age = rules.age(task, NOW + timedelta(hours=6))
    assert (task.status, age.open_for, age.held_for) == ("ready", timedelta(hours=1), timedelta(hours=5))


def test_a_snooze_ends_in_the_future():
    patient, dana, _marcus = colleagues()
    with pytest.raises(ValidationError, match="still to come"):
        services.snooze_task(task_id=call(patient).pk, wake_at=NOW, by=dana, now=NOW)


def test_completing_a_snoozed_task_keeps_its_hold_time():
    patient, dana, _marcus = colleagues()
    task = call(patient)
    services.snooze_task(task_id=task.pk, wake_at=NOW + timedelta(days=1), by=dana, now=NOW)
    task = services.complete_task(task_id=task.pk, by=dana, now=NOW + timedelta(hours=2))
    assert (task.held_seconds, task.held_since, task.wake_at) == (7200, None, None)
    assert task.intervals.get().held_seconds == 7200


# --- many at once, and back ---


def test_bulk_says_for_each_task_what_became_of_it():
    patient, dana, marcus = colleagues()
    tasks = [call(patient) for _n in range(3)]
    services.complete_task(task_id=tasks[1].pk, by=marcus, now=NOW)
    results = services.bulk(task_ids=[t.pk for t in tasks], action="complete", by=dana, now=NOW)
    assert [r.done for r in results] == [True, False, True]
    assert "Marcus Lee completed this" in results[1].sentence


def test_undoing_a_completion_goes_on_with_the_same_age():
    patient, dana, _marcus = colleagues()
    task = call(patient)
    done_at = NOW + timedelta(days=2)
    services.complete_task(task_id=task.pk, by=dana, now=done_at)
    task = services.undo(task_id=task.pk, by=dana, now=done_at + timedelta(minutes=1))
    assert (task.status, task.opened_at, task.ended_at) == ("ready", NOW, None)
    assert task.intervals.get().closed_at is None
    assert task.changes.last().reason == "undo"


def test_undoing_a_snooze_and_a_reassignment():
    patient, dana, marcus = colleagues()
    task = call(patient)
    services.snooze_task(task_id=task.pk, wake_at=NOW + timedelta(days=1), by=dana, now=NOW)
    assert services.undo(task_id=task.pk, by=dana, now=NOW).status == TaskStatus.READY
    later = NOW + timedelta(minutes=1)
    services.reassign_task(task_id=task.pk, owner=marcus, by=dana, now=later)
    task = services.undo(task_id=task.pk, by=dana, now=later)
    assert (task.owner, task.status) == (dana, TaskStatus.ACCEPTED)


def test_undo_is_for_ones_own_last_action_and_not_for_long():
    patient, dana, marcus = colleagues()
    task = call(patient)
    with pytest.raises(NotAllowed, match="nothing to undo"):
        services.undo(task_id=task.pk, by=dana, now=NOW)
    services.complete_task(task_id=task.pk, by=dana, now=NOW)
    with pytest.raises(Conflict, match="Dana Whitfield completed this"):
        services.undo(task_id=task.pk, by=marcus, now=NOW)
    with pytest.raises(NotAllowed, match="too long ago"):
        services.undo(task_id=task.pk, by=dana, now=NOW + timedelta(hours=1))


# --- consequences ---


def test_tasks_close_with_what_caused_them():
    patient, dana, marcus = colleagues()
    cause = make_patient()
    mine = call(patient, cause=cause, dedupe_key="a")
    assigned = call(patient, cause=cause, by=dana, owner=marcus, dedupe_key="b")
    other = call(patient, cause=patient)
    closed = services.close_tasks_caused_by(cause=cause, by=NIGHTLY, now=NOW, outcome="Booked again")
    assert {t.pk for t in closed} == {mine.pk, assigned.pk}
    assert set(Task.objects.open()) == {other}
    assert services.close_tasks_caused_by(cause=cause, by=NIGHTLY, now=NOW, outcome="Again") == []
