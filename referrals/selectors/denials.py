"""Reads for what follows a payer's no: the kit of one denial, and how denials ended by reason and payer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils.translation import get_language

from coordinator.clocks.models import Clock
from coordinator.clocks.selectors import why
from patients.models import Document
from referrals.models import (
    Appeal,
    AppealLetter,
    Denial,
    DenialCategory,
    Payer,
    PeerToPeer,
    PriorAuthorization,
)
from referrals.permissions import can_manage_referral
from referrals.rules import appeals as appeal_rules
from referrals.selectors.letters import papers, unfit
from referrals.services.denial_records import REFUSED
from referrals.workflow import AUTHORIZATION_WORKFLOW, WITH_PAYER, AuthorizationStatus

S = AuthorizationStatus
FEW = 11  # shares of fewer decided cases say nothing and are not shown


@dataclass(frozen=True)
class Deadline:
    """One of our days to act, with the sentences that say why."""

    label: str
    clock: Clock
    why: list[str]


@dataclass(frozen=True)
class Paper:
    """A line of the checklist: the documents that answer it, or a tick by hand."""

    what: str
    documents: list[Document]
    by_hand: bool
    is_letter: bool = False

    @property
    def is_there(self) -> bool:
        return bool(self.documents) or self.by_hand

    @property
    def may_be_ticked(self) -> bool:
        """By hand, or taken back; not what the record or the kit's own letter shows."""
        return not self.documents and not (self.is_letter and self.by_hand)


@dataclass
class Kit:
    """Everything one page needs about a denial."""

    denial: Denial
    window: appeal_rules.Window
    appeal_clock: Deadline | None
    peer_clock: Deadline | None
    papers: list[Paper]
    letters: list[AppealLetter]
    talks: list[PeerToPeer]
    appeals: list[Appeal]
    level: appeal_rules.Level | None
    level_number: int | None
    may: frozenset[str] = frozenset()
    documents: list[Document] = field(default_factory=list)
    likely: Ended | None = None

    @property
    def letter(self) -> AppealLetter | None:
        return self.letters[-1] if self.letters else None

    @property
    def missing(self) -> int:
        return sum(not paper.is_there for paper in self.papers)

    @property
    def planned(self) -> PeerToPeer | None:
        return next((talk for talk in self.talks if not talk.outcome), None)

    @property
    def open_appeal(self) -> Appeal | None:
        return next((appeal for appeal in self.appeals if not appeal.outcome), None)


def related() -> Any:
    """Denials with what their pages show."""
    return Denial.objects.select_related(
        "category",
        "notice",
        "created_by",
        "authorization__patient__primary_care",
        "authorization__payer",
        "authorization__site",
        "authorization__coverage",
        "authorization__referral__requester",
        "appeal_clock__rule_version__rule",
        "peer_clock__rule_version__rule",
    ).prefetch_related("lines")


def kit(denial: Denial, user: Any) -> Kit:
    """The page of one denial (at most twelve queries)."""
    record = denial.authorization
    appeals = list(
        denial.appeals.select_related(
            "clock__rule_version__rule", "next_clock__rule_version__rule", "letter", "created_by"
        )
    )
    talks = list(denial.talks.select_related("our_clinician"))
    letters = list(denial.letters.select_related("created_by").order_by("number"))
    for appeal in appeals:
        appeal.level_words = appeal_rules.level_of(record.payer.payer_type, appeal.level).name  # type: ignore[attr-defined]
        appeal.why = why(appeal.clock) if appeal.clock else []  # type: ignore[attr-defined]
        appeal.next_window = _deadline("next", appeal.next_clock)  # type: ignore[attr-defined]
    number = appeal_rules.next_level(record.payer.payer_type, [appeal.level for appeal in appeals])
    documents = papers(user, record.patient)
    return Kit(
        denial=denial,
        window=appeal_rules.window(denial.rule_appeal_on, denial.printed_appeal_on),
        appeal_clock=_deadline("appeal", denial.appeal_clock),
        peer_clock=_deadline("peer", denial.peer_clock),
        papers=checklist(denial, documents, bool(letters)),
        letters=letters,
        talks=talks,
        appeals=appeals,
        level=appeal_rules.level_of(record.payer.payer_type, number) if number else None,
        level_number=number,
        may=_may(denial, talks, appeals, number) if can_manage_referral(user, record) else frozenset(),
        documents=documents,
        likely=next(
            iter(ended(user, category=denial.category, payer=record.payer, by=("category", "payer"))), None
        ),
    )


def _deadline(label: str, clock: Clock | None) -> Deadline | None:
    return Deadline(label, clock, why(clock)) if clock is not None and clock.state != "void" else None


