"""The auditor's page: who opened or changed what. Looking at it is recorded as well."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from coordinator.audit import services as audit
from coordinator.dashboard.audit import HEADER, KINDS, Trail, Wanted, export_rows, people, read_trail
from coordinator.dashboard.export import csv_response
from coordinator.filters import TEXT, filters_of, store_filters
from coordinator.http import page, requires

PAGE = "audit"
KIND_LABELS = {
    "view": _("Opened"),
    "sign_in": _("Signing in"),
    "refused": _("Refused"),
    "export": _("Exported"),
    "access": _("Restricted records"),
    "accounts": _("Accounts"),
}


class AuditFilters(forms.Form):
    """Choices of the address. What was typed (an MRN) is kept in the session instead."""

    person = forms.TypedChoiceField(label=_("Who"), coerce=int, empty_value=None, required=False)
    kind = forms.ChoiceField(label=_("What"), required=False)
    action = forms.SlugField(label=_("Exact action"), max_length=60, required=False)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        everybody = [("", _("Everybody"))]
        self.fields["person"].choices = everybody + people()  # type: ignore[attr-defined]
        kinds = [(key, KIND_LABELS[key]) for key in KINDS]
        self.fields["kind"].choices = [("", _("Everything")), *kinds]  # type: ignore[attr-defined]

    def wanted(self, text: str) -> Wanted:
        """What was asked for; a choice that does not exist is left out."""
        self.is_valid()
        return Wanted(text=text, **{name: value for name, value in self.cleaned_data.items() if value})


@requires("audit.view")
@require_http_methods(["GET", "POST"])
def audit_trail(request: HttpRequest) -> HttpResponse:
    """GET: the trail, or for htmx its next rows. POST: the filter form."""
    if request.method == "POST":
        return store_filters(request, PAGE)
    data = filters_of(request, PAGE)
    filters = AuditFilters(data)
    wanted = filters.wanted(data[TEXT])
    trail = read_trail(wanted, after=request.GET.get("after", ""))
    _record("view_audit", request, wanted, trail.patient)
    context = {"filters": filters, "text": data[TEXT], "wanted": wanted, "trail": trail}
    context |= _addresses(request, trail)
    return page(request, "dashboard/audit.html", context, part="dashboard/_audit_more.html")


@requires("audit.view")
@require_GET
def audit_export(request: HttpRequest) -> HttpResponseBase:
    """The same events as a file."""
    data = filters_of(request, PAGE)
    wanted = AuditFilters(data).wanted(data[TEXT])
    patient, rows = export_rows(wanted)
    asked = {key: str(value) for key, value in vars(wanted).items() if value and key != "text"}
    if patient is not None:
        asked["patient_id"] = str(patient.pk)
    return csv_response(request, "audit", HEADER, rows, asked, entity="audit.auditevent")


def _addresses(request: HttpRequest, trail: Trail) -> dict[str, str]:
    query = request.GET.copy()
    query.pop("after", None)
    export = query.urlencode()
    query["after"] = trail.after
    return {"next_url": f"?{query.urlencode()}" if trail.after else "", "export_query": export}


def _record(action: str, request: HttpRequest, wanted: Wanted, patient: Any) -> None:
    asked = {key: str(value) for key, value in vars(wanted).items() if value and key != "text"}
    audit.record(
        by=request.user,
        action=action,
        entity="audit.auditevent",
        patient_id=patient.pk if patient else None,
        details=asked,
    )
