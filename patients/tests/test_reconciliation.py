"""Comparing a list with somebody: what it changes, who is told, and taking it back."""

from __future__ import annotations

import datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from careplans.models import Task
from coordinator.accounts.roles import Role
from coordinator.db import Conflict
from coordinator.tests.factories import make_practitioner, make_site, make_user
from patients import services
from patients.models import (
    Allergy,
    AllergyStatus,
    Medication,
    Patient,
    Problem,
    ProviderUpdate,
    Reconciliation,
    RelatedPerson,
)
from patients.services.reconciliation import Said
from patients.tests.factories import make_patient

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)
TODAY = datetime.date(2026, 11, 18)


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def dana(client, site):
    user = make_user(site=site)
    client.force_login(user)
    return user


@pytest.fixture
def chen(site):
    return make_practitioner(site=site, family_name="Chen")


@pytest.fixture
def maria(site, chen):
    return make_patient(site=site, primary_care=chen, interpreter_needed=True, language="es")


@pytest.fixture
def pills(maria):
    names = ("Furosemide 40 mg", "Lisinopril 10 mg", "Metformin 500 mg")
    return [Medication.objects.create(patient=maria, name=name, how_taken="once a day") for name in names]


def compare(patient, by, *said, list_name="medicines", **more):
    more = {"with_whom": "patient"} | more
    return services.reconcile_list(
        patient_id=patient.pk, list_name=list_name, said=said, by=by, now=NOW, **more
    )


def test_each_answer_changes_its_medicine_with_source_and_day(maria, dana, pills):
    one, two, three = pills
    event = compare(
        maria,
        dana,
        Said("as_listed", one.pk),
        Said("differently", two.pk, said="every other day", obstacle="cost"),
        Said("not_so", three.pk, said="makes me sick", obstacle="side_effect"),
        Said("new", name="Ibuprofen", said="for the knee"),
        interpreter="Lingua 4471",
    )
    rows = {row.name: row for row in Medication.objects.filter(patient=maria)}
    assert rows["Lisinopril 10 mg"].how_taken == "every other day"
    assert rows["Metformin 500 mg"].status == "on_hold"
    assert rows["Ibuprofen"].how_taken == "for the knee"
    assert {(row.source, row.last_checked_on) for row in rows.values()} == {("The patient", TODAY)}
    assert event.interpreter == "Lingua 4471"
    assert [line.was for line in event.lines.order_by("id")] == ["once a day"] * 3 + [""]


def test_two_differences_become_one_update_with_an_answer_due(maria, dana, pills, chen):
    one, two, three = pills
    event = compare(
        maria,
        dana,
        Said("as_listed", one.pk),
        Said("differently", two.pk, said="every other day"),
        Said("not_so", three.pk, said="makes me sick", obstacle="side_effect"),
        report_to=chen,
    )
    update = ProviderUpdate.objects.get()
    assert event.provider_update == update
    assert "Furosemide" not in update.observation
    assert "Lisinopril 10 mg: differently, every other day" in update.observation
    assert "Obstacle: Side effect" in update.observation
    assert update.reply_due_at > NOW
    assert Task.objects.filter(cause_id=update.pk).exists()


def test_without_a_difference_nobody_is_told(maria, dana, pills, chen):
    compare(maria, dana, *(Said("as_listed", pill.pk) for pill in pills), report_to=chen)
    assert not ProviderUpdate.objects.exists()


def test_a_medicine_that_was_on_hold_and_is_taken_is_active_again(maria, dana, pills):
    Medication.objects.filter(pk=pills[0].pk).update(status="on_hold")
    compare(maria, dana, Said("as_listed", pills[0].pk))
    pills[0].refresh_from_db()
    assert pills[0].status == "active"


def test_a_relative_needs_the_topic(maria, dana, pills):
    ana = RelatedPerson.objects.create(
        patient=maria, name="Ana", relationship="daughter", topics=["scheduling"]
    )
    with pytest.raises(ValidationError) as refusal:
        compare(maria, dana, Said("as_listed", pills[0].pk), with_whom="related_person", related_person=ana)
    assert "may not hear about medicines" in str(refusal.value)
    ana.topics = ["medicines"]
    ana.save()
    event = compare(
        maria, dana, Said("as_listed", pills[0].pk), with_whom="related_person", related_person=ana
    )
    assert event.whom == "Ana (daughter)"


@pytest.mark.parametrize(
    "said",
    [
        (),
        (Said("differently", name="", said=""),),
        (Said("guessed"),),
        (Said("new", name="Ibuprofen", obstacle="weather"),),
    ],
)
def test_a_refused_comparison_changes_nothing(maria, dana, pills, said):
    with pytest.raises(ValidationError):
        compare(maria, dana, Said("not_so", pills[0].pk, said="x"), *said) if said else compare(maria, dana)
    assert not Reconciliation.objects.exists()
    assert set(Medication.objects.values_list("status", flat=True)) == {"active"}


