"""What managers type about tasks: reasons for closing without doing, bundles, and when tasks are escalated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from careplans.forms import day_field
from careplans.models import AppliesTo, Bundle, CloseReason, Counts, Effect, GoesTo, TaskKind
from careplans.models.bundles import FURTHEST_DAY, ROLES_WITH_WORK
from careplans.models.escalation import MOST_DAYS


class CloseReasonForm(forms.Form):
    label = forms.CharField(label=_("Name"), max_length=80)
    label_es = forms.CharField(
        label=_("Name in Spanish"),
        max_length=80,
        required=False,
        help_text=_("Without one, English is shown."),
    )
    kinds = forms.MultipleChoiceField(
        label=_("Types of task"),
        choices=TaskKind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Choose none for all types."),
    )
    needs_note = forms.BooleanField(label=_("Ask for a note"), required=False)

    def __init__(self, *args: Any, reason: CloseReason | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if reason is not None and reason.is_fixed:
            del self.fields["kinds"]  # rules use it with every type


class EscalationPointForm(forms.Form):
    """After how long, for which tasks, and what then."""

    days = forms.IntegerField(
        label=_("Business days overdue"),
        min_value=1,
        max_value=MOST_DAYS,
        help_text=_("Whole business days since the due day; the day itself does not count."),
    )
    kind = forms.ChoiceField(
        label=_("Type of task"), required=False, choices=[("", _("All types")), *TaskKind.choices]
    )
    applies_to = forms.ChoiceField(label=_("Which of them"), choices=AppliesTo.choices)
    effect = forms.ChoiceField(label=_("What happens"), choices=Effect.choices, widget=forms.RadioSelect)


class BundleForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    program = forms.CharField(label=_("Program"), max_length=40, required=False)
    anchor = forms.CharField(
        label=_("What the days count from"), max_length=60, help_text=_("For example: Discharge")
    )
    about = forms.CharField(
        label=_("What it is for"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class BundleItemForm(forms.Form):
    """One task of a bundle."""

    title = forms.CharField(label=_("What is to be done"), max_length=200)
    kind = forms.ChoiceField(label=_("Type"), choices=TaskKind.choices)
    next_step = forms.CharField(label=_("Next step"), max_length=200, required=False)
    days = forms.IntegerField(label=_("Days after"), min_value=0, max_value=FURTHEST_DAY)
    counts = forms.ChoiceField(
        label=_("Counted in"),
        choices=Counts.choices,
        help_text=_("A calendar day on which the clinic is closed moves to the next open day."),
    )
    goes_to = forms.ChoiceField(label=_("For"), choices=GoesTo.choices)
    team_name = forms.ChoiceField(label=_("Team list"), required=False)
    role = forms.ChoiceField(
        label=_("Role"),
        required=False,
        choices=[("", "–"), *((role, role.label) for role in ROLES_WITH_WORK)],
    )
    checklist = forms.CharField(
        label=_("Checklist"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One line each"),
    )

    def __init__(self, *args: Any, teams: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first = ("", _("The first list of the patient’s place"))
        lists: Any = self.fields["team_name"]
        lists.choices = [first, *((name, name) for name in teams)]

    def clean_checklist(self) -> list[str]:
        lines = [line.strip()[:200] for line in self.cleaned_data["checklist"].splitlines()]
        return [line for line in lines if line][:30]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("goes_to") == GoesTo.ROLE and not data.get("role") and "role" not in self.errors:
            self.add_error("role", _("Choose the role."))
        return data


class StartBundleForm(forms.Form):
    """Which bundle, and the day of the event it counts from."""

    bundle = forms.ChoiceField(label=_("Bundle"))
    anchor_on = day_field(label=_("Day of the event"))

    def __init__(self, *args: Any, bundles: Sequence[Bundle] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bundles = {str(bundle.pk): bundle for bundle in bundles}
        offered: Any = self.fields["bundle"]
        offered.choices = [
            ("", _("Choose")),
            *((key, f"{bundle.name} ({bundle.anchor})") for key, bundle in self.bundles.items()),
        ]

    def clean_anchor_on(self) -> date:
        day: date = self.cleaned_data["anchor_on"]
        if abs((day - timezone.localdate()).days) > FURTHEST_DAY:
            raise forms.ValidationError(_("Choose a day within two years of today."))
        return day


class CancelBundleForm(forms.Form):
    close_reason = forms.ChoiceField(label=_("Why is the rest not done?"), widget=forms.RadioSelect)
    note = forms.CharField(
        label=_("Note"), max_length=150, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for_all = [reason for reason in CloseReason.objects.offered() if not reason.kinds]
        reasons: Any = self.fields["close_reason"]
        reasons.choices = [(reason.code, str(reason)) for reason in for_all]
