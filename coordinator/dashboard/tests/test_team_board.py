"""The team board: figures counted by hand, the list behind each, other places left out, and what it costs."""

from __future__ import annotations

import contextlib
import csv
import html
import io
import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg2
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from careplans.models import ContactAttempt, Task
from careplans.tests.factories import make_task
from coordinator.accounts.roles import PERMISSIONS, Role
from coordinator.audit.models import AuditEvent
from coordinator.clocks.services import meet_clock, start_clock
from coordinator.dashboard.models import CaseloadSnapshot, CaseloadStat
from coordinator.dashboard.nightly import run_night
from coordinator.dashboard.team_figures import Ask, read_board
from coordinator.dashboard.team_lists import read_list
from coordinator.dashboard.team_measures import MEASURES
from coordinator.dashboard.team_rollup import FRESH_FOR, figures_of, keep_snapshot
from coordinator.tests.factories import make_site, make_team, make_user
from coordinator.workflow import System
from patients.models import Patient
from patients.tests.factories import make_patient
from referrals.tests.factories import make_referral
from scheduling.tests.factories import make_appointment

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 18, 10, 24, tzinfo=ZONE)
DAY = timedelta(days=1)
BOARD = reverse("dashboard:team_board")


@pytest.fixture
def site():
    return make_site(name="Riverbend", zone="America/Chicago")


@pytest.fixture
def manager(site):
    return make_user(Role.MANAGER, site=site, name="Beth Sorensen")


@pytest.fixture
def luz(site):
    return make_user(site=site, name="Luz Herrera")


@pytest.fixture
def marcus(site):
    return make_user(site=site, name="Marcus Oyelaran")


@pytest.fixture
def clinic(site, luz, marcus):
    """Two caseloads small enough to count by hand, some of nobody's, and the same again at another place."""
    fill(site, luz, marcus)
    elsewhere = make_site(name="Southgate")
    fill(elsewhere, make_user(site=elsewhere), make_user(site=elsewhere))


@transaction.atomic
def fill(site, luz, marcus):
    patients = [make_patient(site=site, coordinator=luz, tier=tier) for tier in (1, 2, 3, 4, 4)]
    other = make_patient(site=site, coordinator=marcus, tier=2)
    make_patient(site=site, tier=1)  # nobody's
    make_patient(site=site, coordinator=luz, tier=4, status="transferred")
    Patient.objects.filter(site=site).update(created_at=NOW - 400 * DAY)
    # Reached: the rising one 30 days ago (due), one intensive 6 days ago (not yet), the other only tried (due).
    for patient, days, outcome in (
        (patients[1], 30, True),
        (patients[3], 6, True),
        (patients[4], 1, False),
        (other, 3, True),
    ):
        ContactAttempt.objects.create(
            patient=patient,
            outcome="reached_done" if outcome else "no_answer",
            reached=outcome,
            at=NOW - days * DAY,
        )
    old = {"opened_at": NOW - 20 * DAY}
    make_task(patients[0], owner=luz, due_at=NOW - DAY, **old)
    make_task(patients[0], owner=luz, due_at=NOW - 9 * DAY, kind="paperwork", **old)
    make_task(patients[1], owner=luz, due_at=NOW + DAY, **old)
    make_task(patients[1], owner=luz, due_at=NOW - DAY, status="on_hold", wake_at=NOW + DAY, **old)
    make_task(patients[2], owner=luz, due_at=NOW - DAY, status="completed", ended_at=NOW, **old)
    make_task(other, owner=marcus, **old)
    make_task(other, team=make_team(site), due_at=NOW - 4 * DAY, **old)
    make_appointment(patients[0], start=NOW + 2 * DAY)
    make_appointment(patients[1], start=NOW + 7 * DAY)
    make_appointment(patients[2], start=NOW + 8 * DAY)
    make_appointment(patients[2], start=NOW + DAY, status="cancelled", cancelled_by="patient")
    make_appointment(patients[0], start=NOW - 3 * DAY, status="no_show")
    make_appointment(other, start=NOW - 20 * DAY, status="no_show")
    make_appointment(other, start=NOW - 80 * DAY, status="no_show")
    make_referral(patients[0], owner=luz, status="sent", due_at=NOW - DAY)
    make_referral(patients[1], owner=luz, status="sent", due_at=NOW + DAY)
    make_referral(patients[2], owner=luz, status="completed", due_at=NOW - DAY, loop_closed_at=NOW,
                  reviewed_at=NOW, patient_told_at=NOW)  # fmt: skip
    _clocks(site, luz, patients[0])


