"""Doorways for denials: the notice, the kit, talks, letters, appeals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.audit import services as audit
from coordinator.db import Conflict
from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from referrals import services
from referrals.forms.denials import (
    AppealForm,
    AppealOutcomeForm,
    DenialForm,
    ErrorForm,
    PeerToPeerForm,
    PeerToPeerOutcomeForm,
)
from referrals.models import Appeal, Denial, PeerToPeer, PriorAuthorization
from referrals.rules import appeals as appeal_rules
from referrals.selectors.denials import kit, letter_is_unfit, related


def visible_denial(request: HttpRequest, pk: UUID) -> Denial:
    return get_visible_or_404(related(), request.user, pk=pk)


@require_GET
@requires("referrals.view")
def denial_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The kit: the payer's words, the days left, what to send, the letter, talks and appeals."""
    denial = visible_denial(request, pk)
    patient = denial.authorization.patient
    audit.viewed(request, patient, what="denial")
    with timezone.override(denial.authorization.site.tzinfo):
        found = kit(denial, request.user)
        context = {
            "kit": found,
            "denial": denial,
            "authorization": denial.authorization,
            "patient": patient,
            "unfit": letter_is_unfit(request.user, found),
            "now": timezone.now(),
        }
        return page(request, "referrals/denial_detail.html", context)


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def denial_new(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Record what the payer refused, and why in its own words."""
    found = PriorAuthorization.objects.select_related("patient", "payer", "site").prefetch_related("lines")
    record = get_visible_or_404(found, request.user, pk=pk)
    first = {"words": record.denial_reason, "notice_on": timezone.localdate()}
    form = DenialForm(request.POST or None, user=request.user, authorization=record, initial=first)
    title = _("Record the denial")

    def save(data: dict[str, Any], **common: Any) -> str:
        denial = services.record_denial(authorization_id=pk, **data, **common)
        toast(request, _("Denial recorded"))
        return str(denial.pk)

    return _form_page(request, form, record, title, save, _("Record it"))


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def denial_in_error(request: HttpRequest, pk: UUID) -> HttpResponse:
    denial = visible_denial(request, pk)

    def save(data: dict[str, Any], **common: Any) -> str:
        services.enter_denial_in_error(denial_id=pk, **data, **common)
        toast(request, _("Entered in error"))
        return str(pk)

    form = ErrorForm(request.POST or None)
    return _form_page(
        request,
        form,
        denial.authorization,
        _("Enter this denial in error"),
        save,
        _("Enter in error"),
        denial,
    )


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def talk_new(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A peer-to-peer talk is agreed."""
    denial = visible_denial(request, pk)

    def save(data: dict[str, Any], **common: Any) -> str:
        services.plan_peer_to_peer(denial_id=pk, **data, **common)
        toast(request, _("Talk planned. The appeal clock runs on."))
        return str(pk)

    with timezone.override(denial.authorization.site.tzinfo):
        form = PeerToPeerForm(request.POST or None, user=request.user)
        return _form_page(
            request, form, denial.authorization, _("Plan a peer-to-peer talk"), save, _("Plan it"), denial
        )


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def talk_outcome(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How a peer-to-peer talk went."""
    talk = get_visible_or_404(PeerToPeer.objects.all(), request.user, pk=pk)
    denial = visible_denial(request, talk.denial_id)

    def save(data: dict[str, Any], **common: Any) -> str:
        own = {name: data[name] for name in ("outcome", "held_at", "payer_clinician", "note")}
        services.record_peer_to_peer(talk_id=pk, **own, units=form.units, **form.decision, **common)
        toast(request, _("Recorded"))
        return str(denial.pk)

    with timezone.override(denial.authorization.site.tzinfo):
        first = {"held_at": talk.at, "payer_clinician": talk.payer_clinician}
        form = PeerToPeerOutcomeForm(request.POST or None, denial=denial, initial=first)
        return _form_page(
            request, form, denial.authorization, _("How did the talk go?"), save, _("Record it"), denial
        )


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def appeal_new(request: HttpRequest, pk: UUID) -> HttpResponse:
    """File the next level of the appeal, with the proof of sending."""
    denial = visible_denial(request, pk)
    record = denial.authorization
    levels = denial.appeals.values_list("level", flat=True)
    number = appeal_rules.next_level(record.payer.payer_type, levels) or 9
    level = appeal_rules.level_of(record.payer.payer_type, number)
    letter = denial.letters.order_by("number").last()

    def save(data: dict[str, Any], **common: Any) -> str:
        services.file_appeal(denial_id=pk, letter=None if level.by_plan else letter, **data, **common)
        toast(request, _("Appeal filed. The payer’s clock runs."))
        return str(pk)

    with timezone.override(record.site.tzinfo):
        first = {"kind": "expedited" if record.urgency == "expedited" else "standard"}
        form = AppealForm(
            request.POST or None,
            user=request.user,
            authorization=record,
            by_plan=level.by_plan,
            initial=first,
        )
        more = {"level": level, "letter": letter}
        title = _("File the appeal: %(level)s") % {"level": level.name}
        return _form_page(request, form, record, title, save, _("It is filed"), denial, **more)


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def appeal_outcome(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What was decided about an appeal."""
    appeal = get_visible_or_404(Appeal.objects.all(), request.user, pk=pk)
    denial = visible_denial(request, appeal.denial_id)

    def save(data: dict[str, Any], **common: Any) -> str:
        own = {name: data[name] for name in ("outcome", "outcome_on", "words", "next_by")}
        services.record_appeal_outcome(appeal_id=pk, **own, units=form.units, **form.decision, **common)
        toast(request, _("Recorded"))
        return str(denial.pk)

    form = AppealOutcomeForm(request.POST or None, denial=denial)
    return _form_page(
        request, form, denial.authorization, _("What was decided?"), save, _("Record it"), denial
    )


@require_POST
@requires("referrals.edit")
def denial_tick(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A line of the checklist is there (or again not), by hand."""
    denial = visible_denial(request, pk)
    services.tick_paper(
        denial_id=denial.pk, what=request.POST.get("what", ""), by=request.user, now=timezone.now()
    )
    return redirect("referrals:denial_detail", pk)


@require_POST
@requires("referrals.edit")
def denial_close(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Nobody appeals: the request is closed as denied."""
    denial = visible_denial(request, pk)
    services.advance_authorization(
        authorization_id=denial.authorization_id,
        step="close_denied",
        by=request.user,
        now=timezone.now(),
        reason=_("No appeal"),
    )
    toast(request, _("Closed as denied"))
    return redirect("referrals:denial_detail", pk)


def _form_page(
    request: HttpRequest,
    form: forms.Form,
    record: PriorAuthorization,
    title: str,
    save: Callable[..., str],
    button: str,
    denial: Denial | None = None,
    **more: Any,
) -> HttpResponse:
    """One form about a denial: ask, save by `save`, go to the kit; a refusal stays at its field (422 or 409)."""
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                key = save(form.cleaned_data, by=request.user, now=timezone.now())
                return redirect("referrals:denial_detail", key)
            except ValidationError as refusal:
                show_refusal(form, refusal)
            except (Conflict, NotAllowed) as refusal:
                form.add_error(None, str(refusal))
                status = 409
    context = {
        "form": form,
        "authorization": record,
        "patient": record.patient,
        "denial": denial,
        "title": title,
        "button": button,
        **more,
    }
    return page(
        request, "referrals/denial_form.html", context, part="referrals/_denial_form.html", status=status
    )
