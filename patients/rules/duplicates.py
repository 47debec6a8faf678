"""Could these two records be the same person? Points for what agrees, minus points for what does not.

The points are rounded base-2 logarithms of how much likelier it is to see such an agreement between two records of
one person than between two strangers (Fellegi and Sunter, "A theory for record linkage", 1969). They are published
here and in docs/duplicates.md, which also tells how well they do on three sets with known truth. They are product
defaults: nobody has validated them on a clinic's own records. Pure: no database, no clock.
"""

from __future__ import annotations

import datetime
import enum
import functools
import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler
from rapidfuzz.fuzz import token_sort_ratio

from patients.rules.text import fold

LIKELY = 8.0  # points from which a pair is worth a person's look
TOGETHER = 5.0  # mean points of all pairs between two groups before they are one
BLOCK = 60  # a sign that more people share (a default birth date, a clinic's own phone) names nobody
FEW = 10  # a hinting sign that no more people share is as good as a telling one
ENOUGH = 2  # a telling sign, or so many hinting ones, before two people are compared


class Level(enum.Enum):
    """How far one sign agrees. A sign that one of the two lacks says nothing."""

    SAME = "same"
    CLOSE = "close"  # a typing error apart
    ALIKE = "alike"
    OTHER = "other"


POINTS: Mapping[str, Mapping[Level, float]] = {
    "given name": {Level.SAME: 6, Level.CLOSE: 5, Level.ALIKE: 2, Level.OTHER: -4},
    "family name": {Level.SAME: 7, Level.CLOSE: 5.5, Level.ALIKE: 2.5, Level.OTHER: -3.5},
    "birth date": {Level.SAME: 10, Level.CLOSE: 6, Level.ALIKE: 3, Level.OTHER: -5},
    "phone": {Level.SAME: 5, Level.OTHER: -0.5},
    "e-mail": {Level.SAME: 12, Level.CLOSE: 10.5, Level.ALIKE: 7, Level.OTHER: -2},
    "number": {Level.SAME: 14, Level.CLOSE: 9, Level.OTHER: -3},
    "street": {Level.SAME: 9, Level.CLOSE: 8, Level.ALIKE: 4, Level.OTHER: -2},
    "city": {Level.SAME: 3, Level.CLOSE: 2.5, Level.ALIKE: 1.5, Level.OTHER: -1},
    "postal code": {Level.SAME: 4, Level.CLOSE: 3, Level.OTHER: -1},
    "sex": {Level.SAME: 0.5, Level.OTHER: -3},
}
NAMES_SWAPPED = -1.5
# Same birth date and home but another given name: more often a twin than the same person.
LIKE_TWINS = -12.0
# Another given name and another birth date: people of one family share home, phone and family name.
LIKE_FAMILY = -12.0
# Another birth date, and phone, e-mail, number or street speak against it, none for it: a namesake.
LIKE_NAMESAKES = -4.0
FLAGS = ("swapped", "like_twins", "like_family", "like_namesakes")
STRONG = ("phone", "e-mail", "number", "street")


@dataclass(frozen=True, slots=True)
class Person:
    """What is compared, folded to plain lower case. `given` and `family` hold every name in use; `born` is YYYYMMDD."""

    key: Hashable
    given: tuple[str, ...] = ()
    family: tuple[str, ...] = ()
    born: str = ""
    phones: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    street: str = ""
    city: str = ""
    postal_code: str = ""
    sex: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """`points` and the signs they come from, by name."""

    points: float
    signs: dict[str, Level] = field(default_factory=dict)
    swapped: bool = False
    like_twins: bool = False
    like_family: bool = False
    like_namesakes: bool = False

    @property
    def is_likely(self) -> bool:
        return self.points >= LIKELY

    @property
    def reasons(self) -> list[str]:
        """In words, the strongest agreement first; what speaks against it last."""
        order = sorted(self.signs.items(), key=lambda sign: -POINTS[sign[0]][sign[1]])
        words = [text for name, level in order if (text := wording(name, level))]
        if self.swapped:
            words.append(_("given and family name swapped"))
        if self.like_twins:
            words.append(_("may be twins"))
        if self.like_family:
            words.append(_("may be family"))
        if self.like_namesakes:
            words.append(_("may be namesakes"))
        return words

    def as_json(self) -> dict[str, str]:
        """Without the points: {"birth date": "same", ..., "swapped": "yes"}."""
        found = {sign: level.value for sign, level in self.signs.items()}
        return found | {flag: "yes" for flag in FLAGS if getattr(self, flag)}

    @classmethod
    def from_json(cls, points: float, kept: Mapping[str, str]) -> Match:
        signs = {sign: Level(level) for sign, level in kept.items() if sign in POINTS}
        return cls(points, signs, **{flag: flag in kept for flag in FLAGS})


