import datetime

import pytest
from django.utils import timezone

from coordinator.tests.factories import make_organization, make_practitioner, make_user
from patients.models import Problem
from patients.tests.factories import make_document
from referrals.models import Referral
from referrals.tests.factories import make_referral

LIST = "/api/v1/referrals/"


@pytest.fixture
def draft(world):
    made = world.caller.post(
        LIST,
        {
            "patient": str(world.patient.pk),
            "specialty": "Cardiology",
            "reason": "Swelling despite water pill",
            "urgency": "urgent",
            "requester": str(world.practitioner.pk),
            "recipient_organization": str(make_organization().pk),
            "clinical_question": "Is it the heart?",
        },
    )
    assert made.status_code == 201, made.json()
    return made.json()


def address(record, rest=""):
    return f"{LIST}{record['id']}/{rest}"


def test_a_referral_is_written_with_a_number_an_owner_and_a_date(world, draft):
    assert draft["reference"].startswith("R-")
    assert draft["owner"] or draft["team"]
    assert draft["due_at"]
    assert "send" in draft["steps"]
    assert world.caller.get(address(draft)).json()["reference"] == draft["reference"]


def test_a_second_one_for_the_specialty_is_a_conflict_that_names_the_first(world, draft):
    again = {"patient": str(world.patient.pk), "specialty": "cardiology", "reason": "x"}
    refused = world.caller.post(LIST, again)
    assert (refused.status_code, refused.json()["similar"]) == (409, [draft["id"]])
    assert world.caller.post(LIST, again | {"duplicate_reason": "Second opinion"}).status_code == 201


def test_a_referral_goes_from_draft_to_a_closed_loop(world, draft):
    version, today = draft["version"], timezone.localdate(timezone=world.site.tzinfo)
    for step in (
        {"step": "send", "channel": "fax"},
        {"step": "schedule", "visit_at": f"{today + datetime.timedelta(days=70)}T15:00:00Z"},
        {"step": "complete", "seen_on": today.isoformat(), "report": str(make_document(world.patient).pk)},
    ):
        done = world.caller.step(address(draft, "steps/"), step, version)
        assert done.status_code == 200, done.json()
        version = done.json()["version"]
    early = world.caller.step(address(draft, "facts/"), {"fact": "tell_patient"}, version)
    assert (early.status_code, early.json()["code"]) == (409, "not_allowed")
    for fact in ("review", "tell_patient"):
        told = world.caller.step(address(draft, "facts/"), {"fact": fact}, version)
        assert told.status_code == 200, told.json()
        version = told.json()["version"]
    assert told.json()["loop_closed_at"]
    assert world.caller.get(LIST, {"loop_closed": "false"}).json()["results"] == []


def test_what_a_step_needs_is_named(world, draft):
    where = address(draft, "steps/")
    for step, field in (
        ("send", "channel"),
        ("decline", "outcome_reason"),
        ("assign", "owner"),
        ("withdraw", "reason"),
    ):
        refused = world.caller.step(where, {"step": step}, draft["version"])
        assert refused.status_code == 400
        assert field in refused.json()["fields"]
    assert world.caller.step(where, {"step": "accept"}, draft["version"]).status_code == 409


def test_a_referral_is_handed_to_a_colleague_only(world, draft):
    stranger, colleague = make_user(site=world.elsewhere), make_user(site=world.site)
    where = address(draft, "steps/")
    assert (
        world.caller.step(where, {"step": "assign", "owner": stranger.pk}, draft["version"]).status_code
        == 400
    )
    given = world.caller.step(where, {"step": "assign", "owner": colleague.pk}, draft["version"])
    assert given.json()["owner"] == colleague.pk


def test_everything_a_referral_names_is_looked_up_as_the_client_may_see_it(world):
    base = {"patient": str(world.patient.pk), "specialty": "Cardiology", "reason": "x"}
    foreign = {
        "patient": world.stranger.pk,
        "problem": Problem.objects.create(patient=world.stranger, name="x").pk,
        "requester": make_practitioner(site=world.elsewhere).pk,
        "owner": make_user(site=world.elsewhere).pk,
    }
    for name, key in foreign.items():
        missing = 2**40 if isinstance(key, int) else str(world.site.pk)
        answers = [world.caller.post(LIST, base | {name: k}) for k in (str(key), missing)]
        assert [a.status_code for a in answers] == [400, 400], name
        assert answers[0].content == answers[1].content, name
    assert not Referral.objects.exists()


def test_the_problem_must_be_the_patients_own(world):
    from patients.tests.factories import make_patient

    other = Problem.objects.create(patient=make_patient(site=world.site), name="x")
    body = {"patient": str(world.patient.pk), "specialty": "x", "reason": "x", "problem": str(other.pk)}
    assert list(world.caller.post(LIST, body).json()["fields"]) == ["problem"]


def test_the_list_is_narrowed_by_its_filters(world, draft):
    make_referral(world.stranger)
    other = make_referral(world.patient, specialty="Dentistry", status="sent", urgency="stat")
    assert len(world.caller.get(LIST).json()["results"]) == 2
    for query in (
        {"status": "sent"},
        {"urgency": "stat"},
        {"specialty": "dentistry"},
        {"owner": other.owner_id},
    ):
        assert [r["id"] for r in world.caller.get(LIST, query).json()["results"]] == [str(other.pk)], query


def test_another_sites_referral_is_not_there(world):
    foreign = make_referral(world.stranger)
    where = f"{LIST}{foreign.pk}/"
    answers = [
        world.caller.get(where),
        world.caller.step(f"{where}steps/", {"step": "make_ready"}, 1),
        world.caller.step(f"{where}facts/", {"fact": "review"}, 1),
    ]
    assert [a.status_code for a in answers] == [404, 404, 404]


def test_the_number_of_queries_does_not_grow(world, draft, django_assert_num_queries):
    world.caller.get(LIST)
    with django_assert_num_queries(2):
        world.caller.get(LIST)
    for _n in range(20):
        make_referral(world.patient)
    with django_assert_num_queries(2):
        assert len(world.caller.get(LIST).json()["results"]) == 21
