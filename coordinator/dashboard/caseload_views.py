"""The page that hands one coordinator's open work to another."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from coordinator.accounts.models import User
from coordinator.dashboard.caseload import MOST, caseload_of, take_back, transfer
from coordinator.http import page, requires


class TransferForm(forms.Form):
    """From whom, to whom, and which sorts of work."""

    owner = forms.ModelChoiceField(label=_("From"), queryset=User.objects.none(), empty_label=_("Choose"))
    to = forms.ModelChoiceField(label=_("To"), queryset=User.objects.none(), empty_label=_("Choose"))
    sorts = forms.MultipleChoiceField(
        label=_("What"),
        choices=[
            ("tasks", _("Open tasks, snoozed ones too")),
            ("referrals", _("Referrals that are not closed")),
            ("authorizations", _("Open prior authorizations")),
            ("money", _("Open bills, applications and estimates")),
            ("patients", _("Patients they coordinate")),
        ],
        widget=forms.CheckboxSelectMultiple,
        initial=["tasks", "referrals", "authorizations", "money"],
    )
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.visible_to(user).distinct().order_by("name")
        self.fields["owner"].queryset = people.exclude(role="api_client")
        self.fields["to"].queryset = people.assignable()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("owner") and data.get("owner") == data.get("to"):
            self.add_error("to", _("Choose two different people."))
        return data


def _taken_back(request: HttpRequest, data: dict[str, Any]) -> HttpResponse:
    """Undo from the page that says what moved: `owner` and `to` are those of the transfer."""
    keys = {sort: _keys(request.POST.get(f"{sort}_moved", "")) for sort in data["sorts"]}
    owner, to = data["owner"], data["to"]
    moved = take_back(owner=owner, to=to, keys=keys, by=request.user, now=timezone.now())
    left = caseload_of(request.user, to)
    context = {"moved": moved, "left": left, "owner": to, "to": owner, "sorts": data["sorts"], "back": True}
    return page(request, "dashboard/caseload_moved.html", context)


def _keys(typed: str) -> list[UUID]:
    keys = []
    for text in typed.split(",")[:MOST]:
        with suppress(ValueError):
            keys.append(UUID(text))
    return keys


@requires("tasks.assign")
@require_http_methods(["GET", "POST"])
def caseload_transfer(request: HttpRequest) -> HttpResponse:
    """Choose, look at what would move, move it, read what became of each."""
    asked = request.POST if request.method == "POST" else request.GET or None
    form = TransferForm(asked, user=request.user)
    context: dict[str, Any] = {"form": form, "most": MOST}
    if "take_back" in request.POST and form.is_valid():
        return _taken_back(request, form.cleaned_data)
    if asked is None or not form.is_valid():
        return page(request, "dashboard/caseload_transfer.html", context, status=422 if request.POST else 200)
    data = form.cleaned_data
    if request.method == "POST":
        try:
            moved = transfer(by=request.user, now=timezone.now(), **data)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            context |= {"moved": moved, "left": caseload_of(request.user, data["owner"]), **data}
            return page(request, "dashboard/caseload_moved.html", context)
    context |= {"work": caseload_of(request.user, data["owner"]), **data}
    return page(request, "dashboard/caseload_transfer.html", context, status=422 if form.errors else 200)
