"""Cover for leave: planned, given to others piece by piece, ended early. It begins and ends by its dates."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.accounts.models import DelegatedPart, Delegation, User
from coordinator.audit import services as audit
from coordinator.db import lock, refusals
from coordinator.wording import day
from coordinator.workflow import NotAllowed

ENTITY = "accounts.delegation"
LONGEST = timedelta(days=366)


def can_arrange(by: User, person: User) -> bool:
    """One's own leave; that of others for who sees the team board and works at one of their sites."""
    if not by.can("tasks.work"):
        return False
    return by.pk == person.pk or (by.can("team.view") and bool(by.site_ids & person.site_ids))


def check_can_arrange(by: User, person: User) -> None:
    if not can_arrange(by, person):
        raise PermissionDenied(_("Only a lead or manager arranges cover for somebody else."))


def zone_of(person: User) -> str:
    """The zone of the person's days: that of the first of their sites."""
    site = person.sites.order_by("name").first()
    return site.zone if site else settings.TIME_ZONE


@transaction.atomic
def plan_cover(
    *, person: User, delegate: User, from_day: date, to_day: date, by: User, now: datetime, note: str = ""
) -> Delegation:
    """`delegate` does the person's work from the first to the last of these local days, both included.

    Raises ValidationError at the field for days that are over or reversed and for a delegate who cannot, Conflict when
    the person has cover for one of these days already.
    """
    check_can_arrange(by, person)
    # Two covers that would send two people away at once must see each other: both people are locked, in one order.
    list(User.objects.select_for_update().filter(pk__in=(person.pk, delegate.pk)).order_by("pk"))
    zone = zone_of(person)
    starts, ends = _midnight(from_day, zone), _midnight(to_day + timedelta(days=1), zone)
    if ends <= starts:
        raise ValidationError({"to_day": _("The last day comes before the first one.")})
    if ends - starts > LONGEST:
        raise ValidationError({"to_day": _("Cover lasts at most a year.")})
    if ends <= now:
        raise ValidationError({"to_day": _("These days are over.")})
    starts = max(starts, now) if from_day <= now.astimezone(ZoneInfo(zone)).date() else starts
    check_delegate(delegate, person, starts, ends)
    _check_not_standing_in(person, starts, ends)
    cover = Delegation(
        person=person,
        delegate=delegate,
        starts_at=starts,
        ends_at=ends,
        zone=zone,
        note=note.strip(),
        created_at=now,
        created_by=by,
    )
    with refusals(delegation_no_overlap=_("There is cover for some of these days already.")):
        cover.save(force_insert=True)
    _record(cover, "plan_cover", by, {"delegate": delegate.pk, "person": person.pk})
    return cover


def _midnight(on: date, zone: str) -> datetime:
    return datetime.combine(on, time(0), ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))


def check_delegate(delegate: User, person: User, starts: datetime, ends: datetime) -> None:
    """Somebody active who can own work, shares a place with the person, and is not away on these days."""
    if delegate.pk == person.pk:
        raise ValidationError({"delegate": _("Choose somebody else than the person who is away.")})
    fits = User.objects.assignable().filter(pk=delegate.pk, sites__in=person.site_ids).exists()
    if not fits:
        raise ValidationError(
            {"delegate": _("Choose an active colleague who works at one of the same places.")}
        )
    away = Delegation.objects.during(starts, ends).filter(person=delegate).first()
    if away is not None:
        text = _("%(name)s is on leave %(first)s to %(last)s.")
        words = {"name": delegate.name, "first": day(away.first_day), "last": day(away.last_day)}
        raise ValidationError({"delegate": text % words})


def _check_not_standing_in(person: User, starts: datetime, ends: datetime) -> None:
    """Who covers for somebody on these days cannot go before that is given to somebody else."""
    for other in Delegation.objects.during(starts, ends).of_delegate(person).select_related("person")[:1]:
        text = _("%(who)s covers for %(name)s until %(last)s. Arrange that cover anew first.")
        words = {"who": person.name, "name": other.person.name, "last": day(other.last_day)}
        raise ValidationError({"from_day": text % words})


@transaction.atomic
def assign_parts(*, delegation_id: UUID, parts: dict[UUID, User], by: User, now: datetime) -> Delegation:
    """Give single things to others: record key -> who does it. Naming the delegate takes the exception away.

    Raises ValidationError for somebody who cannot, NotAllowed when the cover is over.
    """
    cover = lock(Delegation.objects.select_related("person", "delegate"), delegation_id)
    check_can_arrange(by, cover.person)
    _check_not_over(cover, now)
    for delegate in {user.pk: user for user in parts.values()}.values():
        if delegate.pk != cover.delegate_id:
            check_delegate(delegate, cover.person, max(cover.starts_at, now), cover.ends_at)
    back = [key for key, user in parts.items() if user.pk == cover.delegate_id]
    cover.parts.filter(record_id__in=back).delete()
    given = [
        DelegatedPart(delegation=cover, record_id=key, delegate=user)
        for key, user in parts.items()
        if user.pk != cover.delegate_id
    ]
    DelegatedPart.objects.bulk_create(
        given,
        update_conflicts=True,
        unique_fields=["delegation", "record_id"],
        update_fields=["delegate"],
    )
    _record(cover, "assign_cover", by, {"records": len(parts), "to": sorted({u.pk for u in parts.values()})})
    return cover


@transaction.atomic
def change_delegate(*, delegation_id: UUID, delegate: User, by: User, now: datetime) -> Delegation:
    """Somebody else stands in for everything that was not given out singly; the cover is then arranged by `by`."""
    cover = lock(Delegation.objects.select_related("person", "delegate"), delegation_id)
    check_can_arrange(by, cover.person)
    _check_not_over(cover, now)
    list(User.objects.select_for_update().filter(pk__in=(cover.person_id, delegate.pk)).order_by("pk"))
    check_delegate(delegate, cover.person, max(cover.starts_at, now), cover.ends_at)
    before = cover.delegate_id
    cover.delegate, cover.created_by = delegate, by
    cover.save(update_fields=["delegate", "created_by"])
    cover.parts.filter(delegate=delegate).delete()
    _record(cover, "change_delegate", by, {"from": before, "to": delegate.pk})
    return cover


@transaction.atomic
def end_cover(*, delegation_id: UUID, by: User, now: datetime) -> Delegation:
    """Back early, or not going after all: from now on the delegate sees nothing of it. Ending twice changes nothing."""
    cover = lock(Delegation.objects.select_related("person", "delegate"), delegation_id)
    check_can_arrange(by, cover.person)
    if cover.ends_at <= now:
        return cover
    cover.ends_at = max(now, cover.starts_at)
    cover.ended_early_at, cover.ended_early_by = now, by
    cover.save(update_fields=["ends_at", "ended_early_at", "ended_early_by"])
    _record(cover, "end_cover", by, {"began": cover.starts_at < now})
    return cover


def _check_not_over(cover: Delegation, now: datetime) -> None:
    if cover.ends_at <= now:
        raise NotAllowed(_("This cover is over."))


def _record(cover: Delegation, action: str, by: User, details: dict[str, object]) -> None:
    audit.record(by=by, action=action, entity=ENTITY, entity_id=cover.pk, details=details)


def who_does(cover: Delegation, keys: Iterable[UUID]) -> dict[UUID, int]:
    """Record key -> key of who does it while the cover lasts (one query)."""
    singly = dict(cover.parts.values_list("record_id", "delegate_id"))
    return {key: singly.get(key, cover.delegate_id) for key in keys}
