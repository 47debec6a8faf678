"""Which records a client may name or list, beyond a model's own `visible_to`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from rest_framework.exceptions import ValidationError

from careplans.models import CloseReason, Goal
from coordinator.accounts.models import Organization, Practitioner, Site, Team, User
from coordinator.accounts.roles import Role
from coordinator.api.fields import Visible
from coordinator.api.models import ApiClient
from coordinator.api.permissions import Scoped
from coordinator.clocks.models import RuleVersion
from coordinator.exchange.models import PayerFile
from coordinator.exchange.selectors import answer_of, effects_on
from coordinator.exchange.workflow import FileStatus
from coordinator.fhir.problems import Unreadable
from coordinator.packets.gather import Part as PacketPart
from coordinator.packets.gather import offer_of
from patients.models import ContactPoint, Coverage, Document, Patient, Problem, RelatedPerson
from referrals.balances import balances_of
from referrals.models import (
    AidApplication,
    AppealLetter,
    BenefitApplication,
    Bill,
    BillPhrase,
    Delivery,
    DeliveryChange,
    Denial,
    DenialCategory,
    Fund,
    InboundDocument,
    Payer,
    Practice,
    PriorAuthorization,
    Referral,
    ReferralPacket,
    SecureLink,
    Spend,
)
from referrals.selectors.inbound import proposals
from referrals.selectors.letters import unfit
from scheduling.models import Appointment, Room, Service, WaitlistEntry, WaitlistOffer
from scheduling.services.waitlist import WISHES


def patients(user: Any) -> QuerySet[Patient]:
    """For writes: with what services look at."""
    return Patient.objects.visible_to(user).select_related("site__calendar", "coordinator")


def problems(user: Any) -> QuerySet[Problem]:
    return Problem.objects.visible_to(user)


def documents(user: Any) -> QuerySet[Document]:
    return Document.objects.visible_to(user)


def related_people(user: Any) -> QuerySet[RelatedPerson]:
    return RelatedPerson.objects.visible_to(user)


def contact_points(user: Any) -> QuerySet[ContactPoint]:
    return ContactPoint.objects.visible_to(user)


def goals(user: Any) -> QuerySet[Goal]:
    return Goal.objects.visible_to(user)


def practitioners(user: Any) -> QuerySet[Practitioner]:
    return Practitioner.objects.visible_to(user)


def organizations(user: Any) -> QuerySet[Organization]:
    return Organization.objects.visible_to(user)


def bookable(user: Any) -> QuerySet[Practitioner]:
    """Providers of the client's sites, and those of other sites who take visits there."""
    here = Q(site__in=user.site_ids) | Q(availability__site__in=user.site_ids)
    return Practitioner.objects.bookable().filter(here).distinct()


def colleagues(user: Any) -> QuerySet[User]:
    """People who share a site with the client and can own work."""
    return User.objects.visible_to(user).assignable()


def staff(user: Any) -> QuerySet[User]:
    """Everybody at the client's sites; not the accounts of machines."""
    return User.objects.visible_to(user).filter(is_active=True).exclude(role=Role.API_CLIENT)


def teams(user: Any) -> QuerySet[Team]:
    return Team.objects.visible_to(user)


def rooms(user: Any) -> QuerySet[Room]:
    return Room.objects.filter(site__in=user.site_ids)


def services(user: Any) -> QuerySet[Service]:
    """Visit types belong to no site."""
    return Service.objects.all()


def clients() -> QuerySet[ApiClient]:
    """For the administrators' page: every client with the names of its sites, in two queries."""
    return (
        ApiClient.objects.select_related("user", "created_by")
        .prefetch_related("user__sites")
        .order_by("name")
    )


def close_reasons() -> QuerySet[CloseReason]:
    """Those on offer: the same for every client, like visit types."""
    return CloseReason.objects.offered()


# --- referrals, requests, money -------------------------------------------------------------------------------


def row_of(model: type[Any], key: Any, *, by: str = "pk", **parent: Any) -> Any:
    """The key of a row of one record, found by its own key or its number; None when it is another record's."""
    return model.objects.filter(**{by: key}, **parent).values_list("pk", flat=True).first()


def payers(user: Any) -> QuerySet[Payer]:
    """Payers belong to the whole clinic."""
    return Payer.objects.filter(is_active=True)


def coverages(user: Any) -> QuerySet[Coverage]:
    return Coverage.objects.visible_to(user)


def referrals(user: Any) -> QuerySet[Referral]:
    return Referral.objects.visible_to(user)


def authorizations(user: Any) -> QuerySet[PriorAuthorization]:
    return PriorAuthorization.objects.visible_to(user).exclude(status="entered_in_error")


def funds(user: Any) -> QuerySet[Fund]:
    return Fund.objects.visible_to(user)


