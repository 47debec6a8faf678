"""How a patient may be reached without harm: warnings that bind calls, messages and letters."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from coordinator.db import Record
from coordinator.wording import hour_words, phone
from patients.models.patient import ContactPoint, Patient
from patients.models.visibility import PatientScoped


class ContactWarningQuerySet(PatientScoped):
    def present(self) -> ContactWarningQuerySet:
        return self.filter(ended_at=None)


class ContactWarning(Record):
    """One wish about being contacted. Several hold together, the strictest wins; `text` adds to it or says it.

    `calls_from` and `calls_until` are full hours on the patient's wall clock: from 17, until 20.
    """

    class Kind(models.TextChoices):
        NO_MESSAGES = "no_messages", _("Send no texts or e-mails")
        NO_VOICEMAIL = "no_voicemail", _("Leave no messages")
        AVOID = "avoid", _("Do not use this number or address")
        USE_ONLY = "use_only", _("Use only this number or address")
        HOURS = "hours", _("Call only at certain hours")
        NO_LETTERS = "no_letters", _("Send no letters")
        MAIL_TO = "mail_to", _("Send letters to another address")
        KEEP_FROM = "keep_from", _("Somebody must not know")
        OTHER = "other", _("Something else")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="contact_warnings")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    contact_point = models.ForeignKey(ContactPoint, null=True, blank=True, on_delete=models.PROTECT)
    calls_from = models.PositiveSmallIntegerField(null=True, blank=True)
    calls_until = models.PositiveSmallIntegerField(null=True, blank=True)
    text = models.CharField(max_length=200, blank=True)
    is_sensitive = models.BooleanField(default=False)  # on paper only "see record"
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ContactWarningQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        *("no_messages", "no_voicemail", "avoid", "use_only", "hours", "no_letters"),
                        *("mail_to", "keep_from", "other"),
                    ]
                ),
                name="contact_warning_kind",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["avoid", "use_only"]) | Q(contact_point__isnull=False),
                name="contact_warning_names_the_number",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["mail_to", "keep_from", "other"]) | ~Q(text=""),
                name="contact_warning_says_it",
            ),
            models.CheckConstraint(
                condition=~Q(kind="hours")
                | Q(calls_from__isnull=False, calls_until__isnull=False)
                & Q(calls_from__lt=models.F("calls_until"), calls_until__lte=24),
                name="contact_warning_hours",
            ),
        ]
        indexes = [
            models.Index(
                fields=["patient"], condition=Q(ended_at__isnull=True), name="contact_warning_patient"
            )
        ]

    @property
    def sentence(self) -> str:
        """What to do or leave, in words: "Use only (612) 555-0143. The partner reads the other one"."""
        said = self._said()
        return f"{said}. {self.text}" if self.text and said != self.text else said

    def _said(self) -> str:
        kinds = ContactWarning.Kind
        if self.kind == kinds.AVOID and self.contact_point:
            return _t("Do not use %(number)s") % {"number": self._number}
        if self.kind == kinds.USE_ONLY and self.contact_point:
            return _t("Use only %(number)s") % {"number": self._number}
        if self.kind == kinds.HOURS and self.calls_from is not None and self.calls_until is not None:
            hours = {"from": hour_words(self.calls_from), "until": hour_words(self.calls_until % 24)}
            return _t("Call only from %(from)s to %(until)s") % hours
        return self.text if self.kind == kinds.OTHER else str(kinds(self.kind).label)

    @property
    def _number(self) -> str:
        point: Any = self.contact_point
        return phone(point.normalized or point.value) if point.kind == "phone" else point.value
