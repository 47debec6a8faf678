"""A provider is out: the visits by urgency, a free time for each, moved together, refusals on the list."""

from __future__ import annotations

import datetime
import re
import uuid

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careplans.models import Task
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.clocks.models import Clock
from coordinator.db import Conflict
from coordinator.messaging.models import Message
from coordinator.tests.factories import make_practitioner, make_site, make_user
from patients.tests.factories import make_phone, restrict
from referrals.tests.factories import make_authorization, make_referral
from scheduling.models import Appointment, Block
from scheduling.rules import away
from scheduling.rules.slots import Slot
from scheduling.selectors import away as selectors
from scheduling.selectors.away import touched_by
from scheduling.services import away as services
from scheduling.services import cancel_appointment, reschedule_appointment
from scheduling.services.consequences import TELL
from scheduling.templatetags.schedule import block_time
from scheduling.tests.clinic import CENTRAL, DAY, HOUR, MINUTE, NOW, at
from scheduling.tests.factories import make_appointment, make_availability
from scheduling.workflow import Status

NOON, EVENING = at("2026-11-19", "12:00"), at("2026-11-19", "17:00")
CHEN, OKAFOR = uuid.UUID(int=1), uuid.UUID(int=2)


# --- the rules -----------------------------------------------------------------------------------------------------


def touched(n=1, **fields):
    given_ = {"key": uuid.UUID(int=n), "patient_id": uuid.UUID(int=50 + n), "practitioner_id": CHEN}
    given_ |= {"start": NOON, "booked_at": NOW - n * DAY, "zone": "America/Chicago"}
    return away.Touched(**{**given_, **fields})


def test_authorization_then_urgency_then_must_be_seen_then_waited():
    today = NOW.date()
    plain, longest = touched(1), touched(40)
    must = touched(2, must_be_by=today + 9 * DAY)
    urgent, stat = touched(3, urgency="urgent"), touched(4, urgency="stat")
    ends = touched(5, authorization_ends=today + 12 * DAY)
    later = touched(6, authorization_ends=today + 90 * DAY)
    found = sorted([plain, longest, must, urgent, stat, ends, later], key=lambda one: away.order(one, today))
    assert found == [ends, stat, urgent, must, longest, later, plain]


def slot(days, hour="09:00", who=CHEN):
    start = at("2026-11-20", hour) + days * DAY
    return Slot(start, start + 30 * MINUTE, who)


def test_the_same_provider_is_proposed_while_it_serves_else_another():
    free = [slot(0, who=OKAFOR), slot(3)]
    assert away.options(touched(), free, [], away.Taken())[0] == slot(3)
    ends = touched(authorization_ends=datetime.date(2026, 11, 21))
    assert away.options(ends, free, [], away.Taken())[0] == slot(0, who=OKAFOR)


free_times = st.lists(
    st.builds(
        slot, st.integers(0, 6), st.sampled_from(["09:00", "09:15", "13:00"]), st.sampled_from([CHEN, OKAFOR])
    ),
    max_size=12,
    unique=True,
).map(sorted)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(free_times, st.integers(1, 6), st.lists(st.integers(0, 6), max_size=2))
def test_no_time_is_proposed_twice_or_beside_another_visit_of_the_patient(free, visits, busy_days):
    busy = [(slot(n).start, slot(n).end) for n in busy_days]
    taken = away.Taken()
    firsts = []
    for n in range(visits):
        found = away.options(touched(n + 1), free, busy, taken)
        assert len(found) <= away.OPTIONS
        assert not any(start < one.end and one.start < end for one in found for start, end in busy)
        firsts += found[:1]
    for one in firsts:
        others = [other for other in firsts if other != one and other.practitioner_id == one.practitioner_id]
        assert not any(one.start < other.end and other.start < one.end for other in others)
    assert len(set(firsts)) == len(firsts)


# --- marking -------------------------------------------------------------------------------------------------------


def out(clinic, **fields):
    given_ = {"practitioner_id": clinic.okafor.pk, "site_id": clinic.site.pk, "reason": "Ill"}
    given_ |= {"starts_at": NOON, "ends_at": EVENING, "by": clinic.coordinator, "now": NOW}
    return services.mark_away(**{**given_, **fields})


