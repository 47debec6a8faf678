"""Words that are put into a message as it leaves and are kept nowhere, such as the secret of a link.

The ledger keeps the text with a gap; an app above registers one function for each purpose that has one. It gets the
claimed message and returns the body that leaves. It asks no database: gateways are called from several threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coordinator.messaging.claims import Claimed

Fill = Callable[["Claimed"], str]
_fills: dict[str, Fill] = {}


def register(purpose: str, fill: Fill) -> None:
    """Called from an app's `ready()`."""
    _fills[purpose] = fill


def filled(message: Claimed) -> Claimed:
    """The message as it leaves."""
    fill = _fills.get(message.purpose)
    return replace(message, body=fill(message)) if fill else message
