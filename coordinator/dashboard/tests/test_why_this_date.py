""" "Why this date?" beside every due date: the rule's explanation, or who set the date; for nobody who may not see it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from careplans.services import edit_task, open_task
from careplans.tests.factories import make_plan, make_task
from coordinator.clocks import register_services as desk
from coordinator.clocks import services as clocks
from coordinator.clocks.models import Clock
from coordinator.clocks.tests.factories import make_clock, make_proposal
from coordinator.tests.factories import make_user
from coordinator.wording import family_first
from patients.tests.factories import make_patient
from referrals.services import create_authorization, create_referral
from referrals.tests.factories import make_payer

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)  # the Wednesday before Thanksgiving


@pytest.fixture
def dana(db):
    return make_user(name="Dana Whitfield")


@pytest.fixture
def patient(dana):
    return make_patient(site=dana.sites.get(), coordinator=dana)


@pytest.fixture
def signed_in(client, dana):
    client.force_login(dana)
    return client


def referral_of(patient, by):
    return create_referral(patient=patient, specialty="Cardiology", reason="Swelling", by=by, now=NOW)


def test_a_referrals_date_is_explained_with_each_skipped_day_and_who_may_move_it(signed_in, dana, patient):
    referral = referral_of(patient, dana)
    url = reverse("clocks:clock_why", args=[referral.clock_id])
    text = signed_in.get(url).content.decode()
    for sentence in (
        "Due: the end of Mon, Nov 30, 2026 (America/Chicago).",
        "Thu Nov 26: Thanksgiving Day, not counted.",
        "Rule: Sent, once written, version 1, from Jan 1, 2015.",
        "It cannot be extended.",
        "It can be put on hold with a reason",
        "80% of the time is used",
        "The clock started.",
        "a manager or an administrator proposes, a second one approves",
    ):
        assert sentence in text
    part = signed_in.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "Thanksgiving Day, not counted" in part


def test_holds_extensions_and_what_was_missed_are_told(signed_in, dana, patient):
    task = make_task(patient, owner=dana)
    clock = make_clock(subject=task, kind="referral.report", site_id=task.site_id)
    clocks.hold_clock(clock_id=clock.pk, reason="Waiting for the family", by=dana, now=NOW)
    clocks.resume_clock(clock_id=clock.pk, by=dana, now=NOW + timedelta(days=2))
    clocks.sweep(now=NOW + timedelta(days=60))
    text = signed_in.get(reverse("clocks:clock_why", args=[clock.pk])).content.decode()
    for sentence in (
        "It was put on hold.",
        "Waiting for the family",
        "It runs again. Since then it is due the end of",
        "The deadline passed.",
        "The deadline has passed.",
        "On hold from Wed, Nov 25, 2026, 10:00 AM CST to Fri, Nov 27, 2026, 10:00 AM CST",
    ):
        assert sentence in text


def test_a_deadline_on_a_closed_day_says_by_when_to_book(signed_in, dana, patient):
    task = make_task(patient, owner=dana)
    clock = make_clock(
        subject=task,
        kind="tcm.visit_7",
        anchor_at=date(2026, 11, 21),
        site_id=task.site_id,
        zone="America/Chicago",
    )
    text = signed_in.get(reverse("clocks:clock_why", args=[clock.pk])).content.decode()
    assert "Sat, Nov 28, 2026 is closed in the calendar US federal. Book by Fri, Nov 27, 2026" in text


def test_somebody_from_another_site_finds_no_explanation(client, dana, patient):
    referral, task = referral_of(patient, dana), make_task(patient, owner=dana)
    client.force_login(make_user())
    for url in (
        reverse("clocks:clock_why", args=[referral.clock_id]),
        reverse("careplans:task_why", args=[task.pk]),
        reverse("careplans:plan_why", args=[make_plan(patient).pk]),
    ):
        assert client.get(url).status_code == 404


def test_a_date_that_a_person_typed_names_who_set_it_when_and_why(signed_in, dana, patient):
    task = open_task(
        patient=patient,
        site=patient.site,
        kind="call",
        title="Call about the scale",
        reason="She asked for it",
        owner=dana,
        due_at=NOW + timedelta(days=1),
        by=dana,
        now=NOW,
    )
    edit_task(
        task_id=task.pk, version=1, due_at=NOW + timedelta(days=5), by=dana, now=NOW + timedelta(days=1)
    )
    text = signed_in.get(reverse("careplans:task_why", args=[task.pk])).content.decode()
    assert "Due: the end of Mon, Nov 30, 2026." in text
    assert "Set by Dana Whitfield on Nov 26, 2026." in text
    assert "Set by Dana Whitfield on Nov 25, 2026." in text
    assert "She asked for it" in text


def test_a_task_on_a_clock_explains_the_rule(signed_in, dana, patient):
    clock = make_clock(subject=patient, site_id=patient.site_id)
    task = make_task(patient, owner=dana, clock=clock, due_at=clock.due_at)
    text = signed_in.get(reverse("careplans:task_why", args=[task.pk])).content.decode()
    assert "Contact after discharge" in text


@pytest.mark.parametrize("page", ["referrals:referral_list", "dashboard:my_work", "careplans:plan_list"])
def test_lists_offer_it_beside_every_date(signed_in, dana, patient, page):
    referral_of(patient, dana)
    make_task(patient, owner=dana, due_at=NOW)
    make_plan(patient, status="active", next_review_on=date(2026, 12, 1))
    assert "Why this date?" in signed_in.get(reverse(page)).content.decode()


def test_pages_of_the_record_offer_it(signed_in, dana, patient):
    referral = referral_of(patient, dana)
    create_authorization(
        patient=patient, payer=make_payer(), service="MRI lumbar", referral=referral, by=dana, now=NOW
    )
    make_task(patient, owner=dana, due_at=NOW)
    for name in ("patient_summary", "patient_tasks", "patient_referrals"):
        text = signed_in.get(reverse(f"dashboard:{name}", args=[patient.pk])).content.decode()
        assert "/why/" in text, name
    text = signed_in.get(reverse("referrals:referral_detail", args=[referral.pk])).content.decode()
    assert text.count("why-link") == 2, "the referral's date and its authorization's"


def test_what_hangs_on_a_clock_follows_it_to_another_version_of_its_rule(dana, patient):
    """A change of the register for days that are over: referral, authorization and task show the new date."""
    referral = referral_of(patient, dana)
    task = make_task(patient, owner=dana, clock=referral.clock, due_at=referral.due_at)
    proposal = make_proposal(effective_from=date(2026, 11, 23))
    desk.approve_proposal(proposal_id=proposal.pk, by=make_user("administrator"), now=NOW, expected=1)
    clock = Clock.objects.get(pk=referral.clock_id)
    assert clock.due_on == date(2026, 12, 1)
    referral.refresh_from_db()
    task.refresh_from_db()
    assert referral.due_at == task.due_at == clock.due_at
    assert str(referral.changes.latest("at", "id").words) == "Deadline moved with its rule"


def test_a_manager_sees_by_name_what_a_change_would_move(client, dana, patient):
    referral_of(patient, dana)
    proposal = make_proposal(effective_from=date(2026, 11, 23))
    client.force_login(make_user("manager", sites=[patient.site]))
    text = client.get(reverse("clocks:proposal", args=[proposal.pk])).content.decode()
    assert f"Cardiology · {family_first(patient)}" in text
    assert "They are counted only" not in text
