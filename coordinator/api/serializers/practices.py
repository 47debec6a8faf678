"""The directory of practices and services, and the recipients that are offered for a referral."""

from __future__ import annotations

from rest_framework import serializers

from coordinator.api.fields import Filters, Instant, Shape, flag
from referrals.models import Practice, PracticeClinician, PracticeNetwork

PRACTICE = (
    "id", "organization", "name", "kind", "specialties", "npi", "address_line", "city", "state", "postal_code",
    "phone", "fax", "email", "portal", "channel", "languages", "accepting", "cost", "intake_rules", "wait_days",
    "wait_told_on", "wait_told_by", "notes", "reviewed_on", "retired_at", "source", "version", "created_at",
    "updated_at",
)  # fmt: skip
NETWORK = ("id", "payer_name", "plan_name", "network_name", "participates", "starts_on", "ends_on")
CLINICIAN = ("id", "name", "npi", "specialty")


class NetworkShape(Shape):
    class Meta:
        model = PracticeNetwork
        fields = NETWORK


class ClinicianShape(Shape):
    class Meta:
        model = PracticeClinician
        fields = CLINICIAN


class PracticeRow(Shape):
    class Meta:
        model = Practice
        fields = PRACTICE


class FigureShape(serializers.Serializer):
    """A share in percent, or a median in days, over `n` referrals; null under 5."""

    value = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()


class OwnFigures(serializers.Serializer):
    """From the referrals this client may see that were sent there in the last 365 days."""

    sent = serializers.IntegerField()
    accepted = FigureShape(help_text="Percent of those that were answered.")
    to_accept = FigureShape()
    to_schedule = FigureShape()
    to_report = FigureShape()


class PracticeDetail(Shape):
    networks = NetworkShape(many=True, read_only=True)
    clinicians = ClinicianShape(many=True, read_only=True)
    figures = OwnFigures(read_only=True)
    is_due_for_review = serializers.BooleanField(read_only=True)

    class Meta:
        model = Practice
        fields = (*PRACTICE, "networks", "clinicians", "figures", "is_due_for_review")


class PracticeFilters(Filters):
    q = serializers.CharField(
        required=False, max_length=100, help_text="Beginnings or parts of name, city, specialty or clinician."
    )
    kind = serializers.ChoiceField(Practice.Kind.choices, required=False)
    specialty = serializers.CharField(required=False, max_length=120)
    language = serializers.CharField(required=False, max_length=12, help_text="BCP 47, such as es.")
    network = serializers.CharField(
        required=False, max_length=160, help_text="A payer's name: those in its network today."
    )
    accepting = serializers.ChoiceField(Practice.Accepting.choices, required=False)
    postal_code = serializers.RegexField(r"^[0-9]{1,5}$", required=False, help_text="How the ZIP begins.")
    state = serializers.ChoiceField(
        [("due", "Due for review"), ("retired", "Retired")],
        required=False,
        help_text="Those in use, when not given.",
    )
    organization = serializers.UUIDField(required=False)
    updated_since = Instant(required=False)


class RecipientFilters(Filters):
    PAGING = ()
    specialty = serializers.CharField(
        required=False, max_length=120, help_text="The referral's own, when not given."
    )
    q = serializers.CharField(required=False, max_length=100, help_text="A part of the name.")
    all = flag(help_text="true: every entry; otherwise the first six and the chosen one.")


class ReasonShape(serializers.Serializer):
    """What speaks for or against a recipient. What is not known is said and counts nothing."""

    factor = serializers.CharField()
    points = serializers.IntegerField()
    text = serializers.CharField()
    is_known = serializers.BooleanField()


class Recipient(serializers.Serializer):
    practice = serializers.UUIDField()
    name = serializers.CharField()
    score = serializers.IntegerField(help_text="The sum of the reasons' points.")
    is_chosen = serializers.BooleanField()
    reasons = ReasonShape(many=True)


class Weight(serializers.Serializer):
    factor = serializers.CharField()
    most = serializers.IntegerField()
    text = serializers.CharField()


class Recipients(serializers.Serializer):
    """Best first; nobody is left out. The weights are our own defaults."""

    specialty = serializers.CharField()
    results = Recipient(many=True)
    more = serializers.IntegerField()
    weights = Weight(many=True)
