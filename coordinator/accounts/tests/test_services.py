"""Accounts, sites and teams: what may be written, what it ends, and that it is recorded."""

import datetime
import threading

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from coordinator.accounts import services
from coordinator.accounts.models import Site, User
from coordinator.accounts.roles import Role
from coordinator.accounts.tests.sign_in_steps import give_factor
from coordinator.audit.models import AuditEvent
from coordinator.db import Conflict
from coordinator.tests.factories import make_site, make_team, make_user
from coordinator.workflow import System

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)


@pytest.fixture
def admin():
    return make_user(Role.ADMINISTRATOR)


def new(admin, **fields):
    site = fields.pop("site", None) or make_site()
    given = {
        "email": "New.Person@Example.test ",
        "name": " New Person ",
        "role": Role.COORDINATOR,
        "sites": [site],
    }
    return services.create_user(**(given | fields), by=admin, now=NOW)


def change(admin, user, **fields):
    fields.setdefault("sites", list(user.sites.all()))
    return services.update_user(user_id=user.pk, by=admin, now=NOW, **fields)


def test_a_new_colleague_has_no_password_and_a_link_is_asked_for(admin):
    user = new(admin)
    user.refresh_from_db()
    assert (user.email, user.name) == ("new.person@example.test", "New Person")
    assert not user.has_usable_password()
    assert user.reset_requested_at == NOW
    event = AuditEvent.objects.get(action="create_user")
    assert event.actor_id == admin.pk
    assert event.details["role"] == Role.COORDINATOR


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "TAKEN@example.test"},
        {"role": Role.API_CLIENT},
        {"role": "owner"},
        {"team": "elsewhere"},
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(admin, fields):
    make_user(email="taken@example.test")
    if "team" in fields:
        fields = {"team": make_team()}
    with pytest.raises(ValidationError, match=r"[.]'\]$"):
        new(admin, **fields)
    assert not AuditEvent.objects.filter(action="create_user").exists()


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.ADMINISTRATOR])
def test_only_administrators_write_accounts(role):
    by, subject = make_user(role), make_user()
    for write in (
        lambda: new(by),
        lambda: change(by, subject, role=Role.MANAGER),
        lambda: services.deactivate_user(user_id=subject.pk, by=by, now=NOW),
        lambda: services.reactivate_user(user_id=subject.pk, by=by, now=NOW),
        lambda: services.reset_second_factor(user_id=subject.pk, by=by, now=NOW, reason="x"),
        lambda: services.sign_out_everywhere(user_id=subject.pk, by=by, now=NOW),
        lambda: services.save_site(by=by, now=NOW, name="X", short_name="X"),
    ):
        with pytest.raises(PermissionDenied):
            write()
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("fields", "signs_out"),
    [
        ({"name": "Another Name"}, False),
        ({"credentials": "RN"}, False),
        ({"role": Role.LEAD}, True),
        ({"email": "new@example.test"}, True),
        ({"sites": "another"}, True),
    ],
)
def test_a_change_of_role_place_or_address_signs_out(admin, fields, signs_out):
    user = make_user()
    if "sites" in fields:
        fields = {"sites": [make_site()]}
    change(admin, user, **fields)
    assert User.objects.get(pk=user.pk).session_epoch == int(signs_out)
    assert AuditEvent.objects.get(action="update_user").details["changed"] == list(fields)


def test_a_change_that_changes_nothing_is_not_recorded(admin):
    user = make_user()
    change(admin, user, name=user.name, role=user.role)
    assert not AuditEvent.objects.filter(action="update_user").exists()


def test_a_new_address_closes_the_old_one(admin):
    user = make_user(email="old@example.test")
    EmailAddress.objects.create(user=user, email="old@example.test", verified=True, primary=True)
    change(admin, user, email="New@example.test")
    assert not EmailAddress.objects.exists()
    assert User.objects.get(pk=user.pk).email == "new@example.test"


def test_closing_an_account_signs_out_and_takes_back_a_link(admin):
    user = make_user(reset_requested_at=NOW)
    services.deactivate_user(user_id=user.pk, by=admin, now=NOW, reason="left")
    user.refresh_from_db()
    assert (user.is_active, user.session_epoch, user.reset_requested_at) == (False, 1, None)
    assert AuditEvent.objects.get(action="deactivate_user").reason == "left"
    services.reactivate_user(user_id=user.pk, by=admin, now=NOW)
    assert User.objects.get(pk=user.pk).is_active


