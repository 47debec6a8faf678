"""Asking for a restricted record, what that shows and tells, and the reviewers' queue."""

from __future__ import annotations

import datetime
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from careplans.models import Task
from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.dashboard.counts import open_work
from coordinator.tests.factories import make_site, make_user
from patients.models import AccessGrant, Patient
from patients.tests.factories import make_grant, make_patient, restrict

pytestmark = pytest.mark.django_db
ASK = reverse("dashboard:break_glass")
QUEUE = reverse("dashboard:access_reviews")
WHY = "Called by the emergency department"


@pytest.fixture
def site(db):
    return make_site()


@pytest.fixture
def dana(site):
    return make_user(Role.COORDINATOR, site=site)


@pytest.fixture
def manager(site):
    return make_user(Role.MANAGER, site=site)


@pytest.fixture
def hidden(site, dana, manager):
    patient = make_patient(site=site, coordinator=dana, family_name="Okafor", given_name="Ada", mrn="ZZ-9")
    return restrict(patient, manager)


@pytest.fixture
def sam(site):
    return make_user(Role.COORDINATOR, site=site)


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def typed(**changes):
    born = {"birth_date_month": "3", "birth_date_day": "14", "birth_date_year": "1958"}
    return {"mrn": "ZZ-9", "name": "", "reason": WHY, **born, **changes}


def summary(patient):
    return reverse("dashboard:patient_summary", args=[patient.pk])


def test_the_right_words_open_the_record_with_a_banner_on_each_of_its_pages(hidden, sam):
    client = signed_in(sam)
    assert client.get(summary(hidden)).status_code == 404
    answer = client.post(ASK, typed())
    assert answer["Location"] == summary(hidden)
    for address in (summary(hidden), reverse("patients:patient_edit", args=[hidden.pk])):
        page = client.get(address).content.decode()
        assert "Emergency access." in page
        assert "for 60 more minutes" in page
        assert reverse("dashboard:access_end", args=[hidden.pk]) in page
    assert client.get(reverse("dashboard:patient_list")).content.decode().count("Emergency access.") == 0


def test_the_care_team_sees_no_banner_and_everybody_of_them_the_flag(hidden, dana):
    page = signed_in(dana).get(summary(hidden)).content.decode()
    assert "Restricted record" in page
    assert "Emergency access." not in page


def test_everything_done_under_it_is_marked_in_the_trail(hidden, sam, dana):
    client = signed_in(sam)
    client.post(ASK, typed())
    grant = str(AccessGrant.objects.get().pk)
    client.get(summary(hidden))
    client.post(reverse("dashboard:patient_pin", args=[hidden.pk]))
    client.get(reverse("dashboard:patient_notes", args=[hidden.pk]))
    signed_in(dana).get(summary(hidden))
    events = AuditEvent.objects.filter(patient_id=hidden.pk).order_by("pk")
    assert {e.details.get("grant") for e in events if e.actor_id == sam.pk} == {grant}
    assert {e.details.get("grant") for e in events if e.actor_id == dana.pk} == {None}
    client.post(reverse("dashboard:access_end", args=[hidden.pk]))
    assert client.get(summary(hidden)).status_code == 404


def test_ending_it_closes_the_record_at_once(hidden, sam):
    client = signed_in(sam)
    client.post(ASK, typed())
    answer = client.post(reverse("dashboard:access_end", args=[hidden.pk]))
    assert answer.status_code == 302
    assert client.get(summary(hidden)).status_code == 404
    assert "open_access" not in client.session or client.session["open_access"] == {}


