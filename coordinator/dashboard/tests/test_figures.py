"""Managers' figures of referrals and requests: recounted row by row, each number with its list, nothing restricted."""

from __future__ import annotations

import csv
import datetime
import html
import io
import random
import re
import statistics

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.dashboard.figure_facts import CARD, LOOPS, OPEN_NOW, REQUESTS, SETS
from coordinator.dashboard.figure_sets import ALL, FEW, Ask, read_ids, read_table
from coordinator.tests.factories import make_practitioner, make_site, make_user
from coordinator.workflow import System
from patients.tests.factories import make_patient, restrict
from referrals.models import PriorAuthorizationChange, Referral
from referrals.services.authorizations import start_payer_clock
from referrals.tests.factories import make_authorization, make_payer, make_referral
from referrals.workflow import AuthorizationStatus as A
from referrals.workflow import ReferralStatus as R

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 18, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
LOOP_BOARD, AUTHORIZATION_BOARD = "/team/loops/", "/team/authorizations/"


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def manager(site):
    return make_user(Role.MANAGER, site=site)


@pytest.fixture
def patient(site):
    return make_patient(site=site)


def history(record, *steps):
    """Change rows as (step, from, to, at)."""
    for step, source, to, at in steps:
        PriorAuthorizationChange.objects.create(
            record=record, step=step, from_status=source, to_status=to, at=at, by_system="test"
        )


def decided(patient, *, received, days=2.0, status=A.APPROVED, between=(), **fields):
    """A request that the payer decided; `between` are steps before that."""
    record = make_authorization(patient, received_by_payer_at=received, status=status, **fields)
    step = {
        A.APPROVED: "approve",
        A.PARTIALLY_APPROVED: "approve_in_part",
        A.MODIFIED: "modify",
        A.DENIED: "deny",
    }
    last = between[-1][2] if between else A.SUBMITTED
    history(record, *between, (step[status], last, status, received + days * DAY))
    return record


def cells(table, words=None):
    line = table.total if words is None else next(line for line in table.lines if str(line.words) == words)
    return {cell.column.key: cell for cell in line.cells}


# --- recounted by hand ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_the_figures_of_payers_are_what_a_recount_of_each_history_gives(site, manager, patient, seed):
    chance = random.Random(seed)
    payers = [make_payer(name="Aster"), make_payer(name="Birch")]
    made = []
    for _n in range(30):
        received = NOW - chance.uniform(0, 120) * DAY
        urgency = chance.choice(["standard", "expedited"])
        status = chance.choice([A.APPROVED, A.PARTIALLY_APPROVED, A.MODIFIED, A.DENIED, A.SUBMITTED])
        pended = chance.random() < 0.3
        fact = {"payer": chance.choice(payers), "urgency": urgency, "owner": manager}
        days = chance.uniform(0.1, 9)
        between = [("pend", A.SUBMITTED, A.PENDED, received + DAY / 24)] if pended else []
        if status == A.SUBMITTED:
            record = make_authorization(patient, received_by_payer_at=received, status=status, **fact)
            history(record, *between)
        else:
            record = decided(patient, received=received, days=days, status=status, between=between, **fact)
        won = None
        if status == A.DENIED and chance.random() < 0.6:
            won = chance.random() < 0.5
            history(
                record,
                ("appeal", A.DENIED, A.APPEAL, received + 10 * DAY),
                (
                    "approve" if won else "uphold",
                    A.APPEAL,
                    A.APPROVED if won else A.UPHELD,
                    received + 20 * DAY,
                ),
            )
        made.append((fact["payer"].name, received, urgency, status, pended, days, won))
    table = read_table(manager, REQUESTS, Ask(days=90, by="payer"), now=NOW)
    zone = site.tzinfo
    first = datetime.datetime.combine(NOW.astimezone(zone).date() - 89 * DAY, datetime.time(), zone)
    for name in ("Aster", "Birch"):
        rows = [row for row in made if row[0] == name and row[1] >= first]
        answers = [row for row in rows if row[3] != A.SUBMITTED]
        found = cells(table, name)
        assert {key: (cell.n, cell.whole) for key, cell in found.items() if cell.column.of} == {
            "approved": (sum(row[3] in (A.APPROVED, A.MODIFIED) for row in rows), len(answers)),
            "partly": (sum(row[3] == A.PARTIALLY_APPROVED for row in rows), len(answers)),
            "denied": (sum(row[3] == A.DENIED for row in rows), len(answers)),
            "overturned": (sum(row[6] is True for row in rows), sum(row[6] is not None for row in rows)),
            "pended": (sum(row[4] for row in rows), len(rows)),
            "passed": (0, len(rows)),
        }
        assert found["received"].n == len(rows)
        assert found["waiting"].n == sum(row[3] == A.SUBMITTED for row in rows)
        for urgency in ("standard", "expedited"):
            days = [row[5] for row in answers if row[2] == urgency]
            cell = found[f"{urgency}_median"]
            assert cell.n == len(days)
            if days:
                assert cell.days == pytest.approx(statistics.median(days), abs=1e-4)


