"""One patient's whole record: what is in it, what is not, and that we read again what we wrote."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from hypothesis import HealthCheck, Phase, given, settings

from careplans.models import ContactAttempt
from careplans.tests.factories import make_goal, make_intervention, make_plan, make_task
from coordinator.accounts.roles import Role
from coordinator.fhir.bundles import KEPT, entries_of
from coordinator.fhir.sources import read_documents
from coordinator.imports.services.fhir import FileWriter
from coordinator.imports.services.identity import Index
from coordinator.imports.services.runs import new_run
from coordinator.record.bundle import as_json, bundle_of
from coordinator.record.document import pages_of, pdf_of, shows
from coordinator.record.gather import record_of
from coordinator.record.sections import plain
from coordinator.tests.factories import make_practitioner, make_site, make_team, make_user
from coordinator.workflow import System
from patients import services
from patients.labels import PART2_NOTICE
from patients.models import (
    Consent,
    ContactWarning,
    Document,
    Medication,
    Note,
    Patient,
    PatientIdentifier,
    Problem,
    Result,
)
from patients.services.reconciliation import Said
from patients.tests.charts import charts, draw
from patients.tests.factories import make_patient, make_phone, make_update, restrict
from referrals.tests.factories import make_authorization, make_referral
from scheduling.tests.factories import make_appointment

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)


@pytest.fixture
def site():
    site = make_site()
    make_team(site)
    return site


@pytest.fixture
def user(site):
    return make_user(Role.COORDINATOR, site=site)


def work(patient, user):
    """Something of every app."""
    doctor = make_practitioner()
    plan = make_plan(patient, title="Heart failure plan", author=user)
    plan.problems.add(
        Problem.objects.create(
            patient=patient, name="Heart failure", code="42343007", code_system="http://snomed.info/sct"
        )
    )
    goal = make_goal(plan, description="Walk 30 minutes", due_on=datetime.date(2027, 1, 9))
    make_intervention(goal, description="Daily weight")
    make_task(patient, title="Call about swelling", owner=user, due_at=NOW)
    make_appointment(patient, practitioner=doctor, start=NOW + datetime.timedelta(days=3), reason="Check-up")
    referral = make_referral(patient, owner=user)
    make_authorization(patient, owner=user, referral=referral)
    ContactAttempt.objects.create(
        patient=patient, outcome="no_answer", reached=False, at=NOW, note="No answer"
    )
    Note.objects.create(patient=patient, body="Feet *swollen*\n#import", created_by=user)
    Result.objects.create(patient=patient, name="Weight", value=Decimal("81.123456"), unit="kg", taken_at=NOW)
    Document.objects.create(patient=patient, kind="Letter", title="Discharge letter", text="Dear colleague")
    Consent.objects.create(
        patient=patient, kind="telehealth", method="verbal", starts_on=datetime.date(2026, 1, 2)
    )


def exported(patient, user):
    return as_json(bundle_of(record_of(patient, user, NOW, events=False)))


def read(text):
    """As an import reads it: checked against the models of FHIR."""
    return entries_of(read_documents("record.json", text.encode()))


# --- FHIR ------------------------------------------------------------------------------------------------

# Not read by the import, or ours alone: the number of a referral, when it was written, what a relative speaks.
NOT_READ = {
    "ServiceRequest": {"identifier", "authoredOn"},
    "RelatedPerson": {"active", "communication", "period"},
    "DocumentReference": {"date", "author"},
    "Task": {"owner"},
    "Goal": {"note"},
}


def said(text):
    """What the resources say that an import keeps, without keys: by type, in a fixed order."""
    found: dict[str, list[str]] = {}
    for entry in json.loads(text)["entry"]:
        resource = entry["resource"]
        kind = resource["resourceType"]
        if kind in KEPT and kind not in ("Practitioner", "Organization"):
            facts = {k: v for k, v in resource.items() if k not in NOT_READ.get(kind, set()) | {"id"}}
            found.setdefault(kind, []).append(json.dumps(without_keys(facts), sort_keys=True))
    return {kind: sorted(rows) for kind, rows in found.items()}


def without_keys(value):
    if isinstance(value, dict):
        return {
            k: without_keys(v)
            for k, v in value.items()
            if not (k == "reference" and str(v).startswith("urn:uuid:"))
        }
    return [without_keys(part) for part in value] if isinstance(value, list) else value


def read_back(patient, text):
    """The bundle in another place, where nobody knows the first one; the key of its patient."""
    Patient.objects.filter(pk=patient.pk).update(mrn=f"was-{patient.pk.hex[-20:]}")
    for number in PatientIdentifier.objects.filter(patient=patient):
        PatientIdentifier.objects.filter(pk=number.pk).update(value=f"was-{number.pk}")
    there = make_site()
    make_team(there)
    run = new_run(kind="fhir", site=there, by=System("test"), now=NOW)
    with transaction.atomic():
        FileWriter(run=run, site=there, index=Index(label="throughline"), by=System("test"), now=NOW).write(
            read(text)
        )
    reader = make_user(Role.COORDINATOR, site=there)
    return Patient.objects.get(site=there), reader


def test_what_we_write_is_valid_and_read_back_equal(site, user):
    patient = make_patient(
        site=site, middle_name="María", preferred_name="Lena", former_family_name="Ruiz", address_line="1 Elm St",
        city="St Paul", state="MN", postal_code="55101", interpreter_needed=True, gender_identity="Woman", language="es",
        allergy_status="none_known",
    )  # fmt: skip
    make_phone(patient)
    work(patient, user)
    first = exported(patient, user)
    copy, reader = read_back(patient, first)
    assert said(exported(copy, reader)) == said(first)
    assert copy.allergy_status == "none_known"
    assert Result.objects.get(patient=copy).value == Decimal("81.123456")


@given(chart=charts)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_any_chart_is_valid_and_read_back_equal(chart):
    with transaction.atomic():
        site = make_site()
        make_team(site)
        user = make_user(Role.COORDINATOR, site=site)
        patient = draw(chart, site, user)
        for number, point in enumerate(patient.contact_points.order_by("created_at")):
            # Numbers as people have them: an import keeps each once.
            value = f"e{number}@example.test" if point.kind == "email" else f"(612) 555-{1000 + number}"
            type(point).objects.filter(pk=point.pk).update(value=value, normalized=f"n{number}")
        first = exported(patient, user)
        if patient.allergies.exists():
            Patient.objects.filter(pk=patient.pk).update(allergy_status="recorded")
            first = exported(patient, user)
        copy, reader = read_back(patient, first)
        assert said(exported(copy, reader)) == said(first)
        transaction.set_rollback(True)


def test_consents_contacts_and_notes_are_in_the_bundle_as_fhir_has_them(site, user):
    patient = make_patient(site=site)
    work(patient, user)
    text = exported(patient, user)
    kinds = [entry["resource"]["resourceType"] for entry in json.loads(text)["entry"]]
    assert {"Consent", "Communication", "CarePlan", "Goal", "ServiceRequest", "Appointment", "Task"} <= set(
        kinds
    )
    from fhir.resources.R4B.bundle import Bundle

    Bundle.model_validate_json(text)


# --- who and what --------------------------------------------------------------------------------------------


def test_who_may_not_know_the_patient_gets_no_record(site, user):
    hidden = restrict(make_patient(site=site), make_user(Role.MANAGER, site=site))
    for patient in (hidden, make_patient()):
        with pytest.raises(Patient.DoesNotExist):
            record_of(patient, user, NOW)


def test_another_place_s_work_and_what_was_entered_in_error_are_not_in_it(site, user):
    patient = make_patient(site=site)
    make_task(patient, title="canary task", site=make_site())
    Problem.objects.create(patient=patient, name="canary problem", status="entered_in_error")
    Note.objects.create(patient=patient, body="canary note", status="entered_in_error", error_reason="x")
    record = record_of(patient, user, NOW)
    assert "canary" not in json.dumps(pages_of(record, "x")) + as_json(bundle_of(record))


# --- safe contact -----------------------------------------------------------------------------------------------


def section(record, title):
    return next(s for s in pages_of(record, "x")["sections"] if s["title"] == title)["rows"]


def flags(record):
    resources = [entry["resource"] for entry in bundle_of(record)["entry"]]
    told = [r["code"]["text"] for r in resources if r["resourceType"] == "Flag"]
    return told, [t["value"] for t in resources[0]["telecom"]]


def test_safe_contact_travels_with_the_record(site, user):
    """A number that must not be used is no number to use, and the wish is said in words."""
    patient = make_patient(site=site)
    good = make_phone(patient, ok_to_leave_voicemail=True)
    make_phone(patient, "+16125550199", rank=2, ok_to_leave_voicemail=True)
    ended = ContactWarning.objects.create(patient=patient, kind="no_letters", ended_at=NOW)
    wish = ContactWarning.objects.create(
        patient=patient, kind="use_only", contact_point=good, text="The partner reads the other one"
    )
    record = record_of(patient, user, NOW)
    sentence = "Use only (612) 555-0143. The partner reads the other one"
    assert section(record, "Safe contact") == [[sentence]]
    rows = {row[0]: row[3:6] for row in section(record, "Phones and e-mail")}
    assert rows == {"(612) 555-0143": ["Yes"] * 3, "(612) 555-0199": ["No"] * 3}
    assert flags(record) == ([sentence], ["+16125550143"])
    from fhir.resources.R4B.bundle import Bundle

    Bundle.model_validate_json(as_json(bundle_of(record)))

    ContactWarning.objects.filter(pk=wish.pk).update(is_sensitive=True)
    record = record_of(patient, user, NOW)
    assert section(record, "Safe contact") == [["Safe contact: see record"]]
    assert [row[0] for row in section(record, "Phones and e-mail")] == ["(612) 555-0143"]
    assert flags(record) == (["Safe contact: see record"], ["+16125550143"])
    assert "partner" not in as_json(bundle_of(record))
    assert ended not in record.warnings


def test_who_wants_no_messages_at_all_is_not_said_to_be_fine_with_them(site, user):
    patient = make_patient(site=site)
    make_phone(patient, ok_to_leave_voicemail=True)
    assert section(record_of(patient, user, NOW), "Phones and e-mail")[0][3:6] == ["Yes"] * 3
    for kind in ("no_messages", "no_voicemail"):
        ContactWarning.objects.create(patient=patient, kind=kind)
    assert section(record_of(patient, user, NOW), "Phones and e-mail")[0][3:6] == ["Yes", "No", "No"]


# --- what is held back ----------------------------------------------------------------------------------------

PRIVATE = "Opioid dependence"
CONSENT = {"kind": "part2", "method": "written", "starts_on": datetime.date(2026, 1, 2)}


def told(patient, user):
    """What leaves, as text: the pages and the bundle. Without tasks: what one says of an update is asked in
    careplans/tests/test_provider_updates.py."""
    record = record_of(patient, user, NOW)
    record.tasks = []
    return json.dumps([pages_of(record, "x"), bundle_of(record)], default=str)


def protected_problem(patient, user):
    plan = make_plan(patient, title="Heart failure plan")
    plan.problems.add(Problem.objects.create(patient=patient, name=PRIVATE, label="part2", created_by=user))
    return patient


def protected_comparison(patient, user):
    """The update to the provider names a protected medicine; there is no note."""
    medicine = Medication.objects.create(patient=patient, name=PRIVATE, label="part2", created_by=user)
    event = services.reconcile_list(
        patient_id=patient.pk,
        list_name="medicines",
        with_whom="patient",
        said=[Said("differently", medicine.pk, said="half of it")],
        report_to=make_practitioner(site=patient.site),
        ask=f"{PRIVATE}: half the dose?",
        by=user,
        now=NOW,
    )
    return event.patient


def protected_result(patient, user):
    """Of two values of one moment one is protected: whichever key the timeline shows."""
    for label in ("", "part2", ""):
        Result.objects.create(
            patient=patient,
            name=PRIVATE if label else "Weight",
            value_text="81",
            taken_at=NOW,
            label=label,
            created_by=user,
        )
    return patient


def protected_answer(patient, user):
    note = Note.objects.create(patient=patient, body=PRIVATE, label="part2", created_by=user)
    update = make_update(patient, ask=PRIVATE, note=note, created_by=user)
    services.answer_update(update_id=update.pk, answer=PRIVATE, answer_route="phone", by=user, now=NOW)
    return patient


@pytest.mark.parametrize(
    "made", [protected_problem, protected_comparison, protected_result, protected_answer]
)
def test_what_retells_a_protected_entry_leaves_with_a_consent_only(site, user, made):
    """The one who asks wrote it and sees it: that alone does not let it leave."""
    patient = made(make_patient(site=site), user)
    assert PRIVATE not in told(patient, user)
    Consent.objects.create(patient=patient, **CONSENT)
    with_consent = told(patient, user)
    assert PRIVATE in with_consent
    assert PART2_NOTICE in with_consent


def test_a_provider_reads_notes_and_billing_does_not(site):
    patient = make_patient(site=site)
    work(patient, make_user(site=site))
    assert record_of(patient, make_user(Role.PROVIDER, site=site), NOW).notes
    billing = record_of(patient, make_user(Role.BILLING, site=site), NOW)
    assert (billing.notes, billing.contacts, billing.tasks, billing.plans) == ([], [], [], [])


def test_the_same_number_of_statements_for_a_short_and_a_long_record(
    site, user, django_assert_max_num_queries
):
    short, long = make_patient(site=site), make_patient(site=site)
    work(short, user)
    for _n in range(3):
        work_more(long, user)

    def statements(patient):
        with CaptureQueriesContext(connection) as asked:
            record = record_of(patient, user, NOW)
            bundle_of(record)
            pages_of(record, "x")
        return len(asked)

    statements(short)
    assert statements(long) <= statements(short)


def work_more(patient, user):
    goal = make_goal(make_plan(patient, program=f"P{timezone.now().timestamp()}"))
    make_intervention(goal)
    make_task(patient, owner=user)
    make_referral(patient, owner=user)
    Note.objects.create(patient=patient, body="x", created_by=user)
    Result.objects.create(patient=patient, name="Weight", value="81.5", taken_at=NOW)


# --- the PDF ----------------------------------------------------------------------------------------------------


def test_the_pdf_is_tagged_and_holds_what_was_written_as_text(site, user):
    patient = make_patient(
        site=site, family_name='#import "/etc/passwd"', given_name="$x$ *bold* Åse Ёлка سلام"
    )
    work(patient, user)
    record = record_of(patient, user, NOW)
    record.notices.append("Do not pass on.")
    pdf = pdf_of(record, "The patient’s own request")
    assert pdf.startswith(b"%PDF-")
    assert b"/MarkInfo" in pdf
    assert b"pdfuaid" in pdf or b"/StructTreeRoot" in pdf
    pages = pages_of(record, "The patient’s own request")
    assert pages["notices"] == ["Do not pass on."]
    assert patient.mrn in pages["who"]
    assert "Contains patient information" in pages["warning"]
    texts = json.dumps(pages, ensure_ascii=False)
    assert "Feet *swollen*" in texts
    assert [s["title"] for s in pages["sections"]][:3] == ["Allergies", "Problems", "Medicines"]


def test_what_the_fonts_cannot_show_is_said(site, user):
    pages = pages_of(record_of(make_patient(site=site, family_name="王"), user, NOW), "x")
    assert "cannot be shown" in pages["notices"][0]
    assert shows("Åse Ёлка سلام Ñandú – “x” ≥ 3")
    assert not shows("王")


def test_controls_and_marks_that_turn_the_text_do_not_reach_the_page():
    assert plain("a\u202eb\x00c\x1b\nd") == "abc\nd"


def test_the_pdf_speaks_the_reader_s_language(site, user):
    with translation.override("es"):
        pages = pages_of(record_of(make_patient(site=site), user, NOW), "x")
    assert pages["lang"] == "es"
    assert pages["sections"][0]["title"] == "Alergias"
