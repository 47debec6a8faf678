"""Doorways for imports into the directory: upload, look at what would change, apply, take back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.fields import attempt
from coordinator.http import get_visible_or_404, page, requires
from coordinator.imports.directory.files import MOST_BYTES
from coordinator.imports.directory_forms import DirectoryForm
from coordinator.imports.models import DirectoryImport, DirectoryProposal
from coordinator.imports.services import directory as services
from coordinator.toasts import toast
from coordinator.uploads import dropped_files, takes_files
from coordinator.wording import phone
from referrals.forms.directory import PracticeForm

SHOWN = 50
MOST_SHOWN = 300


@requires("settings.manage")
@require_http_methods(["GET", "POST"])
@takes_files(lambda: MOST_BYTES)
def directory_list(request: HttpRequest) -> HttpResponse:
    """Upload files; earlier imports stay below with what became of them."""
    sent = request.method == "POST"
    form = DirectoryForm(request.POST if sent else None, request.FILES if sent else None)
    if dropped_files(request):
        form.errors["upload"] = form.error_class(
            [_("These files are larger than 10 MB together. Split them.")]
        )
    elif sent and form.is_valid():
        given = form.cleaned_data
        files, whose = given["upload"], given["source"]
        asked: dict[str, Any] = {"by": request.user, "now": timezone.now()}
        run = attempt(form, lambda: services.check_directory(source=whose, files=files, **asked))
        if run:
            return redirect("imports:directory_detail", run.pk)
    runs = DirectoryImport.objects.visible_to(request.user).select_related("started_by")[:SHOWN]
    context = {"form": form, "runs": runs}
    return page(request, "imports/directory_list.html", context, status=422 if sent else 200)


@requires("settings.manage")
@require_GET
def directory_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What the files would change, or changed."""
    run = get_visible_or_404(DirectoryImport.objects.select_related("started_by"), request.user, pk=pk)
    proposals = list(run.proposals.select_related("practice")[: services.MOST_ENTRIES])
    findings = dict.fromkeys(DirectoryProposal.Finding.values, 0)
    for row in proposals:
        findings[row.finding] += 1
        row.changes = _changes(row)  # type: ignore[attr-defined]
        row.left_out = [_(note) for note in row.left_out]
    context = {
        "run": run,
        "proposals": proposals,
        "findings": findings,
        "to_apply": run.applied_at is None and findings["new"] + findings["changed"],
        "may_undo": run.applied_at is not None
        and run.undone_at is None
        and any(row.outcome in ("added", "changed") for row in proposals),
        "parked": [(*where, _(reason)) for *where, reason in run.parked[:MOST_SHOWN]],
        "may_look": request.user.can("referrals.view"),
    }
    return page(request, "imports/directory_detail.html", context)


def _changes(row: DirectoryProposal) -> list[tuple[str, str, str]]:
    """(what, before, now) of an entry that is here already."""
    if row.finding != DirectoryProposal.Finding.CHANGED:
        return []
    before, now = row.before, row.said
    labels = PracticeForm.base_fields
    found = [
        (str(labels[name].label), _shown(was), _shown(now["facts"][name]))
        for name, was in before["facts"].items()
        if was != now["facts"][name]
    ]
    for name, words in (("networks", _("Networks")), ("clinicians", _("Clinicians"))):
        were, are = (_listed(side[name]) for side in (before, now))
        found += [(words, were, are)] if were != are else []
    if before["retired"]:
        found.append((_("Retired"), _("yes"), _("no")))
    return found


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return phone(value) if str(value).startswith("+1") else str(value)


def _listed(rows: list[dict[str, Any]]) -> str:
    words = ("payer_name", "plan_name", "name", "npi", "specialty", "starts_on", "ends_on")
    return "; ".join(sorted(" ".join(str(row[word]) for word in words if row.get(word)) for row in rows))


@requires("settings.manage")
@require_POST
def directory_apply(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Add and change the entries that are ticked."""
    get_visible_or_404(DirectoryImport, request.user, pk=pk)
    chosen = [int(key) for key in request.POST.getlist("proposal") if key.isascii() and key.isdigit()]
    services.apply_directory(run_id=pk, chosen=chosen, by=request.user, now=timezone.now())
    toast(request, _("The directory was changed. You can take this import back."))
    return redirect("imports:directory_detail", pk)


@requires("settings.manage")
@require_POST
def directory_undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take back what nobody has changed since."""
    get_visible_or_404(DirectoryImport, request.user, pk=pk)
    services.undo_directory(run_id=pk, by=request.user, now=timezone.now())
    toast(request, _("Taken back. What somebody changed since is kept and listed."))
    return redirect("imports:directory_detail", pk)