def test_the_loop_is_closed_only_as_the_record_says_and_stages_are_medians_with_their_number(
    manager, patient, site
):
    def sent(days, **fields):
        fields.setdefault("status", R.SENT)
        return make_referral(patient, owner=manager, sent_at=NOW - days * DAY, **fields)

    for wait in (1, 2, 3, 4, 10):
        at = NOW - 20 * DAY
        sent(20, status=R.ACCEPTED, accepted_at=at + wait * DAY)
    complete = {"status": R.COMPLETED, "report_received_at": NOW - 9 * DAY}
    sent(30, **complete, reviewed_at=NOW - 8 * DAY)  # nobody told the patient
    sent(
        30, **complete, reviewed_at=NOW - 8 * DAY, patient_told_at=NOW - 7 * DAY, loop_closed_at=NOW - 7 * DAY
    )
    sent(30, status=R.DECLINED, requester_told_at=NOW, loop_closed_at=NOW, outcome_reason="no_capacity")
    sent(30, status=R.DECLINED, outcome_reason="no_capacity")
    sent(12, status=R.SEEN, seen_on=NOW.date() - 2 * DAY, specialty="Neurology")
    sent(100)  # before the period
    make_referral(patient, owner=manager)  # never sent
    sent(5, status=R.ENTERED_IN_ERROR)
    found = cells(read_table(manager, LOOPS, Ask(days=90, by="specialty"), now=NOW))
    assert {key: cell.n for key, cell in found.items()} == {
        "sent": 10, "closed": 2, "not_scheduled": 5, "no_report": 1, "not_told": 1, "ended": 2,
        "to_accept": 5, "to_schedule": 0, "to_seen": 0, "to_report": 0, "to_review": 2, "to_tell": 1,
    }  # fmt: skip
    assert found["closed"].share == 20
    assert found["to_accept"].shown_days == 3.0
    assert found["to_tell"].days is not None
    assert found["to_tell"].shown_days is None


def test_open_requests_stand_by_status_and_age_with_their_clocks(manager, patient):
    def standing(days, status=A.GATHERING, due=None, **fields):
        fields.update(stage_since=NOW - days * DAY, due_at=NOW + due * DAY if due else None)
        make_authorization(patient, owner=manager, status=status, **fields)

    standing(1, due=1)
    standing(4, due=-1)
    standing(9, A.PENDED, due=3, kind="medicine")
    standing(9, A.WITHDRAWN)
    found = read_table(manager, OPEN_NOW, Ask(by="status"), now=NOW)
    assert {key: cell.n for key, cell in cells(found).items()} == {
        "all": 3, "young": 1, "older": 1, "old": 1, "soon": 1, "overdue": 1,
    }  # fmt: skip
    assert cells(found, "Payer asks")["old"].n == 1
    medicines = read_table(manager, OPEN_NOW, Ask(by="status", medicine="medicine"), now=NOW)
    assert cells(medicines)["all"].n == 1


def test_a_payer_that_let_its_time_pass_is_counted_until_it_decides_and_after(manager, patient):
    waiting = {"status": A.SUBMITTED, "owner": manager}
    late = make_authorization(patient, received_by_payer_at=NOW - 20 * DAY, **waiting)
    make_authorization(
        patient, received_by_payer_at=NOW - 20 * DAY, payer=make_payer(), **waiting
    )  # no clock
    in_time = make_authorization(patient, received_by_payer_at=NOW - 20 * DAY, **waiting)
    for record in (late, in_time):
        start_payer_clock(record, by=System("test"), now=NOW - 20 * DAY)
    history(in_time, ("approve", A.SUBMITTED, A.APPROVED, NOW - 18 * DAY))
    assert cells(read_table(manager, REQUESTS, Ask(by="payer"), now=NOW))["passed"].n == 1
    history(late, ("deny", A.SUBMITTED, A.DENIED, NOW - 2 * DAY))
    assert cells(read_table(manager, REQUESTS, Ask(by="payer"), now=NOW))["passed"].n == 1


def test_too_few_rows_have_no_share_and_no_median(manager, patient):
    for number in range(FEW):
        if number == FEW - 1:
            few = cells(read_table(manager, REQUESTS, Ask(by="payer"), now=NOW))
            assert (few["approved"].share, few["standard_median"].shown_days) == (None, None)
            assert few["approved"].is_too_few
        decided(patient, received=NOW - 5 * DAY, owner=manager)
    enough = cells(read_table(manager, REQUESTS, Ask(by="payer"), now=NOW))
    assert (enough["approved"].share, enough["standard_median"].shown_days) == (100, 2.0)


# --- each number has its list ------------------------------------------------------------------------------------


