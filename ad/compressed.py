"""Jacobians by fewer directions: a program and the pattern of its Jacobian enter, a program for the same Jacobian
leaves.

Directions that share no row (or column) are run together; what each gives is then read where the pattern has its
entries. Elsewhere the Jacobian is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..lang.builder import Builder
from ..lang.diagnostics import DiagnosticError
from ..lang.ir import ArrayType, Program, as_array
from ..lang.passes import normalise
from .colouring import Pattern, at_least, colour_columns
from .derive import ROW, columns_onto, jacobian, rows_onto

GAIN = 2  # compression must save at least this factor of the work


@dataclass(frozen=True, eq=False)
class Choice:
    """How a Jacobian is computed, and why: `columns` and `rows` are colours needed (or a bound they cannot be below,
    where that rules compression out; None where there is no such mode), `dense` the work without compression, counted
    in columns by forward mode."""

    pattern: Pattern
    mode: Literal["forward", "reverse", "dense"]
    colours: np.ndarray | None
    columns: int
    rows: int | None
    dense: int

    @property
    def work(self) -> int:
        """Columns by forward mode that the chosen way is worth."""
        if self.mode == "dense":
            return self.dense
        return self.columns if self.mode == "forward" else ROW * (self.rows or 0)


    def __str__(self) -> str:
        rows, columns = self.pattern.shape
        share = 100.0 * self.pattern.nnz / max(1, rows * columns)
        least = "at least " if self.colours is None else ""
        by_rows = "" if self.rows is None else f", {self.rows} of rows (a row is as much work as {ROW} columns)"
        chosen = f"{self.mode} mode, as much work as {_columns(self.work)} in place of {self.dense}"
        if self.mode == "dense":
            chosen = f"dense, since compression would not save a factor of {GAIN} of its {_columns(self.dense)} of work"
        return (
            f"  pattern: {rows} x {columns}, {self.pattern.nnz} entries ({share:.3g} %)\n"
            f"  colours: {least}{self.columns} of columns{by_rows}\n"
            f"  chosen: {chosen}"
        )


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def choose(pattern: Pattern, has_rows: bool) -> Choice:
    """The cheaper of forward mode by colours of columns and reverse mode by colours of rows, a row counting as `ROW`
    columns; the dense way unless that saves a factor of `GAIN`.

    `has_rows` says that reverse mode applies: one float result, and no loop without a bound.
    """
    rows, columns = pattern.shape
    dense = min(columns, ROW * rows) if has_rows else columns
    forward, forward_colours = _colours(pattern, dense)
    reverse, reverse_colours = _colours(pattern.T.tocsr(), dense // ROW) if has_rows else (None, None)
    work = {"forward": forward, "reverse": dense if reverse is None else ROW * reverse}
    mode = "forward" if work["forward"] <= work["reverse"] else "reverse"
    if GAIN * work[mode] > dense:
        return Choice(pattern, "dense", None, forward, reverse, dense)
    colours = forward_colours if mode == "forward" else reverse_colours
    return Choice(pattern, mode, colours, forward, reverse, dense)


def _colours(pattern: Pattern, dense: int) -> tuple[int, np.ndarray | None]:
    """How many colours, and which; only the bound where that is already too many."""
    least = at_least(pattern)
    if GAIN * least > dense:
        return least, None
    colours = colour_columns(pattern)
    return int(colours.max(initial=-1)) + 1, colours


def compressed(program: Program, wrt: int, choice: Choice) -> Program:
    """``x -> J`` as `jacobian` gives it, by the directions of a choice."""
    if choice.colours is None:
        return jacobian(program, wrt)
    program = normalise(program)
    b = Builder(program.name, program.inputs, program.sizes)
    count = int(choice.colours.max(initial=-1)) + 1
    floats = [type_ for type_ in map(as_array, program.output_types) if type_.is_float]
    if choice.mode == "forward":
        stacks: Sequence[int] = columns_onto(b, program, wrt, (count, choice.colours)) if count else ()
    else:
        stacks = (rows_onto(b, program, wrt, (count, choice.colours)),)
    first, results = 0, []
    for k, type_ in enumerate(floats):
        size = int(np.prod(np.array(type_.shape, np.int64)))
        part = choice.pattern[first : first + size].tocoo()
        colours = choice.colours[part.col if choice.mode == "forward" else part.row]
        length = size if choice.mode == "forward" else choice.pattern.shape[1]
        read = colours * length + (part.row if choice.mode == "forward" else part.col)
        entries = None if not part.nnz else _entries(b, stacks[k], count * length, read)
        results.append(_placed(b, entries, part, type_, as_array(program.inputs[wrt])))
        first += size
    return normalise(b.build(results))


def _entries(b: Builder, stack: int, size: int, read: np.ndarray) -> int:
    """The entries of the pattern from what the directions gave."""
    flat = b.apply("reshape", stack, shape=(size,))
    return b.apply("gather", flat, b.constant(read, "i64", (len(read),)), proved=True)


def _placed(b: Builder, entries: int | None, part: Pattern, y_type: ArrayType, x_type: ArrayType) -> int:
    """A block of the Jacobian, zero where the pattern has no entry."""
    rows, columns = part.shape
    flat = b.zeros(ArrayType(y_type.dtype, (rows * columns,)))
    if entries is not None:
        places = part.row.astype(np.int64) * columns + part.col
        flat = b.apply("scatter", flat, entries, b.constant(places, "i64", (len(places),)), proved=True)
    return b.apply("reshape", flat, shape=(*y_type.shape, *x_type.shape))


def can_reverse(program: Program, wrt: int) -> bool:
    """Whether rows by reverse mode are possible: one result, a float, and nothing that only goes forward."""
    if len(program.outputs) != 1 or not as_array(program.output_types[0]).is_float:
        return False
    try:
        b = Builder(program.name, program.inputs, program.sizes)
        rows_onto(b, normalise(program), wrt)
    except DiagnosticError:
        return False
    return True
