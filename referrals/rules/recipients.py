"""In which order recipients are offered for a referral, and why. Pure; every weight stands in `WEIGHTS`.

Product defaults, unvalidated. A fact speaks for a recipient (up to its weight), against it (down to minus the weight), or
is not known: then it is said and counts nothing. The score is the sum of the reasons, and nobody is left out.
Places are compared by ZIP code and city: miles are not known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from coordinator.wording import day as written_day
from coordinator.wording import language_name
from patients.rules.text import fold
from referrals.rules.directory import FIGURES_FROM

# factor -> (most points for or against, what it compares)
WEIGHTS: dict[str, tuple[int, Any]] = {
    "specialty": (40, lazy("Specialty or need")),
    "network": (30, lazy("Network of the patient’s first coverage")),
    "cost": (30, lazy("Cost for a patient without insurance")),
    "accepting": (20, lazy("Takes new patients")),
    "wait": (20, lazy("Wait, as told in the last 180 days")),
    "asked": (20, lazy("Ended an earlier referral of this chain")),
    "distance": (15, lazy("Distance, by ZIP code and city")),
    "language": (15, lazy("Language of the patient")),
    "acceptance": (10, lazy("Share of our referrals that it accepted in 12 months")),
}
# Factors whose sentences say something of the patient's record.
OF_PATIENT = ("network", "cost", "language", "distance")
WAIT_HOLDS = timedelta(days=180)
WAITS = ((7, 20), (14, 15), (30, 10), (60, 0))  # up to so many days: points; longer: minus 10


@dataclass(frozen=True)
class Network:
    payer: str
    plan: str
    participates: bool
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True)
class Need:
    """What this referral and its patient ask for. Blank: not recorded."""

    specialty: str = ""
    payer: str = ""  # of the first active coverage; blank: no active coverage
    plan: str = ""
    language: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""


@dataclass(frozen=True)
class Candidate:
    """What is known of one recipient. `ended` names the earlier referral that it ended."""

    key: Any
    name: str
    specialties: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    cost: str = "unknown"
    accepting: str = "unknown"
    languages: tuple[str, ...] = ()
    city: str = ""
    state: str = ""
    postal_code: str = ""
    wait_days: int | None = None
    wait_told_on: date | None = None
    accepted: int = 0
    answered: int = 0
    ended: str = ""


@dataclass(frozen=True)
class Reason:
    factor: str
    points: int
    text: str
    is_known: bool = True

    @property
    def signed(self) -> str:
        return f"+{self.points}" if self.points > 0 else f"{self.points}".replace("-", "−")


@dataclass(frozen=True)
class Ranked:
    key: Any
    name: str
    score: int
    reasons: tuple[Reason, ...]

    @property
    def known(self) -> list[Reason]:
        return [reason for reason in self.reasons if reason.is_known]

    @property
    def unknown(self) -> list[Reason]:
        return [reason for reason in self.reasons if not reason.is_known]


def rank(
    need: Need, candidates: Iterable[Candidate], today: date, *, without: Collection[str] = ()
) -> list[Ranked]:
    """All of them, best first; equals stand by name and key. `without`: factors that are not looked at."""
    rules = [(factor, rule) for factor, rule in RULES if factor not in without]
    ranked = []
    for candidate in candidates:
        reasons = tuple(
            Reason(factor, *said) for factor, rule in rules if (said := rule(need, candidate, today))
        )
        score = sum(reason.points for reason in reasons)
        ranked.append(Ranked(candidate.key, candidate.name, score, reasons))
    return sorted(ranked, key=lambda one: (-one.score, fold(one.name), str(one.key)))


Said = tuple[int, str] | tuple[int, str, bool] | None


def _unknown(text: str) -> Said:
    return 0, text, False


def _specialty(need: Need, who: Candidate, today: date) -> Said:
    if not need.specialty.strip():
        return None
    if not who.specialties:
        return _unknown(_("Its specialties are not recorded"))
    wanted = fold(need.specialty)
    for name in who.specialties:
        own = fold(name)
        if wanted == own or (min(len(own), len(wanted)) > 3 and (wanted in own or own in wanted)):
            return 40, _("Offers %(specialty)s") % {"specialty": name}
    return -40, _("Offers %(specialties)s") % {"specialties": ", ".join(who.specialties[:3])}


def _network(need: Need, who: Candidate, today: date) -> Said:
    if not need.payer or (who.cost == "free" and not who.networks):
        return None
    names = {"plan": " ".join(filter(None, (need.payer, need.plan)))}
    own = [row for row in who.networks if fold(row.payer) == fold(need.payer)]
    fits = [row for row in own if not row.plan or fold(row.plan) == fold(need.plan)]
    if own and not fits:
        names["payer"] = need.payer
        if need.plan:
            return _unknown(_("Takes some plans of %(payer)s; %(plan)s is not listed") % names)
        return _unknown(_("Takes some plans of %(payer)s; the patient’s plan is not recorded") % names)
    if not fits:
        return _unknown(_("Network with %(plan)s not known") % names)
    now = [
        row
        for row in fits
        if (row.starts_on is None or row.starts_on <= today) and (row.ends_on is None or row.ends_on >= today)
    ]
    # What is said of the plan itself counts before what is said of every plan of the payer.
    now.sort(key=lambda row: not row.plan)
    if now:
        if now[0].participates:
            return 30, _("In network for %(plan)s") % names
        return -30, _("Not in network for %(plan)s") % names
    past = [row.ends_on for row in fits if row.participates and row.ends_on and row.ends_on < today]
    if past:
        names["day"] = written_day(max(past))
        return -30, _("Left the network of %(plan)s on %(day)s") % names
    coming = [row.starts_on for row in fits if row.participates and row.starts_on and row.starts_on > today]
    if coming:
        names["day"] = written_day(min(coming))
        return -30, _("Joins the network of %(plan)s on %(day)s") % names
    return _unknown(_("Network with %(plan)s not known") % names)


def _cost(need: Need, who: Candidate, today: date) -> Said:
    if need.payer:
        return (15, _("Free for everybody")) if who.cost == "free" else None
    words: dict[str, Said] = {
        "free": (30, _("Free; the patient has no active coverage")),
        "sliding": (30, _("Sliding scale; the patient has no active coverage")),
        "standard": (-30, _("Full price: the patient has no active coverage")),
    }
    return words.get(who.cost) or _unknown(_("Cost without insurance not known"))


def _accepting(need: Need, who: Candidate, today: date) -> Said:
    words: dict[str, Said] = {
        "new": (20, _("Takes new patients")),
        "existing": (-10, _("Only patients it knows already")),
        "none": (-20, _("Takes no patients at present")),
    }
    return words.get(who.accepting) or _unknown(_("Not known whether it takes new patients"))


def _wait(need: Need, who: Candidate, today: date) -> Said:
    if who.wait_days is None or who.wait_told_on is None:
        return _unknown(_("Wait not known"))
    told = ngettext("Told %(n)s day on %(day)s", "Told %(n)s days on %(day)s", who.wait_days) % {
        "n": who.wait_days,
        "day": written_day(who.wait_told_on),
    }
    if who.wait_told_on < today - WAIT_HOLDS:
        return _unknown(_("%(told)s, too long ago to count") % {"told": told})
    return next((points for most, points in WAITS if who.wait_days <= most), -10), told


def _asked(need: Need, who: Candidate, today: date) -> Said:
    return (-20, _("Ended %(reference)s without a report") % {"reference": who.ended}) if who.ended else None


def _distance(need: Need, who: Candidate, today: date) -> Said:
    """Compared by what both have: the ZIP code, its first three digits (the sorting area), the city, the state."""
    here, there = need.postal_code[:5], who.postal_code[:5]
    if here and here == there:
        return 15, _("Same ZIP code, %(zip)s") % {"zip": here}
    if need.city and need.state and (fold(need.city), need.state) == (fold(who.city), who.state):
        return 10, _("Same city, %(city)s") % {"city": who.city}
    if here and there and here[:3] == there[:3]:
        return 10, _("Same ZIP area, %(zip)s") % {"zip": f"{here[:3]}xx"}
    if need.state and who.state:
        if need.state == who.state:
            return 0, _("Same state, another ZIP area")
        return -15, _("In another state, %(state)s") % {"state": who.state}
    if here and there:
        return 0, _("Another ZIP area, %(zip)s") % {"zip": there}
    if not (here or need.city):
        return _unknown(_("Distance not known: the patient’s address is not recorded"))
    return _unknown(_("Distance not known: its address is not recorded"))


def _language(need: Need, who: Candidate, today: date) -> Said:
    wanted = need.language.split("-")[0].lower()
    if wanted == "en":
        return None
    if not wanted:
        return _unknown(_("The patient’s language is not recorded"))
    if not who.languages:
        return _unknown(_("Its languages are not recorded"))
    name = {"language": language_name(need.language)}
    if wanted in {code.split("-")[0].lower() for code in who.languages}:
        return 15, _("Speaks %(language)s") % name
    return -15, _("%(language)s is not among its languages") % name


def _acceptance(need: Need, who: Candidate, today: date) -> Said:
    if who.answered < FIGURES_FROM:
        return _unknown(_("Too few of our referrals were answered to tell how often it accepts"))
    said = _("Accepted %(accepted)s of %(answered)s referrals in 12 months")
    points = round(10 * (2 * who.accepted / who.answered - 1))
    return points, said % {"accepted": who.accepted, "answered": who.answered}


RULES: tuple[tuple[str, Callable[[Need, Candidate, date], Said]], ...] = (
    ("specialty", _specialty),
    ("network", _network),
    ("cost", _cost),
    ("accepting", _accepting),
    ("wait", _wait),
    ("language", _language),
    ("distance", _distance),
    ("acceptance", _acceptance),
    ("asked", _asked),
)
