"""The packet that goes with a referral: which version, which document, and what it holds."""

from __future__ import annotations

from django.db import models

from coordinator.db import Record
from patients.models import Document
from referrals.models.loop import OfReferral
from referrals.models.referrals import Referral


class ReferralPacket(Record):
    """One version of a packet. It never changes: a correction is the next version. `holds` counts entries by part."""

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="packets")
    number = models.PositiveSmallIntegerField()  # the version, from 1
    document = models.OneToOneField(Document, on_delete=models.PROTECT, related_name="packet")
    sha256 = models.CharField(max_length=64)
    holds = models.JSONField(default=dict)
    at = models.DateTimeField()

    objects = OfReferral.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["referral", "number"], name="referral_packet_number"),
            models.CheckConstraint(
                condition=models.Q(number__gte=1) & ~models.Q(sha256=""), name="referral_packet_whole"
            ),
        ]
