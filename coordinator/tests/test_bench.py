"""The benchmark's own pieces keep up with the models: data that obeys every rule, and a floor that answers."""

from __future__ import annotations

import json
import socket
import threading

import pytest
from django.db import connection

from bench import floor_sql as sql
from bench.generate import generate
from bench.load import Base, Request, run, volley
from careplans.models import ContactAttempt, Task, TaskInterval
from patients.models import ContactPoint, Patient
from patients.rules.text import fold
from referrals.models import AuthorizationLine, PriorAuthorization, Referral
from scheduling.models import Appointment

PATIENTS = 240


@pytest.mark.django_db
def test_the_generator_makes_a_clinic_that_obeys_every_rule():
    generate(PATIENTS, say=lambda _text: None)
    assert Patient.objects.count() == PATIENTS
    assert Task.objects.count() == TaskInterval.objects.count() == 4 * PATIENTS
    assert Appointment.objects.count() == PATIENTS
    assert ContactAttempt.objects.count() == 2 * PATIENTS
    assert Referral.objects.count() == PATIENTS
    assert PriorAuthorization.objects.count() == AuthorizationLine.objects.count() == PATIENTS * 6 // 10
    with connection.cursor() as cursor:
        # Foreign keys are not looked at while rows are made; they hold all the same.
        connection.check_constraints()
        cursor.execute(
            "select count(*) from pg_constraint where contype = 'x' and conrelid = 'scheduling_appointment'::regclass"
        )
        assert cursor.fetchone()[0] == 3
    for patient in Patient.objects.all()[:20]:
        assert (
            patient.search_name
            == fold(f"{patient.family_name} {patient.given_name}")
            == patient.make_search_name()
        )
    for task in Task.objects.select_related("patient")[:20]:
        assert task.site_id == task.patient.site_id
        task.clean_fields(exclude=["checklist", "cause_type"])
    _floor_answers()


def _floor_answers():
    """Every statement of the floor finds what the models say is there."""
    patient = Patient.objects.filter(status="active").order_by("pk").first()
    visit = Appointment.objects.order_by("start").first()
    phone = ContactPoint.objects.get(patient=patient)
    sites = [str(patient.site_id)]
    found = {}
    with connection.cursor() as cursor:
        for name, params in {
            "LIST": [sites],
            "SEARCH": [f"%{patient.search_name[:6]}%", sites],
            "PHONE": [sites, phone.normalized],
            "NUMBER": [patient.mrn, sites],
            "ONE": [str(patient.pk), sites],
            "DAY": [str(visit.site_id), visit.start, visit.end],
        }.items():
            cursor.execute(getattr(sql, name), params)
            found[name] = cursor.fetchall()
    assert len(found["LIST"]) == 20
    assert all(found.values())
    assert len(found["NUMBER"]) == len(found["ONE"]) == len(found["PHONE"]) == 1


# --- the load generator ----------------------------------------------------------------------------------


@pytest.fixture
def server():
    """Answers 200 with a body in two pieces, 409 for /taken, and closes the connection for /close."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection:
            while data := connection.recv(65536):
                path = data.split(b" ")[1]
                status = b"409 Conflict" if path == b"/taken" else b"200 OK"
                close = b"Connection: close\r\n" if path == b"/close" else b""
                connection.sendall(
                    b"HTTP/1.1 " + status + b"\r\nContent-Length: 10\r\n" + close + b"\r\n12345"
                )
                connection.sendall(b"67890")
                if close:
                    return

    def accept():
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield Base(f"http://127.0.0.1:{listener.getsockname()[1]}")
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def test_the_load_generator_counts_every_answer_on_kept_and_closed_connections(server):
    paths = ["/", "/close", "/taken"] * 20
    result = run(server, iter([server.request("GET", path) for path in paths]), clients=4, keep=True)
    assert dict(result.statuses) == {200: 40, 409: 20}
    assert not result.failures
    assert result.errors() == 20
    assert result.errors(fine=[409]) == 0
    assert {body for _tag, _status, body in result.answers} == {b"1234567890"}
    assert result.percentile(0.5) > 0


def test_a_volley_sends_all_at_once_and_says_who_got_what(server):
    wanted = [server.request("POST", "/taken" if n else "/", body={"n": n}, tag=str(n)) for n in range(10)]
    result = volley(server, wanted)
    assert sorted(result.answers)[0][:2] == ("0", 200)
    assert dict(result.statuses) == {200: 1, 409: 9}


def test_requests_carry_their_length_and_the_load_stays_on_this_machine():
    request: Request = Base("http://127.0.0.1:1").request("POST", "/x", body={"a": 1})
    head, _sep, body = request.data.partition(b"\r\n\r\n")
    assert json.loads(body) == {"a": 1}
    assert f"Content-Length: {len(body)}".encode() in head
    with pytest.raises(SystemExit, match="loopback"):
        Base("http://example.test/")
