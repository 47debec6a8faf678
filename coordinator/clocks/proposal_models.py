"""Changes of the rules register that somebody proposed, and what a second person said."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from coordinator.clocks import rules
from coordinator.clocks.models import KINDS, BusinessCalendar, Rule, RuleVersion
from coordinator.clocks.vectors import Vector
from coordinator.db import Record


class Decision(models.TextChoices):
    """What became of a proposal."""

    WAITING = "", _("Waiting for approval")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class RuleProposalQuerySet(models.QuerySet["RuleProposal"]):
    def waiting(self) -> RuleProposalQuerySet:
        return self.filter(decision=Decision.WAITING)


class RuleProposal(Record):
    """A new version of one rule, waiting for a second person. What it says is never changed; a trigger refuses.

    Approved, it has `made` the version of the register. The one who proposed it can withdraw it, not approve it.
    """

    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="proposals")
    effective_from = models.DateField()
    kind = models.CharField(max_length=20, choices=KINDS)
    params = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    calendar = models.ForeignKey(
        BusinessCalendar, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    source = models.TextField()
    citation = models.CharField(max_length=200, blank=True)
    verified = models.BooleanField(default=False)
    vectors = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    why = models.CharField(max_length=300)
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True, default=Decision.WAITING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.CharField(max_length=300, blank=True)
    made = models.OneToOneField(
        RuleVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="proposal"
    )

    objects = RuleProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=[kind.value for kind in rules.Kind]), name="rule_proposal_kind"
            ),
            models.CheckConstraint(
                condition=Q(decision__in=Decision.values), name="rule_proposal_decision_known"
            ),
            models.CheckConstraint(condition=Q(created_by__isnull=False), name="rule_proposal_by_somebody"),
            models.CheckConstraint(
                condition=Q(decision="", decided_by__isnull=True, decided_at__isnull=True)
                | ~Q(decision="") & Q(decided_by__isnull=False, decided_at__isnull=False),
                name="rule_proposal_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(decision="approved") | ~Q(decided_by=F("created_by")),
                name="rule_proposal_second_person",
            ),
            models.CheckConstraint(
                condition=Q(decision="approved", made__isnull=False)
                | ~Q(decision="approved") & Q(made__isnull=True),
                name="rule_proposal_made_a_version",
            ),
            models.CheckConstraint(
                condition=~Q(decision="refused") | ~Q(decision_reason=""), name="rule_proposal_refused_why"
            ),
            models.UniqueConstraint(
                fields=["rule"], condition=Q(decision=""), name="rule_proposal_one_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule.key} from {self.effective_from:%Y-%m-%d}"

    @property
    def is_waiting(self) -> bool:
        return self.decision == Decision.WAITING

    def terms(self, version: int = 0) -> rules.Terms:
        """What is proposed, as plain data for the pure functions."""
        return rules.Terms.read(
            kind=self.kind,
            params=self.params,
            key=self.rule.key,
            version=version,
            title=self.rule.title,
            source=self.source,
            since=self.effective_from,
            verified=self.verified,
        )

    @property
    def test_dates(self) -> list[Vector]:
        return [Vector.read(data) for data in self.vectors]
