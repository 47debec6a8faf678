"""Reads: constant queries, the walls between sites, the register on a day."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from coordinator.clocks import selectors, services
from coordinator.clocks.models import Clock
from coordinator.clocks.tests.factories import CHICAGO, TESTER, local, make_clock
from coordinator.tests.factories import make_site, make_user

pytestmark = pytest.mark.django_db
NOW = local(CHICAGO, 2026, 11, 20, 17)


@pytest.mark.parametrize("count", [1, 20])
def test_clocks_of_many_records_take_one_query(count):
    sites = [make_site() for _ in range(count)]
    for site in sites:
        make_clock(subject=site)
        make_clock(subject=site, kind="tcm.visit_7")
    with CaptureQueriesContext(connection) as captured:
        found = selectors.clocks_for(sites)
        words = [clock.rule_version.rule.title for clocks in found.values() for clock in clocks]
    assert len(captured) == 1
    assert len(words) == 2 * count
    assert [clock.kind for clock in found[sites[0].pk]] == ["tcm.contact", "tcm.visit_7"]


def test_clocks_of_no_records_take_no_query_and_void_ones_are_left_out():
    clock = make_clock()
    services.void_clock(clock_id=clock.pk, reason="Cancelled", by=TESTER, now=NOW)
    site = make_site()
    with CaptureQueriesContext(connection) as captured:
        assert selectors.clocks_for([]) == {}
    assert len(captured) == 0
    assert selectors.clocks_for([site]) == {site.pk: []}


def test_records_of_different_models_are_asked_for_together():
    site = make_site()
    clock = make_clock(subject=site)
    other = make_clock(subject=clock, kind="contact.again")
    found = selectors.clocks_for([site, clock])
    assert [c.pk for c in found[site.pk]] == [clock.pk]
    assert [c.pk for c in found[clock.pk]] == [other.pk]


def test_someone_from_another_site_finds_nothing():
    here, there = make_site(), make_site()
    clock = make_clock(site_id=here.pk)
    make_clock()
    assert list(Clock.objects.visible_to(make_user(site=here))) == [clock]
    assert not Clock.objects.visible_to(make_user(site=there)).exists()


def test_due_soon_and_past_due_are_told_by_whole_seconds():
    clock = make_clock()
    last = clock.due_at
    assert Clock.objects.due_within(24, local(CHICAGO, 2026, 11, 24, 8)).get() == clock
    assert not Clock.objects.past_due(last.replace(microsecond=999_999)).exists()
    assert not clock.is_past_due(last.replace(microsecond=999_999))
    after = local(CHICAGO, 2026, 11, 25, 0)
    assert Clock.objects.past_due(after).get() == clock
    assert clock.is_past_due(after)


def test_the_register_shows_each_rule_once_as_it_stands_that_day():
    with CaptureQueriesContext(connection) as captured:
        today = selectors.register(date(2026, 11, 20))
        keys = [version.rule.key for version in today]
        assert [version.calendar.name for version in today if version.calendar]
    assert len(captured) == 1
    assert len(keys) == len(set(keys))
    before = {v.rule.key: v.version for v in selectors.register(date(2025, 12, 31))}
    after = {v.rule.key: v.version for v in today}
    key = "prior_auth.medicare_advantage.standard"
    assert (before[key], after[key]) == (1, 2)
    assert [v.version for v in selectors.history(key)] == [2, 1]


def test_a_site_without_a_calendar_of_its_own_keeps_the_federal_one():
    federal = selectors.federal_calendar()
    assert selectors.calendar_for(make_site(calendar=None)) == federal
    assert selectors.calendar_for(None) == federal
