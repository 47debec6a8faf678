"""Every write to a patient's record, whoever asks: a page, the API, a job, an import."""

from patients.services.access import (
    break_glass,
    end_access,
    lift_restriction,
    record_wrong_guess,
    restrict_patient,
    review_access,
)
from patients.services.clinical import (
    add_allergy,
    add_medication,
    add_problem,
    change_allergy,
    change_medication,
    change_problem,
    record_no_known_allergies,
)
from patients.services.consents import add_consent, change_consent
from patients.services.contacts import (
    add_contact_point,
    end_contact_point,
    mark_contact_point_failing,
    record_opt_out,
    update_contact_point,
)
from patients.services.coverage import add_coverage, check_coverages, end_coverage, update_coverage
from patients.services.duplicates import ask_again, scan_duplicates, tell_apart
from patients.services.merging import merge_patients, plan_merge, unmerge_patients
from patients.services.notes import acknowledge_note, add_note, enter_note_in_error
from patients.services.patients import register_patient, update_patient
from patients.services.people import (
    add_care_team_member,
    add_related_person,
    assign_coordinator,
    end_care_team_member,
    end_related_person,
    update_care_team_member,
    update_related_person,
)
from patients.services.standing import (
    enter_patient_in_error,
    inactivate_patient,
    reactivate_patient,
    record_death,
    transfer_patient,
)

__all__ = [
    "acknowledge_note",
    "add_allergy",
    "add_care_team_member",
    "add_consent",
    "add_contact_point",
    "add_coverage",
    "add_medication",
    "add_note",
    "add_problem",
    "add_related_person",
    "ask_again",
    "assign_coordinator",
    "break_glass",
    "change_allergy",
    "change_consent",
    "change_medication",
    "change_problem",
    "check_coverages",
    "end_access",
    "end_care_team_member",
    "end_contact_point",
    "end_coverage",
    "end_related_person",
    "enter_note_in_error",
    "enter_patient_in_error",
    "inactivate_patient",
    "lift_restriction",
    "mark_contact_point_failing",
    "merge_patients",
    "plan_merge",
    "reactivate_patient",
    "record_death",
    "record_no_known_allergies",
    "record_opt_out",
    "record_wrong_guess",
    "register_patient",
    "restrict_patient",
    "review_access",
    "scan_duplicates",
    "tell_apart",
    "transfer_patient",
    "unmerge_patients",
    "update_care_team_member",
    "update_contact_point",
    "update_coverage",
    "update_patient",
    "update_related_person",
]
