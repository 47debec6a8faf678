"""Papers from outside: brought in once, proposed by identifier, attached, and never lost."""

from __future__ import annotations

import os
import time
from datetime import date
from email.message import EmailMessage
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from careplans.models import Task
from coordinator.tests.factories import make_site, make_team, make_user
from coordinator.workflow import NotAllowed, System
from patients.models import Document
from patients.services import enter_document_in_error
from patients.tests.factories import make_patient
from patients.tests.files import make_pdf, upload
from referrals.inbound_sources import collect
from referrals.models import InboundDocument, Referral
from referrals.rules.inbound import identifiers_in
from referrals.selectors.inbound import proposals
from referrals.services.inbound import (
    attach_inbound,
    read_waiting_inbound,
    receive_inbound,
    set_aside_inbound,
    sort_inbound_again,
)
from referrals.tests.factories import make_authorization, make_referral

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def dana() -> Any:
    site = make_site()
    make_team(site=site)
    return make_user(site=site)


@pytest.fixture
def maria(dana) -> Any:
    patient = make_patient(site=dana.sites.get(), family_name="Álvarez", given_name="Maria")
    patient.birth_date = date(1959, 5, 9)
    patient.save()
    return patient


def bring(dana: Any, *words: str, name: str = "report.pdf") -> InboundDocument:
    inbound = receive_inbound(
        site=dana.sites.get(), file=upload(name, make_pdf(*words)), channel="fax", by=dana, now=NOW
    )
    read_waiting_inbound()
    inbound.refresh_from_db()
    return inbound


def the_task(inbound: InboundDocument) -> Task:
    return Task.objects.get(cause_id=inbound.pk)


def test_a_paper_has_a_task_with_a_date_until_it_is_sorted(dana, maria):
    inbound = bring(dana, "Nothing that names anybody")
    task = the_task(inbound)
    assert task.team is not None
    assert task.due_at is not None
    assert task.clock is not None
    assert "report" not in f"{task.title} {task.reason}"
    attach_inbound(inbound_id=inbound.pk, patient=maria, kind="report", by=dana, now=NOW)
    task.refresh_from_db()
    assert task.status == "cancelled"
    assert Document.objects.get(patient=maria).sha256 == inbound.sha256


@pytest.mark.parametrize(
    ("text", "references", "numbers"),
    [
        ("Re: referral R-000123, thank you", ("R-000123",), ()),
        ("Your ref R 000123 and R–000124", ("R-000123", "R-000124"), ()),
        ("MRN: 004800002  Member ID H1234567-01", (), ("004800002", "H1234567-01")),
        ("Authorization number: AUTH99812", (), ("AUTH99812",)),
        ("member since long ago; case closed", (), ()),
        ("ER-0001234", (), ()),
    ],
)
def test_identifiers_are_read_where_a_word_or_our_own_form_says_so(text, references, numbers):
    said = identifiers_in(text)
    assert (said.references, said.numbers) == (references, numbers)


def test_our_number_proposes_the_referral_and_a_birth_date_with_the_name_the_patient(dana, maria):
    referral = make_referral(maria, status="sent", reference="R-912345")
    by_number = bring(dana, "Consult R-912345", "MARIA ALVAREZ")
    assert [(p.kind, p.target, p.doubt) for p in proposals(dana, by_number)] == [("referral", referral, "")]
    by_name = bring(dana, "Alvarez, Maria", "born 05/09/1959", name="two.pdf")
    assert [(p.patient, p.target) for p in proposals(dana, by_name)] == [(maria, None)]


def test_a_specialty_or_a_name_alone_proposes_nothing(dana, maria):
    make_referral(maria, status="sent", specialty="Cardiology")
    assert proposals(dana, bring(dana, "Cardiology consultation", "Maria Alvarez")) == []


def test_a_number_with_another_name_is_proposed_with_a_doubt(dana, maria):
    make_referral(maria, status="sent", reference="R-912346")
    (one,) = proposals(dana, bring(dana, "R-912346", "John Smith"))
    assert one.doubt


