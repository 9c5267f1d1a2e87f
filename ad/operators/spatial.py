"""Jets with lanes, for sums and arrays of derivatives by the coordinates of a vector variable.

In: the atoms of one field over vector variables. Out: jets whose outermost level is a staircase over the scalar
variables where these atoms have scalar derivatives too, and whose other levels have lanes; and a reading per atom.

Along unit vectors e_i the coefficient of order k is the k-th derivative by x_i over k!: its sum over lanes is a sum of
diagonal derivatives, and for k = 2 half of the Laplacian. Two such levels, one through the other, give a quarter of
the bilaplacian. With seeds e_i and C e_i in two parameters the coefficient at (1, 1) sums to the C-weighted trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import factorial, prod

from ...lang.differential.atoms import Atom
from .jets import Index, Jet, Lanes, Law, Level, Reading, Seed, Term
from .scalar import staircase_level


@dataclass(frozen=True, slots=True)
class Probes:
    """Random lanes instead of all coordinates."""

    count: int
    law: Law = "sampled"


Family = tuple[str, ...]


def spatial(
    field: str, atoms: Sequence[Atom], scalars: Sequence[str], collapse: bool = True, probes: Probes | None = None
) -> list[tuple[Jet, tuple[Reading, ...]]]:
    """One jet per family of atoms, with the readings from it; the terms of these name jet number 0."""
    families: dict[Family, list[Atom]] = {}
    for atom in atoms:
        families.setdefault(_family(atom, probes), []).append(atom)
    return [_jet(field, members, scalars, collapse, probes) for members in families.values()]


def estimable(atom: Atom) -> bool:
    """Whether random lanes can stand for all coordinates: sums over coordinates of order two and more."""
    return atom.kind in ("laplacian", "weighted") or (atom.kind == "power" and atom.order > 1)


def _family(atom: Atom, probes: Probes | None) -> Family:
    """Atoms of one family share a jet."""
    if probes is not None and estimable(atom):
        return ("random", atom.kind, atom.variable, str(atom.order))
    if atom.kind in ("gradient", "diagonal", "power") or (atom.kind == "laplacian" and atom.order == 1):
        return ("lines", atom.variable)
    return (atom.kind, atom.variable, str(atom.order))


def _jet(
    field: str, atoms: Sequence[Atom], scalars: Sequence[str], collapse: bool, probes: Probes | None
) -> tuple[Jet, tuple[Reading, ...]]:
    demands = [_multi_index(atom, scalars) for atom in atoms]
    random = probes if probes is not None and estimable(atoms[0]) else None
    inner = _levels(atoms, collapse, random)
    outer = staircase_level(demands, [(name, -1) for name in scalars])
    used = [place for place in range(len(scalars)) if any(index[place] for index in demands)]
    levels = (outer, *inner) if used else inner
    readings: list[Reading] = []
    for atom, demand in zip(atoms, demands, strict=True):
        index, factor, times = _place(atom, random)
        head = (tuple(demand[place] for place in used),) if used else ()
        scale = factor * prod(factorial(order) for order in demand)
        readings.append(Reading(atom, ((Term(0, (*head, *index), Fraction(scale), times),),)))
    return Jet(field, levels), tuple(readings)


def _multi_index(atom: Atom, scalars: Sequence[str]) -> Index:
    orders = dict(atom.scalars)
    return tuple(orders.get(name, 0) for name in scalars)


def _levels(atoms: Sequence[Atom], collapse: bool, probes: Probes | None) -> tuple[Level, ...]:
    """The levels with lanes of one family."""
    first = atoms[0]
    lanes = Lanes(first.variable) if probes is None else Lanes(first.variable, probes.law, probes.count)
    if first.kind == "weighted":
        seeds = (Seed(first.variable, (1, 0), "lane"), Seed(first.variable, (0, 1), "image", number=first.order))
        return (Level(((0, 0), (0, 1), (1, 0), (1, 1)), seeds, lanes, collapse),)
    if first.kind == "hessian":
        return (_line(first.variable, lanes, 1, False),) * 2
    if first.kind == "laplacian" and first.order > 1 and probes is None:
        return (_line(first.variable, lanes, 2, collapse),) * first.order
    order = max(atom.spatial_order for atom in atoms)
    kept = any(atom.rank for atom in atoms if atom.spatial_order == order)
    return (_line(first.variable, lanes, order, collapse and not kept),)


def _line(variable: str, lanes: Lanes, order: int, collapsed: bool) -> Level:
    return Level(tuple((k,) for k in range(order + 1)), (Seed(variable, (1,), "lane"),), lanes, collapsed)


def _place(atom: Atom, probes: Probes | None) -> tuple[tuple[Index, ...], Fraction, tuple[int, ...]]:
    """The index of each level with lanes, the factor, and the polynomial in n that a random law asks for."""
    if atom.kind == "weighted":
        return ((1, 1),), Fraction(1), (1,) if probes is None else _moment(atom, probes.law)[1]
    if atom.kind == "hessian":
        return ((1,), (1,)), Fraction(1), (1,)
    if probes is None and atom.kind == "laplacian":
        return ((2,),) * atom.order, Fraction(2**atom.order), (1,)
    order = atom.spatial_order
    factor, times = (Fraction(1), (1,)) if probes is None else _moment(atom, probes.law)
    return ((order,),), factor * factorial(order), times


def _moment(atom: Atom, law: Law) -> tuple[Fraction, tuple[int, ...]]:
    """What the mean of the derivative along random lanes is to be multiplied by.

    E[v_i v_j] is the identity for Rademacher and Gaussian lanes and 1/n times it on the sphere; the fourth moments of
    Gaussian lanes are the three pairings, and 1/(n (n + 2)) times them on the sphere. A unit vector drawn from all n
    gives 1/n times the diagonal.
    """
    if law == "sampled":
        return Fraction(1), (0, 1)
    if atom.spatial_order == 2:
        return Fraction(1), (0, 1) if law == "sphere" else (1,)
    return Fraction(1, 3), (0, 2, 1) if law == "sphere" else (1,)


def law_fits(atom: Atom, law: Law) -> str | None:
    """Why a law cannot estimate an atom; None when it can."""
    if law == "sampled" and atom.kind == "laplacian" and atom.order > 1:
        return "sampled coordinates see no mixed derivatives, which a power of the Laplacian has"
    if law != "sampled" and atom.kind == "power" and atom.order > 2:
        return "dense lanes mix the coordinates; a sum of pure derivatives needs sampled ones"
    if law == "rademacher" and atom.spatial_order == 4:
        return "fourth moments of Rademacher lanes are not the three pairings: the mean is off by the pure derivatives"
    if law != "sampled" and atom.spatial_order > 4:
        return "moments beyond the fourth are not tabulated"
    return None


def renumbered(reading: Reading, jet: int) -> Reading:
    """A reading from jet number 0 as one from another jet."""
    return replace(reading, entries=tuple(tuple(replace(term, jet=jet) for term in terms) for terms in reading.entries))
