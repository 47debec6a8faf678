"""What people type about tasks: parsing and field rules. Saving is the services' work."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from careplans import rules
from careplans.due_words import read_due
from careplans.models import NOTHING_TOLD, CloseReason, ContactAttempt, Outcome, Priority, Task, TaskKind
from careplans.selectors import hands
from coordinator.accounts.models import User
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.db import uuid7
from coordinator.fields import show_refusal
from coordinator.wording import clock_time, near_day, phone
from patients.models import ContactPoint, Patient, RelatedPerson, Topic
from patients.safe_contact import safety

MOMENT = {"type": "datetime-local", "step": "300"}
SHORT = {"rows": 2}


def moment_field(**kwargs: Any) -> forms.DateTimeField:
    """A native date and time; typed in the person's zone, cleaned to an aware datetime."""
    return forms.DateTimeField(widget=forms.DateTimeInput(attrs=MOMENT, format="%Y-%m-%dT%H:%M"), **kwargs)


def day_field(**kwargs: Any) -> forms.DateField:
    return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)


class DueWordsField(forms.CharField):
    """A day in words ("tomorrow", "+3d", "nov 30 3pm"); cleans to (moment in UTC, whether it has an hour) or None."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", _("For example: tomorrow, mon, +3d, in 2 weeks, Nov 30 3pm"))
        kwargs.setdefault("widget", forms.TextInput(attrs={"autocomplete": "off"}))
        super().__init__(max_length=40, label=kwargs.pop("label", _("Due")), **kwargs)

    def clean(self, value: Any) -> tuple[datetime, bool] | None:
        typed = super().clean(value)
        if not typed:
            return None
        zone = timezone.get_current_timezone()
        try:
            day, hour = read_due(typed, timezone.localdate())
        except ValueError as error:
            raise ValidationError(str(error)) from None
        if hour is None:
            return rules.end_of_day(day, str(zone)), False
        return datetime.combine(day, hour, zone).astimezone(UTC), True


class TaskActionForm(forms.Form):
    """What one action on tasks asks. `task` is None when the action is for many."""

    def __init__(self, *args: Any, task: Task | None, user: User, now: datetime, **kwargs: Any) -> None:
        self.task, self.user, self.now = task, user, now
        super().__init__(*args, **kwargs)
        self.prepare()

    def prepare(self) -> None:
        """Adapt the fields to the task and the person."""

    def refuse(self, error: ValidationError) -> None:
        """Put a service's refusal beside its field."""
        show_refusal(self, error)


class CompleteForm(TaskActionForm):
    outcome = forms.CharField(
        label=_("What came of it"), max_length=200, required=False, widget=forms.Textarea(attrs=SHORT)
    )
    open_items = forms.CharField(
        label=_("Why are these not done?"),
        max_length=200,
        required=False,
        widget=forms.Textarea(attrs=SHORT),
    )

    def prepare(self) -> None:
        left = [item["text"] for item in self.task.checklist if not item.get("done")] if self.task else []
        if left:
            self.fields["open_items"].help_text = "; ".join(left)
            self.fields["open_items"].required = True
        else:
            del self.fields["open_items"]


class SnoozeForm(TaskActionForm):
    """Shortcuts first; "pick" needs the date."""

    until = forms.ChoiceField(label=_("Until"), widget=forms.RadioSelect)
    wake_at = moment_field(label=_("Date and time"), required=False)
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)

    def prepare(self) -> None:
        zone = str(timezone.get_current_timezone())
        close = self.task.site.close_hour if self.task else 18
        calendar = as_calendar(calendar_for(self.task.site)) if self.task else None
        self.times = rules.snooze_times(self.now, zone, close, calendar)
        labels = {"later": _("Later today"), "tomorrow": _("Tomorrow"), "week": _("In a week")}
        if timezone.localdate(self.times["tomorrow"]) > timezone.localdate(self.now) + timedelta(days=1):
            labels["tomorrow"] = _("Next working day")
        self.fields["until"].choices = [
            *((name, f"{labels[name]}, {moment_label(at, self.now)}") for name, at in self.times.items()),
            ("pick", _("Another time")),
        ]
        self.fields["until"].initial = next(iter(self.times))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("until") in self.times:
            data["wake_at"] = self.times[data["until"]]
        elif data.get("until") == "pick" and not data.get("wake_at") and "wake_at" not in self.errors:
            self.add_error("wake_at", _("Choose when it should come back."))
        return data


