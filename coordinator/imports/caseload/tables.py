"""A CSV or XLSX file as rows of text: what it is comes from its bytes, and how it was read is said."""

from __future__ import annotations

import csv
import datetime
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

from django.utils.translation import gettext as _

from coordinator import files
from coordinator.dashboard.export import read_cell

MOST_BYTES = 10 * 1024 * 1024
MOST_UNPACKED = 200 * 1024 * 1024
MOST_ROWS = 20_000
MOST_COLUMNS = 200
MOST_HEADER = 200  # characters of one column's name
DELIMITERS = (",", ";", "\t", "|")
csv.field_size_limit(
    MOST_BYTES
)  # a cell may be as long as the file; what a field can hold is said at the row
_ZEROS = re.compile(r"^0{2,}$")


class Unreadable(ValueError):
    """The file cannot be read as a table; the sentence can be shown."""


@dataclass(frozen=True)
class Table:
    """How a file was read. `rows` yields (line in the file, cells); every row is as long as the header or longer."""

    kind: str  # "csv" or "xlsx"
    encoding: str  # "UTF-8", "UTF-16", "Windows-1252"; "" for XLSX
    delimiter: str
    sheet: str
    header: tuple[str, ...]
    rows: Iterator[tuple[int, list[str]]]


def read_table(file: BinaryIO) -> Table:
    """Open a table. Raises Unreadable for another type, no header, or too many columns, here or while reading."""
    kind = files.kind_of(file)
    if kind == files.XLSX:
        return _workbook(file)
    if kind in (files.TEXT, files.HTML, files.XML, files.SVG) or _may_hold_table(file, kind):
        return _text_table(file)
    raise Unreadable(
        _("This is neither a CSV nor an XLSX file. Save it as one of these and choose it again.")
    )


def _may_hold_table(file: BinaryIO, kind: str) -> bool:
    """A control character spoils its own row, not the file; a program or picture has many from the start."""
    head = file.read(files.HEAD_BYTES)
    file.seek(0)
    odd = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in head)
    return (
        not kind
        and bool(head)
        and not head.startswith((b"MZ", b"#!", b"\x7fELF", b"PK"))
        and odd * 100 <= len(head)
    )


# --- text --------------------------------------------------------------------------------------------


def _text_table(file: BinaryIO) -> Table:
    text, encoding = decode(file.read())
    delimiter = find_delimiter(text)
    records = _records(text, delimiter)
    try:
        _line, first = next(records)
    except StopIteration:
        raise Unreadable(_("This file is empty.")) from None
    header = name_columns(first)
    return Table("csv", encoding, delimiter, "", header, _padded(records, len(header)))


def decode(data: bytes) -> tuple[str, str]:
    """The text and the name of its encoding. Raises Unreadable when none that we read explains every byte."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = [("utf-16", "UTF-16")]
    else:
        encodings = [("utf-8-sig", "UTF-8"), ("cp1252", "Windows-1252")]
    for codec, name in encodings:
        try:
            return data.decode(codec), name
        except UnicodeDecodeError:
            continue
    raise Unreadable(_("The letters of this file cannot be read. Save it as CSV with UTF-8."))


def find_delimiter(text: str) -> str:
    """The separator that cuts the first lines into the most columns, the same number on most of them."""

    def fit(delimiter: str) -> tuple[int, int]:
        sample = io.StringIO(text[:50_000], newline="")
        widths = []
        try:
            widths = [len(row) for row in islice(csv.reader(sample, delimiter=delimiter), 20) if row]
        except csv.Error:
            return 0, 0
        if not widths or widths[0] == 1:
            return 0, 0
        return widths.count(widths[0]), widths[0]

    return max(DELIMITERS, key=lambda delimiter: (fit(delimiter), -DELIMITERS.index(delimiter)))


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise Unreadable(
                _(
                    "The quotation marks of the row that begins on line %(line)d do not close or are not doubled."
                )
                % {"line": line}
            ) from None
        if any(cell.strip() for cell in cells):
            yield line, [read_cell(cell) for cell in cells]
        line = reader.line_num + 1


# --- workbooks -----------------------------------------------------------------------------------------


def _workbook(file: BinaryIO) -> Table:
    """The first visible sheet. A formula is never computed: the result that was saved with it is read."""
    try:
        files.check_archive(file, most_bytes=MOST_UNPACKED)
        _refuse_entities(file)
        from openpyxl import load_workbook

        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheet = next(s for s in book.worksheets if s.sheet_state == "visible")
        sheet.reset_dimensions()
        records = _cells(sheet)
        first = next(records, None)
    except (files.UnsafeArchive, Unreadable) as error:
        raise Unreadable(str(error)) from error
    except Exception as error:  # a damaged part may fail in any way inside the library
        raise Unreadable(_("This workbook is damaged. Open it, save it again, or save it as CSV.")) from error
    if first is None:
        raise Unreadable(_("The first sheet of this workbook is empty."))
    header = name_columns(first[1])
    return Table("xlsx", "", "", str(sheet.title), header, _padded(records, len(header)))


def _refuse_entities(file: BinaryIO) -> None:
    """A document type in a workbook's XML is never there by itself; entities could grow without end."""
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if member.filename.endswith((".xml", ".rels")):
                with archive.open(member) as part:
                    if b"<!DOCTYPE" in part.read(4096):
                        raise Unreadable(_("This workbook holds parts that we do not open. Save it as CSV."))
    file.seek(0)


def _cells(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    for number, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS + 1), 1):
        cells = [_cell(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if any(cell.strip() for cell in cells):
            yield number, cells


def _cell(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime.datetime):
        return (
            value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "minutes")
        )
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value)
    shown = str(getattr(cell, "number_format", "") or "")
    # A postal code or number that is shown with its zeros in front.
    return text.zfill(len(shown)) if isinstance(value, int) and _ZEROS.match(shown) else text


# --- both ------------------------------------------------------------------------------------------------


def name_columns(cells: list[str]) -> tuple[str, ...]:
    """The header with a name for every column, each once."""
    if len(cells) > MOST_COLUMNS:
        raise Unreadable(_("This table has more than %(most)d columns.") % {"most": MOST_COLUMNS})
    names: list[str] = []
    for number, cell in enumerate(cells, 1):
        plain = " ".join("".join(c if c.isprintable() else " " for c in cell).split())[:MOST_HEADER]
        name, again = plain or _("Column %(number)d") % {"number": number}, 1
        base = name
        while name in names:
            again += 1
            name = f"{base} ({again})"
        names.append(name)
    return tuple(names)


def _padded(records: Iterator[tuple[int, list[str]]], width: int) -> Iterator[tuple[int, list[str]]]:
    count = 0
    try:
        for line, cells in records:
            count += 1
            if count > MOST_ROWS:
                raise Unreadable(
                    _("This table has more than %(most)d rows. Split it into several files.")
                    % {"most": MOST_ROWS}
                )
            yield line, cells + [""] * (width - len(cells))
    except Unreadable:
        raise
    except (zipfile.BadZipFile, SyntaxError, ValueError, KeyError, EOFError, OSError) as error:
        raise Unreadable(_("This workbook is damaged. Open it, save it again, or save it as CSV.")) from error
