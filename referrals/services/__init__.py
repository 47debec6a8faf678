"""Every write to referrals, payers and prior authorizations."""

from referrals.services.attempts import enter_entry_in_error, log_attempt
from referrals.services.authorizations import (
    add_line,
    advance_authorization,
    create_authorization,
    decide_lines,
)
from referrals.services.guard import answer_guard
from referrals.services.messages import add_message
from referrals.services.overdue import chase_overdue
from referrals.services.receiving import receive_report
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
    "add_message",
    "advance_authorization",
    "advance_referral",
    "answer_guard",
    "ask_for_late_reports",
    "assign_referral",
    "chase_overdue",
    "create_authorization",
    "create_referral",
    "decide_lines",
    "enter_entry_in_error",
    "import_referral",
    "log_attempt",
    "receive_report",
    "record_patient_told",
    "record_requester_told",
    "record_review",
    "update_referral",
]
