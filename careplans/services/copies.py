"""A copy of the plan or the visits that was given away: to whom, how, in which language."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from careplans.models import CarePlan, CopyWay
from careplans.permissions import check_can_log_contact
from coordinator.wording import language_name
from coordinator.workflow import Actor, record_edit
from patients.models import Patient, RelatedPerson, Topic
from patients.safe_contact import safety

CHANNELS = {CopyWay.HAND: "in_person", CopyWay.MAIL: "letter"}


@transaction.atomic
def give_copy(
    *,
    patient: Patient,
    plans: Sequence[CarePlan],
    way: str,
    language: str,
    is_large: bool,
    by: Actor,
    now: datetime,
    to: RelatedPerson | None = None,
    parts: Collection[str] = (),
    protected: bool = False,
) -> None:
    """Keep on each plan that was on the paper (on the patient's record without one) that a copy was given, with what
    it held (`parts`) and whether protected entries were on it (42 CFR 2.31: such a disclosure is accounted for).

    Raises ValidationError at `way` when safe contact forbids it, at `to` for somebody who is not to be contacted.
    """
    check_can_log_contact(by, patient)
    if way not in CopyWay.values:
        raise ValidationError({"way": _("Choose how it was given.")})
    if to is not None and not to.may_be_contacted(now.astimezone(patient.site.tzinfo).date()):
        raise ValidationError({"to": _("This person is not to be contacted.")})
    if to is not None and plans and not to.may_hear(Topic.PLAN, now.astimezone(patient.site.tzinfo).date()):
        raise ValidationError({"to": _("This person may not be given the care plan.")})
    why_not = safety(patient).why_not(CHANNELS[CopyWay(way)], None)
    if why_not:
        raise ValidationError({"way": why_not})
    facts: dict[str, Any] = {
        "way": way,
        "to": str(to.pk) if to else "",
        "language": language,
        "is_large": is_large,
        "parts": sorted(parts),
        "protected": protected,
    }
    words = _words(to, way, language, is_large, protected)
    for plan in plans:
        record_edit(plan, "give_copy", by=by, now=now, reason=words, **facts)
    if not plans:
        facts |= {"fields": [], "version": patient.version}
        record_edit(patient, "give_copy", by=by, now=now, reason=words, **facts)


def _words(to: RelatedPerson | None, way: str, language: str, is_large: bool, protected: bool) -> str:
    """ "To Ana Alvarez, by mail, Spanish, large print": one line for the history."""
    whom = _("To %(name)s") % {"name": to.name} if to else _("To the patient")
    parts = [
        whom,
        str(CopyWay(way).label),
        language_name(language),
        *([_("large print")] if is_large else []),
        *([_("with protected entries")] if protected else []),
    ]
    return ", ".join(parts)
