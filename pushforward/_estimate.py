"""Operators estimated: a random key, fields and a point enter, an unbiased estimate leaves.

The plan and the audit say what is possible; the program of the lanes is made from the fields and run like any other;
what its results mean is in `semantics.estimators`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from . import _lanes, _wire
from ._program import Program
from .ad.operators.audit import degree, random_atoms
from .ad.operators.expression import variables_of
from .ad.operators.jets import Law, Scheme
from .lang.diagnostics import fail
from .lang.ir import ArrayType, as_array
from .semantics.estimators import intervals
from .semantics.estimators.draw import Vectors, by_variable, draw
from .semantics.estimators.intervals import Estimate

if TYPE_CHECKING:
    from ._operator import Operator

LAWS = tuple(law for law in get_args(Law) if law != "coordinates")
Read = Literal["mean", "one", "others"]


@dataclass(frozen=True, eq=False)
class Request:
    """An operator with all that an estimate of it needs: fields, a point, the number of lanes and their law."""

    operator: Operator
    fields: tuple[Any, ...]
    point: tuple[Any, ...]
    probes: int
    law: Any
    parameters: Mapping[str, Any]

    @cached_property
    def lengths(self) -> dict[str, int]:
        """The lengths of the vector variables; E217 where the point has other shapes than the operator declares."""
        self.operator.check_count("the point", len(self.point))
        found: dict[str, int] = {}
        known: dict[str, int] = {}
        for (name, length), value in zip(variables_of(self.operator.expanded), self.point, strict=True):
            shape = np.shape(value)
            own = known.setdefault(length, *shape) if isinstance(length, str) and len(shape) == 1 else length
            if shape != (() if length is None else (own,)):
                wanted = "a number" if length is None else f"[{length}]"
                hint = "an estimate is at one point: use jax.vmap for many"
                raise fail("E217", f"`{name}` has another shape", expected=wanted, actual=str(shape), hint=hint)
            if length is not None:
                found[name] = shape[0]
        return found

    @cached_property
    def scheme(self) -> Scheme:
        """The plan with random lanes; E221 where there is none."""
        sizes = {
            length: self.lengths[name]
            for name, length in variables_of(self.operator.expanded)
            if isinstance(length, str)
        }
        return self.operator.plan(sizes, samples=self.probes, law=self.law).scheme

    @cached_property
    def random(self) -> dict[str, int]:
        """The variables with random lanes, and their lengths."""
        names = {lanes.variable for jet in self.scheme.jets for lanes in jet.random}
        return {name: length for name, length in self.lengths.items() if name in names}

    @cached_property
    def degree(self) -> int:
        """How often estimates are multiplied; E227 where the mean of lanes would be biased beyond repair."""
        found = degree(self.operator.expanded)
        if found is None or found > 2:
            raise self.biased("its value is no polynomial of degree two or less in them")
        if found == 2 and self.law == "sampled" and len(set(self.random.values())) > 1:
            raise self.biased("products over variables of different lengths have no one correction")
        return found

    def biased(self, why: str) -> Exception:
        names = ", ".join(f"`{atom}`" for atom in random_atoms(self.operator.expanded))
        hint = f"take the derivatives exactly, {self.operator.name}(u)(…), or estimate the sum alone"
        return fail("E227", f"an estimate from lanes of {names} would be biased", actual=why, hint=hint)

    def remaining(self, count: int) -> float:
        """What is left of the variance of a mean of so many lanes."""
        if self.law != "sampled":
            return 1.0
        return max(intervals.remaining(count, length) for length in self.random.values())

    def run(self, key: Any, *reads: Read) -> list[Any]:
        """What is read of the lanes: a number for ``mean``, one number per lane for the others."""
        if all(isinstance(item, Program) for item in self.fields):
            return self._of_programs(key, reads)
        import jax

        from ._jit import derived

        values = self.operator.values(self.parameters)
        point = [jax.numpy.asarray(value) for value in self.point]
        dtypes = [str(value.dtype) for value in point]
        vectors = self._vectors(dtypes)
        joint = self.operator.together(self.fields)

        def together(values: Sequence[Any], drawn: Sequence[Any], *point: Any) -> tuple[Any, ...]:
            return joint(values, point)

        def derive(program: Program) -> Program:
            return Program(_lanes.program(self.operator, program.first(), self.scheme, tuple(self.random), reads))

        return list(derived(together, derive)(values, draw(key, vectors), *point))

    def _of_programs(self, key: Any, reads: Sequence[Read]) -> list[Any]:
        """The same for programs, which run on any back end."""
        count = len(self.point)
        types = [as_array(slot).dtype for slot in self.fields[0].first().inputs[-count:]]
        wide = {"f64": "float64", "f32": "float32"}
        vectors = self._vectors([wide.get(dtype, dtype) for dtype in types])
        extra = [_slot(item) for item in vectors]
        joint, captured = self.operator.joint(self.fields, self.parameters, extra)
        first = _lanes.at_lengths(joint, [np.shape(value) for value in self.point])
        found = _lanes.program(self.operator, first, self.scheme, tuple(self.random), tuple(reads))
        drawn = _drawn(key, vectors)
        results = replace(Program(found), captured=captured)(*drawn, *self.point)
        return list(results)

    def _vectors(self, dtypes: Sequence[str]) -> list[Vectors]:
        names = [name for name, _ in variables_of(self.operator.expanded)]
        return by_variable(self.random, self.law, self.probes, dict(zip(names, dtypes, strict=True)))


def _slot(vectors: Vectors) -> ArrayType:
    short = {"float64": "f64", "float32": "f32"}
    return ArrayType("i64" if vectors.law == "sampled" else short.get(vectors.dtype, vectors.dtype), vectors.shape)


def _drawn(key: Any, vectors: Sequence[Vectors]) -> list[Any]:
    """Lanes for programs, which may compute in 64 bits where JAX is set to 32."""
    if "jax" not in sys.modules:
        return draw(key, vectors)
    import jax

    wide = any(item.dtype == "float64" for item in vectors) and _wire.is_concrete(key)
    with jax.enable_x64(True) if wide else nullcontext():
        drawn = draw(key, vectors)
    return [np.asarray(array) if _wire.is_concrete(array) else array for array in drawn]


def request(operator: Operator, u: Any, point: Any, probes: int, law: Any, parameters: Mapping[str, Any]) -> Request:
    """What is asked for, after everything that can be said before any tracing has been said."""
    fields = u if isinstance(u, tuple) else (u,)
    operator.check_fields(fields, parameters)
    if law not in LAWS:
        expected = ", ".join(LAWS)
        raise fail("E229", f"there is no law {law!r}", expected=expected, hint="docs/estimates.md says which to choose")
    if isinstance(probes, bool) or not isinstance(probes, int | np.integer):
        hint = "the number of lanes is part of the program: give a Python integer"
        raise fail("E229", "`probes` is no whole number", actual=repr(probes), hint=hint)
    points = point if isinstance(point, tuple) else (point,)
    found = Request(
        operator,
        fields,
        tuple(np.asarray(value) if isinstance(value, int | float | list) else value for value in points),
        int(probes),
        law,
        parameters,
    )
    assert found.scheme and found.degree  # both say what is not possible
    if "jax" in sys.modules:
        intervals.register(sys.modules["jax"])
    return found


def estimate(found: Request, key: Any, confidence: float | None) -> Estimate:
    """The estimate; E226 when there are too few lanes for an error bar, E229 for a confidence out of (0, 1)."""
    if confidence is not None and not 0 < confidence < 1:
        hint = "0.95 by default; None leaves the error bar out"
        raise fail("E229", f"a confidence of {confidence}", expected="between 0 and 1, or None", hint=hint)
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
    """The unbiased square of the distance from what is wanted."""
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
