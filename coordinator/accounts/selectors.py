"""Reads for the pages about people and sites."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q, QuerySet

from coordinator.accounts.models import Site, Team, User
from coordinator.accounts.roles import Role
from coordinator.wording import hour_words


def of_people() -> QuerySet[User]:
    """Accounts of people. Those of machines are changed with their API client."""
    return User.objects.exclude(role=Role.API_CLIENT)


def people(user: User, *, words: str = "", show: str = "active", site: Any = None) -> QuerySet[User]:
    """Accounts of people (not machines), with whether a second factor is set up as `has_factor`.

    `show` is "active" or "closed"; `words` is looked for in name and e-mail.
    """
    factor = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)
    found = (
        User.objects.visible_to(user)
        .exclude(role=Role.API_CLIENT)
        .filter(is_active=show != "closed")
        .select_related("team")
        .prefetch_related("sites")
        .annotate(has_factor=Exists(factor))
        .order_by("name", "pk")
    )
    for word in words.split():
        found = found.filter(Q(name__icontains=word) | Q(email__icontains=word))
    return found.filter(sites=site) if site else found


def site_cards(user: User) -> list[dict[str, Any]]:
    """The sites whose settings this person may change, with their teams and their hours in words."""
    return [
        {
            "site": site,
            "teams": site.teams.all(),
            "open": f"{hour_words(site.open_hour)} – {hour_words(site.close_hour)}",
            "reminders_at": hour_words(site.reminder_hour),
            "quiet_from": hour_words(site.quiet_from),
            "quiet_until": hour_words(site.quiet_until),
        }
        for site in Site.objects.visible_to(user).prefetch_related("teams")
    ]


def team_of(user: User, team_id: Any) -> QuerySet[Team]:
    return Team.objects.visible_to(user).filter(pk=team_id).select_related("site")
