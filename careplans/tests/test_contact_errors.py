"""A contact that was logged wrongly no longer counts."""

from __future__ import annotations

import datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from careplans.models import ContactAttempt, Task
from careplans.services import enter_contact_in_error, log_contact
from careplans.tests.factories import make_task
from coordinator.accounts.roles import Role
from coordinator.db import Conflict
from coordinator.tests.factories import make_site, make_user
from patients.tests.factories import make_patient, make_phone

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)
LATER = NOW + datetime.timedelta(hours=1)


@pytest.fixture
def dana():
    return make_user(site=make_site())


@pytest.fixture
def elena(dana):
    return make_patient(site=dana.sites.get())


@pytest.fixture
def task(elena, dana):
    return make_task(elena, owner=dana, due_at=NOW)


def log(task, by, outcome="no_answer", now=NOW, **more):
    return log_contact(
        patient=task.patient, task=task, channel="phone", outcome=outcome, by=by, now=now, **more
    ).attempt


def take_back(attempt, by, reason="Another patient"):
    return enter_contact_in_error(attempt_id=attempt.pk, reason=reason, by=by, now=LATER)


def test_the_task_has_one_attempt_less_and_is_due_as_before(task, dana):
    first = log(task, dana)
    wrong = log(task, dana, "left_message", now=LATER)
    take_back(wrong, dana)
    task.refresh_from_db()
    assert (task.attempts_made, task.due_at) == (1, first.next_attempt_at)
    assert (task.last_contact_at, task.last_contact_outcome) == (NOW, "no_answer")


def test_the_only_contact_taken_back_leaves_none(task, dana):
    take_back(log(task, dana), dana)
    task.refresh_from_db()
    assert (task.attempts_made, task.last_contact_at, task.last_contact_outcome) == (0, None, "")
    assert task.due_at == LATER
    assert not ContactAttempt.objects.exists()
    assert ContactAttempt.everything.get().error_reason == "Another patient"


def test_an_incoming_contact_was_no_attempt(task, dana):
    log(task, dana)
    take_back(log(task, dana, direction="in", now=LATER), dana)
    task.refresh_from_db()
    assert task.attempts_made == 1


def test_a_wrongly_flagged_number_is_in_use_again_and_its_task_closes(elena, task, dana):
    phone = make_phone(elena)
    wrong = log(task, dana, "wrong_number")
    phone.refresh_from_db()
    assert phone.failing_since
    take_back(wrong, dana)
    phone.refresh_from_db()
    assert phone.failing_since is None
    assert Task.objects.get(cause_id=wrong.pk).status == "cancelled"


def test_a_number_that_the_gateway_refused_before_stays_flagged(elena, task, dana):
    phone = make_phone(elena)
    refused = NOW - datetime.timedelta(days=150)
    old = log(task, dana, "wrong_number", contact_point=phone, now=refused - datetime.timedelta(days=9))
    enter_contact_in_error(
        attempt_id=old.pk, reason="Other phone", by=dana, now=refused - datetime.timedelta(days=8)
    )
    type(phone).objects.update(failing_since=refused)
    take_back(log(task, dana, "wrong_number", contact_point=phone), dana)
    phone.refresh_from_db()
    assert phone.failing_since == refused


def test_a_number_whose_two_contacts_are_taken_back_is_in_use_again(elena, task, dana):
    phone = make_phone(elena)
    first = log(task, dana, "disconnected", contact_point=phone)
    second = log(task, dana, "wrong_number", contact_point=phone, now=LATER)
    take_back(first, dana)
    take_back(second, dana)
    phone.refresh_from_db()
    assert phone.failing_since is None


def test_a_number_that_two_contacts_flagged_stays_flagged(elena, task, dana):
    phone = make_phone(elena)
    log(task, dana, "disconnected", contact_point=phone)
    take_back(log(task, dana, "wrong_number", contact_point=phone, now=LATER), dana)
    phone.refresh_from_db()
    assert phone.failing_since


def test_a_task_it_closed_stays_closed(task, dana):
    wrong = log(task, dana, "reached_done")
    take_back(wrong, dana)
    task.refresh_from_db()
    assert (task.status, task.attempts_made) == ("completed", 0)


def test_it_needs_a_reason_once_and_somebody_who_works_here(task, dana):
    attempt = log(task, dana)
    with pytest.raises(ValidationError):
        take_back(attempt, dana, reason=" ")
    with pytest.raises(PermissionDenied):
        take_back(attempt, make_user(Role.PROVIDER, site=task.site))
    take_back(attempt, dana)
    with pytest.raises(Conflict):
        take_back(attempt, dana)


def test_it_is_taken_back_on_its_page_and_gone_from_the_timeline(client, elena, task, dana):
    attempt = log(task, dana, note="Spoke of qxwedding")
    client.force_login(dana)
    timeline = reverse("dashboard:patient_timeline", args=[elena.pk])
    where = reverse("careplans:contact_in_error", args=[attempt.pk])
    page = client.get(timeline).content.decode()
    assert "qxwedding" in page
    assert where in page
    assert client.post(where, {}).status_code == 422
    assert client.post(where, {"reason": "Another patient"}).status_code == 302
    assert "qxwedding" not in client.get(timeline).content.decode()
    assert client.get(where).status_code == 404
