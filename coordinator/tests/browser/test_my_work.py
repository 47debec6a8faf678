"""My work as a coordinator uses it: by keyboard alone, on a phone, and without script."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from careplans.models import ContactAttempt, Task
from coordinator.tests.browser.conftest import violations

LOOKS = [(1440, 900, "light"), (1440, 900, "dark"), (820, 1180, "light"), (390, 844, "dark")]


def focused_row(page: Page) -> str:
    """The key of the task whose row has focus, "" when focus is elsewhere."""
    return page.evaluate("document.activeElement?.closest('[data-row]')?.id.slice(1) ?? ''")


def in_pane(page: Page) -> str:
    return page.evaluate("document.getElementById('pane-of')?.value ?? ''")


def wait_until(page: Page, true: Callable[[], bool]) -> None:
    """The page's policy forbids what Playwright's own waiting for a condition would evaluate."""
    for _tick in range(200):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError("That did not happen within ten seconds.")


def preview_follows(page: Page) -> None:
    """Wait until the pane shows the row that has focus."""
    wait_until(page, lambda: focused_row(page) != "" and focused_row(page) == in_pane(page))


def key_of_row_after(page: Page, key: str) -> str:
    return page.evaluate(
        "key => { const all = [...document.querySelectorAll('[data-row]')];"
        " return all[all.findIndex(r => r.id === `r${key}`) + 1]?.id.slice(1) ?? '' }",
        key,
    )


def test_a_morning_by_keyboard_alone(open_page):
    page = open_page("coordinator")
    page.goto("/?view=todo")
    page.wait_for_selector("#pane-of", state="attached")

    for key in "jjkj":
        page.keyboard.press(key)
    preview_follows(page)
    first = focused_row(page)
    assert Task.objects.get(pk=first).title in page.locator("#peek").inner_text()

    page.keyboard.press("l")
    page.locator("#modal [name=outcome]").first.wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.type("Left word with the front desk")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Contact saved.").first.wait_for()
    expect(page.locator("#modal")).not_to_be_visible()
    assert str(ContactAttempt.objects.get(note="Left word with the front desk").task_id) == first
    wait_until(page, lambda: focused_row(page) == first)

    following = key_of_row_after(page, first)
    page.keyboard.press("z")
    page.locator("#modal-h").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Snoozed until").first.wait_for()
    wait_until(page, lambda: focused_row(page) == following)
    assert Task.objects.get(pk=first).status == "on_hold"

    page.keyboard.press("u")
    page.get_by_text("Undone.").first.wait_for()
    assert Task.objects.get(pk=first).status == "ready"
    wait_until(page, lambda: focused_row(page) == first)


def test_letters_act_on_the_row_with_focus_even_before_the_preview_caught_up(open_page):
    page = open_page("coordinator")
    Task.objects.update(checklist=[])
    page.goto("/?view=todo")
    page.wait_for_selector("#pane-of", state="attached")
    page.keyboard.press("j")
    preview_follows(page)
    shown = in_pane(page)
    page.keyboard.press("j")
    wanted = focused_row(page)
    assert wanted != shown
    page.keyboard.press("c")
    page.get_by_text("Completed:").first.wait_for()
    assert Task.objects.get(pk=wanted).status == "completed"
    assert Task.objects.get(pk=shown).status != "completed"


def test_selected_rows_are_put_off_together(open_page):
    page = open_page("coordinator")
    page.goto("/?view=todo")
    page.wait_for_selector("#pane-of", state="attached")
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("[data-bulk] [data-n]")).to_have_text("2")
    page.keyboard.press("z")
    page.locator("#modal-h").wait_for()
    assert "2 tasks" in page.locator("#modal-h").inner_text()
    found = violations(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Control+Enter")
    page.locator(".toast").first.wait_for()
    assert found == []


def test_on_a_phone_a_row_opens_a_page_of_its_own(open_page):
    page = open_page("coordinator", width=390, height=844, has_touch=True)
    page.goto("/?view=todo")
    page.locator(".rowlink").first.click()
    page.wait_for_url("**/plans/tasks/**")
    assert page.get_by_role("heading", level=1).count() == 1
    page.get_by_role("link", name="Back to the list").click()
    page.wait_for_url(lambda url: "/plans/" not in url)


def test_everything_works_without_script(open_page):
    page = open_page("coordinator", java_script_enabled=False)
    page.goto("/?view=todo")
    page.locator(".row-check").nth(1).check()
    page.locator(".row-check").nth(2).check()
    page.locator("button[name=action][value=snooze]").click()
    page.get_by_role("button", name="Snooze", exact=True).click()
    page.get_by_text("2 tasks done.").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Undone.").wait_for()
    page.locator(".rowlink").first.click()
    page.locator("input[name=outcome][value=no_answer]").check()
    page.get_by_role("button", name="Save attempt").click()
    page.get_by_text("Contact saved.").wait_for()
