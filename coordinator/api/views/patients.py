"""Patients: find, read, register, change; contact points; steps of their standing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.reverse import reverse

from coordinator.api.base import ApiView, ListView, versioned
from coordinator.api.fields import row
from coordinator.api.idempotency import once
from coordinator.api.matching import conditional
from coordinator.api.permissions import Scoped
from coordinator.api.serializers import patients as shapes
from coordinator.api.steps import ApiStep, StepBook, StepView, documented
from coordinator.audit import services as audit
from coordinator.db import keys_of, rows_of
from coordinator.http import get_visible_or_404
from coordinator.record.bundle import as_json, bundle_of
from coordinator.record.gather import record_of
from patients import services
from patients.models import ContactPoint, Patient, PatientIdentifier
from patients.safe_contact import SAFE, Safety, safety_of
from patients.selectors import find_patients


class PatientView(ApiView):
    access_rule = "api:patients"
    resource = "patients"


class PatientList(PatientView, ListView):
    filters = shapes.PatientFilters
    lookups = {
        "site": "site",
        "status": "status__in",
        "coordinator": "coordinator",
        "mrn": "mrn__iexact",
        "updated_since": "updated_at__gte",
    }

    def visible(self, request: Any) -> QuerySet[Patient]:
        return Patient.objects.visible_to(request.user)

    def rows(self, visible: QuerySet[Patient], given: dict[str, Any]) -> QuerySet[Any]:
        visible = self.narrowed(visible, given)
        if "identifier" in given:
            numbers = PatientIdentifier.objects.visible_to(self.request.user)
            visible = visible.filter(
                pk__in=numbers.filter(value__iexact=given["identifier"]).values("patient")
            )
        return visible.values(*shapes.ROW)

    @extend_schema(operation_id="patients_list", responses=shapes.PatientRow(many=True))
    def get(self, request: Any) -> Response:
        """Patients of the client's sites, newest first."""
        return self.listed()

    @extend_schema(
        operation_id="patients_create", request=shapes.PatientWrite, responses={201: shapes.PatientDetail}
    )
    @once
    def post(self, request: Any) -> Response:
        """Register a patient. 409 when the MRN is taken."""
        given = self.body(shapes.PatientWrite)
        site = request.user.sites.get(pk=given.pop("site"))
        patient = services.register_patient(site=site, by=request.user, now=timezone.now(), **given)
        return versioned(
            detail(request, patient.pk), 201, reverse("api:patient", [patient.pk], request=request)
        )


class PatientDetail(PatientView):
    @extend_schema(operation_id="patients_read", responses=shapes.PatientDetail)
    def get(self, request: Any, pk: UUID) -> Response:
        """One patient with identifiers and contact points. The view is kept in the audit trail."""
        found = detail(request, pk)
        audit.viewed(request, Patient(pk=pk, site_id=found["site"]), what="api")
        return versioned(found)

    @extend_schema(
        operation_id="patients_change", request=shapes.PatientChange, responses=shapes.PatientDetail
    )
    @once
    @conditional
    def patch(self, request: Any, pk: UUID) -> Response:
        """Change the fields that are sent; the others stay."""
        patient = self.locked(Patient.objects.visible_to(request.user), pk)
        given = self.body(shapes.PatientChange, partial=True)
        services.update_patient(
            patient_id=pk, version=patient.version, by=request.user, now=timezone.now(), **given
        )
        return versioned(detail(request, pk))


class PatientRecord(PatientView):
    @extend_schema(
        operation_id="patients_record", responses={(200, "application/fhir+json"): OpenApiTypes.OBJECT}
    )
    def get(self, request: Any, pk: UUID) -> HttpResponse:
        """The patient's record as a FHIR R4 bundle (type collection): what the token's scopes for reading include.

        Notes and contacts are never in it: no scope opens them.
        """
        patient = get_visible_or_404(Patient, request.user, pk=pk)
        scoped = Scoped(request.user, request.auth.scopes)
        record = record_of(patient, scoped, timezone.now(), events=False, notes=False)
        audit.record(
            by=request.user,
            action="record_export",
            entity="patients.patient",
            entity_id=pk,
            patient_id=pk,
            site_id=patient.site_id,
            details={"kind": "fhir", "purpose": "api"},
        )
        return HttpResponse(as_json(bundle_of(record)), content_type="application/fhir+json")