def test_an_entry_of_somebody_else_or_no_longer_there_is_refused(maria, dana, pills, site):
    other = Medication.objects.create(patient=make_patient(site=site), name="Aspirin")
    Medication.objects.filter(pk=pills[1].pk).update(status="stopped")
    for pill in (other, pills[1]):
        with pytest.raises(Conflict):
            compare(maria, dana, Said("as_listed", pill.pk))


def test_who_only_reads_cannot_compare(maria, site, pills):
    with pytest.raises(PermissionDenied):
        compare(maria, make_user(Role.PROVIDER, site=site), Said("as_listed", pills[0].pk))


def test_allergies_are_checked_as_a_whole(maria, dana):
    nuts = Allergy.objects.create(patient=maria, substance="Nuts")
    compare(maria, dana, Said("as_listed", nuts.pk), list_name="allergies")
    maria.refresh_from_db()
    assert (maria.allergy_status, maria.allergies_checked_on) == (AllergyStatus.RECORDED, TODAY)
    compare(maria, dana, Said("not_so", nuts.pk, said="tolerates them"), list_name="allergies")
    maria.refresh_from_db()
    assert maria.allergy_status == AllergyStatus.NOT_RECORDED


def test_problems_can_be_compared_too(maria, dana):
    asthma = Problem.objects.create(patient=maria, name="Asthma")
    compare(
        maria,
        dana,
        Said("not_so", asthma.pk, said="since childhood no attack"),
        Said("new", name="Gout"),
        list_name="problems",
    )
    asthma.refresh_from_db()
    assert asthma.status == "inactive"
    assert Problem.objects.filter(patient=maria, name="Gout", source="The patient").exists()


def test_taking_it_back_restores_the_list_but_not_what_was_changed_since(maria, dana, pills, chen):
    one, two, three = pills
    event = compare(
        maria,
        dana,
        Said("differently", one.pk, said="twice"),
        Said("not_so", two.pk, said="sick"),
        Said("differently", three.pk, said="never in the morning"),
        Said("new", name="Ibuprofen"),
        report_to=chen,
    )
    services.change_medication(medication_id=three.pk, how_taken="in the evening", by=dana, now=NOW)
    services.enter_reconciliation_in_error(
        reconciliation_id=event.pk, reason="Another patient's call", by=dana, now=NOW
    )
    rows = {row.name: row for row in Medication.objects.filter(patient=maria)}
    assert (rows["Furosemide 40 mg"].how_taken, rows["Furosemide 40 mg"].last_checked_on) == (
        "once a day",
        None,
    )
    assert (rows["Lisinopril 10 mg"].status, rows["Lisinopril 10 mg"].source) == ("active", "")
    assert rows["Metformin 500 mg"].how_taken == "in the evening"
    assert rows["Ibuprofen"].status == "entered_in_error"
    assert ProviderUpdate.objects.get().status == "entered_in_error"
    with pytest.raises(Conflict):
        services.enter_reconciliation_in_error(reconciliation_id=event.pk, reason="Again", by=dana, now=NOW)


# --- the page -------------------------------------------------------------------------------------------


def typed(pills, **more):
    one, two, three = pills
    return {
        "with_whom": "patient",
        "interpreter": "Lingua 4471",
        f"line-{two.pk}-finding": "differently",
        f"line-{two.pk}-said": "every other day",
        f"line-{three.pk}-finding": "not_so",
        f"line-{three.pk}-said": "makes me sick",
        f"line-{three.pk}-obstacle": "side_effect",
        "rest_as_listed": "on",
        "tell": "on",
        "urgency": "routine",
        **more,
    }


def where(patient, kind="medicines"):
    return reverse("patients:reconcile", args=[patient.pk, kind])


def test_the_page_compares_and_tells_the_provider(client, maria, dana, pills, chen):
    assert "Spanish, interpreter needed" in client.get(where(maria)).content.decode()
    done = client.post(where(maria), typed(pills, report_to=chen.pk), follow=True)
    assert "2 differences" in done.content.decode()
    event = Reconciliation.objects.get()
    assert event.lines.filter(finding="as_listed").count() == 1
    page = client.get(reverse("patients:reconciliation_detail", args=[event.pk])).content.decode()
    assert "every other day" in page
    assert "Lingua 4471" in page


def test_what_was_not_asked_stays_as_it_was(client, maria, dana, pills, chen):
    sent = typed(pills, report_to=chen.pk)
    del sent["rest_as_listed"]
    client.post(where(maria), sent)
    pills[0].refresh_from_db()
    assert pills[0].last_checked_on is None
    assert Reconciliation.objects.get().lines.count() == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"report_to": ""}, "Choose who hears what differs"),
        ({"with_whom": "related_person"}, "Choose who you spoke with"),
        ({"new-0-said": "at night"}, "Enter what it is"),
        ({"new-0-label": "part2"}, "Enter what it is"),
        ({"reply_due_at": "2020-01-01T10:00"}, "still to come"),
    ],
)
def test_a_refusal_keeps_what_was_typed(client, maria, dana, pills, chen, change, said):
    sent = client.post(where(maria), typed(pills, **{"report_to": chen.pk, **change}))
    page = sent.content.decode()
    assert sent.status_code == 422
    assert said in page
    assert "makes me sick" in page
    assert not Reconciliation.objects.exists()


