"""One doorway for every action on a task: ask, do, answer. My work uses it with answers of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from careplans import services
from careplans.actions import ACTIONS, Action, Done
from careplans.forms import LogContactForm, TaskActionForm
from careplans.models import Task
from careplans.selectors import TaskPreview, whole_tasks
from coordinator.db import Conflict
from coordinator.http import get_visible_or_404, is_part, page, requires, safe_next
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed

Answer = Callable[[HttpRequest, Task, Done], HttpResponse]
Refusal = Callable[[HttpRequest, Task, str], HttpResponse]


def act(
    request: HttpRequest, pk: UUID, action: str, *, doorway: str, done: Answer, refused: Refusal
) -> HttpResponse:
    """GET asks, POST does. `doorway` is the URL name that forms post to; the two callables write the answers."""
    wanted = ACTIONS.get(action)
    if wanted is None:
        raise Http404
    now = timezone.now()
    task = get_visible_or_404(whole_tasks(), request.user, pk=pk)
    if request.method == "GET":
        return ask(request, task, wanted, _fresh(request, wanted, task, now), doorway)
    form = wanted.asks(request.POST, task=task, user=request.user, now=now)
    if not form.is_valid():
        return ask(request, task, wanted, form, doorway, status=422)
    try:
        data = form.cleaned_data | {"do": request.POST.get("do", "")}
        result = wanted.run(task, data, request.user, now)
        return checklist(request, task, doorway) if ticked(request, wanted) else done(request, task, result)
    except ValidationError as error:
        form.refuse(error)
        return ask(request, task, wanted, form, doorway, status=422)
    except (Conflict, NotAllowed) as refusal:
        if not is_part(request):
            raise
        return refused(request, task, str(refusal))


def _fresh(request: HttpRequest, action: Action, task: Task, now: datetime) -> TaskActionForm:
    """An empty form; a link may name the reason to close for (?reason=unable_to_reach)."""
    initial = {"close_reason": request.GET.get("reason", "")}
    return action.asks(task=task, user=request.user, now=now, initial=initial)


def ask(
    request: HttpRequest, task: Task, action: Action, form: TaskActionForm, doorway: str, status: int = 200
) -> HttpResponse:
    """The form of an action: a page of its own, or for htmx only the form."""
    log = isinstance(form, LogContactForm)
    if request.htmx.target == "modal-in":
        form.auto_id = "m_%s"  # the preview may show the same form
    context = {
        "task": task,
        "action": action,
        "form": form,
        "doorway": doorway,
        "next": safe_next(request, reverse("careplans:task_detail", args=[task.pk])),
        "in_pane": request.htmx.target == "log-contact",
    }
    part = "careplans/_log_contact.html" if log else "careplans/_task_act.html"
    return page(request, "careplans/task_act.html", context | {"part": part}, part=part, status=status)


def ticked(request: HttpRequest, action: Action) -> bool:
    return action.name == "tick" and is_part(request)


def checklist(request: HttpRequest, task: Task, doorway: str) -> HttpResponse:
    """The checklist as it stands now: a tick changes nothing else on the page."""
    task.refresh_from_db(fields=["checklist"])
    preview = TaskPreview(task, timezone.now(), may_work=True)
    context = {"preview": preview, "doorway": doorway, "next": safe_next(request, "")}
    return page(request, "careplans/_checklist.html", context)


@requires("tasks.work")
@require_http_methods(["GET", "POST"])
def task_act(request: HttpRequest, pk: UUID, action: str) -> HttpResponse:
    """An action from the task's own page."""
    return act(request, pk, action, doorway="careplans:task_act", done=_back, refused=_refused)


def _back(request: HttpRequest, task: Task, done: Done) -> HttpResponse:
    where = safe_next(request, reverse("careplans:task_detail", args=[task.pk]))
    if done.text:
        undo = reverse("careplans:task_undo", args=[task.pk]) if done.undo else ""
        toast(request, done.text, undo=undo, back=where)
    if request.htmx:
        response = HttpResponse()
        response["HX-Redirect"] = where
        return response
    return redirect(where)


def _refused(request: HttpRequest, task: Task, sentence: str) -> HttpResponse:
    """Someone was first: the page is shown again as things stand now, with the sentence."""
    toast(request, sentence, tone="warning")
    response = HttpResponse(status=409)
    response["HX-Redirect"] = reverse("careplans:task_detail", args=[task.pk])
    return response


@requires("tasks.work")
@require_POST
def task_undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take back one's own last action on a task."""
    task = get_visible_or_404(Task, request.user, pk=pk)
    services.undo(task_id=task.pk, by=request.user, now=timezone.now())
    return redirect(safe_next(request, reverse("careplans:task_detail", args=[task.pk])))
