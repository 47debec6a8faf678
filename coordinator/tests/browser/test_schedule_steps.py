"""What a coordinator does when the schedule changes: steps 28 to 31 of the script the product is measured by.

A click is a press on a button or a link, or a box that is ticked; typing and choosing in a list are not counted.
docs/journeys.md says how many clicks each step takes; the numbers there are these.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils import timezone
from playwright.sync_api import expect

from careplans.models import ContactAttempt, Task
from coordinator.accounts.models import Practitioner, Site
from coordinator.clocks.models import Clock
from coordinator.messaging.models import Message
from coordinator.tests.browser.conftest import photograph, violations
from coordinator.tests.browser.test_requests import Steps, box, coordinator, patient
from coordinator.wording import day as day_words
from coordinator.workflow import System
from patients.models import Patient
from referrals.models import AuthorizationLine, PriorAuthorization, Referral
from scheduling import services
from scheduling.forms import read_slot
from scheduling.models import Appointment, Service, WaitlistOffer
from scheduling.rules.local_time import day_bounds, local_day
from scheduling.selectors.appointments import last_open_day
from scheduling.selectors.facts import closed_days
from scheduling.services.waitlist import add_to_waitlist
from scheduling.services.waitlist_offers import expire_offers

DAY = timedelta(days=1)
THURSDAY = 3


# --- what the demo does not have -------------------------------------------------------------------------------------


def riverbend() -> Site:
    return Site.objects.get(short_name="Riverbend")


def provider(family: str) -> Practitioner:
    return Practitioner.objects.get(family_name=family)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), riverbend().tzinfo)


def open_day(first: date, step: timedelta = DAY, weekday: int | None = None) -> date:
    """The first day from there on that the clinic is open."""
    is_closed, day = closed_days(riverbend()), first
    while is_closed(day) or weekday not in (None, day.weekday()):
        day += step
    return day


def free_people(day: date, number: int, without: list[Patient] | None = None) -> list[Patient]:
    """Patients whom the coordinator sees and who have no visit on that day."""
    start, end = day_bounds(day, riverbend().zone)
    busy = Appointment.objects.holding().filter(start__lt=end, end__gt=start).values("patient")
    seen = Patient.objects.visible_to(coordinator()).filter(site=riverbend(), status="active")
    found = seen.exclude(pk__in=busy).exclude(pk__in=[one.pk for one in without or ()])
    return list(found.order_by("mrn")[:number])


def book(who: Patient, start: datetime, whom: Any, *, days_ago: int = 0, **fields: Any) -> Appointment:
    """A visit of a type of its own, which nobody of the demo has or waits for."""
    kind, _made = Service.objects.get_or_create(name="Blood pressure check", defaults={"minutes": 30})
    return services.book_appointment(
        patient_id=who.pk,
        service_id=kind.pk,
        site_id=who.site_id,
        practitioner_id=getattr(whom, "pk", whom),
        start=start,
        by=coordinator(),
        now=timezone.now() - days_ago * DAY,
        **fields,
    )


def call_off(visit: Appointment, by: str = "system") -> None:
    services.cancel_appointment(
        appointment_id=visit.pk,
        cancelled_by=by,
        reason="Seen last week instead",
        by=coordinator(),
        now=timezone.now(),
    )


def row_of(visit: Appointment) -> str:
    return f"tr:has(#v{visit.pk})"


def to_follow_up(steps: Steps) -> str:
    """How many no-shows the list counts."""
    return steps.page.locator("#missed").get_by_role("status").inner_text().partition("·")[0]


# --- the steps -------------------------------------------------------------------------------------------------------


def test_a_date_that_is_too_late_and_a_visit_that_was_missed(open_page):
    page = open_page("coordinator", width=1280)
    steps = Steps(page)
    main = page.locator("main")

    # 28 Their office gives a date after the authorization ends: said when it is saved, with the two ways on.
    referral = Referral.objects.get(patient=patient("Alvarez", "Maria"), specialty="Cardiology")
    request = PriorAuthorization.objects.get(referral=referral, status="approved")
    AuthorizationLine.objects.filter(authorization=request).update(
        units_approved=9
    )  # the demo has used up its three
    page.goto(f"/referrals/{referral.pk}/")
    steps.begin()
    steps.press("link", "Date known…")
    steps.fill("Visit date and time", f"{request.ends_on + 5 * DAY}T09:00", "#modal-in")
    steps.press("button", "Date known", "#modal-in")
    warning = page.locator(".note.warn", has_text="before this visit")
    expect(warning).to_contain_text(f"The authorization ends on {day_words(request.ends_on)}")
    expect(warning).to_contain_text(f"a date on or before {day_words(request.ends_on)}")
    extension = warning.get_by_role("link", name="Ask for an extension").get_attribute("href")
    referral.refresh_from_db()
    assert (referral.status, referral.visit_at) == ("sent", None)
    steps.done("28")
    steps.fill("Visit date and time", f"{request.ends_on - 2 * DAY}T09:00")
    steps.press("button", "Date known", "main")
    page.get_by_text("Saved: Date known").first.wait_for()
    referral.refresh_from_db()
    assert timezone.localdate(referral.visit_at) == request.ends_on - 2 * DAY
    page.goto(extension)
    photograph(page, "step-28-extension")
    assert violations(page) == []
    expect(main.get_by_role("button", name="Make the request")).to_be_visible()

    # 29 Yesterday's no-shows: marked, called, rebooked, and back on the list.
    yesterday = last_open_day(riverbend(), local_day(timezone.now(), riverbend().zone))
    missed, mistaken = (
        book(who, at(yesterday, 16, minute), provider("Karim"), days_ago=20)
        for who, minute in zip(free_people(yesterday, 2), (0, 30), strict=True)
    )
    page.goto("/schedule/no-shows/")
    before = to_follow_up(steps)
    photograph(page, "step-29-list")
    assert violations(page) == []
    steps.begin()
    steps.press("button", re.compile("^No-show"), row_of(missed))
    steps.press("link", re.compile("^Log the call"), row_of(missed))
    called = page.locator("#modal-in").get_by_role("button", name="Reached: save and rebook")
    called.wait_for()
    photograph(page, "step-29-call")
    assert violations(page) == []
    steps.press("button", "Reached: save and rebook", "#modal-in")
    page.get_by_role("heading", name="Rebook a missed visit").wait_for()
    photograph(page, "step-29-rebook")
    assert violations(page) == []
    steps.press("button", re.compile("^Rebook for"), "main")
    expect(page.locator(row_of(missed))).to_contain_text("Rescheduled")
    missed.refresh_from_db()
    assert (missed.status, missed.replaced_by.status) == ("rescheduled", "booked")
    call = ContactAttempt.objects.get(task__cause_id=missed.pk)
    assert call.outcome == "reached_done"
    assert not Task.objects.open().filter(cause_id=missed.pk).exists()
    steps.done("29")

    # One was a mistake: corrected with a reason, and the count, the task and its clock are undone.
    steps.press("button", re.compile("^No-show"), row_of(mistaken))
    page.get_by_text("Marked as a no-show").first.wait_for()
    assert to_follow_up(steps) != before
    assert Task.objects.open().filter(cause_id=mistaken.pk).exists()
    steps.press("link", re.compile("^Not a no-show"), row_of(mistaken))
    steps.press_starting("radio", "Was seen")
    steps.fill("Reason", "Came late and was seen; the front desk knows", "#modal-in")
    photograph(page, "step-29-correct")
    assert violations(page) == []
    steps.press("button", "Correct: not a no-show", "#modal-in")
    expect(page.locator(row_of(mistaken))).to_have_count(0)
    assert to_follow_up(steps) == before
    mistaken.refresh_from_db()
    assert mistaken.status == "fulfilled"
    assert not Task.objects.open().filter(cause_id=mistaken.pk).exists()
    assert Clock.objects.get(subject_id=mistaken.pk).state == "void"
    steps.done("29b")


def eight_on(day: date) -> list[Appointment]:
    """Every half hour of a provider's afternoon; the last but one is urgent, the last must be seen soon."""
    whom = provider("Karim")
    inside = {"start__gte": at(day, 12), "start__lt": at(day, 17), "practitioner": whom}
    for visit in Appointment.objects.holding().filter(**inside):
        call_off(visit)
    wishes: dict[int, dict[str, Any]] = {6: {"priority": "urgent"}, 7: {"must_be_by": day + 9 * DAY}}
    visits = [
        book(who, at(day, 13 + n // 2, n % 2 * 30), whom, days_ago=20 - n, **wishes.get(n, {}))
        for n, who in enumerate(free_people(day, 8))
    ]
    services.plan_reminders(appointments=visits, by=coordinator(), now=timezone.now())
    return visits


def test_a_provider_is_out_and_a_free_time_finds_who_waits(open_page):
    page = open_page("coordinator", width=1280)
    steps = Steps(page)
    today = local_day(timezone.now(), riverbend().zone)

    # 30 Out on Thursday afternoon: eight visits by urgency, moved together; what was taken meanwhile says so.
    thursday = open_day(today + 2 * DAY, weekday=THURSDAY)
    eight = eight_on(thursday)
    page.goto("/schedule/")
    steps.begin()
    steps.press("link", "Provider away", "main")
    form = box("add-away") + " form"
    steps.choose("Provider", str(provider("Karim")), form)
    said = {
        "From day": str(thursday),
        "From time": "12:00",
        "To day": str(thursday),
        "To time": "17:00",
        "Why": "Ill",
    }
    for label, words in said.items():
        steps.fill(label, words, form)
    photograph(page, "step-30-away")
    assert violations(page) == []
    steps.press("button", "Mark as away and see the visits")
    page.locator(".moves").wait_for()
    links = [link.get_attribute("id") for link in page.locator(".moves .rowlink").all()]
    assert links == [f"v{eight[n].pk}" for n in (6, 7, 0, 1, 2, 3, 4, 5)]
    photograph(page, "step-30-list")
    assert violations(page) == []
    start, whom = read_slot(page.locator(f"#slot-{eight[3].pk}").input_value())
    others = free_people(local_day(start, riverbend().zone), 1, [visit.patient for visit in eight])
    book(others[0], start, whom)
    steps.check("Select all on this page")
    steps.press("button", "Move to the new times")
    refused = page.locator(row_of(eight[3]))
    expect(refused).to_contain_text("has another visit")
    expect(page.locator(".moves tbody tr")).to_have_count(1)
    photograph(page, "step-30-refused")
    assert violations(page) == []
    steps.press("button", re.compile("^Move"), row_of(eight[3]))
    page.get_by_text("No visit is left to move").wait_for()
    moved = Appointment.objects.filter(replaces__in=eight)
    assert set(moved.values_list("status", flat=True)) == {"booked"}
    assert Task.objects.open().filter(cause_id__in=moved, kind="outreach_call").count() == 8
    told = Message.objects.filter(about_id__in=[visit.pk for visit in eight], status="scheduled")
    assert not told.exists()
    soon = {visit.pk for visit in moved if visit.start < timezone.now() + 4 * DAY}
    assert soon <= set(Message.objects.filter(about_id__in=soon).values_list("about_id", flat=True))
    steps.done("30")

    # 31 A time is free again: the longest waiting whom it suits is asked, until an hour; silence asks the next.
    day = open_day(today + 8 * DAY)
    have_one = [visit.patient for visit in eight] + others
    first, *waiting = free_people(day, 4, have_one)
    freed = book(first, at(day, 16), provider("Okafor"))
    call_off(freed, by="patient")
    _unsuited, longest, second = (
        add_to_waitlist(
            patient_id=who.pk,
            service_id=freed.service_id,
            site_id=freed.site_id,
            since=timezone.now() - days * DAY,
            by=coordinator(),
            now=timezone.now(),
            **wishes,
        )
        for who, days, wishes in zip(waiting, (60, 40, 20), ({"part_of_day": "morning"}, {}, {}), strict=True)
    )
    page.goto("/schedule/")
    steps.begin()
    steps.press("link", "Waitlist", "main")
    page.locator(f"#t{freed.pk}").wait_for()
    photograph(page, "step-31-times")
    assert violations(page) == []
    steps.press("button", re.compile("^Offer"), f"#t{freed.pk}")
    out = page.locator(box("offers"))
    expect(out).to_contain_text(longest.patient.family_name.upper())
    expect(out).to_contain_text("Answer by")
    offer = WaitlistOffer.objects.get(freed_by=freed)
    assert (offer.entry, offer.status) == (longest, "offered")
    steps.done("31")
    later = at(open_day(day - DAY, -DAY), 10)
    assert offer.offered_at < offer.answer_by < later
    expire_offers(by=System("waitlist"), now=later)
    page.reload()
    expect(out).to_contain_text(second.patient.family_name.upper())
    photograph(page, "step-31-next")
    offers = WaitlistOffer.objects.filter(freed_by=freed).order_by("offered_at")
    assert [(one.entry, one.status) for one in offers] == [(longest, "expired"), (second, "offered")]
