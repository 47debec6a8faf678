"""Coverage in its order, with numbers that are doubted, and checks whether it is in force."""

from __future__ import annotations

import datetime
import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coordinator.db import Conflict
from coordinator.tests.factories import make_site, make_user
from patients import eligibility, services
from patients.models import Coverage, EligibilityCheck, Patient
from patients.record_selectors import with_checks
from patients.rules.doubts import Doubt
from patients.tests.factories import make_patient

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)


@pytest.fixture
def dana(client):
    user = make_user(site=make_site())
    client.force_login(user)
    return user


@pytest.fixture
def elena(dana):
    return make_patient(site=dana.sites.get())


def add(patient, by, payer, **more):
    return services.add_coverage(patient_id=patient.pk, payer_name=payer, by=by, now=NOW, **more)


def order(patient):
    rows = Coverage.objects.filter(patient=patient, status="active").order_by("rank")
    return [(row.rank, row.payer_name) for row in rows]


# --- the order --------------------------------------------------------------------------------------------


def test_each_comes_after_the_others_unless_it_names_its_place(elena, dana):
    add(elena, dana, "Medicare")
    add(elena, dana, "Employer")
    add(elena, dana, "Auto accident", rank=1)
    assert order(elena) == [(1, "Auto accident"), (2, "Medicare"), (3, "Employer")]


def test_a_place_far_beyond_the_end_is_the_end(elena, dana):
    add(elena, dana, "Medicare", rank=7)
    assert order(elena) == [(1, "Medicare")]


def test_one_place_up_and_down(elena, dana):
    one, two, three = (add(elena, dana, name) for name in ("A1", "B2", "C3"))
    services.move_coverage(coverage_id=three.pk, up=True, by=dana, now=NOW)
    assert [name for _rank, name in order(elena)] == ["A1", "C3", "B2"]
    services.move_coverage(coverage_id=one.pk, up=False, by=dana, now=NOW)
    assert [name for _rank, name in order(elena)] == ["C3", "A1", "B2"]
    services.move_coverage(coverage_id=three.pk, up=True, by=dana, now=NOW)
    services.move_coverage(coverage_id=two.pk, up=False, by=dana, now=NOW)
    assert [name for _rank, name in order(elena)] == ["C3", "A1", "B2"]


def test_changing_the_place_at_entry_moves_the_others(elena, dana):
    _one, _two, three = (add(elena, dana, name) for name in ("A1", "B2", "C3"))
    services.update_coverage(coverage_id=three.pk, rank=1, group_number="77", by=dana, now=NOW)
    assert order(elena) == [(1, "C3"), (2, "A1"), (3, "B2")]
    assert Coverage.objects.get(pk=three.pk).group_number == "77"


def test_when_one_ends_the_others_move_up(elena, dana):
    one, _two = (add(elena, dana, name) for name in ("A1", "B2"))
    services.end_coverage(coverage_id=one.pk, by=dana, now=NOW)
    assert order(elena) == [(1, "B2")]
    with pytest.raises(Conflict):
        services.move_coverage(coverage_id=one.pk, up=True, by=dana, now=NOW)


def test_put_back_it_has_its_place_again(elena, dana):
    first = add(elena, dana, "Medicare")
    add(elena, dana, "Employer")
    add(elena, dana, "Auto accident")
    services.enter_entry_in_error(kind="coverage", entry_id=first.pk, reason="A slip", by=dana, now=NOW)
    with pytest.raises(Conflict):
        services.update_coverage(coverage_id=first.pk, plan_name="Gold", by=dana, now=NOW)
    assert order(elena) == [(1, "Employer"), (2, "Auto accident")]
    services.put_entry_back(kind="coverage", entry_id=first.pk, by=dana, now=NOW)
    assert order(elena) == [(1, "Medicare"), (2, "Employer"), (3, "Auto accident")]


def test_put_back_where_fewer_are_left_it_is_the_last(elena, dana):
    first, second, third = (add(elena, dana, name) for name in ("Medicare", "Employer", "Auto accident"))
    for policy in (third, second):
        services.enter_entry_in_error(kind="coverage", entry_id=policy.pk, reason="A slip", by=dana, now=NOW)
    services.end_coverage(coverage_id=first.pk, by=dana, now=NOW)
    services.put_entry_back(kind="coverage", entry_id=third.pk, by=dana, now=NOW)
    assert order(elena) == [(1, "Auto accident")]


def test_the_database_holds_each_place_once(elena):
    Coverage.objects.create(patient=elena, payer_name="A1", rank=1)
    Coverage.objects.create(patient=elena, payer_name="Old", rank=1, status="ended")
    with pytest.raises(IntegrityError), transaction.atomic():
        Coverage.objects.create(patient=elena, payer_name="B2", rank=1)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.none() | st.integers(1, 5)),
        st.tuples(st.sampled_from(["up", "down", "end", "error"]), st.integers(0, 5)),
        st.tuples(st.just("rank"), st.tuples(st.integers(0, 5), st.integers(1, 9))),
    ),
    max_size=9,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(steps)
