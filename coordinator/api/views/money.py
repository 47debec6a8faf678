"""Funds (read), and aid, benefits, bills and estimates with the acts of the pages' own table."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from coordinator.api import nouns, selectors
from coordinator.api.base import ListView
from coordinator.api.from_forms import asks
from coordinator.api.nouns import Noun, Part, Still, of_row
from coordinator.api.serializers import money as shapes
from coordinator.api.steps import ApiStep, StepBook
from coordinator.db import lock
from referrals.models import (
    AidApplication,
    AskedPaper,
    Award,
    BenefitApplication,
    Bill,
    BillLine,
    BillQuestion,
    Estimate,
    Spend,
)
from referrals.money_acts import ACTS, Act
from referrals.services import aid, assign_followed, benefits, bills, estimates

KEYS = {"aid": "application_id", "benefit": "benefit_id", "bill": "bill_id", "estimate": "estimate_id"}


def _step(act: Act, model: Any) -> ApiStep:
    key = KEYS[model.kind]

    def call(*, by: Any, now: Any, **data: Any) -> Any:
        pk = data.pop(key)
        made = act.call(Still(pk), data, by, now)
        return made if isinstance(made, model) else Still(pk)

    form = asks(act.form, sources=shapes.SOURCES)
    if act.needs == "open":
        return ApiStep(form, call, at=model.open_statuses)
    return ApiStep(form, call, (act.needs or act.name,))


def _assign(model: Any) -> ApiStep:
    def call(**given: Any) -> Any:
        return assign_followed(model=model, record_id=given.pop(KEYS[model.kind]), **given)

    return ApiStep(shapes.Assigned, call, at=model.open_statuses)


def _paper(model: Any) -> ApiStep:
    call = of_row(aid.attach_paper, AskedPaper, "paper", parent=KEYS[model.kind], key="paper_id")
    return ApiStep(shapes.PaperFound, call, at=model.open_statuses)


def _reversed(**given: Any) -> Any:
    pk = given.pop("application_id")
    return aid.reverse_payment(spend_id=selectors.payment_of(pk, given.pop("payment")), **given)


def _book(title: str, model: Any, **more: ApiStep) -> StepBook:
    acts = {act.name: _step(act, model) for act in ACTS[model.kind]}
    return StepBook(title, KEYS[model.kind], model.workflow, {**acts, **more, "assign": _assign(model)})


def lock_fund_of(application: Any) -> None:
    """The services lock the fund before the application, so the API does too."""
    lock(selectors.all_funds(), application.fund_id)


class FundList(ListView):
    access_rule = "api:referrals"
    resource = "referrals"

    def visible(self, request: Any) -> QuerySet[Any]:
        return selectors.funds(request.user)

    def rows(self, visible: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        return visible.values(*shapes.FUND)

    @extend_schema(operation_id="funds_list", responses=shapes.FundRow(many=True))
    def get(self, request: Any) -> Response:
        """Funds of the clinic with their totals; what is left is `money_in` less `reserved` and `spent`."""
        return self.listed()


AID = Noun(
    "aid_applications",
    "AidApplication",
    AidApplication,
    row=shapes.AID,
    more=("without_papers",),
    parts={
        "papers": Part(AskedPaper, shapes.PAPER, selectors.part(AskedPaper, "application", "position", "id")),
        "awards": Part(Award, shapes.AWARD, selectors.part(Award, "application", "awarded_on", "id")),
        "payments": Part(Spend, shapes.PAYMENT, selectors.part(Spend, "award__application", "paid_on", "id")),
    },
    book=_book(
        "AidApplication",
        AidApplication,
        attach_paper=_paper(AidApplication),
        reverse_payment=ApiStep(shapes.PaymentReversed, _reversed, ("give_back", "correct_payment")),
    ),
)
BENEFITS = Noun(
    "benefit_applications",
    "BenefitApplication",
    BenefitApplication,
    row=shapes.BENEFIT,
    parts={"papers": Part(AskedPaper, shapes.PAPER, selectors.part(AskedPaper, "benefit", "position", "id"))},
    book=_book("BenefitApplication", BenefitApplication, attach_paper=_paper(BenefitApplication)),
)
BILLS = Noun(
    "bills",
    "Bill",
    Bill,
    row=shapes.BILL,
    parts={
        "lines": Part(BillLine, shapes.LINE, selectors.part(BillLine, "bill", "position", "id")),
        "questions": Part(
            BillQuestion, shapes.QUESTION, selectors.part(BillQuestion, "bill", "asked_on", "id")
        ),
    },
    book=_book(
        "Bill",
        Bill,
        remove_line=ApiStep(
            shapes.LineRemoved,
            of_row(bills.remove_line, BillLine, "bill_line", parent="bill_id", key="line_id"),
            at=Bill.open_statuses,
        ),
    ),
)
ESTIMATES = Noun(
    "estimates", "Estimate", Estimate, row=shapes.ESTIMATE, book=_book("Estimate", Estimate)
)  # fmt: skip

SIMILAR = " 409 with `similar` when there is one already."
AidList = nouns.list_view(
    AID,
    "Applications to funds, newest first.",
    filters=shapes.AidFilters,
    lookups=shapes.LOOKUPS,
    write=shapes.AidWrite,
    create=aid.apply_for_aid,
    about_new="Ask a fund for aid: a draft with the papers that the fund asks for." + SIMILAR,
    has_guard=True,
)
AidDetail = nouns.detail_view(AID, "One application with its papers, awards and payments.")
AidSteps = nouns.steps_view(
    AID,
    "Take a step: send, decide, pay, reverse, give back. Money never falls below zero.",
    locks=lock_fund_of,
)
BenefitList = nouns.list_view(
    BENEFITS,
    "Applications for benefits, newest first.",
    filters=shapes.BenefitFilters,
    lookups=shapes.LOOKUPS,
    write=shapes.BenefitWrite,
    create=benefits.start_benefit,
    about_new="Begin collecting for a benefit." + SIMILAR,
    has_guard=True,
)
BenefitDetail = nouns.detail_view(BENEFITS, "One application with its papers.")
BenefitSteps = nouns.steps_view(BENEFITS, "Take a step: file, decide, renew, end.")
BillList = nouns.list_view(
    BILLS,
    "Bills of patients, newest first.",
    filters=shapes.BillFilters,
    lookups=shapes.LOOKUPS,
    write=shapes.BillWrite,
    create=bills.log_bill,
    about_new="Log a bill. The estimate of the same visit is found by itself.",
)
BillDetail = nouns.detail_view(BILLS, "One bill with its lines in plain words, and the questions about it.")
BillSteps = nouns.steps_view(
    BILLS, "Take a step: explain, ask, answer, dispute, settle with its outcome in dollars."
)
EstimateList = nouns.list_view(
    ESTIMATES,
    "Good-faith estimates, newest first.",
    filters=shapes.EstimateFilters,
    lookups=shapes.LOOKUPS,
    write=shapes.EstimateWrite,
    create=estimates.request_estimate,
    about_new="The patient asks for an estimate; the rule sets its date.",
)
EstimateDetail = nouns.detail_view(ESTIMATES, "One estimate with its deadline.")
EstimateSteps = nouns.steps_view(ESTIMATES, "Take a step: given, not needed, still to be given.")
