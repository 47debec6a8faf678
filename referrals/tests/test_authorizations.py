"""A prior authorization: the payer's clock, its questions, and a header derived from its lines."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest

from coordinator.tests.factories import make_user
from coordinator.workflow import NotAllowed
from patients.tests.factories import make_patient
from referrals import services
from referrals.models import Payer
from referrals.rules.authorizations import step_for
from referrals.tests.factories import make_payer
from referrals.workflow import AuthorizationStatus as S

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
NOW = datetime.datetime(2026, 11, 23, 10, 0, tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("decisions", "step"),
    [
        (["", ""], None),
        (["approved", ""], "pend"),
        (["approved", "pended"], "pend"),
        (["denied", "denied"], "deny"),
        (["approved", "denied"], "approve_in_part"),
        (["approved", "modified"], "modify"),
        (["approved", "approved"], "approve"),
        (["approved", "cancelled"], "approve"),
        (["cancelled"], None),
    ],
)
def test_the_header_follows_from_the_lines_first_match_wins(decisions, step):
    assert step_for(decisions) == step


def submitted(urgency="standard", received=NOW, payer_type=Payer.Type.MEDICARE_ADVANTAGE):
    user = make_user()
    patient = make_patient(site=user.sites.get())
    payer = make_payer(payer_type=payer_type)
    request = services.create_authorization(
        patient=patient,
        payer=payer,
        service="MRI lumbar",
        urgency=urgency,
        urgency_reason="Losing feeling in the leg" if urgency == "expedited" else "",
        by=user,
        now=received,
    )

    def go(step, **facts):
        return services.advance_authorization(
            authorization_id=request.pk, step=step, by=user, now=received, **facts
        )

    go("find_required")
    go("gather")
    with pytest.raises(NotAllowed, match="line"):
        go("make_ready")
    services.add_line(authorization_id=request.pk, service_code="72148", units=1, by=user, now=received)
    services.add_line(authorization_id=request.pk, service_code="72149", units=1, by=user, now=received)
    go("make_ready")
    sent = {"channel": "portal", "received_by_payer_at": received, "receipt_proof": "P-1"}
    return go("submit", **sent), go, user


@pytest.mark.django_db
def test_standard_is_seven_calendar_days_and_thanksgiving_counts():
    request, _go, _user = submitted()
    due = request.due_at.astimezone(NEW_YORK)
    assert (due.date(), due.hour, due.minute) == (datetime.date(2026, 11, 30), 23, 59)


@pytest.mark.django_db
def test_expedited_is_72_elapsed_hours_over_the_autumn_clock_change():
    received = datetime.datetime(2026, 10, 30, 10, 0, tzinfo=NEW_YORK)
    request, _go, _user = submitted("expedited", received)
    assert request.due_at.astimezone(NEW_YORK) == datetime.datetime(2026, 11, 2, 9, 0, tzinfo=NEW_YORK)


@pytest.mark.django_db
def test_a_payers_question_does_not_stop_its_clock():
    request, go, _user = submitted()
    before = request.due_at
    asked = go("pend", asked_for="Office notes", answer_due_at=NOW + datetime.timedelta(days=2))
    assert (asked.status, asked.due_at, asked.clock.state) == (S.PENDED, before, "running")


@pytest.mark.django_db
def test_a_payer_without_a_federal_clock_still_gets_a_date():
    request, _go, _user = submitted(payer_type=Payer.Type.OTHER)
    assert request.due_at is not None
    assert request.next_step


@pytest.mark.django_db
def test_a_decision_per_line_moves_the_header():
    request, _go, user = submitted()
    decided = services.decide_lines(
        authorization_id=request.pk,
        decisions={
            1: {"decision": "approved", "units_approved": 1, "ends_on": datetime.date(2027, 1, 23)},
            2: {"decision": "denied", "reason": "Not medically necessary"},
        },
        by=user,
        now=NOW,
        authorization_number="A-77",
    )
    assert decided.status == S.PARTIALLY_APPROVED
    assert decided.authorization_number == "A-77"
    with pytest.raises(NotAllowed):
        services.decide_lines(authorization_id=request.pk, decisions={}, by=user, now=NOW)


@pytest.mark.django_db
def test_a_full_denial_keeps_the_payers_words_and_asks_for_a_decision():
    request, _go, user = submitted()
    no = {"decision": "denied", "reason": "Not medically necessary"}
    decided = services.decide_lines(authorization_id=request.pk, decisions={1: no, 2: no}, by=user, now=NOW)
    assert (decided.status, decided.denial_reason) == (S.DENIED, "Not medically necessary")
    assert decided.due_at is not None
