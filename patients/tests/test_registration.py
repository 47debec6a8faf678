"""A new record, only after a search; and changing who somebody is without losing a word."""

from __future__ import annotations

import datetime
import re

import pytest
from django.urls import reverse

from coordinator.accounts.roles import Role
from coordinator.tests.factories import make_site, make_user
from patients.models import Patient
from patients.tests.factories import make_patient, make_phone

pytestmark = pytest.mark.django_db
NEW = reverse("patients:patient_new")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def dana(client):
    user = make_user(site=make_site())
    client.force_login(user)
    return user


@pytest.fixture
def filled(dana):
    return {
        "site": str(dana.sites.get().pk),
        "family_name": "Alvarez",
        "given_name": "Maria",
        "birth_date_month": "2",
        "birth_date_day": "3",
        "birth_date_year": "1959",
        "sex": "female",
        "language": "es",
        "interpreter_needed": "on",
        "tier": "1",
        "mine": "on",
        "phone-0-value": "(612) 555-0143",
        "phone-0-use": "mobile",
        "phone-0-ok_to_message": "on",
        "phone-1-value": "",
        "phone-1-use": "home",
        "email": "maria@example.com",
        "payer_name": "HealthNorth",
        "member_id": "HN-1",
    }


def test_registering_without_a_search_leads_to_the_search(client, dana):
    assert client.get(NEW)["Location"] == reverse("dashboard:search")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("maria alvarez", {'name="given_name" value="Maria"', 'name="family_name" value="Alvarez"'}),
        ("Alvarez, Maria", {'name="given_name" value="Maria"', 'name="family_name" value="Alvarez"'}),
        ("maria alvarez 2/3/1959", {'name="birth_date_year" id="id_birth_date_2" value="1959"'}),
        ("(612) 555-0143", {'name="phone-0-value" value="6125550143"'}),
    ],
)
def test_what_was_searched_for_is_carried_into_the_form(client, dana, typed, expected):
    page = client.post(NEW, {"begin": "1", "q": typed}).content.decode()
    for piece in expected:
        assert piece in page


def test_a_registration_lands_on_the_new_patients_page(client, dana, filled):
    answer = client.post(NEW, filled)
    patient = Patient.objects.get(family_name="Alvarez")
    assert answer["Location"] == reverse("dashboard:patient_summary", args=[patient.pk])
    assert patient.birth_date == datetime.date(1959, 2, 3)
    assert patient.coordinator == dana
    assert patient.contact_points.count() == 2
    assert patient.contact_points.get(kind="phone").ok_to_message
    assert patient.coverages.get().member_id == "HN-1"
    assert "Alvarez" not in answer["Location"]


def test_somebody_alike_is_shown_before_saving_and_can_be_overruled(client, dana, filled):
    known = make_patient(
        site=dana.sites.get(),
        family_name="Álvarez",
        given_name="María",
        birth_date=datetime.date(1959, 2, 3),
    )
    answer = client.post(NEW, filled)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert reverse("dashboard:patient_summary", args=[known.pk]) in page
    assert "same birth date, same family name, same given name" in page
    assert "points" in page
    assert 'value="Alvarez"' in page
    assert Patient.objects.count() == 1
    assert client.post(NEW, {**filled, "anyway": "1"}).status_code == 302
    assert Patient.objects.count() == 2


def test_a_shared_phone_is_shown_too(client, dana, filled):
    make_phone(make_patient(site=dana.sites.get(), family_name="Stone", birth_date=None))
    assert "same phone" in client.post(NEW, filled).content.decode()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"family_name": "", "given_name": " "}, "Enter a name."),
        ({"birth_date_month": "13"}, "That date does not exist"),
        ({"birth_date_year": ""}, "Enter month, day and year"),
        ({"birth_date_year": "2999"}, "cannot be in the future"),
        ({"phone-0-value": "555"}, "too few or too many digits"),
        ({"email": "nobody"}, "Enter an e-mail address"),
        ({"payer_name": ""}, "Enter the payer"),
        ({"family_name": "x" * 300}, "at most 120 characters"),
        ({"family_name": "a\x00b"}, "Null characters are not allowed"),
        ({"family_name": "\u200b", "given_name": ""}, "This name cannot be seen"),
        ({"site": "00000000-0000-7000-8000-000000000000"}, "valid choice"),
    ],
)
def test_mistakes_are_told_at_their_field_and_typing_is_kept(client, dana, filled, wrong, sentence):
    answer = client.post(NEW, {**filled, **wrong})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert 'value="HN-1"' in answer.content.decode()
    assert not Patient.objects.exists()


