"""Every write about people, sites and teams, each with its audit event.

Administrators make accounts; a new colleague gets a link by e-mail and chooses their own password. A change of
role, sites or team, a deactivation and a lost second factor sign the person out everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.accounts.jobs import send_password_links
from coordinator.accounts.models import Site, Team, User
from coordinator.accounts.permissions import check_can_manage_accounts, check_can_manage_site
from coordinator.accounts.roles import Role
from coordinator.audit import services as audit
from coordinator.db import Conflict, lock, refusals
from coordinator.hints import hint
from coordinator.workflow import Actor

# What keeps a person from leaving: each check takes a user and answers (words, how many), such as
# ("open tasks", 3). The apps above add theirs in AppConfig.ready(), so the floor needs to know none of them.
open_work_checks: list[Callable[[User], tuple[str, int]]] = []

PREFERENCES = {
    "theme": ("", "light", "dark"),
    "density": ("", "compact"),
    "language": ("en", "es"),
    "single_keys": ("on", "off"),
}
ACCESS_FIELDS = ("role", "team", "is_active")  # a change signs out; so does a change of sites
SITE_FIELDS = (
    "name", "short_name", "zone", "phone", "address", "open_hour", "close_hour", "reminder_hour",
    "quiet_from", "quiet_until", "reminders_on", "is_active",
)  # fmt: skip


@transaction.atomic
def create_user(
    *,
    email: str,
    name: str,
    role: str,
    sites: Iterable[Site],
    by: Actor,
    now: datetime,
    team: Team | None = None,
    credentials: str = "",
    language: str = "en",
) -> User:
    """A new member of staff, who gets an e-mail with a link to choose a password.

    Raises ValidationError when the address is taken, the role is a machine's, or the team is of another site.
    """
    check_can_manage_accounts(by)
    email = email.strip().lower()
    sites = list(sites)
    if User.objects.filter(email=email).exists():
        raise ValidationError(_("There is already an account with this e-mail."))
    _check_place(role, sites, team)
    with refusals(accounts_user_email_key=_("There is already an account with this e-mail.")):
        user = User.objects.create_user(
            email, None, name=name.strip(), role=role, team=team, credentials=credentials, language=language
        )
    user.sites.set(sites)
    User.objects.filter(pk=user.pk).update(reset_requested_at=now)
    hint(send_password_links)
    _record("create_user", user, by, role=role, sites=_ids(sites), team=team and team.pk)
    return user


@transaction.atomic
def update_user(*, user_id: int, by: Actor, now: datetime, sites: Iterable[Site], **fields: Any) -> User:
    """Change email, name, credentials, role, team (any of them) and the sites.

    A new role, team or set of sites signs the person out everywhere; a new address closes the old one.
    """
    check_can_manage_accounts(by)
    administrators = _lock_administrators()
    user = lock(User.objects, user_id)
    sites = list(sites)
    before = {name: getattr(user, name) for name in fields} | {"sites": set(_ids(user.sites.all()))}
    role = fields.get("role", user.role)
    _check_place(role, sites, fields.get("team", user.team))
    if user.role == Role.ADMINISTRATOR and role != Role.ADMINISTRATOR:
        _check_an_administrator_stays(user, administrators)
    if "email" in fields:
        fields["email"] = fields["email"].strip().lower()
        if User.objects.filter(email=fields["email"]).exclude(pk=user.pk).exists():
            raise ValidationError(_("There is already an account with this e-mail."))
    for name, value in fields.items():
        setattr(user, name, value)
    changed = [name for name in fields if getattr(user, name) != before[name]]
    if set(_ids(sites)) != before["sites"]:
        changed.append("sites")
        user.sites.set(sites)
    if not changed:
        return user
    if "email" in changed:
        EmailAddress.objects.filter(user=user).delete()
    if {*ACCESS_FIELDS, "sites", "email"} & set(changed):
        user.session_epoch += 1
    user.save()
    _record("update_user", user, by, changed=changed, role=user.role, sites=_ids(sites))
    return user


@transaction.atomic
def deactivate_user(*, user_id: int, by: Actor, now: datetime, reason: str = "") -> User:
    """Close an account. Raises Conflict, with the counts, while the person still owns open work."""
    check_can_manage_accounts(by)
    administrators = _lock_administrators()
    user = lock(User.objects, user_id)
    if user.pk == getattr(by, "pk", None):
        raise Conflict(_("You cannot close your own account. Ask another administrator."))
    if user.role == Role.ADMINISTRATOR:
        _check_an_administrator_stays(user, administrators)
    owned = [(words, count) for words, count in (check(user) for check in open_work_checks) if count]
    if owned:
        listed = ", ".join(f"{count} {words}" for words, count in owned)
        raise Conflict(
            _("%(name)s still owns %(work)s. Give the work to somebody else first.")
            % {"name": user.name, "work": listed},
            owned=owned,
        )
    user.is_active = False
    user.session_epoch += 1
    user.reset_requested_at = None
    user.save()
    _record("deactivate_user", user, by, reason=reason)
    return user


@transaction.atomic
def reactivate_user(*, user_id: int, by: Actor, now: datetime) -> User:
    check_can_manage_accounts(by)
    user = lock(User.objects, user_id)
    user.is_active = True
    user.save()
    _record("reactivate_user", user, by)
    return user


@transaction.atomic
def reset_second_factor(*, user_id: int, by: Actor, now: datetime, reason: str) -> User:
    """For a lost phone: remove the factor and its codes; the person sets up a new one at the next sign-in.

    `reason` says how the administrator made sure who asked; it is kept in the audit trail.
    """
    check_can_manage_accounts(by)
    if not reason.strip():
        raise ValidationError(_("Say how you made sure who is asking."))
    user = lock(User.objects, user_id)
    Authenticator.objects.filter(user=user).delete()
    user.session_epoch += 1
    user.save()
    _record("reset_second_factor", user, by, reason=reason.strip())
    return user


@transaction.atomic
def sign_out_everywhere(*, user_id: int, by: Actor, now: datetime) -> User:
    """End every session of a person. People may do this for themselves, administrators for anybody."""
    if user_id != getattr(by, "pk", None):
        check_can_manage_accounts(by)
    user = lock(User.objects, user_id)
    user.session_epoch += 1
    user.save()
    _record("sign_out_everywhere", user, by)
    return user


@transaction.atomic
def ask_for_password_link(*, email: str, now: datetime, by: Actor = None) -> None:
    """Note that a link is wanted; a job sends it (coordinator.accounts.password_links).

    Does the same work for every address, known or not, so neither answer nor time tells who has an account.
    """
    address = email.strip().lower()
    active = User.objects.exclude(role=Role.API_CLIENT).filter(email=address, is_active=True)
    user_id = active.values_list("pk", flat=True).first()
    User.objects.filter(pk=user_id or 0).update(reset_requested_at=now)
    audit.record(by=by, action="password_link_asked", entity="accounts.user", entity_id=user_id or "")
    hint(send_password_links)


@transaction.atomic
def set_preferences(*, user: User, by: Actor, now: datetime, **choices: str) -> User:
    """Save theme, density, language or single_keys ("on"/"off"). Unknown names or values are refused."""
    for name, value in choices.items():
        if value not in PREFERENCES.get(name, ()):
            raise ValidationError(_("That choice is not on the list."))
    values: dict[str, Any] = {**choices}
    if "single_keys" in values:
        values["single_keys"] = values["single_keys"] == "on"
    User.objects.filter(pk=user.pk).update(**values)
    for name, value in values.items():
        setattr(user, name, value)
    return user


@transaction.atomic
def save_site(*, by: Actor, now: datetime, site_id: Any = None, **fields: Any) -> Site:
    """Make a site (administrators) or change one. Hours are local; quiet hours are those without messages."""
    unknown = set(fields) - set(SITE_FIELDS)
    if unknown:
        raise ValidationError(_("Unknown setting: %(names)s") % {"names": ", ".join(sorted(unknown))})
    if site_id is None:
        check_can_manage_accounts(by)
        site = Site()
    else:
        site = lock(Site.objects, site_id)
        check_can_manage_site(by, site)
    for name, value in fields.items():
        setattr(site, name, value)
    site.full_clean(exclude=["calendar"])
    site.save()
    audit.record(
        by=by,
        action="create_site" if site_id is None else "update_site",
        entity="accounts.site",
        entity_id=site.pk,
        site_id=site.pk,
        details=fields,
    )
    return site


@transaction.atomic
def save_team(*, by: Actor, now: datetime, site: Site, name: str, team_id: Any = None) -> Team:
    """Make or rename a team of a site."""
    check_can_manage_site(by, site)
    team = Team(site=site) if team_id is None else lock(Team.objects.filter(site=site), team_id)
    team.name = name.strip()
    team.full_clean()
    team.save()
    action = "create_team" if team_id is None else "update_team"
    audit.record(
        by=by,
        action=action,
        entity="accounts.team",
        entity_id=team.pk,
        site_id=site.pk,
        details={"name": name},
    )
    return team


def _check_place(role: str, sites: list[Site], team: Team | None) -> None:
    if role not in Role.values or role == Role.API_CLIENT:
        raise ValidationError(_("Choose a role for a person."))
    if team is not None and team.site_id not in {site.pk for site in sites}:
        raise ValidationError(_("The team belongs to a site this person does not work at."))


def _lock_administrators() -> list[int]:
    """Keys of the active administrators, locked first and in one order: two who close each other at the same
    moment must not both succeed."""
    active = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).order_by("pk")
    return list(active.select_for_update(of=("self",)).values_list("pk", flat=True))


def _check_an_administrator_stays(user: User, administrators: list[int]) -> None:
    if not set(administrators) - {user.pk}:
        raise Conflict(_("This is the last administrator. Make another one first."))


def _ids(rows: Iterable[Any]) -> list[str]:
    return sorted(str(row.pk) for row in rows)


def _record(action: str, user: User, by: Actor, reason: str = "", **details: Any) -> None:
    audit.record(
        by=by, action=action, entity="accounts.user", entity_id=user.pk, reason=reason, details=details
    )
