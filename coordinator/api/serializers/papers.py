"""Incoming papers, payers' files, the duplicate guard, the board and the rules register."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from coordinator.api import selectors
from coordinator.api.fields import Day, Filters, Instant, Several, Strict, Visible, flag, words
from coordinator.exchange.models import PayerFile
from patients.models import DocumentKind
from referrals.models import DuplicateAnswer, InboundDocument
from referrals.selectors.board import STAGES

PAPER = (
    "id", "site", "channel", "sender", "received_at", "file_name", "content_type", "size", "status", "reading",
    "page_count", "patient", "document", "version", "created_at", "updated_at",
)  # fmt: skip
FILE = (
    "id", "site", "label", "part", "status", "reason", "owner", "team", "next_step", "due_at", "authorization",
    "matched_by", "applied_at", "version", "created_at", "updated_at",
)  # fmt: skip
PLACES = ("referral", "authorization")


# --- incoming papers -------------------------------------------------------------------------------------------


class PaperWrite(Strict):
    """Sent as multipart/form-data."""

    site = Visible(selectors.sites)
    sender = words(required=False, max_length=160)
    file = serializers.FileField(
        help_text="PDF, JPEG, PNG, TIFF, plain text, Word or Excel without macros. The type is read from the bytes."
    )


class PaperFilters(Filters):
    site = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)
    status = Several(choices=InboundDocument._meta.get_field("status").choices, required=False)
    updated_since = Instant(required=False)


class Proposed(serializers.Serializer):
    """Where the paper may belong. With a `doubt`, compare before you attach."""

    patient = serializers.UUIDField()
    referral = serializers.UUIDField(allow_null=True)
    authorization = serializers.UUIDField(allow_null=True)
    why = serializers.ListField(child=serializers.CharField())
    doubt = serializers.CharField(allow_blank=True)


class Attached(Strict):
    """Put the paper into a record, linked to a referral or an authorization of the same patient."""

    patient = Visible(selectors.patients)
    referral = Visible(selectors.referrals, required=False, allow_null=True)
    authorization = Visible(selectors.authorizations, required=False, allow_null=True)
    kind = serializers.ChoiceField(DocumentKind.choices)
    title = words(required=False, max_length=250)
    is_report = flag(help_text="It is the report that this referral waits for.")

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        named = [name for name in PLACES if given.get(name) is not None]
        if len(named) > 1:
            raise serializers.ValidationError({named[1]: ["Name a referral or an authorization, not both."]})
        for name in named:
            if given[name].patient_id != given["patient"].pk:
                raise serializers.ValidationError({name: [Visible.default_error_messages["missing"]]})
        return given


# --- payers' files ---------------------------------------------------------------------------------------------


class FileWrite(Strict):
    """Sent as multipart/form-data."""

    site = Visible(selectors.sites)
    file = serializers.FileField(help_text="A PAS answer (JSON) or an X12 278, at most 2 MB.")


class FileFilters(Filters):
    site = serializers.UUIDField(required=False)
    authorization = serializers.UUIDField(required=False)
    status = Several(choices=PayerFile._meta.get_field("status").choices, required=False)
    updated_since = Instant(required=False)


class FileDecision(serializers.Serializer):
    """A decision in the file; `number` counts them from 0, as `placed` of the step `record` names them."""

    number = serializers.IntegerField()
    decision = serializers.CharField()
    service_code = serializers.CharField(allow_blank=True)
    authorization_number = serializers.CharField(allow_blank=True)
    units = serializers.IntegerField(allow_null=True)
    starts_on = serializers.DateField(allow_null=True)
    ends_on = serializers.DateField(allow_null=True)
    reasons = serializers.ListField(child=serializers.CharField())


class FileEffect(serializers.Serializer):
    """What recording the file would do to its request; an obstacle forbids it."""

    step = serializers.CharField()
    outcome = serializers.CharField(allow_blank=True)
    obstacles = serializers.ListField(child=serializers.CharField())
    unplaced = serializers.ListField(child=serializers.IntegerField())


class Matched(Strict):
    authorization = Visible(selectors.authorizations)


class Placed(Strict):
    decision = serializers.IntegerField(min_value=0, max_value=1000)
    line = serializers.IntegerField(min_value=0, max_value=1000, help_text="0: the whole request.")


class Recorded(Strict):
    """Record what the file says on its request. `placed` says which line a decision is about where the file does not."""

    placed = Placed(many=True, required=False, max_length=100)  # type: ignore[call-arg]
    request_version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, help_text="The version of the request as you read it."
    )


# --- the duplicate guard ---------------------------------------------------------------------------------------


class GuardAsked(Strict):
    """What is about to be written: its key, by kind. A referral has specialty and service; an authorization payer,
    codes and days; an application fund, or program and name."""

    kind = serializers.ChoiceField(["referral", "authorization", "application"])
    patient = Visible(selectors.patients)
    specialty = words(required=False, max_length=120)  # type: ignore[assignment]
    service = words(required=False, max_length=160)  # type: ignore[assignment]
    payer = Visible(selectors.payers, required=False)
    codes = serializers.ListField(child=serializers.CharField(max_length=20), required=False, max_length=30)
    starts_on = Day(required=False, allow_null=True)
    ends_on = Day(required=False, allow_null=True)
    fund = Visible(selectors.funds, required=False)
    program = words(required=False, max_length=20)  # type: ignore[assignment]
    name = words(required=False, max_length=160)  # type: ignore[assignment]

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        needed = {"referral": "specialty", "authorization": "payer"}.get(given["kind"])
        if needed and not given.get(needed):
            raise serializers.ValidationError({needed: ["This is part of the key."]})
        return given


KEYS = {
    "referral": ("specialty", "service"),
    "authorization": ("payer", "codes", "starts_on", "ends_on"),
    "application": ("fund", "program", "name"),
}


class Exists(serializers.Serializer):
    """One thing that exists: how it stands, and what came of it."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    title = serializers.CharField()
    state = serializers.CharField()
    result = serializers.CharField(allow_blank=True)
    since = serializers.DateField()
    replaceable = serializers.BooleanField()


