"""Pages about people and sites, and the small addresses the frame of every page uses."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.accounts import selectors, services
from coordinator.accounts.forms import ReasonForm, SiteForm, TeamForm, UserForm
from coordinator.accounts.models import Site, User
from coordinator.accounts.permissions import can_manage_accounts
from coordinator.accounts.roles import DESCRIPTIONS, Role
from coordinator.db import Conflict
from coordinator.http import get_visible_or_404, is_part, page, requires, safe_next, signed_in
from coordinator.toasts import toast

form_methods = require_http_methods(["GET", "POST"])


# --- for everybody ----------------------------------------------------------------------------------


@signed_in
@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Theme, row height, language and single keys: 204 for htmx, else back to the page."""
    choices = {name: request.POST[name] for name in services.PREFERENCES if name in request.POST}
    services.set_preferences(user=request.user, by=request.user, now=timezone.now(), **choices)
    return HttpResponse(status=204) if is_part(request) else redirect(safe_next(request, "/"))


@signed_in
@require_GET
def keep_alive(request: HttpRequest) -> HttpResponse:
    """ "Stay signed in": asking for it is what keeps the session."""
    return HttpResponse(status=204)


@signed_in
@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    services.sign_out_everywhere(user_id=request.user.pk, by=request.user, now=timezone.now())
    logout(request)
    return redirect("account_login")


# --- people -----------------------------------------------------------------------------------------


@requires("accounts.manage")
@require_GET
def user_list(request: HttpRequest) -> HttpResponse:
    show = "closed" if request.GET.get("show") == "closed" else "active"
    words = request.GET.get("q", "")[:100]
    context = {
        "people": selectors.people(request.user, words=words, show=show),
        "show": show,
        "words": words,
        "tabs": [
            {"href": reverse("accounts:user_list"), "label": _("Active"), "current": show == "active"},
            {"href": "?show=closed", "label": _("Closed"), "current": show == "closed"},
        ],
    }
    return page(request, "accounts/user_list.html", context, part="accounts/_user_rows.html")


