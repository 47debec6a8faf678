"""Documents: list, upload, correct facts, fetch the file, enter in error."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.reverse import reverse

from coordinator.api.base import ApiView, ListView, versioned
from coordinator.api.idempotency import once
from coordinator.api.matching import conditional
from coordinator.api.parsing import StrictJSONParser
from coordinator.api.serializers import documents as shapes
from coordinator.api.serializers.patients import WithReason
from coordinator.api.steps import ApiStep, StepBook, StepView, documented
from coordinator.audit import services as audit
from coordinator.uploads import dropped_files, hand_out, takes_files
from coordinator.workflow import Workflow, enter_in_error
from patients import services
from patients.models import Document
from patients.rules.files import name_to_save, too_large


class DocumentView(ApiView):
    access_rule = "api:documents"
    resource = "documents"

    def visible(self, request: Any = None) -> QuerySet[Any]:
        return Document.objects.visible_to(self.request.user).standing()


@takes_files(lambda: settings.DOCUMENT_MAX_BYTES)
class DocumentList(DocumentView, ListView):
    parser_classes = (MultiPartParser, StrictJSONParser)
    filters = shapes.DocumentFilters
    lookups = {
        "patient": "patient",
        "kind": "kind",
        "expires_before": "expires_on__lt",
        "updated_since": "updated_at__gte",
    }

    def rows(self, visible: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        visible = self.narrowed(visible, given)
        if "tag" in given:
            visible = visible.filter(tags__contains=[given["tag"]])
        return visible.values(*shapes.ROW)

    @extend_schema(operation_id="documents_list", responses=shapes.DocumentRow(many=True))
    def get(self, request: Any) -> Response:
        """Documents of the client's sites, newest first, without their text."""
        return self.listed()

    @extend_schema(
        operation_id="documents_create",
        request={"multipart/form-data": shapes.DocumentWrite},
        responses={201: shapes.DocumentDetail},
    )
    @once
    def post(self, request: Any) -> Response:
        """Keep one file, sent as multipart/form-data. 409 when the patient has the same bytes already."""
        request.data  # noqa: B018  (reads the form)
        if dropped := dropped_files(request._request):
            raise ValidationError({"file": [str(too_large(dropped[0], settings.DOCUMENT_MAX_BYTES))]})
        given = self.body(shapes.DocumentWrite)
        patient, file = given.pop("patient"), given.pop("file")
        made = services.add_documents(
            patient_id=patient.pk, files=[file], by=request.user, now=timezone.now(), **given
        )
        where = reverse("api:document", [made[0].pk], request=request)
        return versioned(detail(self, made[0].pk), 201, where)


class DocumentDetail(DocumentView):
    @extend_schema(operation_id="documents_read", responses=shapes.DocumentDetail)
    def get(self, request: Any, pk: UUID) -> Response:
        """One document with its text."""
        return versioned(detail(self, pk))

    @extend_schema(
        operation_id="documents_update", request=shapes.DocumentChange, responses={200: shapes.DocumentDetail}
    )
    @once
    @conditional
    def patch(self, request: Any, pk: UUID) -> Response:
        """Correct the facts; the file itself never changes."""
        self.locked(self.visible(), pk)
        given = self.body(shapes.DocumentChange)
        services.update_document(document_id=pk, version=None, by=request.user, now=timezone.now(), **given)
        return versioned(detail(self, pk))


class DocumentFile(DocumentView):
    @extend_schema(
        operation_id="documents_file", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}
    )
    def get(self, request: Any, pk: UUID) -> Any:
        """The file as it came. Who fetched it is recorded."""
        document = self.visible().select_related("patient__site").filter(pk=pk).first()
        if document is None or not document.file:
            raise Http404
        response = hand_out(Path(document.file.path), name_to_save(document.file_name, document.content_type))
        audit.record_change(document, "download", by=request.user, details={"size": document.size})
        return response


class _Standing(models.TextChoices):
    CURRENT = "current"
    SUPERSEDED = "superseded"
    ENTERED_IN_ERROR = "entered_in_error"


# A document is a fact of the chart without a table of steps; here it takes the one step that all records have.
STEPS = StepBook(
    "Document",
    "document_id",
    Workflow(_Standing, initial="current", steps=[enter_in_error(_Standing.values)]),
    {"enter_in_error": ApiStep(WithReason, services.enter_document_in_error)},
)


@documented("documents", shapes.DocumentDetail, "Say that the document does not belong here.")
class DocumentSteps(DocumentView, StepView):
    book = STEPS

    def detail(self, pk: UUID) -> dict[str, Any]:
        return detail(self, pk)


def detail(view: DocumentView, pk: UUID) -> dict[str, Any]:
    """One visible document as DocumentDetail (one query). Raises Http404."""
    names = [name for name in shapes.DocumentDetail.Meta.fields if name != "steps"]
    found = view.visible().filter(pk=pk).values(*names).first()
    if found is None:
        raise Http404
    return {**found, "steps": STEPS.possible(found["status"])}
