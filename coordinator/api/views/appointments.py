"""Appointments: list, free times, book, and every step there and back."""

from __future__ import annotations

import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.reverse import reverse

from coordinator.api.base import ApiView, ListView, versioned
from coordinator.api.fields import Visible, row
from coordinator.api.idempotency import once
from coordinator.api.schema import Taken
from coordinator.api.serializers import appointments as shapes
from coordinator.api.serializers.patients import NoInput, WithReason
from coordinator.api.steps import ApiStep, StepBook, StepView, documented
from coordinator.db import advisory_lock
from scheduling import services
from scheduling.models import Appointment
from scheduling.selectors.named import named
from scheduling.selectors.slots import find_slots
from scheduling.services.appointments import KEEP

REFERENCES = ("patient", "service", "site", "practitioner", "room", "referral", "authorization")


class VisitView(ApiView):
    access_rule = "api:visits"
    resource = "visits"


class AppointmentList(VisitView, ListView):
    filters = shapes.AppointmentFilters
    ordering = ("start", "id")
    lookups = {
        "site": "site",
        "practitioner": "practitioner",
        "patient": "patient",
        "service": "service",
        "status": "status__in",
        "from": "start__gte",
        "to": "start__lt",
        "updated_since": "updated_at__gte",
    }

    def visible(self, request: Any) -> QuerySet[Appointment]:
        return Appointment.objects.visible_to(request.user)

    def rows(self, visible: QuerySet[Appointment], given: dict[str, Any]) -> QuerySet[Any]:
        return self.narrowed(visible, given).values(*shapes.ROW)

    @extend_schema(operation_id="appointments_list", responses=shapes.AppointmentRow(many=True))
    def get(self, request: Any) -> Response:
        """Appointments at the client's sites, by start."""
        return self.listed()

    @extend_schema(
        operation_id="appointments_book",
        request=shapes.AppointmentWrite,
        responses={
            201: shapes.AppointmentDetail,
            409: OpenApiResponse(Taken, description="The time is taken, or something stands against it."),
        },
    )
    @once
    def post(self, request: Any) -> Response:
        """Book a visit. 409 says what stands against the time and offers the next free ones."""
        given = self.body(shapes.AppointmentWrite)
        asked = {f"{name}_id": given.pop(name) for name in REFERENCES if name in given}
        made = services.book_appointment(**asked, by=request.user, now=timezone.now(), **given)
        where = reverse("api:appointment", [made.pk], request=request)
        return versioned(with_steps(row(made, shapes.ROW)), 201, where)


class AppointmentDetail(VisitView):
    @extend_schema(operation_id="appointments_read", responses=shapes.AppointmentDetail)
    def get(self, request: Any, pk: UUID) -> Response:
        """One appointment."""
        return versioned(detail(request, pk))


class FreeTimes(VisitView):
    filters = shapes.FreeTimeFilters

    @extend_schema(operation_id="appointments_free_times", responses=shapes.FreeTimes)
    def get(self, request: Any) -> Response:
        """Free times for a service at a site, best first: the earliest day on which the patient is free."""
        given = self.query()
        found = named(service_id=given["service"], site_id=given["site"])
        site, service = found.site, found.service
        if site is None or service is None:
            missing = [Visible.default_error_messages["missing"]]
            raise ValidationError({"site" if site is None else "service": missing})
        first, last = given["from"], given.get("to", given["from"])
        if not first <= last <= first + datetime.timedelta(days=shapes.LONGEST_SEARCH):
            raise ValidationError({"to": [_("At most 62 days after `from`, and not before it.")]})
        times = find_slots(
            request.user,
            service,
            site,
            first,
            last,
            now=timezone.now(),
            practitioner_ids=[given["practitioner"]] if "practitioner" in given else [],
            patient_id=given.get("patient"),
            minutes=given.get("minutes"),
            limit=given["limit"],
        )
        offers = [offer for day in times.days for offer in day.offers]
        return Response({"results": [free_time(offer) for offer in offers], "total": times.total})


def free_time(offer: Any) -> dict[str, Any]:
    return {
        "start": offer.start,
        "end": offer.end,
        "practitioner": offer.practitioner.pk,
        "practitioner_name": str(offer.practitioner),
        "patient_is_busy": offer.patient_is_busy,
    }


def reschedule(
    *, patient_agreed: bool, practitioner: Any = KEEP, room: Any = KEEP, **call: Any
) -> Appointment:
    """What is not sent stays as it was; null means none."""
    who = practitioner if practitioner is KEEP or practitioner is None else practitioner.pk
    return services.reschedule_appointment(
        practitioner_id=who, room_id=room, ask_to_tell=not patient_agreed, **call
    )


STEPS = StepBook(
    "Appointment",
    "appointment_id",
    Appointment.workflow,
    {
        "confirm": ApiStep(NoInput, services.confirm_appointment),
        "arrive": ApiStep(NoInput, services.arrive),
        "check_in": ApiStep(NoInput, services.check_in),
        "fulfill": ApiStep(NoInput, services.fulfill),
        "fulfill_outside": ApiStep(shapes.Missed, services.fulfill_outside),
        "mark_no_show": ApiStep(shapes.Missed, services.mark_no_show),
        "cancel": ApiStep(shapes.Cancelled, services.cancel_appointment),
        "leave": ApiStep(WithReason, services.leave),
        "reschedule": ApiStep(shapes.Moved, reschedule),
        "undo_arrive": ApiStep(NoInput, services.undo_arrive),
        "undo_check_in": ApiStep(NoInput, services.undo_check_in),
        "undo_cancel": ApiStep(NoInput, services.undo_cancel),
        "correct_no_show": ApiStep(shapes.Corrected, services.correct_no_show),
        "correct_fulfilled": ApiStep(WithReason, services.correct_fulfilled),
        "enter_in_error": ApiStep(WithReason, services.enter_in_error),
    },
)


@documented(
    "appointments",
    shapes.AppointmentDetail,
    "Take a step with a visit: arrived, in room, seen, missed, cancelled, moved, and the way back from each.",
    makes="Rescheduled: the new appointment, which replaces this one.",
    clash=Taken,
)
class AppointmentSteps(VisitView, StepView):
    book = STEPS

    def visible(self) -> QuerySet[Any]:
        return Appointment.objects.visible_to(self.request.user)

    def locks(self, record: Any, given: dict[str, Any]) -> None:
        """What two visits could both want, of the old time and the new."""
        new = given.get("practitioner")
        advisory_lock(
            ("practitioner", record.practitioner_id),
            ("practitioner", new.pk if new else None),
            ("room", record.room_id),
            ("room", given.get("room")),
            ("patient", record.patient_id),
        )

    def detail(self, pk: UUID) -> dict[str, Any]:
        return detail(self.request, pk)


def detail(request: Any, pk: UUID) -> dict[str, Any]:
    """One visible appointment as AppointmentDetail (one query). Raises Http404."""
    found = Appointment.objects.visible_to(request.user).filter(pk=pk).values(*shapes.ROW).first()
    if found is None:
        raise Http404
    return with_steps(found)


def with_steps(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "steps": STEPS.possible(found["status"])}
