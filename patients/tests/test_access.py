"""Restricted records: absent for all but the care team; opened in an emergency for an hour; judged afterwards."""

from __future__ import annotations

import datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.accounts.models import User
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.tests.factories import make_practitioner, make_site, make_user
from coordinator.workflow import NotAllowed, System
from patients import services
from patients.models import AccessGrant, CareTeamMember, ContactPoint, Patient
from patients.restricted import find_hidden, just_restricted_by, open_grants, who_sees
from patients.tests.factories import make_grant, make_patient, make_phone, restrict

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)
WHY = "Called by the emergency department"
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def site(db):
    return make_site()


@pytest.fixture
def dana(site):
    return make_user(Role.COORDINATOR, site=site)


@pytest.fixture
def lead(site):
    return make_user(Role.LEAD, site=site)


@pytest.fixture
def patient(site, dana):
    return make_patient(site=site, coordinator=dana, family_name="Okafor", given_name="Ada")


@pytest.fixture
def hidden(patient, lead):
    return restrict(patient, lead)


def sees(user, patient):
    fresh = User.objects.get(pk=user.pk)
    return Patient.objects.visible_to(fresh).filter(pk=patient.pk).exists()


# --- who sees it ------------------------------------------------------------------------------------------


def test_only_the_coordinator_and_the_care_team_see_it(hidden, dana, lead, site):
    nurse, doctor, other = make_user(site=site), make_user(Role.PROVIDER, site=site), make_user(site=site)
    doctor.practitioner = make_practitioner(site=site)
    doctor.save()
    CareTeamMember.objects.create(patient=hidden, role="Nurse", user=nurse)
    CareTeamMember.objects.create(patient=hidden, role="Doctor", practitioner=doctor.practitioner)
    CareTeamMember.objects.create(
        patient=hidden, role="Before", user=other, ended_on=datetime.date(2026, 1, 2)
    )
    assert [sees(user, hidden) for user in (dana, nurse, doctor)] == [True, True, True]
    assert [sees(user, hidden) for user in (lead, other)] == [False, False]
    assert who_sees(hidden) == [str(dana), str(doctor), str(nurse)]


def test_rows_of_the_patient_go_with_it_and_the_others_stay(hidden, lead, site):
    make_phone(hidden, "+16125550101")
    kept = make_phone(make_patient(site=site), "+16125550102")
    assert list(ContactPoint.objects.visible_to(lead)) == [kept]


def test_a_member_of_the_team_without_a_practitioner_of_their_own_matches_nobody_elses(hidden, lead):
    """No practitioner on the account must not mean "any member without a practitioner"."""
    CareTeamMember.objects.create(patient=hidden, role="Sister", name="Ngozi")
    assert not sees(lead, hidden)


def test_a_place_that_is_not_yours_stays_so_for_the_care_team(hidden):
    stranger = make_user(site=make_site())
    CareTeamMember.objects.create(patient=hidden, role="Nurse", user=stranger)
    assert not sees(stranger, hidden)


def test_asking_costs_one_statement_however_many_are_restricted(site, lead, dana):
    def statements():
        with CaptureQueriesContext(
            connection,
        ) as caught:
            list(Patient.objects.visible_to(User.objects.get(pk=lead.pk)))
        return len(caught)

    make_patient(site=site)
    before = statements()
    for _n in range(20):
        restrict(make_patient(site=site, coordinator=dana), lead)
    assert statements() == before


# --- restricting ------------------------------------------------------------------------------------------


def test_restricting_and_lifting_are_kept_in_the_record_and_the_trail(patient, lead):
    services.restrict_patient(patient_id=patient.pk, reason="  Works at the\nfront desk ", by=lead, now=NOW)
    patient.refresh_from_db()
    assert (patient.is_restricted, patient.restriction_reason) == (True, "Works at the front desk")
    assert (patient.restricted_by, patient.restricted_at) == (lead, NOW)
    services.lift_restriction(patient_id=patient.pk, by=lead, now=NOW)
    patient.refresh_from_db()
    assert (patient.is_restricted, patient.restriction_reason, patient.restricted_by) == (False, "", None)
    assert list(patient.changes.values_list("step", flat=True)) == ["restrict", "lift_restriction"]
    assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True)) == [
        "restrict",
        "lift_restriction",
    ]


