"""Papers from outside: kept, read, attached to a record, or set aside. Each has a task until then."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files import File
from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import TaskKind
from coordinator.accounts.models import Site
from coordinator.clocks.selectors import calendar_for
from coordinator.clocks.services import meet_clocks, start_clock, void_clocks
from coordinator.db import Conflict, db_now, lock
from coordinator.hints import hint
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, NotAllowed, System, begin, move, person
from patients.models import Patient
from patients.rules.files import read_file_facts
from patients.services import add_documents, link_document
from patients.services.previews import draw, keep_pages, previews_folder
from referrals.inbound_workflow import InboundStatus
from referrals.models import InboundDocument, Referral
from referrals.rules.referrals import takes_report
from referrals.services.referrals import advance_referral

RULE = "inbound.sort"
LEASE = timedelta(minutes=10)  # longer than any reading; a dead worker's paper waits this long
MOST_ATTEMPTS = 3


@transaction.atomic
@in_clinic_language
def receive_inbound(
    *,
    site: Site,
    file: File[bytes],
    channel: str,
    by: Actor,
    now: datetime,
    sender: str = "",
    said: str = "",
    key: str = "",
    received_at: datetime | None = None,
) -> InboundDocument:
    """Keep one file and open the task that asks to sort it, due by the rule `inbound.sort`. `said`: words beside it.

    The same `key` at the same place and channel answers with the paper that is there. The title of the task holds
    nothing of the paper. Raises Unfit (a sentence) for a file that is none of those we keep.
    """
    check_can_sort(by, site)
    if key:
        known = InboundDocument.objects.filter(site=site, channel=channel, key=key).first()
        if known is not None:
            return known
    facts = read_file_facts(file.name or "", file, settings.DOCUMENT_MAX_BYTES)
    inbound = InboundDocument(
        site=site,
        channel=channel,
        sender=sender[:160],
        said=said,
        key=key,
        received_at=received_at or now,
        file_name=facts.name,
        content_type=facts.content_type,
        size=facts.size,
        sha256=facts.sha256,
        created_by=person(by),
    )
    inbound.file.save(facts.name, file, save=False)
    try:
        begin(inbound, by=by, now=now, channel=channel, size=facts.size)
        _ask_to_sort(inbound, by=by, now=now)
    except BaseException:
        inbound.file.storage.delete(str(inbound.file.name))  # a file without a row would be found by nobody
        raise
    from referrals.jobs import read_inbound

    hint(read_inbound)
    return inbound


def check_can_sort(by: Actor, site: Site) -> None:
    if isinstance(by, System):
        return
    if not by.can("referrals.edit") or site.pk not in by.site_ids:
        raise PermissionDenied(_("Your role does not include sorting incoming papers here."))


def task_key(inbound: InboundDocument) -> str:
    return f"inbound:{inbound.pk}"


def _ask_to_sort(inbound: InboundDocument, *, by: Actor, now: datetime) -> None:
    site = inbound.site
    clock = start_clock(
        subject=inbound,
        kind=RULE,
        anchor_at=now,
        zone=site.zone,
        calendar=calendar_for(site),
        by=by,
        now=now,
        site_id=site.pk,
        anchor_label=_("paper came in"),
    )
    careplans.open_task(
        patient=None,
        site=site,
        kind=TaskKind.PAPERWORK,
        title=_("Sort an incoming document"),
        reason=_("It came in by %(channel)s and belongs to no record yet.")
        % {"channel": inbound.get_channel_display()},
        next_step=_("Open Incoming under Referrals and attach it, or set it aside with a reason."),
        clock=clock,
        dedupe_key=task_key(inbound),
        cause=inbound,
        by=by,
        now=now,
    )


def _settled(inbound: InboundDocument, *, by: Actor, now: datetime) -> None:
    careplans.close_automatic(
        dedupe_keys=[task_key(inbound)], outcome=inbound.get_status_display(), by=by, now=now
    )
    meet_clocks(subject=inbound, kinds=[RULE], by=by, now=now)


@transaction.atomic
def attach_inbound(
    *,
    inbound_id: UUID,
    patient: Patient,
    kind: str,
    by: Actor,
    now: datetime,
    title: str = "",
    link: tuple[str, UUID] | None = None,
    is_report: bool = False,
) -> InboundDocument:
    """Put the paper into the patient's record as a Document of this kind, linked to `link` (DocumentLink.Kind, key).

    With `is_report` and a referral that waits for one, the report is in: its requester reviews it next, and the loop
    stays open until the patient was told. Raises NotAllowed when somebody sorted it before, ValidationError when the
    link is another patient's.
    """
    inbound = lock(InboundDocument.objects.select_related("site"), inbound_id)
    check_can_sort(by, inbound.site)
    if inbound.status != InboundStatus.NEW:
        raise NotAllowed(_("Somebody sorted this paper before you. Reload the page."))
    document = _document(inbound, patient, kind, title, by, now)
    if link is not None:
        link_document(document_id=document.pk, kind=link[0], target_id=link[1], by=by, now=now)
    inbound.patient = patient
    move(inbound, "attach", by=by, now=now, document=document)
    _settled(inbound, by=by, now=now)
    if is_report and link is not None and link[0] == "referral":
        _take_report(link[1], document, by, now)
    return inbound


def _document(
    inbound: InboundDocument, patient: Patient, kind: str, title: str, by: Actor, now: datetime
) -> Any:
    """The record's own copy; the file that came in stays where it is."""
    source = f"{inbound.get_channel_display()}: {inbound.sender}" if inbound.sender else ""
    with inbound.file.open("rb") as stream:
        (document,) = add_documents(
            patient_id=patient.pk,
            files=[File(stream, name=inbound.file_name)],
            by=by,
            now=now,
            kind=kind,
            title=title or inbound.file_name,
            source=(source or str(inbound.get_channel_display()))[:120],
            received_on=inbound.received_at.astimezone(inbound.site.tzinfo).date(),
        )
    return document


