"""Aid, benefits, bills and estimates through the API: the pages' own acts, with their refusals."""

import datetime

import pytest
from django.utils import timezone

from coordinator.api.tests.test_authorizations import KEY, Record
from patients.tests.factories import make_document, make_patient
from referrals.models import AidApplication, Bill, DuplicateAnswer
from referrals.tests.money_factories import make_aid, make_bill, make_fund

V1 = "/api/v1/"
TODAY = timezone.localdate


def made(world, noun, **body):
    answer = world.caller.post(f"{V1}{noun}/", {"patient": str(world.patient.pk), **body})
    assert answer.status_code == 201, answer.json()
    return Record(world.caller, f"{V1}{noun}/{answer.json()['id']}/")


def aid_body(fund):
    return {"fund": str(fund.pk), "asked_amount": "150", "purpose": "Hospital bill"}


def test_aid_is_asked_for_awarded_paid_reversed_and_given_back(world):
    fund = make_fund(500, papers="Pay slip")
    record = made(world, "aid-applications", **aid_body(fund))
    refused = record.send("submit")
    assert (refused.status_code, "Pay slip" in str(refused.json()["fields"])) == (400, True)
    paper = record.data["papers"][0]["id"]
    record.take("attach_paper", paper=paper, not_needed="Seen at the clinic")
    record.take("submit")
    until = str(TODAY() + datetime.timedelta(days=60))
    record.take(
        "award", awarded_amount="150.00", decided_by="Fund board", decided_on=str(TODAY()), expires_on=until
    )
    assert record.data["awards"][0]["amount"] == 150
    record.take("pay", amount="50", paid_to="Mercy", paid_for="Bill", paid_on=str(TODAY()))
    record.take("reverse_payment", payment=record.data["payments"][0]["id"], reason="Paid twice")
    record.take("give_back", reason="Not needed any more")
    (row,) = world.caller.get(f"{V1}funds/").json()["results"]
    assert (row["money_in"], row["reserved"], row["spent"]) == (500, 0, 0)


def test_the_same_fund_again_is_a_409_and_each_answer_is_counted(world):
    fund = make_fund(500)
    first = made(world, "aid-applications", **aid_body(fund))
    body = {"patient": str(world.patient.pk), **aid_body(fund)}
    refused = world.caller.post(f"{V1}aid-applications/", body)
    assert (refused.status_code, refused.json()["similar"]) == (409, [first.data["id"]])
    replacing = made(world, "aid-applications", **aid_body(fund), replaces=first.data["id"])
    assert (first.read()["status"], replacing.data["status"]) == ("withdrawn", "draft")
    made(world, "aid-applications", **aid_body(fund), duplicate_reason="A second bill")
    assert sorted(DuplicateAnswer.objects.values_list("choice", flat=True)) == ["go_on", "replace"]


def test_a_benefit_is_filed_and_approved_with_its_renewal(world):
    record = made(
        world, "benefit-applications", program="medicaid", agency="County", papers=["Proof of address"]
    )
    again = {"patient": str(world.patient.pk), "program": "medicaid", "agency": "County"}
    assert world.caller.post(f"{V1}benefit-applications/", again).status_code == 409
    document = make_document(world.patient)
    record.take("attach_paper", paper=record.data["papers"][0]["id"], document=str(document.pk))
    record.take("file", filed_on=str(TODAY()))
    later = str(TODAY() + datetime.timedelta(days=300))
    record.take("approve", decided_on=str(TODAY()), starts_on=str(TODAY()), renews_on=later)
    assert (record.data["status"], record.data["renews_on"]) == ("approved", later)


def test_a_bill_is_explained_asked_about_and_settled_in_dollars(world):
    record = made(world, "bills", biller="Mercy", amount="412", statement_on=str(TODAY()))
    record.take("add_line", text="FACILITY", amount="412", explanation="For the room")
    record.take("explain", on=str(TODAY()))
    record.take("ask", to_whom="Mercy", channel="phone", question="What is this?", asked_on=str(TODAY()))
    record.take("answer", answer="A mistake", answered_on=str(TODAY()))
    record.take("settle", outcome="corrected", dollars_won="412", settled_on=str(TODAY()))
    assert (record.data["status"], record.data["dollars_won"]) == ("settled", 412)
    assert record.data["questions"][0]["answer"] == "A mistake"


def test_an_estimate_is_asked_for_and_given(world):
    record = made(world, "estimates", service="Physical therapy")
    record.take("give", amount="120", given_on=str(TODAY()), channel="portal")
    assert record.data["status"] == "given"


@pytest.mark.parametrize(
    ("noun", "step", "given", "field"),
    [
        ("bills", "add_line", {"text": "x", "amount": "1e400"}, "amount"),
        ("bills", "add_line", {"text": "x", "amount": "-5"}, "amount"),
        ("bills", "explain", {"on": "2199-01-01"}, "on"),
        (
            "bills",
            "remove_line",
            {"bill_line": "0199a7c2-5f6e-7c31-9d0a-3b8f5a1e2c44", "reason": "x"},
            "bill_line",
        ),
        ("bills", "dispute", {}, "reason"),
        ("aid-applications", "withdraw", {"reason": " "}, "reason"),
        ("aid-applications", "attach_paper", {"paper": "x"}, "paper"),
    ],
)
def test_bad_input_is_refused_at_its_field(world, noun, step, given, field):
    one = make_bill(world.patient) if noun == "bills" else make_aid(world.patient)
    record = Record(world.caller, f"{V1}{noun}/{one.pk}/")
    refused = record.send(step, **given)
    assert (refused.status_code, list(refused.json()["fields"])) == (400, [field])


@pytest.mark.parametrize(
    ("noun", "step", "given"),
    [
        ("bills", "reopen", {"reason": "x"}),
        (
            "aid-applications",
            "pay",
            {"amount": "5", "paid_to": "x", "paid_for": "x", "paid_on": "2026-11-01"},
        ),
        ("aid-applications", "close", {}),
        ("aid-applications", "give_back", {"reason": "x"}),
    ],
)
def test_a_step_that_is_not_possible_now_is_a_409(world, noun, step, given):
    one = make_bill(world.patient) if noun == "bills" else make_aid(world.patient)
    refused = Record(world.caller, f"{V1}{noun}/{one.pk}/").send(step, **given)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_allowed")


def test_a_bill_or_document_of_another_patient_is_refused(world):
    other = make_patient(site=world.site)
    fund = make_fund(500)
    body = {"patient": str(world.patient.pk), **aid_body(fund), "bill": str(make_bill(other).pk)}
    assert world.caller.post(f"{V1}aid-applications/", body).status_code == 400
    bill = {"patient": str(world.patient.pk), "biller": "x", "amount": "5", "statement_on": str(TODAY())}
    paper = str(make_document(other).pk)
    assert world.caller.post(f"{V1}bills/", bill | {"document": paper}).status_code == 400
    assert (AidApplication.objects.count(), Bill.objects.filter(patient=world.patient).count()) == (0, 0)


def test_a_bill_sent_again_is_one_bill(world):
    bill = {"patient": str(world.patient.pk), "biller": "x", "amount": "5", "statement_on": str(TODAY())}
    answers = [world.caller.post(f"{V1}bills/", bill, headers=KEY) for _n in range(2)]
    assert answers[0].json() == answers[1].json()
    assert Bill.objects.count() == 1
