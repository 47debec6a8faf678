"""Somebody dies, moves away or comes back: what happens to everything that was open."""

from __future__ import annotations

import datetime
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from careplans import services as work
from careplans.models import Task
from careplans.tests.factories import make_plan, make_task
from coordinator.clocks.services import start_clock
from coordinator.dashboard.drafts import save_draft
from coordinator.dashboard.models import Draft
from coordinator.tests.factories import make_site, make_user
from patients import services
from patients.tests.factories import make_patient
from referrals.models import Referral
from referrals.services import advance_authorization, advance_referral
from referrals.tests.factories import make_authorization, make_referral
from scheduling.models import Appointment
from scheduling.tests.factories import make_appointment

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)


@pytest.fixture
def site():
    return make_site(zone="America/Chicago")


@pytest.fixture
def dana(site):
    return make_user(site=site)


@pytest.fixture
def elena(site, dana):
    return make_patient(site=site, coordinator=dana)


@pytest.fixture
def visit(elena):
    return make_appointment(patient=elena, start=NOW + timedelta(days=9))


def died(patient, by, now=NOW, **more):
    today = now.astimezone(patient.site.tzinfo).date()
    services.record_death(patient_id=patient.pk, died_on=today, by=by, now=now, **more)


def back(patient, by, now=NOW + timedelta(minutes=5)):
    services.reactivate_patient(patient_id=patient.pk, reason="Another patient", by=by, now=now)


def state(record):
    record.refresh_from_db()
    return record.status


def test_a_death_closes_what_needs_the_patient_and_leaves_the_rest(elena, dana):
    call = make_task(elena, kind="outreach_call", owner=dana)
    snoozed = make_task(
        elena,
        kind="book_visit",
        owner=dana,
        status="on_hold",
        wake_at=NOW + timedelta(days=3),
        held_since=NOW,
    )
    bill = make_task(elena, kind="paperwork", owner=dana)
    died(elena, dana, cancel_visits=[])
    assert (state(call), call.close_reason) == ("cancelled", "deceased")
    assert (state(snoozed), state(bill)) == ("cancelled", "ready")
    assert call.changes.last().reason == "Patient has died: The patient has died."


def test_the_history_of_the_patient_keeps_what_was_settled(elena, dana):
    make_task(elena, kind="outreach_call", owner=dana)
    make_plan(elena)
    died(elena, dana, cancel_visits=[])
    settled = elena.changes.get(step="settle")
    assert settled.reason == "1 task closed. 1 care plan ended or put on hold."
    assert (settled.facts["tasks"], settled.facts["plans"]) == (1, 1)
    change = elena.changes.get(step="record_death")
    assert settled.facts["standing"] == str(change.pk)


def test_being_active_again_opens_exactly_what_the_death_closed(elena, dana):
    call = make_task(elena, kind="outreach_call", owner=dana, opened_at=NOW - timedelta(days=4))
    wakes = NOW + timedelta(days=3)
    snoozed = make_task(elena, kind="book_visit", owner=dana, status="on_hold", wake_at=wakes, held_since=NOW)
    before = make_task(elena, kind="outreach_call", owner=dana)
    work.cancel_task(task_id=before.pk, close_reason="duplicate", by=dana, now=NOW)
    plan, waiting = make_plan(elena), make_plan(elena, title="Diabetes", program="CCM", status="on_hold")
    died(elena, dana, cancel_visits=[])
    assert (state(plan), state(waiting)) == ("revoked", "revoked")
    back(elena, dana)
    assert (state(call), call.opened_at) == ("ready", NOW - timedelta(days=4))
    assert call.intervals.filter(closed_at=None).count() == 1
    assert (state(snoozed), snoozed.wake_at) == ("on_hold", wakes)
    assert state(before) == "cancelled"
    assert (state(plan), plan.ends_on, state(waiting)) == ("active", None, "on_hold")