def wording(sign: str, level: Level) -> str:
    """ "same birth date", "birth date a typing error apart", "other given name"; "" for what is not worth a word."""
    names = {
        "given name": _("given name"),
        "family name": _("family name"),
        "birth date": _("birth date"),
        "phone": _("phone"),
        "e-mail": _("e-mail"),
        "number": _("number"),
        "street": _("street"),
        "city": _("city"),
        "postal code": _("postal code"),
        "sex": _("sex"),
    }
    if level is Level.OTHER and sign in ("phone", "city", "postal code"):
        return ""
    if level is Level.SAME and sign == "sex":
        return ""
    texts = {
        Level.SAME: _("same %(what)s"),
        Level.CLOSE: _("almost the same %(what)s"),
        Level.ALIKE: _("similar %(what)s"),
        Level.OTHER: _("other %(what)s"),
    }
    return texts[level] % {"what": names[sign]}


# --- one sign -----------------------------------------------------------------------------------------


def edits(a: str, b: str, most: int | None = None) -> int:
    """Typing errors between two texts; two letters in the wrong order are one. Past `most` it is not counted on."""
    return int(DamerauLevenshtein.distance(a, b, score_cutoff=most))


@functools.lru_cache(maxsize=200_000)
def name_level(a: str, b: str) -> Level:
    if a == b:
        return Level.SAME
    shorter, longer = sorted((a.split(), b.split()), key=len)
    if len(shorter) < len(longer) and set(shorter) <= set(longer):
        return Level.CLOSE  # one of two family names, a middle name left out
    apart, similar = edits(a, b), JaroWinkler.similarity(a, b)
    if (apart <= 1 and min(len(a), len(b)) > 2) or similar >= 0.93:
        return Level.CLOSE
    if similar >= 0.84 or (apart <= 2 and min(len(a), len(b)) > 4) or a.startswith(b) or b.startswith(a):
        return Level.ALIKE
    return Level.OTHER


@functools.lru_cache(maxsize=200_000)
def date_level(a: str, b: str) -> Level:
    if a == b:
        return Level.SAME
    if a[:4] == b[:4] and a[4:6] == b[6:] and a[6:] == b[4:6]:
        return Level.CLOSE  # day and month swapped
    digits = min(edits(a, b), sum(x != y for x, y in zip(a, b, strict=False)))
    return {1: Level.CLOSE, 2: Level.ALIKE}.get(digits, Level.OTHER)


def email_level(a: str, b: str) -> Level:
    apart = edits(a, b, 4)
    if apart == 0:
        return Level.SAME
    return Level.CLOSE if apart <= 2 else Level.ALIKE if apart <= 4 else Level.OTHER


def number_level(a: str, b: str) -> Level:
    if a == b:
        return Level.SAME
    return Level.CLOSE if min(len(a), len(b)) >= 6 and edits(a, b, 1) == 1 else Level.OTHER


@functools.lru_cache(maxsize=200_000)
def text_level(a: str, b: str) -> Level:
    if a == b:
        return Level.SAME
    ratio = token_sort_ratio(a, b)
    return Level.CLOSE if ratio >= 88 else Level.ALIKE if ratio >= 75 else Level.OTHER


def code_level(a: str, b: str) -> Level:
    return Level.SAME if a == b else Level.CLOSE if edits(a, b) == 1 else Level.OTHER


def equal(a: str, b: str) -> Level:
    return Level.SAME if a == b else Level.OTHER


def best(
    sign: str, ours: Iterable[str], theirs: Iterable[str], level: Callable[[str, str], Level]
) -> Level | None:
    """The best agreement of any pair; None when one side has nothing."""
    points = POINTS[sign]
    levels = [level(a, b) for a in ours for b in theirs]
    return max(levels, key=points.__getitem__) if levels else None


