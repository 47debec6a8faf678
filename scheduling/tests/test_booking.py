"""Booking, moving and cancelling: what is allowed, what it causes, and how it refuses."""

import datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from careplans.models import Task, TaskKind
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.db import Conflict
from coordinator.tests.factories import make_practitioner, make_site, make_user
from coordinator.workflow import NotAllowed
from patients.tests.factories import make_patient
from patients.workflow import PatientStatus
from scheduling.models import Appointment, Block
from scheduling.services import (
    book_appointment,
    book_waiting,
    cancel_appointment,
    mark_no_show,
    reschedule_appointment,
    undo_cancel,
)
from scheduling.tests.clinic import DAY, HOUR, MINUTE, NOW, Clinic, at
from scheduling.tests.factories import make_appointment, make_availability, make_room, make_service
from scheduling.workflow import Status

FRIDAY = at("2026-11-20", "13:30")


def test_a_visit_is_booked_with_its_zone_and_its_history(clinic: Clinic) -> None:
    visit = clinic.book(FRIDAY, reason="Swelling")
    assert (visit.status, visit.zone, visit.end - visit.start) == (
        Status.BOOKED,
        "America/Chicago",
        30 * MINUTE,
    )
    change = visit.changes.get()
    assert (change.step, change.to_status, change.by) == ("book", Status.BOOKED, clinic.coordinator)
    event = AuditEvent.objects.get(entity="scheduling.appointment", action="book")
    assert event.patient_id == clinic.patient.pk


def test_a_past_time_cannot_be_booked(clinic: Clinic) -> None:
    with pytest.raises(ValidationError) as refusal:
        clinic.book(NOW)
    assert "start" in refusal.value.message_dict


def test_a_taken_time_is_refused_with_the_next_free_times(clinic: Clinic) -> None:
    clinic.book(FRIDAY)
    with pytest.raises(Conflict) as refusal:
        clinic.book(FRIDAY, patient_id=clinic.other_patient().pk)
    extra = refusal.value.extra
    assert extra["kind"] == "practitioner_busy"
    assert "1:30 PM to 2:00 PM" in str(refusal.value)
    assert [free["start"] for free in extra["next_free"]] == [
        at("2026-11-20", t) for t in ("14:00", "14:15", "14:30", "14:45", "15:00")
    ]
    assert Appointment.objects.count() == 1


def test_a_provider_is_named_only_where_they_take_visits(clinic: Clinic) -> None:
    elsewhere = make_practitioner(site=make_site())
    with pytest.raises(ValidationError) as refusal:
        clinic.book(FRIDAY, practitioner_id=elsewhere.pk)
    assert "practitioner_id" in refusal.value.message_dict
    for weekday in range(5):
        clinic.site.availability.create(
            practitioner=elsewhere, weekday=weekday, starts=datetime.time(8), ends=datetime.time(17)
        )
    assert clinic.book(FRIDAY, practitioner_id=elsewhere.pk).practitioner == elsewhere


def test_half_an_overlap_is_an_overlap_and_touching_is_not(clinic: Clinic) -> None:
    clinic.book(FRIDAY)
    with pytest.raises(Conflict):
        clinic.book(FRIDAY + 15 * MINUTE, patient_id=clinic.other_patient().pk)
    assert clinic.book(FRIDAY + 30 * MINUTE, patient_id=clinic.other_patient().pk)


def test_a_resource_conflict_cannot_be_overridden_even_with_a_reason(clinic: Clinic) -> None:
    clinic.book(FRIDAY)
    with pytest.raises(Conflict) as refusal:
        clinic.book(
            FRIDAY, patient_id=clinic.other_patient().pk, by=clinic.lead, override_reason="Very urgent"
        )
    assert refusal.value.extra["needs_reason"] is False


def test_a_room_is_taken_by_one_visit(clinic: Clinic) -> None:
    room = make_room(clinic.site, name="Room 2")
    second = make_practitioner(site=clinic.site)
    make_availability(second)
    clinic.book(FRIDAY, room_id=room.pk)
    with pytest.raises(Conflict, match="Room 2 is taken"):
        clinic.book(FRIDAY, room_id=room.pk, practitioner_id=second.pk, patient_id=clinic.other_patient().pk)


