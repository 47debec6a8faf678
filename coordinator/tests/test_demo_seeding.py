"""Making the demo: harmless when there are patients, refused in production, possible on any day of the week."""

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from coordinator.accounts.models import User
from coordinator.demo import DEMO_SIGN_INS
from coordinator.demo.seeding import seed
from patients.models import Patient
from patients.tests.factories import make_patient
from scheduling.models import Appointment
from scheduling.workflow import Status


@pytest.mark.django_db
def test_if_empty_leaves_a_database_with_patients_alone():
    make_patient()
    call_command("seed_demo", "--if-empty", verbosity=0)
    assert Patient.objects.count() == 1
    assert not User.objects.filter(email=DEMO_SIGN_INS[0].email).exists()


def test_the_demo_is_refused_in_production(settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="production"):
        call_command("seed_demo")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-22T03:10:00+00:00",
        "2026-11-27T18:00:00+00:00",
    ],  # the browser's tests make it on the day they run
    ids=["a Saturday night", "the day after Thanksgiving"],
)
def test_the_clinic_can_be_made_on_any_day(moment):
    now = timezone.datetime.fromisoformat(moment)
    seed(now=now)
    visits = Appointment.objects.all()
    assert visits.filter(status=Status.NO_SHOW).exists()
    assert visits.filter(status=Status.CANCELLED).exists()
    assert visits.filter(status=Status.RESCHEDULED).exists()
    assert visits.filter(status=Status.BOOKED, start__gt=now).exists()
    assert not visits.filter(status__in=["fulfilled", "no_show", "arrived"], start__gt=now).exists()
    if moment.startswith("2026-11-18"):
        assert visits.filter(status=Status.CHECKED_IN).exists()
