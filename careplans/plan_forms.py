"""What people type about plans, goals and actions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from careplans.forms import SHORT, day_field
from careplans.models import CarePlan, Goal
from careplans.selectors import hands
from careplans.workflow import Achievement
from coordinator.accounts.models import User
from coordinator.workflow import Step
from patients.models import Patient, Problem


class PlanForm(forms.Form):
    """A plan and the problems it addresses."""

    title = forms.CharField(label=_("Name of the plan"), max_length=200)
    program = forms.CharField(
        label=_("Program"), max_length=40, required=False, help_text=_("CCM, PCM, TCM, APCM or your own")
    )
    problem_ids = forms.ModelMultipleChoiceField(
        label=_("Problems it addresses"),
        queryset=Problem.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    description = forms.CharField(
        label=_("In short"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )
    next_review_on = day_field(label=_("Next review"), required=False)
    agreed_on = day_field(label=_("Agreed on"), required=False)
    agreed_with = forms.CharField(label=_("Agreed with"), max_length=160, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, patient: Patient, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        problems: Any = self.fields["problem_ids"]
        known = Problem.objects.visible_to(user).filter(patient=patient, status="active")
        problems.queryset = known.order_by("name")
        problems.label_from_instance = lambda problem: problem.name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["problem_ids"] = [problem.pk for problem in data.get("problem_ids") or ()]
        data.pop("version", None)
        return data

    @staticmethod
    def initial_from(plan: CarePlan) -> dict[str, Any]:
        names = (
            "title",
            "program",
            "description",
            "next_review_on",
            "agreed_on",
            "agreed_with",
            "version",
        )
        values: dict[str, Any] = {name: getattr(plan, name) for name in names}
        return values | {"problem_ids": list(plan.problems.values_list("pk", flat=True))}


class PlanPartForm(forms.Form):
    """A part of a plan: knows the plan and the person."""

    def __init__(self, *args: Any, plan: CarePlan, user: User, **kwargs: Any) -> None:
        self.plan, self.user = plan, user
        super().__init__(*args, **kwargs)
        self.prepare()

    def prepare(self) -> None:
        """Adapt the fields to the plan and the person."""


class GoalForm(PlanPartForm):
    description = forms.CharField(label=_("Goal"), max_length=500)
    patient_words = forms.CharField(
        label=_("In the patient's own words"), required=False, widget=forms.Textarea(attrs=SHORT)
    )
    expressed_by = forms.CharField(label=_("Said by"), max_length=160, required=False)
    target_measure = forms.CharField(
        label=_("Measured by"), max_length=120, required=False, help_text=_("For example: weight")
    )
    target_low = forms.DecimalField(label=_("Target from"), max_digits=12, decimal_places=3, required=False)
    target_high = forms.DecimalField(label=_("Target to"), max_digits=12, decimal_places=3, required=False)
    target_unit = forms.CharField(label=_("Unit"), max_length=40, required=False)
    due_on = day_field(label=pgettext_lazy("date", "By"), required=False)


class InterventionForm(PlanPartForm):
    description = forms.CharField(label=_("What will be done"), max_length=500)
    goal = forms.ModelChoiceField(
        label=_("For the goal"), queryset=Goal.objects.none(), required=False, empty_label=_("The whole plan")
    )
    who = forms.ChoiceField(label=_("Who does it"), required=False)
    responsible_name = forms.CharField(
        label=_("Somebody else"),
        max_length=160,
        required=False,
        help_text=_("The patient, a caregiver, somebody outside"),
    )
    due_on = day_field(label=pgettext_lazy("date", "By"), required=False)
    frequency = forms.CharField(
        label=_("Or how often"), max_length=80, required=False, help_text=_("For example: every morning")
    )

    def prepare(self) -> None:
        goals: Any = self.fields["goal"]
        goals.queryset = (
            Goal.objects.visible_to(self.user)
            .filter(plan=self.plan)
            .exclude(status__in=("cancelled", "rejected", "entered_in_error"))
        )
        goals.label_from_instance = lambda goal: goal.description
        self.people, self.teams = hands(self.user, [self.plan.patient.site_id])
        who: Any = self.fields["who"]
        who.choices = [
            ("", _("Somebody else")),
            (_("Colleagues"), [(key, str(p)) for key, p in self.people.items()]),
            (_("Team lists"), [(key, str(t)) for key, t in self.teams.items()]),
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        who = data.pop("who", "")
        data["responsible"], data["responsible_team"] = self.people.get(who), self.teams.get(who)
        return data


class ReviewForm(PlanPartForm):
    note = forms.CharField(
        label=_("What came of the review"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    next_review_on = day_field(label=_("Next review"))


class StepForm(forms.Form):
    """What one step of a workflow needs: a reason, or how a goal ended and when."""

    def __init__(self, *args: Any, step: Step, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.step = step
        if "achievement_status" in step.needs:
            choices = [("", _("Choose")), *Achievement.choices]
            self.fields["achievement_status"] = forms.ChoiceField(label=_("How it ended"), choices=choices)
        if "achieved_on" in step.needs:
            self.fields["achieved_on"] = day_field(label=_("On"))
        if "reason" in step.needs:
            self.fields["reason"] = forms.CharField(
                label=_("Reason"), max_length=400, widget=forms.Textarea(attrs=SHORT)
            )
