"""The calendar: week, day and list, with the slot finder beside it."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from coordinator.http import page, requires
from scheduling.forms import BookForm, ColumnsForm
from scheduling.permissions import can_book_at, can_set_up
from scheduling.rules.local_time import local_day
from scheduling.selectors import calendar, choices
from scheduling.selectors import page as reads
from scheduling.selectors.appointments import last_open_day, list_rows
from scheduling.selectors.page import Search
from scheduling.views.asked import Asked, asked

FINDER_NAMES = ("patient", "visit", "who", "first", "last", "part", "must_be_by", "replace")


@require_GET
@requires("visits.view")
def schedule(request: HttpRequest) -> HttpResponse:
    """One URL for all three views; the filters are remembered, the day is not."""
    ask = asked(request)
    with timezone.override(ask.site.tzinfo):
        context = _list(ask) if ask.view == "list" else _calendar(ask)
        context |= frame(ask)
        return page(request, "scheduling/schedule.html", context, part="scheduling/_schedule.html")


def frame(ask: Asked) -> dict[str, Any]:
    """What the head of every view needs."""
    before, after = reads.next_days(ask.day, ask.view, ask.span, ask.site)
    return {
        "ask": ask,
        "site": ask.site,
        "today": ask.today,
        "now": ask.now,
        "form": ask.form,
        "before": before,
        "after": after,
        "zone_name": choices.zone_name(ask.site.zone),
        "kept": kept(ask, "date", *FINDER_NAMES),
        "may_book": can_book_at(ask.request.user, ask.site.pk),
        "may_set_up": can_set_up(ask.request.user, ask.site.pk),
        "filtered": bool(ask.filters.service_id or ask.filters.status or ask.filters.calendars),
    }


def kept(ask: Asked, *names: str) -> list[tuple[str, str]]:
    """Parts of the address that a form carries along as hidden fields."""
    return [(name, value) for name in names for value in ask.data.getlist(name) if value]


def search_of(ask: Asked) -> Search | None:
    """What the finder looks for, or None while nobody looks or its form has problems."""
    if not ask.is_looking or not ask.service or not ask.finder.is_valid():
        return None
    clean = ask.finder.cleaned_data
    return Search(
        service=ask.service,
        first=max(clean["first"], ask.today),
        last=max(clean["last"], ask.today),
        practitioner_ids=(UUID(clean["who"]),) if clean["who"] else (),
        times_of_day=tuple(clean["part"]),
        must_be_by=clean["must_be_by"],
        patient_id=ask.patient.pk if ask.patient else None,
        prefer=ask.patient.primary_care_id if ask.patient else None,
    )


def finder_context(ask: Asked, light: bool = False) -> dict[str, Any]:
    """The finder's panel: fields, the month strip, and the free times found; and the days to show beside it.

    `light` leaves the times out: a refusal brings its own, and many may be refused in one second.
    """
    search = search_of(ask)
    if light:
        return {**_finder_fields(ask, search), "days": [ask.day]}
    time = reads.time_for(ask.site, days_of(ask), search)
    user, found = ask.request.user, None
    if search:
        found = reads.answer(user, ask.site, search, time, now=ask.now, today=ask.today, sites=ask.sites)
        if found.best and "date" not in ask.data:
            ask.day = local_day(found.best.start, ask.site.zone)
    chosen = found.choice(ask.data.get("slot", "")) if found else ""
    days = days_of(ask)
    return {
        **_finder_fields(ask, search),
        "found": found,
        "chosen": chosen,
        "book_form": BookForm(site=ask.site, initial={"slot": chosen}, authorizations=ask.authorizations),
        "month": reads.month_strip(time, days[0], days, now=ask.now, today=ask.today, search=search),
        "time": time,
        "days": days,
    }


def _finder_fields(ask: Asked, search: Search | None) -> dict[str, Any]:
    return {
        "finder": ask.finder,
        "patient": ask.patient,
        "needs": reads.needs_of(ask.patient) if ask.patient else [],
        "search": search,
        "finder_query": urlencode(kept(ask, *FINDER_NAMES, "site")),
    }


def days_of(ask: Asked) -> list[date]:
    return [ask.day] if ask.view == "day" else reads.shown_days(ask.day, ask.site)


def _calendar(ask: Asked) -> dict[str, Any]:
    context = finder_context(ask)
    search, found = context["search"], context["found"]
    drawing = {
        "now": ask.now,
        "minutes": search.service.minutes if search else reads.DEFAULT_MINUTES,
        "offers": found.on_grid() if found else (),
        "chosen": context["chosen"],
    }
    user, time, days = ask.request.user, context["time"], context["days"]
    if ask.view == "day":
        drawn = calendar.day_view(user, ask.filters, ask.day, time, **drawing)
    else:
        drawn = calendar.week_view(user, ask.filters, days, time, **drawing)
    return context | {"drawn": drawn, **_calendars(drawn.calendars)}


def _list(ask: Asked) -> dict[str, Any]:
    days = reads.week_days(ask.day) if ask.span == "week" else [ask.day]
    user = ask.request.user
    rows = list_rows(
        user,
        ask.filters,
        days[0],
        days[-1],
        now=ask.now,
        after=ask.data.get("after", ""),
        columns=ask.columns,
    )
    return {
        "rows": rows,
        "days": days,
        "columns": ask.columns,
        "columns_form": ColumnsForm(initial={"cols": ask.columns}),
        "last_open_day": last_open_day(ask.site, ask.today),
        **_calendars(calendar.calendars_of(user, ask.filters, all_at_first=True)),
    }


def _calendars(found: list[Any]) -> dict[str, Any]:
    return {"all_calendars": found, "shown_calendars": sum(1 for entry in found if entry.shown)}
