"""A packet as a tagged PDF (PDF/UA-1, US Letter). What it holds goes into one fixed typst file as JSON and pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from coordinator.packets.gather import TITLES, Offer, notices_of
from coordinator.paper import typeset
from coordinator.record.document import shows
from coordinator.record.sections import day_words, moment_words, plain, result_value, table
from coordinator.wording import language_name, phone
from patients.models import Document
from patients.services.previews import page_path
from referrals.kinds import kind_of
from referrals.rules import packets as rules

SOURCE = Path(__file__).with_name("packet.typ")
MOST_PAGES = 40  # of one enclosed document


def pdf_of(offer: Offer, chosen: dict[str, list[Any]], *, number: int) -> bytes:
    """The PDF of version `number`. Times are those of the patient's place."""
    with timezone.override(offer.record.patient.site.tzinfo):
        data, pictures = pages_of(offer, chosen, number)
    return typeset(SOURCE, data, pictures)


def pages_of(
    offer: Offer, chosen: dict[str, list[Any]], number: int
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What the typst file draws, and the pictures of enclosed pages by their names there."""
    p, referral = offer.record.patient, offer.referral
    pictures: dict[str, bytes] = {}
    enclosures = [_enclosure(document, pictures) for document in chosen[rules.DOCUMENTS]]
    sections = [section for section in _sections(chosen) if section["rows"]]
    notices = notices_of(chosen)
    letter = _letter(offer)
    if not all(shows(text) for text in json.dumps([letter, sections], ensure_ascii=False)):
        notices.append(_("Some characters cannot be shown in this file and stand as empty boxes."))
    return {
        "title": _("Referral %(reference)s") % {"reference": referral.reference},
        "author": plain(p.site.name),
        "lang": (translation.get_language() or "en")[:2],
        "who": _("%(name)s, born %(born)s, MRN %(mrn)s")
        % {"name": plain(str(p)), "born": day_words(p.birth_date), "mrn": plain(p.mrn)},
        "warning": _("Contains patient information"),
        "made": _("Version %(n)d, made %(when)s") % {"n": number, "when": moment_words(offer.record.now)},
        "page": _("Page"),
        "notices": notices,
        "letter": letter,
        "sections": sections,
        "enclosures": enclosures,
    }, pictures


def _letter(offer: Offer) -> list[list[str]]:
    """The request: who asks whom for what, and where to answer."""
    r, p = offer.referral, offer.record.patient
    kind = kind_of(r.category)
    numbers = [phone(point.value) for point in offer.record.usable_points if point.kind == "phone"]
    rows = [
        (_("To"), r.recipient_organization or r.recipient or ""),
        (_("From"), r.requester or r.site.name),
        (_("Place"), ", ".join(part for part in (r.site.name, r.site.address) if part)),
        (_("Patient"), str(p)),
        (_("Date of birth"), day_words(p.birth_date)),
        (_("Phone"), ", ".join(numbers[:2])),
        (
            _("Interpreter"),
            _("An interpreter is needed: %(language)s") % {"language": language_name(p.language)}
            if p.interpreter_needed
            else "",
        ),
        (kind.specialty, r.specialty),
        (kind.service, r.service),
        (_("Urgency"), r.get_urgency_display()),
        (_("To be seen by"), day_words(r.requested_by_on)),
        (_("Reason"), r.reason),
        (kind.question, r.clinical_question),
        (_("Please answer with"), _("our number %(reference)s") % {"reference": r.reference}),
    ]
    return [[str(label), plain(value)] for label, value in rows if str(value)]


def _sections(chosen: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [
        table(str(TITLES[rules.COVERAGE]), chosen[rules.COVERAGE], {
            _("Payer"): (2, lambda r: r.payer_name),
            _("Plan"): (2, lambda r: r.plan_name),
            _("Member number"): (1, lambda r: r.member_id),
            _("Group"): (1, lambda r: r.group_number),
        }),
        table(str(TITLES[rules.PROBLEMS]), chosen[rules.PROBLEMS], {
            _("Problem"): (3, lambda r: r.name),
            _("Code"): (1, lambda r: r.code),
            _("Since"): (1, lambda r: day_words(r.onset_on)),
        }),
        table(str(TITLES[rules.ALLERGIES]), chosen[rules.ALLERGIES], {
            _("Substance"): (3, lambda r: r.substance),
            _("Reaction"): (3, lambda r: r.reaction),
        }),
        table(str(TITLES[rules.MEDICINES]), chosen[rules.MEDICINES], {
            _("Medicine"): (3, lambda r: r.name),
            _("How taken"): (3, lambda r: r.how_taken),
        }),
        table(str(TITLES[rules.RESULTS]), chosen[rules.RESULTS], {
            _("When"): (1, lambda r: moment_words(r.taken_at)),
            _("Result"): (3, lambda r: r.name),
            _("Value"): (2, result_value),
            _("Reading"): (1, lambda r: r.interpretation),
        }),
    ]  # fmt: skip


def _is_picture(path: Path) -> bool:
    """Whether it can be drawn: one broken page must not hold the whole packet up."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            picture.load()
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def _enclosure(document: Document, pictures: dict[str, bytes]) -> dict[str, Any]:
    """A document's pages as pictures, with its words for who cannot see them; without pictures its words alone."""
    pages = []
    for number in range(1, min(document.pages_shown, MOST_PAGES) + 1):
        path = page_path(document, number)
        if path.is_file() and _is_picture(path):
            name = f"{document.pk.hex}-{number}.png"
            pictures[name] = path.read_bytes()
            pages.append(name)
    left_out = document.page_count - len(pages)
    note = ""
    if document.file and left_out > 0 and pages:
        note = _("Pages that are not in this copy: %(n)d. Ask us for them.") % {"n": left_out}
    text = plain(document.text)
    return {
        "title": plain(document.title),
        "pages": pages,
        "alt": _("A page of “%(title)s”") % {"title": plain(document.title)},
        "text": "" if pages else (text or _("This document has no pages that can be shown. Ask us for it.")),
        "note": note,
    }
