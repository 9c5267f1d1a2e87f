"""Order of axes in memory: a program without `Each` enters, the same with its largest axis innermost leaves.

Vectorisation puts the lanes of a nest in front, so that short axes (coordinates, components) end up innermost, where
vector units cannot fill their registers and sums run number by number. Here every value may be held with its axes in
another order: elementwise steps, broadcasts, reductions and einsums work in any order, everything else gets the axes
back in place. Transpositions cost nothing until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from ...lang import primitives
from ...lang.builder import Builder
from ...lang.ir import Apply, ArrayType, Program, Step, bodies, with_bodies
from ...lang.sizes import Size

SHORT = 64  # an innermost axis of this length fills vector registers well enough
WORTH = 1 << 13  # smaller arrays stay as they are


class Held(NamedTuple):
    """A slot, and which axis of the value each axis of the slot is."""

    slot: int
    order: tuple[int, ...]


@lru_cache(maxsize=1024)
def reorder(program: Program) -> Program:
    """The program with intermediate arrays in the order that suits vector units; inputs and outputs keep theirs."""
    return _Layout(program).run()


def preferred(shape: Sequence[Size]) -> tuple[int, ...]:
    """The order in which to hold a new array: the longest axis last when the last one is short.

    >>> preferred((1000, 25, 10))
    (1, 2, 0)
    """
    axes = tuple(range(len(shape)))
    known = [size for size in shape if isinstance(size, int)]
    if len(shape) < 2 or len(known) < len(shape) or known[-1] >= SHORT:
        return axes
    longest = max(axes, key=lambda axis: known[axis])
    total = 1
    for size in known:
        total *= size
    if total < WORTH or known[longest] <= 2 * known[-1]:
        return axes
    return (*(axis for axis in axes if axis != longest), longest)


def _identity(order: tuple[int, ...]) -> bool:
    return order == tuple(range(len(order)))


class _Layout:
    """One replay of a program; `held` maps its slots to slots of the new one with their order."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.b = Builder(program.name, program.inputs, program.sizes)
        self.held = [Held(slot, tuple(range(self._rank(slot)))) for slot in range(len(program.inputs))]

    def _rank(self, slot: int) -> int:
        type_ = self.program.types[slot]
        return type_.rank if isinstance(type_, ArrayType) else 0

    def run(self) -> Program:
        for step in self.program.steps:
            self.b.origin = step.origin
            values = [self.held[slot] for slot in step.operands]
            if isinstance(step.op, Apply):
                self.held.append(self._apply(step.op, values, step.types[0]))
            else:
                self.held.extend(self._whole(step, values))
        outputs = [self.plain(self.held[slot]) for slot in self.program.outputs]
        return self.b.build(outputs, self.program.signature)

    def _whole(self, step: Step, values: list[Held]) -> list[Held]:
        op = with_bodies(step.op, tuple(reorder(inner) for inner in bodies(step.op)))
        operands = [self.plain(value) for value in values]
        slots = self.b.replay(Step(op, step.operands, step.types, step.origin), operands)
        return [Held(slot, tuple(range(_rank_of(type_)))) for slot, type_ in zip(slots, step.types, strict=True)]

    def plain(self, value: Held) -> int:
        """The value with its axes in their own order."""
        return self.ordered(value, tuple(range(len(value.order))))

    def ordered(self, value: Held, order: tuple[int, ...]) -> int:
        """The value with its axes in a given order; a broadcast is written anew rather than moved."""
        if value.order == order:
            return value.slot
        step = self.b.definition(value.slot)
        moved = tuple(value.order.index(axis) for axis in order)
        if step is not None and isinstance(step.op, Apply) and step.op.primitive == "broadcast":
            axes = step.op["axes"]
            assert isinstance(axes, tuple)
            targets = [moved.index(axis) for axis in axes if isinstance(axis, int)]
            shape = self.b.array_type(value.slot).shape
            return self._spread(step.operands[0], targets, tuple(shape[axis] for axis in moved))
        return self.b.apply("transpose", value.slot, axes=moved)

    def _spread(self, slot: int, targets: Sequence[int], shape: tuple[Size, ...]) -> int:
        """Broadcast a slot whose axis k goes to `targets[k]`, in any order."""
        increasing = tuple(sorted(range(len(targets)), key=targets.__getitem__))
        turned = self.b.apply("transpose", slot, axes=increasing) if targets else slot
        return self.b.broadcast(turned, shape, tuple(sorted(targets)))

    def _apply(self, op: Apply, values: list[Held], type_: object) -> Held:
        assert isinstance(type_, ArrayType)
        if primitives.get(op.primitive).elementwise:
            return self._elementwise(op, values, type_)
        match op.primitive:
            case "transpose":
                axes = _ints(op, "axes")
                return Held(values[0].slot, tuple(axes.index(axis) for axis in values[0].order))
            case "broadcast":
                return self._broadcast(op, values[0], type_)
            case "einsum":
                return self._einsum(op, values, type_)
            case "reduce_sum" | "reduce_max" | "reduce_min" | "reduce_prod" | "reduce_all" | "reduce_any" | "logsumexp":
                return self._reduce(op, values[0])
            case "softmax" | "winners":
                (x,) = values
                places = tuple(sorted(x.order.index(axis) for axis in _ints(op, "axes")))
                return Held(self.b.apply(op.primitive, x.slot, **{**dict(op.params), "axes": places}), x.order)
            case _:
                slot = self.b.apply(op.primitive, *(self.plain(value) for value in values), **dict(op.params))
                return Held(slot, tuple(range(type_.rank)))

    def _elementwise(self, op: Apply, values: list[Held], type_: ArrayType) -> Held:
        full = [value for value in values if len(value.order) == type_.rank]
        stored = [value for value in full if not self._is_broadcast(value.slot)] or full
        moved = [value.order for value in stored if not _identity(value.order)]
        order = moved[0] if moved else stored[0].order
        slots = [self.ordered(value, order) if value.order else value.slot for value in values]
        return Held(self.b.apply(op.primitive, *slots, **dict(op.params)), order)

    def _is_broadcast(self, slot: int) -> bool:
        step = self.b.definition(slot)
        return step is not None and isinstance(step.op, Apply) and step.op.primitive == "broadcast"

    def _broadcast(self, op: Apply, x: Held, type_: ArrayType) -> Held:
        order = preferred(type_.shape)
        axes = _ints(op, "axes")
        targets = [order.index(axes[axis]) for axis in x.order]
        return Held(self._spread(x.slot, targets, tuple(type_.shape[axis] for axis in order)), order)

    def _reduce(self, op: Apply, x: Held) -> Held:
        axes = _ints(op, "axes")
        places = tuple(sorted(x.order.index(axis) for axis in axes))
        kept = [axis for axis in range(len(x.order)) if axis not in axes]
        order = tuple(kept.index(axis) for axis in x.order if axis not in axes)
        return Held(self.b.apply(op.primitive, x.slot, axes=places), order)

    def _einsum(self, op: Apply, values: list[Held], type_: ArrayType) -> Held:
        spec = op["spec"]
        assert isinstance(spec, str)
        inputs, output = spec.split("->")
        terms = [
            "".join(term[axis] for axis in value.order) for term, value in zip(inputs.split(","), values, strict=True)
        ]
        order = preferred(type_.shape)
        result = "".join(output[axis] for axis in order)
        slot = self.b.apply("einsum", *(value.slot for value in values), spec=f"{','.join(terms)}->{result}")
        return Held(slot, order)


def _rank_of(type_: object) -> int:
    return type_.rank if isinstance(type_, ArrayType) else 0


def _ints(op: Apply, name: str) -> tuple[int, ...]:
    value = op[name]
    assert isinstance(value, tuple)
    return tuple(item for item in value if isinstance(item, int))
