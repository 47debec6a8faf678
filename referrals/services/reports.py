"""A consult report that is late is work of its own: somebody asks the recipient for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import Task, TaskKind
from coordinator.accounts.models import Site, User
from coordinator.clocks.rules import end_of_day, next_open_day
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.db import lock
from coordinator.wording import day, in_clinic_language
from coordinator.workflow import Actor
from patients.workflow import PatientStatus
from referrals.models import Referral
from referrals.services.next_steps import again
from referrals.workflow import ReferralStatus

KEY = "report_overdue:"


def report_key(referral: Referral) -> str:
    """One task for each deadline of a report: a new visit starts another."""
    return f"{KEY}{referral.pk}:{referral.clock_id}"


def late_reports(site: Site, now: datetime) -> QuerySet[Referral]:
    """Referrals whose patient was seen, whose report is not in by its date, and that nobody was asked about."""
    key: Any = Concat(
        Value(KEY), Cast(OuterRef("pk"), CharField()), Value(":"), Cast(OuterRef("clock_id"), CharField())
    )
    asked = Task.objects.filter(cause_id=OuterRef("pk"))
    had_one = asked.filter(dedupe_key=key)
    being_asked = asked.open().filter(dedupe_key__startswith=KEY)
    return Referral.objects.filter(
        ~Exists(had_one),
        ~Exists(being_asked),
        site=site,
        status=ReferralStatus.SEEN,
        clock__isnull=False,
        due_at__lt=now,
        patient__status=PatientStatus.ACTIVE,
    )


def ask_for_late_reports(*, site: Site, by: Actor, now: datetime) -> int:
    """Open a task for each of them, once for each deadline; returns how many. It is asked for again every 5 days."""
    waiting = list(late_reports(site, now).order_by("due_at", "pk").values_list("pk", flat=True))
    return sum(_ask(pk, site, by, now) for pk in waiting)


@transaction.atomic
@in_clinic_language
def _ask(referral_id: UUID, site: Site, by: Actor, now: datetime) -> bool:
    people = ("patient__coordinator", "site", "owner", "team", "recipient_organization", "recipient")
    referral = lock(Referral.objects.select_related(*people), referral_id)
    if not late_reports(site, now).filter(pk=referral.pk).exists() or referral.due_at is None:
        return False
    owner = User.objects.still_assignable(referral.owner, referral.site)
    due = next_open_day(now.astimezone(site.tzinfo).date(), as_calendar(calendar_for(site)))
    who = referral.recipient_organization or referral.recipient
    text = _("%(who)s was to report by %(day)s.") if who else _("The report was due %(day)s.")
    careplans.open_task(
        patient=referral.patient,
        site=referral.site,
        kind=TaskKind.REFERRAL_FOLLOW_UP,
        title=(_("Get the consult report: %(what)s") % {"what": referral.specialty})[:200],
        reason=(text % {"who": who, "day": day(referral.due_at.astimezone(site.tzinfo).date())})[:500],
        next_step=_("Ask for it, then record on the referral that it is in."),
        owner=owner,
        team=None if owner else referral.team,
        due_at=end_of_day(due, site.zone),
        dedupe_key=report_key(referral),
        cause=referral,
        by=by,
        now=now,
    )
    again(referral, by=by, now=now)
    return True


def report_settled(*, record: Referral, by: Actor, now: datetime) -> None:
    """The report is in, or the referral went another way: nobody has to ask any more."""
    asked = Task.objects.open().filter(cause_id=record.pk, dedupe_key__startswith=KEY)
    keys = list(asked.values_list("dedupe_key", flat=True))
    careplans.close_automatic(dedupe_keys=keys, outcome=record.get_status_display(), by=by, now=now)
