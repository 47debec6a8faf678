"""Merging two records: whose word stands, what gives way, what is refused, and taking it back."""

from __future__ import annotations

import datetime
import threading

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import InternalError, connection, transaction
from django.db.utils import ProgrammingError

from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import NotAllowed
from patients.models import (
    Allergy,
    AllergyStatus,
    CareTeamMember,
    ContactPoint,
    Coverage,
    Note,
    Patient,
    PatientMerge,
    PatientStatus,
    PossibleDuplicate,
)
from patients.selectors import find_patients
from patients.services import (
    add_allergy,
    add_note,
    assign_coordinator,
    enter_patient_in_error,
    merge_patients,
    plan_merge,
    record_opt_out,
    tell_apart,
    unmerge_patients,
    update_contact_point,
    update_patient,
)
from patients.services.merging import stays_with_survivor
from patients.tests.factories import make_patient, make_phone, restrict

NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)
BEFORE = NOW - datetime.timedelta(days=3)
pytestmark = pytest.mark.django_db


@pytest.fixture
def site(db):
    return make_site()


@pytest.fixture
def lead(site):
    return make_user(Role.LEAD, site=site)


@pytest.fixture
def two(site):
    return make_patient(site=site, mrn="A-1"), make_patient(site=site, mrn="B-2")


def merge(pair, lead, **choices):
    survivor, other = pair
    return merge_patients(
        survivor_id=survivor.pk, other_id=other.pk, choices=choices, reason="Same person", by=lead, now=NOW
    )


def undo(merged, lead):
    return unmerge_patients(merge_id=merged.pk, reason="They are cousins", by=lead, now=NOW)


def refused(pair, lead, **choices):
    """The sentence of the refusal; nothing is written."""
    with pytest.raises(NotAllowed) as refusal:
        merge(pair, lead, **choices)
    assert not PatientMerge.objects.exists()
    return str(refusal.value)


# --- whose word stands ---------------------------------------------------------------------------------


def test_the_survivors_word_stands_unless_it_is_blank_or_the_other_is_chosen(site, lead):
    survivor = make_patient(site=site, given_name="Elena", city="", sex="unknown", preferred_name="Lena")
    other = make_patient(site=site, given_name="Elaine", city="Cedar Falls", sex="female", preferred_name="")
    merged = merge((survivor, other), lead, given_name="other")
    survivor.refresh_from_db()
    assert (survivor.given_name, survivor.city, survivor.sex) == ("Elaine", "Cedar Falls", "female")
    assert survivor.preferred_name == "Lena"
    assert "elaine" in survivor.search_name
    assert merged.fields["given_name"] == {"from": "other", "before": "Elena", "after": "Elaine"}
    undo(merged, lead)
    survivor.refresh_from_db()
    assert (survivor.given_name, survivor.city, survivor.sex) == ("Elena", "", "unknown")
    assert "elaine" not in survivor.search_name


def test_what_somebody_changed_since_stays_changed(two, lead):
    Patient.objects.filter(pk=two[1].pk).update(city="Cedar Falls", postal_code="55401")
    Patient.objects.filter(pk=two[0].pk).update(city="", postal_code="")
    merged = merge(two, lead)
    update_patient(patient_id=two[0].pk, version=None, by=lead, now=NOW, city="Riverbend")
    undo(merged, lead)
    two[0].refresh_from_db()
    assert (two[0].city, two[0].postal_code) == ("Riverbend", "")


@pytest.mark.parametrize(
    ("ours", "theirs", "stands"),
    [
        ("not_recorded", "none_known", "none_known"),
        ("none_known", "recorded", "recorded"),
        ("recorded", "none_known", "recorded"),
    ],
)
def test_the_stronger_allergy_statement_stands(site, lead, ours, theirs, stands):
    pair = make_patient(site=site, allergy_status=ours), make_patient(site=site, allergy_status=theirs)
    merge(pair, lead)
    pair[0].refresh_from_db()
    assert pair[0].allergy_status == stands


def test_an_allergy_told_since_the_merge_keeps_the_statement_after_it_is_taken_apart(two, lead):
    Patient.objects.filter(pk=two[1].pk).update(allergy_status=AllergyStatus.RECORDED)
    merged = merge(two, lead)
    add_allergy(patient_id=two[0].pk, substance="Latex", by=lead, now=NOW)
    undo(merged, lead)
    two[0].refresh_from_db()
    assert (two[0].allergy_status, Allergy.objects.get().patient_id) == ("recorded", two[0].pk)


# --- what gives way -------------------------------------------------------------------------------------


