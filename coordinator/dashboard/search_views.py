"""The one search box.

Searching is a POST, by the palette, by htmx and by the plain form alike: a name, a birth date or a
phone number that somebody looks for must not become part of an address, of the browser's history or of
a log line. The answer is a 200 page that nothing keeps (`no-store`); GET shows the empty form.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from coordinator.dashboard.search import find_pages, find_work
from coordinator.http import page, requires
from patients.selectors import find_patients

PALETTE = 8


@requires("patients.view")
@require_http_methods(["GET", "POST"])
def search(request: HttpRequest) -> HttpResponse:
    """Patients first, then tasks, referrals and pages. The palette gets options (it has the pages already and picks
    them itself), others the page or its results."""
    palette = bool(request.htmx) and request.htmx.target == "palette-list"  # type: ignore[attr-defined]
    query = request.POST.get("q", "")[:100].replace("\x00", "").strip()
    context: dict[str, object] = {
        "query": query,
        "searched": bool(query),
        "may_register": request.user.can("patients.edit"),
    }
    if query:
        found = find_patients(request.user, query, PALETTE if palette else 20, today=timezone.localdate())
        context |= {"found": found, "work": find_work(request.user, query, 3 if palette else 5)}
        context["pages"] = [] if palette else find_pages(request.user, query)
    part = "dashboard/_search_options.html" if palette else "dashboard/_search_results.html"
    return page(request, "dashboard/search.html", context, part=part)
