import datetime
import threading

import pytest
from django.db import connection, connections
from django.utils import timezone

from careplans.models import Task
from coordinator.api.models import IdempotencyKey
from coordinator.api.services import forget_old_answers
from coordinator.api.tests.factories import Caller, make_caller
from patients.models import Patient

TASKS = "/api/v1/tasks/"
KEY = {"Idempotency-Key": "a7f1"}


@pytest.fixture
def body(world):
    return {"title": "Call the pharmacy", "site": str(world.site.pk)}


def test_a_call_sent_again_does_nothing_again_and_gets_the_first_answer(world, body):
    first = world.caller.post(TASKS, body, headers=KEY)
    again = world.caller.post(TASKS, body, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (first["ETag"], first["Location"]) == (again["ETag"], again["Location"])
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert Task.objects.count() == 1


def test_another_body_or_address_with_the_key_is_refused(world, body):
    world.caller.post(TASKS, body, headers=KEY)
    for path, given in ((TASKS, body | {"title": "x"}), ("/api/v1/referrals/", body)):
        refused = world.caller.post(path, given, headers=KEY)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert Task.objects.count() == 1


def test_without_a_key_the_call_is_done_twice(world, body):
    world.caller.post(TASKS, body)
    world.caller.post(TASKS, body)
    assert Task.objects.count() == 2


def test_a_refusal_is_not_kept(world):
    where, headers = f"/api/v1/patients/{world.patient.pk}/", KEY | {"If-Match": '"2"'}
    assert world.caller.patch(where, {"preferred_name": "Lena"}, headers=headers).status_code == 412
    assert not IdempotencyKey.objects.exists()
    Patient.objects.filter(pk=world.patient.pk).update(version=2)
    assert world.caller.patch(where, {"preferred_name": "Lena"}, headers=headers).status_code == 200


def test_a_repeated_step_gets_its_first_answer_although_the_version_went_on(world, body):
    task = world.caller.post(TASKS, body).json()
    where, headers = f"{TASKS}{task['id']}/steps/", KEY | {"If-Match": f'"{task["version"]}"'}
    first = world.caller.post(where, {"step": "complete"}, headers=headers)
    again = world.caller.post(where, {"step": "complete"}, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert (first.json(), first["ETag"]) == (again.json(), again["ETag"])


def test_an_answer_without_a_body_is_kept_too(world):
    where, headers = f"/api/v1/patients/{world.patient.pk}/steps/", KEY | {"If-Match": '"1"'}
    step = {"step": "enter_in_error", "reason": "Test entry"}
    answers = [world.caller.post(where, step, headers=headers) for _n in range(2)]
    assert [(a.status_code, a.content) for a in answers] == [(204, b"")] * 2


def test_each_client_has_its_own_keys(world, body):
    other = make_caller(world.site)
    world.caller.post(TASKS, body, headers=KEY)
    assert "Idempotency-Replayed" not in other.post(TASKS, body, headers=KEY)
    assert Task.objects.count() == 2


def test_a_client_that_lost_a_site_does_not_get_the_kept_answer(world, body):
    world.caller.post(TASKS, body, headers=KEY)
    world.caller.account.sites.set([world.elsewhere])
    assert world.caller.post(TASKS, body, headers=KEY).status_code == 422


@pytest.mark.parametrize("key", ["", "x" * 101, "a\tb", "schlüssel"])
def test_a_key_that_is_none_is_refused(world, body, key):
    refused = world.caller.post(TASKS, body, headers={"Idempotency-Key": key})
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["Idempotency-Key"])


def test_answers_are_kept_for_thirty_days(world, body):
    now = timezone.now()
    world.caller.post(TASKS, body, headers=KEY)
    assert forget_old_answers(now=now + datetime.timedelta(days=29)) == 0
    assert forget_old_answers(now=now + datetime.timedelta(days=31)) == 1


@pytest.mark.django_db(transaction=True)
def test_duplicates_at_the_same_moment_wait_and_take_effect_once(transactional_db, world, body):
    barrier, answers = threading.Barrier(8), []

    def send():
        caller = Caller()
        caller.credentials(HTTP_AUTHORIZATION=f"Bearer {world.caller.token}")
        barrier.wait()
        answers.append(caller.post(TASKS, body, headers=KEY))
        connections.close_all()

    threads = [threading.Thread(target=send) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer for answer in answers) == 7
    assert Task.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_duplicate_of_a_call_that_takes_too_long_is_told_to_try_again(transactional_db, world, body):
    digest = "0" * 64
    other = connections.create_connection("default")
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute(
            "insert into api_idempotencykey (client_id, key, request_hash, headers, created_at)"
            " values (%s, %s, %s, '{}', now())",
            [world.caller.record.pk, KEY["Idempotency-Key"], digest],
        )
    with connection.cursor() as cursor:
        cursor.execute("set lock_timeout = '100ms'")
    try:
        busy = world.caller.post(TASKS, body, headers=KEY)
    finally:
        other.rollback()
        other.close()
        connection.close()
    assert (busy.status_code, busy.json()["code"]) == (409, "conflict")
    assert not Task.objects.exists()
