"""The pages of payers' files: take in, look, match, record, set aside."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from coordinator.exchange.models import PayerFile
from coordinator.exchange.tests.factories import make_submitted
from coordinator.exchange.tests.files import answer_278
from coordinator.tests.factories import make_user
from referrals.workflow import AuthorizationStatus as S

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    user = make_user()
    client.force_login(user)
    return user


def upload(client, user, content, name="answer.278"):
    file = SimpleUploadedFile(name, content)
    answer = client.post(reverse("exchange:file_list"), {"upload": file, "site": user.sites.get().pk})
    return answer, PayerFile.objects.order_by("created_at").last()


def address(name, file):
    return reverse(f"exchange:{name}", args=[file.pk])


def test_a_file_is_shown_with_what_it_would_change_then_recorded(client, user):
    record = make_submitted(user)
    answer, file = upload(client, user, answer_278(hcr="HCR*A1*AUTH77"))
    assert answer.url == address("file_detail", file)
    shown = client.get(answer.url).content.decode()
    assert "What recording it would change" in shown
    assert "AUTH77" in shown
    assert "The member ID in the file is the one on the coverage." in shown
    assert client.post(address("file_record", file), {"seen": record.version}).url == answer.url
    record.refresh_from_db()
    assert record.status == S.APPROVED
    again, _file = upload(client, user, answer_278(hcr="HCR*A1*AUTH77"))
    assert again.url == answer.url
    assert b"is here already" in client.get(again.url).content


def test_a_request_changed_meanwhile_is_not_written_over(client, user):
    record = make_submitted(user)
    _answer, file = upload(client, user, answer_278(hcr="HCR*A1*AUTH77"))
    answer = client.post(address("file_record", file), {"seen": record.version - 1})
    assert answer.status_code == 409
    assert b"Somebody changed this request" in answer.content
    record.refresh_from_db()
    assert record.status == S.SUBMITTED


def test_a_decision_without_a_line_is_put_to_it_on_the_page(client, user):
    record = make_submitted(user, trace="T-9", lines=[("33510", 1, "unit")])
    rows = ("HL*5*4*SS*0", "HCR*A1*AUTH2", "SV2**HC:33510")
    _answer, file = upload(client, user, answer_278(*rows, hcr="HCR*A6*AUTH2", trace="T-9"))
    assert b"Decision 1 is about" in client.get(address("file_detail", file)).content
    assert client.post(address("file_record", file), {"seen": record.version}).status_code == 409
    sent = {"seen": record.version, "decision_0": "0"}
    assert client.post(address("file_record", file), sent).status_code == 302


def test_a_parked_file_stands_on_the_list_and_is_matched_by_hand(client, user):
    record = make_submitted(user)
    _answer, file = upload(client, user, answer_278(trace="OTHER"))
    assert b"No request here carries a number" in client.get(reverse("exchange:file_list")).content
    found = client.post(address("file_match", file), {"q": "haas"}).content.decode()
    assert "This one" in found
    client.post(address("file_match", file), {"authorization": record.pk})
    file.refresh_from_db()
    assert (file.authorization, file.matched_by) == (record, "person")
    assert (
        b"No request that is with a payer" in client.post(address("file_match", file), {"q": "zzz"}).content
    )


def test_an_unreadable_file_is_kept_shown_and_set_aside_with_a_reason(client, user):
    _answer, file = upload(client, user, b"Dear colleagues", "letter.txt")
    assert b"neither X12" in client.get(address("file_detail", file)).content
    original = client.get(address("file_original", file))
    assert (original.content, original["Content-Type"]) == (b"Dear colleagues", "application/octet-stream")
    assert client.post(address("file_again", file)).status_code == 302
    assert client.post(address("file_set_aside", file), {"reason": ""}).status_code == 422
    client.post(address("file_set_aside", file), {"reason": "A letter; filed by hand"})
    assert b"letter.txt" not in client.get(reverse("exchange:file_list")).content
    assert b"letter.txt" in client.get(f"{reverse('exchange:file_list')}?state=closed").content


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "empty"), (b"x" * (2 * 1024 * 1024 + 1), "larger than 2 MB")]
)
def test_a_file_that_cannot_be_kept_is_refused_at_the_field(client, user, content, why):
    answer, file = upload(client, user, content)
    assert (answer.status_code, file) == (422, None)
    assert why in answer.content.decode()


def test_the_list_costs_the_same_for_one_and_for_many(client, user, django_assert_max_num_queries):
    for n in range(3):
        upload(client, user, f"letter {n}".encode())
    with django_assert_max_num_queries(12):
        client.get(reverse("exchange:file_list"))
