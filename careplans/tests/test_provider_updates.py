"""The work around an update to a provider: on whose list it stands, and how it is chased."""

from __future__ import annotations

import datetime
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from careplans import jobs
from careplans.models import Task, TaskChange
from careplans.services import chase_updates, complete_task, updates
from coordinator.accounts.roles import Role
from coordinator.celery import app
from coordinator.tests.factories import make_practitioner, make_site, make_user
from coordinator.workflow import System
from patients import services
from patients.models import Label, ProviderUpdate
from patients.tests.factories import make_patient, make_update, restrict

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)
AT_FOUR = datetime.datetime(2026, 11, 18, 22, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def dana(site):
    return make_user(site=site)


@pytest.fixture
def dr_chen(site):
    user = make_user(Role.PROVIDER, site=site)
    user.practitioner = make_practitioner(site=site, family_name="Chen")
    user.save()
    return user


@pytest.fixture
def elena(site):
    return make_patient(site=site)


def ask(patient, by, provider, **more):
    more = {"ask": "More water pills?", "reply_due_at": AT_FOUR} | more
    return services.send_update(patient_id=patient.pk, report_to=provider, by=by, now=NOW, **more)


def refuse():
    raise ValidationError("No")


def open_for(user):
    return list(Task.objects.open().owned_by(user).order_by("title"))


def test_at_the_time_it_is_overdue_to_the_writer_and_a_to_do_of_the_provider(elena, dana, dr_chen):
    ask(elena, dana, dr_chen.practitioner)
    (todo,), (wait,) = open_for(dr_chen), open_for(dana)
    assert (todo.due_at, todo.status, todo.kind) == (AT_FOUR, "ready", "provider_update")
    assert "Chen" in wait.waiting_on
    assert not Task.objects.overdue(AT_FOUR).owned_by(dana).exists()
    assert Task.objects.overdue(AT_FOUR + datetime.timedelta(seconds=1)).owned_by(dana).get() == wait


def test_a_provider_without_a_sign_in_is_phoned(elena, dana, site):
    ask(elena, dana, make_practitioner(site=site, family_name="Okafor"))
    titles = [task.title for task in open_for(dana)]
    assert any(title.startswith("Phone or fax") and "Okafor" in title for title in titles)
    assert min(task.due_at for task in open_for(dana)) == NOW + HOUR


def test_a_provider_who_may_not_see_a_restricted_record_gets_no_task_about_it(elena, dana, dr_chen):
    restrict(elena, dana)
    ask(elena, System("test"), dr_chen.practitioner)
    assert open_for(dr_chen) == []


def test_the_answer_closes_both_and_is_to_be_read(elena, dana, dr_chen):
    update = ask(elena, dana, dr_chen.practitioner)
    services.answer_update(update_id=update.pk, answer="One more", by=dr_chen, now=NOW)
    assert open_for(dr_chen) == []
    (read,) = open_for(dana)
    assert read.title.startswith("Read the answer")
    services.read_answer(update_id=update.pk, by=dana, now=NOW)
    assert open_for(dana) == []


def test_no_task_repeats_the_words_of_a_protected_note_or_of_its_answer(elena, dana, dr_chen):
    note = services.add_note(
        patient_id=elena.pk, body="Methadone 40 mg", label=Label.PART2, report_to=dr_chen.practitioner,
        answer_due_at=AT_FOUR, by=dana, now=NOW,
    )  # fmt: skip
    update = ProviderUpdate.objects.get(note=note)
    services.answer_update(update_id=update.pk, answer="Naltrexone instead", by=dr_chen, now=NOW)
    tasks = list(Task.objects.filter(cause_id=update.pk).values())
    assert len(tasks) == 3
    assert not [task for task in tasks if "Methadone" in str(task) or "Naltrexone" in str(task)]


def test_read_and_nothing_to_add_closes_both(elena, dana, dr_chen):
    update = ask(elena, dana, dr_chen.practitioner)
    services.acknowledge_update(update_id=update.pk, by=dr_chen, now=NOW)
    assert open_for(dr_chen) + open_for(dana) == []


@pytest.mark.parametrize("step", ["withdraw_update", "enter_update_in_error"])
def test_taking_it_back_closes_both_without_doing(elena, dana, dr_chen, step):
    update = ask(elena, dana, dr_chen.practitioner)
    getattr(services, step)(update_id=update.pk, reason="Seen today", by=dana, now=NOW)
    assert set(Task.objects.filter(cause_id=update.pk).values_list("status", flat=True)) == {"cancelled"}


def test_sent_again_asks_again(elena, dana, dr_chen):
    update = ask(elena, dana, dr_chen.practitioner)
    services.withdraw_update(update_id=update.pk, reason="Seen today", by=dana, now=NOW)
    services.send_update_again(update_id=update.pk, reason="Was not", by=dana, now=NOW)
    assert len(open_for(dr_chen)) == len(open_for(dana)) == 1


def test_a_writer_who_left_hands_it_to_the_patients_coordinator(site, dr_chen, dana):
    lee = make_user(site=site)
    elena = make_patient(site=site, coordinator=lee)
    update = ask(elena, dana, dr_chen.practitioner)
    dana.is_active = False
    dana.save()
    services.answer_update(update_id=update.pk, answer="One more", by=dr_chen, now=NOW)
    assert [task.title.startswith("Read the answer") for task in open_for(lee)] == [True]


def test_in_time_nobody_is_reminded(elena, dana, dr_chen):
    ask(elena, dana, dr_chen.practitioner)
    assert chase_updates(now=AT_FOUR - HOUR) == 0


def test_overdue_reminds_both_once_a_day_and_reopens_what_was_closed_by_hand(elena, dana, dr_chen):
    update = ask(elena, dana, dr_chen.practitioner)
    (todo,), (wait,) = open_for(dr_chen), open_for(dana)
    complete_task(task_id=wait.pk, by=dana, now=NOW)
    assert chase_updates(now=AT_FOUR) == 1
    assert chase_updates(now=AT_FOUR + HOUR) == 0
    todo.refresh_from_db()
    assert todo.priority == "urgent"
    assert todo.changes.filter(step="remind").count() == 1
    assert [task.priority for task in open_for(dana)] == ["urgent"]
    assert chase_updates(now=AT_FOUR + 25 * HOUR) == 1
    update.refresh_from_db()
    assert update.reminders == 2


def test_one_that_is_refused_does_not_keep_the_others_from_being_chased(
    elena, dana, dr_chen, monkeypatch, caplog
):
    stuck, other = (ask(elena, dana, dr_chen.practitioner, ask=words) for words in ("One", "Two"))
    whole = updates._ask
    monkeypatch.setattr(
        updates, "_ask", lambda update, *more: refuse() if update.pk == stuck.pk else whole(update, *more)
    )
    assert chase_updates(now=AT_FOUR) == 1
    assert [record.getMessage() for record in caplog.records] == [
        f"provider update {stuck.pk} could not be chased: ValidationError"
    ]
    reminded = dict(ProviderUpdate.objects.values_list("pk", "reminders"))
    assert reminded == {stuck.pk: 0, other.pk: 1}


def test_an_answered_one_is_not_chased(elena, dana, dr_chen):
    update = ask(elena, dana, dr_chen.practitioner)
    services.acknowledge_update(update_id=update.pk, by=dr_chen, now=NOW)
    assert chase_updates(now=AT_FOUR + HOUR) == 0


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_remind_once():
    for _n in range(4):
        make_update(reply_due_at=NOW)

    def run(_n):
        try:
            return chase_updates(now=AT_FOUR)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(run, range(2))) == 4
    reminded = TaskChange.objects.filter(step="remind", record__cause_type="patients.providerupdate")
    assert reminded.count() == Task.objects.filter(cause_type="patients.providerupdate").count()


def test_the_beat_knows_the_job():
    assert jobs.chase_updates.name in {entry["task"] for entry in app.conf.beat_schedule.values()}
