"""Why a reminder goes when it goes, or does not go: the rule's steps as stored JSON, and as sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coordinator import wording
from coordinator.messaging.models import SkipReason
from scheduling.rules.reminders import Step


def pack(steps: Iterable[Step]) -> tuple[Any, ...]:
    """Steps as plain JSON: [code, facts] with moments in ISO form."""
    return tuple([code, {name: _plain(value) for name, value in facts.items()}] for code, facts in steps)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def sentences(packed: Sequence[Any]) -> list[str]:
    """The stored steps in the active language, each one sentence."""
    return [text for code, facts in packed if (text := _sentence(code, facts))]


def _sentence(code: str, facts: dict[str, Any]) -> str:
    if code == "visit":
        when = _moment(facts["start"], facts["zone"], facts["time_known"])
        return _("The visit is on %(when)s.") % {"when": when}
    if code == "window":
        days = facts["days"]
        text = ngettext(
            "%(n)d day before it at the site's reminder hour is %(when)s.",
            "%(n)d days before it at the site's reminder hour is %(when)s.",
            days,
        )
        return text % {"n": days, "when": _moment(facts["at"], facts["zone"])}
    if code == "late":
        return _("That had passed when this was planned (%(when)s), so it goes late.") % {
            "when": _moment(facts["now"], facts["zone"])
        }
    if code == "quiet_hours":
        zone = facts["zones"][0]
        return _("Quiet hours for the receiver (%(zones)s), so it waits until %(when)s.") % {
            "zones": ", ".join(facts["zones"]),
            "when": _moment(facts["until"], zone),
        }
    if code == "skip":
        return _reason(facts)
    return ""


def _reason(facts: dict[str, Any]) -> str:
    reason = SkipReason(facts["reason"])
    texts = {
        SkipReason.ALREADY_IN_LEDGER: _("It is in the ledger already."),
        SkipReason.NOT_REMINDABLE_STATUS: _("The visit was not booked at that time."),
        SkipReason.PATIENT_DECEASED_OR_INACTIVE: _("The patient is deceased or not active."),
        SkipReason.NO_PERMISSION: _("No mobile number or e-mail address may be used for messages."),
        SkipReason.OPTED_OUT: _("The patient does not want messages."),
        SkipReason.NO_ADDRESS: _("No mobile number and no e-mail address is recorded."),
        SkipReason.TOPIC_NOT_HELD: _(
            "The number or address belongs to somebody who may not hear about visits, or who is not recorded as family."
        ),
        SkipReason.ADDRESS_FAILING: _("Messages to the recorded number or address fail."),
        SkipReason.BOOKED_AFTER_WINDOW: _("It was booked after that moment."),
        SkipReason.WINDOW_MISSED: _(
            "No allowed hour was left before two hours to the visit or the next reminder."
        ),
        SkipReason.DUPLICATE_SAME_DAY_MERGED: _(
            "Another visit on that day is reminded of; one message is enough."
        ),
        SkipReason.DAILY_LIMIT: _("The number or address gets another message that day."),
        SkipReason.WEEKLY_LIMIT: _("The number or address gets three messages within seven days already."),
        SkipReason.SAFE_CONTACT_HOLD: _("The patient asked not to be contacted this way."),
        SkipReason.SITE_SWITCHED_OFF: _("Reminders are switched off for the site."),
        SkipReason.TEMPLATE_MISSING: _("There is no wording, or the site has no telephone number to name."),
    }
    return texts[reason]


def _moment(iso: str, zone: str, with_time: bool = True) -> str:
    local = datetime.fromisoformat(iso).astimezone(ZoneInfo(zone))
    from django.utils import timezone

    with timezone.override(zone):
        return wording.day_time(local, zone=True) if with_time else wording.day(local)
