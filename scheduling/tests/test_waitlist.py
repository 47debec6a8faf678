"""The waitlist: who is asked first, one at a time, until when, and what a yes, a no and silence do."""

from __future__ import annotations

import datetime
import threading
import uuid
from itertools import pairwise

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from careplans.models import Task
from careplans.services import complete_task
from coordinator.accounts.models import Practitioner
from coordinator.accounts.roles import Role
from coordinator.clocks.models import Clock
from coordinator.dashboard.silent import find_silent
from coordinator.db import Conflict
from coordinator.tests.factories import make_site, make_team, make_user
from coordinator.workflow import NotAllowed, System
from patients.services import inactivate_patient, reactivate_patient
from patients.tests.factories import restrict
from scheduling.models import Appointment, WaitlistEntry, WaitlistOffer
from scheduling.rules.waitlist import NOTICE, Opening, Wish, answer_until, fits, order, ranked
from scheduling.selectors.waitlist import open_times, waiting_at
from scheduling.services import cancel_appointment, reschedule_appointment
from scheduling.services import waitlist as services
from scheduling.services import waitlist_offers as offers
from scheduling.services.availability import add_block
from scheduling.services.away import mark_away
from scheduling.tests.clinic import DAY, HOUR, MINUTE, NOW, at, make_clinic
from scheduling.tests.factories import make_appointment, make_waitlist_entry, make_waitlist_offer

JOB = System("waitlist")
LIST = reverse("scheduling:waitlist")


# --- who is asked first -------------------------------------------------------------------------------------------

SITE, SERVICE, CHEN, OKAFOR = (uuid.UUID(int=n) for n in range(1, 5))
FRIDAY = Opening(SERVICE, SITE, CHEN, at("2026-11-20", "09:00"), at("2026-11-20", "09:30"), "America/Chicago")


def wish(n=1, days=1, **fields):
    keys = {"key": uuid.UUID(int=n), "patient_id": uuid.UUID(int=100 + n)}
    return Wish(**{"service_id": SERVICE, "site_id": SITE, "since": NOW - days * DAY, **keys, **fields})


@pytest.mark.parametrize(
    ("wished", "suits"),
    [
        ({}, True),
        ({"practitioner_id": CHEN}, True),
        ({"practitioner_id": OKAFOR}, False),
        ({"service_id": OKAFOR}, False),
        ({"site_id": OKAFOR}, False),
        ({"earliest": datetime.date(2026, 11, 20), "latest": datetime.date(2026, 11, 20)}, True),
        ({"earliest": datetime.date(2026, 11, 21)}, False),
        ({"latest": datetime.date(2026, 11, 19)}, False),
        ({"weekdays": frozenset({4})}, True),
        ({"weekdays": frozenset({0, 1})}, False),
        ({"part": "morning"}, True),
        ({"part": "afternoon"}, False),
    ],
)
def test_a_time_suits_whom_no_wish_speaks_against(wished, suits):
    assert fits(wish(**wished), FRIDAY) is suits


def test_the_local_clock_of_the_place_counts():
    late = Opening(
        SERVICE, SITE, CHEN, at("2026-11-20", "19:00"), at("2026-11-20", "19:30"), "America/Chicago"
    )
    assert late.start.date() == datetime.date(2026, 11, 21)  # in UTC
    assert fits(wish(latest=datetime.date(2026, 11, 20), weekdays=frozenset({4}), part="afternoon"), late)


wishes = st.builds(
    lambda n, days, urgent, who, weekdays: wish(
        n, days, is_urgent=urgent, practitioner_id=who, weekdays=frozenset(weekdays)
    ),
    st.integers(1, 30),
    st.integers(0, 90),
    st.booleans(),
    st.sampled_from([None, CHEN, OKAFOR]),
    st.sets(st.integers(0, 6), max_size=3),
)


@given(
    st.lists(wishes, max_size=12, unique_by=lambda one: one.key), st.sets(st.integers(101, 130), max_size=5)
)
def test_urgent_then_longest_waiting_of_those_who_fit_and_nobody_else(waiting, asked):
    without = {uuid.UUID(int=n) for n in asked}
    found = ranked(waiting, FRIDAY, without)
    assert found == sorted(found, key=order)
    assert {one.key for one in found} == {
        one.key for one in waiting if fits(one, FRIDAY) and one.patient_id not in without
    }
    for one, after in pairwise(found):
        assert one.is_urgent >= after.is_urgent
        assert one.is_urgent != after.is_urgent or one.since <= after.since


