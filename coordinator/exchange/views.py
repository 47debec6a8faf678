"""Doorways for payers' files: take one in, look at what it would change, record it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.audit import services as audit
from coordinator.db import Conflict
from coordinator.exchange import services
from coordinator.exchange.forms import FindRequestForm, RecordForm, SetAsideForm, UploadForm
from coordinator.exchange.messages import DECISION_WORDS, Answer
from coordinator.exchange.models import PayerFile
from coordinator.exchange.reading import MAX_BYTES
from coordinator.exchange.rules import reason_words
from coordinator.exchange.selectors import answer_of, effects_on, lines_of, payer_files, requests_like
from coordinator.exchange.workflow import OPEN, FileStatus
from coordinator.fhir.problems import Unreadable
from coordinator.http import get_visible_or_404, page, requires, whole_number
from coordinator.toasts import toast
from coordinator.uploads import SHUT, dropped_files, takes_files
from coordinator.workflow import NotAllowed
from referrals.models import PriorAuthorization

PAGE_SIZE = 50


@takes_files(lambda: MAX_BYTES)
@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def file_list(request: HttpRequest) -> HttpResponse:
    """Take a payer's file in; the open ones stand beside, those that were dealt with on their own list."""
    form = UploadForm(request.POST or None, request.FILES or None, user=request.user)
    status = 200
    if request.method == "POST":
        if form.is_valid() and (taken := _taken(request, form)):
            return redirect("exchange:file_detail", taken[0].pk)
        if dropped_files(request):
            form.errors["upload"] = form.error_class(
                [_("This file is larger than 2 MB. No answer of a payer is.")]
            )
        status = 422
    return page(request, "exchange/file_list.html", _list_context(request, form), status=status)


def _list_context(request: HttpRequest, form: UploadForm) -> dict[str, Any]:
    closed = request.GET.get("state") == "closed"
    start = whole_number(request.GET.get("after"))
    rows = payer_files(request.user, only_open=not closed)
    if closed:
        rows = rows.exclude(status__in=OPEN)
    found = list(rows[start : start + PAGE_SIZE + 1])
    more = start + PAGE_SIZE if len(found) > PAGE_SIZE else None
    return {
        "form": form,
        "files": found[:PAGE_SIZE],
        "closed": closed,
        "next_after": more,
        "now": timezone.now(),
    }


def _taken(request: HttpRequest, form: UploadForm) -> list[PayerFile]:
    upload, site = form.cleaned_data["upload"], form.cleaned_data["site"]
    now = timezone.now()
    try:
        files = services.take_file(
            name=upload.name, content=upload.read(), site=site, by=request.user, now=now
        )
    except ValidationError as error:
        form.add_error(None, error)
        return []
    if files[0].created_at < now:
        toast(request, _("This file is here already. Nothing was changed."))
    elif len(files) > 1:
        toast(
            request,
            ngettext("%(n)d answer taken in.", "%(n)d answers taken in.", len(files)) % {"n": len(files)},
        )
    return files


def _visible(request: HttpRequest, pk: UUID) -> PayerFile:
    related = (
        "site",
        "owner",
        "team",
        "authorization__patient",
        "authorization__payer",
        "authorization__coverage",
    )
    return get_visible_or_404(PayerFile.objects.select_related(*related), request.user, pk=pk)


@require_GET
@requires("referrals.edit")
def file_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What a file says, which request it is about, and what recording it would change."""
    file = _visible(request, pk)
    if file.authorization is not None:
        audit.viewed(request, file.authorization.patient, "payer file")
    return page(request, "exchange/file_detail.html", _detail_context(file))


def _detail_context(file: PayerFile, **extra: Any) -> dict[str, Any]:
    record = file.authorization
    context: dict[str, Any] = {
        "file": file,
        "record": record,
        "patient": record.patient if record else None,
        "now": timezone.now(),
        "is_open": file.status in OPEN,
        "waits": file.status == FileStatus.MATCHED,
        "changes": file.changes.select_related("by").order_by("-at", "-id"),
        "set_aside_form": SetAsideForm(),
        "find_form": FindRequestForm(),
    }
    try:
        answer = answer_of(file)
    except Unreadable as error:
        return context | {"unreadable": f"{error.place}: {error.reason}".removeprefix(": ")} | extra
    context |= {"answer": answer, "decisions": _decisions(answer)}
    if record is not None and file.status == FileStatus.MATCHED:
        would = effects_on(record, answer)
        given = RecordForm(
            answer=answer, lines=lines_of(record), unplaced=would.unplaced, initial={"seen": record.version}
        )
        context |= {"would": would, "record_form": given, "member": _member(answer, record)}
    return context | extra


def _decisions(answer: Answer) -> list[dict[str, Any]]:
    return [
        {"n": n, "said": row, "words": DECISION_WORDS[row.decision], "reason": reason_words(row)}
        for n, row in enumerate(answer.decisions(), start=1)
    ]


def _member(answer: Answer, record: PriorAuthorization) -> str:
    """Whether the member number in the file is the coverage's: "same", "differs" or "" when one is missing."""
    ours = record.coverage.member_id if record.coverage else ""
    if not ours or not answer.member_id:
        return ""
    return "same" if ours.strip().upper() == answer.member_id.strip().upper() else "differs"


