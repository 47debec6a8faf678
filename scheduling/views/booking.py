"""Booking a visit and moving one. A refusal keeps what was typed and offers the next free times."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from coordinator.db import Conflict
from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires, safe_next
from coordinator.toasts import toast
from coordinator.wording import clock_time, week_day
from coordinator.workflow import NotAllowed
from patients.selectors import find_patients
from scheduling import services
from scheduling.forms import OTHER, BookForm, MoveForm
from scheduling.models import Appointment
from scheduling.permissions import can_manage
from scheduling.selectors import facts
from scheduling.selectors.appointments import with_everything
from scheduling.selectors.slots import Offer
from scheduling.views.asked import Asked, asked
from scheduling.views.schedule import FINDER_NAMES, finder_context, search_of
from scheduling.workflow import UNBOOKED, Status


@require_http_methods(["GET", "POST"])
@requires("visits.book")
def book(request: HttpRequest) -> HttpResponse:
    """The finder as a page of its own (GET), and the booking itself (POST)."""
    ask = asked(request, request.POST if request.method == "POST" else _linked(request))
    with timezone.override(ask.site.tzinfo):
        sent = request.POST if request.method == "POST" else None
        form = BookForm(sent, site=ask.site, who=_who(ask), authorizations=ask.authorizations)
        if request.method == "GET":
            return _page(ask, None)
        if ask.patient is None:
            form.add_error(None, _("Choose the patient first."))
        if not form.is_valid():
            return _page(ask, form, status=422)
        try:
            visit = _book(ask, form.cleaned_data)
        except (Conflict, NotAllowed, ValidationError) as refusal:
            return _refused(ask, form, refusal)
        undo = reverse("scheduling:appointment_undo", args=[visit.pk, "book"])
        toast(request, _("Booked: %(when)s") % {"when": _when(visit)}, undo=undo, back=_day_of(visit))
        return redirect(safe_next(request, _day_of(visit)))


def _linked(request: HttpRequest) -> QueryDict:
    """Other pages link here with ?patient= and maybe ?service=, which is the finder's visit type."""
    data = request.GET.copy()
    if data.get("service"):
        data.setdefault("visit", data["service"])
    return data


def _book(ask: Asked, data: dict[str, Any]) -> Appointment:
    search = search_of(ask)
    if ask.patient is None or search is None:
        raise ValidationError(_("Choose the patient and the visit type first."))
    return services.book_appointment(
        patient_id=ask.patient.pk,
        service_id=search.service.pk,
        site_id=ask.site.pk,
        practitioner_id=None if search.service.is_outside else data["practitioner_id"],
        start=data["start"],
        place=data["place"],
        reason=data["reason"],
        override_reason=data["override_reason"],
        authorization_id=UUID(data["authorization"]) if data.get("authorization") else None,
        must_be_by=search.must_be_by,
        by=ask.request.user,
        now=ask.now,
    )