def test_a_number_in_both_records_is_kept_once_with_the_stricter_permissions(two, lead):
    ours = make_phone(two[0], ok_to_message=True, ok_to_leave_voicemail=True, permission_at=BEFORE)
    theirs = make_phone(two[1], ok_to_message=False, opted_out_at=BEFORE)
    merged = merge(two, lead)
    ours.refresh_from_db()
    assert (ours.ok_to_message, ours.ok_to_leave_voicemail, ours.permission_at) == (False, False, None)
    assert ours.opted_out_at == BEFORE
    theirs.refresh_from_db()
    assert (theirs.patient_id, theirs.ended_at) == (two[0].pk, NOW)
    undo(merged, lead)
    ours.refresh_from_db()
    theirs.refresh_from_db()
    assert (ours.ok_to_message, ours.opted_out_at, ours.permission_at) == (True, None, BEFORE)
    assert (theirs.patient_id, theirs.ended_at) == (two[1].pk, None)


@pytest.mark.parametrize("ended_in_ours", [True, False])
def test_a_stop_said_where_the_number_has_ended_counts(two, lead, ended_in_ours):
    mine, yours = (0, 1) if ended_in_ours else (1, 0)
    make_phone(two[mine], ended_at=BEFORE, opted_out_at=BEFORE)
    row = make_phone(two[yours])
    merge(two, lead)
    row.refresh_from_db()
    assert row.opted_out_at == BEFORE


def test_the_survivors_numbers_come_first(two, lead):
    make_phone(two[0], "+16125550101", rank=2)
    row = make_phone(two[1], "+16125550102", rank=1)
    merge(two, lead)
    row.refresh_from_db()
    assert row.rank == 3


def test_a_stop_since_the_merge_holds_in_both_records(two, lead):
    ours, theirs = make_phone(two[0]), make_phone(two[1])
    merged = merge(two, lead)
    later = NOW + datetime.timedelta(hours=1)
    record_opt_out(contact_point_id=ours.pk, by=lead, now=later)
    undo(merged, lead)
    opted_out = ContactPoint.objects.filter(pk__in=[ours.pk, theirs.pk], ended_at=None, opted_out_at=later)
    assert opted_out.count() == 2


def test_the_survivors_lead_stays_and_the_others_ends_that_day(two, site, lead):
    mine, yours = make_user(site=site), make_user(site=site)
    assign_coordinator(patient_id=two[0].pk, user=mine, by=lead, now=NOW)
    assign_coordinator(patient_id=two[1].pk, user=yours, by=lead, now=NOW)
    merged = merge(two, lead)
    two[0].refresh_from_db()
    assert two[0].coordinator == mine
    assert CareTeamMember.objects.get(patient=two[0], is_lead=True).user == mine
    assert CareTeamMember.objects.get(user=yours).ended_on == datetime.date(2026, 11, 18)
    undo(merged, lead)
    assert CareTeamMember.objects.get(patient=two[1], is_lead=True, ended_on=None).user == yours


def test_the_others_coordinator_can_be_chosen_and_a_third_since_stays(two, site, lead):
    mine, yours, third = (make_user(site=site) for _n in range(3))
    assign_coordinator(patient_id=two[0].pk, user=mine, by=lead, now=NOW)
    assign_coordinator(patient_id=two[1].pk, user=yours, by=lead, now=NOW)
    merged = merge(two, lead, coordinator="other")
    two[0].refresh_from_db()
    assert two[0].coordinator == yours
    assign_coordinator(patient_id=two[0].pk, user=third, by=lead, now=NOW)
    result = undo(merged, lead)
    two[0].refresh_from_db()
    assert two[0].coordinator == third
    assert CareTeamMember.objects.get(patient=two[0], is_lead=True, ended_on=None).user == third
    assert result.kept == ["patients.careteammember"]


def test_policies_follow_the_survivors_and_one_in_both_is_told(two, lead):
    Coverage.objects.create(patient=two[0], payer_name="HealthNorth", member_id="H1", rank=1)
    row = Coverage.objects.create(patient=two[1], payer_name="HealthNorth", member_id="H1", rank=1)
    plan = plan_merge(survivor=two[0], other=two[1], choices={}, now=NOW)
    assert any("HealthNorth" in sentence for sentence in plan.says)
    merge(two, lead)
    row.refresh_from_db()
    assert (row.patient_id, row.rank) == (two[0].pk, 2)


# --- refusals -------------------------------------------------------------------------------------------


def test_a_record_is_not_merged_with_itself(two, lead):
    assert "itself" in refused((two[0], two[0]), lead)


