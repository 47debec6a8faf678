"""Referrals: list, write, take steps, and the facts that close the loop."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.response import Response
from rest_framework.reverse import reverse

from coordinator.api.base import ApiView, ListView, versioned
from coordinator.api.idempotency import once
from coordinator.api.matching import conditional
from coordinator.api.nouns import beside, of_row
from coordinator.api.schema import Similar
from coordinator.api.selectors import part
from coordinator.api.serializers import referrals as shapes
from coordinator.api.serializers.patients import NoInput, WithReason
from coordinator.api.steps import ApiStep, StepBook, StepView, documented
from referrals import services
from referrals.models import Referral, ReferralAttempt, ReferralMessage
from referrals.rules.referrals import PATHS


class ReferralView(ApiView):
    access_rule = "api:referrals"
    resource = "referrals"


class ReferralList(ReferralView, ListView):
    filters = shapes.ReferralFilters
    lookups = {
        "site": "site",
        "patient": "patient",
        "owner": "owner",
        "team": "team",
        "status": "status__in",
        "urgency": "urgency__in",
        "specialty": "specialty__iexact",
        "updated_since": "updated_at__gte",
    }

    def visible(self, request: Any) -> QuerySet[Referral]:
        return Referral.objects.visible_to(request.user)

    def rows(self, visible: QuerySet[Referral], given: dict[str, Any]) -> QuerySet[Any]:
        visible = self.narrowed(visible, given)
        if "loop_closed" in given:
            visible = visible.filter(loop_closed_at__isnull=not given["loop_closed"])
        if given.get("overdue"):
            visible = visible.overdue(timezone.now())
        return visible.values(*shapes.ROW)

    @extend_schema(operation_id="referrals_list", responses=shapes.ReferralRow(many=True))
    def get(self, request: Any) -> Response:
        """Referrals of the client's sites, newest first."""
        return self.listed()

    @extend_schema(
        operation_id="referrals_create",
        request=shapes.ReferralWrite,
        responses={
            201: shapes.ReferralDetail,
            409: OpenApiResponse(Similar, description="There is one for the specialty already."),
        },
    )
    @once
    def post(self, request: Any) -> Response:
        """Write a draft. 409 with `similar` when the patient has one for the specialty that is open or recent."""
        given = self.body(shapes.ReferralWrite)
        referral = services.create_referral(by=request.user, now=timezone.now(), **given)
        where = reverse("api:referral", [referral.pk], request=request)
        return versioned(detail(request, referral.pk), 201, where)


class ReferralDetail(ReferralView):
    @extend_schema(operation_id="referrals_read", responses=shapes.ReferralDetail)
    def get(self, request: Any, pk: UUID) -> Response:
        """One referral with the facts of its loop."""
        return versioned(detail(request, pk))


RECORD = {
    "review": services.record_review,
    "tell_patient": services.record_patient_told,
    "tell_requester": services.record_requester_told,
}


class ReferralFacts(ReferralView):
    @extend_schema(
        operation_id="referrals_fact", request=shapes.FactWrite, responses={200: shapes.ReferralDetail}
    )
    @once
    @conditional
    def post(self, request: Any, pk: UUID) -> Response:
        """Record that the requester reviewed the report, or that the patient or the requester was told."""
        self.locked(Referral.objects.visible_to(request.user), pk)
        fact = self.body(shapes.FactWrite)["fact"]
        RECORD[fact](referral_id=pk, by=request.user, now=timezone.now())
        return versioned(detail(request, pk))


def _in_error(model: Any, name: str) -> Any:
    def call(*, entry_id: UUID, **given: Any) -> Any:
        return services.enter_entry_in_error(model=model, entry_id=entry_id, **given)

    return of_row(call, model, name, parent="referral_id", key="entry_id")


def advance(step: str) -> Any:
    return lambda **call: services.advance_referral(step=step, **call)


ASKS: dict[str, Any] = {
    "await_authorization": NoInput, "make_ready": shapes.MadeReady, "redraft": NoInput, "withdraw": shapes.Ended,
    "send": shapes.Sent, "record_send_failure": WithReason, "receive": shapes.Received, "accept": shapes.Confirmed,
    "schedule": shapes.Scheduled, "record_no_show": shapes.NoShow, "cancel_visit": shapes.VisitOff, "see": shapes.Seen,
    "complete": shapes.ReportIn, "decline": shapes.Declined, "request_cancel": shapes.Ended,
    "record_help": shapes.Helped, "confirm_cancel": shapes.Confirmed, "cancel_without_reply": WithReason,
    "reopen": WithReason, "reopen_for_visit": shapes.Reopened, "enter_in_error": WithReason,
}  # fmt: skip
STEPS = StepBook(
    "Referral",
    "referral_id",
    Referral.workflow,
    {
        **{name: ApiStep(asks, advance(name)) for name, asks in ASKS.items()},
        "log_attempt": ApiStep(
            shapes.AttemptMade, beside(services.log_attempt, "referral_id"), ("enter_in_error",)
        ),
        "add_message": ApiStep(
            shapes.MessageKept, beside(services.add_message, "referral_id"), ("enter_in_error",)
        ),
        "attempt_in_error": ApiStep(
            shapes.AttemptInError, _in_error(ReferralAttempt, "attempt"), ("enter_in_error",)
        ),
        "message_in_error": ApiStep(
            shapes.MessageInError, _in_error(ReferralMessage, "message"), ("enter_in_error",)
        ),
        "assign": ApiStep(shapes.Assigned, services.assign_referral, ("enter_in_error",)),
    },
)


@documented(
    "referrals", shapes.ReferralDetail, "Take a step: the rows between are written when some were skipped."
)
class ReferralSteps(ReferralView, StepView):
    book = STEPS

    def visible(self) -> QuerySet[Any]:
        return Referral.objects.visible_to(self.request.user)

    def detail(self, pk: UUID) -> dict[str, Any]:
        return detail(self.request, pk)


def detail(request: Any, pk: UUID) -> dict[str, Any]:
    """One visible referral as ReferralDetail (three queries). Raises Http404."""
    found = Referral.objects.visible_to(request.user).filter(pk=pk).values(*shapes.DETAIL).first()
    if found is None:
        raise Http404
    inside = {
        "attempts": list(
            part(ReferralAttempt, "referral", "at", "id")(request.user, pk).values(*shapes.ATTEMPT)
        ),
        "messages": list(
            part(ReferralMessage, "referral", "at", "id")(request.user, pk).values(*shapes.MESSAGE)
        ),
    }
    skipping = [step for status, step in PATHS if status == found["status"]]
    possible = STEPS.possible(found["status"])
    return {**found, **inside, "steps": possible + [step for step in skipping if step not in possible]}
