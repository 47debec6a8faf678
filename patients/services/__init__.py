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
from patients.services.coverage import (
    add_coverage,
    end_coverage,
    enter_check_in_error,
    move_coverage,
    record_eligibility_check,
    update_coverage,
)
from patients.services.documents import (
    add_documents,
    enter_document_in_error,
    link_document,
    take_back_document_error,
    unlink_document,
    update_document,
)
from patients.services.duplicates import ask_again, scan_duplicates, tell_apart
from patients.services.errors import enter_entry_in_error, put_entry_back
from patients.services.labels import open_label, set_label
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
from patients.services.reconciliation import enter_reconciliation_in_error, reconcile_list
from patients.services.safety import add_contact_warning, end_contact_warning, update_contact_warning
from patients.services.standing import (
    enter_patient_in_error,
    inactivate_patient,
    reactivate_patient,
    record_death,
    transfer_patient,
)
from patients.services.updates import (
    acknowledge_update,
    answer_update,
    count_reminder,
    enter_update_in_error,
    read_answer,
    send_update,
    send_update_again,
    withdraw_update,
)

__all__ = [
    "acknowledge_note",
    "acknowledge_update",
    "add_allergy",
    "add_care_team_member",
    "add_consent",
    "add_contact_point",
    "add_contact_warning",
    "add_coverage",
    "add_documents",
    "add_medication",
    "add_note",
    "add_problem",
    "add_related_person",
    "answer_update",
    "ask_again",
    "assign_coordinator",
    "break_glass",
    "change_allergy",
    "change_consent",
    "change_medication",
    "change_problem",
    "count_reminder",
    "end_access",
    "end_care_team_member",
    "end_contact_point",
    "end_contact_warning",
    "end_coverage",
    "end_related_person",
    "enter_check_in_error",
    "enter_document_in_error",
    "enter_entry_in_error",
    "enter_note_in_error",
    "enter_patient_in_error",
    "enter_reconciliation_in_error",
    "enter_update_in_error",
    "inactivate_patient",
    "lift_restriction",
    "link_document",
    "mark_contact_point_failing",
    "merge_patients",
    "move_coverage",
    "open_label",
    "plan_merge",
    "put_entry_back",
    "reactivate_patient",
    "read_answer",
    "reconcile_list",
    "record_death",
    "record_eligibility_check",
    "record_no_known_allergies",
    "record_opt_out",
    "record_wrong_guess",
    "register_patient",
    "restrict_patient",
    "review_access",
    "scan_duplicates",
    "send_update",
    "send_update_again",
    "set_label",
    "take_back_document_error",
    "tell_apart",
    "transfer_patient",
    "unlink_document",
    "unmerge_patients",
    "update_care_team_member",
    "update_contact_point",
    "update_contact_warning",
    "update_coverage",
    "update_document",
    "update_patient",
    "update_related_person",
    "withdraw_update",
]
