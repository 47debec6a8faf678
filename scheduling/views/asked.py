"""What an address of the schedule asks for: the filters (remembered), the day, and what the finder looks for."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest, QueryDict
from django.utils import timezone

from coordinator.accounts.models import Practitioner, Site
from coordinator.http import get_visible_or_404
from patients.models import Patient
from referrals.models import PriorAuthorization
from referrals.workflow import IN_FORCE
from scheduling.forms import FilterForm, FinderForm
from scheduling.models import Service
from scheduling.rules.local_time import local_day
from scheduling.selectors import choices
from scheduling.selectors.appointments import COLUMNS, FIRST_COLUMNS
from scheduling.selectors.calendar import Filters
from scheduling.selectors.page import next_open
from scheduling.services.remembering import forget_filters, remember_filters

REMEMBERED = ("site", "cal", "service", "status", "view", "span", "cols")
VIEWS = ("week", "day", "list")
SEARCH_DAYS = 14


@dataclass
class Asked:
    """The address, read once. Unknown values fall back to the default; a foreign patient is a 404."""

    request: HttpRequest
    data: QueryDict
    sites: list[Site]
    services: list[Service]
    now: datetime

    @cached_property
    def form(self) -> FilterForm:
        return FilterForm(self.data or {"site": ""}, sites=self.sites, services=self.services)

    @cached_property
    def site(self) -> Site:
        wanted = self.data.get("site", "")
        return next((site for site in self.sites if str(site.pk) == wanted), self.sites[0])

    @cached_property
    def today(self) -> date:
        return local_day(self.now, self.site.zone)

    @cached_property
    def day(self) -> date:
        return _day(self.data.get("date"), next_open(self.site, self.today))

    @property
    def view(self) -> str:
        view = self.data.get("view")
        if view == "list" and self.is_looking and "view" not in self.request.GET:
            return "week"  # the finder stands beside a calendar
        return view if view in VIEWS else "week"

    @property
    def span(self) -> str:
        return "day" if self.data.get("span") == "day" else "week"

    @property
    def columns(self) -> list[str]:
        known = [key for key, _label in COLUMNS]
        chosen = [key for key in known if key in self.data.getlist("cols")]
        return chosen or list(FIRST_COLUMNS)

    @cached_property
    def query_without_day(self) -> str:
        """The address without its day and its choice, for the many links that only change the day."""
        query = self.data.copy()
        for name in ("date", "slot", "after", "csrfmiddlewaretoken"):
            query.pop(name, None)
        return query.urlencode()

    @property
    def kept_for_columns(self) -> list[tuple[str, str]]:
        """The rest of the address, for the form that chooses columns."""
        names = ("site", "cal", "service", "status", "view", "span", "date")
        return [(name, value) for name in names for value in self.data.getlist(name) if value]

    @cached_property
    def filters(self) -> Filters:
        self.form.is_valid()
        clean = self.form.cleaned_data
        service = clean.get("service", "")
        return Filters(
            site=self.site,
            calendars=tuple(key for key in self.data.getlist("cal") if key == "none" or _is_uuid(key)),
            service_id=uuid.UUID(service) if service else None,
            status=clean.get("status", ""),
        )

    @cached_property
    def patient(self) -> Patient | None:
        key = self.data.get("patient")
        if not key:
            return None
        if not _is_uuid(key):
            raise Http404
        return get_visible_or_404(choices.patients_to_book(self.request.user), self.request.user, pk=key)

    @cached_property
    def authorizations(self) -> list[PriorAuthorization]:
        """What the patient's visits can be booked under."""
        if self.patient is None:
            return []
        found = PriorAuthorization.objects.visible_to(self.request.user).filter(patient=self.patient)
        return list(found.filter(status__in=IN_FORCE).order_by("ends_on", "pk"))

    @property
    def is_looking(self) -> bool:
        """Somebody is looking for a free time."""
        return bool(self.data.get("patient") or self.data.get("visit"))

    @cached_property
    def people(self) -> list[Practitioner]:
        return choices.people_at([self.site.pk])

    @cached_property
    def service(self) -> Service | None:
        wanted = self.data.get("visit", "")
        first = next((s for s in self.services if not s.is_outside), None)
        return next((s for s in self.services if str(s.pk) == wanted), first)

    @cached_property
    def finder(self) -> FinderForm:
        """Bound, with defaults for what the address leaves out: two weeks from today, anyone, any time."""
        data = self.data.copy()
        data.setdefault("site", str(self.site.pk))
        if self.service:
            data.setdefault("visit", str(self.service.pk))
        if self.request.method == "GET" and data.get("who") not in {str(one.pk) for one in self.people}:
            data.pop("who", None)  # somebody who left cannot be looked for any more
        data.setdefault("first", self.today.isoformat())
        by = _day(data.get("must_be_by"), self.today + timedelta(days=SEARCH_DAYS))
        data.setdefault("last", max(by, self.today).isoformat())
        return FinderForm(data, sites=self.sites, services=self.services, people=self.people)


def asked(request: HttpRequest, data: QueryDict | None = None) -> Asked:
    """Read the address (or what a form sent), with the remembered filters filled in."""
    sites = choices.sites_of(request.user)
    if not sites:
        raise Http404
    query = (request.GET if data is None else data).copy()
    query = _with_remembered(request, query, may_save=request.method == "GET")
    return Asked(request, query, sites, choices.services(), timezone.now())


def _with_remembered(request: HttpRequest, query: QueryDict, may_save: bool) -> QueryDict:
    user: Any = request.user
    if "clear" in query:
        forget_filters(by=user)
        return QueryDict(mutable=True)
    if not may_save:
        return query
    saved = choices.saved_filters(user)
    if any(name in query for name in REMEMBERED):
        kept = QueryDict(mutable=True)
        for name in REMEMBERED:
            kept.setlist(name, [value for value in query.getlist(name) if value][:20])
        if kept.urlencode() != saved:
            remember_filters(by=user, query=kept.urlencode())
        return query
    for name, values in QueryDict(saved).lists():
        query.setlist(name, values)
    return query


def _day(text: str | None, default: date) -> date:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return default
    return day if 1990 <= day.year <= 2100 else default


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
