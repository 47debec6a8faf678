"""The patient's page: who this is always in view, everything around them, nothing of anybody else."""

from __future__ import annotations

import datetime
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from careplans.models import ContactAttempt, GoalMeasurement
from careplans.tests.factories import make_goal, make_intervention, make_plan, make_task
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.dashboard.models import PinnedPatient
from coordinator.tests.factories import make_practitioner, make_site, make_user
from coordinator.workflow import begin
from patients.models import (
    Allergy,
    AllergyStatus,
    Coverage,
    Document,
    Encounter,
    Immunization,
    Medication,
    Note,
    PatientStatus,
    Problem,
    RelatedPerson,
    Result,
)
from patients.tests.factories import make_patient, make_phone
from referrals.tests.factories import make_authorization, make_referral
from scheduling.tests.factories import make_appointment

pytestmark = pytest.mark.django_db
TABS = ("summary", "plan", "timeline", "tasks", "appointments", "referrals", "notes", "details")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def dana(client, site):
    user = make_user(site=site, name="Dana Whitfield", credentials="RN")
    client.force_login(user)
    return user


@pytest.fixture
def elena(site, dana):
    return make_patient(
        site=site,
        family_name="Ramírez",
        given_name="Elena",
        preferred_name="Lena",
        birth_date=datetime.date(1958, 3, 14),
        mrn="004812907",
        coordinator=dana,
    )


def at(patient, tab="summary", **query) -> str:
    address = reverse(f"dashboard:patient_{tab}", args=[patient.pk])
    return address + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")


