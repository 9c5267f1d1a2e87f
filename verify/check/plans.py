"""The checker of plans for derivatives: a certificate enters, a `Verdict` leaves.

A plan is right when its readings, applied to every monomial whose degree is at most the order of its jets, give exactly
the derivatives they claim: coefficients of jets are combinations of derivatives up to that order at one point, with
coefficients that do not depend on the point, and monomials around the point tell such combinations apart. Arithmetic is
rational. Over a vector of open length n, derivatives of a monomial of degree D involve D coordinates; lanes beyond
them and beyond one spare coordinate per level with lanes repeat what the spare ones say, so finitely many coordinates
decide for all n, and by symmetry monomials whose exponents do not increase are enough. Matrices and random vectors
enter as symbols; a mean is taken at the end, at enough lengths n to decide a rational function of n.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import factorial
from typing import Any

from .moments import LAWS, mean
from .series import Index, Polynomial, Series, add, constant, exponents, multiply, symbol, truncated_product
from .structure import MOST_COORDINATES, Refused, checked_structure, random_variables, rational
from .verdict import Verdict

MOST_WORK = 2_000_000
MOST_SHOWN = 4

Coordinate = tuple[str, int]
Atom = tuple[str, dict[str, int], str, str, int]


def check_plan(certificate: Mapping[str, Any], operator: Mapping[str, Any] | None = None) -> Verdict:
    """Check a certificate, and that it speaks of an operator when the record of one is given.

    Nothing in the certificate is believed: digests, degree and status are worked out again.
    """
    claim = "a certificate of a plan"
    try:
        record, plan = certificate["operator"], certificate["plan"]
        claim = f"the plan of `{record['name']}` reads its {len(record['atoms'])} atoms"
        reasons = [*_bindings(certificate, operator), *checked_structure(record, plan)]
        if not reasons:
            facts = _Facts.of(record, plan)
            reasons = [*_claims(certificate, facts), *_readings(facts)]
    except Refused as refusal:
        reasons = [str(refusal)]
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError, AttributeError) as error:
        reasons = [f"it is malformed: {type(error).__name__}: {error}"]
    if reasons:
        return Verdict(False, claim, tuple(reasons))
    how = "exactly" if certificate["status"] == "exact" else "in the mean (unbiased)"
    return Verdict(True, f"{claim} {how}")


def digest(data: object) -> str:
    """The hash that binds a certificate to content."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _bindings(certificate: Mapping[str, Any], operator: Mapping[str, Any] | None) -> Iterator[str]:
    if certificate["schema"] != 1 or certificate["kind"] != "operator plan":
        yield "it is no certificate of schema 1 for an operator plan"
    for part in ("operator", "plan"):
        if certificate[f"{part}_digest"] != digest(certificate[part]):
            yield f"the {part} has been changed: its content does not have the digest that is stated"
    if operator is not None and digest(operator) != digest(certificate["operator"]):
        yield f"it speaks of another operator than `{operator['name']}` as it is given"


