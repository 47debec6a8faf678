"""What is left of authorizations: the chain of each, its approved lines and its visits, in one query for many."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from referrals.models import PriorAuthorization
from scheduling.rules.units import (
    CONSUMING,
    EXTENSION,
    REVISION,
    STANDING,
    Balance,
    Line,
    Member,
    Visit,
    balance,
)
from scheduling.workflow import UPCOMING

# Up to the oldest of the chain that units are shared with (renewals count for themselves), then down to all of it.
CHAINS = """
with recursive up(asked, id, depth) as (
    select a.id, a.id, 0 from referrals_priorauthorization a where a.id = any(%(asked)s::uuid[])
    union
    select up.asked, a.supersedes_id, up.depth + 1
      from up join referrals_priorauthorization a on a.id = up.id
     where a.certification = any(%(shares)s) and a.supersedes_id is not null and up.depth < 50
), root(asked, id) as (
    select distinct on (asked) asked, id from up order by asked, depth desc
), chain(asked, id, depth) as (
    select asked, id, 0 from root
    union
    select chain.asked, a.id, chain.depth + 1
      from chain join referrals_priorauthorization a on a.supersedes_id = chain.id
     where a.certification = any(%(shares)s) and a.status <> 'entered_in_error' and chain.depth < 50
)
select c.asked, 'member', jsonb_build_array(a.id, c.depth, a.certification, a.status, a.starts_on, a.ends_on)
  from chain c join referrals_priorauthorization a on a.id = c.id
 union all
select c.asked, 'line', jsonb_build_array(l.authorization_id, l.number, l.service_code, l.units_approved,
                                          l.starts_on, l.ends_on, l.place)
  from chain c
  join referrals_priorauthorization a on a.id = c.id and a.status = any(%(standing)s)
  join referrals_authorizationline l on l.authorization_id = c.id and l.decision in ('approved', 'modified')
 union all
select c.asked, 'visit', jsonb_build_array(v.id, v.status, v.start, v.zone, v.units, to_jsonb(s.codes),
                                           jsonb_build_array(v.place, t.name, t.short_name), v.site_id, s.name,
                                           v.is_outside)
  from chain c
  join scheduling_appointment v on v.authorization_id = c.id and v.status = any(%(counted)s)
   and v.id is distinct from %(without)s
  join scheduling_service s on s.id = v.service_id
  join accounts_site t on t.id = v.site_id
"""


@dataclass
class _Rows:
    members: list[Member] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)


def units_of(authorizations: Sequence[PriorAuthorization], now: datetime) -> dict[UUID, Balance]:
    """Balance by authorization, for those with approved lines. One query, however many."""
    rows = _rows([record.pk for record in authorizations])
    return {
        key: balance(found.members, found.lines, found.visits, now)
        for key, found in rows.items()
        if found.lines
    }


def units_with(
    authorization_id: UUID, visit: Visit, now: datetime, without: UUID | None = None
) -> Balance | None:
    """The balance as it would be with one more visit, without another (the one that is moved). One query."""
    found = _rows([authorization_id], without=without).get(authorization_id)
    if found is None or not found.lines:
        return None
    return balance(found.members, found.lines, [*found.visits, visit], now)


def _rows(keys: Iterable[UUID], without: UUID | None = None) -> dict[UUID, _Rows]:
    params: dict[str, Any] = {
        "asked": list(keys),
        "shares": [REVISION, EXTENSION],
        "standing": list(STANDING),
        "counted": [str(status) for status in (*CONSUMING, *UPCOMING)],
        "without": without,
    }
    found: dict[UUID, _Rows] = {}
    with connection.cursor() as cursor:
        cursor.execute(CHAINS, params)
        for asked, kind, packed in cursor.fetchall():
            rows = found.setdefault(asked, _Rows())
            values = json.loads(packed) if isinstance(packed, str) else packed
            {"member": _member, "line": _line, "visit": _visit}[kind](rows, values)
    return found


def _member(rows: _Rows, values: list[Any]) -> None:
    key, depth, certification, status, starts_on, ends_on = values
    rows.members.append(Member(UUID(key), depth, certification, status, _day(starts_on), _day(ends_on)))


def _line(rows: _Rows, values: list[Any]) -> None:
    key, number, code, units, starts_on, ends_on, place = values
    rows.lines.append(Line(UUID(key), number, code, units, _day(starts_on), _day(ends_on), place))


def _visit(rows: _Rows, values: list[Any]) -> None:
    key, status, start, zone, units, codes, places, site_id, service, is_outside = values
    rows.visits.append(
        Visit(
            id=UUID(key),
            status=status,
            start=datetime.fromisoformat(start),
            zone=zone,
            units=units,
            codes=frozenset(codes),
            places=tuple(places[:1] if is_outside else places),
            site_id=UUID(site_id),
            service=service,
        )
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
