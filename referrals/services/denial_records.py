"""A payer's denial in its own words, with the days by which an appeal and a peer-to-peer talk have to be asked for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.audit import services as audit
from coordinator.clocks import register, rules
from coordinator.clocks.models import Clock
from coordinator.clocks.selectors import rule_in_force
from coordinator.clocks.services import meet_clock, start_clock, void_clock
from coordinator.clocks.workflow import OPEN as RUNNING
from coordinator.clocks.workflow import State
from coordinator.db import lock
from coordinator.workflow import Actor, NotAllowed, person, record_edit
from patients.models import Document
from referrals.models import AuthorizationLine, Denial, DenialCategory, PriorAuthorization
from referrals.permissions import check_can_manage_referral
from referrals.rules import appeals as appeal_rules
from referrals.services.authorizations import advance_authorization
from referrals.services.decisions import decide_lines
from referrals.services.denials import ask_about_denial
from referrals.workflow import WITH_PAYER, AuthorizationStatus

S = AuthorizationStatus
REFUSED = (S.DENIED, S.PEER_TO_PEER, S.PARTIALLY_APPROVED, S.MODIFIED)


@transaction.atomic
def record_denial(
    *,
    authorization_id: UUID,
    category: DenialCategory,
    words: str,
    notice_on: date,
    by: Actor,
    now: datetime,
    lines: Iterable[int] = (),
    told_by: str = "",
    channel: str = Denial.Channel.LETTER,
    notice: Document | None = None,
    printed_appeal_on: date | None = None,
    printed_peer_on: date | None = None,
) -> Denial:
    """Keep what the payer said, and start the clocks of appeal and peer-to-peer, counted from the notice date.

    `lines` are numbers of the lines refused (none: all). A request that is still with the payer is decided by this:
    its refused lines become denied and the header follows from all of them. Raises ValidationError by field,
    NotAllowed where nothing was refused, PermissionDenied.
    """
    record = lock(PriorAuthorization.objects.select_related("payer", "site__calendar"), authorization_id)
    check_can_manage_referral(by, record)
    if record.status not in (*WITH_PAYER, *REFUSED):
        raise NotAllowed(
            _("A denial is recorded while the payer has the request, or after it refused some of it.")
        )
    _check(record, words, notice_on, printed_appeal_on, printed_peer_on, now)
    refused = _refused(record, lines)
    denial = Denial(
        authorization=record,
        category=category,
        words=words.strip(),
        notice_on=notice_on,
        told_by=told_by.strip(),
        channel=channel,
        notice=notice,
        printed_appeal_on=printed_appeal_on,
        printed_peer_on=printed_peer_on,
        created_by=person(by),
    )
    denial.save(force_insert=True)
    denial.lines.set(refused)
    if record.status in WITH_PAYER:
        record = _decide(record, refused, denial, by, now)
    else:
        _keep_reasons(refused, denial)
    if record.status == S.PARTIALLY_APPROVED:
        ask_about_denial(record=record, by=by, now=now)
    start_denial_clocks(denial=denial, record=record, by=by, now=now)
    facts = {"denial": str(denial.pk), "category": category.code, "notice_on": notice_on.isoformat()}
    record_edit(record, "record_denial", by=by, now=now, reason=denial.words, **facts)
    return denial


def _check(
    record: PriorAuthorization,
    words: str,
    notice_on: date,
    printed_appeal_on: date | None,
    printed_peer_on: date | None,
    now: datetime,
) -> None:
    problems: dict[str, Any] = {}
    if not words.strip():
        problems["words"] = _("Enter the payer’s reason, word for word.")
    if notice_on > rules.local_date(now, record.payer.zone):
        problems["notice_on"] = _("The date of the notice cannot be in the future.")
    elif notice_on < register.START:
        problems["notice_on"] = _("Check the year of the notice.")
    for name, printed in (("printed_appeal_on", printed_appeal_on), ("printed_peer_on", printed_peer_on)):
        if printed is not None and printed < notice_on:
            problems[name] = _("This day is before the date of the notice.")
    if problems:
        raise ValidationError(problems)


def _refused(record: PriorAuthorization, numbers: Iterable[int]) -> list[AuthorizationLine]:
    """The lines named; without a name those already denied, or all of a request that is not decided yet."""
    wanted = set(numbers)
    live = [line for line in record.lines.select_for_update() if line.decision != "cancelled"]
    found = [line for line in live if not wanted or line.number in wanted]
    if wanted - {line.number for line in found}:
        raise ValidationError({"lines": _("Choose lines of this request.")})
    granted = [line.service_code for line in found if wanted and line.decision == "approved"]
    if granted and record.status not in WITH_PAYER:
        raise ValidationError(
            {
                "lines": _("The payer approved %(codes)s. Choose what it refused.")
                % {"codes": ", ".join(granted)}
            }
        )
    already = [line for line in found if line.decision == "denied"]
    return already if already and not wanted else found


def _decide(
    record: PriorAuthorization, refused: list[AuthorizationLine], denial: Denial, by: Actor, now: datetime
) -> PriorAuthorization:
    """The refused lines are denied; the header's step follows from all lines, as with any answer of the payer."""
    words = {"reason": denial.words, "denial_reason": denial.words}
    if not refused:
        return advance_authorization(authorization_id=record.pk, step="deny", by=by, now=now, **words)
    answers = {line.number: {"decision": "denied", "reason": denial.words} for line in refused}
    return decide_lines(authorization_id=record.pk, decisions=answers, by=by, now=now, **words)


def _keep_reasons(refused: list[AuthorizationLine], denial: Denial) -> None:
    """Lines that were refused before the notice came get its words, where they have none yet."""
    for line in refused:
        if line.decision == "denied" and not line.reason:
            line.reason = denial.words
            line.save(update_fields=["reason", "updated_at"])


