"""The duplicate guard: its keys, its three answers, and what is counted of them; and referring elsewhere."""

from __future__ import annotations

import datetime
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from coordinator.db import Conflict
from coordinator.tests.factories import make_organization, make_site, make_user
from coordinator.workflow import NotAllowed, System
from patients.models import Result
from patients.tests.factories import make_patient
from referrals import duplicates, services
from referrals.duplicates import found, similar_authorizations
from referrals.models import AuthorizationLine, DuplicateAnswer, Referral
from referrals.selectors.referrals import similar_referrals
from referrals.tests.factories import make_authorization, make_payer, make_referral

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
NIGHT = System("nightly")
NEW = reverse("referrals:referral_new")


@pytest.fixture
def user(client):
    user = make_user()
    client.force_login(user)
    return user


@pytest.fixture
def patient(user):
    return make_patient(site=user.sites.get())


def asked(patient, **more):
    return {
        "patient": patient.pk, "category": "medical", "specialty": "cardiology", "reason": "Swelling",
        "urgency": "routine", **more,
    }  # fmt: skip


# --- keys ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "is_found"),
    [
        ({"status": "sent"}, True),
        ({"status": "completed", "report_received_at": NOW - 90 * DAY}, True),
        ({"status": "completed", "report_received_at": NOW - 91 * DAY}, False),
        ({"status": "declined"}, False),
        ({"status": "sent", "specialty": "Imaging"}, False),
        ({"status": "sent", "specialty": "Imaging", "service": "echocardiogram"}, True),
    ],
)
def test_a_referral_matches_by_specialty_or_service_open_or_completed_in_90_days(patient, fields, is_found):
    make_referral(patient, **fields)
    same = similar_referrals(
        patient=patient, specialty="CARDIOLOGY", service="Echocardiogram", by=NIGHT, now=NOW
    )
    assert bool(same) == is_found


@pytest.mark.parametrize(
    ("changes", "is_found"),
    [
        ({}, True),
        ({"codes": ["93306", "99999"]}, True),
        ({"codes": ["99999"]}, False),
        ({"starts_on": datetime.date(2027, 1, 1)}, False),
        ({"ends_on": datetime.date(2026, 10, 1)}, False),
        ({"payer": "another"}, False),
        ({"status": "withdrawn"}, False),
        ({"status": "expired"}, False),
    ],
)
def test_an_authorization_matches_by_payer_a_code_and_dates_that_overlap(patient, changes, is_found):
    payer = make_payer()
    held = make_authorization(
        patient,
        payer=payer,
        status=changes.pop("status", "approved"),
        starts_on=datetime.date(2026, 11, 1),
        ends_on=datetime.date(2026, 12, 31),
    )
    AuthorizationLine.objects.create(authorization=held, number=1, service_code="93306")
    key = {"payer": payer, "codes": ["93306"], "starts_on": datetime.date(2026, 12, 1)} | changes
    if key["payer"] == "another":
        key["payer"] = make_payer()
    assert bool(similar_authorizations(patient=patient, by=NIGHT, **key)) == is_found
    assert [one.pk for one in found("authorization", patient=patient, by=NIGHT, now=NOW, **key)] == [
        held.pk
    ] * is_found


@pytest.mark.parametrize(
    ("code", "days", "is_found"), [("2160-0", 30, True), ("2160-0", 31, False), ("4548-4", 90, True)]
)
def test_a_test_matches_by_code_within_its_days(patient, code, days, is_found):
    Result.objects.create(
        patient=patient, name="A test", code=code, value=7, unit="%", taken_at=NOW - days * DAY
    )
    shown = found("order", patient=patient, by=NIGHT, now=NOW, code=code)
    assert [one.result for one in shown] == ["7 %"] * is_found


def test_a_kind_of_an_app_above_is_wired_in_one_line(patient, monkeypatch):
    monkeypatch.setitem(duplicates.FINDERS, "application", lambda **key: [key["fund"]])
    assert found("application", patient=patient, by=NIGHT, now=NOW, fund="Heat") == ["Heat"]


# --- answers -----------------------------------------------------------------------------------------------------


def test_use_writes_nothing_and_is_counted(client, user, patient):
    first = make_referral(patient)
    shown = client.post(NEW, asked(patient))
    assert shown.status_code == 409
    for words in (first.reference, "Use this one", "Replace it", "Draft"):
        assert words in shown.content.decode()
    answer = client.post(NEW, asked(patient, use=first.pk))
    assert answer.url == reverse("referrals:referral_detail", args=[first.pk])
    kept = DuplicateAnswer.objects.get()
    assert (kept.choice, kept.existing_id, kept.made_id, kept.created_by) == ("use", first.pk, None, user)
    assert Referral.objects.count() == 1