def _may(denial: Denial, talks: list[PeerToPeer], appeals: list[Appeal], level: int | None) -> frozenset[str]:
    """What the page offers now; the services decide again."""
    if denial.error_reason:
        return frozenset()
    status = denial.authorization.status
    planned = any(not talk.outcome for talk in talks)
    may = {"letter"} if status not in (S.CLOSED_DENIED,) else set()
    if status in REFUSED and not planned:
        may.add("talk")
    if planned:
        may.add("talk_outcome")
    if level and AUTHORIZATION_WORKFLOW.find("appeal", status):
        may.add("appeal")
    if any(not appeal.outcome for appeal in appeals) and status == S.APPEAL:
        may.add("outcome")
    if AUTHORIZATION_WORKFLOW.find("close_denied", status):
        may.add("close")
    if not appeals:
        may.add("error")
    return frozenset(may)


def checklist(denial: Denial, documents: Iterable[Document], has_letter: bool) -> list[Paper]:
    """The category's lines, each with the documents of its kind."""
    by_kind: dict[str, list[Document]] = {}
    for document in documents:
        by_kind.setdefault(document.kind, []).append(document)
    rows = []
    for item in denial.category.checklist:
        kind, what = item.get("kind", ""), item["what"]
        is_letter = kind == "letter" and what not in denial.gathered
        rows.append(
            Paper(
                what=what,
                documents=by_kind.get(kind, [])[:3] if kind else [],
                by_hand=what in denial.gathered or (is_letter and has_letter),
                is_letter=is_letter,
            )
        )
    return rows


def letter_is_unfit(user: Any, found: Kit) -> bool:
    return found.letter is not None and unfit(user, found.letter)


def denials_of(authorization: PriorAuthorization) -> list[Denial]:
    """For the authorization's page, newest first (the caller has checked that the request may be seen)."""
    rows = authorization.denials.filter(error_reason="").select_related(
        "category", "appeal_clock__rule_version__rule", "peer_clock__rule_version__rule"
    )
    return list(rows.prefetch_related("lines", "appeals", "talks"))


def may_record_denial(user: Any, authorization: PriorAuthorization) -> bool:
    return can_manage_referral(user, authorization) and authorization.status in (*WITH_PAYER, *REFUSED)


# --- how denials ended ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ended:
    """How denials of one kind (and payer) ended. Counts of denials; `share` only of enough decided ones."""

    category: str
    payer: str
    all: int
    appealed: int
    talked: int
    overturned: int
    partly: int
    upheld: int

    @property
    def decided(self) -> int:
        return self.overturned + self.partly + self.upheld

    @property
    def won(self) -> int:
        return self.overturned + self.partly

    @property
    def share(self) -> int | None:
        """Percent of decided ones that were overturned in whole or part; None below `FEW`."""
        return round(100 * self.won / self.decided) if self.decided >= FEW else None


def ended(
    user: Any,
    *,
    by: tuple[str, ...] = ("category",),
    category: DenialCategory | None = None,
    payer: Payer | None = None,
    since: date | None = None,
    until: date | None = None,
) -> list[Ended]:
    """How denials ended by reason and payer, among those this person may see (one query).

    A denial counts once: by its last appeal or talk that was decided; "overturned" goes before "partly" and "upheld".
    """
    rows = Denial.objects.standing().visible_to(user)
    if category is not None:
        rows = rows.filter(category=category)
    if payer is not None:
        rows = rows.filter(authorization__payer=payer)
    if since is not None:
        rows = rows.filter(notice_on__gte=since)
    if until is not None:
        rows = rows.filter(notice_on__lte=until)
    had = {
        f"had_{word}": Exists(Appeal.objects.filter(denial=OuterRef("pk"), outcome=word))
        | Exists(PeerToPeer.objects.filter(denial=OuterRef("pk"), outcome=word))
        for word in ("overturned", "partly", "upheld")
    }
    spanish = (get_language() or "").startswith("es")
    names = {"category_name": F("category__label_es" if spanish else "category__label")}
    if "payer" in by:
        names["payer_name"] = F("authorization__payer__name")
    rows = rows.annotate(
        **had,
        was_appealed=Exists(Appeal.objects.filter(denial=OuterRef("pk"))),
        was_talked=Exists(PeerToPeer.objects.filter(denial=OuterRef("pk")).exclude(outcome="not_held")),
    )
    groups = ["category__label", *(names if spanish or "payer" in by else [])]
    grouped = rows.order_by().annotate(**names).values(*names, "category__label")
    counted = grouped.annotate(
        n_all=Count("pk", distinct=True),
        n_appealed=Count("pk", distinct=True, filter=Q(was_appealed=True)),
        n_talked=Count("pk", distinct=True, filter=Q(was_talked=True)),
        n_overturned=Count("pk", distinct=True, filter=Q(had_overturned=True)),
        n_partly=Count("pk", distinct=True, filter=Q(had_overturned=False, had_partly=True)),
        n_upheld=Count(
            "pk", distinct=True, filter=Q(had_overturned=False, had_partly=False, had_upheld=True)
        ),
    )
    return [
        Ended(
            category=row["category_name"] or row["category__label"],
            payer=row.get("payer_name", ""),
            all=row["n_all"],
            appealed=row["n_appealed"],
            talked=row["n_talked"],
            overturned=row["n_overturned"],
            partly=row["n_partly"],
            upheld=row["n_upheld"],
        )
        for row in counted.order_by("-n_all", *groups)
    ]
