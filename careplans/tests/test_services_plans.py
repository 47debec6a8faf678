"""Plans start only with what a plan needs, one per program; reviews that are overdue become tasks once."""

from __future__ import annotations

import datetime as dt
from datetime import UTC, date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from careplans import services
from careplans.models import CarePlan, Task
from careplans.tests.factories import make_goal, make_intervention, make_plan
from careplans.workflow import PlanStatus
from coordinator.accounts.roles import Role
from coordinator.clocks.services import extend_clock, start_clock, void_clock
from coordinator.db import Conflict
from coordinator.tests.factories import make_user
from coordinator.workflow import NotAllowed, System
from patients.models import Problem
from patients.tests.factories import make_patient

NOW = dt.datetime(2026, 11, 18, 16, 24, tzinfo=UTC)
TODAY = date(2026, 11, 18)
NIGHTLY = System("nightly")
pytestmark = pytest.mark.django_db


@pytest.fixture
def patient():
    return make_patient()


@pytest.fixture
def dana(patient):
    user = make_user(site=patient.site, name="Dana Whitfield")
    patient.coordinator = user
    patient.save()
    return user


def full_plan(patient, dana, **fields):
    """A draft with everything a plan needs."""
    fields = {"title": "Heart failure", "program": "local", "next_review_on": date(2027, 2, 1)} | fields
    problem = Problem.objects.create(patient=patient, name="Heart failure")
    plan = services.create_plan(patient=patient, by=dana, now=NOW, problem_ids=[problem.pk], **fields)
    goal = services.add_goal(plan=plan, description="Stay out of hospital", by=dana, now=NOW)
    services.add_intervention(
        plan=plan,
        goal=goal,
        description="Check the scale",
        responsible=dana,
        due_on=date(2026, 11, 25),
        by=dana,
        now=NOW,
    )
    return plan


def test_a_draft_says_what_it_still_needs(patient, dana):
    plan = services.create_plan(patient=patient, title="Heart failure", by=dana, now=NOW)
    with pytest.raises(NotAllowed, match="a problem it addresses, a goal, an action with someone") as refusal:
        services.activate_plan(plan_id=plan.pk, by=dana, now=NOW)
    assert "a next review date" in str(refusal.value)


def test_ccm_also_needs_the_patients_agreement(patient, dana):
    plan = full_plan(patient, dana, program="CCM")
    with pytest.raises(NotAllowed, match="agreed"):
        services.activate_plan(plan_id=plan.pk, by=dana, now=NOW)
    services.edit_plan(
        plan_id=plan.pk, version=plan.version, by=dana, now=NOW, agreed_on=TODAY, agreed_with="Patient"
    )
    assert services.activate_plan(plan_id=plan.pk, by=dana, now=NOW).status == PlanStatus.ACTIVE


def test_starting_a_plan_makes_tasks_of_its_dated_actions(patient, dana):
    plan = full_plan(patient, dana)
    services.add_intervention(
        plan=plan,
        description="Walk daily",
        responsible_name="Patient",
        frequency="daily",
        by=dana,
        now=NOW,
    )
    services.activate_plan(plan_id=plan.pk, by=dana, now=NOW)
    task = Task.objects.get()
    assert (task.title, task.owner) == ("Check the scale", dana)
    assert task.due_at == dt.datetime(2026, 11, 26, 5, 59, 59, tzinfo=UTC)


def test_an_action_that_is_done_takes_its_task_along(patient, dana):
    plan = full_plan(patient, dana)
    services.activate_plan(plan_id=plan.pk, by=dana, now=NOW)
    services.step_intervention(intervention_id=plan.interventions.get().pk, step="finish", by=dana, now=NOW)
    assert not Task.objects.open().exists()


def test_a_new_version_supersedes_the_old_one(patient, dana):
    old = full_plan(patient, dana)
    services.activate_plan(plan_id=old.pk, by=dana, now=NOW)
    new = full_plan(patient, dana)
    new = services.activate_plan(plan_id=new.pk, by=dana, now=NOW)
    old.refresh_from_db()
    assert (old.status, new.plan_version, new.replaces) == (PlanStatus.COMPLETED, 2, old)
    assert "Superseded" in old.changes.last().reason


