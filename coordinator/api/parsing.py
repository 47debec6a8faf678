"""Reading a JSON body: what cannot be stored or answered is refused at the door, in one place."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

DEEPEST = 20


class StrictJSONParser(JSONParser):
    """UTF-8 JSON without NaN, twice-named fields, NUL, lone surrogates or more than 20 levels."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            body = json.loads(
                stream.read().decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_once
            )
            _check(body, DEEPEST)
        except RecursionError:
            raise ParseError(_("The body is nested too deeply.")) from None
        except UnicodeDecodeError:
            raise ParseError(_("The body is not UTF-8.")) from None
        except ValueError as error:
            raise ParseError(_("The body is not JSON: %(why)s.") % {"why": error}) from None
        return body


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not allowed")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field is named twice")
    return found


def _check(value: Any, levels: int) -> None:
    if levels < 0:
        raise ValueError("it is nested too deeply")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name)
            _check(inner, levels - 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, levels - 1)


def _check_text(value: str) -> None:
    if "\0" in value:
        raise ValueError("a text holds the character NUL")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("a text holds half of a character (a lone surrogate)")