def test_a_patient_in_two_visits_at_once_needs_somebody_who_may_override_and_a_reason(clinic: Clinic) -> None:
    second = make_practitioner(site=clinic.site)
    make_availability(second)
    other = make_service(name="Nurse visit")
    clinic.book(FRIDAY)
    same_hour = {"practitioner_id": second.pk, "service_id": other.pk}
    with pytest.raises(Conflict, match="Only a lead coordinator"):
        clinic.book(FRIDAY, override_reason="Both in one room", **same_hour)
    with pytest.raises(Conflict, match="Give a reason") as refusal:
        clinic.book(FRIDAY, by=clinic.lead, **same_hour)
    assert refusal.value.extra["needs_reason"] is True
    visit = clinic.book(FRIDAY, by=clinic.lead, override_reason="Both in one room", **same_hour)
    assert visit.override_reason == "Both in one room"
    change = visit.changes.get()
    assert (change.by, change.facts["overrides"]) == (clinic.lead, ["patient_overlap"])


def test_an_overridden_overlap_still_holds_its_practitioner(clinic: Clinic) -> None:
    second = make_practitioner(site=clinic.site)
    make_availability(second)
    other = make_service()
    clinic.book(FRIDAY)
    clinic.book(
        FRIDAY, by=clinic.lead, override_reason="Both", practitioner_id=second.pk, service_id=other.pk
    )
    with pytest.raises(Conflict) as refusal:
        clinic.book(FRIDAY, practitioner_id=second.pk, patient_id=clinic.other_patient().pk)
    assert refusal.value.extra["kind"] == "practitioner_busy"


def test_outside_the_weekly_hours_needs_a_reason_from_a_lead(clinic: Clinic) -> None:
    evening = at("2026-11-20", "17:30")
    with pytest.raises(Conflict) as refusal:
        clinic.book(evening, override_reason="She works late")
    assert refusal.value.extra["kind"] == "outside_availability"
    assert clinic.book(evening, by=clinic.lead, override_reason="She works late")


@pytest.mark.parametrize(
    ("day", "words"), [("2026-11-26", "Thanksgiving"), ("2026-11-21", "closed on Sat, Nov 21, 2026")]
)
def test_a_closed_day_cannot_be_booked(clinic: Clinic, day: str, words: str) -> None:
    with pytest.raises(Conflict, match=words) as refusal:
        clinic.book(at(day), by=clinic.lead, override_reason="It is important")
    assert refusal.value.extra["kind"] == "closed_day"


def test_blocks_of_the_site_and_of_the_practitioner_refuse_and_say_why(clinic: Clinic) -> None:
    Block.objects.create(
        site=clinic.site, starts_at=FRIDAY, ends_at=FRIDAY + HOUR, reason="Care team meeting"
    )
    with pytest.raises(Conflict, match="Care team meeting"):
        clinic.book(FRIDAY, by=clinic.lead, override_reason="Urgent")
    elsewhere = make_site()
    Block.objects.create(
        site=elsewhere,
        practitioner=clinic.okafor,
        starts_at=at("2026-11-23", "00:00"),
        ends_at=at("2026-11-24", "00:00"),
        reason="Vacation",
    )
    with pytest.raises(Conflict, match="away then: Vacation"):
        clinic.book(at("2026-11-23"))


def test_too_little_time_between_two_places_is_asked_about(clinic: Clinic) -> None:
    imaging = make_service(name="Imaging", is_outside=True)
    clinic.book(FRIDAY, service_id=imaging.pk, practitioner_id=None, place="Mercy Imaging")
    soon = at("2026-11-20", "14:15")
    with pytest.raises(Conflict, match="Only 15 minutes to get from one place") as refusal:
        clinic.book(soon)
    assert refusal.value.extra["needs_reason"] is True
    assert clinic.book(soon, override_reason="Same building").override_reason == "Same building"


