"""Starting, moving and ending clocks."""

from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from coordinator.accounts.models import Site
from coordinator.audit.models import AuditEvent
from coordinator.clocks import selectors, services
from coordinator.clocks.calendars import change_holidays, copy_calendar
from coordinator.clocks.models import Clock, RuleVersion
from coordinator.clocks.sweeping import sweep
from coordinator.clocks.tests.factories import CHICAGO, NEW_YORK, TESTER, local, make_clock
from coordinator.clocks.workflow import WORKFLOW, State
from coordinator.db import Conflict, lock
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import NotAllowed, move, moved

pytestmark = pytest.mark.django_db

STARTED = local(CHICAGO, 2026, 11, 20, 16)
NEXT_DAY = STARTED + timedelta(days=1)
STANDARD = "prior_auth.medicare_advantage.standard"


def clock_subject(clock):
    return Site.objects.get(pk=clock.subject_id)


def payer_clock(**fields):
    fields = {
        "kind": "payer_decision",
        "rule": STANDARD,
        "anchor_at": local(NEW_YORK, 2026, 11, 23, 11),
        "zone": NEW_YORK,
        "now": local(NEW_YORK, 2026, 11, 23, 12),
    } | fields
    return make_clock(**fields)


def report_clock(**fields):
    """Ten business days from Mon Nov 2, 2026 with Veterans Day in between: due Nov 17."""
    fields = {
        "kind": "referral.report",
        "anchor_at": local(CHICAGO, 2026, 11, 2, 11),
        "now": local(CHICAGO, 2026, 11, 2, 12),
    } | fields
    return make_clock(**fields)


def test_a_clock_keeps_its_anchor_rule_calendar_and_steps():
    clock = make_clock(anchor_label="discharge", site_id=make_site().pk, owner_id=make_user().pk)
    clock.refresh_from_db()
    assert clock.due_at == local(CHICAGO, 2026, 11, 24, 23, 59, 59) == clock.original_due_at
    assert clock.due_on == date(2026, 11, 24)
    assert clock.state == State.RUNNING
    assert (clock.rule_version.rule.key, clock.rule_version.version) == ("tcm.contact", 1)
    assert (clock.calendar.name, clock.calendar_version) == ("US federal", 1)
    assert len(clock.warn_marks) == 2
    assert clock.next_warn_at == clock.warn_marks[0]
    assert [change.step for change in clock.changes.all()] == ["start"]
    assert AuditEvent.objects.filter(entity="clocks.clock", entity_id=str(clock.pk), action="start").exists()


def test_starting_costs_at_most_four_queries():
    make_clock()
    site = make_site()
    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        services.start_clock(
            subject=site,
            kind="tcm.contact",
            anchor_at=STARTED,
            zone=CHICAGO,
            calendar=site.calendar,
            by=TESTER,
            now=STARTED,
        )
    statements = [q["sql"] for q in captured.captured_queries if "SAVEPOINT" not in q["sql"]]
    assert len(statements) <= 4, statements


def test_starting_again_gives_the_clock_that_is_running():
    clock = make_clock()
    again = make_clock(subject=clock_subject(clock), anchor_at=STARTED + timedelta(hours=3))
    assert again.pk == clock.pk
    assert Clock.objects.count() == 1
    assert clock.changes.count() == 1


def test_the_same_event_never_starts_a_second_clock_even_when_the_first_has_ended():
    clock = make_clock()
    services.meet_clock(clock_id=clock.pk, by=TESTER, now=NEXT_DAY)
    assert make_clock(subject=clock_subject(clock)).pk == clock.pk
    later = make_clock(subject=clock_subject(clock), anchor_at=local(CHICAGO, 2026, 11, 30, 9))
    assert later.pk != clock.pk


def test_a_voided_clock_gives_way_to_a_new_one_from_the_same_event():
    expedited = payer_clock(rule="prior_auth.medicare_advantage.expedited")
    subject = clock_subject(expedited)
    now = local(NEW_YORK, 2026, 11, 24, 9)
    services.void_clocks(subject=subject, reason="Payer downgraded to standard", by=TESTER, now=now)
    standard = payer_clock(subject=subject, now=now)
    assert standard.due_on == date(2026, 11, 30), "the standard length from the original receipt"


