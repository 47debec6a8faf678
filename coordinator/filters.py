"""Filters of a list: choices live in the address, typed text does not.

What somebody types into a list's text filter is often a patient's name, and a name must not become
part of an address or of a web server's log. So the filter form is POSTed: the text is kept in the
person's session, the choices go into the query, and the browser is sent to that address.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseRedirect

TEXT = "q"


def _key(page: str, name: str = TEXT) -> str:
    return f"text:{page}" if name == TEXT else f"text:{page}:{name}"


def store_filters(request: HttpRequest, page: str, *, typed: Iterable[str] = ()) -> HttpResponseRedirect:
    """Answer the POST of a filter form: keep the typed text, go to the address of the choices.

    `typed` names the choices among words that somebody typed into a record: they are kept like typed text.
    """
    names = {TEXT, *typed}
    for name in names:
        text = request.POST.get(name, "").replace("\x00", "").strip()[:100]
        if text:
            request.session[_key(page, name)] = text
        else:
            request.session.pop(_key(page, name), None)
    skip = {*names, "csrfmiddlewaretoken"}
    query = urlencode([(k, v) for k, v in request.POST.items() if k not in skip and v])
    return HttpResponseRedirect(f"{request.path}?{query}" if query else request.path)


def filters_of(request: HttpRequest, page: str, *, typed: Iterable[str] = ()) -> Any:
    """The address's choices together with the text kept for this page; `?clear` forgets the text."""
    data = request.GET.copy()
    names = {TEXT, *typed}
    if "clear" in data:
        for name in names:
            request.session.pop(_key(page, name), None)
        data.pop("clear")
    data[TEXT] = ""
    for name in names:
        if kept := request.session.get(_key(page, name)):
            data[name] = kept
    return data
