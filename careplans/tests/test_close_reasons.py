"""The list of reasons for closing without doing: kept by managers, used by the form, the API and many at once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from careplans import services
from careplans.forms import CancelForm
from careplans.models import CloseReason
from careplans.models.reasons import BY_RULES
from careplans.tests.factories import make_close_reason, make_task
from careplans.workflow import TaskStatus
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.tests.factories import make_user
from coordinator.workflow import NotAllowed, System
from patients.tests.factories import make_patient

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 16, 24, tzinfo=UTC)
LIST = reverse("careplans:reason_list")


@pytest.fixture
def manager():
    return make_user(Role.MANAGER)


def save(manager, **fields):
    return services.save_close_reason(**{"label": "Moved away", "by": manager, "now": NOW} | fields)


def close(task, by, code, note=""):
    return services.cancel_task(task_id=task.pk, close_reason=code, note=note, by=by, now=NOW)


def offered_codes():
    return list(CloseReason.objects.offered().values_list("code", flat=True))


# --- the list ---


def test_the_list_starts_with_what_was_offered_before():
    assert offered_codes() == [
        "no_longer_needed", "duplicate", "done_elsewhere", "unable_to_reach", "refused", "left_the_clinic",
        "deceased", "other",
    ]  # fmt: skip
    assert [reason.code for reason in CloseReason.objects.filter(needs_note=True)] == ["other"]
    assert not CloseReason.objects.filter(label_es="").exists()


def test_a_new_reason_stands_at_the_end_and_closes_tasks(manager):
    reason = save(manager, label_es="Se mudó")
    assert offered_codes()[-1] == reason.code == "moved_away"
    task = make_task(owner=manager, patient=make_patient(site=manager.sites.get()))
    assert close(task, manager, "moved_away").close_reason == "moved_away"
    assert task.changes.get(step="cancel").reason == "Moved away"
    assert AuditEvent.objects.filter(entity="careplans.closereason", action="save").exists()


def test_a_reason_reads_in_the_language_of_the_person(manager):
    reason, plain = save(manager, label_es="Se mudó"), save(manager, label="Left town")
    with translation.override("es"):
        assert (str(reason), str(plain)) == ("Se mudó", "Left town")
    assert str(reason) == "Moved away"


def test_renaming_keeps_the_code_and_the_tasks(manager):
    task = make_task(owner=manager, patient=make_patient(site=manager.sites.get()))
    close(task, manager, "duplicate")
    reason = CloseReason.objects.get(code="duplicate")
    save(manager, reason_id=reason.pk, label="Twice in the list")
    task.refresh_from_db()
    assert task.close_reason == CloseReason.objects.get(label="Twice in the list").code == "duplicate"
    assert task.changes.get(step="cancel").reason == "Duplicate of another task"


def test_two_reasons_of_one_name_are_refused_and_codes_never_meet(manager):
    save(manager)
    with pytest.raises(ValidationError, match="name already"):
        save(manager, label="MOVED away")
    assert save(manager, label="Moved-away").code == "moved_away_2"
    assert save(manager, label="¿?").code == "reason"


def test_a_retired_reason_is_offered_no_more_and_its_tasks_keep_it(manager):
    task = make_task(owner=manager, patient=make_patient(site=manager.sites.get()))
    other = make_task(owner=manager, patient=task.patient)
    close(task, manager, "duplicate")
    reason = CloseReason.objects.get(code="duplicate")
    services.retire_close_reason(reason_id=reason.pk, by=manager, now=NOW)
    assert "duplicate" not in offered_codes()
    task.refresh_from_db()
    assert task.close_reason == "duplicate"
    with pytest.raises(ValidationError, match="from the list"):
        close(other, manager, "duplicate")
    services.restore_close_reason(reason_id=reason.pk, by=manager, now=NOW)
    assert close(other, manager, "duplicate").status == TaskStatus.CANCELLED


@pytest.mark.parametrize("code", BY_RULES)
def test_what_rules_use_cannot_be_retired_or_narrowed(manager, code):
    reason = CloseReason.objects.get(code=code)
    with pytest.raises(NotAllowed):
        services.retire_close_reason(reason_id=reason.pk, by=manager, now=NOW)
    with pytest.raises(ValidationError):
        save(manager, reason_id=reason.pk, label=reason.label, kinds=["results"])
    with pytest.raises(IntegrityError), transaction.atomic():
        CloseReason.objects.filter(code=code).update(retired_at=NOW)


def test_reasons_change_places(manager):
    first, second = offered_codes()[:2]
    key = CloseReason.objects.get(code=second).pk
    services.move_close_reason(reason_id=key, up=True, by=manager, now=NOW)
    assert offered_codes()[:2] == [second, first]
    services.move_close_reason(reason_id=key, up=True, by=manager, now=NOW)  # the first stays the first
    assert offered_codes()[:2] == [second, first]
    services.move_close_reason(reason_id=key, up=False, by=manager, now=NOW)
    assert offered_codes()[:2] == [first, second]


def test_only_those_who_manage_settings_write(manager):
    for by in (make_user(Role.LEAD), make_user(Role.PROVIDER)):
        with pytest.raises(PermissionDenied):
            save(by)
    assert save(System("setup")).code == "moved_away"


# --- using it ---


def test_a_reason_for_one_type_is_offered_and_taken_for_that_type_only(manager):
    make_close_reason("Lab lost it", code="lab_lost_it", kinds=["results"])
    patient = make_patient(site=manager.sites.get())
    results, call = (make_task(patient, owner=manager, kind=kind) for kind in ("results", "outreach_call"))
    offers = {
        task.kind: "lab_lost_it"
        in dict(CancelForm(task=task, user=manager, now=NOW).fields["close_reason"].choices)
        for task in (results, call)
    }
    assert offers == {"results": True, "outreach_call": False}
    with pytest.raises(ValidationError, match="does not go with this type"):
        close(call, manager, "lab_lost_it")
    assert close(results, manager, "lab_lost_it").close_reason == "lab_lost_it"


def test_a_reason_may_ask_for_a_note(manager):
    make_close_reason("Something else", code="something_else", needs_note=True)
    task = make_task(owner=manager, patient=make_patient(site=manager.sites.get()))
    with pytest.raises(ValidationError) as refusal:
        close(task, manager, "something_else")
    assert set(refusal.value.message_dict) == {"note"}
    assert close(task, manager, "something_else", note="Said so").outcome == "Said so"


def test_many_at_once_use_the_same_list(manager):
    make_close_reason("Lab lost it", code="lab_lost_it", kinds=["results"])
    patient = make_patient(site=manager.sites.get())
    tasks = [make_task(patient, owner=manager, kind=kind) for kind in ("results", "outreach_call")]
    results = services.bulk(
        task_ids=[task.pk for task in tasks], action="cancel", by=manager, now=NOW, close_reason="lab_lost_it"
    )
    assert [result.done for result in results] == [True, False]
    assert "does not go with this type" in results[1].sentence


# --- the pages ---


@pytest.fixture
def page(client, manager) -> Client:
    client.force_login(manager)
    return client


def step(page, reason, name):
    return page.post(reverse("careplans:reason_step", args=[reason.pk, name]), follow=True)


def test_the_page_is_reached_from_settings_and_shows_the_list(page):
    assert LIST in page.get(reverse("accounts:settings")).content.decode()
    shown = page.get(LIST).content.decode()
    for words in ("No longer needed", "Ya no es necesario", "used by rules", "asks for a note", "New reason"):
        assert words in shown


def test_a_reason_is_added_changed_retired_and_offered_again(page):
    added = page.post(
        reverse("careplans:reason_new"),
        {"label": "Lab lost it", "label_es": "Se perdió", "kinds": ["results"], "needs_note": "on"},
        follow=True,
    )
    assert "Saved: Lab lost it" in added.content.decode()
    reason = CloseReason.objects.get(code="lab_lost_it")
    assert (reason.kinds, reason.needs_note, reason.label_es) == (["results"], True, "Se perdió")
    edit = reverse("careplans:reason_edit", args=[reason.pk])
    assert 'value="Lab lost it"' in page.get(edit).content.decode()
    assert page.post(edit, {"label": "Lab lost the sample"}).status_code == 302
    reason.refresh_from_db()
    assert (reason.label, reason.kinds) == ("Lab lost the sample", [])
    assert "Tasks closed for it keep it" in step(page, reason, "retire").content.decode()
    assert "Offer again" in page.get(LIST).content.decode()
    step(page, reason, "restore")
    assert reason.code in offered_codes()
    step(page, reason, "up")
    assert offered_codes()[-2] == reason.code
    assert step(page, reason, "sideways").status_code == 404


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"label": " ", "label_es": "Algo"}, "id_label_error"),
        (
            {"label": "duplicate OF another task", "label_es": "Algo"},
            "There is a reason with this name already",
        ),
        ({"label": "New", "label_es": "Algo", "kinds": ["nonsense"]}, "nonsense is not one of the available"),
    ],
)
def test_bad_input_is_said_at_the_field_and_the_typing_stays(page, typed, said):
    before = CloseReason.objects.count()
    answer = page.post(reverse("careplans:reason_new"), typed)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert 'value="Algo"' in answer.content.decode()
    assert CloseReason.objects.count() == before


def test_one_reason_or_twenty_take_the_same_queries(page):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page.get(LIST)
        return len(captured)

    queries()
    few = queries()
    for number in range(20):
        make_close_reason(f"More {number}", kinds=["results"])
    assert queries() == few
