"""Explanations to and from the JSON that a clock keeps.

Runs of ordinary days are kept as one entry, so that a rule of 180 days does not weigh 180 entries.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from coordinator.clocks.values import Adjustment, Explanation, Step, Terms, Why


def pack(explanation: Explanation) -> dict[str, Any]:
    """Everything but the rule's terms, which stand in its version."""
    e = explanation
    return {
        "anchor": e.anchor.isoformat(),
        "zone": e.zone,
        "due_at": e.due_at.isoformat(),
        "due_on": _text(e.due_on),
        "calendar": [e.calendar_name, e.calendar_version],
        "unknown_years": list(e.unknown_years),
        "steps": _pack_steps(e.steps),
        "adjustments": [
            {
                "kind": a.kind,
                "days": a.days,
                "due_at": a.due_at.isoformat(),
                "due_on": _text(a.due_on),
                "since": _text(a.since),
                "until": _text(a.until),
            }
            for a in e.adjustments
        ],
    }


def unpack(data: dict[str, Any], terms: Terms, anchor_label: str = "") -> Explanation:
    """The explanation that `pack` kept."""
    anchor = data["anchor"]
    return Explanation(
        terms=terms,
        anchor=datetime.fromisoformat(anchor) if "T" in anchor else date.fromisoformat(anchor),
        anchor_label=anchor_label,
        zone=data["zone"],
        due_at=datetime.fromisoformat(data["due_at"]),
        due_on=_date(data["due_on"]),
        steps=_unpack_steps(data["steps"]),
        calendar_name=data["calendar"][0],
        calendar_version=data["calendar"][1],
        unknown_years=tuple(data["unknown_years"]),
        adjustments=tuple(
            Adjustment(
                kind=a["kind"],
                days=a["days"],
                due_at=datetime.fromisoformat(a["due_at"]),
                due_on=_date(a["due_on"]),
                since=_datetime(a["since"]),
                until=_datetime(a["until"]),
            )
            for a in data["adjustments"]
        ),
    )


def _pack_steps(steps: tuple[Step, ...]) -> list[list[Any]]:
    """Each [date, why, number, name, minutes, further days like it], without the zeros at its end."""
    rows: list[list[Any]] = []
    run_ends: Step | None = None
    for step in steps:
        if run_ends and step == _next_day(run_ends):
            rows[-1][5] += 1
        else:
            rows.append([step.date.isoformat(), step.why.value, step.number, step.name, step.minutes, 0])
        run_ends = step if step.why is Why.COUNTED else None
    for row in rows:
        while not row[-1]:
            row.pop()
    return rows


def _unpack_steps(rows: list[list[Any]]) -> tuple[Step, ...]:
    steps = []
    for row in rows:
        day, why, number, name, minutes, further = row + [0, "", 0, 0][len(row) - 2 :]
        step = Step(date.fromisoformat(day), Why(why), name, number, minutes)
        steps.append(step)
        for _ in range(further):
            step = _next_day(step)
            steps.append(step)
    return tuple(steps)


def _next_day(step: Step) -> Step:
    return replace(step, date=step.date + timedelta(days=1), number=step.number + 1)


def _text(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _date(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None


def _datetime(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
