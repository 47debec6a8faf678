"""Doorways for single acts on a request: its steps, and what is recorded beside them. One table says which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods

from coordinator.db import Conflict
from coordinator.fields import attempt
from coordinator.http import page, requires
from coordinator.toasts import toast
from coordinator.uploads import takes_files
from coordinator.workflow import NotAllowed
from referrals import services
from referrals.forms import authorization_acts as act_forms
from referrals.models import (
    AuthorizationLine,
    AuthorizationPaper,
    PayerCall,
    PriorAuthorization,
    RequirementCheck,
)
from referrals.rules import authorizations as rules
from referrals.views.authorizations import visible
from referrals.workflow import IN_FORCE, OVER, WITH_PAYER
from referrals.workflow import AuthorizationStatus as S

BEFORE_DECISION = tuple(s for s in S.values if s not in rules.DECIDED)
NOT_ENDED = tuple(s for s in S.values if s not in rules.ENDED)


@dataclass(frozen=True)
class Act:
    """One thing to do with a request: its form, the service, and at which statuses it is possible."""

    name: str
    label: Any
    form: type[act_forms.ActForm]
    service: Callable[..., Any]
    at: tuple[str, ...]
    hint: Any = ""
    button: Any = ""
    tone: str = ""
    is_offered: bool = True  # as a button of "Where it stands"
    wide: bool = False


ACTS = {
    act.name: act
    for act in (
        Act(
            "requirement",
            lazy("Record whether it is needed"),
            act_forms.RequirementForm,
            services.record_requirement,
            (S.REQUIREMENT_UNKNOWN, S.NOT_REQUIRED, S.REQUIRED, S.GATHERING, S.READY),
            hint=lazy("“Could not say” is not “no”: the question stays open."),
            button=lazy("Save the answer"),
        ),
        Act(
            "answer",
            lazy("We answered"),
            act_forms.AnswerForm,
            services.record_answer,
            (S.PENDED,),
            hint=lazy("The payer's clock has run on; it is the payer's move again."),
        ),
        Act(
            "decide",
            lazy("Record the decision"),
            act_forms.DecisionForm,
            services.decide_lines,
            WITH_PAYER,
            hint=lazy(
                "Line by line, as the payer's notice says. Leave a line without an answer if it has none."
            ),
            button=lazy("Save the decision"),
            wide=True,
        ),
        Act(
            "extend",
            lazy("The payer extends its time"),
            act_forms.ExtendForm,
            services.extend_decision,
            WITH_PAYER,
            hint=lazy("Only with a notice. The rule says by how much."),
        ),
        Act(
            "downgrade",
            lazy("Downgraded to standard"),
            act_forms.DowngradeForm,
            services.downgrade_to_standard,
            WITH_PAYER,
            hint=lazy("Counted again with the standard length, from the first receipt."),
        ),
        Act(
            "revise",
            lazy("Revised or extended"),
            act_forms.ReviseForm,
            services.revise_lines,
            IN_FORCE,
            hint=lazy("Under the same number. What stood before stays readable."),
            button=lazy("Save the change"),
            wide=True,
        ),
        Act(
            "end",
            lazy("Enter the end date"),
            act_forms.EndForm,
            services.set_end,
            IN_FORCE,
            hint=lazy("An approval has an end, or the payer says that it has none."),
        ),
        Act(
            "let_end",
            lazy("Let it end"),
            act_forms.LetEndForm,
            services.let_end,
            (*IN_FORCE, *OVER),
            hint=lazy("The tasks that ask to renew it close. It can be taken up again."),
        ),
        Act(
            "take_up_end",
            lazy("It is needed after all"),
            act_forms.NothingForm,
            services.take_up_end,
            (*IN_FORCE, *OVER),
        ),
        Act(
            "line",
            lazy("Add a line"),
            act_forms.LineForm,
            services.add_service_line,
            BEFORE_DECISION,
            is_offered=False,
        ),
        Act(
            "paper", lazy("Add a paper"), act_forms.PaperForm, services.add_paper, NOT_ENDED, is_offered=False
        ),
        Act(
            "call",
            lazy("Log a payer call"),
            act_forms.CallForm,
            services.record_call,
            S.values,
            is_offered=False,
        ),
    )
}


def acts_of(record: PriorAuthorization) -> list[Act]:
    """What the page offers as buttons: acts first, then steps; the usual next one is marked."""
    acts = [act for act in ACTS.values() if act.is_offered and _fits(act, record)]
    steps = [_step(record, name) for name in rules.offered_steps(record.status)]
    first = act_forms.FIRST.get(record.status)
    if record.status == S.PENDED:
        first = "decide" if record.answered_at else "answer"
    shown = [replace(act, tone="primary") if act.name == first else act for act in (*acts, *steps)]
    return sorted(shown, key=lambda act: act.tone != "primary")


def _fits(act: Act, record: PriorAuthorization) -> bool:
    if record.status not in act.at:
        return False
    if act.name == "downgrade":
        return record.urgency == "expedited"
    if act.name == "answer":
        return record.answered_at is None
    if act.name == "end":
        return record.ends_on is None and not record.has_no_end
    if act.name == "let_end":
        return record.may_end_at is None and (record.status in OVER or record.ends_on is not None)
    if act.name == "take_up_end":
        return record.may_end_at is not None
    if act.name == "extend":
        return record.clock is not None and record.clock.kind == rules.PAYER_DECISION
    return True


def _step(record: PriorAuthorization, name: str) -> Act:
    step = step_named(record, name)

    def take(**facts: Any) -> Any:
        return services.advance_authorization(step=name, **facts)

    form = act_forms.STEP_FORMS.get(name, act_forms.NothingForm)
    tone = "danger" if name in ("enter_in_error", "withdraw", "cancel", "record_payer_cancel") else ""
    return Act(name, step.label, form, take, step.sources, tone=tone)


def step_named(record: PriorAuthorization, name: str) -> Any:
    """The table's step. Raises NotAllowed when it is not possible from here."""
    if name not in rules.offered_steps(record.status):
        raise NotAllowed(_("This step is not possible now. Reload the page to see where the request stands."))
    return next(s for s in PriorAuthorization.workflow.steps if s.name == name)


