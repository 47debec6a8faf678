"""The clinic's lists about payers: payers themselves, what needs an authorization, which papers go with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.fields import attempt
from coordinator.http import page, requires
from coordinator.toasts import toast
from referrals.forms import payer_lists as payer_list_forms
from referrals.models import Payer, PayerRequirement, RequiredPaper
from referrals.services import payer_lists


@dataclass(frozen=True)
class Kept:
    """One list: its model and form, how it is saved, and its words."""

    kind: str
    title: Any
    hint: Any
    new: Any
    model: Any
    form: Any
    save: Callable[..., Any]
    fields: tuple[str, ...]


LISTS = {
    one.kind: one
    for one in (
        Kept(
            "payers",
            lazy("Payers"),
            lazy("How each takes requests, and when somebody last checked."),
            lazy("New payer"),
            Payer,
            payer_list_forms.PayerForm,
            payer_lists.save_payer,
            payer_lists.PAYER,
        ),
        Kept(
            "needed",
            lazy("Is it needed?"),
            lazy("Answers without a call, with their source and how long they hold."),
            lazy("New line"),
            PayerRequirement,
            payer_list_forms.RequirementForm,
            payer_lists.save_requirement,
            payer_lists.REQUIREMENT,
        ),
        Kept(
            "papers",
            lazy("Papers"),
            lazy("What a payer wants to see with a service."),
            lazy("New paper"),
            RequiredPaper,
            payer_list_forms.PaperForm,
            payer_lists.save_required_paper,
            payer_lists.PAPER,
        ),
    )
}


@requires("settings.manage")
@require_GET
def payer_list(request: HttpRequest, kind: str) -> HttpResponse:
    """One of the lists: what is offered, and what was retired."""
    kept = _kept(kind)
    rows = (
        kept.model.objects.order_by("name")
        if kind == "payers"
        else kept.model.objects.select_related("payer")
    )
    rows = list(rows)
    context = {
        "kept": kept,
        "tab": kind,
        "offered": [row for row in rows if row.is_active],
        "retired": [row for row in rows if not row.is_active],
        "today": timezone.localdate(),
    }
    return page(request, "referrals/payer_list.html", context)


@requires("settings.manage")
@require_http_methods(["GET", "POST"])
def payer_list_edit(request: HttpRequest, kind: str, pk: UUID | None = None) -> HttpResponse:
    """A new line, or another wording of one."""
    kept = _kept(kind)
    row = _row(kept, pk) if pk else None
    initial = {name: getattr(row, name) for name in kept.fields} if row else {}
    sent = request.POST if request.method == "POST" else None
    form = kept.form(sent, initial=initial)
    if sent is not None and form.is_valid() and attempt(form, lambda: _save(request, kept, form, pk)):
        toast(request, _("Saved"))
        return redirect("referrals:payer_list", kind)
    context = {"kept": kept, "tab": kind, "form": form, "row": row}
    return page(request, "referrals/payer_list_form.html", context, status=200 if sent is None else 422)


def _save(request: HttpRequest, kept: Kept, form: Any, pk: UUID | None) -> Any:
    return kept.save(row_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data)


@requires("settings.manage")
@require_POST
def payer_list_step(request: HttpRequest, kind: str, pk: UUID, step: str) -> HttpResponse:
    """Retire, restore."""
    kept = _kept(kind)
    row = _row(kept, pk)
    if step not in ("retire", "restore"):
        raise Http404
    offered = step == "restore"
    same: dict[str, Any] = {"model": kept.model, "row_id": row.pk, "by": request.user, "now": timezone.now()}
    payer_lists.set_offered(offered=offered, **same)
    said = _("Offered again: %(name)s") if offered else _("Retired: %(name)s. What rests on it stays.")
    toast(request, said % {"name": row})
    return redirect("referrals:payer_list", kind)


def _kept(kind: str) -> Kept:
    if kind not in LISTS:
        raise Http404
    return LISTS[kind]


def _row(kept: Kept, pk: UUID) -> Any:
    """One line. Every manager keeps the whole list. Raises Http404."""
    row = kept.model.objects.filter(pk=pk).first()
    if row is None:
        raise Http404
    return row
