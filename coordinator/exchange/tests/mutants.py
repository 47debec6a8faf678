"""Files that somebody cut, shuffled, nested, broke or filled with noise: the same ones for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

NOISE = [
    "",
    "\x00",
    "x" * 5000,
    "\\ud800",
    "9" * 400,
    "<!DOCTYPE a>",
    "&lol;",
    "é" * 70,
    "-1",
    "1e999",
    "~",
    "*",
    "[]",
]


def cut(data: bytes, r: random.Random) -> bytes:
    return data[: r.randrange(len(data))]


def drop_a_piece(data: bytes, r: random.Random) -> bytes:
    start = r.randrange(len(data))
    return data[:start] + data[start + r.randrange(1, 60) :]


def random_bytes(data: bytes, r: random.Random) -> bytes:
    changed = bytearray(data)
    for _n in range(r.randrange(1, 12)):
        changed[r.randrange(len(changed))] = r.randrange(256)
    return bytes(changed)


def only_noise(data: bytes, r: random.Random) -> bytes:
    return r.randbytes(r.randrange(1, 4000))


def entities(data: bytes, r: random.Random) -> bytes:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return (
        f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "ha">{laughs}]><a>&l11;</a>'.encode()
        + data[: r.randrange(50)]
    )


def deep(data: bytes, r: random.Random) -> bytes:
    levels = r.choice([70, 1000, 50_000])
    opening, closing = r.choice([(b"[", b"]"), (b'{"a":', b"}"), (b'{"extension":[', b"]}")])
    return opening * levels + data[:40] * r.randrange(2) + closing * r.choice([0, levels])


ANY = (cut, drop_a_piece, random_bytes, only_noise, entities, deep)


# --- X12 ----------------------------------------------------------------------------------------------


def _segments(data: bytes) -> list[str]:
    return data.decode().split("~")


def shuffled(data: bytes, r: random.Random) -> bytes:
    rows = _segments(data)
    inner = rows[2:-4]
    r.shuffle(inner)
    return "~".join(rows[:2] + inner + rows[-4:]).encode()


def swapped(data: bytes, r: random.Random) -> bytes:
    rows = _segments(data)
    one, two = r.randrange(1, len(rows)), r.randrange(1, len(rows))
    rows[one], rows[two] = rows[two], rows[one]
    return "~".join(rows).encode()


def doubled(data: bytes, r: random.Random) -> bytes:
    rows = _segments(data)
    place = r.randrange(len(rows))
    return "~".join([*rows[:place], *[rows[place]] * r.choice([2, 50, 30_000]), *rows[place:]]).encode()


def other_separators(data: bytes, r: random.Random) -> bytes:
    return data.replace(
        r.choice([b"*", b"~", b":", b"^"]), r.choice([b"|", b"\n", b"A", b" ", b"*", b"~", b""])
    )


def noise_in_an_element(data: bytes, r: random.Random) -> bytes:
    rows = _segments(data)
    place = r.randrange(len(rows))
    elements = rows[place].split("*")
    elements[r.randrange(len(elements))] = r.choice(NOISE)
    rows[place] = "*".join(elements)
    return "~".join(rows).encode("utf-8", "surrogatepass")


OF_X12 = (*ANY, shuffled, swapped, doubled, other_separators, noise_in_an_element)


# --- JSON ---------------------------------------------------------------------------------------------


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) below a value."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        pairs = one.items() if isinstance(one, dict) else enumerate(one) if isinstance(one, list) else ()
        for key, inner in pairs:
            found.append((one, key))
            waiting.append(inner)
    return found


def _changed(data: bytes, r: random.Random, change: Callable[[Any, Any], None]) -> bytes:
    value = json.loads(data)
    for _n in range(r.randrange(1, 4)):
        change(*r.choice(_places(value)))
    return json.dumps(value).encode()


def other_type(data: bytes, r: random.Random) -> bytes:
    other = [
        None,
        0,
        -1,
        1e300,
        True,
        "",
        "text",
        [],
        {},
        [[]],
        [None],
        {"value": {}},
        "\ud800",
        "a\x00b",
        "x" * 70_000,
    ]

    def change(holder: Any, key: Any) -> None:
        holder[key] = r.choice(other)

    return _changed(data, r, change)


def without_a_member(data: bytes, r: random.Random) -> bytes:
    value = json.loads(data)
    holder, key = r.choice(_places(value))
    del holder[key]
    return json.dumps(value).encode()


def reordered(data: bytes, r: random.Random) -> bytes:
    value = json.loads(data)
    for holder, key in _places(value):
        if isinstance(holder[key], list):
            r.shuffle(holder[key])
    return json.dumps(value).encode()


def repeated(data: bytes, r: random.Random) -> bytes:
    value = json.loads(data)
    lists = [holder[key] for holder, key in _places(value) if isinstance(holder[key], list)]
    if lists:
        one = r.choice(lists)
        one.extend(one[:1] * r.choice([1, 3, 600]))
    return json.dumps(value).encode()


def double_member(data: bytes, r: random.Random) -> bytes:
    return data.replace(b'"resourceType":', b'"resourceType": "Patient", "resourceType":', 1)


OF_JSON = (*ANY, other_type, other_type, without_a_member, reordered, repeated, double_member)


def mutants(bases: list[bytes], kinds: Any, number: int, seed: int) -> list[tuple[str, bytes]]:
    """`number` changed files as (what was done, bytes); every kind in turn."""
    found = []
    for n in range(number):
        r = random.Random(seed * 1_000_003 + n)
        kind = kinds[n % len(kinds)]
        found.append((f"{kind.__name__} {n}", kind(r.choice(bases), r)))
    return found
