"""Choosing a password by link: the same answer for every address, sent by a job, usable once."""

import datetime
import re

import pytest
from django.conf import settings
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coordinator.accounts import services
from coordinator.accounts.jobs import send_password_links
from coordinator.accounts.models import User
from coordinator.accounts.password_links import send_due_links
from coordinator.accounts.roles import Role
from coordinator.accounts.tests.sign_in_steps import is_signed_in, post_password
from coordinator.audit.models import AuditEvent
from coordinator.tests.factories import make_site, make_user

pytestmark = pytest.mark.django_db
NEW = "seven purple lanterns"


def ask(client, email):
    return client.post(reverse("account_reset_password"), {"email": email}, follow=True)


def link_in(message):
    return re.search(r"https?://[^/\s]+(/\S+)", message.body)[1]


def choose(client, link, password=NEW):
    """Follow the link and choose."""
    page = client.get(link)
    if page.status_code != 302:
        return page
    return client.post(page["Location"], {"password1": password, "password2": password})


def test_known_and_unknown_addresses_get_the_same_page_and_the_same_work(client):
    make_user(email="known@example.test")
    ask(client, "warm@example.test")
    answers, statements = [], []
    for address in ("known@example.test", "nobody@example.test"):
        with CaptureQueriesContext(connection) as context:
            answers.append(ask(client, address))
        statements.append([re.sub(r"'[^']*'|\d+", "?", q["sql"])[:60] for q in context])
    assert [a.redirect_chain for a in answers] == [[("/accounts/password/reset/done/", 302)]] * 2
    assert answers[0].content == answers[1].content
    assert statements[0] == statements[1]
    assert mail.outbox == []


def test_asking_is_recorded_without_the_address(client):
    user = make_user()
    ask(client, user.email)
    ask(client, "nobody@example.test")
    known, unknown = AuditEvent.objects.filter(action="password_link_asked").order_by("pk")
    assert (known.entity_id, unknown.entity_id) == (str(user.pk), "")
    assert "nobody" not in str(vars(unknown))


def test_the_job_sends_each_link_once(client):
    user = make_user()
    ask(client, user.email)
    send_password_links()
    send_password_links()
    assert [message.to for message in mail.outbox] == [[user.email]]
    assert User.objects.get(pk=user.pk).reset_requested_at is None


def test_a_mail_server_that_fails_loses_no_link(client, monkeypatch):
    user = make_user()
    ask(client, user.email)
    with monkeypatch.context() as patch:
        patch.setattr("coordinator.accounts.password_links.send_mail", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            send_password_links()
    send_password_links()
    assert len(mail.outbox) == 1


def test_closed_accounts_and_machines_get_no_link(client):
    gone, machine = make_user(is_active=False), make_user(Role.API_CLIENT)
    for user in (gone, machine):
        ask(client, user.email)
    assert send_due_links(now=timezone.now()) == 0


def test_the_link_sets_a_password_once_and_signs_nobody_in(client):
    user = make_user()
    elsewhere = Client()
    elsewhere.force_login(user)
    ask(client, user.email)
    send_password_links()
    link = link_in(mail.outbox[0])
    response = choose(client, link)
    assert response["Location"] == reverse("account_reset_password_from_key_done")
    assert not is_signed_in(client)
    assert elsewhere.get(reverse("mfa_index")).status_code == 302
    assert post_password(Client(), user, NEW).status_code == 302
    again = choose(Client(), link, "another password entirely")
    assert "no longer works" in again.content.decode()
    assert AuditEvent.objects.filter(action="password_reset").count() == 1


def test_opening_the_link_changes_nothing_so_a_mail_scanner_may(client):
    user = make_user()
    ask(client, user.email)
    send_password_links()
    link = link_in(mail.outbox[0])
    for _ in range(3):
        Client().get(link, follow=True)
    assert choose(client, link).status_code == 302


def test_the_key_does_not_stay_in_the_address(client):
    user = make_user()
    ask(client, user.email)
    send_password_links()
    link = link_in(mail.outbox[0])
    assert client.get(link)["Location"].endswith("-set-password/")


def test_a_link_ends_after_a_day(client, monkeypatch):
    user = make_user()
    ask(client, user.email)
    send_password_links()
    later = datetime.datetime.now() + datetime.timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT + 5)
    monkeypatch.setattr("django.contrib.auth.tokens.PasswordResetTokenGenerator._now", lambda self: later)
    assert "no longer works" in choose(client, link_in(mail.outbox[0])).content.decode()


def test_weak_passwords_are_refused_on_the_way_in_as_well(client):
    user = make_user()
    ask(client, user.email)
    send_password_links()
    response = choose(client, link_in(mail.outbox[0]), "short")
    assert response.status_code == 422
    assert "12 characters" in response.content.decode()


def test_a_new_colleague_is_greeted_and_can_start():
    admin, site = make_user(Role.ADMINISTRATOR), make_site()
    user = services.create_user(
        email="new@example.test",
        name="Ada Okonkwo",
        role=Role.COORDINATOR,
        sites=[site],
        by=admin,
        now=timezone.now(),
    )
    send_password_links()
    assert "an account was made for you" in mail.outbox[0].body
    assert "Ada Okonkwo" in mail.outbox[0].body
    assert "Ada" not in mail.outbox[0].subject
    choose(Client(), link_in(mail.outbox[0]))
    assert post_password(Client(), user, NEW).status_code == 302


def test_asking_too_often_is_slowed_down(client):
    user = make_user()
    for _ in range(5):
        assert ask(client, user.email).status_code == 200
    assert ask(client, user.email).status_code == 429


def test_the_first_administrator_is_made_on_the_command_line(client, capsys):
    call_command("create_administrator", "First@Clinic.test", "Rashida Cole")
    user = User.objects.get()
    assert (user.email, user.role, user.has_usable_password()) == (
        "first@clinic.test",
        Role.ADMINISTRATOR,
        False,
    )
    address = re.search(r"https?://[^/\s]+(/\S+)", capsys.readouterr().out)[1]
    choose(client, address)
    user.refresh_from_db()
    assert user.check_password(NEW)


def test_an_address_taken_is_refused_on_the_command_line():
    make_user(email="known@example.test")
    with pytest.raises(CommandError, match="already an account"):
        call_command("create_administrator", "known@example.test", "Rashida Cole")
    assert User.objects.count() == 1
