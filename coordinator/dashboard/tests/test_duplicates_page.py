"""Possible duplicates: who sees which pairs, what is said about them, and keeping them apart."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coordinator.accounts.roles import Role
from coordinator.dashboard.run_duplicates import run_due_scan
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import System
from patients.models import Patient, PossibleDuplicate
from patients.services import scan_duplicates
from patients.tests.factories import make_patient, make_phone
from scheduling.tests.factories import make_appointment

pytestmark = pytest.mark.django_db
LIST = reverse("dashboard:patient_duplicates")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def lead(client):
    user = make_user(Role.LEAD, site=make_site())
    client.force_login(user)
    return user


def double(site, given="Elena", **fields):
    one = make_patient(site=site, given_name=given, mrn=f"{given}-1", **fields)
    return one, make_patient(site=site, given_name=given, mrn=f"{given}-2", **fields)


def scan():
    scan_duplicates(now=timezone.now(), by=System("duplicates"))


def test_both_identities_stand_side_by_side_with_points_and_reasons(client, lead):
    one, _two = double(lead.sites.get())
    make_phone(one)
    make_appointment(one, start=timezone.now() - datetime.timedelta(days=3), status="fulfilled")
    scan()
    page = client.get(LIST).content.decode()
    for words in ("Elena-1", "Elena-2", "24 points", "same birth date, same family name, same given name"):
        assert words in page
    assert "None yet" in page
    assert "(612) 555-0143" in page


def test_it_says_when_it_looked_last_and_when_that_is_late(client, lead):
    assert "has not finished for a day and a half" in client.get(LIST).content.decode()
    night = timezone.localtime().replace(hour=2, minute=30)
    run_due_scan(now=night)
    page = client.get(LIST).content.decode()
    assert "Last looked" in page
    assert "has not finished" not in page
    assert "No possible duplicates" in page


def test_pairs_of_another_site_are_not_there(client, lead):
    pairs = double(make_site())
    scan()
    assert pairs[0].mrn not in client.get(LIST).content.decode()
    pair = PossibleDuplicate.objects.get()
    for name in ("duplicate_apart", "duplicate_ask_again"):
        assert client.post(reverse(f"dashboard:{name}", args=[pair.pk]), {"reason": "x"}).status_code == 404
    Patient.objects.filter(pk=pair.one_id).update(site=lead.sites.get())
    assert client.get(reverse("dashboard:duplicate_apart", args=[pair.pk])).status_code == 404


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.PROVIDER, Role.BILLING, Role.ADMINISTRATOR])
def test_other_roles_do_not_decide(client, role):
    client.force_login(make_user(role))
    assert client.get(LIST).status_code == 403


def test_a_pair_is_kept_apart_with_a_reason_and_taken_back(client, lead):
    double(lead.sites.get())
    scan()
    pair = PossibleDuplicate.objects.get()
    address = reverse("dashboard:duplicate_apart", args=[pair.pk])
    assert client.post(address, {"reason": " "}).status_code == 422
    assert client.post(address, {"reason": "Cousins"})["Location"] == LIST
    assert "Elena-1" not in client.get(LIST).content.decode()
    page = client.get(f"{LIST}?state=different").content.decode()
    assert "Cousins" in page
    again = client.post(address, {"reason": "Cousins"})
    assert again.status_code == 422
    assert "has decided" in again.content.decode()
    assert client.post(reverse("dashboard:duplicate_ask_again", args=[pair.pk]))["Location"] == LIST
    assert "Elena-1" in client.get(LIST).content.decode()


def test_the_list_is_narrowed_by_points_place_and_name(client, lead):
    site = lead.sites.get()
    double(site)
    double(site, "Boris", family_name="Stone", birth_date=datetime.date(1971, 1, 2), city="Riverbend")
    scan()
    page = client.get(f"{LIST}?points=25").content.decode()
    assert "Boris-1" in page
    assert "Elena-1" not in page
    assert client.post(LIST, {"q": "stone"})["Location"] == LIST
    page = client.get(LIST).content.decode()
    assert "Boris-1" in page
    assert "Elena-1" not in page
    client.get(f"{LIST}?clear=1")
    assert "No pair matches" in client.get(f"{LIST}?state=different").content.decode()
    assert "Elena-1" in client.get(f"{LIST}?site={site.pk}").content.decode()
    assert client.get(f"{LIST}?site=x&points=y&from=z").status_code == 200


def test_the_list_comes_in_pages_with_a_constant_number_of_statements(client, lead):
    def look(address):
        with CaptureQueriesContext(connection) as queries:
            page = client.get(address, headers=HTMX).content.decode()
        return page, len(queries)

    def pair():
        one, two = double(lead.sites.get(), f"N{PossibleDuplicate.objects.count():02}")
        one, two = sorted((one, two), key=lambda patient: patient.pk)
        PossibleDuplicate.objects.create(one=one, two=two, points=12)

    pair()
    client.get(LIST)
    _page, few = look(LIST)
    for _n in range(21):
        pair()
    page, many = look(LIST)
    assert many == few
    assert page.count("<section") == 20
    assert "from=20" in page
    rest, _statements = look(f"{LIST}?from=20")
    assert rest.count("<section") == 2
    assert page not in client.get(LIST).content.decode()  # the pager's place differs, the pairs are the same
    assert page.split("<template>")[0].strip() in client.get(LIST).content.decode()


def test_the_patient_list_leads_there(client, lead):
    assert LIST in client.get(reverse("dashboard:patient_list"), follow=True).content.decode()
    client.force_login(make_user(site=lead.sites.get()))
    assert LIST not in client.get(reverse("dashboard:patient_list"), follow=True).content.decode()
