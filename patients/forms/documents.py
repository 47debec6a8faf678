"""What people say about a document, and the files they choose."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from coordinator.uploads import dropped_files
from patients.forms import day
from patients.forms.entries import line
from patients.forms.labels import Proposing, label_field
from patients.models import Document, DocumentKind
from patients.rules.files import ACCEPT, too_large


class SeveralFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class SeveralFiles(forms.FileField):
    """One or more files, as a list."""

    widget = SeveralFilesInput
    default_error_messages = {"required": lazy("Choose a file.")}

    def clean(self, data: Any, initial: Any = None) -> Any:
        files = data if isinstance(data, (list, tuple)) else [data]
        if self.required and not any(files):
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return [file for file in files if file]  # what each is, the service reads from its bytes


class DocumentForm(forms.Form):
    """The facts of a document."""

    kind = forms.ChoiceField(label=lazy("Kind of document"), choices=[("", "–"), *DocumentKind.choices])
    title = line(lazy("Title"), 250, required=True)
    tags = line(
        lazy("Tags"), 400, help_text=lazy("Short words with commas between, for example: cardiology, signed")
    )
    source = line(lazy("Where it came from"), 120, help_text=lazy("For example: Lakeside Cardiology, by fax"))
    received_on = day(lazy("Received"), past=True)
    expires_on = day(lazy("Holds until"))

    def __init__(self, *args: Any, document: Document | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds: Any = self.fields["kind"]
        if document is not None and document.kind not in DocumentKind.values:
            kinds.choices = [(document.kind, document.kind), *kinds.choices[1:]]  # an import's own words

    @staticmethod
    def initial_from(document: Document) -> dict[str, Any]:
        facts = {name: getattr(document, name) for name in DocumentForm.base_fields}
        return facts | {"tags": ", ".join(document.tags)}

    def clean_tags(self) -> list[str]:
        return [tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip()]


class NewDocumentsForm(Proposing, DocumentForm):
    suggesting: ClassVar[dict[str, str]] = {"name": "title"}

    title = line(
        lazy("Title"), 250, help_text=lazy("For one file. Without a title it carries the file’s name.")
    )
    label = label_field()
    files: Any = SeveralFiles(label=lazy("Files"), widget=SeveralFilesInput(attrs={"accept": ACCEPT}))

    # Files last: what is typed has arrived when a file turns out to be too large.
    field_order = ("kind", "title", "tags", "source", "received_on", "expires_on", "label", "files")

    def __init__(self, *args: Any, request: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dropped = dropped_files(request) if request is not None and request.method == "POST" else []
        most = settings.DOCUMENT_MAX_BYTES // 1024**2
        self.fields["files"].help_text = _(
            "PDF, JPEG, PNG, TIFF, plain text, Word or Excel without macros, at most %(most)d MB each."
        ) % {"most": most}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.dropped:
            self._errors.pop("files", None)  # type: ignore[union-attr]
            for name in self.dropped:
                self.add_error("files", str(too_large(name, settings.DOCUMENT_MAX_BYTES)))
            self.add_error("files", _("Choose the files again, without this one or a smaller copy of it."))
        return data
