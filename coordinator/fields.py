"""Form fields for what every clinic types, a birth date in three boxes and a telephone number; refusals on forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.fields import BLANK_CHOICE_DASH
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from coordinator.db import Conflict

PARTS = ("month", "day", "year")
LABELS = {"month": _("Month"), "day": _("Day"), "year": _("Year")}


class BirthDateWidget(forms.Widget):
    """Three text boxes named <name>_month, <name>_day and <name>_year; drawn by components/field.html."""

    use_fieldset = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> dict[str, str]:
        return {part: str(data.get(f"{name}_{part}", "")).strip() for part in PARTS}

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return all(f"{name}_{part}" not in data for part in PARTS)

    def id_for_label(self, id_: str, index: str | None = None) -> str:
        return f"{id_}_0" if id_ else id_

    def boxes(self, bound: forms.BoundField) -> list[dict[str, Any]]:
        """The boxes with their names, ids and present values, for the template."""
        value = bound.value()
        if isinstance(value, date):
            value = {"month": str(value.month), "day": str(value.day), "year": str(value.year)}
        value = value if isinstance(value, dict) else {}
        return [
            {
                "name": f"{bound.html_name}_{part}",
                "id": f"{bound.auto_id}_{n}",
                "label": LABELS[part],
                "value": value.get(part, ""),
                "maxlength": 4 if part == "year" else 2,
                "size": "tiny",
            }
            for n, part in enumerate(PARTS)
        ]


class BirthDateField(forms.Field):
    """A calendar date between 1900 and today, typed as month, day, year. Cleans to a date or None."""

    widget = BirthDateWidget
    default_error_messages = {
        "required": _("Enter the date of birth"),
        "incomplete": _("Enter month, day and year, for example 3 14 1958"),
        "impossible": _("That date does not exist. Check month, day and year."),
        "year": _("Enter the year with four digits, like 1958"),
        "future": _("The date of birth cannot be in the future"),
    }

    def to_python(self, value: Any) -> date | None:
        if value is None or isinstance(value, date):
            return value
        typed = [value.get(part, "") for part in PARTS]
        if not any(typed):
            return None
        if not all(part.isascii() and part.isdigit() for part in typed):
            raise ValidationError(self.error_messages["incomplete"], code="incomplete")
        month, day, year = (int(part) for part in typed)
        if year < 1900:
            raise ValidationError(self.error_messages["year"], code="year")
        try:
            born = date(year, month, day)
        except ValueError:
            raise ValidationError(self.error_messages["impossible"], code="impossible") from None
        return born

    def validate(self, value: date | None) -> None:
        super().validate(value)
        from django.utils import timezone

        if value and value > timezone.localdate():
            raise ValidationError(self.error_messages["future"], code="future")

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(data) != initial
        except ValidationError:
            return True


class PhoneField(forms.CharField):
    """A telephone number of North America, typed in any way. Cleans to +1 and ten digits, or ""."""

    default_error_messages = {"phone": _("Enter a phone number with 10 digits, like (612) 555-0143")}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 40)
        kwargs.setdefault(
            "widget", forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "off"})
        )
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        from coordinator.wording import phone

        return phone(value) if isinstance(value, str) and value.startswith("+1") else value

    def clean(self, value: Any) -> str:
        typed = super().clean(value)
        if not typed:
            return ""
        digits = "".join(c for c in typed if c.isdigit())
        if len(digits) == 11 and digits[0] == "1":
            digits = digits[1:]
        if len(digits) != 10 or digits[0] in "01" or any(c.isalpha() for c in typed):
            raise ValidationError(self.error_messages["phone"], code="phone")
        return f"+1{digits}"


DASHES = BLANK_CHOICE_DASH[0][1]  # what Django writes for "nothing chosen"


def name_nothing(field: forms.Field, words: Any) -> None:
    """Say in words what a list of choices begins with when nothing is chosen; words of its own stay."""
    if isinstance(field, forms.ModelChoiceField):
        if field.empty_label == DASHES:
            field.empty_label = words
    elif isinstance(field, forms.ChoiceField):
        offered: Any = field.choices
        choices = list(offered)
        if any(label == DASHES for _value, label in choices):
            field.choices = [(value, words if label == DASHES else label) for value, label in choices]


def show_refusal(form: forms.Form, error: ValidationError) -> None:
    """A service's refusal at the fields it names; what this form does not show goes on top."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, problems in error.error_dict.items():
        form.add_error(name if name in form.fields else None, problems)


def attempt(
    form: forms.Form,
    write: Callable[[], Any],
    *,
    on_top: tuple[type[Exception], ...] = (Conflict,),
    conflict_at: str | None = None,
) -> Any:
    """Call a service for a valid form: what it answers (True when it answers nothing), or None after a refusal.

    A refusal stands on the form: a ValidationError at the fields it names, what is in `on_top` on top, or at the field
    `conflict_at`. Other exceptions go on to the middleware.
    """
    try:
        answer = write()
    except ValidationError as refusal:
        show_refusal(form, refusal)
        return None
    except on_top as refusal:
        form.add_error(conflict_at, str(refusal))
        return None
    return True if answer is None else answer


def show_conflict(form: Any, error: Conflict, model: type[models.Model]) -> None:
    """What somebody saved meanwhile stands beside what was typed; saving again replaces it.

    For a form with a hidden `version`, after a Conflict whose `extra` has fields {name: theirs} and version.
    """
    form.add_error(None, str(error))
    for name, theirs in error.extra["fields"].items():
        if name in form.fields:
            words = dict(model._meta.get_field(name).choices or ()).get(theirs, theirs)  # type: ignore[union-attr]
            form.add_error(
                name, gettext("Saved meanwhile: %(value)s") % {"value": words or gettext("nothing")}
            )
    data = form.data.copy()
    data["version"] = error.extra["version"]
    form.data = data
