"""The rule-change desk: proposed by one, approved by another; old cases stay, and what moves is shown beforehand."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.utils import ProgrammingError
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coordinator.audit.models import AuditEvent
from coordinator.clocks import register_services as desk
from coordinator.clocks import selectors, services, sync
from coordinator.clocks.impact import impact_of
from coordinator.clocks.models import Rule, RuleProposal, RuleVersion
from coordinator.clocks.tests.factories import CHICAGO, local, make_clock, make_proposal
from coordinator.db import Conflict
from coordinator.tests.factories import make_user
from coordinator.workflow import NotAllowed

pytestmark = pytest.mark.django_db
NOW = local(CHICAGO, 2026, 11, 20, 16)
NEW_YEAR = date(timezone.localdate().year + 1, 1, 1)  # still to come on any day
BACK_DATED = date(2026, 11, 20)


@pytest.fixture
def second(db):
    return make_user("administrator")


def approve(proposal, by, **more):
    return desk.approve_proposal(proposal_id=proposal.pk, by=by, now=NOW, **more)


def send_clock(day=20, **more):
    """An open clock of the rule that the proposals change: two business days."""
    return make_clock(kind="referral.send", anchor_at=local(CHICAGO, 2026, 11, day, 9), **more)


def test_a_version_for_days_to_come_moves_nothing_and_counts_from_its_first_day(second):
    clock = send_clock()
    proposal = make_proposal()
    impact = impact_of(proposal)
    assert (impact.moves, impact.same, impact.kept, impact.older) == ([], [], 0, 1)
    made = approve(proposal, second, expected=0).made
    assert (made.version, made.approved_by, made.approved_at) == (2, second.name, NOW)
    before = selectors.rule_in_force("referral.send", date(2026, 12, 31))
    assert (before.version, before.effective_to) == (1, date(2026, 12, 31))
    assert selectors.rule_in_force("referral.send", date(2027, 1, 1)) == made
    clock.refresh_from_db()
    assert (clock.rule_version.version, clock.due_on) == (1, date(2026, 11, 24))


def test_a_back_dated_version_moves_the_clocks_of_its_days_each_with_an_audit_event(second):
    earlier, later = send_clock(19), send_clock(20)
    other = make_clock(kind="tcm.contact")
    proposal = make_proposal(effective_from=BACK_DATED)
    impact = impact_of(proposal)
    assert [(m.clock.pk, m.after.due_on) for m in impact.moves] == [(later.pk, date(2026, 11, 25))]
    assert impact.older == 1
    (kind,) = impact.by_kind
    assert (kind.kind, kind.number, kind.sooner, kind.later) == ("referral.send", 1, 0, 1)
    approve(proposal, second, expected=1)
    for clock in (earlier, later, other):
        clock.refresh_from_db()
    assert (earlier.due_on, earlier.rule_version.version) == (date(2026, 11, 23), 1)
    assert (later.due_on, later.rule_version.version) == (date(2026, 11, 25), 2)
    assert other.due_on == date(2026, 11, 24)
    event = later.changes.latest("at", "id")
    assert (event.step, event.by, event.reason) == ("change_rule", second, "Two days were too short.")
    assert event.facts["from_rule_version"] == 1
    assert AuditEvent.objects.filter(entity_id=str(later.pk), action="change_rule").count() == 1
    assert "Rule: Sent, once written, version 2, from Nov 20, 2026." in selectors.why(later)


def test_extensions_are_carried_over_and_what_does_not_fit_stays(second):
    fits, too_far = (
        make_clock(
            kind="payer", rule="prior_auth.employer.standard", anchor_at=local(CHICAGO, 2026, 11, 20, 9)
        )
        for _ in range(2)
    )
    services.extend_clock(clock_id=fits.pk, days=5, reason="Letter", by=second, now=NOW)
    services.extend_clock(clock_id=too_far.pk, days=15, reason="Letter", by=second, now=NOW)
    proposal = make_proposal(
        "prior_auth.employer.standard",
        effective_from=BACK_DATED,
        kind="calendar_days",
        params={"amount": 10, "extension": {"days": 7}},
        tests="2026-11-20 -> 2026-11-30",
    )
    impact = impact_of(proposal)
    assert [(m.clock.pk, m.after.due_on) for m in impact.moves] == [(fits.pk, date(2026, 12, 5))]
    assert impact.kept == 1
    approve(proposal, second)
    fits.refresh_from_db()
    too_far.refresh_from_db()
    assert (fits.due_on, fits.rule_version.version) == (date(2026, 12, 5), 2)
    assert too_far.rule_version.version == 1


def test_the_impact_costs_the_same_for_one_clock_and_for_twenty(second):
    proposal = make_proposal(effective_from=BACK_DATED)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            impact_of(proposal, second)
        return len(captured)

    send_clock()
    first = queries()
    for _ in range(19):
        send_clock()
    assert queries() == first


def test_who_proposed_a_change_cannot_approve_or_refuse_it():
    manager = make_user("manager")
    proposal = make_proposal(by=manager)
    with pytest.raises(NotAllowed, match="second person"):
        approve(proposal, manager)
    with pytest.raises(NotAllowed, match="withdraw"):
        desk.refuse_proposal(proposal_id=proposal.pk, reason="No", by=manager, now=NOW)


def test_the_database_refuses_the_same_person_too():
    proposal = make_proposal()
    version = RuleVersion.objects.first()
    with pytest.raises(IntegrityError, match="rule_proposal_second_person"), transaction.atomic():
        RuleProposal.objects.filter(pk=proposal.pk).update(
            decision="approved", decided_by=proposal.created_by, decided_at=NOW, made=version
        )


def test_what_was_proposed_and_decided_cannot_be_rewritten(second):
    proposal = make_proposal()
    rows = RuleProposal.objects.filter(pk=proposal.pk)
    with pytest.raises(ProgrammingError, match="not rewritten"), transaction.atomic():
        rows.update(params={"amount": 9})
    desk.refuse_proposal(proposal_id=proposal.pk, reason="Two days are enough", by=second, now=NOW)
    with pytest.raises(ProgrammingError, match="not rewritten"), transaction.atomic():
        rows.update(decision="", decided_by=None, decided_at=None)
    with pytest.raises(ProgrammingError, match="not rewritten"), transaction.atomic():
        rows.delete()


@pytest.mark.parametrize("role", ["coordinator", "lead", "provider", "auditor"])
def test_others_neither_propose_nor_approve(role):
    with pytest.raises(PermissionDenied):
        make_proposal(by=make_user(role))
    with pytest.raises(PermissionDenied):
        approve(make_proposal(), make_user(role))


def test_a_refusal_needs_a_reason_and_a_decided_proposal_stays_decided(second):
    proposal = make_proposal()
    with pytest.raises(ValidationError, match="Say why"):
        desk.refuse_proposal(proposal_id=proposal.pk, reason=" ", by=second, now=NOW)
    desk.withdraw_proposal(proposal_id=proposal.pk, by=proposal.created_by, now=NOW)
    with pytest.raises(NotAllowed, match="decided already"):
        approve(proposal, second)
    assert Rule.objects.get(key="referral.send").versions.count() == 1


def test_one_change_of_a_rule_waits_at_a_time():
    make_proposal()
    with pytest.raises(Conflict, match="waiting for approval already"):
        make_proposal()


@pytest.mark.parametrize(
    ("fields", "name", "text"),
    [
        ({"effective_from": date(2015, 1, 1)}, "effective_from", "choose a later day"),
        ({"params": {"amount": 0}}, "amount", "Give a length"),
        ({"tests": ""}, "vectors", "at least one test date"),
        ({"tests": "2026-11-25 -> 2026-11-30"}, "vectors", "the rule gives Tue, Dec 1, 2026"),
    ],
)
def test_a_proposal_that_does_not_hold_is_refused_at_its_field(fields, name, text):
    with pytest.raises(ValidationError) as refused:
        make_proposal(**fields)
    assert text in " ".join(refused.value.message_dict[name])
    assert not RuleProposal.objects.exists()


def test_approving_something_else_than_what_was_on_screen_is_refused(second):
    proposal = make_proposal(effective_from=BACK_DATED)
    send_clock()
    with pytest.raises(Conflict, match="Meanwhile 1 open item would move"):
        approve(proposal, second, expected=0)
    assert RuleProposal.objects.get().is_waiting


def test_the_next_release_leaves_a_rule_alone_that_was_changed_here(second):
    approve(make_proposal(), second)
    report = sync.sync_register()
    assert report.left_alone == ["referral.send"]
    assert Rule.objects.get(key="referral.send").versions.count() == 2


# --- the pages ----------------------------------------------------------------------------------------


def typed(**fields):
    return {
        "effective_from": NEW_YEAR.isoformat(),
        "amount": "3",
        "kind": "business_days",
        "extension": "none",
        "can_hold": "on",
        "source": "Our own decision.",
        "zone": "America/New_York",
        "vectors": "2026-11-25 -> 2026-12-01",
        "why": "Two days were too short.",
        **fields,
    }


def test_a_change_goes_from_form_to_approval(client, second):
    rule = Rule.objects.get(key="referral.send")
    client.force_login(make_user("manager"))
    form = client.get(reverse("clocks:rule_propose", args=[rule.pk])).content.decode()
    assert "2026-11-25 -&gt; 2026-11-30" in form, "what stands is filled in"
    answer = client.post(reverse("clocks:rule_propose", args=[rule.pk]), typed())
    proposal = RuleProposal.objects.get()
    assert answer["Location"] == reverse("clocks:proposal", args=[proposal.pk])
    own = client.get(answer["Location"]).content.decode()
    assert f"the version counts for events from Jan 1, {NEW_YEAR.year} on." in own
    assert "Withdraw" in own
    assert ">Approve<" not in own
    client.force_login(second)
    assert ">Approve<" in client.get(answer["Location"]).content.decode()
    step = reverse("clocks:proposal_step", args=[proposal.pk, "approve"])
    assert client.post(step, {"moving": "0"})["Location"] == reverse("clocks:rule", args=[rule.pk])
    page = client.get(reverse("clocks:rule", args=[rule.pk])).content.decode()
    assert "Version 2: 3 business days" in page
    assert second.name in page


def test_a_wrong_test_date_is_named_at_its_field_and_the_typing_stays(client):
    rule = Rule.objects.get(key="referral.send")
    client.force_login(make_user("manager"))
    url = reverse("clocks:rule_propose", args=[rule.pk])
    answer = client.post(url, typed(vectors="2026-11-25 -> 2026-11-30", why="A very good reason"))
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "Test date 1 is wrong." in text
    assert "A very good reason" in text
    assert not RuleProposal.objects.exists()


def test_who_may_not_see_an_item_gets_it_counted_only(client):
    """The clock of the test is about a site, which no app names: it moves, and is counted."""
    proposal = make_proposal(effective_from=BACK_DATED)
    send_clock()
    client.force_login(make_user("administrator"))
    text = client.get(reverse("clocks:proposal", args=[proposal.pk])).content.decode()
    assert "1 open item would get another date." in text
    assert "They are counted only" in text


def test_the_register_is_shown_for_a_day_and_says_what_was_not_compared(client):
    client.force_login(make_user("manager"))
    url = reverse("clocks:rule_list")
    today = client.get(url).content.decode()
    assert "Contact after discharge" in today
    assert "Not compared yet" in today
    assert "[verify]" not in today
    then = client.get(url, {"on": "2025-06-01", "q": "medicare_advantage.standard"}).content.decode()
    assert "14 calendar days" in then
    assert "until Dec 31, 2025" in then
    none = client.get(url, {"on": "2014-01-01"}).content.decode()
    assert "No rule matches" in none


def test_the_register_costs_the_same_however_many_wait(client):
    client.force_login(make_user("manager"))
    client.get(reverse("clocks:rule_list"))

    def queries():
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("clocks:rule_list"))
        return len(captured)

    make_proposal()
    first = queries()
    make_proposal("referral.report", effective_from=NEW_YEAR + timedelta(days=1))
    assert queries() == first
