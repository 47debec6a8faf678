"""A patient's documents for one page: the list with its filters, one document with what surrounds it, its links."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from coordinator.dashboard.record_words import matching
from patients.models import Document, DocumentKind, DocumentLink, Patient
from patients.models.documents import EXPIRES_SOON
from referrals.models import PriorAuthorization, Referral
from scheduling.models import Appointment

SHOWN = 200
TYPED = ("kind", "tag")  # words of the record: never part of an address
Kind = DocumentLink.Kind


@dataclass(frozen=True)
class Target:
    """What a document is or can be linked to, in words."""

    kind: str
    pk: UUID
    label: str
    href: str

    @property
    def value(self) -> str:
        """As a form names it."""
        return f"{self.kind}:{self.pk}"

    @property
    def kind_label(self) -> Any:
        return Kind(self.kind).label


class DocumentFilters(forms.Form):
    """Standing lives in the address; what is typed does not, nor kinds and tags, which somebody typed once."""

    kind = forms.ChoiceField(label=lazy("Kind"), required=False)
    tag = forms.ChoiceField(label=lazy("Tag"), required=False)
    state = forms.ChoiceField(
        label=lazy("Standing"),
        required=False,
        choices=[
            ("", lazy("All that stand")),
            ("expired", lazy("Expired")),
            ("soon", lazy("Expire within 30 days")),
            ("error", lazy("Entered in error")),
        ],
    )
    q = forms.CharField(label=lazy("Words"), required=False)

    def __init__(self, data: Any, kinds: Iterable[str], tags: Iterable[str]) -> None:
        super().__init__(data)
        names = dict(DocumentKind.choices)
        fields: Any = self.fields
        fields["kind"].choices = [
            ("", _("All kinds")),
            *sorted(((kind, names.get(kind, kind)) for kind in kinds), key=lambda pair: str(pair[1])),
        ]
        fields["tag"].choices = [("", _("All tags")), *((tag, tag) for tag in sorted(tags, key=str.casefold))]
        self.is_valid()

    @property
    def given(self) -> dict[str, str]:
        return {name: value for name, value in self.cleaned_data.items() if value}


def of_patient(user: Any, patient: Patient) -> Any:
    return Document.objects.visible_to(user).filter(patient=patient)


def filters_for(user: Any, patient: Patient, data: Any) -> DocumentFilters:
    """The form with the kinds and tags that this patient's documents have."""
    known = list(of_patient(user, patient).values_list("kind", "tags"))
    return DocumentFilters(
        data, {kind for kind, _tags in known}, {tag for _kind, tags in known for tag in tags}
    )


def listed(user: Any, patient: Patient, given: dict[str, str], today: date) -> list[Document]:
    """Newest first, at most SHOWN + 1, each with `linked` (its Targets) and `expiry_state`."""
    rows = of_patient(user, patient).for_lists().newest_first()
    rows = rows.filter(status="entered_in_error") if given.get("state") == "error" else rows.standing()
    if given.get("kind"):
        rows = rows.filter(kind=given["kind"])
    if given.get("tag"):
        rows = rows.filter(tags__contains=[given["tag"]])
    if given.get("state") == "expired":
        rows = rows.filter(expires_on__lt=today)
    if given.get("state") == "soon":
        rows = rows.filter(expires_on__range=(today, today + EXPIRES_SOON))
    if given.get("q"):
        rows = matching(rows, given["q"])
    found = list(rows[: SHOWN + 1])
    for document in found:
        document.expiry_state = document.expiry(today)
    put_links(user, patient, found)
    return found


def put_links(user: Any, patient: Patient, documents: Sequence[Document]) -> None:
    """`linked` on each: what it is linked to, as far as this person may see it and it is this patient's."""
    links = DocumentLink.objects.filter(document__in=documents, removed_at=None).order_by("created_at")
    wanted: dict[str, set[UUID]] = defaultdict(set)
    rows = list(links)
    for link in rows:
        wanted[link.kind].add(link.target_id)
    known = {target.value: target for target in targets(user, patient, wanted)} if rows else {}
    of: dict[UUID, list[Target]] = defaultdict(list)
    for link in rows:
        if target := known.get(f"{link.kind}:{link.target_id}"):
            of[link.document_id].append(target)
    for document in documents:
        document.linked = of[document.pk]  # type: ignore[attr-defined]


def targets(user: Any, patient: Patient, only: dict[str, set[UUID]] | None = None) -> list[Target]:
    """Referrals, authorizations and visits of the patient, newest first; `only` these keys by kind (three queries)."""

    def rows(kind: str, model: Any, *related: str) -> Any:
        found = model.objects.visible_to(user).filter(patient=patient).exclude(status="entered_in_error")
        found = found.select_related(*related) if related else found
        return found.filter(pk__in=only.get(kind, ())) if only is not None else found

    referrals = rows(Kind.REFERRAL, Referral, "recipient_organization").order_by("-created_at")[:100]
    authorizations = rows(Kind.AUTHORIZATION, PriorAuthorization).order_by("-created_at")[:100]
    visits = rows(Kind.VISIT, Appointment, "service", "site").order_by("-start")[:100]
    return [
        *(
            Target(
                Kind.REFERRAL,
                row.pk,
                f"{row.specialty}, {row.reference}",
                reverse("referrals:referral_detail", args=[row.pk]),
            )
            for row in referrals
        ),
        *(
            Target(
                Kind.AUTHORIZATION,
                row.pk,
                row.service,
                reverse("referrals:authorization_detail", args=[row.pk]),
            )
            for row in authorizations
        ),
        *(
            Target(Kind.VISIT, row.pk, _visit(row), reverse("scheduling:appointment_detail", args=[row.pk]))
            for row in visits
        ),
    ]


def _visit(row: Appointment) -> str:
    at = timezone.localtime(row.start, row.site.tzinfo)
    return f"{row.service.name}, {date_format(at, 'DATE_FORMAT')}"


def neighbours(user: Any, document: Document) -> tuple[UUID | None, UUID | None]:
    """Keys of the document before and after this one, as the list stands without filters."""
    keys = list(
        of_patient(user, document.patient).standing().newest_first().values_list("pk", flat=True)[: SHOWN * 5]
    )
    if document.pk not in keys:
        return None, None
    at = keys.index(document.pk)
    return (keys[at - 1] if at else None), (keys[at + 1] if at + 1 < len(keys) else None)
