"""Who may do what with a patient's record: `can_` answers for templates, `check_` refuses for services."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from coordinator.workflow import Actor, System
from patients.models import AccessGrant, Note, Patient, ProviderUpdate


def can_register(user: Any, site: Any) -> bool:
    return user.can("patients.edit") and site.pk in user.site_ids


def check_can_register(by: Actor, site: Any) -> None:
    if not isinstance(by, System) and not can_register(by, site):
        raise PermissionDenied(_("Your role does not include registering patients at this place."))


def can_edit(user: Any, patient: Patient) -> bool:
    """Change what is recorded about this patient, notes included."""
    return user.can("patients.edit") and patient.site_id in user.site_ids


def check_can_edit(by: Actor, patient: Patient) -> None:
    if not isinstance(by, System) and not can_edit(by, patient):
        raise PermissionDenied(_("Your role does not include changing this patient's record."))


def can_merge(user: Any, *patients: Patient) -> bool:
    """Decide whether two records are one person's: only who sees both."""
    return user.can("patients.merge") and all(patient.site_id in user.site_ids for patient in patients)


def check_can_merge(by: Actor, *patients: Patient) -> None:
    if not isinstance(by, System) and not can_merge(by, *patients):
        raise PermissionDenied(_("Your role does not include merging these records."))


def can_restrict(user: Any, patient: Patient) -> bool:
    """Say that a record is for its care team only, and take that back."""
    return user.can("patients.restrict") and patient.site_id in user.site_ids


def check_can_restrict(by: Actor, patient: Patient) -> None:
    if not isinstance(by, System) and not can_restrict(by, patient):
        raise PermissionDenied(_("Your role does not include restricting this record."))


def can_break_glass(user: Any, patient: Patient) -> bool:
    """Open a restricted record of one's own place in an emergency."""
    return user.can("patients.break_glass") and patient.site_id in user.site_ids


def check_can_break_glass(by: Actor, patient: Patient) -> None:
    if isinstance(by, System) or not can_break_glass(by, patient):
        raise PermissionDenied(_("Your role does not include emergency access."))


def can_open_labels(user: Any, patient: Patient) -> bool:
    """Ask for the labelled entries of a patient of one's own place."""
    return user.can("labels.open") and patient.site_id in user.site_ids


def check_can_open_labels(by: Actor, patient: Patient) -> None:
    if isinstance(by, System) or not can_open_labels(by, patient):
        raise PermissionDenied(_("Your role does not include opening labelled entries."))


def can_review(user: Any, grant: AccessGrant) -> bool:
    """Judge somebody else's emergency access: the place's manager, or an auditor."""
    here = user.can("audit.view") or grant.patient.site_id in user.site_ids
    return user.can("access.review") and here and grant.user_id != user.pk


def check_can_review(by: Actor, grant: AccessGrant) -> None:
    if isinstance(by, System) or not can_review(by, grant):
        raise PermissionDenied(_("Somebody else has to review this access."))


def can_lead(user: Any, patient: Patient) -> bool:
    """Be this patient's coordinator: someone who works with patients at their site."""
    return user.is_active and user.can("patients.edit") and patient.site_id in user.site_ids


def can_acknowledge(user: Any, note: Note) -> bool:
    """The provider a note is reported to acknowledges it."""
    return (
        user.can("notes.acknowledge")
        and note.report_to_id is not None
        and user.practitioner_id == note.report_to_id
        and note.patient.site_id in user.site_ids
    )


def check_can_acknowledge(by: Actor, note: Note) -> None:
    if not isinstance(by, System) and not can_acknowledge(by, note):
        raise PermissionDenied(_("Only the provider this note is reported to can acknowledge it."))


def is_asked(user: Any, update: ProviderUpdate) -> bool:
    """The provider whom an update asks, signed in."""
    return (
        user.can("notes.acknowledge")
        and user.practitioner_id == update.report_to_id
        and update.patient.site_id in user.site_ids
    )


def can_answer(user: Any, update: ProviderUpdate) -> bool:
    """The provider themselves, or a colleague who was told the answer and writes it down."""
    return is_asked(user, update) or can_edit(user, update.patient)


def check_can_answer(by: Actor, update: ProviderUpdate) -> None:
    if not isinstance(by, System) and not can_answer(by, update):
        raise PermissionDenied(_("Only the provider this is for, or a coordinator they told, can answer it."))
