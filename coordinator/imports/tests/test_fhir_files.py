"""Real files that nobody here wrote, and hostile ones made here: kept, counted, or refused by name."""

from __future__ import annotations

import codecs
import csv
import gzip
import json
import os
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from careplans.models import CarePlan, Goal, Task
from coordinator.accounts.models import Location, Organization, Practitioner
from coordinator.audit.models import AuditEvent
from coordinator.imports.models import ImportRun, SourceRecord
from coordinator.imports.services.runs import new_run, run_import
from coordinator.tests.factories import make_site, make_team
from coordinator.workflow import System
from patients.models import (
    Allergy,
    ContactPoint,
    Encounter,
    Immunization,
    Medication,
    Patient,
    Problem,
    Result,
)
from referrals.models import Referral
from scheduling.models import Appointment

pytestmark = pytest.mark.django_db
DATA = Path(os.environ.get("SHARED_DATA", settings.BASE_DIR.parent / "shared" / "data"))
BY = System("test")


def needs(folder):
    return pytest.mark.skipif(
        not (DATA / folder).is_dir(), reason=f"SHARED_DATA/{folder} is not on this machine"
    )


@pytest.fixture
def site():
    site = make_site()
    make_team(site)
    return site


def _lines(name):
    return (DATA / name).read_text(encoding="utf-8").splitlines()


def read(site, *paths, source="test"):
    run = new_run(kind="fhir", site=site, by=BY, now=timezone.now(), source=source)
    return run_import(run, paths=[Path(p) for p in paths], by=BY)


def added(run):
    return {kind: row["added"] for kind, row in run.counts.get("kept", {}).items() if row["added"]}


def reasons(run):
    return [f"{p.place} {p.reason}".strip() for p in run.problems.all()]


def patient(**fields):
    return {
        "resourceType": "Patient",
        "id": "p1",
        "name": [{"family": "Okonkwo", "given": ["Ada", "Ngozi"]}],
        "gender": "female",
        "birthDate": "1960-02-29",
        **fields,
    }


def bundle(*resources, kind="transaction", urls=None):
    urls = urls or [f"urn:uuid:00000000-0000-4000-8000-{n:012d}" for n in range(len(resources))]
    return {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [
            {"fullUrl": url, "resource": r, "request": {"method": "POST", "url": r["resourceType"]}}
            for url, r in zip(urls, resources, strict=True)
        ],
    }


def write(folder, name, value):
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


# --- files that nobody here wrote --------------------------------------------------------------------


@needs("synthea_fhir_r4")
def test_a_dozen_patients_are_counted_as_their_manifest_says_and_twice_adds_nothing(site):
    files = sorted((DATA / "synthea_fhir_r4" / "bundles").glob("*.json.gz"))[:12]
    names = {file.name.removesuffix(".gz") for file in files}
    manifest = [r for r in csv.DictReader(_lines("synthea_fhir_r4/manifest.csv")) if r["file"] in names]
    assert len(manifest) == 12
    expected = Counter()
    for row in manifest:
        for kind in ("Encounter", "Condition", "MedicationRequest", "CarePlan", "Goal", "Immunization"):
            expected[kind] += int(row[kind])

    run = read(site, *files)

    assert reasons(run) == []
    got = added(run)
    assert {kind: got.get(kind, 0) for kind in expected} == dict(expected)
    assert got["Patient"] == 12
    in_tables = {
        "Encounter": Encounter.objects.count(),
        "Condition": Problem.objects.count(),
        "MedicationRequest": Medication.objects.count(),
        "CarePlan": CarePlan.objects.count(),
        "Goal": Goal.objects.count(),
        "Immunization": Immunization.objects.count(),
    }
    assert in_tables == dict(expected)
    for row in manifest:
        here = Patient.objects.get(family_name=row["family"], given_name=row["given"])
        assert str(here.birth_date) == row["birthDate"]
        assert (str(here.deceased_on) if here.deceased_on else "") == row["deceased"]
    before = _everything()
    again = read(site, *files)
    assert added(again) == {}
    assert _everything() == before


def _everything():
    models = (
        Patient,
        Organization,
        Practitioner,
        Problem,
        Allergy,
        Medication,
        Encounter,
        Result,
        CarePlan,
        Goal,
    )
    return [m.objects.count() for m in (*models, SourceRecord, Task, Referral, Appointment)]


@needs("synthea_fhir_r4_condref")
def test_conditional_references_need_their_practitioners_first(site):
    folder = DATA / "synthea_fhir_r4_condref"
    one = sorted(folder.glob("Crista*.json.gz"))[0]
    alone = read(site, one)
    assert alone.status == ImportRun.Status.FAILED
    assert "import the file that brings this Practitioner first" in reasons(alone)[0]
    assert Patient.objects.count() == 0

    together = read(site, folder)
    assert reasons(together) == []
    counts = added(together)
    # 1,191 of each from the two information files, and what the files of the other origin bring themselves.
    assert (counts["Organization"], counts["Practitioner"]) == (1200, 1196)
    assert (counts["Location"], counts["PractitionerRole"]) == (1191, 1191)
    assert (counts["Patient"], counts["CareTeam"]) == (12, 19)
    assert Location.objects.count() == 1191
    assert Practitioner.objects.exclude(specialty="").count() > 1000
    assert added(read(site, folder)) == {}


