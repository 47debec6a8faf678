"""Adding to the record and ending what is in it: phones, coverage, family, problems, allergies, medicines, notes."""

from __future__ import annotations

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.tests.factories import make_practitioner, make_site, make_user
from patients import services
from patients.models import Allergy, Consent, ContactPoint, Note, PatientStatus, RelatedPerson
from patients.tests.factories import make_patient, make_phone

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
ENTRIES = {
    "phone": {"kind": "phone", "value": "(612) 555-0143", "use": "mobile"},
    "coverage": {"payer_name": "Medicare", "member_id": "1EG4-TE5-MK73"},
    "family": {"name": "Ana", "relationship": "daughter", "topics": ["scheduling"]},
    "team": {"name": "Dr. Amy Lund", "role": "cardiologist", "contact": "(612) 555-0177"},
    "consent": {"kind": "release", "decision": "permit", "method": "written", "scope": "Records to Dr. Lund"},
    "problem": {"name": "Heart failure", "code": "I50.22"},
    "allergy": {"substance": "Penicillin", "severity": "severe"},
    "medicine": {"name": "Furosemide 40 mg", "how_taken": "2 times a day"},
}


@pytest.fixture
def dana(client):
    user = make_user(site=make_site())
    client.force_login(user)
    return user


@pytest.fixture
def elena(dana):
    return make_patient(site=dana.sites.get())


def add(patient, kind) -> str:
    return reverse("patients:entry_new", args=[patient.pk, kind])


@pytest.mark.parametrize("kind", ENTRIES)
def test_an_entry_is_added_and_shown_on_details(client, elena, kind):
    assert client.get(add(elena, kind)).status_code == 200
    answer = client.post(add(elena, kind), ENTRIES[kind], follow=True)
    page = answer.content.decode()
    shown = {"phone": "(612) 555-0143", "coverage": "Medicare", "family": "Ana", "problem": "Heart failure"}
    shown |= {
        "allergy": "Penicillin",
        "medicine": "Furosemide",
        "team": "Dr. Amy Lund",
        "consent": "Records to Dr. Lund",
    }
    assert shown[kind] in page


@pytest.mark.parametrize("kind", ENTRIES)
def test_an_empty_entry_is_refused_at_its_field(client, elena, kind):
    answer = client.post(add(elena, kind), {}, headers=HTMX)
    assert answer.status_code == 422
    assert "is required" in answer.content.decode()
    assert "<html" not in answer.content.decode()


@pytest.mark.parametrize("kind", ENTRIES)
def test_nothing_is_added_to_a_patient_of_another_site(client, dana, kind):
    stranger = make_patient()
    assert client.get(add(stranger, kind)).status_code == 404
    assert client.post(add(stranger, kind), ENTRIES[kind]).status_code == 404


def test_an_unknown_kind_of_entry_is_not_found(client, elena):
    assert client.get(add(elena, "dragon")).status_code == 404


def test_the_same_number_twice_is_told_on_top(client, elena):
    client.post(add(elena, "phone"), ENTRIES["phone"])
    answer = client.post(add(elena, "phone"), {**ENTRIES["phone"], "value": "612.555.0143"})
    assert answer.status_code == 422
    assert "already recorded" in answer.content.decode()


def test_a_phone_is_changed_and_ended(client, elena):
    point = make_phone(elena, ok_to_message=False)
    change = reverse("patients:entry_change", args=["phone", point.pk])
    assert "612" in client.get(change).content.decode()
    client.post(change, {"use": "home", "ok_to_message": "on", "owner_name": "Ana"})
    point.refresh_from_db()
    assert (point.use, point.ok_to_message, point.owner_name) == ("home", True, "Ana")
    client.post(reverse("patients:entry_end", args=["phone", point.pk]))
    point.refresh_from_db()
    assert point.ended_at


def test_what_a_relative_may_hear_is_changed_and_counts_at_once(client, elena):
    client.post(add(elena, "family"), ENTRIES["family"])
    ana = RelatedPerson.objects.get()
    change = reverse("patients:entry_change", args=["family", ana.pk])
    form = client.get(change).content.decode()
    assert 'value="Ana"' in form
    client.post(change, {"name": "Ana", "relationship": "daughter", "topics": ["results", "transport"]})
    ana.refresh_from_db()
    assert ana.topics == ["results", "transport"]
    event = AuditEvent.objects.filter(entity="patients.relatedperson", action="change").get()
    assert event.details == {"fields": ["topics"]}