def act_named(record: PriorAuthorization, name: str) -> Act:
    """Raises NotAllowed when it is not possible now, Http404 for a word that names nothing."""
    act = ACTS.get(name)
    if act is None:
        if name not in {step.name for step in PriorAuthorization.workflow.steps}:
            raise Http404
        return _step(record, name)
    if not _fits(act, record):
        raise NotAllowed(_("This step is not possible now. Reload the page to see where the request stands."))
    return act


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def authorization_act(request: HttpRequest, pk: UUID, act: str) -> HttpResponse:
    """Ask for what an act needs, then do it."""
    record = visible(request, pk)
    chosen = act_named(record, act)
    silence = {"silence": True} if act == "decide" and "silence" in request.GET else {}
    sent = request.POST if request.method == "POST" else None
    form = chosen.form(sent, authorization=record, user=request.user, **silence)
    if sent is not None and form.is_valid() and _done(request, record, chosen, form):
        toast(request, _("Saved: %(step)s") % {"step": chosen.label})
        gone = act == "enter_in_error"
        return (
            redirect("referrals:authorization_list")
            if gone
            else redirect("referrals:authorization_detail", pk)
        )
    context = {"form": form, "authorization": record, "patient": record.patient, "act": chosen}
    part = "referrals/_authorization_act_form.html"
    status = 200 if sent is None else 422
    return page(request, "referrals/authorization_act.html", context, part=part, status=status)


def _done(request: HttpRequest, record: PriorAuthorization, act: Act, form: act_forms.ActForm) -> bool:
    """False after a refusal, which goes onto the form."""
    typed = form.typed()
    return saved(form, act.service, authorization_id=record.pk, by=request.user, now=timezone.now(), **typed)


