"""My work: the list and its preview, filters, saved views, the call list. What is done from there: my_work_acts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from careplans.models import Task, TaskKind
from careplans.selectors import whole_tasks
from careplans.views.tasks import preview_context
from careplans.workflow import WORKABLE
from coordinator.accounts.models import Team, User
from coordinator.audit import services as audit
from coordinator.context import Shell
from coordinator.dashboard.handover import leave_notes
from coordinator.dashboard.overnight import COUNTED, LABELS
from coordinator.dashboard.saved_views import Views, remember, views_of
from coordinator.dashboard.work_forms import FilterForm
from coordinator.dashboard.work_rows import Row
from coordinator.dashboard.work_words import row_words
from coordinator.dashboard.worklist import (
    COLUMNS,
    DUE,
    GROUPINGS,
    SORTS,
    USUAL_COLUMNS,
    VIEWS,
    Wanted,
    Worklist,
    new_since,
)
from coordinator.dashboard.worklist import PAGE as ROWS
from coordinator.http import get_visible_or_404, is_part, page, requires, signed_in, whole_number
from patients.models import Patient

PAGE = "my_work"
ACT = "dashboard:my_work_act"
FILTERS = (
    "view", "kind", "program", "language", "due", "status", "team", "patient", "group", "sort", "owner", "new",
    "text",
)  # fmt: skip
NO_FILTERS = dict.fromkeys(
    ("kind", "program", "language", "due", "status", "team", "patient", "text", "owner", "new"), ""
)
EVERYBODY = "all"  # in the place of a colleague's key
OPENED = f"{PAGE}_opened"  # in the session: the list was opened since signing in
MOST = 200  # tasks of one bulk action, also of "all that match"
TEXT = f"{PAGE}_text"  # in the session: a name that is looked for never becomes part of an address


@signed_in
@require_GET
def my_work(request: HttpRequest) -> HttpResponse:
    """The list with its preview. htmx gets the piece it asks for: the preview, more rows, or the list."""
    if not request.user.can("tasks.view"):
        others = [place.href for place in Shell(request).places if place.href != request.path]
        return redirect(others[0] if others else "account_change_password")
    if is_part(request) and request.htmx.target in ("peek", "peek-first"):
        return show_preview(request)
    views = views_of(request.user, PAGE)
    start = where_to_start(request, views)
    if not request.GET and start:
        return redirect(f"{request.path}?{start}")
    work = worklist(request, columns=views.columns)
    query = address(request.GET, new="")  # what is new today is old tomorrow: the list does not begin with it
    if query[:500] != views.query:
        remember(user=request.user, page=PAGE, query=query)
    if is_part(request) and request.htmx.target == "work-rows":
        return page(request, "dashboard/_my_work_more.html", list_context(request, work))
    context = list_context(request, work) | {"views": views}
    context["leave_notes"] = leave_notes(request.user, work.now)
    context |= chosen_task(request)
    response = page(request, "dashboard/my_work.html", context, part="dashboard/_worklist.html")
    if is_part(request):
        response["HX-Push-Url"] = context["next"]
    return response


def where_to_start(request: HttpRequest, views: Views) -> str:
    """The view chosen for the first look after signing in, then the filters as they were left."""
    first, opened = views.first, request.session.get(OPENED)
    if not opened:
        request.session[OPENED] = True
    return (first.query or "view=todo") if first and not opened else views.query


def wanted_from(request: HttpRequest, query: Any) -> Wanted:
    """The filters of an address; what it does not know is left out, never an error."""
    statuses = [str(status) for status in WORKABLE]
    known = {
        "view": VIEWS,
        "kind": TaskKind.values,
        "due": DUE,
        "group": GROUPINGS,
        "status": statuses,
        "new": COUNTED,
    }
    said = {name: query.get(name, "").replace("\x00", "")[:40] for name in FILTERS}
    for name, values in known.items():
        said[name] = said[name] if said[name] in values else ""
    owner, key = None, whole_number(said["owner"])
    leads = request.user.can("team.view")
    if key and leads:
        owner = get_visible_or_404(User, request.user, pk=key)
    team, patient = key_of(said["team"]), key_of(said["patient"])
    return Wanted(
        view=said["view"] or "todo",
        kind=said["kind"],
        program=said["program"],
        language=said["language"],
        due=said["due"],
        group=said["group"],
        sort=said["sort"] if said["sort"].lstrip("-") in SORTS else "",
        text=request.session.get(TEXT, "") if said["text"] else "",
        owner=owner,
        everybody=leads and said["owner"] == EVERYBODY,
        new=said["new"],
        status=said["status"],
        team=Team.objects.visible_to(request.user).filter(pk=team).first() if team else None,
        patient=Patient.objects.visible_to(request.user).filter(pk=patient).first() if patient else None,
    )


def address(query: Any, **changes: Any) -> str:
    """The filters of an address as a query string, without the selected task or the place in the list."""
    said = {name: query.get(name, "") for name in FILTERS} | changes
    return urlencode({name: value for name, value in said.items() if value})


def worklist(request: HttpRequest, size: int = ROWS, columns: list[str] | None = None) -> Worklist:
    work = Worklist(
        request.user, wanted_from(request, request.GET), timezone.now(), columns=in_order(columns)
    )
    return work.read(after=key_of(request.GET.get("after")), size=size)


def in_order(columns: list[str] | None) -> tuple[str, ...]:
    """Chosen columns as the list shows them; the usual ones when nothing was chosen."""
    return USUAL_COLUMNS if columns is None else tuple(name for name in COLUMNS if name in columns)


def key_of(text: Any) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None


def list_context(request: HttpRequest, work: Worklist) -> dict[str, Any]:
    last = work.rows[-1].task.pk if work.rows else None
    query = address(request.GET)
    home = reverse("dashboard:my_work")
    return {
        "work": work,
        "now": work.now,
        "filters": FilterForm(request.GET, work=work, auto_id="f_%s"),
        "tabs": tabs(request.GET, work),
        "query": query,
        "next": f"{home}?{query}" if query else home,
        "next_url": f"{home}?{query}&after={last}" if work.more else "",
        "clear_url": f"{home}?{address(request.GET, **NO_FILTERS) or 'view=todo'}",
        "task_id": key_of(request.GET.get("task")),
        "words": row_words(),
        "new_label": LABELS.get(work.wanted.new, ""),
        "columns": list(COLUMNS.items()),
        "most": MOST,
    }


def tabs(query: Any, work: Worklist) -> list[dict[str, Any]]:
    """The views with their counts; filters go along, order and place in the list do not."""
    return [
        {
            "href": f"{reverse('dashboard:my_work')}?{address(query, view=view, sort='')}",
            "label": VIEWS[view],
            "count": count,
            "current": view == work.wanted.view,
        }
        for view, count in work.counts.items()
    ]


def chosen_task(request: HttpRequest) -> dict[str, Any]:
    """The preview of the task that the address names; none when nobody may see it."""
    key = key_of(request.GET.get("task"))
    task = whole_tasks().visible_to(request.user).filter(pk=key).first() if key else None
    return about(request, task, request.GET) if task else {"preview": None}


def about(request: HttpRequest, task: Task, query: Any) -> dict[str, Any]:
    """One task for the pane; its actions come back to this list."""
    back = f"{reverse('dashboard:my_work')}?{address(query) or 'view=todo'}"
    return preview_context(request, task, ACT, back) | {"task_id": task.pk}


def show_preview(request: HttpRequest) -> HttpResponse:
    """The preview alone: of the task named, or of the first one of the list."""
    context = chosen_task(request)
    if context["preview"] is None and not request.GET.get("task"):
        first = next(iter(worklist(request, size=1).rows), None)
        if first is not None:
            context = about(request, whole_tasks().get(pk=first.task.pk), request.GET)
    return page(request, "dashboard/_preview.html", context)


@requires("tasks.view")
@require_POST
def find(request: HttpRequest) -> HttpResponse:
    """Filter by name or title. By POST, because what is typed must not stand in an address or a log."""
    text = request.POST.get("q", "").replace("\x00", "").strip()[:100]
    request.session[TEXT] = text
    query = address(request.POST, text="on" if text else "")
    return redirect(f"{reverse('dashboard:my_work')}?{query or 'view=todo'}")


@requires("tasks.view")
@require_GET
def news(request: HttpRequest) -> JsonResponse:
    """How many tasks came in since the list was read; asked for once a minute."""
    since = parse_datetime(request.GET.get("since", "")) or timezone.now()
    count = new_since(request.user, since if timezone.is_aware(since) else timezone.now())
    text = ngettext("%(n)d new task.", "%(n)d new tasks.", count) % {"n": count}
    return JsonResponse({"count": count, "text": text})


@requires("tasks.view")
@require_GET
def call_list(request: HttpRequest) -> HttpResponse:
    """The list for paper: telephone, language, reason and room for notes. Printing it is on record."""
    columns = in_order(views_of(request.user, PAGE).columns)
    work = Worklist(request.user, wanted_from(request, request.GET), timezone.now(), columns=columns)
    chosen = [key for key in map(key_of, request.GET.getlist("id")) if key]
    tasks = work.call_list(chosen)
    audit.record(
        by=request.user,
        action="print",
        entity="careplans.task",
        details={"list": "call list", "rows": len(tasks)},
    )
    context = {
        "rows": [Row(task) for task in tasks],
        "work": work,
        "now": work.now,
        "view": VIEWS[work.wanted.view],
    }
    return page(request, "dashboard/call_list.html", context)
