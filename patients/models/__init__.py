"""The record: who the patient is, how to reach them, what is known, and who cares for them."""

from patients.models.access import AccessGrant, AccessGrantQuerySet
from patients.models.clinical import (
    CLINICAL_STATUSES,
    Allergy,
    ClinicalRecord,
    Encounter,
    Immunization,
    Medication,
    Note,
    Problem,
    Result,
)
from patients.models.duplicates import DuplicateQuerySet, MergeQuerySet, PatientMerge, PossibleDuplicate
from patients.models.labels import Label, Labelled
from patients.models.papers import Consent, Coverage, Document
from patients.models.patient import (
    AllergyStatus,
    ContactPoint,
    Patient,
    PatientChange,
    PatientIdentifier,
    PatientQuerySet,
    Tier,
)
from patients.models.people import CareTeamMember, RelatedPerson, Topic, owner_hears, owner_topics
from patients.models.safety import ContactWarning, ContactWarningQuerySet
from patients.models.visibility import (
    HIDDEN,
    NoteScoped,
    PatientScoped,
    hidden_from,
    hidden_params,
    opened,
    opened_to,
)
from patients.workflow import PatientStatus

__all__ = [
    "CLINICAL_STATUSES",
    "HIDDEN",
    "AccessGrant",
    "AccessGrantQuerySet",
    "Allergy",
    "AllergyStatus",
    "CareTeamMember",
    "ClinicalRecord",
    "Consent",
    "ContactPoint",
    "ContactWarning",
    "ContactWarningQuerySet",
    "Coverage",
    "Document",
    "DuplicateQuerySet",
    "Encounter",
    "Immunization",
    "Label",
    "Labelled",
    "Medication",
    "MergeQuerySet",
    "Note",
    "NoteScoped",
    "Patient",
    "PatientChange",
    "PatientIdentifier",
    "PatientMerge",
    "PatientQuerySet",
    "PatientScoped",
    "PatientStatus",
    "PossibleDuplicate",
    "Problem",
    "RelatedPerson",
    "Result",
    "Tier",
    "Topic",
    "hidden_from",
    "hidden_params",
    "opened",
    "opened_to",
    "owner_hears",
    "owner_topics",
]
