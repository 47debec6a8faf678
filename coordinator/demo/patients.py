"""Registers the demo's patients: names, phones, families, coverage, and what is on their charts."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from coordinator.audit import services as audit
from coordinator.demo.clinic import Clinic
from coordinator.demo.people import (
    ALLERGIES,
    AREA_CODES,
    MEDICINES,
    MORE,
    NAMED,
    NAMES,
    PROBLEMS,
    PRONOUNS,
    RESULTS,
    STREETS,
    TOWNS,
)
from patients import services
from patients.models import (
    Allergy,
    AllergyStatus,
    CareTeamMember,
    ContactPoint,
    Coverage,
    Medication,
    Patient,
    PatientChange,
    Problem,
    Result,
)
from patients.services.contacts import written_forms
from patients.services.patients import next_mrn
from patients.services.people import LEAD_ROLE

Person = tuple[str, str, date, str, str, str, str, int]
Patients = dict[str, Patient]
KEPT_BY, ASKED = "Riverbend chart", "Asked at registration"


def make_patients(clinic: Clinic, rng: random.Random) -> Patients:
    """Everybody by "Family, Given". The named ones come first, in the order of the list."""
    numbers = _numbers(rng)
    made = [_register(_details(clinic, person, rng, next(numbers))) for person in NAMED]
    made += _register_many(clinic, [_details(clinic, p, rng, next(numbers)) for p in _more(rng, clinic)])
    found = {f"{patient.family_name}, {patient.given_name}": patient for patient in made}
    _families(clinic, found)
    _charts(clinic, made, rng)
    _elena_and_maria(clinic, found)
    _standing(clinic, found)
    return found


def _numbers(rng: random.Random) -> Any:
    """Invented phone numbers, each once."""
    block = [f"({area}) 555-01{last:02d}" for area in AREA_CODES for last in range(37, 100)]
    rng.shuffle(block)
    return iter(block)


def _more(rng: random.Random, clinic: Clinic) -> list[Person]:
    """The unnamed part of each caseload. Names come from a small list, so that some are alike."""
    weights = [share for _language, share, *_names in NAMES]
    taken = {(family, given) for family, given, *_rest in NAMED}
    people: list[Person] = []
    for coordinator, site, tiers in MORE:
        for tier, count in enumerate(tiers, 1):
            for _each in range(count):
                while True:
                    language, _share, families, women, men = rng.choices(NAMES, weights)[0]
                    sex = rng.choice(("female", "male"))
                    name = rng.choice(families), rng.choice(women if sex == "female" else men)
                    if name not in taken:
                        break
                taken.add(name)
                age = rng.randint(24, 60) if tier < 3 else rng.randint(58, 93)
                born = clinic.today - timedelta(days=age * 365 + rng.randint(0, 364))
                people.append((*name, born, sex, language, site, coordinator, tier))
    return people


def _details(clinic: Clinic, person: Person, rng: random.Random, phone: str) -> dict[str, Any]:
    """What `register_patient` takes."""
    family, given, born, sex, language, letter, coordinator, tier = person
    town, code = rng.choice(TOWNS)
    mobile = {
        "kind": "phone",
        "use": "mobile" if rng.random() < 0.8 else "home",
        "value": phone,
        "ok_to_message": rng.random() < 0.8,
        "ok_to_leave_voicemail": rng.random() < 0.7,
        "permission_source": ASKED,
    }
    points = [mobile]
    if rng.random() < 0.4:
        points.append(_email(family, given, phone))
    lead = clinic.users[coordinator] if coordinator else None
    provider = rng.choice([p for p in clinic.providers.values() if p.site_id == clinic.site(letter).pk])
    if provider.specialty == "Behavioral health":  # sees patients, and is nobody's primary care
        provider = clinic.providers["Chen"]
    return {
        "site": clinic.site(letter),
        "by": lead or clinic.users["joanne"],
        "now": clinic.ago(rng.randint(100, 900)),
        "mrn": "004812907" if given == "Elena" else "",
        "family_name": family,
        "given_name": given,
        "birth_date": born,
        "sex": sex,
        "language": language if rng.random() < 0.95 else "",
        "interpreter_needed": language not in ("en", "fr") and rng.random() < 0.7,
        "best_time_to_call": rng.choice(["", "", "Mornings", "After 3 PM", "Weekdays before noon"]),
        "pronouns": rng.choice(PRONOUNS) if rng.random() < 0.08 else "",
        "address_line": f"{rng.randint(10, 990)} {rng.choice(STREETS)}",
        "city": town,
        "state": "MN",
        "postal_code": code,
        "country": "US",
        "tier": tier,
        "primary_care": provider,
        "coordinator": lead,
        "contact_points": points,
        "coverages": [_coverage(born, clinic, rng)],
    }


def _register(details: dict[str, Any]) -> Patient:
    return services.register_patient(**details)


def _register_many(clinic: Clinic, people: list[dict[str, Any]]) -> list[Patient]:
    """What `register_patient` writes, for many at once: the unnamed hundred in one second instead of four."""
    patients: list[Patient] = []
    rows: list[Any] = []
    for details in people:
        by, now = details.pop("by"), details.pop("now")
        points, coverages = details.pop("contact_points"), details.pop("coverages")
        patient = Patient(created_by=by, **(details | {"mrn": next_mrn()}))
        patient.search_name = patient.make_search_name()
        patients.append(patient)
        rows.append(PatientChange(record=patient, step="create", to_status=patient.status, at=now, by=by))
        for rank, point in enumerate(points, 1):
            written = written_forms(point["kind"], point["value"])
            rows.append(ContactPoint(patient=patient, created_by=by, **(point | written | {"rank": rank})))
        rows += [Coverage(patient=patient, created_by=by, **coverage) for coverage in coverages]
        if patient.coordinator_id:
            lead = {"user": patient.coordinator, "is_lead": True, "started_on": now.date()}
            rows.append(CareTeamMember(patient=patient, role=LEAD_ROLE, created_by=by, **lead))
    Patient.objects.bulk_create(patients)
    models: tuple[type[Any], ...] = (PatientChange, ContactPoint, Coverage, CareTeamMember)
    for model in models:
        model.objects.bulk_create([row for row in rows if isinstance(row, model)])
    audit.record_many(
        [
            audit.event(
                by=patient.created_by,
                action="create",
                entity="patients.patient",
                entity_id=patient.pk,
                patient_id=patient.pk,
                site_id=patient.site_id,
            )
            for patient in patients
        ]
    )
    return patients


def _email(family: str, given: str, phone: str) -> dict[str, Any]:
    word = "".join(c for c in f"{given}.{family}".lower() if c.isascii() and (c.isalpha() or c == "."))
    return {
        "kind": "email",
        "use": "home",
        "value": f"{word.strip('.')}{phone[-2:]}@example.test",
        "ok_to_message": True,
        "permission_source": ASKED,
    }


def _coverage(born: date, clinic: Clinic, rng: random.Random) -> dict[str, Any]:
    older = (clinic.today - born).days > 65 * 365
    names = (
        ["HealthNorth Plus", "Medicare"] if older else ["Prairie Community Plan", "BlueRiver Employer Health"]
    )
    payer = clinic.payers[rng.choice(names)]
    return {
        "payer_name": payer.name,
        "line_of_business": payer.payer_type,
        "member_id": _member_number(payer, rng),
        "starts_on": date(clinic.today.year - rng.randint(0, 4), 1, 1),
        "checked_at": clinic.ago(rng.randint(1, 120)),
    }


def _member_number(payer: Any, rng: random.Random) -> str:
    number = rng.randint(10_000_000, 99_999_999)
    if payer.payer_type != "medicare":
        return f"{payer.name[:2].upper()}{number}"
    two, three = f"{number % 10}", f"{number // 10 % 10}"
    return f"{1 + number % 9}EG{two}-TE{three}-MK{number % 90 + 10}"  # as on the sample card of CMS


def _families(clinic: Clinic, found: Patients) -> None:
    """One phone for two patients (domain.md P21), and relatives with what they may hear about."""
    for one, other in (
        ("Alvarez, Maria", "Alvarez, Luis"),
        ("Kowalski, Daniel", "Kowalski, Daniela"),
        ("Johansson, Brita", "Meyer, Helmut"),
    ):
        shared = found[one].contact_points.filter(kind="phone").get()
        services.add_contact_point(
            patient_id=found[other].pk,
            kind="phone",
            use="home",
            value=shared.value,
            owner_name=found[one].given_name,
            owner_relationship="Household",
            by=clinic.users["dana"],
            now=clinic.now,
        )
    relatives: list[tuple[str, str, str, str, list[str], bool]] = [
        ("Alvarez, Maria", "Ana Alvarez", "Daughter", "(612) 555-0102", ["scheduling", "transport"], True),
        ("Ramírez, Elena", "Marisol Ramírez", "Daughter", "(612) 555-0177", ["scheduling", "plan"], True),
        ("Schmidt, Lorraine", "Ann Schmidt", "Daughter", "(651) 555-0103", ["scheduling", "results"], True),
        ("Begay, Harold", "Ruth Begay", "Wife", "(218) 555-0104", ["transport", "medicines"], True),
        ("Meyer, Helmut", "Karl Meyer", "Son", "(763) 555-0105", [], False),
    ]
    for name, relative, relationship, phone, topics, emergency in relatives:
        services.add_related_person(
            patient_id=found[name].pk,
            name=relative,
            relationship=relationship,
            phone=phone,
            topics=topics,
            is_emergency_contact=emergency,
            by=clinic.users["dana"],
            now=clinic.now,
        )
    _consents_and_teams(clinic, found)


def _consents_and_teams(clinic: Clinic, found: dict[str, Patient]) -> None:
    common: dict[str, Any] = {"by": clinic.users["dana"], "now": clinic.now}
    since = clinic.today - timedelta(days=115)
    for name in ("Alvarez, Maria", "Ramírez, Elena", "Begay, Harold"):
        common["patient_id"] = found[name].pk
        services.add_consent(kind="care_management", method="verbal", starts_on=since, **common)
        services.add_consent(
            kind="release",
            method="written",
            scope="Visit notes and results to Mercy Cardiology, for treatment",
            starts_on=since,
            ends_on=since + timedelta(days=365),
            **common,
        )
        services.add_care_team_member(
            name="Mercy Cardiology", role="cardiology", contact="fax (612) 555-0178", **common
        )
    services.add_consent(kind="exchange", decision="deny", method="electronic", **common)


def _charts(clinic: Clinic, patients: list[Patient], rng: random.Random) -> None:
    """Problems, medicines, results and allergies, in bulk: rows such as an import brings."""
    problems, medicines, results, allergies = [], [], [], []
    known: dict[str, list[Any]] = {AllergyStatus.NONE_KNOWN: [], AllergyStatus.RECORDED: []}
    for patient in patients:
        checked = clinic.today - timedelta(days=rng.randint(3, 300))
        common = {"patient": patient, "source": KEPT_BY, "last_checked_on": checked}
        for name, code in rng.sample(PROBLEMS, patient.tier + rng.randint(0, 2)):
            problems.append(Problem(name=name, code=code, code_system="ICD-10-CM", **common))
        for name, how in rng.sample(MEDICINES, min(patient.tier + rng.randint(0, 3), len(MEDICINES))):
            medicines.append(Medication(name=name, how_taken=how, prescriber_name="Dr. Okafor", **common))
        results += _results(clinic, patient, rng)
        draw = rng.random()
        if draw < 0.5:
            known[AllergyStatus.NONE_KNOWN].append(patient.pk)
        elif draw < 0.85:
            known[AllergyStatus.RECORDED].append(patient.pk)
            for substance, reaction, severity in rng.sample(ALLERGIES, rng.choice((1, 1, 2))):
                allergies.append(
                    Allergy(
                        substance=substance,
                        reaction=reaction,
                        severity=severity,
                        recorded_on=checked,
                        **common,
                    )
                )
    Problem.objects.bulk_create(problems)
    Medication.objects.bulk_create(medicines)
    Result.objects.bulk_create(results)
    Allergy.objects.bulk_create(allergies)
    for allergy_status, keys in known.items():
        Patient.objects.filter(pk__in=keys).update(
            allergy_status=allergy_status, allergies_checked_on=clinic.today - timedelta(days=40)
        )


def _results(clinic: Clinic, patient: Patient, rng: random.Random) -> list[Result]:
    rows = []
    for name, code, unit, (low, high), limit in rng.sample(RESULTS, 2):
        for months in (0, 4):
            value = round(rng.uniform(low, high), 1)
            rows.append(
                Result(
                    patient=patient,
                    name=name,
                    code=code,
                    unit=unit,
                    category="laboratory",
                    value=Decimal(str(value)),
                    interpretation="H" if value > limit else "",
                    taken_at=clinic.now - timedelta(days=rng.randint(2, 90) + months * 30),
                )
            )
    return rows


def _elena_and_maria(clinic: Clinic, found: Patients) -> None:
    """The two whose story the screens tell: exact charts instead of drawn ones."""
    for name, substances in (("Ramírez, Elena", ALLERGIES[:2]), ("Alvarez, Maria", [])):
        patient = found[name]
        for rows in (patient.problems, patient.medications, patient.allergies):
            rows.all().delete()
        dana, now = clinic.users["dana"], clinic.ago(40)
        Patient.objects.filter(pk=patient.pk).update(
            language="es", interpreter_needed=True, best_time_to_call="After 3 PM"
        )
        patient.contact_points.filter(kind="phone").update(
            use="mobile", ok_to_message=True, ok_to_leave_voicemail=True
        )
        for problem, code in [
            ("Heart failure, EF 35%", "I50.22"),
            ("Type 2 diabetes", "E11.22"),
            ("Needs a ride to visits", "Z75.3"),
        ]:
            services.add_problem(
                patient_id=patient.pk, name=problem, code=code, code_system="ICD-10-CM", by=dana, now=now
            )
        for medicine, how in MEDICINES[:4]:
            services.add_medication(patient_id=patient.pk, name=medicine, how_taken=how, by=dana, now=now)
        for substance, reaction, severity in substances:
            services.add_allergy(
                patient_id=patient.pk,
                substance=substance,
                reaction=reaction,
                severity=severity,
                by=dana,
                now=now,
            )
        if not substances:
            services.record_no_known_allergies(patient_id=patient.pk, by=dana, now=now)
        Coverage.objects.filter(patient=patient).update(
            payer_name="HealthNorth Plus", line_of_business="medicare_advantage", member_id="HE30417786"
        )
        okafor = clinic.providers["Okafor"]
        Patient.objects.filter(pk=patient.pk).update(primary_care=okafor)
        CareTeamMember.objects.bulk_create(
            [
                CareTeamMember(
                    patient=patient, role="Primary care", practitioner=okafor, started_on=date(2024, 1, 8)
                ),
                CareTeamMember(
                    patient=patient,
                    role="Community health worker",
                    user=clinic.users["luz"],
                    started_on=date(2025, 6, 2),
                ),
            ]
        )


def _standing(clinic: Clinic, found: Patients) -> None:
    """Some are no longer with us: they stop getting messages and leave the caseload, and stay readable."""
    spare = [p for p in found.values() if p.coordinator_id == clinic.users["marcus"].pk][-3:]
    lead, now = clinic.users["joanne"], clinic.ago(9)
    services.record_death(patient_id=spare[0].pk, died_on=clinic.today - timedelta(days=10), by=lead, now=now)
    services.transfer_patient(
        patient_id=spare[1].pk, reason="Moved to Duluth; records sent.", by=lead, now=now
    )
    services.inactivate_patient(
        patient_id=spare[2].pk, reason="Asked to leave the program.", by=lead, now=now
    )
    for patient in spare:
        del found[f"{patient.family_name}, {patient.given_name}"]