def test_an_insert_that_lost_the_race_is_told_apart_without_an_error():
    clock = make_clock()
    copy = Clock.objects.get(pk=clock.pk)
    copy.pk = None
    copy.id = Clock().id
    assert services._insert_unless_there(copy) is False
    assert Clock.objects.count() == 1


def test_a_start_outside_a_transaction_is_refused(transactional_db):
    with pytest.raises(transaction.TransactionManagementError):
        services.start_clock(
            subject=make_site(),
            kind="tcm.contact",
            anchor_at=STARTED,
            zone=CHICAGO,
            calendar=None,
            by=TESTER,
            now=STARTED,
        )


def test_the_version_in_force_on_the_local_day_of_the_event_counts():
    old = payer_clock(anchor_at=local(NEW_YORK, 2025, 12, 31, 23, 30))
    new = payer_clock(anchor_at=local(NEW_YORK, 2026, 1, 1, 0, 30))
    assert (old.rule_version.version, new.rule_version.version) == (1, 2)
    assert new.due_on == date(2026, 1, 8)


def test_a_rule_the_register_does_not_have_is_refused_with_a_sentence():
    with pytest.raises(selectors.NoRule, match=r"no rule “tcm.contact” for Jan 2, 2014"):
        make_clock(anchor_at=local(CHICAGO, 2014, 1, 2, 9))
    with pytest.raises(NotAllowed, match=r"no rule “made.up”"):
        make_clock(kind="made.up")


@pytest.mark.parametrize("rule", ["prior_auth.marketplace.standard", "prior_auth.other.standard"])
def test_no_clock_starts_where_the_register_sets_no_deadline_or_the_date_is_unknown(rule):
    with transaction.atomic():
        nothing = services.start_clock(
            subject=make_site(),
            kind="payer_decision",
            rule=rule,
            anchor_at=STARTED,
            zone=NEW_YORK,
            calendar=None,
            by=TESTER,
            now=STARTED,
        )
    assert nothing is None
    assert not Clock.objects.exists()


def test_a_date_the_payer_gave_starts_a_clock():
    clock = payer_clock(rule="prior_auth.other.standard", on=date(2026, 12, 7))
    assert clock.due_at == local(NEW_YORK, 2026, 12, 7, 23, 59, 59)


def test_a_federal_rule_uses_the_federal_calendar_whatever_the_site_keeps():
    site = make_site()
    own = copy_calendar(
        source_id=selectors.federal_calendar().pk, name="Riverbend days", zone=CHICAGO, by=TESTER, now=STARTED
    )
    change_holidays(
        calendar_id=own.pk, add={date(2026, 11, 23): "Staff day"}, remove=[], by=TESTER, now=STARTED
    )
    own.refresh_from_db()
    federal_rule = make_clock(subject=site, calendar=own)
    own_rule = make_clock(subject=site, calendar=own, kind="no_show.follow_up")
    assert federal_rule.due_on == date(2026, 11, 24)
    assert own_rule.due_on == date(2026, 11, 24), "Monday is closed here"
    assert (own_rule.calendar, own_rule.calendar_version) == (own, 2)


def test_changing_a_calendar_moves_no_clock_that_is_running():
    clock = make_clock(kind="no_show.follow_up")
    before = selectors.why(clock)
    change_holidays(
        calendar_id=clock.calendar_id, add={date(2026, 11, 23): "Storm"}, remove=[], by=TESTER, now=STARTED
    )
    clock.refresh_from_db()
    assert clock.due_on == date(2026, 11, 23)
    assert selectors.why(clock) == before


def test_an_extension_moves_the_deadline_and_keeps_the_original():
    clock = payer_clock()
    now = local(NEW_YORK, 2026, 11, 28, 9)
    clock = services.extend_clock(clock_id=clock.pk, days=14, reason="Notice of Nov 27", by=TESTER, now=now)
    clock.refresh_from_db()
    assert clock.due_at == local(NEW_YORK, 2026, 12, 14, 23, 59, 59)
    assert clock.original_due_at == local(NEW_YORK, 2026, 11, 30, 23, 59, 59)
    change = clock.changes.last()
    assert (change.step, change.reason, change.facts["days"]) == ("extend", "Notice of Nov 27", 14)
    assert "explanation" not in change.facts
    assert any("Extended by 14 calendar days" in line for line in selectors.why(clock))
    assert clock.next_warn_at > now


