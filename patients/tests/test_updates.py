"""Updates to a provider: asked, answered or read, withdrawn, and who may do which."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coordinator.accounts.roles import Role
from coordinator.tests.factories import make_practitioner, make_site, make_user
from coordinator.workflow import NotAllowed
from patients import services
from patients.models import ProviderUpdate, UpdateStatus
from patients.services.updates import usual_reply_time
from patients.tests.factories import make_patient, make_update

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)  # a Wednesday, 10 AM at the site
AT_FOUR = datetime.datetime(2026, 11, 18, 22, 0, tzinfo=datetime.UTC)


@pytest.fixture
def site():
    return make_site(zone="America/Chicago")


@pytest.fixture
def dana(site):
    return make_user(site=site)


@pytest.fixture
def chen(site):
    return make_practitioner(site=site, family_name="Chen")


@pytest.fixture
def dr_chen(site, chen):
    user = make_user(Role.PROVIDER, site=site)
    user.practitioner = chen
    user.save()
    return user


@pytest.fixture
def elena(site):
    return make_patient(site=site)


@pytest.fixture
def update(elena, dana, chen):
    return services.send_update(
        patient_id=elena.pk, report_to=chen, ask="More water pills?", reply_due_at=AT_FOUR, by=dana, now=NOW
    )


def test_a_note_reported_to_a_provider_becomes_an_update_with_its_time(elena, dana, chen):
    note = services.add_note(
        patient_id=elena.pk, body="Feet swollen", report_to=chen, answer_due_at=AT_FOUR, by=dana, now=NOW
    )
    update = ProviderUpdate.objects.get(note=note)
    assert (update.words, update.reply_due_at, update.status) == ("Feet swollen", AT_FOUR, "sent")


def test_a_note_for_the_record_asks_nobody(elena, dana):
    services.add_note(patient_id=elena.pk, body="Likes mornings", by=dana, now=NOW)
    assert not ProviderUpdate.objects.exists()


@pytest.mark.parametrize(
    ("now", "urgency", "due"),
    [
        ((2026, 11, 18, 10, 0), "routine", (2026, 11, 19, 17, 0)),
        ((2026, 11, 20, 10, 0), "routine", (2026, 11, 23, 17, 0)),  # over a weekend
        ((2026, 11, 25, 10, 0), "routine", (2026, 11, 27, 17, 0)),  # over Thanksgiving
        ((2026, 10, 31, 10, 0), "routine", (2026, 11, 2, 17, 0)),  # over the end of daylight saving
        ((2026, 11, 18, 10, 0), "urgent", (2026, 11, 18, 14, 0)),
    ],
)
def test_without_a_time_the_usual_one_counts(elena, now, urgency, due):
    zone = ZoneInfo("America/Chicago")
    moment = datetime.datetime(*now, tzinfo=zone).astimezone(datetime.UTC)
    assert usual_reply_time(elena, urgency, moment).astimezone(zone).replace(tzinfo=None) == (
        datetime.datetime(*due)
    )


def test_it_needs_an_ask_and_a_time_to_come(elena, dana, chen):
    for fault, said in ({"ask": " "}, "ask"), ({"reply_due_at": NOW}, "reply_due_at"):
        with pytest.raises(ValidationError) as refusal:
            services.send_update(
                patient_id=elena.pk, report_to=chen, by=dana, now=NOW, **{"ask": "More?", **fault}
            )
        assert said in refusal.value.message_dict


def test_the_provider_answers_and_whoever_asked_reads_it(update, dr_chen, dana):
    services.answer_update(update_id=update.pk, answer="One more", by=dr_chen, now=NOW)
    update.refresh_from_db()
    assert (update.status, update.answer_route, update.answered_by) == ("answered", "here", dr_chen)
    services.read_answer(update_id=update.pk, by=dana, now=NOW)
    update.refresh_from_db()
    assert update.status == UpdateStatus.CLOSED


def test_an_answer_by_phone_says_so_and_is_read_by_who_wrote_it_down(update, dana):
    with pytest.raises(ValidationError) as refusal:
        services.answer_update(update_id=update.pk, answer="One more", by=dana, now=NOW)
    assert "answer_route" in refusal.value.message_dict
    services.answer_update(update_id=update.pk, answer="One more", answer_route="phone", by=dana, now=NOW)
    update.refresh_from_db()
    assert (update.status, update.answer_route) == ("closed", "phone")


def test_reading_an_update_reads_its_note(elena, dana, chen, dr_chen):
    note = services.add_note(patient_id=elena.pk, body="Feet swollen", report_to=chen, by=dana, now=NOW)
    services.acknowledge_update(update_id=note.provider_update.pk, by=dr_chen, now=NOW)
    note.refresh_from_db()
    assert (note.acknowledged_at, note.acknowledged_by) == (NOW, dr_chen)


def test_reading_the_note_reads_the_update(elena, dana, chen, dr_chen):
    note = services.add_note(patient_id=elena.pk, body="Feet swollen", report_to=chen, by=dana, now=NOW)
    services.acknowledge_note(note_id=note.pk, by=dr_chen, now=NOW)
    assert ProviderUpdate.objects.get().status == UpdateStatus.ACKNOWLEDGED


def test_taking_the_note_back_takes_the_update_back(elena, dana, chen):
    note = services.add_note(patient_id=elena.pk, body="Feet swollen", report_to=chen, by=dana, now=NOW)
    services.enter_note_in_error(note_id=note.pk, reason="Another patient", by=dana, now=NOW)
    assert ProviderUpdate.objects.get().status == UpdateStatus.ENTERED_IN_ERROR


def test_withdrawing_needs_a_reason_and_can_be_undone_with_a_new_time(update, dana):
    with pytest.raises(ValidationError):
        services.withdraw_update(update_id=update.pk, reason=" ", by=dana, now=NOW)
    services.withdraw_update(update_id=update.pk, reason="Seen today", by=dana, now=NOW)
    later = AT_FOUR + datetime.timedelta(hours=1)
    services.send_update_again(update_id=update.pk, reason="Was not seen", by=dana, now=later)
    update.refresh_from_db()
    assert update.status == "sent"
    assert update.reply_due_at > later


def test_nobody_answers_twice(update, dr_chen):
    services.answer_update(update_id=update.pk, answer="One more", by=dr_chen, now=NOW)
    with pytest.raises(NotAllowed):
        services.answer_update(update_id=update.pk, answer="Two more", by=dr_chen, now=NOW)


def test_another_provider_cannot_answer(update, site):
    other = make_user(Role.PROVIDER, site=site)
    other.practitioner = make_practitioner(site=site)
    other.save()
    for service, more in (services.answer_update, {"answer": "No"}), (services.acknowledge_update, {}):
        with pytest.raises(PermissionDenied):
            service(update_id=update.pk, by=other, now=NOW, **more)
    with pytest.raises(PermissionDenied):
        services.withdraw_update(update_id=update.pk, reason="x", by=other, now=NOW)


# --- the pages ------------------------------------------------------------------------------------------


def test_an_update_is_written_and_stands_under_notes(client, dana, elena, chen):
    client.force_login(dana)
    page = client.get(reverse("patients:update_new", args=[elena.pk]))
    assert "Situation" in page.content.decode()
    sent = client.post(
        reverse("patients:update_new", args=[elena.pk]),
        {"report_to": chen.pk, "observation": "Up 3 lb", "ask": "More water pills?", "urgency": "urgent"},
        follow=True,
    )
    assert "More water pills?" in sent.content.decode()
    assert "Waiting for an answer" in sent.content.decode()


def test_a_refused_update_keeps_what_was_typed(client, dana, elena, chen):
    client.force_login(dana)
    sent = client.post(
        reverse("patients:update_new", args=[elena.pk]),
        {"report_to": chen.pk, "observation": "Up 3 lb", "urgency": "routine"},
    )
    assert sent.status_code == 422
    assert "Up 3 lb" in sent.content.decode()
    assert not ProviderUpdate.objects.exists()


def test_the_provider_answers_on_the_page(client, dr_chen, chen, elena):
    update = make_update(elena, report_to=chen)
    client.force_login(dr_chen)
    page = client.get(reverse("patients:update_detail", args=[update.pk])).content.decode()
    assert "Your answer" in page
    assert "How did the provider tell you?" not in page
    empty = client.post(reverse("patients:update_step", args=[update.pk, "answer"]), {})
    assert empty.status_code == 422
    said = client.post(
        reverse("patients:update_step", args=[update.pk, "answer"]), {"answer": "One more"}, follow=True
    )
    assert "One more" in said.content.decode()
    update.refresh_from_db()
    assert update.status == "answered"


def test_the_provider_cannot_withdraw(client, dr_chen, chen, elena):
    update = make_update(elena, report_to=chen)
    client.force_login(dr_chen)
    assert client.post(reverse("patients:update_step", args=[update.pk, "withdraw"])).status_code == 403


def test_somebody_of_another_site_finds_nothing(client, elena):
    update = make_update(elena)
    client.force_login(make_user(site=make_site()))
    assert client.get(reverse("patients:update_detail", args=[update.pk])).status_code == 404
    assert client.post(reverse("patients:update_step", args=[update.pk, "answer"])).status_code == 404


def test_a_step_that_does_not_exist_is_not_found(client, dana, elena):
    update = make_update(elena)
    client.force_login(dana)
    assert client.get(reverse("patients:update_step", args=[update.pk, "forget"])).status_code == 404


def test_withdrawing_asks_why(client, dana, elena):
    update = make_update(elena)
    client.force_login(dana)
    where = reverse("patients:update_step", args=[update.pk, "withdraw"])
    assert client.get(where).status_code == 200
    assert client.post(where, {}).status_code == 422
    done = client.post(where, {"reason": "Seen in clinic"}, follow=True)
    assert "Seen in clinic" in done.content.decode()
    update.refresh_from_db()
    assert update.status == "withdrawn"


def test_the_time_typed_is_the_clinics(client, dana, elena, chen):
    client.force_login(dana)
    day = timezone.localdate() + datetime.timedelta(days=3)
    client.post(
        reverse("patients:update_new", args=[elena.pk]),
        {"report_to": chen.pk, "ask": "See her?", "urgency": "routine", "reply_due_at": f"{day}T16:00"},
    )
    due = ProviderUpdate.objects.get().reply_due_at
    assert due.astimezone(ZoneInfo("America/Chicago")).strftime("%H:%M") == "16:00"


@pytest.mark.parametrize("step", ["answer_update", "acknowledge_update"])
def test_a_note_is_locked_before_its_update_as_taking_the_note_back_does(step):
    site = make_site()
    doctor = make_user(Role.PROVIDER, site=site, practitioner=make_practitioner(site=site))
    note = services.add_note(
        patient_id=make_patient(site=site).pk, body="Weight is up", report_to=doctor.practitioner,
        by=make_user(site=site), now=timezone.now(),
    )  # fmt: skip
    more = {"answer": "Double the dose"} if step == "answer_update" else {}
    with CaptureQueriesContext(connection) as asked:
        getattr(services, step)(update_id=note.provider_update.pk, by=doctor, now=timezone.now(), **more)
    locks = [one["sql"] for one in asked if "FOR UPDATE" in one["sql"]]
    tables = [sql.partition(" FROM ")[2].partition(" ")[0].strip('"') for sql in locks]
    assert tables[:2] == ["patients_note", "patients_providerupdate"]