def test_a_restricted_record_never_becomes_part_of_one_that_all_may_see(two, lead):
    restrict(two[1], lead)
    assert "restricted" in refused(two, lead)
    restrict(two[0], lead)
    merge(two, lead)
    assert Patient.objects.get(pk=two[0].pk).is_restricted


def test_what_was_restricted_since_is_not_taken_apart_into_the_open(two, lead):
    merged = merge(two, lead)
    restrict(two[0], lead)
    with pytest.raises(NotAllowed, match="restricted since"):
        unmerge_patients(merge_id=merged.pk, reason="They are cousins", by=lead, now=NOW)


def test_nobody_is_merged_twice_nor_somebody_entered_in_error(site, two, lead):
    wrong = make_patient(site=site, status="entered_in_error")
    assert "entered in error" in refused((two[0], wrong), lead)
    merge(two, lead)
    with pytest.raises(NotAllowed, match="merged already"):
        merge(two, lead)
    with pytest.raises(NotAllowed, match="merged already"):
        merge((make_patient(site=site), two[1]), lead)


def test_a_death_is_never_decided_by_default(site, lead):
    survivor = make_patient(site=site)
    other = make_patient(site=site, status="deceased", deceased_on=datetime.date(2026, 11, 1))
    assert "deceased" in refused((survivor, other), lead)
    merged = merge((survivor, other), lead, status="other")
    survivor.refresh_from_db()
    assert (survivor.status, survivor.deceased_on) == ("deceased", datetime.date(2026, 11, 1))
    undo(merged, lead)
    survivor.refresh_from_db()
    assert (survivor.status, survivor.deceased_on) == ("active", None)


def test_values_that_contradict_each_other_are_refused(site, lead):
    survivor = make_patient(site=site, family_name="", given_name="Elena", birth_date=None)
    other = make_patient(site=site, family_name="Ramírez", given_name="")
    sentence = refused((survivor, other), lead, family_name="survivor", given_name="other")
    assert "A name has to stay" in sentence
    died = {"status": "deceased", "deceased_on": datetime.date(1960, 1, 1)}
    survivor = make_patient(site=site, birth_date=None, **died)
    other = make_patient(site=site, birth_date=datetime.date(1970, 1, 1))
    assert "day of death" in refused((survivor, other), lead, status="survivor")


def test_a_pair_said_to_be_different_is_not_merged(two, lead):
    low, high = sorted(two, key=lambda patient: patient.pk)
    pair = PossibleDuplicate.objects.create(one=low, two=high, points=12)
    tell_apart(pair_id=pair.pk, reason="Twins", by=lead, now=NOW)
    assert "said to be different" in refused(two, lead)


def test_it_needs_a_reason_and_the_right_at_both_places(two, lead):
    with pytest.raises(ValidationError):
        merge_patients(survivor_id=two[0].pk, other_id=two[1].pk, choices={}, reason=" ", by=lead, now=NOW)
    elsewhere = make_patient(site=make_site())
    for user, other in ((lead, elsewhere), (make_user(site=two[0].site), two[1])):
        with pytest.raises(PermissionDenied):
            merge((two[0], other), user)
    both = make_user(Role.LEAD, sites=[two[0].site, elsewhere.site])
    merge((two[0], elsewhere), both)
    elsewhere.refresh_from_db()
    assert elsewhere.status == "merged"


def test_a_coordinator_of_another_place_cannot_lead_here(two, lead):
    Patient.objects.filter(pk=two[1].pk).update(coordinator=make_user())
    assert "does not work with patients" in refused(two, lead, coordinator="other")


# --- what is left of the other ---------------------------------------------------------------------------


def test_the_merged_record_is_gone_and_its_number_finds_the_survivor(two, lead):
    merged = merge(two, lead)
    two[1].refresh_from_db()
    assert two[1].status == PatientStatus.MERGED
    found = find_patients(lead, "B-2", today=NOW.date())
    assert [patient.pk for patient in found.patients] == [two[0].pk]
    undo(merged, lead)
    found = find_patients(lead, "B-2", today=NOW.date())
    assert [patient.pk for patient in found.patients] == [two[1].pk]


def test_nothing_more_is_written_into_a_merged_record(two, lead):
    merge(two, lead)
    with pytest.raises(NotAllowed, match="was merged into"):
        add_note(patient_id=two[1].pk, body="Feet swollen", by=lead, now=NOW)
    with pytest.raises(NotAllowed, match="was merged into"):
        enter_patient_in_error(patient_id=two[1].pk, reason="Gone", by=lead, now=NOW)


