"""Forms for people, sites and teams. What may be named is what the person filling them in may see."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Site, Team, User
from coordinator.accounts.roles import Role
from coordinator.accounts.rules import is_quiet
from coordinator.wording import hour_words

PEOPLE_ROLES = [(value, label) for value, label in Role.choices if value != Role.API_CLIENT]


ZONES = [
    ("America/New_York", _("Eastern (New York)")),
    ("America/Chicago", _("Central (Chicago)")),
    ("America/Denver", _("Mountain (Denver)")),
    ("America/Phoenix", _("Mountain without summer time (Phoenix)")),
    ("America/Los_Angeles", _("Pacific (Los Angeles)")),
    ("America/Anchorage", _("Alaska (Anchorage)")),
    ("Pacific/Honolulu", _("Hawaii (Honolulu)")),
    ("America/Puerto_Rico", _("Atlantic without summer time (Puerto Rico)")),
    ("Pacific/Guam", _("Chamorro (Guam)")),
]


class UserForm(forms.Form):
    """A colleague: who, what role, where. Used for making and for changing an account."""

    name = forms.CharField(label=_("Name"), max_length=120)
    email = forms.EmailField(label=_("E-mail to sign in with"))
    credentials = forms.CharField(
        label=_("Credentials"), max_length=20, required=False, help_text=_("Such as RN or LCSW.")
    )
    role = forms.ChoiceField(label=_("Role"), choices=PEOPLE_ROLES)
    sites = forms.ModelMultipleChoiceField(
        label=_("Sites"),
        queryset=Site.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("They see patients and work of these sites only."),
    )
    team = forms.ModelChoiceField(label=_("Team"), queryset=Team.objects.none(), required=False)

    def __init__(self, *args: Any, user: User, subject: User | None = None, **kwargs: Any) -> None:
        if subject is not None:
            kwargs.setdefault("initial", {**self._values(subject)})
        super().__init__(*args, **kwargs)
        self.fields["sites"].queryset = Site.objects.visible_to(user).active()
        teams = Team.objects.visible_to(user).select_related("site").order_by("site__name", "name")
        self.fields["team"].queryset = teams
        self.fields["team"].label_from_instance = self._team_name

    @staticmethod
    def _team_name(team: Any) -> str:
        return f"{team.site.short_name}: {team.name}"

    @staticmethod
    def _values(subject: User) -> dict[str, Any]:
        return {
            "name": subject.name,
            "email": subject.email,
            "credentials": subject.credentials,
            "role": subject.role,
            "sites": list(subject.sites.all()),
            "team": subject.team_id,
        }


class ReasonForm(forms.Form):
    """How the administrator made sure who is asking for a new second factor."""

    reason = forms.CharField(
        label=_("How did you make sure who is asking?"),
        max_length=200,
        help_text=_("Such as: met in person, or called back on the number in the staff file."),
    )


def _hours(label: Any, first: int, last: int, hint: Any = "") -> forms.TypedChoiceField:
    def shown() -> list[tuple[int, str]]:
        return [(hour, hour_words(hour)) for hour in range(first, last)]

    return forms.TypedChoiceField(label=label, choices=shown, coerce=int, help_text=hint)


class SiteForm(forms.ModelForm):  # type: ignore[type-arg]
    """A site's name, hours and messages. All hours are the site's local ones."""

    zone = forms.ChoiceField(label=_("Time zone"), help_text=_("People see a change at their next sign-in."))
    open_hour = _hours(_("Opens"), 0, 24)
    close_hour = _hours(_("Closes"), 1, 25)
    reminder_hour = _hours(_("Reminders leave at"), 0, 24, _("In the site’s own time."))
    quiet_from = _hours(_("No messages from"), 0, 25)
    quiet_until = _hours(_("until"), 0, 24)

    class Meta:
        model = Site
        fields = (
            "name", "short_name", "zone", "phone", "address", "open_hour", "close_hour",
            "reminders_on", "reminder_hour", "quiet_from", "quiet_until",
        )  # fmt: skip
        labels = {
            "name": _("Name"),
            "short_name": _("Short name, for lists and messages"),
            "phone": _("Phone"),
            "address": _("Address"),
            "reminders_on": _("Send reminders for visits at this site"),
        }
        widgets = {"address": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = dict(ZONES)
        if self.instance.zone not in zones:
            zones[self.instance.zone] = self.instance.zone
        self.fields["zone"].choices = list(zones.items())

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        opens, closes = values.get("open_hour"), values.get("close_hour")
        if opens is not None and closes is not None and closes <= opens:
            self.add_error("close_hour", _("The site must close after it opens."))
        start, end, at = values.get("quiet_from"), values.get("quiet_until"), values.get("reminder_hour")
        if None not in (start, end, at) and is_quiet(at, start, end):
            self.add_error("reminder_hour", _("That is within the quiet hours."))
        return values


class TeamForm(forms.Form):
    name = forms.CharField(label=_("Team name"), max_length=120)
