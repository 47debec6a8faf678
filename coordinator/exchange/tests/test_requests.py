"""Our request as a file: our own reader reads back what was written, and the PAS bundle has the shape of FHIR R4."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from coordinator.audit.models import AuditEvent
from coordinator.exchange.messages import RequestedService
from coordinator.exchange.reading import read_file
from coordinator.exchange.requests import gathered, request_data
from coordinator.exchange.tests.factories import NOW, make_submitted
from coordinator.exchange.writing_pas import write_pas
from coordinator.exchange.writing_x12 import write_278
from coordinator.fhir.bundles import check_shape
from coordinator.tests.factories import make_user
from coordinator.workflow import NotAllowed
from patients.models import Coverage, Problem

pytestmark = pytest.mark.django_db


def data_of(record):
    return request_data(gathered().get(pk=record.pk), NOW)


@pytest.mark.parametrize("write", [write_278, write_pas])
def test_what_is_written_is_read_back(write):
    record = make_submitted(urgency="expedited")
    [request] = read_file(write(data_of(record)))
    assert (request.review_type, request.certification) == ("HS", "I")
    assert request.references[0] == "T-1"
    assert (request.member_id, request.requester_npi) == ("HN5550001", "1234567893")
    assert [code.replace(".", "") for code in request.diagnoses] == ["M5450"]
    assert request.services == (
        RequestedService("97110", 6, "unit", "T-1-1"),
        RequestedService("97140", 6, "visit", "T-1-2"),
    )


def test_the_278_is_plain_and_its_isa_has_106_characters():
    record = make_submitted()
    record.patient.family_name, record.patient.given_name = "D'Ámbra*~:^", "Zoë\n"
    record.patient.save()
    text = write_278(data_of(record)).decode()
    assert text.index("~") == 105
    assert "NM1*IL*1*D'Ambra*Zoe****MI*HN5550001~" in text
    assert len(read_file(text.encode())) == 1


def test_every_resource_of_the_bundle_has_the_shape_of_its_type_and_points_inside():
    bundle = json.loads(write_pas(data_of(make_submitted())))
    urls = {entry["fullUrl"] for entry in bundle["entry"]}
    for entry in bundle["entry"]:
        check_shape(entry["resource"], "entry")
    named = [v for e in bundle["entry"] for v in _references(e["resource"])]
    assert len(named) > 5
    assert set(named) <= urls


def _references(value):
    if isinstance(value, dict):
        if "reference" in value:
            yield value["reference"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_a_labelled_problem_is_left_out_and_what_is_missing_is_named():
    record = make_submitted()
    Problem.objects.update(label="part2")
    assert data_of(record).diagnoses == ()
    Coverage.objects.update(member_id="")
    with pytest.raises(NotAllowed, match="member ID"):
        data_of(record)


@pytest.mark.parametrize(("name", "start"), [("request_json", b"{"), ("request_x12", b"ISA*")])
def test_a_download_is_an_attachment_and_stands_in_the_audit_trail(client, name, start):
    user = make_user()
    record = make_submitted(user)
    client.force_login(user)
    answer = client.get(reverse(f"exchange:{name}", args=[record.pk]))
    assert answer.content.startswith(start)
    assert answer["Content-Disposition"].startswith("attachment")
    event = AuditEvent.objects.get(action="download")
    assert (event.patient_id, event.entity_id) == (record.patient_id, str(record.pk))
    client.force_login(make_user())
    assert client.get(reverse(f"exchange:{name}", args=[record.pk])).status_code == 404
