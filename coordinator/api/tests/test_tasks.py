import datetime

import pytest
from django.utils import timezone

from careplans.models import ContactAttempt, Task
from careplans.tests.factories import make_task
from coordinator.tests.factories import make_team, make_user
from patients.tests.factories import make_patient, make_phone

LIST = "/api/v1/tasks/"


@pytest.fixture
def colleague(world):
    return make_user(site=world.site)


@pytest.fixture
def task(world, colleague):
    return make_task(world.patient, owner=colleague, due_at=timezone.now())


def address(task, rest=""):
    return f"{LIST}{task.pk}/{rest}"


def text(moment):
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_list_is_by_due_date_and_holds_the_clients_sites_only(world, task, colleague):
    make_task(world.stranger)
    undated = make_task(world.patient, owner=colleague, due_at=None)
    earlier = make_task(world.patient, owner=colleague, due_at=task.due_at - datetime.timedelta(days=1))
    rows = world.caller.get(LIST).json()["results"]
    assert [row["id"] for row in rows] == [str(t.pk) for t in (earlier, task, undated)]


def test_the_list_is_narrowed_by_its_filters(world, task, colleague):
    team = make_team(world.site)
    later = make_task(
        make_patient(site=world.site),
        team=team,
        kind="book_visit",
        status="requested",
        due_at=task.due_at + datetime.timedelta(days=2),
    )
    between = task.due_at + datetime.timedelta(days=1)
    for query, wanted in (
        ({"owner": colleague.pk}, task),
        ({"team": team.pk}, later),
        ({"kind": ["book_visit", "results"]}, later),
        ({"status": "requested"}, later),
        ({"patient": world.patient.pk}, task),
        ({"due_before": text(between)}, task),
        ({"due_from": text(between)}, later),
        ({"overdue": "true"}, task),
    ):
        found = [row["id"] for row in world.caller.get(LIST, query).json()["results"]]
        assert found == [str(wanted.pk)], query
    assert world.caller.get(LIST, {"open": "false"}).json()["results"] == []
    assert len(world.caller.get(LIST, {"open": "true", "site": world.site.pk}).json()["results"]) == 2


def test_a_task_is_opened_for_the_patients_coordinator_or_the_team_list(world):
    made = world.caller.post(
        LIST, {"patient": str(world.patient.pk), "title": "Call back", "kind": "outreach_call"}
    )
    assert made.status_code == 201, made.json()
    task = Task.objects.get(pk=made.json()["id"])
    assert (task.created_by, task.site, task.patient) == (world.caller.account, world.site, world.patient)
    assert task.owner_id or task.team_id


def test_a_task_needs_a_site_or_a_patient(world):
    refused = world.caller.post(LIST, {"title": "Order forms"})
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["site"])
    assert world.caller.post(LIST, {"title": "Order forms", "site": str(world.site.pk)}).status_code == 201


@pytest.mark.parametrize("name", ["status", "dedupe_key", "ended_at", "clock", "cause_id", "attempts_made"])
def test_what_services_keep_cannot_be_set(world, task, name):
    made = world.caller.post(LIST, {"title": "x", "site": str(world.site.pk), name: "1"})
    changed = world.caller.change(address(task), {name: "1"}, 1)
    for refused in (made, changed):
        assert (refused.status_code, list(refused.json()["fields"])) == (400, [name])


def test_a_change_needs_the_version_that_was_read(world, task):
    assert world.caller.patch(address(task), {"title": "New"}).status_code == 428
    changed = world.caller.change(address(task), {"title": "New", "priority": "urgent"}, 1)
    assert (changed.status_code, changed.json()["title"]) == (200, "New")
    stale = world.caller.change(address(task), {"title": "Newer"}, 1)
    assert (stale.status_code, stale["ETag"], stale.json()["version"]) == (412, '"2"', 2)


def test_steps_take_a_task_to_its_end_and_back(world, task):
    where = address(task, "steps/")
    done = world.caller.step(where, {"step": "complete", "outcome": "Reached the daughter"}, 1)
    assert done.status_code == 200, done.json()
    assert (done.json()["status"], done.json()["steps"]) == ("completed", ["reopen", "enter_in_error"])
    version = done.json()["version"]
    again = world.caller.step(where, {"step": "complete"}, version)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert "completed this" in again.json()["detail"]
    opened = world.caller.step(where, {"step": "reopen", "reason": "Not done"}, version)
    assert opened.json()["status"] == "ready"