@needs("fhir_wrong_version")
def test_older_versions_are_refused_by_name(site):
    run = read(site, DATA / "fhir_wrong_version")
    assert run.status == ImportRun.Status.FAILED
    said = sorted(reasons(run))
    assert [("DSTU2" in r, "STU3" in r) for r in said] == [(True, False)] * 2 + [(False, True)] * 2
    assert Patient.objects.count() == 0


@needs("fhir_invalid")
def test_unreadable_files_are_refused_and_clean_ones_of_kept_types_are_not_called_wrong(site):
    from coordinator.fhir.bundles import KEPT, entries_of
    from coordinator.fhir.problems import Unreadable
    from coordinator.fhir.sources import read_documents

    table = list(csv.DictReader(_lines("fhir_invalid/expected.csv")))
    wrong = []
    for row in table:
        data = (DATA / "fhir_invalid" / row["file"]).read_bytes()
        try:
            entries_of(read_documents(row["file"], data))
            read_it = True
        except Unreadable:
            read_it = False
        # A byte-order mark is no reason to refuse; everything else a strict reader stumbles over is.
        if row["parses_as_strict_json"] == "0" and read_it and not data.startswith(codecs.BOM_UTF8):
            wrong.append((row["file"], "not JSON, but read"))
        if row["hl7_validator_errors"] == "0" and row["resourceType"] in KEPT and not read_it:
            wrong.append((row["file"], "clean, but refused"))
        # Errors about unknown extensions need profiles that this product does not carry.
        outside = "extension" in row["first_error_text"]
        if row["first_error_code"] == "structure" and row["resourceType"] in KEPT and read_it and not outside:
            wrong.append((row["file"], "structure error, but read"))
        if "Invalid Resource id" in row["first_error_text"] and read_it:
            wrong.append((row["file"], "bad id, but read"))
    assert wrong == []


# --- kinds of files ----------------------------------------------------------------------------------


def test_zip_gz_ndjson_and_folders_are_read(site, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("one.json", json.dumps(bundle(patient(id="a"))))
    (tmp_path / "b.ndjson.gz").write_bytes(gzip.compress(json.dumps(patient(id="b")).encode() + b"\n"))
    inner = tmp_path / "folder"
    inner.mkdir()
    write(inner, "c.json", patient(id="c"))
    run = read(site, tmp_path)
    assert (reasons(run), added(run), run.files_done) == ([], {"Patient": 3}, 3)


@pytest.mark.parametrize("kind", ["transaction", "batch", "collection", "searchset"])
def test_these_bundle_types_are_read(site, tmp_path, kind):
    assert added(read(site, write(tmp_path, "x.json", bundle(patient(), kind=kind)))) == {"Patient": 1}


@pytest.mark.parametrize("kind", ["message", "document", "history", "transaction-response"])
def test_these_are_refused_by_name(site, tmp_path, kind):
    run = read(site, write(tmp_path, "x.json", bundle(patient(), kind=kind)))
    assert f"a {kind} bundle" in reasons(run)[0]
    assert Patient.objects.count() == 0


# --- all or nothing, and the rest goes on --------------------------------------------------------------


def test_one_bad_entry_refuses_its_whole_file_with_path_and_reason_and_the_next_file_is_read(site, tmp_path):
    write(tmp_path, "a.json", bundle(patient(id="a"), patient(id="b", birthDate="1960-13-40")))
    write(tmp_path, "b.json", bundle(patient(id="c")))
    run = read(site, tmp_path)
    assert added(run) == {"Patient": 1}
    assert "entry[1] Patient.birthDate" in reasons(run)[0]
    assert run.status == ImportRun.Status.DONE
    assert run.counts["files_refused"] == 1
    assert Patient.objects.count() == 1


def test_a_bad_line_is_named_by_its_number(site, tmp_path):
    good = json.dumps(patient())
    run = read(site, write(tmp_path, "x.ndjson", f"{good}\n\n{{not json\n"))
    assert reasons(run)[0].startswith("line 3")
    assert Patient.objects.count() == 0


def test_reasons_never_repeat_what_the_file_says_of_a_person(site, tmp_path):
    run = read(
        site, write(tmp_path, "x.json", patient(birthDate="Secretname-not-a-date", gender=["Secretname"]))
    )
    assert reasons(run)
    assert "Secretname" not in " ".join(reasons(run))


def test_a_reference_to_what_is_not_in_the_file_refuses_it(site, tmp_path):
    lost = {
        "resourceType": "Condition",
        "code": {"text": "Asthma"},
        "subject": {"reference": "urn:uuid:00000000-0000-4000-8000-00000000ffff"},
    }
    run = read(site, write(tmp_path, "x.json", bundle(patient(), lost)))
    assert "which is not in this file" in reasons(run)[0]
    assert Patient.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", "[1, 2", "is not JSON"),
        ("b.json", "[" * 100_000, "nested too deep"),
        ("c.json", '{"resourceType":"Patient","id":"a","id":"b"}', "twice in one object"),
        ("d.json", '{"resourceType":"Patient","multipleBirthInteger":NaN}', "NaN"),
        ("e.json", '{"resourceType":"Wizard"}', "not an R4 resource"),
        ("f.json", '"text"', "not a FHIR resource"),
        ("g.json", '{"resourceType":"Patient","name":[{"family":"A\\u0000B"}]}', ""),
        ("h.json", '{"resourceType":"Patient","gender":"female"}', "no name"),
        ("i.json", '{"resourceType":"Bundle","type":"batch","entry":{}}', "entry must be a list"),
    ],
)
def test_hostile_files_are_refused_with_a_reason(site, tmp_path, name, content, said):
    run = read(site, write(tmp_path, name, content))
    assert reasons(run)
    assert said in reasons(run)[0]
    assert Patient.objects.count() == 0


