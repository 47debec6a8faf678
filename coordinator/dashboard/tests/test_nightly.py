"""The night: what it does, that it may run twice and by two at once, and that it survives being killed."""

from __future__ import annotations

import io
import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from careplans.models import Task
from careplans.tests.factories import make_plan, make_task
from coordinator.accounts.models import Site
from coordinator.dashboard import nightly
from coordinator.dashboard.models import JobRun
from coordinator.dashboard.nightly import Result, night_of, run_due_nights, run_night
from coordinator.dashboard.run_records import Superseded, leading, request_run
from coordinator.messaging import delivery
from coordinator.messaging.models import Message
from coordinator.messaging.tests.factories import FakeGateway, make_message
from coordinator.tests.factories import make_site, make_team, make_user
from coordinator.workflow import System
from patients.tests.factories import make_patient, make_phone
from scheduling.models import Appointment
from scheduling.rules.local_time import local_day
from scheduling.services import fulfill, mark_no_show
from scheduling.tests.factories import make_appointment

pytestmark = pytest.mark.django_db
BY = System("command line")
CHICAGO = ZoneInfo("America/Chicago")
TODAY = timezone.now().astimezone(CHICAGO).date()


def at(day: date, hour: int = 10, minute: int = 0, zone: ZoneInfo = CHICAGO) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)


def in_days(days: int) -> date:
    return TODAY + timedelta(days=days)


NIGHT = at(TODAY, 1, 30)
PAST = date(2016, 5, 11)


def clinic(**fields: Any) -> Site:
    site = make_site(**fields)
    make_team(site)
    return site


def visit(site: Site, day: date, n: int = 0, **fields: Any) -> Appointment:
    patient = make_patient(site=site)
    make_phone(patient, f"+1612555{n:04d}")
    fields.setdefault("start", at(day, 10, 30))
    fields.setdefault("booked_at", fields["start"] - timedelta(days=30))
    return make_appointment(patient, **fields)


def run(site: Site, on: date = TODAY, now: datetime = NIGHT, **options: Any) -> Result:
    return run_night(site=site, on=on, now=now, by=BY, **options)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> FakeGateway:
    """Messages of past nights go here."""
    fake = FakeGateway()
    usual = delivery.deliver_due
    monkeypatch.setattr(nightly, "deliver_due", lambda **options: usual(gateways=fake, **options))
    return fake


# --- what it does -------------------------------------------------------------------------------------


def test_tonight_plans_reminders_and_sends_none_before_their_hour() -> None:
    site = clinic()
    visit(site, in_days(3))
    result = run(site)
    assert result.counts["reminders"]["planned"] == 2
    assert set(Message.objects.values_list("status", "replay")) == {("scheduled", False)}
    row = JobRun.objects.get()
    assert (row.status, row.period, row.attempts, row.by_system) == ("done", TODAY, 1, "command line")
    assert set(Message.objects.values_list("run_id", flat=True)) == {row.pk}


def test_a_second_run_of_the_same_night_adds_nothing() -> None:
    site = clinic()
    visit(site, in_days(3))
    visit(site, in_days(-1), 1, status="no_show")
    visit(site, in_days(-1), 2)
    run(site)
    before = (Message.objects.count(), Task.objects.count())
    again = run(site)
    assert (Message.objects.count(), Task.objects.count()) == before
    assert again.counts["reminders"]["already"] == 2
    assert JobRun.objects.get().attempts == 2


def test_missed_visits_without_a_task_are_followed_up_as_if_just_marked() -> None:
    site = clinic()
    missed = visit(site, in_days(-1), status="no_show")
    visit(site, in_days(-9), 1, status="no_show")  # longer ago than anybody looks back
    assert run(site).counts["no_shows"] == 1
    task = Task.objects.get()
    assert (task.kind, task.cause_id) == ("no_show_follow_up", missed.pk)


def test_a_visit_marked_by_hand_is_not_followed_up_twice() -> None:
    site = clinic()
    booked = visit(site, in_days(-1))
    mark_no_show(appointment_id=booked.pk, by=BY, now=NIGHT)
    Task.objects.update(status="completed", ended_at=NIGHT)
    assert run(site).counts["no_shows"] == 0
    assert Task.objects.count() == 1


