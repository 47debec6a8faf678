"""What the one search box shows beside patients: pages, tasks by their title, referrals by our reference."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import CharField, F, Value
from django.db.models.functions import Cast
from django.urls import NoReverseMatch, reverse

from careplans.models import Task
from coordinator.context import ADMINISTRATION, FIND, NEW, PLACES, NavItem, may_open
from patients.rules.text import fold
from referrals.models import Referral

LINKS = {"task": "careplans:task_detail", "referral": "referrals:referral_detail"}
ICONS = {"task": "inbox", "referral": "board"}


@dataclass(frozen=True)
class Work:
    """One task or referral; `patient` parts are what two identifiers need."""

    kind: str
    pk: UUID
    title: str
    state: str
    family_name: str
    given_name: str
    preferred_name: str
    birth_date: Any
    deceased_on: Any = None
    sex: str = ""
    language: str = ""

    @property
    def href(self) -> str:
        try:
            return reverse(LINKS[self.kind], args=[self.pk])
        except NoReverseMatch:
            return ""

    @property
    def icon(self) -> str:
        return ICONS[self.kind]


COLUMNS = ("family_name", "given_name", "preferred_name", "birth_date", "deceased_on", "sex", "language")


def find_work(user: Any, text: str, limit: int = 5) -> list[Work]:
    """Open tasks whose title holds every word and referrals with that reference, in one statement.

    Under three letters nothing is looked for: the trigram index has no answer to them.
    """
    text = text.replace("\x00", " ").encode("utf-8", "ignore").decode().strip()
    if len(text) < 3:
        return []
    # ~* uses the trigram index, which the ORM's icontains (upper(...) like upper(...)) does not.
    tasks = Task.objects.visible_to(user).workable()
    for word in text.split():
        tasks = tasks.filter(title__iregex=re.escape(word))
    made = Referral.objects.visible_to(user).filter(reference__startswith=text.upper())
    rows = _rows(tasks, "task", "title").union(_rows(made, "referral", "specialty"), all=True)
    # Ordered here: for somebody without tasks the union is one of its halves, already cut to length.
    return [Work(*row) for row in sorted(rows, key=lambda row: (row[0], row[2]))[: limit * 2]]


def find_pages(user: Any, text: str) -> list[NavItem]:
    """Pages of the frame and what can be made, by any word of their names; only what this person may open."""
    words = fold(text).split()
    found = []
    for item in (*PLACES, *ADMINISTRATION, *FIND, *NEW):
        names = f" {fold(str(item.label))}"
        if words and all(f" {word}" in names for word in words) and (href := may_open(user, item.name)):
            found.append(replace(item, href=href))
    return found


def _rows(queryset: Any, kind: str, title: str) -> Any:
    return (
        queryset.order_by()
        .annotate(kind_of=Value(kind, CharField()), what=Cast(F(title), CharField()))
        .values_list("kind_of", "pk", "what", "status", *(f"patient__{name}" for name in COLUMNS))[:5]
    )
