"""What people choose for an import into the directory."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.forms.documents import SeveralFiles
from patients.forms.entries import line


class DirectoryForm(forms.Form):
    source = line(
        _("Whose directory"),
        120,
        required=True,
        help_text=_("For example: Acme of CT. The same name again updates its entries."),
    )
    upload = SeveralFiles(
        label=_("Files"), help_text=_("Plan-Net resources or bundles, .json or .ndjson, 10 MB together.")
    )

    def clean_upload(self) -> list[tuple[str, bytes]]:
        """Given names and contents, largest 10 MB each (the page drops what is larger)."""
        files: list[Any] = self.cleaned_data["upload"]
        return [(file.name or "file", file.read()) for file in files]
