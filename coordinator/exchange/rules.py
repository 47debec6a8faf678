"""Which decision of an answer belongs to which line, and what recording it would change. Pure: no ORM, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from coordinator.exchange.messages import DECISION_WORDS, LINE_DECISIONS, Answer, LineDecision
from referrals.rules.authorizations import step_for
from referrals.workflow import WITH_PAYER, AuthorizationStatus

Text = str | Promise
APPEAL_DECISIONS = frozenset({"approved", "modified", "denied", "upheld"})
GRANTED = ("approved", "modified")
WHOLE = 0  # a person says: this decision is about the whole request, not a line of its own


@dataclass(frozen=True)
class Line:
    """What is known of a line of ours."""

    number: int
    code: str
    decision: str = ""
    units: int | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    asked: int = 1  # units


@dataclass(frozen=True)
class Placement:
    """`of_line`: line number -> the decision that is about it. `unplaced`: places in `Answer.decisions()`."""

    of_line: dict[int, LineDecision] = field(default_factory=dict)
    unplaced: tuple[int, ...] = ()


def place(answer: Answer, lines: Sequence[Line], chosen: Mapping[int, int] | None = None) -> Placement:
    """Put every decision to its line: by trace, by a code only one line has, by its place; never by a guess.

    `chosen` is what a person said: place in `Answer.decisions()` -> line number, or WHOLE.
    """
    chosen = chosen or {}
    decided = answer.decisions()
    found: dict[int, LineDecision] = {}
    whole = answer.event if answer.event is not None and answer.event.decision else None
    unplaced = []
    for index, decision in enumerate(decided):
        if decision is whole and chosen.get(index, WHOLE) == WHOLE:
            continue
        number = chosen.get(index) or _line_of(decision, answer, lines, found)
        if number is None or number in found:
            unplaced.append(index)
        else:
            found[number] = decision
    if whole is not None and whole not in found.values():
        open_lines = [line.number for line in lines if line.number not in found]
        if not open_lines and not _same(whole, found.values()) and 0 not in chosen:
            unplaced.insert(0, 0)
        units = _named(answer)
        for number in open_lines:
            found[number] = _for_line(whole, units.get(number), alone=len(open_lines) == 1)
    return Placement(found, tuple(unplaced))


def _same(whole: LineDecision, others: Any) -> bool:
    return all(other.decision == whole.decision for other in others)


def _named(answer: Answer) -> dict[int, LineDecision]:
    """Services without a decision of their own, by their place: they bring units and days to the event's."""
    return {row.sequence: row for row in answer.services if not row.decision}


def _for_line(whole: LineDecision, named: LineDecision | None, *, alone: bool) -> LineDecision:
    """The event's decision for one line: units are the line's own, or the event's when no other line shares them."""
    days = named if named and not (whole.starts_on or whole.ends_on) else whole
    return replace(
        whole,
        units=named.units if named and named.units is not None else whole.units if alone else None,
        unit_kind=named.unit_kind if named and named.units is not None else whole.unit_kind,
        starts_on=days.starts_on,
        ends_on=days.ends_on,
    )


def _line_of(
    decision: LineDecision, answer: Answer, lines: Sequence[Line], taken: Mapping[int, Any]
) -> int | None:
    by_trace = [
        line.number for line in lines if decision.trace and decision.trace.endswith(f"-{line.number}")
    ]
    if len(by_trace) == 1 and any(decision.trace.startswith(r) for r in answer.references):
        return by_trace[0]
    code = decision.service_code.upper()
    by_code = [
        line.number for line in lines if code and line.code.upper() == code and line.number not in taken
    ]
    if len(by_code) == 1:
        return by_code[0]
    here = next((line for line in lines if line.number == decision.sequence), None)
    fits = here is not None and (not code or here.code.upper() == code)
    if fits and here is not None and (answer.kind == "pas" or len(answer.services) == len(lines)):
        return here.number
    return None


@dataclass(frozen=True)
class LineEffect:
    """What recording would write on one line; `differs` says that it changes anything."""

    line: Line
    decision: str
    words: Text
    units: int | None
    starts_on: date | None
    ends_on: date | None
    reason: str
    differs: bool


@dataclass(frozen=True)
class Effects:
    """What recording an answer would do: `step` is "lines", "return", "ask_to_contact" or "appeal", which has an `outcome`
    (of referrals.models.Appeal); obstacles forbid it."""

    step: str
    lines: tuple[LineEffect, ...] = ()
    number: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    reason: str = ""
    asked_for: str = ""
    obstacles: tuple[Text, ...] = ()
    unplaced: tuple[int, ...] = ()
    header: str | None = None  # the step the request takes, by its lines
    outcome: str = ""

    @property
    def can_record(self) -> bool:
        return not self.obstacles


