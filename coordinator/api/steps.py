"""Steps of a workflow through the API: one address per record, a body that names the step and gives what it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import (
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from coordinator.api.base import ApiView, versioned
from coordinator.api.fields import Strict
from coordinator.api.idempotency import once
from coordinator.api.matching import conditional
from coordinator.workflow import Workflow


@dataclass(frozen=True)
class ApiStep:
    """`asks` checks what the step needs, `call` is its service. `when`: workflow steps of which one must be possible
    (the step's own name when empty), or `at`: the statuses it belongs to. Both only decide what `steps` of an answer
    lists, the service decides."""

    asks: type[Strict]
    call: Callable[..., Any]
    when: tuple[str, ...] = ()
    at: tuple[str, ...] = ()


class StepBook:
    """The steps of one noun. `key` is what its services call the record's key, such as "task_id"."""

    def __init__(self, noun: str, key: str, workflow: Workflow, steps: dict[str, ApiStep]) -> None:
        self.noun, self.key, self.workflow, self.steps = noun, key, workflow, steps
        self.forms = {name: _form(noun, name, step.asks) for name, step in steps.items()}

    def possible(self, status: str) -> list[str]:
        """Steps to offer in this status."""
        open_now = {step.name for step in self.workflow.steps_from(status)}
        return [
            name
            for name, step in self.steps.items()
            if (status in step.at if step.at else open_now & set(step.when or (name,)))
        ]

    def read(self, view: ApiView) -> tuple[str, dict[str, Any]]:
        """The step's name and what was given for it, checked. Raises ValidationError."""
        data = view.request.data
        name = data.get("step") if isinstance(data, dict) else None
        if not isinstance(name, str) or name not in self.forms:
            raise ValidationError({"step": [_("One of: %(steps)s.") % {"steps": ", ".join(self.steps)}]})
        given = dict(view.body(self.forms[name]))
        return given.pop("step"), given

    def take(self, name: str, pk: UUID, *, by: Any, **given: Any) -> Any:
        return self.steps[name].call(**{self.key: pk}, by=by, now=timezone.now(), **given)

    def schema(self) -> PolymorphicProxySerializer:
        return PolymorphicProxySerializer(
            component_name=f"{self.noun}Step", serializers=self.forms, resource_type_field_name="step"
        )


def _form(noun: str, name: str, asks: type[Strict]) -> type[Strict]:
    """`asks` with the field `step`, as a class of its own so that the schema can name it."""
    words = "".join(part.capitalize() for part in name.split("_"))
    step = serializers.ChoiceField([name])
    return type(f"{noun}{words}", (asks,), {"step": step, "__doc__": asks.__doc__, "__module__": __name__})


class StepView(ApiView):
    """POST takes one step. Subclasses give `book`, `visible()` and `detail()`, and are `@documented`."""

    book: StepBook

    def visible(self) -> QuerySet[Any]:
        raise AssertionError("every step view says what is visible")

    def locks(self, record: Any, given: dict[str, Any]) -> None:
        """Locks that the service takes before the row, in the order it takes them."""

    def detail(self, pk: UUID) -> dict[str, Any]:
        raise AssertionError("every step view says how it answers")

    @once
    @conditional
    def post(self, request: Any, pk: UUID) -> Response:
        seen = self.visible().filter(pk=pk).first()
        if seen is None:
            raise Http404
        name, given = self.book.read(self)
        self.locks(seen, given)
        self.locked(self.visible(), pk)
        record = self.book.take(name, pk, by=request.user, **given)
        if record.status == "entered_in_error":
            return Response(status=204)  # it is in no list any more, so there is nothing to show
        if record.pk != pk:
            return versioned(self.detail(record.pk), 201, self.address(record.pk))
        return versioned(self.detail(pk))

    def address(self, pk: UUID) -> str:
        """Where the new record of a step is."""
        return (
            self.request.build_absolute_uri().replace(str(self.kwargs["pk"]), str(pk)).removesuffix("steps/")
        )


def documented(
    noun: str, answer: type[serializers.Serializer], about: str, makes: str = "", clash: Any = None
) -> Callable[..., Any]:
    """Class decorator: the schema of a StepView. `makes` says when a step answers 201 with another record, `clash`
    is the shape of its 409 where that is a special one."""

    def mark(view: type[StepView]) -> type[StepView]:
        responses: dict[int, Any] = {
            200: answer,
            204: OpenApiResponse(description="Entered in error: the record is in no list any more."),
        }
        if makes:
            responses[201] = OpenApiResponse(answer, description=makes)
        if clash:
            responses[409] = OpenApiResponse(clash, description="Not allowed now, or the time is taken.")
        schema = extend_schema(
            operation_id=f"{noun}_step", description=about, request=view.book.schema(), responses=responses
        )
        return extend_schema_view(post=schema)(view)

    return mark
