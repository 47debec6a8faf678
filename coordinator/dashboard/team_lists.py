"""The lists behind the board's figures: the same querysets, narrowed to one owner, kind or week."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, Sum
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from careplans.models import Task, TaskKind
from careplans.rules import TIER_WEIGHTS
from coordinator.accounts.models import Site, User
from coordinator.dashboard import team_measures as measures
from coordinator.dashboard.models import CaseloadStat
from coordinator.dashboard.team_charts import kind_label
from coordinator.dashboard.team_figures import NOBODY, Ask, figure_name, site_keys, sites_of
from coordinator.dashboard.team_measures import MEASURES, WEEKS, Measure
from coordinator.dashboard.team_rollup import scope_of
from coordinator.http import whole_number
from patients.models import Patient
from referrals.models import PriorAuthorization, Referral
from scheduling.models import Appointment

ROWS = 100
_WEEK = {
    "kind": "spans",
    "person": "owner",
    "left_out": gettext_lazy(
        "Tasks entered in error. Of a task that was opened again, only the last time counts."
    ),
}
LISTS: dict[str, Measure] = {
    **MEASURES,
    "opened": Measure(
        "opened",
        gettext_lazy("Tasks opened"),
        gettext_lazy("Tasks by the day on which they were opened."),
        rows=lambda scope: measures.opened_in_week(scope, WEEKS - 1),
        **_WEEK,  # type: ignore[arg-type]
    ),
    "closed": Measure(
        "closed",
        gettext_lazy("Tasks closed"),
        gettext_lazy("Tasks by the day on which they were done or closed."),
        rows=lambda scope: measures.closed_in_week(scope, WEEKS - 1),
        **_WEEK,  # type: ignore[arg-type]
    ),
}
ORDER = {
    "patients": ("search_name", "pk"),
    "tasks": ("due_at", "pk"),
    "visits": ("start", "pk"),
    "referrals": ("due_at", "pk"),
    "clocks": ("due_at", "pk"),
    "spans": ("-opened_at", "pk"),
}
JOINED = {
    "patients": ("coordinator", "site"),
    "tasks": ("patient", "owner", "team", "site"),
    "visits": ("patient__coordinator", "practitioner", "service", "site"),
    "referrals": ("patient", "owner", "team", "site"),
    "clocks": ("rule_version__rule", "site"),
    "spans": ("patient", "owner", "site"),
}


@dataclass(frozen=True)
class Behind:
    """One list: what is counted, for whom, and its rows."""

    measure: Measure
    ask: Ask
    sites: list[Site]
    rows: QuerySet[Any]
    owner: User | None
    owner_key: str
    narrowed: str  # the kind or week in words
    number: int
    total: int  # rows; the number can be a sum over them
    shown_before: int | None  # what the board shows, when it is older and differs
    shown_at: datetime | None


def read_list(user: User, key: str, given: Mapping[str, str], *, now: datetime) -> Behind:
    """The list behind one figure. Raises Http404 for an unknown figure or a colleague of another site."""
    measure = LISTS.get(key)
    if measure is None:
        raise Http404
    ask = Ask.read(given)
    _sites, chosen = sites_of(user, ask.site)
    scope = scope_of(site_keys(chosen), now, ask.days)
    owner_key = given.get("owner", "")
    owner = _owner(user, owner_key)
    rows, narrowed = _narrow(measure, scope, given)
    if owner is not None:
        rows = rows.filter(**{measure.person: owner.pk})
    elif owner_key == NOBODY:
        rows = rows.filter(**{f"{measure.person}__isnull": True})
    total = rows.count()
    number = rows.aggregate(n=Sum(measures.WEIGHT))["n"] or 0 if measure.amount is not None else total
    before, at = _on_the_board(measure, ask, chosen, owner, owner_key, narrowed)
    ordered = rows.select_related(*JOINED[measure.kind]).order_by(*ORDER[measure.kind])
    return Behind(
        measure, ask, chosen, ordered, owner, owner_key, narrowed, number, total,
        before if before != number else None, at,
    )  # fmt: skip


def _owner(user: User, key: str) -> User | None:
    if key in ("", NOBODY):
        return None
    found = User.objects.visible_to(user).filter(pk=whole_number(key)).first()
    if found is None:
        raise Http404
    return found


def _narrow(measure: Measure, scope: measures.Scope, given: Mapping[str, str]) -> tuple[QuerySet[Any], str]:
    """The measure's rows, of one kind or week when the address names one."""
    if measure.kind == "spans":
        number = min(whole_number(given.get("week"), WEEKS - 1), WEEKS - 1)
        in_week = measures.opened_in_week if measure.key == "opened" else measures.closed_in_week
        weeks_ago = WEEKS - 1 - number
        words = (
            _("the last 7 days")
            if not weeks_ago
            else _("the 7 days that ended %(n)d days ago") % {"n": 7 * weeks_ago}
        )
        return in_week(scope, number), words
    kinds = [kind for kind in given.get("kind", "").split(",") if kind in TaskKind.values]
    if measure.kind == "tasks" and kinds:
        return measure.rows(scope).filter(kind__in=kinds), kind_label(",".join(kinds))
    return measure.rows(scope), ""