# --- two people ---------------------------------------------------------------------------------------


def compare(one: Person, two: Person) -> Match:
    """Both the same way round or not: compare(a, b) and compare(b, a) say the same."""
    straight = _names(one.given, two.given, one.family, two.family)
    crossed = _names(one.given, two.family, one.family, two.given)
    swapped = _points(crossed) + NAMES_SWAPPED > _points(straight)
    signs = dict(crossed if swapped else straight)
    for sign, ours, theirs, level in (
        ("phone", one.phones, two.phones, equal),
        ("e-mail", one.emails, two.emails, email_level),
        ("number", one.numbers, two.numbers, number_level),
    ):
        if found := best(sign, ours, theirs, level):
            signs[sign] = found
    for sign, mine, other, level in (
        ("birth date", one.born, two.born, date_level),
        ("street", one.street, two.street, text_level),
        ("city", one.city, two.city, text_level),
        ("postal code", one.postal_code, two.postal_code, code_level),
        ("sex", one.sex, two.sex, equal),
    ):
        if mine and other:
            signs[sign] = level(mine, other)
    twins, family, namesakes = _like_twins(signs), _like_family(signs), _like_namesakes(signs)
    if namesakes and "number" in signs:
        signs["number"] = Level.OTHER  # one digit away: the next in the row, not a typing error
    points = _points(signs) + NAMES_SWAPPED * swapped + LIKE_TWINS * twins
    points += LIKE_FAMILY * family + LIKE_NAMESAKES * namesakes
    return Match(points, signs, swapped, twins, family, namesakes)


def _names(
    given: Sequence[str], other_given: Sequence[str], family: Sequence[str], other_family: Sequence[str]
) -> dict[str, Level]:
    found = {
        "given name": best("given name", given, other_given, name_level),
        "family name": best("family name", family, other_family, name_level),
    }
    return {sign: level for sign, level in found.items() if level}


def _points(signs: Mapping[str, Level]) -> float:
    return sum(POINTS[sign][level] for sign, level in signs.items())


def _like_twins(signs: Mapping[str, Level]) -> bool:
    return (
        signs.get("given name") is Level.OTHER
        and signs.get("birth date") is Level.SAME
        and signs.get("family name") in (Level.SAME, Level.CLOSE)
        and signs.get("number") in (None, Level.OTHER)
    )


def _like_family(signs: Mapping[str, Level]) -> bool:
    return (
        signs.get("given name") is Level.OTHER
        and signs.get("birth date") is Level.OTHER
        and signs.get("number") in (None, Level.OTHER)
    )


def _like_namesakes(signs: Mapping[str, Level]) -> bool:
    if signs.get("birth date") is not Level.OTHER or _like_family(signs):
        return False
    known = {sign: signs[sign] for sign in STRONG if sign in signs}
    if known.get("number") is Level.CLOSE:
        known["number"] = Level.OTHER
    return bool(known) and all(level is Level.OTHER for level in known.values())


# --- many people --------------------------------------------------------------------------------------


def telling(person: Person) -> Iterator[tuple[str, ...]]:
    """Signs of which one is enough: whoever shares it is compared."""
    if person.born:
        yield "born", person.born
    for given, family in itertools.product(person.given, person.family):
        yield "names", *sorted((given, family))
    for sign, values in (("phone", person.phones), ("number", person.numbers), ("e-mail", person.emails)):
        for value in values:
            yield sign, value
    for value in person.emails:
        yield "mailbox", value.partition("@")[0]
    if person.street:
        yield "street", person.street


def hinting(person: Person) -> Iterator[tuple[str, ...]]:
    """Signs that many strangers share too: two of them are needed, or one beside a telling one."""
    for name in (*person.given, *person.family):
        yield "name and year", name[:4], person.born[:4]
        yield "name and day", name[:3], person.born[4:]
        yield "name and year's end", name[:4], person.born[3:6]
        yield "name and city", name[:4], person.city[:3]
        yield "name", name
    for given, family in itertools.product(person.given, person.family):
        yield "starts of names", *sorted((given[:3], family[:3]))
    for value in person.emails:
        mailbox, _at, host = value.partition("@")
        yield "start of mailbox", "".join(c for c in mailbox if c.isalpha())[:5]
        yield "mail host", host
    if person.street:
        yield "door", person.street.split()[0], person.postal_code


