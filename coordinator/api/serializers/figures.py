"""Figures about referrals and prior authorizations, and what payers publish beside ours."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from coordinator.api.fields import Filters, OwnSite, Shape
from coordinator.dashboard.figure_sets import PERIODS, FigureSet
from referrals.models import Payer
from referrals.models.report_card import Metric

PAYER = (
    "id", "name", "payer_type", "lines_of_business", "phone", "fax", "portal", "zone", "peer_to_peer_days",
    "appeals_address", "appeals_fax", "tips", "reviewed_on", "version", "created_at", "updated_at",
)  # fmt: skip
FIRST, LAST = 2020, 2100


def year_field() -> serializers.IntegerField:
    return serializers.IntegerField(required=False, min_value=FIRST, max_value=LAST)


def filters_of(figures: FigureSet) -> type[Filters]:
    """What a table can be asked for."""
    fields: dict[str, Any] = {"site": OwnSite(required=False)}
    if len(figures.groupings) > 1:
        fields["by"] = serializers.ChoiceField([(key, key) for key in figures.groupings], required=False)
    if figures.kind == "requests":
        fields["kind"] = serializers.ChoiceField(["service", "medicine"], required=False)
    if figures.has_period:
        days = serializers.ChoiceField(
            PERIODS, required=False, help_text="Days up to today; 90 when not given."
        )
        fields |= {"period": days, "year": year_field()}
    name = "".join(word.capitalize() for word in figures.name.split("-"))
    return type(f"{name}Filters", (Filters,), {**fields, "PAGING": ()})


class Column(serializers.Serializer):
    key = serializers.CharField()
    name = serializers.CharField()
    counted = serializers.CharField(help_text="What it counts, in a sentence.")


class Figure(serializers.Serializer):
    column = serializers.CharField()
    n = serializers.IntegerField()
    share = serializers.IntegerField(
        allow_null=True, help_text="Percent; null where it rests on fewer than 5."
    )
    days = serializers.FloatField(
        allow_null=True, help_text="Median or average; null where it rests on fewer than 5."
    )


class FigureLine(serializers.Serializer):
    key = serializers.CharField()
    name = serializers.CharField()
    figures = Figure(many=True)


class FigureTable(serializers.Serializer):
    """Lines with most records first. What is about a restricted patient is in no figure."""

    about = serializers.CharField()
    by = serializers.CharField()
    columns = Column(many=True)
    lines = FigureLine(many=True)
    total = FigureLine(allow_null=True)


# --- payers ------------------------------------------------------------------------------------------------------


class PayerRow(Shape):
    class Meta:
        model = Payer
        fields = PAYER


class CardFilters(Filters):
    PAGING = ()
    year = year_field()
    line = serializers.ChoiceField(Payer.Type.choices, required=False)


class CardRow(serializers.Serializer):
    """One metric, percent or days: ours, what it rests on, what was published, and the difference in words."""

    metric = serializers.ChoiceField(Metric.choices)
    unit = serializers.ChoiceField(["percent", "days"])
    ours = serializers.FloatField(allow_null=True)
    of = serializers.IntegerField(help_text="How many of our requests it rests on; under 5 nothing is said.")
    published = serializers.FloatField(allow_null=True)
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    difference = serializers.CharField()


class ReportCard(serializers.Serializer):
    payer = serializers.UUIDField()
    year = serializers.IntegerField()
    published_year = serializers.IntegerField(help_text="The newest one that was entered, up to `year`.")
    line = serializers.ChoiceField(Payer.Type.choices)
    lines = serializers.ListField(
        child=serializers.CharField(), help_text="Lines of business with published figures."
    )
    results = CardRow(many=True)
