"""Doorways for sending a packet and for what became of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coordinator.audit import services as audit
from coordinator.db import Conflict
from coordinator.fields import attempt
from coordinator.http import get_visible_or_404, page, requires, whole_number
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from referrals.forms.deliveries import AnswerForm, DeliveryReasonForm, SendForm
from referrals.models import Delivery, Referral
from referrals.selectors.deliveries import channels_offered, standing_of, usual_channel
from referrals.services import deliveries as services

REFUSED = (Conflict, NotAllowed)


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def delivery_new(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send a packet: the recipient's usual channel first. What was sent already is shown before it goes again."""
    people = ("patient__site", "site", "recipient_organization", "recipient")
    referral = get_visible_or_404(Referral.objects.select_related(*people), request.user, pk=pk)
    channel = _channel(request, referral)
    newest = referral.packets.order_by("-number").values_list("number", flat=True).first()
    wanted = whole_number(request.POST.get("version"), newest or 0)
    sent_before = standing_of(referral, wanted)
    again = bool(sent_before)
    form = SendForm(request.POST or None, user=request.user, referral=referral, channel=channel, again=again)
    if request.method == "POST" and form.is_valid():
        done = attempt(form, lambda: _send(request, referral, channel, form.cleaned_data), on_top=REFUSED)
        if done is not None:
            return redirect("referrals:referral_detail", pk)
    audit.viewed(request, referral.patient, what="sending")
    context = {
        "referral": referral,
        "patient": referral.patient,
        "form": form,
        "channel": channel,
        "channels": channels_offered(),
        "newest": newest,
        "sent_before": sent_before,
    }
    status = 422 if request.method == "POST" else 200
    return page(request, "referrals/delivery_new.html", context, "referrals/_delivery_form.html", status)


def _channel(request: HttpRequest, referral: Referral) -> str:
    asked = request.GET.get("channel", "")
    offered = {value for value, _label in channels_offered()}
    return asked if asked in offered else usual_channel(request.user, referral)


def _send(request: HttpRequest, referral: Referral, channel: str, data: dict[str, Any]) -> Delivery:
    given = dict(data)
    number = given.pop("version")
    delivery = services.send_packet(
        referral_id=referral.pk,
        number=number,
        channel=channel,
        by=request.user,
        now=timezone.now(),
        **given,
    )
    said = {
        "fax": _("The fax is on its way. The referral is sent; that it arrived will stand here."),
        "email": _("The message is on its way. Call the recipient and tell them the code below."),
    }
    toast(request, said.get(channel, _("Recorded as sent")))
    return delivery


ACTS: dict[str, tuple[Any, Any]] = {
    "answer": (AnswerForm, services.answer_delivery),
    "revoke": (DeliveryReasonForm, services.revoke_delivery),
    "enter_in_error": (DeliveryReasonForm, services.enter_delivery_in_error),
}


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def delivery_act(request: HttpRequest, pk: UUID, act: str) -> HttpResponse:
    """What a person says about one delivery: whether it came, that it is taken back, that it was an error."""
    rows = Delivery.objects.select_related("referral__patient", "referral__site", "packet", "created_by")
    delivery = get_visible_or_404(rows, request.user, pk=pk)
    if act not in ACTS:
        raise Http404
    form_class, service = ACTS[act]
    form = form_class(request.POST or None)
    if request.method == "POST" and form.is_valid():
        write: Any = lambda: service(delivery_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data)  # noqa: E731
        if attempt(form, write, on_top=REFUSED) is not None:
            toast(request, _("Recorded"))
            return redirect("referrals:referral_detail", delivery.referral_id)
    referral = delivery.referral
    context = {
        "delivery": delivery,
        "referral": referral,
        "patient": referral.patient,
        "form": form,
        "act": act,
    }
    status = 422 if request.method == "POST" else 200
    return page(request, "referrals/delivery_act.html", context, "referrals/_delivery_act.html", status)
