"""Local funds with their ledger, and what patients ask for: aid from a fund, benefits from an agency."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Site, Team
from coordinator.db import Record
from coordinator.workflow import Change
from patients.models import Document, Patient, PatientScoped
from referrals.money_workflow import (
    AID_OPEN,
    AID_WORKFLOW,
    BENEFIT_OPEN,
    BENEFIT_WORKFLOW,
    AidStatus,
    BenefitStatus,
)


def dollars(**options: Any) -> models.DecimalField[Any, Any]:
    """An amount in US dollars, with cents."""
    return models.DecimalField(max_digits=10, decimal_places=2, **options)


class FundQuerySet(models.QuerySet["Fund"]):
    def visible_to(self, user: Any) -> FundQuerySet:
        """A fund belongs to the whole clinic: everybody who works with referrals sees what may be asked for."""
        return self if user.can("referrals.view") else self.none()

    def offered(self) -> FundQuerySet:
        return self.filter(is_active=True)


class Fund(Record):
    """Local money for patients. The three totals are the sums of its movements; its row is locked to change them,
    and the database refuses to reserve or pay more than came in."""

    class Period(models.TextChoices):
        ONCE = "once", pgettext_lazy("fund", "Once")
        YEAR = "year", _("Each calendar year")
        MONTH = "month", _("Each calendar month")

    name = models.CharField(max_length=120, unique=True)
    purpose = models.CharField(max_length=250)
    criteria = models.TextField(blank=True)
    contact = models.CharField(max_length=250, blank=True)
    papers = models.TextField(blank=True)  # what it asks for, one a line
    period = models.CharField(max_length=5, choices=Period.choices, default=Period.YEAR)
    limit_per_patient = dollars(null=True, blank=True)  # for each period
    holds_days = models.PositiveSmallIntegerField(default=60)  # how long an award is reserved
    is_active = models.BooleanField(default=True)
    money_in = dollars(default=Decimal(0), editable=False)
    reserved = dollars(default=Decimal(0), editable=False)
    spent = dollars(default=Decimal(0), editable=False)

    objects = FundQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(money_in__gte=0, reserved__gte=0, spent__gte=0)
                & Q(money_in__gte=F("reserved") + F("spent")),
                name="fund_never_below_zero",
            ),
            models.CheckConstraint(
                condition=Q(limit_per_patient__isnull=True) | Q(limit_per_patient__gt=0), name="fund_limit"
            ),
            models.CheckConstraint(condition=Q(holds_days__gte=1, holds_days__lte=730), name="fund_holds"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def balance(self) -> Decimal:
        """What can still be given: money in, less what is spent and what is reserved."""
        return self.money_in - self.spent - self.reserved

    @property
    def paper_list(self) -> list[str]:
        return [line.strip() for line in self.papers.splitlines() if line.strip()]


class MoneyQuerySet(PatientScoped):
    """Rows about a patient's money, without those entered in error."""

    permission = "referrals.view"

    def visible_to(self, user: Any) -> Any:
        return super().visible_to(user).exclude(status="entered_in_error")

    def open(self) -> Any:
        return self.filter(status__in=self.model.open_statuses)


def followed(name: str, statuses: tuple[str, ...]) -> models.CheckConstraint:
    """Nothing open without an owner, a next step and a date."""
    complete = Q(owner__isnull=False) | Q(team__isnull=False)
    return models.CheckConstraint(
        condition=~Q(status__in=[str(s) for s in statuses])
        | (complete & Q(due_at__isnull=False) & ~Q(next_step="")),
        name=name,
    )


class Followed(Record):
    """Something about a patient's money that somebody follows: an owner, a next step and a date while it is open."""

    kind: str  # its word in addresses, and its key in money_rules.NEXT_STEPS
    open_statuses: tuple[str, ...]

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    next_step = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    clock = models.ForeignKey(
        "clocks.Clock", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    stage_since = models.DateTimeField()

    objects: Any = MoneyQuerySet.as_manager()

    class Meta:
        abstract = True
        indexes = [
            models.Index(fields=["patient", "status"], name="%(class)s_patient"),
            models.Index(fields=["site", "status", "due_at"], name="%(class)s_due"),
        ]

    @property
    def is_open(self) -> bool:
        return self.status in self.open_statuses  # type: ignore[attr-defined]

    @property
    def next_step_words(self) -> str:
        """For who reads it; the row keeps it in the clinic's language."""
        return gettext(self.next_step) if self.next_step and self.is_open else ""

    @property
    def due_has_time(self) -> bool:
        return False


class AidApplication(Followed):
    """Asking one fund for one patient. `period` is the fund's period it counts for, such as "2026"."""

    workflow = AID_WORKFLOW
    kind, open_statuses = "aid", AID_OPEN

    fund = models.ForeignKey(Fund, on_delete=models.PROTECT, related_name="applications")
    bill = models.ForeignKey(
        "referrals.Bill", null=True, blank=True, on_delete=models.PROTECT, related_name="applications"
    )
    period = models.CharField(max_length=7)
    purpose = models.CharField(max_length=250)
    asked_amount = dollars()
    status = models.CharField(max_length=20, choices=AidStatus.choices, default=AidStatus.DRAFT)
    without_papers = models.CharField(
        max_length=250, blank=True
    )  # why it was sent although some were missing
    decided_on = models.DateField(null=True, blank=True)
    decided_by = models.CharField(max_length=120, blank=True)
    awarded_amount = dollars(null=True, blank=True)

    class Meta(Followed.Meta):
        constraints = [
            AID_WORKFLOW.check_constraint("aid_status_known"),
            followed("aid_is_followed", AID_OPEN),
            models.CheckConstraint(condition=Q(asked_amount__gt=0), name="aid_asks_for_money"),
        ]

    def __str__(self) -> str:
        return f"{self.fund}: {self.purpose}"


class AidApplicationChange(Change):
    record = models.ForeignKey(AidApplication, on_delete=models.PROTECT, related_name="changes")


class Award(Record):
    """What a fund promised: reserved until it is paid, released or its date is over."""

    application = models.ForeignKey(AidApplication, on_delete=models.PROTECT, related_name="awards")
    fund = models.ForeignKey(Fund, on_delete=models.PROTECT, related_name="awards")
    amount = dollars()
    paid = dollars(default=Decimal(0))
    awarded_on = models.DateField()
    expires_on = models.DateField()
    released_on = models.DateField(null=True, blank=True)  # what was not paid went back to the fund
    released_because = models.CharField(max_length=250, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="award_amount"),
            models.CheckConstraint(
                condition=Q(paid__gte=0, paid__lte=F("amount")), name="award_never_overpaid"
            ),
            models.CheckConstraint(condition=Q(expires_on__gte=F("awarded_on")), name="award_period"),
            models.UniqueConstraint(
                fields=["application"], condition=Q(released_on=None), name="award_one_at_a_time"
            ),
        ]

    @property
    def left(self) -> Decimal:
        """Still reserved, in dollars."""
        return Decimal(0) if self.released_on else self.amount - self.paid


