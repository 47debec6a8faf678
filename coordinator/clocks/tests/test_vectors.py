"""Test dates: as typed, as data, and every one of what ships worked out."""

from datetime import date, datetime

import pytest

from coordinator.clocks import vectors
from coordinator.clocks.register import REGISTER
from coordinator.clocks.register_vectors import VECTORS, vectors_of
from coordinator.clocks.rules import Kind, Terms
from coordinator.clocks.tests.factories import NEW_YORK, federal, make_terms
from coordinator.clocks.vectors import Vector

EVERY_VERSION = [
    pytest.param(entry, number, version, id=f"{entry.key} v{number}")
    for entry in REGISTER
    for number, version in enumerate(entry.versions, 1)
]


@pytest.mark.parametrize(("entry", "number", "version"), EVERY_VERSION)
def test_every_version_that_ships_has_test_dates_and_they_come_out(entry, number, version):
    terms = Terms.read(kind=version.kind, params=version.params, key=entry.key, version=number)
    found = vectors_of(entry.key, number)
    assert found, f"{entry.key} version {number} needs a test date in register_vectors.py"
    assert vectors.problems(found, terms, federal()) == []
    for vector in found:
        event = vector.event.date() if isinstance(vector.event, datetime) else vector.event
        assert version.since <= event
        assert version.until is None or event <= version.until


def test_no_test_dates_are_kept_for_a_rule_that_is_gone():
    assert set(VECTORS) - {entry.key for entry in REGISTER} == set()


@pytest.mark.parametrize(
    ("line", "vector"),
    [
        ("2026-11-25 -> 2026-11-30", Vector(date(2026, 11, 25), date(2026, 11, 30), NEW_YORK)),
        ("event on 2026-11-25 → due 2026-11-30", Vector(date(2026, 11, 25), date(2026, 11, 30), NEW_YORK)),
        (
            "2026-10-30 10:00 -> 2026-11-02 09:00",
            Vector(datetime(2026, 10, 30, 10), datetime(2026, 11, 2, 9), NEW_YORK),
        ),
        ("2026-11-25 -> none", Vector(date(2026, 11, 25), None, NEW_YORK)),
        (
            "2026-11-25, set 2026-12-01 -> 2026-12-01",
            Vector(date(2026, 11, 25), date(2026, 12, 1), NEW_YORK, date(2026, 12, 1)),
        ),
    ],
)
def test_a_line_is_read_kept_and_written_again(line, vector):
    assert vectors.parse(line, NEW_YORK) == ([vector], [])
    assert Vector.read(vector.as_data()) == vector
    assert vectors.parse(vector.line, NEW_YORK) == ([vector], [])


@pytest.mark.parametrize(
    "line", ["tomorrow", "2026-02-30 -> 2026-03-01", "2026-11-25 -> 25:00", "2026-11-25 2026-11-30"]
)
def test_a_line_that_cannot_be_read_is_named(line):
    found, wrong = vectors.parse(f"2026-11-25 -> 2026-11-30\n\n{line}", NEW_YORK)
    assert len(found) == 1
    assert wrong == ["Line 3 cannot be read: write it like 2026-11-25 -> 2026-11-30."]


def test_each_wrong_test_date_is_named_with_what_the_rule_gives():
    terms = make_terms(Kind.BUSINESS_DAYS, 2)
    lines = "2026-11-25 -> 2026-11-27\n2026-11-25 -> 2026-11-30\n2026-11-20 -> none"
    found, _wrong = vectors.parse(lines, NEW_YORK)
    assert vectors.problems(found, terms, federal()) == [
        "Test date 1 is wrong. Event on Wed, Nov 25, 2026: due Fri, Nov 27, 2026; the rule gives Mon, Nov 30, 2026.",
        "Test date 3 is wrong. Event on Fri, Nov 20, 2026: no deadline; the rule gives Tue, Nov 24, 2026.",
    ]


def test_an_hour_rule_asks_for_a_time():
    found, _wrong = vectors.parse("2026-11-25 -> 2026-11-28", NEW_YORK)
    (text,) = vectors.problems(found, make_terms(Kind.ELAPSED_HOURS, 72), None)
    assert text.startswith("Test date 1 cannot be worked out")
