"""Who a referral goes to: the order and its reasons, the choice in the form, and the words that are kept."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from coordinator.accounts.models import Organization
from coordinator.audit.models import AuditEvent
from coordinator.tests.factories import make_organization, make_site, make_user
from patients.models import Coverage
from patients.tests.factories import make_patient
from referrals import services
from referrals.models import Practice, Referral
from referrals.rules.recipients import RULES, WEIGHTS, Candidate, Need, Network, rank
from referrals.selectors.deliveries import usual_address
from referrals.services.directory import save_practice, set_practice_retired
from referrals.tests.directory_factories import make_network, make_practice
from referrals.tests.factories import make_referral

TODAY = date(2026, 11, 22)
NEED = Need("Cardiology", "Aetna", "PPO", "es", "Riverbend", "MN", "55401")


def only(need=NEED, **facts):
    [one] = rank(need, [Candidate("1", "Lakes Heart", **facts)], TODAY)
    return one


def said(need=NEED, **facts):
    return {reason.factor: (reason.points, reason.text) for reason in only(need, **facts).reasons}


# --- the order ------------------------------------------------------------------------------------------------


DAYS = st.none() | st.dates(date(2025, 6, 1), date(2027, 6, 1))
NETWORKS = st.builds(
    Network,
    st.sampled_from(["Aetna", "aetna", "Other"]),
    st.sampled_from(["", "PPO", "HMO"]),
    st.booleans(),
    DAYS,
    DAYS,
)
WORDS = st.sampled_from(["", "Cardiology", "cardiology clinic", "Eye care", "É"])
CANDIDATES = st.builds(
    Candidate,
    key=st.uuids(),
    name=st.sampled_from(["Ana", "ana", "Zed", "Éva"]),
    specialties=st.lists(WORDS.filter(bool), max_size=3).map(tuple),
    networks=st.lists(NETWORKS, max_size=3).map(tuple),
    cost=st.sampled_from(Practice.Cost.values),
    accepting=st.sampled_from(Practice.Accepting.values),
    languages=st.lists(st.sampled_from(["en", "es", "so"]), max_size=2).map(tuple),
    city=st.sampled_from(["", "Riverbend", "riverbend"]),
    state=st.sampled_from(["", "MN", "WI"]),
    postal_code=st.sampled_from(["", "55401", "55402-1234", "90210"]),
    wait_days=st.none() | st.integers(0, 730),
    wait_told_on=st.none() | st.dates(date(2025, 1, 1), TODAY),
    accepted=st.integers(0, 9),
    answered=st.integers(9, 12) | st.just(0),
    ended=st.sampled_from(["", "R-000012"]),
)
NEEDS = st.builds(
    Need, WORDS, st.sampled_from(["", "Aetna"]), st.sampled_from(["", "PPO"]), st.sampled_from(["", "en", "es-MX"]),
    st.sampled_from(["", "Riverbend"]), st.sampled_from(["", "MN"]), st.sampled_from(["", "55401"]),
)  # fmt: skip


@given(NEEDS, st.lists(CANDIDATES, max_size=6, unique_by=lambda one: one.key), st.randoms())
def test_nobody_is_left_out_reasons_add_up_and_the_order_is_always_the_same(need, candidates, random):
    ranked = rank(need, candidates, TODAY)
    assert {one.key for one in ranked} == {one.key for one in candidates}
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)
    for one in ranked:
        assert one.score == sum(reason.points for reason in one.reasons)
        assert all(abs(reason.points) <= WEIGHTS[reason.factor][0] for reason in one.reasons)
        assert all(reason.points == 0 for reason in one.unknown)
        assert all(reason.text for reason in one.reasons)
    shuffled = list(candidates)
    random.shuffle(shuffled)
    assert rank(need, shuffled, TODAY) == ranked


def test_every_rule_has_its_published_weight():
    assert [factor for factor, _rule in RULES if factor not in WEIGHTS] == []
    assert len(RULES) == len(WEIGHTS)


def test_reasons_are_sentences():
    told = said(
        specialties=("Cardiology",), networks=(Network("Aetna", "PPO", True),), accepting="new", languages=("en", "es"),
        postal_code="55402", wait_days=12, wait_told_on=date(2026, 11, 3), accepted=9, answered=10,
    )  # fmt: skip
    assert told == {
        "specialty": (40, "Offers Cardiology"),
        "network": (30, "In network for Aetna PPO"),
        "accepting": (20, "Takes new patients"),
        "wait": (15, "Told 12 days on Nov 3, 2026"),
        "language": (15, "Speaks Spanish"),
        "distance": (10, "Same ZIP area, 554xx"),
        "acceptance": (8, "Accepted 9 of 10 referrals in 12 months"),
    }


def test_what_is_not_known_is_said_and_counts_nothing():
    one = only()
    assert one.score == 0
    assert [reason.factor for reason in one.unknown] == [
        "specialty", "network", "accepting", "wait", "language", "distance", "acceptance",
    ]  # fmt: skip
    assert one.known == []


@pytest.mark.parametrize(
    ("network", "points", "words"),
    [
        (Network("AETNA", "", True), 30, "In network"),
        (Network("Aetna", "PPO", False), -30, "Not in network"),
        (Network("Aetna", "HMO", True), 0, "PPO is not listed"),
        (Network("Other", "", True), 0, "not known"),
        (
            Network("Aetna", "", True, None, date(2026, 11, 21)),
            -30,
            "Left the network of Aetna PPO on Nov 21, 2026",
        ),
        (Network("Aetna", "", True, None, TODAY), 30, "In network"),
        (
            Network("Aetna", "", True, date(2026, 11, 23)),
            -30,
            "Joins the network of Aetna PPO on Nov 23, 2026",
        ),
    ],
)
def test_the_network_of_the_first_coverage_on_the_day(network, points, words):
    given_points, text = said(networks=(network,))["network"]
    assert given_points == points
    assert words in text


def test_cost_counts_for_a_patient_without_coverage_and_an_old_wait_does_not():
    uninsured = Need("Cardiology")
    assert said(uninsured, cost="sliding")["cost"] == (
        30,
        "Sliding scale; the patient has no active coverage",
    )
    assert said(uninsured, cost="unknown")["cost"][0] == 0
    assert "network" not in said(uninsured)
    old = TODAY - timedelta(days=181)
    assert said(wait_days=3, wait_told_on=old)["wait"] == (
        0,
        "Told 3 days on May 25, 2026, too long ago to count",
    )


# --- in the form ----------------------------------------------------------------------------------------------


@pytest.fixture
def dana(db):
    return make_user(site=make_site(), name="Dana Whitfield")


@pytest.fixture
def patient(dana):
    patient = make_patient(site=dana.sites.get(), language="es", postal_code="55401", state="MN")
    Coverage.objects.create(patient=patient, payer_name="Aetna", plan_name="PPO")
    return patient


@pytest.fixture
def browser(dana):
    client = Client()
    client.force_login(dana)
    return client


def write(browser, patient, **typed):
    sent = {
        "patient": patient.pk, "category": "medical", "specialty": "Cardiology", "reason": "Swelling",
        "clinical_question": "Is it the heart?", "urgency": "routine", "practice": "",
    }  # fmt: skip
    return browser.post(reverse("referrals:referral_new"), sent | typed)


def test_ranking_again_keeps_what_is_typed_and_writes_nothing(browser, patient):
    make_practice(name="Zed Eyes", specialties=["Eye care"])
    make_network(
        make_practice(name="Lakes Heart", specialties=["Cardiology"]), payer_name="Aetna", plan_name="PPO"
    )
    answer = write(browser, patient, rank="some", reason="")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert page.index("Lakes Heart") < page.index("Zed Eyes")
    assert "In network for Aetna PPO" in page
    assert 'value="Cardiology"' in page
    assert "This field is required" not in page
    assert not Referral.objects.exists()


def test_picking_an_entry_keeps_the_link_and_the_words_and_sending_takes_what_it_says_then(
    browser, patient, dana
):
    practice = make_practice(name="Lakes Heart", fax="+16125550199", channel="portal")
    write(browser, patient, practice=practice.pk)
    referral = Referral.objects.get()
    assert (referral.practice, referral.recipient_organization) == (practice, practice.organization)
    assert (referral.recipient_name, referral.recipient_fax) == ("Lakes Heart", "+16125550199")
    now = timezone.now()
    save_practice(practice_id=practice.pk, version=1, fax="+16125550177", by=dana, now=now)
    step = browser.get(reverse("referrals:referral_step", args=[referral.pk, "send"])).content.decode()
    assert '<option value="portal" selected>' in step
    services.advance_referral(referral_id=referral.pk, step="send", channel="fax", by=dana, now=now)
    save_practice(
        practice_id=practice.pk, version=2, name="Lakes Heart Group", fax="+16125550166", by=dana, now=now
    )
    referral.refresh_from_db()
    assert (referral.recipient_name, referral.recipient_fax) == ("Lakes Heart", "+16125550177")
    page = browser.get(reverse("referrals:referral_detail", args=[referral.pk])).content.decode()
    assert "(612) 555-0177" in page


def test_a_recipient_typed_by_hand_is_kept_and_known_from_then_on(browser, patient):
    write(browser, patient, recipient_name="Dr. Vogel", recipient_fax="612 555 0188")
    referral = Referral.objects.get()
    assert (referral.recipient_name, referral.recipient_fax, referral.practice) == (
        "Dr. Vogel",
        "+16125550188",
        None,
    )
    assert referral.recipient_organization.name == "Dr. Vogel"
    write(browser, patient, recipient_name="dr. vogel", specialty="Allergy")
    assert Organization.objects.filter(name__iexact="dr. vogel").count() == 1


def test_a_number_typed_by_hand_is_the_one_that_is_used_until_another_recipient_is_chosen(
    browser, patient, dana
):
    namesake = make_organization(name="Dr. Vogel", fax="+16125550111")
    write(browser, patient, recipient_name="Dr. Vogel", recipient_fax="612 555 0188")
    referral = Referral.objects.get()
    made = referral.recipient_organization
    assert made != namesake
    Organization.objects.filter(pk=made.pk).update(fax="+16125550100")
    where = reverse("referrals:referral_edit", args=[referral.pk])
    form = browser.get(where).context["form"]
    sent = {name: form[name].value() or "" for name in form.fields}
    browser.post(where, sent | {"reason": "Worse"})
    referral = Referral.objects.get()
    assert (referral.reason, referral.recipient_organization) == ("Worse", made)
    assert usual_address(dana, referral, "fax") == "+16125550188"
    browser.post(where, sent | {"version": referral.version, "recipient_organization": namesake.pk})
    referral = Referral.objects.get()
    assert (referral.recipient_organization, referral.recipient_fax) == (namesake, "+16125550111")
    make_practice(name="Vogel Eyes", fax="+16125550166", organization=namesake)
    facts = {"step": "make_ready", "recipient_organization": namesake}
    services.advance_referral(referral_id=referral.pk, by=dana, now=timezone.now(), **facts)
    referral = Referral.objects.get()
    assert (referral.recipient_name, referral.recipient_fax) == ("Dr. Vogel", "+16125550111")


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"recipient_fax": "612 555 0188"}, {"recipient_fax": "612 555 0189"}),
        (
            {"recipient_phone": "612 555 0188"},
            {"recipient_phone": "612 555 0188", "recipient_fax": "612 555 0189"},
        ),
        ({}, {"recipient_fax": "612 555 0189"}),
    ],
)
def test_a_number_that_is_put_right_corrects_the_organization_that_is_there(browser, patient, first, then):
    write(browser, patient, recipient_name="Dr. Vogel", **first)
    made = Referral.objects.get().recipient_organization
    correct(browser, **then)
    referral = Referral.objects.get()
    assert (referral.recipient_organization, referral.recipient_fax) == (made, "+16125550189")
    assert Organization.objects.get(name="Dr. Vogel").fax == "+16125550189"
    assert AuditEvent.objects.filter(action="update", entity_id=str(made.pk)).exists()


def test_another_number_beside_one_that_nobody_typed_here_is_another_practice_of_that_name(browser, patient):
    """The directory's number is not taken away from those who use it."""
    known = make_organization(name="Dr. Vogel", fax="+16125550111")
    write(browser, patient, recipient_name="Dr. Vogel")
    assert Referral.objects.get().recipient_organization == known
    correct(browser, recipient_fax="612 555 0189")
    known.refresh_from_db()
    assert (known.fax, Referral.objects.get().recipient_organization.fax) == ("+16125550111", "+16125550189")
    assert Organization.objects.filter(name="Dr. Vogel").count() == 2