@require_http_methods(["GET", "POST"])
@requires("visits.book")
def appointment_move(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A new time for a visit: the finder with everything filled in."""
    visit = get_visible_or_404(with_everything(Appointment.objects.all()), request.user, pk=pk)
    if not can_manage(request.user, visit):
        raise PermissionDenied(_("Your role does not include changing visits at this site."))
    ask = asked(request, _as_asked(request, visit))
    with timezone.override(ask.site.tzinfo):
        kind = BookForm if visit.status in UNBOOKED else MoveForm
        form = kind(request.POST or None, site=ask.site, who=_who(ask) or visit.practitioner_id)
        if request.method == "GET":
            return _page(ask, kind(site=ask.site, initial=_why(visit)), replaces=visit)
        if not form.is_valid():
            return _page(ask, form, status=422, replaces=visit)
        try:
            new = _move(ask, visit, form.cleaned_data)
        except (Conflict, NotAllowed, ValidationError) as refusal:
            return _refused(ask, form, refusal, replaces=visit)
        toast(request, _said(visit, form.cleaned_data) % {"when": _when(new)})
        return redirect(safe_next(request, reverse("scheduling:appointment_detail", args=[new.pk])))


def _said(visit: Appointment, data: dict[str, Any]) -> str:
    if data.get("agreed") is False:
        return _("Moved to %(when)s. A task asks to tell the patient.")
    if visit.status in UNBOOKED:
        return _("Booked: %(when)s")
    return _("Rebooked: %(when)s") if visit.status == Status.NO_SHOW else _("Moved to %(when)s")


def _why(visit: Appointment) -> dict[str, Any]:
    """What is evident: a missed visit is booked anew on the phone with the patient, without typing."""
    return {"reason": _("Missed visit"), "agreed": True} if visit.status == Status.NO_SHOW else {}


def _move(ask: Asked, visit: Appointment, data: dict[str, Any]) -> Appointment:
    wish = {
        "appointment_id": visit.pk,
        "start": data["start"],
        "practitioner_id": None if visit.is_outside else data["practitioner_id"],
        "override_reason": data["override_reason"],
        "by": ask.request.user,
        "now": ask.now,
    }
    if visit.status in UNBOOKED:
        return services.book_waiting(**wish)
    return services.reschedule_appointment(reason=data["reason"], ask_to_tell=not data["agreed"], **wish)


def _as_asked(request: HttpRequest, visit: Appointment) -> QueryDict:
    """What the finder looks for when a visit is moved: the same patient, visit type and provider."""
    data = (request.POST if request.method == "POST" else request.GET).copy()
    data["patient"], data["visit"], data["site"] = (
        str(visit.patient_id),
        str(visit.service_id),
        str(visit.site_id),
    )
    data.setdefault("who", str(visit.practitioner_id or ""))
    if visit.must_be_by:
        data.setdefault("must_be_by", visit.must_be_by.isoformat())
    return data


@require_POST
@requires("visits.book")
def choose_patient(request: HttpRequest) -> HttpResponse:
    """For whom. By POST, so that a name never becomes part of an address."""
    text = request.POST.get("q", "").strip()[:100]
    found = find_patients(request.user, text, 20, today=timezone.localdate())
    kept = [pair for pair in parse_qsl(request.POST.get("query", "")[:500]) if pair[0] in FINDER_NAMES[1:]]
    context = {"found": found, "text": text, "kept": urlencode(kept)}
    return page(request, "scheduling/choose_patient.html", context, part="scheduling/_choose_patient.html")


# --- answers ----------------------------------------------------------------------------------------


def _page(
    ask: Asked, form: BookForm | None, status: int = 200, light: bool = False, **more: Any
) -> HttpResponse:
    ask.data.pop("csrfmiddlewaretoken", None)
    context = finder_context(ask, light)
    if form is not None:
        context["book_form"] = form
        posted = form.data.get("slot") if form.is_bound else ""
        context["chosen"] = more.pop("chosen", "") or posted or context.get("chosen", "")
    context |= {"ask": ask, "site": ask.site, "today": ask.today, "now": ask.now, **more}
    context["heading"] = _heading(more.get("replaces"))
    return page(ask.request, "scheduling/book.html", context, part="scheduling/_finder.html", status=status)


def _refused(ask: Asked, form: BookForm, refusal: Exception, **more: Any) -> HttpResponse:
    """The same form with the reason; a taken time brings the next free ones, the best chosen already."""
    if isinstance(refusal, ValidationError):
        show_refusal(form, refusal)
        return _page(ask, form, status=422, **more)
    if isinstance(refusal, NotAllowed):
        form.add_error(None, str(refusal))
        return _page(ask, form, status=409, **more)
    free = refusal.extra.get("next_free", [])  # type: ignore[attr-defined]
    own = _own_choice(form) if refusal.extra.get("needs_reason") else None  # type: ignore[attr-defined]
    if own:  # it may still be among the free ones: offered once
        asked_for = (own["start"], own["practitioner_id"])
        free = [own, *(one for one in free if (one["start"], one["practitioner_id"]) != asked_for)]
    offers = _offers(free)
    chosen = form.data.get("slot", "") if own else (offers[0].value if offers else "")
    return _page(ask, form, status=409, light=True, conflict=refusal, offers=offers, chosen=chosen, **more)


def _own_choice(form: BookForm) -> dict[str, Any] | None:
    """The time that was asked for, when it can still be had with a reason."""
    start, who = form.cleaned_data["start"], form.cleaned_data["practitioner_id"]
    if who is None or form.data.get("slot") == OTHER:
        return None
    return {"start": start, "end": start, "practitioner_id": who}


def _offers(free: list[dict[str, Any]]) -> list[Offer]:
    people = facts.practitioners_by_id({one["practitioner_id"] for one in free})
    return [Offer(one["start"], one["end"], people[one["practitioner_id"]]) for one in free]


def _who(ask: Asked) -> UUID | None:
    ask.finder.is_valid()
    who = ask.finder.cleaned_data.get("who")
    return UUID(who) if who else None


def _when(visit: Appointment) -> str:
    words = f"{week_day(visit.start)}, {clock_time(visit.start)}"
    return (
        _("%(when)s with %(who)s") % {"when": words, "who": visit.practitioner}
        if visit.practitioner
        else words
    )


def _day_of(visit: Appointment) -> str:
    day = timezone.localtime(visit.start).date()
    return f"{reverse('scheduling:schedule')}?{urlencode({'date': day.isoformat()})}"


def _heading(replaces: Appointment | None) -> str:
    if replaces is None or replaces.status in UNBOOKED:
        return _("Book a visit")
    return _("Rebook a missed visit") if replaces.status == Status.NO_SHOW else _("Move a visit")
