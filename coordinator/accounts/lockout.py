"""What somebody sees after too many wrong passwords. The count is kept in PostgreSQL."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from coordinator.http import refuse


def locked_out(request: HttpRequest, credentials: dict[str, Any], *args: Any, **kwargs: Any) -> HttpResponse:
    return refuse(request, 429, _("Too many wrong attempts. Wait 15 minutes, then try again."))
