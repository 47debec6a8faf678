"""The protocols of the invented clinic, as bundles."""

from __future__ import annotations

from typing import Any

from careplans import services
from coordinator.demo.clinic import Clinic
from coordinator.demo.work import DEMO

BUSINESS, CALENDAR = "business_days", "calendar_days"
# name, program, anchor, about; then each task: days, counted in, type, title, for whom, more
BUNDLES: list[tuple[tuple[str, str, str, str], list[tuple[Any, ...]]]] = [
    (
        ("After discharge", "TCM", "Discharge", "The first month after a stay in hospital."),
        [
            (1, BUSINESS, "discharge_call", "Post-discharge call", "coordinator"),
            (2, BUSINESS, "results", "Get the discharge summary", "team"),
            (3, BUSINESS, "other", "Compare the medicine lists", "coordinator", ("List from the hospital", "List at home", "Differences told to the provider")),
            (5, BUSINESS, "book_visit", "Check that the follow-up visit took place", "coordinator"),
            (14, CALENDAR, "outreach_call", "Second week call", "coordinator"),
            (30, CALENDAR, "plan_review", "Close the month: goals, medicines, next visit", "coordinator"),
        ],
    ),
    (
        ("New heart failure", "CCM", "Diagnosis", "Teaching and follow-up of the first three months."),
        [
            (2, BUSINESS, "outreach_call", "Teach daily weighing", "coordinator", ("Scale at home", "Knows when to call", "Teach-back done")),
            (5, BUSINESS, "book_visit", "Book the nurse visit", "team"),
            (7, CALENDAR, "outreach_call", "Weight and swelling check", "coordinator"),
            (30, CALENDAR, "results", "Blood results after the medicine change", "coordinator"),
            (90, CALENDAR, "plan_review", "Review of the heart failure plan", "role"),
        ],
    ),
    (
        ("Annual review", "", "Month of the review", "What is looked at once a year."),
        [
            (0, BUSINESS, "data_quality", "Check phones, address and coverage", "team"),
            (10, BUSINESS, "book_visit", "Book the annual visit", "coordinator"),
            (20, BUSINESS, "plan_review", "Review goals and consents", "coordinator"),
        ],
    ),
]  # fmt: skip


def make_bundles(clinic: Clinic) -> None:
    for (name, program, anchor, about), items in BUNDLES:
        bundle = services.save_bundle(
            name=name, program=program, anchor=anchor, about=about, by=DEMO, now=clinic.now
        )
        for days, counts, kind, title, goes_to, *checklist in items:
            services.save_item(
                bundle_id=bundle.pk,
                days=days,
                counts=counts,
                kind=kind,
                title=title,
                goes_to=goes_to,
                role="lead" if goes_to == "role" else "",
                checklist=list(checklist[0]) if checklist else [],
                by=DEMO,
                now=clinic.now,
            )
