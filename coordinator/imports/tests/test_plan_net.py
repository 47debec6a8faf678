"""A payer's directory as files: what would change, applied, taken back; and every known file with what becomes of it."""

from __future__ import annotations

import json
import os
import re
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coordinator.accounts.roles import Role
from coordinator.imports.directory.files import read_files
from coordinator.imports.directory.plan_net import parked, propose
from coordinator.imports.models import DirectoryImport
from coordinator.imports.services import directory as services
from coordinator.imports.tests.plan_net_files import plan_net_bundle, plan_net_resources
from coordinator.tests.factories import make_site, make_user
from patients.tests.files import upload
from referrals.models import Practice
from referrals.services.directory import review_practice, save_practice

DATA = Path(os.environ.get("SHARED_DATA", settings.BASE_DIR.parent / "shared" / "data"))
FOLDER = "fhir_davinci/plan_net_1.1.0"
TABLE = settings.BASE_DIR / "docs" / "plan-net.md"
ROW = re.compile(r"^\| ([A-Za-z]+-[A-Za-z0-9]+\.json) \| ([^|]+) \|$", re.MULTILINE)


@pytest.fixture
def beth(db):
    return make_user(Role.MANAGER, site=make_site(), name="Beth Sorensen")


def check(by, *files, source="Acme of CT"):
    return services.check_directory(source=source, files=files, by=by, now=timezone.now())


def apply(run, by):
    keys = run.proposals.values_list("pk", flat=True)
    return services.apply_directory(run_id=run.pk, chosen=keys, by=by, now=timezone.now())


def test_a_bundle_changes_nothing_until_it_is_applied(beth):
    run = check(beth, ("acme.json", plan_net_bundle()))
    assert [row.finding for row in run.proposals.all()] == ["new", "new"]
    assert [row[3:] for row in run.parked] == [
        ["Endpoint/portal", "Addresses of computer systems are not kept."]
    ]
    assert not Practice.objects.exists()
    apply(run, beth)
    heart = Practice.objects.get(name="Lakes Heart")
    assert (heart.npi, heart.fax, heart.postal_code) == ("1234567893", "+16125550199", "55401")
    assert (heart.accepting, heart.languages, heart.specialties) == ("new", ["es"], ["Cardiology"])
    network = heart.networks.get()
    assert (network.payer_name, network.plan_name, network.network_name) == (
        "Acme of CT",
        "Gold",
        "Acme Choice",
    )
    assert network.starts_on == date(2026, 1, 1)
    clinician = heart.clinicians.get()
    assert (clinician.name, clinician.npi) == ("Anders Lindqvist", "")
    assert run.proposals.get(practice=heart).left_out == [
        "A clinician’s NPI fails its check digit and was left out."
    ]
    assert heart.organization.fax == "(612) 555-0199"
    assert Practice.objects.filter(name="Counseling by phone", networks=None).count() == 1


def test_the_same_files_again_change_nothing_and_other_ones_show_what(beth):
    apply(check(beth, ("acme.json", plan_net_bundle())), beth)
    again = check(beth, ("acme.json", plan_net_bundle()))
    assert {row.finding for row in again.proposals.all()} == {"same"}
    other = check(beth, ("acme.json", plan_net_bundle(fax="(612) 555-0177")))
    assert sorted(row.finding for row in other.proposals.all()) == ["changed", "same"]
    client = Client()
    client.force_login(beth)
    page = client.get(reverse("imports:directory_detail", args=[other.pk])).content.decode()
    assert "Fax: <s>(612) 555-0199</s> → (612) 555-0177" in page
    apply(other, beth)
    assert Practice.objects.get(name="Lakes Heart").fax == "+16125550177"
    services.undo_directory(run_id=other.pk, by=beth, now=timezone.now())
    heart = Practice.objects.get(name="Lakes Heart")
    assert (heart.fax, heart.networks.count(), heart.is_retired) == ("+16125550199", 1, False)


def test_taking_back_retires_what_was_new_and_keeps_what_somebody_changed(beth):
    run = apply(check(beth, ("acme.json", plan_net_bundle())), beth)
    heart = Practice.objects.get(name="Lakes Heart")
    review_practice(practice_id=heart.pk, by=beth, now=timezone.now())
    services.undo_directory(run_id=run.pk, by=beth, now=timezone.now())
    outcomes = dict(run.proposals.values_list("practice__name", "outcome"))
    assert outcomes == {"Lakes Heart": "kept", "Counseling by phone": "undone"}
    assert Practice.objects.get(name="Counseling by phone").is_retired
    assert not Practice.objects.get(name="Lakes Heart").is_retired


def test_what_somebody_changed_after_the_check_is_not_overwritten(beth):
    apply(check(beth, ("acme.json", plan_net_bundle())), beth)
    other = check(beth, ("acme.json", plan_net_bundle(fax="(612) 555-0177")))
    heart = Practice.objects.get(name="Lakes Heart")
    save_practice(
        practice_id=heart.pk, version=heart.version, notes="Call first", by=beth, now=timezone.now()
    )
    apply(other, beth)
    heart.refresh_from_db()
    assert (heart.fax, other.proposals.get(finding="changed").outcome) == ("+16125550199", "kept")


@pytest.mark.parametrize("step", ["_apply", "_take_back"])
def test_what_somebody_changes_while_an_import_is_at_work_is_kept(beth, monkeypatch, step):
    apply(check(beth, ("acme.json", plan_net_bundle())), beth)
    run = check(beth, ("acme.json", plan_net_bundle(fax="(612) 555-0188")))
    if step == "_take_back":
        apply(run, beth)
    heart = Practice.objects.get(name="Lakes Heart")
    usual = getattr(services, step)

    def somebody_is_quicker(*args):
        save_practice(practice_id=heart.pk, version=None, by=beth, now=timezone.now(), fax="+16125550177")
        return usual(*args)

    monkeypatch.setattr(services, step, somebody_is_quicker)
    if step == "_apply":
        apply(run, beth)
    else:
        services.undo_directory(run_id=run.pk, by=beth, now=timezone.now())
    heart.refresh_from_db()
    assert (heart.fax, run.proposals.get(practice=heart).outcome) == ("+16125550177", "kept")


