"""Prior authorizations and denials through the API: from a request to an appeal that is won, by the pages' services."""

import datetime

import pytest
from django.utils import timezone

from coordinator.api.tests.factories import make_denied, make_request
from coordinator.tests.factories import make_user
from patients.models import Coverage
from patients.tests.factories import make_document, make_patient
from referrals.models import Appeal, DuplicateAnswer, PayerCall, PriorAuthorization
from referrals.tests.factories import make_authorization, make_denial_category, make_line, make_payer
from scheduling.tests.factories import make_appointment

LIST = "/api/v1/authorizations/"
DENIALS = "/api/v1/denials/"
TODAY = timezone.localdate
KEY = {"Idempotency-Key": "once"}


class Record:
    """One record at its address, whose steps are sent with the version that was last seen."""

    def __init__(self, caller, where):
        self.caller, self.where = caller, where
        self.read()

    def read(self):
        self.data = self.caller.get(self.where).json()
        return self.data

    def send(self, step, **given):
        return self.caller.step(f"{self.where}steps/", {"step": step, **given}, self.data["version"])

    def take(self, step, **given):
        answer = self.send(step, **given)
        assert answer.status_code == 200, (step, answer.json())
        self.data = answer.json()
        return self.data


@pytest.fixture
def body(world):
    return {
        "patient": str(world.patient.pk), "payer": str(make_payer().pk), "service": "Echocardiogram",
        "line": {"service_code": "93306", "units": 3},
    }  # fmt: skip


@pytest.fixture
def request_(world, body):
    made = world.caller.post(LIST, body)
    assert made.status_code == 201, made.json()
    return Record(world.caller, f"{LIST}{made.json()['id']}/")


def required(record):
    record.take("record_requirement", pa_needed="auth-needed", source="phone", said_by="Renee")
    return record


def submitted(record):
    now = timezone.now().isoformat()
    required(record).take("add_paper", label="Visit note", is_required=True)
    refused = record.send(
        "submit", channel="portal", sent_at=now, received_by_payer_at=now, receipt_proof="W-1"
    )
    assert refused.status_code == 409
    assert "Visit note" in refused.json()["detail"]
    paper = record.data["papers"][0]["id"]
    document = make_document(PriorAuthorization.objects.get(pk=record.data["id"]).patient)
    record.take("attach_paper", paper=paper, document=str(document.pk))
    record.take("submit", channel="portal", sent_at=now, received_by_payer_at=now, receipt_proof="W-1")
    return record


def test_a_request_is_written_with_its_line_owner_and_date(request_):
    data = request_.data
    assert (data["status"], data["lines"][0]["service_code"]) == ("requirement_unknown", "93306")
    assert data["owner"] or data["team"]
    assert data["due_at"]
    assert {"record_requirement", "add_line", "log_call"} <= set(data["steps"])
    assert "submit" not in data["steps"]


def test_a_request_goes_from_asked_to_used_up_and_let_end(world, request_):
    record = submitted(request_)
    assert record.data["status"] == "submitted"
    due = (timezone.now() + datetime.timedelta(days=1)).isoformat()
    record.take("pend", asked_for="Ejection fraction", answer_due_at=due)
    record.take("answer", channel="fax", proof="F-1")
    record.take("log_call", said="It is with the nurse", call_reference="C-1", hold_minutes=3, talk_minutes=2)
    assert record.data["calls"][0]["call_reference"] == "C-1"
    record.take(
        "decide", decisions=[{"line": 1, "decision": "approved", "units_approved": 3}], authorization_number="A-1",
        starts_on=str(TODAY()), ends_on=str(TODAY() + datetime.timedelta(days=30)),
    )  # fmt: skip
    assert (record.data["status"], record.data["lines"][0]["units_approved"]) == ("approved", 3)
    assert record.data["balance"]["remaining"] == 3
    make_appointment(world.patient, status="fulfilled", authorization_id=record.data["id"])
    assert record.read()["balance"]["used"] == 1
    renewed = record.send("continue", certification="renewal", units=[{"line": 1, "units": 2}])
    assert (renewed.status_code, renewed.json()["supersedes"]) == (201, record.data["id"])
    assert renewed.json()["lines"][0]["units_requested"] == 2
    record.take("let_end", reason="Treatment finished")
    assert record.data["may_end_at"]