def test_an_authorization_is_found_by_the_payers_number(dana, maria):
    request = make_authorization(maria, authorization_number="AUTH99812", status="approved")
    (one,) = proposals(dana, bring(dana, "Authorization number auth99812", "Maria Alvarez"))
    assert one.target == request


def test_what_somebody_may_not_see_is_not_proposed(dana, maria):
    elsewhere = make_patient(site=make_site())
    make_referral(elsewhere, status="sent", reference="R-912347")
    assert proposals(dana, bring(dana, "R-912347")) == []


@pytest.mark.parametrize("status", ["sent", "received", "seen"])
def test_the_report_is_in_and_the_loop_stays_open(dana, maria, status):
    """A recipient who never confirmed anything still sends the report: the steps between are written."""
    referral = make_referral(maria, status=status, reference="R-912348")
    inbound = bring(dana, "R-912348", "Maria Alvarez")
    (proposed,) = proposals(dana, inbound)
    assert proposed.takes_report
    attach_inbound(
        inbound_id=inbound.pk, patient=maria, kind="report", link=("referral", referral.pk), is_report=True,
        by=dana, now=NOW,
    )  # fmt: skip
    referral = Referral.objects.get(pk=referral.pk)
    assert referral.status == "completed"
    assert referral.report == Document.objects.get(patient=maria)
    assert referral.reviewed_at is None
    assert referral.loop_closed_at is None


def test_a_report_for_a_referral_that_cannot_take_one_changes_nothing(dana, maria):
    referral = make_referral(maria, status="draft")
    inbound = bring(dana, "anything")
    with pytest.raises(NotAllowed):
        attach_inbound(
            inbound_id=inbound.pk, patient=maria, kind="report", link=("referral", referral.pk),
            is_report=True, by=dana, now=NOW,
        )  # fmt: skip
    inbound.refresh_from_db()
    assert inbound.status == "new"
    assert not Document.objects.exists()


def test_the_second_of_two_who_attach_is_told(dana, maria):
    inbound = bring(dana, "anything")
    attach_inbound(inbound_id=inbound.pk, patient=maria, kind="report", by=dana, now=NOW)
    with pytest.raises(NotAllowed):
        attach_inbound(inbound_id=inbound.pk, patient=maria, kind="report", by=dana, now=NOW)
    assert Document.objects.count() == 1


def test_set_aside_and_wrongly_attached_papers_come_back_with_a_task(dana, maria):
    inbound = bring(dana, "an advertisement")
    set_aside_inbound(inbound_id=inbound.pk, reason="Advertising", by=dana, now=NOW)
    sort_inbound_again(inbound_id=inbound.pk, reason="It was not", by=dana, now=NOW)
    attach_inbound(inbound_id=inbound.pk, patient=maria, kind="report", by=dana, now=NOW)
    document = Document.objects.get()
    enter_document_in_error(document_id=document.pk, reason="Another person's", by=dana, now=NOW)
    sort_inbound_again(inbound_id=inbound.pk, reason="Another person's", by=dana, now=NOW)
    inbound.refresh_from_db()
    assert inbound.status == "new"
    assert inbound.patient is None
    assert Task.objects.open().filter(cause_id=inbound.pk).count() == 1


def test_the_folders_are_emptied_once_and_what_is_not_kept_has_a_task(dana, settings, tmp_path):
    settings.INBOUND_FOLDER = str(tmp_path)
    site = dana.sites.get()
    fax, mail = (tmp_path / str(site.pk) / channel for channel in ("fax", "email"))
    fax.mkdir(parents=True)
    mail.mkdir()
    (fax / "16125550100_1.pdf").write_bytes(make_pdf("A fax"))
    (fax / "16125550100_2.exe").write_bytes(b"MZ\x90\x00 no paper")
    message = EmailMessage()
    message["From"] = "clinic@example.test"
    message.set_content("See attached")
    message.add_attachment(make_pdf("A report"), maintype="application", subtype="pdf", filename="r.pdf")
    (mail / "1.eml").write_bytes(message.as_bytes())
    (mail / "still-writing.eml").write_bytes(b"From: x")
    for path in (*fax.iterdir(), mail / "1.eml"):
        os.utime(path, (time.time() - 60,) * 2)
    assert collect(by=System("incoming"), now=NOW) == 3
    found = InboundDocument.objects.order_by("channel").values_list("channel", "sender", "file_name")
    assert list(found) == [
        ("email", "clinic@example.test", "r.pdf"),
        ("fax", "16125550100", "16125550100_1.pdf"),
    ]
    assert (fax / "refused" / "16125550100_2.exe").is_file()
    assert (mail / "still-writing.eml").is_file()
    assert Task.objects.open().filter(title="An incoming file could not be kept").count() == 1


