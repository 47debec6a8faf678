"""Reads for the pages of payers' files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from coordinator.exchange.messages import Answer, Message
from coordinator.exchange.models import PayerFile
from coordinator.exchange.reading import read_file
from coordinator.exchange.rules import Effects, Line, effects
from coordinator.exchange.workflow import OPEN
from coordinator.fhir.problems import Unreadable
from patients.rules.text import fold
from referrals.models import PriorAuthorization
from referrals.workflow import WITH_PAYER, AuthorizationStatus

SHOWN = 20


def message_of(file: PayerFile) -> Message:
    """What the file says, read now. Raises Unreadable."""
    found = read_file(bytes(file.content))
    if file.part >= len(found):
        raise Unreadable("has fewer answers than when it came")
    return found[file.part]


def answer_of(file: PayerFile) -> Answer:
    """Its answer. Raises Unreadable, also for a request."""
    message = message_of(file)
    if not isinstance(message, Answer):
        raise Unreadable("is a request, not an answer: there is nothing to record")
    return message


def requests_named(answer: Answer, user: Any) -> tuple[str, list[PriorAuthorization]]:
    """Requests this person may see that the answer names, and by whose number: ours first, then the payer's."""
    seen = PriorAuthorization.objects.visible_to(user)
    ours = [value for reference in answer.references[:100] for value in _forms(reference)]
    keys = [key for value in ours if (key := _as_key(value))]
    found = list(seen.filter(Q(pk__in=keys) | Q(reference_number__in=ours)).distinct()[:SHOWN])
    if found:
        return "ours", found
    return "payer", list(seen.filter(authorization_number__in=answer.numbers[:100]).distinct()[:SHOWN])


def _forms(reference: str) -> list[str]:
    """A number as it came, and without the line's number that we put behind it."""
    head, dash, tail = reference.rpartition("-")
    return [reference, head] if dash and tail.isdigit() else [reference]


def _as_key(value: str) -> UUID | None:
    try:
        return UUID(hex=value) if len(value) == 32 else None
    except ValueError:
        return None


def lines_of(record: PriorAuthorization) -> list[Line]:
    return [
        Line(
            row.number,
            row.service_code,
            row.decision,
            row.units_approved,
            row.starts_on,
            row.ends_on,
            row.units_requested,
        )
        for row in record.lines.all()
    ]


def effects_on(
    record: PriorAuthorization, answer: Answer, chosen: Mapping[int, int] | None = None
) -> Effects:
    return effects(answer, lines_of(record), status=record.status, chosen=chosen)


def payer_files(user: Any, *, only_open: bool) -> QuerySet[PayerFile]:
    """Files for the list, without their content: parked ones first, oldest first among the open."""
    rows = PayerFile.objects.visible_to(user).defer("content")
    rows = rows.filter(status__in=OPEN).order_by("created_at") if only_open else rows.order_by("-created_at")
    return rows.select_related("owner", "team", "authorization__patient", "authorization__payer", "site")


def requests_like(user: Any, typed: str) -> QuerySet[PriorAuthorization]:
    """Requests with a payer that somebody looks for by a number, a patient's name or a service."""
    waiting = (*WITH_PAYER, AuthorizationStatus.APPEAL)
    rows = PriorAuthorization.objects.visible_to(user).filter(status__in=waiting)
    for word in fold(typed).split():
        rows = rows.filter(
            Q(patient__search_name__contains=word)
            | Q(service__icontains=word)
            | Q(reference_number__icontains=word)
            | Q(authorization_number__icontains=word)
        )
    return rows.select_related("patient", "payer").order_by("due_at", "pk")[:SHOWN]
