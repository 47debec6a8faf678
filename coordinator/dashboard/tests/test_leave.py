"""Going on leave: who stands in, what they see and until when, and what comes back."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careplans import services as work
from careplans.models import Task
from careplans.permissions import can_assign
from careplans.tests.factories import make_plan, make_task
from coordinator.accounts import cover as services
from coordinator.accounts.models import Delegation, User
from coordinator.audit.models import AuditEvent
from coordinator.dashboard.counts import open_work
from coordinator.dashboard.handover import done_meanwhile, read_sheet
from coordinator.dashboard.worklist import Wanted, Worklist
from coordinator.db import Conflict
from coordinator.tests.factories import make_cover, make_site, make_user
from patients.models import Patient
from patients.tests.factories import make_patient, restrict
from referrals.tests.factories import make_authorization, make_referral
from scheduling.tests.factories import make_appointment

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 23, 15, tzinfo=ZoneInfo("UTC"))
MONDAY, FRIDAY = date(2026, 11, 30), date(2026, 12, 4)


@pytest.fixture
def site():
    return make_site(zone="America/Chicago")


@pytest.fixture
def dana(site):
    return make_user(site=site, name="Dana Whitfield")


@pytest.fixture
def marcus(site):
    return make_user(site=site, name="Marcus Lee")


@pytest.fixture
def elena(site, dana):
    return make_patient(site=site, coordinator=dana)


def plan(person, delegate, by=None, first=MONDAY, last=FRIDAY, now=NOW):
    return services.plan_cover(
        person=person, delegate=delegate, from_day=first, to_day=last, by=by or person, now=now
    )


def on_list(user, now, view="todo"):
    return {row.task for row in Worklist(User.objects.get(pk=user.pk), Wanted(view=view), now).read().rows}


def at(day, hour=12):
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZONE)


# --- planning ---------------------------------------------------------------------------------------------------


def test_cover_lasts_from_the_first_to_the_end_of_the_last_local_day(dana, marcus):
    cover = plan(dana, marcus)
    assert cover.starts_at == datetime(2026, 11, 30, tzinfo=ZONE)
    assert cover.ends_at == datetime(2026, 12, 5, tzinfo=ZONE)
    assert (cover.first_day, cover.last_day) == (MONDAY, FRIDAY)
    event = AuditEvent.objects.get(action="plan_cover")
    assert (event.entity_id, event.details["delegate"]) == (str(cover.pk), marcus.pk)


def test_two_covers_of_one_person_never_overlap(dana, marcus, site):
    plan(dana, marcus)
    with pytest.raises(Conflict, match="already"):
        plan(dana, make_user(site=site), first=FRIDAY, last=FRIDAY)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_cover(dana, marcus, starts_at=at(MONDAY), ends_at=at(FRIDAY))
    plan(dana, marcus, first=date(2026, 12, 5), last=date(2026, 12, 6))


def test_whoever_stands_in_is_there_and_can_work(dana, marcus, site):
    plan(marcus, make_user(site=site))
    with pytest.raises(ValidationError, match="Marcus Lee is on leave Nov 30, 2026 to Dec 4, 2026"):
        plan(dana, marcus, first=FRIDAY, last=FRIDAY)
    plan(dana, marcus, first=date(2026, 12, 7), last=date(2026, 12, 8))
    for other in (make_user(), make_user("provider", site=site), make_user(site=site, is_active=False), dana):
        with pytest.raises(ValidationError):
            plan(dana, other, first=date(2026, 12, 14), last=date(2026, 12, 15))


def test_who_stands_in_for_somebody_does_not_go_away_meanwhile(dana, marcus, site):
    plan(dana, marcus)
    with pytest.raises(ValidationError, match="covers for Dana Whitfield"):
        plan(marcus, make_user(site=site), first=FRIDAY, last=FRIDAY)


@pytest.mark.parametrize(
    ("first", "last"), [(FRIDAY, MONDAY), (date(2026, 11, 2), date(2026, 11, 3)), (MONDAY, date(2028, 1, 1))]
)
def test_days_that_cannot_be_are_refused(dana, marcus, first, last):
    with pytest.raises(ValidationError):
        plan(dana, marcus, first=first, last=last)


def test_leads_arrange_cover_for_others_at_their_sites_and_coordinators_do_not(dana, marcus, site):
    with pytest.raises(PermissionDenied):
        plan(dana, marcus, by=marcus)
    with pytest.raises(PermissionDenied):
        plan(dana, marcus, by=make_user("manager"))
    assert plan(dana, marcus, by=make_user("lead", site=site)).person == dana


@pytest.mark.django_db(transaction=True)
def test_two_people_cannot_send_each_other_away_at_once():
    site = make_site(zone="America/Chicago")
    pair = make_user(site=site), make_user(site=site)
    ready, outcomes = threading.Barrier(2), []

    def go(person, delegate):
        ready.wait()
        try:
            outcomes.append(plan(person, delegate))
        except ValidationError:
            outcomes.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=order) for order in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(outcome is not None for outcome in outcomes) == 1
    assert Delegation.objects.count() == 1


# --- whose list ---------------------------------------------------------------------------------------------------


def test_from_the_first_to_the_last_day_tasks_are_on_both_lists_and_keep_their_owner(dana, marcus, elena):
    task = make_task(elena, owner=dana)
    plan(dana, marcus)
    day_before, day_after = at(MONDAY, 0) - timedelta(seconds=1), datetime(2026, 12, 5, tzinfo=ZONE)
    assert on_list(marcus, day_before) == set()
    assert on_list(marcus, at(MONDAY, 0)) == {task}
    assert on_list(marcus, day_after - timedelta(seconds=1)) == {task}
    assert on_list(marcus, day_after) == set()
    for moment in (day_before, at(FRIDAY), day_after):
        assert on_list(dana, moment) == {task}
    task.refresh_from_db()
    assert (task.owner, task.previous_owner) == (dana, None)


def test_the_row_says_for_whom_and_until_when(dana, marcus, elena):
    make_task(elena, owner=dana, reason="Missed Nov 20")
    plan(dana, marcus)
    row = Worklist(marcus, Wanted(), at(MONDAY)).read().rows[0]
    assert row.why == "for Dana Whitfield until Dec 4 · Missed Nov 20"


def test_work_that_comes_in_meanwhile_is_on_the_list_too(dana, marcus, elena):
    plan(dana, marcus)
    late = make_task(elena, owner=dana)
    assert on_list(marcus, at(MONDAY)) == {late}


def test_single_rows_go_to_others_and_back(dana, marcus, elena, site):
    ana, here, there = make_user(site=site), make_task(elena, owner=dana), make_task(elena, owner=dana)
    cover = plan(dana, marcus)
    services.assign_parts(delegation_id=cover.pk, parts={there.pk: ana}, by=dana, now=NOW)
    assert (on_list(marcus, at(MONDAY)), on_list(ana, at(MONDAY))) == ({here}, {there})
    services.assign_parts(delegation_id=cover.pk, parts={there.pk: marcus}, by=dana, now=NOW)
    assert (on_list(marcus, at(MONDAY)), on_list(ana, at(MONDAY))) == ({here, there}, set())


def test_giving_everything_to_somebody_else_keeps_the_single_rows(dana, marcus, elena, site):
    ana, task = make_user(site=site), make_task(elena, owner=dana)
    cover = plan(dana, marcus)
    services.change_delegate(delegation_id=cover.pk, delegate=ana, by=dana, now=NOW)
    assert (on_list(marcus, at(MONDAY)), on_list(ana, at(MONDAY))) == (set(), {task})


def test_back_early_at_once_and_twice_is_the_same(dana, marcus, elena):
    make_task(elena, owner=dana)
    cover = plan(dana, marcus)
    back = at(date(2026, 12, 2))
    services.end_cover(delegation_id=cover.pk, by=dana, now=back)
    services.end_cover(delegation_id=cover.pk, by=dana, now=back + timedelta(hours=1))
    cover.refresh_from_db()
    assert (cover.ends_at, cover.ended_early_at) == (back, back)
    assert on_list(marcus, back) == set()
    assert AuditEvent.objects.filter(action="end_cover").count() == 1


def test_a_cover_that_was_cancelled_before_it_began_leaves_the_days_free(dana, marcus):
    cover = plan(dana, marcus)
    services.end_cover(delegation_id=cover.pk, by=dana, now=NOW)
    assert plan(dana, marcus).pk != cover.pk


def test_whoever_stands_in_may_hand_on_only_until_the_end(dana, marcus, elena):
    task = make_task(elena, owner=dana)
    assert not can_assign(User.objects.get(pk=marcus.pk), task)
    cover = make_cover(dana, marcus)
    assert can_assign(User.objects.get(pk=marcus.pk), task)
    services.end_cover(delegation_id=cover.pk, by=dana, now=timezone.now())
    assert not can_assign(User.objects.get(pk=marcus.pk), task)


def test_whoever_got_a_single_row_may_hand_on_that_one_alone(dana, marcus, elena, site):
    ana, given, other = make_user(site=site), make_task(elena, owner=dana), make_task(elena, owner=dana)
    cover = make_cover(dana, marcus)
    services.assign_parts(delegation_id=cover.pk, parts={given.pk: ana}, by=dana, now=timezone.now())
    assert [can_assign(User.objects.get(pk=ana.pk), task) for task in (given, other)] == [True, False]
    assert [can_assign(User.objects.get(pk=marcus.pk), task) for task in (given, other)] == [False, True]


def test_restricted_records_open_to_whoever_stands_in_until_the_end(dana, marcus, elena, site):
    restrict(elena, dana)
    task = make_task(elena, owner=dana)
    assert not Patient.objects.visible_to(marcus).filter(pk=elena.pk).exists()
    cover = make_cover(dana, marcus)
    assert Patient.objects.visible_to(marcus).filter(pk=elena.pk).exists()
    assert on_list(marcus, timezone.now()) == {task}
    assert not Patient.objects.visible_to(make_user(site=site)).filter(pk=elena.pk).exists()
    services.end_cover(delegation_id=cover.pk, by=dana, now=timezone.now())
    assert not Patient.objects.visible_to(marcus).filter(pk=elena.pk).exists()


def test_cover_that_somebody_arranged_for_themselves_opens_no_restricted_record(dana, marcus, elena, site):
    restrict(elena, dana)
    lead, task, own = (
        make_user("lead", site=site),
        make_task(elena, owner=dana),
        make_task(owner=dana, site=site),
    )
    today = timezone.localdate()
    cover = plan(dana, lead, by=lead, first=today, last=today + timedelta(days=3), now=timezone.now())
    hidden = Patient.objects.visible_to(lead).filter(pk=elena.pk)
    assert not hidden.exists()
    assert on_list(lead, timezone.now()) == {own}
    services.change_delegate(delegation_id=cover.pk, delegate=marcus, by=lead, now=timezone.now())
    assert on_list(marcus, timezone.now()) == {task, own}
    services.change_delegate(delegation_id=cover.pk, delegate=lead, by=lead, now=timezone.now())
    assert not hidden.exists()
    services.change_delegate(delegation_id=cover.pk, delegate=lead, by=dana, now=timezone.now())
    assert hidden.exists()


def test_sites_stay_walls(dana, marcus, elena):
    other = make_site()
    dana.sites.add(other)
    make_task(make_patient(site=other), owner=dana)
    here = make_task(elena, owner=dana)
    plan(dana, marcus)
    assert on_list(marcus, at(MONDAY)) == {here}


def test_the_rail_counts_what_the_list_shows(dana, marcus, elena, site):
    ana, given_away = make_user(site=site), make_task(elena, owner=dana)
    make_task(elena, owner=dana)
    make_task(elena, owner=marcus)
    make_task(elena, owner=dana, status="on_hold", wake_at=timezone.now() + timedelta(days=1))
    cover = make_cover(dana, marcus)
    services.assign_parts(delegation_id=cover.pk, parts={given_away.pk: ana}, by=dana, now=timezone.now())
    for user in (dana, marcus, ana):
        assert open_work(user)["dashboard:my_work"] == len(on_list(user, timezone.now()))


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["complete", "reassign", "open", "end", "single", "everything"]), st.integers(0, 9)
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_every_task_has_an_owner_at_all_times_and_returns_unless_done(acts):
    """Whatever happens during the cover, an open task is on its owner's list, on at most one other, and afterwards
    on the owner's alone."""
    with transaction.atomic():
        site = make_site(zone="America/Chicago")
        dana, marcus, ana = (make_user(site=site) for _ in range(3))
        elena = make_patient(site=site, coordinator=dana)
        tasks = [make_task(elena, owner=dana) for _ in range(3)]
        cover = plan(dana, marcus)
        for hour, (act, number) in enumerate(acts):
            now, task = at(MONDAY) + timedelta(hours=hour), tasks[number % len(tasks)]
            task.refresh_from_db()
            is_open = task.status == "ready"
            if act == "complete" and is_open:
                work.complete_task(task_id=task.pk, by=marcus, now=now)
            elif act == "reassign" and is_open and task.owner != ana:
                work.reassign_task(task_id=task.pk, owner=ana, by=make_user("lead", site=site), now=now)
            elif act == "open":
                tasks.append(make_task(elena, owner=dana))
            elif act == "end":
                services.end_cover(delegation_id=cover.pk, by=dana, now=now)
            elif act in ("single", "everything") and cover.ends_at > now:
                if act == "single":
                    services.assign_parts(delegation_id=cover.pk, parts={task.pk: ana}, by=dana, now=now)
                else:
                    services.change_delegate(delegation_id=cover.pk, delegate=ana, by=dana, now=now)
            cover.refresh_from_db()
            lists = {user: on_list(user, now) for user in (dana, marcus, ana)}
            for one in Task.objects.open().filter(patient=elena).select_related("owner"):
                holders = [user for user, found in lists.items() if one in found]
                assert one.owner in holders
                covered = one.owner == dana and cover.is_on(now)
                assert len(holders) == (2 if covered else 1)
        after = datetime(2026, 12, 5, tzinfo=ZONE)
        mine = set(Task.objects.open().filter(patient=elena, owner=dana))
        assert on_list(dana, after) == mine
        assert not (on_list(marcus, after) | on_list(ana, after)) & mine
        transaction.set_rollback(True)


