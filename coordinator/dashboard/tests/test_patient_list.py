"""The patient list: whose patients, narrowed and sorted, paged by key, remembered."""

from __future__ import annotations

import datetime
import re

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from careplans.models import ContactAttempt
from careplans.tests.factories import make_task
from coordinator.accounts.roles import Role
from coordinator.dashboard.models import SavedView
from coordinator.dashboard.patients import PatientFilters
from coordinator.tests.factories import make_site, make_user
from patients.models import Patient, PatientStatus
from patients.tests.factories import make_patient, make_phone
from scheduling.tests.factories import make_appointment

pytestmark = pytest.mark.django_db
URL = reverse("dashboard:patient_list")


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def dana(client, site):
    user = make_user(site=site, name="Dana Whitfield")
    client.force_login(user)
    return user


def names(response) -> list[str]:
    return re.findall(r'class="rowlink"[^>]*>([^<]+)<', response.content.decode())


def people(site, *given, **fields):
    return [make_patient(site=site, family_name="Abdi", given_name=name, **fields) for name in given]


def test_a_coordinator_sees_their_own_active_patients_first(client, site, dana):
    people(site, "Mine", coordinator=dana)
    people(site, "Gone", coordinator=dana, status=PatientStatus.INACTIVE)
    people(site, "Other", coordinator=make_user(site=site))
    people(site, "Nobodys")
    assert names(client.get(URL)) == ["ABDI, Mine"]
    assert len(names(client.get(URL, {"coordinator": "any"}))) == 3
    assert names(client.get(URL, {"coordinator": "none"})) == ["ABDI, Nobodys"]
    assert len(names(client.get(URL, {"coordinator": "me", "status": "all"}))) == 2


def test_a_manager_starts_with_everyone(client, site):
    client.force_login(make_user(Role.MANAGER, site=site))
    people(site, "One", "Two")
    assert len(names(client.get(URL))) == 2


def test_somebody_from_another_site_finds_nothing(client, site, dana):
    people(site, "Here", coordinator=dana)
    client.force_login(make_user(Role.MANAGER))
    assert names(client.get(URL, {"coordinator": "any", "status": "all"})) == []
    assert names(client.get(URL, {"coordinator": str(dana.pk)})) == []


@pytest.mark.parametrize(
    ("choice", "shown"),
    [
        ({"tier": "4"}, ["ABDI, Hi"]),
        ({"language": "es"}, ["ABDI, Sp"]),
        ({"status": "deceased"}, ["ABDI, Dead"]),
        ({"tier": "9", "language": "xx", "status": "what", "sort": "size", "coordinator": "-1"}, None),
    ],
)
def test_choices_narrow_the_list_and_nonsense_counts_as_the_default(client, site, dana, choice, shown):
    people(site, "Hi", tier=4, coordinator=dana)
    people(site, "Sp", language="es-MX", coordinator=dana)
    people(site, "Dead", status=PatientStatus.DECEASED, coordinator=dana)
    found = names(client.get(URL, choice))
    assert found == shown if shown else len(found) == 2


@pytest.mark.parametrize(("language", "first"), [("en", ["am", "ar", "zh"]), ("es", ["am", "ar", "zh"])])
def test_languages_stand_in_the_order_of_their_names(dana, language, first):
    with override(language):
        filters = PatientFilters(QueryDict(), user=dana, colleagues=[])
        codes = [code for code, _name in filters.fields["language"].choices]
        assert codes[:4] == ["", *first]
        assert codes.index("ht") < codes.index("hmn")


def test_typed_text_narrows_the_list_and_stays_out_of_the_address(client, site, dana):
    make_phone(people(site, "Zoë", coordinator=dana)[0])
    people(site, "Hodan", coordinator=dana)
    for typed in ("zoe", "0143", "abdi zoë"):
        answer = client.post(URL, {"q": typed, "coordinator": "me"})
        assert answer.status_code == 302
        assert typed not in answer["Location"]
        assert names(client.get(answer["Location"])) == ["ABDI, Zoë"]
    assert len(names(client.get(URL, {"clear": "1"}))) == 2
    assert len(names(client.get(URL))) == 2


def test_choices_survive_leaving_the_page_and_another_browser(client, site, dana, django_user_model):
    client.get(URL, {"coordinator": "any", "tier": "3"})
    assert client.get(URL)["Location"] == f"{URL}?coordinator=any&tier=3"
    other = type(client)()
    other.force_login(dana)
    assert other.get(URL)["Location"] == f"{URL}?coordinator=any&tier=3"
    assert SavedView.objects.get(user=dana, page="patients").query == "coordinator=any&tier=3"