def correct(browser, **changes):
    """Save the one referral's form with other words at some fields."""
    where = reverse("referrals:referral_edit", args=[Referral.objects.get().pk])
    form = browser.get(where).context["form"]
    sent = {name: form[name].value() or "" for name in form.fields}
    assert browser.post(where, sent | changes).status_code == 302


def test_a_number_without_a_name_and_a_wrong_number_are_refused_at_their_fields(browser, patient):
    answer = write(browser, patient, recipient_phone="(612) 555-0143")
    assert answer.status_code == 422
    assert "Type the name that goes with this number." in answer.content.decode()
    answer = write(browser, patient, recipient_name="Dr. Vogel", recipient_fax="12345")
    page = answer.content.decode()
    assert "Enter a phone number with 10 digits" in page
    assert 'value="12345"' in page
    assert not Referral.objects.exists()


def test_an_organization_of_the_directory_finds_its_entry_whoever_writes(dana, patient):
    practice, other = make_practice(), make_organization()
    same = {"patient": patient, "reason": "Swelling", "by": dana, "now": timezone.now()}
    made = services.create_referral(
        specialty="Cardiology", recipient_organization=practice.organization, **same
    )
    assert (made.practice, made.recipient_name) == (practice, practice.name)
    made = services.create_referral(specialty="Allergy", recipient_organization=other, **same)
    assert (made.practice, made.recipient_name) == (None, other.name)
    made = services.create_referral(specialty="Eye care", **same)
    assert (made.practice, made.recipient_name) == (None, "")


