"""From paths to files: folders, .json, .ndjson, .gz and .zip, opened one at a time."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coordinator.fhir.problems import Unreadable

MAX_FILE_BYTES = 200 * 1024 * 1024  # unpacked
MAX_RATIO = 200  # unpacked : packed; a FHIR file packs about 1:20
MAX_ARCHIVE_FILES = 20_000
SUFFIXES = (".json", ".ndjson", ".json.gz", ".ndjson.gz", ".zip")

# What others refer to is read first, whatever the files are called otherwise.
FIRST = (
    "hospitalinformation",
    "organization",
    "location",
    "practitionerinformation",
    "practitioner.",
    "practitioner_",
)
SECOND = ("practitionerrole", "patient.", "patient_", "patient-")
THIRD = ("coverage", "relatedperson", "condition", "encounter", "goal", "careteam")


@dataclass(frozen=True)
class Source:
    """A file to read: its display name (no folder of this machine) and how to get its bytes."""

    name: str
    path: Path
    member: str = ""

    def read(self) -> bytes:
        """The unpacked bytes. Raises Unreadable for bombs, broken archives and oversize files."""
        try:
            if self.member:
                with zipfile.ZipFile(self.path) as archive:
                    info = archive.getinfo(self.member)
                    _check_ratio(info.file_size, info.compress_size)
                    with archive.open(info) as stream:
                        data = stream.read(MAX_FILE_BYTES + 1)
            else:
                with self.path.open("rb") as stream:
                    data = stream.read(MAX_FILE_BYTES + 1)
            if len(data) > MAX_FILE_BYTES:
                raise Unreadable("larger than 200 MB")
            return _gunzip(data) if self.name.lower().endswith(".gz") else data
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:
            raise Unreadable(f"cannot be opened ({type(error).__name__})") from error


def _check_ratio(unpacked: int, packed: int) -> None:
    if unpacked > MAX_FILE_BYTES or (unpacked > 1_000_000 and unpacked > MAX_RATIO * max(packed, 1)):
        raise Unreadable("unpacks to far more than a FHIR file does; not opened")


def _gunzip(data: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
        plain = stream.read(min(MAX_FILE_BYTES, max(1_000_000, MAX_RATIO * len(data))) + 1)
    _check_ratio(len(plain), len(data))
    return plain


def find_sources(paths: list[Path]) -> list[Source]:
    """Every readable file under the paths, those that others refer to first. Raises Unreadable for a path that is not there."""
    found: list[Source] = []
    for path in paths:
        if path.is_dir():
            for file in sorted(p for p in path.rglob("*") if p.is_file() and _is_ours(p.name)):
                found += _expand(file, str(file.relative_to(path)))
        elif path.is_file():
            if not _is_ours(path.name):
                raise Unreadable("is neither .json, .ndjson, .gz nor .zip", path.name)
            found += _expand(path, path.name)
        else:
            raise Unreadable("there is no such file or folder", path.name)
    return sorted(found, key=lambda source: (_rank(source.name), source.name))


def _is_ours(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def _expand(path: Path, name: str) -> Iterator[Source]:
    if not name.lower().endswith(".zip"):
        yield Source(name, path)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.namelist() if _is_ours(m) and not m.lower().endswith(".zip")]
    except (OSError, zipfile.BadZipFile):
        yield Source(name, path, member="?")  # reading it will say why
        return
    for member in members[:MAX_ARCHIVE_FILES]:
        yield Source(f"{name}/{Path(member).name}", path, member)


def _rank(name: str) -> int:
    base = name.rsplit("/", 1)[-1].lower()
    for rank, starts in enumerate((FIRST, SECOND, THIRD)):
        if base.startswith(starts):
            return rank
    return len((FIRST, SECOND, THIRD))


def read_documents(name: str, data: bytes) -> list[tuple[str, Any]]:
    """The JSON values of a file with where each stands: one for .json, one a line for .ndjson."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not UTF-8 (byte {error.start})") from error
    if not _is_ndjson(name):
        return [("", _parse(text, ""))]
    lines = [(f"line {n}", line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    return [(place, _parse(line, place)) for place, line in lines]


def _is_ndjson(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith(".ndjson")


def _parse(text: str, place: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_no_doubles, parse_constant=_no_constants)
    except Unreadable as error:
        raise Unreadable(error.reason, place) from error
    except json.JSONDecodeError as error:
        where = place or f"line {error.lineno}"
        raise Unreadable(f"is not JSON: {error.msg} (column {error.colno})", where) from error
    except RecursionError as error:
        raise Unreadable("is nested too deep", place) from error


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _value in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise Unreadable(f"has the property {double[:60]!r} twice in one object")
    return found


def _no_constants(name: str) -> None:
    raise Unreadable(f"holds {name}, which is not JSON")
