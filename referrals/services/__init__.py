"""Every write to referrals, payers and prior authorizations."""

from referrals.services.authorizations import (
    add_line,
    advance_authorization,
    assign_authorization,
    create_authorization,
    update_authorization,
    update_line,
)
from referrals.services.decisions import decide_lines, revise_lines, set_end
from referrals.services.papers import add_paper, attach_paper, detach_paper, drop_paper, upload_paper
from referrals.services.payer_calls import enter_call_in_error, record_call
from referrals.services.payer_clock import downgrade_to_standard, extend_decision, record_answer
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
from referrals.services.requirements import (
    add_service_line,
    ask_list,
    correct_request,
    enter_requirement_in_error,
    record_requirement,
    request_authorization,
)

__all__ = [
    "add_line",
    "add_paper",
    "add_service_line",
    "advance_authorization",
    "advance_referral",
    "ask_for_late_reports",
    "ask_list",
    "assign_authorization",
    "assign_referral",
    "attach_paper",
    "correct_request",
    "create_authorization",
    "create_referral",
    "decide_lines",
    "detach_paper",
    "downgrade_to_standard",
    "drop_paper",
    "enter_call_in_error",
    "enter_requirement_in_error",
    "extend_decision",
    "import_referral",
    "record_answer",
    "record_call",
    "record_patient_told",
    "record_requester_told",
    "record_requirement",
    "record_review",
    "request_authorization",
    "revise_lines",
    "set_end",
    "update_authorization",
    "update_line",
    "update_referral",
    "upload_paper",
]