def test_visits_without_an_outcome_are_asked_about_once_and_the_answer_closes_the_question() -> None:
    site = clinic()
    forgotten = visit(site, in_days(-1), status="checked_in")
    visit(site, TODAY, 1, start=at(TODAY, 9))
    assert run(site).counts["no_outcome"] == 1
    task = Task.objects.get(cause_id=forgotten.pk)
    assert (task.kind, task.cause_id) == ("data_quality", forgotten.pk)
    fulfill(appointment_id=forgotten.pk, by=BY, now=NIGHT)
    task.refresh_from_db()
    assert (task.status, task.outcome) == ("completed", "Seen")
    assert run(site).counts["no_outcome"] == 0


def test_a_visit_of_today_with_a_day_only_is_not_over_at_one_in_the_morning() -> None:
    site = clinic()
    visit(site, TODAY, start=at(TODAY, 0), time_known=False)
    assert run(site).counts["no_outcome"] == 0


def test_overdue_reviews_of_this_site_become_tasks() -> None:
    site, other = clinic(), clinic()
    for place in (site, other):
        make_plan(patient=make_patient(site=place), status="active", next_review_on=in_days(-2))
    assert run(site).counts["reviews"] == 1
    assert Task.objects.get().site_id == site.pk


def test_snoozed_tasks_wake() -> None:
    site = clinic()
    task = make_task(patient=make_patient(site=site), status="on_hold", wake_at=NIGHT - timedelta(minutes=1))
    assert run(site).counts["woken"] == 1
    task.refresh_from_db()
    assert task.status == "ready"


def test_a_step_that_fails_does_not_stop_the_others_and_its_text_stays_out_of_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "ramirez".upper()

    def fail(**_facts: Any) -> int:
        raise RuntimeError(f"Key (family_name)=({secret})")

    monkeypatch.setattr(nightly.past_visits, "follow_up_no_shows", fail)
    site = clinic()
    visit(site, in_days(-1))
    result = run(site)
    row = JobRun.objects.get()
    assert (row.status, row.error) == ("failed", "no_shows: RuntimeError.")
    assert result.counts["no_outcome"] == 1
    assert "no_shows" in caplog.text
    assert secret not in caplog.text


# --- dates --------------------------------------------------------------------------------------------


def test_a_past_night_is_decided_and_sent_as_of_that_night(gateway: FakeGateway) -> None:
    site = clinic()
    three = visit(site, date(2016, 5, 14), 1, status="fulfilled")
    one = visit(site, date(2016, 5, 12), 2, status="no_show")
    booked_later = visit(site, date(2016, 5, 14), 3, status="fulfilled", booked_at=at(date(2016, 5, 13)))
    run(site, on=PAST, now=timezone.now(), wait=True)
    states = {(m.about_id, m.window): m.skip_reason or m.status for m in Message.objects.all()}
    assert states == {
        (three.pk, "3d"): "sent",
        (three.pk, "1d"): "scheduled",  # for May 13: not sent early
        (one.pk, "3d"): "window_missed",
        (one.pk, "1d"): "sent",
    }
    assert not Message.objects.filter(about_id=booked_later.pk).exists()
    run(site, on=date(2016, 5, 13), now=timezone.now(), wait=True)
    final = Counter(m.skip_reason or m.status for m in Message.objects.filter(about_id=three.pk))
    assert final == {"sent": 2}
    assert set(gateway.taken.values()) == {1}


def test_a_past_night_follows_up_the_visits_missed_the_day_before(gateway: FakeGateway) -> None:
    site = clinic()
    missed = visit(site, date(2016, 5, 10), 1, status="no_show")
    visit(site, date(2016, 5, 9), 2, status="no_show")
    result = run(site, on=PAST, now=timezone.now())
    assert (result.error, result.counts["no_shows"]) == ("", 1)
    assert Task.objects.get().cause_id == missed.pk


