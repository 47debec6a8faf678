"""Pairs of patients who may be one person, side by side: a list by points, and "not the same person"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Max, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from coordinator.accounts.models import Site
from coordinator.dashboard.run_duplicates import is_late, last_scan
from coordinator.fields import show_refusal
from coordinator.filters import TEXT, filters_of, store_filters
from coordinator.http import get_visible_or_404, page, requires, whole_number
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from patients import services
from patients.models import ContactPoint, Patient, PossibleDuplicate
from patients.rules.duplicates import LIKELY, Match
from patients.rules.finding import read_query
from patients.selectors import fitting
from scheduling.models import Appointment
from scheduling.workflow import Status

PAGE, ROWS = "duplicates", 20
LIST = "dashboard:patient_duplicates"
State = PossibleDuplicate.State


class PairFilters(forms.Form):
    """An unknown choice in an address counts as the default, not as an error."""

    state = forms.ChoiceField(
        label=gettext_lazy("Show"),
        required=False,
        choices=[("", State.OPEN.label), (State.DIFFERENT, State.DIFFERENT.label)],
    )
    points = forms.ChoiceField(
        label=gettext_lazy("Points"),
        required=False,
        choices=[
            ("", gettext_lazy("Any")),
            ("15", gettext_lazy("15 or more")),
            ("25", gettext_lazy("25 or more")),
        ],
    )
    site = forms.ChoiceField(label=gettext_lazy("Place"), required=False)

    def __init__(self, data: Any, *, user: Any) -> None:
        super().__init__(data)
        sites = Site.objects.visible_to(user).order_by("name")
        self.fields["site"].choices = [  # type: ignore[attr-defined]
            ("", _("Any")),
            *[(str(site.pk), site.name) for site in sites],
        ]
        self.full_clean()

    def choice(self, name: str) -> str:
        return str(self.cleaned_data.get(name) or "")

    @property
    def narrows(self) -> bool:
        return any(self.choice(name) for name in self.fields)


@dataclass(frozen=True)
class Side:
    """One of the two, as far as it tells people apart."""

    patient: Patient
    phones: list[str]
    last_visit: Any  # when the last visit began that took place, UTC


@dataclass(frozen=True)
class Pair:
    row: PossibleDuplicate
    sides: list[Side]

    @property
    def match(self) -> Match:
        return Match.from_json(float(self.row.points), self.row.signs)

    @property
    def points(self) -> int:
        return round(self.row.points)


@requires("patients.merge")
@require_http_methods(["GET", "POST"])
def duplicate_list(request: HttpRequest) -> HttpResponse:
    """GET: the pairs, or for htmx the next ones. POST: the filter form."""
    if request.method == "POST":
        return store_filters(request, PAGE)
    data = filters_of(request, PAGE)
    filters = PairFilters(data, user=request.user)
    start, now = whole_number(request.GET.get("from")), timezone.now()
    found = _narrowed(PossibleDuplicate.objects.visible_to(request.user), filters, data[TEXT])
    rows = list(found.select_related("one__site", "two__site", "decided_by")[start : start + ROWS + 1])
    pairs = side_by_side(request.user, rows[:ROWS])
    run = last_scan()
    context = {
        "pairs": pairs,
        "filters": filters,
        "text": data[TEXT],
        "shown": start + len(pairs),
        "next_url": _next(request, start) if len(rows) > ROWS else "",
        "run": run,
        "late": is_late(run, now),
        "likely": LIKELY,
    }
    return page(request, "dashboard/duplicates.html", context, part="dashboard/_duplicates_more.html")


def _narrowed(pairs: Any, filters: PairFilters, text: str) -> Any:
    pairs = pairs.filter(state=filters.choice("state") or State.OPEN)
    if points := whole_number(filters.choice("points")):
        pairs = pairs.filter(points__gte=points)
    if site := filters.choice("site"):
        pairs = pairs.filter(Q(one__site=site) | Q(two__site=site))
    if text:
        named = Patient.objects.filter(fitting(read_query(text, timezone.localdate()))).values("pk")
        pairs = pairs.filter(Q(one__in=named) | Q(two__in=named))
    return pairs.order_by("-points", "id")


def _next(request: HttpRequest, start: int) -> str:
    query = request.GET.copy()
    query["from"] = str(start + ROWS)
    return f"?{query.urlencode()}"


def side_by_side(user: Any, rows: list[PossibleDuplicate]) -> list[Pair]:
    """With phones and last visits of all: two statements whatever the number."""
    keys = {key for row in rows for key in (row.one_id, row.two_id)}
    phones: dict[UUID, list[str]] = {}
    points = ContactPoint.objects.visible_to(user).filter(patient__in=keys, kind="phone", ended_at=None)
    for patient, value in points.values_list("patient_id", "normalized"):
        phones.setdefault(patient, []).append(value)
    visits = dict(
        Appointment.objects.visible_to(user)
        .filter(patient__in=keys, status=Status.FULFILLED)
        .order_by()
        .values_list("patient")
        .annotate(last=Max("start"))
    )
    return [
        Pair(row, [Side(one, phones.get(one.pk, []), visits.get(one.pk)) for one in (row.one, row.two)])
        for row in rows
    ]


class ApartForm(forms.Form):
    """Why two records are not one person's."""

    reason = forms.CharField(
        label=gettext_lazy("How do you know?"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("For example: twins; mother and daughter; both were called."),
    )


@requires("patients.merge")
@require_http_methods(["GET", "POST"])
def duplicate_apart(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Not the same person, with the reason."""
    row = get_visible_or_404(
        PossibleDuplicate.objects.select_related("one__site", "two__site"), request.user, pk=pk
    )
    form = ApartForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            services.tell_apart(pair_id=row.pk, reason=reason, by=request.user, now=timezone.now())
        except ValidationError as error:
            show_refusal(form, error)
        except NotAllowed as error:
            form.add_error(None, str(error))
        else:
            undo = reverse("dashboard:duplicate_ask_again", args=[row.pk])
            toast(
                request, _("Kept apart. This pair is not asked about again."), undo=undo, back=reverse(LIST)
            )
            return redirect(LIST)
    [pair] = side_by_side(request.user, [row])
    status = 422 if request.method == "POST" else 200
    context = {"pair": pair, "form": form}
    return page(request, "dashboard/duplicate_apart.html", context, "dashboard/_duplicate_apart.html", status)


@requires("patients.merge")
@require_POST
def duplicate_ask_again(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take "not the same person" back."""
    row = get_visible_or_404(PossibleDuplicate, request.user, pk=pk)
    services.ask_again(pair_id=row.pk, by=request.user, now=timezone.now())
    toast(request, _("Taken back."))
    return redirect(LIST)
