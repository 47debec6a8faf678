"""Pictures of a document's pages, drawn by a worker in a process of its own that may fail alone.

The rows say what is to do: `preview` pending, claimed by the database's clock. A lost hint, a switched-off broker or a
killed worker only makes it later.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F, Q

from coordinator.db import db_now
from patients import drawing
from patients.models import Document

LEASE = timedelta(minutes=10)  # longer than any drawing; a dead worker's document waits this long
MOST_ATTEMPTS = 3
SECONDS = 90  # on the wall; drawing.py gives itself less of the processor
DRAWING = "drawing-"
PNG = b"\x89PNG\r\n\x1a\n"


def claim_preview() -> Document | None:
    """The oldest document that waits, for the caller alone. What was tried three times is given up."""
    with transaction.atomic():
        now = db_now()
        free = Q(preview_claimed_at=None) | Q(preview_claimed_at__lt=now - LEASE)
        waiting = Document.objects.filter(free, preview=Document.Preview.PENDING)
        waiting.filter(preview_attempts__gte=MOST_ATTEMPTS).update(
            preview=Document.Preview.FAILED, preview_problem=Document.Problem.UNREADABLE
        )
        locked = waiting.select_for_update(of=("self",), skip_locked=True)
        document = locked.order_by("created_at").first()
        if document is not None:
            Document.objects.filter(pk=document.pk).update(
                preview_claimed_at=now, preview_attempts=F("preview_attempts") + 1
            )
        return document


def previews_folder() -> Path:
    """Beside the pictures, so that nothing of a patient lies where others write."""
    folder = Path(settings.MEDIA_ROOT) / "previews"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def forget_unfinished() -> None:
    """Folders that a killed worker left behind."""
    before = db_now().timestamp() - LEASE.total_seconds()
    for folder in previews_folder().glob(f"{DRAWING}*"):
        if folder.stat().st_mtime < before:
            shutil.rmtree(folder, ignore_errors=True)


def make_waiting_previews() -> int:
    """Work through what waits; answers how many were looked at."""
    forget_unfinished()
    done = 0
    while (document := claim_preview()) is not None:
        make_preview(document)
        done += 1
    return done


def make_preview(document: Document) -> None:
    """Draw one document and note how it went. Whatever the file does, only its own row fails."""
    with tempfile.TemporaryDirectory(prefix=DRAWING, dir=previews_folder()) as folder:
        found = draw(document, Path(folder))
        problem = found.get("problem", "")
        if not problem and not keep_pages(document, Path(folder), found["shown"]):
            problem = Document.Problem.UNREADABLE
        values: dict[str, Any] = {"preview": Document.Preview.FAILED, "preview_problem": problem}
        if not problem:
            values = {
                "preview": Document.Preview.DONE,
                "page_count": found["pages"],
                "pages_shown": found["shown"],
                "text": found["text"],
            }
        _note(document, values)


def _note(document: Document, values: dict[str, Any]) -> None:
    waiting = Document.objects.filter(pk=document.pk, preview=Document.Preview.PENDING)
    try:
        with transaction.atomic():
            waiting.update(**values)
    except DatabaseError:  # words that no index can hold
        waiting.update(preview=Document.Preview.FAILED, preview_problem=Document.Problem.UNREADABLE)


def draw(document: Any, folder: Path) -> dict[str, Any]:
    """Of a row with `file` and `content_type`: what the drawing process said: {"pages", "shown", "text"} or {"problem"}. It inherits no secret and no file."""
    command = [sys.executable, "-I", drawing.__file__, document.file.path, document.content_type, str(folder)]
    try:
        subprocess.run(  # noqa: S603  (our own program; the path is ours, the type one of ours)
            command,
            cwd=folder,
            env={"LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
        answer = folder / drawing.ANSWER
        if answer.is_symlink() or not answer.is_file():
            return {"problem": Document.Problem.UNREADABLE}
        if answer.stat().st_size > 8 * 1024 * 1024:
            return {"problem": Document.Problem.TOO_MUCH}
        return _checked(json.loads(answer.read_text("utf-8")))
    except subprocess.TimeoutExpired:
        return {"problem": Document.Problem.TOO_MUCH}
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ):  # no answer, or nonsense
        return {"problem": Document.Problem.UNREADABLE}


def _checked(answer: Any) -> dict[str, Any]:
    """The answer, believed no further than its form."""
    if answer.get("problem"):
        known = answer["problem"] in Document.Problem.values
        return {"problem": answer["problem"] if known else Document.Problem.UNREADABLE}
    pages, shown = int(answer["pages"]), int(answer["shown"])
    if not (0 <= shown <= drawing.MOST_PAGES and shown <= pages < 1_000_000):
        raise ValueError(pages)
    words = str(answer["text"])[: drawing.MOST_TEXT].replace("\x00", "").encode("utf-8", "ignore").decode()
    return {"pages": pages, "shown": shown, "text": words}


def page_path(document: Any, number: int) -> Path:
    """Where the picture of a page is, counted from 1."""
    return Path(settings.MEDIA_ROOT) / "previews" / document.pk.hex / f"{number}.png"


def keep_pages(document: Any, folder: Path, shown: int) -> bool:
    """Move the pictures to their place, readable by us alone; False when one of them is none."""
    pictures = []
    for number in range(1, shown + 1):
        path = folder / f"{number}.png"
        if path.is_symlink() or not path.is_file() or path.stat().st_size > drawing.MOST_BYTES:
            return False
        pictures.append(path.read_bytes())
        if not pictures[-1].startswith(PNG):
            return False
    if pictures:
        place = page_path(document, 1).parent
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number, picture in enumerate(pictures, 1):
        path = page_path(document, number)
        part = path.with_suffix(".part")
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(picture)
        part.replace(path)
    return True
