"""Reminders in the ledger: planned once, withdrawn and planned anew when facts change, followed up when they fail."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from careplans.models import Task
from coordinator.accounts.models import Site
from coordinator.db import lock
from coordinator.messaging import services as messaging
from coordinator.messaging.delivery import deliver_due
from coordinator.messaging.models import Message
from coordinator.messaging.tests.factories import FakeGateway, hang, refuse
from coordinator.tests.factories import make_site
from coordinator.workflow import System, move
from patients.models import ContactPoint, Patient
from patients.tests.factories import make_email, make_patient, make_phone
from scheduling.models import Appointment, ReminderWindow
from scheduling.rules.reminder_words import sentences
from scheduling.services import cancel_appointment, reschedule_appointment
from scheduling.services.reminder_follow_up import follow_up_failures
from scheduling.services.reminders import plan_reminders
from scheduling.tests.factories import make_appointment, make_service

pytestmark = pytest.mark.django_db
NIGHT = System("nightly")
CHICAGO = ZoneInfo("America/Chicago")
TODAY = timezone.localdate(timezone=CHICAGO)  # one day for the whole run, should it go on past midnight


def at(days: int, hour: int = 10, minute: int = 0) -> datetime:
    """A local time so many days from today; far enough in the past or future of the test's own clock."""
    day = TODAY + timedelta(days=days)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CHICAGO).astimezone(UTC)


NOW = at(0, 1)


def reachable(site: Site | None = None, phone: str = "+16125550143", **fields: Any) -> Patient:
    patient = make_patient(**({"site": site} if site else {}), **fields)
    make_phone(patient, phone)
    return patient


def visit(days: int = 3, patient: Patient | None = None, hour: int = 10, **fields: Any) -> Appointment:
    return make_appointment(patient or reachable(), start=at(days, hour, 30), **fields)


def states(visit: Appointment | None = None) -> list[tuple[str, str]]:
    rows = Message.objects.filter(about_id=visit.pk) if visit else Message.objects.all()
    return [(m.window, m.skip_reason or m.status) for m in rows.order_by("send_after", "id")]


def night(now: datetime = NOW, **options: Any) -> Any:
    return plan_reminders(now=now, by=NIGHT, **options)


# --- planning -----------------------------------------------------------------------------------------


def test_the_night_writes_a_row_for_each_window_and_a_second_night_writes_none() -> None:
    booked = visit()
    assert night().planned == 2
    assert states(booked) == [("3d", "scheduled"), ("1d", "scheduled")]
    again = night()
    assert (again.planned, again.already) == (0, 2)
    assert Message.objects.count() == 2


def test_a_row_says_what_goes_where_when_and_why() -> None:
    patient = reachable(
        language="es", given_name="Elena", site=make_site(name="Riverbend", phone="(612) 555-0100")
    )
    booked = visit(patient=patient)
    night()
    first = Message.objects.order_by("send_after").first()
    assert first is not None
    assert first.key == f"reminder:{booked.pk}:1:3d:sms"
    assert (first.address, first.language, first.send_after) == ("+16125550143", "es", at(0, 10))
    assert first.body.startswith("Riverbend: Elena, cita ")
    assert (first.patient_id, first.site_id, first.about_id) == (patient.pk, patient.site_id, booked.pk)
    assert "3 days before it at the site's reminder hour" in sentences(first.explanation)[1]


def test_only_visits_in_range_get_rows_and_the_default_is_three_days_and_one() -> None:
    visit(days=4)
    night()
    assert not Message.objects.exists()
    assert sorted(ReminderWindow.objects.values_list("days_before", flat=True)) == [1, 3]


def test_a_service_with_days_of_its_own_uses_those_even_when_all_are_off() -> None:
    surgery, silent = make_service(), make_service()
    for days in (7, 2):
        ReminderWindow.objects.create(service=surgery, days_before=days)
    ReminderWindow.objects.create(service=silent, days_before=3, is_active=False)
    own = visit(days=5, service=surgery)
    quiet = visit(days=3, patient=reachable(phone="+16125550144"), service=silent)
    night()
    assert [w for w, _s in states(own)] == ["7d", "2d"]
    assert states(quiet) == []


