"""What people type about sending a packet and about what became of it. Services write."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from referrals.forms.days import moment
from referrals.models import Delivery, Referral
from referrals.selectors.deliveries import usual_address

Channel = Delivery.Channel
# Fields of each channel beside version and recipient, and what the address is called there.
BY_HAND = ("reference", "at")
ADDRESS = {
    Channel.FAX: (_("Fax number"), ""),
    Channel.EMAIL: (
        _("E-mail address"),
        _(
            "The message holds a link and no patient’s name. The code stands on the referral afterwards; tell it by phone."
        ),
    ),
    Channel.PRINT: (_("Where it went"), _("By mail to which address, by hand to whom, with a courier.")),
    Channel.PORTAL: (_("Portal"), _("Whose portal it was.")),
}


class SendForm(forms.Form):
    """One delivery by one channel; the channel stands in the address of the page."""

    version = forms.TypedChoiceField(label=_("Packet"), coerce=int)
    recipient = forms.CharField(label=_("To"), max_length=160)
    address = forms.CharField(label=_("Address"), max_length=254)
    reference = forms.CharField(label=_("Number that the portal gave"), max_length=120)
    at = moment(_("When"), help_text=_("Empty: now."))
    again_reason = forms.CharField(label=_("Why it is sent again"), max_length=250)

    def __init__(
        self,
        *args: Any,
        user: Any,
        referral: Referral,
        channel: str = Channel.FAX,
        again: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        versions = referral.packets.order_by("-number").values_list("number", flat=True)
        fields["version"].choices = [(n, _("Version %(n)d") % {"n": n}) for n in versions]
        known = referral.recipient_organization or referral.recipient or ""
        fields["recipient"].initial = (referral.recipient_name or str(known))[:160]
        fields["address"].label, fields["address"].help_text = ADDRESS[Channel(channel)]
        fields["address"].initial = usual_address(user, referral, channel)
        if channel == Channel.FAX:
            fields["address"].widget = forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"})
        elif channel == Channel.EMAIL:
            fields["address"].widget = forms.EmailInput(attrs={"autocomplete": "off"})
        if channel != Channel.PORTAL:
            del self.fields["reference"]
        if channel not in (Channel.PRINT, Channel.PORTAL):
            del self.fields["at"]
        if not again:
            del self.fields["again_reason"]


class AnswerForm(forms.Form):
    """What the recipient says when asked."""

    came = forms.TypedChoiceField(
        label=_("Did it come?"),
        choices=[("yes", _("It came")), ("no", _("It did not come"))],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )
    who = forms.CharField(label=_("Who said so"), max_length=120)


class DeliveryReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class CodeForm(forms.Form):
    """The recipient's code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )
