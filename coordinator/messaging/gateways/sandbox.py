"""The local catcher of `bin/run`: a gateway whose inbox is read in the browser. Loopback only."""

from __future__ import annotations

from django.conf import settings

from coordinator.messaging.gateways.sms_http import HttpGateway


class SandboxGateway(HttpGateway):
    """Honors keys and can be asked about them (coordinator.devserver.catchers)."""

    def __init__(self) -> None:
        super().__init__(
            settings.SMS_GATEWAY_URL,
            settings.SMS_GATEWAY_TOKEN,
            read=settings.SMS_GATEWAY_TIMEOUT,
            parallel=settings.SMS_GATEWAY_PARALLEL,
        )
