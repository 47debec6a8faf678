"""Every write about API clients and the answers kept for retried calls."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.accounts.models import Site, User
from coordinator.accounts.roles import Role
from coordinator.api.models import ApiClient, IdempotencyKey
from coordinator.api.permissions import SCOPES, check_can_manage_clients
from coordinator.audit import services as audit
from coordinator.db import Conflict, lock, refusals, uuid7
from coordinator.workflow import Actor, NotAllowed, person

KEEP_ANSWERS = timedelta(days=30)
TOKEN_BYTES = 32


@transaction.atomic
def create_client(
    *,
    name: str,
    sites: Iterable[Site],
    scopes: Iterable[str],
    by: Actor,
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[ApiClient, str]:
    """A client with an account of its own (role API client, these sites), and its token.

    The token is returned this once; only its SHA-256 is kept. Raises ValidationError by field.
    """
    check_can_manage_clients(by)
    sites, scopes, name = list(sites), sorted(set(scopes)), name.strip()
    _check(name, sites, scopes, expires_at, now)
    token = _new_token()
    client_id = uuid7()
    user = User.objects.create_user(f"{client_id}@api.invalid", None, name=name, role=Role.API_CLIENT)
    user.sites.set(sites)
    with refusals(api_apiclient_name_key=_("There is already a client with this name.")):
        client = ApiClient.objects.create(
            pk=client_id,
            name=name,
            user=user,
            **_stored(token),
            scopes=scopes,
            created_at=now,
            created_by=person(by),
            expires_at=expires_at,
        )
    _record(client, "create_client", by, scopes=scopes, sites=[str(site.pk) for site in sites])
    return client, token


@transaction.atomic
def rotate_client(*, client_id: UUID, by: Actor, now: datetime) -> tuple[ApiClient, str]:
    """A new token; the old one stops working at once."""
    check_can_manage_clients(by)
    client = lock(ApiClient.objects, client_id)
    if client.revoked_at is not None:
        raise NotAllowed(_("This client is revoked. Make a new one."))
    token = _new_token()
    for name, value in _stored(token).items():
        setattr(client, name, value)
    client.save(update_fields=["token_hash", "token_hint"])
    _record(client, "rotate_client", by)
    return client, token


@transaction.atomic
def revoke_client(*, client_id: UUID, by: Actor, now: datetime) -> ApiClient:
    """The token stops working at once and the account is closed. Its history stays."""
    check_can_manage_clients(by)
    client = lock(ApiClient.objects.select_related("user"), client_id)
    if client.revoked_at is None:
        client.revoked_at = now
        client.save(update_fields=["revoked_at"])
        client.user.is_active = False
        client.user.save(update_fields=["is_active"])
        _record(client, "revoke_client", by)
    return client


def note_use(*, client: ApiClient, on: date) -> None:
    """Keep the day (UTC) of the last call; one write a day."""
    if client.last_used_on != on:
        ApiClient.objects.filter(pk=client.pk).update(last_used_on=on)


def forget_old_answers(*, now: datetime) -> int:
    """Remove answers kept longer than 30 days; returns how many."""
    return IdempotencyKey.objects.filter(created_at__lt=now - KEEP_ANSWERS).delete()[0]


def _check(
    name: str, sites: list[Site], scopes: list[str], expires_at: datetime | None, now: datetime
) -> None:
    problems: dict[str, str] = {}
    if not name:
        problems["name"] = _("Give the client a name.")
    elif ApiClient.objects.filter(name=name).exists():
        raise Conflict(_("There is already a client with this name."))
    if not sites:
        problems["sites"] = _("Choose at least one site.")
    if not scopes or set(scopes) - set(SCOPES):
        problems["scopes"] = _("Choose scopes from the list: %(list)s.") % {"list": ", ".join(SCOPES)}
    if expires_at is not None and expires_at <= now:
        problems["expires_at"] = _("Choose a day that is still to come.")
    if problems:
        raise ValidationError(problems)


def hash_of(token: str) -> str:
    """What is stored of a token. It is 256 random bits, so a fast hash without salt is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def _new_token() -> str:
    return "tl_" + secrets.token_urlsafe(TOKEN_BYTES)


def _stored(token: str) -> dict[str, str]:
    """What is kept of a token: its hash, and its last characters so that people can tell two apart."""
    return {"token_hash": hash_of(token), "token_hint": token[-4:]}


def _record(client: ApiClient, action: str, by: Actor, **details: object) -> None:
    audit.record(by=by, action=action, entity="api.client", entity_id=client.pk, details=details)
