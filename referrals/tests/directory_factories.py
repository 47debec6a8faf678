"""Plain functions that make entries of the directory."""

from __future__ import annotations

from typing import Any

from coordinator.accounts.models import Organization
from coordinator.tests.factories import number
from referrals.models import Practice, PracticeClinician, PracticeNetwork


def make_practice(**fields: Any) -> Practice:
    fields.setdefault("name", f"Lakes Heart {next(number)}")
    fields.setdefault("phone", "+16125550122")
    if "organization" not in fields:
        fields["organization"] = Organization.objects.create(name=fields["name"])
    return Practice.objects.create(**fields)


def make_network(practice: Practice | None = None, **fields: Any) -> PracticeNetwork:
    fields.setdefault("payer_name", "Aetna")
    return PracticeNetwork.objects.create(practice=practice or make_practice(), **fields)


def make_clinician(practice: Practice | None = None, **fields: Any) -> PracticeClinician:
    fields.setdefault("name", "Anders Lindqvist, MD")
    return PracticeClinician.objects.create(practice=practice or make_practice(), **fields)
