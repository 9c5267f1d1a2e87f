"""Damage to bytes and tokens: a valid input enters, one that is a little or very wrong leaves."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

NASTY = (
    b"\0", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\r", b"\n\n", b"\t", b'"', b"'", b"\\", b"{", b"}", b"[", b"]",
    b"(", b")", b",", b":", b"=", b"-", b"--", b"1e999", b"-1", b"99999999999999999999", b"nan", b"inf", b"null",
    b"\xf0\x9f\x98\x80", b"0x1F", b"1_000", b"\xcc\x81", b"@", b"#", b"..", b"%s%n",
)  # fmt: skip
OPENING = (b"(", b"[", b"{", b"-", b"not ", b"if x then ", b"fn (x) => ", b"let x = ", b'{"a":', b"[[")


def damaged(random: Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """One to eight changes: flips, cuts, copies, nasty bytes, pieces of other inputs, deep openings."""
    for _ in range(1 + int(8 * random.random() ** 2)):
        data = _once(random, data, others)
    return data[: 1 << 16]


def _once(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    size = len(data)
    place, length = random.randrange(size + 1), 1 + int(12 * random.random() ** 3)
    match random.randrange(9):
        case 0 if size:
            at = min(place, size - 1)
            return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]
        case 1:
            return data[:place] + data[place + length :]
        case 2:
            return data[: place + length] + data[place:]
        case 3:
            return data[:place] + bytes(random.randrange(256) for _ in range(length)) + data[place:]
        case 4 if others:
            other = others[random.randrange(len(others))]
            start = random.randrange(len(other) + 1)
            return data[:place] + other[start : start + 64] + data[place:]
        case 5:
            return data[:place]
        case 6 if random.random() < 0.2:
            return data[:place] + OPENING[random.randrange(len(OPENING))] * random.choice((3, 50, 500)) + data[place:]
        case 7:
            other = random.randrange(size + 1)
            low, high = min(place, other), max(place, other)
            return data[:low] + data[high : high + 32] + data[low:high] + data[high + 32 :]
        case _:
            return data[:place] + NASTY[random.randrange(len(NASTY))] + data[place:]


def damaged_tokens(random: Random, tokens: list[str], words: Sequence[str]) -> list[str]:
    """A sentence with tokens dropped, doubled, exchanged or put in."""
    changed = list(tokens)
    for _ in range(1 + int(4 * random.random() ** 2)):
        place = random.randrange(len(changed) + 1)
        match random.randrange(4):
            case 0:
                del changed[place : place + 1]
            case 1:
                changed[place:place] = changed[place : place + 3]
            case 2:
                changed[place : place + 1] = [words[random.randrange(len(words))]]
            case _:
                changed.insert(place, words[random.randrange(len(words))])
    return changed
