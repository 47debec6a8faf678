"""The 278 (services review, guide 005010X217): requests and answers out of its loops.

A decision is HCR01, at the event or at a service; two HCR in one message are two decisions. AAA means that the
request was not processed: it is returned, never decided.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date

from coordinator.exchange.messages import (
    MAX_UNITS,
    Answer,
    LineDecision,
    Message,
    Rejection,
    Request,
    RequestedService,
    action_decision,
    checked,
)
from coordinator.exchange.x12 import (
    Segment,
    Transaction,
    read_period,
    read_quantity,
    read_transactions,
)
from coordinator.fhir.problems import Unreadable

GUIDE = "005010X217"
# A loop's level (HL03) and the levels it may stand under.
PARENTS = {
    "20": frozenset({""}),
    "21": frozenset({"20"}),
    "22": frozenset({"21"}),
    "23": frozenset({"22"}),
    "EV": frozenset({"22", "23"}),
    "SS": frozenset({"EV"}),
}
OURS = re.compile(
    r"^(BHT|HL|NM1|REF|N3|N4|PER|PRV|DMG|INS|AAA|TRN|UM|HCR|DTP|HI|HSD|CRC|CL1|CR[12456]|SV[123]|TOO|PWK|MSG)$"
)
UNIT_KINDS = {"VS": "visit", "DY": "day", "UN": "unit", "HS": "hour", "MN": "month", "WK": "week"}
PERIOD_OF_APPROVAL, FIRST_DAY, LAST_DAY = "007", ("435", "472", "AAH"), ("036", "096")
PURPOSES = {"01": "cancellation", "13": "request", "36": "authority to deduct"}


@dataclass
class Loop:
    """One HL with what stands in it; `providers` begin at its first NM1 below the event."""

    level: str
    opens: Segment
    rows: list[Segment] = field(default_factory=list)
    children: list[Loop] = field(default_factory=list)

    def all(self, name: str) -> list[Segment]:
        return [row for row in self.rows if row.name == name]

    def own(self, name: str) -> list[Segment]:
        """Those before the first NM1: what follows belongs to a person or place."""
        found = []
        for row in self.rows:
            if row.name == "NM1":
                break
            if row.name == name:
                found.append(row)
        return found

    def one(self, name: str) -> Segment | None:
        found = self.own(name)
        if len(found) > 1:
            raise Unreadable(f"is a second {name} in one loop", found[1].place())
        return found[0] if found else None


def read_278(text: str) -> list[Message]:
    """Every request or answer of an X12 file. Raises Unreadable for any other transaction, by what it is."""
    found: list[Message] = []
    for transaction in read_transactions(text, "278"):
        if not transaction.guide.startswith(GUIDE):
            raise Unreadable(f"is a 278 of another guide than {GUIDE}", "ST03")
        found += _messages(transaction)
    return found


def _messages(transaction: Transaction) -> list[Message]:
    begins = transaction.segments[0] if transaction.segments else None
    if begins is None or begins.name != "BHT":
        raise Unreadable("does not begin with BHT", "segment after ST")
    if begins.get(1) != "0007":
        raise Unreadable("is no services review", begins.place(1))
    levels, events = _loops(transaction.segments[1:])
    purpose, reference = begins.get(2), begins.get(3)
    if purpose == "11":
        return list(_answers(transaction, begins, levels, events))
    for loop in levels:
        for row in loop.rows:
            if row.name in ("HCR", "AAA"):
                raise Unreadable("stands in a file that says it is a request", row.place())
    if purpose not in PURPOSES:
        raise Unreadable("is neither a request (13, 01, 36) nor an answer (11)", begins.place(2))
    if not events:
        raise Unreadable("is a request without an event", begins.place())
    return [_request(transaction, levels, event, purpose, reference) for event in events]


def _loops(rows: tuple[Segment, ...]) -> tuple[list[Loop], list[Loop]]:
    """All loops in order, and the events among them. A loop that hangs wrong is refused."""
    by_id: dict[str, Loop] = {}
    found: list[Loop] = []
    for row in rows:
        if not OURS.match(row.name):
            raise Unreadable("does not belong into a 278", row.place())
        if row.name == "BHT":
            raise Unreadable("is a second beginning", row.place())
        if row.name == "HL":
            _open(row, by_id, found)
        elif not found:
            raise Unreadable("stands before the first loop", row.place())
        else:
            if row.name in ("HCR", "UM", "TRN") and found[-1].level not in ("EV", "SS"):
                raise Unreadable("stands outside an event or service", row.place())
            found[-1].rows.append(row)
    return found, [loop for loop in found if loop.level == "EV"]


def _open(row: Segment, by_id: dict[str, Loop], found: list[Loop]) -> None:
    own, parent, level = row.get(1), row.get(2), row.get(3)
    if level not in PARENTS:
        raise Unreadable("is no level of a 278", row.place(3))
    if not own or own in by_id:
        raise Unreadable("is not a number of its own", row.place(1))
    above = by_id.get(parent)
    if (above.level if above else parent and "?") not in PARENTS[level]:
        raise Unreadable("hangs under a loop it cannot belong to", row.place(2))
    loop = Loop(level, row)
    by_id[own] = loop
    found.append(loop)
    if above is not None:
        above.children.append(loop)


# --- answers ------------------------------------------------------------------------------------------


def _answers(
    transaction: Transaction, begins: Segment, levels: list[Loop], events: list[Loop]
) -> list[Answer]:
    above = [_rejection(row) for loop in levels if loop.level not in ("EV", "SS") for row in loop.all("AAA")]
    final = begins.get(6) != "19"
    reference = (begins.get(3),) if begins.get(3) else ()
    if not events:
        if not above:
            raise Unreadable("holds neither a decision nor a rejection", begins.place())
        return [Answer("x12_278", "rejection", reference, rejections=tuple(above), final=final)]
    member = _party(levels, ("22", "23"), ("IL", "QC"))
    found = [_answer(transaction, event, above, reference, final) for event in events]
    return [replace(answer, member_id=member) for answer in found]


def _answer(
    transaction: Transaction, event: Loop, above: list[Rejection], reference: tuple[str, ...], final: bool
) -> Answer:
    services = [loop for loop in event.children if loop.level == "SS"]
    rejections = above + [_rejection(row) for loop in (event, *services) for row in loop.all("AAA")]
    whole = _decision(event, transaction, "event", 0)
    lines = tuple(_decision(loop, transaction, "service", n) for n, loop in enumerate(services, start=1))
    traces = [row.get(2) for loop in (event, *services) for row in loop.own("TRN") if row.get(1) == "2"]
    found = Answer(
        "x12_278",
        "hcr" if whole.decision or any(line.decision for line in lines) else "rejection",
        tuple(dict.fromkeys([t for t in traces if t] + list(reference))),
        whole if whole.decision else None,
        lines,
        tuple(rejections),
        final,
    )
    if not found.decisions() and not rejections:
        raise Unreadable("holds neither a decision nor a rejection", event.opens.place())
    return found


def _rejection(row: Segment) -> Rejection:
    return Rejection(row.place(), _short(row, 3), _short(row, 4))


def _short(row: Segment, position: int) -> str:
    value = row.get(position)
    if value and (not value.isalnum() or len(value) > 3):
        raise Unreadable("is no code", row.place(position))
    return value


def _decision(loop: Loop, transaction: Transaction, level: str, sequence: int) -> LineDecision:
    """What one loop says. Without an HCR it names the service only."""
    review = loop.one("HCR")
    units, kind = _units(loop)
    starts, ends = _days(loop)
    found = LineDecision(
        place=(review or loop.opens).place(),
        level=level,
        sequence=sequence,
        trace=next((row.get(2) for row in loop.own("TRN") if row.get(1) == "2"), ""),
        reference=_reference(loop, "NT"),
        service_code=_code(loop, transaction),
        units=units,
        unit_kind=kind,
        starts_on=starts,
        ends_on=ends,
    )
    if review is None:
        return checked(found)
    decision = action_decision(review.get(1), review.place(1))
    reasons = tuple(c for c in review.get(3).split(transaction.separators.repetition) if c)
    return checked(
        replace(
            found,
            action=review.get(1),
            decision=decision,
            number=review.get(2) or _reference(loop, "BB"),
            reasons=tuple(_code_or_refuse(c, review, 3) for c in reasons),
            asked_for=_asked_for(loop) if decision == "pended" else (),
        )
    )


def _code_or_refuse(code: str, row: Segment, position: int) -> str:
    if not code.isalnum() or len(code) > 4:
        raise Unreadable("is no reason code", row.place(position))
    return code


def _reference(loop: Loop, qualifier: str) -> str:
    return next((row.get(2) for row in loop.own("REF") if row.get(1) == qualifier), "")


def _asked_for(loop: Loop) -> tuple[str, ...]:
    """What a pended answer wants: the payer's own words (MSG), else the types of paper (PWK01)."""
    words = [row.get(1) for row in loop.own("MSG") if row.get(1)]
    papers = [f"PWK {_short(row, 1)}" for row in loop.own("PWK")]
    return tuple(words or papers)


