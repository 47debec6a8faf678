"""Doorways for incoming papers."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.audit import services as audit
from coordinator.db import Conflict
from coordinator.filters import filters_of, store_filters
from coordinator.http import get_visible_or_404, page, requires, whole_number
from coordinator.toasts import toast
from coordinator.uploads import hand_out, takes_files
from coordinator.workflow import NotAllowed
from patients.rules.files import name_to_save
from patients.rules.text import Unfit
from patients.selectors import find_patients
from patients.services.previews import page_path
from referrals.forms.inbound import AttachForm, ReceiveForm, StateForm, WhyForm
from referrals.models import InboundDocument
from referrals.selectors.inbound import fits_search, inbound_list, places_of, proposals
from referrals.services import inbound as services

PAGE_SIZE = 50
FOUND = 8


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def inbound_index(request: HttpRequest) -> HttpResponse:
    """Papers that wait, oldest first; with a filter, those that were sorted."""
    if request.method == "POST":
        return store_filters(request, "inbound")
    form = StateForm(filters_of(request, "inbound"))
    state = form.cleaned_data["state"] if form.is_valid() else ""
    rows = inbound_list(request.user, state)
    start = whole_number(request.GET.get("after"))
    found = list(rows[start : start + PAGE_SIZE + 1])
    context = {
        "form": form,
        "papers": found[:PAGE_SIZE],
        "next_after": start + PAGE_SIZE if len(found) > PAGE_SIZE else None,
        "state": state,
        "incoming": inbound_list(request.user).count(),
    }
    return page(request, "referrals/inbound_list.html", context, part="referrals/_inbound_rows.html")


@takes_files(lambda: settings.DOCUMENT_MAX_BYTES)
@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def inbound_new(request: HttpRequest) -> HttpResponse:
    """Bring papers in by hand: all of them are kept or none."""
    sent = request.method == "POST"
    form = ReceiveForm(
        request.POST if sent else None,
        request.FILES if sent else None,
        user=request.user,
        request=request,
    )
    if sent and form.is_valid():
        try:
            kept = _receive(request, form.cleaned_data)
        except Unfit as problem:
            form.add_error("files", str(problem))
        else:
            said = ngettext(
                "Paper kept. It waits to be sorted.", "%(n)d papers kept. They wait to be sorted.", len(kept)
            )
            toast(request, said % {"n": len(kept)})
            if len(kept) == 1:
                return redirect("referrals:inbound_detail", kept[0].pk)
            return redirect("referrals:inbound_list")
    return page(request, "referrals/inbound_new.html", {"form": form}, status=422 if sent else 200)


@transaction.atomic
def _receive(request: HttpRequest, data: dict[str, Any]) -> list[InboundDocument]:
    same: dict[str, Any] = {"site": data["site"], "sender": data["sender"], "channel": "upload"}
    return [
        services.receive_inbound(file=file, by=request.user, now=timezone.now(), **same)
        for file in data["files"]
    ]


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def inbound_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The paper, where it may belong and why. A POST searches for a patient, so that no name stands in an address."""
    return _show(request, _visible(request, pk))


def _visible(request: HttpRequest, pk: UUID) -> InboundDocument:
    related = InboundDocument.objects.select_related("site", "patient", "document")
    return get_visible_or_404(related, request.user, pk=pk)


def _show(
    request: HttpRequest, inbound: InboundDocument, form: AttachForm | None = None, why: WhyForm | None = None
) -> HttpResponse:
    query = request.POST.get("q", "").strip()[:100]
    waiting = inbound.status == "new"
    found = []
    if waiting and fits_search(query):
        today = timezone.localdate(timezone=inbound.site.tzinfo)
        found = find_patients(request.user, query, FOUND, today=today, with_phones=False).patients
    if inbound.patient is not None:
        audit.viewed(request, inbound.patient, what="inbound")
    context = {
        "inbound": inbound,
        "pages": range(1, inbound.pages_shown + 1) if _is_open(inbound) else (),
        "text": inbound.text[:20_000] if _is_open(inbound) else "",
        "said": inbound.said if _is_open(inbound) else "",
        "proposals": proposals(request.user, inbound) if waiting else [],
        "query": query,
        "found": places_of(request.user, found),
        "form": form or AttachForm(user=request.user),
        "why": why or WhyForm(),
        "changes": inbound.changes.select_related("by").order_by("-at", "-id"),
    }
    status = 422 if form is not None or why is not None else 200
    return page(request, "referrals/inbound_detail.html", context, status=status)


def _is_open(inbound: InboundDocument) -> bool:
    """Once it is in a record, the record's rules (labels, restriction) say who reads it, there."""
    return inbound.document_id is None


@require_GET
@requires("referrals.edit")
def inbound_page(request: HttpRequest, pk: UUID, number: int) -> HttpResponseBase:
    """One page as our own picture."""
    inbound = _visible(request, pk)
    if not _is_open(inbound) or not 1 <= number <= inbound.pages_shown:
        raise Http404
    return hand_out(page_path(inbound, number), content_type="image/png")


@require_GET
@requires("referrals.edit")
def inbound_file(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The file itself, as an attachment."""
    inbound = _visible(request, pk)
    if not _is_open(inbound):
        raise Http404
    audit.record(
        by=request.user,
        action="download",
        entity="referrals.inbounddocument",
        entity_id=inbound.pk,
        site_id=inbound.site_id,
    )
    name = name_to_save(inbound.file_name, inbound.content_type)
    return hand_out(Path(inbound.file.path), name)


@require_POST
@requires("referrals.edit")
def inbound_attach(request: HttpRequest, pk: UUID) -> HttpResponse:
    inbound = _visible(request, pk)
    form = AttachForm(request.POST, user=request.user)
    if form.is_valid():
        data = dict(form.cleaned_data)
        patient, link = data.pop("place")
        try:
            services.attach_inbound(
                inbound_id=pk, patient=patient, link=link, by=request.user, now=timezone.now(), **data
            )
        except (NotAllowed, Conflict) as refusal:
            form.add_error(None, str(refusal))
        except ValidationError as refusal:
            form.add_error(None, refusal.messages)
        else:
            toast(request, _("Attached"))
            return redirect("referrals:inbound_list")
    return _show(request, inbound, form=form)


STEPS = {
    "set_aside": services.set_aside_inbound,
    "sort_again": services.sort_inbound_again,
    "enter_in_error": services.enter_inbound_in_error,
}


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def inbound_step(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """Set aside, sort again, entered in error: each with a reason."""
    inbound = _visible(request, pk)
    if step not in STEPS:
        raise Http404
    if request.method == "GET":
        return _show(request, inbound)
    form = WhyForm(request.POST)
    if form.is_valid():
        try:
            STEPS[step](inbound_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data)
        except (NotAllowed, Conflict) as refusal:
            form.add_error(None, str(refusal))
        else:
            toast(request, _("Saved"))
            back = "referrals:inbound_detail" if step == "sort_again" else "referrals:inbound_list"
            return redirect(back, *([pk] if step == "sort_again" else []))
    return _show(request, inbound, why=form)
