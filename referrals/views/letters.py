"""Doorways for the letter against a denial, and for how denials ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires
from coordinator.paper import plain, typeset
from coordinator.toasts import toast
from coordinator.wording import day
from patients.models import Document
from referrals import services
from referrals.forms.denials import EndedForm, LetterForm
from referrals.models import AppealLetter, Denial
from referrals.rules import letters as letter_rules
from referrals.selectors.denials import FEW, ended
from referrals.selectors.letters import Material, material, merged, papers
from referrals.views.denials import visible_denial

SOURCE = Path(__file__).parents[1] / "letter.typ"


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def letter_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The letter: choose from the record, fill in, change the text, keep it as a version."""
    denial = visible_denial(request, pk)
    patient = denial.authorization.patient
    found, documents = material(request.user, patient), papers(request.user, patient)
    status = 200
    if request.method == "POST":
        form = LetterForm(request.POST, found=found, documents=documents)
        if form.is_valid():
            if request.POST.get("act") == "fill":
                form = _filled(denial, found, documents, form.cleaned_data)
            elif _saved(request, denial, found, form):
                return redirect("referrals:denial_detail", pk)
            else:
                status = 422
        else:
            status = 422
    else:
        form = _first(denial, found, documents)
    context = {"form": form, "denial": denial, "authorization": denial.authorization, "patient": patient}
    return page(request, "referrals/letter_edit.html", context, status=status)


def _first(denial: Denial, found: Material, documents: list[Document]) -> LetterForm:
    """The last version, or the template filled in with every problem and nothing else chosen."""
    last = denial.letters.order_by("number").last()
    if last is not None:
        first = {"body": last.body, "entries": [key for _kind, key in last.cites]}
        return LetterForm(initial=first, found=found, documents=documents)
    kinds = {item.get("kind") for item in denial.category.checklist}
    data = {
        "entries": [str(row.pk) for row in found.problems],
        "sent": [str(document.pk) for document in documents if document.kind in kinds],
    }
    return _filled(denial, found, documents, data)


def _filled(
    denial: Denial, found: Material, documents: Sequence[Document], data: dict[str, Any]
) -> LetterForm:
    entries, keys = data.get("entries", []), data.get("sent", [])
    sent = [document for document in documents if str(document.pk) in keys]
    body = merged(denial, found.chosen(entries), sent, timezone.now())
    first = {"entries": entries, "sent": keys, "body": body}
    return LetterForm(initial=first, found=found, documents=documents)


def _saved(request: HttpRequest, denial: Denial, found: Material, form: LetterForm) -> bool:
    data = form.cleaned_data
    try:
        letter = services.save_letter(
            denial_id=denial.pk,
            body=data["body"],
            cites=found.chosen(data.get("entries", [])).cites,
            by=request.user,
            now=timezone.now(),
        )
    except ValidationError as refusal:
        show_refusal(form, refusal)
        return False
    toast(request, _("Letter kept as version %(n)d") % {"n": letter.number})
    return True


@require_GET
@requires("referrals.edit")
def letter_file(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A version of the letter as a PDF, recorded as taken. Refused when it names an entry that is protected by now."""
    letter = get_visible_or_404(AppealLetter.objects.all(), request.user, pk=pk)
    denial = visible_denial(request, letter.denial_id)
    services.record_printing(letter=letter, by=request.user)
    data = {
        "title": f"Appeal of the denial of {day(denial.notice_on)}",
        "author": plain(denial.authorization.site.name),
        "lang": "en",
        "foot": plain(denial.authorization.site.name),
        "page": "Page",
        "paragraphs": [[plain(line) for line in block] for block in letter_rules.paragraphs(letter.body)],
    }
    response = HttpResponse(typeset(SOURCE, data), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="appeal-letter-{letter.number}.pdf"'
    return response


@require_GET
@requires("referrals.view")
def denial_outcomes(request: HttpRequest) -> HttpResponse:
    """How denials ended, by reason and payer, of the person's places."""
    form = EndedForm(request.GET or None)
    chosen = form.cleaned_data if form.is_valid() else {}
    by = ("category", "payer") if chosen.get("by_payer") else ("category",)
    rows = ended(request.user, by=by, since=chosen.get("since"), until=chosen.get("until"))
    context = {"form": form, "rows": rows, "by_payer": "payer" in by, "few": FEW}
    return page(request, "referrals/denial_outcomes.html", context)
