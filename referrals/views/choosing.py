"""The choice of a recipient inside the forms of a referral: ranked again on request, without writing anything."""

from __future__ import annotations

from typing import Any

from django.forms.utils import ErrorDict
from django.http import HttpRequest
from django.utils import timezone

from patients.models import Patient
from referrals.models import Referral
from referrals.selectors.recipients import recipient_choice


def wants_ranking(request: HttpRequest) -> bool:
    """Somebody asks for the order again, for what is typed so far."""
    return request.method == "POST" and "rank" in request.POST


def as_typed(form: Any) -> Any:
    """The form with what was typed and no complaint about it: nothing was sent yet."""
    form._errors = ErrorDict()
    return form


def offered_recipients(
    request: HttpRequest, patient: Patient, form: Any, elsewhere: Referral | None
) -> dict[str, Any]:
    """What `_recipient_choice.html` needs beside the form."""
    word = request.POST.get("find_recipient", "")[:100]
    choice = recipient_choice(
        request.user,
        patient,
        specialty=str(form["specialty"].value() or ""),
        now=timezone.now(),
        chosen=str(form["practice"].value() or ""),
        elsewhere=elsewhere,
        everything=request.POST.get("rank") == "all",
        word=word,
    )
    return {"choice": choice, "find_recipient": word}
