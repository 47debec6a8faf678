"""Who the patient is, and how to reach them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Practitioner, Site, check_zone
from coordinator.db import Record
from coordinator.workflow import Change
from patients.models.visibility import PatientScoped, hidden_from
from patients.rules.text import fold
from patients.workflow import GONE, WORKFLOW, PatientStatus


class PatientQuerySet(models.QuerySet["Patient"]):
    def visible_to(self, user: Any) -> PatientQuerySet:
        if not user.can("patients.view"):
            return self.none()
        mine = self.filter(site__in=user.site_ids).exclude(status__in=GONE)
        return mine.exclude(pk__in=hidden_from(user))

    def active(self) -> PatientQuerySet:
        return self.filter(status=PatientStatus.ACTIVE)


class AllergyStatus(models.TextChoices):
    """ "None known" and "not recorded" are different facts and must look different."""

    NOT_RECORDED = "not_recorded", _("Not recorded")
    NONE_KNOWN = "none_known", _("No known allergies")
    RECORDED = "recorded", _("Recorded")


class Tier(models.IntegerChoices):
    """How often the patient should hear from us; days and weight of each are in careplans.rules."""

    LOW = 1, _("Low")
    RISING = 2, _("Rising")
    HIGH = 3, _("High")
    INTENSIVE = 4, _("Intensive")


class Patient(Record):
    """A person receiving care. Birth date is a calendar date without a zone."""

    workflow = WORKFLOW

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="patients")
    status = models.CharField(max_length=20, choices=PatientStatus.choices, default=PatientStatus.ACTIVE)
    mrn = models.CharField(_("MRN"), max_length=40, unique=True)
    family_name = models.CharField(max_length=120)
    given_name = models.CharField(max_length=120, blank=True)
    middle_name = models.CharField(max_length=120, blank=True)
    prefix = models.CharField(max_length=20, blank=True)
    suffix = models.CharField(max_length=20, blank=True)
    preferred_name = models.CharField(max_length=120, blank=True)
    former_family_name = models.CharField(max_length=120, blank=True)
    search_name = models.CharField(
        max_length=500, editable=False
    )  # fold() of every name, for the trigram index
    birth_date = models.DateField(null=True, blank=True)
    sex = models.CharField(
        max_length=7,
        choices=[
            ("female", _("Female")),
            ("male", _("Male")),
            ("other", _("Other")),
            ("unknown", _("Unknown")),
        ],
        default="unknown",
    )
    gender_identity = models.CharField(max_length=60, blank=True)
    pronouns = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=12, blank=True)  # BCP 47; blank means not recorded
    interpreter_needed = models.BooleanField(default=False)
    time_zone = models.CharField(max_length=64, blank=True, validators=[check_zone])  # blank: the site's
    best_time_to_call = models.CharField(max_length=120, blank=True)
    address_line = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=120, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=120, blank=True)
    deceased_on = models.DateField(null=True, blank=True)
    allergy_status = models.CharField(
        max_length=12, choices=AllergyStatus.choices, default=AllergyStatus.NOT_RECORDED
    )
    allergies_checked_on = models.DateField(null=True, blank=True)
    tier = models.PositiveSmallIntegerField(choices=Tier.choices, default=Tier.LOW)
    # The caseload: the lead of the care team when that is one of our users. Kept by assign_coordinator().
    coordinator = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="caseload"
    )
    primary_care = models.ForeignKey(
        Practitioner, null=True, blank=True, on_delete=models.PROTECT, related_name="primary_patients"
    )
    # Absent for everybody but their coordinator, their care team and who opened it in an emergency.
    is_restricted = models.BooleanField(default=False)
    restriction_reason = models.CharField(max_length=300, blank=True)
    restricted_at = models.DateTimeField(null=True, blank=True)
    restricted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = PatientQuerySet.as_manager()

    class Meta:
        constraints = [
            WORKFLOW.check_constraint("patient_status_known"),
            models.CheckConstraint(
                condition=Q(deceased_on__isnull=True)
                | Q(birth_date__isnull=True)
                | Q(deceased_on__gte=models.F("birth_date")),
                name="patient_died_after_birth",
            ),
            models.CheckConstraint(condition=Q(tier__in=Tier.values), name="patient_tier_known"),
            models.CheckConstraint(
                condition=~Q(family_name="") | ~Q(given_name=""), name="patient_has_a_name"
            ),
            models.CheckConstraint(
                condition=Q(is_restricted=False)
                | ~Q(restriction_reason="") & Q(restricted_at__isnull=False, restricted_by__isnull=False),
                name="patient_restricted_why",
            ),
        ]
        indexes = [
            GinIndex(OpClass("search_name", name="gin_trgm_ops"), name="patient_name_trgm"),
            GinIndex(Func(F("search_name"), function="name_keys"), name="patient_name_keys"),
            models.Index(fields=["site", "search_name", "id"], name="patient_list"),
            models.Index(fields=["birth_date"], name="patient_birth_date"),
            models.Index(fields=["coordinator", "status"], name="patient_caseload"),
            models.Index(Upper("mrn"), name="patient_mrn_upper"),
            models.Index(fields=["id"], condition=Q(is_restricted=True), name="patient_restricted"),
        ]

    def __str__(self) -> str:
        return f"{self.family_name.upper()}, {self.given_name}".strip(", ")

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.search_name = self.make_search_name()
        super().save(*args, **kwargs)

    def make_search_name(self) -> str:
        names = (
            self.family_name,
            self.given_name,
            self.middle_name,
            self.preferred_name,
            self.former_family_name,
        )
        return fold(" ".join(n for n in names if n))[:500]

    @property
    def zone(self) -> str:
        return self.time_zone or self.site.zone


class PatientChange(Change):
    record = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="changes")


class PatientIdentifier(Record):
    """Another number of the patient: member number, driver's license, a number from an import."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="identifiers")
    kind = models.CharField(max_length=20, blank=True)  # FHIR v2-0203 code: MR, SS, DL, PPN, MB ...
    system = models.CharField(max_length=200, blank=True)
    value = models.CharField(max_length=120)

    objects = PatientScoped.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "value", "kind"], name="identifier_once")]
        indexes = [models.Index(Upper("value"), name="identifier_value")]


