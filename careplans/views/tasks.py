"""A task's own page, and adding and editing one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from careplans import services
from careplans.forms import DueWordsField, LogContactForm, TaskForm, moment_label
from careplans.models import Task
from careplans.selectors import TaskPreview, history, task_preview, whole_tasks
from coordinator.audit import services as audit
from coordinator.db import Conflict
from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, page_in_view, requires, safe_next, whole_number
from coordinator.toasts import toast
from coordinator.wording import clock_time, week_day
from patients.models import Patient
from patients.selectors import find_patients


def list_url() -> str:
    """My work, which stands on the roof above this app: reached by its name only."""
    try:
        return reverse("dashboard:my_work")
    except NoReverseMatch:
        return "/"


def preview_context(request: HttpRequest, task: Task, doorway: str, back: str) -> dict[str, Any]:
    """What `careplans/_task.html` needs. Showing a patient's task is a look at the record, and noted."""
    now = timezone.now()
    preview = task_preview(request.user, task, now)
    if task.patient_id:
        audit.viewed(request, task.patient, what="task")
    return {
        "preview": preview,
        "log_form": log_form(request, preview, now),
        "doorway": doorway,
        "next": back,
        "now": now,
    }


def log_form(request: HttpRequest, preview: TaskPreview, now: datetime) -> LogContactForm | None:
    """The form for a contact, for those who work on open tasks of a patient."""
    if not (preview.may_work and preview.is_open and preview.task.patient_id):
        return None
    form = LogContactForm(task=preview.task, user=request.user, now=now)
    form.offer(preview.people, preview.phones, preview.other_tasks)
    return form


@requires("tasks.view")
@require_GET
def task_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same as the preview of My work, on a page of its own, with the history."""
    task = get_visible_or_404(whole_tasks(), request.user, pk=pk)
    context = preview_context(request, task, "careplans:task_act", safe_next(request, list_url()))
    context |= {"history": history(task), "back": context["next"], "next": request.path}
    return page(request, "careplans/task_detail.html", context)


@requires("tasks.work")
@require_http_methods(["GET", "POST"])
def task_new(request: HttpRequest) -> HttpResponse:
    """Quick add, from anywhere: for a patient that is given, searched for, or for none."""
    now, user = timezone.now(), request.user
    if request.method == "GET":
        return _show_new(request, TaskForm(user=user, initial=_suggestion(request)), patient=_given(request))
    form = TaskForm(request.POST, user=user)
    found, patient = _chosen_patient(request, form)
    if not form.is_valid() or found is not None:
        return _show_new(request, form, patient=patient, found=found, status=422)
    try:
        task = _open(form.cleaned_data, patient, user, now)
    except ValidationError as error:
        show_refusal(form, error)
        return _show_new(request, form, patient=patient, status=422)
    words = {"title": task.title, "when": moment_or_day(task, now)}
    said = _("Task added: %(title)s, due %(when)s") if task.due_at else _("Task added: %(title)s")
    toast(request, said % words)
    back = safe_next(request, list_url())
    if not request.htmx:
        return redirect(back)
    response = HttpResponse()
    response["HX-Redirect"] = back
    return response


@requires("tasks.work")
@require_POST
def due_words(request: HttpRequest) -> HttpResponse:
    """What a typed day means, while it is typed: "Mon, Nov 23" or why it is not understood."""
    field, said = DueWordsField(required=False), ""
    try:
        due = field.clean(request.POST.get("due", "").replace("\x00", ""))
    except ValidationError as error:
        return page(request, "careplans/_due_words.html", {"problem": " ".join(error.messages)})
    if due:
        said = f"{week_day(due[0])}, {clock_time(due[0])}" if due[1] else week_day(due[0])
    return page(request, "careplans/_due_words.html", {"said": said})


def moment_or_day(task: Task, now: datetime) -> str:
    """When a task is due, in words: with the hour when it has one."""
    if task.due_at is None:
        return ""
    return moment_label(task.due_at, now) if task.due_has_time else week_day(task.due_at)


def _given(request: HttpRequest) -> Patient | None:
    """The patient named by key in the address, if this person may see them."""
    key = request.GET.get("patient")
    if request.GET.get("after"):
        task = get_visible_or_404(whole_tasks(), request.user, pk=request.GET["after"])
        return task.patient
    return get_visible_or_404(Patient, request.user, pk=key) if key else None


def _suggestion(request: HttpRequest) -> dict[str, Any]:
    """What the offers after the last failed attempt fill in."""
    offers = {
        "letter": {
            "title": _("Send a letter: we could not reach you"),
            "kind": "paperwork",
            "reason": _("All planned attempts failed"),
        },
        "ask_clinician": {
            "title": _("Ask the clinician how to go on"),
            "kind": "other",
            "reason": _("All planned attempts failed"),
        },
    }
    return offers.get(request.GET.get("offer", ""), {"patient": request.GET.get("patient", "")})


def _chosen_patient(request: HttpRequest, form: TaskForm) -> tuple[Any, Patient | None]:
    """(matches to choose from or None, the patient or None). What was typed is searched, never guessed."""
    key, typed = request.POST.get("patient", ""), request.POST.get("find", "").strip()
    if key:
        return None, get_visible_or_404(Patient, request.user, pk=key)
    if not typed:
        return None, None
    return find_patients(request.user, typed, limit=8, today=timezone.localdate()), None


def _open(data: dict[str, Any], patient: Patient | None, user: Any, now: datetime) -> Task:
    to = data["to"]
    site = patient.site if patient else user.team.site if user.team else user.sites.first()
    if site is None:
        raise ValidationError(_("Your account has no place to work at yet."))
    same = ("kind", "title", "reason", "next_step", "program", "waiting_on", "priority", "checklist")
    return services.open_task(
        patient=patient,
        site=site,
        owner=data["owner"] if to else user,
        team=data["team"],
        due_at=data["due_at"],
        due_has_time=data["due_has_time"],
        by=user,
        now=now,
        **{name: data[name] for name in same},
    )


def _show_new(request: HttpRequest, form: TaskForm, status: int = 200, **more: Any) -> HttpResponse:
    here = page_in_view(request) if request.htmx else list_url()
    context = {"form": form, "next": safe_next(request, here), **more}
    context["in_dialog"] = request.htmx.target == "modal-in"
    context["typed"] = request.POST.get("find", "")
    return page(request, "careplans/task_new.html", context, part="careplans/_task_new.html", status=status)


@requires("tasks.work")
@require_http_methods(["GET", "POST"])
def task_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change what a task says; somebody else's save in between is shown, not overwritten."""
    task = get_visible_or_404(whole_tasks(), request.user, pk=pk)
    if request.method == "GET":
        form = TaskForm(user=request.user, task=task, initial=TaskForm.initial_from(task))
        return _show_edit(request, task, form)
    form = TaskForm(request.POST, user=request.user, task=task, initial=TaskForm.initial_from(task))
    if not form.is_valid():
        return _show_edit(request, task, form, status=422)
    version = whole_number(request.POST.get("version"))
    try:
        services.edit_task(
            task_id=task.pk,
            version=version,
            by=request.user,
            now=timezone.now(),
            **_changes(task, form.cleaned_data),
        )
    except ValidationError as error:
        show_refusal(form, error)
        return _show_edit(request, task, form, status=422)
    except Conflict as conflict:
        return _show_conflict(request, task, form, conflict)
    toast(request, _("Saved: %(title)s") % {"title": form.cleaned_data["title"]})
    return redirect(safe_next(request, reverse("careplans:task_detail", args=[task.pk])))


