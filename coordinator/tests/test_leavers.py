"""Nothing a leaver owned stays without an owner: an account with open work cannot be closed."""

import datetime

import pytest

from careplans.tests.factories import make_task
from coordinator.accounts import services
from coordinator.db import Conflict
from coordinator.tests.factories import make_user
from coordinator.tests.workflow_records import put_in_status
from patients.tests.factories import make_patient
from referrals.tests.factories import make_authorization, make_referral

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)


def close(user):
    return services.deactivate_user(user_id=user.pk, by=make_user("administrator"), now=NOW)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda user: make_task(owner=user), "1 open tasks"),
        (lambda user: put_in_status(make_task(owner=user), "on_hold"), "1 open tasks"),
        (lambda user: make_referral(owner=user), "1 open referrals"),
        (lambda user: make_authorization(owner=user), "1 open prior authorizations"),
        (lambda user: make_patient(coordinator=user), "1 patients in their caseload"),
    ],
    ids=["task", "snoozed task", "referral", "authorization", "caseload"],
)
def test_open_work_keeps_the_account_open_and_is_named(make, words):
    user = make_user()
    make(user)
    with pytest.raises(Conflict, match=words):
        close(user)


def test_everything_is_named_at_once():
    user = make_user(name="Dana Whitfield")
    make_task(owner=user)
    make_task(owner=user)
    make_referral(owner=user)
    with pytest.raises(Conflict, match="Dana Whitfield still owns 2 open tasks, 1 open referrals"):
        close(user)


def test_what_has_ended_keeps_nobody():
    user = make_user()
    put_in_status(make_task(owner=user), "completed")
    put_in_status(make_referral(owner=user), "withdrawn")
    make_patient(coordinator=user, status="deceased")
    assert not close(user).is_active
