"""What one payer published for the last year, as the invented clinic's manager entered it."""

from __future__ import annotations

from decimal import Decimal

from coordinator.accounts.models import User
from coordinator.accounts.roles import Role
from coordinator.demo.clinic import Clinic
from referrals.models import Payer
from referrals.models.report_card import FIRST_YEAR
from referrals.services.report_card import Published, save_published

FIGURES = {
    "standard_approved": "91.40",
    "standard_denied": "7.10",
    "standard_after_appeal": "1.30",
    "extended_approved": "0.80",
    "expedited_approved": "88.20",
    "expedited_denied": "10.60",
    "standard_average": "4.10",
    "standard_median": "3.50",
    "expedited_average": "1.40",
    "expedited_median": "1.10",
}


def make_published(clinic: Clinic) -> None:
    """For the Medicare Advantage payer with the first name in the alphabet."""
    payer = Payer.objects.filter(payer_type=Payer.Type.MEDICARE_ADVANTAGE).order_by("name").first()
    manager = User.objects.filter(role=Role.MANAGER).order_by("pk").first()
    if payer is None or manager is None or clinic.today.year - 1 < FIRST_YEAR:
        return
    values = {metric: Decimal(value) for metric, value in FIGURES.items()}
    source = "Invented: the payer's page of yearly figures"
    one = Published(payer.pk, clinic.today.year - 1, payer.payer_type, source, values)
    save_published(given=[one], by=manager, now=clinic.ago(30))
