"""The form that proposes another version of a rule, and the filters of the register."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coordinator.clocks import vectors
from coordinator.clocks.models import BusinessCalendar, RuleVersion
from coordinator.clocks.register_selectors import STATES, areas
from coordinator.clocks.register_vectors import ZONE
from coordinator.clocks.values import COUNTING, FURTHEST, Kind

KIND_WORDS = {
    Kind.BUSINESS_DAYS: _("business days"),
    Kind.CALENDAR_DAYS: _("calendar days"),
    Kind.ELAPSED_HOURS: _("hours on the clock"),
    Kind.WEEKS: _("weeks"),
    Kind.MONTHS: _("months"),
    Kind.SAME_DAY: _("until the end of the same day"),
    Kind.FIXED_DATE: _("a date that somebody sets"),
    Kind.NO_DEADLINE: _("no deadline"),
}
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Anchorage")
EXTENSIONS = {
    "none": _("It cannot be extended"),
    "open": _("By a recorded notice, without a limit that is known"),
    "limited": _("By a recorded notice, up to a number of days"),
}


class RegisterFilters(forms.Form):
    """Which rules, on which day."""

    q = forms.CharField(label=_("Words"), required=False, max_length=80)
    on = forms.DateField(label=_("On the day"), required=False, widget=forms.DateInput({"type": "date"}))
    area = forms.ChoiceField(label=_("Area"), required=False)
    state = forms.ChoiceField(
        label=_("Which"), required=False, choices=[("", _("All rules")), *STATES.items()]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["area"].choices = [("", _("All areas")), *((area, area) for area in areas())]


class ProposalForm(forms.Form):
    """Another version of one rule. What is typed stays when something is wrong."""

    effective_from = forms.DateField(
        label=_("First day"),
        help_text=_(
            "Events from this day on are counted by the new version. Earlier ones stay on the old one."
        ),
        widget=forms.DateInput({"type": "date"}),
    )
    amount = forms.IntegerField(label=_("Length"), required=False, min_value=1, max_value=FURTHEST)
    kind = forms.ChoiceField(
        label=_("Counted in"), choices=[(str(k), words) for k, words in KIND_WORDS.items()]
    )
    calendar = forms.ModelChoiceField(
        label=pgettext_lazy("days off", "Calendar"),
        queryset=BusinessCalendar.objects.none(),
        required=False,
        empty_label=_("The calendar of the place"),
    )
    extension = forms.ChoiceField(label=_("Extension"), choices=list(EXTENSIONS.items()))
    extension_days = forms.IntegerField(
        label=_("At most this many calendar days"), required=False, min_value=1, max_value=FURTHEST
    )
    extension_times = forms.IntegerField(
        label=_("At most this many times"), required=False, min_value=1, max_value=99
    )
    can_hold = forms.BooleanField(label=_("It can be put on hold"), required=False)
    warn_hours = forms.CharField(
        label=_("Warn this many hours before the end"),
        required=False,
        max_length=40,
        help_text=_("Such as 24, 4. Half and four fifths of the time are always announced."),
    )
    source = forms.CharField(
        label=_("What the source says"), max_length=2000, widget=forms.Textarea({"rows": 3})
    )
    citation = forms.CharField(
        label=_("Where it stands"),
        required=False,
        max_length=200,
        help_text=_("Such as 42 CFR 422.568(b)(1)."),
    )
    verified = forms.BooleanField(label=_("I compared this with its source"), required=False)
    zone = forms.ChoiceField(
        label=_("Time zone of the test dates"), choices=[(zone, zone) for zone in ZONES], initial=ZONE
    )
    vectors = forms.CharField(
        label=_("Test dates"),
        max_length=4000,
        widget=forms.Textarea({"rows": 4, "spellcheck": "false"}),
        help_text=_(
            "One a line: the event, an arrow, when it is due. 2026-11-25 -> 2026-11-30, or with times "
            "2026-10-30 10:00 -> 2026-11-02 09:00. Each is worked out before anything is saved."
        ),
    )
    why = forms.CharField(label=_("Why the rule changes"), max_length=300)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["calendar"].queryset = BusinessCalendar.objects.order_by("name")

    def clean_warn_hours(self) -> list[int]:
        parts = [part.strip() for part in self.cleaned_data["warn_hours"].split(",") if part.strip()]
        if not all(part.isascii() and part.isdigit() and 0 < int(part) <= FURTHEST for part in parts):
            raise forms.ValidationError(_("Write whole hours with commas between them, such as 24, 4."))
        return [int(part) for part in parts]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        counts = data.get("kind") in COUNTING
        if counts and not data.get("amount") and "amount" not in self.errors:
            self.add_error("amount", _("Give the length."))
        if data.get("extension") == "limited" and not data.get("extension_days"):
            self.add_error("extension_days", _("Give the number of days."))
        if "vectors" in data and "zone" in data:
            data["vectors"], wrong = vectors.parse(data["vectors"], data["zone"])
            for text in wrong:
                self.add_error("vectors", text)
        return data

    def as_rule(self) -> dict[str, Any]:
        """What `propose_rule_version` takes."""
        data = self.cleaned_data
        params: dict[str, Any] = {"amount": data["amount"]} if data["kind"] in COUNTING else {}
        if data["extension"] == "open":
            params["extension"] = {}
        elif data["extension"] == "limited":
            times = {"times": data["extension_times"]} if data["extension_times"] else {}
            params["extension"] = {"days": data["extension_days"], **times}
        params |= {"can_hold": True} if data["can_hold"] else {}
        params |= {"warn_hours": data["warn_hours"]} if data["warn_hours"] else {}
        plain = ("effective_from", "kind", "calendar", "source", "citation", "verified", "vectors", "why")
        return {"params": params, **{name: data[name] for name in plain}}


def proposal_initial(version: RuleVersion | None) -> dict[str, Any]:
    """The form as the rule stands now."""
    if version is None:
        return {}
    terms = version.terms()
    limited = terms.extension is not None and terms.extension.days is not None
    return {
        "amount": terms.amount or None,
        "kind": str(terms.kind),
        "calendar": version.calendar_id,
        "extension": "none" if terms.extension is None else "limited" if limited else "open",
        "extension_days": terms.extension.days if terms.extension else None,
        "extension_times": terms.extension.times if terms.extension else None,
        "can_hold": terms.can_hold,
        "warn_hours": ", ".join(str(hours) for hours in terms.warn_hours),
        "source": version.source,
        "citation": version.citation,
        "zone": version.test_dates[0].zone if version.test_dates else ZONE,
        "vectors": "\n".join(vector.line for vector in version.test_dates),
    }
