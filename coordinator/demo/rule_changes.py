"""A change of the rules register that waits for a second person, back-dated so that its page shows what would move."""

from __future__ import annotations

from datetime import timedelta

from coordinator.accounts.models import User
from coordinator.accounts.roles import Role
from coordinator.clocks.models import Rule
from coordinator.clocks.register_services import propose_rule_version
from coordinator.clocks.register_vectors import ZONE
from coordinator.clocks.vectors import parse
from coordinator.demo.clinic import Clinic


def make_rule_changes(clinic: Clinic) -> None:
    """The manager asks for reports after 8 business days instead of 10, from three weeks ago on."""
    manager = User.objects.filter(role=Role.MANAGER, sites=clinic.riverbend).order_by("pk").first()
    if manager is None:
        return
    vectors, _wrong = parse("2026-11-25 -> 2026-12-08\n2026-12-23 -> 2027-01-06", ZONE)
    propose_rule_version(
        rule_id=Rule.objects.get(key="referral.report").pk,
        effective_from=clinic.today - timedelta(days=21),
        kind="business_days",
        params={"amount": 8, "can_hold": True},
        source="Our own decision: specialists near us report within 8 business days or not at all.",
        why="Late reports were asked for too late.",
        vectors=vectors,
        by=manager,
        now=clinic.now,
    )
