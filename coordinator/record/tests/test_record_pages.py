"""Asking for a record, waiting, fetching, and that the file is gone after a day."""

from __future__ import annotations

import datetime
import json

import pytest
from django.urls import reverse
from django.utils import timezone

from careplans.models import ContactAttempt
from careplans.tests.factories import make_task
from coordinator.accounts.roles import Role
from coordinator.api.services import create_client
from coordinator.audit.models import AuditEvent
from coordinator.record import services
from coordinator.record.models import RecordExport
from coordinator.tests.factories import make_site, make_user
from patients.models import Note
from patients.tests.factories import make_document, make_patient, make_update, restrict

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return make_site()


@pytest.fixture
def user(client, site):
    user = make_user(site=site)
    client.force_login(user)
    return user


@pytest.fixture
def patient(site):
    return make_patient(site=site, family_name="Okonkwo")


def ask(client, patient, **data):
    data = {"kind": "fhir", "purpose": "patient", "purpose_text": ""} | data
    return client.post(reverse("record:record_new", args=[patient.pk]), data)


def file_of(export):
    return reverse("record:record_file", args=[export.pk])


@pytest.mark.parametrize(("kind", "begins"), [("pdf", b"%PDF-"), ("fhir", b'{"resourceType": "Bundle"')])
def test_a_record_is_asked_for_made_by_a_job_and_fetched(client, user, patient, kind, begins):
    page = client.get(reverse("record:record_new", args=[patient.pk])).content.decode()
    assert "What it holds" in page
    answer = ask(client, patient, kind=kind)
    export = RecordExport.objects.get()
    assert answer.url == reverse("record:record_detail", args=[export.pk])
    assert b"being made" in client.get(answer.url).content
    assert client.get(file_of(export)).status_code == 409
    assert services.run_exports(now=timezone.now()) == 1
    assert b"Download" in client.get(answer.url).content
    answer = client.get(file_of(export))
    assert b"".join(answer.streaming_content).startswith(begins)
    assert answer["Cache-Control"] == "no-store"
    assert "Okonkwo" not in answer["Content-Disposition"]
    asked = AuditEvent.objects.get(action="record_export")
    assert (asked.patient_id, asked.actor_id) == (patient.pk, user.pk)
    assert asked.details == {"purpose": "patient", "kind": kind}
    assert AuditEvent.objects.filter(action="record_download", patient_id=patient.pk).count() == 1


def test_something_else_needs_words_and_nothing_is_made_without(client, user, patient):
    answer = ask(client, patient, purpose="other")
    assert answer.status_code == 422
    assert "Say what the record is for." in answer.content.decode()
    assert not RecordExport.objects.exists()
    assert ask(client, patient, purpose="other", purpose_text="Court order").status_code == 302
    assert AuditEvent.objects.get(action="record_export").reason == "Court order"


def test_the_file_is_deleted_after_a_day(client, user, patient, tmp_path):
    ask(client, patient)
    services.run_exports(now=timezone.now())
    export = RecordExport.objects.get()
    assert list(tmp_path.rglob("*.fhir"))
    RecordExport.objects.update(expires_at=timezone.now() - datetime.timedelta(seconds=1))
    assert client.get(file_of(export)).status_code == 409
    services.run_exports(now=timezone.now())
    export.refresh_from_db()
    assert (export.status, export.file.name, list(tmp_path.rglob("*.fhir"))) == ("gone", "", [])


def test_only_who_asked_opens_the_file_and_others_may_not_know(client, user, patient, site):
    ask(client, patient)
    services.run_exports(now=timezone.now())
    export = RecordExport.objects.get()
    client.force_login(make_user(Role.MANAGER, site=site))
    assert client.get(file_of(export)).status_code == 403
    client.force_login(make_user(Role.COORDINATOR))
    assert client.get(file_of(export)).status_code == 404
    restrict(patient, make_user(Role.MANAGER, site=site))
    client.force_login(user)
    assert client.get(file_of(export)).status_code == 404


def test_who_lost_the_patient_meanwhile_gets_no_file(client, user, patient, site):
    ask(client, patient)
    restrict(patient, make_user(Role.MANAGER, site=site))
    services.run_exports(now=timezone.now())
    assert RecordExport.objects.get().status == "failed"


