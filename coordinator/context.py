"""What the frame of every page needs: the links this person may use, and no link that leads nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, get_urlconf, resolve, reverse
from django.utils.functional import Promise, SimpleLazyObject, cached_property
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coordinator.http import PUBLIC, SIGNED_IN, access_rule_of

Text = str | Promise


@dataclass(frozen=True)
class NavItem:
    """A link of the frame. `go` is the letter after G; `inside` are beginnings of the URL names it stands for."""

    name: str
    icon: str
    label: Text
    go: str = ""
    inside: tuple[str, ...] = ()
    href: str = ""
    current: bool = False
    count: int | None = None
    only_phone: bool = False


PLACES = (
    NavItem("dashboard:my_work", "inbox", _("My work"), "w", ("careplans:task",)),
    NavItem(
        "dashboard:patient_list",
        "users",
        _("Patients"),
        "p",
        (
            "patients",
            "dashboard:patient_",
            "dashboard:duplicate_",
            "dashboard:break_glass",
            "dashboard:document",
            "imports:caseload",
        ),
    ),
    NavItem("scheduling:schedule", "calendar", _("Schedule"), "s", ("scheduling",)),
    NavItem(
        "referrals:referral_list",
        "board",
        _("Referrals"),
        "r",
        ("referrals", "exchange", "imports:directory"),
    ),
    NavItem(
        "dashboard:team_board",
        "chart",
        _("Team"),
        "t",
        (
            "dashboard:team",
            "dashboard:loop_board",
            "dashboard:authorization_board",
            "dashboard:figure",
            "dashboard:report_card",
            "dashboard:published",
        ),
    ),
    NavItem("careplans:plan_list", "target", _("Care plans"), inside=("careplans:plan", "careplans:step")),
)
ADMINISTRATION = (
    NavItem("imports:import_list", "down", _("Imports"), inside=("imports:import",)),
    NavItem("dashboard:run_board", "refresh", _("Jobs")),
    NavItem("clocks:rule_list", "timer", _("Rules"), inside=("clocks:rule", "clocks:proposal")),
    NavItem("api:client_list", "link", _("API"), inside=("api",)),
    NavItem(
        "accounts:settings",
        "gear",
        _("Settings"),
        inside=("accounts", "careplans:reason", "careplans:bundle"),
    ),
    NavItem("dashboard:access_reviews", "eye", _("Access"), inside=("dashboard:access_review",)),
    NavItem("dashboard:audit", "shield", _("Audit")),
)
NEW = (
    NavItem("careplans:task_new", "inbox", _("New task")),
    # Registering starts with a search so that nobody is registered twice.
    NavItem("dashboard:search", "user", _("Find or register a patient")),
    NavItem("referrals:referral_new", "board", _("New referral")),
    NavItem("scheduling:book", "calendar", _("New visit")),
)
# Looked for from the palette and the search page.
FIND = (NavItem("dashboard:record_search", "search", _("Search notes and documents")),)
# (what it does, keys). Single letters can be switched off; the rest always work.
KEYS: tuple[tuple[Text, tuple[Text, ...]], ...] = (
    (_("Next or previous row"), ("J", "K")),
    (pgettext_lazy("key", "Open"), (_("Enter"),)),
    (_("Preview"), (_("Space"),)),
    (_("Select row"), ("X",)),
    (_("Select up to this row"), (_("Shift"), "X")),
    (_("Complete"), ("C",)),
    (_("Snooze"), ("Z",)),
    (_("Reassign"), ("A",)),
    (_("Log contact"), ("L",)),
    (_("Edit"), ("E",)),
    (_("New"), ("N",)),
    (_("Undo the last action"), ("U",)),
    (_("Open the chart"), ("O",)),
    (_("Print"), ("P",)),
    (_("Schedule: today"), ("T",)),
    (_("Schedule: week before, week after"), ("[", "]")),
    (_("Document before, document after"), ("[", "]")),
    (_("Filter this list"), ("/",)),
    (_("Find or run a command"), ("Ctrl", "K")),
    (_("Save the form"), ("Ctrl", _("Enter"))),
    (_("Close or go back"), (_("Esc"),)),
    (_("Show this list"), ("?",)),
)


EXACT = {item.name for item in (*PLACES, *ADMINISTRATION)}


def _route(name: str, *args: Any, urlconf: str | None = None) -> tuple[str, str | None]:
    """Path and access rule of a page; no path when there is none."""
    try:
        path = reverse(name, urlconf, args)
    except NoReverseMatch:
        return "", None
    return path, access_rule_of(resolve(path, urlconf).func)


# The same for everybody, and every page asks for those of the frame.
_fixed_route = lru_cache(maxsize=256)(_route)


def may_open(user: Any, name: str, *args: Any) -> str:
    """The path of a page when it exists and its access rule lets this person in, else ""."""
    find = _route if args else _fixed_route
    path, rule = find(name, *args, urlconf=get_urlconf() or settings.ROOT_URLCONF)
    allowed = rule in (PUBLIC, SIGNED_IN) or bool(rule and user.can(rule))
    return path if allowed else ""


@lru_cache(maxsize=16)
def _is_translated(language: str, folders: tuple[str, ...]) -> bool:
    return any((Path(folder) / language / "LC_MESSAGES" / "django.mo").exists() for folder in folders)


class Shell:
    """Lazy: a fragment that never draws the frame pays nothing for it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        user = getattr(request, "user", None)
        signed_in = user is not None and user.is_authenticated
        # Until the second factor is set up the frame shows nothing of the site (accounts.middleware).
        ready = signed_in and not getattr(request, "second_factor_missing", False)
        self.user: Any = user if ready else None

    def _allowed(self, items: tuple[NavItem, ...]) -> list[NavItem]:
        if self.user is None:
            return []
        found = ((item, may_open(self.user, item.name)) for item in items)
        return [
            replace(item, href=href, current=self._is_current(item), count=self._counts.get(item.name))
            for item, href in found
            if href
        ]

    def _is_current(self, item: NavItem) -> bool:
        match = self.request.resolver_match
        if match is None:
            return False
        if match.view_name in EXACT:
            return match.view_name == item.name
        return match.view_name.startswith(item.inside)

    @cached_property
    def _counts(self) -> dict[str, int]:
        """Open work per URL name, from the callable that settings.SHELL_COUNTS names (at most one query)."""
        path = getattr(settings, "SHELL_COUNTS", "")
        count: Callable[[Any], dict[str, int]] | None = import_string(path) if path else None
        return count(self.user) if count else {}

    @cached_property
    def pins(self) -> list[Any]:
        """Patients this person keeps at hand, from the callable that settings.SHELL_PINS names (one query)."""
        path = getattr(settings, "SHELL_PINS", "")
        return import_string(path)(self.user) if path and self.user is not None else []

    def _path(self, name: str) -> str:
        return may_open(self.user, name) if self.user else ""

    @cached_property
    def nav(self) -> list[NavItem]:
        return self._allowed(PLACES)

    @cached_property
    def admin_nav(self) -> list[NavItem]:
        return self._allowed(ADMINISTRATION)

    @cached_property
    def places(self) -> list[NavItem]:
        """Every page of the rail, for the palette."""
        return [*self.nav, *self.admin_nav]

    @cached_property
    def bottom_nav(self) -> list[NavItem]:
        return self.places[:5]

    @cached_property
    def account_nav(self) -> list[NavItem]:
        """What phones do not find in the bar at the foot; nothing on wider screens, where the rail shows it."""
        return [replace(item, only_phone=True) for item in self.places[5:]]

    @cached_property
    def new(self) -> list[NavItem]:
        return self._allowed(NEW)

    @cached_property
    def find(self) -> list[NavItem]:
        return self._allowed(FIND)

    @cached_property
    def keys_list(self) -> list[dict[str, Any]]:
        go = [
            {"does": _("Go to %(page)s") % {"page": item.label}, "keys": ("G", item.go.upper())}
            for item in self.nav
            if item.go
        ]
        return [{"does": does, "keys": keys} for does, keys in KEYS] + go

    @property
    def keys(self) -> str:
        return "on" if self.user is not None and self.user.single_keys else "off"

    @property
    def idle_seconds(self) -> int | None:
        return getattr(settings, "SESSION_IDLE_SECONDS", None) if self.user is not None else None

    @property
    def layout(self) -> str:
        """The frame for pages that anyone may meet, such as refusals."""
        return "base.html" if self.user is not None else "auth_base.html"

    @property
    def home(self) -> str:
        return self.places[0].href if self.places else "/"

    @property
    def languages(self) -> list[tuple[str, str]]:
        """Languages that the site is really translated into; English needs no catalogue."""
        folders = tuple(map(str, settings.LOCALE_PATHS))
        return [
            (code, name) for code, name in settings.LANGUAGES if code == "en" or _is_translated(code, folders)
        ]

    @property
    def search_url(self) -> str:
        return self._path("dashboard:search")

    @property
    def register_url(self) -> str:
        return self._path("patients:patient_new")

    @property
    def break_glass_url(self) -> str:
        """Where somebody says whose restricted record they need; the same link everywhere, so it tells nothing."""
        return self._path("dashboard:break_glass")

    @property
    def drafts_url(self) -> str:
        return self._path("dashboard:draft_list")

    @property
    def leave_url(self) -> str:
        """Where somebody says that they will be away, and who stands in."""
        return self._path("dashboard:leave_list")

    @property
    def preferences_url(self) -> str:
        return self._path("accounts:preferences")

    @property
    def keep_url(self) -> str:
        """Asking for any page keeps a session; the first page when there is none for the purpose."""
        return self._path("accounts:keep_alive") or self.home

    @property
    def logout_url(self) -> str:
        return self._path("account_logout")


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `shell` for base.html."""
    return {"shell": SimpleLazyObject(lambda: Shell(request))}
