"""Signing in and out: who gets in, what the answers tell, how long it lasts."""

import re

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from coordinator.accounts.models import User
from coordinator.accounts.roles import Role
from coordinator.accounts.tests.sign_in_steps import actions, is_signed_in, post_password
from coordinator.audit.models import AuditEvent
from coordinator.tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def without_token(response):
    return re.sub(rb'name="csrfmiddlewaretoken" value="[^"]*"', b"", response.content)


def test_the_right_password_leads_to_the_page_one_came_for(client):
    user = make_user()
    response = post_password(client, user, next="/accounts/2fa/")
    assert response.status_code == 302
    assert response["Location"] == "/accounts/2fa/"
    assert actions("sign_in") == ["sign_in"]


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.test/", "//evil.test/", "javascript:alert(1)", "\\\\evil.test"]
)
def test_next_never_leads_to_another_site(client, elsewhere):
    response = post_password(client, make_user(), next=elsewhere)
    assert response["Location"] == "/"


def test_a_wrong_password_keeps_the_address_and_says_one_sentence(client):
    user = make_user()
    response = post_password(client, user, "wrong-password-entirely")
    assert response.status_code == 422
    assert "do not match" in response.content.decode()
    assert user.email in response.content.decode()
    assert b"wrong-password-entirely" not in response.content
    assert actions("sign_in_failed") == ["sign_in_failed"]


def test_unknown_and_known_addresses_get_the_same_answer(client):
    known = make_user(email="same.answer@example.test")
    right = post_password(client, known, "wrong-password-entirely")
    wrong = post_password(Client(), "somebody.else@example.test", "wrong-password-entirely")
    assert right.status_code == wrong.status_code
    assert without_token(right).replace(b"same.answer", b"X") == without_token(wrong).replace(
        b"somebody.else", b"X"
    )


def test_a_failed_sign_in_names_the_account_but_never_what_was_typed(client):
    user = make_user()
    post_password(client, user, "wrong-password-entirely")
    post_password(client, "typed-a-password-here@example.test", "wrong-password-entirely")
    known, unknown = AuditEvent.objects.filter(action="sign_in_failed").order_by("pk")
    assert known.entity_id == str(user.pk)
    assert unknown.entity_id == ""
    assert "typed-a-password" not in str(unknown.details)


@pytest.mark.parametrize("fields", [{"is_active": False}, {"role": Role.API_CLIENT}])
def test_closed_accounts_and_machines_answer_like_a_wrong_password(client, fields):
    user = make_user(email="closed@example.test")
    wrong = post_password(client, user, "wrong-password-entirely")
    User.objects.filter(pk=user.pk).update(**fields)
    right = post_password(Client(), user)
    assert right.status_code == wrong.status_code == 422
    assert without_token(right) == without_token(wrong)


def test_the_session_key_changes_at_sign_in(client):
    client.get(LOGIN)
    session = client.session
    session["kept"] = True
    session.save()
    before = session.session_key
    post_password(client, make_user())
    assert client.session.session_key != before
    assert not Session.objects.filter(pk=before).exists()


def test_signing_out_needs_a_post_and_is_recorded(client):
    post_password(client, make_user())
    assert client.get(reverse("account_logout")).status_code == 200
    assert is_signed_in(client)
    client.post(reverse("account_logout"))
    assert not is_signed_in(client)
    assert AuditEvent.objects.get(action="sign_out").details["because"] == "asked"


def test_fields_can_be_filled_by_a_password_manager(client):
    text = client.get(LOGIN).content.decode()
    assert 'autocomplete="username"' in text
    assert 'autocomplete="current-password"' in text
    assert "onpaste" not in text


def test_the_csrf_token_is_needed_to_sign_in():
    response = post_password(Client(enforce_csrf_checks=True), make_user())
    assert response.status_code == 403


def test_there_is_no_self_registration(client):
    assert client.get("/accounts/signup/").status_code == 404


# --- how long it lasts --------------------------------------------------------------------------------


def age(client, *, idle=0, total=0):
    """Pretend that the last use was `idle` seconds ago and the sign-in `total` seconds ago."""
    session = client.session
    session["seen_at"] -= idle
    session["started_at"] -= total
    session.save()


def test_fifteen_idle_minutes_sign_out_and_the_page_says_so(client):
    client.force_login(make_user())
    client.get(reverse("mfa_index"))
    age(client, idle=settings.SESSION_IDLE_SECONDS + 1)
    response = client.get(reverse("mfa_index") + "?tab=x")
    assert response.status_code == 302
    assert response["Location"] == LOGIN + "?next=/accounts/2fa/%3Ftab%3Dx"
    assert "Signed out after 15 minutes without activity" in client.get(response["Location"]).content.decode()
    assert AuditEvent.objects.get(action="sign_out").details["because"] == "idle"


