"""Review and merge, "Merged lately", and where the addresses of a merged record lead."""

from __future__ import annotations

import datetime
import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from careplans.tests.factories import make_task
from coordinator.accounts.roles import Role
from coordinator.api.permissions import SCOPES
from coordinator.api.services import create_client
from coordinator.dashboard import summary
from coordinator.dashboard.models import PinnedPatient
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import System
from patients.models import Note, Patient, PatientMerge, PossibleDuplicate
from patients.services import inactivate_patient, merge_patients, scan_duplicates
from patients.tests.factories import make_patient, make_phone
from scheduling.tests.factories import make_appointment, make_service

pytestmark = pytest.mark.django_db
LIST, LATELY = reverse("dashboard:patient_duplicates"), reverse("dashboard:duplicate_merged")


@pytest.fixture
def lead(client):
    user = make_user(Role.LEAD, site=make_site())
    client.force_login(user)
    return user


@pytest.fixture
def pair(lead):
    site = lead.sites.get()
    make_patient(site=site, mrn="A-1", given_name="Elena", city="Riverbend", middle_name="Q")
    make_patient(site=site, mrn="B-2", given_name="Elena", city="Cedar Falls", middle_name="")
    scan_duplicates(now=timezone.now(), by=System("duplicates"))
    return PossibleDuplicate.objects.get()


def address(pair, keep=None):
    return reverse("dashboard:duplicate_merge", args=[pair.pk]) + (f"?keep={keep.pk}" if keep else "")


def chosen(pair, page, **more):
    """What the browser would send: the checked radio of each field."""
    rows = page.context["rows"]
    data = {row.name: choice.key for row in rows for choice in row.choices if choice.checked}
    return {"reason": "Called and confirmed", **data, **more}


def merge(one, two):
    return merge_patients(
        survivor_id=one.pk, other_id=two.pk, choices={}, reason="Same", by=System("test"), now=timezone.now()
    )


def test_the_list_leads_to_the_review_of_a_pair(client, pair):
    assert address(pair) in client.get(LIST).content.decode()
    page = client.get(address(pair)).content.decode()
    for words in (
        "Cedar Falls",
        "Riverbend",
        "The same in both",
        "Merge the two records",
        "Nothing is deleted",
    ):
        assert words in page


def test_the_record_that_holds_more_survives_unless_one_is_named(client, pair):
    make_task(pair.two)
    page = client.get(address(pair))
    assert page.context["survivor"] == pair.two
    assert page.context["counts"][1][1:] == (1, 0)
    assert client.get(address(pair, pair.one)).context["survivor"] == pair.one


def test_only_fields_that_differ_are_asked_with_the_default_checked(client, pair):
    page = client.get(address(pair, pair.two))
    rows = {
        row.name: [choice.words for choice in row.choices if choice.checked] for row in page.context["rows"]
    }
    assert rows == {"city": ["Cedar Falls"], "middle_name": ["Q"]}


def test_merging_leads_to_the_survivor_with_undo(client, pair):
    page = client.get(address(pair, pair.one))
    answer = client.post(address(pair, pair.one), chosen(pair, page, city=str(pair.two_id)))
    assert answer["Location"] == reverse("dashboard:patient_summary", args=[pair.one_id])
    merged = PatientMerge.objects.get()
    assert (merged.survivor_id, merged.other_id, merged.created_by) == (
        pair.one_id, pair.two_id, PossibleDuplicate.objects.get().decided_by,
    )  # fmt: skip
    assert Patient.objects.get(pk=pair.one_id).city == "Cedar Falls"
    undo = reverse("dashboard:duplicate_merge_undo", args=[merged.pk])
    assert undo in client.get(answer["Location"]).content.decode()
    assert client.post(undo)["Location"] == LIST
    assert {patient.status for patient in Patient.objects.all()} == {"active"}
    assert address(pair) in client.get(LIST).content.decode()
    assert client.post(undo).status_code == 409


