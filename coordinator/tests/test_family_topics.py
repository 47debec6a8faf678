"""No screen, message or print tells a topic to somebody of the family who may not hear about it (45 CFR 164.510(b)).

The places are those of family_topics.PLACES; they are looked for in the code, so a new one cannot be forgotten.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from careplans.forms import LogContactForm
from careplans.models import ContactAttempt
from careplans.services import log_contact
from careplans.tests.factories import make_task
from coordinator.api.fields import Strict, Visible
from coordinator.api.tests.factories import make_caller
from coordinator.messaging.models import REMINDER, Message
from coordinator.tests.factories import make_user
from coordinator.tests.family_topics import CHOSEN, NOBODY, PLACES, STAFF
from coordinator.tests.test_references import found, full_name
from coordinator.workflow import System
from patients.models import RelatedPerson, Topic
from patients.tests.factories import make_patient, make_phone
from scheduling.services.reminders import plan_reminders
from scheduling.tests.factories import at_noon, make_appointment

TEMPLATES = Path(settings.BASE_DIR) / "templates"
# Somebody of the family, or whose a number is: what shows them has to show what they may hear.
SHOWS_ONE = re.compile(r"\b(?:person|relative)\.(?:phone|email|relationship)\b|\bpoint\.owner_name\b")
SAYS_WHAT = re.compile(r"\{% (?:owner_)?may_hear |topic_labels")
# Lists of patients who were found by a number: nobody is called from there before the record is opened. And colleagues.
NOT_CALLED_FROM = {
    "dashboard/_search_results.html", "dashboard/_search_why.html", "accounts/_user_rows.html",
}  # fmt: skip
TELLS = {(place.kind, place.name): place.tells for place in PLACES}


# --- every place is in the table ------------------------------------------------------------------------------


def names(kind: str) -> set[str]:
    return {place.name for place in PLACES if place.kind == kind}


def forms_that_offer_one() -> set[str]:
    return {
        full_name(cls)
        for cls in found(forms.BaseForm)
        for field in getattr(cls, "base_fields", {}).values()
        if isinstance(field, forms.ModelChoiceField)
        and field.queryset is not None
        and field.queryset.model is RelatedPerson
    }


def inputs_that_take_one() -> set[str]:
    nobody = SimpleNamespace(can=lambda _p: False, site_ids=[], pk=None, practitioner_id=None)
    return {
        full_name(cls)
        for cls in found(Strict)
        for field in cls._declared_fields.values()  # type: ignore[attr-defined]
        if isinstance(field, Visible) and field.source_of(nobody).model is RelatedPerson
    }


def services_given_one() -> set[str]:
    return {
        f"{module.__name__}.{name}"
        for module in service_modules()
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
        and any("RelatedPerson" in str(p.annotation) for p in inspect.signature(function).parameters.values())
    }


def service_modules() -> Iterator[Any]:
    for app in ("coordinator", "patients", "careplans", "referrals", "scheduling"):
        package = importlib.import_module(app)
        for module in pkgutil.walk_packages(package.__path__, f"{app}."):
            if "services" in module.name and ".tests" not in module.name:
                yield importlib.import_module(module.name)


def rows_that_keep_one() -> set[str]:
    return {
        f"{relation.related_model._meta.label}.{relation.field.name}"
        for relation in RelatedPerson._meta.related_objects
    }


def templates_that(matches: Any) -> set[str]:
    return {
        str(path.relative_to(TEMPLATES))
        for path in TEMPLATES.rglob("*.html")
        if matches(path.read_text(encoding="utf-8")) and "components/" not in str(path)
    }


def wordings() -> set[str]:
    return {path.name.partition(".")[0] for path in (TEMPLATES / "messages").glob("*.txt")}


def prints() -> set[str]:
    return templates_that(lambda text: "components/print_head.html" in text or 'class="handout' in text)


FOUND = {
    "form": forms_that_offer_one,
    "input": inputs_that_take_one,
    "service": services_given_one,
    "row": rows_that_keep_one,
    "template": lambda: templates_that(SHOWS_ONE.search) - NOT_CALLED_FROM,
    "message": wordings,
    "print": prints,
}


@pytest.mark.parametrize("kind", FOUND)
def test_every_place_is_in_the_table(kind):
    assert FOUND[kind]() == names(kind)


def test_the_table_names_no_other_kind_and_no_other_word():
    assert {place.kind for place in PLACES} == set(FOUND)
    assert {place.tells for place in PLACES} <= {CHOSEN, STAFF, NOBODY, *Topic.values}


def test_a_template_that_shows_somebody_says_what_they_may_hear():
    silent = [
        name
        for name in sorted(names("template"))
        if not SAYS_WHAT.search((TEMPLATES / name).read_text(encoding="utf-8"))
    ]
    assert silent == []


def test_a_print_that_says_nothing_of_it_is_noticed(monkeypatch):
    monkeypatch.setitem(FOUND, "print", lambda: {*prints(), "patients/letter_to_the_family.html"})
    with pytest.raises(AssertionError):
        test_every_place_is_in_the_table("print")


# --- what is chosen -------------------------------------------------------------------------------------------


@pytest.fixture
def patient(db):
    return make_patient()


@pytest.fixture
def dana(patient):
    return make_user(site=patient.site, name="Dana Whitfield")


@pytest.fixture
def task(patient, dana):
    return make_task(patient, owner=dana, status="ready")


@pytest.fixture
def browser(dana):
    client = Client()
    client.force_login(dana)
    return client


def ana(patient, **fields: Any) -> RelatedPerson:
    fields = {"topics": ["scheduling", "transport"], "phone": "6125550177"} | fields
    return RelatedPerson.objects.create(
        patient=patient, name="Ana Alvarez", relationship="daughter", **fields
    )


NOT_TO_CALL = (
    {"do_not_contact": True},
    {"ended_on": timezone.localdate()},
    {"started_on": timezone.localdate() + timedelta(days=2)},
)


def doorways(patient, task) -> dict[str, str]:
    """The addresses that take a logged contact."""
    return {
        "the task's page": reverse("careplans:task_act", args=[task.pk, "log"]),
        "My work": reverse("dashboard:my_work_act", args=[task.pk, "log"]),
        "the patient's page": reverse("dashboard:patient_contact", args=[patient.pk]),
    }


@pytest.mark.parametrize("doorway", ["the task's page", "My work", "the patient's page"])
@pytest.mark.parametrize("topic", Topic.values)
def test_a_topic_is_logged_only_with_who_may_hear_it(browser, patient, task, doorway, topic):
    person = ana(patient)
    typed = {
        "outcome": "spoke_with_caregiver", "related_person": person.pk, "topic": topic, "again": "rule",
        "note": "She asked about Thursday", "channel": "phone", "direction": "out",
    }  # fmt: skip
    response = browser.post(doorways(patient, task)[doorway], typed, headers={"HX-Request": "true"})
    if topic in person.topics:
        assert response.status_code in (200, 302), response.content
        assert ContactAttempt.objects.get().topic == topic
        return
    page = response.content.decode()
    assert response.status_code == 422
    assert "Ana Alvarez may not hear about this" in page
    assert "She asked about Thursday" in page
    assert not ContactAttempt.objects.exists()


@pytest.mark.parametrize("doorway", ["the task's page", "My work", "the patient's page"])
def test_the_form_says_what_each_may_hear_before_the_call(browser, patient, task, doorway):
    ana(patient)
    page = browser.get(doorways(patient, task)[doorway]).content.decode()
    assert "Ana Alvarez (daughter): Scheduling, Transport" in page
    assert page.index('aria-label="Family and caregivers: what each may hear"') < page.index('name="outcome"')


@pytest.mark.parametrize("doorway", ["the task's page", "My work", "the patient's page"])
@pytest.mark.parametrize("facts", NOT_TO_CALL, ids=["not to contact", "ended", "not yet"])
def test_who_is_not_to_be_called_is_neither_offered_nor_taken(browser, patient, task, doorway, facts):
    person, address = ana(patient, **facts), doorways(patient, task)[doorway]
    page = browser.get(address).content.decode()
    assert str(person.pk) not in page
    assert "555-0177" not in page
    typed = {"outcome": "spoke_with_caregiver", "related_person": person.pk, "topic": "scheduling"}
    assert browser.post(address, typed | {"note": "Kept"}).status_code == 422
    assert not ContactAttempt.objects.exists()


def test_the_list_that_a_form_is_handed_is_narrowed_as_well(patient, dana, task):
    form = LogContactForm(task=task, user=dana, now=timezone.now())
    form.offer([ana(patient), ana(patient, do_not_contact=True)], [])
    assert len(form.fields["related_person"].choices) == 2  # the patient, and the one


@pytest.mark.parametrize("topic", Topic.values)
def test_the_api_takes_only_what_the_person_may_hear(patient, task, topic):
    caller, person = make_caller(patient.site), ana(patient)
    body = {
        "channel": "phone", "outcome": "spoke_with_caregiver", "related_person": str(person.pk), "topic": topic,
    }  # fmt: skip
    response = caller.post(f"/api/v1/tasks/{task.pk}/contacts/", body)
    assert response.status_code == (201 if topic in person.topics else 400), response.json()


@pytest.mark.parametrize("outcome", ["no_answer", "left_message", "spoke_with_caregiver", "language_barrier"])
def test_the_service_refuses_it_whatever_came_of_it(patient, dana, outcome):
    with pytest.raises(ValidationError, match="may not hear"):
        log_contact(
            patient=patient, channel="text", outcome=outcome, related_person=ana(patient), topic="results",
            by=dana, now=timezone.now(),
        )  # fmt: skip


# --- what is shown before dialling ----------------------------------------------------------------------------


def screens(patient, task) -> list[str]:
    return [
        reverse("careplans:task_detail", args=[task.pk]),
        f"{reverse('dashboard:my_work')}?task={task.pk}",
        reverse("dashboard:call_list"),
        reverse("dashboard:patient_summary", args=[patient.pk]),
        reverse("dashboard:patient_details", args=[patient.pk]),
    ]


def test_no_screen_offers_the_number_of_who_is_not_to_be_called(browser, patient, task):
    ana(patient, do_not_contact=True, is_emergency_contact=True)
    for address in screens(patient, task):
        page = browser.get(address).content.decode()
        assert "555-0177" not in page, address
        assert "tel:+16125550177" not in page, address


@pytest.mark.parametrize(
    ("facts", "said"),
    [({}, "May hear: Scheduling, Transport"), ({"topics": []}, "May hear nothing"),
     ({"do_not_contact": True}, "May hear nothing"), ({"name": "Ana A."}, "May hear nothing")],
)  # fmt: skip
def test_whose_number_it_is_and_what_they_may_hear_stands_beside_it(browser, patient, task, facts, said):
    make_phone(patient, owner_name="Ana Alvarez", owner_relationship="daughter")
    name = facts.pop("name", None)
    person = ana(patient, **facts)
    if name:
        RelatedPerson.objects.filter(pk=person.pk).update(name=name)
    for address in screens(patient, task):
        page = browser.get(address).content.decode()
        assert said in page, address


# --- what leaves ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wording", sorted(wordings()))
@pytest.mark.parametrize(
    "held", [(), *((topic,) for topic in Topic.values)], ids=lambda held: "".join(held) or "none"
)
def test_a_message_goes_only_to_who_may_hear_its_topic(patient, wording, held):
    """To the number of somebody of the family; a wording that tells nothing needs no topic."""
    tells = TELLS["message", wording]
    if tells == NOBODY:
        text = (TEMPLATES / "messages" / f"{wording}.sms.en.txt").read_text(encoding="utf-8")
        assert "{first}" not in text
        assert "{visit}" not in text
        return
    assert wording == REMINDER
    make_phone(patient, owner_name="ana alvarez")
    ana(patient, topics=list(held))
    make_appointment(patient, start=at_noon(patient.site, days=3))
    plan_reminders(site=patient.site, by=System("nightly"), now=timezone.now())
    rows = list(Message.objects.filter(purpose=REMINDER))
    assert rows
    if tells in held:
        assert any(row.body for row in rows)
    else:
        assert {row.skip_reason for row in rows} == {"topic_not_held"}
        assert not any(row.body or row.address for row in rows)


def test_every_print_stays_with_the_staff_or_tells_a_topic():
    """Paper for the family is written by topic; these are not for them, and say whose they are."""
    for name in names("print"):
        assert TELLS["print", name] in (STAFF, NOBODY, CHOSEN, *Topic.values)
