"""The clinic's own lists about payers: how they take requests, what they want an authorization for, with which papers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator.audit import services as audit
from coordinator.db import lock, refusals
from coordinator.workflow import Actor, person
from patients.services.entries import clean
from referrals.models import Payer, PayerRequirement, RequiredPaper
from referrals.permissions import check_can_set_up

PAYER = (
    "name", "payer_type", "lines_of_business", "phone", "fax", "portal", "appeals_address", "appeals_fax", "zone", "tips",
    "reviewed_on",
)  # fmt: skip
REQUIREMENT = (
    "payer",
    "service_code",
    "specialty",
    "pa_needed",
    "covered",
    "doc_needed",
    "source",
    "source_on",
    "expires_on",
)
PAPER = ("payer", "service_code", "label", "document_kind", "is_required", "hint")


@transaction.atomic
def save_payer(*, by: Actor, now: datetime, row_id: UUID | None = None, **given: Any) -> Payer:
    """A new payer, or another wording of one. Its kind sets which decision clock counts for requests sent from now on."""
    row = _row(Payer, row_id, by)
    taken = _("There is a payer with this name already.")
    if given.get("name") and Payer.objects.filter(name__iexact=given["name"]).exclude(pk=row.pk).exists():
        raise ValidationError({"name": taken})
    return _save(row, PAYER, given, row_id, by, payer_name_key=taken)


@transaction.atomic
def review_payer(*, payer_id: UUID, by: Actor, now: datetime) -> Payer:
    """Somebody compared all this with the payer today."""
    row = _row(Payer, payer_id, by)
    row.reviewed_on = timezone.localdate(now)
    row.version += 1
    row.save()
    audit.record_change(row, "review", by=by, details={"on": str(row.reviewed_on)})
    return row


@transaction.atomic
def save_requirement(
    *, by: Actor, now: datetime, row_id: UUID | None = None, **given: Any
) -> PayerRequirement:
    """A line of the list: this payer, this service, needed or not, by which source and until when."""
    given["service_code"] = given.get("service_code", "").upper()
    if not given["service_code"] and not given.get("specialty"):
        raise ValidationError({"service_code": _("Enter a service code or a specialty.")})
    if given["expires_on"] < given["source_on"]:
        raise ValidationError({"expires_on": _("It cannot end before the day of the source.")})
    row = _row(PayerRequirement, row_id, by)
    taken = _("The list has a line for this payer and service already.")
    return _save(row, REQUIREMENT, given, row_id, by, payer_requirement_once=taken)


@transaction.atomic
def save_required_paper(
    *, by: Actor, now: datetime, row_id: UUID | None = None, **given: Any
) -> RequiredPaper:
    """A paper that goes with a payer's service. Requests that are prepared already keep their list."""
    given["service_code"] = given.get("service_code", "").upper()
    row = _row(RequiredPaper, row_id, by)
    taken = _("The list has this paper for this payer and service already.")
    return _save(row, PAPER, given, row_id, by, required_paper_once=taken)


@transaction.atomic
def set_offered(*, model: type[models.Model], row_id: UUID, offered: bool, by: Actor, now: datetime) -> Any:
    """Retire a line or offer it again; what rests on it stays as it is."""
    row = _row(model, row_id, by)
    if row.is_active == offered:
        return row
    row.is_active = offered
    row.version += 1
    taken = _("The list has such a line already. Change that one.")
    with refusals(payer_requirement_once=taken, required_paper_once=taken), transaction.atomic():
        row.save()
    audit.record_change(row, "restore" if offered else "retire", by=by, details={})
    return row


def _row(model: type[models.Model], row_id: UUID | None, by: Actor) -> Any:
    check_can_set_up(by)
    return lock(model._default_manager.all(), row_id) if row_id else model(created_by=person(by))


def _save(
    row: Any, names: tuple[str, ...], given: dict[str, Any], row_id: UUID | None, by: Actor, **taken: str
) -> Any:
    if unknown := set(given) - set(names):
        raise TypeError(f"Not facts of this list: {sorted(unknown)}")
    values = clean(type(row), given)
    changed = [name for name, value in values.items() if not row_id or getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    if row_id:
        row.version += 1
    with refusals(**taken), transaction.atomic():
        row.save()
    audit.record_change(row, "save", by=by, details={"fields": sorted(changed)})
    return row
