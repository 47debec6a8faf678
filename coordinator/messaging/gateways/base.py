"""What every gateway offers, and the only two ways it may fail."""

from __future__ import annotations

from typing import Protocol


class NotSent(Exception):
    """Certainly not sent. `code` is short and holds nothing about a person.

    `for_good`: this address is refused, trying again is pointless. Otherwise the whole gateway is in
    trouble or busy, and the message is tried again later.
    """

    def __init__(self, code: str, *, for_good: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.for_good = for_good


class Unclear(Exception):
    """Nobody knows whether it was taken: the answer was lost. Never a reason to send again unasked."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoGateway(Exception):
    """The gateway cannot tell just now (look-up failed); ask again later."""


class Gateway(Protocol):
    """One channel's way out. The same `key` comes with every try of the same message."""

    can_be_asked: bool  # can it say whether it took a key?
    at_once: int  # how many are claimed together; 1 when it cannot be asked
    parallel: int  # calls at the same time
    call_seconds: float  # the longest one call can take

    def send(self, *, key: str, to: str, subject: str, body: str) -> str:
        """The gateway's reference. Raises NotSent or Unclear."""

    def lookup(self, key: str) -> str | None:
        """The reference under which the key was taken, None when it certainly was not. Raises NoGateway."""

    def close(self) -> None: ...
