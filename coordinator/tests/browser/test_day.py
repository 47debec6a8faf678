"""A coordinator's day with a patient, step by step, by keyboard alone, in English and in Spanish.

Steps 1-4, 6-8, 17 and 38 of the script the product is measured by. A click is Enter, Space or a key that acts; moving
(Tab, arrows) and typing are not counted. docs/journeys.md says how many clicks each step takes; the numbers there are
these.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Error, Page, expect

from careplans.models import ContactAttempt, Task
from coordinator.accounts.models import Delegation, User
from coordinator.tests.browser.conftest import credentials, photograph, violations
from patients.models import Note, Patient, ProviderUpdate, Reconciliation

ACTS = {"Enter", " ", "Control+k", "Control+Enter", "l", "e", "n"}
FURTHEST = 250  # Tab presses to anything on a page


def noted(step: str) -> int:
    """The clicks docs/journeys.md names for a step."""
    text = (Path(settings.BASE_DIR) / "docs" / "journeys.md").read_text()
    found = re.search(rf"^\| {step} \|[^|]*\|[^|]*\| (\d+) \|", text, re.MULTILINE)
    assert found, f"step {step} is not in docs/journeys.md"
    return int(found[1])


class Hands:
    """Two hands on a keyboard."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0

    def press(self, key: str) -> None:
        self.clicks += key in ACTS
        self.page.keyboard.press(key)

    def type(self, words: str) -> None:
        self.page.keyboard.type(words)

    def at(self, selector: str) -> bool:
        """Whether such a thing has the focus; a page that is just being replaced is waited for."""
        for _try in range(3):
            try:
                return self.page.evaluate("s => Boolean(document.activeElement?.matches(s))", selector)
            except Error:
                self.page.wait_for_load_state()
        raise AssertionError("The page does not come to rest")

    def reach(self, selector: str, back: bool = False) -> None:
        """Tab until something of this kind has the focus."""
        for _n in range(FURTHEST):
            if self.at(selector):
                return
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"Tab does not reach {selector}")

    def choose(self, name: str, value: str) -> None:
        """A radio button, by the arrow keys."""
        self.reach(f"[name='{name}']")
        for _n in range(30):
            if self.at(f"[name='{name}'][value='{value}']"):
                if not self.page.evaluate("document.activeElement.checked"):
                    self.page.keyboard.press("Space")
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{value} is not among {name}")

    def pick(self, name: str, words: str) -> None:
        """An entry of a select, by typing how it begins."""
        self.reach(f"select[name='{name}']")
        self.page.keyboard.type(words)

    def done(self, step: str) -> None:
        """The step is over: as many clicks as docs/journeys.md says, and a page everybody can use."""
        self.page.wait_for_load_state("networkidle")
        assert violations(self.page) == []
        assert self.clicks == noted(step), f"step {step}: {self.clicks} clicks"
        self.clicks = 0


def maria() -> Patient:
    return Patient.objects.get(family_name="Alvarez", given_name="Maria")


def call_task() -> Task:
    return Task.objects.get(
        patient=maria(), kind="discharge_call", status__in=["ready", "in_progress", "accepted"]
    )


