"""Referrals, payers and prior authorizations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Organization, Practitioner, Site, Team
from coordinator.db import Record
from coordinator.workflow import Change
from patients.models import Coverage, Document, Patient, Problem, hidden_from
from referrals.workflow import (
    AUTHORIZATION_OPEN,
    AUTHORIZATION_WORKFLOW,
    OPEN,
    OVER,
    REFERRAL_WORKFLOW,
    AuthorizationStatus,
    OutcomeReason,
    ReferralStatus,
)


class Payer(Record):
    """An organization that decides and pays. Its type and urgency choose the decision clock's rule."""

    class Type(models.TextChoices):
        MEDICARE_ADVANTAGE = "medicare_advantage", _("Medicare Advantage")
        MEDICARE = "medicare", _("Medicare")
        MEDICAID_MANAGED = "medicaid_managed", _("Medicaid managed care")
        MEDICAID = "medicaid", _("Medicaid")
        CHIP = "chip", _("CHIP")
        MARKETPLACE = "marketplace", _("Marketplace plan")
        EMPLOYER = "employer", _("Employer plan")
        OTHER = "other", _("Other")

    name = models.CharField(max_length=160, unique=True)
    payer_type = models.CharField(max_length=20, choices=Type.choices, default=Type.OTHER)
    phone = models.CharField(max_length=40, blank=True)
    fax = models.CharField(max_length=40, blank=True)
    portal = models.URLField(blank=True)
    zone = models.CharField(max_length=64, default="America/New_York")
    # Calendar days after the notice in which this payer takes a peer-to-peer talk; empty: not known.
    peer_to_peer_days = models.PositiveSmallIntegerField(null=True, blank=True)
    is_slow = models.BooleanField(default=False)  # known to be: renewals are asked for 30 days ahead
    tips = models.TextField(blank=True)  # how requests go through fastest
    # Beside its own kind: what else it sells. The decision clock follows `payer_type`.
    lines_of_business = ArrayField(
        models.CharField(max_length=20, choices=Type.choices), default=list, blank=True
    )
    appeals_address = models.TextField(blank=True)
    appeals_fax = models.CharField(max_length=40, blank=True)
    reviewed_on = models.DateField(
        null=True, blank=True
    )  # when somebody last compared all this with the payer
    is_active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class ReferralQuerySet(models.QuerySet["Referral"]):
    def visible_to(self, user: Any) -> ReferralQuerySet:
        if not user.can("referrals.view"):
            return self.none()
        mine = self.filter(site__in=user.site_ids).exclude(status=ReferralStatus.ENTERED_IN_ERROR)
        return mine.exclude(patient__in=hidden_from(user))

    def open(self) -> ReferralQuerySet:
        """Open until the loop is closed: a report that nobody reviewed is still open."""
        return self.filter(status__in=OPEN, loop_closed_at__isnull=True)

    def overdue(self, now: datetime) -> ReferralQuerySet:
        return self.open().filter(due_at__lt=now)


