import datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from careplans.models import Task
from coordinator.tests.factories import make_practitioner, make_user
from patients.tests.factories import make_patient
from referrals.tests.factories import make_referral
from scheduling.models import Appointment
from scheduling.tests.factories import make_appointment, make_availability, make_room, make_service

LIST = "/api/v1/appointments/"
FREE = f"{LIST}free-times/"
CENTRAL = ZoneInfo("America/Chicago")


def workday(hour=10, minute=0, after=7):
    """An hour on an open day at least a week ahead, Central time; no federal holiday falls on a Tuesday to Thursday
    between the 2nd and the 10th of a month other than January, July or November."""
    day = timezone.localdate() + datetime.timedelta(days=after)
    while not (day.weekday() in (1, 2, 3) and 2 <= day.day <= 10 and day.month not in (1, 7, 11)):
        day += datetime.timedelta(days=1)
    return datetime.datetime.combine(day, datetime.time(hour, minute), CENTRAL)


def body(world, start=None, **fields):
    return {
        "patient": str(world.patient.pk),
        "service": str(world.service.pk),
        "site": str(world.site.pk),
        "practitioner": str(world.practitioner.pk),
        "start": (start or workday()).isoformat(),
        **fields,
    }


def address(record, rest=""):
    return f"{LIST}{record['id']}/{rest}"


@pytest.fixture
def visit(world):
    made = world.caller.post(LIST, body(world))
    assert made.status_code == 201, made.json()
    return made.json()


def test_a_visit_is_booked_for_the_services_minutes(world, visit):
    start, end = (datetime.datetime.fromisoformat(visit[name]) for name in ("start", "end"))
    assert end - start == datetime.timedelta(minutes=30)
    assert visit["start"].endswith("Z")
    assert (visit["status"], visit["version"]) == ("booked", 1)
    made = Appointment.objects.get(pk=visit["id"])
    assert (made.created_by, made.patient) == (world.caller.account, world.patient)
    read = world.caller.get(address(visit))
    assert (read["ETag"], read.json()) == (
        '"1"',
        visit | {n: read.json()[n] for n in ("created_at", "updated_at")},
    )


def test_a_taken_time_is_a_conflict_that_offers_the_next_free_ones(world, visit):
    other = make_patient(site=world.site)
    refused = world.caller.post(LIST, body(world, patient=str(other.pk)))
    found = refused.json()
    assert (refused.status_code, found["code"], found["kind"]) == (409, "conflict", "practitioner_busy")
    assert found["needs_reason"] is False
    first = found["next_free"][0]
    assert set(first) == {"start", "end", "practitioner", "practitioner_name"}
    assert first["start"] == visit["end"]
    booked = world.caller.post(LIST, body(world, patient=str(other.pk)) | {"start": first["start"]})
    assert booked.status_code == 201


def test_what_only_a_lead_may_override_is_refused_to_a_client(world):
    late = world.caller.post(LIST, body(world, workday(20), override_reason="Only then"))
    assert (late.status_code, late.json()["kind"]) == (409, "outside_availability")


def test_a_second_visit_for_the_same_need_asks_for_a_reason(world, visit):
    again = world.caller.post(LIST, body(world, workday(13)))
    assert (again.status_code, again.json()["needs_reason"]) == (409, True)
    reasoned = world.caller.post(LIST, body(world, workday(13), override_reason="Blood test first"))
    assert reasoned.status_code == 201
    assert reasoned.json()["override_reason"] == "Blood test first"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"start": "2020-01-01T10:00:00Z"}, "start"),
        ({"start": "2027-02-03T10:00:00"}, "start"),
        ({"start": "9999-12-31T23:59:59Z"}, "start"),
        ({"start": 5}, "start"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 10**30}, "minutes"),
        ({"patient": "1"}, "patient"),
        ({"patient": None}, "patient"),
        ({"status": "fulfilled"}, "status"),
        ({"overlap_allowed": True}, "overlap_allowed"),
        ({"end": "2027-02-03T10:00:00Z"}, "end"),
        ({"reason": "x" * 251}, "reason"),
        ({"priority": "vip"}, "priority"),
    ],
)
def test_bad_input_is_named(world, change, field):
    refused = world.caller.post(LIST, body(world) | change)
    assert (refused.status_code, list(refused.json()["fields"])) == (400, [field])
    assert not Appointment.objects.exists()


