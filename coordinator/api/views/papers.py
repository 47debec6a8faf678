"""Incoming papers and payers' files: kept, matched, attached or recorded, set aside with a reason; never lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response

from coordinator.api import nouns
from coordinator.api.base import ApiView
from coordinator.api.idempotency import once
from coordinator.api.nouns import Noun, made_answer
from coordinator.api.parsing import StrictJSONParser
from coordinator.api.selectors import reading_of, what_it_says
from coordinator.api.serializers import papers as shapes
from coordinator.api.serializers.patients import NoInput, WithReason
from coordinator.api.steps import ApiStep, StepBook
from coordinator.audit import services as audit
from coordinator.exchange import services as exchange
from coordinator.exchange.models import PayerFile
from coordinator.exchange.reading import MAX_BYTES
from coordinator.exchange.views import attachment
from coordinator.exchange.workflow import FileStatus
from coordinator.uploads import dropped_files, hand_out, takes_files
from patients.rules.files import name_to_save, too_large
from patients.rules.text import Unfit
from referrals.models import InboundDocument
from referrals.services import inbound

MULTIPART = "multipart/form-data"


def upload(noun: Noun, write: Any, most: Any, keep: Any, about: str) -> Any:
    """Class decorator: POST keeps one file, sent as a form. `keep(request, file, given)` answers with its key."""

    @extend_schema(
        operation_id=f"{noun.name}_create",
        description=about,
        request={MULTIPART: write},
        responses={201: noun.shape},
    )
    @once
    def post(self: Any, request: Any) -> Response:
        request.data  # noqa: B018  (reads the form)
        if dropped := dropped_files(request._request):
            raise ValidationError({"file": [str(too_large(dropped[0], most()))]})
        given = self.body(write)
        return made_answer(noun, request, keep(request, given.pop("file"), given))

    def mark(view: Any) -> Any:
        view.post, view.parser_classes = post, (MultiPartParser, StrictJSONParser)
        return takes_files(most)(view)

    return mark


# --- incoming papers -------------------------------------------------------------------------------------------


def _attached(*, referral: Any = None, authorization: Any = None, **given: Any) -> Any:
    place = [("referral", referral), ("authorization", authorization)]
    link = next(((name, record.pk) for name, record in place if record is not None), None)
    return inbound.attach_inbound(link=link, **given)


def _received(request: Any, file: Any, given: dict[str, Any]) -> UUID:
    try:
        made = inbound.receive_inbound(
            file=file, channel=InboundDocument.Channel.UPLOAD, by=request.user, now=timezone.now(), **given
        )
    except Unfit as problem:
        raise ValidationError({"file": [str(problem)]}) from problem
    return made.pk


PAPERS = Noun(
    "incoming_papers",
    "IncomingPaper",
    InboundDocument,
    row=shapes.PAPER,
    facts=what_it_says,
    fact_shapes={
        "text": shapes.serializers.CharField(read_only=True, allow_blank=True),
        "proposals": shapes.Proposed(many=True, read_only=True),
    },
    book=StepBook(
        "IncomingPaper",
        "inbound_id",
        InboundDocument.workflow,
        {
            "attach": ApiStep(shapes.Attached, _attached),
            "set_aside": ApiStep(WithReason, inbound.set_aside_inbound),
            "sort_again": ApiStep(WithReason, inbound.sort_inbound_again),
            "enter_in_error": ApiStep(WithReason, inbound.enter_inbound_in_error),
        },
    ),
)
PaperList = upload(
    PAPERS, shapes.PaperWrite, lambda: settings.DOCUMENT_MAX_BYTES, _received,
    "Keep one paper; a task asks somebody to sort it until it is attached or set aside.",
)(
    nouns.list_view(
        PAPERS,
        "Papers from outside, newest first. `status=new` waits to be sorted.",
        filters=shapes.PaperFilters,
        lookups={
            "site": "site",
            "patient": "patient",
            "status": "status__in",
            "updated_since": "updated_at__gte",
        },
    )
)  # fmt: skip
PaperDetail = nouns.detail_view(
    PAPERS,
    "One paper with its text and where it may belong, by identifier first. Once attached, read its document.",
)
PaperSteps = nouns.steps_view(PAPERS, "Attach it to a record, set it aside, or sort it again.")


class PaperFile(ApiView):
    access_rule = "api:referrals"
    resource = "referrals"

    @extend_schema(
        operation_id="incoming_papers_file",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Any, pk: UUID) -> Any:
        """The file as it came, until it is in a record. Who fetched it is recorded."""
        paper = PAPERS.visible(request.user).filter(pk=pk, document=None).first()
        if paper is None or not paper.file:
            raise Http404
        response = hand_out(Path(paper.file.path), name_to_save(paper.file_name, paper.content_type))
        audit.record_change(paper, "download", by=request.user, details={"size": paper.size})
        return response


# --- payers' files ---------------------------------------------------------------------------------------------


def _taken(request: Any, file: Any, given: dict[str, Any]) -> UUID:
    made = exchange.take_file(
        name=file.name, content=file.read(MAX_BYTES + 1), by=request.user, now=timezone.now(), **given
    )
    return made[0].pk


def _recorded(*, placed: Any = (), request_version: int, **given: Any) -> Any:
    chosen = {row["decision"]: row["line"] for row in placed}
    return exchange.record_answer(chosen=chosen, seen=request_version, **given)


FILES = Noun(
    "payer_files",
    "PayerFile",
    PayerFile,
    row=shapes.FILE,
    facts=reading_of,
    fact_shapes={
        "unreadable": shapes.serializers.CharField(read_only=True, allow_blank=True),
        "decisions": shapes.FileDecision(many=True, read_only=True),
        "would": shapes.FileEffect(read_only=True, allow_null=True),
    },
    book=StepBook(
        "PayerFile",
        "file_id",
        PayerFile.workflow,
        {
            "match": ApiStep(shapes.Matched, exchange.match_file),
            "try_again": ApiStep(NoInput, exchange.try_again, ("park", "take_up")),
            "record": ApiStep(shapes.Recorded, _recorded, at=(FileStatus.MATCHED,)),
            "set_aside": ApiStep(WithReason, exchange.set_aside),
        },
    ),
)
FileList = upload(
    FILES, shapes.FileWrite, lambda: MAX_BYTES, _taken,
    "Keep a payer's file and find what it answers; one row for each answer, of which the first is answered. What"
    " cannot be read or matched is parked with its reason.",
)(
    nouns.list_view(
        FILES,
        "Answers in payers' files, newest first, with what became of each.",
        filters=shapes.FileFilters,
        lookups={
            "site": "site", "authorization": "authorization", "status": "status__in", "updated_since": "updated_at__gte",
        },
    )
)  # fmt: skip
FileDetail = nouns.detail_view(
    FILES, "One answer: what it says, read anew each time, and what recording it would change on its request."
)
FileSteps = nouns.steps_view(FILES, "Match it to a request, record it there, read it again, or set it aside.")


class FileContent(ApiView):
    access_rule = "api:referrals"
    resource = "referrals"

    @extend_schema(
        operation_id="payer_files_file", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}
    )
    def get(self, request: Any, pk: UUID) -> Any:
        """The file as it came. Who fetched it is recorded."""
        file = FILES.visible(request.user).filter(pk=pk).first()
        if file is None:
            raise Http404
        audit.record_change(file, "download", by=request.user, details={"size": len(file.content)})
        return attachment(bytes(file.content), f"payer-file-{pk}.txt")
