"""The pages of care plans: the list by review date, one plan, and every form about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from careplans.models import CarePlan, Goal, Intervention
from careplans.tests.factories import make_goal, make_intervention, make_plan
from coordinator.accounts.roles import Role
from coordinator.tests.factories import make_site, make_user
from patients.models import Problem
from patients.tests.factories import make_patient

pytestmark = pytest.mark.django_db
LIST = reverse("careplans:plan_list")


@pytest.fixture
def dana():
    return make_user(site=make_site(), name="Dana Whitfield")


@pytest.fixture
def page(client, dana):
    client.force_login(dana)
    return client


@pytest.fixture
def patient(dana):
    return make_patient(site=dana.sites.first())


def text(response) -> str:
    return response.content.decode()


def queries(client, url) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_plans_due_for_review_come_first(page, patient):
    today = timezone.localdate()
    make_plan(patient, title="Later", program="a", next_review_on=today + timedelta(days=200))
    make_plan(patient, title="Overdue", program="b", next_review_on=today - timedelta(days=3))
    make_plan(patient, title="No date", program="c")
    make_plan(make_patient(), title="Elsewhere")
    shown = text(page.get(LIST))
    assert shown.index("Overdue<") < shown.index("Later<") < shown.index("No date<")
    assert "3 days overdue" in shown
    assert "Elsewhere" not in shown


def test_the_list_costs_the_same_for_one_plan_and_for_twenty(page, patient):
    make_plan(patient, program="p0")
    page.get(LIST)
    one = queries(page, LIST)
    for n in range(20):
        make_plan(make_patient(site=patient.site, coordinator=make_user(site=patient.site)), program=f"p{n}")
    assert queries(page, LIST) == one


def test_a_plan_costs_the_same_with_one_goal_and_with_ten(page, patient):
    plan = make_plan(patient)
    make_intervention(make_goal(plan))
    url = reverse("careplans:plan_detail", args=[plan.pk])
    page.get(url)
    one = queries(page, url)
    for n in range(10):
        make_intervention(make_goal(plan, description=f"Goal {n}"))
    assert queries(page, url) == one


def test_one_plan_shows_goals_actions_and_what_is_missing(page, patient):
    plan = make_plan(patient, status="draft")
    make_intervention(make_goal(plan, patient_words="Home for Christmas"))
    shown = text(page.get(reverse("careplans:plan_detail", args=[plan.pk])))
    for words in ("Stay out of hospital", "Home for Christmas", "Weigh every morning", "it needs"):
        assert words in shown


@pytest.mark.parametrize(("status", "late"), [("planned", True), ("done", False), ("cancelled", False)])
def test_only_what_is_still_to_do_is_overdue(page, patient, status, late):
    goal = make_goal(make_plan(patient))
    make_intervention(goal, status=status, due_on=timezone.localdate() - timedelta(days=3))
    shown = text(page.get(reverse("careplans:plan_detail", args=[goal.plan.pk])))
    assert ("3 days overdue" in shown) is late


def test_from_draft_to_review_by_hand(page, dana, patient):
    problem = Problem.objects.create(patient=patient, name="Heart failure")
    next_review = timezone.localdate() + timedelta(days=30)
    new = f"{reverse('careplans:plan_new')}?patient={patient.pk}"
    page.post(new, {"title": "Heart failure", "problem_ids": [problem.pk], "next_review_on": next_review})
    plan = CarePlan.objects.get()
    add = lambda what: reverse("careplans:plan_add", args=[plan.pk, what])  # noqa: E731
    page.post(add("goal"), {"description": "Stay home", "target_low": "165", "target_high": "175"})
    goal = Goal.objects.get()
    page.post(
        add("action"),
        {"description": "Call weekly", "goal": goal.pk, "who": f"user:{dana.pk}", "frequency": "weekly"},
    )
    assert Intervention.objects.get().responsible == dana
    activate = reverse("careplans:step", args=["plan", plan.pk, "activate"])
    assert page.post(activate).status_code == 302
    plan.refresh_from_db()
    assert plan.status == "active"
    after = {"note": "Going well", "next_review_on": next_review + timedelta(days=30)}
    assert page.post(add("review"), after).status_code == 302
    agreed = page.post(reverse("careplans:step", args=["goal", goal.pk, "accept"]))
    assert agreed.status_code == 302
    goal.refresh_from_db()
    assert goal.status == "accepted"


def test_starting_too_early_is_refused_with_what_is_missing(page, patient):
    plan = make_plan(patient, status="draft")
    response = page.post(reverse("careplans:step", args=["plan", plan.pk, "activate"]))
    assert response.status_code == 409
    assert "a goal" in text(response)


def test_what_a_step_needs_is_asked(page, patient):
    goal = make_goal(make_plan(patient))
    url = reverse("careplans:step", args=["goal", goal.pk, "complete"])
    assert "How it ended" in text(page.get(url))
    assert page.post(url, {"achievement_status": "achieved"}).status_code == 422
    assert page.post(url, {"achievement_status": "achieved", "achieved_on": "2026-11-01"}).status_code == 302


def test_a_step_that_is_not_possible_now_is_refused(page, patient):
    plan = make_plan(patient)
    assert page.get(reverse("careplans:step", args=["plan", plan.pk, "activate"])).status_code == 409
    assert page.get(reverse("careplans:step", args=["plan", plan.pk, "explode"])).status_code == 404
    assert page.get(reverse("careplans:step", args=["house", plan.pk, "activate"])).status_code == 404


def test_a_stale_edit_of_a_plan_is_a_conflict(page, patient):
    plan = make_plan(patient)
    url = reverse("careplans:plan_edit", args=[plan.pk])
    assert page.post(url, {"title": "First", "version": plan.version}).status_code == 302
    response = page.post(url, {"title": "Second", "version": plan.version})
    assert response.status_code == 409
    assert "Second" in text(response)


def test_another_site_finds_nothing_and_a_provider_only_reads(client, patient):
    plan = make_plan(patient)
    detail = reverse("careplans:plan_detail", args=[plan.pk])
    client.force_login(make_user())
    assert client.get(detail).status_code == 404
    client.force_login(make_user(role=Role.PROVIDER, site=patient.site))
    shown = client.get(detail)
    assert shown.status_code == 200
    assert "Add a goal" not in text(shown)
    assert client.get(reverse("careplans:plan_edit", args=[plan.pk])).status_code == 403
