"""The waitlist: free times, who is asked and what they said, who waits; adding and changing an entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.audit import services as audit
from coordinator.db import Conflict
from coordinator.fields import attempt
from coordinator.http import get_visible_or_404, page, requires
from coordinator.toasts import toast
from coordinator.wording import clock_time, day_time
from coordinator.workflow import NotAllowed
from scheduling.forms import ReasonForm
from scheduling.models import Appointment, WaitlistEntry, WaitlistOffer
from scheduling.permissions import can_book_at, can_correct, can_manage
from scheduling.selectors import choices
from scheduling.selectors import waitlist as reads
from scheduling.services import waitlist as services
from scheduling.services import waitlist_offers as offers
from scheduling.views.missed import site_of
from scheduling.waitlist_forms import WishesForm, YesForm
from scheduling.waitlist_workflow import WAITS

REFUSED = (NotAllowed, Conflict)


@require_GET
@requires("visits.view")
def waitlist(request: HttpRequest) -> HttpResponse:
    """Three lists of one place: times that are free again, offers out, and who waits."""
    site, sites = site_of(request)
    now = timezone.now()
    with timezone.override(site.tzinfo):
        entries = reads.waiting_at(request.user, site)
        times = reads.open_times(request.user, site, entries, now)
        context = {
            "site": site,
            "sites": sites,
            "now": now,
            "today": timezone.localdate(),
            "entries": entries,
            "offers": reads.open_offers(request.user, site),
            "suiting": [time for time in times if time.first],
            "unsuited": [time for time in times if not time.first],
            "may_book": can_book_at(request.user, site.pk),
        }
        return page(request, "scheduling/waitlist.html", context, part="scheduling/_waitlist.html")


# --- entries ----------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@requires("visits.book")
def waitlist_add(request: HttpRequest) -> HttpResponse:
    """Put somebody on the list; ?patient= and maybe ?visit= and ?site= come from the slot finder."""
    site, sites = site_of(request)
    patient = get_visible_or_404(
        choices.patients_to_book(request.user), request.user, pk=_key(request, "patient")
    )
    initial = {"service": request.GET.get("visit", ""), "priority": "routine"}
    form = _wishes(request, site, initial=initial)
    if request.method == "POST" and form.is_valid():
        added = attempt(
            form,
            lambda: services.add_to_waitlist(
                patient_id=patient.pk,
                service_id=UUID(form.cleaned_data["service"]),
                site_id=site.pk,
                by=request.user,
                now=timezone.now(),
                **form.wishes,
            ),
            on_top=REFUSED,
        )
        if added:
            toast(request, _("On the waitlist"))
            return redirect(_list_of(site))
    status = 422 if form.is_bound else 200
    context = {"form": form, "patient": patient, "site": site, "sites": sites}
    return page(request, "scheduling/waitlist_form.html", context, status=status)


def _key(request: HttpRequest, name: str) -> UUID:
    try:
        return UUID(request.GET.get(name, ""))
    except ValueError:
        raise Http404 from None


def _wishes(request: HttpRequest, site: Any, **more: Any) -> WishesForm:
    sent = request.POST if request.method == "POST" else None
    return WishesForm(sent, services=choices.services(), people=choices.people_at([site.pk]), **more)


def _list_of(site: Any) -> str:
    return f"{reverse('scheduling:waitlist')}?site={site.pk}"


@require_GET
@requires("visits.view")
def waitlist_entry(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One entry: its wishes, what was offered, its history, its steps."""
    entry = _visible(request, pk)
    audit.viewed(request, entry.patient, "waitlist")
    may = can_manage(request.user, entry) and entry.status in WAITS
    form = _wishes(request, entry.site, initial=_as_wishes(entry)) if may else None
    return _entry_page(request, entry, form, 200)


