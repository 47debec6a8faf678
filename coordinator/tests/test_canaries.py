"""Text planted in another site's records, or in a restricted patient's, appears on no page, in no part, search,
export or API answer, in no log line and under no Redis key."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings as settings_of_django
from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Concat, Left
from django.test import Client
from django.utils import timezone

from careplans.models import Task
from coordinator.accounts.roles import Role
from coordinator.dashboard import summary
from coordinator.dashboard.counts import open_work
from coordinator.dashboard.models import CaseloadStat
from coordinator.dashboard.run_figures import of_day
from coordinator.dashboard.team_rollup import figures_of
from coordinator.dashboard.worklist import Wanted, Worklist
from coordinator.messaging.models import Message, MessageStatus
from coordinator.tests.factories import make_practitioner
from coordinator.tests.permission_matrix import ADMINISTRATOR, AUDITOR, IN, NOT_FOUND, ROWS, SIGN_IN
from coordinator.tests.permission_world import API, PEOPLE, World, one_world
from coordinator.tests.test_permission_matrix import ROUTES, TABLE, answer, ask, path_of
from patients.models import Document, Encounter, Medication, Patient, Result
from patients.rules.text import fold
from patients.tests.factories import make_grant, restrict

CANARY = "qxzcanary"
NEVER_ASKED = (
    "wvsentinel"  # stands beside it; a page may repeat what was asked, so searches look for this one
)
READERS = [role for role in PEOPLE if role not in (*ADMINISTRATOR, *AUDITOR)]
PLANTED = (
    "patient", "contact point", "problem", "related person", "note", "document", "provider update", "reconciliation", "coverage", "coverage check",
    "plan", "goal", "intervention", "task",
    "referral", "delivery", "authorization", "authorization line", "authorization paper", "payer call", "requirement answer",
    "denial", "peer-to-peer", "appeal", "appeal letter",
    "appointment", "waitlist entry", "waitlist offer", "started bundle", "practitioner", "room", "team", "block", "hours",
    "colleague", "saved view", "import", "api client of a lab", "table of patients", "record export", "incoming paper",
)  # fmt: skip
# What hangs on a patient: planted in a restricted one of the readers' own site as well.
OF_A_PATIENT = (
    "patient", "contact point", "problem", "related person", "note", "document", "provider update", "reconciliation", "coverage", "coverage check",
    "plan", "goal", "intervention", "task",
    "referral", "delivery", "authorization", "authorization line", "authorization paper", "payer call", "requirement answer",
    "denial", "peer-to-peer", "appeal", "appeal letter",
    "appointment", "waitlist entry", "waitlist offer", "started bundle",
)  # fmt: skip
# As it opens, and with every filter of ours that widens a list.
QUERIES = ("", "?view=all&status=all&state=all&show=all&tab=all&coordinator=&owner=")


def plant(record: models.Model, mark: str = f"{CANARY} {NEVER_ASKED} ") -> None:
    """The mark in every text that people write: codes with choices, keys and addresses of machines stay."""
    model = type(record)
    texts = [
        f for f in model._meta.concrete_fields
        if isinstance(f, (models.CharField, models.TextField)) and not f.choices and not f.primary_key
        and (f.max_length or 999) >= 20 and f.name not in LEFT_ALONE
    ]  # fmt: skip
    marked: dict[str, Any] = {
        f.name: Left(
            Concat(Value(mark), F(f.name), output_field=models.TextField()),
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
        made.restricted = plant_restricted(made)  # type: ignore[attr-defined]
        made.labelled = plant_labelled(made)  # type: ignore[attr-defined]
        yield made


def plant_restricted(made: World) -> World:
    """A second set of everything at the readers' own site, about a patient who is restricted to somebody else."""
    aside = World(made.own, made.other)
    patient, somebody = aside.thing("patient", made.own), made.thing("colleague", made.own)
    for kind in OF_A_PATIENT:
        record = aside.thing(kind, made.own)
        if kind != "appointment":
            model = type(record)
            if "owner" in {f.name for f in model._meta.concrete_fields}:
                # The readers' own work: it would be on their lists.
                model._base_manager.filter(pk=record.pk).update(owner=made.thing(Role.COORDINATOR, made.own))
        plant(record, f"{CANARY}2 {NEVER_ASKED} ")  # another one, where texts may stand once only
    Task.objects.filter(patient=patient).update(waiting_on="")
    restrict(patient, somebody, coordinator=somebody)
    visit = aside.thing("appointment", made.own)
    Message.objects.create(
        key=f"{CANARY}-2", purpose="visit_reminder", about_type="scheduling.appointment", about_id=visit.pk,
        patient_id=patient.pk, site=made.own, channel="sms", address=f"+1613{CANARY}", body=CANARY,
        status=MessageStatus.SCHEDULED, send_after=noon(), created_at=noon(),
    )  # fmt: skip
    return aside


