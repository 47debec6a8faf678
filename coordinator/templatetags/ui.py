"""Template tags for the repeated pieces. docs/design-notes.md shows one example of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django import template
from django.forms import (
    BoundField,
    CheckboxInput,
    CheckboxSelectMultiple,
    Field,
    FileInput,
    RadioSelect,
    Select,
    Textarea,
)
from django.forms.forms import BaseForm
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from coordinator import wording
from coordinator.fields import name_nothing
from coordinator.templatetags.deadlines import deadline, why_date
from coordinator.templatetags.selects import as_select
from coordinator.toasts import render_toasts

register = template.Library()
register.filter("day", wording.day)
register.filter("week_day", wording.week_day)
register.filter("clock_time", wording.clock_time)
register.filter("phone", wording.phone)
register.filter("initials", wording.initials)
register.filter("patient_name", wording.family_first)
register.filter("span", wording.span)
register.filter("language_name", wording.language_name)
register.simple_tag(why_date)

TONE_ICONS = {"danger": "octagon", "warn": "alert", "ok": "check", "wait": "clock", "info": "", "accent": ""}


@register.filter
def short_day(value: date | datetime | None) -> str:
    """`{{ at|short_day }}`: "Nov 17" when it is near, else "Nov 17, 2025"."""
    return wording.short_day(value, timezone.localdate())


@register.filter
def day_time(value: datetime | None, zone: str = "") -> str:
    """`{{ at|day_time }}`: "Nov 18, 2026, 1:05 PM"; `|day_time:"zone"` adds the zone's short name."""
    return wording.day_time(value, zone=bool(zone))


# --- small pieces -----------------------------------------------------------------------------------


@register.simple_tag
@lru_cache(maxsize=512, typed=True)  # typed: text that is marked safe is not the same as text that is not
def icon(name: str, cls: str = "") -> SafeString:
    """A picture beside words; always hidden from screen readers, so it never stands alone."""
    return format_html(
        '<svg class="i{}" aria-hidden="true"><use href="#i-{}"/></svg>', cls and f" {cls}", name
    )


@register.simple_tag
def badge(text: Any, tone: str = "", icon_name: str | None = None) -> SafeString:
    """A quiet label. Tones: "" ok warn danger info wait accent. The tone brings its icon."""
    symbol = TONE_ICONS.get(tone, "") if icon_name is None else icon_name
    return format_html(
        '<span class="badge{}">{}{}</span>', tone and f" {tone}", icon(symbol) if symbol else "", text
    )


@register.simple_tag
def flag(text: Any, tone: str = "", icon_name: str = "") -> SafeString:
    """A fact of the patient banner, such as a language or a fall risk."""
    return format_html(
        '<span class="flag{}">{}{}</span>', tone and f" {tone}", icon(icon_name) if icon_name else "", text
    )


@register.simple_tag
def attempts(made: int, of: int = 3) -> SafeString:
    """Tries to reach somebody: dots for the eye, "1 of 3" for everyone."""
    dots = mark_safe("".join('<i class="on"></i>' if n < made else "<i></i>" for n in range(of)))  # noqa: S308
    words = _("%(made)d of %(of)d") % {"made": made, "of": of}
    return format_html(
        '<span class="dots" aria-hidden="true">{}</span> <span class="meta">{}</span>', dots, words
    )


@register.simple_tag
def phone_link(number: str, label: str = "") -> SafeString:
    """A number that can be called: "(612) 555-0143" with tel:."""
    uri = wording.phone_uri(number)
    text = label or wording.phone(number)
    return format_html('<a class="nowrap" href="{}">{}</a>', uri, text) if uri else format_html("{}", text)