def moment_label(at: datetime, now: datetime) -> str:
    """ "2:00 PM" for today, "Thu, Nov 19, 8:00 AM" for another day, in the active zone."""
    today = timezone.localdate(now)
    if timezone.localdate(at) == today:
        return clock_time(at)
    return f"{near_day(at, today)}, {clock_time(at)}"


class ReassignForm(TaskActionForm):
    """A colleague or a team list at the task's place; for many tasks, at any of the person's places."""

    to = forms.ChoiceField(label=_("Give it to"))
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)

    def prepare(self) -> None:
        sites = [self.task.site_id] if self.task else self.user.site_ids
        self.people, self.teams = hands(self.user, sites)
        if self.task and self.task.owner_id:
            self.people.pop(f"user:{self.task.owner_id}", None)
        self.fields["to"].choices = [
            ("", _("Choose")),
            (_("Colleagues"), [(key, str(p)) for key, p in self.people.items()]),
            (_("Team lists"), [(key, str(t)) for key, t in self.teams.items()]),
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["owner"], data["team"] = self.people.get(data.get("to", "")), self.teams.get(data.get("to", ""))
        return data


class CancelForm(TaskActionForm):
    close_reason = forms.ChoiceField(
        label=_("Why is it closed without being done?"), widget=forms.RadioSelect
    )
    note = forms.CharField(
        label=_("Note"), max_length=150, required=False, widget=forms.Textarea(attrs=SHORT)
    )

    def prepare(self) -> None:
        """The reasons that go with the task; for many tasks all of them, and each task answers for itself."""
        offered = CloseReason.objects.offered(self.task.kind if self.task else "")
        self.fields["close_reason"].choices = [(reason.code, str(reason)) for reason in offered]


class MoveDueForm(TaskActionForm):
    """Another due date, in words."""

    due = DueWordsField()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("due"):
            data["due_at"], data["due_has_time"] = data["due"]
        return data


class ReasonForm(TaskActionForm):
    reason = forms.CharField(label=_("Reason"), max_length=200, widget=forms.Textarea(attrs=SHORT))


class NothingForm(TaskActionForm):
    """An action that asks nothing."""


class TickForm(TaskActionForm):
    number = forms.IntegerField(min_value=0, max_value=99)
    text = forms.CharField(max_length=300, strip=False)
    done = forms.BooleanField(required=False)


def again_times(now: datetime) -> dict[str, datetime]:
    """Shortcuts for "try again": the same hour of the day tomorrow and the day after, at ten, in the active zone."""
    today, zone = timezone.localdate(now), timezone.get_current_timezone()
    return {
        name: datetime.combine(today + timedelta(days=days), time(10), zone)
        for name, days in (("tomorrow", 1), ("two_days", 2))
    }


class LogContactForm(TaskActionForm):
    """One contact and what comes next. Used in the preview, on the task's page and in a dialog."""

    attempt_id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    outcome = forms.ChoiceField(label=_("Outcome"), choices=Outcome.choices, widget=forms.RadioSelect)
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    open_items = forms.CharField(
        label=_("Why are these not done?"),
        max_length=200,
        required=False,
        widget=forms.Textarea(attrs=SHORT),
    )
    again = forms.ChoiceField(label=_("Try again"), widget=forms.RadioSelect, required=False)
    again_at = moment_field(label=_("Date and time"), required=False)
    minutes = forms.IntegerField(label=_("Minutes"), min_value=0, max_value=999, required=False)
    related_person = forms.ModelChoiceField(
        label=_("Spoke with"),
        queryset=RelatedPerson.objects.none(),
        required=False,
        empty_label=_("The patient"),
        error_messages={
            "invalid_choice": _("Choose somebody from the list: others may not be told anything.")
        },
    )
    topic = forms.ChoiceField(
        label=_("About"),
        choices=[("", _("Not said")), (NOTHING_TOLD, _("Nothing was told")), *Topic.choices],
        required=False,
    )
    channel = forms.ChoiceField(label=_("By"), choices=ContactAttempt.Channel.choices, required=False)
    contact_point = forms.ModelChoiceField(
        label=_("Number"), queryset=ContactPoint.objects.none(), required=False, empty_label=_("Not said")
    )
    direction = forms.ChoiceField(
        label=_("Who called"), choices=[("out", _("We did")), ("in", _("They did"))], required=False
    )
    interpreter = forms.CharField(label=_("Interpreter (name or number)"), max_length=80, required=False)
    settles = forms.ModelMultipleChoiceField(
        label=_("This contact also settles"),
        queryset=Task.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    field_order: list[str]
    DETAILS = ("minutes", "related_person", "topic", "channel", "contact_point", "direction", "interpreter")

    def prepare(self) -> None:
        self.fields["attempt_id"].initial = uuid7()
        self.fields["channel"].initial = "phone"
        self.fields["direction"].initial = "out"
        times = again_times(self.now)
        labels = {"tomorrow": _("Tomorrow"), "two_days": _("In 2 days")}
        self.times = times
        self.fields["again"].choices = [
            ("rule", _("By the rule")),
            *((name, f"{labels[name]}, {moment_label(at, self.now)}") for name, at in times.items()),
            ("pick", _("Pick a time")),
        ]
        self.fields["again"].initial = "rule"
        self.needs_open_items = False
        if self.task is not None and self.task.patient_id:
            self._choices_of(self.task.patient)

    def _choices_of(self, patient: Patient) -> None:
        people: Any = self.fields["related_person"]
        related = RelatedPerson.objects.visible_to(self.user)
        self.today = timezone.localdate(self.now, patient.site.tzinfo)
        people.queryset = related.filter(patient=patient).to_contact(self.today).order_by("name")
        people.label_from_instance = lambda p: f"{p.name} ({p.relationship}): {p.hears}"
        points: Any = self.fields["contact_point"]
        numbers = ContactPoint.objects.visible_to(self.user)
        phones = numbers.filter(patient=patient, kind="phone", ended_at=None)
        if safety(patient):
            phones = phones.filter(pk__in=[p.pk for p in phones if not safety(patient).is_unsafe(p)])
        points.queryset = phones
        points.label_from_instance = lambda p: f"{phone(p.value)} {p.get_use_display()}"
        settles: Any = self.fields["settles"]
        # A provider's answer is not what the patient says on the phone.
        others = Task.objects.visible_to(self.user).open().filter(patient=patient)
        others = others.exclude(kind=TaskKind.PROVIDER_UPDATE)
        settles.queryset = others.exclude(pk=self.task.pk if self.task else None).order_by("due_at", "pk")

    def offer(
        self,
        people: Iterable[RelatedPerson],
        phones: Iterable[ContactPoint],
        tasks: Iterable[Task] = (),
    ) -> None:
        """Fill the choices from lists that are read already, so that showing the form costs no query."""
        people = [person for person in people if person.may_be_contacted(self.today)]
        if self.task is not None and self.task.patient is not None:
            wishes = safety(self.task.patient)
            phones = [point for point in phones if not wishes.is_unsafe(point)]
        settles: Any = self.fields["settles"]
        settles.choices = [(task.pk, task.title) for task in tasks if task.kind != TaskKind.PROVIDER_UPDATE]
        for name, rows in (("related_person", people), ("contact_point", phones)):
            field: Any = self.fields[name]
            field.choices = [
                ("", field.empty_label),
                *((row.pk, field.label_from_instance(row)) for row in rows),
            ]

    @property
    def people(self) -> Any:
        """Whom the form offers; each knows what they may hear about."""
        field: Any = self.fields["related_person"]
        return field.queryset

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        again = data.get("again")
        if again in self.times:
            data["again_at"] = self.times[again]
        elif again == "pick" and not data.get("again_at") and "again_at" not in self.errors:
            self.add_error("again_at", _("Choose when to try again."))
        elif again != "pick" and data.get("outcome") != "reached_call_back":
            data["again_at"] = None
        if self.data.get("do") == "complete" and "outcome" in self.errors and not self.data.get("outcome"):
            del self.errors["outcome"]  # completing without a contact is fine
        return data

    def refuse(self, error: ValidationError) -> None:
        super().refuse(error)
        self.needs_open_items = "open_items" in self.errors

    @property
    def details_open(self) -> bool:
        return any(name in self.errors for name in self.DETAILS)


class TaskForm(forms.Form):
    """A new or changed task. The patient is chosen by its key; without one, what was typed is searched."""

    patient = forms.UUIDField(widget=forms.HiddenInput, required=False)
    title = forms.CharField(label=_("What is to be done"), max_length=200)
    kind = forms.ChoiceField(label=_("Type"), choices=TaskKind.choices, initial=TaskKind.OUTREACH_CALL)
    reason = forms.CharField(label=_("Why"), max_length=500, required=False)
    # Of a new task in words; of an edited one as day and time.
    due = DueWordsField(
        required=False,
        help_text=_(
            "For example: tomorrow, mon, +3d, in 2 weeks, Nov 30 3pm. Left empty, a rule sets the day and says why."
        ),
    )
    due_on = day_field(label=_("Due"), required=False)
    due_time = forms.TimeField(
        label=_("Time"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    priority = forms.ChoiceField(label=_("Priority"), choices=Priority.choices, initial=Priority.ROUTINE)
    to = forms.ChoiceField(label=_("For"), required=False)
    program = forms.CharField(label=_("Program"), max_length=40, required=False)
    next_step = forms.CharField(label=_("Next step"), max_length=200, required=False)
    waiting_on = forms.CharField(
        label=_("Waiting on"),
        max_length=120,
        required=False,
        help_text=_("Who moves next, when it is not us"),
    )
    checklist = forms.CharField(
        label=_("Checklist"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One line each"),
    )

    def __init__(self, *args: Any, user: User, task: Task | None = None, **kwargs: Any) -> None:
        self.user, self.task = user, task
        super().__init__(*args, **kwargs)
        if task is not None:
            for name in ("patient", "to", "checklist", "due"):
                del self.fields[name]
            if task.clock_id:
                for name in ("due_on", "due_time"):
                    self.fields[name].disabled = True
                self.fields["due_on"].help_text = _("A rule sets this date.")
            return
        for name in ("due_on", "due_time"):
            del self.fields[name]
        self.people, self.teams = hands(user, user.site_ids)
        self.people.pop(f"user:{user.pk}", None)
        self.fields["to"].choices = [
            ("", _("Me")),
            ("auto", _("The patient's coordinator, or the team list")),
            (_("Colleagues"), [(key, str(p)) for key, p in self.people.items()]),
            (_("Team lists"), [(key, str(t)) for key, t in self.teams.items()]),
        ]

    def clean_checklist(self) -> list[dict[str, Any]] | None:
        lines = [line.strip()[:200] for line in self.cleaned_data["checklist"].splitlines()]
        return [{"text": line, "done": False} for line in lines if line][:30] or None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.task is None:
            data["due_at"], data["due_has_time"] = data.get("due") or (None, False)
            data["owner"] = self.people.get(data.get("to", ""))
            data["team"] = self.teams.get(data.get("to", ""))
            return data
        if data.get("due_time") and not data.get("due_on") and "due_on" not in self.errors:
            self.add_error("due_on", _("Give the day as well."))
        if "due_on" in self.changed_data and data.get("due_on") and data["due_on"] < timezone.localdate():
            self.add_error("due_on", _("That day is past. Choose today or a later day."))
        data["due_at"], data["due_has_time"] = self._due(data)
        return data

    def _due(self, data: dict[str, Any]) -> tuple[datetime | None, bool]:
        """The moment in UTC: that time of the day in the active zone, else the end of the day."""
        if not data.get("due_on"):
            return None, False
        zone = timezone.get_current_timezone()
        if data.get("due_time"):
            return datetime.combine(data["due_on"], data["due_time"], zone).astimezone(UTC), True
        return rules.end_of_day(data["due_on"], str(zone)), False

    @staticmethod
    def initial_from(task: Task) -> dict[str, Any]:
        """The task's present values as the form shows them."""
        names = ("title", "kind", "reason", "priority", "program", "next_step", "waiting_on")
        values: dict[str, Any] = {name: getattr(task, name) for name in names}
        if task.due_at:
            local = timezone.localtime(task.due_at)
            values["due_on"] = local.date()
            values["due_time"] = local.time().replace(second=0, microsecond=0) if task.due_has_time else None
        return values
