"""What can be done with a record about money: one table for the buttons, the forms and the services behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from referrals.forms import money as forms
from referrals.models import AidApplication, BenefitApplication, Bill, Estimate
from referrals.services import aid, benefits, bills, estimates

Call = Callable[[Any, dict[str, Any], Any, datetime], Any]


@dataclass(frozen=True)
class Act:
    """One button. `needs` is the step of the workflow that must be possible, by default the act's own name."""

    name: str
    label: Any
    form: type[forms.AboutPatient]
    call: Call
    needs: str = ""
    is_grave: bool = False
    is_main: bool = False

    def allowed(self, record: Any) -> bool:
        if self.needs == "open":
            return record.is_open
        return record.workflow.find(self.needs or self.name, record.status) is not None


def _aid(step: str, label: Any, form: type[forms.AboutPatient] = forms.StepReasonForm, **more: Any) -> Act:
    def call(record: Any, data: dict[str, Any], by: Any, now: datetime) -> Any:
        return aid.step_application(application_id=record.pk, step=step, by=by, now=now, **data)

    return Act(step, label, form, call, **more)


def _benefit(
    step: str, label: Any, form: type[forms.AboutPatient] = forms.StepReasonForm, **more: Any
) -> Act:
    def call(record: Any, data: dict[str, Any], by: Any, now: datetime) -> Any:
        return benefits.step_benefit(benefit_id=record.pk, step=step, by=by, now=now, **data)

    return Act(step, label, form, call, **more)


def _bill(step: str, label: Any, **more: Any) -> Act:
    def call(record: Any, data: dict[str, Any], by: Any, now: datetime) -> Any:
        return bills.step_bill(bill_id=record.pk, step=step, by=by, now=now, **data)

    return Act(step, label, forms.StepReasonForm, call, **more)


def _estimate(step: str, label: Any, **more: Any) -> Act:
    def call(record: Any, data: dict[str, Any], by: Any, now: datetime) -> Any:
        return estimates.step_estimate(estimate_id=record.pk, step=step, by=by, now=now, **data)

    return Act(step, label, forms.StepReasonForm, call, **more)


def _of(service: Callable[..., Any], key: str, **fixed: Any) -> Call:
    """A service that takes the record's key under this name and the form's fields."""
    return lambda record, data, by, now: service(**{key: record.pk}, by=by, now=now, **fixed, **data)


APPLICATION, BENEFIT, BILL, ESTIMATE = "application_id", "benefit_id", "bill_id", "estimate_id"
ERROR = _("Enter in error")

ACTS: dict[str, tuple[Act, ...]] = {
    AidApplication.kind: (
        Act("submit", _("Send the application"), forms.WithoutPapersForm, _of(aid.submit_application, APPLICATION), is_main=True),
        Act("award", _("Awarded"), forms.AwardForm, _of(aid.decide_application, APPLICATION, awarded=True), is_main=True),
        Act("refuse", _("Refused"), forms.RefuseForm, _of(aid.decide_application, APPLICATION, awarded=False)),
        Act("pay", _("Record a payment"), forms.PayForm, _of(aid.pay_award, APPLICATION), "give_back", is_main=True),
        _aid("close", _("Patient told, close"), forms.NothingForm, is_main=True),
        _aid("ask_again", _("Ask again")),
        _aid("give_back", _("Give the rest back and close")),
        _aid("withdraw", _("Withdraw"), is_grave=True),
        _aid("enter_in_error", ERROR, is_grave=True),
    ),
    BenefitApplication.kind: (
        _benefit("file", _("Filed"), forms.FileForm, is_main=True),
        _benefit("approve", _("Approved"), forms.ApproveForm, is_main=True),
        _benefit("deny", _("Denied"), forms.DenyForm),
        _benefit("renew", _("Renewed"), forms.RenewForm, is_main=True),
        _benefit("ask_again", _("Ask again")),
        _benefit("end", _("It ends")),
        _benefit("withdraw", _("Withdraw"), is_grave=True),
        _benefit("enter_in_error", ERROR, is_grave=True),
    ),
    Bill.kind: (
        Act("add_line", _("Add a line"), forms.LineForm, _of(bills.add_line, BILL), "open"),
        Act("explain", _("Explained"), forms.ExplainForm, _of(bills.explain_bill, BILL), "open", is_main=True),
        Act("answer", _("Answer is in"), forms.AnswerForm, _of(bills.answer_question, BILL), is_main=True),
        Act("ask", _("Send a question"), forms.AskForm, _of(bills.ask_about_bill, BILL)),
        _bill("dispute", _("Dispute the bill")),
        Act("settle", _("Record the outcome"), forms.SettleForm, _of(bills.settle_bill, BILL)),
        _bill("reopen", _("Reopen")),
        _bill("enter_in_error", ERROR, is_grave=True),
    ),
    Estimate.kind: (
        Act("give", _("Estimate given"), forms.GiveForm, _of(estimates.give_estimate, ESTIMATE), is_main=True),
        _estimate("drop", _("Not needed")),
        _estimate("correct_given", _("Still to be given")),
        _estimate("enter_in_error", ERROR, is_grave=True),
    ),
}  # fmt: skip


def acts_of(record: Any) -> list[Act]:
    """What can be done with it where it stands."""
    return [act for act in ACTS[record.kind] if act.allowed(record)]
