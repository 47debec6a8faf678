"""Units and days of an authorization as visits use them: the count, the bands, the collisions, the warning, the night."""

from __future__ import annotations

import datetime
import os

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careplans.models import Task
from coordinator.db import Conflict
from coordinator.tests.factories import make_user
from coordinator.workflow import System
from patients.tests.factories import make_patient
from referrals import services as referral_services
from referrals.models import PriorAuthorization
from referrals.services.renewals import continue_authorization
from referrals.tests.factories import make_authorization, make_payer, make_referral
from scheduling.rules.units import CONSUMING, Line, Member, Visit, balance, band
from scheduling.selectors.units import units_of
from scheduling.services import cancel_appointment, renewals, reschedule_appointment
from scheduling.services.renewals import ask_for_renewals, end_authorizations
from scheduling.tests.clinic import NOW, at, make_clinic
from scheduling.tests.factories import make_appointment, make_service
from scheduling.workflow import Status

D = datetime.date
DAY = datetime.timedelta(days=1)
KEY = PriorAuthorization().pk
NIGHT = System("nightly")


# --- the count ----------------------------------------------------------------------------------------------------


def one_line(units=10, starts_on=None, ends_on=None, code="97110", place=""):
    return [Line(KEY, 1, code, units, starts_on, ends_on, place)]


def whole(status="approved", certification="initial"):
    return [Member(KEY, 0, certification, status, None, None)]


def visit(days, status=Status.BOOKED, units=1, **fields):
    return Visit(
        id=None, status=status, start=NOW + days * DAY, zone="America/Chicago", units=units, **fields
    )


visits = st.lists(
    st.builds(
        lambda days, status, units, codes: visit(days, status, units, codes=frozenset(codes)),
        st.integers(-40, 60),
        st.sampled_from(list(Status)),
        st.integers(1, 3),
        st.sampled_from([(), ("97110",), ("99999",), ("97110", "99999")]),
    ),
    max_size=25,
)


@settings(
    max_examples=int(os.environ.get("UNITS_EXAMPLES", "60")), suppress_health_check=[HealthCheck.too_slow]
)
@given(visits=visits, units=st.integers(0, 30), first=st.integers(-50, 10), length=st.integers(0, 60))
def test_what_is_left_never_disagrees_with_a_naive_count(visits, units, first, length):
    starts_on = (NOW + first * DAY).date()
    ends_on = starts_on + length * DAY
    found = balance(whole(), one_line(units, starts_on, ends_on), visits, NOW)
    covered = [one for one in visits if not one.codes or "97110" in one.codes]
    used = sum(one.units for one in covered if one.status in ("fulfilled", "checked_in", "arrived"))
    ahead = sum(
        one.units
        for one in covered
        if one.status in ("booked", "pending") and one.start > NOW and starts_on <= one.on <= ends_on
    )
    assert found.remaining == units - used
    assert found.projected == units - used - ahead
    assert found.band == band(units - used, units)
    assert (found.runs_out is not None) == (ahead > 0 and found.projected <= 0)
    assert any(one.kind == "no_units" for one in found.collisions) == (ahead > 0 and found.projected < 0)


@pytest.mark.parametrize(
    ("remaining", "approved", "color"),
    [
        (100, 100, "green"), (67, 100, "green"), (66, 100, "yellow"), (34, 100, "yellow"), (33, 100, "red"),
        (2, 3, "yellow"), (1, 3, "red"), (0, 5, "red"), (-1, 5, "red"), (0, 0, "red"),
    ],
)  # fmt: skip
def test_the_bands_are_67_34_and_less(remaining, approved, color):
    assert band(remaining, approved) == color


def test_a_no_show_uses_nothing_and_a_cancelled_visit_gives_its_unit_back():
    seen = [visit(-5, Status.FULFILLED), visit(-4, Status.NO_SHOW), visit(-3, Status.CANCELLED)]
    found = balance(whole(), one_line(3), [*seen, visit(2)], NOW)
    assert (found.used, found.remaining, found.projected) == (1, 2, 1)