def test_a_wrong_guess_and_a_person_who_does_not_exist_get_the_same_answer(hidden, sam, site):
    """The same words, status and number of statements, so neither the answer nor its time tells."""
    make_patient(site=site, mrn="OPEN-1")
    restrict(make_patient(site=make_site(), mrn="FAR-1", coordinator=sam), sam)
    guesses = {
        "wrong birth date": typed(birth_date_day="15"),
        "nobody": typed(mrn="NO-SUCH"),
        "an open record": typed(mrn="OPEN-1"),
        "another place": typed(mrn="FAR-1"),
        "half a name": typed(mrn="", name="Okafor"),
    }
    answers, statements = {}, {}
    for name, guess in guesses.items():
        client = signed_in(sam)
        client.get(ASK)
        with CaptureQueriesContext(connection) as caught:
            answer = client.post(ASK, guess)
        text = answer.content.decode()
        # What was typed comes back in its fields; tokens differ by chance.
        answers[name] = (answer.status_code, re.sub(r'"[\w-]{32,64}"| value="[^"]*"', "", text))
        statements[name] = [re.sub(r"'[^']*'|\d+|[0-9a-f-]{36}", "", q["sql"])[:60] for q in caught]
    one, *others = answers.values()
    assert one[0] == 422
    assert "No restricted record fits that" in one[1]
    assert "OKAFOR" not in one[1].upper()
    assert all(other == one for other in others)
    assert len({len(s) for s in statements.values()}) == 1
    assert not AccessGrant.objects.exists()
    failed = AuditEvent.objects.filter(action="break_glass_failed")
    assert failed.count() == len(guesses)
    assert {(e.patient_id, e.reason, str(e.details)) for e in failed} == {(None, "", "{}")}


