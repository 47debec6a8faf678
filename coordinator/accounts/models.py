"""Who works here and where: users, sites, teams, and the practitioners and organizations we name.

Site, Practitioner and Organization stand on the floor because every app refers to them.
"""

from __future__ import annotations

import zoneinfo
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.roles import PERMISSIONS, Role
from coordinator.db import uuid7

if TYPE_CHECKING:
    import uuid


def check_zone(value: str) -> None:
    """An IANA zone name such as America/Chicago."""
    if value not in zoneinfo.available_timezones():
        raise ValidationError(_("Choose a time zone such as America/Chicago."))


class SiteQuerySet(models.QuerySet["Site"]):
    def visible_to(self, user: User) -> SiteQuerySet:
        """The sites a person works at; all of them for those who manage accounts."""
        return self if user.can("accounts.manage") else self.filter(pk__in=user.site_ids)

    def active(self) -> SiteQuerySet:
        return self.filter(is_active=True)


class Site(models.Model):
    """A place of the clinic. The wall inside one deployment: people see the sites they work at."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120, unique=True)
    short_name = models.CharField(max_length=40)
    zone = models.CharField(max_length=64, default="America/Chicago", validators=[check_zone])
    phone = models.CharField(max_length=32, blank=True)
    address = models.TextField(blank=True)
    calendar = models.ForeignKey("clocks.BusinessCalendar", null=True, blank=True, on_delete=models.PROTECT)
    reminder_hour = models.PositiveSmallIntegerField(default=10)  # local hour at which reminders leave
    quiet_from = models.PositiveSmallIntegerField(default=20)  # local hour; no message from here on
    quiet_until = models.PositiveSmallIntegerField(default=9)
    reminders_on = models.BooleanField(default=True)
    open_hour = models.PositiveSmallIntegerField(default=8)
    close_hour = models.PositiveSmallIntegerField(default=18)
    is_active = models.BooleanField(default=True)

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reminder_hour__lt=24, quiet_from__lte=24, quiet_until__lt=24),
                name="site_hours",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def tzinfo(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.zone)


class TeamQuerySet(models.QuerySet["Team"]):
    def visible_to(self, user: User) -> TeamQuerySet:
        return self if user.can("accounts.manage") else self.filter(site__in=user.site_ids)


class Team(models.Model):
    """A team list: work that belongs to whoever takes it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="teams")

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["site", "name"], name="team_name_per_site")]

    def __str__(self) -> str:
        return self.name


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def visible_to(self, user: User) -> OrganizationQuerySet:
        """The directory of those we deal with belongs to no site: everybody who works with records sees it."""
        return self if user.can("patients.view") else self.none()


class Organization(models.Model):
    """An organization we deal with: another practice, a hospital, a lab."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=250)
    npi = models.CharField(max_length=20, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    fax = models.CharField(max_length=40, blank=True)
    address = models.TextField(blank=True)
    is_active = models.BooleanField(default=True)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class PractitionerQuerySet(models.QuerySet["Practitioner"]):
    def visible_to(self, user: User) -> PractitionerQuerySet:
        """Those of the person's sites, and those outside, who belong to no site."""
        if user.can("accounts.manage"):
            return self
        if not user.can("patients.view"):
            return self.none()
        return self.filter(models.Q(site__isnull=True) | models.Q(site__in=user.site_ids))

    def bookable(self) -> PractitionerQuerySet:
        return self.filter(is_active=True, is_bookable=True)


class Location(models.Model):
    """A place of an outside organization, where our patients are seen. Ours are sites."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=250)
    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT)
    phone = models.CharField(max_length=40, blank=True)
    address = models.TextField(blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Practitioner(models.Model):
    """A provider, ours or elsewhere. Ours have a site and can be booked."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    family_name = models.CharField(max_length=120)
    given_name = models.CharField(max_length=120, blank=True)
    credentials = models.CharField(max_length=40, blank=True)
    npi = models.CharField(max_length=20, blank=True)
    specialty = models.CharField(max_length=120, blank=True)
    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT)
    site = models.ForeignKey(
        Site, null=True, blank=True, on_delete=models.PROTECT, related_name="practitioners"
    )
    is_bookable = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    objects = PractitionerQuerySet.as_manager()

    class Meta:
        ordering = ["family_name", "given_name"]
        indexes = [models.Index(fields=["npi"], name="practitioner_npi")]

    def __str__(self) -> str:
        name = f"{self.given_name} {self.family_name}".strip()
        return f"{name}, {self.credentials}" if self.credentials else name


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, user: User) -> UserQuerySet:
        """Colleagues: people who share a site, or everybody for those who manage accounts."""
        if user.can("accounts.manage"):
            return self
        return self.filter(sites__in=user.site_ids).distinct()

    def assignable(self) -> UserQuerySet:
        """People who can own work."""
        return self.filter(is_active=True, role__in=[Role.COORDINATOR, Role.LEAD, Role.MANAGER])

    def still_assignable(self, person: User | None, site: Any) -> User | None:
        """The person, while they can own work at this place (a Site or its key); else None: it goes to the team."""
        return self.assignable().filter(pk=person.pk, sites=site).first() if person else None