def test_an_answer_is_needed_an_hour_before_the_visit_at_the_latest():
    start = NOW + 3 * HOUR
    assert answer_until(NOW + 4 * HOUR, start) == start - NOTICE
    assert answer_until(NOW + HOUR, start) == NOW + HOUR


# --- waiting -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_whoever_waits_has_an_owner_a_next_step_and_a_date_that_explains_itself(clinic):
    entry = services.add_to_waitlist(
        patient_id=clinic.patient.pk,
        service_id=clinic.service.pk,
        site_id=clinic.site.pk,
        by=clinic.coordinator,
        now=NOW,
    )
    task = Task.objects.open().get(cause_id=entry.pk)
    assert task.owner or task.team
    assert task.next_step
    assert task.clock.rule_version.rule.key == "waitlist.review"
    assert find_silent(now=NOW) == []
    with pytest.raises(Conflict, match="already waits"):
        services.add_to_waitlist(
            patient_id=clinic.patient.pk,
            service_id=clinic.service.pk,
            site_id=clinic.site.pk,
            by=clinic.coordinator,
            now=NOW,
        )
    complete_task(task_id=task.pk, by=task.owner or clinic.lead, now=NOW, outcome="Still waits")
    assert [one.kind for one in find_silent(now=NOW)] == ["wait"]
    assert services.look_after_waitlist(site=clinic.site, by=System("nightly"), now=NOW + DAY) == 1
    assert services.look_after_waitlist(site=clinic.site, by=System("nightly"), now=NOW + DAY) == 0
    assert find_silent(now=NOW) == []


@pytest.mark.django_db
def test_wishes_are_checked_and_changing_them_keeps_since_when_they_wait(clinic):
    entry = make_waitlist_entry(clinic.patient, service=clinic.service, since=NOW - 9 * DAY)
    change = {"entry_id": entry.pk, "by": clinic.coordinator, "now": NOW}
    with pytest.raises(ValidationError):
        services.change_wishes(
            version=1,
            earliest_on=datetime.date(2026, 12, 2),
            latest_on=datetime.date(2026, 12, 1),
            **change,
        )
    changed = services.change_wishes(version=1, part_of_day="morning", **change)
    assert (changed.since, changed.part_of_day) == (NOW - 9 * DAY, "morning")
    with pytest.raises(Conflict):
        services.change_wishes(version=1, part_of_day="afternoon", **change)


@pytest.mark.django_db
def test_booking_the_visit_ends_the_wait(clinic):
    entry = make_waitlist_entry(clinic.patient, service=clinic.service)
    visit = clinic.book(at("2026-11-20", "09:00"))
    entry.refresh_from_db()
    assert (entry.status, entry.appointment) == ("booked", visit)


@pytest.mark.django_db
def test_leaving_ends_the_wait_and_coming_back_goes_on_since_the_same_day(clinic):
    entry = make_waitlist_entry(clinic.patient, service=clinic.service, since=NOW - 9 * DAY)
    inactivate_patient(patient_id=clinic.patient.pk, reason="moved", by=clinic.lead, now=NOW)
    entry.refresh_from_db()
    assert entry.status == "closed"
    reactivate_patient(patient_id=clinic.patient.pk, reason="Is back", by=clinic.lead, now=NOW + HOUR)
    entry.refresh_from_db()
    assert (entry.status, entry.since) == ("waiting", NOW - 9 * DAY)
    assert find_silent(now=NOW) == []


# --- offers --------------------------------------------------------------------------------------------------------


@pytest.fixture
def freed(clinic):
    """Friday at 9, cancelled."""
    return free_a_time(clinic)


def free_a_time(clinic):
    visit = clinic.book(at("2026-11-20", "09:00"))
    return cancel_appointment(
        appointment_id=visit.pk, cancelled_by="system", reason="Not needed", by=clinic.coordinator, now=NOW
    )


