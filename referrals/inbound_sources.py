"""Drop folders: what a scanner, a mail client or a fax server leaves for us becomes an incoming paper.

    INBOUND_FOLDER/<code of the place>/scan    files
    INBOUND_FOLDER/<code of the place>/email   messages (.eml), each attachment a paper
    INBOUND_FOLDER/<code of the place>/fax     files; the name up to the first "_" is the sender's number

A file is taken when nobody wrote to it for ten seconds, and moved to `taken` beside it only after its row is committed;
killed in between, the next look finds the row by its key and only moves the file. What we do not keep goes to `refused`
beside it, with a task that says so: nothing vanishes.
"""

from __future__ import annotations

import email.policy
import hashlib
import os
import time
from collections.abc import Iterator
from datetime import datetime
from email.parser import BytesParser
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import TaskKind
from coordinator.accounts.models import Site
from coordinator.clocks.rules import end_of_day, next_open_day
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.wording import in_clinic_language
from coordinator.workflow import System
from patients.rules.text import Unfit
from referrals.services.inbound import receive_inbound

QUIET_SECONDS = 10
CHANNELS = ("scan", "email", "fax")
MOST_AT_ONCE = 200
MOST_ATTACHMENTS = 20


def collect(*, by: System, now: datetime) -> int:
    """Take in what lies in the folders of every place; answers how many files. Without the setting nothing is done."""
    if not settings.INBOUND_FOLDER:
        return 0
    root = Path(settings.INBOUND_FOLDER)
    taken = 0
    for site in Site.objects.order_by("pk"):
        for channel in CHANNELS:
            folder = root / str(site.pk) / channel
            for path in _ready(folder):
                _take(site, channel, path, by=by, now=now)
                taken += 1
    return taken


def _ready(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    before = time.time() - QUIET_SECONDS
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.is_symlink() and path.stat().st_mtime <= before
    ]
    return found[:MOST_AT_ONCE]


def _take(site: Site, channel: str, path: Path, *, by: System, now: datetime) -> None:
    refused: list[str] = []
    try:
        if path.stat().st_size > settings.DOCUMENT_MAX_BYTES * 2:
            raise Unfit(_("It is larger than we keep."))
        for name, sender, data, key in _papers(channel, path):
            try:
                receive_inbound(
                    site=site,
                    file=ContentFile(data, name=name),
                    channel=channel,
                    sender=sender,
                    key=key,
                    by=by,
                    now=now,
                )
            except Unfit as problem:
                refused.append(str(problem))
    except Unfit as problem:
        refused.append(str(problem))
    if refused:
        _tell(site, channel, path, refused, by=by, now=now)
    _move(path, "refused" if refused else "taken")


def _papers(channel: str, path: Path) -> Iterator[tuple[str, str, bytes, str]]:
    """(name, sender, bytes, key) of each paper in the file. Raises Unfit for a message without an attachment."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if channel != "email":
        sender = path.name.split("_", 1)[0] if channel == "fax" and "_" in path.name else ""
        yield path.name, sender, data, f"{digest}:{path.name}"[:200]
        return
    message = BytesParser(policy=email.policy.default).parsebytes(data)
    sender = str(message.get("From", ""))[:160]
    parts = list(message.iter_attachments())[:MOST_ATTACHMENTS]
    if not parts:
        raise Unfit(_("The message has no attachment."))
    for number, part in enumerate(parts, 1):
        content = part.get_payload(decode=True)
        name = part.get_filename() or f"attachment-{number}"
        yield name, sender, content if isinstance(content, bytes) else b"", f"{digest}:{number}"


@in_clinic_language
def _tell(site: Site, channel: str, path: Path, why: list[str], *, by: System, now: datetime) -> None:
    today = now.astimezone(site.tzinfo).date()
    due = next_open_day(today, as_calendar(calendar_for(site)))
    careplans.open_task(
        patient=None,
        site=site,
        kind=TaskKind.PAPERWORK,
        title=_("An incoming file could not be kept"),
        reason=_("It lies in the folder “%(folder)s” under “refused”. %(why)s")
        % {"folder": channel, "why": " ".join(dict.fromkeys(why))[:300]},
        next_step=_("Open it there, and ask the sender for a PDF or a picture if it matters."),
        due_at=end_of_day(due, site.zone),
        dedupe_key=f"inbound-refused:{hashlib.sha256(path.name.encode()).hexdigest()[:32]}",
        cause=site,
        by=by,
        now=now,
    )


def _move(path: Path, where: str) -> None:
    target = path.parent / where
    target.mkdir(mode=0o700, exist_ok=True)
    os.replace(path, target / path.name)
