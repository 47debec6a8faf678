"""Registering, changing and closing a record: what is kept, what is refused, what is written down."""

from __future__ import annotations

import datetime
import threading
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.db import Conflict
from coordinator.tests.factories import make_practitioner, make_site, make_user
from coordinator.workflow import NotAllowed, System
from patients import services
from patients.models import AllergyStatus, CareTeamMember, Patient, PatientStatus
from patients.tests.factories import make_patient, make_phone

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)


def register(**fields):
    site = fields.pop("site", None) or make_site()
    by = fields.pop("by", None) or make_user(site=site)
    fields.setdefault("family_name", "Alvarez")
    fields.setdefault("given_name", "Maria")
    return services.register_patient(site=site, by=by, now=NOW, **fields)


def test_registering_keeps_phones_coverage_and_coordinator_together():
    site = make_site()
    dana = make_user(site=site)
    patient = register(
        site=site,
        by=dana,
        coordinator=dana,
        birth_date=datetime.date(1959, 2, 3),
        contact_points=[
            {"kind": "phone", "value": "(612) 555-0143", "use": "mobile", "ok_to_message": True},
            {"kind": "email", "value": "Maria.Alvarez@Example.com"},
        ],
        coverages=[{"payer_name": "HealthNorth", "member_id": "HN-1"}],
    )
    phone, email = patient.contact_points.order_by("kind", "rank")[::-1]
    assert (phone.value, phone.normalized, phone.last_four) == ("(612) 555-0143", "+16125550143", "0143")
    assert phone.permission_at == NOW
    assert email.normalized == "maria.alvarez@example.com"
    assert patient.coverages.get().rank == 1
    assert patient.coordinator == dana
    assert patient.care_team.get(is_lead=True).user == dana
    assert patient.changes.filter(step="create", by=dana).exists()
    assert AuditEvent.objects.filter(patient_id=patient.pk, action="create").exists()


def test_record_numbers_are_given_in_order_and_skip_taken_ones():
    first = register()
    make_patient(mrn=f"{int(first.mrn) + 1:09d}")
    assert int(register().mrn) == int(first.mrn) + 2


def test_a_taken_record_number_is_refused_with_a_sentence():
    make_patient(mrn="77")
    with pytest.raises(Conflict, match="another patient"):
        register(mrn="77")


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"family_name": "", "given_name": ""}, "family_name"),
        ({"family_name": "Nul\x00"}, "family_name"),
        ({"given_name": "\ud800"}, "given_name"),
        ({"family_name": "\u200b\u200b"}, "family_name"),
        ({"family_name": "x" * 121}, "family_name"),
        ({"given_name": "two\nlines"}, "given_name"),
        ({"birth_date": datetime.date(2026, 11, 19)}, "birth_date"),
        ({"birth_date": datetime.date(1066, 1, 1)}, "birth_date"),
        ({"sex": "lots"}, "sex"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"contact_points": [{"kind": "phone", "value": "555"}]}, "value"),
        ({"contact_points": [{"kind": "phone", "value": "call me"}]}, "value"),
        ({"contact_points": [{"kind": "email", "value": "not an address"}]}, "value"),
        ({"contact_points": [{"kind": "pigeon", "value": "1"}]}, "kind"),
    ],
)
def test_what_cannot_be_kept_is_refused_at_its_field(fields, where):
    before = Patient.objects.count()
    with pytest.raises(ValidationError) as refused:
        register(**fields)
    assert list(refused.value.message_dict) == [where]
    assert Patient.objects.count() == before


def test_names_are_kept_in_composed_form_and_found_without_accents():
    patient = register(family_name="Rami\u0301rez  ", given_name="Zoë")
    patient.refresh_from_db()
    assert (patient.family_name, patient.given_name) == ("Ramírez", "Zoë")
    assert patient.search_name == "ramirez zoe"


def test_somebody_from_another_site_registers_and_changes_nothing():
    patient, stranger = make_patient(), make_user()
    with pytest.raises(PermissionDenied):
        register(site=patient.site, by=stranger)
    with pytest.raises(PermissionDenied):
        services.update_patient(patient_id=patient.pk, version=1, by=stranger, now=NOW, city="Elsewhere")
    with pytest.raises(PermissionDenied):
        services.add_note(patient_id=patient.pk, body="Hello", by=stranger, now=NOW)


