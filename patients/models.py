"""The record: who the patient is, how to reach them, what is known, and who cares for them."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Length, Now, Upper
from django.db.models.lookups import GreaterThanOrEqual
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coordinator.accounts.models import Organization, Practitioner, Site, check_zone
from coordinator.db import Record
from coordinator.workflow import Change
from patients.workflow import GONE, WORKFLOW, PatientStatus

# Letters that Unicode does not take apart, and how people type them on another keyboard.
_PLAIN = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ı": "i"}
    | dict.fromkeys("'’‘ʼʻ`´", "")
)


def fold(text: str) -> str:
    """Lower case without accents or punctuation, single spaces: what names are searched by.

    Vowel signs of scripts such as Devanagari or Thai stay: they are letters there, not accents.

    >>> fold("  García-LÓPEZ O’Brien ")
    'garcia lopez obrien'
    """
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
    kept = (c for c in plain if not unicodedata.combining(c))
    return " ".join("".join(c if _is_letter(c) else " " for c in kept).split())


def _is_letter(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character) in ("Mc", "Mn")


# Keys of the restricted patients that are absent for one person: all but those they coordinate, care for, or
# opened in an emergency. By hand, because every list asks it: few rows, once per statement, by the partial index.
HIDDEN = (
    "select h.id from patients_patient h where h.is_restricted and h.coordinator_id is distinct from %s"
    " and not exists (select 1 from patients_careteammember m where m.patient_id = h.id and m.ended_on is null"
    " and (m.user_id = %s or m.practitioner_id = %s))"
    " and not exists (select 1 from patients_accessgrant g where g.patient_id = h.id and g.user_id = %s"
    " and g.kind = 'break_glass' and g.ended_at is null and g.expires_at > statement_timestamp())"
)


def hidden_params(user: Any) -> list[Any]:
    """What HIDDEN needs to know about the person, in its order."""
    return [user.pk, user.pk, user.practitioner_id, user.pk]


def hidden_from(user: Any) -> RawSQL:
    """HIDDEN as a part of a query: `.exclude(patient__in=hidden_from(user))`. Rows without a patient stay."""
    return RawSQL(HIDDEN, hidden_params(user))  # noqa: S611  (fixed text, values as parameters)


class PatientScoped(models.QuerySet[Any]):
    """Rows that belong to a patient are seen by whoever may see the patient."""

    permission = "patients.view"

    def visible_to(self, user: Any) -> Any:
        if not user.can(self.permission):
            return self.none()
        return self.filter(patient__site__in=user.site_ids).exclude(patient__in=hidden_from(user))


class NoteScoped(PatientScoped):
    """What was written down about the person is for those who care for them."""

    permission = "notes.view"


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
    state = models.CharField(max_length=40, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=40, blank=True)
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


class Topic(models.TextChoices):
    """What a related person may hear about."""

    SCHEDULING = "scheduling", _("Scheduling")
    TRANSPORT = "transport", _("Transport")
    MEDICINES = "medicines", _("Medicines")
    RESULTS = "results", _("Results")
    PLAN = "plan", _("Care plan")
    MONEY = "money", _("Money")


class RelatedPerson(Record):
    """Family or caregiver. `topics` is what the patient said they may hear about."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="related_people")
    name = models.CharField(max_length=160)
    relationship = models.CharField(max_length=60)
    authority = models.CharField(max_length=120, blank=True)  # e.g. health-care proxy
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=12, blank=True)
    topics = ArrayField(models.CharField(max_length=12, choices=Topic.choices), default=list, blank=True)
    is_emergency_contact = models.BooleanField(default=False)
    do_not_contact = models.BooleanField(default=False)
    started_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)

    objects = PatientScoped.as_manager()