def test_hold_resume_and_revoke(patient, dana):
    plan = full_plan(patient, dana)
    services.activate_plan(plan_id=plan.pk, by=dana, now=NOW)
    with pytest.raises(NotAllowed, match="reason"):
        services.hold_plan(plan_id=plan.pk, reason="", by=dana, now=NOW)
    services.hold_plan(plan_id=plan.pk, reason="In hospital", by=dana, now=NOW)
    services.resume_plan(plan_id=plan.pk, by=dana, now=NOW)
    plan = services.revoke_plan(plan_id=plan.pk, reason="Patient asked", by=dana, now=NOW)
    assert (plan.status, plan.ends_on) == (PlanStatus.REVOKED, TODAY)


def test_a_stale_edit_is_a_conflict(patient, dana):
    plan = full_plan(patient, dana)
    services.edit_plan(plan_id=plan.pk, version=1, by=dana, now=NOW, title="Heart and kidneys")
    with pytest.raises(Conflict):
        services.edit_plan(plan_id=plan.pk, version=1, by=dana, now=NOW, title="Heart")


def test_a_problem_of_another_patient_is_refused(patient, dana):
    other = Problem.objects.create(patient=make_patient(site=patient.site), name="Asthma")
    with pytest.raises(ValidationError, match="another patient"):
        services.create_plan(patient=patient, title="Plan", by=dana, now=NOW, problem_ids=[other.pk])


def test_providers_and_strangers_change_no_plan(patient, dana):
    plan = full_plan(patient, dana)
    for stranger in (make_user(role=Role.PROVIDER, site=patient.site), make_user()):
        with pytest.raises(PermissionDenied):
            services.activate_plan(plan_id=plan.pk, by=stranger, now=NOW)
        with pytest.raises(PermissionDenied):
            services.add_goal(plan=plan, description="Goal", by=stranger, now=NOW)


# --- goals and actions ---


def test_completing_a_goal_says_how_and_when(dana, patient):
    goal = make_goal(make_plan(patient))
    with pytest.raises(NotAllowed, match="achievement"):
        services.step_goal(goal_id=goal.pk, step="complete", by=dana, now=NOW)
    goal = services.step_goal(
        goal_id=goal.pk,
        step="complete",
        achievement_status="achieved",
        achieved_on=TODAY,
        by=dana,
        now=NOW,
    )
    assert goal.status == "completed"
    goal = services.step_goal(goal_id=goal.pk, step="reopen", reason="Too early", by=dana, now=NOW)
    assert (goal.status, goal.achieved_on) == ("active", None)


def test_a_measurement_is_not_in_the_future(dana, patient):
    goal = make_goal(make_plan(patient))
    services.measure_goal(goal_id=goal.pk, measured_on=TODAY, value=180, by=dana, now=NOW)
    with pytest.raises(ValidationError, match="future"):
        services.measure_goal(
            goal_id=goal.pk, measured_on=TODAY + timedelta(days=1), value=180, by=dana, now=NOW
        )


@pytest.mark.parametrize(
    ("missing", "field"),
    [
        ({"responsible_name": ""}, "responsible_name"),
        ({"frequency": ""}, "due_on"),
        ({"description": " "}, "description"),
    ],
)
def test_an_action_has_somebody_and_a_date_or_rhythm(patient, dana, missing, field):
    given = {"description": "Walk", "responsible_name": "Patient", "frequency": "daily"} | missing
    with pytest.raises(ValidationError) as refusal:
        services.add_intervention(plan=make_plan(patient), by=dana, now=NOW, **given)
    assert field in refusal.value.message_dict


def test_a_goal_of_another_plan_is_refused(patient, dana):
    goal = make_goal(make_plan(patient, program="a"))
    with pytest.raises(ValidationError, match="another plan"):
        services.add_intervention(
            plan=make_plan(patient, program="b"),
            goal=goal,
            description="Walk",
            responsible_name="Patient",
            frequency="daily",
            by=dana,
            now=NOW,
        )


