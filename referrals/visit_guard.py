"""A visit date of a referral against its authorizations: said before it is saved (R19; domain 5.1, step 28)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from coordinator.wording import day
from referrals.balances import balances_of
from referrals.models import NEEDED, PriorAuthorization, Referral
from referrals.selectors.authorizations import listed_for_referral
from referrals.services.renewals import FOLLOWS, UNDECIDED
from referrals.workflow import IN_FORCE, AuthorizationStatus

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
    is needed as far as anybody knows. At most four queries."""
    records = list(
        PriorAuthorization.objects.filter(referral=referral)
        .exclude(status__in=HARMLESS)
        .order_by("-ends_on", "pk")
        .prefetch_related("superseded_by")
    )
    held = [record for record in records if record.status in IN_FORCE]
    if not held:
        return _missing(referral, records, now)
    on = visit_at.astimezone(referral.site.tzinfo).date()
    balances = balances_of(held, now)
    said = [_against(record, on, balances.get(record.pk)) for record in held]
    return None if not all(said) else said[0]


def _missing(referral: Referral, records: list[PriorAuthorization], now: datetime) -> Against | None:
    if records:
        words = {"service": records[0].service, "status": records[0].get_status_display()}
        text = (
            _("No authorization for this referral is in force: “%(service)s” stands at “%(status)s”.") % words
        )
        return Against("missing", text, records[0].pk, asks=_can_ask(records[0], "extension", "renewal"))
    line = listed_for_referral(referral, now)
    if line is None or line.pa_needed not in NEEDED or _is_waived(referral):
        return None
    text = _("The list of %(payer)s says that an authorization is needed, and this referral has none.")
    return Against("missing", text % {"payer": line.payer.name})


def _is_waived(referral: Referral) -> bool:
    """Somebody asked, and it is not needed."""
    return referral.authorizations.filter(status=S.NOT_REQUIRED).exists()


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
