"""Steps of a program: values of its inputs enter, instructions are written, values of its outputs leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from llvmlite import ir

from ...lang import primitives
from ...lang.constants import constant_value, scalar_value
from ...lang.diagnostics import fail
from ...lang.ir import Apply, ArrayType, Branch, Call, Constant, Each, Fold, Program, SizeValue, Step, as_array
from ..refusals import not_first_order
from . import branch, each, fold, kernel, rows, scalars
from .code import Code
from .dtypes import POINTER, llvm_type
from .memory import (
    Computed,
    Indices,
    Left,
    Stored,
    Target,
    Value,
    deliver,
    known,
    left_at,
    lengths,
    read,
    row_major,
    stored,
    write,
)
from .site import Site
from .writing import Application

# Steps that read each element of an operand once, so that it may be computed there.
_READS_ONCE = frozenset(
    "transpose slice reverse reshape reduce_sum reduce_prod reduce_max reduce_min reduce_all reduce_any concat pad "
    "cumsum cumprod cummax cummin triangle".split()
)


@dataclass(frozen=True)
class Readers:
    """Who reads the slots of a program: how often in all, and whether one reader reads each element once."""

    count: Counter[int]
    once: frozenset[int]


@lru_cache(maxsize=4096)
def readers(program: Program) -> Readers:
    """The readers of every slot."""
    total: Counter[int] = Counter(program.outputs)
    once = set(program.outputs)
    for step in program.steps:
        total.update(step.operands)
        if isinstance(step.op, Apply) and (
            step.op.primitive in _READS_ONCE or primitives.get(step.op.primitive).elementwise
        ):
            once.update(step.operands)
    return Readers(total, frozenset(slot for slot in once if total[slot] == 1))


def run(
    code: Code,
    program: Program,
    inputs: Sequence[Value | Left],
    targets: Sequence[Target | None] | None = None,
    leaves: Sequence[tuple[int, Left]] = (),
) -> list[Value]:
    """Write the steps; outputs with a target are delivered there, and numbers in `leaves` left as soon as they are."""
    wanted = list(targets or [None] * len(program.outputs))
    read_by = readers(program)
    goals: dict[int, Target] = {}
    for slot, target in zip(program.outputs, wanted, strict=True):
        alone = program.outputs.count(slot) == 1
        if target is not None and alone and (not target.adds or read_by.count[slot] == 1):
            goals[slot] = target
    left: dict[int, list[Left]] = {}
    for slot, place in leaves:
        left.setdefault(slot, []).append(place)
    values: list[Value | Left] = list(inputs)
    _leave(code, values, left, range(len(values)))
    buffers = code.unit.buffers
    before = buffers.step
    for first, step in program.numbered():
        buffers.step = program, first
        results = range(first, first + len(step.types))
        wanted_here = [goals.get(slot) for slot in results]
        if isinstance(step.op, Call) and not code.lanes:
            values += kernel.call_part(code, step.op.program, [values[slot] for slot in step.operands], wanted_here)
            continue
        operands = [_fetched(code, values, slot) for slot in step.operands]
        types = [as_array(program.types[slot]) for slot in step.operands]
        found = _step(code, step, operands, types, wanted_here)
        buffers.step = program, first  # bodies of the step have steps of their own
        for slot, value, type_ in zip(results, found, step.types, strict=True):
            values.append(_kept(code, value, as_array(type_), goals.get(slot), slot in read_by.once))
        _leave(code, values, left, results)
    for slot, target in zip(program.outputs, wanted, strict=True):
        if target is not None:
            deliver(code, _fetched(code, values, slot), target)
    buffers.step = before
    return [_fetched(code, values, slot) for slot in program.outputs]


def _leave(code: Code, values: Sequence[Value | Left], left: Mapping[int, Sequence[Left]], slots: range) -> None:
    """Write numbers that other parts read."""
    if left:
        for slot in slots:
            for place in left.get(slot, ()):
                write(code, left_at(code, place), (), read(code, values[slot]))


def _fetched(code: Code, values: list[Value | Left], slot: int) -> Value:
    """A value; a number of another part is read where it is needed first."""
    value = values[slot]
    if isinstance(value, Left):
        value = values[slot] = read(code, value)
    return value


def _kept(code: Code, value: Value, type_: ArrayType, goal: Target | None, once: bool) -> Value:
    """An array that is computed where it is read stays so when reading it is free or done once."""
    if not isinstance(value, Computed) or value.free or once:
        return value
    if goal is not None and not goal.adds:
        deliver(code, value, goal)
        return goal.place
    return stored(code, value, type_, "result")


def _step(
    code: Code, step: Step, operands: list[Value], given: Sequence[ArrayType], goals: list[Target | None]
) -> Sequence[Value]:
    types = [as_array(type_) for type_ in step.types]
    match step.op:
        case Constant() as op:
            return (_constant(code, step, op, types[0]),)
        case SizeValue(size):
            return (code.integer(known(size)),)
        case Apply() as op:
            return (_apply(code, op, operands, given, types[0], goals[0]),)
        case Each() as op:
            return each.each(code, op, operands, types, goals)
        case Fold() as op:
            return fold.fold(code, op, operands, types, goals)
        case Branch() as op:
            return branch.branch(code, op, operands, types, goals)
        case Call(program):
            return run(code, program, operands, goals)
        case _:
            raise not_first_order(step)


def _constant(code: Code, step: Step, op: Constant, type_: ArrayType) -> Value:
    kind = llvm_type(type_.dtype)
    if not type_.shape:
        value = scalar_value(step)
        return code.literal(constant_value(op, type_).item() if value is None else value, kind)
    data = constant_value(op, type_)
    if data.size and (data == data.flat[0]).all() and not str(data.flat[0]).startswith("-0"):
        number = code.literal(data.flat[0].item(), kind)
        return Computed(type_, lambda code, at: number, free=True, zero=not data.flat[0])
    pointer = code.unit.literals.get(op.data)
    if pointer is None:
        bytes_ = ir.ArrayType(ir.IntType(8), len(op.data))
        pointer = ir.GlobalVariable(code.unit.module, bytes_, code.unit.module.get_unique_name("literal"))
        pointer.initializer = ir.Constant(bytes_, bytearray(op.data))
        pointer.global_constant, pointer.linkage, pointer.align = True, "private", 64
        pointer.type = POINTER
        code.unit.literals[op.data] = pointer
    return Stored(type_, pointer, row_major(lengths(type_)))


def _apply(
    code: Code,
    op: Apply,
    operands: list[Value],
    given: Sequence[ArrayType],
    type_: ArrayType,
    goal: Target | None,
) -> Value:
    if op.primitive in scalars.TABLE:
        return _elementwise(code, Application(op, given[-1].dtype, type_.dtype), operands, type_)
    native = rows.ARRAYS.get(op.primitive)
    if native is None:
        raise fail(
            "E145",
            f"`{op.primitive}` is not in the llvm back end",
            hint='use backend="xla", or "auto", which chooses one that has it',
        )
    return native(Site(code, op, tuple(given), type_, goal), *operands)


def _elementwise(code: Code, application: Application, operands: list[Value], type_: ArrayType) -> Value:
    number = scalars.TABLE[application.op.primitive]
    if not type_.shape:
        return number(code, application, *operands)

    def at(code: Code, indices: Indices) -> ir.Value:
        return number(code, application, *(read(code, x, indices if _has_axes(x) else ()) for x in operands))

    return Computed(type_, at)


def _has_axes(x: Value) -> bool:
    return isinstance(x, (Stored, Computed))
