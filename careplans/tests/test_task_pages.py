"""A task's own page, quick add and edit: who sees them, what happens, what two people at once see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from careplans import services
from careplans.models import Task
from careplans.tests.factories import make_task
from careplans.workflow import TaskStatus
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.tests.factories import make_site, make_team, make_user
from patients.tests.factories import make_patient, make_phone

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
NEW = reverse("careplans:task_new")


@pytest.fixture
def dana():
    return make_user(site=make_site(), name="Dana Whitfield")


@pytest.fixture
def page(client, dana):
    client.force_login(dana)
    return client


@pytest.fixture
def task(dana):
    return make_task(make_patient(site=dana.sites.first()), owner=dana, reason="Missed Tuesday")


def url(name, task, *args):
    return reverse(f"careplans:{name}", args=[task.pk, *args])


def text(response) -> str:
    return response.content.decode()


# --- looking ---


def test_the_page_shows_who_why_and_what_happened(page, task):
    make_phone(task.patient)
    shown = text(page.get(url("task_detail", task)))
    for words in ("RAMÍREZ", "Missed Tuesday", "Allergies not recorded", "Log this contact", "History"):
        assert words in shown
    assert AuditEvent.objects.filter(action="view", patient_id=task.patient_id).exists()


def test_people_of_another_site_find_nothing(client, task):
    client.force_login(make_user())
    for name in ("task_detail", "task_edit"):
        assert client.get(url(name, task)).status_code == 404
    assert client.post(url("task_act", task, "complete")).status_code == 404
    assert client.post(url("task_undo", task)).status_code == 404


def test_a_provider_reads_and_cannot_act(client, task):
    client.force_login(make_user(role=Role.PROVIDER, site=task.site))
    shown = client.get(url("task_detail", task))
    assert shown.status_code == 200
    assert "Log this contact" not in text(shown)
    assert client.get(url("task_edit", task)).status_code == 403
    assert client.post(url("task_act", task, "complete")).status_code == 403


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR, Role.BILLING])
def test_roles_without_tasks_are_refused(client, task, role):
    client.force_login(make_user(role=role, site=task.site))
    assert client.get(url("task_detail", task)).status_code == 403


@pytest.mark.parametrize(
    "action", ["complete", "snooze", "reassign", "log", "cancel", "hand_back", "reopen", "enter_in_error"]
)
def test_every_action_asks_on_a_page_and_as_a_part(page, task, action):
    whole = text(page.get(url("task_act", task, action)))
    part = text(page.get(url("task_act", task, action), headers=HTMX))
    assert "<html" in whole
    assert "<html" not in part
    assert "<form" in part


def test_an_action_comes_back_to_the_page_with_a_message(page, task):
    response = page.post(url("task_act", task, "complete"), {"outcome": "Rides arranged"}, follow=True)
    assert "Completed: Call about the missed visit" in text(response)
    assert "Undo" in text(response)
    page.post(url("task_undo", task))
    task.refresh_from_db()
    assert task.status == TaskStatus.READY


def test_with_script_an_action_reloads_the_page(page, task):
    response = page.post(url("task_act", task, "complete"), headers=HTMX)
    assert response["HX-Redirect"] == url("task_detail", task)


def test_who_was_first_is_said(page, task):
    marcus = make_user(site=task.site, name="Marcus Lee")
    services.complete_task(task_id=task.pk, by=marcus, now=timezone.now())
    response = page.post(url("task_act", task, "snooze"), {"until": "tomorrow"})
    assert response.status_code == 409
    assert "Marcus Lee completed this" in text(response)
    assert page.post(url("task_act", task, "snooze"), {"until": "tomorrow"}, headers=HTMX).status_code == 409


def test_closing_without_doing_asks_why(page, task):
    assert page.post(url("task_act", task, "cancel"), {}).status_code == 422
    assert page.post(url("task_act", task, "cancel"), {"close_reason": "other"}).status_code == 422
    page.post(url("task_act", task, "cancel"), {"close_reason": "unable_to_reach"})
    task.refresh_from_db()
    assert task.close_reason == "unable_to_reach"


def test_the_offer_to_close_brings_its_reason_along(page, task):
    shown = text(page.get(f"{url('task_act', task, 'cancel')}?reason=unable_to_reach"))
    assert 'value="unable_to_reach" id="id_close_reason_3" required checked' in shown or (
        "checked" in shown.split('value="unable_to_reach"')[1][:120]
    )


# --- quick add ---


def add(page, **fields):
    fields = {"title": "Ask about the ride", "kind": "transport", "priority": "routine", "to": ""} | fields
    return page.post(NEW, fields)


def test_a_task_for_a_patient_given_by_key(page, dana):
    patient = make_patient(site=dana.sites.first())
    assert patient.given_name in text(page.get(f"{NEW}?patient={patient.pk}"))
    later = (timezone.localdate(timezone=dana.zone) + timedelta(days=30)).isoformat()
    assert add(page, patient=patient.pk, due=later).status_code == 302
    task = Task.objects.get()
    assert (task.owner, task.patient, task.status) == (dana, patient, TaskStatus.READY)
    assert timezone.localtime(task.due_at, dana.zone).date().isoformat() == later
    assert not task.due_has_time


def test_what_was_typed_is_searched_and_chosen_never_guessed(page, dana):
    one = make_patient(site=dana.sites.first(), family_name="Kowalski", given_name="Daniel")
    make_patient(site=dana.sites.first(), family_name="Kowalski", given_name="Anna")
    response = add(page, find="kowalski")
    assert response.status_code == 422
    assert text(response).count('name="patient"') == 2
    assert "Ask about the ride" in text(response)
    assert not Task.objects.exists()
    add(page, find="kowalski", patient=one.pk)
    assert Task.objects.get().patient == one


def test_patients_of_other_sites_are_neither_found_nor_accepted(page):
    stranger = make_patient(family_name="Elsewhere")
    assert "No patient matches" in text(add(page, find="elsewhere"))
    assert add(page, patient=stranger.pk).status_code == 404
    assert page.get(f"{NEW}?patient={stranger.pk}").status_code == 404


def test_a_task_without_a_patient_belongs_to_ones_place(page, dana):
    add(page, due="tomorrow 15:30", checklist="One\n\nTwo")
    task = Task.objects.get()
    assert (task.patient, task.site) == (None, dana.sites.first())
    assert timezone.localtime(task.due_at, dana.zone).strftime("%H:%M") == "15:30"
    assert [item["text"] for item in task.checklist] == ["One", "Two"]
    assert page.get(url("task_detail", task)).status_code == 200


def test_a_task_for_a_colleague_a_team_or_whoever_it_falls_to(page, dana):
    site = dana.sites.first()
    marcus, team = make_user(site=site), make_team(site=site)
    patient = make_patient(site=site, coordinator=marcus)
    for to in (f"user:{marcus.pk}", f"team:{team.pk}", "auto"):
        assert add(page, to=to, patient=patient.pk).status_code == 302
    owners = list(Task.objects.order_by("created_at").values_list("owner", "team"))
    assert owners == [(marcus.pk, None), (None, team.pk), (marcus.pk, None)]
    assert add(page, to=f"user:{make_user().pk}").status_code == 422


def test_a_day_is_typed_in_words_and_said_back(page):
    said = reverse("careplans:due_words")
    tomorrow = timezone.localdate() + timedelta(days=1)
    assert str(tomorrow.day) in text(page.post(said, {"due": "tomorrow"}))
    assert "3:00 PM" in text(page.post(said, {"due": "+3d 3pm"}))
    assert "is not understood" in text(page.post(said, {"due": "someday"}))
    assert text(page.post(said, {"due": ""})).strip() == ""
    refused = add(page, due="someday", reason="She asked")
    assert refused.status_code == 422
    for kept in ("is not understood", 'value="someday"', "She asked"):
        assert kept in text(refused)
    assert not Task.objects.exists()


def test_quick_add_is_one_key_away_and_comes_back_to_where_one_was(page, dana):
    here = reverse("dashboard:patient_list")
    shown = text(page.get(here))
    button = shown[shown.index("split-btn") :][:300]
    for part in (f'href="{NEW}?next={here}', "data-modal", 'data-key="n"'):
        assert part in button
    dialog = HTMX | {"HX-Target": "modal-in", "HX-Current-URL": f"http://testserver{here}"}
    form = text(page.get(NEW, headers=dialog))
    assert f'name="next" value="{here}"' in form
    assert "<html" not in form
    sent = {
        "title": "Ask",
        "kind": "transport",
        "priority": "routine",
        "to": "",
        "next": here,
        "due": "tomorrow",
    }
    wrong = page.post(NEW, sent | {"due": "someday"}, headers=dialog)
    assert (wrong.status_code, 'value="Ask"' in text(wrong)) == (422, True)
    assert page.post(NEW, sent, headers=dialog)["HX-Redirect"] == here
    assert "Task added: Ask, due" in text(page.get(here))
    assert page.post(NEW, sent)["Location"] == here


def test_the_letter_after_the_last_attempt_is_filled_in(page, task):
    shown = text(page.get(f"{NEW}?after={task.pk}&offer=letter"))
    assert "Send a letter" in shown
    assert task.patient.given_name in shown


# --- editing ---


def edit(page, task, **fields):
    values = {"title": task.title, "kind": task.kind, "priority": task.priority, "version": task.version}
    values["due_on"] = timezone.localdate() + timedelta(days=7)
    return page.post(url("task_edit", task), values | {"reason": task.reason} | fields)


def test_an_edit_is_saved_and_the_age_kept(page, task):
    opened = task.opened_at
    assert edit(page, task, title="Call the daughter").status_code == 302
    task.refresh_from_db()
    assert (task.title, task.opened_at) == ("Call the daughter", opened)


def test_a_stale_edit_shows_both_versions_and_can_be_settled(page, task):
    marcus = make_user(site=task.site, name="Marcus Lee")
    services.edit_task(
        task_id=task.pk, version=task.version, by=marcus, now=timezone.now(), title="Call the son"
    )
    response = edit(page, task, title="Call the daughter")
    shown = text(response)
    assert response.status_code == 409
    for words in ("Marcus Lee saved this", "Call the son", "Call the daughter"):
        assert words in shown
    task.refresh_from_db()
    assert edit(page, task, title="Call the daughter").status_code == 302
    task.refresh_from_db()
    assert task.title == "Call the daughter"


def test_the_day_of_an_open_task_is_changed_but_not_taken_away(page, task):
    assert edit(page, task).status_code == 302
    task.refresh_from_db()
    response = edit(page, task, due_on="", reason="Whenever")
    assert response.status_code == 422
    assert "nothing that is open goes without one" in text(response)
    assert "Whenever" in text(response)


def test_a_task_without_a_day_says_which_rule_gave_it_one(page):
    assert add(page, due="").status_code == 302
    task = Task.objects.get()
    assert task.due_at is not None
    why = text(page.get(reverse("careplans:task_why", args=[task.pk])))
    assert "Nobody named a day." in why
    assert "A task that nobody dated" in why


def test_an_edit_without_a_title_is_refused_at_the_field(page, task):
    response = edit(page, task, title=" ")
    assert response.status_code == 422
    assert "id_title_error" in text(response)


def test_nonsense_in_the_form_is_refused_not_broken(page, task):
    assert edit(page, task, version="x", due_on="tomorrow-ish").status_code == 422
    assert edit(page, task, title="a\x00b").status_code == 422
    assert page.get(f"{NEW}?patient=nonsense").status_code == 404
    assert add(page, patient="nonsense").status_code in (404, 422)


def test_naughty_text_is_kept_and_shown_as_text(page, task):
    naughty = "<script>alert(1)</script> ‮abc 😀 O'Brien & sons"
    edit(page, task, title=naughty[:200])
    task.refresh_from_db()
    assert task.title == naughty
    assert "<script>alert(1)" not in text(page.get(url("task_detail", task)))


def test_a_task_about_nobody_has_no_contact_to_log(page, dana):
    task = make_task(make_patient(site=dana.sites.first()), owner=dana)
    Task.objects.filter(pk=task.pk).update(patient=None)
    response = page.post(url("task_act", task, "log"), {"outcome": "no_answer", "do": "save"})
    assert response.status_code == 422
    assert "no contact to log" in text(response)


def test_back_to_the_list_leads_to_my_work(page, task):
    assert f'href="{reverse("dashboard:my_work")}"' in text(page.get(url("task_detail", task)))


def test_a_long_note_is_kept_whole(page, task):
    note = "word " * 4000
    data = {"outcome": "no_answer", "again": "rule", "note": note, "do": "save"}
    page.post(url("task_act", task, "log"), data)
    assert task.contact_attempts.get().note == note.strip()


def test_a_promise_for_later_is_kept_to_the_minute(page, task, dana):
    later = timezone.localtime(timezone.now() + timedelta(days=2), dana.zone).replace(second=0, microsecond=0)
    data = {
        "outcome": "reached_call_back",
        "again": "pick",
        "again_at": later.strftime("%Y-%m-%dT%H:%M"),
        "do": "save",
    }
    assert page.post(url("task_act", task, "log"), data).status_code == 302
    task.refresh_from_db()
    assert task.due_at == later
