"""A provider is away for a while: the time is blocked, and the visits in it are moved one by one, on the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.accounts.models import Practitioner, Site
from coordinator.audit import services as audit
from coordinator.db import Conflict, advisory_lock, lock
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, NotAllowed, person
from scheduling.models import Appointment, Block
from scheduling.permissions import check_can_book_at, check_can_take_back
from scheduling.selectors.away import visits_of
from scheduling.services import consequences
from scheduling.services.appointments import KEEP, reschedule_appointment
from scheduling.services.attendance import Result
from scheduling.services.waitlist_ends import withdraw_offers_in


@transaction.atomic
def mark_away(
    *,
    practitioner_id: UUID,
    site_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    by: Actor,
    now: datetime,
) -> Block:
    """The provider takes no visits then, anywhere. What is booked stays until somebody moves it; times that are offered
    to who waits are taken back.

    Whoever books visits at the place may say so. Raises ValidationError by field, Conflict when it is known already.
    """
    check_can_book_at(by, site_id)
    if ends_at <= starts_at:
        raise ValidationError({"last_day": _("The end must be later than the start.")})
    if ends_at <= now:
        raise ValidationError({"last_day": _("That time is past.")})
    who = Practitioner.objects.filter(pk=practitioner_id, is_active=True).first()
    if who is None:
        raise ValidationError({"practitioner": _("Choose a provider from the list.")})
    advisory_lock(("practitioner", practitioner_id))
    if Block.objects.filter(practitioner=who, starts_at__lte=starts_at, ends_at__gte=ends_at).exists():
        raise Conflict(_("%(who)s is marked as away then already.") % {"who": who})
    block = Block.objects.create(
        site=Site.objects.get(pk=site_id),
        practitioner=who,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason.strip()[:120],
        created_by=person(by),
    )
    _record(block, "mark_away", by, visits=visits_of(block).count())
    withdraw_offers_in(block, by=by, now=now)
    return block


@transaction.atomic
def take_back_away(*, block_id: UUID, by: Actor, now: datetime) -> None:
    """The provider is there after all. Visits that were moved meanwhile stay where they are.

    Raises PermissionDenied when a manager set it up, or somebody who books no visits there any more.
    """
    block = lock(Block.objects, block_id)
    check_can_take_back(by, block)
    if block.practitioner_id is None:
        raise NotAllowed(_("The times of a whole place are set up by a manager."))
    _record(block, "take_back_away", by, reason=block.reason)
    block.delete()


def _record(block: Block, action: str, by: Actor, **details: object) -> None:
    audit.record(
        by=by,
        action=action,
        entity=block._meta.label_lower,
        entity_id=block.pk,
        site_id=block.site_id,
        details={"starts_at": block.starts_at, "ends_at": block.ends_at, **details},
    )


# --- moving -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """One visit and the time it should have instead."""

    appointment_id: UUID
    start: datetime
    practitioner_id: UUID | None
    override_reason: str = ""


@dataclass(frozen=True)
class Moved(Result):
    """`new` is the visit that replaces it; `needs_reason`: it would be moved all the same, with a reason."""

    new: Appointment | None = None
    needs_reason: bool = False


def move_touched(*, block: Block, wanted: Sequence[Wanted], by: Actor, now: datetime) -> list[Moved]:
    """Each visit in its own transaction, the way every visit is moved: reminders are made anew, and a task asks to tell
    the patient. What is refused stays as it is and says why; the rest goes on."""
    in_it = set(visits_of(block).values_list("pk", flat=True))
    return [_one(block, wish, wish.appointment_id in in_it, by, now) for wish in wanted]


def _one(block: Block, wish: Wanted, is_in_it: bool, by: Actor, now: datetime) -> Moved:
    key = wish.appointment_id
    if not is_in_it:
        return Moved(key, False, _("This visit was moved or cancelled meanwhile."))
    try:
        return Moved(key, True, new=_move(block, wish, by, now))
    except Conflict as refusal:
        return Moved(key, False, str(refusal), needs_reason=refusal.extra.get("needs_reason", False))
    except (NotAllowed, PermissionDenied) as refusal:
        return Moved(key, False, str(refusal))
    except ValidationError as refusal:
        return Moved(key, False, " ".join(refusal.messages))


@in_clinic_language
def _move(block: Block, wish: Wanted, by: Actor, now: datetime) -> Appointment:
    with transaction.atomic():
        same = wish.practitioner_id == block.practitioner_id
        new = reschedule_appointment(
            appointment_id=wish.appointment_id,
            start=wish.start,
            practitioner_id=wish.practitioner_id,
            room_id=KEEP if same else None,  # the room belongs to the provider's own day
            reason=_("The provider is away: %(why)s") % {"why": block.reason},
            override_reason=wish.override_reason,
            by=by,
            now=now,
        )
        old = Appointment.objects.get(pk=wish.appointment_id)
        because = _("From %(old)s to %(new)s with %(who)s, because the provider is away.")
        consequences.ask_to_tell(old, new, because, by=by, now=now)
    return new
