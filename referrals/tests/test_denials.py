"""A payer's no: its words, the days it leaves, talks, letters, appeals. Fixed day: Monday, Nov 23, 2026, New York."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest
from django.core.exceptions import ValidationError

from careplans.models import Task
from coordinator.accounts.roles import Role
from coordinator.clocks.models import Clock
from coordinator.clocks.selectors import why
from coordinator.tests.factories import make_practitioner, make_site, make_user
from coordinator.workflow import NotAllowed
from patients.models import Medication, Problem
from patients.tests.factories import make_document, make_patient
from referrals import services
from referrals.models import Denial, DenialCategory, Payer
from referrals.rules.appeals import next_level, peer_day, window
from referrals.rules.letters import merge, unknown_places
from referrals.selectors.letters import material, merged, papers, unfit
from referrals.services.denial_records import day_by_rule
from referrals.tests.factories import make_authorization, make_payer
from referrals.workflow import AuthorizationStatus as S

pytestmark = pytest.mark.django_db
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
NOW = datetime.datetime(2026, 11, 23, 10, 0, tzinfo=NEW_YORK)
DAY = datetime.timedelta(days=1)
D = datetime.date


@pytest.fixture
def dana():
    return make_user(Role.COORDINATOR, site=make_site())


@pytest.fixture
def request_(dana):
    return submitted(dana)


def submitted(by, lines=2, payer_type=Payer.Type.MEDICARE_ADVANTAGE, **payer):
    patient = make_patient(site=by.sites.get())
    record = make_authorization(
        patient, owner=by, payer=make_payer(payer_type=payer_type, **payer), status="submitted"
    )
    for number in range(1, lines + 1):
        record.lines.create(number=number, service_code=f"7214{number}", units_requested=3)
    return record


def category(code="not_medically_necessary"):
    return DenialCategory.objects.get(code=code)


def denied(record, by, **fields):
    fields.setdefault("category", category())
    fields.setdefault("words", "Not medically necessary under policy 12.")
    fields.setdefault("notice_on", D(2026, 11, 20))
    return services.record_denial(authorization_id=record.pk, by=by, now=NOW, **fields)


def again(record):
    return type(record).objects.get(pk=record.pk)


# --- the days -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "notice_on", "last"),
    [
        ("appeal.medicare_advantage.file", D(2026, 11, 20), D(2027, 1, 24)),
        ("appeal.medicare_advantage.file", D(2028, 1, 1), D(2028, 3, 6)),  # over the leap day
        ("appeal.medicare_advantage.file", D(2027, 1, 1), D(2027, 3, 7)),  # the same without one
        ("appeal.employer.file", D(2027, 9, 3), D(2028, 3, 1)),
        ("appeal.employer.file", D(2028, 2, 29), D(2028, 8, 27)),
        ("appeal.medicaid_managed.file", D(2026, 9, 9), D(2026, 11, 8)),  # clocks go back on Nov 1
        ("appeal.medicaid_managed.file", D(2027, 1, 20), D(2027, 3, 21)),  # and forward on Mar 14
        ("appeal.other.file", D(2026, 11, 20), None),
    ],
)
def test_the_window_of_an_appeal_counts_calendar_days_from_the_notice(key, notice_on, last):
    assert day_by_rule(key, notice_on, "America/New_York") == last


@pytest.mark.parametrize(
    ("notice_on", "utc"),
    [
        (D(2026, 8, 28), datetime.datetime(2026, 11, 2, 4, 59, 59)),  # ends on the day the clocks go back
        (D(2027, 1, 8), datetime.datetime(2027, 3, 15, 3, 59, 59)),  # and on the one they go forward
    ],
)
def test_a_window_ends_with_the_payers_local_day_whatever_the_clocks_do(dana, notice_on, utc):
    record = submitted(dana)
    now = datetime.datetime.combine(notice_on + DAY, datetime.time(15), tzinfo=NEW_YORK)
    denial = services.record_denial(
        authorization_id=record.pk, category=category(), words="No.", notice_on=notice_on, by=dana, now=now
    )
    assert denial.appeal_clock.due_at.replace(tzinfo=None) == utc
    said = why(denial.appeal_clock)
    assert any("65 calendar days, starting with: date of the denial notice" in line for line in said)
    assert "This rule has not been compared with its source yet." in said


@pytest.mark.parametrize(
    ("by_rule", "printed", "last", "is_printed"),
    [
        (D(2027, 1, 24), None, D(2027, 1, 24), False),
        (D(2027, 1, 24), D(2027, 1, 19), D(2027, 1, 19), True),
        (D(2027, 1, 24), D(2027, 2, 1), D(2027, 1, 24), False),
        (None, D(2027, 1, 19), D(2027, 1, 19), True),
        (None, None, None, False),
    ],
)
def test_the_earlier_of_rule_and_notice_counts(by_rule, printed, last, is_printed):
    found = window(by_rule, printed)
    assert (found.last_day, found.is_printed) == (last, is_printed)


def test_the_printed_date_runs_the_clock_when_it_is_earlier(request_, dana):
    denial = denied(request_, dana, printed_appeal_on=D(2027, 1, 19))
    assert (denial.rule_appeal_on, denial.appeal_clock.due_on) == (D(2027, 1, 24), D(2027, 1, 19))
    assert any("the date the notice prints" in line for line in why(denial.appeal_clock))


def test_a_payers_own_days_for_a_talk_are_a_clock_too(dana):
    denial = denied(submitted(dana, peer_to_peer_days=5), dana)
    assert denial.peer_clock.due_on == D(2026, 11, 25)
    assert peer_day(D(2026, 11, 20), 5, D(2026, 11, 24)) == D(2026, 11, 24)
    assert denied(submitted(dana), dana).peer_clock is None


def test_a_payer_without_a_rule_and_without_a_printed_date_has_no_appeal_clock(dana):
    denial = denied(submitted(dana, payer_type=Payer.Type.OTHER), dana)
    assert denial.appeal_clock is None
    assert again(denial.authorization).due_at is not None


# --- recording a denial -------------------------------------------------------------------------------------------


def test_a_denial_of_every_line_denies_the_request_and_asks_somebody_to_decide(request_, dana):
    denial = denied(request_, dana)
    record = again(request_)
    assert (record.status, record.denial_reason) == (S.DENIED, denial.words)
    assert {line.decision for line in record.lines.all()} == {"denied"}
    assert Task.objects.get().title == f"Decide about the denial: {record.service}"
    assert record.changes.filter(step="record_denial").count() == 1


def test_one_refused_line_of_two_leaves_the_other_to_the_payer(request_, dana):
    denied(request_, dana, lines=[2])
    record = again(request_)
    assert record.status == S.PENDED
    assert [line.decision for line in record.lines.all()] == ["", "denied"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("words", "   "),
        ("notice_on", D(2026, 11, 24)),
        ("notice_on", D(2014, 12, 31)),
        ("printed_appeal_on", D(2026, 11, 19)),
        ("lines", [7]),
    ],
)
def test_what_cannot_be_is_refused_at_its_field_and_changes_nothing(request_, dana, field, value):
    with pytest.raises(ValidationError) as refusal:
        denied(request_, dana, **{field: value})
    assert list(refusal.value.message_dict) == [field]
    assert again(request_).status == S.SUBMITTED
    assert not Denial.objects.exists()
    assert not Clock.objects.exists()


def test_nothing_is_denied_before_it_was_asked(dana):
    record = make_authorization(make_patient(site=dana.sites.get()), owner=dana, status="gathering")
    with pytest.raises(NotAllowed):
        denied(record, dana)


def test_a_denial_in_error_ends_its_clocks_and_stays(request_, dana):
    denial = denied(request_, dana)
    services.enter_denial_in_error(denial_id=denial.pk, reason="Another patient's", by=dana, now=NOW)
    denial.refresh_from_db()
    assert denial.error_reason == "Another patient's"
    assert denial.appeal_clock.state == "void"
    assert not Denial.objects.standing().exists()


# --- talks --------------------------------------------------------------------------------------------------------


def talk_of(denial, by, **fields):
    fields.setdefault("at", NOW + DAY)
    fields.setdefault("our_clinician", make_practitioner(site=denial.authorization.site))
    return services.plan_peer_to_peer(denial_id=denial.pk, by=by, now=NOW, **fields)


def test_a_talk_is_no_appeal_and_does_not_stop_its_clock(request_, dana):
    denial = denied(request_, dana)
    talk_of(denial, dana)
    denial.refresh_from_db()
    assert again(request_).status == S.PEER_TO_PEER
    assert denial.appeal_clock.state == "running"
    with pytest.raises(Exception, match="planned already"):
        talk_of(denial, dana)


def test_a_talk_that_wins_approves_the_refused_lines(request_, dana):
    talk = talk_of(denied(request_, dana), dana, at=NOW - DAY)
    win = {"outcome": "overturned", "held_at": NOW - DAY, "by": dana, "now": NOW, "talk_id": talk.pk}
    with pytest.raises(ValidationError) as refusal:
        services.record_peer_to_peer(**win)
    assert set(refusal.value.message_dict) == {"authorization_number", "ends_on"}
    services.record_peer_to_peer(**win, authorization_number="A-9", ends_on=D(2027, 2, 1))
    record = again(request_)
    assert (record.status, record.authorization_number) == (S.APPROVED, "A-9")
    assert [line.units_approved for line in record.lines.all()] == [3, 3]
    assert Denial.objects.get().appeal_clock.state == "void"


def test_a_talk_that_changes_nothing_leaves_the_denial_and_its_appeal(request_, dana):
    talk = talk_of(denied(request_, dana), dana, at=NOW - DAY)
    services.record_peer_to_peer(
        talk_id=talk.pk, outcome="upheld", held_at=NOW - DAY, note="Criteria not met", by=dana, now=NOW
    )
    assert again(request_).status == S.DENIED
    assert Denial.objects.get().appeal_clock.state == "running"


# --- appeals ------------------------------------------------------------------------------------------------------


def filed(denial, by, **fields):
    fields.setdefault("filed_at", NOW)
    fields.setdefault("channel", "fax")
    fields.setdefault("proof", "Fax 8812, 14 pages")
    return services.file_appeal(denial_id=denial.pk, by=by, **{"now": NOW} | fields)


def test_an_appeal_needs_proof_meets_our_clock_and_starts_the_payers(request_, dana):
    denial = denied(request_, dana)
    with pytest.raises(ValidationError) as refusal:
        filed(denial, dana, channel="", proof=" ")
    assert set(refusal.value.message_dict) == {"channel", "proof"}
    appeal = filed(denial, dana)
    record = again(request_)
    denial.refresh_from_db()
    assert (record.status, record.clock_id) == (S.APPEAL, appeal.clock_id)
    assert denial.appeal_clock.state == "met"
    assert appeal.clock.due_on == D(2026, 12, 23)
    assert any("30 days" in line for line in why(appeal.clock))


def test_an_appeal_ends_the_days_for_a_talk_with_the_reason(dana):
    denial = denied(submitted(dana, peer_to_peer_days=5), dana)
    filed(denial, dana)
    denial.peer_clock.refresh_from_db()
    assert denial.peer_clock.state == "void"
    assert denial.peer_clock.changes.get(step="void").reason == "An appeal was filed."


def test_an_appeal_leaves_a_talk_that_was_agreed_or_missed_as_it_was(dana):
    agreed, missed = (denied(submitted(dana, peer_to_peer_days=5), dana) for _ in range(2))
    talk_of(agreed, dana)
    Clock.objects.filter(pk=missed.peer_clock_id).update(state="missed")
    for denial in (agreed, missed):
        filed(denial, dana)
        denial.peer_clock.refresh_from_db()
    assert (agreed.peer_clock.state, missed.peer_clock.state) == ("met", "missed")


def test_a_talk_about_what_was_refused_beside_an_approval_ends_its_days_too(dana):
    record = submitted(dana, peer_to_peer_days=5)
    record.lines.filter(number=2).update(decision="approved", units_approved=3)
    type(record).objects.filter(pk=record.pk).update(status=S.PARTIALLY_APPROVED, authorization_number="A-1")
    denial = denied(record, dana, lines=[1])
    talk_of(denial, dana)
    denial.peer_clock.refresh_from_db()
    assert (again(record).status, denial.peer_clock.state) == (S.PARTIALLY_APPROVED, "met")


def test_an_expedited_appeal_takes_72_elapsed_hours_over_the_spring_change(dana):
    record = submitted(dana)
    sent = datetime.datetime(2027, 3, 12, 16, 0, tzinfo=NEW_YORK)
    denial = services.record_denial(
        authorization_id=record.pk,
        category=category(),
        words="No.",
        notice_on=D(2027, 3, 12),
        by=dana,
        now=sent,
    )
    appeal = services.file_appeal(
        denial_id=denial.pk, filed_at=sent, kind="expedited", channel="portal", proof="P-1", by=dana, now=sent
    )
    assert appeal.clock.due_at.astimezone(NEW_YORK) == datetime.datetime(2027, 3, 15, 17, 0, tzinfo=NEW_YORK)


def test_an_upheld_reconsideration_is_sent_on_by_the_plan_itself(request_, dana):
    denial = denied(request_, dana)
    appeal = filed(denial, dana)
    services.record_appeal_outcome(
        appeal_id=appeal.pk,
        outcome="upheld",
        outcome_on=D(2026, 11, 23),
        words="Upheld.",
        next_by=D(2027, 1, 22),
        by=dana,
        now=NOW,
    )
    assert again(request_).status == S.UPHELD
    appeal.refresh_from_db()
    assert (appeal.next_clock.due_on, appeal.next_clock.state) == (D(2027, 1, 22), "running")
    second = filed(denial, dana, channel="", proof="")
    appeal.refresh_from_db()
    assert appeal.next_clock.state == "met"
    assert (second.level, second.by_plan) == (2, True)
    assert again(request_).status == S.APPEAL
    assert again(request_).due_at is not None
    services.record_appeal_outcome(
        appeal_id=second.pk, outcome="upheld", outcome_on=D(2026, 11, 23), by=dana, now=NOW
    )
    with pytest.raises(NotAllowed, match="All levels"):
        filed(denial, dana)


def test_an_appeal_filed_late_in_our_evening_is_answered_on_our_day_too(dana):
    """At 23:30 in Chicago it is the next day in New York, where the payer is."""
    late = datetime.datetime(2026, 11, 23, 23, 30, tzinfo=zoneinfo.ZoneInfo("America/Chicago"))
    record = submitted(dana, zone="America/New_York")
    type(record.site).objects.filter(pk=record.site_id).update(zone="America/Chicago")
    appeal = filed(denied(record, dana), dana, filed_at=late, now=late)
    answer = {
        "appeal_id": appeal.pk,
        "outcome": "upheld",
        "by": dana,
        "now": late + datetime.timedelta(minutes=10),
    }
    with pytest.raises(ValidationError, match="before the day the appeal was filed"):
        services.record_appeal_outcome(**answer, outcome_on=D(2026, 11, 22))
    services.record_appeal_outcome(**answer, outcome_on=D(2026, 11, 23))
    assert again(record).status == S.UPHELD


def test_what_is_refused_of_a_request_granted_in_part_is_work_at_once(request_, dana):
    """From the decision on, not only from the denial that somebody may forget to record."""
    services.decide_lines(
        authorization_id=request_.pk,
        decisions={
            1: {"decision": "approved", "units_approved": 3, "ends_on": D(2027, 1, 23)},
            2: {"decision": "denied", "reason": ""},
        },
        authorization_number="A-9",
        by=dana,
        now=NOW,
    )
    task = Task.objects.get()
    assert (task.title, task.reason) == (
        f"Decide about the denial: {request_.service}",
        "The payer granted only a part.",
    )
    assert task.next_step.startswith("Record the denial of what was refused")
    with pytest.raises(ValidationError, match="The payer approved 72141"):
        denied(request_, dana, lines=[1])
    denial = denied(request_, dana)
    assert [line.number for line in denial.lines.all()] == [2]
    assert Task.objects.get() == task
    assert "Service: 72142" in merged(denial, material(dana, request_.patient), [], NOW)
    filed(denial, dana)
    task.refresh_from_db()
    assert task.status != "open"


@pytest.mark.parametrize(
    ("payer_type", "name"),
    [("employer", "External review"), ("medicaid_managed", "State fair hearing")],
)
def test_the_next_level_is_the_one_of_that_kind_of_payer(payer_type, name):
    from referrals.rules.appeals import level_of

    assert next_level(payer_type, [1]) == 2
    assert str(level_of(payer_type, 2).name) == name
    assert next_level(payer_type, [1, 2]) is None


def test_an_appeal_that_wins_in_part_leaves_the_rest_refused(request_, dana):
    appeal = filed(denied(request_, dana), dana)
    part = {
        "appeal_id": appeal.pk,
        "outcome": "partly",
        "outcome_on": D(2026, 11, 23),
        "by": dana,
        "now": NOW,
    }
    decision = {"authorization_number": "A-10", "ends_on": D(2027, 2, 1)}
    with pytest.raises(ValidationError):
        services.record_appeal_outcome(**part, **decision)
    services.record_appeal_outcome(**part, **decision, units={1: 2})
    record = again(request_)
    assert record.status == S.PARTIALLY_APPROVED
    assert [(line.decision, line.units_approved) for line in record.lines.all()] == [
        ("modified", 2),
        ("denied", None),
    ]


# --- letters ------------------------------------------------------------------------------------------------------


def test_a_letter_says_what_the_record_says_and_nothing_protected(request_, dana):
    patient = request_.patient
    shown = Problem.objects.create(patient=patient, name="Lumbar stenosis", code="M48.06")
    Problem.objects.create(patient=patient, name="Opioid dependence", label="part2", created_by=dana)
    Medication.objects.create(patient=patient, name="Buprenorphine", label="part2", created_by=dana)
    make_document(patient, title="Spine clinic note")
    make_document(patient, title="Methadone clinic note", label="part2", created_by=dana)
    denial = denied(request_, dana)
    found = material(dana, patient)
    sent = papers(dana, patient)
    text = merged(denial, found, sent, NOW)
    assert "Lumbar stenosis (M48.06)" in text
    assert "Not medically necessary under policy 12." in text
    assert "Spine clinic note" in text
    assert "November" in text or "Nov 20, 2026" in text
    assert "ethadone" not in text
    assert "Opioid" not in text
    assert "Buprenorphine" not in text
    letter = services.save_letter(denial_id=denial.pk, body=text, cites=found.cites, by=dana, now=NOW)
    assert not unfit(dana, letter)
    Problem.objects.filter(pk=shown.pk).update(label="behavioral")
    assert unfit(dana, letter)
    with pytest.raises(NotAllowed, match="protected"):
        filed(denial, dana, letter=letter)


def test_every_wording_is_a_version_and_the_same_wording_is_none(request_, dana):
    denial = denied(request_, dana)

    def save(body):
        return services.save_letter(denial_id=denial.pk, body=body, cites=[], by=dana, now=NOW).number

    assert [save("Dear plan"), save("Dear plan"), save("Dear plan, please")] == [1, 1, 2]
    with pytest.raises(ValidationError):
        save("  ")


def test_braces_in_what_is_filled_in_stay_as_they_are():
    assert merge("{patient} {payer}", {"patient": "{payer}", "payer": "X"}) == "{payer} X"
    assert unknown_places("{patient} {nobody}") == ["nobody"]


def test_every_shipped_letter_is_filled_in_whole(request_, dana):
    denial = denied(request_, dana)
    kinds = list(DenialCategory.objects.all())
    assert len(kinds) == 10
    for kind in kinds:
        denial.category = kind
        text = merged(denial, material(dana, request_.patient), [], NOW)
        assert "{" not in text
        assert denial.words in text
        assert kind.checklist