def test_whoever_owns_open_work_cannot_be_closed(admin, monkeypatch):
    monkeypatch.setattr(
        services, "open_work_checks", [lambda user: ("open tasks", 3), lambda user: ("open referrals", 0)]
    )
    user = make_user(name="Dana Whitfield")
    with pytest.raises(Conflict, match="Dana Whitfield still owns 3 open tasks") as refusal:
        services.deactivate_user(user_id=user.pk, by=admin, now=NOW)
    assert refusal.value.extra["owned"] == [("open tasks", 3)]
    assert User.objects.get(pk=user.pk).is_active


def test_nobody_closes_their_own_account(admin):
    make_user(Role.ADMINISTRATOR)
    with pytest.raises(Conflict, match="your own"):
        services.deactivate_user(user_id=admin.pk, by=admin, now=NOW)


def test_the_last_administrator_stays_one(admin):
    with pytest.raises(Conflict, match="last administrator"):
        change(admin, admin, role=Role.MANAGER)
    with pytest.raises(Conflict, match="last administrator"):
        services.deactivate_user(user_id=admin.pk, by=System("test"), now=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_close_each_other_at_once_leave_one():
    pair = [make_user(Role.ADMINISTRATOR), make_user(Role.ADMINISTRATOR)]
    barrier, refusals = threading.Barrier(2), []

    def close(by, other):
        barrier.wait()
        try:
            services.deactivate_user(user_id=other.pk, by=by, now=NOW)
        except Conflict as refusal:
            refusals.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=close, args=args) for args in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).count() == 1
    assert refusals == ["This is the last administrator. Make another one first."]


def test_a_lost_phone_needs_a_reason_and_ends_every_session(admin):
    user = make_user()
    give_factor(user)
    with pytest.raises(ValidationError):
        services.reset_second_factor(user_id=user.pk, by=admin, now=NOW, reason=" ")
    services.reset_second_factor(user_id=user.pk, by=admin, now=NOW, reason="Met in person")
    assert not Authenticator.objects.exists()
    assert User.objects.get(pk=user.pk).session_epoch == 1
    assert AuditEvent.objects.get(action="reset_second_factor").reason == "Met in person"


def test_people_sign_themselves_out_everywhere_but_nobody_else():
    user, other = make_user(), make_user()
    services.sign_out_everywhere(user_id=user.pk, by=user, now=NOW)
    with pytest.raises(PermissionDenied):
        services.sign_out_everywhere(user_id=other.pk, by=user, now=NOW)


@pytest.mark.parametrize(
    ("name", "value"), [("theme", "neon"), ("density", "x"), ("language", "xx"), ("role", "administrator")]
)
def test_preferences_take_only_what_is_on_the_list(name, value):
    user = make_user()
    with pytest.raises(ValidationError):
        services.set_preferences(user=user, by=user, now=NOW, **{name: value})


# --- sites and teams --------------------------------------------------------------------------------------


def test_a_manager_changes_the_hours_of_their_own_site_only():
    site, other = make_site(), make_site()
    manager = make_user(Role.MANAGER, site=site)
    services.save_site(site_id=site.pk, reminder_hour=11, by=manager, now=NOW)
    assert Site.objects.get(pk=site.pk).reminder_hour == 11
    with pytest.raises(PermissionDenied):
        services.save_site(site_id=other.pk, reminder_hour=11, by=manager, now=NOW)
    with pytest.raises(PermissionDenied):
        services.save_team(site=other, name="X", by=manager, now=NOW)


def test_a_site_takes_no_field_that_is_not_a_setting(admin):
    site = make_site()
    with pytest.raises(ValidationError, match="calendar_id"):
        services.save_site(site_id=site.pk, calendar_id=1, by=admin, now=NOW)


def test_two_teams_of_one_site_have_two_names(admin):
    site = make_site()
    services.save_team(site=site, name="Blue", by=admin, now=NOW)
    with pytest.raises(ValidationError):
        services.save_team(site=site, name="Blue", by=admin, now=NOW)


def test_a_team_is_renamed_within_its_own_site_only(admin):
    team = make_team()
    from coordinator.accounts.models import Team

    with pytest.raises(Team.DoesNotExist):
        services.save_team(site=make_site(), team_id=team.pk, name="X", by=admin, now=NOW)
