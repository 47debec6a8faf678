"""Documents of a patient."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from coordinator.api.fields import Day, Filters, Instant, Shape, Strict, Visible, words
from coordinator.api.selectors import patients
from patients.models import Document, DocumentKind

ROW = (
    "id", "patient", "kind", "title", "tags", "source", "status", "file_name", "content_type", "size", "sha256",
    "received_on", "expires_on", "preview", "page_count", "version", "created_at", "updated_at",
)  # fmt: skip
SETTABLE = ("kind", "title", "tags", "source", "received_on", "expires_on")


class DocumentRow(Shape):
    class Meta:
        model = Document
        fields = ROW


class DocumentDetail(Shape):
    steps = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Steps that are possible from this status."
    )

    class Meta:
        model = Document
        fields = (*ROW, "preview_problem", "text", "steps")


def _tags(**kwargs: Any) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, max_length=10, **kwargs
    )


class DocumentWrite(Strict):
    """Sent as multipart/form-data; `tags` may be given more than once."""

    patient = Visible(patients)
    kind = serializers.ChoiceField(DocumentKind.choices)
    title = words(required=False, max_length=250, help_text="Without one it carries the file's name.")
    tags = _tags()
    source = words(required=False, max_length=120)  # type: ignore[assignment]
    received_on = Day(required=False, allow_null=True)
    expires_on = Day(required=False, allow_null=True)
    file = serializers.FileField(
        help_text="PDF, JPEG, PNG, TIFF, plain text, Word or Excel without macros. The type is read from the bytes."
    )


class DocumentChange(Strict):
    kind = serializers.ChoiceField(DocumentKind.choices, required=False)
    title = serializers.CharField(max_length=250, required=False)
    tags = _tags()
    source = words(required=False, max_length=120)  # type: ignore[assignment]
    received_on = Day(required=False, allow_null=True)
    expires_on = Day(required=False, allow_null=True)


class DocumentFilters(Filters):
    patient = serializers.UUIDField(required=False)
    kind = serializers.CharField(required=False, max_length=80)
    tag = serializers.CharField(required=False, max_length=40)
    expires_before = Day(required=False)
    updated_since = Instant(required=False)