def plant_labelled(made: World) -> World:
    """A patient of the readers' own site with one labelled entry of each kind, on a plan and a referral as well."""
    aside = World(made.own, made.other)
    patient = aside.thing("patient", made.own)
    problem, note = aside.thing("problem", made.own), aside.thing("note", made.own)
    entries = [
        problem,
        note,
        aside.thing("note for the provider", made.own),
        Medication.objects.create(patient=patient, name="Lisinopril", how_taken="Once a day"),
        Result.objects.create(patient=patient, name="Weight", value_text="81", taken_at=noon()),
        aside.thing("document", made.own),  # the one of the addresses: no other is made on the way
        Encounter.objects.create(patient=patient, kind="Visit", reason="Cough", started_at=noon()),
    ]
    for record in entries:
        plant(record, f"{CANARY}3 {NEVER_ASKED} ")
        type(record).objects.filter(pk=record.pk).update(label="part2")
    answered = aside.thing("provider update", made.own)
    plant(answered, f"{CANARY}3 {NEVER_ASKED} ")
    type(answered).objects.filter(pk=answered.pk).update(
        note=note, answer=f"{CANARY}3 answered", report_to=make_practitioner(site=made.own)
    )
    change = {"at": noon(), "step": "answer", "from_status": "sent", "to_status": "answered"}
    answered.changes.create(record=answered, **change)
    aside.thing("plan", made.own).problems.add(problem)
    referral = aside.thing("referral", made.own)
    type(referral).objects.filter(pk=referral.pk).update(problem=problem)
    return aside


def noon() -> datetime.datetime:
    """On the day whose messages the matrix asks for."""
    return datetime.datetime(2026, 11, 18, 18, 0, tzinfo=datetime.UTC)


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
    routes = routes_open_to(actor)
    if actor == Role.LEAD:  # what a coordinator opens as well is asked for as a coordinator
        shared = {entry.route for entry in routes_open_to(Role.COORDINATOR)}
        routes = [entry for entry in routes if entry.route not in shared]
    leaks, seen = leaks_of(world, actor, routes)
    assert leaks == [], "\n".join(leaks)
    assert seen > (0 if actor == Role.LEAD else 30)


def leaks_of(world: World, actor: str, routes: list[Any]) -> tuple[list[str], int]:
    """Where another site's text stands, and how many answers were looked at: each route, filter, whole and in part."""
    leaks, seen = [], 0
    client = world.client(actor)
    for entry in routes:
        path = path_of(entry, world, world.own)
        for query in QUERIES if not entry.names else QUERIES[:1]:
            for headers in ({}, {"HX-Request": "true"}):
                joined = path + (query.replace("?", "&") if "?" in path else query)
                response = client.get(joined, headers=headers)
                seen += 1
                before, found, _after = text_of(response).partition(CANARY)
                if found:
                    leaks.append(f"{entry.route} {query} {headers}: ...{before[-200:]}")
    return leaks, seen


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


