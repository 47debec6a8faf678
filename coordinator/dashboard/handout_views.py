"""Printing for the patient or the family, and noting that a copy was given."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_POST

from careplans.models import CopyWay
from careplans.permissions import can_log_contact
from careplans.services import give_copy
from coordinator.accounts.models import User
from coordinator.audit import services as audit
from coordinator.dashboard import summary
from coordinator.dashboard.handout import PARTS, Wanted, handout, language_of, parts_for
from coordinator.http import get_visible_or_404, page, requires
from coordinator.toasts import toast
from patients.models import Patient, RelatedPerson


class HandoutForm(forms.Form):
    """For whom, in which words and letters, and what of it. An empty one asks for the whole paper for the patient."""

    to: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=lazy("For"),
        queryset=RelatedPerson.objects.none(),
        required=False,
        empty_label=lazy("The patient"),
    )
    language = forms.ChoiceField(label=lazy("Language"), choices=settings.LANGUAGES, required=False)
    size = forms.ChoiceField(
        label=lazy("Size of the letters"),
        choices=[("", lazy("Normal")), ("large", lazy("Large"))],
        required=False,
    )
    parts = forms.MultipleChoiceField(
        label=lazy("What is on it"),
        choices=[(name, words) for name, (words, _topic) in PARTS.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    protected = forms.BooleanField(
        label=lazy("With protected medicines: the patient said yes"), required=False
    )

    def __init__(self, data: Any = None, *, patient: Patient, user: User) -> None:
        self.patient, self.today = patient, summary.today_of(patient, timezone.now())
        super().__init__(data or {"language": language_of(patient), "parts": list(PARTS)})
        people: Any = self.fields["to"]
        family = RelatedPerson.objects.visible_to(user).filter(patient=patient)
        people.queryset = family.to_contact(self.today).order_by("name")
        people.label_from_instance = lambda p: f"{p.name} ({p.relationship}): {p.hears}"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["language"] = data.get("language") or language_of(self.patient)
        data["parts"] = data.get("parts") or list(PARTS)
        person = data.get("to")
        if person is not None and not parts_for(person, data["parts"], self.today):
            sentence = _("%(name)s may not be given any of this. The patient allowed: %(topics)s.")
            self.add_error("to", sentence % {"name": person.name, "topics": person.hears})
        if person is not None and data.get("protected"):
            self.add_error("protected", _("Protected entries go to the patient only."))
        return data

    @property
    def wanted(self) -> Wanted:
        data = self.cleaned_data
        return Wanted(
            data["language"], tuple(data["parts"]), data["to"], data["size"] == "large", data["protected"]
        )


@requires("plans.view")
@require_GET
def patient_print(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The paper as it will come out of the printer, with the choices above it. Showing it is a look at the record."""
    patient = get_visible_or_404(summary.chart_patients(), request.user, pk=pk)
    form = HandoutForm(request.GET, patient=patient, user=_user(request))
    protected = form.is_valid() and form.wanted.protected
    audit.viewed(request, patient, "handout, protected" if protected else "handout")
    return _shown(request, patient, form)


@requires("tasks.work")
@require_POST
def patient_copy(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Note that a copy was given, with day, way and person."""
    patient = get_visible_or_404(summary.chart_patients(), request.user, pk=pk)
    user, now = _user(request), timezone.now()
    form = HandoutForm(request.POST, patient=patient, user=user)
    if not form.is_valid():
        return _shown(request, patient, form)
    wanted = form.wanted
    paper = handout(user, patient, wanted, now)
    try:
        give_copy(
            patient=patient, plans=paper.care_plans, to=wanted.to, way=request.POST.get("way", ""), by=user, now=now,
            language=wanted.language, is_large=wanted.is_large,
            parts=paper.parts, protected=bool(paper.notice),
        )  # fmt: skip
    except ValidationError as error:
        for message in error.messages:
            form.add_error(None, message)
        return _shown(request, patient, form)
    toast(request, _("Noted: a copy was given"))
    return redirect("dashboard:patient_summary", pk=patient.pk)


def _shown(request: HttpRequest, patient: Patient, form: HandoutForm) -> HttpResponse:
    user, now = _user(request), timezone.now()
    paper = handout(user, patient, form.wanted, now) if form.is_valid() or form.non_field_errors() else None
    context = {
        "patient": patient,
        "form": form,
        "paper": paper,
        "now": now,
        "ways": CopyWay.choices,
        "may_log": can_log_contact(user, patient),
        "has_words": patient.language.split("-")[0].lower() in ("", *dict(settings.LANGUAGES)),
        "back": reverse("dashboard:patient_summary", args=[patient.pk]),
    }
    status = 422 if form.errors else 200
    return page(request, "dashboard/patient_print.html", context, "dashboard/_patient_print.html", status)


def _user(request: HttpRequest) -> Any:
    return request.user