def test_two_networks_of_one_name_that_begin_on_one_day_are_one_line_that_lasts(beth):
    first, *others = (one for one in plan_net_resources() if one["id"] in ("net", "joins"))
    again = {**others[0], "id": "joins-again", "network": [{"reference": "Organization/net-again"}]}
    again["period"] = {"start": "2026-01-01", "end": "2026-12-31"}
    plan = {"resourceType": "InsurancePlan", "id": "gold-again", "name": "Gold", "status": "active"}
    plan |= {"ownedBy": {"reference": "Organization/acme"}, "network": again["network"]}
    more = [{**first, "id": "net-again"}, again, plan]
    entries = [{"resource": resource} for resource in [*plan_net_resources(), *more]]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    apply(check(beth, ("acme.json", json.dumps(bundle).encode())), beth)
    row = Practice.objects.get(name="Lakes Heart").networks.get()
    assert (row.plan_name, row.starts_on, row.ends_on) == ("Gold", date(2026, 1, 1), None)


def test_a_bad_line_spoils_only_itself_and_says_where(beth):
    lines = [json.dumps(resource) for resource in plan_net_resources()]
    lines[1] = '{"resourceType": "Organization", '
    lines.append('["no resource"]')
    run = check(beth, ("acme.ndjson", "\n".join(lines).encode()))
    places = {row[1]: row[4] for row in run.parked}
    assert places["line 2"].startswith("is not JSON")
    assert places["line 12"] == "This is no FHIR resource."
    assert run.proposals.count() == 2


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe", b"[]", b"{}", b'{"resourceType": "Bundle", "entry": 3}', b"[" * 5000, b'{"resourceType": 7}',
        b'{"resourceType": "HealthcareService", "specialty": 4, "location": "x", "telecom": [1], "extension": {}}',
        b'{"resourceType": "Location", "address": [[]], "name": {"a": 1}, "telecom": {"system": "url", "value": "http://["}}',
        b'{"resourceType": "Organization", "name": null, "type": [null], "identifier": "1"}',
        b'{"resourceType": "PractitionerRole", "organization": ["Organization/1"], "practitioner": {"reference": 4}}',
    ],
)  # fmt: skip
def test_odd_files_are_read_or_parked_and_never_break(content):
    resources, unread = read_files([("odd.json", content)])
    proposals, became = propose(resources)
    assert len(became) == len(resources)
    assert unread or became or content == b'{"resourceType": "Bundle", "entry": 3}'
    assert all(one.facts["name"] for one in proposals)


def test_the_page_refuses_a_file_of_another_type_and_keeps_what_was_typed(beth):
    client = Client()
    client.force_login(beth)
    sent = {"source": "Acme of CT", "upload": upload("acme.csv", b"a,b")}
    answer = client.post(reverse("imports:directory_list"), sent)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Choose one of: .json, .ndjson." in page
    assert 'value="Acme of CT"' in page
    assert not DirectoryImport.objects.exists()


# --- the known files ------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (DATA / FOLDER).is_dir(), reason=f"SHARED_DATA/{FOLDER} is not on this machine")
def test_every_known_file_is_in_the_table_and_becomes_what_it_says():
    paths = sorted((DATA / FOLDER).glob("*.json"))
    resources, unread = read_files((path.name, path.read_bytes()) for path in paths)
    assert unread == []
    proposals, became = propose(resources)
    reasons = {one.file: f"parked: {one.reason}" for one in parked(became)}
    now = {path.name: reasons.get(path.name, "read") for path in paths}
    if os.environ.get("UPDATE_DOCS"):
        text = TABLE.read_text(encoding="utf-8")
        head = text[: text.index("| File |")]
        rows = "".join(f"| {name} | {said} |\n" for name, said in now.items())
        TABLE.write_text(f"{head}| File | What becomes of it |\n|---|---|\n{rows}", encoding="utf-8")
    assert dict(ROW.findall(TABLE.read_text(encoding="utf-8"))) == now
    assert (len(now), len(reasons), len(proposals)) == (49, 6, 15)
    by_key = {one.key: one for one in proposals}
    bone = by_key["Organization/HartfordOrthopedics|Location/HospLoc2"]
    assert bone.facts["specialties"] == ["Orthopaedic Surgery Physician"]
    assert {row["plan_name"] for row in bone.networks} == {"Acme of CT QHP Bronze", "Acme of CT QHP Gold"}
    assert by_key["Location/HansSoloClinic"].facts["languages"] == ["ja"]
    assert by_key["Location/HansSoloClinic"].facts["accepting"] == "existing"
    assert by_key["Organization/PharmChain|Location/PharmLoc2"].facts["phone"] == "+17778889999"


@pytest.mark.django_db
@pytest.mark.skipif(not (DATA / FOLDER).is_dir(), reason=f"SHARED_DATA/{FOLDER} is not on this machine")
def test_the_known_files_are_taken_whole_and_again_change_nothing(beth):
    files = [(path.name, path.read_bytes()) for path in sorted((DATA / FOLDER).glob("*.json"))]
    run = apply(check(beth, *files), beth)
    assert (
        Practice.objects.filter(source="Acme of CT").count()
        == run.proposals.filter(outcome="added").count()
        == 15
    )
    assert {row.finding for row in check(beth, *files).proposals.all()} == {"same"}
