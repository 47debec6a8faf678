"""The doorway where a packet is put together."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coordinator.audit import services as audit
from coordinator.http import get_visible_or_404, page, requires
from coordinator.packets.forms import PacketForm
from coordinator.packets.gather import offer_of
from coordinator.packets.services import make_packet
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from referrals.models import Referral


@requires("referrals.edit")
@require_http_methods(["GET", "POST"])
def packet_new(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What goes to the recipient, ticked as its kind needs it; the packet is shown before anything is sent."""
    rows = Referral.objects.select_related("patient__site", "site", "problem", "recipient_organization")
    referral = get_visible_or_404(rows, request.user, pk=pk)
    now = timezone.now()
    offer = offer_of(referral, request.user, now)
    form = PacketForm(request.POST if request.method == "POST" else None, offer=offer)
    if request.method == "POST" and form.is_valid():
        try:
            packet = make_packet(referral_id=pk, keys=form.keys, by=request.user, now=now)  # type: ignore[arg-type]
            toast(
                request, _("Packet version %(n)d made. Look at it before it is sent.") % {"n": packet.number}
            )
            return redirect("dashboard:document", packet.document_id)
        except NotAllowed as error:
            form.add_error(None, str(error))
    audit.viewed(request, referral.patient, what="packet")
    context = {"referral": referral, "patient": referral.patient, "form": form, "offer": offer}
    return page(request, "packets/packet_new.html", context, status=422 if request.method == "POST" else 200)
