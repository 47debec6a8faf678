"""The duplicate guard on prior authorizations and on applications for aid and benefits: its three answers, counted."""

from __future__ import annotations

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from coordinator.db import Conflict
from coordinator.exchange.requests import certification
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import NotAllowed, System
from patients.tests.factories import make_patient
from referrals import services
from referrals.duplicates import found
from referrals.models import AidApplication, BenefitApplication, DuplicateAnswer, Fund, PriorAuthorization
from referrals.services import aid, benefits
from referrals.tests.factories import make_authorization, make_line, make_payer, make_referral
from referrals.tests.money_factories import make_aid, make_benefit, make_fund

pytestmark = pytest.mark.django_db
NEW = reverse("referrals:authorization_new")


@pytest.fixture
def user(client):
    user = make_user()
    client.force_login(user)
    return user


@pytest.fixture
def patient(user):
    return make_patient(site=user.sites.get())


@pytest.fixture
def payer():
    return make_payer(name="HealthNorth Plus")


def ask(patient, payer, **more):
    return {
        "patient": patient.pk, "payer": payer.pk, "service": "Echocardiogram", "service_code": "93306",
        "kind": "service", "urgency": "standard", **more,
    }  # fmt: skip


def existing(patient, payer, status="gathering", **fields):
    held = make_authorization(patient, payer=payer, service="Echo", status=status, **fields)
    make_line(held, service_code="93306")
    return held


def kept():
    answer = DuplicateAnswer.objects.get()
    return answer.kind, answer.choice, answer.existing_id, answer.made_id, answer.reason


def test_a_request_that_may_exist_is_shown_with_its_state_and_the_typing_stays(client, user, patient, payer):
    held = existing(patient, payer, status="approved", authorization_number="A-77120")
    answer = client.post(NEW, ask(patient, payer, asked_from=str(timezone.localdate())))
    page = answer.content.decode()
    assert answer.status_code == 409
    for words in ("Echo, HealthNorth Plus", "Approved", "A-77120", "Use this one", 'value="Echocardiogram"'):
        assert words in page
    assert "Replace it" not in page, "an approval in force stays until the new one is there"
    assert reverse("referrals:authorization_detail", args=[held.pk]) in page
    assert not DuplicateAnswer.objects.exists()
    assert PriorAuthorization.objects.count() == 1


def test_another_code_another_payer_or_dates_apart_are_no_duplicate(client, user, patient, payer):
    existing(patient, payer, status="approved", ends_on=timezone.localdate())
    later = str(timezone.localdate() + datetime.timedelta(days=1))
    for more in ({"service_code": "99999"}, {"payer": make_payer().pk}, {"asked_from": later}):
        assert client.post(NEW, ask(patient, payer) | more).status_code == 302
    assert not DuplicateAnswer.objects.exists()


def test_using_the_request_that_exists_writes_nothing_and_is_counted(client, user, patient, payer):
    held = existing(patient, payer)
    answer = client.post(NEW, ask(patient, payer, use=held.pk))
    assert answer.url == reverse("referrals:authorization_detail", args=[held.pk])
    assert kept() == ("authorization", "use", held.pk, None, "")
    assert PriorAuthorization.objects.count() == 1


def test_replacing_withdraws_the_old_request_and_links_the_new_one(client, user, patient, payer):
    held = existing(patient, payer)
    assert client.post(NEW, ask(patient, payer, replace=held.pk)).status_code == 302
    new = PriorAuthorization.objects.exclude(pk=held.pk).get()
    held.refresh_from_db()
    assert (held.status, new.supersedes) == ("withdrawn", held)
    assert kept() == ("authorization", "replace", held.pk, new.pk, "")
    assert certification(new) == "I", "to the payer it is a new request, not a renewal"


def test_going_on_keeps_the_reason_of_the_request(client, user, patient, payer):
    held = existing(patient, payer)
    assert client.post(NEW, ask(patient, payer, duplicate_reason="Other leg")).status_code == 302
    new = PriorAuthorization.objects.exclude(pk=held.pk).get()
    assert kept() == ("authorization", "go_on", held.pk, new.pk, "Other leg")


def test_what_is_decided_is_not_replaced_and_nothing_is_written(client, user, patient, payer):
    held = existing(patient, payer, status="denied")
    assert client.post(NEW, ask(patient, payer, replace=held.pk)).status_code == 422
    assert (PriorAuthorization.objects.count(), DuplicateAnswer.objects.count()) == (1, 0)


def test_a_request_that_the_payers_list_opens_with_a_referral_is_not_held_up(user, patient, payer):
    """Nobody is there to answer; the guard asks people."""
    existing(patient, payer)
    make = {"patient": patient, "specialty": "Cardiology", "reason": "x", "by": user, "now": timezone.now()}
    assert services.create_referral(**make).pk
    with pytest.raises(Conflict) as refusal:
        services.request_authorization(
            patient=patient, payer=payer, service="Echo", line={"service_code": " 93306 "}, by=user,
            now=timezone.now(),
        )  # fmt: skip
    assert len(refusal.value.extra["similar"]) == 1


