"""What payers publish about their prior authorizations, entered by hand or from a file, beside our own figures."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coordinator.db import Record
from referrals.models.referrals import Payer


class Metric(models.TextChoices):
    """The yearly public metrics that are numbers: 2 to 9 of 42 CFR 422.122(c). Percentages, and days for time."""

    STANDARD_APPROVED = "standard_approved", _("Standard requests approved")
    STANDARD_DENIED = "standard_denied", _("Standard requests denied")
    STANDARD_AFTER_APPEAL = "standard_after_appeal", _("Standard requests approved after appeal")
    EXTENDED_APPROVED = "extended_approved", _("Approved after the review time was extended")
    EXPEDITED_APPROVED = "expedited_approved", _("Expedited requests approved")
    EXPEDITED_DENIED = "expedited_denied", _("Expedited requests denied")
    STANDARD_AVERAGE = "standard_average", _("Standard: average time to a decision")
    STANDARD_MEDIAN = "standard_median", _("Standard: median time to a decision")
    EXPEDITED_AVERAGE = "expedited_average", _("Expedited: average time to a decision")
    EXPEDITED_MEDIAN = "expedited_median", _("Expedited: median time to a decision")


TIMES = (
    Metric.STANDARD_AVERAGE,
    Metric.STANDARD_MEDIAN,
    Metric.EXPEDITED_AVERAGE,
    Metric.EXPEDITED_MEDIAN,
)
FIRST_YEAR = 2025  # the first published year (CMS-0057-F: due 31 March 2026)
MOST_DAYS = 366


class PublishedMetric(Record):
    """One published figure of a payer, a year and a line of business. Who entered it is `created_by`."""

    payer = models.ForeignKey(Payer, on_delete=models.PROTECT, related_name="published_metrics")
    year = models.PositiveSmallIntegerField()
    line_of_business = models.CharField(max_length=20, choices=Payer.Type.choices)
    metric = models.CharField(max_length=24, choices=Metric.choices)
    value = models.DecimalField(max_digits=6, decimal_places=2)  # percent, or days
    source = models.CharField(max_length=200)

    class Meta:
        ordering = ["-year", "line_of_business", "metric"]
        constraints = [
            models.UniqueConstraint(
                fields=["payer", "year", "line_of_business", "metric"], name="published_metric_once"
            ),
            models.CheckConstraint(
                condition=Q(metric__in=Metric.values, line_of_business__in=Payer.Type.values),
                name="published_metric_known",
            ),
            models.CheckConstraint(
                condition=Q(value__gte=0)
                & (Q(metric__in=TIMES, value__lte=MOST_DAYS) | ~Q(metric__in=TIMES) & Q(value__lte=100)),
                name="published_metric_range",
            ),
            models.CheckConstraint(
                condition=Q(year__gte=FIRST_YEAR, year__lte=2100), name="published_metric_year"
            ),
            models.CheckConstraint(condition=~Q(source=""), name="published_metric_has_a_source"),
        ]

    def __str__(self) -> str:
        return f"{self.get_metric_display()} {self.year}"

    @property
    def is_time(self) -> bool:
        return self.metric in TIMES