def test_a_killed_worker_s_request_is_made_by_the_next_and_the_late_one_changes_nothing(
    client, user, patient, tmp_path
):
    ask(client, patient)
    late = services.claim()
    assert late is not None
    assert services.run_exports(now=timezone.now()) == 0
    RecordExport.objects.update(heartbeat_at=timezone.now() - datetime.timedelta(minutes=6))
    assert services.run_exports(now=timezone.now()) == 1
    name = RecordExport.objects.get().file.name
    services.make(late, now=timezone.now())
    assert RecordExport.objects.get().file.name == name
    assert len(list(tmp_path.rglob("*.fhir"))) == 1


def test_a_failure_says_so_and_names_nobody(client, user, patient, monkeypatch, caplog):
    monkeypatch.setattr(services, "record_of", lambda *a, **k: 1 / 0)
    ask(client, patient)
    services.run_exports(now=timezone.now())
    assert RecordExport.objects.get().status == "failed"
    assert "ZeroDivisionError" in caplog.text
    assert "Okonkwo" not in caplog.text
    page = client.get(reverse("record:record_detail", args=[RecordExport.objects.get().pk])).content
    assert b"Ask again" in page


@pytest.mark.parametrize("role", [Role.PROVIDER, Role.BILLING, Role.ADMINISTRATOR, Role.AUDITOR])
def test_who_does_not_coordinate_exports_no_record(client, site, patient, role):
    client.force_login(make_user(role, site=site))
    assert ask(client, patient).status_code == 403


def test_the_part_is_a_piece_of_the_page(client, user, patient):
    ask(client, patient)
    address = reverse("record:record_detail", args=[RecordExport.objects.get().pk])
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert part.strip() in client.get(address).content.decode()
    assert "load delay:2s" in part
    assert "<html" not in part


def test_the_chart_s_menu_leads_there(client, user, patient):
    page = client.get(reverse("dashboard:patient_summary", args=[patient.pk])).content.decode()
    assert reverse("record:record_new", args=[patient.pk]) in page


def test_the_bundle_holds_the_patient(client, user, patient):
    ask(client, patient)
    services.run_exports(now=timezone.now())
    answer = client.get(file_of(RecordExport.objects.get()))
    bundle = json.loads(b"".join(answer.streaming_content))
    assert bundle["entry"][0]["resource"]["name"][0]["family"] == "Okonkwo"


# --- the API ---------------------------------------------------------------------------------------------


def test_a_token_gets_what_its_scopes_for_reading_include(client, site, patient):
    make_task(patient, title="Call about swelling")
    Note.objects.create(patient=patient, body="canary note")
    ContactAttempt.objects.create(
        patient=patient, outcome="no_answer", reached=False, at=timezone.now(), note="canary contact"
    )
    make_update(patient, ask="canary update")
    make_document(patient, title="Echo")
    administrator = make_user(Role.ADMINISTRATOR, site=site)

    def resources(scopes):
        _machine, token = create_client(
            name=f"Lab {' '.join(scopes)}"[:60],
            sites=[site],
            scopes=scopes,
            by=administrator,
            now=timezone.now(),
        )
        answer = client.get(
            reverse("api:patient_record", args=[patient.pk]), headers={"Authorization": f"Bearer {token}"}
        )
        assert answer["Content-Type"] == "application/fhir+json"
        assert b"canary" not in answer.content
        return [entry["resource"] for entry in json.loads(answer.content)["entry"]]

    def kinds(scopes):
        return {resource["resourceType"] for resource in resources(scopes)}

    def documents_of(scopes):
        found = [r for r in resources(scopes) if r["resourceType"] == "DocumentReference"]
        return [r["content"][0]["attachment"]["title"] for r in found]

    assert kinds(["patients:read"]) == {"Patient"}
    assert kinds(["patients:read", "tasks:read"]) == {"Patient", "Task"}
    assert kinds(["patients:read", "documents:read"]) == {"Patient", "DocumentReference"}
    assert documents_of(["patients:read", "documents:read", "plans:read"]) == ["Echo"]
    assert AuditEvent.objects.filter(action="record_export", patient_id=patient.pk).count() == 4
