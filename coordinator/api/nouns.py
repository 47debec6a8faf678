"""The doorways of one noun made from a description: its list, one of it with what stands inside, and its steps.

A noun names its model, what is answered, what narrows the list and its book of steps; the services behind the steps are
those of the pages. What is special of a noun (a file, a computed balance) is written beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.reverse import reverse

from coordinator.api.base import ApiView, ListView, versioned
from coordinator.api.fields import Filters, Shape, Strict, Visible
from coordinator.api.idempotency import once
from coordinator.api.matching import conditional
from coordinator.api.schema import Similar
from coordinator.api.selectors import row_of
from coordinator.api.steps import StepBook, StepView, documented

RESOURCE = "referrals"
Facts = Callable[[Any, UUID, datetime], dict[str, Any]]


@dataclass(frozen=True)
class Part:
    """Rows that stand inside a record's answer: `of(user, key)` says which."""

    model: type[Any]
    fields: tuple[str, ...]
    of: Callable[[Any, UUID], QuerySet[Any]]


class Still(NamedTuple):
    """What a step answers that leaves the record where it is."""

    pk: UUID
    status: str = ""


class Noun:
    """One noun of the API. `row` stands in lists, `more` only in the record itself; `stands_at` is the look-up of the
    status that its steps go by; `facts` are computed for one record and described by `fact_shapes`; they may narrow its
    `steps`. `single` is its name for one record where that is not the plural without its last letter."""

    def __init__(
        self,
        name: str,
        title: str,
        model: type[Any],
        *,
        row: tuple[str, ...],
        more: tuple[str, ...] = (),
        parts: Mapping[str, Part] | None = None,
        facts: Facts | None = None,
        fact_shapes: Mapping[str, serializers.Field] | None = None,
        book: StepBook,
        stands_at: str = "status",
        single: str = "",
    ) -> None:
        self.name, self.title, self.model, self.row, self.fields = name, title, model, row, (*row, *more)
        self.parts, self.facts, self.book, self.stands_at = parts or {}, facts, book, stands_at
        self.route = single or name[:-1]
        self.row_shape = shape(f"{title}Row", model, row)
        inside: dict[str, Any] = {
            part: shape(f"{title}{model_name(part)}", rows.model, rows.fields)(many=True, read_only=True)
            for part, rows in self.parts.items()
        }
        steps = serializers.ListField(
            child=serializers.CharField(),
            read_only=True,
            help_text="Steps that are possible as it stands.",
        )
        inside |= {**(fact_shapes or {}), "steps": steps}
        self.shape = shape(f"{title}Detail", model, (*self.fields, *inside), inside)

    def visible(self, user: Any) -> QuerySet[Any]:
        rows = self.model.objects.visible_to(user)
        return rows.exclude(status="entered_in_error") if self.stands_at == "status" else rows

    def detail(self, user: Any, pk: UUID) -> dict[str, Any]:
        """One visible record with its parts: one query, and one for each part. Raises Http404."""
        found = self.visible(user).filter(pk=pk).values(*self.fields, stands_at=F(self.stands_at)).first()
        if found is None:
            raise Http404
        status = found.pop("stands_at")
        inside: dict[str, Any] = {
            name: list(part.of(user, pk).values(*part.fields)) for name, part in self.parts.items()
        }
        computed = self.facts(user, pk, timezone.now()) if self.facts else {}
        return {**found, **inside, "steps": self.book.possible(status), **computed}


def shape(
    name: str, model: type[Any], fields: tuple[str, ...], inside: dict[str, Any] | None = None
) -> type[Shape]:
    meta = type("Meta", (), {"model": model, "fields": fields})
    return type(name, (Shape,), {**(inside or {}), "Meta": meta, "__module__": __name__})


def model_name(part: str) -> str:
    """`requirement_checks` -> RequirementChecks."""
    return "".join(word.capitalize() for word in part.split("_"))


# --- steps over the services -----------------------------------------------------------------------------------


def beside(service: Callable[..., Any], key: str) -> Callable[..., Still]:
    """A service that answers with something beside the record: the record stays where it is."""

    def call(**given: Any) -> Still:
        service(**given)
        return Still(given[key])

    return call


def of_row(
    service: Callable[..., Any], model: type[Any], name: str, *, parent: str, key: str, by: str = "pk"
) -> Callable[..., Still]:
    """A service about a row of the record: `name` is what the client calls it, `key` what the service does, `parent` the
    key of the record in both. A row of another record is answered like one that is not there."""

    def call(**given: Any) -> Still:
        pk, wanted = given.pop(parent), given.pop(name)
        row = row_of(model, wanted, by=by, **{parent.removesuffix("_id"): pk})
        if row is None:
            raise ValidationError({name: [Visible.default_error_messages["missing"]]})
        service(**{key: row}, **given)
        return Still(pk)

    return call


