"""The waitlist: who waits for a visit. Whoever waits has a task with an owner, a next step and a date."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import Task, TaskKind
from coordinator.accounts.models import Practitioner, Site
from coordinator.clocks import services as clocks
from coordinator.db import Conflict, lock, refusals
from coordinator.wording import as_kept, day, in_clinic_language
from coordinator.workflow import Actor, NotAllowed, System, begin, move, person, record_edit
from patients.leaving import BACK, BECAUSE, MARK, leavings
from patients.models import Patient
from patients.workflow import PatientStatus
from scheduling.models import PartOfDay, Service, WaitlistEntry, WaitlistEntryChange
from scheduling.permissions import check_can_book_at, check_can_correct, check_can_manage
from scheduling.services.waitlist_ends import withdraw_offers_of
from scheduling.waitlist_workflow import EntryStatus

REVIEW = "waitlist.review"  # key in the rules register
WISHES = (
    "practitioner_id",
    "earliest_on",
    "latest_on",
    "weekdays",
    "part_of_day",
    "priority",
    "note",
)


def waiting_key(entry_id: Any) -> str:
    return f"waitlist:{entry_id}"


@transaction.atomic
@in_clinic_language
def add_to_waitlist(
    *,
    patient_id: UUID,
    service_id: UUID,
    site_id: UUID,
    by: Actor,
    now: datetime,
    since: datetime | None = None,
    **wishes: Any,
) -> WaitlistEntry:
    """Somebody waits from now on. `wishes`: practitioner_id, earliest_on, latest_on, weekdays (Monday is 0),
    part_of_day, priority, note.

    Raises ValidationError by field, PermissionDenied, NotAllowed (not an active patient), Conflict when they wait for
    the same visit type there already.
    """
    check_can_book_at(by, site_id)
    seen = Patient.objects if isinstance(by, System) else Patient.objects.visible_to(by)
    patient = seen.filter(pk=patient_id).select_related("site", "coordinator").first()
    if patient is None:
        raise ValidationError({"patient_id": _("Choose a patient from the list.")})
    if patient.status != PatientStatus.ACTIVE:
        raise NotAllowed(_("Only an active patient can wait for a visit."))
    service = Service.objects.filter(pk=service_id, is_active=True, is_outside=False).first()
    if service is None:
        raise ValidationError({"service": _("Choose a visit type of this clinic from the list.")})
    entry = WaitlistEntry(
        patient=patient,
        site=Site.objects.get(pk=site_id),
        service=service,
        since=since or now,
        created_by=person(by),
        **_checked(wishes, now),
    )
    there = _("This patient already waits for this visit type here. Change that entry instead.")
    with refusals(waitlist_entry_once=there), transaction.atomic():
        begin(entry, by=by, now=now, step="create")
    _look_again(entry, by=by, now=now)
    return entry


def _checked(wishes: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The wishes as columns. Raises ValidationError by field."""
    unknown = set(wishes) - set(WISHES)
    if unknown:
        raise TypeError(f"Unknown wishes: {sorted(unknown)}")
    values = {**wishes}
    values["weekdays"] = sorted(set(wishes.get("weekdays") or ()))
    if any(weekday not in range(7) for weekday in values["weekdays"]):
        raise ValidationError({"weekdays": _("Choose days from the list.")})
    earliest, latest = wishes.get("earliest_on"), wishes.get("latest_on")
    if earliest and latest and latest < earliest:
        raise ValidationError({"latest_on": _("The last day must not be before the first.")})
    if wishes.get("part_of_day", "") not in PartOfDay.values:
        raise ValidationError({"part_of_day": _("Choose a time of day from the list.")})
    if wishes.get("priority", "routine") not in ("routine", "urgent"):
        raise ValidationError({"priority": _("Choose how urgent it is.")})
    who = wishes.get("practitioner_id")
    if who and not Practitioner.objects.filter(pk=who, is_bookable=True).exists():
        raise ValidationError({"practitioner": _("Choose a provider from the list.")})
    values["note"] = str(wishes.get("note") or "").strip()
    return values


@transaction.atomic
def change_wishes(*, entry_id: UUID, version: int, by: Actor, now: datetime, **wishes: Any) -> WaitlistEntry:
    """Other wishes; since when they wait stays. Raises Conflict when somebody saved first, NotAllowed when it ended."""
    entry = lock(WaitlistEntry.objects, entry_id)
    check_can_manage(by, entry)
    if entry.status not in (EntryStatus.WAITING, EntryStatus.OFFERED):
        raise NotAllowed(_("This entry has ended. Put it back on the waitlist first."))
    if entry.version != version:
        raise Conflict(_("Somebody else changed this entry meanwhile. Look at it again."))
    values = _checked(wishes, now)
    changed = {name: str(value) for name, value in values.items() if getattr(entry, name) != value}
    for name, value in values.items():
        setattr(entry, name, value)
    entry.version += 1
    entry.save()
    record_edit(entry, "update", by=by, now=now, fields=sorted(changed))
    return entry


@transaction.atomic
@in_clinic_language
def take_off_waitlist(*, entry_id: UUID, reason: str, by: Actor, now: datetime) -> WaitlistEntry:
    """They wait no more, and why. A time offered to them is taken back and can be offered to the next."""
    entry = _free_of_offers(entry_id, _("They wait no more."), by=by, now=now)
    check_can_manage(by, entry)
    move(entry, "close", by=by, now=now, reason=reason.strip())
    _settled(entry, _("They wait no more."), by=by, now=now)
    return entry


