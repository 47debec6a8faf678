"""Files that payers sent: kept as they came, with what became of each."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Site, Team
from coordinator.db import Record
from coordinator.exchange.workflow import WORKFLOW, FileStatus
from coordinator.workflow import Change
from patients.models import hidden_from
from referrals.models import PriorAuthorization


class PayerFileQuerySet(models.QuerySet["PayerFile"]):
    def visible_to(self, user: Any) -> PayerFileQuerySet:
        """Those of the person's sites, without files about patients who are hidden from them."""
        if not user.can("referrals.view"):
            return self.none()
        mine = self.filter(site__in=user.site_ids).exclude(status=FileStatus.ENTERED_IN_ERROR)
        hidden = PriorAuthorization.objects.filter(patient__in=hidden_from(user))
        return mine.filter(Q(authorization=None) | ~Q(authorization__in=hidden))


class PayerFile(Record):
    """One answer in a file (a file with several answers has several rows, by `part`).

    `content` is the file as it came; what it says is read from it each time, so a better reader helps an old file.
    """

    workflow = WORKFLOW

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    label = models.CharField(max_length=200)  # the name the file was given, shown only
    content = models.BinaryField()
    digest = models.CharField(max_length=64)
    part = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(max_length=20, choices=FileStatus.choices, default=FileStatus.PARKED)
    reason = models.CharField(max_length=500, blank=True)  # why it is parked: places, never what stands there
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    next_step = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    authorization = models.ForeignKey(
        PriorAuthorization, null=True, blank=True, on_delete=models.PROTECT, related_name="payer_files"
    )
    matched_by = models.CharField(
        max_length=10,
        blank=True,
        choices=[
            ("ours", _("our reference number")),
            ("payer", _("the payer's number")),
            ("person", _("a person")),
        ],
    )
    applied_at = models.DateTimeField(null=True, blank=True)

    objects = PayerFileQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            WORKFLOW.check_constraint("payer_file_status_known"),
            models.UniqueConstraint(fields=["site", "digest", "part"], name="payer_file_once"),
            models.CheckConstraint(
                condition=~Q(status__in=["matched", "applied"]) | Q(authorization__isnull=False),
                name="payer_file_matched_to_something",
            ),
            models.CheckConstraint(
                condition=Q(owner__isnull=False) | Q(team__isnull=False), name="payer_file_has_an_owner"
            ),
        ]
        indexes = [models.Index(fields=["site", "status", "-created_at"], name="payer_file_list")]

    def __str__(self) -> str:
        return self.label

    @property
    def next_step_words(self) -> str:
        return gettext(self.next_step) if self.next_step else ""


class PayerFileChange(Change):
    record = models.ForeignKey(PayerFile, on_delete=models.PROTECT, related_name="changes")