def test_what_was_asked_is_corrected_until_it_is_decided(world, request_):
    change = {"urgency": "expedited"}
    refused = world.caller.change(request_.where, change, request_.data["version"])
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["urgency_reason"])
    change["urgency_reason"] = "Losing feeling in the leg"
    done = world.caller.change(request_.where, change, request_.data["version"])
    assert (done.status_code, done.json()["urgency"]) == (200, "expedited")
    assert world.caller.change(request_.where, change, request_.data["version"]).status_code == 412


def test_a_second_one_is_shown_replaced_or_gone_past(world, body, request_):
    refused = world.caller.post(LIST, body)
    assert (refused.status_code, refused.json()["similar"]) == (409, [request_.data["id"]])
    required(request_)
    replacing = world.caller.post(LIST, body | {"replaces": request_.data["id"]})
    assert (replacing.status_code, replacing.json()["supersedes"]) == (201, request_.data["id"])
    assert request_.read()["status"] == "withdrawn"
    again = world.caller.post(LIST, body | {"duplicate_reason": "The other leg"}, headers=KEY)
    assert again.status_code == 201
    assert (
        world.caller.post(LIST, body | {"duplicate_reason": "The other leg"}, headers=KEY).json()
        == again.json()
    )
    assert sorted(DuplicateAnswer.objects.values_list("choice", flat=True)) == ["go_on", "replace"]


def test_a_denial_is_recorded_talked_about_appealed_and_overturned(world, request_):
    record = submitted(request_)
    category = make_denial_category()
    notice = {"category": str(category.pk), "words": "Not medically necessary.", "notice_on": str(TODAY())}
    record.take("record_denial", channel="letter", **notice)
    assert record.data["status"] == "denied"
    (row,) = world.caller.get(DENIALS, {"authorization": record.data["id"]}).json()["results"]
    denial = Record(world.caller, f"{DENIALS}{row['id']}/")
    assert {"plan_talk", "file_appeal", "close"} <= set(denial.data["steps"])
    now = timezone.now().isoformat()
    denial.take("plan_talk", at=now, our_clinician=str(world.practitioner.pk))
    talk = denial.data["talks"][0]["id"]
    denial.take("record_talk", talk=talk, outcome="upheld", held_at=now, payer_clinician="Dr. Roe")
    denial.take("save_letter", body="Please reverse the denial.")
    letter = denial.data["letters"][0]["id"]
    denial.take("file_appeal", filed_at=now, channel="fax", proof="Fax 7", letter=letter)
    appeal = denial.data["appeals"][0]
    assert (appeal["level"], appeal["letter"]) == (1, letter)
    decided = {"appeal": appeal["id"], "outcome": "overturned", "outcome_on": str(TODAY())}
    refused = denial.send("record_outcome", **decided)
    assert (refused.status_code, "authorization_number" in refused.json()["fields"]) == (400, True)
    denial.take(
        "record_outcome", authorization_number="A-9", starts_on=str(TODAY()),
        ends_on=str(TODAY() + datetime.timedelta(days=60)), units=[{"line": 1, "units": 3}], **decided,
    )  # fmt: skip
    assert record.read()["status"] == "approved"
    assert record.data["lines"][0]["units_approved"] == 3


