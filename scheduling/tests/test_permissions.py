"""Who may do what with visits: each answer and its refusal, by role and by site."""

import pytest
from django.core.exceptions import PermissionDenied

from coordinator.accounts.roles import Role
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import System
from scheduling import permissions
from scheduling.models import Appointment, Room
from scheduling.tests.clinic import Clinic, at
from scheduling.tests.factories import make_appointment, make_room

BOOKS = {Role.COORDINATOR, Role.LEAD, Role.MANAGER}
OVERRIDES = {Role.LEAD, Role.MANAGER}
SETS_UP = {Role.MANAGER, Role.ADMINISTRATOR}
STAFF = [role for role in Role.values if role != Role.API_CLIENT]


@pytest.mark.parametrize("role", STAFF)
def test_a_role_may_exactly_what_it_is_for(clinic: Clinic, role: str) -> None:
    person = make_user(role, site=clinic.site)
    visit = make_appointment(clinic.patient, site=clinic.site)
    assert permissions.can_book_at(person, clinic.site.pk) == (role in BOOKS)
    assert permissions.can_manage(person, visit) == (role in BOOKS)
    assert permissions.can_correct(person, visit) == (role in BOOKS)
    assert permissions.can_override(person, clinic.site.pk) == (role in OVERRIDES)
    assert permissions.can_set_up(person, clinic.site.pk) == (role in SETS_UP)


def test_nobody_may_at_a_site_they_do_not_work_at(clinic: Clinic) -> None:
    visit = make_appointment(site=make_site())
    for check in (permissions.check_can_manage, permissions.check_can_correct):
        with pytest.raises(PermissionDenied):
            check(clinic.lead, visit)
    for check in (permissions.check_can_book_at, permissions.check_can_set_up):
        with pytest.raises(PermissionDenied):
            check(clinic.lead, visit.site_id)
    assert not permissions.can_override(clinic.lead, visit.site_id)


def test_a_job_may_do_what_it_is_for(clinic: Clinic) -> None:
    visit = clinic.book(at("2026-11-20"))
    job = System("import")
    assert permissions.can_manage(job, visit)
    assert permissions.can_correct(job, visit)
    assert permissions.can_set_up(job)


def test_someone_who_left_may_nothing(clinic: Clinic) -> None:
    gone = make_user(Role.LEAD, site=clinic.site, is_active=False)
    assert not permissions.can_book_at(gone, clinic.site.pk)


def test_rows_of_another_site_are_not_there(clinic: Clinic) -> None:
    ours, theirs = make_room(clinic.site), make_room(make_site())
    assert list(Room.objects.visible_to(clinic.coordinator)) == [ours]
    assert theirs in Room.objects.visible_to(make_user(Role.ADMINISTRATOR, sites=[]))
    foreign = make_appointment(site=theirs.site)
    assert foreign not in Appointment.objects.visible_to(clinic.coordinator)
