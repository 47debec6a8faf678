"""Reads for the pages of tasks and plans."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from careplans import rules
from careplans.models import CarePlan, ContactAttempt, Task
from careplans.permissions import can_assign, can_edit_plan, can_work
from careplans.workflow import OPEN, PlanStatus
from coordinator.accounts.models import Team, User
from coordinator.clocks.models import Clock
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.clocks.selectors import why as why_this_date
from patients.models import Allergy, ContactPoint, Patient, RelatedPerson, opened_to, owner_topics
from patients.workflow import PatientStatus

RECENT = 3


def whole_tasks() -> QuerySet[Task]:
    """Tasks with everything that their preview and its sentences need, in one query; the caller narrows them."""
    return Task.objects.select_related(
        "patient__site",
        "site__calendar",
        "owner",
        "team",
        "previous_owner",
        "clock__rule_version__rule",
    )


def hands(user: Any, site_ids: Iterable[Any]) -> tuple[dict[str, User], dict[str, Team]]:
    """Who work can be given to at these places: colleagues and team lists by the key of a choice (two queries)."""
    sites = [site for site in site_ids if site in user.site_ids]
    people = User.objects.visible_to(user).assignable().filter(sites__in=sites).distinct().order_by("name")
    teams = Team.objects.filter(site__in=sites)
    return {f"user:{one.pk}": one for one in people}, {f"team:{one.pk}": one for one in teams}


@dataclass
class TaskPreview:
    """What the preview of a task shows. At most 7 queries beside the task itself; lists are plain."""

    task: Task
    now: datetime
    may_work: bool = False
    may_assign: bool = False
    age: rules.Age | None = None
    clock: Clock | None = None
    why: list[str] = field(default_factory=list)
    offers: tuple[rules.Offer, ...] = ()
    allergies: list[Allergy] = field(default_factory=list)
    phones: list[ContactPoint] = field(default_factory=list)
    people: list[RelatedPerson] = field(default_factory=list)
    contacts: list[ContactAttempt] = field(default_factory=list)
    other_tasks: list[Task] = field(default_factory=list)
    hints: list[tuple[str, datetime]] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.task.status in OPEN

    @property
    def done_items(self) -> int:
        return sum(bool(item.get("done")) for item in self.task.checklist)


def task_preview(user: Any, task: Task, now: datetime) -> TaskPreview:
    """Everything beside a task that somebody needs before calling.

    `task` comes with patient and site, owner, team, clock and its rule (`whole_tasks`).
    """
    preview = TaskPreview(
        task,
        now,
        may_work=can_work(user, task),
        may_assign=can_assign(user, task),
        age=rules.age(task, now),
        clock=task.clock,
        why=why_this_date(task.clock) if task.clock else [],
        offers=rules.offers(task.attempts_made, task.attempts_planned, task.last_contact_outcome),
    )
    if task.patient is not None:
        _about_patient(preview, user, task.patient)
    return preview


def _about_patient(preview: TaskPreview, user: Any, patient: Patient) -> None:
    today = timezone.localdate(preview.now)
    preview.allergies = list(
        Allergy.objects.filter(patient=patient, status="active").order_by("-severity", "substance")
    )
    phones = ContactPoint.objects.filter(patient=patient, kind="phone", ended_at=None)
    preview.phones = list(phones.annotate(owner_topics=owner_topics(today)))
    people = RelatedPerson.objects.filter(patient=patient).exclude(ended_on__lte=today)
    preview.people = list(people.order_by("name"))
    contacts = ContactAttempt.objects.filter(patient=patient).select_related("created_by", "related_person")
    preview.contacts = list(contacts.order_by("-at")[:RECENT])
    others = Task.objects.visible_to(user).open().filter(patient=patient).exclude(pk=preview.task.pk)
    preview.other_tasks = list(others.order_by("due_at")[:5])
    if preview.may_work and preview.is_open:
        preview.hints = next_attempt_hints(preview.task, patient, preview.now)


def next_attempt_hints(task: Task, patient: Patient, now: datetime) -> list[tuple[str, datetime]]:
    """When the rule would have us try again, for the results without an answer: (result, moment)."""
    calendar = as_calendar(calendar_for(task.site))
    deadline = task.due_at if task.clock_id else None
    results = [
        (outcome, rules.after_contact(outcome, now, calendar, patient.zone, deadline=deadline).next_at)
        for outcome in ("no_answer", "busy")
    ]
    return [(outcome, at) for outcome, at in results if at is not None]


def history(record: Any) -> list[tuple[Any, str]]:
    """The history of a task or plan, oldest first, each row with its words (one query)."""
    return [(change, change_words(change.step)) for change in record.changes.select_related("by")]


def change_words(step: str) -> str:
    """ "Completed": what one row of a history says, in plain words."""
    words = {
        "create": _("Opened"),
        "assign": _("Assigned"),
        "receive": pgettext("task", "Seen"),
        "accept": _("Taken"),
        "reject": _("Handed back"),
        "reassign": _("Reassigned"),
        "hand_over": _("Reassigned"),
        "start": _("Started"),
        "snooze": _("Snoozed"),
        "wake": _("Woken"),
        "resume": _("Gone on with"),
        "complete": _("Completed"),
        "fail": _("Could not be done"),
        "cancel": _("Closed without doing"),
        "reopen": _("Reopened"),
        "edit": _("Edited"),
        "give_copy": _("Copy given"),
        "tick": _("Checklist item ticked"),
        "untick": _("Checklist item unticked"),
        "move_due": _("Due date moved"),
        "log_contact": _("Contact logged"),
        "follow_clock": _("Deadline moved with its rule"),
        "activate": _("Started"),
        "hold": pgettext("history", "Put on hold"),
        "revoke": _("Revoked"),
        "reinstate": _("Taken up again"),
        "review": _("Reviewed"),
        "enter_in_error": _("Entered in error"),
        "escalate": _("Escalated"),
    }
    return words.get(step, step.replace("_", " ").capitalize())


def plans_by_review(user: Any, today: date) -> QuerySet[CarePlan]:
    """Active plans this person may see, the ones due for review first, those without a date last."""
    plans = CarePlan.objects.visible_to(user).filter(
        status=PlanStatus.ACTIVE, patient__status=PatientStatus.ACTIVE
    )
    return plans.select_related("patient__site", "patient__coordinator").order_by(
        "next_review_on", "patient__search_name", "pk"
    )


def soon(today: date) -> date:
    """Reviews up to this day are "due soon"."""
    return today + timedelta(days=30)


def reviews_overdue(on: date) -> QuerySet[CarePlan]:
    """Active plans of active patients whose next review was to be before this day."""
    return CarePlan.objects.filter(
        status=PlanStatus.ACTIVE, next_review_on__lt=on, patient__status=PatientStatus.ACTIVE
    )


def reviews_without_task(on: date) -> QuerySet[CarePlan]:
    """Overdue reviews that never had a task for this very date, with what a task needs (one query)."""
    key: Any = Concat(
        Value("plan_review:"),
        Cast(OuterRef("pk"), CharField()),
        Value(":"),
        Cast(OuterRef("next_review_on"), CharField()),
    )
    had_one = Task.objects.filter(cause_id=OuterRef("pk"), dedupe_key=key)
    plans = reviews_overdue(on).filter(~Exists(had_one))
    return plans.select_related("patient__site", "patient__coordinator").order_by("next_review_on", "pk")


def open_of_patient(patient: Patient) -> QuerySet[Task]:
    """Everything open about a patient, snoozed and drafted tasks included, oldest first."""
    return Task.objects.open().filter(patient=patient).order_by("opened_at", "pk")


def plans_in_force(patient: Patient) -> QuerySet[CarePlan]:
    """Plans that somebody works by, those on hold included. Drafts promise nothing yet and stay."""
    plans = CarePlan.objects.filter(patient=patient, status__in=(PlanStatus.ACTIVE, PlanStatus.ON_HOLD))
    return plans.order_by("pk")


def plan_page(user: Any, plan: CarePlan, now: datetime) -> dict[str, Any]:
    """What the page of one plan shows: goals with their measurements and actions, and the steps they may take.

    At most 7 queries beside the plan, however many goals it has.
    """
    goals = list(
        plan.goals.exclude(status="entered_in_error")
        .prefetch_related("measurements")
        .order_by("due_on", "created_at")
    )
    actions = list(
        plan.interventions.exclude(status="entered_in_error")
        .select_related("responsible", "responsible_team")
        .order_by("due_on", "created_at")
    )
    may_edit = can_edit_plan(user, plan)
    for record in (*goals, *actions):
        record.next_steps = _offered(record) if may_edit else []
        record.may_be_error = may_edit and record.status != "entered_in_error"
    for goal in goals:
        goal.actions = [action for action in actions if action.goal_id == goal.pk]
        goal.values = [float(row.value) for row in goal.measurements.all()]
        goal.low, goal.high = _number(goal.target_low), _number(goal.target_high)
    return {
        "plan": plan,
        "patient": plan.patient,
        "goals": goals,
        "other_actions": [action for action in actions if action.goal_id is None],
        "problems": list(plan.problems.filter(opened_to(user)).order_by("name")),
        "steps": _offered(plan) if may_edit else [],
        "may_be_error": may_edit and plan.status != PlanStatus.ENTERED_IN_ERROR,
        "missing": missing_for_activation(plan) if plan.status == PlanStatus.DRAFT else [],
        "may_edit": may_edit and plan.status in (PlanStatus.DRAFT, PlanStatus.ACTIVE, PlanStatus.ON_HOLD),
        "history": history(plan)[::-1][:20],
        "now": now,
        "today": timezone.localdate(now),
    }


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _offered(record: Any) -> list[Any]:
    """The steps a person takes from here; correcting an error is not among the everyday ones."""
    return [step for step in record.workflow.steps_from(record.status) if step.name != "enter_in_error"]


def missing_for_activation(plan: CarePlan) -> list[str]:
    """What a plan still needs before it can start, in plain words; empty when complete."""
    actions = plan.interventions.exclude(status__in=("cancelled", "entered_in_error", "not_done"))
    someone = [a for a in actions if a.responsible_id or a.responsible_team_id or a.responsible_name]
    goals = plan.goals.exclude(status__in=("cancelled", "rejected", "entered_in_error"))
    checks = [
        (plan.problems.exists(), _("a problem it addresses")),
        (goals.exists(), _("a goal")),
        (bool(someone), _("an action with someone responsible")),
        (plan.next_review_on is not None, _("a next review date")),
        (plan.author_id is not None, _("an author")),
    ]
    if plan.program.upper() == "CCM":
        agreed = plan.agreed_on is not None and bool(plan.agreed_with)
        checks.append((agreed, _("when and with whom it was agreed (required for CCM)")))
    return [what for there, what in checks if not there]
