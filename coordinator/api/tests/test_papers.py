"""Incoming papers and payers' files through the API: kept, matched, attached or recorded, set aside with a reason."""

from django.core.files.uploadedfile import SimpleUploadedFile

from careplans.models import Task
from coordinator.api.tests.factories import make_request
from coordinator.api.tests.test_authorizations import KEY, Record
from coordinator.exchange.tests.files import answer_278
from patients.models import Document
from patients.tests.factories import make_patient
from referrals.models import InboundDocument
from referrals.tests.factories import make_inbound, make_referral

PAPERS, FILES = "/api/v1/incoming-papers/", "/api/v1/payer-files/"


def sent(caller, where, site, content, name="paper.txt", **more):
    file = SimpleUploadedFile(name, content, "text/plain")
    headers = more.pop("headers", {})
    return caller.post(
        where, {"site": str(site.pk), "file": file, **more}, format="multipart", headers=headers
    )


def test_a_paper_is_kept_once_and_asks_to_be_sorted(world):
    answers = [
        sent(world.caller, PAPERS, world.site, b"A report", sender="Mercy", headers=KEY) for _n in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201], answers[0].json()
    paper = InboundDocument.objects.get()
    assert (paper.status, paper.sender) == ("new", "Mercy")
    assert Task.objects.open().filter(cause_id=paper.pk).count() == 1
    refused = sent(world.caller, PAPERS, world.site, b"MZ\x90\x00", name="x.exe")
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["file"])
    assert sent(world.caller, PAPERS, world.elsewhere, b"A report").status_code == 400


def test_a_paper_shows_where_it_belongs_and_is_attached_as_the_report(world):
    referral = make_referral(world.patient, reference="R-900001", status="seen")
    paper = make_inbound(world.site, text="Report for R-900001")
    record = Record(world.caller, f"{PAPERS}{paper.pk}/")
    assert record.data["proposals"][0]["referral"] == str(referral.pk)
    other = make_patient(site=world.site)
    attach = {"referral": str(referral.pk), "kind": "report", "is_report": True}
    refused = record.send("attach", patient=str(other.pk), **attach)
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["referral"])
    done = record.take("attach", patient=str(world.patient.pk), **attach)
    referral.refresh_from_db()
    assert (done["status"], referral.status, done["text"], done["proposals"]) == (
        "attached",
        "completed",
        "",
        [],
    )
    assert Document.objects.get(pk=done["document"]).patient == world.patient
    assert record.send("attach", patient=str(world.patient.pk), kind="report").status_code == 409
    assert world.caller.get(f"{record.where}file/").status_code == 404, "its record says who reads it now"


def test_a_paper_is_set_aside_and_sorted_again(world):
    record = Record(world.caller, f"{PAPERS}{make_inbound(world.site).pk}/")
    assert record.send("set_aside", reason="").status_code == 400
    record.take("set_aside", reason="Advertising")
    record.take("sort_again", reason="It was no advertising")
    assert record.data["status"] == "new"
    assert world.caller.get(f"{record.where}file/").status_code == 200


def test_a_payers_file_is_matched_read_and_recorded(world):
    one = make_request(world.patient)
    content = answer_278(trace=one.reference_number)
    answers = [sent(world.caller, FILES, world.site, content, name="a.278") for _n in range(2)]
    assert len({answer.json()["id"] for answer in answers}) == 1, "the same file again is the same row"
    record = Record(world.caller, f"{FILES}{answers[0].json()['id']}/")
    assert (record.data["status"], record.data["decisions"][0]["decision"]) == ("matched", "approved")
    assert (record.data["would"]["step"], record.data["would"]["obstacles"]) == ("lines", [])
    stale = record.send("record", request_version=one.version + 1)
    assert (stale.status_code, stale.json()["code"]) == (409, "conflict")
    record.take("record", request_version=one.version)
    one.refresh_from_db()
    assert (record.data["status"], one.status, one.authorization_number) == ("applied", "approved", "AUTH77")


def test_what_cannot_be_read_is_parked_with_its_reason_and_set_aside(world):
    answer = sent(world.caller, FILES, world.site, b"nothing of a payer", name="x.txt")
    record = Record(world.caller, f"{FILES}{answer.json()['id']}/")
    assert record.data["status"] == "parked"
    assert record.data["reason"]
    assert record.data["unreadable"]
    refused = record.send("match", authorization=str(make_request(world.patient).pk))
    assert refused.status_code == 409
    record.take("set_aside", reason="Not from a payer")
    assert world.caller.get(f"{record.where}file/").content == b"nothing of a payer"