class Coverage(Record):
    """One policy. The order (primary first) is `rank`."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="coverages")
    # Payer stands in referrals, above us, so coverage keeps the payer's name; referrals link by it.
    payer_name = models.CharField(max_length=160)
    plan_name = models.CharField(max_length=160, blank=True)
    line_of_business = models.CharField(max_length=40, blank=True)
    member_id = models.CharField(max_length=60, blank=True)
    subscriber_id = models.CharField(max_length=60, blank=True)
    group_number = models.CharField(max_length=60, blank=True)
    relationship_to_subscriber = models.CharField(max_length=20, blank=True)
    rank = models.PositiveSmallIntegerField(default=1)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(
        max_length=20,
        choices=[("active", _("Active")), ("ended", _("Ended")), ("entered_in_error", _("Entered in error"))],
        default="active",
    )

    objects = PatientScoped.as_manager()

    class Meta:
        ordering = ["rank"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True)
                | Q(starts_on__isnull=True)
                | Q(ends_on__gte=models.F("starts_on")),
                name="coverage_period",
            ),
        ]
        indexes = [models.Index(Upper("member_id"), name="coverage_member_id")]


class CareTeamMember(Record):
    """Somebody who cares for the patient: one of our users, a practitioner, an organization or a named person."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="care_team")
    role = models.CharField(max_length=80)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT)
    practitioner = models.ForeignKey(Practitioner, null=True, blank=True, on_delete=models.PROTECT)
    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT)
    name = models.CharField(max_length=160, blank=True)
    contact = models.CharField(max_length=160, blank=True)  # phone, fax or e-mail of somebody outside
    is_lead = models.BooleanField(default=False)
    started_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)

    objects = PatientScoped.as_manager()

    class Meta:
        ordering = ["-is_lead", "role"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(is_lead=True, ended_on__isnull=True),
                name="care_team_one_lead",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False)
                | Q(practitioner__isnull=False)
                | Q(organization__isnull=False)
                | ~Q(name=""),
                name="care_team_member_is_someone",
            ),
        ]

    @property
    def display(self) -> str:
        return str(self.user or self.practitioner or self.organization or self.name)


class Consent(Record):
    """What the patient, or somebody for them, agreed to or refused. Days are those of the patient's place.

    Permission for messages stands with each number (ContactPoint), topics with each relative (RelatedPerson).
    """

    class Kind(models.TextChoices):
        CARE_MANAGEMENT = "care_management", _("Care management services")
        TELEHEALTH = "telehealth", _("Telehealth visits")
        RELEASE = "release", _("Release of records")
        PART_2 = "part2", _("Substance-use records (42 CFR part 2)")
        EXCHANGE = "exchange", _("Sharing through a health information exchange")
        RESEARCH = "research", _("Research")
        OTHER = "other", _("Other")

    class Decision(models.TextChoices):
        PERMIT = "permit", pgettext_lazy("consent", "Agreed")
        DENY = "deny", _("Refused")

    class Method(models.TextChoices):
        VERBAL = "verbal", _("Spoken")
        WRITTEN = "written", _("On paper")
        ELECTRONIC = "electronic", _("Electronic")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Given")
        REVOKED = "revoked", _("Taken back")
        ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="consents")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    decision = models.CharField(max_length=6, choices=Decision.choices, default=Decision.PERMIT)
    scope = models.CharField(max_length=500, blank=True)  # what, to whom, for what purpose
    method = models.CharField(max_length=10, choices=Method.choices)
    given_by = models.CharField(max_length=160, blank=True)  # blank: the patient
    given_as = models.CharField(max_length=120, blank=True)  # in what right somebody else decided
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    revoked_on = models.DateField(null=True, blank=True)
    standing_reason = models.CharField(max_length=500, blank=True)  # why it was taken back or is an error

    objects = PatientScoped.as_manager()

    class Meta:
        ordering = ["-starts_on", "-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=models.F("starts_on")),
                name="consent_period",
            ),
            models.CheckConstraint(
                condition=~Q(status="revoked") | (Q(revoked_on__isnull=False) & ~Q(standing_reason="")),
                name="consent_revoked_with_day_and_reason",
            ),
            models.CheckConstraint(
                condition=Q(given_by="") | ~Q(given_as=""), name="consent_for_somebody_says_by_what_right"
            ),
        ]
        indexes = [models.Index(fields=["patient", "kind"], name="consent_patient")]

    def holds_on(self, day: date) -> bool:
        """Whether what was decided counts that day."""
        over = self.ends_on is not None and day > self.ends_on
        return self.status == self.Status.ACTIVE and self.starts_on <= day and not over


