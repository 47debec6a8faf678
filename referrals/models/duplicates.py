"""What somebody answered when the duplicate guard showed that something exists already."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Site
from coordinator.db import Record
from patients.models import Patient, hidden_from


class DuplicateAnswerQuerySet(models.QuerySet["DuplicateAnswer"]):
    def visible_to(self, user: Any) -> DuplicateAnswerQuerySet:
        if not user.can("team.view"):
            return self.none()
        return self.filter(site__in=user.site_ids).exclude(patient__in=hidden_from(user))


class DuplicateAnswer(Record):
    """One answer, counted on the team's board. `existing_id` is what was shown, `made_id` what was made all the same."""

    class Kind(models.TextChoices):
        REFERRAL = "referral", _("Referral")
        ORDER = "order", _("Test or procedure")
        APPOINTMENT = "appointment", _("Visit")
        AUTHORIZATION = "authorization", _("Prior authorization")
        APPLICATION = "application", _("Application for aid")

    class Choice(models.TextChoices):
        USE = "use", _("Used the one that exists")
        REPLACE = "replace", _("Replaced it")
        GO_ON = "go_on", _("Went on with a reason")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=13, choices=Kind.choices)
    choice = models.CharField(max_length=7, choices=Choice.choices)
    existing_id = models.UUIDField()
    made_id = models.UUIDField(null=True, blank=True)
    reason = models.CharField(max_length=250, blank=True)
    at = models.DateTimeField()

    objects = DuplicateAnswerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["referral", "order", "appointment", "authorization", "application"]),
                name="duplicate_answer_kind",
            ),
            models.CheckConstraint(
                condition=Q(choice="use", made_id=None)
                | Q(choice="replace")
                | (Q(choice="go_on") & ~Q(reason="")),
                name="duplicate_answer_whole",
            ),
        ]
        indexes = [models.Index(fields=["site", "at"], name="duplicate_answer_site")]