@pytest.mark.parametrize(
    ("step", "given", "field"),
    [
        ("record_requirement", {"source": "phone"}, "pa_needed"),
        ("record_requirement", {"pa_needed": "no-auth", "source": "phone"}, "reference"),
        ("add_line", {"service_code": "", "units": 1}, "service_code"),
        ("attach_paper", {"paper": "0199a7c2-5f6e-7c31-9d0a-3b8f5a1e2c44"}, "document"),
        ("detach_paper", {"paper": "0199a7c2-5f6e-7c31-9d0a-3b8f5a1e2c44"}, "paper"),
        ("change_line", {"line": 9, "service_code": "1", "units": 1}, "line"),
        ("call_in_error", {"call": "0199a7c2-5f6e-7c31-9d0a-3b8f5a1e2c44", "reason": "x"}, "call"),
        ("decide", {"decisions": [{"line": 1, "decision": "denied"}]}, "decisions"),
        ("extend", {"days": 90, "notice_on": "2026-11-01", "reason": "x"}, "days"),
        ("assign", {"owner": 0}, "owner"),
        ("let_end", {}, "reason"),
        ("withdraw", {"reason": ""}, "reason"),
    ],
)
def test_bad_input_is_refused_at_its_field_and_nothing_changes(world, step, given, field):
    record = Record(world.caller, f"{LIST}{make_request(world.patient).pk}/")
    before = record.read()
    refused = record.send(step, **given)
    assert (refused.status_code, list(refused.json()["fields"])) == (400, [field])
    assert refused.json()["fields"][field][0].strip()
    assert record.read() == before


@pytest.mark.parametrize(
    ("step", "given"),
    [
        ("gather", {}),
        ("make_ready", {}),
        ("answer", {"channel": "fax", "proof": "F"}),
        ("revise", {"decisions": [{"line": 1, "decision": "approved"}], "reason": "x"}),
        ("set_end", {"ends_on": "2030-01-01"}),
        ("let_end", {"reason": "x"}),
        ("take_up_end", {}),
        ("continue", {"certification": "renewal"}),
        ("cancel", {"reason": "x"}),
    ],
)
def test_a_step_that_is_not_possible_now_is_a_409_with_a_sentence(world, step, given):
    record = Record(world.caller, f"{LIST}{make_request(world.patient).pk}/")
    refused = record.send(step, **given)
    assert refused.status_code == 409, refused.json()
    assert refused.json()["detail"].endswith(".")


def test_a_row_of_another_request_is_not_there(world):
    own, other = make_request(world.patient), make_request(make_patient(site=world.site))
    record = Record(world.caller, f"{LIST}{own.pk}/")
    call = PayerCall.objects.get(authorization=other)
    refused = record.send("call_in_error", call=str(call.pk), reason="Wrong request")
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["call"])
    call.refresh_from_db()
    assert not call.error_reason


def test_papers_and_letters_of_another_patient_are_not_there(world):
    denial = make_denied(world.patient)
    Appeal.objects.all().delete()
    others = make_denied(make_patient(site=world.site))
    record = Record(world.caller, f"{DENIALS}{denial.pk}/")
    filed = {"filed_at": timezone.now().isoformat(), "channel": "fax", "proof": "F"}
    paper = make_document(make_patient(site=world.site))
    for given, field in (
        ({"documents": [str(paper.pk)]}, "documents"),
        ({"letter": str(others.letters.get().pk)}, "letter"),
    ):
        refused = record.send("file_appeal", **filed, **given)
        assert (refused.status_code, list(refused.json()["fields"])) == (400, [field])
    assert denial.appeals.count() == 0


def test_the_list_is_narrowed_and_entered_in_error_it_is_gone(world, django_assert_num_queries):
    make_authorization(world.stranger)
    one = make_request(world.patient, urgency="expedited", urgency_reason="Leg")
    other = make_authorization(make_patient(site=world.site), status="approved")
    for query, found in (
        ({}, {one.pk, other.pk}),
        ({"status": "approved"}, {other.pk}),
        ({"urgency": "expedited"}, {one.pk}),
        ({"patient": str(world.patient.pk)}, {one.pk}),
        ({"payer": str(other.payer_id)}, {other.pk}),
    ):
        assert {row["id"] for row in world.caller.get(LIST, query).json()["results"]} == {
            str(k) for k in found
        }
    with django_assert_num_queries(2):
        world.caller.get(LIST)
    record = Record(world.caller, f"{LIST}{one.pk}/")
    assert record.send("enter_in_error", reason="Another patient's").status_code == 204
    assert world.caller.get(record.where).status_code == 404


