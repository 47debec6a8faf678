"""The referral pages: who sees them, what they refuse, and the same number of queries for one row and twenty."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.dashboard.counts import open_work
from coordinator.tests.factories import make_organization, make_site, make_user
from patients.models import Problem
from patients.tests.factories import make_patient
from patients.tests.files import make_pdf, upload
from referrals import services
from referrals.models import Referral

pytestmark = pytest.mark.django_db
LIST = reverse("referrals:referral_list")


@pytest.fixture
def user(client):
    user = make_user()
    client.force_login(user)
    return user


@pytest.fixture
def patient(user):
    return make_patient(site=user.sites.get(), family_name="Ramírez", given_name="Elena")


def test_what_was_entered_in_error_is_not_counted_beside_the_link(user, patient):
    referral = write(patient, user)
    assert open_work(user)["referrals:referral_list"] == 1
    services.advance_referral(
        referral_id=referral.pk, step="enter_in_error", reason="Other patient", by=user, now=timezone.now()
    )
    assert open_work(user)["referrals:referral_list"] == 0


def write(patient, by, specialty="Cardiology", **fields):
    return services.create_referral(
        patient=patient,
        specialty=specialty,
        reason="Swelling",
        by=by,
        now=timezone.now(),
        **{"recipient_organization": make_organization(), "clinical_question": "Is it the heart?"} | fields,
    )


def page(client, address, **headers):
    return client.get(address, headers=headers).content.decode()


def test_the_list_names_the_patient_by_two_identifiers_the_stage_and_the_next_step(client, user, patient):
    referral = write(patient, user)
    text = page(client, LIST)
    for shown in ("RAMÍREZ, Elena", "Mar 14, 1958", referral.reference, "Complete the referral", "Draft"):
        assert shown in text


def test_the_next_step_is_kept_in_the_clinics_language_and_read_in_ones_own(client, user, patient):
    user.language = "es"
    user.save()
    with translation.override("es"):
        referral = write(patient, user)
    assert referral.next_step == "Complete the referral"
    for address in (LIST, reverse("referrals:referral_detail", args=[referral.pk])):
        assert "Completar la derivación" in page(client, address)


def test_an_empty_list_says_what_to_do(client, user):
    assert "No open referrals" in page(client, LIST)


def test_filters_narrow_by_patient_and_stage_and_survive_in_the_address(client, user, patient):
    write(patient, user)
    other = make_patient(site=patient.site, family_name="Kowalski", given_name="Jan")
    write(other, user, specialty="Imaging")
    assert "KOWALSKI" not in page(client, f"{LIST}?patient={patient.pk}")
    assert "No referral matches" in page(client, f"{LIST}?stage=awaiting_report")
    assert "RAMÍREZ" not in page(client, f"{LIST}?specialty=Imaging")


def test_a_typed_name_is_kept_but_never_becomes_part_of_an_address(client, user, patient):
    write(patient, user)
    answer = client.post(LIST, {"q": "Ramírez", "stage": "needs_info"})
    assert answer.url == f"{LIST}?stage=needs_info"
    assert 'value="Ramírez"' in page(client, answer.url)
    client.post(LIST, {"q": "Nobody"})
    assert "No referral matches" in page(client, LIST)
    assert "RAMÍREZ" in page(client, f"{LIST}?clear=1")


def test_someone_from_another_site_finds_nothing(client, user):
    foreign = make_patient(site=make_site())
    referral = write(foreign, make_user(site=foreign.site))
    assert referral.reference not in page(client, LIST)
    assert client.get(reverse("referrals:referral_detail", args=[referral.pk])).status_code == 404
    address = reverse("referrals:referral_step", args=[referral.pk, "make_ready"])
    assert client.post(address).status_code == 404
    assert client.get(reverse("referrals:referral_new") + f"?patient={foreign.pk}").status_code == 404


def test_a_provider_reads_but_gets_no_buttons(client, user, patient):
    referral = write(patient, user)
    client.force_login(make_user(Role.PROVIDER, site=patient.site))
    address = reverse("referrals:referral_detail", args=[referral.pk])
    assert "Ready to send…" not in page(client, address)
    assert client.get(reverse("referrals:referral_step", args=[referral.pk, "make_ready"])).status_code == 403


def test_opening_a_referral_is_kept_in_the_trail(client, user, patient):
    client.get(reverse("referrals:referral_detail", args=[write(patient, user).pk]))
    seen = AuditEvent.objects.get(action="view")
    assert (seen.patient_id, seen.actor_id, seen.details) == (patient.pk, user.pk, {"what": "referral"})


def test_a_short_cut_has_its_button(client, user, patient):
    text = page(client, reverse("referrals:referral_detail", args=[write(patient, user).pk]))
    assert "Record as sent…" in text
    assert text.index("Record as sent…") < text.index("Ready to send…")


def test_the_part_is_a_piece_of_the_page(client, user, patient):
    write(patient, user)
    part = page(client, LIST, **{"HX-Request": "true"})
    assert "<html" not in part
    assert part.strip() in page(client, LIST)


def test_the_list_asks_as_many_questions_for_twenty_rows_as_for_one(client, user, patient):
    write(patient, user)
    client.get(LIST)
    with CaptureQueriesContext(
        connection,
    ) as one:
        client.get(LIST)
    for n in range(19):
        write(patient, user, specialty=f"Specialty {n}")
    with CaptureQueriesContext(connection) as twenty:
        client.get(LIST)
    assert len(one) == len(twenty)
    assert len(twenty) <= 12


def test_a_referral_is_taken_from_draft_to_closed_loop_on_the_page(client, user, patient):
    answer = client.post(
        reverse("referrals:referral_new"),
        {
            "patient": patient.pk,
            "category": "medical",
            "specialty": "Cardiology",
            "reason": "Swelling despite water pill",
            "urgency": "routine",
            "recipient_organization": make_organization().pk,
            "clinical_question": "Is it the heart?",
        },
    )
    referral = Referral.objects.get()
    detail = reverse("referrals:referral_detail", args=[referral.pk])
    assert answer.url == detail
    assert "Why this date?" in page(client, detail)

    def take(step, **data):
        return client.post(reverse("referrals:referral_step", args=[referral.pk, step]), data)

    visit = timezone.localtime() + datetime.timedelta(days=5)
    assert take("send", channel="fax").url == detail
    assert "Check the year: 2206" in take("schedule", visit_at="2206-11-12T10:00").content.decode()
    assert take("schedule", visit_at=visit.strftime("%Y-%m-%dT%H:%M"), visit_place="Mercy").url == detail
    assert take("see", seen_on=timezone.localdate().isoformat()).url == detail
    assert "Choose the report" in take("complete").content.decode()
    scan = upload("report.pdf", make_pdf("The valve is fine"))
    assert take("complete", report_file=scan).url == detail
    assert referral.patient.documents.get().kind == "report"
    client.post(reverse("referrals:referral_fact", args=[referral.pk, "review"]))
    told = client.post(reverse("referrals:referral_told", args=[referral.pk]), {"channel": "phone"})
    assert told.url == detail
    assert (patient.contact_attempts.get().topic, patient.contact_attempts.get().reached) == ("results", True)
    text = page(client, detail)
    assert "Loop closed" in text
    assert referral.reference not in page(client, LIST)
    assert referral.reference in page(client, f"{LIST}?state=closed")


def test_a_step_that_lacks_something_keeps_what_was_typed(client, user, patient):
    referral = write(patient, user)
    client.post(reverse("referrals:referral_step", args=[referral.pk, "send"]), {"channel": "fax"})
    address = reverse("referrals:referral_step", args=[referral.pk, "decline"])
    answer = client.post(address, {"reason": "They are full until March", "outcome_reason": ""})
    assert answer.status_code == 422
    assert "They are full until March" in answer.content.decode()


def test_a_referral_written_without_a_recipient_gets_one_when_it_is_sent(client, user, patient):
    data = {"patient": patient.pk, "category": "medical", "specialty": "Podiatry", "reason": "x"}
    client.post(reverse("referrals:referral_new"), {**data, "urgency": "routine"})
    referral = Referral.objects.get()
    mercy = make_organization()
    address = reverse("referrals:referral_step", args=[referral.pk, "send"])
    assert mercy.name in page(client, address)
    assert client.post(address, {"channel": "fax"}).status_code == 422
    asked = {"channel": "fax", "recipient_organization": mercy.pk}
    assert client.post(address, asked).status_code == 422
    sent = client.post(address, asked | {"clinical_question": "Is the foot safe?"})
    assert sent.status_code == 302
    referral.refresh_from_db()
    assert (referral.status, referral.recipient_organization) == ("sent", mercy)


def test_a_chosen_recipient_is_not_asked_for_again(client, user, patient):
    referral = write(patient, user)
    form = page(client, reverse("referrals:referral_step", args=[referral.pk, "send"]))
    assert "recipient_organization" not in form


def test_problems_are_offered_by_their_names(client, user, patient):
    Problem.objects.create(patient=patient, name="Heart failure, EF 35%")
    form = page(client, f"{reverse('referrals:referral_new')}?patient={patient.pk}")
    assert "Heart failure, EF 35%" in form
    assert "object (" not in form


def test_a_step_that_is_not_possible_any_more_says_so(client, user, patient):
    referral = write(patient, user)
    answer = client.post(
        reverse("referrals:referral_step", args=[referral.pk, "see"]), {"seen_on": timezone.localdate()}
    )
    assert answer.status_code == 409
    assert "Reload the page" in answer.content.decode()


def test_a_possible_duplicate_is_shown_before_anything_is_saved(client, user, patient):
    first = write(patient, user)
    data = {
        "patient": patient.pk,
        "category": "medical",
        "specialty": "cardiology",
        "reason": "x",
        "urgency": "routine",
    }
    answer = client.post(reverse("referrals:referral_new"), data)
    assert answer.status_code == 409
    assert first.reference in answer.content.decode()
    assert Referral.objects.count() == 1
    again = client.post(reverse("referrals:referral_new"), {**data, "duplicate_reason": "Second opinion"})
    assert again.status_code == 302


def test_another_sites_patient_named_in_a_form_answers_like_one_that_does_not_exist(client, user, patient):
    foreign = make_patient(site=make_site())
    data = {"category": "medical", "specialty": "x", "reason": "x", "urgency": "routine"}
    named = client.post(reverse("referrals:referral_new"), {**data, "patient": foreign.pk})
    missing = client.post(
        reverse("referrals:referral_new"), {**data, "patient": "01a20000-0000-7000-8000-000000000000"}
    )
    assert (named.status_code, missing.status_code) == (404, 404)


def test_reassigning_to_somebody_elsewhere_is_refused_at_the_field(client, user, patient):
    referral = write(patient, user)
    answer = client.post(
        reverse("referrals:referral_assign", args=[referral.pk]), {"owner": make_user(site=make_site()).pk}
    )
    assert answer.status_code == 422
    referral.refresh_from_db()
    assert referral.owner == user


# --- changing what is asked -------------------------------------------------------------------------------


def edit_of(referral):
    return reverse("referrals:referral_edit", args=[referral.pk])


def asked(referral, **changes):
    return {
        "category": referral.category, "specialty": referral.specialty, "reason": referral.reason,
        "urgency": referral.urgency, "version": referral.version,
        "recipient_organization": referral.recipient_organization_id,
        "clinical_question": referral.clinical_question, **changes,
    }  # fmt: skip


def test_a_draft_is_changed_and_keeps_its_age_owner_and_date(client, user, patient):
    referral = write(patient, user)
    before = (referral.stage_since, referral.owner_id, referral.due_at)
    assert "Swelling" in page(client, edit_of(referral))
    answer = client.post(edit_of(referral), asked(referral, reason="Swelling and cough", urgency="urgent"))
    assert answer.status_code == 302
    referral.refresh_from_db()
    assert (referral.reason, referral.urgency) == ("Swelling and cough", "urgent")
    assert (referral.stage_since, referral.owner_id, referral.due_at) == before
    assert referral.changes.latest("at").facts["fields"] == ["reason", "urgency"]
    assert "Changed" in page(client, reverse("referrals:referral_detail", args=[referral.pk]))


def test_a_stale_save_shows_both_versions_and_saving_again_replaces(client, user, patient):
    referral = write(patient, user)
    mine = asked(referral, reason="My words")
    client.post(edit_of(referral), asked(referral, reason="Their words"))
    answer = client.post(edit_of(referral), mine)
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "My words" in text
    assert "Saved meanwhile: Their words" in text
    again = mine | {"version": answer.context["form"]["version"].value()}
    assert client.post(edit_of(referral), again).status_code == 302
    referral.refresh_from_db()
    assert referral.reason == "My words"


def test_an_empty_reason_is_refused_and_the_rest_of_the_typing_stays(client, user, patient):
    referral = write(patient, user)
    answer = client.post(edit_of(referral), asked(referral, reason="", specialty="Kidney clinic"))
    assert answer.status_code == 422
    assert "Kidney clinic" in answer.content.decode()
    referral.refresh_from_db()
    assert referral.specialty == "Cardiology"


def test_what_was_sent_is_not_changed(client, user, patient):
    referral = write(patient, user)
    for step, facts in (("make_ready", {}), ("send", {"channel": "fax"})):
        services.advance_referral(referral_id=referral.pk, step=step, by=user, now=timezone.now(), **facts)
    referral.refresh_from_db()
    assert client.get(edit_of(referral)).status_code == 409
    assert client.post(edit_of(referral), asked(referral, reason="x")).status_code == 409
    assert edit_of(referral) not in page(client, reverse("referrals:referral_detail", args=[referral.pk]))
