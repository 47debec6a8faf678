"""Work that nobody asked for by hand: discharges to follow up, and what is about to run out.

Every night again, by key, so that nothing is opened twice; what no longer applies closes by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from careplans import services as careplans
from careplans.models import Task, TaskKind
from careplans.rules import end_of_day
from careplans.services.opening import first_status
from coordinator.accounts.models import Site, Team
from coordinator.clocks.services import start_clock, void_clocks
from coordinator.db import lock
from coordinator.wording import day, in_clinic_language
from coordinator.workflow import Actor, person
from patients.models import Consent, Document, Encounter
from patients.workflow import PatientStatus
from referrals.services.renewals import ENDS

# Settings (FHIR classes) after which transitional care begins; an emergency visit gets a call without that deadline.
ADMISSIONS = ("IMP", "ACUTE", "NONAC", "OBSENC")
EMERGENCY = "EMER"
LOOK_BACK = timedelta(days=7)
CALL_AFTER_EMERGENCY = timedelta(days=2)
PAPERS_AHEAD = timedelta(days=30)
RAN_OUT = timedelta(days=30)  # so long after its last day a thing is still asked about
EXPIRES = "expires:"
DISCHARGE = "discharge:"


# --- discharges ---------------------------------------------------------------------------------------------------


def discharges_without_task(site: Site, now: datetime) -> QuerySet[Encounter]:
    """Hospital stays and emergency visits of the last seven days that ended and that nobody follows up."""
    had_one = Task.objects.filter(cause_id=OuterRef("pk"), kind=TaskKind.DISCHARGE_CALL)
    found = Encounter.objects.filter(
        ~Exists(had_one),
        patient__site=site,
        patient__status=PatientStatus.ACTIVE,
        setting__in=(*ADMISSIONS, EMERGENCY),
        ended_at__gte=now - LOOK_BACK,
        ended_at__lte=now,
    )
    return found.exclude(status__in=("entered_in_error", "cancelled"))


def follow_up_discharges(*, site: Site, by: Actor, now: datetime) -> int:
    """Open a call for each of them; returns how many. Calls about stays that never were close, with their clocks."""
    _forget_mistaken(site, by, now)
    waiting = list(discharges_without_task(site, now).order_by("ended_at", "pk").values_list("pk", flat=True))
    return sum(_follow_up(pk, by, now) for pk in waiting)


@transaction.atomic
@in_clinic_language
def _forget_mistaken(site: Site, by: Actor, now: datetime) -> None:
    calls = Task.objects.open().filter(site=site, dedupe_key__startswith=DISCHARGE)
    stays = Encounter.objects.filter(
        pk__in=list(calls.values_list("cause_id", flat=True)), status="entered_in_error"
    )
    for stay in stays.order_by("pk"):
        outcome = _("The stay was entered in error.")
        careplans.close_automatic(dedupe_keys=[f"{DISCHARGE}{stay.pk}"], outcome=outcome, by=by, now=now)
        void_clocks(subject=stay, reason=outcome, by=by, now=now)


@transaction.atomic
@in_clinic_language
def _follow_up(pk: UUID, by: Actor, now: datetime) -> bool:
    stay = lock(Encounter.objects.select_related("patient__site__calendar", "patient__coordinator"), pk)
    if Task.objects.filter(cause_id=pk, kind=TaskKind.DISCHARGE_CALL).exists() or stay.ended_at is None:
        return False
    site, clock = stay.patient.site, None
    if stay.setting in ADMISSIONS:
        clock = start_clock(
            subject=stay,
            kind="tcm.contact",
            anchor_at=stay.ended_at,
            anchor_label=_("discharge"),
            zone=site.zone,
            calendar=site.calendar,
            site_id=site.pk,
            by=by,
            now=now,
        )
    left = stay.ended_at.astimezone(site.tzinfo).date()
    text = _("Discharged %(day)s.") if clock else _("Emergency visit, over %(day)s.")
    title = _("Post-discharge call") if clock else _("Call after an emergency visit")
    if stay.label:  # a task is read by more people than a protected stay is
        title, text = _("Follow-up call"), _("The reason is a protected entry of the record.")
    careplans.open_task(
        patient=stay.patient,
        site=site,
        kind=TaskKind.DISCHARGE_CALL,
        title=title,
        reason=text if stay.label else text % {"day": day(left)},
        next_step=_("Ask how they are, go through the medicines, book the follow-up visit."),
        program="TCM" if clock else "",
        clock=clock,
        due_at=clock.due_at if clock else end_of_day(left + CALL_AFTER_EMERGENCY, site.zone),
        dedupe_key=f"{DISCHARGE}{pk}",
        cause=stay,
        by=by,
        now=now,
    )
    return True


# --- what runs out ------------------------------------------------------------------------------------------------


def _running_out(site: Site, now: datetime) -> Iterator[tuple[str, Any, Any]]:
    """(key, record, last day) of consents and papers of active patients; two queries."""
    today = now.astimezone(site.tzinfo).date()
    active = {"patient__site": site, "patient__status": PatientStatus.ACTIVE}
    people = ("patient__site", "patient__coordinator")
    span = (today - RAN_OUT, today + PAPERS_AHEAD)
    consents = Consent.objects.filter(**active, status=Consent.Status.ACTIVE, ends_on__range=span)
    for consent in consents.select_related(*people):
        yield f"{EXPIRES}consent:{consent.pk}:{consent.ends_on}", consent, consent.ends_on
    papers = Document.objects.filter(
        **active, status="current", kind__in=settings.DOCUMENT_RENEW_KINDS, expires_on__range=span
    ).defer("text")
    for paper in papers.select_related(*people):
        yield f"{EXPIRES}document:{paper.pk}:{paper.expires_on}", paper, paper.expires_on


@transaction.atomic
@in_clinic_language
def ask_about_ends(*, site: Site, by: Actor, now: datetime) -> int:
    """One task for each consent or paper that runs out soon, once for each last day; returns how many.

    Those renewed, ended or of somebody who left close. A last day that was asked about is not asked about again.
    """
    ending = {key: (record, last) for key, record, last in _running_out(site, now)}
    asked = Task.objects.filter(site=site, dedupe_key__startswith=EXPIRES)
    asked = asked.exclude(dedupe_key__startswith=ENDS)  # approvals: scheduling.services.renewals
    gone = asked.open().exclude(dedupe_key__in=list(ending)).values_list("dedupe_key", flat=True)
    if keys := list(gone):
        outcome = lazy("It was renewed, or is no longer needed.")
        careplans.close_automatic(dedupe_keys=keys, outcome=outcome, by=by, now=now)
    known = set(asked.filter(dedupe_key__in=list(ending)).values_list("dedupe_key", flat=True))
    teams: dict[UUID, Team] = {}
    tasks = [
        _task(key, record, last, site, teams, by, now)
        for key, (record, last) in sorted(ending.items())
        if key not in known
    ]
    return len(careplans.open_all(tasks, by=by, now=now))


def _task(
    key: str, record: Any, last: Any, site: Site, teams: dict[UUID, Team], by: Actor, now: datetime
) -> Task:
    owner, team = careplans.default_owner(record.patient, site, teams)
    if isinstance(record, Consent):
        title = _("Ask for the consent again: %(what)s") % {"what": record.get_kind_display()}
    else:
        # A task is read by more people than a protected paper is.
        what = _("a protected paper") if record.label else record.title
        title = _("Renew the paper: %(what)s") % {"what": what}
    return Task(
        created_by=person(by),
        patient=record.patient,
        site=site,
        kind=TaskKind.PAPERWORK,
        title=title[:200],
        reason=_("It ends %(day)s, and that is the date of this task.") % {"day": day(last)},
        next_step=_("Renew it before that day, or close this with why it may end."),
        status=first_status(owner, by),
        owner=owner,
        team=team,
        due_at=end_of_day(last, site.zone),
        opened_at=now,
        dedupe_key=key,
        cause_type=record._meta.label_lower,
        cause_id=record.pk,
    )