def test_a_job_may_write_and_is_named_in_the_trail():
    patient = register(by=System("import"))
    assert AuditEvent.objects.get(patient_id=patient.pk, action="create").actor == "system:import"


# --- changing ---------------------------------------------------------------------------------------


def test_a_change_says_which_fields_but_not_what_they_hold_in_the_trail():
    patient = make_patient()
    dana = make_user(site=patient.site)
    services.update_patient(patient_id=patient.pk, version=1, by=dana, now=NOW, city="Secretville")
    patient.refresh_from_db()
    assert (patient.city, patient.version) == ("Secretville", 2)
    event = AuditEvent.objects.get(patient_id=patient.pk, action="update")
    assert event.details["fields"] == ["city"]
    assert "Secretville" not in str(event.details)


def test_saving_without_a_difference_writes_nothing():
    patient = make_patient(city="St. Paul")
    dana = make_user(site=patient.site)
    services.update_patient(patient_id=patient.pk, version=1, by=dana, now=NOW, city="St. Paul")
    patient.refresh_from_db()
    assert patient.version == 1
    assert not AuditEvent.objects.filter(patient_id=patient.pk).exists()


def test_a_stale_save_of_the_same_field_shows_both_versions_and_changes_nothing():
    patient = make_patient()
    luz, dana = make_user(site=patient.site, name="Luz Herrera"), make_user(site=patient.site)
    services.update_patient(patient_id=patient.pk, version=1, by=luz, now=NOW, city="Duluth")
    with pytest.raises(Conflict) as stale:
        services.update_patient(
            patient_id=patient.pk, version=1, by=dana, now=NOW, city="Fargo", best_time_to_call="After 3"
        )
    assert stale.value.extra["fields"] == {"city": ("Duluth", "Fargo")}
    assert stale.value.extra["version"] == 2
    assert stale.value.extra["by"] == luz
    patient.refresh_from_db()
    assert (patient.city, patient.best_time_to_call) == ("Duluth", "")


def test_a_stale_save_of_other_fields_is_kept_beside_theirs():
    patient = make_patient()
    luz, dana = make_user(site=patient.site), make_user(site=patient.site)
    services.update_patient(patient_id=patient.pk, version=1, by=luz, now=NOW, city="Duluth")
    services.update_patient(patient_id=patient.pk, version=1, by=dana, now=NOW, best_time_to_call="After 3")
    patient.refresh_from_db()
    assert (patient.city, patient.best_time_to_call) == ("Duluth", "After 3")


@pytest.mark.django_db(transaction=True)
def test_two_people_saving_the_same_field_at_once_lose_no_word():
    patient = make_patient()
    people = [make_user(site=patient.site) for _ in range(4)]
    outcomes = []

    def save(user, city):
        try:
            services.update_patient(patient_id=patient.pk, version=1, by=user, now=NOW, city=city)
            outcomes.append("saved")
        except Conflict:
            outcomes.append("conflict")
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=(u, f"City {n}")) for n, u in enumerate(people)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(outcomes) == ["conflict", "conflict", "conflict", "saved"]


# --- contact points -----------------------------------------------------------------------------------


def test_the_same_number_typed_differently_is_recorded_once():
    patient = make_patient()
    dana = make_user(site=patient.site)
    add = {"patient_id": patient.pk, "kind": "phone", "by": dana, "now": NOW}
    point = services.add_contact_point(value="612-555-0143", **add)
    with pytest.raises(Conflict, match="already recorded"):
        services.add_contact_point(value="+1 (612) 555 0143", **add)
    services.end_contact_point(contact_point_id=point.pk, by=dana, now=NOW)
    assert services.add_contact_point(value="6125550143", **add).rank == 1


def test_numbers_from_abroad_keep_their_country():
    patient = make_patient()
    dana = make_user(site=patient.site)
    point = services.add_contact_point(
        patient_id=patient.pk, kind="phone", value="+52 55 1234 5678", by=dana, now=NOW
    )
    assert point.normalized == "+525512345678"


def test_permission_to_text_notes_when_it_was_given_and_taken_back():
    patient = make_patient()
    dana = make_user(site=patient.site)
    point = make_phone(patient, ok_to_message=False)
    allow = {"contact_point_id": point.pk, "by": dana}
    assert services.update_contact_point(ok_to_message=True, now=NOW, **allow).permission_at == NOW
    assert services.update_contact_point(ok_to_message=False, now=NOW, **allow).permission_at is None
    assert services.record_opt_out(now=NOW, **allow).opted_out_at == NOW
    assert services.mark_contact_point_failing(now=NOW, **allow).failing_since == NOW


