"""Patients from a table: read, checked, imported once, stopped, taken back."""

from __future__ import annotations

import csv
import datetime
import io
import json
import os
import threading
import zipfile
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone
from openpyxl import Workbook

from careplans.models import Task
from careplans.tests.factories import make_task
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.dashboard.gaps import KEY as GAPS
from coordinator.imports import services
from coordinator.imports.models import CaseloadImport, SavedMapping
from coordinator.imports.services import caseload_work
from coordinator.tests.factories import make_site, make_team, make_user
from coordinator.workflow import NotAllowed
from patients.models import ContactPoint, Patient
from patients.services import update_patient
from patients.tests.factories import make_patient, make_phone, restrict

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]
STRINGS = Path(os.environ.get("SHARED_DATA", ROOT.parent / "shared" / "data")) / "strings"
HEADER = "Last name,First name,DOB,Sex,MRN,Cell phone,OK to text,E-mail,Address,City,Language,Interpreter,Coordinator,Insurance,Member ID,Next contact"
ADA = "Okonkwo,Ada,1958-03-14,F,M-1,(612) 555-0143,yes,ada@example.test,1 Elm St,St Paul,Spanish,no,,Blue Plan,B77,"


def rows(*lines: str, header: str = HEADER) -> bytes:
    return "\r\n".join([header, *lines, ""]).encode()


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def site():
    site = make_site()
    make_team(site)
    return site


@pytest.fixture
def lead(site):
    return make_user(Role.LEAD, site=site)


def upload(lead, site, content, name="caseload.csv"):
    file = SimpleUploadedFile(name, content)
    return services.upload_table(site=site, upload=file, by=lead, now=timezone.now())


def checked(lead, site, content, name="caseload.csv", order=""):
    run = upload(lead, site, content, name)
    services.name_columns(run_id=run.pk, columns=run.columns, order=order, by=lead, now=timezone.now())
    assert services.run_caseload() == 1
    run.refresh_from_db()
    return run


def imported(lead, site, content, **more):
    run = checked(lead, site, content, **more)
    services.start_import(run_id=run.pk, by=lead, now=timezone.now())
    services.run_caseload()
    run.refresh_from_db()
    return run


def found(run):
    return {row.line: row.finding for row in run.rows.all()}


def outcomes(run):
    return {row.line: row.outcome for row in run.rows.all()}


def undo(run, by):
    services.undo_import(run_id=run.pk, by=by, now=timezone.now())
    services.run_caseload()
    run.refresh_from_db()


# --- a table becomes patients ------------------------------------------------------------------------------


def test_a_row_becomes_a_patient_with_phones_coverage_coordinator_and_next_contact(lead, site):
    day = timezone.localdate() + datetime.timedelta(days=9)
    run = imported(lead, site, rows(ADA.replace("no,,", f"no,{lead.email},") + day.isoformat()))
    assert run.status == "done"
    patient = Patient.objects.get()
    assert (patient.family_name, patient.given_name, patient.mrn) == ("Okonkwo", "Ada", "M-1")
    assert (patient.birth_date, patient.sex, patient.language) == (datetime.date(1958, 3, 14), "female", "es")
    assert (patient.coordinator, patient.created_by, patient.site) == (lead, lead, site)
    phone, email = patient.contact_points.order_by("-kind")
    assert (phone.normalized, phone.use, phone.ok_to_message) == ("+16125550143", "mobile", True)
    assert phone.permission_source == "Imported table"
    assert (email.normalized, email.ok_to_message) == ("ada@example.test", False)
    assert patient.coverages.get().member_id == "B77"
    task = Task.objects.get()
    assert (task.owner, task.patient, timezone.localdate(task.due_at, site.tzinfo)) == (lead, patient, day)
    assert AuditEvent.objects.filter(action="create", patient_id=patient.pk, actor_id=lead.pk).exists()


def test_nothing_is_written_before_somebody_says_so(lead, site):
    run = checked(lead, site, rows(ADA))
    assert run.status == "checked"
    assert found(run) == {2: "new"}
    assert Patient.objects.count() == 0


