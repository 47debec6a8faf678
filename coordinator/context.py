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
            "imports:caseload",
