"""The patient's page: who this is, and the short lists around it. Reads only; a constant number of statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as lazy

from careplans import workflow as care
from careplans.models import CarePlan, Goal, GoalMeasurement, Intervention, Task
from coordinator.dashboard.models import PinnedPatient
from coordinator.db import planned_rows
from patients.labels import COUNT, counted
from patients.models import (
    ContactPoint,
    ContactWarning,
    Note,
    Patient,
    PatientStatus,
    ProviderUpdate,
    Result,
    opened,
    opened_to,
)
from patients.safe_contact import remember, safety
from patients.workflow import GONE
from referrals import workflow as referring
from referrals.models import PriorAuthorization, Referral
from scheduling.models import Appointment
from scheduling.workflow import UNBOOKED, UPCOMING, WITHOUT_OUTCOME

# The lists around the banner in one statement, by hand: built by the ORM they would be eleven.
FACTS = """
  'phones', (select coalesce(json_agg(row_to_json(x)), '[]') from (
      select id, kind, use, value, normalized, owner_name, owner_relationship, ok_to_message,
             ok_to_leave_voicemail, opted_out_at, failing_since,
             (select r.topics from patients_relatedperson r
               where r.patient_id = p.id and upper(r.name) = upper(owner_name) and r.name <> '' and not r.do_not_contact
                 and (r.ended_on is null or r.ended_on > %(now)s::date)
                 and (r.started_on is null or r.started_on <= %(now)s::date) limit 1) as owner_topics
        from patients_contactpoint where patient_id = p.id and ended_at is null
       order by kind desc, failing_since is not null, rank, created_at limit 12) x),
  'allergies', (select coalesce(json_agg(row_to_json(x)), '[]') from (
      select id, substance, reaction, severity, last_checked_on from patients_allergy
       where patient_id = p.id and status = 'active'
       order by array_position(array['severe', 'moderate', 'mild', ''], severity::text), substance limit 50) x),
  'coverages', (select coalesce(json_agg(row_to_json(x)), '[]') from (
      select id, payer_name, plan_name, line_of_business, member_id, rank, starts_on, ends_on, checked_at
        from patients_coverage where patient_id = p.id and status = 'active' order by rank limit 8) x),
  'team', (select coalesce(json_agg(row_to_json(x)), '[]') from (
      select m.id, m.role, m.is_lead, m.started_on, coalesce(
               nullif(concat_ws(', ', u.name, nullif(u.credentials, '')), ''),
               nullif(concat_ws(', ', nullif(trim(concat(d.given_name, ' ', d.family_name)), ''),
                                nullif(d.credentials, '')), ''),
               o.name, m.name) as name
        from patients_careteammember m
        left join accounts_user u on u.id = m.user_id
        left join accounts_practitioner d on d.id = m.practitioner_id
        left join accounts_organization o on o.id = m.organization_id
       where m.patient_id = p.id and m.ended_on is null order by m.is_lead desc, m.role limit 20) x),
  'family', (select coalesce(json_agg(row_to_json(x)), '[]') from (
      select id, name, relationship, authority, phone, email, language, topics, is_emergency_contact,
             do_not_contact
        from patients_relatedperson
       where patient_id = p.id and (ended_on is null or ended_on > %(now)s::date)
       order by is_emergency_contact desc, name limit 20) x),
  'warnings', (select coalesce(json_agg(row_to_json(x)), '[]') from (
      select w.id, w.kind, w.calls_from, w.calls_until, w.text, w.is_sensitive,
             c.kind as point_kind, c.value as point_value, c.normalized as point_normalized
        from patients_contactwarning w left join patients_contactpoint c on c.id = w.contact_point_id
       where w.patient_id = p.id and w.ended_at is null order by w.created_at) x),
  'protected', (select coalesce(json_agg(row_to_json(x)), '[]') from (COUNT_OF_LABELS) x),
  'namesakes', (select coalesce(json_agg(row_to_json(x)), '[]') from (
      select n.id, n.family_name, n.given_name, n.birth_date from patients_patient n
       where n.site_id = any(%(sites)s::uuid[]) and n.search_name = p.search_name and n.id <> p.id
         and n.status <> all(%(gone)s) and not n.is_restricted order by n.birth_date limit 4) x),
  'household', (select coalesce(json_agg(row_to_json(x)), '[]') from (
      select distinct n.id, n.family_name, n.given_name, n.birth_date
        from patients_contactpoint c
        join patients_contactpoint o on o.normalized = c.normalized and o.patient_id <> c.patient_id
        join patients_patient n on n.id = o.patient_id
       where c.patient_id = p.id and c.kind = 'phone' and c.normalized <> '' and c.ended_at is null
         and o.ended_at is null and n.site_id = any(%(sites)s::uuid[]) and n.status <> all(%(gone)s)
         and not n.is_restricted order by n.birth_date limit 6) x),
  'counts', json_build_object(
      'tasks', (select count(*) from careplans_task where patient_id = p.id
                 and site_id = any(%(sites)s::uuid[])
                 and status = any(%(task_open)s)),
      'appointments', (select count(*) from scheduling_appointment where patient_id = p.id
                 and site_id = any(%(sites)s::uuid[]) and status = any(%(upcoming)s)
                 and start > %(now)s),
      'referrals', (select count(*) from referrals_referral where patient_id = p.id
                 and site_id = any(%(sites)s::uuid[]) and loop_closed_at is null
                 and status = any(%(referral_open)s)),
      'notes', (select count(*) from patients_note n where patient_id = p.id and status = 'current' and OPENED_N),
      'documents', (select count(*) from patients_document d
                 where patient_id = p.id and status <> 'entered_in_error' and OPENED_D))
