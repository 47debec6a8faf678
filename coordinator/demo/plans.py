"""Care plans with goals, measurements and actions, and the notes that wait for an answer."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

from careplans import services
from coordinator.demo.clinic import Clinic
from coordinator.demo.patients import Patients
from patients.models import Patient
from patients.services import add_note


def make_plans(clinic: Clinic, patients: Patients, rng: random.Random) -> None:
    _plans(clinic, patients, rng)
    _notes(clinic, patients)


def _plans(clinic: Clinic, patients: Patients, rng: random.Random) -> None:
    _elenas_plan(clinic, patients["Ramírez, Elena"])
    names = [
        "Alvarez, Maria",
        "Johansson, Brita",
        "Begay, Harold",
        "Peterson, Alan",
        "Nguyen, Thuy",
        "Coleman, Denise",
        "Gutierrez, Manuel",
        "Anderson, June",
        "Yang, Bee",
        "Jenkins, Walter",
        "Washington, Keisha",
    ]
    for number, name in enumerate(names):
        patient = patients[name]
        by = clinic.users["dana"]
        started = clinic.ago(rng.randint(30, 200))
        program = "BHI" if name.startswith("Washington") else "CCM" if number % 3 else ""
        problem = patient.problems.order_by("pk").first()
        assert problem is not None
        plan = services.create_plan(
            patient=patient,
            title=problem.name,
            program=program,
            by=by,
            now=started,
            next_review_on=clinic.today + timedelta(days=rng.randint(-12, 60)),
            agreed_on=started.date(),
            agreed_with=f"{patient.given_name} {patient.family_name}",
            problem_ids=[problem.pk],
        )
        goal = services.add_goal(
            plan=plan,
            description="Feel well enough for daily walks",
            patient_words="I want to walk to the lake again.",
            starts_on=started.date(),
            due_on=clinic.today + timedelta(days=60),
            by=by,
            now=started,
        )
        for step in ("accept", "activate"):
            services.step_goal(goal_id=goal.pk, step=step, by=by, now=started)
        services.add_intervention(
            plan=plan,
            goal=goal,
            description="Call every month",
            responsible=by,
            frequency="monthly",
            by=by,
            now=started,
        )
        services.add_intervention(
            plan=plan,
            goal=goal,
            description="Walk 20 minutes",
            responsible_name=patient.given_name,
            frequency="daily",
            by=by,
            now=started,
        )
        services.activate_plan(plan_id=plan.pk, by=by, now=started)


def _elenas_plan(clinic: Clinic, patient: Patient) -> None:
    by, luz, started = clinic.users["dana"], clinic.users["luz"], clinic.ago(47)
    plan = services.create_plan(
        patient=patient,
        title="Heart failure and diabetes",
        program="CCM",
        by=by,
        now=started,
        next_review_on=clinic.today + timedelta(days=48),
        agreed_on=started.date(),
        agreed_with="Elena and Marisol Ramírez",
        problem_ids=list(patient.problems.values_list("pk", flat=True)),
    )
    weight = services.add_goal(
        plan=plan,
        description="Stay out of hospital with heart failure",
        patient_words="Quiero bailar en la boda de mi nieta en mayo.",
        target_measure="Weight",
        target_low=Decimal(169),
        target_high=Decimal(175),
        target_unit="lb",
        starts_on=started.date(),
        due_on=clinic.today + timedelta(days=180),
        by=by,
        now=started,
    )
    sugar = services.add_goal(
        plan=plan,
        description="Bring A1c under 7.5%",
        patient_words="Afraid of insulin: her mother lost her sight.",
        target_measure="A1c",
        target_high=Decimal("7.5"),
        target_unit="%",
        starts_on=started.date(),
        due_on=clinic.today + timedelta(days=120),
        by=by,
        now=started,
    )
    visits = services.add_goal(
        plan=plan,
        description="Get to every visit",
        patient_words="No car. Misses visits when Marisol works.",
        starts_on=started.date(),
        by=by,
        now=started,
    )
    for goal in (weight, sugar, visits):
        for step in ("accept", "activate"):
            services.step_goal(goal_id=goal.pk, step=step, by=by, now=started)
    for goal, values in ((weight, (172, 173, 173, 175, 176, 178, 179)), (sugar, (8.6, 8.1))):
        for number, value in enumerate(reversed(values)):
            day = clinic.today - timedelta(
                days=(2 if goal is weight else 60) + number * (5 if goal is weight else 55)
            )
            services.measure_goal(
                goal_id=goal.pk, measured_on=day, value=Decimal(str(value)), by=by, now=clinic.now
            )
    actions: list[tuple[Any, str, dict[str, Any]]] = [
        (
            weight,
            "Weigh every morning, call if up 3 lb in a day",
            {"responsible_name": "Elena", "frequency": "daily"},
        ),
        (
            weight,
            "See the heart failure clinic within 7 days",
            {"responsible": by, "due_on": clinic.workday(3)},
        ),
        (
            weight,
            "Low-salt food plan with pictures in Spanish",
            {"responsible": luz, "due_on": clinic.workday(-8)},
        ),
        (weight, "Teach-back: water pill changes", {"responsible": by, "due_on": clinic.workday(2)}),
        (sugar, "Diabetes class report back", {"responsible": by, "due_on": clinic.workday(-1)}),
        (visits, "Book rides 2 days ahead of every visit", {"responsible": luz, "frequency": "every visit"}),
    ]
    made = [
        services.add_intervention(plan=plan, goal=goal, description=text, by=by, now=started, **who)
        for goal, text, who in actions
    ]
    services.activate_plan(plan_id=plan.pk, by=by, now=started)
    services.step_intervention(intervention_id=made[2].pk, step="finish", by=luz, now=clinic.ago(12))


def _notes(clinic: Clinic, patients: Patients) -> None:
    by, okafor = clinic.users["dana"], clinic.providers["Okafor"]
    for name, kind, body, ask in (
        ("Ramírez, Elena", "problem", "Weight up 3 lb since Monday, ankles swollen. Please advise.", True),
        ("Ramírez, Elena", "progress", "Daughter can drive on Fridays.", False),
        ("Alvarez, Maria", "progress", "Ana may be told times and rides only.", False),
        ("Begay, Harold", "problem", "Dialysis ride ends next week; no other ride found yet.", True),
    ):
        add_note(
            patient_id=patients[name].pk, kind=kind, body=body, report_to=okafor if ask else None,
            answer_due_at=clinic.at(clinic.workday(1), 16) if ask else None, by=by, now=clinic.now,
        )  # fmt: skip
