"""Letters against a denial: every saved wording is a version of its own; nothing that was written is overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.audit import services as audit
from coordinator.db import lock
from coordinator.workflow import Actor, NotAllowed, person
from referrals.models import AppealLetter, Denial
from referrals.permissions import check_can_manage_referral
from referrals.selectors.letters import unfit

LONGEST = 20_000


@transaction.atomic
def save_letter(
    *, denial_id: UUID, body: str, cites: Sequence[Sequence[str]], by: Actor, now: datetime
) -> AppealLetter:
    """A new version of the letter, or the last one when nothing was changed. Raises ValidationError at `body`."""
    denial = lock(Denial.objects.select_related("authorization"), denial_id)
    check_can_manage_referral(by, denial)
    if denial.error_reason:
        raise NotAllowed(_("This denial was entered in error."))
    body = body.replace("\r\n", "\n").strip()
    if not body:
        raise ValidationError({"body": _("Write the letter first.")})
    if len(body) > LONGEST:
        raise ValidationError({"body": _("The letter is too long.")})
    last = denial.letters.order_by("number").last()
    kept = [list(pair) for pair in cites]
    if last is not None and (last.body, last.cites) == (body, kept):
        return last
    letter = AppealLetter(
        denial=denial, number=last.number + 1 if last else 1, body=body, cites=kept, created_by=person(by)
    )
    check_fit(letter=letter, by=by)
    letter.save(force_insert=True)
    audit.record_change(letter, "save", by=by, details={"denial": str(denial.pk), "number": letter.number})
    return letter


def check_fit(*, letter: AppealLetter, by: Actor) -> None:
    """A letter that retells a protected entry does not leave. Raises NotAllowed."""
    if unfit(by, letter):
        raise NotAllowed(
            _(
                "An entry of the record that this letter names is protected or was entered in error. Write a new version."
            )
        )


def record_printing(*, letter: AppealLetter, by: Actor) -> None:
    """Somebody takes the letter as a file. Raises NotAllowed for one that may not leave, PermissionDenied."""
    check_can_manage_referral(by, letter.denial)
    check_fit(letter=letter, by=by)
    audit.record_change(letter, "print", by=by, details={"number": letter.number})
