"""Who sees which rows of the record. One place decides; every queryset about a patient asks it."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from patients.models.labels import Labelled

# Keys of the restricted patients that are absent for one person: all but those they coordinate, care for, opened in
# an emergency, or look after while a colleague is on leave (unless they arranged that themselves: nobody gives oneself
# a record). By hand, because every list asks it: few rows, once per statement, by the partial index.
HIDDEN = (
    "select h.id from patients_patient h where h.is_restricted and h.coordinator_id is distinct from %s"
    " and not exists (select 1 from patients_careteammember m where m.patient_id = h.id and m.ended_on is null"
    " and (m.user_id = %s or m.practitioner_id = any(%s::uuid[])))"
    " and not exists (select 1 from patients_accessgrant g where g.patient_id = h.id and g.user_id = %s"
    " and g.kind = 'break_glass' and g.ended_at is null and g.expires_at > statement_timestamp())"
    " and not exists (select 1 from accounts_delegation d where d.delegate_id = %s and d.created_by_id <> %s"
    " and d.starts_at <= statement_timestamp() and d.ends_at > statement_timestamp()"
    " and (d.person_id = h.coordinator_id or exists (select 1 from patients_careteammember m"
    " where m.patient_id = h.id and m.ended_on is null and m.user_id = d.person_id)))"
)


def hidden_params(user: Any) -> list[Any]:
    """What HIDDEN needs to know about the person, in its order."""
    as_practitioner = [str(user.practitioner_id)] if user.practitioner_id else []
    return [user.pk, user.pk, as_practitioner, user.pk, user.pk, user.pk]


def hidden_from(user: Any) -> RawSQL:
    """HIDDEN as a part of a query: `.exclude(patient__in=hidden_from(user))`. Rows without a patient stay."""
    return RawSQL(HIDDEN, hidden_params(user))  # noqa: S611  (fixed text, values as parameters)


# A labelled entry is there for who wrote it, and for who gave a reason within the hour (AccessGrant).
OPENED = (
    "({row}.label = '' or {row}.created_by_id = %(reader)s or exists (select 1 from patients_accessgrant g"
    " where g.patient_id = {row}.patient_id and g.user_id = %(reader)s and g.kind = 'reason'"
    " and g.label = {row}.label and g.ended_at is null and g.expires_at > statement_timestamp()))"
)


def opened(row: str) -> str:
    """OPENED for a table's alias in a statement by hand; `reader` is the person's key."""
    return OPENED.format(row=row)


def opened_to(user: Any, through: str = "") -> Any:
    """OPENED as a part of a query of a model that can be labelled; `through` leads there, such as "note__"."""
    grants = apps.get_model("patients", "AccessGrant").objects.filter(
        user=user.pk, patient=OuterRef(f"{through}patient"), kind="reason", label=OuterRef(f"{through}label"),
        ended_at=None, expires_at__gt=Now(),
    )  # fmt: skip
    return Q(**{f"{through}label": ""}) | Q(**{f"{through}created_by": user.pk}) | Exists(grants)


class PatientScoped(models.QuerySet[Any]):
    """Rows that belong to a patient are seen by whoever may see the patient."""

    permission = "patients.view"

    def visible_to(self, user: Any) -> Any:
        if not user.can(self.permission):
            return self.none()
        found = self.filter(patient__site__in=user.site_ids).exclude(patient__in=hidden_from(user))
        return found.filter(opened_to(user)) if issubclass(self.model, Labelled) else found


class NoteScoped(PatientScoped):
    """What was written down about the person is for those who care for them."""

    permission = "notes.view"