def test_thirty_minutes_between_two_places_are_enough(clinic: Clinic) -> None:
    imaging = make_service(name="Imaging", is_outside=True)
    clinic.book(FRIDAY, service_id=imaging.pk, practitioner_id=None, place="Mercy Imaging")
    assert clinic.book(at("2026-11-20", "14:30"))


@pytest.mark.parametrize(("days", "asks"), [(0, True), (7, True), (8, False)])
def test_the_same_service_within_seven_days_is_asked_about(clinic: Clinic, days: int, asks: bool) -> None:
    clinic.book(at("2026-11-23", "09:00"))
    start = at("2026-11-23", "15:00") + days * DAY
    if not asks:
        assert clinic.book(start)
        return
    with pytest.raises(Conflict, match="already has a visit for Heart failure follow-up on Mon, Nov 23"):
        clinic.book(start)
    assert clinic.book(start, override_reason="Second weighing").override_reason == "Second weighing"


def test_a_visit_that_moves_is_asked_about_only_what_is_new(clinic: Clinic) -> None:
    clinic.book(at("2026-11-23", "09:00"))
    near = clinic.book(at("2026-11-25", "09:00"), override_reason="Second weighing")
    far = clinic.book(at("2026-12-08", "09:00"))
    asked = {"by": clinic.coordinator, "now": NOW, "reason": "Asked by phone"}
    moved = reschedule_appointment(appointment_id=near.pk, start=at("2026-11-27", "09:00"), **asked)
    assert moved.override_reason == ""
    with pytest.raises(Conflict, match="already has a visit for Heart failure follow-up"):
        reschedule_appointment(appointment_id=far.pk, start=at("2026-12-01", "09:00"), **asked)


def test_later_than_the_patient_must_be_seen_asks_for_a_reason(clinic: Clinic) -> None:
    by_friday = at("2026-11-20").date()
    with pytest.raises(Conflict, match="must be seen by Fri, Nov 20, 2026"):
        clinic.book(at("2026-11-23"), must_be_by=by_friday)
    assert clinic.book(at("2026-11-23"), must_be_by=by_friday, override_reason="No ride before")


def test_an_outside_visit_minds_neither_our_hours_nor_our_holidays(clinic: Clinic) -> None:
    outside = make_service(name="Cardiology at Mercy", is_outside=True)
    visit = clinic.book(
        at("2026-11-26", "19:00"), service_id=outside.pk, practitioner_id=None, place="Mercy Cardiology"
    )
    assert visit.is_outside


def test_what_one_may_not_see_one_may_not_name(clinic: Clinic) -> None:
    stranger = make_patient()
    with pytest.raises(ValidationError) as refusal:
        clinic.book(FRIDAY, patient_id=stranger.pk)
    assert "patient_id" in refusal.value.message_dict
    elsewhere = make_site()
    with pytest.raises(PermissionDenied):
        clinic.book(FRIDAY, site_id=elsewhere.pk)


@pytest.mark.parametrize("role", [Role.PROVIDER, Role.BILLING, Role.ADMINISTRATOR, Role.AUDITOR])
def test_roles_without_the_permission_cannot_book(clinic: Clinic, role: str) -> None:
    with pytest.raises(PermissionDenied):
        clinic.book(FRIDAY, by=make_user(role, site=clinic.site))


def test_a_patient_who_has_died_is_not_booked(clinic: Clinic) -> None:
    type(clinic.patient).objects.filter(pk=clinic.patient.pk).update(status=PatientStatus.DECEASED)
    with pytest.raises(NotAllowed, match="died"):
        clinic.book(FRIDAY)


def test_a_practitioner_who_cannot_be_booked_is_not_a_choice(clinic: Clinic) -> None:
    retired = make_practitioner(site=clinic.site, is_active=False)
    with pytest.raises(ValidationError) as refusal:
        clinic.book(FRIDAY, practitioner_id=retired.pk)
    assert "practitioner_id" in refusal.value.message_dict


# --- moving -----------------------------------------------------------------------------------------