def waits(clinic, days, **fields):
    return make_waitlist_entry(
        clinic.other_patient(), service=clinic.service, since=NOW - days * DAY, **fields
    )


def offer(clinic, freed, now=NOW):
    return offers.offer_time(freed_by_id=freed.pk, by=clinic.coordinator, now=now)


@pytest.mark.django_db
def test_whoever_has_a_visit_at_another_place_then_is_not_asked_and_the_page_says_the_same(clinic, freed):
    first, busy = waits(clinic, 30), waits(clinic, 50)
    make_appointment(
        busy.patient, site=make_site(), start=freed.start, practitioner=None, service=clinic.service
    )
    shown = open_times(clinic.coordinator, clinic.site, waiting_at(clinic.coordinator, clinic.site), NOW)
    assert [time.first.entry for time in shown] == [first]
    assert offer(clinic, freed).entry == first


@pytest.mark.django_db
def test_the_longest_waiting_who_fits_is_asked_and_it_says_why_and_until_when(clinic, freed):
    waits(clinic, 40, part_of_day="afternoon")
    first, _second = waits(clinic, 30), waits(clinic, 20)
    busy = waits(clinic, 50)
    make_appointment(busy.patient, start=freed.start, practitioner=None, service=clinic.service)
    made = offer(clinic, freed)
    assert made.entry == first
    assert made.because == ["Waits for 30 days.", "Has waited longest of 2 whom this time suits."]
    assert made.answer_by == NOW + 4 * HOUR
    first.refresh_from_db()
    assert first.status == "offered"
    call = Task.objects.open().get(cause_id=made.pk)
    assert (call.due_at, call.clock.rule_version.rule.key) == (NOW + 4 * HOUR, "waitlist.answer")
    with pytest.raises(Conflict, match="being asked about this time"):
        offer(clinic, freed)


@pytest.mark.django_db
def test_a_yes_books_it_and_ends_the_wait(clinic, freed):
    entry = waits(clinic, 30)
    made = offer(clinic, freed)
    visit = offers.accept_offer(offer_id=made.pk, by=clinic.coordinator, now=NOW + HOUR)
    entry.refresh_from_db()
    assert (visit.start, visit.practitioner, visit.patient) == (freed.start, clinic.okafor, entry.patient)
    assert (entry.status, entry.appointment) == ("booked", visit)
    assert not Task.objects.open().filter(cause_id__in=[made.pk, entry.pk]).exists()
    assert Clock.objects.get(subject_id=made.pk).state == "met"
    with pytest.raises(NotAllowed):
        offers.accept_offer(offer_id=made.pk, by=clinic.coordinator, now=NOW + HOUR)
    assert Appointment.objects.filter(start=freed.start, status="booked").count() == 1


@pytest.mark.django_db
def test_a_no_goes_on_to_the_next_and_nobody_is_asked_twice_about_a_time(clinic, freed):
    first, second = waits(clinic, 30), waits(clinic, 20)
    made = offer(clinic, freed)
    _old, following = offers.decline_offer(offer_id=made.pk, by=clinic.coordinator, now=NOW + MINUTE)
    assert following.entry == second
    first.refresh_from_db()
    assert first.status == "waiting"
    _old, nobody = offers.decline_offer(offer_id=following.pk, by=clinic.coordinator, now=NOW + 2 * MINUTE)
    assert nobody is None
    with pytest.raises(NotAllowed, match="Nobody on the waitlist"):
        offer(clinic, freed)


@pytest.mark.django_db
def test_silence_goes_on_to_the_next_by_itself_once_and_only_while_the_place_is_open(clinic, freed):
    waits(clinic, 30)
    second = waits(clinic, 20)
    made = offer(clinic, freed)
    expire = {"by": JOB, "now": made.answer_by + MINUTE}
    assert offers.expire_offers(by=JOB, now=made.answer_by - MINUTE) == {"expired": 0, "passed_on": 0}
    assert offers.expire_offers(**expire) == {"expired": 1, "passed_on": 1}
    assert offers.expire_offers(**expire) == {"expired": 0, "passed_on": 0}
    following = WaitlistOffer.objects.get(status="offered")
    assert following.entry == second
    late = following.answer_by + 10 * HOUR  # night
    assert not offers.is_open(clinic.site, late)
    assert offers.expire_offers(by=JOB, now=late) == {"expired": 0, "passed_on": 0}


