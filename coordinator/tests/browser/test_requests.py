"""What a coordinator does with payers, incoming papers and bills, step by step through the real pages.

Steps 19 to 26, 32 and 35 of the script the product is measured by. A click is a press on a button or a link, or a box
that is ticked; typing, choosing in a list and choosing a file are not counted. docs/journeys.md says how many clicks
each step takes; the numbers there are these.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.core.files.base import ContentFile
from django.utils import timezone
from playwright.sync_api import Page, expect

from careplans.models import Task
from coordinator.accounts.models import User
from coordinator.demo.papers import page_of
from coordinator.tests.browser.conftest import credentials, photograph, violations
from coordinator.tests.browser.test_referrals import Clicks
from patients.models import Patient
from referrals import services
from referrals.models import AidApplication, Appeal, Bill, Fund, PriorAuthorization, Referral
from referrals.services import aid, bills
from referrals.services.inbound import read_waiting_inbound, receive_inbound

NOTES, REPORT = "Notes of the last two visits", "Ejection-fraction report"
WORDS = "Not medically necessary: the notes show no change since the last echocardiogram (policy CARD-3)."


class Steps(Clicks):
    """The same, for forms."""

    def unfold(self, words: str, within: str) -> None:
        self.page.locator(within).locator("summary", has_text=words).first.click()
        self.number += 1

    def fill(self, label: str, words: str, within: str = "main") -> None:
        self.page.locator(within).get_by_label(label).first.fill(words)

    def check(self, label: str) -> None:
        self.page.get_by_label(label).first.check()
        self.number += 1

    def choose(self, label: str, words: str, within: str = "main") -> None:
        self.page.locator(within).get_by_label(label).first.select_option(label=words)


def box(name: str) -> str:
    """A part of a page, by the id of its heading."""
    return f"section[aria-labelledby='{name}']"


def patient(family: str, given: str) -> Patient:
    return Patient.objects.get(family_name=family, given_name=given)


def in_days(days: int) -> str:
    return (timezone.localdate() + timedelta(days=days)).isoformat()


def coordinator() -> User:
    return User.objects.get(email=credentials("coordinator")[0])


def write_referral(page: Page, maria: Patient) -> Referral:
    """Step 18, which has a test of its own: the guard is answered, the referral is written."""
    page.goto(f"/referrals/new/?patient={maria.pk}")
    page.get_by_role("textbox", name="Specialty").fill("Cardiology")
    page.get_by_role("textbox", name="Reason", exact=True).fill("Swelling of both legs")
    page.get_by_role("textbox", name="Clinical question").fill("Is it the heart?")
    page.get_by_text("In network for HealthNorth Plus").first.wait_for()
    page.get_by_role("radio", name=re.compile("^Mercy Cardiology")).first.check()
    page.get_by_role("button", name="Write referral").click()
    page.get_by_role("textbox", name="Why another one?").fill("Second opinion asked for")
    page.get_by_role("button", name="Write it all the same").click()
    page.locator(box("authorizations")).wait_for()
    return Referral.objects.filter(patient=maria, specialty="Cardiology").latest("created_at")


def test_a_request_goes_to_the_payer_and_its_report_comes_back(open_page):
    page = open_page("coordinator")
    maria = patient("Alvarez", "Maria")
    steps = Steps(page)
    main = page.locator("main")

    # 19 The payer's list says that an authorization is needed, with its source and day: the referral waits.
    referral = write_referral(page, maria)
    steps.begin()
    expect(page.locator(box("stands"))).to_contain_text("Awaiting authorization")
    expect(page.locator(box("authorizations"))).to_contain_text("HealthNorth list of services, October")
    assert referral.status == "awaiting_authorization"
    steps.done("19")

    # 20 Filled in; without the report it is refused by name and nothing is lost; attached, submitted.
    steps.press("link", "Cardiology", box("authorizations"))
    request = PriorAuthorization.objects.get(referral=referral)
    steps.press("link", "Change 93306")
    steps.fill("Units", "3")
    steps.press("button", "Save", "main")
    steps.press("link", re.compile(f"Attach.*{NOTES}"))
    steps.choose("A document of this patient", document_named(page, "Echocardiogram"))
    steps.press("button", "Save", "main")
    steps.press("link", "Record as submitted…")
    steps.fill("Proof of receipt", "HN-2211-4471", "#modal-in")
    steps.press("button", "Record as submitted", "#modal-in")
    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text(REPORT)
    expect(refusal).not_to_contain_text(NOTES)
    expect(main.get_by_label("Proof of receipt")).to_have_value("HN-2211-4471")
    photograph(page, "step-20-refused")
    assert violations(page) == []
    steps.press("link", re.compile(f"Attach.*{REPORT}"))
    main.get_by_label("Or a file").set_input_files(
        {
            "name": "ef.pdf",
            "mimeType": "application/pdf",
            "buffer": page_of(("Ejection fraction 35 percent",)),
        }
    )
    steps.press("button", "Save", "main")
    steps.fill("Proof of receipt", "HN-2211-4471")
    steps.press("button", "Record as submitted", "main")
    expect(page.locator(box("stands"))).to_contain_text("Payer due")
    request.refresh_from_db()
    assert (request.status, request.receipt_proof) == ("submitted", "HN-2211-4471")
    assert request.received_by_payer_at is not None
    steps.done("20")

    # 21 Why this date: the standard length in calendar days, to the end of the day, with the source.
    steps.unfold("Why this date?", box("stands"))
    why = page.locator(box("stands") + " details[open]")
    expect(why).to_contain_text("7 calendar days")
    expect(why).to_contain_text("42 CFR 422.568(b)(1)")
    there = ZoneInfo(request.payer.zone)
    due, received = (at.astimezone(there) for at in (request.due_at, request.received_by_payer_at))
    assert (due.date() - received.date()).days == 7
    assert (due.hour, due.minute) == (23, 59)
    steps.done("21")

    # 22 The payer asks for notes: our date beside the payer's, whose clock was not stopped.
    steps.press("link", "The payer asks…")
    steps.fill("What the payer asks for", "Notes of the visit in October", "#modal-in")
    steps.fill("Our answer is due", f"{in_days(2)}T12:00", "#modal-in")
    steps.press("button", "The payer asks", "#modal-in")
    for words in ("Our answer due", "Payer due", "The payer's clock runs on meanwhile."):
        expect(page.locator(box("stands"))).to_contain_text(words)
    before = request.due_at
    request.refresh_from_db()
    assert (request.status, request.due_at, request.clock.state) == ("pended", before, "running")
    steps.done("22")

    # 23 A call to the payer with its promise: a call-back on the promised day.
    steps.press("link", "Log a payer call")
    steps.fill("What was said", "A nurse looks at it", "#modal-in")
    steps.fill("Person", "Renee", "#modal-in")
    steps.fill("Call reference", "C-55120", "#modal-in")
    steps.fill("What they promised", "An answer", "#modal-in")
    steps.fill("By", in_days(3), "#modal-in")
    steps.press("button", "Log a payer call", "#modal-in")
    expect(page.locator(box("calls"))).to_contain_text("C-55120")
    back = Task.objects.open().get(cause_id=request.pk, dedupe_key__startswith="payer_call_back:")
    assert timezone.localtime(back.due_at).date().isoformat() == in_days(3)
    steps.done("23")

    # 26 Approved: number, three visits, sixty days; the referral is ready by itself.
    steps.press("link", "Record the decision…")
    steps.fill("Authorization number", "HN-700431", "#modal-in")
    for name, days in (("starts_on", 0), ("ends_on", 60)):
        page.locator(f"#modal-in [name={name}]").fill(in_days(days))
    steps.press("button", "Save the decision", "#modal-in")
    expect(page.locator(box("units"))).to_contain_text("3 of 3 units left")
    request.refresh_from_db()
    referral.refresh_from_db()
    assert (request.status, request.authorization_number) == ("approved", "HN-700431")
    assert request.ends_on.isoformat() == in_days(60)
    assert referral.status == "ready"
    steps.done("26")

    # 32 Its report comes by fax with our number on it: attached, to the requester for review, loop not closed.
    same: dict[str, Any] = {"by": coordinator(), "now": timezone.now()}
    services.advance_referral(referral_id=referral.pk, step="send", channel="fax", **same)
    lines = (f"Consultation report. Your referral {referral.reference}", "Patient: Maria Alvarez")
    receive_inbound(
        site=maria.site,
        file=ContentFile(page_of(lines), name="fax-0123.pdf"),
        channel="fax",
        sender="16125550123",
        **same,
    )
    read_waiting_inbound()
    page.goto("/referrals/")
    steps.begin()
    steps.press("link", re.compile(r"^Incoming"), "main")
    steps.press("link", "fax-0123.pdf")
    expect(main).to_contain_text(f"Our number {referral.reference} stands on it.")
    photograph(page, "step-32-proposed")
    assert violations(page) == []
    steps.press("button", "Attach", "main")
    expect(page.get_by_role("link", name="fax-0123.pdf")).to_have_count(0)
    referral.refresh_from_db()
    assert (referral.status, referral.reviewed_at) == ("completed", None)
    steps.done("32")
    page.goto(f"/referrals/{referral.pk}/")
    expect(page.locator(box("stands"))).to_contain_text("requester")
    expect(main).not_to_contain_text("Loop closed")
    photograph(page, "step-32-review")


def document_named(page: Page, title: str) -> str:
    """The option of the list that begins so."""
    options = page.get_by_label("A document of this patient").locator("option").all_inner_texts()
    return next(words for words in options if words.startswith(title))


def test_a_denial_is_appealed_and_a_bill_is_brought_down(open_page):
    page = open_page("coordinator")
    elena, maria = patient("Ramírez", "Elena"), patient("Alvarez", "Maria")
    steps = Steps(page)
    request = PriorAuthorization.objects.get(patient=elena, status="submitted")

    # 24 Denied: the exact words, the dates of talk and appeal, and the kit.
    page.goto("/referrals/authorizations/")
    steps.begin()
    page.locator(f"a[href$='/authorizations/{request.pk}/']").first.click()
    steps.number += 1
    steps.press("link", "Record a denial…")
    steps.choose("Kind of denial", "Not medically necessary", "#modal-in")
    steps.fill("The payer’s reason, word for word", WORDS, "#modal-in")
    steps.press("button", "Record it", "#modal-in")
    page.locator(box("said")).wait_for()
    expect(page.locator(box("said") + " blockquote")).to_have_text(WORDS)
    for words in ("File the appeal by", "Ask for a peer-to-peer talk by"):
        expect(page.locator(box("days"))).to_contain_text(words)
    expect(page.locator(box("papers") + " li").first).to_be_visible()
    denial = request.denials.get()
    assert denial.words == WORDS
    assert denial.appeal_clock.due_at.date() >= timezone.localdate() + timedelta(days=60)
    steps.done("24")

    # 25 The letter merged from the record, the appeal filed with the proof of sending, the payer's clock.
    steps.press("link", "Write the letter")
    letter = page.get_by_label("The letter")
    assert WORDS in letter.input_value()
    assert "Heart failure, EF 35%" in letter.input_value()
    photograph(page, "step-25-letter")
    assert violations(page) == []
    steps.press("button", "Keep this version")
    steps.press("link", "File the appeal…")
    steps.choose("How it was sent", "Fax", "#modal-in")
    steps.fill("Proof of sending", "Fax confirmation 88-204", "#modal-in")
    photograph(page, "step-25-appeal")
    assert violations(page) == []
    steps.press("button", "It is filed", "#modal-in")
    expect(page.locator(box("appeals"))).to_contain_text("Fax confirmation 88-204")
    expect(page.locator(box("appeals"))).to_contain_text("letter version 1")
    appeal = Appeal.objects.get(denial=denial)
    assert appeal.clock.state == "running"
    assert appeal.letter.number == 1
    steps.done("25")

    # 35 A bill of 412 dollars: logged, explained, a fund asked, 150 reserved in it.
    forget_the_demo_bill(maria)
    fund = Fund.objects.get(name="Riverbend Help Fund")
    page.goto(f"/patients/{maria.pk}/money/")
    steps.begin()
    steps.press("link", "Log a bill", "main")
    steps.fill("From whom", "Mercy General Hospital")
    steps.fill("Amount in dollars", "412")
    steps.fill("Date of the statement", in_days(-6))
    steps.press("button", "Log the bill")
    steps.press("link", "Add a line…")
    steps.fill("What the line says", "Outpatient facility charge", "#modal-in")
    steps.fill("Amount in dollars", "412", "#modal-in")
    steps.choose("Kind of line", "Facility fee", "#modal-in")
    steps.press("button", "Add a line", "#modal-in")
    expect(page.locator(box("lines"))).to_contain_text("Outpatient facility charge")
    steps.press("link", "Explained…")
    steps.press("button", "Explained", "#modal-in")
    photograph(page, "step-35-bill")
    assert violations(page) == []
    steps.press("link", "Ask a fund")
    steps.choose("Fund", "Riverbend Help Fund")
    steps.fill("Amount asked, in dollars", "150")
    steps.press("button", "Write the application")
    for paper in ("Proof of income", "The bill"):
        expect(page.locator(box("papers"))).to_contain_text(paper)
    steps.press("link", "Send the application…")
    steps.fill("Why it goes without the papers that are missing", "Shown to the board", "#modal-in")
    steps.press("button", "Send the application", "#modal-in")
    steps.press("link", "Awarded…")
    steps.fill("Who decided", "Fund board", "#modal-in")
    steps.press("button", "Awarded", "#modal-in")
    expect(page.locator(box("awards"))).to_contain_text("$150.00 reserved")
    application = AidApplication.objects.get(patient=maria, status="awarded")
    left = fund.balance - Decimal(150)
    fund.refresh_from_db()
    assert fund.balance == left
    assert application.awards.get().expires_on > timezone.localdate()
    steps.done("35")


def forget_the_demo_bill(maria: Patient) -> None:
    """The demo's own bill of hers and the application for it are gone; this test writes its own."""
    same: dict[str, Any] = {
        "step": "enter_in_error",
        "reason": "Logged twice",
        "by": coordinator(),
        "now": timezone.now(),
    }
    for application in AidApplication.objects.filter(patient=maria):
        aid.step_application(application_id=application.pk, **same)
    for bill in Bill.objects.filter(patient=maria):
        bills.step_bill(bill_id=bill.pk, **same)
