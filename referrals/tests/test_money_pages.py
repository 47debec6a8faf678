"""Step 35 of the script: a bill is logged, explained, aid is asked for, 150 dollars are reserved; and the pages about it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coordinator.accounts.roles import Role
from coordinator.tests.factories import make_site, make_user
from patients.models import RelatedPerson
from patients.tests.factories import make_document, make_patient
from referrals.models import AidApplication, BenefitApplication, Bill, BillPhrase, Estimate, Fund
from referrals.tests.money_factories import (
    make_aid,
    make_asked_paper,
    make_bill,
    make_bill_line,
    make_estimate,
    make_fund,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana():
    return make_user(site=make_site(), name="Dana Whitfield")


@pytest.fixture
def patient(dana):
    return make_patient(site=dana.sites.get(), language="es")


@pytest.fixture
def browser(dana):
    client = Client()
    client.force_login(dana)
    return client


def act(browser, record, name, **typed):
    where = reverse("referrals:money_act", args=[record.kind, record.pk, name])
    assert browser.get(where).status_code == 200
    return browser.post(where, typed)


def money_page(browser, patient):
    return browser.get(reverse("dashboard:patient_money", args=[patient.pk])).content.decode()


def test_a_bill_of_412_dollars_is_explained_and_150_are_reserved(browser, patient):
    fund = make_fund(500, papers="Pay slip", criteria="Income below 200 percent")
    today = timezone.localdate()
    new = reverse("referrals:money_new", args=["bill"])
    typed = {"patient": patient.pk, "biller": "Mercy General", "amount": "$412", "statement_on": str(today)}
    answer = browser.post(new, typed)
    bill = Bill.objects.get()
    assert (answer.url, bill.amount) == (reverse("referrals:money_detail", args=["bill", bill.pk]), 412)
    phrase = BillPhrase.objects.get(label="Facility fee")
    act(browser, bill, "add_line", text="FACILITY", amount="412", phrase=phrase.pk, explanation="")
    act(browser, bill, "explain", on=str(today), related_person="")
    page = browser.get(answer.url).content.decode()
    assert phrase.words_es in page
    assert "to the patient" in page
    form = browser.get(reverse("referrals:money_new", args=["aid"]), {"patient": patient.pk, "bill": bill.pk})
    assert "Bill from Mercy General" in form.content.decode()
    typed = {
        "patient": patient.pk,
        "fund": fund.pk,
        "asked_amount": "150",
        "purpose": "Bill",
        "bill": bill.pk,
    }
    browser.post(reverse("referrals:money_new", args=["aid"]), typed)
    application = AidApplication.objects.get()
    refused = act(browser, application, "submit", without_papers="")
    assert refused.status_code == 422
    assert "Missing: Pay slip." in refused.content.decode()
    act(browser, application, "submit", without_papers="Follows by mail")
    expires = today + timedelta(days=60)
    act(
        browser, application, "award",
        awarded_amount="150", decided_by="Fund board", decided_on=str(today), expires_on=str(expires),
    )  # fmt: skip
    fund.refresh_from_db()
    assert (fund.balance, fund.reserved) == (350, 150)
    page = browser.get(reverse("referrals:money_detail", args=["aid", application.pk])).content.decode()
    assert "$150.00 reserved" in page
    assert "Pay slip" in page
    assert expires.strftime("%Y") in page
    assert "$350.00 left in it" in page


def test_what_was_typed_stays_when_it_is_refused(browser, patient):
    typed = {"patient": patient.pk, "biller": "Mercy", "amount": "four hundred", "statement_on": "2026-11-02"}
    answer = browser.post(reverse("referrals:money_new", args=["bill"]), typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Enter an amount in dollars" in page
    assert 'value="four hundred"' in page
    assert not Bill.objects.exists()


@pytest.mark.parametrize("amount", ["1e400", "NaN", "1.234", "-5", "99999999", "Infinity", "", "٣"])
def test_odd_amounts_are_refused_with_a_sentence(browser, patient, amount):
    typed = {"patient": patient.pk, "biller": "Mercy", "amount": amount, "statement_on": "2026-11-02"}
    assert browser.post(reverse("referrals:money_new", args=["bill"]), typed).status_code == 422


def test_the_same_fund_again_shows_what_exists_and_goes_on_with_a_reason(browser, patient, dana):
    fund = make_fund(500)
    where = reverse("referrals:money_new", args=["aid"])
    typed = {"patient": patient.pk, "fund": fund.pk, "asked_amount": "150", "purpose": "Rent"}
    browser.post(where, typed)
    answer = browser.post(where, typed)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "This may exist already" in page
    assert "$150.00 asked" in page
    browser.post(where, typed | {"duplicate_reason": "A second bill"})
    assert AidApplication.objects.count() == 2


def test_benefit_and_estimate_pages(browser, patient):
    typed = {"patient": patient.pk, "program": "medicaid", "agency": "County", "papers": "ID\nPay slip"}
    browser.post(reverse("referrals:money_new", args=["benefit"]), typed)
    benefit = BenefitApplication.objects.get()
    assert benefit.papers.count() == 2
    today = str(timezone.localdate())
    act(browser, benefit, "file", filed_on=today, agency_reference="9-1", without_papers="By mail")
    refused = act(browser, benefit, "approve", decided_on=today, starts_on=today, renews_on="")
    assert refused.status_code == 422
    act(browser, benefit, "approve", decided_on=today, starts_on=today, renews_on="2099-01-01")
    benefit.refresh_from_db()
    assert benefit.status == "approved"
    browser.post(reverse("referrals:money_new", args=["estimate"]), {"patient": patient.pk, "service": "MRI"})
    estimate = Estimate.objects.get()
    page = browser.get(reverse("referrals:money_detail", args=["estimate", estimate.pk])).content.decode()
    assert "Why this date?" in page
    assert "No Surprises Act" in page
    act(browser, estimate, "give", amount="300", given_on=today, channel="mail")
    estimate.refresh_from_db()
    assert estimate.status == "given"


def test_the_money_tab_says_who_may_hear_about_it_and_counts_no_query_per_row(
    browser, patient, django_assert_max_num_queries
):
    for name, topics in (("Ana", ["scheduling"]), ("Luis", ["money"])):
        RelatedPerson.objects.create(patient=patient, name=name, relationship="child", topics=topics)
    make_bill(patient)
    money_page(browser, patient)  # the first request of a session asks more
    with django_assert_max_num_queries(30) as few:
        page = money_page(browser, patient)
    assert "Luis" in page.partition("Who may hear about money")[2]
    assert "Ana" not in page.partition("Who may hear about money")[2]
    fund = make_fund()
    for _n in range(6):
        make_bill(patient, estimate=make_estimate(patient))
        make_aid(patient, fund=fund)
    with django_assert_max_num_queries(30) as many:
        page = money_page(browser, patient)
    assert page.count("Mercy General Hospital") == 7
    assert len(few) == len(many)


def test_a_record_page_asks_as_much_for_one_line_as_for_many(browser, patient, django_assert_max_num_queries):
    bill = make_bill(patient)
    make_bill_line(bill)
    where = reverse("referrals:money_detail", args=["bill", bill.pk])
    browser.get(where)
    with django_assert_max_num_queries(30) as few:
        browser.get(where)
    for _n in range(8):
        make_bill_line(bill)
    with django_assert_max_num_queries(30) as many:
        browser.get(where)
    assert len(few) == len(many)


def test_somebody_elsewhere_finds_nothing_and_billing_reads_only(patient):
    bill = make_bill(patient)
    where = reverse("referrals:money_detail", args=["bill", bill.pk])
    stranger, billing = make_user(site=make_site()), make_user(Role.BILLING, site=patient.site)
    client = Client()
    client.force_login(stranger)
    assert client.get(where).status_code == 404
    client.force_login(billing)
    page = client.get(where).content.decode()
    assert "Mercy General Hospital" in page
    assert reverse("referrals:money_act", args=["bill", bill.pk, "settle"]) not in page


def test_managers_see_dollars_found_and_keep_the_words_of_bills(patient):
    make_bill(
        patient,
        status="settled",
        outcome="corrected",
        dollars_won=Decimal(120),
        settled_on=timezone.localdate(),
    )
    client = Client()
    client.force_login(make_user(Role.MANAGER, site=patient.site))
    assert "$120.00" in client.get(reverse("referrals:dollars_found")).content.decode()
    typed = {"label": "Copay", "words": "Another", "is_active": "on"}
    taken = client.post(reverse("referrals:phrase_new"), typed)
    assert taken.status_code == 422
    client.post(reverse("referrals:phrase_new"), typed | {"label": "Surcharge"})
    assert BillPhrase.objects.filter(label="Surcharge").exists()
    assert "Surcharge" in client.get(reverse("referrals:phrase_list")).content.decode()


def test_an_act_that_is_not_possible_now_or_not_known(browser, patient):
    bill = make_bill(patient, status="settled")
    assert browser.get(reverse("referrals:money_act", args=["bill", bill.pk, "ask"])).status_code == 409
    assert browser.get(reverse("referrals:money_act", args=["bill", bill.pk, "fly"])).status_code == 404
    assert Fund.objects.count() == 0


def test_a_protected_paper_is_neither_named_nor_taken_off_by_who_does_not_see_it(browser, patient):
    application = make_aid(patient)
    hidden = make_document(patient, title="Detox discharge", label="part2")
    paper = make_asked_paper(application, document=hidden)
    page = browser.get(reverse("referrals:money_detail", args=["aid", application.pk])).content.decode()
    assert "A document that you do not see" in page
    assert "Detox" not in page
    where = reverse("referrals:asked_paper", args=[paper.pk])
    assert browser.post(where, {"not_needed": "Gone"}).status_code == 409
    paper.refresh_from_db()
    assert paper.document == hidden
