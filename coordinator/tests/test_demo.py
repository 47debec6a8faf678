"""The demo clinic: alive on every main page for each of its people, and harmless when made again."""

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from careplans.models import CarePlan, Task
from careplans.rules import Group, group_of
from coordinator.accounts.models import User
from coordinator.accounts.roles import Role
from coordinator.context import ADMINISTRATION, NEW, PLACES, may_open
from coordinator.demo import DEMO_SIGN_INS, PASSWORD
from patients.models import AllergyStatus, Patient
from referrals.models import PriorAuthorization, Referral
from scheduling.models import Appointment

MODELS = (Patient, Task, CarePlan, Referral, PriorAuthorization, Appointment, User)


def counted():
    return {model.__name__: model.objects.count() for model in MODELS}


@pytest.fixture(scope="module")
def demo(django_db_setup, django_db_blocker):
    """The clinic once for all tests here, taken back at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("seed_demo", verbosity=0)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def person(demo, request, django_db_blocker):
    with django_db_blocker.unblock():
        yield User.objects.get(email=request.param.email)


by_role = pytest.mark.parametrize("person", DEMO_SIGN_INS, ids=lambda s: s.role, indirect=True)


def test_seeding_twice_changes_nothing(demo, django_db_blocker, capsys):
    with django_db_blocker.unblock():
        before = counted()
        call_command("seed_demo")
        call_command("seed_demo", "--if-empty")
        assert counted() == before
    assert "nothing was added" in capsys.readouterr().out


@by_role
def test_everybody_can_sign_in_with_the_printed_password(person):
    assert person.check_password(PASSWORD)
    assert person.is_active


def test_there_is_one_sign_in_for_each_of_the_six_roles(demo, django_db_blocker):
    with django_db_blocker.unblock():
        roles = [User.objects.get(email=entry.email).role for entry in DEMO_SIGN_INS]
    assert roles == [
        Role.COORDINATOR,
        Role.LEAD,
        Role.MANAGER,
        Role.PROVIDER,
        Role.ADMINISTRATOR,
        Role.AUDITOR,
    ]


def pages_of(user):
    """Every place of the frame and a page of each kind of record, with those this person may open."""
    records = {
        "dashboard:patient_summary": Patient.objects.get(mrn="004812907"),
        "careplans:task_detail": Task.objects.open().first(),
        "careplans:plan_detail": CarePlan.objects.first(),
        "referrals:referral_detail": Referral.objects.first(),
        "scheduling:appointment_detail": Appointment.objects.first(),
    }
    for name in [item.name for item in (*PLACES, *ADMINISTRATION, *NEW)]:
        if path := may_open(user, name):
            yield path
    for name, record in records.items():
        if path := may_open(user, name, record.pk):
            yield path


@by_role
def test_every_main_page_answers_for_every_role(person):
    client = Client()
    client.force_login(person)
    pages = list(pages_of(person))
    assert pages
    for path in pages:
        answer = client.get(path, follow=True)
        assert answer.status_code == 200, path


def test_every_place_of_the_frame_exists():
    for item in (*PLACES, *ADMINISTRATION):
        try:
            reverse(item.name)
        except NoReverseMatch:
            pytest.fail(f"{item.name} leads nowhere")


def test_the_worklist_of_the_coordinator_has_every_group(demo, django_db_blocker):
    with django_db_blocker.unblock():
        dana = User.objects.get(email="dana@example.test")
        mine = list(Task.objects.workable().owned_by(dana))
        groups = {group_of(task, timezone.now(), dana.zone.key) for task in mine}
        assert groups == set(Group) - {Group.NO_DEADLINE}  # nothing that is open goes without a date
        assert Task.objects.filter(owner=dana, status="on_hold").exists()
        assert Task.objects.filter(
            owner=dana, status="completed", ended_at__date=timezone.localdate()
        ).exists()
        assert Task.objects.exclude(waiting_on="").filter(owner=dana).exists()
        assert Task.objects.workable().filter(owner=None).exists()
        assert Task.objects.workable().filter(clock__rule_version__rule__key="tcm.contact").exists()


def test_patients_show_what_a_chart_must_tell_apart(demo, django_db_blocker):
    with django_db_blocker.unblock():
        assert set(Patient.objects.values_list("allergy_status", flat=True)) == set(AllergyStatus.values)
        assert Patient.objects.filter(deceased_on__isnull=False).exists()
        assert Patient.objects.filter(interpreter_needed=True).exists()
        assert Patient.objects.values("language").distinct().count() >= 5
        maria = Patient.objects.get(family_name="Alvarez", given_name="Maria")
        number = maria.contact_points.get(kind="phone").normalized
        assert Patient.objects.filter(contact_points__normalized=number).count() == 2


def test_referrals_and_authorizations_stand_in_many_stages_with_dates(demo, django_db_blocker):
    with django_db_blocker.unblock():
        stages = set(Referral.objects.values_list("status", flat=True))
        assert len(stages) >= 10
        assert set(PriorAuthorization.objects.values_list("status", flat=True)) >= {
            "pended",
            "submitted",
            "approved",
            "denied",
        }
        assert not Referral.objects.open().filter(due_at=None).exists()
