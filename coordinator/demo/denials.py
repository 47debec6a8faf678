"""What payers refused and approved: a denial with its kit half full, an appeal under way, units used by visits."""

from __future__ import annotations

from datetime import timedelta

from coordinator.demo.clinic import Clinic
from patients.models import Problem
from referrals import services
from referrals.models import Denial, DenialCategory, Payer, PriorAuthorization
from referrals.selectors.letters import material, merged, papers
from referrals.workflow import IN_FORCE, AuthorizationStatus
from scheduling.models import Appointment

PEER_DAYS = {"HealthNorth Plus": 5, "Prairie Community Plan": 7}
WORDS = (
    "The records do not show a trial of six weeks of home exercise. The service is not medically necessary under "
    "clinical policy PT-12."
)


def make_denials(clinic: Clinic) -> None:
    for name, days in PEER_DAYS.items():
        Payer.objects.filter(name=name).update(peer_to_peer_days=days)
    Payer.objects.filter(name="Prairie Community Plan").update(is_slow=True)
    refused = PriorAuthorization.objects.filter(status=AuthorizationStatus.DENIED).order_by("created_at")
    for record in refused[:1]:
        _appeal(clinic, _denial(clinic, record))
    for record in PriorAuthorization.objects.filter(status__in=IN_FORCE).order_by("created_at"):
        own = Appointment.objects.filter(patient=record.patient, authorization=None).exclude(
            status="entered_in_error"
        )
        own.filter(pk__in=list(own.order_by("start").values_list("pk", flat=True)[:3])).update(
            authorization=record
        )


def _denial(clinic: Clinic, record: PriorAuthorization) -> Denial:
    by = clinic.users["dana"]
    return services.record_denial(
        authorization_id=record.pk,
        category=DenialCategory.objects.get(code="not_medically_necessary"),
        words=WORDS,
        notice_on=clinic.ago(3).date(),
        told_by="Utilization management",
        channel="portal",
        by=by,
        now=clinic.ago(2),
    )


def _appeal(clinic: Clinic, denial: Denial) -> None:
    """The letter is written; the appeal itself is left for whoever tries the kit."""
    by, now = clinic.users["dana"], clinic.now - timedelta(hours=2)
    patient = denial.authorization.patient
    if not patient.problems.exists():
        Problem.objects.create(patient=patient, name="Low back pain", code="M54.50", created_by=by)
    found = material(by, patient)
    body = merged(denial, found, papers(by, patient), now)
    services.save_letter(denial_id=denial.pk, body=body, cites=found.cites, by=by, now=now)