def test_the_request_is_fetched_as_a_file_or_says_what_it_lacks(world):
    one = make_request(world.patient)
    refused = world.caller.get(f"{LIST}{one.pk}/request-278/")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_allowed")
    assert "member ID" in refused.json()["detail"]
    one.coverage = Coverage.objects.create(patient=world.patient, payer_name="HN", member_id="HN-1")
    from referrals.tests.factories import make_referral

    world.practitioner.npi = "1234567893"
    world.practitioner.save()
    one.referral = make_referral(world.patient, requester=world.practitioner)
    one.save()
    for name, start in (("request-pas", b"{"), ("request-278", b"ISA*")):
        answer = world.caller.get(f"{LIST}{one.pk}/{name}/")
        assert (answer.status_code, answer.content.startswith(start)) == (200, True)


def test_what_exists_is_checked_and_using_it_is_counted(world):
    one = make_request(world.patient)
    line = make_line(one, service_code="93306")
    asked = {"kind": "authorization", "patient": str(world.patient.pk), "payer": str(one.payer_id)}
    found = world.caller.post("/api/v1/duplicates/", asked | {"codes": [line.service_code]})
    (row,) = found.json()["results"]
    assert (row["id"], row["state"], row["replaceable"]) == (str(one.pk), "Submitted", True)
    assert world.caller.post("/api/v1/duplicates/", asked).json() == {"results": []}
    answers = "/api/v1/duplicates/answers/"
    kept = {"kind": "authorization", "patient": str(world.patient.pk), "existing": row["id"]}
    made = [world.caller.post(answers, kept, headers=KEY) for _n in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert DuplicateAnswer.objects.get().choice == "use"
    foreign = make_authorization(make_patient(site=world.site))
    refused = world.caller.post(answers, kept | {"existing": str(foreign.pk)})
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["existing"])


def test_a_referral_keeps_attempts_messages_and_its_second_go(world):
    write = {"patient": str(world.patient.pk), "specialty": "Cardiology", "reason": "Swelling"}
    made = world.caller.post("/api/v1/referrals/", write).json()
    record = Record(world.caller, f"/api/v1/referrals/{made['id']}/")
    record.take("log_attempt", whom="recipient", channel="phone", outcome="no_answer", note="Rang out")
    record.take("add_message", direction="in", kind="message", channel="phone", body="They call back.")
    assert [len(record.data[name]) for name in ("attempts", "messages")] == [1, 1]
    record.take("attempt_in_error", attempt=record.data["attempts"][0]["id"], reason="Another referral's")
    assert record.data["attempts"][0]["error_reason"]
    record.take("withdraw", reason="Changed plans")
    again = world.caller.post("/api/v1/referrals/", write | {"refers_elsewhere": made["id"]})
    assert (again.status_code, again.json()["refers_elsewhere"]) == (201, made["id"])
    replacing = world.caller.post("/api/v1/referrals/", write | {"replaces": again.json()["id"]})
    assert (replacing.status_code, replacing.json()["replaces"]) == (201, again.json()["id"])


def test_the_board_counts_what_the_client_may_see(world):
    make_request(world.patient)
    make_request(world.stranger)
    columns = {c["stage"]: c for c in world.caller.get("/api/v1/board/").json()["columns"]}
    assert columns["payer_review"]["count"] == 1
    assert columns["payer_review"]["cards"][0]["patient"] == str(world.patient.pk)
    narrowed = world.caller.get("/api/v1/board/", {"kind": "referral"}).json()["columns"]
    assert sum(column["count"] for column in narrowed) == 0


def test_the_register_is_read_with_its_sources(world):
    rows = world.caller.get("/api/v1/clock-rules/", {"key": "referral.report", "on": str(TODAY())}).json()[
        "results"
    ]
    assert [row["key"] for row in rows] == ["referral.report"]
    assert rows[0]["source"]


def test_a_request_is_handed_to_a_colleague_only(world):
    record = Record(world.caller, f"{LIST}{make_request(world.patient).pk}/")
    assert record.send("assign", owner=make_user(site=world.elsewhere).pk).status_code == 400
    colleague = make_user(site=world.site)
    assert record.take("assign", owner=colleague.pk)["owner"] == colleague.pk
