"""What a lead gives to bring a table in: the file, what its columns are, what its probable duplicates are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Site, User
from coordinator.imports.caseload.cells import DMY, MDY
from coordinator.imports.caseload.columns import FIELDS
from coordinator.imports.models import CaseloadImport, CaseloadRow
from patients.selectors import places


class TableForm(forms.Form):
    upload = forms.FileField(
        label=_("File"),
        help_text=_("CSV or XLSX with a header row, at most 10 MB and 20,000 rows. Nothing is imported yet."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
    )
    site = forms.ModelChoiceField(label=_("Patients belong to"), queryset=Site.objects.none())

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["site"]
        field.queryset = places(user)
        if field.queryset.count() == 1:
            field.initial = field.queryset.first()


class ColumnsForm(forms.Form):
    """One choice for each column of the file; `date_order` when its dates can be read in two ways."""

    def __init__(self, *args: Any, run: CaseloadImport, example: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.run, self.example = run, example
        is_field = {number: name for name, number in run.columns.items()}
        choices = [("", _("Not imported")), *[(field.name, field.label) for field in FIELDS]]
        for number, header in enumerate(run.facts["header"]):
            self.fields[f"column_{number}"] = forms.ChoiceField(
                label=header,
                choices=choices,
                required=False,
                initial=is_field.get(number, ""),
                widget=forms.Select(attrs={"class": "select"}),
            )
        self.fields["date_order"] = forms.ChoiceField(
            label=_("How dates are written"),
            choices=[(MDY, _("Month first: 3/14/1958")), (DMY, _("Day first: 14/3/1958"))],
            required=False,
            initial=run.date_order,
            widget=forms.RadioSelect,
        )

    @property
    def columns(self) -> list[tuple[Any, list[str]]]:
        """(the bound choice, a few values of the column) in the file's order."""
        samples = self.run.facts["samples"] or [[] for _name in self.run.facts["header"]]
        return [(self[f"column_{number}"], values) for number, values in enumerate(samples)]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        self.chosen: dict[str, int] = {}
        for number in range(len(self.run.facts["header"])):
            name = data.get(f"column_{number}")
            if name and name in self.chosen:
                self.add_error(f"column_{number}", _("Another column is chosen for this already."))
            elif name:
                self.chosen[name] = number
        return data

    def show_refusal(self, error: ValidationError) -> None:
        """A refusal of the service: at the column it is about, else on top."""
        if not hasattr(error, "error_dict"):
            self.add_error(None, error)
            return
        for name, problems in error.error_dict.items():
            at = f"column_{self.chosen[name]}" if name in self.chosen else name
            self.add_error(at if at in self.fields else None, problems)


def read_choices(data: Any) -> dict[int, tuple[str, UUID | None]]:
    """`row-12=skip`, `row-12=new`, `row-12=link:<patient>`: choices by line; what is none of these is left out."""
    found: dict[int, tuple[str, UUID | None]] = {}
    for name, value in data.items():
        line = name.removeprefix("row-")
        if not name.startswith("row-") or not (line.isascii() and line.isdigit()) or len(line) > 8:
            continue
        choice, _colon, key = value.partition(":")
        if choice in CaseloadRow.Choice.values:
            try:
                found[int(line)] = (choice, UUID(key) if key else None)
            except ValueError:
                continue
    return found