# --- team ---------------------------------------------------------------------------------------------


def test_a_new_coordinator_replaces_the_old_as_the_one_lead():
    patient = make_patient()
    dana, luz = make_user(site=patient.site), make_user(site=patient.site)
    for user in (dana, luz):
        services.assign_coordinator(patient_id=patient.pk, user=user, by=dana, now=NOW)
    patient.refresh_from_db()
    assert patient.coordinator == luz
    assert CareTeamMember.objects.get(patient=patient, is_lead=True).user == luz
    assert CareTeamMember.objects.get(patient=patient, user=dana).ended_on == datetime.date(2026, 11, 18)
    services.assign_coordinator(patient_id=patient.pk, user=None, by=dana, now=NOW)
    patient.refresh_from_db()
    assert patient.coordinator is None


def test_nobody_from_another_site_and_no_provider_becomes_coordinator():
    patient = make_patient()
    dana = make_user(site=patient.site)
    for user in (make_user(), make_user(Role.PROVIDER, site=patient.site)):
        with pytest.raises(ValidationError):
            services.assign_coordinator(patient_id=patient.pk, user=user, by=dana, now=NOW)


def test_relatives_hear_nothing_unless_topics_are_given():
    patient = make_patient()
    dana = make_user(site=patient.site)
    add = {"patient_id": patient.pk, "relationship": "daughter", "by": dana, "now": NOW}
    assert services.add_related_person(name="Ana", **add).topics == []
    with pytest.raises(ValidationError):
        services.add_related_person(name="Ana", topics=["everything"], **add)


# --- clinical -----------------------------------------------------------------------------------------


def test_none_known_and_not_recorded_are_different_facts():
    patient = make_patient()
    dana = make_user(site=patient.site)
    write = {"patient_id": patient.pk, "by": dana, "now": NOW}
    services.record_no_known_allergies(**write)
    patient.refresh_from_db()
    assert patient.allergy_status == AllergyStatus.NONE_KNOWN
    allergy = services.add_allergy(substance="Penicillin", severity="severe", **write)
    patient.refresh_from_db()
    assert patient.allergy_status == AllergyStatus.RECORDED
    with pytest.raises(Conflict):
        services.record_no_known_allergies(**write)
    with pytest.raises(ValidationError):
        services.change_allergy(allergy_id=allergy.pk, by=dana, now=NOW, status="entered_in_error")
    services.change_allergy(
        allergy_id=allergy.pk, by=dana, now=NOW, status="entered_in_error", reason="Wrong chart"
    )
    patient.refresh_from_db()
    assert patient.allergy_status == AllergyStatus.NOT_RECORDED


def test_problems_and_medicines_say_when_they_ended():
    patient = make_patient()
    dana = make_user(site=patient.site)
    write = {"patient_id": patient.pk, "by": dana, "now": NOW}
    problem = services.add_problem(name="Heart failure", code="I50.22", **write)
    medicine = services.add_medication(name="Furosemide 40 mg", how_taken="2 times a day", **write)
    services.change_problem(problem_id=problem.pk, by=dana, now=NOW, status="resolved")
    services.change_medication(medication_id=medicine.pk, by=dana, now=NOW, status="stopped")
    problem.refresh_from_db()
    medicine.refresh_from_db()
    assert problem.ended_on == medicine.ended_on == datetime.date(2026, 11, 18)


def test_coverage_keeps_its_order_and_cannot_end_before_it_starts():
    patient = make_patient()
    dana = make_user(site=patient.site)
    write = {"patient_id": patient.pk, "by": dana, "now": NOW}
    first = services.add_coverage(payer_name="Medicare", starts_on=datetime.date(2026, 1, 1), **write)
    assert services.add_coverage(payer_name="Medicaid", **write).rank == 2
    with pytest.raises(ValidationError):
        services.end_coverage(coverage_id=first.pk, by=dana, now=NOW, ends_on=datetime.date(2025, 1, 1))
    ended = services.end_coverage(coverage_id=first.pk, by=dana, now=NOW)
    assert (ended.status, ended.ends_on) == ("ended", datetime.date(2026, 11, 18))


# --- notes --------------------------------------------------------------------------------------------


