"""Merging two records of one person with a look at every field, and taking them apart again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from careplans.models import CarePlan, Task
from coordinator.accounts.models import Practitioner, User
from coordinator.dashboard.duplicates import LIST, side_by_side
from coordinator.db import Conflict
from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires
from coordinator.toasts import toast
from coordinator.wording import day, language_name
from coordinator.workflow import NotAllowed
from patients import services
from patients.merge_fields import (
    CHOOSABLE,
    OTHER,
    SURVIVOR,
    decide,
    differing,
    is_blank,
    is_death_unclear,
    value_of,
)
from patients.models import Document, Note, Patient, PatientMerge, PossibleDuplicate
from patients.services.merging import later_merges, stays_with_survivor
from referrals.models import Referral
from scheduling.models import Appointment

MERGED = "dashboard:duplicate_merged"
LATELY = 50
WORDS: dict[str, Any] = {
    "status": lazy("Standing"),
    "family_name": lazy("Family name"),
    "given_name": lazy("Given name"),
    "middle_name": lazy("Middle name"),
    "prefix": lazy("Prefix"),
    "suffix": lazy("Suffix"),
    "preferred_name": lazy("Goes by"),
    "former_family_name": lazy("Former family name"),
    "birth_date": lazy("Date of birth"),
    "sex": lazy("Sex"),
    "gender_identity": lazy("Gender identity"),
    "pronouns": lazy("Pronouns"),
    "language": lazy("Language"),
    "interpreter_needed": lazy("Needs an interpreter"),
    "time_zone": lazy("Time zone"),
    "best_time_to_call": lazy("Best time to call"),
    "address_line": lazy("Address"),
    "city": lazy("City"),
    "state": lazy("State"),
    "postal_code": lazy("ZIP or postal code"),
    "country": lazy("Country"),
    "tier": lazy("Tier"),
    "primary_care": lazy("Primary care"),
    "deceased_on": lazy("Day of death"),
    "coordinator": lazy("Coordinator"),
}
COUNTED = (
    (lazy("Visits"), Appointment),
    (lazy("Tasks"), Task),
    (lazy("Care plans"), CarePlan),
    (lazy("Referrals"), Referral),
    (lazy("Notes"), Note),
    (lazy("Documents"), Document),
)
# Told beside the standing, with which it comes.
WITH_STANDING = "deceased_on"


@dataclass(frozen=True)
class Choice:
    """One radio button: which record's word, and how it reads."""

    key: str
    words: str
    checked: bool
    patient: Patient


@dataclass(frozen=True)
class FieldRow:
    name: str
    label: Any
    choices: list[Choice]
    wrong: bool = False


