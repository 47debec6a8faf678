"""Words in notes and documents: found by beginnings and without accents, shown as text, never somebody else's."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coordinator.audit.models import AuditEvent
from coordinator.dashboard.record_words import find_in_records, matching, pieces
from coordinator.tests.factories import make_site, make_user
from patients.models import Document, Note
from patients.tests.factories import make_document, make_patient, restrict

pytestmark = pytest.mark.django_db
ADDRESS = "/search/notes-and-documents/"


@pytest.fixture
def dana(client):
    user = make_user(site=make_site())
    client.force_login(user)
    return user


@pytest.fixture
def elena(dana):
    return make_patient(site=dana.sites.get())


def note(patient, body, **fields):
    return Note.objects.create(patient=patient, body=body, **fields)


def find(client, words, **more) -> str:
    answer = client.post(reverse("dashboard:record_search"), {"q": words, **more})
    assert answer.status_code == 200
    assert "q=" not in answer.request["QUERY_STRING"]
    return answer.content.decode()


@pytest.mark.parametrize(
    "typed", ["hinchazon", "HINCHAZÓN", "hinch", "pies hinch", "hinchazón pies", "'hinch' & !pies | (x"[:7]]
)
def test_a_note_is_found_by_beginnings_without_accents(client, elena, typed):
    note(elena, "Refiere hinchazón de pies desde el lunes")
    assert "<mark>" in find(client, typed)


def test_every_word_has_to_occur(client, elena):
    note(elena, "Feet swollen")
    assert "These words occur nowhere" in find(client, "feet knees")


def test_a_document_is_found_by_its_title_and_its_text(client, elena):
    document = make_document(elena, title="Echocardiogram", text="Ejection fraction 45 percent")
    for words in ("echocard", "ejection", "45", "echo percent"):
        assert reverse("dashboard:document", args=[document.pk]) in find(client, words)


def test_what_is_found_is_shown_as_text(client, elena):
    note(elena, 'Before <script>alert("x")</script> swelling <b>after</b> \x02odd\x03')
    page = find(client, "swelling")
    assert "<script>alert" not in page
    assert "<b>after" not in page
    assert "<mark>swelling</mark>" in page


def test_inside_one_patient_only_that_one_is_searched(client, elena):
    other = make_patient(site=elena.site, family_name="Quimby")
    note(elena, "Feet swollen")
    note(other, "Knees swollen")
    page = find(client, "swollen", patient=elena.pk)
    assert "Feet" in page
    assert "Knees" not in page
    assert "Knees" in find(client, "swollen")
    assert client.post(ADDRESS, {"q": "x", "patient": make_patient().pk}).status_code == 404
    assert client.post(ADDRESS, {"q": "x", "patient": "nonsense"}).status_code == 404


def test_only_my_caseload_can_be_asked_for(client, elena, dana):
    mine = make_patient(site=elena.site, coordinator=dana)
    note(elena, "Feet swollen")
    note(mine, "Knees swollen")
    page = find(client, "swollen", mine="on")
    assert "Knees" in page
    assert "Feet" not in page


def test_nothing_of_others_and_nothing_in_error_is_found(client, elena):
    somebody = make_user(site=elena.site)
    hidden = restrict(make_patient(site=elena.site), somebody, coordinator=somebody)
    elsewhere = make_patient()
    for patient in (hidden, elsewhere):
        note(patient, "canaryword here")
        make_document(patient, title="canaryword", text="canaryword")
    note(elena, "canaryword", status="entered_in_error", error_reason="x")
    make_document(elena, title="canaryword", status="entered_in_error", error_reason="x")
    gone = make_patient(site=elena.site, status="entered_in_error")
    note(gone, "canaryword")
    assert "These words occur nowhere" in find(client, "canaryword")
    client.force_login(somebody)
    assert find(client, "canaryword").count("<mark>canaryword</mark>") == 2


def test_reading_excerpts_is_in_the_trail_without_the_words(client, elena):
    note(elena, "Feet swollen")
    note(elena, "Feet again")
    find(client, "feet")
    event = AuditEvent.objects.get(action="view", patient_id=elena.pk)
    assert event.details == {"what": "word search"}


def test_one_hit_costs_as_many_queries_as_twenty(client, elena):
    def count():
        with CaptureQueriesContext(connection) as queries:
            find(client, "swollen")
        return len(queries)

    note(elena, "Feet swollen")
    make_document(elena, text="swollen")
    count()
    few = count()
    for _ in range(10):
        note(make_patient(site=elena.site), "Feet swollen")
        make_document(make_patient(site=elena.site), text="swollen")
    assert count() == few


def test_more_than_fits_is_said(client, elena):
    for number in range(27):
        note(elena, f"Feet swollen {number}")
    assert "There are more." in find(client, "swollen")


def test_the_index_answers(dana):
    """A sequential scan over all notes would read everybody's words for every search."""
    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off")
        for model, index in ((Note, "note_words"), (Document, "document_words")):
            plan = matching(model.objects.order_by(), "swollen feet").values("pk").explain()
            assert index in plan


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=60))
def test_whatever_is_typed_is_words(elena, dana, typed):
    found, more = find_in_records(dana, typed or "x")
    assert (found, more) == ([], False)


@given(st.text(alphabet="ab\x02\x03 ", max_size=30))
def test_pieces_lose_nothing_but_the_marks(headline):
    assert "".join(text for text, _hit in pieces(headline)) == headline.replace("\x02", "").replace(
        "\x03", ""
    )


def test_the_finder_hands_its_words_over_and_the_palette_has_the_page(client, elena):
    page = client.post(reverse("dashboard:search"), {"q": "swollen feet"}).content.decode()
    assert ADDRESS in page
    assert "Search notes and documents" in client.get("/").content.decode()
