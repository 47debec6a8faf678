"""Where an incoming paper may belong: by identifier first; never by a patient and a specialty alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext as _

from patients.models import Coverage, Patient
from patients.rules.text import fold
from referrals.models import InboundDocument, PriorAuthorization, Referral
from referrals.rules.inbound import Identifiers, identifiers_in
from referrals.rules.referrals import takes_report
from referrals.workflow import AUTHORIZATION_OPEN
from referrals.workflow import OPEN as REFERRAL_OPEN

MOST = 5
WAITING = ("new",)


@dataclass
class Proposal:
    """One place for a paper. `why` are sentences; `doubt` says what speaks against it; `target` is the referral or
    authorization, or None for the patient's record alone."""

    patient: Patient
    target: Any = None
    kind: str = ""  # DocumentLink.Kind
    why: list[str] = field(default_factory=list)
    doubt: str = ""

    @property
    def key(self) -> str:
        """What a form sends: kind and key, or the patient's alone."""
        return f"{self.kind}:{self.target.pk}" if self.target is not None else f"patient:{self.patient.pk}"

    @property
    def takes_report(self) -> bool:
        return self.kind == "referral" and takes_report(self.target.status)


def inbound_list(user: Any, state: str = "") -> Any:
    """Papers of the person's places; those to be sorted, oldest first, unless `state` asks for others."""
    rows = InboundDocument.objects.visible_to(user).select_related("site", "patient").defer("text", "said")
    if state in ("attached", "set_aside"):
        return rows.filter(status=state).order_by("-received_at", "-pk")
    return rows.waiting().order_by("received_at", "pk")


def proposals(user: Any, inbound: InboundDocument) -> list[Proposal]:
    """Best first, at most five, only what this person may see. At most four statements.

    Our reference, then a number of an authorization, then a record or member number, then a birth date with both names.
    """
    said = identifiers_in(f"{inbound.said}\n{inbound.text}")
    found = _by_reference(user, said) + _by_authorization(user, said)
    known = {proposal.patient.pk for proposal in found}
    found += [one for one in _by_person(user, said) if one.patient.pk not in known]
    for proposal in found:
        person = proposal.patient
        if not said.names(person.family_name, person.given_name):
            proposal.doubt = _(
                "The name on the paper was not found to be this patient's. Compare before you attach."
            )
    return sorted(found, key=lambda one: bool(one.doubt))[:MOST]


def _by_reference(user: Any, said: Identifiers) -> list[Proposal]:
    if not said.references:
        return []
    rows = Referral.objects.visible_to(user).filter(reference__in=said.references).select_related("patient")
    return [
        Proposal(
            row.patient,
            row,
            "referral",
            [_("Our number %(number)s stands on it.") % {"number": row.reference}],
        )
        for row in rows[:MOST]
    ]


def _by_authorization(user: Any, said: Identifiers) -> list[Proposal]:
    if not said.numbers:
        return []
    rows = (
        PriorAuthorization.objects.visible_to(user)
        .annotate(ours=Upper("reference_number"), theirs=Upper("authorization_number"))
        .filter(Q(ours__in=said.numbers) | Q(theirs__in=said.numbers))
        .exclude(status="entered_in_error")
        .select_related("patient", "payer")
    )
    return [
        Proposal(
            row.patient,
            row,
            "authorization",
            [_("The number of this authorization stands on it.")],
        )
        for row in rows[:MOST]
    ]


def _by_person(user: Any, said: Identifiers) -> list[Proposal]:
    members = Coverage.objects.exclude(status="entered_in_error").annotate(number=Upper("member_id"))
    by_number = Q(mrn__in=said.numbers) | Q(pk__in=members.filter(number__in=said.numbers).values("patient"))
    by_birth = Q(birth_date__in=said.dates) if said.dates else Q(pk=None)
    if not said.numbers and not said.dates:
        return []
    rows = Patient.objects.visible_to(user).filter(by_number | by_birth if said.numbers else by_birth)
    found = []
    for patient in rows.annotate(numbered=_truth(by_number if said.numbers else Q(pk=None)))[:200]:
        if patient.numbered:
            found.append(Proposal(patient, why=[_("A number of this patient stands on it.")]))
        elif said.names(patient.family_name, patient.given_name):
            found.append(Proposal(patient, why=[_("Name and birth date stand on it.")]))
    return found


def _truth(condition: Q) -> Any:
    from django.db.models import BooleanField, ExpressionWrapper

    return ExpressionWrapper(condition, BooleanField())


def places_of(user: Any, patients: list[Patient]) -> list[Proposal]:
    """For these patients: their open referrals and authorizations, and the record alone, to be chosen by hand.

    Two statements however many patients there are.
    """
    keys = [patient.pk for patient in patients]
    targets: dict[Any, list[Proposal]] = {key: [] for key in keys}
    referrals = Referral.objects.visible_to(user).filter(patient__in=keys, status__in=REFERRAL_OPEN)
    requests = PriorAuthorization.objects.visible_to(user).filter(
        patient__in=keys, status__in=AUTHORIZATION_OPEN
    )
    by_key = {patient.pk: patient for patient in patients}
    for row in referrals.order_by("-created_at")[:50]:
        targets[row.patient_id].append(Proposal(by_key[row.patient_id], row, "referral"))
    for request in requests.select_related("payer").order_by("-created_at")[:50]:
        targets[request.patient_id].append(Proposal(by_key[request.patient_id], request, "authorization"))
    return [one for patient in patients for one in (*targets[patient.pk], Proposal(patient))]


def fits_search(text: str) -> bool:
    return len(fold(text)) >= 2
