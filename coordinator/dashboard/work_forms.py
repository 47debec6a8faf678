"""The filters of My work, and what its actions for many tasks ask."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from careplans.models import TaskKind
from careplans.rules import Group
from coordinator.dashboard.worklist import GROUPINGS, Worklist

ANY = ("", _("Any"))


class FilterForm(forms.Form):
    """Chips that narrow the list; programs and languages are those that occur in it."""

    kind = forms.ChoiceField(label=_("Type"), required=False, choices=[ANY, *TaskKind.choices])
    due = forms.ChoiceField(
        label=_("Due"),
        required=False,
        choices=[
            ANY,
            ("clock", Group.ON_THE_CLOCK.label),
            ("overdue", Group.OVERDUE.label),
            ("today", Group.TODAY.label),
            ("week", Group.NEXT_7_DAYS.label),
            ("later", Group.LATER.label),
            ("none", Group.NO_DEADLINE.label),
        ],
    )
    program = forms.ChoiceField(label=_("Program"), required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)
    group = forms.ChoiceField(label=_("Group"), required=False, choices=list(GROUPINGS.items()))

    def __init__(self, *args: Any, work: Worklist, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["program"].choices = [ANY, *work.facets["program"]]
        self.fields["language"].choices = [ANY, *work.facets["language"]]
