"""What a client names in a write: one that it may not see is answered exactly as one that is not there."""

import uuid

import pytest
from rest_framework.exceptions import ValidationError

from careplans.tests.factories import make_goal, make_plan
from coordinator.api import serializers
from coordinator.api.fields import OwnSite, Strict, Visible
from coordinator.api.serializers import (
    appointments,
    authorizations,
    away,
    deliveries,
    documents,
    money,
    papers,
    patients,
    plans,
    referrals,
    tasks,
    waitlist,
)
from coordinator.tests.factories import make_practitioner, make_team, make_user
from patients.models import Coverage, Problem, RelatedPerson
from patients.tests.factories import make_document, make_phone
from referrals.tests.factories import (
    make_authorization,
    make_denial,
    make_letter,
    make_packet_of,
    make_referral,
)
from referrals.tests.money_factories import make_aid, make_benefit
from scheduling.tests.factories import make_appointment, make_waitlist_entry

FOREIGN = {
    "Patient": lambda world: world.stranger,
    "Practitioner": lambda world: make_practitioner(site=world.elsewhere),
    "User": lambda world: make_user(site=world.elsewhere),
    "Team": lambda world: make_team(world.elsewhere),
    "Document": lambda world: make_document(world.stranger),
    "Goal": lambda world: make_goal(make_plan(world.stranger)),
    "Site": lambda world: world.elsewhere,
    "Coverage": lambda world: Coverage.objects.create(patient=world.stranger, payer_name="Medicare"),
    "Referral": lambda world: make_referral(world.stranger),
    "ReferralPacket": lambda world: make_packet_of(make_referral(world.stranger)),
    "Appointment": lambda world: make_appointment(world.stranger),
    "WaitlistEntry": lambda world: make_waitlist_entry(world.stranger),
    "PriorAuthorization": lambda world: make_authorization(world.stranger),
    "AppealLetter": lambda world: make_letter(make_denial(make_authorization(world.stranger))),
    "AidApplication": lambda world: make_aid(world.stranger),
    "BenefitApplication": lambda world: make_benefit(world.stranger),
    "Problem": lambda world: Problem.objects.create(patient=world.stranger, name="x"),
    "ContactPoint": lambda world: make_phone(world.stranger),
    "RelatedPerson": lambda world: RelatedPerson.objects.create(
        patient=world.stranger, name="x", relationship="sister"
    ),
}
# Directories that belong to no site.
SHARED = {"Organization", "Payer", "Fund", "DenialCategory", "Service", "Practice"}


def inputs():
    """Every Strict serializer of the API."""
    for module in (
        appointments,
        authorizations,
        away,
        deliveries,
        documents,
        money,
        papers,
        patients,
        plans,
        referrals,
        tasks,
        waitlist,
    ):
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
        # Rows of the record that the address names: selectors.row_of looks them up inside it.
        "AnswerInError.requirement_check",
        "AttemptInError.attempt",
        "AppealDecided.appeal",
        "CallInError.call",
        "LineRemoved.bill_line",
        "MessageInError.message",
        "OfPaper.paper",
        "PaperAttached.paper",
        "PaperDropped.paper",
        "PaperFound.paper",
        "PaymentReversed.payment",
        "TalkHeld.talk",
        "GuardAnswer.existing",
    }
