"""Reads for the pages about money: funds and their ledger, a patient's bills and applications, dollars found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet, Sum, Window
from django.db.models.functions import TruncMonth

from coordinator.clocks.rules import explain
from coordinator.clocks.selectors import rule_in_force
from coordinator.clocks.values import Explanation
from coordinator.workflow import Actor
from patients.models import Document, Patient
from referrals.models import (
    AidApplication,
    BenefitApplication,
    Bill,
    Estimate,
    Fund,
    FundMovement,
    Spend,
)
from referrals.money_workflow import AidStatus
from referrals.selectors.known import known_to

PAGE_SIZE = 50
LISTED = 100
NOT_COUNTED = (AidStatus.WITHDRAWN, AidStatus.ENTERED_IN_ERROR)
MODELS: dict[str, type[Any]] = {
    model.kind: model for model in (AidApplication, BenefitApplication, Bill, Estimate)
}
# What a page of each needs beside the record itself.
RELATED: dict[str, tuple[str, ...]] = {
    "aid": ("fund", "bill"),
    "benefit": (),
    "bill": ("estimate", "explained_to"),
    "estimate": (),
}


def same_applications(*, patient: Patient, fund: Fund, period: str, by: Actor) -> list[AidApplication]:
    """What this patient asked this fund for in this period already (domain 3.12), as far as `by` may know; latest first."""
    found = AidApplication.objects.filter(patient=patient, fund=fund, period=period).select_related("fund")
    return list(known_to(found.exclude(status__in=NOT_COUNTED), by).order_by("-created_at"))


def same_benefits(*, patient: Patient, program: str, by: Actor, name: str = "") -> list[BenefitApplication]:
    """Open applications of this patient for the same benefit, as far as `by` may know; latest first."""
    found = BenefitApplication.objects.open().filter(
        patient=patient, program=program, name__iexact=name.strip()
    )
    return list(known_to(found, by).order_by("-created_at"))


def money_to_end(patient: Patient) -> list[Any]:
    """Open bills, applications and estimates: somebody has to end them when the patient leaves. Four queries."""
    found: list[Any] = []
    for model in MODELS.values():
        rows = model.objects.open().filter(patient=patient).order_by("pk")
        related = (
            "patient",
            "site__calendar",
            "owner",
            "team",
            *(("fund",) if model is AidApplication else ()),
        )
        found += rows.select_related(*related)
    return found


def followed(kind: str) -> QuerySet[Any]:
    """Records of one kind with what their page shows; the caller narrows them to the person."""
    shared = ("patient__site", "site", "owner", "team", "clock__rule_version__rule", "clock__calendar")
    return MODELS[kind].objects.select_related(*shared, *RELATED[kind])


def funds(user: Any) -> QuerySet[Fund]:
    """Every fund with its three totals, those that give first. One query; the balance needs none."""
    return Fund.objects.visible_to(user).order_by("-is_active", "name")


def ledger(user: Any, fund: Fund, start: int = 0) -> list[Any]:
    """Movements of a fund, latest first, each with `balance` after it; one more than a page. Two queries.

    `application` stands on a movement only for who may see the patient.
    """
    running = Window(
        Sum(F("money_in") - F("reserved") - F("spent")), order_by=[F("created_at").asc(), F("id").asc()]
    )
    rows = (
        FundMovement.objects.filter(fund=fund)
        .annotate(balance=running)
        .select_related("award", "spend", "created_by", "reversed_by")
        .order_by("-created_at", "-id")
    )
    found: list[Any] = list(rows[start : start + PAGE_SIZE + 1])
    asked = {row.award.application_id for row in found if row.award}
    seen = AidApplication.objects.visible_to(user).filter(pk__in=asked).select_related("patient").in_bulk()
    for row in found:
        row.application = seen.get(row.award.application_id) if row.award else None
    return found


def money_of(user: Any, patient: Patient) -> dict[str, list[Any]]:
    """What the Money page of a patient lists; open ones by date, then what is over. Four queries."""
    lists = {}
    for kind, model in MODELS.items():
        rows = model.objects.visible_to(user).filter(patient=patient)
        if kind == "aid":
            rows = rows.select_related("fund")
        if kind == "bill":
            rows = rows.select_related("estimate")
        found = list(rows.order_by("-stage_since", "-pk")[:LISTED])
        still_open = sorted((row for row in found if row.is_open), key=lambda row: row.due_at)
        lists[kind] = [*still_open, *(row for row in found if not row.is_open)]
    return lists


def papers_of(user: Any, record: Any) -> list[Any]:
    """The papers an application asks for, each with `shown`: its document, if the person may open it. Two queries."""
    papers = list(record.papers.all())
    shown = shown_documents(user, [paper.document_id for paper in papers])
    for paper in papers:
        paper.shown = shown.get(paper.document_id)
    return papers


def shown_documents(user: Any, keys: Iterable[Any]) -> dict[Any, Document]:
    """Of these documents, those that the person may open, by key."""
    wanted = [key for key in keys if key]
    return Document.objects.visible_to(user).defer("text").in_bulk(wanted) if wanted else {}


def open_bills(user: Any, patient: Patient) -> QuerySet[Bill]:
    return Bill.objects.visible_to(user).filter(patient=patient, status__in=Bill.open_statuses)


@dataclass(frozen=True)
class Month:
    """Dollars found in a month: by bills, and by each fund in the order of `Found.funds`."""

    first: date
    bills: Decimal
    by_fund: list[Decimal]

    @property
    def total(self) -> Decimal:
        return self.bills + sum(self.by_fund, Decimal(0))


@dataclass(frozen=True)
class Found:
    """What managers see: money won on bills and paid by funds, by month, latest first; and all of it together."""

    funds: list[str]
    months: list[Month]
    whole: Month


def dollars_found(user: Any, year: int) -> Found:
    """Dollars found for the patients that the person may see, in a calendar year. Two queries."""
    bills = Bill.objects.visible_to(user).filter(settled_on__year=year, dollars_won__gt=0)
    won = bills.annotate(month=TruncMonth("settled_on")).values_list("month").annotate(sum=Sum("dollars_won"))
    seen = AidApplication.objects.visible_to(user).values("pk")
    spends = Spend.objects.filter(
        Q(reversed_on=None), paid_on__year=year, award__application__in=seen
    ).annotate(month=TruncMonth("paid_on"))
    paid = spends.values_list("month", "award__fund__name").annotate(sum=Sum("amount"))
    by_bill = dict(won.order_by("month"))
    by_fund = {(month, name): total for month, name, total in paid.order_by("month")}
    names = sorted({name for _month, name in by_fund})
    months = sorted({*by_bill, *(month for month, _name in by_fund)}, reverse=True)
    rows = [
        Month(m, by_bill.get(m, Decimal(0)), [by_fund.get((m, n), Decimal(0)) for n in names]) for m in months
    ]
    whole = Month(
        date(year, 1, 1),
        sum((row.bills for row in rows), Decimal(0)),
        [sum((row.by_fund[n] for row in rows), Decimal(0)) for n in range(len(names))],
    )
    return Found(names, rows, whole)


def hospital_dates(bill: Bill) -> list[Explanation]:
    """What IRS 501(r)(6) sets for a nonprofit hospital's bill; the usual periods are unconfirmed and say so."""
    if not bill.is_nonprofit_hospital:
        return []
    keys = ("bill.before_collection", "bill.aid_application")
    return [
        explain(rule_in_force(key, bill.statement_on).terms(), bill.statement_on, bill.site.zone)
        for key in keys
    ]
