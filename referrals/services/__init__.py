"""Every write to referrals, payers and prior authorizations."""

from referrals.services.appeals import (
    file_appeal,
    plan_peer_to_peer,
    record_appeal_outcome,
    record_peer_to_peer,
)
from referrals.services.authorizations import (
    add_line,
    advance_authorization,
    create_authorization,
    decide_lines,
)
from referrals.services.denial_categories import (
    move_denial_category,
    restore_denial_category,
    retire_denial_category,
    save_denial_category,
    save_payer_terms,
)
from referrals.services.denial_records import enter_denial_in_error, record_denial, tick_paper
from referrals.services.letters import record_printing, save_letter
from referrals.services.referrals import (
    advance_referral,
    assign_referral,
    create_referral,
    import_referral,
    record_patient_told,
    record_requester_told,
    record_review,
    update_referral,
)
from referrals.services.reports import ask_for_late_reports

__all__ = [
    "add_line",
    "advance_authorization",
    "advance_referral",
    "ask_for_late_reports",
    "assign_referral",
    "create_authorization",
    "create_referral",
    "decide_lines",
    "enter_denial_in_error",
    "file_appeal",
    "import_referral",
    "move_denial_category",
    "plan_peer_to_peer",
    "record_appeal_outcome",
    "record_denial",
    "record_patient_told",
    "record_peer_to_peer",
    "record_printing",
    "record_requester_told",
    "record_review",
    "restore_denial_category",
    "retire_denial_category",
    "save_denial_category",
    "save_letter",
    "save_payer_terms",
    "tick_paper",
    "update_referral",
]
