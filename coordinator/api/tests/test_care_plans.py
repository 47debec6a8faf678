import pytest

from careplans.models import CarePlan, Goal
from careplans.tests.factories import make_goal, make_intervention, make_plan
from coordinator.tests.factories import make_user
from patients.models import Problem

LIST = "/api/v1/care-plans/"


@pytest.fixture
def problem(world):
    return Problem.objects.create(patient=world.patient, name="Heart failure")


@pytest.fixture
def draft(world, problem):
    made = world.caller.post(
        LIST,
        {
            "patient": str(world.patient.pk),
            "title": "Heart failure",
            "program": "PCM",
            "next_review_on": "2199-01-01",
            "problems": [str(problem.pk)],
        },
    )
    assert made.status_code == 201, made.json()
    return made.json()


def address(plan, rest=""):
    return f"{LIST}{plan['id']}/{rest}"


def test_a_plan_is_written_filled_and_started(world, draft, problem):
    assert (draft["status"], draft["problems"], draft["author"]) == (
        "draft",
        [str(problem.pk)],
        world.caller.account.pk,
    )
    early = world.caller.step(address(draft, "steps/"), {"step": "activate"}, draft["version"])
    assert (early.status_code, early.json()["code"]) == (409, "not_allowed")
    assert "a goal" in early.json()["detail"]
    goal = world.caller.post(
        address(draft, "goals/"), {"description": "Stay out of hospital", "target_high": "175.5"}
    )
    assert goal.status_code == 201, goal.json()
    assert goal["Location"].endswith(f"/api/v1/goals/{goal.json()['id']}/")
    action = world.caller.post(
        address(draft, "interventions/"),
        {
            "description": "Weigh every morning",
            "goal": goal.json()["id"],
            "responsible_name": "Patient",
            "frequency": "daily",
        },
    )
    assert action.status_code == 201, action.json()
    started = world.caller.step(address(draft, "steps/"), {"step": "activate"}, draft["version"])
    assert started.status_code == 200, started.json()
    assert (started.json()["status"], started.json()["goals"][0]["target_high"]) == ("active", 175.5)
    assert [a["id"] for a in started.json()["interventions"]] == [action.json()["id"]]


def test_goals_and_interventions_move_by_steps_with_their_own_versions(world):
    plan = make_plan(world.patient)
    goal, action = make_goal(plan), make_intervention(make_goal(plan))
    where = f"/api/v1/goals/{goal.pk}/"
    assert world.caller.get(where)["ETag"] == '"1"'
    unsaid = world.caller.step(f"{where}steps/", {"step": "complete"}, 1)
    assert set(unsaid.json()["fields"]) == {"achievement_status", "achieved_on"}
    done = {"step": "complete", "achievement_status": "achieved", "achieved_on": "2026-11-01"}
    assert world.caller.step(f"{where}steps/", done, 1).json()["status"] == "completed"
    assert world.caller.step(f"{where}steps/", done, 1).status_code == 412
    where = f"/api/v1/interventions/{action.pk}/"
    assert world.caller.get(where).json()["steps"][0] == "start"
    assert world.caller.step(f"{where}steps/", {"step": "finish"}, 1).json()["status"] == "done"


def test_a_measurement_is_added_to_a_goal(world):
    goal = make_goal(make_plan(world.patient), target_unit="lb")
    where = f"/api/v1/goals/{goal.pk}/measurements/"
    made = world.caller.post(where, {"measured_on": "2026-11-01", "value": "171.5"})
    assert (made.status_code, made.json()["unit"], made.json()["value"]) == (201, "lb", 171.5)
    future = world.caller.post(where, {"measured_on": "2199-11-01", "value": "171.5"})
    assert list(future.json()["fields"]) == ["measured_on"]


def test_a_plan_is_changed_in_the_version_that_was_read(world, draft):
    changed = world.caller.change(address(draft), {"title": "Heart failure, stage C", "problems": []}, 1)
    assert (changed.json()["title"], changed.json()["problems"]) == ("Heart failure, stage C", [])
    assert world.caller.change(address(draft), {"title": "x"}, 1).status_code == 412
    refused = world.caller.change(address(draft), {"status": "active"}, 2)
    assert list(refused.json()["fields"]) == ["status"]


def test_the_list_is_narrowed_and_leaves_out_other_sites_and_errors(world, draft):
    make_plan(world.stranger)
    make_plan(world.patient, status="entered_in_error")
    active = make_plan(world.patient, program="CCM", next_review_on="2020-01-01")
    assert {row["id"] for row in world.caller.get(LIST).json()["results"]} == {draft["id"], str(active.pk)}
    for query in ({"status": "active"}, {"program": "CCM"}, {"review_before": "2021-01-01"}):
        assert [r["id"] for r in world.caller.get(LIST, query).json()["results"]] == [str(active.pk)], query


def test_another_patients_problem_is_named_like_a_missing_one(world, draft):
    foreign = Problem.objects.create(patient=world.stranger, name="x")
    answers = [
        world.caller.change(address(draft), {"problems": [str(key)]}, 1)
        for key in (foreign.pk, world.patient.pk)
    ]
    assert [a.status_code for a in answers] == [400, 400]
    assert answers[0].content == answers[1].content


def test_work_of_a_plan_is_not_given_to_a_stranger(world, draft):
    stranger = make_user(site=world.elsewhere)
    foreign_goal = make_goal(make_plan(world.stranger))
    body = {"description": "x", "frequency": "daily"}
    for extra in ({"responsible": stranger.pk}, {"responsible_name": "x", "goal": str(foreign_goal.pk)}):
        refused = world.caller.post(address(draft, "interventions/"), body | extra)
        assert refused.status_code == 400


def test_another_sites_plan_is_not_there(world):
    plan = make_plan(world.stranger)
    goal = make_goal(plan)
    action = make_intervention(goal)
    answers = [
        world.caller.get(f"{LIST}{plan.pk}/"),
        world.caller.change(f"{LIST}{plan.pk}/", {"title": "x"}, 1),
        world.caller.step(f"{LIST}{plan.pk}/steps/", {"step": "hold", "reason": "x"}, 1),
        world.caller.post(f"{LIST}{plan.pk}/goals/", {"description": "x"}),
        world.caller.post(f"{LIST}{plan.pk}/interventions/", {"description": "x"}),
        world.caller.get(f"/api/v1/goals/{goal.pk}/"),
        world.caller.step(f"/api/v1/goals/{goal.pk}/steps/", {"step": "hold", "reason": "x"}, 1),
        world.caller.post(f"/api/v1/goals/{goal.pk}/measurements/", {}),
        world.caller.get(f"/api/v1/interventions/{action.pk}/"),
        world.caller.step(f"/api/v1/interventions/{action.pk}/steps/", {"step": "start"}, 1),
    ]
    assert [a.status_code for a in answers] == [404] * len(answers)
    assert (CarePlan.objects.count(), Goal.objects.count()) == (1, 1)


def test_the_number_of_queries_does_not_grow(world, django_assert_num_queries):
    plan = make_plan(world.patient)
    make_intervention(make_goal(plan))
    world.caller.get(LIST)
    with django_assert_num_queries(2):
        world.caller.get(LIST)
    with django_assert_num_queries(5):
        world.caller.get(f"{LIST}{plan.pk}/")
    for _n in range(20):
        make_intervention(make_goal(plan))
        make_plan(world.patient, program=f"P{_n}")
    with django_assert_num_queries(2):
        assert len(world.caller.get(LIST).json()["results"]) == 21
    with django_assert_num_queries(5):
        assert len(world.caller.get(f"{LIST}{plan.pk}/").json()["goals"]) == 21
