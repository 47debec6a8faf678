"""Every route x method x role x (own site, other site), as permission_matrix.py says it should be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from coordinator import http
from coordinator.tests.permission_matrix import FORBIDDEN, IN, NOT_FOUND, ROWS, SIGN_IN, Row, row
from coordinator.tests.permission_world import ACTORS, World, one_world

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
TABLE = {entry.route: entry for entry in ROWS}
# What a GET may write: the trail of views, the session, counts of the sign-in limits, when a token was used, how a
# list was left, and that one's recovery codes were shown.
WRITTEN_BY_GET = (
    "audit_auditevent",
    "django_session",
    "throttle_cache",
    "api_apiclient",
    "accounts_user",
    "axes_",
    "dashboard_savedview",
    "mfa_authenticator",
)


def named_routes(
    resolver: URLResolver | None = None, spaces: tuple[str, ...] = ()
) -> list[tuple[str, URLPattern]]:
    """Every route as ("namespace:name", pattern)."""
    found = []
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            inside = (*spaces, entry.namespace) if entry.namespace else spaces
            found += named_routes(entry, inside)
        else:
            found.append((":".join((*spaces, entry.name or f"(no name: {entry.pattern})")), entry))
    return found


ROUTES = dict(named_routes())


@pytest.fixture(scope="module")
def made_once(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), one_world() as made:
        yield made


@pytest.fixture
def world(made_once: World, settings: Any, monkeypatch: Any) -> World:
    # The limits of sign-in pages are tested elsewhere; here they would only count the matrix itself. The same
    # holds for being asked for one's password again.
    settings.ACCOUNT_RATE_LIMITS = False
    monkeypatch.setattr("coordinator.accounts.adapters.RECENT_SECONDS", 86_400)
    return made_once


@pytest.fixture
def short_refusals(monkeypatch: Any) -> None:
    """Only the status of a refusal is asked for here, thousands of times; its page is looked at by the other tests."""

    def refuse(_request: Any, status: int, message: str, **_extra: Any) -> HttpResponse:
        return HttpResponse(message, status=status)

    monkeypatch.setattr(http, "refuse", refuse)


def path_of(entry: Row, world: World, site: Any) -> str:
    """The address with everything it names belonging to this site."""
    path = reverse(entry.route, kwargs=_words(entry.names, world, site))
    query = urlencode(_words(entry.query, world, site))
    return f"{path}?{query}" if query else path


def _words(names: dict[str, str], world: World, site: Any) -> dict[str, Any]:
    return {
        name: kind.strip("'") if kind.startswith("'") else world.key(kind, site)
        for name, kind in names.items()
    }


def ask(world: World, actor: str, method: str, path: str, sends: dict[str, str] | None = None) -> Any:
    """One request, whose effects are taken back."""
    client = world.client(actor)
    with transaction.atomic():
        if path.startswith("/api/v1/") and method != "GET":
            headers = {"Idempotency-Key": "matrix", "If-Match": '"1"'}
            response = client.generic(method, path, "{}", "application/json", headers=headers)
        else:
            response = client.post(path, sends or {}) if method == "POST" else client.generic(method, path)
        transaction.set_rollback(True)
    return response


def answer(response: Any) -> str:
    """What an answer means for the one who asked."""
    to_login = response.status_code == 302 and response["Location"].startswith("/accounts/login/?next=")
    if to_login or response.status_code == 401:
        return SIGN_IN
    names = {403: FORBIDDEN, 404: NOT_FOUND, 405: "no such method"}
    if response.status_code >= 500:
        return f"broken ({response.status_code})"
    return names.get(response.status_code, IN)


# --- the table is whole ---------------------------------------------------------------------------------------


def test_every_route_has_a_row():
    assert sorted(set(ROUTES) - set(TABLE)) == []


def test_every_row_has_a_route_and_stands_once():
    assert sorted(set(TABLE) - set(ROUTES)) == []
    assert len(ROWS) == len(TABLE)


def test_every_part_of_an_address_is_named():
    for name, pattern in ROUTES.items():
        if name in TABLE:
            assert set(TABLE[name].names) == set(pattern.pattern.converters) | _groups(pattern), name


def _groups(pattern: URLPattern) -> set[str]:
    return set(getattr(pattern.pattern.regex, "groupindex", {}))


# --- the table is right ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("short_refusals")
@pytest.mark.parametrize(
    ("entry", "method"),
    [pytest.param(entry, method, id=f"{entry.route} {method}") for entry in ROWS for method in entry.methods],
)
def test_own_and_other_site(world, entry, method):
    wrong = []
    for own in (True, False) if entry.names or entry.query else (True,):
        path = path_of(entry, world, world.own if own else world.other)
        for actor in ACTORS:
            got, expected = answer(ask(world, actor, method, path, entry.sends)), entry.expected(actor, own)
            if got != expected:
                wrong.append(f"{actor}, {'own' if own else 'other'} site: {got} instead of {expected}")
    assert wrong == [], f"{method} {entry.route}\n" + "\n".join(wrong)


@pytest.mark.parametrize("entry", ROWS, ids=lambda entry: entry.route)
def test_a_method_without_a_row_is_refused(world, entry):
    actor = next(actor for actor in reversed(ACTORS) if actor in entry.may)
    path = path_of(entry, world, world.own)
    for method in METHODS:
        if method not in entry.methods:
            assert answer(ask(world, actor, method, path)) == "no such method", f"{method} {entry.route}"


@pytest.mark.parametrize(
    "entry", [entry for entry in ROWS if entry.names or entry.query], ids=lambda entry: entry.route
)
def test_what_is_not_yours_answers_like_what_does_not_exist(world, entry):
    """Same status and same body for another site's thing and for nothing at all."""
    named = entry.names | entry.query
    kinds = {name: kind for name, kind in named.items() if not kind.startswith("'")}
    if not kinds or entry.other != NOT_FOUND:
        return
    there = path_of(entry, world, world.other)
    nowhere = there
    for kind in kinds.values():
        key = str(world.key(kind, world.other))
        missing = f"{key[:-4]}ffff" if len(key) == 36 else "999999999"
        nowhere = nowhere.replace(key, missing)
    for actor in entry.may:
        if entry.expected(actor, own=False) == NOT_FOUND:
            one, two = (ask(world, actor, entry.methods[0], path) for path in (there, nowhere))
            assert (one.status_code, plain(one, there)) == (two.status_code, plain(two, nowhere)), actor


