"""Whose word stands, field by field, when two records become one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patients.models import AllergyStatus, Patient
from patients.services.patients import EDITABLE
from patients.workflow import PatientStatus

SURVIVOR, OTHER = "survivor", "other"
SIDES = (SURVIVOR, OTHER)
# What a person chooses, in the order in which a page asks.
CHOOSABLE = ("status", *EDITABLE, "deceased_on", "coordinator")
# Follow from a rule: the stronger of two allergy statements stands, with the day on which it was checked.
BY_RULE = ("allergy_status", "allergies_checked_on")
# Of the survivor, whatever the other says. The other's MRN stays findable as an identifier of the survivor.
OWN = (
    "id", "created_at", "created_by", "updated_at", "version", "site", "mrn", "search_name",
    "is_restricted", "restriction_reason", "restricted_at", "restricted_by",
)  # fmt: skip
STRENGTH = (AllergyStatus.NOT_RECORDED, AllergyStatus.NONE_KNOWN, AllergyStatus.RECORDED)


@dataclass(frozen=True)
class Stands:
    """The value that stands for one field, and which record it comes from."""

    side: str
    before: Any  # the survivor's
    after: Any

    @property
    def changes(self) -> bool:
        return self.before != self.after


def value_of(patient: Patient, name: str) -> Any:
    """As it is stored: the key of what a foreign key names."""
    return getattr(patient, patient._meta.get_field(name).attname)  # type: ignore[union-attr]


def is_blank(patient: Patient, name: str) -> bool:
    """Nothing is said. A need for an interpreter is said by one of two who says it."""
    value = value_of(patient, name)
    return value in (None, "", False) or (name == "sex" and value == "unknown")


def differing(survivor: Patient, other: Patient) -> list[str]:
    """Fields about which the two say different things, in the order in which a page asks."""
    return [name for name in CHOOSABLE if value_of(survivor, name) != value_of(other, name)]


def decide(survivor: Patient, other: Patient, choices: Mapping[str, str]) -> dict[str, Stands]:
    """The value that stands for each field: as chosen, else the survivor's unless that is blank.

    `choices` maps names of CHOOSABLE to "survivor" or "other". Raises TypeError for anything else.
    """
    if not set(choices) <= set(CHOOSABLE) or not set(choices.values()) <= set(SIDES):
        raise TypeError("A choice names a field of CHOOSABLE and one of SIDES.")
    sides = {name: choices.get(name) or _default(survivor, other, name) for name in CHOOSABLE}
    if survivor.status != other.status:
        sides["deceased_on"] = sides["status"]  # the day of death comes with the death
    sides |= dict.fromkeys(BY_RULE, _stronger(survivor, other))
    both = {SURVIVOR: survivor, OTHER: other}
    return {
        name: Stands(side, value_of(survivor, name), value_of(both[side], name))
        for name, side in sides.items()
    }


def _default(survivor: Patient, other: Patient, name: str) -> str:
    if name == "coordinator" and survivor.care_team.filter(is_lead=True, ended_on=None).exists():
        return SURVIVOR
    return OTHER if is_blank(survivor, name) and not is_blank(other, name) else SURVIVOR


def _stronger(survivor: Patient, other: Patient) -> str:
    """Recorded before none known before not recorded; of two that say the same, what was checked longer ago."""
    ours, theirs = (STRENGTH.index(AllergyStatus(patient.allergy_status)) for patient in (survivor, other))
    if ours != theirs:
        return SURVIVOR if ours > theirs else OTHER
    mine, yours = survivor.allergies_checked_on, other.allergies_checked_on
    return OTHER if yours and (mine is None or yours < mine) else SURVIVOR


def is_death_unclear(survivor: Patient, other: Patient, choices: Mapping[str, str]) -> bool:
    """One is recorded as dead, the other is not, and nobody said which is right."""
    deaths = {patient.status == PatientStatus.DECEASED for patient in (survivor, other)}
    return len(deaths) == 2 and "status" not in choices