def test_an_entry_chosen_at_a_step_stays_when_the_referral_is_changed(browser, patient, dana):
    practice = make_practice(name="Lakes Heart")
    referral = make_referral(patient, owner=dana)
    step = {"step": "make_ready", "recipient_organization": practice.organization}
    services.advance_referral(referral_id=referral.pk, by=dana, now=timezone.now(), **step)
    referral.refresh_from_db()
    assert (referral.practice, referral.recipient_name) == (practice, "Lakes Heart")
    Referral.objects.filter(pk=referral.pk).update(practice=None)  # as before there was a directory
    where = reverse("referrals:referral_edit", args=[referral.pk])
    form = browser.get(where).context["form"]
    assert form["recipient_organization"].value() == practice.organization_id
    sent = {name: form[name].value() or "" for name in form.fields}
    browser.post(where, sent | {"reason": "Worse"})
    referral.refresh_from_db()
    assert (referral.reason, referral.practice) == ("Worse", practice)


def test_refer_elsewhere_ranks_the_one_that_declined_lower_and_still_shows_it(browser, patient, dana):
    practice = make_practice(name="Lakes Heart", specialties=["Cardiology"])
    make_practice(name="Zed Heart", specialties=["Cardiology"])
    old = make_referral(
        patient,
        owner=dana,
        recipient_organization=practice.organization,
        practice=practice,
        status="declined",
    )
    where = f"{reverse('referrals:referral_new')}?patient={patient.pk}&elsewhere={old.pk}"
    page = browser.get(where).content.decode()
    assert page.index("Zed Heart") < page.index("Lakes Heart")
    assert f"Ended {old.reference} without a report" in page


