"""A booked visit of somebody who pays themselves opens a good-faith estimate with its federal deadline (domain 3.6)."""

from __future__ import annotations

import pytest

from careplans.models import Task
from coordinator.clocks.selectors import why
from coordinator.workflow import System
from patients.models import Coverage
from referrals.models import Estimate
from scheduling.services import cancel_appointment, reschedule_appointment
from scheduling.tests.clinic import NOW, at, make_clinic

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    made = make_clinic()
    Coverage.objects.create(patient=made.patient, payer_name="Self-pay")
    return made


@pytest.mark.parametrize(
    ("day", "due"),
    [("2026-11-23", "2026-11-20"), ("2026-12-03", "2026-11-24")],  # 1 and 3 business days after Nov 18
)
def test_it_is_due_one_or_three_business_days_after_booking(clinic, day, due):
    visit = clinic.book(at(day))
    estimate = Estimate.objects.get()
    assert (estimate.visit_id, estimate.service, estimate.visit_on.isoformat()) == (
        visit.pk, "Heart failure follow-up", day,
    )  # fmt: skip
    assert estimate.due_at.isoformat()[:10] == due, "the end of the day before, in Chicago"
    assert any("No Surprises Act" in sentence for sentence in why(estimate.clock))
    task = Task.objects.open().get(cause_id=estimate.pk)
    assert (task.due_at, task.owner) == (estimate.due_at, clinic.coordinator)


def test_none_for_a_visit_that_is_too_near_or_paid_by_a_plan(clinic):
    clinic.book(at("2026-11-20"))
    insured = clinic.other_patient()
    Coverage.objects.create(patient=insured, payer_name="Medicare")
    clinic.book(at("2026-12-03"), patient_id=insured.pk)
    clinic.book(at("2026-12-04"), patient_id=clinic.other_patient().pk)
    assert not Estimate.objects.exists()


def test_a_moved_visit_has_one_estimate_and_a_cancelled_one_none(clinic):
    first = clinic.book(at("2026-12-03"))
    by = {"by": clinic.coordinator, "now": NOW}
    second = reschedule_appointment(
        appointment_id=first.pk, start=at("2026-12-04"), reason="patient_request", **by
    )
    assert list(Estimate.objects.filter(status="due").values_list("visit_id", flat=True)) == [second.pk]
    cancel_appointment(appointment_id=second.pk, cancelled_by="patient", reason="Moved away", **by)
    assert set(Estimate.objects.values_list("status", flat=True)) == {"not_needed"}
    assert not Task.objects.open().filter(cause_type="referrals.estimate").exists()


def test_a_visit_that_nobody_here_booked_is_a_teams(clinic):
    clinic.book(at("2026-12-03"), by=System("import"))
    estimate = Estimate.objects.get()
    assert (estimate.owner, estimate.team.site) == (None, clinic.site)