def addresses_naming_a_patient(actor: str) -> list[tuple[Any, str]]:
    """Every address whose names the restricted patient's records can stand for."""
    return [
        (entry, method)
        for entry in ROWS
        for method in entry.methods
        if actor in entry.may and set((entry.names | entry.query).values()) & set(OF_A_PATIENT)
    ]


@pytest.mark.parametrize("actor", [*READERS, API])
def test_a_restricted_patients_things_answer_like_nothing(world, actor):
    """By their own address: 404, or the page without them where the query names the patient."""
    wrong, seen = [], 0
    for entry, method in addresses_naming_a_patient(actor):
        path = path_of(entry, world.restricted, world.own)
        response = ask(world, actor, method, path, entry.sends)
        seen += 1
        if answer(response) != NOT_FOUND and entry.other == NOT_FOUND:
            wrong.append(f"{method} {entry.route}: {answer(response)}")
        if CANARY in text_of(response):
            wrong.append(f"{method} {entry.route}: shows it")
    assert wrong == []
    assert seen > 5


@pytest.mark.parametrize("actor", [*READERS, API])
def test_a_labelled_entry_is_on_no_page_of_its_own_patient(world, actor):
    """Every address about the patient, in every look; only how many are withheld is told, to who may ask for them."""
    wrong, seen = [], 0
    client = world.client(actor)
    for entry, method in addresses_naming_a_patient(actor):
        if method != "GET" or {"problem", "note"} & set(entry.names.values()):
            continue
        path = path_of(entry, world.labelled, world.own)
        for headers in ({}, {"HX-Request": "true"}):
            text = text_of(client.get(path, headers=headers))
            seen += 1
            if CANARY in text:
                wrong.append(f"{entry.route}: ...{text.partition(CANARY)[0][-200:]}")
    for path in ("/search/", "/patients/"):
        if CANARY in text_of(client.post(path, {"q": NEVER_ASKED})):
            wrong.append(path)
    assert wrong == []
    assert seen > 5


def test_a_labelled_entry_itself_is_not_there(world):
    """By its own address: 404 for everybody who did not write it."""
    found = [
        (entry.route, answer(ask(world, Role.COORDINATOR, method, path, entry.sends)))
        for entry, method in addresses_naming_a_patient(Role.COORDINATOR)
        if {"problem", "note", "document", "provider update"} & set(entry.names.values())
        for path in [path_of(entry, world.labelled, world.own)]
    ]
    assert len(found) > 2
    assert {said for _route, said in found} == {NOT_FOUND}


def test_a_labelled_entry_is_shown_to_who_gave_a_reason(world):
    """Silence above means something: the same pages show it within the hour."""
    patient, reader = world.labelled.thing("patient", world.own), world.thing(Role.COORDINATOR, world.own)
    grant = make_grant(patient, reader, kind="reason", label="part2", purpose="treatment")
    client = world.client(Role.COORDINATOR)
    shown = [
        entry.route
        for entry, method in addresses_naming_a_patient(Role.COORDINATOR)
        if method == "GET" and CANARY in text_of(client.get(path_of(entry, world.labelled, world.own)))
    ]
    type(grant).objects.filter(pk=grant.pk).delete()
    assert {"dashboard:patient_summary", "dashboard:patient_notes", "dashboard:patient_details"} <= set(shown)
    assert {"dashboard:patient_timeline", "careplans:plan_detail", "referrals:referral_detail"} <= set(shown)


def test_labelled_entries_are_not_counted(world):
    """The tabs' numbers are those of a record without them, and become those of the whole one for who gave a reason."""
    patient = world.labelled.thing("patient", world.own)
    reader = world.thing(Role.COORDINATOR, world.own)
    # Papers that addresses asked before this test made on the way.
    others = Document.objects.filter(patient=patient, label="").count()
    counts = summary.facts(reader, patient, timezone.now(), clinical=True)
    assert (counts.counts.notes, counts.counts.documents, counts.has.results) == (0, others, False)
    assert (counts.problems, counts.medications) == ([], [])
    grant = make_grant(patient, reader, kind="reason", label="part2", purpose="treatment")
    counts = summary.facts(reader, patient, timezone.now(), clinical=True)
    type(grant).objects.filter(pk=grant.pk).delete()
    assert (counts.counts.notes, counts.counts.documents, counts.has.results) == (2, others + 1, True)


