"""Terms in let normal form back to a first-order program.

Maps and scans become `Each` and `Fold` steps whose captures are the free variables of their bodies; scanl stacks the
states of a fold behind its initial value, scanr is a fold in the other direction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...lang.builder import Builder
from ...lang.diagnostics import InternalError
from ...lang.ir import ArrayType, Program
from ...lang.sizes import Size, sub
from .terms import (
    End,
    Let,
    Literal,
    Map,
    One,
    Prim,
    Reduce,
    ScanL,
    ScanR,
    Shift,
    Term,
    Tuple,
    Var,
    Zero,
    children,
    type_of,
)

Slots = Mapping[str, int]


def emit_outputs(b: Builder, term: Term, slots: Slots) -> list[int]:
    """The slots of a tuple of results behind lets."""
    known = dict(slots)
    while isinstance(term, Let):
        known[term.var.name] = emit(b, term.value, known)
        term = term.body
    items = term.items if isinstance(term, Tuple) else (term,)
    return [emit(b, item, known) for item in items]


def emit(b: Builder, term: Term, slots: Slots) -> int:
    """The slot of a term over variables whose slots are known."""
    match term:
        case Var(name):
            return slots[name]
        case Zero(type_):
            return b.zeros(type_)
        case One(type_):
            return b.full(1.0, type_)
        case Literal(op, type_):
            return b.emit(op, (), (type_,))[0]
        case Prim(op, args):
            return b.apply(op.primitive, *(emit(b, arg, slots) for arg in args), **dict(op.params))
        case Let():
            return emit_outputs(b, term, slots)[0]
        case Reduce(array):
            return b.apply("reduce_sum", emit(b, array, slots), axes=(0,))
        case Map(size, params, body, arrays):
            given = [emit(b, array, slots) for array in arrays]
            captures, program = _closed(b, params, body, slots)
            return b.each(size, captures, given, program, ("stack",))[0]
        case ScanL():
            return _scan_left(b, term, slots)
        case ScanR(array):
            return _scan_right(b, emit(b, array, slots))
        case Shift(left, array):
            slot = emit(b, array, slots)
            length = b.array_type(slot).shape[0]
            return _part(b, slot, int(left), sub(length, 0 if left else 1))
        case End(first, array):
            slot = emit(b, array, slots)
            last = sub(b.array_type(slot).shape[0], 1)
            index = b.constant(0, "i64") if first else b.size(last)
            return b.apply("gather", slot, index, proved=True)
        case _:
            raise InternalError(f"partial evaluation left a {type(term).__name__} behind")


def _part(b: Builder, slot: int, start: int, limit: Size) -> int:
    rest = b.array_type(slot).shape[1:]
    return b.apply("slice", slot, starts=(start, *(0 for _ in rest)), limits=(limit, *rest))


def _closed(b: Builder, params: Sequence[Var], body: Term, slots: Slots) -> tuple[list[int], Program]:
    """The captures of a body and the body over captures and parameters."""
    bound = {param.name for param in params}
    free = [name for name in _variables(body) if name in slots and name not in bound]
    inputs: list[ArrayType] = [b.array_type(slots[name]) for name in free]
    inner = Builder("body", [*inputs, *(type_of(param) for param in params)])
    names = [*free, *(param.name for param in params)]
    known = {name: slot for slot, name in enumerate(names)}
    return [slots[name] for name in free], inner.build([emit(inner, body, known)])


def _variables(term: Term) -> list[str]:
    """Names of the variables of a term in the order in which they occur first."""
    if isinstance(term, Var):
        return [term.name]
    return list(dict.fromkeys(name for inner in children(term) for name in _variables(inner)))


def _scan_left(b: Builder, term: ScanL, slots: Slots) -> int:
    arrays = [emit(b, array, slots) for array in term.arrays]
    initial = emit(b, term.initial, slots)
    captures, program = _closed(b, term.params, term.body, slots)
    twice = Builder("states", program.inputs)
    (state,) = twice.inline(program, range(len(program.inputs)))
    _, states = b.fold(term.size, captures, arrays, [initial], twice.build([state, state]), ("stack",))
    return b.apply("concat", b.broadcast(initial, (1,), ()), states, axis=0)


def _scan_right(b: Builder, array: int) -> int:
    scalar = ArrayType(b.array_type(array).dtype)
    inner = Builder("products", [scalar, scalar, ArrayType("i64")])
    product = inner.apply("mul", 0, 1)
    one = b.constant(1.0, scalar.dtype)
    body = inner.build([product, product])
    _, products = b.fold(b.array_type(array).shape[0], [], [array], [one], body, ("stack",), reverse=True)
    return b.apply("concat", products, b.broadcast(one, (1,), ()), axis=0)
