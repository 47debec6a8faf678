"""The waitlist: who waits for a visit, the times that are free again, offers and their answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from coordinator.api import nouns, selectors
from coordinator.api.base import ApiView
from coordinator.api.nouns import Noun, Part, Still
from coordinator.api.schema import Taken
from coordinator.api.serializers import waitlist as shapes
from coordinator.api.serializers.patients import WithReason
from coordinator.api.steps import ApiStep, StepBook
from coordinator.db import advisory_lock
from scheduling.models import WaitlistEntry, WaitlistOffer
from scheduling.selectors.waitlist import open_times, waiting_at
from scheduling.services import waitlist as services
from scheduling.services import waitlist_offers as offers

VISITS = "visits"


def _keys(given: dict[str, Any], *names: str) -> dict[str, Any]:
    """What the client named, as the services take it: by key."""
    named = {f"{name}_id": given.pop(name) for name in names if name in given}
    return {name: getattr(record, "pk", record) for name, record in named.items()} | given


def _added(**given: Any) -> WaitlistEntry:
    return services.add_to_waitlist(**_keys(given, "patient", "service", "site", "practitioner"))


def _changed(*, entry_id: UUID, version: int | None, **given: Any) -> WaitlistEntry:
    """What is not sent stays."""
    there = selectors.wishes_of(entry_id)
    return services.change_wishes(entry_id=entry_id, **there | _keys(given, "practitioner"))


def lock_offers_of(entry: WaitlistEntry) -> None:
    list(selectors.open_offers_of(entry))


ENTRIES = Noun(
    "waitlist_entries",
    "WaitlistEntry",
    WaitlistEntry,
    single="waitlist_entry",
    row=shapes.ENTRY,
    parts={
        "offers": Part(
            WaitlistOffer, shapes.OFFERED, selectors.visible_part(WaitlistOffer, "entry", "-offered_at", "id")
        )
    },
    book=StepBook(
        "WaitlistEntry",
        "entry_id",
        WaitlistEntry.workflow,
        {
            "close": ApiStep(WithReason, services.take_off_waitlist),
            "reopen": ApiStep(WithReason, services.put_back_on_waitlist),
            "enter_in_error": ApiStep(WithReason, services.enter_waiting_in_error),
        },
    ),
)
EntryList = nouns.list_view(
    ENTRIES,
    "Who waits for a visit or waited, newest first.",
    filters=shapes.WaitFilters,
    lookups={
        "site": "site", "patient": "patient", "service": "service", "practitioner": "practitioner",
        "status": "status__in", "updated_since": "updated_at__gte",
    },
    write=shapes.WaitWrite,
    create=_added,
    about_new="Put a patient on the waitlist. 409 when they wait for the same visit type at the same site already.",
    resource=VISITS,
)  # fmt: skip
EntryDetail = nouns.detail_view(
    ENTRIES,
    "One who waits, with the times that were offered.",
    change=shapes.WaitChange,
    update=_changed,
    about_change="Other wishes; since when they wait stays.",
    resource=VISITS,
)
EntrySteps = nouns.steps_view(
    ENTRIES,
    "Take them off the waitlist, or put them back. Booking the visit ends the wait by itself.",
    locks=lock_offers_of,
    resource=VISITS,
)


# --- offers ------------------------------------------------------------------------------------------------------


def _offered(*, freed_by: Any, entry: Any = None, **given: Any) -> WaitlistOffer:
    return offers.offer_time(freed_by_id=freed_by.pk, entry_id=entry.pk if entry else None, **given)


def _accepted(**given: Any) -> Still:
    offers.accept_offer(**given)
    return Still(given["offer_id"])


def _declined(**given: Any) -> WaitlistOffer:
    """The next offer of this time, if somebody else is asked now."""
    old, following = offers.decline_offer(**given)
    return following or old


def lock_time_of(offer: WaitlistOffer) -> None:
    """What booking the time would lock before the offer."""
    advisory_lock(("practitioner", offer.practitioner_id), ("patient", offer.entry.patient_id))


OFFERS = Noun(
    "waitlist_offers",
    "WaitlistOffer",
    WaitlistOffer,
    row=shapes.OFFER,
    facts=selectors.booked_of,
    fact_shapes={
        "appointment": serializers.UUIDField(
            read_only=True, allow_null=True, help_text="The visit that was booked with a yes."
        )
    },
    book=StepBook(
        "WaitlistOffer",
        "offer_id",
        WaitlistOffer.workflow,
        {
            "accept": ApiStep(shapes.SaidYes, _accepted),
            "decline": ApiStep(shapes.SaidNo, _declined),
            "withdraw": ApiStep(WithReason, offers.withdraw_offer),
        },
    ),
)
OfferList = nouns.list_view(
    OFFERS,
    "Times that were offered, newest first, with why this one was asked.",
    filters=shapes.OfferFilters,
    lookups={
        "site": "site", "entry": "entry", "practitioner": "practitioner", "freed_by": "freed_by",
        "status": "status__in", "updated_since": "updated_at__gte",
    },
    write=shapes.OfferWrite,
    create=_offered,
    about_new="Offer a time. It holds nobody's time: who books first has it. A task asks to call; an offer without an"
    " answer ends by itself and goes on to the next.",
    resource=VISITS,
)  # fmt: skip
OfferDetail = nouns.detail_view(OFFERS, "One offer.", resource=VISITS)
OfferSteps = nouns.steps_view(
    OFFERS,
    "What they said. A yes is booked like every other visit; a 409 says what stands against it, and nothing is changed.",
    makes="`decline`: the offer of the same time to the next whom it suits.",
    locks=lock_time_of,
    clash=Taken,
    resource=VISITS,
)


class TimeList(ApiView):
    access_rule = "api:visits"
    resource = VISITS
    filters = shapes.TimeFilters

    @extend_schema(operation_id="waitlist_times_list", responses=shapes.OpenTimes)
    def get(self, request: Any) -> Response:
        """Times of cancelled visits of a site that can be offered, those that suit somebody first; at most 50."""
        site = selectors.sites(request.user).get(pk=self.query()["site"])
        now = timezone.now()
        with timezone.override(site.tzinfo):
            entries = waiting_at(request.user, site)
            return Response({"results": [_time(one) for one in open_times(request.user, site, entries, now)]})


def _time(one: Any) -> dict[str, Any]:
    first = one.first
    return {
        "freed_by": one.freed.pk,
        "service": one.freed.service_id,
        "practitioner": one.freed.practitioner_id,
        "start": one.freed.start,
        "end": one.freed.end,
        "first": first
        and {"entry": first.entry.pk, "patient": first.entry.patient_id, "because": first.because},
        "others": one.others,
    }
