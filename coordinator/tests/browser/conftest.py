"""A real Chromium on the demo clinic. The clinic is seeded once a worker and copied for each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.management import call_command
from django.db import connection, connections
from playwright.sync_api import Browser, Page, sync_playwright
from psycopg2 import sql

from coordinator.accounts.models import User
from coordinator.demo import DEMO_SIGN_INS

# Playwright runs an event loop in this thread; Django's guard against that is for servers.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SCREENSHOTS = os.environ.get("SCREENSHOTS")  # a folder: pages are photographed there
SEEDED: dict[str, str] = {}


def _copy(source: str, target: str) -> None:
    with psycopg2.connect(os.environ["DATABASE_URL"].rsplit("/", 1)[0] + "/postgres") as server:
        pass
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(target)))
        # A thread of the live server may still hold on to it, and then it cannot be copied.
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [source])
        cursor.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(target), sql.Identifier(source))
        )
    server.close()


@pytest.fixture
def clinic(transactional_db: None) -> None:
    """The demo clinic, as fresh as just seeded."""
    name = connection.settings_dict["NAME"]
    if name not in SEEDED:
        call_command("seed_demo", verbosity=0)
        connections.close_all()
        _copy(name, f"{name}_clinic")
        SEEDED[name] = f"{name}_clinic"
    else:
        connections.close_all()
        _copy(SEEDED[name], name)


@pytest.fixture(scope="session", autouse=True)
def _forget_clinic() -> Generator[None]:
    yield
    with psycopg2.connect(os.environ["DATABASE_URL"].rsplit("/", 1)[0] + "/postgres") as server:
        pass
    server.autocommit = True
    with server.cursor() as cursor:
        for name in SEEDED.values():
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    server.close()


@pytest.fixture(scope="session")
def browser(chromium: str) -> Generator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, live_server: Any, clinic: None) -> Generator[Callable[..., Page]]:
    """`open_page("lead", width=820, scheme="dark")`: a page signed in as that demo role, or nobody.

    Fails the test at the end when the page logged a script or policy error.
    """
    contexts = []
    errors: list[str] = []

    def opened(
        role: str = "", *, width: int = 1440, height: int = 900, scheme: str = "light", **options: Any
    ) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if _is_ours(said) else None)
        if role:
            sign_in(page, role)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


def _is_ours(said: Any) -> bool:
    """Errors of our scripts and of the security policy; a refusal's status line is no error of the page."""
    return said.type == "error" and "the server responded with a status of" not in said.text


def sign_in(page: Page, role: str) -> None:
    """Through the form, as a person would."""
    email, password = credentials(role)
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/accounts/login" not in url)


def credentials(role: str) -> tuple[str, str]:
    email = User.objects.filter(role=role, email__in=[entry[1] for entry in DEMO_SIGN_INS]).values_list(
        "email", flat=True
    )
    return next((entry[1], entry[2]) for entry in DEMO_SIGN_INS if entry[1] in set(email))


def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA, one line a rule with the first element."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG}})
    return [
        f"{v['id']} ({len(v['nodes'])}): {v['nodes'][0]['target']} {v['nodes'][0]['html'][:160]}"
        for v in found.response["violations"]
    ]


def photograph(page: Page, name: str) -> None:
    """A screenshot when SCREENSHOTS names a folder."""
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        # Hiding the caret would need a style of its own, which the policy of the pages forbids.
        page.screenshot(path=f"{SCREENSHOTS}/{name}.png", caret="initial")
