"""What a step of a referral needs and writes beside the table: checks with sentences, and the facts it keeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator import wording
from coordinator.workflow import Actor, NotAllowed
from patients.models import Document
from referrals.kinds import kind_of
from referrals.models import Referral
from referrals.rules import referrals as rules
from referrals.services.attempts import check_no_reply, check_unreachable
from referrals.services.authorization_tasks import awaits_decision
from referrals.services.recipients import words_as_sent
from referrals.workflow import HELPED, OutcomeReason, ReferralStatus

WRITTEN_AFTER = timedelta(days=60)  # how long after its visit a referral may be written
# Which field keeps the moment of a step.
STAMPS = {
    "send": "sent_at",
    "receive": "received_at",
    "accept": "accepted_at",
    "schedule": "scheduled_at",
    "reopen_for_visit": "scheduled_at",
    "complete": "report_received_at",
    "record_help": "report_received_at",
}
# A referral that is opened again has no report any more; the history keeps the one it had.
REOPENED = {
    "report": None, "report_received_at": None, "report_is_critical": False, "reviewed_at": None,
    "patient_told_at": None, "loop_closed_at": None, "outcome_reason": "",
}  # fmt: skip


def complete_facts(
    referral: Referral, step: str, facts: dict[str, Any], *, by: Actor, now: datetime
) -> dict[str, Any]:
    """The facts with what the record knows already. Raises NotAllowed or ValidationError with the sentence why not."""
    facts = {name: value for name, value in facts.items() if value not in (None, "")}
    if step in ("schedule", "reopen_for_visit") and not facts.get("visit_place"):
        place = referral.recipient_organization or referral.recipient
        facts["visit_place"] = str(place)[:200] if place else _("at the recipient’s")
    if step == "send" and "packet" not in facts:
        newest = referral.packets.order_by("-number").values_list("number", flat=True).first()
        facts |= {"packet": newest} if newest else {}
    if step == "cancel_without_reply":
        facts["outcome_reason"] = OutcomeReason.NO_REPLY_FROM_RECIPIENT
    for name in rules.path(referral.status, step):
        check = CHECKS.get(name)
        if check is not None:
            check(referral, facts, by, now)
    return facts


def check_reason(referral: Referral, step: str, reason: str) -> None:
    """Going on before the payer decided is possible, as when an insurer says so by phone, but never silently."""
    waits = step == "make_ready" and referral.status == ReferralStatus.AWAITING_AUTHORIZATION
    if waits and not reason.strip() and awaits_decision(referral):
        raise ValidationError(
            {"reason": _("The authorization is not there yet. Say why the referral goes on without it.")}
        )


def _check_visit(referral: Referral, facts: dict[str, Any], by: Actor, now: datetime) -> None:
    visit_at = facts.get("visit_at")
    if isinstance(visit_at, datetime):
        check_is_its_visit(referral, "visit_at", timezone.localdate(visit_at, referral.site.tzinfo))


def check_is_its_visit(referral: Referral, field: str, on: date) -> None:
    """Some referrals are written after the visit; a visit long before is a mistyped year: ValidationError on `field`."""
    written = referral.changes.order_by("at", "id").values_list("at", flat=True).first()
    first = min(at for at in (written, referral.sent_at, referral.stage_since) if at is not None)
    day = timezone.localdate(first, referral.site.tzinfo)
    if on < day - WRITTEN_AFTER:
        words = {"day": wording.day(day)}
        raise ValidationError(
            {
                field: _("The referral was written on %(day)s. A visit that long before cannot be its visit.")
                % words
            }
        )


def facts_of(
    referral: Referral, name: str, step: str, facts: dict[str, Any], *, now: datetime
) -> dict[str, Any]:
    """What one step of a path keeps: its own facts, and what an answer that skipped it says evidently."""
    own: dict[str, Any] = {}
    if name == "receive":
        own["confirmed_by"] = facts.get("confirmed_by") or _("the answer itself")
    elif name == "see":
        own["seen_on"] = facts.get("seen_on") or referral.seen_on or _visit_day(referral, now)
    elif name == "make_ready":
        asked = ("recipient_organization", "clinical_question", "service")
        own = {field: facts[field] for field in asked if field in facts}
    if name == step:
        own |= facts
    if name == "send" or "recipient_organization" in own:
        own |= words_as_sent(referral, own.get("recipient_organization") or referral.recipient_organization)
    if name in STAMPS:
        own[STAMPS[name]] = now
    if name in ("reopen", "reopen_for_visit"):
        own = REOPENED | own
    return own


def _visit_day(referral: Referral, now: datetime) -> date:
    """The day of the visit that was known, unless that is still to come."""
    today = timezone.localdate(now, referral.site.tzinfo)
    if referral.visit_at is None:
        return today
    return min(timezone.localtime(referral.visit_at, referral.site.tzinfo).date(), today)


def _check_ready(referral: Referral, facts: dict[str, Any], by: Actor, now: datetime) -> None:
    _check_recipient(referral, facts, by, now)
    kind = kind_of(referral.category)
    if not (facts.get(kind.asks) or getattr(referral, kind.asks)):
        raise ValidationError({kind.asks: str(kind.lacking)})


def _check_recipient(referral: Referral, facts: dict[str, Any], by: Actor, now: datetime) -> None:
    if not referral.has_recipient and not facts.get("recipient_organization"):
        raise NotAllowed(_("Choose a recipient before sending."))


def _check_authorization(referral: Referral, facts: dict[str, Any], by: Actor, now: datetime) -> None:
    if not referral.authorizations.open().exists():
        raise NotAllowed(_("Write the prior authorization for this referral first: it waits for that one."))


def _check_seen(referral: Referral, facts: dict[str, Any], by: Actor, now: datetime) -> None:
    seen_on = facts.get("seen_on")
    if not isinstance(seen_on, date):
        return
    if seen_on > timezone.localdate(now, referral.site.tzinfo):
        raise ValidationError({"seen_on": _("A visit in the future cannot have happened.")})
    check_is_its_visit(referral, "seen_on", seen_on)


def _check_report(referral: Referral, facts: dict[str, Any], by: Actor, now: datetime) -> None:
    """A report of somebody else, or one entered in error, closes no loop."""
    report = facts.get("report")
    if report is None:
        raise ValidationError({"report": _("Choose the report, or add its file.")})
    kept = Document.objects.standing().filter(pk=report.pk, patient=referral.patient_id)
    if not kept.exists():
        raise ValidationError({"report": _("This document is not one of this patient. Choose their report.")})


def _check_help(referral: Referral, facts: dict[str, Any], by: Actor, now: datetime) -> None:
    if referral.category != Referral.Category.SOCIAL:
        raise NotAllowed(_("Only a referral for a social need ends with help alone. Attach the report."))
    if facts.get("outcome_reason") not in HELPED:
        raise ValidationError({"outcome_reason": _("Choose what came of it.")})


def _check_ending(referral: Referral, facts: dict[str, Any], by: Actor, now: datetime) -> None:
    check_unreachable(referral, facts.get("outcome_reason", ""), by=by, now=now)


def _check_no_reply(referral: Referral, facts: dict[str, Any], by: Actor, now: datetime) -> None:
    check_no_reply(referral, by=by)


CHECKS: dict[str, Callable[[Referral, dict[str, Any], Actor, datetime], None]] = {
    "await_authorization": _check_authorization,
    "make_ready": _check_ready,
    "send": _check_recipient,
    "schedule": _check_visit,
    "reopen_for_visit": _check_visit,
    "see": _check_seen,
    "complete": _check_report,
    "record_help": _check_help,
    "withdraw": _check_ending,
    "request_cancel": _check_ending,
    "cancel_without_reply": _check_no_reply,
}
