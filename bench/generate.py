"""Fills an empty, migrated database with an invented clinic of any size, by set-based SQL.

    DATABASE_URL=... THROUGHLINE_ENV=test python -m bench.generate --patients 10000

Three sites, 60 practitioners with hours, 60 coordinators, four tasks and one visit a patient (at most 100,000 visits),
contacts, a referral a patient, six prior authorizations for ten patients, and clocks. Everything follows from the row's
number, so two runs make the same rows.
"""

from __future__ import annotations

import argparse
import os
import time
from datetime import date, datetime, timedelta
from datetime import time as clock
from typing import Any

import django
from django.conf import settings
from django.db import connection

from bench.filling import (
    CHANCE,
    CLOCK,
    CONTACT,
    COORDINATORS_PER_SITE,
    COVERAGE,
    KEY,
    MOST_VISITS,
    NUMBER,
    PATIENT,
    PHONE,
    PRACTITIONERS_PER_SITE,
    SITES,
    TAKEN_A_DAY,
    TASK,
    VISIT,
    ZONE,
    array,
    clock_zone,
    insert,
    of_site,
    site_of,
    without_indexes,
)  # fmt: skip
from bench.names import FAMILY, GIVEN
from bench.requests import authorizations, referrals


class Clinic:
    """What stands still: sites, people, services. Made through the models."""

    def __init__(self, today: date) -> None:
        from coordinator.accounts.models import Practitioner, Site, Team, User
        from coordinator.clocks.models import BusinessCalendar
        from coordinator.clocks.selectors import as_calendar
        from scheduling.models import Availability, Service

        calendar = BusinessCalendar.objects.get(name="US federal")
        self.today, self.days = today, as_calendar(calendar)
        self.sites = [
            Site.objects.create(
                name=f"Bench site {n}",
                short_name=f"Site {n}",
                zone=ZONE,
                calendar=calendar,
                phone="(612) 555-0100",
            )
            for n in range(SITES)
        ]
        teams = [Team.objects.create(site=site, name="Team") for site in self.sites]
        self.coordinators: list[list[int]] = []
        self.practitioners: list[list[str]] = []
        for site, team in zip(self.sites, teams, strict=True):
            people = User.objects.bulk_create(
                User(email=f"c{site.short_name[-1]}.{n}@bench.test", name=f"{GIVEN[n]} {FAMILY[n * 7]}", role="coordinator",
                     team=team, password="!")
                for n in range(COORDINATORS_PER_SITE)
            )  # fmt: skip
            User.sites.through.objects.bulk_create(
                User.sites.through(user_id=person.pk, site_id=site.pk) for person in people
            )
            providers = Practitioner.objects.bulk_create(
                Practitioner(
                    family_name=FAMILY[n * 11],
                    given_name=GIVEN[-n],
                    credentials="MD",
                    site=site,
                    is_bookable=True,
                )
                for n in range(PRACTITIONERS_PER_SITE)
            )
            Availability.objects.bulk_create(
                Availability(practitioner=p, site=site, weekday=weekday, starts=clock(starts), ends=clock(starts + 4))
                for p in providers for weekday in range(5) for starts in (8, 13)
            )  # fmt: skip
            self.coordinators.append([person.pk for person in people])
            self.practitioners.append([str(p.pk) for p in providers])
        self.teams = [str(team.pk) for team in teams]
        self.services = [
            str(Service.objects.create(name=f"Bench visit {n}", minutes=30).pk) for n in range(3)
        ]

    def open_days(self, count: int) -> list[date]:
        """That many business days, two thirds of them before today."""
        past: list[date] = []
        day = self.today
        while len(past) < count * 2 // 3:
            day -= timedelta(days=1)
            if self.days.is_open(day):
                past.insert(0, day)
        coming, day = [], self.today
        while len(past) + len(coming) < count:
            if self.days.is_open(day):
                coming.append(day)
            day += timedelta(days=1)
        return past + coming


