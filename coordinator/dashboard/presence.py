"""Two people in one record see each other: who has it open now, and who is changing it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, F, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from coordinator.dashboard.models import Presence
from coordinator.http import get_visible_or_404, requires, whole_number
from patients.models import Patient


def say_here(*, patient: Patient, editing: bool, by: Any, now: datetime) -> None:
    """`by` has the record open. After a minute's silence they come anew, so `since` begins again."""
    mine = Presence.objects.filter(user=by, patient=patient, editing=editing)
    since = Case(When(seen_at__lt=now - Presence.GONE_AFTER, then=now), default=F("since"))
    if not mine.update(since=since, seen_at=now):
        row = Presence(user=by, patient=patient, editing=editing, since=now, seen_at=now)
        Presence.objects.bulk_create([row], ignore_conflicts=True)


def say_gone(*, patient: Patient, editing: bool, by: Any) -> None:
    Presence.objects.filter(user=by, patient=patient, editing=editing).delete()


def others_here(patient: Patient, user: Any, now: datetime) -> list[Presence]:
    """One row for each colleague in this record, the ones who change it first."""
    rows = Presence.objects.here(now).filter(patient=patient).exclude(user=user).select_related("user")
    found: dict[Any, Presence] = {}
    for row in rows.order_by("-editing", "since"):
        found.setdefault(row.user_id, row)
    return list(found.values())


def forget_who_left(*, now: datetime) -> int:
    """Rows of people long gone. Returns how many."""
    return Presence.objects.filter(seen_at__lt=now - Presence.GONE_AFTER).delete()[0]


@requires("patients.view")
@require_POST
def patient_here(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One's own page says it is still open, and is told who else is here and whether the record was changed."""
    user: Any = request.user
    patient = get_visible_or_404(Patient, user, pk=pk)
    now, editing = timezone.now(), "editing" in request.POST
    if "gone" in request.POST:
        say_gone(patient=patient, editing=editing, by=user)
        return HttpResponse(status=204)
    say_here(patient=patient, editing=editing, by=user, now=now)
    seen = whole_number(request.POST.get("version"), patient.version)
    context = {"others": others_here(patient, user, now), "changed": patient.version > seen}
    return render(request, "dashboard/_presence.html", context)
