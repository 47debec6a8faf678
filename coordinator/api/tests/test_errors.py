import json

import pytest
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.test import Client

from coordinator.db import Conflict

TASKS = "/api/v1/tasks/"


class Cause(Exception):
    def __init__(self, state):
        self.pgcode = state


def database_error(kind, state):
    error = kind("refused")
    error.__cause__ = Cause(state)
    return error


@pytest.fixture
def failing(monkeypatch):
    """Makes the service behind POST /tasks/ raise what the test wants."""

    def fail(error):
        def open_task(**given):
            raise error

        monkeypatch.setattr("coordinator.api.views.tasks.services.open_task", open_task)

    return fail


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (database_error(OperationalError, "57014"), 503, "unavailable"),
        (database_error(OperationalError, "40P01"), 409, "conflict"),
        (InterfaceError("gone"), 503, "unavailable"),
        (database_error(OperationalError, "55P03"), 409, "busy"),
        (database_error(IntegrityError, "23505"), 409, "conflict"),
        (database_error(IntegrityError, "23P01"), 409, "conflict"),
        (database_error(IntegrityError, "23514"), 400, "invalid"),
        (database_error(DataError, "22003"), 400, "invalid"),
        (Conflict("Somebody was first.", constraint="secret_name"), 409, "conflict"),
    ],
)
def test_what_the_database_refuses_is_answered_in_words(world, failing, error, status, code):
    # Deadlocks are tried again only outside a transaction, which a test always has.
    if code == "conflict" and getattr(error.__cause__, "pgcode", "") == "40P01":
        status, code = 503, "unavailable"
    failing(error)
    response = world.caller.post(TASKS, {"title": "x", "site": str(world.site.pk)})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert "secret_name" not in response.content.decode()
    assert ("Retry-After" in response) == (status == 503)


def test_a_fault_of_ours_is_a_500_without_details(world, failing):
    failing(RuntimeError("patient Ramírez"))
    world.caller.raise_request_exception = False
    response = world.caller.post(TASKS, {"title": "x", "site": str(world.site.pk)})
    assert response.status_code == 500
    assert "Ram" not in response.content.decode()


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"nul",
        b"\xff\xfe",
        b'{"title": "\\u0000"}',
        b'{"title": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"title": NaN}',
        b'{"title": Infinity}',
        b'{"title": 1, "title": 2}',
        b"[" * 100_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'{"title": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda raw: raw[:20].decode("latin-1"),
)
def test_a_body_that_cannot_be_read_is_refused_with_the_reason(world, raw):
    response = world.caller.generic("POST", TASKS, raw, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "malformed")
    assert response.json()["detail"]


@pytest.mark.parametrize("raw", [b"", b"[]", b"1", b'"x"', b"null", b"true", b"{}"])
def test_a_body_that_is_no_object_is_refused(world, raw):
    response = world.caller.generic("POST", TASKS, raw, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "invalid")


def test_a_body_in_another_format_is_refused(world):
    response = world.caller.generic("POST", TASKS, b"<a/>", content_type="application/xml")
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_a_body_that_is_too_large_is_refused(world, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    response = world.caller.post(TASKS, {"title": "x" * 200}, headers={"Idempotency-Key": "1"})
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert world.caller.post(TASKS, {"title": "x" * 200}).status_code == 413


def test_only_json_is_answered(world):
    assert world.caller.get(TASKS, headers={"Accept": "text/html"}).status_code == 406


@pytest.mark.parametrize("path", ["/api/v1/nothing/", "/api/v1/patients/not-a-key/", "/api/v2/"])
def test_an_address_that_is_not_there_is_404(world, path):
    assert world.caller.get(path).status_code == 404


def test_an_unknown_address_says_what_an_unknown_record_says(world):
    answers = [world.caller.get(f"/api/v1/patients/{key}/") for key in ("x", world.stranger.pk)]
    assert [json.loads(a.content) for a in answers] == [answers[0].json()] * 2


def test_unknown_filters_are_refused_by_name(world):
    for path in (TASKS, "/api/v1/", f"/api/v1/patients/{world.patient.pk}/", "/api/v1/sites/"):
        refused = world.caller.get(path, {"foo": "1", "format": "xml"})
        assert (refused.status_code, set(refused.json()["fields"])) == (400, {"foo", "format"})


@pytest.mark.parametrize("value", ["", "x", "\x00", "é" * 300, "-1", "9" * 200, "2026-13-45", "true", "[]"])
def test_filters_with_nonsense_are_named_or_find_nothing(world, value):
    for path, names in (
        ("patients", ("site", "status", "coordinator", "mrn", "identifier", "updated_since")),
        ("tasks", ("owner", "team", "kind", "open", "overdue", "due_before")),
        ("appointments", ("from", "to", "practitioner", "service")),
        ("referrals", ("urgency", "specialty", "loop_closed")),
        ("care-plans", ("program", "review_before")),
        ("practitioners", ("npi", "bookable")),
        ("organizations", ("name",)),
    ):
        for name in names:
            response = world.caller.get(f"/api/v1/{path}/", {name: value})
            assert response.status_code in (200, 400), (path, name)
            if response.status_code == 400:
                assert name in str(list(response.json()["fields"])), (path, name)


def test_a_log_line_holds_no_body_and_no_name(world, caplog):
    with caplog.at_level("DEBUG"):
        world.caller.post("/api/v1/patients/search/", {"q": "Ramírez Elena"})
        world.caller.post("/api/v1/patients/", {"family_name": "Ramírez", "site": "x"})
        Client().post("/api/v1/patients/", {"family_name": "Ramírez"}, content_type="application/json")
    assert "Ram" not in caplog.text
    assert world.caller.token not in caplog.text
