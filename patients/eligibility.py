"""Asking a payer's system whether a policy is in force: the interface, and the one that leaves it to a person.

A clearing house for X12 270/271 (or a payer's sandbox) is another class with `ask`; nothing else changes. It is
called outside any transaction, and what it answers is recorded by services.record_eligibility_check.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True)
class Question:
    """What a payer needs to find a policy. `on` is the day of service."""

    payer_name: str
    member_id: str
    family_name: str
    given_name: str
    birth_date: date | None
    on: date


@dataclass(frozen=True)
class Answer:
    """What the payer said. `result` is a value of EligibilityCheck.Result."""

    result: str
    reference: str = ""
    copay: str = ""
    note: str = ""


class Desk(Protocol):
    """Somebody or something that can be asked. `method` is a value of EligibilityCheck.Method."""

    method: str

    def ask(self, question: Question) -> Answer | None:
        """The answer, or None when a person has to ask and type it. Raises nothing for an unknown member."""


class Manual:
    """No connection: a person looks into the portal or phones."""

    method = "portal"

    def ask(self, question: Question) -> Answer | None:
        return None


DESK: Desk = Manual()
