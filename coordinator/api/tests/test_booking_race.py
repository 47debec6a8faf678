"""Must show: many book one hour over HTTP at once; one gets it, the others are told the next free times."""

import json
import threading
import urllib.error
import urllib.request
from collections import Counter

import pytest

from coordinator.api.tests.test_appointments import LIST, body, workday
from patients.tests.factories import make_patient
from scheduling.models import Appointment

AT_ONCE = 20


def post(url, token, data):
    """Status and answer of one HTTP call."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(data).encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def all_at_once(live_server, world, bodies):
    barrier, answers = threading.Barrier(len(bodies)), []

    def book(data):
        barrier.wait()
        answers.append(post(f"{live_server.url}{LIST}", world.caller.token, data))

    threads = [threading.Thread(target=book, args=(data,)) for data in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.fixture
def bodies(world):
    return [body(world, patient=str(make_patient(site=world.site).pk)) for _n in range(AT_ONCE)]


@pytest.mark.django_db(transaction=True)
def test_of_twenty_who_book_one_hour_exactly_one_gets_it(transactional_db, live_server, world, bodies):
    answers = all_at_once(live_server, world, bodies)
    assert Counter(status for status, _found in answers) == {201: 1, 409: AT_ONCE - 1}
    for status, found in answers:
        if status == 409:
            assert found["next_free"], found
            assert found["next_free"][0]["start"] > bodies[0]["start"][:10]
    assert Appointment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_sixteen_who_book_sixteen_free_hours_all_get_them(transactional_db, live_server, world, bodies):
    for number, data in enumerate(bodies[:16]):
        data["start"] = workday(8 + number // 2, 30 * (number % 2)).isoformat()
    answers = all_at_once(live_server, world, bodies[:16])
    assert Counter(status for status, _found in answers) == {201: 16}
    assert Appointment.objects.count() == 16
