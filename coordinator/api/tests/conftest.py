from __future__ import annotations

from dataclasses import dataclass

import pytest

from coordinator.accounts.models import Practitioner, Site
from coordinator.api.tests.factories import Caller, make_caller
from coordinator.tests.factories import make_practitioner, make_site, make_team
from patients.models import Patient
from patients.tests.factories import make_patient
from scheduling.models import Service
from scheduling.tests.factories import make_availability, make_service


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
