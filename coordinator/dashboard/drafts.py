"""Drafts of forms: what was typed and not yet sent, kept on the server for the person who typed it.

A draft is never the record: it writes no change row and no audit event, and the night throws it away after 30 days.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.dashboard.models import Draft
from coordinator.http import asks_first, get_visible_or_404, page, signed_in
from coordinator.toasts import toast
from coordinator.wording import clock_time, day_time
from patients.models import Patient

LONGEST = 2_000_000  # characters of JSON: a note of 1 MB with whatever stands beside it
KEPT_WORDS = 120
Fields = dict[str, list[str]]


@transaction.atomic
def save_draft(*, form: str, fields: Fields, patient: Patient | None, by: Any, now: datetime) -> Draft:
    """Keep what `by` typed into the form sent to this path; the draft before it gives way. Raises ValidationError."""
    text = json.dumps(fields)
    if len(text) > LONGEST:
        raise ValidationError(_("This is too long to be kept as a draft."))
    draft, _new = Draft.objects.update_or_create(
        user=by, form=form, defaults={"fields": text, "patient": patient, "saved_at": now}
    )
    return draft


def discard_draft(*, form: str, by: Any) -> None:
    Draft.objects.filter(user=by, form=form).delete()


def discard_old_drafts(*, now: datetime) -> int:
    """Drafts nobody came back to. Returns how many."""
    return Draft.objects.filter(saved_at__lt=now - Draft.LIFE).delete()[0]


class DraftMiddleware:
    """A form that kept a draft says so; once it was accepted, the draft is done with."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        accepted = request.method == "POST" and response.status_code < 400 and not asks_first(response)
        # The API reads its own bodies and knows no drafts.
        for_people = accepted and not request.path.startswith("/api/") and request.user
        kept = request.POST.get("draft") if for_people else None
        if kept and request.user.is_authenticated:
            discard_draft(form=kept, by=request.user)
        return response


# --- doorways -----------------------------------------------------------------------------------------


def _fields(typed: str) -> Fields:
    """Names and their values as the page sends them. Raises ValidationError for anything else."""
    try:
        fields = json.loads(typed)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or not all(
        isinstance(values, list) and all(isinstance(value, str) for value in values)
        for values in fields.values()
    ):
        raise ValidationError(_("The draft could not be read."))
    return fields


def _path_of_a_form(path: str) -> str:
    """The path, if it is one of ours. Raises ValidationError."""
    try:
        resolve(path.partition("#")[0])
    except Resolver404:
        raise ValidationError(_("There is no such form.")) from None
    return path


@signed_in
@require_http_methods(["GET", "POST"])
def draft(request: HttpRequest) -> HttpResponse:
    """GET ?form=: the draft as JSON, or 204. POST: keep it, or with `discard` throw it away."""
    user: Any = request.user
    if request.method == "GET":
        kept = Draft.objects.visible_to(user).filter(form=request.GET.get("form", "")[:200]).first()
        if kept is None:
            return HttpResponse(status=204)
        return JsonResponse({"fields": json.loads(kept.fields), "text": _text(kept)})
    form = _path_of_a_form(request.POST.get("form", "")[:200])
    if "discard" in request.POST:
        discard_draft(form=form, by=user)
        return HttpResponse(status=204)
    about = request.POST.get("patient", "")
    patient = get_visible_or_404(Patient, user, pk=about) if about else None
    now = timezone.now()
    save_draft(form=form, fields=_fields(request.POST.get("fields", "")), patient=patient, by=user, now=now)
    return JsonResponse({"text": _("Draft saved %(at)s") % {"at": clock_time(now)}})


def _text(kept: Draft) -> str:
    return _("You have a draft from %(when)s.") % {"when": day_time(kept.saved_at)}


@signed_in
@require_POST
def draft_discard(request: HttpRequest) -> HttpResponse:
    discard_draft(form=request.POST.get("form", "")[:200], by=request.user)
    toast(request, _("The draft was discarded"))
    return redirect("dashboard:draft_list")


@signed_in
@require_GET
def draft_list(request: HttpRequest) -> HttpResponse:
    """Everything one began to write and did not send."""
    drafts = list(Draft.objects.visible_to(request.user).select_related("patient"))
    rows = [
        {"draft": kept, "words": _longest(json.loads(kept.fields)), "href": _page_of(kept)} for kept in drafts
    ]
    return page(request, "dashboard/drafts.html", {"rows": rows, "life": Draft.LIFE.days})


def _page_of(kept: Draft) -> str:
    """The page with the form; forms for something new learn the patient from the query."""
    path = kept.form.partition("#")[0]
    return f"{path}?patient={kept.patient_id}" if kept.patient_id else path


def _longest(fields: Fields) -> str:
    """The beginning of the longest value: by this one knows one's own text again."""
    values = [value for some in fields.values() for value in some]
    return max(values, key=len, default="")[:KEPT_WORDS]