def bills(user: Any) -> QuerySet[Bill]:
    return Bill.objects.visible_to(user)


def aid_applications(user: Any) -> QuerySet[AidApplication]:
    return AidApplication.objects.visible_to(user)


def benefit_applications(user: Any) -> QuerySet[BenefitApplication]:
    return BenefitApplication.objects.visible_to(user)


def phrases(user: Any) -> QuerySet[BillPhrase]:
    return BillPhrase.objects.filter(is_active=True)


def denial_categories(user: Any) -> QuerySet[DenialCategory]:
    return DenialCategory.objects.offered()


def letters(user: Any) -> QuerySet[AppealLetter]:
    return AppealLetter.objects.visible_to(user)


def sites(user: Any) -> QuerySet[Site]:
    return Site.objects.visible_to(user)


def part(model: type[Any], parent: str, *order: str) -> Callable[[Any, UUID], QuerySet[Any]]:
    """Rows of one record, which the caller has looked up among what the client may see."""
    return lambda _user, pk: model.objects.filter(**{parent: pk}).order_by(*order)


def visible_part(model: type[Any], parent: str, *order: str) -> Callable[[Any, UUID], QuerySet[Any]]:
    """The same for rows that have their own rule of who sees them."""
    return lambda user, pk: model.objects.visible_to(user).filter(**{parent: pk}).order_by(*order)


def balance(user: Any, pk: UUID, now: datetime) -> dict[str, Any]:
    """Units of an authorization as its visits use them up; None where it approves none."""
    record = PriorAuthorization.objects.visible_to(user).filter(pk=pk).first()
    found = balances_of([record], now).get(pk) if record is not None else None
    if found is None:
        return {"balance": None}
    names = ("approved", "used", "booked", "remaining", "projected", "band", "first_day", "last_day")
    return {"balance": {name: getattr(found, name) for name in names}}


def own_papers(given: dict[str, Any], name: str, **of: UUID) -> dict[str, Any]:
    """What was given, if the documents it names are of the patient of this request or denial. Raises ValidationError."""
    rows = Denial.objects.filter(pk=of["denial"]) if "denial" in of else None
    path = "authorization__patient" if rows is not None else "patient"
    found = rows if rows is not None else PriorAuthorization.objects.filter(pk=of["authorization"])
    patient = found.values_list(path, flat=True).first()
    named = given.get(name) or []
    for document in named if isinstance(named, list) else [named]:
        if document.patient_id != patient:
            raise ValidationError({name: [Visible.default_error_messages["missing"]]})
    return given


def cited(denial_id: UUID) -> list[list[str]]:
    """What the last version of the letter was merged from."""
    last = AppealLetter.objects.filter(denial=denial_id).order_by("-number").values_list("cites", flat=True)
    return last.first() or []


def request_of(denial_id: UUID) -> UUID:
    return Denial.objects.values_list("authorization_id", flat=True).get(pk=denial_id)


def fit_letters(user: Any, pk: UUID) -> QuerySet[AppealLetter]:
    """The letters that retell nothing this client may not see."""
    rows = list(AppealLetter.objects.filter(denial=pk))
    hidden = [letter.pk for letter in rows if unfit(user, letter)]
    return AppealLetter.objects.filter(denial=pk).exclude(pk__in=hidden).order_by("number")


def all_funds() -> QuerySet[Fund]:
    """To lock the one of an application that the client may see."""
    return Fund.objects.all()


def payment_of(application_id: UUID, key: UUID) -> UUID:
    """A payment of this application. Raises ValidationError."""
    found = row_of(Spend, key, award__application=application_id)
    if found is None:
        raise ValidationError({"payment": [Visible.default_error_messages["missing"]]})
    return found


def rule_versions(user: Any) -> QuerySet[Any, Any]:
    """The register belongs to no site and holds no patient."""
    return RuleVersion.objects.annotate(key=F("rule__key"), title=F("rule__title"), area=F("rule__area"))


# --- papers, payers' files, the guard -------------------------------------------------------------------------

GUARDED: dict[str, tuple[type[Any], ...]] = {
    "referral": (Referral,),
    "authorization": (PriorAuthorization,),
    "application": (AidApplication, BenefitApplication),
}


def guarded(user: Any, kind: str, patient: Patient, keys: list[UUID]) -> set[UUID]:
    """Those of these records of the patient that the client may see; one query for each model of the kind."""
    return {
        key
        for model in GUARDED[kind]
        for key in model.objects.visible_to(user)
        .filter(patient=patient, pk__in=keys)
        .values_list("pk", flat=True)
    }


def what_it_says(user: Any, pk: UUID, _now: datetime) -> dict[str, Any]:
    """The text of a paper and where it may belong; nothing of one that is in a record, which has rules of its own."""
    paper = InboundDocument.objects.visible_to(user).select_related("site").get(pk=pk)
    if paper.document_id is not None:
        return {"text": "", "proposals": []}
    waits = paper.status == "new"
    return {
        "text": paper.text[:20_000],
        "proposals": [_place(one) for one in proposals(user, paper)] if waits else [],
    }


