"""The main job end to end, as a coordinator and a manager do it in a browser."""

from __future__ import annotations

import csv
import datetime

from django.utils import timezone
from playwright.sync_api import Page, expect

from careplans.models import Task
from coordinator.audit.models import AuditEvent
from coordinator.tests.browser.conftest import credentials, photograph, violations
from patients.models import Patient
from scheduling.models import Appointment


def ramirez() -> Patient:
    return Patient.objects.get(family_name="Ramírez", given_name="Elena")


def find(page: Page, words: str, expected: str) -> None:
    """Ctrl K, type, Enter."""
    page.keyboard.press("Control+k")
    page.locator("#palette input").wait_for()
    page.keyboard.type(words)
    wanted = page.locator("#palette [role=option]", has_text=expected).first
    wanted.wait_for()
    for _step in range(8):  # others may share the phone or the birth date
        if wanted.get_attribute("aria-selected") == "true":
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name=expected).wait_for()


def status_of(visit: Appointment) -> str:
    visit.refresh_from_db()
    return str(visit.status)


def test_find_a_patient_by_everything_that_callers_say(open_page):
    """Name parts in any order without accents, birth date, phone digits, MRN and member number."""
    page = open_page("coordinator")
    patient = ramirez()
    phone = patient.contact_points.filter(kind="phone").first().normalized[-7:]
    member = patient.coverages.first().member_id
    born = f"{patient.birth_date.month}/{patient.birth_date.day}/{patient.birth_date.year}"
    for words in ("elena ramirez", f"ramirez {born}", born, phone, patient.mrn, member):
        page.goto("/schedule/")
        find(page, words, "RAMÍREZ, Elena")
        assert page.url.endswith(f"/patients/{patient.pk}/"), words
        assert "ramirez" not in page.url.lower()


def test_book_move_and_cancel_a_visit_from_the_chart(open_page):
    page = open_page("coordinator")
    page.goto("/")
    find(page, "elena ramirez", "RAMÍREZ, Elena")
    before = set(Appointment.objects.values_list("pk", flat=True))

    page.get_by_role("link", name="Book", exact=True).first.click()
    page.get_by_label("Visit type").select_option(label="Office visit, 30 min")
    page.get_by_role("button", name="Find times").click()
    page.locator(".slots input[type=radio]").first.check()
    photograph(page, "book-1440-light")
    assert violations(page) == []
    page.get_by_role("button", name="Book").last.click()
    page.get_by_text("Booked: ").first.wait_for()
    visit = Appointment.objects.exclude(pk__in=before).get()
    assert (visit.status, visit.patient_id) == ("booked", ramirez().pk)

    page.goto(f"/schedule/visits/{visit.pk}/")
    photograph(page, "visit-1440-light")
    assert violations(page) == []
    page.get_by_role("link", name="Move…").click()
    page.locator(".slots input[type=radio]").nth(2).check()
    page.get_by_label("Why it moves").fill("Daughter drives on that day")
    page.get_by_role("button", name="Move to").click()
    page.get_by_text("Moved to ").first.wait_for()
    assert status_of(visit) == "rescheduled"
    moved = Appointment.objects.get(replaces=visit)
    assert moved.status == "booked"
    assert moved.start != visit.start

    page.goto(f"/schedule/visits/{moved.pk}/")
    page.get_by_role("link", name="Cancel visit…").click()
    page.locator("#modal-h").wait_for()
    photograph(page, "cancel-1440-light")
    page.locator("#modal input[type=radio]").first.check()
    page.locator("#modal textarea:visible, #modal input[type=text]:visible").first.fill("No ride that day")
    page.locator("#modal .form-actions button").click()
    expect(page.locator("#modal")).not_to_be_visible()
    assert status_of(moved) == "cancelled"


