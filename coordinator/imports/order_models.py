"""What the source says of an imported order and of coded visits: kept for measures and for exchange, never edited."""

from __future__ import annotations

from django.db import models

from coordinator.db import uuid7
from patients.models import Patient, PatientScoped
from referrals.models import Referral


class OrderOrigin(models.Model):
    """Where an imported referral comes from: its order as the source wrote it, and its fulfillment task's status.

    Moments are UTC; days are as the source wrote them, whatever the zone of the place here.
    """

    referral = models.OneToOneField(Referral, on_delete=models.PROTECT, related_name="origin")
    code = models.CharField(max_length=40, blank=True)
    is_referral = models.BooleanField(default=False)  # its code is one of a referral (CMS50)
    intent = models.CharField(max_length=20, blank=True)
    source_status = models.CharField(max_length=30, blank=True)
    authored_at = models.DateTimeField(null=True)
    authored_on = models.DateField(null=True)
    report_at = models.DateTimeField(null=True)  # a consult note for this order was received
    report_on = models.DateField(null=True)
    task_status = models.CharField(
        max_length=30, blank=True
    )  # as the receiver's task says it (FHIR Task.status)
    task_at = models.DateTimeField(null=True)


class CodedEvent(models.Model):
    """An imported visit or procedure whose code a quality measure counts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=[("encounter", "Encounter"), ("procedure", "Procedure")])
    code = models.CharField(max_length=40)
    status = models.CharField(max_length=30)
    started_on = models.DateField(null=True)
    ended_on = models.DateField(null=True)

    objects = PatientScoped.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "started_on"], name="coded_event_patient")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["encounter", "procedure"]), name="coded_event_kind"
            )
        ]
