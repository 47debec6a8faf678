"""Two people in one record see each other."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coordinator.dashboard.models import Presence
from coordinator.dashboard.presence import forget_who_left, others_here, say_here
from coordinator.tests.factories import make_site, make_user
from patients.tests.factories import make_patient

pytestmark = pytest.mark.django_db
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def dana(client):
    user = make_user(site=make_site(), name="Dana Cole")
    client.force_login(user)
    return user


@pytest.fixture
def joanne(dana):
    return make_user(site=dana.sites.get(), name="Joanne Bell")


@pytest.fixture
def elena(dana):
    return make_patient(site=dana.sites.get())


def here(patient, by, **sent):
    client = Client()
    client.force_login(by)
    return client.post(reverse("dashboard:patient_here", args=[patient.pk]), sent)


def test_each_sees_the_other_and_not_themselves(elena, dana, joanne):
    assert "Dana" not in here(elena, dana).content.decode()
    assert "Dana Cole has this record open too" in here(elena, joanne).content.decode()
    assert "Joanne Bell has this record open too" in here(elena, dana).content.decode()


def test_who_changes_the_record_is_said_with_the_time_and_only_once(elena, dana, joanne):
    here(elena, joanne)
    here(elena, joanne, editing="1")
    said = here(elena, dana).content.decode()
    assert "Joanne Bell has been editing this record since" in said
    assert said.count("Joanne") == 1


def test_who_left_is_gone(elena, dana, joanne):
    here(elena, joanne)
    assert here(elena, joanne, gone="1").status_code == 204
    assert here(elena, dana).content.decode().strip() == ""


def test_who_falls_silent_is_gone_after_a_minute_and_comes_back_anew(elena, dana, joanne):
    now = timezone.now()
    say_here(patient=elena, editing=True, by=joanne, now=now - 10 * MINUTE)
    assert others_here(elena, dana, now) == []
    say_here(patient=elena, editing=True, by=joanne, now=now)
    assert [row.since for row in others_here(elena, dana, now)] == [now]
    say_here(patient=elena, editing=True, by=joanne, now=now + MINUTE / 2)
    assert [row.since for row in others_here(elena, dana, now + MINUTE / 2)] == [now]
    assert forget_who_left(now=now + 10 * MINUTE) == 1


def test_who_may_not_see_the_patient_learns_nothing(elena, joanne):
    here(elena, joanne)
    assert here(elena, make_user(site=make_site())).status_code == 404
    assert Presence.objects.get().user == joanne


def test_a_record_that_was_changed_meanwhile_says_so(elena, dana):
    assert "Changed since" not in here(elena, dana, version=elena.version).content.decode()
    elena.version += 1
    elena.save()
    assert "Changed since you opened it" in here(elena, dana, version=elena.version - 1).content.decode()


def test_the_same_number_of_queries_for_one_colleague_and_for_twenty(elena, dana):
    here(elena, dana)
    counts = []
    for some in (1, 20):
        for _n in range(some):
            here(elena, make_user(site=dana.sites.get()))
        client = Client()
        client.force_login(dana)
        with CaptureQueriesContext(connection) as queries:
            client.post(reverse("dashboard:patient_here", args=[elena.pk]))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_chart_and_the_pages_that_change_it_say_that_they_are_open(client, elena):
    chart = client.get(reverse("dashboard:patient_summary", args=[elena.pk])).content.decode()
    address = f'data-here="{reverse("dashboard:patient_here", args=[elena.pk])}"'
    assert address in chart
    assert "data-editing" not in chart
    edit = client.get(reverse("patients:patient_edit", args=[elena.pk])).content.decode()
    assert address in edit
    assert "data-editing" in edit
