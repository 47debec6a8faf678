"""Documents through the API: sent as a form, kept once, corrected, fetched, entered in error."""

import pytest
from django.urls import reverse

from coordinator.audit.models import AuditEvent
from patients.models import Document
from patients.tests.factories import make_document
from patients.tests.files import make_pdf, upload

LIST = "/api/v1/documents/"
pytestmark = pytest.mark.django_db


def send(world, file=None, **given):
    file = file or upload("echo.pdf", make_pdf("Ejection fraction"))
    headers = given.pop("headers", {})
    data = {"patient": str(world.patient.pk), "kind": "report", "file": file, **given}
    return world.caller.post(LIST, data, format="multipart", headers=headers)


def address(document, rest=""):
    return f"{LIST}{document['id']}/{rest}"


@pytest.fixture
def echo(world):
    made = send(world, title="Echo", tags=["cardiology", "signed"], received_on="2026-11-01")
    assert made.status_code == 201, made.json()
    assert made["ETag"] == '"1"'
    return made.json()


def test_a_file_is_kept_with_its_facts_and_listed(world, echo):
    assert (echo["title"], echo["tags"], echo["content_type"]) == (
        "Echo", ["cardiology", "signed"], "application/pdf",
    )  # fmt: skip
    assert echo["preview"] == "pending"
    found = world.caller.get(LIST, {"patient": str(world.patient.pk), "tag": "signed"}).json()["results"]
    assert [row["id"] for row in found] == [echo["id"]]
    assert "text" not in found[0]
    assert world.caller.get(LIST, {"tag": "other"}).json()["results"] == []


def test_the_file_comes_back_as_it_was(world, echo):
    answer = world.caller.get(address(echo, "file/"))
    assert b"".join(answer.streaming_content) == make_pdf("Ejection fraction")
    assert answer["Content-Disposition"].startswith("attachment")
    assert AuditEvent.objects.filter(action="download", entity_id=echo["id"]).exists()


def test_a_bad_file_is_refused_at_its_field(world):
    refused = send(world, upload("echo.pdf", b"<html><script>"))
    assert refused.status_code == 400
    assert "is none of these" in refused.json()["fields"]["file"][0]
    assert send(world, upload("echo.pdf", b"")).status_code == 400


def test_a_file_that_is_too_large_is_refused(world, settings):
    settings.DOCUMENT_MAX_BYTES = 1024 * 1024
    refused = send(world, upload("big.pdf", make_pdf("A") + b"\x00" * 4_000_000))
    assert refused.status_code == 400
    assert refused.json()["fields"]["file"] == ["“big.pdf” is larger than 1 MB."]


def test_the_same_file_again_is_a_conflict_and_with_the_key_the_first_answer(world, echo):
    assert send(world).status_code == 409
    key = {"Idempotency-Key": "one"}
    other = {"file": upload("b.pdf", make_pdf("B")), "headers": key}
    first = send(world, **other)
    again = send(world, **{**other, "file": upload("b.pdf", make_pdf("B"))})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()
    assert send(world, upload("c.pdf", make_pdf("C")), headers=key).status_code == 422


def test_facts_are_corrected_with_the_version_that_was_read(world, echo):
    assert world.caller.change(address(echo), {"title": "Echo 2"}, 9).status_code == 412
    answer = world.caller.change(address(echo), {"title": "Echo 2", "expires_on": "2027-01-01"}, 1)
    assert (answer.status_code, answer.json()["title"], answer["ETag"]) == (200, "Echo 2", '"2"')
    wrong = world.caller.change(address(echo), {"expires_on": "2020-01-01"}, 2)
    assert wrong.status_code == 400
    assert "expires_on" in wrong.json()["fields"]
    assert world.caller.change(address(echo), {"file": "x"}, 2).status_code == 400


def test_what_was_entered_in_error_is_gone(world, echo):
    step = {"step": "enter_in_error", "reason": "Another person's"}
    assert world.caller.step(address(echo, "steps/"), step, 1).status_code == 204
    for rest in ("", "file/"):
        assert world.caller.get(address(echo, rest)).status_code == 404
    assert Document.objects.get().status == "entered_in_error"


def test_another_sites_patient_is_not_there(world):
    foreign = make_document(world.stranger)
    assert world.caller.get(reverse("api:document_file", args=[foreign.pk])).status_code == 404
    refused = send(world, patient=str(world.stranger.pk))
    assert refused.status_code == 400
    assert list(refused.json()["fields"]) == ["patient"]