class GuardFound(serializers.Serializer):
    results = Exists(many=True)


class GuardAnswer(Strict):
    """The one that exists is used, so nothing is written. To replace or to go on, say so with the new record."""

    kind = serializers.ChoiceField(["referral", "authorization", "application"])
    patient = Visible(selectors.patients)
    existing = serializers.UUIDField()


class GuardKept(serializers.ModelSerializer):
    class Meta:
        model = DuplicateAnswer
        fields = ("id", "kind", "choice", "existing_id", "at")
        read_only_fields = fields


# --- the board and the register --------------------------------------------------------------------------------


class BoardFilters(Filters):
    kind = serializers.ChoiceField(["referral", "authorization"], required=False)
    owner = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    payer = serializers.UUIDField(required=False)
    specialty = serializers.CharField(required=False, max_length=120)


class Card(serializers.Serializer):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(["referral", "authorization"])
    patient = serializers.UUIDField()
    what = serializers.CharField()
    status = serializers.CharField()
    next_step = serializers.CharField(allow_blank=True)
    due_at = serializers.DateTimeField(allow_null=True)
    stage_since = serializers.DateTimeField()
    owner = serializers.IntegerField(allow_null=True)
    team = serializers.UUIDField(allow_null=True)
    edge = serializers.ChoiceField(["", "late", "near"], help_text="Past its date, or within 48 hours of it.")


class BoardColumn(serializers.Serializer):
    stage = serializers.ChoiceField([stage.name for stage in STAGES])
    count = serializers.IntegerField()
    cards = Card(many=True, help_text="The five soonest; the lists have the rest.")


class Board(serializers.Serializer):
    columns = BoardColumn(many=True)


RULE = (
    "id", "key", "title", "area", "version", "effective_from", "effective_to", "kind", "params", "source",
    "source_url", "citation", "verified", "approved_by", "approved_at",
)  # fmt: skip


class RuleVersionRow(serializers.Serializer):
    """What a rule says from one day to another. `verified` false: nobody has compared it with its source yet."""

    id = serializers.UUIDField()
    key = serializers.CharField()
    title = serializers.CharField()
    area = serializers.CharField()
    version = serializers.IntegerField()
    effective_from = serializers.DateField()
    effective_to = serializers.DateField(allow_null=True)
    kind = serializers.CharField()
    params = serializers.JSONField()
    source = serializers.CharField()  # type: ignore[assignment]
    source_url = serializers.CharField(allow_blank=True)
    citation = serializers.CharField(allow_blank=True)
    verified = serializers.BooleanField()
    approved_by = serializers.CharField(allow_blank=True)
    approved_at = serializers.DateTimeField(allow_null=True)


class RuleFilters(Filters):
    on = Day(required=False, help_text="Only the versions in force on this day.")
    area = serializers.CharField(required=False, max_length=60)
    key = serializers.CharField(required=False, max_length=80)