"""
CLINICAL = """
  'problems', (select coalesce(json_agg(row_to_json(x)), '[]') from (
      select id, name, code, status, onset_on, source, last_checked_on from patients_problem b
       where patient_id = p.id and status = 'active' and OPENED_B
       order by onset_on desc nulls last, name limit 60) x),
  'medications', (select coalesce(json_agg(row_to_json(x)), '[]') from (
      select id, name, how_taken, status, started_on, prescriber_name, last_checked_on
        from patients_medication m
       where patient_id = p.id and status in ('active', 'on_hold') and OPENED_M
       order by name limit 60) x),
  'aside', (select coalesce(json_agg(row_to_json(x)), '[]') from (
      select g.gap, g.until as until_on, g.reason, u.name as by
        from dashboard_gapdecision g join accounts_user u on u.id = g.by_id
       where g.patient_id = p.id and g.ended_at is null and (g.until is null or g.until >= %(now)s::date)
       order by g.at) x),
  'has', json_build_object(
      'plans', exists (select 1 from careplans_careplan where patient_id = p.id),
      'authorizations', exists (select 1 from referrals_priorauthorization where patient_id = p.id),
      'updates', exists (select 1 from patients_providerupdate where patient_id = p.id),
      'results', exists (select 1 from patients_result r where patient_id = p.id and OPENED_R))