def test_somebody_outside_joins_the_care_team_once_changes_and_leaves(client, elena):
    client.post(add(elena, "team"), ENTRIES["team"])
    twice = client.post(add(elena, "team"), ENTRIES["team"])
    assert twice.status_code == 422
    assert "already" in twice.content.decode()
    member = elena.care_team.get()
    change = reverse("patients:entry_change", args=["team", member.pk])
    client.post(change, {**ENTRIES["team"], "contact": "fax (612) 555-0178"})
    client.post(reverse("patients:entry_end", args=["team", member.pk]))
    member.refresh_from_db()
    assert member.contact == "fax (612) 555-0178"
    assert member.ended_on


def test_the_lead_does_not_leave_the_care_team_by_this_door(client, dana, elena):
    services.assign_coordinator(patient_id=elena.pk, user=dana, by=dana, now=timezone.now())
    lead = elena.care_team.get()
    assert client.post(reverse("patients:entry_end", args=["team", lead.pk])).status_code == 409
    lead.refresh_from_db()
    assert lead.ended_on is None


# --- consents ---------------------------------------------------------------------------------------------


def test_a_consent_says_who_took_it_and_is_taken_back_with_a_reason(client, dana, elena):
    client.post(add(elena, "consent"), ENTRIES["consent"])
    consent = Consent.objects.get()
    today = consent.starts_on
    assert (consent.taken_by, consent.holds_on(today)) == (dana, True)
    assert not consent.holds_on(today - datetime.timedelta(days=1))
    change = reverse("patients:entry_change", args=["consent", consent.pk])
    assert client.post(change, {"status": "revoked", "reason": ""}).status_code == 422
    page = client.post(
        change, {"status": "revoked", "reason": "Changed her mind"}, follow=True
    ).content.decode()
    assert "Taken back" in page
    assert "Changed her mind" in page
    consent.refresh_from_db()
    assert (consent.revoked_on, consent.holds_on(today)) == (today, False)
    again = client.post(change, {"status": "entered_in_error", "reason": "x"})
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"given_by": "Ana Alvarez"}, "By what right"),
        ({"starts_on": "2031-01-01"}, "From"),
        ({"starts_on": "2026-01-02", "ends_on": "2026-01-01"}, "To"),
        ({"kind": "dragons"}, "Consent to"),
    ],
)
def test_a_consent_that_cannot_be_is_refused_at_its_field(client, elena, wrong, field):
    answer = client.post(add(elena, "consent"), ENTRIES["consent"] | wrong)
    assert answer.status_code == 422
    assert field in answer.content.decode()
    assert not Consent.objects.exists()


def test_a_consent_that_has_ended_or_was_refused_looks_so(client, dana, elena):
    day = timezone.localdate() - datetime.timedelta(days=40)
    made = {"patient_id": elena.pk, "method": "verbal", "by": dana, "now": timezone.now(), "starts_on": day}
    services.add_consent(kind="telehealth", ends_on=day + datetime.timedelta(days=9), **made)
    services.add_consent(kind="research", decision="deny", **made)
    page = client.get(reverse("dashboard:patient_details", args=[elena.pk])).content.decode()
    for shown in ("Telehealth visits", "Ended", "Research", "Refused", dana.name):
        assert shown in page


def test_an_allergy_taken_back_needs_a_reason(client, elena):
    client.post(add(elena, "allergy"), ENTRIES["allergy"])
    allergy = Allergy.objects.get()
    change = reverse("patients:entry_change", args=["allergy", allergy.pk])
    assert client.post(change, {"status": "entered_in_error", "reason": ""}).status_code == 422
    assert client.post(change, {"status": "entered_in_error", "reason": "Wrong chart"}).status_code == 302


def test_no_known_allergies_is_recorded_by_one_button(client, elena):
    client.post(reverse("patients:no_known_allergies", args=[elena.pk]))
    elena.refresh_from_db()
    assert elena.allergy_status == "none_known"


def test_entries_of_another_site_are_not_found(client, dana):
    point = make_phone(make_patient())
    relative = RelatedPerson.objects.create(patient=make_patient(), name="Ana", relationship="aunt")
    for kind, entry in (("phone", point), ("family", relative)):
        assert client.get(reverse("patients:entry_change", args=[kind, entry.pk])).status_code == 404
        assert client.post(reverse("patients:entry_end", args=[kind, entry.pk])).status_code == 404
    assert ContactPoint.objects.get().ended_at is None


