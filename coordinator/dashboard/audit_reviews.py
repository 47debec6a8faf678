"""What a reviewer reads about an emergency access: who, why, and what the trail says was opened under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from coordinator.audit.models import AuditEvent
from coordinator.dashboard.audit import Line
from patients.models import AccessGrant, Patient

ROWS = 25
MOST_EVENTS = 2_000


@dataclass(frozen=True)
class Opened:
    """One thing that was done under the access, in the trail's words: "view: record, summary"."""

    at: datetime
    words: str


@dataclass(frozen=True)
class Review:
    """`named` says whether the reader may know the name; otherwise the record number stands for it."""

    grant: AccessGrant
    opened: list[Opened]
    named: bool

    @property
    def summary(self) -> str:
        """Each sort of thing once."""
        return "; ".join(dict.fromkeys(opened.words for opened in self.opened))


def page_of(user: Any, *, done: bool, start: int = 0) -> dict[str, Any]:
    """reviews (at most 25), where the next ones start (or None), and how many wait: four statements."""
    visible = AccessGrant.objects.visible_to(user)
    found = visible.reviewed() if done else visible.to_review()
    rows = list(
        found.with_names().order_by("-reviewed_at" if done else "opened_at", "id")[start : start + ROWS + 1]
    )
    return {
        "reviews": _with_events(user, rows[:ROWS]),
        "next_from": start + ROWS if len(rows) > ROWS else None,
        "waiting": visible.to_review().count(),
    }


def review_of(user: Any, grant: AccessGrant) -> Review:
    """One access with its events (two statements)."""
    return _with_events(user, [grant])[0]


def _with_events(user: Any, grants: Sequence[AccessGrant]) -> list[Review]:
    """What the person did with this patient while the access was open, from whichever session."""
    if not grants:
        return []
    events = AuditEvent.objects.filter(
        actor_id__in={grant.user_id for grant in grants},
        patient_id__in={grant.patient_id for grant in grants},
        at__gte=min(grant.opened_at for grant in grants),
        at__lt=max(grant.expires_at for grant in grants),
    ).exclude(entity="patients.accessgrant")
    seen = list(events.order_by("at", "pk")[:MOST_EVENTS])
    known = _named(user, grants)
    return [Review(grant, _opened(grant, seen), grant.patient_id in known) for grant in grants]


def _named(user: Any, grants: Sequence[AccessGrant]) -> set[Any]:
    """Patients whose names the reader knows: an auditor all, a manager those they see anyway."""
    keys = {grant.patient_id for grant in grants}
    if user.can("audit.view"):
        return keys
    return set(Patient.objects.visible_to(user).filter(pk__in=keys).values_list("pk", flat=True))


def _words(event: AuditEvent) -> str:
    line = Line(event, "", "", "", "")
    seen = event.details.get("what")
    return f"{line.action}: {line.what}, {seen}" if seen else f"{line.action}: {line.what}"


def _opened(grant: AccessGrant, events: Sequence[AuditEvent]) -> list[Opened]:
    until = grant.ended_at or grant.expires_at
    return [
        Opened(event.at, _words(event))
        for event in events
        if event.actor_id == grant.user_id
        and event.patient_id == grant.patient_id
        and (event.details.get("grant") == str(grant.pk) or grant.opened_at <= event.at < until)
    ]
