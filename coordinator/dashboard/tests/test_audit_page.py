"""The auditor's page: who sees it, what it finds, and that looking is recorded."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coordinator.accounts.roles import Role
from coordinator.audit import services as audit
from coordinator.audit.models import AuditEvent
from coordinator.dashboard.audit import PAGE_ROWS
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import System
from patients.tests.factories import make_patient

pytestmark = pytest.mark.django_db
URL = "/audit/"


@pytest.fixture
def auditor(client):
    user = make_user(Role.AUDITOR)
    client.force_login(user)
    AuditEvent.objects.all()
    return user


def opened(patient, by, action="view"):
    return audit.record(
        by=by, action=action, entity="patients.patient", entity_id=patient.pk, patient_id=patient.pk,
        site_id=patient.site_id, details={"what": "summary"},
    )  # fmt: skip


def test_it_names_who_opened_whose_record(client, auditor):
    patient = make_patient(family_name="Okonkwo", given_name="Ada", mrn="A-77")
    opened(patient, make_user(name="Marcus Bell"))
    text = client.get(URL).content.decode()
    assert "Marcus Bell" in text
    assert "OKONKWO, Ada, MRN A-77" in text
    assert "what: summary" in text


def test_it_finds_by_record_number_without_putting_it_into_the_address(client, auditor):
    wanted, other = make_patient(mrn="A-77"), make_patient(family_name="Nobody")
    for patient in (wanted, other):
        opened(patient, make_user())
    response = client.post(URL, {"q": "a-77"}, follow=True)
    assert response.redirect_chain == [(URL, 302)]
    assert "A-77" in response.content.decode()
    assert "NOBODY" not in response.content.decode()


def test_it_finds_by_key(client, auditor):
    patient = make_patient()
    opened(patient, make_user())
    response = client.post(URL, {"q": str(patient.pk)}, follow=True)
    assert f"MRN {patient.mrn}" in response.content.decode()


def test_a_number_that_nobody_has_is_said(client, auditor):
    assert "No patient has this number" in client.post(URL, {"q": "X"}, follow=True).content.decode()


def test_a_person_stands_for_what_they_did_and_what_was_done_to_their_account(client, auditor):
    person, other = make_user(name="Marcus Bell"), make_user(name="Ines Ferro")
    opened(make_patient(family_name="Seen"), person)
    opened(make_patient(family_name="Unseen"), other)
    audit.record(by=other, action="update_user", entity="accounts.user", entity_id=person.pk)
    text = client.get(URL, {"person": person.pk}).content.decode()
    assert "SEEN" in text
    assert "update user" in text
    assert "UNSEEN" not in text


def test_kind_and_days_narrow_the_list(client, auditor):
    user = make_user()
    opened(make_patient(family_name="Viewed"), user)
    opened(make_patient(family_name="Changed"), user, action="update")
    text = client.get(URL, {"kind": "view"}).content.decode()
    assert "VIEWED" in text
    assert "CHANGED" not in text
    tomorrow = (datetime.datetime.now() + datetime.timedelta(days=2)).date().isoformat()
    assert "Nothing was recorded" in client.get(URL, {"since": tomorrow}).content.decode()
    assert "VIEWED" in client.get(URL, {"until": tomorrow}).content.decode()


@pytest.mark.parametrize(
    "query", ["person=x", "kind=x", "since=x", "after=x", "after=2026-01-01_1", "action=%00"]
)
def test_a_choice_that_does_not_exist_is_left_out(client, auditor, query):
    assert client.get(f"{URL}?{query}").status_code == 200


def test_jobs_and_strangers_are_named_as_such(client, auditor):
    opened(make_patient(), System("nightly"))
    audit.record(by=None, action="sign_in_failed", entity="accounts.user")
    text = client.get(URL).content.decode()
    assert "System: nightly" in text
    assert "Nobody signed in" in text


def test_pages_follow_each_other_without_gap_or_repeat(client, auditor):
    user = make_user()
    for n in range(PAGE_ROWS + 5):
        audit.record(by=user, action=f"step_{n:03d}", entity="x.y")
    query, seen = f"?person={user.pk}", []
    while query:
        response = client.get(URL + query)
        seen += [line.event.action for line in response.context["trail"].lines]
        query = response.context["next_url"]
    assert seen == [f"step_{n:03d}" for n in reversed(range(PAGE_ROWS + 5))]


def test_the_part_is_a_piece_of_the_page(client, auditor):
    opened(make_patient(), make_user())
    part = client.get(f"{URL}?kind=view&action=view", headers={"HX-Request": "true"}).content.decode()
    whole = client.get(f"{URL}?kind=view&action=view").content.decode()
    first_row = part[part.index("<tr>") : part.index("</tr>")]
    assert first_row in whole
    assert "<html" not in part


def test_the_number_of_queries_does_not_grow_with_the_rows(client, auditor):
    def count(query):
        with CaptureQueriesContext(
            connection,
        ) as context:
            client.get(URL + query)
        return len(context)

    opened(make_patient(), make_user(), action="one")
    for _ in range(20):
        opened(make_patient(site=make_site()), make_user(), action="many")
    client.get(URL)
    assert count("?action=one") == count("?action=many")


def test_looking_is_recorded_with_what_was_asked(client, auditor):
    patient = make_patient(mrn="A-77")
    client.post(URL, {"q": "A-77"}, follow=True)
    event = AuditEvent.objects.get(action="view_audit")
    assert event.actor_id == auditor.pk
    assert event.patient_id == patient.pk
    assert "A-77" not in str(event.details)


def test_the_export_holds_names_and_is_recorded(client, auditor):
    patient = make_patient(mrn="A-77", family_name="Okonkwo", given_name="=cmd()")
    opened(patient, make_user(name="Marcus Bell"))
    client.post(URL, {"q": "A-77"})
    response = client.get(reverse("dashboard:audit_export"))
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    assert text.splitlines()[0].startswith('"when","who","action"')
    assert "Marcus Bell" in text
    assert "OKONKWO" in text
    event = AuditEvent.objects.get(action="export")
    assert event.details["rows"] == 1
    assert event.details["filters"] == {"patient_id": str(patient.pk)}


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.MANAGER, Role.COORDINATOR])
def test_nobody_else_reads_the_trail(client, role):
    client.force_login(make_user(role))
    assert client.get(URL).status_code == 403
    assert client.get(reverse("dashboard:audit_export")).status_code == 403
