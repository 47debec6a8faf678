"""Who may use which address: every route x method x role x (own site, other site), in one table.

Expected answers are written from the roles' description (docs/permissions.md), not copied from what the site
does. A route without a row fails, a row without a route fails, a method without a row must answer 405.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from coordinator.accounts.roles import Role
from coordinator.tests.permission_world import ANONYMOUS, API, API_WITHOUT_SCOPES, PEOPLE

IN, SIGN_IN, FORBIDDEN, NOT_FOUND = "in", "sign in", "forbidden", "not found"

STAFF = frozenset(PEOPLE)
EVERYBODY = STAFF | {ANONYMOUS, API, API_WITHOUT_SCOPES}
# Who works with records, and how far (domain.md 1.10 G1).
COORDINATION = frozenset({Role.COORDINATOR, Role.LEAD, Role.MANAGER})
CLINICAL = COORDINATION | {Role.PROVIDER}
READERS = CLINICAL | {Role.BILLING}
LEADERS = frozenset({Role.LEAD, Role.MANAGER})
ADMINISTRATOR, AUDITOR, MANAGER = (frozenset({r}) for r in (Role.ADMINISTRATOR, Role.AUDITOR, Role.MANAGER))
MACHINERY = LEADERS | ADMINISTRATOR  # who watches jobs
SETTINGS = MANAGER | ADMINISTRATOR
MACHINE = frozenset({API})


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

    def expected(self, actor: str, own: bool) -> str:
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
    row("account_login", "GET POST PUT", EVERYBODY),
    row("account_logout", "GET POST", EVERYBODY),
    row("account_reset_password", "GET POST PUT", EVERYBODY),
    row("account_reset_password_done", "GET", EVERYBODY),
    row(
        "account_reset_password_from_key",
        "GET POST PUT PATCH DELETE",
        EVERYBODY,
        IN,
        uidb36="'1'",
        key="'x-y'",
    ),
    row("account_reset_password_from_key_done", "GET", EVERYBODY),
    row("mfa_authenticate", "GET POST PUT PATCH DELETE", EVERYBODY),
    row("account_reauthenticate", "GET POST PUT", STAFF),
    row("account_change_password", "GET POST PUT", STAFF),
    row("mfa_index", "GET", STAFF),
    row("mfa_reauthenticate", "GET POST PUT", STAFF),
    row("mfa_activate_totp", "GET POST PUT", STAFF),
    row("mfa_deactivate_totp", "GET POST PUT", STAFF),
    row("mfa_view_recovery_codes", "GET", STAFF),
    row("mfa_generate_recovery_codes", "GET POST PUT", STAFF),
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
    row("accounts:settings", "GET", SETTINGS),
    row("accounts:site_new", "GET POST", ADMINISTRATOR),
    row("accounts:site_edit", "GET POST", SETTINGS, pk="site"),
    row("accounts:team_new", "POST", SETTINGS, pk="site"),
    row("accounts:team_rename", "POST", SETTINGS, pk="team"),
    # --- the trail ------------------------------------------------------------------------------------------
    row("dashboard:audit", "GET POST", AUDITOR),
    row("dashboard:audit_export", "GET", AUDITOR),
]
# Administrators make sites, so they reach those they do not work at.
EVERY_SITE = {
    ("accounts:site_edit", Role.ADMINISTRATOR),
    ("accounts:team_new", Role.ADMINISTRATOR),
    ("accounts:team_rename", Role.ADMINISTRATOR),
}
