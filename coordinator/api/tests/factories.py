"""API clients for tests: a caller that sends its token and JSON."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from coordinator.accounts.models import Site, User
from coordinator.api.models import ApiClient
from coordinator.api.permissions import SCOPES
from coordinator.api.services import create_client
from coordinator.tests.factories import make_site, number
from coordinator.workflow import System
from patients.models import Patient
from referrals.models import AidApplication, Denial, PriorAuthorization
from referrals.tests.factories import (
    make_appeal,
    make_authorization,
    make_denial,
    make_letter,
    make_line,
    make_paper,
    make_payer_call,
    make_requirement,
    make_talk,
)
from referrals.tests.money_factories import make_asked_paper, make_payment


class Caller(APIClient):
    """A test client signed in by token. `record` is its ApiClient, `account` its user."""

    record: ApiClient
    account: User
    token: str

    def change(self, path: str, data: Any, version: int, **headers: str) -> Any:
        """PATCH with the version as If-Match."""
        return self.patch(path, data, headers={"If-Match": f'"{version}"', **headers})

    def step(self, path: str, data: Any, version: int, **headers: str) -> Any:
        return self.post(path, data, headers={"If-Match": f'"{version}"', **headers})


def make_caller(
    site: Site | None = None, *, scopes: tuple[str, ...] = tuple(SCOPES), **fields: Any
) -> Caller:
    fields.setdefault("sites", [site or make_site()])
    fields.setdefault("name", f"Gateway {next(number)}")
    record, token = create_client(scopes=scopes, by=System("tests"), now=timezone.now(), **fields)
    caller = Caller()
    caller.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    caller.record, caller.account, caller.token = record, record.user, token
    return caller


def make_request(patient: Patient, **fields: Any) -> PriorAuthorization:
    """A request with the payer, and one of everything that belongs to it."""
    fields.setdefault("reference_number", f"T-{next(number)}")
    record = make_authorization(patient, status="submitted", due_at=timezone.now(), **fields)
    make_line(record, units_requested=3)
    make_paper(record)
    make_requirement(record)
    make_payer_call(record)
    return record


def make_denied(patient: Patient) -> Denial:
    """A denial with a talk, a letter and an appeal."""
    record = make_authorization(patient, status="denied", due_at=timezone.now())
    make_line(record, decision="denied")
    denial = make_denial(record)
    make_talk(denial)
    make_appeal(denial, letter=make_letter(denial))
    return denial


def make_paid_aid(patient: Patient) -> AidApplication:
    application = make_payment(patient).award.application
    make_asked_paper(application)
    return application