def test_what_somebody_touched_meanwhile_is_left_alone(elena, dana):
    call = make_task(elena, kind="outreach_call", owner=dana)
    died(elena, dana, cancel_visits=[])
    work.reopen_task(task_id=call.pk, reason="The family asked", by=dana, now=NOW)
    work.complete_task(task_id=call.pk, by=dana, now=NOW)
    back(elena, dana)
    assert state(call) == "completed"


def test_a_task_whose_cause_opened_another_one_stays_closed(elena, dana):
    first = make_task(elena, kind="no_show_follow_up", owner=dana, dedupe_key="no_show:1")
    died(elena, dana, cancel_visits=[])
    second = make_task(elena, kind="no_show_follow_up", owner=dana, dedupe_key="no_show:1")
    back(elena, dana)
    assert (state(first), state(second)) == ("cancelled", "ready")


def test_two_changes_one_after_the_other_are_both_taken_back(elena, dana):
    call = make_task(elena, kind="outreach_call", owner=dana)
    discharge = make_task(elena, kind="discharge_call", owner=dana)
    services.inactivate_patient(
        patient_id=elena.pk, reason="Moved to Ohio", by=dana, now=NOW, cancel_visits=[]
    )
    assert (state(call), call.close_reason, state(discharge)) == ("cancelled", "left_the_clinic", "ready")
    died(elena, dana, NOW + timedelta(minutes=1), cancel_visits=[])
    assert (state(discharge), discharge.close_reason) == ("cancelled", "deceased")
    back(elena, dana)
    assert (state(call), state(discharge)) == ("ready", "ready")


def test_an_inactive_patients_plan_waits_and_goes_on(elena, dana):
    plan = make_plan(elena)
    services.inactivate_patient(patient_id=elena.pk, reason="Traveling", by=dana, now=NOW, cancel_visits=[])
    assert state(plan) == "on_hold"
    back(elena, dana)
    assert state(plan) == "active"


def test_a_second_active_plan_is_a_question_for_a_person(elena, dana):
    plan = make_plan(elena)
    died(elena, dana, cancel_visits=[])
    make_plan(elena, title="A newer one")
    back(elena, dana)
    assert state(plan) == "revoked"
    assert Task.objects.open().get(patient=elena).title == "Decide which care plan goes on"


def test_the_deadline_of_a_closed_task_is_void_and_its_date_comes_back(elena, dana, visit):
    clock = start_clock(
        subject=visit,
        kind="no_show.follow_up",
        anchor_at=NOW,
        anchor_label="missed",
        zone=visit.zone,
        calendar=visit.site.calendar,
        site_id=visit.site_id,
        by=dana,
        now=NOW,
    )
    task = make_task(elena, kind="no_show_follow_up", owner=dana, clock=clock, due_at=clock.due_at)
    died(elena, dana, cancel_visits=[])
    clock.refresh_from_db()
    assert clock.state == "void"
    back(elena, dana)
    assert (state(task), task.clock, task.due_at) == ("ready", None, clock.due_at)


def test_chosen_visits_are_cancelled_and_booked_again_afterwards(elena, dana, visit):
    other = make_appointment(patient=elena, start=NOW + timedelta(days=20))
    died(elena, dana, cancel_visits=[str(visit.pk)])
    assert (state(visit), visit.cancelled_by, state(other)) == ("cancelled", "system", "booked")
    assert not Task.objects.open().filter(kind="book_visit").exists()
    back(elena, dana)
    assert (state(visit), state(other)) == ("booked", "booked")


def test_a_visit_whose_time_was_given_away_becomes_a_task(elena, dana, site):
    visit = make_appointment(patient=elena, start=NOW + timedelta(days=9))
    died(elena, dana, cancel_visits=[str(visit.pk)])
    taken = make_appointment(
        patient=make_patient(site=site),
        service=visit.service,
        practitioner=visit.practitioner,
        start=visit.start,
        end=visit.end,
    )
    back(elena, dana)
    assert (state(visit), state(taken)) == ("cancelled", "booked")
    assert Task.objects.open().get(patient=elena).title == f"Book again: {visit.service.name}"