def test_a_refusal_keeps_what_was_typed_and_chosen(client, pair, lead):
    page = client.get(address(pair, pair.one))
    data = chosen(pair, page, city=str(pair.two_id))
    answer = client.post(address(pair, pair.one), data | {"reason": " "})
    assert answer.status_code == 422
    rows = {
        row.name: [choice.key for choice in row.choices if choice.checked] for row in answer.context["rows"]
    }
    assert rows["city"] == [str(pair.two_id)]
    assert client.post(address(pair, pair.one), {"reason": "Same"}).status_code == 422
    soon = timezone.now() + datetime.timedelta(days=3)
    for patient, name in ((pair.one, "Wound care"), (pair.two, "Dressing")):
        make_appointment(patient, start=soon, service=make_service(name=name), practitioner=None)
    assert "Two visits overlap: Wound care" in client.get(address(pair, pair.one)).content.decode()
    answer = client.post(address(pair, pair.one), data)
    assert answer.status_code == 422
    assert "Two visits overlap: Wound care" in answer.content.decode()
    assert "Called and confirmed" in answer.content.decode()
    assert not PatientMerge.objects.exists()


def test_a_death_has_no_default(client, pair):
    Patient.objects.filter(pk=pair.two_id).update(status="deceased", deceased_on=datetime.date(2026, 11, 1))
    page = client.get(address(pair, pair.one))
    assert "status" not in chosen(pair, page)
    assert "Choose which standing is right" in page.content.decode()
    assert client.post(address(pair, pair.one), chosen(pair, page)).status_code == 422
    assert (
        client.post(address(pair, pair.one), chosen(pair, page, status=str(pair.two_id))).status_code == 302
    )
    assert Patient.objects.get(pk=pair.one_id).status == "deceased"


def test_consequences_are_said_in_words(client, pair):
    for patient in (pair.one, pair.two):
        make_phone(patient, "+16125550143")
    assert "is in both records. It is kept once" in client.get(address(pair)).content.decode()


def test_the_part_is_a_piece_of_the_page(client, pair):
    part = client.get(address(pair), headers={"HX-Request": "true"}).content.decode()
    whole = client.get(address(pair)).content.decode()
    assert part.partition("csrfmiddlewaretoken")[0].strip() in whole
    assert "<html" not in part


# --- merged lately ----------------------------------------------------------------------------------------


def test_merged_lately_leads_to_taking_apart_with_what_stays(client, pair):
    assert "Nothing was merged" in client.get(LATELY).content.decode()
    merged = merge(pair.one, pair.two)
    apart = reverse("dashboard:duplicate_take_apart", args=[merged.pk])
    assert apart in client.get(LATELY).content.decode()
    assert "Nothing was written since" in client.get(apart).content.decode()
    Note.objects.create(patient=pair.one, body="Feet swollen")
    page = client.get(apart)
    assert page.context["stays"] == [("Notes", 1)]
    assert client.post(apart, {"reason": " "}).status_code == 422
    assert client.post(apart, {"reason": "Cousins"})["Location"] == LATELY
    page = client.get(LATELY).content.decode()
    assert "Taken apart on" in page
    assert "Cousins" in page
    again = client.post(apart, {"reason": "Cousins"})
    assert again.status_code == 422
    assert "taken apart already" in again.content.decode()


def test_merges_of_another_site_are_not_there(client, lead):
    merged = merge(make_patient(), make_patient())
    half = merge(make_patient(site=lead.sites.get()), make_patient())
    page = client.get(LATELY).content.decode()
    for there in (merged, half):
        assert there.other.mrn not in page
        assert client.get(reverse("dashboard:duplicate_take_apart", args=[there.pk])).status_code == 404
        assert client.post(reverse("dashboard:duplicate_merge_undo", args=[there.pk])).status_code == 404
        assert client.get(reverse("dashboard:patient_summary", args=[there.other_id])).status_code == 404


