"""What an address or a form says is read strictly: numbers that are none, and places to go back to that are not ours."""

import pytest
from django.urls import reverse

from coordinator.accounts.roles import Role
from coordinator.http import safe_next, whole_number
from coordinator.tests.factories import make_user

NO_NUMBERS = ("²", "٣", "-1", "1.5", "99999999999999999999", "")


@pytest.mark.parametrize("typed", [*NO_NUMBERS, None])
def test_what_is_no_number_is_the_default(typed):
    assert whole_number(typed, 7) == 7
    assert whole_number("12", 7) == 12


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_only_our_own_pages_are_gone_back_to(rf, elsewhere):
    assert safe_next(rf.post("/x/", {"next": elsewhere}), "/home/") == "/home/"
    assert safe_next(rf.post("/x/", {"next": "/plans/?page=2"}), "/home/") == "/plans/?page=2"


@pytest.mark.django_db
@pytest.mark.parametrize("number", NO_NUMBERS)
@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("careplans:plan_list", "page"),
        ("referrals:referral_list", "after"),
        ("dashboard:patient_list", "coordinator"),
        ("dashboard:patient_list", "shown"),
        ("dashboard:my_work", "owner"),
        ("dashboard:team_board", "period"),
    ],
)
def test_a_number_that_is_none_breaks_no_list(client, name, field, number):
    client.force_login(make_user(Role.MANAGER))
    assert client.get(reverse(name), {field: number, "view": "todo"}).status_code == 200
    parts = {"after": "01a20000-0000-7000-8000-000000000000", field: number}
    assert client.get(reverse(name), parts, headers={"HX-Request": "true"}).status_code == 200
