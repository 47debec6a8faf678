"""Doorways for funds, their ledger, papers, payments, the plain words of bills, and dollars found."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from coordinator.db import Conflict
from coordinator.fields import attempt
from coordinator.http import get_visible_or_404, page, requires, whole_number
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from referrals.forms import money as forms
from referrals.models import (
    AidApplication,
    AskedPaper,
    BenefitApplication,
    Bill,
    BillLine,
    BillPhrase,
    Fund,
    FundMovement,
    Spend,
)
from referrals.permissions import can_keep_funds
from referrals.selectors import money as selectors
from referrals.services import aid, bills, funds


@require_GET
@requires("referrals.view")
def fund_list(request: HttpRequest) -> HttpResponse:
    """Local funds with what is left in each."""
    found = list(selectors.funds(request.user))
    context = {"funds": found, "may_keep": can_keep_funds(request.user), "tab": "funds"}
    return page(request, "referrals/money/funds.html", context)


@require_GET
@requires("referrals.view")
def fund_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What a fund is for, its balance, and every movement."""
    fund = get_visible_or_404(Fund, request.user, pk=pk)
    start = whole_number(request.GET.get("after"))
    rows = selectors.ledger(request.user, fund, start)
    context = {
        "fund": fund,
        "movements": rows[: selectors.PAGE_SIZE],
        "next_after": start + selectors.PAGE_SIZE if len(rows) > selectors.PAGE_SIZE else None,
        "may_keep": can_keep_funds(request.user),
        "tab": "funds",
    }
    return page(request, "referrals/money/fund.html", context)