def generate(patients: int, say: Any = print) -> None:
    """Everything, for this many patients. The database must be migrated and hold no patient."""
    from patients.models import Patient

    if Patient.objects.exists():
        raise SystemExit("There are patients already: the generator needs an empty database.")
    began = time.monotonic()
    clinic = Clinic(datetime.now(clock_zone()).date())
    with connection.cursor() as cursor:
        cursor.execute("set statement_timeout = 0")
        cursor.execute("set synchronous_commit = off")
        cursor.execute("select rolsuper from pg_roles where rolname = current_user")
        superuser = cursor.fetchone()[0]
        if superuser:
            # Rows are right by construction; checking each foreign key would take as long as inserting.
            cursor.execute("set session_replication_role = replica")
        cursor.execute(KEY)
        cursor.execute(CHANCE)
    for step in (_patients, _phones, _visits, _tasks, _contacts, _clocks, referrals, authorizations):
        started = time.monotonic()
        with without_indexes(*TABLES.get(step.__name__, ())):
            rows = step(clinic, patients)
        say(f"  {step.__name__.strip('_'):<14} {rows:>9,} rows  {time.monotonic() - started:6.1f} s")
    with connection.cursor() as cursor:
        cursor.execute("set session_replication_role = origin" if superuser else "select 1")
        cursor.execute("analyze" if connection.in_atomic_block else "vacuum analyze")
    say(f"  {patients:,} patients in {time.monotonic() - began:.1f} s")


# Every eighth patient lives with another one of the same place: the same family name, the same phone.
HOME = f"case when i / {SITES} % 8 = 7 then i - {SITES} else i end"

TABLES = {
    "_patients": ("patients_patient",),
    "_phones": ("patients_contactpoint", "patients_coverage", "patients_patientidentifier"),
    "_visits": ("scheduling_appointment",),
    "_tasks": ("careplans_task", "careplans_taskinterval"),
    "_contacts": ("careplans_contactattempt",),
    "referrals": ("referrals_referral", "clocks_clock"),
    "authorizations": ("referrals_priorauthorization", "referrals_authorizationline", "clocks_clock"),
}


def _names(names: list[str], alias: str) -> str:
    """SQL for a table of names with how they are searched for: columns name, folded, n (from 1)."""
    from patients.rules.text import fold

    arrays = f"{array(names, 'text')}, {array([fold(name) for name in names], 'text')}"
    return f"unnest({arrays}) with ordinality as {alias}(name, folded, n)"


def _patients(clinic: Clinic, count: int) -> int:
    from patients.models import Patient

    return insert(
        Patient,
        f"""from (select i, home,
                    1 + floor({len(FAMILY)} * power(pg_temp.chance('family', home), 2))::int as family,
                    1 + floor({len(FAMILY)} * power(pg_temp.chance('second', home), 2))::int as second,
                    1 + floor({len(GIVEN)} * power(pg_temp.chance('given', i), 1.5))::int as given,
                    pg_temp.chance('compound', home) as compound
               from (select i, {HOME} as home from generate_series(0, {count - 1}) i) h) g
             join {_names(FAMILY, "one")} on one.n = family
             join {_names(FAMILY, "two")} on two.n = second
             join {_names(GIVEN, "own")} on own.n = given""",
        id=f"pg_temp.key({PATIENT}, i)",
        created_at="now() - interval '400 days' + i * interval '1 second'",
        site=site_of(clinic),
        mrn="lpad((500000000 + i)::text, 9, '0')",
        family_name="""one.name || case when compound < 0.1 then ' ' || two.name when compound < 0.14 then '-' || two.name else '' end""",
        given_name="own.name",
        search_name="one.folded || case when compound < 0.14 then ' ' || two.folded else '' end || ' ' || own.folded",
        # 95 years. Some have the first of January, as where nobody knew the day.
        birth_date="""case when i % 97 = 13 then date '1931-01-01' + floor(95 * pg_temp.chance('year', i))::int * interval '1 year'
                           else date '1931-01-01' + floor(34800 * pg_temp.chance('born', i))::int end""",
        sex="case i % 2 when 0 then 'female' else 'male' end",
        language="case when i % 7 = 0 then 'es' when i % 11 = 0 then 'so' else 'en' end",
        status="case when i % 20 = 19 then 'inactive' else 'active' end",
        tier="case when i % 25 = 0 then 4 when i % 10 = 1 then 3 when i % 5 = 2 then 2 else 1 end",
        allergy_status="case i % 3 when 0 then 'none_known' else 'not_recorded' end",
        city="'Riverbend'",
        state="'MN'",
        coordinator=f"case when i % 50 = 7 then null else {of_site(clinic.coordinators, f'i / {SITES}', 'bigint')} end",
        primary_care=of_site(clinic.practitioners, f"i / {SITES}", "uuid"),
    )


