"""What somebody typed and did not send: kept for them alone, restored, and gone when the form was accepted."""

from __future__ import annotations

import datetime
import json

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.dashboard.drafts import LONGEST, discard_old_drafts, save_draft
from coordinator.dashboard.models import Draft
from coordinator.tests.factories import make_site, make_user
from patients.models import Note
from patients.services import merge_patients, unmerge_patients
from patients.tests.factories import make_patient

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)
URL, LIST = reverse("dashboard:draft"), reverse("dashboard:draft_list")
ODD = "swollen ankle \x00 \u202e naïve 😀 \ud800"


@pytest.fixture
def dana(client):
    user = make_user(site=make_site())
    client.force_login(user)
    return user


@pytest.fixture
def elena(dana):
    return make_patient(site=dana.sites.get(), family_name="Ramírez", given_name="Elena")


def note_form(patient):
    return f"{reverse('patients:note_new', args=[patient.pk])}#{patient.pk}"


def keep(client, patient, **fields):
    sent = {"form": note_form(patient), "patient": patient.pk, "fields": json.dumps(fields)}
    return client.post(URL, sent)


def test_what_was_typed_comes_back_letter_by_letter_to_the_one_who_typed_it(client, elena):
    assert keep(client, elena, body=[ODD], kind=["progress"]).json()["text"].startswith("Draft saved")
    answer = client.get(URL, {"form": note_form(elena)})
    assert answer.json()["fields"] == {"body": [ODD], "kind": ["progress"]}
    assert answer.json()["text"].startswith("You have a draft from")


def test_a_newer_draft_takes_the_place_of_the_older(client, elena):
    keep(client, elena, body=["first"])
    keep(client, elena, body=["second"])
    assert Draft.objects.get().fields == json.dumps({"body": ["second"]})


def test_nobody_else_reads_it(client, elena, dana):
    keep(client, elena, body=["mine"])
    client.force_login(make_user(site=dana.sites.get()))
    assert client.get(URL, {"form": note_form(elena)}).status_code == 204
    assert "mine" not in client.get(LIST).content.decode()


def test_who_may_no_longer_see_the_patient_finds_no_draft_about_them(client, elena, dana):
    keep(client, elena, body=["about her"])
    dana.sites.set([make_site()])
    assert client.get(URL, {"form": note_form(elena)}).status_code == 204
    assert "about her" not in client.get(LIST).content.decode()


def test_no_draft_about_somebody_one_may_not_know(client, dana):
    stranger = make_patient(site=make_site())
    assert keep(client, stranger, body=["x"]).status_code == 404
    assert not Draft.objects.exists()


@pytest.mark.parametrize("fields", ["", "[]", '{"a": 1}', '{"a": [1]}', "{"])
def test_a_draft_that_cannot_be_read_is_refused(client, elena, fields):
    sent = {"form": note_form(elena), "patient": elena.pk, "fields": fields}
    assert client.post(URL, sent).status_code == 422
    assert not Draft.objects.exists()


def test_a_form_that_does_not_exist_is_refused(client, dana):
    assert client.post(URL, {"form": "//elsewhere.test/", "fields": "{}"}).status_code == 422


def test_a_draft_beyond_every_form_is_refused(dana):
    with pytest.raises(ValidationError):
        save_draft(form="/", fields={"body": ["x" * LONGEST]}, patient=None, by=dana, now=NOW)


def test_an_accepted_form_ends_its_draft_and_a_refused_one_keeps_it(client, elena):
    keep(client, elena, body=["Ankle"])
    path = reverse("patients:note_new", args=[elena.pk])
    sent = {"kind": "progress", "draft": note_form(elena)}
    assert client.post(path, {**sent, "body": ""}).status_code == 422
    assert Draft.objects.exists()
    assert client.post(path, {**sent, "body": "Ankle"}).status_code == 302
    assert Note.objects.get().body == "Ankle"
    assert not Draft.objects.exists()


def test_a_form_that_comes_back_with_what_was_typed_does_not_offer_the_draft_again(client, elena):
    path = reverse("patients:note_new", args=[elena.pk])
    assert "data-draft-typed" not in client.get(path).content.decode()
    assert "data-draft-typed" in client.post(path, {"body": ""}).content.decode()


def test_discarding_from_the_page_and_from_the_list(client, elena):
    keep(client, elena, body=["one"])
    assert client.post(URL, {"form": note_form(elena), "discard": "1"}).status_code == 204
    assert not Draft.objects.exists()
    keep(client, elena, body=["two"])
    page = client.post(reverse("dashboard:draft_discard"), {"form": note_form(elena)}, follow=True)
    assert "The draft was discarded" in page.content.decode()
    assert "No drafts" in page.content.decode()


def test_the_list_leads_to_the_form_with_the_same_number_of_queries_for_one_and_for_twenty(client, dana):
    patients = [make_patient(site=dana.sites.get()) for _n in range(20)]
    counts = []
    for some in (patients[:1], patients):
        for patient in some:
            keep(client, patient, body=["Called the daughter about the ride"])
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = client.get(LIST).content.decode()
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert page.count("Called the daughter") == 40  # in the line, and in the name of its button
    assert f"{reverse('patients:note_new', args=[patients[3].pk])}?patient={patients[3].pk}" in page


def test_a_draft_is_no_part_of_the_record(client, elena):
    before = AuditEvent.objects.count()
    keep(client, elena, body=["Ankle"])
    assert AuditEvent.objects.count() == before
    elena.refresh_from_db()
    assert elena.version == 1


def test_old_drafts_are_thrown_away(dana, elena):
    for days in (29, 31):
        save_draft(
            form=f"/{days}",
            fields={},
            patient=elena,
            by=dana,
            now=NOW - datetime.timedelta(days=days),
        )
    assert discard_old_drafts(now=NOW) == 1
    assert Draft.objects.get().form == "/29"


def test_a_draft_goes_along_in_a_merge_and_comes_back(client, elena, dana):
    lead = make_user(Role.LEAD, site=dana.sites.get())
    survivor = make_patient(site=dana.sites.get())
    keep(client, elena, body=["Ankle"])
    merged = merge_patients(
        survivor_id=survivor.pk, other_id=elena.pk, choices={}, reason="Same", by=lead, now=NOW
    )
    assert client.get(URL, {"form": note_form(survivor)}).json()["fields"] == {"body": ["Ankle"]}
    unmerge_patients(merge_id=merged.pk, reason="Cousins", by=lead, now=NOW)
    assert client.get(URL, {"form": note_form(elena)}).json()["fields"] == {"body": ["Ankle"]}