def test_nothing_of_it_is_counted(world):
    """The numbers beside the links of the rail, on the team board and in My work."""
    user = world.thing(Role.COORDINATOR, world.own)
    task = world.restricted.thing("task", world.own)
    referral = world.restricted.thing("referral", world.own)
    type(referral).objects.filter(pk=referral.pk).update(due_at=timezone.now())  # as every open one has
    before = counts_of(world, user)
    Patient.objects.filter(pk=task.patient_id).update(is_restricted=False)
    after = counts_of(world, user)
    Patient.objects.filter(pk=task.patient_id).update(is_restricted=True)
    assert {name for name in after if after[name] == before[name]} == set()
    assert all(after[name] > before[name] for name in after), (before, after)


def counts_of(world: World, user: Any) -> dict[str, int]:
    now = timezone.now()
    rail = open_work(user)
    CaseloadStat.objects.all().delete()
    figures = figures_of({world.own.pk: world.own.zone}, now=now)
    return {
        "my work": rail["dashboard:my_work"],
        "referrals": rail["referrals:referral_list"],
        "view": Worklist(user, Wanted(), now).counts["todo"],
        "active": sum(row.figures.get("active", 0) for row in figures),
        "open": sum(row.figures.get("open", 0) for row in figures),
        "visits": sum(row.figures.get("visits", 0) for row in figures),
        "reminders": of_day(world.own, noon().date()).count(),
    }


def test_the_care_team_finds_the_restricted_patient(world):
    """Silence above means something: whose patient it is sees the same text on the same pages."""
    client = Client()
    client.force_login(world.thing("colleague", world.own))
    shown = [
        entry.route
        for entry in routes_open_to(Role.COORDINATOR)
        if CANARY in text_of(client.get(path_of(entry, world.restricted, world.own)))
    ]
    assert len(shown) > 12, shown


def test_no_log_line_and_no_redis_key_holds_it(world, caplog):
    """Neither while pages are read nor while somebody looks for it, tries emergency access and is refused."""
    server = redis.Redis.from_url(settings_of_django.REDIS_URL)
    client = Client()
    client.force_login(world.thing(Role.COORDINATOR, world.own))
    with caplog.at_level(logging.DEBUG):
        for entry, _method in addresses_naming_a_patient(Role.COORDINATOR):
            client.get(path_of(entry, world.restricted, world.own))
        client.post("/search/", {"q": CANARY})
        typed = {"name": CANARY, "birth_date_month": "1", "birth_date_day": "2", "birth_date_year": "1950"}
        client.post("/patients/restricted/", {**typed, "reason": f"Because {CANARY} was called"})
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith(("django.db", "django.template"))]
    assert [line for line in ours if CANARY in line.lower()] == []
    assert [key for key in server.scan_iter("*") if CANARY.encode() in key.lower()] == []


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
    lists = [entry for entry in routes_open_to(Role.COORDINATOR) if entry.route == "dashboard:patient_list"]
    assert len(lists) == 1
    leaks, _seen = leaks_of(world, Role.COORDINATOR, lists)
    assert leaks


def test_refusals_of_writes_do_not_carry_it_either(world):
    for entry in ROWS:
        if "POST" in entry.methods and Role.COORDINATOR in entry.may and entry.names:
            response = ask(world, Role.COORDINATOR, "POST", path_of(entry, world, world.other), entry.sends)
            assert CANARY not in text_of(response), entry.route
            assert answer(response) != SIGN_IN
    assert set(TABLE) >= set(ROUTES)