# --- deadlines ----------------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def due(
    context: template.Context,
    value: Any,
    has_time: bool | None = None,
    now: datetime | None = None,
    clock: bool = False,
    short: bool = False,
    why: Any = None,
) -> SafeString:
    """`{% due task %}` or `{% due moment %}`: relative words, then the moment on a second line.

    A date (or has_time=False) is due by the end of its day. `clock=True` counts down to a rule's
    deadline. `short=True` gives the first line only, `why=task` adds the way to "Why this date?".
    """
    moment, timed = deadline(value, has_time)
    if moment is None:
        return format_html('<span class="due plain meta">{}</span>', _("No date"))
    now = now or context.get("now") or timezone.now()
    clock = clock or bool(getattr(value, "clock_id", None))
    words = wording.due_words(moment, now=now, has_time=timed, clock=clock)
    first = format_html(
        '<span class="due{}">{}<time datetime="{}">{}</time></span>',
        words.tone and f" {words.tone}",
        icon(words.icon) if words.icon else "",
        words.iso,
        words.text,
    )
    first = format_html("{}{}", first, why_date(why)) if why is not None else first
    if short:
        return first
    return format_html('<span class="l1">{}</span><span class="l2">{}</span>', first, words.absolute)


@register.inclusion_tag("components/clock.html", takes_context=True)
def clock(
    context: template.Context,
    subject: Any,
    rule: str = "",
    started: datetime | None = None,
    state: str = "running",
    now: datetime | None = None,
) -> dict[str, Any]:
    """Time left, the rule it comes from and the moment it ends, with a bar when the start is known.

    `subject` is a Clock (its rule's title needs select_related("rule_version__rule")), or the datetime or date
    of the end. States: running, held, met, missed, void.
    """
    now = now or context.get("now") or timezone.now()
    ends, held = subject, None
    if hasattr(subject, "due_at"):
        ends = subject.due_on or subject.due_at
        started, state, held = started or subject.anchor_at, subject.state, subject.held_since
        rule = rule or subject.rule_version.rule.title
    words = wording.due_words(ends, now=held or now, has_time=isinstance(ends, datetime), clock=True)
    end = subject.due_at if hasattr(subject, "due_at") else ends
    used = None
    if started is not None and isinstance(end, datetime) and end > started:
        used = max(0, min(100, round(100 * ((held or now) - started) / (end - started))))
    return {
        "words": words,
        "rule": rule,
        "used": used,
        "state": state,
        "tone": {"over": "danger", "soon": "warn"}.get(words.tone, "mute") if state == "running" else "wait",
        "paused": wording.left_when_held(end, held) if held and isinstance(end, datetime) else "",
    }


# --- people -------------------------------------------------------------------------------------------


def _abbreviated_language(person: Any) -> SafeString:
    code = getattr(person, "language", "") or ""
    if not code or code.split("-")[0] == "en":
        return mark_safe("")
    return format_html('<abbr title="{}">{}</abbr>', wording.language_name(code), code.split("-")[0].upper())


@register.simple_tag
def patient_ids(person: Any, today: date | None = None) -> SafeString:
    """The second identifier and what goes with it: "Mar 14, 1958 · 68 F · ES"."""
    today = today or timezone.localdate()
    born = getattr(person, "birth_date", None)
    years = wording.age(born, today, getattr(person, "deceased_on", None))
    birth = conditional_escape(wording.day(born) if born else _("birth date not recorded"))
    rest = [
        conditional_escape(f"{years} {wording.sex_letter(getattr(person, 'sex', ''))}".strip()),
        _abbreviated_language(person),
    ]
    etc = "".join(f" · {part}" for part in rest if part)
    # Compact rows leave out what is not an identifier.
    whole = f'{birth}<span class="etc">{etc}</span>' if etc else birth
    return mark_safe(whole)  # noqa: S308 - every part is escaped above


@register.simple_tag
def patient_line(person: Any, href: str = "", row_id: str = "") -> SafeString:
    """Two identifiers on two lines; with `href` the name is the row's link."""
    name: Any = wording.family_first(person)
    if href:
        key = format_html(' id="{}"', row_id) if row_id else ""
        name = format_html('<a class="rowlink" href="{}"{}>{}</a>', href, key, name)
    return format_html('<span class="l1">{}</span><span class="l2">{}</span>', name, patient_ids(person))


@register.simple_tag
def person_age(person: Any, today: date | None = None) -> str:
    """ "68", or "8 mo" under two years."""
    today = today or timezone.localdate()
    return wording.age(getattr(person, "birth_date", None), today, getattr(person, "deceased_on", None))


# --- pictures of numbers --------------------------------------------------------------------------------


