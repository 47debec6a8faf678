"""Who a referral goes to: an entry of the directory, an organization, or somebody typed by hand; and the words as sent."""

from __future__ import annotations

from typing import Any

from coordinator.accounts.models import Organization
from coordinator.audit import services as audit
from coordinator.workflow import Actor, System
from referrals.models import Practice, Referral

TYPED = ("recipient_name", "recipient_phone", "recipient_fax")
SENDING = System("sending")
NAMES = ("practice", "recipient_organization", *TYPED)


def settle_recipient(given: dict[str, Any], by: Actor) -> dict[str, Any]:
    """The facts of a referral with its recipient in every form: the entry, the organization, and the words as sent.

    An entry goes before a typed name, a typed name before an organization. Facts without a recipient stay as they are.
    A typed name that no organization has with these numbers makes one, so that letters, boards and reports know it.
    """
    if not set(NAMES) & set(given):
        return given
    practice, organization = given.get("practice"), given.get("recipient_organization")
    typed = {name: (given.get(name) or "").strip() for name in TYPED}
    if practice is not None:
        return given | facts_of_practice(practice)
    if typed["recipient_name"]:
        organization = _named(typed, by)
        return given | {"practice": _entry_of(organization), "recipient_organization": organization} | typed
    if organization is None:
        return given | {"practice": None} | dict.fromkeys(TYPED, "")
    entry = _entry_of(organization)
    if entry is not None:
        return given | facts_of_practice(entry)
    said = {
        "recipient_name": organization.name,
        "recipient_phone": organization.phone,
        "recipient_fax": organization.fax,
    }
    return given | {"practice": None, "recipient_organization": organization} | said


def facts_of_practice(practice: Practice) -> dict[str, Any]:
    """What a referral keeps of an entry of the directory."""
    return {
        "practice": practice,
        "recipient_organization": practice.organization,
        "recipient_name": practice.name,
        "recipient_phone": practice.phone,
        "recipient_fax": practice.fax,
    }


def words_as_sent(referral: Referral, organization: Organization | None) -> dict[str, Any]:
    """What the directory says on the day of sending; a recipient that it does not know stays as it was typed."""
    same = organization is None or organization.pk == referral.recipient_organization_id
    if same and referral.practice_id is None and referral.recipient_name:
        return {}
    entry = _entry_of(organization) if organization is not None else referral.practice
    if entry is not None:
        return facts_of_practice(entry)
    if organization is None:
        return {}
    return settle_recipient({"recipient_organization": organization}, SENDING)


def _entry_of(organization: Organization) -> Practice | None:
    return Practice.objects.select_related("organization").filter(organization=organization).first()


def _named(typed: dict[str, str], by: Actor) -> Organization:
    """The organization of this name that has the typed numbers, or a new one: another practice may have the same name."""
    name = typed["recipient_name"]
    for known in Organization.objects.filter(name__iexact=name, is_active=True).order_by("pk"):
        if _fits(typed["recipient_phone"], known.phone) and _fits(typed["recipient_fax"], known.fax):
            return known
    made = Organization.objects.create(name=name, phone=typed["recipient_phone"], fax=typed["recipient_fax"])
    audit.record(by=by, action="create", entity="accounts.organization", entity_id=made.pk)
    return made


def _fits(typed: str, known: str) -> bool:
    """Whether nothing was typed, or the same number, however either is written."""
    return not typed or _digits(typed) == _digits(known)


def _digits(number: str) -> str:
    return "".join(c for c in number if c.isdigit())[-10:]
