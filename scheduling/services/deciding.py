"""From what was asked to a wish, and from the findings against it to yes or a refusal that helps to go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from coordinator.accounts.models import Practitioner, Site
from coordinator.db import Conflict
from coordinator.wording import day
from coordinator.workflow import Actor, NotAllowed, System
from patients.models import Patient
from patients.workflow import PatientStatus
from referrals.models import PriorAuthorization, Referral
from scheduling.models import Appointment, Room, Service
from scheduling.permissions import can_override, check_can_book_at
from scheduling.rules.conflicts import Found, Level, Openness, Wish, findings
from scheduling.rules.local_time import local_day
from scheduling.rules.units import MOVE, RENEW, Visit
from scheduling.selectors import facts
from scheduling.selectors.named import Named, named
from scheduling.selectors.units import units_with
from scheduling.services.covering import uncovered
from scheduling.workflow import Status

# Kinds of findings about the authorization, by the collision they come from.
AUTHORIZATION_KINDS = {
    "after_end": "authorization_ended",
    "before_start": "authorization_not_begun",
    "no_units": "authorization_used_up",
    "code": "authorization_other_code",
    "place": "authorization_other_place",
}

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
    now: datetime

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
        )

    def visit(self) -> Visit:
        """The visit as the units of its authorization see it."""
        here = (self.place, self.site.name, self.site.short_name)
        return Visit(
            id=None,
            status=Status.BOOKED,
            start=self.start,
            zone=self.site.zone,
            units=self.service.units,
            codes=frozenset(self.service.codes),
            places=here[:1] if self.is_outside else here,
            site_id=self.site.pk,
            service=self.service.name,
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
    practitioner_kept: bool = False,
) -> Asked:
    """`practitioner_kept`: it is the one the visit has already, who need not take visits there any more.

    Raises ValidationError (by field) for something this person cannot name, PermissionDenied, NotAllowed."""
    check_can_book_at(by, site_id)
    if start <= now:
        raise ValidationError({"start": _("That time is past. Choose a time that is still to come.")})
    found = named(
        service_id=service_id,
        site_id=site_id,
        practitioner_id=practitioner_id,
        room_id=room_id,
        patients=_seen(Patient.objects, by).filter(pk=patient_id),
    )
    service = _there(found.service, "service_id")
    patient = _there(found.patient, "patient_id")
    if patient.status == PatientStatus.DECEASED:
        raise NotAllowed(_("This patient has died. No visit can be booked."))
    site = _there(found.site, "site_id")
    if patient.site_id == site.pk:
        patient.site = site
    if practitioner_id is not None and not (practitioner_kept or _takes_visits_for(by, found)):
        raise _not_there("practitioner_id")
    return Asked(
        patient=patient,
        service=service,
        site=site,
        practitioner=_there(found.practitioner, "practitioner_id") if practitioner_id else None,
        room=_there(found.room, "room_id") if room_id else None,
        referral=_own(Referral, patient, by, "referral_id", referral_id),
        authorization=_own(PriorAuthorization, patient, by, "authorization_id", authorization_id),
        start=start,
        end=start + timedelta(minutes=minutes or service.minutes),
        place=place,
        must_be_by=must_be_by,
        now=now,
    )


def _takes_visits_for(by: Actor, found: Named) -> bool:
    """Providers of the person's sites, and those of other sites who take visits there."""
    if found.practitioner is None or isinstance(by, System):
        return found.practitioner is not None
    return not by.site_ids.isdisjoint({found.practitioner.site_id, *found.taking_visits_at})


def _seen(source: Any, by: Actor) -> models.QuerySet[Any]:
    return source.all() if isinstance(by, System) else source.all().visible_to(by)


def _own(model: type[models.Model], patient: Patient, by: Actor, field: str, key: UUID | None) -> Any:
    """The patient's record, None when none was named, or a ValidationError: what you may not see, you may not name."""
    if key is None:
        return None
    return _there(_seen(model._default_manager, by).filter(patient=patient, pk=key).first(), field)


def _there(found: Any, field: str) -> Any:
    if found is None:
        raise _not_there(field)
    return found


def _not_there(field: str) -> ValidationError:
    return ValidationError({field: _("Choose a %(what)s from the list.") % {"what": NAMES[field]}})


def check_free(
    asked: Asked,
    *,
    by: Actor,
    override_reason: str,
    without: Appointment | None = None,
    moved_from: datetime | None = None,
) -> list[Found]:
    """What was overridden or answered. Raises Conflict with the findings when it may not, or no reason was given.

    `moved_from`: the time of a booked visit that moves; what was so there too is not asked again.
    """
    wish = replace(asked.wish(), moved_from=moved_from)
    visits, blocks = facts.in_the_way(wish, asked.site.pk, without=without.pk if without else None)
    found = findings(wish, visits, facts.openness(wish, asked.site, blocks))
    if asked.authorization is not None:
        against = _about_authorization(asked, without.pk if without else None)
        found = sorted([*found, *against], key=lambda one: -one.level)
    else:
        found = sorted([*found, *_newly_uncovered(asked, without)], key=lambda one: -one.level)
    if found and not _accepted(found, asked, by, override_reason):
        raise refusal(found, asked, by)
    return found


def _newly_uncovered(asked: Asked, without: Appointment | None) -> list[Found]:
    """What does not cover a new visit; of one that is moved to another day only what was not asked about before."""
    if without is None or without.status in (Status.PROPOSED, Status.WAITLIST):
        return uncovered(asked)
    if local_day(asked.start, asked.site.zone) == local_day(without.start, without.zone):
        return []
    found = uncovered(asked)
    before = {one.kind for one in uncovered(replace(asked, start=without.start))} if found else set()
    return [one for one in found if one.kind not in before]


def _about_authorization(asked: Asked, without: UUID | None) -> list[Found]:
    """What the authorization does not cover of this visit: its days, units, code or place. Asked about, not refused."""
    visit, record = asked.visit(), asked.authorization
    assert record is not None
    left = units_with(record.pk, visit, asked.now, without=without)
    if left is None:  # nothing approved line by line: only the days of the whole are known
        if record.ends_on and visit.on > record.ends_on:
            text = _("The authorization ends on %(day)s, before this visit.") % {"day": day(record.ends_on)}
            offers = (RENEW, MOVE)
            return [Found("authorization_ended", Level.ASK, text, offers=offers, until=record.ends_on)]
        return []
    return [
        Found(
            AUTHORIZATION_KINDS[one.kind],
            Level.ASK,
            one.text,
            offers=one.offers,
            until=left.last_day if one.kind == "after_end" else None,
        )
        for one in left.collisions
        if one.visit is visit
    ]


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
        authorization=asked.authorization.pk if asked.authorization else found_authorization(found),
        offers=sorted({offer for one in found for offer in one.offers}),
        until=min((one.until for one in found if one.until), default=None),
        next_free=[],
    )


def found_authorization(found: Sequence[Found]) -> UUID | None:
    return next((one.authorization for one in found if one.authorization), None)


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
    visits, _blocks = facts.in_the_way(wish, appointment.site_id, without=appointment.pk)
    for one in findings(wish, visits, Openness(None, [], [], 0, 24)):
        if one.level > Level.ASK and one.kind not in harmless:
            raise Conflict(one.text, kind=one.kind, needs_reason=False, conflicts=[], next_free=[])