def test_each_bad_row_is_named_by_line_column_and_reason(lead, site):
    run = checked(
        lead,
        site,
        rows(
            ADA,
            ",,1958-03-14,F,M-2,,,,,,,,,,,",
            "Ng,Bo,1958-02-30,F,M-3,,,,,,,,,,,",
            "Ng,Cy,2999-01-01,F,M-4,,,,,,,,,,,",
            "Ng,Di,1958-03-14,F,M-5,12,,,,,,,,,,",
            "Ng,Ed,1958-03-14,F,M-6,,maybe,,,,,,,,,",
            "Ng,Fay,1958-03-14,F,M-7,,,,,,,,nobody@example.test,,,",
            "Ng,Gus,1958-03-14,F,M-1,,,,,,,,,,,",
            f"{'N' * 1_000_000},Hal,1958-03-14,F,M-8,,,,,,,,,,,",
            "N\x00g,Ida,1958-03-14,F,M-9,,,,,,,,,,,",
            "Ng,Jo,1958-03-14,F,M-10,,,,,,,,,,,,,too many",
            "Ng,Kim,14 March 58,F,M-11,,,,,,,,,,B1,",
        ),
    )
    problems = {row.line: [tuple(p) for p in row.problems] for row in run.rows.filter(finding="bad")}
    assert {line: [field for field, _reason in found] for line, found in problems.items()} == {
        3: ["family_name"],
        4: ["birth_date"],
        5: ["birth_date"],
        6: ["mobile_phone"],
        7: ["ok_to_message"],
        8: ["coordinator"],
        9: ["mrn"],
        10: ["family_name"],
        11: ["family_name"],
        12: [""],
        13: ["birth_date", "payer_name"],
    }
    assert problems[9][0][1] == "Line 2 of this file is the same person."
    assert found(run)[2] == "new"
    # What a cell holds is in no reason.
    assert "March" not in json.dumps(problems)


@pytest.mark.parametrize(
    ("encode", "encoding", "delimiter"),
    [
        (lambda t: t.encode(), "UTF-8", ","),
        (lambda t: t.encode("utf-8-sig"), "UTF-8", ","),
        (lambda t: t.encode("cp1252"), "Windows-1252", ","),
        (lambda t: t.encode("utf-16"), "UTF-16", ","),
        (lambda t: t.replace(",", ";").encode("cp1252"), "Windows-1252", ";"),
        (lambda t: t.replace(",", "\t").encode(), "UTF-8", "\t"),
    ],
)
def test_encoding_and_separator_are_found_and_spanish_headers_are_understood(
    lead, site, encode, encoding, delimiter
):
    text = "Apellidos,Nombre,Fecha de nacimiento,Sexo,Teléfono,Necesita intérprete\r\nMuñoz,José,25/12/1958,M,6125550143,sí\r\n"
    run = imported(lead, site, encode(text))
    assert (run.encoding, run.delimiter, run.date_order) == (encoding, delimiter, "dmy")
    patient = Patient.objects.get()
    assert (patient.family_name, patient.birth_date) == ("Muñoz", datetime.date(1958, 12, 25))
    assert patient.interpreter_needed


def test_a_date_that_can_be_read_in_two_ways_has_to_be_chosen(lead, site):
    content = rows("Ng,Bo,03/04/1958", header="Last name,First name,DOB")
    run = upload(lead, site, content)
    with pytest.raises(ValidationError) as caught:
        services.name_columns(run_id=run.pk, columns=run.columns, order="", by=lead, now=timezone.now())
    assert "03/04/1958" in caught.value.message_dict["date_order"][0]
    services.name_columns(run_id=run.pk, columns=run.columns, order="dmy", by=lead, now=timezone.now())
    services.run_caseload()
    assert run.rows.get().values["birth_date"] == "1958-04-03"
    # Remembered for this person and these columns.
    assert upload(lead, site, content).date_order == "dmy"
    assert SavedMapping.objects.get().user == lead