class MergeForm(forms.Form):
    """Whose word stands for each field that differs, by the key of the record, and why it is one person."""

    reason = forms.CharField(
        label=lazy("How do you know that it is one person?"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy("For example: called and confirmed; same identity card."),
    )

    def __init__(self, data: Any = None, *, survivor: Patient, other: Patient, names: Iterable[str]) -> None:
        super().__init__(data)
        self.keys = {str(survivor.pk): SURVIVOR, str(other.pk): OTHER}
        self.names = list(names)
        for name in self.names:
            field = forms.ChoiceField(choices=[(key, key) for key in self.keys], label=WORDS[name])
            field.error_messages["required"] = _("Choose which of the two is right.")
            self.fields[name] = field

    @property
    def sides(self) -> dict[str, str]:
        """What was chosen and can be read, for the service: name of the field -> "survivor" or "other"."""
        given = {name: str(self.data.get(name, "")) for name in self.names}
        return {name: self.keys[key] for name, key in given.items() if key in self.keys}


@requires("patients.merge")
@require_http_methods(["GET", "POST"])
def duplicate_merge(request: HttpRequest, pk: UUID) -> HttpResponse:
    """GET: both records side by side (`keep`: the key of the one that survives). POST: merge them."""
    pair = get_visible_or_404(
        PossibleDuplicate.objects.select_related("one__site", "two__site"), request.user, pk=pk
    )
    user, now = request.user, timezone.now()
    counts = counts_of(user, [pair.one, pair.two])
    survivor, other = _who_survives(pair, counts, request.GET.get("keep", ""))
    names = [
        name
        for name in differing(survivor, other)
        if name != WITH_STANDING or survivor.status == other.status
    ]
    form = MergeForm(request.POST or None, survivor=survivor, other=other, names=names)
    if request.method == "POST" and form.is_valid():
        asked = {"survivor_id": survivor.pk, "other_id": other.pk, "choices": form.sides}
        try:
            merge = services.merge_patients(**asked, reason=form.cleaned_data["reason"], by=user, now=now)
        except ValidationError as error:
            show_refusal(form, error)
        except (NotAllowed, Conflict) as error:
            form.add_error(None, str(error))
        else:
            undo = reverse("dashboard:duplicate_merge_undo", args=[merge.pk])
            text = _("Merged. Everything of the record %(mrn)s is here now.") % {"mrn": other.mrn}
            chart = reverse("dashboard:patient_summary", args=[survivor.pk])
            toast(request, text, undo=undo, back=reverse(LIST))
            return redirect(chart)
    plan = services.plan_merge(survivor=survivor, other=other, choices=form.sides, now=now)
    context = {
        "pair": side_by_side(user, [pair])[0],
        "survivor": survivor,
        "other": other,
        "rows": _rows(form, survivor, other),
        "same": [WORDS[name] for name in CHOOSABLE if name not in names and not is_blank(survivor, name)],
        "counts": [(label, counts[survivor.pk][label], counts[other.pk][label]) for label, _model in COUNTED],
        "form": form,
        "plan": plan,
        "objections": [] if form.is_bound else plan.objections,
    }
    status = 422 if request.method == "POST" else 200
    return page(request, "dashboard/duplicate_merge.html", context, "dashboard/_duplicate_merge.html", status)


def counts_of(user: Any, patients: list[Patient]) -> dict[UUID, dict[Any, int]]:
    """How much each record holds of what this person may see: one statement for each kind."""
    counts: dict[UUID, dict[Any, int]] = {patient.pk: {} for patient in patients}
    for label, model in COUNTED:
        seen = model.objects.visible_to(user).filter(patient__in=patients).order_by()
        found = dict(seen.values_list("patient").annotate(number=Count("pk")))
        for key in counts:
            counts[key][label] = found.get(key, 0)
    return counts


def _who_survives(
    pair: PossibleDuplicate, counts: Mapping[UUID, Mapping[Any, int]], keep: str
) -> list[Patient]:
    """The record that survives, then the other: as asked, else the one that holds more, else the older one."""
    both = [pair.one, pair.two]
    both.sort(key=lambda patient: (-sum(counts[patient.pk].values()), patient.created_at))
    return both if keep != str(both[1].pk) else both[::-1]


def _rows(form: MergeForm, survivor: Patient, other: Patient) -> list[FieldRow]:
    stands = decide(survivor, other, form.sides)
    unclear = is_death_unclear(survivor, other, form.sides)
    rows = []
    for name in form.names:
        side = "" if name == "status" and unclear else stands[name].side
        choices = [
            Choice(str(patient.pk), in_words(patient, name), side == key, patient)
            for key, patient in ((SURVIVOR, survivor), (OTHER, other))
        ]
        rows.append(FieldRow(name, WORDS[name], choices, wrong=bool(form.is_bound and form.errors.get(name))))
    return rows


def in_words(patient: Patient, name: str) -> str:
    """The value of one field as a person reads it."""
    value = value_of(patient, name)
    if name == "status" and patient.deceased_on:
        return _("%(status)s on %(day)s") % {
            "status": patient.get_status_display(),
            "day": day(patient.deceased_on),
        }
    if name == "interpreter_needed":
        return _("Yes") if value else _("No")
    if value in (None, ""):
        return _("Not recorded")
    if name == "coordinator":
        return str(User.objects.get(pk=value))
    if name == "primary_care":
        return str(Practitioner.objects.get(pk=value))
    if name in ("birth_date", "deceased_on"):
        return day(value)
    if name == "language":
        return language_name(value)
    shown = getattr(patient, f"get_{name}_display", None)
    return str(shown()) if shown else str(value)


# --- taking apart --------------------------------------------------------------------------------------


@requires("patients.merge")
@require_GET
def duplicate_merged(request: HttpRequest) -> HttpResponse:
    """The latest merges, also those that were taken apart."""
    merges = PatientMerge.objects.visible_to(request.user)
    merges = merges.select_related("survivor__site", "other__site", "created_by", "undone_by")
    return page(request, "dashboard/duplicate_merged.html", {"merges": merges[:LATELY], "most": LATELY})


class TakeApartForm(forms.Form):
    """Why two merged records are not one person's after all."""

    reason = forms.CharField(
        label=lazy("Why are they taken apart?"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


@requires("patients.merge")
@require_http_methods(["GET", "POST"])
def duplicate_take_apart(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Two records again, with the reason; first it says what goes back and what stays."""
    merge = get_visible_or_404(PatientMerge.objects.select_related("survivor", "other"), request.user, pk=pk)
    form = TakeApartForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            _take_apart(request, merge, form.cleaned_data["reason"])
        except ValidationError as error:
            show_refusal(form, error)
        except (NotAllowed, Conflict) as error:
            form.add_error(None, str(error))
        else:
            return redirect(MERGED)
    context = {
        "merge": merge,
        "form": form,
        "stays": _stays(merge),
        "later": later_merges(merge).exists(),
        "rows": sum(map(len, merge.moved.values())),
    }
    status = 422 if request.method == "POST" else 200
    return page(
        request,
        "dashboard/duplicate_take_apart.html",
        context,
        "dashboard/_duplicate_take_apart.html",
        status,
    )


def _stays(merge: PatientMerge) -> list[tuple[Any, int]]:
    """What was written since and stays with the survivor: in the words of COUNTED, the rest together."""
    numbers = stays_with_survivor(merge)
    named = [(label, numbers.pop(model)) for label, model in COUNTED if model in numbers]
    return [*named, (_("Other entries"), sum(numbers.values()))] if numbers else named


@requires("patients.merge")
@require_POST
def duplicate_merge_undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Undo right after merging."""
    merge = get_visible_or_404(PatientMerge, request.user, pk=pk)
    _take_apart(request, merge, _("Undone right after merging"))
    return redirect(LIST)


def _take_apart(request: HttpRequest, merge: PatientMerge, reason: str) -> None:
    result = services.unmerge_patients(merge_id=merge.pk, reason=reason, by=request.user, now=timezone.now())
    text = _("Taken apart. Both records are as they were.")
    if result.stayed or result.kept:
        text = _("Taken apart. What was changed or written since the merge was kept.")
    toast(request, text)
