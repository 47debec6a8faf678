"""Nonsense in every field of every call: refused by name or taken, never a 5xx. Seeded, so a failure repeats."""

import random
import uuid

import pytest
from django.db import transaction

from careplans.models import Task
from coordinator.accounts.models import Team, User
from coordinator.api.description import Reader, document
from coordinator.api.tests.routes import CALLS
from coordinator.tests.factories import make_organization
from patients.models import ContactPoint
from scheduling.models import Room

PER_FIELD = 3
NASTY = [
    None, True, False, 0, -1, 1.5, 1e308, 2**31, 2**63, 10**400, "", " ", "x", "0", "a" * 70_000, "é" * 300, "\u202e",
    "\u2028", "\ufeff", "=1+1", "<script>", "' or 1=1 --", "%s%n", "../../etc", "٣", "2026-02-30", "2026-11-18",
    "0001-01-01", "9999-12-31", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-11-18T10:00:00",
    "2026-11-18T24:00:00Z", "2026-11-18T10:00:00-99:00", "infinity", "NaN", str(uuid.UUID(int=0)), "{", [], {}, [[]],
    [None], [{}], {"id": 1}, {"__proto__": {}}, ["x"] * 300, {"a": {"b": {"c": []}}},
]  # fmt: skip
HEADERS = ['"1"', '"2"', "", "*", "x" * 3000, '"', "W/x", "\x7f", "\u00e9", '"9' + "9" * 99 + '"']


@pytest.fixture
def valid(world, full):
    """A value that fits, for the fields that name something."""
    make_organization()
    return {
        "patient": world.patient.pk, "site": world.site.pk, "service": world.service.pk,
        "practitioner": world.practitioner.pk, "room": Room.objects.get().pk, "referral": full["referral"].pk,
        "owner": User.objects.assignable().first().pk, "team": Team.objects.first().pk, "goal": full["goal"].pk,
        "contact_point": ContactPoint.objects.first().pk, "requester": world.practitioner.pk,
        "start": "2030-02-05T16:00:00Z", "visit_at": "2030-02-05T16:00:00Z", "wake_at": "2030-02-05T16:00:00Z",
        "packet": full["packet"].pk, "practice": full["practice"].pk, "due_at": "2030-02-05T16:00:00Z", "next_review_on": "2030-02-05", "family_name": "Doe", "value": "3",
    }  # fmt: skip


def variants(call):
    """(fixed part, fields) of each body the call can take."""
    reader = Reader(document())
    path = call.path(uuid.UUID(int=0)).replace(str(uuid.UUID(int=0)), "{id}")
    shown = reader.call(path, call.method, document()["paths"][path][call.method])
    if shown.steps:
        return [({"step": step.name}, step.lines) for step in shown.steps]
    return [({}, shown.body)]


def send(world, call, path, data, **headers):
    """One call whose effects are taken back; the answer must be one that the description knows."""
    with transaction.atomic():
        response = getattr(world.caller, call.method)(path, data, headers=headers)
        transaction.set_rollback(True)
    where = f"{call} {str(data)[:300]} {headers}: {response.status_code}"
    known = document()["paths"][path.replace(str(key_of(path)), "{id}")][call.method]["responses"]
    assert str(response.status_code) in known, where
    assert response.status_code < 500, where
    if response.status_code >= 400:
        assert {"detail", "code"} <= set(response.json()), where
    return response


def key_of(path):
    return next((part for part in path.split("/") if len(part) == 36), "no key")


def sample(name, line, valid):
    if name in valid:
        return str(valid[name])
    if line.choices:
        return line.choices[0]
    return {"integer": 1, "boolean": True, "date": "2026-11-01", "number": 1}.get(line.kind, "text")


WRITES = [call for call in CALLS if call.method != "get"]


@pytest.mark.parametrize("call", WRITES, ids=str)
def test_nonsense_in_any_field_is_never_a_fault_of_ours(world, full, valid, call):
    chance = random.Random(str(call))
    path = call.path(record_key(call, full))
    for turn, (fixed, lines) in enumerate(variants(call)):
        base = fixed | {line.name: sample(line.name, line, valid) for line in lines if line.required}
        for line in lines:
            for value in chance.sample(NASTY, PER_FIELD):
                send(world, call, path, base | {line.name: value}, **{"If-Match": '"1"'})
        for name in ("status", "id", "is_staff", "__class__", "\u202e", "x" * 5000)[: 6 if turn == 0 else 1]:
            refused = send(world, call, path, base | {name: 1}, **{"If-Match": '"1"'})
            if name != "value" and not any(line.name == name for line in lines):
                assert refused.status_code == 400, (call, name)


def record_key(call, full):
    names = {
        "contact_points": "patient", "contacts": "task", "goals": "care_plan", "interventions": "care_plan",
        "measurements": "goal", "care_plan_steps": "care_plan", "patient_record": "patient",
        "authorization_pas": "authorization", "authorization_278": "authorization", "payer_file": "payer_file",
        "payer_file_steps": "payer_file", "referral_sending": "referral", "referral_packets": "referral",
        "referral_recipients": "referral", "payer_report_card": "payer",
        "away_time_moves": "away_time", "away_time_back": "away_time",
    }  # fmt: skip
    found = names.get(call.name) or call.name.removesuffix("_steps").removesuffix("_facts").removesuffix(
        "_file"
    )
    return full[found].pk if found in full else None


@pytest.mark.parametrize("call", WRITES, ids=str)
def test_nonsense_in_a_header_is_never_a_fault_of_ours(world, full, call):
    path = call.path(record_key(call, full))
    for value in HEADERS:
        for name in ("If-Match", "Idempotency-Key"):
            send(world, call, path, {}, **{name: value})


@pytest.mark.parametrize("call", [call for call in CALLS if call.method == "get"], ids=str)
def test_nonsense_in_a_query_is_never_a_fault_of_ours(world, full, call):
    chance = random.Random(str(call))
    names = [*(call.view.filters().fields if call.view.filters else ()), "limit", "cursor", "foo"]
    for name in names:
        for value in chance.sample([v for v in NASTY if isinstance(v, str)], PER_FIELD):
            send(world, call, call.path(record_key(call, full)), {name: value[:2000]})


def test_nothing_of_all_this_was_kept(world, full, valid):
    call = next(call for call in WRITES if call.name == "tasks")
    before = Task.objects.count()
    send(world, call, call.path(), {"title": "x", "site": str(world.site.pk)})
    assert Task.objects.count() == before