def test_moving_a_visit_links_old_and_new_and_frees_the_old_time(clinic: Clinic) -> None:
    old = clinic.book(FRIDAY, reason="Swelling")
    new = reschedule_appointment(
        appointment_id=old.pk,
        start=FRIDAY + 15 * MINUTE,  # overlaps its own old time, which is free by then
        reason="No ride",
        by=clinic.coordinator,
        now=NOW,
    )
    old.refresh_from_db()
    assert (old.status, new.status, new.replaces, new.start_version) == (
        Status.RESCHEDULED,
        Status.BOOKED,
        old,
        2,
    )
    assert (new.reason, new.practitioner, new.service) == ("Swelling", old.practitioner, old.service)
    assert old.changes.last().reason == "No ride"
    assert clinic.book(FRIDAY - 30 * MINUTE, patient_id=clinic.other_patient().pk)


def test_moving_needs_a_reason(clinic: Clinic) -> None:
    old = clinic.book(FRIDAY)
    with pytest.raises(NotAllowed, match="reason"):
        reschedule_appointment(
            appointment_id=old.pk, start=FRIDAY + DAY * 3, reason="", by=clinic.coordinator, now=NOW
        )
    old.refresh_from_db()
    assert old.status == Status.BOOKED
    assert Appointment.objects.count() == 1


def test_a_move_to_a_taken_time_keeps_the_old_one_and_offers_others(clinic: Clinic) -> None:
    old = clinic.book(FRIDAY)
    clinic.book(FRIDAY + HOUR, patient_id=clinic.other_patient().pk)
    with pytest.raises(Conflict) as refusal:
        reschedule_appointment(
            appointment_id=old.pk, start=FRIDAY + HOUR, reason="Later", by=clinic.coordinator, now=NOW
        )
    assert len(refusal.value.extra["next_free"]) == 5
    old.refresh_from_db()
    assert old.status == Status.BOOKED


def test_a_moved_visit_cannot_be_moved_again(clinic: Clinic) -> None:
    old = clinic.book(FRIDAY)
    moved = {"appointment_id": old.pk, "reason": "No ride", "by": clinic.coordinator, "now": NOW}
    reschedule_appointment(start=FRIDAY + HOUR, **moved)
    with pytest.raises(NotAllowed):
        reschedule_appointment(start=FRIDAY + 2 * HOUR, **moved)
    assert Appointment.objects.count() == 2


def test_the_time_it_has_already_is_not_a_move(clinic: Clinic) -> None:
    old = clinic.book(FRIDAY)
    with pytest.raises(ValidationError):
        reschedule_appointment(
            appointment_id=old.pk, start=FRIDAY, reason="Oops", by=clinic.coordinator, now=NOW
        )


# --- cancelling -------------------------------------------------------------------------------------


def cancel(visit: Appointment, clinic: Clinic, who: str = "patient") -> Appointment:
    return cancel_appointment(
        appointment_id=visit.pk, cancelled_by=who, reason="Cannot come", by=clinic.coordinator, now=NOW
    )


def test_cancelling_frees_the_time_and_keeps_who_asked(clinic: Clinic) -> None:
    visit = cancel(clinic.book(FRIDAY), clinic)
    assert (visit.status, visit.cancelled_by) == (Status.CANCELLED, "patient")
    assert clinic.book(FRIDAY, patient_id=clinic.other_patient().pk)


def test_cancelling_needs_a_reason_and_who_asked(clinic: Clinic) -> None:
    visit = clinic.book(FRIDAY)
    with pytest.raises(NotAllowed, match="reason"):
        cancel_appointment(
            appointment_id=visit.pk, cancelled_by="patient", reason=" ", by=clinic.coordinator, now=NOW
        )
    with pytest.raises(ValidationError):
        cancel_appointment(
            appointment_id=visit.pk, cancelled_by="", reason="Ill", by=clinic.coordinator, now=NOW
        )


@pytest.mark.parametrize(
    ("who", "asks"), [("patient", True), ("provider", True), ("payer", False), ("system", False)]
)
def test_a_cancelled_visit_asks_to_rebook_or_close_the_need(clinic: Clinic, who: str, asks: bool) -> None:
    cancel(clinic.book(FRIDAY), clinic, who)
    task = Task.objects.filter(kind=TaskKind.BOOK_VISIT).first()
    assert (task is not None) == asks
    if task:
        assert task.patient == clinic.patient
        assert task.due_at == at("2026-11-19", "23:59") + 59 * MINUTE / 60
        assert "Fri" not in task.title