@require_GET
@requires("referrals.edit")
def file_original(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The file as it came, to read by hand."""
    file = _visible(request, pk)
    patient = file.authorization.patient_id if file.authorization else None
    audit.record(
        by=request.user, action="download", entity="exchange.payerfile", entity_id=pk, patient_id=patient,
        site_id=file.site_id,
    )  # fmt: skip
    return attachment(bytes(file.content), f"payer-file-{pk}.txt")


def attachment(content: bytes, name: str, content_type: str = "application/octet-stream") -> HttpResponse:
    """Bytes to save: no browser opens, guesses at or keeps them."""
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(True, name) or ""
    response["Content-Security-Policy"] = SHUT
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@requires("referrals.edit")
def file_match(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Look for the request a file answers, then say which it is."""
    file = _visible(request, pk)
    if request.POST.get("authorization"):
        record = get_visible_or_404(PriorAuthorization, request.user, pk=request.POST["authorization"])
        services.match_file(file_id=pk, authorization=record, by=request.user, now=timezone.now())
        toast(request, _("Matched. Look at what would change, then record it."))
        return redirect("exchange:file_detail", pk)
    form = FindRequestForm(request.POST)
    found = list(requests_like(request.user, form.cleaned_data["q"])) if form.is_valid() else []
    context = _detail_context(file, find_form=form, found=found, searched=form.is_valid())
    return page(request, "exchange/file_detail.html", context, status=200 if form.is_valid() else 422)


@require_POST
@requires("referrals.edit")
def file_record(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Record what the file says on the request it was matched to."""
    file = _visible(request, pk)
    try:
        if file.authorization is None:
            raise NotAllowed(_("This file is not waiting to be recorded."))
        services.record_answer(file_id=pk, by=request.user, now=timezone.now(), **_choices(request, file))
        toast(request, _("Recorded on the request."))
        return redirect("exchange:file_detail", pk)
    except (NotAllowed, Conflict) as error:
        return page(
            request, "exchange/file_detail.html", _detail_context(file, refused=str(error)), status=409
        )


def _choices(request: HttpRequest, file: PayerFile) -> dict[str, Any]:
    """Which line each unplaced decision is about, as chosen, and the version that was on screen."""
    record = file.authorization
    assert record is not None
    try:
        answer = answer_of(file)
    except Unreadable as error:
        raise NotAllowed(_("This file can no longer be read.")) from error
    would = effects_on(record, answer)
    form = RecordForm(request.POST, answer=answer, lines=lines_of(record), unplaced=would.unplaced)
    if not form.is_valid():
        raise NotAllowed(_("Say for each decision which line it is about."))
    return {"chosen": form.chosen, "seen": form.cleaned_data["seen"]}


@require_POST
@requires("referrals.edit")
def file_again(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Read and match a file once more."""
    _visible(request, pk)
    file = services.try_again(file_id=pk, by=request.user, now=timezone.now())
    matched = file.status == FileStatus.MATCHED
    toast(
        request,
        _("Matched. Look at what would change, then record it.")
        if matched
        else _("Read again: it stays parked."),
    )
    return redirect("exchange:file_detail", pk)


@require_POST
@requires("referrals.edit")
def file_set_aside(request: HttpRequest, pk: UUID) -> HttpResponse:
    file = _visible(request, pk)
    form = SetAsideForm(request.POST)
    if not form.is_valid():
        return page(
            request, "exchange/file_detail.html", _detail_context(file, set_aside_form=form), status=422
        )
    services.set_aside(file_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data)
    toast(request, _("Set aside"))
    return redirect("exchange:file_list")
