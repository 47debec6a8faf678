"""The list of patients as a file: as it is filtered, safe to open, recorded."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.tests.factories import make_site, make_user
from patients.tests.factories import make_patient, restrict

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def lead(client, site):
    user = make_user(Role.LEAD, site=site)
    client.force_login(user)
    return user


def rows_of(client, ending, **query):
    query = {"coordinator": "any", **query}
    content = b"".join(client.get(reverse(f"dashboard:patient_{ending}"), query).streaming_content)
    if ending == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    book = load_workbook(io.BytesIO(content))
    assert all(cell.data_type != "f" for row in book.active for cell in row)
    return [[cell.value for cell in row] for row in book.active]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_file_holds_the_filtered_list_and_is_recorded(client, lead, site, ending):
    make_patient(site=site, family_name="Okonkwo", tier=3, coordinator=lead)
    make_patient(site=site, family_name="Ng", tier=1)
    header, *rows = rows_of(client, ending, tier="3")
    assert header[:2] == ["Family name", "Given name"]
    assert [row[0] for row in rows] == ["Okonkwo"]
    assert lead.email in rows[0]
    event = AuditEvent.objects.get(action="export")
    assert (event.details["rows"], event.details["filters"]["tier"], event.actor_id) == (1, "3", lead.pk)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_other_places_and_restricted_people_are_absent(client, lead, site, ending):
    make_patient(family_name="Elsewhere")
    restrict(make_patient(site=site, family_name="Hidden"), make_user(Role.MANAGER, site=site))
    make_patient(site=site, family_name="Okonkwo")
    assert [row[0] for row in rows_of(client, ending)[1:]] == ["Okonkwo"]


def test_a_cell_that_looks_like_a_formula_is_text_in_both(client, lead, site):
    make_patient(site=site, family_name="=HYPERLINK(1)")
    assert rows_of(client, "csv")[1][0] == "'=HYPERLINK(1)"
    assert rows_of(client, "xlsx")[1][0] == "=HYPERLINK(1)"


def test_what_was_typed_narrows_the_file_and_stays_out_of_the_trail(client, lead, site):
    make_patient(site=site, family_name="Okonkwo")
    make_patient(site=site, family_name="Ng")
    client.post(reverse("dashboard:patient_list"), {"q": "okonkwo", "coordinator": "any"})
    assert [row[0] for row in rows_of(client, "csv")[1:]] == ["Okonkwo"]
    assert AuditEvent.objects.get(action="export").details["filters"]["text"] == "given"


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.PROVIDER, Role.BILLING, Role.AUDITOR])
def test_who_may_not_export_lists_gets_none(client, site, role):
    client.force_login(make_user(role, site=site))
    assert client.get(reverse("dashboard:patient_csv")).status_code == 403


def test_the_same_number_of_statements_for_one_row_and_for_twenty(client, lead, site):

    def statements():
        with CaptureQueriesContext(connection) as asked:
            rows_of(client, "csv")
        return len(asked)

    make_patient(site=site, coordinator=lead)
    statements()
    one = statements()
    for _n in range(19):
        make_patient(site=site, coordinator=lead)
    assert statements() == one
