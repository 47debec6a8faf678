"""Doorways for tables of patients: upload, name the columns, look at the check, import, stop, take back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.dashboard.export import csv_response
from coordinator.fields import show_refusal
from coordinator.hints import hint
from coordinator.http import get_visible_or_404, page, requires, whole_number
from coordinator.imports import services
from coordinator.imports.caseload.tables import MOST_BYTES
from coordinator.imports.caseload_forms import ColumnsForm, TableForm, read_choices
from coordinator.imports.caseload_pages import counts_of, doubles_of, kept_of, problems_of, rows_to_mend
from coordinator.imports.jobs import run_caseload
from coordinator.imports.models import CaseloadImport
from coordinator.imports.services.caseload import ENTITY, doubtful_dates
from coordinator.toasts import toast
from coordinator.uploads import dropped_files, takes_files

SHOWN_IMPORTS = 50
Status = CaseloadImport.Status


@requires("patients.import")
@require_http_methods(["GET", "POST"])
@takes_files(lambda: MOST_BYTES)
def caseload_list(request: HttpRequest) -> HttpResponse:
    """Upload a table; earlier ones stay below with what became of them."""
    form = TableForm(request.POST or None, request.FILES or None, user=request.user)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                run = services.upload_table(by=request.user, now=timezone.now(), **form.cleaned_data)
                return redirect("imports:caseload_columns", run.pk)
            except ValidationError as error:
                show_refusal(form, error)
        elif dropped_files(request):
            form.errors["upload"] = form.error_class(
                [_("This file is larger than 10 MB. Split it into several files.")]
            )
        status = 422
    runs = CaseloadImport.objects.visible_to(request.user).select_related("site", "started_by")[
        :SHOWN_IMPORTS
    ]
    return page(request, "imports/caseload_list.html", {"form": form, "runs": runs}, status=status)


@requires("patients.import")
@require_http_methods(["GET", "POST"])
def caseload_columns(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Say which column is which; saving has the rows checked."""
    run = get_visible_or_404(CaseloadImport.objects.select_related("site"), request.user, pk=pk)
    proved, example = doubtful_dates(run, run.columns)
    form = ColumnsForm(request.POST or None, run=run, example=example)
    if request.method == "POST" and form.is_valid():
        try:
            services.name_columns(
                run_id=pk,
                columns=form.chosen,
                order=form.cleaned_data["date_order"],
                by=request.user,
                now=timezone.now(),
            )
        except ValidationError as error:
            form.show_refusal(error)
        else:
            hint(run_caseload)
            return redirect("imports:caseload_detail", pk)
    any_dates = any(run.facts["dates"].values())
    context = {"run": run, "form": form, "proved": proved, "example": example, "any_dates": any_dates}
    return page(
        request, "imports/caseload_columns.html", context, status=422 if request.method == "POST" else 200
    )


@requires("patients.import")
@require_GET
def caseload_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The check, the progress or the report of one table; while a job works, its part asks again by itself."""
    run = get_visible_or_404(CaseloadImport.objects.select_related("site", "asked_by"), request.user, pk=pk)
    return _show(request, run)


def _show(request: HttpRequest, run: CaseloadImport, status: int = 200, **more: Any) -> HttpResponse:
    counts, decide = counts_of(run), run.status in (Status.CHECKED, Status.STOPPED)
    context: dict[str, Any] = {"run": run, "counts": counts, "decide": decide, **more}
    if decide and counts.finding.get("double"):
        context["page"], context["doubles"] = doubles_of(
            run, request.user, whole_number(request.GET.get("page"), 1)
        )
    if not run.is_working:
        context["problems"] = problems_of(run)
        context["may_undo"] = services.can_undo(run, timezone.now())
    if run.status == Status.UNDONE:
        context["kept"] = kept_of(run, request.user)
    return page(request, "imports/caseload_detail.html", context, "imports/_caseload.html", status)


@requires("patients.import")
@require_POST
def caseload_choose(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Save what the probable duplicates of one page are."""
    get_visible_or_404(CaseloadImport, request.user, pk=pk)
    number = services.choose_rows(
        run_id=pk, choices=read_choices(request.POST), by=request.user, now=timezone.now()
    )
    toast(request, ngettext("%(n)d answer saved", "%(n)d answers saved", number) % {"n": number})
    following = whole_number(request.POST.get("page"), 1)
    return redirect(f"{request.path.removesuffix('choose/')}?page={following}")


def _act(service: Callable[..., Any], said: Any) -> Callable[..., HttpResponse]:
    """A button: hand the table to a job, or take it from one."""

    @requires("patients.import")
    @require_POST
    def view(request: HttpRequest, pk: UUID) -> HttpResponse:
        get_visible_or_404(CaseloadImport, request.user, pk=pk)
        service(run_id=pk, by=request.user, now=timezone.now())
        hint(run_caseload)
        if said:
            toast(request, str(said()))
        return redirect("imports:caseload_detail", pk)

    return view


caseload_start = _act(services.start_import, None)
caseload_stop = _act(
    services.stop_import, lambda: _("Stopped. What was imported stays until it is taken back.")
)
caseload_undo = _act(services.undo_import, None)


@requires("patients.import")
@require_GET
def caseload_problems(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The rows that could not be imported, as a CSV file to mend and upload again."""
    run = get_visible_or_404(CaseloadImport, request.user, pk=pk)
    header, rows = rows_to_mend(run)
    return csv_response(request, "rows-to-mend", header, rows, {"import": str(run.pk)}, ENTITY)
