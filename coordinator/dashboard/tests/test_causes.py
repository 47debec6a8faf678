"""Tasks that open and close by themselves: discharges, denials, and what runs out."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from careplans.models import Task
from coordinator.clocks.models import Clock
from coordinator.dashboard import causes
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import System
from patients.models import Consent, Document, Encounter, Patient
from patients.services import enter_entry_in_error
from patients.tests.factories import make_patient
from referrals.services import advance_authorization
from referrals.tests.factories import make_authorization

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 23, 7, tzinfo=ZoneInfo("UTC"))  # Monday, 1 in the morning there
BY = System("nightly")


@pytest.fixture
def site():
    return make_site(zone="America/Chicago")


@pytest.fixture
def dana(site):
    return make_user(site=site)


@pytest.fixture
def elena(site, dana):
    return make_patient(site=site, coordinator=dana)


def stay(patient, setting="IMP", ended=datetime(2026, 11, 20, 15, tzinfo=ZONE), **fields):
    return Encounter.objects.create(patient=patient, kind="Stay", setting=setting, ended_at=ended, **fields)


def discharges(site):
    return causes.follow_up_discharges(site=site, by=BY, now=NOW)


def ends(site, now=NOW):
    return causes.ask_about_ends(site=site, by=BY, now=now)


def test_a_discharge_on_friday_is_called_about_until_tuesday_by_the_rule(site, elena, dana):
    stay(elena)
    assert (discharges(site), discharges(site)) == (1, 0)
    task = Task.objects.get()
    assert (task.kind, task.owner, task.program) == ("discharge_call", dana, "TCM")
    assert task.clock.rule_version.rule.key == "tcm.contact"
    assert task.due_at.astimezone(ZONE).date() == date(2026, 11, 24)
    assert task.reason == "Discharged Nov 20, 2026."


def test_an_emergency_visit_gets_a_call_without_that_deadline(site, elena):
    stay(elena, "EMER")
    assert discharges(site) == 1
    assert (Task.objects.get().clock, Clock.objects.count()) == (None, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"setting": "AMB"},
        {"ended": None},
        {"ended": NOW - timedelta(days=8)},
        {"ended": NOW + timedelta(hours=1)},
        {"status": "entered_in_error"},
    ],
)
def test_other_encounters_ask_for_nothing(site, elena, fields):
    stay(elena, **fields)
    assert discharges(site) == 0


def test_the_call_about_a_stay_entered_in_error_closes_with_its_clock(site, elena, dana):
    right, wrong = stay(elena), stay(elena)
    discharges(site)
    enter_entry_in_error(kind="encounter", entry_id=wrong.pk, reason="Another patient", by=dana, now=NOW)
    assert discharges(site) == 0
    assert dict(Task.objects.values_list("cause_id", "status")) == {right.pk: "ready", wrong.pk: "cancelled"}
    assert dict(Clock.objects.values_list("subject_id", "state")) == {right.pk: "running", wrong.pk: "void"}


@pytest.mark.parametrize("setting", ["IMP", "EMER"])
def test_the_call_about_a_protected_stay_names_nothing_of_it(site, elena, setting):
    stay(elena, setting, label="part2")
    assert discharges(site) == 1
    task = Task.objects.get()
    assert task.title == "Follow-up call"
    assert task.reason == "The reason is a protected entry of the record."


def test_nobody_is_called_who_has_left(site, elena):
    stay(elena)
    Patient.objects.update(status="deceased")
    assert discharges(site) == 0


def test_what_runs_out_is_asked_about_once_for_each_last_day(site, elena, dana):
    soon = date(2026, 12, 1)
    Consent.objects.create(
        patient=elena,
        kind=Consent.Kind.values[0],
        decision="permit",
        method="verbal",
        starts_on=soon,
        ends_on=soon,
    )
    Document.objects.create(patient=elena, kind="consent", title="Disability form", expires_on=soon)
    Document.objects.create(
        patient=elena, kind="Form", title="Wrong", expires_on=soon, status="entered_in_error"
    )
    with translation.override("es"):
        assert (ends(site), ends(site)) == (2, 0)
    titles = set(Task.objects.values_list("title", flat=True))
    assert "Renew the paper: Disability form" in titles
    assert {task.due_at.astimezone(ZONE).date() for task in Task.objects.all()} == {soon}


def test_a_denial_is_a_task_until_somebody_decided(elena, dana):
    request = make_authorization(elena, owner=dana, service="Echocardiogram", status="submitted")
    step = {"authorization_id": request.pk, "by": dana, "now": NOW}
    advance_authorization(
        step="deny", reason="Not medically necessary", denial_reason="Not medically necessary", **step
    )
    task = Task.objects.get()
    assert (task.title, task.owner) == ("Decide about the denial: Echocardiogram", dana)
    assert task.reason == "The payer denied it: Not medically necessary"
    talk = {"at": NOW.isoformat(), "our_clinician": "Dr. Osei"}
    advance_authorization(step="start_peer_to_peer", **talk, **step)
    task.refresh_from_db()
    assert task.status == "cancelled"
