"""Published figures of payers: saved as a whole per payer, year and line of business, replaced and taken back likewise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator.audit import services as audit
from coordinator.db import lock
from coordinator.workflow import Actor, person
from referrals.models.referrals import Payer
from referrals.models.report_card import FIRST_YEAR, MOST_DAYS, TIMES, Metric, PublishedMetric
from referrals.permissions import check_can_set_up


@dataclass(frozen=True)
class Published:
    """What one payer published for one year and line of business: metric code to value, percent or days."""

    payer_id: UUID
    year: int
    line_of_business: str
    source: str
    values: Mapping[str, Decimal]


def refusal(metric: str, value: Decimal) -> str:
    """Why a value cannot be one of this metric; "" when it can."""
    most = MOST_DAYS if metric in TIMES else 100
    if not 0 <= value <= most:
        return (
            _("Enter days from 0 to %(most)d.")
            if metric in TIMES
            else _("Enter a percentage from 0 to %(most)d.")
        ) % {"most": most}
    return ""


@transaction.atomic
def save_published(*, given: Sequence[Published], by: Actor, now: datetime) -> int:
    """Keep these figures in place of what was there for the same payers, years and lines; how many are kept now.

    All or nothing. What was there before stays in the audit trail. Raises ValidationError by metric.
    """
    check_can_set_up(by)
    kept = 0
    for one in sorted(given, key=lambda one: (str(one.payer_id), one.year, one.line_of_business)):
        _check(one, now)
        payer = lock(Payer.objects, one.payer_id)
        before = _drop(payer, one.year, one.line_of_business)
        rows = [
            PublishedMetric(
                payer=payer,
                year=one.year,
                line_of_business=one.line_of_business,
                metric=metric,
                value=value,
                source=one.source.strip(),
                created_by=person(by),
            )
            for metric, value in one.values.items()
        ]
        PublishedMetric.objects.bulk_create(rows)
        kept += len(rows)
        now_there = {metric: str(value) for metric, value in one.values.items()}
        _record(payer, "publish_metrics", one.year, one.line_of_business, before, now_there, by)
    return kept


@transaction.atomic
def take_back_published(*, payer_id: UUID, year: int, line_of_business: str, by: Actor, now: datetime) -> int:
    """Take the figures of one payer, year and line off the card; how many there were. The audit trail keeps them."""
    check_can_set_up(by)
    payer = lock(Payer.objects, payer_id)
    before = _drop(payer, year, line_of_business)
    if before:
        _record(payer, "take_back_metrics", year, line_of_business, before, {}, by)
    return len(before)


def _check(one: Published, now: datetime) -> None:
    errors: dict[str, Any] = {}
    this_year = timezone.localdate(now).year
    if not one.values:
        errors["year"] = _("Enter at least one figure.")
    if not FIRST_YEAR <= one.year <= this_year:
        errors["year"] = _("Payers publish figures for years from %(first)d to %(last)d.") % {
            "first": FIRST_YEAR, "last": this_year,
        }  # fmt: skip
    if one.line_of_business not in Payer.Type.values:
        errors["line_of_business"] = _("Choose a line of business from the list.")
    if not one.source.strip():
        errors["source"] = _("Enter where the figures stand.")
    for metric, value in one.values.items():
        if metric not in Metric.values:
            errors["year"] = _("There is no metric with this name.")
        elif why := refusal(metric, value):
            errors[metric] = why
    if errors:
        raise ValidationError(errors)


def _drop(payer: Payer, year: int, line: str) -> dict[str, str]:
    rows = PublishedMetric.objects.filter(payer=payer, year=year, line_of_business=line)
    before = {row.metric: str(row.value) for row in rows}
    rows.delete()
    return before


def _record(
    payer: Payer, action: str, year: int, line: str, before: dict[str, str], after: dict[str, str], by: Actor
) -> None:
    details = {"year": year, "line_of_business": line, "before": before, "after": after}
    audit.record_change(payer, action, by=by, details=details)
