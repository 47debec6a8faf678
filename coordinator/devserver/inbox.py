"""The inbox pages: what the demo sent, readable in a browser. Everything caught is escaped."""

import re
from datetime import datetime
from html import escape
from urllib.parse import urlencode

from coordinator.devserver.caught import Caught, Store

PAGE_SIZE = 50
OWN_ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost)(?::\d+)?/(?:[\w./?=~%+:@-]|&amp;)*")
TABS = (("", "All"), ("email", "E-mail"), ("text", "Text messages"))


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/inbox.css"></head><body>{body}</body></html>'
    )


def _with_links(text: str) -> str:
    """The text, escaped, with addresses of this machine made links: an invitation can be followed."""
    return OWN_ADDRESS.sub(r'<a href="\g<0>" rel="noreferrer">\g<0></a>', escape(text))


def _when(message: Caught) -> str:
    at = datetime.fromisoformat(message.at)
    return f'<time datetime="{escape(message.at)}">{at:%b} {at.day}, {at:%Y, %H:%M:%S} UTC</time>'


def _row(message: Caught) -> str:
    kind = "Text" if message.channel == "text" else "E-mail"
    title = message.subject or message.to
    return (
        f"<li><small>{kind}, {_when(message)}</small>"
        f'<a href="/message/{escape(message.id)}">{escape(title)}</a>'
        f"<p>{escape(': '.join(filter(None, (message.subject and message.to, message.body[:200]))))}</p></li>"
    )


def list_page(store: Store, channel: str = "", page: int = 1) -> str:
    """The latest messages, newest first, a page of 50 at a time."""
    messages = store.latest(channel)
    shown = messages[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    tabs = "".join(
        f'<a href="/?{urlencode({"channel": key})}"{" aria-current=page" if key == channel else ""}>{label}</a>'
        for key, label in TABS
    )
    rows = "".join(map(_row, shown)) or '<li class="empty">Nothing caught yet.</li>'
    more = ""
    if len(messages) > page * PAGE_SIZE:
        more = f'<a href="/?{urlencode({"channel": channel, "page": page + 1})}">Older messages</a>'
    return _page(
        "Inboxes of the demo",
        "<header><h1>Inboxes of the demo</h1><p>Every e-mail and text message the demo sends ends here;"
        f" nothing leaves this machine. {len(messages)} kept, newest first.</p></header>"
        f'<nav aria-label="Kind of message">{tabs}</nav><main><ol>{rows}</ol>{more}</main>',
    )


def message_page(message: Caught) -> str:
    facts = [("To", message.to), ("From", message.sender), ("Subject", message.subject), ("Key", message.key)]
    facts.append(("Attached", ", ".join(message.attachments)))
    rows = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts if value)
    return _page(
        message.subject or "Message",
        f'<header><p><a href="/">All messages</a></p><h1>{escape(message.subject or "Text message")}</h1>'
        f"<p>{_when(message)}</p></header><main><article><dl>{rows}</dl><pre>{_with_links(message.body)}</pre>"
        "</article></main>",
    )
