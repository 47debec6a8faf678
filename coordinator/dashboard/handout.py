"""Paper for the patient or for somebody of the family: what may stand on it, by topic, without codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as lazy

from careplans.models import CarePlan
from coordinator.dashboard import summary
from patients.labels import notice_for
from patients.models import Medication, Patient, RelatedPerson, Topic
from scheduling.models import Appointment

# What a copy may hold, and the topic that somebody of the family needs for it.
PARTS = {
    "plan": (lazy("Goals and actions"), Topic.PLAN),
    "visits": (lazy("Visits"), Topic.SCHEDULING),
    "medicines": (lazy("Medicines"), Topic.MEDICINES),
}
FALLBACK = "en"


@dataclass(frozen=True)
class Wanted:
    """What was asked for. `to` is None for the patient; `protected`: they said yes to their labelled entries."""

    language: str
    parts: tuple[str, ...]
    to: RelatedPerson | None = None
    is_large: bool = False
    protected: bool = False


@dataclass
class Handout:
    """One paper. `names_visits` says whether what a visit is for may stand on it."""

    wanted: Wanted
    plans: list[summary.PlanView] = field(default_factory=list)
    visits: list[Appointment] = field(default_factory=list)
    medicines: list[Medication] = field(default_factory=list)
    parts: frozenset[str] = frozenset()
    names_visits: bool = True
    notice: str = ""

    @property
    def care_plans(self) -> list[CarePlan]:
        return [view.plan for view in self.plans]


def language_of(patient: Patient) -> str:
    """The patient's language when there are words in it, else English: "es" for "es-MX"."""
    base = patient.language.split("-")[0].lower()
    return base if base in dict(settings.LANGUAGES) else FALLBACK


def parts_for(person: RelatedPerson | None, parts: Iterable[str], day: Any) -> frozenset[str]:
    """Those of the parts that this person may have; the patient may have all."""
    return frozenset(part for part in parts if person is None or person.may_hear(PARTS[part][1], day))


def handout(user: Any, patient: Patient, wanted: Wanted, now: datetime) -> Handout:
    """The paper as this person may print it (at most six statements). Protected entries only for the patient."""
    today = summary.today_of(patient, now)
    found = Handout(wanted, parts=parts_for(wanted.to, wanted.parts, today))
    found.names_visits = wanted.to is None or wanted.to.may_hear(Topic.PLAN, today)
    if "plan" in found.parts:
        found.plans = [
            view for view in summary.care_plans(user, patient, now) if view.plan.status == "active"
        ]
    if "visits" in found.parts and user.can("visits.view"):
        found.visits = summary.visits(user, patient, now).ahead
    if "medicines" in found.parts:
        rows = Medication.objects.visible_to(user).filter(patient=patient, status="active").order_by("name")
        shows_all = wanted.protected and wanted.to is None
        found.medicines = list(rows if shows_all else rows.filter(label=""))
        found.notice = notice_for(row.label for row in found.medicines)
    return found
