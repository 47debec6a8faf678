"""Many tasks at once: moved, closed, all that match, and a whole caseload; each with its own result."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from careplans.models import Task
from careplans.tests.factories import make_close_reason, make_task
from careplans.workflow import TaskStatus
from coordinator.accounts.roles import Role
from coordinator.clocks.services import start_clock
from coordinator.dashboard import my_work_acts
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import System
from patients.tests.factories import make_patient
from referrals.tests.factories import make_referral

pytestmark = pytest.mark.django_db
BULK, UNDO = reverse("dashboard:my_work_bulk"), reverse("dashboard:my_work_undo")
TRANSFER = reverse("dashboard:caseload_transfer")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def dana(site):
    return make_user(site=site, name="Dana Whitfield")


@pytest.fixture
def page(dana):
    return page_of(dana)


def page_of(user):
    client = Client()
    client.force_login(user)
    return client


def text(response) -> str:
    return response.content.decode()


def tasks_of(owner, count, **fields):
    site = owner.sites.get()
    return [
        make_task(make_patient(site=site), owner=owner, title=f"Task {n}", **fields) for n in range(count)
    ]


def send(page, tasks, action, **fields):
    return page.post(
        BULK, {"action": action, "asked": "1", "id": [task.pk for task in tasks], **fields}, headers=HTMX
    )


# --- selected ones ---


def test_due_dates_move_in_words_and_come_back(page, dana, site):
    tasks = tasks_of(dana, 2, due_at=timezone.now() - timedelta(days=3))
    asked = page.post(BULK, {"action": "move_due", "id": [task.pk for task in tasks]}, headers=HTMX)
    assert "in 2 weeks" in text(asked)
    wrong = send(page, tasks, "move_due", due="someday")
    assert (wrong.status_code, 'value="someday"' in text(wrong)) == (422, True)
    done = send(page, tasks, "move_due", due="+3d")
    assert "2 tasks done." in text(done)
    wanted = timezone.localdate(timezone=dana.zone) + timedelta(days=3)
    found = {timezone.localtime(task.due_at, dana.zone).date() for task in Task.objects.all()}
    assert found == {wanted}
    page.post(UNDO, {"id": [task.pk for task in tasks]})
    assert {task.due_at for task in Task.objects.all()} == {task.due_at for task in tasks}


def test_a_date_of_a_rule_stays_and_is_named(page, dana, site):
    free, bound = tasks_of(dana, 2)
    clock = start_clock(
        subject=bound.patient, kind="tcm.contact", anchor_at=timezone.now(), zone=site.zone, calendar=None,
        by=System("test"), now=timezone.now(), anchor_label="discharge",
    )  # fmt: skip
    Task.objects.filter(pk=bound.pk).update(clock=clock, due_at=clock.due_at)
    said = text(send(page, [free, bound], "move_due", due="tomorrow"))
    assert "1 of 2 done." in said
    assert "A rule sets this date" in said
    bound.refresh_from_db()
    assert bound.due_at == clock.due_at


def test_many_are_closed_for_a_reason_and_opened_again(page, dana):
    make_close_reason("Lab lost it", code="lab_lost_it", kinds=["results"])
    tasks = [*tasks_of(dana, 1, kind="results"), *tasks_of(dana, 1, kind="transport")]
    asked = page.post(BULK, {"action": "cancel", "id": [task.pk for task in tasks]}, headers=HTMX)
    assert "Lab lost it" in text(asked)
    assert send(page, tasks, "cancel").status_code == 422
    said = text(send(page, tasks, "cancel", close_reason="lab_lost_it"))
    assert "1 of 2 done." in said
    assert "does not go with this type" in said
    assert [task.status for task in Task.objects.order_by("kind")] == ["cancelled", "ready"]
    page.post(f"{UNDO}?id={tasks[0].pk}")
    assert set(Task.objects.values_list("status", flat=True)) == {"ready"}


# --- all that match ---


def every(page, action, **fields):
    return page.post(BULK, {"action": action, "every": "1", "query": "view=todo&kind=transport", **fields})


def test_all_that_match_are_offered_with_their_number(page, dana):
    tasks_of(dana, 55, kind="transport")
    shown = text(page.get(reverse("dashboard:my_work"), {"view": "todo"}))
    assert "all 55 that match" in shown
    few = text(page.get(reverse("dashboard:my_work"), {"view": "todo", "kind": "results"}))
    assert 'name="every"' not in few


def test_all_that_match_are_asked_about_and_done_with_a_result_for_each(page, dana):
    wanted = tasks_of(dana, 14, kind="transport")
    left = tasks_of(dana, 1, kind="results")[0]
    open_items = make_task(
        make_patient(site=dana.sites.get()),
        owner=dana,
        kind="transport",
        checklist=[{"text": "Ask", "done": False}],
    )
    asked = every(page, "complete")
    assert "15 tasks" in text(asked)
    assert "and 3 more" in text(asked)
    assert Task.objects.filter(status="completed").count() == 0
    keys = [task.pk for task in (*wanted, open_items)]
    done = page.post(BULK, {"action": "complete", "every": "1", "asked": "1", "id": keys})
    assert "14 tasks done" in text(done)
    assert "1 task was left as it is" in text(done)
    assert "is not ticked (Ask)" in text(done)
    left.refresh_from_db()
    assert left.status == TaskStatus.READY
    page.post(UNDO, {"id": [task.pk for task in wanted]})
    assert Task.objects.filter(status="completed").count() == 0


def test_there_is_a_limit_and_it_is_said(page, dana, monkeypatch):
    monkeypatch.setattr(my_work_acts, "MOST", 3)
    tasks_of(dana, 5, kind="transport")
    assert "3 tasks" in text(every(page, "snooze"))


def test_all_that_match_are_never_those_one_may_not_see(page, dana):
    make_task(make_patient(), owner=dana, kind="transport", title="Elsewhere")
    assert "Elsewhere" not in text(every(page, "complete"))


# --- a caseload ---


@pytest.fixture
def manager(site):
    return make_user(Role.MANAGER, site=site)


@pytest.fixture
def marcus(site):
    return make_user(site=site, name="Marcus Lee")


def test_a_caseload_is_looked_at_and_moved(manager, dana, marcus, site):
    tasks = tasks_of(dana, 2)
    snoozed = tasks_of(dana, 1, status="on_hold", wake_at=timezone.now() + timedelta(days=2))[0]
    referral = make_referral(make_patient(site=site), owner=dana)
    led = make_patient(site=site, coordinator=dana)
    elsewhere = make_task(make_patient(), owner=dana)
    page = page_of(manager)
    assert TRANSFER in text(page.get(reverse("dashboard:team_board")))
    asked = {"owner": dana.pk, "to": marcus.pk, "sorts": ["tasks", "referrals", "patients"]}
    shown = text(page.get(TRANSFER, asked))
    assert "From Dana Whitfield to Marcus Lee" in shown
    assert "<dd>3</dd>" in shown
    assert Task.objects.filter(owner=marcus).count() == 0
    done = text(page.post(TRANSFER, asked | {"reason": "On leave"}))
    assert "Still open with Dana Whitfield: 0" in done
    for row in (*tasks, snoozed):
        row.refresh_from_db()
        assert (row.owner, row.previous_owner) == (marcus, dana)
    for row in (referral, led, elsewhere):
        row.refresh_from_db()
    assert (referral.owner, led.coordinator, elsewhere.owner) == (marcus, marcus, dana)


def test_taking_a_transfer_back_moves_just_what_it_moved(manager, dana, marcus, site):
    task, own_task = tasks_of(dana, 1)[0], tasks_of(marcus, 1)[0]
    referral, own_referral = (make_referral(make_patient(site=site), owner=one) for one in (dana, marcus))
    led, own_led = (make_patient(site=site, coordinator=one) for one in (dana, marcus))
    page = page_of(manager)
    asked = {"owner": dana.pk, "to": marcus.pk, "sorts": ["tasks", "referrals", "patients"]}
    done = text(page.post(TRANSFER, asked))
    sent = dict(re.findall(r'name="(\w+_moved)" value="([^"]*)"', done))
    assert sorted(sent) == ["patients_moved", "referrals_moved", "tasks_moved"]
    assert "From Marcus Lee to Dana Whitfield" in text(page.post(TRANSFER, asked | sent | {"take_back": "1"}))
    for row in (task, own_task, referral, own_referral, led, own_led):
        row.refresh_from_db()
    assert (task.owner, referral.owner, led.coordinator) == (dana, dana, dana)
    assert (own_task.owner, own_referral.owner, own_led.coordinator) == (marcus, marcus, marcus)


def test_only_the_chosen_sorts_move(manager, dana, marcus, site):
    tasks_of(dana, 1)
    referral = make_referral(make_patient(site=site), owner=dana)
    page_of(manager).post(TRANSFER, {"owner": dana.pk, "to": marcus.pk, "sorts": ["tasks"]})
    referral.refresh_from_db()
    assert (Task.objects.get().owner, referral.owner) == (marcus, dana)


def test_what_cannot_move_is_named_with_the_reason(manager, dana, site):
    other_site = make_site()
    manager.sites.add(other_site)
    nearby = make_user(site=other_site, name="Nora North")
    tasks_of(dana, 1)
    done = text(page_of(manager).post(TRANSFER, {"owner": dana.pk, "to": nearby.pk, "sorts": ["tasks"]}))
    assert "1 was left as it is" in done
    assert "Choose an active colleague who works at" in done
    assert Task.objects.get().owner == dana


def test_who_may_and_who_may_not(manager, dana, marcus, site):
    tasks_of(dana, 1)
    asked = {"owner": dana.pk, "to": marcus.pk, "sorts": ["tasks"]}
    assert page_of(dana).post(TRANSFER, asked).status_code == 403
    stranger = make_user()
    for wrong in (
        {"to": stranger.pk},
        {"owner": stranger.pk},
        {"to": dana.pk},
        {"sorts": []},
        {"sorts": ["all"]},
    ):
        answer = page_of(manager).post(TRANSFER, asked | wrong)
        assert answer.status_code == 422, wrong
    assert Task.objects.get().owner == dana


# --- one call for several tasks, and the numbers on the page ---


def test_one_call_settles_several_tasks_of_a_patient(page, dana, site):
    patient = make_patient(site=site)
    call, ride, form, checked = (
        make_task(patient, owner=dana, title=title, checklist=items)
        for title, items in (
            ("Call", []),
            ("Ride", []),
            ("Form", []),
            ("Checked", [{"text": "A", "done": False}]),
        )
    )
    act = reverse("dashboard:my_work_act", args=[call.pk, "log"])
    assert "This contact also settles" in text(page.get(act, headers=HTMX))
    sent = {"outcome": "reached_done", "again": "rule", "do": "save", "settles": [ride.pk, checked.pk]}
    said = text(page.post(act, sent, headers=HTMX))
    assert "Also completed: Ride." in said
    assert "Checked: One item is not ticked" in said
    found = dict(Task.objects.values_list("title", "status"))
    assert found == {"Call": "completed", "Ride": "completed", "Form": "ready", "Checked": "ready"}
    assert patient.contact_attempts.count() == 1
    assert f"r{ride.pk}" in said  # its row goes as well
    page.post(UNDO, {"id": [call.pk, ride.pk]})
    assert set(Task.objects.values_list("status", flat=True)) == {"ready"}


def test_a_call_that_nobody_answered_settles_nothing_else(page, dana, site):
    patient = make_patient(site=site)
    call, ride = (make_task(patient, owner=dana, title=title) for title in ("Call", "Ride"))
    act = reverse("dashboard:my_work_act", args=[call.pk, "log"])
    sent = {"outcome": "no_answer", "again": "rule", "do": "save", "settles": [ride.pk]}
    assert "Nobody was reached, so the other tasks stay open." in text(page.post(act, sent, headers=HTMX))
    ride.refresh_from_db()
    assert (ride.status, patient.contact_attempts.count()) == ("ready", 1)


def test_a_contact_settles_no_update_to_a_provider(page, dana, site):
    patient = make_patient(site=site)
    call, update = (
        make_task(patient, owner=dana, kind=kind) for kind in ("outreach_call", "provider_update")
    )
    act = reverse("dashboard:my_work_act", args=[call.pk, "log"])
    assert str(update.pk) not in text(page.get(act, headers=HTMX))
    sent = {"outcome": "reached_done", "again": "rule", "do": "save", "settles": [update.pk]}
    assert page.post(act, sent, headers=HTMX).status_code == 422


def test_a_contact_settles_no_task_of_somebody_else(page, dana, site):
    task, other = tasks_of(dana, 2)
    act = reverse("dashboard:my_work_act", args=[task.pk, "log"])
    sent = {"outcome": "reached_done", "again": "rule", "do": "save", "settles": [other.pk]}
    assert page.post(act, sent, headers=HTMX).status_code == 422
    assert not Task.objects.filter(status="completed").exists()


def test_an_action_brings_the_numbers_of_the_page(page, dana):
    one, _two = tasks_of(dana, 2, due_at=timezone.now() - timedelta(days=3))
    tasks_of(dana, 1, waiting_on="The lab")
    home = reverse("dashboard:my_work")
    shown = text(page.get(home, {"view": "todo"}))
    assert '<span data-count="group-2">2</span>' in shown
    assert '<span data-count="nav-dashboard:my_work">2</span>' in shown
    seen = HTMX | {"HX-Current-URL": f"http://testserver{home}?view=todo"}
    done = page.post(reverse("dashboard:my_work_act", args=[one.pk, "complete"]), headers=seen)
    events = json.loads(done["HX-Trigger-After-Settle"])
    assert events["work-counts"]["group-2"] == 1
    assert events["work-counts"]["nav-dashboard:my_work"] == 1
    assert events["work-counts"]["total"] == 1
