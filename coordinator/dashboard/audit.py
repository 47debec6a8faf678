"""The auditor's reads of the trail: who opened or changed what, with names resolved.

The only place outside coordinator.audit that reads AuditEvent. Patients are named here although an auditor may
not open their records: "who looked at this person" cannot be answered with keys.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from coordinator.accounts.models import Site, User
from coordinator.audit.models import AuditEvent
from patients.models import Patient

PAGE_ROWS = 50
# Choice of the filter -> actions it stands for; an empty tuple is every other one.
KINDS: dict[str, tuple[str, ...]] = {
    "view": ("view", "view_audit"),
    "sign_in": (
        "sign_in", "sign_in_failed", "sign_in_refused", "locked_out", "sign_out", "second_factor_failed",
        "second_factor_added", "second_factor_removed", "recovery_code_used", "recovery_codes_replaced",
        "password_changed", "password_reset", "password_link_asked", "reset_second_factor", "sign_out_everywhere",
    ),
    "refused": ("refused",),
    "export": ("export", "export_audit"),
    "access": (
        "break_glass", "break_glass_failed", "open_label", "end_access", "review_access", "restrict",
        "lift_restriction", "label", "remove_label",
    ),
    "accounts": ("create_user", "update_user", "deactivate_user", "reactivate_user"),
}  # fmt: skip


WORDS = {
    "audit.auditevent": _lazy("audit trail"),
    "route": _lazy("page"),
    "patients.patient": _lazy("record"),
    "patients.accessgrant": _lazy("emergency access"),
    "patients.contactwarning": _lazy("safe contact"),
}


@dataclass(frozen=True)
class Wanted:
    """What an auditor asks for. `text` is an MRN or a patient's key; days are local to the reader."""

    text: str = ""
    person: int | None = None
    kind: str = ""
    action: str = ""
    since: datetime.date | None = None
    until: datetime.date | None = None

    @property
    def narrows(self) -> bool:
        return any((self.text, self.person, self.kind, self.action, self.since, self.until))


@dataclass(frozen=True)
class Line:
    """One event with the names that its keys stand for."""

    event: AuditEvent
    who: str
    whom: str  # whose account it was about
    patient: str
    site: str

    @property
    def action(self) -> str:
        return self.event.action.replace("_", " ")

    @property
    def what(self) -> str:
        if self.event.entity == "accounts.user":
            return _("account %(whom)s") % {"whom": self.whom} if self.whom else _("unknown account")
        return str(WORDS.get(self.event.entity) or self.event.entity.partition(".")[2].replace("_", " "))

    @property
    def details(self) -> str:
        return "; ".join(
            f"{name}: {value}" for name, value in self.event.details.items() if value not in (None, "")
        )


@dataclass(frozen=True)
class Trail:
    lines: list[Line]
    patient: Patient | None = None  # whom the text of the filter names
    unknown: bool = False  # the text names nobody
    after: str = ""  # key of the next page; "" on the last
    keys: dict[str, Any] = field(default_factory=dict)


def read_trail(wanted: Wanted, *, after: str = "") -> Trail:
    """The newest events first, a page at a time."""
    patient = _patient(wanted.text)
    if wanted.text and patient is None:
        return Trail([], unknown=True)
    found = _after(_found(wanted, patient), after)
    events = list(found[: PAGE_ROWS + 1])
    shown = events[:PAGE_ROWS]
    next_key = f"{shown[-1].at.isoformat()}_{shown[-1].pk}" if len(events) > PAGE_ROWS else ""
    return Trail(_named(shown), patient=patient, after=next_key)


def export_rows(wanted: Wanted) -> tuple[Patient | None, Iterator[list[Any]]]:
    """Every event that was asked for, as rows of a file; the patient, if one was named."""
    patient = _patient(wanted.text)
    found = AuditEvent.objects.none() if wanted.text and patient is None else _found(wanted, patient)
    return patient, _rows(found)


