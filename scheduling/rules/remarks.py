"""Plain words beside a day of the finder. Pure."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def about_day(day: date, today: date, must_be_by: date | None = None) -> str:
    """ "today", "in 3 days", "last day to be seen", "2 days late"."""
    if must_be_by is not None:
        left = (must_be_by - day).days
        if left < 0:
            return ngettext("%(n)d day late", "%(n)d days late", -left) % {"n": -left}
        if left == 0:
            return _("last day to be seen")
    ahead = (day - today).days
    if ahead == 0:
        return _("today")
    if ahead == 1:
        return _("tomorrow")
    return ngettext("in %(n)d day", "in %(n)d days", ahead) % {"n": ahead}