def sign_in(hands: Hands) -> None:
    email, password = credentials("coordinator")
    hands.page.goto("/accounts/login/")
    hands.reach("input[name=login]")
    hands.type(email)
    hands.reach("input[name=password]")
    hands.type(password)
    hands.press("Enter")
    hands.page.locator("[data-row]").first.wait_for()


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_day_by_keyboard_alone(open_page, language):
    page = open_page()
    User.objects.update(language=language)
    page.set_extra_http_headers({"Accept-Language": language})
    hands = Hands(page)

    # 1 Sign in and land on My work: groups by urgency, each row says why it is here.
    sign_in(hands)
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("tr.group").count() >= 3
    for row in page.locator("[data-row]").all()[:10]:
        assert row.locator(".l2").first.inner_text().strip()
    photograph(page, f"day-1-{language}")
    hands.done("1")

    # 2 What is new since the place closed: one strip, each count opens exactly that list.
    link = page.locator("a[href*='new=']").first
    count = int(re.search(r"\d+", link.inner_text())[0])
    hands.reach("a[href*='new=']")
    hands.press("Enter")
    page.wait_for_url("**new=*")
    expect(page.locator("[data-row]")).to_have_count(count)
    photograph(page, f"day-2-{language}")
    hands.done("2")

    # 3 Find Maria by four digits of her phone: two people, with their birth dates; then by name and year.
    hands.press("Control+k")
    page.locator("#palette input").wait_for()
    hands.type("0143")
    page.locator("#palette [role=option]", has_text="ALVAREZ, Luis").wait_for()
    both = page.locator("#palette [role=option]", has_text="ALVAREZ")
    assert both.count() == 2
    assert all(re.search(r"19\d\d", text) for text in both.all_inner_texts())
    assert violations(page) == []
    page.locator("#palette input").fill("")
    hands.type("alva 1959")
    first = page.locator("#palette [role=option][aria-selected=true]", has_text="ALVAREZ, Maria")
    first.wait_for()
    hands.press("Enter")
    page.get_by_role("heading", level=1, name="ALVAREZ, Maria").wait_for()
    hands.done("3")

    # 4 The summary says language, interpreter, who may be told what, next visit, goals, referrals.
    shown = page.locator("main").inner_text()
    words = {
        "en": ("Spanish, interpreter needed", "Ana Alvarez", "Scheduling", "Feel well enough", "Cardiology"),
        "es": ("intérprete", "Ana Alvarez", "Citas", "Feel well enough", "Cardiology"),
    }[language]
    for word in words:
        assert word in shown, word
    photograph(page, f"day-4-{language}")
    hands.done("4")

    # 6 Call, no answer: the next attempt is on another day part, and it is attempt 1.
    task = call_task()
    made = task.attempts_made
    hands.press("l")
    page.locator("#modal [name=outcome]").first.wait_for()
    hands.choose("outcome", "no_answer")
    hands.press("Control+Enter")
    expect(page.locator("#modal")).not_to_be_visible()
    attempt = ContactAttempt.objects.filter(patient=maria()).latest("at")
    task.refresh_from_db()
    assert (attempt.outcome, attempt.task_id, task.attempts_made) == ("no_answer", task.pk, made + 1)
    assert attempt.next_attempt_at is not None
    hands.done("6")

    # 7 Ana answers. What she may hear stands there before dialling; results are refused, scheduling is kept.
    hands.press("l")
    page.locator("#modal [name=outcome]").first.wait_for()
    assert "Ana Alvarez" in page.locator("#modal").inner_text()
    photograph(page, f"day-7-{language}")
    hands.choose("outcome", "spoke_with_caregiver")
    hands.reach("#modal textarea[name=note]")
    hands.type("Asked about the ride")
    hands.reach("#modal details > summary")
    hands.press("Enter")
    hands.pick("related_person", "Ana")
    hands.pick("topic", {"en": "Results", "es": "Resultados"}[language])
    hands.press("Control+Enter")
    page.locator("#modal .bad").first.wait_for()
    assert page.locator("#modal textarea[name=note]").input_value() == "Asked about the ride"
    photograph(page, f"day-7-refused-{language}")
    hands.pick("topic", {"en": "Scheduling", "es": "Citas"}[language])
    hands.press("Control+Enter")
    # It would end the call with things on its list open: that is asked about.
    page.locator("#modal textarea[name=open_items]").wait_for()
    hands.reach("#modal textarea[name=open_items]")
    hands.type("She was not there; only the ride was talked about")
    hands.press("Control+Enter")
    expect(page.locator("#modal")).not_to_be_visible()
    attempt = ContactAttempt.objects.filter(patient=maria()).latest("at")
    assert (attempt.outcome, attempt.topic) == ("spoke_with_caregiver", "scheduling")
    assert attempt.related_person.name == "Ana Alvarez"
    hands.done("7")

    # 8 Reach Maria through an interpreter and go through the medicines: two differ, the provider is asked.
    before = set(ProviderUpdate.objects.values_list("pk", flat=True))
    hands.reach(f"a[href$='/patients/{maria().pk}/details/']")
    hands.press("Enter")
    hands.reach("a[href$='/reconcile/medicines/']")
    hands.press("Enter")
    page.locator("#reconcile").wait_for()
    hands.reach("[name=interpreter]")
    hands.type("Luz, no. 4411")
    lines = [n.get_attribute("name") for n in page.locator("[name^='line-'][name$='-said']").all()][:2]
    for said in lines:
        hands.choose(said.replace("-said", "-finding"), "differently")
        hands.reach(f"[name='{said}']")
        hands.type("Takes half, for the cost")
    hands.reach("[name=rest_as_listed]")
    hands.press(" ")
    hands.pick("report_to", "Ngozi")
    photograph(page, f"day-8-{language}")
    hands.press("Control+Enter")
    page.wait_for_url(lambda url: "/reconcile/" not in url)
    event = Reconciliation.objects.filter(patient=maria()).latest("compared_at")
    assert event.interpreter == "Luz, no. 4411"
    assert sum(line.is_discrepancy for line in event.lines.all()) == 2
    update = ProviderUpdate.objects.exclude(pk__in=before).get()
    assert update.reply_due_at > timezone.now()
    hands.done("8")

    # 17 A note about swelling, reported to a provider, answer by four o'clock tomorrow.
    page.goto(f"/patients/{maria().pk}/")
    hands.reach("a[href$='/note/']")
    hands.press("Enter")
    page.locator("textarea[name=body]").wait_for()
    hands.reach("textarea[name=body]")
    hands.type("Both ankles swollen since Tuesday, two kilos more")
    hands.pick("report_to", "Ngozi")
    due = (timezone.localtime() + timedelta(days=1)).replace(hour=16, minute=0, second=0, microsecond=0)
    hands.reach("[name=answer_due_at]")
    hands.type(due.strftime("%m%d%Y"))
    page.keyboard.press("ArrowRight")
    hands.type("0400PM")
    photograph(page, f"day-17-{language}")
    hands.press("Control+Enter")
    page.locator("textarea[name=body]").wait_for(state="detached")
    note = Note.objects.get(body__startswith="Both ankles swollen")
    assert note.answer_due_at.astimezone(timezone.get_current_timezone()) == due
    asked = Task.objects.open().filter(cause_id=note.provider_update.pk)
    assert {task.owner.email for task in asked} == {credentials("coordinator")[0], "ngozi@example.test"}
    assert {task.due_at for task in asked} == {note.answer_due_at}
    hands.done("17")

    # 38 Going on leave: every open clock and promise is listed and somebody has it.
    page.goto("/")
    hands.reach("[popovertarget=me-menu]")
    hands.press("Enter")
    hands.reach("#me-menu a[href='/leave/']")
    hands.press("Enter")
    hands.reach("main a[href^='/leave/new/']")
    hands.press("Enter")
    start = timezone.localdate() + timedelta(days=1)
    hands.reach("[name=from_day]")
    hands.type(start.strftime("%m%d%Y"))
    hands.reach("[name=to_day]")
    hands.type((start + timedelta(days=13)).strftime("%m%d%Y"))
    hands.pick("delegate", "Luz")
    hands.press("Control+Enter")
    page.wait_for_url(re.compile(r"/leave/[0-9a-f-]+/"))
    cover = Delegation.objects.latest("starts_at")
    assert cover.delegate.name.startswith("Luz")
    assert page.locator("main section.box li").count() > 20
    assert page.locator("main", has_text="ALVAREZ, Maria").count()
    photograph(page, f"day-38-{language}")
    hands.done("38")
