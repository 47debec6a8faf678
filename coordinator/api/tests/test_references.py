"""What a client names in a write: one that it may not see is answered exactly as one that is not there."""

import uuid

import pytest
from rest_framework.exceptions import ValidationError

from careplans.tests.factories import make_goal, make_plan
from coordinator.api import serializers
from coordinator.api.fields import OwnSite, Strict, Visible
from coordinator.api.serializers import appointments, documents, patients, plans, referrals, tasks
from coordinator.tests.factories import make_practitioner, make_team, make_user
from patients.models import Problem, RelatedPerson
from patients.tests.factories import make_document, make_phone

FOREIGN = {
    "Patient": lambda world: world.stranger,
    "Practitioner": lambda world: make_practitioner(site=world.elsewhere),
    "User": lambda world: make_user(site=world.elsewhere),
    "Team": lambda world: make_team(world.elsewhere),
    "Document": lambda world: make_document(world.stranger),
    "Goal": lambda world: make_goal(make_plan(world.stranger)),
    "Problem": lambda world: Problem.objects.create(patient=world.stranger, name="x"),
    "ContactPoint": lambda world: make_phone(world.stranger),
    "RelatedPerson": lambda world: RelatedPerson.objects.create(
        patient=world.stranger, name="x", relationship="sister"
    ),
}
SHARED = {"Organization"}  # a directory that belongs to no site


def inputs():
    """Every Strict serializer of the API."""
    for module in (appointments, documents, patients, plans, referrals, tasks):
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, Strict) and thing.__module__ == module.__name__:
                yield thing


NAMED = [
    pytest.param(form, name, id=f"{form.__name__}.{name}")
    for form in inputs()
    for name, field in form().fields.items()
    if isinstance(field, Visible)
]


def test_there_are_references_to_try():
    assert len(NAMED) > 10
    assert serializers.__doc__


@pytest.mark.parametrize(("form", "name"), NAMED)
def test_a_foreign_record_is_refused_like_a_missing_one(world, rf, form, name):
    request = rf.get("/")
    request.user = world.caller.account
    field = form(context={"request": request}).fields[name]
    model = field.source_of(world.caller.account).model
    if model.__name__ in SHARED:
        return
    foreign = FOREIGN[model.__name__](world)
    missing = 2**40 if isinstance(foreign.pk, int) else uuid.uuid4()
    refusals = []
    for key in (foreign.pk, missing, str(foreign.pk), "", "x", -1, 2**80, True, 1.5, [], {}, "\ud800"):
        with pytest.raises(ValidationError) as refused:
            field.to_internal_value(key)
        refusals.append(refused.value.detail)
    assert all(refusal == refusals[0] for refusal in refusals)


def test_every_uuid_of_an_input_is_looked_up_by_somebody():
    """A plain UUID is passed to a service, which looks it up as `by`; which ones are, stands here."""
    plain = {
        f"{form.__name__}.{name}"
        for form in inputs()
        if not form.__name__.endswith("Filters")
        for name, field in form().fields.items()
        if type(field).__name__ == "UUIDField" and not isinstance(field, OwnSite)
    }
    assert plain == {
        "AppointmentWrite.patient",
        "AppointmentWrite.service",
        "AppointmentWrite.practitioner",
        "AppointmentWrite.room",
        "AppointmentWrite.referral",
        "AppointmentWrite.authorization",
        "Moved.room",
    }
