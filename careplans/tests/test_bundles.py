"""Bundles: dated by the calendar, started once for a patient, cancelled as far as they are not done, kept by managers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from careplans import services
from careplans.bundle_rules import planned_day
from careplans.models import Bundle, BundleItem, StartedBundle, Task
from careplans.setup_selectors import bundles_of, plan_bundle
from careplans.tests.factories import make_bundle, make_bundle_item, make_started_bundle, make_task
from careplans.workflow import TaskStatus
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.clocks.values import Calendar
from coordinator.db import Conflict
from coordinator.tests.factories import make_site, make_team, make_user
from coordinator.workflow import NotAllowed
from patients.models import Patient
from patients.services import inactivate_patient
from patients.tests.factories import make_patient

NOW = datetime(2026, 11, 18, 16, 24, tzinfo=UTC)  # Wednesday, 10:24 AM in Chicago
ZONE = "America/Chicago"
THANKSGIVING = Calendar(
    "Clinic", "1", holidays={date(2026, 11, 26): "Thanksgiving Day", date(2026, 12, 25): "Christmas Day"}
)


def planned(days, counts, anchor_on, calendar=THANKSGIVING):
    return planned_day(
        days=days, counts=counts, anchor_on=anchor_on, anchor="Discharge", zone=ZONE, calendar=calendar,
        rule="After discharge", version=2,
    )  # fmt: skip


# --- the dates ---


@pytest.mark.parametrize(
    ("days", "counts", "anchor_on", "due"),
    [
        (2, "business_days", date(2026, 11, 20), date(2026, 11, 24)),  # Friday: weekend skipped
        (2, "business_days", date(2026, 11, 25), date(2026, 11, 30)),  # Thanksgiving and weekend skipped
        (7, "calendar_days", date(2026, 11, 18), date(2026, 11, 25)),
        (
            7,
            "calendar_days",
            date(2026, 11, 19),
            date(2026, 11, 27),
        ),  # ends on Thanksgiving: the next open day
        (0, "business_days", date(2026, 11, 18), date(2026, 11, 18)),
        (0, "calendar_days", date(2026, 11, 21), date(2026, 11, 23)),  # a Saturday
    ],
)
def test_a_task_is_due_on_an_open_day_counted_from_the_event(days, counts, anchor_on, due):
    found = planned(days, counts, anchor_on)
    assert found.day == due
    assert found.due_at.astimezone(ZoneInfo(ZONE)).strftime("%H:%M") == "23:59"


def test_the_date_says_what_was_skipped_and_which_rule_made_it():
    said = " ".join(planned(2, "business_days", date(2026, 11, 25)).why)
    for words in (
        "Discharge",
        "Thanksgiving Day, not counted",
        "weekend, not counted",
        "After discharge, version 2",
    ):
        assert words in said
    moved = planned(7, "calendar_days", date(2026, 11, 19)).why[0]
    assert "is closed (Thanksgiving Day): moved to the next open day" in moved


@given(
    days=st.integers(0, 90),
    counts=st.sampled_from(["business_days", "calendar_days"]),
    anchor_on=st.dates(date(2024, 1, 1), date(2030, 12, 31)),
    closed=st.sets(st.integers(0, 6), min_size=0, max_size=5),
)
@settings(deadline=None)
def test_the_day_is_open_never_before_its_count_and_grows_with_it(days, counts, anchor_on, closed):
    calendar = Calendar("C", "1", closed_weekdays=frozenset(closed), holidays={date(2026, 7, 3): "Day off"})
    day = planned(days, counts, anchor_on, calendar).day
    assert calendar.is_open(day)
    assert day >= anchor_on + timedelta(days=days)
    assert planned(days + 1, counts, anchor_on, calendar).day >= day
    if counts == "calendar_days":
        passed = (anchor_on + timedelta(days=n) for n in range(days, (day - anchor_on).days))
        assert [one for one in passed if calendar.is_open(one)] == []


# --- starting ---


@pytest.fixture
def patient(db):
    made = make_patient()
    made.coordinator = make_user(site=made.site, name="Dana Whitfield")
    made.save()
    return made


@pytest.fixture
def dana(patient):
    return patient.coordinator


def start(patient, bundle, by, **fields):
    return services.start_bundle(
        **{"patient": patient, "bundle_id": bundle.pk, "anchor_on": date(2026, 11, 18), "by": by, "now": NOW}
        | fields
    )


def test_starting_makes_the_dated_tasks(patient, dana):
    bundle = make_bundle("After discharge", items=2)
    make_bundle_item(
        bundle, title="Compare lists", days=3, checklist=["Hospital", "Home"], next_step="Read both"
    )
    started, tasks = start(patient, bundle, dana)
    assert [task.title for task in tasks] == ["Call number 1", "Call number 2", "Compare lists"]
    days = [timezone.localtime(task.due_at, patient.site.tzinfo).date() for task in tasks]
    assert days == [date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 23)]
    last = tasks[-1]
    assert (last.owner, last.program, last.status) == (dana, "TCM", TaskStatus.READY)
    assert last.checklist == [{"text": "Hospital", "done": False}, {"text": "Home", "done": False}]
    assert (last.reason, last.next_step) == ("After discharge: Discharge Nov 18, 2026", "Read both")
    assert (last.cause_id, last.cause_type) == (started.pk, "careplans.startedbundle")
    assert AuditEvent.objects.filter(entity="careplans.startedbundle", action="start").count() == 1


def test_single_items_can_be_left_out(patient, dana):
    bundle = make_bundle(items=3)
    chosen = bundle.items.all()[1]
    _started, tasks = start(patient, bundle, dana, item_ids={chosen.pk})
    assert [task.title for task in tasks] == ["Call number 2"]
    with pytest.raises(ValidationError, match="at least one"):
        start(patient, bundle, dana, item_ids=set(), anchor_on=date(2026, 11, 19))


def test_the_same_start_happens_once(patient, dana):
    bundle = make_bundle(items=2)
    start(patient, bundle, dana)
    with pytest.raises(Conflict, match="started already"):
        start(patient, bundle, dana)
    assert Task.objects.count() == 2
    start(patient, bundle, dana, anchor_on=date(2026, 11, 20))  # another discharge
    assert Task.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_five_people_start_it_at_once_and_one_set_of_tasks_is_made():
    patient, bundle = make_patient(), make_bundle(items=2)
    people = [make_user(site=patient.site) for _n in range(5)]

    def try_it(by):
        try:
            return len(start(patient, bundle, by)[1])
        except Conflict:
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        made = sorted(pool.map(try_it, people))
    assert made == [0, 0, 0, 0, 2]
    assert Task.objects.count() == 2


def test_a_bundle_that_changed_meanwhile_is_looked_at_again(patient, dana):
    bundle = make_bundle()
    seen = bundle.version
    item = bundle.items.get()
    manager = make_user(Role.MANAGER)
    services.save_item(bundle_id=bundle.pk, item_id=item.pk, days=9, by=manager, now=NOW)
    with pytest.raises(Conflict, match="changed while you looked"):
        start(patient, bundle, dana, version=seen)
    start(patient, bundle, dana, version=seen + 1)


def test_what_is_retired_or_for_nobody_is_not_started(patient, dana):
    bundle = make_bundle(retired_at=NOW)
    with pytest.raises(NotAllowed, match="not offered"):
        start(patient, bundle, dana)
    Patient.objects.filter(pk=patient.pk).update(status="inactive")
    with pytest.raises(NotAllowed, match="not active"):
        start(patient, make_bundle(), dana)


def test_nothing_starts_for_somebody_who_left_while_one_looked(patient, dana):
    bundle = make_bundle()
    looked_at = Patient.objects.select_related("site__calendar", "coordinator").get(pk=patient.pk)
    inactivate_patient(patient_id=patient.pk, reason="Moved", by=dana, now=NOW, cancel_visits=[])
    with pytest.raises(NotAllowed):
        start(looked_at, bundle, dana)
    assert not Task.objects.exists()


def test_only_those_who_work_at_the_place_start(patient):
    for stranger in (make_user(), make_user(Role.PROVIDER, site=patient.site)):
        with pytest.raises(PermissionDenied):
            start(patient, make_bundle(), stranger)
    assert not StartedBundle.objects.exists()


def test_each_item_goes_to_whom_it_names(patient, dana):
    marcus = make_user(site=patient.site, name="Marcus")
    busy, free = (make_user(Role.LEAD, site=patient.site, name=name) for name in ("Amy", "Zoe"))
    make_task(patient, owner=busy)
    first, desk = make_team(patient.site, name="A list"), make_team(patient.site, name="Front desk")
    bundle = make_bundle(items=0)
    for fields in (
        {"goes_to": "coordinator"},
        {"goes_to": "starter"},
        {"goes_to": "team", "team_name": "Front desk"},
        {"goes_to": "team", "team_name": "A list of another place"},
        {"goes_to": "role", "role": "lead"},
    ):
        make_bundle_item(bundle, **fields)
    _started, tasks = start(patient, bundle, marcus)
    assert [(task.owner, task.team) for task in tasks] == [
        (dana, None), (marcus, None), (None, desk), (None, first), (free, None),
    ]  # fmt: skip


def test_without_coordinator_it_goes_to_a_team_list(db):
    patient = make_patient()
    by = make_user(site=patient.site)
    _started, tasks = start(patient, make_bundle(), by)
    assert tasks[0].owner is None
    assert tasks[0].team.site_id == patient.site_id


def test_one_item_or_twenty_are_planned_with_the_same_queries(patient, dana):
    counts = []
    for size in (1, 20):
        bundle = make_bundle(items=size)
        plan_bundle(bundle, patient, date(2026, 11, 18), dana, NOW)
        with CaptureQueriesContext(connection) as captured:
            plan_bundle(bundle, patient, date(2026, 11, 18), dana, NOW)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 4


# --- cancelling ---


def test_cancelling_closes_what_is_left_with_the_reason(patient, dana):
    started, tasks = start(patient, make_bundle(items=3), dana)
    services.complete_task(task_id=tasks[0].pk, by=dana, now=NOW)
    closed = services.cancel_bundle(
        started_id=started.pk, close_reason="no_longer_needed", note="Back in hospital", by=dana, now=NOW
    )
    assert closed == 2
    found = {task.title: (task.status, task.close_reason) for task in Task.objects.all()}
    assert found["Call number 1"] == ("completed", "")
    assert found["Call number 3"] == ("cancelled", "no_longer_needed")
    with pytest.raises(NotAllowed, match="already"):
        services.cancel_bundle(started_id=started.pk, close_reason="refused", by=dana, now=NOW)
    start(patient, started.bundle, dana)  # and may be started again


def test_a_reason_that_does_not_fit_cancels_nothing(patient, dana):
    started, _tasks = start(patient, make_bundle(items=2), dana)
    with pytest.raises(ValidationError):
        services.cancel_bundle(started_id=started.pk, close_reason="other", by=dana, now=NOW)
    assert Task.objects.open().count() == 2
    started.refresh_from_db()
    assert started.cancelled_at is None


# --- for a patient: the pages ---


def page_of(patient):
    return reverse("careplans:start_bundle", args=[patient.pk])


def text(response):
    return response.content.decode()


def test_the_chart_leads_to_a_preview_and_the_tasks_are_made(client, patient, dana):
    bundle = make_bundle("After discharge", items=3)
    client.force_login(dana)
    tasks_page = reverse("dashboard:patient_tasks", args=[patient.pk])
    assert page_of(patient) in text(client.get(tasks_page))
    assert page_of(patient) in text(client.get(f"{reverse('careplans:task_new')}?patient={patient.pk}"))
    assert "After discharge (Discharge)" in text(client.get(page_of(patient)))
    asked = {"bundle": bundle.pk, "anchor_on": "2026-11-25", "next": tasks_page}
    shown = text(client.get(page_of(patient), asked))
    for words in ("Call number 3", "Why this date?", "Thanksgiving Day, not counted", "Dana Whitfield"):
        assert words in shown
    assert "<html" not in text(client.get(page_of(patient), asked, headers={"HX-Request": "true"}))
    keys = [item.pk for item in bundle.items.all()][:2]
    made = client.post(page_of(patient), asked | {"item": keys, "version": bundle.version}, follow=True)
    assert "After discharge: 2 tasks made." in text(made)
    assert made.redirect_chain[0][0] == tasks_page
    assert "2 open" in text(made)
    assert Task.objects.count() == 2


def test_refusals_keep_what_was_ticked(client, patient, dana):
    bundle = make_bundle(items=3)
    client.force_login(dana)
    asked = {"bundle": bundle.pk, "anchor_on": "2026-11-25", "version": bundle.version}
    key = str(bundle.items.first().pk)
    nothing = client.post(page_of(patient), asked)
    assert (nothing.status_code, "Choose at least one task" in text(nothing)) == (422, True)
    start(patient, bundle, dana, anchor_on=date(2026, 11, 25))
    again = client.post(page_of(patient), asked | {"item": [key]})
    assert (again.status_code, "is started already" in text(again)) == (422, True)
    assert text(again).count(" checked>") == 1
    assert Task.objects.count() == 3
    for wrong in ({"anchor_on": "x"}, {"anchor_on": "1999-01-01"}, {"bundle": "x"}):
        assert client.post(page_of(patient), asked | wrong).status_code == 422


def test_the_rest_is_cancelled_from_the_chart(client, patient, dana):
    started, _tasks = start(patient, make_bundle("After discharge", items=2), dana)
    client.force_login(dana)
    address = reverse("careplans:cancel_bundle", args=[started.pk])
    tasks_page = reverse("dashboard:patient_tasks", args=[patient.pk])
    assert address in text(client.get(tasks_page))
    assert "2 tasks are still open" in text(client.get(address))
    assert client.post(address, {}).status_code == 422
    done = client.post(address, {"close_reason": "refused", "next": tasks_page}, follow=True)
    assert "After discharge: 2 tasks closed." in text(done)
    assert "the rest was cancelled" in text(done)
    assert client.post(address, {"close_reason": "refused"}).status_code == 422


def test_a_chart_with_one_bundle_or_ten_takes_the_same_queries(client, patient, dana):
    client.force_login(dana)
    bundle, counts = make_bundle(), []
    for more in (1, 9):
        for _n in range(more):
            make_started_bundle(patient, bundle)
        client.get(reverse("dashboard:patient_tasks", args=[patient.pk]))
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("dashboard:patient_tasks", args=[patient.pk]))
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert len(bundles_of(dana, patient)) == 10


# --- the table ---


@pytest.fixture
def manager(db):
    return make_user(Role.MANAGER, site=make_site())


def test_a_manager_makes_a_bundle_with_its_tasks(client, manager):
    client.force_login(manager)
    listed = reverse("careplans:bundle_list")
    assert "No bundles yet" in text(client.get(listed))
    fields = {"name": "After discharge", "anchor": "Discharge", "program": "TCM", "about": ""}
    assert client.post(reverse("careplans:bundle_new"), fields).status_code == 302
    bundle = Bundle.objects.get()
    add = reverse("careplans:bundle_item_new", args=[bundle.pk])
    item = {
        "title": "Call",
        "kind": "outreach_call",
        "days": 2,
        "counts": "business_days",
        "goes_to": "coordinator",
    }
    for title in ("First call", "Second call"):
        assert client.post(add, item | {"title": title, "checklist": "One\n\nTwo"}).status_code == 302
    shown = text(client.get(reverse("careplans:bundle_edit", args=[bundle.pk])))
    assert "2 business days after: Discharge" in shown
    second = bundle.items.get(title="Second call")
    assert second.checklist == ["One", "Two"]
    client.post(reverse("careplans:bundle_item_step", args=[second.pk, "up"]))
    assert [one.title for one in bundle.items.all()] == ["Second call", "First call"]
    edit = reverse("careplans:bundle_item_edit", args=[second.pk])
    assert 'value="Second call"' in text(client.get(edit))
    client.post(edit, item | {"title": "Later call", "days": 5})
    client.post(
        reverse("careplans:bundle_item_step", args=[bundle.items.get(title="First call").pk, "remove"])
    )
    assert [(one.title, one.days) for one in bundle.items.all()] == [("Later call", 5)]
    client.post(reverse("careplans:bundle_step", args=[bundle.pk, "retire"]))
    assert not Bundle.objects.offered().exists()
    client.post(reverse("careplans:bundle_step", args=[bundle.pk, "restore"]))
    assert Bundle.objects.offered().exists()
    assert AuditEvent.objects.filter(entity="careplans.bundle").count() > 6


def test_bad_input_is_said_at_the_field_and_the_typing_stays(client, manager):
    client.force_login(manager)
    bundle = make_bundle("After discharge", items=0)
    again = client.post(reverse("careplans:bundle_new"), {"name": "AFTER discharge", "anchor": "Stay"})
    assert (again.status_code, "bundle with this name already" in text(again)) == (422, True)
    assert 'value="Stay"' in text(again)
    add = reverse("careplans:bundle_item_new", args=[bundle.pk])
    item = {"title": "Call", "kind": "outreach_call", "days": 2, "counts": "business_days", "goes_to": "role"}
    for wrong, said in (
        ({}, "Choose the role"),
        ({"days": 9999}, "id_days_error"),
        ({"days": -1}, "id_days_error"),
        ({"title": ""}, "id_title_error"),
    ):
        answer = client.post(add, item | wrong)
        assert (answer.status_code, said in text(answer)) == (422, True), wrong
    assert not BundleItem.objects.exists()


def test_only_those_who_manage_settings_keep_bundles(patient, dana):
    with pytest.raises(PermissionDenied):
        services.save_bundle(name="Mine", anchor="Stay", by=dana, now=NOW)


def test_one_bundle_or_twenty_take_the_same_queries(client, manager):
    client.force_login(manager)
    counts = []
    for more in (1, 19):
        for _n in range(more):
            make_bundle()
        client.get(reverse("careplans:bundle_list"))
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("careplans:bundle_list"))
        counts.append(len(captured))
    assert counts[0] == counts[1]
