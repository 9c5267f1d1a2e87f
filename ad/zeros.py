"""Drop cotangents that are zero by construction from a backward program.

A backward program is linear in its cotangent inputs. When one of them turns out to be zero because nothing reads the
result, its contributions vanish instead of being added: this is the one place where ``0 + e`` and ``0 * e`` are
dropped, since the zero was made by differentiation and not written by the user.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..lang.builder import Builder
from ..lang.ir import Apply, ArrayType, Program, Step
from ..lang.memo import memo
from .rules import match_shape

Slots = Sequence[int | None]  # None stands for the symbolic zero

KEEPS_ZERO = frozenset(
    {"neg", "broadcast", "reshape", "transpose", "slice", "pad", "reverse"}
    | {"reduce_sum", "convert", "cumsum", "triangle", "window_sum"}
)
PRODUCTS = frozenset({"mul", "einsum", "conv"})
OF_FIRST = frozenset({"div", "gather", "block_read"})  # zero when the first operand is


@memo(maxsize=2048)
def without_cotangents(program: Program, dead: frozenset[int]) -> Program:
    """The program with the inputs in `dead` taken as zero; they stay inputs that nothing reads."""
    if not dead:
        return program
    b = Builder(program.name, program.inputs, program.sizes)
    slots: list[int | None] = [None if k in dead else k for k in range(len(program.inputs))]
    types = program.types
    for step in program.steps:
        b.origin = step.origin
        operands = [slots[slot] for slot in step.operands]
        if None not in operands:
            slots.extend(b.replay(step, [slot for slot in operands if slot is not None]))
        else:
            slots.extend(_with_zeros(b, step, operands, [types[slot] for slot in step.operands]))
    types_out = program.output_types
    return b.build([_filled(b, slots[slot], type_) for slot, type_ in zip(program.outputs, types_out, strict=True)])


def _filled(b: Builder, slot: int | None, type_: object) -> int:
    assert isinstance(type_, ArrayType)
    return b.zeros(type_) if slot is None else slot


def _with_zeros(b: Builder, step: Step, operands: Slots, types: Sequence[object]) -> Slots:
    """Results of a step some of whose operands are the symbolic zero."""
    if isinstance(step.op, Apply):
        name = step.op.primitive
        if name in PRODUCTS or (name in KEEPS_ZERO) or (name in OF_FIRST and operands[0] is None):
            return [None]
        rule = _RULES.get(name)
        answer = None if rule is None else rule(b, step, operands)
        if answer is not None:
            return answer
    return b.replay(step, [_filled(b, slot, type_) for slot, type_ in zip(operands, types, strict=True)])


def _sum(b: Builder, step: Step, operands: Slots) -> Slots | None:
    left, right = operands
    kept = right if left is None else left
    if kept is None:
        return [None]
    (type_,) = step.types
    assert isinstance(type_, ArrayType)
    signed = b.apply("neg", kept) if step.op == Apply("sub") and left is None else kept
    return [match_shape(b, signed, type_)]


def _choice(b: Builder, step: Step, operands: Slots) -> Slots | None:
    return [None] if operands[1] is None and operands[2] is None else None


def _joined(b: Builder, step: Step, operands: Slots) -> Slots | None:
    return [None] if all(slot is None for slot in operands) else None


def _scattered(b: Builder, step: Step, operands: Slots) -> Slots | None:
    return [operands[0]] if operands[1] is None else None


_RULES: dict[str, Callable[[Builder, Step, Slots], Slots | None]] = {
    "add": _sum,
    "sub": _sum,
    "where": _choice,
    "concat": _joined,
    "scatter_add": _scattered,
    "block_add": _scattered,
}
