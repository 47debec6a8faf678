"""Doorway helpers: declared access rules, pages with parts, and one place that writes refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.core.checks import Error, register
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import InterfaceError, OperationalError, models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from coordinator.db import LOCK_TIMEOUT, Conflict, sqlstate
from coordinator.workflow import NotAllowed

PUBLIC, SIGNED_IN = "public", "signed-in"
V = TypeVar("V", bound=Callable[..., Any])
M = TypeVar("M", bound=models.Model)


# --- access rules ---------------------------------------------------------------------------------


def declare(view: V, rule: str) -> V:
    """Give a view its access rule: PUBLIC, SIGNED_IN or a permission such as "patients.view"."""
    view.access_rule = rule  # type: ignore[attr-defined]
    return view


def requires(permission: str) -> Callable[[V], V]:
    """Only for people whose role holds this permission; others get 404 or 403 (see middleware)."""
    return lambda view: declare(view, permission)


def signed_in(view: V) -> V:
    return declare(view, SIGNED_IN)


def public(view: V) -> V:
    return declare(view, PUBLIC)


def access_rule_of(callback: Any) -> str | None:
    """The declared rule of a URL callback: on the function, its class, or a REST view class."""
    for holder in (callback, getattr(callback, "cls", None), getattr(callback, "view_class", None)):
        rule = getattr(holder, "access_rule", None)
        if rule:
            return rule
    return None


def routes(resolver: URLResolver | None = None, prefix: str = "") -> list[tuple[str, URLPattern]]:
    """Every route of the site as (pattern text, URLPattern)."""
    found: list[tuple[str, URLPattern]] = []
    for entry in (resolver or get_resolver()).url_patterns:
        text = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            found += routes(entry, text)
        else:
            found.append((text, entry))
    return found


@register()
def every_route_declares_a_rule(app_configs: Any, **kwargs: Any) -> list[Error]:
    return [
        Error(f"The route {text!r} declares no access rule.", id="throughline.E001")
        for text, entry in routes()
        if access_rule_of(entry.callback) is None
    ]


class AccessRuleMiddleware:
    """Refuse by default: a route without a rule answers nothing, a rule is checked before the view runs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        # Pages hold patient data: neither a proxy nor the back button keeps them.
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        rule = access_rule_of(view)
        if rule is None:
            raise Http404
        # The API signs its clients in by token, inside the view, with the same role table.
        if rule == PUBLIC or rule.startswith("api:"):
            return None
        if not request.user.is_authenticated:
            return to_sign_in(request)
        if rule != SIGNED_IN and not request.user.can(rule):
            from coordinator.audit import services as audit

            audit.refused(request, rule)
            raise PermissionDenied(_("Your role does not include this."))
        return None


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page, which leads back to the page the person was looking at (never to a part or a POST)."""
    answer = redirect_to_login(page_in_view(request))
    if not request.headers.get("HX-Request"):
        return answer
    response = HttpResponse(status=401)
    response["HX-Redirect"] = answer.url
    return response


def page_in_view(request: HttpRequest) -> str:
    """Path and query of the page on screen: of this request, or of the page that sent it. Same site only."""
    if request.method in ("GET", "HEAD") and not request.headers.get("HX-Request"):
        return request.get_full_path()
    seen = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    if not url_has_allowed_host_and_scheme(seen, {request.get_host()}):
        return "/"
    parts = urlsplit(seen)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def safe_next(request: HttpRequest, fallback: str) -> str:
    """The page to go back to that a form or link names as `next`, if it is one of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if url_has_allowed_host_and_scheme(wanted, {request.get_host()}) else fallback


def whole_number(typed: str | None, default: int = 0) -> int:
    """A page, place or version as an address or form says it; the default for anything but up to 9 plain digits."""
    typed = typed or ""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else default


# --- answers ----------------------------------------------------------------------------------------


def is_part(request: HttpRequest) -> bool:
    """True when htmx asks for a piece of the page, not after a history restore or a boosted link."""
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def page(
    request: HttpRequest, template: str, context: dict[str, Any], part: str | None = None, status: int = 200
) -> HttpResponse:
    """One URL, two answers: the page for a browser, only the part for htmx."""
    chosen = part if part and is_part(request) else template
    response = render(request, chosen, context, status=status)
    response["Cache-Control"] = "no-store"
    response["Vary"] = "HX-Request, Cookie"
    return response


def asking_first(response: HttpResponse) -> HttpResponse:
    """Mark an answer to a POST that saved nothing yet: it asks whether to go on, so a draft is not done with."""
    response["X-Asks-First"] = "1"
    return response


def asks_first(response: Any) -> bool:
    return "X-Asks-First" in response


def get_visible_or_404(source: type[M] | models.QuerySet[M], user: Any, **lookup: Any) -> M:
    """The record, if this person may know it exists; otherwise a 404 like any other."""
    queryset: Any = source if isinstance(source, models.QuerySet) else source._default_manager.all()
    try:
        return queryset.visible_to(user).get(**lookup)
    except (queryset.model.DoesNotExist, ValueError, ValidationError):
        raise Http404 from None


def refuse(request: HttpRequest, status: int, message: str, **extra: Any) -> HttpResponse:
    """The one helper that writes refusals: JSON for the API, a fragment for htmx, else a page."""
    if request.path.startswith("/api/v1/"):
        code = {403: "forbidden", 404: "not_found", 409: "conflict"}.get(status, "refused")
        return JsonResponse({"detail": message, "code": code, **extra}, status=status)
    template = "errors/_refusal.html" if is_part(request) else f"errors/{status}.html"
    response = render(request, template, {"message": message, "status": status, **extra}, status=status)
    response["Cache-Control"] = "no-store"
    return response


class RefusalMiddleware:
    """Services refuse with exceptions whose text can be shown; here they become answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, (NotAllowed, Conflict)):
            return refuse(request, 409, str(error))
        if isinstance(error, ValidationError):
            return refuse(request, 422, " ".join(error.messages))
        if isinstance(error, PermissionDenied):
            return refuse(request, 403, str(error) or _("You may not do this."))
        if isinstance(error, OperationalError) and sqlstate(error) == LOCK_TIMEOUT:
            return refuse(request, 409, _("Somebody is saving the same record. Please try again."))
        if isinstance(error, (OperationalError, InterfaceError)):
            response = refuse(request, 503, _("The database did not answer in time. Nothing was saved."))
            response["Retry-After"] = "5"
            return response
        return None


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refuse(request, 404, _("There is nothing here, or it is not yours to see."))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refuse(request, 403, str(exception or "") or _("You may not do this."))


def server_error(request: HttpRequest) -> HttpResponse:
    return refuse(request, 500, _("Something broke on our side. Nothing was saved."))


def too_many(request: HttpRequest) -> HttpResponse:
    return refuse(request, 429, _("Too many tries in a short time. Wait a few minutes, then try again."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return refuse(request, 403, _("This form was open too long. Go back, reload the page and send it again."))