# --- the sheet ------------------------------------------------------------------------------------------------------


@pytest.fixture
def cover(dana, marcus):
    return plan(dana, marcus)


def kinds(cover, user):
    return sorted((item.kind, item.what) for item in read_sheet(cover, user, NOW).items)


def test_the_sheet_lists_everything_that_falls_due_by_patient(dana, cover, elena):
    due = at(date(2026, 12, 2))
    make_task(elena, owner=dana, title="Call about the scale", due_at=due)
    make_task(elena, owner=dana, title="Some day", due_at=None)
    make_task(elena, owner=dana, title="Next month", due_at=at(date(2026, 12, 20)))
    make_task(
        elena,
        owner=dana,
        title="Promised to ring",
        status="on_hold",
        wake_at=due,
        held_since=NOW,
        last_contact_at=NOW,
    )
    make_referral(elena, owner=dana, specialty="Cardiology", due_at=due)
    make_authorization(
        elena, owner=dana, service="Echocardiogram", status="approved", ends_on=date(2026, 12, 3)
    )
    make_appointment(patient=elena, start=due)
    make_plan(elena, title="Heart failure", next_review_on=date(2026, 12, 1))
    found = dict(kinds(cover, dana))
    assert set(found) == {"Task", "Call-back", "Referral", "Prior authorization", "Visit", "Plan review"}
    titles = {item.what for item in read_sheet(cover, dana, NOW).items}
    assert {"Call about the scale", "Some day", "Promised to ring"} <= titles
    assert "Next month" not in titles
    assert [bundle.patient for bundle in read_sheet(cover, dana, NOW).bundles] == [elena]


