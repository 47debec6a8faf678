"""When a reminder goes and why none goes: examples by hand, then properties over thousands of invented facts."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.rules.reminders import (
    BEFORE_VISIT,
    Address,
    Decision,
    Hours,
    Ledger,
    Visit,
    choose_address,
    decide,
    limit_reached,
    own_moment,
    plan,
    visit_key,
)
from scheduling.rules.zones import recipient_zones

CHICAGO = "America/Chicago"
NOW = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)  # Wed Nov 18, 1:00 AM in Chicago
MOBILE = Address("sms", "+16125550143", permitted=True)
EMAIL = Address("email", "elena@example.test", permitted=True)
PATIENT = uuid.UUID(int=1)


def local(day: int, hour: int, minute: int = 0, zone: str = CHICAGO, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def visit(**fields: object) -> Visit:
    facts: dict[str, object] = {
        "id": uuid.uuid4(),
        "version": 1,
        "patient_id": PATIENT,
        "site_id": uuid.UUID(int=9),
        "start": local(21, 10, 30),
        "zone": CHICAGO,
        "time_known": True,
        "booked_at": NOW - timedelta(days=30),
        "remindable": True,
        "patient_active": True,
        "addresses": (MOBILE,),
        "recipient_zones": (CHICAGO,),
        "windows": (3, 1),
        "site_zone": CHICAGO,
    }
    return Visit(**(facts | fields))  # type: ignore[arg-type]


def codes(decision: Decision) -> list[str]:
    return [code for code, _facts in decision.steps]


# --- when ---------------------------------------------------------------------------------------------


def test_three_days_and_one_day_before_at_ten_local_time() -> None:
    three, one = plan([visit()], now=NOW)
    assert (three.send_after, one.send_after) == (local(18, 10), local(20, 10))
    assert not three.late
    assert codes(three) == ["visit", "window"]
    assert three.expires_at == local(19, 20)  # the last allowed hour before the day of the next reminder
    assert one.expires_at == local(20, 20)  # 9:00 on the day itself is too near to 10:30


def test_nothing_goes_within_two_hours_of_the_start() -> None:
    """At 8:31 the 1-day reminder of a 10:30 visit is too late; allowed hours only begin at 9 anyway."""
    late = decide(visit(start=local(21, 12)), 1, now=local(21, 8))
    assert late.slots == ((local(21, 9), local(21, 10)),)
    assert late.late
    missed = decide(visit(start=local(21, 10, 30)), 1, now=local(21, 8))
    assert missed.skip_reason == "window_missed"


def test_a_missed_night_catches_up_and_a_window_that_is_past_says_so() -> None:
    """Two nights were missed: on the eve of the visit the 3-day reminder is past, the 1-day one goes."""
    three, one = (decide(visit(), w, now=local(20, 1)) for w in (3, 1))
    assert three.skip_reason == "window_missed"
    assert one.send_after == local(20, 10)
    a_day_late = decide(visit(), 3, now=local(19, 1))
    assert (a_day_late.send_after, a_day_late.late) == (local(19, 9), True)
    assert "late" in codes(a_day_late)


def test_a_late_reminder_never_shares_its_day_with_the_next_one() -> None:
    for hour in range(24):
        three = decide(visit(), 3, now=local(19, hour))
        assert three.skip_reason or three.slots[-1][1] <= local(20, 0)


def test_quiet_hours_are_the_receivers_own() -> None:
    """10:00 in Chicago is 8:00 in Los Angeles: it waits until 9:00 there."""
    west = decide(visit(recipient_zones=("America/Los_Angeles",)), 3, now=NOW)
    assert west.send_after == local(18, 11)
    assert "quiet_hours" in codes(west)


def test_an_unknown_zone_means_the_narrowest_hours_that_are_safe_for_both() -> None:
    both = decide(visit(recipient_zones=(CHICAGO, "Pacific/Honolulu")), 3, now=NOW)
    assert both.slots[0] == (local(18, 13), local(18, 20))  # 9:00 in Honolulu until 20:00 in Chicago


def test_no_common_hours_is_a_window_missed_and_not_an_endless_search() -> None:
    apart = visit(recipient_zones=("America/New_York", "Asia/Tokyo"), hours=Hours(10, 12, 9))
    assert {d.skip_reason for d in plan([apart], now=NOW)} == {"window_missed"}


@pytest.mark.parametrize(("quiet_from", "quiet_until"), [(24, 0), (0, 0), (23, 3), (2, 5)])
def test_the_lawful_hours_hold_whatever_the_site_says(quiet_from: int, quiet_until: int) -> None:
    hours = Hours(10, quiet_from, quiet_until)
    assert not any(hours.allows(hour) for hour in (*range(8), *range(21, 24)))


def test_an_evening_reminder_hour_waits_for_the_morning() -> None:
    evening = decide(visit(hours=Hours(21, 20, 9)), 3, now=NOW)
    assert evening.send_after == local(19, 9)


def test_a_visit_with_a_day_only_is_reminded_of_by_its_day() -> None:
    midnight = visit(start=local(21, 0), time_known=False)
    three, one = plan([midnight], now=NOW)
    assert (three.send_after, one.send_after) == (local(18, 10), local(20, 10))


@pytest.mark.parametrize(
    ("month", "day", "hours_between"),
    [(3, 8, 71), (11, 1, 73), (6, 10, 72)],  # across spring forward, across fall back, neither
)
def test_days_before_are_days_on_the_wall_when_clocks_change(
    month: int, day: int, hours_between: int
) -> None:
    start = local(day + 1, 10, 0, month=month)
    moment = own_moment(visit(start=start), 3)
    assert moment.astimezone(ZoneInfo(CHICAGO)).hour == 10
    assert (start - moment) == timedelta(hours=hours_between)


def test_an_hour_that_the_clocks_skip_moves_on_and_one_that_comes_twice_is_the_first() -> None:
    skipped = own_moment(visit(start=local(9, 15, month=3), hours=Hours(2, 20, 9)), 1)
    assert skipped.astimezone(ZoneInfo(CHICAGO)).hour == 3
    twice = own_moment(visit(start=local(2, 15, month=11), hours=Hours(1, 20, 9)), 1)
    assert twice == datetime(2026, 11, 1, 6, 0, tzinfo=UTC)


# --- why not ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"remindable": False}, "not_remindable_status"),
        ({"patient_active": False}, "patient_deceased_or_inactive"),
        ({"addresses": (replace(MOBILE, permitted=False),)}, "no_permission"),
        ({"addresses": (replace(MOBILE, permitted=False, opted_out=True),)}, "opted_out"),
        ({"addresses": ()}, "no_address"),
        ({"addresses": (replace(MOBILE, hears=False, failing=True),)}, "topic_not_held"),
        ({"addresses": (replace(MOBILE, is_safe=False, failing=True),)}, "safe_contact_hold"),
        ({"addresses": (replace(MOBILE, failing=True),)}, "address_failing"),
        ({"booked_at": NOW + timedelta(hours=10)}, "booked_after_window"),
        ({"safe_contact_hold": True}, "safe_contact_hold"),
        ({"site_on": False}, "site_switched_off"),
        ({"has_text": False}, "template_missing"),
    ],
)
def test_each_reason_by_itself(fields: dict[str, object], reason: str) -> None:
    three = plan([visit(windows=(3,), **fields)], now=NOW)[0]
    assert three.skip_reason == reason
    assert three.steps[-1][0] == "skip"
    assert three.steps[-1][1]["reason"] == reason


ORDER = [
    ("already_in_ledger", {}),
    ("not_remindable_status", {"remindable": False}),
    ("patient_deceased_or_inactive", {"patient_active": False}),
    ("no_permission", {"addresses": (replace(MOBILE, permitted=False, failing=True),)}),
    ("booked_after_window", {"booked_at": NOW + timedelta(days=1)}),
    ("window_missed", {"start": NOW + timedelta(hours=1)}),
    ("duplicate_same_day_merged", {}),
    ("daily_limit", {}),
    ("safe_contact_hold", {"safe_contact_hold": True}),
    ("site_switched_off", {"site_on": False}),
    ("template_missing", {"has_text": False}),
]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_of_several_reasons_the_first_in_the_order_of_the_rules_is_given(first: int) -> None:
    """With every reason from the n-th on in force, the n-th is the answer."""
    applying = dict(ORDER[first:])
    fields: dict[str, object] = {"windows": (3,)}
    for more in applying.values():
        fields |= more
    one = visit(**fields)
    ledger = Ledger(
        settled=frozenset({visit_key(one.id, 1, 3)}) if "already_in_ledger" in applying else frozenset(),
        told=frozenset({(PATIENT, one.day, 3)}) if "duplicate_same_day_merged" in applying else frozenset(),
        sent={MOBILE.value: [local(18, 12)]} if "daily_limit" in applying else {},
    )
    assert plan([one], now=NOW, ledger=ledger)[0].skip_reason == ORDER[first][0]


def test_texts_come_before_mails_and_a_number_that_fails_gives_way() -> None:
    assert choose_address((EMAIL, MOBILE))[0] == MOBILE
    assert choose_address((replace(MOBILE, failing=True), EMAIL))[0] == EMAIL
    assert choose_address((replace(MOBILE, hears=False), EMAIL))[0] == EMAIL
    assert choose_address((replace(MOBILE, is_safe=False), EMAIL))[0] == EMAIL
    assert choose_address((replace(MOBILE, opted_out=True), replace(EMAIL, permitted=False))) == (
        None,
        "opted_out",
    )


# --- several visits -----------------------------------------------------------------------------------


def test_two_visits_on_one_day_are_one_message_that_names_both() -> None:
    early, late = visit(), visit(start=local(21, 14))
    decisions = plan([late, early], now=NOW)
    going = [d for d in decisions if not d.skip_reason]
    assert [(d.visit.id, d.window, [v.id for v in d.also]) for d in going] == [
        (early.id, 3, [late.id]),
        (early.id, 1, [late.id]),
    ]
    assert Counter(d.skip_reason for d in decisions if d.skip_reason) == {"duplicate_same_day_merged": 2}


def test_the_same_day_is_the_local_day_of_the_place() -> None:
    """11 PM and 1 AM are two days in Chicago though one in UTC."""
    first, second = visit(start=local(20, 23), windows=(1,)), visit(start=local(21, 1), windows=(1,))
    assert [d.skip_reason for d in plan([first, second], now=NOW)] == ["", ""]


def test_a_visit_that_gets_no_message_does_not_silence_the_other_one() -> None:
    booked_late = visit(booked_at=NOW + timedelta(hours=10), windows=(3,))
    other = visit(start=local(21, 14), windows=(3,))
    reasons = {d.visit.id: d.skip_reason for d in plan([booked_late, other], now=NOW)}
    assert reasons == {booked_late.id: "booked_after_window", other.id: ""}


def test_a_family_with_one_phone_gets_one_message_a_day() -> None:
    sister = visit(patient_id=uuid.UUID(int=2), start=local(21, 9), windows=(3,))
    decisions = plan([visit(windows=(3,)), sister], now=NOW)
    assert sorted(d.skip_reason for d in decisions) == ["", "daily_limit"]


def test_three_messages_in_any_seven_days() -> None:
    day = date(2026, 11, 18)
    sent = [day - timedelta(days=n) for n in (2, 4, 6)]
    assert limit_reached(day, sent) == "weekly_limit"
    assert limit_reached(day + timedelta(days=1), sent) == ""
    ahead = [day + timedelta(days=n) for n in (1, 3, 5)]
    assert limit_reached(day, ahead) == "weekly_limit"


def test_the_unsent_do_not_use_up_the_limit() -> None:
    switched_off = visit(site_on=False, windows=(3,))
    other = visit(patient_id=uuid.UUID(int=2), start=local(21, 15), windows=(3,))
    assert [d.skip_reason for d in plan([switched_off, other], now=NOW)] == ["site_switched_off", ""]


# --- properties ---------------------------------------------------------------------------------------

ZONES = [
    CHICAGO,
    "America/New_York",
    "America/Los_Angeles",
    "Pacific/Honolulu",
    "America/Sao_Paulo",
    "Asia/Kolkata",
]
moments = st.datetimes(
    datetime(2026, 1, 1),
    datetime(2028, 12, 31),
    timezones=st.just(UTC),
    allow_imaginary=False,
)
addresses = st.lists(
    st.builds(
        Address,
        channel=st.sampled_from(["sms", "email"]),
        value=st.sampled_from(["+16125550143", "+16125550144", "a@example.test"]),
        permitted=st.sampled_from([True, True, True, False]),
        opted_out=st.sampled_from([False, False, False, True]),
        failing=st.sampled_from([False, False, False, True]),
    ),
    max_size=3,
).map(tuple)
hours = st.builds(Hours, st.integers(0, 23), st.integers(0, 24), st.integers(0, 23))
usual_hours = st.one_of(st.just(Hours()), hours)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Visit], datetime]:
    now = draw(moments)
    visits = []
    for n in range(draw(st.integers(1, 8))):
        zone = draw(st.sampled_from(ZONES))
        visits.append(
            visit(
                id=uuid.UUID(int=n + 1),
                patient_id=uuid.UUID(int=draw(st.integers(1, 3))),
                start=now + timedelta(minutes=draw(st.integers(1, 6 * 24 * 60))),
                zone=zone,
                site_zone=zone,
                booked_at=now - timedelta(minutes=draw(st.integers(0, 10 * 24 * 60))),
                addresses=draw(addresses),
                recipient_zones=tuple(
                    draw(st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True))
                ),
                windows=draw(st.sampled_from([(3, 1), (1,), (7, 2), (5, 3, 1)])),
                hours=draw(usual_hours),
                remindable=draw(st.sampled_from([True, True, False])),
            )
        )
    return visits, now


@given(situations())
@settings(max_examples=300, deadline=None)
def test_whatever_the_facts_every_promise_holds(situation: tuple[list[Visit], datetime]) -> None:
    visits, now = situation
    decisions = plan(visits, now=now)
    keys = Counter(visit_key(d.visit.id, d.visit.version, d.window) for d in decisions)
    assert set(keys.values()) <= {1}
    assert len(keys) == sum(len(v.windows) for v in visits)
    days: dict[str, Counter[date]] = {}
    for decision in decisions:
        if decision.skip_reason:
            assert not decision.slots
            continue
        assert_lawful(decision, now)
        assert decision.address is not None
        day = decision.send_after.astimezone(ZoneInfo(decision.visit.recipient_zones[0])).date()
        days.setdefault(decision.address.value, Counter())[day] += 1
    for address, counted in days.items():
        zones = {d.visit.recipient_zones[0] for d in decisions if d.address and d.address.value == address}
        if len(zones) == 1:  # the days of one person are one calendar
            assert max(counted.values()) == 1
            for first in counted:
                assert sum(n for d, n in counted.items() if first <= d < first + timedelta(days=7)) <= 3


def assert_lawful(decision: Decision, now: datetime) -> None:
    """Never in quiet hours of any zone, never after two hours before the start, never before now or its window."""
    seen = decision.visit
    assert decision.send_after == decision.slots[0][0] >= max(now, own_moment(seen, decision.window))
    for opens, closes in decision.slots:
        assert opens < closes <= seen.start - BEFORE_VISIT
        moment = opens
        while moment < closes:
            for zone in seen.recipient_zones:
                hour = moment.astimezone(ZoneInfo(zone)).hour
                assert 8 <= hour < 21
                assert seen.hours.allows(hour)
            moment += timedelta(minutes=15)


@given(situations())
@settings(max_examples=200, deadline=None)
def test_planning_again_decides_nothing_new(situation: tuple[list[Visit], datetime]) -> None:
    """What was decided is in the ledger; the next run sends nothing more, at once or a day later."""
    visits, now = situation
    first = plan(visits, now=now)
    backwards = plan(list(reversed(visits)), now=now)
    assert {d.key: d.skip_reason for d in first} == {d.key: d.skip_reason for d in backwards}
    ledger = ledger_of(first)
    again = plan(visits, now=now, ledger=ledger)
    assert not [d for d in again if not d.skip_reason]


def test_two_who_share_a_number_in_two_zones_are_limited_alike_on_every_run() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    common: dict[str, object] = {"patient_id": PATIENT, "booked_at": now}
    visits = [
        visit(id=uuid.UUID(int=1), start=datetime(2026, 1, 3, 6, tzinfo=UTC), **common),
        visit(
            id=uuid.UUID(int=2),
            start=datetime(2026, 1, 2, 6, tzinfo=UTC),
            recipient_zones=("Asia/Kolkata",),
            **common,
        ),
    ]
    again = plan(visits, now=now, ledger=ledger_of(plan(visits, now=now)))
    assert not [d for d in again if not d.skip_reason]


def ledger_of(decisions: list[Decision]) -> Ledger:
    going = [d for d in decisions if not d.skip_reason]
    sent: dict[str, list[datetime]] = {}
    for decision in going:
        assert decision.address is not None
        sent.setdefault(decision.address.value, []).append(decision.send_after)
    return Ledger(
        settled=frozenset(visit_key(d.visit.id, d.visit.version, d.window) for d in going),
        told=frozenset((d.visit.patient_id, d.visit.day, d.window) for d in going),
        sent=sent,
    )


@given(st.sampled_from(ZONES), st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)))
@settings(max_examples=300, deadline=None)
def test_the_reminder_hour_is_on_the_wall_on_every_day_of_three_years(zone: str, naive: datetime) -> None:
    start = naive.replace(hour=15, minute=0, second=0, microsecond=0, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    moment = own_moment(visit(start=start, zone=zone, site_zone=zone), 1).astimezone(ZoneInfo(zone))
    assert moment.hour == 10
    assert (start.astimezone(ZoneInfo(zone)).date() - moment.date()).days == 1


# --- zones --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "site", "state", "zones"),
    [
        ("America/Denver", CHICAGO, "CA", ("America/Denver",)),
        ("", CHICAGO, "", (CHICAGO,)),
        ("", CHICAGO, "MN", (CHICAGO,)),
        ("", CHICAGO, "Massachusetts", (CHICAGO, "America/New_York")),
        ("", CHICAGO, "az", (CHICAGO, "America/Phoenix", "America/Denver")),
        ("Nowhere/Land", "America/Sao_Paulo", "ES", ("America/Sao_Paulo",)),
    ],
)
def test_zones_a_receiver_may_be_in(own: str, site: str, state: str, zones: tuple[str, ...]) -> None:
    assert recipient_zones(own, site, state) == zones
