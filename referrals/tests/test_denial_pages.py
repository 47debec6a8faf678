"""The pages of a denial: recording it, the kit, the letter, the appeal, the managed list."""

from __future__ import annotations

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.tests.factories import make_practitioner, make_site, make_user
from patients.models import Problem
from patients.tests.factories import make_document, make_patient
from referrals.models import Appeal, Denial, DenialCategory
from referrals.tests.factories import make_appeal, make_authorization, make_denial, make_payer
from referrals.workflow import AuthorizationStatus as S

pytestmark = pytest.mark.django_db
ONE_DAY = datetime.timedelta(days=1)


@pytest.fixture
def user(client):
    user = make_user(Role.COORDINATOR, site=make_site())
    client.force_login(user)
    return user


@pytest.fixture
def record(user):
    patient = make_patient(site=user.sites.get(), family_name="Dubois", given_name="Marcel")
    found = make_authorization(patient, owner=user, payer=make_payer(peer_to_peer_days=7), status="submitted")
    found.lines.create(number=1, service_code="97110", units_requested=12)
    return found


def at(name, record):
    return reverse(f"referrals:{name}", args=[record.pk])


def category(code="not_medically_necessary"):
    return DenialCategory.objects.get(code=code)


def sent(**fields):
    yesterday = timezone.localdate() - ONE_DAY
    return {
        "category": category().pk,
        "words": "Criteria of policy 7 not met.",
        "notice_on": yesterday.isoformat(),
        "channel": "portal",
        **fields,
    }


def test_a_denial_is_recorded_in_three_clicks_and_the_kit_says_what_is_left(client, user, record):
    page = client.get(at("authorization_detail", record)).content.decode()
    assert at("denial_new", record) in page
    answer = client.post(at("denial_new", record), sent())
    denial = Denial.objects.get()
    assert answer["Location"] == at("denial_detail", denial)
    kit = client.get(answer["Location"]).content.decode()
    for shown in (
        "Criteria of policy 7 not met.",
        "File the appeal by",
        "Ask for a peer-to-peer talk by",
        "65 calendar days",
        "This rule has not been compared with its source yet.",
        "Letter of medical necessity",
        "5 papers missing",
        "DUBOIS, Marcel",
    ):
        assert shown in kit, shown
    assert "Open the kit" in client.get(at("authorization_detail", record)).content.decode()
    assert AuditEvent.objects.filter(action="view", details__what="denial").exists()


def test_a_date_in_the_future_is_said_at_its_field_and_the_typing_stays(client, user, record):
    tomorrow = (timezone.localdate() + 2 * ONE_DAY).isoformat()
    answer = client.post(at("denial_new", record), sent(notice_on=tomorrow))
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "cannot be in the future" in text
    assert "Criteria of policy 7 not met." in text
    assert not Denial.objects.exists()


def test_the_checklist_is_ticked_by_documents_and_by_hand(client, user, record):
    make_document(record.patient, title="PT evaluation", kind="report")
    denial = make_denial(record, category=category())
    text = client.get(at("denial_detail", denial)).content.decode()
    assert "PT evaluation" in text
    assert "4 papers missing" in text
    client.post(at("denial_tick", denial), {"what": "What was tried before, and how it went"})
    assert "3 papers missing" in client.get(at("denial_detail", denial)).content.decode()


def test_the_letter_is_filled_in_kept_and_taken_as_a_file(client, user, record):
    shown = Problem.objects.create(patient=record.patient, name="Chronic back pain")
    Problem.objects.create(patient=record.patient, name="Alcohol dependence", label="part2", created_by=user)
    denial = make_denial(record, category=category())
    page = client.get(at("letter_edit", denial)).content.decode()
    assert "Chronic back pain" in page
    assert "Alcohol" not in page
    filled = client.post(
        at("letter_edit", denial), {"act": "fill", "entries": [], "body": "x"}
    ).content.decode()
    assert "[choose the problems, medicines and results that matter]" in filled
    body = "Dear plan,\n\nplease reverse."
    answer = client.post(at("letter_edit", denial), {"act": "save", "entries": [shown.pk], "body": body})
    assert answer.status_code == 302
    letter = denial.letters.get()
    assert letter.cites == [["problem", str(shown.pk)]]
    file = client.get(at("letter_file", letter))
    assert file.content.startswith(b"%PDF-")
    Problem.objects.filter(pk=shown.pk).update(label="part2")
    assert client.get(at("letter_file", letter)).status_code == 409
    assert "It cannot be sent" in client.get(at("denial_detail", denial)).content.decode()


