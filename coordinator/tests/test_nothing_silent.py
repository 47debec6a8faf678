"""Never a dead end, never silent: referrals and authorizations walked at random through their own services.

After every step whatever is open has an owner, a next step and a date, somebody can take another step, and nothing was
closed without its facts. A few hundred steps by default; `THROUGHLINE_STEPS=20000` walks that many.
"""

from __future__ import annotations

import datetime
import os
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F, Q
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from coordinator.accounts.roles import Role
from coordinator.clocks import services as clocks
from coordinator.clocks.models import Clock
from coordinator.dashboard.silent import find_silent
from coordinator.db import Conflict
from coordinator.tests.factories import make_organization, make_site, make_team, make_user, number
from coordinator.tests.workflow_records import facts_for
from coordinator.workflow import NotAllowed
from patients.tests.factories import make_patient
from referrals import services
from referrals.models import AuthorizationLine, Payer, PriorAuthorization, Referral
from referrals.rules import referrals as rules
from referrals.tests.factories import make_payer
from referrals.workflow import AUTHORIZATION_OPEN, ENDED_WITHOUT_REPORT, OPEN

pytestmark = pytest.mark.django_db
START = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)
WALKED = int(os.environ.get("THROUGHLINE_STEPS", "240"))
LENGTH = 40 if WALKED < 2000 else 100
REFUSED = (NotAllowed, ValidationError, Conflict, PermissionDenied)
FACTS = {
    "review": services.record_review,
    "tell_patient": services.record_patient_told,
    "tell_requester": services.record_requester_told,
}
DECISIONS = ("approved", "modified", "denied", "pended", "")
INDEX = st.integers(0, 10_000)


