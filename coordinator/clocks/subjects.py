"""Names for what clocks are about. The floor knows no app above it, so the apps fill this registry (ADR 0007)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from coordinator.clocks.models import Clock


@dataclass(frozen=True)
class Subject:
    """What a clock is about, for somebody who may see it: in words, and where it is shown."""

    words: str
    href: str
    patient: Any = None  # whose record it is part of: to look at the clock is to look into the record


# Model label ("referrals.referral") -> what of these keys the person may see. One query each, filled in AppConfig.ready().
SUBJECTS: dict[str, Callable[[Any, Collection[UUID]], dict[UUID, Subject]]] = {}


def visible_subjects(user: Any, clocks: Iterable[Clock]) -> dict[UUID, Subject]:
    """Subject of each clock the person may see, by the clock's key; one query for each model among them.

    What no app has put into the registry is seen by nobody.
    """
    clocks = list(clocks)
    wanted: dict[str, set[UUID]] = {}
    for clock in clocks:
        wanted.setdefault(clock.subject_type, set()).add(clock.subject_id)
    seen = {label: SUBJECTS[label](user, keys) for label, keys in wanted.items() if label in SUBJECTS}
    return {
        clock.pk: subject
        for clock in clocks
        if (subject := seen.get(clock.subject_type, {}).get(clock.subject_id)) is not None
    }


def visible_clock(user: Any, pk: UUID) -> tuple[Clock, Subject] | tuple[None, None]:
    """One clock with its rule, calendar and place, and what it is about; nothing for who may not see that."""
    related = ("rule_version__rule", "calendar", "site__calendar")
    clock = Clock.objects.select_related(*related).filter(pk=pk).first()
    subject = visible_subjects(user, [clock]).get(clock.pk) if clock else None
    return (clock, subject) if clock and subject else (None, None)
