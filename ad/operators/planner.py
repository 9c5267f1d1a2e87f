"""The planner: atoms and lengths of variables enter, the cheapest exact plan leaves, with why others were not taken.

Candidates differ in how derivatives by scalar variables are taken (a staircase, polarised jets, clean single jets,
nested first-order passes), in whether sums over coordinates are collapsed, and in whether the coordinates of short
vectors are taken one by one. Cheaper means fewer vectors, then fewer products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from ...lang.diagnostics import fail
from ...lang.differential.atoms import Atom
from .algebra import Coordinate, Slot, functionals, solve
from .cost import Cost, cost
from .jets import Index, Jet, Length, Reading, Scheme, Term
from .scalar import SCALAR
from .spatial import Probes, estimable, law_fits, renumbered, spatial

MOST_COORDINATES = 4
"""Longest vector whose coordinates are tried one by one."""

Variables = tuple[tuple[str, Length], ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to plan: the plan and its cost, or why it does not apply."""

    name: str
    scheme: Scheme | None
    cost: Cost | None
    why_not: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The plan taken, and every candidate with a reason; the reason of the one taken is empty."""

    scheme: Scheme
    cost: Cost
    candidates: tuple[Candidate, ...]


def choose(atoms: Sequence[Atom], variables: Variables) -> Choice:
    """The cheapest exact plan.

    Args:
        atoms: what is demanded, of all fields.
        variables: names of the variables, each with its length (None for a scalar, a name for an open size).
    """
    tried = [_exact(name, atoms, variables, collapse, single) for name, collapse, single in _ways(atoms)]
    found = _different(tried)
    costs = [_at(candidate.cost) for candidate in found if candidate.cost is not None]
    least = min(costs)
    taken = next(candidate for candidate in found if candidate.cost is not None and _at(candidate.cost) == least)
    judged = tuple(_judged(candidate, taken, least) for candidate in found)
    assert taken.scheme is not None and taken.cost is not None
    if any(map(estimable, atoms)):
        why = "an estimate: `plan(samples=…)` asks for one"
        judged = (*judged, Candidate("sampling", None, None, why))
    return Choice(taken.scheme, taken.cost, judged)


def _different(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, those with the jets of an earlier one left out."""
    found: dict[object, Candidate] = {}
    for candidate in candidates:
        found.setdefault(candidate if candidate.scheme is None else candidate.scheme.jets, candidate)
    return list(found.values())


def sampled(atoms: Sequence[Atom], variables: Variables, probes: Probes) -> Choice:
    """The plan that estimates every sum over coordinates from random lanes; E221 where a law does not fit.

    First derivatives, and everything else that is no sum, stay exact.
    """
    random = [atom for atom in atoms if estimable(atom)]
    if not random:
        hint = "sums of derivatives of order two and more over coordinates can be sampled: leave `samples` out"
        raise fail("E221", "this operator has nothing to sample", hint=hint)
    lengths = dict(variables)
    for atom in random:
        length = lengths[atom.variable]
        why = law_fits(atom, probes.law)
        if probes.law == "sampled" and isinstance(length, int) and probes.count > length:
            why = f"{probes.count} of {length} coordinates cannot be drawn without replacement"
        if probes.count < 1:
            why = f"{probes.count} lanes are none"
        if why is not None:
            raise fail("E221", f"`{atom}` cannot be estimated this way", actual=why, hint="choose another law or count")
    found = _exact("staircase", atoms, variables, True, False, probes)
    assert found.scheme is not None and found.cost is not None
    return Choice(found.scheme, found.cost, (found,))


def _ways(atoms: Sequence[Atom]) -> list[tuple[str, bool, bool]]:
    """Name of the scalar part, whether sums are collapsed, whether coordinates are taken one by one."""
    ways = [(name, True, False) for name in SCALAR]
    if any(atom.kind != "value" for atom in atoms):
        ways += [("staircase", False, False), ("staircase", True, True)]
    return ways


def _judged(candidate: Candidate, taken: Candidate, least: tuple[int, int]) -> Candidate:
    if candidate is taken or candidate.cost is None:
        return candidate
    vectors, products = _at(candidate.cost)
    more = f"{vectors} vectors, not {least[0]}" if vectors != least[0] else f"{products} products, not {least[1]}"
    same = (vectors, products) == least
    return Candidate(candidate.name, candidate.scheme, candidate.cost, "the same cost" if same else more)


def _at(found: Cost) -> tuple[int, int]:
    return found.at({})


def _exact(
    way: str, atoms: Sequence[Atom], variables: Variables, collapse: bool, single: bool, probes: Probes | None = None
) -> Candidate:
    """One candidate for all fields."""
    name = _title(way, atoms, collapse, single, probes)
    jets: list[Jet] = []
    readings: dict[Atom, Reading] = {}
    for field in dict.fromkeys(atom.field for atom in atoms):
        own = [atom for atom in atoms if atom.field == field]
        found = _one_by_one(way, field, own, variables) if single else _scalars(way, field, own, variables)
        if isinstance(found, str):
            return Candidate(name, None, None, found)
        for reading in found[1]:
            readings[reading.atom] = _shifted(reading, len(jets))
        jets += found[0]
        rest = [atom for atom in own if atom.kind != "value" and not single]
        scalars = [variable for variable, length in variables if length is None]
        for jet, spatial_readings in spatial(field, rest, scalars, collapse, probes):
            for reading in spatial_readings:
                readings[reading.atom] = renumbered(reading, len(jets))
            jets.append(jet)
    scheme = Scheme(name, variables, tuple(jets), tuple(readings[atom] for atom in atoms))
    return Candidate(name, scheme, cost(scheme), "")