def _units(loop: Loop) -> tuple[int | None, str]:
    """Units decided: HSD first, else what the service line repeats."""
    delivery = loop.own("HSD")
    amount = read_quantity(delivery[0], 2, MAX_UNITS) if delivery else None
    if amount is not None:
        return amount, _unit_kind(delivery[0].get(1))
    for name, unit, quantity in (("SV1", 3, 4), ("SV2", 4, 5), ("SV3", 0, 6)):
        row = loop.one(name)
        amount = read_quantity(row, quantity, MAX_UNITS) if row else None
        if row and amount is not None:
            return amount, _unit_kind(row.get(unit) if unit else "UN")
    return None, ""


def _unit_kind(code: str) -> str:
    return UNIT_KINDS.get(code, "unit")


def _days(loop: Loop) -> tuple[date | None, date | None]:
    """The period the payer certifies (007, 036), else the period or first day of the event or service."""
    said = [(row.get(1), *read_period(row)) for row in loop.own("DTP")]
    starts = next((first for code, first, _last in said if code == PERIOD_OF_APPROVAL), None)
    ends = next((last for code, _first, last in said if code == PERIOD_OF_APPROVAL and last), None)
    if starts is None:
        for wanted in FIRST_DAY:
            for code, first, last in said:
                if code == wanted and starts is None:
                    starts, ends = first, last
    for wanted in LAST_DAY:
        ends = ends or next((first for code, first, _last in said if code == wanted), None)
    return starts, ends


