"""The saved views of My work: keep, name, share, start with one; and which columns the list shows."""

from __future__ import annotations

import contextlib
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from coordinator.dashboard.models import SavedView
from coordinator.dashboard.my_work import PAGE, address, in_order
from coordinator.dashboard.saved_views import (
    can_change,
    change_view,
    choose_columns,
    delete_view,
    open_with,
    save_view,
    views_of,
)
from coordinator.dashboard.work_forms import ColumnsForm, ViewForm
from coordinator.http import get_visible_or_404, page, requires, safe_next
from coordinator.toasts import toast


@requires("tasks.view")
@require_GET
def view_list(request: HttpRequest) -> HttpResponse:
    """Own views and those shared with one; for managers all that are shared at their places."""
    return _shown(request)


def _shown(request: HttpRequest, wrong: UUID | None = None, form: ViewForm | None = None) -> HttpResponse:
    user, views = request.user, views_of(request.user, PAGE)
    every = list(
        SavedView.objects.visible_to(user)
        .filter(page=PAGE)
        .exclude(name="")
        .select_related("user", "team")
        .order_by("name", "pk")
    )
    teams = ViewForm(user=user).teams
    entries = [
        {
            "view": view,
            "own": view.user_id == user.pk,
            "may_change": can_change(user, view),
            "first": views.first is not None and views.first.pk == view.pk,
            "form": form if view.pk == wrong else None,
        }
        for view in every
    ]
    context = {"entries": entries, "teams": teams, "first": views.first}
    return page(request, "dashboard/my_work_views.html", context, status=422 if wrong else 200)


@requires("tasks.view")
@require_POST
def view_save(request: HttpRequest) -> HttpResponse:
    query = address(QueryDict(request.POST.get("query", "")), text="", patient="")
    try:
        view = save_view(user=request.user, page=PAGE, name=request.POST.get("name", ""), query=query)
    except ValidationError as error:
        toast(request, " ".join(error.messages), tone="warning")
    else:
        toast(request, _("Saved view: %(name)s") % {"name": view.name})
    return redirect(f"{reverse('dashboard:my_work')}?{query or 'view=todo'}")


@requires("tasks.view")
@require_POST
def view_change(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Rename, share, or take back."""
    get_visible_or_404(SavedView.objects.exclude(name=""), request.user, pk=pk)
    form = ViewForm(request.POST, user=request.user)
    if not form.is_valid():
        return _shown(request, pk, form)
    team = form.teams.get(form.cleaned_data["team"])
    try:
        view = change_view(user=request.user, view_id=pk, name=form.cleaned_data["name"], team=team)
    except SavedView.DoesNotExist:
        raise Http404 from None
    except ValidationError as error:
        form.add_error("name", error)
        return _shown(request, pk, form)
    said = _("Saved: %(name)s. Shared with %(team)s.") if team else _("Saved: %(name)s. Only you see it.")
    toast(request, said % {"name": view.name, "team": team})
    return redirect("dashboard:my_work_views")


@requires("tasks.view")
@require_POST
def view_first(request: HttpRequest) -> HttpResponse:
    """The view to start with after signing in, or none: then as the list was left."""
    key = request.POST.get("view", "")
    try:
        open_with(user=request.user, page=PAGE, view_id=UUID(key) if key else None)
    except (ValueError, SavedView.DoesNotExist):
        raise Http404 from None
    toast(request, _("Saved. The list starts with this view after you sign in.") if key else _("Saved."))
    return redirect("dashboard:my_work_views")


@requires("tasks.view")
@require_POST
def view_delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    with contextlib.suppress(SavedView.DoesNotExist):  # deleted already or never theirs: both look the same
        delete_view(user=request.user, view_id=pk)
    return redirect(safe_next(request, reverse("dashboard:my_work")))


@requires("tasks.view")
@require_POST
def columns(request: HttpRequest) -> HttpResponse:
    """Which columns the person sees, here and on paper."""
    form = ColumnsForm(request.POST)
    if "usual" in request.POST:
        choose_columns(user=request.user, page=PAGE, columns=None)
    elif form.is_valid():
        choose_columns(user=request.user, page=PAGE, columns=in_order(form.cleaned_data["columns"]))
    else:
        toast(request, _("There is no such column. Nothing was changed."), tone="warning")
    return redirect(safe_next(request, reverse("dashboard:my_work")))