def text(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def fill(patient, dana, times=1):
    """Some of everything that the page shows."""
    first = patient.tasks.count()
    now = timezone.now()
    plan = make_plan(patient, program=f"P{timezone.now().timestamp()}")
    for n in range(first, first + times):
        goal = make_goal(plan, target_high=7)
        GoalMeasurement.objects.create(goal=goal, measured_on=datetime.date(2026, 1, 1), value=8 + n)
        make_intervention(goal)
        task = make_task(patient, owner=dana, title=f"Task {n}")
        visit = make_appointment(patient, start=now + datetime.timedelta(days=3 + n))
        make_appointment(patient, start=now - datetime.timedelta(days=3 + n), status="no_show")
        referral = make_referral(patient, owner=dana)
        authorization = make_authorization(patient, owner=dana)
        for record in (plan, goal, task, visit, referral, authorization):
            begin(record, by=dana, now=now)
        make_phone(patient, f"+1612555{1000 + n}")
        Allergy.objects.create(patient=patient, substance=f"Penicillin {n}")
        Coverage.objects.create(patient=patient, payer_name="Medicare", rank=patient.coverages.count() + 1)
        RelatedPerson.objects.create(patient=patient, name=f"Ana {n}", relationship="daughter")
        Problem.objects.create(patient=patient, name=f"Problem {n}")
        Medication.objects.create(patient=patient, name=f"Medicine {n}")
        Result.objects.create(patient=patient, name=f"Test {n}", code=f"c{n}", value=n, taken_at=now)
        Encounter.objects.create(patient=patient, kind="Check", setting="AMB", started_at=now)
        Immunization.objects.create(patient=patient, name="Flu", given_at=now)
        Document.objects.create(patient=patient, kind="Letter", title="Letter", received_on=now.date())
        Note.objects.create(patient=patient, body=f"Note {n}", created_by=dana)
        ContactAttempt.objects.create(
            patient=patient, task=task, outcome="no_answer", reached=False, at=now, created_by=dana
        )


# --- who sees it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_opens_and_writes_one_view_event(client, elena, dana, tab):
    fill(elena, dana)
    page = text(client.get(at(elena, tab)))
    assert "Mar 14, 1958" in page
    assert "004812907" in page
    event = AuditEvent.objects.get(patient_id=elena.pk, action="view")
    assert (event.actor_id, event.details) == (dana.pk, {"what": tab})


@pytest.mark.parametrize("tab", TABS)
def test_a_patient_of_another_site_does_not_exist_here(client, dana, tab):
    stranger = make_patient()
    assert client.get(at(stranger, tab)).status_code == 404
    assert not AuditEvent.objects.filter(patient_id=stranger.pk).exists()


def test_a_record_entered_in_error_and_an_unknown_key_are_404(client, site, dana):
    gone = make_patient(site=site, status=PatientStatus.ENTERED_IN_ERROR)
    assert client.get(at(gone)).status_code == 404
    assert client.get("/patients/00000000-0000-7000-8000-000000000000/").status_code == 404


def test_billing_sees_no_plans_tasks_or_notes(client, elena, site, dana):
    fill(elena, dana)
    client.force_login(make_user(Role.BILLING, site=site))
    page = text(client.get(at(elena)))
    assert "Task 0" not in page
    assert "Note 0" not in page
    assert client.get(at(elena, "notes")).status_code == 403
    assert "Stay out of hospital" not in page
    assert reverse("dashboard:patient_contact", args=[elena.pk]) not in page
    assert client.get(at(elena, "tasks")).status_code == 403


def test_work_of_another_site_on_the_same_patient_stays_there(client, elena, dana):
    elsewhere = make_site()
    other = make_user(site=elsewhere)
    task = make_task(elena, site=elsewhere, owner=other, title="Secret elsewhere")
    begin(task, by=other, now=timezone.now())
    assert "Secret elsewhere" not in text(client.get(at(elena)))
    assert "Secret elsewhere" not in text(client.get(at(elena, "timeline")))


# --- the banner ----------------------------------------------------------------------------------------


def test_allergies_none_known_and_not_recorded_look_different(client, elena):
    assert "Allergies not recorded" in text(client.get(at(elena)))
    elena.allergy_status = AllergyStatus.NONE_KNOWN
    elena.allergies_checked_on = datetime.date(2026, 11, 2)
    elena.save()
    assert "No known allergies (checked Nov 2, 2026)" in text(client.get(at(elena)))
    Allergy.objects.create(patient=elena, substance="Penicillin", reaction="anaphylaxis", severity="severe")
    page = text(client.get(at(elena)))
    assert "Penicillin (anaphylaxis)" in page
    assert "No known allergies" not in page


def test_language_interpreter_phone_and_emergency_contact_are_shown(client, elena):
    elena.language, elena.interpreter_needed = "es", True
    elena.save()
    make_phone(elena)
    RelatedPerson.objects.create(
        patient=elena, name="Marisol", relationship="daughter", phone="6125550177", is_emergency_contact=True
    )
    page = text(client.get(at(elena)))
    assert "Spanish, interpreter needed" in page
    assert 'href="tel:+16125550143"' in page
    assert "Marisol" in page


def test_people_of_the_same_name_are_named_with_their_birth_dates(client, elena):
    make_patient(
        site=elena.site,
        family_name="Ramirez",
        given_name="Elena",
        preferred_name="Lena",
        birth_date=datetime.date(1990, 9, 2),
    )
    make_patient(family_name="Ramírez", given_name="Elena", preferred_name="Lena")
    page = text(client.get(at(elena)))
    assert "1 other patient has this name" in page
    assert "Sep 2, 1990" in page


def test_the_record_of_someone_who_died_is_for_reading(client, elena, dana):
    make_phone(elena)
    elena.status, elena.deceased_on = PatientStatus.DECEASED, datetime.date(2026, 8, 3)
    elena.save()
    page = text(client.get(at(elena)))
    assert "Died Aug 3, 2026" in page
    assert reverse("dashboard:patient_contact", args=[elena.pk]) not in page
    assert "tel:+1612" not in page
    assert reverse("scheduling:book") + "?patient=" not in page
    assert client.get(reverse("dashboard:patient_contact", args=[elena.pk])).status_code == 403


def test_an_inactive_patient_is_marked(client, elena):
    elena.status = PatientStatus.INACTIVE
    elena.save()
    assert "Inactive" in text(client.get(at(elena)))


def test_right_to_left_and_hostile_names_stay_in_their_place(client, site, dana):
    odd = make_patient(site=site, family_name="‮evil<script>alert(1)</script>", given_name="مريم")
    page = text(client.get(at(odd)))
    assert "<script>alert(1)" not in page
    assert "<bdi>" in page


# --- what happened ---------------------------------------------------------------------------------------


def events(page: str) -> list[str]:
    return re.findall(r'<p class="what"><strong>([^<]+)</strong>', page)


def test_the_timeline_tells_every_kind_newest_first(client, elena, dana):
    fill(elena, dana)
    told = events(text(client.get(at(elena, "timeline"))))
    for words in (
        "No answer",
        "Note",
        "Visit booked",
        "No-show",
        "Task opened",
        "Referral written",
        "Prior authorization opened",
        "Care plan drafted",
        "Goal added",
        "Seen",
        "Result",
        "Vaccine",
        "Document",
    ):
        assert words in told, words


@pytest.mark.parametrize(
    ("show", "inside", "outside"),
    [
        ("contact", "No answer", "Task opened"),
        ("clinical", "Seen", "No answer"),
        ("plan", "Task opened", "Seen"),
    ],
)
def test_the_timeline_can_be_narrowed(client, elena, dana, show, inside, outside):
    fill(elena, dana)
    told = events(text(client.get(at(elena, "timeline", show=show))))
    assert inside in told
    assert outside not in told


def test_show_older_goes_on_where_the_page_ended_and_misses_nothing(client, elena):
    now = timezone.now()
    moments = [now - datetime.timedelta(days=n // 3) for n in range(130)]
    Encounter.objects.bulk_create(
        Encounter(patient=elena, kind=f"Check {n:03}", started_at=moment) for n, moment in enumerate(moments)
    )
    seen: list[str] = []
    address = at(elena)
    for _page in range(6):
        page = text(client.get(address))
        seen += re.findall(r"Check \d{3}", page)
        older = re.search(r'id="timeline-older"><a class="btn small" href="([^"]+)"', page)
        if not older:
            break
        address = older[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 130


def test_the_timeline_part_is_a_piece_of_the_page(client, elena, dana):
    fill(elena, dana)
    part = text(client.get(at(elena, "timeline"), headers=HTMX))
    assert "<html" not in part
    first = part[part.index("<li>") : part.index("</li>")]
    assert first in text(client.get(at(elena, "timeline")))


def test_months_are_those_of_the_clinics_zone(client, elena):
    edge = datetime.datetime(2026, 11, 1, 3, 0, tzinfo=datetime.UTC)  # still October 31 in Chicago
    Encounter.objects.create(patient=elena, kind="Check", started_at=edge)
    page = text(client.get(at(elena, "timeline")))
    assert "October 2026" in page
    assert "November 2026" not in page


@pytest.mark.parametrize("before", ["x", "2026-01-01", "2026-01-01T00:00:00_x", "_", "9999"])
def test_a_broken_address_shows_the_newest(client, elena, before):
    assert client.get(at(elena, "timeline", before=before, show="what")).status_code == 200


def test_results_say_high_in_words_and_the_value_before(client, elena):
    now = timezone.now()
    for days, value in ((100, 510), (1, 842)):
        Result.objects.create(
            patient=elena,
            name="BNP",
            code="b",
            value=value,
            unit="pg/mL",
            interpretation="HH",
            taken_at=now - datetime.timedelta(days=days),
        )
    page = text(client.get(at(elena)))
    assert "842 pg/mL" in page
    assert "very high" in page
    assert "was 510 on" in page


def test_an_overdue_action_is_marked_and_a_note_waits_for_its_reader(client, elena, dana, site):
    goal = make_goal(make_plan(elena))
    make_intervention(goal, description="See the clinic", due_on=datetime.date(2020, 1, 1))
    chen = make_practitioner(site, family_name="Chen", given_name="Amy")
    Note.objects.create(patient=elena, body="Weight up", report_to=chen, created_by=dana)
    page = text(client.get(at(elena)))
    assert "overdue since Jan 1, 2020" in page
    assert "Reported to Amy Chen, not read yet" in page


def test_who_shares_a_phone_is_named_with_birth_date_and_nobody_else(client, elena, dana, site):
    for patient in (elena, make_patient(site=site, family_name="Ochoa", given_name="Luis")):
        make_phone(patient, "(612) 555-0143")
    ended = make_patient(site=site, family_name="Vega")
    make_phone(ended, "(612) 555-0143", ended_at=timezone.now())
    make_phone(make_patient(family_name="Elsewhere"), "(612) 555-0143")
    page = text(client.get(at(elena)))
    assert "Shares a phone with" in page
    assert "OCHOA, Luis" in page
    assert "VEGA" not in page
    assert "ELSEWHERE" not in page


# --- cost -------------------------------------------------------------------------------------------------


def queries(client, address) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(address)
    return len(captured)


@pytest.mark.parametrize("tab", TABS)
def test_one_of_each_costs_as_many_queries_as_twenty(client, elena, dana, tab):
    fill(elena, dana)
    queries(client, at(elena, tab))
    one = queries(client, at(elena, tab))
    fill(elena, dana, 20)
    assert queries(client, at(elena, tab)) == one
    # 5 of them are the frame's: session, person, sites, counts, pins.
    assert one <= (19 if tab == "details" else 17)


# --- pins ---------------------------------------------------------------------------------------------------


def test_a_pin_is_put_and_taken_by_the_same_button(client, elena, dana):
    address = reverse("dashboard:patient_pin", args=[elena.pk])
    client.post(address)
    assert PinnedPatient.objects.filter(user=dana, patient=elena).exists()
    assert "Pinned patients" in text(client.get(at(elena)))
    assert "Unpin patient" in text(client.get(at(elena)))
    client.post(address)
    assert not PinnedPatient.objects.filter(user=dana).exists()


def test_a_pin_on_a_patient_one_may_no_longer_see_is_not_shown(client, elena, dana):
    client.post(reverse("dashboard:patient_pin", args=[elena.pk]))
    dana.sites.set([make_site()])
    assert "RAMÍREZ" not in text(client.get(reverse("dashboard:search")))


def test_nobody_pins_a_patient_of_another_site(client, dana):
    assert client.post(reverse("dashboard:patient_pin", args=[make_patient().pk])).status_code == 404


# --- logging a contact ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opened", "headings"), [("dashboard:patient_contact", 0), ("dashboard:patient_summary", 1)]
)
def test_a_refused_contact_names_itself_in_the_dialog_only(client, elena, dana, opened, headings):
    address = reverse("dashboard:patient_contact", args=[elena.pk])
    whence = "http://testserver" + reverse(opened, args=[elena.pk])
    refused = client.post(address, {"outcome": ""}, headers={"HX-Request": "true", "HX-Current-URL": whence})
    assert refused.status_code == 422
    assert refused.content.decode().count('id="modal-h"') == headings


def test_a_contact_is_logged_from_the_page_for_a_task_or_for_none(client, elena, dana):
    make_phone(elena)
    task = make_task(elena, owner=dana, kind="outreach_call", title="Call Elena")
    address = reverse("dashboard:patient_contact", args=[elena.pk])
    assert "Call Elena" in text(client.get(address))
    assert client.post(address, {"outcome": ""}).status_code == 422
    answer = {"outcome": "left_message", "note": "Asked to call back", "again": "rule"}
    assert client.post(address, {**answer, "about": str(task.pk)}).status_code == 302
    task.refresh_from_db()
    assert task.attempts_made == 1
    done = client.post(address, {"outcome": "reached_done", "again": "rule"}, headers=HTMX)
    assert done["HX-Redirect"] == at(elena)
    assert ContactAttempt.objects.filter(patient=elena).count() == 2


def test_a_task_of_another_patient_cannot_be_named(client, elena, dana):
    other = make_task(make_patient(site=elena.site), owner=dana, kind="outreach_call")
    address = reverse("dashboard:patient_contact", args=[elena.pk])
    assert (
        client.post(address, {"outcome": "no_answer", "again": "rule", "about": str(other.pk)}).status_code
        == 422
    )


def test_the_appointments_tab_lists_every_visit_once(client, elena, dana):
    now = timezone.now()
    coming = [make_appointment(elena, start=now + datetime.timedelta(days=3 + n)) for n in range(8)]
    missed = make_appointment(elena, start=now - datetime.timedelta(days=3), status="no_show")
    page = client.get(reverse("dashboard:patient_appointments", args=[elena.pk])).content.decode()
    for visit in (*coming, missed):
        assert page.count(reverse("scheduling:appointment_detail", args=[visit.pk])) == 1


def test_the_notes_tab_asks_for_itself_when_a_note_is_saved(client, elena, dana):
    page = client.get(reverse("dashboard:patient_notes", args=[elena.pk])).content.decode()
    assert 'hx-trigger="record-changed from:body"' in page