def test_the_sheet_asks_the_same_number_of_questions_however_much_there_is(
    dana, cover, site, django_assert_num_queries
):
    def fill(count):
        for _ in range(count):
            patient = make_patient(site=site, coordinator=dana)
            make_task(patient, owner=dana, due_at=at(MONDAY))
            make_referral(patient, owner=dana, due_at=at(MONDAY))
            make_plan(patient, next_review_on=MONDAY)

    fill(1)
    cover = Delegation.objects.select_related("person", "delegate").get(pk=cover.pk)
    dana = User.objects.get(pk=dana.pk)
    len(dana.site_ids)
    with django_assert_num_queries(8):
        read_sheet(cover, dana, NOW)
    fill(8)
    with django_assert_num_queries(8):
        assert len(read_sheet(cover, dana, NOW).items) == 27


def test_rows_of_a_place_where_the_delegate_does_not_work_are_pointed_out(dana, cover):
    other = make_site()
    dana.sites.add(other)
    make_task(make_patient(site=other), owner=dana, due_at=at(MONDAY))
    assert read_sheet(cover, User.objects.get(pk=dana.pk), NOW).misfits == 1


def test_what_was_done_meanwhile_is_listed(dana, marcus, cover, elena):
    task = make_task(elena, owner=dana, title="Call about the scale")
    work.complete_task(task_id=task.pk, by=marcus, now=at(MONDAY))
    own = make_task(elena, owner=dana, title="Did it myself")
    work.complete_task(task_id=own.pk, by=dana, now=at(MONDAY))
    done = done_meanwhile(cover, dana, at(FRIDAY))
    assert [(one.what, one.who) for one in done] == [("Call about the scale", "Marcus Lee")]