def _free_of_offers(entry_id: UUID, reason: str, *, by: Actor, now: datetime) -> WaitlistEntry:
    """The entry, locked, with nothing on offer any more; offers are locked before their entry, as everywhere."""
    withdraw_offers_of([entry_id], reason=reason, by=by, now=now)
    entry = _locked(entry_id)
    if withdraw_offers_of([entry_id], reason=reason, by=by, now=now):  # made before the entry was locked
        entry.refresh_from_db()
    return entry


@transaction.atomic
@in_clinic_language
def put_back_on_waitlist(*, entry_id: UUID, reason: str, by: Actor, now: datetime) -> WaitlistEntry:
    """They wait again, since the same day as before. Raises Conflict when they wait for the same anew already."""
    entry = _locked(entry_id)
    check_can_manage(by, entry)
    return _put_back(entry, reason.strip(), by=by, now=now)


def _put_back(entry: WaitlistEntry, reason: str, *, by: Actor, now: datetime) -> WaitlistEntry:
    if entry.patient.status != PatientStatus.ACTIVE:
        raise NotAllowed(_("Only an active patient can wait for a visit."))
    there = _("This patient already waits for this visit type here. Change that entry instead.")
    with refusals(waitlist_entry_once=there), transaction.atomic():
        move(entry, "reopen", by=by, now=now, reason=reason, appointment=None)
    _look_again(entry, by=by, now=now)
    return entry


@transaction.atomic
@in_clinic_language
def enter_waiting_in_error(*, entry_id: UUID, reason: str, by: Actor, now: datetime) -> WaitlistEntry:
    """They never waited. It leaves every list; its history stays."""
    entry = _free_of_offers(entry_id, _("The entry was entered in error."), by=by, now=now)
    check_can_correct(by, entry)
    move(entry, "enter_in_error", by=by, now=now, reason=reason.strip())
    _settled(entry, _("The entry was entered in error."), by=by, now=now)
    return entry


@transaction.atomic
@in_clinic_language
def end_waiting(*, patient: Patient, change: Any, by: Actor, now: datetime) -> int:
    """The patient died or left: they wait for nothing any more. A consequence; returns how many entries ended."""
    reason = as_kept(BECAUSE[change.step])
    open_ones = WaitlistEntry.objects.open().filter(patient=patient).order_by("pk")
    keys = list(open_ones.values_list("pk", flat=True))
    for key in keys:
        entry = _free_of_offers(key, reason, by=by, now=now)
        move(entry, "close", by=by, now=now, reason=reason, **{MARK: str(change.pk)})
        _settled(entry, reason, by=by, now=now)
    return len(keys)


@transaction.atomic
@in_clinic_language
def take_up_waiting(*, patient: Patient, by: Actor, now: datetime) -> int:
    """The patient is active again: what their leaving ended, and nobody touched since, goes on, since the same day."""
    keys = leavings(patient)
    ended = {f"changes__facts__{MARK}__in": keys, "changes__step": "close"}
    found = WaitlistEntry.objects.filter(patient=patient, status=EntryStatus.CLOSED, **ended).distinct()
    taken = 0
    for pk in list(found.order_by("pk").values_list("pk", flat=True)):
        last = WaitlistEntryChange.objects.filter(record=pk).order_by("-at", "-id").first()
        if last is None or last.facts.get(MARK) not in keys:
            continue
        try:
            _put_back(_locked(pk), str(BACK), by=by, now=now)
        except Conflict:
            continue  # they wait for the same anew
        taken += 1
    return taken


def _locked(entry_id: UUID) -> WaitlistEntry:
    source = WaitlistEntry.objects.select_related("patient__site", "patient__coordinator", "site", "service")
    return lock(source, entry_id)


def _settled(entry: WaitlistEntry, outcome: str, *, by: Actor, now: datetime) -> None:
    clocks.void_clocks(subject=entry, kinds=[REVIEW], reason=outcome, by=by, now=now)
    careplans.close_tasks_caused_by(cause=entry, by=by, now=now, outcome=outcome)


def _look_again(entry: WaitlistEntry, *, by: Actor, now: datetime) -> Task:
    """Somebody looks at it again by the register's date, and the screen can say why that day."""
    clock = clocks.start_clock(
        subject=entry,
        kind=REVIEW,
        anchor_at=now,
        anchor_label=_("last looked at"),
        zone=entry.site.zone,
        calendar=entry.site.calendar,
        site_id=entry.site_id,
        by=by,
        now=now,
    )
    return careplans.open_task(
        patient=entry.patient,
        site=entry.site,
        kind=TaskKind.BOOK_VISIT,
        title=_("On the waitlist: %(service)s") % {"service": entry.service.name},
        reason=_("Waits for a visit since %(day)s.")
        % {"day": day(entry.since.astimezone(entry.site.tzinfo))},
        next_step=_("Look for a time, or ask whether they still wait."),
        clock=clock,
        dedupe_key=waiting_key(entry.pk),
        cause=entry,
        by=by,
        now=now,
    )


@transaction.atomic
@in_clinic_language
def look_after_waitlist(*, site: Site, by: Actor, now: datetime) -> int:
    """Every night: whoever still waits has an open task again, dated from now. Returns how many were opened."""
    looked_after = Task.objects.open().filter(site=site, dedupe_key__startswith="waitlist:")
    keys: Iterable[str] = looked_after.values_list("dedupe_key", flat=True)
    known = {key.partition(":")[2] for key in keys}
    waiting = WaitlistEntry.objects.open().filter(site=site).values_list("pk", flat=True).order_by("pk")
    found = [pk for pk in waiting if str(pk) not in known]
    for pk in found:
        entry = _locked(pk)
        if entry.status in (EntryStatus.WAITING, EntryStatus.OFFERED):
            clocks.meet_clocks(subject=entry, kinds=[REVIEW], by=by, now=now)
            _look_again(entry, by=by, now=now)
    return len(found)
