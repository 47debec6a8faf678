"""What managers type or paste about published figures."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from referrals.models import Payer
from referrals.models.report_card import FIRST_YEAR, MOST_DAYS, TIMES, Metric
from referrals.report_card_file import COLUMNS

MOST_TEXT = 400_000


class PublishedForm(forms.Form):
    """All figures of one payer, year and line of business on one page; what stays empty was not published."""

    year = forms.IntegerField(label=_("Year"), min_value=FIRST_YEAR, max_value=2100)
    line_of_business = forms.ChoiceField(label=_("Line of business"), choices=Payer.Type.choices)
    source = forms.CharField(
        label=_("Source"),
        max_length=200,
        help_text=_("For example: the payer's page and the day you read it"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for metric in Metric:
            is_time = metric in TIMES
            self.fields[metric.value] = forms.DecimalField(
                label=metric.label,
                required=False,
                min_value=0,
                max_value=MOST_DAYS if is_time else 100,
                max_digits=6,
                decimal_places=2,
                help_text=_("Days") if is_time else _("Percent"),
            )

    @property
    def values(self) -> dict[str, Any]:
        given = {metric.value: self.cleaned_data.get(metric.value) for metric in Metric}
        return {metric: value for metric, value in given.items() if value is not None}


class FileForm(forms.Form):
    """The rows as CSV text, and which of its columns is what."""

    text = forms.CharField(
        label=_("Rows as CSV"),
        max_length=MOST_TEXT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        help_text=_(
            "Paste the table with its header: payer, year, line of business, metric, value, source. Times are days."
        ),
    )

    def __init__(self, *args: Any, header: list[str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if header:
            places = [
                ("", _("Find it by its name")),
                *((str(n), name or f"{n + 1}") for n, name in enumerate(header)),
            ]
            for key, words in COLUMNS.items():
                self.fields[f"column_{key}"] = forms.ChoiceField(label=words, choices=places, required=False)
