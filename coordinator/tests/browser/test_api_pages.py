"""The pages about the API: no policy errors, no accessibility violations, nothing wider than the window."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, Page

from coordinator.accounts.roles import Role
from coordinator.api.tests.factories import make_caller
from coordinator.tests.browser.conftest import photograph, violations
from coordinator.tests.factories import make_user

LOOKS = [(1440, "light"), (820, "dark"), (390, "light")]


@pytest.fixture
def page(browser: Browser, transactional_db: None, live_server: Any) -> Generator[Page]:
    """Signed in as an administrator, with one client. No demo clinic is needed here."""
    connections.close_all()  # those of the test before belong to a database that is gone
    person = Client()
    person.force_login(make_user(Role.ADMINISTRATOR))
    make_caller(name="Laboratory")
    context = browser.new_context(base_url=live_server.url, reduced_motion="reduce")
    key = person.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": key, "url": live_server.url}])
    opened = context.new_page()
    problems: list[str] = []
    opened.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: problems.append(str(error)))
    yield opened
    context.close()
    assert problems == []


def look(page: Page, name: str) -> None:
    found = []
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        photograph(page, f"{name}-{width}-{scheme}")
        if width > 390:  # the phone's page is the tablet's, narrower
            found += [f"{width} {scheme}: {line}" for line in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"{width} {scheme}: scrolls sideways")
    assert found == []


def test_the_docs_page_opens_call_by_call(page):
    page.goto("/api/docs/")
    assert not page.get_by_text('"step": "reschedule"').is_visible()
    for call in ("appointments_book", "appointments_step", "patients_list"):
        page.locator(f"#{call} > summary").click()
    assert page.get_by_text('"step": "reschedule"').is_visible()
    page.locator("#shape-Taken > summary").click()
    look(page, "api-docs")


def test_an_administrator_makes_a_client(page):
    page.goto("/api/clients/")
    page.locator("summary", has_text="Laboratory").click()
    look(page, "api-clients")
    page.get_by_role("link", name="New client").click()
    look(page, "api-client-new")
    page.get_by_label("Name", exact=True).fill("Hospital gateway")
    page.get_by_role("group", name="Sites").get_by_role("checkbox").first.check()
    page.get_by_label("Appointments: read").check()
    page.get_by_role("button", name="Make client").click()
    assert page.locator(".token").inner_text().startswith("tl_")
    look(page, "api-client-token")
    page.get_by_role("link", name="I have copied it").click()
    assert page.get_by_role("cell", name="Hospital gateway token ends in").is_visible()
