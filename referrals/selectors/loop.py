"""Reads for the page of one referral: the eight facts with their evidence, the ledger, the conversation, the links."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from careplans.models import ContactAttempt
from coordinator.wording import day_time
from patients.models import Document
from referrals.exchange_states import EXCHANGE
from referrals.forms.referrals import CHANNELS
from referrals.models import Delivery, Referral, ReferralAttempt, ReferralChange
from referrals.permissions import can_end_without_reply, can_manage_referral
from referrals.rules.attempts import ATTEMPTS, DAY_PARTS, DAYS, Standing, Try, standing
from referrals.workflow import ENDED_WITHOUT_REPORT, OutcomeReason

# Name of the fact, the field that holds its time, the steps whose row in the history is its evidence.
FACTS: tuple[tuple[Any, str, tuple[str, ...]], ...] = (
    (lazy("Sent"), "sent_at", ("send",)),
    (lazy("Received"), "received_at", ("receive",)),
    (lazy("Accepted"), "accepted_at", ("accept",)),
    (lazy("Visit date known"), "scheduled_at", ("schedule", "reopen_for_visit")),
    (lazy("Seen"), "seen_on", ("see",)),
    (lazy("Report in"), "report_received_at", ("complete", "record_help")),
    (lazy("Reviewed by the requester"), "reviewed_at", ("review",)),
    (lazy("Patient told"), "patient_told_at", ("tell_patient",)),
)
SENT_BY = dict(CHANNELS) | dict(Delivery.Channel.choices)
REQUESTER_TOLD = (lazy("Requester told"), "requester_told_at", ("tell_requester",))


@dataclass(frozen=True)
class Fact:
    """One fact of the loop: its time, or the day of a visit, and what shows it, with who recorded that."""

    label: Any
    at: datetime | None
    on: date | None
    evidence: str
    by: str
    document: Document | None = None

    @property
    def is_there(self) -> bool:
        return self.at is not None or self.on is not None


def loop_facts(user: Any, referral: Referral, changes: list[ReferralChange]) -> list[Fact]:
    """The eight facts in order; one that ended without a report has "requester told" as the last. At most one query."""
    latest = {change.step: change for change in sorted(changes, key=lambda c: (c.at, c.id))}
    report = _report(user, referral)
    rows = (*FACTS, REQUESTER_TOLD) if referral.status in ENDED_WITHOUT_REPORT else FACTS
    found = []
    for label, field, steps in rows:
        value = getattr(referral, field)
        change = max((latest[s] for s in steps if s in latest), key=lambda c: c.at, default=None)
        is_day = field == "seen_on"
        there = value is not None and change is not None
        evidence = _evidence(change, referral) if there and change else ""
        if field == "sent_at" and there:
            evidence = _with_arrival(evidence, latest.get("deliver"), change)
        found.append(
            Fact(
                label=label,
                at=None if is_day else value,
                on=value if is_day else None,
                evidence=evidence,
                by=str(change.by or change.by_system) if there and change else "",
                document=report if field == "report_received_at" and value else None,
            )
        )
    return found


def _with_arrival(evidence: str, arrived: ReferralChange | None, sent: ReferralChange | None) -> str:
    """What shows that it was sent, and that it arrived since; arriving is not "received" by anybody."""
    if arrived is None or (sent is not None and arrived.at < sent.at):
        return evidence
    words = {"when": day_time(arrived.at), "evidence": arrived.facts.get("evidence", "")}
    return f"{evidence}. {_('Delivered %(when)s: %(evidence)s') % words}"


def _report(user: Any, referral: Referral) -> Document | None:
    """The report, for who may see it."""
    if referral.report_id is None:
        return None
    return Document.objects.visible_to(user).filter(pk=referral.report_id).first()


def _evidence(change: ReferralChange, referral: Referral) -> str:
    """What shows a fact, as one sentence; "" when only the person who recorded it does."""
    facts = change.facts
    if change.step == "send" and facts.get("channel"):
        words = {"channel": SENT_BY.get(facts["channel"], facts["channel"]), "n": facts.get("packet")}
        if facts.get("packet"):
            return _("By %(channel)s, packet version %(n)s") % words
        return _("By %(channel)s, no packet kept here") % words
    if change.step == "tell_patient" and facts.get("channel"):
        return _("By %(channel)s") % {"channel": ContactAttempt.Channel(facts["channel"]).label}
    if change.step == "record_help" and facts.get("outcome_reason"):
        outcome = OutcomeReason(facts["outcome_reason"]).label
        return _("%(outcome)s, said by %(who)s") % {"outcome": outcome, "who": facts["confirmed_by"]}
    if change.step == "review" and change.by_id and _is_requester(change, referral):
        return _("By the requester")
    if change.step == "review":
        return _("On the requester’s word")
    if facts.get("visit_place"):
        return _("At %(place)s") % {"place": facts["visit_place"]}
    if facts.get("confirmed_by"):
        return _("Said by %(who)s") % {"who": facts["confirmed_by"]}
    return ""


def _is_requester(change: ReferralChange, referral: Referral) -> bool:
    return bool(referral.requester_id and change.by and change.by.practitioner_id == referral.requester_id)


@dataclass(frozen=True)
class Ledger:
    """The attempts to reach one side, newest first, and what is missing before "could not be reached"."""

    whom: str
    label: Any
    rows: list[ReferralAttempt]
    standing: Standing


def attempts_box(referral: Referral) -> list[Ledger]:
    """Both sides of the ledger. One query."""
    rows = ReferralAttempt.objects.standing().filter(referral=referral).select_related("created_by")
    found = list(rows.order_by("-at"))
    ledgers = []
    for whom in ReferralAttempt.Whom:
        own = [row for row in found if row.whom == whom]
        tries = [Try(row.at, row.channel, row.reached) for row in own]
        needs_letter = whom == ReferralAttempt.Whom.PATIENT
        stands = standing(tries, referral.site.zone, needs_letter=needs_letter)
        ledgers.append(Ledger(whom.value, whom.label, own, stands))
    return ledgers


def loop_context(user: Any, referral: Referral, changes: list[ReferralChange]) -> dict[str, Any]:
    """What the parts of the referral's page need. Six queries, whatever there is."""
    messages = referral.messages.standing().select_related("created_by", "document")
    seen = set(_visible_keys(user, [m.document_id for m in messages if m.document_id]))
    visible = Referral.objects.visible_to(user)
    return {
        "facts": loop_facts(user, referral, changes),
        "exchange": EXCHANGE[referral.status],
        "ledger": attempts_box(referral),
        "minimum": {"attempts": ATTEMPTS, "days": DAYS, "parts": DAY_PARTS},
        "messages_kept": list(messages.order_by("-at")),
        "papers_seen": seen,
        "links": _links(visible, referral),
        "packets": list(referral.packets.select_related("created_by", "document")),
        "can_end_without_reply": can_end_without_reply(user, referral),
        "can_refer_elsewhere": can_manage_referral(user, referral)
        and referral.status in ENDED_WITHOUT_REPORT,
    }


def _visible_keys(user: Any, keys: list[UUID]) -> list[UUID]:
    if not keys:
        return []
    return list(Document.objects.visible_to(user).filter(pk__in=keys).values_list("pk", flat=True))


def _links(visible: Any, referral: Referral) -> list[tuple[Any, Referral]]:
    """Referrals that this one goes on from, was followed by, stands in for, or was replaced by."""
    words = {
        referral.refers_elsewhere_id: _("Goes on from"),
        referral.replaces_id: _("Replaces"),
    }
    found = []
    linked = Q(refers_elsewhere=referral.pk) | Q(replaces=referral.pk) | Q(pk__in=[k for k in words if k])
    for other in visible.filter(linked).order_by("created_at"):
        if other.pk in words:
            found.append((words[other.pk], other))
        else:
            says = _("Went on as") if other.refers_elsewhere_id == referral.pk else _("Replaced by")
            found.append((says, other))
    return found
