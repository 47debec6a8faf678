"""Referrals and authorizations in a merge of two records: they keep their references, nothing can collide."""

from patients.merging import Part
from referrals.models import DuplicateAnswer, PriorAuthorization, Referral

PARTS = [
    Part(Referral, under=("refers_elsewhere", "replaces")),
    Part(PriorAuthorization, under=("referral", "supersedes")),
    Part(DuplicateAnswer),
]