def _on_the_board(
    measure: Measure, ask: Ask, sites: list[Site], owner: User | None, owner_key: str, narrowed: str
) -> tuple[int | None, datetime | None]:
    """What the board shows for this, and since when; None where it shows no such figure."""
    if narrowed or measure.key not in MEASURES:
        return None, None
    stats = CaseloadStat.objects.filter(site__in=sites)
    if owner_key == NOBODY:
        stats = stats.filter(user=None)
    elif owner is not None:
        stats = stats.filter(user=owner)
    rows = list(stats.values_list("figures", "computed_at"))
    if not rows:
        return None, None
    name = figure_name(measure, ask.days)
    return sum(figures.get(name, 0) for figures, _at in rows), min(at for _figures, at in rows)


# --- rows ---------------------------------------------------------------------------------------------------


def page_of(behind: Behind, number: int) -> list[Any]:
    """The rows of one page, with what their template needs beyond the joins."""
    rows = list(behind.rows[ROWS * (number - 1) : ROWS * number])
    if behind.measure.kind == "clocks":
        _add_subjects(rows)
    if behind.measure.kind == "patients":
        for patient in rows:
            patient.weight = TIER_WEIGHTS[patient.tier]
    return rows


SUBJECTS: dict[str, type[Any]] = {
    model._meta.label_lower: model for model in (Task, Referral, PriorAuthorization, Appointment)
}


def _add_subjects(clocks: list[Any]) -> None:
    """What each clock is about: its patient, its page, its owner. One query for each sort of record."""
    wanted: dict[str, set[UUID]] = {}
    for clock in clocks:
        wanted.setdefault(clock.subject_type, set()).add(clock.subject_id)
    found: dict[tuple[str, UUID], Any] = {}
    for kind in wanted.keys() & SUBJECTS.keys():
        for record in SUBJECTS[kind].objects.filter(pk__in=wanted[kind]).select_related("patient"):
            found[kind, record.pk] = record
    people = User.objects.in_bulk([clock.owned_by for clock in clocks if clock.owned_by])
    for clock in clocks:
        record = found.get((clock.subject_type, clock.subject_id))
        clock.patient = record.patient if record else None
        clock.href = _page_about(record)
        clock.owner = people.get(clock.owned_by)


def _page_about(record: Any) -> str:
    if isinstance(record, Task):
        return reverse("careplans:task_detail", args=[record.pk])
    if isinstance(record, Appointment):
        return reverse("scheduling:appointment_detail", args=[record.pk])
    if isinstance(record, Referral):
        return reverse("referrals:referral_detail", args=[record.pk])
    return reverse("referrals:authorization_detail", args=[record.pk]) if record else ""


# --- as a file ------------------------------------------------------------------------------------------------


def header_of(kind: str) -> list[str]:
    person = [_("Family name"), _("Given name"), _("Birth date"), _("MRN")]
    return {
        "patients": [*person, _("Tier"), _("Weight"), _("Coordinator"), _("Site")],
        "tasks": [_("Task"), _("Kind"), *person, _("Due"), _("Status"), _("Owner"), _("Site")],
        "visits": [
            pgettext("visit", "Start"),
            _("Visit"),
            *person,
            _("Status"),
            _("Provider"),
            _("Coordinator"),
            _("Site"),
        ],
        "referrals": [_("Number"), _("Specialty"), *person, _("Next step"), _("Due"), _("Owner"), _("Site")],
        "clocks": [_("Rule"), *person, _("Due"), _("State"), _("Owner"), _("Site")],
        "spans": [_("Task"), _("Kind"), *person, _("Opened"), _("Closed"), _("Owner"), _("Site")],
    }[kind]


def _who(patient: Patient | None) -> list[Any]:
    if patient is None:
        return ["", "", "", ""]
    return [patient.family_name, patient.given_name, patient.birth_date, patient.mrn]


def file_rows(behind: Behind) -> Iterator[list[Any]]:
    """Every row of the list for the CSV file, in blocks."""
    kind = behind.measure.kind
    number = 1
    while rows := page_of(behind, number):
        for row in rows:
            yield _cells(kind, row)
        if len(rows) < ROWS:
            return
        number += 1


def _cells(kind: str, row: Any) -> list[Any]:
    if kind == "patients":
        return [*_who(row), row.get_tier_display(), row.weight, row.coordinator, row.site.short_name]
    if kind == "tasks":
        return [
            row.title, row.get_kind_display(), *_who(row.patient), row.due_at, row.get_status_display(),
            row.owner or row.team, row.site.short_name,
        ]  # fmt: skip
    if kind == "visits":
        return [
            row.start, row.service.name, *_who(row.patient), row.get_status_display(), row.practitioner,
            row.patient.coordinator, row.site.short_name,
        ]  # fmt: skip
    if kind == "referrals":
        return [
            row.reference, row.specialty, *_who(row.patient), row.next_step_words, row.due_at, row.owner or row.team,
            row.site.short_name,
        ]  # fmt: skip
    if kind == "clocks":
        return [
            row.rule_version.rule.title, *_who(row.patient), row.due_at, row.get_status_display(), row.owner,
            row.site.short_name,
        ]  # fmt: skip
    return [
        row.title, row.get_kind_display(), *_who(row.patient), row.opened_at, row.ended_at, row.owner or "",
        row.site.short_name,
    ]  # fmt: skip