def pairs(people: Sequence[Person]) -> Iterator[tuple[int, int, Match]]:
    """Every likely pair by position, the lower first, each once.

    Two passes over the signs: how many share each, then, one person after the other, who came before under the same.
    """
    sharing = Counter(sign for person in people for sign in _signs(person))
    before: dict[int, list[int]] = {sign: [] for sign, number in sharing.items() if 1 < number <= BLOCK}
    few = {sign for sign in before if sharing[sign] <= FEW}
    del sharing
    for high, person in enumerate(people):
        weight: Counter[int] = Counter()
        for sign, worth in _signs(person).items():
            if (block := before.get(sign)) is not None:
                for low in block:
                    weight[low] += ENOUGH if sign in few else worth
                block.append(high)
        for low in sorted(low for low, sum_of_worth in weight.items() if sum_of_worth >= ENOUGH):
            match = compare(people[low], person)
            if match.is_likely:
                yield low, high, match


def _signs(person: Person) -> dict[int, int]:
    """What each sign is worth, by its hash: a whole clinic's signs as text would fill the memory."""
    return {hash(sign): 1 for sign in hinting(person)} | {hash(sign): ENOUGH for sign in telling(person)}


def groups(people: Sequence[Person], links: Iterable[tuple[int, int, Match]]) -> list[list[int]]:
    """Positions of those who are likely one person, each group with at least two.

    Two groups become one by their strongest link only if all their pairs together speak for it: one wrong link
    does not chain two families.
    """
    members: dict[int, list[int]] = {}
    group_of: dict[int, int] = {}
    known: dict[tuple[int, int], float] = {}
    ordered = sorted(((m.points, low, high) for low, high, m in links), reverse=True)
    for points, low, high in ordered:
        known[low, high] = points
    for _points_of_link, low, high in ordered:
        one, two = group_of.setdefault(low, low), group_of.setdefault(high, high)
        if one == two:
            continue
        ours, theirs = members.setdefault(one, [low]), members.setdefault(two, [high])
        total = 0.0
        for a, b in itertools.product(ours, theirs):
            pair = (a, b) if a < b else (b, a)
            if pair not in known:
                known[pair] = compare(people[pair[0]], people[pair[1]]).points
            total += known[pair]
        if total >= TOGETHER * len(ours) * len(theirs):
            ours.extend(theirs)
            for position in members.pop(two):
                group_of[position] = one
    return [sorted(group) for group in members.values() if len(group) > 1]


# --- from a record ------------------------------------------------------------------------------------


def person_from(
    details: Mapping[str, Any],
    *,
    phones: Iterable[str] = (),
    emails: Iterable[str] = (),
    numbers: Iterable[str] = (),
) -> Person:
    """From a patient's fields by name, as a form, a row or a record holds them; phones are E.164."""
    sex, postal_code = details.get("sex") or "", details.get("postal_code") or ""
    return Person(
        key=details.get("id"),
        given=_folded(details, "given_name", "preferred_name"),
        family=_folded(details, "family_name", "former_family_name"),
        born=born_key(details.get("birth_date")),
        phones=frozenset(phones),
        emails=frozenset(emails),
        numbers=value_set(numbers),
        street=fold(details.get("address_line") or ""),
        city=fold(details.get("city") or ""),
        postal_code=fold(postal_code.partition("-")[0]),
        sex="" if sex == "unknown" else sex,
    )


def _folded(details: Mapping[str, Any], *fields: str) -> tuple[str, ...]:
    """Every name in use, each once."""
    return tuple(dict.fromkeys(name for field in fields if (name := fold(details.get(field) or ""))))


def born_key(day: datetime.date | None) -> str:
    return f"{day:%Y%m%d}" if day else ""


def value_set(values: Iterable[Any]) -> frozenset[str]:
    """Numbers as they are compared: without blanks and punctuation, upper case."""
    return frozenset(
        text for value in values if (text := "".join(c for c in str(value) if c.isalnum()).upper())
    )
