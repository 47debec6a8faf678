"""Units of authorizations, told by whoever knows the visits: scheduling stands above and registers its answer here
in `AppConfig.ready()` (docs/adr/0007)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from referrals.models import PriorAuthorization

# (authorizations, now) -> scheduling.rules.units.Balance by key; those without counted units are left out.
SOURCES: list[Callable[[Sequence[PriorAuthorization], datetime], dict[UUID, Any]]] = []


def balances_of(authorizations: Sequence[PriorAuthorization], now: datetime) -> dict[UUID, Any]:
    """What is left of each, in one query for all. Empty when nobody is registered."""
    found: dict[UUID, Any] = {}
    for source in SOURCES:
        found.update(source(authorizations, now))
    return found