def test_when_nobody_was_asked_a_task_asks_about_the_visits(elena, dana, visit):
    died(elena, dana)
    asked = Task.objects.open().get(patient=elena)
    assert (state(visit), asked.title) == ("booked", "Cancel or keep 1 visit to come")
    back(elena, dana)
    assert state(asked) == "cancelled"


def test_referrals_and_authorizations_get_a_task_to_end_them_that_closes_by_itself(elena, dana):
    referral = make_referral(elena, owner=dana, specialty="Cardiology")
    authorization = make_authorization(elena, owner=dana, status="submitted")
    done = make_referral(elena, owner=dana, status="completed", specialty="Dermatology")
    died(elena, dana, cancel_visits=[])
    tasks = {task.kind: task for task in Task.objects.open().filter(patient=elena)}
    assert set(tasks) == {"referral_follow_up", "authorization"}
    assert tasks["referral_follow_up"].title == "End the referral: Cardiology"
    assert tasks["referral_follow_up"].due_at is not None
    advance_referral(referral_id=referral.pk, step="withdraw", reason="Died", by=dana, now=NOW)
    advance_authorization(authorization_id=authorization.pk, step="withdraw", reason="Died", by=dana, now=NOW)
    assert not Task.objects.open().filter(patient=elena).exists()
    assert Referral.objects.get(pk=done.pk).status == "completed"


def test_nobody_has_to_end_anything_once_the_patient_is_back(elena, dana):
    make_referral(elena, owner=dana)
    died(elena, dana, cancel_visits=[])
    back(elena, dana)
    assert list(Task.objects.filter(patient=elena).values_list("status", "close_reason")) == [
        ("cancelled", "no_longer_needed")
    ]


def test_what_is_kept_is_in_the_clinics_language_whoever_did_it(elena, dana):
    make_referral(elena, owner=dana, specialty="Cardiology")
    call = make_task(elena, kind="outreach_call", owner=dana)
    with translation.override("es"):
        died(elena, dana, cancel_visits=[])
    assert Task.objects.open().get(patient=elena).title == "End the referral: Cardiology"
    call.refresh_from_db()
    assert call.outcome == "The patient has died."


def test_a_record_entered_in_error_leaves_no_open_work(elena, dana, visit):
    call, bill = (make_task(elena, kind=kind, owner=dana) for kind in ("outreach_call", "paperwork"))
    plan = make_plan(elena)
    services.enter_patient_in_error(
        patient_id=elena.pk, reason="A test", by=dana, now=NOW, cancel_visits=[str(visit.pk)]
    )
    assert (state(call), state(bill), state(plan), state(visit)) == (
        "cancelled", "cancelled", "revoked", "cancelled",
    )  # fmt: skip
    assert not Task.objects.open().filter(patient=elena).exists()


def test_a_wish_for_a_visit_whose_time_has_passed_is_asked_about_once_the_patient_is_back(elena, dana):
    wish = make_appointment(patient=elena, status="waitlist", start=NOW - timedelta(days=1))
    died(elena, dana, cancel_visits=[str(wish.pk)])
    assert state(wish) == "cancelled"
    back(elena, dana)
    assert Task.objects.open().get(patient=elena).kind == "book_visit"


def test_visits_come_back_also_when_tasks_do(elena, dana, visit):
    call = make_task(elena, kind="outreach_call", owner=dana)
    died(elena, dana, cancel_visits=[str(visit.pk)])
    back(elena, dana)
    assert (state(call), state(visit)) == ("ready", "booked")


# --- the page ------------------------------------------------------------------------------------------------