def test_everything_a_booking_names_is_looked_up_as_the_client_may_see_it(world):
    foreign = {
        "patient": world.stranger.pk,
        "site": world.elsewhere.pk,
        "practitioner": make_practitioner(site=world.elsewhere).pk,
        "room": make_room(world.elsewhere).pk,
        "referral": make_referral(world.stranger).pk,
    }
    for name, key in foreign.items():
        answers = [world.caller.post(LIST, body(world) | {name: str(k)}) for k in (key, world.service.pk)]
        assert [a.status_code for a in answers] == [400, 400], name
        assert answers[0].content == answers[1].content, name
        assert list(answers[0].json()["fields"]) == [name]
    assert not Appointment.objects.exists()


def test_a_provider_of_another_site_who_takes_visits_here_can_be_booked(world):
    visiting = make_practitioner(site=world.elsewhere)
    for weekday in range(7):
        visiting.availability.create(site=world.site, weekday=weekday, starts="08:00", ends="17:00")
    assert world.caller.post(LIST, body(world, practitioner=str(visiting.pk))).status_code == 201


def test_moving_a_visit_answers_with_the_new_one(world, visit):
    start = workday(14).isoformat()
    where = address(visit, "steps/")
    moved = world.caller.step(where, {"step": "reschedule", "start": start, "reason": "Asked for later"}, 1)
    assert moved.status_code == 201, moved.json()
    assert moved.json()["replaces"] == visit["id"]
    assert moved.json()["practitioner"] == visit["practitioner"]
    assert moved["Location"].endswith(address(moved.json()))
    old = world.caller.get(address(visit)).json()
    assert (old["status"], old["version"]) == ("rescheduled", 2)
    tell = Task.objects.get(title="Tell the patient: the visit was moved")
    assert str(tell.cause_id) == moved.json()["id"]


def test_a_patient_who_agreed_to_the_new_time_is_not_told_of_it(world, visit):
    step = {"step": "reschedule", "start": workday(14).isoformat(), "reason": "Asked for later"}
    assert world.caller.step(address(visit, "steps/"), step | {"patient_agreed": True}, 1).status_code == 201
    assert not Task.objects.exists()


def test_a_visit_that_cannot_be_moved_stays(world, visit):
    taken = make_patient(site=world.site)
    world.caller.post(LIST, body(world, workday(15), patient=str(taken.pk)))
    step = {"step": "reschedule", "start": workday(15).isoformat(), "reason": "Later"}
    refused = world.caller.step(address(visit, "steps/"), step, 1)
    assert (refused.status_code, bool(refused.json()["next_free"])) == (409, True)
    assert world.caller.get(address(visit)).json()["status"] == "booked"


def test_cancelling_and_taking_it_back(world, visit):
    where = address(visit, "steps/")
    unsaid = world.caller.step(where, {"step": "cancel", "reason": "x"}, 1)
    assert list(unsaid.json()["fields"]) == ["cancelled_by"]
    gone = world.caller.step(where, {"step": "cancel", "cancelled_by": "patient", "reason": "Away"}, 1)
    assert (gone.status_code, gone.json()["status"]) == (200, "cancelled")
    assert "undo_cancel" in gone.json()["steps"]
    back = world.caller.step(where, {"step": "undo_cancel"}, 2)
    assert (back.json()["status"], back.json()["cancelled_by"]) == ("booked", "")


def test_a_missed_visit_is_marked_and_corrected(world):
    missed = make_appointment(
        world.patient,
        practitioner=world.practitioner,
        service=world.service,
        start=timezone.now() - datetime.timedelta(hours=2),
    )
    where = f"{LIST}{missed.pk}/steps/"
    marked = world.caller.step(where, {"step": "mark_no_show"}, 1)
    assert marked.status_code == 200, marked.json()
    assert marked.json()["status"] == "no_show"
    seen = world.caller.step(where, {"step": "correct_no_show", "to": "fulfilled", "reason": "Was there"}, 2)
    assert seen.json()["status"] == "fulfilled"


def test_a_visit_on_a_later_day_cannot_arrive(world, visit):
    early = world.caller.step(address(visit, "steps/"), {"step": "arrive"}, 1)
    assert (early.status_code, early.json()["code"]) == (409, "not_allowed")


