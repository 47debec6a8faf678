"""What a typed line means, and whom the finder shows for it."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from coordinator.accounts.roles import Role
from coordinator.tests.factories import make_site, make_user
from patients.models import ContactPoint, Coverage, Patient, PatientIdentifier
from patients.rules.duplicates import person_from
from patients.rules.finding import read_query
from patients.rules.text import fold
from patients.selectors import find_patients, possible_duplicates
from patients.tests.factories import make_patient, make_phone

TODAY = datetime.date(2026, 11, 21)
BORN = datetime.date(1958, 3, 14)


# --- reading ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "3/14/1958",
        "03/14/1958",
        "03-14-1958",
        "3.14.1958",
        "14/3/1958",
        "3/14/58",
        "3 14 1958",
        "1958-03-14",
        "1958/3/14",
        "Mar 14 1958",
        "March 14, 1958",
        "march 14th 1958",
        "14 mar 1958",
        "14 March 1958",
        "14 de marzo de 1958",
        "03141958",
        "19580314",
        "٣/١٤/١٩٥٨",
    ],
)
def test_a_birth_date_is_read_in_its_usual_spellings(typed):
    wanted = read_query(typed, TODAY)
    assert (BORN, BORN) in (wanted.born or wanted.numbers[0].born)
    assert not wanted.words


@pytest.mark.parametrize("typed", ["2/30/1958", "13/13/1958", "1/1/2030", "0/0/0000", "99999999"])
def test_a_date_that_never_was_is_not_one(typed):
    wanted = read_query(typed, TODAY)
    assert not wanted.born
    assert not any(number.born for number in wanted.numbers)


def test_a_year_counts_beside_a_name_only():
    assert read_query("ramirez 1958", TODAY).numbers[0].born
    assert not read_query("1958", TODAY).numbers[0].born


@pytest.mark.parametrize("typed", ["garcia 3/1958", "garcia mar 1958", "marzo de 1958 garcia", "garcia 3/58"])
def test_a_month_of_a_year_is_read_beside_a_name(typed):
    wanted = read_query(typed, TODAY)
    assert wanted.words == ("garcia",)
    assert wanted.born == ((datetime.date(1958, 3, 1), datetime.date(1958, 3, 31)),)
    assert wanted.birth_day is None


@pytest.mark.parametrize("typed", ["garcia 3/14", "garcia mar 14", "14 de marzo garcia", "garcia 14 mar"])
def test_a_day_without_a_year_is_read_beside_a_name(typed):
    wanted = read_query(typed, TODAY)
    assert wanted.words == ("garcia",)
    assert (BORN, BORN) in wanted.born
    assert {(first.month, first.day) for first, _last in wanted.born} == {(3, 14)}
    assert wanted.birth_day is None


@pytest.mark.parametrize("typed", ["3/14", "mar 14", "3/1958", "555-0143", "12-4567"])
def test_a_part_of_a_date_alone_is_none(typed):
    assert not read_query(typed, TODAY).born


def test_a_given_name_that_is_a_month_stays_a_name():
    assert read_query("jan 3/14/1958", TODAY) == read_query("3/14/1958 jan", TODAY)
    assert read_query("jan 3/14/1958", TODAY).words == ("jan",)
    wanted = read_query("smith may 1958", TODAY)
    assert wanted.words == ("smith", "may")
    assert not wanted.born


def test_two_digits_of_a_year_may_be_either_century_but_never_the_future():
    assert len(read_query("1/2/03", TODAY).numbers[0].born) == 2
    assert len(read_query("1/2/58", TODAY).numbers[0].born) == 1


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("(612) 555-0143", "6125550143"),
        ("612.555.0143", "6125550143"),
        ("612 555 0143", "6125550143"),
        ("+1 612 555 0143", "16125550143"),
        ("555-0143", "5550143"),
        ("0143", "0143"),
        ("004 812 907", "004812907"),
    ],
)
def test_numbers_are_read_with_any_punctuation(typed, digits):
    assert read_query(typed, TODAY).numbers[0].digits == digits


@pytest.mark.parametrize("typed", ["", "   ", "\x00", "\ud800", "!!!", "'", "%%%", "—", "💥" * 200])
def test_nothing_readable_wants_nothing_and_breaks_nothing(typed):
    assert not read_query(typed, TODAY)


def test_words_are_folded_like_names():
    assert read_query("  O’Brien, SOFÍA ", TODAY).words == ("obrien", "sofia")
    assert fold("Łukasz Ørsted Straße İbrahim") == "lukasz orsted strasse ibrahim"
    assert fold("हिन्दी") == "हिनदी"


# --- finding ------------------------------------------------------------------------------------------


@pytest.fixture
def clinic(db):
    site = make_site()
    user = make_user(site=site)
    elena = make_patient(
        site=site, family_name="Ramírez-Ortiz", given_name="Elena", preferred_name="Lena", birth_date=BORN
    )
    make_patient(site=site, family_name="Ramsey", given_name="Helena", birth_date=datetime.date(1990, 9, 2))
    make_patient(site=site, family_name="Kowalski", given_name="Daniel", birth_date=datetime.date(1971, 7, 2))
    return user, elena


def names(user, query, **options):
    return [p.given_name for p in find_patients(user, query, today=TODAY, **options).patients]


@pytest.mark.parametrize(
    "query",
    [
        "ramirez elena",
        "Elena Ramírez",
        "ortiz",
        "ele ram",
        "LENA ortiz",
        "ramirez 1958",
        "ramirez 3/14/1958",
        "3/14/1958",
        "1958-03-14",
        "Mar 14 1958",
        "14 mar 1958",
        "ramírez, elena 14 mar 1958",
    ],
)
def test_a_person_is_found_by_parts_of_name_and_birth_date(clinic, query):
    user, _elena = clinic
    assert names(user, query)[0] == "Elena"


def test_whole_names_come_before_pieces_of_names(clinic):
    user, _elena = clinic
    assert names(user, "elena") == ["Elena", "Helena"]


@pytest.mark.parametrize("query", ["ramirz elena", "elana ramires", "kowalsky", "danel kowalski"])
def test_typing_errors_find_similar_names_and_say_so(clinic, query):
    user, _elena = clinic
    found = find_patients(user, query, today=TODAY)
    assert found.near
    assert found.patients[0].given_name == ("Daniel" if "kow" in query else "Elena")


def test_an_exact_match_is_not_mixed_with_similar_names(clinic):
    user, _elena = clinic
    assert not find_patients(user, "kowalski", today=TODAY).near


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("ramires elena", ["sounds like “ramires”"]),
        ("elena ramriez", ["sounds like “ramriez”"]),
        ("elema ortiz", ["one letter from “elema”"]),
        ("elena ramirez 3/15/1958", ["birth date one digit apart"]),
        ("elena ramirez 03151958", ["birth date one digit apart"]),
        ("ramires 3/14/1958", ["sounds like “ramires”"]),
        ("ramirezortiz elena luz 3/14/1958", ["without “luz”"]),
    ],
)
def test_a_slip_is_forgiven_and_told(clinic, query, why):
    user, _elena = clinic
    found = find_patients(user, query, today=TODAY)
    assert found.near
    assert (found.patients[0].given_name, found.patients[0].why) == ("Elena", why)


def test_swapped_day_and_month_find_the_person(clinic):
    user, elena = clinic
    Patient.objects.filter(pk=elena.pk).update(birth_date=datetime.date(1958, 3, 4))
    [found] = find_patients(user, "elena ramirez 4/3/1958", today=TODAY).patients
    assert found.why == ["birth date with day and month swapped"]


def test_with_a_birth_date_similar_names_come_after_pieces_of_names(clinic):
    user, elena = clinic
    make_patient(site=elena.site, family_name="Smithson", given_name="Ana", birth_date=BORN)
    make_patient(site=elena.site, family_name="Smyth", given_name="Ana", birth_date=BORN)
    found = find_patients(user, "ana smith 3/14/1958", today=TODAY)
    assert [p.family_name for p in found.patients] == ["Smithson", "Smyth"]
    assert not found.near
    make_patient(site=elena.site, family_name="Smith", given_name="Ana", birth_date=BORN)
    assert [p.family_name for p in find_patients(user, "ana smith 3/14/1958", today=TODAY).patients] == [
        "Smith",
        "Smithson",
    ]


def test_nothing_but_the_typed_names_comes_first(clinic):
    user, elena = clinic
    make_patient(site=elena.site, family_name="Alvarez Lopez", given_name="Ana")
    make_patient(site=elena.site, family_name="Lopez", given_name="Ana")
    assert [p.family_name for p in find_patients(user, "ana lopez", today=TODAY).patients] == [
        "Lopez",
        "Alvarez Lopez",
    ]


def test_a_name_that_the_row_does_not_show_is_told(clinic):
    user, elena = clinic
    elena.former_family_name = "Castillo"
    elena.save()
    [found] = find_patients(user, "castillo", today=TODAY).patients
    assert found.why == ["former family name Castillo"]


@pytest.mark.parametrize("query", ["004812908", "0144", "1eg4-te5-mk74", "3/15/1958"])
def test_a_number_or_a_date_alone_is_never_guessed(clinic, query):
    user, elena = clinic
    Patient.objects.filter(pk=elena.pk).update(mrn="004812907")
    Coverage.objects.create(patient=elena, payer_name="Medicare", member_id="1eg4-te5-mk73")
    make_phone(elena)
    assert names(user, query) == []


@pytest.mark.parametrize("query", ["0143", "555-0143", "(612) 555-0143", "+16125550143", "612 555 0143"])
def test_two_people_who_share_a_phone_are_both_shown_with_birth_dates(clinic, query):
    user, elena = clinic
    ana = make_patient(site=elena.site, given_name="Ana", birth_date=datetime.date(1985, 1, 9))
    make_phone(elena)
    make_phone(ana, owner_name="Elena", owner_relationship="mother")
    found = find_patients(user, query, today=TODAY).patients
    assert {(p.given_name, p.birth_date) for p in found} == {("Elena", BORN), ("Ana", ana.birth_date)}
    assert all(p.matched_phones for p in found)


def test_a_number_no_longer_in_use_finds_nobody(clinic):
    user, elena = clinic
    make_phone(elena, ended_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    assert names(user, "0143") == []


def test_record_number_member_number_and_other_identifiers_are_found_exactly(clinic):
    user, elena = clinic
    Patient.objects.filter(pk=elena.pk).update(mrn="004812907")
    Coverage.objects.create(patient=elena, payer_name="Medicare", member_id="1eg4-te5-mk73")
    PatientIdentifier.objects.create(patient=elena, kind="DL", system="urn:dl", value="S99-1x")
    for query in ("004812907", "004 812 907", "1EG4-TE5-MK73", "s99-1X"):
        assert names(user, query) == ["Elena"], query
    assert names(user, "1EG4") == []


def test_somebody_from_another_site_finds_nothing(clinic):
    _user, elena = clinic
    make_phone(elena)
    for stranger in (make_user(), make_user(Role.ADMINISTRATOR, site=elena.site)):
        for query in (
            "elena",
            "0143",
            elena.mrn,
            "3/14/1958",
            "elenna ramirz",
            "ramires 3/14/1958",
            "elena ramirez 3/15/1958",
        ):
            found = find_patients(stranger, query, today=TODAY)
            assert (found.patients, found.near, found.more) == ([], False, False)


def test_the_rest_is_announced_when_there_are_more(clinic):
    user, elena = clinic
    for _n in range(5):
        make_patient(site=elena.site, family_name="Abdi")
    found = find_patients(user, "abdi", 3, today=TODAY)
    assert len(found.patients) == 3
    assert found.more


@pytest.mark.parametrize(
    "query",
    ["elena", "elenna", "0143", "elena 0143", "elan 0143", "004 812 907", "3/14/1958", "ele ramir 3/14/1958"],
)
def test_finding_costs_at_most_three_statements(clinic, query):
    user, elena = clinic
    make_phone(elena)
    user.site_ids  # noqa: B018  (read once per request)
    with CaptureQueriesContext(connection) as queries:
        find_patients(user, query, today=TODAY)
    assert len(queries) <= 3


@pytest.mark.parametrize(
    "query",
    [
        "ramirez",
        "0143",
        "004812907",
        "3/14/1958",
        "ramirez 1958",
        "gacria",
        "rodriguze elna",
        "ramires 3/14/1958",
        "elna 0143",
    ],
)
def test_finding_reads_indexes_and_never_the_whole_table(clinic, query):
    user, elena = clinic
    _many(elena)
    with CaptureQueriesContext(connection) as queries:
        find_patients(user, query, today=TODAY)
    for query in queries.captured_queries:
        with connection.cursor() as cursor:
            # A small table is read whole for good reasons; the question is whether an index can serve.
            cursor.execute("set local enable_seqscan = off")
            cursor.execute("explain " + query["sql"])
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "Seq Scan on patients_patient " not in plan
        assert "Seq Scan on patients_contactpoint" not in plan


def _many(like):
    Patient.objects.bulk_create(
        Patient(
            site=like.site,
            mrn=f"M{n}",
            family_name=f"Fam{n}",
            search_name=f"fam{n} given",
            birth_date=BORN + datetime.timedelta(days=n),
        )
        for n in range(500)
    )
    ContactPoint.objects.bulk_create(
        ContactPoint(patient=p, kind="phone", value="1", normalized=f"+1612555{n:04d}", last_four=f"{n:04d}")
        for n, p in enumerate(Patient.objects.filter(mrn__startswith="M"))
    )


# --- duplicates -----------------------------------------------------------------------------------------


def doubles(user, given, family, born=None, *, phones=(), emails=(), numbers=(), mrn=""):
    details = {"given_name": given, "family_name": family, "birth_date": born}
    who = person_from(details, phones=phones, emails=emails, numbers=numbers)
    found = possible_duplicates(user, who, codes=[*numbers, mrn])
    return [(d.patient.given_name, d.match.reasons) for d in found]


def test_same_birth_date_and_similar_name_looks_doubled(clinic):
    user, _elena = clinic
    same = [("Elena", ["same birth date", "same family name", "same given name"])]
    assert doubles(user, "Elena", "Ramirez Ortiz", BORN) == same
    near = [("Elena", ["same birth date", "almost the same given name", "similar family name"])]
    assert doubles(user, "Elene", "Ramires", BORN) == near
    [(_name, reasons)] = doubles(user, "Ramirez Ortiz", "Elena", BORN)
    assert reasons[-1] == "given and family name swapped"
    assert doubles(user, "Bob", "Stone", BORN) == []


def test_a_birth_date_with_day_and_month_swapped_or_mistyped_is_found(clinic):
    user, elena = clinic
    Patient.objects.filter(pk=elena.pk).update(birth_date=datetime.date(1958, 3, 4))
    for typed in ((1958, 4, 3), (1958, 3, 24), (1985, 3, 4)):
        assert doubles(user, "Elena", "Ramirez", datetime.date(*typed)), typed


def test_a_shared_phone_is_always_told(clinic):
    user, elena = clinic
    make_phone(elena)
    [(_name, reasons)] = doubles(user, "Bob", "Stone", phones=["+16125550143"])
    assert reasons == ["same phone", "other family name", "other given name"]


def test_the_same_email_or_number_finds_a_person_whose_name_changed(clinic):
    user, elena = clinic
    ContactPoint.objects.create(
        patient=elena, kind="email", value="er@example.com", normalized="er@example.com"
    )
    Coverage.objects.create(patient=elena, payer_name="Medicare", member_id="1EG4-TE5")
    PatientIdentifier.objects.create(patient=elena, system="old", value="OLD-77")
    assert doubles(user, "Elena", "Stone", emails=["er@example.com"])
    assert doubles(user, "Elena", "Stone", numbers=["1eg4-te5"])
    assert doubles(user, "Elena", "Stone", mrn="old-77")
    assert doubles(user, "Elena", "Stone", mrn=elena.mrn)


def test_a_member_number_of_the_whole_family_names_nobody(clinic):
    user, elena = clinic
    Coverage.objects.create(
        patient=elena, payer_name="Medicare", member_id="1EG4", relationship_to_subscriber="child"
    )
    assert doubles(user, "Elena", "Stone", numbers=["1EG4"]) == []


def test_duplicates_at_other_sites_are_not_given_away(clinic):
    _user, elena = clinic
    assert doubles(make_user(), elena.given_name, elena.family_name, BORN) == []
    assert doubles(make_user(), "Elena", "Stone", mrn=elena.mrn) == []
