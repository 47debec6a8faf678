"""A program of its own: draws the pages of one file as PNG and reads its text, with little memory and little time.

Started by `services.previews` for one file that may be hostile. It knows neither Django nor the database, has no
secrets in its environment, and whatever happens to it happens to this file's row only.

    python -I drawing.py FILE CONTENT_TYPE FOLDER
"""

from __future__ import annotations

import html
import json
import re
import resource
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

ANSWER = "answer.json"
MOST_PAGES = 20
MOST_TEXT = 1_000_000  # characters
MOST_BYTES = 20 * 1024 * 1024  # of one file that is written
MEMORY = 1024**3
PROCESSOR_SECONDS = 45
WIDE, HIGH = 1240, 1754  # A4 at 150 dots per inch
PIXELS = 60_000_000
TEXT_PAGES = 300
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/tiff": "TIFF"}


def limit_myself() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, PROCESSOR_SECONDS),
        (resource.RLIMIT_FSIZE, MOST_BYTES),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def draw_pdf(path: str, folder: Path) -> dict[str, Any]:
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        return {"problem": "locked" if "password" in str(error).lower() else "unreadable"}
    pages, texts, length = len(document), [], 0
    for number in range(min(pages, TEXT_PAGES)):
        page = document[number]
        words = page.get_textpage().get_text_bounded()
        texts.append(words)
        length += len(words)
        if number < MOST_PAGES:
            width, height = page.get_size()
            scale = min(WIDE / max(width, 1), HIGH / max(height, 1), 4)
            save(page.render(scale=scale).to_pil(), folder, number + 1)
        page.close()
        if length > MOST_TEXT:
            break
    return {"pages": pages, "shown": min(pages, MOST_PAGES, len(texts)), "text": "\n".join(texts)}


def draw_picture(path: str, content_type: str, folder: Path) -> dict[str, Any]:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        picture = Image.open(path, formats=[FORMATS[content_type]])
        frames = getattr(picture, "n_frames", 1)
        for number in range(min(frames, MOST_PAGES)):
            picture.seek(number)
            save(ImageOps.exif_transpose(picture), folder, number + 1)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return {"problem": "too_much"}
    return {"pages": frames, "shown": min(frames, MOST_PAGES), "text": ""}


def save(picture: Any, folder: Path, number: int) -> None:
    """A new picture of the same pixels: nothing else of the file comes along."""
    from PIL import Image

    drawn = picture.convert("RGB")
    drawn.thumbnail((WIDE, HIGH))
    clean = Image.new("RGB", drawn.size)
    clean.paste(drawn)
    clean.save(folder / f"{number}.png")


def read_text(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8-sig") as stream:
        return {"pages": 0, "shown": 0, "text": stream.read(MOST_TEXT)}


def read_office(path: str) -> dict[str, Any]:
    """The words between the text marks of Word and Excel files; no XML is parsed."""
    with zipfile.ZipFile(path) as archive:
        wanted = [
            n for n in archive.namelist() if re.fullmatch(r"word/document\.xml|xl/sharedStrings\.xml", n)
        ]
        parts = []
        for name in wanted:
            with archive.open(name) as stream:
                parts.append(stream.read(32 * 1024 * 1024).decode("utf-8", "replace"))
    source = re.sub(r"</(?:w:p|si)>", "<w:t>\n</w:t>", "\n".join(parts))
    words = re.findall(r"<(?:w:)?t(?:\s[^<>]*)?>([^<]*)</(?:w:)?t>", source)
    return {"pages": 0, "shown": 0, "text": html.unescape("".join(words))[:MOST_TEXT]}


def draw(path: str, content_type: str, folder: Path) -> dict[str, Any]:
    if content_type == "application/pdf":
        return draw_pdf(path, folder)
    if content_type in FORMATS:
        return draw_picture(path, content_type, folder)
    return read_text(path) if content_type == "text/plain" else read_office(path)


def main(path: str, content_type: str, folder: str) -> None:
    limit_myself()
    try:
        answer = draw(path, content_type, Path(folder))
    except MemoryError:
        answer = {"problem": "too_much"}
    except Exception:  # whatever the libraries say of it
        answer = {"problem": "unreadable"}
    answer["text"] = re.sub(r"[^\S\n]+", " ", answer.get("text", ""))[:MOST_TEXT]
    (Path(folder) / ANSWER).write_text(json.dumps(answer), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:4])
