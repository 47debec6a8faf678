"""Visits and the messages about them in a merge of two records."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from coordinator.messaging.models import Message
from patients.merging import Pair, Part, Settled
from scheduling.models import Appointment, WaitlistEntry


def settle_visits(pair: Pair) -> Iterator[Settled]:
    """Nobody is in two places at once: which of two overlapping visits is real, a person has to say."""
    guarded = {"time_known": True, "overlap_allowed": False, "patient_overlap_allowed": False}
    held = (
        Appointment.objects.holding()
        .filter(**guarded)
        .select_related("service", "site")
        .order_by("start", "id")
    )
    theirs = list(held.filter(patient=pair.other))
    if not theirs:
        return
    first, last = theirs[0].start, max(visit.end for visit in theirs)
    for ours in held.filter(patient=pair.survivor, start__lt=last, end__gt=first):
        for visit in theirs:
            if visit.start < ours.end and ours.start < visit.end:
                text = _("Two visits overlap: %(one)s and %(two)s. Cancel or correct one of them first.")
                yield Settled(text % {"one": _in_words(ours), "two": _in_words(visit)}, refuses=True)


def settle_waits(pair: Pair) -> Iterator[Settled]:
    """Nobody waits twice for the same: a person says which entry is the right one."""
    ours = WaitlistEntry.objects.open().filter(patient=pair.survivor).values_list("service_id", "site_id")
    both = set(ours)
    for entry in WaitlistEntry.objects.open().filter(patient=pair.other).select_related("service"):
        if (entry.service_id, entry.site_id) in both:
            text = _("Both wait for the same visit: %(service)s. Take one off the waitlist first.")
            yield Settled(text % {"service": entry.service.name}, refuses=True)


def _in_words(visit: Appointment) -> str:
    at = timezone.localtime(visit.start, visit.site.tzinfo)
    return _("%(service)s on %(day)s at %(time)s, %(place)s") % {
        "service": visit.service.name,
        "day": date_format(at, "DATE_FORMAT"),
        "time": date_format(at, "TIME_FORMAT"),
        "place": visit.site.name,
    }


PARTS = [
    Part(Appointment, under=("replaces", "referral", "authorization"), settle=settle_visits),
    Part(WaitlistEntry, under=("appointment",), settle=settle_waits),
    Part(Message, "patient_id", under=("about_id",)),
]
