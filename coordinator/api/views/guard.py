"""The duplicate guard, the board and the rules register."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from coordinator.api.base import ApiView, ListView
from coordinator.api.fields import Visible
from coordinator.api.idempotency import once
from coordinator.api.selectors import guarded, rule_versions
from coordinator.api.serializers import papers as shapes
from referrals.duplicates import found
from referrals.models import PriorAuthorization
from referrals.selectors.board import board
from referrals.services import answer_guard


class GuardView(ApiView):
    access_rule = "api:referrals"
    resource = "referrals"


class DuplicateCheck(GuardView):
    reads = ("POST",)

    @extend_schema(
        operation_id="duplicates_check", request=shapes.GuardAsked, responses={200: shapes.GuardFound}
    )
    def post(self, request: Any) -> Response:
        """What may already be the answer, before something is written. Nothing is kept."""
        given = self.body(shapes.GuardAsked)
        kind, patient = given["kind"], given["patient"]
        key = {name: given[name] for name in shapes.KEYS[kind] if name in given}
        if kind == "authorization":
            key.setdefault("codes", [])
        rows = found(kind, patient=patient, by=request.user, now=timezone.now(), **key)
        names = ("kind", "title", "state", "result", "since", "replaceable")
        return Response({"results": [{"id": row.pk, **{n: getattr(row, n) for n in names}} for row in rows]})


class DuplicateAnswers(GuardView):
    @extend_schema(
        operation_id="duplicates_answer", request=shapes.GuardAnswer, responses={201: shapes.GuardKept}
    )
    @once
    def post(self, request: Any) -> Response:
        """Nothing new is written, because this one exists: the team's table counts it."""
        given = self.body(shapes.GuardAnswer)
        if not guarded(request.user, given["kind"], given["patient"], [given["existing"]]):
            raise ValidationError({"existing": [Visible.default_error_messages["missing"]]})
        (kept,) = answer_guard(
            patient=given["patient"], kind=given["kind"], choice="use", existing=[given["existing"]],
            by=request.user, now=timezone.now(),
        )  # fmt: skip
        return Response(shapes.GuardKept(kept).data, status=201)


class BoardView(GuardView):
    filters = shapes.BoardFilters

    @extend_schema(operation_id="board_read", responses={200: shapes.Board})
    def get(self, request: Any) -> Response:
        """Open referrals and requests by stage, with how many there are and the five soonest of each."""
        columns = board(request.user, self.query(), timezone.now())
        return Response(
            {
                "columns": [
                    {"stage": c.stage.name, "count": c.count, "cards": [_card(card) for card in c.cards]}
                    for c in columns
                ]
            }
        )


def _card(card: Any) -> dict[str, Any]:
    is_request = isinstance(card, PriorAuthorization)
    return {
        "id": card.pk,
        "kind": "authorization" if is_request else "referral",
        "patient": card.patient_id,
        "what": card.service if is_request else card.specialty,
        "status": card.status,
        "next_step": card.next_step,
        "due_at": card.due_at,
        "stage_since": card.stage_since,
        "owner": card.owner_id,
        "team": card.team_id,
        "edge": card.edge,
    }


class RuleList(ListView):
    access_rule = "api:directory"
    filters = shapes.RuleFilters
    lookups = {"area": "area", "key": "key"}
    ordering = ("id",)

    def visible(self, request: Any) -> QuerySet[Any]:
        return rule_versions(request.user)

    def rows(self, visible: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        if "on" in given:
            visible = visible.in_force(given["on"])
        return self.narrowed(visible, given).values(*shapes.RULE)

    @extend_schema(operation_id="clock_rules_list", responses=shapes.RuleVersionRow(many=True))
    def get(self, request: Any) -> Response:
        """The rules register: every version with its dates and its source. People propose and approve changes."""
        return self.listed()
