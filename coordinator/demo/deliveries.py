"""What was sent for one of the demo's referrals: a portal that took it, and a copy by mail that nobody has confirmed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from coordinator.demo.clinic import Clinic
from coordinator.demo.patients import Patients
from coordinator.packets.gather import offer_of
from coordinator.packets.services import make_packet
from referrals.models import Delivery, Referral
from referrals.services.deliveries import send_packet


def make_deliveries(clinic: Clinic, patients: Patients) -> None:
    by = clinic.users["dana"]
    referral = Referral.objects.get(patient=patients["Olsen, Gerald"], specialty="Cardiology")
    ticked = [
        e.row.pk for part in offer_of(referral, by, clinic.now).parts for e in part.entries if e.is_ticked
    ]
    packet = make_packet(referral_id=referral.pk, keys=ticked, by=by, now=clinic.ago(58))
    where: dict[str, Any] = {
        "referral_id": referral.pk, "number": packet.number, "recipient": "Mercy Cardiology", "by": by,
    }  # fmt: skip
    at = clinic.ago(57)
    by_portal = send_packet(
        channel="portal", address="Mercy provider portal", reference="MP-20417", now=at, **where
    )
    _told(by_portal, at)
    paper = "Asked for a copy on paper"
    send_packet(channel="print", address="By mail", again_reason=paper, now=clinic.ago(2), **where)


def _told(delivery: Delivery, at: datetime) -> None:
    """The demo's clock: rows are made now, and were sent then."""
    Delivery.objects.filter(pk=delivery.pk).update(created_at=at)
