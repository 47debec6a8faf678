"""Safe contact: a warning is seen before anybody is called, and holds for messages, letters and contacts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from careplans.models import ContactAttempt
from careplans.services import log_contact
from careplans.tests.factories import make_task
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.messaging.delivery import deliver_due
from coordinator.messaging.models import Message
from coordinator.messaging.tests.factories import FakeGateway
from coordinator.tests.factories import make_user
from coordinator.workflow import System
from patients import services
from patients.models import ContactPoint, ContactWarning
from patients.safe_contact import safety_of, together
from patients.tests.factories import make_email, make_patient, make_phone
from scheduling.services.reminders import plan_reminders
from scheduling.tests.factories import at_noon, make_appointment

Kind = ContactWarning.Kind


@pytest.fixture
def patient(db):
    return make_patient()


@pytest.fixture
def dana(patient):
    return make_user(site=patient.site, name="Dana Whitfield")


@pytest.fixture
def browser(dana):
    client = Client()
    client.force_login(dana)
    return client


def warn(patient, kind, **details: Any) -> ContactWarning:
    return services.add_contact_warning(
        patient_id=patient.pk, kind=kind, by=System("tests"), now=timezone.now(), **details
    )


def page_of(browser, name, *args) -> str:
    response = browser.get(reverse(name, args=args))
    assert response.status_code == 200
    return response.content.decode()


# --- recording ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "details", "field"),
    [
        ("avoid", {}, "contact_point"),
        ("use_only", {}, "contact_point"),
        ("hours", {}, "calls_from"),
        ("hours", {"calls_from": 17}, "calls_from"),
        ("hours", {"calls_from": 17, "calls_until": 17}, "calls_until"),
        ("keep_from", {"text": " "}, "text"),
        ("mail_to", {}, "text"),
        ("other", {}, "text"),
        ("shout", {}, "kind"),
    ],
)
def test_a_warning_says_what_its_kind_needs(patient, kind, details, field):
    with pytest.raises(ValidationError) as refusal:
        warn(patient, kind, **details)
    assert list(refusal.value.message_dict) == [field]
    assert not ContactWarning.objects.exists()


def test_the_database_refuses_half_a_warning(patient):
    with pytest.raises(IntegrityError):
        ContactWarning.objects.create(patient=patient, kind="use_only")


def test_a_number_of_another_patient_is_refused(patient):
    with pytest.raises(ValidationError, match="another patient"):
        warn(patient, "avoid", contact_point=make_phone(make_patient(site=patient.site)))


def test_adding_changing_and_ending_by_page_is_on_record(browser, patient):
    phone = make_phone(patient)
    add = reverse("patients:entry_new", args=[patient.pk, "safety"])
    assert "Do not use this number or address" in browser.get(add).content.decode()
    refused = browser.post(add, {"kind": "use_only", "text": "The partner reads the other one"})
    assert refused.status_code == 422
    assert "The partner reads the other one" in refused.content.decode()
    assert (
        browser.post(add, {"kind": "use_only", "contact_point": phone.pk, "text": "Reads"}).status_code == 302
    )
    row = ContactWarning.objects.get()
    change = reverse("patients:entry_change", args=["safety", row.pk])
    typed = {"kind": "keep_from", "text": "The partner", "is_sensitive": "on"}
    assert browser.post(change, typed).status_code == 302
    row.refresh_from_db()
    assert (row.kind, row.contact_point, row.text, row.is_sensitive) == (
        "keep_from",
        None,
        "The partner",
        True,
    )
    browser.post(reverse("patients:entry_end", args=["safety", row.pk]))
    row.refresh_from_db()
    assert row.ended_at is not None
    told = AuditEvent.objects.filter(entity="patients.contactwarning").order_by("id")
    assert [event.action for event in told] == ["add", "change", "end"]
    assert "partner" not in str([event.details for event in told])


# --- reading --------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["no_messages", "no_voicemail", "no_letters", "keep_from"]), max_size=4))
def test_warnings_together_are_as_strict_as_each(kinds):
    rows = [ContactWarning(kind=kind, text="x") for kind in kinds]
    whole = together(rows)
    for row in rows:
        alone = together([row])
        assert whole.no_messages >= alone.no_messages
        assert whole.no_voicemail >= alone.no_voicemail
        assert whole.no_letters >= alone.no_letters


def test_of_numbers_only_the_one_named_and_none_that_is_avoided(patient):
    mobile, home = make_phone(patient), make_phone(patient, "+16125550199")
    warn(patient, "use_only", contact_point=mobile)
    found = safety_of([patient.pk])[patient.pk]
    assert (found.is_unsafe(mobile), found.is_unsafe(home), found.is_unsafe(make_email(patient))) == (
        False, True, True,
    )  # fmt: skip
    warn(patient, "avoid", contact_point=mobile)
    assert safety_of([patient.pk])[patient.pk].is_unsafe(mobile)


def test_the_same_number_recorded_anew_is_as_unsafe(patient):
    phone = make_phone(patient)
    warn(patient, "avoid", contact_point=phone)
    ContactPoint.objects.filter(pk=phone.pk).update(ended_at=timezone.now())
    assert safety_of([patient.pk])[patient.pk].is_unsafe(make_phone(patient))


def test_an_ended_warning_holds_no_more(patient):
    row = warn(patient, "no_letters")
    services.end_contact_warning(warning_id=row.pk, by=System("tests"), now=timezone.now())
    assert safety_of([patient.pk]) == {}


# --- seen before dialling -------------------------------------------------------------------------------------


def test_it_stands_on_every_page_from_which_somebody_calls(browser, patient, dana):
    phone, task = make_phone(patient), make_task(patient, owner=dana, status="ready")
    warn(patient, "avoid", contact_point=phone, text="The partner answers")
    said = "Do not use (612) 555-0143. The partner answers"
    for name, *args in (
        ("dashboard:patient_summary", patient.pk),
        ("dashboard:patient_details", patient.pk),
        ("dashboard:patient_contact", patient.pk),
        ("careplans:task_detail", task.pk),
        ("careplans:task_act", task.pk, "log"),
        ("dashboard:call_list",),
    ):
        page = page_of(browser, name, *args)
        assert said in page, name
        assert "tel:+16125550143" not in page, name
    preview = browser.get(f"{reverse('dashboard:my_work')}?task={task.pk}").content.decode()
    assert said in preview
    assert "tel:+16125550143" not in preview


def test_on_paper_what_is_sensitive_is_only_pointed_at(browser, patient, dana):
    make_task(patient, owner=dana, status="ready")
    warn(patient, "keep_from", text="The partner", is_sensitive=True)
    warn(patient, "hours", calls_from=17, calls_until=20)
    paper = page_of(browser, "dashboard:call_list")
    assert "The partner" not in paper
    assert "Safe contact: see record" in paper
    assert "Call only from 5:00 PM to 8:00 PM" in paper
    assert "The partner" in page_of(browser, "dashboard:patient_summary", patient.pk)


def test_billing_sees_the_warning_and_changes_nothing(patient):
    row, client = warn(patient, "no_letters"), Client()
    client.force_login(make_user(Role.BILLING, site=patient.site))
    assert "Send no letters" in page_of(client, "dashboard:patient_details", patient.pk)
    assert client.get(reverse("patients:entry_change", args=["safety", row.pk])).status_code == 403


# --- enforced -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "contact", "field"),
    [
        ("no_letters", {"channel": "letter", "outcome": "no_answer"}, "channel"),
        ("no_messages", {"channel": "text", "outcome": "no_answer"}, "channel"),
        ("no_messages", {"channel": "email", "outcome": "left_message"}, "channel"),
        ("no_voicemail", {"channel": "phone", "outcome": "left_message"}, "outcome"),
        ("avoid", {"channel": "phone", "outcome": "no_answer"}, "contact_point"),
        ("avoid", {"channel": "phone", "outcome": "left_message"}, "contact_point"),
    ],
)
def test_a_contact_that_must_not_be_is_refused_with_the_reason(patient, dana, kind, contact, field):
    phone = make_phone(patient)
    warn(patient, kind, contact_point=phone if kind == "avoid" else None)
    with pytest.raises(ValidationError, match="If it happened all the same") as refusal:
        log_contact(patient=patient, by=dana, now=timezone.now(), contact_point=phone, **contact)
    assert list(refusal.value.message_dict) == [field]
    assert not ContactAttempt.objects.exists()
    log_contact(patient=patient, by=dana, now=timezone.now(), direction="in", **contact)


def test_the_form_offers_no_number_that_must_not_be_used(browser, patient):
    phone, other = make_phone(patient), make_phone(patient, "+16125550199")
    warn(patient, "avoid", contact_point=phone)
    page = page_of(browser, "dashboard:patient_contact", patient.pk)
    assert str(other.pk) in page
    assert str(phone.pk) not in page


def test_a_letter_is_not_offered(browser, patient, dana):
    task = make_task(
        patient,
        owner=dana,
        status="ready",
        attempts_made=3,
        attempts_planned=3,
        last_contact_outcome="no_answer",
    )
    assert "Send a letter" in page_of(browser, "careplans:task_detail", task.pk)
    warn(patient, "no_letters")
    assert "Send a letter" not in page_of(browser, "careplans:task_detail", task.pk)


def reminders(patient) -> list[Message]:
    make_appointment(patient, start=at_noon(patient.site, days=3))
    plan_reminders(site=patient.site, by=System("nightly"), now=timezone.now())
    return list(Message.objects.order_by("send_after"))


@pytest.mark.parametrize("kind", ["no_messages", "avoid", "use_only"])
def test_no_reminder_is_planned_to_where_none_may_go(patient, kind):
    mobile, home = make_phone(patient), make_phone(patient, "+16125550199", use="home")
    points = {"no_messages": None, "avoid": mobile, "use_only": home}
    warn(patient, kind, contact_point=points[kind])
    rows = reminders(patient)
    assert rows
    assert {row.skip_reason for row in rows} == {"safe_contact_hold"}
    assert not any(row.body for row in rows)


def test_a_reminder_goes_to_the_safe_address_instead(patient):
    warn(patient, "avoid", contact_point=make_phone(patient))
    make_email(patient)
    assert {row.address for row in reminders(patient) if not row.skip_reason} == {"elena@example.test"}


def test_reminders_wait_for_the_hours_in_which_the_patient_may_be_reached(patient):
    make_phone(patient)
    warn(patient, "hours", calls_from=17, calls_until=20)
    rows = [row for row in reminders(patient) if not row.skip_reason]
    assert rows
    assert {row.send_after.astimezone(patient.site.tzinfo).hour for row in rows} <= {17, 18, 19}


def test_hours_that_leave_none_hold_the_reminder(patient):
    make_phone(patient)
    warn(patient, "hours", calls_from=21, calls_until=22)
    assert {row.skip_reason for row in reminders(patient)} == {"safe_contact_hold"}


@pytest.mark.parametrize("kind", ["no_messages", "avoid"])
def test_a_warning_that_comes_later_still_holds_what_was_planned(patient, kind):
    phone = make_phone(patient)
    reminders(patient)
    Message.objects.exclude(body="").update(
        send_after=timezone.now() - timedelta(minutes=1),
        close_at=None,
        expires_at=timezone.now() + timedelta(days=1),
    )
    warn(patient, kind, contact_point=phone if kind == "avoid" else None)
    gateway = FakeGateway()
    deliver_due(gateways=gateway)
    assert not gateway.calls
    assert "safe_contact_hold" in {row.skip_reason for row in Message.objects.all()}