def _take_report(referral_id: UUID, document: Any, by: Actor, now: datetime) -> None:
    referral = Referral.objects.get(pk=referral_id)
    if not takes_report(referral.status):
        raise NotAllowed(
            _("%(reference)s is “%(status)s”; a report cannot come in now. Attach it without that.")
            % {"reference": referral.reference, "status": referral.get_status_display()}
        )
    advance_referral(referral_id=referral_id, step="complete", by=by, now=now, report=document)


@transaction.atomic
def set_aside_inbound(*, inbound_id: UUID, reason: str, by: Actor, now: datetime) -> InboundDocument:
    """Not for us: advertising, a wrong number, a second copy. It stays findable and can be sorted again."""
    inbound = lock(InboundDocument.objects.select_related("site"), inbound_id)
    check_can_sort(by, inbound.site)
    if not reason.strip():
        raise ValidationError({"reason": _("Say in a few words why.")})
    move(inbound, "set_aside", by=by, now=now, reason=reason.strip())
    _settled(inbound, by=by, now=now)
    return inbound


@transaction.atomic
@in_clinic_language
def sort_inbound_again(*, inbound_id: UUID, reason: str, by: Actor, now: datetime) -> InboundDocument:
    """Back to the papers to be sorted, with a new task. A document made from it must be entered in error first."""
    inbound = lock(InboundDocument.objects.select_related("site"), inbound_id)
    check_can_sort(by, inbound.site)
    if inbound.document is not None and not inbound.document.is_error:
        raise Conflict(
            _("Enter the document in error in the patient's record first; then sort the paper again.")
        )
    inbound.patient, inbound.document = None, None
    move(inbound, "sort_again", by=by, now=now, reason=reason.strip())
    _ask_to_sort(inbound, by=by, now=now)
    return inbound


@transaction.atomic
def enter_inbound_in_error(*, inbound_id: UUID, reason: str, by: Actor, now: datetime) -> InboundDocument:
    """It should never have been kept. The row and its history stay; nobody's list shows it."""
    inbound = lock(InboundDocument.objects.select_related("site"), inbound_id)
    check_can_sort(by, inbound.site)
    move(inbound, "enter_in_error", by=by, now=now, reason=reason.strip())
    careplans.close_automatic(
        dedupe_keys=[task_key(inbound)], outcome=inbound.get_status_display(), by=by, now=now
    )
    void_clocks(subject=inbound, reason=reason.strip(), by=by, now=now)
    return inbound


# --- reading -------------------------------------------------------------------------------------------------------


def read_waiting_inbound() -> int:
    """Read what waits, each in a limited process of its own; answers how many were looked at."""
    done = 0
    while (inbound := _claim()) is not None:
        _read(inbound)
        done += 1
    return done


@transaction.atomic
def _claim() -> InboundDocument | None:
    now = db_now()
    waiting = InboundDocument.objects.filter(
        Q(reading_claimed_at=None) | Q(reading_claimed_at__lt=now - LEASE), reading="pending"
    )
    waiting.filter(reading_attempts__gte=MOST_ATTEMPTS).update(reading="failed")
    inbound = waiting.select_for_update(of=("self",), skip_locked=True).order_by("received_at").first()
    if inbound is not None:
        InboundDocument.objects.filter(pk=inbound.pk).update(
            reading_claimed_at=now, reading_attempts=F("reading_attempts") + 1
        )
    return inbound


def _read(inbound: InboundDocument) -> None:
    waiting = InboundDocument.objects.filter(pk=inbound.pk, reading="pending")
    with tempfile.TemporaryDirectory(prefix="drawing-", dir=previews_folder()) as folder:
        found = draw(inbound, Path(folder))
        if found.get("problem") or not keep_pages(inbound, Path(folder), found["shown"]):
            waiting.update(reading="failed")
            return
    try:
        with transaction.atomic():
            waiting.update(
                reading="done",
                text=found["text"],
                pages_shown=found["shown"],
                page_count=found["pages"],
            )
    except DatabaseError:  # words that the database cannot hold
        waiting.update(reading="failed")