def test_a_zip_bomb_is_not_opened(site, tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.json", b" " * 30_000_000)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b" " * 30_000_000))
    assert all("far more" in reason for reason in reasons(read(site, tmp_path)))


# --- meaning -----------------------------------------------------------------------------------------


def test_a_birth_date_without_a_day_is_left_empty_and_said(site, tmp_path):
    run = read(site, write(tmp_path, "x.json", patient(birthDate="1960-02")))
    assert Patient.objects.get().birth_date is None
    assert run.counts["notes"] == {"birth date without a day: left empty": 1}


def test_no_known_allergies_is_a_fact_and_not_an_allergy(site, tmp_path):
    nka = {
        "resourceType": "AllergyIntolerance",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "716186003"}]},
        "patient": {"reference": "Patient/p1"},
    }
    read(site, write(tmp_path, "x.json", bundle(patient(), nka)))
    assert Patient.objects.get().allergy_status == "none_known"
    assert Allergy.objects.count() == 0


def test_a_record_number_that_is_taken_gives_way_to_one_of_ours(site, tmp_path):
    number = {"type": {"coding": [{"code": "MR"}]}, "system": "urn:oid:1.2.3", "value": "12345"}
    other = {**number, "system": "urn:oid:9.9.9"}
    run = read(
        site,
        write(tmp_path, "x.json", bundle(patient(identifier=[number]), patient(id="p2", identifier=[other]))),
    )
    assert added(run) == {"Patient": 2}
    assert len(set(Patient.objects.values_list("mrn", flat=True))) == 2
    assert "record number taken here: a new one was given" in run.counts["notes"]


def test_what_was_changed_here_is_never_overwritten(site, tmp_path):
    path = write(tmp_path, "x.json", patient())
    read(site, path)
    Patient.objects.update(preferred_name="Adaeze")
    run = read(site, write(tmp_path, "x.json", patient(gender="male")))
    assert run.counts["kept"]["Patient"] == {"added": 0, "unchanged": 0, "differs": 1}
    assert (Patient.objects.get().preferred_name, Patient.objects.get().sex) == ("Adaeze", "female")


def test_open_work_arrives_with_an_owner_a_next_step_and_a_date(site, tmp_path):
    order = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"text": "Cardiology consult"},
        "subject": {"reference": "Patient/p1"},
        "performer": [{"display": "Mercy Cardiology"}],
    }
    work = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "description": "Call about results",
        "for": {"reference": "Patient/p1"},
        "restriction": {"period": {"end": "2026-12-01"}},
    }
    visit = {
        "resourceType": "Appointment",
        "status": "booked",
        "start": "2026-12-02T15:00:00Z",
        "end": "2026-12-02T15:30:00Z",
        "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"}],
    }
    run = read(site, write(tmp_path, "x.json", bundle(patient(), order, work, visit)))
    assert reasons(run) == []
    referral, task = Referral.objects.get(), Task.objects.get()
    assert (referral.status, bool(referral.team), bool(referral.next_step)) == ("ready", True, True)
    assert referral.due_at is not None
    assert task.team is not None
    assert task.due_at is not None
    assert Appointment.objects.get().changes.get().step == "import"
    assert added(read(site, write(tmp_path, "x.json", bundle(patient(), order, work, visit)))) == {}


def test_every_imported_patient_leaves_one_audit_event(site, tmp_path):
    read(site, write(tmp_path, "x.json", bundle(patient(id="a"), patient(id="b"))))
    events = AuditEvent.objects.filter(action="import", entity="patients.patient")
    assert set(events.values_list("patient_id", flat=True)) == set(
        Patient.objects.values_list("pk", flat=True)
    )


def test_a_number_with_an_extension_is_found_by_the_number(site, tmp_path):
    telecom = [{"system": "phone", "value": "612-555-0143 x22"}]
    assert reasons(read(site, write(tmp_path, "p.json", bundle(patient(telecom=telecom))))) == []
    point = ContactPoint.objects.get()
    assert (point.value, point.normalized, point.last_four) == ("612-555-0143 x22", "+16125550143", "0143")
