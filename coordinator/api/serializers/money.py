"""Funds, applications for aid and benefits, bills and estimates."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from coordinator.api import selectors
from coordinator.api.fields import Filters, Instant, Several, Shape, Strict, Visible, VisibleUser, words
from coordinator.api.from_forms import asks
from referrals.forms import money as forms
from referrals.models import AidApplication, BenefitApplication, Bill, Estimate, Fund

SHARED = (
    "id", "site", "patient", "status", "owner", "team", "next_step", "due_at", "stage_since", "version", "created_at",
    "updated_at",
)  # fmt: skip
AID = (
    *SHARED,
    "fund",
    "bill",
    "period",
    "purpose",
    "asked_amount",
    "awarded_amount",
    "decided_on",
    "decided_by",
)
BENEFIT = (
    *SHARED, "program", "name", "agency", "agency_reference", "filed_on", "decided_on", "starts_on", "ends_on",
    "renews_on",
)  # fmt: skip
BILL = (
    *SHARED, "biller", "amount", "is_nonprofit_hospital", "statement_on", "service_on", "due_on", "account_number",
    "document", "estimate", "explained_on", "explained_to", "outcome", "dollars_won", "settled_on",
)  # fmt: skip
ESTIMATE = (
    *SHARED, "service", "visit_id", "scheduled_on", "visit_on", "on_request", "amount", "given_on", "channel",
)  # fmt: skip
PAPER = ("id", "position", "name", "document", "not_needed")
AWARD = ("id", "amount", "paid", "awarded_on", "expires_on", "released_on", "released_because")
PAYMENT = ("id", "award", "amount", "paid_to", "paid_for", "paid_on", "reversed_on", "reversed_because")
LINE = ("id", "position", "text", "amount", "phrase", "explanation", "removed_because")
QUESTION = ("id", "to_whom", "channel", "question", "asked_on", "answer_due_at", "answered_on", "answer")
FUND = (
    "id", "name", "purpose", "criteria", "papers", "contact", "period", "limit_per_patient", "holds_days", "is_active",
    "money_in", "reserved", "spent", "version", "updated_at",
)  # fmt: skip
SOURCES: dict[str, Any] = {
    "fund": selectors.funds,
    "bill": selectors.bills,
    "document": selectors.documents,
    "phrase": selectors.phrases,
    "related_person": selectors.related_people,
}


class FundRow(Shape):
    class Meta:
        model = Fund
        fields = FUND


def write(form: Any, **more: serializers.Field) -> type[Strict]:
    """A new record of one patient, asking for what its form asks for."""
    return asks(form, sources=SOURCES, patient=Visible(selectors.patients), **more)


def _replaces(source: Any) -> Visible:
    text = "The similar one that this takes the place of; it is withdrawn."
    return Visible(source, required=False, allow_null=True, help_text=text)


AidWrite = write(forms.AidForm, replaces=_replaces(selectors.aid_applications))
BenefitWrite = write(
    forms.BenefitForm,
    replaces=_replaces(selectors.benefit_applications),
    papers=serializers.ListField(child=serializers.CharField(max_length=160), required=False, max_length=30),
)
BillWrite = write(forms.BillForm)
EstimateWrite = write(forms.EstimateForm)


class MoneyFilters(Filters):
    site = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)
    owner = serializers.IntegerField(required=False, min_value=1, max_value=2**62)
    due_before = Instant(required=False)
    updated_since = Instant(required=False)


LOOKUPS = {
    "site": "site",
    "patient": "patient",
    "owner": "owner",
    "due_before": "due_at__lt",
    "updated_since": "updated_at__gte",
    "status": "status__in",
    "fund": "fund",
}


class AidFilters(MoneyFilters):
    status = Several(choices=AidApplication._meta.get_field("status").choices, required=False)
    fund = serializers.UUIDField(required=False)


class BenefitFilters(MoneyFilters):
    status = Several(choices=BenefitApplication._meta.get_field("status").choices, required=False)


class BillFilters(MoneyFilters):
    status = Several(choices=Bill._meta.get_field("status").choices, required=False)


class EstimateFilters(MoneyFilters):
    status = Several(choices=Estimate._meta.get_field("status").choices, required=False)


class Assigned(Strict):
    owner = VisibleUser(selectors.colleagues)
    reason = words(required=False)


class PaperFound(Strict):
    """Where a paper is: a document of this patient, or why it is not needed; neither means missing again."""

    paper = serializers.UUIDField()
    document = Visible(selectors.documents, required=False, allow_null=True)
    not_needed = words(required=False, max_length=250)


class PaymentReversed(Strict):
    payment = serializers.UUIDField()
    reason = words()


class LineRemoved(Strict):
    bill_line = serializers.UUIDField()
    reason = words(max_length=250)
