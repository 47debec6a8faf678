"""What a letter to a payer may say about the patient: nothing that is labelled, withheld, or entered in error."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from coordinator.wording import day, phone
from patients.models import Coverage, Document, Medication, Patient, Problem, Result
from referrals.models import AppealLetter, Denial
from referrals.rules import letters as letter_rules

MOST_RESULTS = 12
ERROR = ("entered_in_error", "entered-in-error")
LANGUAGE = "en"  # payers are written to in English


@dataclass(frozen=True)
class Material:
    """What can be chosen for a letter."""

    problems: list[Problem]
    medicines: list[Medication]
    results: list[Result]

    def chosen(self, keys: Iterable[str]) -> Material:
        wanted = set(keys)
        return Material(
            [row for row in self.problems if str(row.pk) in wanted],
            [row for row in self.medicines if str(row.pk) in wanted],
            [row for row in self.results if str(row.pk) in wanted],
        )

    @property
    def cites(self) -> list[list[str]]:
        """[model, key] of every entry, as an AppealLetter keeps them."""
        rows = [*self.problems, *self.medicines, *self.results]
        return [[row._meta.model_name or "", str(row.pk)] for row in rows]


def _open_rows(model: Any, user: Any, patient: Patient) -> QuerySet[Any]:
    """Rows of the record without a label: labelled ones stay out of letters, even for who may read them."""
    return model.objects.visible_to(user).filter(patient=patient, label="").exclude(status__in=ERROR)


def material(user: Any, patient: Patient) -> Material:
    """Active problems and medicines and the newest results (three queries)."""
    problems = _open_rows(Problem, user, patient).filter(status="active").order_by("name")
    medicines = _open_rows(Medication, user, patient).filter(status="active").order_by("name")
    results = _open_rows(Result, user, patient).order_by("-taken_at", "-pk")[:MOST_RESULTS]
    return Material(list(problems), list(medicines), list(results))


def papers(user: Any, patient: Patient) -> list[Document]:
    """Documents that may go to a payer with the letter, newest first (one query)."""
    rows = Document.objects.visible_to(user).filter(patient=patient, label="", status="current")
    return list(rows.for_lists().newest_first())


MODELS: dict[str, Any] = {"problem": Problem, "medication": Medication, "result": Result}


def unfit(user: Any, letter: AppealLetter) -> bool:
    """True when an entry that the letter was merged from is labelled, withheld or entered in error by now."""
    patient = letter.denial.authorization.patient
    for name, model in MODELS.items():
        keys = [key for kind, key in letter.cites if kind == name]
        if keys and _open_rows(model, user, patient).filter(pk__in=keys).count() != len(set(keys)):
            return True
    return False


def merged(denial: Denial, chosen: Material, sent: Iterable[Document], now: datetime) -> str:
    """The letter's text from the template of the denial's category; what is not recorded stands in brackets."""
    record = denial.authorization
    with translation.override(LANGUAGE), timezone.override(record.site.tzinfo):
        template = denial.category.letter or DEFAULT
        return letter_rules.merge(template, _values(denial, chosen, list(sent), now)).strip()


def _values(denial: Denial, chosen: Material, sent: list[Document], now: datetime) -> dict[str, str]:
    record = denial.authorization
    patient, site = record.patient, record.site
    clinician = (record.referral.requester if record.referral else None) or patient.primary_care
    number = record.authorization_number or record.reference_number
    place = [site.name, getattr(site, "address", ""), phone(site.phone)]
    return {
        "today": day(timezone.localtime(now).date()),
        "clinic": "\n".join(part for part in place if part),
        "payer": record.payer.name,
        "patient": " ".join(n for n in (patient.given_name, patient.middle_name, patient.family_name) if n),
        "born": day(patient.birth_date) or _("[date of birth not recorded]"),
        "member": _member(record) or _("[member number not recorded]"),
        "number": number or _("[no number yet]"),
        "service": _service(denial),
        "lines": _lines(denial) or f"- {record.service}",
        "notice_date": day(denial.notice_on),
        "denial_words": denial.words,
        "clinical": _clinical(chosen),
        "papers": "\n".join(f"- {paper.title}" for paper in sent) or _("[no papers chosen yet]"),
        "clinician": str(clinician) if clinician else _("[clinician’s name]"),
    }


def _member(record: Any) -> str:
    """Of the request's own coverage, else of the only active coverage with this payer."""
    if record.coverage is not None:
        return str(record.coverage.member_id)
    found = Coverage.objects.filter(
        patient=record.patient, status="active", payer_name__iexact=record.payer.name
    )[:2]
    return str(found[0].member_id) if len(found) == 1 else ""


def _service(denial: Denial) -> str:
    """What was asked for; of a request that was granted in part, only what the payer refused."""
    refused = list(denial.lines.all())
    if not refused or len(refused) == denial.authorization.lines.count():
        return denial.authorization.service
    return ", ".join(line.label or line.service_code for line in refused)


def _lines(denial: Denial) -> str:
    rows = []
    for line in denial.lines.all():
        what = " ".join(part for part in (line.service_code, line.label) if part)
        rows.append(f"- {what}, {line.get_unit_kind_display()}: {line.units_requested}")
    return "\n".join(rows)


def _clinical(chosen: Material) -> str:
    parts = []
    if chosen.problems:
        parts.append(_("Conditions:") + "\n" + "\n".join(f"- {_coded(row)}" for row in chosen.problems))
    if chosen.medicines:
        rows = (", ".join(p for p in (row.name, row.how_taken) if p) for row in chosen.medicines)
        parts.append(_("Medicines:") + "\n" + "\n".join(f"- {row}" for row in rows))
    if chosen.results:
        parts.append(_("Results:") + "\n" + "\n".join(f"- {_result(row)}" for row in chosen.results))
    return "\n\n".join(parts) or _("[choose the problems, medicines and results that matter]")


def entry_words(row: Problem | Medication | Result) -> str:
    """An entry as a choice: two results of one name differ by value and day."""
    if isinstance(row, Result):
        return _result(row)
    return _coded(row) if isinstance(row, Problem) else row.name


def _coded(row: Problem) -> str:
    return f"{row.name} ({row.code})" if row.code else row.name


def _result(row: Result) -> str:
    value = f"{row.value.normalize():f} {row.unit}".strip() if row.value is not None else row.value_text
    when = f" ({day(timezone.localtime(row.taken_at).date())})" if row.taken_at else ""
    return f"{row.name}: {value}{when}"


DEFAULT = """{today}

{clinic}

To: {payer}, Appeals

Patient: {patient}
Date of birth: {born}
Member number: {member}
Request number: {number}
Service: {service}

We appeal the denial of {notice_date}. Your notice gives this reason:

"{denial_words}"

The denial concerns:
{lines}

{clinical}

Papers with this letter:
{papers}

Please reverse the denial. If you do not, please send us the criteria you applied and the name and specialty of the reviewer, and arrange a talk with a reviewer of the same specialty.

{clinician}
"""
