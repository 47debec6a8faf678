"""The second factor: needed by all staff, no way around, codes that work once, guesses that are counted."""

import json
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from coordinator.accounts.middleware import SecondFactorMiddleware
from coordinator.accounts.roles import Role
from coordinator.accounts.tests.sign_in_steps import (
    SEED,
    actions,
    code,
    give_factor,
    is_signed_in,
    post_code,
    post_password,
)
from coordinator.tests.factories import make_user

pytestmark = pytest.mark.django_db
SET_UP = "/accounts/2fa/totp/activate/"


@pytest.fixture
def required(settings):
    settings.SECOND_FACTOR_REQUIRED = True


# --- until it is set up ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.API_CLIENT])
def test_every_role_is_asked_to_set_it_up(required, client, role):
    client.force_login(make_user(role))
    assert client.get(reverse("mfa_index"))["Location"] == SET_UP
    assert client.get(SET_UP).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("get", "/accounts/2fa/", {}),
        ("get", "/accounts/2fa/../people/", {}),
        ("get", "/accounts/2fa/%2e%2e/people/", {}),
        ("get", "/accounts/2fa/totp/activate/../../../people/", {}),
        ("get", "/static/../accounts/people/", {}),
        ("get", "//accounts/people/", {}),
        ("get", "/accounts/people/", {"HX-Request": "true"}),
        ("get", "/accounts/people/", {"X-Background": "1"}),
        ("get", "/accounts/people/", {"X-Original-URL": "/accounts/2fa/totp/activate/"}),
        ("get", "/accounts/people/?next=/accounts/2fa/totp/activate/", {}),
        ("post", "/accounts/people/new/", {}),
        ("post", "/accounts/preferences/", {"HX-Request": "true"}),
        ("post", "/accounts/password/change/", {}),
        ("head", "/accounts/people/", {}),
        ("options", "/accounts/people/", {}),
    ],
)
def test_no_way_around(required, client, method, path, headers):
    make_user(name="Somebody Else")
    client.force_login(make_user(Role.ADMINISTRATOR))
    response = getattr(client, method)(path, headers=headers)
    assert response.status_code in (302, 403, 404)
    assert b"Somebody" not in response.content
    assert b"/accounts/people" not in response.content


def test_only_the_set_up_pages_answer(required, client):
    """Every route without arguments: what is not in the list leads to the set-up page."""
    from django.urls import NoReverseMatch

    from coordinator.http import access_rule_of, routes

    client.force_login(make_user(Role.ADMINISTRATOR))
    for _text, entry in routes():
        names = [entry.name, *(f"{space}:{entry.name}" for space in ("accounts", "dashboard", "imports"))]
        for name in names:
            try:
                path = reverse(name)
            except NoReverseMatch:
                continue
            if name in SecondFactorMiddleware.SET_UP or (access_rule_of(entry.callback) or "").startswith(
                "api:"
            ):
                continue
            response = client.get(path)
            if response.status_code != 404:
                assert response.status_code == 302, name
                assert response["Location"] == SET_UP, name


def test_a_part_is_led_to_the_set_up_page(required, client):
    client.force_login(make_user())
    response = client.get(reverse("mfa_index"), headers={"HX-Request": "true"})
    assert response["HX-Redirect"] == SET_UP


def test_setting_it_up_shows_recovery_codes_and_opens_the_site(
    required, client, django_capture_on_commit_callbacks
):
    user = make_user()
    post_password(client, user)
    page = client.get(SET_UP)
    assert b"data:image/svg+xml;base64," in page.content
    seed = client.session["mfa.totp.secret"]
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(SET_UP, {"code": code(seed=seed)}, follow=True)
    assert response.redirect_chain[-1][0] == reverse("mfa_view_recovery_codes")
    assert client.get(reverse("mfa_index")).status_code == 200
    assert actions("second_factor_added") == ["second_factor_added"] * 2  # the app and the recovery codes


def test_a_wrong_code_does_not_turn_it_on(required, client):
    user = make_user()
    post_password(client, user)
    client.get(SET_UP)
    response = client.post(SET_UP, {"code": "000000"})
    assert response.status_code == 422
    assert not Authenticator.objects.filter(user=user).exists()


def test_setting_it_up_asks_for_the_password_when_the_sign_in_is_not_fresh(client):
    client.force_login(make_user())
    session = client.session
    session["started_at"] -= 400
    session.save()
    assert client.get(SET_UP)["Location"].startswith(reverse("account_reauthenticate"))


def test_setting_up_works_after_a_password_link_was_used(required, client):
    """The library keeps the address as unverified then, and would refuse."""
    from allauth.account.models import EmailAddress

    user = make_user()
    EmailAddress.objects.create(user=user, email=user.email, verified=False, primary=True)
    post_password(client, user)
    assert client.get(SET_UP).status_code == 200


# --- signing in with it ---------------------------------------------------------------------------------


def test_the_password_alone_opens_nothing(client):
    user = make_user()
    give_factor(user)
    response = post_password(client, user)
    assert response["Location"] == reverse("mfa_authenticate")
    assert not is_signed_in(client)
    assert client.get(reverse("mfa_index")).status_code == 302