def test_somebody_must_keep_seeing_it(lead, site):
    nobody = make_patient(site=site)
    with pytest.raises(ValidationError, match="coordinator first"):
        services.restrict_patient(patient_id=nobody.pk, reason="Works at the desk", by=lead, now=NOW)


def test_who_may_not_restrict_is_refused(patient, dana):
    for service, words in ((services.restrict_patient, {"reason": WHY}), (services.lift_restriction, {})):
        with pytest.raises(PermissionDenied):
            service(patient_id=patient.pk, by=dana, now=NOW, **words)
    with pytest.raises(PermissionDenied):
        services.restrict_patient(
            patient_id=patient.pk, reason=WHY, by=make_user(Role.LEAD, site=make_site()), now=NOW
        )


@pytest.mark.parametrize("reason", ["", "too short", "x" * 301, "nul \x00 in here"])
def test_a_reason_that_says_nothing_changes_nothing(patient, lead, reason):
    with pytest.raises(ValidationError) as refused:
        services.restrict_patient(patient_id=patient.pk, reason=reason, by=lead, now=NOW)
    assert list(refused.value.message_dict) == ["reason"]
    patient.refresh_from_db()
    assert not patient.is_restricted
    assert not AuditEvent.objects.exists()


def test_twice_is_refused_with_a_sentence(hidden, lead, site):
    with pytest.raises(NotAllowed, match="restricted already"):
        services.restrict_patient(patient_id=hidden.pk, reason=WHY, by=lead, now=NOW)
    open_one = make_patient(site=site)
    with pytest.raises(NotAllowed, match="not restricted"):
        services.lift_restriction(patient_id=open_one.pk, by=lead, now=NOW)


def test_the_one_who_restricted_may_undo_for_a_while(patient, lead, site):
    restrict(patient, lead, restricted_at=NOW)
    other = make_user(Role.LEAD, site=site)
    assert just_restricted_by(lead, patient.pk, since=NOW - 10 * MINUTE)
    assert not just_restricted_by(lead, patient.pk, since=NOW + MINUTE)
    assert not just_restricted_by(other, patient.pk, since=NOW - 10 * MINUTE)


# --- emergency access -------------------------------------------------------------------------------------


def test_an_emergency_access_opens_one_patient_for_one_person(hidden, lead, dana, site):
    second = restrict(make_patient(site=site, coordinator=dana), lead)
    grant = services.break_glass(patient_id=hidden.pk, reason=WHY, by=lead, now=timezone.now())
    assert grant.expires_at - grant.opened_at == 60 * MINUTE
    assert sees(lead, hidden)
    assert not sees(lead, second)
    assert not sees(make_user(Role.LEAD, site=site), hidden)
    event = AuditEvent.objects.get(action="break_glass")
    assert (event.actor_id, event.patient_id, event.reason) == (lead.pk, hidden.pk, WHY)
    assert event.details == {"grant": str(grant.pk)}


def test_it_ends_at_exactly_sixty_minutes(hidden, lead):
    grant = make_grant(hidden, lead, opened_at=NOW)
    just_before = NOW + 60 * MINUTE - datetime.timedelta(microseconds=1)
    for at, held in ((NOW, True), (just_before, True), (NOW + 60 * MINUTE, False)):
        assert AccessGrant.objects.open(at).filter(pk=grant.pk).exists() is held
        assert grant.is_open(at) is held
        assert open_grants(lead, hidden, at) == ([grant] if held else [])
    assert [grant.minutes_left(at) for at in (NOW, NOW + MINUTE, just_before, NOW + 60 * MINUTE)] == [
        60,
        59,
        1,
        0,
    ]


