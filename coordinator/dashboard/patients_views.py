"""The patient list: choices in the address, typed text in the session, both kept until changed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_http_methods

from coordinator.dashboard.export import csv_response, xlsx_response
from coordinator.dashboard.patients import (
    PAGE,
    Listing,
    PatientFilters,
    colleagues,
    every_patient,
    list_patients,
    read_key,
    remembered,
    wished,
)
from coordinator.dashboard.saved_views import remember
from coordinator.filters import TEXT, filters_of, store_filters
from coordinator.http import is_part, page, requires, whole_number
from coordinator.wording import language_name
from patients.models import Tier

SEEN = "view:patients"  # in the session: what is known to be saved, so that most pages ask nothing


@requires("patients.view")
@require_http_methods(["GET", "POST"])
def patient_list(request: HttpRequest) -> HttpResponse:
    """GET: the list, or for htmx its next rows (`after`, the key of the last row). POST: the filter form."""
    if request.method == "POST":
        return store_filters(request, PAGE)
    if not request.GET and (saved := _saved(request)):
        return HttpResponseRedirect(f"{request.path}?{saved}")
    data = filters_of(request, PAGE)
    after = read_key(request.GET.get("after"))
    _keep(request, request.GET)
    more = is_part(request) and after is not None
    people = [(data.get("coordinator", ""), "")] if more else colleagues(request.user)
    filters = PatientFilters(data, user=request.user, colleagues=people)
    listing = list_patients(request.user, wished(filters, data[TEXT]), now=timezone.now(), after=after)
    context = {"filters": filters, "text": data[TEXT], "listing": listing, "tiers": Tier.choices}
    context |= _pager(request, listing)
    context["may_merge"] = request.user.can("patients.merge")
    context["may_register"] = request.user.can("patients.edit")
    context["may_export"] = request.user.can("export.csv")
    context["export_query"] = request.GET.urlencode()
    context["may_import"] = request.user.can("patients.import")
    return page(request, "dashboard/patient_list.html", context, part="dashboard/_patient_more.html")


HEADER = (
    lazy("Family name"),
    lazy("Given name"),
    lazy("Date of birth"),
    lazy("Sex"),
    lazy("MRN"),
    lazy("Language"),
    lazy("Needs an interpreter"),
    lazy("Place"),
    lazy("Coordinator"),
    lazy("Coordinator’s e-mail"),
    lazy("Tier"),
    lazy("Standing"),
    lazy("Next visit"),
    lazy("Open tasks"),
    lazy("Last contact"),
)


@requires("export.csv")
@require_GET
def patient_export(request: HttpRequest, ending: str) -> HttpResponseBase:
    """The list as it is filtered, as CSV or as a workbook. What was typed stays out of the address and the trail."""
    if not request.user.can("patients.view"):  # type: ignore[union-attr]
        raise PermissionDenied
    data = filters_of(request, PAGE)
    filters = PatientFilters(data, user=request.user, colleagues=colleagues(request.user))  # type: ignore[arg-type]
    wish = wished(filters, data[TEXT])
    rows = (_exported(p) for p in every_patient(request.user, wish, now=timezone.now()).iterator(2_000))  # type: ignore[arg-type]
    respond = xlsx_response if ending == "xlsx" else csv_response
    return respond(request, "patients", HEADER, rows, asdict(wish), "patients.patient")


def _exported(patient: Any) -> list[Any]:
    who = patient.coordinator
    return [
        patient.family_name,
        patient.given_name,
        patient.birth_date,
        str(patient.get_sex_display()),
        patient.mrn,
        language_name(patient.language),
        patient.interpreter_needed,
        patient.site.name,
        who.name if who else "",
        who.email if who else "",
        str(patient.get_tier_display()),
        str(patient.get_status_display()),
        patient.next_visit_at,
        patient.open_tasks,
        patient.last_contact_at,
    ]


def _pager(request: HttpRequest, listing: Listing) -> dict[str, Any]:
    """How many rows are on screen, and the address of the next ones: keys and choices only."""
    shown = len(listing.rows) + whole_number(request.GET.get("shown"))
    query = request.GET.copy()
    query["after"], query["shown"] = str(listing.after), str(shown)
    return {"shown": shown, "next_url": f"?{query.urlencode()}" if listing.after else ""}


def _saved(request: Any) -> str:
    if SEEN not in request.session:
        request.session[SEEN] = remembered(request.user)
    return request.session[SEEN]


def _keep(request: Any, given: QueryDict) -> None:
    """Save the choices of this address when they differ from what is saved."""
    query = given.copy()
    for name in ("after", "shown", "clear", TEXT):
        query.pop(name, None)
    text = query.urlencode()
    if (given or "clear" in given) and text != _saved(request):
        remember(user=request.user, page=PAGE, query=text)
        request.session[SEEN] = text
