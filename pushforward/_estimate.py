"""Operators estimated: a request and a random key enter, an unbiased estimate leaves.

The program of the lanes is run like any other; what its results mean is in `semantics.estimators`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil, inf, log2
from typing import Any

import numpy as np

from . import _wire
from ._program import Program
from ._request import AUTO, LAWS, Request
from .lang.diagnostics import DiagnosticError, fail
from .semantics.estimators import intervals
from .semantics.estimators.draw import halves
from .semantics.estimators.intervals import Estimate


def estimate(found: Request, key: Any, confidence: float | None) -> Estimate:
    """The estimate; E226 when there are too few lanes for an error bar, E229 for a confidence out of (0, 1)."""
    if confidence is not None and not 0 < confidence < 1:
        hint = "0.95 by default; None leaves the error bar out"
        raise fail("E229", f"a confidence of {confidence}", expected="between 0 and 1, or None", hint=hint)
    _ = found.scheme  # says first what has no plan
    count, left = found.probes, found.remaining(found.probes)
    need(found, found.degree + 1 if confidence is not None else found.degree, "an error bar")
    if found.degree == 1:
        if confidence is None:
            return Estimate(*found.run(key, "mean"))
        (samples,) = found.run(key, "one")
        return _plain(intervals.with_error(samples, samples.mean(), confidence, left))
    if confidence is None:
        at_mean, samples = found.run(key, "mean", "one")
        return _plain(Estimate(intervals.quadratic(at_mean, samples.mean(), count, left)))
    at_mean, samples, others = found.run(key, "mean", "one", "others")
    pseudo = intervals.pseudo_values(at_mean, samples, others, left, found.remaining(count - 1))
    return _plain(intervals.with_error(pseudo, pseudo.mean(), confidence, left))


def _plain(found: Estimate) -> Estimate:
    """Numbers of NumPy as those of Python, which calls of programs give too."""
    return Estimate(_number(found.value), _number(found.error), found.samples)


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, np.floating) else value


def squared(found: Request, key: Any, wanted: Any = 0.0) -> Any:
    """The unbiased square of the distance from what is wanted; E226 and E227."""
    _ = found.scheme  # says first what has no plan
    if found.degree > 1:
        raise found.biased("the square of a product of estimates")
    need(found, 2, "an unbiased square")
    (samples,) = found.run(key, "one")
    return _number(intervals.squared(samples - wanted, found.remaining(found.probes)))


def need(found: Request, lanes: int, what: str) -> None:
    """E226 when there are fewer lanes than that."""
    if found.probes < lanes:
        if found.degree == 2 and lanes == 2:
            what = "a product of estimates"
        few = f"{found.probes} lane" + ("s" if found.probes > 1 else "")
        hint = f"give probes={lanes} or more" + (
            ", or confidence=None for the value alone" if lanes > found.degree else ""
        )
        raise fail("E226", f"{what} from {few}", expected=f"at least {lanes} lanes", hint=hint)


PILOT = 8  # lanes of each law


# --- which law -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pilot:
    """What a few lanes of each law say: the variance of an estimate and its operations, by law; others do not fit."""

    law: str
    lanes: int
    variances: Mapping[str, float]
    flops: Mapping[str, int]
    why_not: Mapping[str, str] = field(default_factory=dict[str, str])

    def __str__(self) -> str:
        """A line per law."""
        lines = [f"{self.law}: the least variance per operation, by {self.lanes} lanes of each law"]
        for law, variance in self.variances.items():
            lines.append(f"  {law}: variance {variance:.3g}, {self.flops[law]} operations")
        return "\n".join([*lines, *(f"  {law}: {why}" for law, why in self.why_not.items())])


def settled(found: Request, key: Any) -> tuple[Request, Any]:
    """The request with the law that a pilot finds where it says ``auto``, and a key that the pilot has not used."""
    if found.law != AUTO:
        return found, key
    first, key = halves(key)
    return replace(found, law=pilot(found, first, PILOT).law), key


def pilot(found: Request, key: Any, lanes: int) -> Pilot:
    """The law whose estimate has the least variance for its operations, as far as some lanes of each say."""
    concrete(found, key, "a pilot")
    variances: dict[str, float] = {}
    flops: dict[str, int] = {}
    why_not: dict[str, str] = {}
    for law in LAWS:
        key, own = halves(key)
        try:
            trial = replace(found, law=law, probes=least(found, lanes) if law == "sampled" else lanes)
            need(trial, trial.degree + 1, "a pilot")
            result = estimate(trial, own, 0.95)
            final = replace(found, law=law)
            flops[law] = _flops(final, key)
        except DiagnosticError as error:
            if error.diagnostics[0].code not in ("E221", "E226"):
                raise
            why_not[law] = error.diagnostics[0].actual or error.diagnostics[0].message
            continue
        variances[law] = float(np.var(result.samples, ddof=1)) / found.probes * final.remaining(found.probes)
    if not variances:
        hint = "op.plan(samples=…, law=…) says why a law does not fit"
        raise fail("E221", "no law fits this operator", actual="; ".join(why_not.values()), hint=hint)
    best = min(variances, key=lambda law: (variances[law] * flops[law], flops[law]))
    return Pilot(best, lanes, variances, flops, why_not)


def least(found: Request, lanes: int) -> int:
    """As many lanes as the shortest vector has coordinates, or fewer."""
    return min([lanes, *found.lengths.values()])


def _flops(found: Request, key: Any) -> int:
    """Operations of the estimate."""
    program, arguments = found.program(("one",)), found.arguments(key)
    ir = program.ir if isinstance(program, Program) else program.program(*arguments).ir
    return _wire.flops(ir, {})


def concrete(found: Request, key: Any, what: str) -> None:
    """E229 where arrays have no values yet."""
    values = [key, *found.point, *found.parameters.values()]
    if not all(_wire.is_concrete(value) for value in values if hasattr(value, "dtype")):
        hint = "choose outside of jax.jit and jax.vmap, and give what was found"
        raise fail("E229", f"{what} decides by values, which a trace of JAX does not have", hint=hint)


# --- how many lanes --------------------------------------------------------------------------------------------------


def estimate_to(found: Request, key: Any, tolerance: float, confidence: float, most: int) -> Estimate:
    """An estimate whose error is at most the tolerance.

    Each round draws anew, with at least twice as many lanes as the one before (as many as its spread asks for), so that
    the value does not depend on why the rounds before were not enough. E230 when `most` lanes are not.
    """
    concrete(found, key, "a number of lanes")
    if not tolerance > 0:
        raise fail("E229", f"a tolerance of {tolerance}", expected="a positive number", hint="it is absolute")
    limit = min(most, *found.random.values()) if found.law == "sampled" else most
    longest = max(found.random.values()) if found.law == "sampled" else inf
    found = replace(found, probes=min(found.probes, limit))
    while True:
        key, own = halves(key)
        result = estimate(found, own, confidence)
        if float(result.error) <= tolerance:
            return result
        if found.probes >= limit:
            break
        # The squared error is `one / B`, or `one (1 / B - 1 / n)` where coordinates are drawn.
        one = float(result.error) ** 2 * found.probes / found.remaining(found.probes)
        wanted = one / (tolerance**2 + one / longest)
        doubled = 2 ** ceil(log2(max(2 * found.probes, min(wanted, limit))))
        found = replace(found, probes=min(doubled, limit))
    hint = f"give most={2 * most} or more, another law (op.pilot compares them), or a larger tolerance"
    raise fail(
        "E230",
        f"{found.probes} lanes leave an error of {float(result.error):.3g}",
        expected=f"at most {tolerance}",
        actual=f"{float(result.value):.6g} ± {float(result.error):.3g}",
        hint=hint,
    )