TEXTS = ("title", "kind", "reason", "priority", "program", "next_step", "waiting_on")


def _changes(task: Task, data: dict[str, Any]) -> dict[str, Any]:
    changes = {name: data[name] for name in TEXTS}
    if not task.clock_id:
        changes |= {"due_at": data["due_at"], "due_has_time": data["due_has_time"]}
    return changes


def _show_edit(request: HttpRequest, task: Task, form: TaskForm, status: int = 200) -> HttpResponse:
    back = safe_next(request, reverse("careplans:task_detail", args=[task.pk]))
    context = {"task": task, "form": form, "next": back}
    return page(request, "careplans/task_edit.html", context, part="careplans/_task_edit.html", status=status)


def _show_conflict(request: HttpRequest, task: Task, form: TaskForm, conflict: Conflict) -> HttpResponse:
    """Both versions of the fields that differ; the rest goes along as typed."""
    task.refresh_from_db()
    theirs, data = TaskForm.initial_from(task), form.data
    rows, keep = [], []
    for name, bound in form.fields.items():
        mine, saved = data.get(name, ""), form[name].field.widget.format_value(theirs.get(name))
        saved = (saved[0] if isinstance(saved, list) else saved) or ""
        if mine == saved:
            keep.append((name, mine))
        else:
            labels = {str(k): str(v) for k, v in getattr(bound, "choices", [])}
            rows.append(
                {
                    "name": name,
                    "label": bound.label,
                    "theirs": labels.get(saved, saved),
                    "yours": labels.get(mine, mine),
                    "theirs_value": saved,
                    "yours_value": mine,
                }
            )
    last = task.changes.filter(step="edit").select_related("by").last()
    context = {
        "task": task,
        "rows": rows,
        "keep": keep,
        "version": task.version,
        "who": last.by.name if last and last.by else _("Somebody"),
        "at": last.at if last else task.updated_at,
        "next": safe_next(request, reverse("careplans:task_detail", args=[task.pk])),
    }
    return page(
        request, "careplans/task_conflict.html", context, part="careplans/_task_conflict.html", status=409
    )
