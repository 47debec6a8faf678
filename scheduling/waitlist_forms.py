"""What the pages of the waitlist and of providers who are away take in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Practitioner, Site
from scheduling.forms import WEEKDAYS, BlockForm, DayField
from scheduling.models import PartOfDay, Service


class WishesForm(forms.Form):
    """What would suit somebody who waits. The patient and the place are given by the page."""

    service = forms.ChoiceField(label=_("Visit type"))
    practitioner = forms.ChoiceField(label=_("With"), required=False)
    earliest_on = DayField(label=_("Not before"), required=False)
    latest_on = DayField(label=_("Not after"), required=False)
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Days"),
        required=False,
        choices=WEEKDAYS,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: any day."),
    )
    part_of_day = forms.ChoiceField(label=_("Time of day"), required=False, choices=PartOfDay.choices)
    priority = forms.ChoiceField(
        label=_("Priority"), choices=[("routine", _("Routine")), ("urgent", _("Urgent"))], initial="routine"
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=250)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, services: list[Service], people: list[Practitioner], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        here = [one for one in services if not one.is_outside]
        fields["service"].choices = [(str(one.pk), one.name) for one in here]
        fields["practitioner"].choices = [("", _("Anyone")), *((str(p.pk), str(p)) for p in people)]

    @property
    def wishes(self) -> dict[str, Any]:
        """The cleaned wishes as the service takes them."""
        data = self.cleaned_data
        names = ("earliest_on", "latest_on", "weekdays", "part_of_day", "priority", "note")
        return {"practitioner_id": data["practitioner"] or None, **{name: data[name] for name in names}}


class YesForm(forms.Form):
    """Only asked when something stands against the time."""

    override_reason = forms.CharField(label=_("Why it should be booked all the same"), max_length=250)


class AwayForm(BlockForm):
    """From when to when a provider takes no visits."""

    practitioner = forms.ChoiceField(label=_("Provider"))

    def __init__(self, *args: Any, sites: list[Site], people: list[Practitioner], **kwargs: Any) -> None:
        super().__init__(*args, sites=sites, people=people, **kwargs)
        choices = [("", _("Choose a provider")), *((str(one.pk), str(one)) for one in people)]
        fields: dict[str, Any] = self.fields
        fields["practitioner"].choices = choices
