"""Every write about payers' files: kept, matched by identifier, recorded after a person confirms, or set aside."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from coordinator.accounts.models import Site
from coordinator.clocks.rules import end_of_day, local_date, next_open_day
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.db import Conflict, lock
from coordinator.exchange.models import PayerFile
from coordinator.exchange.reading import MAX_BYTES, read_file
from coordinator.exchange.rules import GRANTED, Effects
from coordinator.exchange.selectors import answer_of, effects_on, requests_named
from coordinator.exchange.workflow import FileStatus
from coordinator.fhir.problems import Unreadable
from coordinator.workflow import NotAllowed, begin, move
from referrals.models import Appeal, PriorAuthorization
from referrals.services import advance_authorization, decide_lines, record_appeal_outcome

FIND = gettext_noop("Find the request it answers, or set it aside")
READ = gettext_noop("Read it and record it by hand, or set it aside")
CONFIRM = gettext_noop("Look at what would change, then record it")


def check_can_work_on_files(by: Any, site_id: UUID) -> None:
    if not by.can("referrals.edit") or site_id not in by.site_ids:
        raise PermissionDenied(_("Your role does not include working on payers' files here."))


@transaction.atomic
def take_file(*, name: str, content: bytes, site: Site, by: Any, now: datetime) -> list[PayerFile]:
    """Keep a file and find what it answers; one row for each answer. The same file again answers the same rows.

    A file that cannot be read or matched is parked with its reason. Raises ValidationError for one too large to keep.
    """
    check_can_work_on_files(by, site.pk)
    if len(content) > MAX_BYTES:
        raise ValidationError({"upload": _("This file is larger than 2 MB. No answer of a payer is.")})
    if not content:
        raise ValidationError({"upload": _("This file is empty.")})
    digest = hashlib.sha256(content).hexdigest()
    Site.objects.select_for_update().get(pk=site.pk)  # two people with the same file
    here = list(PayerFile.objects.filter(site=site, digest=digest).order_by("part"))
    if here:
        return here
    try:
        parts = len(read_file(content))
    except Unreadable:
        parts = 1
    made = []
    for part in range(parts):
        file = PayerFile(
            site=site, label=Path(name).name[:200] or "file", content=content, digest=digest, part=part,
            owner=by, created_by=by, due_at=_tomorrow(site, now),
        )  # fmt: skip
        file.save()
        begin(file, by=by, now=now)
        made.append(_sort(lock(PayerFile.objects.select_related("site"), file.pk), by=by, now=now))
    return made


def _tomorrow(site: Site, now: datetime) -> datetime:
    """The end of the next business day of the place: somebody has looked at a file by then."""
    today = now.astimezone(site.tzinfo).date()
    return end_of_day(next_open_day(today, as_calendar(calendar_for(site))), site.zone)


def _sort(file: PayerFile, *, by: Any, now: datetime) -> PayerFile:
    """Match it to the one request it names, or park it with the reason. The row is locked."""
    try:
        answer = answer_of(file)
    except Unreadable as error:
        _park(file, _sentence(error), READ, by=by, now=now)
        return file
    how, found = requests_named(answer, by)
    if len(found) == 1:
        _match(file, found[0], how, by=by, now=now)
    elif found:
        _park(file, _("More than one request carries this number."), FIND, by=by, now=now)
    else:
        _park(file, _("No request here carries a number that the file names."), FIND, by=by, now=now)
    return file


def _sentence(error: Unreadable) -> str:
    return f"{error.place}: {error.reason}" if error.place else error.reason


def _park(file: PayerFile, reason: str, next_step: str, *, by: Any, now: datetime) -> None:
    file.reason = reason[:500]
    facts: dict[str, Any] = {"next_step": next_step, "authorization": None, "matched_by": ""}
    move(file, "park", by=by, now=now, reason=file.reason, **facts)


def _match(file: PayerFile, record: PriorAuthorization, how: str, *, by: Any, now: datetime) -> None:
    file.reason = ""
    facts: dict[str, Any] = {"authorization": record, "matched_by": how, "next_step": CONFIRM}
    move(file, "match", by=by, now=now, **facts)


def _open_file(file_id: UUID, by: Any) -> PayerFile:
    file = lock(PayerFile.objects.select_related("site"), file_id)
    check_can_work_on_files(by, file.site_id)
    return file


@transaction.atomic
def try_again(*, file_id: UUID, by: Any, now: datetime) -> PayerFile:
    """Read and match a file once more: the reader may know more, the request may be here by now."""
    file = _open_file(file_id, by)
    if file.status == FileStatus.SET_ASIDE:
        move(file, "take_up", by=by, now=now)
    return _sort(file, by=by, now=now)


@transaction.atomic
def match_file(*, file_id: UUID, authorization: PriorAuthorization, by: Any, now: datetime) -> PayerFile:
    """A person says which request a file answers."""
    file = _open_file(file_id, by)
    try:
        answer_of(file)
    except Unreadable as error:
        raise NotAllowed(_("This file holds no answer that can be read, so it cannot be matched.")) from error
    _match(file, authorization, "person", by=by, now=now)
    return file


@transaction.atomic
def set_aside(*, file_id: UUID, reason: str, by: Any, now: datetime) -> PayerFile:
    """Nothing is to be done with this file; it stays, with the reason."""
    file = _open_file(file_id, by)
    move(file, "set_aside", by=by, now=now, reason=reason, next_step="", due_at=None)
    return file


@transaction.atomic
def record_answer(
    *, file_id: UUID, chosen: Mapping[int, int], seen: int | None, by: Any, now: datetime
) -> PayerFile:
    """Record what a matched file says on its request, all of it or nothing.

    `chosen` says for decisions which line they are about; `seen` is the request's version the person looked at.
    Raises NotAllowed with the obstacle, Conflict when the request was changed since.
    """
    file = _open_file(file_id, by)
    if file.status != FileStatus.MATCHED:
        raise NotAllowed(_("This file is not waiting to be recorded."))
    assert file.authorization_id is not None
    record = lock(PriorAuthorization.objects.select_related("payer", "site"), file.authorization_id)
    if seen is not None and seen != record.version:
        raise Conflict(_("Somebody changed this request since you opened the file. Look at it again."))
    answer = answer_of(file)
    would = effects_on(record, answer, chosen)
    if would.obstacles:
        raise NotAllowed(str(would.obstacles[0]))
    _record(record, would, by=by, now=now)
    facts: dict[str, Any] = {"applied_at": now, "next_step": "", "due_at": None}
    move(file, "apply", by=by, now=now, **facts)
    return file


def _record(record: PriorAuthorization, would: Effects, *, by: Any, now: datetime) -> None:
    """Through the services of the requests, so the same rules hold as for an answer typed in."""
    common: dict[str, Any] = {"authorization_id": record.pk, "by": by, "now": now}
    if would.step == "return":
        advance_authorization(step="return", reason=would.reason, **common)
        return
    if would.step == "ask_to_contact":
        advance_authorization(step="ask_to_contact", **common)
        return
    if would.step == "appeal":
        _record_appeal(record, would, by=by, now=now)
        return
    facts: dict[str, Any] = {"reason": would.reason or _no_reason(would)}
    if would.number:
        facts["authorization_number"] = would.number
    for name in ("starts_on", "ends_on"):
        if getattr(would, name) is not None:
            facts[name] = getattr(would, name)
    if would.header == "pend":
        facts["asked_for"] = would.asked_for or _("More information; the file does not say what")
        facts["answer_due_at"] = _tomorrow(record.site, now)
    decide_lines(decisions={row.line.number: _answer(row) for row in would.lines}, **facts, **common)


def _record_appeal(record: PriorAuthorization, would: Effects, *, by: Any, now: datetime) -> None:
    """The outcome of the appeal that waits for one, on the day it came, in the payer's zone."""
    waiting = Appeal.objects.filter(denial__authorization=record, denial__error_reason="", outcome="")
    appeal = waiting.order_by("-filed_at", "-pk").first()
    if appeal is None:
        raise NotAllowed(_("No appeal of this request waits for its outcome."))
    granted: dict[str, Any] = {}
    if would.outcome != Appeal.Outcome.UPHELD:
        granted = {
            "authorization_number": would.number,
            "starts_on": would.starts_on,
            "ends_on": would.ends_on,
            "units": {
                row.line.number: row.units or row.line.asked for row in would.lines if row.decision in GRANTED
            },
        }
    record_appeal_outcome(
        appeal_id=appeal.pk,
        outcome=would.outcome,
        outcome_on=local_date(now, record.payer.zone),
        words=would.reason or _("As the payer’s file says."),
        by=by,
        now=now,
        **granted,
    )


def _no_reason(would: Effects) -> str:
    refused = any(row.decision == "denied" for row in would.lines)
    return _("The payer's file gives no reason.") if refused else ""


def _answer(row: Any) -> dict[str, Any]:
    return {
        "decision": row.decision,
        "units_approved": row.units,
        "starts_on": row.starts_on,
        "ends_on": row.ends_on,
        "reason": row.reason,
    }
