"""What leaves with a referral: little by default, what is ticked, nothing protected without consent, one version more."""

from __future__ import annotations

import datetime
import hashlib

import pypdfium2
import pytest
from django.urls import reverse

from coordinator.packets.gather import offer_of
from coordinator.packets.services import make_packet
from coordinator.tests.factories import make_organization, make_site, make_user
from coordinator.workflow import NotAllowed
from patients.labels import PART2_NOTICE
from patients.models import Allergy, Consent, Coverage, Document, Medication, Problem, Result
from patients.tests.factories import make_document, make_patient
from referrals import services
from referrals.models import Referral, ReferralPacket
from referrals.tests.factories import make_referral

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)


@pytest.fixture
def user(client):
    user = make_user()
    client.force_login(user)
    return user


@pytest.fixture
def patient(user):
    """A chart with one entry of each part, and one old result."""
    patient = make_patient(site=user.sites.get())
    Coverage.objects.create(patient=patient, payer_name="HealthNorth Plus", member_id="M-77")
    Problem.objects.create(patient=patient, name="Heart failure")
    Problem.objects.create(patient=patient, name="Toenail fungus")
    Allergy.objects.create(patient=patient, substance="Penicillin")
    Medication.objects.create(patient=patient, name="Furosemide 40 mg")
    for name, days in (("Potassium", 10), ("Old sodium", 900)):
        taken = NOW - datetime.timedelta(days=days)
        Result.objects.create(patient=patient, name=name, value=4, unit="mmol/L", taken_at=taken)
    return patient


@pytest.fixture
def referral(patient):
    heart = Problem.objects.get(name="Heart failure")
    return make_referral(patient, problem=heart, recipient_organization=make_organization(name="Lakes Heart"))


def words(packet):
    with packet.document.file.open("rb") as file:
        pdf = pypdfium2.PdfDocument(file.read())
    text = " ".join(page.get_textpage().get_text_range() for page in pdf)
    pdf.close()
    return text.replace("\r\n", " ")


def ticked(referral, user):
    return {
        e.words.split(",")[0]
        for part in offer_of(referral, user, NOW).parts
        for e in part.entries
        if e.is_ticked
    }


def keys(referral, user, *names):
    parts = offer_of(referral, user, NOW).parts
    return [e.row.pk for part in parts for e in part.entries if e.words.split(",")[0] in names]


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        (
            "medical",
            {
                "HealthNorth Plus",
                "Heart failure",
                "Toenail fungus",
                "Penicillin",
                "Furosemide 40 mg",
                "Potassium",
            },
        ),
        ("therapy", {"HealthNorth Plus", "Heart failure"}),
        ("dental", {"HealthNorth Plus", "Penicillin", "Furosemide 40 mg"}),
        ("social", set()),
    ],
)
def test_ticked_is_only_what_the_kind_needs(referral, user, category, expected):
    Referral.objects.filter(pk=referral.pk).update(category=category)
    referral.refresh_from_db()
    assert ticked(referral, user) == expected


def test_the_packet_holds_the_letter_and_what_is_ticked_and_nothing_else(client, referral, user):
    paper = make_document(referral.patient, title="Echo of May", text="Ejection fraction 45 percent")
    address = reverse("packets:packet_new", args=[referral.pk])
    assert "Heart failure" in client.get(address).content.decode()
    data = {
        "problems": [str(key) for key in keys(referral, user, "Heart failure")],
        "documents": [str(paper.pk)],
    }
    answer = client.post(address, data)
    packet = ReferralPacket.objects.get()
    assert answer.url == reverse("dashboard:document", args=[packet.document_id])
    text = words(packet)
    for inside in (
        referral.reference,
        "Lakes Heart",
        referral.clinical_question,
        "Heart failure",
        "Echo of May",
    ):
        assert inside in text
    for outside in ("Toenail", "Penicillin", "Furosemide", "M-77"):
        assert outside not in text
    with packet.document.file.open("rb") as file:
        content = file.read()
    assert packet.sha256 == packet.document.sha256 == hashlib.sha256(content).hexdigest()
    assert (packet.document.kind, packet.number, packet.holds["problems"]) == ("packet", 1, 1)
    assert b"/StructTreeRoot" in content
    assert (
        "Version 1" in client.get(reverse("referrals:referral_detail", args=[referral.pk])).content.decode()
    )


def test_the_next_version_leaves_the_first_as_it_was_and_the_sending_names_the_newest(referral, user):
    first = make_packet(referral_id=referral.pk, keys=[], by=user, now=NOW)
    second = make_packet(referral_id=referral.pk, keys=[], by=user, now=NOW)
    assert [p.number for p in (first, second)] == [1, 2]
    assert first.sha256 != second.sha256
    sent = services.advance_referral(referral_id=referral.pk, step="send", channel="fax", by=user, now=NOW)
    assert sent.changes.get(step="send").facts["packet"] == 2


@pytest.mark.parametrize("consented", [False, True])
def test_protected_entries_need_a_consent_and_carry_their_notice(referral, user, consented):
    Medication.objects.create(patient=referral.patient, name="Methadone", label="part2", created_by=user)
    if consented:
        Consent.objects.create(
            patient=referral.patient, kind="part2", decision="permit", starts_on=datetime.date(2026, 1, 1)
        )
    chosen = keys(referral, user, "Methadone")
    assert bool(chosen) == consented
    every = Medication.objects.values_list("pk", flat=True)
    packet = make_packet(referral_id=referral.pk, keys=every, by=user, now=NOW)
    assert ("Methadone" in words(packet)) == consented
    assert (PART2_NOTICE in words(packet)) == consented
    assert packet.document.label == ("part2" if consented else "")


def test_somebody_elses_entries_never_get_in(referral, user):
    other = Problem.objects.create(patient=make_patient(site=referral.site), name="Somebody else's")
    packet = make_packet(referral_id=referral.pk, keys=[other.pk], by=user, now=NOW)
    assert "Somebody" not in words(packet)


def test_nothing_is_made_for_what_ended_or_is_elsewhere(client, referral, user):
    Referral.objects.filter(pk=referral.pk).update(status="withdrawn")
    with pytest.raises(NotAllowed):
        make_packet(referral_id=referral.pk, keys=[], by=user, now=NOW)
    assert client.post(reverse("packets:packet_new", args=[referral.pk]), {}).status_code == 422
    foreign = make_referral(make_patient(site=make_site()))
    assert client.get(reverse("packets:packet_new", args=[foreign.pk])).status_code == 404
    assert not Document.objects.filter(kind="packet").exists()
