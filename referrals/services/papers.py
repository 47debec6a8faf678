"""The document checklist of a request: listed from the clinic's own lists, answered by documents of the patient."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coordinator.db import Conflict, lock
from coordinator.workflow import Actor, NotAllowed, person, record_edit
from patients.models import Document, DocumentLink
from patients.services import add_documents, link_document, unlink_document
from patients.services.entries import clean
from referrals.models import AuthorizationPaper, PriorAuthorization, RequiredPaper
from referrals.permissions import check_can_manage_referral
from referrals.rules import authorizations as rules


def papers_wanted(record: PriorAuthorization) -> list[RequiredPaper]:
    """Lines of the clinic's lists for this payer and these services, most general first (two queries)."""
    codes = {line.service_code.upper() for line in record.lines.all() if line.decision != "cancelled"}
    found = RequiredPaper.objects.offered().filter(Q(payer=None) | Q(payer=record.payer_id))
    return [paper for paper in found if not paper.service_code or paper.service_code.upper() in codes]


def list_papers(record: PriorAuthorization, *, by: Actor) -> None:
    """Put the papers that payer and services ask for on the list; what is there stays. Not after a decision."""
    if record.status in rules.DECIDED:
        return
    there = {label.casefold() for label in record.papers.values_list("label", flat=True)}
    new: dict[str, RequiredPaper] = {}
    for paper in papers_wanted(record):
        known = new.get(paper.label.casefold())
        if paper.label.casefold() not in there and (known is None or paper.is_required):
            new[paper.label.casefold()] = paper
    for paper in new.values():
        AuthorizationPaper.objects.create(
            authorization=record,
            label=paper.label,
            document_kind=paper.document_kind,
            is_required=paper.is_required,
            hint=paper.hint,
            created_by=person(by),
        )


def check_papers(record: PriorAuthorization) -> None:
    """Raises NotAllowed while a required paper is missing, naming each."""
    papers = record.papers.select_related("document")
    missing = [paper.label for paper in papers if paper.is_missing]
    if missing:
        text = ngettext(
            "One required paper is missing: %(names)s.",
            "%(n)d required papers are missing: %(names)s.",
            len(missing),
        )
        raise NotAllowed(text % {"n": len(missing), "names": "; ".join(missing)})


@transaction.atomic
def add_paper(
    *, authorization_id: UUID, label: str, by: Actor, now: datetime, is_required: bool = True
) -> AuthorizationPaper:
    """One more paper, for this request only."""
    record = _record(authorization_id, by)
    label = clean(AuthorizationPaper, {"label": label})["label"]
    if not label:
        raise ValidationError({"label": _("Say which paper.")})
    if record.papers.filter(label__iexact=label).exists():
        raise Conflict(_("This paper is on the list already."))
    paper = AuthorizationPaper.objects.create(
        authorization=record, label=label, is_required=is_required, created_by=person(by)
    )
    record_edit(record, "add_paper", by=by, now=now, paper=str(paper.pk))
    return paper


@transaction.atomic
def attach_paper(*, paper_id: UUID, document: Document, by: Actor, now: datetime) -> AuthorizationPaper:
    """This document of the patient answers the line; it is linked to the request, too."""
    paper, record = _locked(paper_id, by)
    if document.patient_id != record.patient_id or document.is_error:
        raise ValidationError({"document": _("Choose a document of this patient.")})
    _unlink(paper, record, by, now)
    _save(paper, record, "attach_paper", by, now, document=document, attached_at=now, dropped_because="")
    link_document(
        document_id=document.pk, kind=DocumentLink.Kind.AUTHORIZATION, target_id=record.pk, by=by, now=now
    )
    return paper


@transaction.atomic
def upload_paper(
    *, paper_id: UUID, files: Sequence[File[bytes]], by: Actor, now: datetime
) -> AuthorizationPaper:
    """Keep a file as a document of the patient and let it answer the line. Raises what `add_documents` raises."""
    paper, record = _locked(paper_id, by)
    if len(files) != 1:
        raise ValidationError({"files": _("Choose one file.")})
    made = add_documents(
        patient_id=record.patient_id,
        files=files,
        kind=paper.document_kind,
        title=paper.label,
        by=by,
        now=now,
    )
    return attach_paper(paper_id=paper_id, document=made[0], by=by, now=now)


@transaction.atomic
def detach_paper(*, paper_id: UUID, by: Actor, now: datetime) -> AuthorizationPaper:
    """It was another document: the line is open again. The document stays in the record."""
    paper, record = _locked(paper_id, by)
    _unlink(paper, record, by, now)
    _save(paper, record, "detach_paper", by, now, document=None, attached_at=None, dropped_because="")
    return paper


@transaction.atomic
def drop_paper(*, paper_id: UUID, reason: str, by: Actor, now: datetime) -> AuthorizationPaper:
    """This request does not need the paper, with why; it stays on the list, struck out."""
    paper, record = _locked(paper_id, by)
    reason = clean(AuthorizationPaper, {"dropped_because": reason})["dropped_because"]
    if not reason:
        raise ValidationError({"reason": _("Say in a few words why it is not needed.")})
    _unlink(paper, record, by, now)
    _save(paper, record, "drop_paper", by, now, document=None, attached_at=None, dropped_because=reason)
    return paper


def _record(authorization_id: UUID, by: Actor) -> PriorAuthorization:
    record = lock(PriorAuthorization.objects.select_related("site"), authorization_id)
    check_can_manage_referral(by, record)
    if record.status in rules.ENDED:
        raise NotAllowed(_("This request has ended; its papers stay as they are."))
    return record


def _locked(paper_id: UUID, by: Actor) -> tuple[AuthorizationPaper, PriorAuthorization]:
    paper = AuthorizationPaper.objects.select_related("document").get(pk=paper_id)
    return paper, _record(paper.authorization_id, by)


def _save(
    paper: AuthorizationPaper, record: PriorAuthorization, step: str, by: Actor, now: datetime, **values: Any
) -> None:
    for name, value in values.items():
        setattr(paper, name, value)
    paper.version += 1
    paper.save()
    record_edit(record, step, by=by, now=now, paper=str(paper.pk))


def _unlink(paper: AuthorizationPaper, record: PriorAuthorization, by: Actor, now: datetime) -> None:
    """The document's link goes unless another line of the request is answered by it, too."""
    if paper.document is None:
        return
    others = record.papers.filter(document=paper.document).exclude(pk=paper.pk)
    if not others.exists():
        unlink_document(
            document_id=paper.document.pk,
            kind=DocumentLink.Kind.AUTHORIZATION,
            target_id=record.pk,
            by=by,
            now=now,
        )
