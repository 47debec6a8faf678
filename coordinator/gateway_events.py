"""The gateway's door: it brings replies and receipts. Signed instead of signed in; answered at once."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from coordinator import hints
from coordinator.http import PUBLIC
from coordinator.messaging import inbound
from coordinator.workflow import System
from scheduling.jobs import handle_gateway_events


class GatewayEvents(APIView):
    """POST one event; 200 for a new and for a known one, 400 for what is not signed or not an event."""

    access_rule = PUBLIC
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    schema = None
    http_method_names = ["post"]

    def post(self, request: Request) -> Response:
        now = timezone.now()
        body = request._request.body
        signed = len(body) <= inbound.MOST_BYTES and inbound.is_signed(
            body=body,
            timestamp=request.headers.get("X-Gateway-Timestamp", ""),
            signature=request.headers.get("X-Gateway-Signature", ""),
            now=now,
        )
        if not signed:
            return Response({"error": "signature"}, status=400)
        try:
            new = inbound.take_event(body=body, by=System("gateway"), now=now)
        except inbound.Rejected as rejected:
            return Response({"error": str(rejected)}, status=400)
        if new:
            hints.hint(handle_gateway_events)
        return Response({"status": "ok"})
