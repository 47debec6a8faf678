"""Answers to our texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from careplans.models import Task
from coordinator.audit.models import AuditEvent
from coordinator.messaging.models import GatewayEvent, Message
from coordinator.messaging.tests.factories import make_message
from coordinator.tests.factories import make_site, make_team
from coordinator.workflow import System
from patients.models import ContactPoint, Patient
from patients.tests.factories import make_patient, make_phone
from scheduling.models import Appointment, AppointmentChange
from scheduling.rules.replies import Meaning, meaning_of
from scheduling.services.replies import handle_events, record_reply
from scheduling.tests.factories import make_appointment

NOW = timezone.now()
NUMBER = "+16125550143"
BY = System("gateway")


@pytest.mark.parametrize("said", ["STOP", " stop ", "Stop.", "QUIT!", "end", "Revoke", "opt out", "OptOut",
                                  "cancel", "UNSUBSCRIBE", "stopall", "Alto", "opt-out", "“STOP”"])  # fmt: skip
def test_stop_words_as_the_whole_message(said: str) -> None:
    assert meaning_of(said) is Meaning.STOP


@pytest.mark.parametrize(
    "said",
    ["please don't text me", "Please stop texting me!", "do not send me messages", "no more texts pls",
     "remove me from your list", "no me manden mensajes", "no más mensajes por favor", "wrong number", "Don’t contact me"],
)  # fmt: skip
def test_sentences_that_ask_to_stop(said: str) -> None:
    assert meaning_of(said) is Meaning.ASKS_TO_STOP


@pytest.mark.parametrize(
    ("said", "meaning"),
    [("C", Meaning.CONFIRM), ("c.", Meaning.CONFIRM), ("Yes", Meaning.CONFIRM), ("Sí", Meaning.CONFIRM),
     ("r", Meaning.REBOOK), ("Reschedule", Meaning.REBOOK), ("START", Meaning.START),
     ("", Meaning.OTHER), ("who is this", Meaning.OTHER), ("I will be late", Meaning.OTHER),
     ("the end of the week is better", Meaning.OTHER), ("👍", Meaning.OTHER), ("cancel my visit please", Meaning.OTHER)],
)  # fmt: skip
def test_everything_else(said: str, meaning: Meaning) -> None:
    assert meaning_of(said) is meaning


# --- what is done ---------------------------------------------------------------------------------------


def person(**fields: Any) -> Patient:
    if "site" not in fields:
        fields["site"] = make_site()
        make_team(fields["site"])
    patient = make_patient(**fields)
    make_phone(patient, NUMBER)
    return patient


def reminded(patient: Patient, **fields: Any) -> Appointment:
    """A coming visit whose reminder went to the number yesterday."""
    visit = make_appointment(patient, start=NOW + timedelta(days=2), **fields)
    make_message(
        patient.site, purpose="visit_reminder", about_id=visit.pk, patient_id=patient.pk, status="sent",
        address=NUMBER, finished_at=NOW - timedelta(days=1), send_after=NOW - timedelta(days=1),
    )  # fmt: skip
    return visit


def reply(text: str, event_id: str = "e1", sender: str = NUMBER) -> str:
    return record_reply(sender=sender, text=text, event_id=event_id, by=BY, now=NOW)


@pytest.mark.django_db
def test_stop_counts_at_once_takes_back_what_waits_and_is_confirmed_once() -> None:
    patient = person()
    waiting = make_message(patient.site, address=NUMBER, send_after=NOW + timedelta(hours=1))
    assert reply("STOP") == "stop"
    assert ContactPoint.objects.get().opted_out_at == NOW
    waiting.refresh_from_db()
    assert waiting.status == "cancelled"
    confirmation = Message.objects.get(purpose="opt_out_confirmation")
    assert confirmation.expires_at == NOW + timedelta(minutes=5)
    assert "START" in confirmation.body
    reply("stop", "e2")
    assert Message.objects.filter(purpose="opt_out_confirmation").count() == 1
    assert AuditEvent.objects.filter(action="opt_out").count() == 1
    assert not Task.objects.exists()


@pytest.mark.django_db
def test_a_shared_number_stops_for_everybody_who_gave_it() -> None:
    first = person()
    person(site=first.site)
    reply("STOP", sender="(612) 555-0143")
    assert ContactPoint.objects.filter(opted_out_at=NOW).count() == 2
    assert Message.objects.filter(purpose="opt_out_confirmation").count() == 1


@pytest.mark.django_db
def test_start_turns_texts_on_again_and_plans_what_is_coming() -> None:
    patient = person()
    reply("STOP")
    visit = make_appointment(patient, start=NOW + timedelta(days=2), booked_at=NOW - timedelta(days=20))
    reply("START", "e2")
    point = ContactPoint.objects.get()
    assert (point.opted_out_at, point.ok_to_message, point.permission_at) == (None, True, NOW)
    assert Message.objects.filter(about_id=visit.pk, status="scheduled").exists()


@pytest.mark.django_db
def test_a_sentence_that_asks_to_stop_pauses_and_goes_to_a_person() -> None:
    patient = person()
    assert reply("please don't text me any more") == "asks_to_stop"
    assert ContactPoint.objects.get().opted_out_at == NOW
    task = Task.objects.get()
    assert (task.patient_id, task.kind) == (patient.pk, "other")
    assert "please don't text me" in task.reason
    assert not Message.objects.exists()


@pytest.mark.django_db
def test_c_confirms_the_visit_that_the_last_reminder_named() -> None:
    patient = person()
    visit = reminded(patient)
    other = make_appointment(patient, start=NOW + timedelta(days=9))
    assert reply("C") == "confirm"
    visit.refresh_from_db()
    other.refresh_from_db()
    assert (visit.confirmed_at, other.confirmed_at) == (NOW, None)
    record_reply(sender=NUMBER, text="c", event_id="e2", by=BY, now=NOW + timedelta(hours=1))
    visit.refresh_from_db()
    assert visit.confirmed_at == NOW
    assert AuditEvent.objects.filter(action="confirm_by_text").count() == 1


@pytest.mark.django_db
def test_both_visits_of_a_day_that_one_message_named_are_confirmed() -> None:
    patient = person()
    first = make_appointment(patient, start=datetime(2030, 3, 5, 15, tzinfo=UTC))
    second = make_appointment(patient, start=datetime(2030, 3, 5, 20, tzinfo=UTC))
    make_message(patient.site, purpose="visit_reminder", about_id=first.pk, patient_id=patient.pk, status="sent",
                 address=NUMBER, finished_at=NOW)  # fmt: skip
    reply("yes")
    second.refresh_from_db()
    assert second.confirmed_at == NOW


@pytest.mark.django_db
def test_an_answer_to_the_old_time_does_not_confirm_the_new_one() -> None:
    visit = reminded(person())
    new = make_appointment(visit.patient, start=visit.start + timedelta(hours=1), replaces=visit)
    Appointment.objects.filter(pk=visit.pk).update(status="rescheduled")
    AppointmentChange.objects.create(record=new, step="book", to_status="booked", at=NOW - timedelta(hours=1))
    assert reply("C") == "other"
    new.refresh_from_db()
    assert new.confirmed_at is None
    assert Task.objects.get().title == "Read a text message"


@pytest.mark.django_db
def test_r_makes_one_task_to_rebook_and_changes_nothing_else() -> None:
    visit = reminded(person())
    assert reply("R") == "rebook"
    reply("r", "e2")
    task = Task.objects.get()
    assert (task.kind, task.cause_id) == ("book_visit", visit.pk)
    visit.refresh_from_db()
    assert visit.status == "booked"


@pytest.mark.django_db
def test_an_answer_that_fits_no_visit_goes_to_a_person() -> None:
    person()
    assert reply("C") == "other"
    assert Task.objects.get().title == "Read a text message"


@pytest.mark.django_db
def test_unknown_words_go_to_the_patient_who_was_reminded_last() -> None:
    first = person()
    second = person(site=first.site)
    reminded(second)
    reply("I will be ten minutes late")
    task = Task.objects.get()
    assert task.patient_id == second.pk
    assert task.due_at is not None
    assert task.due_at <= NOW + timedelta(hours=4)


@pytest.mark.django_db
def test_a_number_nobody_gave_is_left_alone() -> None:
    assert reply("STOP", sender="+14155550199") == "unknown number"
    assert reply("hello", sender="not a number") == "unknown number"


@pytest.mark.django_db
def test_events_are_worked_off_once_and_a_bad_one_is_set_aside() -> None:
    person()
    event = {"kind": "reply", "sender": NUMBER, "received_at": NOW}
    GatewayEvent.objects.create(event_id="a", text="STOP", **event)
    GatewayEvent.objects.create(event_id="b", kind="receipt", reference="r1", arrived=True, received_at=NOW)
    broken = GatewayEvent.objects.create(event_id="c", kind="odd", received_at=NOW)
    sent = make_message(status="sent", gateway_reference="r1")
    assert handle_events(by=BY, now=NOW) == 3
    assert handle_events(by=BY, now=NOW) == 0
    sent.refresh_from_db()
    assert sent.status == "delivered"
    broken.refresh_from_db()
    assert (broken.result, broken.tries) == ("KeyError", 5)
    results = dict(GatewayEvent.objects.values_list("event_id", "result"))
    assert (results["a"], results["b"]) == ("stop", "recorded")