class AccessGrantQuerySet(models.QuerySet["AccessGrant"]):
    def visible_to(self, user: Any) -> AccessGrantQuerySet:
        """Those to review: of the person's sites, for an auditor all. Nobody is shown their own to judge."""
        if not user.can("access.review"):
            return self.none()
        others = self.exclude(user=user)
        return others if user.can("audit.view") else others.filter(patient__site__in=user.site_ids)

    def open(self, at: Any = None) -> AccessGrantQuerySet:
        """Those that hold at this moment (UTC; the database's own when none is given). The last second is out."""
        return self.filter(ended_at=None, expires_at__gt=at or Now())

    def to_review(self) -> AccessGrantQuerySet:
        return self.filter(reviewed_at=None)

    def reviewed(self) -> AccessGrantQuerySet:
        return self.filter(reviewed_at__isnull=False)

    def with_names(self) -> AccessGrantQuerySet:
        return self.select_related("user", "patient__site", "reviewed_by")


class AccessGrant(Record):
    """Somebody opened what they otherwise may not see: one patient, one hour, one reason. Kept for ever."""

    class Kind(models.TextChoices):
        BREAK_GLASS = "break_glass", _("Emergency access")
        REASON = "reason", _("Labelled entries")

    class Verdict(models.TextChoices):
        APPROPRIATE = "appropriate", _("Appropriate")
        NOT_APPROPRIATE = "not_appropriate", _("Not appropriate")

    LASTS = timedelta(minutes=60)
    LEAST_REASON = 10  # characters

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="access_grants")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    reason = models.CharField(max_length=500)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)  # given back before it expired
    verdict = models.CharField(max_length=15, choices=Verdict.choices, blank=True)
    review_note = models.CharField(max_length=500, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = AccessGrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["break_glass", "reason"]), name="access_kind_known"),
            models.CheckConstraint(
                condition=GreaterThanOrEqual(Length("reason"), 10), name="access_has_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(expires_at=models.F("opened_at") + timedelta(minutes=60)),
                name="access_lasts_an_hour",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=models.F("opened_at")), name="access_period"
            ),
            models.CheckConstraint(
                condition=Q(verdict="", reviewed_at=None, reviewed_by=None)
                | Q(
                    verdict__in=["appropriate", "not_appropriate"],
                    reviewed_at__isnull=False,
                    reviewed_by__isnull=False,
                ),
                name="access_reviewed_whole",
            ),
            models.CheckConstraint(
                condition=~Q(verdict="not_appropriate") | ~Q(review_note=""), name="access_refused_why"
            ),
            models.CheckConstraint(
                condition=Q(reviewed_by=None) | ~Q(reviewed_by=models.F("user")),
                name="access_not_judged_by_oneself",
            ),
        ]
        indexes = [
            models.Index(fields=["patient", "user", "expires_at"], name="access_open"),
            models.Index(
                fields=["opened_at"], condition=Q(reviewed_at__isnull=True), name="access_to_review"
            ),
        ]

    def is_open(self, at: datetime) -> bool:
        """The same as `AccessGrantQuerySet.open`, for one in hand."""
        return self.ended_at is None and at < self.expires_at

    def minutes_left(self, at: datetime) -> int:
        """Whole minutes until it expires, counted up: 60 at the start, 1 in the last minute."""
        return max(-int((at - self.expires_at) // timedelta(minutes=1)), 0)


class ClinicalRecord(Record):
    """What problems, allergies and medicines share: where it came from and when it was last checked."""

    source = models.CharField(max_length=120, blank=True)
    last_checked_on = models.DateField(null=True, blank=True)

    class Meta:
        abstract = True


CLINICAL_STATUSES = [
    ("active", _("Active")),
    ("inactive", _("Inactive")),
    ("resolved", _("Resolved")),
    ("entered_in_error", _("Entered in error")),
]


class Problem(ClinicalRecord):
    """A condition the clinic addresses (a coding is not a problem; it may carry one)."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="problems")
    name = models.CharField(max_length=250)
    code = models.CharField(max_length=40, blank=True)
    code_system = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=20, choices=CLINICAL_STATUSES, default="active")
    onset_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)

    objects = PatientScoped.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "status"], name="problem_patient")]


class Allergy(ClinicalRecord):
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="allergies")
    substance = models.CharField(max_length=250)
    code = models.CharField(max_length=40, blank=True)
    code_system = models.CharField(max_length=120, blank=True)
    reaction = models.CharField(max_length=250, blank=True)
    severity = models.CharField(
        max_length=10,
        choices=[
            ("", _("Not recorded")),
            ("mild", _("Mild")),
            ("moderate", _("Moderate")),
            ("severe", _("Severe")),
        ],
        blank=True,
    )
    status = models.CharField(max_length=20, choices=CLINICAL_STATUSES, default="active")
    recorded_on = models.DateField(null=True, blank=True)

    objects = PatientScoped.as_manager()


class Medication(ClinicalRecord):
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="medications")
    name = models.CharField(max_length=250)
    code = models.CharField(max_length=40, blank=True)
    code_system = models.CharField(max_length=120, blank=True)
    how_taken = models.CharField(max_length=250, blank=True)
    status = models.CharField(
        max_length=20,
        choices=[
            ("active", _("Active")),
            ("on_hold", _("On hold")),
            ("stopped", _("Stopped")),
            ("completed", _("Completed")),
            ("entered_in_error", _("Entered in error")),
        ],
        default="active",
    )
    started_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)
    prescriber_name = models.CharField(max_length=160, blank=True)

    objects = PatientScoped.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "status"], name="medication_patient")]


class Encounter(Record):
    """A visit that happened, here or elsewhere (an appointment is a plan; this is a fact)."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="encounters")
    kind = models.CharField(max_length=500)
    setting = models.CharField(max_length=20, blank=True)  # FHIR class: AMB, EMER, IMP ...
    status = models.CharField(max_length=20, default="finished")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=250, blank=True)
    practitioner = models.ForeignKey(Practitioner, null=True, blank=True, on_delete=models.PROTECT)
    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT)

    objects = PatientScoped.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "-started_at"], name="encounter_patient")]


