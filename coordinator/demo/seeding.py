"""Puts the demo's parts together: one transaction, the same clinic every time, its days counted from now."""

from __future__ import annotations

import random
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from coordinator.accounts.models import User
from coordinator.clocks.services import sweep
from coordinator.demo import DEMO_SIGN_INS
from coordinator.demo.bundles import make_bundles
from coordinator.demo.clinic import make_clinic
from coordinator.demo.deliveries import make_deliveries
from coordinator.demo.denials import make_denials
from coordinator.demo.directory import make_directory
from coordinator.demo.doubles import make_doubles
from coordinator.demo.incoming import make_incoming
from coordinator.demo.loops import make_loops
from coordinator.demo.money import make_money
from coordinator.demo.papers import make_papers
from coordinator.demo.past import make_past
from coordinator.demo.patients import make_patients
from coordinator.demo.payer_files import make_payer_files
from coordinator.demo.plans import make_plans
from coordinator.demo.published import make_published
from coordinator.demo.requests import make_requests
from coordinator.demo.rule_changes import make_rule_changes
from coordinator.demo.talks import make_talks
from coordinator.demo.visits import make_visits
from coordinator.demo.waiting import make_waiting
from coordinator.demo.work import DEMO, make_work

SEED = 20261121


def is_seeded() -> bool:
    return User.objects.filter(email=DEMO_SIGN_INS[0].email).exists()


@transaction.atomic
def seed(*, now: datetime) -> int:
    """Make the clinic; returns the number of patients."""
    rng = random.Random(SEED)  # noqa: S311  (the same clinic every time)
    clinic = make_clinic(now)
    with timezone.override(clinic.riverbend.tzinfo):
        patients = make_patients(clinic, rng)
        make_work(clinic, patients, rng)
        make_bundles(clinic)
        make_plans(clinic, patients, rng)
        make_visits(clinic, patients, rng)
        make_directory(clinic)
        make_loops(clinic, patients, rng)
        make_papers(clinic, patients)
        make_requests(clinic, patients)
        make_denials(clinic)
        make_money(clinic, patients)
        make_incoming(clinic, patients)
        make_payer_files(clinic)
        make_published(clinic)
        make_talks(clinic, patients)
        make_deliveries(clinic, patients)
        make_waiting(clinic, patients)
        sweep(now=now, by=DEMO)
        make_past(clinic, rng)
        make_doubles(clinic, patients)
        make_rule_changes(clinic)
    return len(patients)
