"""My work: whose tasks, in which groups, what is done from the list, and what two people at once see."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from careplans import rules, services
from careplans.models import ContactAttempt, Task
from careplans.tests.factories import make_task
from careplans.workflow import TaskStatus
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.clocks.services import start_clock
from coordinator.dashboard.models import SavedView
from coordinator.tests.factories import make_practitioner, make_site, make_team, make_user
from coordinator.workflow import System
from patients.models import Allergy, RelatedPerson
from patients.tests.factories import make_patient, make_phone

pytestmark = pytest.mark.django_db
HOME = reverse("dashboard:my_work")
HTMX = {"HX-Request": "true"}


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
def dana_page(client, dana):
    client.force_login(dana)
    return client


def due_in(days: int):
    """The end of the local day that many days from now."""
    today = timezone.now().astimezone(make_zone()).date()
    return rules.end_of_day(today + timedelta(days=days), "America/Chicago")


def make_zone():
    import zoneinfo

    return zoneinfo.ZoneInfo("America/Chicago")


def text(response) -> str:
    return response.content.decode()


def get(client, query="", part="", **headers):
    if part:
        headers |= {"HX-Request": "true", "HX-Target": part}
    return client.get(f"{HOME}{query}", headers=headers)


def task_for(owner, title="Call about the missed visit", site=None, **fields):
    patient = fields.pop("patient", None) or make_patient(site=site or owner.sites.first())
    return make_task(patient, owner=owner, title=title, **fields)


# --- whose tasks ---


def test_my_own_tasks_and_nobody_elses(dana_page, dana, marcus, site):
    task_for(dana, "Mine")
    task_for(marcus, "Not mine")
    page = text(get(dana_page))
    assert "Mine" in page
    assert "Not mine" not in page


def test_tasks_of_another_site_are_not_there_even_when_assigned(dana_page, dana):
    task_for(dana, "Elsewhere", site=make_site())
    assert "Elsewhere" not in text(get(dana_page))


def test_two_identifiers_and_why_it_is_here(dana_page, dana, site):
    patient = make_patient(site=site, family_name="Ramírez", given_name="Elena", language="es")
    task_for(dana, patient=patient, program="TCM", reason="Discharged from Mercy General")
    page = text(get(dana_page))
    for words in ("RAMÍREZ, Elena", "Mar 14, 1958", "TCM · Discharged from Mercy General", "Spanish"):
        assert words in page


def test_groups_by_consequence_and_no_empty_ones(dana_page, dana):
    task_for(dana, "A", due_at=due_in(-2))
    task_for(dana, "B", due_at=due_in(0))
    task_for(dana, "C", due_at=due_in(3))
    task_for(dana, "D", due_at=due_in(30))
    task_for(dana, "E")
    page = text(get(dana_page))
    heads = ["Overdue <", "Today <", "Next 7 days <", "Later <", "No deadline <"]
    assert sorted(heads, key=page.index) == heads
    assert "On the clock <" not in page


def test_a_rules_deadline_comes_first_and_explains_itself(dana_page, dana, site):
    task_for(dana, "Overdue one", due_at=due_in(-2))
    patient = make_patient(site=site)
    clock = start_clock(
        subject=patient,
        kind="tcm.contact",
        anchor_at=timezone.now(),
        zone=site.zone,
        calendar=None,
        by=System("test"),
        now=timezone.now(),
        anchor_label="discharge",
    )
    task = task_for(dana, "Post-discharge call", patient=patient, clock=clock, due_at=clock.due_at)
    page = text(get(dana_page, f"?task={task.pk}"))
    assert "a rule sets the deadline" in page
    assert page.index("On the clock") < page.index("Overdue one")
    assert "Why this date?" in page
    assert "2 business days, starting with: discharge" in page


def test_the_same_group_in_sql_and_in_the_rule(dana_page, dana):
    for days in (-3, -1, 0, 1, 7, 8, 40):
        task_for(dana, due_at=due_in(days))
    response = get(dana_page)
    work = response.context["work"]
    for row in work.rows:
        assert row.task.rank == rules.group_of(row.task, work.now, "America/Chicago")


def test_each_view_has_its_count(dana_page, dana, site):
    task_for(dana)
    task_for(dana, waiting_on="HealthNorth")
    task_for(dana, status=TaskStatus.ON_HOLD, wake_at=timezone.now() + timedelta(days=1))
    make_task(make_patient(site=site), owner=None, team=make_team(site=site))
    task_for(dana, status=TaskStatus.COMPLETED, ended_at=timezone.now())
    counts = {tab["label"]: tab["count"] for tab in get(dana_page).context["tabs"]}
    assert {str(label): n for label, n in counts.items()} == {
        "To do": 1,
        "Waiting on others": 1,
        "Snoozed": 1,
        "Team pool": 1,
        "Done today": 1,
    }


@pytest.mark.parametrize("view", ["todo", "waiting", "snoozed", "pool", "done"])
def test_every_view_opens_empty_and_full(dana_page, dana, site, view):
    assert get(dana_page, f"?view={view}").status_code == 200
    facts = {
        "waiting": {"waiting_on": "payer"},
        "snoozed": {"status": TaskStatus.ON_HOLD, "wake_at": timezone.now() + timedelta(days=1)},
        "done": {"status": TaskStatus.COMPLETED, "ended_at": timezone.now()},
        "pool": {"team": make_team(site=site)},
    }.get(view, {})
    owner = None if view == "pool" else dana
    make_task(make_patient(site=site), owner=owner, title="The one", **facts)
    assert "The one" in text(get(dana_page, f"?view={view}"))


def test_a_provider_finds_what_was_put_to_them_about_somebody_elses_patient(client, site):
    doctor = make_user(Role.PROVIDER, site=site, practitioner=make_practitioner(site=site))
    patient = make_patient(site=site, primary_care=make_practitioner(site=site))
    make_task(patient, owner=doctor, title="Answer a provider update")
    make_task(patient, title="Of the other doctor")
    client.force_login(doctor)
    shown = client.get(reverse("dashboard:my_work")).content.decode()
    assert "Answer a provider update" in shown
    assert "Of the other doctor" not in shown


def test_a_provider_reads_and_does_nothing(client, dana, site):
    doctor = make_user(role=Role.PROVIDER, site=site)
    task = task_for(dana)
    client.force_login(doctor)
    page = text(get(client, f"?task={task.pk}"))
    assert task.title in page
    for control in ('name="id"', "Log this contact", "data-bulk", 'name="complete"'):
        assert control not in page
    assert client.post(reverse("dashboard:my_work_act", args=[task.pk, "complete"])).status_code == 403


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR, Role.BILLING])
def test_people_without_tasks_are_sent_to_a_page_of_theirs(client, site, role):
    client.force_login(make_user(role=role, site=site))
    response = get(client)
    assert response.status_code == 302
    assert response["Location"] != HOME


def test_a_lead_opens_a_colleagues_list_and_a_coordinator_does_not(client, dana, marcus, site):
    task_for(marcus, "Of Marcus")
    client.force_login(make_user(role=Role.LEAD, site=site))
    assert "Of Marcus" in text(get(client, f"?owner={marcus.pk}"))
    client.force_login(dana)
    assert "Of Marcus" not in text(get(client, f"?owner={marcus.pk}"))
    client.force_login(make_user(role=Role.LEAD))
    assert get(client, f"?owner={marcus.pk}").status_code == 404


# --- filters, order, pages ---


def test_filters_narrow_by_type_program_language_and_due(dana_page, dana, site):
    spanish = make_patient(site=site, language="es")
    task_for(dana, "Wanted", patient=spanish, kind="transport", program="CCM", due_at=due_in(0))
    task_for(dana, "Left out", kind="paperwork", program="TCM", due_at=due_in(4))
    for query in ("kind=transport", "program=CCM", "language=es", "due=today"):
        page = text(get(dana_page, f"?{query}"))
        assert "Wanted" in page
        assert "Left out" not in page


def test_what_an_address_does_not_know_is_left_out(dana_page, dana):
    task_for(dana, "Mine")
    nonsense = "?view=x&kind=y&due=z&group=w&sort=v&owner=u&after=t&task=s&program=%00"
    assert "Mine" in text(get(dana_page, nonsense))


def test_the_text_filter_never_stands_in_an_address(dana_page, dana, site):
    task_for(dana, "Wanted", patient=make_patient(site=site, family_name="Mišić", given_name="Ana"))
    task_for(dana, "Not wanted")
    response = dana_page.post(reverse("dashboard:my_work_find"), {"q": "misic", "view": "todo"}, follow=True)
    page = text(response)
    assert "misic" not in response.redirect_chain[0][0]
    assert "Wanted" in page
    assert "Not wanted" not in page
    assert "No task matches your filters" not in page


def test_no_match_offers_to_clear(dana_page, dana):
    task_for(dana)
    page = text(get(dana_page, "?kind=transport"))
    assert "No task matches your filters" in page
    assert "Clear filters" in page


def test_nothing_due_points_to_the_pool(dana_page):
    assert "Nothing due now" in text(get(dana_page))


def test_the_filters_are_there_again_after_leaving_the_page(dana_page, dana):
    get(dana_page, "?kind=transport&group=patient")
    assert get(dana_page)["Location"] == f"{HOME}?kind=transport&group=patient"


def test_a_view_is_saved_opened_and_deleted(dana_page, dana):
    dana_page.post(
        reverse("dashboard:my_work_view_save"), {"name": "Rides", "query": "kind=transport&text=on"}
    )
    view = SavedView.objects.get(name="Rides")
    assert view.query == "kind=transport"
    page = text(get(dana_page, "?view=todo"))
    assert "Rides" in page
    dana_page.post(reverse("dashboard:my_work_view_delete", args=[view.pk]))
    assert not SavedView.objects.filter(name="Rides").exists()


def test_a_view_of_somebody_else_is_not_deleted(dana_page, marcus):
    view = SavedView.objects.create(user=marcus, page="my_work", name="His", query="")
    dana_page.post(reverse("dashboard:my_work_view_delete", args=[view.pk]))
    assert SavedView.objects.filter(pk=view.pk).exists()


def test_grouped_by_patient_one_call_settles_several_tasks(dana_page, dana, site):
    one, other = make_patient(site=site, family_name="Abel"), make_patient(site=site, family_name="Zorn")
    for patient in (other, one, other):
        task_for(dana, patient=patient)
    rows = get(dana_page, "?group=patient").context["work"].rows
    assert [row.task.patient for row in rows] == [one, other, other]
    assert [bool(row.heading) for row in rows] == [True, True, False]


def test_grouped_by_type(dana_page, dana):
    for kind in ("transport", "paperwork", "transport"):
        task_for(dana, kind=kind)
    page = text(get(dana_page, "?group=kind"))
    assert page.index("Paperwork <") < page.index("Transport <")


@pytest.mark.parametrize("sort", ["title", "-title", "patient", "-due", "touch", "-touch"])
def test_columns_sort(dana_page, dana, sort):
    for n in range(3):
        task_for(dana, f"Task {n}", due_at=due_in(n))
    rows = get(dana_page, f"?sort={sort}").context["work"].rows
    assert len(rows) == 3
    if sort == "-title":
        assert [row.task.title for row in rows] == ["Task 2", "Task 1", "Task 0"]


@pytest.mark.parametrize(
    "query", ["", "group=patient", "group=kind", "sort=title", "sort=-due", "sort=touch"]
)
def test_pages_of_fifty_without_gaps_or_doubles(dana_page, dana, site, query):
    patients = [make_patient(site=site, family_name=f"Name{n % 7}") for n in range(12)]
    for n in range(120):
        due = None if n % 5 == 0 else due_in(n % 9 - 3)
        make_task(
            patients[n % 12], owner=dana, title=f"T{n % 10}", due_at=due, kind=["other", "results"][n % 2]
        )
    seen, after, heads = [], "", []
    while True:
        response = get(dana_page, f"?{query}&after={after}", part="work-rows" if after else "")
        work = response.context["work"]
        seen += [row.task.pk for row in work.rows]
        heads += [str(row.heading.label) + str(row.heading.patient) for row in work.rows if row.heading]
        if not work.more:
            break
        after = seen[-1]
    assert len(seen) == len(set(seen)) == 120
    assert len(heads) == len(set(heads))


def test_more_rows_come_as_rows_with_a_new_pager(dana_page, dana, site):
    patient = make_patient(site=site)
    for _n in range(51):
        make_task(patient, owner=dana)
    first = get(dana_page)
    assert "Show 50 more" in text(first)
    last = first.context["work"].rows[-1].task.pk
    more = text(get(dana_page, f"?after={last}", part="work-rows"))
    assert more.count("data-row") == 1
    assert 'id="work-pager" hx-swap-oob="true"' in more
    assert "<html" not in more


# --- cost ---


def queries(client, query="?view=todo", part=""):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert get(client, query, part=part).status_code == 200
    return len(captured)


def test_a_worklist_of_fifty_needs_at_most_15_queries_and_as_many_as_one_of_one(dana_page, dana, site):
    task = task_for(dana, due_at=due_in(0))
    get(dana_page, "?view=todo")
    one = queries(dana_page)
    for n in range(60):
        patient = make_patient(site=site)
        make_phone(patient, f"+1612555{n:04d}")
        make_task(patient, owner=dana, due_at=due_in(n % 5), program="CCM")
    assert queries(dana_page) == one
    assert one <= 15
    assert queries(dana_page, f"?view=todo&task={task.pk}") <= 24


def test_the_preview_costs_the_same_for_a_patient_with_much_and_with_little(dana_page, dana, site):
    task = task_for(dana)
    get(dana_page, "?view=todo")
    few = queries(dana_page, f"?view=todo&task={task.pk}", part="peek")
    for n in range(5):
        make_phone(task.patient, f"+1612555{n:04d}")
        Allergy.objects.create(patient=task.patient, substance=f"Drug {n}")
        RelatedPerson.objects.create(
            patient=task.patient, name="Ana", relationship="daughter", topics=["money"]
        )
        services.log_contact(
            patient=task.patient, channel="phone", outcome="no_answer", by=dana, now=timezone.now()
        )
    assert queries(dana_page, f"?view=todo&task={task.pk}", part="peek") == few


# --- page and part ---


def test_the_part_is_a_piece_of_the_page(dana_page, dana):
    task_for(dana)
    page = text(get(dana_page, "?view=todo"))
    part = text(get(dana_page, "?view=todo", part="work"))
    row = part[part.index('<tr role="row" data-row') : part.index("</tbody>")]
    assert "<html" not in part
    assert row.split("data-row")[1][:400] in page


def test_the_preview_has_what_is_needed_before_calling(dana_page, dana, site):
    patient = make_patient(
        site=site,
        language="es",
        interpreter_needed=True,
        best_time_to_call="After 3 PM",
        allergy_status="recorded",
    )
    make_phone(patient)
    Allergy.objects.create(patient=patient, substance="Penicillin", reaction="anaphylaxis", severity="severe")
    RelatedPerson.objects.create(
        patient=patient, name="Marisol", relationship="daughter", topics=["scheduling", "transport"]
    )
    task = task_for(dana, patient=patient, checklist=[{"text": "Confirm identity", "done": False}])
    page = text(get(dana_page, f"?task={task.pk}", part="peek"))
    for words in (
        "Penicillin: anaphylaxis",
        "tel:+16125550143",
        "texts OK",
        "Spanish, interpreter needed",
        "After 3 PM",
        "Marisol",
        "Transport",
        "Confirm identity",
        "Log this contact",
        patient.mrn,
    ):
        assert words in page
    assert "<html" not in page
    assert AuditEvent.objects.filter(action="view", patient_id=patient.pk).count() == 1


def test_the_preview_of_a_foreign_task_shows_nothing(dana_page):
    task = make_task(make_patient(family_name="Elsewhere"))
    page = text(get(dana_page, f"?task={task.pk}", part="peek"))
    assert "Elsewhere".upper() not in page


# --- doing ---


def act(client, task, action, data=None, htmx=True, **headers):
    headers |= HTMX if htmx else {}
    headers.setdefault("HX-Current-URL", f"http://testserver{HOME}?view=todo")
    return client.post(reverse("dashboard:my_work_act", args=[task.pk, action]), data or {}, headers=headers)


def test_completing_takes_the_row_away_and_offers_undo(dana_page, dana):
    task = task_for(dana)
    response = act(dana_page, task, "complete")
    page = text(response)
    assert f'<tr id="r{task.pk}" hx-swap-oob="delete">' in page
    assert response["HX-Reswap"] == "none"
    assert "work-tabs" in page
    assert "Undo" in page
    dana_page.post(f"{reverse('dashboard:my_work_undo')}?id={task.pk}", {"next": HOME})
    task.refresh_from_db()
    assert task.status == TaskStatus.READY


def test_without_script_completing_goes_back_to_the_list(dana_page, dana):
    task = task_for(dana)
    response = act(dana_page, task, "complete", {"next": f"{HOME}?view=todo"}, htmx=False)
    assert response["Location"] == f"{HOME}?view=todo"
    assert "Completed: Call about the missed visit" in text(get(dana_page, "?view=todo"))


def test_somebody_elses_page_is_no_place_to_go_back_to(dana_page, dana):
    task = task_for(dana)
    response = act(dana_page, task, "complete", {"next": "https://evil.test/"}, htmx=False)
    assert response["Location"].startswith("/")


def test_the_second_person_reads_who_was_first_and_the_row_is_greyed(dana_page, dana, marcus):
    task = task_for(dana)
    services.complete_task(task_id=task.pk, by=marcus, now=timezone.now())
    response = act(dana_page, task, "complete")
    page = text(response)
    assert response.status_code == 409
    assert "Marcus Lee completed this" in page
    assert f'id="r{task.pk}" hx-swap-oob="true" class="gone"' in page


def test_without_script_the_second_person_gets_a_page_with_the_sentence(dana_page, dana, marcus):
    task = task_for(dana)
    services.complete_task(task_id=task.pk, by=marcus, now=timezone.now())
    response = act(dana_page, task, "complete", htmx=False)
    assert response.status_code == 409
    assert "Marcus Lee completed this" in text(response)


@pytest.mark.django_db(transaction=True)
def test_two_people_complete_one_task_at_once(dana, marcus):
    task = task_for(dana)

    def complete(user):
        try:
            browser = Client()
            browser.force_login(user)
            return act(browser, task, "complete").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(complete, [dana, marcus])) == [200, 409]


def test_open_checklist_items_ask_for_a_word(dana_page, dana):
    task = task_for(dana, checklist=[{"text": "Confirm identity", "done": False}])
    asked = dana_page.post(reverse("dashboard:my_work_bulk"), {"complete": task.pk}, headers=HTMX)
    assert "Why are these not done?" in text(asked)
    assert act(dana_page, task, "complete", {"open_items": ""}).status_code == 422
    assert act(dana_page, task, "complete", {"open_items": "Known by voice"}).status_code == 200


def test_snoozing_asks_until_when(dana_page, dana):
    task = task_for(dana)
    form = text(dana_page.get(reverse("dashboard:my_work_act", args=[task.pk, "snooze"]), headers=HTMX))
    assert 'value="tomorrow"' in form  # called so, or the next working day
    assert "<html" not in form
    assert act(dana_page, task, "snooze", {"until": "pick", "wake_at": ""}).status_code == 422
    assert act(dana_page, task, "snooze", {"until": "tomorrow"}).status_code == 200
    task.refresh_from_db()
    assert task.status == TaskStatus.ON_HOLD


def test_reassigning_to_a_colleague(dana_page, dana, marcus):
    task = task_for(dana)
    assert act(dana_page, task, "reassign", {"to": f"user:{marcus.pk}"}).status_code == 200
    task.refresh_from_db()
    assert (task.owner, task.previous_owner) == (marcus, dana)


def test_a_colleague_of_another_site_is_not_among_the_choices(dana_page, dana):
    stranger = make_user(name="Stranger Elsewhere")
    task = task_for(dana)
    form = text(dana_page.get(reverse("dashboard:my_work_act", args=[task.pk, "reassign"])))
    assert "Stranger" not in form
    assert act(dana_page, task, "reassign", {"to": f"user:{stranger.pk}"}).status_code == 422


def test_taking_from_the_team_pool(dana_page, dana, site):
    task = make_task(make_patient(site=site), owner=None, team=make_team(site=site))
    data = {"action": "accept", "id": [task.pk]}
    dana_page.post(reverse("dashboard:my_work_bulk"), data, headers=HTMX)
    task.refresh_from_db()
    assert task.owner == dana


def test_logging_a_contact_saves_it_and_says_what_comes_next(dana_page, dana, site):
    patient = make_patient(site=site)
    make_phone(patient)
    task = task_for(dana, patient=patient)
    response = act(
        dana_page,
        task,
        "log",
        {"outcome": "no_answer", "again": "rule", "note": "Rang long", "do": "save", "pane": task.pk},
    )
    page = text(response)
    assert response.status_code == 200
    assert "Next attempt:" in page
    assert 'id="peek" hx-swap-oob="innerHTML"' in page
    assert "Rang long" in page
    assert ContactAttempt.objects.get().task == task


def test_an_attempt_without_an_outcome_keeps_the_note(dana_page, dana):
    task = task_for(dana)
    response = act(dana_page, task, "log", {"note": "Long story", "do": "save"})
    assert response.status_code == 422
    assert "Long story" in text(response)
    assert "There is 1 problem" in text(response)


def test_complete_without_a_contact_completes(dana_page, dana):
    task = task_for(dana)
    act(dana_page, task, "log", {"note": "Form was faxed", "do": "complete"})
    task.refresh_from_db()
    assert (task.status, task.outcome) == (TaskStatus.COMPLETED, "Form was faxed")
    assert not ContactAttempt.objects.exists()


def test_reached_with_open_items_asks_in_the_same_form(dana_page, dana):
    task = task_for(dana, checklist=[{"text": "Confirm identity", "done": False}])
    response = act(dana_page, task, "log", {"outcome": "reached_done", "do": "save", "note": "All well"})
    assert response.status_code == 422
    assert "Why are these not done?" in text(response)
    assert "All well" in text(response)


def test_the_third_failed_attempt_offers_what_else_there_is(dana_page, dana):
    task = task_for(dana, attempts_made=3, last_contact_outcome="no_answer", last_contact_at=timezone.now())
    page = text(get(dana_page, f"?task={task.pk}", part="peek"))
    for words in ("3 attempts, not reached", "Send a letter", "Ask the clinician", "unable to reach"):
        assert words in page


def test_ticking_brings_only_the_checklist(dana_page, dana):
    task = task_for(dana, checklist=[{"text": "Confirm identity", "done": False}])
    response = act(dana_page, task, "tick", {"number": 0, "text": "Confirm identity", "done": "1"})
    assert "1 of 1" in text(response)
    assert "data-row" not in text(response)


def test_an_unknown_action_or_task_is_not_found(dana_page, dana):
    task = task_for(dana)
    assert act(dana_page, task, "explode").status_code == 404
    foreign = make_task(make_patient())
    assert act(dana_page, foreign, "complete").status_code == 404


# --- many at once ---


def test_bulk_says_what_became_of_each(dana_page, dana, marcus, site):
    tasks = [task_for(dana) for _n in range(2)]
    taken = task_for(dana, patient=make_patient(site=site, family_name="Mišić", given_name="Ana"))
    services.complete_task(task_id=taken.pk, by=marcus, now=timezone.now())
    data = {"action": "complete", "id": [t.pk for t in [*tasks, taken]]}
    response = dana_page.post(reverse("dashboard:my_work_bulk"), data, headers=HTMX)
    page = text(response)
    assert "2 of 3 done. MIŠIĆ, Ana: Marcus Lee completed this" in page
    assert page.count('hx-swap-oob="delete"') == 2
    assert 'class="gone"' in page
    assert Task.objects.filter(status=TaskStatus.COMPLETED).count() == 3


def test_bulk_undo_brings_all_of_them_back(dana_page, dana):
    tasks = [task_for(dana) for _n in range(3)]
    ids = [t.pk for t in tasks]
    dana_page.post(reverse("dashboard:my_work_bulk"), {"action": "complete", "id": ids}, headers=HTMX)
    query = "&".join(f"id={key}" for key in ids)
    dana_page.post(f"{reverse('dashboard:my_work_undo')}?{query}")
    assert Task.objects.open().count() == 3


def test_bulk_snooze_and_reassign_ask_first(dana_page, dana, marcus):
    tasks = [task_for(dana) for _n in range(2)]
    url, ids = reverse("dashboard:my_work_bulk"), [t.pk for t in tasks]
    asked = text(dana_page.post(url, {"action": "reassign", "id": ids}, headers=HTMX))
    assert "Reassign: 2 tasks" in asked
    assert asked.count('name="id"') == 2
    given = {"action": "reassign", "id": ids, "asked": "1", "to": f"user:{marcus.pk}"}
    dana_page.post(url, given, headers=HTMX)
    assert Task.objects.filter(owner=marcus).count() == 2


def test_bulk_never_reaches_tasks_one_may_not_see(dana_page):
    foreign = make_task(make_patient())
    data = {"action": "complete", "id": [foreign.pk, "nonsense"]}
    response = dana_page.post(reverse("dashboard:my_work_bulk"), data, headers=HTMX)
    assert "Select tasks first" in text(response)
    foreign.refresh_from_db()
    assert foreign.status == TaskStatus.READY


def test_bulk_works_without_script(dana_page, dana):
    task = task_for(dana)
    data = {"action": "complete", "id": [task.pk], "next": f"{HOME}?view=todo"}
    assert dana_page.post(reverse("dashboard:my_work_bulk"), data)["Location"] == f"{HOME}?view=todo"
    page = dana_page.post(reverse("dashboard:my_work_bulk"), {"action": "snooze", "id": [task_for(dana).pk]})
    assert "<html" in text(page)


# --- news and paper ---


def test_news_counts_what_others_brought_and_not_ones_own(dana_page, dana, marcus, site):
    since = timezone.now().isoformat()
    url = reverse("dashboard:my_work_news")
    ask = lambda: json.loads(dana_page.get(url, {"since": since}).content)  # noqa: E731
    assert ask()["count"] == 0
    fields = {"site": site, "kind": "other", "title": "New", "now": timezone.now()}
    services.open_task(patient=make_patient(site=site), owner=dana, by=dana, **fields)
    assert ask()["count"] == 0
    services.open_task(patient=make_patient(site=site), owner=dana, by=marcus, **fields)
    services.open_task(patient=make_patient(site=site), owner=dana, by=System("nightly"), **fields)
    assert ask() == {"count": 2, "text": "2 new tasks."}
    assert json.loads(dana_page.get(url, {"since": "x"}).content)["count"] == 0


def test_the_call_list_has_phones_and_is_on_record(dana_page, dana, site):
    patient = make_patient(site=site, language="es", interpreter_needed=True)
    make_phone(patient)
    task_for(dana, patient=patient, reason="Missed visit")
    page = text(dana_page.get(reverse("dashboard:call_list")))
    for words in ("(612) 555-0143", "Spanish", "interpreter", "Missed visit", "Contains patient information"):
        assert words in page
    assert AuditEvent.objects.get(action="print").details == {"list": "call list", "rows": 1}


def test_the_call_list_of_selected_tasks(dana_page, dana):
    wanted, _other = task_for(dana, "Wanted"), task_for(dana, "Left out")
    foreign = make_task(make_patient(), title="Foreign")
    page = text(dana_page.get(reverse("dashboard:call_list"), {"id": [wanted.pk, foreign.pk]}))
    assert "Wanted" in page
    assert "Left out" not in page
    assert "Foreign" not in page
