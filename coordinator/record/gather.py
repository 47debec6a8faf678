"""Everything of one patient's record that one person may see: the only place where an export reads.

What leaves the clinic in a file passes through `record_of`: whoever has to hold entries back, or to say something to
the one who receives them, does it here (`notices` stand on top of the PDF and in the bundle).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from careplans.models import CarePlan, ContactAttempt, Goal, GoalMeasurement, Intervention, Task
from coordinator.dashboard.summary_timeline import Row, timeline
from patients.labels import may_leave, notice_for
from patients.models import (
    AccessGrant,
    Allergy,
    CareTeamMember,
    Consent,
    ContactPoint,
    ContactWarning,
    Coverage,
    Document,
    Encounter,
    Immunization,
    Label,
    Medication,
    Note,
    Patient,
    PatientIdentifier,
    Problem,
    ProviderUpdate,
    RelatedPerson,
    Result,
)
from patients.safe_contact import remember, safety
from referrals.models import PriorAuthorization, Referral
from scheduling.models import Appointment

IN_ERROR = ("entered_in_error", "entered-in-error")
MOST_EVENTS = 20_000  # of the timeline


@dataclass
class Record:
    """One patient's record as `user` may see it at `now` (UTC). Lists hold model rows in the order of a chart.

    `notices` are sentences that whoever receives the file has to read first.
    """

    patient: Patient
    user: Any
    now: datetime
    identifiers: list[PatientIdentifier] = field(default_factory=list)
    contact_points: list[ContactPoint] = field(default_factory=list)
    warnings: list[ContactWarning] = field(default_factory=list)
    related_people: list[RelatedPerson] = field(default_factory=list)
    coverages: list[Coverage] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    care_team: list[CareTeamMember] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    allergies: list[Allergy] = field(default_factory=list)
    medications: list[Medication] = field(default_factory=list)
    plans: list[CarePlan] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    measurements: list[GoalMeasurement] = field(default_factory=list)
    interventions: list[Intervention] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    appointments: list[Appointment] = field(default_factory=list)
    referrals: list[Referral] = field(default_factory=list)
    authorizations: list[PriorAuthorization] = field(default_factory=list)
    contacts: list[ContactAttempt] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    updates: list[ProviderUpdate] = field(default_factory=list)
    encounters: list[Encounter] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    immunizations: list[Immunization] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def usable_points(self) -> list[ContactPoint]:
        """Numbers and addresses in use, without those that safe contact forbids."""
        wishes = safety(self.patient)
        return [point for point in self.contact_points if not (point.ended_at or wishes.is_unsafe(point))]

    @property
    def points_on_paper(self) -> list[ContactPoint]:
        """All numbers and addresses. Where paper must not say why one is not to be used, it does not name it."""
        wishes = safety(self.patient)
        silent = any(warning.is_sensitive and warning.contact_point_id for warning in self.warnings)
        return [point for point in self.contact_points if not (silent and wishes.is_unsafe(point))]

    def lists(self) -> Iterator[tuple[str, list[Any]]]:
        """(name, rows) of every list of entries, the timeline left out: it retells the others."""
        for name, value in vars(self).items():
            if isinstance(value, list) and name not in ("events", "notices"):
                yield name, value

    @property
    def count(self) -> int:
        return sum(len(rows) for _name, rows in self.lists())


def record_of(
    patient: Patient, user: Any, now: datetime, *, events: bool = True, notes: bool = True
) -> Record:
    """The record of a patient that `user` may see; a fixed number of statements.

    `events=False` leaves the timeline out, `notes=False` what was written down: notes, contacts, provider updates.

    What was entered in error is not part of the record. Raises Patient.DoesNotExist for a patient who may not be known.
    """
    patients = Patient.objects.visible_to(user).select_related("site", "coordinator", "primary_care")
    record = Record(patients.get(pk=patient.pk), user, now)

    def own(queryset: Any, *order: str, **more: Any) -> list[Any]:
        return list(_own(queryset, record, **more).order_by(*order))

    record.identifiers = own(PatientIdentifier, "kind", "value")
    record.contact_points = own(ContactPoint, "-kind", "rank", "created_at")
    record.warnings = list(
        _own(ContactWarning, record, related=("contact_point",)).filter(ended_at=None).order_by("created_at")
    )
    remember(record.patient, record.warnings)
    record.related_people = own(RelatedPerson, "name", "created_at")
    record.coverages = own(Coverage, "rank", "created_at")
    record.consents = own(Consent, "-starts_on", "-created_at")
    record.care_team = own(
        CareTeamMember, "-is_lead", "role", "created_at", related=("user", "practitioner", "organization")
    )
    record.problems = own(Problem, "status", "name")
    record.allergies = own(Allergy, "status", "substance")
    record.medications = own(Medication, "status", "name")
    record.plans = list(
        _own(CarePlan, record, related=("author",))
        .prefetch_related("problems")
        .order_by("-starts_on", "created_at")
    )
    record.goals = own(Goal, "due_on", "created_at", related=("plan",))
    record.measurements = list(
        GoalMeasurement.objects.filter(goal__in=[goal.pk for goal in record.goals]).order_by("-measured_on")
    )
    record.interventions = own(
        Intervention, "created_at", related=("responsible", "responsible_team", "goal")
    )
    record.tasks = own(Task, "-opened_at", related=("owner", "team"))
    record.appointments = own(Appointment, "-start", related=("practitioner", "service"))
    record.referrals = own(
        Referral, "-created_at", related=("requester", "recipient", "recipient_organization")
    )
    record.authorizations = list(
        _own(PriorAuthorization, record, related=("payer",)).prefetch_related("lines").order_by("-created_at")
    )
    if notes and user.can("notes.view"):
        record.contacts = own(ContactAttempt, "-at", related=("related_person", "created_by"))
        record.notes = own(Note, "-created_at", related=("created_by", "report_to"))
        record.updates = list(
            _own(ProviderUpdate, record, related=("note", "report_to", "reconciliation"))
            .prefetch_related("reconciliation__lines__medication", "reconciliation__lines__problem")
            .order_by("-created_at")
        )
    record.encounters = own(Encounter, "-started_at", related=("practitioner", "organization"))
    record.results = own(Result, "-taken_at", "name")
    record.immunizations = own(Immunization, "-given_at")
    record.documents = own(Document, "-received_on", "-created_at")
    if events:
        record.events = timeline(user, record.patient, now=now, limit=MOST_EVENTS)[0]
    _hold_back(record)
    return record


def _hold_back(record: Record) -> None:
    """Labelled entries leave only with a consent that holds today, or for the reason for which this person opened
    them; seeing one because one wrote it is not enough. What leaves carries its label's notice."""
    patient, labels = record.patient, set()
    grants = AccessGrant.objects.open().filter(user=record.user.pk, patient=patient, kind="reason")
    opened = set(grants.values_list("label", flat=True))
    day = record.now.astimezone(patient.site.tzinfo).date()
    leaves = {label: label in opened or may_leave(patient, label, day) for label in Label.values}
    held: list[Any] = []
    for name, rows in record.lists():
        kept: list[Any] = []
        for row in rows:
            told = _labels(row)
            may_go = all(leaves[label] for label in told)
            (kept if may_go else held).append(row)
            labels |= told if may_go else set()
        setattr(record, name, kept)
    record.events = _without(record.events, held)
    if notice := notice_for(labels):
        record.notices.append(notice)


