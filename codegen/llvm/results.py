"""Results of loops: stacked round by round, or added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...lang.ir import ArrayType
from .code import Code, Number
from .memory import (
    Array,
    Computed,
    Stored,
    Target,
    Value,
    Variable,
    allocate,
    fill,
    read,
    stored,
    target_row,
    variable,
)


class Sum:
    """A result that rounds add to: a variable for a number, memory for an array."""

    def __init__(self, code: Code, type_: ArrayType, goal: Target | None, folded: int = 0, *, number: int = 0) -> None:
        self.code, self.type = code, type_
        self.variable: Variable | None = None
        if not type_.shape:
            self.variable = variable(code, type_.dtype, 0)
            return
        if goal is not None and goal.adds:
            self.target = goal
            return
        place = allocate(code, type_, "sum", number) if goal is None else goal.place
        fill(code, place, 0)
        self.target = Target(place, adds=True, folded=folded)

    def goal(self, fresh: Number | None = None) -> Target | None:
        """Where the rounds put their share."""
        if self.variable is not None:
            return None
        return self.target if fresh is None else replace(self.target, fresh=fresh)

    def add(self, code: Code, value: Number, fresh: Number | None = None) -> None:
        """A number's share."""
        if self.variable is None:
            return
        if fresh is not None:
            value = code.select(fresh, value, code.literal(0, value.type))
        self.variable.set(code.gathered(self.variable.get(), value))

    @property
    def result(self) -> Value:
        return self.target.place if self.variable is None else self.variable.get()


def sums_of(
    code: Code, combine: Sequence[str], types: Sequence[ArrayType], goals: Sequence[Target | None]
) -> list[Sum | None]:
    """What collects the results that are added up."""
    return [
        Sum(code, type_, goal, number=number) if how == "sum" else None
        for number, (how, type_, goal) in enumerate(zip(combine, types, goals, strict=True))
    ]


def stacks_of(
    code: Code, combine: Sequence[str], types: Sequence[ArrayType], goals: Sequence[Target | None]
) -> list[Target | None]:
    """Where stacked results go; one that is to be added up further needs memory first."""
    return [
        None if how != "stack" else goal if goal is not None else Target(allocate(code, type_, "rows", number))
        for number, (how, type_, goal) in enumerate(zip(combine, types, goals, strict=True))
    ]


def round_targets(
    code: Code,
    stacks: Sequence[Target | None],
    sums: Sequence[Sum | None],
    index: Number,
    *,
    side_by_side: bool = False,
    fresh: Number | None = None,
) -> list[Target | None]:
    """Where one round puts each of its results; None for numbers that are added up in a variable."""
    found: list[Target | None] = []
    for stack, total in zip(stacks, sums, strict=True):
        if stack is not None:
            one = target_row(code, stack, index, side_by_side=side_by_side)
            found.append(replace(one, fresh=fresh) if one.adds and fresh is not None else one)
        else:
            assert total is not None
            found.append(total.goal(fresh))
    return found


def share(code: Code, sums: Sequence[Sum | None], values: Sequence[Value], fresh: Number | None = None) -> None:
    """Numbers that one round adds to sums."""
    for total, value in zip(sums, values, strict=True):
        if total is not None and total.variable is not None:
            total.add(code, read(code, value), fresh)


def settled(code: Code, values: Sequence[Value]) -> list[Value]:
    """Operands of a loop in memory, but for those that cost nothing to read."""
    return [stored(code, x, x.type) if isinstance(x, Computed) and not x.free else x for x in values]


def rows_of(code: Code, values: Sequence[Value], *, once: bool = False) -> list[Array]:
    """Operands that a loop reads row by row, likewise; with `once`, rows that are numbers are computed in the loop."""
    found: list[Array] = []
    for x in values:
        assert isinstance(x, (Stored, Computed)), "a number has no rows"
        lazy = isinstance(x, Computed) and (x.free or (once and len(x.type.shape) == 1))
        found.append(x if lazy else stored(code, x, x.type))
    return found


def results_of(stacks: Sequence[Target | None], sums: Sequence[Sum | None]) -> list[Value]:
    """What a loop leaves."""
    found: list[Value] = []
    for stack, total in zip(stacks, sums, strict=True):
        if stack is not None:
            found.append(stack.place)
        elif total is not None:
            found.append(total.result)
    return found
