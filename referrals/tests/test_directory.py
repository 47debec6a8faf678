"""The directory of practices and services, and of payers: what is kept, what is refused, what the pages say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.tests.factories import make_site, make_user
from patients.tests.factories import make_patient
from referrals.models import Payer, Practice
from referrals.rules.directory import is_npi
from referrals.services import directory
from referrals.tests.directory_factories import make_clinician, make_network, make_practice
from referrals.tests.factories import make_payer, make_referral

pytestmark = pytest.mark.django_db
LIST = "referrals:practice_list"
NEXT_MONTH = f"{timezone.localdate() + timedelta(days=40)}"


@pytest.fixture
def dana():
    return make_user(site=make_site(), name="Dana Whitfield")


@pytest.fixture
def browser(dana):
    client = Client()
    client.force_login(dana)
    return client


def typed(**fields):
    return {"name": "Lakes Heart", "kind": "practice", "accepting": "unknown", "cost": "unknown"} | fields


@pytest.mark.parametrize(
    ("number", "right"),
    [
        ("1234567893", True),
        ("1234567890", False),
        ("123456789", False),
        ("12345678931", False),
        ("١234567893", False),
        ("", False),
    ],
)
def test_an_npi_is_known_by_its_check_digit(number, right):
    assert is_npi(number) is right


def test_an_entry_is_written_and_its_organization_says_the_same(browser):
    sent = typed(
        specialties="Cardiology\n Cardiology \nEcho", phone="612 555 0122", fax="(612) 555-0123", state="mn",
        postal_code="55401-1234", city="Riverbend", npi="1234567893", languages=["en", "es"], accepting="new",
        wait_days="12", wait_told_on="2026-11-03", wait_told_by="Kim", portal="example.test/refer", channel="fax",
    )  # fmt: skip
    browser.post(reverse("referrals:practice_new"), sent)
    practice = Practice.objects.get()
    assert (practice.specialties, practice.state, practice.languages) == (
        ["Cardiology", "Echo"],
        "MN",
        ["en", "es"],
    )
    assert (practice.phone, practice.portal) == ("+16125550122", "https://example.test/refer")
    organization = practice.organization
    assert (organization.name, organization.fax) == ("Lakes Heart", "(612) 555-0123")
    assert AuditEvent.objects.filter(entity="referrals.practice", action="create").count() == 1
    page = browser.get(reverse("referrals:practice_detail", args=[practice.pk])).content.decode()
    assert "12 days" in page
    assert "told on Nov 3, 2026 by Kim" in page
    assert "Nobody has checked this entry yet" in page


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Name"),
        ("phone", "(111) 222-3333", "Enter a phone number with 10 digits"),
        ("fax", "555-0143", "Enter a phone number with 10 digits"),
        ("npi", "1234567890", "This is no NPI"),
        ("postal_code", "5540", "Enter 5 digits, like 55401"),
        ("state", "M1", "Enter the two letters of the state"),
        ("wait_days", "12", "Enter the day on which this wait was told."),
        ("wait_days", "-1", "0"),
        ("wait_told_on", "2999-01-01", "Check the year: 2999."),
        pytest.param("wait_told_on", NEXT_MONTH, "This day is still to come.", id="wait_told_on-next month"),
        ("specialties", "x" * 121, "at most 120 characters in a line"),
        ("portal", "javascript:alert(1)", "URL"),
        ("languages", "xx", "xx"),
        ("name", "a\x00b", "Null characters are not allowed"),
    ],
)
def test_bad_input_is_refused_at_its_field_and_what_was_typed_stays(browser, field, value, sentence):
    answer = browser.post(reverse("referrals:practice_new"), typed(city="Riverbend") | {field: value})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    assert 'value="Riverbend"' in page
    assert not Practice.objects.exists()


def test_two_people_who_save_at_once_see_both_versions(browser, dana):
    practice = make_practice(name="Lakes Heart", fax="+16125550123")
    theirs = {"fax": "+16125550199", "specialties": ["Cardiology", "Echo"], "languages": ["es"]}
    directory.save_practice(practice_id=practice.pk, version=1, by=dana, now=timezone.now(), **theirs)
    where = reverse("referrals:practice_edit", args=[practice.pk])
    sent = typed(version=1, fax="(612) 555-0177", phone="(612) 555-0122")
    answer = browser.post(where, sent)
    page = answer.content.decode()
    assert answer.status_code == 409
    for words in ("+16125550199", "Cardiology, Echo", "Spanish"):
        assert f"Saved meanwhile: {words}" in page
    assert Practice.objects.get().fax == "+16125550199"
    browser.post(where, sent | {"version": 2})
    assert Practice.objects.get().fax == "+16125550177"


def test_the_database_refuses_what_no_form_lets_through():
    for wrong in ({"npi": "12"}, {"postal_code": "1"}, {"kind": "shop"}, {"wait_days": 3}, {"name": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_practice(**wrong)


def test_filters_have_an_address_and_find(browser):
    heart = make_practice(
        name="Lakes Heart", specialties=["Cardiology"], languages=["es"], postal_code="55401", accepting="new"
    )
    make_practice(name="Zed Eyes", specialties=["Eye care"], reviewed_on=timezone.localdate())
    make_network(heart, payer_name="Aetna")
    make_network(heart, payer_name="Old", ends_on=timezone.localdate() - timedelta(days=1))
    make_practice(name="Gone Clinic", retired_at=timezone.now())

    def names(query=""):
        page = browser.get(reverse(LIST) + query).content.decode()
        return [name for name in ("Lakes Heart", "Zed Eyes", "Gone Clinic") if f">{name}</a>" in page]

    assert names() == ["Lakes Heart", "Zed Eyes"]
    for query in (
        "specialty=Cardiology",
        "language=es",
        "network=Aetna",
        "postal_code=554",
        "accepting=new",
        "state=due",
    ):
        assert names(f"?{query}") == ["Lakes Heart"], query
    assert names("?state=retired") == ["Gone Clinic"]
    assert names("?network=Old") == []
    assert (
        browser.post(reverse(LIST), {"q": "zed", "kind": "practice"}).url == f"{reverse(LIST)}?kind=practice"
    )
    assert names("?kind=practice") == ["Zed Eyes"]
    assert names("?kind=facility") == []
    assert "No entry matches these filters" in browser.get(f"{reverse(LIST)}?kind=facility").content.decode()


def test_the_list_asks_as_much_for_one_entry_as_for_twenty_and_says_when_it_is_empty(
    browser, django_assert_max_num_queries
):
    assert "The directory is empty" in browser.get(reverse(LIST)).content.decode()
    make_network(make_practice())
    browser.get(reverse(LIST))
    with django_assert_max_num_queries(25) as few:
        browser.get(reverse(LIST))
    for _number in range(22):
        make_network(make_practice())
    with django_assert_max_num_queries(25) as many:
        page = browser.get(reverse(LIST)).content.decode()
    assert len(many) == len(few)
    assert page.count("data-row") == 20
    assert browser.get(f"{reverse(LIST)}?after=20").content.decode().count("data-row") == 3


def test_figures_come_from_our_own_referrals_and_are_not_said_of_a_few(browser, dana):
    practice = make_practice(name="Lakes Heart")
    where = reverse("referrals:practice_detail", args=[practice.pk])
    site, now = dana.sites.get(), timezone.now()
    sent = {"recipient_organization": practice.organization, "sent_at": now - timedelta(days=20)}
    for days in (2, 4, 6, 8):
        make_referral(
            make_patient(site=site),
            status="accepted",
            accepted_at=sent["sent_at"] + timedelta(days=days),
            **sent,
        )
    make_referral(make_patient(), status="declined", **sent)  # of another site
    assert browser.get(where).context["figures"].accepted.n == 4
    assert "%</td>" not in browser.get(where).content.decode()
    make_referral(make_patient(site=site), status="declined", **sent)
    figures = browser.get(where).context["figures"]
    assert (figures.sent, figures.accepted.value, figures.accepted.n) == (5, 80.0, 5)
    assert (figures.to_accept.value, figures.to_accept.n) == (None, 4)
    assert "80%" in browser.get(where).content.decode()


def test_networks_and_clinicians_are_added_ended_and_removed(browser, dana):
    practice = make_practice()
    make_payer(name="Aetna")
    new = reverse("referrals:network_new", args=[practice.pk])
    answer = browser.post(
        new, {"payer_name": "Aetna", "participates": "in", "starts_on": "2026-05-02", "ends_on": "2026-05-01"}
    )
    assert "It cannot end before it starts." in answer.content.decode()
    browser.post(new, {"payer_name": "Aetna", "participates": "in"})
    row = practice.networks.get()
    assert (
        "This network is on the list already."
        in browser.post(new, {"payer_name": "Aetna", "participates": "in"}).content.decode()
    )
    browser.post(reverse("referrals:network_step", args=[row.pk, "end"]))
    row.refresh_from_db()
    assert row.ends_on == timezone.localdate()
    browser.post(reverse("referrals:network_step", args=[row.pk, "remove"]))
    assert not practice.networks.exists()
    clinician = reverse("referrals:clinician_new", args=[practice.pk])
    assert "This is no NPI" in browser.post(clinician, {"name": "Ana", "npi": "1234567890"}).content.decode()
    browser.post(clinician, {"name": "Ana", "npi": "1234567893"})
    browser.post(reverse("referrals:clinician_remove", args=[practice.clinicians.get().pk]))
    assert not practice.clinicians.exists()
    actions = AuditEvent.objects.filter(entity_id=practice.pk).values_list("action", flat=True)
    assert sorted(actions) == [
        "add_clinician",
        "add_network",
        "end_network",
        "remove_clinician",
        "remove_network",
    ]


def test_checked_today_retired_and_offered_again(browser, dana):
    practice = make_practice()
    where = "referrals:practice_step"
    browser.post(reverse(where, args=[practice.pk, "review"]))
    browser.post(reverse(where, args=[practice.pk, "retire"]))
    practice.refresh_from_db()
    assert (practice.reviewed_on, practice.reviewed_by, practice.is_retired) == (
        timezone.localdate(),
        dana,
        True,
    )
    assert not practice.organization.is_active
    browser.post(reverse(where, args=[practice.pk, "restore"]))
    practice.refresh_from_db()
    assert not practice.is_retired
    assert browser.post(reverse(where, args=[practice.pk, "erase"])).status_code == 404


def test_who_only_reads_finds_no_button(dana):
    billing = Client()
    billing.force_login(make_user(Role.BILLING, site=dana.sites.get()))
    practice = make_practice()
    make_network(practice)
    make_clinician(practice)
    page = billing.get(reverse("referrals:practice_detail", args=[practice.pk])).content.decode()
    assert practice.name in page
    assert "Checked today</button>" not in page
    assert "Remove" not in page


def test_a_wrong_number_is_refused_by_the_service_too(dana):
    with pytest.raises(ValidationError, match="10 digits"):
        directory.save_practice(
            practice_id=None, version=None, name="A", phone="12", by=dana, now=timezone.now()
        )
    assert not Practice.objects.exists()


# --- payers ---------------------------------------------------------------------------------------------------


def test_the_payer_page_says_how_to_reach_it_its_clocks_and_when_it_was_checked(dana):
    payer = make_payer(
        name="HealthNorth Plus", payer_type="medicare_advantage", lines_of_business=["marketplace"], tips="Use the portal",
        appeals_address="PO Box 9\nRiverbend",
    )  # fmt: skip
    beth = Client()
    beth.force_login(make_user(Role.MANAGER, site=dana.sites.get()))
    where = reverse("referrals:payer_detail", args=[payer.pk])
    page = beth.get(where).content.decode()
    for words in (
        "Medicare Advantage, Marketplace plan",
        "Use the portal",
        "PO Box 9",
        "never checked",
        "Expedited request",
    ):
        assert words in page
    assert beth.post(reverse("referrals:payer_reviewed", args=[payer.pk])).url == where
    assert Payer.objects.get().reviewed_on == timezone.localdate()
    assert "never checked" not in beth.get(where).content.decode()
    assert "HealthNorth Plus" in beth.get(reverse("referrals:payer_directory")).content.decode()


def test_managers_change_a_payer(dana):
    payer = make_payer(name="HealthNorth Plus")
    beth = Client()
    beth.force_login(make_user(Role.MANAGER, site=dana.sites.get()))
    sent = {
        "name": "HealthNorth Plus", "payer_type": "medicaid", "lines_of_business": ["chip", "marketplace"],
        "zone": "America/Chicago", "appeals_fax": "(612) 555-0120",
    }  # fmt: skip
    beth.post(reverse("referrals:payer_list_edit", args=["payers", payer.pk]), sent)
    payer.refresh_from_db()
    assert (payer.lines_of_business, payer.appeals_fax) == (["chip", "marketplace"], "(612) 555-0120")