HEADER = (
    "when", "who", "action", "what", "record", "patient", "site", "reason", "details", "request",
)  # fmt: skip


def _rows(found: QuerySet[AuditEvent]) -> Iterator[list[Any]]:
    for batch in _batches(found.iterator(chunk_size=2000), 2000):
        for line in _named(batch):
            event = line.event
            yield [
                event.at.isoformat(timespec="milliseconds"), line.who, event.action, event.entity, event.entity_id,
                line.patient, line.site, event.reason, line.details, event.request_id,
            ]  # fmt: skip


def _batches(events: Iterable[AuditEvent], size: int) -> Iterator[list[AuditEvent]]:
    batch: list[AuditEvent] = []
    for event in events:
        batch.append(event)
        if len(batch) == size:
            yield batch
            batch = []
    yield batch


def _found(wanted: Wanted, patient: Patient | None) -> QuerySet[AuditEvent]:
    found = AuditEvent.objects.order_by("-at", "-pk")
    if patient is not None:
        found = found.filter(patient_id=patient.pk)
    if wanted.person:
        # What somebody did, and what was done to their account.
        found = found.filter(
            Q(actor_id=wanted.person) | Q(entity="accounts.user", entity_id=str(wanted.person))
        )
    if wanted.kind in KINDS:
        found = found.filter(action__in=KINDS[wanted.kind])
    if wanted.action:
        found = found.filter(action=wanted.action)
    if wanted.since:
        found = found.filter(at__gte=_midnight(wanted.since))
    if wanted.until:
        found = found.filter(at__lt=_midnight(wanted.until + datetime.timedelta(days=1)))
    return found


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time()))


def _after(found: QuerySet[AuditEvent], key: str) -> QuerySet[AuditEvent]:
    moment, _sep, number = key.rpartition("_")
    try:
        at, pk = datetime.datetime.fromisoformat(moment), int(number)
    except ValueError:
        return found
    return found.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk)) if at.tzinfo else found


def _patient(text: str) -> Patient | None:
    """Whom an MRN or a key names, also patients entered in error: the trail outlives the record."""
    text = text.strip()
    if not text:
        return None
    try:
        return Patient.objects.filter(pk=uuid.UUID(text)).first()
    except ValueError:
        return Patient.objects.filter(mrn__iexact=text).first()


def _named(events: list[AuditEvent]) -> list[Line]:
    """The names of a page in three queries, however many rows."""
    subjects = {e.entity_id for e in events if e.entity == "accounts.user" and e.entity_id.isdigit()}
    users = User.objects.in_bulk({e.actor_id for e in events if e.actor_id} | {int(key) for key in subjects})
    patients = Patient.objects.in_bulk({e.patient_id for e in events if e.patient_id})
    sites = Site.objects.in_bulk({e.site_id for e in events if e.site_id})
    return [
        Line(
            event,
            who=_who(event, users),
            whom=str(users.get(int(event.entity_id), "")) if event.entity_id in subjects else "",
            patient=_patient_words(event, patients),
            site=str(sites.get(event.site_id, "")),
        )
        for event in events
    ]


def _who(event: AuditEvent, users: dict[Any, User]) -> str:
    if event.actor.startswith("system:"):
        return _("System: %(name)s") % {"name": event.actor.removeprefix("system:")}
    if event.actor_id is None:
        return _("Nobody signed in")
    user = users.get(event.actor_id)
    return str(user) if user else _("Account %(number)s") % {"number": event.actor_id}


def _patient_words(event: AuditEvent, patients: dict[Any, Patient]) -> str:
    if not event.patient_id:
        return ""
    patient = patients.get(event.patient_id)
    return f"{patient}, MRN {patient.mrn}" if patient else str(event.patient_id)


def people() -> list[tuple[int, str]]:
    """Everybody who ever had an account, for the filter."""
    return [(user.pk, str(user)) for user in User.objects.order_by("name")]