def test_a_retired_entry_is_offered_no_more_and_stays_where_it_is_chosen(browser, patient, dana):
    practice = make_practice(name="Lakes Heart")
    referral = make_referral(
        patient,
        owner=dana,
        practice=practice,
        recipient_organization=practice.organization,
        recipient_name="Lakes Heart",
    )
    set_practice_retired(practice_id=practice.pk, retired=True, by=dana, now=timezone.now())
    assert write(browser, patient, practice=practice.pk).status_code == 422
    sent = {
        "version": referral.version, "category": "medical", "specialty": "Cardiology", "reason": "Worse",
        "clinical_question": "Is it the heart?", "urgency": "routine", "practice": practice.pk,
    }  # fmt: skip
    browser.post(reverse("referrals:referral_edit", args=[referral.pk]), sent)
    referral.refresh_from_db()
    assert (referral.reason, referral.practice) == ("Worse", practice)


def test_the_form_asks_as_much_for_one_entry_as_for_many(browser, patient, django_assert_max_num_queries):
    where = f"{reverse('referrals:referral_new')}?patient={patient.pk}"
    make_network(make_practice())
    browser.get(where)
    with django_assert_max_num_queries(40) as few:
        browser.get(where)
    for _number in range(8):
        make_network(make_practice())
    with django_assert_max_num_queries(40) as many:
        page = browser.get(where).content.decode()
    assert len(many) == len(few)
    assert "Show 3 more" in page