def test_a_need_that_is_booked_again_asks_nothing_and_a_new_booking_settles_the_question(
    clinic: Clinic,
) -> None:
    first = clinic.book(FRIDAY)
    clinic.book(at("2026-12-10"))
    cancel(first, clinic)
    assert not Task.objects.exists()
    other_need = make_service(name="Wound care")
    cancel(clinic.book(FRIDAY, service_id=other_need.pk), clinic)
    assert Task.objects.open().count() == 1
    clinic.book(at("2026-11-23"), service_id=other_need.pk)
    assert not Task.objects.open().exists()


def test_undoing_a_cancellation_within_a_day_books_it_again(clinic: Clinic) -> None:
    visit = cancel(clinic.book(FRIDAY), clinic)
    visit = undo_cancel(appointment_id=visit.pk, by=clinic.coordinator, now=NOW + 23 * HOUR)
    assert (visit.status, visit.cancelled_by, visit.start_version) == (Status.BOOKED, "", 2)
    assert not Task.objects.open().exists()


def test_a_cancellation_is_not_undone_after_a_day_or_when_the_time_is_taken(clinic: Clinic) -> None:
    visit = cancel(clinic.book(FRIDAY), clinic)
    with pytest.raises(NotAllowed, match="24 hours"):
        undo_cancel(appointment_id=visit.pk, by=clinic.coordinator, now=NOW + 25 * HOUR)
    clinic.book(FRIDAY, patient_id=clinic.other_patient().pk)
    with pytest.raises(Conflict) as refusal:
        undo_cancel(appointment_id=visit.pk, by=clinic.coordinator, now=NOW + HOUR)
    assert refusal.value.extra["next_free"]


def test_a_missed_visit_that_is_moved_settles_its_follow_up(clinic: Clinic) -> None:
    visit = clinic.book(at("2026-11-18", "11:00"))
    later = at("2026-11-18", "12:00")
    mark_no_show(appointment_id=visit.pk, by=clinic.coordinator, now=later)
    assert Task.objects.open().filter(kind=TaskKind.NO_SHOW_FOLLOW_UP).exists()
    reschedule_appointment(
        appointment_id=visit.pk, start=FRIDAY, reason="Rebooked", by=clinic.coordinator, now=later
    )
    assert not Task.objects.open().exists()


def test_booking_costs_a_bounded_number_of_queries(
    clinic: Clinic, django_assert_max_num_queries: object
) -> None:
    clinic.book(FRIDAY)  # fills the caches of calendars and of the user's sites
    other = clinic.other_patient()
    with django_assert_max_num_queries(22):  # type: ignore[operator]
        book_appointment(
            patient_id=other.pk,
            service_id=clinic.service.pk,
            site_id=clinic.site.pk,
            practitioner_id=clinic.okafor.pk,
            start=FRIDAY + HOUR,
            by=clinic.coordinator,
            now=NOW,
        )


# --- from "needed" to "booked" ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.PROPOSED, Status.WAITLIST])
def test_a_visit_that_is_needed_gets_its_time_on_the_same_record(clinic: Clinic, status: str) -> None:
    needed = make_appointment(
        clinic.patient, site=clinic.site, service=clinic.service, practitioner=None, status=status
    )
    clinic.book(FRIDAY, patient_id=clinic.other_patient().pk)
    wish = {"appointment_id": needed.pk, "practitioner_id": clinic.okafor.pk, "by": clinic.coordinator}
    with pytest.raises(Conflict) as refusal:
        book_waiting(start=FRIDAY, now=NOW, **wish)
    assert refusal.value.extra["next_free"]
    booked = book_waiting(start=FRIDAY + HOUR, now=NOW, **wish)
    assert (booked.pk, booked.status, booked.start) == (needed.pk, Status.BOOKED, FRIDAY + HOUR)
    with pytest.raises(NotAllowed):
        book_waiting(start=FRIDAY + 2 * HOUR, now=NOW, **wish)
