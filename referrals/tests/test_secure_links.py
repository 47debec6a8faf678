"""A packet behind a link: nothing without the code, few tries, an end, one answer for every dead link, no secret kept."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import Any

import pytest
from django.conf import settings as settings_of_django
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from careplans.models import Task
from coordinator.audit.models import AuditEvent
from coordinator.messaging.delivery import deliver_due
from coordinator.messaging.models import Message
from coordinator.tests.factories import make_organization, make_site, make_user
from coordinator.workflow import System
from patients.labels import PART2_NOTICE
from patients.models import Consent, Document
from patients.tests.factories import make_patient
from referrals.models import MOST_WRONG_CODES, Delivery, Referral, SecureLink
from referrals.rules.secure_links import code_of, hash_of, is_code, secret_of
from referrals.services import advance_referral
from referrals.services.deliveries import revoke_delivery, send_packet
from referrals.services.secure_links import follow_links
from referrals.tests.factories import make_packet_of, make_referral

pytestmark = pytest.mark.django_db
NOW = timezone.now()
PAGE = "/shared/"


@pytest.fixture
def dana() -> Any:
    return make_user(site=make_site(phone="+16125550190"))


@pytest.fixture
def referral(dana: Any) -> Referral:
    patient = make_patient(site=dana.sites.get(), family_name="Okonkwo", given_name="Adaeze")
    made = make_referral(patient, owner=dana, recipient_organization=make_organization(name="Lakes Heart"))
    make_packet_of(made)
    return made


def send(referral: Referral, by: Any, number: int = 1) -> Delivery:
    return send_packet(
        referral_id=referral.pk, number=number, channel="email", recipient="Lakes Heart",
        address="Desk@lakes.example", by=by, now=NOW,
    )  # fmt: skip


def secret(delivery: Delivery) -> str:
    return secret_of(delivery.pk, settings_of_django.SECRET_KEY)


def code(delivery: Delivery) -> str:
    return code_of(delivery.pk, settings_of_django.SECRET_KEY)


def opened(delivery: Delivery, client: Client | None = None) -> Client:
    """A browser that followed the link."""
    client = client or Client()
    answer = client.get(PAGE, {"k": secret(delivery)})
    assert (answer.status_code, answer.url) == (302, PAGE)
    return client


def test_the_mail_names_nobody_and_the_ledger_holds_no_secret(referral, dana):
    delivery = send(referral, dana)
    kept = Message.objects.get(about_id=delivery.pk)
    deliver_due()
    (letter,) = mail.outbox
    text = f"{letter.subject}\n{letter.body}"
    assert letter.to == ["desk@lakes.example"]
    assert f"{PAGE}?k={secret(delivery)}" in letter.body
    assert secret(delivery) not in kept.body
    for word in ("Okonkwo", "Adaeze", "Cardiology", "swelling", referral.reference, code(delivery), "MRN"):
        assert word.lower() not in text.lower()
    assert SecureLink.objects.get(pk=delivery.pk).token_hash == hash_of(secret(delivery))
    follow_links(by=System("mail"), now=NOW)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.handed_over_at is not None) == ("handed_over", True)


def test_nothing_is_shown_before_the_code_and_fetching_it_is_the_delivery(referral, dana):
    delivery = send(referral, dana)
    client = opened(delivery)
    before = client.get(PAGE).content.decode()
    for word in ("Okonkwo", referral.reference, dana.sites.get().name, "Lakes"):
        assert word not in before
    assert client.get("/shared/file/").status_code == 404
    wrong = client.post(PAGE, {"code": "000000" if code(delivery) != "000000" else "111111"})
    assert wrong.status_code == 422
    assert "4 more tries" in wrong.content.decode()
    digits = code(delivery)
    assert client.post(PAGE, {"code": f"{digits[:3]} {digits[3:]}"}).status_code == 302
    page = client.get(PAGE)
    assert referral.reference in page.content.decode()
    assert "noindex" in page["X-Robots-Tag"]
    file = client.get("/shared/file/")
    assert b"".join(file.streaming_content)  # the packet's own bytes
    assert file["Cache-Control"] == page["Cache-Control"] == "no-store"
    assert client.get("/shared/file/").status_code == 200
    delivery.refresh_from_db()
    referral.refresh_from_db()
    assert (delivery.status, delivery.link.downloads, delivery.link.wrong_codes) == ("delivered", 2, 1)
    assert (referral.status, referral.received_at, referral.accepted_at) == ("sent", None, None)
    trail = AuditEvent.objects.filter(entity="referrals.delivery", patient_id=referral.patient_id)
    actions = list(trail.order_by("pk").values_list("action", flat=True))
    assert [a for a in actions if "code" in a or "link" in a or a == "download"] == [
        "wrong_code", "open_link", "download", "download",
    ]  # fmt: skip
    assert Client().get("/shared/file/").status_code == 404


def end(delivery: Delivery, **fields: Any) -> None:
    SecureLink.objects.filter(pk=delivery.pk).update(**fields)


DEAD = {
    "expired": lambda d, by: end(d, expires_at=NOW - timedelta(seconds=1)),
    "closed": lambda d, by: revoke_delivery(delivery_id=d.pk, reason="Wrong practice", by=by, now=NOW),
    "locked": lambda d, by: end(d, wrong_codes=MOST_WRONG_CODES),
    "referral in error": lambda d, by: Referral.objects.filter(pk=d.referral_id).update(
        status="entered_in_error"
    ),
    "packet in error": lambda d, by: Document.objects.filter(pk=d.packet.document_id).update(
        status="entered_in_error", error_reason="x"
    ),
}


@pytest.mark.parametrize("how", DEAD)
def test_every_dead_link_answers_like_one_that_never_was(referral, dana, how):
    delivery = send(referral, dana)
    client = opened(delivery)
    client.post(PAGE, {"code": code(delivery)})
    assert client.get(PAGE).status_code == 200
    DEAD[how](delivery, dana)
    never = Client()
    never.get(PAGE, {"k": "never-was"})
    expected = never.get(PAGE)
    for browser in (client, opened(delivery)):
        for path in (PAGE, "/shared/file/"):
            answer = browser.get(path)
            assert (answer.status_code, answer.content) == (404, expected.content)
        assert browser.post(PAGE, {"code": code(delivery)}).status_code == 404


def test_the_fifth_wrong_code_closes_the_link_and_tells_the_owner(referral, dana):
    delivery = send(referral, dana)
    wrong = "123456" if code(delivery) != "123456" else "654321"
    answers = [opened(delivery).post(PAGE, {"code": wrong}).status_code for _n in range(MOST_WRONG_CODES)]
    assert answers == [422] * (MOST_WRONG_CODES - 1) + [404]
    assert opened(delivery).post(PAGE, {"code": code(delivery)}).status_code == 404
    delivery.refresh_from_db()
    assert (delivery.status, Referral.objects.get(pk=referral.pk).status) == ("failed", "send_failed")
    assert Task.objects.open().filter(cause_id=referral.pk).count() == 1


def test_neither_secret_nor_code_is_in_a_log_or_in_the_session(referral, dana, caplog):
    delivery = send(referral, dana)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("django.db.backends").setLevel(logging.DEBUG)
        client = opened(delivery)
        client.post(f"{PAGE}?k={secret(delivery)}", {"code": "1"})
        client.post(PAGE, {"code": code(delivery)})
        client.get("/shared/file/")
        Client().get(PAGE)
        Client().post(f"{PAGE}?k={secret(delivery)}")
        deliver_due()
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "/shared/" in said  # the refusals were logged
    assert secret(delivery) not in said
    kept = " ".join(str(row.get_decoded()) for row in Session.objects.all())
    assert hash_of(secret(delivery)) in kept
    assert secret(delivery) not in kept
    assert code(delivery) not in kept


def test_a_code_for_one_packet_opens_no_other(referral, dana):
    one = send(referral, dana)
    other_referral = make_referral(referral.patient, owner=dana, recipient_organization=make_organization())
    make_packet_of(other_referral)
    other = send(other_referral, dana)
    client = opened(one)
    client.post(PAGE, {"code": code(one)})
    opened(other, client)
    assert client.get("/shared/file/").status_code == 404
    assert other_referral.reference not in client.get(PAGE).content.decode()


def test_protected_entries_carry_their_notice_and_stop_with_the_consent(referral, dana):
    make_packet_of(referral, label="part2")
    consent = Consent.objects.create(
        patient=referral.patient, kind="part2", decision="permit", starts_on=date(2026, 1, 1)
    )
    delivery = send(referral, dana, number=2)
    client = opened(delivery)
    client.post(PAGE, {"code": code(delivery)})
    assert PART2_NOTICE in client.get(PAGE).content.decode()
    Consent.objects.filter(pk=consent.pk).update(decision="deny")
    assert client.get("/shared/file/").status_code == 404


def test_a_link_that_nobody_opened_ends_with_a_task(referral, dana):
    delivery = send(referral, dana)
    deliver_due()
    follow_links(by=System("mail"), now=NOW)
    follow_links(by=System("mail"), now=NOW + timedelta(days=settings_of_django.PACKET_LINK_DAYS, minutes=1))
    delivery.refresh_from_db()
    assert (delivery.status, Referral.objects.get(pk=referral.pk).status) == ("failed", "send_failed")
    assert Task.objects.open().filter(cause_id=referral.pk).count() == 1


@pytest.mark.parametrize(("step", "status"), [("accept", "failed"), ("enter_in_error", "revoked")])
def test_the_end_of_a_link_is_no_task_once_the_referral_went_on(referral, dana, step, status):
    delivery = send(referral, dana)
    deliver_due()
    follow_links(by=System("mail"), now=NOW)
    advance_referral(referral_id=referral.pk, step=step, reason="Wrong patient", by=dana, now=NOW)
    follow_links(by=System("mail"), now=NOW + timedelta(days=settings_of_django.PACKET_LINK_DAYS, minutes=1))
    delivery.refresh_from_db()
    assert delivery.status == status
    assert not Task.objects.open().filter(title__startswith="A packet did not arrive").exists()


def test_the_link_of_a_mail_that_waited_while_the_key_was_replaced_opens(referral, dana, settings):
    delivery = send(referral, dana)
    settings.SECRET_KEY = "another-key-that-is-long-enough-for-this-test-0123456789"
    deliver_due()
    (letter,) = mail.outbox
    assert f"{PAGE}?k={secret(delivery)}" in letter.body
    client = opened(delivery)
    assert client.post(PAGE, {"code": code(delivery)}).status_code == 302


def test_a_mail_that_was_taken_back_does_not_leave(referral, dana):
    delivery = send(referral, dana)
    revoke_delivery(delivery_id=delivery.pk, reason="Wrong address", by=dana, now=NOW)
    deliver_due()
    assert mail.outbox == []
    assert Delivery.objects.get(pk=delivery.pk).status == "revoked"


def test_the_sender_sees_the_code_and_who_may_not_work_on_it_does_not(client, referral, dana):
    delivery = send(referral, dana)
    address = reverse("referrals:referral_detail", args=[referral.pk])
    client.force_login(dana)
    assert code(delivery) in client.get(address).content.decode()
    client.force_login(make_user("billing", site=dana.sites.get()))
    assert code(delivery) not in client.get(address).content.decode()


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "١٢٣٤٥٦", "12345a", "\ud800"])
def test_only_the_code_is_the_code(typed):
    assert is_code("123 456", "123456")
    assert not is_code(typed, "123456")
    assert not is_code(typed, "")
