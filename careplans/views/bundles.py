"""Bundles: the table that managers keep, starting one for a patient, and cancelling what is left of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from careplans import services
from careplans.models import Bundle, BundleItem, StartedBundle, Task
from careplans.setup_forms import BundleForm, BundleItemForm, CancelBundleForm, StartBundleForm
from careplans.setup_selectors import bundles_to_keep, plan_bundle, team_names
from coordinator.db import Conflict
from coordinator.fields import attempt, show_refusal
from coordinator.http import get_visible_or_404, page, requires, safe_next, whole_number
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from patients.models import Patient

FIELDS = ("name", "program", "anchor", "about")
ITEM_FIELDS = ("kind", "title", "next_step", "days", "counts", "goes_to", "team_name", "role")


# --- the table --------------------------------------------------------------------------------------------


@requires("settings.manage")
@require_GET
def bundle_list(request: HttpRequest) -> HttpResponse:
    return page(request, "careplans/bundle_list.html", {**bundles_to_keep(), "tab": "bundles"})


@requires("settings.manage")
@require_http_methods(["GET", "POST"])
def bundle_edit(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """A new bundle, or one that is there, with its tasks."""
    bundle = _bundle(pk) if pk else None
    initial = {name: getattr(bundle, name) for name in FIELDS} if bundle else {}
    form = BundleForm(request.POST or None, initial=initial)
    if request.method == "POST":
        saved = _try(
            form,
            lambda: services.save_bundle(
                bundle_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data
            ),
        )
        if saved:
            toast(request, _("Saved: %(name)s") % {"name": saved.name})
            return redirect("careplans:bundle_edit", saved.pk)
    status = 422 if request.method == "POST" else 200
    items = list(bundle.items.all()) if bundle else []
    context = {"form": form, "bundle": bundle, "items": items, "tab": "bundles"}
    return page(request, "careplans/bundle_form.html", context, status=status)


@requires("settings.manage")
@require_POST
def bundle_step(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """Retire, or offer again."""
    bundle = _bundle(pk)
    if step not in ("retire", "restore"):
        raise Http404
    services.retire_bundle(bundle_id=bundle.pk, again=step == "restore", by=request.user, now=timezone.now())
    said = (
        _("Offered again: %(name)s")
        if step == "restore"
        else _("Retired: %(name)s. What is started goes on.")
    )
    toast(request, said % {"name": bundle.name})
    return redirect("careplans:bundle_list")


@requires("settings.manage")
@require_http_methods(["GET", "POST"])
def bundle_item_new(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _item(request, _bundle(pk), None)


@requires("settings.manage")
@require_http_methods(["GET", "POST"])
def bundle_item_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    item = _bundle_item(pk)
    return _item(request, item.bundle, item)


def _item(request: HttpRequest, bundle: Bundle, item: BundleItem | None) -> HttpResponse:
    initial: dict[str, Any] = {"days": 1}
    if item:
        initial = {name: getattr(item, name) for name in ITEM_FIELDS} | {
            "checklist": "\n".join(item.checklist)
        }
    names = [*team_names(request.user), *([item.team_name] if item and item.team_name else [])]
    form = BundleItemForm(request.POST or None, teams=list(dict.fromkeys(names)), initial=initial)
    if request.method == "POST":
        key = item.pk if item else None
        now = timezone.now()
        saved = _try(
            form,
            lambda: services.save_item(
                bundle_id=bundle.pk, item_id=key, by=request.user, now=now, **form.cleaned_data
            ),
        )
        if saved:
            toast(request, _("Saved: %(name)s") % {"name": saved.title})
            return redirect(f"{reverse('careplans:bundle_edit', args=[bundle.pk])}#i{saved.pk}")
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "bundle": bundle, "item": item, "tab": "bundles"}
    return page(request, "careplans/bundle_item.html", context, status=status)


@requires("settings.manage")
@require_POST
def bundle_item_step(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """Up, down, remove."""
    item, now = _bundle_item(pk), timezone.now()
    if step in ("up", "down"):
        services.move_item(item_id=pk, up=step == "up", by=request.user, now=now)
    elif step == "remove":
        services.remove_item(item_id=pk, by=request.user, now=now)
        toast(request, _("Removed: %(name)s. Tasks made from it stay.") % {"name": item.title})
    else:
        raise Http404
    return redirect(f"{reverse('careplans:bundle_edit', args=[item.bundle_id])}#i{pk}")


def _try(form: forms.Form, save: Callable[[], Any]) -> Any:
    """Save what is valid; a refusal goes onto the form and the answer is None."""
    return attempt(form, save) if form.is_valid() else None


def _bundle(pk: UUID) -> Bundle:
    """One bundle. Every manager keeps the whole table. Raises Http404."""
    bundle = Bundle.objects.filter(pk=pk).first()
    if bundle is None:
        raise Http404
    return bundle


def _bundle_item(pk: UUID) -> BundleItem:
    item = BundleItem.objects.filter(pk=pk).select_related("bundle").first()
    if item is None:
        raise Http404
    return item


# --- for a patient ------------------------------------------------------------------------------------------


@requires("tasks.work")
@require_http_methods(["GET", "POST"])
def start_bundle(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Choose a bundle and the day of its event, look at the dated tasks, leave some out, make them."""
    whole = Patient.objects.select_related("site__calendar", "coordinator")
    patient = get_visible_or_404(whole, request.user, pk=pk)
    bundles = list(Bundle.objects.offered())
    asked = request.POST if request.method == "POST" else request.GET if "bundle" in request.GET else None
    form = StartBundleForm(asked, bundles=bundles, initial={"anchor_on": timezone.localdate()})
    back = safe_next(request, chart_tasks(patient))
    context = {"patient": patient, "form": form, "bundles": bundles, "next": back, "chosen": None}
    if asked is None or not form.is_valid():
        return _start_page(request, context, 422 if asked is not None and request.method == "POST" else 200)
    if request.method == "POST" and (tasks := _start(request, patient, form)) is not None:
        name = form.bundles[form.cleaned_data["bundle"]].name
        said = ngettext("%(name)s: %(n)d task made.", "%(name)s: %(n)d tasks made.", tasks)
        toast(request, said % {"name": name, "n": tasks})
        return redirect(back)
    return _start_page(request, context | _preview(request, patient, form), 422 if form.errors else 200)


