"""Writing the ledger."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from coordinator import hints
from coordinator.messaging import services
from coordinator.messaging.models import Message
from coordinator.messaging.services import Draft
from coordinator.messaging.tests.factories import make_message
from coordinator.tests.factories import make_site, make_user

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def draft(**fields: Any) -> Draft:
    facts: dict[str, Any] = {
        "key": "visit:1",
        "purpose": "test",
        "about_type": "test",
        "about_id": uuid4(),
        "channel": "sms",
        "address": "+16125550143",
        "body": "hello",
        "send_after": NOW + timedelta(hours=1),
    }
    return Draft(**(facts | fields))


def test_scheduling_twice_with_one_key_is_one_message() -> None:
    site = make_site()
    first = services.schedule(now=NOW, **vars(draft(site_id=site.pk)))
    second = services.schedule(now=NOW, **vars(draft(site_id=site.pk, body="other")))
    assert (second.pk, second.body) == (first.pk, "hello")
    assert Message.objects.count() == 1


def test_many_at_once_says_which_keys_are_new() -> None:
    site = make_site()
    services.schedule_many([draft(site_id=site.pk, key="a")], now=NOW)
    new = services.schedule_many([draft(site_id=site.pk, key=key) for key in "abc"], now=NOW)
    assert new == {"b", "c"}


def test_a_skipped_message_says_why_and_the_database_insists() -> None:
    facts = vars(draft(site_id=make_site().pk)) | {"skip_reason": "opted_out"}
    row = services.schedule(now=NOW, **facts)
    assert (row.status, row.skip_reason, row.finished_at) == ("skipped", "opted_out", NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_message(status="skipped")


def test_withdrawing_takes_back_only_what_is_not_on_its_way() -> None:
    about = uuid4()
    waiting = make_message(about_id=about)
    sent = make_message(about_id=about, status="sent")
    other = make_message()
    assert services.withdraw(about_ids=[about], reason="The visit was cancelled.", now=NOW) == 1
    statuses = {m.pk: m.status for m in Message.objects.all()}
    assert statuses == {waiting.pk: "cancelled", sent.pk: "sent", other.pk: "scheduled"}


def test_withdrawing_by_patient_or_address_and_for_one_purpose() -> None:
    patient = uuid4()
    mine = make_message(patient_id=patient, purpose="visit_reminder")
    make_message(patient_id=patient, purpose="other")
    assert services.withdraw(patient_ids=[patient], purpose="visit_reminder", reason="left", now=NOW) == 1
    mine.refresh_from_db()
    assert mine.error == "left"
    blank = make_message(address="")
    services.withdraw(addresses=["", "+16125550143"], reason="STOP", now=NOW)
    blank.refresh_from_db()
    assert blank.status == "scheduled"


def test_only_rows_that_never_went_out_get_another_decision() -> None:
    site = make_site()
    skipped = make_message(site, status="skipped", skip_reason="no_address", key="a")
    sent = make_message(site, status="sent", key="b")
    new = {m.pk: draft(site_id=site.pk, key=m.key) for m in (skipped, sent)}
    assert services.revise(new, now=NOW) == {skipped.pk}
    skipped.refresh_from_db()
    assert (skipped.status, skipped.skip_reason, skipped.body) == ("scheduled", "", "hello")


def test_delivered_is_final_whatever_receipts_come_later() -> None:
    row = make_message(status="sent", gateway_reference="r1")
    assert services.record_receipt(gateway_reference="r1", arrived=True, now=NOW)
    assert not services.record_receipt(gateway_reference="r1", arrived=True, now=NOW)
    assert not services.record_receipt(gateway_reference="r1", arrived=False, now=NOW)
    assert not services.record_receipt(gateway_reference="unknown", arrived=True, now=NOW)
    assert not services.record_receipt(arrived=True, now=NOW)
    row.refresh_from_db()
    assert row.status == "delivered"


def test_a_receipt_settles_what_was_unknown() -> None:
    row = make_message(status="unknown", key="k9")
    assert services.record_receipt(key="k9", arrived=False, now=NOW)
    row.refresh_from_db()
    assert (row.status, row.error) == ("failed", "refused:undelivered")


@pytest.mark.django_db(transaction=True)
def test_a_hint_is_given_after_the_commit_and_only_then(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    monkeypatch.setattr("coordinator.messaging.jobs.deliver_due.apply_async", lambda **_: given.append(1))
    monkeypatch.setattr(hints, "_quiet_until", 0.0)
    with transaction.atomic():
        services.hint()
        assert given == []
    assert given == [1]


@pytest.mark.django_db(transaction=True)
def test_without_redis_nothing_is_noticed_but_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int] = []

    def fail(**_options: Any) -> None:
        tries.append(1)
        raise ConnectionError

    monkeypatch.setattr("coordinator.messaging.jobs.deliver_due.apply_async", fail)
    monkeypatch.setattr(hints, "_quiet_until", 0.0)
    for _ in range(3):
        with transaction.atomic():
            services.hint()
    assert tries == [1]  # then a minute of quiet, so that nobody waits for it
    assert "messaging.deliver_due waits for its sweep" in caplog.text


def test_who_sees_messages() -> None:
    site = make_site()
    mine, _elsewhere = make_message(site), make_message()
    seen = Message.objects.visible_to
    assert list(seen(make_user("manager", site))) == [mine]
    assert list(seen(make_user("administrator", site))) == [mine]
    assert list(seen(make_user("coordinator", site))) == [mine]
    assert not seen(make_user("auditor", site)).exists()
