"""Open work beside the links of the rail."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce

from careplans.models import Task
from coordinator.accounts.models import User
from referrals.models import Referral


def open_work(user: Any) -> dict[str, int]:
    """The person's own tasks on the list and own referrals not closed, by URL name. One query."""
    if not user.can("tasks.work"):
        return {}
    tasks = _count(Task.objects.workable().filter(owner=OuterRef("pk"), waiting_on=""))
    referrals = _count(Referral.objects.filter(owner=OuterRef("pk"), loop_closed_at__isnull=True))
    row = User.objects.filter(pk=user.pk).values_list(tasks, referrals).get()
    return {"dashboard:my_work": row[0], "referrals:referral_list": row[1]}


def _count(rows: Any) -> Coalesce:
    counted = rows.order_by().values("owner").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
