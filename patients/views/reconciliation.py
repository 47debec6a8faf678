"""Comparing a list of the chart with somebody, reading what was found, and taking it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from coordinator.db import Conflict
from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires
from coordinator.toasts import toast
from patients import services
from patients.forms.entries import ReasonForm
from patients.forms.reconciliation import LineForm, NewLineForm, ReconcileForm
from patients.models import Patient, Reconciliation
from patients.permissions import can_edit
from patients.record_selectors import entries_to_compare
from patients.services.reconciliation import Said, line_words
from patients.views.entries import saved

NEW_LINES = 2
TITLES = {
    "medicines": lazy("Reconcile medicines"),
    "allergies": lazy("Reconcile allergies"),
    "problems": lazy("Reconcile problems"),
}


@dataclass
class Page:
    """The forms of one comparison: about the whole, one per entry, and lines for what is new."""

    form: ReconcileForm
    lines: list[tuple[Any, LineForm]]
    new: list[NewLineForm]

    @property
    def forms(self) -> list[Any]:
        return [self.form, *(line for _entry, line in self.lines), *self.new]

    def is_valid(self) -> bool:
        checked = [form.is_valid() for form in self.forms]  # every form, so that all faults show at once
        valid = all(checked)
        if valid and not self.said():
            self.form.add_error(None, _("Say at least about one line what was found."))
        if valid and self._tells_nobody():
            self.form.add_error(
                "report_to", _("Choose who hears what differs, or untick “Send what differs to a provider”.")
            )
        return not any(form.errors for form in self.forms)

    def said(self) -> list[Said]:
        rest = "as_listed" if self.form.cleaned_data["rest_as_listed"] else ""
        said = []
        for entry, line in self.lines:
            data = line.cleaned_data
            if finding := data["finding"] or rest:
                said.append(Said(finding, entry.pk, said=data["said"], obstacle=data.get("obstacle", "")))
        new = [line.cleaned_data for line in self.new if line.cleaned_data["name"]]
        return said + [
            Said("new", name=data["name"], said=data["said"], label=data.get("label", "")) for data in new
        ]

    def _tells_nobody(self) -> bool:
        data = self.form.cleaned_data
        differs = any(one.finding != "as_listed" or one.obstacle for one in self.said())
        return bool(data["tell"] and differs and not data["report_to"])


def _page(request: HttpRequest, patient: Patient, kind: str) -> Page:
    data = request.POST if request.method == "POST" else None
    user: Any = request.user
    return Page(
        ReconcileForm(data, user=user, patient=patient),
        [
            (entry, LineForm(data, prefix=f"line-{entry.pk}", kind=kind))
            for entry in entries_to_compare(user, patient, kind)
        ],
        [NewLineForm(data, prefix=f"new-{n}", kind=kind) for n in range(NEW_LINES)],
    )


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def reconcile(request: HttpRequest, pk: UUID, kind: str) -> HttpResponse:
    if kind not in TITLES:
        raise Http404
    patient = get_visible_or_404(Patient.objects.select_related("site"), request.user, pk=pk)
    forms = _page(request, patient, kind)
    if request.method == "POST" and forms.is_valid() and (event := _save(request, patient, kind, forms)):
        _say(request, event)
        return redirect("dashboard:patient_details", pk=patient.pk)
    context = {"patient": patient, "kind": kind, "title": TITLES[kind], "page": forms, "form": forms.form}
    status = 422 if request.method == "POST" else 200
    return page(request, "patients/reconcile.html", context, "patients/_reconcile.html", status)


def _save(request: HttpRequest, patient: Patient, kind: str, forms: Page) -> Reconciliation | None:
    data = dict(forms.form.cleaned_data)
    data.pop("rest_as_listed")
    if not data.pop("tell"):
        data["report_to"] = None
    try:
        return services.reconcile_list(
            patient_id=patient.pk,
            list_name=kind,
            said=forms.said(),
            by=request.user,
            now=timezone.now(),
            **data,
        )
    except ValidationError as error:
        show_refusal(forms.form, error)
    except Conflict as error:
        forms.form.add_error(None, str(error))
    return None


def _say(request: HttpRequest, event: Reconciliation) -> None:
    count = sum(line.is_discrepancy for line in event.lines.all())
    text = _("Saved: everything is as listed.")
    if count:
        text = ngettext("Saved with %(n)d difference.", "Saved with %(n)d differences.", count) % {"n": count}
    if event.provider_update is not None:
        told = _("%(who)s has it on their list.") % {"who": event.provider_update.report_to}
        text = f"{text} {told}"
    toast(request, text)


@requires("patients.view")
@require_GET
def reconciliation_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    event = _event(request, pk)
    user: Any = request.user
    lines = list(event.lines.opened_to(user).order_by("id"))
    context = {
        "event": event,
        "patient": event.patient,
        "title": TITLES[event.list],
        "different": [line_words(line, event.list) for line in lines if line.is_discrepancy],
        "same": [line.name for line in lines if not line.is_discrepancy],
        "may_edit": can_edit(user, event.patient),
        "sees_updates": user.can("notes.view"),
    }
    return page(
        request, "patients/reconciliation_detail.html", context, "patients/_reconciliation_detail.html"
    )


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def reconciliation_in_error(request: HttpRequest, pk: UUID) -> HttpResponse:
    event = _event(request, pk)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    sent = request.method == "POST" and form.is_valid()
    if sent and saved(
        form, services.enter_reconciliation_in_error, reconciliation_id=event.pk, by=request.user
    ):
        toast(request, _("Taken back. The list is as it was before."))
        return redirect("patients:reconciliation_detail", pk=event.pk)
    context = {"patient": event.patient, "form": form, "title": _("Take back a reconciliation")}
    status = 422 if request.method == "POST" else 200
    return page(request, "patients/entry.html", context, "patients/_entry.html", status)


def _event(request: HttpRequest, pk: UUID) -> Any:
    rows = Reconciliation.objects.select_related(
        "patient__site", "related_person", "created_by", "provider_update__report_to"
    )
    return get_visible_or_404(rows, request.user, pk=pk)