@pytest.mark.django_db
def test_a_coordinator_says_who_is_out_once_and_takes_it_back(clinic):
    block = out(clinic)
    assert AuditEvent.objects.filter(action="mark_away", entity_id=block.pk).exists()
    with pytest.raises(Conflict, match="away then already"):
        out(clinic, starts_at=NOON + HOUR)
    with pytest.raises(Conflict, match="away then"):
        clinic.book(at("2026-11-19", "13:00"))
    services.take_back_away(block_id=block.pk, by=clinic.coordinator, now=NOW)
    assert clinic.book(at("2026-11-19", "13:00"))


@pytest.mark.parametrize(
    ("starts", "ends", "words"),
    [
        (NOON, EVENING, "Thu, Nov 19, 2026, 12:00 PM–5:00 PM"),
        (at("2026-11-19", "00:00"), at("2026-11-20", "00:00"), "Thu, Nov 19, 2026"),
        (at("2026-11-19", "00:00"), at("2026-11-21", "00:00"), "Thu, Nov 19, 2026 – Fri, Nov 20, 2026"),
        (NOON, EVENING + DAY, "Nov 19, 2026, 12:00 PM – Nov 20, 2026, 5:00 PM"),
    ],
)
def test_the_time_away_names_a_day_once_and_whole_days_without_hours(starts, ends, words):
    with timezone.override(CENTRAL):
        assert block_time(Block(starts_at=starts, ends_at=ends)) == words


@pytest.mark.django_db
def test_what_a_manager_set_up_is_taken_back_by_a_manager_only(clinic, browser):
    manager = make_user(Role.MANAGER, site=clinic.site)
    leave, ill = out(clinic, by=manager), out(clinic, starts_at=NOON + DAY, ends_at=EVENING + DAY)
    back = [reverse("scheduling:away_back", args=[block.pk]) for block in (leave, ill)]
    pages = [
        browser.get(reverse("scheduling:away", args=[block.pk])).content.decode() for block in (leave, ill)
    ]
    assert [url in text for url, text in zip(back, pages, strict=True)] == [False, True]
    assert browser.post(back[0]).status_code == 403
    with pytest.raises(PermissionDenied, match="a manager takes it back"):
        services.take_back_away(block_id=leave.pk, by=clinic.coordinator, now=NOW)
    assert set(Block.objects.all()) == {leave, ill}
    for block in (leave, ill):
        services.take_back_away(block_id=block.pk, by=manager, now=NOW)
    assert not Block.objects.exists()


@pytest.mark.django_db
def test_what_a_colleague_marked_is_taken_back_while_both_book_visits_there(clinic, browser):
    colleague = make_user(site=clinic.site)
    block = out(clinic, by=colleague)
    where, back = (reverse(f"scheduling:{name}", args=[block.pk]) for name in ("away", "away_back"))
    with pytest.raises(PermissionDenied):
        services.take_back_away(block_id=block.pk, by=make_user(site=make_site()), now=NOW)
    colleague.sites.set([make_site()])
    assert back not in browser.get(where).content.decode()
    assert browser.post(back).status_code == 403
    colleague.sites.add(clinic.site)
    assert back in browser.get(where).content.decode()
    assert browser.post(back).status_code == 302
    assert not Block.objects.exists()


@pytest.mark.django_db
def test_visits_that_one_does_not_see_are_not_counted_to_one(clinic, eight, browser):
    restrict(eight[0].patient, clinic.lead)
    page = browser.post(reverse("scheduling:away_back", args=[out(clinic).pk]), follow=True).content.decode()
    assert "7 visits keep their time." in page


@pytest.fixture
def eight(clinic):
    """Eight visits on Thursday afternoon; the last two are urgent for their papers."""
    visits = [clinic.book(NOON + n * 30 * MINUTE, patient_id=clinic.other_patient().pk) for n in range(8)]
    ends = make_authorization(
        visits[6].patient, status="approved", authorization_number="A", ends_on=datetime.date(2026, 11, 24)
    )
    Appointment.objects.filter(pk=visits[6].pk).update(authorization=ends)
    referral = make_referral(visits[7].patient, urgency="urgent")
    Appointment.objects.filter(pk=visits[7].pk).update(referral=referral)
    return visits


@pytest.mark.django_db
def test_eight_visits_are_listed_by_urgency_each_with_a_time_of_its_own(clinic, eight):
    rows, more, hidden = touched_by(clinic.coordinator, out(clinic), NOW)
    assert (len(rows), more, hidden) == (8, 0, False)
    assert [row.visit.pk for row in rows[:2]] == [eight[6].pk, eight[7].pk]
    assert rows[0].reasons[0] == "The authorization ends Nov 24, 2026."
    assert len({row.chosen for row in rows}) == 8
    assert all(row.choices[0].offer.practitioner == clinic.okafor for row in rows)


