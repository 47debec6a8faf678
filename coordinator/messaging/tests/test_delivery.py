"""Sending: claims, leases, fences, doubt, retries, hours and limits of a gateway."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from coordinator.messaging import checks
from coordinator.messaging.claims import NOW, Outcome, Scope, claim_due, write
from coordinator.messaging.delivery import MAX_ATTEMPTS, deliver_due
from coordinator.messaging.gateways import Unclear
from coordinator.messaging.models import REMINDER, Message
from coordinator.messaging.tests.factories import FakeGateway, be_down, end_leases, hang, make_message, refuse
from coordinator.tests.factories import make_site

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def test_what_is_due_is_sent_once_and_what_is_not_waits() -> None:
    now = timezone.now()
    due, later = make_message(), make_message(send_after=now + HOUR)
    gateway = FakeGateway()
    assert deliver_due(gateways=gateway) == {"sent": 1}
    assert deliver_due(gateways=gateway) == {}
    due.refresh_from_db()
    later.refresh_from_db()
    assert (due.status, due.gateway_reference, due.attempts) == ("sent", f"ref-{due.key}", 1)
    assert due.claim_token is None
    assert due.finished_at is not None
    assert later.status == "scheduled"
    assert gateway.calls == {due.key: 1}


def test_a_worker_whose_clock_is_ahead_sends_nothing_early() -> None:
    """Due is what the database's clock says, however late the asker thinks it is."""
    make_message(send_after=timezone.now() + HOUR)
    assert deliver_due(scope=Scope(until=timezone.now() + timedelta(days=1)), gateways=FakeGateway()) == {}


def test_two_claims_never_share_a_message() -> None:
    for _ in range(5):
        make_message()
    first, second = claim_due("sms", limit=3), claim_due("sms", limit=3)
    assert first is not None
    assert second is not None
    assert (len(first.messages), len(second.messages)) == (3, 2)
    assert not {m.id for m in first.messages} & {m.id for m in second.messages}
    assert claim_due("sms") is None


def test_a_worker_that_lost_its_lease_writes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    row = make_message()
    frozen = claim_due("sms")
    assert frozen is not None
    end_leases()
    assert deliver_due(gateways=FakeGateway()) == {"scheduled": 1}  # asked: not taken, so tried again later
    assert write(frozen, [Outcome(row.pk, "sent")]) == {"fenced": 1}
    row.refresh_from_db()
    assert row.status == "scheduled"
    assert "dropped" in caplog.text


# --- not sent, for certain ------------------------------------------------------------------------------


def test_a_refused_number_fails_at_once() -> None:
    row = make_message()
    gateway = FakeGateway(refuse)
    assert deliver_due(gateways=gateway) == {"failed": 1}
    row.refresh_from_db()
    assert (row.status, row.error) == ("failed", "refused:http_422")
    deliver_due(gateways=gateway)
    assert gateway.calls[row.key] == 1


def test_a_gateway_in_trouble_is_tried_again_with_growing_pauses_then_given_up() -> None:
    row = make_message()
    gateway, pauses = FakeGateway(be_down), []
    for _ in range(MAX_ATTEMPTS):
        deliver_due(gateways=gateway)
        row.refresh_from_db()
        pauses.append(round((row.send_after - timezone.now()).total_seconds() / 60))
        Message.objects.filter(status="scheduled").update(send_after=timezone.now() - HOUR)
    assert pauses[:-1] == [1, 2, 4, 8, 15, 30, 60]
    assert (row.status, row.error, row.attempts) == ("failed", "gave_up:http_503", MAX_ATTEMPTS)


