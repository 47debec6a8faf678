"""What one person began to write is kept, and two people in one record see each other, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from coordinator.dashboard.models import Draft
from coordinator.tests.browser.conftest import photograph, sign_in, violations
from patients.models import Note, Patient


def maria() -> Patient:
    return Patient.objects.get(family_name="Alvarez", given_name="Maria")


def begin_note(page: Page, words: str) -> None:
    page.goto(f"/patients/{maria().pk}/note/")
    page.get_by_role("textbox", name="Note").fill(words)
    page.get_by_text("Draft saved").wait_for()


def test_a_note_that_was_not_sent_is_there_after_the_session_ended(open_page):
    page = open_page("coordinator")
    begin_note(page, "Ankle swollen since Tuesday")
    page.context.clear_cookies()
    page.reload()
    assert "/accounts/login" in page.url
    sign_in(page, "coordinator")
    page.goto(f"/patients/{maria().pk}/note/")
    page.get_by_text("You have a draft from").wait_for()
    photograph(page, "draft-offered")
    assert violations(page) == []
    page.get_by_role("button", name="Continue with it").click()
    expect(page.get_by_role("textbox", name="Note")).to_have_value("Ankle swollen since Tuesday")
    page.get_by_role("button", name="Save note").click()
    page.get_by_text("Note saved").first.wait_for()
    assert page.url.endswith(f"/patients/{maria().pk}/")
    assert Note.objects.filter(body="Ankle swollen since Tuesday").count() == 1
    assert not Draft.objects.exists()


def test_a_contact_from_a_draft_is_kept_beside_the_one_the_draft_was_begun_with(open_page):
    page = open_page("coordinator")
    where = f"/patients/{maria().pk}/contact/"
    page.goto(where)
    first = page.locator("input[name=attempt_id]").first.input_value()
    note = page.locator("form:has(input[name=attempt_id]) textarea[name=note]").first
    note.fill("Asked about the ankle")
    page.get_by_text("Draft saved").wait_for()
    assert "attempt_id" not in Draft.objects.get().fields
    page.goto(where)
    page.get_by_role("button", name="Continue with it").click()
    expect(note).to_have_value("Asked about the ankle")
    fresh = page.locator("input[name=attempt_id]").first.input_value()
    assert fresh != first


def test_a_draft_is_discarded_from_the_form_and_listed_until_then(open_page):
    page = open_page("coordinator")
    begin_note(page, "Wrong patient")
    page.goto("/drafts/")
    page.get_by_text("Wrong patient").first.wait_for()
    photograph(page, "drafts")
    assert violations(page) == []
    page.get_by_role("link", name="ALVAREZ, Maria").click()
    page.get_by_role("button", name="Discard it").click()
    expect(page.get_by_role("button", name="Discard it")).to_have_count(0)
    page.goto("/drafts/")
    page.get_by_text("No drafts").wait_for()


def test_a_draft_about_one_patient_is_not_offered_at_another(open_page):
    page = open_page("coordinator")
    page.goto(f"/referrals/new/?patient={maria().pk}")
    page.get_by_role("textbox", name="Reason").first.fill("Swelling of both legs")
    page.get_by_text("Draft saved").wait_for()
    other = Patient.objects.get(family_name="Ramírez", given_name="Elena")
    page.goto(f"/referrals/new/?patient={other.pk}")
    page.wait_for_load_state("networkidle")
    assert page.get_by_text("You have a draft from").count() == 0
    page.goto(f"/referrals/new/?patient={maria().pk}")
    page.get_by_text("You have a draft from").wait_for()


def test_two_people_in_one_record_see_each_other(open_page):
    dana, joanne = open_page("coordinator"), open_page("lead")
    joanne.goto(f"/patients/{maria().pk}/edit/")
    dana.goto(f"/patients/{maria().pk}/")
    dana.get_by_text("has been editing this record since").wait_for()
    photograph(dana, "somebody-else-edits")
    assert violations(dana) == []
    joanne.reload()
    joanne.get_by_text("has this record open too").wait_for()
    joanne.goto("/")
    dana.reload()
    dana.wait_for_load_state("networkidle")
    assert dana.get_by_text("has been editing").count() == 0
