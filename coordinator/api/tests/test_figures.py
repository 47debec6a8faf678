"""Figures through the API: the boards' own numbers, for the sites of the client, and only with the scope."""

import datetime

import pytest
from django.utils import timezone

from coordinator.api.tests.test_schema import call_named, check
from referrals.models import PublishedMetric
from referrals.tests.factories import make_authorization, make_payer, make_referral

FIGURES = "/api/v1/figures/"


def figure(table, column, name=None):
    line = table["total"] if name is None else next(row for row in table["lines"] if row["name"] == name)
    return next(cell for cell in line["figures"] if cell["column"] == column)


def test_the_loop_figures_are_those_of_the_clients_sites(world):
    now = timezone.now()
    closed = {"status": "declined", "requester_told_at": now, "loop_closed_at": now}
    for n in range(6):
        make_referral(
            world.patient, specialty="Cardiology" if n else "Dentistry",
            sent_at=now - datetime.timedelta(days=3), **(closed if n > 3 else {"status": "sent"}),
        )  # fmt: skip
    make_referral(world.stranger, status="sent", sent_at=now)
    answer = world.caller.get(f"{FIGURES}loops/", {"site": str(world.site.pk), "by": "specialty"})
    check(answer, call_named("figures_loops"))
    table = answer.json()
    assert [row["name"] for row in table["lines"]] == ["Cardiology", "Dentistry"]
    assert (figure(table, "sent")["n"], figure(table, "closed")["n"]) == (6, 2)
    assert figure(table, "closed")["share"] == 33
    assert figure(table, "closed", "Dentistry")["share"] is None, "too few"


def test_requests_are_counted_by_payer_and_those_open_by_status(world):
    payer = make_payer(name="HealthNorth")
    make_authorization(world.patient, payer=payer, status="submitted", received_by_payer_at=timezone.now())
    make_authorization(world.stranger, payer=payer, status="submitted", received_by_payer_at=timezone.now())
    decisions = world.caller.get(f"{FIGURES}requests/", {"by": "payer", "kind": "service"}).json()
    assert (figure(decisions, "received", "HealthNorth")["n"], figure(decisions, "waiting")["n"]) == (1, 1)
    opened = world.caller.get(f"{FIGURES}open-requests/")
    check(opened, call_named("figures_open_requests"))
    assert figure(opened.json(), "all")["n"] == 1


def test_a_report_card_sets_what_was_published_beside_ours(world):
    payer, year = make_payer(name="HealthNorth"), timezone.localdate().year
    PublishedMetric.objects.create(
        payer=payer, year=year, line_of_business=payer.payer_type, metric="standard_denied", value=7,
        source="Their page",
    )  # fmt: skip
    answer = world.caller.get(f"/api/v1/payers/{payer.pk}/report-card/")
    check(answer, call_named("payer_report_card"))
    row = next(one for one in answer.json()["results"] if one["metric"] == "standard_denied")
    assert (row["published"], row["ours"], row["of"], row["source"]) == (7, None, 0, "Their page")
    assert (answer.json()["line"], answer.json()["lines"]) == (payer.payer_type, [payer.payer_type])
    assert str(payer.pk) in {one["id"] for one in world.caller.get("/api/v1/payers/").json()["results"]}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"by": "owner"}, "by"),
        ({"period": "31"}, "period"),
        ({"year": "1999"}, "year"),
        ({"kind": "x"}, "kind"),
    ],
)
def test_a_question_that_no_table_answers_is_refused_by_name(world, query, field):
    refused = world.caller.get(f"{FIGURES}requests/", query)
    assert (refused.status_code, list(refused.json()["fields"])) == (400, [field])


def test_another_sites_figures_are_not_asked_for(world):
    refused = world.caller.get(f"{FIGURES}loops/", {"site": str(world.elsewhere.pk)})
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["site"])
