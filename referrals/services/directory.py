"""Writes to the directory of practices and services. Coordinators keep it; nothing in it is ever deleted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator.accounts.models import Organization
from coordinator.audit import services as audit
from coordinator.db import Conflict, lock, refusals
from coordinator.wording import language_name
from coordinator.wording import phone as written_phone
from coordinator.workflow import Actor, NotAllowed, person
from patients.services.entries import clean
from referrals.models import Practice, PracticeClinician, PracticeNetwork
from referrals.permissions import check_can_keep_directory
from referrals.rules.directory import is_npi

FACTS = (
    "name", "kind", "specialties", "npi", "address_line", "city", "state", "postal_code", "phone", "fax", "email",
    "portal", "channel", "languages", "accepting", "cost", "intake_rules", "wait_days", "wait_told_on", "wait_told_by",
    "notes",
)  # fmt: skip
NUMBER = re.compile(r"\+1[2-9][0-9]{9}")
STATE = re.compile(r"([A-Z]{2})?")


@transaction.atomic
def save_practice(
    *,
    practice_id: UUID | None,
    version: int | None,
    by: Actor,
    now: datetime,
    source: str = "",
    source_key: str = "",
    **facts: Any,
) -> Practice:
    """A new entry, or other facts of one that is there; its organization gets the same name and numbers.

    `version` is the one on screen (None: overwrite knowingly). Raises ValidationError at the fields, and Conflict with
    `extra`: version and fields {name: what somebody saved meanwhile}.
    """
    check_can_keep_directory(by)
    if unknown := set(facts) - set(FACTS):
        raise TypeError(f"Not facts of a practice: {sorted(unknown)}")
    practice = (
        lock(Practice.objects.select_related("organization"), practice_id)
        if practice_id
        else Practice(created_by=person(by), source=source, source_key=source_key)
    )
    _check(facts, now)
    values = clean(Practice, facts)
    changed = [name for name, value in values.items() if getattr(practice, name) != value]
    if practice_id and version is not None and version != practice.version:
        raise Conflict(
            _("Somebody saved this entry since you opened it. Saving again replaces what is named below."),
            version=practice.version,
            fields={name: _said(name, getattr(practice, name)) for name in changed},
        )
    if practice_id and not changed:
        return practice
    for name in changed:
        setattr(practice, name, values[name])
    practice.version += 1 if practice_id else 0
    _keep_organization(practice)
    with refusals(practice_source_once=_("This entry was imported already.")), transaction.atomic():
        practice.save()
    audit.record_change(
        practice, "update" if practice_id else "create", by=by, details={"fields": sorted(changed)}
    )
    return practice


def _said(name: str, value: Any) -> Any:
    """A fact as the other version names it beside the field."""
    if name == "languages":
        value = [language_name(code) for code in value]
    return ", ".join(value) if isinstance(value, list) else value


def _check(facts: dict[str, Any], now: datetime) -> None:
    """Raises ValidationError with a sentence at each field."""
    problems: dict[str, str] = {}
    for name in ("phone", "fax"):
        if facts.get(name) and not NUMBER.fullmatch(facts[name]):
            problems[name] = _("Enter a phone number with 10 digits, like (612) 555-0143")
    if facts.get("npi") and not is_npi(facts["npi"]):
        problems["npi"] = _("This is no NPI: it has 10 digits, and the last one checks the others.")
    if facts.get("state") and not STATE.fullmatch(facts["state"]):
        problems["state"] = _("Enter the two letters of the state, like MN")
    if facts.get("wait_days") is not None and not facts.get("wait_told_on"):
        problems["wait_told_on"] = _("Enter the day on which this wait was told.")
    if facts.get("wait_told_on") and facts["wait_told_on"] > timezone.localdate(now):
        problems["wait_told_on"] = _("This day is still to come.")
    if problems:
        raise ValidationError(problems)


def _keep_organization(practice: Practice) -> None:
    """What other apps refer to says the same as the directory."""
    organization = practice.organization if practice.organization_id else Organization()
    organization.name = practice.name
    organization.npi = practice.npi
    organization.phone, organization.fax = written_phone(practice.phone), written_phone(practice.fax)
    organization.address = "\n".join(filter(None, (practice.address_line, practice.place)))
    organization.is_active = practice.retired_at is None
    organization.save()
    practice.organization = organization


@transaction.atomic
def describe_organization(*, organization: Organization, by: Actor, now: datetime, **facts: Any) -> Practice:
    """An entry for an organization that referrals name already. Raises Conflict when it has one."""
    check_can_keep_directory(by)
    practice = Practice(organization=organization, created_by=person(by))
    _check(facts, now)
    for name, value in clean(Practice, facts).items():
        setattr(practice, name, value)
    _keep_organization(practice)
    with refusals(), transaction.atomic():
        practice.save()
    audit.record_change(practice, "create", by=by, details={"organization": str(organization.pk)})
    return practice


@transaction.atomic
def set_practice_retired(*, practice_id: UUID, retired: bool, by: Actor, now: datetime) -> Practice:
    """Offered no more, or offered again; referrals that name it stay as they are."""
    check_can_keep_directory(by)
    practice = lock(Practice.objects.select_related("organization"), practice_id)
    if practice.is_retired == retired:
        return practice
    practice.retired_at = now if retired else None
    practice.version += 1
    _keep_organization(practice)
    practice.save()
    audit.record_change(practice, "retire" if retired else "restore", by=by, details={})
    return practice


@transaction.atomic
def review_practice(*, practice_id: UUID, by: Actor, now: datetime) -> Practice:
    """Somebody compared all this with the practice today."""
    check_can_keep_directory(by)
    practice = lock(Practice.objects, practice_id)
    practice.reviewed_on, practice.reviewed_by = timezone.localdate(now), person(by)
    practice.version += 1
    practice.save()
    audit.record_change(practice, "review", by=by, details={"on": str(practice.reviewed_on)})
    return practice


# --- networks and clinicians ----------------------------------------------------------------------------


@transaction.atomic
def add_network(
    *,
    practice_id: UUID,
    by: Actor,
    now: datetime,
    payer_name: str,
    plan_name: str = "",
    network_name: str = "",
    participates: bool = True,
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> PracticeNetwork:
    """One statement about a payer. Raises ValidationError for a period that ends before it starts."""
    check_can_keep_directory(by)
    practice = lock(Practice.objects, practice_id)
    if starts_on and ends_on and ends_on < starts_on:
        raise ValidationError({"ends_on": _("It cannot end before it starts.")})
    row = PracticeNetwork(
        practice=practice,
        created_by=person(by),
        participates=participates,
        starts_on=starts_on,
        ends_on=ends_on,
        **clean(
            PracticeNetwork, {"payer_name": payer_name, "plan_name": plan_name, "network_name": network_name}
        ),
    )
    with refusals(practice_network_once=_("This network is on the list already.")), transaction.atomic():
        row.save()
    _hangs_on(practice, "add_network", by, network=str(row), participates=participates)
    return row


@transaction.atomic
def end_network(*, network_id: UUID, by: Actor, now: datetime) -> PracticeNetwork:
    """In the network until today; the row stays, so that the past can be explained."""
    check_can_keep_directory(by)
    row = lock(PracticeNetwork.objects.select_related("practice"), network_id)
    today = timezone.localdate(now)
    if row.ends_on is not None and row.ends_on <= today:
        return row
    if row.starts_on is not None and row.starts_on > today:
        raise NotAllowed(_("This network has not begun. Remove the line instead."))
    row.ends_on = today
    row.version += 1
    row.save()
    _hangs_on(row.practice, "end_network", by, network=str(row))
    return row


@transaction.atomic
def remove_network(*, network_id: UUID, by: Actor, now: datetime) -> None:
    """Take off a line that was a mistake; the audit trail keeps what it said."""
    check_can_keep_directory(by)
    row = lock(PracticeNetwork.objects.select_related("practice"), network_id)
    said = {"network": str(row), "from": str(row.starts_on or ""), "to": str(row.ends_on or "")}
    row.delete()
    _hangs_on(row.practice, "remove_network", by, **said)


@transaction.atomic
def add_clinician(
    *, practice_id: UUID, by: Actor, now: datetime, name: str, npi: str = "", specialty: str = ""
) -> PracticeClinician:
    check_can_keep_directory(by)
    practice = lock(Practice.objects, practice_id)
    _check({"npi": npi}, now)
    facts = clean(PracticeClinician, {"name": name, "npi": npi, "specialty": specialty})
    row = PracticeClinician(practice=practice, created_by=person(by), **facts)
    with refusals(practice_clinician_once=_("This clinician is on the list already.")), transaction.atomic():
        row.save()
    _hangs_on(practice, "add_clinician", by, clinician=row.name)
    return row


@transaction.atomic
def remove_clinician(*, clinician_id: UUID, by: Actor, now: datetime) -> None:
    """Does not work there any more, or never did."""
    check_can_keep_directory(by)
    row = lock(PracticeClinician.objects.select_related("practice"), clinician_id)
    row.delete()
    _hangs_on(row.practice, "remove_clinician", by, clinician=row.name)


@transaction.atomic
def set_lists(
    *,
    practice: Practice,
    networks: Iterable[dict[str, Any]],
    clinicians: Iterable[dict[str, Any]],
    by: Actor,
    now: datetime,
) -> None:
    """The networks and clinicians that an import says, in place of those there. Dates are dates or None."""
    check_can_keep_directory(by)
    practice.networks.all().delete()
    practice.clinicians.all().delete()
    mine: dict[str, Any] = {"practice": practice, "created_by": person(by), "created_at": now}
    PracticeNetwork.objects.bulk_create(PracticeNetwork(**mine, **row) for row in networks)
    PracticeClinician.objects.bulk_create(PracticeClinician(**mine, **row) for row in clinicians)
    _hangs_on(practice, "set_lists", by)


def _hangs_on(practice: Practice, action: str, by: Actor, **details: Any) -> None:
    """What hangs on an entry changes the entry: its version tells an import that somebody was here."""
    practice.version = lock(Practice.objects, practice.pk).version + 1
    practice.save(update_fields=["version", "updated_at"])
    audit.record_change(practice, action, by=by, details=details)