"""

# What is labelled and withheld from the reader is neither listed nor counted.
FACTS = FACTS.replace("OPENED_N", opened("n")).replace("OPENED_D", opened("d"))
FACTS = FACTS.replace("COUNT_OF_LABELS", COUNT)
CLINICAL = (
    CLINICAL.replace("OPENED_B", opened("b"))
    .replace("OPENED_M", opened("m"))
    .replace("OPENED_R", opened("r"))
)


def chart_patients() -> QuerySet[Patient]:
    """Patients with what the banner names; narrow it with visible_to()."""
    return Patient.objects.select_related("site", "coordinator", "primary_care")


def facts(user: Any, patient: Patient, now: datetime, *, clinical: bool = False) -> SimpleNamespace:
    """phones, allergies, coverages, team, family, warnings, namesakes, household (who shares a phone; lists of rows), protected and counts, in one statement.

    `clinical` adds active problems, present medications, prompts set aside (gap, until_on, reason, by), and `has`: of what there is anything to ask for. Dates are dates, moments are UTC datetimes. Counts and namesakes stay inside the person's sites.
    """
    statuses = {
        "task_open": care.OPEN, "upcoming": UPCOMING, "referral_open": referring.OPEN, "gone": GONE,
    }  # fmt: skip
    params = {
        "patient": patient.pk,
        "sites": [str(site) for site in user.site_ids],
        "now": now,
        "reader": user.pk,
        **{name: [str(status) for status in group] for name, group in statuses.items()},
    }
    lists = f"{FACTS}, {CLINICAL}" if clinical else FACTS
    statement = f"select json_build_object({lists}) from patients_patient p where p.id = %(patient)s"  # noqa: S608
    ((answer,),) = planned_rows(statement, params)
    found = _plain(answer)
    found.warnings = [_warning(row) for row in found.warnings]
    found.protected = counted((row.label, row.is_open, row.count) for row in found.protected)
    remember(patient, found.warnings)
    # Numbers that may be used come first.
    found.phones.sort(key=lambda p: safety(patient).is_unsafe_at(p.kind, p.normalized or p.value))
    return found


def _warning(row: SimpleNamespace) -> ContactWarning:
    """A warning with the number it names, as the rules of safe contact read them."""
    point = row.point_kind and ContactPoint(
        kind=row.point_kind, value=row.point_value, normalized=row.point_normalized
    )
    names = ("id", "kind", "calls_from", "calls_until", "text", "is_sensitive")
    return ContactWarning(contact_point=point or None, **{name: getattr(row, name) for name in names})


def _plain(value: Any, name: str = "") -> Any:
    """JSON from the database as objects; names ending in _on or _date are dates, in _at or _since moments."""
    if isinstance(value, dict):
        return SimpleNamespace(**{k: _plain(v, k) for k, v in value.items()})
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, str) and name.endswith(("_on", "_date")):
        return parse_date(value)
    if isinstance(value, str) and name.endswith(("_at", "_since")):
        return parse_datetime(value)
    return value


def with_pin(patients: QuerySet[Patient], user: Any) -> QuerySet[Patient]:
    return patients.annotate(pinned=Exists(PinnedPatient.objects.filter(user=user, patient=OuterRef("pk"))))


def pinned(user: Any, limit: int = 8) -> list[Patient]:
    """Patients the person keeps in the rail, latest pin first; only those they may still see."""
    if not user.can("patients.view"):
        return []
    pins = PinnedPatient.objects.filter(user=user, patient__in=Patient.objects.visible_to(user))
    shown = (f"patient__{name}" for name in ("family_name", "given_name", "preferred_name", "birth_date"))
    return [pin.patient for pin in pins.select_related("patient").only(*shown)[:limit]]


# --- care plan ------------------------------------------------------------------------------------------

SHOWN_PLANS = (care.PlanStatus.ACTIVE, care.PlanStatus.ON_HOLD, care.PlanStatus.DRAFT)
HIDDEN_GOALS = (care.GoalStatus.ENTERED_IN_ERROR, care.GoalStatus.CANCELLED, care.GoalStatus.REJECTED)
HIDDEN_STEPS = (care.InterventionStatus.ENTERED_IN_ERROR, care.InterventionStatus.CANCELLED)
GOALS, STEPS, MEASURES = 12, 60, 12


GOAL_TONES = {
    **dict.fromkeys(("improving", "achieved", "sustaining"), "ok"),
    **dict.fromkeys(("worsening", "not_achieved", "no_progress", "not_attainable"), "warn"),
}


@dataclass(frozen=True)
class Look:
    """How an action shows: an icon and, for exceptions only, a tone."""

    icon: str
    tone: str = ""


def step_look(step: Intervention, today: date) -> Look:
    if step.status == care.InterventionStatus.DONE:
        return Look("check", "ok")
    if step.status == care.InterventionStatus.NOT_DONE:
        return Look("x")
    if step.due_on and step.due_on < today:
        return Look("alert", "danger")
    return Look("half" if step.status == care.InterventionStatus.IN_PROGRESS else "circle")


@dataclass
class PlanView:
    """A plan with its goals; each goal carries steps (actions) and readings (oldest first)."""

    plan: CarePlan
    goals: list[Goal]
    loose_steps: list[Intervention]


def care_plans(user: Any, patient: Patient, now: datetime, *, every: bool = False) -> list[PlanView]:
    """Plans in force (or every one), newest first, in three statements; one when there is none."""
    plans = CarePlan.objects.visible_to(user).filter(patient=patient).exclude(status="entered_in_error")
    if not every:
        plans = plans.filter(status__in=SHOWN_PLANS)
    found = list(
        plans.select_related("author").order_by("status", "-starts_on", "-created_at")[: 50 if every else 3]
    )
    if not found:
        return []
    keys = [plan.pk for plan in found]
    today = today_of(patient, now)
    goals = list(_goals(keys)[: GOALS * (8 if every else 1)])
    steps: dict[Any, list[Intervention]] = {}
    for step in _steps(keys)[: STEPS * (8 if every else 1)]:
        step.look = step_look(step, today)  # type: ignore[attr-defined]
        steps.setdefault(step.goal_id or step.plan_id, []).append(step)
    for goal in goals:
        goal.steps = steps.get(goal.pk, [])  # type: ignore[attr-defined]
        goal.tone = GOAL_TONES.get(goal.achievement_status, "")  # type: ignore[attr-defined]
        _measure(goal)
    return [
        PlanView(plan, [g for g in goals if g.plan_id == plan.pk], steps.get(plan.pk, [])) for plan in found
    ]


def _measure(goal: Any) -> None:
    """readings (oldest first) and what the small line draws: numbers and the goal's band."""
    goal.readings = [_plain(row) for row in reversed(goal.measured)]
    goal.line = [float(reading.value) for reading in goal.readings]
    goal.low = None if goal.target_low is None else float(goal.target_low)
    goal.high = None if goal.target_high is None else float(goal.target_high)


