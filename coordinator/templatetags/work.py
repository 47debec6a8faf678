"""One row of the worklist. Python instead of a template: a page holds fifty of them, each with its menu."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from coordinator.templatetags.ui import attempts, badge, due, patient_line, short_day
from coordinator.wording import clock_time, language_name

register = template.Library()


@register.simple_tag(takes_context=True)
def work_row(context: template.Context, row: Any, first: bool = False) -> SafeString:
    """`{% work_row row %}`: a task (worklist.Row) with its controls.

    Needs work and words (work_words.row_words); task_id marks the selected one; oob replaces the row on the page;
    `first` takes the focus when more rows were asked for.
    """
    work, words, task = context["work"], context["words"], row.task
    chosen = task.pk == context.get("task_id")
    swap = ' hx-swap-oob="true"' if context.get("oob") else ""
    cls = ' class="gone"' if row.gone else ' class="on"' if chosen else ""
    label = conditional_escape(row.label)
    focus = " data-focus" if first and context.get("more") else ""
    works = not work.read_only and not row.gone
    view = work.wanted.view
    cells = [
        _check(task, label, words, works and view != "done") if not work.read_only else "",
        _task(row, words, (' aria-current="true"' if chosen else "") + focus),
        _cell("c-pt", patient_line(task.patient) if task.patient else _no_patient(words)),
        _cell("c-due", _due(context, row, view)) if "due" in work.columns else "",
        _cell("c-touch", _touch(row, words) if task.patient else "") if "touch" in work.columns else "",
        *(_cell("c-more", _more(row, name, work.now)) for name, _head in work.extra_columns),
        _cell("c-menu", _menu(task, label, words, view, work.user.pk) if works else ""),
    ]
    html = f'<tr role="row" data-row id="r{task.pk}"{swap}{cls}>\n' + "\n".join(cells) + "</tr>"
    return mark_safe(html)  # noqa: S308 - every text is escaped where it is put in


@register.simple_tag(takes_context=True)
def call_list_more(context: template.Context, row: Any) -> SafeString:
    """The columns that the person added, as lines "Owner: Dana Whitfield" under the task. Needs work."""
    work = context["work"]
    lines = [(head, _more(row, name, work.now)) for name, head in work.extra_columns if name != "language"]
    html = "".join(
        f'<span class="l2">{conditional_escape(head)}: {words}</span>' for head, words in lines if words
    )
    return mark_safe(html)  # noqa: S308 - every text is escaped where it is put in


def _cell(cls: str, content: str) -> str:
    return f'<td role="cell" class="{cls}">{content}</td>'


def _lines(first: str, second: str) -> str:
    return f'<span class="l1">{first}</span><span class="l2">{second}</span>'


def _check(task: Any, label: str, words: dict[str, str], offered: bool) -> str:
    box = (
        f'<label class="check"><input type="checkbox" class="row-check" name="id" value="{task.pk}"'
        f' aria-label="{words["select"]} {label}"></label>'
    )
    return _cell("c-check", box if offered else "")


def _task(row: Any, words: dict[str, str], marks: str) -> str:
    task = row.task
    priority = f"{badge(task.get_priority_display(), 'danger')} " if task.priority != "routine" else ""
    link = (
        f'<a class="rowlink" id="t{task.pk}" href="{words["page"]}{task.pk}/"{marks} data-preview-link>'
        f"{conditional_escape(task.title)}</a>"
    )
    waiting = f"{badge(task.waiting_on, 'wait')} " if task.waiting_on else ""
    second = conditional_escape(row.gone) if row.gone else f"{waiting}{conditional_escape(row.why)}"
    return _cell("c-task", _lines(priority + link, second))


def _no_patient(words: dict[str, str]) -> str:
    return f'<span class="l1 meta">{words["no_patient"]}</span>'


def _due(context: template.Context, row: Any, view: str) -> str:
    task = row.task
    if view == "snoozed" and task.wake_at:
        return due(context, task.wake_at)
    if view != "done" and not row.gone:
        return due(context, task, why=task if task.due_at else None)
    status = conditional_escape(task.get_status_display())
    if view == "done":
        return _lines(f"{status} {clock_time(task.ended_at)}", conditional_escape(task.outcome))
    return f'<span class="l1">{status}</span>'


def _touch(row: Any, words: dict[str, str]) -> str:
    task = row.task
    tries = (
        f'<span class="meta">{conditional_escape(row.tries)}</span>'
        if row.tries
        else attempts(task.attempts_made, task.attempts_planned)
    )
    last = conditional_escape(row.last_contact)
    return _lines(tries, f"{last} · {short_day(task.last_contact_at)}" if last else words["no_contact"])


def _more(row: Any, name: str, now: datetime) -> str:
    """One of the columns that people add."""
    task = row.task
    if name == "age":
        return _lines(*(conditional_escape(line) for line in row.age_lines(now)))
    words = {
        "kind": lambda: task.get_kind_display(),
        "program": lambda: task.program,
        "status": lambda: task.get_status_display(),
        "owner": lambda: (task.owner or task.team).name,
        "language": lambda: language_name(task.patient.language) if task.patient else "",
    }[name]()
    return f'<span class="l1">{conditional_escape(words)}</span>'


def _came_from(task: Any) -> bool:
    """Whether there is somebody, or a list, to hand the task back to."""
    return bool(task.previous_owner_id or task.team_id)


def _menu(task: Any, label: str, words: dict[str, str], view: str, user_id: Any) -> str:
    """The button and what it opens: links and, for Complete, a button of the list's form."""
    key, page, act = task.pk, f"{words['page']}{task.pk}/", f"{words['acts']}{task.pk}/"

    def link(href: str, name: str, letter: str = "", modal: bool = True) -> str:
        attrs = f"{' data-modal' if modal else ''}{_key(letter)}"
        kbd = f" <kbd>{letter.upper()}</kbd>" if letter else ""
        return f'<a href="{href}"{attrs}>{words[f"i_{name}"]}{words[name]}{kbd}</a>'

    if view == "done":
        items = [link(f"{act}reopen/", "reopen")]
    else:
        take = (
            f'<button name="take" value="{key}">{words["i_take"]}{words["take"]}</button>'
            if task.owner_id is None
            else ""
        )
        items = [
            take,
            f'<button name="complete" value="{key}" data-key="c">{words["i_complete"]}{words["complete"]} <kbd>C</kbd></button>',
            link(f"{act}snooze/", "snooze", "z") if view != "snoozed" else "",
            link(f"{act}reassign/", "reassign", "a"),
            link(f"{act}log/", "log", "l") if task.patient else "",
            link(f"{act}hand_back/", "hand_back") if task.owner_id == user_id and _came_from(task) else "",
            link(f"{page}edit/", "edit", "e", modal=False),
        ]
    items.append(link(page, "open", modal=False))
    return (
        f'<button class="btn quiet icon small" type="button" popovertarget="m{key}"'
        f' aria-label="{words["actions"]} {label}">{words["i_dots"]}</button>'
        f'<div class="menu" id="m{key}" popover>{"".join(items)}</div>'
    )


def _key(letter: str) -> str:
    return f' data-key="{letter}"' if letter else ""
