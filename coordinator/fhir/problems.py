"""The one exception of reading: where it is wrong and why, in words that can go into a report."""

from __future__ import annotations


class Unreadable(Exception):
    """This file cannot be imported. `place` is a line or a path; the text never holds the row's content."""

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(f"{place}: {reason}" if place else reason)
        self.reason, self.place = reason, place
