"""What makes two records likely to be one person's, and what does not."""

from __future__ import annotations

import datetime
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.duplicates import sets_in
from patients.rules.duplicates import BLOCK, Match, Person, compare, groups, pairs, person_from

ROOT = Path(__file__).resolve().parents[2]
SETS = Path(os.environ.get("SHARED_DATA", ROOT.parent / "shared" / "data")) / "dedupe"
needs_sets = pytest.mark.skipif(
    not (SETS / "febrl_dataset3.csv").exists(), reason="SHARED_DATA/dedupe is not on this machine"
)


def person(given: str = "Elena", family: str = "Ramírez", born: str = "1958-03-14", **more: Any) -> Person:
    lists = {name: more.pop(name) for name in ("phones", "emails", "numbers") if name in more}
    day = datetime.date.fromisoformat(born) if born else None
    details = {"id": 1, "given_name": given, "family_name": family, "birth_date": day, **more}
    return person_from(details, **lists)


HOME = {
    "address_line": "12 Main Street",
    "city": "Riverbend",
    "postal_code": "55101",
    "phones": ["+16125550143"],
}
ELENA = person(sex="female", **HOME)


@pytest.mark.parametrize(
    "other",
    [
        person("Elena", "Ramirez", "1958-03-14"),
        person("Elean", "Ramires", "1958-03-14"),
        person("Ramírez", "Elena", "1958-03-14"),
        person("Elena", "Ramírez Ortiz", "1958-04-13", phones=["+16125550143"]),
        person("Elena", "Stone", "1958-03-14", former_family_name="Ramírez"),
        person("Lena", "Stone", "1958-03-14", preferred_name="Elena", **HOME),
    ],
    ids=["accent", "typing errors", "swapped", "second family name", "former name", "goes by"],
)
def test_the_same_person_written_differently_is_likely(other):
    assert compare(ELENA, other).is_likely
    assert compare(ELENA, other) == compare(other, ELENA)


@pytest.mark.parametrize(
    "other",
    [
        person("Jorge", born="1955-11-02", sex="male", **HOME),
        person("Luz", born="1990-07-30", sex="female", **HOME),
    ],
    ids=["husband", "daughter"],
)
def test_people_of_one_home_are_not_one_person(other):
    match = compare(ELENA, other)
    assert not match.is_likely
    assert match.reasons[-1] == "may be family"


def test_namesakes_with_another_phone_are_not_one_person():
    one = person(born="1958-03-14", phones=["+16125550143"], city="Riverbend", sex="female")
    two = person(born="1990-07-30", phones=["+16125550188"], city="Riverbend", sex="female")
    assert not compare(one, two).is_likely
    assert compare(one, two).reasons[-1] == "may be namesakes"
    assert compare(one, replace(two, phones=one.phones)).is_likely


def test_what_may_be_a_twin_is_told_as_one():
    """Born on one day in one home: a person has to look."""
    twin = person("Ana", **HOME)
    assert compare(ELENA, twin).reasons[-1] == "may be twins"
    alone = person("Ana", "Ramírez")
    assert not compare(person(), alone).is_likely


def test_a_shared_number_outweighs_another_first_name():
    one, two = (person(given, numbers=["1EG4-TE5-MK73"], **HOME) for given in ("Elena", "Maria"))
    assert compare(one, two).is_likely


def test_nothing_known_says_nothing():
    assert compare(Person(1), Person(2)) == Match(0)


def test_a_sign_that_many_share_names_nobody():
    crowd = [replace(ELENA, key=n, given=(f"name{n:03}x",), phones=frozenset()) for n in range(BLOCK + 1)]
    assert not list(pairs(crowd))


def test_one_wrong_link_does_not_chain_two_groups():
    first, second = (
        [replace(ELENA, key=n) for n in (1, 2)],
        [person("Ana", "Stone", "1980-01-02", phones=["+16125550199"]) for _n in range(2)],
    )
    people = [*first, *second]
    links = [*pairs(people), (1, 2, Match(9.0))]
    assert groups(people, links) == [[0, 1], [2, 3]]


def test_a_match_is_kept_and_read_back_whole():
    match = compare(ELENA, person("Ramírez", "Elena", **HOME))
    assert Match.from_json(match.points, match.as_json()) == match


@needs_sets
def test_three_sets_with_known_truth_are_found():
    found = dict(sets_in(SETS))
    assert len(found) == 3
    for name, one in found.items():
        assert one.precision >= 0.99, name
        assert one.f1 >= 0.97, name
