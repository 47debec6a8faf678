"""Reminders of visits: planned as ledger rows, checked once more before they leave, followed up when they fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.accounts.models import Site
from coordinator.audit import services as audit
from coordinator.messaging import services as messaging
from coordinator.messaging.models import REMINDER
from coordinator.messaging.services import Draft
from coordinator.workflow import Actor
from scheduling.models import Appointment
from scheduling.rules import reminder_texts
from scheduling.rules.reminder_words import pack
from scheduling.rules.reminders import Decision, plan, visit_key
from scheduling.selectors.reminder_facts import (
    Cadence,
    Facts,
    Person,
    cadence,
    due_patients,
    ledger_facts,
    range_end,
    sender,
    visit_facts,
)

BATCH = 1000  # patients
ONE_DAY = timedelta(days=1)
ABOUT = "scheduling.appointment"


@dataclass
class Planned:
    """What one planning run decided. `already` were decided before, `revised` got another decision this time."""

    planned: int = 0
    revised: int = 0
    already: int = 0
    late: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    decisions: list[Decision] = field(default_factory=list)  # new ones, when asked to keep them
    revisions: dict[UUID, Decision] = field(default_factory=dict)  # by message, likewise

    def add(self, other: Planned) -> None:
        self.planned += other.planned
        self.revised += other.revised
        self.already += other.already
        self.late += other.late
        self.skipped.update(other.skipped)
        self.decisions += other.decisions
        self.revisions |= other.revisions

    def as_counts(self) -> dict[str, Any]:
        return {
            "planned": self.planned,
            "revised": self.revised,
            "already": self.already,
            "late": self.late,
            "skipped": dict(sorted(self.skipped.items())),
        }


def plan_reminders(
    *,
    appointments: Iterable[Appointment] | None = None,
    now: datetime,
    run_id: UUID | None = None,
    by: Actor,
    site: Site | None = None,
    dry_run: bool = False,
    replay: bool = False,
    keep: bool = False,
    progress: Any = None,
) -> Planned:
    """Write the ledger rows of visits whose reminders are due in the coming days. Twice is the same as once.

    For `appointments` all visits of their patients are looked at, so that a visit on the same day is told in the
    same message; else every visit of `site` (None: of all). Each thousand patients are one transaction and a fixed
    number of queries. `dry_run` decides the same and writes nothing; `replay` stands for a night made up for later;
    `keep` returns the decisions; `progress()` is called after each batch.
    """
    windows = cadence()
    total = Planned()
    near = None if appointments is None else _patients_near(appointments, windows, now)
    if not windows.longest or near == []:
        return total
    sites = Site.objects.in_bulk()
    if not sites:
        return total
    run = _Run(sites, windows, now, run_id, dry_run, replay, keep)
    if near is not None:
        only, patients = None, near
    else:
        only = frozenset([site.pk]) if site else frozenset(sites)
        patients = due_patients(sites=only, now=now, until=max(run.until(sites[key]) for key in only))
    for start in range(0, len(patients), BATCH):
        total.add(_plan_batch(patients[start : start + BATCH], run, only=only))
        if progress is not None:
            progress()
    if only is None:
        return total
    if not dry_run:
        _record_run(total, by=by, site=site, run_id=run_id)
    return total


def plan_patient(*, patient_id: UUID, now: datetime, by: Actor) -> Planned:
    """Plan the reminders of one patient's coming visits, after something about the patient changed."""
    coming = Appointment.objects.filter(patient=patient_id).upcoming(now).only("patient", "start")
    return plan_reminders(appointments=coming, now=now, by=by)


def withdraw_patient(*, patient_id: UUID, now: datetime) -> int:
    """Take back what is not sent yet to somebody who died or is no longer a patient."""
    return messaging.withdraw(
        patient_ids=[patient_id], purpose=REMINDER, reason=_("The patient is not active."), now=now
    )


@dataclass(frozen=True)
class _Run:
    sites: Mapping[UUID, Site]
    windows: Cadence
    now: datetime
    run_id: UUID | None
    dry_run: bool
    replay: bool
    keep: bool

    def until(self, site: Site) -> datetime:
        return range_end(self.now, self.windows.longest, site.zone)


def _patients_near(appointments: Iterable[Appointment], windows: Cadence, now: datetime) -> list[UUID]:
    """Patients of those visits that may be near enough to be reminded of; most bookings end here.

    Two days more than the longest window: by then it is over on every site's clock.
    """
    until = now + (windows.longest + 2) * ONE_DAY
    return sorted({visit.patient_id for visit in appointments if now - ONE_DAY < visit.start < until})