@register.simple_tag
def bar(value: float, of: float = 100, tone: str = "") -> SafeString:
    """A filled line. Decoration: the number itself must stand beside it in words."""
    width = max(0, min(100, round(100 * value / of))) if of else 0
    return format_html(
        '<svg class="bar{}" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{}" height="4"/></svg>',
        tone and f" {tone}",
        width,
    )


def _points(values: Sequence[float], low: float, high: float, width: float, height: float) -> str:
    step = width / max(len(values) - 1, 1)
    scale = (high - low) or 1
    return " ".join(f"{n * step:.1f},{height - height * (v - low) / scale:.1f}" for n, v in enumerate(values))


@register.simple_tag
def sparkline(
    values: Iterable[float], label: str, low: float | None = None, high: float | None = None, cls: str = ""
) -> SafeString:
    """A small line. `label` names it; the numbers follow in the hidden text. `low` and `high` draw the goal's band."""
    numbers = list(values)
    if not numbers:
        return format_html('<span class="meta">{}</span>', _("No measurements yet"))
    bottom = min([*numbers, *([low] if low is not None else []), *([high] if high is not None else [])])
    top = max([*numbers, *([low] if low is not None else []), *([high] if high is not None else [])])
    height, scale = 30.0, (top - bottom) or 1
    band: SafeString | str = ""
    if low is not None or high is not None:
        upper = top if high is None else high
        lower = bottom if low is None else low
        y, tall = height - height * (upper - bottom) / scale, height * (upper - lower) / scale
        band = format_html(
            '<rect class="band" width="100" y="{}" height="{}"/>', f"{y:.1f}", f"{max(tall, 1):.1f}"
        )
    return format_html(
        '<svg class="spark{}" viewBox="0 0 100 30" preserveAspectRatio="none" role="img" aria-label="{}: {}">'
        '{}<polyline class="ln" points="{}"/></svg>',
        cls and f" {cls}",
        label,
        ", ".join(f"{n:g}" for n in numbers),
        band,
        _points(numbers, bottom, top, 100.0, height),
    )


@register.simple_tag
def stacked_bar(
    segments: Iterable[tuple[str, float, str]], label: str, of: float | None = None
) -> SafeString:
    """Parts of a whole: segments are (words, number, class f1 f2 f3 f4 fw fd). `of` is the longest bar of the set."""
    parts = [(words, number, cls) for words, number, cls in segments]
    total = of or sum(number for _words, number, _cls in parts) or 1
    rects, x = [], 0.0
    for _words, number, cls in parts:
        if number:
            rects.append((cls, f"{x:g}", f"{number:g}"))
            x += number
    spoken = ", ".join(f"{words} {number:g}" for words, number, _cls in parts)
    return format_html(
        '<svg class="stack" viewBox="0 0 {} 4" preserveAspectRatio="none" role="img" aria-label="{}: {}">{}</svg>',
        f"{total:g}",
        label,
        spoken,
        format_html_join("", '<rect class="{}" x="{}" width="{}" height="4"/>', rects),
    )


# --- forms --------------------------------------------------------------------------------------------


def _kind(bound: BoundField) -> str:
    widget = bound.field.widget
    if hasattr(widget, "boxes"):
        return "boxes"
    if isinstance(widget, (RadioSelect, CheckboxSelectMultiple)):
        return "choices"
    if isinstance(widget, CheckboxInput):
        return "checkbox"
    if isinstance(widget, Select):
        return "select"
    if isinstance(widget, Textarea):
        return "textarea"
    return "file" if isinstance(widget, FileInput) else "input"


def _described_by(bound: BoundField) -> str:
    ids = []
    if bound.help_text:
        ids.append(f"{bound.auto_id}_helptext")
    if bound.errors:
        ids.append(f"{bound.auto_id}_error")
    return " ".join(ids)


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, size: str = "", optional: bool = True, **attrs: Any) -> dict[str, Any]:
    """`{% field form.phone %}`: label, hint, error, control, in that order, wired for screen readers.

    size: "" (full width), "mid" or "tiny". Other arguments become attributes of the control, of several the first
    (underscores turn to hyphens). Optional fields say so unless optional=False.
    """
    kind = _kind(bound)
    name_nothing(bound.field, _("Choose…"))
    extra = {name.replace("_", "-"): value for name, value in attrs.items()}
    described = _described_by(bound)
    if kind in ("input", "select", "textarea", "file"):
        given = bound.field.widget.attrs.get("class", "")
        extra["class"] = " ".join(part for part in ("input" if kind == "file" else kind, size, given) if part)
    data: dict[str, Any] = {
        "field": bound,
        "kind": kind,
        "described": described,
        "problems": _problems(bound),
        "says_optional": optional and not bound.field.required and kind != "checkbox",
    }
    if kind == "boxes":
        data["boxes"] = bound.field.widget.boxes(bound)
    elif kind == "choices":
        data["choices"] = list(bound)
        for first in data["choices"][:1]:
            first.data["attrs"].update(extra)
    else:
        data["control"] = bound.as_widget(attrs=extra)
    return data


