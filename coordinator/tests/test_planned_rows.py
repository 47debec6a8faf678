"""Statements planned once for a connection say what a plain statement says."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from django.db import DataError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from coordinator.db import asked_rows, planned_rows

pytestmark = pytest.mark.django_db

MOMENT = datetime(2026, 11, 1, 6, 30, 0, 123456, UTC)
KEY = uuid.UUID("01a203e6-c23f-75e3-93a3-fd850cc48d55")
VALUES = (True, 7, "O'Brien %s $1 \\", KEY, MOMENT, date(2028, 2, 29), ["a", "it's", ""], [])


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_a_value_arrives_as_in_a_plain_statement(value) -> None:
    for _again in range(7):  # the database makes a plan for every value from the sixth time on
        assert planned_rows("select %(value)s, '100 %%'", {"value": value}) == [(value, "100 %")]
    assert asked_rows("select %(value)s", {"value": value if value != [] else ["x"]})


def test_one_text_with_values_of_other_kinds_is_another_statement() -> None:
    assert planned_rows("select %(value)s", {"value": 1}) == [(1,)]
    assert planned_rows("select %(value)s", {"value": "one"}) == [("one",)]


def test_one_question_each_time_and_planned_once() -> None:
    with CaptureQueriesContext(connection) as asked:
        for number in range(3):
            planned_rows("select %(number)s + 1, 'planned once'", {"number": number})
    assert len(asked) == 3
    own = "select count(*) from pg_prepared_statements where statement like %(text)s and statement like 'prepare%%'"
    assert asked_rows(own, {"text": "%planned once%"}) == [(1,)]


def test_another_connection_plans_for_itself() -> None:
    planned_rows("select %(number)s", {"number": 1})

    def elsewhere() -> list:
        try:
            return planned_rows("select %(number)s", {"number": 2})
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(elsewhere).result() == [(2,)]


def test_a_wrong_statement_is_refused_as_any_other() -> None:
    for _again in range(2):
        with pytest.raises(DataError), transaction.atomic():
            planned_rows("select 1 / (%(number)s * 0)", {"number": 1})
        with pytest.raises(ProgrammingError), transaction.atomic():
            planned_rows("select no_such_column where %(number)s = 1", {"number": 1})
    assert planned_rows("select 1 / %(number)s", {"number": 1}) == [(1,)]