def test_an_appeal_is_filed_with_its_proof_and_decided(client, user, record):
    type(record).objects.update(status=S.DENIED)
    denial = make_denial(record, category=category(), notice_on=timezone.localdate() - ONE_DAY)
    an_hour_ago = timezone.now() - datetime.timedelta(hours=1)
    now = an_hour_ago.astimezone(record.site.tzinfo).strftime("%Y-%m-%dT%H:%M")
    refused = client.post(at("appeal_new", denial), {"kind": "standard", "filed_at": now})
    assert refused.status_code == 422
    assert "Enter the proof of sending" in refused.content.decode()
    form = {"kind": "standard", "filed_at": now, "channel": "fax", "proof": "Fax 88"}
    assert client.post(at("appeal_new", denial), form).status_code == 302
    appeal = Appeal.objects.get()
    kit = client.get(at("denial_detail", denial)).content.decode()
    assert "Reconsideration by the plan" in kit
    assert "Fax 88" in kit
    today = timezone.localdate().isoformat()
    answer = client.post(at("appeal_outcome", appeal), {"outcome": "overturned", "outcome_on": today})
    assert answer.status_code == 422
    assert "authorization number" in answer.content.decode()
    later = (timezone.localdate() + 60 * ONE_DAY).isoformat()
    won = {
        "outcome": "overturned",
        "outcome_on": today,
        "authorization_number": "A-1",
        "ends_on": later,
        "units_1": 6,
    }
    record.lines.update(decision="denied")
    assert client.post(at("appeal_outcome", appeal), won).status_code == 302
    record.refresh_from_db()
    assert (record.status, record.lines.get().units_approved) == (S.MODIFIED, 6)


def test_a_talk_is_planned_and_its_form_asks_how_it_went(client, user, record):
    type(record).objects.update(status=S.DENIED)
    denial = make_denial(record)
    doctor = make_practitioner(site=record.site)
    form = {"at": "2027-01-05T09:30", "our_clinician": doctor.pk}
    assert client.post(at("talk_new", denial), form).status_code == 302
    talk = denial.talks.get()
    assert talk.at.astimezone(record.site.tzinfo).hour == 9
    assert "How did the talk go?" in client.get(at("talk_outcome", talk)).content.decode()


def test_how_denials_ended_counts_each_once_and_shows_no_share_of_few(client, user, record):
    kind = category()
    for outcome in ("upheld", "overturned"):
        denial = make_denial(record, category=kind)
        make_appeal(denial, level=1, outcome="upheld", outcome_on=timezone.localdate())
        make_appeal(denial, level=2, outcome=outcome, outcome_on=timezone.localdate())
    make_denial(make_authorization(), category=kind)  # another site's
    make_denial(record, category=kind, error_reason="Wrong patient")
    text = client.get(reverse("referrals:denial_outcomes"), {"by_payer": "on"}).content.decode()
    cells = text[text.index("<tbody>") :].replace("</td>", "").split('<td class="num">')[1:8]
    assert [cell.strip()[:1] for cell in cells[:6]] == ["2", "0", "2", "1", "0", "1"]
    assert "too few" in text
    assert record.payer.name in text


def test_a_manager_changes_checklist_and_letter_and_unknown_places_are_refused(client):
    client.force_login(make_user(Role.MANAGER))
    kind = category("step_therapy")
    form = {
        "label": "Step therapy",
        "what_1": "Trial dates",
        "kind_1": "",
        "what_2": "Note",
        "kind_2": "report",
    }
    answer = client.post(at("category_edit", kind), {**form, "letter": "Dear {payer}, {nobody}"})
    assert answer.status_code == 422
    assert "{nobody}" in answer.content.decode()
    assert client.post(at("category_edit", kind), {**form, "letter": "Dear {payer}"}).status_code == 302
    kind.refresh_from_db()
    assert kind.checklist == [{"what": "Trial dates", "kind": ""}, {"what": "Note", "kind": "report"}]
    assert "Step therapy" in client.get(reverse("referrals:category_list")).content.decode()
    other = category("other")
    assert client.post(reverse("referrals:category_step", args=[other.pk, "retire"])).status_code == 409