def _phones(clinic: Clinic, count: int) -> int:
    from patients.models import ContactPoint, Coverage, PatientIdentifier

    made = insert(
        ContactPoint,
        f"from generate_series(0, {count - 1}) i, lateral (select lpad((2000000 + ({HOME}))::text, 7, '0') as digits) d",
        id=f"pg_temp.key({PHONE}, i)",
        patient=f"pg_temp.key({PATIENT}, i)",
        kind="'phone'",
        use="'mobile'",
        value="'+1612' || digits",
        normalized="'+1612' || digits",
        last_four="right(digits, 4)",
        ok_to_message="true",
        permission_source="'Asked at registration'",
        permission_at="now() - interval '300 days'",
    )
    made += insert(
        Coverage,
        f"from generate_series(0, {count - 1}) i",
        id=f"pg_temp.key({COVERAGE}, i)",
        patient=f"pg_temp.key({PATIENT}, i)",
        payer_name="case i % 3 when 0 then 'HealthNorth Plus' when 1 then 'Prairie Community Plan' else 'Medicare' end",
        member_id="'HN' || (10000000 + i)",
    )
    return made + insert(
        PatientIdentifier,
        f"from generate_series(0, {count - 1}) i",
        id=f"pg_temp.key({NUMBER}, i)",
        patient=f"pg_temp.key({PATIENT}, i)",
        kind="'MB'",
        system="'urn:bench:member'",
        value="'HN' || (10000000 + i)",
    )


