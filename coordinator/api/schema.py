"""The description of the API: one place adds what every call shares, so that no view forgets it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from coordinator.api.permissions import scope_of

HEADER = OpenApiParameter.HEADER


class Problem(serializers.Serializer):
    detail = serializers.CharField(help_text="A sentence that can be shown to a person.")
    code = serializers.CharField(help_text="For programs, such as `not_found`.")


class Invalid(Problem):
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        help_text="What is wrong where; nested fields by dotted path.",
    )


class StaleProblem(Problem):
    version = serializers.IntegerField(help_text="The present version.")


class NextFree(serializers.Serializer):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    practitioner = serializers.UUIDField()
    practitioner_name = serializers.CharField()


class Finding(serializers.Serializer):
    kind = serializers.CharField()
    level = serializers.ChoiceField(["ask", "override", "block"])
    text = serializers.CharField()


class Clash(Problem):
    version = serializers.IntegerField(required=False, help_text="The present version.")


class Similar(Problem):
    similar = serializers.ListField(
        child=serializers.UUIDField(), required=False, help_text="Referrals that may already be the answer."
    )


class SentBefore(Problem):
    delivery = serializers.UUIDField(
        required=False,
        help_text="What became of this version already. Say `again_reason` to send it once more.",
    )


class Taken(Problem):
    kind = serializers.CharField(required=False, help_text="The worst finding, such as `practitioner_busy`.")
    needs_reason = serializers.BooleanField(
        required=False, help_text="true: the same call with `override_reason` would book it."
    )
    taken_at = serializers.DateTimeField(required=False, help_text="When the visit in the way was booked.")
    conflicts = Finding(many=True, required=False)
    next_free = NextFree(many=True, required=False, help_text="The next free times, earliest first.")


class ApiSchema(AutoSchema):
    """Adds to each call: its filters, its headers, the refusals it can meet, and the scope it needs."""

    def get_override_parameters(self) -> list[Any]:
        found: list[Any] = list(super().get_override_parameters())
        if self.method == "GET" and getattr(self.view, "filters", None) and self.view.filters().fields:
            found.append(self.view.filters)
        if self._marked("idempotent"):
            found.append(IDEMPOTENCY_KEY)
            found.append(REPLAYED)
        if self._marked("conditional"):
            found.append(IF_MATCH)
        if self._has_version():
            found.append(ETAG)
        return [*found, LOCATION, SIGN_IN, RETRY]

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular calls it
        text = super().get_description() or ""
        scope = scope_of(self.view, self.method)
        needs = f"Scope: `{scope}`." if scope else "Scope: any valid token."
        return f"{text}\n\n{needs}".strip()

    def _get_response_bodies(self, direction: str = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._refusals():
            if str(status) not in bodies:
                shape, text = REFUSALS[status]
                response = OpenApiResponse(shape, description=text)
                bodies[str(status)] = self._get_response_for_code(response, str(status), direction=direction)
        return dict(sorted(bodies.items()))

    def _refusals(self) -> list[int]:
        found = [400, 401, 503]
        if scope_of(self.view, self.method):
            found.append(403)
        if "{" in self.path:
            found.append(404)
        if self.method in ("POST", "PATCH"):
            found += [413, 415]
        if self._marked("idempotent"):
            found += [409, 422]
        if self._marked("conditional"):
            found += [412, 428]
        return found

    def _marked(self, name: str) -> bool:
        return getattr(getattr(self.view, self.method.lower(), None), name, False)

    def _has_version(self) -> bool:
        """True when the answer is one record with a version: those carry an ETag."""
        shape: Any = self.get_response_serializers()
        if isinstance(shape, dict):
            shape = next(iter(shape.values()))
        shape = getattr(shape, "response", shape)
        return (
            "version" in getattr(getattr(shape, "Meta", None), "fields", ()) and "steps" in shape.Meta.fields
        )


REFUSALS: dict[int, tuple[type[serializers.Serializer], str]] = {
    400: (Invalid, "The input is not right; nothing was done. Unknown fields and filters are named."),
    401: (Problem, "No token, or one that is unknown, expired or revoked."),
    403: (Problem, "The token's scopes or the account's role do not include this."),
    404: (Problem, "Not there, or not yours to see: one answer for both."),
    409: (Clash, "The workflow does not allow it now, or somebody was first."),
    412: (
        StaleProblem,
        "Somebody changed the record since you read it. The answer's ETag is the present one.",
    ),
    413: (Problem, "The body is larger than 5 MB."),
    415: (Problem, "The body is not application/json."),
    422: (Problem, "The Idempotency-Key was used for another call."),
    428: (Problem, "If-Match is missing."),
    503: (
        Problem,
        "The database did not answer in time; nothing was saved. Try again after Retry-After seconds.",
    ),
}
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    HEADER,
    description="Up to 100 printable ASCII characters, a new one for each new call. Sent again with the same key, the "
    "call does nothing again and gets the first answer. Strongly advised; kept 30 days.",
)
REPLAYED = OpenApiParameter(
    "Idempotency-Replayed",
    OpenApiTypes.STR,
    HEADER,
    response=True,
    description="`true`: this is the stored answer.",
)
IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, HEADER, required=True, description="The ETag of the record as you read it."
)
ETAG = OpenApiParameter(
    "ETag", OpenApiTypes.STR, HEADER, response=[200, 201], description="The record's version, for If-Match."
)
LOCATION = OpenApiParameter(
    "Location", OpenApiTypes.URI, HEADER, response=[201], description="Address of the new record."
)
SIGN_IN = OpenApiParameter(
    "WWW-Authenticate", OpenApiTypes.STR, HEADER, response=[401], description="How to sign in."
)
RETRY = OpenApiParameter(
    "Retry-After", OpenApiTypes.INT, HEADER, response=[503], description="Seconds to wait."
)