def test_tries_are_limited_also_right_ones(hidden, sam):
    client = signed_in(sam)
    for _n in range(10):
        assert client.post(ASK, typed(mrn="NO-SUCH")).status_code == 422
    assert client.post(ASK, typed()).status_code == 429
    assert not AccessGrant.objects.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mrn": ""}, "Enter the MRN or the full name."),
        ({"reason": "short"}, "at least 10 characters"),
        ({"birth_date_year": ""}, "Enter month, day and year"),
    ],
)
def test_bad_input_keeps_what_was_typed_and_costs_no_try(hidden, sam, changes, sentence):
    answer = signed_in(sam).post(
        ASK, typed(name="Somebody", **changes) if "mrn" not in changes else typed(**changes)
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    assert changes.get("reason", WHY) in page
    assert not AuditEvent.objects.filter(action="break_glass_failed").exists()


def test_the_managers_of_the_place_are_told_without_a_word_about_the_patient(hidden, sam, manager):
    make_user(Role.MANAGER, site=make_site())
    signed_in(sam).post(ASK, typed())
    task = Task.objects.get()
    assert (task.owner, task.patient, task.site) == (manager, None, hidden.site)
    said = f"{task.title} {task.reason} {task.next_step}"
    assert not {"Ada", "Okafor", "ZZ-9", WHY} & set(said.split())
    assert WHY not in said
    # Asking again while it is open tells nobody again.
    signed_in(sam).post(ASK, typed())
    assert Task.objects.count() == 1


def test_a_manager_who_opens_it_is_not_their_own_judge(hidden, manager, site):
    client = signed_in(manager)
    client.post(ASK, typed())
    grant = AccessGrant.objects.get()
    assert not Task.objects.exists()
    assert str(grant.pk) not in client.get(QUEUE).content.decode()
    assert client.get(reverse("dashboard:access_review", args=[grant.pk])).status_code == 404


def test_the_queue_says_who_why_and_what_was_opened_and_a_review_closes_it(hidden, sam, manager):
    client = signed_in(sam)
    client.post(ASK, typed())
    client.get(reverse("dashboard:patient_notes", args=[hidden.pk]))
    reviewer = signed_in(manager)
    page = reviewer.get(QUEUE).content.decode()
    assert sam.name in page
    assert WHY in page
    assert "view: record, notes" in page
    # The manager may not see the patient, so the number stands for the name.
    assert "ZZ-9" in page
    assert "OKAFOR" not in page.upper()
    assert 'href="/access/"' in page
    assert re.search(r"Access.{0,200}\b1\b", page, re.S)
    grant = AccessGrant.objects.get()
    address = reverse("dashboard:access_review", args=[grant.pk])
    assert reviewer.post(address, {"verdict": "not_appropriate", "note": ""}).status_code == 422
    answer = reviewer.post(address, {"verdict": "not_appropriate", "note": "Not on duty; talked to"})
    assert answer["Location"] == QUEUE
    assert "No emergency access to review" in reviewer.get(QUEUE).content.decode()
    done = reviewer.get(f"{QUEUE}?show=done").content.decode()
    assert "Not on duty; talked to" in done
    assert "Not appropriate" in done
    assert not Task.objects.open().exists()
    again = reviewer.post(address, {"verdict": "appropriate", "note": ""})
    assert "already" in again.content.decode()
    assert again.status_code == 409


def test_an_auditor_reads_the_name(hidden, sam):
    signed_in(sam).post(ASK, typed())
    auditor = make_user(Role.AUDITOR, site=make_site())
    assert "OKAFOR" in signed_in(auditor).get(QUEUE).content.decode()


def test_the_queue_costs_the_same_for_one_and_for_twenty(hidden, manager, site):
    client = signed_in(manager)

    def statements():
        client.get(QUEUE)
        with CaptureQueriesContext(connection) as caught:
            assert client.get(QUEUE).status_code == 200
        return len(caught)

    make_grant(hidden, make_user(site=site))
    one = statements()
    for _n in range(19):
        make_grant(hidden, make_user(site=site))
    assert statements() == one


def test_a_long_queue_goes_on_on_the_next_page(hidden, manager, site):
    start = timezone.now() - datetime.timedelta(hours=2)
    for n in range(27):
        make_grant(hidden, make_user(site=site), opened_at=start + datetime.timedelta(seconds=n))
    client = signed_in(manager)
    first, second = (client.get(QUEUE).content.decode(), client.get(f"{QUEUE}?from=25").content.decode())
    assert (first.count('<section class="box"'), second.count('<section class="box"')) == (25, 2)
    assert 'href="?from=25"' in first
    assert 'href="?from=' not in second


@pytest.mark.parametrize("address", ["dashboard:search", "404"])
def test_the_way_there_is_shown_to_who_may_go_it(sam, site, address):
    billing = make_user(Role.BILLING, site=site)
    for user, shown in ((sam, True), (billing, False)):
        client = signed_in(user)
        if address == "404":
            answer = client.get(f"/patients/{site.pk}/")
        else:
            answer = client.post(reverse(address), {"q": "nobody at all"})
        assert (ASK in answer.content.decode()) is shown


# --- restricting, on its page -----------------------------------------------------------------------------


def test_restricting_says_who_keeps_seeing_it_and_can_be_undone_by_whoever_did_it(site, dana):
    lead = make_user(Role.LEAD, site=site)
    patient, client = make_patient(site=site, coordinator=dana), signed_in(lead)
    address = reverse("patients:patient_restrict", args=[patient.pk])
    assert str(dana) in client.get(address).content.decode()
    short = client.post(address, {"reason": "no"})
    assert short.status_code == 422
    assert "at least 10 characters" in short.content.decode()
    answer = client.post(address, {"reason": "Works at the front desk"}, follow=True)
    page = answer.content.decode()
    assert answer.redirect_chain[-1][0] == reverse("dashboard:patient_list")
    undo = reverse("patients:restriction_undo", args=[patient.pk])
    assert undo in page
    assert client.get(summary(patient)).status_code == 404
    assert signed_in(make_user(Role.LEAD, site=site)).post(undo).status_code == 404
    assert client.post(undo)["Location"] == summary(patient)
    assert client.get(summary(patient)).status_code == 200


def test_who_sees_it_may_lift_it(hidden, site):
    Patient.objects.filter(pk=hidden.pk).update(coordinator=make_user(Role.LEAD, site=site))
    hidden.refresh_from_db()
    client = signed_in(hidden.coordinator)
    address = reverse("patients:patient_restrict", args=[hidden.pk])
    assert "Works at the clinic" in client.get(address).content.decode()
    assert client.post(address)["Location"] == summary(hidden)
    hidden.refresh_from_db()
    assert not hidden.is_restricted


def test_without_a_coordinator_it_is_refused_with_a_sentence(site):
    lead = make_user(Role.LEAD, site=site)
    patient = make_patient(site=site)
    answer = signed_in(lead).post(
        reverse("patients:patient_restrict", args=[patient.pk]), {"reason": "Works at the desk"}
    )
    assert answer.status_code == 422
    assert "coordinator first" in answer.content.decode()


def test_the_number_in_the_rail_is_the_queue(hidden, manager, sam, site):
    """Counted by hand for speed, so it is compared with the queue itself."""
    far = make_patient(site=make_site())
    for user, patient in ((sam, hidden), (manager, hidden), (sam, far)):
        make_grant(patient, user)
    auditor = make_user(Role.AUDITOR, site=site)
    for reader, number in ((manager, 1), (auditor, 3)):
        assert open_work(reader)["dashboard:access_reviews"] == number
        assert AccessGrant.objects.visible_to(reader).to_review().count() == number
    assert "dashboard:access_reviews" not in open_work(sam)
