"""A visit date of a referral against its authorizations: said before it is saved (R19; domain 5.1, step 28)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from coordinator.wording import day
from referrals.balances import balances_of
from referrals.models import NEEDED, PriorAuthorization, Referral
from referrals.selectors.payer_list import PayerLists, payer_lists
from referrals.services.renewals import FOLLOWS
from referrals.workflow import IN_FORCE, UNDECIDED, AuthorizationStatus

S = AuthorizationStatus
WORDS: dict[str, Any] = {
    "extension": lazy("Ask for an extension"),
    "renewal": lazy("Ask for a renewal"),
    "revision": lazy("Ask for a revision"),
}
# It is not needed, nobody knows yet whether it is, or it was taken back.
HARMLESS = (S.REQUIREMENT_UNKNOWN, S.NOT_REQUIRED, S.WITHDRAWN, S.CANCELLED, S.ENTERED_IN_ERROR)


@dataclass(frozen=True)
class Against:
    """What stands against a date. `kind`: after_end, before_start, no_units or missing; `until` is the last day that is
    covered; `asks` are the continuations of `authorization_id` that can be asked for now."""

    kind: str
    text: str
    authorization_id: UUID | None = None
    until: date | None = None
    asks: tuple[str, ...] = ()

    @property
    def choices(self) -> list[tuple[str, Any]]:
        return [(name, WORDS[name]) for name in self.asks]


def against_visit(referral: Referral, visit_at: datetime, now: datetime) -> Against | None:
    """Why no authorization of this referral covers that day, with what can be done; None when one does, or when none
    is needed as far as anybody knows. At most five queries."""
    return against_visits([(referral, visit_at)], now)[0]


def against_visits(asked: Sequence[tuple[Referral, datetime]], now: datetime) -> list[Against | None]:
    """The same for many referrals and dates, in their order, with as many queries as for one."""
    kept = _records({referral.pk for referral, _at in asked})
    held = [record for rows in kept.values() for record in rows if record.status in IN_FORCE]
    balances = balances_of(held, now) if held else {}
    lists = payer_lists({one.patient_id for one, _at in asked if _asks_the_list(kept.get(one.pk, []))})
    return [_said(one, at, kept.get(one.pk, []), balances, lists, now) for one, at in asked]


def _records(referrals: set[UUID]) -> dict[UUID, list[PriorAuthorization]]:
    found: dict[UUID, list[PriorAuthorization]] = defaultdict(list)
    rows = PriorAuthorization.objects.filter(referral__in=referrals).order_by("-ends_on", "pk")
    for record in rows.prefetch_related("superseded_by") if referrals else ():
        assert record.referral_id is not None
        found[record.referral_id].append(record)
    return found


def _asks_the_list(records: list[PriorAuthorization]) -> bool:
    """Nobody asked the payer yet, and nobody found out that it is not needed."""
    return all(one.status in HARMLESS and one.status != S.NOT_REQUIRED for one in records)


def _said(
    referral: Referral,
    visit_at: datetime,
    records: list[PriorAuthorization],
    balances: dict[UUID, Any],
    lists: PayerLists,
    now: datetime,
) -> Against | None:
    held = [record for record in records if record.status in IN_FORCE]
    if not held:
        return _missing(referral, records, lists, now)
    on = visit_at.astimezone(referral.site.tzinfo).date()
    said = [_against(record, on, balances.get(record.pk)) for record in held]
    return None if not all(said) else said[0]


def _missing(
    referral: Referral, kept: list[PriorAuthorization], lists: PayerLists, now: datetime
) -> Against | None:
    records = [record for record in kept if record.status not in HARMLESS]
    if records:
        words = {"service": records[0].service, "status": records[0].get_status_display()}
        text = (
            _("No authorization for this referral is in force: “%(service)s” stands at “%(status)s”.") % words
        )
        return Against("missing", text, records[0].pk, asks=_can_ask(records[0], "extension", "renewal"))
    _coverage, payer = lists.payer_of(referral.patient_id)
    if payer is None or not _asks_the_list(kept):
        return None
    on = now.astimezone(referral.site.tzinfo).date()
    line = lists.line(payer, on=on, specialty=referral.specialty)
    if line is None or line.pa_needed not in NEEDED:
        return None
    text = _("The list of %(payer)s says that an authorization is needed, and this referral has none.")
    return Against("missing", text % {"payer": payer.name})


def _against(record: PriorAuthorization, on: date, left: Any) -> Against | None:
    if record.ends_on and on > record.ends_on:
        text = _("The authorization ends on %(day)s, before this visit.") % {"day": day(record.ends_on)}
        asks = _can_ask(record, "extension", "renewal")
        return Against("after_end", text, record.pk, until=record.ends_on, asks=asks)
    if record.starts_on and on < record.starts_on:
        text = _("The authorization starts on %(day)s, after this visit.") % {"day": day(record.starts_on)}
        return Against("before_start", text, record.pk, asks=_can_ask(record, "revision"))
    if left is not None and getattr(left, "counts", False) and getattr(left, "projected", 1) <= 0:
        text = _("The authorization has no unit left for this visit.")
        return Against("no_units", text, record.pk, asks=_can_ask(record, "extension", "renewal"))
    return None


def _can_ask(record: PriorAuthorization, *wanted: str) -> tuple[str, ...]:
    """Continuations its status allows and that are not being asked for already."""
    asked = {one.certification for one in record.superseded_by.all() if one.status in UNDECIDED}
    return tuple(name for name in wanted if record.status in FOLLOWS[name] and name not in asked)
