"""The jobs of a table of patients: check every row, import, take back. Each can be killed and run again.

A run is held by a token. Every batch locks the run, finds its token still there, and saves what it did together with
the rows' outcomes: a worker that was replaced writes nothing, and a row is never done twice.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError, IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from careplans.models import Task
from careplans.services import open_task
from coordinator.accounts.models import Site, User
from coordinator.audit import services as audit
from coordinator.clocks.rules import end_of_day
from coordinator.db import Conflict, advisory_lock, db_now, uuid7
from coordinator.imports.caseload import cells, tables
from coordinator.imports.caseload.cells import DETAILS, PHONES, Places
from coordinator.imports.models import CaseloadImport, CaseloadRow
from coordinator.imports.services.caseload import ENTITY, check_can_import, forget_old
from coordinator.imports.services.caseload_undo import changed_since, take_back
from coordinator.imports.services.doubles import find_doubles
from coordinator.workflow import NotAllowed
from patients.models import ContactPoint, Patient
from patients.permissions import can_lead
from patients.rules.telephones import normal_email, normal_phone
from patients.rules.text import fold
from patients.services import register_patient
from patients.services.contacts import make_contact_point
from patients.services.coverage import make_coverage
from patients.services.entries import patient_for_entry
from patients.services.people import lead_by

STALE_AFTER = timedelta(minutes=2)  # without a sign of life this long a run belongs to nobody
CHECKED_AT_ONCE = 200
DONE_AT_ONCE = 25
Status, Finding = CaseloadImport.Status, CaseloadRow.Finding
Choice, Outcome = CaseloadRow.Choice, CaseloadRow.Outcome


class Superseded(Exception):
    """Somebody stopped this run, or another worker took it over."""


def run_caseload() -> int:
    """Work through what waits or was left behind; returns how many runs were worked on."""
    forget_old(now=timezone.now())
    done = 0
    while (run := claim()) is not None:
        work_on(run)
        done += 1
    return done


def claim() -> CaseloadImport | None:
    """The oldest run that needs work and has no living worker; claimed for the caller by the database's clock."""
    with transaction.atomic():
        now = db_now()
        free = Q(heartbeat_at=None) | Q(heartbeat_at__lt=now - STALE_AFTER)
        run = (
            CaseloadImport.objects.select_for_update(skip_locked=True)
            .filter(free, status__in=CaseloadImport.WORKING)
            .order_by("created_at")
            .first()
        )
        if run is not None:
            run.claim_token, run.heartbeat_at = uuid7(), now
            run.save(update_fields=["claim_token", "heartbeat_at"])
        return run


def work_on(run: CaseloadImport) -> None:
    """Do what the claimed run asks for. A refusal ends it with its sentence; anything else is left for the next try."""
    by = User.objects.get(pk=run.asked_by_id)
    work = {Status.CHECKING: _check, Status.IMPORTING: _import, Status.UNDOING: _undo}[Status(run.status)]
    with translation.override(by.language), contextlib.suppress(Superseded):
        try:
            if not by.is_active:
                raise PermissionDenied(_("The account that asked for this is not active any more."))
            check_can_import(by, run.site)
            work(run, by)
        except tables.Unreadable as error:
            _end(run, by, Status.FAILED, str(error))
        except PermissionDenied as error:
            _end(run, by, Status.STOPPED, str(error))


@contextlib.contextmanager
def held(run: CaseloadImport) -> Iterator[None]:
    """A transaction in which the run is ours. Raises Superseded when it is not."""
    with transaction.atomic():
        mine = CaseloadImport.objects.select_for_update().filter(
            pk=run.pk, claim_token=run.claim_token, status=run.status
        )
        if not mine.exists():
            raise Superseded
        CaseloadImport.objects.filter(pk=run.pk).update(heartbeat_at=db_now())
        yield


def _end(run: CaseloadImport, by: User, status: str, reason: str = "", **details: Any) -> None:
    with held(run):
        CaseloadImport.objects.filter(pk=run.pk).update(
            status=status,
            reason=reason[:500],
            claim_token=None,
            heartbeat_at=None,
            finished_at=timezone.now(),
        )
        audit.record(
            by=by,
            action=f"import_{status}",
            entity=ENTITY,
            entity_id=run.pk,
            site_id=run.site_id,
            details=details,
        )