# --- the doorways ------------------------------------------------------------------------------------------------


def list_view(
    noun: Noun,
    about: str,
    *,
    filters: type[Filters],
    lookups: dict[str, str],
    write: type[Strict] | None = None,
    create: Callable[..., Any] | None = None,
    about_new: str = "",
    has_guard: bool = False,
    clash: Any = None,
    resource: str = RESOURCE,
) -> type[ListView]:
    """Pages of rows, and with `write` and `create` a POST that makes one. `create` is a service; it takes what `write`
    asks for, `by` and `now`. `clash` is the shape of its 409 where that is a special one."""
    given_filters, given_lookups, given_resource = filters, lookups, resource

    class Rows(ListView):
        access_rule = f"api:{given_resource}"
        resource = given_resource
        filters = given_filters
        lookups = given_lookups

        def visible(self, request: Any) -> QuerySet[Any]:
            return noun.visible(request.user)

        def rows(self, visible: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
            return self.narrowed(visible, given).values(*noun.row)

        @extend_schema(
            operation_id=f"{noun.name}_list", description=about, responses=noun.row_shape(many=True)
        )
        def get(self, request: Any) -> Response:
            return self.listed()

    if write is not None and create is not None:
        similar = OpenApiResponse(Similar, description="It may exist already: `similar` names what does.")
        Rows.post = _post(noun, write, create, about_new, similar if has_guard else clash)  # type: ignore[attr-defined]
    return _called(f"{noun.title}List", Rows)


def _post(
    noun: Noun, write: type[Strict], create: Callable[..., Any], about: str, clash: Any
) -> Callable[..., Response]:
    answers: dict[int, Any] = {201: noun.shape} | ({409: clash} if clash else {})

    @extend_schema(operation_id=f"{noun.name}_create", description=about, request=write, responses=answers)
    @once
    def post(self: Any, request: Any) -> Response:
        made = create(by=request.user, now=timezone.now(), **self.body(write))
        return made_answer(noun, request, made.pk)

    return post


def made_answer(noun: Noun, request: Any, pk: UUID) -> Response:
    where = reverse(f"api:{noun.route}", [pk], request=request)
    return versioned(noun.detail(request.user, pk), 201, where)


def detail_view(
    noun: Noun,
    about: str,
    *,
    change: type[Strict] | None = None,
    update: Callable[..., Any] | None = None,
    about_change: str = "",
    resource: str = RESOURCE,
) -> type[ApiView]:
    """One record; with `change` and `update` (a service that takes the noun's key) also a PATCH."""
    given_resource = resource

    class One(ApiView):
        access_rule = f"api:{given_resource}"
        resource = given_resource

        @extend_schema(operation_id=f"{noun.name}_read", description=about, responses=noun.shape)
        def get(self, request: Any, pk: UUID) -> Response:
            return versioned(noun.detail(request.user, pk))

    if change is not None and update is not None:
        One.patch = _patch(noun, change, update, about_change)  # type: ignore[attr-defined]
    return _called(f"{noun.title}One", One)


def _patch(
    noun: Noun, change: type[Strict], update: Callable[..., Any], about: str
) -> Callable[..., Response]:
    @extend_schema(
        operation_id=f"{noun.name}_change", description=about, request=change, responses=noun.shape
    )
    @once
    @conditional
    def patch(self: Any, request: Any, pk: UUID) -> Response:
        self.locked(noun.visible(request.user), pk)
        given = self.body(change, partial=True)
        update(**{noun.book.key: pk}, version=None, by=request.user, now=timezone.now(), **given)
        return versioned(noun.detail(request.user, pk))

    return patch


def steps_view(
    noun: Noun,
    about: str,
    *,
    makes: str = "",
    locks: Callable[[Any], None] | None = None,
    clash: Any = None,
    resource: str = RESOURCE,
) -> type[StepView]:
    """POST takes one step. `locks` takes what the services lock before the record, in their order."""
    given_resource = resource

    class Steps(StepView):
        access_rule = f"api:{given_resource}"
        resource = given_resource
        book = noun.book

        def visible(self) -> QuerySet[Any]:
            return noun.visible(self.request.user)

        def locks(self, record: Any, given: dict[str, Any]) -> None:
            if locks is not None:
                locks(record)

        def detail(self, pk: UUID) -> dict[str, Any]:
            return noun.detail(self.request.user, pk)

    return documented(noun.name, noun.shape, about, makes, clash)(_called(f"{noun.title}Steps", Steps))  # type: ignore[no-any-return]


def _called(name: str, view: Any) -> Any:
    view.__name__ = view.__qualname__ = name
    return view
