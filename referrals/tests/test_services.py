"""A referral from draft to closed loop, on the real database."""

from __future__ import annotations

import datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.db import Conflict
from coordinator.tests.factories import make_organization, make_practitioner, make_site, make_team, make_user
from coordinator.workflow import NotAllowed, System
from patients.tests.factories import make_document, make_patient
from referrals import services
from referrals.models import PriorAuthorization
from referrals.tests.factories import make_authorization
from referrals.workflow import ReferralStatus as S

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)  # a Wednesday


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def patient(user):
    return make_patient(site=user.sites.get())


def write(patient, by, **fields):
    fields.setdefault("recipient_organization", make_organization())
    fields.setdefault("clinical_question", "Is it the heart?")
    return services.create_referral(
        patient=patient, specialty="Cardiology", reason="Swelling", by=by, now=NOW, **fields
    )


def go(referral, step, by, now=NOW, **facts):
    return services.advance_referral(referral_id=referral.pk, step=step, by=by, now=now, **facts)


def test_a_new_referral_has_an_owner_a_next_step_and_a_date_that_explains_itself(patient, user):
    referral = write(patient, user)
    assert (referral.owner, referral.next_step) == (user, "Complete the referral")
    assert referral.due_at == referral.clock.due_at
    assert referral.clock.rule_version.rule.key == "referral.send"
    assert referral.reference.startswith("R-")


def test_numbers_are_never_doubled(patient, user):
    first = write(patient, user)
    second = write(patient, user, duplicate_reason="second opinion")
    assert first.reference != second.reference


def test_a_second_one_for_the_same_specialty_needs_a_reason(patient, user):
    first = write(patient, user)
    with pytest.raises(Conflict) as refusal:
        write(patient, user)
    assert refusal.value.extra["similar"] == [str(first.pk)]


def test_without_anybody_named_the_team_has_it(patient):
    team = make_team(site=patient.site)
    referral = write(patient, System("import"))
    assert referral.team == team


def test_an_answer_with_a_date_writes_every_row_between(patient, user):
    referral = write(patient, user)
    go(referral, "make_ready", user)
    go(referral, "send", user, channel="fax")
    done = go(referral, "schedule", user, visit_at=NOW + datetime.timedelta(days=9))
    assert done.status == S.SCHEDULED
    steps = list(referral.changes.order_by("id").values_list("step", flat=True))
    assert steps == ["create", "make_ready", "send", "receive", "accept", "schedule"]
    assert done.received_at == done.accepted_at == NOW


def test_sending_needs_a_recipient(patient, user):
    referral = write(patient, user, recipient_organization=None)
    with pytest.raises(NotAllowed, match="recipient"):
        go(referral, "send", user, channel="fax")
    referral.refresh_from_db()
    assert referral.status == S.DRAFT


def test_the_acknowledgement_is_due_by_its_rule(patient, user):
    referral = go(go(write(patient, user), "make_ready", user), "send", user, channel="fax")
    assert referral.clock.rule_version.rule.key == "referral.acknowledge.routine"
    # Sent Wednesday: two business days later is Friday, end of the local day.
    assert referral.due_at.astimezone(patient.site.tzinfo).date() == datetime.date(2026, 11, 20)


def test_the_loop_is_closed_only_when_reviewed_and_the_patient_was_told(patient, user):
    referral = write(patient, user)
    go(referral, "send", user, channel="fax")
    go(referral, "accept", user)
    go(referral, "see", user, seen_on=datetime.date(2026, 11, 17))
    done = go(referral, "complete", user, report=make_document(patient))
    assert (done.status, done.loop_closed_at, done.next_step) == (
        S.COMPLETED,
        None,
        "Requester reviews the report",
    )
    with pytest.raises(NotAllowed):
        services.record_patient_told(referral_id=referral.pk, by=user, now=NOW)
    services.record_review(referral_id=referral.pk, by=user, now=NOW)
    closed = services.record_patient_told(referral_id=referral.pk, by=user, now=NOW)
    assert closed.loop_closed_at == NOW
    assert closed.due_at is None
    assert closed.clock is None


def test_one_that_was_declined_is_open_until_the_requester_is_told(patient, user):
    referral = write(patient, user)
    go(referral, "send", user, channel="fax")
    declined = go(referral, "decline", user, reason="No openings", outcome_reason="no_capacity")
    assert declined.loop_closed_at is None
    assert declined.next_step == "Tell the requester"
    assert services.record_requester_told(referral_id=referral.pk, by=user, now=NOW).loop_closed_at == NOW