def test_whatever_is_done_the_places_are_one_two_three(elena, dana, steps):
    with transaction.atomic():
        for what, value in steps:
            active = list(Coverage.objects.filter(patient=elena, status="active").order_by("rank"))
            if what == "add":
                add(elena, dana, f"Payer {len(active)}", rank=value)
                continue
            number, rank = value if what == "rank" else (value, None)
            if not active:
                continue
            call = {"coverage_id": active[number % len(active)].pk, "by": dana, "now": NOW}
            if what == "rank":
                services.update_coverage(rank=rank, **call)
            elif what in ("up", "down"):
                services.move_coverage(up=what == "up", **call)
            else:
                services.end_coverage(in_error=what == "error", **call)
            ranks = [rank for rank, _name in order(elena)]
            assert ranks == list(range(1, len(ranks) + 1))
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_two_people_moving_at_once_leave_each_place_once():
    user = make_user(site=make_site())
    patient = make_patient(site=user.sites.get())
    rows = [add(patient, user, name) for name in ("A1", "B2", "C3", "D4")]
    ready = threading.Barrier(2)

    def move(row, up):
        try:
            ready.wait(5)
            services.move_coverage(coverage_id=row.pk, up=up, by=user, now=NOW)
        finally:
            connection.close()

    threads = [threading.Thread(target=move, args=args) for args in ((rows[3], True), (rows[1], False))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [rank for rank, _name in order(patient)] == [1, 2, 3, 4]


# --- what looks wrong --------------------------------------------------------------------------------------


def test_a_doubtful_number_is_refused_once_and_can_be_kept(elena, dana):
    with pytest.raises(Doubt) as doubt:
        add(elena, dana, "Medicare", member_id="1EG4", keep=False)
    assert "member_id" in doubt.value.message_dict
    assert add(elena, dana, "Medicare", member_id="1EG4", keep=True).member_id == "1EG4"


def test_two_primaries_in_the_same_time_are_said(elena, dana):
    day = datetime.date
    old = add(elena, dana, "A1", starts_on=day(2026, 1, 1))
    services.end_coverage(coverage_id=old.pk, ends_on=day(2026, 12, 31), by=dana, now=NOW)
    with pytest.raises(Doubt) as doubt:
        add(elena, dana, "B2", starts_on=day(2026, 11, 1), keep=False)
    assert "A1 was the primary coverage in part of this time" in str(doubt.value)
    assert add(elena, dana, "B2", starts_on=day(2027, 1, 1), keep=False).rank == 1


def test_somebody_elses_policy_names_them(elena, dana):
    with pytest.raises(ValidationError) as refusal:
        add(elena, dana, "A1", relationship_to_subscriber="spouse")
    assert "subscriber_name" in refusal.value.message_dict
    kept = add(elena, dana, "A1", relationship_to_subscriber="spouse", subscriber_name="Jorge Ramírez")
    assert kept.subscriber_name == "Jorge Ramírez"


def test_the_page_asks_before_it_keeps_a_doubtful_number(client, elena, dana):
    where = reverse("patients:entry_new", args=[elena.pk, "coverage"])
    typed = {"payer_name": "Medicare", "member_id": "1SG4-TE5-MK73"}
    asked = client.post(where, typed)
    page = asked.content.decode()
    assert asked.status_code == 422
    assert "Character 2" in page
    assert 'type="checkbox" name="keep"' in page
    assert "1SG4-TE5-MK73" in page
    details = client.post(where, {**typed, "keep": "on"}, follow=True).content.decode()
    assert "Check the number" in details
    assert "Character 2" in details


def test_the_page_moves_it(client, elena, dana):
    add(elena, dana, "A1")
    two = add(elena, dana, "B2")
    page = client.post(reverse("patients:coverage_move", args=[two.pk, "up"]), follow=True)
    assert page.status_code == 200
    assert order(elena) == [(1, "B2"), (2, "A1")]
    assert client.post(reverse("patients:coverage_move", args=[two.pk, "sideways"])).status_code == 404


# --- checks ---------------------------------------------------------------------------------------------------


def check(coverage, by, result="active", now=NOW, **more):
    return services.record_eligibility_check(
        coverage_id=coverage.pk, method="portal", result=result, by=by, now=now, **more
    )


def test_a_check_stands_on_the_policy_until_it_is_thirty_days_old(elena, dana):
    policy = add(elena, dana, "A1")
    assert with_checks(elena, NOW)[0].is_stale
    check(policy, dana, copay="$20", reference="R-1")
    (row,) = with_checks(elena, NOW + datetime.timedelta(days=30))
    assert (row.latest_check.copay, row.is_stale, row.place) == ("$20", False, "Primary")
    assert with_checks(elena, NOW + datetime.timedelta(days=30, seconds=1))[0].is_stale


def test_a_check_taken_back_leaves_the_one_before(elena, dana):
    policy = add(elena, dana, "A1")
    earlier = NOW - datetime.timedelta(days=40)
    check(policy, dana, now=earlier)
    wrong = check(policy, dana, "inactive")
    services.enter_check_in_error(check_id=wrong.pk, reason="Other plan", by=dana, now=NOW)
    policy.refresh_from_db()
    assert policy.checked_at == earlier
    with pytest.raises(Conflict):
        services.enter_check_in_error(check_id=wrong.pk, reason="Again", by=dana, now=NOW)
    with pytest.raises(ValidationError):
        services.enter_check_in_error(check_id=policy.checks.last().pk, reason=" ", by=dana, now=NOW)


def test_what_was_entered_in_error_is_not_checked(elena, dana):
    policy = add(elena, dana, "A1")
    services.end_coverage(coverage_id=policy.pk, in_error=True, reason="Twin", by=dana, now=NOW)
    with pytest.raises(Conflict):
        check(policy, dana)


def test_the_page_records_a_check_and_lists_the_earlier_ones(client, elena, dana):
    policy = add(elena, dana, "A1")
    where = reverse("patients:coverage_check", args=[policy.pk])
    assert "not checked here yet" in client.get(where).content.decode()
    assert client.post(where, {"method": "phone"}).status_code == 422
    page = client.post(where, {"method": "phone", "result": "inactive", "reference": "R-77"}, follow=True)
    assert "not active" in page.content.decode()
    assert "R-77" in client.get(where).content.decode()
    row = EligibilityCheck.objects.get()
    back = client.post(reverse("patients:check_in_error", args=[row.pk]), {"reason": "Twin"}, follow=True)
    assert "taken back: Twin" in back.content.decode()


def test_an_electronic_desk_fills_the_form_and_saves_nothing(client, elena, dana, monkeypatch):
    asked = []

    class Sandbox:
        method = "interface"

        def ask(self, question):
            asked.append(question)
            return eligibility.Answer("inactive", reference="271-9")

    monkeypatch.setattr(eligibility, "DESK", Sandbox())
    policy = add(elena, dana, "A1", member_id="A1-12345")
    page = client.get(reverse("patients:coverage_check", args=[policy.pk])).content.decode()
    assert "271-9" in page
    assert asked[0].member_id == "A1-12345"
    assert not EligibilityCheck.objects.exists()


# --- at registration ----------------------------------------------------------------------------------------


def test_registration_doubts_a_number_and_keeps_it_with_a_tick(client, dana):
    typed = {
        "given_name": "Elena",
        "family_name": "Stone",
        "birth_date_month": "3",
        "birth_date_day": "14",
        "birth_date_year": "1958",
        "sex": "female",
        "tier": "1",
        "site": str(dana.sites.get().pk),
        "phone-0-use": "mobile",
        "phone-1-use": "mobile",
        "payer_name": "Medicare",
        "member_id": "1EG4-TE5-MK7",
    }
    asked = client.post(reverse("patients:patient_new"), typed)
    assert asked.status_code == 422
    assert "this one has 10" in asked.content.decode()
    assert 'type="checkbox" name="keep_number"' in asked.content.decode()
    assert not Patient.objects.exists()
    client.post(reverse("patients:patient_new"), {**typed, "keep_number": "on"})
    assert Coverage.objects.get().member_id == "1EG4-TE5-MK7"


# --- entries that are there already, and days outside a life ---------------------------------------------


@pytest.mark.parametrize(
    ("kind", "first", "again"),
    [
        ("medicine", {"name": "Furosemide 40 mg"}, {"name": " FUROSEMIDE  40 mg"}),
        ("allergy", {"substance": "Penicilína"}, {"substance": "penicilina"}),
        ("problem", {"name": "Heart failure", "code": "I50.22"}, {"name": "CHF", "code": "I50.22"}),
    ],
)
def test_the_same_entry_twice_is_asked_about(client, elena, dana, kind, first, again):
    where = reverse("patients:entry_new", args=[elena.pk, kind])
    client.post(where, first)
    asked = client.post(where, again)
    assert asked.status_code == 422
    assert "is on the list already" in asked.content.decode()
    assert client.post(where, {**again, "keep": "on"}).status_code == 302


def test_a_day_outside_the_patients_life_is_asked_about(client, elena, dana):
    where = reverse("patients:entry_new", args=[elena.pk, "problem"])
    asked = client.post(where, {"name": "Asthma", "onset_on": "1950-01-01"})
    assert "before the patient was born" in asked.content.decode()
    Patient.objects.filter(pk=elena.pk).update(deceased_on=timezone.localdate() - datetime.timedelta(days=9))
    late = client.post(where, {"name": "Asthma", "onset_on": str(timezone.localdate())})
    assert "after the patient died" in late.content.decode()
    assert client.post(where, {"name": "Asthma", "onset_on": "1980-01-01"}).status_code == 302


def test_an_entry_that_ended_does_not_stand_in_the_way(client, elena, dana):
    pill = services.add_medication(patient_id=elena.pk, name="Aspirin", by=dana, now=NOW)
    services.change_medication(medication_id=pill.pk, status="stopped", by=dana, now=NOW)
    where = reverse("patients:entry_new", args=[elena.pk, "medicine"])
    assert client.post(where, {"name": "Aspirin"}).status_code == 302
