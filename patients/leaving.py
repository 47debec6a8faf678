"""What a change of standing does to open work: said before it is done, and found again when it is taken back.

Apps above say in `AppConfig.ready()` what they would do (FORETELLERS, see docs/adr/0007); they do it when they hear
`moved`, and mark what they did with the key of the change, so that making the patient active again undoes just that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, record_edit
from patients.models import Patient
from patients.workflow import LEAVING, PatientStatus

Text = Any
# Why something ended, in the words that stay on it.
BECAUSE: dict[str, Text] = {
    "inactivate": _("The patient is no longer in our care."),
    "transfer": _("The patient is cared for elsewhere now."),
    "record_death": _("The patient has died."),
    "enter_in_error": _("The patient’s record was entered in error."),
}
BACK = _("The patient is in our care again.")
MARK = "standing"  # the fact that names the change of standing on what it caused


@dataclass(frozen=True)
class Effect:
    """One open thing and what becomes of it. `choice` is its key when a person may leave it as it is."""

    heading: Text
    what: str
    why: Text = ""
    choice: str = ""


@dataclass
class Group:
    heading: Text
    effects: list[Effect]

    @property
    def asks(self) -> bool:
        return any(effect.choice for effect in self.effects)


FORETELLERS: list[Callable[[Patient, str, Any, datetime], Iterable[Effect]]] = []


def foretell(patient: Patient, step: str, user: Any, now: datetime) -> list[Group]:
    """What this step would do to open work, by what is done to it; empty for a step that does nothing."""
    groups: dict[str, Group] = {}
    for foreteller in FORETELLERS:
        for effect in foreteller(patient, step, user, now):
            groups.setdefault(str(effect.heading), Group(effect.heading, [])).effects.append(effect)
    return list(groups.values())


def leavings(patient: Patient) -> list[str]:
    """Keys of the changes by which this patient left since they were last active (one query)."""
    keys: list[str] = []
    steps = patient.changes.exclude(from_status=F("to_status")).order_by("-at", "-id")
    for key, step, status in steps.values_list("pk", "step", "to_status"):
        if step == "reactivate" and not keys:
            continue
        if status == PatientStatus.ACTIVE:
            break
        if step in LEAVING:
            keys.append(str(key))
    return keys


def chosen(change: Any) -> set[UUID] | None:
    """The visits that whoever changed the standing agreed to cancel; None when nobody was asked."""
    keys = change.facts.get("cancel_visits")
    return None if keys is None else {UUID(str(key)) for key in keys}


@in_clinic_language
def keep_trail(
    patient: Patient, step: str, said: Iterable[Text], *, by: Actor, now: datetime, **facts: Any
) -> None:
    """One line of the patient's history, and an audit event, about what was settled or taken up again."""
    sentences = [str(sentence) for sentence in said if sentence]
    if sentences:
        record_edit(patient, step, by=by, now=now, reason=" ".join(sentences), **facts)