def _problems(bound: BoundField) -> list[str]:
    """The field's errors; Django's bare "This field is required." gets the name of the field."""
    bare = str(Field.default_error_messages["required"])
    return [
        _("%(field)s is required") % {"field": bound.label} if text == bare else str(text)
        for text in bound.errors
    ]


@register.inclusion_tag("components/error_summary.html")
def error_summary(*forms: BaseForm) -> dict[str, Any]:
    """All problems of one or more forms in one place, each a link to its field."""
    problems: list[dict[str, Any]] = []
    for form in forms:
        if not form or not form.errors:
            continue
        problems += [{"text": text, "href": ""} for text in form.non_field_errors()]
        for bound in form:
            target = f"{bound.auto_id}_0" if _kind(bound) in ("choices", "boxes") else bound.id_for_label
            for text in _problems(bound):
                named = bound.label.casefold() in text.casefold()
                words = text if named else _("%(field)s: %(text)s") % {"field": bound.label, "text": text}
                problems.append({"text": words, "href": f"#{target}"})
    return {"problems": problems}


# --- lists --------------------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def querystring_with(context: template.Context, **changes: Any) -> str:
    """The page's own query with changes: `?{% querystring_with sort="due" after=None %}`; None removes."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        if value is None or value == "":
            query.pop(name, None)
        else:
            query[name] = value
    return "?" + query.urlencode() if query else "?"


@register.inclusion_tag("components/sort_head.html", takes_context=True)
def sort_head(
    context: template.Context, name: str, label: str, cls: str = "", default: str = ""
) -> dict[str, Any]:
    """A table head that is a link: first click ascending, second descending (`?sort=name`, `?sort=-name`)."""
    now = context["request"].GET.get("sort", default)
    order = "ascending" if now == name else "descending" if now == f"-{name}" else ""
    query = context["request"].GET.copy()
    query.pop("after", None)
    query["sort"] = f"-{name}" if order == "ascending" else name
    return {"label": label, "order": order, "href": "?" + query.urlencode(), "cls": cls}


@register.inclusion_tag("components/chip_select.html", takes_context=True)
def chip_select(context: template.Context, bound: BoundField) -> dict[str, Any]:
    """A filter of a GET form as a chip; it submits the form when changed (a button does without script)."""
    name_nothing(bound.field, _("Any"))
    value = bound.value()
    initial = bound.field.initial
    on = str(value or "") not in ("", str(initial or ""))
    return {"field": bound, "on": on, "control": as_select(bound, {"data-auto-submit": ""})}


# --- containers -----------------------------------------------------------------------------------------


@register.simple_block_tag
def box(content: str, title: str, id: str, **options: Any) -> SafeString:  # noqa: A002 - reads as HTML does
    """`{% box "Tasks" id="tasks" %}…{% endbox %}`. Options: meta (text beside the title), flush=True (no padding,
    for lists and tables), cls, level (2), end (HTML on the right, such as a link made with as).
    """
    data = {"level": 2, **options, "content": content, "title": title, "id": id}
    return render_to_string("components/box.html", data)


@register.simple_block_tag
def bulk_bar(content: str, label: str) -> SafeString:
    """`{% bulk_bar "With selected tasks" %}<button …>…{% endbulk_bar %}`."""
    return render_to_string("components/bulk_bar.html", {"content": content, "label": label})


# --- messages -----------------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def toasts(context: template.Context) -> SafeString:
    """What is to be said after the last action, with Undo where there is one."""
    request = context.get("request")
    if request is None or not hasattr(request, "_messages"):
        return mark_safe("")
    return render_toasts(request)
