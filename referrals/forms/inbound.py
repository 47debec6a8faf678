"""What people say about an incoming paper."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from coordinator.accounts.models import Site
from coordinator.uploads import dropped_files
from patients.forms.documents import SeveralFiles, SeveralFilesInput
from patients.models import DocumentKind, Patient
from patients.rules.files import ACCEPT, too_large
from referrals.models import PriorAuthorization, Referral

TARGETS: dict[str, Any] = {"referral": Referral, "authorization": PriorAuthorization, "patient": Patient}


class ReceiveForm(forms.Form):
    """Papers brought in by hand: a scan, a download from a portal."""

    site = forms.ModelChoiceField(label=lazy("Place"), queryset=Site.objects.none())
    sender = forms.CharField(label=lazy("Who sent it"), max_length=160, required=False)
    files: Any = SeveralFiles(label=lazy("Files"), widget=SeveralFilesInput(attrs={"accept": ACCEPT}))

    def __init__(self, *args: Any, user: Any, request: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.most = settings.DOCUMENT_MAX_BYTES
        self.dropped = dropped_files(request) if request is not None and request.method == "POST" else []
        places: Any = self.fields["site"]
        places.queryset = Site.objects.visible_to(user).order_by("name")
        if places.queryset.count() == 1:
            places.initial = places.queryset.get()
        self.fields["files"].help_text = _(
            "PDF, JPEG, PNG, TIFF, plain text, Word or Excel without macros, at most %(most)d MB each."
        ) % {"most": self.most // 1024**2}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.dropped:
            self.errors.pop("files", None)
            for name in self.dropped:
                self.add_error("files", str(too_large(name, self.most)))
        return data


class AttachForm(forms.Form):
    """Where the paper belongs: `place` is a kind and a key, looked up among what this person may see."""

    place = forms.CharField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=lazy("Kind of document"), choices=DocumentKind.choices, initial="report")
    title = forms.CharField(label=lazy("Title"), max_length=250, required=False)
    is_report = forms.BooleanField(label=lazy("It is the report this referral waits for"), required=False)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_place(self) -> tuple[Patient, tuple[str, UUID] | None]:
        """The patient, and what the document is linked to."""
        kind, _colon, key = self.cleaned_data["place"].partition(":")
        model = TARGETS.get(kind)
        try:
            found = model.objects.visible_to(self.user).filter(pk=UUID(key)).first() if model else None
        except ValueError:
            found = None
        if found is None:
            raise ValidationError(_("Choose where the paper belongs."))
        return (found, None) if isinstance(found, Patient) else (found.patient, (kind, found.pk))


class WhyForm(forms.Form):
    reason = forms.CharField(label=lazy("Reason"), max_length=500)


class StateForm(forms.Form):
    """Which papers the list shows."""

    state = forms.ChoiceField(
        label=lazy("State"),
        required=False,
        choices=[
            ("", lazy("To be sorted")),
            ("attached", lazy("Attached to a record")),
            ("set_aside", lazy("Set aside")),
        ],
    )
