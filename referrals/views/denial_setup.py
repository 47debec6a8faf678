"""The list of kinds of denial with their checklists and letters, and payers' terms: kept by managers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.fields import attempt
from coordinator.http import page, requires
from coordinator.toasts import toast
from referrals import services
from referrals.forms.denials import DenialCategoryForm, PayerTermsForm
from referrals.models import DenialCategory, Payer
from referrals.rules import letters as letter_rules
from referrals.selectors.letters import DEFAULT


@requires("settings.manage")
@require_GET
def category_list(request: HttpRequest) -> HttpResponse:
    categories = list(DenialCategory.objects.all())
    context = {
        "offered": [category for category in categories if category.retired_at is None],
        "retired": [category for category in categories if category.retired_at is not None],
        "payers": Payer.objects.filter(is_active=True).order_by("name"),
    }
    return page(request, "referrals/category_list.html", context)


@requires("settings.manage")
@require_http_methods(["GET", "POST"])
def category_edit(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """A new kind of denial, or another wording of one that is there."""
    category = _category(pk) if pk else None
    first = {"letter": DEFAULT}
    if category:
        first = {name: getattr(category, name) for name in ("label", "label_es", "letter")}
    form = DenialCategoryForm(
        request.POST or None, checklist=category.checklist if category else (), initial=first
    )
    if (
        request.method == "POST"
        and form.is_valid()
        and attempt(form, lambda: _save(request, form, pk), conflict_at="label")
    ):
        toast(request, _("Saved: %(name)s") % {"name": form.cleaned_data["label"]})
        return redirect("referrals:category_list")
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "category": category, "places": letter_rules.PLACES}
    return page(request, "referrals/category_form.html", context, status=status)


def _save(request: HttpRequest, form: DenialCategoryForm, pk: UUID | None) -> DenialCategory:
    data = form.cleaned_data
    return services.save_denial_category(
        category_id=pk,
        label=data["label"],
        label_es=data["label_es"],
        letter=data["letter"],
        checklist=form.checklist,
        by=request.user,
        now=timezone.now(),
    )


@requires("settings.manage")
@require_POST
def category_step(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """Up, down, retire, restore."""
    category = _category(pk)
    same: dict[str, Any] = {"category_id": category.pk, "by": request.user, "now": timezone.now()}
    if step in ("up", "down"):
        services.move_denial_category(up=step == "up", **same)
    elif step == "retire":
        services.retire_denial_category(**same)
        toast(request, _("Retired: %(name)s. Denials keep it.") % {"name": category})
    elif step == "restore":
        services.restore_denial_category(**same)
        toast(request, _("Offered again: %(name)s") % {"name": category})
    else:
        raise Http404
    return redirect(f"{reverse('referrals:category_list')}#r{category.pk}")


@requires("settings.manage")
@require_http_methods(["GET", "POST"])
def payer_terms(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A payer's own window for peer-to-peer talks, and whether it is slow."""
    payer = Payer.objects.filter(pk=pk).first()
    if payer is None:
        raise Http404
    first = {"peer_to_peer_days": payer.peer_to_peer_days, "is_slow": payer.is_slow}
    form = PayerTermsForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        services.save_payer_terms(payer_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data)
        toast(request, _("Saved: %(name)s") % {"name": payer})
        return redirect(f"{reverse('referrals:category_list')}#payers")
    status = 422 if request.method == "POST" else 200
    return page(request, "referrals/payer_terms.html", {"form": form, "payer": payer}, status=status)


def _category(pk: UUID) -> DenialCategory:
    """One kind. Every manager keeps the whole list. Raises Http404."""
    category = DenialCategory.objects.filter(pk=pk).first()
    if category is None:
        raise Http404
    return category