def _goals(plans: list[Any]) -> QuerySet[Goal]:
    measured = GoalMeasurement.objects.filter(goal=OuterRef("pk")).order_by("-measured_on", "-created_at")
    row = JSONObject(measured_on="measured_on", value="value", unit="unit")
    return (
        Goal.objects.filter(plan__in=plans)
        .exclude(status__in=HIDDEN_GOALS)
        .annotate(measured=ArraySubquery(measured.values(row=row)[:MEASURES]))
        .order_by("due_on", "created_at")
    )


def _steps(plans: list[Any]) -> QuerySet[Intervention]:
    return (
        Intervention.objects.filter(plan__in=plans)
        .exclude(status__in=HIDDEN_STEPS)
        .select_related("responsible", "responsible_team")
        .order_by("due_on", "created_at")
    )


# --- work, visits, referrals ------------------------------------------------------------------------------


def open_tasks(user: Any, patient: Patient, limit: int = 8) -> list[Task]:
    tasks = Task.objects.visible_to(user).filter(patient=patient).open()
    return list(tasks.select_related("owner", "team").order_by("due_at", "id")[:limit])


def ended_tasks(user: Any, patient: Patient, limit: int = 50) -> list[Task]:
    tasks = Task.objects.visible_to(user).filter(patient=patient, ended_at__isnull=False)
    return list(tasks.select_related("owner", "team").order_by("-ended_at")[:limit])


