"""The nightly look for people recorded twice, and what people decide about a pair."""

from __future__ import annotations

import datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import NotAllowed, System
from patients.models import Patient, PossibleDuplicate
from patients.services import ask_again, scan_duplicates, tell_apart
from patients.tests.factories import make_patient, make_phone

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)
BY = System("duplicates")


def scan():
    return scan_duplicates(now=NOW, by=BY)


@pytest.fixture
def pair(db):
    """One person twice, at one site."""
    site = make_site()
    make_patient(site=site, given_name="Elena")
    make_patient(site=site, given_name="Elena", family_name="Ramires")
    scan()
    return PossibleDuplicate.objects.get()


@pytest.fixture
def lead(pair):
    return make_user(Role.LEAD, site=pair.one.site)


def test_a_pair_is_kept_in_the_order_of_its_keys_with_its_reasons(pair):
    assert pair.one_id < pair.two_id
    assert pair.signs["birth date"] == "same"
    assert pair.points > 8
    assert AuditEvent.objects.filter(action="scan", details__pairs=1).exists()


def test_looking_again_changes_nothing(pair):
    found = scan()
    assert (found.people, found.pairs, found.new, found.again, found.gone) == (2, 1, 0, 0, 0)
    pair_then = PossibleDuplicate.objects.get()
    assert (pair_then.pk, pair_then.updated_at) == (pair.pk, pair.updated_at)


def test_people_of_two_sites_are_compared(db):
    for _n in range(2):
        make_patient(site=make_site(), given_name="Elena")
    assert scan().pairs == 1


def test_who_was_entered_in_error_is_not_compared(db):
    make_patient(given_name="Elena")
    make_patient(given_name="Elena", status="entered_in_error")
    assert scan().people == 1


def test_a_pair_that_is_no_longer_likely_goes_while_it_is_open(pair):
    Patient.objects.filter(pk=pair.two_id).update(given_name="Bob", birth_date="1990-01-01")
    assert scan().gone == 1
    assert not PossibleDuplicate.objects.exists()


def test_a_pair_said_to_be_different_stays_away_until_five_points_more(pair, lead):
    tell_apart(pair_id=pair.pk, reason="Cousins", by=lead, now=NOW)
    scan()
    pair.refresh_from_db()
    assert (pair.state, pair.reason, pair.decided_by) == ("different", "Cousins", lead)
    Patient.objects.update(city="Riverbend")  # three points
    scan()
    pair.refresh_from_db()
    assert pair.state == "different"
    for patient in (pair.one, pair.two):
        make_phone(patient)
    assert scan().again == 1
    pair.refresh_from_db()
    assert pair.state == "open"


def test_a_decision_stays_when_the_pair_is_not_likely_any_more(pair, lead):
    tell_apart(pair_id=pair.pk, reason="Cousins", by=lead, now=NOW)
    Patient.objects.filter(pk=pair.two_id).update(given_name="Bob", birth_date="1990-01-01")
    scan()
    assert PossibleDuplicate.objects.get().state == "different"


def test_telling_apart_needs_a_reason_and_can_be_taken_back(pair, lead):
    with pytest.raises(ValidationError):
        tell_apart(pair_id=pair.pk, reason=" ", by=lead, now=NOW)
    tell_apart(pair_id=pair.pk, reason="Twins", by=lead, now=NOW)
    with pytest.raises(NotAllowed):
        tell_apart(pair_id=pair.pk, reason="Twins", by=lead, now=NOW)
    ask_again(pair_id=pair.pk, by=lead, now=NOW)
    pair.refresh_from_db()
    assert (pair.state, pair.reason, pair.decided_by, pair.decided_at) == ("open", "", None, None)
    with pytest.raises(NotAllowed):
        ask_again(pair_id=pair.pk, by=lead, now=NOW)
    told = AuditEvent.objects.filter(action__in=["tell_apart", "ask_again"])
    assert set(told.values_list("action", "patient_id")) == {
        (action, key) for action in ("tell_apart", "ask_again") for key in (pair.one_id, pair.two_id)
    }


def test_only_who_may_merge_decides_and_only_for_their_sites(pair):
    for user in (make_user(site=pair.one.site), make_user(Role.LEAD)):
        with pytest.raises(PermissionDenied):
            tell_apart(pair_id=pair.pk, reason="No", by=user, now=NOW)


def test_a_pair_is_seen_by_who_sees_both(pair, lead):
    assert PossibleDuplicate.objects.visible_to(lead).exists()
    Patient.objects.filter(pk=pair.two_id).update(site=make_site())
    assert not PossibleDuplicate.objects.visible_to(lead).exists()


def test_the_database_keeps_the_order_and_one_row_a_pair(pair):
    for one, two in ((pair.two_id, pair.one_id), (pair.one_id, pair.one_id), (pair.one_id, pair.two_id)):
        with pytest.raises(IntegrityError), transaction.atomic():
            PossibleDuplicate.objects.create(one_id=one, two_id=two, points=9)


def test_a_look_costs_the_same_number_of_statements_for_many(pair):
    def statements():
        with CaptureQueriesContext(connection) as queries:
            scan()
        return len(queries)

    few = statements()
    for n in range(40):
        make_phone(make_patient(site=pair.one.site, given_name=f"Name{n}"), f"+1612555{n:04d}")
    scan()
    assert statements() == few