@dataclass(frozen=True)
class _Facts:
    """A plan after its structure was checked; `counts` says how many coordinates of each variable decide."""

    plan: Mapping[str, Any]
    atoms: tuple[Atom, ...]
    lengths: Mapping[str, Any]
    counts: Mapping[str, int]
    degree: int
    symmetric: bool

    @classmethod
    def of(cls, record: Mapping[str, Any], plan: Mapping[str, Any]) -> _Facts:
        levels = [level for jet in plan["jets"] for level in jet["levels"]]
        degree = max(sum(max(map(sum, level["indices"])) for level in jet["levels"]) for jet in plan["jets"])
        spare = max(sum(level["lanes"] is not None for level in jet["levels"]) for jet in plan["jets"])
        lengths = dict(plan["variables"])
        units = {seed[0] for level in levels for seed in level["seeds"] if seed[2] == "unit"}
        counts = {}
        for name, length in lengths.items():
            open_count = degree + spare
            if name in units and not isinstance(length, int):
                raise Refused(f"coordinates of `{name}` are named one by one, but its length is open")
            whole = length if name in units else min(length, open_count) if isinstance(length, int) else open_count
            counts[name] = 1 if length is None else whole
        if sum(counts.values()) > MOST_COORDINATES:
            raise Refused(f"its readings name more than {MOST_COORDINATES} coordinates")
        atoms = tuple(read_atom(text) for text in record["atoms"])
        return cls(plan, atoms, lengths, counts, degree, not units)

    def coordinates(self) -> list[Coordinate]:
        """Scalar variables (numbered -1) and the coordinates of vectors that decide."""
        found: list[Coordinate] = []
        for name, count in self.counts.items():
            found += [(name, -1)] if self.lengths[name] is None else [(name, number) for number in range(count)]
        return found

    def monomials(self) -> Iterator[dict[Coordinate, int]]:
        """Every monomial up to the degree; over vectors only one of those that a permutation makes equal."""
        groups = [(name, count, self.lengths[name] is not None) for name, count in self.counts.items()]

        def below(place: int, degree: int) -> Iterator[dict[Coordinate, int]]:
            if place == len(groups):
                yield {}
                return
            name, count, vector = groups[place]
            for powers in exponents(count, degree, degree if vector and self.symmetric else None):
                own = {(name, number if vector else -1): power for number, power in enumerate(powers) if power}
                for rest in below(place + 1, degree - sum(powers)):
                    yield own | rest

        return below(0, self.degree)


def read_atom(text: str) -> Atom:
    """Field, scalar orders, kind, variable and order of an atom's text."""
    field, scalars, spatial = text.split("|")
    orders = {name: int(order) for name, order in (part.split(":") for part in scalars.split(",") if part)}
    kind, variable, order = spatial.split(":") if spatial else ("value", "", "0")
    return field, orders, kind, variable, int(order)


def _claims(certificate: Mapping[str, Any], facts: _Facts) -> Iterator[str]:
    laws = {level["lanes"][1] for jet in facts.plan["jets"] for level in jet["levels"] if level["lanes"] is not None}
    status = "unbiased" if laws & LAWS.keys() else "exact"
    if certificate["status"] != status:
        yield f"its status is `{status}`, not `{certificate['status']}`"
    if certificate["degree"] != facts.degree:
        yield f"the order of its jets is {facts.degree}, not {certificate['degree']}"


def _readings(facts: _Facts) -> Iterator[str]:
    """Reasons against the readings: the monomials where one gives something else."""
    work = [0]
    for atom, reading in zip(facts.atoms, facts.plan["readings"], strict=True):
        wrong: list[str] = []
        for monomial in facts.monomials():
            for entry in _entries(facts, atom):
                expected = _demanded(atom, monomial, entry)
                for n in _lengths_to_try(facts, reading):
                    found = _read(facts, reading, monomial, entry, n, work)
                    if found != expected:
                        wrong.append(_wording(monomial, found, expected))
                        break
            if len(wrong) > MOST_SHOWN:
                break
        if wrong:
            shown = "; ".join(dict.fromkeys(wrong[:MOST_SHOWN])) + ("; …" if len(wrong) > MOST_SHOWN else "")
            yield f"the reading of `{_show(atom)}` is wrong: {shown}"


def _entries(facts: _Facts, atom: Atom) -> Iterator[tuple[int, ...]]:
    """The entries of an atom, by their coordinates."""
    rank = {"gradient": 1, "diagonal": 1, "hessian": 2}.get(atom[2], 0)
    return product(range(facts.counts[atom[3]]), repeat=rank) if rank else iter([()])


