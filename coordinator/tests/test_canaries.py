"""Text planted in another site's records appears on no page, in no part, search, export or API answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Concat, Left
from django.test import Client

from coordinator.accounts.roles import Role
from coordinator.messaging.models import Message, MessageStatus
from coordinator.tests.permission_matrix import ADMINISTRATOR, AUDITOR, IN, ROWS, SIGN_IN
from coordinator.tests.permission_world import API, PEOPLE, World, one_world
from coordinator.tests.test_permission_matrix import ROUTES, TABLE, answer, ask, path_of
from patients.models import fold

CANARY = "qxzcanary"
NEVER_ASKED = (
    "wvsentinel"  # stands beside it; a page may repeat what was asked, so searches look for this one
)
READERS = [role for role in PEOPLE if role not in (*ADMINISTRATOR, *AUDITOR)]
PLANTED = (
    "patient", "contact point", "problem", "related person", "note", "plan", "goal", "intervention", "task",
    "referral", "authorization", "appointment", "practitioner", "room", "team", "block", "hours",
    "colleague", "saved view", "import", "api client of a lab",
)  # fmt: skip
# As it opens, and with every filter of ours that widens a list.
QUERIES = ("", "?view=all&status=all&state=all&show=all&tab=all&coordinator=&owner=")


def plant(record: models.Model) -> None:
    """The mark in every text that people write: codes with choices, keys and addresses of machines stay."""
    model = type(record)
    texts = [
        f for f in model._meta.concrete_fields
        if isinstance(f, (models.CharField, models.TextField)) and not f.choices and not f.primary_key
        and (f.max_length or 999) >= 20 and f.name not in LEFT_ALONE
    ]  # fmt: skip
    marked: dict[str, Any] = {
        f.name: Left(
            Concat(Value(f"{CANARY} {NEVER_ASKED} "), F(f.name), output_field=models.TextField()),
            f.max_length or 999,
        )
        for f in texts
    }
    if "search_name" in {f.name for f in model._meta.concrete_fields}:
        marked["search_name"] = fold(f"{CANARY} {NEVER_ASKED}")
    model._base_manager.filter(pk=record.pk).update(**marked)


LEFT_ALONE = {
    "password", "email", "zone", "time_zone", "status", "language", "token_hash", "normalized", "dedupe_key",
    "page", "query", "role", "kind", "resource_type", "upload",
}  # fmt: skip


@pytest.fixture(scope="module")
def made_once(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), one_world() as made:
        for kind in PLANTED:
            made.thing(kind, made.own)
            plant(made.thing(kind, made.other))
        plant(made.other)
        for patient in (made.thing("merge", made.other).survivor, made.thing("merge", made.other).other):
            plant(patient)  # the account of the merge itself refuses to be changed
        visit, patient = made.thing("appointment", made.other), made.thing("patient", made.other)
        Message.objects.create(
            key=CANARY, purpose="visit_reminder", about_type="scheduling.appointment", about_id=visit.pk,
            patient_id=patient.pk, site=made.other, channel="sms", address=f"+1612{CANARY}", body=CANARY,
            status=MessageStatus.SCHEDULED, send_after=visit.start, created_at=visit.start,
        )  # fmt: skip
        yield made


@pytest.fixture
def world(made_once: World, settings: Any, monkeypatch: Any) -> World:
    settings.ACCOUNT_RATE_LIMITS = False
    return made_once


def text_of(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode(errors="replace").lower()


def routes_open_to(actor: str) -> list[Any]:
    return [entry for entry in ROWS if "GET" in entry.methods and entry.expected(actor, own=True) == IN]


@pytest.mark.parametrize("actor", [*READERS, API])
def test_no_page_part_or_export_shows_another_sites_text(world, actor):
    leaks, seen = [], 0
    client = world.client(actor)
    for entry in routes_open_to(actor):
        path = path_of(entry, world, world.own)
        for query in QUERIES if not entry.names else QUERIES[:1]:
            for headers in ({}, {"HX-Request": "true"}):
                joined = path + (query.replace("?", "&") if "?" in path else query)
                response = client.get(joined, headers=headers)
                seen += 1
                before, found, _after = text_of(response).partition(CANARY)
                if found:
                    leaks.append(f"{entry.route} {query} {headers}: ...{before[-200:]}")
    assert leaks == [], "\n".join(leaks)
    assert seen > 30


@pytest.mark.parametrize("actor", READERS)
@pytest.mark.parametrize("words", [CANARY, CANARY[:5], f"{CANARY} x"])
def test_no_search_finds_it(world, actor, words):
    """The search, and every list whose filter takes words."""
    client = Client()  # of its own: what one looked for is remembered until signing out
    client.force_login(world.thing(actor, world.own))
    for entry in ROWS:
        words_go_here = entry.route == "dashboard:search" or entry.route.endswith(
            ("_list", "_find", "choose_patient")
        )
        if not words_go_here or "POST" not in entry.methods or actor not in entry.may:
            continue
        path = path_of(entry, world, world.own)
        for headers in ({}, {"HX-Request": "true"}, {"HX-Request": "true", "HX-Target": "palette-list"}):
            response = client.post(path, {"q": words}, headers=headers, follow=True)
            assert response.status_code < 500, entry.route
            assert NEVER_ASKED not in text_of(response), entry.route


def test_the_marks_are_there_to_be_found(world):
    """The same pages show the text to somebody of that site, so silence above means something."""
    stranger = world.thing("colleague", world.other)
    client = Client()
    client.force_login(stranger)
    shown = 0
    for entry in routes_open_to(Role.COORDINATOR):
        response = client.get(path_of(entry, world, world.other))
        shown += CANARY in text_of(response)
    assert shown > 15


def test_a_leak_is_noticed(world, monkeypatch):
    """A list that forgets whose it is."""
    from coordinator.accounts.models import User

    monkeypatch.setattr(User, "site_ids", frozenset({world.own.pk, world.other.pk}))
    with pytest.raises(AssertionError, match="patient_list"):
        test_no_page_part_or_export_shows_another_sites_text(world, Role.COORDINATOR)


def test_refusals_of_writes_do_not_carry_it_either(world):
    for entry in ROWS:
        if "POST" in entry.methods and Role.COORDINATOR in entry.may and entry.names:
            response = ask(world, Role.COORDINATOR, "POST", path_of(entry, world, world.other), entry.sends)
            assert CANARY not in text_of(response), entry.route
            assert answer(response) != SIGN_IN
    assert set(TABLE) >= set(ROUTES)
