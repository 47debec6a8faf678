"""The filters of My work, and what its actions for many tasks ask."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from careplans.models import TaskKind
from careplans.rules import Group
from careplans.workflow import WORKABLE
from coordinator.accounts.models import Team, User
from coordinator.dashboard.worklist import COLUMNS, GROUPINGS, Worklist

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
    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[ANY, *((status, status.label) for status in WORKABLE)]
    )
    team = forms.ChoiceField(label=_("Team"), required=False)
    owner = forms.ChoiceField(label=_("Owner"), required=False)
    group = forms.ChoiceField(label=_("Group"), required=False, choices=list(GROUPINGS.items()))

    def __init__(self, *args: Any, work: Worklist, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["program"].choices = [ANY, *work.facets["program"]]
        self.fields["language"].choices = [ANY, *work.facets["language"]]
        self.fields["team"].choices = [ANY, *work.choices["team"]]
        everybody = [("", _("Me")), ("all", _("Everybody"))]
        self.fields["owner"].choices = [*everybody, *work.choices["owner"]] if work.choices["owner"] else []


class ColumnsForm(forms.Form):
    """Which columns the list shows beside task and patient."""

    columns = forms.MultipleChoiceField(
        label=_("Columns"), required=False, choices=list(COLUMNS.items()), widget=forms.CheckboxSelectMultiple
    )


class ViewForm(forms.Form):
    """A saved view's name and who it is shared with."""

    name = forms.CharField(label=_("Name"), max_length=80)
    team = forms.ChoiceField(label=_("Shared with"), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.teams = {str(team.pk): team for team in Team.objects.visible_to(user)}
        self.fields["team"].choices = [
            ("", _("Nobody")),
            *((key, str(team)) for key, team in self.teams.items()),
        ]