def _plan_batch(patient_ids: Sequence[UUID], run: _Run, *, only: frozenset[UUID] | None) -> Planned:
    """Read, decide and write for some patients. A lock on them and their addresses makes limits exact."""
    facts = visit_facts(
        patient_ids,
        sites=run.sites,
        windows=run.windows,
        now=run.now,
        until=max(run.until(site) for site in run.sites.values()),
        as_of_then=run.replay,
    )
    near = [v for v in facts.visits if v.start < run.until(run.sites[v.site_id])]
    if run.dry_run:
        return _decide_and_write(Facts(near, facts.people), run, only)
    with transaction.atomic():
        addresses = {address.value for visit in near for address in visit.addresses}
        messaging.lock_people([*{visit.patient_id for visit in near}, *addresses])
        return _decide_and_write(Facts(near, facts.people), run, only)


def _decide_and_write(facts: Facts, run: _Run, only: frozenset[UUID] | None) -> Planned:
    known = ledger_facts(facts.visits, now=run.now)
    decisions = plan(facts.visits, now=run.now, ledger=known.ledger)
    if only is not None:
        decisions = [d for d in decisions if d.visit.site_id in only]
    result = Planned(already=sum(d.skip_reason == "already_in_ledger" for d in decisions))
    decisions = [d for d in decisions if d.skip_reason != "already_in_ledger"]
    short = {id(d): visit_key(d.visit.id, d.visit.version, d.window) for d in decisions}
    new = [d for d in decisions if short[id(d)] not in known.present]
    # A skipped or withdrawn row changes only when the message may go after all.
    again = [d for d in decisions if short[id(d)] in known.revisable and not d.skip_reason]
    result.already += len(decisions) - len(new) - len(again)
    if run.dry_run:
        _count(result, new, again)
    else:
        _write(result, new, again, known.revisable, facts.people, run)
    if run.keep:
        result.decisions = new
        result.revisions = {known.revisable[short[id(d)]]: d for d in again}
    return result


def _write(
    result: Planned,
    new: list[Decision],
    again: list[Decision],
    revisable: Mapping[str, UUID],
    people: Mapping[UUID, Person],
    run: _Run,
) -> None:
    drafts = {d.key: (d, _draft(d, people[d.visit.patient_id], run.sites)) for d in new}
    made = messaging.schedule_many(
        [draft for _decision, draft in drafts.values()], now=run.now, run_id=run.run_id, replay=run.replay
    )
    second = {
        revisable[visit_key(d.visit.id, d.visit.version, d.window)]: (
            d,
            _draft(d, people[d.visit.patient_id], run.sites),
        )
        for d in again
    }
    revised = messaging.revise(
        {pk: draft for pk, (_decision, draft) in second.items()},
        now=run.now,
        run_id=run.run_id,
        replay=run.replay,
    )
    written = [drafts[key][0] for key in made]
    result.already += len(new) - len(written)
    _count(result, written, [second[pk][0] for pk in revised])
    if not run.replay and any(not d.skip_reason and d.send_after <= run.now for d in written):
        messaging.hint()


def _count(result: Planned, new: Sequence[Decision], again: Sequence[Decision]) -> None:
    for decision in (*new, *again):
        if decision.skip_reason:
            result.skipped[decision.skip_reason] += 1
        else:
            result.planned += 1
            result.late += decision.late
    result.revised += len(again)


def _draft(decision: Decision, person: Person, sites: Mapping[UUID, Site]) -> Draft:
    visit, address = decision.visit, decision.address
    text = None
    if not decision.skip_reason and address is not None:
        text = reminder_texts.reminder(
            channel=address.channel,
            language=person.language,
            sender=sender(sites[visit.site_id]),
            first_name=person.first_name,
            starts=[visit.start, *(other.start for other in decision.also)],
            zone=visit.zone,
            time_known=all(v.time_known for v in (visit, *decision.also)),
        )
    return Draft(
        key=decision.key,
        purpose=REMINDER,
        about_type=ABOUT,
        about_id=visit.id,
        patient_id=visit.patient_id,
        site_id=visit.site_id,
        window=f"{decision.window}d",
        channel=decision.channel,
        address=address.value if address else "",
        subject=text.subject if text else "",
        body=text.body if text else "",
        language=text.language if text else "",
        skip_reason=decision.skip_reason,
        send_after=decision.send_after,
        expires_at=decision.expires_at,
        slots=decision.slots,
        late=decision.late,
        explanation=pack(decision.steps),
    )


def _record_run(total: Planned, *, by: Actor, site: Site | None, run_id: UUID | None) -> None:
    audit.record(
        by=by,
        action="plan_reminders",
        entity="messaging.message",
        entity_id=run_id or "",
        site_id=site.pk if site else None,
        details=total.as_counts(),
    )
