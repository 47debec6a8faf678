"""What ships: every line of the register computes, says where it comes from, and is loaded once."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.db.utils import ProgrammingError
from django.test.utils import CaptureQueriesContext

from coordinator.audit.models import AuditEvent
from coordinator.clocks import calendars, rules, selectors, sync
from coordinator.clocks.models import BusinessCalendar, ClockEvent, Holiday, Rule, RuleVersion
from coordinator.clocks.register import REGISTER, Entry, Version
from coordinator.clocks.rules import Kind
from coordinator.clocks.tests.factories import CHICAGO, TESTER, federal, local, make_clock
from coordinator.tests.factories import make_user

pytestmark = pytest.mark.django_db
NOW = local(CHICAGO, 2026, 11, 20, 12)
EVERY_VERSION = [(e, n, v) for e in REGISTER for n, v in enumerate(e.versions, 1)]


@pytest.mark.parametrize(("entry", "number", "version"), EVERY_VERSION, ids=lambda x: getattr(x, "key", None))
def test_every_shipped_version_reads_names_its_source_and_computes(entry, number, version):
    terms = rules.Terms.read(kind=version.kind, params=version.params, key=entry.key, version=number)
    assert version.source
    assert "[verify]" not in version.source
    if version.kind is Kind.NO_DEADLINE:
        return
    anchor = local("America/New_York", 2026, 11, 23, 11)
    explanation = rules.explain(terms, anchor, "America/New_York", federal(), on=date(2026, 12, 1))
    assert explanation.due_at > anchor


def test_keys_are_unique_and_what_is_still_to_be_checked_is_not_called_verified():
    keys = [entry.key for entry in REGISTER]
    assert len(keys) == len(set(keys))
    for entry in REGISTER:
        for version in entry.versions:
            doubt = any(
                word in version.source
                for word in ("still to be checked", "Still to be checked", "not compared")
            )
            assert not (doubt and version.verified), entry.key


def test_no_deadline_of_a_payer_can_be_held():
    for entry in REGISTER:
        if entry.key.startswith(("prior_auth.", "tcm.", "appeal.")):
            assert not any(version.more.get("can_hold") for version in entry.versions)


def test_the_database_holds_what_ships():
    assert Rule.objects.count() == len(REGISTER)
    assert RuleVersion.objects.count() == len(EVERY_VERSION)
    federal_calendar = selectors.federal_calendar()
    assert (federal_calendar.version, federal_calendar.closed_weekdays) == (1, [5, 6])
    days = dict(federal_calendar.holidays.values_list("date", "name"))
    assert days[date(2026, 7, 3)] == "Independence Day (observed)"
    assert {day.year for day in days} == set(range(2015, 2036))
    assert date(2026, 11, 27) not in days


def test_loading_again_changes_nothing():
    with CaptureQueriesContext(connection) as captured:
        report = sync.sync_register()
    assert report == sync.SyncReport()
    assert len([q for q in captured.captured_queries if "SAVEPOINT" not in q["sql"]]) <= 4


def test_a_new_version_is_added_after_its_predecessor_got_its_last_day():
    first = Version(Kind.CALENDAR_DAYS, 5, source="Old law.")
    sync.sync_register([Entry("demo.rule", "Demo", "Demo", (first,))])
    ended = Version(Kind.CALENDAR_DAYS, 5, source="Old law.", until=date(2026, 12, 31))
    second = Version(Kind.CALENDAR_DAYS, 3, source="New law.", since=date(2027, 1, 1))
    report = sync.sync_register([Entry("demo.rule", "Demo", "Demo", (ended, second))])
    assert (report.rules, report.versions, report.ended) == (0, 1, 1)
    assert selectors.rule_in_force("demo.rule", date(2026, 12, 31)).params == {"amount": 5}
    assert selectors.rule_in_force("demo.rule", date(2027, 1, 1)).params == {"amount": 3}


def test_a_rule_with_versions_of_the_clinic_is_left_alone():
    rule = Rule.objects.get(key="no_show.follow_up")
    rule.versions.update(effective_to=date(2026, 12, 31))
    RuleVersion.objects.create(
        rule=rule,
        version=2,
        effective_from=date(2027, 1, 1),
        kind=Kind.BUSINESS_DAYS,
        params={"amount": 2},
        source="Our own decision.",
        approved_by="Compliance lead",
    )
    report = sync.sync_register()
    assert report.left_alone == ["no_show.follow_up"]
    assert rule.versions.count() == 2


def test_two_versions_of_a_rule_never_overlap():
    rule = Rule.objects.get(key="tcm.contact")
    with pytest.raises(IntegrityError, match="rule_versions_never_overlap"), transaction.atomic():
        RuleVersion.objects.create(
            rule=rule,
            version=2,
            effective_from=date(2027, 1, 1),
            kind=Kind.BUSINESS_DAYS,
            params={"amount": 1},
            source="Test.",
        )


def test_a_version_of_an_unknown_kind_is_refused_by_the_database():
    rule = Rule.objects.create(key="demo.rule", title="Demo", area="Demo")
    with pytest.raises(IntegrityError, match="rule_version_kind"), transaction.atomic():
        RuleVersion.objects.create(
            rule=rule, version=1, effective_from=date(2027, 1, 1), kind="moons", source="Test."
        )


def test_what_a_version_says_cannot_be_changed_but_its_approval_can():
    version = RuleVersion.objects.filter(rule__key="tcm.contact")
    with pytest.raises(ProgrammingError, match="adding a version"), transaction.atomic():
        version.update(params={"amount": 3})
    assert version.update(approved_by="Compliance lead", approved_at=NOW, verified=True) == 1


def test_what_happened_to_a_clock_cannot_be_rewritten():
    make_clock()
    for statement in ("update clocks_clockevent set reason = 'x'", "delete from clocks_clockevent"):
        with (
            pytest.raises(ProgrammingError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert ClockEvent.objects.count() == 1


def test_after_a_half_way_migration_the_register_is_not_touched():
    class NoSuchModels:
        def get_model(self, label):
            raise LookupError(label)

    RuleVersion.objects.filter(rule__key="tcm.contact").delete()
    sync.load_after_migrate(sender=None, apps=NoSuchModels(), using="default")
    sync.load_after_migrate(sender=None, apps=None, using="other")
    assert not RuleVersion.objects.filter(rule__key="tcm.contact").exists()


def test_a_site_calendar_starts_as_a_copy_and_goes_its_own_way():
    manager = make_user("manager")
    source = selectors.federal_calendar()
    own = calendars.copy_calendar(source_id=source.pk, name="Northgate", zone=CHICAGO, by=manager, now=NOW)
    assert own.holidays.count() == source.holidays.count()
    calendars.change_holidays(
        calendar_id=own.pk,
        add={date(2026, 11, 27): "Day after Thanksgiving", date(2026, 12, 25): "Christmas"},
        remove=[date(2026, 10, 12)],
        by=manager,
        now=NOW,
    )
    own.refresh_from_db()
    days = selectors.as_calendar(own)
    assert (own.version, days.version) == (2, "2")
    assert not days.is_open(date(2026, 11, 27))
    assert days.is_open(date(2026, 10, 12))
    assert days.holidays[date(2026, 12, 25)] == "Christmas"
    assert not selectors.as_calendar(source).is_open(date(2026, 10, 12))
    assert AuditEvent.objects.filter(entity_id=str(own.pk)).count() == 2


def test_only_those_who_manage_settings_change_calendars():
    source = selectors.federal_calendar()
    with pytest.raises(PermissionDenied):
        calendars.copy_calendar(source_id=source.pk, name="Mine", zone=CHICAGO, by=make_user(), now=NOW)
    with pytest.raises(PermissionDenied):
        calendars.change_holidays(calendar_id=source.pk, add={}, remove=[], by=make_user(), now=NOW)


def test_a_calendar_name_is_taken_only_once():
    from coordinator.db import Conflict

    source = selectors.federal_calendar()
    with pytest.raises(Conflict):
        calendars.copy_calendar(source_id=source.pk, name=source.name, zone=CHICAGO, by=TESTER, now=NOW)


def test_a_holiday_stands_once_in_a_calendar():
    federal_calendar = BusinessCalendar.objects.get()
    with pytest.raises(IntegrityError, match="holiday_once"), transaction.atomic():
        Holiday.objects.create(calendar=federal_calendar, date=date(2026, 12, 25), name="Again")
