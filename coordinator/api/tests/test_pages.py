import datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coordinator.accounts.roles import Role
from coordinator.api.models import ApiClient
from coordinator.api.tests.factories import make_caller
from coordinator.tests.factories import make_site, make_user

LIST, NEW, DOCS = reverse("api:client_list"), reverse("api:client_new"), reverse("api:docs")


@pytest.fixture
def administrator(db):
    browser = Client()
    browser.force_login(make_user(Role.ADMINISTRATOR))
    return browser


@pytest.fixture
def form(db):
    return {
        "name": "Hospital gateway",
        "sites": [make_site().pk],
        "scopes": ["patients:read", "visits:write"],
    }


@pytest.mark.parametrize("role", [r for r in Role.values if r not in (Role.ADMINISTRATOR, Role.API_CLIENT)])
def test_only_administrators_see_the_clients(db, role):
    browser = Client()
    browser.force_login(make_user(role))
    assert [browser.get(path).status_code for path in (LIST, NEW)] == [403, 403]


def test_a_client_is_made_and_its_token_shown_once(administrator, form):
    made = administrator.post(NEW, form)
    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    client = ApiClient.objects.get()
    token = made.content.decode().split('<p class="token">')[1].split("<")[0]
    assert token.endswith(client.token_hint)
    assert Client().get("/api/v1/", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    listed = administrator.get(LIST).content.decode()
    assert "Hospital gateway" in listed
    assert token not in listed


def test_a_form_with_errors_says_so_and_the_part_is_a_piece_of_the_page(administrator, form):
    whole = administrator.post(NEW, form | {"sites": []})
    part = administrator.post(NEW, form | {"sites": []}, headers={"HX-Request": "true"})
    assert (whole.status_code, part.status_code) == (422, 422)
    assert "<form" in part.content.decode()
    assert "<html" not in part.content.decode()
    assert not ApiClient.objects.exists()


def test_a_name_that_is_taken_is_said_at_the_form(administrator, form):
    make_caller(name=form["name"])
    assert "There is already a client with this name." in administrator.post(NEW, form).content.decode()


def test_the_last_day_counts_whole(administrator, form):
    today = timezone.localdate()
    administrator.post(NEW, form | {"expires_on": today.isoformat()})
    expires = ApiClient.objects.get().expires_at
    assert timezone.localtime(expires).date() == today
    assert expires > timezone.now()


def test_a_client_is_revoked(administrator):
    caller = make_caller()
    done = administrator.post(reverse("api:client_revoke", args=[caller.record.pk]))
    assert done.status_code == 302
    assert caller.get("/api/v1/").status_code == 401
    assert "Revoked" in administrator.get(LIST).content.decode()
    refused = administrator.post(reverse("api:client_rotate", args=[caller.record.pk]), follow=True)
    assert "This client is revoked" in refused.content.decode()


def test_a_client_gets_a_new_token(administrator):
    caller = make_caller()
    done = administrator.post(reverse("api:client_rotate", args=[caller.record.pk]))
    assert done.status_code == 201
    assert caller.get("/api/v1/").status_code == 401


def test_a_client_that_is_not_there_is_404(administrator):
    for name in ("client_revoke", "client_rotate"):
        assert administrator.post(reverse(f"api:{name}", args=[make_site().pk])).status_code == 404


def test_the_list_shows_who_is_expired_and_costs_the_same_for_one_and_for_twenty(
    administrator, django_assert_max_num_queries
):
    make_caller()
    administrator.get(LIST)
    with django_assert_max_num_queries(10) as one:
        administrator.get(LIST)
    for _n in range(20):
        make_caller()
    ApiClient.objects.update(expires_at=timezone.now() - datetime.timedelta(days=1))
    with django_assert_max_num_queries(10) as many:
        assert "Expired" in administrator.get(LIST).content.decode()
    assert len(one) == len(many)


@pytest.mark.parametrize("role", [r for r in Role.values if r != Role.API_CLIENT])
def test_everybody_who_is_signed_in_reads_the_docs(db, role):
    browser = Client()
    browser.force_login(make_user(role))
    page = browser.get(DOCS)
    assert page.status_code == 200
    text = page.content.decode()
    assert "/api/v1/appointments/free-times/" in text
    assert (LIST in text) == (role == Role.ADMINISTRATOR)


def test_the_docs_page_has_no_script_or_style_of_its_own(administrator):
    text = administrator.get(DOCS).content.decode()
    assert "style=" not in text
    assert text.count("<script") == administrator.get(LIST).content.decode().count("<script")


def test_visitors_are_sent_to_sign_in(db):
    assert Client().get(DOCS)["Location"].startswith("/accounts/login/")
