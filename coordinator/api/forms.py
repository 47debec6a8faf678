"""What administrators type about API clients."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Site, User
from coordinator.api.permissions import SCOPES

RESOURCES = {
    "patients": _("Patients"),
    "plans": _("Care plans"),
    "tasks": _("Tasks"),
    "visits": _("Appointments"),
    "referrals": _("Referrals"),
    "documents": _("Documents"),
    "figures": _("Figures"),
}
WORDS = {"read": _("read"), "write": _("write")}


def scope_choices() -> list[tuple[str, str]]:
    """("patients:read", "Patients: read") and so on."""
    return [(scope, f"{RESOURCES[scope.split(':')[0]]}: {WORDS[scope.split(':')[1]]}") for scope in SCOPES]


class ClientForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        help_text=_("What the other system is called, such as Hospital gateway."),
    )
    sites = forms.ModelMultipleChoiceField(
        label=_("Sites"), queryset=Site.objects.none(), widget=forms.CheckboxSelectMultiple
    )
    scopes = forms.MultipleChoiceField(
        label=_("Allowed to"), choices=scope_choices, widget=forms.CheckboxSelectMultiple
    )
    expires_on = forms.DateField(
        label=_("Last day"),
        required=False,
        help_text=_("The token stops working at the end of this day. Empty: until it is revoked."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sites: Any = self.fields["sites"]
        sites.queryset = Site.objects.visible_to(user).active()

    def facts(self) -> dict[str, Any]:
        """The cleaned values as `create_client` takes them."""
        given = dict(self.cleaned_data)
        last = given.pop("expires_on")
        ends = timezone.make_aware(datetime.combine(last, time.max)) if last else None
        return {**given, "expires_at": ends}