def test_mark_a_no_show_and_put_it_right(open_page):
    """A missed visit opens follow-up work; when it was none after all, the correction takes that back."""
    page = open_page("coordinator")
    now = timezone.now()
    mine = Appointment.objects.filter(patient__coordinator__email=credentials("coordinator")[0])
    visit = mine.filter(status="booked", start__gt=now).order_by("start").first()
    length = visit.end - visit.start
    start = now.replace(minute=0, second=0, microsecond=0) - datetime.timedelta(hours=30)
    Appointment.objects.filter(pk=visit.pk).update(
        start=start, end=start + length, practitioner=None, room=None
    )
    page.goto(f"/schedule/visits/{visit.pk}/")
    page.get_by_role("button", name="No-show").click()
    page.get_by_text("Marked as a no-show").first.wait_for()
    assert status_of(visit) == "no_show"
    assert Task.objects.filter(patient=visit.patient, kind="no_show_follow_up").workable().exists()

    page.goto(f"/schedule/visits/{visit.pk}/")
    page.get_by_role("link", name="Correct: not a no-show…").click()
    page.locator("#modal-h").wait_for()
    photograph(page, "correct-no-show-1440-light")
    page.get_by_label("Was seen, late or elsewhere").check()
    page.locator("#modal").get_by_label("Reason").fill("Was on the other floor")
    page.locator("#modal .form-actions button").click()
    expect(page.locator("#modal")).not_to_be_visible()
    assert status_of(visit) != "no_show"
    assert visit.changes.filter(from_status="no_show").exists()


def test_referrals_open_from_the_list_by_keyboard(open_page):
    page = open_page("coordinator")
    page.goto("/referrals/")
    page.locator("[data-row]").first.wait_for()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/referrals/*-*/")
    photograph(page, "referral-1440-light")
    assert violations(page) == []
    assert "Next step" in page.locator("main").inner_text()


def test_a_manager_opens_a_number_and_takes_it_home(open_page):
    """Every number opens its list; the list leaves as CSV, which is recorded and safe to open."""
    page = open_page("manager", accept_downloads=True)
    page.goto("/team/")
    cell = page.locator("tr", has_text="Dana Whitfield").locator("a").nth(1)
    shown = cell.inner_text().strip()
    cell.click()
    page.locator("[data-row]").first.wait_for()
    assert f"of {shown}" in page.locator("main").inner_text() or shown in page.locator("main").inner_text()
    photograph(page, "team-list-1440-light")
    assert violations(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").or_(page.get_by_role("button", name="CSV")).first.click()
    with open(download.value.path(), newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    assert len(rows) > 1
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)
    assert AuditEvent.objects.filter(action__contains="export").exists()


def test_the_box_says_why_somebody_is_listed_and_registers_only_after_a_search(open_page):
    page = open_page("coordinator")
    page.goto("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("sched")
    page.locator("#palette [role=option]:visible", has_text="Go to Schedule").wait_for()
    page.locator("#palette input").fill("ramires 3/15/1958")
    wanted = page.locator("#palette [role=option]", has_text="Mar 14, 1958").first
    wanted.wait_for()
    assert "sounds like “ramires”" in wanted.inner_text()
    assert "birth date one digit apart" in wanted.inner_text()
    assert wanted.get_attribute("aria-selected") == "true"
    photograph(page, "finder-similar")
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 820, "height": 1180})
    photograph(page, "finder-similar-dark")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator("#palette").wait_for(state="hidden")
    page.keyboard.press("Control+k")
    page.keyboard.type("Zofia Quark 3/14/1958 612-555-0177")
    page.locator("#palette [role=option]", has_text="No patient fits").click()
    page.get_by_role("heading", level=1).wait_for()
    assert page.locator("[name=family_name]").input_value() == "Quark"
    assert page.locator("[name=given_name]").input_value() == "Zofia"
    assert "0177" in page.locator("[name=phone-0-value]").input_value()


def failing(route):
    """The box gets no answer; the page does."""
    if route.request.headers.get("hx-request"):
        route.fulfill(status=500, body="")
    else:
        route.continue_()


def test_a_search_that_fails_says_so_and_goes_on_with_enter(open_page):
    page = open_page("coordinator")
    page.goto("/")
    page.route("**/search/", failing)
    page.keyboard.press("Control+k")
    page.keyboard.type("ramirez")
    page.get_by_text("The search did not answer").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name="Find").wait_for()
    assert page.locator("#results").get_by_text("Mar 14, 1958").count() > 0
    photograph(page, "finder-page")
    assert violations(page) == []