def _labels(row: Any) -> set[str]:
    """The label of an entry; of an update to a provider those of everything that it retells."""
    told = [row]
    if isinstance(row, ProviderUpdate):
        comparison = getattr(row, "reconciliation", None)
        lines = comparison.lines.all() if comparison else ()
        told = [row.note, *(entry for line in lines for entry in (line.medication, line.problem))]
    return {entry.label for entry in told if getattr(entry, "label", "")}


def _without(events: list[Row], held: list[Any]) -> list[Row]:
    """The timeline without what tells of entries that are held back. One event stands for all results of a moment,
    and an update's events have keys of their own: of both, whatever might retell a held one stays out."""
    keys = {row.pk for row in held}
    moments = {row.taken_at for row in held if isinstance(row, Result)}
    no_updates = any(isinstance(row, ProviderUpdate) for row in held)
    return [
        event
        for event in events
        if event.id not in keys
        and not (event.kind == "result" and event.at in moments)
        and not (event.kind == "update" and no_updates)
    ]


def _own(model: Any, record: Record, related: tuple[str, ...] = ()) -> QuerySet[Any]:
    rows = model.objects.visible_to(record.user).filter(patient=record.patient.pk)
    columns = {column.name for column in model._meta.concrete_fields}
    if "status" in columns:
        rows = rows.exclude(status__in=IN_ERROR)
    elif "error_reason" in columns:
        rows = rows.filter(error_reason="")
    return rows.select_related(*related) if related else rows
