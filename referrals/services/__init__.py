"""Every write to referrals, payers and prior authorizations."""

from referrals.services.aid import expire_awards
from referrals.services.authorizations import (
    add_line,
    advance_authorization,
    create_authorization,
    decide_lines,
)
from referrals.services.money import follow_up_money
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
    "expire_awards",
    "follow_up_money",
    "import_referral",
    "record_patient_told",
    "record_requester_told",
    "record_review",
    "update_referral",
]
