"""The board: open referrals and authorizations by stage, the soonest of each, with whose move it is.

Each stage's few first cards come from the index by place, status and date, so the board costs the same however many
referrals a clinic has; what is shown is then read through `visible_to`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BooleanField, Count
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from patients.models.visibility import HIDDEN, hidden_params
from patients.rules.text import fold
from referrals.models import PriorAuthorization, Referral
from referrals.selectors.counts import Open, added
from referrals.workflow import WITH_PAYER
from referrals.workflow import AuthorizationStatus as A
from referrals.workflow import ReferralStatus as R

SHOWN = 5
NEAR = timedelta(hours=48)


@dataclass(frozen=True)
class Stage:
    """A column. `referral_stage` and `authorization_stage` are filters of the two lists that show the rest."""

    name: str
    label: Any
    whose: Any
    referrals: tuple[str, ...] = ()
    authorizations: tuple[str, ...] = ()
    referral_stage: str = ""
    authorization_stage: str = ""


STAGES = (
    Stage(
        "needs_info", _("Needs info"), _("our move"),
        (R.DRAFT, R.READY, R.SEND_FAILED), (A.REQUIREMENT_UNKNOWN, A.REQUIRED, A.GATHERING, A.READY, A.RETURNED),
        "needs_info", "preparing",
    ),
    Stage("sent", pgettext_lazy("referral", "Sent"), _("waiting on clinic"), (R.SENT, R.RECEIVED), (), "sent"),
    Stage(
        "payer_review", _("Payer review"), _("waiting on payer"),
        (R.AWAITING_AUTHORIZATION,), (*WITH_PAYER, A.PEER_TO_PEER, A.APPEAL), "needs_info", "with_payer",
    ),
    Stage(
        "to_schedule", _("To schedule"), _("our move"), (R.ACCEPTED, R.NO_SHOW, R.VISIT_CANCELLED), (), "to_schedule"
    ),
    Stage("booked", _("Booked"), _("visit ahead"), (R.SCHEDULED,), (), "booked"),
    Stage(
        "awaiting_report", _("Awaiting report"), _("close the loop"),
        (R.SEEN, R.COMPLETED, R.DECLINED, R.CANCEL_REQUESTED, R.CANCELLED, R.WITHDRAWN), (), "awaiting_report",
    ),
)  # fmt: skip
REFERRAL_STATUSES = tuple(status for stage in STAGES for status in stage.referrals)
AUTHORIZATION_STATUSES = tuple(status for stage in STAGES for status in stage.authorizations)
# A denial waits for a decision of ours; it is a number above the board, not a column.
DENIED = (A.DENIED, A.UPHELD)

# Per place and status the soonest few, each from the index; the patient's own conditions come last.
KEYS = (
    "select x.id from unnest(%s::uuid[]) s(site) cross join unnest(%s::text[]) t(status) cross join lateral"  # noqa: S608
    " (select r.id from {table} r {join} where r.site_id = s.site and r.status = t.status {open}"
    " and r.patient_id not in (" + HIDDEN + ") {wanted} order by r.due_at, r.id limit %s) x"
)


@dataclass
class Column:
    stage: Stage
    count: int = 0
    cards: list[Any] = field(default_factory=list)

    @property
    def more(self) -> int:
        return self.count - len(self.cards)


def board(
    user: Any,
    filters: dict[str, Any],
    now: datetime,
    groups: tuple[Sequence[Open], Sequence[Open]] | None = None,
) -> list[Column]:
    """The columns with their counts (of all) and the five soonest cards each. With `groups` (counts.open_referrals and open_requests), which answer for the board without filters, two
    statements, else four.

    A card is a Referral or a PriorAuthorization with `is_authorization` and `edge` ("late", "near" or "").
    """
    kind = filters.get("kind")
    referrals = (
        []
        if kind in ("authorization", "medicine")
        else _cards(Referral, REFERRAL_STATUSES, user, filters, now)
    )
    requests = (
        [] if kind == "referral" else _cards(PriorAuthorization, AUTHORIZATION_STATUSES, user, filters, now)
    )
    if groups is not None and not any(filters.values()):
        counted = _grouped(groups)
    else:
        counted = _counts(user, filters, now)
    columns = []
    for stage in STAGES:
        fitting = [r for r in referrals if r.status in stage.referrals]
        fitting += [a for a in requests if a.status in stage.authorizations]
        fitting.sort(key=lambda card: (card.due_at is None, card.due_at, str(card.pk)))
        number = sum(counted.get(("referral", status), 0) for status in stage.referrals)
        number += sum(counted.get(("authorization", status), 0) for status in stage.authorizations)
        columns.append(Column(stage, number, [_dressed(card, now) for card in fitting[:SHOWN]]))
    return columns


def _grouped(groups: tuple[Sequence[Open], Sequence[Open]]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for name, open_ones in zip(("referral", "authorization"), groups, strict=True):
        for one in open_ones:
            found[name, one.status] = found.get((name, one.status), 0) + one.n
    return found


def _dressed(card: Any, now: datetime) -> Any:
    card.is_authorization = isinstance(card, PriorAuthorization)
    late = card.due_at is not None and card.due_at < now
    card.stage_days = max((now - card.stage_since).days, 0)
    card.edge = "late" if late else "near" if card.due_at and card.due_at < now + NEAR else ""
    return card


def _cards(
    model: Any, statuses: tuple[str, ...], user: Any, filters: dict[str, Any], now: datetime
) -> list[Any]:
    is_referral = model is Referral
    words = fold(filters.get("q") or "").split()
    wanted, values = _wanted(user, filters, words, is_referral, now)
    statement = KEYS.format(
        table=model._meta.db_table,
        join="join patients_patient p on p.id = r.patient_id" if words else "",
        open="and r.loop_closed_at is null" if is_referral else "",
        wanted=wanted,
    )
    params = [[str(site) for site in user.site_ids], list(statuses), *hidden_params(user), *values, SHOWN]
    # As an array: a few keys, found first, and not one more table to join.
    few = f"{model._meta.db_table}.id = any(array({statement}))"
    related = ("recipient_organization", "recipient") if is_referral else ("payer",)
    shown = model.objects.visible_to(user).filter(RawSQL(few, params, output_field=BooleanField()))  # noqa: S611  (fixed text, values as parameters)
    return list(shown.select_related("patient", "owner", "team", "clock__rule_version__rule", *related))


def _status(filters: dict[str, Any], is_referral: bool) -> str:
    """The asked status if it is one of this kind, such as "r:sent"; else one that nothing has."""
    kind, _colon, status = filters["status"].partition(":")
    return status if (kind == "r") is is_referral else ""


def _wanted(
    user: Any, filters: dict[str, Any], words: list[str], is_referral: bool, now: datetime
) -> tuple[str, list[Any]]:
    """The filters as conditions of the statement by hand, and their values."""
    conditions, values = [], []
    owner = filters.get("owner")
    if owner:
        conditions.append("r.owner_id = %s")
        values.append(user.pk if owner == "me" else int(owner))
    if filters.get("specialty"):
        conditions.append("r.specialty = %s" if is_referral else "false and r.service = %s")
        values.append(filters["specialty"])
    if filters.get("status"):
        conditions.append("r.status = %s")
        values.append(_status(filters, is_referral))
    if filters.get("kind") == "medicine":
        conditions.append("r.kind = %s")
        values.append("medicine")
    if due := filters.get("due"):
        conditions.append("r.due_at < %s" if due == "overdue" else "r.due_at >= %s and r.due_at < %s")
        values += [now] if due == "overdue" else [now, now + NEAR]
    if filters.get("payer"):
        asked = "exists (select 1 from referrals_priorauthorization a where a.referral_id = r.id and a.payer_id = %s)"
        conditions.append(asked if is_referral else "r.payer_id = %s")
        values.append(filters["payer"])
    for word in words:
        conditions.append("p.search_name like %s")
        values.append(f"%{word}%")
    return "".join(f" and {one}" for one in conditions), values


def _counts(user: Any, filters: dict[str, Any], now: datetime) -> dict[tuple[str, str], int]:
    """How many open ones per status, with the same filters."""
    referrals = _filtered(
        Referral.objects.visible_to(user).filter(loop_closed_at=None), user, filters, True, now
    )
    requests = _filtered(PriorAuthorization.objects.visible_to(user), user, filters, False, now)
    found: dict[tuple[str, str], int] = {}
    for name, rows, statuses in (
        ("referral", referrals, REFERRAL_STATUSES),
        ("authorization", requests, AUTHORIZATION_STATUSES),
    ):
        if filters.get("kind") in ("", None, name) or (
            filters["kind"] == "medicine" and name == "authorization"
        ):
            counted = rows.filter(status__in=statuses).order_by().values("status").annotate(n=Count("pk"))
            found |= {(name, row["status"]): row["n"] for row in counted}
    return found


def _filtered(rows: Any, user: Any, filters: dict[str, Any], is_referral: bool, now: datetime) -> Any:
    if owner := filters.get("owner"):
        rows = rows.filter(owner=user.pk if owner == "me" else owner)
    if filters.get("specialty"):
        rows = rows.filter(specialty=filters["specialty"]) if is_referral else rows.none()
    if filters.get("status"):
        rows = rows.filter(status=_status(filters, is_referral))
    if filters.get("kind") == "medicine":
        rows = rows.none() if is_referral else rows.filter(kind="medicine")
    if due := filters.get("due"):
        rows = (
            rows.filter(due_at__lt=now)
            if due == "overdue"
            else rows.filter(due_at__gte=now, due_at__lt=now + NEAR)
        )
    if filters.get("payer"):
        asked = PriorAuthorization.objects.filter(payer=filters["payer"]).values("referral")
        rows = rows.filter(pk__in=asked) if is_referral else rows.filter(payer=filters["payer"])
    for word in fold(filters.get("q") or "").split():
        rows = rows.filter(patient__search_name__contains=word)
    return rows


def strip(referrals: Sequence[Open], requests: Sequence[Open]) -> dict[str, int]:
    """The numbers above the board, each of which opens its list."""
    ours, theirs = REFERRAL_STATUSES, (*AUTHORIZATION_STATUSES, *DENIED)
    return {
        "referrals_late": added(referrals, "overdue", ours),
        "referrals_reports": added(referrals, "long", (R.SEEN,)),
        "requests_late": added(requests, "overdue", theirs),
        "requests_denied": added(requests, "n", DENIED),
        "soon": added(referrals, "near", ours) + added(requests, "near", AUTHORIZATION_STATUSES),
    }