def test_a_file_whose_row_is_there_is_not_taken_twice(dana, settings, tmp_path):
    """As after a kill between the row and the move."""
    settings.INBOUND_FOLDER = str(tmp_path)
    folder = tmp_path / str(dana.sites.get().pk) / "scan"
    folder.mkdir(parents=True)
    for _again in range(2):
        path = folder / "scan.pdf"
        path.write_bytes(make_pdf("Same bytes"))
        os.utime(path, (time.time() - 60,) * 2)
        collect(by=System("incoming"), now=NOW)
    assert InboundDocument.objects.count() == 1


def test_the_page_proposes_searches_without_an_address_and_attaches(client, dana, maria):
    client.force_login(dana)
    referral = make_referral(maria, status="seen", reference="R-912349")
    inbound = bring(dana, "R-912349", "Maria Alvarez")
    address = reverse("referrals:inbound_detail", args=[inbound.pk])
    assert "R-912349" in client.get(address).content.decode()
    other = bring(dana, "no number", name="other.pdf")
    found = client.post(reverse("referrals:inbound_detail", args=[other.pk]), {"q": "alvarez"})
    assert f"referral:{referral.pk}" in found.content.decode()
    sent = {"place": f"referral:{referral.pk}", "kind": "report", "is_report": "on"}
    answer = client.post(reverse("referrals:inbound_attach", args=[inbound.pk]), sent)
    assert answer.status_code == 302
    assert Referral.objects.get(pk=referral.pk).status == "completed"
    assert client.get(reverse("referrals:inbound_file", args=[inbound.pk])).status_code == 404


def test_a_place_that_is_not_visible_or_nonsense_is_refused_and_nothing_changes(client, dana, maria):
    client.force_login(dana)
    inbound = bring(dana, "anything")
    foreign = make_referral(make_patient(site=make_site()), status="seen")
    for place in (f"referral:{foreign.pk}", "referral:nonsense", "user:1", ""):
        sent = {"place": place, "kind": "report"}
        assert client.post(reverse("referrals:inbound_attach", args=[inbound.pk]), sent).status_code == 422
    inbound.refresh_from_db()
    assert inbound.status == "new"


def test_the_list_asks_the_same_number_of_queries_for_one_and_for_many(
    client, dana, django_assert_num_queries
):
    client.force_login(dana)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    bring(dana, "one")
    with CaptureQueriesContext(connection) as one:
        client.get(reverse("referrals:inbound_list"))
    for number in range(4):
        receive_inbound(
            site=dana.sites.get(), file=ContentFile(b"Text %d" % number, name=f"{number}.txt"), channel="scan",
            by=dana, now=NOW,
        )  # fmt: skip
    with CaptureQueriesContext(connection) as many:
        client.get(reverse("referrals:inbound_list"))
    assert len(many) <= len(one)


def test_several_papers_are_kept_together_or_none(client, dana):
    client.force_login(dana)
    site = dana.sites.get()
    sent = {"site": site.pk, "files": [upload("a.pdf", make_pdf("A")), upload("b.pdf", b"<html><script>")]}
    answer = client.post(reverse("referrals:inbound_new"), sent)
    assert answer.status_code == 422
    assert "b.pdf" in answer.content.decode()
    assert not InboundDocument.objects.exists()