def _clocks(site, luz, patient):
    """One that ends tomorrow morning, one passed yesterday, one met late, one met in time."""
    for discharged, met_on in (
        (date(2026, 11, 16), None),
        (date(2026, 11, 13), None),
        (date(2026, 11, 12), 17),
        (date(2026, 11, 10), 11),
    ):
        task = make_task(
            patient,
            owner=luz,
            due_at=NOW + 30 * DAY,
            opened_at=NOW - 20 * DAY,
            status="completed",
            ended_at=NOW,
        )
        clock = start_clock(
            subject=task, kind="tcm.contact", anchor_at=discharged, zone=site.zone, calendar=site.calendar,
            site_id=site.pk, owner_id=luz.pk, by=System("test"), now=NOW - 9 * DAY,
        )  # fmt: skip
        if met_on:
            at = datetime(2026, 11, met_on, 9, tzinfo=ZONE)
            meet_clock(clock_id=clock.pk, by=System("test"), now=at)
        Task.objects.filter(pk=task.pk).update(clock=clock)


def figures(manager, **ask):
    board = read_board(manager, Ask(**ask), now=NOW)
    return board, {
        line.user.name if line.user else None: {c.key: c.value for c in line.cells} for line in board.lines
    }


def test_every_figure_is_what_one_counts_by_hand(clinic, manager):
    board, lines = figures(manager, days=7)
    assert lines["Luz Herrera"] == {
        "active": 5, "high": 3, "load": 1 + 2 + 4 + 6 + 6, "open": 4, "overdue": 2, "contacts": 4, "visits": 2,
        "no_shows": 1, "risk": 1,
    }  # fmt: skip
    assert lines["Marcus Oyelaran"] == {
        "active": 1, "high": 0, "load": 2, "open": 1, "overdue": 0, "contacts": 0, "visits": 0, "no_shows": 0, "risk": 0,
    }  # fmt: skip
    assert lines[None] == {
        "active": 1, "high": 0, "load": 1, "open": 1, "overdue": 1, "contacts": 1, "visits": 0, "no_shows": 0, "risk": 0,
    }  # fmt: skip
    assert {kpi.measure.key: kpi.value for kpi in board.kpis} == {
        "active": 7, "overdue": 3, "contacts": 5, "referrals": 1, "no_shows": 1, "passed": 2,
    }  # fmt: skip


@pytest.mark.parametrize(("days", "number"), [(7, 1), (30, 2), (90, 3)])
def test_the_period_counts_local_days_back_from_today(clinic, manager, days, number):
    board, _lines = figures(manager, days=days)
    assert next(kpi.value for kpi in board.kpis if kpi.measure.key == "no_shows") == number


def test_another_place_is_absent(clinic, manager):
    stranger = make_user(Role.MANAGER, name="Elsewhere")
    board, lines = figures(stranger)
    assert lines == {}
    assert all(kpi.value == 0 for kpi in board.kpis)
    _board, own = figures(manager)
    assert set(own) == {"Luz Herrera", "Marcus Oyelaran", None}


def test_the_number_is_the_number_of_rows_for_every_figure_owner_and_period(clinic, manager):
    for days in (7, 30, 90):
        board = read_board(manager, Ask(days=days), now=NOW)
        for line in board.lines:
            for cell in line.cells:
                owner = str(line.user.pk) if line.user else "none"
                behind = read_list(manager, cell.key, {"period": str(days), "owner": owner}, now=NOW)
                rows = list(behind.rows)
                shown = (
                    sum(MEASURES["load"] and {1: 1, 2: 2, 3: 4, 4: 6}[p.tier] for p in rows)
                    if cell.key == "load"
                    else len(rows)
                )
                assert cell.value == behind.number == shown, (cell.key, owner, days)
        for kpi in board.kpis:
            assert kpi.value == read_list(manager, kpi.measure.key, {"period": str(days)}, now=NOW).number


