"""Reads for the referral pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coordinator.workflow import Actor
from patients.models import Patient
from patients.rules.text import fold
from referrals.models import PriorAuthorization, Referral
from referrals.selectors.counts import Open, added
from referrals.selectors.known import known_to
from referrals.workflow import AUTHORIZATION_TO_END, BEFORE_SENDING, OPEN, REFERRAL_TO_END, ReferralStatus

S = ReferralStatus
LOOK_BACK_DAYS = 90  # product default
PAGE_SIZE = 50

# The board's columns as filters of the list: name -> (words, whose move, statuses).
STAGES: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    "needs_info": (_("Needs info"), _("ours"), BEFORE_SENDING),
    "sent": (pgettext_lazy("referral", "Sent"), _("clinic"), (S.SENT, S.RECEIVED)),
    "to_schedule": (_("To schedule"), _("ours"), (S.ACCEPTED, S.NO_SHOW, S.VISIT_CANCELLED)),
    "booked": (_("Booked"), _("clinic"), (S.SCHEDULED,)),
    "awaiting_report": (_("Awaiting report"), _("clinic"), (S.SEEN,)),
    "close_loop": (_("Close the loop"), _("ours"), (S.COMPLETED, S.DECLINED, S.CANCELLED, S.WITHDRAWN)),
    "cancelling": (_("Cancel requested"), _("clinic"), (S.CANCEL_REQUESTED,)),
}


def similar_referrals(
    *, patient: Patient, specialty: str, by: Actor, now: datetime, service: str = ""
) -> list[Referral]:
    """Referrals that may already be the answer: same patient and specialty or service, open, or completed in 90 days.

    Of these, what `by` may know of.
    """
    recent = Q(status=S.COMPLETED, report_received_at__gte=now - timedelta(days=LOOK_BACK_DAYS))
    still_open = Q(status__in=[s for s in OPEN if s != S.COMPLETED])
    same = Q(specialty__iexact=specialty)
    if service.strip():
        same |= Q(service__iexact=service.strip())
    rows = known_to(Referral.objects.filter(recent | still_open, same, patient=patient), by)
    return list(rows.select_related("site").order_by("-created_at")[:5])


def open_loops(user: Any) -> Any:
    """Every referral whose loop is not closed, in the user's sites."""
    return Referral.objects.visible_to(user).filter(loop_closed_at__isnull=True)


def referral_list(user: Any, filters: dict[str, Any], now: datetime) -> Any:
    """The list behind the filters, soonest date first. One query; the caller pages it by key."""
    rows = Referral.objects.visible_to(user)
    if filters.get("state") == "closed":
        rows = rows.filter(loop_closed_at__isnull=False)
    elif filters.get("state") != "all":
        rows = rows.filter(loop_closed_at__isnull=True)
    if filters.get("stage") in STAGES:
        rows = rows.filter(status__in=STAGES[filters["stage"]][2])
    if filters.get("due") == "overdue":
        rows = rows.filter(due_at__lt=now)
    elif filters.get("due") == "soon":
        rows = rows.filter(due_at__gte=now, due_at__lt=now + timedelta(hours=24))
    if filters.get("owner") == "me":
        rows = rows.filter(owner=user)
    elif filters.get("owner"):
        rows = rows.filter(owner_id=filters["owner"])
    if filters.get("urgency"):
        rows = rows.filter(urgency=filters["urgency"])
    if filters.get("specialty"):
        rows = rows.filter(specialty=filters["specialty"])
    if filters.get("patient"):
        rows = rows.filter(patient_id=filters["patient"])
    for word in fold(filters.get("q") or "").split():
        rows = rows.filter(
            Q(patient__search_name__contains=word)
            | Q(specialty__icontains=word)
            | Q(reference__icontains=word)
            | Q(recipient_organization__name__icontains=word)
        )
    return rows.select_related("patient", "owner", "team", "recipient_organization", "recipient", "clock")


def stage_counts(groups: Sequence[Open]) -> dict[str, int]:
    """How many open loops per stage, and how many are past or near their date."""
    return {
        "all": added(groups),
        "overdue": added(groups, "overdue"),
        "soon": added(groups, "in_a_day"),
        **{name: added(groups, "n", statuses) for name, (_w, _m, statuses) in STAGES.items()},
    }


def referrals_to_end(patient: Patient) -> QuerySet[Referral]:
    """What a recipient waits for, or would: somebody has to end it when the patient leaves."""
    found = Referral.objects.filter(patient=patient, status__in=REFERRAL_TO_END)
    return found.select_related("patient", "site__calendar", "team").order_by("pk")


def authorizations_to_end(patient: Patient) -> QuerySet[PriorAuthorization]:
    """Requests with a payer, and approvals still in force."""
    found = PriorAuthorization.objects.filter(patient=patient, status__in=AUTHORIZATION_TO_END)
    return found.select_related("patient", "site__calendar", "team").order_by("pk")
