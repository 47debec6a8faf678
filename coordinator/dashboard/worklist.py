"""The worklist behind My work: which tasks, in which order and groups, and how many. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import (
    Case,
    Count,
    DateTimeField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from careplans import rules
from careplans.models import Task, TaskChange, TaskKind
from careplans.rules import Group
from careplans.workflow import ENDED, WORKABLE, TaskStatus
from coordinator.accounts.models import Delegation, Team, User
from coordinator.dashboard.overnight import Overnight, count_new, last_close, new_ones
from coordinator.dashboard.work_rows import Heading, Row
from coordinator.wording import language_name, short_day
from patients.models import ContactPoint, Patient, owner_topics
from patients.rules.text import fold
from patients.safe_contact import with_safety

PAGE = 50
MOMENT = timedelta(microseconds=1)
FAR = datetime(9999, 1, 1, tzinfo=ZoneInfo("UTC"))
LONG_AGO = datetime(1, 1, 2, tzinfo=ZoneInfo("UTC"))

VIEWS = {
    "todo": _("To do"),
    "waiting": _("Waiting on others"),
    "snoozed": _("Snoozed"),
    "pool": _("Team pool"),
    "done": _("Done today"),
}
GROUPINGS = {"": _("Urgency"), "patient": _("Patient"), "kind": _("Type")}
DUE = {
    "clock": (Group.ON_THE_CLOCK,),
    "overdue": (Group.OVERDUE,),
    "today": (Group.TODAY,),
    "week": (Group.NEXT_7_DAYS,),
    "later": (Group.LATER,),
    "none": (Group.NO_DEADLINE,),
}
# Columns that may be chosen; task and patient are always there, because a row without them says nothing.
COLUMNS: dict[str, Any] = {
    "due": _("Due"),
    "touch": _("Last contact"),
    "kind": _("Type"),
    "program": _("Program"),
    "status": _("Status"),
    "owner": _("Owner"),
    "language": _("Language"),
    "age": _("Age"),
}
USUAL_COLUMNS = ("due", "touch")
SORTS = ("due", "title", "patient", "touch")


@dataclass(frozen=True)
class Wanted:
    """What somebody asked the list for. `text` never comes from the address; `owner` is whose list, None for one's own."""

    view: str = "todo"
    kind: str = ""
    program: str = ""
    language: str = ""
    due: str = ""
    group: str = ""
    sort: str = ""
    status: str = ""
    team: Team | None = None
    patient: Patient | None = None
    text: str = ""
    owner: User | None = None
    new: str = ""  # what is new since the place closed (overnight.COUNTED)
    everybody: bool = False  # the lists of all colleagues, for those who may open them

    @property
    def narrowed(self) -> bool:
        words = (self.kind, self.program, self.language, self.due, self.status, self.new, self.text)
        return any(words) or bool(self.team or self.patient)