class Result(Record):
    """A laboratory or vital-sign value used on the chart."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="results")
    name = models.CharField(max_length=250)
    code = models.CharField(max_length=40, blank=True)  # LOINC
    category = models.CharField(max_length=40, blank=True)
    value = models.DecimalField(max_digits=18, decimal_places=6, null=True, blank=True)
    value_text = models.CharField(max_length=250, blank=True)
    unit = models.CharField(max_length=40, blank=True)
    interpretation = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=20, default="final")
    taken_at = models.DateTimeField(null=True, blank=True)

    objects = PatientScoped.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["patient", "code", "-taken_at"], name="result_patient"),
            models.Index(fields=["patient", "-taken_at"], name="result_patient_time"),
        ]


class Immunization(Record):
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="immunizations")
    name = models.CharField(max_length=250)
    code = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=20, default="completed")
    given_at = models.DateTimeField(null=True, blank=True)

    objects = PatientScoped.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "-given_at"], name="immunization_patient")]


class Document(Record):
    """A paper or file about the patient. The file itself is under DATA_DIR, never served by URL."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=80)
    title = models.CharField(max_length=250)
    file = models.FileField(upload_to="documents/", blank=True)
    content_type = models.CharField(max_length=80, blank=True)
    text = models.TextField(blank=True)
    source = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=20, default="current")
    received_on = models.DateField(null=True, blank=True)
    expires_on = models.DateField(null=True, blank=True)

    objects = PatientScoped.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "-received_on"], name="document_patient")]


