"""Making a packet: one more version, kept as a document of the patient with its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator.accounts.models import User
from coordinator.audit import services as audit
from coordinator.db import lock
from coordinator.packets.document import pdf_of
from coordinator.packets.gather import labels_of, offer_of
from coordinator.workflow import NotAllowed, add_history
from patients.models import DocumentKind, DocumentLink, Label
from patients.services import add_documents, link_document
from referrals.models import Referral, ReferralPacket
from referrals.permissions import check_can_manage_referral
from referrals.workflow import ENDED_WITHOUT_REPORT, ReferralStatus


@transaction.atomic
def make_packet(*, referral_id: UUID, keys: Iterable[UUID], by: User, now: datetime) -> ReferralPacket:
    """The next version, with the entries of these keys that `by` may see and that may leave; it is not sent by this.

    A packet with a labelled entry carries its notice and is labelled itself. Raises NotAllowed for one that has ended.
    """
    people = ("patient__site", "site", "requester", "recipient", "recipient_organization")
    referral = lock(Referral.objects.select_related(*people), referral_id)
    check_can_manage_referral(by, referral)
    if referral.status in (*ENDED_WITHOUT_REPORT, ReferralStatus.ENTERED_IN_ERROR):
        raise NotAllowed(_("This referral has ended; nothing more is sent for it."))
    offer = offer_of(referral, by, now)
    chosen = offer.chosen(keys)
    number = referral.packets.count() + 1
    content = pdf_of(offer, chosen, number=number)
    labels = labels_of(chosen)
    words = {"reference": referral.reference, "n": number}
    [document] = add_documents(
        patient_id=referral.patient_id,
        files=[ContentFile(content, name=f"{referral.reference}-v{number}.pdf")],
        kind=DocumentKind.PACKET,
        title=_("Packet of %(reference)s, version %(n)d") % words,
        received_on=timezone.localdate(now, referral.site.tzinfo),
        label=next((str(label) for label in Label if label in labels), ""),
        by=by,
        now=now,
    )
    link_document(
        document_id=document.pk, kind=DocumentLink.Kind.REFERRAL, target_id=referral.pk, by=by, now=now
    )
    packet = ReferralPacket.objects.create(
        referral=referral,
        number=number,
        document=document,
        sha256=hashlib.sha256(content).hexdigest(),
        holds={name: len(rows) for name, rows in chosen.items()},
        at=now,
        created_by=by,
    )
    facts = {"number": number, "holds": packet.holds, "labels": sorted(labels)}
    add_history(referral, "make_packet", by=by, now=now, **facts)
    audit.record_change(referral, "make_packet", by=by, details=facts)
    return packet
