"""An e-mail as papers: its attachments, what was written with them, who sent it. Pure; takes bytes, believes nothing.

A message is read whatever is wrong with it; what cannot be kept is named, so that the message is set aside with a reason.
"""

from __future__ import annotations

import email.policy
import unicodedata
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from email.parser import BytesParser
from html.parser import HTMLParser
from typing import Any

from django.utils.translation import gettext as _

from patients.rules.text import Unfit

MOST_ATTACHMENTS = 20
MOST_DEPTH = 3  # messages inside messages
MOST_SAID = 20_000  # characters
HEADERS = ("From", "Subject", "Date", "To")


@dataclass
class Mail:
    """`papers` are (name, bytes); `said` is subject and text; `lost` are sentences about what could not be taken out."""

    sender: str
    said: str
    papers: list[tuple[str, bytes]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def read_mail(data: bytes) -> Mail:
    """The parts of a message. One without attachments is a paper of its own, with its words. Raises Unfit."""
    message: Any = BytesParser(policy=email.policy.default).parsebytes(data)
    if not any(_header(message, name) for name in HEADERS):
        raise Unfit(_("This is not an e-mail message."))
    mail = Mail(sender=_header(message, "From")[:160], said="")
    said = [_header(message, "Subject"), _body(message)]
    _collect(message, mail, said, depth=1)
    mail.said = "\n\n".join(part for part in said if part)[:MOST_SAID]
    if not mail.papers and not mail.lost:
        if not mail.said:
            raise Unfit(_("The message is empty."))
        mail.papers.append(("message.txt", mail.said.encode()))
    return mail


def _collect(message: Any, mail: Mail, said: list[str], depth: int) -> None:
    for part in _attachments(message):
        if part.get_content_type() == "message/rfc822":
            _collect_inner(part, mail, said, depth)
        elif len(mail.papers) >= MOST_ATTACHMENTS:
            mail.lost.append(_("It has more than %(n)d attachments.") % {"n": MOST_ATTACHMENTS})
            return
        else:
            content = part.get_payload(decode=True)
            name = _plain(part.get_filename() or "") or f"attachment-{len(mail.papers) + 1}"
            mail.papers.append((name, content if isinstance(content, bytes) else b""))


def _collect_inner(part: Any, mail: Mail, said: list[str], depth: int) -> None:
    """A message that was attached: its own attachments, and its words with its sender."""
    inner = part.get_payload(0) if part.is_multipart() else None
    if inner is None or depth >= MOST_DEPTH:
        mail.lost.append(_("A message inside it could not be opened."))
        return
    said += [_header(inner, "From"), _header(inner, "Subject"), _body(inner)]
    _collect(inner, mail, said, depth + 1)


def _attachments(message: Any) -> list[Any]:
    """The attachments; a message that is nothing but a file is its own."""
    if not isinstance(message, EmailMessage):
        return []
    if not message.is_multipart() and message.get_content_maintype() != "text":
        return [message]
    return list(message.iter_attachments())


def _header(message: Message, name: str) -> str:
    """A header as one line. Broken ones, which the library may refuse to read, are as good as none."""
    try:
        return _plain(str(message.get(name, "")))
    except Exception:
        return ""


def _plain(text: str) -> str:
    kept = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join(kept.split())


def _body(message: Any) -> str:
    """The words of a message, of its HTML only the text."""
    try:
        part = message.get_body(preferencelist=("plain", "html"))
    except Exception:
        return ""
    if part is None or part.get_content_maintype() != "text":
        return ""
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    try:
        text = raw.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:  # a charset that nobody knows
        text = raw.decode("latin-1")
    if part.get_content_subtype() == "html":
        text = _text_of_html(text)
    kept = "".join(c for c in text.replace("\r\n", "\n") if c == "\n" or unicodedata.category(c)[0] != "C")
    return kept.strip()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.silent += tag in ("script", "style")
        if tag in ("p", "br", "div", "tr", "li"):
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("script", "style") and self.silent > 0

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found.append(data)


def _text_of_html(html: str) -> str:
    parser = _Words()
    parser.feed(html)
    lines = (" ".join(line.split()) for line in "".join(parser.found).split("\n"))
    return "\n".join(line for line in lines if line)
