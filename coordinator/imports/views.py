"""Doorways for the import pages. Administrators see counts and reasons, no patient."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.hints import hint
from coordinator.http import page, requires
from coordinator.imports import services
from coordinator.imports.forms import ImportForm
from coordinator.imports.jobs import run_waiting
from coordinator.imports.models import ImportRun
from coordinator.imports.services.runs import MAX_UPLOAD_BYTES
from coordinator.toasts import toast
from coordinator.uploads import dropped_files, takes_files

SHOWN_PROBLEMS = 200


@takes_files(lambda: MAX_UPLOAD_BYTES)
@require_http_methods(["GET", "POST"])
@requires("imports.run")
def import_list(request: HttpRequest) -> HttpResponse:
    """Start an import; the reports of earlier ones stay below."""
    form = ImportForm(request.POST or None, request.FILES or None, user=request.user)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                run = services.request_import(
                    kind="fhir", by=request.user, now=timezone.now(), **form.cleaned_data
                )
                hint(run_waiting)
                return redirect("imports:import_detail", run.pk)
            except ValidationError as error:
                form.add_error(None, error)
        elif dropped_files(request):
            form.errors["upload"] = form.error_class(
                [_("This file is larger than 100 MB. Split it, or use the command.")]
            )
        status = 422
    runs = ImportRun.objects.select_related("site", "started_by")[:50]
    return page(request, "imports/import_list.html", {"form": form, "runs": runs}, status=status)


@require_GET
@requires("imports.run")
def import_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The report of one import; while it runs, its part asks again by itself."""
    run = get_object_or_404(ImportRun.objects.select_related("site", "started_by"), pk=pk)
    waiting = run.status in (ImportRun.Status.WAITING, ImportRun.Status.RUNNING)
    problems = list(run.problems.all()[: SHOWN_PROBLEMS + 1])
    context = {
        "run": run,
        "waiting": waiting,
        "kept": sorted(run.counts.get("kept", {}).items()),
        "rows": run.counts.get("rows"),
        "not_kept": sorted(run.counts.get("not_kept", {}).items()),
        "notes": sorted(run.counts.get("notes", {}).items()),
        "problems": problems[:SHOWN_PROBLEMS],
        "more_problems": len(problems) > SHOWN_PROBLEMS,
    }
    return page(request, "imports/import_detail.html", context, part="imports/_report.html")


@require_POST
@requires("imports.run")
def import_stop(request: HttpRequest, pk: UUID) -> HttpResponse:
    get_object_or_404(ImportRun, pk=pk)
    services.stop_run(run_id=pk, by=request.user, now=timezone.now())
    toast(request, _("Stopped. What was imported stays."))
    return redirect("imports:import_detail", pk)