def test_the_nights_of_a_week_give_every_visit_one_row_for_each_window(gateway: FakeGateway) -> None:
    """Must show 3, small: one row per window, each with a final state or a reason."""
    site = clinic()
    visits = [visit(site, date(2016, 5, 9) + timedelta(days=n % 5), n, status="fulfilled") for n in range(25)]
    for day in range(5, 15):
        run(site, on=date(2016, 5, day), now=timezone.now(), wait=True)
        run(site, on=date(2016, 5, day), now=timezone.now(), wait=True)
    rows = Counter(Message.objects.values_list("about_id", "window"))
    assert rows == {(v.pk, window): 1 for v in visits for window in ("3d", "1d")}
    assert set(Message.objects.values_list("status", flat=True)) <= {"sent", "skipped"}
    assert set(gateway.taken.values()) == {1}


def test_a_coming_night_is_planned_and_nothing_leaves_early() -> None:
    site = clinic()
    visit(site, in_days(6))
    task = make_task(patient=make_patient(site=site), status="on_hold", wake_at=at(in_days(2)))
    result = run(site, on=in_days(3))
    assert list(result.counts) == ["reminders"]
    assert delivery.deliver_due(gateways=FakeGateway()) == {}
    assert Message.objects.filter(status="scheduled").count() == 2
    task.refresh_from_db()
    assert task.status == "on_hold"


def test_in_production_a_past_night_stands_for_now(settings: Any) -> None:
    settings.PRODUCTION = True
    now = timezone.now()
    night = night_of(clinic(), PAST, now, BY)
    assert (night.past, night.now) == (False, now)


def test_each_site_has_its_night_at_one_oclock_of_its_own(settings: Any) -> None:
    Site.objects.update(is_active=False)
    west, east = clinic(zone="America/Los_Angeles"), clinic(zone="America/New_York")
    day = date(2026, 3, 10)
    ran = run_due_nights(now=datetime(2026, 3, 10, 5, 30, tzinfo=UTC))  # 1:30 AM in New York
    assert {(r.night.site.pk, r.night.on) for r in ran if r.run_id} == {
        (east.pk, day),
        (west.pk, day - timedelta(days=1)),  # last night's, which never ran
    }
    later = run_due_nights(now=datetime(2026, 3, 10, 8, 30, tzinfo=UTC))  # 1:30 AM in Los Angeles
    assert {(r.night.site.pk, r.night.on) for r in later} == {(west.pk, day)}
    assert run_due_nights(now=datetime(2026, 3, 10, 9, 0, tzinfo=UTC)) == []


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1)])
def test_the_two_nights_on_which_clocks_change_run_once_each(day: date) -> None:
    Site.objects.update(is_active=False)
    site = clinic()
    moment = at(day, 0)
    while moment < at(day + timedelta(days=1), 0):
        run_due_nights(now=moment)
        moment += timedelta(minutes=30)
    assert list(JobRun.objects.filter(site=site, period=day).values_list("attempts", flat=True)) == [1]


# --- dry run ------------------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing_and_foretells_the_night() -> None:
    site = clinic()
    visit(site, in_days(3))
    visit(site, in_days(-1), 1, status="no_show")
    visit(site, in_days(-1), 2)
    foretold = run(site, dry_run=True)
    assert not Message.objects.exists()
    assert not Task.objects.exists()
    assert not JobRun.objects.exists()
    done = run(site)
    assert {name: done.counts[name] for name in foretold.counts} == foretold.counts


# --- who runs it --------------------------------------------------------------------------------------


def test_a_run_that_is_alive_is_left_alone_and_a_silent_one_is_taken_over() -> None:
    site = clinic()
    run(site)
    JobRun.objects.update(status="running", heartbeat_at=timezone.now())
    assert run_due_nights(now=timezone.now()) == []
    JobRun.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=6))
    ran = run_due_nights(now=max(timezone.now(), NIGHT))
    assert [(r.led, r.error) for r in ran if r.night.site == site] == [(True, "")]
    assert JobRun.objects.get(site=site).attempts == 2


def test_whoever_was_replaced_writes_nothing_more() -> None:
    site = clinic()
    with leading(site=site, on=TODAY, by=BY) as first:
        assert first is not None
        JobRun.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=6))
        with leading(site=site, on=TODAY, by=BY) as second:
            assert second is not None
            second.beat()
            with pytest.raises(Superseded):
                first.beat()
            second.finish(counts={})
        with pytest.raises(Superseded):
            first.finish(counts={"wrong": 1})
    assert JobRun.objects.get().counts == {}


