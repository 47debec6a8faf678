"""A consult report that is late opens one task; it closes by itself when the report is in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import translation

from careplans.models import Task
from careplans.services import complete_task
from coordinator.accounts.roles import Role
from coordinator.tests.factories import make_organization, make_practitioner, make_site, make_user
from coordinator.workflow import System
from patients.models import Patient
from patients.tests.factories import make_document, make_patient
from referrals import services
from referrals.tests.factories import make_referral

pytestmark = pytest.mark.django_db
SEEN = datetime(2026, 11, 2, 16, tzinfo=UTC)
BY = System("nightly")


@pytest.fixture
def site():
    return make_site(zone="America/Chicago")


@pytest.fixture
def dana(site):
    return make_user(site=site)


@pytest.fixture
def referral(site, dana):
    """Seen on Nov 2; its report has a clock."""
    made = make_referral(
        make_patient(site=site), owner=dana, status="scheduled", visit_at=SEEN,
        recipient_organization=make_organization(name="Lakes Heart"), stage_since=SEEN - timedelta(days=9),
    )  # fmt: skip
    return step(made, dana, "see", seen_on=date(2026, 11, 2))


def step(referral, by, name, now=SEEN, **facts):
    return services.advance_referral(referral_id=referral.pk, step=name, by=by, now=now, **facts)


def chase(site, now):
    return services.ask_for_late_reports(site=site, by=BY, now=now)


def after(referral, **length):
    return referral.due_at + timedelta(**length)


def test_a_late_report_opens_one_task_for_the_owner(site, referral, dana):
    assert referral.clock.rule_version.rule.key == "referral.report"
    assert chase(site, after(referral, minutes=-1)) == 0
    assert (chase(site, after(referral, hours=2)), chase(site, after(referral, hours=2))) == (1, 0)
    task = Task.objects.get()
    assert (task.owner, task.kind, task.patient) == (dana, "referral_follow_up", referral.patient)
    assert task.title == "Get the consult report: Cardiology"
    assert task.reason.startswith("Lakes Heart was to report by ")


def test_it_closes_when_the_report_is_in(site, referral, dana):
    chase(site, after(referral, hours=2))
    report = make_document(referral.patient)
    step(referral, dana, "complete", now=after(referral, hours=3), report=report)
    assert Task.objects.get().status == "cancelled"
    assert chase(site, after(referral, days=30)) == 0


@pytest.mark.parametrize("name", ["decline", "request_cancel", "cancel_visit"])
def test_it_closes_when_the_referral_goes_another_way(site, referral, dana, name):
    chase(site, after(referral, hours=2))
    more = {"cancelled_by": "patient"} if name == "cancel_visit" else {}
    step(referral, dana, name, now=after(referral, hours=3), reason="Other", **more)
    assert Task.objects.get(dedupe_key__startswith="report_overdue:").status == "cancelled"


def test_what_somebody_closed_is_not_asked_again_before_the_next_deadline(site, referral, dana):
    chase(site, after(referral, hours=2))
    complete_task(task_id=Task.objects.get().pk, by=dana, now=after(referral, hours=3))
    assert chase(site, after(referral, days=2)) == 0
    again = step(referral, dana, "see", now=after(referral, days=3), seen_on=date(2026, 11, 3))
    assert chase(site, after(again, hours=2)) == 1


def test_other_places_and_people_who_left_are_left_alone(site, referral):
    assert chase(make_site(zone="America/Chicago"), after(referral, hours=2)) == 0
    Patient.objects.filter(pk=referral.patient_id).update(status="inactive")
    assert chase(site, after(referral, hours=2)) == 0


def test_who_no_longer_works_there_is_not_given_the_task(site, referral, dana):
    dana.is_active = False
    dana.save()
    chase(site, after(referral, hours=2))
    task = Task.objects.get()
    assert (task.owner, task.team.site) == (None, site)


def test_its_words_are_kept_in_the_clinics_language(site, referral):
    with translation.override("es"):
        chase(site, after(referral, hours=2))
    assert Task.objects.get().title == "Get the consult report: Cardiology"


# --- what waits for the requester ---------------------------------------------------------------------------------


@pytest.fixture
def provider(site, referral):
    """The requester of the referral, with a sign-in at its place."""
    who = make_practitioner(site=site)
    type(referral).objects.filter(pk=referral.pk).update(requester=who)
    return make_user(Role.PROVIDER, site=site, practitioner=who)


def report_of(referral, by, **facts):
    return step(referral, by, "complete", report=make_document(referral.patient), **facts)


def to_review():
    return Task.objects.open().filter(dedupe_key__startswith="report_review:")


@pytest.mark.parametrize(
    ("critical", "priority", "title"),
    [(False, "routine", "Review the report: "), (True, "urgent", "Review the critical report today: ")],
)
def test_a_report_that_came_in_is_at_once_a_to_do_of_the_requester_with_the_reviews_date(
    client, referral, dana, provider, critical, priority, title
):
    made = report_of(referral, dana, report_is_critical=critical)
    task = to_review().get()
    assert (task.owner, task.priority, task.title) == (provider, priority, title + made.specialty)
    assert (task.due_at, task.clock, task.status) == (made.due_at, made.clock, "ready")
    client.force_login(provider)
    assert task.title in client.get(reverse("dashboard:my_work")).content.decode()


def test_the_to_do_closes_when_it_is_reviewed_and_comes_back_with_another_report(
    client, referral, dana, provider
):
    report_of(referral, dana)
    client.force_login(provider)
    assert client.post(reverse("referrals:referral_fact", args=[referral.pk, "review"])).status_code == 302
    assert not to_review().exists()
    step(referral, dana, "reopen", reason="Pages are missing")
    report_of(referral, dana)
    assert to_review().count() == 1
    step(referral, dana, "reopen", reason="Wrong patient")
    assert not to_review().exists()


def test_a_requester_who_cannot_see_the_referral_gets_no_to_do(referral, dana, provider):
    provider.sites.set([make_site()])
    report_of(referral, dana)
    assert not to_review().exists()
