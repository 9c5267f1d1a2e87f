"""Vectorisation: a first-order program enters, the program over a batch of its inputs leaves.

Only values that depend on a batched input get the batch axis, always in front; shared values are computed once. Arrays
that a loop runs over carry it behind the loop axis, so an `Each` stays an `Each` and a `Fold` a `Fold`. Branches and
while loops whose decision differs between lanes run for all lanes and choose; what a lane did not take reaches neither
its value nor its derivative (double-where guards built from a lane that did take it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..lang.builder import Builder, body
from ..lang.deferred import Deferred, changed
from ..lang.diagnostics import InternalError
from ..lang.ir import (
    Apply,
    ArrayType,
    Branch,
    Call,
    Constant,
    Each,
    Fold,
    Program,
    Signature,
    SizeValue,
    SlotType,
    Step,
    leaves,
)
from ..lang.memo import memo
from ..lang.sizes import Size, variables
from ..lang.solution import constants, is_solution
from ..lang.types import Type, array
from .vmap_rules import Batch, Lane, apply_rule, keeps_cotangents


def vmap(program: Program, mapped: tuple[bool, ...], size: Size, *, final: bool = False) -> Program:
    """The program over `size` lanes: inputs marked in `mapped` gain a leading axis, and so do all outputs.

    `final` promises that the result will not be differentiated, which allows plainer code for branches.

    >>> from pushforward.lang.builder import body
    >>> double = body("double", [ArrayType("f64")], lambda b, x: [b.apply("add", x[0], x[0])])
    >>> [str(type_) for type_ in vmap(double, (True,), 3).output_types]
    ['[3]f64']
    """
    return _vmap(program, tuple(mapped), size, (True,) * len(program.outputs), final)[0]


def vmap_partial(
    program: Program, mapped: tuple[bool, ...], size: Size, *, final: bool = False
) -> tuple[Program, tuple[bool, ...]]:
    """As `vmap`, but outputs that no mapped input reaches stay shared; also answers which outputs are mapped."""
    return _vmap(program, tuple(mapped), size, (False,) * len(program.outputs), final)


@memo(maxsize=1024)
def _vmap(
    program: Program, mapped: tuple[bool, ...], size: Size, wanted: tuple[bool, ...], final: bool
) -> tuple[Program, tuple[bool, ...]]:
    inputs = tuple(batched(type_, size) if on else type_ for type_, on in zip(program.inputs, mapped, strict=True))
    sizes = program.sizes + tuple(sorted(variables(size) - set(program.sizes)))
    builder = Builder(program.name, inputs, sizes)
    batch = Batch(builder, size)
    lanes = [Lane(slot, on) for slot, on in enumerate(mapped)]
    whole = all(mapped[constants(program) :] if is_solution(program) else mapped)
    if program.rules and not whole:
        outputs = _ruled_call(batch, program, lanes, final)
    else:
        outputs = replay(batch, program, lanes, final=final)
    out = tuple(lane.mapped or want for lane, want in zip(outputs, wanted, strict=True))
    slots = [batch.full(lane) if on else lane.slot for lane, on in zip(outputs, out, strict=True)]
    rules = _batched_rules(program, mapped, size, final) if whole and all(out) else ()
    return builder.build(slots, _signature(program, mapped, out, size), rules), out


def batched(type_: SlotType, size: Size) -> ArrayType:
    """An array type with the batch axis in front."""
    if not isinstance(type_, ArrayType):
        raise InternalError(f"cannot batch a value of type {type_}")
    return ArrayType(type_.dtype, (size, *type_.shape))


def replay(batch: Batch, program: Program, lanes: Sequence[Lane], *, final: bool = False) -> list[Lane]:
    """The steps of a program on lanes of a batched program that is open; what no batched value reaches stays shared."""
    known = list(lanes)
    for step in program.steps:
        batch.builder.origin = step.origin
        known.extend(_step(batch, step, [known[slot] for slot in step.operands], final))
    return [known[slot] for slot in program.outputs]


def _step(batch: Batch, step: Step, lanes: list[Lane], final: bool) -> list[Lane]:
    if not any(lane.mapped for lane in lanes):
        return [Lane(slot, False) for slot in batch.builder.replay(step, [lane.slot for lane in lanes])]
    match step.op:
        case Apply() as op:
            return [Lane(apply_rule(batch, op, tuple(lanes)), True)]
        case Each() as op:
            return _each(batch, op, lanes, final)
        case Fold(condition=None) as op:
            return _fold(batch, op, lanes, final)
        case Fold() as op:
            return _while(batch, op, lanes, final)
        case Branch() as op:
            return _branch(batch, op, lanes, final)
        case Call(program):
            return _call(batch, program, lanes, final)
        case Constant() | SizeValue():
            raise InternalError("a literal has no operands")
        case op:
            raise InternalError(f"{type(op).__name__} cannot be vectorised: the program is not first-order")


# --- loops -----------------------------------------------------------------------------------------------------------


def _behind(batch: Batch, lane: Lane) -> int:
    """An array that a loop runs over, with the batch axis behind the loop axis."""
    return batch.move(lane.slot, 0, 1) if lane.mapped else lane.slot


def _combined(batch: Batch, slot: int, how: str, mapped: bool) -> Lane:
    """A combined result of a loop, the batch axis brought back to the front."""
    return Lane(batch.move(slot, 1, 0) if mapped and how == "stack" else slot, mapped)


def _each(batch: Batch, op: Each, lanes: list[Lane], final: bool) -> list[Lane]:
    captures, arrays = lanes[: op.captures], lanes[op.captures :]
    mask = (*(lane.mapped for lane in lanes), False)
    inner, out = vmap_partial(op.body, mask, batch.size, final=final)
    slots = batch.builder.each(
        op.size,
        [lane.slot for lane in captures],
        [_behind(batch, lane) for lane in arrays],
        inner,
        op.combine,
    )
    return [_combined(batch, *result) for result in zip(slots, op.combine, out, strict=True)]


def _fold(batch: Batch, op: Fold, lanes: list[Lane], final: bool) -> list[Lane]:
    split = op.captures + op.arrays
    captures, arrays, initial = lanes[: op.captures], lanes[op.captures : split], lanes[split:]
    fixed = tuple(lane.mapped for lane in lanes[:split])
    carried = tuple(lane.mapped for lane in initial)
    extras = (False,) * len(op.combine)
    while True:  # a carry is mapped when its start is, or when one round makes it so
        inner, out = _vmap(op.body, (*fixed, *carried, False), batch.size, (*carried, *extras), final)
        if out[: len(carried)] == carried:
            break
        carried = out[: len(carried)]
    slots = batch.builder.fold(
        op.size,
        [lane.slot for lane in captures],
        [_behind(batch, lane) for lane in arrays],
        [batch.full(lane) if on else lane.slot for lane, on in zip(initial, carried, strict=True)],
        inner,
        op.combine,
        reverse=op.reverse,
        associative=op.associative,
        lean=op.lean,
    )
    final_carry = [Lane(slot, on) for slot, on in zip(slots, carried, strict=False)]
    rest = zip(slots[len(carried) :], op.combine, out[len(carried) :], strict=True)
    return final_carry + [_combined(batch, *result) for result in rest]


def _while(batch: Batch, op: Fold, lanes: list[Lane], final: bool) -> list[Lane]:
    """Runs while any lane is active; a lane whose condition is false keeps its state."""
    assert op.condition is not None
    captures, initial = lanes[: op.captures], lanes[op.captures :]
    fixed = tuple(lane.mapped for lane in captures)
    carried = tuple(lane.mapped for lane in initial)
    while True:
        inner, out = _vmap(op.body, (*fixed, *carried, False), batch.size, carried, final)
        condition, (differs,) = vmap_partial(op.condition, (*fixed, *carried), batch.size, final=final)
        wider = (True,) * len(carried) if differs else out
        if wider == carried:
            break
        carried = wider
    if differs:
        inner = _freezing(op, fixed, batch.size, condition, inner, final)
        condition = _any_lane(condition)
    slots = batch.builder.fold(
        op.size,
        [lane.slot for lane in captures],
        [],
        [batch.full(lane) if on else lane.slot for lane, on in zip(initial, carried, strict=True)],
        inner,
        condition=condition,
        reverse=op.reverse,
    )
    return [Lane(slot, on) for slot, on in zip(slots, carried, strict=True)]


def _any_lane(condition: Program) -> Program:
    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        return [b.apply("reduce_any", *b.inline(condition, x), axes=(0,))]

    return body("any_lane_active", condition.inputs, write)


def _freezing(
    op: Fold, fixed: tuple[bool, ...], size: Size, condition: Program, inner: Program, final: bool
) -> Program:
    guard = not (final or keeps_cotangents(op.body))

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        batch = Batch(b, size)
        state = x[:-1]
        (active,) = b.inline(condition, state)
        lanes = [Lane(slot, on) for slot, on in zip(state, (*fixed, *[True] * len(inner.outputs)), strict=True)]
        inputs = [_guarded(batch, lane, active) for lane in lanes] if guard else list(state)
        following = b.inline(inner, [*inputs, x[-1]])
        old = state[len(fixed) :]
        return [_choose(batch, active, new, kept) for new, kept in zip(following, old, strict=True)]

    return body(inner.name, inner.inputs, write)


# --- choices ---------------------------------------------------------------------------------------------------------


def _choose(batch: Batch, condition: int, yes: int, no: int) -> int:
    """``where`` with one truth value per lane."""
    shape = batch.type(yes).shape
    return batch.builder.apply("where", batch.builder.broadcast(condition, shape, (0,)), yes, no)


def _guarded(batch: Batch, lane: Lane, taken: int) -> int:
    """The value, with lanes that do not take part replaced by the first one that does."""
    if not lane.mapped:
        return lane.slot
    b = batch.builder
    first = b.apply("argmax", b.apply("convert", taken, dtype="i64"), axis=0)
    one = b.apply("gather", lane.slot, first, proved=True)
    return _choose(batch, taken, lane.slot, batch.full(Lane(one, False)))


def _branch(batch: Batch, op: Branch, lanes: list[Lane], final: bool) -> list[Lane]:
    selector, captures = lanes[0], lanes[1:]
    mask = tuple(lane.mapped for lane in captures)
    slots = [lane.slot for lane in captures]
    if not selector.mapped:
        reached = [vmap_partial(arm, mask, batch.size, final=final)[1] for arm in op.arms]
        wanted = tuple(any(column) for column in zip(*reached, strict=True))
        arms = [_vmap(arm, mask, batch.size, wanted, final)[0] for arm in op.arms]
        results = batch.builder.branch(selector.slot, slots, arms)
        return [Lane(slot, on) for slot, on in zip(results, wanted, strict=True)]
    chosen: list[int] | None = None
    for number in reversed(range(len(op.arms))):
        taken = _takes(batch, selector.slot, number)
        arm = vmap(op.arms[number], mask, batch.size, final=final)
        if final or keeps_cotangents(op.arms[number]):
            values = batch.builder.inline(arm, slots)
        else:
            values = _guarded_arm(batch, arm, taken, captures)
        if chosen is None:
            chosen = list(values)
        else:
            chosen = [_choose(batch, taken, new, old) for new, old in zip(values, chosen, strict=True)]
    return [Lane(slot, True) for slot in chosen or ()]


def _takes(batch: Batch, selector: int, number: int) -> int:
    """Which lanes run an arm."""
    b = batch.builder
    if batch.type(selector).dtype == "bool":
        return selector if number else b.apply("logical_not", selector)
    return b.apply("eq", selector, b.constant(number, batch.type(selector).dtype))


def _guarded_arm(batch: Batch, arm: Program, taken: int, captures: list[Lane]) -> tuple[int, ...]:
    """Run an arm only when some lane takes it, on operands of lanes that do."""
    mask = tuple(lane.mapped for lane in captures)
    slots = [lane.slot for lane in captures]
    inputs = tuple(batch.builder.types[slot] for slot in (taken, *slots))

    def run(b: Builder, x: tuple[int, ...]) -> Sequence[int]:
        inside = Batch(b, batch.size)
        pairs = zip(x[1:], mask, strict=True)
        return b.inline(arm, [_guarded(inside, Lane(slot, on), x[0]) for slot, on in pairs])

    def skip(b: Builder, x: tuple[int, ...]) -> list[int]:
        return [b.zeros(_array(type_)) for type_ in arm.output_types]

    any_lane = batch.builder.apply("reduce_any", taken, axes=(0,))
    arms = (body(f"skip_{arm.name}", inputs, skip), body(arm.name, inputs, run))
    return batch.builder.branch(any_lane, (taken, *slots), arms)


def _array(type_: SlotType) -> ArrayType:
    if not isinstance(type_, ArrayType):
        raise InternalError(f"{type_} in a first-order program")
    return type_


# --- calls and custom rules ------------------------------------------------------------------------------------------


def _call(batch: Batch, program: Program, lanes: list[Lane], final: bool) -> list[Lane]:
    if program.rules:
        return _ruled_call(batch, program, lanes, final)
    inner, out = vmap_partial(program, tuple(lane.mapped for lane in lanes), batch.size, final=final)
    slots = batch.builder.call(inner, [lane.slot for lane in lanes])
    return [Lane(slot, on) for slot, on in zip(slots, out, strict=True)]


def _ruled_call(batch: Batch, program: Program, lanes: Sequence[Lane], final: bool) -> list[Lane]:
    """Custom rules say nothing about sharing, so shared operands are repeated; that step has its own transpose.

    Lanes of a system that share its constants have more right-hand sides in common.
    """
    shared = constants(program) if is_solution(program) else 0
    mapped = tuple(lane.mapped or k >= shared for k, lane in enumerate(lanes))
    inner = vmap(program, mapped, batch.size, final=final)
    operands = [batch.full(lane) if on else lane.slot for lane, on in zip(lanes, mapped, strict=True)]
    slots = batch.builder.call(inner, operands)
    return [Lane(slot, True) for slot in slots]


def _batched_rules(
    program: Program, mapped: tuple[bool, ...], size: Size, final: bool
) -> tuple[tuple[str, Program | Deferred], ...]:

    def batched_rule(rule: Program) -> Program:
        return vmap(rule, mapped if is_solution(program) else (True,) * len(rule.inputs), size, final=final)

    return tuple((kind, changed(rule, ("vmap", size), batched_rule)) for kind, rule in program.rules)


# --- signatures ------------------------------------------------------------------------------------------------------


def _signature(program: Program, mapped: tuple[bool, ...], out: tuple[bool, ...], size: Size) -> Signature | None:
    """The named signature with batched types, when every parameter is batched whole or not at all."""
    if program.signature is None or not all(out):
        return None
    inputs: list[tuple[str, Type]] = []
    position = 0
    for name, type_ in program.signature.inputs:
        flags = mapped[position : position + len(leaves(type_))]
        position += len(flags)
        if any(flags) and not all(flags):
            return None
        inputs.append((name, array((size,), type_) if any(flags) else type_))
    signature = replace(program.signature, inputs=tuple(inputs))
    return replace(signature, output=array((size,), program.signature.output))