def test_a_finding_without_words_is_refused_at_its_line(client, maria, dana, pills, chen):
    sent = client.post(where(maria), typed(pills, report_to=chen.pk, **{f"line-{pills[1].pk}-said": ""}))
    assert "Say how it is different" in sent.content.decode()


def test_an_empty_comparison_is_refused(client, maria, dana, pills):
    sent = client.post(where(maria), {"with_whom": "patient", "urgency": "routine"})
    assert "Say at least about one line" in sent.content.decode()


@pytest.mark.parametrize(("label", "kept"), [("part2", "part2"), ("none", "")])
def test_a_reported_medicine_that_suggests_a_label_is_decided_on(client, maria, dana, site, label, kept):
    sent = {"with_whom": "patient", "urgency": "routine", "new-1-name": "Suboxone", "new-1-said": "nightly"}
    asked = client.post(where(maria), sent)
    assert asked.status_code == 422
    assert "This suggests a label: Substance-use record" in asked.content.decode()
    assert not Reconciliation.objects.exists()
    assert client.post(where(maria), {**sent, "new-1-label": label}).status_code == 302
    assert Medication.objects.get().label == kept
    seen = list(Medication.objects.visible_to(make_user(site=site)).values_list("name", flat=True))
    assert seen == ([] if kept else ["Suboxone"])


def test_what_is_new_among_the_problems_can_be_protected_and_allergies_cannot(client, maria, dana):
    sent = {
        "with_whom": "patient",
        "urgency": "routine",
        "new-0-name": "Depression",
        "new-0-label": "behavioral",
    }
    assert client.post(where(maria, "problems"), sent).status_code == 302
    assert Problem.objects.get().label == "behavioral"
    assert "new-0-label" not in client.get(where(maria, "allergies")).content.decode()


def test_a_relative_without_the_topic_is_not_offered(client, maria, dana):
    RelatedPerson.objects.create(patient=maria, name="Ana Qx", relationship="daughter", topics=["scheduling"])
    assert "Ana Qx" not in client.get(where(maria)).content.decode()


def test_it_is_taken_back_on_its_page(client, maria, dana, pills):
    event = compare(maria, dana, Said("not_so", pills[0].pk, said="sick"))
    back = reverse("patients:reconciliation_in_error", args=[event.pk])
    assert client.post(back, {}).status_code == 422
    page = client.post(back, {"reason": "Wrong chart"}, follow=True).content.decode()
    assert "Wrong chart" in page
    details = client.get(reverse("dashboard:patient_details", args=[maria.pk])).content.decode()
    assert "Entered in error" in details


@pytest.mark.parametrize("known", [AllergyStatus.NONE_KNOWN, AllergyStatus.NOT_RECORDED])
def test_a_comparison_of_allergies_taken_back_leaves_what_was_known_and_its_day(maria, dana, known):
    day = datetime.date(2026, 3, 2) if known == AllergyStatus.NONE_KNOWN else None
    Patient.objects.filter(pk=maria.pk).update(allergy_status=known, allergies_checked_on=day)
    event = compare(maria, dana, Said("new", name="Peanut"), list_name="allergies")
    maria.refresh_from_db()
    assert (maria.allergy_status, maria.allergies_checked_on) == (AllergyStatus.RECORDED, TODAY)
    services.enter_reconciliation_in_error(
        reconciliation_id=event.pk, reason="Another patient", by=dana, now=NOW + datetime.timedelta(days=3)
    )
    maria.refresh_from_db()
    assert (maria.allergy_status, maria.allergies_checked_on) == (known, day)


def test_what_was_said_of_allergies_after_a_comparison_stands_when_it_is_taken_back(maria, dana):
    event = compare(maria, dana, Said("new", name="Peanut"), list_name="allergies")
    later = NOW + datetime.timedelta(days=2)
    services.add_allergy(patient_id=maria.pk, substance="Penicillin", by=dana, now=later)
    services.enter_reconciliation_in_error(
        reconciliation_id=event.pk, reason="Another patient", by=dana, now=NOW + datetime.timedelta(days=3)
    )
    maria.refresh_from_db()
    assert maria.allergy_status == AllergyStatus.RECORDED
    assert maria.allergies_checked_on == TODAY + datetime.timedelta(days=2)


@pytest.mark.parametrize("kind", ["allergies", "problems"])
def test_the_other_lists_have_the_page(client, maria, dana, kind):
    assert client.get(where(maria, kind)).status_code == 200


def test_an_unknown_list_is_not_found(client, maria, dana):
    assert client.get(where(maria, "wishes")).status_code == 404


def test_somebody_of_another_site_finds_nothing(client, maria, dana, pills):
    event = compare(maria, dana, Said("as_listed", pills[0].pk))
    client.force_login(make_user(site=make_site()))
    assert client.get(where(maria)).status_code == 404
    assert client.get(reverse("patients:reconciliation_detail", args=[event.pk])).status_code == 404