def test_columns_named_by_hand_are_remembered_for_this_person_only(lead, site):
    content = rows("Bo,Ng,1958-03-14", header="A,B,C")
    run = upload(lead, site, content)
    assert run.columns == {}
    columns = {"given_name": 0, "family_name": 1, "birth_date": 2}
    services.name_columns(run_id=run.pk, columns=columns, order="", by=lead, now=timezone.now())
    assert upload(lead, site, content).columns == columns
    other = make_user(Role.LEAD, site=site)
    assert upload(other, site, content).columns == {}


def test_needed_columns_and_a_column_chosen_twice_are_refused_at_their_fields(lead, site):
    run = upload(lead, site, rows("Bo,Ng,1958-03-14", header="A,B,C"))
    with pytest.raises(ValidationError) as caught:
        services.name_columns(
            run_id=run.pk, columns={"city": 0, "state": 0}, order="", by=lead, now=timezone.now()
        )
    assert set(caught.value.message_dict) == {"family_name", "birth_date", "state"}


# --- workbooks -----------------------------------------------------------------------------------------------


def workbook(*table, formats=None) -> bytes:
    book = Workbook()
    for row in table:
        book.active.append(row)
    for place, shown in (formats or {}).items():
        book.active[place].number_format = shown
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def test_a_workbook_brings_dates_numbers_and_zeros_as_they_are_shown(lead, site):
    content = workbook(
        ["Last name", "First name", "DOB", "Phone", "ZIP", "Interpreter"],
        ["Okonkwo", "Ada", datetime.datetime(1958, 3, 14), 6125550143, 2134, True],
        formats={"E2": "00000"},
    )
    run = imported(lead, site, content, name="caseload.xlsx")
    patient = Patient.objects.get()
    assert (run.kind, run.sheet) == ("xlsx", "Sheet")
    assert (patient.birth_date, patient.postal_code) == (datetime.date(1958, 3, 14), "02134")
    assert patient.interpreter_needed
    assert patient.contact_points.get().normalized == "+16125550143"


def test_a_formula_is_never_computed(lead, site):
    content = workbook(["Last name", "First name", "DOB"], ["Ng", '=CONCATENATE("A","da")', "1958-03-14"])
    run = imported(lead, site, content, name="caseload.xlsx")
    # No result was saved with it, so there is nothing to read.
    assert Patient.objects.get().given_name == ""
    assert outcomes(run) == {2: "added"}


