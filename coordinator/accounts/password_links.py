"""Sending password links: by a job, never by the request that asks."""

from __future__ import annotations

from datetime import datetime

from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from coordinator.accounts.models import User


def send_due_links(*, now: datetime, limit: int = 100) -> int:
    """Send the links that were asked for until `now`; returns how many.

    The mark is removed only after the mail server took the mail, so a crash between sends twice rather than
    never; a second link harms nobody.
    """
    due = User.objects.filter(is_active=True, reset_requested_at__lte=now).order_by("reset_requested_at")
    sent = 0
    for user in due[:limit]:
        send_link(user)
        User.objects.filter(pk=user.pk, reset_requested_at=user.reset_requested_at).update(
            reset_requested_at=None
        )
        sent += 1
    return sent


def link_for(user: User) -> str:
    """The address at which this account chooses its password; it works once and for 24 hours."""
    path = reverse(
        "account_reset_password_from_key",
        kwargs={"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)},
    )
    return str(settings.BASE_URL).rstrip("/") + path


def send_link(user: User) -> None:
    """One e-mail with the link."""
    context = {
        "user": user,
        "link": link_for(user),
        "first": not user.has_usable_password(),
        "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
    }
    with translation.override(user.language):
        subject = render_to_string("accounts/messages/password_link_subject.txt", context).strip()
        body = render_to_string("accounts/messages/password_link.txt", context)
    send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [user.email])
