"""Paper for the patient and the family: their language, their letters, their topics, no codes."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from careplans.models import CarePlanChange
from careplans.tests.factories import make_goal, make_intervention, make_plan
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.dashboard.handout import PARTS, language_of
from coordinator.tests.factories import make_user
from patients import services
from patients.labels import PART2_NOTICE
from patients.models import Medication, PatientChange, Problem, RelatedPerson, Topic
from patients.tests.factories import make_patient
from scheduling.tests.factories import make_appointment, make_service


@pytest.fixture
def patient(db):
    found = make_patient(language="es-MX", mrn="M-771")
    found.site.phone = "+16125550100"
    found.site.save()
    return found


@pytest.fixture
def dana(patient):
    return make_user(site=patient.site, name="Dana Whitfield")


@pytest.fixture
def browser(dana):
    client = Client()
    client.force_login(dana)
    return client


@pytest.fixture
def full(patient, dana):
    plan = make_plan(patient, title="Heart failure I50.9", starts_on=date(2026, 1, 2))
    goal = make_goal(plan, description="NYHA II", patient_words="Walk to the shop")
    make_intervention(goal, description="Weigh every morning")
    plan.problems.add(Problem.objects.create(patient=patient, name="Heart failure", code="I50.9"))
    make_appointment(
        patient, service=make_service(name="Cardiology follow-up", preparation="Bring your scale"),
        start=timezone.now() + timedelta(days=3),
    )  # fmt: skip
    Medication.objects.create(
        patient=patient, name="Furosemide 40 mg", how_taken="In the morning", code="4603"
    )
    Medication.objects.create(patient=patient, name="Buprenorphine", label="part2", created_by=dana)
    return plan


def paper(browser, patient, **query: Any) -> str:
    response = browser.get(reverse("dashboard:patient_print", args=[patient.pk]), query)
    assert response.status_code == 200
    return re.search(r"<article.*?</article>", response.content.decode(), re.DOTALL)[0]  # type: ignore[index]


def ana(patient, *topics: str, **fields: Any) -> RelatedPerson:
    return RelatedPerson.objects.create(
        patient=patient, name="Ana Alvarez", relationship="daughter", topics=list(topics), **fields
    )


def test_the_paper_holds_plan_visits_medicines_and_whom_to_call_and_no_codes(browser, patient, full):
    page = paper(browser, patient, language="en", parts=list(PARTS))
    for words in (
        "Walk to the shop", "Weigh every morning", "Cardiology follow-up", "Bring your scale", "Furosemide 40 mg",
        "In the morning", "(612) 555-0100", "by Dana Whitfield",
    ):  # fmt: skip
        assert words in page
    for code in ("I50.9", "4603", "M-771", "NYHA", "Buprenorphine"):
        assert code not in page


def test_it_is_in_the_patients_language_unless_another_is_chosen(browser, patient, full):
    visit = patient.appointments.get()
    visit.start = datetime(2030, 1, 15, 20, 30, tzinfo=UTC)
    visit.end = visit.start + timedelta(minutes=30)
    visit.save()
    spanish, english = paper(browser, patient), paper(browser, patient, language="en")
    assert 'lang="es"' in spanish
    assert "14:30" in spanish
    assert 'lang="en"' in english
    assert "2:30 PM" in english


@pytest.mark.parametrize(
    ("spoken", "printed"), [("es", "es"), ("es-MX", "es"), ("en", "en"), ("vi", "en"), ("", "en")]
)
def test_a_language_without_words_is_printed_in_english_and_said(browser, patient, spoken, printed):
    type(patient).objects.filter(pk=patient.pk).update(language=spoken)
    patient.refresh_from_db()
    assert language_of(patient) == printed
    response = browser.get(reverse("dashboard:patient_print", args=[patient.pk])).content.decode()
    assert ("There are no printed words in Vietnamese yet" in response) is (spoken == "vi")


def test_large_print(browser, patient):
    assert 'class="handout large"' in paper(browser, patient, size="large")
    assert 'class="handout"' in paper(browser, patient)


SHOWN = {"plan": "Weigh every morning", "visits": "My visits", "medicines": "Furosemide"}


@pytest.mark.parametrize("topic", Topic.values)
def test_somebody_of_the_family_gets_only_what_they_may_hear(browser, patient, full, topic):
    person = ana(patient, topic)
    address = reverse("dashboard:patient_print", args=[patient.pk])
    response = browser.get(address, {"to": person.pk, "language": "en", "parts": list(PARTS)})
    page = response.content.decode()
    allowed = {part for part, (_words, needed) in PARTS.items() if needed == topic}
    assert response.status_code == (200 if allowed else 422)
    assert {part for part, words in SHOWN.items() if words in page} == allowed
    assert "Buprenorphine" not in page
    if not allowed:
        assert "may not be given any of this" in page


def test_who_may_hear_of_visits_only_is_not_told_what_they_are_for(browser, patient, full):
    page = paper(browser, patient, to=ana(patient, "scheduling").pk, language="en")
    assert "Cardiology" not in page
    assert "Bring your scale" not in page


@pytest.mark.parametrize("facts", [{"do_not_contact": True}, {"ended_on": date(2020, 1, 1)}])
def test_who_is_not_to_be_contacted_gets_no_paper(browser, patient, full, facts):
    person = ana(patient, "plan", **facts)
    response = browser.get(reverse("dashboard:patient_print", args=[patient.pk]), {"to": person.pk})
    assert response.status_code == 422
    assert "<article" not in response.content.decode()


def test_protected_medicines_need_the_patients_yes_and_carry_the_notice(browser, patient, full):
    page = paper(browser, patient, language="en", protected="on")
    assert "Buprenorphine" in page
    assert PART2_NOTICE in page
    assert PART2_NOTICE not in paper(browser, patient, language="en")
    refused = browser.get(
        reverse("dashboard:patient_print", args=[patient.pk]),
        {"to": ana(patient, "medicines").pk, "protected": "on"},
    )
    assert refused.status_code == 422
    assert "Buprenorphine" not in refused.content.decode()


def test_a_protected_medicine_that_this_person_does_not_see_stays_away(browser, patient, full):
    Medication.objects.filter(label="part2").update(created_by=None)
    assert "Buprenorphine" not in paper(browser, patient, language="en", protected="on")


def give(browser, patient, **typed: Any):
    typed = {"language": "es", "size": "large", "parts": list(PARTS), "way": "hand"} | typed
    return browser.post(reverse("dashboard:patient_copy", args=[patient.pk]), typed)


def test_a_copy_with_protected_medicines_is_accounted_for(browser, patient, full):
    give(browser, patient, parts=["medicines", "plan"], protected="on")
    row = CarePlanChange.objects.get(record=full, step="give_copy")
    assert (row.facts["parts"], row.facts["protected"]) == (["medicines", "plan"], True)
    assert row.reason.endswith("with protected entries")
    paper(browser, patient, language="en", protected="on")
    paper(browser, patient, language="en")
    seen = AuditEvent.objects.filter(action="view", patient_id=patient.pk).order_by("id")
    told = [event.details["what"] for event in seen if event.details["what"].startswith("handout")]
    assert told == ["handout, protected", "handout"]


def test_a_copy_given_is_on_the_plan_with_day_way_and_person(browser, patient, full, dana):
    assert give(browser, patient).status_code == 302
    row = CarePlanChange.objects.get(record=full, step="give_copy")
    assert (row.by, row.reason) == (dana, "To the patient, In person, Spanish, large print")
    assert row.facts == {
        "way": "hand", "to": "", "language": "es", "is_large": True,
        "parts": ["medicines", "plan", "visits"], "protected": False,
    }  # fmt: skip
    timeline = browser.get(reverse("dashboard:patient_timeline", args=[patient.pk])).content.decode()
    assert "Copy of the plan given" in timeline
    assert "large print" in timeline


def test_without_a_plan_it_is_on_the_record(browser, patient):
    assert give(browser, patient, to=ana(patient, "scheduling").pk).status_code == 302
    row = PatientChange.objects.get(record=patient, step="give_copy")
    assert row.reason.startswith("To Ana Alvarez, In person")


@pytest.mark.parametrize(
    ("typed", "said"),
    [({"way": "mail"}, "must not be sent letters"), ({"way": "pigeon"}, "Choose how it was given")],
)
def test_a_copy_that_must_not_go_is_refused_and_nothing_is_kept(browser, patient, full, dana, typed, said):
    services.add_contact_warning(patient_id=patient.pk, kind="no_letters", by=dana, now=timezone.now())
    refused = give(browser, patient, **typed)
    assert refused.status_code == 422
    assert said in refused.content.decode()
    assert not CarePlanChange.objects.filter(step="give_copy").exists()


def test_a_provider_prints_and_logs_nothing(patient, full):
    client = Client()
    client.force_login(make_user(Role.PROVIDER, site=patient.site))
    page = client.get(reverse("dashboard:patient_print", args=[patient.pk])).content.decode()
    assert "Walk to the shop" in page
    assert "Copy given" not in page
    assert give(client, patient).status_code == 403
