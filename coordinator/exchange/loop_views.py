"""The managers' page of CMS50: the figure, what it counts, and who still waits for a report."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from coordinator.exchange.closing_loop import closing_the_loop
from coordinator.http import page, requires, whole_number
from referrals.models import Referral

SHOWN = 100
YEARS = 3


@require_GET
@requires("team.view")
def closing_loop(request: HttpRequest) -> HttpResponse:
    """The measure of one calendar year for the person's sites."""
    this_year = timezone.localdate().year
    years = [this_year - n for n in range(YEARS)]
    year = whole_number(request.GET.get("year"), this_year)
    figures = closing_the_loop(request.user, year if year in years else this_year)
    missing = sorted(figures.missing, key=lambda row: row.ordered_on)[:SHOWN]
    waiting = Referral.objects.visible_to(request.user).filter(pk__in=[row.referral_id for row in missing])
    context = {
        "figures": figures,
        "years": years,
        "waiting": waiting.select_related("patient", "recipient_organization").order_by("created_at"),
        "more": len(figures.missing) > SHOWN,
    }
    return page(request, "exchange/closing_loop.html", context)