def test_the_database_ends_it_without_a_job(hidden, lead):
    hour = AccessGrant.LASTS
    grant = make_grant(hidden, lead, opened_at=timezone.now() - hour + MINUTE)
    assert sees(lead, hidden)
    past = timezone.now() - hour - MINUTE
    AccessGrant.objects.filter(pk=grant.pk).update(opened_at=past, expires_at=past + hour)
    assert not sees(lead, hidden)


def test_asking_again_while_it_is_open_gives_the_same_access(hidden, lead):
    one = services.break_glass(patient_id=hidden.pk, reason=WHY, by=lead, now=NOW)
    two = services.break_glass(patient_id=hidden.pk, reason="Another reason", by=lead, now=NOW + 59 * MINUTE)
    three = services.break_glass(patient_id=hidden.pk, reason=WHY, by=lead, now=NOW + 60 * MINUTE)
    assert one == two != three


def test_giving_it_back_ends_it_at_once(hidden, lead, dana):
    now = timezone.now()
    services.break_glass(patient_id=hidden.pk, reason=WHY, by=lead, now=now)
    assert services.end_access(patient_id=hidden.pk, by=dana, now=now) == 0
    assert services.end_access(patient_id=hidden.pk, by=lead, now=now) == 1
    assert services.end_access(patient_id=hidden.pk, by=lead, now=now) == 0
    assert not sees(lead, hidden)


@pytest.mark.parametrize("role", [Role.BILLING, Role.ADMINISTRATOR, Role.AUDITOR, Role.API_CLIENT])
def test_roles_that_never_break_the_glass(hidden, role, site):
    with pytest.raises(PermissionDenied):
        services.break_glass(patient_id=hidden.pk, reason=WHY, by=make_user(role, site=site), now=NOW)


def test_neither_a_stranger_nor_the_system_breaks_it(hidden):
    for by in (make_user(Role.MANAGER, site=make_site()), System("nightly")):
        with pytest.raises(PermissionDenied):
            services.break_glass(patient_id=hidden.pk, reason=WHY, by=by, now=NOW)


def test_an_open_record_needs_none(patient, lead):
    with pytest.raises(NotAllowed):
        services.break_glass(patient_id=patient.pk, reason=WHY, by=lead, now=NOW)


