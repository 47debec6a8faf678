"""A paper arrives: it is added, looked at, linked and found again by its words, in a real browser."""

from __future__ import annotations

from patients.models import Document, Patient
from patients.services.previews import make_waiting_previews
from patients.tests.files import make_pdf


def test_a_report_is_added_looked_at_and_found_by_its_words(open_page):
    page = open_page("coordinator")
    maria = Patient.objects.get(family_name="Alvarez", given_name="Maria")
    page.goto(f"/patients/{maria.pk}/documents/")
    page.get_by_role("link", name="Add documents").first.click()
    page.get_by_label("Kind of document").select_option("report")
    page.get_by_label("Title").fill("Echo at Lakeside")
    page.get_by_label("Files").set_input_files(
        [{"name": "echo.pdf", "mimeType": "application/pdf", "buffer": b"<html><script>alert(1)</script>"}]
    )
    page.get_by_role("button", name="Save").click()
    page.get_by_text("“echo.pdf” is none of these").first.wait_for()
    assert page.get_by_label("Title").input_value() == "Echo at Lakeside"
    page.get_by_label("Files").set_input_files(
        [
            {
                "name": "echo.pdf",
                "mimeType": "application/pdf",
                "buffer": make_pdf("Ejection fraction 45", "Two"),
            }
        ]
    )
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The preview is being prepared.").wait_for()
    make_waiting_previews()
    page.get_by_role("img", name="Page 1 of 2").wait_for()  # the page asks by itself
    page.goto("/search/notes-and-documents/")
    page.get_by_role("searchbox", name="Words").fill("ejection")
    page.get_by_role("button", name="Search").last.click()
    page.locator("mark", has_text="Ejection").first.wait_for()
    assert "ejection" not in page.url.lower()
    page.get_by_role("link", name="Echo at Lakeside").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "echo.pdf"
    page.get_by_role("link", name="Entered in error").click()
    page.get_by_label("Reason").fill("Another person's")
    page.get_by_role("button", name="Mark as entered in error").click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("heading", name="Echo at Lakeside").wait_for()
    assert Document.objects.get(title="Echo at Lakeside").status == "current"