# --- checking -----------------------------------------------------------------------------------------


def _check(run: CaseloadImport, by: User) -> None:
    """Read every row and find who is here already. Begins anew each time."""
    with held(run):
        run.rows.all().delete()
    places, today = places_of(by, run.site), timezone.localdate(timezone=run.site.tzinfo)
    seen: dict[Any, int] = {}
    with run.upload.open("rb") as file:
        table = tables.read_table(file)
        if list(table.header) != run.facts["header"]:
            raise tables.Unreadable(_("This file is not the one that was uploaded."))
        while batch := list(islice(table.rows, CHECKED_AT_ONCE)):
            people = [
                cells.read_row(line, row, len(table.header), run.columns, run.date_order, places, today)
                for line, row in batch
            ]
            for person in people:
                _twins(person, seen)
            with held(run):
                _keep(run, people, by)
    _end(run, by, Status.CHECKED)


def _twins(person: cells.Person, seen: dict[Any, int]) -> None:
    """The same number, or the same name and birth date, twice in one table."""
    if person.problems:
        return
    values = person.values
    keys = [
        ("mrn", values.get("mrn")),
        (fold(values.get("given_name", "")), fold(values.get("family_name", "")), values.get("birth_date")),
    ]
    for key in keys:
        if key[-1] and (earlier := seen.get(key)):
            reason = _("Line %(line)d of this file is the same person.") % {"line": earlier}
            person.problems.append(("mrn" if key[0] == "mrn" else "", reason))
            return
    seen.update({key: person.line for key in keys if key[-1]})


def _keep(run: CaseloadImport, people: Sequence[cells.Person], by: User) -> None:
    found = find_doubles(by, [person for person in people if not person.problems])
    rows = []
    for person in people:
        known = found.get(person.line)
        row = CaseloadRow(run=run, line=person.line, finding=Finding.NEW, values=person.values)
        if known is not None and known.problem:
            person.problems.append(("mrn", known.problem))
        if person.problems:
            row.finding, row.values, row.problems = Finding.BAD, {}, person.problems
        elif known is not None and known.here:
            row.finding, row.doubles = Finding.HERE, [[str(known.here), 0]]
        elif known is not None and known.doubles:
            row.finding, row.doubles = Finding.DOUBLE, [[str(key), points] for key, points in known.doubles]
        rows.append(row)
    CaseloadRow.objects.bulk_create(rows, batch_size=500)


def places_of(by: User, site: Site) -> Places:
    """What the rows may name: the person's own active sites, and who may coordinate at each."""
    sites = list(Site.objects.filter(pk__in=by.site_ids).active())
    names = {fold(name): str(place.pk) for place in sites for name in (place.name, place.short_name)}
    people = User.objects.filter(sites__in=sites).assignable().distinct().prefetch_related("sites")
    coordinators = {
        (str(place.pk), user.email.lower()): user.pk for user in people for place in user.sites.all()
    }
    return Places(str(site.pk), names, coordinators)


# --- importing -----------------------------------------------------------------------------------------


def _import(run: CaseloadImport, by: User) -> None:
    came_since = _("Somebody registered this person after the check. Import this row again to choose.")
    while True:
        with held(run):
            # One table at a time: another one's people would not be seen while they are being registered.
            advisory_lock(("site", f"caseload:{run.site_id}"))
            rows = list(run.rows.filter(outcome="").order_by("line")[:DONE_AT_ONCE])
            if not rows:
                break
            sites = {str(site.pk): site for site in Site.objects.filter(pk__in=by.site_ids)}
            users = User.objects.in_bulk([key for row in rows if (key := row.values.get("coordinator"))])
            came = _came_since(run, rows, by)
            for row in rows:
                if row.line in came:
                    _refuse(row, [["", came_since]])
                else:
                    _one_row(run, row, sites, users, by)
            fields = ["outcome", "patient", "made", "problems"]
            CaseloadRow.objects.bulk_update(rows, fields)
    counts = {outcome: run.rows.filter(outcome=outcome).count() for outcome in Outcome.values}
    _end(run, by, Status.DONE, **{name: count for name, count in counts.items() if count})


