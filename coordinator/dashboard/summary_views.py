"""The patient's page and its tabs. Opening one is written to the trail; what you may not see is a 404."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_POST

from careplans.permissions import can_log_contact
from careplans.setup_selectors import bundles_of
from coordinator.audit import services as audit
from coordinator.dashboard import gaps, summary
from coordinator.dashboard.models import PinnedPatient
from coordinator.dashboard.summary_timeline import ALL, CLINICAL, CONTACT, PLAN, read_cursor, timeline
from coordinator.dashboard.summary_words import months
from coordinator.http import get_visible_or_404, is_part, page, requires
from coordinator.toasts import toast
from patients.labels import Protected, notice_for
from patients.models import Patient
from patients.permissions import can_edit, can_open_labels, can_restrict
from patients.record_selectors import whole_record
from patients.selectors import merged_into

# (name, words, what may be counted, who sees it)
TABS = (
    ("summary", lazy("Summary"), "", "patients.view"),
    ("plan", lazy("Care plan"), "", "plans.view"),
    ("timeline", lazy("Timeline"), "", "patients.view"),
    ("tasks", lazy("Tasks"), "tasks", "tasks.view"),
    ("appointments", lazy("Appointments"), "appointments", "visits.view"),
    ("referrals", lazy("Referrals"), "referrals", "referrals.view"),
    ("money", lazy("Money"), "", "referrals.view"),
    ("documents", lazy("Documents"), "documents", "notes.view"),
    ("notes", lazy("Notes"), "notes", "notes.view"),
    ("details", lazy("Details"), "", "patients.view"),
)
SHOWN = ((ALL, lazy("All")), (CONTACT, lazy("Contact")), (CLINICAL, lazy("Clinical")), (PLAN, lazy("Plan")))
SUMMARY_EVENTS, PAGE_EVENTS = 15, 50


def open_chart(request: HttpRequest, pk: UUID, tab: str) -> dict[str, Any]:
    """What every tab shows: the patient with the facts around the banner. Writes one view event."""
    user: Any = request.user
    now = timezone.now()
    patients = summary.with_pin(summary.chart_patients(), user)
    if tab == "summary":
        patients = gaps.with_gaps(patients, now, set_aside_too=True)
    patient = get_visible_or_404(patients, user, pk=pk)
    audit.viewed(request, patient, tab)
    known = summary.facts(user, patient, now, clinical=tab == "summary")
    return {
        "patient": patient,
        "facts": known,
        "now": now,
        "today": summary.today_of(patient, now),
        "closed": summary.is_closed(patient),
        "may_edit": can_edit(user, patient),
        "may_restrict": can_restrict(user, patient),
        "may_log": can_log_contact(user, patient),
        **_protected(user, patient, known.protected),
        "may_export": user.can("patients.record"),
        "key": str(patient.pk),
        "tabs": _tabs(user, patient, known.counts, tab),
        "shown_kinds": SHOWN,
        "sees": {what: user.can(f"{what}.view") for what in ("plans", "tasks", "visits", "referrals")},
    }


def _protected(user: Any, patient: Patient, found: Protected) -> dict[str, Any]:
    """How many entries are withheld, for those who may ask for them; and the words that go with labelled ones shown."""
    may_ask = can_open_labels(user, patient)
    return {"protected": found.number if may_ask else 0, "notice": notice_for(found.shown)}


def _tabs(user: Any, patient: Patient, counts: Any, current: str) -> list[dict[str, Any]]:
    return [
        {
            "href": reverse(f"dashboard:patient_{name}", args=[patient.pk]),
            "label": label,
            "count": getattr(counts, counted) or None if counted else None,
            "current": name == current,
        }
        for name, label, counted, permission in TABS
        if user.can(permission)
    ]


@requires("patients.view")
@require_GET
def patient_summary(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The whole patient on one page; the address of a merged record leads to the one it was merged into."""
    try:
        chart = open_chart(request, pk, "summary")
    except Http404:
        merged = merged_into(request.user, pk)
        if merged is None:
            raise
        gone, survivor = merged
        toast(request, _("The record %(mrn)s was merged into this one.") % {"mrn": gone.mrn}, tone="info")
        return redirect("dashboard:patient_summary", pk=survivor.pk)
    user, patient, now, known = request.user, chart["patient"], chart["now"], chart["facts"]
    has = known.has
    rows, older = timeline(user, patient, now=now, limit=SUMMARY_EVENTS, updates=has.updates)
    chart |= {
        "plans": summary.care_plans(user, patient, now) if has.plans else [],
        "months": months(rows),
        "last": rows[-1] if older else None,
        "show": ALL,
        "tasks": summary.open_tasks(user, patient),
        "visits": summary.visits(user, patient, now),
        "referrals": summary.referrals(user, patient),
        "authorizations": summary.authorizations(user, patient) if has.authorizations else [],
        "results": summary.latest_results(user, patient) if has.results else [],
    }
    chart["gaps"] = [(gap, gap.address(patient)) for gap in gaps.gaps_of(patient, known.aside)]
    chart["aside"] = gaps.set_aside_of(known.aside)
    return page(request, "dashboard/patient_summary.html", chart)