@pytest.mark.parametrize("name", ["use", "replace"])
def test_an_answer_that_names_somebody_elses_record_finds_nothing(client, user, patient, payer, name):
    others = make_patient(site=patient.site)
    foreign = make_patient(site=make_site())
    fund = make_fund()
    for who in (others, foreign):
        for where, typed, key in (
            (NEW, ask(patient, payer), existing(who, payer).pk),
            (money("aid"), aid_of(patient, fund), make_aid(who).pk),
            (money("benefit"), benefit_of(patient), make_benefit(who).pk),
        ):
            assert client.post(where, typed | {name: key}).status_code == 404
    assert not DuplicateAnswer.objects.exists()


# --- aid and benefits ------------------------------------------------------------------------------------------


def money(kind):
    return reverse("referrals:money_new", args=[kind])


def aid_of(patient, fund):
    return {"patient": patient.pk, "fund": fund.pk, "asked_amount": "150", "purpose": "Rent"}


def benefit_of(patient):
    return {"patient": patient.pk, "program": "medicaid", "agency": "County office"}


def begun(kind, patient, user):
    """An application that exists, and what is typed to ask for the same."""
    now = timezone.now()
    if kind == "aid":
        fund = make_fund()
        made = aid.apply_for_aid(
            patient=patient, fund=fund, asked_amount=150, purpose="Heat", by=user, now=now
        )
        return made, aid_of(patient, fund)
    made = benefits.start_benefit(patient=patient, program="medicaid", agency="County", by=user, now=now)
    return made, benefit_of(patient)


KINDS = {"aid": AidApplication, "benefit": BenefitApplication}


@pytest.mark.parametrize(("kind", "result"), [("aid", "$150.00 asked"), ("benefit", "County")])
def test_an_application_that_exists_is_shown_and_used(client, user, patient, kind, result):
    first, typed = begun(kind, patient, user)
    answer = client.post(money(kind), typed)
    assert answer.status_code == 409
    for words in (str(first), str(first.get_status_display()), result, "Replace it"):
        assert words in answer.content.decode()
    answer = client.post(money(kind), typed | {"use": first.pk})
    assert answer.url == reverse("referrals:money_detail", args=[kind, first.pk])
    assert kept() == ("application", "use", first.pk, None, "")
    assert KINDS[kind].objects.count() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_an_application_is_replaced_or_gone_past_with_a_reason(client, user, patient, kind):
    first, typed = begun(kind, patient, user)
    assert client.post(money(kind), typed | {"replace": first.pk}).status_code == 302
    second = KINDS[kind].objects.exclude(pk=first.pk).get()
    first.refresh_from_db()
    assert first.status == "withdrawn"
    assert kept() == ("application", "replace", first.pk, second.pk, "")
    DuplicateAnswer.objects.all().delete()
    assert client.post(money(kind), typed | {"duplicate_reason": "Another month"}).status_code == 302
    third = KINDS[kind].objects.exclude(pk__in=[first.pk, second.pk]).get()
    assert kept() == ("application", "go_on", second.pk, third.pk, "Another month")


def test_of_a_referral_of_another_place_nothing_is_said(client, user, patient):
    first, where = make_referral(patient), reverse("referrals:referral_new")
    typed = {
        "patient": patient.pk, "category": "medical", "specialty": first.specialty, "reason": "Swelling",
        "urgency": "routine",
    }  # fmt: skip
    assert client.post(where, typed).status_code == 409
    type(first).objects.filter(pk=first.pk).update(site=make_site())
    assert client.post(where, typed | {"replace": first.pk}).status_code == 404
    assert client.post(where, typed).status_code == 302
    assert not DuplicateAnswer.objects.exists()


@pytest.mark.parametrize("kind", ["authorization", *KINDS])
def test_what_may_not_be_known_is_not_found_by_its_key(user, patient, payer, kind):
    """By whoever may see the patient, whatever the place that wrote it; by nobody else, and by the night."""
    if kind == "authorization":
        existing(patient, payer)
        key = {"payer": payer, "codes": ["93306"]}
    else:
        _first, typed = begun(kind, patient, user)
        key = {"fund": Fund.objects.get()} if kind == "aid" else {"program": typed["program"]}
    name = "authorization" if kind == "authorization" else "application"

    def seen(by):
        return len(found(name, patient=patient, by=by, now=timezone.now(), **key))

    assert [seen(by) for by in (user, System("night"), make_user(site=make_site()))] == [1, 1, 0]


def test_a_decided_application_is_not_replaced(user, patient):
    fund = make_fund()
    held = make_aid(patient, fund=fund, status="awarded")
    with pytest.raises(NotAllowed, match="decided"):
        aid.apply_for_aid(
            patient=patient, fund=fund, asked_amount=150, purpose="Heat", replaces=held, by=user,
            now=timezone.now(),
        )  # fmt: skip


def test_a_referral_still_counts_its_own_answers(user, patient):
    held = make_referral(patient)
    make = {"patient": patient, "specialty": held.specialty, "reason": "x", "by": user, "now": timezone.now()}
    new = services.create_referral(duplicate_reason="Second opinion", **make)
    assert kept() == ("referral", "go_on", held.pk, new.pk, "Second opinion")