@dataclass
class Visits:
    """`unbooked`: needed, without a time. `ahead`: soonest first. `past`: latest first, no-shows among them."""

    unbooked: list[Appointment]
    ahead: list[Appointment]
    past: list[Appointment]

    @property
    def missed(self) -> list[Appointment]:
        """Kept visible on the summary: somebody has to call about them."""
        return [visit for visit in self.past if visit.status == "no_show"][:3]


def visits(user: Any, patient: Patient, now: datetime, limit: int = 30) -> Visits:
    """The latest visits of this patient by start, in one statement."""
    rows = Appointment.objects.visible_to(user).filter(patient=patient)
    rows = rows.select_related("service", "practitioner", "site").order_by("-start")[:limit]
    found = Visits([], [], [])
    for row in rows:
        if row.status in UNBOOKED:
            found.unbooked.append(row)
        elif row.start >= now and row.status in WITHOUT_OUTCOME:
            found.ahead.insert(0, row)
        else:
            found.past.append(row)
    return found


def referrals(user: Any, patient: Patient, *, every: bool = False, limit: int = 8) -> list[Referral]:
    """Open ones by what is due first; every one newest first."""
    rows = Referral.objects.visible_to(user).filter(patient=patient)
    rows = rows.order_by("-created_at") if every else rows.open().order_by("due_at", "created_at")
    return list(rows.select_related("recipient", "recipient_organization", "owner")[:limit])


def authorizations(
    user: Any, patient: Patient, *, every: bool = False, limit: int = 8
) -> list[PriorAuthorization]:
    rows = PriorAuthorization.objects.visible_to(user).filter(patient=patient)
    rows = rows.exclude(status="entered_in_error") if every else rows.open()
    return list(
        rows.select_related("payer", "clock__rule_version__rule").order_by("due_at", "created_at")[:limit]
    )


# --- results ------------------------------------------------------------------------------------------------

# HL7 interpretation codes in words; normal is silent.
FLAGS = {
    "H": (lazy("high"), "warn"),
    "HH": (lazy("very high"), "danger"),
    "L": (lazy("low"), "warn"),
    "LL": (lazy("very low"), "danger"),
    "A": (lazy("abnormal"), "warn"),
    "AA": (lazy("very abnormal"), "danger"),
}


def latest_results(user: Any, patient: Patient, limit: int = 8) -> list[Result]:
    """The newest value of each test, newest first, each with `before`: the value before it.

    Reads the 400 newest values: enough for what a chart shows, whatever an import brought.
    """
    rows = Result.objects.filter(opened_to(user), patient=patient, taken_at__isnull=False).exclude(
        status="entered_in_error"
    )
    latest: dict[str, Result] = {}
    for row in rows.order_by("-taken_at")[:400]:
        known = latest.setdefault(row.code or row.name, row)
        if known is not row and not hasattr(known, "before"):
            known.before = row  # type: ignore[attr-defined]
    shown: list[Any] = list(latest.values())[:limit]
    for result in shown:
        result.flag, result.tone = FLAGS.get(result.interpretation.upper(), ("", ""))
    return shown


def notes(user: Any, patient: Patient, limit: int = 100) -> list[Note]:
    """Newest first; those taken back stay, with their reason."""
    rows = Note.objects.filter(opened_to(user), patient=patient).select_related(
        "created_by", "report_to", "acknowledged_by", "provider_update"
    )
    return list(rows.order_by("-created_at")[:limit])


def provider_updates(user: Any, patient: Patient, limit: int = 50) -> list[ProviderUpdate]:
    """Newest first; those taken back stay, with their state."""
    rows = (
        ProviderUpdate.objects.visible_to(user)
        .filter(patient=patient)
        .select_related("report_to", "note", "created_by")
    )
    return list(rows.order_by("-created_at")[:limit])


def is_closed(patient: Patient) -> bool:
    """No outreach: the record is for reading."""
    return patient.status == PatientStatus.DECEASED


def today_of(patient: Patient, now: datetime) -> date:
    return now.astimezone(patient.site.tzinfo).date()
