"""Labelling an entry, taking a label off with a reason, and opening what is labelled for an hour."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.accounts.models import User
from coordinator.db import lock
from coordinator.workflow import Actor
from patients.models import AccessGrant, Label, Labelled, Patient
from patients.permissions import check_can_open_labels
from patients.services.access import open_grant
from patients.services.entries import change_entry, entry_for_change, require_reason


@transaction.atomic
def set_label(
    *, model: type[Labelled], entry_id: UUID, label: str, by: Actor, now: datetime, reason: str = ""
) -> Any:
    """Give an entry a label, another one, or none. Taking one off, or changing it, needs a reason.

    Raises ValidationError at `label` or `reason`.
    """
    entry: Any = entry_for_change(model, entry_id, by)
    if label not in ("", *Label.values):
        raise ValidationError({"label": _("Choose from the list.")})
    if entry.label and label != entry.label:
        reason = require_reason(reason)
    action = "label" if label else "remove_label"
    return change_entry(entry, by=by, action=action, reason=reason, label=label)


@transaction.atomic
def open_label(
    *, patient_id: UUID, label: str, purpose: str, reason: str, by: User, now: datetime
) -> AccessGrant:
    """Open one patient's entries with this label to one person for 60 minutes; the open access when there is one.

    Raises ValidationError at `label`, `purpose` or `reason`.
    """
    patient = lock(Patient.objects.select_related("site"), patient_id)
    check_can_open_labels(by, patient)
    if label not in Label.values:
        raise ValidationError({"label": _("Choose from the list.")})
    if purpose not in AccessGrant.Purpose.values:
        raise ValidationError({"purpose": _("Choose what it is for.")})
    return open_grant(patient, AccessGrant.Kind.REASON, reason, by, now, label=label, purpose=purpose)
