"""The day of the visit, and the way back out of every status."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from careplans.models import Task, TaskKind
from careplans.services import close_automatic, complete_task
from coordinator.accounts.roles import Role
from coordinator.clocks.models import Clock
from coordinator.db import Conflict
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import NotAllowed
from scheduling import services
from scheduling.models import Appointment
from scheduling.tests.clinic import DAY, HOUR, MINUTE, NOW, Clinic, at
from scheduling.tests.factories import make_appointment, make_service
from scheduling.workflow import Status

ELEVEN = at("2026-11-18", "11:00")


@pytest.fixture
def visit(clinic: Clinic) -> Appointment:
    """Today at 11:00."""
    return clinic.book(ELEVEN)


def test_a_visit_runs_from_arrival_to_seen(clinic: Clinic, visit: Appointment) -> None:
    by, key = clinic.coordinator, visit.pk
    assert services.arrive(appointment_id=key, by=by, now=ELEVEN - 10 * MINUTE).status == Status.ARRIVED
    assert services.check_in(appointment_id=key, by=by, now=ELEVEN).status == Status.CHECKED_IN
    assert services.fulfill(appointment_id=key, by=by, now=ELEVEN + HOUR).status == Status.FULFILLED
    visit.refresh_from_db()
    assert [c.step for c in visit.changes.all()] == ["book", "arrive", "check_in", "fulfill"]


def test_a_visit_of_a_later_day_cannot_have_arrived(clinic: Clinic) -> None:
    visit = clinic.book(at("2026-11-20"))
    for step in (services.arrive, services.check_in):
        with pytest.raises(NotAllowed, match="later day"):
            step(appointment_id=visit.pk, by=clinic.coordinator, now=NOW)


def test_nobody_was_seen_before_the_visit_began(clinic: Clinic, visit: Appointment) -> None:
    services.check_in(appointment_id=visit.pk, by=clinic.coordinator, now=NOW)
    with pytest.raises(NotAllowed, match="not begun"):
        services.fulfill(appointment_id=visit.pk, by=clinic.coordinator, now=ELEVEN - MINUTE)


def test_only_a_visit_elsewhere_is_seen_without_an_arrival(clinic: Clinic, visit: Appointment) -> None:
    with pytest.raises(NotAllowed, match="arrival first"):
        services.fulfill_outside(appointment_id=visit.pk, by=clinic.coordinator, now=ELEVEN + HOUR)
    cardiology = make_service(is_outside=True)
    outside = clinic.book(ELEVEN + HOUR, service_id=cardiology.pk, practitioner_id=None, place="Mercy")
    done = services.fulfill_outside(
        appointment_id=outside.pk, by=clinic.coordinator, now=ELEVEN + 3 * HOUR, reason="Mercy told us"
    )
    assert done.status == Status.FULFILLED


def test_a_visit_is_missed_only_after_the_grace_minutes(clinic: Clinic, visit: Appointment) -> None:
    with pytest.raises(NotAllowed, match="15 minutes after"):
        services.mark_no_show(appointment_id=visit.pk, by=clinic.coordinator, now=ELEVEN + 14 * MINUTE)
    missed = services.mark_no_show(appointment_id=visit.pk, by=clinic.coordinator, now=ELEVEN + 15 * MINUTE)
    assert missed.status == Status.NO_SHOW


def test_a_visit_elsewhere_is_missed_only_on_somebodys_word(clinic: Clinic) -> None:
    outside = clinic.book(
        ELEVEN, service_id=make_service(is_outside=True).pk, practitioner_id=None, place="Mercy"
    )
    when = {"appointment_id": outside.pk, "by": clinic.coordinator, "now": ELEVEN + HOUR}
    with pytest.raises(NotAllowed, match="who told you"):
        services.mark_no_show(**when)
    assert services.mark_no_show(reason="Mercy called", **when).status == Status.NO_SHOW


def test_a_visit_known_by_the_day_only_is_missed_when_the_day_is_over(clinic: Clinic) -> None:
    visit = make_appointment(
        clinic.patient, site=clinic.site, start=at("2026-11-18", "00:00"), time_known=False
    )
    with pytest.raises(NotAllowed):
        services.mark_no_show(appointment_id=visit.pk, by=clinic.coordinator, now=at("2026-11-18", "23:00"))
    assert services.mark_no_show(
        appointment_id=visit.pk, by=clinic.coordinator, now=at("2026-11-19", "00:30")
    )


def test_a_no_show_makes_a_task_for_the_next_business_day_that_explains_its_date(clinic: Clinic) -> None:
    friday = clinic.book(at("2026-11-20", "16:00"))
    services.mark_no_show(appointment_id=friday.pk, by=clinic.coordinator, now=at("2026-11-20", "16:30"))
    task = Task.objects.get(kind=TaskKind.NO_SHOW_FOLLOW_UP)
    assert task.due_at == at("2026-11-23", "23:59") + 59 * MINUTE / 60
    assert task.clock
    assert task.clock.rule_version.rule.key == "no_show.follow_up"
    assert task.cause_id == friday.pk
    assert (task.owner or task.team) is not None


@pytest.mark.parametrize("done", [True, False])
def test_the_date_of_the_call_ends_with_its_task(clinic: Clinic, missed: Appointment, done: bool) -> None:
    task = Task.objects.get(kind=TaskKind.NO_SHOW_FOLLOW_UP)
    if done:
        complete_task(task_id=task.pk, outcome="Reached", by=clinic.coordinator, now=LATER)
    else:
        close_automatic(dedupe_keys=[task.dedupe_key], outcome="Moved away", by=clinic.coordinator, now=LATER)
    assert Clock.objects.get(subject_id=missed.pk).state == ("met" if done else "void")


@pytest.fixture
def missed(clinic: Clinic, visit: Appointment) -> Appointment:
    return services.mark_no_show(appointment_id=visit.pk, by=clinic.coordinator, now=ELEVEN + 20 * MINUTE)


LATER = ELEVEN + 30 * MINUTE


@pytest.mark.parametrize("to", ["booked", "fulfilled", "cancelled"])
def test_a_no_show_is_corrected_and_its_task_and_clock_go(
    clinic: Clinic, missed: Appointment, to: str
) -> None:
    corrected = services.correct_no_show(
        appointment_id=missed.pk,
        to=to,
        reason="Sat in the wrong waiting room",
        cancelled_by="patient" if to == "cancelled" else "",
        by=clinic.coordinator,
        now=LATER,
    )
    assert corrected.status == to
    assert not Task.objects.open().exists()
    assert Clock.objects.get(subject_id=missed.pk).state == "void"
    assert Appointment.objects.filter(status=Status.NO_SHOW).count() == 0


def test_a_no_show_is_corrected_by_moving_it_and_by_entering_it_in_error(
    clinic: Clinic, missed: Appointment
) -> None:
    new = services.reschedule_appointment(
        appointment_id=missed.pk,
        start=at("2026-11-20"),
        reason="Came late",
        by=clinic.coordinator,
        now=LATER,
    )
    assert new.replaces_id == missed.pk
    again = clinic.book(at("2026-12-10"))
    gone = services.enter_in_error(
        appointment_id=again.pk, reason="Wrong patient", by=clinic.coordinator, now=LATER
    )
    assert gone.status == Status.ENTERED_IN_ERROR
    assert not Appointment.objects.visible_to(clinic.coordinator).filter(pk=again.pk).exists()


def test_a_no_show_can_be_marked_again_after_a_correction(clinic: Clinic, missed: Appointment) -> None:
    key = {"appointment_id": missed.pk, "by": clinic.coordinator}
    services.correct_no_show(to="booked", reason="Was here", now=LATER, **key)
    services.mark_no_show(now=LATER + MINUTE, **key)
    assert Task.objects.open().filter(kind=TaskKind.NO_SHOW_FOLLOW_UP).count() == 1


def test_correcting_to_booked_is_for_the_same_day(clinic: Clinic, missed: Appointment) -> None:
    with pytest.raises(NotAllowed, match="on the day of the visit"):
        services.correct_no_show(
            appointment_id=missed.pk, to="booked", reason="x", by=clinic.coordinator, now=LATER + DAY
        )
    assert services.correct_no_show(
        appointment_id=missed.pk,
        to="fulfilled",
        reason="Seen at Northgate",
        by=clinic.coordinator,
        now=LATER + DAY,
    )


def test_correcting_needs_a_reason_and_a_known_target(clinic: Clinic, missed: Appointment) -> None:
    with pytest.raises(NotAllowed, match="reason"):
        services.correct_no_show(
            appointment_id=missed.pk, to="fulfilled", reason=" ", by=clinic.coordinator, now=LATER
        )
    with pytest.raises(ValidationError):
        services.correct_no_show(
            appointment_id=missed.pk, to="arrived", reason="x", by=clinic.coordinator, now=LATER
        )


def test_a_corrected_no_show_does_not_take_a_time_that_was_given_away(
    clinic: Clinic, missed: Appointment
) -> None:
    make_appointment(
        clinic.other_patient(), site=clinic.site, practitioner=clinic.okafor, start=ELEVEN + 15 * MINUTE
    )
    with pytest.raises(Conflict):
        services.correct_no_show(
            appointment_id=missed.pk, to="booked", reason="Was here", by=clinic.coordinator, now=LATER
        )


def test_arrival_room_and_seen_can_be_taken_back(clinic: Clinic, visit: Appointment) -> None:
    key = {"appointment_id": visit.pk, "by": clinic.coordinator}
    services.arrive(now=NOW, **key)
    assert services.undo_arrive(now=NOW, **key).status == Status.BOOKED
    services.check_in(now=NOW, **key)
    assert services.undo_check_in(now=NOW, **key).status == Status.ARRIVED
    services.fulfill(now=LATER, **key)
    assert services.correct_fulfilled(reason="Still waiting", now=LATER, **key).status == Status.CHECKED_IN


@pytest.mark.parametrize(("arrived", "back"), [(False, Status.BOOKED), (True, Status.ARRIVED)])
def test_taking_back_in_room_leads_to_where_the_visit_stood(
    clinic: Clinic, visit: Appointment, arrived: bool, back: Status
) -> None:
    key = {"appointment_id": visit.pk, "by": clinic.coordinator, "now": NOW}
    if arrived:
        services.arrive(**key)
    services.check_in(**key)
    assert services.take_back_check_in(**key).status == back


def test_an_arrival_is_taken_back_on_the_same_day_only(clinic: Clinic, visit: Appointment) -> None:
    services.arrive(appointment_id=visit.pk, by=clinic.coordinator, now=NOW)
    with pytest.raises(NotAllowed):
        services.undo_arrive(appointment_id=visit.pk, by=clinic.coordinator, now=NOW + DAY)


def test_who_leaves_without_being_seen_has_cancelled_and_is_asked_about_again(
    clinic: Clinic, visit: Appointment
) -> None:
    services.arrive(appointment_id=visit.pk, by=clinic.coordinator, now=NOW)
    left = services.leave(appointment_id=visit.pk, reason="Waited too long", by=clinic.coordinator, now=LATER)
    assert (left.status, left.cancelled_by) == (Status.CANCELLED, "patient")
    assert Task.objects.open().filter(kind=TaskKind.BOOK_VISIT).exists()


def test_nobody_from_another_site_or_without_the_role_changes_a_visit(
    clinic: Clinic, visit: Appointment
) -> None:
    for stranger in (
        make_user(Role.COORDINATOR, site=make_site()),
        make_user(Role.PROVIDER, site=clinic.site),
    ):
        with pytest.raises(PermissionDenied):
            services.arrive(appointment_id=visit.pk, by=stranger, now=NOW)
        with pytest.raises(PermissionDenied):
            services.enter_in_error(appointment_id=visit.pk, reason="x", by=stranger, now=NOW)


def test_many_at_once_does_what_it_may_and_says_what_it_refused(clinic: Clinic) -> None:
    today = clinic.book(ELEVEN)
    tomorrow = clinic.book(at("2026-11-19"), patient_id=clinic.other_patient().pk)
    unknown = make_appointment().pk
    results = services.change_many(
        services.arrive,
        appointment_ids=[today.pk, tomorrow.pk, unknown],
        by=clinic.coordinator,
        now=NOW,
    )
    assert [r.done for r in results] == [True, False, False]
    assert "later day" in results[1].text
    today.refresh_from_db()
    tomorrow.refresh_from_db()
    assert (today.status, tomorrow.status) == (Status.ARRIVED, Status.BOOKED)
