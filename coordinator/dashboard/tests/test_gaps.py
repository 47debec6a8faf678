"""What is missing in a record: the prompts, setting them aside, and the task the night opens and closes."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from careplans import services as work
from careplans.models import Task
from careplans.tests.factories import make_task
from coordinator.audit.models import AuditEvent
from coordinator.dashboard import gaps
from coordinator.tests.factories import make_site, make_team, make_user
from coordinator.workflow import System
from patients.models import Coverage, Patient
from patients.services import record_eligibility_check
from patients.tests.factories import make_patient, make_phone
from scheduling.tests.factories import make_appointment

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)
BEFORE = NOW - timedelta(days=2)
BY = System("nightly")


@pytest.fixture
def site():
    site = make_site()
    make_team(site)
    return site


@pytest.fixture
def dana(site):
    return make_user(site=site)


def whole(site, dana, **fields):
    """A patient whose record misses nothing."""
    patient = make_patient(
        site=site, coordinator=dana, address_line="12 Elm Street", city="Minneapolis", **fields
    )
    make_phone(patient)
    return patient


@pytest.fixture
def elena(site, dana):
    return whole(site, dana)


def codes(patient, now=NOW):
    return [gap.code for gap in gaps.gaps_of(gaps.with_gaps(Patient.objects.all(), now).get(pk=patient.pk))]


def night(site, now=NOW):
    closed = gaps.close_mended(site=site, by=BY, now=now)
    return gaps.ask_about_gaps(site=site, by=BY, now=now), closed


def test_a_whole_record_misses_nothing(elena):
    assert codes(elena) == []


def test_each_gap_is_found(site, dana, elena):
    make_phone(make_patient(site=site), failing_since=NOW)
    elena.contact_points.update(failing_since=NOW)
    Coverage.objects.create(patient=elena, payer_name="UCare", checked_at=NOW - timedelta(days=31))
    elena.language, elena.birth_date, elena.address_line, elena.city = "", None, "", ""
    elena.save()
    dana.is_active = False
    dana.save()
    assert codes(elena) == [gap.code for gap in gaps.GAPS]


@pytest.mark.parametrize(("days", "found"), [(29, []), (31, ["coverage"])])
def test_a_coverage_check_holds_thirty_days(elena, days, found):
    Coverage.objects.create(patient=elena, payer_name="UCare", checked_at=NOW - timedelta(days=days))
    assert codes(elena) == found


def test_nobody_is_asked_about_somebody_who_left(elena):
    Patient.objects.filter(pk=elena.pk).update(language="", status="inactive")
    assert codes(elena) == []


def test_a_prompt_is_set_aside_with_a_reason_and_asked_again(elena, dana):
    elena.contact_points.all().delete()
    gaps.set_aside(patient=elena, gap="phone", applies=True, reason="Has none", by=dana, now=NOW)
    assert codes(elena) == []
    assert codes(elena, NOW + timedelta(days=32)) == ["phone"]
    gaps.set_aside(patient=elena, gap="phone", applies=False, reason="Has none", by=dana, now=NOW)
    assert codes(elena, NOW + timedelta(days=400)) == []
    gaps.ask_again(patient=elena, gap="phone", by=dana, now=NOW)
    assert codes(elena) == ["phone"]
    assert AuditEvent.objects.filter(patient_id=elena.pk, action__in=("set_aside", "ask_again")).count() == 3


def test_two_who_set_the_same_prompt_aside_wait_for_each_other(elena, dana):
    with CaptureQueriesContext(connection) as asked:
        gaps.set_aside(patient=elena, gap="language", applies=True, reason="Later", by=dana, now=NOW)
    first = next(
        one["sql"] for one in asked if "dashboard_gapdecision" in one["sql"] or "FOR UPDATE" in one["sql"]
    )
    assert "patients_patient" in first


def test_the_night_asks_only_about_patients_somebody_works_with_or_who_come_soon(site, dana):
    working, coming, later, idle = (whole(site, dana, language="") for _ in range(4))
    make_task(working, owner=dana, opened_at=BEFORE)
    make_task(idle, owner=dana, kind="data_quality", opened_at=BEFORE)
    make_appointment(patient=coming, site=site, start=NOW + timedelta(days=13))
    make_appointment(patient=later, site=site, start=NOW + timedelta(days=16))
    assert night(site) == (2, 0)
    asked = Task.objects.filter(dedupe_key__startswith=gaps.KEY)
    assert {task.patient for task in asked} == {working, coming}


def test_coverage_and_address_matter_before_a_visit_only(site, dana):
    working, coming = whole(site, dana), whole(site, dana)
    for patient in (working, coming):
        Coverage.objects.create(patient=patient, payer_name="UCare")
    make_task(working, owner=dana, opened_at=BEFORE)
    make_appointment(patient=coming, site=site, start=NOW + timedelta(days=3))
    assert night(site) == (1, 0)
    assert Task.objects.get(dedupe_key__startswith=gaps.KEY).patient == coming


def test_the_task_says_what_is_missing_in_the_clinics_language(site, dana):
    patient = whole(site, dana, language="")
    make_task(patient, owner=dana, opened_at=BEFORE)
    with translation.override("es"):
        night(site)
    task = Task.objects.get(dedupe_key__startswith=gaps.KEY)
    assert (task.kind, task.owner, task.title) == ("data_quality", dana, "Complete the record")
    assert task.reason == "Missing: the language. At first due a week after the night that found it."


def test_the_night_may_run_again_and_the_task_closes_by_itself_when_mended(site, dana):
    patient = whole(site, dana, language="")
    make_task(patient, owner=dana, opened_at=BEFORE)
    assert (night(site), night(site)) == ((1, 0), (0, 0))
    Patient.objects.filter(pk=patient.pk).update(language="en")
    assert night(site) == (0, 1)
    task = Task.objects.get(dedupe_key__startswith=gaps.KEY)
    assert (task.status, task.close_reason) == ("cancelled", "no_longer_needed")


def test_setting_everything_aside_closes_the_task_too(site, dana):
    patient = whole(site, dana, language="")
    make_task(patient, owner=dana, opened_at=BEFORE)
    night(site)
    gaps.set_aside(patient=patient, gap="language", applies=False, reason="Newborn", by=dana, now=NOW)
    assert night(site) == (0, 1)


def test_a_task_that_somebody_closed_does_not_come_back_the_next_night(site, dana):
    patient = whole(site, dana, language="")
    make_task(patient, owner=dana, opened_at=BEFORE)
    night(site)
    task = Task.objects.get(dedupe_key__startswith=gaps.KEY)
    work.cancel_task(task_id=task.pk, close_reason="no_longer_needed", by=dana, now=NOW)
    assert night(site, NOW + timedelta(days=1)) == (0, 0)
    assert night(site, NOW + timedelta(days=31)) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_two_nights_at_once_open_one_task_each():
    site = make_site()
    make_team(site)
    dana = make_user(site=site)
    for _ in range(5):
        make_task(whole(site, dana, language=""), owner=dana, opened_at=BEFORE)
    ready, opened = threading.Barrier(2), []

    def go():
        ready.wait()
        try:
            opened.append(gaps.ask_about_gaps(site=site, by=BY, now=NOW))
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(opened) == Task.objects.filter(dedupe_key__startswith=gaps.KEY).count() == 5


# --- the page ------------------------------------------------------------------------------------------------


def post(client, patient, gap, **data):
    return client.post(reverse("dashboard:patient_gap", args=[patient.pk, gap]), data)


def test_the_page_shows_each_gap_with_the_button_that_mends_it(client, elena, dana):
    Coverage.objects.create(patient=elena, payer_name="UCare")
    elena.contact_points.all().delete()
    client.force_login(dana)
    page = client.get(reverse("dashboard:patient_summary", args=[elena.pk])).content.decode()
    assert "There is no phone number that works." in page
    assert reverse("patients:entry_new", args=[elena.pk, "phone"]) in page
    coverage = elena.coverages.get()
    check = {"coverage_id": coverage.pk, "method": "portal", "result": "active"}
    record_eligibility_check(**check, by=dana, now=timezone.now())
    assert codes(elena) == ["phone"]
    post(client, elena, "phone", do="later", reason="")
    assert codes(elena) == ["phone"]
    post(client, elena, "phone", do="never", reason="Lives in a shelter")
    page = client.get(reverse("dashboard:patient_summary", args=[elena.pk])).content.decode()
    assert "Lives in a shelter" in page
    post(client, elena, "phone", do="again")
    assert codes(elena) == ["phone"]


def test_who_only_reads_is_told_and_changes_nothing(client, elena, site):
    elena.contact_points.all().delete()
    client.force_login(make_user("provider", site=site))
    page = client.get(reverse("dashboard:patient_summary", args=[elena.pk])).content.decode()
    assert "There is no phone number that works." in page
    assert "Does not apply" not in page
    assert post(client, elena, "phone", do="never", reason="x").status_code == 403
    client.force_login(make_user())
    assert post(client, elena, "phone", do="never", reason="x").status_code == 404


def test_an_unknown_prompt_is_not_there(client, elena, dana):
    client.force_login(dana)
    assert post(client, elena, "nonsense", do="never", reason="x").status_code == 404
