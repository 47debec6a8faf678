"""What is done from My work: one task, many tasks, and taking it back."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from careplans import services
from careplans.actions import ACTIONS, Done, what
from careplans.forms import NothingForm, TaskActionForm
from careplans.models import Task
from careplans.selectors import whole_tasks
from careplans.services.bulk import BulkResult
from careplans.views.acting import act, ask
from coordinator.dashboard.counts import open_work
from coordinator.dashboard.my_work import ACT, MOST, PAGE, about, address, in_order, key_of, tabs, wanted_from
from coordinator.dashboard.saved_views import views_of
from coordinator.dashboard.work_words import row_words
from coordinator.dashboard.worklist import Worklist
from coordinator.db import Conflict
from coordinator.http import get_visible_or_404, page, page_in_view, requires, safe_next
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed

BULK = ("complete", "snooze", "reassign", "move_due", "cancel", "accept")
BY_HAND = 100  # their keys still fit into the address of Undo


@requires("tasks.work")
@require_http_methods(["GET", "POST"])
def task_act(request: HttpRequest, pk: UUID, action: str) -> HttpResponse:
    """An action from the list or its preview: the same table as the task's own page, another answer."""
    return act(request, pk, action, doorway=ACT, done=_done, refused=_refused)


def _done(request: HttpRequest, task: Task, done: Done) -> HttpResponse:
    _say(request, done.text, [*([task.pk] if done.undo else []), *done.also])
    return changes(request, [task.pk, *done.also]) if request.htmx else redirect(back(request))


def _refused(request: HttpRequest, task: Task, sentence: str) -> HttpResponse:
    """Somebody else was first: the row stays where it is, greyed, and says so."""
    toast(request, sentence, tone="warning")
    return changes(request, [], gone={task.pk: sentence}, status=409)


def back(request: HttpRequest) -> str:
    """Where undo leads back to: the list one is looking at, also when a dialog over it knows another page."""
    return page_in_view(request) if request.htmx else safe_next(request, reverse("dashboard:my_work"))


def _say(request: HttpRequest, text: str, can_undo: list[UUID], tone: str = "success") -> None:
    undo = ""
    if can_undo:
        query = "&".join(f"id={key}" for key in can_undo)
        undo = f"{reverse('dashboard:my_work_undo')}?{query}"
    toast(request, text, undo=undo, back=back(request), tone=tone)


def changes(
    request: HttpRequest, task_ids: list[UUID], gone: dict[UUID, str] | None = None, status: int = 200
) -> HttpResponse:
    """Only what changed on the page: these rows (away, or as they are now), the counts, and the preview.

    Nothing else moves, so nobody loses their place; rows in `gone` stay, greyed, with the sentence.
    """
    gone = gone or {}
    unlisted = key_of(request.POST.get("unlisted"))  # shown in the pane, but no row on the page
    seen = QueryDict(page_in_view(request).partition("?")[2])
    columns = in_order(views_of(request.user, PAGE).columns)
    work = Worklist(request.user, wanted_from(request, seen), timezone.now(), columns=columns)
    context: dict[str, Any] = {
        "work": work,
        "now": work.now,
        "rows": [(key, work.row(key, gone.get(key, ""))) for key in [*task_ids, *gone] if key != unlisted],
        "tabs": tabs(seen, work),
        "words": row_words(),
        "oob": True,
    }
    shown = key_of(request.POST.get("pane"))
    if shown in {*task_ids, *gone}:
        task = whole_tasks().visible_to(request.user).filter(pk=shown).first()
        context |= about(request, task, seen) if task else {}
    response = page(request, "dashboard/_my_work_changes.html", context, status=status)
    response["HX-Reswap"] = "none"
    # After settling: earlier, the swap would open the dialog again.
    events = {"close-dialog": None, "work-counts": _numbers(request, work)}
    response["HX-Trigger-After-Settle"] = json.dumps(events)
    return response


def _numbers(request: HttpRequest, work: Worklist) -> dict[str, int]:
    """The numbers on the page by the names of their places: heads of groups, the whole list, the rail."""
    numbers = {f"group-{key}": n for key, n in work.group_counts.items()}
    numbers |= {f"nav-{name}": n for name, n in open_work(request.user).items()}
    return numbers | {"total": work.total}


@requires("tasks.work")
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """One action for the selected rows, for all that match, or for one row. Most actions ask first."""
    if request.POST.get("complete"):
        return _complete_one(request, request.POST["complete"])
    every = request.POST.get("every") == "1" and not request.POST.get("take")
    action = "accept" if request.POST.get("take") else request.POST.get("action", "")
    tasks = _named(request, every)
    if action == "print" and every:
        query = address(QueryDict(request.POST.get("query", "")))
        return _to(request, f"{reverse('dashboard:call_list')}?{query}")
    if action == "print":
        ids = "&".join(f"id={key}" for key in tasks)
        return _to(request, f"{reverse('dashboard:call_list')}?{ids}")
    if action not in BULK:
        raise Http404
    if not tasks:
        toast(request, _("Select tasks first."), tone="warning")
        return changes(request, []) if request.htmx else redirect(back(request))
    asked = request.POST.get("asked") == "1"
    if action in ("complete", "accept") and (asked or not every):
        return _run(request, action, tasks, {})
    asks = NothingForm if action in ("complete", "accept") else ACTIONS[action].asks
    form = asks(request.POST if asked else None, task=None, user=request.user, now=timezone.now())
    if not (asked and form.is_valid()):
        return _ask(request, action, tasks, form, status=422 if asked else 200, every=every)
    return _run(request, action, tasks, form.cleaned_data)


