"""The table of results of a contact, one line per result, through the service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from careplans import services
from careplans.models import NOTHING_TOLD, ContactAttempt, Outcome, Task
from careplans.tests.factories import make_task
from coordinator.tests.factories import make_site, make_user
from patients.models import RelatedPerson
from patients.tests.factories import make_patient, make_phone

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 16, 24, tzinfo=UTC)  # Wednesday, 10:24 AM in Chicago
PROMISED = NOW + timedelta(days=2, hours=1)
THURSDAY_2_PM, TODAY_2_PM, IN_TWO_HOURS = "2026-11-19 14:00", "2026-11-18 14:00", "2026-11-18 12:24"

# result: reached, next attempt on the clinic's clock, part of the day, status of the task, flags the number, its task
TABLE = {
    "reached_done": (True, None, None, "completed", False, None),
    "reached_call_back": (True, "2026-11-20 11:24", "morning", "ready", False, None),
    "left_message": (False, THURSDAY_2_PM, "afternoon", "ready", False, None),
    "no_answer": (False, THURSDAY_2_PM, "afternoon", "ready", False, None),
    "busy": (False, IN_TWO_HOURS, "afternoon", "ready", False, None),
    "wrong_number": (False, None, None, "ready", True, "data_quality"),
    "disconnected": (False, None, None, "ready", True, "data_quality"),
    "refused": (True, None, None, "cancelled", False, None),
    "spoke_with_caregiver": (True, None, None, "completed", False, None),
    "language_barrier": (False, TODAY_2_PM, "afternoon", "ready", False, "other"),
}


@pytest.fixture
def elena():
    return make_patient(site=make_site(zone="America/Chicago"), language="es")


@pytest.fixture
def dana(elena):
    return make_user(site=elena.site)


@pytest.fixture
def task(elena, dana):
    return make_task(elena, owner=dana, due_at=NOW)


@pytest.fixture
def ana(elena):
    return RelatedPerson.objects.create(
        patient=elena, name="Ana", relationship="daughter", topics=["scheduling"]
    )


def log(task, by, outcome, ana, **more):
    told = {
        "reached_call_back": {"next_attempt_at": PROMISED},
        "refused": {"note": "Wants no calls"},
        "spoke_with_caregiver": {"related_person": ana, "topic": "scheduling"},
    }.get(outcome, {})
    facts = {"channel": "phone", "now": NOW} | told | more
    return services.log_contact(patient=task.patient, task=task, outcome=outcome, by=by, **facts)


def test_the_table_has_every_result():
    assert set(TABLE) == set(Outcome.values)


@pytest.mark.parametrize("outcome", TABLE)
def test_a_result_does_what_its_line_says(elena, task, dana, ana, outcome):
    reached, next_at, part, status, flags, makes = TABLE[outcome]
    phone = make_phone(elena)
    attempt = log(task, dana, outcome, ana).attempt
    task.refresh_from_db()
    phone.refresh_from_db()
    local = attempt.next_attempt_at and attempt.next_attempt_at.astimezone(ZoneInfo("America/Chicago"))
    assert attempt.reached is reached
    assert (local.strftime("%Y-%m-%d %H:%M") if local else None) == next_at
    if local:
        assert ("morning" if local.hour < 12 else "afternoon") == part
        assert task.due_at == attempt.next_attempt_at
    assert task.status == status
    assert task.attempts_made == 1
    assert (phone.failing_since is not None) is flags
    assert list(Task.objects.filter(cause_id=attempt.pk).values_list("kind", flat=True)) == (
        [makes] if makes else []
    )


@pytest.mark.parametrize("topic", ["medicines", "results", "plan", "money", "transport"])
def test_a_topic_the_caregiver_does_not_hold_is_refused_and_nothing_is_kept(task, dana, ana, topic):
    with pytest.raises(ValidationError):
        log(task, dana, "spoke_with_caregiver", ana, topic=topic)
    assert not ContactAttempt.objects.exists()


def test_a_caregiver_who_was_told_nothing_was_an_attempt_that_reached_nobody(task, dana, ana):
    attempt = log(task, dana, "spoke_with_caregiver", ana, topic=NOTHING_TOLD).attempt
    task.refresh_from_db()
    assert (attempt.reached, task.status, task.attempts_made) == (False, "ready", 1)
    assert attempt.next_attempt_at is not None


def test_an_interpreter_too_late_today_is_booked_for_the_next_business_day(task, dana, ana):
    late = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)  # Friday, 3 PM
    attempt = log(task, dana, "language_barrier", ana, now=late).attempt
    assert attempt.next_attempt_at.astimezone(ZoneInfo("America/Chicago")).strftime("%a %H:%M") == "Mon 10:00"
    assert "Spanish" in Task.objects.get(cause_id=attempt.pk).title


def test_the_afternoon_is_followed_by_a_morning_and_a_weekend_by_monday(task, dana, ana):
    friday_2_pm = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
    attempt = log(task, dana, "no_answer", ana, now=friday_2_pm).attempt
    assert attempt.next_attempt_at.astimezone(ZoneInfo("America/Chicago")).strftime("%a %H:%M") == "Mon 10:00"


@pytest.mark.parametrize("channel", ContactAttempt.Channel.values)
def test_who_how_about_what_and_with_which_interpreter_is_kept(elena, task, dana, ana, channel):
    kept = {"topic": "scheduling", "minutes": 7, "interpreter": "Lingua 4471", "note": "Ride is booked"}
    attempt = log(task, dana, "no_answer", ana, channel=channel, related_person=ana, **kept).attempt
    attempt.refresh_from_db()
    assert (attempt.channel, attempt.related_person) == (channel, ana)
    assert {name: getattr(attempt, name) for name in kept} == kept


@pytest.mark.parametrize("channel", ["text", "email", "letter", "in_person"])
def test_only_a_call_flags_the_only_phone(elena, task, dana, ana, channel):
    phone = make_phone(elena)
    log(task, dana, "wrong_number", ana, channel=channel)
    phone.refresh_from_db()
    assert phone.failing_since is None