def test_without_a_mobile_number_an_email_goes() -> None:
    patient = make_patient()
    make_phone(patient, "+16125550199", use="home")
    make_email(patient)
    visit(patient=patient)
    night()
    assert set(Message.objects.values_list("channel", "address")) == {("email", "elena@example.test")}
    assert "Visit reminder" in Message.objects.first().subject  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        ({"ok_to_message": False}, "no_permission"),
        ({"opted_out_at": NOW}, "opted_out"),
        ({"failing_since": NOW}, "address_failing"),
        ({"ended_at": NOW}, "no_address"),
        ({"use": "home"}, "no_address"),
    ],
)
def test_what_is_known_about_the_number_decides(point: dict[str, Any], reason: str) -> None:
    patient = make_patient()
    make_phone(patient, **point)
    booked = visit(patient=patient)
    assert night().skipped == {reason: 2}
    assert states(booked) == [("3d", reason), ("1d", reason)]
    assert not Message.objects.exclude(body="", address__in=("", "+16125550143")).exists()


def test_a_cancelled_visit_and_a_patient_who_died_get_reasons_not_texts() -> None:
    visit(status="cancelled", cancelled_by="patient")
    visit(patient=reachable(phone="+16125550144", status="deceased"))
    assert night().skipped == {"not_remindable_status": 2, "patient_deceased_or_inactive": 2}


def test_what_was_never_a_visit_gets_no_row() -> None:
    for n, status in enumerate(("proposed", "waitlist", "rescheduled", "entered_in_error")):
        visit(status=status, patient=reachable(phone=f"+1612555010{n}"))
    night()
    assert not Message.objects.exists()


def test_a_site_without_a_telephone_has_no_lawful_text() -> None:
    visit(patient=reachable(make_site(phone="")))
    assert night().skipped == {"template_missing": 2}


def test_a_day_without_a_time_is_reminded_of_by_its_day() -> None:
    make_appointment(reachable(), start=at(3, 0), time_known=False)
    night()
    body = Message.objects.first().body  # type: ignore[union-attr]
    assert " AM" not in body
    assert " PM" not in body


def test_two_visits_on_one_day_are_one_message() -> None:
    patient = reachable()
    early, late = visit(patient=patient, hour=9), visit(patient=patient, hour=14)
    night()
    assert states(early) == [("3d", "scheduled"), ("1d", "scheduled")]
    assert states(late) == [("3d", "duplicate_same_day_merged"), ("1d", "duplicate_same_day_merged")]
    assert "9:30 AM and 2:30 PM" in Message.objects.get(about_id=early.pk, window="3d").body


def test_a_second_visit_booked_later_on_that_day_is_merged_too() -> None:
    patient = reachable()
    visit(patient=patient)
    night()
    second = visit(patient=patient, hour=15)
    plan_reminders(appointments=[second], now=NOW, by=NIGHT)
    assert {reason for _w, reason in states(second)} == {"duplicate_same_day_merged"}


def test_when_the_reminded_visit_is_cancelled_the_other_one_is_reminded_of() -> None:
    patient = reachable()
    early, late = visit(patient=patient, hour=9), visit(patient=patient, hour=14)
    night()
    cancel_appointment(appointment_id=early.pk, cancelled_by="patient", reason="ill", by=NIGHT, now=NOW)
    assert states(early) == [("3d", "cancelled"), ("1d", "cancelled")]
    assert states(late) == [("3d", "scheduled"), ("1d", "scheduled")]


def test_a_number_shared_by_a_family_gets_one_message_a_day() -> None:
    first, second = reachable(), reachable()
    visit(patient=first)
    visit(patient=second, hour=11)
    assert night().skipped == {"daily_limit": 2}


def test_moving_a_visit_takes_the_old_messages_back_and_plans_new_ones() -> None:
    booked = visit()
    night()
    new = reschedule_appointment(
        appointment_id=booked.pk, start=at(2, 15), reason="asked", by=NIGHT, now=NOW, override_reason="test"
    )
    assert {state for _w, state in states(booked)} == {"cancelled"}
    assert [state for _w, state in states(new)] == ["booked_after_window", "scheduled"]


