"""The directory: practices and services, searched and read; recipients ranked for a referral with their reasons."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from coordinator.api.base import ApiView, ListView
from coordinator.api.fields import row
from coordinator.api.permissions import Scoped
from coordinator.api.serializers import practices as shapes
from coordinator.http import get_visible_or_404
from referrals.models import Practice, Referral
from referrals.rules.recipients import WEIGHTS
from referrals.selectors import directory
from referrals.selectors.recipients import recipient_choice


class PracticeView(ApiView):
    access_rule = "api:referrals"
    resource = "referrals"


class PracticeList(PracticeView, ListView):
    filters = shapes.PracticeFilters
    lookups = {"organization": "organization", "updated_since": "updated_at__gte"}
    ordering = ("name", "id")

    def visible(self, request: Any) -> QuerySet[Practice]:
        return Practice.objects.visible_to(request.user)

    def rows(self, visible: QuerySet[Practice], given: dict[str, Any]) -> QuerySet[Any]:
        found = directory.practices(self.request.user, given, timezone.localdate())
        return self.narrowed(found.prefetch_related(None), given).values(*shapes.PRACTICE)

    @extend_schema(operation_id="practices_list", responses=shapes.PracticeRow(many=True))
    def get(self, request: Any) -> Response:
        """Practices, community services and facilities, by name. The directory belongs to no site."""
        return self.listed()


class PracticeOne(PracticeView):
    @extend_schema(operation_id="practices_read", responses=shapes.PracticeDetail)
    def get(self, request: Any, pk: UUID) -> Response:
        """One entry with its networks, its clinicians and what we know from our own referrals."""
        practice = get_visible_or_404(Practice.objects.all(), request.user, pk=pk)
        now = timezone.now()
        inside = {
            "networks": list(practice.networks.values(*shapes.NETWORK)),
            "clinicians": list(practice.clinicians.values(*shapes.CLINICIAN)),
            "figures": asdict(directory.own_figures(request.user, practice, now)),
            "is_due_for_review": practice.is_due_for_review(timezone.localdate(now)),
        }
        return Response({**row(practice, shapes.PRACTICE), **inside})


class RecipientList(PracticeView):
    filters = shapes.RecipientFilters

    @extend_schema(operation_id="referrals_recipients", responses=shapes.Recipients)
    def get(self, request: Any, pk: UUID) -> Response:
        """The directory ranked for this referral and its patient, each reason a sentence with its points. Coverage,
        language and distance need `patients:read` as well; without it they are neither counted nor said."""
        referral = get_visible_or_404(Referral.objects.select_related("patient"), request.user, pk=pk)
        given = self.query()
        earlier = Referral.objects.visible_to(request.user).filter(pk=referral.refers_elsewhere_id).first()
        choice = recipient_choice(
            request.user,
            referral.patient,
            specialty=given.get("specialty", referral.specialty),
            now=timezone.now(),
            chosen=str(referral.practice_id or ""),
            elsewhere=earlier,
            everything=given.get("all", False),
            word=given.get("q", ""),
            with_patient=Scoped(request.user, request.auth.scopes).can("patients.view"),
        )
        weights = [{"factor": key, "most": most, "text": str(text)} for key, (most, text) in WEIGHTS.items()]
        return Response(
            {
                "specialty": choice.need.specialty,
                "results": [_recipient(offer) for offer in choice.offers],
                "more": choice.hidden,
                "weights": weights,
            }
        )


def _recipient(offer: Any) -> dict[str, Any]:
    ranked = offer.ranked
    return {
        "practice": ranked.key,
        "name": ranked.name,
        "score": ranked.score,
        "is_chosen": offer.chosen,
        "reasons": [asdict(reason) for reason in ranked.reasons],
    }
