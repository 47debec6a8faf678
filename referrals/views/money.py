"""Doorways for a patient's aid, benefits, bills and estimates."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_http_methods

from coordinator.audit import services as audit
from coordinator.clocks.selectors import why
from coordinator.db import Conflict
from coordinator.fields import attempt
from coordinator.http import get_visible_or_404, page, requires
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from patients.models import Patient
from referrals.duplicates import found
from referrals.forms import money as forms
from referrals.models import AidApplication, BenefitApplication
from referrals.money_acts import ACTS, Act, acts_of
from referrals.permissions import can_manage_referral
from referrals.selectors.money import (
    MODELS,
    followed,
    hospital_dates,
    open_bills,
    papers_of,
    shown_documents,
)
from referrals.services import aid, benefits, bills, estimates
from referrals.views.guarding import named as in_question
from referrals.views.guarding import use_existing

# kind -> heading, button, form, service
NEW: dict[str, tuple[Any, Any, type[forms.AboutPatient], Any]] = {
    "aid": (lazy("Ask a fund for aid"), lazy("Write the application"), forms.AidForm, aid.apply_for_aid),
    "benefit": (
        lazy("Apply for a benefit"), lazy("Begin the application"), forms.BenefitForm, benefits.start_benefit,
    ),
    "bill": (lazy("Log a bill"), lazy("Log the bill"), forms.BillForm, bills.log_bill),
    "estimate": (
        lazy("The patient asks for an estimate"), lazy("Record the request"), forms.EstimateForm,
        estimates.request_estimate,
    ),
}  # fmt: skip
# What the duplicate guard looks for: the fields that are its key.
GUARDED = {"aid": ("fund",), "benefit": ("program", "name")}
NAMES = {
    "aid": lazy("Aid application"),
    "benefit": lazy("Benefit application"),
    "bill": lazy("Bill"),
    "estimate": lazy("Good-faith estimate"),
}


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def money_new(request: HttpRequest, kind: str) -> HttpResponse:
    """Log a bill, ask a fund, apply for a benefit, or record that an estimate is asked for, of one patient."""
    named = request.POST.get("patient") or request.GET.get("patient")
    if not named:
        return redirect("dashboard:patient_list")
    patient = get_visible_or_404(
        Patient.objects.select_related("site", "coordinator"), request.user, pk=named
    )
    if request.POST.get("use") and kind in GUARDED:
        existing = in_question(request, MODELS[kind], patient, "use")
        return use_existing(request, patient, "application", existing, "referrals:money_detail", kind)
    title, button, form_class, _service = NEW[kind]
    form = form_class(
        request.POST or None, user=request.user, patient=patient, initial=_asked(request, patient)
    )
    context: dict[str, Any] = {
        "form": form, "patient": patient, "kind": kind, "title": title, "button": button, "similar": [],
    }  # fmt: skip
    if request.method == "POST" and form.is_valid():
        record = _written(request, kind, form, context)
        if record is not None:
            toast(request, _("Saved: %(what)s") % {"what": record})
            return redirect("referrals:money_detail", kind, record.pk)
    status = 409 if context["similar"] else 422 if request.method == "POST" else 200
    return page(request, "referrals/money/new.html", context, "referrals/money/_new_form.html", status)


def _asked(request: HttpRequest, patient: Patient) -> dict[str, Any]:
    """What a link brings along: the bill that aid is asked for."""
    key = request.GET.get("bill")
    if not key:
        return {}
    try:
        bill = open_bills(request.user, patient).filter(pk=UUID(key)).first()
    except ValueError:
        return {}
    if bill is None:
        return {}
    return {"bill": bill.pk, "purpose": _("Bill from %(biller)s") % {"biller": bill.biller}}


def _written(request: HttpRequest, kind: str, form: Any, context: dict[str, Any]) -> Any:
    """The new record; None with what to show: the similar ones, or the refusal on the form."""
    patient, now, service = context["patient"], timezone.now(), NEW[kind][3]
    facts = {"patient": patient, "by": request.user, "now": now, **form.cleaned_data}
    if kind in GUARDED:
        facts["replaces"] = in_question(request, MODELS[kind], patient, "replace")
    try:
        return attempt(form, lambda: service(**facts), on_top=(NotAllowed,))
    except Conflict as error:
        if "similar" not in error.extra:
            raise
        key = {name: form.cleaned_data[name] for name in GUARDED[kind]}
        context["similar"] = found("application", patient=patient, by=request.user, now=now, **key)
    return None


@require_GET
@requires("referrals.view")
def money_detail(request: HttpRequest, kind: str, pk: UUID) -> HttpResponse:
    """One bill, application or estimate: where it stands, what can be done, what happened."""
    record = get_visible_or_404(followed(kind), request.user, pk=pk)
    audit.viewed(request, record.patient, what=f"money {kind}")
    may = can_manage_referral(request.user, record)
    context = {
        "record": record,
        "kind": kind,
        "name": NAMES[kind],
        "patient": record.patient,
        "now": timezone.now(),
        "may_edit": may,
        "acts": acts_of(record) if may else [],
        "why": why(record.clock) if record.clock else [],
        "changes": record.changes.select_related("by").order_by("-at", "-id"),
        **_more(request.user, kind, record),
    }
    return page(request, f"referrals/money/{kind}.html", context)


def _more(user: Any, kind: str, record: Any) -> dict[str, Any]:
    """What only this kind shows."""
    if kind == "aid":
        awards = record.awards.order_by("-awarded_on", "-created_at").prefetch_related("spends")
        return {"papers": papers_of(user, record), "awards": awards}
    if kind == "benefit":
        return {"papers": papers_of(user, record)}
    if kind == "bill":
        lines = list(record.lines.select_related("phrase"))
        kept = [row.amount for row in lines if not row.removed_because]
        return {
            "document": shown_documents(user, [record.document_id]).get(record.document_id),
            "lines": lines,
            "sum_of_lines": sum(kept),
            "questions": record.questions.all(),
            "applications": record.applications.select_related("fund").exclude(status="entered_in_error"),
            "hospital_dates": hospital_dates(record),
            "paid_by_funds": bills.paid_by_funds(record),
        }
    return {"bills": record.bills.exclude(status="entered_in_error")}


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def money_act(request: HttpRequest, kind: str, pk: UUID, act: str) -> HttpResponse:
    """Ask for what an act needs, then do it."""
    record = get_visible_or_404(followed(kind), request.user, pk=pk)
    chosen = _act(record, act)
    sent = request.method == "POST"
    form = chosen.form(
        request.POST if sent else None,
        user=request.user,
        patient=record.patient,
        initial=_usual(record, chosen),
    )
    if sent and form.is_valid() and _done(request, chosen, record, form):
        toast(request, _("Saved: %(step)s") % {"step": chosen.label})
        if act == "enter_in_error":
            return redirect("dashboard:patient_money", record.patient_id)
        return redirect("referrals:money_detail", kind, pk)
    context = {
        "form": form, "record": record, "patient": record.patient, "act": chosen, "kind": kind, "title": chosen.label,
        "action": reverse("referrals:money_act", args=[kind, pk, act]),
        "back": reverse("referrals:money_detail", args=[kind, pk]),
    }  # fmt: skip
    return page(
        request, "referrals/money/act.html", context, "referrals/money/_act.html", 422 if sent else 200
    )


def _act(record: Any, name: str) -> Act:
    known = next((act for act in ACTS[record.kind] if act.name == name), None)
    if known is None:
        raise Http404
    if not known.allowed(record):
        raise NotAllowed(_("This step is not possible now. Reload the page to see where it stands."))
    return known


def _usual(record: Any, act: Act) -> dict[str, Any]:
    """What is most often meant, filled in."""
    if isinstance(record, AidApplication):
        if act.name == "award":
            return {"awarded_amount": record.asked_amount, "expires_on": forms.expires_from(record.fund)}
        if act.name == "pay":
            award = record.awards.filter(released_on=None).first()
            return {
                "amount": award.left if award else None,
                "paid_for": record.purpose,
                "paid_to": record.bill.biller if record.bill else "",
            }
    if isinstance(record, BenefitApplication) and act.name == "approve":
        return {"starts_on": record.filed_on}
    if record.kind == "bill" and act.name == "ask":
        return {"to_whom": record.biller}
    return {}


def _done(request: HttpRequest, act: Act, record: Any, form: Any) -> bool:
    """False after a refusal, which goes onto the form."""
    facts = (record, form.cleaned_data, request.user, timezone.now())
    return attempt(form, lambda: act.call(*facts), on_top=(NotAllowed, Conflict)) is not None
