"""Setting up: visit types, weekly hours, blocks. Who may, what is refused, what it changes."""

import datetime
from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse

from coordinator.accounts.models import User
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.db import Conflict
from coordinator.tests.factories import make_practitioner, make_site, make_user
from scheduling import services
from scheduling.models import Availability, Block, Service
from scheduling.tests.clinic import HOUR, NOW, Clinic, at

TYPES, HOURS, BLOCKS = (reverse(f"scheduling:{name}") for name in ("service_list", "hours", "blocks"))


@pytest.fixture
def manager(clinic: Clinic, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(make_user(Role.MANAGER, site=clinic.site))


def test_a_visit_type_is_added_and_changed(clinic: Clinic, manager: Client) -> None:
    typed = {"name": "Wound care", "minutes": "45", "no_show_grace_minutes": "10", "is_active": "on"}
    assert manager.post(reverse("scheduling:service_create"), typed)["Location"] == TYPES
    service = Service.objects.get(name="Wound care")
    assert service.minutes == 45
    address = reverse("scheduling:service_edit", args=[service.pk])
    manager.post(address, {**typed, "preparation": "Keep it dry."})
    service.refresh_from_db()
    assert service.preparation == "Keep it dry."
    assert AuditEvent.objects.filter(action="save_service").count() == 2
    assert "Wound care" in manager.get(TYPES).content.decode()


def test_a_name_that_is_taken_keeps_the_form(clinic: Clinic, manager: Client) -> None:
    typed = {"name": clinic.service.name, "minutes": "45", "no_show_grace_minutes": "10"}
    answer = manager.post(reverse("scheduling:service_create"), typed)
    assert answer.status_code == 422
    assert "with this name already" in answer.content.decode()


def test_hours_make_free_times_and_end_without_touching_what_is_booked(
    clinic: Clinic, manager: Client
) -> None:
    person = make_practitioner(site=clinic.site, family_name="Lindqvist")
    typed = {
        "practitioner": str(person.pk),
        "site": str(clinic.site.pk),
        "weekdays": ["0", "4"],
        "starts": "09:00",
        "ends": "12:00",
    }
    assert manager.post(HOURS, typed).status_code == 302
    assert Availability.objects.filter(practitioner=person).count() == 2
    visit = clinic.book(at("2026-11-20", "09:00"), practitioner_id=person.pk)
    friday = Availability.objects.get(practitioner=person, weekday=4)
    manager.post(reverse("scheduling:hours_end", args=[friday.pk]))
    friday.refresh_from_db()
    assert friday.valid_to == datetime.date(2026, 11, 18)
    visit.refresh_from_db()
    assert visit.status == "booked"
    assert "until Nov 18, 2026" in manager.get(HOURS).content.decode()


def test_hours_that_overlap_or_end_before_they_begin_are_refused(clinic: Clinic, manager: Client) -> None:
    typed = {
        "practitioner": str(clinic.okafor.pk),
        "site": str(clinic.site.pk),
        "weekdays": ["0"],
        "starts": "16:00",
        "ends": "18:00",
    }
    answer = manager.post(HOURS, typed)
    assert answer.status_code == 422
    assert "overlap hours" in answer.content.decode()
    assert manager.post(HOURS, {**typed, "ends": "15:00"}).status_code == 422
    assert Availability.objects.count() == 5


def test_hours_for_later_may_take_over_where_others_end(clinic: Clinic) -> None:
    boss = make_user(Role.MANAGER, site=clinic.site)
    monday = Availability.objects.get(weekday=0)
    last = datetime.date(2026, 11, 30)
    services.end_hours(hours_id=monday.pk, last_day=last, by=boss, now=NOW)
    new = {
        "practitioner_id": clinic.okafor.pk,
        "site_id": clinic.site.pk,
        "weekdays": [0],
        "starts": datetime.time(10),
        "ends": datetime.time(14),
        "by": boss,
        "now": NOW,
    }
    with pytest.raises(Conflict):
        services.save_hours(**new, valid_from=last)
    assert services.save_hours(**new, valid_from=last + datetime.timedelta(days=1))


def test_a_block_says_how_many_visits_need_a_new_time(clinic: Clinic, manager: Client) -> None:
    clinic.book(at("2026-11-20"))
    typed = {
        "site": str(clinic.site.pk),
        "practitioner": str(clinic.okafor.pk),
        "first_day": "2026-11-20",
        "last_day": "2026-11-22",
        "reason": "Vacation",
    }
    answer = manager.post(BLOCKS, typed)
    block = Block.objects.get()
    assert (block.starts_at, block.ends_at) == (at("2026-11-20", "00:00"), at("2026-11-23", "00:00"))
    page = manager.get(answer["Location"]).content.decode()
    assert "1 visit is booked in it" in page
    assert "Vacation" in page
    manager.post(reverse("scheduling:block_remove", args=[block.pk]))
    assert not Block.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"last_day": "2026-11-19"}, "The end must be later"),
        ({"first_day": "2027-03-14", "last_day": "2027-03-14", "first_time": "02:30"}, "does not exist"),
        ({"reason": ""}, "There is 1 problem"),
    ],
)
def test_a_block_that_makes_no_sense_is_refused(
    clinic: Clinic, manager: Client, change: dict[str, str], words: str
) -> None:
    typed = {
        "site": str(clinic.site.pk),
        "first_day": "2026-11-20",
        "last_day": "2026-11-20",
        "reason": "Meeting",
    }
    answer = manager.post(BLOCKS, {**typed, **change})
    assert answer.status_code == 422
    assert words in answer.content.decode()


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.LEAD, Role.PROVIDER, Role.AUDITOR])
def test_only_those_who_manage_settings_may(
    clinic: Clinic, sign_in: Callable[[User], Client], role: str
) -> None:
    person = make_user(role, site=clinic.site)
    for address in (TYPES, HOURS, BLOCKS):
        assert sign_in(person).get(address).status_code == 403
    with pytest.raises(PermissionDenied):
        services.add_block(
            site_id=clinic.site.pk, starts_at=NOW, ends_at=NOW + HOUR, reason="x", by=person, now=NOW
        )


def test_a_manager_of_another_site_neither_sees_nor_changes_ours(
    clinic: Clinic, sign_in: Callable[[User], Client]
) -> None:
    other = make_user(Role.MANAGER, site=make_site())
    hours = Availability.objects.first()
    assert hours is not None
    browser = sign_in(other)
    assert b"Okafor" not in browser.get(HOURS).content
    assert browser.post(reverse("scheduling:hours_end", args=[hours.pk])).status_code == 404
    with pytest.raises(PermissionDenied):
        services.end_hours(hours_id=hours.pk, last_day=NOW.date(), by=other, now=NOW)


def test_an_end_before_the_start_is_a_sentence(clinic: Clinic) -> None:
    boss = make_user(Role.MANAGER, site=clinic.site)
    with pytest.raises(ValidationError):
        services.add_block(
            site_id=clinic.site.pk, starts_at=NOW, ends_at=NOW - HOUR, reason="x", by=boss, now=NOW
        )
