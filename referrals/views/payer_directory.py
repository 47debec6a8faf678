"""Doorways for the payer directory: what coordinators look up before they call."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from coordinator.clocks.register_selectors import RuleRow
from coordinator.clocks.selectors import register
from coordinator.http import page, requires
from coordinator.toasts import toast
from referrals.models import REVIEW_EVERY, InboundDocument, Payer
from referrals.rules.authorizations import decision_rule
from referrals.selectors import directory as selectors
from referrals.services import payer_lists


@require_GET
@requires("referrals.view")
def payer_directory(request: HttpRequest) -> HttpResponse:
    """Every payer in use with its numbers and when somebody last checked them."""
    context = {
        "payers": list(selectors.payers(request.user)),
        "review_before": timezone.localdate() - REVIEW_EVERY,
        "may_set_up": request.user.can("settings.manage"),
        "sorts": request.user.can("referrals.edit"),
        "incoming": InboundDocument.objects.visible_to(request.user).waiting().count(),
    }
    return page(request, "referrals/directory/payer_list.html", context)


@require_GET
@requires("referrals.view")
def payer_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One payer: how to reach it, what it decides in which time, what it wants, how requests go through."""
    payer = _visible(request, pk)
    today = timezone.localdate()
    context = {
        "payer": payer,
        "lines": [Payer.Type(code).label for code in payer.lines_of_business],
        "clocks": _clocks(payer),
        "requirements": payer.requirements.filter(is_active=True)[:50],
        "required_papers": payer.required_papers.filter(is_active=True)[:50],
        "review_before": today - REVIEW_EVERY,
        "today": today,
        "may_set_up": request.user.can("settings.manage"),
    }
    return page(request, "referrals/directory/payer_detail.html", context)


def _visible(request: HttpRequest, pk: UUID) -> Any:
    payer = selectors.payers(request.user).filter(pk=pk).first()
    if payer is None:
        raise Http404
    return payer


def _clocks(payer: Payer) -> list[tuple[str, RuleRow]]:
    """The rules that set this payer's time to decide, as the register has them today."""
    in_force = {version.rule.key: version for version in register(timezone.localdate())}
    asked = [
        (_("Standard request"), decision_rule(payer.payer_type, "standard")),
        (_("Expedited request"), decision_rule(payer.payer_type, "expedited")),
        (_("Medicine, standard"), decision_rule(payer.payer_type, "standard", "medicine")),
        (_("Medicine, expedited"), decision_rule(payer.payer_type, "expedited", "medicine")),
    ]
    return [(words, RuleRow(in_force[key], waiting=False)) for words, key in asked if key in in_force]


@require_POST
@requires("settings.manage")
def payer_reviewed(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Somebody compared all this with the payer today."""
    payer = payer_lists.review_payer(payer_id=pk, by=request.user, now=timezone.now())
    toast(request, _("Checked today: %(name)s") % {"name": payer})
    if request.user.can("referrals.view"):
        return redirect("referrals:payer_detail", pk)
    return redirect("referrals:payer_list", "payers")
