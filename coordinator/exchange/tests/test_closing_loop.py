"""CMS50 from imported bundles and from our own work; Gravity's social referrals where their tasks say."""

from __future__ import annotations

import csv
import datetime
import os
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from coordinator.accounts.roles import Role
from coordinator.exchange.closing_loop import closing_the_loop
from coordinator.imports.models import OrderOrigin, SourceRecord
from coordinator.imports.services.runs import new_run, run_import
from coordinator.tests.factories import make_site, make_team, make_user
from coordinator.workflow import System
from referrals.models import Referral, ReferralChange
from referrals.tests.factories import make_referral
from referrals.workflow import ReferralStatus as S
from scheduling.tests.factories import make_appointment

pytestmark = pytest.mark.django_db
DATA = Path(os.environ.get("SHARED_DATA", settings.BASE_DIR.parent / "shared" / "data"))
BY = System("test")


def needs(folder):
    return pytest.mark.skipif(
        not (DATA / folder).is_dir(), reason=f"SHARED_DATA/{folder} is not on this machine"
    )


@pytest.fixture
def lead():
    site = make_site()
    make_team(site)
    return make_user(Role.LEAD, site=site)


def read(lead, *paths, **options):
    run = new_run(kind="fhir", site=lead.sites.get(), by=BY, now=timezone.now(), source="test", **options)
    return run_import(run, paths=list(paths), by=BY)


@needs("ecqm_cms50")
def test_every_case_is_counted_as_its_authors_say(lead):
    with (DATA / "ecqm_cms50" / "expected.csv").open(encoding="utf-8") as stream:
        truth = {row["patient_id"]: row for row in csv.DictReader(stream)}
    assert len(truth) == 12
    run = read(lead, DATA / "ecqm_cms50" / "cases", one_patient=True)
    assert [f"{p.file} {p.place} {p.reason}" for p in run.problems.all()] == []
    rows = {row.patient_id: row for row in closing_the_loop(lead, 2026).rows}
    keys = SourceRecord.objects.filter(resource_type="Patient", system="urn:uuid", key__in=truth)
    assert keys.count() == 12
    wrong = {}
    for source in keys:
        row, said = rows.get(source.object_id), truth[source.key]
        got = {
            "initial_population": int(row is not None),
            "denominator": int(row is not None),
            "numerator": int(row is not None and row.has_report),
        }
        if got != {name: int(said[name]) for name in got}:
            wrong[source.key] = (got, said["description"])
    assert wrong == {}
    before = (Referral.objects.count(), OrderOrigin.objects.count(), ReferralChange.objects.count())
    read(lead, DATA / "ecqm_cms50" / "cases", one_patient=True)
    assert (Referral.objects.count(), OrderOrigin.objects.count(), ReferralChange.objects.count()) == before


@needs("ecqm_cms50")
def test_without_being_told_so_a_lost_reference_to_a_patient_refuses_its_file(lead):
    case = next((DATA / "ecqm_cms50" / "cases").glob("*2feec6c6*"))
    run = read(lead, case)
    assert "neither here nor in this file" in run.problems.get().reason
    assert not Referral.objects.exists()


def ours(lead, *, ordered, report=None, **fields):
    """A referral written here on a day, its report in on another, and a visit that took place."""
    noon = datetime.time(18, 0, tzinfo=datetime.UTC)
    referral = make_referral(site=lead.sites.get(), status=S.SENT, **fields)
    Referral.objects.filter(pk=referral.pk).update(created_at=datetime.datetime.combine(ordered, noon))
    if report:
        at = datetime.datetime.combine(report, noon)
        Referral.objects.filter(pk=referral.pk).update(report_received_at=at)
        ReferralChange.objects.create(
            record=referral, step="complete", to_status=S.COMPLETED, at=at, by_system="t"
        )
    return referral


@pytest.mark.parametrize(
    ("ordered", "report", "expected"),
    [
        ((2026, 1, 1), (2026, 3, 1), (1, 1)),
        ((2026, 10, 31), None, (1, 0)),
        ((2026, 11, 1), (2026, 12, 1), (0, 0)),
        ((2026, 5, 1), (2027, 1, 1), (1, 0)),
    ],
)
def test_our_own_referrals_count_by_the_same_rule(lead, ordered, report, expected):
    from patients.tests.factories import make_patient

    patient = make_patient(site=lead.sites.get())
    start = datetime.datetime(2026, 4, 2, 15, 0, tzinfo=datetime.UTC)
    make_appointment(patient, start=start, status="fulfilled")
    ours(lead, ordered=datetime.date(*ordered), report=report and datetime.date(*report), patient=patient)
    figures = closing_the_loop(lead, 2026)
    assert (figures.denominator, figures.numerator) == expected


def test_the_page_says_what_it_counts_and_lists_who_waits(client, lead):
    from patients.tests.factories import make_patient

    patient = make_patient(site=lead.sites.get(), family_name="Okafor")
    make_appointment(
        patient, start=datetime.datetime(2026, 4, 2, 15, 0, tzinfo=datetime.UTC), status="fulfilled"
    )
    ours(lead, ordered=datetime.date(2026, 5, 1), patient=patient)
    client.force_login(lead)
    page = client.get(reverse("exchange:closing_loop"), {"year": "2026"}).content.decode()
    assert "OKAFOR" in page
    assert "CMS50" in page
    assert client.get(reverse("exchange:closing_loop"), {"year": "nonsense"}).status_code == 200


@needs("fhir_sdoh_cc")
def test_social_referrals_stand_where_their_tasks_say(lead):
    run = read(lead, DATA / "fhir_sdoh_cc")
    refused = [f"{p.file}: {p.reason}" for p in run.problems.all()]
    assert refused == ["DocumentReference-DocumentReferenceExample.json: names no Patient"]
    social = Referral.objects.filter(category="social")
    assert social.count() == 4
    stands = set(social.values_list("origin__source_status", "origin__task_status", "status"))
    # An order that its source calls completed stays so, whatever an older task of it said.
    assert ("active", "accepted", S.ACCEPTED) in stands
    assert {status for source, _task, status in stands if source == "completed"} == {S.COMPLETED}
    assert sum(run.counts["not_kept"].values()) > 10