class ContactPoint(Record):
    """A phone or e-mail, with whose it is and what may be left there."""

    class Kind(models.TextChoices):
        PHONE = "phone", _("Phone")
        EMAIL = "email", _("E-mail")

    class Use(models.TextChoices):
        MOBILE = "mobile", _("Mobile")
        HOME = "home", _("Home")
        WORK = "work", _("Work")
        OTHER = "other", _("Other")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="contact_points")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    use = models.CharField(max_length=6, choices=Use.choices, default=Use.OTHER)
    value = models.CharField(max_length=254)  # as typed
    normalized = models.CharField(max_length=254, blank=True)  # E.164 for phones, lower case for e-mail
    last_four = models.CharField(max_length=4, blank=True)
    owner_name = models.CharField(max_length=120, blank=True)  # blank: the patient's own
    owner_relationship = models.CharField(max_length=60, blank=True)
    rank = models.PositiveSmallIntegerField(default=1)
    ok_to_message = models.BooleanField(default=False)  # text or e-mail
    ok_to_leave_voicemail = models.BooleanField(default=False)
    permission_source = models.CharField(max_length=120, blank=True)  # how and by whom it was given
    permission_at = models.DateTimeField(null=True, blank=True)
    opted_out_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)  # last deliveries failed, or wrong number
    ended_at = models.DateTimeField(null=True, blank=True)
    # Never the patient's: ended then, and why.
    error_at = models.DateTimeField(null=True, blank=True)
    error_reason = models.TextField(blank=True)

    objects = PatientScoped.as_manager()

    class Meta:
        ordering = ["rank", "created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["phone", "email"]), name="contact_point_kind"),
            models.UniqueConstraint(
                fields=["patient", "kind", "normalized"],
                condition=Q(ended_at__isnull=True) & ~Q(normalized=""),
                name="contact_point_once",
            ),
        ]
        indexes = [
            models.Index(fields=["normalized"], name="contact_point_value"),
            models.Index(fields=["last_four"], name="contact_point_last_four"),
        ]