def saved(form: Any, service: Callable[..., Any], **facts: Any) -> bool:
    return attempt(form, lambda: service(**facts), on_top=(NotAllowed, Conflict)) is not None


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def authorization_line(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change or cancel one line, before the payer has answered it."""
    line, record = _part(request, AuthorizationLine, pk)
    if record.status in rules.DECIDED:
        raise NotAllowed(_("After a decision, make a new request or an appeal."))
    initial = {
        name: getattr(line, name)
        for name in ("service_code", "label", "unit_kind", "asked_from", "asked_until")
    }
    initial |= {"units": line.units_requested, "cancelled": line.decision == "cancelled"}
    sent = request.POST if request.method == "POST" else None
    form = act_forms.LineChangeForm(sent, authorization=record, user=request.user, initial=initial)
    same: dict[str, Any] = {"line_id": pk, "by": request.user, "now": timezone.now()}
    if sent is not None and form.is_valid() and saved(form, services.update_line, **same, **form.typed()):
        toast(request, _("Saved"))
        return redirect("referrals:authorization_detail", record.pk)
    return _part_page(request, record, form, _("Change the line %(code)s") % {"code": line.service_code})


@takes_files(lambda: settings.DOCUMENT_MAX_BYTES)
@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def authorization_paper(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Answer one line of the checklist: a document that is there, a file, or why it is not needed."""
    paper, record = _part(request, AuthorizationPaper, pk)
    sent = request.method == "POST"
    if sent and "detach" in request.POST:
        services.detach_paper(paper_id=pk, by=request.user, now=timezone.now())
        toast(request, _("The line is open again. The document stays in the record."))
        return redirect("referrals:authorization_detail", record.pk)
    files = request.FILES if sent else None
    form = act_forms.AttachForm(
        request.POST if sent else None, files, user=request.user, authorization=record
    )
    if sent and form.is_valid() and _attach(request, pk, form):
        toast(request, _("Saved: %(paper)s") % {"paper": paper.label})
        return redirect(_after_paper(request, record))
    context = {"form": form, "authorization": record, "patient": record.patient, "paper": paper}
    status = 422 if sent else 200
    return page(request, "referrals/authorization_paper.html", context, status=status)


def _after_paper(request: HttpRequest, record: PriorAuthorization) -> str:
    """Back to the submission that the paper was missing from, else to the list of papers."""
    if request.GET.get("then") == "submit" and "submit" in rules.offered_steps(record.status):
        return reverse("referrals:authorization_act", args=[record.pk, "submit"])
    return f"{reverse('referrals:authorization_detail', args=[record.pk])}#papers"


def _attach(request: HttpRequest, pk: UUID, form: act_forms.AttachForm) -> bool:
    same: dict[str, Any] = {"paper_id": pk, "by": request.user, "now": timezone.now()}
    data = form.cleaned_data
    if data["document"]:
        return saved(form, services.attach_paper, document=data["document"], **same)
    if data["files"]:
        return saved(form, services.upload_paper, files=data["files"], **same)
    return saved(form, services.drop_paper, reason=data["reason"], **same)


# What can be entered in error beside the request itself: (model, service, name of its key, words).
ROWS: dict[str, tuple[Any, Callable[..., Any], str, Any]] = {
    "call": (PayerCall, services.enter_call_in_error, "call_id", lazy("Enter the call in error")),
    "answer": (
        RequirementCheck,
        services.enter_requirement_in_error,
        "check_id",
        lazy("Enter the answer in error"),
    ),
}


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def authorization_row_in_error(request: HttpRequest, kind: str, pk: UUID) -> HttpResponse:
    """A call or an answer that belongs elsewhere: it stays, struck out, with the reason."""
    if kind not in ROWS:
        raise Http404
    model, service, key, words = ROWS[kind]
    _row, record = _part(request, model, pk)
    sent = request.POST if request.method == "POST" else None
    form = act_forms.ReasonForm(sent, authorization=record, user=request.user)
    same: dict[str, Any] = {key: pk, "by": request.user, "now": timezone.now()}
    if sent is not None and form.is_valid() and saved(form, service, **same, **form.typed()):
        toast(request, _("Marked as entered in error"))
        return redirect("referrals:authorization_detail", record.pk)
    return _part_page(request, record, form, words)


def _part(request: HttpRequest, model: Any, pk: UUID) -> tuple[Any, PriorAuthorization]:
    """A row of a request that this person may know, with the request. Raises Http404."""
    row = model.objects.filter(pk=pk).first()
    if row is None:
        raise Http404
    return row, visible(request, row.authorization_id)


def _part_page(request: HttpRequest, record: PriorAuthorization, form: Any, label: Any) -> HttpResponse:
    act = {"label": label, "button": _("Save")}
    context = {"form": form, "authorization": record, "patient": record.patient, "act": act}
    part = "referrals/_authorization_act_form.html"
    status = 422 if form.is_bound else 200
    return page(request, "referrals/authorization_act.html", context, part=part, status=status)
