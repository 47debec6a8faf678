"""How a person likes to see the schedule. A preference, so it is not in the audit trail."""

from __future__ import annotations

from typing import Any

from scheduling.selectors.choices import PAGE

LONGEST = 500


def remember_filters(*, by: Any, query: str) -> None:
    """Keep the filters as last left; too long an address is not kept."""
    if len(query) <= LONGEST:
        by.saved_views.update_or_create(page=PAGE, name="", defaults={"query": query})


def forget_filters(*, by: Any) -> None:
    by.saved_views.filter(page=PAGE, name="").delete()