def fill(manager, patient, payer=None):
    now = timezone.now()
    payer = payer or make_payer(name="Aster")
    for days, status in ((3, A.APPROVED), (5, A.DENIED), (9, A.PARTIALLY_APPROVED)):
        decided(patient, received=now - days * DAY, days=1, status=status, payer=payer, owner=manager)
    make_authorization(patient, received_by_payer_at=now - DAY, status=A.PENDED, payer=payer, owner=manager)
    doctor = make_practitioner(site=patient.site)
    for status in (R.SENT, R.SEEN, R.ACCEPTED):
        facts = {"accepted_at": now - 2 * DAY} if status == R.ACCEPTED else {}
        make_referral(patient, owner=manager, status=status, sent_at=now - 6 * DAY, recipient=doctor, **facts)


def test_every_number_on_both_pages_opens_a_list_with_that_many_rows(client, manager, patient):
    fill(manager, patient)
    client.force_login(manager)
    links = set()
    for address in (
        LOOP_BOARD,
        f"{LOOP_BOARD}?by=recipient",
        AUTHORIZATION_BOARD,
        f"{AUTHORIZATION_BOARD}?by=service",
    ):
        text = client.get(address).content.decode()
        links |= set(re.findall(r'href="(/team/figures/[^"]+/[^"]+)">(\d+)<', text))
    assert len(links) > 20
    for address, number in links:
        answer = client.get(html.unescape(address))
        assert answer.status_code == 200, address
        assert answer.content.decode().count("<tr data-row>") == int(number), address


@pytest.mark.parametrize("figures", SETS.values(), ids=lambda figures: figures.name)
def test_a_restricted_patient_and_another_place_are_in_no_figure_and_no_list(site, manager, figures):
    hidden = restrict(make_patient(site=site, coordinator=manager), manager)
    fill(manager, hidden)
    fill(manager, make_patient(), make_payer(name="Elsewhere"))
    ask = Ask(days=365, by=next(iter(figures.groupings)))
    table = read_table(manager, figures, ask, now=timezone.now())
    assert table.lines == []
    for column in figures.columns:
        found = read_ids(manager, figures, column, ask, ALL, now=timezone.now(), start=0, most=9)
        assert found == (0, []), column.key


@pytest.mark.parametrize("address", [LOOP_BOARD, AUTHORIZATION_BOARD, "/team/figures/requests/received/"])
def test_a_page_costs_the_same_for_a_few_rows_and_for_many(client, manager, site, patient, address):
    client.force_login(manager)
    fill(manager, patient)
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        assert client.get(address).status_code == 200
    for number in range(4):
        fill(make_user(site=site), make_patient(site=site), make_payer(name=f"Payer {number}"))
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few) <= 12


def test_strange_words_in_the_address_find_nothing_or_the_defaults(client, manager, patient):
    client.force_login(manager)
    fill(manager, patient)
    assert client.get(LOOP_BOARD, {"period": "²", "site": "x", "by": "status; drop"}).status_code == 200
    assert client.get("/team/figures/nothing/sent/").status_code == 404
    assert client.get("/team/figures/loops/nothing/").status_code == 404
    odd = client.get("/team/figures/loops/sent/", {"group": "x' or 1=1", "page": "99999999999"})
    assert odd.status_code == 200
    assert odd.context["total"] == 0


def test_a_manager_without_a_site_or_without_rows_is_told_so(client):
    for user in (make_user(Role.MANAGER, sites=[]), make_user(Role.MANAGER)):
        client.force_login(user)
        for address in (LOOP_BOARD, AUTHORIZATION_BOARD):
            assert "Nothing to count in this period" in client.get(address).content.decode()


def test_who_waits_longest_stands_first_whatever_the_period(client, manager, patient):
    client.force_login(manager)
    now = timezone.now()
    for days in (3, 400, 30):
        make_referral(
            patient, owner=manager, status=R.SENT, sent_at=now - days * DAY, specialty=f"Days {days}"
        )
    told = {"requester_told_at": now, "loop_closed_at": now, "outcome_reason": "moved"}
    make_referral(patient, owner=manager, status=R.DECLINED, sent_at=now - 500 * DAY, **told)
    rows = client.get(LOOP_BOARD, {"period": 30}).context["rows"]
    assert [referral.specialty for referral in rows] == ["Days 400", "Days 30", "Days 3"]
    assert Referral.objects.count() == 4


def test_a_table_can_be_had_as_a_recorded_file(client, manager, patient):
    client.force_login(manager)
    fill(manager, patient)
    for name, figures in SETS.items():
        answer = client.get(reverse("dashboard:figure_export", args=[name]), {"period": 365})
        header, *rows = csv.reader(
            io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"), newline="")
        )
        assert all(len(row) == len(header) for row in rows), name
        table = read_table(manager, figures, Ask(by=next(iter(figures.groupings))), now=timezone.now())
        assert len(rows) == len(table.lines) + 1
    assert AuditEvent.objects.filter(action="export").count() == len(SETS)


def test_the_card_counts_a_year_of_the_sites_own_days(manager, patient, site):
    for month in (12, 1):
        start = datetime.datetime(
            2025 if month == 12 else 2026, month, 31 if month == 12 else 1, 23, 30, tzinfo=site.tzinfo
        )
        decided(patient, received=start, owner=manager)
    table = read_table(manager, CARD, Ask(by="payer", year=2026), now=NOW)
    assert cells(table)["received"].n == 1
