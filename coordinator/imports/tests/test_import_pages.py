"""The administrators' page: upload, watch, report; nobody else gets in."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from coordinator.accounts.roles import Role
from coordinator.imports import services
from coordinator.imports.models import ImportRun
from coordinator.imports.services.runs import new_run
from coordinator.tests.factories import make_site, make_team, make_user
from coordinator.workflow import System
from patients.models import Patient

pytestmark = pytest.mark.django_db
GOOD = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Okonkwo", "given": ["Ada"]}]}


@pytest.fixture
def site():
    site = make_site()
    make_team(site)
    return site


@pytest.fixture
def admin(client, site, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    user = make_user(Role.ADMINISTRATOR, site=site)
    client.force_login(user)
    return user


def upload(client, site, content, name="patients.json"):
    file = SimpleUploadedFile(name, content if isinstance(content, bytes) else json.dumps(content).encode())
    return client.post(reverse("imports:import_list"), {"upload": file, "site": site.pk, "source": ""})


def test_an_upload_is_imported_by_a_worker_and_its_report_stays(client, admin, site):
    answer = upload(client, site, GOOD)
    run = ImportRun.objects.get()
    assert answer.url == reverse("imports:import_detail", args=[run.pk])
    assert Patient.objects.count() == 0
    assert b"0 of 0 files" in client.get(answer.url).content
    assert services.run_waiting() == 1
    page = client.get(answer.url).content.decode()
    assert "Nothing was refused" in page
    assert Patient.objects.get().created_by_id is None
    assert Patient.objects.get().changes.get().by == admin
    # The administrator has no clinical need: the report names no patient.
    assert "Okonkwo" not in page
    assert b"patients.json" in client.get(reverse("imports:import_list")).content


def test_a_refused_file_is_named_with_its_place_and_reason(client, admin, site):
    upload(client, site, {**GOOD, "birthDate": "1960-13-01"})
    services.run_waiting()
    page = client.get(reverse("imports:import_detail", args=[ImportRun.objects.get().pk])).content.decode()
    assert "Patient.birthDate" in page
    assert "Failed" in page


def test_a_refused_upload_is_called_by_the_name_it_was_given(client, admin, site):
    upload(client, site, b"hello")
    services.run_waiting()
    run = ImportRun.objects.get()
    assert [problem.file for problem in run.problems.all()] == ["patients.json"]


def test_a_wrong_type_of_file_is_refused_at_the_field_and_nothing_is_queued(client, admin, site):
    answer = upload(client, site, b"MZ", name="patients.exe")
    assert answer.status_code == 422
    assert "Choose one of" in answer.content.decode()
    assert ImportRun.objects.count() == 0


def test_the_given_file_name_never_becomes_a_path(client, admin, site):
    upload(client, site, GOOD, name="../../etc/passwd.json")
    run = ImportRun.objects.get()
    assert run.upload.name == f"imports/{run.pk}.json"
    assert run.label == "passwd.json"


def test_a_run_whose_worker_died_is_taken_over_and_nothing_doubles(client, admin, site):
    upload(client, site, GOOD)
    run = services.claim_run()
    assert run is not None
    assert services.claim_run() is None
    ImportRun.objects.update(heartbeat_at=timezone.now() - timezone.timedelta(minutes=6))
    assert services.run_waiting() == 1
    assert Patient.objects.count() == 1


def test_a_stopped_run_is_not_picked_up(client, admin, site):
    upload(client, site, GOOD)
    run = ImportRun.objects.get()
    assert client.post(reverse("imports:import_stop", args=[run.pk])).status_code == 302
    assert services.run_waiting() == 0
    run.refresh_from_db()
    assert run.status == "stopped"


@pytest.mark.parametrize("role", [r for r in Role.values if r != Role.ADMINISTRATOR])
def test_only_administrators_import(client, site, role):
    client.force_login(make_user(role, site=site))
    assert client.get(reverse("imports:import_list")).status_code == 403


def test_the_part_is_a_piece_of_the_page(client, admin, site):
    run = new_run(kind="fhir", site=site, by=System("test"), now=timezone.now())
    services.stop_run(run_id=run.pk, by=System("test"), now=timezone.now())
    address = reverse("imports:import_detail", args=[run.pk])
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert part.strip() in client.get(address).content.decode()
    assert "<html" not in part