def padded_workbook(**parts: bytes) -> bytes:
    held = io.BytesIO(workbook(["Last name", "First name", "DOB"], ["Ng", "Bo", "1958-03-14"]))
    with zipfile.ZipFile(held, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name.replace("__", "/"), data)
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "neither a CSV nor an XLSX"),
        (b"MZ\x90\x00program", "neither a CSV nor an XLSX"),
        (b"%PDF-1.7 caseload", "neither a CSV nor an XLSX"),
        (b"PK\x03\x04 cut short", "neither a CSV nor an XLSX"),
        (padded_workbook(**{"xl__bomb.xml": bytes(250_000_000)}), "would unpack to more"),
        (padded_workbook(**{"xl__x.xml": b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"}), "holds parts that we do not open"),
        (rows(), "a header and no rows"),
        (b'Last name,First name\r\n"Ng,Bo\r\n', "line 2"),
        (("a," * 300).encode() + b"\r\n1\r\n", "more than 200 columns"),
        (b"Last name\r\n\x81\x8d\xfe\r\n", "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_at_the_field_and_nothing_is_kept(lead, site, content, says):
    with pytest.raises(ValidationError) as caught:
        upload(lead, site, content, name="caseload.xlsx")
    assert says in caught.value.message_dict["upload"][0]
    assert CaseloadImport.objects.count() == 0


def test_too_many_rows_or_bytes_are_refused(lead, site, monkeypatch):
    from coordinator.imports.caseload import tables

    monkeypatch.setattr(tables, "MOST_ROWS", 2)
    with pytest.raises(ValidationError, match="more than 2 rows"):
        upload(lead, site, rows(ADA, ADA, ADA))
    monkeypatch.setattr(tables, "MOST_BYTES", 10)
    with pytest.raises(ValidationError, match="larger than"):
        upload(lead, site, rows(ADA))


# --- who is here already --------------------------------------------------------------------------------------


def test_who_is_here_already_is_found_and_left_as_they_are(lead, site):
    here = imported(lead, site, rows(ADA)).rows.get().patient
    for content in (ADA, ADA.replace("M-1", "").replace("B77", "")):
        again = imported(lead, site, rows(content))
        assert found(again) == {2: "here"}
        assert outcomes(again) == {2: "skipped"}
    assert Patient.objects.get() == here


def test_a_probable_duplicate_waits_for_a_person_and_is_skipped_without_one(lead, site):
    there = make_patient(
        site=site, family_name="Okonkwo", given_name="Ada", birth_date=datetime.date(1958, 3, 14)
    )
    run = checked(lead, site, rows(ADA))
    row = run.rows.get()
    assert row.finding == "double"
    assert row.doubles[0][0] == str(there.pk)
    services.start_import(run_id=run.pk, by=lead, now=timezone.now())
    services.run_caseload()
    assert outcomes(run) == {2: "skipped"}
    assert Patient.objects.count() == 1


def choose(run, lead, choice, patient=None, line=2):
    return services.choose_rows(
        run_id=run.pk, choices={line: (choice, patient and patient.pk)}, by=lead, now=timezone.now()
    )


def test_the_same_person_gets_what_the_record_lacks_and_stays_who_they_are(lead, site):
    there = make_patient(
        site=site,
        family_name="Okonkwo",
        given_name="Ada",
        birth_date=datetime.date(1958, 3, 14),
        city="Duluth",
    )
    run = checked(lead, site, rows(ADA.replace("no,,", f"no,{lead.email},")))
    choose(run, lead, "link", there)
    services.start_import(run_id=run.pk, by=lead, now=timezone.now())
    services.run_caseload()
    there.refresh_from_db()
    assert outcomes(run) == {2: "linked"}
    assert (there.city, there.coordinator) == ("Duluth", lead)
    assert there.contact_points.count() == 2
    assert there.coverages.get().payer_name == "Blue Plan"
    undo(run, lead)
    there.refresh_from_db()
    assert outcomes(run) == {2: "undone"}
    assert there.coordinator is None
    assert not there.contact_points.filter(ended_at=None).exists()
    assert there.coverages.get().status == "entered_in_error"
    assert there.status == "active"


def test_somebody_new_is_registered_beside_the_other(lead, site):
    make_patient(site=site, family_name="Okonkwo", given_name="Ada", birth_date=datetime.date(1958, 3, 14))
    run = checked(lead, site, rows(ADA))
    choose(run, lead, "new")
    services.start_import(run_id=run.pk, by=lead, now=timezone.now())
    services.run_caseload()
    assert Patient.objects.filter(family_name="Okonkwo").count() == 2


@pytest.mark.parametrize("mrn", ["M-1", ""])
def test_one_table_checked_twice_registers_nobody_twice(lead, site, mrn):
    content = rows(ADA.replace("M-1", mrn))
    first, second = checked(lead, site, content), checked(lead, site, content)
    for run in (first, second):
        services.start_import(run_id=run.pk, by=lead, now=timezone.now())
        services.run_caseload()
    assert (outcomes(first), outcomes(second)) == ({2: "added"}, {2: "refused"})
    assert Patient.objects.count() == 1
    if not mrn:
        sentence = "Somebody registered this person after the check. Import this row again to choose."
        assert second.rows.get().problems == [["", sentence]]
    assert found(checked(lead, site, content)) == {2: "here"}


def test_brothers_of_one_table_do_not_stand_in_each_others_way(lead, site, monkeypatch):
    monkeypatch.setattr(caseload_work, "DONE_AT_ONCE", 1)
    brother = ADA.replace("M-1", "").replace("Ada", "Ade")
    run = imported(lead, site, rows(ADA.replace("M-1", ""), brother))
    assert outcomes(run) == {2: "added", 3: "added"}


def test_a_number_that_was_ended_with_stop_comes_back_without_messages(lead, site):
    there = make_patient(
        site=site, family_name="Okonkwo", given_name="Ada", birth_date=datetime.date(1958, 3, 14)
    )
    ended = timezone.now()
    make_phone(there, "+16125550143", ended_at=ended, opted_out_at=ended)
    ContactPoint.objects.create(
        patient=there,
        kind="email",
        value="ada@example.test",
        normalized="ada@example.test",
        ended_at=ended,
        error_at=ended,
        error_reason="Her sister's",
    )
    run = checked(lead, site, rows(ADA))
    choose(run, lead, "link", there)
    services.start_import(run_id=run.pk, by=lead, now=timezone.now())
    services.run_caseload()
    phone = there.contact_points.get(ended_at=None)
    assert (phone.normalized, phone.ok_to_message) == ("+16125550143", False)


def test_only_a_patient_that_was_offered_can_be_linked(lead, site):
    make_patient(site=site, family_name="Okonkwo", given_name="Ada", birth_date=datetime.date(1958, 3, 14))
    stranger = make_patient(site=site)
    run = checked(lead, site, rows(ADA))
    with pytest.raises(ValidationError, match="line 2"):
        choose(run, lead, "link", stranger)


@pytest.mark.parametrize("hide", ["other site", "restricted"])
def test_somebody_who_may_not_be_known_is_never_offered(lead, site, hide):
    other = make_patient(
        site=site if hide == "restricted" else make_site(),
        family_name="Okonkwo", given_name="Ada", birth_date=datetime.date(1958, 3, 14), mrn="M-9",
    )  # fmt: skip
    make_phone(other)
    if hide == "restricted":
        restrict(other, make_user(Role.MANAGER, site=site))
    run = checked(lead, site, rows(ADA))
    assert (run.rows.get().finding, run.rows.get().doubles) == ("new", [])
    taken = checked(lead, site, rows(ADA.replace("M-1", "M-9")))
    # An MRN is one in the whole clinic; the registration page says the same.
    assert taken.rows.get().problems == [["mrn", "This MRN belongs to another patient."]]


def test_checking_takes_the_same_number_of_statements_for_one_row_and_for_many(lead, site):
    def statements(content):
        with connection.execute_wrapper(count):
            asked.clear()
            checked(lead, site, content)
        return len(asked)

    asked = []

    def count(execute, sql, params, many, context):
        asked.append(sql)
        return execute(sql, params, many, context)

    many = [
        ADA.replace("M-1", f"M-{n}").replace("Ada", f"Ada{n}").replace("0143", f"0{n:03}")
        for n in range(2, 30)
    ]
    make_patient(site=site, family_name="Okonkwo", given_name="Ada", birth_date=datetime.date(1958, 3, 14))
    checked(lead, site, rows(ADA))
    assert statements(rows(*many)) <= statements(rows(ADA)) + 4


# --- who may ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [r for r in Role.values if r not in (Role.LEAD, Role.MANAGER)])
def test_only_leads_and_managers_import_patients(site, role):
    with pytest.raises(PermissionDenied):
        upload(make_user(role, site=site), site, rows(ADA))


def test_nobody_imports_into_a_place_where_they_do_not_work(lead, site):
    with pytest.raises(PermissionDenied):
        upload(lead, make_site(), rows(ADA))
    other = make_site(name="Lakeside")
    run = checked(lead, site, rows("Ng,Bo,1958-03-14,Lakeside", header="Last name,First name,DOB,Site"))
    assert run.rows.get().problems == [["site", "You work at no place of this name."]]
    lead.sites.add(other)
    run = imported(lead, site, rows("Ng,Bo,1958-03-14,Lakeside", header="Last name,First name,DOB,Site"))
    assert Patient.objects.get().site == other


def test_who_lost_the_right_meanwhile_imports_nothing(lead, site):
    run = checked(lead, site, rows(ADA))
    services.start_import(run_id=run.pk, by=lead, now=timezone.now())
    lead.role = Role.PROVIDER
    lead.save()
    services.run_caseload()
    run.refresh_from_db()
    assert (run.status, Patient.objects.count()) == ("stopped", 0)
    assert run.reason


# --- killed, stopped, twice ------------------------------------------------------------------------------------


def many(count: int) -> bytes:
    return rows(
        *[f"Okonkwo,Ada{n},19{n:02}-01-01" for n in range(10, 10 + count)], header="Last name,First name,DOB"
    )


def killed_after(monkeypatch, count):
    """The worker dies in the row after `count` rows."""
    register, done = caseload_work.register_patient, []

    def dying(**fields):
        if len(done) == count:
            raise SystemExit
        done.append(fields)
        return register(**fields)

    monkeypatch.setattr(caseload_work, "DONE_AT_ONCE", 5)
    monkeypatch.setattr(caseload_work, "register_patient", dying)
    return lambda: monkeypatch.setattr(caseload_work, "register_patient", register)


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_leaves_whole_batches_and_the_next_one_goes_on(monkeypatch):
    site = make_site()
    lead = make_user(Role.LEAD, site=site)
    run = checked(lead, site, many(20))
    services.start_import(run_id=run.pk, by=lead, now=timezone.now())
    revive = killed_after(monkeypatch, 13)
    with pytest.raises(SystemExit):
        services.run_caseload()
    assert Patient.objects.count() == 10
    assert services.run_caseload() == 0  # the dead one still holds it
    revive()
    CaseloadImport.objects.update(heartbeat_at=timezone.now() - datetime.timedelta(minutes=3))
    assert services.run_caseload() == 1
    assert Patient.objects.count() == 20
    assert set(outcomes(run).values()) == {"added"}


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_import_every_row_once(monkeypatch):
    site = make_site()
    lead = make_user(Role.LEAD, site=site)
    run = checked(lead, site, many(20))
    services.start_import(run_id=run.pk, by=lead, now=timezone.now())
    monkeypatch.setattr(caseload_work, "DONE_AT_ONCE", 3)
    first = caseload_work.claim()
    CaseloadImport.objects.update(heartbeat_at=timezone.now() - datetime.timedelta(minutes=3))
    second = caseload_work.claim()
    assert first is not None
    assert second is not None
    start = threading.Barrier(2)

    def work(claimed):
        start.wait()
        try:
            caseload_work.work_on(claimed)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[claimed]) for claimed in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.refresh_from_db()
    assert (run.status, Patient.objects.count()) == ("done", 20)
    assert AuditEvent.objects.filter(action="import_done").count() == 1


def test_a_stopped_import_can_go_on_or_be_taken_back(lead, site, monkeypatch):
    run = checked(lead, site, many(10))
    services.start_import(run_id=run.pk, by=lead, now=timezone.now())
    monkeypatch.setattr(caseload_work, "DONE_AT_ONCE", 4)
    one_row = caseload_work._one_row

    def stops(run, row, *rest):
        if row.line == 5:
            services.stop_import(run_id=run.pk, by=lead, now=timezone.now())
        one_row(run, row, *rest)

    monkeypatch.setattr(caseload_work, "_one_row", stops)
    services.run_caseload()
    run.refresh_from_db()
    assert (run.status, Patient.objects.count()) == ("stopped", 4)
    monkeypatch.setattr(caseload_work, "_one_row", one_row)
    services.start_import(run_id=run.pk, by=lead, now=timezone.now())
    services.run_caseload()
    assert Patient.objects.count() == 10


# --- taken back -------------------------------------------------------------------------------------------------


def test_undo_takes_back_what_nobody_changed_and_keeps_and_names_the_rest(lead, site):
    run = imported(lead, site, many(5))
    changed, phoned, noted, *rest = [row.patient for row in run.rows.all()]
    update_patient(patient_id=changed.pk, version=None, by=lead, now=timezone.now(), city="Duluth")
    make_phone(phoned)
    make_task(noted)
    undo(run, lead)
    assert list(outcomes(run).values()) == ["kept", "kept", "kept", "undone", "undone"]
    assert set(Patient.objects.visible_to(lead)) == {changed, phoned, noted}
    assert {Patient.objects.get(pk=patient.pk).status for patient in rest} == {"entered_in_error"}
    assert run.status == "undone"
    with pytest.raises(NotAllowed):
        services.undo_import(run_id=run.pk, by=lead, now=timezone.now())


def test_the_first_night_does_not_end_undo_but_work_on_its_question_does(lead, site):
    run = imported(lead, site, many(3))
    Task.objects.all().delete()
    for row in run.rows.all():
        make_task(row.patient, kind="data_quality", dedupe_key=f"{GAPS}{row.patient_id}")
    worked_on = run.rows.last().patient
    assert worked_on is not None
    Task.objects.filter(patient=worked_on).update(version=2)
    undo(run, lead)
    assert list(outcomes(run).values()) == ["undone", "undone", "kept"]
    assert not Task.objects.open().exclude(patient=worked_on).exists()
    assert Task.objects.open().filter(patient=worked_on).exists()


def test_what_was_taken_back_can_be_imported_again_under_its_own_numbers(lead, site):
    run = imported(lead, site, rows(ADA))
    undo(run, lead)
    imported(lead, site, rows(ADA))
    assert Patient.objects.visible_to(lead).get().mrn == "M-1"
    assert ContactPoint.objects.filter(patient__status="active").count() == 2


def test_the_next_contact_goes_with_its_patient_unless_somebody_worked_on_it(lead, site):
    day = (timezone.localdate() + datetime.timedelta(days=9)).isoformat()
    run = imported(
        lead,
        site,
        rows(ADA + day, ADA.replace("M-1", "M-2").replace("Ada", "Bo").replace("B77", "C88") + day),
    )
    first, second = [row.patient for row in run.rows.all()]
    Task.objects.filter(patient=first).update(version=5)
    undo(run, lead)
    assert outcomes(run) == {2: "kept", 3: "undone"}
    assert Task.objects.get(patient=second).status == "entered_in_error"
    assert Task.objects.get(patient=first).status != "entered_in_error"


# --- what is forgotten ------------------------------------------------------------------------------------------


def test_after_thirty_days_the_file_and_what_was_read_of_it_are_gone(lead, site, tmp_path):
    run = imported(lead, site, rows(ADA))
    assert list(tmp_path.rglob("*.csv"))
    CaseloadImport.objects.update(created_at=timezone.now() - datetime.timedelta(days=31))
    services.run_caseload()
    run.refresh_from_db()
    assert not list(tmp_path.rglob("*.csv"))
    assert (run.upload.name, run.facts["samples"], run.rows.get().values) == ("", [], {})
    assert outcomes(run) == {2: "added"}


# --- hostile text -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (STRINGS / "blns.json").exists(), reason="SHARED_DATA/strings is not on this machine")
def test_every_naughty_string_is_kept_exactly_or_refused_at_its_row(lead, site):
    import unicodedata

    strings = json.loads((STRINGS / "blns.json").read_text())
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["Last name", "First name", "DOB", "MRN"])
    writer.writerows([typed, "A", "1958-03-14", f"M-{n}"] for n, typed in enumerate(strings))
    run = checked(lead, site, text.getvalue().encode())
    assert run.rows.count() == len(strings)
    kept = 0
    for row in run.rows.exclude(finding="bad"):
        typed = strings[int(row.values["mrn"].removeprefix("M-"))]
        assert row.values.get("family_name", "") == unicodedata.normalize("NFC", typed).strip()
        kept += 1
    assert kept > 350
    assert {p[0] for row in run.rows.filter(finding="bad") for p in row.problems} <= {"family_name", ""}


@pytest.mark.parametrize(
    "name", ["\u202egnikeerC", "O’Brien-Ñandú", "王小明", "=1+1", "Robert'); DROP TABLE x;--"]
)
def test_names_of_any_kind_are_kept_exactly(lead, site, name):
    run = imported(lead, site, rows(f'"{name}",Ada,1958-03-14', header="Last name,First name,DOB"))
    assert outcomes(run) == {2: "added"}
    assert Patient.objects.get().family_name == name
