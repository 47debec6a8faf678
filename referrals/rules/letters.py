"""The words of a letter: which places a template may have, and filling them. Pure: no ORM, no wall clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as lazy

PLACE = re.compile(r"\{([^{}]*)\}")

PLACES: dict[str, Any] = {
    "today": lazy("Today’s date"),
    "clinic": lazy("The clinic’s name, address and phone"),
    "payer": lazy("The payer’s name"),
    "patient": lazy("The patient’s name"),
    "born": lazy("The patient’s date of birth"),
    "member": lazy("The member number"),
    "number": lazy("The request’s number"),
    "service": lazy("The service asked for"),
    "lines": lazy("The refused lines with code and units"),
    "notice_date": lazy("The date of the denial notice"),
    "denial_words": lazy("The payer’s reason, word for word"),
    "clinical": lazy("The problems, medicines and results that were chosen"),
    "papers": lazy("The papers that go with the letter"),
    "clinician": lazy("The clinician who asks"),
}


def unknown_places(template: str) -> list[str]:
    """Names in braces that nothing fills, in their order.

    >>> unknown_places("Dear {payer}, {whoever} and { payer }")
    ['whoever', ' payer ']
    """
    return [name for name in PLACE.findall(template) if name not in PLACES]


def merge(template: str, values: Mapping[str, str]) -> str:
    """The template with its places filled, once: braces in what is filled in stay as they are.

    Raises KeyError for a place without a value.

    >>> merge("Dear {payer}", {"payer": "Plan {A}"})
    'Dear Plan {A}'
    """
    return PLACE.sub(lambda found: values[found.group(1)], template)


def paragraphs(body: str) -> list[list[str]]:
    """The body as paragraphs of lines, for paper."""
    blocks = re.split(r"\n\s*\n", body.replace("\r\n", "\n").strip())
    return [block.split("\n") for block in blocks if block.strip()]