def test_every_number_on_the_page_leads_to_a_list_with_that_many_rows(client, clinic, manager):
    client.force_login(manager)
    page = client.get(BOARD).content.decode()
    links = set(re.findall(r'href="(/team/list/[^"]+)"[^>]*>(?:<strong>)?(\d+)', page))
    assert len(links) > 30
    for address, number in links:
        answer = client.get(html.unescape(address))
        assert answer.status_code == 200, address
        assert answer.context["behind"].number == int(number), address
        if "/load/" not in address:
            assert answer.content.decode().count("<tr data-row>") == int(number), address


def test_a_list_says_when_the_board_showed_another_number(client, clinic, manager, luz):
    client.force_login(manager)
    client.get(BOARD)
    make_patient(site=manager.sites.get(), coordinator=luz)
    page = client.get(reverse("dashboard:team_list", args=["active"])).content.decode()
    assert "The board showed 7 at" in page


@pytest.mark.parametrize("role", Role.values)
def test_only_those_who_lead_see_the_board(client, site, role):
    client.force_login(make_user(role, site=site))
    wanted = 200 if "team.view" in PERMISSIONS[role] else 403
    for address in (BOARD, reverse("dashboard:team_list", args=["overdue"])):
        assert client.get(address).status_code == wanted


def test_a_colleague_of_another_place_or_an_unknown_figure_is_not_found(client, clinic, manager):
    client.force_login(manager)
    stranger = make_user()
    overdue = reverse("dashboard:team_list", args=["overdue"])
    assert client.get(overdue, {"owner": stranger.pk}).status_code == 404
    assert client.get(overdue, {"owner": "x'"}).status_code == 404
    assert client.get(reverse("dashboard:team_list", args=["nothing"])).status_code == 404


def test_a_manager_without_a_site_is_told_so(client):
    client.force_login(make_user(Role.MANAGER, sites=[]))
    answer = client.get(BOARD)
    assert answer.status_code == 200
    assert "You do not work at any site yet" in answer.content.decode()
    assert client.get(reverse("dashboard:team_list", args=["overdue"])).status_code == 200


def test_a_place_without_coordinators_or_work_says_so(client):
    client.force_login(make_user(Role.MANAGER))
    page = client.get(BOARD).content.decode()
    assert "Nobody has a caseload here yet" in page
    assert "No task was opened or closed in 8 weeks" in page
    assert "Nothing is overdue" in page


def test_strange_words_in_the_address_count_as_the_defaults(client, clinic, manager):
    client.force_login(manager)
    answer = client.get(BOARD, {"period": "²", "site": "x", "sort": "password"})
    assert answer.status_code == 200
    assert answer.context["ask"] == Ask(site="x")


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("name", "Luz Herrera"),
        ("-name", "Marcus Oyelaran"),
        ("-load", "Luz Herrera"),
        ("load", "Marcus Oyelaran"),
    ],
)
def test_the_table_sorts_by_any_column_and_what_is_nobodys_stands_last(clinic, manager, sort, first):
    board, _lines = figures(manager, sort=sort)
    assert board.lines[0].user.name == first
    assert board.lines[-1].user is None


def test_the_load_is_amber_from_150_and_red_from_200(site, manager, luz):
    for tier, count, band in ((4, 24, ""), (4, 1, "warn"), (4, 8, "warn"), (2, 1, "danger")):
        for _each in range(count):
            make_patient(site=site, coordinator=luz, tier=tier)
        CaseloadStat.objects.all().delete()
        board, _lines = figures(manager)
        assert board.lines[0].band == band


# --- what it costs ---------------------------------------------------------------------------------------------


def queries_of(client, address):
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_the_board_costs_the_same_for_one_coordinator_and_for_twenty(client, site, manager):
    client.force_login(manager)
    make_patient(site=site, coordinator=make_user(site=site))
    client.get(BOARD)
    few = queries_of(client, BOARD)
    for _each in range(20):
        make_patient(site=site, coordinator=make_user(site=site))
    CaseloadStat.objects.all().delete()
    client.get(BOARD)
    assert queries_of(client, BOARD) == few <= 9


