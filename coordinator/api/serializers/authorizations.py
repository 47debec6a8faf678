"""Prior authorizations, denials and what follows them: what is answered, and what the steps ask for."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from coordinator.api import selectors
from coordinator.api.fields import (
    Day,
    Filters,
    Instant,
    Several,
    Strict,
    StrictModel,
    Visible,
    VisibleUser,
    flag,
    words,
)
from coordinator.api.from_forms import asks
from referrals.forms import authorization_acts as acts
from referrals.forms import denials as denial_forms
from referrals.models import Appeal, AuthorizationLine, PeerToPeer, PriorAuthorization
from referrals.services.authorizations import HEADER
from referrals.workflow import AuthorizationStatus

MOST_LINES = 100
HEADER_CHOICES = {name: PriorAuthorization._meta.get_field(name).choices for name in ("urgency", "kind")}
ROW = (
    "id", "site", "patient", "payer", "service", "kind", "urgency", "status", "owner", "team", "next_step", "due_at",
    "stage_since", "referral", "reference_number", "authorization_number", "starts_on", "ends_on", "certification",
    "supersedes", "version", "created_at", "updated_at",
)  # fmt: skip
MORE = (
    "coverage", "urgency_reason", "downgraded_at", "channel", "sent_at", "received_by_payer_at", "receipt_proof",
    "decision_due_on", "asked_for", "asked_at", "answer_due_at", "answered_at", "denial_reason", "decided_at",
    "has_no_end", "may_end_at",
)  # fmt: skip
LINE = (
    "id", "number", "service_code", "label", "units_requested", "unit_kind", "asked_from", "asked_until", "place",
    "decision", "units_approved", "starts_on", "ends_on", "reason",
)  # fmt: skip
PAPER = ("id", "label", "document_kind", "is_required", "hint", "document", "attached_at", "dropped_because")
CHECK = (
    "id", "pa_needed", "covered", "doc_needed", "info_needed", "source", "reference", "said_by", "note", "checked_at",
    "expires_on", "error_reason",
)  # fmt: skip
CALL = (
    "id", "called_at", "representative", "call_reference", "hold_minutes", "talk_minutes", "said", "promised",
    "promised_by", "error_reason",
)  # fmt: skip
DENIAL = (
    "id", "authorization", "category", "words", "notice_on", "told_by", "channel", "notice", "printed_appeal_on",
    "printed_peer_on", "rule_appeal_on", "gathered", "error_reason", "version", "created_at", "updated_at",
)  # fmt: skip
APPEAL = (
    "id", "level", "kind", "by_plan", "filed_at", "channel", "proof", "letter", "outcome", "outcome_on",
    "outcome_words", "next_by",
)  # fmt: skip
TALK = ("id", "at", "our_clinician", "payer_clinician", "note", "outcome", "held_at")
LETTER = ("id", "number", "body", "created_at")


class Balance(serializers.Serializer):
    """Units as visits use them up: `remaining` after those seen, `projected` after those booked."""

    approved = serializers.IntegerField()
    used = serializers.IntegerField()
    booked = serializers.IntegerField()
    remaining = serializers.IntegerField()
    projected = serializers.IntegerField()
    band = serializers.ChoiceField(["green", "yellow", "red"])
    first_day = serializers.DateField(allow_null=True)
    last_day = serializers.DateField(allow_null=True)


class FirstLine(Strict):
    service_code = serializers.CharField(max_length=20, help_text="CPT, HCPCS or NDC.")
    label = words(required=False, max_length=160)  # type: ignore[assignment]
    units = serializers.IntegerField(required=False, min_value=1, max_value=9999)
    unit_kind = serializers.ChoiceField(
        AuthorizationLine._meta.get_field("unit_kind").choices, required=False
    )
    asked_from = Day(required=False, allow_null=True)
    asked_until = Day(required=False, allow_null=True)


class Header(StrictModel):
    """What is asked for. Of the patient and the payer, what the client may see."""

    payer = Visible(selectors.payers)
    coverage = Visible(selectors.coverages, required=False, allow_null=True)
    referral = Visible(selectors.referrals, required=False, allow_null=True)

    class Meta:
        model = PriorAuthorization
        fields: tuple[str, ...] = HEADER
        validators: list[Any] = []


class AuthorizationWrite(Header):
    patient = Visible(selectors.patients)
    owner = VisibleUser(selectors.colleagues, required=False, allow_null=True)
    team = Visible(selectors.teams, required=False, allow_null=True)
    line = FirstLine(
        required=False, help_text="The first service line; more are added by the step `add_line`."
    )
    duplicate_reason = words(
        required=False, max_length=250, help_text="Why another one, where a 409 named `similar` ones."
    )
    replaces = Visible(
        selectors.authorizations,
        required=False,
        allow_null=True,
        help_text="The similar one that this takes the place of; it is withdrawn.",
    )

    class Meta(Header.Meta):
        fields = (*HEADER, "patient", "owner", "team", "line", "duplicate_reason", "replaces")


class AuthorizationChange(Header):
    class Meta(Header.Meta):
        fields = HEADER


class AuthorizationFilters(Filters):
    site = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)
    payer = serializers.UUIDField(required=False)
    referral = serializers.UUIDField(required=False)
    owner = serializers.IntegerField(required=False, min_value=1, max_value=2**62)
    status = Several(choices=AuthorizationStatus.choices, required=False)
    urgency = Several(choices=HEADER_CHOICES["urgency"], required=False)
    kind = Several(choices=HEADER_CHOICES["kind"], required=False)
    due_before = Instant(required=False)
    updated_since = Instant(required=False)


class LineDecision(Strict):
    """The payer's answer for one line, by its number."""

    line = serializers.IntegerField(min_value=1, max_value=MOST_LINES)
    decision = serializers.ChoiceField([c for c in AuthorizationLine.Decision.choices if c[0]])
    units_approved = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=9999)
    starts_on = Day(required=False, allow_null=True)
    ends_on = Day(required=False, allow_null=True)
    reason = words(required=False)


