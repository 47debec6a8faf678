"""Imports into the directory: look at the files, apply what was chosen, take it back. One transaction each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.audit import services as audit
from coordinator.db import lock
from coordinator.fhir.problems import Unreadable
from coordinator.imports.directory.files import MOST_BYTES, SUFFIXES, Parked, Resource, read_files
from coordinator.imports.directory.parts import line
from coordinator.imports.directory.plan_net import Proposal, parked, propose
from coordinator.imports.models import DirectoryImport, DirectoryProposal
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, NotAllowed, person
from referrals.models import Practice
from referrals.permissions import check_can_set_up
from referrals.services import directory

MOST_ENTRIES = 500
ENTITY = "imports.directoryimport"
Finding, Outcome = DirectoryProposal.Finding, DirectoryProposal.Outcome
NETWORK = ("payer_name", "plan_name", "network_name", "participates", "starts_on", "ends_on")
CLINICIAN = ("name", "npi", "specialty")


@transaction.atomic
def check_directory(
    *, source: str, files: Iterable[tuple[str, bytes]], by: Actor, now: datetime
) -> DirectoryImport:
    """What these files would do: nothing in the directory is changed. The files themselves are not kept.

    Raises ValidationError at `upload` for types and sizes that are not read, and when nothing in them is an entry.
    """
    check_can_set_up(by)
    files, source = list(files), line(source, 120)
    if not source:
        raise ValidationError({"source": _("Say whose directory this is.")})
    for name, _data in files:
        if not name.lower().endswith(SUFFIXES):
            raise ValidationError({"upload": _("Choose one of: %(types)s.") % {"types": ", ".join(SUFFIXES)}})
    if sum(len(data) for _name, data in files) > MOST_BYTES:
        raise ValidationError({"upload": _("These files are larger than 10 MB together. Split them.")})
    try:
        resources, unread, proposals = _read(files)
    except Unreadable as error:
        raise ValidationError({"upload": str(error)}) from error
    if len(proposals) > MOST_ENTRIES:
        too_many = _("These files hold %(n)s entries; at most %(most)s are taken at once. Split them.")
        raise ValidationError({"upload": too_many % {"n": len(proposals), "most": MOST_ENTRIES}})
    run = DirectoryImport.objects.create(
        source=source,
        label=", ".join(line(name, 100) for name, _data in files)[:250],
        started_by=person(by),
        created_at=now,
        files=len(files),
        resources=len(resources),
        parked=[[p.file, p.place, p.kind, p.key, p.reason] for p in unread],
    )
    known = {
        p.source_key: p
        for p in Practice.objects.filter(source=source).prefetch_related("networks", "clinicians")
    }
    DirectoryProposal.objects.bulk_create(_compared(run, one, known.get(one.key)) for one in proposals)
    audit.record(by=by, action="check", entity=ENTITY, entity_id=run.pk, details={"entries": len(proposals)})
    return run


@in_clinic_language
def _read(files: Iterable[tuple[str, bytes]]) -> tuple[list[Resource], list[Parked], list[Proposal]]:
    """The resources, what was not read and why, and the entries. The reasons are kept words: shown by `gettext`."""
    resources, unread = read_files(files)
    proposals, became = propose(resources)
    return resources, [*unread, *parked(became)], proposals


def _compared(run: DirectoryImport, one: Proposal, practice: Practice | None) -> DirectoryProposal:
    said = {"facts": one.facts, "networks": one.networks, "clinicians": one.clinicians}
    row = DirectoryProposal(run=run, key=one.key, said=said, left_out=one.left_out, finding=Finding.NEW)
    if practice is not None:
        row.practice, row.version = practice, practice.version
        row.before = _as_said(practice, one.facts)
        row.finding = Finding.SAME if _same(row.before, said) else Finding.CHANGED
    return row


def _as_said(practice: Practice, facts: dict[str, Any]) -> dict[str, Any]:
    """The entry in the words of a proposal, as far as the files speak of it."""
    plain = {name: getattr(practice, name) for name in facts}
    networks = [{name: getattr(row, name) for name in NETWORK} for row in practice.networks.all()]
    for row in networks:
        row |= {name: str(row[name]) if row[name] else None for name in ("starts_on", "ends_on")}
    clinicians = [{name: getattr(row, name) for name in CLINICIAN} for row in practice.clinicians.all()]
    return {"facts": plain, "networks": networks, "clinicians": clinicians, "retired": practice.is_retired}


def _same(before: dict[str, Any], said: dict[str, Any]) -> bool:
    lists = all(_sorted(before[name]) == _sorted(said[name]) for name in ("networks", "clinicians"))
    return before["facts"] == said["facts"] and lists and not before["retired"]


def _sorted(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(str(sorted(row.items())) for row in rows)


@transaction.atomic
def apply_directory(*, run_id: UUID, chosen: Iterable[int], by: Actor, now: datetime) -> DirectoryImport:
    """Add and change the entries that were chosen, by the keys of their proposals. An entry that somebody changed since
    the check is kept as it is and said so."""
    check_can_set_up(by)
    run = lock(DirectoryImport.objects, run_id)
    if run.applied_at is not None:
        raise NotAllowed(_("This import was applied already."))
    wanted = set(chosen)
    for row in run.proposals.exclude(finding=Finding.SAME).select_related("practice"):
        row.outcome = _apply(run, row, by, now) if row.pk in wanted else Outcome.LEFT
        row.save()
    run.applied_at = now
    run.save()
    audit.record(by=by, action="apply", entity=ENTITY, entity_id=run.pk, details={"entries": len(wanted)})
    return run


def _apply(run: DirectoryImport, row: DirectoryProposal, by: Actor, now: datetime) -> str:
    practice = row.practice
    if practice is None:
        # Another import of the same source may have made it since.
        if Practice.objects.filter(source=run.source, source_key=row.key).exists():
            return Outcome.KEPT
        practice = directory.save_practice(
            practice_id=None,
            version=None,
            source=run.source,
            source_key=row.key,
            by=by,
            now=now,
            **row.said["facts"],
        )
    else:
        practice = _locked(practice.pk)
        if practice.version != row.version:
            return Outcome.KEPT
        directory.set_practice_retired(practice_id=practice.pk, retired=False, by=by, now=now)
        directory.save_practice(practice_id=practice.pk, version=None, by=by, now=now, **row.said["facts"])
    row.practice, row.version = _set(practice, row.said, by, now)
    return Outcome.ADDED if row.finding == Finding.NEW else Outcome.CHANGED


def _locked(practice_id: UUID) -> Practice:
    """The entry as it stands now: the rows of an import are read long before the last of them has its turn."""
    return lock(Practice.objects, practice_id)


def _set(practice: Practice, said: dict[str, Any], by: Actor, now: datetime) -> tuple[Practice, int]:
    """The lists of networks and clinicians; answers the entry and its version afterwards."""
    practice.refresh_from_db()
    networks = [
        row
        | {name: date.fromisoformat(row[name]) if row[name] else None for name in ("starts_on", "ends_on")}
        for row in said["networks"]
    ]
    directory.set_lists(practice=practice, networks=networks, clinicians=said["clinicians"], by=by, now=now)
    return practice, practice.version


@transaction.atomic
def undo_directory(*, run_id: UUID, by: Actor, now: datetime) -> DirectoryImport:
    """Take back what this import did and nobody has changed since: new entries are retired, changed ones get what they
    said before. What somebody changed is kept."""
    check_can_set_up(by)
    run = lock(DirectoryImport.objects, run_id)
    if run.applied_at is None or run.undone_at is not None:
        raise NotAllowed(_("There is nothing to take back."))
    for row in run.proposals.filter(outcome__in=[Outcome.ADDED, Outcome.CHANGED]).select_related("practice"):
        row.outcome = _take_back(row, by, now)
        row.save()
    run.undone_at = now
    run.save()
    audit.record(by=by, action="undo", entity=ENTITY, entity_id=run.pk, details={})
    return run


def _take_back(row: DirectoryProposal, by: Actor, now: datetime) -> str:
    assert row.practice_id is not None
    practice = _locked(row.practice_id)
    if practice.version != row.version:
        return Outcome.KEPT
    if row.finding == Finding.NEW:
        directory.set_practice_retired(practice_id=practice.pk, retired=True, by=by, now=now)
        return Outcome.UNDONE
    facts = row.before["facts"]
    directory.save_practice(practice_id=practice.pk, version=None, by=by, now=now, **facts)
    _set(practice, row.before, by, now)
    if row.before["retired"]:
        directory.set_practice_retired(practice_id=practice.pk, retired=True, by=by, now=now)
    return Outcome.UNDONE