def effects(
    answer: Answer, lines: Sequence[Line], *, status: str, chosen: Mapping[int, int] | None = None
) -> Effects:
    """What recording would change on a request with these lines that stands at `status`."""
    stuck: list[Text] = []
    if status == AuthorizationStatus.APPEAL:
        return _of_appeal(answer, lines, chosen)
    if status not in WITH_PAYER:
        stuck.append(_("The request is not with the payer now, so it takes no answer. Nothing would change."))
    if answer.outcome == "both":
        stuck.append(_("The file decides some lines and sends others back. Record it by hand."))
    if answer.outcome == "returned":
        reason = "; ".join(f"{r.words} ({r.code})" for r in answer.rejections)
        return Effects("return", reason=reason, obstacles=tuple(stuck))
    decided = answer.decisions()
    kinds = {row.decision for row in decided}
    if kinds == {"contact_payer"}:
        return Effects("ask_to_contact", obstacles=tuple(stuck))
    if not kinds <= LINE_DECISIONS:
        stuck.append(_("The file says something no line can hold. Read it and record it by hand."))
    placed = place(answer, lines, chosen)
    if placed.unplaced:
        stuck.append(_("Say for each decision which line it is about."))
    return _line_effects(answer, lines, placed, stuck)


def _of_appeal(answer: Answer, lines: Sequence[Line], chosen: Mapping[int, int] | None) -> Effects:
    """The payer's answer to an appeal: the refused lines it grants now are overturned, the others stay refused."""
    stuck: list[Text] = []
    if answer.rejections or not {row.decision for row in answer.decisions()} <= APPEAL_DECISIONS:
        stuck.append(
            _("The file says something that is no outcome of an appeal. Read it and record it by hand.")
        )
        return Effects("appeal", obstacles=tuple(stuck))
    refused = [line for line in lines if line.decision == "denied"]
    placed = place(answer, lines, chosen)
    if placed.unplaced:
        stuck.append(_("Say for each decision which line it is about."))
    found = _line_effects(answer, refused or lines, placed, stuck)
    now_granted = [row for row in found.lines if row.decision in GRANTED]
    if now_granted and found.ends_on is None:
        stuck.append(
            _("The payer approves without naming a last day. Ask for it and record the outcome by hand.")
        )
    whole = len(now_granted) == len(refused or lines)
    outcome = "overturned" if whole else "partly" if now_granted else "upheld"
    return replace(found, step="appeal", outcome=outcome, header=None, obstacles=tuple(stuck))


def _line_effects(answer: Answer, lines: Sequence[Line], placed: Placement, stuck: list[Text]) -> Effects:
    rows = tuple(
        _effect(line, placed.of_line[line.number]) for line in lines if line.number in placed.of_line
    )
    number = next((row.number for row in answer.decisions() if row.number), "")
    if not rows:
        stuck.append(_("No line of the request takes a decision of this file."))
    said = {row.line.number: row.decision for row in rows}
    granted = [row for row in rows if row.decision in GRANTED]
    if granted and not number:
        stuck.append(
            _("The payer approves without giving a number. Ask for it and record the answer by hand.")
        )
    starts = [row.starts_on for row in granted if row.starts_on]
    ends = [row.ends_on for row in granted if row.ends_on]
    asked = [words for row in answer.decisions() for words in row.asked_for]
    reasons = dict.fromkeys(row.reason for row in rows if row.reason)
    return Effects(
        "lines",
        rows,
        number if granted else "",
        min(starts, default=None),
        max(ends, default=None),
        "; ".join(reasons),
        "; ".join(dict.fromkeys(asked))[:300],
        tuple(stuck),
        placed.unplaced,
        step_for([said.get(line.number, line.decision) for line in lines]),
    )


def _effect(line: Line, said: LineDecision) -> LineEffect:
    granted = said.decision in ("approved", "modified")
    units = said.units if granted else None
    starts, ends = (said.starts_on, said.ends_on) if granted else (None, None)
    differs = (line.decision, line.units, line.starts_on, line.ends_on) != (
        said.decision,
        units,
        starts,
        ends,
    )
    return LineEffect(
        line,
        said.decision,
        DECISION_WORDS[said.decision],
        units,
        starts,
        ends,
        reason_words(said),
        differs,
    )


def reason_words(said: LineDecision) -> str:
    """The payer's reasons: words as they stand, codes named as codes of the payer's list."""
    words = [reason for reason in said.reasons if " " in reason]
    codes = [reason for reason in said.reasons if " " not in reason]
    if codes:
        words.append(str(_("Reason code %(codes)s")) % {"codes": ", ".join(codes)})
    return "; ".join(words)
