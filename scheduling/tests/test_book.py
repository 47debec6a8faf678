"""The slot finder and booking by it: what it offers, what it keeps, how it says no."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from careplans import services as careplans
from careplans.models import Task
from coordinator.accounts.models import User
from coordinator.accounts.roles import Role
from coordinator.clocks.models import Clock
from coordinator.tests.factories import make_practitioner, make_site, make_user
from patients.tests.factories import make_patient
from scheduling import services
from scheduling.models import Appointment, Block
from scheduling.services.consequences import TELL
from scheduling.tests.clinic import HOUR, NOW, Clinic, at
from scheduling.tests.factories import make_appointment, make_availability, make_service
from scheduling.workflow import Status

BOOK, SCHEDULE = reverse("scheduling:book"), reverse("scheduling:schedule")
FRIDAY = at("2026-11-20", "13:30")


def slot(clinic: Clinic, start: Any = FRIDAY) -> str:
    return f"{start:%Y-%m-%dT%H:%MZ}~{clinic.okafor.pk}"


def sent(clinic: Clinic, **fields: Any) -> dict[str, Any]:
    """What the form sends."""
    return {
        "patient": str(clinic.patient.pk),
        "visit": str(clinic.service.pk),
        "site": str(clinic.site.pk),
        "first": "2026-11-18",
        "last": "2026-11-27",
        "slot": slot(clinic),
        "reason": "Swelling",
        **fields,
    }


def chosen(html: str) -> str:
    found = re.search(r'name="slot" value="([^"]+)"[^>]* checked', html)
    return found.group(1) if found else ""


def test_the_finder_offers_free_times_and_chooses_the_best(clinic: Clinic, browser: Client) -> None:
    clinic.book(at("2026-11-18", "11:00"), patient_id=clinic.other_patient().pk)
    page = browser.get(SCHEDULE, {"patient": str(clinic.patient.pk)}).content.decode()
    assert "RAMÍREZ" in page
    assert "Mar 14, 1958" in page
    assert chosen(page) == slot(clinic, at("2026-11-18", "10:15"))
    assert slot(clinic, at("2026-11-18", "11:00")) not in page


def test_a_time_of_day_and_a_last_day_narrow_the_finder(clinic: Clinic, browser: Client) -> None:
    query = {"patient": str(clinic.patient.pk), "part": "afternoon", "must_be_by": "2026-11-20"}
    page = browser.get(BOOK, query).content.decode()
    assert chosen(page) == slot(clinic, at("2026-11-18", "12:00"))
    assert "See by Fri, Nov 20, 2026" in page
    assert "last day to be seen" in page


def test_booking_takes_the_reader_to_that_week_with_an_undo(clinic: Clinic, browser: Client) -> None:
    answer = browser.post(BOOK, sent(clinic))
    assert answer.status_code == 302
    assert answer["Location"] == f"{SCHEDULE}?date=2026-11-20"
    visit = Appointment.objects.get()
    assert (visit.start, visit.practitioner, visit.reason) == (FRIDAY, clinic.okafor, "Swelling")
    page = browser.get(answer["Location"]).content.decode()
    assert "Booked: Fri, Nov 20, 2026, 1:30 PM with Ngozi Okafor, MD" in page
    undo = reverse("scheduling:appointment_undo", args=[visit.pk, "book"])
    assert undo in page
    browser.post(undo)
    visit.refresh_from_db()
    assert (visit.status, visit.cancelled_by) == (Status.CANCELLED, "system")


def test_a_time_that_was_just_taken_says_when_and_offers_the_next_one(
    clinic: Clinic, browser: Client
) -> None:
    clinic.book(FRIDAY, patient_id=clinic.other_patient().pk)
    answer = browser.post(BOOK, sent(clinic))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Taken at 10:00 AM" in page
    assert chosen(page) == slot(clinic, at("2026-11-20", "14:00"))
    assert 'value="Swelling"' in page
    assert Appointment.objects.count() == 1


def test_a_day_past_the_last_one_asks_for_a_reason_and_keeps_the_choice(
    clinic: Clinic, browser: Client
) -> None:
    late = sent(clinic, must_be_by="2026-11-19")
    answer = browser.post(BOOK, late)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "must be seen by Thu, Nov 19, 2026" in page
    assert "Why it should be booked all the same" in page
    assert page.count(f'value="{slot(clinic)}"') == 1  # it is free, too, but offered once
    assert browser.post(BOOK, {**late, "override_reason": "No ride before"}).status_code == 302
    assert Appointment.objects.get().override_reason == "No ride before"


def test_a_patient_with_another_visit_that_hour_is_marked_and_asked_about(
    clinic: Clinic, sign_in: Callable[[User], Client]
) -> None:
    second = make_practitioner(site=clinic.site, family_name="Lindqvist")
    make_availability(second)
    clinic.book(FRIDAY, practitioner_id=second.pk, service_id=make_service().pk)
    lead = sign_in(clinic.lead)
    query = {
        "patient": str(clinic.patient.pk),
        "visit": str(clinic.service.pk),
        "who": str(clinic.okafor.pk),
        "first": "2026-11-20",
        "last": "2026-11-20",
    }
    assert "has a visit then" in lead.get(BOOK, query).content.decode()
    answer = lead.post(BOOK, sent(clinic))
    assert answer.status_code == 409
    assert chosen(answer.content.decode()) == slot(clinic)
    assert lead.post(BOOK, sent(clinic, override_reason="Both in one room")).status_code == 302


def test_a_clinician_who_is_away_cannot_be_booked_and_the_page_says_why(
    clinic: Clinic, browser: Client
) -> None:
    Block.objects.create(
        site=clinic.site,
        practitioner=clinic.okafor,
        starts_at=FRIDAY,
        ends_at=FRIDAY + HOUR,
        reason="Vacation",
    )
    answer = browser.post(BOOK, sent(clinic))
    assert answer.status_code == 409
    assert "away then: Vacation" in answer.content.decode()


def test_no_free_time_says_what_to_loosen_and_the_nearest_outside(clinic: Clinic, browser: Client) -> None:
    second = make_practitioner(site=clinic.site, family_name="Lindqvist")
    make_availability(second)
    Block.objects.create(
        site=clinic.site,
        practitioner=clinic.okafor,
        starts_at=at("2026-11-18", "00:00"),
        ends_at=at("2026-11-21", "00:00"),
        reason="Leave",
    )
    query = {
        "patient": str(clinic.patient.pk),
        "who": str(clinic.okafor.pk),
        "part": "morning",
        "first": "2026-11-19",
        "last": "2026-11-20",
    }
    page = browser.get(BOOK, query).content.decode()
    assert "No open time fits" in page
    assert "with any clinician" in page
    assert "Mon Nov 23 8:00 AM" in page


def test_another_day_and_time_can_be_typed(clinic: Clinic, browser: Client) -> None:
    typed = sent(clinic, slot="other", other_day="2026-11-23", other_time="09:20", who=str(clinic.okafor.pk))
    assert browser.post(BOOK, typed).status_code == 302
    assert Appointment.objects.get().start == at("2026-11-23", "09:20")


@pytest.mark.parametrize(
    ("day", "time", "words"),
    [
        ("2027-03-14", "02:30", "does not exist on Mar 14, 2027"),
        ("2027-11-07", "01:30", "comes twice on Nov 7, 2027"),
    ],
)
def test_a_wall_time_that_is_not_or_is_twice_is_refused_by_name(
    clinic: Clinic, browser: Client, day: str, time: str, words: str
) -> None:
    answer = browser.post(BOOK, sent(clinic, slot="other", other_day=day, other_time=time))
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_a_visit_elsewhere_needs_no_free_time_of_ours(clinic: Clinic, browser: Client) -> None:
    outside = make_service(name="Cardiology", is_outside=True)
    typed = sent(
        clinic,
        visit=str(outside.pk),
        slot="",
        other_day="2026-11-28",
        other_time="18:00",
        place="Mercy Cardiology",
    )
    assert browser.post(BOOK, typed).status_code == 302
    visit = Appointment.objects.get()
    assert (visit.place, visit.practitioner, visit.is_outside) == ("Mercy Cardiology", None, True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"patient": ""}, "Choose the patient first"),
        ({"slot": ""}, "Choose a time"),
        ({"slot": "tomorrow"}, "Choose a time from the list"),
        ({"slot": "2026-11-18T12:00Z"}, "That time is past"),
        ({"slot": "other", "other_day": "2026-11-20"}, "Enter day and time"),
    ],
)
def test_a_form_with_problems_keeps_what_was_typed(
    clinic: Clinic, browser: Client, change: dict[str, str], words: str
) -> None:
    answer = browser.post(BOOK, sent(clinic, **change))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert words in page
    assert 'value="Swelling"' in page
    assert "data-focus-first" in page


def test_what_is_not_visible_cannot_be_named(clinic: Clinic, browser: Client) -> None:
    assert browser.post(BOOK, sent(clinic, patient=str(make_patient().pk))).status_code == 404
    other = make_site()
    assert browser.post(BOOK, sent(clinic, site=str(other.pk))).status_code == 422
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("role", [Role.PROVIDER, Role.BILLING])
def test_readers_cannot_book(clinic: Clinic, sign_in: Callable[[User], Client], role: str) -> None:
    reader = sign_in(make_user(role, site=clinic.site))
    assert reader.get(BOOK).status_code == 403
    assert reader.post(BOOK, sent(clinic)).status_code == 403
    assert not Appointment.objects.exists()


def test_the_patient_is_chosen_without_a_name_in_any_address(clinic: Clinic, browser: Client) -> None:
    answer = browser.post(reverse("scheduling:choose_patient"), {"q": "ramirez", "query": "visit=1&x=2"})
    page = answer.content.decode()
    assert f"?patient={clinic.patient.pk}" in page
    assert "ramirez" not in re.sub(r'value="ramirez"', "", page).lower().replace("ramírez", "")
    assert "x=2" not in page


def test_the_finder_part_is_a_piece_of_the_book_page(clinic: Clinic, browser: Client) -> None:
    query = {"patient": str(clinic.patient.pk)}
    part = browser.get(BOOK, query, headers={"HX-Request": "true"}).content.decode()
    page = browser.get(BOOK, query).content.decode()
    strip = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')
    assert strip.sub("", part).strip() in strip.sub("", page)


def test_other_pages_link_with_a_patient_and_a_service(clinic: Clinic, browser: Client) -> None:
    wound = make_service(name="Wound care")
    page = browser.get(BOOK, {"patient": str(clinic.patient.pk), "service": str(wound.pk)}).content.decode()
    assert f'<option value="{wound.pk}" selected>' in page


# --- moving -----------------------------------------------------------------------------------------


def test_moving_is_the_finder_filled_in_and_needs_a_reason(clinic: Clinic, browser: Client) -> None:
    visit = clinic.book(FRIDAY)
    address = reverse("scheduling:appointment_move", args=[visit.pk])
    page = browser.get(address).content.decode()
    assert "keeps its time until a new one is saved" in page
    to = {"slot": slot(clinic, FRIDAY + HOUR), "first": "2026-11-18", "last": "2026-11-27"}
    assert browser.post(address, to).status_code == 422
    answer = browser.post(address, {**to, "reason": "No ride"})
    new = Appointment.objects.get(replaces=visit)
    assert answer["Location"] == reverse("scheduling:appointment_detail", args=[new.pk])
    assert "Moved to Fri, Nov 20, 2026, 2:30 PM" in browser.get(answer["Location"]).content.decode()


def test_a_visit_that_had_no_time_yet_is_said_to_be_booked(clinic: Clinic, browser: Client) -> None:
    needed = make_appointment(
        clinic.patient, site=clinic.site, service=clinic.service, practitioner=None, status="proposed"
    )
    to = {"slot": slot(clinic, FRIDAY), "first": "2026-11-18", "last": "2026-11-27"}
    answer = browser.post(reverse("scheduling:appointment_move", args=[needed.pk]), to)
    assert "Booked: Fri, Nov 20, 2026, 1:30 PM" in browser.get(answer["Location"]).content.decode()


def moved(clinic: Clinic, browser: Client, visit: Appointment, hours: int, **more: str) -> Appointment:
    to = {"slot": slot(clinic, FRIDAY + hours * HOUR), "first": "2026-11-18", "last": "2026-11-27"}
    address = reverse("scheduling:appointment_move", args=[visit.pk])
    assert browser.post(address, {**to, "reason": "Doctor’s meeting", **more}).status_code == 302
    return Appointment.objects.get(replaces=visit)


def test_who_did_not_agree_to_the_move_is_told_of_it_once(clinic: Clinic, browser: Client) -> None:
    new = moved(clinic, browser, clinic.book(FRIDAY), 1)
    task = Task.objects.open().get(cause_id=new.pk)
    assert (task.title, task.dedupe_key) == ("Tell the patient: the visit was moved", f"tell_moved:{new.pk}")
    assert task.reason == (
        f"From Nov 20, 2026, 1:30 PM to Nov 20, 2026, 2:30 PM with {clinic.okafor}. Why: Doctor’s meeting"
    )
    assert task.due_at is not None
    assert task.due_at <= new.start
    last = moved(clinic, browser, new, 2, agreed="on")
    assert not Task.objects.open().filter(cause_id__in=[new.pk, last.pk]).exists()


@pytest.mark.parametrize(("end", "state"), [("complete", "met"), ("cancel", "void")])
def test_the_date_for_telling_ends_with_its_task(
    clinic: Clinic, browser: Client, end: str, state: str
) -> None:
    new = moved(clinic, browser, clinic.book(FRIDAY), 1)
    task = Task.objects.get(cause_id=new.pk)
    key: dict[str, Any] = {"task_id": task.pk, "by": clinic.coordinator, "now": NOW + HOUR}
    if end == "complete":
        careplans.complete_task(outcome="Told", **key)
    else:
        careplans.cancel_task(close_reason="no_longer_needed", note="Knows", **key)
    assert Clock.objects.get(subject_id=new.pk, kind=TELL).state == state


def test_who_agreed_to_the_move_is_not_called_again(clinic: Clinic, browser: Client) -> None:
    new = moved(clinic, browser, clinic.book(FRIDAY), 1, agreed="on")
    assert not Task.objects.filter(cause_id=new.pk).exists()


@pytest.mark.parametrize(("step", "after"), [("arrive", 0), ("check_in", 0), ("mark_no_show", 1)])
def test_who_came_or_missed_the_new_time_is_not_to_be_told_of_it(
    clinic: Clinic, browser: Client, step: str, after: int
) -> None:
    new = moved(clinic, browser, clinic.book(FRIDAY), 1)
    take = {"appointment_id": new.pk, "by": clinic.coordinator, "now": new.start + after * HOUR}
    getattr(services, step)(**take)
    assert not Task.objects.open().filter(dedupe_key__startswith="tell_moved:").exists()


def test_moving_to_a_taken_time_keeps_the_old_one_and_the_reason(clinic: Clinic, browser: Client) -> None:
    visit = clinic.book(FRIDAY)
    clinic.book(FRIDAY + HOUR, patient_id=clinic.other_patient().pk)
    answer = browser.post(
        reverse("scheduling:appointment_move", args=[visit.pk]),
        {
            "slot": slot(clinic, FRIDAY + HOUR),
            "reason": "No ride",
            "first": "2026-11-18",
            "last": "2026-11-27",
        },
    )
    assert answer.status_code == 409
    assert 'value="No ride"' in answer.content.decode()
    visit.refresh_from_db()
    assert visit.status == Status.BOOKED


def test_a_visit_of_another_site_is_not_found_to_move(clinic: Clinic, browser: Client) -> None:
    foreign = make_appointment(start=NOW + HOUR)
    assert browser.get(reverse("scheduling:appointment_move", args=[foreign.pk])).status_code == 404
