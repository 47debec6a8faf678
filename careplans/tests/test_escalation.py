"""Tasks that stay overdue: the set points that managers keep, and what the night does at each of them, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from careplans import escalation_rules, services
from careplans.models import Escalation, EscalationPoint, Task, TaskInterval
from careplans.selectors import history
from careplans.services.escalation import KEY, manager_for
from careplans.tests.factories import make_escalation_point, make_task
from careplans.workflow import TaskStatus
from coordinator.accounts.roles import Role
from coordinator.clocks.rules import Calendar
from coordinator.clocks.services import start_clock
from coordinator.dashboard.run_figures import NightRow
from coordinator.dashboard.work_rows import Row
from coordinator.tests.factories import make_site, make_team, make_user
from coordinator.workflow import System
from patients.tests.factories import make_patient

pytestmark = pytest.mark.django_db
ZONE = "America/Chicago"
BY = System("nightly")
DUE = datetime(2026, 11, 17, 5, 59, 59, tzinfo=UTC)  # the end of Monday, Nov 16
LIST = reverse("careplans:escalation_list")


def night(day: int) -> datetime:
    """1:30 in the morning of that day of November 2026, in Chicago."""
    return datetime(2026, 11, day, 7, 30, tzinfo=UTC)


TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY = (night(day) for day in (17, 18, 19, 20, 21))


@pytest.fixture
def site():
    return make_site(zone=ZONE)


@pytest.fixture
def robin(site):
    return make_user(Role.MANAGER, site=site, name="Robin Park")


@pytest.fixture
def dana(site):
    return make_user(site=site, name="Dana Whitfield")


@pytest.fixture
def only():
    """Leaves one set point: `only(days=2, effect=...)`."""

    def keep(**fields):
        EscalationPoint.objects.update(retired_at=TUESDAY)
        return make_escalation_point(**{"kind": "", "days": 1} | fields)

    return keep


def late(owner, **fields):
    opened = DUE - timedelta(days=5)
    patient = fields.pop("patient", None) or make_patient(site=owner.sites.get())
    return make_task(
        patient, **{"owner": owner, "due_at": DUE, "opened_at": opened, "title": "Call her"} | fields
    )


def on_a_clock(task):
    clock = start_clock(
        subject=task, kind="tcm.contact", anchor_at=DUE - timedelta(days=4), zone=ZONE, calendar=None,
        site_id=task.site_id, by=BY, now=DUE - timedelta(days=4),
    )  # fmt: skip
    Task.objects.filter(pk=task.pk).update(clock=clock)
    return task


def run(site, now):
    return services.escalate_overdue(site=site, by=BY, now=now)


def notices(**narrowed):
    return Task.objects.filter(dedupe_key__startswith=KEY, **narrowed)


# --- how long is overdue ---


@pytest.mark.parametrize(
    ("now", "days"),
    [(TUESDAY, 0), (WEDNESDAY, 1), (SATURDAY, 4), (night(23), 4), (night(24), 5), (night(28), 8)],
)
def test_whole_business_days_count_and_closed_days_do_not(now, days):
    weekend = frozenset({5, 6})
    calendar = Calendar(
        name="Clinic", version="1", closed_weekdays=weekend, holidays={date(2026, 11, 26): "Thanksgiving Day"}
    )
    assert escalation_rules.overdue_days(DUE, now, ZONE, calendar) == days


@given(st.integers(0, 60), st.integers(0, 60))
def test_overdue_days_never_fall_and_never_exceed_the_days_that_passed(first, more):
    calendar = Calendar(name="Clinic", version="1", closed_weekdays=frozenset({5, 6}), holidays={})
    early, later = DUE + timedelta(hours=12 * first), DUE + timedelta(hours=12 * (first + more))
    before = escalation_rules.overdue_days(DUE, early, ZONE, calendar)
    after = escalation_rules.overdue_days(DUE, later, ZONE, calendar)
    assert 0 <= before <= after <= (later - DUE).days + 1


def test_a_point_is_for_its_type_and_its_sort_of_task():
    def fits(task, **point):
        return escalation_rules.applies(SimpleNamespace(**{"kind": "", "applies_to": "any"} | point), task)

    plain = SimpleNamespace(kind="results", clock_id=None, priority="routine")
    assert fits(plain)
    assert fits(plain, kind="results")
    assert not fits(plain, kind="transport")
    assert not fits(plain, applies_to="clock")
    assert not fits(plain, applies_to="urgent")
    plain.clock_id, plain.priority = 1, "stat"
    assert fits(plain, applies_to="clock")
    assert fits(plain, applies_to="urgent")
    assert [escalation_rules.raised(p) for p in ("routine", "urgent", "asap", "stat")] == [
        "urgent", "asap", "stat", "stat",
    ]  # fmt: skip


# --- the night ---


def test_by_default_the_manager_is_told_after_three_business_days(site, dana, robin):
    task = late(dana, program="TCM")
    assert [run(site, now) for now in (WEDNESDAY, THURSDAY)] == [0, 0]
    assert run(site, FRIDAY) == 1
    notice = notices().get()
    assert (notice.owner, notice.patient, notice.title) == (robin, task.patient, "Overdue: Call her")
    assert notice.reason == "3 business days overdue. It was due Nov 16, 2026 and is with Dana Whitfield."
    assert notice.due_at == datetime(2026, 11, 24, 5, 59, 59, tzinfo=UTC)
    task.refresh_from_db()
    assert (task.owner, task.status, task.escalated_to) == (dana, TaskStatus.READY, "Robin Park")
    (change, words), *_rest = reversed(history(task))
    assert (words, change.by_system) == ("Escalated", "nightly")
    assert change.reason == "3 business days overdue. Robin Park was informed."
    assert "escalated to Robin Park Nov 20" in Row(task).why


def test_on_a_clock_or_urgent_the_manager_is_told_after_one(site, dana, robin):
    on_a_clock(late(dana, title="Clock"))
    late(dana, title="Urgent", priority="urgent")
    late(dana, title="Plain")
    assert (run(site, TUESDAY), run(site, WEDNESDAY)) == (0, 2)
    assert set(notices().values_list("title", flat=True)) == {"Overdue: Clock", "Overdue: Urgent"}


def test_a_second_run_and_the_next_night_change_nothing(site, dana, robin):
    task = late(dana)
    assert [run(site, now) for now in (FRIDAY, FRIDAY, SATURDAY)] == [1, 0, 0]
    services.complete_task(task_id=notices().get().pk, by=robin, now=SATURDAY)
    assert run(site, night(24)) == 0
    assert task.changes.filter(step="escalate").count() == Escalation.objects.count() == 1


def test_a_later_point_leaves_the_open_notice_and_opens_another_after_it_is_done(site, dana, robin, only):
    only(days=1)
    make_escalation_point(kind="", days=2)
    make_escalation_point(kind="", days=3)
    late(dana)
    assert (run(site, WEDNESDAY), run(site, THURSDAY), notices().count()) == (1, 1, 1)
    services.complete_task(task_id=notices().get().pk, by=robin, now=THURSDAY)
    assert (run(site, FRIDAY), notices().count(), notices().open().count()) == (1, 2, 1)


def test_opened_again_a_task_may_be_escalated_again(site, dana, robin):
    task = late(dana)
    run(site, FRIDAY)
    services.complete_task(task_id=task.pk, by=dana, now=FRIDAY)
    services.reopen_task(task_id=task.pk, reason="Not done", by=dana, now=FRIDAY)
    task.refresh_from_db()
    assert (task.escalated_at, task.escalated_to) == (None, "")
    assert run(site, SATURDAY) == 1
    assert Escalation.objects.filter(task=task).values("interval").distinct().count() == 2


def test_the_notice_goes_when_the_task_ends_or_gets_another_date(site, dana, robin):
    done, moved = late(dana, title="One"), late(dana, title="Two")
    run(site, FRIDAY)
    services.complete_task(task_id=done.pk, by=dana, now=FRIDAY)
    assert notices(cause_id=done.pk).get().status == TaskStatus.CANCELLED
    services.move_due_date(
        task_id=moved.pk, due_at=FRIDAY + timedelta(days=5), due_has_time=False, by=dana, now=FRIDAY
    )
    assert notices().open().count() == 1
    run(site, SATURDAY)
    assert notices().open().count() == 0


def test_a_snoozed_task_waits_and_has_the_day_on_which_it_woke(site, dana, robin):
    task = late(dana)
    services.snooze_task(task_id=task.pk, wake_at=FRIDAY - timedelta(hours=1), by=dana, now=TUESDAY)
    assert run(site, FRIDAY) == 0
    services.wake_due_tasks(now=FRIDAY)
    assert run(site, FRIDAY) == 0
    assert run(site, SATURDAY) == 1


def test_ended_tasks_other_places_and_notices_are_left_alone(site, dana, robin):
    ended = late(dana)
    services.complete_task(task_id=ended.pk, by=dana, now=TUESDAY)
    late(make_user(site=make_site(zone=ZONE)))
    assert run(site, SATURDAY) == 0
    late(dana)
    assert run(site, SATURDAY) == 1
    assert run(site, SATURDAY + timedelta(days=14)) == 0  # the notice itself is overdue by then
    assert run(site, SATURDAY + timedelta(days=90)) == 0


def test_the_team_list_gets_it_once_however_long_it_stays_late(site, dana, only):
    only(days=1, effect="team_list")
    team = make_team(site, name="Nurses")
    task = late(dana)
    assert run(site, WEDNESDAY) == 1
    task.refresh_from_db()
    assert (task.owner, task.team, task.previous_owner) == (None, team, dana)
    assert (task.escalated_to, task.status) == ("Nurses", TaskStatus.REQUESTED)
    services.accept_task(task_id=task.pk, by=dana, now=WEDNESDAY)
    assert run(site, THURSDAY) == 0
    task.refresh_from_db()
    assert task.owner == dana


def test_the_priority_rises_by_one_step(site, dana, only):
    only(days=2, effect="raise_priority")
    task = late(dana)
    assert (run(site, WEDNESDAY), run(site, THURSDAY), run(site, FRIDAY)) == (0, 1, 0)
    task.refresh_from_db()
    assert (task.priority, task.escalated_at) == ("urgent", None)
    assert task.changes.get(step="escalate").reason == "2 business days overdue. Its priority was raised."


def test_without_anybody_to_tell_the_point_waits_until_there_is_somebody(site, dana):
    late(dana)
    assert run(site, FRIDAY) == 0
    make_user(Role.LEAD, site=site, name="Lee Lead")
    assert run(site, SATURDAY) == 1
    assert notices().get().owner.name == "Lee Lead"


def test_who_is_told_is_a_manager_of_the_place_but_never_the_owner(site, dana, robin):
    make_user(Role.LEAD, site=site, name="Aaron Lead")
    make_user(Role.MANAGER, site=make_site(), name="Aaron Elsewhere")
    assert manager_for(late(dana)) == robin
    assert manager_for(late(robin)).name == "Aaron Lead"
    team = make_team(site)
    dana.team = team
    dana.save()
    near = make_user(Role.MANAGER, site=site, name="Zoe Near", team=team)
    make_task(make_patient(site=site), owner=near)
    assert manager_for(late(dana)) == near


def test_what_is_kept_is_in_the_clinics_language(site, dana, robin):
    task = late(dana)
    with translation.override("es"):
        run(site, FRIDAY)
    assert task.changes.get(step="escalate").reason.startswith("3 business days overdue.")
    assert notices().get().title == "Overdue: Call her"


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_escalate_each_task_once():
    site = make_site(zone=ZONE)
    make_user(Role.MANAGER, site=site)
    dana = make_user(site=site)
    EscalationPoint.objects.all().delete()
    make_escalation_point(kind="", days=1)
    make_escalation_point(kind="", days=1, effect="raise_priority")
    tasks = [late(dana) for _n in range(6)]

    def both(_n):
        try:
            return run(site, WEDNESDAY)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(both, range(2))) == 6
    assert Escalation.objects.count() == 12
    assert notices().count() == 6
    assert {task.changes.filter(step="escalate").count() for task in tasks} == {1}
    assert set(Task.objects.filter(pk__in=[t.pk for t in tasks]).values_list("priority", flat=True)) == {
        "urgent"
    }


def test_the_database_refuses_the_same_point_twice_in_one_interval(site, dana, robin):
    task = late(dana)
    run(site, FRIDAY)
    row = Escalation.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Escalation.objects.create(task=task, interval=row.interval, point=row.point, at=FRIDAY, days=3)
    other = TaskInterval.objects.create(task=task, opened_at=FRIDAY, closed_at=FRIDAY)
    Escalation.objects.create(task=task, interval=other, point=row.point, at=FRIDAY, days=3)


# --- the set points ---


def fields(**changed):
    return {"days": "2", "kind": "results", "applies_to": "any", "effect": "team_list"} | changed


def test_managers_keep_the_set_points(client, robin):
    client.force_login(robin)
    html = client.get(LIST).content.decode()
    assert html.count("data-row") == 3
    assert "Tasks whose deadline a rule sets" in html
    assert client.post(reverse("careplans:escalation_new"), fields()).status_code == 302
    point = EscalationPoint.objects.get(kind="results")
    edit = reverse("careplans:escalation_edit", args=[point.pk])
    assert client.post(edit, fields(days="4")).status_code == 302
    point.refresh_from_db()
    assert (point.days, point.effect, point.created_by) == (4, "team_list", robin)
    retire = reverse("careplans:escalation_step", args=[point.pk, "retire"])
    restore = reverse("careplans:escalation_step", args=[point.pk, "restore"])
    client.post(retire)
    assert point not in EscalationPoint.objects.in_use()
    client.post(restore)
    assert point in EscalationPoint.objects.in_use()
    assert client.post(reverse("careplans:escalation_step", args=[point.pk, "burn"])).status_code == 404


@pytest.mark.parametrize("days", ["0", "21", "-1", "soon", ""])
def test_days_out_of_reach_are_refused_and_the_typing_stays(client, robin, days):
    client.force_login(robin)
    answer = client.post(reverse("careplans:escalation_new"), fields(days=days))
    assert answer.status_code == 422
    assert not EscalationPoint.objects.filter(kind="results").exists()
    assert 'value="results" selected' in answer.content.decode()


def test_the_same_point_twice_is_refused_also_when_restored(client, robin):
    client.force_login(robin)
    client.post(reverse("careplans:escalation_new"), fields())
    answer = client.post(reverse("careplans:escalation_new"), fields())
    assert (answer.status_code, EscalationPoint.objects.filter(kind="results").count()) == (422, 1)
    assert "There is a set point like this already." in answer.content.decode()
    first = EscalationPoint.objects.get(kind="results")
    services.retire_escalation_point(point_id=first.pk, by=robin, now=TUESDAY)
    client.post(reverse("careplans:escalation_new"), fields())
    with pytest.raises(ValidationError, match="already"):
        services.restore_escalation_point(point_id=first.pk, by=robin, now=TUESDAY)
    assert client.post(reverse("careplans:escalation_step", args=[first.pk, "restore"])).status_code == 302
    first.refresh_from_db()
    assert first.retired_at == TUESDAY


def test_only_who_sets_up_may_change_them(dana):
    point = make_escalation_point()
    with pytest.raises(PermissionDenied):
        services.save_escalation_point(days=1, effect="inform", by=dana, now=TUESDAY)
    with pytest.raises(PermissionDenied):
        services.retire_escalation_point(point_id=point.pk, by=dana, now=TUESDAY)


def test_without_set_points_the_list_says_so_and_nothing_happens(client, site, dana, robin):
    EscalationPoint.objects.update(retired_at=TUESDAY)
    late(dana)
    assert run(site, SATURDAY) == 0
    client.force_login(robin)
    html = client.get(LIST).content.decode()
    assert "No set points" in html
    assert html.count("Use again") == 3


def test_the_board_counts_them(site):
    words = NightRow(site, date(2026, 11, 20), SimpleNamespace(counts={"escalated": 2}), None, False)
    assert words.tasks == "2 tasks escalated"