# --- the pages ------------------------------------------------------------------------------------------------------


def days(first, last):
    today = timezone.localdate()
    return {"from_day": today + timedelta(days=first), "to_day": today + timedelta(days=last)}


def test_from_the_menu_to_the_sheet_and_back(client, dana, marcus, elena):
    make_task(elena, owner=dana, title="Call about the scale", due_at=timezone.now() + timedelta(days=1))
    client.force_login(dana)
    assert reverse("dashboard:leave_list") in client.get(reverse("dashboard:my_work")).content.decode()
    new = reverse("dashboard:leave_new")
    assert "Marcus Lee" in client.get(new).content.decode()
    answer = client.post(new, {**days(0, 4), "delegate": marcus.pk, "note": "Keys at the desk"})
    sheet = client.get(answer["Location"]).content.decode()
    assert "Call about the scale" in sheet
    assert "Keys at the desk" in sheet
    cover = Delegation.objects.get(person=dana)
    client.force_login(marcus)
    mine = client.get(reverse("dashboard:my_work")).content.decode()
    assert "You stand in for Dana Whitfield" in mine
    assert "for Dana Whitfield until" in mine
    client.force_login(dana)
    client.post(reverse("dashboard:leave_end", args=[cover.pk]))
    assert "You are back." in client.get(reverse("dashboard:my_work")).content.decode()
    client.force_login(marcus)
    assert "Call about the scale" not in client.get(reverse("dashboard:my_work")).content.decode()


