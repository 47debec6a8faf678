"""Saved and shared views, the columns of the list, its filters, and team lists."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from careplans import services
from careplans.models import Task
from careplans.tests.factories import make_task
from coordinator.accounts.roles import Role
from coordinator.dashboard.models import SavedView
from coordinator.tests.factories import make_site, make_team, make_user
from patients.tests.factories import make_patient

pytestmark = pytest.mark.django_db
HOME = reverse("dashboard:my_work")
VIEWS = reverse("dashboard:my_work_views")


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def team(site):
    return make_team(site, name="Care team")


@pytest.fixture
def dana(site, team):
    return make_user(site=site, team=team, name="Dana Whitfield")


@pytest.fixture
def marcus(site, team):
    return make_user(site=site, team=team, name="Marcus Lee")


def page_of(user):
    client = Client()
    client.force_login(user)
    return client


def text(response) -> str:
    return response.content.decode()


def view_of(user, name="Rides", query="kind=transport", **fields):
    return SavedView.objects.create(user=user, page="my_work", name=name, query=query, **fields)


def change(client, view, **fields):
    data = {"name": view.name, "team": ""} | fields
    return client.post(reverse("dashboard:my_work_view_change", args=[view.pk]), data, follow=True)


# --- shared views ---


def test_a_view_is_shared_with_a_team_whose_members_see_it_with_its_owner(dana, marcus, team, site):
    view = view_of(dana)
    assert "Shared with Care team" in text(change(page_of(dana), view, team=team.pk))
    shown = text(page_of(marcus).get(HOME, {"view": "todo"}))
    menu = shown[shown.index('id="saved-menu"') :]
    for words in ("Shared", "Rides", "Dana Whitfield", "?kind=transport"):
        assert words in menu
    stranger = make_user(site=site, team=make_team(site, name="Front desk"))
    assert "Rides" not in text(page_of(stranger).get(HOME, {"view": "todo"}))
    assert "Rides" not in text(page_of(make_user()).get(VIEWS))


def test_only_its_owner_or_a_manager_changes_a_shared_view(dana, marcus, team, site):
    view = view_of(dana, team=team)
    assert "Only its owner or a manager changes it" in text(page_of(marcus).get(VIEWS))
    assert change(page_of(marcus), view, name="Mine now").status_code == 403
    delete = reverse("dashboard:my_work_view_delete", args=[view.pk])
    assert page_of(marcus).post(delete).status_code == 403
    manager = make_user(Role.MANAGER, site=site)
    change(page_of(manager), view, name="Rides of the team", team=team.pk)
    view.refresh_from_db()
    assert (view.name, view.user, view.team) == ("Rides of the team", dana, team)
    other_manager = make_user(Role.MANAGER)
    assert change(page_of(other_manager), view).status_code == 404
    page_of(manager).post(delete)
    assert not SavedView.objects.filter(pk=view.pk).exists()


def test_a_view_that_is_not_shared_is_nobody_elses(dana, marcus):
    view = view_of(dana)
    assert change(page_of(marcus), view, name="Mine").status_code == 404
    assert view.name not in text(page_of(marcus).get(VIEWS))


def test_bad_names_are_said_at_the_view_and_change_nothing(dana, team):
    view, _other = view_of(dana), view_of(dana, "Calls")
    client = page_of(dana)
    for name in (" ", "Calls"):
        answer = change(client, view, name=name, team=team.pk)
        assert answer.status_code == 422
        assert 'class="errors' in text(answer) or "error" in text(answer)
    assert change(client, view, team=make_team(make_site()).pk).status_code == 422
    view.refresh_from_db()
    assert (view.name, view.team) == ("Rides", None)


def test_a_saved_view_names_no_patient(dana, site):
    patient = make_patient(site=site)
    query = f"kind=transport&patient={patient.pk}&text=on"
    page_of(dana).post(reverse("dashboard:my_work_view_save"), {"name": "Rides", "query": query})
    assert SavedView.objects.get(name="Rides").query == "kind=transport"


# --- where the list starts ---


def test_the_chosen_view_opens_after_signing_in_and_the_last_filters_later(dana, marcus, team):
    view = view_of(dana, team=team)
    client = page_of(marcus)
    client.get(HOME, {"due": "today"})
    client.post(reverse("dashboard:my_work_view_first"), {"view": view.pk})
    assert client.get(HOME)["Location"] == f"{HOME}?due=today"  # only left for a moment
    again = page_of(marcus)
    assert again.get(HOME)["Location"] == f"{HOME}?kind=transport"
    again.get(HOME, {"view": "pool"})
    assert again.get(HOME)["Location"] == f"{HOME}?view=pool"
    change(page_of(dana), view)  # shared no more
    assert page_of(marcus).get(HOME)["Location"] == f"{HOME}?view=pool"


def test_filters_survive_a_new_sign_in(dana):
    page_of(dana).get(HOME, {"kind": "transport", "group": "patient"})
    assert page_of(dana).get(HOME)["Location"] == f"{HOME}?kind=transport&group=patient"


def test_a_view_one_does_not_see_cannot_open_first(dana, marcus):
    first = reverse("dashboard:my_work_view_first")
    for key in (view_of(marcus).pk, "nonsense"):
        assert page_of(dana).post(first, {"view": key}).status_code == 404


# --- columns ---


def choose(client, *columns, **more):
    return client.post(reverse("dashboard:my_work_columns"), {"columns": columns, **more}, follow=True)


def test_columns_are_chosen_kept_and_printed(dana, site):
    task = make_task(make_patient(site=site), owner=dana, kind="transport", program="CCM")
    client = page_of(dana)
    shown = text(choose(client, "kind", "owner", "age"))
    heads = shown[shown.index("<thead") : shown.index("</thead>")]
    for head in ("Type", "Owner", "Age"):
        assert f">{head}</th>" in heads
    assert "c-due" not in heads
    row = shown[shown.index(f'id="r{task.pk}"') :]
    for words in ("Transport", "Dana Whitfield", "open 0 min"):
        assert words in row
    again = text(page_of(dana).get(HOME, {"view": "todo"}))  # a new sign-in
    assert ">Owner</th>" in again
    paper = text(client.get(reverse("dashboard:call_list")))
    assert "Owner: <" in paper
    assert "Type: <" in paper
    usual = text(choose(client, usual="1"))
    assert "c-due" in usual
    assert ">Owner</th>" not in usual


def test_more_rows_and_changed_rows_have_the_chosen_columns(dana, site):
    tasks = [make_task(make_patient(site=site), owner=dana) for _n in range(51)]
    client = page_of(dana)
    choose(client, "due", "status")
    first = client.get(HOME, {"view": "todo"})
    last = first.context["work"].rows[-1].task.pk
    more = client.get(
        HOME, {"view": "todo", "after": last}, headers={"HX-Request": "true", "HX-Target": "work-rows"}
    )
    assert text(more).count("c-more") == 1
    changed = client.post(
        reverse("dashboard:my_work_act", args=[tasks[0].pk, "start"]), headers={"HX-Request": "true"}
    )
    assert "Started" in text(changed)
    assert text(changed).count("c-more") == 1


def test_an_unknown_column_changes_nothing(dana):
    client = page_of(dana)
    choose(client, "owner")
    assert "There is no such column" in text(choose(client, "salary"))
    assert SavedView.objects.get(user=dana, name="").columns == ["owner"]


def test_chosen_columns_cost_nothing_more_for_many_rows(dana, site):
    client = page_of(dana)
    choose(client, "due", "touch", "kind", "program", "status", "owner", "language", "age")
    counts = []
    for more in (1, 19):
        for _n in range(more):
            make_task(make_patient(site=site), owner=dana, previous_owner=make_user(site=site))
        client.get(HOME, {"view": "todo"})
        with CaptureQueriesContext(connection) as captured:
            client.get(HOME, {"view": "todo"})
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 15


# --- filters ---


def titles(client, **query):
    return [row.task.title for row in client.get(HOME, query).context["work"].rows]


def test_the_list_is_narrowed_by_patient_status_and_team(dana, site, team):
    one, other = make_patient(site=site), make_patient(site=site)
    make_task(one, owner=dana, title="A", team=team)
    make_task(other, owner=dana, title="B", status="in_progress")
    client = page_of(dana)
    assert titles(client, view="todo", patient=one.pk) == ["A"]
    assert titles(client, view="todo", status="in_progress") == ["B"]
    assert titles(client, view="todo", team=team.pk) == ["A"]
    assert "All patients, not only" in text(client.get(HOME, {"view": "todo", "patient": one.pk}))
    assert sorted(
        titles(client, view="todo", patient=make_patient().pk, team=make_team(make_site()).pk, status="x")
    ) == ["A", "B"]


def test_a_lead_looks_at_one_colleague_or_at_everybody(dana, marcus, site):
    lead = make_user(Role.LEAD, site=site)
    for owner, title in ((dana, "D"), (marcus, "M"), (lead, "L")):
        make_task(make_patient(site=site), owner=owner, title=title)
    make_task(make_patient(), title="Elsewhere")
    assert titles(page_of(lead), view="todo") == ["L"]
    assert titles(page_of(lead), view="todo", owner=marcus.pk) == ["M"]
    assert sorted(titles(page_of(lead), view="todo", owner="all")) == ["D", "L", "M"]
    assert titles(page_of(dana), view="todo", owner="all") == ["D"]  # leads only


# --- team lists ---


def test_one_team_list_of_several_is_chosen_and_each_says_how_many_wait(dana, site, team):
    desk = make_team(site, name="Front desk")
    for title, owner_team in (("A", team), ("B", desk), ("C", desk)):
        make_task(make_patient(site=site), team=owner_team, title=title, status="requested")
    client = page_of(dana)
    shown = text(client.get(HOME, {"view": "pool"}))
    assert "Front desk (2)" in shown
    assert "Care team (1)" in shown
    assert sorted(titles(client, view="pool", team=desk.pk)) == ["B", "C"]


def test_claiming_handing_back_and_who_had_it_before(dana, marcus, site, team):
    task = make_task(make_patient(site=site), team=team, status="requested", title="Call")
    client, htmx = page_of(dana), {"HX-Request": "true"}
    shown = text(client.get(HOME, {"view": "pool"}))
    assert f'name="take" value="{task.pk}"' in shown
    taken = client.post(reverse("dashboard:my_work_bulk"), {"take": task.pk}, headers=htmx)
    assert taken.status_code == 200
    task.refresh_from_db()
    assert task.owner == dana
    back = reverse("dashboard:my_work_act", args=[task.pk, "hand_back"])
    assert back in text(client.get(HOME, {"view": "todo"}))
    assert client.post(back, {"reason": " "}, headers=htmx).status_code == 422
    client.post(back, {"reason": "On leave"}, headers=htmx)
    task.refresh_from_db()
    assert (task.owner, task.team, task.previous_owner) == (None, team, dana)
    pool = text(page_of(marcus).get(HOME, {"view": "pool", "task": task.pk}))
    assert pool.count("before: Dana Whitfield") == 2  # in the row and in the preview
    two = [
        page_of(marcus).post(reverse("dashboard:my_work_bulk"), {"take": task.pk}, headers=htmx)
        for _n in (1, 2)
    ]
    assert [answer.status_code for answer in two] == [200, 200]
    task.refresh_from_db()
    assert task.owner == marcus


# --- age and holds ---


def test_the_age_shows_the_hold_apart(dana, site):
    now = timezone.now()
    task = make_task(make_patient(site=site), owner=dana, opened_at=now - timedelta(days=6))
    Task.objects.filter(pk=task.pk).update(held_seconds=2 * 86400)
    client = page_of(dana)
    choose(client, "age")
    shown = text(client.get(HOME, {"view": "todo", "task": task.pk}))
    assert "open 6 days, of these 2 days on hold" in shown
    assert "of these 2 days on hold" in shown[shown.index(f'id="r{task.pk}"') :]


def test_no_kind_of_edit_resets_the_age(dana, marcus, site, team):
    """Editing every field, ticking, handing on and back, taking, logging, snoozing and waking, undoing."""
    now = timezone.now()
    task = make_task(
        make_patient(site=site),
        owner=dana,
        opened_at=now - timedelta(days=6),
        checklist=[{"text": "A", "done": False}],
    )
    opened = task.opened_at
    fields = {
        "title": "New", "kind": "transport", "reason": "Why", "next_step": "Next", "program": "TCM",
        "priority": "urgent", "due_at": now + timedelta(days=3), "due_has_time": True, "waiting_on": "The lab",
        "attempts_planned": 5,
    }  # fmt: skip
    assert set(fields) == set(services.tasks.EDITABLE)
    same = {"task_id": task.pk, "now": now}
    for name, value in fields.items():
        task.refresh_from_db()
        services.edit_task(version=task.version, by=dana, **{name: value}, **same)
    services.move_due_date(due_at=now + timedelta(days=4), by=dana, **same)
    services.tick_item(number=0, text="A", done=True, by=dana, **same)
    services.reassign_task(owner=marcus, by=dana, **same)
    services.hand_back_task(reason="Not mine", by=marcus, **same)
    services.reassign_task(team=team, by=dana, **same)
    services.accept_task(by=dana, **same)
    services.start_task(by=dana, **same)
    task.refresh_from_db()
    services.log_contact(
        patient=task.patient, task=task, channel="phone", outcome="no_answer", by=dana, now=now
    )
    services.snooze_task(wake_at=now + timedelta(days=1), by=dana, **same)
    services.wake_task(task_id=task.pk, by=dana, now=now + timedelta(hours=2))
    task.refresh_from_db()
    assert (task.opened_at, task.held_seconds) == (opened, 7200)
    later = now + timedelta(hours=3)
    services.complete_task(task_id=task.pk, by=dana, now=later)
    services.undo(task_id=task.pk, by=dana, now=later)
    task.refresh_from_db()
    assert task.opened_at == opened
    assert task.intervals.get().closed_at is None
