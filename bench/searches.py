"""The scripted searches of the finder's benchmark: who is there, and what somebody who means one of them types."""

from __future__ import annotations

import itertools
import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from rapidfuzz.distance import DamerauLevenshtein

from bench.slips import SPELLINGS, respelled, slip, us
from patients.models import ContactPoint, Patient, PatientIdentifier

TRIES = 20_000  # to draw the searches of one kind


@dataclass(frozen=True)
class Somebody:
    """One patient as a receptionist knows them."""

    key: str
    family: str
    given: str
    born: date
    mrn: str
    words: tuple[str, ...]
    phone: str
    member: str


@dataclass(frozen=True)
class Search:
    """`wanted` is who must come first; None when nobody may be shown. `together`: these first, in any order."""

    typed: str
    wanted: str | None
    together: frozenset[str] = frozenset()


# --- who is there -------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """Lower case without accents, as somebody types who does not care; hyphens are blanks, apostrophes nothing."""
    for letter, typed in {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "æ": "ae",
        "ı": "i",
        "ß": "ss",
        "-": " ",
        "'": "",
    }.items():
        text = text.lower().replace(letter, typed)
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^a-z ]", " ", bare).split())


class Clinic:
    """Everybody whom one person sees, by what may be typed about them."""

    def __init__(self, sites: list[Any]) -> None:
        phones = dict(ContactPoint.objects.filter(kind="phone").values_list("patient_id", "normalized"))
        members = dict(PatientIdentifier.objects.values_list("patient_id", "value"))
        rows = Patient.objects.filter(site__in=sites).order_by("pk")
        self.people = [
            Somebody(
                str(pk), family, given, born, mrn, tuple(plain(f"{family} {given}").split()), phones[pk], members[pk]
            )
            for pk, family, given, born, mrn in rows.values_list(
                "pk", "family_name", "given_name", "birth_date", "mrn"
            )
        ]  # fmt: skip
        self.numbers = set(Patient.objects.values_list("mrn", flat=True))
        self.by_born: dict[date, list[Somebody]] = defaultdict(list)
        self.by_year: dict[int, list[Somebody]] = defaultdict(list)
        self.by_word: dict[str, list[Somebody]] = defaultdict(list)
        self.by_last_four: dict[str, list[Somebody]] = defaultdict(list)
        self.by_phone: dict[str, list[Somebody]] = defaultdict(list)
        for one in self.people:
            self.by_born[one.born].append(one)
            self.by_year[one.born.year].append(one)
            self.by_last_four[one.phone[-4:]].append(one)
            self.by_phone[one.phone].append(one)
            for word in set(one.words):
                self.by_word[word].append(one)

    def alone_called(self, who: Somebody) -> bool:
        """Nobody else has exactly these names."""
        same = [
            one for one in self.by_word[rarest(self, who.words)] if sorted(one.words) == sorted(who.words)
        ]
        return len(same) == 1

    def nobody_as_near(self, who: Somebody, typed: Iterable[str], among: Iterable[Somebody]) -> bool:
        """The typed words are nearer to this person's names than to anybody else's; a piece of a name is no distance."""
        own = sum(distance(word, who.words) for word in typed)
        return own > 0 and all(
            sum(distance(word, one.words) for word in typed) > own for one in among if one.key != who.key
        )


def rarest(clinic: Clinic, words: Iterable[str]) -> str:
    return min(words, key=lambda word: len(clinic.by_word[word]))


@cache
def distance(word: str, names: tuple[str, ...]) -> int:
    """Typing errors to the nearest name; 0 when it is a piece of one."""
    if any(word in name for name in names):
        return 0
    return min(DamerauLevenshtein.distance(word, name) for name in names)


# --- kinds ------------------------------------------------------------------------------------------------------
# Each draws one search for one person, or None when it would not be fair.

Draw = Callable[[random.Random, Clinic, Somebody], Search | None]


