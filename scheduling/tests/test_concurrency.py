"""Promises under load, with real threads and real commits: no double booking, no wrong refusal, no deadlock shown."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections

from coordinator.db import Conflict
from coordinator.workflow import NotAllowed
from patients.models import Patient
from patients.tests.factories import make_patient
from scheduling.models import Appointment
from scheduling.services import book_appointment, cancel_appointment, reschedule_appointment
from scheduling.tests.clinic import MINUTE, NOW, Clinic, at, make_clinic
from scheduling.tests.factories import make_room
from scheduling.workflow import HOLDING, Status

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 12


@pytest.fixture
def busy_clinic(transactional_db: None) -> Clinic:
    clinic = make_clinic()
    for user in (clinic.coordinator, clinic.lead):
        user.site_ids  # noqa: B018  (read once, before the threads share the object)
    return clinic


def race(jobs: list[Callable[[], Any]], workers: int = WORKERS) -> Counter[str]:
    """Run all jobs at once and count what became of them: "ok" or the name of the exception."""
    gate = threading.Barrier(workers)
    waiting = threading.local()

    def run(job: Callable[[], Any]) -> str:
        try:
            if not getattr(waiting, "passed", False):
                waiting.passed = True
                gate.wait(timeout=10)
            job()
        except Exception as error:
            return type(error).__name__
        else:
            return "ok"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(workers) as pool:
        return Counter(pool.map(run, jobs))


def booking(clinic: Clinic, patient: Patient, start: Any, **fields: Any) -> Callable[[], Any]:
    return lambda: book_appointment(
        patient_id=patient.pk,
        service_id=clinic.service.pk,
        site_id=clinic.site.pk,
        practitioner_id=fields.get("practitioner_id", clinic.okafor.pk),
        room_id=fields.get("room_id"),
        start=start,
        override_reason=fields.get("override_reason", ""),
        by=fields.get("by", clinic.coordinator),
        now=NOW,
    )


def test_fifty_who_want_one_time_get_it_once(busy_clinic: Clinic) -> None:
    patients = [make_patient(site=busy_clinic.site) for _n in range(50)]
    start = at("2026-11-20")
    outcome = race([booking(busy_clinic, patient, start) for patient in patients])
    assert outcome == {"ok": 1, "Conflict": 49}
    assert Appointment.objects.filter(start=start, status=Status.BOOKED).count() == 1


def test_fifty_who_want_fifty_free_times_of_one_practitioner_all_get_theirs(busy_clinic: Clinic) -> None:
    starts = [at(f"2026-11-{day}", "08:00") + 30 * MINUTE * n for day in (19, 20, 23) for n in range(17)][:50]
    jobs = [booking(busy_clinic, make_patient(site=busy_clinic.site), start) for start in starts]
    began = time.monotonic()
    outcome = race(jobs)
    assert outcome == {"ok": 50}
    assert time.monotonic() - began < 15  # seconds; a lock that fails fast would refuse instead of waiting


def test_a_storm_on_three_resources_leaves_no_overlap_and_shows_no_deadlock(busy_clinic: Clinic) -> None:
    clinic = busy_clinic
    rooms = [make_room(clinic.site) for _n in range(2)]
    patients = [make_patient(site=clinic.site) for _n in range(4)]
    starts = [at("2026-11-20", "08:00") + 15 * MINUTE * n for n in range(12)]
    dice = random.Random(18)

    def one_more(seed: int) -> Callable[[], Any]:
        mine = random.Random(seed)

        def job() -> Any:
            start, what = mine.choice(starts), mine.random()
            booked = list(Appointment.objects.filter(status=Status.BOOKED).values_list("pk", flat=True))
            if what < 0.5 or not booked:
                room = mine.choice([None, *rooms])
                return booking(
                    clinic,
                    mine.choice(patients),
                    start,
                    practitioner_id=mine.choice([None, clinic.okafor.pk]),
                    room_id=room.pk if room else None,
                    by=clinic.lead,
                    override_reason="Storm",
                )()
            if what < 0.75:
                return reschedule_appointment(
                    appointment_id=mine.choice(booked),
                    start=start,
                    reason="Storm",
                    override_reason="Storm",
                    by=clinic.lead,
                    now=NOW,
                )
            return cancel_appointment(
                appointment_id=mine.choice(booked),
                cancelled_by="system",
                reason="Storm",
                by=clinic.lead,
                now=NOW,
            )

        return job

    outcome = race([one_more(dice.getrandbits(32)) for _n in range(150)])
    assert set(outcome) <= {"ok", "Conflict", "NotAllowed", "ValidationError"}, outcome
    assert outcome["ok"] > 20
    assert overlaps("practitioner_id") == overlaps("room_id") == 0
    assert overlaps("patient_id", patient_overlap_allowed=False) == 0


def overlaps(resource: str, **only: Any) -> int:
    """Pairs of visits that hold one resource at one time."""
    holding = Appointment.objects.filter(status__in=HOLDING, **{f"{resource}__isnull": False}, **only)
    rows = list(holding.values_list("pk", resource, "start", "end"))
    return sum(
        1
        for n, (_a, who, start, end) in enumerate(rows)
        for _b, other, other_start, other_end in rows[n + 1 :]
        if who == other and start < other_end and other_start < end
    )


def test_the_database_refuses_an_overlap_even_when_nobody_looked(busy_clinic: Clinic) -> None:
    """The judge is the exclusion constraint, not the look before."""
    visit = booking(busy_clinic, busy_clinic.patient, at("2026-11-20"))()
    copy = Appointment.objects.get(pk=visit.pk)
    copy.pk, copy.patient = None, make_patient(site=busy_clinic.site)
    with pytest.raises(Exception, match="appointment_practitioner_busy"):
        copy.save(force_insert=True)
    assert connection.in_atomic_block is False
    assert Appointment.objects.count() == 1


def test_a_lock_that_takes_too_long_is_a_sentence(busy_clinic: Clinic) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        from django.db import transaction

        from coordinator.db import advisory_lock

        try:
            with transaction.atomic():
                advisory_lock(("practitioner", busy_clinic.okafor.pk))
                held.set()
                done.wait(10)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(5)
    try:
        with connection.cursor() as cursor:
            cursor.execute("set lock_timeout = '200ms'")
        with pytest.raises(Conflict, match="try again"):
            booking(busy_clinic, busy_clinic.patient, at("2026-11-20"))()
    finally:
        done.set()
        thread.join()
        with connection.cursor() as cursor:
            cursor.execute("reset lock_timeout")


def test_two_who_cancel_one_visit_do_it_once(busy_clinic: Clinic) -> None:
    visit = booking(busy_clinic, busy_clinic.patient, at("2026-11-20"))()

    def cancel() -> None:
        cancel_appointment(
            appointment_id=visit.pk,
            cancelled_by="patient",
            reason="Ill",
            by=busy_clinic.coordinator,
            now=NOW,
        )

    outcome = race([cancel] * 4, workers=4)
    assert outcome == {"ok": 1, NotAllowed.__name__: 3}