def test_both_histories_and_the_trail_tell_of_it(two, lead):
    merged = merge(two, lead)
    undo(merged, lead)
    assert list(two[0].changes.values_list("step", flat=True)) == ["take_in", "give_back"]
    assert list(two[1].changes.values_list("step", flat=True)) == ["merge", "stand_active"]
    for action in ("merge", "unmerge"):
        about = AuditEvent.objects.filter(entity="patients.patientmerge", action=action)
        assert {event.patient_id for event in about} == {two[0].pk, two[1].pk}


def test_somebody_editing_meanwhile_is_told(two, lead):
    Patient.objects.filter(pk=two[0].pk).update(city="")
    Patient.objects.filter(pk=two[1].pk).update(city="Cedar Falls")
    seen = Patient.objects.get(pk=two[0].pk).version
    merge(two, lead)
    from coordinator.db import Conflict

    with pytest.raises(Conflict):
        update_patient(patient_id=two[0].pk, version=seen, by=lead, now=NOW, city="Riverbend")


# --- taking it back --------------------------------------------------------------------------------------


def test_the_latest_merge_is_taken_apart_first(site, two, lead):
    third, fourth = make_patient(site=site), make_patient(site=site)
    first = merge(two, lead)
    second = merge((two[0], third), lead)
    chained = merge((fourth, two[0]), lead)
    for early in (first, second):
        with pytest.raises(NotAllowed, match="later merge"):
            undo(early, lead)
    found = find_patients(lead, "B-2", today=NOW.date())
    assert [patient.pk for patient in found.patients] == [fourth.pk]
    for merged in (chained, second, first):
        undo(merged, lead)
    assert set(Patient.objects.values_list("status", flat=True)) == {"active"}
    with pytest.raises(NotAllowed, match="taken apart already"):
        undo(first, lead)


def test_the_pair_is_decided_by_the_merge_and_asked_about_again_after_it(two, lead):
    low, high = sorted(two, key=lambda patient: patient.pk)
    pair = PossibleDuplicate.objects.create(one=low, two=high, points=12)
    merged = merge(two, lead)
    pair.refresh_from_db()
    assert (pair.state, pair.decided_by, pair.decided_at) == ("merged", lead, NOW)
    undo(merged, lead)
    pair.refresh_from_db()
    assert (pair.state, pair.decided_by, pair.decided_at, pair.reason) == ("open", None, None, "")


def test_what_was_written_since_stays_with_the_survivor_and_a_moved_row_keeps_its_change(two, lead):
    phone = make_phone(two[1])
    merged = merge(two, lead)
    update_contact_point(contact_point_id=phone.pk, by=lead, now=NOW, use="work")
    note = add_note(patient_id=two[0].pk, body="Feet swollen", by=lead, now=NOW)
    assert stays_with_survivor(merged) == {Note: 1}
    assert undo(merged, lead).stayed == 1
    note.refresh_from_db()
    phone.refresh_from_db()
    assert note.patient_id == two[0].pk
    assert (phone.patient_id, phone.use) == (two[1].pk, "work")


def test_taking_apart_needs_a_reason_and_the_right_at_both_places(two, lead):
    merged = merge(two, lead)
    with pytest.raises(ValidationError):
        unmerge_patients(merge_id=merged.pk, reason=" ", by=lead, now=NOW)
    with pytest.raises(PermissionDenied):
        undo(merged, make_user(site=two[0].site))
    with pytest.raises(PermissionDenied):
        undo(merged, make_user(Role.LEAD))


def test_the_account_of_a_merge_changes_only_once(two, lead):
    merged = merge(two, lead)
    for change in (lambda: PatientMerge.objects.update(reason="x"), lambda: merged.delete()):
        with (
            pytest.raises((InternalError, ProgrammingError), match="only by taking it back"),
            transaction.atomic(),
        ):
            change()
    undo(merged, lead)
    with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
        PatientMerge.objects.update(undone_reason="x")


# --- two people at once -----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_people_merge_the_same_two_the_other_way_round_and_one_of_them_is_told():
    site = make_site()
    lead = make_user(Role.LEAD, site=site)
    one, two = make_patient(site=site), make_patient(site=site)
    outcomes, ready = [], threading.Barrier(2)

    def run(pair):
        try:
            ready.wait()
            merge(pair, lead)
            outcomes.append("merged")
        except NotAllowed as error:
            outcomes.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[pair]) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["One of these records was merged already.", "merged"]
    assert PatientMerge.objects.count() == 1
