"""What follows a payer's no: the denial in its words, talks between clinicians, letters, appeals."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Practitioner
from coordinator.db import Record
from coordinator.managed_lists import Entry
from patients.models import Document
from referrals.models.referrals import AuthorizationLine, PriorAuthorization

OTHER = "other"


class DenialCategoryQuerySet(models.QuerySet["DenialCategory"]):
    def offered(self) -> DenialCategoryQuerySet:
        """Not retired, in their order."""
        return self.filter(retired_at=None)


class DenialCategory(Entry):
    """A kind of denial: what to send against it and how the letter begins. A list that managers keep.

    `checklist` is a list of {"what": text, "kind": a document's kind, "letter" for the appeal letter, or ""};
    `letter` is text with the places of referrals.rules.letters.PLACES in braces.
    """

    checklist = models.JSONField(default=list, blank=True)
    letter = models.TextField(blank=True)

    objects = DenialCategoryQuerySet.as_manager()

    class Meta(Entry.Meta):
        constraints = [
            models.UniqueConstraint(models.functions.Lower("label"), name="denial_category_label_once"),
            models.CheckConstraint(
                condition=~Q(code=OTHER) | Q(retired_at=None), name="denial_category_other_stays"
            ),
        ]

    @property
    def is_fixed(self) -> bool:
        return self.code == OTHER


class ThroughAuthorization(models.QuerySet[Any]):
    """Rows that hang on a denial are seen by whoever may see its authorization."""

    through = "denial__"

    def visible_to(self, user: Any) -> Any:
        seen = PriorAuthorization.objects.visible_to(user).exclude(status="entered_in_error")
        return self.filter(**{f"{self.through}authorization__in": seen.order_by().values("pk")})


class DenialQuerySet(ThroughAuthorization):
    through = ""

    def standing(self) -> Any:
        return self.filter(error_reason="")


class Denial(Record):
    """A payer's refusal of some or all lines, in its exact words.

    `rule_appeal_on` is the last day by the stored rule, `printed_appeal_on` what the notice says; the appeal clock
    runs to the earlier of the two. `gathered` names lines of the checklist that somebody ticked by hand.
    """

    class Channel(models.TextChoices):
        LETTER = "letter", _("Letter")
        FAX = "fax", _("Fax")
        PORTAL = "portal", _("Portal")
        PHONE = "phone", _("Phone")
        EMAIL = "email", _("E-mail")
        ELECTRONIC = "electronic", _("Electronic response")

    authorization = models.ForeignKey(PriorAuthorization, on_delete=models.PROTECT, related_name="denials")
    category = models.ForeignKey(DenialCategory, on_delete=models.PROTECT, related_name="denials")
    lines = models.ManyToManyField(AuthorizationLine, blank=True, related_name="denials")
    words = models.TextField()
    notice_on = models.DateField()
    told_by = models.CharField(max_length=120, blank=True)
    channel = models.CharField(max_length=12, choices=Channel.choices, default=Channel.LETTER)
    notice = models.ForeignKey(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    rule_appeal_on = models.DateField(null=True, blank=True)
    printed_appeal_on = models.DateField(null=True, blank=True)
    printed_peer_on = models.DateField(null=True, blank=True)
    gathered = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    appeal_clock = models.ForeignKey(
        "clocks.Clock", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    peer_clock = models.ForeignKey(
        "clocks.Clock", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    error_reason = models.TextField(blank=True)

    objects = DenialQuerySet.as_manager()

    class Meta:
        ordering = ["-notice_on", "-created_at"]
        constraints = [
            models.CheckConstraint(condition=~Q(words=""), name="denial_has_words"),
            models.CheckConstraint(
                condition=Q(printed_appeal_on=None) | Q(printed_appeal_on__gte=F("notice_on")),
                name="denial_printed_after_notice",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=["letter", "fax", "portal", "phone", "email", "electronic"]),
                name="denial_channel_known",
            ),
        ]
        indexes = [models.Index(fields=["authorization", "-notice_on"], name="denial_newest")]

    def __str__(self) -> str:
        return str(self.category)

    @property
    def patient_id(self) -> Any:
        return self.authorization.patient_id

    @property
    def site_id(self) -> Any:
        return self.authorization.site_id


class PeerToPeer(Record):
    """A talk between a clinician of ours and one of the payer. Not an appeal; the appeal clock runs on."""

    class Outcome(models.TextChoices):
        OVERTURNED = "overturned", _("The payer approves")
        PARTLY = "partly", _("The payer approves part of it")
        UPHELD = "upheld", _("The denial stays")
        NOT_HELD = "not_held", _("The talk did not take place")

    denial = models.ForeignKey(Denial, on_delete=models.PROTECT, related_name="talks")
    at = models.DateTimeField()
    our_clinician = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    payer_clinician = models.CharField(max_length=120, blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    held_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)

    objects = ThroughAuthorization.as_manager()

    class Meta:
        ordering = ["at"]
        constraints = [
            models.UniqueConstraint(
                fields=["denial"], condition=Q(outcome=""), name="peer_to_peer_one_planned"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["", "overturned", "partly", "upheld", "not_held"]),
                name="peer_to_peer_outcome_known",
            ),
            models.CheckConstraint(
                condition=~Q(outcome__in=["overturned", "partly", "upheld"]) | Q(held_at__isnull=False),
                name="peer_to_peer_held_when_it_has_an_outcome",
            ),
        ]

    @property
    def authorization(self) -> PriorAuthorization:
        return self.denial.authorization


class AppealLetter(Record):
    """One version of the letter. `cites` names the entries of the record it was merged from, as [model, key]."""

    denial = models.ForeignKey(Denial, on_delete=models.PROTECT, related_name="letters")
    number = models.PositiveSmallIntegerField()
    body = models.TextField()
    cites = models.JSONField(default=list, blank=True)

    objects = ThroughAuthorization.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["denial", "number"], name="appeal_letter_version_once"),
            models.CheckConstraint(condition=~Q(body=""), name="appeal_letter_not_empty"),
        ]

    @property
    def authorization(self) -> PriorAuthorization:
        return self.denial.authorization


class Appeal(Record):
    """One level of an appeal: filed, with proof, and what came of it."""

    class Kind(models.TextChoices):
        STANDARD = "standard", _("Standard, before the service")
        EXPEDITED = "expedited", _("Expedited (urgent)")
        PART_B_DRUG = "part_b_drug", _("Part B drug")
        PAYMENT = "payment", _("Payment, after the service")

    class Outcome(models.TextChoices):
        OVERTURNED = "overturned", _("Overturned: approved")
        PARTLY = "partly", _("Partly overturned")
        UPHELD = "upheld", _("Upheld: still denied")

    denial = models.ForeignKey(Denial, on_delete=models.PROTECT, related_name="appeals")
    level = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.STANDARD)
    by_plan = models.BooleanField(default=False)  # the plan itself sent the case on
    filed_at = models.DateTimeField()
    channel = models.CharField(max_length=20, blank=True)
    proof = models.CharField(max_length=200, blank=True)  # confirmation or tracking number, or who took it in
    letter = models.ForeignKey(AppealLetter, null=True, blank=True, on_delete=models.PROTECT)
    documents = models.ManyToManyField(Document, blank=True, related_name="+")
    clock = models.ForeignKey(
        "clocks.Clock", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    outcome_on = models.DateField(null=True, blank=True)  # of the payer's notice
    outcome_words = models.TextField(blank=True)
    next_by = models.DateField(
        null=True, blank=True
    )  # the last day for the next level, as the notice gives it
    next_clock = models.ForeignKey(
        "clocks.Clock", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = ThroughAuthorization.as_manager()

    class Meta:
        ordering = ["level"]
        constraints = [
            models.UniqueConstraint(fields=["denial", "level"], name="appeal_level_once"),
            models.CheckConstraint(condition=Q(level__gte=1, level__lte=9), name="appeal_level_range"),
            models.CheckConstraint(
                condition=Q(by_plan=True) | (~Q(channel="") & ~Q(proof="")), name="appeal_has_proof"
            ),
            models.CheckConstraint(
                condition=Q(outcome="", outcome_on=None) | (~Q(outcome="") & Q(outcome_on__isnull=False)),
                name="appeal_outcome_has_a_day",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["", "overturned", "partly", "upheld"]), name="appeal_outcome_known"
            ),
        ]

    @property
    def authorization(self) -> PriorAuthorization:
        return self.denial.authorization
