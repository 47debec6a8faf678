"""Documents: added with their file, corrected, linked, entered in error and taken back from there. Never deleted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.db import Conflict
from coordinator.hints import hint
from coordinator.workflow import Actor, begin, person, record_edit
from patients.linking import TARGETS
from patients.models import Document, DocumentLink, Patient
from patients.models.visibility import opened_to
from patients.rules import text
from patients.rules.files import FileFacts, read_file_facts
from patients.services.entries import clean, entry_for_change, patient_for_entry, require_reason

MOST_FILES = 10  # of one form
MOST_TAGS = 10
EDITABLE = ("kind", "title", "tags", "source", "received_on", "expires_on")


@transaction.atomic
def add_documents(
    *, patient_id: UUID, files: Sequence[File[bytes]], by: Actor, now: datetime, label: str = "", **facts: Any
) -> list[Document]:
    """Keep one or several files with the same facts (EDITABLE) and label; all of them or none.

    A title is for one file; without one each carries its file's name. Raises ValidationError by field; Conflict with
    `extra` existing={"pk", "title"} when the patient has the same bytes already ({} when `by` may not see it).
    """
    patient = patient_for_entry(patient_id, by)
    facts = _clean({"kind": "", "title": "", "tags": [], "source": "", **facts}, among_several=True)
    read = _read(files)
    _refuse_known(patient, read, by)
    made: list[Document] = []
    with _kept_only_if_saved(made):
        for file, found in zip(files, read, strict=True):
            document = Document(
                patient=patient,
                created_by=person(by),
                content_type=found.content_type,
                file_name=found.name,
                size=found.size,
                sha256=found.sha256,
                preview=Document.Preview.PENDING,
                label=clean(Document, {"label": label})["label"],
                **facts | {"title": facts["title"] if facts["title"] and len(files) == 1 else found.name},
            )
            document.file.save(found.name, file, save=False)
            made.append(document)
            begin(document, by=by, now=now, content_type=found.content_type, size=found.size)
    from patients.jobs import make_previews

    hint(make_previews)
    return made


def _clean(facts: dict[str, Any], *, among_several: bool = False) -> dict[str, Any]:
    unknown = set(facts) - set(EDITABLE)
    if unknown:
        raise TypeError(f"Not facts of a document that can be set here: {sorted(unknown)}")
    tags = facts.get("tags")
    title = facts.get("title")
    rest = {
        name: value for name, value in facts.items() if not (among_several and name == "title" and not value)
    }
    cleaned = clean(Document, {**rest, **({"tags": _tags(tags)} if tags is not None else {})})
    if among_several:
        cleaned.setdefault("title", "")
    elif title is not None and not cleaned["title"]:
        raise ValidationError({"title": _("Enter a title.")})
    if "kind" in cleaned and not cleaned["kind"]:
        raise ValidationError({"kind": _("Choose what kind of document this is.")})
    _check_period(cleaned.get("received_on"), cleaned.get("expires_on"))
    return cleaned


def _tags(given: Iterable[str]) -> list[str]:
    """Each once, whatever its case, in the order given. Raises ValidationError at `tags`."""
    found: dict[str, str] = {}
    try:
        for tag in given:
            if tag := text.line(tag, 40):
                found.setdefault(tag.casefold(), tag)
    except text.Unfit as error:
        raise ValidationError({"tags": str(error)}) from None
    if len(found) > MOST_TAGS:
        raise ValidationError({"tags": _("Please use at most %(most)d tags.") % {"most": MOST_TAGS}})
    return list(found.values())


def _check_period(received_on: date | None, expires_on: date | None) -> None:
    if received_on and expires_on and expires_on < received_on:
        raise ValidationError({"expires_on": _("It cannot expire before it was received.")})


def _read(files: Sequence[File[bytes]]) -> list[FileFacts]:
    """What each file is. Raises ValidationError at `files` with one sentence per refused file."""
    if not files:
        raise ValidationError({"files": _("Choose a file.")})
    if len(files) > MOST_FILES:
        raise ValidationError(
            {"files": _("Please send at most %(most)d files at once.") % {"most": MOST_FILES}}
        )
    read, problems = [], []
    for file in files:
        try:
            read.append(read_file_facts(file.name or "", file, settings.DOCUMENT_MAX_BYTES))
        except text.Unfit as error:
            problems.append(str(error))
    names = {found.sha256: found.name for found in read}
    if len(names) < len(read):
        problems.append(_("The same file was chosen twice."))
    if problems:
        raise ValidationError({"files": problems})
    return read


def _refuse_known(patient: Patient, read: Sequence[FileFacts], by: Actor) -> None:
    """The patient's row is locked, so two people cannot add the same file at once."""
    known = Document.objects.standing().filter(patient=patient, sha256__in=[found.sha256 for found in read])
    if same := known.order_by("created_at").first():
        shown = _is_shown(same, by)
        raise Conflict(
            _said_known(same, shown),
            existing={"pk": str(same.pk), "title": same.title} if shown else {},
        )


def _is_shown(document: Document, by: Actor) -> bool:
    reader = person(by)
    return reader is None or Document.objects.filter(pk=document.pk).filter(opened_to(reader)).exists()


def _said_known(document: Document, is_shown: bool) -> str:
    if not is_shown:
        return _("This file is in the record already, as a protected document.")
    return _("This file is in the record already, as “%(title)s”.") % {"title": document.title}


