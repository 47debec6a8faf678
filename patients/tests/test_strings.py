"""Hostile and international text: kept exactly, or refused at its field. Reads SHARED_DATA when present."""

from __future__ import annotations

import csv
import datetime
import json
import os
import unicodedata
from pathlib import Path

import pytest
import yaml
from django.core.exceptions import ValidationError
from django.urls import reverse

from coordinator.tests.factories import make_site, make_user
from patients import services
from patients.models import Patient
from patients.selectors import find_patients
from patients.tests.factories import make_patient

NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)
ROOT = Path(__file__).resolve().parents[2]
STRINGS = Path(os.environ.get("SHARED_DATA", ROOT.parent / "shared" / "data")) / "strings"
needs_strings = pytest.mark.skipif(
    not (STRINGS / "blns.json").exists(), reason="SHARED_DATA/strings is not on this machine"
)


def attempt(service, **values):
    """(what was made, None) or (None, the fields that were refused)."""
    try:
        return service(**values), None
    except ValidationError as error:
        return None, set(error.message_dict)


@needs_strings
@pytest.mark.django_db
def test_every_naughty_string_is_kept_exactly_or_refused_at_its_field():
    site = make_site()
    user = make_user(site=site)
    kept = refused = 0
    for typed in json.loads((STRINGS / "blns.json").read_text()):
        patient, fields = attempt(
            services.register_patient,
            site=site,
            by=user,
            now=NOW,
            family_name=typed,
            given_name="A",
            address_line=typed[:200],
        )
        if patient is None:
            assert fields <= {"family_name", "address_line"}
            refused += 1
            continue
        patient.refresh_from_db()
        assert patient.family_name == unicodedata.normalize("NFC", typed).strip()
        kept += 1
    assert kept > 400
    assert refused < 100


@needs_strings
@pytest.mark.django_db
def test_notes_keep_naughty_strings_exactly():
    patient = make_patient()
    user = make_user(site=patient.site)
    for typed in json.loads((STRINGS / "blns.json").read_text()):
        note, fields = attempt(services.add_note, patient_id=patient.pk, body=typed, by=user, now=NOW)
        if note is None:
            assert fields == {"body"}
            continue
        note.refresh_from_db()
        assert note.body == typed.replace("\r\n", "\n").strip()


@needs_strings
@pytest.mark.django_db
def test_searching_for_naughty_strings_breaks_nothing():
    user = make_user()
    for typed in json.loads((STRINGS / "blns.json").read_text()):
        find_patients(user, typed, today=NOW.date())


@needs_strings
@pytest.mark.django_db
def test_people_of_every_locale_are_registered_and_found_by_their_names():
    site = make_site()
    user = make_user(site=site)
    lost = []
    with (STRINGS / "people_by_locale.csv").open() as file:
        people = list(csv.DictReader(file))[::4]
    for row in people:
        patient = services.register_patient(
            site=site, by=user, now=NOW, family_name=row["last_name"], given_name=row["first_name"]
        )
        patient.refresh_from_db()
        assert patient.family_name == unicodedata.normalize("NFC", row["last_name"]).strip()
        query = f"{row['first_name']} {row['last_name']}"
        if patient.pk not in [p.pk for p in find_patients(user, query, 50, today=NOW.date()).patients]:
            lost.append(query)
    assert not lost


@needs_strings
@pytest.mark.django_db
def test_example_numbers_of_every_region_are_normalized_or_refused():
    from patients.rules.telephones import NotANumber, normal_phone

    read = 0
    with (STRINGS / "phone_example_numbers.csv").open() as file:
        for row in csv.DictReader(file):
            numbers = [value for key, value in row.items() if value.startswith("+")]
            for number in numbers:
                try:
                    assert normal_phone(number).startswith("+")
                    read += 1
                except NotANumber:
                    assert row["valid"].lower() in ("false", "0", "no")
    assert read > 200


