"""Entries that were never the patient's: out of the lists with a reason, and back again."""

from __future__ import annotations

import datetime

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from coordinator.db import Conflict
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import NotAllowed
from patients import services
from patients.models import (
    CareTeamMember,
    ContactPoint,
    Coverage,
    Encounter,
    Immunization,
    RelatedPerson,
    Result,
)
from patients.services.errors import WAYS, is_in_error
from patients.tests.factories import make_patient, make_phone

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)
MAKE = {
    "phone": make_phone,
    "family": lambda p: RelatedPerson.objects.create(patient=p, name="Ana Qx", relationship="daughter"),
    "team": lambda p: CareTeamMember.objects.create(patient=p, role="Aide", name="Kim Qx"),
    "coverage": lambda p: Coverage.objects.create(patient=p, payer_name="Payer Qx"),
    "encounter": lambda p: Encounter.objects.create(patient=p, kind="Visit Qx", started_at=NOW),
    "result": lambda p: Result.objects.create(patient=p, name="Sodium Qx", taken_at=NOW),
    "immunization": lambda p: Immunization.objects.create(patient=p, name="Flu Qx", given_at=NOW),
}


@pytest.fixture
def dana(client):
    user = make_user(site=make_site())
    client.force_login(user)
    return user


@pytest.fixture
def elena(dana):
    return make_patient(site=dana.sites.get())


def wrong(kind, row, by, reason="Another patient"):
    return services.enter_entry_in_error(kind=kind, entry_id=row.pk, reason=reason, by=by, now=NOW)


def back(kind, row, by):
    return services.put_entry_back(kind=kind, entry_id=row.pk, by=by, now=NOW)


def values(row):
    kept = type(row).objects.filter(pk=row.pk).values().get()
    return {name: value for name, value in kept.items() if name not in ("version", "updated_at")}


@pytest.mark.parametrize("kind", WAYS)
def test_it_is_taken_out_with_a_reason_and_put_back_as_it_was(elena, dana, kind):
    row = MAKE[kind](elena)
    before = values(row)
    with pytest.raises(ValidationError):
        wrong(kind, row, dana, reason="  ")
    wrong(kind, row, dana)
    row.refresh_from_db()
    assert is_in_error(kind, row)
    with pytest.raises(Conflict):
        wrong(kind, row, dana)
    back(kind, row, dana)
    assert values(row) == before
    with pytest.raises(Conflict):
        back(kind, row, dana)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("immunization", "not_done"),
        ("result", "preliminary"),
        ("result", "amended"),
        ("encounter", "planned"),
        ("encounter", "in_progress"),
    ],
)
def test_put_back_it_is_what_it_was_and_never_more(elena, dana, kind, status):
    row = MAKE[kind](elena)
    type(row).objects.filter(pk=row.pk).update(status=status)
    wrong(kind, row, dana)
    back(kind, row, dana)
    row.refresh_from_db()
    assert row.status == status


def test_a_stay_that_the_hospital_had_entered_in_error_is_in_error_here_too(client, elena, dana):
    row = MAKE["encounter"](elena)
    Encounter.objects.update(status="entered_in_error")
    row.refresh_from_db()
    assert is_in_error("encounter", row)
    page = client.get(reverse("dashboard:patient_timeline", args=[elena.pk])).content.decode()
    assert "Visit Qx" not in page


@pytest.mark.parametrize("kind", WAYS)
def test_the_page_asks_why_and_offers_to_undo(client, elena, dana, kind):
    row = MAKE[kind](elena)
    where = reverse("patients:entry_in_error", args=[kind, row.pk])
    assert client.get(where).status_code == 200
    assert client.post(where, {}).status_code == 422
    details = client.post(where, {"reason": "Another patient"}, follow=True).content.decode()
    restore = reverse("patients:entry_restore", args=[kind, row.pk])
    assert restore in details
    assert client.post(restore).status_code == 302
    row.refresh_from_db()
    assert not is_in_error(kind, row)


@pytest.mark.parametrize("kind", ["phone", "family", "team", "coverage"])
def test_it_is_on_details_no_more(client, elena, dana, kind):
    row = MAKE[kind](elena)
    shown = {"phone": "555-0143", "family": "Ana Qx", "team": "Kim Qx", "coverage": "Payer Qx"}[kind]
    details = reverse("dashboard:patient_details", args=[elena.pk])
    assert shown in client.get(details).content.decode()
    wrong(kind, row, dana)
    assert shown not in client.get(details).content.decode()


@pytest.mark.parametrize("kind", ["encounter", "result", "immunization"])
def test_it_is_on_the_timeline_no_more(client, elena, dana, kind):
    row = MAKE[kind](elena)
    timeline = reverse("dashboard:patient_timeline", args=[elena.pk])
    page = client.get(timeline).content.decode()
    assert "Qx" in page
    assert reverse("patients:entry_in_error", args=[kind, row.pk]) in page
    wrong(kind, row, dana)
    assert "Qx" not in client.get(timeline).content.decode()


def test_what_had_ended_before_stays_ended(elena, dana):
    ended = datetime.date(2025, 1, 1)
    row = RelatedPerson.objects.create(patient=elena, name="Ana", relationship="daughter", ended_on=ended)
    wrong("family", row, dana)
    back("family", row, dana)
    row.refresh_from_db()
    assert row.ended_on == ended


def test_a_number_written_anew_meanwhile_is_not_doubled(elena, dana):
    row = make_phone(elena)
    wrong("phone", row, dana)
    make_phone(elena)
    with pytest.raises(Conflict):
        back("phone", row, dana)
    assert ContactPoint.objects.filter(patient=elena, ended_at=None).count() == 1


def test_the_lead_is_changed_elsewhere(elena, dana):
    lead = CareTeamMember.objects.create(patient=elena, role="Lead", user=dana, is_lead=True)
    with pytest.raises(NotAllowed):
        wrong("team", lead, dana)


def test_an_unknown_kind_is_not_found(client, elena, dana):
    row = make_phone(elena)
    assert client.get(reverse("patients:entry_in_error", args=["wish", row.pk])).status_code == 404
