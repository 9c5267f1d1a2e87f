"""The production reverse mode: replay a program, then walk its steps backwards.

`run_forward` replays a program into a builder; structured steps with active operands are replaced by versions that also
return residuals. `run_backward` walks the builder's own steps from the last to the first with a `Ledger` of cotangents:
the backward walk of Huot & Shaikhha (2022) with continuations already composed, one expression per context slot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..lang.builder import Builder
from ..lang.diagnostics import InternalError
from ..lang.ir import Apply, Branch, Call, Each, Fold, Program, SlotType, Step, as_array
from .activity import result_activity
from .cotangents import Ledger
from .rules import cotangents, definition_of

Backward = Callable[["Sweep", Sequence[int | None]], None]


class Sweep:
    """One reverse sweep over one builder; `active` holds the slots that may carry a derivative.

    `memory` is the number of bytes that one loop may save; None means as much as it likes.
    """

    def __init__(self, builder: Builder, active: set[int], memory: int | None = None) -> None:
        self.builder = builder
        self.active = active
        self.memory = memory
        self.ledger = Ledger(builder)
        self._backward: dict[int, Backward] = {}  # first result slot of a structured step -> its backward half
        self._known: dict[int, int] = {}  # … -> how many results that half knows

    # --- forward half ---

    def run_forward(self, program: Program, operands: Sequence[int]) -> list[int]:
        """Replay the program onto operands, noting activity; returns its output slots."""
        slots = list(operands)
        for step in program.steps:
            self.builder.origin = step.origin or self.builder.origin
            slots.extend(self._forward_step(step, [slots[slot] for slot in step.operands]))
        return [slots[slot] for slot in program.outputs]

    def _forward_step(self, step: Step, operands: list[int]) -> Sequence[int]:
        from . import structured

        b = self.builder
        if not any(slot in self.active for slot in operands):
            return b.replay(step, operands)
        match step.op:
            case Each():
                return structured.forward_each(self, step.op, operands)
            case Fold():
                return structured.forward_fold(self, step.op, operands)
            case Branch() if b.scalar(operands[0]) is None:
                return structured.forward_branch(self, step.op, operands)
            case Branch(arms):
                return self.run_forward(arms[int(b.scalar(operands[0]) or 0)], operands[1:])
            case Call(program) if program.rules:
                return structured.forward_call(self, program, operands)
            case Call(program):
                return self.run_forward(program, operands)
            case Apply():
                definition = definition_of(step.op, [b.array_type(slot) for slot in operands])
                if definition is not None:
                    return self.run_forward(definition, operands)
        start = len(b.steps)
        results = b.replay(step, operands)
        self._mark(start)
        return results

    def _mark(self, start: int) -> None:
        """Note which results of the steps emitted since `start` are active."""
        b = self.builder
        for position in range(start, len(b.steps)):
            step, first = b.steps[position], b.firsts[position]
            flags = tuple(slot in self.active for slot in step.operands)
            if any(flags):
                types = [b.types[slot] for slot in step.operands]
                for offset, flag in enumerate(result_activity(step.op, flags, types, step.types)):
                    if flag:
                        self.active.add(first + offset)

    def register(self, results: Sequence[int], active: Sequence[bool], backward: Backward) -> None:
        """Give the step that made `results` its backward half, called with the cotangents of the results.

        `active` has a flag per result of the program; what stands behind is saved. Two loops may come down to one step,
        where one of them gives what the other saves: the half that knows more results moves the cotangents of both.
        """
        if len(active) > self._known.get(results[0], 0):
            self._known[results[0]], self._backward[results[0]] = len(active), backward
        self.active.update(slot for slot, flag in zip(results, active, strict=False) if flag)

    # --- backward half ---

    def run_backward(self, cut: int) -> None:
        """Walk the first `cut` steps of the builder backwards, moving cotangents to their operands."""
        b = self.builder
        for position in range(cut - 1, -1, -1):
            step, first = b.steps[position], b.firsts[position]
            results = range(first, first + len(step.types))
            if not any(self.ledger.has(slot) for slot in results):
                continue
            b.origin = step.origin
            backward = self._backward.get(first)
            if backward is not None:
                backward(self, [self.ledger.take(slot) for slot in results])
            elif isinstance(step.op, Apply):
                self._backward_apply(step.op, step, first)

    def _backward_apply(self, op: Apply, step: Step, result: int) -> None:
        if op.primitive == "gather":
            if step.operands[0] in self.active:
                self.ledger.through_gather(step.operands[0], step.operands[1:], result, bool(op["proved"]))
            return
        z = self.ledger.take(result)
        if z is None:
            raise InternalError("a cotangent vanished on the way")
        active = [slot in self.active for slot in step.operands]
        if not any(active):
            return
        bars = cotangents(self.builder, op, step.operands, result, z, active)
        for slot, bar in zip(step.operands, bars, strict=True):
            self.ledger.add(slot, bar)

    def zeros_like(self, slot: int) -> int:
        return self.builder.zeros(self.builder.array_type(slot))

    def or_zeros(self, z: int | None, type_: SlotType) -> int:
        return self.builder.zeros(as_array(type_)) if z is None else z
