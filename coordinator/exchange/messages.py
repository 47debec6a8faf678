"""What a payer's file says, in our words: decisions per line, rejections, and what it refers to. Pure data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from django.utils.translation import gettext_lazy as _

from coordinator.fhir.problems import Unreadable
from referrals.rules.authorizations import step_for

# X12 element 306, also the code system of Da Vinci's review action. NA stands in one glossary only [verify].
ACTIONS = {
    "A1": "approved",
    "A2": "modified",
    "A3": "denied",
    "A4": "pended",
    "A5": "upheld",
    "A6": "modified",
    "C": "cancelled",
    "CT": "contact_payer",
    "NA": "not_required",
}
DECISION_WORDS = {
    "approved": _("Approved"),
    "modified": _("Approved with changes"),
    "denied": _("Denied"),
    "pended": _("Pended"),
    "upheld": _("Denial upheld"),
    "cancelled": _("Cancelled"),
    "contact_payer": _("Contact the payer"),
    "not_required": _("No authorization required"),
}
# What referrals.services.decide_lines can record on a line; the others are steps of the whole request.
LINE_DECISIONS = frozenset({"approved", "modified", "denied", "pended", "cancelled"})
MAX_UNITS = 100_000
# Reject reasons (X12 element 901) in plain words; any other code is shown as it is.
REJECT_WORDS = {
    "04": _("Authorized quantity exceeded"),
    "15": _("Required application data missing"),
    "33": _("Input errors"),
    "35": _("Out of network"),
    "41": _("Not allowed to ask"),
    "42": _("The payer cannot answer now"),
    "43": _("Provider identification missing or not valid"),
    "51": _("Provider not on file"),
    "52": _("Dates outside the provider's enrollment"),
    "56": _("Date not appropriate"),
    "57": _("Date of service missing or not valid"),
    "58": _("Date of birth missing or not valid"),
    "64": _("Patient ID missing or not valid"),
    "65": _("Patient name missing or not valid"),
    "67": _("Patient not found"),
    "71": _("Date of birth does not match"),
    "72": _("Member ID missing or not valid"),
    "75": _("Member not found"),
    "78": _("Member not in this group"),
    "79": _("Participant identification not valid"),
    "80": _("No response, transaction ended"),
    "95": _("Patient not eligible"),
    "AA": _("Authorization number not found"),
    "T4": _("Payer name or identifier missing"),
    "T5": _("Certification information missing"),
}


@dataclass(frozen=True)
class LineDecision:
    """One decision, or a line named without one (`decision` empty).

    `level` is "event" for the request as a whole, "service" for a line; `sequence` counts the services from 1.
    Days are dates as the file says them; `units` a whole number of `unit_kind`.
    """

    place: str
    level: str = "service"
    sequence: int = 0
    action: str = ""
    decision: str = ""
    number: str = ""
    reference: str = ""  # the payer's own for a request it has not decided
    trace: str = ""
    service_code: str = ""
    units: int | None = None
    unit_kind: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    reasons: tuple[str, ...] = ()
    asked_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rejection:
    """A request sent back undecided: where it was wrong, the code, and what the payer wants done."""

    place: str
    code: str
    follow_up: str = ""

    @property
    def words(self) -> str:
        return str(REJECT_WORDS.get(self.code, self.code))


@dataclass(frozen=True)
class Answer:
    """A payer's answer to one request. `references` are numbers that we gave, nearest first."""

    kind: str  # "x12_278" or "pas"
    style: str  # "hcr", "review_action", "disposition", "rejection"
    references: tuple[str, ...] = ()
    event: LineDecision | None = None
    services: tuple[LineDecision, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    final: bool = True
    member_id: str = ""

    def decisions(self) -> list[LineDecision]:
        """Those that decide something, the event's first."""
        own = [self.event] if self.event is not None else []
        return [row for row in [*own, *self.services] if row.decision]

    @property
    def outcome(self) -> str:
        """ "decided", "returned", or "both"; an answer with neither is refused by its reader."""
        if self.rejections:
            return "both" if self.decisions() else "returned"
        return "decided"

    @property
    def numbers(self) -> tuple[str, ...]:
        """The payer's numbers in it, each once."""
        named = [n for row in self._all() for n in (row.number, row.reference) if n]
        return tuple(dict.fromkeys(named))

    def _all(self) -> Iterator[LineDecision]:
        if self.event is not None:
            yield self.event
        yield from self.services

    def header(self) -> str | None:
        """The step that the decisions lead to, as for lines of ours; None when a step of the whole is meant."""
        found = [row.decision for row in self.decisions()]
        return step_for(found) if set(found) <= LINE_DECISIONS else None

    def summary(self) -> str:
        """The decision in short technical words, for the table of known files."""
        parts = [
            " ".join(
                p
                for p in (
                    row.decision,
                    row.number,
                    f"{row.units} {row.unit_kind}" if row.units is not None else "",
                    _span(row),
                    f"({row.level})",
                )
                if p
            )
            for row in self.decisions()
        ]
        parts += [
            f"returned {r.code}" + (f" follow-up {r.follow_up}" if r.follow_up else "")
            for r in self.rejections
        ]
        return "; ".join(parts)


def _span(row: LineDecision) -> str:
    if row.starts_on and row.ends_on:
        return f"{row.starts_on}/{row.ends_on}"
    return f"from {row.starts_on}" if row.starts_on else f"to {row.ends_on}" if row.ends_on else ""


@dataclass(frozen=True)
class RequestedService:
    code: str
    units: int | None = None
    unit_kind: str = ""
    trace: str = ""


@dataclass(frozen=True)
class Request:
    """A request as a file: what we write, and what a file that is no answer turns out to be."""

    kind: str
    purpose: str  # "request", "cancellation", "inquiry", ...
    references: tuple[str, ...] = ()
    review_type: str = ""  # UM01
    certification: str = ""  # UM02
    member_id: str = ""
    requester_npi: str = ""
    diagnoses: tuple[str, ...] = ()
    services: tuple[RequestedService, ...] = field(default=())

    def summary(self) -> str:
        return "request"


Message = Answer | Request


def checked(line: LineDecision) -> LineDecision:
    """The line, if our columns can hold what it says. Raises Unreadable otherwise."""
    if len(line.number) > 60 or len(line.reference) > 60:
        raise Unreadable("gives a number longer than 60 characters", line.place)
    if line.starts_on and line.ends_on and line.ends_on < line.starts_on:
        raise Unreadable("has a period that ends before it begins", line.place)
    return line


def action_decision(code: str, place: str) -> str:
    """Our word for a review action code. Raises Unreadable for one that is not in the list."""
    if code not in ACTIONS:
        raise Unreadable("is no action code of the list (X12 element 306)", place)
    return ACTIONS[code]
