"""The ledger of attempts, the cancel request, the conversation, and what is taken back from them."""

from __future__ import annotations

import datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from careplans.models import ContactAttempt
from coordinator.accounts.roles import Role
from coordinator.tests.factories import make_organization, make_site, make_user
from coordinator.workflow import NotAllowed
from patients.tests.factories import make_document, make_patient
from referrals import services
from referrals.models import ReferralAttempt, ReferralMessage
from referrals.rules.attempts import Try, standing
from referrals.services.attempts import standing_with
from referrals.tests.factories import make_attempt, make_referral

NOW = datetime.datetime(2026, 11, 20, 23, 0, tzinfo=datetime.UTC)  # Friday, 5 PM in Chicago
ZONE = "America/Chicago"


def at(day, hour):
    """That local hour of a November day (Chicago, UTC-6)."""
    return datetime.datetime(2026, 11, day, hour, 0, tzinfo=datetime.UTC) + datetime.timedelta(hours=6)


THREE = [(16, 9), (17, 15), (18, 10)]


def tries(*moments, channel="phone", reached=False):
    return [Try(at(day, hour), channel, reached) for day, hour in moments]


# --- the rule --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moments", "missing"),
    [
        ([], ["3 more attempts.", "Attempts on 3 more days.", "An attempt in another part of the day."]),
        ([(16, 9), (16, 15), (16, 16)], ["Attempts on 2 more days."]),
        ([(16, 9), (17, 9), (18, 9)], ["An attempt in another part of the day."]),
        ([(16, 9), (17, 15)], ["1 more attempt.", "An attempt on 1 more day."]),
        (THREE, []),
    ],
)
def test_three_attempts_on_three_days_in_two_parts_of_the_day(moments, missing):
    assert list(standing(tries(*moments), ZONE, needs_letter=False).missing) == missing


def test_the_letter_comes_after_the_attempts():
    early = [*tries((15, 9), channel="letter"), *tries(*THREE)]
    assert standing(early, ZONE, needs_letter=True).missing == ("A letter, once the attempts are enough.",)
    assert standing([*early, *tries((19, 9), channel="letter")], ZONE, needs_letter=True).is_enough


def test_whoever_was_reached_is_tried_anew():
    found = [*tries(*THREE), *tries((19, 9), reached=True)]
    assert standing(found, ZONE, needs_letter=False).made == 0


def test_days_are_local_days():
    """Two evening calls of one local day fall on two days in UTC."""
    evening = [Try(at(16, 17), "phone", False), Try(at(16, 19), "phone", False)]
    assert standing(evening, ZONE, needs_letter=False).days == 1


MOMENTS = st.tuples(
    st.integers(1, 28), st.integers(0, 17), st.sampled_from(["phone", "fax", "letter"]), st.booleans()
)


@given(st.lists(MOMENTS, max_size=9))
def test_enough_is_never_said_of_less_than_the_minimum(rows):
    found = [Try(at(day, hour), channel, reached) for day, hour, channel, reached in rows]
    stands = standing(found, ZONE, needs_letter=True)
    last = max((t.at for t in found if t.reached), default=None)
    calls = [t for t in found if t.channel != "letter" and (last is None or t.at > last)]
    if stands.is_enough:
        days = {(t.at - datetime.timedelta(hours=6)).date() for t in calls}
        assert len(calls) >= 3
        assert len(days) >= 3
        assert any(t.channel == "letter" and not t.reached for t in found)


# --- the ledger --------------------------------------------------------------------------------------------------

db = pytest.mark.django_db


@pytest.fixture
def site(db):
    return make_site(zone=ZONE)


@pytest.fixture
def user(site):
    return make_user(site=site)


@pytest.fixture
def lead(site):
    return make_user(Role.LEAD, site=site)


@pytest.fixture
def referral(site, user):
    patient = make_patient(site=site)
    return make_referral(patient, owner=user, status="sent", recipient_organization=make_organization())


def log(referral, by, moment, whom="recipient", channel="phone", outcome="no_answer", now=NOW, **more):
    return services.log_attempt(
        referral_id=referral.pk,
        whom=whom,
        channel=channel,
        outcome=outcome,
        at=moment,
        by=by,
        now=now,
        **more,
    )


def go(referral, step, by, **facts):
    return services.advance_referral(referral_id=referral.pk, step=step, by=by, now=NOW, **facts)


def test_a_patients_attempt_is_a_contact_too_and_both_are_taken_back_together(referral, user):
    attempt = log(referral, user, at(16, 9), whom="patient", note="Rang ten times")
    contact = referral.patient.contact_attempts.get()
    assert (attempt.contact, contact.outcome, contact.at) == (contact, "no_answer", at(16, 9))
    services.enter_entry_in_error(
        model=ReferralAttempt, entry_id=attempt.pk, reason="Another patient", by=user, now=NOW
    )
    assert not ContactAttempt.objects.exists()
    assert standing_with(referral, "patient").made == 0


def test_a_contact_taken_back_on_its_own_page_counts_no_more_here(referral, user):
    log(referral, user, at(16, 9), whom="patient")
    ContactAttempt.objects.update(error_reason="Wrong", error_at=NOW)
    assert standing_with(referral, "patient").made == 0


