"""Referrals and authorizations in a merge of two records: they keep their references, nothing can collide."""

from patients.merging import Part
from referrals.models import (
    AidApplication,
    BenefitApplication,
    Bill,
    DuplicateAnswer,
    Estimate,
    InboundDocument,
    PriorAuthorization,
    Referral,
)

PARTS = [
    Part(Referral, under=("refers_elsewhere", "replaces")),
    Part(PriorAuthorization, under=("referral", "supersedes")),
    Part(Estimate),
    Part(Bill, under=("estimate",)),
    Part(AidApplication, under=("bill",)),
    Part(BenefitApplication),
    Part(InboundDocument, under=("document",)),
    Part(DuplicateAnswer),
]
