"""What a payer's file decides, in both formats and both styles, and what is never a decision."""

from __future__ import annotations

import datetime

import pytest

from coordinator.exchange.reading import MAX_BYTES, read_file
from coordinator.exchange.tests.files import answer_278, answer_pas, item, x12
from coordinator.fhir.problems import Unreadable


def only(data):
    [message] = read_file(data)
    return message


def reason(data):
    with pytest.raises(Unreadable) as refused:
        read_file(data)
    return f"{refused.value.place}: {refused.value.reason}"


SERVICES = (
    "HL*5*4*SS*0", "TRN*2*T-1-1*9012345678", "HCR*A1*AUTH77", "DTP*472*RD8*20261201-20270131", "SV1*HC:97110**UN*6",
    "HL*6*4*SS*0", "HCR*A3**0V^0M", "SV1*HC:97140**UN*6",
)  # fmt: skip


@pytest.mark.parametrize(
    ("code", "decision"),
    [("A1", "approved"), ("A2", "modified"), ("A3", "denied"), ("A4", "pended"), ("A6", "modified"),
     ("C", "cancelled"), ("CT", "contact_payer"), ("A5", "upheld")],
)  # fmt: skip
def test_the_action_decides_in_both_formats(code, decision):
    assert only(answer_278(hcr=f"HCR*{code}*N1")).event.decision == decision
    assert only(answer_pas(items=[item(1, code)])).services[0].decision == decision


def test_each_service_has_its_own_decision_number_units_and_days():
    answer = only(answer_278(*SERVICES, hcr=""))
    yes, no = answer.services
    assert (yes.decision, yes.number, yes.units, yes.unit_kind) == ("approved", "AUTH77", 6, "unit")
    assert (yes.starts_on, yes.ends_on) == (datetime.date(2026, 12, 1), datetime.date(2027, 1, 31))
    assert (no.decision, no.reasons, no.service_code) == ("denied", ("0V", "0M"), "97140")
    assert answer.references == ("T-1", "T-1-1")
    assert answer.header() == "approve_in_part"


def test_a_rejection_is_returned_and_never_a_decision():
    answer = only(x12("HL*4*3*EV*0", "TRN*2*T-1*1", "AAA*N**75*C", "UM*HS*I*3"))
    assert (answer.outcome, answer.decisions()) == ("returned", [])
    assert (answer.rejections[0].code, answer.rejections[0].follow_up) == ("75", "C")
    assert only(x12("AAA*Y**42*R")).outcome == "returned"


def test_a_pended_answer_says_what_is_asked_in_the_payers_words():
    answer = only(
        x12("HL*4*3*EV*0", "UM*HS*I*3", "HCR*A4**0U", "REF*NT*P-9", "PWK*OB*EL", "MSG*Last two notes")
    )
    assert (answer.event.decision, answer.event.asked_for) == ("pended", ("Last two notes",))
    assert answer.numbers == ("P-9",)


@pytest.mark.parametrize(
    ("said", "decision"),
    [("Granted", "approved"), ("denied.", "denied"), ("Pending", "pended"), ("Not certified", "denied")],
)
def test_a_disposition_alone_decides_when_it_is_a_known_word(said, decision):
    answer = only(answer_pas(disposition=said, preAuthRef="AUTH77"))
    assert (answer.style, answer.event.decision, answer.event.number) == ("disposition", decision, "AUTH77")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"outcome": "complete"}, "outcome: says its outcome and no decision"),
        ({"disposition": "We have approved your friend"}, "it has to be read by a person"),
        ({"disposition": "Partial"}, "says that a part is approved and not which"),
        ({"disposition": "Denied", "items": [item(1, "A1")]}, "say different things"),
        ({"items": [item(1, "A1"), item(1, "A3")]}, "answers one line twice"),
        ({"items": [item(1, "ZZ")]}, "no action code of the list"),
        ({"use": "claim", "items": [item(1, "A1")]}, "no answer to a prior authorization"),
        ({"status": "entered-in-error", "items": [item(1, "A1")]}, "not active"),
    ],
)
def test_what_is_no_decision_of_a_pas_answer_is_refused_with_its_place(fields, why):
    assert why in reason(answer_pas(**fields))


def test_an_error_of_a_pas_answer_is_returned():
    error = [{"code": {"coding": [{"code": "T4"}]}}]
    assert only(answer_pas(outcome="error", error=error)).summary() == "returned T4"
    both = only(answer_pas(outcome="partial", error=error, items=[item(1, "A1")]))
    assert both.outcome == "both"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (b"x" * (MAX_BYTES + 1), "larger than 2 MB"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "is XML"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 50_000, "nested too deep"),
        (b'{"resourceType": "Bundle", "entry": {}}', "must be a list"),
        (b"ISA*00*", "does not begin with an ISA"),
        (answer_278()[:-30], "ends "),
        (answer_278().replace(b"~GE", b"~HL*9*4*SS*0~GE"), "stands outside a transaction"),
        (answer_278().replace(b"UM*HS*I*3~", b""), "counts other segments"),
        (answer_278().replace(b"*00501*", b"*00401*"), "another version"),
        (answer_278(hcr="HCR*A1*1~HCR*A3*2"), "counts other segments"),
        (x12("HL*4*3*EV*0", "HCR*A1*1", "HCR*A3"), "second HCR in one loop"),
        (x12("HCR*A1*1"), "outside an event or service"),
        (x12("HL*4*2*EV*0", "HCR*A1*1"), "cannot belong to"),
        (x12("HL*4*3*EV*0", "UM*HS*I*3"), "neither a decision nor a rejection"),
        (x12("HL*4*3*EV*0", "HCR*A1*1", purpose="13"), "says it is a request"),
        (x12("HL*4*3*EV*0", "HCR*A1*1", "HSD*VS*many"), "not a whole number"),
        (x12("HL*4*3*EV*0", "HCR*A1*1", "DTP*472*D8*20261301"), "not a date"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_place(data, why):
    assert why in reason(data)


def test_a_reason_quotes_nothing_of_the_file():
    secret = "HAASEMIL"
    for data in (
        answer_278(hcr=f"HCR*{secret}"), answer_278(f"{secret}*1"), answer_pas(disposition=secret),
        answer_pas(items=[item(1, secret)]), f'{{"resourceType": "{secret}"}}'.encode(),
        x12("HL*4*3*EV*0", f"AAA*N**{secret}"), x12("HL*4*3*EV*0", "HCR*A1*1", f"DTP*472*D8*{secret}"),
    ):  # fmt: skip
        assert secret not in reason(data)