def test_an_attempt_of_tomorrow_was_not_made(referral, user):
    with pytest.raises(ValidationError) as refusal:
        log(referral, user, NOW + datetime.timedelta(days=1))
    assert list(refusal.value.error_dict) == ["at"]


def test_could_not_contact_needs_the_ledger_the_letter_and_a_lead(referral, user, lead):
    ending = {"reason": "Nobody answers", "outcome_reason": "could_not_contact"}
    for day, hour in THREE:
        with pytest.raises(NotAllowed, match="still missing"):
            go(referral, "request_cancel", lead, **ending)
        log(referral, user, at(day, hour), whom="patient")
    with pytest.raises(NotAllowed, match="letter"):
        go(referral, "request_cancel", lead, **ending)
    log(referral, user, at(19, 9), whom="patient", channel="letter", outcome="")
    with pytest.raises(PermissionDenied, match="lead"):
        go(referral, "request_cancel", user, **ending)
    assert go(referral, "request_cancel", lead, **ending).outcome_reason == "could_not_contact"


def test_a_cancel_is_asked_for_confirmed_or_a_result_still_comes(referral, user):
    asked = go(referral, "request_cancel", user, reason="Patient moved", outcome_reason="moved")
    assert (asked.status, asked.next_step) == ("cancel_requested", "Recipient confirms the cancel")
    with pytest.raises(NotAllowed):
        go(referral, "withdraw", user, reason="x")
    late = go(referral, "complete", user, report=make_document(referral.patient))
    assert late.status == "completed"
    other = make_referral(referral.patient, status="cancel_requested", specialty="Imaging")
    confirmed = go(other, "confirm_cancel", user, confirmed_by="Front desk")
    assert (confirmed.status, confirmed.confirmed_by) == ("cancelled", "Front desk")


def test_without_an_answer_a_lead_cancels_after_the_minimum(referral, user, lead):
    go(referral, "request_cancel", user, reason="Patient moved")
    for day, hour in THREE:
        with pytest.raises(NotAllowed, match="still missing"):
            go(referral, "cancel_without_reply", lead, reason="Never answered")
        log(referral, user, at(day, hour))
    with pytest.raises(PermissionDenied):
        go(referral, "cancel_without_reply", user, reason="Never answered")
    done = go(referral, "cancel_without_reply", lead, reason="Never answered")
    assert (done.status, done.outcome_reason) == ("cancelled", "no_reply_from_recipient")
    assert done.loop_closed_at is None  # the requester has to know


# --- pages -------------------------------------------------------------------------------------------------------


def page_of(client, referral):
    return client.get(reverse("referrals:referral_detail", args=[referral.pk])).content.decode()


def test_the_page_says_what_is_still_missing(client, referral, user):
    client.force_login(user)
    address = reverse("referrals:referral_attempt", args=[referral.pk])
    answer = client.post(
        address, {"whom": "recipient", "channel": "phone", "outcome": "no_answer", "who": "—"}
    )
    assert answer.status_code == 302
    text = page_of(client, referral)
    assert "2 more attempts." in text
    refused = client.post(address, {"whom": "recipient", "channel": "phone", "note": "Rang"})
    assert refused.status_code == 422
    assert "Choose what came of it." in refused.content.decode()
    assert ReferralAttempt.objects.count() == 1


def test_a_message_is_kept_and_can_be_taken_back(client, referral, user):
    client.force_login(user)
    foreign = make_document(make_patient(site=referral.site))
    said = {
        "direction": "in",
        "kind": "interim",
        "channel": "fax",
        "who": "Dr. Ito",
        "body": "Echo is planned",
    }
    address = reverse("referrals:referral_message", args=[referral.pk])
    assert client.post(address, said | {"document": foreign.pk}).status_code == 422
    assert client.post(address, said).status_code == 302
    assert "Echo is planned" in page_of(client, referral)
    message = ReferralMessage.objects.get()
    wrong = reverse("referrals:entry_in_error", args=["message", message.pk])
    assert client.post(wrong, {"reason": ""}).status_code == 422
    assert client.post(wrong, {"reason": "Another referral"}).status_code == 302
    assert "Echo is planned" not in page_of(client, referral)
    assert client.post(wrong, {"reason": "Again"}).status_code == 422
    assert referral.changes.filter(step="entry_in_error", reason="Another referral").exists()


def test_another_sites_entries_are_not_there(client, referral):
    client.force_login(make_user(site=make_site()))
    attempt = make_attempt(referral)
    assert client.get(reverse("referrals:referral_attempt", args=[referral.pk])).status_code == 404
    assert client.get(reverse("referrals:entry_in_error", args=["attempt", attempt.pk])).status_code == 404


def test_the_page_asks_as_many_questions_for_ten_entries_as_for_one(
    client, referral, user, django_assert_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.force_login(user)
    address = reverse("referrals:referral_detail", args=[referral.pk])

    def entries(number):
        for _n in range(number):
            make_attempt(referral, created_by=user)
            ReferralMessage.objects.create(
                referral=referral,
                direction="out",
                channel="fax",
                body="x",
                at=timezone.now(),
                created_by=user,
            )

    entries(1)
    client.get(address)
    with CaptureQueriesContext(connection) as one:
        client.get(address)
    entries(9)
    with CaptureQueriesContext(connection) as ten:
        client.get(address)
    assert len(one) == len(ten)