@pytest.mark.django_db
def test_a_run_that_is_killed_between_end_and_next_offer_leaves_nothing_half_done(clinic, freed, monkeypatch):
    waits(clinic, 30)
    waits(clinic, 20)
    made = offer(clinic, freed)
    when = made.answer_by + MINUTE

    class Killed(BaseException):
        pass

    def killed(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(offers, "_offer_next", killed)
        with pytest.raises(Killed):
            offers.expire_offers(by=JOB, now=when)
    made.refresh_from_db()
    assert made.status == "offered"
    assert offers.expire_offers(by=JOB, now=when) == {"expired": 1, "passed_on": 1}
    assert WaitlistOffer.objects.filter(status="offered").count() == 1


@pytest.mark.django_db
def test_a_time_that_is_booked_otherwise_takes_the_offer_back(clinic, freed):
    entry = waits(clinic, 30)
    made = offer(clinic, freed)
    clinic.book(freed.start, patient_id=clinic.other_patient().pk)
    made.refresh_from_db()
    entry.refresh_from_db()
    assert (made.status, entry.status) == ("withdrawn", "waiting")
    assert made.changes.get(step="withdraw").reason == "The time was booked for somebody else."
    with pytest.raises(NotAllowed, match="not free any more"):
        offer(clinic, freed)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_offer_one_time_at_once_one_does():
    clinic = make_clinic()
    make_team(clinic.site)
    freed = free_a_time(clinic)
    for days in range(8):
        waits(clinic, days + 1)
    gate, said = threading.Barrier(8), []

    def send():
        gate.wait()
        try:
            offer(clinic, freed)
            said.append("offered")
        except (Conflict, NotAllowed) as refusal:
            said.append(str(refusal))
        finally:
            connections.close_all()

    people = [threading.Thread(target=send) for _n in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert said.count("offered") == 1
    assert len(said) == 8
    assert WaitlistOffer.objects.count() == 1
    assert WaitlistEntry.objects.filter(status="offered").count() == 1


# --- the page -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_restricted_people_who_were_asked_are_not_counted_and_not_asked_again(clinic, freed):
    asked, restricted = waits(clinic, 30), waits(clinic, 50)
    for entry in (asked, restricted):
        make_waitlist_offer(
            entry,
            practitioner=clinic.okafor,
            start=freed.start,
            end=freed.end,
            freed_by=freed,
            status="declined",
        )
    restrict(restricted.patient, clinic.lead)
    (shown,) = open_times(clinic.coordinator, clinic.site, waiting_at(clinic.coordinator, clinic.site), NOW)
    assert [one.entry for one in shown.asked] == [asked]
    assert shown.first is None


@pytest.mark.django_db
def test_two_clicks_offer_a_time_and_two_record_the_answer(clinic, freed, browser):
    assert "1 more free time suits nobody who waits" in browser.get(LIST).content.decode()
    entry = waits(clinic, 30)
    page = browser.get(LIST).content.decode()
    assert "Waits for 30 days." in page
    assert "nobody who waits" not in page
    url = reverse("scheduling:waitlist_offer", args=[freed.pk])
    assert f'action="{url}"' in page
    assert browser.post(url).status_code == 302
    made = entry.offers.get()
    yes = reverse("scheduling:waitlist_answer", args=[made.pk, "yes"])
    assert f'action="{yes}"' in browser.get(LIST).content.decode()
    assert browser.post(yes).status_code == 302
    assert "Nobody is being asked." in browser.get(LIST).content.decode()
    assert Appointment.objects.get(start=freed.start, status="booked").patient == entry.patient


@pytest.mark.django_db
def test_a_yes_against_which_something_stands_asks_why_and_keeps_the_offer(clinic, freed, browser):
    entry = waits(clinic, 30)
    make_appointment(
        entry.patient,
        start=freed.start + DAY,
        practitioner=None,
        service=clinic.service,
        booked_at=NOW,
    )
    made = offer(clinic, freed)
    yes = reverse("scheduling:waitlist_answer", args=[made.pk, "yes"])
    page = browser.post(yes)
    assert page.status_code == 409
    assert "Is this one needed as well?" in page.content.decode()
    assert 'name="override_reason"' in page.content.decode()
    made.refresh_from_db()
    assert made.status == "offered"
    assert browser.post(yes, {"override_reason": "Both are needed"}).status_code == 302


@pytest.mark.django_db
def test_somebody_is_put_on_the_list_from_the_slot_finder_and_taken_off_with_a_reason(clinic, browser):
    finder = browser.get(reverse("scheduling:book"), {"patient": clinic.patient.pk}).content.decode()
    add = reverse("scheduling:waitlist_add")
    assert f'href="{add}?patient={clinic.patient.pk}&amp;visit=' in finder
    where = f"{add}?patient={clinic.patient.pk}"
    sent = {"service": clinic.service.pk, "priority": "urgent", "weekdays": ["0", "2"], "note": "After 4"}
    wrong = browser.post(where, {**sent, "earliest_on": "2026-12-02", "latest_on": "2026-12-01"})
    assert wrong.status_code == 422
    assert 'value="After 4"' in wrong.content.decode()
    assert browser.post(where, sent).status_code == 302
    entry = WaitlistEntry.objects.get()
    assert "Monday, Wednesday" in browser.get(LIST).content.decode()
    step = reverse("scheduling:waitlist_step", args=[entry.pk, "close"])
    assert browser.post(step, {"reason": ""}).status_code == 422
    assert browser.post(step, {"reason": "Seen elsewhere"}).status_code == 302
    entry.refresh_from_db()
    assert entry.status == "closed"


@pytest.mark.django_db
def test_somebody_of_another_place_finds_nobody_who_waits(clinic, sign_in):
    entry = make_waitlist_entry(clinic.patient, service=clinic.service)
    stranger = sign_in(make_user(Role.COORDINATOR, site=make_site()))
    assert clinic.patient.family_name not in stranger.get(LIST).content.decode()
    assert stranger.get(reverse("scheduling:waitlist_entry", args=[entry.pk])).status_code == 404


@pytest.mark.django_db
def test_ten_who_wait_cost_as_many_queries_as_one(clinic, freed, browser):
    def queries():
        with CaptureQueriesContext(connection) as taken:
            browser.get(LIST)
        return len(taken)

    waits(clinic, 1)
    queries()
    few = queries()
    for days in range(2, 11):
        waits(clinic, days)
    assert queries() == few


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["a coordinator", "a manager", "the place"])
def test_a_time_that_is_blocked_is_offered_no_more_and_who_was_asked_waits_on(clinic, freed, who):
    asked = waits(clinic, 30)
    made = offer(clinic, freed)
    about = {
        "site_id": clinic.site.pk,
        "reason": "Ill",
        "starts_at": freed.start - HOUR,
        "ends_at": freed.end,
        "now": NOW,
    }
    if who == "a coordinator":
        mark_away(practitioner_id=clinic.okafor.pk, by=clinic.coordinator, **about)
    else:
        provider = clinic.okafor.pk if who == "a manager" else None
        add_block(practitioner_id=provider, by=make_user(Role.MANAGER, site=clinic.site), **about)
    made.refresh_from_db()
    asked.refresh_from_db()
    assert (made.status, asked.status) == ("withdrawn", "waiting")
    assert not Task.objects.open().filter(cause_id=made.pk).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("to", "status"), [("2026-11-24", "waiting"), ("2026-11-19", "booked")])
def test_whose_visit_is_put_off_waits_on_and_whose_is_brought_forward_does_not(clinic, to, status):
    visit = clinic.book(at("2026-11-20", "09:00"))
    entry = make_waitlist_entry(visit.patient, service=clinic.service, since=NOW - DAY)
    reschedule_appointment(
        appointment_id=visit.pk, start=at(to, "09:00"), reason="Asked", by=clinic.coordinator, now=NOW
    )
    entry.refresh_from_db()
    assert entry.status == status


@pytest.mark.django_db
def test_the_time_of_a_provider_who_left_is_not_offered(clinic, freed):
    waits(clinic, 30)
    Practitioner.objects.filter(pk=clinic.okafor.pk).update(is_active=False)
    with pytest.raises(NotAllowed, match="not free any more"):
        offer(clinic, freed)
