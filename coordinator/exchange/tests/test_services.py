"""A payer's file and the request it answers: found by number, shown, recorded once, or parked with its reason."""

from __future__ import annotations

import datetime

import pytest

from coordinator.audit.models import AuditEvent
from coordinator.exchange import services
from coordinator.exchange.models import PayerFile
from coordinator.exchange.tests.factories import NOW, make_submitted
from coordinator.exchange.tests.files import answer_278, answer_pas, item, x12
from coordinator.exchange.workflow import FileStatus as F
from coordinator.tests.factories import make_user
from coordinator.workflow import NotAllowed
from referrals.models import AuthorizationLine, PriorAuthorizationChange
from referrals.workflow import AuthorizationStatus as S

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def record(user):
    return make_submitted(user)


def take(content, user, name="answer.278"):
    [file] = services.take_file(name=name, content=content, site=user.sites.get(), by=user, now=NOW)
    return file


def write(file, user, **chosen):
    done = services.record_answer(
        file_id=file.pk, chosen={int(k[1:]): v for k, v in chosen.items()}, seen=None, by=user, now=NOW
    )
    done.authorization.refresh_from_db()
    return done


def decisions(record):
    return list(
        AuthorizationLine.objects.filter(authorization=record).values_list("decision", "units_approved")
    )


TWO = (
    "HL*5*4*SS*0", "HCR*A1*AUTH77", "DTP*472*RD8*20261201-20270131", "SV1*HC:97110**UN*6",
    "HL*6*4*SS*0", "HCR*A3**0V", "SV1*HC:97140", "HSD*VS*6",
)  # fmt: skip


def test_an_answer_is_found_by_our_number_and_recorded_line_by_line(user, record):
    file = take(answer_278(*TWO, hcr=""), user)
    assert (file.status, file.authorization, file.matched_by) == (F.MATCHED, record, "ours")
    assert decisions(record) == [("", None), ("", None)]  # nothing before somebody confirms
    done = write(file, user)
    assert decisions(record) == [("approved", 6), ("denied", None)]
    assert (done.status, done.authorization.status) == (F.APPLIED, S.PARTIALLY_APPROVED)
    assert done.authorization.authorization_number == "AUTH77"
    assert done.authorization.ends_on == datetime.date(2027, 1, 31)


def test_the_same_file_twice_is_one_file_and_changes_nothing_twice(user, record):
    content = answer_278(*TWO, hcr="")
    write(take(content, user), user)
    steps = PriorAuthorizationChange.objects.count()
    again = take(content, user, name="copy.txt")
    assert again.status == F.APPLIED
    with pytest.raises(NotAllowed):
        write(again, user)
    other = take(content.replace(b"~GS", b"~\nGS"), user)  # sent once more, with a line break
    with pytest.raises(NotAllowed, match="Nothing would change"):
        write(other, user)
    assert PriorAuthorizationChange.objects.count() == steps


def test_one_decision_for_the_request_is_every_lines(user, record):
    done = write(take(answer_278(hcr="HCR*A1*AUTH77"), user), user)
    assert [d for d, _units in decisions(record)] == ["approved", "approved"]
    assert done.authorization.status == S.APPROVED


def test_a_rejection_returns_the_request_and_a_question_pends_it(user, record):
    pended = write(
        take(x12("HL*4*3*EV*0", "TRN*2*T-1*1", "HCR*A4**0U", "MSG*Send the last two notes"), user), user
    )
    assert pended.authorization.status == S.PENDED
    assert pended.authorization.asked_for == "Send the last two notes"
    assert pended.authorization.answer_due_at > NOW
    back = write(take(x12("HL*4*3*EV*0", "TRN*2*T-1*1", "AAA*N**75*C"), user), user)
    assert back.authorization.status == S.RETURNED
    assert [d for d, _units in decisions(record)] == ["pended", "pended"]


def test_a_pas_answer_lands_by_sequence_and_keeps_the_payers_words(user, record):
    note = [{"text": "Not shown to be medically necessary"}]
    content = answer_pas(items=[item(2, "A3", number=""), item(1, "A3", number="")], processNote=note)
    done = write(take(content, user, "answer.json"), user)
    assert done.authorization.status == S.DENIED
    no = answer_pas(disposition="Denied")
    assert "not with the payer" in str(refused(take(no, user, "more.json"), user))


def refused(file, user, **chosen):
    with pytest.raises(NotAllowed) as error:
        write(file, user, **chosen)
    return error.value


def test_two_decisions_for_one_line_wait_for_a_person(user):
    record = make_submitted(user, trace="T-9", lines=[("33510", 1, "unit")])
    rows = ("HL*5*4*SS*0", "HCR*A1*AUTH2", "SV2**HC:33510")
    file = take(answer_278(*rows, hcr="HCR*A6*AUTH2", trace="T-9"), user)
    assert "which line" in str(refused(file, user))
    done = write(file, user, d0=0)
    assert (decisions(record), done.status) == ([("approved", 1)], F.APPLIED)


def test_an_approval_without_a_number_is_refused_and_changes_nothing(user, record):
    assert "without giving a number" in str(refused(take(answer_278(hcr="HCR*A1"), user), user))
    assert decisions(record) == [("", None), ("", None)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (answer_278(trace="UNKNOWN"), "No request here carries a number"),
        (b"hello", "neither X12"),
        (x12("HL*4*3*EV*0", "UM*HS*I*3", purpose="13"), "is a request, not an answer"),
    ],
)
def test_what_cannot_be_read_or_matched_is_parked_with_reason_owner_and_next_step(user, content, why):
    file = take(content, user)
    assert (file.status, file.owner) == (F.PARKED, user)
    assert why in file.reason
    assert file.next_step
    assert file.due_at > NOW
    assert bytes(PayerFile.objects.get().content) == content


def test_a_parked_file_is_matched_later_or_by_hand_or_set_aside(user):
    file = take(answer_278(trace="LATER"), user)
    record = make_submitted(user, trace="LATER")
    assert services.try_again(file_id=file.pk, by=user, now=NOW).authorization == record
    lost = take(answer_278(trace="NEVER"), user)
    matched = services.match_file(file_id=lost.pk, authorization=record, by=user, now=NOW)
    assert (matched.matched_by, matched.reason) == ("person", "")
    services.set_aside(file_id=lost.pk, reason="Sent to us by mistake", by=user, now=NOW)
    assert PayerFile.objects.get(pk=lost.pk).status == F.SET_ASIDE


def test_two_requests_with_one_number_are_a_persons_choice(user, record):
    make_submitted(user, trace="T-1")
    assert "More than one request" in take(answer_278(), user).reason


def test_nobody_elses_request_is_found_and_no_patient_is_named_in_reason_or_audit(record):
    stranger = make_user()
    file = take(answer_278(), stranger)
    assert file.status == F.PARKED
    said = f"{file.reason} {[e.details for e in AuditEvent.objects.filter(entity='exchange.payerfile')]}"
    assert "HAAS" not in said.upper()
    assert not PayerFile.objects.visible_to(make_user()).exists()
