"""The patient list: who is in whose care, next visit, open work, last contact. Paged by key, never counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import reduce
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from careplans.models import ContactAttempt, Task
from coordinator.accounts.models import User
from coordinator.accounts.roles import Role
from coordinator.dashboard.models import SavedView
from coordinator.http import whole_number
from coordinator.wording import languages_by_name
from patients.models import Patient, PatientStatus, Tier
from patients.rules.finding import read_query
from patients.selectors import COLUMNS, fitting
from patients.workflow import GONE
from scheduling.models import Appointment

PAGE = "patients"
ROWS = 50
SORTS = {
    "name": ("search_name", "id"),
    "-name": ("-search_name", "-id"),
    "birth_date": ("birth_date", "id"),
    "-birth_date": ("-birth_date", "-id"),
}
# What a row of the exported list says besides COLUMNS.
EXPORTED = (
    "sex",
    "language",
    "interpreter_needed",
    "status",
    "coordinator__name",
    "coordinator__credentials",
    "coordinator__email",
    "site__name",
)
CARRIES_CASELOAD = (Role.COORDINATOR, Role.LEAD)


class PatientFilters(forms.Form):
    """The chips over the list. An unknown choice in an address counts as the default, not as an error."""

    coordinator = forms.ChoiceField(label=_("Coordinator"), required=False)
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        initial=PatientStatus.ACTIVE,
        choices=[*[c for c in PatientStatus.choices if c[0] not in GONE], ("all", _("All"))],
    )
    tier = forms.ChoiceField(label=_("Tier"), required=False, choices=[("", _("Any")), *Tier.choices[::-1]])
    language = forms.ChoiceField(label=_("Language"), required=False)
    sort = forms.ChoiceField(
        label=_("Sort"),
        required=False,
        initial="name",
        choices=[
            ("name", _("Name")),
            ("-name", _("Name, last first")),
            ("birth_date", _("Oldest first")),
            ("-birth_date", _("Youngest first")),
        ],
    )

    def __init__(self, data: Any, *, user: User, colleagues: list[tuple[str, str]]) -> None:
        default = "me" if user.role in CARRIES_CASELOAD else "any"
        filled = {"coordinator": default, "status": PatientStatus.ACTIVE, "sort": "name", **data.dict()}
        super().__init__(filled)
        self.fields["language"].choices = [("", _("Any")), *languages_by_name()]  # type: ignore[attr-defined]
        chosen = self.fields["coordinator"]
        chosen.initial = default
        chosen.choices = [  # type: ignore[attr-defined]
            ("me", _("Me")),
            ("any", _("Anyone")),
            ("none", _("Nobody")),
            *[(key, name) for key, name in colleagues if key != str(user.pk)],
        ]
        self.full_clean()

    @property
    def narrows(self) -> bool:
        """Something is chosen beyond one's own active patients."""
        return self.choice("status") != "all" or any(self.choice(n) for n in ("tier", "language"))

    def choice(self, name: str) -> str:
        """What was chosen, or the default when it cannot be."""
        value = self.cleaned_data.get(name)
        return str(self.fields[name].initial or "") if value is None else str(value)


@dataclass(frozen=True)
class Wished:
    """What the list is narrowed to and sorted by."""

    coordinator: str = "any"
    status: str = "active"
    tier: str = ""
    language: str = ""
    text: str = ""
    sort: str = "name"


@dataclass(frozen=True)
class Listing:
    rows: list[Patient] = field(default_factory=list)
    after: Any = None  # key of the last row when there are more


def read_key(typed: str | None) -> UUID | None:
    """A key from an address, or None when it is none."""
    try:
        return UUID(typed or "")
    except ValueError:
        return None


def wished(filters: PatientFilters, text: str) -> Wished:
    names = ("coordinator", "status", "tier", "language", "sort")
    return Wished(**{name: filters.choice(name) for name in names}, text=text)


def colleagues(user: User) -> list[tuple[str, str]]:
    """(key, name) of people who may be somebody's coordinator, at the sites this person works at."""
    people = User.objects.visible_to(user).assignable().order_by("name")
    return [(str(p.pk), str(p)) for p in people.only("name", "credentials")]


