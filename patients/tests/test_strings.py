"""Hostile and international text: kept exactly, or refused at its field. Reads SHARED_DATA when present."""

from __future__ import annotations

import csv
import datetime
import json
import os
import unicodedata
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

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


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["\x00", "a\ud800b", "\ufeff", "‮‭", "1;drop table patients_patient;--"])
def test_text_that_cannot_be_stored_never_reaches_the_database(typed):
    site = make_site()
    user = make_user(site=site)
    patient, fields = attempt(services.register_patient, site=site, by=user, now=NOW, family_name=typed)
    assert patient is not None or fields == {"family_name"}
    assert Patient.objects.count() <= 1
    find_patients(user, typed, today=NOW.date())
