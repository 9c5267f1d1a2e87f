"""Work moved out of sequential loops: a program without `Each` enters, the same with leaner `Fold` bodies leaves.

* What a round computes from the loop's arrays and index alone, not from the carry, is computed for all rounds at once
  in front of the loop, when it is worth it and fits in memory.
* A sum over rounds of a product (the cotangent of a weight used in every round) is taken behind the loop: the factors
  are stacked and contracted once, so that no round touches an array of the size of the product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ...ad.vmap import vmap_partial
from ...lang.builder import Builder
from ...lang.diagnostics import InternalError
from ...lang.ir import Apply, Fold, Program, Step
from ...lang.passes.walk import rebuild
from .effort import MEMORY, elements, is_cheap_step
from .places import is_zero

STACK_RATIO = 4  # factors may be stacked when a round's factors are at most this many times their product


@lru_cache(maxsize=1024)
def hoist(program: Program) -> Program:
    """The program with per-round work moved out of its loops, inner loops first."""
    return rebuild(program, hoist, _split)


def _split(b: Builder, step: Step, operands: list[int]) -> Sequence[int] | None:
    return _Loop(b, step.op, operands).split() if isinstance(step.op, Fold) and _may_move(step.op) else None


def _may_move(op: Fold) -> bool:
    """Whether work may leave the loop: its rounds are known and it does not repeat work to save memory."""
    return op.condition is None and not op.lean and isinstance(op.size, int) and op.size > 0


@dataclass
class _Loop:
    """One loop being taken apart: `outer` is the program around it, `inner` its new body."""

    outer: Builder
    op: Fold
    operands: list[int]
    inner: Builder = field(init=False)
    place: list[int] = field(init=False)  # slot of the old body -> slot of the new one
    outside: dict[int, tuple[int, bool]] = field(init=False)  # slot of the new body -> (outer slot, one per round)
    stacked: list[int] = field(default_factory=list)  # slots of the new body to be stacked for use behind the loop

    # --- what depends on what ---

    @property
    def fixed(self) -> int:
        return self.op.captures + self.op.arrays

    @property
    def carries(self) -> int:
        return len(self.operands) - self.fixed

    def levels(self) -> list[int]:
        """Per slot of the old body: 0 the same in all rounds, 1 known before the loop, 2 depends on the carry."""
        counts = (self.op.captures, self.op.arrays, self.carries, 1)
        found = [level for level, count in zip((0, 1, 2, 1), counts, strict=True) for _ in range(count)]
        for step in self.op.body.steps:
            found.extend([max((found[slot] for slot in step.operands), default=0)] * len(step.types))
        return found

    # --- in front of the loop ---

    def ready(self, levels: list[int]) -> list[int]:
        """Slots worth computing for all rounds at once."""
        program = self.op.body
        read = {slot for first, step in program.numbered() if levels[first] == 2 for slot in step.operands}
        read.update(program.outputs)
        assert isinstance(self.op.size, int)
        heavy: set[int] = set()
        chosen: list[int] = []
        room = MEMORY // self.op.size
        for first, step in program.numbered():
            made = range(first, first + len(step.types))
            if levels[first] != 1:
                continue
            if not is_cheap_step(step) or heavy & set(step.operands):
                heavy.update(made)
            for slot in made:
                size = elements([program.types[slot]])
                if slot in read and (slot in heavy or slot in program.outputs[self.carries :]) and size <= room:
                    chosen.append(slot)
                    room -= size
        return chosen

    def precompute(self, chosen: Sequence[int], levels: list[int]) -> tuple[int, ...]:
        """The chosen slots for all rounds, outside."""
        if not chosen:
            return ()
        old = self.op.body
        b = Builder(f"{old.name}_all_rounds", (*old.inputs[: self.fixed], old.inputs[-1]))
        place = {slot: slot for slot in range(self.fixed)} | {len(old.inputs) - 1: self.fixed}
        for first, step in old.numbered():
            if levels[first] < 2:
                for offset, slot in enumerate(b.replay(step, [place[slot] for slot in step.operands])):
                    place[first + offset] = slot
        one = b.build([place[slot] for slot in chosen])
        mask = (False,) * self.op.captures + (True,) * (self.op.arrays + 1)
        whole, mapped = vmap_partial(one, mask, self.op.size, final=True)
        numbers = self.outer.apply("iota", size=self.op.size)
        slots = self.outer.inline(whole, [*self.operands[: self.fixed], numbers])
        return tuple(self._per_round(slot, on) for slot, on in zip(slots, mapped, strict=True))

    def _per_round(self, slot: int, mapped: bool) -> int:
        if mapped:
            return slot
        shape = self.outer.array_type(slot).shape
        return self.outer.broadcast(slot, (self.op.size, *shape), tuple(range(1, len(shape) + 1)))

    # --- the loop itself ---

    def split(self) -> list[int]:
        """Emit what comes before, the loop, and what comes behind; the slots of the loop's old results."""
        levels = self.levels()
        chosen = self.ready(levels)
        extra_arrays = self.precompute(chosen, levels)
        self._open(chosen, extra_arrays, levels)
        outputs = [self.place[slot] for slot in self.op.body.outputs]
        following, extras = outputs[: self.carries], outputs[self.carries :]
        plans = [self._sum(slot) if how == "sum" else None for slot, how in zip(extras, self.op.combine, strict=True)]
        known = [self._known(slot, how) for slot, how in zip(extras, self.op.combine, strict=True)]
        kept = [k for k, plan in enumerate(plans) if plan is None and known[k] is None]
        body = self.inner.build([*following, *(extras[k] for k in kept), *self.stacked])
        combine = [*(self.op.combine[k] for k in kept), *["stack"] * len(self.stacked)]
        results = self.outer.fold(
            self.op.size,
            self.operands[: self.op.captures],
            [*self.operands[self.op.captures : self.fixed], *extra_arrays],
            self.operands[self.fixed :],
            body,
            combine,
            reverse=self.op.reverse,
            associative=self.op.associative,
            lean=self.op.lean,
        )
        late = results[self.carries + len(kept) :]
        for slot, made in zip(self.stacked, late, strict=True):
            self.outside[slot] = (made, True)
        found = dict(zip(kept, results[self.carries :], strict=False))
        for k, plan in enumerate(plans):
            if k not in found:
                answer = known[k]
                found[k] = answer if answer is not None else self._behind(plan)
        return [*results[: self.carries], *(found[k] for k in range(len(extras)))]

    def _open(self, chosen: Sequence[int], extra_arrays: Sequence[int], levels: list[int]) -> None:
        """Start the new body: the old steps, with the chosen slots read from the new arrays."""
        old = self.op.body
        types = [old.types[slot] for slot in chosen]
        tail = old.inputs[self.fixed :]
        self.inner = Builder(old.name, (*old.inputs[: self.fixed], *types, *tail))
        self.place = [*range(self.fixed), *range(self.fixed + len(types), len(self.inner.inputs))]
        ready = {slot: self.fixed + k for k, slot in enumerate(chosen)}
        for first, step in old.numbered():
            self.inner.origin = step.origin
            made = range(first, first + len(step.types))
            if all(slot in ready for slot in made):
                self.place.extend(ready[slot] for slot in made)
            else:
                results = self.inner.replay(step, [self.place[slot] for slot in step.operands])
                self.place.extend(ready.get(slot, new) for slot, new in zip(made, results, strict=True))
        self.outside = {k: (slot, k >= self.op.captures) for k, slot in enumerate(self.operands[: self.fixed])}
        self.outside |= {self.fixed + k: (slot, True) for k, slot in enumerate(extra_arrays)}

    # --- behind the loop ---

    def _known(self, slot: int, how: str) -> int | None:
        """A combined result that is there without running the loop."""
        if slot not in self.outside:
            return None
        outer, each = self.outside[slot]
        whole = outer if each else self._per_round(outer, False)
        return whole if how == "stack" else self.outer.apply("reduce_sum", whole, axes=(0,))

    def _sum(self, slot: int) -> _Sum | None:
        """How to sum a slot over all rounds behind the loop, or None to sum inside."""
        step = self.inner.definition(slot)
        if slot in self.outside or step is None or not isinstance(step.op, Apply):
            return None
        match step.op.primitive:
            case "add" if all(self._shape(x) == self._shape(slot) for x in step.operands):
                mark = len(self.stacked)
                parts = [self._sum(x) for x in step.operands]
                if all(part is not None for part in parts):
                    return _Sum(step, tuple(part for part in parts if part is not None))
                del self.stacked[mark:]
                return None
            case "neg" | "transpose" | "reshape":
                part = self._sum(step.operands[0])
                return None if part is None else _Sum(step, (part,))
            case "mul" | "einsum" | "scatter_add":
                return self._product(slot)
            case _:
                return None

    def _shape(self, slot: int) -> tuple[object, ...]:
        return self.inner.array_type(slot).shape

    def _product(self, slot: int) -> _Sum | None:
        """A product is cut at its factors; they must be small enough to be stacked."""
        leaves: list[int] = []
        steps: list[tuple[int, Step]] = []
        self._cut(slot, leaves, steps)
        new = [leaf for leaf in leaves if leaf not in self.outside and leaf not in self.stacked]
        size = elements(self.inner.types[leaf] for leaf in new)
        assert isinstance(self.op.size, int)
        limit = min(STACK_RATIO * elements([self.inner.types[slot]]), MEMORY // self.op.size)
        grows = any(
            isinstance(step.op, Apply) and step.op.primitive in ("broadcast", "einsum", "scatter_add")
            for _, step in steps
        )
        if size > limit or not grows:
            return None
        self.stacked.extend(new)
        return _Sum(None, (), slot, tuple(leaves), tuple(steps))

    def _cut(self, slot: int, leaves: list[int], steps: list[tuple[int, Step]]) -> None:
        """Collect the steps of a product of repeated factors, last first, and the slots where it starts."""
        step = self.inner.definition(slot)
        if any(first == slot for first, _ in steps) or slot in leaves:
            return
        if slot in self.outside or step is None or not self._is_product(step):
            literal = step is not None and not step.operands
            if literal and step is not None:
                steps.append((slot, step))
            else:
                leaves.append(slot)
            return
        for operand in step.operands:
            self._cut(operand, leaves, steps)
        steps.append((slot, step))

    def _is_product(self, step: Step) -> bool:
        if not isinstance(step.op, Apply):
            return False
        if step.op.primitive == "scatter_add":
            varying = all(slot not in self.outside or self.outside[slot][1] for slot in step.operands[2:])
            return varying and len(step.operands) > 2 and is_zero(self.inner, step.operands[0])
        return step.op.primitive in ("broadcast", "transpose", "einsum") or (
            step.op.primitive == "mul" and any(self._is_repeated(slot) for slot in step.operands)
        )

    def _is_repeated(self, slot: int) -> bool:
        step = self.inner.definition(slot)
        return not self._shape(slot) or (
            step is not None and isinstance(step.op, Apply) and step.op.primitive == "broadcast"
        )

    def _behind(self, plan: _Sum | None) -> int:
        if plan is None:
            raise InternalError("a result of a loop was lost")
        if plan.step is not None:
            op = plan.step.op
            assert isinstance(op, Apply)
            return self.outer.apply(op.primitive, *(self._behind(part) for part in plan.parts), **dict(op.params))
        b = Builder("product", [self.inner.types[leaf] for leaf in plan.leaves])
        place = {leaf: k for k, leaf in enumerate(plan.leaves)}
        for first, step in plan.steps:
            (place[first],) = b.replay(step, [place[slot] for slot in step.operands])
        one = b.build([place[plan.slot]])
        sources = [self.outside[leaf] for leaf in plan.leaves]
        whole, (mapped,) = vmap_partial(one, tuple(each for _, each in sources), self.op.size, final=True)
        (slot,) = self.outer.inline(whole, [slot for slot, _ in sources])
        return self.outer.apply("reduce_sum", self._per_round(slot, mapped), axes=(0,))


@dataclass(frozen=True)
class _Sum:
    """A sum over rounds: `step` applied to the sums `parts`, or the product of `leaves` that `steps` write."""

    step: Step | None
    parts: tuple[_Sum, ...]
    slot: int = -1
    leaves: tuple[int, ...] = ()
    steps: tuple[tuple[int, Step], ...] = ()