class Decided(Strict):
    """The payer's answer, line by line; the state of the request follows from its lines."""

    decisions = LineDecision(many=True, max_length=MOST_LINES)  # type: ignore[call-arg]
    authorization_number = words(required=False, max_length=60)
    starts_on = Day(required=False, allow_null=True)
    ends_on = Day(required=False, allow_null=True)
    has_no_end = flag()
    reason = words(required=False, max_length=2000, help_text="For a denial: exactly what the notice says.")


class Revised(Decided):
    """The payer changed an approval under the same number; what stood before stays readable."""

    reason = words(max_length=2000, help_text="What the payer changed.")


class LineUnits(Strict):
    line = serializers.IntegerField(min_value=1, max_value=MOST_LINES)
    units = serializers.IntegerField(min_value=0, max_value=99_999)


def units_by_line() -> serializers.Serializer:
    options = {"many": True, "required": False, "max_length": MOST_LINES}
    return LineUnits(help_text="0 leaves a line out.", **options)  # type: ignore[arg-type]


class Continued(Strict):
    """A request of its own that follows this one: a renewal, a revision, an extension, or a new one after a denial."""

    certification = serializers.ChoiceField(PriorAuthorization.Certification.choices)
    units = units_by_line()
    reason = words(required=False, max_length=300)


class OfLine(Strict):
    line = serializers.IntegerField(min_value=1, max_value=MOST_LINES)


class OfPaper(Strict):
    paper = serializers.UUIDField(help_text="A line of the request's checklist.")


class PaperAttached(OfPaper):
    document = Visible(selectors.documents, help_text="A document of the same patient.")


class PaperDropped(OfPaper):
    reason = words(max_length=300)


class CallInError(Strict):
    call = serializers.UUIDField()
    reason = words()


class AnswerInError(Strict):
    requirement_check = serializers.UUIDField()
    reason = words()


class DenialOfRequest(asks(denial_forms.DenialForm, sources={"category": selectors.denial_categories, "notice": selectors.documents}, without=("lines",))):  # type: ignore[misc]  # fmt: skip
    """The notice, as it stands. `lines` are the numbers of the refused lines; none means all."""

    lines = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MOST_LINES),
        required=False,
        max_length=MOST_LINES,
    )


def _unit_kind() -> serializers.ChoiceField:
    return serializers.ChoiceField(AuthorizationLine._meta.get_field("unit_kind").choices, required=False)


LineAdded = asks(acts.LineForm, unit_kind=_unit_kind())


class LineChanged(asks(acts.LineChangeForm, unit_kind=_unit_kind())):  # type: ignore[misc]
    """Another wording of a line that the payer has not answered, or that it is not asked for any more."""

    line = serializers.IntegerField(min_value=1, max_value=MOST_LINES)


# --- denials ---------------------------------------------------------------------------------------------------


class DenialFilters(Filters):
    authorization = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)
    payer = serializers.UUIDField(required=False)
    notice_since = Day(required=False)
    updated_since = Instant(required=False)


class Granted(Strict):
    """What the payer approves after all: the number, the days, and for every refused line its units."""

    units = units_by_line()
    authorization_number = words(required=False, max_length=60)
    starts_on = Day(required=False, allow_null=True)
    ends_on = Day(required=False, allow_null=True)


class TalkHeld(Granted):
    """How a peer-to-peer talk went."""

    talk = serializers.UUIDField()
    outcome = serializers.ChoiceField(PeerToPeer.Outcome.choices)
    held_at = Instant(required=False, allow_null=True)
    payer_clinician = words(required=False, max_length=120)
    note = words(required=False)


class AppealDecided(Granted):
    """What was decided about an appeal."""

    appeal = serializers.UUIDField()
    outcome = serializers.ChoiceField(Appeal.Outcome.choices)
    outcome_on = Day(help_text="Date of the notice.")
    words = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    next_by = Day(required=False, allow_null=True)


class AppealFiled(
    asks(denial_forms.AppealForm, sources={"documents": selectors.documents}, without=("kind",))
):  # type: ignore[misc]
    """The next level of appeal is filed, with its proof."""

    kind = serializers.ChoiceField(Appeal.Kind.choices, required=False)
    letter = Visible(
        selectors.letters, required=False, allow_null=True, help_text="A version of the kit's letter."
    )


class LetterSaved(Strict):
    """The text of the appeal letter; another text is a new version."""

    body = serializers.CharField(max_length=20_000)


class Ticked(Strict):
    what = serializers.CharField(max_length=200, help_text="A line of the category's checklist.")