def _came_since(run: CaseloadImport, rows: Sequence[CaseloadRow], by: User) -> set[int]:
    """Lines whose person, or somebody very much like them, is here though the check had not found them.

    People of this same table are not meant: the check has compared its rows with each other.
    """
    new = [row for row in rows if row.finding == Finding.NEW or row.choice == Choice.NEW]
    found = find_doubles(by, [cells.Person(row.line, row.values) for row in new])
    near = {
        row.line: {known.here or known.doubles[0][0], *(key for key, _points in known.doubles)}
        - {UUID(key) for key, _points in row.doubles}
        for row in new
        if (known := found[row.line]).here or known.doubles
    }
    others = set().union(*near.values())
    ours = set(run.rows.filter(patient__in=others).values_list("patient", flat=True))
    return {line for line, keys in near.items() if keys - ours}


def _one_row(
    run: CaseloadImport, row: CaseloadRow, sites: dict[str, Site], users: dict[int, User], by: User
) -> None:
    """Give one row its outcome; a refusal of a service undoes what the row had begun."""
    choice = {Finding.NEW: Choice.NEW, Finding.DOUBLE: row.choice}.get(Finding(row.finding), Choice.SKIP)
    if row.finding == Finding.BAD:
        row.outcome = Outcome.REFUSED
        return
    if not choice or choice == Choice.SKIP:
        row.outcome = Outcome.SKIPPED
        return
    try:
        with transaction.atomic():
            site = sites.get(row.values["site"])
            if site is None:
                raise PermissionDenied(_("You work at no place of this name."))
            if choice == Choice.LINK:
                _link(run, row, users, by)
                row.outcome = Outcome.LINKED
            else:
                _register(run, row, site, users, by)
                row.outcome = Outcome.ADDED
    except ValidationError as error:
        problems = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        _refuse(row, [[name, " ".join(reasons)] for name, reasons in problems.items()])
    except (Conflict, NotAllowed, PermissionDenied) as error:
        _refuse(row, [["", str(error)]])
    except (IntegrityError, DataError):
        # The database's own text may quote the row.
        _refuse(row, [["", _("The database refused this row.")]])


def _refuse(row: CaseloadRow, problems: list[list[str]]) -> None:
    row.outcome, row.problems, row.made, row.patient = Outcome.REFUSED, problems, [], None


def _register(run: CaseloadImport, row: CaseloadRow, site: Site, users: dict[int, User], by: User) -> None:
    values, now = row.values, timezone.now()
    details = {name: values[name] for name in DETAILS if name in values}
    details["birth_date"] = dt.date.fromisoformat(values["birth_date"])
    payer = {name: values[name] for name in ("payer_name", "plan_name", "member_id") if name in values}
    patient = register_patient(
        site=site,
        by=by,
        now=now,
        mrn=values.get("mrn", ""),
        contact_points=_points(run, values),
        coverages=[payer] if payer.get("payer_name") else [],
        coordinator=users.get(values.get("coordinator", 0)),
        **details,
    )
    task = _next_contact(run, row, patient, by, now)
    row.patient = patient
    entries = [
        *patient.contact_points.all(),
        *patient.coverages.all(),
        *patient.care_team.all(),
        *([task] if task else []),
    ]
    row.made = [made_entry(entry) for entry in (patient, *entries)]


def made_entry(entry: Any) -> list[Any]:
    return [entry._meta.label_lower, str(entry.pk), entry.version]