@dataclass
class Worklist:
    """One list for one person at one moment. Every property is read once."""

    user: User
    wanted: Wanted
    now: datetime
    rows: list[Row] = field(default_factory=list)
    more: bool = False
    columns: tuple[str, ...] = USUAL_COLUMNS

    @property
    def extra_columns(self) -> list[tuple[str, Any]]:
        """Chosen columns beyond the usual ones, with their heads."""
        return [(name, COLUMNS[name]) for name in self.columns if name not in USUAL_COLUMNS]

    @property
    def width(self) -> int:
        """How many columns stand before those of the last contact and the menu."""
        fixed = 2 if self.read_only else 3
        return fixed + ("due" in self.columns)

    @cached_property
    def zone(self) -> str:
        return str(timezone.get_current_timezone())

    @property
    def read_only(self) -> bool:
        return not self.user.can("tasks.work")

    @property
    def grouping(self) -> str:
        """ "urgency", "patient", "kind" or "" for a flat list (sorted by a column, or a view without deadlines)."""
        if self.wanted.sort or self.wanted.view in ("snoozed", "done"):
            return ""
        return self.wanted.group or "urgency"

    # --- which tasks ---

    def base(self, view: str) -> QuerySet[Task]:
        """The tasks of one view, before filters."""
        visible = Task.objects.visible_to(self.user)
        if view == "pool":
            return visible.workable().filter(owner=None)
        if self.read_only:
            mine = visible.filter(self._own_patients())
        elif self.wanted.everybody:
            mine = visible.exclude(owner=None)
        else:
            mine = visible.filter(self._own_or_covered())
        if view == "snoozed":
            return mine.filter(status=TaskStatus.ON_HOLD)
        if view == "done":
            today = datetime.combine(timezone.localdate(self.now), time.min, ZoneInfo(self.zone))
            return mine.filter(status__in=ENDED, ended_at__gte=today)
        waiting = ~Q(waiting_on="") if view == "waiting" else Q(waiting_on="")
        return mine.workable().filter(waiting)

    @cached_property
    def covers(self) -> list[Delegation]:
        """Whom this person stands in for at this moment, for everything or for single tasks (at most two queries)."""
        if self.read_only or self.wanted.owner is not None:
            return []
        found = Delegation.objects.during(self.now, self.now + MOMENT).of_delegate(self.user)
        return list(found.select_related("person").prefetch_related("parts"))

    def _own_or_covered(self) -> Q:
        """One's own tasks and those of colleagues on leave, as their cover says: owners never change for it."""
        mine = Q(owner=self.wanted.owner or self.user)
        for cover in self.covers:
            singly = {part.record_id: part.delegate_id for part in cover.parts.all()}
            given = [key for key, delegate in singly.items() if delegate == self.user.pk]
            others = [key for key, delegate in singly.items() if delegate != self.user.pk]
            theirs = ~Q(pk__in=others) if cover.delegate_id == self.user.pk else Q(pk__in=given)
            mine |= Q(owner=cover.person_id) & theirs
        return mine

    def standing_in(self, task: Task) -> str:
        """ "for Dana Whitfield until Nov 28" at a task of somebody on leave, else ""."""
        cover = next((one for one in self.covers if one.person_id == task.owner_id), None)
        if cover is None:
            return ""
        until = short_day(cover.last_day, timezone.localdate(self.now))
        return gettext("for %(name)s until %(day)s") % {"name": cover.person.name, "day": until}

    def _own_patients(self) -> Q:
        """Who reads without working sees what was put to them and the tasks of their own patients, or of the place."""
        doctor = self.user.practitioner_id
        return Q(owner=self.user) | Q(patient__primary_care=doctor) if doctor else Q()

    def ranked(self, tasks: QuerySet[Task]) -> QuerySet[Task]:
        """With `rank`, the number of the group: the same rule as careplans.rules.group_of, in SQL."""
        limit = rules.bounds(self.now, self.zone)
        near_clock = Q(clock__isnull=False, due_at__lte=limit.week_ends)
        return tasks.annotate(
            rank=Case(
                When(due_at=None, then=Value(int(Group.NO_DEADLINE))),
                When(near_clock, then=Value(int(Group.ON_THE_CLOCK))),
                When(due_at__lt=limit.now, then=Value(int(Group.OVERDUE))),
                When(due_at__lte=limit.today_ends, then=Value(int(Group.TODAY))),
                When(due_at__lte=limit.week_ends, then=Value(int(Group.NEXT_7_DAYS))),
                default=Value(int(Group.LATER)),
                output_field=IntegerField(),
            )
        )

    def filtered(self, tasks: QuerySet[Task]) -> QuerySet[Task]:
        wanted = self.wanted
        if wanted.kind:
            tasks = tasks.filter(kind=wanted.kind)
        if wanted.status:
            tasks = tasks.filter(status=wanted.status)
        if wanted.team:
            tasks = tasks.filter(team=wanted.team)
        if wanted.patient:
            tasks = tasks.filter(patient=wanted.patient)
        if wanted.program:
            tasks = tasks.filter(program=wanted.program)
        if wanted.language:
            tasks = tasks.filter(patient__language=wanted.language)
        if wanted.new and self.since:
            tasks = tasks.filter(new_ones(wanted.new, self.since, self.user))
        if wanted.due in DUE:
            tasks = tasks.filter(rank__in=DUE[wanted.due])
        for word in fold(wanted.text).split()[:6]:
            tasks = tasks.filter(Q(patient__search_name__contains=word) | Q(title__icontains=word))
        return tasks

    @cached_property
    def tasks(self) -> QuerySet[Task]:
        return self.filtered(self.ranked(self.base(self.wanted.view)))

    # --- what is new ---

    @cached_property
    def since(self) -> datetime | None:
        """When the last business day of the person's place ended (one query); None for somebody without a place."""
        return last_close(self.user.site, self.now) if self.user.site else None

    @cached_property
    def overnight(self) -> Overnight:
        """What is new on one's own list, colleagues covered for included (one query); nothing on anybody else's."""
        if self.read_only or self.wanted.owner or self.wanted.everybody or self.since is None:
            return Overnight("")
        return count_new(self.base("todo"), self.since, self.user, self.wanted.new)

    # --- how many ---

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many tasks stand in each view, whatever the filters (one statement)."""
        views = ("todo", "pool") if self.read_only else tuple(VIEWS)
        each = [
            self.base(view)
            .order_by()
            .annotate(view=Value(view))
            .values("view")
            .annotate(n=Count("pk"))
            .values_list("view", "n")
            for view in views
        ]
        found = dict(each[0].union(*each[1:], all=True))
        return {view: found.get(view, 0) for view in views}

    @cached_property
    def facets(self) -> dict[str, list[tuple[str, str]]]:
        """The programs and languages that occur in this view, to choose from (one query)."""
        occurring = self.base(self.wanted.view).order_by().values_list("program", "patient__language")
        pairs = list(occurring.distinct()[:300])
        programs = {program for program, _language in pairs if program} | ({self.wanted.program} - {""})
        languages = {code for _program, code in pairs if code} | ({self.wanted.language} - {""})
        return {
            "program": [(program, program) for program in sorted(programs)],
            "language": sorted(((code, language_name(code)) for code in languages), key=lambda pair: pair[1]),
        }

    @cached_property
    def choices(self) -> dict[str, list[tuple[str, str]]]:
        """Team lists and, for those who open them, colleagues to choose from (two queries at most).

        A team has how many tasks wait in its pool beside its name.
        """
        waiting = Count("tasks", filter=Q(tasks__owner=None, tasks__status__in=WORKABLE))
        teams = Team.objects.filter(site__in=self.user.site_ids).annotate(n=waiting).order_by("name")
        names = {
            str(team.pk): f"{team.name} ({team.n})" if self.wanted.view == "pool" else team.name
            for team in teams
        }
        people: list[tuple[str, str]] = []
        if self.user.can("team.view") and not self.read_only:
            colleagues = User.objects.visible_to(self.user).assignable().exclude(pk=self.user.pk)
            people = [(str(one.pk), one.name) for one in colleagues.order_by("name")]
        return {"team": list(names.items()), "owner": people}

    @cached_property
    def group_counts(self) -> dict[Any, int]:
        """How many tasks stand in each group after the filters, by rank or type (one query)."""
        key = "kind" if self.grouping == "kind" else "rank"
        return dict(self.tasks.order_by().values(key).annotate(n=Count("pk")).values_list(key, "n"))

    @property
    def total(self) -> int:
        return sum(self.group_counts.values())

    # --- in which order ---

    def _order(self) -> list[tuple[str, bool]]:
        """Names of annotations to order by, each with "descending"; the key at the end makes it total."""
        sort = self.wanted.sort.lstrip("-")
        down = self.wanted.sort.startswith("-")
        if self.wanted.view == "done":
            keys = [("ended_key", True)]
        elif self.wanted.view == "snoozed":
            keys = [("wake_key", False)]
        elif sort in SORTS:
            keys = [(f"{sort}_key", down)]
        elif self.wanted.group == "patient":
            keys = [
                ("patient_key", False),
                ("born_key", False),
                ("patient_id_key", False),
                ("due_key", False),
            ]
        elif self.wanted.group == "kind":
            keys = [("kind", False), ("due_key", False)]
        else:
            keys = [("rank", False), ("due_key", False)]
        return [*keys, ("pk", False)]

    def ordered(self, tasks: QuerySet[Task]) -> QuerySet[Task]:
        far = Value(FAR, DateTimeField())
        ago = Value(LONG_AGO, DateTimeField())
        tasks = tasks.annotate(
            due_key=Coalesce("due_at", far),
            wake_key=Coalesce("wake_at", far),
            ended_key=Coalesce("ended_at", ago),
            touch_key=Coalesce("last_contact_at", ago),
            patient_key=Coalesce("patient__search_name", Value("")),
            title_key=F("title"),
        )
        if self.wanted.group == "patient":
            tasks = tasks.annotate(
                patient_id_key=Coalesce(F("patient_id"), Value(UUID(int=0))),
                born_key=Coalesce("patient__birth_date", Value(FAR.date())),
            )
        return tasks.order_by(*(f"-{name}" if down else name for name, down in self._order()))

    def after(self, tasks: QuerySet[Task], key: UUID) -> QuerySet[Task]:
        """The rows that come after the task with this key, wherever it stands by now."""
        names = [name for name, _down in self._order()]
        everything = self.ordered(self.ranked(Task.objects.visible_to(self.user)))
        mark = everything.filter(pk=key).values_list(*names).first()
        if mark is None:
            return tasks
        beyond, same = Q(pk__in=[]), Q()
        for (name, down), value in zip(self._order(), mark, strict=True):
            beyond |= same & Q(**{f"{name}__{'lt' if down else 'gt'}": value})
            same &= Q(**{name: value})
        return tasks.filter(beyond)

    # --- the page ---

    def read(self, after: UUID | None = None, size: int = PAGE) -> Worklist:
        """Read one page of rows with their headings: one query, and one more to find the place to go on from."""
        tasks = self.ordered(self.tasks).select_related("patient", "team", "owner", "previous_owner")
        previous = None
        if after is not None:
            tasks = self.after(tasks, after)
            previous = self.ranked(Task.objects.visible_to(self.user)).filter(pk=after).first()
        found = list(tasks[: size + 1])
        self.more = len(found) > size
        self.rows = self._with_headings(found[:size], previous)
        return self

    def call_list(self, chosen: list[UUID], most: int = 200) -> list[Task]:
        """Tasks with the patients' numbers for paper: the chosen ones, or the whole list up to `most` (3 queries)."""
        tasks = (
            self.ranked(Task.objects.visible_to(self.user).filter(pk__in=chosen)) if chosen else self.tasks
        )
        phones = ContactPoint.objects.filter(kind="phone", ended_at=None, failing_since=None)
        phones = phones.annotate(owner_topics=owner_topics(self.now.date()))
        found = self.ordered(tasks).select_related("patient", "owner", "team", "previous_owner")
        listed = list(
            found.prefetch_related(Prefetch("patient__contact_points", phones, to_attr="phones"))[:most]
        )
        with_safety(task.patient for task in listed)
        return listed

    def row(self, task_id: UUID, gone: str = "") -> Row | None:
        """One row as it stands now, or None when it is no longer in this list (then `gone` keeps it, greyed)."""
        source = self.ranked(Task.objects.visible_to(self.user)) if gone else self.tasks
        task = source.filter(pk=task_id).select_related("patient", "team", "owner", "previous_owner").first()
        return Row(task, gone=gone, standing_in=self.standing_in(task)) if task else None

    def _with_headings(self, tasks: Iterable[Task], previous: Task | None) -> list[Row]:
        rows: list[Row] = []
        last = self._group_key(previous) if previous is not None else None
        for task in tasks:
            key = self._group_key(task)
            heading = self._heading(task) if key != last else None
            rows.append(Row(task, heading, standing_in=self.standing_in(task)))
            last = key
        return rows

    def _group_key(self, task: Task) -> Any:
        if self.grouping == "patient":
            return task.patient_id or "none"
        if self.grouping == "kind":
            return task.kind
        return task.rank if self.grouping else "flat"  # type: ignore[attr-defined]

    def _heading(self, task: Task) -> Heading | None:
        if self.grouping == "patient":
            return Heading(_("No patient")) if task.patient is None else Heading("", patient=task.patient)
        if self.grouping == "kind":
            return Heading(TaskKind(task.kind).label, self.group_counts.get(task.kind), key=task.kind)
        if not self.grouping:
            return None
        group = Group(task.rank)  # type: ignore[attr-defined]
        heading = Heading(group.label, self.group_counts.get(int(group)), key=int(group))
        if group == Group.ON_THE_CLOCK:
            heading.note, heading.tone, heading.icon = _("a rule sets the deadline"), "tone-warn", "timer"
        elif group == Group.OVERDUE:
            heading.tone, heading.icon = "tone-danger", "alert"
        return heading


def new_since(user: User, since: datetime) -> int:
    """Tasks that came to this person's list after `since`, not by their own hand (one query)."""
    arrived = ("create", "assign", "reassign", "hand_over", "wake", "reopen", "make_ready")
    news = TaskChange.objects.filter(record=OuterRef("pk"), at__gt=since, step__in=arrived).exclude(by=user)
    mine = Task.objects.visible_to(user).filter(owner=user, status__in=WORKABLE)
    return mine.filter(Exists(news)).count()
