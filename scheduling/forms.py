"""What the schedule's pages take in: filters, the finder, a booking, and what a step asks for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Practitioner, Site
from coordinator.wording import day as day_words
from referrals.models import PriorAuthorization
from scheduling.models import Service
from scheduling.rules.local_time import NoSuchTime, day_bounds, exact_instant
from scheduling.selectors.appointments import COLUMNS
from scheduling.selectors.slots import AFTERNOON, MORNING
from scheduling.workflow import CancelledBy, Status

LONGEST_SEARCH = timedelta(days=92)
OTHER = "other"  # the choice of a time that is not offered
STATUSES = [
    ("", _("All")),
    ("to_mark", _("Not marked yet")),
    *((s.value, s.label) for s in (Status.BOOKED, Status.ARRIVED, Status.CHECKED_IN, Status.FULFILLED)),
    *((s.value, s.label) for s in (Status.NO_SHOW, Status.CANCELLED, Status.RESCHEDULED)),
]


class DayField(forms.DateField):
    """A day as the browser's own date box sends it."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    input_formats = ["%Y-%m-%d"]
    default_error_messages = {"invalid": _("Enter the day as year-month-day, like 2026-11-18.")}


class TimeField(forms.TimeField):
    widget = forms.TimeInput(attrs={"type": "time", "step": 300}, format="%H:%M")


class FilterForm(forms.Form):
    """The bar over the calendar. What does not fit falls back to the default instead of refusing."""

    site = forms.ChoiceField(label=_("Site"), required=False)
    service = forms.ChoiceField(label=_("Visit type"), required=False)
    status = forms.ChoiceField(label=_("Status"), required=False, choices=STATUSES)

    def __init__(self, *args: Any, sites: list[Site], services: list[Service], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].choices = [(str(site.pk), site.short_name) for site in sites]
        self.fields["service"].choices = [("", _("All")), *((str(s.pk), s.name) for s in services)]


class ColumnsForm(forms.Form):
    cols = forms.MultipleChoiceField(
        label=_("Columns"), required=False, choices=COLUMNS, widget=forms.CheckboxSelectMultiple
    )


class FinderForm(forms.Form):
    """What is looked for. Read from the address; the patient is an id there, never a name."""

    site = forms.ChoiceField(label=_("Place"))
    visit = forms.ChoiceField(label=_("Visit type"))
    who = forms.ChoiceField(label=_("With"), required=False)
    first = DayField(label=_("From"))
    last = DayField(label=_("To"))
    part = forms.MultipleChoiceField(
        label=_("Time of day"),
        required=False,
        choices=[(MORNING, _("Morning")), (AFTERNOON, _("Afternoon"))],
        widget=forms.CheckboxSelectMultiple,
    )
    must_be_by = DayField(label=_("Must be seen by"), required=False)

    def __init__(
        self,
        *args: Any,
        sites: list[Site],
        services: list[Service],
        people: list[Practitioner],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].choices = [(str(site.pk), site.short_name) for site in sites]
        self.fields["visit"].choices = [
            (str(s.pk), _("%(name)s, %(minutes)d min") % {"name": s.name, "minutes": s.minutes})
            for s in services
        ]
        self.fields["who"].choices = [("", _("Anyone")), *((str(p.pk), str(p)) for p in people)]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("first"), data.get("last")
        if first and last and last < first:
            self.add_error("last", _("The last day must not be before the first."))
        elif first and last and last - first > LONGEST_SEARCH:
            self.add_error("last", _("Look at three months or less at once."))
        return data


