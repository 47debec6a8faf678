"""One visit: its page, its steps, undo; and a step for many visits at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.audit import services as audit
from coordinator.db import Conflict
from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires, safe_next
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from scheduling import services
from scheduling.forms import CancelForm
from scheduling.models import Appointment
from scheduling.rules.local_time import local_day
from scheduling.selectors import appointments as reads
from scheduling.selectors.choices import zone_name
from scheduling.selectors.page import needs_of
from scheduling.views.steps import ACTS, BULK, act_for, take_back

MOST_AT_ONCE = 200


@require_GET
@requires("visits.view")
def appointment_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everything about one visit, and what can be done with it now."""
    visit = _visible(request, pk)
    audit.viewed(request, visit.patient, "visit")
    with timezone.override(visit.site.tzinfo):
        return page(request, "scheduling/appointment_detail.html", _detail(request, visit))


def _visible(request: HttpRequest, pk: UUID) -> Appointment:
    return get_visible_or_404(reads.with_everything(Appointment.objects.all()), request.user, pk=pk)


def _detail(request: HttpRequest, visit: Appointment) -> dict[str, Any]:
    now = timezone.now()
    changes, reminders = reads.history(visit), reads.reminders_of(visit)
    possible = reads.actions(request.user, visit, now=now, cancelled_at=reads.cancelled_at(visit, changes))
    patient_zone = visit.patient.zone
    return {
        "visit": visit,
        "patient": visit.patient,
        "now": now,
        "changes": changes,
        "reminders": reminders,
        "needs": needs_of(visit.patient),
        "readiness": reads.readiness(visit, reminders, local_day(now, visit.zone)),
        "acts": _buttons(possible.steps, visit),
        "corrections": _buttons(possible.corrections, visit),
        "may_move": "reschedule" in possible or "book" in possible,
        "zone_name": zone_name(visit.site.zone),
        "patient_zone": patient_zone if patient_zone != visit.site.zone else "",
        "patient_zone_name": zone_name(patient_zone),
    }


def _buttons(steps: list[str], visit: Appointment) -> list[dict[str, Any]]:
    return [{"step": step, "act": act} for step in steps if (act := act_for(step, visit))]


@require_http_methods(["GET", "POST"])
@requires("visits.book")
def appointment_step(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """Ask for what a step needs, then take it; one that needs nothing is taken by its button."""
    visit = _visible(request, pk)
    act = act_for(step, visit)
    if act is None:
        raise Http404
    form = act.form(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                act.take(appointment_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data)
            except (NotAllowed, Conflict, ValidationError) as refusal:
                status = _put_on(form, refusal)
            else:
                return _done(request, visit, step)
    context = {"form": form, "visit": visit, "patient": visit.patient, "act": act, "step": step}
    with timezone.override(visit.site.tzinfo):
        return page(request, "scheduling/step.html", context, part="scheduling/_step.html", status=status)


def _put_on(form: Any, refusal: Exception) -> int:
    """Show a refusal in the form that was sent; the status that says what it is."""
    if isinstance(refusal, ValidationError):
        show_refusal(form, refusal)
        return 422
    form.add_error(None, str(refusal))
    return 409


def _done(request: HttpRequest, visit: Appointment, step: str) -> HttpResponse:
    act, here = ACTS[step], safe_next(request, reverse("scheduling:appointment_detail", args=[visit.pk]))
    undo = reverse("scheduling:appointment_undo", args=[visit.pk, step]) if act.undo else ""
    gone = step == "enter_in_error"
    toast(request, str(act.done), undo=undo, back=here)
    answer = redirect(reverse("scheduling:schedule") if gone else here)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=200, headers={"HX-Redirect": answer["Location"]})
    return answer


@require_POST
@requires("visits.book")
def appointment_undo(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """Take back what was just done."""
    visit = _visible(request, pk)
    here = safe_next(request, reverse("scheduling:appointment_detail", args=[pk]))
    try:
        take_back(step, visit, reason=_("Undone"), by=request.user, now=timezone.now())
    except KeyError:
        raise Http404 from None
    except (NotAllowed, Conflict) as refusal:
        toast(request, str(refusal), tone="error")
    else:
        toast(request, _("Undone"))
    return redirect(here)


# --- many at once -----------------------------------------------------------------------------------


@require_POST
@requires("visits.book")
def bulk(request: HttpRequest) -> HttpResponse:
    """The same step for the chosen visits. Each is judged by itself; what was refused is listed with why."""
    step = request.POST.get("step", "")
    if step not in BULK:
        raise ValidationError(_("Choose what to do with the selected visits."))
    chosen = list(_chosen(request))
    form = CancelForm(request.POST if "reason" in request.POST else None)
    if step == "cancel" and not form.is_valid():
        context = {"form": form, "visits": chosen, "step": step, "next": safe_next(request, "")}
        return page(request, "scheduling/bulk_cancel.html", context, status=422 if form.is_bound else 200)
    facts = form.cleaned_data if step == "cancel" else {}
    ids = [visit.pk for visit in chosen]
    results = services.change_many(
        ACTS[step].take, appointment_ids=ids, by=request.user, now=timezone.now(), **facts
    )
    refused = {result.appointment_id: result.text for result in results if not result.done}
    done = len(results) - len(refused)
    label = str(ACTS[step].label)
    if done:
        toast(
            request,
            ngettext("%(n)d visit: %(what)s", "%(n)d visits: %(what)s", done) % {"n": done, "what": label},
        )
    back = safe_next(request, reverse("scheduling:schedule"))
    if not refused:
        return redirect(back)
    rows = [(visit, refused[visit.pk]) for visit in chosen if visit.pk in refused]
    context = {"rows": rows, "done": done, "label": label, "back": back}
    return page(request, "scheduling/bulk_result.html", context, status=200 if done else 409)


def _chosen(request: HttpRequest) -> Any:
    keys = []
    for key in request.POST.getlist("ids")[:MOST_AT_ONCE]:
        try:
            keys.append(UUID(key))
        except ValueError:
            raise Http404 from None
    found = Appointment.objects.visible_to(request.user).filter(pk__in=keys)
    return found.select_related("patient", "service", "practitioner", "site").order_by("start", "id")