def test_a_taken_record_number_is_told_at_its_field(client, dana, filled):
    make_patient(mrn="77")
    answer = client.post(NEW, {**filled, "mrn": "77"})
    assert answer.status_code == 422
    assert "belongs to another patient" in answer.content.decode()


def test_nobody_registers_at_a_site_where_they_do_not_work(client, dana, filled):
    assert client.post(NEW, {**filled, "site": str(make_site().pk)}).status_code == 422


@pytest.mark.parametrize("role", [Role.PROVIDER, Role.BILLING, Role.ADMINISTRATOR, Role.AUDITOR])
def test_other_roles_register_nobody(client, role):
    client.force_login(make_user(role))
    assert client.post(NEW, {"begin": "1", "q": "x"}).status_code == 403


# --- changing -----------------------------------------------------------------------------------------


@pytest.fixture
def elena(dana):
    return make_patient(
        site=dana.sites.get(), family_name="Ramírez", given_name="Elena", sex="female", city="St. Paul"
    )


def fields_of(page: str) -> dict[str, str]:
    """What a browser would send back unchanged."""
    form = page[page.index('id="details"') :]
    sent = dict(
        re.findall(r'<input[^>]*name="([^"]+)"(?![^>]*type="(?:radio|checkbox)")[^>]*value="([^"]*)"', form)
    )
    sent |= dict(re.findall(r'<input type="radio" name="([^"]+)" value="([^"]*)"[^>]*checked', form))
    for select in re.findall(r"<select.*?</select>", form, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', select)
        sent[re.search(r'name="([^"]+)"', select)[1]] = chosen[1] if chosen else ""
    sent.pop("csrfmiddlewaretoken", None)
    return sent


def test_details_are_changed_and_nothing_else(client, elena):
    address = reverse("patients:patient_edit", args=[elena.pk])
    sent = fields_of(client.get(address).content.decode())
    assert client.post(address, sent).status_code == 302
    elena.refresh_from_db()
    assert elena.version == 1
    client.post(address, {**sent, "city": "Duluth", "birth_date_day": "15"})
    elena.refresh_from_db()
    assert (elena.city, elena.birth_date, elena.version) == ("Duluth", datetime.date(1958, 3, 15), 2)


def test_a_stale_save_shows_both_versions_and_the_choice_is_saved(client, elena, dana):
    address = reverse("patients:patient_edit", args=[elena.pk])
    sent = fields_of(client.get(address).content.decode())
    luz = make_user(site=elena.site, name="Luz Herrera")
    other = type(client)()
    other.force_login(luz)
    other.post(address, {**sent, "city": "Fargo", "birth_date_year": "1957"})
    answer = client.post(address, {**sent, "city": "Duluth", "best_time_to_call": "After 3"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Luz Herrera saved this" in page
    assert "Fargo" in page
    assert "Duluth" in page
    assert "Mar 14, 1957" in page
    elena.refresh_from_db()
    assert elena.city == "Fargo"
    choices = fields_of(page)
    assert choices["best_time_to_call"] == "After 3"
    assert client.post(address, {**choices, "birth_date": "1957-03-14"}).status_code == 302
    elena.refresh_from_db()
    assert (elena.city, elena.birth_date, elena.best_time_to_call, elena.sex) == (
        "Duluth",
        datetime.date(1957, 3, 14),
        "After 3",
        "female",
    )


def test_an_invalid_change_keeps_the_typing_and_the_version(client, elena):
    address = reverse("patients:patient_edit", args=[elena.pk])
    sent = fields_of(client.get(address).content.decode())
    answer = client.post(address, {**sent, "birth_date_month": "99", "city": "Kept"}, headers=HTMX)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="Kept"' in page
    assert 'name="version" value="1"' in page
    assert "<html" not in page


def test_a_language_that_came_with_an_import_stays_choosable(client, elena):
    Patient.objects.filter(pk=elena.pk).update(language="nv")
    address = reverse("patients:patient_edit", args=[elena.pk])
    assert fields_of(client.get(address).content.decode())["language"] == "nv"


def test_a_patient_of_another_site_cannot_be_changed(client, dana):
    address = reverse("patients:patient_edit", args=[make_patient().pk])
    assert client.get(address).status_code == 404
    assert client.post(address, {"city": "x"}).status_code == 404


def test_the_part_is_a_piece_of_the_page(client, elena):
    address = reverse("patients:patient_edit", args=[elena.pk])
    part = re.sub(
        r'csrfmiddlewaretoken" value="[^"]*"', "", client.get(address, headers=HTMX).content.decode()
    )
    whole = re.sub(r'csrfmiddlewaretoken" value="[^"]*"', "", client.get(address).content.decode())
    assert part.strip() in whole
