"""Tasks: list, open, edit, take steps, log contacts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.reverse import reverse

from careplans import services
from careplans.models import ContactAttempt, Task
from careplans.workflow import OPEN
from coordinator.api.base import ApiView, ListView, versioned
from coordinator.api.fields import row
from coordinator.api.idempotency import once
from coordinator.api.matching import conditional
from coordinator.api.serializers import tasks as shapes
from coordinator.api.serializers.patients import NoInput, WithReason
from coordinator.api.steps import ApiStep, StepBook, StepView, documented
from coordinator.http import get_visible_or_404


class TaskView(ApiView):
    access_rule = "api:tasks"
    resource = "tasks"


class TaskList(TaskView, ListView):
    filters = shapes.TaskFilters
    ordering = ("due_at", "id")
    lookups = {
        "site": "site",
        "patient": "patient",
        "owner": "owner",
        "team": "team",
        "status": "status__in",
        "kind": "kind__in",
        "due_before": "due_at__lt",
        "due_from": "due_at__gte",
        "updated_since": "updated_at__gte",
    }

    def visible(self, request: Any) -> QuerySet[Task]:
        return Task.objects.visible_to(request.user)

    def rows(self, visible: QuerySet[Task], given: dict[str, Any]) -> QuerySet[Any]:
        visible = self.narrowed(visible, given)
        if "open" in given:
            visible = visible.filter(status__in=OPEN) if given["open"] else visible.exclude(status__in=OPEN)
        if given.get("overdue"):
            visible = visible.overdue(timezone.now())
        return visible.values(*shapes.ROW)

    @extend_schema(operation_id="tasks_list", responses=shapes.TaskRow(many=True))
    def get(self, request: Any) -> Response:
        """Tasks of the client's sites, by due date; those without one come last."""
        return self.listed()

    @extend_schema(operation_id="tasks_create", request=shapes.TaskWrite, responses={201: shapes.TaskDetail})
    @once
    def post(self, request: Any) -> Response:
        """Open a task. Without owner and team it goes to the patient's coordinator, else to the site's team list."""
        given = self.body(shapes.TaskWrite)
        site = site_of(request, given)
        task = services.open_task(
            patient=given.pop("patient", None), site=site, by=request.user, now=timezone.now(), **given
        )
        return versioned(detail(request, task.pk), 201, reverse("api:task", [task.pk], request=request))


def site_of(request: Any, given: dict[str, Any]) -> Any:
    """The site named, else the patient's; one of them must be there."""
    key = given.pop("site", None)
    if key is not None:
        return request.user.sites.get(pk=key)
    if given.get("patient") is None:
        raise ValidationError({"site": [_("Name a site or a patient.")]})
    return given["patient"].site


class TaskDetail(TaskView):
    @extend_schema(operation_id="tasks_read", responses=shapes.TaskDetail)
    def get(self, request: Any, pk: UUID) -> Response:
        """One task with its checklist."""
        return versioned(detail(request, pk))

    @extend_schema(operation_id="tasks_change", request=shapes.TaskChange, responses=shapes.TaskDetail)
    @once
    @conditional
    def patch(self, request: Any, pk: UUID) -> Response:
        """Change what the task says. Status and owner change by steps."""
        task = self.locked(Task.objects.visible_to(request.user), pk)
        given = self.body(shapes.TaskChange, partial=True)
        services.edit_task(task_id=pk, version=task.version, by=request.user, now=timezone.now(), **given)
        return versioned(detail(request, pk))


class ContactList(TaskView, ListView):
    def visible(self, request: Any) -> QuerySet[ContactAttempt]:
        return ContactAttempt.objects.visible_to(request.user).filter(task=self.kwargs["pk"])

    def rows(self, visible: QuerySet[ContactAttempt], given: dict[str, Any]) -> QuerySet[Any]:
        return visible.values(*shapes.CONTACT)

    @extend_schema(operation_id="contacts_list", responses=shapes.ContactShape(many=True))
    def get(self, request: Any, pk: UUID) -> Response:
        """Contacts about a task, newest first."""
        get_visible_or_404(Task.objects.only("id"), request.user, pk=pk)
        return self.listed()

    @extend_schema(
        operation_id="contacts_create", request=shapes.ContactWrite, responses={201: shapes.LoggedContact}
    )
    @once
    def post(self, request: Any, pk: UUID) -> Response:
        """Log a call, text, letter or visit. Its result sets what comes next."""
        joined = ("patient__site__calendar", "patient__coordinator", "site__calendar")
        task = Task.objects.visible_to(request.user).select_related(*joined).filter(pk=pk).first()
        if task is None:
            raise Http404
        given = self.body(shapes.ContactWrite)
        if task.patient is None:
            raise ValidationError({"": [_("This task is not about a patient.")]})
        logged = services.log_contact(
            patient=task.patient, task=task, by=request.user, now=timezone.now(), **given
        )
        return Response(answer(logged), status=201)


def answer(logged: services.LoggedContact) -> dict[str, Any]:
    return {
        "contact": row(logged.attempt, shapes.CONTACT),
        "task": row(logged.task, shapes.ROW) if logged.task else None,
        "closed": logged.closed,
        "explanation": [str(text) for text in logged.explanation],
        "offers": [str(offer) for offer in logged.offers],
        "extra_tasks": [task.pk for task in logged.extra_tasks],
    }


WORKABLE = ("complete", "accept")  # an assigned task is taken first by the service
STEPS = StepBook(
    "Task",
    "task_id",
    Task.workflow,
    {
        "accept": ApiStep(NoInput, services.accept_task, ("accept", "hand_over")),
        "start": ApiStep(NoInput, services.start_task, ("start", "accept")),
        "tick": ApiStep(shapes.Ticked, services.tick_item, WORKABLE),
        "complete": ApiStep(shapes.Completed, services.complete_task, WORKABLE),
        "snooze": ApiStep(shapes.Snoozed, services.snooze_task, ("snooze", "accept")),
        "wake": ApiStep(NoInput, services.wake_task),
        "reassign": ApiStep(
            shapes.Handed, services.reassign_task, ("reassign", "hand_over", "wake", "assign")
        ),
        "hand_back": ApiStep(WithReason, services.hand_back_task, ("reject", "hand_over")),
        "cancel": ApiStep(shapes.ClosedUndone, services.cancel_task),
        "reopen": ApiStep(WithReason, services.reopen_task),
        "enter_in_error": ApiStep(WithReason, services.enter_task_in_error),
    },
)


@documented(
    "tasks", shapes.TaskDetail, "Take a step with a task: complete it, put it off, hand it on, close it."
)
class TaskSteps(TaskView, StepView):
    book = STEPS

    def visible(self) -> QuerySet[Any]:
        return Task.objects.visible_to(self.request.user)

    def detail(self, pk: UUID) -> dict[str, Any]:
        return detail(self.request, pk)


def detail(request: Any, pk: UUID) -> dict[str, Any]:
    """One visible task as TaskDetail (one query). Raises Http404."""
    found = Task.objects.visible_to(request.user).filter(pk=pk).values(*shapes.DETAIL).first()
    if found is None:
        raise Http404
    return {**found, "steps": STEPS.possible(found["status"])}
