"""Filters of a list: choices live in the address, typed text does not.

What somebody types into a list's text filter is often a patient's name, and a name must not become
part of an address or of a web server's log. So the filter form is POSTed: the text is kept in the
person's session, the choices go into the query, and the browser is sent to that address.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseRedirect

TEXT = "q"


def _key(page: str) -> str:
    return f"text:{page}"


def store_filters(request: HttpRequest, page: str) -> HttpResponseRedirect:
    """Answer the POST of a filter form: keep the typed text, go to the address of the choices."""
    text = request.POST.get(TEXT, "").replace("\x00", "").strip()[:100]
    if text:
        request.session[_key(page)] = text
    else:
        request.session.pop(_key(page), None)
    skip = {TEXT, "csrfmiddlewaretoken"}
    query = urlencode([(k, v) for k, v in request.POST.items() if k not in skip and v])
    return HttpResponseRedirect(f"{request.path}?{query}" if query else request.path)


def filters_of(request: HttpRequest, page: str) -> Any:
    """The address's choices together with the text kept for this page; `?clear` forgets the text."""
    data = request.GET.copy()
    if "clear" in data:
        request.session.pop(_key(page), None)
        data.pop("clear")
    data[TEXT] = request.session.get(_key(page), "")
    return data
