"""Log a contact from the patient's page: about one of their open tasks, or about none."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from careplans.actions import ACTIONS
from careplans.forms import LogContactForm
from careplans.models import Outcome, Task
from careplans.permissions import can_log_contact
from careplans.services import log_contact
from coordinator.dashboard.summary import is_closed
from coordinator.http import get_visible_or_404, is_part, page, requires, safe_next
from coordinator.toasts import toast
from patients.models import Patient
from scheduling.models import Appointment
from scheduling.workflow import Status

KEPT = ("outcome", "note", "minutes", "topic", "related_person", "contact_point", "interpreter")
CALLS = ("discharge_call", "outreach_call", "no_show_follow_up")


class PatientContactForm(LogContactForm):
    """The contact form of a task, with the task itself to choose."""

    about = forms.ModelChoiceField(
        label=lazy("For which task?"),
        queryset=Task.objects.none(),
        required=False,
        empty_label=lazy("None, for the record"),
    )

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        self.patient = patient
        super().__init__(*args, **kwargs)

    def prepare(self) -> None:
        super().prepare()
        self._choices_of(self.patient)
        mine = Task.objects.visible_to(self.user).filter(patient=self.patient)
        open_tasks = mine.workable().order_by("due_at", "id")
        self.fields["about"].queryset = open_tasks  # type: ignore[attr-defined]

    @staticmethod
    def likely(user: Any, patient: Patient, visit: Appointment | None = None) -> Any:
        """The call that is due first, of this missed visit if there is one: what a contact is most often about."""
        calls = Task.objects.visible_to(user).filter(patient=patient, kind__in=CALLS).workable()
        if visit is not None:
            calls = calls.filter(cause_id=visit.pk)
        return calls.order_by("due_at", "id").values_list("pk", flat=True).first()


@requires("tasks.work")
@require_http_methods(["GET", "POST"])
def patient_contact(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A dialog over the chart with script, a page without."""
    patient = get_visible_or_404(Patient, request.user, pk=pk)
    if is_closed(patient) or not can_log_contact(request.user, patient):
        raise PermissionDenied(_("This record is for reading."))
    back = safe_next(request, reverse("dashboard:patient_summary", args=[patient.pk]))
    now, visit = timezone.now(), _missed(request, patient)
    bound = _sent(request)
    about = PatientContactForm.likely(request.user, patient, visit) if bound is None else None
    form = PatientContactForm(
        bound, initial={"about": about}, patient=patient, task=None, user=request.user, now=now
    )
    if bound is not None and form.is_valid():
        try:
            toast(request, _log(form, patient, request.user, now))
        except ValidationError as error:
            form.refuse(error)
        else:
            there = _rebooking(visit, back) if visit and "rebook" in request.POST else back
            return HttpResponseClientRedirect(there) if is_part(request) else HttpResponseRedirect(there)
    on_page = request.headers.get("HX-Current-URL", "").partition("?")[0].endswith(request.path)
    context = {"patient": patient, "form": form, "back": back, "on_page": on_page, "visit": visit}
    status = 422 if bound is not None else 200
    return page(request, "dashboard/patient_contact.html", context, "dashboard/_patient_contact.html", status)


def _missed(request: HttpRequest, patient: Patient) -> Appointment | None:
    """The missed visit that the call is about, when the address or the form names one; None once it is rebooked."""
    named = request.POST.get("missed") or request.GET.get("missed")
    if not named:
        return None
    try:
        key = UUID(named)
    except ValueError:
        raise Http404 from None
    missed = Appointment.objects.visible_to(request.user).filter(patient=patient, status=Status.NO_SHOW)
    return missed.filter(pk=key).first()


def _sent(request: HttpRequest) -> QueryDict | None:
    """What was sent. Whoever goes on to the rebooking has reached somebody, unless the form says otherwise."""
    if request.method != "POST":
        return None
    sent = request.POST.copy()
    if "rebook" in sent:
        sent.setdefault("outcome", Outcome.REACHED_DONE)
    return sent


def _rebooking(visit: Appointment, back: str) -> str:
    return f"{reverse('scheduling:appointment_move', args=[visit.pk])}?{urlencode({'next': back})}"


def _log(form: PatientContactForm, patient: Patient, user: Any, now: Any) -> str:
    data = form.cleaned_data
    task = data["about"]
    if task is not None:
        return ACTIONS["log"].run(task, data, user, now).text
    result = log_contact(
        patient=patient,
        channel=data["channel"] or "phone",
        direction=data["direction"] or "out",
        next_attempt_at=data["again_at"],
        attempt_id=data["attempt_id"],
        by=user,
        now=now,
        **{name: data[name] for name in KEPT},
    )
    return " ".join([_("Contact saved."), *result.explanation])