def _code(loop: Loop, transaction: Transaction) -> str:
    """The procedure code of a service, without its qualifier and modifiers."""
    for name, position in (("SV1", 1), ("SV2", 2), ("SV3", 1)):
        row = loop.one(name)
        if row is not None:
            parts = row.get(position).split(transaction.separators.component)
            return parts[1] if len(parts) > 1 else parts[0]
    review = loop.one("UM")
    return review.get(3) if review is not None and loop.level == "SS" else ""


# --- requests -----------------------------------------------------------------------------------------


def _request(
    transaction: Transaction, levels: list[Loop], event: Loop, purpose: str, reference: str
) -> Request:
    review = event.one("UM")
    services = [loop for loop in event.children if loop.level == "SS"]
    traces = [row.get(2) for row in event.own("TRN") if row.get(1) == "1"]
    codes = [row.elements for row in event.own("HI")]
    component = transaction.separators.component
    return Request(
        kind="x12_278",
        purpose=PURPOSES[purpose],
        references=tuple(dict.fromkeys([t for t in [*traces, reference] if t])),
        review_type=review.get(1) if review else "",
        certification=review.get(2) if review else "",
        member_id=_party(levels, ("22", "23"), ("IL", "QC")),
        requester_npi=_party(levels, ("21",), ("1P", "FA")),
        diagnoses=tuple(e.split(component)[1] for row in codes for e in row if component in e),
        services=tuple(_requested(loop, transaction) for loop in services),
    )


def _requested(loop: Loop, transaction: Transaction) -> RequestedService:
    units, kind = _units(loop)
    trace = next((row.get(2) for row in loop.own("TRN") if row.get(1) == "1"), "")
    return RequestedService(_code(loop, transaction), units, kind, trace)


def _party(levels: list[Loop], at: tuple[str, ...], roles: tuple[str, ...]) -> str:
    for loop in levels:
        for row in loop.all("NM1") if loop.level in at else []:
            if row.get(1) in roles:
                return row.get(9)
    return ""