def test_a_wrong_answer_keeps_what_was_typed(client, dana, marcus):
    client.force_login(dana)
    answer = client.post(
        reverse("dashboard:leave_new"), {**days(4, 1), "delegate": marcus.pk, "note": "Keys at the desk"}
    )
    assert answer.status_code == 422
    assert "The last day comes before the first one." in answer.content.decode()
    assert "Keys at the desk" in answer.content.decode()
    assert not Delegation.objects.exists()


def test_rows_and_whole_patients_are_given_out_on_the_sheet(client, dana, marcus, elena, site):
    ana = make_user(site=site, name="Ana Ortiz")
    one, two = (make_task(elena, owner=dana) for _ in range(2))
    cover = make_cover(dana, marcus)
    client.force_login(dana)
    sheet = reverse("dashboard:leave_sheet", args=[cover.pk])
    client.post(sheet, {f"row-{one.pk}": ana.pk, f"row-{two.pk}": marcus.pk})
    assert (on_list(ana, timezone.now()), on_list(marcus, timezone.now())) == ({one}, {two})
    client.post(sheet, {f"all-{elena.pk}": ana.pk, f"row-{two.pk}": marcus.pk})
    assert on_list(ana, timezone.now()) == {one, two}
    client.post(sheet, {"everything": ana.pk})
    cover.refresh_from_db()
    assert cover.delegate == ana


def test_a_restricted_record_goes_only_to_who_may_see_it(client, dana, marcus, elena, site):
    restrict(elena, dana)
    ana, task, cover = make_user(site=site), make_task(elena, owner=dana), make_cover(dana, marcus)
    client.force_login(dana)
    answer = client.post(reverse("dashboard:leave_sheet", args=[cover.pk]), {f"row-{task.pk}": ana.pk})
    assert answer.status_code == 422
    assert "may not see the restricted record" in answer.content.decode()
    assert on_list(marcus, timezone.now()) == {task}


def test_a_colleague_who_has_nothing_to_do_with_it_finds_nothing(client, dana, marcus, site):
    cover = make_cover(dana, marcus)
    sheet, end = (reverse(f"dashboard:leave_{name}", args=[cover.pk]) for name in ("sheet", "end"))
    client.force_login(make_user(site=site))
    assert (client.get(sheet).status_code, client.post(end).status_code) == (404, 404)
    client.force_login(marcus)
    assert (client.get(sheet).status_code, client.post(end).status_code) == (200, 403)
    client.force_login(make_user("manager", site=site))
    assert "Dana Whitfield" in client.get(reverse("dashboard:leave_list")).content.decode()
    assert client.post(end).status_code == 302


def test_a_lead_arranges_leave_for_a_colleague(client, dana, marcus, site):
    client.force_login(make_user("lead", site=site))
    address = f"{reverse('dashboard:leave_new')}?person={dana.pk}"
    assert "Leave of Dana Whitfield" in client.get(address).content.decode()
    assert client.post(address, {**days(1, 4), "delegate": marcus.pk}).status_code == 302
    assert Delegation.objects.get().person == dana
    client.force_login(marcus)
    assert client.get(address).status_code == 403
    stranger = f"{reverse('dashboard:leave_new')}?person={make_user().pk}"
    assert client.get(stranger).status_code == 404
