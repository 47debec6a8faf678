"""Every call of the API, from the URL table itself, so that a new one joins the tests alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from careplans.tests.factories import make_goal, make_intervention, make_plan, make_task
from coordinator.api.base import ApiView
from coordinator.api.urls import urlpatterns
from coordinator.exchange.tests.factories import make_payer_file
from patients.tests.factories import make_document
from referrals.tests.factories import make_authorization, make_denial, make_inbound, make_referral
from referrals.tests.money_factories import make_aid, make_benefit, make_bill, make_estimate
from scheduling.tests.factories import make_appointment

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
    """A record for every route that names one: first word of the route's name -> key."""
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
    }
    return {word: record.pk for word, record in records.items()}


def key_for(call: Call, records: dict[str, Any]) -> Any:
    if call.name == "contacts":
        return records["task"]
    return records.get(call.name) or records.get(call.name.split("_")[0])
