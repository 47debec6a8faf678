"""The frame of every page: links that lead somewhere, messages that arrive, files that keep the rules."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import include, path

from coordinator.accounts.models import User
from coordinator.accounts.roles import Role
from coordinator.context import Shell
from coordinator.http import requires, signed_in
from coordinator.toasts import ToastMiddleware, parts, toast

BASE = Path(settings.BASE_DIR)


@signed_in
def anyone(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


@requires("patients.view")
def clinical(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


@requires("audit.view")
def trail(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [
    path(
        "d/",
        include(
            (
                [
                    path("", anyone, name="my_work"),
                    path("audit/", trail, name="audit"),
                    path("p/", clinical, name="patient_list"),
                    path("p/<int:pk>/", clinical, name="patient_summary"),
                ],
                "dashboard",
            )
        ),
    ),
    path("r/", include(([path("<int:pk>/edit/", clinical, name="patient_edit")], "patients"))),
]


def shell_for(role: str, address: str = "/d/") -> Shell:
    from django.urls import resolve

    request: Any = RequestFactory().get(address)
    request.user = User(role=role, name="Dana Whitfield")
    request.resolver_match = resolve(address)
    return Shell(request)


@pytest.fixture
def small_site(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    settings.SHELL_COUNTS = ""


@pytest.mark.usefixtures("small_site")
def test_only_pages_that_exist_and_let_the_person_in_are_linked() -> None:
    coordinator, auditor = shell_for(Role.COORDINATOR), shell_for(Role.AUDITOR)
    assert [item.href for item in coordinator.places] == ["/d/", "/d/p/"]
    assert [item.href for item in auditor.places] == ["/d/", "/d/audit/"]
    assert coordinator.new == []
    assert coordinator.search_url == coordinator.preferences_url == ""


@pytest.mark.usefixtures("small_site")
def test_the_place_one_is_in_is_marked_also_on_pages_inside_it() -> None:
    assert [item.current for item in shell_for(Role.COORDINATOR).nav] == [True, False]
    assert [item.current for item in shell_for(Role.COORDINATOR, "/d/p/7/").nav] == [False, True]
    assert [item.current for item in shell_for(Role.COORDINATOR, "/r/7/edit/").nav] == [False, True]


@pytest.mark.usefixtures("small_site")
def test_someone_who_is_not_signed_in_gets_no_links_and_the_bare_layout() -> None:
    request: Any = RequestFactory().get("/d/")
    request.user = SimpleNamespace(is_authenticated=False)
    shell = Shell(request)
    assert shell.places == []
    assert shell.layout == "auth_base.html"
    assert shell.idle_seconds is None


def with_messages(**headers: str) -> HttpRequest:
    request: Any = RequestFactory().get("/work/?view=todo", headers=headers)
    request.session = {}
    request._messages = SessionStorage(request)
    request.user = SimpleNamespace(is_authenticated=False)
    return request  # type: ignore[no-any-return]


def answer_with_toast(request: HttpRequest, response: HttpResponse) -> str:
    def view(request: HttpRequest) -> HttpResponse:
        toast(request, "Task <b>done</b>", undo="/tasks/1/reopen/")
        return response

    return ToastMiddleware(view)(request).content.decode()  # type: ignore[attr-defined]


def test_an_htmx_answer_carries_the_message_with_its_undo() -> None:
    request = with_messages(hx_request="true", hx_current_url="http://testserver/work/?view=mine")
    html = answer_with_toast(request, HttpResponse("<p>row</p>"))
    assert html.startswith("<p>row</p>")
    assert 'id="toasts" hx-swap-oob="innerHTML"' in html
    assert "Task &lt;b&gt;done&lt;/b&gt;" in html
    assert 'action="/tasks/1/reopen/"' in html
    assert 'value="/work/?view=mine"' in html


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse(status=204),
        HttpResponse("x", headers={"HX-Redirect": "/"}),
        HttpResponse("{}", content_type="application/json"),
        HttpResponse(status=302, headers={"Location": "/"}),
    ],
)
def test_a_message_waits_when_the_answer_is_not_shown(response: HttpResponse) -> None:
    before = response.content
    request = with_messages(hx_request="true")
    answer_with_toast(request, response)
    assert response.content == before
    assert len(request._messages._queued_messages) == 1  # type: ignore[attr-defined]


def test_a_page_and_a_background_request_do_not_take_messages() -> None:
    assert answer_with_toast(with_messages(), HttpResponse("x")) == "x"
    polling = with_messages(hx_request="true", x_background="1")
    assert answer_with_toast(polling, HttpResponse("x")) == "x"


def test_undo_never_leads_back_to_another_site() -> None:
    request = with_messages(hx_request="true", hx_current_url="https://elsewhere.example/x")
    toast(request, "Done", undo="/u/")
    (message,) = request._messages._queued_messages  # type: ignore[attr-defined]
    assert parts(message)["next"] == "/"


# --- files ------------------------------------------------------------------------------------------


def templates() -> list[Path]:
    return sorted((BASE / "templates").rglob("*.html"))


def test_no_template_has_inline_style_or_script() -> None:
    inline = re.compile(
        r"""\sstyle=|<style|\son(click|change|submit|load|input)=|<script(?![^>]*\ssrc=)|hx-on|javascript:"""
    )
    assert [str(file.relative_to(BASE)) for file in templates() if inline.search(file.read_text())] == []


def test_every_component_and_part_of_the_frame_opens_with_what_it_needs() -> None:
    files = [*(BASE / "templates/components").glob("*.html"), *(BASE / "templates").glob("_*.html")]
    assert [file.name for file in files if "{% comment %}" not in file.read_text()[:200]] == []


def test_every_icon_that_a_template_names_is_drawn() -> None:
    drawn = set(re.findall(r'id="i-([\w-]+)"', (BASE / "templates/_icons.html").read_text()))
    named = {name for file in templates() for name in re.findall(r'{% icon "([\w-]+)"', file.read_text())}
    assert named - drawn == set()


def test_own_scripts_are_short_and_need_no_eval() -> None:
    for file in (BASE / "static/js").glob("*.js"):
        text = file.read_text()
        assert len(text.splitlines()) < 100, file.name
        assert not re.search(r"\beval\(|new Function|document\.write|localStorage|sessionStorage", text), (
            file.name
        )


def luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def pairs() -> list[tuple[str, str, float]]:
    """(foreground, background, least contrast) of everything the components put on each other."""
    grounds = ("bg", "surface", "surface-2", "surface-3")
    states = ("danger", "warn", "ok", "info", "wait")
    found: list[tuple[str, str, float]] = []
    found += [(text, on, 4.5) for on in (*grounds, "accent-soft") for text in ("text", "text-2", "accent")]
    found += [(state, on, 4.5) for state in states for on in (*grounds, f"{state}-soft")]
    found += [(text, f"{state}-soft", 4.5) for state in states for text in ("text", "text-2")]
    found += [("on-accent", on, 4.5) for on in ("accent", "accent-hover")]
    found += [(f"{state}-solid", on, 3) for state in states for on in ("surface", "surface-2")]
    found += [("focus", on, 3) for on in (*grounds, "accent-soft", "danger-soft", "warn-soft")]
    found += [("line-strong", on, 3) for on in ("bg", "surface", "surface-2")]
    return found + [(f"c{n}", "surface", 3) for n in (1, 2, 3, 4)]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_pair_of_colors_can_be_told_apart(theme: int) -> None:
    css = (BASE / "static/css/tokens.css").read_text()
    found = re.findall(r"--([\w-]+):\s*light-dark\((#\w{6}),\s*(#\w{6})\)", css)
    colors = {name: values[theme] for name, *values in found}
    weak = [(a, b) for a, b, least in pairs() if contrast(colors[a], colors[b]) < least]
    assert weak == []
