"""What the roof keeps for itself: the run board's rows and the rollup behind the boards."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Site, Team
from coordinator.db import uuid7
from patients.models import Patient, PatientScoped


class JobRun(models.Model):
    """One run of a scheduled job. Keyed by its period, so that two schedulers are harmless.

    `attempts` counts its starts and is the fence: a run that was taken over by another worker may write nothing more.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested", _("Waiting for a worker")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    job = models.CharField(max_length=40)
    period = models.DateField()  # the local date of the night it stands for
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT)
    by_system = models.CharField(
        max_length=40, blank=True
    )  # "nightly", "command line", when nobody pressed a button
    attempts = models.PositiveSmallIntegerField(default=1)
    counts = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job", "period", "site"], nulls_distinct=False, name="job_run_once"
            ),
        ]
        indexes = [models.Index(fields=["job", "-period"], name="job_run_latest")]


class CaseloadStat(models.Model):
    """One coordinator's figures at one site, at most a minute old; no user: what is nobody's.

    `figures` maps a measure of `team_measures` (with its period) to a number. Kept by `team_rollup`.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    computed_at = models.DateTimeField()
    figures = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "site"], nulls_distinct=False, name="caseload_stat_once"),
        ]


class SnapshotQuerySet(models.QuerySet["CaseloadSnapshot"]):
    def visible_to(self, user: Any) -> SnapshotQuerySet:
        return self.filter(site__in=user.site_ids) if user.can("team.view") else self.none()


class CaseloadSnapshot(models.Model):
    """The figures as they stood on one day, kept by the night so that last month never changes by itself."""

    day = models.DateField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    taken_at = models.DateTimeField()
    figures = models.JSONField(default=dict)

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "day", "user"], nulls_distinct=False, name="caseload_snapshot_once"
            ),
        ]


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, user: Any) -> SavedViewQuerySet:
        """One's own, those shared with one's team, and for managers all that are shared at their places."""
        seen = Q(user=user)
        if user.team_id:
            seen |= Q(team=user.team_id)
        if user.can("settings.manage"):
            seen |= Q(team__site__in=user.site_ids)
        return self.filter(seen)


class SavedView(models.Model):
    """A named set of filters on a list; `team` are those it is shared with.

    The one without a name is how the person left the list: filters, `columns`, and `opens`, the view it starts with
    after signing in.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=40)
    name = models.CharField(max_length=80, blank=True)
    query = models.CharField(max_length=500)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    columns = ArrayField(models.CharField(max_length=20), null=True, blank=True)  # None: as everybody's
    opens = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="saved_view_once"),
            models.CheckConstraint(condition=Q(team=None) | ~Q(name=""), name="saved_view_shared_by_name"),
        ]
        indexes = [models.Index(fields=["team"], condition=Q(team__isnull=False), name="saved_view_shared")]


class PinnedPatient(models.Model):
    """A patient kept at hand in the rail."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pins")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    pinned_at = models.DateTimeField()

    class Meta:
        ordering = ["-pinned_at"]
        constraints = [models.UniqueConstraint(fields=["user", "patient"], name="pinned_once")]


class DraftQuerySet(models.QuerySet["Draft"]):
    def visible_to(self, user: Any) -> DraftQuerySet:
        """One's own, as long as one may see the patient they are about."""
        about = Q(patient__isnull=True) | Q(patient__in=Patient.objects.visible_to(user))
        return self.filter(about, user=user)


class Draft(models.Model):
    """What somebody typed into a form and did not send yet. Never the record; nobody else reads it.

    `form` is the path the form is sent to, with `#` and the patient's key. `fields` is JSON as text, name to list of values: a text column keeps
    every character that a person can type, where `jsonb` refuses some.
    """

    LIFE = timedelta(days=30)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    patient = models.ForeignKey(Patient, null=True, on_delete=models.CASCADE, related_name="+")
    form = models.CharField(max_length=200)
    fields = models.TextField()
    saved_at = models.DateTimeField()

    objects = DraftQuerySet.as_manager()

    class Meta:
        ordering = ["-saved_at"]
        constraints = [models.UniqueConstraint(fields=["user", "form"], name="draft_once")]


class PresenceQuerySet(models.QuerySet["Presence"]):
    def visible_to(self, user: Any) -> PresenceQuerySet:
        return self.filter(patient__in=Patient.objects.visible_to(user))

    def here(self, now: datetime) -> PresenceQuerySet:
        return self.filter(seen_at__gte=now - Presence.GONE_AFTER)


class Presence(models.Model):
    """Somebody has this record open now, to read or to change it; their page says so every 20 seconds."""

    GONE_AFTER = timedelta(seconds=60)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    editing = models.BooleanField()
    since = models.DateTimeField()
    seen_at = models.DateTimeField()

    objects = PresenceQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "patient", "editing"], name="presence_once")]
        indexes = [models.Index(fields=["patient", "-seen_at"], name="presence_of_patient")]


class GapDecision(models.Model):
    """Somebody set a prompt of a patient's record aside: until a day, or for good when that never applies.

    Rows are only added; taking one back ends it. `gap` is a code of coordinator.dashboard.gaps.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    gap = models.CharField(max_length=30)
    until = models.DateField(null=True, blank=True)  # None: it does not apply
    reason = models.CharField(max_length=200)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = PatientScoped.as_manager()

    class Meta:
        ordering = ["at"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="gap_decision_has_a_reason"),
        ]
        indexes = [
            models.Index(
                fields=["patient", "gap"],
                condition=Q(ended_at__isnull=True),
                name="gap_decision_stands",
            ),
        ]
