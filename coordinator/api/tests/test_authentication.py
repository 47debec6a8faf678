import datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from coordinator.accounts.models import User
from coordinator.accounts.roles import Role
from coordinator.api.models import ApiClient
from coordinator.api.services import create_client, revoke_client, rotate_client
from coordinator.api.tests.factories import make_caller
from coordinator.audit.models import AuditEvent
from coordinator.db import Conflict
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import NotAllowed

ROOT = "/api/v1/"
LIST = "/api/v1/patients/"


def test_without_a_token_the_answer_is_401_and_says_how_to_sign_in(client):
    response = client.get(LIST)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'
    assert response.json()["code"] == "not_authenticated"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer tl_wrong",
        "Bearer ",
        "Bearer",
        "Bearer nonsense",
        f"Bearer tl_{'a' * 5000}",
        "Bearer tl_ü",
        "Basic dGw6",
    ],
)
def test_a_wrong_token_is_401(db, client, header):
    assert client.get(ROOT, headers={"Authorization": header}).status_code == 401


def test_a_token_signs_its_client_in_with_one_query(world, django_assert_num_queries):
    world.caller.get(ROOT)
    with django_assert_num_queries(1):
        assert world.caller.get(ROOT).status_code == 200


def test_a_session_in_a_browser_is_no_way_into_the_api(world):
    browser = Client()
    browser.force_login(make_user(Role.MANAGER, site=world.site))
    assert browser.get(LIST).status_code == 401


def test_only_the_hash_of_the_token_is_stored(world):
    kept = ApiClient.objects.get(pk=world.caller.record.pk)
    assert world.caller.token not in str(vars(kept))
    assert kept.token_hint == world.caller.token[-4:]


def test_a_revoked_client_is_refused_on_its_next_call(world):
    assert world.caller.get(ROOT).status_code == 200
    revoke_client(client_id=world.caller.record.pk, by=make_user(Role.ADMINISTRATOR), now=timezone.now())
    assert world.caller.get(ROOT).status_code == 401
    assert not User.objects.get(pk=world.caller.account.pk).is_active


def test_an_expired_client_is_refused(world):
    ApiClient.objects.filter(pk=world.caller.record.pk).update(expires_at=timezone.now())
    assert world.caller.get(ROOT).status_code == 401


def test_a_client_whose_account_is_closed_is_refused(world):
    User.objects.filter(pk=world.caller.account.pk).update(is_active=False)
    assert world.caller.get(ROOT).status_code == 401


def test_a_client_that_loses_a_site_loses_it_on_the_next_call(world):
    world.caller.account.sites.set([world.elsewhere])
    assert world.caller.get(f"{LIST}{world.patient.pk}/").status_code == 404
    assert world.caller.get(f"{LIST}{world.stranger.pk}/").status_code == 200


def test_the_last_use_is_written_once_a_day(world, django_assert_num_queries):
    world.caller.get(ROOT)
    today = timezone.now().date()
    assert ApiClient.objects.get(pk=world.caller.record.pk).last_used_on == today
    ApiClient.objects.filter(pk=world.caller.record.pk).update(
        last_used_on=today - datetime.timedelta(days=1)
    )
    with django_assert_num_queries(2):
        world.caller.get(ROOT)


def test_a_new_token_replaces_the_old_one_at_once(world):
    _client, token = rotate_client(
        client_id=world.caller.record.pk, by=make_user(Role.ADMINISTRATOR), now=timezone.now()
    )
    assert world.caller.get(ROOT).status_code == 401
    world.caller.credentials(HTTP_AUTHORIZATION=f"bearer {token}")
    assert world.caller.get(ROOT).status_code == 200


def test_making_changing_and_revoking_a_client_is_in_the_audit_trail_without_the_token(db):
    administrator, now = make_user(Role.ADMINISTRATOR), timezone.now()
    client, token = create_client(
        name="Gateway", sites=[make_site()], scopes=["tasks:read"], by=administrator, now=now
    )
    rotate_client(client_id=client.pk, by=administrator, now=now)
    revoke_client(client_id=client.pk, by=administrator, now=now)
    events = AuditEvent.objects.filter(entity="api.client", entity_id=client.pk).order_by("pk")
    assert [event.action for event in events] == ["create_client", "rotate_client", "revoke_client"]
    assert token not in str([event.details for event in events])


def test_a_revoked_client_gets_no_new_token(world):
    administrator = make_user(Role.ADMINISTRATOR)
    revoke_client(client_id=world.caller.record.pk, by=administrator, now=timezone.now())
    with pytest.raises(NotAllowed):
        rotate_client(client_id=world.caller.record.pk, by=administrator, now=timezone.now())


@pytest.mark.parametrize("role", [r for r in Role.values if r != Role.ADMINISTRATOR])
def test_only_administrators_manage_clients(db, role):
    with pytest.raises(PermissionDenied):
        create_client(
            name="x", sites=[make_site()], scopes=["tasks:read"], by=make_user(role), now=timezone.now()
        )


def test_a_client_needs_a_name_a_site_and_known_scopes(db):
    with pytest.raises(ValidationError) as refused:
        create_client(
            name=" ", sites=[], scopes=["everything"], by=make_user(Role.ADMINISTRATOR), now=timezone.now()
        )
    assert set(refused.value.message_dict) == {"name", "sites", "scopes"}


def test_two_clients_cannot_have_one_name(db):
    make_caller(name="Gateway")
    with pytest.raises(Conflict):
        make_caller(name="Gateway")


def test_the_command_prints_a_token_that_works(db, client, capsys):
    site = make_site(name="North clinic")
    call_command("create_api_client", "Gateway", "--site", site.name, "--scope", "patients:read")
    token = capsys.readouterr().out.strip()
    assert client.get(LIST, headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_the_command_names_a_site_it_does_not_know(db):
    make_site(name="North clinic")
    with pytest.raises(CommandError, match="North clinic"):
        call_command("create_api_client", "Gateway", "--site", "South", "--scope", "patients:read")
