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
