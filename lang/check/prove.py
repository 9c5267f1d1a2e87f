"""Proving inequalities between sizes: a polynomial and known facts enter, holds / fails / open leaves.

Size variables are non-negative integers, loop indices lie in ``[0, bound - 1]``. Most conditions are decided by signs
of coefficients; only a non-linear one that resists is given to z3, for at most 200 ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import gcd
from typing import Any

from ..sizes import Poly, Size, add, mul, sub, substitute, variables

Model = dict[str, int]
LIMIT_MS = 200


def non_negative(size: Size) -> bool:
    """Whether every coefficient is non-negative, so that the size is, for all values of its variables."""
    if isinstance(size, int):
        return size >= 0
    return all(count >= 0 for _, count in size.terms)


def lowest(size: Size, bounds: Mapping[str, Size]) -> Size | None:
    """A lower bound free of loop indices: each index goes to the end of its range that makes the value smallest."""
    for name in sorted(variables(size) & bounds.keys()):
        factor = _coefficient(size, name)
        if factor is None:
            return None
        if non_negative(factor):
            size = substitute(size, {name: 0})
        elif non_negative(mul(-1, factor)):
            size = substitute(size, {name: sub(bounds[name], 1)})
        else:
            return None
    return size


def _coefficient(size: Size, name: str) -> Size | None:
    """The factor of a variable that occurs linearly, None for higher powers."""
    if isinstance(size, int):
        return 0
    total: Size = 0
    for monomial, count in size.terms:
        powers = dict(monomial)
        if powers.get(name, 0) > 1:
            return None
        if name in powers:
            del powers[name]
            rest = tuple(sorted(powers.items()))
            total = add(total, Poly(((rest, count),)) if rest else count)
    return total


def proved(size: Size, facts: tuple[Size, ...], bounds: Mapping[str, Size]) -> bool:
    """Whether ``size >= 0`` follows from signs and at most two of the facts (sizes known to be non-negative)."""

    def direct(candidate: Size) -> bool:
        low = lowest(candidate, bounds)
        return low is not None and non_negative(low)

    if direct(size):
        return True
    recent = facts[-8:]
    once = [sub(size, fact) for fact in recent]
    if any(direct(candidate) for candidate in once):
        return True
    return any(direct(sub(candidate, fact)) for candidate in once for fact in recent)


def decide(size: Size, facts: tuple[Size, ...] = ()) -> tuple[str, Model]:
    """Whether ``size >= 0`` ``holds`` always, ``fails`` always (with a counter-model), or is ``open``."""
    if proved(size, facts, {}):
        return "holds", {}
    if isinstance(size, int):
        return "fails", {}
    if all(sum(power for _, power in monomial) <= 1 for monomial, _ in size.terms):
        possible = any(count > 0 for _, count in size.terms)
        return ("open", {}) if possible else ("fails", dict.fromkeys(sorted(variables(size)), 0))
    if all(count <= 0 for _, count in size.terms) and any(not monomial for monomial, _ in size.terms):
        return "fails", dict.fromkeys(sorted(variables(size)), 0)
    return _ask_z3(size, facts, equal=False)


def decide_zero(size: Size, facts: tuple[Size, ...] = ()) -> tuple[str, Model]:
    """Whether ``size = 0`` ``holds`` always, ``fails`` always (with a counter-model), or is ``open``."""
    if isinstance(size, int):
        return ("holds" if size == 0 else "fails"), {}
    constant = dict(size.terms).get((), 0)
    counts = [count for monomial, count in size.terms if monomial]
    example = dict.fromkeys(sorted(variables(size)), 1)
    if constant % gcd(*counts):
        return "fails", example
    if constant and (all(c * constant > 0 for c in counts)):
        return "fails", example
    if all(sum(power for _, power in monomial) <= 1 for monomial, _ in size.terms):
        return "open", {}
    return _ask_z3(size, facts, equal=True)


@lru_cache(maxsize=1024)
def _ask_z3(size: Poly, facts: tuple[Size, ...], equal: bool) -> tuple[str, Model]:
    import z3

    names = sorted(set(variables(size)).union(*(variables(fact) for fact in facts)))
    symbols = {name: z3.Int(name) for name in names}
    known = [symbol >= 0 for symbol in symbols.values()] + [_z3(fact, symbols) >= 0 for fact in facts]
    value = _z3(size, symbols)
    goal = value == 0 if equal else value >= 0

    def search(claim: Any) -> Any:
        solver = z3.Solver()
        solver.set("timeout", LIMIT_MS)
        solver.add(*known, claim)
        answer = solver.check()
        if answer == z3.unsat:
            return None
        return solver.model() if answer == z3.sat else "unknown"

    against = search(z3.Not(goal))
    if against is None:
        return "holds", {}
    if search(goal) is not None:
        return "open", {}
    if isinstance(against, str):
        return "fails", {}
    used = sorted(variables(size))
    return "fails", {name: against.eval(symbols[name], model_completion=True).as_long() for name in used}


def _z3(size: Size, symbols: Mapping[str, Any]) -> Any:
    import z3

    if isinstance(size, int):
        return z3.IntVal(size)
    total: Any = z3.IntVal(0)
    for monomial, count in size.terms:
        term: Any = z3.IntVal(count)
        for name, power in monomial:
            for _ in range(power):
                term = term * symbols[name]
        total = total + term
    return total