def test_sorting_by_birth_date_puts_people_without_one_last(client, site, dana):
    for given, born in (("Old", 1930), ("Young", 2001), ("Mid", 1970)):
        people(site, given, coordinator=dana, birth_date=datetime.date(born, 1, 1))
    people(site, "Unknown", coordinator=dana, birth_date=None)
    oldest = names(client.get(URL, {"sort": "birth_date"}))
    youngest = names(client.get(URL, {"sort": "-birth_date"}))
    assert oldest == ["ABDI, Old", "ABDI, Mid", "ABDI, Young", "ABDI, Unknown"]
    assert youngest == ["ABDI, Young", "ABDI, Mid", "ABDI, Old", "ABDI, Unknown"]


@pytest.mark.parametrize("sort", ["name", "-name", "birth_date", "-birth_date"])
@pytest.mark.parametrize("sites", [1, 2])
def test_pages_by_key_show_everybody_once(client, site, sort, sites):
    places = [site, make_site()][:sites]
    client.force_login(make_user(Role.MANAGER, sites=places))
    Patient.objects.bulk_create(
        Patient(
            site=places[n % sites],
            mrn=f"P{n}",
            family_name="Same" if n % 3 else f"Fam{n}",
            given_name=f"G{n}",
            search_name="same" if n % 3 else f"fam{n}",
            birth_date=None if n % 5 == 0 else datetime.date(1950, 1, 1) + datetime.timedelta(days=n // 7),
        )
        for n in range(120)
    )
    seen: list[str] = []
    address = f"{URL}?coordinator=any&sort={sort}"
    for _page in range(4):
        body = client.get(address).content.decode()
        seen += re.findall(r'class="rowlink"[^>]*>([^<]+)<', body)
        more = re.search(r'class="btn small" href="(\?[^"]*after=[^"]*)"', body)
        if not more:
            break
        address = URL + more[1].replace("&amp;", "&")
        assert "Fam" not in address
    assert len(seen) == len(set(seen)) == 120


def test_a_key_that_is_not_theirs_gives_nothing_away(client, site, dana):
    stranger = make_patient()
    people(site, "Mine", coordinator=dana)
    assert names(client.get(URL, {"after": str(stranger.pk), "coordinator": "me"})) == []
    assert names(client.get(URL, {"after": "not-a-key", "coordinator": "me"})) == ["ABDI, Mine"]


def test_a_row_says_next_visit_open_work_and_last_contact(client, site, dana):
    patient = people(site, "Zoë", coordinator=dana, tier=3)[0]
    now = timezone.now()
    make_appointment(patient, start=now + datetime.timedelta(days=9))
    make_appointment(patient, start=now + datetime.timedelta(days=4), status="cancelled")
    make_task(patient, owner=dana)
    make_task(patient, owner=dana, status="completed", ended_at=now)
    ContactAttempt.objects.create(
        patient=patient, outcome="no_answer", reached=False, at=now - datetime.timedelta(days=2)
    )
    row = client.get(URL).context["listing"].rows[0]
    assert row.next_visit_at == now + datetime.timedelta(days=9)
    assert row.open_tasks == 1
    assert row.last_contact_at == now - datetime.timedelta(days=2)


def test_the_part_is_a_piece_of_the_page(client, site, dana):
    for n in range(60):
        make_patient(site=site, coordinator=dana, family_name=f"Fam{n:02}")
    last = client.get(URL, {"coordinator": "me"}).context["listing"].after
    query = {"coordinator": "me", "after": str(last)}
    part = client.get(URL, query, headers={"HX-Request": "true"}).content.decode()
    whole = client.get(URL, query).content.decode()
    assert part.count("<tr data-row>") == 10
    assert part[: part.index("</tr>")].strip() in whole
    assert "<html" not in part


def count(client) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(URL, {"coordinator": "me"})
    return len(captured)


def test_one_row_costs_as_many_queries_as_twenty(client, site, dana):
    patient = people(site, "One", coordinator=dana)[0]
    make_task(patient, owner=dana)
    make_appointment(patient)
    count(client)
    one = count(client)
    for n in range(20):
        other = people(site, f"P{n}", coordinator=dana)[0]
        make_task(other, owner=dana)
        make_appointment(other)
    assert count(client) == one


def test_the_list_itself_costs_two_queries(client, site, dana):
    people(site, "One", coordinator=dana)
    count(client)
    with CaptureQueriesContext(connection) as captured:
        client.get(URL, {"coordinator": "me"})
    ours = [q["sql"] for q in captured if "patients_patient" in q["sql"] or "assign" in q["sql"]]
    rail = ("dashboard_pinnedpatient", "referrals_referral")  # pins, and the numbers beside the links
    assert len([sql for sql in ours if not any(table in sql for table in rail)]) == 1


def test_an_empty_list_says_what_to_do(client, dana):
    assert "Find a patient" in client.get(URL).content.decode()
    assert "matches your filters" in client.get(URL, {"tier": "4"}).content.decode()
