"""What the pages about leave ask."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import User


def stand_ins(user: User, person: User) -> Any:
    """Who may stand in: active colleagues who can own work at one of the person's places, seen by `user`."""
    found = User.objects.visible_to(user).assignable().filter(sites__in=person.site_ids)
    return found.exclude(pk=person.pk).distinct().order_by("name")


class LeaveForm(forms.Form):
    """Days away and who stands in."""

    from_day = forms.DateField(label=_("First day away"), widget=forms.DateInput(attrs={"type": "date"}))
    to_day = forms.DateField(label=_("Last day away"), widget=forms.DateInput(attrs={"type": "date"}))
    delegate = forms.ModelChoiceField(
        label=_("Who stands in"), queryset=User.objects.none(), empty_label=_("Choose")
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What your colleague should know. No patient’s name: that stands at each row."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.person = kwargs.pop("person", None) or user
        super().__init__(*args, **kwargs)
        self.fields["delegate"].queryset = stand_ins(user, self.person)  # type: ignore[attr-defined]
