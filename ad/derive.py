"""Derivative programs people ask for, built from `forward` and `reverse`.

Enters: a first-order program and the positions of the inputs to differentiate in. Leaves: a normalised first-order
program. All of them simplify before and after differentiation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..lang.builder import Builder
from ..lang.collector import holding_collector
from ..lang.diagnostics import DiagnosticError, InternalError
from ..lang.differential.atoms import Atom
from ..lang.ir import ArrayType, Program, as_array
from ..lang.memo import memo
from ..lang.passes import normalise
from ..lang.sizes import Size
from .activity import is_float
from .cost import Cost, flops, ir_size
from .forward import forward
from .reverse import reverse, sweep_onto

if TYPE_CHECKING:
    import numpy as np

ROW = 3  # a row of a Jacobian by reverse mode takes as much work as so many columns by forward mode


def _flags(program: Program, wrt: Sequence[int]) -> tuple[bool, ...]:
    for k in wrt:
        if not is_float(program.inputs[k]):
            raise InternalError(f"input {k} of {program.name} is not a float")
    return tuple(k in wrt for k in range(len(program.inputs)))


def value_and_gradient(program: Program, wrt: tuple[int, ...], *, memory: int | None = None) -> Program:
    """``x -> (y, gradient)`` for a program whose first output is a float scalar; other outputs are auxiliary.

    Args:
        program: a first-order program.
        wrt: positions of float inputs; the gradient has one output per position, in order.
        memory: bytes that one loop may save (see `reverse`).
    """
    return _gradient(program, wrt, memory, with_value=True)


def gradient(program: Program, wrt: tuple[int, ...], *, memory: int | None = None) -> Program:
    """``x -> gradient`` of the first output, one result per position in `wrt`; see `value_and_gradient`."""
    return _gradient(program, wrt, memory, with_value=False)


@memo(maxsize=256)
@holding_collector
def _gradient(program: Program, wrt: tuple[int, ...], memory: int | None, with_value: bool) -> Program:
    program = normalise(program)
    b = Builder(program.name, program.inputs, program.sizes)

    def seed(position: int, type_: ArrayType) -> int:
        return b.full(1.0 if position == 0 else 0.0, type_)

    outputs, bars = sweep_onto(b, program, _flags(program, wrt), seed, memory)
    order = {k: position for position, k in enumerate(sorted(wrt))}
    values = outputs if with_value else []
    return normalise(b.build([*values, *(bars[order[k]] for k in wrt)]))


def select_outputs(program: Program, kept: Sequence[int]) -> Program:
    """The program with only some of its outputs, simplified."""
    b = Builder(program.name, program.inputs, program.sizes)
    slots = b.inline(program, range(len(program.inputs)))
    return normalise(b.build([slots[k] for k in kept]))


def hessian_vector(program: Program, wrt: tuple[int, ...]) -> Program:
    """``(x, v) -> H v``: forward mode over the gradient, one tangent per input in `wrt`."""
    grad = gradient(program, wrt)
    pushed = forward(grad, _flags(grad, wrt))
    return select_outputs(pushed, range(len(grad.outputs), len(pushed.outputs)))


def jacobian(program: Program, wrt: int, *, mode: str = "auto") -> Program:
    """``x -> J`` with shape ``y.shape + x.shape`` per float output.

    `mode` "forward" runs one tangent per element of the input, "reverse" one cotangent per element of the (single)
    output, and "auto" what takes less work; what only forward mode can differentiate goes forward.
    """
    program = normalise(program)
    x_type = program.inputs[wrt]
    assert isinstance(x_type, ArrayType)
    if mode == "auto" and _has_few_rows(program, x_type):
        try:
            return normalise(_by_rows(program, wrt, x_type))
        except DiagnosticError:
            return normalise(_by_columns(program, wrt, x_type))
    return normalise((_by_rows if mode == "reverse" else _by_columns)(program, wrt, x_type))


def _has_few_rows(program: Program, x_type: ArrayType) -> bool:
    """Whether rows by reverse mode take less work than columns by forward mode."""
    rows = [type_.elements for type_ in program.output_types if isinstance(type_, ArrayType) and type_.is_float]
    columns = x_type.elements
    single = len(rows) == len(program.outputs) == 1
    return single and isinstance(rows[0], int) and isinstance(columns, int) and ROW * rows[0] <= columns


Colours = tuple[int, "np.ndarray"]  # how many there are, and that of every element; -1 for none


def _unit(b: Builder, index: int, type_: ArrayType, colours: Colours | None = None) -> int:
    """The array that is one at flat position `index`, or at every element of colour `index`, and zero elsewhere."""
    flat = type_.elements
    own = b.apply("iota", size=flat) if colours is None else b.constant(colours[1], "i64", colours[1].shape)
    hit = b.apply("eq", own, index)
    one = b.apply("convert", hit, dtype=type_.dtype)
    return b.apply("reshape", one, shape=type_.shape)


def columns_onto(b: Builder, program: Program, wrt: int, colours: Colours | None = None) -> tuple[int, ...]:
    """Onto a builder with the inputs of a program, tangents of its float outputs by forward mode: stacked, one per
    element of input `wrt`, or per colour of elements."""
    x_type = as_array(program.inputs[wrt])
    pushed = forward(program, _flags(program, (wrt,)))
    count = len(program.inputs)
    body = Builder(program.name, [*program.inputs, ArrayType("i64")])
    x_dot = _unit(body, count, x_type, colours)
    outputs = body.inline(pushed, [*range(count), x_dot])
    columns = body.build(outputs[len(program.outputs) :])
    size: Size = x_type.elements if colours is None else colours[0]
    return b.each(size, range(count), [], columns, ["stack"] * len(columns.outputs))


def rows_onto(b: Builder, program: Program, wrt: int, colours: Colours | None = None) -> int:
    """The same by reverse mode: cotangents of input `wrt`, one per element, or colour, of the one output."""
    both = reverse(program, _flags(program, (wrt,)))
    y_type = as_array(program.output_types[0])
    count = len(program.inputs)
    body = Builder(program.name, [*program.inputs, ArrayType("i64")])
    y_bar = _unit(body, count, y_type, colours)
    outputs = body.inline(both, [*range(count), y_bar])
    rows = body.build(outputs[1:])
    size: Size = y_type.elements if colours is None else colours[0]
    return b.each(size, range(count), [], rows, ["stack"])[0]


def _by_columns(program: Program, wrt: int, x_type: ArrayType) -> Program:
    b = Builder(program.name, program.inputs, program.sizes)
    return b.build([_columns_last(b, slot, x_type) for slot in columns_onto(b, program, wrt)])


def _columns_last(b: Builder, slot: int, x_type: ArrayType) -> int:
    type_ = b.array_type(slot)
    rank = type_.rank
    moved = b.apply("transpose", slot, axes=(*range(1, rank), 0))
    return b.apply("reshape", moved, shape=(*type_.shape[1:], *x_type.shape))


def _by_rows(program: Program, wrt: int, x_type: ArrayType) -> Program:
    b = Builder(program.name, program.inputs, program.sizes)
    stack = rows_onto(b, program, wrt)
    shape = as_array(program.output_types[0]).shape
    return b.build([b.apply("reshape", stack, shape=(*shape, *x_type.shape))])


def hessian(program: Program, wrt: int) -> Program:
    """``x -> H`` of shape ``x.shape + x.shape``: columns of the gradient by forward mode."""
    return jacobian(gradient(program, (wrt,)), wrt)


def laplacian(program: Program, wrt: int) -> Program:
    """``x -> trace of the Hessian`` of the first output, by the cheapest plan for the operator.

    Memory grows with the elements of x: all second derivatives are carried along together.
    """
    from .operators.execute import partials

    type_ = as_array(program.inputs[wrt])
    vector = type_.with_shape((type_.elements,))
    b = Builder(program.name, [*program.inputs[:wrt], vector, *program.inputs[wrt + 1 :]], program.sizes)
    point = list(range(len(program.inputs)))
    point[wrt] = b.apply("reshape", wrt, shape=type_.shape)
    flat = b.build(b.inline(normalise(program), point)[:1])
    sums = partials(flat, ("x",), _flags(flat, (wrt,)), (Atom("u", (), "laplacian", "x", 1).text,))
    b = Builder(program.name, program.inputs, program.sizes)
    point[wrt] = b.apply("reshape", wrt, shape=vector.shape)
    return normalise(b.build(b.inline(sums, point)))


def cost(program: Program, wrt: tuple[int, ...]) -> Cost:
    """Flops and IR sizes of the value and of value and gradient; all sizes must be known."""
    value = normalise(program)
    both = value_and_gradient(program, wrt)
    return Cost(flops(value), flops(both), ir_size(value), ir_size(both))
