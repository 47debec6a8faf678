"""Doorway of the board."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods

from coordinator.accounts.models import User
from coordinator.filters import filters_of, store_filters
from coordinator.http import page, requires
from referrals.models import Payer
from referrals.selectors.board import AUTHORIZATION_STATUSES, REFERRAL_STATUSES, board, strip
from referrals.selectors.counts import open_referrals, open_requests, specialties
from referrals.workflow import AuthorizationStatus, ReferralStatus


class BoardForm(forms.Form):
    """The board's filters; every one has an address."""

    q = forms.CharField(required=False, max_length=100)
    owner = forms.ChoiceField(label=lazy("Owner"), required=False)
    kind = forms.ChoiceField(
        label=lazy("Kind"),
        required=False,
        choices=[
            ("", lazy("Any")),
            ("referral", lazy("Referrals")),
            ("authorization", lazy("Prior authorizations")),
            ("medicine", lazy("Medicines")),
        ],
    )
    payer = forms.ChoiceField(label=lazy("Payer"), required=False)
    status = forms.ChoiceField(label=lazy("Status"), required=False)
    due = forms.ChoiceField(
        label=lazy("Due"),
        required=False,
        choices=[("", lazy("Any")), ("overdue", lazy("Overdue")), ("soon", lazy("Due in 48 hours"))],
    )
    specialty = forms.ChoiceField(label=lazy("Specialty"), required=False)

    def __init__(self, *args: Any, user: Any, specialties: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        colleagues = [(str(u.pk), u.name) for u in User.objects.visible_to(user).assignable() if u != user]
        fields["owner"].choices = [("", _("Anyone")), ("me", _("Me")), *colleagues]
        payers = Payer.objects.filter(is_active=True).order_by("name").values_list("pk", "name")
        fields["payer"].choices = [("", _("Any")), *((str(pk), name) for pk, name in payers)]
        fields["status"].choices = [
            ("", _("Any")),
            *((f"r:{s}", ReferralStatus(s).label) for s in REFERRAL_STATUSES),
            *(
                (f"a:{s}", _("Request: %(status)s") % {"status": AuthorizationStatus(s).label})
                for s in AUTHORIZATION_STATUSES
            ),
        ]
        fields["specialty"].choices = [("", _("Any")), *((s, s) for s in specialties)]


@require_http_methods(["GET", "POST"])
@requires("referrals.view")
def referral_board(request: HttpRequest) -> HttpResponse:
    """Open referrals and requests by stage, the five soonest of each."""
    if request.method == "POST":
        return store_filters(request, "referral_board")
    now, user = timezone.now(), request.user
    referrals, requests = open_referrals(user, now), open_requests(user, now)
    names = specialties(referrals)
    form = BoardForm(filters_of(request, "referral_board"), user=user, specialties=names)
    filters = form.cleaned_data if form.is_valid() else {}
    context = {
        "now": now,
        "form": form,
        "columns": board(user, filters, now, (referrals, requests)),
        "counts": strip(referrals, requests),
        "filtered": any(filters.values()),
        "sorts": user.can("referrals.edit"),  # type: ignore[union-attr]
    }
    return page(request, "referrals/board.html", context, part="referrals/_board.html")