def start_denial_clocks(*, denial: Denial, record: PriorAuthorization, by: Actor, now: datetime) -> None:
    """The clocks of appeal and peer-to-peer, from the notice date, in the payer's zone; the earlier date counts."""
    payer = record.payer
    common: dict[str, Any] = {
        "subject": record,  # boards know the request, its patient and who may see it
        "anchor_at": denial.notice_on,
        "anchor_label": _("date of the denial notice"),
        "zone": payer.zone,
        "calendar": record.site.calendar,
        "site_id": record.site_id,
        "owner_id": record.owner_id,
        "by": by,
        "now": now,
    }
    key = appeal_rules.file_rule(payer.payer_type)
    found = appeal_rules.window(day_by_rule(key, denial.notice_on, payer.zone), denial.printed_appeal_on)
    denial.rule_appeal_on = found.by_rule
    if found.last_day is not None:
        rule = appeal_rules.PRINTED if found.is_printed else key
        kind = f"{appeal_rules.FILE}:{denial.pk}"
        denial.appeal_clock = start_clock(kind=kind, rule=rule, on=found.last_day, **common)
    peer_on = appeal_rules.peer_day(denial.notice_on, payer.peer_to_peer_days, denial.printed_peer_on)
    if peer_on is not None:
        kind = f"{appeal_rules.PEER}:{denial.pk}"
        denial.peer_clock = start_clock(kind=kind, rule=appeal_rules.PEER, on=peer_on, **common)
    denial.save(update_fields=["rule_appeal_on", "appeal_clock", "peer_clock", "updated_at"])


def day_by_rule(key: str, notice_on: date, zone: str) -> date | None:
    """The last day by the version of the rule in force on the notice date; None where the register has no number."""
    version = rule_in_force(key, notice_on)
    if version.kind not in (rules.Kind.CALENDAR_DAYS, rules.Kind.MONTHS, rules.Kind.WEEKS):
        return None
    return rules.explain(version.terms(), notice_on, zone, None).due_on


@transaction.atomic
def enter_denial_in_error(*, denial_id: UUID, reason: str, by: Actor, now: datetime) -> Denial:
    """It was another patient's, or was typed wrong: the row stays with the reason, its clocks end.

    Raises NotAllowed when an appeal was filed against it, ValidationError without a reason.
    """
    denial = lock(Denial.objects.select_related("authorization", "appeal_clock", "peer_clock"), denial_id)
    check_can_manage_referral(by, denial)
    if not reason.strip():
        raise ValidationError({"reason": _("Say what is wrong with it.")})
    if denial.error_reason:
        return denial
    if denial.appeals.exists():
        raise NotAllowed(_("An appeal was filed against this denial, so it stays as it is."))
    denial.error_reason = reason.strip()
    denial.version += 1
    denial.save()
    _void([denial.appeal_clock, denial.peer_clock], reason, by, now)
    audit.record_change(denial, "enter_in_error", by=by, reason=reason)
    record_edit(denial.authorization, "denial_in_error", by=by, now=now, reason=reason, denial=str(denial.pk))
    return denial


@transaction.atomic
def tick_paper(*, denial_id: UUID, what: str, by: Actor, now: datetime) -> Denial:
    """A line of the checklist that no document of the record shows: there, or (again) not."""
    denial = lock(Denial.objects.select_related("authorization", "category"), denial_id)
    check_can_manage_referral(by, denial)
    if what not in {item["what"] for item in denial.category.checklist}:
        raise ValidationError(_("Choose a line of the checklist."))
    there = what not in denial.gathered
    denial.gathered = [*denial.gathered, what] if there else [w for w in denial.gathered if w != what]
    denial.version += 1
    denial.save()
    audit.record_change(denial, "tick_paper", by=by, details={"what": what, "there": there})
    return denial


@transaction.atomic
def settle_denials(*, record: PriorAuthorization, step: str, by: Actor, now: datetime) -> None:
    """The request took a step: the clocks of its denials that this answers are met, those that are pointless end.

    An appeal leaves no way back to a talk (domain 3.2.2), so the days left for one end with it.
    """
    denials = Denial.objects.standing().filter(authorization=record)
    for denial in denials.select_related("appeal_clock", "peer_clock").order_by("pk"):
        windows = [appeal.next_clock for appeal in denial.appeals.select_related("next_clock")]
        if step == "appeal":
            for clock in (denial.appeal_clock, *windows):
                _meet(clock, by, now)
            _void([denial.peer_clock], _("An appeal was filed."), by, now)
        if step == "start_peer_to_peer":
            _meet(denial.peer_clock, by, now)
        if record.status not in (*WITH_PAYER, *REFUSED, S.APPEAL, S.UPHELD):
            _void(
                [denial.appeal_clock, denial.peer_clock, *windows], str(record.get_status_display()), by, now
            )


@transaction.atomic
def meet_peer_clock(*, denial: Denial, by: Actor, now: datetime) -> None:
    """A talk is agreed: that the request itself takes no step, because part of it is in force, changes nothing."""
    _meet(denial.peer_clock, by, now)


def _meet(clock: Clock | None, by: Actor, now: datetime) -> None:
    if clock is not None and clock.state in (*RUNNING, State.MISSED):
        meet_clock(clock_id=clock.pk, by=by, now=now)


def _void(clocks: Iterable[Clock | None], reason: str, by: Actor, now: datetime) -> None:
    for clock in clocks:
        if clock is not None and clock.state in RUNNING:
            void_clock(clock_id=clock.pk, reason=reason, by=by, now=now)
