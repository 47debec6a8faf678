"""Every call of the API, from the URL table itself, so that a new one joins the tests alone."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone

from careplans.tests.factories import make_goal, make_intervention, make_plan, make_task
from coordinator.accounts.models import User
from coordinator.accounts.roles import Role
from coordinator.api.base import ApiView
from coordinator.api.urls import urlpatterns
from coordinator.exchange.tests.factories import make_payer_file
from coordinator.tests.factories import make_practitioner
from patients.tests.factories import make_document
from referrals.tests.directory_factories import make_practice
from referrals.tests.factories import (
    make_authorization,
    make_delivery,
    make_denial,
    make_inbound,
    make_payer,
    make_referral,
)
from referrals.tests.money_factories import make_aid, make_benefit, make_bill, make_estimate
from scheduling.models import Block
from scheduling.tests.factories import make_appointment, make_waitlist_entry, make_waitlist_offer

METHODS = ("get", "post", "patch", "put", "delete")


@dataclass(frozen=True)
class Call:
    name: str
    method: str
    view: type[ApiView]
    has_key: bool

    def path(self, pk: Any = None) -> str:
        return reverse(f"api:{self.name}", args=[pk] if self.has_key else [])

    @property
    def handler(self) -> Any:
        return getattr(self.view, self.method)

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.name}"


def calls() -> Iterator[Call]:
    for pattern in urlpatterns:
        view = getattr(pattern.callback, "cls", None)
        if isinstance(view, type) and issubclass(view, ApiView):
            for method in METHODS:
                if hasattr(view, method):
                    yield Call(pattern.name, method, view, "<uuid:pk>" in str(pattern.pattern))


CALLS = sorted(calls(), key=str)


def make_one_of_each(patient: Any) -> dict[str, Any]:
    """A record for every route that names one: the route's name, or its first word -> key."""
    plan = make_plan(patient)
    goal = make_goal(plan)
    records = {
        "patient": patient,
        "document": make_document(patient),
        "contact": patient,
        "care": plan,
        "goals": plan,
        "interventions": plan,
        "goal": goal,
        "measurements": goal,
        "intervention": make_intervention(goal),
        "task": make_task(patient),
        "appointment": make_appointment(patient),
        "referral": make_referral(patient),
        "authorization": (request := make_authorization(patient)),
        "denial": make_denial(make_authorization(patient, status="denied")),
        "incoming": make_inbound(patient.site),
        "payer": make_payer_file(authorization=request),
        "aid": make_aid(patient),
        "benefit": make_benefit(patient),
        "bill": make_bill(patient),
        "estimate": make_estimate(patient),
        "practice": make_practice(),
        "payer_report_card": make_payer(),
        "delivery": make_delivery(make_referral(patient, status="sent")),
        "away": make_away(patient.site),
        "waitlist_entry": make_waitlist_entry(patient),
        "waitlist_offer": make_waitlist_offer(make_waitlist_entry(patient, status="offered")),
    }
    return {word: record.pk for word, record in records.items()}


def make_away(site: Any, **fields: Any) -> Block:
    """A provider who is away from tomorrow on, as a client of the site marked them."""
    starts_at = timezone.now() + datetime.timedelta(days=1)
    fields.setdefault("practitioner", make_practitioner(site=site))
    fields.setdefault("starts_at", starts_at)
    fields.setdefault("ends_at", starts_at + datetime.timedelta(days=30))
    fields.setdefault("created_by", User.objects.filter(role=Role.API_CLIENT, sites=site).first())
    return Block.objects.create(site=site, reason="Vacation", **fields)


def key_for(call: Call, records: dict[str, Any]) -> Any:
    if call.name == "contacts":
        return records["task"]
    name = call.name.removesuffix("_steps")
    return records.get(name) or records.get(name.split("_")[0])
