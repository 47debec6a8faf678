"""The patient list: choices in the address, typed text in the session, both kept until changed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from coordinator.dashboard.patients import (
    PAGE,
    Listing,
    PatientFilters,
    colleagues,
    list_patients,
    read_key,
    remembered,
    wished,
)
from coordinator.dashboard.saved_views import remember
from coordinator.filters import TEXT, filters_of, store_filters
from coordinator.http import is_part, page, requires, whole_number
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
    context["may_import"] = request.user.can("patients.import")
    return page(request, "dashboard/patient_list.html", context, part="dashboard/_patient_more.html")


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