def test_reopening_a_completed_one_opens_the_loop_again(patient, user):
    referral = write(patient, user)
    go(referral, "send", user, channel="fax")
    go(referral, "accept", user)
    go(referral, "complete", user, report=make_document(patient))
    services.record_review(referral_id=referral.pk, by=user, now=NOW)
    services.record_patient_told(referral_id=referral.pk, by=user, now=NOW)
    again = go(referral, "reopen", user, reason="Wrong patient's report")
    assert (again.status, again.loop_closed_at, again.reviewed_at) == (S.SEEN, None, None)
    assert (again.report, again.report_received_at) == (None, None)
    assert again.due_at is not None


def test_the_requesting_provider_may_review_but_not_steer(patient, user):
    doctor = make_practitioner(site=patient.site)
    provider = make_user(Role.PROVIDER, site=patient.site, practitioner=doctor)
    referral = write(patient, user, requester=doctor)
    go(referral, "send", user, channel="fax")
    go(referral, "accept", user)
    go(referral, "complete", user, report=make_document(patient))
    assert services.record_review(referral_id=referral.pk, by=provider, now=NOW).reviewed_at == NOW
    with pytest.raises(PermissionDenied):
        services.record_patient_told(referral_id=referral.pk, by=provider, now=NOW)


def test_somebody_from_another_site_is_refused(patient, user):
    referral = write(patient, user)
    with pytest.raises(PermissionDenied):
        go(referral, "make_ready", make_user(site=make_site()))


def test_a_visit_in_the_future_cannot_have_happened(patient, user):
    referral = write(patient, user)
    go(referral, "send", user, channel="fax")
    go(referral, "accept", user)
    with pytest.raises(ValidationError):
        go(referral, "see", user, seen_on=datetime.date(2026, 12, 24))


def test_reassigning_changes_neither_age_nor_date(patient, user):
    referral = write(patient, user)
    colleague = make_user(site=patient.site)
    moved = services.assign_referral(
        referral_id=referral.pk, owner=colleague, by=user, now=NOW + datetime.timedelta(days=1)
    )
    assert (moved.owner, moved.stage_since, moved.due_at) == (colleague, NOW, referral.due_at)
    assert AuditEvent.objects.filter(action="assign", entity_id=str(referral.pk)).count() == 1
    told = referral.changes.get(step="reassign")
    assert (told.by, told.facts) == (user, {"from": user.pk, "to": colleague.pk})
    assert told.words == "Given to somebody else"


def test_a_referral_never_changes_who_owns_the_patient(patient, user):
    before = patient.coordinator
    go(write(patient, user), "send", user, channel="fax")
    patient.refresh_from_db()
    assert patient.coordinator == before


def test_a_visit_long_before_the_referral_was_written_is_a_mistyped_year(patient, user):
    referral = write(patient, user)
    for step, facts in (("send", {"channel": "fax"}), ("accept", {})):
        referral = go(referral, step, user, **facts)
    with pytest.raises(ValidationError, match="The referral was written on Nov"):
        go(referral, "schedule", user, visit_at=NOW - datetime.timedelta(days=320))
    with pytest.raises(ValidationError, match="that long before"):
        go(referral, "see", user, seen_on=datetime.date(2025, 11, 17))
    seen_before = datetime.date(2026, 11, 10)  # the referral was written after the visit
    assert go(referral, "see", user, seen_on=seen_before).seen_on == seen_before


def test_a_referral_that_waits_for_the_payer_goes_on_before_only_with_a_reason(patient, user):
    referral = write(patient, user)
    request = make_authorization(patient, referral=referral, owner=user, status="gathering")
    referral = go(referral, "await_authorization", user)
    with pytest.raises(ValidationError, match="Say why the referral goes on without it"):
        go(referral, "make_ready", user)
    PriorAuthorization.objects.filter(pk=request.pk).update(status="denied")
    with pytest.raises(ValidationError, match="Say why"):
        go(referral, "make_ready", user)
    gone = go(referral, "make_ready", user, reason="The patient pays for it")
    assert gone.changes.get(step="make_ready").reason == "The patient pays for it"


def test_an_approved_request_needs_no_reason(patient, user):
    referral = write(patient, user)
    request = make_authorization(patient, referral=referral, owner=user, status="gathering")
    referral = go(referral, "await_authorization", user)
    PriorAuthorization.objects.filter(pk=request.pk).update(status="not_required")
    assert go(referral, "make_ready", user).status == "ready"