class Walk(RuleBasedStateMachine):
    """One clinic in a transaction that is taken back at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.now = START
        site = make_site()
        make_team(site)
        self.lead = make_user(Role.LEAD, site=site)
        self.patients = [make_patient(site=site, coordinator=owner) for owner in (self.lead, None)]
        self.payers = [make_payer(payer_type=kind) for kind in Payer.Type.values]
        self.recipient = make_organization()
        self.touched: list[Any] = []

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    # --- what people do -------------------------------------------------------------------------------

    @rule(which=INDEX, urgency=st.sampled_from(["routine", "urgent", "stat"]))
    def write_a_referral(self, which: int, urgency: str) -> None:
        referral = services.create_referral(
            patient=self.patients[which % 2],
            specialty=f"Specialty {next(number)}",
            reason="Swelling",
            urgency=urgency,
            clinical_question="Is it the heart?",
            recipient_organization=self.recipient if which % 3 else None,
            by=self.lead,
            now=self.now,
        )
        self.touched = [referral]

    @rule(which=INDEX, urgency=st.sampled_from(["standard", "expedited"]))
    def ask_for_an_authorization(self, which: int, urgency: str) -> None:
        record = services.create_authorization(
            patient=self.patients[which % 2],
            payer=self.payers[which % len(self.payers)],
            service="MRI lumbar",
            urgency=urgency,
            urgency_reason="Waiting could cost a leg" if urgency == "expedited" else "",
            by=self.lead,
            now=self.now,
        )
        for n in range(1 + which % 2):
            services.add_line(
                authorization_id=record.pk, service_code=f"7214{n}", units=2, by=self.lead, now=self.now
            )
        self.touched = [record]

    @precondition(lambda self: Referral.objects.exists())
    @rule(which=INDEX, step=INDEX)
    def move_a_referral(self, which: int, step: int) -> None:
        referral = self._one(Referral, which)
        names = self._offered(referral)
        if names:
            self._try(referral, names[step % len(names)])

    @precondition(lambda self: PriorAuthorization.objects.exists())
    @rule(which=INDEX, step=INDEX)
    def move_an_authorization(self, which: int, step: int) -> None:
        record = self._one(PriorAuthorization, which)
        names = self._offered(record)
        if names:
            self._try(record, names[step % len(names)])

    @precondition(lambda self: AuthorizationLine.objects.exists())
    @rule(which=INDEX, answers=st.lists(st.sampled_from(DECISIONS), min_size=2, max_size=2))
    def record_the_payers_answer(self, which: int, answers: list[str]) -> None:
        record = self._one(PriorAuthorization, which)
        decisions = {
            line.number: {"decision": answer, "reason": "Not shown to be needed", "units_approved": 1}
            for line, answer in zip(record.lines.all(), answers, strict=False)
        }
        self._attempt(
            record,
            lambda: services.decide_lines(authorization_id=record.pk, decisions=decisions, **self._answer()),
        )

    @rule(hours=st.sampled_from([1, 30, 24 * 8]))
    def time_passes(self, hours: int) -> None:
        self.now += datetime.timedelta(hours=hours)
        clocks.sweep(now=self.now)

    # --- what must hold -------------------------------------------------------------------------------

    @invariant()
    def nothing_open_is_silent(self) -> None:
        assert find_silent(now=self.now) == []

    @invariant()
    def every_date_is_its_clocks(self) -> None:
        running = Q(clock__state__in=["running", "held"])
        for model in (Referral, PriorAuthorization):
            off = model.objects.filter(running).exclude(due_at=F("clock__due_at"))
            assert not off.exists(), "a date that its clock does not explain"
        about = Clock.objects.open().values_list("subject_id", "kind")
        assert len(about) == len(set(about))

    @invariant()
    def nothing_is_closed_without_its_facts(self) -> None:
        closed = Referral.objects.filter(loop_closed_at__isnull=False)
        seen = Q(status="completed", reviewed_at__isnull=False, patient_told_at__isnull=False)
        ended = Q(status__in=ENDED_WITHOUT_REPORT, requester_told_at__isnull=False)
        assert not closed.exclude(seen | ended).exists()
        for model, statuses in (
            (Referral, ("declined", "withdrawn", "cancel_requested")),
            (PriorAuthorization, ("denied", "withdrawn", "cancelled", "cancelled_by_payer", "returned")),
        ):
            changes = model._meta.get_field("changes").related_model
            assert (
                not changes.objects.filter(
                    record__status__in=statuses, to_status=F("record__status"), reason=""
                )
                .exclude(from_status__in=("", F("to_status")))  # no step: a fact of the loop, an edit
                .exists()
            )

    @invariant()
    def what_was_touched_is_no_dead_end(self) -> None:
        for record in self.touched:
            record = type(record).objects.get(pk=record.pk)
            if _is_open(record):
                assert any(self._possible(record, name) for name in self._offered(record)), (
                    f"{record._meta.label} is {record.status}, and nobody can do anything"
                )
        self.touched = []

    # --- how ------------------------------------------------------------------------------------------

    def _one(self, model: Any, which: int) -> Any:
        """A record of the walk, those still open before the others."""
        rows = list(model.objects.order_by("pk"))
        still_open = [row for row in rows if _is_open(row)] or rows
        return still_open[which % len(still_open)]

    def _offered(self, record: Any) -> list[str]:
        """The steps of the table from here, the short cuts, and the facts that close a loop; errors last."""
        names = {step.name for step in record.workflow.steps_from(record.status)} - {"enter_in_error"}
        more: list[str] = []
        if isinstance(record, Referral):
            more = [name for status, name in rules.PATHS if status == record.status] + list(FACTS)
        return [*sorted(names), *more]

    def _possible(self, record: Any, name: str) -> bool:
        """Whether somebody could take this step now; nothing of it stays."""
        try:
            with transaction.atomic():
                self._take(record, name)
                transaction.set_rollback(True)
        except REFUSED:
            return False
        return True

    def _try(self, record: Any, name: str) -> None:
        self._attempt(record, lambda: self._take(record, name))

    def _attempt(self, record: Any, service: Any) -> None:
        """A refusal changes nothing; anything else must leave a record that is no dead end."""
        try:
            with transaction.atomic():
                service()
        except REFUSED:
            return
        self.touched = [record]

    def _take(self, record: Any, name: str) -> None:
        if name in FACTS:
            FACTS[name](referral_id=record.pk, by=self.lead, now=self.now)
            return
        given = self._facts(record, name)
        if isinstance(record, Referral):
            services.advance_referral(referral_id=record.pk, step=name, by=self.lead, now=self.now, **given)
        else:
            services.advance_authorization(
                authorization_id=record.pk, step=name, by=self.lead, now=self.now, **given
            )

    def _facts(self, record: Any, name: str) -> dict[str, Any]:
        """What the step asks for, of the day the walk has reached."""
        step = next(step for step in record.workflow.steps if step.name == name)
        given = facts_for(record, step)
        own = {
            "visit_at": self.now + datetime.timedelta(days=3),
            "seen_on": self.now.date() - datetime.timedelta(days=1),
            "received_by_payer_at": self.now,
            "answer_due_at": self.now + datetime.timedelta(days=2),
            "recipient_organization": self.recipient,
        }
        wanted = {need: own[need] for need in step.needs if need in own}
        if name == "send":
            wanted["recipient_organization"] = self.recipient
        if step.to in ("approved", "partially_approved", "modified"):
            wanted |= self._period()
        return given | wanted

    def _period(self) -> dict[str, datetime.date]:
        return {
            "starts_on": self.now.date(),
            "ends_on": self.now.date() + datetime.timedelta(days=90),
        }

    def _answer(self) -> dict[str, Any]:
        return {
            "by": self.lead,
            "now": self.now,
            "reason": "The payer's letter",
            "authorization_number": "PA-1",
            **self._period(),
        }


def _is_open(record: Any) -> bool:
    if isinstance(record, Referral):
        waits = record.status in OPEN or record.status in ENDED_WITHOUT_REPORT
        return waits and record.loop_closed_at is None
    return record.status in AUTHORIZATION_OPEN


def test_a_walk_through_both_machines_never_ends_in_silence():
    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=max(WALKED // LENGTH, 1),
            stateful_step_count=LENGTH,
            deadline=None,
            database=None,
            derandomize=WALKED < 2000,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
