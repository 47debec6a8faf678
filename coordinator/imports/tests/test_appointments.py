"""Appointments from CSV: clean rows in, dirty rows named with line and reason, twice is once."""

from __future__ import annotations

import datetime
import gzip
import os
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from coordinator.fhir.problems import Unreadable
from coordinator.imports.services.appointments import AppointmentWriter, Mapping
from coordinator.imports.services.runs import new_run, start_rows
from coordinator.tests.factories import make_site
from coordinator.workflow import System
from patients.models import Patient
from patients.services import merge_patients
from patients.tests.factories import make_patient
from scheduling.models import Appointment

pytestmark = pytest.mark.django_db
REAL = (
    Path(os.environ.get("SHARED_DATA", settings.BASE_DIR.parent / "shared" / "data"))
    / "appointments_noshow"
    / "noshow_2016-04-29_to_2016-05-31.csv.gz"
)
COLUMNS = {"patient": "PatientId", "id": "AppointmentID", "start": "AppointmentDay", "booked": "ScheduledDay"}
HEADER = "PatientId,AppointmentID,ScheduledDay,AppointmentDay,No-show\n"
OUTCOMES = {"Yes": "no_show", "No": "fulfilled"}


def load(tmp_path, text, site=None, **options):
    path = tmp_path / "visits.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    site = site or make_site(zone="America/Sao_Paulo")
    by, now = System("test"), timezone.now()
    run = start_rows(new_run(kind="appointments", site=site, by=by, now=now))
    options.setdefault("columns", COLUMNS)
    options.setdefault("day_only", True)
    options.setdefault("unnamed", True)
    counts = AppointmentWriter(run=run, mapping=Mapping(**options), by=by, now=now).run_file(path)
    return run, counts


def refusals(run):
    return [(p.place, p.reason) for p in run.problems.all()]


GOOD = "29872499824296,5642903,2016-04-28T18:38:08Z,2016-04-29T00:00:00Z,No\n"


def test_a_day_without_a_time_is_its_local_midnight_and_holds_nobodys_time(tmp_path):
    _run, counts = load(tmp_path, HEADER + GOOD)
    visit = Appointment.objects.get()
    assert counts["added"] == 1
    assert (visit.time_known, visit.status) == (False, "booked")
    assert visit.start.astimezone(visit.site.tzinfo) == datetime.datetime(
        2016, 4, 29, tzinfo=visit.site.tzinfo
    )
    assert visit.booked_at == datetime.datetime(2016, 4, 28, 18, 38, 8, tzinfo=datetime.UTC)
    assert visit.changes.get().step == "import"


def test_importing_again_adds_nothing(tmp_path):
    run, _counts = load(tmp_path, HEADER + GOOD)
    _run, counts = load(tmp_path, HEADER + GOOD, site=run.site)
    assert (counts["added"], counts["unchanged"], Appointment.objects.count()) == (0, 1, 1)


def test_outcomes_follow_the_mapping_and_nothing_else(tmp_path):
    rows = (
        GOOD
        + GOOD.replace("5642903", "2").replace(",No", ",Yes")
        + GOOD.replace("5642903", "3").replace(",No", ",?")
    )
    run, _counts = load(tmp_path, HEADER + rows, columns={**COLUMNS, "outcome": "No-show"}, outcomes=OUTCOMES)
    assert sorted(Appointment.objects.values_list("status", flat=True)) == ["fulfilled", "no_show"]
    assert refusals(run) == [("line 4", "the outcome is none of those the mapping names")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",1,2016-04-28T18:38:08Z,2016-04-29T00:00:00Z,No", "patient is empty"),
        ("7,1,2016-04-28T18:38:08Z,,No", "start is empty"),
        ("7,1,2016-04-28T18:38:08Z,29/04/2016,No", "start is not a date (YYYY-MM-DD)"),
        ("7,1,2016-04-28T18:38:08Z,2016-02-30T00:00:00Z,No", "start is not a date (YYYY-MM-DD)"),
        ("7,1,yesterday,2016-04-29T00:00:00Z,No", "booked is not a date and time (ISO 8601)"),
        ("7,1,2016-05-30T18:38:08Z,2016-04-29T00:00:00Z,No", "was booked after the visit"),
        ("7,1,2016-04-28T18:38:08Z", "has not as many fields as the header"),
        ("7,1,2016-04-28T18:38:08Z,2016-04-29T00:00:00Z,No,more", "has not as many fields as the header"),
    ],
)
def test_a_dirty_row_is_named_and_the_next_one_imported(tmp_path, row, said):
    run, counts = load(tmp_path, HEADER + row + "\n" + GOOD)
    assert refusals(run) == [("line 2", said)]
    assert (counts["added"], counts["refused"]) == (1, 1)