def test_the_list_is_narrowed_by_its_filters(world, visit):
    elsewhere = make_appointment(world.stranger)
    later = make_appointment(
        make_patient(site=world.site),
        practitioner=make_practitioner(site=world.site),
        service=make_service(),
        start=workday(16) + datetime.timedelta(days=40),
        status="pending",
    )
    rows = [row["id"] for row in world.caller.get(LIST).json()["results"]]
    assert rows == [visit["id"], str(later.pk)]
    between = (
        (workday(16) + datetime.timedelta(days=1)).astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    for query, wanted in (
        ({"practitioner": world.practitioner.pk}, visit["id"]),
        ({"patient": world.patient.pk}, visit["id"]),
        ({"service": world.service.pk}, visit["id"]),
        ({"status": ["pending"]}, str(later.pk)),
        ({"from": between}, str(later.pk)),
        ({"to": between}, visit["id"]),
    ):
        found = [row["id"] for row in world.caller.get(LIST, query).json()["results"]]
        assert found == [wanted], query
    assert world.caller.get(LIST, {"site": elsewhere.site_id}).json()["results"] == []


def test_free_times_are_those_that_can_be_booked(world):
    day = workday().date()
    query = {"service": world.service.pk, "site": world.site.pk, "from": day, "patient": world.patient.pk}
    found = world.caller.get(FREE, query)
    assert found.status_code == 200, found.json()
    first = found.json()["results"][0]
    assert first["practitioner"] == str(world.practitioner.pk)
    assert world.caller.post(LIST, body(world) | {"start": first["start"]}).status_code == 201
    left = world.caller.get(FREE, query).json()
    assert first["start"] not in [t["start"] for t in left["results"] if not t["patient_is_busy"]]
    assert left["total"] < found.json()["total"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"site": "ELSEWHERE"}, "site"),
        ({"service": "ELSEWHERE"}, "service"),
        ({"from": "tomorrow"}, "from"),
        ({"to": "2199-12-31"}, "to"),
        ({"to": "1999-12-31"}, "to"),
        ({"limit": 0}, "limit"),
        ({"color": "red"}, "color"),
    ],
)
def test_a_wrong_question_for_free_times_is_named(world, change, field):
    query = {"service": world.service.pk, "site": world.site.pk, "from": workday().date()} | change
    query = {k: world.elsewhere.pk if v == "ELSEWHERE" else v for k, v in query.items()}
    refused = world.caller.get(FREE, query)
    assert (refused.status_code, list(refused.json()["fields"])) == (400, [field])


def test_another_sites_visit_is_not_there(world):
    foreign = make_appointment(world.stranger)
    where = f"{LIST}{foreign.pk}/"
    step = {"step": "cancel", "cancelled_by": "patient", "reason": "x"}
    answers = [world.caller.get(where), world.caller.step(f"{where}steps/", step, 1)]
    assert [a.status_code for a in answers] == [404, 404]
    assert Appointment.objects.get().status == "booked"


def test_the_numbers_of_queries_are_small_and_do_not_grow(world, visit, django_assert_max_num_queries):
    world.caller.get(LIST)
    make_availability(make_practitioner(site=world.site))
    query = {"service": world.service.pk, "site": world.site.pk, "from": workday().date()}
    world.caller.get(FREE, query)
    with django_assert_max_num_queries(2):
        world.caller.get(LIST)
    with django_assert_max_num_queries(6):
        world.caller.get(FREE, query)
    for n in range(20):
        make_appointment(
            world.patient,
            practitioner=make_practitioner(site=world.site),
            service=world.service,
            start=workday(9) + datetime.timedelta(days=60 + n),
        )
    with django_assert_max_num_queries(2):
        assert len(world.caller.get(LIST).json()["results"]) == 21


def test_a_client_is_no_owner_of_work(world):
    """The account behind a client never turns up where colleagues are chosen."""
    assert make_user(site=world.site).name in str(world.caller.get("/api/v1/staff/").json())
    assert world.caller.account.name not in str(world.caller.get("/api/v1/staff/").json())


def test_free_times_tell_nothing_about_a_patient_of_another_site(world):
    start, foreign = workday(), make_patient()
    make_appointment(foreign, site=foreign.site, start=start)
    asked = {"service": world.service.pk, "site": world.site.pk, "from": start.date().isoformat()}
    found = world.caller.get(FREE, asked | {"patient": foreign.pk}).json()["results"]
    assert found
    assert not any(time["patient_is_busy"] for time in found)
