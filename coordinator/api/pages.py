"""Pages about the API: its clients for administrators, its description for everybody who is signed in."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.api import services
from coordinator.api.description import described
from coordinator.api.forms import ClientForm
from coordinator.api.models import ApiClient
from coordinator.api.selectors import clients
from coordinator.context import may_open
from coordinator.db import Conflict
from coordinator.http import not_found, page, requires, signed_in
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed


@requires("api.manage")
@require_GET
def client_list(request: HttpRequest) -> HttpResponse:
    """Every client, newest name first; its token is never shown again, only its last characters."""
    return page(request, "api/client_list.html", {"clients": clients(), "now": timezone.now()})


@requires("api.manage")
@require_http_methods(["GET", "POST"])
def client_new(request: HttpRequest) -> HttpResponse:
    """Make a client. The answer to the POST shows the token: a redirect would have to keep it somewhere."""
    form = ClientForm(request.POST or None, user=request.user)  # type: ignore[arg-type]
    if request.method == "POST" and form.is_valid():
        try:
            client, token = services.create_client(by=request.user, now=timezone.now(), **form.facts())
        except (ValidationError, Conflict) as error:
            form.add_error(None, error if isinstance(error, ValidationError) else str(error))
        else:
            return _token(request, client, token)
    status = 422 if form.errors else 200
    return page(request, "api/client_new.html", {"form": form}, part="api/_client_form.html", status=status)


@requires("api.manage")
@require_POST
def client_rotate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A new token for a client; the old one stops at once."""
    try:
        client, token = services.rotate_client(client_id=pk, by=request.user, now=timezone.now())
    except ApiClient.DoesNotExist:
        return not_found(request)
    except NotAllowed as refusal:
        toast(request, str(refusal), tone="warning")
        return redirect("api:client_list")
    return _token(request, client, token)


@requires("api.manage")
@require_POST
def client_revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    try:
        client = services.revoke_client(client_id=pk, by=request.user, now=timezone.now())
    except ApiClient.DoesNotExist:
        return not_found(request)
    toast(request, _("%(name)s can no longer call the API.") % {"name": client.name})
    return redirect("api:client_list")


def _token(request: HttpRequest, client: ApiClient, token: str) -> HttpResponse:
    return page(request, "api/client_token.html", {"client": client, "token": token}, status=201)


@signed_in
@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """The API described from its own OpenAPI document, without a line of script."""
    clients_url = may_open(request.user, "api:client_list")
    return page(request, "api/docs.html", {"api": described(), "clients_url": clients_url})
