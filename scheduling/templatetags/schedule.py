"""Tags of the schedule's templates."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coordinator.wording import clock_time, day_time, hour_mark, local, week_day
from scheduling.forms import WEEKDAYS
from scheduling.workflow import WORKFLOW

register = template.Library()
RADIO = '<input type="radio" name="slot" value="{}" data-name="{} {}">'
CHOSEN = RADIO.replace(">", " checked>")


@register.simple_tag(takes_context=True)
def schedule_link(context: template.Context, **changes: Any) -> str:
    """This view of the schedule with changes, remembered filters included; None removes a part.

    A date may be given as one: `{% schedule_link date=day view="day" %}`.
    """
    query = context["ask"].data.copy()
    for name in ("csrfmiddlewaretoken", "after"):
        query.pop(name, None)
    for name, value in changes.items():
        if value is None or value == "":
            query.pop(name, None)
        else:
            query[name] = value.isoformat() if isinstance(value, date) else value
    return "?" + query.urlencode()


@register.filter
def hour(value: int) -> str:
    """ "7 AM"."""
    return hour_mark(value)


@register.filter
def short_day(value: date) -> str:
    """ "Fri 20"-like heading parts are words; this is "Fri Nov 20"."""
    return date_format(value, "WEEK_DAY_FORMAT")


@register.filter
def spoken_day(value: Any) -> str:
    """ "Monday, November 16" for those who hear the calendar."""
    return date_format(local(value) if hasattr(value, "hour") else value, "SPOKEN_DAY_FORMAT")


@register.filter
def short_day_of(moment: Any) -> str:
    """ "Fri Nov 20" of an instant, on the clinic's clock."""
    return date_format(local(moment), "WEEK_DAY_FORMAT")


@register.filter
def weekday_name(number: int) -> str:
    """ "Monday" for 0."""
    return str(dict(WEEKDAYS)[number])


@register.filter
def change_words(change: Any) -> str:
    """A line of the history in the workflow's own words."""
    if change.step in ("book", "create") and not change.from_status:
        return _("Booked")
    step = WORKFLOW.find(change.step, change.from_status)
    return str(step.label) if step else change.step.replace("_", " ").capitalize()


@register.filter
def window_words(window: str) -> str:
    """ "3 days before" for the ledger's "3d"."""
    days = window.removesuffix("d")
    if not days.isdigit():
        return window
    return ngettext("%(n)s day before", "%(n)s days before", int(days)) % {"n": days}


@register.filter
def short_time(moment: Any) -> str:
    """ "1:30" on the grid, where the row says which half of the day."""
    return date_format(local(moment), "GRID_TIME_FORMAT")


@register.simple_tag
def slot_choice(offer: Any, chosen: str = "", best: Any = None, day: bool = False) -> SafeString:
    """A free time as a radio button: `{% slot_choice offer chosen found.best %}`; `day=True` names its day too."""
    value, time = offer.value, clock_time(offer.start)
    notes = []
    if best is not None and best.value == value:
        notes.append(format_html(" · <strong>{}</strong>", _("best")))
    if offer.patient_is_busy:
        notes.append(format_html(' · <span class="tone-warn">{}</span>', _("has a visit then")))
    radio = CHOSEN if value == chosen else RADIO
    return format_html(
        '<label class="slot">' + radio + "<b>{}{}</b><small>{}{}</small></label>",
        value,
        date_format(local(offer.start), "D"),
        time,
        f"{short_day_of(offer.start)} " if day else "",
        time,
        offer.practitioner if day else offer.practitioner.family_name,
        format_html_join("", "{}", ((note,) for note in notes)),
    )


@register.simple_tag
def block_time(block: Any) -> str:
    """From when to when, in the active zone: whole days without hours, one day named once."""
    start, end = local(block.starts_at), local(block.ends_at)
    if not any((start.hour, start.minute, end.hour, end.minute)):
        first, last = start.date(), end.date() - timedelta(days=1)
        return week_day(first) if first == last else f"{week_day(first)} – {week_day(last)}"
    if start.date() == end.date():
        return f"{week_day(start)}, {clock_time(start)}–{clock_time(end)}"
    return f"{day_time(start)} – {day_time(end)}"


@register.simple_tag
def weekday_names(weekdays: list[int]) -> str:
    """ "Monday, Thursday"; Monday is 0."""
    return ", ".join(str(label) for number, label in WEEKDAYS if number in weekdays)
