"""The schedule's page: week, day, list, remembered filters, and the same queries for one visit and for twenty."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coordinator.accounts.models import User
from coordinator.accounts.roles import Role
from coordinator.tests.factories import make_practitioner, make_site, make_user
from patients.tests.factories import make_patient, make_phone
from scheduling import services
from scheduling.models import Block
from scheduling.tests.clinic import HOUR, MINUTE, NOW, Clinic, at
from scheduling.tests.factories import make_appointment, make_availability, make_service

SCHEDULE = reverse("scheduling:schedule")


def test_the_week_shows_each_visit_with_day_time_length_and_state(clinic: Clinic, browser: Client) -> None:
    visit = clinic.book(at("2026-11-20", "13:30"))
    page = browser.get(SCHEDULE).content.decode()
    assert f'href="/schedule/visits/{visit.pk}/"' in page
    assert "RAMÍREZ, E." in page
    assert "Friday, November 20, 1:30 PM, 30 minutes, Booked" in page
    assert "born Mar 14, 1958" in page
    assert "All times Central" in page
    assert 'style="' not in page


def test_places_on_the_grid_come_from_classes(clinic: Clinic, browser: Client) -> None:
    clinic.book(at("2026-11-20", "13:30"))
    page = browser.get(SCHEDULE).content.decode()
    assert "r27 s2 l1of1" in page  # 6.5 hours after 7:00, two quarter hours long


def test_visits_at_one_time_stand_side_by_side(clinic: Clinic, browser: Client) -> None:
    second = make_practitioner(site=clinic.site, family_name="Lindqvist")
    make_availability(second)
    clinic.book(at("2026-11-20", "13:30"))
    clinic.book(at("2026-11-20", "13:45"), practitioner_id=second.pk, patient_id=clinic.other_patient().pk)
    page = browser.get(SCHEDULE).content.decode()
    assert "r27 s2 l1of2" in page
    assert "r28 s2 l2of2" in page


def test_more_than_six_at_once_become_a_link_to_the_list(clinic: Clinic, browser: Client) -> None:
    for _n in range(9):
        make_appointment(
            clinic.other_patient(), site=clinic.site, practitioner=None, start=at("2026-11-20", "09:00")
        )
    page = browser.get(SCHEDULE).content.decode()
    assert "4 more" in page
    assert "l5of6" in page


def test_blocks_closed_days_and_today_are_marked(clinic: Clinic, browser: Client) -> None:
    noon = at("2026-11-18", "12:00")
    Block.objects.create(site=clinic.site, starts_at=noon, ends_at=noon + HOUR, reason="Lunch")
    page = browser.get(SCHEDULE).content.decode()
    assert "Lunch" in page
    assert 'class="now r13"' in page  # 10:00
    thanksgiving = browser.get(SCHEDULE, {"date": "2026-11-26"}).content.decode()
    assert "Thanksgiving Day" in thanksgiving


def test_each_day_says_how_many_visits_still_fit(clinic: Clinic, browser: Client) -> None:
    page = browser.get(SCHEDULE).content.decode()
    assert "18 open" in page  # 8 to 5, half an hour each
    clinic.book(at("2026-11-20", "08:00"))
    assert "17 open" in browser.get(SCHEDULE).content.decode()


def test_the_day_has_a_column_for_each_clinician(clinic: Clinic, browser: Client) -> None:
    second = make_practitioner(site=clinic.site, family_name="Lindqvist", credentials="NP")
    make_availability(second)
    page = browser.get(SCHEDULE, {"view": "day", "date": "2026-11-20"}).content.decode()
    assert "cols-2" in page
    assert "Lindqvist, NP" in page


def test_the_list_holds_the_same_visits_as_a_table(clinic: Clinic, browser: Client) -> None:
    clinic.book(at("2026-11-20", "13:30"), reason="Swelling")
    page = browser.get(
        SCHEDULE, {"view": "list", "cols": ["reason", "phone", "status"], "date": "2026-11-20"}
    )
    assert b"Swelling" in page.content
    assert b"<table" in page.content
    assert b"Visit type</th>" not in page.content


def test_yesterdays_no_shows_are_one_click(clinic: Clinic, browser: Client) -> None:
    visit = make_appointment(
        clinic.patient, site=clinic.site, practitioner=clinic.okafor, start=at("2026-11-17")
    )
    services.mark_no_show(appointment_id=visit.pk, by=clinic.coordinator, now=NOW)
    make_appointment(clinic.other_patient(), site=clinic.site, start=at("2026-11-17", "15:00"))
    page = browser.get(
        SCHEDULE, {"view": "list", "span": "day", "date": "2026-11-17", "status": "no_show"}
    ).content.decode()
    assert "No-shows of Tue Nov 17" in page
    assert page.count('class="row-check"') == 1


def test_filters_survive_leaving_the_page_and_can_be_cleared(clinic: Clinic, browser: Client) -> None:
    wound = make_service(name="Wound care")
    clinic.book(at("2026-11-20"))
    browser.get(SCHEDULE, {"view": "list", "service": str(wound.pk)})
    again = browser.get(SCHEDULE)
    assert b"No visit matches these filters" in again.content
    browser.get(SCHEDULE, {"clear": "1"})
    assert b"RAM\xc3\x8dREZ" in browser.get(SCHEDULE, {"date": "2026-11-20"}).content


def test_what_was_left_by_one_person_is_not_what_another_sees(
    clinic: Clinic, browser: Client, sign_in: Callable[[User], Client]
) -> None:
    browser.get(SCHEDULE, {"view": "day"})
    assert b"Week calendar" in sign_in(clinic.lead).get(SCHEDULE).content


def test_nonsense_in_the_address_falls_back(clinic: Clinic, browser: Client) -> None:
    odd = {"view": "x", "date": "31-11", "site": "1", "cal": "'", "service": "0", "status": "?", "slot": "~"}
    assert browser.get(SCHEDULE, odd).status_code == 200
    assert browser.get(SCHEDULE, {"patient": "x"}).status_code == 404


def test_a_patient_of_another_site_is_not_found(clinic: Clinic, browser: Client) -> None:
    assert browser.get(SCHEDULE, {"patient": str(make_patient().pk)}).status_code == 404


def test_someone_from_another_site_sees_none_of_it(clinic: Clinic, sign_in: Callable[[User], Client]) -> None:
    clinic.book(at("2026-11-20"))
    stranger = sign_in(make_user(Role.COORDINATOR, site=make_site()))
    page = stranger.get(SCHEDULE, {"site": str(clinic.site.pk)}).content
    assert b"RAM\xc3\x8dREZ" not in page


@pytest.mark.parametrize(
    ("role", "status", "books"),
    [
        (Role.COORDINATOR, 200, True),
        (Role.LEAD, 200, True),
        (Role.PROVIDER, 200, False),
        (Role.BILLING, 200, False),
        (Role.ADMINISTRATOR, 403, False),
        (Role.AUDITOR, 403, False),
    ],
)
def test_who_sees_the_schedule_and_who_may_book(
    clinic: Clinic, sign_in: Callable[[User], Client], role: str, status: int, books: bool
) -> None:
    answer = sign_in(make_user(role, site=clinic.site)).get(SCHEDULE)
    assert answer.status_code == status
    assert (b"Find a slot" in answer.content) == books


def test_the_part_is_a_piece_of_the_page(clinic: Clinic, browser: Client) -> None:
    clinic.book(at("2026-11-20"))
    part = browser.get(SCHEDULE, headers={"HX-Request": "true"}).content.decode()
    page = browser.get(SCHEDULE).content.decode()
    assert "<html" not in part
    assert _without_tokens(part).strip() in _without_tokens(page)


def _without_tokens(html: str) -> str:
    import re

    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", html)


@pytest.mark.parametrize("view", ["week", "day", "list"])
def test_twenty_visits_cost_as_many_queries_as_one(clinic: Clinic, browser: Client, view: str) -> None:
    query = {"view": view, "date": "2026-11-20", "cols": ["phone", "provider", "room", "language"]}
    clinic.book(at("2026-11-20", "08:00"))
    browser.get(SCHEDULE, query)
    with CaptureQueriesContext(connection) as one:
        browser.get(SCHEDULE, query)
    for n in range(20):
        patient = make_patient(site=clinic.site)
        make_phone(patient)
        person = make_practitioner(site=clinic.site) if n % 4 == 0 else clinic.okafor
        make_appointment(
            patient, site=clinic.site, practitioner=person, start=at("2026-11-20", "09:00") + 20 * n * MINUTE,
            end=at("2026-11-20", "09:00") + 20 * (n + 1) * MINUTE,
        )  # fmt: skip
    with CaptureQueriesContext(connection) as twenty:
        assert browser.get(SCHEDULE, query).status_code == 200
    assert len(twenty) == len(one)
    assert len(one) <= 20


def test_a_week_of_free_times_takes_the_same_few_queries(clinic: Clinic, browser: Client) -> None:
    query = {"patient": str(clinic.patient.pk), "visit": str(clinic.service.pk)}
    browser.get(SCHEDULE, query)
    with CaptureQueriesContext(connection) as captured:
        browser.get(SCHEDULE, query)
    assert len(captured) <= 20


def test_a_visit_that_clocks_repeat_or_skip_is_drawn_once(clinic: Clinic, browser: Client) -> None:
    """Both 1:30s of the night clocks go back, and 3:00 of the night they go forward."""
    first = make_appointment(
        clinic.patient, site=clinic.site, practitioner=clinic.okafor, start=at("2026-11-01", "01:30")
    )
    make_appointment(
        clinic.other_patient(), site=clinic.site, practitioner=clinic.okafor, start=first.start + HOUR
    )
    make_appointment(
        clinic.other_patient(), site=clinic.site, practitioner=clinic.okafor, start=at("2026-03-08", "03:00")
    )
    back = browser.get(SCHEDULE, {"view": "list", "span": "day", "date": "2026-11-01"}).content.decode()
    assert "1:30 AM CDT" in back
    assert "1:30 AM CST" in back
    forward = browser.get(SCHEDULE, {"view": "list", "span": "day", "date": "2026-03-08"}).content.decode()
    assert "3:00 AM" in forward
    drawn = browser.get(SCHEDULE, {"view": "day", "date": "2026-11-01"})
    assert drawn.status_code == 200
    assert drawn.content.decode().count("l1of2") == 1
