"""The pages of a table of patients: from the file to the report and back, for those who may."""

from __future__ import annotations

import csv
import datetime
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.imports import services
from coordinator.imports.models import CaseloadImport
from coordinator.imports.tests.test_caseload import ADA, HEADER, rows
from coordinator.tests.factories import make_site, make_team, make_user
from patients.models import Patient
from patients.tests.factories import make_patient, restrict

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    site = make_site()
    make_team(site)
    return site


@pytest.fixture
def lead(client, site):
    user = make_user(Role.LEAD, site=site)
    client.force_login(user)
    return user


def upload(client, site, content, name="caseload.csv"):
    file = SimpleUploadedFile(name, content)
    return client.post(reverse("imports:caseload_list"), {"upload": file, "site": site.pk})


def address(name):
    return reverse(f"imports:caseload_{name}", args=[CaseloadImport.objects.latest("created_at").pk])


def columns(client, **more):
    run = CaseloadImport.objects.latest("created_at")
    data = {f"column_{number}": name for name, number in run.columns.items()}
    return client.post(address("columns"), data | more)


def text(answer):
    return answer.content.decode()


def test_from_the_file_to_the_report_and_back(client, lead, site):
    answer = upload(client, site, rows(ADA, "Ng,Bo,1958-02-30,F,M-3,,,,,,,,,,,"), name="../../list.csv")
    assert answer.url == address("columns")
    page = text(client.get(answer.url))
    assert "UTF-8, separated by commas" in page
    assert "1958-03-14" in page  # a value of the column
    assert columns(client).url == address("detail")
    assert "Being checked" in text(client.get(address("detail")))
    services.run_caseload()
    page = text(client.get(address("detail")))
    assert "Import 1 row" in page
    assert "This date does not exist." in page
    assert client.post(address("start")).url == address("detail")
    services.run_caseload()
    assert Patient.objects.get().family_name == "Okonkwo"
    page = text(client.get(address("detail")))
    assert "Take this import back" in page
    client.post(address("undo"))
    services.run_caseload()
    assert "Taken back" in text(client.get(address("detail")))
    assert not Patient.objects.visible_to(lead).exists()
    assert "list.csv" in text(client.get(reverse("imports:caseload_list")))


def test_a_file_that_is_no_table_says_why_at_its_field(client, lead, site):
    answer = upload(client, site, b"%PDF-1.7", name="caseload.csv")
    assert answer.status_code == 422
    assert "neither a CSV nor an XLSX" in text(answer)


def test_two_columns_for_one_field_and_a_doubtful_date_are_said_and_choices_stay(client, lead, site):
    upload(client, site, rows("Ng,Bo,03/04/1958", header="Last name,First name,DOB"))
    answer = columns(client, column_1="family_name")
    assert answer.status_code == 422
    assert "Another column is chosen for this already." in text(answer)
    answer = columns(client)
    assert answer.status_code == 422
    assert "03/04/1958 can be read in two ways" in text(answer)
    assert columns(client, date_order="mdy").status_code == 302


def test_the_rows_to_mend_come_back_as_they_were_with_the_reason(client, lead, site):
    bad = ["Ng", "+Bo; =1", "1958-02-30", "F", "M-3", "", "", "", "", "", "", "", "", "", "", ""]
    upload(client, site, rows(ADA, ",".join(bad)))
    columns(client)
    services.run_caseload()
    answer = client.get(address("problems"))
    content = b"".join(answer.streaming_content)
    table = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert table[0] == [*HEADER.split(","), "Reason"]
    assert table[1][1].startswith("'")
    assert table[1][-1] == "Date of birth: This date does not exist."
    assert len(table) == 2
    event = AuditEvent.objects.get(action="export")
    assert (event.details["rows"], event.actor_id) == (1, lead.pk)
    # Mended and uploaded again: the cell is what it was, without the guard.
    upload(client, site, content.replace(b"1958-02-30", b"1958-02-03"))
    assert columns(client).status_code == 302
    services.run_caseload()
    row = CaseloadImport.objects.latest("created_at").rows.get()
    assert (row.finding, row.values["given_name"]) == ("new", "+Bo; =1")


def test_probable_duplicates_are_shown_side_by_side_and_answered(client, lead, site):
    there = make_patient(
        site=site, family_name="Okonkwo", given_name="Adah", birth_date=datetime.date(1958, 3, 14), mrn="H-1"
    )
    hidden = make_patient(
        site=site, family_name="Okonkwo", given_name="Ada", birth_date=datetime.date(1958, 3, 14), mrn="H-2"
    )
    restrict(hidden, make_user(Role.MANAGER, site=site))
    upload(client, site, rows(ADA))
    columns(client)
    services.run_caseload()
    page = text(client.get(address("detail")))
    assert f"link:{there.pk}" in page
    assert "H-2" not in page
    assert "1 not decided" in page
    client.post(address("choose"), {"row-2": f"link:{there.pk}", "row-x": "new", "page": "1"})
    assert "1 not decided" not in text(client.get(address("detail")))
    client.post(address("start"))
    services.run_caseload()
    assert there.contact_points.count() == 2


def test_the_part_is_a_piece_of_the_page_and_asks_again_while_a_job_works(client, lead, site):
    upload(client, site, rows(ADA))
    columns(client)
    part = text(client.get(address("detail"), headers={"HX-Request": "true"}))
    token = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')
    assert token.sub("", part).strip() in token.sub("", text(client.get(address("detail"))))
    assert "<html" not in part
    assert "load delay:2s" in part
    client.post(address("stop"))
    assert "load delay:2s" not in text(client.get(address("detail")))


def test_somebody_from_another_place_finds_nothing(client, lead, site):
    upload(client, site, rows(ADA))
    client.force_login(make_user(Role.LEAD, site=make_site()))
    for name in ("detail", "columns", "problems"):
        assert client.get(address(name)).status_code == 404
    assert "caseload.csv" not in text(client.get(reverse("imports:caseload_list")))


def test_the_page_of_duplicates_takes_the_same_number_of_statements_for_one_row_and_for_many(
    client, lead, site
):
    def statements(count):
        content = rows(
            *[
                ADA.replace("M-1", f"N-{count}-{n}")
                .replace("Ada", f"Ada{'abcdefghij'[n]}")
                .replace("0143", f"0{count}{n:02}")
                .replace("B77", f"{count}{n}")
                for n in range(count)
            ]
        )
        for n in range(count):
            make_patient(
                site=site,
                family_name="Okonkwo",
                given_name=f"Ada{'abcdefghij'[n]}",
                birth_date=datetime.date(1958, 3, 14),
            )
        upload(client, site, content)
        columns(client)
        services.run_caseload()
        assert CaseloadImport.objects.latest("created_at").rows.filter(finding="double").count() == count
        with CaptureQueriesContext(
            connection,
        ) as asked:
            client.get(address("detail"))
        return len(asked)

    assert statements(8) <= statements(1)
