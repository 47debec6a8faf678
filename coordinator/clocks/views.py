"""Doorways: the rules register with its changes, and "why this date?"."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.audit import services as audit
from coordinator.clocks import register_selectors, register_services
from coordinator.clocks.forms import ProposalForm, RegisterFilters, proposal_initial
from coordinator.clocks.impact import impact_of
from coordinator.clocks.models import Rule, RuleProposal
from coordinator.clocks.reasons import reasons_for
from coordinator.clocks.subjects import visible_clock
from coordinator.db import Conflict
from coordinator.fields import attempt
from coordinator.http import page, requires, signed_in, whole_number
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed

STEPS = ("approve", "refuse", "withdraw")


@requires("rules.propose")
@require_GET
def rule_list(request: HttpRequest) -> HttpResponse:
    """The register on a day, with filters, and the changes that wait."""
    today = timezone.localdate()
    filters = RegisterFilters(request.GET or None)
    chosen = filters.cleaned_data if filters.is_bound and filters.is_valid() else {}
    on = chosen.get("on") or today
    narrowed = {
        "area": chosen.get("area", ""),
        "state": chosen.get("state", ""),
        "words": chosen.get("q", ""),
    }
    context = {
        "filters": filters,
        "on": on,
        "is_today": on == today,
        "rows": register_selectors.rules_on(on, **narrowed),
        "narrowed": any(narrowed.values()),
        "proposals": register_selectors.waiting_proposals(),
    }
    return page(request, "clocks/rule_list.html", context, part="clocks/_rule_rows.html")


@requires("rules.propose")
@require_GET
def rule_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One rule: what each version says, its source, test dates and approver, and what was proposed."""
    rule = _rule(pk)
    context = {
        "rule": rule,
        "today": timezone.localdate(),
        "versions": register_selectors.versions_of(rule),
        "proposals": register_selectors.decided_proposals(rule),
    }
    return page(request, "clocks/rule_detail.html", context)


@requires("rules.propose")
@require_http_methods(["GET", "POST"])
def rule_propose(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Propose another version; nothing changes until somebody else approves it."""
    rule = _rule(pk)
    last = rule.versions.select_related("rule").order_by("-effective_from").first()
    form = ProposalForm(request.POST or None, initial=proposal_initial(last))
    if request.method == "POST" and form.is_valid():
        proposal = _propose(request, rule, form)
        if proposal is not None:
            toast(request, _("Proposed. Somebody else approves it."))
            return redirect("clocks:proposal", proposal.pk)
    status = 422 if request.method == "POST" else 200
    return page(
        request, "clocks/rule_propose.html", {"rule": rule, "form": form, "last": last}, status=status
    )


def _propose(request: HttpRequest, rule: Rule, form: ProposalForm) -> RuleProposal | None:
    """The proposal, or None after a refusal, which goes onto the form."""
    facts = {"rule_id": rule.pk, "by": request.user, "now": timezone.now()}
    return attempt(form, lambda: register_services.propose_rule_version(**facts, **form.as_rule()))


@requires("rules.propose")
@require_GET
def proposal(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is proposed, beside what stands, and which open items would move."""
    return _proposal_page(request, _proposal(pk))


def _proposal_page(
    request: HttpRequest, found: RuleProposal, *, error: str = "", status: int = 200
) -> HttpResponse:
    last = found.rule.versions.select_related("rule", "calendar").order_by("-effective_from").first()
    own = found.created_by_id == request.user.pk
    context = {
        "proposal": found,
        "rule": found.rule,
        "proposed": register_selectors.words_of(found),
        "last": last,
        "present": register_selectors.words_of(last) if last else None,
        "impact": impact_of(found, request.user) if found.is_waiting else None,
        "is_past": found.effective_from < timezone.localdate(),
        "own": own,
        "may_decide": found.is_waiting and not own and request.user.can("rules.approve"),
        "error": error,
        "reason": request.POST.get("reason", ""),
    }
    return page(request, "clocks/proposal.html", context, status=status)


@requires("rules.propose")
@require_POST
def proposal_step(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """Approve, refuse, withdraw."""
    found = _proposal(pk)
    if step not in STEPS:
        raise Http404
    try:
        said = _take(request, found, step)
    except (ValidationError, Conflict, NotAllowed) as refusal:
        text = " ".join(getattr(refusal, "messages", [str(refusal)]))
        status = 422 if isinstance(refusal, ValidationError) else 409
        return _proposal_page(request, _proposal(pk), error=text, status=status)
    toast(request, said)
    return redirect("clocks:rule", found.rule_id)


def _take(request: HttpRequest, found: RuleProposal, step: str) -> str:
    same: dict[str, Any] = {"proposal_id": found.pk, "by": request.user, "now": timezone.now()}
    reason = request.POST.get("reason", "")[:300]
    if step == "refuse":
        register_services.refuse_proposal(reason=reason, **same)
        return _("Refused. The rule stays as it is.")
    if step == "withdraw":
        register_services.withdraw_proposal(reason=reason, **same)
        return _("Withdrawn. The rule stays as it is.")
    expected = whole_number(request.POST.get("moving"), -1)
    register_services.approve_proposal(expected=None if expected < 0 else expected, comment=reason, **same)
    return _("Approved. The new version is in the register.")


@signed_in
@require_GET
def clock_why(request: HttpRequest, pk: UUID) -> HttpResponse:
    """ "Why this date?" of one clock, for those who may see what it is about."""
    clock, subject = visible_clock(request.user, pk)
    if clock is None:
        raise Http404
    if subject.patient is not None:
        audit.viewed(request, subject.patient, what="clock")
    site_calendar = clock.site.calendar if clock.site else None
    context = {
        "reasons": reasons_for(clock, site_calendar=site_calendar),
        "subject": subject,
        "clock": clock,
        "may_see_rules": request.user.can("rules.propose"),
    }
    return page(request, "clocks/why.html", context, part="clocks/_why.html")


def _rule(pk: UUID) -> Rule:
    rule = Rule.objects.filter(pk=pk).first()
    if rule is None:
        raise Http404
    return rule


def _proposal(pk: UUID) -> RuleProposal:
    related = ("rule", "calendar", "created_by", "decided_by", "made")
    found = RuleProposal.objects.select_related(*related).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found