def _points(run: CaseloadImport, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Each number and address once, with what the table permits and that it says so."""
    source = {"permission_source": _("Imported table")}
    found: dict[str, dict[str, Any]] = {}
    for name, use in PHONES.items():
        if name not in values:
            continue
        allowed = {n: values.get(n, False) for n in ("ok_to_message", "ok_to_leave_voicemail")}
        if use != "mobile":  # a text message goes to a mobile phone; to another only when there is none
            allowed["ok_to_message"] = allowed["ok_to_message"] and "mobile_phone" not in values
        point = {"kind": "phone", "value": values[name], "use": use, **allowed}
        found.setdefault(normal_phone(values[name]), point | (source if any(allowed.values()) else {}))
    if "email" in values:
        allowed_mail = values.get("email_ok", False)
        point = {"kind": "email", "value": values["email"], "ok_to_message": allowed_mail}
        found[normal_email(values["email"])] = point | (source if allowed_mail else {})
    return list(found.values())


def _next_contact(run: CaseloadImport, row: CaseloadRow, patient: Patient, by: User, now: Any) -> Task | None:
    if "next_contact" not in row.values:
        return None
    day = dt.date.fromisoformat(row.values["next_contact"])
    return open_task(
        patient=patient,
        site=patient.site,
        kind="outreach_call",
        title=_("Next contact"),
        next_step=_("Call the patient"),
        reason=_("The imported caseload names this date."),
        due_at=end_of_day(day, patient.zone),
        dedupe_key=f"caseload:{run.pk}:{row.line}",
        by=by,
        now=now,
    )


def _link(run: CaseloadImport, row: CaseloadRow, users: dict[int, User], by: User) -> None:
    """Add to the record that was here what it lacks: numbers, coverage, a coordinator, the next contact.

    Who the person is stays as it was.
    """
    values, now = row.values, timezone.now()
    if not Patient.objects.visible_to(by).filter(pk=row.chosen).exists():
        raise NotAllowed(_("The record that was chosen is not there any more."))
    patient = patient_for_entry(row.chosen, by)
    made: list[Any] = []
    for point in _lacking(patient, _points(run, values)):
        made.append(made_entry(make_contact_point(patient, by=by, now=now, **point)))
    payer = {name: values[name] for name in ("payer_name", "plan_name", "member_id") if name in values}
    same = patient.coverages.filter(
        status="active",
        payer_name__iexact=payer.get("payer_name", ""),
        member_id__iexact=payer.get("member_id", ""),
    )
    if payer.get("payer_name") and not same.exists():
        made.append(made_entry(make_coverage(patient, by=by, **payer)))
    coordinator = users.get(values.get("coordinator", 0))
    if coordinator is not None and patient.coordinator_id is None:
        if not can_lead(coordinator, patient):
            raise NotAllowed(_("Nobody with this e-mail address can coordinate care at this place."))
        lead_by(patient, coordinator, by=by, now=now)
        made.append(["coordinator", str(coordinator.pk), patient.version])
    if task := _next_contact(run, row, patient, by, now):
        made.append(made_entry(task))
    row.patient, row.made = patient, made


def _lacking(patient: Patient, points: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The numbers and addresses that the record has not. One entered in error stays out, and who asked for no more
    messages gets none, also when that number has ended."""
    known: dict[str, list[ContactPoint]] = {}
    for row in patient.contact_points.all():
        known.setdefault(row.normalized, []).append(row)
    for point in points:
        rule = normal_email if point["kind"] == "email" else normal_phone
        rows = known.get(rule(point["value"]), [])
        if any(row.ended_at is None or row.error_reason for row in rows):
            continue
        if any(row.opted_out_at for row in rows):
            yield point | {"ok_to_message": False}
        else:
            yield point


# --- taking back ----------------------------------------------------------------------------------------


def _undo(run: CaseloadImport, by: User) -> None:
    while True:
        with held(run):
            outcomes = (Outcome.ADDED, Outcome.LINKED)
            rows = list(run.rows.filter(outcome__in=outcomes).order_by("line")[:DONE_AT_ONCE])
            if not rows:
                break
            changed = changed_since(rows)
            for row in rows:
                row.outcome = take_back(row, changed, by, timezone.now())
            CaseloadRow.objects.bulk_update(rows, ["outcome"])
    counts = {outcome: run.rows.filter(outcome=outcome).count() for outcome in (Outcome.UNDONE, Outcome.KEPT)}
    _end(run, by, Status.UNDONE, **counts)
