"""The description of the API is true: every route is in it, nothing is guessed, and answers fit it."""

import datetime
import io
import json

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from drf_spectacular.drainage import GENERATOR_STATS
from jsonschema import Draft4Validator

from coordinator.accounts.roles import Role
from coordinator.api.description import described, document
from coordinator.api.tests.routes import CALLS
from coordinator.tests.factories import make_user

SCHEMA = "/api/v1/schema/"
ASK_FOR_A_SITE = ("free_times", "waitlist_times", "no_shows")


def operation(call):
    path = call.path("00000000-0000-0000-0000-000000000000")
    return document()["paths"][path.replace("00000000-0000-0000-0000-000000000000", "{id}")].get(call.method)


def closed(schema):
    """The schema as JSON Schema: `nullable` becomes a type, and a field that is not described is an error."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(part) for name, part in schema.items() if name != "nullable"}
    if "properties" in found:
        found.setdefault("additionalProperties", False)
    if schema.get("nullable"):
        found.pop("readOnly", None)
        return {"anyOf": [found, {"type": "null"}]}
    return found


def check(response, call):
    """The answer is one that the schema describes for this call and status."""
    described_as = operation(call)["responses"][str(response.status_code)]
    for header in described_as.get("headers", {}):
        assert header in response or header in ("Idempotency-Replayed", "Location", "ETag"), header
    content = described_as.get("content", {}).get("application/json")
    if content is None:
        assert response.content == b""
        return
    schema = closed({**content["schema"], "components": document()["components"]})
    Draft4Validator(schema).validate(json.loads(response.content))


def call_named(name, method="get"):
    return next(call for call in CALLS if (call.name, call.method) == (name, method))


def test_making_the_description_warns_of_nothing(db):
    GENERATOR_STATS.reset()
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    assert "openapi: 3" in out.getvalue()


def test_every_call_is_described_with_its_refusals(db):
    for call in CALLS:
        found = operation(call)
        assert found, call
        assert found["description"].strip(), call
        assert {"400", "401", "503"} <= set(found["responses"]), call
        headers = {p["name"] for p in found.get("parameters", []) if p["in"] == "header"}
        assert ("Idempotency-Key" in headers) == getattr(call.handler, "idempotent", False), call
        assert ("If-Match" in headers) == getattr(call.handler, "conditional", False), call
        if getattr(call.handler, "conditional", False):
            assert {"404", "409", "412", "422", "428"} <= set(found["responses"]), call


def test_nothing_else_is_described(db):
    number = sum(len(calls) for calls in document()["paths"].values())
    assert number == len(CALLS)


def test_every_filter_that_is_read_is_described(db):
    for call in CALLS:
        if call.method == "get" and call.view.filters:
            described_names = {p["name"] for p in operation(call).get("parameters", []) if p["in"] == "query"}
            assert set(call.view.filters().fields) <= described_names, call


@pytest.mark.parametrize(
    "name",
    [c.name for c in CALLS if c.method == "get" and not c.has_key and c.name not in ASK_FOR_A_SITE],
)
def test_lists_fit_their_description(world, full, name):
    call = call_named(name)
    response = world.caller.get(call.path())
    assert response.status_code == 200
    assert response.json().get("results", True)
    check(response, call)


@pytest.mark.parametrize(
    "name",
    [
        "patient",
        "care_plan",
        "goal",
        "intervention",
        "task",
        "appointment",
        "referral",
        "document",
        "authorization",
        "denial",
        "incoming_paper",
        "payer_file",
        "aid_application",
        "benefit_application",
        "bill",
        "estimate",
        "delivery",
        "waitlist_entry",
        "waitlist_offer",
    ],
)
def test_records_fit_their_description(world, full, name):
    call = call_named(name)
    response = world.caller.get(call.path(full[name].pk))
    assert response.status_code == 200
    assert response["ETag"]
    check(response, call)


def test_other_answers_fit_their_description(world, full):
    tomorrow = timezone.localdate() + datetime.timedelta(days=1)
    query = {
        "service": world.service.pk,
        "site": world.site.pk,
        "from": tomorrow,
        "to": tomorrow + datetime.timedelta(days=9),
        "patient": world.patient.pk,
    }
    call = call_named("free_times")
    free = world.caller.get(call.path(), query)
    check(free, call)
    chosen = next(time for time in free.json()["results"] if not time["patient_is_busy"])
    book, body = (
        call_named("appointments", "post"),
        {
            "patient": str(world.patient.pk),
            "service": str(world.service.pk),
            "site": str(world.site.pk),
            "practitioner": chosen["practitioner"],
            "start": chosen["start"],
        },
    )
    answers = [world.caller.post(book.path(), body) for _n in range(2)]
    assert [a.status_code for a in answers] == [201, 409]
    for answer in answers:
        check(answer, book)
    search = call_named("patient_search", "post")
    check(world.caller.post(search.path(), {"q": "Ramírez"}), search)
    contact = call_named("contacts", "post")
    logged = world.caller.post(contact.path(full["task"].pk), {"channel": "phone", "outcome": "no_answer"})
    assert logged.status_code == 201
    check(logged, contact)
    points = call_named("contact_points", "post")
    check(world.caller.post(points.path(world.patient.pk), {"kind": "email", "value": "a@b.test"}), points)
    measure = call_named("measurements", "post")
    check(
        world.caller.post(measure.path(full["goal"].pk), {"measured_on": "2026-01-01", "value": 1}), measure
    )


def test_refusals_fit_their_description(world, full):
    change, steps = call_named("patient", "patch"), call_named("task_steps", "post")
    where = change.path(world.patient.pk)
    key = {"Idempotency-Key": "1"}
    world.caller.post("/api/v1/tasks/", {"title": "x", "site": str(world.site.pk)}, headers=key)
    for response, call in (
        (world.caller.patch(where, {}), change),
        (world.caller.change(where, {}, 7), change),
        (world.caller.change(where, {"x": 1}, 1), change),
        (world.caller.change(change.path(world.stranger.pk), {}, 1), change),
        (world.caller.patch(where, {}, headers=key), change),
        (Client().get("/api/v1/patients/"), call_named("patients")),
        (world.caller.step(steps.path(full["task"].pk), {"step": "reopen", "reason": "x"}, 1), steps),
    ):
        check(response, call)


def test_the_description_is_for_clients_and_for_staff_but_for_nobody_else(world):
    assert world.caller.get(SCHEMA).status_code == 200
    browser = Client()
    assert browser.get(SCHEMA).status_code == 401
    browser.force_login(make_user(Role.BILLING))
    assert browser.get(SCHEMA, headers={"Accept": "application/json"}).json()["openapi"].startswith("3.")


def test_the_docs_page_shows_every_call_and_every_step(db):
    shown = {call.id: call for group in described().groups for call in group.calls}
    assert set(shown) == {operation(call)["operationId"] for call in CALLS}
    steps = {step.name for step in shown["appointments_step"].steps}
    assert {"reschedule", "cancel", "mark_no_show", "correct_no_show", "undo_cancel"} <= steps
    assert shown["appointments_book"].scope == "visits:write"
    names = {shape.name for shape in described().shapes}
    linked = {a.shape for call in shown.values() for a in call.answers if a.shape}
    linked |= {line.shape for shape in described().shapes for line in shape.lines if line.shape}
    assert linked <= names