@pytest.mark.parametrize(
    "broken",
    [
        {"expires_at": NOW + 61 * MINUTE},
        {"reason": "short"},
        {"kind": "other"},
        {"ended_at": NOW - MINUTE},
        {"verdict": "appropriate"},
        {"verdict": "not_appropriate", "reviewed_at": NOW, "reviewed_by": "lead"},
        {"verdict": "appropriate", "reviewed_at": NOW, "reviewed_by": "oneself"},
        {"reviewed_at": NOW, "reviewed_by": "lead"},
    ],
    ids=str,
)
def test_the_database_refuses_what_cannot_be(hidden, dana, lead, broken):
    people = {"lead": lead, "oneself": dana}
    fields = {name: people.get(value, value) for name, value in broken.items()}
    with pytest.raises(IntegrityError), transaction.atomic():
        make_grant(hidden, dana, opened_at=NOW, **fields)


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["open", "end", "wait"]), st.integers(1, 61)), min_size=1, max_size=6
    )
)
def test_access_is_what_a_plain_model_says(django_db_blocker, steps):
    """Open, give back and wait in any order: the database agrees with one variable that holds the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        place = make_site()
        lead, dana = make_user(Role.LEAD, site=place), make_user(site=place)
        patient = restrict(make_patient(site=place, coordinator=dana), lead)
        now, until = NOW, NOW
        for what, minutes in steps:
            if what == "open":
                services.break_glass(patient_id=patient.pk, reason=WHY, by=lead, now=now)
                until = until if now < until else now + 60 * MINUTE
            elif what == "end":
                services.end_access(patient_id=patient.pk, by=lead, now=now)
                until = min(until, now)
            else:
                now += minutes * MINUTE
            assert bool(open_grants(lead, patient, now)) is (now < until)
        transaction.set_rollback(True)


# --- whom somebody means ----------------------------------------------------------------------------------


BORN = datetime.date(1958, 3, 14)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ({"mrn": "ABC-1"}, True),
        ({"mrn": " abc-1 "}, True),
        ({"name": "Ada Okafor"}, True),
        ({"name": "OKAFOR, ada"}, True),
        ({"name": "Ada"}, False),
        ({"name": "Okafor"}, False),
        ({"name": "Ada Okafor Smith"}, False),
        ({"mrn": "ABC"}, False),
        ({"mrn": "ABC-1", "born": datetime.date(1958, 3, 15)}, False),
        ({"name": ""}, False),
    ],
    ids=str,
)
def test_whole_name_or_number_with_the_birth_date(hidden, lead, typed, found):
    Patient.objects.filter(pk=hidden.pk).update(mrn="ABC-1", birth_date=BORN)
    meant = find_hidden(lead, **{"mrn": "", "name": "", "born": BORN, **typed})
    assert (meant == hidden) is found


def test_two_who_fit_are_nobody(hidden, lead, dana, site):
    restrict(make_patient(site=site, coordinator=dana, family_name="Okafor", given_name="Ada"), lead)
    assert find_hidden(lead, mrn="", name="Ada Okafor", born=BORN) is None
    assert find_hidden(lead, mrn=hidden.mrn, name="", born=BORN) == hidden


def test_only_restricted_records_of_ones_own_place(patient, hidden, lead, dana, site):
    open_one = make_patient(site=site)
    assert find_hidden(lead, mrn=open_one.mrn, name="", born=BORN) is None
    assert find_hidden(dana, mrn=hidden.mrn, name="", born=BORN) is None
    assert find_hidden(make_user(Role.LEAD, site=make_site()), mrn=hidden.mrn, name="", born=BORN) is None


# --- reviewing --------------------------------------------------------------------------------------------


@pytest.fixture
def manager(site):
    return make_user(Role.MANAGER, site=site)


def test_a_review_is_kept(hidden, lead, manager):
    grant = make_grant(hidden, lead)
    services.review_access(grant_id=grant.pk, verdict="appropriate", note="", by=manager, now=NOW)
    grant.refresh_from_db()
    assert (grant.verdict, grant.reviewed_by, grant.reviewed_at) == ("appropriate", manager, NOW)
    with pytest.raises(NotAllowed, match="already"):
        services.review_access(grant_id=grant.pk, verdict="appropriate", note="", by=manager, now=NOW)


def test_not_appropriate_needs_a_word(hidden, lead, manager):
    grant = make_grant(hidden, lead)
    for verdict, note, field in (("not_appropriate", " ", "note"), ("fine", "", "verdict")):
        with pytest.raises(ValidationError) as refused:
            services.review_access(grant_id=grant.pk, verdict=verdict, note=note, by=manager, now=NOW)
        assert list(refused.value.message_dict) == [field]


def test_nobody_judges_themselves_and_not_everybody_judges(hidden, lead, manager, site):
    own = make_grant(hidden, manager)
    assert not AccessGrant.objects.visible_to(manager).exists()
    for by in (
        manager,
        lead,
        make_user(Role.MANAGER, site=make_site()),
        make_user(Role.ADMINISTRATOR, site=site),
    ):
        with pytest.raises(PermissionDenied):
            services.review_access(grant_id=own.pk, verdict="appropriate", note="", by=by, now=NOW)
    auditor = make_user(Role.AUDITOR, site=make_site())
    assert list(AccessGrant.objects.visible_to(auditor)) == [own]
    assert not AccessGrant.objects.visible_to(lead).exists()