class BookForm(forms.Form):
    """The chosen time and what goes with it. `slot` is an offer's value, or OTHER with a day and a time."""

    slot = forms.CharField(required=False, max_length=80)
    other_day = DayField(label=_("Day"), required=False)
    other_time = TimeField(label=_("Time"), required=False)
    place = forms.CharField(
        label=_("Where"), required=False, max_length=200, help_text=_("For a visit somewhere else.")
    )
    reason = forms.CharField(label=_("Reason for the visit"), required=False, max_length=250)
    override_reason = forms.CharField(
        label=_("Why it should be booked all the same"), required=False, max_length=250
    )
    authorization = forms.ChoiceField(
        label=_("Authorization"), required=False, help_text=_("Whose units this visit uses.")
    )

    def __init__(
        self,
        *args: Any,
        site: Site,
        who: UUID | None = None,
        authorizations: list[PriorAuthorization] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.site = site
        self.who = who
        if authorizations:
            field: Any = self.fields["authorization"]
            field.choices = [
                ("", _("None")),
                *((str(one.pk), named_authorization(one)) for one in authorizations),
            ]
        else:
            del self.fields["authorization"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        chosen = data.get("slot") or (OTHER if data.get("other_day") else "")
        if chosen == OTHER:
            data["start"], data["practitioner_id"] = self._other(data), self.who
        elif not chosen:
            self.add_error(None, _("Choose a time."))
        else:
            try:
                data["start"], data["practitioner_id"] = read_slot(chosen)
            except ValueError:
                self.add_error(None, _("Choose a time from the list."))
        return data

    def _other(self, data: dict[str, Any]) -> datetime | None:
        day, at = data.get("other_day"), data.get("other_time")
        if not day or not at:
            missing = "other_time" if day else "other_day"
            if missing not in self.errors:
                self.add_error(missing, _("Enter day and time."))
            return None
        try:
            return exact_instant(day, at, self.site.zone)
        except NoSuchTime as refusal:
            self.add_error("other_time", str(refusal))
            return None


def named_authorization(record: PriorAuthorization) -> str:
    """As a choice: what it is for, its number, its last day."""
    parts = (record.service, record.authorization_number, day_words(record.ends_on))
    return " · ".join(part for part in parts if part)


class MoveForm(BookForm):
    """A new time for a visit; why it moves is kept with the old one."""

    reason = forms.CharField(label=_("Why it moves"), max_length=250)
    agreed = forms.BooleanField(
        label=_("The patient agreed to this time"),
        required=False,
        help_text=_("Otherwise a task asks to tell the patient; moving sends no message."),
    )


def read_slot(value: str) -> tuple[datetime, UUID | None]:
    """The instant and the practitioner of an offer's value. Raises ValueError for anything else."""
    moment, _sep, who = value.partition("~")
    start = datetime.strptime(moment, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    return start, UUID(who) if who else None


# --- steps -------------------------------------------------------------------------------------------


class StepForm(forms.Form):
    """For a step that needs nothing."""


class ReasonForm(StepForm):
    reason = forms.CharField(label=_("Reason"), max_length=250)


class WordForm(StepForm):
    """A no-show or a visit elsewhere: on whose word."""

    reason = forms.CharField(
        label=_("Who told you"), max_length=250, help_text=_("The other clinic or the patient.")
    )


class CancelForm(StepForm):
    cancelled_by = forms.ChoiceField(
        label=_("Who asked for it"), choices=CancelledBy.choices, widget=forms.RadioSelect
    )
    reason = forms.CharField(label=_("Reason"), max_length=250)


class CorrectNoShowForm(StepForm):
    to = forms.ChoiceField(
        label=_("What really happened"),
        choices=[
            (Status.BOOKED, _("Is here or still coming today")),
            (Status.FULFILLED, _("Was seen, late or elsewhere")),
            (Status.CANCELLED, _("Had been cancelled")),
        ],
        widget=forms.RadioSelect,
    )
    cancelled_by = forms.ChoiceField(
        label=_("If cancelled: who asked for it"),
        required=False,
        choices=[("", "–"), *CancelledBy.choices],
    )
    reason = forms.CharField(label=_("Reason"), max_length=250)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("to") == Status.CANCELLED and not data.get("cancelled_by"):
            self.add_error("cancelled_by", _("Say who asked for it."))
        return data


# --- setting up --------------------------------------------------------------------------------------

WEEKDAYS = [
    (0, _("Monday")),
    (1, _("Tuesday")),
    (2, _("Wednesday")),
    (3, _("Thursday")),
    (4, _("Friday")),
    (5, _("Saturday")),
    (6, _("Sunday")),
]


class ServiceForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    minutes = forms.IntegerField(label=_("Minutes"), min_value=5, max_value=600)
    preparation = forms.CharField(
        label=_("Preparation"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What the patient does or brings; shown when a visit is booked."),
    )
    no_show_grace_minutes = forms.IntegerField(
        label=_("Counts as missed after (minutes)"), min_value=0, max_value=240
    )
    codes = forms.CharField(
        label=_("Billed as"),
        required=False,
        max_length=200,
        help_text=_("Codes with spaces between, such as 97110 97140. Empty: any code of an authorization."),
    )
    units = forms.IntegerField(
        label=_("Units of an authorization it uses"), min_value=1, max_value=99, required=False
    )
    is_outside = forms.BooleanField(label=_("Takes place at another clinic"), required=False)
    is_active = forms.BooleanField(label=_("Can be booked"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codes = self.initial.get("codes")
        if isinstance(codes, list):
            self.initial["codes"] = " ".join(codes)

    def clean_codes(self) -> list[str]:
        codes = [code.upper() for code in self.cleaned_data["codes"].replace(",", " ").split()]
        if any(len(code) > 20 for code in codes):
            raise forms.ValidationError(_("A code has at most 20 characters."))
        return list(dict.fromkeys(codes))

    def clean_units(self) -> int:
        return self.cleaned_data["units"] or 1


class HoursForm(forms.Form):
    practitioner = forms.ChoiceField(label=_("Provider"))
    site = forms.ChoiceField(label=_("Place"))
    weekdays = forms.MultipleChoiceField(
        label=_("Days"), choices=WEEKDAYS, widget=forms.CheckboxSelectMultiple
    )
    starts = TimeField(label=_("From"))
    ends = TimeField(label=_("To"))
    valid_from = DayField(label=_("First day"), required=False)
    valid_to = DayField(label=_("Last day"), required=False)

    def __init__(self, *args: Any, sites: list[Site], people: list[Practitioner], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].choices = [(str(site.pk), site.short_name) for site in sites]
        self.fields["practitioner"].choices = [(str(p.pk), str(p)) for p in people]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("starts") and data.get("ends") and data["ends"] <= data["starts"]:
            self.add_error("ends", _("The end must be later than the start."))
        return data


class BlockForm(forms.Form):
    site = forms.ChoiceField(label=_("Place"))
    practitioner = forms.ChoiceField(label=_("Who"), required=False)
    first_day = DayField(label=_("From day"))
    first_time = TimeField(label=_("From time"), required=False, help_text=_("Empty: from the morning."))
    last_day = DayField(label=_("To day"))
    last_time = TimeField(label=_("To time"), required=False, help_text=_("Empty: the whole day."))
    reason = forms.CharField(
        label=_("Why"), max_length=120, help_text=_("Such as Vacation or Staff meeting.")
    )

    def __init__(self, *args: Any, sites: list[Site], people: list[Practitioner], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zones = {str(site.pk): site.zone for site in sites}
        self.fields["site"].choices = [(str(site.pk), site.short_name) for site in sites]
        self.fields["practitioner"].choices = [
            ("", _("The whole place")),
            *((str(p.pk), str(p)) for p in people),
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors:
            data["starts_at"] = self._moment("first", data, data["first_day"])
            until = data["last_day"] if data.get("last_time") else data["last_day"] + timedelta(days=1)
            data["ends_at"] = self._moment("last", data, until)
            if data["starts_at"] and data["ends_at"] and data["ends_at"] <= data["starts_at"]:
                self.add_error("last_day", _("The end must be later than the start."))
        return data

    def _moment(self, which: str, data: dict[str, Any], day: date) -> datetime | None:
        at, zone = data.get(f"{which}_time"), self.zones[data["site"]]
        try:
            return exact_instant(day, at, zone) if at else day_bounds(day, zone)[0]
        except NoSuchTime as refusal:
            self.add_error(f"{which}_time", str(refusal))
            return None
