"""Away times and the no-show list through the API: marked, the visits moved one by one, taken back; and put right."""

import datetime

from django.utils import timezone

from careplans.models import Task
from coordinator.accounts.roles import Role
from coordinator.api.tests.routes import make_away
from coordinator.api.tests.test_appointments import CENTRAL, workday
from coordinator.api.tests.test_authorizations import KEY
from coordinator.api.tests.test_schema import call_named, check
from coordinator.tests.factories import make_user
from scheduling.models import Appointment, Block
from scheduling.services import mark_no_show
from scheduling.tests.factories import make_appointment

AWAY, MISSED = "/api/v1/away-times/", "/api/v1/no-shows/"


def body(world, **fields):
    start = workday(0)
    return {
        "practitioner": str(world.practitioner.pk),
        "site": str(world.site.pk),
        "starts_at": start.isoformat(),
        "ends_at": (start + datetime.timedelta(days=1)).isoformat(),
        "reason": "Vacation",
        **fields,
    }


def test_a_provider_is_away_the_visits_are_moved_and_it_is_taken_back(world):
    visit = make_appointment(
        world.patient, practitioner=world.practitioner, service=world.service, start=workday()
    )
    answers = [world.caller.post(AWAY, body(world), headers=KEY) for _n in range(2)]
    assert [a.status_code for a in answers] == [201, 201], answers[0].json()
    check(answers[0], call_named("away_times", "post"))
    block = Block.objects.get()
    assert world.caller.post(AWAY, body(world)).status_code == 409
    assert [row["id"] for row in world.caller.get(AWAY).json()["results"]] == [str(block.pk)]
    read = world.caller.get(f"{AWAY}{block.pk}/")
    check(read, call_named("away_time"))
    (row,) = read.json()["visits"]
    assert row["appointment"] == str(visit.pk)
    chosen = row["choices"][0]
    move = {"appointment": str(visit.pk), "start": chosen["start"], "practitioner": chosen["practitioner"]}
    moved = world.caller.post(f"{AWAY}{block.pk}/moves/", {"moves": [move, move]})
    check(moved, call_named("away_time_moves", "post"))
    first, second = moved.json()["results"]
    new = Appointment.objects.get(pk=first["replaced_by"])
    assert (first["done"], new.replaces, new.start.isoformat()[:16]) == (True, visit, chosen["start"][:16])
    assert (second["done"], second["detail"] != "") == (False, True)
    assert Task.objects.open().filter(cause_id=new.pk, title__startswith="Tell the patient").count() == 1
    assert world.caller.get(f"{AWAY}{block.pk}/").json()["visits"] == []
    assert world.caller.post(f"{AWAY}{block.pk}/back/").status_code == 204
    assert world.caller.get(f"{AWAY}{block.pk}/").status_code == 404


def test_what_somebody_else_marked_is_not_taken_back_and_another_patients_visit_not_moved(world):
    block = make_away(
        world.site, practitioner=world.practitioner, created_by=make_user(Role.MANAGER, site=world.site)
    )
    assert world.caller.post(f"{AWAY}{block.pk}/back/").status_code == 403
    foreign = make_appointment(world.stranger, practitioner=world.practitioner, start=block.starts_at)
    move = {
        "appointment": str(foreign.pk),
        "start": block.ends_at,
        "practitioner": str(world.practitioner.pk),
    }
    refused = world.caller.post(f"{AWAY}{block.pk}/moves/", {"moves": [move]})
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["moves.0.appointment"])
    assert Block.objects.get() == block


def test_an_end_before_the_start_or_in_the_past_is_named(world):
    past = timezone.now() - datetime.timedelta(days=3)
    for fields in (
        {"ends_at": body(world)["starts_at"]},
        {"starts_at": past.isoformat(), "ends_at": (past + datetime.timedelta(hours=1)).isoformat()},
    ):
        refused = world.caller.post(AWAY, body(world, **fields))
        assert (refused.status_code, list(refused.json()["fields"])) == (400, ["ends_at"])
    assert not Block.objects.exists()


def test_the_no_show_list_of_a_day_names_the_follow_up_and_the_way_back(world):
    day = timezone.localdate(timezone=CENTRAL) - datetime.timedelta(days=2)
    start = datetime.datetime.combine(day, datetime.time(10), CENTRAL)
    missed = make_appointment(world.patient, practitioner=world.practitioner, start=start)
    unmarked = make_appointment(world.patient, start=start + datetime.timedelta(hours=2))
    mark_no_show(appointment_id=missed.pk, reason="", by=make_user(site=world.site), now=timezone.now())
    answer = world.caller.get(MISSED, {"site": str(world.site.pk), "date": str(day)})
    check(answer, call_named("no_shows"))
    rows = {row["appointment"]: row for row in answer.json()["results"]}
    first, second = rows[str(missed.pk)], rows[str(unmarked.pk)]
    assert (first["state"], second["state"]) == ("missed", "to_mark")
    assert Task.objects.open().get(pk=first["task"]).cause_id == missed.pk
    assert "correct_no_show" in first["steps"]
    missed.refresh_from_db()
    put_right = world.caller.step(
        f"/api/v1/appointments/{missed.pk}/steps/",
        {"step": "correct_no_show", "to": "fulfilled", "reason": "They were in the other room"},
        missed.version,
    )
    assert put_right.status_code == 200, put_right.json()
    left = world.caller.get(MISSED, {"site": str(world.site.pk), "date": str(day)}).json()["results"]
    assert [row["appointment"] for row in left] == [str(unmarked.pk)]
    assert "date" in world.caller.get(MISSED, {"site": str(world.site.pk)}).json()
