"""Changes of bytes, of text and of JSON, each a function of a seeded random number generator."""

import copy
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

_MARKS = (b"[", b"]", b"{", b'"', b"'", b"=", b".", b"<=", b"nan", b"-inf", b"9" * 2000)
_WORD = 50_000
EXTREMES = (0, 1, 2, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63, 2**64 - 1)
JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 10**6, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf"), "",
    "x", "../x", "a" * 5000, "\0", "é", [], {}, [[]], [1, 2, 3], [None], {"a": 1}, {"kind": "x"}, [0] * 50,
    {"id": "pickle"},
)  # fmt: skip


def change(random: Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Some changes of bytes: flips, cuts, copies, extreme numbers, pieces of other files."""
    held = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        _one(random, held, others)
    return bytes(held)


def _one(random: Random, held: bytearray, others: Sequence[bytes]) -> None:
    size = len(held)
    # Headers are where a change says most.
    at = random.randrange(size + 1) if random.random() < 0.6 else min(size, random.randrange(200))
    length = min(random.choice((1, 2, 4, 8, 64, 1000)), size - at)
    kind = random.randrange(9)
    if kind == 0 and at < size:
        held[at] ^= 1 << random.randrange(8)
    elif kind == 1 and at < size:
        held[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
    elif kind == 2:
        del held[at:]
    elif kind == 3:
        del held[at : at + length]
    elif kind == 4:
        start = random.randrange(size + 1)
        held[at:at] = held[start : start + length]
    elif kind == 5:
        held[at : at + length] = random.randbytes(length)
    elif kind == 6 and others:
        other = random.choice(others)
        start = random.randrange(len(other) + 1)
        held[at : at + length] = other[start : start + random.choice((length, 64, 1000))]
    elif kind == 7:
        width = random.choice((1, 2, 4, 8))
        number = random.choice(EXTREMES) % 256**width
        held[at : at + width] = number.to_bytes(width, random.choice(("little", "big")))
    else:
        held[at:at] = held[at : at + length] * random.choice((1, 2, 100))


def change_text(random: Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Some changes of words and lines, or of bytes."""
    if random.random() < 0.3:
        return change(random, data, others)
    lines = data.split(b"\n")
    for _ in range(random.choice((1, 1, 2, 5))):
        at = random.randrange(len(lines))
        words = lines[at].split(b" ")
        place = random.randrange(len(words))
        kind = random.randrange(7)
        if kind == 0:
            words[place] = str(random.choice((*JUNK, *EXTREMES))).encode()
        elif kind == 1:
            words[place] = random.choice(random.choice(lines).split(b" "))
        elif kind == 2:
            del words[place]
        elif kind == 3:
            words.insert(place, random.choice(_MARKS))
        elif kind == 4:
            words[place] = (words[place] * random.choice((2, 100, 3000)))[:_WORD]
        elif kind == 5:
            lines.insert(at, random.choice(lines))
            continue
        else:
            lines[at], words = random.choice(lines), lines[at].split(b" ")
        lines[at] = b" ".join(words)
    return b"\n".join(lines)


def change_table(random: Random, table: Any) -> Any:
    """Some entries of JSON, left out or changed into junk."""
    changed = copy.deepcopy(table)
    if random.random() < 0.02:
        return random.choice(JUNK)
    for _ in range(random.choice((1, 1, 2, 3, 5))):
        paths = list(_paths(changed))
        if not paths:
            return changed
        path = random.choice(paths)
        inner = changed
        for key in path[:-1]:
            inner = inner[key]
        if random.random() < 0.3:
            del inner[path[-1]]
        elif isinstance(inner[path[-1]], int) and random.random() < 0.5:
            inner[path[-1]] = random.choice(EXTREMES)
        else:
            inner[path[-1]] = copy.deepcopy(random.choice(JUNK))
    return changed


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list) and len(path) < 8:
        for key in value if isinstance(value, dict) else range(min(len(value), 12)):
            yield from _paths(value[key], (*path, key))
