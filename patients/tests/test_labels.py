"""Labelled entries: withheld until a reason is given, opened for an hour, and never sent on without their words."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from careplans.tests.factories import make_plan
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.tests.factories import make_site, make_user
from patients import services
from patients.labels import PART2_NOTICE, may_leave, notice_for, proposed, protected
from patients.models import (
    AccessGrant,
    Consent,
    Document,
    Encounter,
    Label,
    Labelled,
    Medication,
    Note,
    Problem,
    Result,
)  # fmt: skip
from patients.tests.factories import make_patient, make_update

SECRET = "Opioid dependence"
WHY = "Discharge call today"


@pytest.fixture
def patient(db):
    return make_patient()


@pytest.fixture
def dana(patient):
    return make_user(site=patient.site, name="Dana Whitfield")


@pytest.fixture
def browser(dana):
    return signed_in(dana)


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def secret(patient, label="part2", **fields: Any) -> Problem:
    return Problem.objects.create(patient=patient, name=SECRET, code="F11.20", label=label, **fields)


def open_it(patient, by, label="part2", **fields: Any) -> AccessGrant:
    given_ = {"purpose": "treatment", "reason": WHY, "now": timezone.now()} | fields
    return services.open_label(patient_id=patient.pk, label=label, by=by, **given_)


def details(browser, patient) -> str:
    return browser.get(reverse("dashboard:patient_details", args=[patient.pk])).content.decode()


# --- proposing and setting --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "name", "label"),
    [
        ("F11.20", "", "part2"), ("f10.10", "", "part2"), ("F19", "", "part2"), ("F17.210", "", ""),
        ("F32.1", "", "behavioral"), ("F99", "", "behavioral"), ("I50.9", "", ""), ("75544000", "", "part2"),
        ("35489007", "", "behavioral"), ("", "Buprenorphine 8 mg", "part2"), ("", "METHADONE, oral", "part2"),
        ("", "Furosemide 40 mg", ""), ("", "", ""), ("F", "", ""),
    ],
)  # fmt: skip
def test_what_a_code_or_a_medicine_proposes(code, name, label):
    assert proposed(code=code, name=name) == label


@given(st.text(max_size=12), st.text(max_size=40))
def test_whatever_is_typed_proposes_a_label_or_none(code, name):
    assert proposed(code=code, name=name) in ("", *Label.values)


def test_a_person_decides_on_what_is_proposed(browser, patient):
    add = reverse("patients:entry_new", args=[patient.pk, "problem"])
    asked = browser.post(add, {"name": SECRET, "code": "F11.20"})
    assert asked.status_code == 422
    assert "This suggests a label: Substance-use record" in asked.content.decode()
    assert SECRET in asked.content.decode()
    assert not Problem.objects.exists()
    assert browser.post(add, {"name": SECRET, "code": "F11.20", "label": "none"}).status_code == 302
    assert (
        browser.post(add, {"name": SECRET, "code": "F11.20", "label": "part2", "keep": "on"}).status_code
        == 302
    )
    assert sorted(Problem.objects.values_list("label", flat=True)) == ["", "part2"]


@pytest.mark.parametrize(
    ("kind", "typed"), [("problem", {"name": "Opioids", "code": "F11.20"}), ("medicine", {"name": SECRET})]
)
def test_a_doubt_about_the_same_entry_does_not_tell_of_a_protected_one(browser, patient, dana, kind, typed):
    secret(patient)
    Medication.objects.create(patient=patient, name=SECRET, label="part2")
    add = reverse("patients:entry_new", args=[patient.pk, kind])
    assert browser.post(add, {**typed, "label": "part2"}).status_code == 302
    again = browser.post(add, {**typed, "label": "part2"})  # one's own is told
    assert again.status_code == 422
    assert "on the list already" in again.content.decode()


@pytest.mark.parametrize("kind", ["problem", "medicine", "note", "document", "result", "encounter"])
def test_every_kind_can_be_labelled_and_taking_it_off_needs_a_reason(browser, patient, dana, kind):
    entry = {
        "problem": lambda: Problem.objects.create(patient=patient, name="x", created_by=dana),
        "medicine": lambda: Medication.objects.create(patient=patient, name="x", created_by=dana),
        "note": lambda: Note.objects.create(patient=patient, body="x", created_by=dana),
        "document": lambda: Document.objects.create(patient=patient, kind="x", title="x", created_by=dana),
        "result": lambda: Result.objects.create(patient=patient, name="x", created_by=dana),
        "encounter": lambda: Encounter.objects.create(patient=patient, kind="x", created_by=dana),
    }[kind]()
    where = reverse("patients:entry_label", args=[kind, entry.pk])
    assert browser.get(where).status_code == 200
    assert browser.post(where, {"label": "behavioral"}).status_code == 302
    assert browser.post(where, {"label": ""}).status_code == 422
    entry.refresh_from_db()
    assert entry.label == "behavioral"
    assert browser.post(where, {"label": "", "reason": "Not about that"}).status_code == 302
    told = AuditEvent.objects.filter(entity_id=entry.pk).order_by("id")
    assert [(e.action, e.reason) for e in told] == [("label", ""), ("remove_label", "Not about that")]


def test_every_model_that_can_be_labelled_has_its_page():
    from patients.views.labels import KINDS

    assert {model for model, _page in KINDS.values()} == set(Labelled.__subclasses__())


def test_the_database_knows_the_labels(patient):
    with pytest.raises(IntegrityError):
        secret(patient, label="secret")


# --- withheld ---------------------------------------------------------------------------------------------


def test_it_is_there_for_who_wrote_it_and_for_nobody_else(patient, dana):
    problem = secret(patient, created_by=dana)
    other = make_user(site=patient.site)
    assert list(Problem.objects.visible_to(dana)) == [problem]
    assert list(Problem.objects.visible_to(other)) == []


def test_the_chart_says_how_many_only_to_who_may_ask(patient, browser):
    secret(patient)
    assert "1 entry is protected." in details(browser, patient)
    assert SECRET not in details(browser, patient)
    billing = details(signed_in(make_user(Role.BILLING, site=patient.site)), patient)
    assert "protected" not in billing.lower()
    assert SECRET not in billing


def test_an_edit_of_a_plan_keeps_the_problem_that_the_editor_is_not_shown(patient, dana):
    hidden, known = secret(patient), Problem.objects.create(patient=patient, name="Heart failure")
    plan = make_plan(patient, author=dana)
    plan.problems.set([hidden, known])
    from careplans.services import edit_plan

    edit_plan(plan_id=plan.pk, version=plan.version, by=dana, now=timezone.now(), problem_ids=[])
    assert list(plan.problems.all()) == [hidden]


def test_the_timeline_tells_no_update_about_a_protected_note_to_others(browser, patient, dana):
    writer = make_user(site=patient.site)
    note = Note.objects.create(patient=patient, body=SECRET, label="part2", created_by=writer)
    update = make_update(patient, ask=SECRET, note=note, created_by=writer)
    services.answer_update(
        update_id=update.pk, answer=SECRET, answer_route="phone", by=writer, now=timezone.now()
    )
    where = reverse("dashboard:patient_timeline", args=[patient.pk])
    assert SECRET not in browser.get(where).content.decode()
    assert SECRET in signed_in(writer).get(where).content.decode()
    open_it(patient, dana)
    assert SECRET in browser.get(where).content.decode()


# --- opened -----------------------------------------------------------------------------------------------


def test_a_reason_opens_one_patient_and_one_label_for_an_hour(browser, patient, dana):
    secret(patient)
    Medication.objects.create(patient=patient, name="Sertraline", label="behavioral")
    ask = reverse("patients:labels_open", args=[patient.pk])
    assert "Substance-use record (42 CFR part 2) (1)" in browser.get(ask).content.decode()
    short = browser.post(ask, {"label": "part2", "purpose": "treatment", "reason": "why"})
    assert short.status_code == 422
    typed = {"label": "part2", "purpose": "treatment", "reason": WHY}
    assert browser.post(ask, typed).status_code == 302
    page = details(browser, patient)
    assert SECRET in page
    assert "Sertraline" not in page
    assert "Protected entries." in page
    assert "60 more minutes" in page or "59 more minutes" in page
    assert PART2_NOTICE in page
    grant = AccessGrant.objects.get()
    assert (grant.label, grant.purpose, grant.expires_at - grant.opened_at) == (
        "part2", "treatment", timedelta(minutes=60),
    )  # fmt: skip
    event = AuditEvent.objects.get(action="open_label")
    assert (event.reason, event.details["label"], event.patient_id) == (WHY, "part2", patient.pk)
    assert AuditEvent.objects.filter(
        patient_id=patient.pk, details__grant=str(grant.pk), action="view"
    ).exists()


def test_it_ends_by_time_and_by_hand(browser, patient, dana):
    secret(patient)
    open_it(patient, dana, now=timezone.now() - timedelta(minutes=60))
    assert SECRET not in details(browser, patient)
    open_it(patient, dana)
    assert SECRET in details(browser, patient)
    browser.post(reverse("dashboard:access_end", args=[patient.pk]))
    assert SECRET not in details(browser, patient)


def test_emergency_access_opens_no_label(patient, dana):
    secret(patient)
    now = timezone.now()
    AccessGrant.objects.create(
        user=dana, patient=patient, kind="break_glass", reason="Called from the ward", opened_at=now,
        expires_at=now + timedelta(minutes=60),
    )  # fmt: skip
    assert not Problem.objects.visible_to(dana).exists()


@pytest.mark.parametrize("role", [Role.BILLING, Role.ADMINISTRATOR, Role.AUDITOR, Role.API_CLIENT])
def test_who_has_no_need_cannot_open_them(patient, role):
    with pytest.raises(PermissionDenied):
        open_it(patient, make_user(role, site=patient.site))


def test_somebody_of_another_place_cannot_either(patient):
    with pytest.raises(PermissionDenied):
        open_it(patient, make_user(site=make_site()))


def test_a_reason_says_something_and_a_purpose_is_one_of_the_list(patient, dana):
    for wrong in ({"reason": "short"}, {"purpose": "curiosity"}, {"label": "secret"}):
        with pytest.raises(ValidationError):
            open_it(patient, dana, **wrong)
    assert not AccessGrant.objects.exists()


def test_the_database_refuses_an_access_without_label_or_purpose(patient, dana):
    now = timezone.now()
    row = {
        "user": dana, "patient": patient, "kind": "reason", "reason": WHY, "opened_at": now,
        "expires_at": now + timedelta(minutes=60), "label": "part2",
    }  # fmt: skip
    with pytest.raises(IntegrityError):
        AccessGrant.objects.create(**row)


def test_a_manager_reviews_it_with_purpose_and_reason(patient, dana):
    secret(patient)
    open_it(patient, dana)
    manager = signed_in(make_user(Role.MANAGER, site=patient.site))
    page = manager.get(reverse("dashboard:access_reviews")).content.decode()
    assert "Treatment and care coordination" in page
    assert WHY in page
    assert SECRET not in page


# --- leaving ----------------------------------------------------------------------------------------------


def test_the_words_of_each_label_and_none_without():
    assert notice_for([]) == notice_for([""]) == ""
    assert notice_for(["part2"]) == "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
    whole = notice_for(["minor", "part2", "behavioral"])
    assert whole.startswith(PART2_NOTICE)
    assert notice_for(["behavioral"]) in whole
    assert notice_for(["minor"]) in whole


DAY = date(2026, 11, 18)


@pytest.mark.parametrize(
    ("label", "consents", "leaves"),
    [
        ("", [], True),
        ("part2", [], False),
        ("part2", [{"kind": "part2"}], True),
        ("part2", [{"kind": "release"}], False),
        ("part2", [{"kind": "part2", "decision": "deny"}], False),
        ("part2", [{"kind": "part2"}, {"kind": "part2", "decision": "deny"}], False),
        ("part2", [{"kind": "part2", "starts_on": DAY + timedelta(days=1)}], False),
        ("part2", [{"kind": "part2", "ends_on": DAY - timedelta(days=1)}], False),
        ("part2", [{"kind": "part2", "ends_on": DAY}], True),
        ("part2", [{"kind": "part2", "status": "revoked", "revoked_on": DAY, "standing_reason": "x"}], False),
        ("behavioral", [{"kind": "release"}], True),
        ("minor", [{"kind": "part2"}], False),
        ("minor", [{"kind": "release"}], True),
    ],
)
def test_a_consent_of_the_day_lets_it_leave(patient, label, consents, leaves):
    for fields in consents:
        given_ = {"method": "written", "starts_on": DAY - timedelta(days=30)} | fields
        Consent.objects.create(patient=patient, **given_)
    assert may_leave(patient, label, DAY) is leaves


def test_what_was_imported_counts_with_what_others_wrote_and_errors_do_not(patient, dana):
    """An imported entry has no author."""
    writer = make_user(site=patient.site)
    for author in (None, None, None, writer, writer):
        secret(patient, created_by=author)
    secret(patient, status="entered_in_error")
    Encounter.objects.create(patient=patient, kind="Visit", label="part2", status="entered-in-error")
    assert protected(dana, patient).withheld == {"part2": 5}


def test_counting_what_is_withheld_and_shown(patient, dana):
    secret(patient)
    secret(patient, created_by=dana)
    Note.objects.create(patient=patient, body="x", label="behavioral")
    found = protected(dana, patient)
    assert (found.withheld, found.shown, found.number) == ({"part2": 1, "behavioral": 1}, {"part2": 1}, 2)
