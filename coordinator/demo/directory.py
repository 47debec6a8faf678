"""The directory: twelve practices and four community services around the clinic. Everybody in it is invented."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from coordinator.demo.clinic import Clinic
from referrals.services import directory

# name, kind, specialties, phone, fax, street, town, ZIP, channel, languages, accepting, cost, wait, told days ago, who told, intake
ENTRIES: tuple[tuple[Any, ...], ...] = (
    ("Mercy General Hospital", "facility", "Emergency care|Cardiology|Surgery", "6125550120", "6125550121", "1 Mercy Way", "Riverbend", "55401", "fax", "en es so hmn", "new", "sliding", None, None, "", ""),
    ("Mercy Cardiology", "practice", "Cardiology", "6125550122", "6125550123", "3 Mercy Way", "Riverbend", "55401", "fax", "en es", "new", "standard", 12, 19, "Kim, scheduling desk", "Last EKG and ejection fraction with the referral. Urgent: call before faxing."),
    ("North Lakes Heart Clinic", "practice", "Cardiology", "7635550140", "7635550141", "40 Lake Street", "Northgate", "55429", "portal", "en hmn", "new", "sliding", 28, 33, "Front desk", ""),
    ("Mercy Imaging", "facility", "Imaging", "6125550124", "6125550125", "5 Mercy Way", "Riverbend", "55401", "fax", "en es so", "new", "standard", 5, 8, "Booking line", "Creatinine of the last 30 days for contrast."),
    ("Lakeside Kidney Care", "practice", "Nephrology", "6515550126", "6515550127", "12 Shore Road", "Lakeside", "55101", "fax", "en hmn", "new", "standard", 24, 40, "Dee, new patients", "Two creatinine values and a urine test."),
    ("Prairie Orthopedics", "practice", "Orthopedics", "7635550128", "7635550129", "700 Prairie Drive", "Northgate", "55429", "fax", "en", "existing", "standard", 45, 12, "Front desk", "X-ray of the last 90 days."),
    ("Twin Pines Physical Therapy", "practice", "Physical therapy", "7635550130", "7635550131", "18 Pine Court", "Northgate", "55429", "fax", "en es", "new", "sliding", 6, 25, "Front desk", ""),
    ("Cedar Sleep Center", "facility", "Sleep medicine", "9525550132", "9525550133", "9 Cedar Avenue", "Cedar Falls Township", "55369", "fax", "en", "new", "standard", 60, 210, "Front desk", "Sleep questionnaire with the referral."),
    ("Lakeview Behavioral Health", "practice", "Behavioral health|Counseling", "6515550134", "6515550135", "55 View Street", "Lakeside", "55101", "email", "en es", "none", "sliding", 90, 15, "Intake team", "The patient calls intake within 14 days."),
    ("Northgate Eye Clinic", "practice", "Eye care", "7635550142", "7635550143", "22 Northgate Avenue", "Northgate", "55429", "fax", "en so", "new", "standard", 18, 60, "Front desk", ""),
    ("Stone Bridge Podiatry", "practice", "Podiatry", "6125550144", "6125550145", "8 Bridge Street", "Riverbend", "55401", "phone", "en", "unknown", "unknown", None, None, "", ""),
    ("Riverbend Community Dental", "practice", "Dental", "6125550146", "6125550147", "31 River Road", "Riverbend", "55401", "phone", "en es hmn so", "new", "sliding", 34, 20, "Front desk", ""),
    ("Harbor Food Shelf", "community", "Food", "6125550136", "", "4 Harbor Lane", "Riverbend", "55401", "phone", "en es so", "new", "free", 2, 14, "Volunteer desk", "Proof of address. Open Tuesdays and Fridays."),
    ("Lakes Rides", "community", "Transportation", "6515550148", "", "90 Depot Street", "Lakeside", "55101", "phone", "en", "new", "sliding", 3, 28, "Dispatcher", "Two working days ahead."),
    ("Northgate Legal Aid", "community", "Legal help|Benefits", "7635550149", "", "14 Court Square", "Northgate", "55429", "phone", "en es hmn", "new", "free", 10, 45, "Intake", ""),
    ("Safe Roof Housing Help", "community", "Housing", "6125550150", "", "77 River Road", "Riverbend", "55401", "email", "en es", "new", "free", 21, 190, "Case manager", "Lease or eviction notice."),
)  # fmt: skip
# entry, payer, in network, ended days ago
NETWORKS = (
    ("Mercy General Hospital", "HealthNorth Plus", True, None),
    ("Mercy General Hospital", "Prairie Community Plan", True, None),
    ("Mercy General Hospital", "Medicare", True, None),
    ("Mercy Cardiology", "HealthNorth Plus", True, None),
    ("Mercy Cardiology", "Medicare", True, None),
    ("Mercy Cardiology", "Prairie Community Plan", False, None),
    ("North Lakes Heart Clinic", "Prairie Community Plan", True, None),
    ("North Lakes Heart Clinic", "HealthNorth Plus", True, 50),
    ("Mercy Imaging", "HealthNorth Plus", True, None),
    ("Mercy Imaging", "BlueRiver Employer Health", True, None),
    ("Lakeside Kidney Care", "HealthNorth Plus", True, None),
    ("Lakeside Kidney Care", "Prairie Community Plan", True, None),
    ("Prairie Orthopedics", "BlueRiver Employer Health", True, None),
    ("Prairie Orthopedics", "Medicare", True, None),
    ("Twin Pines Physical Therapy", "Prairie Community Plan", True, None),
    ("Northgate Eye Clinic", "Medicare", True, None),
)
CLINICIANS = (
    ("Mercy Cardiology", "Anders Lindqvist, MD", "1234567893", "Cardiology"),
    ("Lakeside Kidney Care", "Renata Bielski, MD", "", "Nephrology"),
)
FACTS = (
    "name", "kind", "specialties", "phone", "fax", "address_line", "city", "postal_code", "channel", "languages",
    "accepting", "cost", "wait_days", "wait_told_on", "wait_told_by", "intake_rules",
)  # fmt: skip
NEVER_CHECKED = ("Stone Bridge Podiatry", "Cedar Sleep Center")


def make_directory(clinic: Clinic) -> None:
    """Before the referrals, so that they find their recipients here."""
    by = clinic.users["joanne"]
    same: dict[str, Any] = {"by": by, "now": clinic.ago(0)}
    made: dict[str, Any] = {}
    told: dict[str, dict[str, Any]] = {}
    for entry in ENTRIES:
        facts = _facts(clinic, entry)
        then: dict[str, Any] = {"by": by, "now": clinic.ago(entry[FACTS.index("wait_told_on")] or 50)}
        told[facts["name"]] = then
        known = clinic.organizations.get(facts["name"])
        practice = (
            directory.describe_organization(organization=known, **then, **facts)
            if known is not None
            else directory.save_practice(practice_id=None, version=None, **then, **facts)
        )
        clinic.organizations[practice.name] = practice.organization
        made[practice.name] = practice.pk
    for name, payer, participates, ended in NETWORKS:
        directory.add_network(
            practice_id=made[name],
            payer_name=payer,
            participates=participates,
            ends_on=clinic.today - timedelta(days=ended) if ended else None,
            **same,
        )
    for name, who, npi, specialty in CLINICIANS:
        directory.add_clinician(practice_id=made[name], name=who, npi=npi, specialty=specialty, **same)
    for name, key in made.items():
        if name not in NEVER_CHECKED:
            directory.review_practice(practice_id=key, **told[name])


def _facts(clinic: Clinic, entry: tuple[Any, ...]) -> dict[str, Any]:
    facts = dict(zip(FACTS, entry, strict=True))
    for name in ("phone", "fax"):
        facts[name] = f"+1{facts[name]}" if facts[name] else ""
    facts["specialties"] = facts["specialties"].split("|")
    facts["languages"] = facts["languages"].split()
    told = facts["wait_told_on"]
    return facts | {"state": "MN", "wait_told_on": clinic.today - timedelta(days=told) if told else None}