class Note(Record):
    """A progress or problem note, with the provider it is reported to and their acknowledgement."""

    class Kind(models.TextChoices):
        PROGRESS = "progress", _("Progress")
        PROBLEM = "problem", _("Problem")
        CONTACT = "contact", _("Contact")
        OTHER = "other", _("Other")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="notes")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PROGRESS)
    body = models.TextField()
    report_to = models.ForeignKey(Practitioner, null=True, blank=True, on_delete=models.PROTECT)
    answer_due_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    status = models.CharField(
        max_length=20,
        choices=[("current", _("Current")), ("entered_in_error", _("Entered in error"))],
        default="current",
    )
    error_reason = models.TextField(blank=True)

    objects = NoteScoped.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "-created_at"], name="note_patient")]
        constraints = [models.CheckConstraint(condition=~Q(body=""), name="note_not_empty")]


class DuplicateQuerySet(models.QuerySet["PossibleDuplicate"]):
    def visible_to(self, user: Any) -> DuplicateQuerySet:
        """Both patients must be visible: a pair would give the other away."""
        seen = Patient.objects.visible_to(user).values("pk")
        return self.filter(one__in=seen, two__in=seen)

    def open(self) -> DuplicateQuerySet:
        return self.filter(state=PossibleDuplicate.State.OPEN)


class PossibleDuplicate(Record):
    """Two patients who may be one person, in the order of their keys. Kept by services.scan_duplicates."""

    class State(models.TextChoices):
        OPEN = "open", _("To review")
        DIFFERENT = "different", _("Not the same person")
        MERGED = "merged", _("Merged")

    one = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    two = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    # rules.duplicates.Match: what agrees and what does not. Once decided they stay as they were then.
    points = models.DecimalField(max_digits=5, decimal_places=1)
    signs = models.JSONField(default=dict)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)

    objects = DuplicateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(one__lt=models.F("two")), name="duplicate_in_key_order"),
            models.UniqueConstraint(fields=["one", "two"], name="duplicate_once"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "different", "merged"]), name="duplicate_state_known"
            ),
        ]
        indexes = [models.Index(fields=["state", "-points", "id"], name="duplicate_list")]


class MergeQuerySet(models.QuerySet["PatientMerge"]):
    def visible_to(self, user: Any) -> MergeQuerySet:
        """Who may see both: the record that stands, and the place where the other one was."""
        seen = Patient.objects.visible_to(user).values("pk")
        return self.filter(survivor__in=seen, other__site__in=user.site_ids)

    def standing(self) -> MergeQuerySet:
        """Not taken apart again."""
        return self.filter(undone_at=None)


class PatientMerge(Record):
    """Two records of one person made one, and all that is needed to take them apart again.

    `fields`: name -> {"from": "survivor" or "other", "before", "after"} of the survivor's fields that changed.
    `moved`: "app.model.column" -> keys of the rows that named `other` there and name the survivor now.
    `changed`: rows that had to give way, [{"model", "id", "before", "after"}]; `made`: rows added, [{"model", "id"}].
    A trigger lets nothing change but the undoing, once.
    """

    survivor = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    other = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    other_status = models.CharField(max_length=20, choices=PatientStatus.choices)  # before
    fields = models.JSONField(default=dict)
    moved = models.JSONField(default=dict)
    changed = models.JSONField(default=list)
    made = models.JSONField(default=list)
    at = models.DateTimeField()
    by_system = models.CharField(max_length=40, blank=True)
    reason = models.TextField()
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    undone_reason = models.TextField(blank=True)

    objects = MergeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(survivor=models.F("other")), name="merge_of_two"),
            models.UniqueConstraint(
                fields=["other"], condition=Q(undone_at__isnull=True), name="merge_into_one"
            ),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True) | ~Q(undone_reason=""), name="merge_undone_why"
            ),
        ]
        indexes = [models.Index(fields=["survivor", "-id"], name="merge_survivor")]
