"""The waitlist through the API: who waits, which time is offered to whom, and what a yes and a no do."""

import pytest

from coordinator.api.tests.test_appointments import workday
from coordinator.api.tests.test_authorizations import KEY, Record
from coordinator.api.tests.test_schema import call_named, check
from patients.tests.factories import make_patient
from scheduling.models import Appointment, WaitlistEntry, WaitlistOffer
from scheduling.tests.factories import make_appointment, make_service, make_waitlist_entry

ENTRIES, OFFERS, TIMES = ("/api/v1/waitlist-entries/", "/api/v1/waitlist-offers/", "/api/v1/waitlist-times/")


@pytest.fixture
def freed(world):
    return make_appointment(
        make_patient(site=world.site), service=world.service, practitioner=world.practitioner,
        status="cancelled", start=workday(),
    )  # fmt: skip


def body(world, **fields):
    return {
        "patient": str(world.patient.pk),
        "service": str(world.service.pk),
        "site": str(world.site.pk),
        **fields,
    }


def waiting(world, **fields):
    return make_waitlist_entry(make_patient(site=world.site), service=world.service, **fields)


def offered(world, freed, **fields):
    made = world.caller.post(OFFERS, {"freed_by": str(freed.pk), **fields})
    assert made.status_code == 201, made.json()
    return Record(world.caller, f"{OFFERS}{made.json()['id']}/")


def test_somebody_waits_is_offered_a_time_and_says_yes(world, freed):
    wishes = {"practitioner": str(world.practitioner.pk), "weekdays": [1, 2, 3], "note": "Has a ride"}
    answers = [world.caller.post(ENTRIES, body(world, **wishes), headers=KEY) for _n in range(2)]
    assert [a.status_code for a in answers] == [201, 201], answers[0].json()
    entry = Record(world.caller, f"{ENTRIES}{WaitlistEntry.objects.get().pk}/")
    changed = world.caller.change(entry.where, {"part_of_day": "morning"}, entry.data["version"])
    assert changed.status_code == 200, changed.json()
    kept = {name: changed.json()[name] for name in (*wishes, "part_of_day", "since")}
    assert kept == wishes | {"part_of_day": "morning", "since": entry.data["since"]}
    times = world.caller.get(TIMES, {"site": str(world.site.pk)})
    check(times, call_named("waitlist_times"))
    (time,) = times.json()["results"]
    assert (time["freed_by"], time["first"]["entry"]) == (str(freed.pk), entry.data["id"])
    offer = offered(world, freed)
    assert offer.data["because"] == time["first"]["because"] != []
    assert world.caller.get(TIMES, {"site": str(world.site.pk)}).json()["results"] == [], "asked already"
    offer.take("accept")
    visit = Appointment.objects.get(pk=offer.data["appointment"])
    assert (visit.start, visit.patient, offer.data["status"]) == (freed.start, world.patient, "accepted")
    assert (entry.read()["status"], entry.data["appointment"]) == ("booked", str(visit.pk))
    assert entry.data["offers"][0]["status"] == "accepted"


def test_a_no_goes_on_to_the_next_and_then_to_nobody(world, freed):
    first, second = waiting(world, priority="urgent"), waiting(world)
    offer = offered(world, freed)
    assert offer.data["entry"] == str(first.pk)
    assert world.caller.post(OFFERS, {"freed_by": str(freed.pk)}).status_code == 409
    no = offer.send("decline", reason="Away that day")
    following = Record(world.caller, no["Location"].removeprefix("http://testserver"))
    assert (no.status_code, no.json(), following.data["entry"]) == (201, following.data, str(second.pk))
    assert (following.take("decline")["status"], following.data["appointment"]) == ("declined", None)
    assert WaitlistEntry.objects.filter(status="waiting").count() == 2


def test_a_time_is_offered_to_the_one_who_is_named_and_taken_back(world, freed):
    waiting(world, priority="urgent")
    second = waiting(world)
    offer = offered(world, freed, entry=str(second.pk))
    assert offer.data["entry"] == str(second.pk)
    offer.take("withdraw", reason="The provider is ill")
    offer = offered(world, freed, entry=str(second.pk))
    entry = Record(world.caller, f"{ENTRIES}{second.pk}/")
    entry.take("close", reason="Moved away")
    assert (entry.data["status"], offer.read()["status"]) == ("closed", "withdrawn")
    assert entry.take("reopen", reason="Came back")["status"] == "waiting"
    assert entry.send("enter_in_error", reason="Wrong patient").status_code == 204
    assert world.caller.get(entry.where).status_code == 404


def test_a_yes_to_a_time_that_is_taken_changes_nothing(world, freed):
    waiting(world)
    offer = offered(world, freed)
    make_appointment(
        make_patient(site=world.site), service=make_service(minutes=30), practitioner=world.practitioner,
        start=freed.start,
    )  # fmt: skip
    refused = offer.send("accept")
    check(refused, call_named("waitlist_offer_steps", "post"))
    assert (refused.status_code, refused.json()["kind"]) == (409, "practitioner_busy")
    assert offer.read()["status"] == "offered"
    assert WaitlistOffer.objects.get().status == "offered"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"weekdays": [7]}, "weekdays.0"),
        ({"earliest_on": "2027-02-02", "latest_on": "2027-02-01"}, "latest_on"),
        ({"part_of_day": "night"}, "part_of_day"),
        ({"priority": "stat"}, "priority"),
        ({"since": "2026-01-01T00:00:00Z"}, "since"),
        ({"service": None}, "service"),
    ],
)
def test_bad_wishes_are_refused_at_their_field(world, fields, field):
    refused = world.caller.post(ENTRIES, body(world, **fields))
    assert (refused.status_code, list(refused.json()["fields"])) == (400, [field])
    assert not WaitlistEntry.objects.exists()


def test_nobody_waits_twice_and_a_visit_that_stands_is_no_free_time(world):
    make_waitlist_entry(world.patient, service=world.service)
    assert world.caller.post(ENTRIES, body(world)).status_code == 409
    outside = make_service(is_outside=True)
    refused = world.caller.post(ENTRIES, body(world, service=str(outside.pk)))
    assert list(refused.json()["fields"]) == ["service"]
    visit = make_appointment(world.patient)
    assert world.caller.post(OFFERS, {"freed_by": str(visit.pk)}).status_code == 409
    assert world.caller.get(TIMES, {"site": str(world.elsewhere.pk)}).status_code == 400
