"""The demo's place: two sites, their people, services, payers, and those they refer to."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

from coordinator.accounts.models import Organization, Practitioner, Site, Team, User
from coordinator.accounts.roles import Role
from coordinator.clocks.models import BusinessCalendar
from coordinator.clocks.rules import Calendar
from coordinator.clocks.selectors import as_calendar
from coordinator.demo import PASSWORD
from referrals.models import Payer
from scheduling.models import Availability, ReminderWindow, Room, Service

# e-mail word, name, credentials, role, sites, team
STAFF = [
    ("dana", "Dana Whitfield", "RN", Role.COORDINATOR, "R", "Riverbend care team"),
    ("marcus", "Marcus Oyelaran", "RN", Role.COORDINATOR, "R", "Riverbend care team"),
    ("luz", "Luz Herrera", "CHW", Role.COORDINATOR, "RN", "Northgate care team"),
    ("priya", "Priya Natarajan", "RN", Role.COORDINATOR, "N", "Northgate care team"),
    ("joanne", "Joanne Pike", "RN", Role.LEAD, "RN", "Riverbend care team"),
    ("beth", "Beth Sorensen", "RN", Role.MANAGER, "RN", None),
    ("ngozi", "Ngozi Okafor", "MD", Role.PROVIDER, "RN", None),
    ("carlos", "Carlos Delgado", "", Role.BILLING, "RN", None),
    ("rashida", "Rashida Cole", "", Role.ADMINISTRATOR, "RN", None),
    ("owen", "Owen Fitzgerald", "", Role.AUDITOR, "RN", None),
]
# family name, given name, credentials, specialty, site, first and last hour
PROVIDERS = [
    ("Okafor", "Ngozi", "MD", "Internal medicine", "R", 8, 17),
    ("Chen", "David", "MD", "Family medicine", "R", 8, 17),
    ("Karim", "Aisha", "NP", "Family medicine", "R", 9, 17),
    ("Brandvold", "Tom", "LCSW", "Behavioral health", "R", 9, 17),
    ("Mbeki", "Grace", "MD", "Internal medicine", "N", 8, 17),
    ("Haddad", "Samir", "DO", "Family medicine", "N", 8, 16),
]
# name, minutes, happens elsewhere, how to prepare
SERVICES = [
    ("Office visit", 30, False, ""),
    ("New patient visit", 60, False, "Bring all medicines and insurance cards."),
    ("Visit after hospital stay", 40, False, "Bring the discharge papers and all medicines."),
    ("Nurse visit", 20, False, ""),
    ("Diabetes education", 60, False, "Bring the meter and the food diary."),
    ("Behavioral health visit", 50, False, ""),
    ("Care plan review", 40, False, "A family member is welcome."),
    ("Echocardiogram", 45, True, ""),
]
ORGANIZATIONS = [
    ("Mercy General Hospital", "(612) 555-0120", "(612) 555-0121"),
    ("Mercy Cardiology", "(612) 555-0122", "(612) 555-0123"),
    ("Mercy Imaging", "(612) 555-0124", "(612) 555-0125"),
    ("Lakeside Kidney Care", "(651) 555-0126", "(651) 555-0127"),
    ("Prairie Orthopedics", "(763) 555-0128", "(763) 555-0129"),
    ("Twin Pines Physical Therapy", "(763) 555-0130", "(763) 555-0131"),
    ("Cedar Sleep Center", "(952) 555-0132", "(952) 555-0133"),
    ("Lakeview Behavioral Health", "(651) 555-0134", "(651) 555-0135"),
    ("Harbor Food Shelf", "(612) 555-0136", ""),
]
PAYERS = [
    ("HealthNorth Plus", Payer.Type.MEDICARE_ADVANTAGE),
    ("Prairie Community Plan", Payer.Type.MEDICAID_MANAGED),
    ("BlueRiver Employer Health", Payer.Type.EMPLOYER),
    ("Medicare", Payer.Type.MEDICARE),
    ("Northern Lights Marketplace", Payer.Type.MARKETPLACE),
]


@dataclass
class Clinic:
    """What the other parts of the demo build on, by name."""

    now: datetime.datetime
    riverbend: Site
    northgate: Site
    days: Calendar
    users: dict[str, User] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    providers: dict[str, Practitioner] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    organizations: dict[str, Organization] = field(default_factory=dict)
    payers: dict[str, Payer] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.riverbend.tzinfo).date()

    def workday(self, number: int) -> date:
        """The business day that many away: 0 is today, or the next one when the clinic is closed today."""
        day = self.today
        while not self.days.is_open(day):
            day += timedelta(days=1)
        step = timedelta(days=1 if number > 0 else -1)
        for _each in range(abs(number)):
            day += step
            while not self.days.is_open(day):
                day += step
        return day

    def at(self, day: date, hour: int, minute: int = 0) -> datetime.datetime:
        """A moment on the wall clock of the clinic, as UTC."""
        local = datetime.datetime.combine(day, time(hour, minute), self.riverbend.tzinfo)
        return local.astimezone(datetime.UTC)

    def ago(self, days: float, hours: float = 0) -> datetime.datetime:
        """A moment that long ago, with its day squeezed into office hours (8 to 5): nobody called at 2:30 AM. Of two
        moments the earlier one stays the earlier."""
        local = (self.now - timedelta(days=days, hours=hours)).astimezone(self.riverbend.tzinfo)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        squeezed = midnight + timedelta(hours=8) + (local - midnight) * 9 / 24
        return min(squeezed.astimezone(datetime.UTC), self.now)

    def site(self, letter: str) -> Site:
        return self.riverbend if letter == "R" else self.northgate


def make_clinic(now: datetime.datetime) -> Clinic:
    """Sites, staff and everything that stands still. Rows of the same name that are there already are used."""
    federal = BusinessCalendar.objects.get(name="US federal")
    riverbend = _site("Riverbend Clinic", "Riverbend", "(612) 555-0100", "210 River Road", federal)
    northgate = _site("Northgate Clinic", "Northgate", "(763) 555-0110", "88 Northgate Avenue", federal)
    clinic = Clinic(now=now, riverbend=riverbend, northgate=northgate, days=as_calendar(federal))
    for name, phone, fax in ORGANIZATIONS:
        clinic.organizations[name] = Organization.objects.create(name=name, phone=phone, fax=fax)
    _people(clinic)
    _schedule(clinic)
    for name, payer_type in PAYERS:
        clinic.payers[name], _ = Payer.objects.get_or_create(name=name, defaults={"payer_type": payer_type})
    return clinic


def _site(name: str, short: str, phone: str, street: str, calendar: BusinessCalendar) -> Site:
    fields: dict[str, Any] = {"short_name": short, "phone": phone, "address": street, "calendar": calendar}
    return Site.objects.get_or_create(name=name, defaults=fields)[0]


def _people(clinic: Clinic) -> None:
    for name, letter in (("Riverbend care team", "R"), ("Northgate care team", "N")):
        clinic.teams[name], _ = Team.objects.get_or_create(name=name, site=clinic.site(letter))
    for family, given, credentials, specialty, letter, _first, _last in PROVIDERS:
        clinic.providers[family] = Practitioner.objects.create(
            family_name=family,
            given_name=given,
            credentials=credentials,
            specialty=specialty,
            site=clinic.site(letter),
            is_bookable=True,
        )
    clinic.providers["Lindqvist"] = Practitioner.objects.create(
        family_name="Lindqvist", given_name="Anders", credentials="MD", specialty="Cardiology",
        organization=clinic.organizations["Mercy Cardiology"],
    )  # fmt: skip
    for word, name, credentials, role, letters, team in STAFF:
        user = User.objects.create_user(
            f"{word}@example.test",
            PASSWORD if not clinic.users else None,
            name=name,
            credentials=credentials,
            role=role,
            team=clinic.teams[team] if team else None,
            practitioner=clinic.providers["Okafor"] if word == "ngozi" else None,
        )
        user.sites.set([clinic.site(letter) for letter in letters])
        clinic.users[word] = user
    # One slow hash for all of them: the password is the same, and printed on the sign-in page.
    User.objects.filter(pk__in=[user.pk for user in clinic.users.values()]).update(
        password=clinic.users["dana"].password
    )


def _schedule(clinic: Clinic) -> None:
    for name, minutes, outside, preparation in SERVICES:
        clinic.services[name], _ = Service.objects.get_or_create(
            name=name, defaults={"minutes": minutes, "is_outside": outside, "preparation": preparation}
        )
    education = clinic.services["Diabetes education"]
    for days in (7, 1):
        ReminderWindow.objects.get_or_create(service=education, days_before=days)
    hours = []
    for number, (family, _given, _credentials, _specialty, letter, first, last) in enumerate(PROVIDERS, 1):
        site, who = clinic.site(letter), clinic.providers[family]
        clinic.rooms[family], _ = Room.objects.get_or_create(site=site, name=f"Room {number}")
        for weekday in range(5):
            for starts, ends in ((first, 12), (13, last)):
                hours.append(
                    Availability(
                        practitioner=who, site=site, weekday=weekday, starts=time(starts), ends=time(ends)
                    )
                )
    Availability.objects.bulk_create(hours)
