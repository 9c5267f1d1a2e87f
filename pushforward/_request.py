"""What is asked for: an operator, fields, a point and a number of lanes enter, the program that runs them leaves.

The plan and the audit say what is possible, before anything is traced.
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
from .lang.constants import numpy_dtype
from .lang.diagnostics import fail
from .lang.ir import ArrayType, as_array
from .semantics.estimators import intervals
from .semantics.estimators.draw import Vectors, by_variable, draw

if TYPE_CHECKING:
    from ._operator import Operator

LAWS = tuple(law for law in get_args(Law) if law != "coordinates")
AUTO = "auto"
Read = Literal["mean", "one", "others"]


@dataclass(frozen=True, eq=False)
class Request:
    """An operator with all that an estimate of it needs: fields, a point, the number of lanes and their law.

    What is not possible is said by its properties, the plan and the audit, before anything is traced.
    """

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
        program, arguments = self.program(reads), self.arguments(key)
        return list(program(*arguments))

    @property
    def are_programs(self) -> bool:
        return all(isinstance(item, Program) for item in self.fields)

    def program(self, reads: Sequence[Read]) -> Any:
        """The program of the lanes, or the function of JAX that runs it; see `_lanes.program`."""
        names = tuple(self.random)
        if self.are_programs:
            joint, captured = self.operator.joint(self.fields, self.parameters, [_slot(item) for item in self.vectors])
            first = _lanes.at_lengths(joint, [np.shape(value) for value in self.point])
            return replace(
                Program(_lanes.program(self.operator, first, self.scheme, names, tuple(reads))), captured=captured
            )
        from ._jit import derived

        joint = self.operator.together(self.fields)

        def together(values: Sequence[Any], drawn: Sequence[Any], *point: Any) -> tuple[Any, ...]:
            return joint(values, point)

        def derive(program: Program) -> Program:
            return Program(_lanes.program(self.operator, program.first(), self.scheme, names, tuple(reads)))

        return derived(together, derive)

    def arguments(self, key: Any) -> list[Any]:
        """What that takes: for functions of JAX the parameters first, then the lanes, then the point."""
        if self.are_programs:
            return [*_drawn(key, self.vectors), *self.point]
        import jax

        values, drawn = self.operator.values(self.parameters), draw(key, self.vectors)
        return [list(map(jax.numpy.asarray, values)), list(map(jax.numpy.asarray, drawn)), *self.point]

    @cached_property
    def vectors(self) -> list[Vectors]:
        """What is to be drawn, a batch of lanes per random variable, in the numbers of the point."""
        if self.are_programs:
            slots = self.fields[0].first().inputs[-len(self.point) :]
            dtypes = [str(numpy_dtype(as_array(slot).dtype)) for slot in slots]
        else:
            dtypes = [str(value.dtype) for value in self.point]
        names = [name for name, _ in variables_of(self.operator.expanded)]
        return by_variable(self.random, self.law, self.probes, dict(zip(names, dtypes, strict=True)))


def _slot(vectors: Vectors) -> ArrayType:
    short = {"float64": "f64", "float32": "f32", "float16": "f16"}
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
    """What is asked for; E217, E218 and E229 for what does not fit together."""
    fields = u if isinstance(u, tuple) else (u,)
    operator.check_fields(fields, parameters)
    if law not in (*LAWS, AUTO):
        expected = ", ".join((*LAWS, AUTO))
        raise fail("E229", f"there is no law {law!r}", expected=expected, hint="docs/estimates.md says which to choose")
    if isinstance(probes, bool) or not isinstance(probes, int | np.integer):
        hint = "the number of lanes is part of the program: give a Python integer"
        raise fail("E229", "`probes` is no whole number", actual=repr(probes), hint=hint)
    points = point if isinstance(point, tuple) else (point,)
    if all(isinstance(item, Program) for item in fields):
        points = tuple(np.asarray(value) if isinstance(value, int | float | list) else value for value in points)
    else:
        import jax

        points = tuple(map(jax.numpy.asarray, points))
    if "jax" in sys.modules:
        intervals.register(sys.modules["jax"])
    return Request(operator, fields, points, int(probes), law, parameters)
