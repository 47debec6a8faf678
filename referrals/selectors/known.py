"""What the writer of something new may know of what exists already."""

from __future__ import annotations

from typing import Any

from coordinator.workflow import Actor, System


def known_to(rows: Any, by: Actor) -> Any:
    """Those of these rows that a person may see; the product itself, such as the night or an import, sees all."""
    return rows if isinstance(by, System) else rows.visible_to(by)
