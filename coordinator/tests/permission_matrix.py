"""Who may use which address: every route x method x role x (own site, other site), in one table.

Expected answers are written from the roles' description (docs/permissions.md), not copied from what the site
does. A route without a row fails, a row without a route fails, a method without a row must answer 405.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from coordinator.accounts.roles import Role
from coordinator.tests.permission_world import ANONYMOUS, API, API_WITHOUT_SCOPES, PEOPLE

IN, SIGN_IN, FORBIDDEN, NOT_FOUND = "in", "sign in", "forbidden", "not found"

STAFF = frozenset(PEOPLE)
EVERYBODY = STAFF | {ANONYMOUS, API, API_WITHOUT_SCOPES}
# Who works with records, and how far.
COORDINATION = frozenset({Role.COORDINATOR, Role.LEAD, Role.MANAGER})
CLINICAL = COORDINATION | {Role.PROVIDER}
READERS = CLINICAL | {Role.BILLING}
LEADERS = frozenset({Role.LEAD, Role.MANAGER})
ADMINISTRATOR, AUDITOR, MANAGER = (frozenset({r}) for r in (Role.ADMINISTRATOR, Role.AUDITOR, Role.MANAGER))
MACHINERY = LEADERS | ADMINISTRATOR  # who watches jobs
SETTINGS = MANAGER | ADMINISTRATOR
MACHINE = frozenset({API})
ANY_TOKEN = frozenset({API, API_WITHOUT_SCOPES})
PROVIDER, COORDINATOR = frozenset({Role.PROVIDER}), frozenset({Role.COORDINATOR})


@dataclass(frozen=True)
class Row:
    """One address. `may` are let in for their own site; `names` maps each part of the address to what it names
    (permission_world.MAKERS, or a word in quotes); `other` is the answer for the same thing of another site.
    """

    route: str
    methods: tuple[str, ...]
    may: frozenset[str]
    names: dict[str, str] = field(default_factory=dict)
    other: str = NOT_FOUND
    is_api: bool = False
    query: dict[str, str] = field(default_factory=dict)  # what the query names, like `names`
    sends: dict[str, str] = field(default_factory=dict)  # what a POST needs to be understood
    # May open the record but not do this to it: 403 for one's own site, 404 for another.
    sees: frozenset[str] = frozenset()
    hides: frozenset[str] = frozenset()  # may use the page, but this thing is somebody else's: 404

    def expected(self, actor: str, own: bool) -> str:
        if actor in self.hides:
            return NOT_FOUND
        if actor in self.sees:
            return FORBIDDEN if own else NOT_FOUND
        if actor not in self.may:
            return self._refusal(actor)
        return IN if own or (self.route, actor) in EVERY_SITE else self.other

    def _refusal(self, actor: str) -> str:
        if self.is_api:  # a session means nothing there
            return FORBIDDEN if actor == API_WITHOUT_SCOPES else SIGN_IN
        return SIGN_IN if actor in (ANONYMOUS, API, API_WITHOUT_SCOPES) else FORBIDDEN


def row(route: str, methods: str, may: frozenset[str], other: str = NOT_FOUND, **names: str) -> Row:
    return Row(route, tuple(methods.split()), may, names, other)


def api(route: str, methods: str, other: str = NOT_FOUND, **names: str) -> Row:
    """An address of the API: only a machine's token opens it, and only with the scope."""
    return Row(route, tuple(methods.split()), MACHINE, names, other, is_api=True)