class PatientSearch(PatientView):
    reads = ("POST",)

    @extend_schema(
        operation_id="patients_search", request=shapes.PatientSearch, responses=shapes.PatientFound
    )
    def post(self, request: Any) -> Response:
        """Find patients by name, birth date, phone digits or number, best first. By POST: a name must not be in an
        address."""
        given = self.body(shapes.PatientSearch)
        today = timezone.localdate()
        found = find_patients(request.user, given["q"], given["limit"], today=today, with_phones=False)
        keys = [patient.pk for patient in found.patients]
        rows = {r["id"]: r for r in rows_of(Patient, shapes.ROW, "r.id = any(%s)", [keys])}
        listed = [rows[key] for key in keys if key in rows]
        return Response({"results": listed, "near": found.near, "more": found.more})


class ContactPointList(PatientView, ListView):
    ordering = ("rank", "id")

    def visible(self, request: Any) -> QuerySet[ContactPoint]:
        return ContactPoint.objects.visible_to(request.user).filter(patient=self.kwargs["pk"])

    def rows(self, visible: QuerySet[ContactPoint], given: dict[str, Any]) -> QuerySet[Any]:
        return visible.values(*shapes.POINT)

    @extend_schema(operation_id="contact_points_list", responses=shapes.ContactPointShape(many=True))
    def get(self, request: Any, pk: UUID) -> Response:
        """Phones and e-mail addresses of a patient, ended ones included. Where safe contact forbids messages or
        voicemail (`contact_warnings` of the patient), permission is false."""
        get_visible_or_404(Patient.objects.only("id"), request.user, pk=pk)
        response = self.listed()
        bind(response.data["results"], safety_of([pk]).get(pk, SAFE))
        return response

    @extend_schema(
        operation_id="contact_points_create",
        request=shapes.ContactPointWrite,
        responses={201: shapes.ContactPointShape},
    )
    @once
    def post(self, request: Any, pk: UUID) -> Response:
        """Add a phone or an e-mail address. 409 when the patient has it already."""
        get_visible_or_404(Patient.objects.only("id"), request.user, pk=pk)
        given = self.body(shapes.ContactPointWrite)
        point = services.add_contact_point(patient_id=pk, by=request.user, now=timezone.now(), **given)
        return Response(row(point, shapes.POINT), status=201)


def assign_coordinator(*, coordinator: Any, **call: Any) -> Patient:
    return services.assign_coordinator(user=coordinator, **call)


STEPS = StepBook(
    "Patient",
    "patient_id",
    Patient.workflow,
    {
        "inactivate": ApiStep(shapes.WithReason, services.inactivate_patient),
        "transfer": ApiStep(shapes.WithReason, services.transfer_patient),
        "record_death": ApiStep(shapes.Died, services.record_death),
        "reactivate": ApiStep(shapes.WithReason, services.reactivate_patient),
        "assign_coordinator": ApiStep(shapes.LeadBy, assign_coordinator, ("inactivate", "reactivate")),
        "enter_in_error": ApiStep(shapes.WithReason, services.enter_patient_in_error),
    },
)


@documented("patients", shapes.PatientDetail, "Change the patient's standing with the clinic, or who leads.")
class PatientSteps(PatientView, StepView):
    book = STEPS

    def visible(self) -> QuerySet[Any]:
        return Patient.objects.visible_to(self.request.user)

    def detail(self, pk: UUID) -> dict[str, Any]:
        return detail(self.request, pk)


def bind(points: list[dict[str, Any]], wishes: Safety) -> None:
    """What safe contact forbids is not permitted, whatever the row says."""
    for point in points:
        unsafe = wishes.is_unsafe_at(point["kind"], point["normalized"] or point["value"])
        point["ok_to_message"] &= not (unsafe or wishes.no_messages)
        point["ok_to_leave_voicemail"] &= not (unsafe or wishes.no_voicemail)


def detail(request: Any, pk: UUID) -> dict[str, Any]:
    """One visible patient as PatientDetail (four queries). Raises Http404."""
    visible, params = keys_of(Patient.objects.visible_to(request.user).filter(pk=pk))
    found = rows_of(Patient, shapes.DETAIL, f"r.id = ({visible})", params)
    if not found:
        raise Http404
    whose = "r.patient_id = %s order by"  # the patient is visible, so are these
    points = rows_of(ContactPoint, shapes.POINT, f"{whose} r.rank, r.created_at", [pk])
    wishes = safety_of([pk]).get(pk, SAFE)
    bind(points, wishes)
    return {
        **found[0],
        "identifiers": rows_of(PatientIdentifier, shapes.IDENTIFIER, f"{whose} r.id", [pk]),
        "contact_points": points,
        "contact_warnings": [
            row(warning, shapes.WARNING) | ({"text": ""} if warning.is_sensitive else {})
            for warning in wishes.warnings
        ],
        "steps": STEPS.possible(found[0]["status"]),
    }
