"""The no-show list: mark, call, rebook in two clicks, put a mistake right."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from careplans.models import Task
from coordinator.accounts.roles import Role
from coordinator.clocks.models import Clock
from coordinator.tests.factories import make_site, make_user
from scheduling import services
from scheduling.models import Appointment
from scheduling.tests.clinic import DAY, HOUR, MINUTE, NOW
from scheduling.tests.factories import make_appointment
from scheduling.workflow import Status

pytestmark = pytest.mark.django_db
LIST = reverse("scheduling:missed_list")


@pytest.fixture
def yesterday(clinic):
    """Yesterday at 10:00, booked and never marked."""
    return make_appointment(
        clinic.patient, start=NOW - DAY, service=clinic.service, practitioner=clinic.okafor, site=clinic.site
    )


def step(browser, visit, name, **data):
    where = reverse("scheduling:appointment_step", args=[visit.pk, name])
    return browser.post(where, {"next": LIST, **data})


def test_yesterdays_visits_are_marked_from_the_list_and_the_list_comes_back(browser, yesterday):
    assert "not marked yet" in browser.get(LIST).content.decode()
    answer = step(browser, yesterday, "mark_no_show")
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    page = browser.get(LIST).content.decode()
    assert "1 no-show to follow up" in page
    assert Task.objects.open().get(cause_id=yesterday.pk).kind == "no_show_follow_up"
    assert reverse("dashboard:patient_contact", args=[yesterday.patient_id]) in page


def test_rebooking_takes_two_clicks_and_no_typing(browser, clinic, yesterday):
    services.mark_no_show(appointment_id=yesterday.pk, by=clinic.coordinator, now=NOW)
    move = reverse("scheduling:appointment_move", args=[yesterday.pk])
    assert f'href="{move}?next={LIST}"' in browser.get(LIST).content.decode()  # first click
    form = browser.get(f"{move}?next={LIST}").content.decode()
    assert "Rebook a missed visit" in form
    assert 'value="Missed visit"' in form
    assert form.count(f'name="next" value="{LIST}"') == 2  # looking for other times keeps the way back
    assert re.search(r'name="agreed"[^>]* checked', form)
    chosen = re.search(r'name="slot" value="([^"]+)"[^>]*checked', form)
    sent = dict(re.findall(r'<input type="hidden" name="(site|who|first|last)" value="([^"]*)"', form))
    sent |= {"slot": chosen.group(1), "reason": "Missed visit", "agreed": "on", "next": LIST}
    answer = browser.post(move, sent)  # second click
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    yesterday.refresh_from_db()
    assert (yesterday.status, yesterday.replaced_by.status) == (Status.RESCHEDULED, Status.BOOKED)
    assert not Task.objects.open().filter(cause_id=yesterday.pk).exists()
    assert "1 rebooked" in browser.get(LIST).content.decode()


def test_the_call_is_logged_for_its_own_follow_up_and_leads_to_the_rebooking_or_back(
    browser, clinic, yesterday
):
    services.mark_no_show(appointment_id=yesterday.pk, by=clinic.coordinator, now=NOW)
    task = Task.objects.get(cause_id=yesterday.pk)
    where = reverse("dashboard:patient_contact", args=[yesterday.patient_id])
    page = browser.get(f"{where}?missed={yesterday.pk}&next={LIST}").content.decode()
    assert f'value="{task.pk}" selected' in page
    assert f'name="next" value="{LIST}"' in page
    sent = {"missed": str(yesterday.pk), "next": LIST, "again": "rule"}
    no_answer = browser.post(where, {**sent, "outcome": "no_answer"})
    assert no_answer["Location"] == LIST
    reached = browser.post(where, {**sent, "rebook": "1", "about": str(task.pk)})
    move = reverse("scheduling:appointment_move", args=[yesterday.pk])
    assert reached["Location"] == f"{move}?next={quote(LIST, safe='')}"
    outcomes = yesterday.patient.contact_attempts.values_list("outcome", flat=True)
    assert sorted(outcomes) == ["no_answer", "reached_done"]
    other = make_appointment(clinic.other_patient(), start=NOW - DAY, site=clinic.site, status=Status.NO_SHOW)
    assert "save and rebook" not in browser.get(f"{where}?missed={other.pk}").content.decode()
    assert browser.get(f"{where}?missed=somebody").status_code == 404


def test_a_wrong_mark_is_corrected_with_a_reason_and_its_task_and_clock_are_undone(
    sign_in, clinic, yesterday
):
    services.mark_no_show(appointment_id=yesterday.pk, by=clinic.coordinator, now=NOW - HOUR)
    browser = sign_in(clinic.lead)
    where = reverse("scheduling:appointment_step", args=[yesterday.pk, "correct_no_show"])
    assert f'name="next" value="{LIST}"' in browser.get(f"{where}?next={LIST}").content.decode()
    assert step(browser, yesterday, "correct_no_show", to="fulfilled").status_code == 422
    answer = step(browser, yesterday, "correct_no_show", to="fulfilled", reason="Was seen late")
    assert answer["Location"] == LIST
    yesterday.refresh_from_db()
    assert yesterday.status == Status.FULFILLED
    assert not Task.objects.open().filter(cause_id=yesterday.pk).exists()
    assert Clock.objects.get(subject_id=yesterday.pk).state == "void"
    assert "Nobody missed a visit" in browser.get(LIST).content.decode()


def test_a_mark_made_today_for_yesterday_is_taken_back_as_it_was(clinic, yesterday):
    key = {"appointment_id": yesterday.pk, "by": clinic.lead}
    services.mark_no_show(now=NOW, **key)
    back = services.correct_no_show(to="booked", reason="Undone", now=NOW + 5 * MINUTE, **key)
    assert back.status == Status.BOOKED


def test_somebody_of_another_place_finds_nobody(sign_in, clinic, yesterday):
    elsewhere = sign_in(make_user(Role.COORDINATOR, site=make_site()))
    page = elsewhere.get(f"{LIST}?site={clinic.site.pk}").content.decode()
    assert clinic.patient.family_name not in page


def test_twenty_rows_cost_as_many_queries_as_one(browser, clinic, yesterday):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as taken:
            browser.get(LIST)
        return len(taken)

    queries()
    few = queries()
    for _n in range(9):
        make_appointment(clinic.other_patient(), start=NOW - DAY, site=clinic.site, status=Status.NO_SHOW)
    assert Appointment.objects.count() == 10
    assert queries() == few


def test_the_list_opens_on_the_last_open_day(browser, clinic):
    page = browser.get(LIST).content.decode()
    assert "date=2026-11-16" in page  # the day before
    assert "date=2026-11-18" in page
