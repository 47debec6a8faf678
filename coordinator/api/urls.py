"""Addresses of the API and of the pages about it."""

from __future__ import annotations

from typing import Any

from django.urls import path

from coordinator.api import pages
from coordinator.api.views import (
    appointments,
    authorizations,
    directory,
    documents,
    guard,
    money,
    papers,
    patients,
    plans,
    referrals,
    tasks,
)
from coordinator.api.views.description import Schema

app_name = "api"

# What the root lists: name in the answer -> name of the route.
LINKS = {
    "patients": "patients",
    "care_plans": "care_plans",
    "tasks": "tasks",
    "appointments": "appointments",
    "referrals": "referrals",
    "authorizations": "authorizations",
    "denials": "denials",
    "board": "board",
    "incoming_papers": "incoming_papers",
    "payer_files": "payer_files",
    "funds": "funds",
    "aid_applications": "aid_applications",
    "benefit_applications": "benefit_applications",
    "bills": "bills",
    "estimates": "estimates",
    "clock_rules": "clock_rules",
    "documents": "documents",
    "sites": "sites",
    "teams": "teams",
    "staff": "staff",
    "practitioners": "practitioners",
    "organizations": "organizations",
    "services": "services",
    "rooms": "rooms",
    "close_reasons": "close_reasons",
    "schema": "schema",
}


def v1(route: str, view: Any, name: str) -> Any:
    return path(f"v1/{route}", view.as_view(), name=name)


def noun(route: str, rows: Any, one: Any, steps: Any) -> list[Any]:
    """The three addresses of a noun: its list, one of it, and its steps."""
    name = route.replace("-", "_")
    return [
        v1(f"{route}/", rows, name),
        v1(f"{route}/<uuid:pk>/", one, name[:-1]),
        v1(f"{route}/<uuid:pk>/steps/", steps, f"{name[:-1]}_steps"),
    ]


urlpatterns = [
    v1("", directory.Root, "root"),
    v1("schema/", Schema, "schema"),
    v1("patients/", patients.PatientList, "patients"),
    v1("patients/search/", patients.PatientSearch, "patient_search"),
    v1("patients/<uuid:pk>/", patients.PatientDetail, "patient"),
    v1("patients/<uuid:pk>/record/", patients.PatientRecord, "patient_record"),
    v1("patients/<uuid:pk>/steps/", patients.PatientSteps, "patient_steps"),
    v1("patients/<uuid:pk>/contact-points/", patients.ContactPointList, "contact_points"),
    v1("care-plans/", plans.PlanList, "care_plans"),
    v1("care-plans/<uuid:pk>/", plans.PlanDetail, "care_plan"),
    v1("care-plans/<uuid:pk>/steps/", plans.PlanSteps, "care_plan_steps"),
    v1("care-plans/<uuid:pk>/goals/", plans.GoalList, "goals"),
    v1("care-plans/<uuid:pk>/interventions/", plans.ActionList, "interventions"),
    v1("goals/<uuid:pk>/", plans.GoalDetail, "goal"),
    v1("goals/<uuid:pk>/steps/", plans.GoalSteps, "goal_steps"),
    v1("goals/<uuid:pk>/measurements/", plans.MeasurementList, "measurements"),
    v1("interventions/<uuid:pk>/", plans.ActionDetail, "intervention"),
    v1("interventions/<uuid:pk>/steps/", plans.ActionSteps, "intervention_steps"),
    v1("tasks/", tasks.TaskList, "tasks"),
    v1("tasks/<uuid:pk>/", tasks.TaskDetail, "task"),
    v1("tasks/<uuid:pk>/steps/", tasks.TaskSteps, "task_steps"),
    v1("tasks/<uuid:pk>/contacts/", tasks.ContactList, "contacts"),
    v1("appointments/", appointments.AppointmentList, "appointments"),
    v1("appointments/free-times/", appointments.FreeTimes, "free_times"),
    v1("appointments/<uuid:pk>/", appointments.AppointmentDetail, "appointment"),
    v1("appointments/<uuid:pk>/steps/", appointments.AppointmentSteps, "appointment_steps"),
    v1("referrals/", referrals.ReferralList, "referrals"),
    v1("referrals/<uuid:pk>/", referrals.ReferralDetail, "referral"),
    v1("referrals/<uuid:pk>/steps/", referrals.ReferralSteps, "referral_steps"),
    v1("referrals/<uuid:pk>/facts/", referrals.ReferralFacts, "referral_facts"),
    *noun(
        "authorizations",
        authorizations.AuthorizationList,
        authorizations.AuthorizationDetail,
        authorizations.AuthorizationSteps,
    ),
    v1("authorizations/<uuid:pk>/request-pas/", authorizations.RequestPas, "authorization_pas"),
    v1("authorizations/<uuid:pk>/request-278/", authorizations.Request278, "authorization_278"),
    *noun("denials", authorizations.DenialList, authorizations.DenialDetail, authorizations.DenialSteps),
    v1("duplicates/", guard.DuplicateCheck, "duplicate_check"),
    v1("duplicates/answers/", guard.DuplicateAnswers, "duplicate_answers"),
    v1("board/", guard.BoardView, "board"),
    *noun("incoming-papers", papers.PaperList, papers.PaperDetail, papers.PaperSteps),
    v1("incoming-papers/<uuid:pk>/file/", papers.PaperFile, "incoming_paper_file"),
    *noun("payer-files", papers.FileList, papers.FileDetail, papers.FileSteps),
    v1("payer-files/<uuid:pk>/file/", papers.FileContent, "payer_file_file"),
    v1("funds/", money.FundList, "funds"),
    *noun("aid-applications", money.AidList, money.AidDetail, money.AidSteps),
    *noun("benefit-applications", money.BenefitList, money.BenefitDetail, money.BenefitSteps),
    *noun("bills", money.BillList, money.BillDetail, money.BillSteps),
    *noun("estimates", money.EstimateList, money.EstimateDetail, money.EstimateSteps),
    v1("clock-rules/", guard.RuleList, "clock_rules"),
    v1("documents/", documents.DocumentList, "documents"),
    v1("documents/<uuid:pk>/", documents.DocumentDetail, "document"),
    v1("documents/<uuid:pk>/steps/", documents.DocumentSteps, "document_steps"),
    v1("documents/<uuid:pk>/file/", documents.DocumentFile, "document_file"),
    v1("sites/", directory.SiteList, "sites"),
    v1("teams/", directory.TeamList, "teams"),
    v1("staff/", directory.StaffList, "staff"),
    v1("practitioners/", directory.PractitionerList, "practitioners"),
    v1("organizations/", directory.OrganizationList, "organizations"),
    v1("services/", directory.ServiceList, "services"),
    v1("rooms/", directory.RoomList, "rooms"),
    v1("close-reasons/", directory.CloseReasonList, "close_reasons"),
    path("docs/", pages.docs, name="docs"),
    path("clients/", pages.client_list, name="client_list"),
    path("clients/new/", pages.client_new, name="client_new"),
    path("clients/<uuid:pk>/revoke/", pages.client_revoke, name="client_revoke"),
    path("clients/<uuid:pk>/rotate/", pages.client_rotate, name="client_rotate"),
]