def full_name(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    return Search(f"{who.given} {who.family}", who.key) if clinic.alone_called(who) else None


def another_order(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    parts = list(who.words)
    chance.shuffle(parts)
    return Search(" ".join(parts), who.key) if len(parts) > 2 and clinic.alone_called(who) else None


def swapped(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    return Search(f"{who.given}, {who.family}", who.key) if clinic.alone_called(who) else None


def without_accents(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    typed = plain(f"{who.given} {who.family}")
    return Search(typed, who.key) if not who.family.isascii() and clinic.alone_called(who) else None


def beginnings(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    family, given = plain(who.family)[:5].strip(), plain(who.given)[:4].strip()
    if len(family) < 4 or len(given) < 3 or " " in family + given:
        return None
    fitting = [one for one in clinic.people if family in " ".join(one.words) and given in " ".join(one.words)]
    return Search(f"{given} {family}", who.key) if len(fitting) == 1 else None


def birth_year(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    family = plain(who.family).split()
    others = [one for one in clinic.by_year[who.born.year] if all(_in(word, one) for word in family)]
    others += [one for one in clinic.by_last_four[str(who.born.year)] if _in(family[0], one)]
    return Search(f"{who.family} {who.born.year}", who.key) if {o.key for o in others} == {who.key} else None


def part_of_birth_date(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    month_of_year = chance.random() < 0.5
    family = plain(who.family).split()
    near = [
        one
        for word in family[:1]
        for one in clinic.by_word[word]
        if one.born.month == who.born.month
        and (one.born.year == who.born.year if month_of_year else one.born.day == who.born.day)
    ]
    inside = [one for one in clinic.people if family[0] in " ".join(one.words)] if len(near) == 1 else []
    inside = [o for o in inside if o.born.month == who.born.month]
    if {
        o.key
        for o in inside
        if (o.born.year == who.born.year if month_of_year else o.born.day == who.born.day)
    } != {who.key}:
        return None
    part = f"{who.born.month}/{who.born.year}" if month_of_year else f"{who.born:%b} {who.born.day}"
    return Search(f"{who.family} {part}", who.key) if part.split()[0] != "Jan" else None


def _in(word: str, one: Somebody) -> bool:
    return word in " ".join(one.words)


def typo(*, in_family: bool, year: bool) -> Draw:
    def draw(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
        family, given = plain(who.family), plain(who.given)
        wrong = (family if in_family else given).split()[0]
        if len(wrong) < 4:
            return None
        typed = slip(chance, wrong)
        among = clinic.by_year[who.born.year] if year else clinic.by_born[who.born]
        # With a year both names are typed; with the whole date the mistyped one is enough.
        rest = [given, family][in_family is False].split() if year else []
        words = [typed, *rest]
        if not clinic.nobody_as_near(who, words, among):
            return None
        return Search(f"{' '.join(words)} {who.born.year if year else us(who.born)}", who.key)

    return draw


def typo_without_date(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    family, given = plain(who.family).split()[0], plain(who.given).split()[0]
    if len(family) < 5 or len(given) < 4:
        return None
    words = [slip(chance, given), family] if chance.random() < 0.5 else [given, slip(chance, family)]
    return Search(" ".join(words), who.key) if clinic.nobody_as_near(who, words, clinic.people) else None


def sounds_alike(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    family = plain(who.family).split()[0]
    typed = respelled(chance, family)
    if len(family) < 4 or not clinic.nobody_as_near(who, [typed], clinic.by_born[who.born]):
        return None
    return Search(f"{typed} {us(who.born)}", who.key)


def birth_date_spelled(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    part = chance.choice([plain(who.family)[:4], plain(who.given).split()[0]]).strip()
    same_day = [
        one
        for one in clinic.by_born[who.born] + clinic.by_born.get(_other_century(who.born), [])
        if _in(part, one)
    ]
    if len(part) < 3 or " " in part or len(same_day) > 1:
        return None
    return Search(f"{part} {chance.choice(SPELLINGS)(who.born)}", who.key)


def _other_century(day: date) -> date:
    try:
        return day.replace(year=day.year + (100 if day.year < 2000 else -100))
    except ValueError:
        return day


def last_four(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    part, digits = plain(who.given).split()[0], who.phone[-4:]
    fitting = {one.key for one in clinic.by_last_four[digits] if _in(part, one)}
    if 1900 <= int(digits) <= 2026 or fitting != {who.key}:
        return None
    return Search(f"{part} {digits}", who.key)


def whole_phone(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    ten = who.phone[2:]
    spelled = chance.choice(
        [ten, who.phone, f"({ten[:3]}) {ten[3:6]}-{ten[6:]}", f"{ten[:3]}.{ten[3:6]}.{ten[6:]}"]
    )
    return Search(spelled, who.key) if len(clinic.by_phone[who.phone]) == 1 else None


def shared_phone(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    sharing = clinic.by_phone[who.phone]
    together = frozenset(one.key for one in sharing)
    return (
        Search(f"{who.phone[2:5]}-{who.phone[5:8]}-{who.phone[8:]}", who.key, together)
        if len(sharing) > 1
        else None
    )


def record_number(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    return Search(who.mrn, who.key)


def wrong_record_number(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    at = chance.randrange(len(who.mrn))
    typed = who.mrn[:at] + chance.choice("0123456789") + who.mrn[at + 1 :]
    return (
        None
        if typed in clinic.numbers or (typed[-4:] in clinic.by_last_four and len(typed) < 7)
        else Search(typed, None)
    )


def member_number(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
    return Search(chance.choice([who.member, who.member.lower()]), who.key)


def wrong_birth_date(*, swap: bool) -> Draw:
    def draw(chance: random.Random, clinic: Clinic, who: Somebody) -> Search | None:
        digits = f"{who.born:%Y%m%d}"
        at = chance.randrange(2, 8)
        wrong = (
            digits[:4] + digits[6:] + digits[4:6]
            if swap
            else digits[:at] + chance.choice("0123456789") + digits[at + 1 :]
        )
        try:
            typed = date(int(wrong[:4]), int(wrong[4:6]), int(wrong[6:]))
        except ValueError:
            return None
        if typed == who.born or typed > date(2026, 11, 1):
            return None
        like_them = [
            one for one in clinic.by_word[rarest(clinic, who.words)] if set(who.words) <= set(one.words)
        ]
        for one in like_them:
            other = f"{one.born:%Y%m%d}"
            near = (
                DamerauLevenshtein.distance(other, wrong) <= 1 or other == wrong[:4] + wrong[6:] + wrong[4:6]
            )
            if one.key != who.key and near:
                return None
        if any(distance(word, one.words) for one in clinic.by_born[typed] for word in who.words) and not all(
            any(distance(word, one.words) > 2 for word in who.words) for one in clinic.by_born[typed]
        ):
            return None
        return Search(f"{who.given} {who.family} {us(typed)}", who.key)

    return draw


KINDS: dict[str, tuple[int, Draw]] = {
    "full name": (30, full_name),
    "parts of a compound name in any order": (25, another_order),
    "given and family name swapped": (20, swapped),
    "accents left out": (30, without_accents),
    "beginnings of both names": (20, beginnings),
    "family name and year of birth": (30, birth_year),
    "family name and a part of the birth date": (25, part_of_birth_date),
    "typing error in the family name, birth date": (30, typo(in_family=True, year=False)),
    "typing error in the given name, birth date": (25, typo(in_family=False, year=False)),
    "typing error in the family name, given name, year": (30, typo(in_family=True, year=True)),
    "typing error in the given name, family name, year": (25, typo(in_family=False, year=True)),
    "typing error in one name, no date": (25, typo_without_date),
    "family name as it sounds, birth date": (40, sounds_alike),
    "part of a name, birth date in eleven spellings": (40, birth_date_spelled),
    "given name and last four digits of the phone": (20, last_four),
    "whole phone": (15, whole_phone),
    "phone shared by two": (10, shared_phone),
    "record number (MRN)": (10, record_number),
    "record number with one digit wrong: nobody": (10, wrong_record_number),
    "member number": (10, member_number),
    "whole name, birth date one digit wrong": (20, wrong_birth_date(swap=False)),
    "whole name, day and month swapped": (10, wrong_birth_date(swap=True)),
}


def searches(clinic: Clinic, seed: int) -> Iterator[tuple[str, Search]]:
    for kind, (number, draw) in KINDS.items():
        chance = random.Random(f"{seed} {kind}")
        drawn = (draw(chance, clinic, chance.choice(clinic.people)) for _try in range(TRIES))
        made = list(itertools.islice(filter(None, drawn), number))
        if len(made) < number:
            raise SystemExit(f"{kind}: too few people for {number} fair searches.")
        yield from ((kind, search) for search in made)


def only_timed(clinic: Clinic) -> dict[str, list[str]]:
    """What many people fit, or nobody: no right answer, but it must be quick."""
    common = sorted(clinic.by_word, key=lambda word: -len(clinic.by_word[word]))[:20]
    return {
        "a common name alone": common,
        "two or three letters": [word[:2] for word in common[:10]] + [word[:3] for word in common[10:]],
        "two common names": [f"{one} {two}" for one, two in zip(common[::2], common[1::2], strict=True)],
        "a common name mistyped": [word[:2] + word[3:] + word[-1] for word in common],
        "nobody": ["zzyzx qwrt", "xqjkv", "bbbbbbbb ccccccc", "xxxxxx 3/14/1958", "qqq www eee", "zz", "9999", "hjkl 1931"],
        "a birth date alone": [us(one.born) for one in clinic.people[:: len(clinic.people) // 10]],
        "a year and a common name": [f"{word} 1970" for word in common],
    }  # fmt: skip
