"""Adding files to a record, correcting what is said of them, and handing them out. Files leave as attachments only."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.audit import services as audit
from coordinator.db import Conflict
from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires, whole_number
from coordinator.toasts import toast
from coordinator.uploads import hand_out, takes_files
from coordinator.wording import day
from patients import services
from patients.forms.documents import DocumentForm, NewDocumentsForm
from patients.forms.entries import ReasonForm
from patients.models import Document, DocumentKind, Patient
from patients.rules.files import name_to_save
from patients.services.previews import page_path
from patients.views.entries import saved


@takes_files(lambda: settings.DOCUMENT_MAX_BYTES)
@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def document_new(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Several files with the same facts; all of them are kept or none."""
    patient = get_visible_or_404(Patient, request.user, pk=pk)
    sent = request.method == "POST"
    form = NewDocumentsForm(request.POST if sent else None, request.FILES if sent else None, request=request)
    known: dict[str, str] = {}
    if sent and form.is_valid():
        try:
            made = services.add_documents(
                patient_id=patient.pk, by=request.user, now=timezone.now(), **form.cleaned_data
            )
        except ValidationError as error:
            show_refusal(form, error)
        except Conflict as error:
            form.add_error("files", str(error))
            known = error.extra["existing"]
        else:
            return _added(request, patient, made)
    context = {"patient": patient, "form": form, "known": known}
    return page(request, "patients/document_new.html", context, status=422 if sent else 200)


def _added(request: HttpRequest, patient: Patient, made: list[Document]) -> HttpResponse:
    toast(request, ngettext("Document saved", "%(n)d documents saved", len(made)) % {"n": len(made)})
    if len(made) == 1:
        return redirect("dashboard:document", pk=made[0].pk)
    return redirect("dashboard:patient_documents", pk=patient.pk)


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def document_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Correct the facts. A stale save answers 409 with both versions of those that differ."""
    document = _document(request, pk)
    if request.method == "GET":
        form = DocumentForm(initial=DocumentForm.initial_from(document), document=document)
        return _show_edit(request, document, form, document.version)
    version = whole_number(request.POST.get("version"))
    form = DocumentForm(request.POST, document=document)
    if form.is_valid():
        try:
            services.update_document(
                document_id=document.pk,
                version=version,
                by=request.user,
                now=timezone.now(),
                **form.cleaned_data,
            )
        except ValidationError as error:
            show_refusal(form, error)
        except Conflict as conflict:
            if "fields" not in conflict.extra:
                raise
            return _show_conflict(request, document, form, conflict)
        else:
            toast(request, _("Saved"))
            return redirect("dashboard:document", pk=document.pk)
    return _show_edit(request, document, form, version, 422)


def _document(request: HttpRequest, pk: UUID) -> Document:
    documents = Document.objects.for_lists().select_related("patient__site")
    return get_visible_or_404(documents, request.user, pk=pk)


def _show_edit(
    request: HttpRequest, document: Document, form: DocumentForm, version: int, status: int = 200
) -> HttpResponse:
    context = {"patient": document.patient, "document": document, "form": form, "version": version}
    return page(request, "patients/document_edit.html", context, status=status)


def _show_conflict(
    request: HttpRequest, document: Document, form: DocumentForm, conflict: Conflict
) -> HttpResponse:
    differing = conflict.extra["fields"]
    rows = [
        {
            "name": name,
            "label": form.fields[name].label,
            "theirs": _words(name, theirs),
            "yours": _words(name, yours),
            "theirs_value": _raw(theirs),
            "yours_value": _raw(yours),
        }
        for name, (theirs, yours) in differing.items()
    ]
    context = {
        "patient": document.patient,
        "document": document,
        "rows": rows,
        "keep": [(name, _raw(value)) for name, value in form.cleaned_data.items() if name not in differing],
        "who": conflict.extra["by"] or _("Somebody"),
        "at": conflict.extra["at"],
        "version": conflict.extra["version"],
    }
    return page(request, "patients/document_edit.html", context, status=409)


def _raw(value: Any) -> str:
    """A value as the form sends it."""
    if isinstance(value, list):
        return ", ".join(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value or "")


def _words(name: str, value: Any) -> str:
    if name == "kind":
        return str(dict(DocumentKind.choices).get(value, value))
    return day(value) if hasattr(value, "isoformat") else _raw(value)


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def document_in_error(request: HttpRequest, pk: UUID) -> HttpResponse:
    document = _document(request, pk)
    form = ReasonForm(request.POST or None)
    sent = request.method == "POST"
    if (
        sent
        and form.is_valid()
        and saved(form, services.enter_document_in_error, document_id=pk, by=request.user)
    ):
        undo = reverse("patients:document_error_undo", args=[pk])
        back = reverse("dashboard:document", args=[pk])
        toast(request, _("Marked as entered in error"), undo=undo, back=back)
        return redirect("dashboard:patient_documents", pk=document.patient_id)
    context = {"patient": document.patient, "form": form, "document": document}
    return page(request, "patients/document_in_error.html", context, status=422 if sent else 200)


@requires("patients.edit")
@require_POST
def document_error_undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """It was no error."""
    document = _document(request, pk)
    services.take_back_document_error(document_id=document.pk, by=request.user, now=timezone.now())
    toast(request, _("The document is in the record again"))
    return redirect("dashboard:document", pk=document.pk)


# --- what leaves --------------------------------------------------------------------------------------------


@requires("notes.view")
@require_GET
def document_file(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The file as it came, to save; never shown by the browser. Who took it is in the trail."""
    document = _document(request, pk)
    if not document.file:
        raise Http404
    response = hand_out(Path(document.file.path), name_to_save(document.file_name, document.content_type))
    audit.record_change(document, "download", by=request.user, details={"size": document.size})
    return response


@requires("notes.view")
@require_GET
def document_page(request: HttpRequest, pk: UUID, number: int) -> HttpResponseBase:
    """One page as our own picture, for the viewer."""
    document = _document(request, pk)
    if not 1 <= number <= document.pages_shown:
        raise Http404
    return hand_out(page_path(document, number), content_type="image/png")