def _start(request: HttpRequest, patient: Patient, form: StartBundleForm) -> int | None:
    """How many tasks were made; None after a refusal, which goes onto the form."""
    try:
        _started, tasks = services.start_bundle(
            patient=patient,
            bundle_id=UUID(form.cleaned_data["bundle"]),
            anchor_on=form.cleaned_data["anchor_on"],
            item_ids=_keys(request.POST.getlist("item")),
            version=whole_number(request.POST.get("version")),
            by=request.user,
            now=timezone.now(),
        )
    except (ValidationError, Conflict, NotAllowed) as refusal:
        form.add_error(None, refusal if isinstance(refusal, ValidationError) else str(refusal))
        return None
    return len(tasks)


def _preview(request: HttpRequest, patient: Patient, form: StartBundleForm) -> dict[str, Any]:
    """The dated tasks of what was chosen; ticked are all, or those that were before a refusal."""
    typed = form.data
    bundle, anchor_on = form.bundles[typed["bundle"]], form.fields["anchor_on"].clean(typed["anchor_on"])
    planned = plan_bundle(bundle, patient, anchor_on, request.user, timezone.now())
    kept = set(request.POST.getlist("item")) if request.method == "POST" else None
    return {
        "chosen": bundle,
        "anchor_on": anchor_on,
        "planned": [(one, kept is None or str(one.item.pk) in kept) for one in planned],
    }


def _start_page(request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
    return page(
        request, "careplans/start_bundle.html", context, part="careplans/_start_bundle.html", status=status
    )


def _keys(typed: list[str]) -> set[UUID]:
    found = set()
    for text in typed:
        try:
            found.add(UUID(text))
        except ValueError:
            continue
    return found


@requires("tasks.work")
@require_http_methods(["GET", "POST"])
def cancel_bundle(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Close what is left of a started bundle, with a reason."""
    started = get_visible_or_404(StartedBundle.objects.select_related("patient"), request.user, pk=pk)
    form = CancelBundleForm(request.POST if request.method == "POST" else None)
    back = safe_next(request, chart_tasks(started.patient))
    if request.method == "POST" and form.is_valid():
        try:
            closed = services.cancel_bundle(
                started_id=started.pk, by=request.user, now=timezone.now(), **form.cleaned_data
            )
        except ValidationError as refusal:
            show_refusal(form, refusal)
        except (Conflict, NotAllowed) as refusal:
            form.add_error(None, str(refusal))
        else:
            said = ngettext("%(name)s: %(n)d task closed.", "%(name)s: %(n)d tasks closed.", closed)
            toast(request, said % {"name": started.name, "n": closed})
            return redirect(back)
    tasks = (
        Task.objects.visible_to(request.user)
        .open()
        .filter(cause_id=started.pk)
        .select_related("owner", "team")
    )
    context = {"started": started, "patient": started.patient, "tasks": tasks, "form": form, "next": back}
    status = 422 if form.errors else 200
    return page(request, "careplans/cancel_bundle.html", context, status=status)


def chart_tasks(patient: Patient) -> str:
    """The patient's tasks, on the roof above this app: reached by name only."""
    try:
        return reverse("dashboard:patient_tasks", args=[patient.pk])
    except NoReverseMatch:
        return "/"
