"""Machines sign in with a token: `Authorization: Bearer tl_...`. Only the token's SHA-256 is stored."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import DEFERRED, Model
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed

from coordinator.accounts.models import User
from coordinator.api.models import ApiClient
from coordinator.api.services import hash_of, note_use

PREFIX = "tl_"
LONGEST = 200

# By hand because it runs before every call: client, account and sites in one statement.
BY_HASH = """
select c.id, c.name, c.token_hash, c.scopes, c.expires_at, c.revoked_at, c.last_used_on,
       u.id, u.email, u.name, u.role, u.is_active, u.language, u.practitioner_id, u.team_id,
       coalesce(s.ids::text[], '{}'), s.zone
  from api_apiclient c
  join accounts_user u on u.id = c.user_id
  left join lateral (
       select array_agg(site.id) as ids, (array_agg(site.zone order by site.name))[1] as zone
         from accounts_user_sites works join accounts_site site on site.id = works.site_id
        where works.user_id = u.id) s on true
 where c.token_hash = %s
"""
CLIENT = ("id", "name", "token_hash", "scopes", "expires_at", "revoked_at", "last_used_on")
ACCOUNT = ("id", "email", "name", "role", "is_active", "language", "practitioner_id", "team_id")


class ClientTokenAuthentication(BaseAuthentication):
    """request.user is the client's account with its sites, request.auth the ApiClient."""

    def authenticate(self, request: Any) -> tuple[User, ApiClient] | None:
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        client = client_of(token.strip())
        now = timezone.now()
        if client is None or not is_valid(client, now):
            # One sentence for every reason: it must not tell a guesser which tokens once existed.
            raise AuthenticationFailed(_("The token is not valid: unknown, expired or revoked."))
        note_use(client=client, on=now.date())
        return client.user, client

    def authenticate_header(self, request: Any) -> str:
        return 'Bearer realm="api"'


def client_of(token: str) -> ApiClient | None:
    """The client with this token and its account, in one query, whatever its state."""
    if not token.startswith(PREFIX) or len(token) > LONGEST or not token.isascii():
        return None
    digest = hash_of(token)
    with connection.cursor() as cursor:
        cursor.execute(BY_HASH, [digest])
        row = cursor.fetchone()
    if row is None or not constant_time_compare(row[2], digest):
        return None
    client: ApiClient = _loaded(ApiClient, dict(zip(CLIENT, row, strict=False)))
    client.user = _loaded(User, dict(zip(ACCOUNT, row[len(CLIENT) :], strict=False)))
    client.user.site_ids = frozenset(UUID(key) for key in row[-2])
    if row[-1]:
        # Refusals name times in the site's zone, as the pages do; the middleware puts the zone back.
        timezone.activate(ZoneInfo(row[-1]))
    return client


def _loaded(model: type[Model], values: dict[str, Any]) -> Any:
    """A record as the ORM would load it with only these columns: saving it touches no other."""
    record = model(*(values.get(field.attname, DEFERRED) for field in model._meta.concrete_fields))
    record._state.adding, record._state.db = False, connection.alias
    return record


def is_valid(client: ApiClient, now: Any) -> bool:
    expired = client.expires_at is not None and client.expires_at <= now
    return client.user.is_active and client.revoked_at is None and not expired


class StaffSession(SessionAuthentication):
    """Staff signed in in a browser, for reading the schema. Nothing unsafe takes it."""


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = ClientTokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token that an administrator made for this client, `tl_` and 43 characters.",
        }
