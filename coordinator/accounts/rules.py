"""Pure functions about a site's hours. Hours are whole and local, 0 to 24."""

from __future__ import annotations


def hour_words(hour: int) -> str:
    """An hour of the day as people say it.

    >>> hour_words(0), hour_words(9), hour_words(12), hour_words(20), hour_words(24)
    ('12:00 AM', '9:00 AM', '12:00 PM', '8:00 PM', '12:00 AM')
    """
    return f"{(hour - 1) % 12 + 1}:00 {'AM' if hour % 24 < 12 else 'PM'}"


def is_quiet(hour: int, start: int, end: int) -> bool:
    """Quiet hours may run over midnight: 20 to 9 means from 8 PM to 9 AM.

    >>> [is_quiet(h, 20, 9) for h in (8, 9, 19, 20)]
    [True, False, False, True]
    """
    return start <= hour < end if start <= end else hour >= start or hour < end
