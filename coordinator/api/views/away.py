"""Providers who are away: say so, see and move the visits of that time, take it back; and the no-show list of a day."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.response import Response
from rest_framework.reverse import reverse

from coordinator.api import selectors
from coordinator.api.base import ApiView, ListView
from coordinator.api.fields import row
from coordinator.api.idempotency import once
from coordinator.api.serializers import away as shapes
from coordinator.api.serializers.patients import NoInput
from coordinator.http import get_visible_or_404
from scheduling.models import Block
from scheduling.rules.local_time import local_day
from scheduling.selectors.appointments import last_open_day
from scheduling.selectors.away import touched_by
from scheduling.selectors.missed import missed_on
from scheduling.services import away as services


class AwayView(ApiView):
    access_rule = "api:visits"
    resource = "visits"

    def block(self, pk: UUID) -> Block:
        """One that the client may see. Raises Http404."""
        people = Block.objects.filter(practitioner__isnull=False).select_related("practitioner", "site")
        return get_visible_or_404(people, self.request.user, pk=pk)


class AwayList(AwayView, ListView):
    filters = shapes.AwayFilters
    lookups = {"site": "site", "practitioner": "practitioner"}
    ordering = ("starts_at", "id")

    def visible(self, request: Any) -> QuerySet[Block]:
        return Block.objects.visible_to(request.user).filter(practitioner__isnull=False)

    def rows(self, visible: QuerySet[Block], given: dict[str, Any]) -> QuerySet[Any]:
        return self.narrowed(visible, given).filter(ends_at__gt=timezone.now()).values(*shapes.AWAY)

    @extend_schema(operation_id="away_times_list", responses=shapes.AwayRow(many=True))
    def get(self, request: Any) -> Response:
        """When providers are away, now and later, soonest first."""
        return self.listed()

    @extend_schema(
        operation_id="away_times_create", request=shapes.AwayWrite, responses={201: shapes.AwayRow}
    )
    @once
    def post(self, request: Any) -> Response:
        """Mark a provider as away. 409 when that is known already."""
        given = self.body(shapes.AwayWrite)
        who, site = given.pop("practitioner"), given.pop("site")
        block = services.mark_away(
            practitioner_id=who.pk, site_id=site, by=request.user, now=timezone.now(), **given
        )
        response = Response(row(block, shapes.AWAY), status=201)
        response["Location"] = reverse("api:away_time", [block.pk], request=request)
        return response


class AwayOne(AwayView):
    @extend_schema(operation_id="away_times_read", responses=shapes.AwayDetail)
    def get(self, request: Any, pk: UUID) -> Response:
        """The visits of that time, most urgent first, each with the times that could replace it."""
        block = self.block(pk)
        with timezone.override(block.site.tzinfo):
            rows, more, hidden = touched_by(request.user, block, timezone.now())
            found = {"visits": [_to_move(one) for one in rows], "more": more, "has_hidden": hidden}
        return Response({**row(block, shapes.AWAY), **found})


def _to_move(one: Any) -> dict[str, Any]:
    visit = one.visit
    choices = [
        {
            "start": choice.offer.start,
            "end": choice.offer.end,
            "practitioner": choice.offer.practitioner.pk,
            "practitioner_name": str(choice.offer.practitioner),
            "is_late": choice.is_late,
        }
        for choice in one.choices
    ]
    return {
        "appointment": visit.pk,
        "patient": visit.patient_id,
        "start": visit.start,
        "end": visit.end,
        "reasons": one.reasons,
        "choices": choices,
    }


class AwayMoves(AwayView):
    @extend_schema(operation_id="away_times_move", request=shapes.Moves, responses={200: shapes.MoveResults})
    @once
    def post(self, request: Any, pk: UUID) -> Response:
        """Move visits of that time, each for itself: what is refused stays and says why, the rest goes on. A task asks
        to tell each patient."""
        block = self.block(pk)
        wanted = [
            services.Wanted(one["appointment"].pk, one["start"], one["practitioner"].pk)
            for one in self.body(shapes.Moves)["moves"]
        ]
        moved = services.move_touched(block=block, wanted=wanted, by=request.user, now=timezone.now())
        return Response({"results": [_moved(one) for one in moved]})


def _moved(one: services.Moved) -> dict[str, Any]:
    return {
        "appointment": one.appointment_id,
        "done": one.done,
        "detail": "" if one.done else one.text,
        "replaced_by": one.new.pk if one.new else None,
    }


class AwayBack(AwayView):
    @extend_schema(
        operation_id="away_times_back",
        request=NoInput,
        responses={204: OpenApiResponse(description="Not away any more.")},
    )
    @once
    def post(self, request: Any, pk: UUID) -> Response:
        """The provider is there after all; moved visits keep their new time. Whoever marked it takes it back."""
        block = self.block(pk)
        self.body(NoInput)
        services.take_back_away(block_id=block.pk, by=request.user, now=timezone.now())
        return Response(status=204)


class NoShowList(AwayView):
    filters = shapes.MissedFilters

    @extend_schema(operation_id="no_shows_list", responses=shapes.MissedList)
    def get(self, request: Any) -> Response:
        """Visits of a day that were missed, booked anew after that, or not marked yet, with their follow-up. The step
        `correct_no_show` of an appointment puts a mistake right."""
        given, now = self.query(), timezone.now()
        site = selectors.sites(request.user).get(pk=given["site"])
        today = local_day(now, site.zone)
        day = min(given.get("date") or last_open_day(site, today), today)
        with timezone.override(site.tzinfo):
            rows = missed_on(request.user, site, day, now)
        return Response({"date": day, "results": [_missed(one) for one in rows]})


def _missed(one: Any) -> dict[str, Any]:
    visit = one.visit
    new = getattr(visit, "replaced_by", None)
    return {
        "appointment": visit.pk,
        "patient": visit.patient_id,
        "practitioner": visit.practitioner_id,
        "service": visit.service_id,
        "start": visit.start,
        "status": visit.status,
        "state": one.state,
        "replaced_by": new.pk if new else None,
        "task": one.task.pk if one.task else None,
        "steps": [*one.possible.steps, *one.possible.corrections],
    }
