"""Tasks, what is done with them, and contacts."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers

from careplans.models import NOTHING_TOLD, ContactAttempt, Outcome, Task, TaskKind
from careplans.workflow import TaskStatus
from coordinator.api.fields import (
    Filters,
    Instant,
    OwnSite,
    Several,
    Shape,
    Strict,
    StrictModel,
    Visible,
    VisibleUser,
    flag,
    words,
)
from coordinator.api.selectors import colleagues, contact_points, patients, related_people, teams
from patients.models import Topic

ROW = (
    "id", "site", "patient", "kind", "title", "reason", "next_step", "program", "status", "priority", "owner",
    "team", "due_at", "due_has_time", "waiting_on", "wake_at", "hold_reason", "opened_at", "ended_at", "outcome",
    "close_reason", "attempts_made", "attempts_planned", "last_contact_at", "last_contact_outcome", "version",
    "created_at", "updated_at",
)  # fmt: skip
DETAIL = (*ROW, "previous_owner", "checklist")
CONTACT = (
    "id", "patient", "task", "direction", "channel", "outcome", "reached", "related_person", "contact_point",
    "topic", "note", "minutes", "interpreter", "at", "next_attempt_at", "created_by",
)  # fmt: skip
SETTABLE = (
    "title", "kind", "reason", "next_step", "program", "priority", "due_at", "due_has_time", "waiting_on",
    "attempts_planned",
)  # fmt: skip


class TaskRow(Shape):
    class Meta:
        model = Task
        fields = ROW


class ChecklistItem(serializers.Serializer):
    text = serializers.CharField(read_only=True)
    done = serializers.BooleanField(read_only=True)


class TaskDetail(Shape):
    checklist = ChecklistItem(many=True, read_only=True)
    steps = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Steps that are possible from this status."
    )

    class Meta:
        model = Task
        fields = (*DETAIL, "steps")


class TaskChange(StrictModel):
    due_at = Instant(
        required=False, allow_null=True, help_text="A new task without one is due by the rule `task.undated`."
    )

    class Meta:
        model = Task
        fields = SETTABLE
        validators: list[object] = []
        extra_kwargs = {"attempts_planned": {"min_value": 0, "max_value": 99}}


class TaskWrite(TaskChange):
    kind = serializers.ChoiceField(TaskKind.choices, required=False, default=TaskKind.OTHER)
    site = OwnSite(required=False, help_text="Without one, the patient's.")
    patient = Visible(patients, required=False, allow_null=True)
    owner = VisibleUser(colleagues, required=False, allow_null=True)
    team = Visible(teams, required=False, allow_null=True)

    class Meta(TaskChange.Meta):
        fields = (*SETTABLE, "site", "patient", "owner", "team")  # type: ignore[assignment]


class TaskFilters(Filters):
    site = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)
    owner = serializers.IntegerField(required=False, min_value=1, max_value=2**62)
    team = serializers.UUIDField(required=False)
    status = Several(choices=TaskStatus.choices, required=False)
    kind = Several(choices=TaskKind.choices, required=False)
    open = flag(help_text="true: open ones, snoozed included; false: ended ones.")
    overdue = flag(help_text="true: workable and past their date.")
    due_before = Instant(required=False)
    due_from = Instant(required=False)
    updated_since = Instant(required=False)


class Completed(Strict):
    outcome = words(required=False, max_length=200, help_text="What came of it.")
    open_items = words(
        required=False, help_text="Why items of the checklist are not done, when some are open."
    )


class Snoozed(Strict):
    wake_at = Instant()
    reason = words(required=False, max_length=200)


class Handed(Strict):
    owner = VisibleUser(colleagues, required=False, allow_null=True)
    team = Visible(teams, required=False, allow_null=True)
    reason = words(required=False)


class ClosedUndone(Strict):
    close_reason = words(
        max_length=60, help_text="The code of a reason (`/close-reasons/`) that goes with the type."
    )
    note = words(required=False, help_text="Needed where the reason says `needs_note`.")


class Ticked(Strict):
    number = serializers.IntegerField(min_value=0, max_value=999, help_text="Place in the checklist, from 0.")
    text = serializers.CharField(
        max_length=500, help_text="The item's wording, so that a changed list is noticed."
    )
    done = serializers.BooleanField()


class ContactShape(Shape):
    class Meta:
        model = ContactAttempt
        fields = CONTACT


class ContactWrite(Strict):
    channel = serializers.ChoiceField(ContactAttempt.Channel.choices)
    outcome = serializers.ChoiceField(Outcome.choices)
    direction = serializers.ChoiceField([("out", "Out"), ("in", "In")], required=False)
    at = Instant(required=False, help_text="When it was; now, when it is not given.")
    note = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    minutes = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=600)
    topic = serializers.ChoiceField(
        [*Topic.choices, (NOTHING_TOLD, "Nothing was told")],
        required=False,
        help_text="With a related person: one that they may hear about, or `nothing`.",
    )
    related_person = Visible(related_people, required=False, allow_null=True)
    contact_point = Visible(contact_points, required=False, allow_null=True)
    interpreter = words(required=False, max_length=80)
    next_attempt_at = Instant(
        required=False,
        allow_null=True,
        help_text="The time promised for `reached_call_back`, or your own choice.",
    )
    open_items = words(required=False)
    complete = flag(help_text="End the task whatever the result.")

    def validate_at(self, at: datetime) -> datetime:
        if at > timezone.now():
            raise serializers.ValidationError(_("A contact in the future cannot have happened."))
        return at


class LoggedContact(serializers.Serializer):
    contact = ContactShape(read_only=True)
    task = TaskRow(read_only=True)
    closed = serializers.BooleanField(read_only=True, help_text="The contact ended the task.")
    explanation = serializers.ListField(child=serializers.CharField(), read_only=True)
    offers = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="What could help after the last planned attempt.",
    )
    extra_tasks = serializers.ListField(
        child=serializers.UUIDField(), read_only=True, help_text="Tasks that the result opened."
    )
