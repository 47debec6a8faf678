"""The pages about people, sites and teams."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coordinator.accounts.models import Site, Team, User
from coordinator.accounts.roles import Role
from coordinator.accounts.tests.sign_in_steps import give_factor
from coordinator.tests.factories import make_site, make_team, make_user

pytestmark = pytest.mark.django_db
LIST = "/accounts/people/"


@pytest.fixture
def admin(client):
    user = make_user(Role.ADMINISTRATOR, name="Admin Person")
    client.force_login(user)
    return user


def fields_of(user, **changes):
    return {
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "sites": [site.pk for site in user.sites.all()],
        **changes,
    }


def test_the_list_shows_people_of_every_site_but_no_machines(client, admin):
    person, machine = make_user(name="Ines Ferro"), make_user(Role.API_CLIENT, name="Lab Feed")
    give_factor(person)
    text = client.get(LIST).content.decode()
    assert "Ines Ferro" in text
    assert "Set up" in text
    assert "Lab Feed" not in text
    assert client.get(reverse("accounts:user_edit", args=[machine.pk])).status_code == 404


def test_words_and_closed_accounts_narrow_the_list(client, admin):
    make_user(name="Ines Ferro")
    make_user(name="Marcus Bell", is_active=False)
    assert b"Ines Ferro" not in client.get(LIST, {"q": "marcus"}).content
    closed = client.get(LIST, {"show": "closed"}).content
    assert b"Marcus Bell" in closed
    assert b"Ines Ferro" not in closed
    assert b"Nobody matches" in client.get(LIST, {"q": "zzz"}).content


def test_the_part_is_a_piece_of_the_page(client, admin):
    part = client.get(LIST, headers={"HX-Request": "true"}).content
    assert part.strip() in client.get(LIST).content


def test_the_list_asks_as_much_for_20_people_as_for_one(client, admin):
    def count():
        client.get(LIST)
        with CaptureQueriesContext(connection) as context:
            client.get(LIST)
        return len(context)

    one = count()
    for _ in range(20):
        make_user(team=make_team())
    assert count() == one


def test_making_an_account(client, admin):
    site = make_site()
    data = {"name": "Ada Okonkwo", "email": "ada@example.test", "role": "lead", "sites": [site.pk]}
    response = client.post(reverse("accounts:user_new"), data, follow=True)
    assert "A link to choose a password is on its way to ada@example.test" in response.content.decode()
    assert list(User.objects.get(email="ada@example.test").sites.all()) == [site]


def test_a_taken_address_keeps_what_was_typed(client, admin):
    data = {"name": "Ada Okonkwo", "email": admin.email, "role": "lead"}
    response = client.post(reverse("accounts:user_new"), data)
    assert response.status_code == 422
    assert "already an account" in response.content.decode()
    assert "Ada Okonkwo" in response.content.decode()


def test_a_site_or_team_that_does_not_exist_is_refused_like_any_wrong_choice(client, admin):
    data = {
        "name": "A",
        "email": "a@example.test",
        "role": "lead",
        "sites": ["00000000-0000-0000-0000-000000000000"],
    }
    assert client.post(reverse("accounts:user_new"), data).status_code == 422


def test_a_machines_role_cannot_be_given(client, admin):
    data = {"name": "A", "email": "a@example.test", "role": "api_client"}
    assert client.post(reverse("accounts:user_new"), data).status_code == 422
    assert not User.objects.filter(email="a@example.test").exists()


def test_changing_closing_and_opening_an_account(client, admin):
    user = make_user(name="Ines Ferro")
    client.post(reverse("accounts:user_edit", args=[user.pk]), fields_of(user, role="manager"))
    assert User.objects.get(pk=user.pk).role == "manager"
    closed = client.post(reverse("accounts:user_deactivate", args=[user.pk]), follow=True)
    assert "Account of Ines Ferro closed." in closed.content.decode()
    assert not User.objects.get(pk=user.pk).is_active
    client.post(reverse("accounts:user_reactivate", args=[user.pk]))
    assert User.objects.get(pk=user.pk).is_active


def test_the_last_administrator_is_told_why_not(client, admin):
    response = client.post(reverse("accounts:user_edit", args=[admin.pk]), fields_of(admin, role="lead"))
    assert response.status_code == 422
    assert "last administrator" in response.content.decode()


def test_removing_a_second_factor_needs_a_reason(client, admin):
    user = make_user()
    give_factor(user)
    url = reverse("accounts:user_reset_factor", args=[user.pk])
    assert client.post(url, {"reason": " "}).status_code == 422
    assert client.post(url, {"reason": "Met in person"}).status_code == 302
    assert not user.authenticator_set.exists()


def test_a_link_and_a_sign_out_from_the_page(client, admin):
    user = make_user()
    client.post(reverse("accounts:user_send_link", args=[user.pk]))
    client.post(reverse("accounts:user_sign_out", args=[user.pk]))
    user.refresh_from_db()
    assert user.reset_requested_at is not None
    assert user.session_epoch == 1


# --- preferences -------------------------------------------------------------------------------------------


def test_preferences_are_saved_and_lead_back(client):
    user = make_user()
    client.force_login(user)
    url = reverse("accounts:preferences")
    assert client.post(url, {"theme": "dark", "next": "/accounts/2fa/"})["Location"] == "/accounts/2fa/"
    assert client.post(url, {"density": "compact"}, headers={"HX-Request": "true"}).status_code == 204
    client.post(url, {"single_keys": "off", "next": "https://evil.test"})
    user.refresh_from_db()
    assert (user.theme, user.density, user.single_keys) == ("dark", "compact", False)
    assert 'data-theme="dark"' in client.get("/accounts/2fa/").content.decode()


def test_preferences_never_lead_to_another_site(client):
    client.force_login(make_user())
    response = client.post(reverse("accounts:preferences"), {"theme": "", "next": "//evil.test/x"})
    assert response["Location"] == "/"


def test_a_preference_that_does_not_exist_is_refused(client):
    client.force_login(make_user())
    assert client.post(reverse("accounts:preferences"), {"theme": "neon"}).status_code == 422


# --- sites ---------------------------------------------------------------------------------------------------


def site_fields(site, **changes):
    return {
        "name": site.name, "short_name": site.short_name, "zone": site.zone, "phone": site.phone, "address": "",
        "open_hour": 8, "close_hour": 18, "reminders_on": "on", "reminder_hour": 10, "quiet_from": 20,
        "quiet_until": 9, **changes,
    }  # fmt: skip


def test_a_manager_sees_and_changes_own_sites_only(client):
    own, other = make_site(name="Riverbend"), make_site(name="Northgate")
    client.force_login(make_user(Role.MANAGER, site=own))
    text = client.get(reverse("accounts:settings")).content.decode()
    assert "Riverbend" in text
    assert "Northgate" not in text
    url = reverse("accounts:site_edit", args=[own.pk])
    assert client.post(url, site_fields(own, reminder_hour=12)).status_code == 302
    assert Site.objects.get(pk=own.pk).reminder_hour == 12
    assert client.get(reverse("accounts:site_edit", args=[other.pk])).status_code == 404


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reminder_hour": 21}, "within the quiet hours"),
        ({"reminder_hour": 8}, "within the quiet hours"),
        ({"close_hour": 7}, "close after it opens"),
        ({"zone": "Moon/Base"}, "valid choice"),
        ({"name": ""}, "required"),
    ],
)
def test_hours_that_cannot_be_are_refused_beside_the_field(client, admin, changes, words):
    site = make_site()
    response = client.post(reverse("accounts:site_edit", args=[site.pk]), site_fields(site, **changes))
    assert response.status_code == 422
    assert words in response.content.decode()


def test_switching_reminders_off(client, admin):
    site = make_site()
    data = site_fields(site)
    del data["reminders_on"]
    client.post(reverse("accounts:site_edit", args=[site.pk]), data)
    assert not Site.objects.get(pk=site.pk).reminders_on


def test_teams_are_added_and_renamed(client, admin):
    site = make_site()
    client.post(reverse("accounts:team_new", args=[site.pk]), {"name": "Blue"})
    team = Team.objects.get(site=site)
    client.post(reverse("accounts:team_rename", args=[team.pk]), {"name": "Green"})
    team.refresh_from_db()
    assert team.name == "Green"
    assert client.post(reverse("accounts:team_new", args=[site.pk]), {"name": ""}).status_code == 422


def test_a_team_of_another_site_is_not_there_for_a_manager(client):
    team = make_team()
    client.force_login(make_user(Role.MANAGER))
    assert client.post(reverse("accounts:team_rename", args=[team.pk]), {"name": "X"}).status_code == 404


def test_a_new_site(client, admin):
    site = Site(name="Lakeside", short_name="Lake", zone="America/Denver", phone="")
    assert client.post(reverse("accounts:site_new"), site_fields(site)).status_code == 302
    assert Site.objects.get(name="Lakeside").zone == "America/Denver"
