"""Merging across apps: everything that names a patient goes along and comes back, and nobody meets who is gone."""

from __future__ import annotations

import datetime

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careplans.models import CarePlan, ContactAttempt, Goal, Task
from careplans.services import open_task
from careplans.tests.factories import make_goal, make_intervention, make_plan, make_task
from coordinator.accounts.roles import Role
from coordinator.dashboard.models import PinnedPatient
from coordinator.imports.models import SourceRecord
from coordinator.messaging.models import Message
from coordinator.tests.factories import make_site, make_user, number
from coordinator.workflow import NotAllowed, System
from patients.merge_fields import BY_RULE, CHOOSABLE, OWN
from patients.merging import PARTS, STAYS
from patients.models import Patient, PatientMerge
from patients.services import merge_patients, plan_merge, unmerge_patients
from patients.tests.charts import charts, draw, everything
from patients.tests.factories import make_patient, make_phone
from referrals.tests.factories import make_authorization, make_payer, make_referral
from scheduling.models import Appointment
from scheduling.tests.factories import make_appointment, make_service

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)
OURS = ("coordinator", "patients", "careplans", "referrals", "scheduling")


@pytest.fixture
def lead(db):
    return make_user(Role.LEAD, site=make_site())


@pytest.fixture
def two(lead):
    site = lead.sites.get()
    return make_patient(site=site, mrn="A-1"), make_patient(site=site, mrn="B-2")


def merge(pair, lead, **choices):
    survivor, other = pair
    return merge_patients(
        survivor_id=survivor.pk, other_id=other.pk, choices=choices, reason="Same person", by=lead, now=NOW
    )


def undo(merged, lead):
    return unmerge_patients(merge_id=merged.pk, reason="They are cousins", by=lead, now=NOW)


# --- nothing is forgotten ----------------------------------------------------------------------------------


def named_columns(models_of):
    """Columns that may name a patient: foreign keys to it, and plain keys that say no model."""
    for model in models_of:
        for field in model._meta.concrete_fields:
            plain = isinstance(field, models.UUIDField) and not field.is_relation and not field.primary_key
            if plain or field.related_model is Patient:
                yield f"{model._meta.label_lower}.{field.name}"


def our_models():
    made_for_many = [m for m in apps.get_models(include_auto_created=True) if m is not ContentType]
    return [model for model in made_for_many if model.__module__.startswith(OURS)]


def test_every_column_that_may_name_a_patient_is_moved_or_stays_for_a_reason():
    columns, moved = set(named_columns(our_models())), {part.name for part in PARTS}
    assert columns - moved - set(STAYS) == set(), (
        "say in an app's merging.py or in STAYS what becomes of these"
    )
    assert (moved | set(STAYS)) - columns == set(), "no such columns any more"
    assert moved & set(STAYS) == set()
    assert all(STAYS.values())
    assert len(moved) == len(PARTS), "named twice"


def test_a_new_model_would_be_noticed():
    class Allowance(models.Model):
        patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")

        class Meta:
            app_label = "patients"
            managed = False

    try:
        assert list(named_columns([Allowance])) == ["patients.allowance.patient"]
        assert "patients.allowance.patient" not in {part.name for part in PARTS} | set(STAYS)
    finally:
        del apps.all_models["patients"]["allowance"]
        apps.clear_cache()


def test_every_field_of_a_patient_is_chosen_ruled_or_the_survivors_own():
    fields = [field.name for field in Patient._meta.concrete_fields]
    assert sorted((*CHOOSABLE, *BY_RULE, *OWN)) == sorted(fields)


# --- the property, with the rows of every app ---------------------------------------------------------------

work = st.fixed_dictionaries(
    {
        "plans": st.lists(st.tuples(st.sampled_from(["CCM", "PCM"]), st.sampled_from(["active", "draft"])), max_size=2),
        "tasks": st.lists(st.sampled_from(["ready", "cancelled", "failed_message"]), max_size=3),
        "visits": st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["booked", "fulfilled", "cancelled"])), max_size=2),
        "referrals": st.integers(0, 2),
        "pinned": st.booleans(),
        "imported": st.booleans(),
    }
)  # fmt: skip


