"""Pure functions about a site's hours. Hours are whole and local, 0 to 24."""

from __future__ import annotations


def is_quiet(hour: int, start: int, end: int) -> bool:
    """Quiet hours may run over midnight: 20 to 9 means from 8 PM to 9 AM.

    >>> [is_quiet(h, 20, 9) for h in (8, 9, 19, 20)]
    [True, False, False, True]
    """
    return start <= hour < end if start <= end else hour >= start or hour < end
