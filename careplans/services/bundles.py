"""Protocol bundles: kept by managers, started for a patient once, and cancelled as far as they are not done."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import override

from careplans.models import Bundle, BundleItem, StartedBundle, Task
from careplans.permissions import check_can_open, check_can_set_up, check_can_work
from careplans.services.locking import CLOSED, lock_task
from careplans.services.opening import open_task
from careplans.services.tasks import cancel_locked, check_close_reason
from careplans.setup_selectors import plan_bundle
from coordinator.audit import services as audit
from coordinator.db import Conflict, lock, refusals
from coordinator.wording import day
from coordinator.workflow import Actor, NotAllowed, person
from patients.models import Patient
from patients.workflow import PatientStatus

FIELDS = ("name", "program", "anchor", "about")
ITEM_FIELDS = ("kind", "title", "next_step", "days", "counts", "goes_to", "team_name", "role", "checklist")
MOST_ITEMS = 40


# --- the table that managers keep -------------------------------------------------------------------------


@transaction.atomic
def save_bundle(*, by: Actor, now: datetime, bundle_id: UUID | None = None, **fields: str) -> Bundle:
    """A new bundle, or changes of one (FIELDS). Tasks of bundles that were started stay as they are.

    Raises ValidationError for a name that is taken.
    """
    check_can_set_up(by)
    bundle = lock(Bundle.objects, bundle_id) if bundle_id else Bundle(created_by=person(by))
    changed = [name for name in FIELDS if name in fields and fields[name] != getattr(bundle, name)]
    for name in changed:
        setattr(bundle, name, fields[name])
    taken = _("There is a bundle with this name already.")
    if Bundle.objects.filter(name__iexact=bundle.name).exclude(pk=bundle.pk).exists():
        raise ValidationError({"name": taken})
    bundle.version += 1 if bundle_id else 0
    with refusals(bundle_name_once=taken), transaction.atomic():
        bundle.save()
    audit.record_change(bundle, "save", by=by, details={"fields": changed})
    return bundle


@transaction.atomic
def retire_bundle(*, bundle_id: UUID, by: Actor, now: datetime, again: bool = False) -> Bundle:
    """Offered no more, or `again`. What was started goes on."""
    check_can_set_up(by)
    bundle = lock(Bundle.objects, bundle_id)
    bundle.retired_at = None if again else bundle.retired_at or now
    _touch(bundle, "restore" if again else "retire", by)
    return bundle


@transaction.atomic
def save_item(
    *, bundle_id: UUID, by: Actor, now: datetime, item_id: UUID | None = None, **fields: Any
) -> BundleItem:
    """A task more in a bundle, at its end, or changes of one (ITEM_FIELDS).

    Raises ValidationError for a role that is missing, BundleItem.DoesNotExist for an item of another bundle.
    """
    check_can_set_up(by)
    bundle = lock(Bundle.objects, bundle_id)
    items = bundle.items.all()
    if item_id:
        item = items.get(pk=item_id)
    elif items.count() >= MOST_ITEMS:
        raise ValidationError(_("A bundle holds at most %(n)d tasks.") % {"n": MOST_ITEMS})
    else:
        last = items.aggregate(last=Max("position"))["last"] or 0
        item = BundleItem(bundle=bundle, position=last + 1)
    for name in ITEM_FIELDS:
        if name in fields:
            setattr(item, name, fields[name])
    if item.goes_to == "role" and not item.role:
        raise ValidationError({"role": _("Choose the role.")})
    item.save()
    _touch(bundle, "save_item", by, item=str(item.pk))
    return item


@transaction.atomic
def move_item(*, item_id: UUID, up: bool, by: Actor, now: datetime) -> BundleItem:
    """One place up or down in its bundle."""
    item, items = _items_with(item_id, by)
    place = [one.pk for one in items].index(item_id)
    other = place + (-1 if up else 1)
    if 0 <= other < len(items):
        items[place], items[other] = items[other], items[place]
        for number, one in enumerate(items, 1):
            one.position = number
        BundleItem.objects.bulk_update(items, ["position"])
        _touch(item.bundle, "move_item", by, item=str(item_id))
    return item


@transaction.atomic
def remove_item(*, item_id: UUID, by: Actor, now: datetime) -> Bundle:
    """Not part of the bundle any more; tasks that were made from it stay."""
    item, _items = _items_with(item_id, by)
    bundle = item.bundle
    _touch(bundle, "remove_item", by, item=str(item_id), title=item.title)
    item.delete()
    return bundle


def _items_with(item_id: UUID, by: Actor) -> tuple[BundleItem, list[BundleItem]]:
    """The item with its bundle locked, and all items of it in order."""
    check_can_set_up(by)
    item = BundleItem.objects.get(pk=item_id)
    item.bundle = lock(Bundle.objects, item.bundle_id)
    return item, list(item.bundle.items.all())


def _touch(bundle: Bundle, action: str, by: Actor, **details: Any) -> None:
    bundle.version += 1
    bundle.save()
    audit.record_change(bundle, action, by=by, details=details)


# --- using it -----------------------------------------------------------------------------------------------


@transaction.atomic
def start_bundle(
    *,
    patient: Patient,
    bundle_id: UUID,
    anchor_on: date,
    by: Actor,
    now: datetime,
    version: int | None = None,
    item_ids: Collection[UUID] | None = None,
) -> tuple[StartedBundle, Sequence[Task]]:
    """Make the dated tasks of a bundle for a patient, once for each day it counts from.

    `item_ids` leaves the other items out; None takes all. `version` is the one that was looked at. `patient` comes
    with site, calendar and coordinator. Raises PermissionDenied, ValidationError, NotAllowed for a retired bundle, and
    Conflict when the bundle was changed meanwhile or is started already.
    """
    check_can_open(by, patient.site)
    held = lock(Patient.objects, patient.pk)  # nobody dies or leaves between the look and the tasks
    bundle = lock(Bundle.objects, bundle_id)
    _check_can_start(bundle, held, version)
    planned = [
        one
        for one in plan_bundle(bundle, patient, anchor_on, by, now)
        if item_ids is None or one.item.pk in item_ids
    ]
    if not planned:
        raise ValidationError(_("Choose at least one task."))
    _refuse_second_start(bundle, patient, anchor_on)
    started = StartedBundle(
        patient=patient,
        bundle=bundle,
        name=bundle.name,
        anchor_on=anchor_on,
        start_key=f"{patient.pk}:{bundle.pk}:{anchor_on}",
        created_by=person(by),
    )
    with refusals(bundle_started_once=_started_already(bundle, anchor_on)):
        started.save(force_insert=True)
    audit.record_change(started, "start", by=by, details={"bundle": str(bundle.pk), "items": len(planned)})
    with override(settings.LANGUAGE_CODE):  # kept with the tasks, so in the clinic's language
        words = {"bundle": bundle.name, "anchor": bundle.anchor, "day": day(anchor_on)}
        why = _("%(bundle)s: %(anchor)s %(day)s") % words
    tasks = [
        open_task(
            patient=patient,
            site=patient.site,
            kind=one.item.kind,
            title=one.item.title,
            next_step=one.item.next_step,
            reason=why,
            program=bundle.program,
            owner=one.owner,
            team=one.team,
            due_at=one.planned.due_at,
            checklist=[{"text": text, "done": False} for text in one.item.checklist] or None,
            dedupe_key=f"bundle:{started.pk}:{one.item.pk}",
            cause=started,
            by=by,
            now=now,
        )
        for one in planned
    ]
    return started, tasks


def _check_can_start(bundle: Bundle, patient: Patient, version: int | None) -> None:
    if patient.status != PatientStatus.ACTIVE:
        raise NotAllowed(_("The patient is not active."))
    if bundle.retired_at is not None:
        raise NotAllowed(_("This bundle is not offered any more."))
    if version is not None and version != bundle.version:
        raise Conflict(_("The bundle was changed while you looked. Look at its tasks again."))


def _refuse_second_start(bundle: Bundle, patient: Patient, anchor_on: date) -> None:
    """Also after a merge, when the earlier start carries the key of the other record."""
    same = StartedBundle.objects.running().filter(patient=patient, bundle=bundle, anchor_on=anchor_on)
    if same.exists():
        raise Conflict(_started_already(bundle, anchor_on))


def _started_already(bundle: Bundle, anchor_on: date) -> str:
    words = {"name": bundle.name, "anchor": bundle.anchor, "day": day(anchor_on)}
    return _("“%(name)s” is started already for this patient: %(anchor)s %(day)s.") % words


@transaction.atomic
def cancel_bundle(*, started_id: UUID, close_reason: str, by: Actor, now: datetime, note: str = "") -> int:
    """Close what is still open of a started bundle, for a reason of the list; returns how many tasks.

    All or nothing. Raises NotAllowed when it was cancelled already, ValidationError, PermissionDenied.
    """
    started = lock(StartedBundle.objects.select_related("patient"), started_id)
    check_can_open(by, started.patient.site)
    if started.cancelled_at is not None:
        raise NotAllowed(_("The rest of this bundle was cancelled already."))
    keys = Task.objects.open().filter(cause_type="careplans.startedbundle", cause_id=started.pk)
    tasks = [lock_task(key) for key in keys.order_by("pk").values_list("pk", flat=True)]
    closed = [task for task in tasks if task.status not in CLOSED]
    for task in closed:
        check_can_work(by, task)
        check_close_reason(task, close_reason, note)
        cancel_locked(task, close_reason=close_reason, note=note, by=by, now=now)
    started.cancelled_at, started.cancelled_by = now, person(by)
    started.cancel_reason = (note or close_reason)[:200]
    started.version += 1
    started.save()
    audit.record_change(started, "cancel", by=by, reason=note, details={"closed": len(closed)})
    return len(closed)
