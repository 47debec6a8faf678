"""The last look before a message leaves: is it still wanted?

The floor does not know patients, so an app above registers one function for each purpose it uses. It gets the
claimed messages of that purpose (a whole batch: answer in a fixed number of queries) and returns the reasons,
by message id, why some must not go: a `SkipReason` value, or any other word for "withdrawn".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from coordinator.messaging.claims import Claimed

Check = Callable[["Sequence[Claimed]"], dict[UUID, str]]
_checks: dict[str, Check] = {}


def register(purpose: str, check: Check) -> None:
    """Called from an app's `ready()`."""
    _checks[purpose] = check


def unwanted(claimed: Sequence[Claimed]) -> dict[UUID, str]:
    """Reasons by message id for those that must stay here."""
    reasons: dict[UUID, str] = {}
    for purpose, check in _checks.items():
        batch = [message for message in claimed if message.purpose == purpose]
        if batch:
            reasons |= check(batch)
    return reasons