@requires("accounts.manage")
@form_methods
def user_new(request: HttpRequest) -> HttpResponse:
    form = UserForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_user(by=request.user, now=timezone.now(), **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            toast(request, _("Account made. A link to choose a password is on its way to %s.") % made.email)
            return redirect("accounts:user_list")
    return _user_form(request, form)


@requires("accounts.manage")
@form_methods
def user_edit(request: HttpRequest, pk: int) -> HttpResponse:
    subject = get_visible_or_404(selectors.of_people(), request.user, pk=pk)
    form = UserForm(request.POST or None, user=request.user, subject=subject)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_user(user_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data)
        except (ValidationError, Conflict) as error:
            form.add_error(None, error if isinstance(error, ValidationError) else str(error))
        else:
            toast(request, _("Saved. A change of role or place asks them to sign in again."))
            return redirect("accounts:user_edit", pk=pk)
    return _user_form(request, form, subject)


def _user_form(request: HttpRequest, form: UserForm, subject: User | None = None) -> HttpResponse:
    context = {
        "form": form,
        "subject": subject,
        "reason_form": ReasonForm(),
        "roles": [(role.label, DESCRIPTIONS[role]) for role in Role if role != Role.API_CLIENT],
        "has_factor": subject is not None and subject.authenticator_set.filter(type="totp").exists(),
    }
    status = 422 if form.errors else 200
    return page(request, "accounts/user_form.html", context, part="accounts/_user_form.html", status=status)


@requires("accounts.manage")
@require_POST
def user_deactivate(request: HttpRequest, pk: int) -> HttpResponse:
    subject = get_visible_or_404(selectors.of_people(), request.user, pk=pk)
    services.deactivate_user(user_id=subject.pk, by=request.user, now=timezone.now())
    toast(
        request,
        _("Account of %s closed.") % subject.name,
        undo=reverse("accounts:user_reactivate", args=[pk]),
        back=reverse("accounts:user_list"),
    )
    return redirect("accounts:user_list")


@requires("accounts.manage")
@require_POST
def user_reactivate(request: HttpRequest, pk: int) -> HttpResponse:
    subject = get_visible_or_404(selectors.of_people(), request.user, pk=pk)
    services.reactivate_user(user_id=subject.pk, by=request.user, now=timezone.now())
    toast(request, _("Account of %s is open again.") % subject.name)
    return redirect(safe_next(request, reverse("accounts:user_edit", args=[pk])))


@requires("accounts.manage")
@require_POST
def user_reset_factor(request: HttpRequest, pk: int) -> HttpResponse:
    subject = get_visible_or_404(selectors.of_people(), request.user, pk=pk)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        raise ValidationError(_("Say how you made sure who is asking."))
    services.reset_second_factor(user_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data)
    toast(request, _("%s sets up a new second factor at the next sign-in.") % subject.name)
    return redirect("accounts:user_edit", pk=pk)


@requires("accounts.manage")
@require_POST
def user_send_link(request: HttpRequest, pk: int) -> HttpResponse:
    subject = get_visible_or_404(selectors.of_people(), request.user, pk=pk)
    services.ask_for_password_link(email=subject.email, by=request.user, now=timezone.now())
    toast(request, _("A link to choose a password is on its way to %s.") % subject.email)
    return redirect("accounts:user_edit", pk=pk)


@requires("accounts.manage")
@require_POST
def user_sign_out(request: HttpRequest, pk: int) -> HttpResponse:
    subject = get_visible_or_404(selectors.of_people(), request.user, pk=pk)
    services.sign_out_everywhere(user_id=pk, by=request.user, now=timezone.now())
    toast(request, _("%s is signed out everywhere.") % subject.name)
    return redirect("accounts:user_edit", pk=pk)


# --- sites and teams --------------------------------------------------------------------------------


@requires("settings.manage")
@require_GET
def settings_home(request: HttpRequest) -> HttpResponse:
    context = {
        "cards": selectors.site_cards(request.user),
        "manages_accounts": can_manage_accounts(request.user),
    }
    return page(request, "accounts/settings.html", context)


@requires("accounts.manage")
@form_methods
def site_new(request: HttpRequest) -> HttpResponse:
    return _site_form(request, SiteForm(request.POST or None), None)


@requires("settings.manage")
@form_methods
def site_edit(request: HttpRequest, pk: Any) -> HttpResponse:
    site = get_visible_or_404(Site, request.user, pk=pk)
    return _site_form(request, SiteForm(request.POST or None, instance=site), site.pk)


def _site_form(request: HttpRequest, form: SiteForm, site_id: Any) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            services.save_site(by=request.user, now=timezone.now(), site_id=site_id, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            toast(request, _("Saved."))
            return redirect("accounts:settings")
    context = {"form": form, "site_id": site_id}
    status = 422 if form.errors else 200
    return page(request, "accounts/site_form.html", context, part="accounts/_site_form.html", status=status)


@requires("settings.manage")
@require_POST
def team_new(request: HttpRequest, pk: Any) -> HttpResponse:
    site = get_visible_or_404(Site, request.user, pk=pk)
    services.save_team(site=site, name=_team_name(request), by=request.user, now=timezone.now())
    toast(request, _("Team added."))
    return redirect("accounts:settings")


@requires("settings.manage")
@require_POST
def team_rename(request: HttpRequest, pk: Any) -> HttpResponse:
    team = get_visible_or_404(selectors.team_of(request.user, pk), request.user)
    services.save_team(
        site=team.site, team_id=team.pk, name=_team_name(request), by=request.user, now=timezone.now()
    )
    toast(request, _("Team renamed."))
    return redirect("accounts:settings")


def _team_name(request: HttpRequest) -> str:
    form = TeamForm(request.POST)
    if not form.is_valid():
        raise ValidationError(_("Write the team’s name."))
    return form.cleaned_data["name"]