@require_POST
@requires("visits.book")
def waitlist_change(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Other wishes."""
    entry = _visible(request, pk)
    form = _wishes(request, entry.site, initial=_as_wishes(entry))
    form.fields["service"].disabled = True
    if form.is_valid() and attempt(form, lambda: _change(request, entry, form), on_top=REFUSED):
        toast(request, _("Saved"))
        return redirect("scheduling:waitlist_entry", pk)
    return _entry_page(request, entry, form, 422)


def _entry_page(
    request: HttpRequest, entry: WaitlistEntry, form: WishesForm | None, status: int
) -> HttpResponse:
    if form is not None:
        form.fields["service"].disabled = True
    with timezone.override(entry.site.tzinfo):
        return page(request, "scheduling/waitlist_entry.html", _shown(request, entry, form), status=status)


def _change(request: HttpRequest, entry: WaitlistEntry, form: WishesForm) -> WaitlistEntry:
    version = form.cleaned_data["version"] or 0
    return services.change_wishes(
        entry_id=entry.pk, version=version, by=request.user, now=timezone.now(), **form.wishes
    )


def _as_wishes(entry: WaitlistEntry) -> dict[str, Any]:
    names = ("earliest_on", "latest_on", "weekdays", "part_of_day", "priority", "note", "version")
    return {name: getattr(entry, name) for name in names} | {
        "service": str(entry.service_id),
        "practitioner": str(entry.practitioner_id or ""),
    }


def _shown(request: HttpRequest, entry: WaitlistEntry, form: WishesForm | None) -> dict[str, Any]:
    steps = [step for step in STEPS if _may_take(request.user, entry, step)]
    return {
        "entry": entry,
        "patient": entry.patient,
        "form": form,
        "steps": [(name, STEPS[name]) for name in steps],
        "offers": entry.offers.visible_to(request.user)
        .select_related("practitioner")
        .order_by("-offered_at"),
        "changes": entry.changes.select_related("by").order_by("-at", "-id"),
        "now": timezone.now(),
    }


@dataclass(frozen=True)
class EntryStep:
    take: Callable[..., WaitlistEntry]
    label: Any
    done: Any
    is_correction: bool = False


STEPS = {
    "close": EntryStep(services.take_off_waitlist, lazy("Take off the waitlist"), lazy("Off the waitlist")),
    "reopen": EntryStep(
        services.put_back_on_waitlist, lazy("Back on the waitlist"), lazy("Back on the waitlist")
    ),
    "enter_in_error": EntryStep(
        services.enter_waiting_in_error, lazy("Entered in error"), lazy("Entered in error"), True
    ),
}


def _may_take(user: Any, entry: WaitlistEntry, name: str) -> bool:
    may = can_correct if STEPS[name].is_correction else can_manage
    return may(user, entry) and entry.workflow.find(name, entry.status) is not None


@require_http_methods(["GET", "POST"])
@requires("visits.book")
def waitlist_step(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """A step that needs a reason."""
    entry = _visible(request, pk)
    if step not in STEPS:
        raise Http404
    if not _may_take(request.user, entry, step):
        raise NotAllowed(_("This step is not possible now. Reload the page to see how the entry stands."))
    act, form = STEPS[step], ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = {"entry_id": pk, "by": request.user, "now": timezone.now(), **form.cleaned_data}
        if attempt(form, lambda: act.take(**given), on_top=REFUSED):
            toast(request, str(act.done))
            return redirect(_list_of(entry.site))
    context = {"form": form, "entry": entry, "patient": entry.patient, "act": act, "step": step}
    status = 422 if form.is_bound else 200
    return page(request, "scheduling/waitlist_step.html", context, status=status)


def _visible(request: HttpRequest, pk: UUID) -> WaitlistEntry:
    source = WaitlistEntry.objects.select_related("patient", "service", "site", "practitioner", "appointment")
    return get_visible_or_404(source, request.user, pk=pk)


# --- offers -----------------------------------------------------------------------------------------------------


@require_POST
@requires("visits.book")
def waitlist_offer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Offer the time of a cancelled visit to the first whom it suits."""
    freed = get_visible_or_404(Appointment.objects.select_related("site"), request.user, pk=pk)
    with timezone.override(freed.site.tzinfo):
        try:
            offer = offers.offer_time(freed_by_id=pk, by=request.user, now=timezone.now())
        except REFUSED as refusal:
            toast(request, str(refusal), tone="error")
        else:
            toast(request, _("Offered. Call by %(by)s.") % {"by": clock_time(offer.answer_by)})
    return redirect(_list_of(freed.site))


@require_http_methods(["GET", "POST"])
@requires("visits.book")
def waitlist_answer(request: HttpRequest, pk: UUID, answer: str) -> HttpResponse:
    """Record yes or no, or take the offer back. A yes against which something stands asks why; GET shows that form."""
    source = WaitlistOffer.objects.select_related("entry__patient", "entry__service", "site", "practitioner")
    offer = get_visible_or_404(source, request.user, pk=pk)
    if answer not in ANSWERS:
        raise Http404
    with timezone.override(offer.site.tzinfo):
        if request.method == "GET":
            return _yes_page(request, offer, YesForm(), None, 200)
        return ANSWERS[answer](request, offer, timezone.now())


def _yes(request: HttpRequest, offer: WaitlistOffer, now: datetime) -> HttpResponse:
    reason = request.POST.get("override_reason", "").strip()[:250]
    try:
        visit = offers.accept_offer(offer_id=offer.pk, by=request.user, now=now, override_reason=reason)
    except Conflict as conflict:
        form = YesForm({"override_reason": reason}) if reason else YesForm()
        return _yes_page(request, offer, form, conflict, 409)
    toast(request, _("Booked: %(when)s") % {"when": day_time(visit.start)})
    return redirect(_list_of(offer.site))


def _no(request: HttpRequest, offer: WaitlistOffer, now: datetime) -> HttpResponse:
    _old, following = offers.decline_offer(offer_id=offer.pk, by=request.user, now=now)
    said = _("Recorded. The next one is being asked.") if following else _("Recorded. Nobody else fits.")
    toast(request, said)
    return redirect(_list_of(offer.site))


def _take_back(request: HttpRequest, offer: WaitlistOffer, now: datetime) -> HttpResponse:
    offers.withdraw_offer(offer_id=offer.pk, reason=_("Taken back"), by=request.user, now=now)
    toast(request, _("The offer was taken back."))
    return redirect(_list_of(offer.site))


ANSWERS = {"yes": _yes, "no": _no, "back": _take_back}


def _yes_page(
    request: HttpRequest, offer: WaitlistOffer, form: forms.Form, conflict: Conflict | None, status: int
) -> HttpResponse:
    context = {
        "offer": offer,
        "entry": offer.entry,
        "patient": offer.entry.patient,
        "form": form,
        "conflict": conflict,
    }
    return page(request, "scheduling/waitlist_yes.html", context, status=status)