def test_a_fact_that_changes_is_noticed_by_the_next_night() -> None:
    """No permission yesterday, permission today: the same row now says that it goes. Sent rows never change."""
    patient = make_patient()
    point = make_phone(patient, ok_to_message=False)
    booked = visit(patient=patient)
    night()
    ContactPoint.objects.filter(pk=point.pk).update(ok_to_message=True)
    again = night()
    assert (again.planned, again.revised) == (2, 2)
    assert states(booked) == [("3d", "scheduled"), ("1d", "scheduled")]
    assert Message.objects.count() == 2


def test_death_takes_messages_back_and_a_correction_brings_them_again() -> None:
    booked = visit()
    night()
    with transaction.atomic():
        move(lock(Patient.objects, booked.patient_id), "record_death", by=NIGHT, now=NOW)
    assert {state for _w, state in states(booked)} == {"cancelled"}
    with transaction.atomic():
        move(
            lock(Patient.objects, booked.patient_id), "reactivate", by=NIGHT, now=NOW, reason="wrong patient"
        )
    assert {state for _w, state in states(booked)} == {"scheduled"}


def test_a_dry_run_decides_the_same_and_writes_nothing() -> None:
    visit()
    forecast = night(dry_run=True, keep=True)
    assert (forecast.planned, len(forecast.decisions)) == (2, 2)
    assert not Message.objects.exists()
    assert night().as_counts() == forecast.as_counts()


def test_one_site_at_a_time() -> None:
    here, there = visit(), visit(patient=reachable(phone="+16125550144"))
    night(site=here.site)
    assert states(there) == []


def test_the_number_of_queries_does_not_grow_with_the_visits() -> None:
    site = make_site()

    def queries(n: int, start: int) -> int:
        for number in range(start, start + n):
            visit(patient=reachable(site, phone=f"+16125551{number:03d}"))
        with CaptureQueriesContext(connection) as captured:
            night()
        return len(captured)

    assert queries(1, 0) == queries(20, 1)


def test_a_booking_far_ahead_costs_one_query() -> None:
    far = visit(days=60)
    with CaptureQueriesContext(connection) as captured:
        plan_reminders(appointments=[far], now=NOW, by=NIGHT)
    assert len(captured) == 1


@pytest.mark.django_db(transaction=True)
def test_two_planners_at_once_double_nothing_and_keep_the_daily_limit() -> None:
    """One number, ten people, planned from both ends at the same time: one message on each day."""
    site = make_site()
    for _ in range(10):
        visit(patient=reachable(site))
    others = [visit(patient=reachable(site, phone=f"+1612555{n:04d}")) for n in range(40)]
    start, failures = threading.Barrier(3), []

    def work() -> None:
        start.wait()
        try:
            night()
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert Message.objects.count() == 100
    shared = Message.objects.filter(address="+16125550143")
    assert Counter(shared.values_list("status", flat=True)) == {"scheduled": 2, "skipped": 18}
    assert Message.objects.filter(about_id__in=[v.pk for v in others], status="scheduled").count() == 80


# --- a night of long ago --------------------------------------------------------------------------------


def test_as_of_a_past_night_a_visit_that_was_later_seen_or_missed_was_booked() -> None:
    then = at(-40, 1)
    site = make_site()
    seen = make_appointment(reachable(site), start=at(-37), status="fulfilled", booked_at=at(-60))
    missed = make_appointment(
        reachable(site, "+16125550144"), start=at(-37), status="no_show", booked_at=at(-60)
    )
    later = make_appointment(
        reachable(site, "+16125550145"), start=at(-37), status="fulfilled", booked_at=at(-38)
    )
    that_day = make_appointment(
        reachable(site, "+16125550146"), start=at(-40, 15), status="fulfilled", booked_at=at(-40, 11)
    )
    plan_reminders(now=then, by=NIGHT, replay=True)
    assert states(seen) == states(missed) == [("3d", "scheduled"), ("1d", "scheduled")]
    assert states(later) == []
    assert states(that_day) == [("3d", "booked_after_window"), ("1d", "booked_after_window")]
    assert set(Message.objects.values_list("replay", flat=True)) == {True}


# --- the last look --------------------------------------------------------------------------------------


def due_now() -> Appointment:
    booked = visit(days=3)
    night()
    Message.objects.update(send_after=timezone.now() - timedelta(minutes=1), close_at=None)
    Message.objects.filter(window="1d").delete()
    return booked


