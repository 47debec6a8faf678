"""Inputs made from the forms of the pages, so that a step asks a program for what it asks a person for, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from rest_framework import serializers

from coordinator.api.fields import Day, Instant, Strict, Visible
from referrals.forms.money import DollarField

LONGEST_LIST = 100
Source = Callable[[Any], Any]


class Dollars(serializers.DecimalField):
    """Dollars with cents, from 0 to below 10 million."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=9, decimal_places=2, min_value=Decimal(0), **kwargs)


def asks(
    form: type[forms.BaseForm],
    *,
    sources: Mapping[str, Source] | None = None,
    without: tuple[str, ...] = (),
    **more: serializers.Field,
) -> type[Strict]:
    """The fields of a form as a Strict input. `sources` say what the client may name where the form offers records;
    `more` adds fields or stands for those of the form."""
    fields: dict[str, Any] = {
        name: _field(name, field, sources or {})
        for name, field in form.base_fields.items()
        if name not in more and name not in without
    }
    words = form.__dict__.get("__doc__")
    return type(form.__name__.replace("Form", "Asks"), (Strict,), {**fields, **more, "__doc__": words})


def _field(name: str, field: forms.Field, sources: Mapping[str, Source]) -> serializers.Field:
    kwargs: dict[str, Any] = {"required": field.required}
    if field.help_text:
        kwargs["help_text"] = str(field.help_text)
    if isinstance(field, forms.ModelMultipleChoiceField):
        return serializers.ListField(child=Visible(sources[name]), max_length=LONGEST_LIST, **kwargs)
    if isinstance(field, forms.ModelChoiceField):
        return Visible(sources[name], allow_null=not field.required, **kwargs)
    if isinstance(field, forms.MultipleChoiceField):
        child = serializers.ChoiceField(_choices(field))
        return serializers.ListField(child=child, max_length=LONGEST_LIST, **kwargs)
    if isinstance(field, forms.ChoiceField):
        return serializers.ChoiceField(_choices(field), allow_blank=not field.required, **kwargs)
    return _plain(field, kwargs)


def _choices(field: Any) -> list[tuple[Any, Any]]:
    return [(value, label) for value, label in field.choices if value != ""]


def _plain(field: forms.Field, kwargs: dict[str, Any]) -> serializers.Field:
    if isinstance(field, forms.BooleanField):
        return serializers.BooleanField(**kwargs)
    if isinstance(field, DollarField):
        return Dollars(allow_null=not field.required, **kwargs)
    if isinstance(field, forms.IntegerField):
        least, most = field.min_value, field.max_value
        return serializers.IntegerField(
            min_value=least, max_value=most, allow_null=not field.required, **kwargs
        )
    if isinstance(field, forms.DateTimeField):
        return Instant(allow_null=not field.required, **kwargs)
    if isinstance(field, forms.DateField):
        return Day(allow_null=not field.required, validators=list(field.validators), **kwargs)
    longest = getattr(field, "max_length", None)
    return serializers.CharField(max_length=longest, allow_blank=not field.required, **kwargs)
