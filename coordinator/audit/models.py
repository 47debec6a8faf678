"""The investigation's record: who saw or changed what. No foreign keys, only ever added to.

A database trigger refuses update, delete and truncate for everybody; the application's role may
only insert and read (see `grant_app_role`).
"""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now


class AuditEvent(models.Model):
    """One view, change, export, refusal or sign-in. Times are UTC by the database's clock."""

    at = models.DateTimeField(db_default=Now())
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=80)  # "user" or "system:<name>"; never a person's name
    action = models.CharField(max_length=60)
    entity = models.CharField(max_length=60)
    entity_id = models.CharField(max_length=64, blank=True)
    patient_id = models.UUIDField(null=True)
    site_id = models.UUIDField(null=True)
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    request_id = models.CharField(max_length=36, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["patient_id", "-at"], name="audit_patient"),
            models.Index(fields=["actor_id", "-at"], name="audit_actor"),
            models.Index(fields=["-at"], name="audit_at"),
        ]
