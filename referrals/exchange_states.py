"""What each status of a referral is called where systems exchange referrals. Data; no status is missing.

Sources: HL7 BSeR implementation guide (business statuses, built on IHE 360X), FHIR R4 ServiceRequest.status and
Task.status.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from referrals.workflow import ReferralStatus as S

Text = str | Promise

BUSINESS: dict[str, Text] = {
    "2.0": _("Request received"),
    "3.0": _("Accepted"),
    "4.0": _("Declined"),
    "5.1.1": _("Visit scheduled"),
    "5.1.2": _("Visit unattended"),
    "5.1.3": _("Visit cancelled"),
    "5.1.4": _("Visit completed"),
    "5.2": _("Cancellation requested"),
    "6.0": _("Cancelled"),
    "7.0": _("Request completed"),
}


@dataclass(frozen=True)
class ExchangeState:
    """`business` is a number of BSeR, empty where only we know the status; the others are FHIR codes."""

    business: str
    service_request: str
    task: str

    @property
    def business_words(self) -> Any:
        return BUSINESS[self.business] if self.business else ""


EXCHANGE: dict[str, ExchangeState] = {
    S.DRAFT: ExchangeState("", "draft", "draft"),
    S.AWAITING_AUTHORIZATION: ExchangeState("", "draft", "draft"),
    S.READY: ExchangeState("", "active", "ready"),
    S.SENT: ExchangeState("2.0", "active", "requested"),
    S.SEND_FAILED: ExchangeState("", "active", "requested"),
    S.RECEIVED: ExchangeState("2.0", "active", "received"),
    S.ACCEPTED: ExchangeState("3.0", "active", "accepted"),
    S.SCHEDULED: ExchangeState("5.1.1", "active", "in-progress"),
    S.NO_SHOW: ExchangeState("5.1.2", "active", "in-progress"),
    S.VISIT_CANCELLED: ExchangeState("5.1.3", "active", "on-hold"),
    S.SEEN: ExchangeState("5.1.4", "active", "in-progress"),
    S.COMPLETED: ExchangeState("7.0", "completed", "completed"),
    S.DECLINED: ExchangeState("4.0", "revoked", "rejected"),
    S.CANCEL_REQUESTED: ExchangeState("5.2", "active", "in-progress"),
    S.CANCELLED: ExchangeState("6.0", "revoked", "cancelled"),
    S.WITHDRAWN: ExchangeState("", "revoked", "cancelled"),
    S.ENTERED_IN_ERROR: ExchangeState("", "entered-in-error", "entered-in-error"),
}
