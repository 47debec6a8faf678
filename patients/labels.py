"""What a label means: what proposes it, who may be given the entries, and the words that go with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from patients.models import Consent, Label, Patient
from patients.models.visibility import opened

# --- what proposes a label: data, decided on by a person -------------------------------------------------------

# ICD-10-CM chapters by the letter and two digits of a code: F10-F19 substance use (without F17, tobacco: nobody
# holds it for a part 2 record), F20-F99 and F01-F09 other mental and behavioral.
SUBSTANCE_ICD10 = frozenset(f"F{n}" for n in range(10, 20)) - {"F17"}
BEHAVIORAL_ICD10 = frozenset(f"F{n}" for n in range(20, 100))
# SNOMED CT: the few concepts on top of what problem lists hold; without the terminology no children are known.
SNOMED = {
    "66214007": Label.PART2,  # substance abuse
    "191816009": Label.PART2,  # drug dependence
    "7200002": Label.PART2,  # alcoholism
    "75544000": Label.PART2,  # opioid dependence
    "5602001": Label.PART2,  # opioid abuse
    "74732009": Label.BEHAVIORAL,  # mental disorder
    "35489007": Label.BEHAVIORAL,  # depressive disorder
    "13746004": Label.BEHAVIORAL,  # bipolar disorder
    "58214004": Label.BEHAVIORAL,  # schizophrenia
}
# Medicines for opioid or alcohol use disorder, as a name begins.
MEDICINES = {
    "buprenorphine": Label.PART2,
    "suboxone": Label.PART2,
    "subutex": Label.PART2,
    "methadone": Label.PART2,
    "naltrexone": Label.PART2,
    "vivitrol": Label.PART2,
    "disulfiram": Label.PART2,
    "acamprosate": Label.PART2,
}


def proposed(*, code: str = "", name: str = "") -> str:
    """The label that a code or a medicine's name suggests, or "". Only a person sets one."""
    code = code.strip().upper()
    if code in SNOMED:
        return SNOMED[code]
    if code[:3] in SUBSTANCE_ICD10:
        return Label.PART2
    if code[:3] in BEHAVIORAL_ICD10:
        return Label.BEHAVIORAL
    words = name.casefold().split()
    return MEDICINES.get(words[0].strip(",;:()"), "") if words else ""


# --- what is withheld, and what is shown ------------------------------------------------------------------------

TABLES = (
    "patients_problem", "patients_medication", "patients_result", "patients_note", "patients_document",
    "patients_encounter",
)  # fmt: skip
_ROWS = " union all ".join(
    f"select x.label, coalesce({opened('x')}, false) as is_open from {table} x"  # noqa: S608  (created_by may be null)
    " where x.patient_id = %(patient)s and x.label <> '' and x.status not in ('entered_in_error', 'entered-in-error')"
    for table in TABLES
)
COUNT = f"select label, is_open, count(*) from ({_ROWS}) e group by label, is_open"  # noqa: S608  (fixed text)


@dataclass(frozen=True)
class Protected:
    """How many labelled entries of a patient are withheld from one person, and how many they see, by label."""

    withheld: dict[str, int]
    shown: dict[str, int]

    @property
    def number(self) -> int:
        return sum(self.withheld.values())


def protected(user: Any, patient: Patient) -> Protected:
    """One statement."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"patient": patient.pk, "reader": user.pk})
        return counted(cursor.fetchall())


def counted(rows: Iterable[tuple[str, bool, int]]) -> Protected:
    """The rows of COUNT: label, whether it is open to the reader, how many."""
    found = list(rows)
    return Protected(
        {label: n for label, is_open, n in found if not is_open},
        {label: n for label, is_open, n in found if is_open},
    )


# --- what may leave, and with which words -----------------------------------------------------------------------

# 42 CFR 2.32(a)(2), the short form: word for word, in English, with every copy of a part 2 record.
PART2_NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."


def notice_for(labels: Iterable[str]) -> str:
    """The words that go with a copy of labelled entries, one sentence for each label; "" without one."""
    wanted = set(labels)
    words = {
        Label.PART2: PART2_NOTICE,
        Label.BEHAVIORAL: _(
            "This copy holds behavioral health entries. Pass on only what is needed, to who may have it."
        ),
        Label.MINOR: _(
            "This copy holds care to which a minor consented. Do not give it to a parent without that consent."
        ),
    }
    return " ".join(words[label] for label in Label if label in wanted)


# Whose consent lets entries with a label leave the clinic.
CONSENTS: dict[str, Collection[str]] = {
    Label.PART2: (Consent.Kind.PART_2,),
    Label.BEHAVIORAL: (Consent.Kind.RELEASE, Consent.Kind.PART_2),
    Label.MINOR: (Consent.Kind.RELEASE,),
}


def may_leave(patient: Patient, label: str, day: date) -> bool:
    """Whether a consent that holds on that day (of the patient's place) lets entries with this label leave.

    A refusal that holds the same day goes before; an entry without a label may leave as the record may.
    Otherwise a reason has to be given, and the export is recorded with it (42 CFR 2.31, 2.33).
    """
    if not label:
        return True
    kinds = CONSENTS[label]
    rows = [c for c in Consent.objects.filter(patient=patient, kind__in=kinds) if c.holds_on(day)]
    refused = any(row.decision == Consent.Decision.DENY for row in rows)
    return not refused and any(row.decision == Consent.Decision.PERMIT for row in rows)
