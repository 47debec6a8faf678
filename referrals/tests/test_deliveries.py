"""Packets on their way: sent once, told apart from received and accepted, never sent again in doubt."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from careplans.models import Task
from coordinator.db import Conflict
from coordinator.messaging.gateways.fax import FaxReport, FaxSandbox, FaxState, fax_gateway
from coordinator.messaging.models import GatewayEvent
from coordinator.tests.factories import make_organization, make_site, make_user
from coordinator.workflow import NotAllowed, System
from patients.models import Consent
from patients.tests.factories import make_patient
from referrals import jobs
from referrals.models import Delivery, Referral
from referrals.selectors.deliveries import usual_address
from referrals.services import advance_referral, fax_sending
from referrals.services.deliveries import (
    answer_delivery,
    enter_delivery_in_error,
    revoke_delivery,
    send_packet,
)
from referrals.services.fax_sending import follow_faxes, take_receipt
from referrals.tests.factories import make_delivery, make_packet_of, make_referral
from scheduling.services.replies import handle_events

pytestmark = pytest.mark.django_db
NOW = timezone.now()
BY = System("fax")
GOOD = "+16125550142"


@pytest.fixture(autouse=True)
def sandbox(settings: Any, tmp_path: Path) -> Path:
    settings.FAX_GATEWAY, settings.FAX_SANDBOX_FOLDER = "sandbox", tmp_path / "fax"
    return tmp_path / "fax"


@pytest.fixture
def sends(monkeypatch: Any) -> list[str]:
    """The key of every call that hands a fax over."""
    seen: list[str] = []
    real = FaxSandbox.send

    def counted(self: FaxSandbox, *, key: str, to: str, content: bytes) -> str:
        seen.append(key)
        return real(self, key=key, to=to, content=content)

    monkeypatch.setattr(FaxSandbox, "send", counted)
    return seen


@pytest.fixture
def dana() -> Any:
    return make_user(site=make_site())


@pytest.fixture
def referral(dana: Any) -> Referral:
    made = make_referral(
        make_patient(site=dana.sites.get()), owner=dana, recipient_organization=make_organization(fax=GOOD)
    )
    make_packet_of(made)
    return made


def fax(referral: Referral, by: Any, to: str = GOOD, **more: Any) -> Delivery:
    return send_packet(
        referral_id=referral.pk, number=1, channel="fax", recipient="Lakes Heart", address=to, by=by,
        now=NOW, **more,
    )  # fmt: skip


def follow(**after: int) -> None:
    follow_faxes(by=BY, now=NOW + timedelta(**after))


def tasks(referral: Referral) -> list[str]:
    found = Task.objects.open().filter(cause_id=referral.pk, dedupe_key__startswith="delivery")
    return [task.title for task in found]


def test_a_delivered_fax_is_sent_and_neither_received_nor_accepted(referral, dana):
    delivery = fax(referral, dana, "(612) 555-0142")
    assert delivery.address == GOOD
    follow()
    follow(minutes=2)
    delivery.refresh_from_db()
    referral.refresh_from_db()
    assert (delivery.status, delivery.reference[:3]) == ("delivered", "FX-")
    assert delivery.evidence
    assert (referral.status, referral.channel) == ("sent", "fax")
    assert (referral.received_at, referral.accepted_at) == (None, None)
    assert referral.clock.rule_version.rule.key == "referral.acknowledge.routine"
    assert referral.clock.state == "running"
    assert referral.clock.anchor_at == NOW
    steps = list(referral.changes.order_by("at", "id").values_list("step", "to_status"))
    assert ("deliver", "sent") in steps
    assert not {"receive", "accept"} & {step for step, _to in steps}
    assert tasks(referral) == []


@pytest.mark.parametrize("number", ["+16125550001", "+16125550004", "+16125550005"])
def test_a_fax_that_fails_says_so_on_the_referral_and_asks_its_owner(referral, dana, number):
    delivery = fax(referral, dana, number)
    follow()
    follow(minutes=2)
    delivery.refresh_from_db()
    referral.refresh_from_db()
    assert (delivery.status, referral.status) == ("failed", "send_failed")
    assert delivery.changes.get(step="fail").reason
    assert tasks(referral) == ["A packet did not arrive: Cardiology"]
    assert Task.objects.get(cause_id=referral.pk).owner == dana
    fax(referral, dana)
    assert tasks(referral) == []
    assert Referral.objects.get(pk=referral.pk).status == "sent"


def test_after_a_timeout_nothing_is_sent_again_and_the_owner_asks(referral, dana, sends):
    delivery = fax(referral, dana, "+16125550003")
    for days in range(9):
        follow(days=days)
    delivery.refresh_from_db()
    assert (delivery.status, sends) == ("unknown", [delivery.key])
    assert delivery.next_at is None  # after a week only a person can tell
    assert tasks(referral) == ["Ask the recipient whether it came: Cardiology"]
    task = Task.objects.get(cause_id=referral.pk)
    assert task.due_at is not None
    assert "gave no answer" in task.reason
    assert Referral.objects.get(pk=referral.pk).status == "sent"


def test_never_got_it_is_believed_only_when_the_gateway_had_time_to_list_it(referral, dana, monkeypatch):
    asked: list[str] = []

    def not_on_the_list(self: FaxSandbox, key: str) -> FaxReport:
        asked.append(key)
        return FaxReport(FaxState.NOT_TAKEN)

    monkeypatch.setattr(FaxSandbox, "report", not_on_the_list)
    delivery = fax(referral, dana, "+16125550006")
    follow()
    assert asked == []
    follow(minutes=5)
    delivery.refresh_from_db()
    assert (delivery.status, len(asked)) == ("unknown", 1)
    follow(minutes=16)
    delivery.refresh_from_db()
    assert (delivery.status, len(asked)) == ("failed", 2)


class KilledError(BaseException):
    """The worker's process ends here."""


