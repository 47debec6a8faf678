"""The one writer of CSV files and workbooks: permissioned, recorded, and safe to open in a spreadsheet.

Spreadsheets run a cell that looks like a formula. Such a cell gets an apostrophe in front, which keeps it text;
`read_cell()` is the exact way back. The same holds behind a separator inside a cell, because a program that expects
semicolons starts a new cell there.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator.audit import services as audit
from coordinator.files import XLSX

MOST_ROWS = 200_000  # what one answer may hold in memory: some 30 MB
CHUNK = 64 * 1024
FREE_TEXT = frozenset(
    {"q", "text", "name"}
)  # may hold a patient's name: the trail says only that it was given

# Ordinary, full-width and small forms of = + - @, and the minus sign.
_SIGNS = "=+@＝＋－＠﹢﹣﹦﹫−-"
# What a spreadsheet may skip before it looks: blanks, controls, byte-order marks, invisible characters, apostrophes.
_SKIPPED = "'\\s\\x00-\\x1f\\x7f\\u00ad\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2064\\ufeff"
# What XML cannot hold.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_STARTS = re.compile(f"[{_SKIPPED}]*(?=[{_SIGNS}])|'*[\\t\\r\\n][{_SKIPPED}]*")
_INSIDE = re.compile(f"([;\\t\\r\\n])(?=[{_SKIPPED}]*[{_SIGNS}])")
_INSIDE_SAFE = re.compile(f"([;\\t\\r\\n])'(?=[{_SKIPPED}]*[{_SIGNS}])")


def write_cell(value: Any) -> str | int | float:
    """A value as it stands in the file: numbers stay numbers, days are ISO days, moments local with their offset."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, datetime.datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M %z")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return _as_text(str(value))


def _as_text(text: str) -> str:
    """
    >>> _as_text("=1+1"), _as_text("Mercy Cardiology"), _as_text("fever; -2 kg")
    ("'=1+1", 'Mercy Cardiology', "fever;' -2 kg")
    """
    start = _STARTS.match(text)
    head = start.end() if start else 0
    return ("'" if start else "") + text[:head] + _INSIDE.sub(r"\1'", text[head:])


def read_cell(text: str) -> str:
    """What stood in the record: the way back from `write_cell` for text."""
    start = _STARTS.match(text[1:]) if text.startswith("'") else None
    if start:
        text = text[1:]
    head = start.end() if start else 0
    return text[:head] + _INSIDE_SAFE.sub(r"\1", text[head:])


def csv_response(
    request: HttpRequest,
    name: str,
    header: Sequence[Any],
    rows: Iterable[Sequence[Any]],
    filters: Mapping[str, Any],
    entity: str,
) -> StreamingHttpResponse:
    """A CSV file (UTF-8 with a byte-order mark, comma, CRLF) of these rows.

    `name` is a fixed word of ours such as "caseload" and becomes the file's name with the day; it never holds data.
    `filters` are what chose the rows and `entity` is what they are ("careplans.task"): both go into the audit trail
    with the number of rows, before the first byte leaves. Raises PermissionDenied without "export.csv", ValidationError
    for more than MOST_ROWS rows.
    """
    _check(request, name)
    file, count = _written(header, rows)
    return _answer(request, file, count, name, "csv", "text/csv; charset=utf-8", filters, entity)


def xlsx_response(
    request: HttpRequest,
    name: str,
    header: Sequence[Any],
    rows: Iterable[Sequence[Any]],
    filters: Mapping[str, Any],
    entity: str,
) -> StreamingHttpResponse:
    """A workbook of these rows, as `csv_response`. Text is stored as text: no cell is a formula, whatever it holds."""
    _check(request, name)
    file, count = _workbook(header, rows)
    return _answer(request, file, count, name, "xlsx", XLSX, filters, entity)


def _check(request: HttpRequest, name: str) -> None:
    if not request.user.can("export.csv"):  # type: ignore[union-attr]
        raise PermissionDenied(_("Your role does not include exports."))
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ValueError("The file's name is a fixed word of ours.")


def _answer(
    request: HttpRequest,
    file: io.BytesIO,
    count: int,
    name: str,
    ending: str,
    content_type: str,
    filters: Mapping[str, Any],
    entity: str,
) -> StreamingHttpResponse:
    audit.record(
        by=request.user,
        action="export",
        entity=entity,
        details={"file": name, "rows": count, "filters": _kept(filters)},
    )
    response = StreamingHttpResponse(_blocks(file), content_type=content_type)
    day = timezone.localdate().isoformat()
    response["Content-Disposition"] = f'attachment; filename="throughline-{name}-{day}.{ending}"'
    response["Cache-Control"] = "no-store"
    return response


def _written(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> tuple[io.BytesIO, int]:
    """The whole file and its number of rows: an error while reading must not leave half a file behind."""
    file = io.BytesIO()
    file.write(b"\xef\xbb\xbf")
    text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="", write_through=True)
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([str(column) for column in header])
    count = 0
    for count, row in enumerate(rows, 1):
        if count > MOST_ROWS:
            raise ValidationError(
                _("This list has more than %(most)d rows. Narrow the filters.") % {"most": MOST_ROWS}
            )
        writer.writerow([write_cell(value) for value in row])
    text.detach()
    file.seek(0)
    return file, count


def _workbook(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> tuple[io.BytesIO, int]:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet()

    def cell(value: Any) -> Any:
        if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
            return value
        if not isinstance(value, str):
            value = str(write_cell(value))
        made = WriteOnlyCell(sheet, value=_UNSTORABLE.sub("\ufffd", value))
        made.data_type = "s"
        return made

    sheet.append([cell(str(column)) for column in header])
    count = 0
    for count, row in enumerate(rows, 1):
        if count > MOST_ROWS:
            raise ValidationError(
                _("This list has more than %(most)d rows. Narrow the filters.") % {"most": MOST_ROWS}
            )
        sheet.append([cell(value) for value in row])
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return file, count


def _blocks(file: io.BytesIO) -> Iterator[bytes]:
    while block := file.read(CHUNK):
        yield block


def _kept(filters: Mapping[str, Any]) -> dict[str, str]:
    return {key: "given" if key in FREE_TEXT else str(value) for key, value in filters.items() if value}
