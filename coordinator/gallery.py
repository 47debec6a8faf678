"""Every shared component on one page, for developers and administrators. Nothing here is a record."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from coordinator.fields import BirthDateField, PhoneField
from coordinator.http import page, requires

NOW = datetime(2026, 11, 18, 16, 24, tzinfo=UTC)


class ExampleForm(forms.Form):
    """One field of each kind, filled in so that some are wrong."""

    reason = forms.ChoiceField(label="Reason", choices=[("", "Choose…"), ("a", "Heart failure")])
    due_on = forms.DateField(
        label="Preferred date",
        help_text="Type it or use a shortcut.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    phone = PhoneField(label="Best phone")
    birth_date = BirthDateField(label="Date of birth", help_text="For example, 3 14 1958")
    urgency = forms.ChoiceField(
        label="Urgency",
        widget=forms.RadioSelect,
        choices=[("r", "Routine"), ("s", "Soon, 2 weeks"), ("u", "Urgent, 48 hours")],
    )
    note = forms.CharField(
        label="Note to the specialist", required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    consent = forms.BooleanField(label="The patient agrees", required=False)


class ExampleFilters(forms.Form):
    """Chips of a filter bar."""

    kind = forms.ChoiceField(label="Type", required=False, choices=[("", "Any"), ("call", "Call")])
    language = forms.ChoiceField(label="Language", required=False, choices=[("", "Any"), ("es", "Spanish")])


def _patient(family: str, given: str, born: date, sex: str, language: str = "", goes_by: str = "") -> Any:
    return SimpleNamespace(
        family_name=family,
        given_name=given,
        preferred_name=goes_by,
        birth_date=born,
        sex=sex,
        language=language,
        deceased_on=None,
    )


def _rows() -> list[dict[str, Any]]:
    elena = _patient("Ramírez", "Elena", date(1958, 3, 14), "female", "es", "Lena")
    daniel = _patient("Kowalski", "Daniel", date(1971, 7, 2), "male")
    hodan = _patient("Abdi", "Hodan", date(1966, 1, 9), "female", "so")
    return [
        {
            "title": "Post-discharge call",
            "patient": elena,
            "due": NOW + timedelta(hours=6, minutes=36),
            "clock": True,
        },
        {"title": "Find out why infusion was missed", "patient": hodan, "due": date(2026, 11, 16)},
        {"title": "Monthly call", "patient": daniel, "due": NOW + timedelta(hours=2, minutes=36), "made": 1},
        {"title": "Schedule eye exam", "patient": daniel, "due": date(2026, 11, 20), "made": 3},
    ]


def example() -> dict[str, Any]:
    """Context of the gallery, at a fixed moment so that it always looks the same."""
    typed = {"due_on": "2026-11-20", "phone": "555-014", "urgency": "s", "birth_date_month": "2"}
    typed |= {"birth_date_day": "31", "birth_date_year": "1958"}
    return {
        "now": NOW,
        "form": ExampleForm(typed),
        "filters": ExampleFilters({"language": "es"}),
        "rows": _rows(),
        "tabs": [
            {"href": "?", "label": "To do", "count": 38, "current": True},
            {"href": "?view=waiting", "label": "Waiting on others", "count": 9},
            {"href": "?view=done", "label": "Done today"},
        ],
        "differences": [
            {"name": "target", "label": "Target weight", "theirs": "172 lb", "yours": "170 lb"},
            {"name": "review", "label": "Review date", "theirs": "Jan 8, 2027", "yours": "Dec 18, 2026"},
        ],
        "changed_at": NOW - timedelta(minutes=3),
        "started": NOW - timedelta(hours=53),
        "soon": NOW + timedelta(hours=19),
        "late": NOW - timedelta(hours=4),
        "weights": [171, 172, 171, 173, 174, 173, 176, 178, 181, 179],
        "overdue": [("1–2 days", 3, "f4"), ("3–7 days", 5, "fw"), ("over 7 days", 9, "fd")],
    }


@requires("settings.manage")
@require_GET
def gallery(request: HttpRequest) -> HttpResponse:
    with timezone.override("America/Chicago"):
        return page(request, "components/gallery.html", example())