@requires("plans.view")
@require_GET
def patient_plan(request: HttpRequest, pk: UUID) -> HttpResponse:
    chart = open_chart(request, pk, "plan")
    chart["plans"] = summary.care_plans(request.user, chart["patient"], chart["now"], every=True)
    return page(request, "dashboard/patient_plan.html", chart)


@requires("patients.view")
@require_GET
def patient_timeline(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The whole story, 50 events at a time. `show` is a kind; `before` the moment and key of the last event."""
    chart = open_chart(request, pk, "timeline")
    asked = request.GET.get("show", ALL)
    show = asked if asked in dict(SHOWN) else ALL
    before = read_cursor(request.GET.get("before"))
    rows, older = timeline(
        request.user, chart["patient"], now=chart["now"], show=show, before=before, limit=PAGE_EVENTS
    )
    above = before[0] if before and is_part(request) else None
    chart |= {
        "months": months(rows, above),
        "last": rows[-1] if older else None,
        "show": show,
        "correctable": True,
    }
    part = "dashboard/_timeline_months.html" if before else "dashboard/_timeline.html"
    return page(request, "dashboard/patient_timeline.html", chart, part=part)


@requires("tasks.view")
@require_GET
def patient_tasks(request: HttpRequest, pk: UUID) -> HttpResponse:
    chart = open_chart(request, pk, "tasks")
    chart["tasks"] = summary.open_tasks(request.user, chart["patient"], 200)
    chart["ended"] = summary.ended_tasks(request.user, chart["patient"])
    chart["bundles"] = bundles_of(request.user, chart["patient"])
    return page(request, "dashboard/patient_tasks.html", chart)


@requires("visits.view")
@require_GET
def patient_appointments(request: HttpRequest, pk: UUID) -> HttpResponse:
    chart = open_chart(request, pk, "appointments")
    chart["visits"] = summary.visits(request.user, chart["patient"], chart["now"], 200)
    return page(request, "dashboard/patient_appointments.html", chart)


@requires("referrals.view")
@require_GET
def patient_referrals(request: HttpRequest, pk: UUID) -> HttpResponse:
    chart = open_chart(request, pk, "referrals")
    chart["referrals"] = summary.referrals(request.user, chart["patient"], every=True, limit=100)
    chart["authorizations"] = summary.authorizations(request.user, chart["patient"], every=True, limit=100)
    return page(request, "dashboard/patient_referrals.html", chart)


@requires("notes.view")
@require_GET
def patient_notes(request: HttpRequest, pk: UUID) -> HttpResponse:
    chart = open_chart(request, pk, "notes")
    chart["notes"] = summary.notes(request.user, chart["patient"])
    chart["updates"] = summary.provider_updates(request.user, chart["patient"])
    return page(request, "dashboard/patient_notes.html", chart)


@requires("patients.view")
@require_GET
def patient_details(request: HttpRequest, pk: UUID) -> HttpResponse:
    chart = open_chart(request, pk, "details")
    chart["record"] = whole_record(request.user, chart["patient"], chart["now"])
    return page(request, "dashboard/patient_details.html", chart)


@requires("patients.view")
@require_POST
@transaction.atomic
def patient_pin(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Keep this patient at hand in the rail, or let go. A wish of the person's own; the record is untouched."""
    patient = get_visible_or_404(Patient, request.user, pk=pk)
    pin, made = PinnedPatient.objects.get_or_create(
        user=request.user, patient=patient, defaults={"pinned_at": timezone.now()}
    )
    if not made:
        pin.delete()
    toast(request, _("Pinned") if made else _("No longer pinned"))
    return redirect("dashboard:patient_summary", pk=patient.pk)
