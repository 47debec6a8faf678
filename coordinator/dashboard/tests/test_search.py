"""The one search box: palette, page and plain form; nothing typed gets into an address."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from careplans.tests.factories import make_task
from coordinator.accounts.roles import Role
from coordinator.tests.factories import make_site, make_user
from patients.tests.factories import make_patient, make_phone
from referrals.tests.factories import make_referral

pytestmark = pytest.mark.django_db
URL = reverse("dashboard:search")
PALETTE = {"HX-Request": "true", "HX-Target": "palette-list"}
PART = {"HX-Request": "true", "HX-Target": "results"}


@pytest.fixture
def dana(client):
    user = make_user(site=make_site())
    client.force_login(user)
    return user


@pytest.fixture
def elena(dana):
    return make_patient(
        site=dana.sites.get(),
        family_name="Ramírez",
        given_name="Elena",
        birth_date=datetime.date(1958, 3, 14),
        mrn="004812907",
    )


def text(response) -> str:
    return response.content.decode()


def test_the_plain_form_answers_a_page_that_nothing_keeps(client, elena):
    response = client.post(URL, {"q": "ramirez"})
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert "RAMÍREZ, Elena" in text(response)
    assert "Mar 14, 1958" in text(response)
    assert reverse("dashboard:patient_summary", args=[elena.pk]) in text(response)


def test_a_question_in_the_address_is_not_read(client, elena):
    assert "RAMÍREZ" not in text(client.get(URL, {"q": "ramirez"}))


def test_the_palette_gets_options_with_birth_dates_and_at_most_eight_patients(client, elena):
    for _n in range(12):
        make_patient(site=elena.site, family_name="Ramsey", birth_date=datetime.date(1970, 1, 1))
    response = client.post(URL, {"q": "ram"}, headers=PALETTE)
    assert text(response).count('role="option" href=') == 8
    assert "Show more people who fit" in text(response)
    assert "Jan 1, 1970" in text(response)
    assert "<html" not in text(response)


def test_where_nobody_fits_the_palette_offers_to_register_and_nothing_else(client, dana):
    options = text(client.post(URL, {"q": "zzzz"}, headers=PALETTE))
    assert options.count('role="option"') == 1
    assert "No patient fits: new patient" in options
    assert 'form="palette-new"' in options


def test_those_who_may_not_register_get_an_empty_palette(client):
    client.force_login(make_user(Role.PROVIDER))
    assert text(client.post(URL, {"q": "zzzz"}, headers=PALETTE)).strip() == ""
    assert 'id="palette-new"' not in text(client.get(URL))


def test_the_part_is_a_piece_of_the_page(client, elena):
    part = text(client.post(URL, {"q": "ramirez"}, headers=PART))
    row = part[part.index("<tr data-row>") : part.index("</tr>", part.index("<tr data-row>"))]
    assert row in text(client.post(URL, {"q": "ramirez"}))
    assert "<html" not in part


def test_people_who_share_a_phone_are_shown_side_by_side_with_whose_it_is(client, elena):
    ana = make_patient(site=elena.site, given_name="Ana", birth_date=datetime.date(1985, 1, 9))
    make_phone(elena)
    make_phone(ana, owner_name="Elena Ramírez", owner_relationship="mother")
    page = text(client.post(URL, {"q": "0143"}))
    assert "Mar 14, 1958" in page
    assert "Jan 9, 1985" in page
    assert "Elena Ramírez (mother)" in page


def test_new_patient_is_offered_only_after_a_search_and_keeps_what_was_typed(client, elena):
    assert "new patient" not in text(client.get(URL)).lower()
    page = text(client.post(URL, {"q": "Maria Alvarez"}))
    assert "Not listed: new patient" in page
    assert 'name="q" value="Maria Alvarez"' in page


def test_those_who_may_not_register_are_not_offered_it(client):
    client.force_login(make_user(Role.PROVIDER))
    assert "new patient" not in text(client.post(URL, {"q": "maria"})).lower()


def test_similar_names_are_announced_as_such(client, elena):
    assert "Similar names" in text(client.post(URL, {"q": "ramirz"}))
    for headers in ({}, PALETTE):
        assert "sounds like “ramirz”" in text(client.post(URL, {"q": "ramirz"}, headers=headers))
        assert "one letter from “elema”" in text(client.post(URL, {"q": "elema ramirez"}, headers=headers))


@pytest.mark.parametrize(
    ("typed", "why"),
    [("3/15/1958", "birth date one digit apart"), ("3/14/1985", "birth date with two digits turned around")],
)
def test_a_birth_date_with_a_slip_is_shown_with_the_reason(client, elena, typed, why):
    assert why in text(client.post(URL, {"q": f"elena ramirez {typed}"}))
    assert "RAMÍREZ" not in text(client.post(URL, {"q": f"bob stone {typed}"}))


def test_people_of_the_same_name_are_marked_and_told_apart_by_birth_date(client, elena):
    make_patient(
        site=elena.site, family_name="Ramirez", given_name="Elena", birth_date=datetime.date(1990, 9, 2)
    )
    page = text(client.post(URL, {"q": "elena ramirez"}))
    assert page.count("Same name") == 2
    assert page.index("Sep 2, 1990") > 0
    assert page.index("Mar 14, 1958") > 0
    assert text(client.post(URL, {"q": "elena ramirez"}, headers=PALETTE)).count("same name") == 2


def test_pages_are_found_by_any_word_of_their_names_and_only_those_one_may_open(client, elena):
    assert f'href="{reverse("scheduling:schedule")}">Schedule' in text(client.post(URL, {"q": "sched"}))
    assert f'href="{reverse("referrals:referral_new")}">New referral' in text(
        client.post(URL, {"q": "referral"})
    )
    assert reverse("dashboard:audit") not in text(client.post(URL, {"q": "audit"}))


def test_tasks_and_referrals_come_after_patients(client, elena):
    make_task(elena, title="Ramp for the front door")
    make_referral(elena, reference="R-000777")
    options = text(client.post(URL, {"q": "ramp"}, headers=PALETTE))
    assert "Ramp for the front door" in options
    assert "Mar 14, 1958" in options
    assert "Ramp for the front door" in text(client.post(URL, {"q": "door ramp"}))
    assert "Cardiology" in text(client.post(URL, {"q": "r-000777"}))


def test_somebody_from_another_site_finds_no_patient_task_or_referral(client, elena):
    make_task(elena, title="Ramp for the front door")
    make_referral(elena, reference="R-000777")
    client.force_login(make_user())
    for query in (
        "ramirez",
        "ramirz",
        "ramires 3/14/1958",
        "elena ramirez 3/15/1958",
        "004812907",
        "ramp",
        "R-000777",
    ):
        assert reverse("dashboard:patient_summary", args=[elena.pk]) not in text(
            client.post(URL, {"q": query})
        )
        assert "Ramp for" not in text(client.post(URL, {"q": query}))
        assert "Similar names" not in text(client.post(URL, {"q": query}))
        assert "No patient fits" in text(client.post(URL, {"q": query}, headers=PALETTE))


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
def test_roles_without_patients_are_refused(client, role):
    client.force_login(make_user(role))
    assert client.post(URL, {"q": "a"}).status_code == 403


@pytest.mark.parametrize("query", ["", " ", "\x00", "'; drop table", "%_%", "[", "\\", "x" * 5000, "💥"])
def test_odd_input_is_answered(client, elena, query):
    assert client.post(URL, {"q": query}).status_code == 200
    assert client.post(URL, {"q": query}, headers=PALETTE).status_code == 200


def queries(client, query) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.post(URL, {"q": query}, headers=PALETTE)
    return len(captured)


def test_one_match_costs_as_many_queries_as_twenty(client, elena):
    queries(client, "ramirez")
    one = queries(client, "ramirez")
    for _n in range(20):
        make_phone(make_patient(site=elena.site))
    assert queries(client, "ramirez") == one
    assert one <= 5  # session, person, sites, patients, tasks with referrals
    assert queries(client, "0143") <= 6