def draw_work(chart, patient, user, service):
    """Plans, tasks, visits, referrals, messages, pins and notes of where rows came from."""
    for program, status in dict(chart["plans"]).items():
        goal = make_goal(make_plan(patient, program=program, status=status))
        make_intervention(goal)
    for kind in chart["tasks"]:
        fields = {"status": "cancelled", "ended_at": NOW} if kind == "cancelled" else {}
        if (
            kind == "failed_message"
            and not Task.objects.filter(dedupe_key__contains=str(patient.pk)).exists()
        ):
            fields["dedupe_key"] = f"message_failed:{patient.pk}:sms"
        task = make_task(patient, owner=user, cause_id=patient.pk, cause_type="patients.patient", **fields)
        ContactAttempt.objects.create(patient=patient, task=task, outcome="no_answer", reached=False, at=NOW)
    day = NOW + datetime.timedelta(days=5)
    for hour, status in dict(chart["visits"]).items():
        start = day + datetime.timedelta(hours=hour)
        visit = make_appointment(patient, start=start, service=service, practitioner=None, status=status)
        Message.objects.create(
            key=f"{visit.pk}:1d", purpose="visit_reminder", about_type="scheduling.appointment", about_id=visit.pk,
            patient_id=patient.pk, site=visit.site, channel="sms", address="+16125550143", send_after=start,
            created_at=NOW,
        )  # fmt: skip
    for _n in range(chart["referrals"]):
        referral = make_referral(patient, owner=user)
        make_authorization(patient, owner=user, payer=make_payer(), referral=referral)
    if chart["pinned"]:
        PinnedPatient.objects.create(user=user, patient=patient, pinned_at=NOW)
    if chart["imported"]:
        SourceRecord.objects.create(
            system="s",
            resource_type="Patient",
            key=patient.mrn,
            model="patients.patient",
            object_id=patient.pk,
        )


