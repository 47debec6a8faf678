"""Words in notes and documents: PostgreSQL's full text over an index, without accents, by beginnings of words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.search import SearchHeadline, SearchQuery, SearchVector
from django.db.models import F
from django.db.models.functions import Coalesce, Left

from patients.models import SEARCH_CONFIG, SEARCHED, Document, Note
from patients.workflow import GONE

MOST_WORDS = 10
START, STOP, BETWEEN = "\x02", "\x03", " … "
FOUND = 25  # of each


@dataclass(frozen=True)
class Hit:
    """One note or document. `excerpt` is plain text in pieces: (text, whether it is what was looked for)."""

    kind: str  # "note" or "document"
    record: Any
    excerpt: list[tuple[str, bool]] = field(default_factory=list)


def words_query(typed: str) -> SearchQuery:
    """Every word, each by its beginning. Signs that mean something to PostgreSQL mean nothing here."""
    words = typed.replace("\x00", " ").encode("utf-8", "ignore").decode().split()[:MOST_WORDS]
    quoted = ["'" + word.replace("\\", "\\\\").replace("'", "''") + "':*" for word in words]
    return SearchQuery(" & ".join(quoted), config=SEARCH_CONFIG, search_type="raw")


def _vector(rows: Any) -> SearchVector:
    """Word for word what stands in the index of the model (models.documents, models.clinical)."""
    if rows.model is Document:
        return SearchVector("title", Left("text", SEARCHED), config=SEARCH_CONFIG)
    return SearchVector(Left("body", SEARCHED), config=SEARCH_CONFIG)


def matching(rows: Any, typed: str) -> Any:
    """Those rows (notes or documents) in which every word occurs."""
    return rows.annotate(words=_vector(rows)).filter(words=words_query(typed))


def find_in_records(
    user: Any, typed: str, *, patient_id: Any = None, mine: bool = False
) -> tuple[list[Hit], bool]:
    """Notes and documents the person may read in which every word occurs, newest first; whether there are more.

    Two statements. Nothing of people restricted to others, of other sites, or entered in error.
    """
    notes = Note.objects.visible_to(user).filter(status="current")
    documents = Document.objects.visible_to(user).standing()
    found, more = [], False
    for kind, rows, text, at in (
        ("note", notes, "body", F("created_at")),
        ("document", documents, "text", Coalesce("received_on", "created_at__date")),
    ):
        rows = rows.exclude(patient__status__in=GONE)
        rows = rows.filter(patient=patient_id) if patient_id else rows
        rows = rows.filter(patient__coordinator=user) if mine else rows
        chosen = matching(rows, typed).order_by("-created_at", "-pk").values("pk")[: FOUND + 1]
        answer = list(
            type(rows)(rows.model)
            .filter(pk__in=chosen)
            .defer(text)
            .select_related("patient", "created_by")
            .annotate(excerpt=_excerpt(text, typed), at=at)
            .order_by("-created_at", "-pk")
        )
        more = more or len(answer) > FOUND
        found += [Hit(kind, row, pieces(row.excerpt)) for row in answer[:FOUND]]
    return sorted(found, key=lambda hit: hit.record.created_at, reverse=True), more


def _excerpt(text: str, typed: str) -> SearchHeadline:
    return SearchHeadline(
        Left(text, SEARCHED),
        words_query(typed),
        config=SEARCH_CONFIG,
        start_sel=START,
        stop_sel=STOP,
        max_words=24,
        min_words=12,
        max_fragments=2,
        fragment_delimiter=BETWEEN,
    )


def pieces(headline: str) -> list[tuple[str, bool]]:
    """The headline's marks as pairs; templates escape each piece, so nothing in a document becomes markup.

    >>> pieces("feet \\x02swollen\\x03 <b>")
    [('feet ', False), ('swollen', True), (' <b>', False)]
    """
    found: list[tuple[str, bool]] = []
    for number, part in enumerate((headline or "").split(START)):
        hit, stop, rest = part.partition(STOP)
        if number and stop:
            found.append((hit, True))
            found.append((rest.replace(STOP, ""), False))
        else:
            found.append((part.replace(STOP, ""), False))
    return [(text, is_hit) for text, is_hit in found if text]
