from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import pytest
from django.utils import timezone

from careplans.tests.factories import make_goal, make_intervention, make_plan, make_task
from coordinator.accounts.models import Practitioner, Site
from coordinator.api.tests.factories import Caller, make_caller, make_denied, make_paid_aid, make_request
from coordinator.api.tests.routes import make_away
from coordinator.exchange.tests.factories import make_payer_file
from coordinator.exchange.tests.files import answer_278
from coordinator.tests.factories import (
    make_organization,
    make_practitioner,
    make_site,
    make_team,
    make_user,
)
from patients.models import Patient, PatientIdentifier
from patients.tests.factories import make_document, make_patient, make_phone
from referrals.tests.directory_factories import make_clinician, make_network, make_practice
from referrals.tests.factories import make_delivery, make_inbound, make_packet_of, make_referral
from referrals.tests.money_factories import (
    make_benefit,
    make_bill,
    make_bill_line,
    make_estimate,
)
from scheduling.models import Service
from scheduling.tests.factories import (
    make_appointment,
    make_availability,
    make_room,
    make_service,
    make_waitlist_entry,
    make_waitlist_offer,
)


@dataclass
class World:
    """Two sites that must not see each other. `caller` works at `site` and may do everything there."""

    site: Site
    elsewhere: Site
    caller: Caller
    patient: Patient
    stranger: Patient
    practitioner: Practitioner
    service: Service


@pytest.fixture
def world(db: None) -> World:
    site, elsewhere = make_site(), make_site()
    make_team(site)
    practitioner = make_practitioner(site=site)
    make_availability(practitioner, (0, 1, 2, 3, 4, 5, 6))
    return World(
        site=site,
        elsewhere=elsewhere,
        caller=make_caller(site),
        patient=make_patient(site=site),
        stranger=make_patient(site=elsewhere),
        practitioner=practitioner,
        service=make_service(minutes=30),
    )


@pytest.fixture
def full(world: World) -> dict[str, Any]:
    """One of everything, with as little left empty as possible."""
    make_phone(world.patient, permission_at=timezone.now())
    PatientIdentifier.objects.create(patient=world.patient, kind="MB", value="M-123")
    team, owner = make_team(world.site), make_user(site=world.site)
    make_room(world.site)
    organization = make_organization()
    goal = make_goal(make_plan(world.patient), target_low="1.5", due_on="2027-01-01")
    soon = timezone.now() + datetime.timedelta(days=3)
    return {
        "patient": world.patient,
        "care_plan": goal.plan,
        "goal": goal,
        "intervention": make_intervention(goal),
        "task": make_task(
            world.patient, owner=owner, team=team, due_at=soon, checklist=[{"text": "Call", "done": False}]
        ),
        "appointment": make_appointment(world.patient, practitioner=world.practitioner),
        "document": make_document(world.patient, tags=["signed"], source="Fax", received_on=soon.date()),
        "referral": make_referral(world.patient, recipient_organization=organization, due_at=soon),
        "authorization": (request := make_request(world.patient)),
        "payer": request.payer,
        "denial": make_denied(world.patient),
        "incoming_paper": make_inbound(world.site),
        "payer_file": make_payer_file(
            authorization=request, content=answer_278(trace=request.reference_number), status="matched"
        ),
        "aid_application": make_paid_aid(world.patient),
        "benefit_application": make_benefit(world.patient),
        "bill": make_bill_line(make_bill(world.patient)).bill,
        "estimate": make_estimate(world.patient),
        "practice": (practice := make_practice(languages=["es"], specialties=["Cardiology"])),
        "network": make_network(practice),
        "clinician": make_clinician(practice),
        "packet": (packet := make_packet_of(make_referral(world.patient, status="sent"))),
        "delivery": make_delivery(packet.referral, packet=packet),
        "away_time": make_away(world.site),
        "waitlist_entry": (
            entry := make_waitlist_entry(
                world.patient, status="offered", practitioner=world.practitioner, weekdays=[0, 2]
            )
        ),
        "waitlist_offer": make_waitlist_offer(entry, because=["Waits longest."]),
    }
