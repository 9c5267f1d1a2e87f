"""What must hold of a plan before its readings mean anything: names, shapes, and what a jet keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any

from .moments import LAWS

RANK = {"gradient": 1, "diagonal": 1, "hessian": 2}
MOST_ORDER = 64
MOST_COORDINATES, MOST_KEPT = 256, 20_000  # a certificate may come from anywhere and must not eat the machine
_RATIONAL = re.compile(r"-?[0-9]{1,100}(/[0-9]{1,100})?")


class Refused(Exception):
    """A reason to refuse a certificate."""


def rational(text: Any) -> Fraction:
    """A factor, which is written as a fraction of whole numbers.

    >>> rational("-3/4")
    Fraction(-3, 4)
    """
    if not isinstance(text, str) or not _RATIONAL.fullmatch(text):
        raise Refused("a factor is no fraction of whole numbers of at most 100 digits")
    return Fraction(text)


def checked_structure(record: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[str]:
    """Reasons against the structure of a plan for the operator of a record."""
    declared, lengths = dict(record["variables"]), dict(plan["variables"])
    if [name for name, _ in record["variables"]] != [name for name, _ in plan["variables"]]:
        yield "the plan has other variables than the operator"
        return
    for name, length in lengths.items():
        if not _fits(declared[name], length):
            yield f"the variable `{name}` has length {length} in the plan, {declared[name]} in the operator"
    if [reading["atom"] for reading in plan["readings"]] != list(record["atoms"]):
        yield "the readings are not those of the atoms of the operator, one each and in order"
        return
    for number, jet in enumerate(plan["jets"]):
        if jet["field"] not in record["fields"]:
            yield f"jet {number} is of `{jet['field']}`, which is no field of the operator"
        for level in jet["levels"]:
            yield from (f"jet {number}: {reason}" for reason in _level(level, lengths))
        if random_variables(jet) and sum(level["lanes"] is not None for level in jet["levels"]) > 1:
            yield f"jet {number}: random lanes and other lanes through one another are not covered"
    for reading in plan["readings"]:
        yield from (f"the reading of `{reading['atom']}`: {reason}" for reason in _reading(reading, plan, lengths))


def random_variables(jet: Mapping[str, Any]) -> list[str]:
    """The variables over which a jet has random lanes."""
    lanes = [level["lanes"] for level in jet["levels"] if level["lanes"] is not None]
    return [variable for variable, law, _ in lanes if law in LAWS]


def _fits(declared: Any, length: Any) -> bool:
    if declared is None or length is None or isinstance(declared, int):
        return declared == length
    return length == declared or (type(length) is int and length >= 1)


def _level(level: Mapping[str, Any], lengths: Mapping[str, Any]) -> Iterator[str]:
    indices = [tuple(index) for index in level["indices"]]
    known = set(indices)
    if len(known) != len(indices) or len({len(index) for index in indices}) != 1:
        yield "its multi-indices repeat, or differ in length"
        return
    if any(type(entry) is not int or entry < 0 for index in indices for entry in index):
        yield "a multi-index has an entry that is no whole number, zero or more"
        return
    if max(map(sum, indices)) > MOST_ORDER:
        yield f"its order is beyond {MOST_ORDER}"
    for index in indices:
        lower = ((*index[:k], entry - 1, *index[k + 1 :]) for k, entry in enumerate(index) if entry)
        if not all(below in known for below in lower):
            yield f"it keeps {list(index)} without all that lies below"
    lanes = level["lanes"]
    if lanes is not None:
        if lengths.get(lanes[0]) is None or lanes[1] not in (*LAWS, "coordinates"):
            yield f"lanes of law `{lanes[1]}` over `{lanes[0]}` are not possible"
        elif lanes[1] in LAWS and lanes[2] < 1:
            yield "it averages over no lanes"
        elif lanes[1] == "sampled" and isinstance(lengths[lanes[0]], int) and lanes[2] > lengths[lanes[0]]:
            yield f"it draws {lanes[2]} of {lengths[lanes[0]]} coordinates without replacement"
    for variable, index, direction, _, number in level["seeds"]:
        yield from _seed(variable, index, direction, number, level, lengths)


def _seed(
    variable: str,
    index: Sequence[int],
    direction: str,
    number: int,
    level: Mapping[str, Any],
    lengths: Mapping[str, Any],
) -> Iterator[str]:
    if variable not in lengths:
        yield f"a seed moves `{variable}`, which is no variable"
        return
    if len(index) != len(level["indices"][0]) or not any(index) or min(index) < 0:
        yield f"a seed at {list(index)} does not move anything"
    length, lanes = lengths[variable], level["lanes"]
    if (length is None) != (direction == "one"):
        yield f"a seed along `{direction}` does not fit `{variable}`"
    elif direction in ("lane", "image") and (lanes is None or lanes[0] != variable):
        yield f"a seed of `{variable}` follows lanes that its level does not have"
    elif direction == "unit" and not (isinstance(length, int) and 0 <= number < length):
        yield f"`{variable}` has no coordinate {number}"


def _reading(reading: Mapping[str, Any], plan: Mapping[str, Any], lengths: Mapping[str, Any]) -> Iterator[str]:
    field, _, spatial = reading["atom"].split("|")
    kind, variable, _ = spatial.split(":") if spatial else ("value", "", "0")
    rank, entries = RANK.get(kind, 0), reading["entries"]
    length = lengths.get(variable)
    if len(entries) != 1 and len(entries) != (length**rank if isinstance(length, int) else 1):
        yield "it has not one sum of terms per entry"
    jets = [plan["jets"][number] for terms in entries for number, _, _, _ in terms]
    if len({variable for jet in jets for variable in random_variables(jet)}) > 1:
        yield "it mixes random lanes over two variables"
    for terms in entries:
        for number, index, _, times in terms:
            jet = plan["jets"][number]
            if number < 0 or jet["field"] != field:
                yield f"it reads jet {number}, which is of another field"
            if list(times) != [1] and not random_variables(jet):
                yield "a term without random lanes is multiplied by a length"
            yield from _term(index, jet, rank if len(entries) == 1 else 0, variable, length)


def _term(
    index: Sequence[Sequence[int]], jet: Mapping[str, Any], rank: int, variable: str, length: Any
) -> Iterator[str]:
    if len(index) != len(jet["levels"]):
        yield "a term does not name one multi-index per level"
        return
    if prod(entry + 1 for part in index for entry in part) > MOST_KEPT:
        yield f"a term has more than {MOST_KEPT} coefficients below it"
        return
    lanes = 0
    for part, level in zip(index, jet["levels"], strict=True):
        if list(part) not in [list(known) for known in level["indices"]]:
            yield f"a term reads {list(part)}, which its jet does not keep"
        if level["lanes"] is None:
            continue
        lanes += 1
        if not any(part):
            yield "a term is summed over lanes that it does not depend on"
        highest = sum(part) == max(map(sum, level["indices"]))
        if rank and (level["lanes"][1] in LAWS or (level["collapsed"] and highest)):
            yield "an entry is read where only a sum over lanes is kept"
        if rank and level["lanes"][0] != variable:
            yield f"an entry by `{variable}` is read from lanes of another variable"
    if rank and lanes != rank and not (lanes == 0 and length == 1):
        yield f"a term has {lanes} levels with lanes for {rank} axes"
