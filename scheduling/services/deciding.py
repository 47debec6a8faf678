"""From what was asked to a wish, and from the findings against it to yes or a refusal that helps to go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from coordinator.accounts.models import Practitioner, Site
from coordinator.db import Conflict
from coordinator.workflow import Actor, NotAllowed, System
from patients.models import Patient
from patients.workflow import PatientStatus
from referrals.models import PriorAuthorization, Referral
from scheduling.models import Appointment, Room, Service
from scheduling.permissions import can_override, check_can_book_at
from scheduling.rules.conflicts import Found, Level, Openness, Wish, findings
from scheduling.selectors import facts

NAMES = {
    "patient_id": _lazy("patient"),
    "service_id": _lazy("visit type"),
    "site_id": _lazy("place"),
    "practitioner_id": _lazy("provider"),
    "room_id": _lazy("room"),
    "referral_id": _lazy("referral"),
    "authorization_id": _lazy("authorization"),
}


@dataclass(frozen=True)
class Asked:
    """The records that a booking names, each looked up as the person who asks may see them."""

    patient: Patient
    service: Service
    site: Site
    practitioner: Practitioner | None
    room: Room | None
    referral: Referral | None
    authorization: PriorAuthorization | None
    start: datetime
    end: datetime
    place: str
    must_be_by: date | None

    @property
    def is_outside(self) -> bool:
        return self.service.is_outside

    def wish(self) -> Wish:
        return Wish(
            patient_id=self.patient.pk,
            practitioner_id=self.practitioner.pk if self.practitioner else None,
            room_id=self.room.pk if self.room else None,
            service_id=self.service.pk,
            start=self.start,
            end=self.end,
            zone=self.site.zone,
            place=facts.place_of(self.site.pk, self.is_outside, self.place),
            is_outside=self.is_outside,
            must_be_by=self.must_be_by,
            authorization_ends_on=self.authorization.ends_on if self.authorization else None,
        )

    def resources(self) -> list[tuple[str, Any]]:
        """What two bookings could both want, for `advisory_lock`."""
        return [
            ("practitioner", self.practitioner.pk if self.practitioner else None),
            ("room", self.room.pk if self.room else None),
            ("patient", self.patient.pk),
        ]


def look_up(
    *,
    patient_id: UUID,
    service_id: UUID,
    site_id: UUID,
    practitioner_id: UUID | None,
    room_id: UUID | None,
    start: datetime,
    by: Actor,
    now: datetime,
    minutes: int | None = None,
    place: str = "",
    must_be_by: date | None = None,
    referral_id: UUID | None = None,
    authorization_id: UUID | None = None,
) -> Asked:
    """Raises ValidationError (by field) for something this person cannot name, PermissionDenied, NotAllowed."""
    check_can_book_at(by, site_id)
    if start <= now:
        raise ValidationError({"start": _("That time is past. Choose a time that is still to come.")})
    service = _named(Service.objects.filter(is_active=True), "service_id", service_id)
    patients = _seen(Patient.objects.select_related("site__calendar"), by)
    patient = _named(patients, "patient_id", patient_id)
    if patient.status == PatientStatus.DECEASED:
        raise NotAllowed(_("This patient has died. No visit can be booked."))
    bookable = Practitioner.objects.filter(is_active=True, is_bookable=True)
    return Asked(
        patient=patient,
        service=service,
        site=_site(patient, site_id),
        practitioner=_named(bookable, "practitioner_id", practitioner_id),
        room=_named(Room.objects.filter(site_id=site_id, is_active=True), "room_id", room_id),
        referral=_named(_own(Referral, patient, by), "referral_id", referral_id),
        authorization=_named(_own(PriorAuthorization, patient, by), "authorization_id", authorization_id),
        start=start,
        end=start + timedelta(minutes=minutes or service.minutes),
        place=place,
        must_be_by=must_be_by,
    )


def _site(patient: Patient, site_id: UUID) -> Site:
    """Mostly the patient's own, which came with the patient."""
    if str(patient.site_id) == str(site_id) and patient.site.is_active:
        return patient.site
    return _named(Site.objects.select_related("calendar").filter(is_active=True), "site_id", site_id)


def _seen(source: Any, by: Actor) -> models.QuerySet[Any]:
    return source.all() if isinstance(by, System) else source.all().visible_to(by)


def _own(model: type[models.Model], patient: Patient, by: Actor) -> models.QuerySet[Any]:
    return _seen(model._default_manager, by).filter(patient=patient)


def _named(source: models.QuerySet[Any], field: str, key: UUID | None) -> Any:
    """The record, None when none was named, or a ValidationError: what you may not see, you may not name."""
    if key is None:
        return None
    found = source.filter(pk=key).first()
    if found is None:
        raise ValidationError({field: _("Choose a %(what)s from the list.") % {"what": NAMES[field]}})
    return found


def check_free(
    asked: Asked, *, by: Actor, override_reason: str, without: Appointment | None = None
) -> list[Found]:
    """What was overridden or answered. Raises Conflict with the findings when it may not, or no reason was given."""
    wish = asked.wish()
    found = findings(
        wish,
        facts.visits_near(wish, without=without.pk if without else None),
        facts.openness(wish, asked.site),
    )
    if found and not _accepted(found, asked, by, override_reason):
        raise refusal(found, asked, by)
    return found


def _accepted(found: Sequence[Found], asked: Asked, by: Actor, reason: str) -> bool:
    worst = found[0].level
    if worst == Level.BLOCK or not reason.strip():
        return False
    return worst == Level.ASK or can_override(by, asked.site.pk)


def refusal(found: Sequence[Found], asked: Asked, by: Actor) -> Conflict:
    """The worst finding as the sentence; all of them, and what would help, in `extra`."""
    worst = found[0].level
    may_go_on = worst == Level.ASK or (worst == Level.OVERRIDE and can_override(by, asked.site.pk))
    text = found[0].text
    if may_go_on:
        text += " " + _("Give a reason to book it all the same.")
    elif worst == Level.OVERRIDE:
        text += " " + _("Only a lead coordinator or manager may book it all the same.")
    return Conflict(
        text,
        kind=found[0].kind,
        needs_reason=may_go_on,
        taken_at=found[0].since,
        conflicts=[{"kind": one.kind, "level": one.level.name.lower(), "text": one.text} for one in found],
        next_free=[],
    )


def check_still_free(appointment: Appointment) -> None:
    """Refuse when somebody else has the practitioner, the room or the patient at this visit's time by now."""
    wish = Wish(
        patient_id=appointment.patient_id,
        practitioner_id=appointment.practitioner_id,
        room_id=appointment.room_id,
        service_id=appointment.service_id,
        start=appointment.start,
        end=appointment.end,
        zone=appointment.zone,
        place=facts.place_of(appointment.site_id, appointment.is_outside, appointment.place),
        is_outside=True,  # the day was judged when it was booked
    )
    harmless = {"patient_overlap"} if appointment.patient_overlap_allowed else set()
    visits = facts.visits_near(wish, without=appointment.pk)
    for one in findings(wish, visits, Openness(None, [], [], 0, 24)):
        if one.level > Level.ASK and one.kind not in harmless:
            raise Conflict(one.text, kind=one.kind, needs_reason=False, conflicts=[], next_free=[])