def test_the_page_lists_everything_before_it_is_done(client, elena, dana, visit):
    make_task(elena, kind="outreach_call", title="Ask about the scale", owner=dana)
    make_task(elena, kind="paperwork", title="Hospital bill", owner=dana)
    elsewhere = make_site()
    make_task(
        elena, kind="outreach_call", title="Of another place", site=elsewhere, owner=make_user(site=elsewhere)
    )
    make_plan(elena, title="Heart failure")
    make_referral(elena, owner=dana, specialty="Cardiology")
    client.force_login(dana)
    address = reverse("patients:patient_standing", args=[elena.pk])
    today = NOW.astimezone(elena.site.tzinfo).date()
    form = {"step": "record_death", "died_on": today.isoformat(), "reason": "Called by her daughter"}
    answer = client.post(address, form)
    page = answer.content.decode()
    assert answer.status_code == 200
    for words in ("Ask about the scale", "Hospital bill", "Heart failure", "Cardiology", visit.service.name):
        assert words in page
    assert "Of another place" not in page
    assert "A task at another place" in page
    assert 'value="Called by her daughter"' in page
    assert state(elena) == "active"
    assert (
        client.post(address, {**form, "confirm": "yes", "cancel_visit": [str(visit.pk)]}).status_code == 302
    )
    assert (state(elena), state(visit)) == ("deceased", "cancelled")


def test_what_was_typed_is_kept_until_the_change_is_done(client, elena, dana):
    make_plan(elena)
    client.force_login(dana)
    address = reverse("patients:patient_standing", args=[elena.pk])
    key = f"{address}#{elena.pk}"
    save_draft(form=key, fields={"reason": ["Traveling"]}, patient=elena, by=dana, now=NOW)
    form = {"step": "inactivate", "reason": "Traveling", "draft": key}
    assert f'name="draft" value="{key}"' in client.post(address, form).content.decode()
    assert Draft.objects.filter(user=dana).exists()
    client.post(address, {**form, "confirm": "yes"})
    assert not Draft.objects.filter(user=dana).exists()


def test_an_unticked_visit_stays_and_no_task_asks(client, elena, dana, visit):
    client.force_login(dana)
    address = reverse("patients:patient_standing", args=[elena.pk])
    form = {
        "step": "inactivate",
        "reason": "Traveling",
        "confirm": "yes",
        "cancel_visit": ["x", str(dana.pk)],
    }
    assert client.post(address, form).status_code == 302
    assert state(visit) == "booked"
    assert not Task.objects.open().filter(patient=elena).exists()


def test_coming_back_is_foretold_too(client, elena, dana, visit):
    make_task(elena, kind="outreach_call", title="Ask about the scale", owner=dana)
    died(elena, dana, cancel_visits=[str(visit.pk)])
    client.force_login(dana)
    address = reverse("patients:patient_standing", args=[elena.pk])
    page = client.post(address, {"step": "reactivate", "reason": "Mistaken identity"}).content.decode()
    assert "Ask about the scale" in page
    assert "Visits booked again" in page


def test_the_page_asks_the_same_number_of_questions_for_one_task_and_for_ten(
    client, elena, dana, django_assert_max_num_queries
):
    client.force_login(dana)
    address = reverse("patients:patient_standing", args=[elena.pk])
    form = {"step": "inactivate", "reason": "Traveling"}
    for n in range(10):
        make_task(elena, kind="outreach_call", owner=dana)
        make_appointment(patient=elena, start=NOW + timedelta(days=9 + n))
    with django_assert_max_num_queries(22):
        client.post(address, form)


def test_a_failed_change_changes_nothing(elena, dana):
    call = make_task(elena, kind="outreach_call", owner=dana)
    with pytest.raises(Exception, match="future"):
        services.record_death(
            patient_id=elena.pk,
            died_on=datetime.date.today() + timedelta(days=3),
            by=dana,
            now=NOW,
            cancel_visits=[],
        )
    assert state(call) == "ready"
    assert Appointment.objects.count() == 0
