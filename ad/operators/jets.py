"""Jets, and schemes that read atoms from them, as data and as JSON.

A jet pushes a polynomial curve through a field: every variable moves by the sum of its seeds, and the coefficients of
the result at a downward closed set of multi-indices are kept. All coefficients are normalised: the one at m is a
derivative divided by m!. A jet has levels, pushed one through the other; a level with lanes is pushed once per lane.
An atom is read as a rational combination of coefficients.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from ...lang.differential.atoms import Atom, read_atom

Index = tuple[int, ...]
Law = Literal["coordinates", "sampled", "rademacher", "gaussian", "sphere"]
Length = int | str | None  # of a variable: a number, the name of an open size, or None for a scalar
Direction = Literal["one", "lane", "image", "unit"]
EXACT: tuple[Law, ...] = ("coordinates",)


@dataclass(frozen=True, slots=True)
class Seed:
    """What a variable moves by at a multi-index of the level.

    ``one``: the number `scale`, for a scalar variable. Over a vector variable: ``lane``, the vector of the lane;
    ``image``, the matrix number `number` of the field times that vector; ``unit``, unit vector number `number`.
    """

    variable: str
    index: Index
    direction: Direction = "one"
    scale: Fraction = Fraction(1)
    number: int = 0


@dataclass(frozen=True, slots=True)
class Lanes:
    """The vectors of the lanes of a level.

    ``coordinates``: all unit vectors, results are summed or kept as an axis. Random laws, of which results are averaged
    over `count` lanes: ``sampled`` unit vectors without replacement, and ``rademacher``, ``gaussian`` or (unit)
    ``sphere`` vectors.
    """

    variable: str
    law: Law = "coordinates"
    count: int = 0


@dataclass(frozen=True, slots=True)
class Level:
    """One jet: its multi-indices, its seeds, and its lanes if it has any.

    With `collapsed`, coefficients of the highest total degree are only kept as sums over the lanes.
    """

    indices: tuple[Index, ...]
    seeds: tuple[Seed, ...]
    lanes: Lanes | None = None
    collapsed: bool = False

    @property
    def is_gradient(self) -> bool:
        """Whether it has one lane per coordinate and first derivatives only, which one reverse pass gives as well."""
        over = self.lanes is not None and self.lanes.law in EXACT and not self.collapsed
        return over and max(map(sum, self.indices)) == 1 and [seed.direction for seed in self.seeds] == ["lane"]

    @property
    def is_laplacian(self) -> bool:
        """Whether it has one lane per coordinate, and second derivatives as their sum only."""
        over = self.lanes is not None and self.lanes.law in EXACT and self.collapsed
        return over and max(map(sum, self.indices)) == 2 and [seed.direction for seed in self.seeds] == ["lane"]


@dataclass(frozen=True, slots=True)
class Jet:
    """Levels through a field, the outermost first."""

    field: str
    levels: tuple[Level, ...]

    @property
    def random(self) -> tuple[Lanes, ...]:
        """The lanes of its levels that are random."""
        return tuple(level.lanes for level in self.levels if level.lanes is not None and level.lanes.law not in EXACT)


@dataclass(frozen=True, slots=True)
class Term:
    """`factor` times the coefficient of jet number `jet` at one multi-index per level.

    `times` multiplies it by a polynomial in the length n of the lanes' variable, lowest power first.
    """

    jet: int
    index: tuple[Index, ...]
    factor: Fraction
    times: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True)
class Reading:
    """How an atom is read: one sum of terms, or one per entry where the plan names coordinates one by one."""

    atom: Atom
    entries: tuple[tuple[Term, ...], ...]


@dataclass(frozen=True)
class Scheme:
    """Jets and readings for all atoms of an operator; `kind` says how it was found.

    A scheme can also be written by hand; `verify.check.plans` says whether it is right.
    """

    kind: str
    variables: tuple[tuple[str, Length], ...]
    jets: tuple[Jet, ...]
    readings: tuple[Reading, ...]

    @property
    def exact(self) -> bool:
        """Whether no lane is random."""
        return not any(jet.random for jet in self.jets)

    @property
    def order(self) -> int:
        """The largest total order of a coefficient of its jets."""
        return max((sum(map(_degree, jet.levels)) for jet in self.jets), default=0)

    def to_json(self) -> dict[str, Any]:
        """The scheme as JSON data."""
        return {
            "kind": self.kind,
            "variables": [list(pair) for pair in self.variables],
            "jets": [{"field": jet.field, "levels": [_level_json(level) for level in jet.levels]} for jet in self.jets],
            "readings": [
                {"atom": reading.atom.text, "entries": [list(map(_term_json, terms)) for terms in reading.entries]}
                for reading in self.readings
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Scheme:
        """The scheme of JSON data; KeyError, TypeError or ValueError when it is none."""
        variables = tuple((str(name), length) for name, length in data["variables"])
        jets = tuple(Jet(str(jet["field"]), tuple(map(_read_level, jet["levels"]))) for jet in data["jets"])
        readings = tuple(
            Reading(read_atom(item["atom"]), tuple(tuple(map(_read_term, terms)) for terms in item["entries"]))
            for item in data["readings"]
        )
        return cls(str(data["kind"]), variables, jets, readings)

    @property
    def digest(self) -> str:
        """A hash of the content."""
        return digest(self.to_json())


def digest(data: object) -> str:
    """The SHA-256 hash of JSON data in one spelling.

    >>> digest({"a": 1})[:8]
    '015abd7f'
    """
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def closure(indices: frozenset[Index]) -> tuple[Index, ...]:
    """The downward closed set of multi-indices below some, by total degree.

    >>> closure(frozenset({(1, 1)}))
    ((0, 0), (0, 1), (1, 0), (1, 1))
    """
    found, waiting = set(indices), list(indices)
    while waiting:
        index = waiting.pop()
        for place, entry in enumerate(index):
            lower = (*index[:place], entry - 1, *index[place + 1 :])
            if entry and lower not in found:
                found.add(lower)
                waiting.append(lower)
    return tuple(sorted(found, key=lambda index: (sum(index), index)))


def _degree(level: Level) -> int:
    return max(sum(index) for index in level.indices)


def _fraction(text: str) -> Fraction:
    """Two whole numbers, never an exponent: that of a file would be written out."""
    top, _, bottom = text.partition("/")
    return Fraction(int(top), int(bottom or 1))


def _level_json(level: Level) -> dict[str, Any]:
    seeds = [[seed.variable, list(seed.index), seed.direction, str(seed.scale), seed.number] for seed in level.seeds]
    lanes = None if level.lanes is None else [level.lanes.variable, level.lanes.law, level.lanes.count]
    indices = [list(index) for index in level.indices]
    return {"indices": indices, "seeds": seeds, "lanes": lanes, "collapsed": level.collapsed}


def _read_level(data: Mapping[str, Any]) -> Level:
    seeds = tuple(
        Seed(variable, tuple(map(int, index)), direction, _fraction(scale), int(number))
        for variable, index, direction, scale, number in data["seeds"]
    )
    lanes = None if data["lanes"] is None else Lanes(data["lanes"][0], data["lanes"][1], int(data["lanes"][2]))
    indices = tuple(tuple(map(int, index)) for index in data["indices"])
    return Level(indices, seeds, lanes, bool(data["collapsed"]))


def _term_json(term: Term) -> list[Any]:
    return [term.jet, [list(index) for index in term.index], str(term.factor), list(term.times)]


def _read_term(data: list[Any]) -> Term:
    jet, index, factor, times = data
    return Term(int(jet), tuple(tuple(map(int, part)) for part in index), _fraction(factor), tuple(map(int, times)))