@require_http_methods(["GET", "POST"])
@requires("funds.manage")
def fund_edit(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """A new fund, or other facts of one that is there."""
    fund = get_visible_or_404(Fund, request.user, pk=pk) if pk else None
    form = forms.FundForm(request.POST or None, instance=fund)
    if saved := _sent(request, form, funds.save_fund, fund_id=pk):
        toast(request, _("Saved: %(name)s") % {"name": saved})
        return redirect("referrals:fund_detail", saved.pk)
    back = reverse("referrals:fund_detail", args=[pk]) if pk else reverse("referrals:fund_list")
    title = _("Change the fund") if pk else _("New fund")
    return _form(request, form, title=title, button=_("Save"), back=back)


@require_http_methods(["GET", "POST"])
@requires("funds.manage")
def fund_deposit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Money that came in."""
    fund = get_visible_or_404(Fund, request.user, pk=pk)
    form = forms.DepositForm(request.POST or None)
    if _sent(request, form, funds.add_money, fund_id=pk):
        toast(request, _("Money in recorded"))
        return redirect("referrals:fund_detail", pk)
    back = reverse("referrals:fund_detail", args=[pk])
    return _form(request, form, title=_("Money in"), button=_("Record"), back=back, about=fund)


@require_http_methods(["GET", "POST"])
@requires("funds.manage")
def deposit_reverse(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A deposit that was a mistake is taken back by a line of its own."""
    line = _there(FundMovement, pk, "fund")
    form = forms.ReasonForm(request.POST or None)
    if _sent(request, form, funds.reverse_deposit, movement_id=pk):
        toast(request, _("Reversed"))
        return redirect("referrals:fund_detail", line.fund_id)
    back = reverse("referrals:fund_detail", args=[line.fund_id])
    about = f"{line.fund}, ${line.money_in}"
    return _form(request, form, title=_("Reverse the deposit"), button=_("Reverse"), back=back, about=about)


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def payment_reverse(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A payment that was a mistake."""
    spend = _there(Spend, pk, "award")
    application = get_visible_or_404(AidApplication, request.user, pk=spend.award.application_id)
    form = forms.ReasonForm(request.POST or None)
    back = reverse("referrals:money_detail", args=["aid", application.pk])
    if _sent(request, form, aid.reverse_payment, spend_id=pk):
        toast(request, _("Reversed"))
        return redirect(back)
    about = f"{spend.paid_to}, ${spend.amount}"
    return _form(request, form, title=_("Reverse the payment"), button=_("Reverse"), back=back, about=about)


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def line_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A line of a bill that was typed by mistake."""
    line = _there(BillLine, pk)
    bill = get_visible_or_404(Bill, request.user, pk=line.bill_id)
    form = forms.ReasonForm(request.POST or None)
    back = reverse("referrals:money_detail", args=["bill", bill.pk])
    if _sent(request, form, bills.remove_line, line_id=pk):
        toast(request, _("Removed"))
        return redirect(back)
    return _form(request, form, title=_("Remove the line"), button=_("Remove"), back=back, about=line.text)


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def paper(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Attach a document to a paper that is asked for, or say why it is not needed."""
    asked = _there(AskedPaper, pk)
    record: Any = (
        get_visible_or_404(
            AidApplication.objects.select_related("patient"), request.user, pk=asked.application_id
        )
        if asked.application_id
        else get_visible_or_404(
            BenefitApplication.objects.select_related("patient"), request.user, pk=asked.benefit_id
        )
    )
    if asked.document_id and not selectors.shown_documents(request.user, [asked.document_id]):
        raise NotAllowed(
            _("A document that you do not see is attached. Somebody who sees it can change this.")
        )
    initial = {"document": asked.document_id, "not_needed": asked.not_needed}
    form = forms.PaperForm(request.POST or None, user=request.user, patient=record.patient, initial=initial)
    back = reverse("referrals:money_detail", args=[record.kind, record.pk])
    if _sent(request, form, aid.attach_paper, paper_id=pk):
        toast(request, _("Saved: %(name)s") % {"name": asked.name})
        return redirect(back)
    more = {"add_document": reverse("patients:document_new", args=[record.patient_id])}
    return _form(request, form, title=asked.name, button=_("Save"), back=back, about=record, **more)


@require_GET
@requires("funds.manage")
def dollars_found(request: HttpRequest) -> HttpResponse:
    """Dollars found for patients, by month and fund, of one calendar year."""
    this_year = timezone.localdate().year
    year = min(max(whole_number(request.GET.get("year"), this_year), 2000), this_year)
    found = selectors.dollars_found(request.user, year)
    context = {"found": found, "year": year, "this_year": this_year, "tab": "found", "may_keep": True}
    return page(request, "referrals/money/found.html", context)


@require_GET
@requires("funds.manage")
def phrase_list(request: HttpRequest) -> HttpResponse:
    """The plain words for the lines of bills."""
    context = {
        "phrases": BillPhrase.objects.order_by("-is_active", "label"),
        "tab": "phrases",
        "may_keep": True,
    }
    return page(request, "referrals/money/phrases.html", context)


@require_http_methods(["GET", "POST"])
@requires("funds.manage")
def phrase_edit(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    phrase = _there(BillPhrase, pk) if pk else None
    form = forms.PhraseForm(request.POST or None, instance=phrase)
    back = reverse("referrals:phrase_list")
    if _sent(request, form, bills.save_phrase, phrase_id=pk):
        toast(request, _("Saved: %(name)s") % {"name": form.cleaned_data["label"]})
        return redirect(back)
    title = _("Change the words") if pk else _("New words for a kind of line")
    return _form(request, form, title=title, button=_("Save"), back=back)


def _there(model: type[Model], pk: Any, *related: str) -> Any:
    """A row that hangs on another one, by which the caller narrows it. Raises Http404."""
    found = model._default_manager.select_related(*related).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _sent(request: HttpRequest, form: Any, service: Any, **named: Any) -> Any:
    """What the service answers to what was typed; None when nothing was sent, or when something is wrong with it, which
    then stands on the form."""
    if request.method != "POST" or not form.is_valid():
        return None
    facts = {"by": request.user, "now": timezone.now(), **named, **form.cleaned_data}
    return attempt(form, lambda: service(**facts), on_top=(NotAllowed, Conflict))


def _form(request: HttpRequest, form: Any, **context: Any) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    context |= {"form": form, "action": request.path}
    return page(request, "referrals/money/form.html", context, "referrals/money/_form.html", status)
