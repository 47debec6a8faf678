"""Which slips are forgiven, and in which order people come for them."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from patients.rules.finding import Wanted
from patients.rules.likeness import Slip, likeness, near_dates
from patients.rules.text import fold

TODAY = datetime.date(2026, 11, 21)
BORN = datetime.date(1958, 3, 14)
letters = st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=12)


def cost(word: str, *names: str, sounding: tuple[str, ...] = ()) -> tuple[int, float]:
    found = likeness(Wanted((word,)), names, sounding)
    assert found is not None
    return found.cost, found.apart


def test_a_whole_name_comes_before_a_beginning_a_sound_and_a_similar_name():
    order = [
        cost("smith", "smith"),
        cost("smith", "smithson"),
        cost("smith", "goldsmith"),
        cost("smith", "smyth", sounding=("smith",)),
        cost("smithe", "smitsen"),
    ]
    assert order == sorted(order)
    assert len(set(order)) == len(order)


def test_somebody_whom_one_word_does_not_fit_is_somebody_else():
    assert likeness(Wanted(("elena", "stone")), ("ramirez", "elena")) is None
    with_middle = likeness(Wanted(("elena", "luz", "ramirez")), ("ramirez", "elena"))
    assert with_middle is not None
    assert with_middle.reasons == ("without “luz”",)


def test_a_sound_alone_is_not_enough_when_the_letters_are_far_apart():
    # Both start with the same four consonants of Double Metaphone: ANTR.
    assert likeness(Wanted(("underwear",)), ("andreotti",), ("underwear",)) is None


def test_names_written_as_one_or_apart_are_the_same():
    assert cost("delacruz", "de", "la", "cruz") == (0, 0.0)


@given(letters, st.data())
def test_any_single_slip_in_a_long_name_is_forgiven(name, data):
    at = data.draw(st.integers(0, len(name) - 2))
    turned = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    for typed in (
        turned,
        name[:at] + name[at + 1 :],
        name[:at] + "q" + name[at:],
        name[:at] + "q" + name[at + 1 :],
    ):
        assert likeness(Wanted((typed,)), (name,)) is not None


@given(st.dates(datetime.date(1900, 1, 1), TODAY))
def test_birth_dates_a_slip_apart_are_few_possible_and_see_each_other(day):
    near = near_dates([(day, day)], TODAY)
    assert day not in near
    assert len(near) < 60
    for other, slip in near.items():
        assert other <= TODAY
        assert near_dates([(other, other)], TODAY)[day] is slip


def test_a_year_or_a_day_of_every_year_has_no_slips():
    assert near_dates([(datetime.date(1958, 1, 1), datetime.date(1958, 12, 31))], TODAY) == {}
    assert near_dates([(BORN.replace(year=year),) * 2 for year in range(1950, 1960)], TODAY) == {}


def test_the_kind_of_slip_is_told():
    near = near_dates([(BORN, BORN)], TODAY)
    assert near[datetime.date(1958, 3, 15)] is Slip.DIGIT
    assert near[datetime.date(1985, 3, 14)] is Slip.TURNED
    assert near_dates([(datetime.date(1958, 3, 4),) * 2], TODAY)[datetime.date(1958, 4, 3)] is Slip.SWAPPED


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Ramírez", "Ramires"),
        ("Hernández", "Ernandes"),
        ("Jiménez", "Gimenes"),
        ("Vásquez", "Basques"),
        ("Castillo", "Castiyo"),
        ("Schmidt", "Smith"),
        ("Kowalski", "Kovalsky"),
        ("Phillips", "Filips"),
        ("Mohamed", "Muhammad"),
        ("Meyer", "Maier"),
    ],
)
def test_names_that_sound_alike_share_a_sound(one, two):
    assert shares("name_sounds", one, two)


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["Garia", "Gacria", "Garxia", "Garrcia", "Garci"])
def test_names_a_letter_apart_share_a_key(typed):
    assert shares("name_keys", "García", typed)
    assert not shares("name_keys", "Xiong", typed)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", "o", "ивано ва", "हिनदी", "x" * 500, "a b c"])
def test_any_name_has_keys_without_an_error(name):
    with connection.cursor() as cursor:
        cursor.execute("select name_keys(%s)", [name])
        assert isinstance(cursor.fetchone()[0], list)


def shares(function: str, one: str, two: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"select {function}(%s) && {function}(%s)", [fold(one), fold(two)])
        return bool(cursor.fetchone()[0])