def test_the_code_signs_in_and_returns_to_the_page(client):
    user = make_user()
    give_factor(user)
    post_password(client, user, next="/accounts/2fa/")
    response = post_code(client, code())
    assert response.status_code == 302
    assert response["Location"] == "/accounts/2fa/"
    assert is_signed_in(client)


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_a_code_works_once_also_at_the_edges_of_its_time(client, step):
    user = make_user()
    give_factor(user)
    used = code(step)
    post_password(client, user)
    post_code(client, used)
    assert is_signed_in(client)
    again = Client()
    post_password(again, user)
    # The library remembers a code for 30 s only, while it is valid for 90: forget what the library knows.
    cache.delete(f"allauth.mfa.totp.used?user={user.pk}&code={used}")
    assert post_code(again, f" {used[:3]}-{used[3:]} ").status_code == 422
    assert not is_signed_in(again)


def test_the_code_that_set_it_up_cannot_be_used_to_sign_in(client):
    user = make_user()
    post_password(client, user)
    client.get(SET_UP)
    used = code(seed=client.session["mfa.totp.secret"])
    client.post(SET_UP, {"code": used})
    again = Client()
    post_password(again, user)
    assert post_code(again, used).status_code == 422


def test_an_old_code_is_refused(client):
    user = make_user()
    give_factor(user)
    post_password(client, user)
    assert post_code(client, code(-3)).status_code == 422
    assert actions("second_factor_failed") == ["second_factor_failed"]


def test_a_recovery_code_works_once(client):
    user = make_user()
    give_factor(user)
    first, second, *_ = RecoveryCodes.activate(user).generate_codes()
    post_password(client, user)
    post_code(client, first)
    assert is_signed_in(client)
    again = Client()
    post_password(again, user)
    assert post_code(again, first).status_code == 422
    assert post_code(again, second).status_code == 302
    assert actions("recovery_code_used") == ["recovery_code_used"] * 2


def test_new_recovery_codes_end_the_old_ones(client):
    user = make_user()
    give_factor(user)
    old = RecoveryCodes.activate(user).generate_codes()[0]
    post_password(client, user)
    post_code(client, code())
    client.post(reverse("mfa_generate_recovery_codes"))
    assert old not in client.get(reverse("mfa_view_recovery_codes")).content.decode()
    again = Client()
    post_password(again, user)
    assert post_code(again, old).status_code == 422


def test_guesses_of_the_second_factor_are_counted_in_postgresql(client):
    user = make_user()
    give_factor(user)
    post_password(client, user)
    for n in range(10):
        assert post_code(client, f"{n:06d}").status_code == 422
    response = post_code(client, code())
    assert response.status_code == 422
    assert "Wait 15 minutes" in response.content.decode()
    again = Client()
    post_password(again, user)
    post_code(again, code())
    assert not is_signed_in(again)
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from throttle_cache where cache_key like '%%login_failed%%'")
        assert cursor.fetchone()[0] == 1


def test_counting_does_not_need_redis(client, settings):
    settings.REDIS_URL = settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    test_guesses_of_the_second_factor_are_counted_in_postgresql(client)


def test_many_other_entries_do_not_push_a_count_out(settings):
    cache.set("a-live-count", 7, 900)
    for n in range(350):
        cache.set(f"zz-filler-{n}", n, 900)
    assert cache.get("a-live-count") == 7


def test_seeds_and_recovery_codes_are_encrypted_at_rest():
    user = make_user()
    give_factor(user)
    codes = RecoveryCodes.activate(user).generate_codes()
    stored = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert SEED not in stored
    assert not any(one in stored for one in codes)


def test_a_new_key_still_reads_what_the_old_one_wrote(client, settings):
    user = make_user()
    give_factor(user)
    settings.FIELD_KEY_FALLBACKS = [settings.FIELD_KEY]
    settings.FIELD_KEY = "another-key-entirely"
    post_password(client, user)
    assert post_code(client, code()).status_code == 302


def test_moving_to_another_phone_ends_other_places_and_asks_to_set_up_at_once(required, client):
    user = make_user()
    give_factor(user)
    elsewhere = Client()
    for browser, step in ((client, 0), (elsewhere, 1)):
        post_password(browser, user)
        post_code(browser, code(step))
        assert browser.get(reverse("mfa_index")).status_code == 200
    client.post(reverse("mfa_deactivate_totp"))
    assert client.get(reverse("mfa_index"))["Location"] == SET_UP
    assert elsewhere.get(reverse("mfa_index"))["Location"].startswith("/accounts/login/")
    assert not Authenticator.objects.filter(user=user).exists()


def test_a_half_finished_sign_in_can_be_left(client):
    user = make_user()
    give_factor(user)
    post_password(client, user)
    client.post(reverse("account_logout"))
    assert client.get(reverse("mfa_authenticate"))["Location"] == reverse("account_login")


def test_the_picture_of_the_key_fits_our_content_policy(client):
    client.force_login(make_user())
    policy = client.get(SET_UP)["Content-Security-Policy"]
    assert "img-src 'self' data:" in policy
    assert "unsafe" not in policy


def test_no_seed_is_written_where_a_search_engine_or_log_would_find_it(client):
    client.force_login(make_user())
    response = client.get(SET_UP)
    assert "no-store" in response.headers.get("Cache-Control", "")


def test_the_templates_name_every_step():
    for name in ("authenticate", "reauthenticate", "index", "totp/activate_form", "recovery_codes/index"):
        assert Path(f"templates/mfa/{name}.html").exists()