@given(charts=st.tuples(charts, charts), works=st.tuples(work, work), status=st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_merging_and_taking_apart_leaves_every_row_of_every_app_as_it_was(charts, works, status):
    with transaction.atomic():
        merge_and_take_apart(charts, works, {"status": "other"} if status else {})
        transaction.set_rollback(True)


def merge_and_take_apart(charts, works, choices):
    user = make_user(Role.LEAD, site=make_site())
    service = make_service(minutes=30)
    pair = [draw(chart, user.sites.get(), user) for chart in charts]
    for patient, chart in zip(pair, works, strict=True):
        draw_work(chart, patient, user, service)
    before = everything()
    try:
        merged = merge(pair, user, **choices)
    except NotAllowed:
        assert everything() == before
        return
    left = {name for part in PARTS if part.rows_of(pair[1]).exists() for name in [part.name]}
    assert left <= {"dashboard.pinnedpatient.patient"}
    undo(merged, user)
    after = everything()
    if pair[0].status != Patient.objects.get(pk=pair[0].pk).status or merged.fields.get("status"):
        # Somebody's standing changed: reminders were taken back and are planned anew, as after any such step.
        before.pop("messaging.message")
        after.pop("messaging.message")
    assert after == before


def test_the_snapshot_of_the_property_notices_a_change(two):
    before = everything()
    Patient.objects.filter(pk=two[0].pk).update(city="Elsewhere")
    assert everything() != before


# --- collisions ---------------------------------------------------------------------------------------------


def test_overlapping_visits_are_refused_with_both_by_name(two, lead):
    start = NOW + datetime.timedelta(days=2)
    make_appointment(two[0], start=start, service=make_service(name="Wound care"))
    late = make_appointment(
        two[1],
        start=start + datetime.timedelta(minutes=15),
        service=make_service(name="Dressing"),
        practitioner=None,
    )
    with pytest.raises(NotAllowed) as refusal:
        merge(two, lead)
    assert "Wound care on" in str(refusal.value)
    assert "Dressing on" in str(refusal.value)
    assert late.site.name in str(refusal.value)
    assert not PatientMerge.objects.exists()
    Appointment.objects.filter(pk=late.pk).update(patient_overlap_allowed=True, override_reason="Two at once")
    merge(two, lead)


def test_two_active_plans_of_one_program_are_refused_with_both_titles(two, lead):
    make_plan(two[0], program="CCM", title="Heart failure")
    make_plan(two[1], program="CCM", title="Diabetes")
    with pytest.raises(NotAllowed, match="“Heart failure” and “Diabetes”"):
        merge(two, lead)
    CarePlan.objects.filter(title="Diabetes").update(program="PCM")
    merge(two, lead)


def test_automatic_tasks_name_the_survivor_unless_one_is_open_there(two, lead):
    mine, yours = (
        make_task(patient, title="Text failed", dedupe_key=f"message_failed:{patient.pk}:sms")
        for patient in two
    )
    other = make_task(two[1], dedupe_key=f"message_failed:{two[1].pk}:email")
    plan = plan_merge(survivor=two[0], other=two[1], choices={}, now=NOW)
    assert "Both have the open task “Text failed”. Both stay; close one of them." in plan.says
    merge(two, lead)
    for task in (mine, yours, other):
        task.refresh_from_db()
        assert (task.patient_id, task.status) == (two[0].pk, "ready")
    assert yours.dedupe_key == f"message_failed:{two[1].pk}:sms"
    assert other.dedupe_key == f"message_failed:{two[0].pk}:email"


def test_who_pinned_both_keeps_one_pin_and_gets_both_back(two, lead):
    for patient in two:
        PinnedPatient.objects.create(user=lead, patient=patient, pinned_at=NOW)
    merged = merge(two, lead)
    assert PinnedPatient.objects.filter(patient=two[0]).count() == 1
    undo(merged, lead)
    assert PinnedPatient.objects.filter(patient=two[1]).count() == 1


def test_what_hangs_on_a_row_that_goes_back_goes_with_it(two, lead):
    plan = make_plan(two[1], program="CCM")
    visit = make_appointment(two[1], start=NOW + datetime.timedelta(days=2))
    merged = merge(two, lead)
    two[0].refresh_from_db()
    plan.refresh_from_db()
    goal = make_goal(plan)
    task = open_task(
        patient=two[0], kind="other", site=two[0].site, title="Ask about the visit", next_step="Call", cause=visit, owner=lead,
        by=System("test"), now=timezone.now(),
    )  # fmt: skip
    attempt = ContactAttempt.objects.create(
        patient=two[0], task=task, outcome="no_answer", reached=False, at=NOW
    )
    own = make_task(two[0])
    assert undo(merged, lead).stayed == 1
    assert Goal.objects.get(pk=goal.pk).patient_id == two[1].pk
    assert Task.objects.get(pk=task.pk).patient_id == two[1].pk
    assert ContactAttempt.objects.get(pk=attempt.pk).patient_id == two[1].pk
    assert Task.objects.get(pk=own.pk).patient_id == two[0].pk


def test_a_planned_reminder_goes_along_and_is_asked_once_more_by_the_stricter_permission(two, lead):
    visit = make_appointment(two[1], start=NOW + datetime.timedelta(days=2))
    make_phone(two[0], ok_to_message=False)
    make_phone(two[1], ok_to_message=True)
    message = Message.objects.create(
        key=f"visit:{visit.pk}:1:1d:{next(number)}", purpose="visit_reminder", about_type="scheduling.appointment",
        about_id=visit.pk, patient_id=two[1].pk, site=visit.site, channel="sms", address="+16125550143",
        send_after=NOW, created_at=NOW,
    )  # fmt: skip
    merge(two, lead)
    message.refresh_from_db()
    assert (message.patient_id, message.status) == (two[0].pk, "scheduled")
    points = two[0].contact_points.filter(ended_at=None, normalized=message.address)
    assert [point.ok_to_message for point in points] == [False]