class Spend(Record):
    """Money of an award that was paid: to whom, for what, when. Never deleted: a mistake is reversed."""

    award = models.ForeignKey(Award, on_delete=models.PROTECT, related_name="spends")
    amount = dollars()
    paid_to = models.CharField(max_length=160)
    paid_for = models.CharField(max_length=250)
    paid_on = models.DateField()
    reversed_on = models.DateField(null=True, blank=True)
    reversed_because = models.CharField(max_length=250, blank=True)

    class Meta:
        ordering = ["paid_on", "created_at"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="spend_amount")]


class FundMovement(Record):
    """One line of a fund's ledger: what it adds to each of the three totals. Only ever added."""

    class Kind(models.TextChoices):
        DEPOSIT = "deposit", _("Money in")
        RESERVE = "reserve", pgettext_lazy("fund", "Reserved")
        RELEASE = "release", _("Given back to the fund")
        SPEND = "spend", _("Paid")
        REVERSE_DEPOSIT = "reverse_deposit", _("Money in, reversed")
        REVERSE_SPEND = "reverse_spend", _("Payment reversed")

    fund = models.ForeignKey(Fund, on_delete=models.PROTECT, related_name="movements")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    money_in = dollars(default=Decimal(0))
    reserved = dollars(default=Decimal(0))
    spent = dollars(default=Decimal(0))
    on = models.DateField()
    note = models.CharField(max_length=250, blank=True)
    award = models.ForeignKey(Award, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    spend = models.ForeignKey(Spend, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reverses = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by"
    )

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["fund", "created_at"], name="fundmovement_ledger")]

    @property
    def change(self) -> Decimal:
        """What it does to the balance."""
        return self.money_in - self.reserved - self.spent


class BenefitApplication(Followed):
    """Asking an agency or company for a benefit, until it ends."""

    workflow = BENEFIT_WORKFLOW
    kind, open_statuses = "benefit", BENEFIT_OPEN

    class Program(models.TextChoices):
        MEDICAID = "medicaid", _("Medicaid")
        MEDICARE_SAVINGS = "medicare_savings", _("Medicare savings program")
        CHARITY_CARE = "charity_care", _("Charity care or financial assistance")
        DRUG_ASSISTANCE = "drug_assistance", _("Drug assistance")
        OTHER = "other", _("Other")

    program = models.CharField(max_length=20, choices=Program.choices)
    name = models.CharField(max_length=160, blank=True)
    agency = models.CharField(max_length=160)
    agency_reference = models.CharField(max_length=80, blank=True)
    status = models.CharField(max_length=20, choices=BenefitStatus.choices, default=BenefitStatus.GATHERING)
    filed_on = models.DateField(null=True, blank=True)
    decided_on = models.DateField(null=True, blank=True)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    renews_on = models.DateField(null=True, blank=True)

    class Meta(Followed.Meta):
        constraints = [
            BENEFIT_WORKFLOW.check_constraint("benefit_status_known"),
            followed("benefit_is_followed", BENEFIT_OPEN),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True)
                | Q(starts_on__isnull=True)
                | Q(ends_on__gte=F("starts_on")),
                name="benefit_period",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.get_program_display()


class BenefitApplicationChange(Change):
    record = models.ForeignKey(BenefitApplication, on_delete=models.PROTECT, related_name="changes")


class AskedPaper(Record):
    """A paper that an application asks for; missing until a document is attached or it is not needed after all."""

    application = models.ForeignKey(
        AidApplication, null=True, blank=True, on_delete=models.PROTECT, related_name="papers"
    )
    benefit = models.ForeignKey(
        BenefitApplication, null=True, blank=True, on_delete=models.PROTECT, related_name="papers"
    )
    position = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=160)
    document = models.ForeignKey(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    not_needed = models.CharField(max_length=250, blank=True)  # why

    class Meta:
        ordering = ["position", "created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(application__isnull=False, benefit__isnull=True)
                | Q(application__isnull=True, benefit__isnull=False),
                name="paper_of_one_application",
            ),
        ]

    @property
    def is_missing(self) -> bool:
        return self.document_id is None and not self.not_needed