def test_it_says_at_which_booked_visit_the_units_run_out():
    found = balance(whole(), one_line(3), [visit(-1, Status.FULFILLED), *(visit(n) for n in (3, 9, 5))], NOW)
    assert (found.runs_out.n, found.runs_out.on) == (2, (NOW + 5 * DAY).date())
    assert [(one.kind, one.visit.start) for one in found.collisions] == [("no_units", NOW + 9 * DAY)]


@pytest.mark.parametrize(
    ("line", "wished", "kind", "offers"),
    [
        ({"ends_on": D(2026, 11, 25)}, {}, "after_end", ("renewal", "move")),
        ({"starts_on": D(2026, 12, 25)}, {}, "before_start", ("move", "revision")),
        ({"code": "72148"}, {"codes": frozenset({"97110"})}, "code", ("revision",)),
        ({"place": "Main Hospital"}, {"places": ("North Clinic",)}, "place", ("move", "revision")),
        ({"units": 0}, {}, "no_units", ("extension", "renewal")),
    ],
)
def test_each_collision_is_named_with_what_can_be_done(line, wished, kind, offers):
    found = balance(whole(), one_line(**line), [visit(10, **wished)], NOW)
    assert [(one.kind, one.offers) for one in found.collisions] == [(kind, offers)]


def test_a_visit_that_is_covered_collides_with_nothing():
    covered = visit(7, codes=frozenset({"97110"}), places=("Main Hospital", "x"))
    lines = one_line(1, D(2026, 11, 1), D(2026, 11, 25), place="main hospital ")
    assert balance(whole(), lines, [covered], NOW).collisions == []


# --- chains, in one query -------------------------------------------------------------------------------------------


def approved(patient, units=6, code="97110", **fields):
    fields.setdefault("ends_on", D(2027, 1, 31))
    record = make_authorization(patient, status="approved", authorization_number="A-1", **fields)
    record.lines.create(
        number=1, service_code=code, units_requested=units, units_approved=units, decision="approved"
    )
    return record


def seen(record, n, first=1, **fields):
    service = make_service()
    for day in range(first, first + n):
        make_appointment(
            record.patient,
            start=NOW - day * DAY,
            authorization=record,
            status="fulfilled",
            service=service,
            **fields,
        )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("certification", "old", "new"),
    [("renewal", (6, 4), (5, 4)), ("revision", (5, 2), (5, 2)), ("extension", (11, 8), (11, 8))],
)
def test_units_are_shared_as_the_chain_says(certification, old, new):
    parent = approved(make_patient())
    follower = approved(parent.patient, units=5, certification=certification, supersedes=parent)
    seen(parent, 2)
    seen(follower, 1, first=5)
    found = units_of([parent, follower], NOW)
    assert (found[parent.pk].approved, found[parent.pk].remaining) == old
    assert (found[follower.pk].approved, found[follower.pk].remaining) == new


@pytest.mark.django_db
def test_a_follower_that_is_not_approved_yet_changes_nothing():
    parent = approved(make_patient())
    follower = approved(parent.patient, units=5, certification="extension", supersedes=parent)
    PriorAuthorization.objects.filter(pk=follower.pk).update(status="submitted")
    assert units_of([parent], NOW)[parent.pk].approved == 6


@pytest.mark.django_db
def test_many_authorizations_cost_one_query():
    rows = [approved(make_patient()) for _ in range(4)]
    for record in rows:
        seen(record, 2)
    for asked in (rows[:1], rows):
        with CaptureQueriesContext(connection) as captured:
            found = units_of(asked, NOW)
        assert len(captured) == 1
        assert {one.remaining for one in found.values()} == {4}


# --- the warning on booking and moving -----------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_visit_after_the_end_asks_why_and_offers_a_renewal():
    clinic = make_clinic()
    record = approved(clinic.patient, ends_on=D(2026, 11, 20))
    booked = clinic.book(at("2026-11-20", "09:00"), authorization_id=record.pk)
    assert booked.override_reason == ""
    with pytest.raises(Conflict) as refusal:
        reschedule_appointment(
            appointment_id=booked.pk,
            start=at("2026-11-23", "09:00"),
            reason="No ride",
            by=clinic.coordinator,
            now=NOW,
        )
    extra = refusal.value.extra
    assert (extra["kind"], extra["needs_reason"], extra["offers"]) == (
        "authorization_ended",
        True,
        ["move", "renewal"],
    )
    assert "is after the authorization ends on Nov 20, 2026" in str(refusal.value)
    moved = reschedule_appointment(
        appointment_id=booked.pk,
        start=at("2026-11-23", "09:00"),
        reason="No ride",
        override_reason="Payer extends it, told by phone",
        by=clinic.coordinator,
        now=NOW,
    )
    assert moved.override_reason == "Payer extends it, told by phone"


