"""A referral from its duplicate to its closed loop: steps 18, 27 and 33 of the script the product is measured by.

docs/journeys.md says how many clicks each step takes; the numbers there are these.
"""

from __future__ import annotations

import logging
import re
import time

from playwright.sync_api import Page, Route, expect

from coordinator.tests.browser.conftest import photograph, violations
from coordinator.tests.browser.test_day import noted
from patients.models import Patient
from patients.tests.factories import make_document
from referrals.models import DuplicateAnswer, PayerRequirement, Referral

LOG = logging.getLogger(__name__)


class Clicks:
    """Presses what has this name, and counts."""

    def __init__(self, page: Page) -> None:
        self.page, self.number = page, 0
        self.since = time.monotonic()

    def press(self, role: str, name: str | re.Pattern[str], within: str = "body") -> None:
        self.page.locator(within).get_by_role(role, name=name, exact=True).first.click()  # type: ignore[arg-type]
        self.number += 1

    def press_starting(self, role: str, start: str) -> None:
        self.page.get_by_role(role, name=re.compile(f"^{start}")).first.check()  # type: ignore[arg-type]
        self.number += 1

    def begin(self) -> None:
        """A step starts here: what was done up to now is not counted."""
        self.number, self.since = 0, time.monotonic()

    def done(self, step: str) -> None:
        """The step is over: as many clicks as docs/journeys.md says, and a page everybody can use."""
        LOG.info("step %s: %d clicks, %.1f s", step, self.number, time.monotonic() - self.since)
        photograph(self.page, f"step-{step}")
        assert violations(self.page) == [], f"step {step}"
        assert self.number == noted(step), f"step {step}: {self.number} clicks"
        self.begin()


def test_a_referral_is_written_sent_and_closed_within_the_clicks_of_the_day(open_page):
    page = open_page("coordinator")
    maria = Patient.objects.get(family_name="Alvarez", given_name="Maria")
    PayerRequirement.objects.all().delete()  # her payer asks for nothing here; steps 19 to 26 have their own tests
    clicks = Clicks(page)
    # 18: the guard shows the one that exists; go on with a reason; the packet comes filled in.
    page.goto(f"/patients/{maria.pk}/")
    clicks.begin()
    clicks.press("link", "Add referral", "main")
    page.get_by_role("textbox", name="Specialty").fill("Cardiology")
    page.get_by_role("textbox", name="Reason", exact=True).fill("Swelling of both legs")
    page.get_by_role("textbox", name="Clinical question").fill("Is it the heart?")
    page.get_by_text("Ranked for Cardiology.").wait_for()
    page.get_by_text("In network for HealthNorth Plus").first.wait_for()
    clicks.press_starting("radio", "Mercy Cardiology")
    clicks.press("button", "Write referral")
    page.get_by_text("This may exist already").wait_for()
    photograph(page, "duplicate-guard")
    assert violations(page) == []
    page.get_by_role("textbox", name="Why another one?").fill("Second opinion asked for")
    clicks.press("button", "Write it all the same")
    page.get_by_role("link", name="Make the packet").first.wait_for()
    new = Referral.objects.filter(patient=maria, specialty="Cardiology").latest("created_at")
    clicks.press("link", "Make the packet")
    clicks.press("button", "Make the packet", "main")
    page.get_by_text("Look at it before it is sent").first.wait_for()
    clicks.done("18")
    assert DuplicateAnswer.objects.filter(made_id=new.pk, choice="go_on").exists()
    # 27: sent is not accepted.
    page.goto(f"/referrals/{new.pk}/")
    clicks.begin()
    clicks.press("link", "Send…")
    clicks.press("button", "Send the fax", "#modal-in")
    page.get_by_text("packet version 1").first.wait_for()
    new.refresh_from_db()
    assert (new.status, new.accepted_at, new.clock.kind) == ("sent", None, "referral.acknowledge.routine")
    clicks.done("27")
    # 32, 33: the report comes; reviewed, told, closed.
    paper = make_document(maria, title="Cardiology consultation")
    page.get_by_role("link", name="Report is in…").click()
    page.locator("#modal-in").get_by_role("combobox").first.select_option(value=str(paper.pk))
    page.locator("#modal-in").get_by_role("button", name="Report is in").click()
    page.get_by_role("button", name="Report reviewed by the requester").wait_for()
    clicks.begin()
    clicks.press("button", "Report reviewed by the requester")
    clicks.press("link", "Patient told…")
    clicks.press("button", "Save", "#modal-in")
    page.get_by_text("Loop closed").first.wait_for()
    new.refresh_from_db()
    assert new.loop_closed_at is not None
    clicks.done("33")


def test_who_is_chosen_while_the_order_is_fetched_stays_chosen(open_page):
    """The answer to the specialty was on its way and took the mark off that somebody had set meanwhile."""
    page = open_page("coordinator")
    maria = Patient.objects.get(family_name="Alvarez", given_name="Maria")
    page.goto(f"/referrals/new/?patient={maria.pk}")
    held: list[Route] = []
    page.route("**/referrals/new/", lambda route: route.continue_() if held else held.append(route))
    page.get_by_role("textbox", name="Specialty").fill("Cardiology")
    with page.expect_request("**/referrals/new/"):
        page.get_by_role("textbox", name="Reason", exact=True).fill("Swelling of both legs")
    chosen = page.get_by_role("radio", name=re.compile("^Mercy Cardiology"))
    chosen.check()
    held[0].continue_()
    expect(page.locator("#recipients")).to_contain_text("Ranked for Cardiology.")
    expect(chosen).to_be_checked()