def _title(way: str, atoms: Sequence[Atom], collapse: bool, single: bool, probes: Probes | None) -> str:
    parts: list[str] = [way] if single or any(atom.kind == "value" for atom in atoms) else []
    if single:
        parts.append("coordinates one by one")
    elif probes is not None:
        parts.append(f"{probes.count} {probes.law} lanes")
    elif any(atom.kind != "value" for atom in atoms):
        levels = any(atom.kind == "laplacian" and atom.order > 1 for atom in atoms)
        parts.append(("nested " if levels else "") + ("collapsed lanes" if collapse else "lanes, not collapsed"))
    return " + ".join(parts)


Part = tuple[tuple[Jet, ...], tuple[Reading, ...]]


def _scalars(way: str, field: str, atoms: Sequence[Atom], variables: Variables) -> Part | str:
    """The part of a plan that takes derivatives by scalar variables alone."""
    active: list[Coordinate] = [(name, -1) for name, length in variables if length is None]
    return _read(way, field, {atom: _entries(atom, active) for atom in atoms if atom.kind == "value"}, active)


def _one_by_one(way: str, field: str, atoms: Sequence[Atom], variables: Variables) -> Part | str:
    """All coordinates of short vectors as scalars."""
    active: list[Coordinate] = []
    for name, length in variables:
        if isinstance(length, str) or (length is not None and length > MOST_COORDINATES):
            return f"`{name}` is not known to have {MOST_COORDINATES} coordinates or fewer"
        active += [(name, -1)] if length is None else [(name, number) for number in range(length)]
    if any(atom.kind == "weighted" for atom in atoms):
        return "the matrix of a weighted sum is known only when the plan runs"
    return _read(way, field, {atom: _entries(atom, active) for atom in atoms}, active)


def _entries(atom: Atom, active: Sequence[Coordinate]) -> list[dict[Index, Fraction]]:
    """Each entry of an atom as a sum of derivatives by single coordinates."""
    places = [place for place, (name, _) in enumerate(active) if name == atom.variable]
    base = tuple(dict(atom.scalars).get(name, 0) if number < 0 else 0 for name, number in active)

    def raised(chosen: Sequence[int], order: int) -> Index:
        return tuple(entry + order * chosen.count(place) for place, entry in enumerate(base))

    match atom.kind:
        case "value":
            return [{base: Fraction(1)}]
        case "gradient" | "diagonal":
            return [{raised([place], atom.order): Fraction(1)} for place in places]
        case "hessian":
            return [{raised([i, j], 1): Fraction(1)} for i, j in product(places, places)]
        case _:
            count = atom.order if atom.kind == "laplacian" else 1
            total: dict[Index, Fraction] = {}
            for chosen in product(places, repeat=count):
                index = raised(chosen, 2 if atom.kind == "laplacian" else atom.order)
                total[index] = total.get(index, Fraction(0)) + 1
            return [total]


def _read(
    way: str, field: str, wanted: Mapping[Atom, list[dict[Index, Fraction]]], active: Sequence[Coordinate]
) -> Part | str:
    """Jets of one way for some combinations of derivatives, and their readings."""
    demands = list(dict.fromkeys(index for entries in wanted.values() for entry in entries for index in entry))
    if not demands:
        return (), ()
    jets = SCALAR[way](field, demands, active)
    if isinstance(jets, str):
        return jets
    jets = jets or SCALAR["staircase"](field, demands, active)
    assert not isinstance(jets, str)
    known = functionals(jets, active)
    solved: dict[Index, dict[Slot, Fraction]] = {}
    for index in demands:
        found = solve(known, index)
        if found is None:
            return "its coefficients do not determine all derivatives"
        solved[index] = found
    readings = [Reading(atom, tuple(_terms(entry, solved) for entry in entries)) for atom, entries in wanted.items()]
    return tuple(jets), tuple(readings)


def _terms(entry: Mapping[Index, Fraction], solved: Mapping[Index, Mapping[Slot, Fraction]]) -> tuple[Term, ...]:
    total: dict[Slot, Fraction] = {}
    for index, factor in entry.items():
        for slot, value in solved[index].items():
            total[slot] = total.get(slot, Fraction(0)) + factor * value
    return tuple(Term(jet, index, factor) for (jet, index), factor in total.items() if factor)


def _shifted(reading: Reading, start: int) -> Reading:
    """A reading whose jets are numbered from `start`."""
    entries = tuple(
        tuple(Term(term.jet + start, term.index, term.factor, term.times) for term in terms)
        for terms in reading.entries
    )
    return Reading(reading.atom, entries)
