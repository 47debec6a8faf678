"""Papers that lapse: thirty days before, somebody is asked once to renew those of the kinds where it matters."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _

from careplans.models import Task, TaskKind
from careplans.services import default_owner, open_all
from careplans.services.opening import first_status
from coordinator import wording
from coordinator.accounts.models import Site, Team
from coordinator.workflow import Actor, person
from patients.models import Document, PatientStatus
from patients.models.documents import EXPIRES_SOON
from scheduling.rules.local_time import day_bounds

ABOUT = "patients.document"
BATCH = 500


def expiring_without_task(site: Site, on: date) -> QuerySet[Document]:
    """Documents of active patients that lapse within 30 days and about which nobody was asked for that day yet."""
    text = TextField()
    own_key = Concat(
        Value("renew:", text),
        Cast(OuterRef("pk"), text),
        Value(":", text),
        Cast(OuterRef("expires_on"), text),
        output_field=text,
    )
    had_one = Task.objects.filter(cause_id=OuterRef("pk"), dedupe_key=own_key)
    return (
        Document.objects.standing()
        .filter(
            ~Exists(had_one),
            kind__in=settings.DOCUMENT_RENEW_KINDS,
            patient__site=site,
            patient__status=PatientStatus.ACTIVE,
            expires_on__gte=on,
            expires_on__lte=on + EXPIRES_SOON,
        )
        .defer("text")
    )


@transaction.atomic
def ask_for_renewals(*, site: Site, on: date, by: Actor, now: datetime) -> int:
    """Open one task for each document that lapses soon; returns how many are new. At most 500 a night and site."""
    lapsing = expiring_without_task(site, on).select_related("patient__coordinator", "patient__site")
    teams: dict[UUID, Team] = {}
    tasks = [
        _task(document, site, by, now, teams) for document in lapsing.order_by("expires_on", "pk")[:BATCH]
    ]
    return len(open_all(tasks, by=by, now=now))


def _task(document: Document, site: Site, by: Actor, now: datetime, teams: dict[UUID, Team]) -> Task:
    owner, team = default_owner(document.patient, site, teams)
    assert document.expires_on is not None
    return Task(
        created_by=person(by),
        patient=document.patient,
        site=site,
        kind=TaskKind.PAPERWORK,
        title=_("Renew before it expires: %(title)s") % {"title": document.title[:150]},
        reason=_("It expires on %(day)s.") % {"day": wording.day(document.expires_on)},
        next_step=_("Ask for a new one and add it to the documents."),
        status=first_status(owner, by),
        owner=owner,
        team=team,
        due_at=day_bounds(document.expires_on, site.zone)[0],
        opened_at=now,
        dedupe_key=f"renew:{document.pk}:{document.expires_on}",
        cause_type=ABOUT,
        cause_id=document.pk,
    )