def _lengths_to_try(facts: _Facts, reading: Mapping[str, Any]) -> Sequence[int]:
    """Lengths n of a random vector: enough of them to decide an equality of rational functions."""
    terms = [term for terms in reading["entries"] for term in terms]
    over = {variable for term in terms for variable in random_variables(facts.plan["jets"][term[0]])}
    if not over:
        return (1,)
    (variable,) = over
    length, least = facts.lengths[variable], facts.counts[variable]
    points = max(len(term[3]) for term in terms) + facts.degree + 1
    return (length,) if isinstance(length, int) else range(least, least + points)


# --- what a reading gives, and what it should -------------------------------------------------------


def _read(
    facts: _Facts, reading: Mapping[str, Any], monomial: Mapping[Coordinate, int], entry: Index, n: int, work: list[int]
) -> Polynomial:
    entries = reading["entries"]
    terms = entries[0]
    _count(work)
    if len(entries) > 1:
        count = facts.counts[read_atom(reading["atom"])[3]]
        place = 0
        for coordinate in entry:
            place = place * count + coordinate
        terms, entry = entries[place], ()
    total: Polynomial = {}
    for jet, index, factor, times in terms:
        scale = rational(factor) * sum(value * n**power for power, value in enumerate(times))
        levels = facts.plan["jets"][jet]["levels"]
        for lanes in _assignments(facts, levels, monomial, entry):
            _count(work)
            value = _coefficient(facts, levels, lanes, monomial, tuple(entry for part in index for entry in part))
            total = add(total, multiply(constant(scale), _averaged(value, levels, n)))
    return total


def _count(work: list[int]) -> None:
    work[0] += 1
    if work[0] > MOST_WORK:
        raise Refused(f"checking takes more than {MOST_WORK} steps: split the operator")


def _assignments(
    facts: _Facts, levels: Sequence[Mapping[str, Any]], monomial: Mapping[Coordinate, int], entry: Index
) -> Iterator[tuple[int, ...]]:
    """A lane for each level: the one of the entry, or all that could give something; -1 where none is chosen."""
    choices: list[Sequence[int]] = []
    entries = iter(entry)
    for level in levels:
        lanes = level["lanes"]
        if lanes is None or lanes[1] in LAWS:
            choices.append((-1,))
        elif entry:
            choices.append((next(entries),))
        elif all(seed[2] == "lane" for seed in level["seeds"]):  # lanes where the monomial is constant give zero
            choices.append([number for name, number in monomial if name == lanes[0]])
        else:
            choices.append(range(facts.counts[lanes[0]]))
    return product(*choices)


def _coefficient(
    facts: _Facts,
    levels: Sequence[Mapping[str, Any]],
    lanes: tuple[int, ...],
    monomial: Mapping[Coordinate, int],
    index: Index,
) -> Polynomial:
    """The coefficient of a monomial along the seeds, at one index over all levels."""
    kept = set(product(*(range(entry + 1) for entry in index)))
    total: Series = {(0,) * len(index): constant(1)}
    moves = [(_seeds(facts, levels, lanes, coordinate, len(index)), power) for coordinate, power in monomial.items()]
    if not all(seeds for seeds, _ in moves):  # a coordinate that stays at the origin
        return {}
    for seeds, power in moves:
        for _ in range(power):
            total = truncated_product(total, seeds, kept)
    return total.get(index, {})


def _seeds(
    facts: _Facts, levels: Sequence[Mapping[str, Any]], lanes: tuple[int, ...], coordinate: Coordinate, width: int
) -> Series:
    """How one coordinate moves."""
    name, number = coordinate
    found: Series = {}
    start = 0
    for level, lane in zip(levels, lanes, strict=True):
        own = len(level["indices"][0])
        for variable, step, direction, scale, which in level["seeds"]:
            if variable != name:
                continue
            index = (0,) * start + tuple(step) + (0,) * (width - start - own)
            moved = multiply(constant(rational(scale)), _moved(facts, direction, which, number, lane, name))
            found[index] = add(found.get(index, {}), moved)
        start += own
    return {index: value for index, value in found.items() if value}


