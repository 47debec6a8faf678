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
from patients.models.documents import (
    SEARCH_CONFIG,
    SEARCHED,
    Document,
    DocumentChange,
    DocumentKind,
    DocumentLink,
)
from patients.models.duplicates import DuplicateQuerySet, MergeQuerySet, PatientMerge, PossibleDuplicate
from patients.models.labels import Label, Labelled
from patients.models.papers import Consent, Coverage, EligibilityCheck
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
from patients.models.reconciliation import Reconciliation, ReconciliationLine
from patients.models.safety import ContactWarning, ContactWarningQuerySet
from patients.models.updates import ProviderUpdate, ProviderUpdateChange, UpdateQuerySet
from patients.models.visibility import (
    HIDDEN,
    NoteScoped,
    PatientScoped,
    hidden_from,
    hidden_params,
    opened,
    opened_to,
)
from patients.workflow import PatientStatus, UpdateStatus

__all__ = [
    "CLINICAL_STATUSES",
    "HIDDEN",
    "SEARCHED",
    "SEARCH_CONFIG",
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
    "DocumentChange",
    "DocumentKind",
    "DocumentLink",
    "DuplicateQuerySet",
    "EligibilityCheck",
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
    "ProviderUpdate",
    "ProviderUpdateChange",
    "Reconciliation",
    "ReconciliationLine",
    "RelatedPerson",
    "Result",
    "Tier",
    "Topic",
    "UpdateQuerySet",
    "UpdateStatus",
    "hidden_from",
    "hidden_params",
    "opened",
    "opened_to",
    "owner_hears",
    "owner_topics",
]