@pytest.mark.django_db
def test_a_long_list_keeps_the_most_urgent_and_tells_apart_what_follows_from_what_is_hidden(
    clinic, eight, browser, monkeypatch
):
    monkeypatch.setattr(selectors, "MOST", 2)
    block = out(clinic)
    rows, more, hidden = touched_by(clinic.coordinator, block, NOW)
    assert ([row.visit.pk for row in rows], more, hidden) == ([eight[6].pk, eight[7].pk], 6, False)
    restrict(eight[0].patient, clinic.lead)
    page = browser.get(reverse("scheduling:away", args=[block.pk])).content.decode()
    assert "5 visits that are less urgent are listed once these are moved." in page
    assert "Some visits are at places or of patients that you do not see." in page


@pytest.mark.django_db
def test_another_provider_of_the_same_specialty_stands_in(clinic, eight):
    same = make_practitioner(site=clinic.site, family_name="Chen", specialty=clinic.okafor.specialty)
    other = make_practitioner(site=clinic.site, family_name="Brandvold", specialty="Behavioral health")
    make_availability(same)
    make_availability(other)
    long = out(clinic, starts_at=NOW + HOUR, ends_at=EVENING + 40 * DAY)
    rows, _more, _hidden = touched_by(clinic.coordinator, long, NOW)
    proposed = {choice.offer.practitioner for row in rows for choice in row.choices}
    assert proposed == {same}


def start_of(slot):
    return datetime.datetime.strptime(slot.partition("~")[0], "%Y-%m-%dT%H:%MZ").replace(tzinfo=datetime.UTC)


@pytest.mark.django_db
def test_all_move_together_with_reminders_and_a_call_and_what_is_refused_stays_with_why(
    clinic, eight, browser
):
    make_phone(eight[0].patient)
    block = out(clinic)
    where = reverse("scheduling:away", args=[block.pk])
    page = browser.get(where).content.decode()
    chosen = dict(re.findall(r'name="slot-([0-9a-f-]{36})">\s*<option value="([^"]+)" selected', page))
    assert len(chosen) == 8
    taken = chosen[str(eight[3].pk)]
    clinic.book(start_of(taken), patient_id=clinic.other_patient().pk)  # somebody was quicker
    sent = {f"slot-{key}": value for key, value in chosen.items()} | {"ids": list(chosen)}
    answer = browser.post(where, sent)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "1 visit was not moved and keeps its time." in text
    assert f'id="v{eight[3].pk}"' in text
    assert text.count('class="rowlink"') == 1
    assert f'value="{eight[3].pk}" checked' in text
    old = Appointment.objects.filter(pk__in=[visit.pk for visit in eight])
    assert old.filter(status=Status.RESCHEDULED).count() == 7
    assert old.get(status=Status.BOOKED) == eight[3]
    new = Appointment.objects.filter(replaces__in=old)
    assert Task.objects.open().filter(cause_id__in=new, kind="outreach_call").count() == 7
    assert all(task.due_at and (task.owner or task.team) for task in Task.objects.open())
    keys = [str(visit.pk) for visit in eight]
    assert AuditEvent.objects.filter(action="reschedule", entity_id__in=keys).count() == 7
    assert not Message.objects.filter(
        about_id__in=old.filter(status="rescheduled"), status="scheduled"
    ).exists()
    moved = Appointment.objects.get(replaces=eight[0])
    assert moved.changes.exists()
    assert eight[0].changes.get(step="reschedule").reason == "The provider is away: Ill"


@pytest.mark.django_db
def test_one_row_moves_alone_and_the_same_click_twice_moves_it_once(clinic, eight, browser):
    block = out(clinic)
    where = reverse("scheduling:away", args=[block.pk])
    value = re.search(
        rf'name="slot-{eight[0].pk}">\s*<option value="([^"]+)"', browser.get(where).content.decode()
    )
    sent = {"only": str(eight[0].pk), f"slot-{eight[0].pk}": value.group(1)}
    assert browser.post(where, sent).status_code == 302
    again = browser.post(where, sent)
    assert again.status_code == 409
    assert Appointment.objects.filter(replaces=eight[0]).count() == 1
    assert browser.post(where, {"ids": []}).status_code == 409


