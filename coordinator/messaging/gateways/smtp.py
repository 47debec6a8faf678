"""E-mail. A mail server cannot be asked later, so each mail is claimed alone and doubt stays doubt."""

from __future__ import annotations

import contextlib
import hashlib
import smtplib
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from coordinator.messaging.gateways.base import NoGateway, NotSent, Unclear

BAD_ADDRESS = (550, 551, 553, 501)


class SmtpGateway:
    """Through Django's mail settings, one recipient per mail, with a Message-ID that is the same on every try."""

    can_be_asked = False
    at_once = 1
    parallel = 1

    def __init__(self) -> None:
        self.backend: Any = get_connection()
        self.call_seconds = 3.0 * settings.EMAIL_TIMEOUT
        self._smtp: Any = None

    def send(self, *, key: str, to: str, subject: str, body: str) -> str:
        message_id = stable_id(key)
        mail = EmailMessage(
            subject, body, settings.DEFAULT_FROM_EMAIL, [to], headers={"Message-ID": message_id}
        )
        if not hasattr(self.backend, "connection"):
            self.backend.send_messages([mail])  # a backend that keeps mail in memory or prints it
            return message_id
        self._hand_over(self._server(), mail, to)
        return message_id

    def lookup(self, key: str) -> str | None:
        raise NoGateway

    def close(self) -> None:
        if self._smtp is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self.backend.close()
            self._smtp = None

    def _server(self) -> Any:
        """A connection that answers now: one that the server closed meanwhile must not look like a lost mail."""
        try:
            if self._smtp is not None and self._smtp.noop()[0] == 250:
                return self._smtp
        except (OSError, smtplib.SMTPException):
            pass
        self.close()
        try:
            self.backend.open()
            self.backend.connection.ehlo_or_helo_if_needed()
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent("unreachable") from error
        self._smtp = self.backend.connection
        return self._smtp

    def _hand_over(self, smtp: Any, mail: EmailMessage, to: str) -> None:
        """MAIL and RCPT that fail mean not sent; after DATA only an answer counts."""
        sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
        built: Any = mail.message()
        content = built.as_bytes(linesep="\r\n")
        try:
            code, _text = smtp.mail(sender)
            if code != 250:
                raise _refused(code, "mail")
            code, _text = smtp.rcpt(to)
            if code not in (250, 251):
                raise _refused(code, "rcpt")
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise NotSent("connection_lost") from error
        except NotSent:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.rset()
            raise
        try:
            code, _text = smtp.data(content)
        except smtplib.SMTPDataError as error:
            raise _refused(error.smtp_code, "data") from error
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Unclear("no_answer") from error
        if code != 250:
            raise _refused(code, "data")


def stable_id(key: str) -> str:
    """The Message-ID of a key: the same on every try, and nothing about a person in it."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


def _refused(code: int, step: str) -> NotSent:
    return NotSent(f"smtp_{step}_{code}", for_good=step == "rcpt" and code in BAD_ADDRESS)
