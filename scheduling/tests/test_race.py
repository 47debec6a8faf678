"""Many browsers want the same hour at the same moment, over HTTP. bench/race.py does it at full size."""

import http.client
import re
import threading
from collections import Counter
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from patients.tests.factories import make_patient
from scheduling.models import Appointment
from scheduling.selectors.slots import next_free
from scheduling.tests.clinic import Clinic, make_clinic

CSRF = "r" * 32
PEOPLE, ROUNDS = 12, 2


@pytest.fixture
def clinic(transactional_db: None) -> Clinic:
    return make_clinic()


def test_one_of_many_gets_the_hour_and_the_rest_get_the_next_free_times(
    clinic: Clinic, live_server: Any
) -> None:
    browser = Client()
    browser.force_login(clinic.coordinator)
    session = browser.cookies["sessionid"].value
    patients = [make_patient(site=clinic.site) for _n in range(PEOPLE)]
    now = timezone.now()
    free = next_free(site_id=clinic.site.pk, service_id=clinic.service.pk, after=now, now=now, n=ROUNDS * 10)
    for start in [free[0]["start"], free[5]["start"]]:
        answers = volley(
            live_server, session, clinic, patients, f"{start:%Y-%m-%dT%H:%MZ}~{clinic.okafor.pk}"
        )
        assert Counter(status for status, _body in answers) == {302: 1, 409: PEOPLE - 1}
        for status, body in answers:
            if status == 409:
                assert b"next-free" in body
                assert re.search(rb'name="slot" value="[^"]+" [^>]*checked', body)
        assert Appointment.objects.filter(start=start, status="booked").count() == 1
        patients = [make_patient(site=clinic.site) for _n in range(PEOPLE)]
    connections.close_all()


def volley(
    server: Any, session: str, clinic: Clinic, patients: list[Any], slot: str
) -> list[tuple[int, bytes]]:
    """One booking of the same time for each patient, all sent at once."""
    gate, answers = threading.Barrier(len(patients)), []

    def send(patient: Any) -> None:
        line = http.client.HTTPConnection(server.thread.host, server.thread.port, timeout=60)
        form = {
            "patient": patient.pk,
            "visit": clinic.service.pk,
            "site": clinic.site.pk,
            "first": timezone.localdate(),
            "last": timezone.localdate(),
            "slot": slot,
        }
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": f"sessionid={session}; csrftoken={CSRF}",
            "X-CSRFToken": CSRF,
        }
        gate.wait(30)
        line.request("POST", reverse("scheduling:book"), urlencode(form), headers)
        response = line.getresponse()
        answers.append((response.status, response.read()))
        line.close()

    threads = [threading.Thread(target=send, args=(patient,)) for patient in patients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
