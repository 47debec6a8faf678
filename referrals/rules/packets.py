"""What a packet holds unless somebody chooses otherwise: the minimum that the kind of referral needs. Data, pure.

Product default, unvalidated: 45 CFR 164.502(b) asks for the minimum necessary and names no list; for treatment it asks
for none, and we start from little all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

COVERAGE, PROBLEMS, ALLERGIES, MEDICINES, RESULTS, DOCUMENTS = (
    "coverage", "problems", "allergies", "medicines", "results", "documents",
)  # fmt: skip
PARTS = (COVERAGE, PROBLEMS, ALLERGIES, MEDICINES, RESULTS, DOCUMENTS)
# Parts of which entries are ticked beforehand. "problems" alone means the one that the referral is for.
NEEDS: dict[str, frozenset[str]] = {
    "medical": frozenset({COVERAGE, PROBLEMS, ALLERGIES, MEDICINES, RESULTS, DOCUMENTS}),
    "behavioral": frozenset({COVERAGE, PROBLEMS, MEDICINES, DOCUMENTS}),
    "dental": frozenset({COVERAGE, ALLERGIES, MEDICINES, DOCUMENTS}),
    "imaging": frozenset({COVERAGE, PROBLEMS, ALLERGIES, DOCUMENTS}),
    "therapy": frozenset({COVERAGE, PROBLEMS, DOCUMENTS}),
    "equipment": frozenset({COVERAGE, PROBLEMS, DOCUMENTS}),
    "social": frozenset({DOCUMENTS}),
}
ALL_PROBLEMS = frozenset({"medical"})
RESULTS_SINCE, MOST_RESULTS = timedelta(days=180), 20


def ticked(
    part: str,
    rows: Iterable[Any],
    *,
    category: str,
    problem_id: Any,
    linked: frozenset[Any],
    now: datetime,
) -> set[Any]:
    """Keys of the entries of one part that are ticked beforehand. `linked`: documents that belong to the referral."""
    rows = list(rows)
    if part not in NEEDS.get(category, NEEDS["medical"]):
        return set()
    if part == DOCUMENTS:
        return {row.pk for row in rows if row.pk in linked}
    if part == RESULTS:
        recent = [row for row in rows if row.taken_at and row.taken_at >= now - RESULTS_SINCE]
        return {row.pk for row in recent[:MOST_RESULTS]}
    if part == PROBLEMS and category not in ALL_PROBLEMS:
        return {row.pk for row in rows if row.pk == problem_id}
    return {row.pk for row in rows if row.status == "active"}