@pytest.mark.django_db
def test_what_was_chosen_in_other_rows_stays_when_one_is_moved(clinic, eight, browser):
    where = reverse("scheduling:away", args=[out(clinic).pk])
    page = browser.get(where).content.decode()
    of_second = page.partition(f'name="slot-{eight[1].pk}"')[2].partition("</select>")[0]
    other = re.findall(r'value="([^"]+)">', of_second)[-1]
    first = re.search(rf'name="slot-{eight[0].pk}">\s*<option value="([^"]+)"', page).group(1)
    sent = {"only": str(eight[0].pk), f"slot-{eight[0].pk}": first, f"slot-{eight[1].pk}": other}
    answer = browser.post(where, sent | {"ids": [str(eight[2].pk)]})
    assert answer.status_code == 200
    assert f'<option value="{other}" selected' in answer.content.decode()
    assert f'value="{eight[2].pk}" checked' in answer.content.decode()
    assert Appointment.objects.filter(replaces__isnull=False).count() == 1


@pytest.mark.django_db
def test_what_needs_a_reason_is_answered_in_its_row(clinic, eight, browser):
    visit, other = eight[0], eight[1]
    where = reverse("scheduling:away", args=[out(clinic).pk])
    page = browser.get(where).content.decode()
    times = re.findall(
        r'<option value="([^"]+)"',
        page.partition(f'name="slot-{visit.pk}"')[2].partition("</select>")[0],
    )
    day_after = (visit.start + DAY).date().isoformat()
    chosen = next(value for value in times if value >= day_after)
    Appointment.objects.filter(pk=visit.pk).update(must_be_by=None)
    make_appointment(
        visit.patient, start=start_of(chosen) + 7 * DAY, service=visit.service, practitioner=None
    )
    sent = {"only": str(visit.pk), f"slot-{visit.pk}": chosen}
    text = browser.post(where, sent | {"ids": [str(other.pk)]}).content.decode()
    assert f'name="why-{visit.pk}"' in text
    assert "Give a reason" in text
    assert f'name="why-{other.pk}"' not in text
    assert f'value="{other.pk}" checked' in text
    assert browser.post(where, sent | {f"why-{visit.pk}": "Two weighings"}).status_code == 302
    assert Appointment.objects.get(replaces=visit).override_reason == "Two weighings"


@pytest.mark.django_db
def test_nobody_is_told_of_a_time_that_was_cancelled_or_moved_once_more(clinic):
    visits = [clinic.book(NOON + n * HOUR, patient_id=clinic.other_patient().pk) for n in range(2)]
    block = out(clinic)
    wanted = [services.Wanted(visit.pk, visit.start + DAY, clinic.okafor.pk) for visit in visits]
    done = services.move_touched(block=block, wanted=wanted, by=clinic.coordinator, now=NOW)
    cancelled, moved = (one.new for one in done)
    told = Task.objects.open().filter(title="Tell the patient: the visit was moved")
    assert {task.cause_id for task in told} == {cancelled.pk, moved.pk}
    by = {"reason": "Asked by phone", "by": clinic.coordinator, "now": NOW}
    cancel_appointment(appointment_id=cancelled.pk, cancelled_by="patient", **by)
    reschedule_appointment(appointment_id=moved.pk, start=moved.start + 3 * DAY, **by)
    assert not told.all().exists()
    assert set(Clock.objects.filter(kind=TELL).values_list("state", flat=True)) == {"void"}


@pytest.mark.django_db
def test_the_page_costs_as_many_queries_for_one_visit_as_for_eight(clinic, browser):
    def queries(url):
        with CaptureQueriesContext(connection) as taken:
            browser.get(url)
        return len(taken)

    where = reverse("scheduling:away", args=[out(clinic).pk])
    make_appointment(clinic.other_patient(), start=NOON, practitioner=clinic.okafor, service=clinic.service)
    queries(where)
    few = queries(where)
    for n in range(1, 8):
        make_appointment(
            clinic.other_patient(),
            start=NOON + n * 30 * MINUTE,
            practitioner=clinic.okafor,
            service=clinic.service,
        )
    assert queries(where) == few


@pytest.mark.django_db
def test_another_place_does_not_find_it(clinic, sign_in):
    block = out(clinic)
    stranger = sign_in(make_user(Role.COORDINATOR, site=make_site()))
    assert stranger.get(reverse("scheduling:away", args=[block.pk])).status_code == 404
    assert Block.objects.count() == 1