def test_an_extension_needs_its_notice_and_stays_within_the_rule():
    clock = payer_clock()
    with pytest.raises(NotAllowed, match="reason"):
        services.extend_clock(clock_id=clock.pk, days=7, reason="", by=TESTER, now=STARTED)
    with pytest.raises(NotAllowed, match="at most 14"):
        services.extend_clock(clock_id=clock.pk, days=15, reason="Notice", by=TESTER, now=STARTED)
    clock.refresh_from_db()
    assert clock.due_on == date(2026, 11, 30)


def test_an_extension_notice_that_comes_late_lets_a_missed_clock_run_again():
    clock = payer_clock()
    sweep(now=local(NEW_YORK, 2026, 12, 1, 0))
    clock = services.extend_clock(
        clock_id=clock.pk, days=14, reason="Notice of Nov 30", by=TESTER, now=local(NEW_YORK, 2026, 12, 2, 9)
    )
    assert clock.state == State.RUNNING


def test_a_held_clock_gives_its_business_days_back():
    clock = report_clock()
    assert clock.due_on == date(2026, 11, 17)
    services.hold_clock(
        clock_id=clock.pk, reason="Waiting for films", by=TESTER, now=local(CHICAGO, 2026, 11, 5, 9)
    )
    held = Clock.objects.get(pk=clock.pk)
    assert held.state == State.HELD
    assert any("On hold since Thu, Nov 5, 2026, 9:00 AM CST" in line for line in selectors.why(held))
    clock = services.resume_clock(clock_id=clock.pk, by=TESTER, now=local(CHICAGO, 2026, 11, 9, 9))
    assert (clock.state, clock.held_since) == (State.RUNNING, None)
    assert clock.due_on == date(2026, 11, 19), "Friday and Monday were held"
    assert clock.held_seconds == 4 * 24 * 3600


def test_a_federal_clock_cannot_be_held():
    clock = payer_clock()
    with pytest.raises(NotAllowed, match="cannot be put on hold"):
        services.hold_clock(clock_id=clock.pk, reason="Payer asked for notes", by=TESTER, now=STARTED)


def test_a_running_clock_cannot_be_resumed():
    with pytest.raises(NotAllowed, match="not on hold"):
        services.resume_clock(clock_id=make_clock().pk, by=TESTER, now=STARTED)


def test_meeting_a_held_clock_ends_the_hold():
    clock = report_clock()
    services.hold_clock(clock_id=clock.pk, reason="Waiting", by=TESTER, now=local(CHICAGO, 2026, 11, 5, 9))
    clock = services.meet_clock(clock_id=clock.pk, by=TESTER, now=local(CHICAGO, 2026, 11, 5, 10))
    assert (clock.state, clock.held_since, clock.held_seconds) == (State.MET, None, 3600)


def test_a_missed_clock_is_met_late_unless_it_happened_in_time():
    first, second = make_clock(), make_clock()
    now = local(CHICAGO, 2026, 11, 25, 9)
    sweep(now=now)
    late = services.meet_clock(clock_id=first.pk, by=TESTER, now=now)
    on_time = services.meet_clock(
        clock_id=second.pk, by=TESTER, now=now, at=local(CHICAGO, 2026, 11, 24, 17), reason="Logged next day"
    )
    assert late.met_late
    assert "Met Wed, Nov 25, 2026, 9:00 AM CST, after the deadline." in selectors.why(late)
    assert not on_time.met_late


def test_nothing_is_met_in_the_future():
    with pytest.raises(NotAllowed, match="future"):
        services.meet_clock(clock_id=make_clock().pk, by=TESTER, now=STARTED, at=NEXT_DAY)


def test_a_clock_met_by_mistake_is_reopened_with_a_reason():
    clock = make_clock()
    services.meet_clock(clock_id=clock.pk, by=TESTER, now=NEXT_DAY)
    with pytest.raises(NotAllowed, match="reason"):
        services.reopen_clock(clock_id=clock.pk, reason="", by=TESTER, now=NEXT_DAY)
    clock = services.reopen_clock(clock_id=clock.pk, reason="Wrong patient", by=TESTER, now=NEXT_DAY)
    assert (clock.state, clock.met_at) == (State.RUNNING, None)


