"""The strip over My work: what came since the place closed, each count with exactly its list."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from careplans import services
from careplans.models import Task
from careplans.tests.factories import make_task
from coordinator.accounts.roles import Role
from coordinator.clocks.models import BusinessCalendar, Holiday
from coordinator.dashboard.models import SavedView
from coordinator.dashboard.overnight import COUNTED, LABELS, last_close
from coordinator.dashboard.worklist import Wanted, Worklist
from coordinator.db import uuid7
from coordinator.tests.factories import make_cover, make_site, make_user
from coordinator.workflow import System
from patients.tests.factories import make_patient

pytestmark = pytest.mark.django_db
HOME = reverse("dashboard:my_work")
ZONE = "America/Chicago"
KEYS = {
    "discharges": {"kind": "discharge_call"},
    "denials": {"dedupe_key": "denial:1"},
    "replies": {"dedupe_key": "reply:1"},
    "failures": {"kind": "message_failed"},
    "escalated": {"dedupe_key": "escalation:1"},
}


@pytest.fixture
def site():
    return make_site(zone=ZONE, close_hour=17)


@pytest.fixture
def dana(site):
    return make_user(site=site, name="Dana Whitfield")


@pytest.fixture
def marcus(site):
    return make_user(site=site, name="Marcus Lee")


@pytest.fixture
def dana_page(client, dana):
    client.force_login(dana)
    return client


@pytest.fixture
def since(site):
    return last_close(site, timezone.now())


def task(owner, opened_at, **fields):
    return make_task(make_patient(site=owner.sites.get()), owner=owner, opened_at=opened_at, **fields)


def strip(response):
    """The items of the strip: word in the address -> its text."""
    html = response.content.decode()
    nav = re.search(r'<nav id="work-news".*?</nav>', html, re.S)[0]
    return dict(re.findall(r'<a class="stat" href="[^"]*new=(\w+)"[^>]*>(.*?)</a>', nav))


def rows(response):
    return set(re.findall(r'id="r([0-9a-f-]{36})"', response.content.decode()))


# --- since when ---


def at(day, hour=15):
    return datetime(2026, 11, day, hour, tzinfo=UTC)  # 9 in the morning there


FRIDAY_CLOSE = datetime(2026, 11, 20, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "now", [at(21), at(22), at(23, 7), at(23), datetime(2026, 11, 24, 5, 30, tzinfo=UTC)]
)
def test_from_friday_evening_until_monday_is_over_it_counts_from_fridays_closing_time(site, now):
    assert last_close(site, now) == FRIDAY_CLOSE


def test_holidays_of_the_place_are_no_business_days(site):
    assert last_close(site, at(27)) == datetime(2026, 11, 25, 23, tzinfo=UTC)  # after Thanksgiving
    site.calendar = BusinessCalendar.objects.create(name="Ours", closed_weekdays=[5, 6])
    Holiday.objects.create(calendar=site.calendar, date=datetime(2026, 11, 20).date(), name="Inventory")
    assert last_close(site, at(23)) == datetime(2026, 11, 19, 23, tzinfo=UTC)


def test_a_place_that_never_closes_counts_from_midnight(site):
    site.close_hour = 24
    assert last_close(site, at(24)) == datetime(2026, 11, 24, 6, tzinfo=UTC)


# --- what is counted ---


def test_each_count_opens_exactly_its_tasks(dana_page, dana, since):
    wanted = {
        what: {str(task(dana, since + timedelta(minutes=1), **fields).pk)} for what, fields in KEYS.items()
    }
    for fields in KEYS.values():
        older = {name: value + "9" if name == "dedupe_key" else value for name, value in fields.items()}
        task(dana, since - timedelta(minutes=1), **older)
    task(dana, since + timedelta(minutes=1), title="Nothing of the kind")
    items = strip(dana_page.get(HOME, {"view": "todo"}))
    assert items == {
        "discharges": "1 discharge",
        "denials": "1 denial",
        "replies": "1 reply",
        "failures": "1 failed reminder",
        "escalated": "1 escalated to you",
    }
    for what, keys in wanted.items():
        assert rows(dana_page.get(HOME, {"view": "todo", "new": what})) == keys


def test_an_answer_of_a_provider_and_a_wish_to_move_a_visit_are_replies(dana_page, dana, since):
    keys = ("provider_update:7:read", "reply_rebook:7", "provider_update:7:wait", "provider_update:7:answer")
    for key in keys:
        task(dana, since + timedelta(minutes=1), dedupe_key=key)
    assert strip(dana_page.get(HOME, {"view": "todo"})) == {"replies": "2 replies"}


def test_handed_over_is_what_a_colleague_gave_and_not_what_one_took(dana_page, dana, marcus, since):
    now, day_before = timezone.now(), since - timedelta(days=1)
    lead = make_user(Role.LEAD, site=dana.sites.get())
    given_now = task(marcus, day_before)
    services.reassign_task(task_id=given_now.pk, owner=dana, by=lead, now=now)
    given_before = task(marcus, day_before)
    services.reassign_task(task_id=given_before.pk, owner=dana, by=lead, now=since - timedelta(minutes=1))
    patient = make_patient(site=dana.sites.get())
    same = {"patient": patient, "site": patient.site, "kind": "other", "title": "Call", "owner": dana}
    written = services.open_task(by=marcus, now=now, **same)
    services.open_task(by=dana, now=now, **same)
    services.open_task(by=System("nightly"), now=now, **same)
    assert strip(dana_page.get(HOME, {"view": "todo"})) == {"handed": "2 handed over to you"}
    assert rows(dana_page.get(HOME, {"new": "handed"})) == {str(given_now.pk), str(written.pk)}


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.sampled_from([*KEYS, ""]), st.booleans(), st.booleans()), max_size=6))
def test_the_counts_are_those_of_the_lists_whatever_is_there(made):
    site = make_site(zone=ZONE)
    dana, now = make_user(site=site), at(23)
    since = last_close(site, now)
    for what, is_new, is_waiting in made:
        fields = dict(KEYS.get(what, {}))
        if "dedupe_key" in fields:
            fields["dedupe_key"] += str(uuid7())  # examples share a database
        opened = since + timedelta(minutes=1 if is_new else -1)
        task(dana, opened, waiting_on="The clinic" if is_waiting else "", **fields)
    counts = {one.key: one.text for one in Worklist(dana, Wanted(), now).overnight.items}
    for what in COUNTED:
        total = Worklist(dana, Wanted(new=what), now).total
        assert counts.get(what, "") == (COUNTED[what](total) % {"n": total} if total else "")
    assert set(COUNTED) == set(LABELS)


def test_work_covered_for_counts_and_colleagues_own_does_not(dana_page, dana, marcus, since):
    task(marcus, since + timedelta(minutes=1), kind="discharge_call")
    assert strip(dana_page.get(HOME, {"view": "todo"})) == {}
    make_cover(marcus, dana)
    assert strip(dana_page.get(HOME, {"view": "todo"})) == {"discharges": "1 discharge"}


def test_nothing_new_nothing_shown(dana_page, dana, since):
    task(dana, since - timedelta(minutes=1), kind="discharge_call")
    html = dana_page.get(HOME, {"view": "todo"}).content.decode()
    assert "Since" not in html
    assert re.search(r'<nav id="work-news"[^>]* hidden></nav>', html)


def test_no_strip_over_the_lists_of_others(client, dana, marcus, since, site):
    lead = make_user(Role.LEAD, site=site)
    task(lead, since + timedelta(minutes=1), kind="discharge_call")
    client.force_login(lead)
    assert strip(client.get(HOME, {"view": "todo"}))
    assert not strip(client.get(HOME, {"view": "todo", "owner": "all"}))
    assert not strip(client.get(HOME, {"view": "todo", "owner": str(dana.pk)}))


# --- on the page ---


def test_the_filter_stays_in_the_address_and_a_chip_clears_it(dana_page, dana, since):
    task(dana, since + timedelta(minutes=1), kind="discharge_call")
    task(dana, since - timedelta(days=3), title="Older")
    html = dana_page.get(HOME, {"view": "todo", "new": "discharges"}).content.decode()
    assert "New: discharges" in html
    assert "All tasks, not only what is new" in html
    assert html.count('name="new" value="discharges"') == 2  # the chips and the search for a name keep it
    assert "view=pool&amp;new=discharges" in html
    assert 'aria-current="true">1 discharge' in html
    assert "Older" not in html


def test_the_next_visit_does_not_begin_with_what_was_new(dana_page, dana, since):
    task(dana, since + timedelta(minutes=1), kind="discharge_call")
    dana_page.get(HOME, {"view": "todo", "kind": "discharge_call", "new": "discharges"})
    assert SavedView.objects.get(user=dana, name="").query == "view=todo&kind=discharge_call"


def test_an_unknown_word_in_the_address_narrows_nothing(dana_page, dana, since):
    one = task(dana, since - timedelta(days=3))
    assert rows(dana_page.get(HOME, {"view": "todo", "new": "'; drop"})) == {str(one.pk)}


def test_the_strip_follows_what_is_done_from_the_list(dana_page, dana, since):
    first = task(dana, since + timedelta(minutes=1), kind="discharge_call", due_at=timezone.now())
    task(dana, since + timedelta(minutes=1), kind="discharge_call")
    address = f"{HOME}?view=todo&new=discharges"
    answer = dana_page.post(
        reverse("dashboard:my_work_bulk"),
        {"complete": str(first.pk), "next": address},
        headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{address}"},
    )
    html = answer.content.decode()
    assert Task.objects.get(pk=first.pk).status == "completed"
    assert 'id="work-news" hx-swap-oob="true"' in html
    assert "1 discharge<" in html


def test_the_strip_costs_two_queries(dana, since):
    task(dana, since + timedelta(minutes=1), kind="discharge_call")
    work = Worklist(dana, Wanted(), timezone.now())
    assert (str(work.user.zone), work.covers, len(work.user.site_ids)) == (ZONE, [], 1)
    last_close(dana.site, timezone.now())  # the holidays of a calendar are read once, for everybody
    dana.site.refresh_from_db()
    with CaptureQueriesContext(connection) as seen:
        assert len(work.overnight.items) == 1
    assert len(seen) <= 2


def test_somebody_without_a_place_and_who_only_reads_sees_no_strip(client, site, since):
    nobody = make_user(site=site)
    nobody.sites.clear()
    client.force_login(nobody)
    assert strip(client.get(HOME, {"view": "todo", "new": "discharges"})) == {}
    client.force_login(make_user(Role.PROVIDER, site=site))
    assert strip(client.get(HOME, {"view": "todo"})) == {}