@pytest.mark.parametrize("role", [Role.PROVIDER, Role.BILLING])
def test_readers_change_nothing(client, elena, role):
    client.force_login(make_user(role, site=elena.site))
    assert client.post(add(elena, "problem"), ENTRIES["problem"]).status_code == 403
    assert client.post(reverse("patients:note_new", args=[elena.pk]), {"body": "x"}).status_code == 403


# --- notes ------------------------------------------------------------------------------------------------


def test_a_note_is_written_beside_the_timeline_which_then_asks_for_itself(client, elena):
    address = reverse("patients:note_new", args=[elena.pk])
    form = client.get(address, headers=HTMX).content.decode()
    assert "<html" not in form
    assert "New note" in form
    answer = client.post(address, {"body": "Ankles swollen", "kind": "progress"}, headers=HTMX)
    assert "record-changed" in answer["HX-Trigger"]
    assert Note.objects.get().body == "Ankles swollen"


def test_without_script_a_note_leads_back_to_the_chart(client, elena):
    address = reverse("patients:note_new", args=[elena.pk])
    answer = client.post(address, {"body": "Ankles swollen", "kind": "progress"})
    assert answer["Location"] == reverse("dashboard:patient_summary", args=[elena.pk])


def test_a_note_without_words_keeps_the_rest(client, elena):
    chen = make_practitioner(elena.site)
    sent = {"body": " ", "kind": "problem", "report_to": str(chen.pk)}
    answer = client.post(reverse("patients:note_new", args=[elena.pk]), sent)
    assert answer.status_code == 422
    assert f'value="{chen.pk}" selected' in answer.content.decode()


def test_a_note_is_taken_back_with_a_reason_and_read_by_the_one_asked(client, elena, dana):
    chen = make_practitioner(elena.site)
    note = Note.objects.create(patient=elena, body="Weight up", created_by=dana, report_to=chen)
    doctor = make_user(Role.PROVIDER, site=elena.site, practitioner=chen)
    client.force_login(doctor)
    page = client.get(reverse("dashboard:patient_notes", args=[elena.pk])).content.decode()
    assert "Mark as read" in page
    client.post(reverse("patients:note_acknowledge", args=[note.pk]))
    note.refresh_from_db()
    assert note.acknowledged_by == doctor
    client.force_login(dana)
    back = reverse("patients:note_in_error", args=[note.pk])
    assert client.post(back, {"reason": ""}).status_code == 422
    client.post(back, {"reason": "Other patient"})
    page = client.get(reverse("dashboard:patient_notes", args=[elena.pk])).content.decode()
    assert "Taken back: Other patient" in page
    assert "Weight up" in page


# --- standing ------------------------------------------------------------------------------------------------


def test_standing_offers_the_steps_that_are_possible_and_asks_what_they_need(client, elena):
    address = reverse("patients:patient_standing", args=[elena.pk])
    page = client.get(address).content.decode()
    assert "Record death" in page
    assert "Make active again" not in page
    assert client.post(address, {"step": "record_death"}).status_code == 422
    assert client.post(address, {"step": "inactivate"}).status_code == 422
    assert client.post(address, {"step": "reactivate", "reason": "x"}).status_code == 422
    died = {"step": "record_death", "died_on": "2026-08-03"}
    assert client.post(address, died).status_code == 302
    elena.refresh_from_db()
    assert (elena.status, elena.deceased_on) == (PatientStatus.DECEASED, datetime.date(2026, 8, 3))


def test_a_record_entered_in_error_leads_to_the_list(client, elena):
    address = reverse("patients:patient_standing", args=[elena.pk])
    answer = client.post(address, {"step": "enter_in_error", "reason": "Registered twice"})
    assert answer["Location"] == reverse("dashboard:patient_list")
    assert client.get(address).status_code == 404


def test_the_coordinator_is_chosen_among_those_who_work_there(client, elena, dana):
    address = reverse("patients:patient_coordinator", args=[elena.pk])
    stranger = make_user()
    assert client.post(address, {"coordinator": stranger.pk}).status_code == 422
    assert client.post(address, {"coordinator": dana.pk}).status_code == 302
    elena.refresh_from_db()
    assert elena.coordinator == dana


# --- days -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "field"), [("problem", "onset_on"), ("medicine", "started_on")])
def test_what_a_patient_has_did_not_begin_in_the_future(client, elena, kind, field):
    tomorrow = timezone.localdate() + datetime.timedelta(days=1)
    answer = client.post(add(elena, kind), {**ENTRIES[kind], field: tomorrow.isoformat()})
    assert answer.status_code == 422
    assert "This day is still to come" in answer.content.decode()
