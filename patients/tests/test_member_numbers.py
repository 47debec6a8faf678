"""What a member number looks like: Medicare's by position, others by length and characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.rules.member_numbers import KINDS, PATTERNS, doubt

MEDICARE = PATTERNS[0]
good = st.tuples(*(st.sampled_from(KINDS[kind]) for kind in MEDICARE.positions)).map("".join)


@pytest.mark.parametrize(
    ("number", "payer", "line", "said"),
    [
        ("1EG4-TE5-MK73", "Medicare", "", ""),  # the sample card of CMS
        ("1eg4te5mk73", "Original Medicare", "", ""),
        ("1EG4 TE5 MK73", "CMS", "medicare", ""),
        ("", "Medicare", "", ""),
        ("1EG4-TE5-MK7", "Medicare", "", "has 11 letters and digits; this one has 10"),
        ("0EG4-TE5-MK73", "Medicare", "", "Character 1 of a Medicare number is a digit from 1 to 9, not 0"),
        ("1SG4-TE5-MK73", "Medicare", "", "Character 2"),
        ("1EGX-TE5-MK73", "Medicare", "", "Character 4 of a Medicare number is a digit, not X"),
        ("1EG4-TE5-M773", "Medicare", "", "Character 9"),
        ("1EO4-TE5-MK73", "Medicare", "", "Character 3"),
        ("H30417786", "HealthNorth Plus", "medicare_advantage", ""),  # the plan's own number
        ("12", "HealthNorth Plus", "", "4 to 30 characters; this one has 2"),
        ("AB#12345", "HealthNorth Plus", "", "letters, digits, spaces and hyphens"),
    ],
)
def test_a_number_is_doubted_with_the_reason(number, payer, line, said):
    found = doubt(number, payer, line)
    assert (found == "") is (said == "")
    assert said in found


@given(good)
def test_every_number_of_the_format_is_right(number):
    assert doubt(number, "Medicare") == ""
    assert doubt(f"{number[:4]}-{number[4:7]}-{number[7:]}".lower(), "MEDICARE") == ""


@given(good, st.integers(0, 10), st.characters(codec="ascii", categories=("Lu", "Nd")))
def test_one_wrong_character_is_named_by_its_place(number, place, character):
    changed = number[:place] + character + number[place + 1 :]
    fits = character in KINDS[MEDICARE.positions[place]]
    assert (doubt(changed, "Medicare") == "") is fits
    if not fits:
        assert f"Character {place + 1} " in doubt(changed, "Medicare")