@pytest.mark.django_db
def test_the_last_unit_can_be_booked_once_and_moving_it_needs_no_second():
    clinic = make_clinic()
    record = approved(clinic.patient, units=1)
    booked = clinic.book(at("2026-11-20", "09:00"), authorization_id=record.pk)
    with pytest.raises(Conflict) as refusal:
        clinic.book(at("2026-12-02", "09:00"), authorization_id=record.pk)
    assert refusal.value.extra["kind"] == "authorization_used_up"
    move = {"reason": "Later", "by": clinic.coordinator, "now": NOW}
    moved = reschedule_appointment(appointment_id=booked.pk, start=at("2026-11-24", "09:00"), **move)
    assert units_of([record], NOW)[record.pk].projected == 0
    cancel_appointment(
        appointment_id=moved.pk, cancelled_by="patient", reason="Ill", by=clinic.coordinator, now=NOW
    )
    assert units_of([record], NOW)[record.pk].projected == 1


@pytest.mark.django_db
def test_another_code_than_approved_is_asked_about():
    clinic = make_clinic()
    record = approved(clinic.patient, code="72148")
    service = make_service(codes=["97110"])
    with pytest.raises(Conflict) as refusal:
        clinic.book(at("2026-11-20", "09:00"), authorization_id=record.pk, service_id=service.pk)
    assert refusal.value.extra["kind"] == "authorization_other_code"


@pytest.mark.django_db
def test_a_clinics_date_after_the_end_is_asked_about_on_saving_and_kept_with_a_reason(client):
    patient = make_patient()
    user = make_user(site=patient.site)
    client.force_login(user)
    referral = make_referral(patient, owner=user, status="accepted")
    approved(patient, referral=referral, ends_on=D(2026, 12, 1))
    where = reverse("referrals:referral_step", args=[referral.pk, "schedule"])
    late = {"visit_at": "2026-12-15T09:00", "visit_place": "Main building"}
    answer = client.post(where, late)
    assert answer.status_code == 422
    assert "The authorization ends on Dec 1, 2026, before this visit." in answer.content.decode()
    assert client.post(where, {**late, "collision_reason": "Extension asked for"}).status_code == 302
    referral.refresh_from_db()
    assert referral.status == "scheduled"
    assert referral.changes.get(step="schedule").facts["collision_reason"] == "Extension asked for"


# --- the night ------------------------------------------------------------------------------------------------------


@pytest.fixture
def clinic(db):
    return make_clinic()


def ask(clinic, now=NOW):
    return ask_for_renewals(site=clinic.site, by=NIGHT, now=now)


def end(clinic, now=NOW):
    return end_authorizations(site=clinic.site, by=NIGHT, now=now)


def keys():
    return sorted(Task.objects.open().values_list("cause_id", flat=True))


def test_an_approval_ends_after_its_last_day_and_when_no_unit_is_left(clinic):
    today = D(2026, 11, 18)
    last_day, over, empty = (
        approved(clinic.patient, ends_on=today),
        approved(clinic.patient, ends_on=today - DAY),
        approved(clinic.patient, units=2),
    )
    seen(empty, 2)
    assert (end(clinic), end(clinic)) == (2, 0)
    statuses = dict(PriorAuthorization.objects.values_list("pk", "status"))
    assert statuses == {last_day.pk: "approved", over.pk: "expired", empty.pk: "exhausted"}
    assert PriorAuthorization.objects.get(pk=over.pk).due_at is not None


@pytest.mark.parametrize(
    ("is_slow", "days", "asked"), [(False, 14, 1), (False, 15, 0), (True, 30, 1), (True, 31, 0)]
)
def test_a_renewal_is_asked_for_14_days_ahead_or_30_with_a_slow_payer(clinic, is_slow, days, asked):
    approved(clinic.patient, payer=make_payer(is_slow=is_slow), ends_on=D(2026, 11, 18) + days * DAY)
    assert (ask(clinic), ask(clinic)) == (asked, 0)