def test_snoozing_needs_a_time_that_is_still_to_come(world, task):
    where = address(task, "steps/")
    past = world.caller.step(where, {"step": "snooze", "wake_at": text(timezone.now())}, 1)
    assert (past.status_code, list(past.json()["fields"])) == (400, ["wake_at"])
    later = timezone.now() + datetime.timedelta(days=2)
    asleep = world.caller.step(where, {"step": "snooze", "wake_at": text(later)}, 1)
    assert asleep.json()["status"] == "on_hold"
    assert "wake" in asleep.json()["steps"]


def test_somebody_elses_task_is_handed_on_by_leads_only(world, task):
    new = make_user(site=world.site)
    refused = world.caller.step(address(task, "steps/"), {"step": "reassign", "owner": new.pk}, 1)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_work_is_not_given_to_a_stranger(world, task):
    team, stranger = make_team(world.elsewhere), make_user(site=world.elsewhere)
    for name, foreign, missing in (
        ("owner", stranger.pk, 2**40),
        ("team", str(team.pk), str(world.patient.pk)),
    ):
        answers = [
            world.caller.step(address(task, "steps/"), {"step": "reassign", name: key}, 1)
            for key in (foreign, missing)
        ]
        assert [a.status_code for a in answers] == [400, 400]
        assert answers[0].content == answers[1].content


def test_closing_without_doing_needs_a_reason_from_the_list(world, task):
    where = address(task, "steps/")
    assert world.caller.step(where, {"step": "cancel", "close_reason": "bored"}, 1).status_code == 400
    other = world.caller.step(where, {"step": "cancel", "close_reason": "other"}, 1)
    assert (other.status_code, list(other.json()["fields"])) == (400, ["note"])
    assert world.caller.step(where, {"step": "cancel", "close_reason": "duplicate"}, 1).status_code == 200


def test_a_contact_sets_the_next_attempt(world, task):
    make_phone(world.patient)
    response = world.caller.post(address(task, "contacts/"), {"channel": "phone", "outcome": "no_answer"})
    assert response.status_code == 201, response.json()
    found = response.json()
    assert found["contact"]["reached"] is False
    assert found["task"]["attempts_made"] == 1
    assert found["explanation"]
    assert ContactAttempt.objects.get().created_by == world.caller.account
    listed = world.caller.get(address(task, "contacts/")).json()["results"]
    assert [row["id"] for row in listed] == [found["contact"]["id"]]


def test_a_contact_in_the_future_cannot_have_happened(world, task):
    later = text(timezone.now() + datetime.timedelta(hours=1))
    body = {"channel": "phone", "outcome": "no_answer", "at": later}
    refused = world.caller.post(address(task, "contacts/"), body)
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["at"])


def test_a_promised_time_is_named_as_the_api_names_it(world, task):
    refused = world.caller.post(
        address(task, "contacts/"),
        {"channel": "phone", "outcome": "reached_call_back", "next_attempt_at": "2020-01-01T10:00:00Z"},
    )
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["next_attempt_at"])


def test_another_sites_task_is_not_there(world):
    foreign = make_task(world.stranger)
    for response in (
        world.caller.get(address(foreign)),
        world.caller.change(address(foreign), {"title": "x"}, 1),
        world.caller.step(address(foreign, "steps/"), {"step": "complete"}, 1),
        world.caller.get(address(foreign, "contacts/")),
        world.caller.post(address(foreign, "contacts/"), {"channel": "phone", "outcome": "no_answer"}),
    ):
        assert response.status_code == 404
    assert Task.objects.get(pk=foreign.pk).version == 1


def test_the_number_of_queries_does_not_grow_with_the_rows(world, task, colleague, django_assert_num_queries):
    world.caller.get(LIST)
    with django_assert_num_queries(2):
        world.caller.get(LIST)
    for _n in range(20):
        make_task(world.patient, owner=colleague)
    with django_assert_num_queries(2):
        assert len(world.caller.get(LIST).json()["results"]) == 21