def test_ten_failures_in_a_row_stop_the_sweep_and_the_rest_keep_their_tries(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = make_site()
    for _ in range(60):
        make_message(site)
    gateway = FakeGateway(be_down)
    done = deliver_due(gateways=gateway)
    assert gateway.calls.total() < 20
    assert done["stopped"] == 1
    untouched = Message.objects.filter(status="scheduled", attempts=0).count()
    assert untouched == 60 - gateway.calls.total()
    assert not Message.objects.filter(status="sending").exists()


def test_one_bad_message_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    site = make_site()
    bad = make_message(site)
    for _ in range(5):
        make_message(site)

    def crash(key: str, times: int) -> None:
        if key == bad.key:
            raise RuntimeError("poison")

    gateway = FakeGateway(crash)
    with caplog.at_level(logging.CRITICAL):
        for _ in range(2 * MAX_ATTEMPTS):  # one round to send, one to ask
            deliver_due(gateways=gateway)
            end_leases()
            Message.objects.filter(status="scheduled").update(send_after=timezone.now() - HOUR)
        deliver_due(gateways=gateway)
    bad.refresh_from_db()
    assert (bad.status, bad.error) == ("failed", "gave_up:not_taken")
    assert Message.objects.filter(status="sent").count() == 5


def test_a_lease_is_longer_than_the_calls_it_is_for(settings: Any) -> None:
    """Or a worker would give back what it took, and take it again, for ever."""
    settings.MESSAGE_LEASE_SECONDS = 0.5
    make_message()
    gateway = FakeGateway()
    gateway.call_seconds = 30.0
    assert deliver_due(gateways=gateway, seconds=5) == {"sent": 1}


# --- in doubt ---------------------------------------------------------------------------------------------


def test_after_a_lost_answer_the_gateway_is_asked_before_anything_is_sent_again() -> None:
    row = make_message()

    def take_and_hang(key: str, times: int) -> None:
        gateway.taken[key] += 1
        raise Unclear("no_answer")

    gateway = FakeGateway(take_and_hang)
    assert deliver_due(gateways=gateway) == {"in_doubt": 1}
    assert deliver_due(gateways=gateway) == {}  # the lease still runs: what is on its way may arrive
    end_leases()
    assert deliver_due(gateways=gateway) == {"sent": 1}
    row.refresh_from_db()
    assert (row.status, row.gateway_reference) == ("sent", f"ref-{row.key}")
    assert gateway.calls[row.key] == 1


def test_what_the_gateway_never_got_is_sent_again_under_the_same_key() -> None:
    row = make_message()
    gateway = FakeGateway(hang)
    deliver_due(gateways=gateway)
    end_leases()
    assert deliver_due(gateways=gateway) == {"scheduled": 1}
    gateway.script = None
    Message.objects.update(send_after=timezone.now() - HOUR)
    assert deliver_due(gateways=gateway) == {"sent": 1}
    assert gateway.taken == {row.key: 1}


def test_a_gateway_that_cannot_be_asked_leaves_doubt_and_nobody_resends() -> None:
    row = make_message()
    gateway = FakeGateway(hang, can_be_asked=False)
    assert deliver_due(gateways=gateway) == {"unknown": 1}
    row.refresh_from_db()
    assert (row.status, row.error) == ("unknown", "no_answer")
    assert deliver_due(gateways=gateway) == {}


def test_a_worker_that_died_with_such_a_gateway_leaves_doubt_too() -> None:
    row = make_message()
    assert claim_due("sms") is not None  # and dies
    end_leases()
    assert deliver_due(gateways=FakeGateway(can_be_asked=False)) == {"unknown": 1}
    row.refresh_from_db()
    assert row.error == "worker_lost"


def test_while_the_gateway_cannot_say_the_message_waits_and_in_the_end_it_is_unknown() -> None:
    row = make_message(expires_at=timezone.now() + HOUR)
    gateway = FakeGateway(hang)
    gateway.lookup_fails = True
    deliver_due(gateways=gateway)
    end_leases()
    assert deliver_due(gateways=gateway) == {}
    row.refresh_from_db()
    assert row.status == "sending"
    end_leases()
    Message.objects.update(expires_at=timezone.now() - HOUR)
    assert deliver_due(gateways=gateway) == {"unknown": 1}
    row.refresh_from_db()
    assert row.error == "gateway_cannot_tell"


# --- hours and switches -----------------------------------------------------------------------------------


def test_past_its_expiry_a_message_is_a_missed_window_and_not_a_late_text() -> None:
    row = make_message(expires_at=timezone.now() - timedelta(minutes=1), send_after=timezone.now() - HOUR)
    gateway = FakeGateway()
    assert deliver_due(gateways=gateway) == {"skipped": 1}
    row.refresh_from_db()
    assert (row.status, row.skip_reason) == ("skipped", "window_missed")
    assert not gateway.calls


def test_held_up_until_quiet_hours_it_goes_in_the_next_allowed_ones() -> None:
    """Nobody was sending all afternoon; at 8:30 PM it must wait for the morning."""
    now = timezone.now()
    morning = (now + 12 * HOUR, now + 20 * HOUR)
    row = make_message(
        send_after=now - 6 * HOUR,
        close_at=now - timedelta(minutes=30),
        later=[[moment.isoformat() for moment in morning]],
        expires_at=morning[1],
    )
    gateway = FakeGateway()
    assert deliver_due(gateways=gateway) == {"moved": 1}
    row.refresh_from_db()
    assert (row.send_after, row.close_at, row.later, row.late) == (*morning, [], True)
    assert not gateway.calls


def test_no_allowed_hours_left_is_a_missed_window() -> None:
    now = timezone.now()
    row = make_message(send_after=now - 2 * HOUR, close_at=now - HOUR, expires_at=now + HOUR)
    deliver_due(gateways=FakeGateway())
    row.refresh_from_db()
    assert row.skip_reason == "window_missed"


def test_a_site_that_is_switched_off_holds_its_reminders_and_nothing_else() -> None:
    site = make_site(reminders_on=False)
    held, other = make_message(site, purpose=REMINDER), make_message(site)
    deliver_due(gateways=FakeGateway())
    held.refresh_from_db()
    other.refresh_from_db()
    assert (held.status, other.status) == ("scheduled", "sent")


def test_the_app_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_checks", {})
    site = make_site()
    rows = {name: make_message(site, purpose="visit") for name in ("opted_out", "superseded", "")}
    checks.register("visit", lambda claimed: {rows[n].pk: n for n in ("opted_out", "superseded")})
    gateway = FakeGateway()
    deliver_due(gateways=gateway)
    for row in rows.values():
        row.refresh_from_db()
    assert (rows["opted_out"].status, rows["opted_out"].skip_reason) == ("skipped", "opted_out")
    assert (rows["superseded"].status, rows["superseded"].error) == ("cancelled", "superseded")
    assert gateway.calls == {rows[""].key: 1}


# --- a night made up for ------------------------------------------------------------------------------------


def test_rows_of_a_past_night_are_sent_by_that_night_alone() -> None:
    then = timezone.now() - timedelta(days=100)
    site = make_site()
    row = make_message(site, replay=True, send_after=then, close_at=then + HOUR, expires_at=then + 2 * HOUR)
    later = make_message(
        site, replay=True, send_after=then + timedelta(days=1), expires_at=then + timedelta(days=2)
    )
    gateway = FakeGateway()
    assert deliver_due(gateways=gateway) == {}
    night = Scope(until=then + 12 * HOUR, as_of=then - 6 * HOUR, replay=True, site_id=site.pk)
    assert deliver_due(scope=night, gateways=gateway) == {"sent": 1}
    assert gateway.calls == {row.key: 1}
    later.refresh_from_db()
    assert later.status == "scheduled"


def test_another_sites_night_leaves_them_alone() -> None:
    then = timezone.now() - timedelta(days=100)
    make_message(replay=True, send_after=then, expires_at=then + HOUR)
    night = Scope(until=then + HOUR, as_of=then, replay=True, site_id=uuid4())
    assert deliver_due(scope=night, gateways=FakeGateway()) == {}


# --- many at once -------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_send_each_message_once() -> None:
    site = make_site()
    Message.objects.bulk_create(
        Message(
            key=f"m:{n}", purpose="test", about_type="test", about_id=uuid4(), site=site, channel="sms",
            address=f"+1612555{n:04d}", send_after=timezone.now() - HOUR, created_at=timezone.now(),
        )
        for n in range(400)
    )  # fmt: skip
    gateway, results, start = FakeGateway(), [], threading.Barrier(4)

    def work() -> None:
        start.wait()
        try:
            results.append(deliver_due(gateways=gateway))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(results, Counter()) == {"sent": 400}
    assert set(gateway.taken.values()) == {1}
    assert len(gateway.taken) == 400


def test_the_number_of_queries_does_not_grow_with_the_messages(
    django_assert_max_num_queries: object,
) -> None:
    site = make_site()

    def queries(n: int) -> int:
        from django.test.utils import CaptureQueriesContext

        for _ in range(n):
            make_message(site)
        with CaptureQueriesContext(connection) as captured:
            deliver_due(gateways=FakeGateway())
        return len([q for q in captured if "SAVEPOINT" not in q["sql"]])

    assert queries(1) == queries(8)


def test_overdue_is_what_nobody_sends_though_it_could_go() -> None:
    now = timezone.now()
    late = make_message(send_after=now - timedelta(minutes=6))
    make_message(send_after=now - timedelta(minutes=4))
    make_message(send_after=now - HOUR, close_at=now - timedelta(minutes=1))
    make_message(make_site(reminders_on=False), purpose=REMINDER, send_after=now - HOUR)
    make_message(send_after=now - HOUR, replay=True)
    assert list(Message.objects.overdue(now)) == [late]


def test_the_scope_of_now_is_the_databases_clock() -> None:
    assert NOW.params() == {"until": None, "as_of": None, "replay": False, "site": None}