def test_a_renewal_is_asked_for_when_booked_visits_use_the_last_unit(clinic):
    record = approved(clinic.patient, units=2)
    clinic.book(at("2026-11-20", "09:00"), authorization_id=record.pk)
    assert ask(clinic) == 0
    second = clinic.book(at("2026-12-02", "09:00"), authorization_id=record.pk)
    assert (ask(clinic), ask(clinic)) == (1, 0)
    task = Task.objects.get()
    assert task.reason == "Its units run out with booked visit 2, on Dec 2, 2026."
    cancel_appointment(
        appointment_id=second.pk, cancelled_by="patient", reason="Ill", by=clinic.coordinator, now=NOW
    )
    ask(clinic)
    assert keys() == []


def test_the_task_stays_after_the_end_and_closes_when_a_renewal_covers_the_gap(clinic):
    record = approved(clinic.patient, ends_on=D(2026, 11, 25))
    ask(clinic)
    later = NOW + 9 * DAY
    assert (end(clinic, later), ask(clinic, later)) == (1, 0)
    assert keys() == [record.pk]
    late = approved(clinic.patient, supersedes=record, certification="renewal", starts_on=D(2026, 12, 5))
    ask(clinic, later)
    assert keys() == [record.pk]  # ten days would be left open
    PriorAuthorization.objects.filter(pk=late.pk).update(starts_on=D(2026, 11, 26))
    ask(clinic, later)
    assert keys() == []


def test_a_renewal_closes_the_task_the_moment_it_is_approved(clinic):
    record = approved(clinic.patient, ends_on=D(2026, 11, 25), owner=clinic.coordinator)
    ask(clinic)
    step = {"by": clinic.coordinator, "now": NOW}
    follower = continue_authorization(authorization_id=record.pk, certification="renewal", **step)
    assert (follower.supersedes, follower.lines.get().units_requested) == (record, 6)
    with pytest.raises(Exception, match="already"):
        continue_authorization(authorization_id=record.pk, certification="renewal", **step)
    PriorAuthorization.objects.filter(pk=follower.pk).update(status="submitted")
    referral_services.decide_lines(
        authorization_id=follower.pk,
        decisions={1: {"decision": "approved"}},
        authorization_number="A-2",
        starts_on=D(2026, 11, 26),
        ends_on=D(2027, 2, 1),
        **step,
    )
    assert keys() == []


def test_a_back_dated_extension_needs_a_reason_and_a_later_end(clinic):
    record = approved(clinic.patient, ends_on=D(2026, 11, 10), owner=clinic.coordinator)
    end(clinic)
    back = {"authorization_id": record.pk, "by": clinic.coordinator, "now": NOW}
    for wrong in (
        {"ends_on": D(2026, 12, 1), "reason": " "},
        {"ends_on": D(2026, 11, 10), "reason": "Phone"},
    ):
        with pytest.raises(Exception, match=r"payer|later"):
            referral_services.approve_back_dated(**back, **wrong)
    found = referral_services.approve_back_dated(**back, ends_on=D(2026, 12, 1), reason="Phone, Kim")
    assert (found.status, found.ends_on) == ("approved", D(2026, 12, 1))


def test_killed_in_the_middle_and_run_again_it_changes_nothing_twice(clinic, monkeypatch):
    for _ in range(3):
        approved(clinic.patient, ends_on=D(2026, 11, 10))
    real, calls = renewals.advance_authorization, []

    def dies(**fields):
        calls.append(fields)
        if len(calls) == 2:
            raise RuntimeError("killed")
        return real(**fields)

    monkeypatch.setattr(renewals, "advance_authorization", dies)
    with pytest.raises(RuntimeError):
        end(clinic)
    monkeypatch.undo()
    assert (end(clinic), end(clinic)) == (2, 0)
    steps = [record.changes.filter(step="expire").count() for record in PriorAuthorization.objects.all()]
    assert steps == [1, 1, 1]
    assert (ask(clinic), ask(clinic), len(keys())) == (3, 0, 3)


def test_what_consumes_is_what_the_rule_names():
    assert set(CONSUMING) == {"fulfilled", "checked_in", "arrived"}