ROWS = [
    # --- signing in -----------------------------------------------------------------------------------------
    row("healthz", "GET", EVERYBODY),
    row("readyz", "GET", EVERYBODY),
    row("gateway_events", "POST", EVERYBODY),  # signed, not signed in: test_gateway_events
    row("account_login", "GET POST", EVERYBODY),
    row("account_logout", "GET POST", EVERYBODY),
    row("account_reset_password", "GET POST", EVERYBODY),
    row("account_reset_password_done", "GET", EVERYBODY),
    row(
        "account_reset_password_from_key",
        "GET POST",
        EVERYBODY,
        IN,
        uidb36="'1'",
        key="'x-y'",
    ),
    row("account_reset_password_from_key_done", "GET", EVERYBODY),
    row("mfa_authenticate", "GET POST", EVERYBODY),
    row("account_reauthenticate", "GET POST", STAFF),
    row("account_change_password", "GET POST", STAFF),
    row("mfa_index", "GET", STAFF),
    row("mfa_reauthenticate", "GET POST", STAFF),
    row("mfa_activate_totp", "GET POST", STAFF),
    row("mfa_deactivate_totp", "GET POST", STAFF),
    row("mfa_view_recovery_codes", "GET", STAFF),
    row("mfa_generate_recovery_codes", "GET POST", STAFF),
    row("mfa_download_recovery_codes", "GET", STAFF),
    row("accounts:preferences", "POST", STAFF),
    row("accounts:keep_alive", "GET", STAFF),
    row("accounts:sign_out_everywhere", "POST", STAFF),
    # --- people, sites, teams: administrators see all sites, managers their own ---------------------------------
    row("accounts:user_list", "GET", ADMINISTRATOR),
    row("accounts:user_new", "GET POST", ADMINISTRATOR),
    row("accounts:user_edit", "GET POST", ADMINISTRATOR, IN, pk="colleague"),
    row("accounts:user_deactivate", "POST", ADMINISTRATOR, IN, pk="colleague"),
    row("accounts:user_reactivate", "POST", ADMINISTRATOR, IN, pk="colleague"),
    row("accounts:user_reset_factor", "POST", ADMINISTRATOR, IN, pk="colleague"),
    row("accounts:user_send_link", "POST", ADMINISTRATOR, IN, pk="colleague"),
    row("accounts:user_sign_out", "POST", ADMINISTRATOR, IN, pk="colleague"),
    row("gallery", "GET", SETTINGS),
    row("accounts:settings", "GET", SETTINGS),
    row("accounts:site_new", "GET POST", ADMINISTRATOR),
    row("accounts:site_edit", "GET POST", SETTINGS, pk="site"),
    row("accounts:team_new", "POST", SETTINGS, pk="site"),
    row("accounts:team_rename", "POST", SETTINGS, pk="team"),
    # --- the rules register, and why a date is what it is -----------------------------------------------------
    row("clocks:rule_list", "GET", SETTINGS),
    row("clocks:rule", "GET", SETTINGS, IN, pk="rule"),
    row("clocks:rule_propose", "GET POST", SETTINGS, IN, pk="rule"),
    row("clocks:proposal", "GET", SETTINGS, IN, pk="rule proposal"),
    replace(
        row("clocks:proposal_step", "POST", SETTINGS, IN, pk="rule proposal", step="'refuse'"),
        sends={"reason": "Not now"},
    ),
    # Of a task's deadline: who may not see the task does not learn that it has one.
    replace(row("clocks:clock_why", "GET", STAFF, pk="clock"), hides=STAFF - CLINICAL),
    row("careplans:task_why", "GET", CLINICAL, pk="task"),
    row("careplans:plan_why", "GET", CLINICAL, pk="plan"),
    # --- work -------------------------------------------------------------------------------------------------
    # Everybody has a first page; those without a worklist are led to theirs.
    row("dashboard:my_work", "GET", STAFF),
    row("dashboard:my_work_find", "POST", CLINICAL),
    row("dashboard:my_work_news", "GET", CLINICAL),
    row("dashboard:call_list", "GET", CLINICAL),
    row("dashboard:my_work_views", "GET", CLINICAL),
    row("dashboard:my_work_view_save", "POST", CLINICAL),
    row("dashboard:my_work_view_first", "POST", CLINICAL),
    # Somebody's own view is nobody else's.
    replace(
        row("dashboard:my_work_view_change", "POST", frozenset({Role.COORDINATOR}), pk="saved view"),
        hides=CLINICAL - {Role.COORDINATOR},
    ),
    row("dashboard:my_work_columns", "POST", CLINICAL),
    row(
        "dashboard:my_work_view_delete", "POST", CLINICAL, IN, pk="saved view"
    ),  # deletes own ones only, and says no more
    replace(row("dashboard:my_work_bulk", "POST", COORDINATION), sends={"action": "snooze"}),
    row("dashboard:my_work_undo", "POST", COORDINATION),
    row("dashboard:my_work_act", "GET POST", COORDINATION, pk="task", action="'snooze'"),
    row("dashboard:leave_list", "GET", COORDINATION),
    row("dashboard:leave_new", "GET POST", COORDINATION),
    row("dashboard:leave_sheet", "GET POST", COORDINATION, pk="cover"),
    row("dashboard:leave_end", "POST", COORDINATION, pk="cover"),
    row("careplans:task_new", "GET POST", COORDINATION),
    row("careplans:due_words", "POST", COORDINATION),
    row("careplans:task_detail", "GET", CLINICAL, pk="task"),
    row("careplans:task_edit", "GET POST", COORDINATION, pk="task"),
    row("careplans:task_undo", "POST", COORDINATION, pk="task"),
    row("careplans:task_act", "GET POST", COORDINATION, pk="task", action="'snooze'"),
    row("careplans:contact_in_error", "GET POST", COORDINATION, pk="contact"),
    # Reasons and bundles belong to the whole clinic, like visit types.
    row("careplans:reason_list", "GET", SETTINGS),
    row("careplans:reason_new", "GET POST", SETTINGS),
    row("careplans:reason_edit", "GET POST", SETTINGS, IN, pk="close reason"),
    row("careplans:reason_step", "POST", SETTINGS, IN, pk="close reason", step="'retire'"),
    row("careplans:escalation_list", "GET", SETTINGS),
    row("careplans:escalation_new", "GET POST", SETTINGS),
    row("careplans:escalation_edit", "GET POST", SETTINGS, IN, pk="escalation point"),
    row("careplans:escalation_step", "POST", SETTINGS, IN, pk="escalation point", step="'retire'"),
    row("careplans:bundle_list", "GET", SETTINGS),
    row("careplans:bundle_new", "GET POST", SETTINGS),
    row("careplans:bundle_edit", "GET POST", SETTINGS, IN, pk="bundle"),
    row("careplans:bundle_step", "POST", SETTINGS, IN, pk="bundle", step="'retire'"),
    row("careplans:bundle_item_new", "GET POST", SETTINGS, IN, pk="bundle"),
    row("careplans:bundle_item_edit", "GET POST", SETTINGS, IN, pk="bundle item"),
    row("careplans:bundle_item_step", "POST", SETTINGS, IN, pk="bundle item", step="'up'"),
    row("careplans:start_bundle", "GET POST", COORDINATION, pk="patient"),
    row("careplans:cancel_bundle", "GET POST", COORDINATION, pk="started bundle"),
    row("careplans:plan_list", "GET", CLINICAL),
    replace(row("careplans:plan_new", "GET POST", COORDINATION), query={"patient": "patient"}),
    row("careplans:plan_detail", "GET", CLINICAL, pk="plan"),
    row("careplans:plan_edit", "GET POST", COORDINATION, pk="plan"),
    row("careplans:plan_add", "GET POST", COORDINATION, pk="plan", what="'goal'"),
    row("careplans:step", "GET POST", COORDINATION, kind="'goal'", pk="goal", name="'hold'"),
    # --- the record -------------------------------------------------------------------------------------------
    row("dashboard:search", "GET POST", READERS),
    row("dashboard:draft_list", "GET", STAFF),
    row("dashboard:draft", "GET POST", STAFF),
    row("dashboard:draft_discard", "POST", STAFF),
    row("dashboard:patient_list", "GET POST", READERS),
    row("dashboard:patient_summary", "GET", READERS, pk="patient"),
    row("dashboard:patient_plan", "GET", CLINICAL, pk="patient"),
    row("dashboard:patient_timeline", "GET", READERS, pk="patient"),
    row("dashboard:patient_tasks", "GET", CLINICAL, pk="patient"),
    row("dashboard:patient_appointments", "GET", READERS, pk="patient"),
    row("dashboard:patient_referrals", "GET", READERS, pk="patient"),
    row("dashboard:patient_notes", "GET", CLINICAL, pk="patient"),  # a bill needs no notes
    row("dashboard:patient_documents", "GET POST", CLINICAL, pk="patient"),
    row("dashboard:document", "GET", CLINICAL, pk="document"),
    replace(
        row("dashboard:document_link", "POST", COORDINATION, pk="document"),
        sends={"target": "'referral:00000000-0000-0000-0000-000000000000'"},
    ),
    replace(
        row("dashboard:document_unlink", "POST", COORDINATION, pk="document"),
        sends={"target": "'referral:00000000-0000-0000-0000-000000000000'"},
    ),
    row("dashboard:record_search", "GET POST", CLINICAL),
    row("patients:document_new", "GET POST", COORDINATION, pk="patient"),
    row("patients:document_edit", "GET POST", COORDINATION, pk="document"),
    row("patients:document_in_error", "GET POST", COORDINATION, pk="document"),
    row("patients:document_error_undo", "POST", COORDINATION, pk="document in error"),
    row("patients:document_file", "GET", CLINICAL, pk="document"),
    row("patients:document_page", "GET", CLINICAL, pk="document", number="'1'"),
    row("dashboard:patient_print", "GET", CLINICAL, pk="patient"),
    row("dashboard:patient_copy", "POST", COORDINATION, pk="patient"),
    row("dashboard:patient_details", "GET", READERS, pk="patient"),
    row("dashboard:patient_contact", "GET POST", COORDINATION, pk="patient"),
    row("dashboard:patient_here", "POST", READERS, pk="patient"),
    row("dashboard:patient_gap", "POST", COORDINATION, pk="patient", gap="'phone'"),
    row("dashboard:patient_pin", "POST", READERS, pk="patient"),
    row("dashboard:patient_duplicates", "GET POST", LEADERS),
    row("dashboard:duplicate_apart", "GET POST", LEADERS, pk="pair"),
    row("dashboard:duplicate_ask_again", "POST", LEADERS, pk="pair said to be different"),
    row("dashboard:duplicate_merge", "GET POST", LEADERS, pk="pair"),
    row("dashboard:duplicate_merged", "GET", LEADERS),
    row("dashboard:duplicate_take_apart", "GET POST", LEADERS, pk="merge"),
    row("dashboard:duplicate_merge_undo", "POST", LEADERS, pk="merge"),
    row("patients:patient_restrict", "GET POST", LEADERS, pk="patient"),
    row("patients:restriction_undo", "POST", LEADERS, pk="patient"),
    row("patients:labels_open", "GET POST", CLINICAL, pk="patient"),
    row("patients:entry_label", "GET POST", COORDINATION, kind="'problem'", pk="problem"),
    row("dashboard:break_glass", "GET POST", CLINICAL),
    row("dashboard:access_end", "POST", CLINICAL, pk="patient"),
    row("dashboard:access_reviews", "GET", MANAGER | AUDITOR),
    row("dashboard:access_review", "GET POST", MANAGER | AUDITOR, pk="access to review"),
    row("patients:patient_new", "GET POST", COORDINATION),
    row("patients:patient_edit", "GET POST", COORDINATION, pk="patient"),
    row("patients:patient_standing", "GET POST", COORDINATION, pk="patient"),
    row("patients:patient_coordinator", "GET POST", COORDINATION, pk="patient"),
    row("patients:note_new", "GET POST", COORDINATION, pk="patient"),
    row("patients:note_in_error", "GET POST", COORDINATION, pk="note"),
    row("patients:note_acknowledge", "POST", PROVIDER, pk="note for the provider"),
    row("patients:update_new", "GET POST", COORDINATION, pk="patient"),
    row("patients:update_detail", "GET", CLINICAL, pk="provider update"),
    replace(
        row("patients:update_step", "GET POST", COORDINATION, pk="provider update", step="'withdraw'"),
        sees=PROVIDER,
    ),
    row("patients:reconcile", "GET POST", COORDINATION, pk="patient", kind="'medicines'"),
    row("patients:reconciliation_detail", "GET", READERS, pk="reconciliation"),
    row("patients:reconciliation_in_error", "GET POST", COORDINATION, pk="reconciliation"),
    row("patients:coverage_check", "GET POST", COORDINATION, pk="coverage"),
    row("patients:coverage_move", "POST", COORDINATION, pk="coverage", way="'up'"),
    row("patients:check_in_error", "GET POST", COORDINATION, pk="coverage check"),
    row("patients:entry_in_error", "GET POST", COORDINATION, kind="'family'", pk="related person"),
    row("patients:entry_restore", "POST", COORDINATION, kind="'family'", pk="related person"),
    row("patients:entry_new", "GET POST", COORDINATION, pk="patient", kind="'problem'"),
    row("patients:no_known_allergies", "POST", COORDINATION, pk="patient"),
    row("patients:entry_change", "GET POST", COORDINATION, kind="'problem'", pk="problem"),
    row("patients:entry_end", "POST", COORDINATION, kind="'family'", pk="related person"),
    # --- referrals ------------------------------------------------------------------------------------------------
    # What follows a payer's decision.
    row("referrals:denial_new", "GET POST", COORDINATION, pk="authorization"),
    row("referrals:denial_detail", "GET", READERS, pk="denial"),
    *(
        row(f"referrals:{name}", "GET POST", COORDINATION, pk="denial")
        for name in ("denial_in_error", "talk_new", "appeal_new", "letter_edit")
    ),
    row("referrals:denial_tick", "POST", COORDINATION, pk="denial"),
    row("referrals:denial_close", "POST", COORDINATION, pk="denial"),
    row("referrals:talk_outcome", "GET POST", COORDINATION, pk="peer-to-peer"),
    row("referrals:appeal_outcome", "GET POST", COORDINATION, pk="appeal"),
    row("referrals:letter_file", "GET", COORDINATION, pk="appeal letter"),
    row("referrals:denial_outcomes", "GET", READERS),
    row(
        "referrals:authorization_continue",
        "GET POST",
        COORDINATION,
        pk="authorization",
        certification="'renewal'",
    ),
    row("referrals:authorization_back_date", "GET POST", COORDINATION, pk="authorization"),
    row("referrals:category_list", "GET", SETTINGS),
    row("referrals:category_new", "GET POST", SETTINGS),
    row("referrals:category_edit", "GET POST", SETTINGS, IN, pk="denial category"),
    row("referrals:category_step", "POST", SETTINGS, IN, pk="denial category", step="'retire'"),
    row("referrals:payer_terms", "GET POST", SETTINGS, IN, pk="payer"),
    row("referrals:referral_list", "GET POST", READERS),
    row("referrals:referral_board", "GET POST", READERS),
    row("referrals:referral_new", "GET POST", COORDINATION),
    row("referrals:referral_detail", "GET", READERS, pk="referral"),
    row("referrals:referral_edit", "GET POST", COORDINATION, pk="referral"),
    row("referrals:referral_assign", "POST", COORDINATION, pk="referral"),
    # A provider reviews what they asked for; this one did not ask.
    replace(
        row("referrals:referral_fact", "POST", COORDINATION, pk="referral", fact="'review'"),
        sees=frozenset({Role.PROVIDER, Role.BILLING}),
    ),
    row("packets:packet_new", "GET POST", COORDINATION, pk="referral"),
    row("referrals:delivery_new", "GET POST", COORDINATION, pk="referral"),
    row("referrals:delivery_act", "GET POST", COORDINATION, pk="delivery", act="'answer'"),
    # A recipient's link opens them (test_secure_links); who has none finds nothing, whoever it is.
    replace(row("shared:packet", "GET POST", EVERYBODY), hides=EVERYBODY),
    replace(row("shared:file", "GET", EVERYBODY), hides=EVERYBODY),
    row("referrals:referral_told", "GET POST", COORDINATION, pk="referral"),
    row("referrals:referral_attempt", "GET POST", COORDINATION, pk="referral"),
    row("referrals:referral_message", "GET POST", COORDINATION, pk="referral"),
    row("referrals:entry_in_error", "GET POST", COORDINATION, kind="'attempt'", pk="attempt to reach"),
    row("referrals:referral_step", "GET POST", COORDINATION, pk="referral", step="'withdraw'"),
    row("referrals:authorization_list", "GET POST", READERS),
    row("referrals:authorization_new", "GET POST", COORDINATION),
    row("referrals:authorization_detail", "GET", READERS, pk="authorization"),
    row("referrals:authorization_edit", "GET POST", COORDINATION, pk="authorization"),
    row("referrals:authorization_assign", "POST", COORDINATION, pk="authorization"),
    row("referrals:authorization_act", "GET POST", COORDINATION, pk="authorization", act="'call'"),
    row("referrals:authorization_line", "GET POST", COORDINATION, pk="authorization line"),
    row("referrals:authorization_paper", "GET POST", COORDINATION, pk="authorization paper"),
    row("referrals:authorization_row_in_error", "GET POST", COORDINATION, kind="'call'", pk="payer call"),
    # Payers and their lists belong to the whole clinic, like visit types.
    row("referrals:payer_list", "GET", SETTINGS, IN, kind="'needed'"),
    row("referrals:payer_list_new", "GET POST", SETTINGS, IN, kind="'papers'"),
    row("referrals:payer_list_edit", "GET POST", SETTINGS, IN, kind="'payers'", pk="payer"),
    row("referrals:payer_list_step", "POST", SETTINGS, IN, kind="'payers'", pk="payer", step="'retire'"),
    # --- the directory: no site and no patient; coordinators keep it, who sets the clinic up imports into it -------
    row("referrals:practice_list", "GET POST", READERS),
    row("referrals:practice_new", "GET POST", COORDINATION),
    row("referrals:practice_detail", "GET", READERS, IN, pk="practice"),
    row("referrals:practice_edit", "GET POST", COORDINATION, IN, pk="practice"),
    row("referrals:practice_step", "POST", COORDINATION, IN, pk="practice", step="'review'"),
    row("referrals:network_new", "GET POST", COORDINATION, IN, pk="practice"),
    row("referrals:network_step", "POST", COORDINATION, IN, pk="practice network", step="'end'"),
    row("referrals:clinician_new", "GET POST", COORDINATION, IN, pk="practice"),
    row("referrals:clinician_remove", "POST", COORDINATION, IN, pk="practice clinician"),
    row("referrals:payer_directory", "GET", READERS),
    row("referrals:payer_detail", "GET", READERS, IN, pk="payer"),
    row("referrals:payer_reviewed", "POST", SETTINGS, IN, pk="payer"),
    row("imports:directory_list", "GET POST", SETTINGS),
    row("imports:directory_detail", "GET", SETTINGS, IN, pk="directory import"),
    row("imports:directory_apply", "POST", SETTINGS, IN, pk="directory import"),
    row("imports:directory_undo", "POST", SETTINGS, IN, pk="directory import"),
    # --- money: funds are the whole clinic's, what patients owe and ask for is theirs ----------------------------
    row("referrals:fund_list", "GET", READERS),
    row("referrals:fund_detail", "GET", READERS, IN, pk="fund"),
    row("referrals:fund_new", "GET POST", MANAGER),
    row("referrals:fund_edit", "GET POST", MANAGER, IN, pk="fund"),
    row("referrals:fund_deposit", "GET POST", MANAGER, IN, pk="fund"),
    row("referrals:deposit_reverse", "GET POST", MANAGER, IN, pk="deposit"),
    row("referrals:dollars_found", "GET", MANAGER),
    row("referrals:phrase_list", "GET", MANAGER),
    row("referrals:phrase_new", "GET POST", MANAGER),
    row("referrals:phrase_edit", "GET POST", MANAGER, IN, pk="phrase"),
    replace(
        row("referrals:money_new", "GET POST", COORDINATION, kind="'bill'"), query={"patient": "patient"}
    ),
    row("referrals:money_detail", "GET", READERS, kind="'bill'", pk="bill"),
    row("referrals:money_act", "GET POST", COORDINATION, kind="'bill'", pk="bill", act="'settle'"),
    row("referrals:bill_line_remove", "GET POST", COORDINATION, pk="bill line"),
    row("referrals:asked_paper", "GET POST", COORDINATION, pk="asked paper"),
    row("referrals:payment_reverse", "GET POST", COORDINATION, pk="payment"),
    row("dashboard:patient_money", "GET", READERS, pk="patient"),
    row("referrals:inbound_list", "GET POST", COORDINATION),
    row("referrals:inbound_new", "GET POST", COORDINATION),
    row("referrals:inbound_detail", "GET POST", COORDINATION, pk="incoming paper"),
    row("referrals:inbound_page", "GET", COORDINATION, pk="incoming paper", number="'1'"),
    row("referrals:inbound_file", "GET", COORDINATION, pk="incoming paper"),
    row("referrals:inbound_attach", "POST", COORDINATION, pk="incoming paper"),
    row("referrals:inbound_step", "GET POST", COORDINATION, pk="incoming paper", step="'set_aside'"),
    # --- visits -----------------------------------------------------------------------------------------------------
    row("scheduling:schedule", "GET", READERS),
    row("scheduling:missed_list", "GET", READERS),
    row("scheduling:away_list", "GET POST", COORDINATION),
    row("scheduling:away", "GET POST", COORDINATION, pk="block"),
    # Marked by somebody else: only a manager takes it back.
    replace(row("scheduling:away_back", "POST", MANAGER, pk="block"), sees=COORDINATION - MANAGER),
    row("scheduling:waitlist", "GET", READERS),
    replace(row("scheduling:waitlist_add", "GET POST", COORDINATION), query={"patient": "patient"}),
    row("scheduling:waitlist_entry", "GET", READERS, pk="waitlist entry"),
    row("scheduling:waitlist_change", "POST", COORDINATION, pk="waitlist entry"),
    row("scheduling:waitlist_step", "GET POST", COORDINATION, pk="waitlist entry", step="'close'"),
    row("scheduling:waitlist_offer", "POST", COORDINATION, pk="appointment"),
    row("scheduling:waitlist_answer", "GET POST", COORDINATION, pk="waitlist offer", answer="'no'"),
    row("scheduling:book", "GET POST", COORDINATION),
    row("scheduling:choose_patient", "POST", COORDINATION),
    row("scheduling:bulk", "POST", COORDINATION),
    row("scheduling:appointment_detail", "GET", READERS, pk="appointment"),
    row("scheduling:appointment_move", "GET POST", COORDINATION, pk="appointment"),
    row("scheduling:appointment_undo", "POST", COORDINATION, pk="appointment", step="'arrive'"),
    row("scheduling:appointment_step", "GET POST", COORDINATION, pk="appointment", step="'cancel'"),
    row("scheduling:service_list", "GET", SETTINGS),
    row("scheduling:service_create", "GET POST", SETTINGS),
    row(
        "scheduling:service_edit", "GET POST", SETTINGS, IN, pk="service"
    ),  # visit types belong to the whole clinic
    row("scheduling:hours", "GET POST", SETTINGS),
    row("scheduling:hours_end", "POST", SETTINGS, pk="hours"),
    row("scheduling:blocks", "GET POST", SETTINGS),
    row("scheduling:block_remove", "POST", SETTINGS, pk="block"),
    row("scheduling:reminder_settings", "GET POST", SETTINGS),
    row("scheduling:reminder_settings_reset", "POST", SETTINGS, IN, pk="service"),
    # --- boards -------------------------------------------------------------------------------------------------------
    row("dashboard:team_board", "GET", LEADERS),
    row("dashboard:caseload_transfer", "GET POST", LEADERS),
    row("dashboard:team_export", "GET", LEADERS),
    row("dashboard:team_list", "GET", LEADERS, IN, measure="'overdue'"),
    row("dashboard:team_list_export", "GET", LEADERS, IN, measure="'overdue'"),
    row("dashboard:loop_board", "GET", LEADERS),
    row("dashboard:authorization_board", "GET", LEADERS),
    row("dashboard:report_card", "GET", LEADERS),
    row("dashboard:report_card_payer", "GET", LEADERS, IN, pk="payer"),
    row("dashboard:published_edit", "GET POST", SETTINGS, IN, pk="payer"),
    replace(
        row("dashboard:published_take_back", "POST", SETTINGS, IN, pk="payer"),
        sends={"year": "2026", "line": "medicare_advantage"},
    ),
    row("dashboard:published_file", "GET POST", SETTINGS),
    row("dashboard:figure_export", "GET", LEADERS, IN, name="'loops'"),
    row("dashboard:figure_list", "GET", LEADERS, IN, name="'loops'", column="'closed'"),
    row("dashboard:run_board", "GET", MACHINERY),
    row("dashboard:run_messages", "GET", MACHINERY, pk="site", on="'2026-11-18'"),
    row("dashboard:run_silent", "GET", MACHINERY, pk="site"),
    row("dashboard:run_forecast", "GET", SETTINGS, pk="site"),
    row("dashboard:run_now", "POST", SETTINGS, pk="site"),
    row("dashboard:reminders_switch", "POST", SETTINGS, pk="site"),
    row("dashboard:reminders_undo", "POST", SETTINGS, pk="site", step="'start'"),
    # --- machines and imports -------------------------------------------------------------------------------------------
    row("exchange:closing_loop", "GET", LEADERS),
    row("exchange:file_list", "GET POST", COORDINATION),
    row("exchange:file_detail", "GET", COORDINATION, pk="payer file"),
    row("exchange:file_original", "GET", COORDINATION, pk="payer file"),
    row("exchange:file_match", "POST", COORDINATION, pk="payer file"),
    row("exchange:file_record", "POST", COORDINATION, pk="payer file"),
    row("exchange:file_again", "POST", COORDINATION, pk="payer file"),
    row("exchange:file_set_aside", "POST", COORDINATION, pk="payer file"),
    row("exchange:request_json", "GET", COORDINATION, pk="authorization"),
    row("exchange:request_x12", "GET", COORDINATION, pk="authorization"),
    row("imports:import_list", "GET POST", ADMINISTRATOR),
    row("imports:import_detail", "GET", ADMINISTRATOR, IN, pk="import"),
    row("imports:import_stop", "POST", ADMINISTRATOR, IN, pk="import"),
    row("dashboard:patient_csv", "GET", LEADERS),
    row("dashboard:patient_xlsx", "GET", LEADERS),
    row("record:record_new", "GET POST", COORDINATION, pk="patient"),
    # A file holds what its asker may see: the others may know of it and not open it.
    replace(row("record:record_detail", "GET", COORDINATOR, pk="record export"), sees=LEADERS),
    replace(row("record:record_file", "GET", COORDINATOR, pk="record export"), sees=LEADERS),
    row("imports:caseload_list", "GET POST", LEADERS),
    row("imports:caseload_columns", "GET POST", LEADERS, pk="table of patients"),
    row("imports:caseload_detail", "GET", LEADERS, pk="table of patients"),
    row("imports:caseload_choose", "POST", LEADERS, pk="table of patients"),
    row("imports:caseload_start", "POST", LEADERS, pk="table of patients"),
    row("imports:caseload_stop", "POST", LEADERS, pk="table of patients"),
    row("imports:caseload_undo", "POST", LEADERS, pk="table of patients"),
    row("imports:caseload_problems", "GET", LEADERS, pk="table of patients"),
    row("api:docs", "GET", STAFF),
    row("api:client_list", "GET", ADMINISTRATOR),
    row("api:client_new", "GET POST", ADMINISTRATOR),
    row("api:client_revoke", "POST", ADMINISTRATOR, IN, pk="api client of a lab"),
    row("api:client_rotate", "POST", ADMINISTRATOR, IN, pk="api client of a lab"),
    # --- the trail ------------------------------------------------------------------------------------------
    row("dashboard:audit", "GET POST", AUDITOR),
    row("dashboard:audit_export", "GET", AUDITOR),
    # --- the API: a machine's token and its scopes ------------------------------------------------------------------------
    Row("api:schema", ("GET",), STAFF | ANY_TOKEN, is_api=True),
    *(
        Row(f"api:{name}", ("GET",), ANY_TOKEN, is_api=True)
        for name in (
            "root",
            "sites",
            "teams",
            "staff",
            "practitioners",
            "organizations",
            "services",
            "rooms",
            "close_reasons",
            "clock_rules",
        )
    ),
    api("api:patients", "GET POST"),
    api("api:patient_search", "POST"),
    api("api:patient", "GET PATCH", pk="patient"),
    api("api:patient_record", "GET", pk="patient"),
    api("api:patient_steps", "POST", pk="patient"),
    api("api:contact_points", "GET POST", pk="patient"),
    api("api:care_plans", "GET POST"),
    api("api:care_plan", "GET PATCH", pk="plan"),
    api("api:care_plan_steps", "POST", pk="plan"),
    api("api:goals", "POST", pk="plan"),
    api("api:interventions", "POST", pk="plan"),
    api("api:goal", "GET", pk="goal"),
    api("api:goal_steps", "POST", pk="goal"),
    api("api:measurements", "POST", pk="goal"),
    api("api:intervention", "GET", pk="intervention"),
    api("api:intervention_steps", "POST", pk="intervention"),
    api("api:tasks", "GET POST"),
    api("api:task", "GET PATCH", pk="task"),
    api("api:task_steps", "POST", pk="task"),
    api("api:contacts", "GET POST", pk="task"),
    api("api:documents", "GET POST"),
    api("api:document", "GET PATCH", pk="document"),
    api("api:document_steps", "POST", pk="document"),
    api("api:document_file", "GET", pk="document"),
    api("api:appointments", "GET POST"),
    api("api:free_times", "GET"),
    api("api:appointment", "GET", pk="appointment"),
    api("api:appointment_steps", "POST", pk="appointment"),
    api("api:referrals", "GET POST"),
    api("api:referral", "GET", pk="referral"),
    api("api:referral_steps", "POST", pk="referral"),
    api("api:referral_facts", "POST", pk="referral"),
    api("api:practices", "GET"),
    api("api:practice", "GET", IN, pk="practice"),
    api("api:referral_recipients", "GET", pk="referral"),
    api("api:payers", "GET"),
    api("api:payer_report_card", "GET", IN, pk="payer"),
    api("api:figures_loops", "GET"),
    api("api:figures_requests", "GET"),
    api("api:figures_open_requests", "GET"),
    api("api:figures_payers", "GET"),
    api("api:referral_sending", "GET", pk="referral"),
    api("api:referral_packets", "GET POST", pk="referral"),
    api("api:deliveries", "GET POST"),
    api("api:delivery", "GET", pk="delivery"),
    api("api:delivery_steps", "POST", pk="delivery"),
    api("api:waitlist_entries", "GET POST"),
    api("api:waitlist_entry", "GET PATCH", pk="waitlist entry"),
    api("api:waitlist_entry_steps", "POST", pk="waitlist entry"),
    api("api:waitlist_offers", "GET POST"),
    api("api:waitlist_offer", "GET", pk="waitlist offer"),
    api("api:waitlist_offer_steps", "POST", pk="waitlist offer"),
    replace(api("api:waitlist_times", "GET", IN), query={"site": "site"}),
    api("api:away_times", "GET POST"),
    api("api:away_time", "GET", pk="block"),
    api("api:away_time_moves", "POST", pk="block"),
    api("api:away_time_back", "POST", pk="block of the client"),  # whoever marked it takes it back
    replace(api("api:no_shows", "GET", IN), query={"site": "site"}),
    api("api:authorizations", "GET POST"),
    api("api:authorization", "GET PATCH", pk="authorization"),
    api("api:authorization_steps", "POST", pk="authorization"),
    api("api:authorization_pas", "GET", pk="authorization"),
    api("api:authorization_278", "GET", pk="authorization"),
    api("api:denials", "GET"),
    api("api:denial", "GET", pk="denial"),
    api("api:denial_steps", "POST", pk="denial"),
    api("api:duplicate_check", "POST"),
    api("api:duplicate_answers", "POST"),
    api("api:board", "GET"),
    api("api:incoming_papers", "GET POST"),
    api("api:incoming_paper", "GET", pk="incoming paper"),
    api("api:incoming_paper_steps", "POST", pk="incoming paper"),
    api("api:incoming_paper_file", "GET", pk="incoming paper"),
    api("api:payer_files", "GET POST"),
    api("api:payer_file", "GET", pk="payer file"),
    api("api:payer_file_steps", "POST", pk="payer file"),
    api("api:payer_file_file", "GET", pk="payer file"),
    api("api:funds", "GET"),
    api("api:aid_applications", "GET POST"),
    api("api:aid_application", "GET", pk="aid application"),
    api("api:aid_application_steps", "POST", pk="aid application"),
    api("api:benefit_applications", "GET POST"),
    api("api:benefit_application", "GET", pk="benefit application"),
    api("api:benefit_application_steps", "POST", pk="benefit application"),
    api("api:bills", "GET POST"),
    api("api:bill", "GET", pk="bill"),
    api("api:bill_steps", "POST", pk="bill"),
    api("api:estimates", "GET POST"),
    api("api:estimate", "GET", pk="estimate"),
    api("api:estimate_steps", "POST", pk="estimate"),
]
# Administrators make sites and watch their machinery, so they reach sites they do not work at; auditors judge
# what was opened anywhere.
EVERY_SITE = {("dashboard:access_review", Role.AUDITOR)} | {
    (route, Role.ADMINISTRATOR)
    for route in (
        "accounts:site_edit",
        "accounts:team_new",
        "accounts:team_rename",
        "scheduling:hours_end",
        "scheduling:block_remove",
        "dashboard:run_messages",
        "dashboard:run_silent",
        "dashboard:run_forecast",
        "dashboard:run_now",
        "dashboard:reminders_switch",
        "dashboard:reminders_undo",
    )
}