def test_a_number_that_is_not_here_is_refused_unless_nameless_records_are_wanted(tmp_path):
    run, counts = load(tmp_path, HEADER + GOOD, unnamed=False)
    assert counts["added"] == 0
    assert "not here" in refusals(run)[0][1]
    assert Patient.objects.count() == 0


def test_a_patient_of_another_site_is_not_reached_by_number(tmp_path):
    make_patient(mrn="29872499824296")
    _run, counts = load(tmp_path, HEADER + GOOD)
    assert (counts["added"], counts["refused"]) == (0, 1)


def test_visits_under_the_number_of_a_merged_record_go_to_the_one_that_stands(tmp_path):
    site, now = make_site(), timezone.now()
    gone, middle, stands = (make_patient(site=site, mrn=mrn) for mrn in ("29872499824296", "2", "3"))
    for survivor, other in ((middle, gone), (stands, middle)):
        merge_patients(
            survivor_id=survivor.pk, other_id=other.pk, choices={}, reason="Same", by=System("test"), now=now
        )
    _run, counts = load(tmp_path, HEADER + GOOD, site=site, unnamed=False)
    assert counts["added"] == 1
    assert Appointment.objects.get().patient == stands


def test_a_nameless_record_says_that_it_has_no_name_and_no_birth_date_is_guessed(tmp_path):
    load(tmp_path, HEADER + GOOD)
    patient = Patient.objects.get()
    assert (patient.family_name, patient.mrn, patient.birth_date) == ("Unnamed", "29872499824296", None)


@pytest.mark.parametrize(
    "options",
    [
        {"columns": {"patient": "PatientId"}},
        {"columns": {**COLUMNS, "colour": "X"}},
        {"columns": {**COLUMNS, "start": "Nowhere"}},
        {"columns": {**COLUMNS, "outcome": "No-show"}},
        {"columns": {**COLUMNS, "outcome": "No-show"}, "outcomes": {"Yes": "vanished"}},
    ],
)
def test_a_wrong_mapping_refuses_the_file_before_any_row(tmp_path, options):
    with pytest.raises(Unreadable):
        load(tmp_path, HEADER + GOOD, **options)
    assert Appointment.objects.count() == 0


def test_bytes_that_are_no_text_are_named_by_line_and_the_rest_goes_on(tmp_path):
    run, counts = load(tmp_path, HEADER.encode() + b"\xff\xfe,1,2,3,4\n" + GOOD.encode())
    assert refusals(run) == [("line 2", "is not UTF-8")]
    assert counts["added"] == 1


@pytest.mark.skipif(not REAL.exists(), reason="SHARED_DATA/appointments_noshow is not on this machine")
def test_real_rows_that_contradict_themselves_are_the_only_ones_refused(tmp_path):
    lines = gzip.decompress(REAL.read_bytes()).decode().splitlines(keepends=True)
    impossible = (27035, 55228, 64177, 71535, 72364)
    sample = lines[:1] + lines[1:400] + [lines[n - 1] for n in impossible]
    run, counts = load(tmp_path, "".join(sample))
    assert counts["refused"] == 5
    assert {reason for _place, reason in refusals(run)} == {"was booked after the visit"}
    assert counts["added"] == 399