def list_patients(user: User, wish: Wished, *, now: datetime, after: Any = None) -> Listing:
    """One page of the list: at most 50 rows after the row with key `after`, in one statement (two with `after`).

    Rows carry next_visit_at, open_tasks and last_contact_at, each only where the person may see such
    records. Times are UTC.
    """
    order = SORTS[wish.sort]
    patients = _narrowed(Patient.objects.visible_to(user), user, wish, now.date())
    if after is not None:
        last = Patient.objects.visible_to(user).filter(pk=after).only("search_name", "birth_date").first()
        if last is None:
            return Listing()
        patients = patients.filter(_beyond(last, order))
    if wish.coordinator == "any" and wish.sort.endswith("name") and not wish.text and len(user.site_ids) > 1:
        patients = Patient.objects.filter(pk__in=_first_of_each_site(patients, user, order))
    rows = list(_with_facts(patients, user, now).order_by(*_ordering(order))[: ROWS + 1])
    return Listing(rows[:ROWS], rows[ROWS - 1].pk if len(rows) > ROWS else None)


def every_patient(user: User, wish: Wished, *, now: datetime) -> QuerySet[Patient]:
    """All rows of the list in its order, with what an exported row says; one statement."""
    patients = _narrowed(Patient.objects.visible_to(user), user, wish, now.date())
    rows = _with_facts(patients, user, now).select_related("coordinator", "site")
    # Everything the file says of a patient in one read.
    return rows.only(*COLUMNS, *EXPORTED, "search_name", "tier").order_by(*_ordering(SORTS[wish.sort]))


def _narrowed(patients: QuerySet[Patient], user: User, wish: Wished, today: date) -> QuerySet[Patient]:
    if wish.coordinator == "me":
        patients = patients.filter(coordinator=user)
    elif wish.coordinator == "none":
        patients = patients.filter(coordinator=None)
    elif key := whole_number(wish.coordinator):
        patients = patients.filter(coordinator=key)
    if wish.status != "all":
        patients = patients.filter(status=wish.status)
    if wish.tier:
        patients = patients.filter(tier=wish.tier)
    if wish.language:
        patients = patients.filter(Q(language=wish.language) | Q(language__startswith=f"{wish.language}-"))
    return patients.filter(fitting(read_query(wish.text, today))) if wish.text else patients


def _ordering(order: tuple[str, str]) -> list[Any]:
    """People without a birth date come last either way."""
    return [F(n[1:]).desc(nulls_last=True) if n[0] == "-" else F(n).asc(nulls_last=True) for n in order]


def _beyond(last: Patient, order: tuple[str, str]) -> Q:
    """Rows after `last` in this order; the address carries its key only, never a name."""
    name, step = order[0].lstrip("-"), "lt" if order[0].startswith("-") else "gt"
    value = getattr(last, name)
    later = Q(**{f"pk__{step}": last.pk})
    if value is None:
        return Q(**{name: None}) & later
    beyond = Q(**{f"{name}__{step}": value}) | (Q(**{name: value}) & later)
    return beyond if name == "search_name" else beyond | Q(**{name: None})


def _first_of_each_site(patients: QuerySet[Patient], user: User, order: tuple[str, str]) -> Any:
    """The first rows of each site by the index (site, search_name, id), so that several sites need no big sort."""
    pieces = [
        patients.filter(site=site).order_by(*order).values("pk")[: ROWS + 1] for site in sorted(user.site_ids)
    ]
    return reduce(lambda a, b: a.union(b, all=True), pieces)


def _with_facts(patients: QuerySet[Patient], user: User, now: datetime) -> QuerySet[Patient]:
    visits = (
        Appointment.objects.visible_to(user).upcoming(now).filter(patient=OuterRef("pk")).order_by("start")
    )
    tasks = Task.objects.visible_to(user).open().filter(patient=OuterRef("pk")).order_by().values("patient")
    contacts = ContactAttempt.objects.filter(patient=OuterRef("pk")).order_by("-at")
    columns = (*COLUMNS, "search_name", "tier", "coordinator__name", "coordinator__credentials")
    return (
        patients.select_related("coordinator")
        .only(*columns)
        .annotate(
            next_visit_at=Subquery(visits.values("start")[:1]),
            open_tasks=Coalesce(Subquery(tasks.annotate(n=Count("pk")).values("n")), 0),
            last_contact_at=Subquery(contacts.values("at")[:1]),
        )
    )


def remembered(user: User) -> str:
    """The choices as this person last left them: a query string without typed text."""
    saved = SavedView.objects.filter(user=user, page=PAGE, name="").values_list("query", flat=True)
    return saved.first() or ""
