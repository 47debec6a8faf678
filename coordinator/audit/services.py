"""Writing audit events: always in the transaction of what they record."""

from __future__ import annotations

import contextvars
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.http import HttpRequest

from coordinator.audit.models import AuditEvent
from coordinator.db import insert_together
from coordinator.workflow import Actor, System

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")
# Emergency accesses of whoever asks: patient's key -> the grant's. Every event about such a patient says so.
open_access: contextvars.ContextVar[Mapping[str, str]] = contextvars.ContextVar(
    "open_access", default=MappingProxyType({})
)


def event(
    *,
    by: Actor,
    action: str,
    entity: str,
    entity_id: Any = "",
    patient_id: Any = None,
    site_id: Any = None,
    reason: str = "",
    details: dict[str, Any] | None = None,
) -> AuditEvent:
    """An unsaved event, for those who write many at once with `record_many`."""
    system = isinstance(by, System)
    grant = open_access.get().get(str(patient_id))
    return AuditEvent(
        actor_id=None if system or by is None else by.pk,
        actor=f"system:{by.name}" if system else ("user" if by is not None else "anonymous"),
        action=action,
        entity=entity,
        entity_id=str(entity_id or ""),
        patient_id=patient_id,
        site_id=site_id,
        reason=reason,
        details={**(details or {}), **({"grant": grant} if grant else {})},
        request_id=request_id.get(),
    )


def record(**fields: Any) -> None:
    """Write one event: by, action, entity, and what of entity_id, patient_id, site_id, reason, details applies."""
    insert_together(event(**fields))


def record_many(events: Sequence[AuditEvent]) -> None:
    AuditEvent.objects.bulk_create(events, batch_size=2000)


def record_change(obj: Any, action: str, **fields: Any) -> None:
    """Write one event about one of our records: by, and what of reason and details applies."""
    insert_together(change_event(obj, action, **fields))


def change_event(
    obj: Any, action: str, *, by: Actor, reason: str = "", details: dict[str, Any] | None = None
) -> AuditEvent:
    """An unsaved event about one of our records; finds its patient and site by the usual field names."""
    is_patient = obj._meta.label_lower == "patients.patient"
    return event(
        by=by,
        action=action,
        entity=obj._meta.label_lower,
        entity_id=obj.pk,
        patient_id=obj.pk if is_patient else getattr(obj, "patient_id", None),
        site_id=getattr(obj, "site_id", None),
        reason=reason,
        details=details,
    )


def viewed(request: HttpRequest, patient: Any, what: str = "summary") -> None:
    """Somebody opened a patient's record. Reading is an event too."""
    record(
        by=request.user,
        action="view",
        entity="patients.patient",
        entity_id=patient.pk,
        patient_id=patient.pk,
        site_id=patient.site_id,
        details={"what": what},
    )


def refused(request: HttpRequest, rule: str) -> None:
    record(
        by=request.user,
        action="refused",
        entity="route",
        details={"rule": rule, "route": request.resolver_match.route if request.resolver_match else ""},
    )
