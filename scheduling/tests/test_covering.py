"""Visits and their authorizations (R19): said on saving, and again in the last seven days."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from careplans.models import Task
from coordinator.db import Conflict
from coordinator.workflow import System
from patients.models import Coverage
from referrals.models import Payer, PayerRequirement
from referrals.tests.factories import make_authorization, make_line, make_payer, make_referral
from scheduling.services import cancel_appointment, reschedule_appointment
from scheduling.services.covering import _gaps as gaps
from scheduling.services.covering import guard_visits
from scheduling.tests.clinic import NOW, at
from scheduling.tests.factories import make_appointment, make_service

pytestmark = pytest.mark.django_db
D = datetime.date
NIGHT = System("nightly")


def approved(patient, **fields):
    fields.setdefault("ends_on", D(2026, 11, 21))
    return make_authorization(patient, status="approved", authorization_number="A-1", **fields)


def guard(clinic):
    return guard_visits(site=clinic.site, by=NIGHT, now=NOW)


def open_guards():
    return Task.objects.open().filter(dedupe_key__startswith="visit_guard:")


def test_a_date_after_the_end_offers_an_earlier_date_an_extension_or_a_reason(clinic, browser):
    referral = make_referral(clinic.patient, owner=clinic.coordinator, status="accepted")
    record = approved(clinic.patient, referral=referral, ends_on=D(2026, 12, 1))
    where = reverse("referrals:referral_step", args=[referral.pk, "schedule"])
    assert 'name="collision_reason"' not in browser.get(where).content.decode()
    page = browser.post(where, {"visit_at": "2026-12-15T09:00", "visit_place": "Main building"})
    text = page.content.decode()
    assert page.status_code == 422
    assert "Ask their office for a date on or before Dec 1, 2026, or keep this one" in text
    assert reverse("referrals:authorization_continue", args=[record.pk, "extension"]) in text
    assert reverse("referrals:authorization_continue", args=[record.pk, "renewal"]) in text
    assert 'name="collision_reason"' in text
    assert 'value="Main building"' in text
    referral.refresh_from_db()
    assert referral.status == "accepted"


def test_a_date_while_the_payer_has_not_answered_is_asked_about(clinic, browser):
    referral = make_referral(clinic.patient, owner=clinic.coordinator, status="accepted")
    make_authorization(clinic.patient, referral=referral, status="submitted", service="Echo")
    where = reverse("referrals:referral_step", args=[referral.pk, "schedule"])
    page = browser.post(where, {"visit_at": "2026-12-15T09:00"})
    assert page.status_code == 422
    assert "“Echo” stands at “Submitted”" in page.content.decode()


def test_a_mistyped_year_is_named_before_anything_is_asked(clinic, browser):
    referral = make_referral(clinic.patient, owner=clinic.coordinator, status="accepted")
    make_authorization(clinic.patient, referral=referral, status="submitted", service="Echo")
    where = reverse("referrals:referral_step", args=[referral.pk, "schedule"])
    text = browser.post(where, {"visit_at": "2025-12-15T09:00"}).content.decode()
    assert "A visit that long before cannot be its visit." in text
    assert "stands at" not in text
    assert 'name="collision_reason"' not in text


def test_a_referral_that_needs_no_authorization_takes_any_date(clinic, browser):
    referral = make_referral(clinic.patient, owner=clinic.coordinator, status="accepted")
    make_authorization(clinic.patient, referral=referral, status="not_required")
    where = reverse("referrals:referral_step", args=[referral.pk, "schedule"])
    assert browser.post(where, {"visit_at": "2026-12-15T09:00"}).status_code == 302


def listed_service(clinic):
    payer = make_payer()
    Coverage.objects.create(patient=clinic.patient, payer_name=payer.name, rank=1)
    PayerRequirement.objects.create(
        payer=payer,
        service_code="97110",
        pa_needed="auth-needed",
        source="Payer's list",
        source_on=D(2026, 1, 1),
        expires_on=D(2027, 12, 31),
    )
    return make_service(codes=["97110"])


def test_a_visit_that_the_payers_list_wants_approved_is_asked_about_before_it_is_booked(clinic):
    service = listed_service(clinic)
    with pytest.raises(Conflict) as refusal:
        clinic.book(at("2026-11-20", "09:00"), service_id=service.pk)
    assert refusal.value.extra["kind"] == "authorization_missing"
    assert refusal.value.extra["needs_reason"]
    clinic.book(at("2026-11-20", "09:00"), service_id=service.pk, override_reason="Asked for by phone")
    assert guard(clinic) == 1


def test_an_approval_counts_as_in_force_for_its_own_payer_and_its_days_only(clinic):
    service = listed_service(clinic)
    payer = Payer.objects.get()
    own = approved(clinic.patient, payer=payer)
    for record, ends_on in (
        (approved(clinic.patient, ends_on=None), None),
        (own, None),
        (own, D(2026, 11, 20)),
    ):
        make_line(record, service_code="97110", decision="approved", ends_on=ends_on)

    def said(on):
        with pytest.raises(Conflict) as refusal:
            clinic.book(at(on, "09:00"), service_id=service.pk)
        return str(refusal.value)

    assert "name it with the visit" in said("2026-11-20")
    assert "none is in force" in said("2026-11-24")


def test_a_booking_for_a_referral_whose_approval_ends_before_it_names_the_one_to_extend(clinic):
    referral = make_referral(clinic.patient, status="accepted")
    record = approved(clinic.patient, referral=referral)
    with pytest.raises(Conflict) as refusal:
        clinic.book(at("2026-11-24", "09:00"), referral_id=referral.pk)
    assert refusal.value.extra["kind"] == "authorization_ended"
    assert refusal.value.extra["authorization"] == record.pk
    assert {"renewal", "extension", "move"} <= set(refusal.value.extra["offers"])


def test_instead_of_a_time_after_the_approval_earlier_ones_are_offered_while_it_holds(clinic):
    record = approved(clinic.patient)

    def offered(now=NOW):
        with pytest.raises(Conflict) as refusal:
            clinic.book(at("2026-11-24", "09:00"), authorization_id=record.pk, now=now)
        assert refusal.value.extra["kind"] == "authorization_ended"
        return refusal.value.extra["next_free"][0]["start"]

    assert offered() < at("2026-11-19", "00:00")
    assert offered(now=at("2026-11-21", "09:00")) == at("2026-11-24", "09:00")


def test_a_visit_that_is_moved_past_the_approval_of_its_referral_is_asked_about_once(clinic):
    referral = make_referral(clinic.patient, status="accepted")
    approved(clinic.patient, referral=referral)
    visit = clinic.book(at("2026-11-20", "09:00"), referral_id=referral.pk)
    move = {"reason": "Asked by phone", "by": clinic.coordinator, "now": NOW}
    with pytest.raises(Conflict) as refusal:
        reschedule_appointment(appointment_id=visit.pk, start=at("2026-11-24", "09:00"), **move)
    assert (refusal.value.extra["kind"], refusal.value.extra["needs_reason"]) == ("authorization_ended", True)
    late = reschedule_appointment(
        appointment_id=visit.pk,
        start=at("2026-11-24", "09:00"),
        override_reason="Extension asked for",
        **move,
    )
    assert reschedule_appointment(appointment_id=late.pk, start=at("2026-11-25", "09:00"), **move)


def test_seven_days_ahead_a_task_asks_about_a_visit_without_cover_once_and_closes_when_it_is_gone(clinic):
    record = approved(clinic.patient)
    late = clinic.book(at("2026-11-24"), authorization_id=record.pk, override_reason="Extension asked for")
    clinic.book(at("2026-12-09"), authorization_id=record.pk, override_reason="Far away")
    covered = make_referral(clinic.patient, status="scheduled", visit_at=at("2026-11-20"))
    approved(clinic.patient, referral=covered)
    outside = make_referral(clinic.patient, status="scheduled", visit_at=at("2026-11-25", "09:00"))
    approved(clinic.patient, referral=outside)
    assert guard(clinic) == 2
    assert guard(clinic) == 0
    assert {task.cause_id for task in open_guards()} == {late.pk, outside.pk}
    assert all((task.owner or task.team) and task.due_at and task.next_step for task in open_guards())
    cancel_appointment(
        appointment_id=late.pk, cancelled_by="system", reason="Closed", by=clinic.coordinator, now=NOW
    )
    guard(clinic)
    assert [task.cause_id for task in open_guards()] == [outside.pk]


def test_the_night_asks_as_often_for_one_visit_of_each_sort_as_for_four(clinic):
    service = listed_service(clinic)
    payer = Payer.objects.get()
    PayerRequirement.objects.update(specialty="Cardiology")

    def visits(day):
        """By its own authorization, by its referral's, by the list alone, and one of another clinic."""
        patients = [clinic.other_patient() for _ in range(4)]
        for patient in patients:
            Coverage.objects.create(patient=patient, payer_name=payer.name.upper(), rank=1)
        own, referred, listed, outside = patients
        make = {"practitioner": None, "site": clinic.site, "start": at(day, "09:00")}
        make_appointment(own, authorization=approved(own, ends_on=D(2026, 11, 18)), **make)
        make_appointment(referred, referral=make_referral(referred, status="accepted"), **make)
        make_appointment(listed, service=service, **make)
        late = make_referral(outside, status="scheduled", visit_at=at(day, "10:00"))
        approved(outside, referral=late, ends_on=D(2026, 11, 18))

    def queries():
        with CaptureQueriesContext(connection) as taken:
            found = list(gaps(clinic.site, NOW))
        return len(found), len(taken)

    visits("2026-11-20")
    first = queries()
    for day in ("2026-11-21", "2026-11-22", "2026-11-23"):
        visits(day)
    assert first[0] == 4
    assert queries() == (16, first[1])
