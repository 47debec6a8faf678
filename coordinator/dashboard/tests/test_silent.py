"""Nothing silent: what is open has an owner, a next step and a date; the night counts what has not and the board says so."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from careplans.tests.factories import make_plan, make_task
from coordinator.clocks.models import RuleVersion
from coordinator.dashboard.nightly import run_night
from coordinator.dashboard.silent import find_silent
from coordinator.tests.factories import make_site, make_team, make_user
from coordinator.workflow import System
from patients.tests.factories import make_patient
from referrals.services import create_authorization, create_referral
from referrals.tests.factories import make_authorization, make_payer, make_referral

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)
TEST = System("test")


@pytest.fixture
def site(db):
    place = make_site(name="Riverbend Clinic", short_name="Riverbend")
    make_team(place)
    return place


@pytest.fixture
def patient(site):
    return make_patient(site=site, coordinator=make_user(site=site))


def lacking(**more):
    return [(one.kind, one.missing) for one in find_silent(now=NOW, **more)]


def test_what_the_services_make_is_never_silent(patient):
    referral = create_referral(patient=patient, specialty="Cardiology", reason="Swelling", by=TEST, now=NOW)
    create_authorization(
        patient=patient, payer=make_payer(), service="MRI", referral=referral, by=TEST, now=NOW
    )
    make_task(patient, due_at=NOW)
    make_plan(patient, next_review_on=date(2026, 12, 1))
    assert lacking() == []


def test_each_kind_is_found_with_what_it_lacks(patient, site):
    make_task(patient)
    make_referral(patient, due_at=NOW)
    make_authorization(patient, next_step="Gather the papers")
    make_authorization(patient, status="approved", next_step="Use it")
    make_authorization(patient, status="approved", has_no_end=True)
    make_plan(make_patient(site=site), next_review_on=date(2026, 12, 1))
    make_plan(patient)
    assert sorted(lacking()) == [
        ("authorization", ["no date"]),
        ("authorization", ["no date"]),
        ("authorization", ["no next step"]),
        ("plan", ["no date"]),
        ("plan", ["no owner"]),
        ("referral", ["no next step"]),
        ("task", ["no date"]),
    ]


def test_what_has_ended_waits_for_nobody(patient):
    make_task(patient, status="completed", ended_at=NOW)
    make_task(patient, status="on_hold", wake_at=NOW)
    make_referral(patient, status="withdrawn", requester_told_at=NOW, loop_closed_at=NOW)
    make_referral(patient, status="entered_in_error")
    make_authorization(patient, status="not_required")
    make_authorization(patient, status="approved", ends_on=date(2027, 1, 1), next_step="Use it")
    make_authorization(patient, status="approved", has_no_end=True, next_step="Use it; the payer set no end")
    make_plan(patient, is_imported=True)
    make_plan(patient, status="draft")
    assert lacking() == []


def test_a_deadline_that_the_register_states_there_is_none_for_is_not_missing(patient):
    make_referral(patient, status="seen", next_step="Get the report")
    assert lacking() == [("referral", ["no date"])]
    rows = RuleVersion.objects.filter(rule__key="referral.report")
    rule = rows.get().rule
    rows.update(effective_to=date(2025, 12, 31))
    RuleVersion.objects.create(
        rule=rule, version=2, effective_from=date(2026, 1, 1), kind="no_deadline", source="We do not chase."
    )
    assert lacking() == []


def test_it_is_two_statements_whatever_there_is(patient):
    for _ in range(3):
        make_task(patient)
        make_plan(patient, program=f"P{_}")
    with CaptureQueriesContext(connection) as captured:
        assert len(find_silent(now=NOW)) == 6
    assert len(captured) == 2


def test_the_night_counts_it_and_the_link_names_it_for_who_may_see_it(client, patient, site):
    make_task(patient, title="Call about the scale")
    result = run_night(site=site, on=date(2026, 11, 25), now=NOW, by=TEST)
    assert result.counts["silent"] == {"task": 1}
    assert result.error == ""
    client.force_login(make_user("manager", site))
    listed = client.get(reverse("dashboard:run_silent", args=[site.pk])).content.decode()
    assert "Call about the scale" in listed
    assert "no date" in listed
    client.force_login(make_user("administrator", site))
    assert (
        "Call about the scale"
        not in client.get(reverse("dashboard:run_silent", args=[site.pk])).content.decode()
    )
    assert (
        "1 is not named here" in client.get(reverse("dashboard:run_silent", args=[site.pk])).content.decode()
    )


def test_the_board_says_which_place_has_silent_work(client, patient, site, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    make_task(patient)
    run_night(site=site, on=date(2026, 11, 25), now=NOW, by=TEST)
    client.force_login(make_user("manager", site))
    text = client.get(reverse("dashboard:run_board")).content.decode()
    assert "1 open item has no owner, no next step or no date." in text
    assert reverse("dashboard:run_silent", args=[site.pk]) in text
