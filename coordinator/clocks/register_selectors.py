"""Reads for the page Rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from coordinator.clocks import wording
from coordinator.clocks.models import Rule, RuleProposal, RuleVersion

STATES = {
    "unverified": _("Not compared with the source yet"),
    "own": _("Changed here"),
    "waiting": _("Change waiting for approval"),
}


@dataclass(frozen=True)
class RuleRow:
    """One rule as it stands on a day."""

    version: RuleVersion
    waiting: bool

    @property
    def length(self) -> str:
        return wording.length(self.version.terms())


def rules_on(on: date, *, area: str = "", state: str = "", words: str = "") -> list[RuleRow]:
    """The register on a day, by area and title, narrowed (two queries)."""
    waiting = set(RuleProposal.objects.waiting().values_list("rule_id", flat=True))
    versions = RuleVersion.objects.in_force(on).select_related("rule", "calendar")
    if area:
        versions = versions.filter(rule__area=area)
    if state == "unverified":
        versions = versions.filter(verified=False)
    elif state == "own":
        versions = versions.filter(approved_at__isnull=False)
    elif state == "waiting":
        versions = versions.filter(rule__in=waiting)
    for word in words.split():
        found = Q(rule__title__icontains=word) | Q(rule__key__icontains=word) | Q(source__icontains=word)
        versions = versions.filter(found | Q(citation__icontains=word))
    rows = versions.order_by("rule__area", "rule__title", "rule__key")
    return [RuleRow(version, version.rule_id in waiting) for version in rows]


def areas() -> list[str]:
    """The areas of the register, for the filter."""
    return list(Rule.objects.order_by("area").values_list("area", flat=True).distinct())


def waiting_proposals() -> QuerySet[RuleProposal]:
    """Changes that wait for a second person, the oldest first."""
    return RuleProposal.objects.waiting().select_related("rule", "created_by").order_by("created_at")


def versions_of(rule: Rule) -> list[dict[str, Any]]:
    """All dated versions of a rule with their words, newest first (one query)."""
    rows = rule.versions.select_related("rule", "calendar", "proposal").order_by("-effective_from")
    return [{"version": row, **words_of(row)} for row in rows]


def words_of(terms_holder: Any) -> dict[str, Any]:
    """What a version or a proposal says, in words: its length, what may move it, its test dates."""
    terms = terms_holder.terms()
    return {
        "length": wording.length(terms),
        "leeway": wording.leeway(terms),
        "warn_hours": ", ".join(str(hours) for hours in terms.warn_hours),
        "test_dates": [vector.words for vector in terms_holder.test_dates],
    }


def decided_proposals(rule: Rule) -> list[RuleProposal]:
    """What was proposed for a rule, newest first (one query)."""
    found = rule.proposals.select_related("created_by", "decided_by", "made")
    return list(found.order_by("-created_at")[:50])
