"""Patients' bills, explained line by line, and the good-faith estimates before them."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from coordinator.db import Record
from coordinator.workflow import Change
from patients.models import Document, RelatedPerson
from referrals.models.funds import Followed, dollars, followed
from referrals.money_workflow import (
    BILL_OPEN,
    BILL_WORKFLOW,
    ESTIMATE_OPEN,
    ESTIMATE_WORKFLOW,
    BillStatus,
    EstimateStatus,
)
from referrals.rules.money import DISPUTE_FROM


class HowGiven(models.TextChoices):
    IN_PERSON = "in_person", _("In person")
    MAIL = "mail", _("Mail")
    PHONE = "phone", _("Phone")
    EMAIL = "email", _("E-mail through a secure link")
    FAX = "fax", _("Fax")
    PORTAL = "portal", _("Portal")


class BillPhrase(Record):
    """What a kind of line on a bill means, in plain words; managers keep the list."""

    label = models.CharField(max_length=80, unique=True)
    label_es = models.CharField(max_length=80, blank=True)
    words = models.TextField()
    words_es = models.TextField(blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["label"]

    def __str__(self) -> str:
        spanish = (get_language() or "").startswith("es")
        return self.label_es if spanish and self.label_es else self.label

    def words_in(self, language: str) -> str:
        """The explanation for somebody who reads this language; English where there are no words yet."""
        return self.words_es if language.startswith("es") and self.words_es else self.words


class Estimate(Followed):
    """A good-faith estimate for somebody who pays themselves. `visit_id` is the booked visit it is for."""

    workflow = ESTIMATE_WORKFLOW
    kind, open_statuses = "estimate", ESTIMATE_OPEN

    service = models.CharField(max_length=160)
    visit_id = models.UUIDField(null=True, blank=True)  # scheduling stands above, so the key alone
    scheduled_on = models.DateField()  # or the day it was asked for
    visit_on = models.DateField(null=True, blank=True)
    on_request = models.BooleanField(default=False)
    status = models.CharField(max_length=20, choices=EstimateStatus.choices, default=EstimateStatus.DUE)
    amount = dollars(null=True, blank=True)
    given_on = models.DateField(null=True, blank=True)
    channel = models.CharField(max_length=10, choices=HowGiven.choices, blank=True)

    class Meta(Followed.Meta):
        constraints = [
            ESTIMATE_WORKFLOW.check_constraint("estimate_status_known"),
            followed("estimate_is_followed", ESTIMATE_OPEN),
            models.CheckConstraint(
                condition=~Q(status="given") | Q(amount__isnull=False, given_on__isnull=False),
                name="estimate_given_says_what",
            ),
            models.UniqueConstraint(
                fields=["visit_id"],
                condition=Q(status="due", visit_id__isnull=False),
                name="estimate_once_due",
            ),
        ]

    def __str__(self) -> str:
        return self.service


class EstimateChange(Change):
    record = models.ForeignKey(Estimate, on_delete=models.PROTECT, related_name="changes")


class Bill(Followed):
    """A bill that a patient got, what was asked about it, and what came of it."""

    workflow = BILL_WORKFLOW
    kind, open_statuses = "bill", BILL_OPEN

    class Outcome(models.TextChoices):
        CORRECTED = "corrected", _("Corrected")
        PAYMENT_PLAN = "payment_plan", _("Payment plan")
        AID = "aid", _("Aid")
        DISPUTED = "disputed", _("Dispute decided")
        PAID = "paid", pgettext_lazy("bill", "Paid")
        WRITTEN_OFF = "written_off", _("Written off")

    biller = models.CharField(max_length=160)
    is_nonprofit_hospital = models.BooleanField(default=False)
    statement_on = models.DateField()
    service_on = models.DateField(null=True, blank=True)
    amount = dollars()
    due_on = models.DateField(null=True, blank=True)
    account_number = models.CharField(max_length=60, blank=True)
    document = models.ForeignKey(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    estimate = models.ForeignKey(
        Estimate, null=True, blank=True, on_delete=models.PROTECT, related_name="bills"
    )
    status = models.CharField(max_length=20, choices=BillStatus.choices, default=BillStatus.LOGGED)
    explained_on = models.DateField(null=True, blank=True)
    explained_to = models.ForeignKey(
        RelatedPerson, null=True, blank=True, on_delete=models.PROTECT, related_name="bills_explained"
    )  # None: the patient
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    settled_on = models.DateField(null=True, blank=True)
    dollars_won = dollars(default=Decimal(0))  # without what our own funds paid: that is in their ledger

    class Meta(Followed.Meta):
        constraints = [
            BILL_WORKFLOW.check_constraint("bill_status_known"),
            followed("bill_is_followed", BILL_OPEN),
            models.CheckConstraint(condition=Q(amount__gt=0), name="bill_amount"),
            models.CheckConstraint(
                condition=Q(dollars_won__gte=0, dollars_won__lte=F("amount")), name="bill_won_within_amount"
            ),
        ]

    def __str__(self) -> str:
        return self.biller

    @property
    def over_estimate(self) -> Decimal:
        """By how much it is above the estimate that was given; 0 without one."""
        given = self.estimate
        if given is None or given.status != EstimateStatus.GIVEN or given.amount is None:
            return Decimal(0)
        return max(self.amount - given.amount, Decimal(0))

    @property
    def may_be_disputed(self) -> bool:
        """$400 or more above the estimate (No Surprises Act patient notices)."""
        return self.over_estimate >= DISPUTE_FROM


class BillChange(Change):
    record = models.ForeignKey(Bill, on_delete=models.PROTECT, related_name="changes")


class BillLine(Record):
    """One line of a bill, with what it means."""

    bill = models.ForeignKey(Bill, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=160)
    amount = dollars()
    phrase = models.ForeignKey(BillPhrase, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    explanation = models.TextField(blank=True)
    removed_because = models.CharField(max_length=250, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["bill", "position"], name="bill_line_position")]


class BillQuestion(Record):
    """A question about a bill: to whom, how, by when an answer is expected, and the answer."""

    bill = models.ForeignKey(Bill, on_delete=models.PROTECT, related_name="questions")
    to_whom = models.CharField(max_length=160)
    channel = models.CharField(max_length=10, choices=HowGiven.choices)
    question = models.TextField()
    asked_on = models.DateField()
    answer_due_at = models.DateTimeField()
    answered_on = models.DateField(null=True, blank=True)
    answer = models.TextField(blank=True)

    class Meta:
        ordering = ["-asked_on", "-created_at"]