def _place(proposal: Any) -> dict[str, Any]:
    key = proposal.target.pk if proposal.target is not None else None
    return {
        "patient": proposal.patient.pk,
        "referral": key if proposal.kind == "referral" else None,
        "authorization": key if proposal.kind == "authorization" else None,
        "why": [str(reason) for reason in proposal.why],
        "doubt": str(proposal.doubt),
    }


def reading_of(user: Any, pk: UUID, _now: datetime) -> dict[str, Any]:
    """What a payer's file says, and what recording it would change on the request it was matched to."""
    file = PayerFile.objects.visible_to(user).select_related("authorization").get(pk=pk)
    try:
        answer = answer_of(file)
    except Unreadable as error:
        words = f"{error.place}: {error.reason}".removeprefix(": ")
        return {"unreadable": words, "decisions": [], "would": None}
    record = file.authorization
    would = effects_on(record, answer) if record is not None and file.status == FileStatus.MATCHED else None
    return {
        "unreadable": "",
        "decisions": [_said(number, row) for number, row in enumerate(answer.decisions())],
        "would": would
        and {
            "step": would.step,
            "outcome": would.outcome,
            "obstacles": [str(text) for text in would.obstacles],
            "unplaced": list(would.unplaced),
        },
    }


def _said(number: int, row: Any) -> dict[str, Any]:
    names = ("decision", "service_code", "units", "starts_on", "ends_on")
    facts = {name: getattr(row, name) for name in names}
    return {"number": number, **facts, "authorization_number": row.number, "reasons": list(row.reasons)}


# --- packets and their deliveries -----------------------------------------------------------------------------


def packets(user: Any) -> QuerySet[ReferralPacket]:
    return ReferralPacket.objects.visible_to(user).select_related("document")


def practices(user: Any) -> QuerySet[Practice]:
    """Those that a referral can still name."""
    return Practice.objects.visible_to(user).offered().select_related("organization")


def every_referral() -> QuerySet[Referral]:
    """To lock the one of a delivery that the client may see."""
    return Referral.objects.all()


def may_go(user: Any, scopes: list[str], referral: Referral, now: datetime) -> list[PacketPart]:
    """What may go into a packet: entries that the account may see and the token's scopes for reading open."""
    scoped = Scoped(user, scopes)
    return offer_of(referral, scoped, now).parts if scoped.can("patients.view") else []


def delivery_stands(user: Any, pk: UUID, now: datetime) -> dict[str, Any]:
    """Why it stands as it does, how its link stands, and what can be said about it. Neither the link nor its code."""
    delivery = Delivery.objects.visible_to(user).select_related("link").get(pk=pk)
    changes = DeliveryChange.objects.filter(record=pk, to_status=delivery.status).exclude(reason="")
    why = changes.order_by("-at", "-id").values_list("reason", flat=True).first()
    possible = {"answer": delivery.can_be_answered, "revoke": delivery.can_be_revoked, "enter_in_error": True}
    return {
        "why": why or "",
        "link": _link(delivery, now),
        "steps": [name for name, may in possible.items() if may],
    }


def _link(delivery: Delivery, now: datetime) -> dict[str, Any] | None:
    link: SecureLink | None = getattr(delivery, "link", None)
    if link is None:
        return None
    names = ("expires_at", "opened_at", "revoked_at", "downloads", "tries_left")
    lives = delivery.is_standing and link.lives(now)
    return {"is_open": lives, **{name: getattr(link, name) for name in names}}


# --- the waitlist ---------------------------------------------------------------------------------------------


def appointments(user: Any) -> QuerySet[Appointment]:
    return Appointment.objects.visible_to(user)


def waiting(user: Any) -> QuerySet[WaitlistEntry]:
    return WaitlistEntry.objects.visible_to(user).waiting()


def wishes_of(entry_id: UUID) -> dict[str, Any]:
    """What stands in an entry that the caller has looked up, and its version."""
    return WaitlistEntry.objects.values(*WISHES, "version").get(pk=entry_id)


def open_offers_of(entry: WaitlistEntry) -> QuerySet[WaitlistOffer]:
    """To lock before the entry, as the services do."""
    return WaitlistOffer.objects.open().filter(entry=entry.pk).order_by("pk").select_for_update()


def booked_of(user: Any, pk: UUID, _now: datetime) -> dict[str, Any]:
    """The visit that came of an accepted offer."""
    taken = WaitlistOffer.objects.visible_to(user).filter(pk=pk, status="accepted")
    return {"appointment": taken.values_list("entry__appointment", flat=True).first()}