def test_the_list_of_merges_needs_the_same_number_of_statements_for_many(client, lead):
    def look():
        with CaptureQueriesContext(connection) as queries:
            client.get(LATELY)
        return len(queries)

    site = lead.sites.get()
    merge(make_patient(site=site), make_patient(site=site))
    look()
    few = look()
    for _n in range(8):
        merge(make_patient(site=site), make_patient(site=site))
    assert look() == few


# --- who was merged is met nowhere -----------------------------------------------------------------------


def test_the_old_address_leads_to_the_survivor_and_says_so_through_a_chain(client, pair, lead):
    third = make_patient(site=lead.sites.get())
    merge(pair.one, pair.two)
    merge(third, pair.one)
    old = reverse("dashboard:patient_summary", args=[pair.two_id])
    answer = client.get(old)
    assert answer["Location"] == reverse("dashboard:patient_summary", args=[third.pk])
    assert "The record B-2 was merged into this one." in client.get(answer["Location"]).content.decode()
    for name in ("timeline", "tasks", "details"):
        assert client.get(reverse(f"dashboard:patient_{name}", args=[pair.two_id])).status_code == 404
    client.force_login(make_user(Role.COORDINATOR))
    assert client.get(old).status_code == 404


def test_the_timeline_tells_both_histories_until_they_are_taken_apart(client, pair):
    deactivated = "Moved to Duluth"
    inactivate_patient(patient_id=pair.two_id, reason=deactivated, by=System("test"), now=timezone.now())
    address = reverse("dashboard:patient_timeline", args=[pair.one_id])
    assert deactivated not in client.get(address).content.decode()
    merged = merge(pair.one, pair.two)
    page = client.get(address).content.decode()
    assert deactivated in page
    client.post(reverse("dashboard:duplicate_merge_undo", args=[merged.pk]))
    assert deactivated not in client.get(address).content.decode()


def test_a_merged_person_is_in_no_list_search_count_or_answer(client, pair, lead):
    other = Patient.objects.get(pk=pair.two_id)
    Patient.objects.filter(pk=other.pk).update(given_name="Zebedee", coordinator=lead)
    other.refresh_from_db()
    other.save()
    PinnedPatient.objects.create(user=lead, patient=pair.one, pinned_at=timezone.now())
    PinnedPatient.objects.create(user=lead, patient=other, pinned_at=timezone.now())
    merge(pair.one, other)
    scan_duplicates(now=timezone.now(), by=System("duplicates"))
    for where in ("patient_list", "patient_duplicates", "my_work"):
        page = client.get(reverse(f"dashboard:{where}") + "?status=all&coordinator=", follow=True)
        assert "Zebedee" not in page.content.decode()
    client.post(reverse("dashboard:patient_list"), {"q": "Zebedee"})
    assert "Zebedee" not in client.get(
        reverse("dashboard:patient_list") + "?status=merged"
    ).content.decode().replace('value="Zebedee"', "")
    found = client.post(reverse("dashboard:search"), {"q": "B-2"}).content.decode()
    assert str(pair.one_id) in found
    assert str(other.pk) not in found
    assert [patient.pk for patient in summary.pinned(lead)] == [pair.one_id]
    token = token_for(lead.sites.get())
    listed = api(token, "/api/v1/patients/")
    assert {row["id"] for row in listed["results"]} == {str(pair.one_id)}
    assert api(token, f"/api/v1/patients/{other.pk}/", 404)
    assert api(token, "/api/v1/patients/?status=merged")["results"] == []
    [found] = api(token, "/api/v1/patients/?identifier=B-2")["results"]
    assert found["id"] == str(pair.one_id)


def token_for(site):
    by = make_user(Role.ADMINISTRATOR, site=site)
    return create_client(name="Test", sites=[site], scopes=SCOPES, by=by, now=timezone.now())[1]


def api(token, path, status=200):
    answer = Client(headers={"Authorization": f"Bearer {token}"}).get(path)
    assert answer.status_code == status, answer.content
    return json.loads(answer.content)