def plain(response: Any, path: str) -> str:
    """The body without what differs by chance: tokens and the address itself."""
    text = response.content.decode().replace(path, "PATH").replace(quote(path), "PATH")
    return re.sub(r'(csrf[^"]*" (?:value|content)=)"[^"]*"|"[\w-]{32,64}"', r"\1", text)


@pytest.mark.parametrize(
    "entry", [entry for entry in ROWS if "GET" in entry.methods], ids=lambda entry: entry.route
)
def test_a_get_changes_nothing(world, entry):
    path = path_of(entry, world, world.own)
    actor = next(actor for actor in reversed(ACTORS) if actor in entry.may)
    client_ready = world.client(actor)
    written = []

    def watch(execute, sql, params, many, context):
        match = re.match(r'(?is)\s*(?:insert\s+into|update|delete\s+from)\s+"?(\w+)"?', sql)
        if match and not match[1].startswith(WRITTEN_BY_GET):
            written.append(sql[:120])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        client_ready.get(path)
    assert written == []


# --- the test notices -----------------------------------------------------------------------------------------


def test_a_row_that_promises_too_much_or_too_little_is_noticed(world):
    everybody = row("accounts:user_list", "GET", frozenset(ACTORS))
    nobody = row("accounts:user_list", "GET", frozenset())
    for planted in (everybody, nobody):
        with pytest.raises(AssertionError, match="instead of"):
            test_own_and_other_site(world, planted, "GET")


def test_a_view_that_forgets_the_site_is_noticed(world, monkeypatch):
    """The commonest hole there is: fetched by key alone."""
    entry = TABLE["accounts:site_edit"]

    def careless(source, user, **lookup):
        return source.objects.get(**lookup)

    monkeypatch.setattr("coordinator.accounts.views.get_visible_or_404", careless)
    with pytest.raises(AssertionError, match="other site"):
        test_own_and_other_site(world, entry, "GET")


def test_a_view_that_forgets_its_rule_is_noticed(world, monkeypatch):
    monkeypatch.setattr(http, "access_rule_of", lambda callback: http.SIGNED_IN)
    with pytest.raises(AssertionError, match="in instead of forbidden"):
        test_own_and_other_site(world, TABLE["accounts:user_list"], "GET")


def test_a_method_that_nobody_thought_of_is_noticed(world):
    with pytest.raises(AssertionError, match="POST"):
        test_a_method_without_a_row_is_refused(
            world, row("accounts:user_new", "GET", TABLE["accounts:user_new"].may)
        )
