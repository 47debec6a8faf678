"""Reads for the pages of tasks and plans."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

from careplans.models import CarePlan, Task
from careplans.workflow import PlanStatus
from patients.workflow import PatientStatus


def reviews_overdue(on: date) -> QuerySet[CarePlan]:
    """Active plans of active patients whose next review was to be before this day."""
    return CarePlan.objects.filter(
        status=PlanStatus.ACTIVE, next_review_on__lt=on, patient__status=PatientStatus.ACTIVE
    )


def reviews_without_task(on: date) -> QuerySet[CarePlan]:
    """Overdue reviews that never had a task for this very date, with what a task needs (one query)."""
    key: Any = Concat(
        Value("plan_review:"),
        Cast(OuterRef("pk"), CharField()),
        Value(":"),
        Cast(OuterRef("next_review_on"), CharField()),
    )
    had_one = Task.objects.filter(cause_id=OuterRef("pk"), dedupe_key=key)
    plans = reviews_overdue(on).filter(~Exists(had_one))
    return plans.select_related("patient__site", "patient__coordinator").order_by("next_review_on", "pk")