@contextlib.contextmanager
def _kept_only_if_saved(made: list[Document]) -> Iterator[None]:
    """A file without a row would be found by nobody."""
    try:
        yield
    except BaseException:
        for document in made:
            document.file.storage.delete(str(document.file.name))
        raise


@transaction.atomic
def update_document(
    *, document_id: UUID, version: int | None, by: Actor, now: datetime, **changes: Any
) -> Document:
    """Correct facts of EDITABLE. `version` is the one the person had on screen (None: overwrite knowingly).

    When somebody saved other words into the same facts since then, nothing is saved and Conflict has `extra`:
    version (the present one), fields {name: (theirs, yours)}, by (who saved last), at (UTC).
    """
    document = entry_for_change(Document, document_id, by)
    _refuse_error(document)
    cleaned = _clean(changes)
    differing = {
        name: (getattr(document, name), value)
        for name, value in cleaned.items()
        if getattr(document, name) != value
    }
    if not differing:
        return document
    if version is not None and version != document.version:
        _refuse_if_overtaken(document, version, differing)
    _check_period(
        cleaned.get("received_on", document.received_on), cleaned.get("expires_on", document.expires_on)
    )
    return _save(document, "update", by=by, now=now, **{name: new for name, (_old, new) in differing.items()})


def _refuse_error(document: Document) -> None:
    if document.is_error:
        raise Conflict(_("This document was entered in error. Take that back first."))


def _refuse_if_overtaken(document: Document, version: int, differing: dict[str, tuple[Any, Any]]) -> None:
    since = document.changes.filter(facts__version__gt=version).select_related("by").order_by("-at", "-id")
    last, overtaken = None, set()
    for change in since:
        fields = set(change.facts["fields"]) & set(differing)
        last = last or (change if fields else None)
        overtaken |= fields
    if last is not None:
        raise Conflict(
            _("Someone else changed this document after you opened it. Nothing of yours was saved yet."),
            version=document.version,
            fields={name: differing[name] for name in sorted(overtaken)},
            by=last.by,
            at=last.at,
        )


def _save(
    document: Document, step: str, *, by: Actor, now: datetime, reason: str = "", **values: Any
) -> Document:
    for name, value in values.items():
        setattr(document, name, value)
    document.version += 1
    document.save(update_fields=[*values, "version", "updated_at"])
    record_edit(
        document, step, by=by, now=now, reason=reason, fields=sorted(values), version=document.version
    )
    return document


@transaction.atomic
def enter_document_in_error(*, document_id: UUID, reason: str, by: Actor, now: datetime) -> Document:
    """It leaves every list and search; row, file and reason stay."""
    document = entry_for_change(Document, document_id, by)
    _refuse_error(document)
    reason = require_reason(reason)
    values = {"status": "entered_in_error", "error_reason": reason}
    return _save(document, "enter_in_error", by=by, now=now, reason=reason, **values)


@transaction.atomic
def take_back_document_error(*, document_id: UUID, by: Actor, now: datetime) -> Document:
    """It was no error. Raises Conflict when it is not marked, or when the same file was added since."""
    document = entry_for_change(Document, document_id, by)
    if not document.is_error:
        raise Conflict(_("This document is not marked as entered in error."))
    same = Document.objects.standing().filter(patient=document.patient, sha256=document.sha256)
    if document.sha256 and (twin := same.first()):
        raise Conflict(_said_known(twin, _is_shown(twin, by)))
    values = {"status": "current", "error_reason": ""}
    return _save(document, "take_back_error", by=by, now=now, **values)


@transaction.atomic
def link_document(*, document_id: UUID, kind: str, target_id: UUID, by: Actor, now: datetime) -> Document:
    """Say what the document belongs to: a referral, authorization or visit of the same patient (DocumentLink.Kind)."""
    document = entry_for_change(Document, document_id, by)
    _refuse_error(document)
    if not _is_of(document.patient_id, kind, target_id):
        raise ValidationError({"target": _("Choose something of the same patient.")})
    _link, made = DocumentLink.objects.get_or_create(
        document=document,
        kind=kind,
        target_id=target_id,
        removed_at=None,
        defaults={"created_by": person(by)},
    )
    if made:
        _note_link(document, "link", kind, target_id, by, now)
    return document


@transaction.atomic
def unlink_document(*, document_id: UUID, kind: str, target_id: UUID, by: Actor, now: datetime) -> Document:
    """Take a link back; where there is none, nothing happens."""
    document = entry_for_change(Document, document_id, by)
    links = document.links.filter(kind=kind, target_id=target_id, removed_at=None)
    if links.update(removed_at=now):
        _note_link(document, "unlink", kind, target_id, by, now)
    return document


def _is_of(patient_id: UUID, kind: str, target_id: UUID) -> bool:
    target = TARGETS.get(kind)
    return target is not None and target._default_manager.filter(pk=target_id, patient=patient_id).exists()


def _note_link(document: Document, step: str, kind: str, target_id: UUID, by: Actor, now: datetime) -> None:
    document.version += 1
    document.save(update_fields=["version", "updated_at"])
    target = str(target_id)
    record_edit(document, step, by=by, now=now, fields=[], version=document.version, kind=kind, target=target)
