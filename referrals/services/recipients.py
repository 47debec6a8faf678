"""Who a referral goes to: an entry of the directory, an organization, or somebody typed by hand; and the words as sent."""

from __future__ import annotations

from typing import Any

from coordinator.accounts.models import Organization
from coordinator.audit import services as audit
from coordinator.workflow import Actor, System
from referrals.models import Practice, Referral

TYPED = ("recipient_name", "recipient_phone", "recipient_fax")
SENDING = System("sending")
NUMBERS = ("phone", "fax")
NAMES = ("practice", "recipient_organization", *TYPED)


def settle_recipient(given: dict[str, Any], by: Actor, *, before: Referral | None = None) -> dict[str, Any]:
    """The facts of a referral with its recipient in every form: the entry, the organization, and the words as sent.

    An entry goes before a typed name, a typed name before an organization. Facts without a recipient stay as they are.
    A typed name that no organization has with these numbers makes one, so that letters, boards and reports know it.
    `before` is the referral that is corrected: another number under the same name corrects the organization it has.
    """
    if not set(NAMES) & set(given):
        return given
    practice, organization = given.get("practice"), given.get("recipient_organization")
    typed = {name: (given.get(name) or "").strip() for name in TYPED}
    if practice is not None:
        return given | facts_of_practice(practice)
    if typed["recipient_name"]:
        organization = _named(typed, by, before)
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


def _named(typed: dict[str, str], by: Actor, before: Referral | None) -> Organization:
    """The organization of this name that has the typed numbers: the one it was, one that is known, the one it was with
    its numbers corrected, or a new one, for another practice may have the same name."""
    name = typed["recipient_name"]
    known = Organization.objects.filter(name__iexact=name, is_active=True).order_by("pk")
    own = None
    if before is not None and before.recipient_organization_id is not None:
        own = known.filter(pk=before.recipient_organization_id, practice__isnull=True).first()
    for one in (own, *known):
        if one and _fits(typed["recipient_phone"], one.phone) and _fits(typed["recipient_fax"], one.fax):
            return one
    if before and own and (corrected := _corrected(own, typed, before, by)):
        return corrected
    made = Organization.objects.create(name=name, phone=typed["recipient_phone"], fax=typed["recipient_fax"])
    audit.record(by=by, action="create", entity="accounts.organization", entity_id=made.pk)
    return made


def _corrected(
    organization: Organization, typed: dict[str, str], before: Referral, by: Actor
) -> Organization | None:
    """The organization with the typed numbers, when those it had came from this referral or it had none."""
    wrong = []
    for name in NUMBERS:
        number, had = typed[f"recipient_{name}"], getattr(organization, name)
        if _fits(number, had):
            continue
        if had and _digits(had) != _digits(getattr(before, f"recipient_{name}")):
            return None
        setattr(organization, name, number)
        wrong.append(name)
    organization.save(update_fields=wrong)
    details = {"fields": wrong}
    audit.record(
        by=by, action="update", entity="accounts.organization", entity_id=organization.pk, details=details
    )
    return organization


def _fits(typed: str, known: str) -> bool:
    """Whether nothing was typed, or the same number, however either is written."""
    return not typed or _digits(typed) == _digits(known)


def _digits(number: str) -> str:
    return "".join(c for c in number if c.isdigit())[-10:]