def _visits(clinic: Clinic, count: int) -> int:
    """The j-th patient of a site sees provider j % 20 in that provider's j / 20-th taken half hour."""
    from scheduling.models import Appointment

    visits = min(count, MOST_VISITS)
    per_provider = -(-visits // (SITES * PRACTITIONERS_PER_SITE))
    days = clinic.open_days(-(-per_provider // TAKEN_A_DAY))
    return insert(
        Appointment,
        f"""from (select i, k, ({array(days, "date")})[1 + k / {TAKEN_A_DAY}] as day,
                    (k % {TAKEN_A_DAY}) / 3 * 4 + k % 3 as slot
               from (select i, i / {SITES} / {PRACTITIONERS_PER_SITE} as k from generate_series(0, {visits - 1}) i) a) b,
            lateral (select (day + time '08:00' + slot * interval '30 minutes'
                             + case when slot >= 8 then interval '1 hour' else interval '0' end) at time zone '{ZONE}' as begins) c""",
        id=f"pg_temp.key({VISIT}, i)",
        patient=f"pg_temp.key({PATIENT}, i)",
        site=site_of(clinic),
        practitioner=of_site(clinic.practitioners, f"i / {SITES}", "uuid"),
        service=f"({array(clinic.services, 'uuid')})[1 + i % {len(clinic.services)}]",
        start="begins",
        end="begins + interval '30 minutes'",
        zone=f"'{ZONE}'",
        status="""case when begins > now() then 'booked' when i % 12 = 5 then 'no_show' when i % 14 = 3 then 'cancelled'
                       else 'fulfilled' end""",
        cancelled_by="case when begins <= now() and i % 12 <> 5 and i % 14 = 3 then 'patient' else '' end",
        booked_at="begins - interval '20 days'",
    )


def _tasks(clinic: Clinic, count: int) -> int:
    """Four a patient: one open (a fifth of them overdue), three done."""
    from careplans.models import Task, TaskInterval

    source = f"""from (select n, n / 4 as i, n % 4 as part, now() - ((n * 13) % 38400) * interval '15 minutes' as opened
                         from generate_series(0, {count * 4 - 1}::bigint) n) g"""
    made = insert(
        Task,
        source,
        id=f"pg_temp.key({TASK}, n)",
        patient=f"pg_temp.key({PATIENT}, i)",
        site=site_of(clinic),
        kind="(array['outreach_call', 'book_visit', 'paperwork', 'results', 'plan_review'])[1 + n % 5]",
        title="(array['Monthly call', 'Book a follow-up visit', 'Disability form', 'Tell the lab results', 'Plan review'])[1 + n % 5]",
        reason="'Made by the generator'",
        status="case when part = 0 then 'ready' else 'completed' end",
        owner=f"case when part = 0 and i % 40 = 3 then null else {of_site(clinic.coordinators, f'i / {SITES}', 'bigint')} end",
        team=f"case when part = 0 and i % 40 = 3 then ({array(clinic.teams, 'uuid')})[1 + i % {SITES}] end",
        due_at="""case when part = 0 and i % 5 = 0 then now() - (1 + i % 20) * interval '1 day'
                       else now() + (1 + i % 30) * interval '1 day' end""",
        opened_at="opened",
        ended_at="case when part = 0 then null else opened + interval '2 days' end",
        outcome="case when part = 0 then '' else 'Done' end",
    )
    return made + insert(
        TaskInterval,
        source,
        task=f"pg_temp.key({TASK}, n)",
        opened_at="opened",
        closed_at="case when part = 0 then null else opened + interval '2 days' end",
    )


def _contacts(clinic: Clinic, count: int) -> int:
    from careplans.models import ContactAttempt

    return insert(
        ContactAttempt,
        f"from (select n, n / 2 as i, n % 2 as part from generate_series(0, {count * 2 - 1}::bigint) n) g",
        id=f"pg_temp.key({CONTACT}, n)",
        patient=f"pg_temp.key({PATIENT}, i)",
        outcome="case part when 0 then 'reached_done' else 'no_answer' end",
        reached="part = 0",
        at="now() - ((i * 17) % 110 + part) * interval '1 day'",
        created_by=of_site(clinic.coordinators, f"i / {SITES}", "bigint"),
    )


def _clocks(clinic: Clinic, count: int) -> int:
    """One patient in twenty has a deadline set by a rule: some ahead, some met, some missed."""
    from coordinator.clocks.models import Clock, RuleVersion

    version = RuleVersion.objects.get(rule__key="tcm.contact", version=1)
    return insert(
        Clock,
        f"from (select n, n * 20 as i, now() + ((n % 40) - 30) * interval '12 hours' as due from generate_series(0, {count // 20 - 1}) n) g",
        id=f"pg_temp.key({CLOCK}, n)",
        subject_type="'careplans.task'",
        subject_id=f"pg_temp.key({TASK}, i::bigint * 4)",
        kind="'tcm.contact'",
        rule_version=f"'{version.pk}'",
        zone=f"'{ZONE}'",
        anchor_at="due - interval '2 days'",
        due_at="due",
        original_due_at="due",
        state="case when due > now() then 'running' when n % 2 = 0 then 'met' else 'missed' end",
        met_at="case when due <= now() and n % 2 = 0 then due - interval '3 hours' end",
        site=site_of(clinic),
        owner_user=of_site(clinic.coordinators, f"i / {SITES}", "bigint"),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Fill an empty, migrated database.")
    parser.add_argument("--patients", type=int, default=10_000)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordinator.settings")
    django.setup()
    if settings.PRODUCTION:
        raise SystemExit("The generator is refused when THROUGHLINE_ENV is production.")
    generate(options.patients)


if __name__ == "__main__":
    main()