def parts_of_an_address(found):
    """The lines of our form from the parts a country's example names."""
    parts = {name: str(value) for name, value in found["components"].items()}
    place = next((parts[n] for n in ("city", "town", "village", "island", "suburb") if n in parts), "")
    line = " ".join(parts[n] for n in ("house_number", "house", "building", "road", "suburb") if n in parts)
    region = parts.get("state") or parts.get("region") or parts.get("county", "")
    return {
        "address_line": line,
        "city": place,
        "state": region,
        "postal_code": parts.get("postcode", ""),
        "country": parts.get("country", ""),
    }


@needs_strings
@pytest.mark.django_db
def test_addresses_of_251_countries_are_kept_exactly_or_refused_at_the_field():
    site = make_site()
    user = make_user(site=site)
    countries, refused = set(), []
    for file in sorted((STRINGS / "addresses").glob("*.yaml")):
        for found in yaml.safe_load_all(file.read_text()):
            address = parts_of_an_address(found)
            patient, fields = attempt(
                services.register_patient, site=site, by=user, now=NOW, family_name="A", **address
            )
            if patient is None:
                too_long = {n for n, v in address.items() if len(v) > Patient._meta.get_field(n).max_length}
                assert fields == too_long != set()
                refused.append(file.stem)
                continue
            patient.refresh_from_db()
            for name, value in address.items():
                assert getattr(patient, name) == unicodedata.normalize("NFC", value).strip()
            countries.add(file.stem)
    assert len(countries) == 251
    assert refused == ["es"]  # eighteen postal codes in one


@pytest.mark.django_db
def test_a_note_as_long_as_a_book_is_kept_and_a_megabyte_is_refused_with_its_text_on_the_page(client):
    patient = make_patient()
    client.force_login(make_user(site=patient.site))
    address = reverse("patients:note_new", args=[patient.pk])
    refused = client.post(address, {"body": "Ankle. " * 150_000, "kind": "progress"})
    assert refused.status_code == 422
    assert "at most 100000 characters" in refused.content.decode()
    assert "Ankle. " * 149_999 in refused.content.decode()
    assert not patient.notes.exists()
    book = ("Ankle. " * 15_000)[:100_000].strip()
    assert client.post(address, {"body": book, "kind": "progress"}).status_code == 302
    assert patient.notes.get().body == book
    for name in ("patient_summary", "patient_notes", "patient_timeline"):
        assert client.get(reverse(f"dashboard:{name}", args=[patient.pk])).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("month", "day", "year"),
    [
        ("2", "30", "1958"),
        ("13", "1", "1958"),
        ("0", "0", "0"),
        ("2", "29", "1900"),
        ("1", "1", "9999"),
        ("٣", "1", "1958"),
        ("-1", "1", "1958"),
    ],
)
def test_a_date_that_never_was_is_refused_at_its_field_and_stays_on_the_page(client, month, day, year):
    patient = make_patient(family_name="Ochoa", birth_date=datetime.date(1958, 3, 14))
    client.force_login(make_user(site=patient.site))
    address = reverse("patients:patient_edit", args=[patient.pk])
    sent = {"family_name": "Ochoa-Ruiz", "sex": "unknown", "tier": "1", "version": patient.version}
    born = {"birth_date_month": month, "birth_date_day": day, "birth_date_year": year}
    answer = client.post(address, sent | born)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="Ochoa-Ruiz"' in page
    assert f'value="{year}"' in page
    patient.refresh_from_db()
    assert (patient.family_name, patient.birth_date) == ("Ochoa", datetime.date(1958, 3, 14))


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["\x00", "a\ud800b", "\ufeff", "‮‭", "1;drop table patients_patient;--"])
def test_text_that_cannot_be_stored_never_reaches_the_database(typed):
    site = make_site()
    user = make_user(site=site)
    patient, fields = attempt(services.register_patient, site=site, by=user, now=NOW, family_name=typed)
    assert patient is not None or fields == {"family_name"}
    assert Patient.objects.count() <= 1
    find_patients(user, typed, today=NOW.date())
