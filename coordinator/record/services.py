"""Asking for a patient's record as a file, making it by a job, handing it out, deleting it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from coordinator.accounts.models import User
from coordinator.audit import services as audit
from coordinator.db import db_now, uuid7
from coordinator.record.bundle import as_json, bundle_of
from coordinator.record.document import pdf_of
from coordinator.record.gather import record_of
from coordinator.record.models import RecordExport
from patients.models import Patient
from patients.rules import text

log = logging.getLogger(__name__)
STALE_AFTER = timedelta(minutes=5)
Status, Purpose, Kind = RecordExport.Status, RecordExport.Purpose, RecordExport.Kind


def check_can_export(by: User, patient: Patient) -> None:
    if not by.can("patients.record") or patient.site_id not in by.site_ids:
        raise PermissionDenied(_("Your role does not include exporting this record."))


@transaction.atomic
def ask_for_record(
    *, patient: Patient, kind: str, purpose: str, by: User, now: datetime, purpose_text: str = ""
) -> RecordExport:
    """Queue the file. Audited with its purpose. Raises ValidationError at `purpose_text` when "other" says nothing."""
    check_can_export(by, patient)
    if kind not in Kind.values or purpose not in Purpose.values:
        raise ValidationError(_("Choose a file and a purpose from the list."))
    try:
        purpose_text = text.line(purpose_text, 300)
    except text.Unfit as error:
        raise ValidationError({"purpose_text": str(error)}) from None
    if purpose == Purpose.OTHER and not purpose_text:
        raise ValidationError({"purpose_text": _("Say what the record is for.")})
    export = RecordExport(
        patient=patient, asked_by=by, kind=kind, purpose=purpose, purpose_text=purpose_text, created_at=now
    )
    export.save(force_insert=True)
    _log(export, "record_export", by, reason=purpose_text, purpose=purpose, kind=kind)
    return export


def run_exports(*, now: datetime) -> int:
    """Make what waits, delete what is old; returns how many files were made or refused."""
    forget_old(now=now)
    done = 0
    while (export := claim()) is not None:
        make(export, now=now)
        done += 1
    return done


def claim() -> RecordExport | None:
    """The oldest request that waits or whose worker died, claimed by the database's clock."""
    with transaction.atomic():
        now = db_now()
        left = Q(status=Status.WORKING, heartbeat_at__lt=now - STALE_AFTER)
        waiting = RecordExport.objects.select_for_update(skip_locked=True).filter(
            Q(status=Status.WAITING) | left
        )
        export = waiting.order_by("created_at").first()
        if export is None:
            return None
        RecordExport.objects.filter(pk=export.pk).update(
            status=Status.WORKING, claim_token=uuid7(), heartbeat_at=now
        )
        export.refresh_from_db()
        return export


def make(export: RecordExport, *, now: datetime) -> None:
    """Write the file of a claimed request, in the asker's language and with the rights they have now."""
    by = User.objects.get(pk=export.asked_by_id)
    try:
        with translation.override(by.language):
            content, entries = content_of(export, by, now)
    except Exception as error:
        # Without its text: an error may quote the record.
        log.error("record export %s failed: %s", export.pk, type(error).__name__)
        _finish(export, status=Status.FAILED, finished_at=now)
        return
    name = export.file.storage.save(
        f"exports/{export.pk}-{export.claim_token}.{export.kind}", ContentFile(content)
    )
    written = {"file": name, "size": len(content), "entries": entries}
    if not _finish(
        export, status=Status.DONE, finished_at=now, expires_at=now + RecordExport.LIVES, **written
    ):
        export.file.storage.delete(name)


def content_of(export: RecordExport, by: User, now: datetime) -> tuple[bytes, int]:
    """(the file, the number of its entries). Raises Patient.DoesNotExist, PermissionDenied."""
    patient = Patient.objects.visible_to(by).get(pk=export.patient_id)
    if not by.is_active:
        raise PermissionDenied
    check_can_export(by, patient)
    is_pdf = export.kind == Kind.PDF
    record = record_of(patient, by, now, events=is_pdf)
    if is_pdf:
        return pdf_of(record, export.purpose_text or str(export.get_purpose_display())), record.count
    return as_json(bundle_of(record)).encode(), record.count


def _finish(export: RecordExport, **values: Any) -> bool:
    """Save the result unless somebody else took the request over."""
    mine = RecordExport.objects.filter(pk=export.pk, claim_token=export.claim_token, status=Status.WORKING)
    return bool(mine.update(**values))


def log_download(export: RecordExport, by: User) -> None:
    """Somebody takes the file."""
    _log(export, "record_download", by, kind=export.kind)


def forget_old(*, now: datetime) -> int:
    """Delete files whose time is over; the row stays. Returns how many."""
    gone = 0
    for export in RecordExport.objects.filter(status=Status.DONE, expires_at__lte=now)[:100]:
        export.file.storage.delete(export.file.name or "")
        gone += RecordExport.objects.filter(pk=export.pk).update(status=Status.GONE, file="")
    return gone


def _log(export: RecordExport, action: str, by: User, reason: str = "", **details: Any) -> None:
    audit.record(
        by=by,
        action=action,
        entity=RecordExport._meta.label_lower,
        entity_id=export.pk,
        patient_id=export.patient_id,
        site_id=export.patient.site_id,
        reason=reason,
        details=details,
    )
