"""The conversation with the recipient: what was sent and received, interim updates among it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from careplans.models import ContactAttempt
from coordinator.db import lock
from coordinator.workflow import Actor, person
from referrals.models import Referral, ReferralMessage
from referrals.permissions import check_can_manage_referral
from referrals.services.attempts import keep_history, one_line


@transaction.atomic
def add_message(
    *,
    referral_id: UUID,
    direction: str,
    channel: str,
    body: str,
    by: Actor,
    now: datetime,
    who: str = "",
    kind: str = ReferralMessage.Kind.MESSAGE,
    document: Any = None,
    at: datetime | None = None,
) -> ReferralMessage:
    """Keep one message as it was. An interim update about a visit that happened is recorded as seen beside it.

    Raises ValidationError by field; a document has to be of the same patient.
    """
    referral = lock(Referral.objects.select_related("site"), referral_id)
    check_can_manage_referral(by, referral)
    if not body.strip():
        raise ValidationError({"body": _("Write what was said.")})
    if direction not in ("out", "in") or channel not in ContactAttempt.Channel.values:
        raise ValidationError({"channel": _("Choose how it was said.")})
    if at is not None and at > now:
        raise ValidationError({"at": _("A message of the future has not been said.")})
    if document is not None and document.patient_id != referral.patient_id:
        raise ValidationError({"document": _("Choose a document of the same patient.")})
    message = ReferralMessage.objects.create(
        referral=referral,
        kind=kind,
        direction=direction,
        channel=channel,
        person=one_line("who", who, 120),
        body=body.strip(),
        document=document,
        at=at or now,
        created_by=person(by),
    )
    keep_history(
        referral, "add_message", by=by, now=now, kind=kind, direction=direction, entry=str(message.pk)
    )
    return message