def test_a_long_note_is_kept_whole_and_an_endless_one_is_refused():
    patient = make_patient()
    dana = make_user(site=patient.site)
    body = "Ankles swollen. " * 1000
    note = services.add_note(patient_id=patient.pk, body=body, by=dana, now=NOW)
    note.refresh_from_db()
    assert note.body == body.strip()
    for bad in ("", "   ", "x" * 1_000_000, "NUL \x00"):
        with pytest.raises(ValidationError) as refused:
            services.add_note(patient_id=patient.pk, body=bad, by=dana, now=NOW)
        assert "body" in refused.value.message_dict


def test_only_the_provider_asked_acknowledges_a_note_once():
    patient = make_patient()
    dana = make_user(site=patient.site)
    chen, other = make_practitioner(patient.site), make_practitioner(patient.site)
    note = services.add_note(patient_id=patient.pk, body="Weight up 3 lb", report_to=chen, by=dana, now=NOW)
    wrong = make_user(Role.PROVIDER, site=patient.site, practitioner=other)
    with pytest.raises(PermissionDenied):
        services.acknowledge_note(note_id=note.pk, by=wrong, now=NOW)
    doctor = make_user(Role.PROVIDER, site=patient.site, practitioner=chen)
    services.acknowledge_note(note_id=note.pk, by=doctor, now=NOW)
    later = NOW + datetime.timedelta(hours=1)
    assert services.acknowledge_note(note_id=note.pk, by=doctor, now=later).acknowledged_at == NOW


def test_a_note_is_taken_back_with_a_reason_and_stays():
    patient = make_patient()
    dana = make_user(site=patient.site)
    note = services.add_note(patient_id=patient.pk, body="Wrong chart", by=dana, now=NOW)
    with pytest.raises(ValidationError):
        services.enter_note_in_error(note_id=note.pk, reason=" ", by=dana, now=NOW)
    note = services.enter_note_in_error(note_id=note.pk, reason="Other patient", by=dana, now=NOW)
    assert (note.status, note.body) == ("entered_in_error", "Wrong chart")


# --- standing -----------------------------------------------------------------------------------------


def test_a_death_is_recorded_on_its_day_and_can_be_taken_back():
    patient = make_patient(birth_date=datetime.date(1940, 5, 1))
    dana = make_user(site=patient.site)
    write = {"patient_id": patient.pk, "by": dana, "now": NOW}
    for day in (datetime.date(2026, 11, 19), datetime.date(1939, 1, 1)):
        with pytest.raises(ValidationError):
            services.record_death(died_on=day, **write)
    services.record_death(died_on=datetime.date(2026, 11, 3), **write)
    patient.refresh_from_db()
    assert (patient.status, patient.deceased_on) == (PatientStatus.DECEASED, datetime.date(2026, 11, 3))
    services.reactivate_patient(reason="Wrong person", **write)
    patient.refresh_from_db()
    assert (patient.status, patient.deceased_on) == (PatientStatus.ACTIVE, None)


def test_the_day_of_death_is_judged_at_the_patients_place():
    site = make_site(zone="Pacific/Honolulu")
    patient = make_patient(site=site)
    late = datetime.datetime(2026, 11, 19, 2, 0, tzinfo=ZoneInfo("UTC"))  # still the 18th in Honolulu
    with pytest.raises(ValidationError):
        services.record_death(
            patient_id=patient.pk, died_on=datetime.date(2026, 11, 19), by=make_user(site=site), now=late
        )


@pytest.mark.parametrize("step", ["inactivate_patient", "transfer_patient", "enter_patient_in_error"])
def test_leaving_needs_a_reason(step):
    patient = make_patient()
    dana = make_user(site=patient.site)
    with pytest.raises(ValidationError):
        getattr(services, step)(patient_id=patient.pk, reason="", by=dana, now=NOW)
    getattr(services, step)(patient_id=patient.pk, reason="Moved to Duluth", by=dana, now=NOW)
    with pytest.raises(NotAllowed):
        getattr(services, step)(patient_id=patient.pk, reason="Again", by=dana, now=NOW)


def test_a_record_entered_in_error_is_seen_by_nobody():
    patient = make_patient()
    dana = make_user(site=patient.site)
    services.enter_patient_in_error(patient_id=patient.pk, reason="Registered twice", by=dana, now=NOW)
    assert not Patient.objects.visible_to(dana).filter(pk=patient.pk).exists()
