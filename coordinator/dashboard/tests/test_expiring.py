"""Papers that lapse: asked for once, thirty days before, for the kinds where it matters."""

from __future__ import annotations

import datetime

import pytest

from careplans.models import Task
from careplans.services import complete_task
from coordinator.dashboard.expiring import ask_for_renewals, expiring_without_task
from coordinator.tests.factories import make_site, make_team
from coordinator.workflow import System
from patients.tests.factories import make_document, make_patient

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 8, 0, tzinfo=datetime.UTC)
TODAY = datetime.date(2026, 11, 18)
BY = System("nightly")


@pytest.fixture
def elena(db):
    site = make_site()
    make_team(site)
    return make_patient(site=site)


def card(patient, days, **fields):
    fields.setdefault("kind", "insurance")
    return make_document(patient, title="Card", expires_on=TODAY + datetime.timedelta(days=days), **fields)


def ask(patient) -> int:
    return ask_for_renewals(site=patient.site, on=TODAY, by=BY, now=NOW)


def test_a_card_that_lapses_is_asked_for_once(elena):
    document = card(elena, 30)
    assert expiring_without_task(elena.site, TODAY).count() == 1
    assert (ask(elena), ask(elena)) == (1, 0)
    task = Task.objects.get(cause_id=document.pk)
    assert (task.title, task.patient) == ("Renew before it expires: Card", elena)
    assert "Dec 18" in task.reason
    complete_task(task_id=task.pk, by=BY, now=NOW)
    assert ask(elena) == 0  # answered, and not asked again for the same day
    document.expires_on += datetime.timedelta(days=-5)
    document.save()
    assert ask(elena) == 1


@pytest.mark.parametrize(
    ("days", "fields"),
    [
        (31, {}),
        (-1, {}),
        (10, {"kind": "letter"}),
        (10, {"status": "entered_in_error", "error_reason": "x"}),
    ],
)
def test_other_papers_are_left_alone(elena, days, fields):
    card(elena, days, **fields)
    assert ask(elena) == 0


def test_nobody_is_asked_about_people_who_are_gone_or_elsewhere(elena):
    card(make_patient(site=elena.site, status="deceased"), 10)
    card(make_patient(), 10)
    assert ask(elena) == 0
