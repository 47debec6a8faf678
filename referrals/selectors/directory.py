"""Reads for the pages of the directory: the list behind its filters, what we know from our own referrals, payers."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from patients.rules.text import fold
from referrals.models import Payer, Practice, PracticeNetwork, Referral
from referrals.rules.directory import Figures, Sent, figures
from referrals.workflow import ReferralStatus

PAGE_SIZE = 20
PERIOD = timedelta(days=365)  # what our own figures look back on


def practices(user: Any, filters: dict[str, Any], today: date) -> QuerySet[Practice]:
    """The directory behind the filters, by name. One query; networks are fetched with one more for the whole page."""
    rows = Practice.objects.visible_to(user)
    state = filters.get("state")
    rows = rows.filter(retired_at__isnull=state != "retired")
    if state == "due":
        rows = rows.due_for_review(today)
    for word in fold(filters.get("q") or "").split():
        rows = rows.filter(
            Q(name__icontains=word)
            | Q(city__icontains=word)
            | Q(specialties__icontains=word)
            | Q(clinicians__name__icontains=word)
        ).distinct()
    if filters.get("kind"):
        rows = rows.filter(kind=filters["kind"])
    if filters.get("specialty"):
        rows = rows.filter(specialties__contains=[filters["specialty"]])
    if filters.get("language"):
        rows = rows.filter(languages__contains=[filters["language"]])
    if filters.get("accepting"):
        rows = rows.filter(accepting=filters["accepting"])
    if filters.get("postal_code"):
        rows = rows.filter(postal_code__startswith=filters["postal_code"])
    if filters.get("network"):
        rows = rows.filter(pk__in=_in_network(filters["network"], today))
    return rows.prefetch_related("networks").order_by("name", "id")


def _in_network(payer_name: str, today: date) -> QuerySet[PracticeNetwork, Any]:
    now = Q(starts_on__isnull=True) | Q(starts_on__lte=today), Q(ends_on__isnull=True) | Q(ends_on__gte=today)
    rows = PracticeNetwork.objects.filter(*now, payer_name__iexact=payer_name, participates=True)
    return rows.values("practice")


def specialties(user: Any) -> list[str]:
    """Every specialty in the directory, once."""
    rows = Practice.objects.visible_to(user).offered().values_list("specialties", flat=True)
    return sorted({name for names in rows for name in names}, key=fold)


def languages(user: Any) -> list[str]:
    rows = Practice.objects.visible_to(user).offered().values_list("languages", flat=True)
    return sorted({code for codes in rows for code in codes})


def payer_names(user: Any) -> list[str]:
    """Payers that some entry's network names."""
    seen = PracticeNetwork.objects.filter(practice__in=Practice.objects.visible_to(user).offered())
    return sorted(set(seen.values_list("payer_name", flat=True)), key=fold)


def own_figures(user: Any, practice: Practice, now: datetime) -> Figures:
    """From the referrals this person may see that were sent there in the last 365 days."""
    rows = Referral.objects.visible_to(user).filter(
        recipient_organization=practice.organization_id, sent_at__gte=now - PERIOD
    )
    names = ("sent_at", "accepted_at", "scheduled_at", "report_received_at", "status")
    return figures(
        Sent(sent, accepted, scheduled, report, status == ReferralStatus.DECLINED)
        for sent, accepted, scheduled, report, status in rows.values_list(*names)
    )


def answers(user: Any, now: datetime) -> dict[UUID, tuple[int, int]]:
    """Organization -> how many of our referrals it accepted, and how many it answered, in the last 365 days."""
    accepted = Q(accepted_at__isnull=False)
    rows = (
        Referral.objects.visible_to(user)
        .filter(sent_at__gte=now - PERIOD, recipient_organization__isnull=False)
        .values("recipient_organization")
        .annotate(
            accepted=Count("pk", filter=accepted),
            answered=Count("pk", filter=accepted | Q(status=ReferralStatus.DECLINED)),
        )
        .order_by()
    )
    return {row["recipient_organization"]: (row["accepted"], row["answered"]) for row in rows}


def payers(user: Any) -> QuerySet[Payer]:
    """The payer directory, with how many answers and papers each has on the clinic's lists."""
    if not user.can("referrals.view"):
        return Payer.objects.none()
    lines = Count("requirements", filter=Q(requirements__is_active=True), distinct=True)
    papers = Count("required_papers", filter=Q(required_papers__is_active=True), distinct=True)
    return Payer.objects.filter(is_active=True).annotate(lines=lines, papers=papers).order_by("name")
