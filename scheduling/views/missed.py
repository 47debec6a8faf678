"""The no-show list of a day: mark, call, rebook, put right."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from coordinator.accounts.models import Site
from coordinator.http import page, requires
from scheduling.permissions import can_book_at
from scheduling.rules.local_time import local_day
from scheduling.selectors import choices
from scheduling.selectors.appointments import last_open_day
from scheduling.selectors.missed import missed_on

ONE_DAY = timedelta(days=1)


@require_GET
@requires("visits.view")
def missed_list(request: HttpRequest) -> HttpResponse:
    """Visits that were missed on the last open day, or on the day of the address, at one place."""
    site, sites = site_of(request)
    now = timezone.now()
    today = local_day(now, site.zone)
    day = min(_day(request.GET.get("date"), last_open_day(site, today)), today)
    with timezone.override(site.tzinfo):
        rows = missed_on(request.user, site, day, now)
        context = {
            "rows": rows,
            "counts": Counter(row.state for row in rows),
            "site": site,
            "sites": sites,
            "day": day,
            "today": today,
            "before": day - ONE_DAY,
            "after": day + ONE_DAY if day < today else None,
            "may_book": can_book_at(request.user, site.pk),
        }
        return page(request, "scheduling/missed_list.html", context, part="scheduling/_missed_rows.html")


def site_of(request: HttpRequest) -> tuple[Site, list[Site]]:
    """The place that the address names, else the first of this person's; and all of theirs."""
    sites = choices.sites_of(request.user)
    if not sites:
        raise Http404
    wanted = request.GET.get("site", "")
    return next((one for one in sites if str(one.pk) == wanted), sites[0]), sites


def _day(typed: str | None, default: date) -> date:
    try:
        return date.fromisoformat(typed or "")
    except ValueError:
        return default
