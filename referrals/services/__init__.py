"""Every write to referrals, payers and prior authorizations."""

from referrals.services.aid import expire_awards
from referrals.services.appeals import (
    file_appeal,
    plan_peer_to_peer,
    record_appeal_outcome,
    record_peer_to_peer,
)
from referrals.services.attempts import enter_entry_in_error, log_attempt
from referrals.services.authorizations import (
    add_line,
    advance_authorization,
    assign_authorization,
    create_authorization,
    update_authorization,
    update_line,
)
from referrals.services.decisions import decide_lines, revise_lines, set_end
from referrals.services.denial_categories import (
    move_denial_category,
    restore_denial_category,
    retire_denial_category,
    save_denial_category,
    save_payer_terms,
)
from referrals.services.denial_records import enter_denial_in_error, record_denial, tick_paper
from referrals.services.guard import answer_guard
from referrals.services.letters import record_printing, save_letter
from referrals.services.messages import add_message
from referrals.services.money import assign_followed, follow_up_money
from referrals.services.overdue import chase_overdue
from referrals.services.papers import add_paper, attach_paper, detach_paper, drop_paper, upload_paper
from referrals.services.payer_calls import enter_call_in_error, record_call
from referrals.services.payer_clock import downgrade_to_standard, extend_decision, record_answer
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
from referrals.services.renewals import approve_back_dated, continue_authorization, let_end, take_up_end
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
    "add_message",
    "add_paper",
    "add_service_line",
    "advance_authorization",
    "advance_referral",
    "answer_guard",
    "approve_back_dated",
    "ask_for_late_reports",
    "ask_list",
    "assign_authorization",
    "assign_followed",
    "assign_referral",
    "attach_paper",
    "chase_overdue",
    "continue_authorization",
    "correct_request",
    "create_authorization",
    "create_referral",
    "decide_lines",
    "detach_paper",
    "downgrade_to_standard",
    "drop_paper",
    "enter_call_in_error",
    "enter_denial_in_error",
    "enter_entry_in_error",
    "enter_requirement_in_error",
    "expire_awards",
    "extend_decision",
    "file_appeal",
    "follow_up_money",
    "import_referral",
    "let_end",
    "log_attempt",
    "move_denial_category",
    "plan_peer_to_peer",
    "receive_report",
    "record_answer",
    "record_appeal_outcome",
    "record_call",
    "record_denial",
    "record_patient_told",
    "record_peer_to_peer",
    "record_printing",
    "record_requester_told",
    "record_requirement",
    "record_review",
    "request_authorization",
    "restore_denial_category",
    "retire_denial_category",
    "revise_lines",
    "save_denial_category",
    "save_letter",
    "save_payer_terms",
    "set_end",
    "take_up_end",
    "tick_paper",
    "update_authorization",
    "update_line",
    "update_referral",
    "upload_paper",
]