def test_a_clock_is_not_reopened_beside_another_that_runs():
    clock = make_clock()
    services.meet_clock(clock_id=clock.pk, by=TESTER, now=NEXT_DAY)
    make_clock(subject=clock_subject(clock), anchor_at=local(CHICAGO, 2026, 11, 30, 9))
    with pytest.raises(Conflict, match="running already"), transaction.atomic():
        services.reopen_clock(clock_id=clock.pk, reason="Mistake", by=TESTER, now=NEXT_DAY)


def test_void_is_final_and_needs_a_reason():
    clock = make_clock()
    with pytest.raises(NotAllowed, match="reason"):
        services.void_clock(clock_id=clock.pk, reason="", by=TESTER, now=NEXT_DAY)
    services.void_clock(clock_id=clock.pk, reason="Entered in error", by=TESTER, now=NEXT_DAY)
    with pytest.raises(NotAllowed):
        services.meet_clock(clock_id=clock.pk, by=TESTER, now=NEXT_DAY)


def test_the_clocks_of_one_record_are_met_and_voided_by_kind():
    site = make_site()
    contact, visit = make_clock(subject=site), make_clock(subject=site, kind="tcm.visit_7")
    met = services.meet_clocks(subject=site, kinds=["tcm.contact", "tcm.visit_14"], by=TESTER, now=NEXT_DAY)
    voided = services.void_clocks(subject=site, reason="Readmitted", by=TESTER, now=NEXT_DAY)
    assert [c.pk for c in met] == [contact.pk]
    assert [c.pk for c in voided] == [visit.pk]
    assert services.meet_clocks(subject=make_site(), kinds=["tcm.contact"], by=TESTER, now=NEXT_DAY) == []


@pytest.mark.parametrize("state", State.values)
@pytest.mark.parametrize("step", sorted({step.name for step in WORKFLOW.steps}))
def test_every_step_from_every_state_is_allowed_or_refused_as_the_table_says(state, step):
    clock = make_clock()
    Clock.objects.filter(pk=clock.pk).update(
        state=state, held_since=STARTED if state == State.HELD else None, met_at=STARTED
    )
    facts = {"days": 1, "met_at": STARTED, "held_since": STARTED if step == "hold" else None}
    if WORKFLOW.find(step, state) is None:
        with pytest.raises(NotAllowed):
            move(lock(Clock.objects, clock.pk), step, by=TESTER, now=NEXT_DAY, reason="Test", **facts)
        return
    if WORKFLOW.find(step, state).to == State.HELD:
        facts["held_since"] = STARTED
    move(lock(Clock.objects, clock.pk), step, by=TESTER, now=NEXT_DAY, reason="Test", **facts)
    clock.refresh_from_db()
    assert clock.state == WORKFLOW.find(step, state).to


def test_others_hear_of_every_step():
    heard = []

    def listen(sender, step, **kwargs):
        heard.append(step)

    moved.connect(listen, sender=Clock)
    try:
        clock = make_clock()
        services.meet_clock(clock_id=clock.pk, by=make_user(), now=NEXT_DAY)
    finally:
        moved.disconnect(listen, sender=Clock)
    assert heard == ["start", "meet"]


def test_time_left_and_share_used_stand_still_while_held():
    clock = report_clock()
    middle = clock.anchor_at + (clock.due_at - clock.anchor_at) / 2
    assert clock.share_used(middle) == pytest.approx(0.5)
    assert clock.time_left(clock.due_at) == timedelta()
    clock.held_since = middle
    assert clock.share_used(clock.due_at) == pytest.approx(0.5)
    assert clock.time_left(clock.due_at) == clock.due_at - middle
    assert clock.share_used(clock.anchor_at - timedelta(days=1)) >= 0


def test_an_explanation_does_not_change_when_the_register_does():
    clock = make_clock(anchor_label="discharge")
    before = selectors.why(clock)
    RuleVersion.objects.filter(rule__key="tcm.contact").update(effective_to=date(2026, 12, 31))
    assert selectors.why(Clock.objects.get(pk=clock.pk)) == before
    assert "Rule: Contact after discharge, version 1, from Jan 1, 2015." in before
    assert before[1] == "2 business days, starting with: discharge, Fri, Nov 20, 2026, 3:00 PM CST."
