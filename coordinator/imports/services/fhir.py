"""One file of FHIR resources into our rows, in one transaction."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models

from careplans.models import CarePlan, CarePlanChange, Goal, GoalChange, Intervention, InterventionChange
from coordinator.accounts.models import Location, Organization, Practitioner, Site
from coordinator.audit import services as audit
from coordinator.db import uuid7
from coordinator.fhir import mapping, measures
from coordinator.fhir.bundles import Entry, check_shape
from coordinator.fhir.problems import Unreadable
from coordinator.fhir.values import Json
from coordinator.imports.models import CodedEvent, ImportRun, SourceRecord
from coordinator.imports.services.identity import Index, Key, keys_of
from coordinator.imports.services.open_work import save_appointment, save_referral, save_task
from coordinator.imports.services.orders import (
    STATES,
    is_kept,
    is_newer,
    later_task,
    note_origin,
    task_facts,
    turn_of,
)
from coordinator.imports.services.telecoms import contact_points
from coordinator.workflow import Actor, actor_fields
from patients.models import (
    Allergy,
    AllergyStatus,
    CareTeamMember,
    ContactPoint,
    Coverage,
    Document,
    Encounter,
    Immunization,
    Medication,
    Patient,
    PatientChange,
    PatientIdentifier,
    Problem,
    RelatedPerson,
    Result,
)
from patients.services.patients import next_mrn

Rows = dict[type[models.Model], list[Any]]
# One resource, one row of one model.
SIMPLE: dict[str, tuple[type[models.Model], Callable[[Json, mapping.Reader], dict[str, Any]]]] = {
    "Organization": (Organization, mapping.organization),
    "Location": (Location, mapping.location),
    "Practitioner": (Practitioner, mapping.practitioner),
    "RelatedPerson": (RelatedPerson, mapping.related_person),
    "Coverage": (Coverage, mapping.coverage),
    "Condition": (Problem, mapping.condition),
    "MedicationRequest": (Medication, mapping.medication_request),
    "Encounter": (Encounter, mapping.encounter),
    "Immunization": (Immunization, mapping.immunization),
    "Goal": (Goal, mapping.goal),
}
# Written in this order, so that nothing points at a row that is not there yet.
ORDER: tuple[type[models.Model], ...] = (
    Organization,
    Location,
    Practitioner,
    Patient,
    PatientChange,
    PatientIdentifier,
    ContactPoint,
    RelatedPerson,
    Coverage,
    CareTeamMember,
    Problem,
    Allergy,
    Medication,
    Encounter,
    CodedEvent,
    Result,
    Immunization,
    Document,
    CarePlan,
    CarePlanChange,
    Goal,
    GoalChange,
    Intervention,
    InterventionChange,
)
CHANGES: dict[type[models.Model], type[models.Model]] = {
    Patient: PatientChange,
    CarePlan: CarePlanChange,
    Goal: GoalChange,
    Intervention: InterventionChange,
}


@dataclass
class FileResult:
    """Counts of one file by resource type."""

    added: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    differs: Counter[str] = field(default_factory=Counter)
    not_kept: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)


class FileWriter:
    """Turns the entries of one file into rows. Use one per file inside a transaction; share the index."""

    def __init__(self, *, run: ImportRun, site: Site, index: Index, by: Actor, now: datetime) -> None:
        self.run, self.site, self.index, self.by, self.now = run, site, index, by, now
        self.result = FileResult()
        self.rows: Rows = defaultdict(list)
        self.patients: dict[UUID, Patient] = {}
        self.allergy_facts: dict[UUID, str] = {}
        self.plan_problems: list[tuple[UUID, UUID]] = []
        self.goal_plans: dict[UUID, UUID] = {}
        self.later: list[Callable[[], None]] = []
        self.tasks: dict[UUID, dict[str, Any]] = {}  # order -> what its task says
        self.reader = mapping.Reader(zone=site.tzinfo, resolve=index.resolve)

    def write(self, entries: list[Entry]) -> FileResult:
        """Save what is new. Raises Unreadable with the entry's place; the caller's transaction rolls back."""
        self.index.start_file()
        kept = [entry for entry in entries if is_kept(entry)]
        self.result.not_kept.update(entry.kind for entry in entries if not is_kept(entry))
        new = self._identify(kept)
        self._note_only_patient(kept)
        self._note_tasks(new)
        for entry, pk in sorted(new, key=lambda pair: turn_of(pair[0].kind)):
            try:
                self._add(entry, pk)
            except Unreadable as error:
                raise Unreadable(error.reason, f"{entry.place} {error.place}".strip()) from error
        self._save()
        return self.result

    # --- who is new ---------------------------------------------------------------------------------

    def _identify(self, entries: list[Entry]) -> list[tuple[Entry, UUID]]:
        """Give every entry the key of its row, old or new; answer the new ones and note all keys."""
        keyed = [(entry, keys_of(entry, self.index.label)) for entry in entries]
        here = self.index.load([key for _entry, keys in keyed for key in keys])
        new: list[tuple[Entry, UUID]] = []
        roles: list[tuple[Entry, list[Key], str]] = []
        for entry, keys in keyed:
            digest = _digest(entry.resource)
            seen = next((here[key] for key in keys if key in here), None)
            twin = next((self.index.local[key] for key in keys if key in self.index.local), None)
            if seen is not None or twin is not None:
                pk = seen.object_id if seen is not None else twin
                same = seen is None or seen.content_hash == digest
                (self.result.unchanged if same else self.result.differs)[entry.kind] += 1
            elif entry.kind == "PractitionerRole":
                roles.append((entry, keys, digest))
                continue
            else:
                pk = uuid7()
                new.append((entry, pk))
                self.result.added[entry.kind] += 1
            self._note(entry, keys, [key for key in keys if key not in here], pk, digest)
        for entry, keys, digest in roles:
            self._add_role(entry, keys, digest)
        return new

    def _note(self, entry: Entry, keys: list[Key], unknown: list[Key], pk: UUID | None, digest: str) -> None:
        for key in keys:
            if pk is not None:
                self.index.local[key] = pk
        self.rows[SourceRecord] += [
            SourceRecord(
                resource_type=kind, system=system, key=value, content_hash=digest, object_id=pk, run=self.run
            )
            for kind, system, value in unknown
        ]

    def _add_role(self, entry: Entry, keys: list[Key], digest: str) -> None:
        """A role is not a row: it tells where its practitioner works and at what."""
        columns = mapping.practitioner_role(entry.resource, self.reader)
        practitioner = columns.pop("practitioner_id")
        self.result.added[entry.kind] += 1
        self._note(entry, keys, keys, practitioner, digest)
        if practitioner is not None:
            told = {name: value for name, value in columns.items() if value}
            self.later.append(lambda: _update(Practitioner, practitioner, told))

    def _note_only_patient(self, entries: list[Entry]) -> None:
        """Where whoever asked says that a file is about one patient, lost references to a patient mean that one."""
        people = [entry for entry in entries if entry.kind == "Patient"]
        keys = keys_of(people[0], self.index.label) if len(people) == 1 else []
        if self.run.options.get("one_patient") and keys:
            self.index.only_patient = self.index.find(keys[0])

    def _note_tasks(self, new: list[tuple[Entry, UUID]]) -> None:
        """Tasks of this file that fulfill an order of this file: the order is imported where they say."""
        orders = {pk for entry, pk in new if entry.kind == "ServiceRequest"}
        for entry, _pk in new:
            order = self._order_of(entry)
            if order in orders:
                facts = task_facts(entry.resource, self.reader.zone)
                known = self.tasks.get(order)
                if known is None or is_newer(facts, known):
                    self.tasks[order] = facts

    def _order_of(self, entry: Entry) -> UUID | None:
        order = measures.order_of(entry.resource) if entry.kind == "Task" else None
        return self.index.resolve(order, ("ServiceRequest",), False) if order else None

    # --- one resource ----------------------------------------------------------------------------------

    def _add(self, entry: Entry, pk: UUID) -> None:
        kind, resource = entry.kind, entry.resource
        if kind in SIMPLE:
            model, read = SIMPLE[kind]
            self._row(model, pk, read(resource, self.reader))
            if kind == "Encounter" and measures.visit_code(resource):
                self._coded_event(resource)
        elif kind == "Procedure":
            check_shape(resource, entry.place)
            self._coded_event(resource)
        elif kind == "ServiceRequest":
            self._order(pk, resource)
        elif kind == "Task" and (order := self._order_of(entry)) is not None:
            self._fulfillment(order, resource)
        elif kind == "Patient":
            self._patient(pk, resource)
        elif kind == "CareTeam":
            for columns in mapping.care_team(resource, self.reader):
                self._row(CareTeamMember, uuid7(), columns)
        elif kind == "AllergyIntolerance":
            self._allergy(pk, resource)
        elif kind == "Observation":
            for number, columns in enumerate(mapping.observation(resource, self.reader)):
                self._row(Result, pk if number == 0 else uuid7(), columns)
        elif kind == "DocumentReference":
            self._document(pk, resource)
        elif kind == "CarePlan":
            self._care_plan(pk, resource)
        else:
            self._open_work(kind, pk, resource)

    def _row(self, model: type[models.Model], pk: UUID, columns: dict[str, Any]) -> Any:
        row = model(pk=pk, **columns)
        self.rows[model].append(row)
        if model in CHANGES:
            change = {"record": row, "step": "import", "to_status": row.status, "at": self.now}
            self.rows[CHANGES[model]].append(CHANGES[model](**change, **actor_fields(self.by)))
        return row

    def _patient(self, pk: UUID, resource: Json) -> None:
        columns = mapping.patient(resource, self.reader)
        if resource.get("birthDate") and columns["birth_date"] is None:
            self.result.notes["birth date without a day: left empty"] += 1
        row = Patient(pk=pk, site=self.site, mrn=mapping.record_number(resource), **columns)
        row.search_name = row.make_search_name()
        self.patients[pk] = self._row(
            Patient,
            pk,
            {f.attname: getattr(row, f.attname) for f in Patient._meta.concrete_fields if f.attname != "id"},
        )
        for number in mapping.patient_identifiers(resource):
            self._row(PatientIdentifier, uuid7(), {**number, "patient_id": pk})
        for point in contact_points(mapping.patient_telecoms(resource)):
            self._row(ContactPoint, uuid7(), {**point, "patient_id": pk})

    def _allergy(self, pk: UUID, resource: Json) -> None:
        columns = mapping.allergy(resource, self.reader)
        if mapping.says_no_allergy(resource):
            self.allergy_facts.setdefault(columns["patient_id"], AllergyStatus.NONE_KNOWN)
            return
        self._row(Allergy, pk, columns)
        if columns["status"] == "active":
            self.allergy_facts[columns["patient_id"]] = AllergyStatus.RECORDED

    def _document(self, pk: UUID, resource: Json) -> None:
        columns = mapping.document(resource, self.reader)
        data = columns.pop("data")
        if data and columns["content_type"].startswith("text/plain"):
            try:
                columns["text"] = mapping.text(base64.b64decode(data).decode("utf-8"), 1_000_000, "document")
            except (binascii.Error, UnicodeDecodeError) as error:
                raise Unreadable("the document's text cannot be decoded") from error
        elif data:
            self.result.notes["document that is not plain text: its facts are kept, not its file"] += 1
        self._row(Document, pk, columns)

    def _care_plan(self, pk: UUID, resource: Json) -> None:
        columns = mapping.care_plan(resource, self.reader)
        self._row(CarePlan, pk, columns)
        for action in mapping.care_plan_actions(resource):
            self._row(Intervention, uuid7(), {**action, "plan_id": pk, "patient_id": columns["patient_id"]})
        for reference in resource.get("goal") or []:
            if goal := self.index.resolve(reference, ("Goal",), False):
                self.goal_plans[goal] = pk
        for reference in resource.get("addresses") or []:
            if problem := self.index.resolve(reference, ("Condition",), False):
                self.plan_problems.append((pk, problem))

    def _open_work(self, kind: str, pk: UUID, resource: Json) -> None:
        """Work with an owner and a date goes through the services of its own app, after the rows above."""
        savers = {
            "Task": (mapping.task, save_task),
            "Appointment": (mapping.appointment, save_appointment),
        }
        read, save = savers[kind]
        columns = read(resource, self.reader)
        self.later.append(lambda: save(pk=pk, columns=columns, site=self.site, by=self.by, now=self.now))

    def _coded_event(self, resource: Json) -> None:
        columns = {"patient_id": self.reader.patient(resource), **measures.event_columns(resource)}
        self._row(CodedEvent, uuid7(), columns)

    def _order(self, pk: UUID, resource: Json) -> None:
        """A ServiceRequest as a referral, where its task says when one came with it."""
        columns = mapping.service_request(resource, self.reader)
        facts = measures.origin_columns(resource, self.reader.zone) | self.tasks.get(pk, {})
        if columns["status"] == "ready" and (reached := STATES.get(facts.get("task_status", ""))):
            columns["status"] = reached
        if measures.is_social(resource):
            columns["category"] = "social"
        self.later.append(
            lambda: save_referral(pk=pk, columns=columns, site=self.site, by=self.by, now=self.now)
        )
        self.later.append(lambda: note_origin(referral_id=pk, facts=facts))

    def _fulfillment(self, order: UUID, resource: Json) -> None:
        """A task for an order that was imported before; those of this file are taken up with their order."""
        if order in self.tasks:
            return
        facts = task_facts(resource, self.reader.zone)
        owner = self.reader.organization(resource.get("owner"))

        def take() -> None:
            note = later_task(referral_id=order, facts=facts, owner=owner, by=self.by, now=self.now)
            if note:
                self.result.notes[note] += 1

        self.later.append(take)

    # --- into the database --------------------------------------------------------------------------------

    def _save(self) -> None:
        self._apply_facts()
        self._give_free_numbers()
        self._order_coverages()
        for model in ORDER:
            rows = self.rows[model]
            # Numbers that others gave (licenses) may belong to somebody already; the clinic's own is checked above.
            model._default_manager.bulk_create(
                rows, batch_size=1000, ignore_conflicts=model is PatientIdentifier
            )
        for step in self.later:
            step()
        links = [
            CarePlan.problems.through(careplan_id=plan, problem_id=problem)
            for plan, problem in self.plan_problems
        ]
        CarePlan.problems.through.objects.bulk_create(links, ignore_conflicts=True)
        SourceRecord.objects.bulk_create(self.rows[SourceRecord], batch_size=2000)
        audit.record_many(self._events())

    def _apply_facts(self) -> None:
        for goal in self.rows[Goal]:
            goal.plan_id = self.goal_plans.pop(goal.pk, None)
        for goal_id, plan_id in self.goal_plans.items():
            self.later.append(lambda g=goal_id, p=plan_id: _update(Goal, g, {"plan_id": p}))
        for patient_id, fact in self.allergy_facts.items():
            if patient_id in self.patients:
                self.patients[patient_id].allergy_status = fact
            else:
                self.later.append(lambda k=patient_id, f=fact: _update(Patient, k, {"allergy_status": f}))

    def _give_free_numbers(self) -> None:
        """Another clinic's record number may be taken here; then the patient gets one of ours.

        The foreign number stays among the identifiers, with the system it comes from.
        """
        numbers = [patient.mrn for patient in self.patients.values()]
        taken = set(Patient.objects.filter(mrn__in=numbers).values_list("mrn", flat=True))
        for patient in self.patients.values():
            if patient.mrn in taken:
                patient.mrn = next_mrn()
                self.result.notes["record number taken here: a new one was given"] += 1
            taken.add(patient.mrn)

    def _order_coverages(self) -> None:
        """Only one policy of a patient holds a place: those that name one that is taken come after the others."""
        active = [row for row in self.rows[Coverage] if row.status == "active"]
        held: dict[UUID, set[int]] = defaultdict(set)
        there = Coverage.objects.filter(patient__in={row.patient_id for row in active}, status="active")
        for patient_id, rank in there.values_list("patient_id", "rank"):
            held[patient_id].add(rank)
        for row in sorted(active, key=lambda row: row.rank):
            taken = held[row.patient_id]
            if row.rank in taken:
                row.rank = max(taken) + 1
            taken.add(row.rank)

    def _events(self) -> list[Any]:
        return [
            audit.event(
                by=self.by,
                action="import",
                entity="patients.patient",
                entity_id=patient.pk,
                patient_id=patient.pk,
                site_id=self.site.pk,
                details={"run": str(self.run.pk)},
            )
            for patient in self.patients.values()
        ]


def _digest(resource: Json) -> str:
    """What the resource says, without what the sending server notes about it: "the same" means the same facts."""
    said = {
        name: value for name, value in resource.items() if name not in ("meta", "text", "extension", "id")
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _update(model: type[models.Model], pk: UUID, columns: dict[str, Any]) -> None:
    if columns:
        model._default_manager.filter(pk=pk).update(**columns)