def _named(request: HttpRequest, every: bool) -> dict[UUID, Task]:
    """The tasks that the form names, or the first that match the list's filters; in the list's order."""
    if every and request.POST.get("asked") != "1":
        work = Worklist(
            request.user, wanted_from(request, QueryDict(request.POST.get("query", ""))), timezone.now()
        )
        keys = list(work.ordered(work.tasks).values_list("pk", flat=True)[:MOST])
    else:
        named = [request.POST["take"]] if request.POST.get("take") else request.POST.getlist("id")
        named = named[: MOST if every else BY_HAND]
        keys = [key for key in map(key_of, named) if key]
    found = {task.pk: task for task in whole_tasks().visible_to(request.user).filter(pk__in=keys)}
    return {key: found[key] for key in keys if key in found}


def _to(request: HttpRequest, path: str) -> HttpResponse:
    if not request.htmx:
        return redirect(path)
    response = HttpResponse()
    response["HX-Redirect"] = path
    return response


def _complete_one(request: HttpRequest, key: str) -> HttpResponse:
    """Complete from a row; a checklist that is not done asks for a word first."""
    task = get_visible_or_404(whole_tasks(), request.user, pk=key_of(key))
    action, now = ACTIONS["complete"], timezone.now()
    form = action.asks(task=task, user=request.user, now=now)
    if "open_items" in form.fields:
        return ask(request, task, action, form, ACT)
    try:
        return _done(request, task, action.run(task, {}, request.user, now))
    except (Conflict, NotAllowed) as refusal:
        if not request.htmx:
            raise
        return _refused(request, task, str(refusal))


def _ask(
    request: HttpRequest,
    action: str,
    tasks: dict[UUID, Task],
    form: TaskActionForm,
    status: int,
    every: bool = False,
) -> HttpResponse:
    context = {
        "action": ACTIONS[action],
        "tasks": list(tasks.values()),
        "form": form,
        "next": back(request),
        "every": every,
    }
    form.auto_id = "m_%s"
    return page(request, "dashboard/bulk_ask.html", context, part="dashboard/_bulk_ask.html", status=status)


ARGUMENTS = {
    "snooze": ("wake_at", "reason"),
    "reassign": ("owner", "team", "reason"),
    "move_due": ("due_at", "due_has_time"),
    "cancel": ("close_reason", "note"),
}


def _run(request: HttpRequest, action: str, tasks: dict[UUID, Task], data: dict[str, Any]) -> HttpResponse:
    given = {name: data[name] for name in ARGUMENTS.get(action, ())}
    results = services.bulk(task_ids=list(tasks), action=action, by=request.user, now=timezone.now(), **given)
    done = [result.task_id for result in results if result.done]
    refused = [result for result in results if not result.done]
    if request.POST.get("every") == "1":
        return _results(request, action, results, tasks)
    _say(
        request,
        bulk_sentence(results, tasks),
        done if action != "accept" else [],
        tone="warning" if refused else "success",
    )
    if not request.htmx:
        return redirect(back(request))
    return changes(request, done, gone={result.task_id: result.sentence for result in refused})


def _results(
    request: HttpRequest, action: str, results: list[BulkResult], tasks: dict[UUID, Task]
) -> HttpResponse:
    """What became of each of many, on a page of its own, with a way back."""
    context = {
        "action": ACTIONS[action],
        "done": [tasks[result.task_id] for result in results if result.done],
        "refused": [(tasks[result.task_id], result.sentence) for result in results if not result.done],
        "can_undo": action != "accept",
        "next": back(request),
    }
    return page(request, "dashboard/bulk_result.html", context)


def bulk_sentence(results: list[BulkResult], tasks: dict[UUID, Task]) -> str:
    """ "2 of 3 done. MIŠIĆ, Ana: Marcus Lee completed this Nov 18, 2026, 10:22 AM." """
    done, total = sum(result.done for result in results), len(results)
    if done == total:
        return ngettext("%(n)d task done.", "%(n)d tasks done.", total) % {"n": total}
    lines = [_("%(done)d of %(total)d done.") % {"done": done, "total": total}]
    for result in results:
        if not result.done:
            task = tasks[result.task_id]
            lines.append(f"{task.patient or what(task)}: {result.sentence}")
    return " ".join(lines)


@requires("tasks.work")
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Take back the last action on the tasks named in the address or the form; each on its own."""
    named = request.POST.getlist("id") or request.GET.getlist("id")
    keys = [key for key in map(key_of, named[:MOST]) if key]
    tasks = {task.pk: task for task in whole_tasks().visible_to(request.user).filter(pk__in=keys)}
    refused = []
    for key, task in tasks.items():
        try:
            services.undo(task_id=key, by=request.user, now=timezone.now())
        except (Conflict, NotAllowed) as refusal:
            refused.append(f"{task.patient or what(task)}: {refusal}")
    if refused:
        toast(request, " ".join(refused), tone="warning")
    else:
        toast(request, _("Undone."))
    row = f"#r{next(iter(tasks))}" if tasks else ""
    return redirect(safe_next(request, reverse("dashboard:my_work")) + row)