def _moved(facts: _Facts, direction: str, which: int, number: int, lane: int, name: str) -> Polynomial:
    """One entry of a direction: of a unit vector, of a lane's vector v, or of the matrix number `which` times v."""
    match direction:
        case "one":
            return constant(1)
        case "unit":
            return constant(int(number == which))
        case "lane":
            return symbol("v", number) if lane < 0 else constant(int(number == lane))
        case "image":
            if lane >= 0:
                return symbol(f"C{which}", number, lane)
            total: Polynomial = {}
            for other in range(facts.counts[name]):
                total = add(total, multiply(symbol(f"C{which}", number, other), symbol("v", other)))
            return total
        case _:
            raise Refused(f"there is no direction `{direction}`")


def _averaged(value: Polynomial, levels: Sequence[Mapping[str, Any]], n: int) -> Polynomial:
    """The mean over the random vector, if there is one."""
    laws = [level["lanes"][1] for level in levels if level["lanes"] is not None and level["lanes"][1] in LAWS]
    if not laws:
        return value
    total: Polynomial = {}
    for monomial, factor in value.items():
        entries = [i for name, i, _ in monomial if name == "v"]
        rest = tuple(item for item in monomial if item[0] != "v")
        total = add(total, {rest: factor * mean(laws[0], entries, n)})
    return total


def _demanded(atom: Atom, monomial: Mapping[Coordinate, int], entry: Index) -> Polynomial:
    """The derivative of a monomial at the origin that an atom (or one entry of it) is."""
    _, scalars, kind, variable, order = atom
    powers = dict(monomial)
    size = Fraction(1)
    for power in powers.values():
        size *= factorial(power)
    for name, wanted in scalars.items():
        if powers.pop((name, -1), 0) != wanted:
            return {}
    if any(name != variable for name, _ in powers):
        return {}
    along = [number for (_, number), power in sorted(powers.items()) for _ in range(power)]
    match kind:
        case "value":
            return constant(size) if not along else {}
        case "gradient" | "diagonal":
            return constant(size) if along == list(entry) * order else {}
        case "hessian":
            return constant(size) if along == sorted(entry) else {}
        case "power":
            return constant(size) if len(along) == order and len(set(along)) == 1 else {}
        case "laplacian":
            return constant(size * _arrangements(list(powers.values()), order))
        case "weighted":
            if len(along) != 2:
                return {}
            i, j = along
            both = symbol(f"C{order}", i, j) if i == j else add(symbol(f"C{order}", i, j), symbol(f"C{order}", j, i))
            return multiply(constant(size), both)
        case _:
            raise Refused(f"there is no kind `{kind}` of atom")


def _arrangements(powers: Sequence[int], order: int) -> int:
    """How often a product of even powers occurs in (x_1^2 + … + x_n^2)^order."""
    if any(power % 2 for power in powers) or sum(powers) != 2 * order:
        return 0
    count = factorial(order)
    for power in powers:
        count //= factorial(power // 2)
    return count


# --- words ------------------------------------------------------------------------------------------


def _wording(monomial: Mapping[Coordinate, int], found: Polynomial, expected: Polynomial) -> str:
    factors = [
        (name if number < 0 else f"{name}[{number}]") + (f"^{power}" if power > 1 else "")
        for (name, number), power in monomial.items()
    ]
    return f"on {' '.join(factors) or '1'} it gives {_polynomial(found)}, not {_polynomial(expected)}"


def _polynomial(value: Polynomial) -> str:
    terms = [
        " ".join([str(factor), *(f"{name}[{i},{j}]" for name, i, j in monomial)]) for monomial, factor in value.items()
    ]
    return " + ".join(terms) or "0"


def _show(atom: Atom) -> str:
    field, scalars, kind, variable, order = atom
    letters = "".join(name * count for name, count in scalars.items())
    inner = f"{field}_{letters}" if letters else field
    return inner if kind == "value" else f"{kind}({inner}, {variable}, {order})"
