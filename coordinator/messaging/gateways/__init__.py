"""The gateways that messages leave through, chosen by the settings."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from coordinator.messaging.gateways.base import Gateway, NoGateway, NotSent, Unclear
from coordinator.messaging.gateways.sandbox import SandboxGateway
from coordinator.messaging.gateways.sms_http import HttpGateway
from coordinator.messaging.gateways.smtp import SmtpGateway
from coordinator.messaging.models import Message

__all__ = ["Gateway", "NoGateway", "NotSent", "Unclear", "gateway_for"]


def gateway_for(channel: str) -> Gateway:
    """A new gateway for this channel; close it after the batch."""
    if channel == Message.Channel.EMAIL:
        return SmtpGateway()
    if settings.SMS_GATEWAY == "sandbox":
        return SandboxGateway()
    if settings.SMS_GATEWAY == "http":
        return HttpGateway(
            settings.SMS_GATEWAY_URL,
            settings.SMS_GATEWAY_TOKEN,
            read=settings.SMS_GATEWAY_TIMEOUT,
            can_be_asked=settings.SMS_GATEWAY_CAN_BE_ASKED,
            parallel=settings.SMS_GATEWAY_PARALLEL,
        )
    raise ImproperlyConfigured("SMS_GATEWAY must be sandbox or http.")