@pytest.mark.parametrize("key", [*MEASURES, "opened", "closed"])
def test_a_list_costs_the_same_for_a_few_rows_and_for_many(client, site, luz, marcus, manager, key):
    client.force_login(manager)
    fill(site, luz, marcus)
    address = reverse("dashboard:team_list", args=[key]) + "?period=90"
    client.get(address)
    few = queries_of(client, address)
    fill(site, luz, make_user(site=site))
    assert queries_of(client, address) == few


def test_figures_younger_than_a_minute_are_not_computed_again(clinic, site):
    sites = {site.pk: site.zone}
    first = figures_of(sites, now=NOW)
    with CaptureQueriesContext(connection) as queries:
        again = figures_of(sites, now=NOW + FRESH_FOR)
    assert len(queries) == 1
    assert {row.computed_at for row in again} == {row.computed_at for row in first} == {NOW}
    later = figures_of(sites, now=NOW + FRESH_FOR + timedelta(seconds=1))
    assert {row.computed_at for row in later} == {NOW + FRESH_FOR + timedelta(seconds=1)}


def test_who_has_left_and_has_nothing_any_more_leaves_the_board(site, manager, luz):
    patient = make_patient(site=site, coordinator=luz)
    figures(manager)
    luz.is_active = False
    luz.save()
    CaseloadStat.objects.update(computed_at=NOW - DAY)
    board, lines = figures(manager)
    assert lines["Luz Herrera"]["active"] == 1
    assert board.lines[0].left
    Patient.objects.filter(pk=patient.pk).update(coordinator=None)
    CaseloadStat.objects.update(computed_at=NOW - DAY)
    assert set(figures(manager)[1]) == {None}


@pytest.mark.django_db(transaction=True)
def test_when_somebody_else_is_computing_the_old_figures_are_shown_at_once(clinic, site, transactional_other):
    sites = {site.pk: site.zone}
    figures_of(sites, now=NOW)
    with transactional_other as other:
        other.execute("begin")
        other.execute("select pg_advisory_xact_lock(20, 1)")
        rows = figures_of(sites, now=NOW + 10 * FRESH_FOR)
        other.execute("rollback")
    assert {row.computed_at for row in rows} == {NOW}


@pytest.fixture
def transactional_other():
    """A second connection to the same database."""
    settings = connection.get_connection_params()
    settings.pop("cursor_factory", None)
    settings.pop("context", None)

    @contextlib.contextmanager
    def opened():
        with contextlib.closing(psycopg2.connect(**settings)) as other:
            other.autocommit = True
            yield other.cursor()

    return opened()


# --- days -----------------------------------------------------------------------------------------------------


def test_a_contact_is_due_on_the_local_day_whatever_the_hour(site, manager, luz):
    """Tier high is 14 days: reached at 11 PM fourteen days ago is due today, thirteen days ago is not."""
    for days, due in ((14, 1), (13, 0)):
        patient = make_patient(site=site, coordinator=luz, tier=3)
        at = datetime(2026, 11, 18 - days, 23, tzinfo=ZONE)
        ContactAttempt.objects.create(patient=patient, outcome="reached_done", reached=True, at=at)
        CaseloadStat.objects.all().delete()
        assert figures(manager)[1]["Luz Herrera"]["contacts"] == due
        Patient.objects.all().update(status="inactive")


def test_sites_in_two_zones_each_keep_their_own_day(site, luz):
    west = make_site(name="Westgate", zone="Pacific/Honolulu")
    manager = make_user(Role.MANAGER, sites=[site, west])
    at = datetime(2026, 11, 11, 23, 30, tzinfo=ZONE)  # Nov 11 in Chicago and in Honolulu
    for place in (site, west):
        make_appointment(make_patient(site=place), start=at, status="no_show")
    seen = datetime(2026, 11, 18, 0, 30, tzinfo=ZONE)  # Nov 18 in Chicago, still Nov 17 in Honolulu
    behind = read_list(manager, "no_shows", {"period": "7"}, now=seen)
    assert [visit.site for visit in behind.rows] == [west]


# --- charts and snapshots ----------------------------------------------------------------------------------------