# --- reviews ---


def overdue_plan(**fields):
    return make_plan(**{"next_review_on": TODAY - timedelta(days=8)} | fields)


def open_reviews(on=TODAY):
    return services.open_overdue_review_tasks(on=on, by=NIGHTLY, now=NOW)


def test_an_overdue_review_becomes_a_task_of_the_coordinator(patient, dana):
    plan = overdue_plan(patient=patient)
    (task,) = open_reviews()
    assert (task.owner, task.kind, task.cause_id) == (dana, "plan_review", plan.pk)
    assert "Nov 10, 2026" in task.reason


def test_running_again_opens_nothing(patient, dana):
    overdue_plan(patient=patient)
    assert len(open_reviews()) == 1
    assert open_reviews() == []
    services.complete_task(task_id=Task.objects.get().pk, by=dana, now=NOW, open_items="Phone review")
    assert open_reviews() == []


def test_reviews_that_are_not_overdue_make_no_task(patient):
    make_plan(patient, program="a", next_review_on=TODAY)
    make_plan(patient, program="b", next_review_on=None)
    overdue_plan(patient=patient, program="c", status="on_hold")
    overdue_plan(patient=make_patient(status="inactive"))
    assert open_reviews() == []


def test_many_plans_need_no_more_statements_than_one(django_assert_max_num_queries):
    patient = make_patient()
    for n in range(40):
        overdue_plan(patient=patient, program=f"p{n}")
    with django_assert_max_num_queries(16):
        assert len(open_reviews()) == 40


def test_a_recorded_review_closes_its_task_and_sets_the_next_date(patient, dana):
    plan = overdue_plan(patient=patient)
    open_reviews()
    services.review_plan(
        plan_id=plan.pk, next_review_on=date(2027, 2, 1), note="Going well", by=dana, now=NOW
    )
    assert not Task.objects.open().exists()
    assert CarePlan.objects.get().next_review_on == date(2027, 2, 1)


def test_the_next_review_lies_ahead_and_says_something(patient, dana):
    plan = overdue_plan(patient=patient)
    with pytest.raises(ValidationError, match="after today"):
        services.review_plan(plan_id=plan.pk, next_review_on=TODAY, note="Fine", by=dana, now=NOW)
    with pytest.raises(ValidationError, match="what came of"):
        services.review_plan(plan_id=plan.pk, next_review_on=date(2027, 2, 1), note=" ", by=dana, now=NOW)


# --- deadlines that rules set ---


def test_a_task_follows_its_clock(patient, dana):
    clock = start_clock(
        subject=patient,
        kind="prior_auth.medicaid.standard",
        anchor_at=NOW,
        zone=patient.site.zone,
        calendar=None,
        by=NIGHTLY,
        now=NOW,
    )
    task = services.open_task(
        patient=patient,
        site=patient.site,
        kind="authorization",
        title="Payer decides",
        clock=clock,
        by=NIGHTLY,
        now=NOW,
    )
    assert (task.due_at, task.due_has_time) == (clock.due_at, clock.due_on is None)
    extend_clock(clock_id=clock.pk, days=14, reason="Notice", by=dana, now=NOW)
    task.refresh_from_db()
    clock.refresh_from_db()
    assert task.due_at == clock.due_at
    with pytest.raises(ValidationError, match="rule sets"):
        services.edit_task(task_id=task.pk, version=task.version, by=dana, now=NOW, due_at=NOW)
    with pytest.raises(ValidationError, match="earlier time"):
        services.snooze_task(task_id=task.pk, wake_at=clock.due_at + timedelta(hours=1), by=dana, now=NOW)
    void_clock(clock_id=clock.pk, reason="Withdrawn", by=dana, now=NOW)
    task.refresh_from_db()
    assert task.clock is None


def test_make_intervention_factory_fits(patient):
    assert make_intervention(make_goal(make_plan(patient))).responsible_name == "Patient"
