"""A primitive on whole arrays where it is applied, and what its writers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...lang.ir import Apply, ArrayType
from . import scalars
from .code import Code, Number
from .memory import Indices, Stored, Target, Value, allocate, lengths, put, stored, variable
from .writing import Application


@dataclass(frozen=True)
class Site:
    """A primitive where it is applied; `goal` is where its result should go, if that is known."""

    code: Code
    op: Apply
    operands: tuple[ArrayType, ...]
    result: ArrayType
    goal: Target | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return lengths(self.result)

    def memory(self, value: Value, number: int) -> Stored:
        """An operand in memory."""
        return stored(self.code, value, self.operands[number])

    def target(self) -> Target:
        """Where the result goes: to the goal, when that is not a sum, or to new memory."""
        if self.goal is not None and not self.goal.adds:
            return self.goal
        return Target(allocate(self.code, self.result))

    def scalar(self, primitive: str, dtype: str, *xs: Number) -> Number:
        """An elementwise primitive at numbers."""
        return scalars.TABLE[primitive](self.code, Application(Apply(primitive), dtype, dtype), *xs)


WriteArray = Callable[..., Value]  # (site, *operands)
Combine = Callable[[Site, Code, Number, Number], Number]


def combined(site: Site, code: Code, primitive: str, dtype: str, *xs: Number) -> Number:
    """An elementwise primitive at numbers, somewhere inside what a site writes."""
    return replace(site, code=code).scalar(primitive, dtype, *xs)


def elementwise_result(site: Site, at: Callable[[Code, Indices], Number]) -> Value:
    """A result whose elements each take a loop: computed once."""
    if not site.result.shape:
        return at(site.code, ())
    goal = site.goal
    target = goal if goal is not None else Target(allocate(site.code, site.result))
    site.code.loops(site.shape, lambda indices: put(site.code, target, indices, at(site.code, indices)))
    return target.place


def accumulate(
    code: Code,
    dtype: str,
    start: float | int | bool,
    shape: Sequence[int],
    step: Callable[[Number, Indices], Number],
) -> Number:
    """A number that a loop nest changes step by step."""
    total = variable(code, dtype, start)
    code.loops(shape, lambda at: total.set(step(total.get(), at)))
    return total.get()


def by(primitive: str) -> Combine:
    """Two numbers combined by an elementwise primitive."""
    return lambda site, code, old, new: combined(site, code, primitive, site.result.dtype, old, new)


def added(site: Site, code: Code, old: Number, new: Number) -> Number:
    return code.add(old, new)
