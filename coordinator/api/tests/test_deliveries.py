"""Packets and their deliveries through the API: sent once, told apart from accepted, and never a link in an answer."""

import datetime

import pytest
from django.conf import settings as settings_of_django
from django.utils import timezone

from coordinator.api.tests.factories import make_caller
from coordinator.api.tests.test_authorizations import KEY, Record
from coordinator.api.tests.test_schema import call_named, check
from coordinator.tests.factories import make_organization
from patients.models import Document, Problem
from referrals.models import Delivery, ReferralPacket
from referrals.rules.secure_links import secret_of
from referrals.tests.factories import make_delivery, make_packet_of, make_referral

LIST = "/api/v1/deliveries/"


@pytest.fixture
def referral(world):
    return make_referral(
        world.patient, recipient_organization=make_organization(name="Lakes Heart", fax="+16125550142")
    )


def body(packet, **fields):
    return {
        "packet": str(packet["id"] if isinstance(packet, dict) else packet.pk),
        "channel": "email",
        "recipient": "Lakes Heart",
        "address": "desk@lakes.test",
        **fields,
    }


def test_a_packet_is_made_of_what_is_offered_and_goes_once_through_a_link(world, referral):
    problem = Problem.objects.create(patient=world.patient, name="Heart failure")
    where = f"/api/v1/referrals/{referral.pk}/"
    offered = world.caller.get(f"{where}sending/")
    check(offered, call_named("referral_sending"))
    (entry,) = next(p["entries"] for p in offered.json()["parts"] if p["name"] == "problems")
    assert (entry["id"], offered.json()["recipient"]) == (str(problem.pk), "Lakes Heart")
    made = world.caller.post(f"{where}packets/", {"entries": [entry["id"]]})
    check(made, call_named("referral_packets", "post"))
    check(world.caller.get(f"{where}packets/"), call_named("referral_packets"))
    packet = made.json()
    assert (packet["number"], packet["holds"]["problems"], packet["holds"]["documents"]) == (1, 1, 0)
    answers = [world.caller.post(LIST, body(packet), headers=KEY) for _n in range(2)]
    assert [a.status_code for a in answers] == [201, 201], answers[0].json()
    delivery = Delivery.objects.get()
    record = Record(world.caller, f"{LIST}{delivery.pk}/")
    assert (record.data["link"]["is_open"], record.data["steps"]) == (True, ["revoke", "enter_in_error"])
    text = "".join(a.content.decode() for a in [*answers, world.caller.get(LIST)]) + str(record.data)
    assert secret_of(delivery.pk, settings_of_django.SECRET_KEY) not in text
    assert delivery.link.token_hash not in text
    referral.refresh_from_db()
    assert (referral.status, referral.received_at, referral.accepted_at) == ("sent", None, None)
    refused = world.caller.post(LIST, body(packet))
    check(refused, call_named("deliveries", "post"))
    assert (refused.status_code, refused.json()["delivery"]) == (409, str(delivery.pk))
    assert world.caller.post(LIST, body(packet, again_reason="They lost it")).status_code == 201
    assert record.take("revoke", reason="Wrong address")["link"]["is_open"] is False


def test_a_token_makes_packets_only_of_what_its_scopes_open(world, referral):
    problem = Problem.objects.create(patient=world.patient, name="Heart failure")
    narrow = make_caller(world.site, scopes=("referrals:read", "referrals:write"))
    where = f"/api/v1/referrals/{referral.pk}/"
    assert narrow.get(f"{where}sending/").json()["parts"] == []
    refused = narrow.post(f"{where}packets/", {"entries": [str(problem.pk)]})
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["entries"])
    assert not ReferralPacket.objects.exists()


@pytest.mark.parametrize(
    ("step", "given", "status"),
    [
        ("answer", {"came": True, "who": "Renee"}, "delivered"),
        ("answer", {"came": False, "who": "Renee"}, "failed"),
        ("enter_in_error", {"reason": "Another patient's"}, "entered_in_error"),
    ],
)
def test_what_a_person_says_about_a_delivery_is_kept_and_its_referral_follows(world, step, given, status):
    delivery = make_delivery(make_referral(world.patient, status="sent"))
    record = Record(world.caller, f"{LIST}{delivery.pk}/")
    assert record.data["steps"] == ["answer", "enter_in_error"]
    assert record.send("revoke", reason="x").status_code == 409
    answer = record.send(step, **given)
    assert answer.status_code == (204 if status == "entered_in_error" else 200)
    delivery.refresh_from_db()
    delivery.referral.refresh_from_db()
    assert delivery.status == status
    assert delivery.referral.status == ("sent" if status == "delivered" else "send_failed")
    if status == "failed":
        assert "Renee" in answer.json()["why"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"channel": "fax", "address": "(612) 555-0142"}, "channel"),
        ({"address": "nobody"}, "address"),
        ({"channel": "portal", "address": "Epic"}, "reference"),
        ({"channel": "print", "at": "2199-01-01T00:00:00Z"}, "at"),
        ({"recipient": " "}, "recipient"),
        ({"channel": "pigeon"}, "channel"),
    ],
)
def test_bad_input_is_refused_at_its_field(world, referral, settings, fields, field):
    settings.FAX_GATEWAY = "none"
    refused = world.caller.post(LIST, body(make_packet_of(referral), **fields))
    assert (refused.status_code, list(refused.json()["fields"])) == (400, [field])
    assert not Delivery.objects.exists()


def test_a_version_in_error_or_of_a_referral_that_ended_is_not_sent(world, referral):
    packet = make_packet_of(referral)
    Document.objects.filter(pk=packet.document_id).update(status="entered_in_error", error_reason="x")
    refused = world.caller.post(LIST, body(packet))
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["packet"])
    ended = make_packet_of(make_referral(world.patient, status="withdrawn"))
    assert world.caller.post(LIST, body(ended)).status_code == 409


def test_paper_that_went_by_hand_keeps_when_and_the_list_is_narrowed(world, referral):
    yesterday = timezone.now().replace(microsecond=0) - datetime.timedelta(days=1)
    packet = make_packet_of(referral)
    made = world.caller.post(LIST, body(packet, channel="print", address="By mail", at=yesterday.isoformat()))
    assert made.status_code == 201, made.json()
    make_delivery(make_referral(world.patient, status="sent"), channel="portal", reference="P-1")
    make_delivery(make_referral(world.stranger, status="sent"))
    found = world.caller.get(LIST, {"referral": str(referral.pk), "channel": "print"}).json()["results"]
    assert [(row["id"], row["status"]) for row in found] == [(made.json()["id"], "handed_over")]
    assert datetime.datetime.fromisoformat(found[0]["handed_over_at"]) == yesterday
    assert len(world.caller.get(LIST, {"patient": str(world.patient.pk)}).json()["results"]) == 2
