"""Funds: every movement is in the ledger, the totals are its sums, and nobody gives more than came in."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import chain

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connections, transaction
from django.db.models import Sum
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coordinator.accounts.roles import Role
from coordinator.db import Conflict
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import NotAllowed, System
from patients.tests.factories import make_patient
from referrals.models import AidApplication, Award, Fund, FundMovement, Spend
from referrals.services import aid, funds
from referrals.tests.money_factories import award, make_aid, make_deposit, make_fund

NOW = datetime(2026, 11, 18, 16, tzinfo=UTC)
TODAY = date(2026, 11, 18)
BY = System("nightly")


@pytest.fixture
def site(db):
    return make_site(zone="America/Chicago")


@pytest.fixture
def beth(site):
    return make_user(Role.MANAGER, site=site, name="Beth Sorensen")


@pytest.fixture
def patient(site):
    return make_patient(site=site)


def totals(fund):
    fund.refresh_from_db()
    return tuple(map(int, (fund.money_in, fund.reserved, fund.spent, fund.balance)))


def sums(fund):
    """The same from the ledger."""
    found = FundMovement.objects.filter(fund=fund).aggregate(
        i=Sum("money_in"), r=Sum("reserved"), s=Sum("spent")
    )
    money_in, reserved, spent = (int(found[name] or 0) for name in "irs")
    return money_in, reserved, spent, money_in - reserved - spent


def awarded(patient, fund, amount=150, **facts):
    facts = {"decided_on": TODAY, "now": NOW} | facts
    return award(make_aid(patient, fund=fund, status="submitted"), amount, **facts)


def pay(application, amount, **facts):
    facts = {"paid_on": TODAY, "now": NOW, "by": BY} | facts
    return aid.pay_award(
        application_id=application.pk, amount=Decimal(amount), paid_to="Mercy", paid_for="Bill", **facts
    )


def test_reserving_paying_and_giving_back_moves_the_balance(patient):
    fund = make_fund(500)
    application = awarded(patient, fund)
    assert totals(fund) == (500, 150, 0, 350)
    pay(application, 100)
    assert totals(fund) == (500, 50, 100, 350)
    aid.step_application(
        application_id=application.pk, step="give_back", reason="Bill was smaller", by=BY, now=NOW
    )
    assert totals(fund) == (500, 0, 100, 400) == sums(fund)
    kinds = list(FundMovement.objects.filter(fund=fund).values_list("kind", flat=True))
    assert kinds == ["deposit", "reserve", "spend", "release"]


def test_an_award_is_spent_when_all_of_it_is_paid_and_again_open_when_a_payment_is_reversed(patient):
    fund = make_fund(500)
    application = pay(awarded(patient, fund), 150)
    assert (application.status, totals(fund)) == ("spent", (500, 0, 150, 350))
    spend = Spend.objects.get()
    aid.reverse_payment(spend_id=spend.pk, reason="Paid to the wrong place", by=BY, now=NOW)
    application.refresh_from_db()
    assert (application.status, totals(fund)) == ("awarded", (500, 150, 0, 350))
    with pytest.raises(NotAllowed, match="reversed already"):
        aid.reverse_payment(spend_id=spend.pk, reason="Again", by=BY, now=NOW)
    assert Spend.objects.filter(pk=spend.pk, reversed_because="Paid to the wrong place").exists()
    assert sums(fund) == totals(fund)


def test_a_payment_reversed_after_the_award_is_over_is_the_funds_own_again(patient):
    fund = make_fund(500)
    application = pay(awarded(patient, fund), 100)
    aid.expire_awards(site=patient.site, by=BY, now=NOW + timedelta(days=61))
    assert totals(fund) == (500, 0, 100, 400)
    aid.reverse_payment(spend_id=Spend.objects.get().pk, reason="Came back", by=BY, now=NOW)
    application.refresh_from_db()
    assert (application.status, totals(fund)) == ("expired", (500, 0, 0, 500))


@pytest.mark.parametrize(
    ("amount", "facts", "words"),
    [
        (501, {}, "only 500.00 dollars left"),
        (0, {}, "above 0"),
        (50, {"expires_on": TODAY - timedelta(days=1)}, "past"),
    ],
)
def test_an_award_that_cannot_be_changes_nothing(patient, amount, facts, words):
    fund = make_fund(500)
    with pytest.raises((NotAllowed, ValidationError), match=words):
        awarded(patient, fund, amount, **facts)
    assert (totals(fund), Award.objects.count()) == ((500, 0, 0, 500), 0)
    assert AidApplication.objects.get().status == "submitted"


def test_a_payment_beyond_the_award_or_after_its_last_day_is_refused(patient):
    fund = make_fund(500)
    application = awarded(patient, fund)
    with pytest.raises(NotAllowed, match=r"only 150\.00 dollars left"):
        pay(application, 151)
    with pytest.raises(ValidationError, match="holds from"):
        pay(application, 10, paid_on=TODAY + timedelta(days=61))
    assert totals(fund) == (500, 150, 0, 350)


def test_the_limit_counts_what_the_patient_got_in_the_period(patient):
    fund = make_fund(500, limit_per_patient=200)
    awarded(patient, fund)
    with pytest.raises(ValidationError, match=r"at most 200"):
        awarded(patient, fund, 60)
    awarded(patient, fund, 50)
    assert totals(fund) == (500, 200, 0, 300)


def test_an_award_expires_by_night_once_and_the_money_is_back(patient):
    fund = make_fund(500)
    application = awarded(patient, fund, expires_on=TODAY + timedelta(days=1))
    assert aid.expire_awards(site=patient.site, by=BY, now=NOW + timedelta(days=1)) == 0, "its last day"
    assert aid.expire_awards(site=patient.site, by=BY, now=NOW + timedelta(days=2)) == 1
    assert aid.expire_awards(site=patient.site, by=BY, now=NOW + timedelta(days=2)) == 0
    application.refresh_from_db()
    assert (application.status, totals(fund)) == ("expired", (500, 0, 0, 500))
    assert application.next_step == "Tell the patient, or ask again"


def test_a_deposit_is_reversed_by_a_line_of_its_own_unless_it_is_given(patient, beth):
    fund = make_fund(0)
    line = make_deposit(fund, 200)
    awarded(patient, fund, 50)
    with pytest.raises(NotAllowed, match=r"only 150\.00"):
        funds.reverse_deposit(movement_id=line.pk, reason="Typed twice", by=beth, now=NOW)
    make_deposit(fund, 50)
    funds.reverse_deposit(movement_id=line.pk, reason="Typed twice", by=beth, now=NOW)
    assert totals(fund) == (50, 50, 0, 0) == sums(fund)
    with pytest.raises(NotAllowed, match="not reversed yet"):
        funds.reverse_deposit(movement_id=line.pk, reason="Again", by=beth, now=NOW)


def test_the_database_itself_refuses_a_balance_below_zero(db):
    fund = make_fund(100)
    with pytest.raises(IntegrityError), transaction.atomic():
        Fund.objects.filter(pk=fund.pk).update(reserved=101)


def test_only_a_manager_keeps_funds(patient, site):
    dana = make_user(site=site)
    with pytest.raises(PermissionDenied):
        funds.save_fund(fund_id=None, name="Mine", purpose="x", by=dana, now=NOW)
    with pytest.raises(PermissionDenied):
        funds.add_money(fund_id=make_fund().pk, amount=Decimal(5), on=TODAY, note="", by=dana, now=NOW)


def test_two_funds_of_one_name_are_refused(beth):
    make_fund(name="Harbor fund")
    with pytest.raises(Conflict, match="this name"), transaction.atomic():
        funds.save_fund(fund_id=None, name="Harbor fund", purpose="x", by=beth, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_never_give_more_than_there_is():
    """Twelve awards of 100 from 550 dollars: five get through, seven are refused with a sentence."""
    fund = make_fund(550)
    site = make_site()
    applications = [make_aid(make_patient(site=site), fund=fund, status="submitted") for _n in range(12)]
    gate = threading.Barrier(6)

    def give(mine):
        said = []
        gate.wait(timeout=10)
        try:
            for application in mine:
                try:
                    award(application, 100, decided_on=TODAY, now=NOW)
                    said.append("awarded")
                except NotAllowed:
                    said.append("refused")
        finally:
            connections.close_all()
        return said

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(chain.from_iterable(pool.map(give, (applications[n::6] for n in range(6)))))
    assert answers == ["awarded"] * 5 + ["refused"] * 7
    assert totals(fund) == (550, 500, 0, 50) == sums(fund)


ACTS = st.lists(
    st.tuples(st.sampled_from(["in", "award", "pay", "back", "unpay", "expire"]), st.integers(1, 300)),
    max_size=12,
)


@pytest.mark.django_db
@given(acts=ACTS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_done_the_totals_are_the_sums_of_the_ledger(acts):
    with transaction.atomic():
        fund, patient = make_fund(300), make_patient()
        for act, amount in acts:
            try:
                with transaction.atomic():
                    do(fund, patient, act, amount)
            except (NotAllowed, ValidationError):
                pass
            assert totals(fund) == sums(fund)
            left = sum(int(row.left) for row in Award.objects.filter(fund=fund))
            paid = sum(int(row.amount) for row in Spend.objects.filter(reversed_on=None))
            assert totals(fund)[1:3] == (left, paid)
            assert totals(fund)[3] >= 0
        transaction.set_rollback(True)


def do(fund, patient, act, amount):
    if act == "in":
        make_deposit(fund, amount)
    elif act == "award":
        awarded(patient, fund, amount)
    elif act == "expire":
        aid.expire_awards(site=patient.site, by=BY, now=NOW + timedelta(days=90))
    elif act == "unpay":
        for spend in Spend.objects.filter(reversed_on=None)[:1]:
            aid.reverse_payment(spend_id=spend.pk, reason="Mistake", by=BY, now=NOW)
    else:
        for application in AidApplication.objects.filter(status="awarded")[:1]:
            if act == "pay":
                pay(application, amount)
            else:
                aid.step_application(
                    application_id=application.pk, step="give_back", reason="Not needed", by=BY, now=NOW
                )


# --- pages ------------------------------------------------------------------------------------------------


@pytest.fixture
def browser(beth):
    client = Client()
    client.force_login(beth)
    return client


def test_a_manager_makes_a_fund_puts_money_in_and_takes_a_mistake_back(browser):
    typed = {
        "name": "Harbor fund", "purpose": "Medicines", "papers": "Pay slip\nRent", "period": "year",
        "holds_days": "30", "limit_per_patient": "$1,200", "is_active": "on",
    }  # fmt: skip
    answer = browser.post(reverse("referrals:fund_new"), typed)
    fund = Fund.objects.get()
    assert answer.url == reverse("referrals:fund_detail", args=[fund.pk])
    assert (fund.limit_per_patient, fund.paper_list) == (1200, ["Pay slip", "Rent"])
    where = reverse("referrals:fund_deposit", args=[fund.pk])
    refused = browser.post(where, {"amount": "a lot", "on": "2026-11-02", "note": "Rotary"})
    assert refused.status_code == 422
    assert "a lot" in refused.content.decode()
    browser.post(where, {"amount": "500", "on": "2026-11-02", "note": "Rotary"})
    ledger = browser.get(answer.url).content.decode()
    assert "+$500.00" in ledger
    line = FundMovement.objects.get()
    browser.post(reverse("referrals:deposit_reverse", args=[line.pk]), {"reason": "Typed twice"})
    ledger = browser.get(answer.url).content.decode()
    assert "−$500.00" in ledger
    assert "reversed" in ledger


def test_the_list_needs_the_same_queries_for_one_fund_and_for_many(
    browser, django_assert_max_num_queries, patient
):
    make_fund(100, name="One")
    browser.get(reverse("referrals:fund_list"))  # the first request of a session asks more
    with django_assert_max_num_queries(12) as few:
        browser.get(reverse("referrals:fund_list"))
    for n in range(8):
        awarded(patient, make_fund(200, name=f"Fund {n}"))
    with django_assert_max_num_queries(12) as many:
        page = browser.get(reverse("referrals:fund_list")).content.decode()
    assert len(few) == len(many)
    assert page.count("$50.00") == 8


def test_the_ledger_names_no_patient_of_another_place(browser, patient):
    fund = make_fund(500)
    awarded(patient, fund)
    stranger = make_patient(given_name="Zzyzx", family_name="Zzyzx", site=make_site(name="Elsewhere"))
    awarded(stranger, fund, 70)
    page = browser.get(reverse("referrals:fund_detail", args=[fund.pk])).content.decode()
    assert patient.given_name in page
    assert "Zzyzx" not in page
    assert "a patient whose record you do not see" in page
    assert "−$70.00" in page