def test_a_reminder_that_is_still_wanted_goes() -> None:
    booked = due_now()
    assert deliver_due(gateways=FakeGateway()) == {"sent": 1}
    assert states(booked) == [("3d", "sent")]


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda v: Appointment.objects.filter(pk=v.pk).update(status="cancelled"), "not_remindable_status"),
        (lambda v: Appointment.objects.filter(pk=v.pk).update(start_version=2), "cancelled"),
        (
            lambda v: Patient.objects.filter(pk=v.patient_id).update(status="deceased"),
            "patient_deceased_or_inactive",
        ),
        (lambda v: ContactPoint.objects.update(opted_out_at=timezone.now()), "opted_out"),
        (lambda v: ContactPoint.objects.update(ok_to_message=False), "no_permission"),
        (lambda v: ContactPoint.objects.update(ended_at=timezone.now()), "no_address"),
        (lambda v: ContactPoint.objects.update(failing_since=timezone.now()), "address_failing"),
    ],
)
def test_whatever_changed_behind_our_back_is_seen_before_it_leaves(change: Any, state: str) -> None:
    booked = due_now()
    change(booked)
    gateway = FakeGateway()
    deliver_due(gateways=gateway)
    assert states(booked) == [("3d", state)]
    assert not gateway.calls


def test_messages_that_were_held_up_do_not_arrive_together() -> None:
    """Yesterday's was stuck and goes today: the one planned for today stays."""
    site = make_site()
    for _ in range(2):
        visit(patient=reachable(site))
    night()
    Message.objects.filter(window="1d").delete()
    Message.objects.update(
        status="scheduled", skip_reason="", address="+16125550143", finished_at=None,
        send_after=timezone.now() - timedelta(minutes=1), close_at=None,
    )  # fmt: skip
    gateway = FakeGateway()
    assert deliver_due(gateways=gateway) == {"sent": 1, "skipped": 1}
    assert Message.objects.get(status="skipped").skip_reason == "daily_limit"


# --- failures -------------------------------------------------------------------------------------------


def test_a_refused_number_becomes_one_task_and_is_marked() -> None:
    booked = due_now()
    deliver_due(gateways=FakeGateway(refuse))
    now = timezone.now()
    assert follow_up_failures(now=now, by=NIGHT) == 1
    assert follow_up_failures(now=now, by=NIGHT) == 0
    task = Task.objects.get()
    assert (task.kind, task.patient_id, task.cause_id) == ("message_failed", booked.patient_id, booked.pk)
    assert task.due_at is not None
    assert task.due_at < booked.start
    assert ContactPoint.objects.get().failing_since == now


def test_doubt_becomes_a_task_but_no_mark_on_the_number() -> None:
    due_now()
    deliver_due(gateways=FakeGateway(hang, can_be_asked=False))
    assert follow_up_failures(now=timezone.now(), by=NIGHT) == 1
    assert "not known whether" in Task.objects.get().reason
    assert ContactPoint.objects.get().failing_since is None


def test_a_second_failure_of_the_same_number_adds_no_second_task() -> None:
    booked = due_now()
    deliver_due(gateways=FakeGateway(refuse))
    follow_up_failures(now=timezone.now(), by=NIGHT)
    Message.objects.update(followed_up_at=None, key="other")
    assert follow_up_failures(now=timezone.now(), by=NIGHT) == 0
    assert Task.objects.filter(patient=booked.patient_id).count() == 1


def test_withdrawing_by_the_visit_leaves_other_visits_alone() -> None:
    one, other = visit(), visit(patient=reachable(phone="+16125550144"))
    night()
    with transaction.atomic():
        messaging.withdraw(about_ids=[one.pk], reason="gone", now=NOW)
    assert {s for _w, s in states(one)} == {"cancelled"}
    assert {s for _w, s in states(other)} == {"scheduled"}


def test_a_visit_booked_for_the_same_day_is_in_the_ledger_with_its_reason() -> None:
    """Also one of which only the day is known: it is ahead until that day is over."""
    today = make_appointment(reachable(), start=at(0, 0), time_known=False, booked_at=at(0, 8))
    plan_reminders(appointments=[today], now=at(0, 8), by=NIGHT)
    assert states(today) == [("3d", "booked_after_window"), ("1d", "booked_after_window")]