class User(AbstractBaseUser):
    """A member of staff (or the account behind an API client). Signs in by e-mail."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    credentials = models.CharField(max_length=20, blank=True)
    role = models.CharField(max_length=20, choices=Role.choices)
    sites = models.ManyToManyField(Site, related_name="users", blank=True)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="members")
    practitioner = models.OneToOneField(Practitioner, null=True, blank=True, on_delete=models.PROTECT)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # Preferences belong to the account and are rendered by the server, so nothing flashes.
    language = models.CharField(max_length=5, default="en", choices=[("en", "English"), ("es", "Español")])
    theme = models.CharField(
        max_length=5,
        blank=True,
        choices=[("", _("As the system")), ("light", _("Light")), ("dark", _("Dark"))],
    )
    density = models.CharField(
        max_length=7, blank=True, choices=[("", _("Normal")), ("compact", _("Compact"))]
    )
    single_keys = models.BooleanField(default=True)
    # Part of every session's fingerprint: raising it signs the person out everywhere.
    session_epoch = models.PositiveIntegerField(default=0, editable=False)
    # Somebody asked for a password link; a job sends it, so that asking takes the same time for unknown addresses.
    reset_requested_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = UserManager.from_queryset(UserQuerySet)()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.credentials}" if self.credentials else self.name

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django's hook: a session whose fingerprint differs is signed out on its next request."""
        fingerprint = f"{self.password}:{self.role}:{self.session_epoch}"
        return salted_hmac(
            "coordinator.accounts.session", fingerprint, secret=secret, algorithm="sha256"
        ).hexdigest()

    def can(self, permission: str) -> bool:
        return self.is_active and permission in PERMISSIONS[self.role]

    @cached_property
    def site_ids(self) -> frozenset[uuid.UUID]:
        """Keys of the sites this person works at; read once per request."""
        return frozenset(self.sites.values_list("pk", flat=True))

    @cached_property
    def site(self) -> Site | None:
        """The site of the person's team, else the first of theirs, with its calendar; read once per request."""
        mine = Site.objects.filter(teams=self.team_id) if self.team_id else self.sites.all()
        return mine.select_related("calendar").first()

    @cached_property
    def zone(self) -> zoneinfo.ZoneInfo:
        """Times are shown in the zone of the person's site."""
        from django.utils import timezone

        return self.site.tzinfo if self.site else timezone.get_default_timezone()

    @property
    def initials(self) -> str:
        parts = self.name.split()
        return "".join(p[0] for p in (parts[:1] + parts[-1:])).upper()

    @cached_property
    def covered_ids(self) -> frozenset[int]:
        """Keys of colleagues on leave whose work this person does just now; read once per request."""
        return frozenset(Delegation.objects.now().of_delegate(self).values_list("person_id", flat=True))


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def visible_to(self, user: User) -> DelegationQuerySet:
        """One's own, those one covers, and for who sees the team board those of colleagues at their sites."""
        found = models.Q(person=user) | models.Q(delegate=user) | models.Q(parts__delegate=user)
        if user.can("team.view"):
            found |= models.Q(person__sites__in=user.site_ids)
        return self.filter(found).distinct()

    def now(self) -> DelegationQuerySet:
        """By the database's clock."""
        return self.filter(starts_at__lte=Now(), ends_at__gt=Now())

    def during(self, start: datetime, end: datetime) -> DelegationQuerySet:
        """Those that share a moment with [start, end)."""
        return self.filter(starts_at__lt=end, ends_at__gt=start)

    def of_delegate(self, user: User) -> DelegationQuerySet:
        """Where this person stands in, for everything or for single things."""
        return self.filter(models.Q(delegate=user) | models.Q(parts__delegate=user)).distinct()

    def covering(self, user: User, record: Any) -> DelegationQuerySet:
        """Where this person does this very record of who is away: given to them singly, or to nobody singly."""
        given = DelegatedPart.objects.filter(delegation=models.OuterRef("pk"), record_id=record.pk)
        theirs = models.Q(models.Exists(given.filter(delegate=user)))
        rest = models.Q(delegate=user) & ~models.Q(models.Exists(given))
        return self.filter(theirs | rest, person=record.owner_id)


class Span(models.Func):
    """`[start, end)` as a PostgreSQL range."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class Delegation(models.Model):
    """Cover for leave: from `starts_at` until before `ends_at` (UTC) `delegate` does what belongs to `person`.

    Nothing changes hands: what a person owns stays theirs and is also on the delegate's list while the span lasts, so
    the return needs no job and cannot be missed. Ending early moves `ends_at`; a cover that never began has none left.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="delegations")
    delegate = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    zone = models.CharField(max_length=64)  # whose local days the span was agreed in
    note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    ended_early_at = models.DateTimeField(null=True, blank=True)
    ended_early_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = DelegationQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gte=models.F("starts_at")), name="delegation_period"
            ),
            models.CheckConstraint(
                condition=~models.Q(delegate=models.F("person")), name="delegation_to_somebody_else"
            ),
            ExclusionConstraint(
                name="delegation_no_overlap",
                expressions=[
                    (Span("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                    ("person", RangeOperators.EQUAL),
                ],
            ),
        ]
        indexes = [models.Index(fields=["delegate", "ends_at"], name="delegation_delegate")]

    @property
    def first_day(self) -> date:
        return self.starts_at.astimezone(zoneinfo.ZoneInfo(self.zone)).date()

    @property
    def last_day(self) -> date:
        """The last whole or begun day of the span."""
        last = max(self.ends_at - timedelta(seconds=1), self.starts_at)
        return last.astimezone(zoneinfo.ZoneInfo(self.zone)).date()

    def is_on(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


class DelegatedPart(models.Model):
    """One thing that somebody else than the delegate does meanwhile: a task, referral, visit... by its key."""

    delegation = models.ForeignKey(Delegation, on_delete=models.PROTECT, related_name="parts")
    record_id = models.UUIDField()
    delegate = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delegation", "record_id"], name="delegated_part_once")
        ]
        indexes = [models.Index(fields=["delegate"], name="delegated_part_delegate")]