@pytest.mark.parametrize(("before", "after"), [("ready", "withdrawn"), ("sent", "cancel_requested")])
def test_replace_ends_the_old_one_and_links_both(client, user, patient, before, after):
    old = make_referral(patient, status=before, recipient_organization=make_organization())
    answer = client.post(NEW, asked(patient, replace=old.pk))
    new = Referral.objects.exclude(pk=old.pk).get()
    assert answer.url == reverse("referrals:referral_detail", args=[new.pk])
    old.refresh_from_db()
    assert (old.status, old.outcome_reason, new.replaces) == (after, "duplicate", old)
    kept = DuplicateAnswer.objects.get()
    assert (kept.choice, kept.existing_id, kept.made_id) == ("replace", old.pk, new.pk)
    for page, says in ((new, "Replaces"), (old, "Replaced by")):
        address = reverse("referrals:referral_detail", args=[page.pk])
        assert says in client.get(address).content.decode()


def test_a_finished_one_is_not_replaced_and_nothing_is_written(client, user, patient):
    old = make_referral(patient, status="completed", report_received_at=datetime.datetime.now(datetime.UTC))
    assert client.post(NEW, asked(patient, replace=old.pk)).status_code == 422
    assert (Referral.objects.count(), DuplicateAnswer.objects.count()) == (1, 0)


def test_going_on_keeps_the_reason(client, user, patient):
    old = make_referral(patient)
    assert client.post(NEW, asked(patient, duplicate_reason="Second opinion")).status_code == 302
    kept = DuplicateAnswer.objects.get()
    assert (kept.choice, kept.reason, kept.existing_id) == ("go_on", "Second opinion", old.pk)


def test_an_answer_that_names_somebody_elses_referral_finds_nothing(client, user, patient):
    other = make_referral(make_patient(site=patient.site))
    foreign = make_referral(make_patient(site=make_site()))
    for key in (other.pk, foreign.pk, uuid.UUID(int=7)):
        for name in ("use", "replace"):
            assert client.post(NEW, asked(patient, **{name: key})).status_code == 404
    assert not DuplicateAnswer.objects.exists()


def test_two_that_ask_at_once_are_told_of_each_other(user, patient):
    make = {"patient": patient, "specialty": "Cardiology", "reason": "x", "by": user, "now": NOW}
    services.create_referral(**make)
    with pytest.raises(Conflict):
        services.create_referral(**make)


# --- refer elsewhere -----------------------------------------------------------------------------------------------


def test_refer_elsewhere_takes_the_request_over_and_links_both(client, user, patient):
    old = make_referral(patient, status="declined", outcome_reason="no_capacity", service="Echo")
    detail = reverse("referrals:referral_detail", args=[old.pk])
    assert "Refer elsewhere" in client.get(detail).content.decode()
    form = client.get(f"{NEW}?patient={patient.pk}&elsewhere={old.pk}").content.decode()
    for words in (old.reference, "Echo", old.reason, old.clinical_question):
        assert words in form
    answer = client.post(NEW, asked(patient, elsewhere=old.pk))
    new = Referral.objects.exclude(pk=old.pk).get()
    assert (answer.status_code, new.refers_elsewhere) == (302, old)
    assert new.reference in client.get(detail).content.decode()
    assert old.reference in client.get(answer.url).content.decode()


def test_only_what_ended_is_referred_elsewhere_and_only_for_the_same_patient(user, patient):
    write = {"patient": patient, "specialty": "Imaging", "reason": "x", "by": user, "now": NOW}
    with pytest.raises(NotAllowed):
        services.create_referral(refers_elsewhere=make_referral(patient, status="sent"), **write)
    other = make_referral(make_patient(site=patient.site), status="declined")
    with pytest.raises(ValidationError):
        services.create_referral(refers_elsewhere=other, **write)


@pytest.mark.parametrize(("kind", "words"), [("social", "Help wanted"), ("imaging", "Study, with body part")])
def test_each_kind_has_fields_in_its_own_words(client, user, patient, kind, words):
    assert words in client.get(f"{NEW}?patient={patient.pk}&kind={kind}").content.decode()