def test_a_failed_night_is_tried_again_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    Site.objects.update(is_active=False)
    site = clinic()

    def fail(**_facts: Any) -> int:
        raise RuntimeError

    monkeypatch.setattr(nightly.past_visits, "ask_for_outcomes", fail)
    for _ in range(8):
        run_due_nights(now=NIGHT)
    assert JobRun.objects.get(site=site).attempts == nightly.MOST_TRIES


def test_asked_for_by_a_person_it_is_run_by_a_worker_in_their_name() -> None:
    Site.objects.update(is_active=False)
    site = clinic()
    run(site)
    manager = make_user("manager", site)
    request_run(site=site, on=TODAY, by=manager, now=NIGHT)
    assert JobRun.objects.get().status == "requested"
    assert [r.led for r in run_due_nights(now=NIGHT)] == [True]
    row = JobRun.objects.get()
    assert (row.status, row.started_by, row.attempts) == ("done", manager, 2)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_have_one_leader_and_nothing_doubles() -> None:
    site = clinic()
    for n in range(30):
        visit(site, in_days(3), n)
    for n in range(30, 40):
        visit(site, in_days(-1), n, status="no_show")
    start, results = threading.Barrier(3), []

    def work() -> None:
        start.wait()
        try:
            results.append(run(site))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    assert not any(r.error for r in results)
    assert sum(r.counts["reminders"]["planned"] for r in results if r.led) == 60
    assert Message.objects.count() == 60
    assert Task.objects.filter(kind="no_show_follow_up").count() == 10


@pytest.mark.django_db(transaction=True)
def test_while_a_live_leader_holds_the_night_others_get_none() -> None:
    site = clinic()
    inside, done, seen = threading.Event(), threading.Event(), []

    def hold() -> None:
        with leading(site=site, on=TODAY, by=BY):
            inside.set()
            done.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait(10)
    with leading(site=site, on=TODAY, by=BY) as leader:
        seen.append(leader)
    done.set()
    holder.join()
    assert seen == [None]
    with leading(site=site, on=TODAY, by=BY) as leader:  # the row still says running, but its leader is gone
        assert leader is not None


def test_failed_messages_are_handed_to_people_by_the_cycle() -> None:
    from coordinator.jobs import nightly_cycle

    Site.objects.update(is_active=False)
    site = clinic()
    booked = visit(site, in_days(3))
    make_message(
        site, purpose="visit_reminder", about_id=booked.pk, patient_id=booked.patient_id, status="failed",
        error="refused:http_422", finished_at=timezone.now(),
    )  # fmt: skip
    nightly_cycle()
    assert Task.objects.filter(kind="message_failed").count() == 1


# --- the command ----------------------------------------------------------------------------------------


def printed(*arguments: str) -> str:
    out = io.StringIO()
    call_command("nightly", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_the_command_prints_the_figures_of_the_night(gateway: FakeGateway) -> None:
    site = clinic(name="Riverbend")
    visit(site, date(2016, 5, 14), 1, status="fulfilled")
    make_appointment(make_patient(site=site), start=at(date(2016, 5, 14)), booked_at=at(date(2016, 4, 1)))
    text = printed("--on", "2016-05-11", "--site", "Riverbend")
    cells = next(line.split() for line in text.splitlines() if line.startswith("Riverbend  "))
    assert cells == ["Riverbend", "2016-05-11", "1", "1", "1", "0", "0", "0", "0"]
    assert "skipped (no number or address) 2" in text


def test_the_command_foretells_without_writing() -> None:
    site = clinic(name="Riverbend")
    visit(site, local_day(timezone.now(), site.zone) + timedelta(days=3))
    text = printed("--dry-run", "--site", "Riverbend")
    assert "forecast" in text
    assert "planned 2" in text
    assert not Message.objects.exists()


def test_the_command_refuses_what_it_does_not_understand() -> None:
    clinic()
    with pytest.raises(CommandError, match="date such as"):
        printed("--on", "11/18/26")
    with pytest.raises(CommandError, match="no site"):
        printed("--site", "Nowhere")