def test_the_reason_is_gone_after_the_next_sign_in(client):
    user = make_user()
    client.force_login(user)
    client.get(reverse("mfa_index"))
    age(client, idle=settings.SESSION_IDLE_SECONDS + 1)
    client.get(reverse("mfa_index"))
    post_password(client, user)
    client.post(reverse("account_logout"))
    assert "without activity" not in client.get(LOGIN).content.decode()


def test_twelve_hours_sign_out_however_busy(client):
    client.force_login(make_user())
    client.get(reverse("mfa_index"))
    age(client, total=settings.SESSION_ABSOLUTE_SECONDS + 1)
    assert client.get(reverse("mfa_index")).status_code == 302
    assert "lasts 12 hours at most" in client.get(LOGIN).content.decode()


def test_use_extends_the_session(client):
    client.force_login(make_user())
    client.get(reverse("mfa_index"))
    age(client, idle=settings.SESSION_IDLE_SECONDS - 10)
    assert client.get(reverse("accounts:keep_alive")).status_code == 204
    age(client, idle=settings.SESSION_IDLE_SECONDS - 10)
    assert client.get(reverse("mfa_index")).status_code == 200


def test_background_requests_never_extend_and_are_never_exempt(client):
    client.force_login(make_user())
    client.get(reverse("mfa_index"))
    age(client, idle=600)
    before = client.session["seen_at"]
    assert client.get(reverse("mfa_index"), headers={"X-Background": "1"}).status_code == 200
    assert client.session["seen_at"] == before
    age(client, idle=400)
    response = client.get(reverse("mfa_index"), headers={"X-Background": "1"})
    assert response.status_code == 302
    assert not is_signed_in(client)


def test_a_part_asked_for_after_the_end_leads_back_to_the_page_not_to_the_part(client):
    response = client.get(
        reverse("accounts:user_list") + "?q=a",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/accounts/settings/?x=1"},
    )
    assert response.status_code == 401
    assert response["HX-Redirect"] == LOGIN + "?next=/accounts/settings/%3Fx%3D1"


def test_a_form_sent_after_the_end_leads_back_to_its_page_on_this_site_only(client):
    path = reverse("accounts:preferences")
    own = client.post(path, headers={"Referer": "http://testserver/patients/"})
    foreign = client.post(path, headers={"Referer": "https://evil.test/x"})
    assert own["Location"] == LOGIN + "?next=/patients/"
    assert foreign["Location"] == LOGIN + "?next=/"


# --- changes take effect at once ------------------------------------------------------------------------


def test_a_deactivated_person_is_out_on_the_next_request(client):
    user = make_user()
    client.force_login(user)
    assert client.get(reverse("mfa_index")).status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get(reverse("mfa_index")).status_code == 302


def test_a_new_role_ends_every_session_on_the_next_request(client):
    user = make_user(Role.ADMINISTRATOR)
    client.force_login(user)
    assert client.get(reverse("accounts:user_list")).status_code == 200
    User.objects.filter(pk=user.pk).update(role=Role.COORDINATOR)
    assert client.get(reverse("accounts:user_list")).status_code == 302


def test_a_new_password_signs_out_every_other_place(client):
    user = make_user()
    elsewhere = Client()
    for browser in (client, elsewhere):
        browser.force_login(user)
    new = "seven purple lanterns"
    response = client.post(
        reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new}
    )
    assert response.status_code == 302
    assert client.get(reverse("mfa_index")).status_code == 200
    assert elsewhere.get(reverse("mfa_index")).status_code == 302
    assert actions("password_changed") == ["password_changed"]


def test_signing_out_everywhere_ends_this_place_too(client):
    user = make_user()
    elsewhere = Client()
    for browser in (client, elsewhere):
        browser.force_login(user)
    client.post(reverse("accounts:sign_out_everywhere"))
    assert not is_signed_in(client)
    assert elsewhere.get(reverse("mfa_index")).status_code == 302


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ("short", "12 characters"),
        ("123456789012345", "numeric"),
        ("password1234", "common"),
        ("dana whitfield 12", "similar"),
    ],
)
def test_weak_passwords_are_refused_with_the_reason(client, new, words):
    user = make_user(name="Dana Whitfield")
    client.force_login(user)
    response = client.post(
        reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new}
    )
    assert response.status_code == 422
    assert words in response.content.decode()


def test_long_passwords_with_any_characters_are_taken(client):
    user = make_user()
    client.force_login(user)
    new = "  чайник ☕ and 90 more characters " + "x" * 60
    client.post(
        reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new}
    )
    user.refresh_from_db()
    assert user.check_password(new)


# --- the demo -------------------------------------------------------------------------------------------


def test_demo_accounts_show_in_the_demo_only(client, settings, monkeypatch):
    from coordinator.accounts import sign_in_views

    entries = [
        {"email": "dana@demo.test", "password": "demo-password", "role": "Coordinator", "name": "Dana"}
    ]
    monkeypatch.setattr(sign_in_views, "import_string", lambda path: entries)
    assert b"dana@demo.test" not in client.get(LOGIN).content
    settings.DEMO = True
    assert b"dana@demo.test" in client.get(LOGIN).content