def test_opened_and_closed_by_week_are_the_rows_of_their_lists(client, manager, luz, site):
    client.force_login(manager)
    now = timezone.now()
    make_task(
        make_patient(site=site),
        owner=luz,
        status="completed",
        opened_at=now - 10 * DAY,
        ended_at=now - 2 * DAY,
    )
    answer = client.get(BOARD)
    weeks = answer.context["flow"].weeks
    for week in weeks:
        for number, address in ((week.opened, week.opened_href), (week.closed, week.closed_href)):
            assert client.get(address).context["behind"].number == number
    assert weeks[-1].closed == 1
    assert weeks[-2].opened == 1


def test_overdue_by_kind_adds_up_to_the_overdue_tasks(client, clinic, manager):
    client.force_login(manager)
    answer = client.get(BOARD)
    overdue = answer.context["overdue"]
    assert sum(kind.total for kind in overdue.kinds) == answer.context["board"].figures["overdue"]
    for kind in overdue.kinds:
        assert client.get(kind.href).context["behind"].number == kind.total


def test_a_snapshot_is_kept_once_and_never_changes(clinic, site, luz):
    day = NOW.date() - DAY
    kept = keep_snapshot(site=site, day=day, now=NOW)
    assert kept == CaseloadSnapshot.objects.count() > 2
    before = CaseloadSnapshot.objects.get(user=luz).figures
    make_patient(site=site, coordinator=luz)
    keep_snapshot(site=site, day=day, now=NOW + DAY)
    assert CaseloadSnapshot.objects.count() == kept
    assert CaseloadSnapshot.objects.get(user=luz).figures == before
    assert before["overdue"] == 2


def test_the_change_and_the_weeks_come_from_the_snapshots(clinic, site, manager, luz):
    for weeks, number in ((1, 1), (2, 5)):
        CaseloadSnapshot.objects.create(
            site=site,
            user=luz,
            day=NOW.date() - weeks * 7 * DAY,
            taken_at=NOW,
            figures={"overdue": number, "active": 9},
        )
    board, _lines = figures(manager, days=7)
    kpis = {kpi.measure.key: kpi for kpi in board.kpis}
    assert (kpis["overdue"].change, kpis["overdue"].tone) == ("2 more than 7 days ago", "danger")
    assert (kpis["active"].change, kpis["active"].tone) == ("2 fewer than 7 days ago", "")
    assert next(line.weeks for line in board.lines if line.user == luz) == [5, 1]


# --- files ------------------------------------------------------------------------------------------------------


def rows_of(answer):
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"), newline="")))


def test_the_board_and_each_list_can_be_had_as_a_recorded_file(client, clinic, manager, luz):
    client.force_login(manager)
    board = client.get(BOARD).context["board"]
    header, *rows = rows_of(client.get(reverse("dashboard:team_export")))
    assert header[0] == "Coordinator"
    assert len(rows) == len(board.lines)
    for key in MEASURES:
        number = read_list(manager, key, {"owner": str(luz.pk)}, now=timezone.now()).total
        _header, *rows = rows_of(
            client.get(reverse("dashboard:team_list_export", args=[key]), {"owner": luz.pk})
        )
        assert len(rows) == number, key
    events = AuditEvent.objects.filter(action="export")
    assert events.count() == len(MEASURES) + 1
    assert events.get(entity="dashboard.overdue").details["filters"]["owner"] == str(luz.pk)


def test_a_long_list_comes_in_pages(client, site, manager, luz):
    client.force_login(manager)
    for number in range(120):
        make_patient(site=site, coordinator=luz, family_name=f"Name{number:03d}")
    address = reverse("dashboard:team_list", args=["active"])
    first, second = client.get(address).content.decode(), client.get(address, {"page": 2}).content.decode()
    assert first.count("<tr data-row>") == 100
    assert second.count("<tr data-row>") == 20
    assert "101 to 120 of 120" in second


def test_the_night_keeps_the_figures_of_the_day_before_but_not_of_a_day_long_past(clinic, site):
    now = timezone.now()
    today = now.astimezone(ZONE).date()
    run_night(site=site, on=today - 5 * DAY, now=now, by=System("test"))
    assert not CaseloadSnapshot.objects.exists()
    run_night(site=site, on=today, now=now, by=System("test"))
    run_night(site=site, on=today, now=now, by=System("test"))
    assert set(CaseloadSnapshot.objects.values_list("day", "site")) == {(today - DAY, site.pk)}
