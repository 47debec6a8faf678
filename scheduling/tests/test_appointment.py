"""The page of one visit: what it shows, what can be done, and that nothing typed is lost."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from careplans.models import Task
from coordinator.accounts.models import User
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.messaging.models import Message
from coordinator.tests.factories import make_site, make_user
from referrals.tests.factories import make_referral
from scheduling import services
from scheduling.models import Appointment
from scheduling.tests.clinic import DAY, HOUR, MINUTE, NOW, Clinic, at
from scheduling.tests.factories import make_appointment, make_service
from scheduling.workflow import Status


def page_of(visit: Appointment) -> str:
    return reverse("scheduling:appointment_detail", args=[visit.pk])


def step_of(visit: Appointment, step: str) -> str:
    return reverse("scheduling:appointment_step", args=[visit.pk, step])


@pytest.fixture
def visit(clinic: Clinic) -> Appointment:
    """Today, half an hour ago."""
    return make_appointment(
        clinic.patient,
        site=clinic.site,
        practitioner=clinic.okafor,
        service=clinic.service,
        start=NOW - 30 * MINUTE,
    )


def test_the_page_shows_everything_about_the_visit(clinic: Clinic, browser: Client) -> None:
    clinic.service.preparation = "Bring your weight log."
    clinic.service.save()
    visit = clinic.book(at("2026-11-27", "13:30"), reason="Swelling", must_be_by=at("2026-11-30").date())
    page = browser.get(page_of(visit)).content.decode()
    for words in (
        "RAMÍREZ, Elena",
        "Mar 14, 1958",
        "MRN",
        "Fri, Nov 27, 2026, 1:30 PM–2:00 PM",
        "Central",
        "Ngozi Okafor, MD",
        "Swelling",
        "Mon, Nov 30, 2026",
        "Bring your weight log.",
        "Reminders",
        "History",
        clinic.coordinator.name,
    ):
        assert words in page


def test_opening_a_visit_is_recorded(clinic: Clinic, browser: Client, visit: Appointment) -> None:
    browser.get(page_of(visit))
    assert AuditEvent.objects.filter(action="view", patient_id=clinic.patient.pk).exists()


def test_the_time_is_also_shown_on_the_patients_clock(clinic: Clinic, browser: Client) -> None:
    clinic.patient.time_zone = "America/Denver"
    clinic.patient.save()
    visit = clinic.book(at("2026-11-27", "13:30"))
    page = browser.get(page_of(visit)).content.decode()
    assert "Nov 27, 2026, 12:30 PM" in page
    assert "Mountain" in page


def test_reminders_and_why_one_was_skipped_are_shown(
    clinic: Clinic, browser: Client, visit: Appointment
) -> None:
    Message.objects.create(
        key="k",
        purpose="visit_reminder",
        about_type="scheduling.appointment",
        about_id=visit.pk,
        site=clinic.site,
        window="3d",
        channel="sms",
        status="skipped",
        skip_reason="opted_out",
        send_after=NOW,
        created_at=NOW,
    )
    page = browser.get(page_of(visit)).content.decode()
    assert "3 days before" in page
    assert "Opted out" in page


def test_readiness_names_what_is_known(clinic: Clinic, browser: Client) -> None:
    clinic.patient.interpreter_needed = True
    clinic.patient.save()
    referral = make_referral(clinic.patient)
    visit = clinic.book(at("2026-11-27"), referral_id=referral.pk)
    page = browser.get(page_of(visit)).content.decode()
    assert "Interpreter" in page
    assert reverse("referrals:referral_detail", args=[referral.pk]) in page


def test_old_and_new_times_are_linked_both_ways(clinic: Clinic, browser: Client) -> None:
    old = clinic.book(at("2026-11-20"))
    new = services.reschedule_appointment(
        appointment_id=old.pk, start=at("2026-11-23"), reason="No ride", by=clinic.coordinator, now=NOW
    )
    assert page_of(new) in browser.get(page_of(old)).content.decode()
    assert page_of(old) in browser.get(page_of(new)).content.decode()


def test_only_steps_that_make_sense_now_are_offered(clinic: Clinic, browser: Client) -> None:
    visit = clinic.book(at("2026-11-20"))
    page = browser.get(page_of(visit)).content.decode()
    assert step_of(visit, "cancel") in page
    for step in ("arrive", "check_in", "mark_no_show", "fulfill", "fulfill_outside"):
        assert step_of(visit, step) not in page


def test_a_step_that_needs_nothing_is_one_button_with_undo(
    clinic: Clinic, browser: Client, visit: Appointment
) -> None:
    answer = browser.post(step_of(visit, "arrive"))
    visit.refresh_from_db()
    assert visit.status == Status.ARRIVED
    page = browser.get(answer["Location"]).content.decode()
    undo = reverse("scheduling:appointment_undo", args=[visit.pk, "arrive"])
    assert undo in page
    browser.post(undo)
    visit.refresh_from_db()
    assert visit.status == Status.BOOKED


@pytest.mark.parametrize("step", ["check_in", "mark_no_show", "cancel"])
def test_what_was_just_done_can_be_taken_back(
    clinic: Clinic, browser: Client, visit: Appointment, step: str
) -> None:
    browser.post(step_of(visit, step), {"cancelled_by": "patient", "reason": "Ill"})
    visit.refresh_from_db()
    assert visit.status != Status.BOOKED
    browser.post(reverse("scheduling:appointment_undo", args=[visit.pk, step]))
    visit.refresh_from_db()
    assert visit.status == Status.BOOKED
    assert not Task.objects.open().exists()


def test_cancelling_asks_who_and_why_and_keeps_what_was_typed(
    clinic: Clinic, browser: Client, visit: Appointment
) -> None:
    answer = browser.post(step_of(visit, "cancel"), {"reason": "Ill"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="Ill"' in page
    assert "data-focus-first" in page
    browser.post(step_of(visit, "cancel"), {"reason": "Ill", "cancelled_by": "patient"})
    visit.refresh_from_db()
    assert (visit.status, visit.cancelled_by) == (Status.CANCELLED, "patient")


@pytest.mark.parametrize(
    ("to", "status"),
    [("booked", Status.BOOKED), ("fulfilled", Status.FULFILLED), ("cancelled", Status.CANCELLED)],
)
def test_a_no_show_is_put_right_from_its_page(
    clinic: Clinic, browser: Client, visit: Appointment, to: str, status: str
) -> None:
    browser.post(step_of(visit, "mark_no_show"))
    page = browser.get(page_of(visit)).content.decode()
    assert step_of(visit, "correct_no_show") in page
    assert reverse("scheduling:appointment_move", args=[visit.pk]) in page
    assert step_of(visit, "enter_in_error") in page
    browser.post(
        step_of(visit, "correct_no_show"), {"to": to, "reason": "Was here", "cancelled_by": "patient"}
    )
    visit.refresh_from_db()
    assert visit.status == status
    assert not Task.objects.open().exists()


def test_a_refusal_of_the_service_stays_in_the_form(
    clinic: Clinic,
    browser: Client,
    visit: Appointment,
    sign_in: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    browser.post(step_of(visit, "mark_no_show"))
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + DAY)
    answer = sign_in(clinic.coordinator).post(
        step_of(visit, "correct_no_show"), {"to": "booked", "reason": "Was here"}
    )
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "on the day of the visit" in page
    assert 'value="Was here"' in page


def test_entered_in_error_leaves_the_schedule(clinic: Clinic, browser: Client, visit: Appointment) -> None:
    answer = browser.post(step_of(visit, "enter_in_error"), {"reason": "Wrong patient"})
    assert answer["Location"] == reverse("scheduling:schedule")
    assert browser.get(page_of(visit)).status_code == 404


def test_a_visit_elsewhere_asks_on_whose_word(clinic: Clinic, browser: Client) -> None:
    outside = make_appointment(
        clinic.patient,
        site=clinic.site,
        practitioner=None,
        is_outside=True,
        place="Mercy",
        service=make_service(is_outside=True),
        start=NOW - HOUR,
    )
    assert "Who told you" in browser.get(step_of(outside, "mark_no_show")).content.decode()
    browser.post(step_of(outside, "fulfill_outside"), {"reason": "Mercy"})
    outside.refresh_from_db()
    assert outside.status == Status.FULFILLED


def test_the_step_part_is_a_piece_of_its_page(clinic: Clinic, browser: Client, visit: Appointment) -> None:
    part = browser.get(step_of(visit, "cancel"), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "Who asked for it" in part
    answer = browser.post(
        step_of(visit, "cancel"), {"reason": "Ill", "cancelled_by": "patient"}, headers={"HX-Request": "true"}
    )
    assert answer["HX-Redirect"] == page_of(visit)


def test_nobody_else_finds_the_visit(
    clinic: Clinic, visit: Appointment, sign_in: Callable[[User], Client]
) -> None:
    stranger = sign_in(make_user(Role.COORDINATOR, site=make_site()))
    for address in (page_of(visit), step_of(visit, "cancel")):
        assert stranger.get(address).status_code == 404
    assert stranger.post(step_of(visit, "arrive")).status_code == 404
    reader = sign_in(make_user(Role.PROVIDER, site=clinic.site))
    page = reader.get(page_of(visit)).content.decode()
    assert "/step/" not in page
    assert reader.post(step_of(visit, "arrive")).status_code == 403


def test_unknown_steps_are_not_found(clinic: Clinic, browser: Client, visit: Appointment) -> None:
    assert browser.get(step_of(visit, "reschedule")).status_code == 404
    assert browser.post(reverse("scheduling:appointment_undo", args=[visit.pk, "dance"])).status_code == 404


def test_the_page_costs_a_fixed_number_of_queries(
    clinic: Clinic, browser: Client, visit: Appointment
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(page_of(visit)).status_code == 200
        return len(captured)

    cost()
    few = cost()
    for _n in range(5):
        services.arrive(appointment_id=visit.pk, by=clinic.coordinator, now=NOW)
        services.undo_arrive(appointment_id=visit.pk, by=clinic.coordinator, now=NOW)
    assert cost() == few
    assert few <= 12


# --- many at once -----------------------------------------------------------------------------------

BULK = reverse("scheduling:bulk")


def test_a_bulk_change_does_what_it_may_and_lists_the_rest(
    clinic: Clinic, browser: Client, visit: Appointment
) -> None:
    tomorrow = clinic.book(at("2026-11-19"), patient_id=clinic.other_patient().pk)
    answer = browser.post(BULK, {"step": "arrive", "ids": [str(visit.pk), str(tomorrow.pk)]})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "1 visit was not changed" in page
    assert "later day" in page
    visit.refresh_from_db()
    assert visit.status == Status.ARRIVED


def test_a_bulk_change_without_refusals_returns_to_the_list(
    clinic: Clinic, browser: Client, visit: Appointment
) -> None:
    back = reverse("scheduling:schedule") + "?view=list"
    answer = browser.post(BULK, {"step": "mark_no_show", "ids": [str(visit.pk)], "next": back})
    assert answer["Location"] == back
    assert "1 visit: No-show" in browser.get(back).content.decode()


def test_cancelling_many_asks_once_for_who_and_why(
    clinic: Clinic, browser: Client, visit: Appointment
) -> None:
    chosen: dict[str, Any] = {"step": "cancel", "ids": [str(visit.pk)]}
    page = browser.post(BULK, chosen).content.decode()
    assert "Who asked for it" in page
    assert browser.post(BULK, {**chosen, "reason": ""}).status_code == 422
    assert browser.post(BULK, {**chosen, "reason": "Leave", "cancelled_by": "provider"}).status_code == 302
    visit.refresh_from_db()
    assert visit.status == Status.CANCELLED


def test_a_bulk_change_never_reaches_another_site(clinic: Clinic, browser: Client) -> None:
    foreign = make_appointment(start=NOW - HOUR)
    browser.post(BULK, {"step": "arrive", "ids": [str(foreign.pk)]})
    foreign.refresh_from_db()
    assert foreign.status == Status.BOOKED
    assert browser.post(BULK, {"step": "dance"}).status_code == 422
