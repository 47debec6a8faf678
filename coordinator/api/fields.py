"""Fields of the API: strict serializers, instants with a zone, and names of records the client may see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from django.core.exceptions import ValidationError as Unfit
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

YEARS = range(1850, 2200)
REASON = 500


class Strict(serializers.Serializer):
    """Input. A field that is not there, or that cannot be set, is an error that names it (never ignored)."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            writable = {name for name, field in self.fields.items() if not field.read_only}
            unknown = [name for name in data if name not in writable]
            if unknown:
                raise ValidationError({name: [self._why_not(name)] for name in unknown})
        return super().to_internal_value(data)

    def _why_not(self, name: str) -> Any:
        return _("This field cannot be set here.") if name in self.fields else _("There is no such field.")


class StrictModel(Strict, serializers.ModelSerializer):
    """Input with the model's own lengths and choices. Rules and uniqueness are the service's to refuse."""


class Shape(serializers.ModelSerializer):
    """How a record is answered. It describes; rows are read with `values()`, which costs a tenth."""

    def get_extra_kwargs(self) -> dict[str, Any]:
        return {name: {"read_only": True} for name in self.Meta.fields}

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        """A choice that may be left open is answered as "", so that is one of its values."""
        field_class, given = super().build_standard_field(field_name, model_field)
        if "choices" in given and model_field.blank and not model_field.null:
            given["choices"] = {"": "", **dict(model_field.flatchoices)}
        return field_class, given


def row(record: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """One record as `values(*names)` would answer it: keys of related records, not the records."""
    return {name: record.serializable_value(name) for name in names}


class Instant(serializers.DateTimeField):
    """A moment with its offset from UTC, such as 2026-11-18T10:00:00-06:00. Becomes UTC."""

    default_error_messages = {
        "zone": _("Give the offset from UTC, for example 2026-11-18T10:00:00-06:00."),
        "range": _("Give a year from 1850 to 2199."),
    }

    def to_internal_value(self, value: Any) -> datetime:
        found: datetime = super().to_internal_value(value)
        if found.year not in YEARS:
            self.fail("range")
        return found.astimezone(UTC)

    def enforce_timezone(self, value: datetime) -> datetime:
        if timezone.is_naive(value):
            self.fail("zone")
        return value


class Day(serializers.DateField):
    """A calendar day, such as 2026-11-18."""

    default_error_messages = {"range": _("Give a year from 1850 to 2199.")}

    def to_internal_value(self, value: Any) -> date:
        found: date = super().to_internal_value(value)
        if found.year not in YEARS:
            self.fail("range")
        return found


@extend_schema_field(OpenApiTypes.UUID)
class Visible(serializers.Field):
    """A record that the client names. One it may not see is answered exactly as one that is not there."""

    default_error_messages = {"missing": _("There is no such record, or it is not yours to see.")}

    def __init__(self, source_of: Callable[[Any], QuerySet[Any]], **kwargs: Any) -> None:
        self.source_of = source_of
        super().__init__(**kwargs)

    def to_internal_value(self, value: Any) -> Any:
        rows = self.source_of(self.context["request"].user)
        key = rows.model._meta.pk
        try:
            named = None if isinstance(value, (bool, float)) else key.to_python(value)  # type: ignore[union-attr]
            found = rows.filter(pk=named).first() if named is not None and _fits(named) else None
        except (Unfit, ValueError, TypeError, AttributeError):
            found = None
        if found is None:
            self.fail("missing")
        return found

    def to_representation(self, value: Any) -> Any:
        return value.pk


@extend_schema_field(OpenApiTypes.INT)
class VisibleUser(Visible):
    """A colleague, by the number that `users` lists."""


def _fits(key: Any) -> bool:
    return not isinstance(key, int) or 0 < key < 2**63


class OwnSite(serializers.UUIDField):
    """A site of the client. Costs no query."""

    default_error_messages = {"missing": _("There is no such record, or it is not yours to see.")}

    def to_internal_value(self, data: Any) -> Any:
        found = super().to_internal_value(data)
        if found not in self.context["request"].user.site_ids:
            self.fail("missing")
        return found


class Several(serializers.MultipleChoiceField):
    """A filter that may be given more than once."""

    def to_internal_value(self, data: Any) -> Any:
        return sorted(super().to_internal_value(data))


class Filters(Strict):
    """The query of a list. Only what is declared is read; `limit` and `cursor` belong to the paging."""

    PAGING: tuple[str, ...] = ("limit", "cursor")
    NEEDED = False  # True when a filter must be given

    @classmethod
    def read(cls, request: Any) -> dict[str, Any]:
        """What was asked for. Most calls ask for nothing, and then the fields are not even made."""
        params = request.query_params
        names = [name for name in params if name not in cls.PAGING]
        if not names and not cls.NEEDED:
            return {}
        query = cls(data={}, context={"request": request})
        many = {n for n, f in query.fields.items() if isinstance(f, serializers.MultipleChoiceField)}
        query.initial_data = {n: params.getlist(n) if n in many else params[n] for n in names}
        query.is_valid(raise_exception=True)
        return query.validated_data


def flag(**kwargs: Any) -> serializers.BooleanField:
    return serializers.BooleanField(required=False, **kwargs)


def words(required: bool = True, **kwargs: Any) -> serializers.CharField:
    return serializers.CharField(
        required=required, allow_blank=not required, max_length=kwargs.pop("max_length", REASON), **kwargs
    )
