"""Broken files meet a sentence: no failure of the server, no half effect, a reason for each.

Sixty by default; MUTANTS=2000 is the big run, which also says how long the slowest took.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from coordinator.exchange.models import PayerFile
from coordinator.exchange.tests.factories import make_submitted
from coordinator.exchange.tests.files import answer_278, answer_pas, item, x12
from coordinator.exchange.tests.mutants import OF_JSON, OF_X12, mutants
from coordinator.exchange.workflow import FileStatus
from coordinator.imports.models import ImportProblem
from coordinator.imports.services.runs import new_run, run_import
from coordinator.imports.tests.test_fhir_files import _everything, bundle, patient
from coordinator.tests.factories import make_team, make_user
from coordinator.workflow import System
from referrals.models import AuthorizationLine, PriorAuthorization

pytestmark = pytest.mark.django_db
NUMBER = int(os.environ.get("MUTANTS", "60"))
DATA = Path(os.environ.get("SHARED_DATA", settings.BASE_DIR.parent / "shared" / "data"))
SECONDS = 2
OF_278 = [
    answer_278("HL*5*4*SS*0", "TRN*2*T-1-1*9", "HCR*A1*AUTH77", "DTP*472*RD8*20261201-20270131", "SV1*HC:97110**UN*6",
               "HL*6*4*SS*0", "HCR*A3**0V", "SV1*HC:97140", hcr=""),
    answer_278(), x12("HL*4*3*EV*0", "TRN*2*T-1*1", "AAA*N**75*C"), x12("HL*4*3*EV*0", "TRN*2*T-1*1", "HCR*A4**0U"),
]  # fmt: skip
OF_PAS = [
    answer_pas(items=[item(1, "A1"), item(2, "A3")]), answer_pas(disposition="Granted", preAuthRef="N7"),
    answer_pas(outcome="error", error=[{"code": {"coding": [{"code": "T4"}]}}]),
]  # fmt: skip
ORDER = {
    "resourceType": "ServiceRequest", "id": "s1", "status": "active", "intent": "order",
    "subject": {"reference": "Patient/p1"}, "authoredOn": "2026-05-01",
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "103696004"}]},
}  # fmt: skip
TASK = {
    "resourceType": "Task", "id": "t1", "status": "completed", "intent": "order", "for": {"reference": "Patient/p1"},
    "basedOn": [{"reference": "ServiceRequest/s1"}], "code": {"coding": [{"system": "http://loinc.org", "code": "11488-4"}]},
    "executionPeriod": {"start": "2026-06-01", "end": "2026-06-02"},
}  # fmt: skip


def state():
    lines = AuthorizationLine.objects.order_by("pk").values_list("decision", "units_approved", "starts_on")
    return list(lines), list(
        PriorAuthorization.objects.values_list("status", "version", "authorization_number")
    )


def said(name, seconds):
    if NUMBER >= 2000:
        print(f"slowest {name}: {max(seconds):.2f} s of {len(seconds)}")  # noqa: T201  (the big run's result)
        assert max(seconds) < SECONDS


@pytest.mark.parametrize(("name", "bases", "kinds"), [("278", OF_278, OF_X12), ("pas", OF_PAS, OF_JSON)])
def test_a_broken_answer_is_parked_with_a_reason_or_recorded_whole(client, name, bases, kinds):
    user = make_user()
    record = make_submitted(user)
    client.force_login(user)
    warm = {"upload": SimpleUploadedFile("warm", b"warm up"), "site": user.sites.get().pk}
    client.post(reverse("exchange:file_list"), warm)  # templates and modules are loaded before the clock runs
    before, seconds, parked = state(), [], 0
    for what, content in mutants(bases, kinds, NUMBER // 3 + 1, seed=len(name)):
        sent = {"upload": SimpleUploadedFile("answer", content), "site": user.sites.get().pk}
        began = time.monotonic()
        answer = client.post(reverse("exchange:file_list"), sent)
        seconds.append(time.monotonic() - began)
        assert answer.status_code in (302, 422), what
        assert state() == before, what
        if answer.status_code == 422:
            continue
        file = PayerFile.objects.get(pk=answer.url.rstrip("/").rsplit("/", 1)[-1])
        assert client.get(answer.url).status_code == 200, what
        parked += file.status == FileStatus.PARKED
        assert file.reason or file.status == FileStatus.MATCHED, what
        if file.status == FileStatus.MATCHED:
            recorded_whole_or_not_at_all(client, file, record, before, what)
    assert parked > NUMBER // 10
    said(name, seconds)


def recorded_whole_or_not_at_all(client, file, record, before, what):
    """What became of it is taken back, so that the next file meets the same request."""
    with transaction.atomic():
        answer = client.post(reverse("exchange:file_record", args=[file.pk]), {"seen": record.version})
        assert answer.status_code in (302, 409), what
        if answer.status_code == 409:
            assert state() == before, what
        else:
            now = PriorAuthorization.objects.get(pk=record.pk)
            assert now.status != record.status or now.version != record.version, what
        transaction.set_rollback(True)


def test_a_broken_fhir_file_is_refused_with_a_reason_and_leaves_nothing(tmp_path):
    user = make_user()
    site = user.sites.get()
    make_team(site)
    good = json.dumps(
        bundle(patient(), ORDER, TASK, urls=["Patient/p1", "ServiceRequest/s1", "Task/t1"])
    ).encode()
    before, seconds, refused = _everything(), [], 0
    for what, content in mutants([good], OF_JSON, NUMBER // 3, seed=7):
        path = tmp_path / "x.json"
        path.write_bytes(content)
        with transaction.atomic():
            run = new_run(kind="fhir", site=site, by=System("test"), now=timezone.now(), source="mutants")
            began = time.monotonic()
            run_import(run, paths=[path], by=System("test"))
            seconds.append(time.monotonic() - began)
            reasons = [p.reason for p in ImportProblem.objects.filter(run=run)]
            if run.counts.get("files_refused"):
                refused += 1
                assert all(reasons), what
                assert reasons, what
                assert _everything() == before, what
            transaction.set_rollback(True)
    assert refused > NUMBER // 10
    said("fhir", seconds)
