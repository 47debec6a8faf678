"""Files coming in and going out. In a form, what is too large is dropped while it arrives, so that it fills neither memory nor disk.

The rest of the form is read all the same: a refused file costs nobody what they typed beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

V = TypeVar("V", bound=Callable[..., Any])
TOGETHER = 4  # all files of one form may have this many times the size of one
HOPELESS = 20  # a request this many times larger than one file is not read to its end


def takes_files(largest: Callable[[], int]) -> Callable[[V], V]:
    """This page takes files of at most `largest()` bytes each. A page that does not say so takes none."""

    def declare(view: V) -> V:
        view.largest_file = staticmethod(largest) if isinstance(view, type) else largest  # type: ignore[attr-defined]
        return view

    return declare


def dropped_files(request: HttpRequest) -> list[str]:
    """Names, as they were given, of the files that were too large."""
    request.FILES  # noqa: B018  (reads the form)
    return getattr(request, "dropped_files", [])


def _largest(request: Any) -> int:
    match = getattr(request, "resolver_match", None)
    if match is None:
        return 0
    for holder in (match.func, getattr(match.func, "cls", None)):
        if largest := getattr(holder, "largest_file", None):
            return largest()
    return 0


# What a file may do if a browser opened it after all: nothing.
SHUT = "default-src 'none'; sandbox"


def hand_out(
    path: Path, name: str = "", content_type: str = "application/octet-stream"
) -> StreamingHttpResponse:
    """A file from disk, with a `name` as an attachment. No browser guesses at it, keeps it or runs anything in it.

    Raises Http404 when it is not there.
    """
    if not path.is_file():
        raise Http404
    response = StreamingHttpResponse(_chunks(path), content_type=content_type)
    response["Content-Length"] = path.stat().st_size
    if name:
        response["Content-Disposition"] = content_disposition_header(True, name)
    response["Content-Security-Policy"] = SHUT
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(64 * 1024):
            yield chunk


class BoundedUploadHandler(FileUploadHandler):
    """The first of the handlers: it counts, the others keep."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self.largest = self.taken = self.announced = 0

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        self.largest = _largest(self.request)
        self.announced = args[2]
        self.request.dropped_files = []  # type: ignore[union-attr]

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.of_this = 0
        if self.announced > HOPELESS * max(self.largest, 1024 * 1024):
            self._note()
            raise StopUpload(connection_reset=True)
        if not self.largest or self.taken >= TOGETHER * self.largest:
            self._drop()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.of_this += len(raw_data)
        self.taken += len(raw_data)
        if self.of_this > self.largest or self.taken > TOGETHER * self.largest:
            self._drop()
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None

    def _note(self) -> None:
        self.request.dropped_files.append(self.file_name or "")  # type: ignore[union-attr]

    def _drop(self) -> None:
        self._note()
        raise SkipFile