def test_a_worker_killed_while_it_hands_over_leaves_a_doubt_that_the_gateway_ends(
    referral, dana, sends, monkeypatch
):
    delivery = fax(referral, dana)
    taken = FaxSandbox.send

    def killed(self: FaxSandbox, **given: Any) -> str:
        taken(self, **given)
        raise KilledError

    monkeypatch.setattr(FaxSandbox, "send", killed)
    with pytest.raises(KilledError):
        follow()
    monkeypatch.setattr(FaxSandbox, "send", taken)
    follow(minutes=1)  # the lease still runs: nobody touches it
    assert Delivery.objects.get(pk=delivery.pk).status == "sending"
    Delivery.objects.filter(pk=delivery.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    monkeypatch.setattr(FaxSandbox, "report", lambda self, key: FaxReport(FaxState.SENDING))
    follow(minutes=6)
    assert Delivery.objects.get(pk=delivery.pk).status == "unknown"
    assert len(tasks(referral)) == 1
    monkeypatch.setattr(FaxSandbox, "report", lambda self, key: FaxReport(FaxState.DELIVERED, "FX-9"))
    follow(hours=2)
    assert Delivery.objects.get(pk=delivery.pk).status == "delivered"
    assert (sends, tasks(referral)) == ([delivery.key], [])


def test_what_certainly_was_not_taken_is_tried_again_after_a_pause_and_given_up(referral, dana, sends):
    delivery = fax(referral, dana, "+16125550002")
    follow()
    follow()
    assert len(sends) == 1
    for hours in range(1, 12):
        follow(hours=3 * hours)
    delivery.refresh_from_db()
    assert (delivery.status, len(sends), len(set(sends))) == ("failed", fax_sending.MOST_ATTEMPTS, 1)


def test_an_answer_that_cannot_be_used_holds_up_no_other_fax(referral, dana, monkeypatch, caplog):
    bad = fax(referral, dana)
    good = fax(referral, dana, again_reason="They asked for it twice")
    follow()
    real = FaxSandbox.report
    long = FaxReport(FaxState.DELIVERED, "X" * 500)
    for answer in (long, ValueError(GOOD)):
        Delivery.objects.update(status="handed_over", next_at=NOW)

        def report(self: FaxSandbox, key: str, answer: Any = answer) -> Any:
            if key != bad.key:
                return real(self, key)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(FaxSandbox, "report", report)
        follow()
        assert Delivery.objects.get(pk=good.pk).status == "delivered"
        assert Delivery.objects.get(pk=bad.pk).next_at > NOW
    assert str(bad.pk) in caplog.text
    assert GOOD not in caplog.text


def test_links_are_followed_when_the_fax_gateway_breaks(monkeypatch):
    followed: list[str] = []

    def broken(**given: Any) -> int:
        raise OSError

    monkeypatch.setattr(jobs, "follow_faxes", broken)
    monkeypatch.setattr(jobs, "follow_links", lambda **given: followed.append("links"))
    with pytest.raises(OSError):
        jobs.follow_deliveries()
    assert followed == ["links"]


def test_a_fax_without_a_result_for_a_day_is_unknown(referral, dana, monkeypatch):
    delivery = fax(referral, dana)
    monkeypatch.setattr(FaxSandbox, "report", lambda self, key: FaxReport(FaxState.SENDING))
    follow()
    assert Delivery.objects.get(pk=delivery.pk).status == "handed_over"
    follow(hours=25)
    assert Delivery.objects.get(pk=delivery.pk).status == "unknown"


def test_the_same_packet_goes_once_unless_a_person_says_why(referral, dana):
    first = fax(referral, dana, "+16125550003")
    follow()
    with pytest.raises(Conflict, match="Lakes Heart"):
        fax(referral, dana)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_delivery(referral, packet=first.packet)  # the database is the judge
    assert referral.deliveries.count() == 1
    second = fax(referral, dana, again_reason="They say that nothing came")
    assert second.key != first.key
    assert tasks(referral) == []
    assert referral.changes.get(step="send_again").reason == "They say that nothing came"


@pytest.mark.parametrize(("came", "status", "of_referral"), [(True, "delivered", "sent"), (False, "failed", "send_failed")])  # fmt: skip
def test_a_person_ends_the_doubt(referral, dana, came, status, of_referral):
    delivery = fax(referral, dana, "+16125550003")
    follow()
    answer_delivery(delivery_id=delivery.pk, came=came, who="Pat, front desk", by=dana, now=NOW)
    delivery.refresh_from_db()
    referral.refresh_from_db()
    assert (delivery.status, referral.status, referral.received_at) == (status, of_referral, None)
    assert tasks(referral) == []
    with pytest.raises(NotAllowed):
        answer_delivery(delivery_id=delivery.pk, came=True, who="Pat", by=dana, now=NOW)


def test_a_receipt_ends_it_once_and_a_late_one_changes_nothing(referral, dana):
    delivery = fax(referral, dana, "+16125550003")
    follow()
    for number, arrived in enumerate((True, False)):
        GatewayEvent.objects.create(
            event_id=f"e{number}", kind="receipt", key=delivery.key, arrived=arrived, received_at=NOW
        )
    assert handle_events(by=BY, now=NOW) == 2
    assert list(GatewayEvent.objects.order_by("pk").values_list("result", flat=True)) == [
        "recorded",
        "no change",
    ]
    assert Delivery.objects.get(pk=delivery.pk).status == "delivered"
    assert not take_receipt(key="fax:nonsense", reference="", arrived=True, by=BY, now=NOW)


def test_an_answer_of_the_recipient_ends_the_question(referral, dana):
    fax(referral, dana, "+16125550003")
    follow()
    advance_referral(referral_id=referral.pk, step="receive", confirmed_by="Pat", by=dana, now=NOW)
    assert tasks(referral) == []


def test_what_waits_when_the_referral_is_entered_in_error_does_not_leave(referral, dana, sends):
    delivery = fax(referral, dana)
    advance_referral(referral_id=referral.pk, step="enter_in_error", reason="Wrong patient", by=dana, now=NOW)
    follow()
    delivery.refresh_from_db()
    assert (delivery.status, sends) == ("revoked", [])


def test_a_waiting_fax_is_taken_back_and_a_wrong_entry_counts_no_more(referral, dana, sends):
    delivery = fax(referral, dana)
    revoke_delivery(delivery_id=delivery.pk, reason="Wrong number", by=dana, now=NOW)
    follow()
    assert sends == []
    assert Referral.objects.get(pk=referral.pk).status == "send_failed"
    second = fax(referral, dana)
    follow()
    with pytest.raises(NotAllowed):
        revoke_delivery(delivery_id=second.pk, reason="Too late", by=dana, now=NOW)
    enter_delivery_in_error(delivery_id=second.pk, reason="Another referral's", by=dana, now=NOW)
    assert Referral.objects.get(pk=referral.pk).status == "send_failed"


def test_paper_and_portal_are_recorded_as_they_happened(referral, dana):
    by_hand = {"referral_id": referral.pk, "number": 1, "recipient": "Lakes Heart", "by": dana, "now": NOW}
    with pytest.raises(ValidationError) as refused:
        send_packet(channel="portal", address="Epic Link", **by_hand)
    assert "reference" in refused.value.message_dict
    assert not referral.deliveries.exists()
    paper = send_packet(channel="print", address="By courier", at=NOW - timedelta(hours=2), **by_hand)
    paper.refresh_from_db()
    assert (paper.status, paper.handed_over_at) == ("handed_over", NOW - timedelta(hours=2))
    portal = send_packet(
        channel="portal", address="Epic Link", reference="EL-77", again_reason="Asked for it", **by_hand
    )
    portal.refresh_from_db()
    assert (portal.status, "EL-77" in portal.evidence) == ("delivered", True)
    assert Referral.objects.get(pk=referral.pk).received_at is None


def test_protected_entries_leave_with_a_consent_only(dana, referral):
    make_packet_of(referral, label="part2")
    given = {"referral_id": referral.pk, "number": 2, "channel": "fax", "recipient": "Lakes", "address": GOOD}
    with pytest.raises(ValidationError, match="no consent"):
        send_packet(by=dana, now=NOW, **given)
    Consent.objects.create(
        patient=referral.patient, kind="part2", decision="permit", starts_on=timezone.localdate() - timedelta(days=9)
    )  # fmt: skip
    assert send_packet(by=dana, now=NOW, **given).status == "queued"


def test_a_fax_that_waits_stays_here_when_the_consent_is_withdrawn(dana, referral, sends):
    make_packet_of(referral, label="part2")
    consent = Consent.objects.create(
        patient=referral.patient, kind="part2", decision="permit", starts_on=timezone.localdate() - timedelta(days=9)
    )  # fmt: skip
    delivery = send_packet(
        referral_id=referral.pk, number=2, channel="fax", recipient="Lakes", address=GOOD, by=dana, now=NOW
    )
    Consent.objects.filter(pk=consent.pk).update(decision="deny")
    follow()
    delivery.refresh_from_db()
    assert (delivery.status, sends) == ("failed", [])
    assert "No consent" in delivery.changes.get(step="fail").reason
    assert tasks(referral) == ["A packet did not arrive: Cardiology"]


def test_without_a_gateway_no_fax_is_offered_or_taken(client, referral, dana, settings):
    settings.FAX_GATEWAY = "none"
    assert fax_gateway() is None
    client.force_login(dana)
    page = client.get(reverse("referrals:delivery_new", args=[referral.pk])).content.decode()
    assert "channel=fax" not in page
    with pytest.raises(ValidationError, match="No fax gateway"):
        fax(referral, dana)


def test_faxes_of_a_gateway_that_was_taken_out_find_somebody_to_ask(referral, dana, settings):
    waiting = fax(referral, dana)
    on_its_way = make_delivery(referral, channel="fax", status="handed_over", handed_over_at=NOW, next_at=NOW)
    settings.FAX_GATEWAY = "none"
    follow(minutes=1)
    waiting.refresh_from_db()
    assert waiting.status == "failed"
    assert waiting.changes.get(step="fail").reason == "No fax gateway is set up any more, so it did not go."
    assert tasks(referral) == ["A packet did not arrive: Cardiology"]
    follow(days=1, minutes=1)
    on_its_way.refresh_from_db()
    assert on_its_way.status == "unknown"
    assert len(tasks(referral)) == 2


def test_an_address_comes_from_what_one_may_see_and_paper_from_its_own_referral(referral, dana):
    same = {"owner": dana, "recipient_organization": referral.recipient_organization}
    other = make_referral(make_patient(site=referral.site), **same)
    make_delivery(other, channel="print", address="Handed to Maria Lopez, mother")
    make_delivery(other, channel="email", address="desk@lakes.example")
    assert usual_address(dana, referral, "print") == ""
    assert usual_address(dana, other, "print") == "Handed to Maria Lopez, mother"
    assert usual_address(dana, referral, "email") == "desk@lakes.example"
    assert usual_address(make_user(site=make_site()), referral, "email") == ""


def test_the_dialog_comes_filled_in_and_keeps_what_was_typed(client, referral, dana):
    client.force_login(dana)
    address = reverse("referrals:delivery_new", args=[referral.pk])
    page = client.get(address).content.decode()
    assert GOOD in page
    assert str(referral.recipient_organization) in page
    wrong = client.post(address, {"version": 1, "recipient": "Lakes & Heart", "address": "12"})
    assert wrong.status_code == 422
    assert "Lakes &amp; Heart" in wrong.content.decode()
    assert not referral.deliveries.exists()
    sent = client.post(address, {"version": 1, "recipient": "Lakes", "address": GOOD})
    assert sent.status_code == 302
    again = client.post(address, {"version": 1, "recipient": "Lakes", "address": GOOD})
    assert again.status_code == 422
    assert "This version was sent already" in again.content.decode()
    shown = client.get(reverse("referrals:referral_detail", args=[referral.pk])).content.decode()
    assert "Waiting to go" in shown
    assert "(612) 555-0142" in shown


def test_the_referral_asks_the_same_number_of_queries_for_one_and_for_many_deliveries(client, referral, dana):
    client.force_login(dana)
    address = reverse("referrals:referral_detail", args=[referral.pk])
    make_delivery(referral)
    client.get(address)
    with CaptureQueriesContext(connection) as one:
        client.get(address)
    for _n in range(3):
        make_delivery(referral)
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) <= len(one)
