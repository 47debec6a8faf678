"""The pages of prior authorizations: what they show, what they refuse, and how many queries they need."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coordinator.accounts.roles import Role
from coordinator.tests.factories import make_site, make_user
from patients.models import Coverage
from patients.tests.factories import make_document, make_patient
from patients.tests.files import make_pdf
from referrals import services
from referrals.models import Payer, PayerRequirement, PriorAuthorization, RequiredPaper
from referrals.tests.factories import make_authorization, make_line, make_payer, make_referral

pytestmark = pytest.mark.django_db
LIST = reverse("referrals:authorization_list")
NEW = reverse("referrals:authorization_new")
DAY = datetime.timedelta(days=1)
ZONE = zoneinfo.ZoneInfo("America/New_York")


@pytest.fixture
def user(client):
    user = make_user(site=make_site(zone="America/New_York"))
    client.force_login(user)
    return user


@pytest.fixture
def patient(user):
    patient = make_patient(site=user.sites.get(), family_name="Alvarez", given_name="Maria", coordinator=user)
    Coverage.objects.create(patient=patient, payer_name="HealthNorth Plus", member_id="HN-12", rank=1)
    return patient


@pytest.fixture
def payer():
    return make_payer(name="HealthNorth Plus", portal="https://portal.example/", tips="Attach notes at once")


def act(request, name):
    return reverse("referrals:authorization_act", args=[request.pk, name])


def page_of(request):
    return reverse("referrals:authorization_detail", args=[request.pk])


def submitted(patient, user, **fields):
    now = timezone.now()
    request = services.request_authorization(
        patient=patient, payer=fields.pop("payer", None) or make_payer(), service="Echocardiogram",
        line={"service_code": "93306", "units": 3}, by=user, now=now, **fields,
    )  # fmt: skip
    same = {"authorization_id": request.pk, "by": user, "now": now}
    services.record_requirement(pa_needed="auth-needed", source="portal", **same)
    return services.advance_authorization(
        step="submit", channel="portal", received_by_payer_at=now, receipt_proof="W-1", **same
    )


def test_the_list_costs_the_same_for_one_and_for_many(client, user, patient):
    submitted(patient, user)

    def cost():
        with CaptureQueriesContext(connection) as seen:
            assert client.get(LIST).status_code == 200
        return len(seen)

    client.get(LIST)
    one = cost()
    for _n in range(6):
        submitted(make_patient(site=patient.site), user)
    assert cost() == one
    text = client.get(LIST).content.decode()
    for shown in (
        "ALVAREZ, Maria",
        "Echocardiogram",
        "Payer decides",
        "Medicare Advantage: standard decision",
    ):
        assert shown in text
    part = client.get(LIST, headers={"HX-Request": "true"}).content.decode()
    assert part.strip() in text


def test_filters_narrow_the_list(client, user, patient):
    medicine = make_authorization(patient, service="Adalimumab", kind="medicine", owner=user)
    submitted(patient, user)
    text = client.get(LIST, {"kind": "medicine"}).content.decode()
    assert ("Adalimumab" in text, "Echocardiogram" in text) == (True, False)
    text = client.get(LIST, {"stage": "with_payer", "owner": "me"}).content.decode()
    assert ("Adalimumab" in text, "Echocardiogram" in text) == (False, True)
    assert (
        "No request matches"
        in client.get(LIST, {"payer": str(medicine.payer_id), "due": "payer"}).content.decode()
    )


def test_a_new_request_proposes_coverage_and_payer_and_the_list_answers(client, user, patient, payer):
    PayerRequirement.objects.create(
        payer=payer, service_code="93306", specialty="Cardiology", pa_needed="auth-needed", source="List of October",
        source_on=timezone.localdate() - DAY, expires_on=timezone.localdate() + 90 * DAY,
    )  # fmt: skip
    referral = make_referral(patient, owner=user, service="Echocardiogram")
    form = client.get(NEW, {"referral": str(referral.pk)}).context["form"]
    assert form["payer"].value() == payer.pk
    assert form["service"].value() == "Echocardiogram"
    sent = {
        "patient": str(patient.pk), "service": "Echocardiogram", "kind": "service", "payer": str(payer.pk),
        "coverage": str(form["coverage"].value()), "urgency": "standard", "referral": str(referral.pk),
        "service_code": "93306", "units": "3", "unit_kind": "visit",
    }  # fmt: skip
    refused = client.post(NEW, sent | {"urgency": "expedited", "service": "My words stay"})
    assert refused.status_code == 422
    assert "My words stay" in refused.content.decode()
    assert PriorAuthorization.objects.count() == 0
    assert client.post(NEW, sent).status_code == 302
    made = PriorAuthorization.objects.get()
    assert (made.status, made.owner) == ("required", user)
    text = client.get(page_of(made)).content.decode()
    for shown in (
        "List of October",
        "Attach notes at once",
        referral.reference,
        "Gather the papers",
        "HN-12",
    ):
        assert shown in text
    referral.refresh_from_db()
    assert referral.status == "awaiting_authorization"
    text = client.get(reverse("referrals:referral_detail", args=[referral.pk])).content.decode()
    assert page_of(made) in text
    assert "List of October" in text


def test_submitting_without_the_paper_is_refused_by_name_and_the_typing_stays(client, user, patient, payer):
    RequiredPaper.objects.create(payer=payer, label="Ejection-fraction report", document_kind="result")
    request = make_authorization(patient, status="required", payer=payer, owner=user)
    make_line(request)
    services.add_line(authorization_id=request.pk, service_code="93306", by=user, now=timezone.now())
    now = timezone.localtime(timezone=ZONE).strftime("%Y-%m-%dT%H:%M")
    sent = {"channel": "fax", "sent_at": now, "received_by_payer_at": now, "receipt_proof": "Kept typing"}
    refused = client.post(act(request, "submit"), sent)
    text = refused.content.decode()
    assert refused.status_code == 422
    assert "Ejection-fraction report" in text
    assert "Kept typing" in text
    paper = reverse("referrals:authorization_paper", args=[request.papers.get().pk])
    assert f'href="{paper}?then=submit"' in text
    assert client.post(paper, {}).status_code == 422
    file = SimpleUploadedFile("echo.pdf", make_pdf(), content_type="application/pdf")
    attached = client.post(f"{paper}?then=submit", {"files": file})
    assert attached.headers["Location"] == act(request, "submit"), "on with what it was missing from"
    assert "paper is missing" not in client.get(act(request, "submit")).content.decode()
    document = patient.documents.get()
    assert (document.title, document.kind) == ("Ejection-fraction report", "result")
    assert document.links.get().target_id == request.pk
    assert client.post(act(request, "submit"), sent).status_code == 302
    request.refresh_from_db()
    assert (request.status, request.receipt_proof) == ("submitted", "Kept typing")


@pytest.mark.parametrize("answer", ["document", "reason"])
def test_a_line_is_answered_without_a_file_by_a_document_that_is_there_or_by_a_reason(
    client, user, patient, answer
):
    request = make_authorization(patient, status="gathering", owner=user)
    services.add_paper(authorization_id=request.pk, label="Notes", by=user, now=timezone.now())
    paper = request.papers.get()
    said = {"document": make_document(patient).pk, "reason": "The payer has them"}
    address = reverse("referrals:authorization_paper", args=[paper.pk])
    assert client.post(address, {answer: said[answer]}).status_code == 302
    paper.refresh_from_db()
    assert (paper.document_id, paper.dropped_because) == (
        (said["document"], "") if answer == "document" else (None, said["reason"])
    )


def test_a_paper_that_one_may_not_open_is_not_named(client, user, patient):
    request = make_authorization(patient, status="gathering", owner=user)
    services.add_paper(authorization_id=request.pk, label="Notes", by=user, now=timezone.now())
    paper = request.papers.get()
    secret = make_document(patient, title="About something protected", label="part2")
    services.attach_paper(paper_id=paper.pk, document=secret, by=user, now=timezone.now())
    text = client.get(page_of(request)).content.decode()
    assert "About something protected" not in text
    assert "A document that you may not open" in text
    assert (
        "About something protected"
        not in client.get(reverse("referrals:authorization_paper", args=[paper.pk])).content.decode()
    )


def test_a_decision_is_entered_line_by_line_in_one_table(client, user, patient):
    request = submitted(patient, user)
    services.add_line(authorization_id=request.pk, service_code="72148", units=1, by=user, now=timezone.now())
    today = timezone.localdate()
    sent = {
        "decision_1": "approved", "units_1": "2", "decision_2": "denied", "reason_2": "Not medically necessary",
        "authorization_number": "HN-7", "starts_on": today.isoformat(),
        "ends_on": (today + 60 * DAY).isoformat(),
    }  # fmt: skip
    unsaid = client.post(act(request, "decide"), sent | {"reason_2": ""})
    assert (unsaid.status_code, "exact reason" in unsaid.content.decode()) == (422, True)
    assert client.post(act(request, "decide"), sent).status_code == 302
    request.refresh_from_db()
    one, two = request.lines.all()
    assert request.status == "partially_approved"
    assert (one.decision, one.units_approved, two.reason) == ("modified", 2, "Not medically necessary")
    text = client.get(page_of(request)).content.decode()
    assert "The approval ends on" in text, "why this date"
    assert client.get(act(request, "revise")).status_code == 200
    assert client.post(act(request, "decide"), sent).status_code == 409, "not a second time"


def test_a_pend_shows_both_dates_and_the_answer_turns_the_move(client, user, patient):
    request = submitted(patient, user)
    due = (timezone.localtime(timezone=ZONE) + 2 * DAY).strftime("%Y-%m-%dT%H:%M")
    client.post(act(request, "pend"), {"asked_for": "Office notes", "answer_due_at": due})
    text = client.get(page_of(request)).content.decode()
    for shown in ("Office notes", "Our answer due", "Payer due", "clock runs on meanwhile"):
        assert shown in text
    assert client.post(act(request, "answer"), {"channel": "fax", "proof": "F-1"}).status_code == 302
    request.refresh_from_db()
    assert (request.status, request.answered_at is not None) == ("pended", True)


def test_a_call_is_logged_with_one_field_and_a_wrong_day_is_refused(client, user, patient):
    request = submitted(patient, user)
    sent = {"said": "Nurse has it", "hold_minutes": "0", "talk_minutes": "5"}
    past = (timezone.localdate() - 3 * DAY).isoformat()
    assert client.post(act(request, "call"), sent | {"promised_by": past}).status_code == 422
    assert client.post(act(request, "call"), sent).status_code == 302
    assert "Nurse has it" in client.get(page_of(request)).content.decode()


def test_only_what_is_possible_is_offered_and_a_reader_gets_no_buttons(client, user, patient):
    request = submitted(patient, user)
    names = [a.name for a in client.get(page_of(request)).context["acts"]]
    assert names[0] == "decide"
    assert {"pend", "return", "extend", "withdraw", "enter_in_error"} <= set(names)
    assert not {"downgrade", "answer", "revise", "approve", "deny"} & set(names)
    assert client.get(act(request, "revise")).status_code == 409
    assert client.get(act(request, "approve")).status_code == 409, "a decision goes through its lines"
    assert client.get(act(request, "no-such-act")).status_code == 404
    client.force_login(make_user(Role.BILLING, site=patient.site))
    assert client.get(page_of(request)).context["acts"] == []


def test_entered_in_error_it_is_gone_from_every_page(client, user, patient):
    request = submitted(patient, user)
    answer = client.post(act(request, "enter_in_error"), {"reason": "Another patient"})
    assert answer["Location"] == LIST
    assert client.get(page_of(request)).status_code == 404
    assert "Echocardiogram" not in client.get(LIST, {"state": "all"}).content.decode()


def test_managers_keep_the_lists(client):
    client.force_login(make_user(Role.MANAGER))
    payers, needed, papers = (
        reverse("referrals:payer_list", args=[k]) for k in ("payers", "needed", "papers")
    )
    payer = {
        "name": "Prairie",
        "payer_type": "other",
        "zone": "America/Chicago",
        "portal": "https://p.example/",
    }
    assert client.post(f"{payers}new/", payer | {"zone": "Mars/North"}).status_code == 422
    assert client.post(f"{payers}new/", payer).status_code == 302
    assert client.post(f"{payers}new/", payer).status_code == 422, "the name is taken"
    row = Payer.objects.get(name="Prairie")
    today = timezone.localdate()
    line = {
        "payer": str(row.pk), "specialty": "Cardiology", "pa_needed": "auth-needed", "source": "Bulletin",
        "source_on": today.isoformat(), "expires_on": today.isoformat(),
    }  # fmt: skip
    assert client.post(f"{needed}new/", line | {"specialty": ""}).status_code == 422
    assert client.post(f"{needed}new/", line).status_code == 302
    assert client.post(f"{needed}new/", line).status_code == 422, "once"
    paper = {"label": "Notes", "document_kind": "report", "is_required": "on"}
    assert client.post(f"{papers}new/", paper).status_code == 302
    assert client.post(f"{papers}new/", paper).status_code == 422, "once, also for all payers"
    one = RequiredPaper.objects.get()
    client.post(f"{papers}{one.pk}/retire/")
    assert not RequiredPaper.objects.offered().exists()
    for address in (payers, needed, papers, f"{papers}{one.pk}/", f"{payers}{row.pk}/"):
        assert client.get(address).status_code == 200
    assert client.get(reverse("referrals:payer_list", args=["others"])).status_code == 404


def test_a_payer_that_is_not_the_coverages_own_is_asked_about_once(client, user, patient, payer):
    other = make_payer(name="Medicare")
    sent = {
        "patient": str(patient.pk), "service": "Oxygen", "payer": other.pk, "kind": "service", "urgency": "standard",
        "coverage": Coverage.objects.get().pk,
    }  # fmt: skip
    refused = client.post(NEW, sent)
    text = refused.content.decode()
    assert refused.status_code == 422
    assert "The coverage is with HealthNorth Plus." in text
    assert 'name="decides_for"' in text
    assert not PriorAuthorization.objects.exists()
    assert client.post(NEW, sent | {"decides_for": "on"}).status_code == 302
    assert PriorAuthorization.objects.get().payer == other


def test_units_without_a_code_are_not_lost_in_silence(client, user, patient, payer):
    sent = {
        "patient": str(patient.pk), "service": "Oxygen", "payer": payer.pk, "kind": "service", "urgency": "standard",
        "units": "4",
    }  # fmt: skip
    refused = client.post(NEW, sent)
    assert refused.status_code == 422
    assert "Give the code that these units or dates are for" in refused.content.decode()
    assert client.post(NEW, sent | {"units": "1"}).status_code == 302
    record = PriorAuthorization.objects.get()
    services.record_requirement(
        authorization_id=record.pk, pa_needed="auth-needed", source="portal",
        by=user, now=timezone.now(),
    )  # fmt: skip
    assert "The request has no service line yet." in client.get(act(record, "submit")).content.decode()