class Referral(Record):
    """Our order for someone else's service, with the facts of its loop and who moves next."""

    workflow = REFERRAL_WORKFLOW

    class Category(models.TextChoices):
        MEDICAL = "medical", _("Medical")
        BEHAVIORAL = "behavioral", _("Behavioral")
        DENTAL = "dental", _("Dental")
        IMAGING = "imaging", _("Imaging")
        THERAPY = "therapy", _("Therapy")
        EQUIPMENT = "equipment", _("Equipment")
        SOCIAL = "social", _("Social need")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="referrals")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="referrals")
    reference = models.CharField(max_length=20, unique=True)  # ours, printed on the packet
    category = models.CharField(max_length=12, choices=Category.choices, default=Category.MEDICAL)
    specialty = models.CharField(max_length=120)
    service = models.CharField(max_length=160, blank=True)
    reason = models.CharField(max_length=500)
    clinical_question = models.TextField(blank=True)
    problem = models.ForeignKey(Problem, null=True, blank=True, on_delete=models.PROTECT)
    urgency = models.CharField(
        max_length=10,
        choices=[("routine", _("Routine")), ("urgent", _("Urgent")), ("stat", _("Immediately"))],
        default="routine",
    )
    requested_by_on = models.DateField(null=True, blank=True)
    requester = models.ForeignKey(
        Practitioner, null=True, blank=True, on_delete=models.PROTECT, related_name="referrals_made"
    )
    recipient_organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT)
    recipient = models.ForeignKey(
        Practitioner, null=True, blank=True, on_delete=models.PROTECT, related_name="referrals_received"
    )
    # The directory's entry, and the recipient in words: as chosen, and again as it stood when this was sent.
    practice = models.ForeignKey(
        "referrals.Practice", null=True, blank=True, on_delete=models.PROTECT, related_name="referrals"
    )
    recipient_name = models.CharField(max_length=250, blank=True)
    recipient_phone = models.CharField(max_length=40, blank=True)
    recipient_fax = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=30, choices=ReferralStatus.choices, default=ReferralStatus.DRAFT)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="referrals"
    )
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="referrals")
    next_step = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    clock = models.ForeignKey(
        "clocks.Clock", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    stage_since = models.DateTimeField()
    # Eight separate facts (N8); the status is derived from steps, the loop from the last two.
    sent_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    scheduled_at = models.DateTimeField(null=True, blank=True)
    seen_on = models.DateField(null=True, blank=True)
    report_received_at = models.DateTimeField(null=True, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    patient_told_at = models.DateTimeField(null=True, blank=True)
    requester_told_at = models.DateTimeField(null=True, blank=True)
    loop_closed_at = models.DateTimeField(null=True, blank=True)
    visit_at = models.DateTimeField(null=True, blank=True)
    visit_place = models.CharField(max_length=200, blank=True)
    channel = models.CharField(max_length=20, blank=True)
    confirmed_by = models.CharField(max_length=120, blank=True)
    outcome_reason = models.CharField(max_length=30, choices=OutcomeReason.choices, blank=True)
    report = models.ForeignKey(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    report_is_critical = models.BooleanField(default=False)
    # The one that this one goes on from, and the one that it stands in for (the duplicate guard's "replace").
    refers_elsewhere = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="continued_by"
    )
    replaces = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by"
    )

    objects = ReferralQuerySet.as_manager()

    class Meta:
        constraints = [
            REFERRAL_WORKFLOW.check_constraint("referral_status_known"),
            models.CheckConstraint(
                condition=Q(owner__isnull=False) | Q(team__isnull=False), name="referral_has_an_owner"
            ),
            models.CheckConstraint(
                condition=Q(loop_closed_at__isnull=True)
                | ~Q(status="completed")
                | Q(reviewed_at__isnull=False, patient_told_at__isnull=False),
                name="referral_loop_needs_review_and_telling",
            ),
            models.CheckConstraint(
                condition=Q(loop_closed_at__isnull=True)
                | Q(status__in=["completed", "entered_in_error"])
                | Q(requester_told_at__isnull=False),
                name="referral_loop_without_report_needs_telling",
            ),
        ]
        indexes = [
            models.Index(fields=["patient", "status"], name="referral_patient"),
            models.Index(fields=["site", "status", "due_at", "id"], name="referral_board"),
            # With what the number beside Referrals, on every page, asks for.
            models.Index(
                fields=["owner", "due_at"], include=["patient", "loop_closed_at"], name="referral_owner"
            ),
            # The list's first page in its order, and all numbers above lists and board, without the rows.
            models.Index(fields=["due_at", "id"], condition=Q(loop_closed_at=None), name="referral_due"),
            models.Index(
                fields=["site", "status"],
                include=["patient", "specialty", "due_at", "stage_since"],
                condition=Q(loop_closed_at=None),
                name="referral_open",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def next_step_words(self) -> str:
        """For who reads it; the row keeps it in the clinic's language."""
        return gettext(self.next_step) if self.next_step else ""

    @property
    def has_recipient(self) -> bool:
        return self.recipient_organization_id is not None or self.recipient_id is not None

    @property
    def due_has_time(self) -> bool:
        """False for a day rule: those end at 23:59:59 of the local day, and only the day is said."""
        return self.due_at is not None and (self.due_at.minute, self.due_at.second) != (59, 59)


class ReferralChange(Change):
    record = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="changes")


OVER_FOR_GOOD = Q(status__in=OVER, may_end_at__isnull=False)


class AuthorizationQuerySet(models.QuerySet["PriorAuthorization"]):
    def visible_to(self, user: Any) -> AuthorizationQuerySet:
        if not user.can("referrals.view"):
            return self.none()
        # The place that asked the payer answers for it, as for a referral: its lists are counted from the index.
        return self.filter(site__in=user.site_ids).exclude(patient__in=hidden_from(user))

    def open(self) -> Any:
        """Somebody still has something to do: not what is over and may be so."""
        return self.filter(status__in=AUTHORIZATION_OPEN).exclude(OVER_FOR_GOOD)


class PriorAuthorization(Record):
    """A request to a payer. Decisions are per line; the header status is derived from the lines."""

    workflow = AUTHORIZATION_WORKFLOW

    class Certification(models.TextChoices):
        """What it is to the one it `supersedes` (X12 UM02: I, R, S, 4)."""

        INITIAL = "initial", _("New request")
        RENEWAL = "renewal", _("Renewal: a new period with units of its own")
        REVISION = "revision", _("Revision: replaces the units and dates")
        EXTENSION = "extension", _("Extension: more units or a later end")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="authorizations")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="authorizations")
    payer = models.ForeignKey(Payer, on_delete=models.PROTECT, related_name="authorizations")
    coverage = models.ForeignKey(Coverage, null=True, blank=True, on_delete=models.PROTECT)
    referral = models.ForeignKey(
        Referral, null=True, blank=True, on_delete=models.PROTECT, related_name="authorizations"
    )
    service = models.CharField(max_length=160)
    kind = models.CharField(
        max_length=8, choices=[("service", _("Service")), ("medicine", _("Medicine"))], default="service"
    )
    urgency = models.CharField(
        max_length=10,
        choices=[("standard", _("Standard")), ("expedited", _("Expedited"))],
        default="standard",
    )
    urgency_reason = models.CharField(max_length=300, blank=True)
    downgraded_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(
        max_length=30, choices=AuthorizationStatus.choices, default=AuthorizationStatus.REQUIREMENT_UNKNOWN
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="authorizations",
    )
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    next_step = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    clock = models.ForeignKey(
        "clocks.Clock", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    stage_since = models.DateTimeField()
    reference_number = models.CharField(max_length=60, blank=True)  # ours to the payer
    authorization_number = models.CharField(max_length=60, blank=True)  # the payer's
    channel = models.CharField(max_length=20, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    received_by_payer_at = models.DateTimeField(null=True, blank=True)
    receipt_proof = models.CharField(
        max_length=120, blank=True
    )  # portal, fax or call reference of the receipt
    decision_due_on = models.DateField(null=True, blank=True)  # the payer's own date, where no rule counts
    asked_for = models.CharField(max_length=300, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    answer_due_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    denial_reason = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    supersedes = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    certification = models.CharField(
        max_length=10, choices=Certification.choices, default=Certification.INITIAL
    )
    has_no_end = models.BooleanField(default=False)  # the payer said so; a missing date is an error instead
    may_end_at = models.DateTimeField(null=True, blank=True)  # when somebody decided that it is not renewed

    objects = AuthorizationQuerySet.as_manager()

    class Meta:
        constraints = [
            AUTHORIZATION_WORKFLOW.check_constraint("authorization_status_known"),
            models.CheckConstraint(
                condition=Q(owner__isnull=False) | Q(team__isnull=False), name="authorization_has_an_owner"
            ),
            models.CheckConstraint(
                condition=Q(certification="initial") | Q(supersedes__isnull=False),
                name="authorization_chain_has_a_parent",
            ),
            models.CheckConstraint(
                condition=Q(certification__in=["initial", "renewal", "revision", "extension"]),
                name="authorization_certification_known",
            ),
            models.CheckConstraint(
                condition=~Q(urgency="expedited") | ~Q(urgency_reason=""),
                name="authorization_expedited_says_why",
            ),
            models.CheckConstraint(
                condition=Q(has_no_end=False) | Q(ends_on__isnull=True), name="authorization_no_end_or_one"
            ),
        ]
        indexes = [
            models.Index(fields=["patient", "status"], name="authorization_patient"),
            models.Index(fields=["site", "status", "due_at"], name="authorization_board"),
            models.Index(
                fields=["due_at", "id"],
                condition=Q(status__in=list(AUTHORIZATION_OPEN)),
                name="authorization_due",
            ),
            models.Index(
                fields=["site", "status"],
                include=["patient", "kind", "due_at", "stage_since", "may_end_at"],
                condition=Q(status__in=list(AUTHORIZATION_OPEN)),
                name="authorization_open",
            ),
        ]

    def __str__(self) -> str:
        return self.service

    @property
    def next_step_words(self) -> str:
        """For who reads it; the row keeps it in the clinic's language."""
        return gettext(self.next_step) if self.next_step else ""

    @property
    def due_has_time(self) -> bool:
        """False for a day rule: those end at 23:59:59 of the local day, and only the day is said."""
        return self.due_at is not None and (self.due_at.minute, self.due_at.second) != (59, 59)


class PriorAuthorizationChange(Change):
    """What was done with a request; what is no step of its table has its words here."""

    STEPS = {
        "update_line": _("Service line changed"),
        "check_requirement": _("Answer recorded: is it needed?"),
        "requirement_in_error": _("An answer was entered in error"),
        "add_paper": _("Paper added to the list"),
        "attach_paper": _("Paper attached"),
        "detach_paper": _("Paper taken off"),
        "drop_paper": _("Paper not needed"),
        "log_call": _("Call to the payer logged"),
        "call_in_error": _("A call was entered in error"),
        "answer_payer": _("Payer's question answered"),
        "extend": _("Payer extended its time"),
        "downgrade": _("Downgraded to standard"),
        "revise": _("Approval revised"),
        "set_end": _("End of the approval recorded"),
        "let_end": _("It may end"),
        "take_up_end": _("It is needed after all"),
    }

    record = models.ForeignKey(PriorAuthorization, on_delete=models.PROTECT, related_name="changes")

    @property
    def step_label(self) -> Any:
        return self.STEPS.get(self.step) or super().step_label


class AuthorizationLine(Record):
    """One service line: what was asked and what was decided."""

    class Decision(models.TextChoices):
        NONE = "", _("No answer yet")
        APPROVED = "approved", _("Approved")
        MODIFIED = "modified", _("Approved with changes")
        DENIED = "denied", _("Denied")
        PENDED = "pended", _("Pended")
        CANCELLED = "cancelled", _("Cancelled")

    authorization = models.ForeignKey(PriorAuthorization, on_delete=models.PROTECT, related_name="lines")
    number = models.PositiveSmallIntegerField()
    service_code = models.CharField(max_length=20)
    place = models.CharField(max_length=200, blank=True)  # where the payer approved it; empty: anywhere
    label = models.CharField(max_length=160, blank=True)
    units_requested = models.PositiveIntegerField(default=1)
    unit_kind = models.CharField(
        max_length=20,
        choices=[
            ("visit", _("visits")),
            ("unit", _("units")),
            ("hour", _("hours")),
            ("day", _("days")),
            ("dose", _("doses")),
            ("item", _("items")),
        ],
        default="visit",
    )
    asked_from = models.DateField(null=True, blank=True)
    asked_until = models.DateField(null=True, blank=True)
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True)
    units_approved = models.PositiveIntegerField(null=True, blank=True)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["authorization", "number"], name="authorization_line_number"),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True)
                | Q(starts_on__isnull=True)
                | Q(ends_on__gte=models.F("starts_on")),
                name="authorization_line_period",
            ),
            models.CheckConstraint(
                condition=Q(asked_until__isnull=True)
                | Q(asked_from__isnull=True)
                | Q(asked_until__gte=models.F("asked_from")),
                name="authorization_line_asked_period",
            ),
        ]
