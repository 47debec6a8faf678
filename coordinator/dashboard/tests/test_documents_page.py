"""The Documents tab and the page of one document."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.tests.factories import make_site, make_user
from patients.models import DocumentLink
from patients.tests.factories import make_document, make_patient
from referrals.tests.factories import make_authorization, make_referral
from scheduling.tests.factories import make_appointment

pytestmark = pytest.mark.django_db
YEAR = datetime.timedelta(days=365)


@pytest.fixture
def dana(client):
    user = make_user(site=make_site())
    client.force_login(user)
    return user


@pytest.fixture
def elena(dana):
    return make_patient(site=dana.sites.get())


def tab(patient) -> str:
    return reverse("dashboard:patient_documents", args=[patient.pk])


def viewer(document) -> str:
    return reverse("dashboard:document", args=[document.pk])


def read(client, address) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def count(client, address) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        read(client, address)
    return len(queries)


def test_a_chart_without_documents_says_what_they_are_for(client, elena):
    page = read(client, tab(elena))
    assert "No documents yet" in page
    assert reverse("patients:document_new", args=[elena.pk]) in page


def test_the_list_says_kind_tags_source_dates_and_what_expires(client, elena):
    today = timezone.localdate()
    make_document(
        elena, title="Echo", tags=["cardiology"], source="Fax", received_on=datetime.date(2026, 11, 3)
    )
    make_document(elena, kind="insurance", title="Old card", expires_on=today - YEAR)
    make_document(elena, kind="insurance", title="This card", expires_on=today + datetime.timedelta(days=10))
    make_document(elena, kind="consent", title="Consent", expires_on=today + YEAR)
    page = read(client, tab(elena))
    for words in ("Echo", "cardiology", "Fax", "Nov 3", "Insurance card", "Expired", "Expires soon"):
        assert words in page
    assert page.count("Expires soon") == 1


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?kind=insurance", {"Card", "Old"}),
        ("?tag=blue", {"Card"}),
        ("?state=expired", {"Old"}),
        ("?state=error", {"Wrong"}),
        ("?kind=nonsense", {"Echo", "Card", "Old"}),
        ("?tag=&kind=", {"Echo", "Card", "Old"}),
    ],
)
def test_choices_in_the_address_narrow_the_list(client, elena, query, shown):
    make_document(elena, title="Echo")
    make_document(elena, kind="insurance", title="Card", tags=["blue"])
    make_document(elena, kind="insurance", title="Old", expires_on=timezone.localdate() - YEAR)
    make_document(elena, title="Wrong", status="entered_in_error", error_reason="x")
    page = read(client, tab(elena) + query)
    assert {title for title in ("Echo", "Card", "Old", "Wrong") if f">{title}</a>" in page} == shown


def test_typed_words_narrow_the_list_and_stay_out_of_the_address(client, elena):
    make_document(elena, title="Echo", text="Fracción de eyección")
    make_document(elena, title="Card", text="")
    answer = client.post(tab(elena), {"q": "fraccion", "state": ""})
    assert answer.url == tab(elena)
    page = read(client, answer.url)
    assert ">Echo</a>" in page
    assert ">Card</a>" not in page
    client.post(tab(elena), {"q": "nowhere"})
    assert "No document matches your filters" in read(client, tab(elena))
    assert ">Card</a>" in read(client, tab(elena) + "?clear=1")


def test_kinds_and_tags_that_somebody_typed_stay_out_of_the_address(client, elena):
    make_document(elena, title="Echo", kind="Court, Elena", tags=["custody, Elena"])
    make_document(elena, title="Card")
    choices = {"kind": "Court, Elena", "tag": "custody, Elena", "state": "soon"}
    assert client.post(tab(elena), choices).url == tab(elena) + "?state=soon"
    client.post(tab(elena), choices | {"state": ""})
    page = read(client, tab(elena))
    assert ">Echo</a>" in page
    assert ">Card</a>" not in page
    client.post(tab(elena), {"kind": "", "tag": "", "state": ""})
    assert ">Card</a>" in read(client, tab(elena))


def test_one_document_costs_as_many_queries_as_twenty(client, elena, dana):
    def add(n):
        document = make_document(elena, title=f"Paper {n}", created_by=dana)
        for kind, target in (
            ("referral", make_referral(elena)),
            ("authorization", make_authorization(elena)),
            ("visit", make_appointment(elena, start=timezone.now() + datetime.timedelta(days=n + 1))),
        ):
            DocumentLink.objects.create(document=document, kind=kind, target_id=target.pk)
        return document

    first = add(0)
    read(client, tab(elena))
    few, few_in_viewer = count(client, tab(elena)), count(client, viewer(first))
    for n in range(1, 8):
        add(n)
    assert count(client, tab(elena)) == few
    assert count(client, viewer(first)) == few_in_viewer


def test_the_viewer_shows_pages_text_facts_and_history(client, elena):
    document = make_document(elena, title="Echo", text="Ejection <b>45</b>", pages_shown=1, page_count=3)
    page = read(client, viewer(document))
    assert reverse("patients:document_page", args=[document.pk, 1]) in page
    assert "Page 1 of 3" in page
    assert "Only the first page is drawn here." in page
    assert "Ejection &lt;b&gt;45&lt;/b&gt;" in page
    assert "report.txt" in page
    event = AuditEvent.objects.get(entity="patients.document", action="view")
    assert event.patient_id == elena.pk


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"preview": "pending"}, "The preview is being prepared."),
        (
            {"preview": "failed", "preview_problem": "unreadable"},
            "No preview: the file could not be read.",
        ),
        ({"preview": "failed", "preview_problem": "locked"}, "the file is locked with a password"),
        ({"preview": "done", "text": ""}, "This file has neither pages nor text to show."),
    ],
)
def test_the_viewer_says_why_there_is_no_picture(client, elena, fields, words):
    document = make_document(elena, page_count=0, pages_shown=0, **fields)
    assert words in read(client, viewer(document))


def test_keys_lead_to_the_neighbours(client, elena):
    days = [datetime.date(2026, 11, day) for day in (1, 2, 3)]
    first, second, third = (make_document(elena, received_on=day) for day in days)
    page = read(client, viewer(second))
    before, after = page.index(viewer(third)), page.index(viewer(first))
    assert 'data-key="["' in page[before : before + 200]
    assert 'data-key="]"' in page[after : after + 200]
    assert 'data-key="["' not in read(client, viewer(third))


def link(client, document, kind, target, name="dashboard:document_link"):
    return client.post(reverse(name, args=[document.pk]), {"target": f"{kind}:{target}"}, follow=True)


def test_a_document_is_linked_and_unlinked_and_says_so(client, elena):
    document, referral = make_document(elena), make_referral(elena, specialty="Nephrology")
    assert "Nephrology" in read(client, viewer(document))  # offered
    link(client, document, "referral", referral.pk)
    link(client, document, "referral", referral.pk)  # twice is once
    assert DocumentLink.objects.count() == 1
    assert "Nephrology" in read(client, tab(elena))
    link(client, document, "referral", referral.pk, "dashboard:document_unlink")
    assert "Nephrology" not in read(client, tab(elena))
    assert [change.step for change in document.changes.all()] == ["link", "unlink"]
    link(client, document, "referral", referral.pk)
    assert DocumentLink.objects.filter(removed_at=None).count() == 1


@pytest.mark.parametrize("named", ["of another patient", "of no kind", "nonsense", ""])
def test_only_things_of_the_same_patient_are_linked(client, elena, named):
    document, foreign = make_document(elena), make_referral(make_patient(site=elena.site))
    kind, key = {
        "of another patient": ("referral", foreign.pk),
        "of no kind": ("task", foreign.pk),
        "nonsense": ("referral", "x"),
        "": ("", ""),
    }[named]
    page = link(client, document, kind, key).content.decode()
    assert "Choose " in page
    assert not DocumentLink.objects.exists()


def test_who_only_reads_is_offered_no_change(client, elena):
    document = make_document(elena)
    client.force_login(make_user(Role.PROVIDER, site=elena.site))
    page = read(client, viewer(document)) + read(client, tab(elena))
    for name in ("document_edit", "document_in_error"):
        assert reverse(f"patients:{name}", args=[document.pk]) not in page
    assert reverse("patients:document_file", args=[document.pk]) in page
    client.force_login(make_user(Role.BILLING, site=elena.site))
    assert client.get(tab(elena)).status_code == 403


def test_the_part_that_waits_for_the_preview_is_a_piece_of_the_page_and_no_new_look(client, elena):
    document = make_document(elena, preview="pending", page_count=0, pages_shown=0)
    page = read(client, viewer(document))
    before = AuditEvent.objects.count()
    part = client.get(viewer(document), headers={"HX-Request": "true"}).content.decode()
    assert part.strip() in page
    assert "data-background" in part
    assert AuditEvent.objects.count() == before
