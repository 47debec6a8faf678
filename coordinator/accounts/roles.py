"""Who may do what: the whole policy on one screen. A test prints it.

A permission says what kind of thing; `visible_to()` says which rows (the person's sites).
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    COORDINATOR = "coordinator", _("Care coordinator")
    LEAD = "lead", _("Lead coordinator")
    MANAGER = "manager", _("Manager")
    PROVIDER = "provider", _("Provider")
    BILLING = "billing", _("Billing")
    ADMINISTRATOR = "administrator", _("Administrator")
    AUDITOR = "auditor", _("Auditor")
    API_CLIENT = "api_client", _("API client")


# What the pages say about each role.
DESCRIPTIONS = {
    Role.COORDINATOR: _("Works tasks, plans, visits and referrals of their sites."),
    Role.LEAD: _(
        "As a coordinator; also gives work to others, merges double records, restricts records, imports patients from a table, sees the team board, exports, and books over limits."
    ),
    Role.MANAGER: _(
        "As a lead; also changes their sites’ settings and the rules register, runs the nightly jobs by hand and reviews emergency access."
    ),
    Role.PROVIDER: _("Reads the records of their sites and answers notes; does not run the worklist."),
    Role.BILLING: _("Reads patients, visits and referrals of their sites."),
    Role.ADMINISTRATOR: _("Makes accounts, sites and imports, changes the rules register; sees no patient."),
    Role.AUDITOR: _(
        "Reads and exports the audit trail and reviews emergency access; sees no patient’s record."
    ),
    Role.API_CLIENT: _("A program, narrowed by its token’s scopes."),
}

READ = frozenset(
    {
        "patients.view",
        "notes.view",
        "plans.view",
        "tasks.view",
        "visits.view",
        "referrals.view",
    }
)
WORK = READ | {
    "patients.edit",
    "plans.edit",
    "tasks.work",
    "visits.book",
    "visits.correct",
    "referrals.edit",
    "patients.record",  # one patient's whole record as a file
}
LEAD = WORK | {
    "patients.merge",
    "patients.import",
    "patients.restrict",
    "tasks.assign",
    "team.view",
    "visits.override",
    "export.csv",
    "jobs.view",
}

# The rules register: one proposes a change, another approves it. Who has the one has the other, never for one change.
RULES = frozenset({"rules.propose", "rules.approve"})

# Opening a restricted record in an emergency, or labelled entries for a reason: people only, never a program.
EMERGENCY = frozenset({"patients.break_glass", "labels.open"})

PERMISSIONS: dict[str, frozenset[str]] = {
    Role.COORDINATOR: WORK | EMERGENCY,
    Role.LEAD: LEAD | EMERGENCY,
    Role.MANAGER: LEAD | EMERGENCY | RULES | {"settings.manage", "jobs.run", "access.review", "funds.manage"},
    # Reads, answers what is asked of them, signs; does not run the worklist.
    Role.PROVIDER: READ | EMERGENCY | {"notes.acknowledge"},
    # What a bill needs; not what was written down about the person.
    Role.BILLING: frozenset({"patients.view", "visits.view", "referrals.view"}),
    # Accounts and machinery, no clinical need: sees no patient.
    Role.ADMINISTRATOR: RULES
    | frozenset(
        {
            "accounts.manage",
            "imports.run",
            "jobs.view",
            "jobs.run",
            "settings.manage",
            "api.manage",
        }
    ),
    # Reads and exports the trail, judges emergency accesses, and nothing else.
    Role.AUDITOR: frozenset({"audit.view", "export.csv", "access.review"}),
    # A machine: what it may do is narrowed again by its token's scopes.
    Role.API_CLIENT: WORK | {"team.view"},
}

EVERY_PERMISSION = frozenset().union(*PERMISSIONS.values())
