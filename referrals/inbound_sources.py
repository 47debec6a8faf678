"""Drop folders: what a scanner, a mail client or a fax server leaves for us becomes an incoming paper.

    INBOUND_FOLDER/<code of the place>/scan    files
    INBOUND_FOLDER/<code of the place>/email   messages: files (.eml), or a Maildir (its new/ and cur/)
    INBOUND_FOLDER/<code of the place>/fax     files; who sent it stands in a .json of the same name that was written
                                               before it, {"from": "+16125550100", "received_at": "2026-11-22T14:05:00Z"},
                                               else in the name up to the first "_"

A file is taken when nobody wrote to it for ten seconds, and moved to `taken` of its channel only after its row is
committed; killed in between, the next look finds the row by its key and only moves the file. What we do not keep goes to
`refused` beside it, with a task that says so: nothing vanishes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
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
from referrals.rules.mail import read_mail
from referrals.services.inbound import receive_inbound

log = logging.getLogger(__name__)
QUIET_SECONDS = 10
ALONE_SECONDS = 3600  # a description whose fax never came
CHANNELS = ("scan", "email", "fax")
MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Paper:
    """One paper of a file. `key` names it at its source."""

    name: str
    content: bytes
    key: str
    sender: str = ""
    said: str = ""
    received_at: datetime | None = None


def collect(*, by: System, now: datetime) -> int:
    """Take in what lies in the folders of every place; answers how many files. Without the setting nothing is done."""
    if not settings.INBOUND_FOLDER:
        return 0
    root = Path(settings.INBOUND_FOLDER)
    taken = 0
    for site in Site.objects.order_by("pk"):
        for channel in CHANNELS:
            folder = root / str(site.pk) / channel
            for path in _ready(channel, folder):
                taken += _take(site, channel, folder, path, by=by, now=now)
    return taken


def _ready(channel: str, folder: Path) -> list[Path]:
    """Files that nobody writes to any more, in a mailbox those of its two folders as well."""
    folders = [folder, folder / "new", folder / "cur"] if channel == "email" else [folder]
    found = [path for one in folders if one.is_dir() for path in sorted(one.iterdir()) if _is_quiet(path)]
    if channel == "fax":
        found = [path for path in found if not _waits_for_its_other_half(path)]
    return found[:MOST_AT_ONCE]


def _is_quiet(path: Path, seconds: float = QUIET_SECONDS) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_mtime <= time.time() - seconds


def _waits_for_its_other_half(path: Path) -> bool:
    """A description goes with its fax, and alone only after an hour; a fax waits until its description is written."""
    if path.suffix == ".json":
        has_fax = any(p.suffix != ".json" for p in path.parent.glob(f"{_escaped(path.stem)}.*"))
        return has_fax or not _is_quiet(path, ALONE_SECONDS)
    beside = path.with_suffix(".json")
    return beside.exists() and not _is_quiet(beside)


def _escaped(stem: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in stem)


def _take(site: Site, channel: str, folder: Path, path: Path, *, by: System, now: datetime) -> int:
    """One file: kept and moved, or set aside with a task. 0 when it cannot even be read now; the next look tries again."""
    refused: list[str] = []
    try:
        digest = _digest(path)
        papers = _papers(site, channel, path, refused, now)
    except Unfit as problem:
        papers, refused = [], [str(problem)]
    except OSError as error:
        log.error("incoming file of place %s could not be read: %s", site.pk, type(error).__name__)
        return 0
    for paper in papers:
        _keep(site, channel, paper, refused, by=by, now=now)
    if refused:
        _tell(site, channel, path, digest, refused, by=by, now=now)
    beside = path.with_suffix(".json")
    files = [path, beside] if channel == "fax" and beside != path and beside.exists() else [path]
    _move(files, folder / ("refused" if refused else "taken"), digest)
    return 1


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _keep(site: Site, channel: str, paper: Paper, refused: list[str], *, by: System, now: datetime) -> None:
    try:
        receive_inbound(
            site=site,
            file=ContentFile(paper.content, name=paper.name),
            channel=channel,
            sender=paper.sender,
            said=paper.said,
            key=paper.key,
            received_at=paper.received_at,
            by=by,
            now=now,
        )
    except Unfit as problem:
        refused.append(str(problem))


def _papers(site: Site, channel: str, path: Path, refused: list[str], now: datetime) -> list[Paper]:
    """The papers in the file; what is missing beside them is added to `refused`. Raises Unfit, OSError."""
    if path.stat().st_size > settings.DOCUMENT_MAX_BYTES * 2:
        raise Unfit(_("It is larger than we keep."))
    if channel == "fax" and path.suffix == ".json":
        raise Unfit(_("It describes a fax that did not come."))
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if channel == "email":
        mail = read_mail(data)
        refused += mail.lost
        return [
            Paper(name, content, f"{digest}:{number}", mail.sender, mail.said)
            for number, (name, content) in enumerate(mail.papers, 1)
        ]
    name = path.name.encode("utf-8", "replace").decode()  # what the disk allows and the database does not
    sender, received_at = _fax_facts(site, path, refused, now) if channel == "fax" else ("", None)
    return [Paper(name, data, f"{digest}:{name}"[:200], sender, received_at=received_at)]


def _fax_facts(site: Site, path: Path, refused: list[str], now: datetime) -> tuple[str, datetime | None]:
    """Who sent it and when it came, from the description beside it, else from its name."""
    beside = path.with_suffix(".json")
    if not beside.exists():
        sender = path.name.split("_", 1)[0] if "_" in path.name else ""
        return "".join(c for c in sender if c.isprintable())[:160], None
    try:
        facts = json.loads(beside.read_bytes())
        sender, moment = (
            str(facts["from"]),
            datetime.fromisoformat(facts.get("received_at") or now.isoformat()),
        )
        moment = moment if moment.tzinfo else moment.replace(tzinfo=site.tzinfo)
        return "".join(c for c in sender if c.isprintable())[:160], min(moment.astimezone(UTC), now)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        refused.append(_("The description beside it could not be read; the fax itself was kept."))
        return "", None


@in_clinic_language
def _tell(
    site: Site, channel: str, path: Path, digest: str, why: list[str], *, by: System, now: datetime
) -> None:
    """One task for each file, not for each name: a scanner gives the same name again."""
    named = f"{site.pk}/{channel}/{path.name}/{digest}".encode("utf-8", "replace")
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
        dedupe_key=f"inbound-refused:{hashlib.sha256(named).hexdigest()[:32]}",
        cause=site,
        by=by,
        now=now,
    )


def _move(files: list[Path], target: Path, digest: str) -> None:
    """Side by side under their own names; before one of the same name is overwritten, all under that of the content."""
    target.mkdir(mode=0o700, exist_ok=True)
    taken = any((target / path.name).exists() for path in files)
    for path in files:
        os.replace(path, target / (f"{digest[:12]}-{path.name[-50:]}" if taken else path.name))
