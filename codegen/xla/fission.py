"""Loops divided by what depends on what: a program without `Each` enters, the same with more but leaner loops leaves.

Only what a carry needs to reach the next round has to run in sequence. The carries of a `Fold` fall into groups that
need each other (strongly connected components, as in loop distribution: Kennedy & McKinley 1990, "Loop distribution
with arbitrary control flow"); every group gets a loop of its own, in order of need. All else is computed for all rounds
at once from the carries, which are stacked: layer by layer instead of step by step for a recurrent network, and the
values that a derivative reads back are recomputed rather than stored round by round.

Recomputing is right where a round's arrays are so small that storing one costs more than making it again; loops over
larger arrays stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from ...ad.vmap import vmap_partial
from ...lang import primitives
from ...lang.builder import Builder
from ...lang.ir import Apply, Constant, Fold, Program, Step
from ...lang.passes.walk import rebuild
from ...lang.primitives import has_effect
from .effort import MEMORY, MOVES, elements

SMALL = 512  # elements of an array that is sooner computed than stored
LOOP = 1  # what a round of a loop costs beside its results, counted in results

# An extreme must be rounded as the numbers it was taken of, so loops with extremes are left alone; values that jump are
# stored, never computed twice.
EXTREMES = frozenset("reduce_max reduce_min cummax cummin argmax argmin sort argsort winners".split())
JUMPS = frozenset(
    "floor ceil round round_away sign floordiv truncdiv mod rem eq ne lt le gt ge logical_and logical_or logical_not "
    "is_finite convert bitcast nextafter reduce_precision random_gamma".split()
)


@lru_cache(maxsize=1024)
def fission(program: Program) -> Program:
    """The program with loops over small arrays divided where that leaves less to do per round, in bodies too."""
    return rebuild(program, fission, _divided)


def _divided(b: Builder, step: Step, operands: list[int]) -> Sequence[int] | None:
    op = step.op
    if not isinstance(op, Fold) or not _divisible(op):
        return None
    plan = _Plan(op, len(operands) - op.captures - op.arrays)
    return _Division(b, plan, operands).run() if plan.pays else None


def _divisible(op: Fold) -> bool:
    """Whether every value of the body may be computed for all rounds at once."""
    if op.condition is not None or op.associative or op.lean or not isinstance(op.size, int) or op.size < 2:
        return False
    body = op.body
    types = [*body.inputs[op.captures :], *(type_ for step in body.steps for type_ in step.types)]
    if any(elements([type_]) > SMALL for type_ in types) or op.size * elements(types) > MEMORY:
        return False
    return all(isinstance(step.op, Constant) or _is_plain(step.op) for step in body.steps)


def _is_plain(op: object) -> bool:
    return isinstance(op, Apply) and op.primitive not in EXTREMES and not has_effect(op.primitive)


# --- what depends on what --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """How to divide a loop; sets of carries are bit masks."""

    op: Fold
    carries: int

    @property
    def fixed(self) -> int:
        return self.op.captures + self.op.arrays

    @property
    def index(self) -> int:
        return self.fixed + self.carries

    @property
    def extras(self) -> tuple[int, ...]:
        return self.op.body.outputs[self.carries :]

    def following(self, group: Sequence[int]) -> tuple[int, ...]:
        """The slots of the next values of some carries."""
        return tuple(self.op.body.outputs[k] for k in group)

    @cached_property
    def made(self) -> dict[int, tuple[int, Step]]:
        """The step that makes each slot of the body, and the first slot of its results."""
        numbered = self.op.body.numbered()
        return {slot: (first, step) for first, step in numbered for slot in range(first, first + len(step.types))}

    @cached_property
    def depends(self) -> list[int]:
        """The carries that each slot of the body reads, directly or through others, within a round."""
        found = [1 << slot - self.fixed if self.fixed <= slot < self.index else 0 for slot in range(self.index + 1)]
        for step in self.op.body.steps:
            mask = 0
            for slot in step.operands:
                mask |= found[slot]
            found.extend([mask] * len(step.types))
        return found

    @cached_property
    def reach(self) -> list[int]:
        """The carries that each carry needs in some earlier round."""
        reach = [self.depends[slot] for slot in self.op.body.outputs[: self.carries]]
        for middle in range(self.carries):
            for k in range(self.carries):
                if reach[k] >> middle & 1:
                    reach[k] |= reach[middle]
        return reach

    @cached_property
    def groups(self) -> list[tuple[int, ...]]:
        """Carries that need each other, every group behind those it needs."""
        closed = [mask | 1 << k for k, mask in enumerate(self.reach)]
        members = {
            tuple(j for j in range(self.carries) if j == k or (closed[k] >> j & 1 and closed[j] >> k & 1))
            for k in range(self.carries)
        }
        return sorted(members, key=lambda group: (closed[group[0]].bit_count(), group))

    def is_loop(self, group: tuple[int, ...]) -> bool:
        return bool(self.reach[group[0]] >> group[0] & 1)

    @cached_property
    def cycles(self) -> dict[tuple[int, ...], frozenset[int]]:
        """Per loop, the slots on the way from its carries to their next values."""
        return {group: self._cycle(group) for group in self.groups if self.is_loop(group)}

    def _cycle(self, group: tuple[int, ...]) -> frozenset[int]:
        mine = sum(1 << k for k in group)
        wanted = set(self.following(group))
        for first, step in reversed(list(self.op.body.numbered())):
            if not wanted.isdisjoint(range(first, first + len(step.types))):
                wanted.update(step.operands)
        return frozenset(slot for slot in wanted if self.depends[slot] & mine)

    @cached_property
    def stored(self) -> frozenset[int]:
        """Slots that a loop may stack: next values of carries and what is not to be computed twice."""
        found = {slot for group in self.cycles for slot in self.following(group)}
        for cycle in self.cycles.values():
            found.update(slot for slot in cycle if slot in self.made and not _is_repeatable(self.made[slot][1]))
        return frozenset(found)

    def cone(self, targets: Iterable[int], own: frozenset[int] = frozenset()) -> tuple[list[int], list[int]]:
        """What computes the targets: slots to start from (inputs, stored slots that are not `own`), and steps."""
        starts: set[int] = set()
        steps: set[int] = set()
        todo = list(targets)
        while todo:
            slot = todo.pop()
            if slot not in self.made or (slot in self.stored and slot not in own):
                starts.add(slot)
                continue
            first, step = self.made[slot]
            if first not in steps:
                steps.add(first)
                todo.extend(step.operands)
        return sorted(starts), sorted(steps)

    @cached_property
    def read(self) -> frozenset[int]:
        """Slots that are wanted for all rounds at once, outside the loop that makes them."""
        found = set(self.cone(self.extras)[0])
        for group in self.groups:
            own = {self.fixed + k for k in group} if self.is_loop(group) else set()
            found.update(set(self.cone(self.following(group), self.cycles.get(group, frozenset()))[0]) - own)
        return frozenset(found)

    def stacks(self, group: tuple[int, ...]) -> list[int]:
        """What the loop of a group stacks: its next values, where they or the values before are read, and the rest."""
        following = dict(zip(self.following(group), group, strict=True))
        mine = [slot for slot in sorted(self.cycles[group]) if slot in self.read and slot in self.stored]
        before = [slot for slot, k in following.items() if self.fixed + k in self.read and slot not in mine]
        return [*mine, *before]

    @property
    def pays(self) -> bool:
        """Whether rounds have fewer results afterwards; each is a kernel call."""
        loops = list(self.cycles)
        before = LOOP + self.carries + len(self.extras)
        return sum(LOOP + len(group) + len(self.stacks(group)) for group in loops) < before


def _is_repeatable(step: Step) -> bool:
    """Whether to compute a slot again rather than store it: elementwise arithmetic that does not jump."""
    if isinstance(step.op, Constant):
        return True
    assert isinstance(step.op, Apply)
    name = step.op.primitive
    return name not in JUMPS and (name in MOVES or primitives.get(name).elementwise)


# --- the loops -------------------------------------------------------------------------------------------------------


@dataclass
class _Division:
    """A loop being divided: `known` maps slots of its body to slots outside, and says which differ by round."""

    b: Builder
    plan: _Plan
    operands: list[int]
    known: dict[int, tuple[int, bool]] = field(default_factory=dict)

    def run(self) -> list[int]:
        """Emit the loops and what lies between and behind them; the results of the old loop."""
        plan, op = self.plan, self.plan.op
        self.known = {k: (slot, k >= op.captures) for k, slot in enumerate(self.operands[: plan.fixed])}
        self.known[plan.index] = (self.b.apply("iota", size=op.size), True)
        final: dict[int, int] = {}
        for group in plan.groups:
            final.update(self._loop(group) if plan.is_loop(group) else self._delay(group[0]))
        wholes = self._all_rounds(plan.extras)
        extras = [
            slot if how == "stack" else self.b.apply("reduce_sum", slot, axes=(0,))
            for slot, how in zip(wholes, op.combine, strict=True)
        ]
        return [*(final[k] for k in range(plan.carries)), *extras]

    def _loop(self, group: tuple[int, ...]) -> dict[int, int]:
        """Run the rounds of one group of carries; their final values."""
        plan, op = self.plan, self.plan.op
        stacks = plan.stacks(group)
        starts, steps = plan.cone(plan.following(group), plan.cycles[group])
        carried = [plan.fixed + k for k in group]
        given = [slot for slot in starts if slot not in carried and slot != plan.index]
        shared = [slot for slot in given if not self.known[slot][1]]
        arrays = [slot for slot in given if self.known[slot][1]]
        entering = [*shared, *arrays, *carried, plan.index]
        body = self._part(entering, steps, [*plan.following(group), *stacks])
        results = self.b.fold(
            op.size,
            [self.known[slot][0] for slot in shared],
            [self.known[slot][0] for slot in arrays],
            [self.operands[slot] for slot in carried],
            body,
            ["stack"] * len(stacks),
            reverse=op.reverse,
        )
        self.known |= {slot: (made, True) for slot, made in zip(stacks, results[len(group) :], strict=True)}
        for k in group:
            following = op.body.outputs[k]
            if plan.fixed + k in plan.read:
                self.known[plan.fixed + k] = self._before(k, self.known[following][0]), True
        return dict(zip(group, results, strict=False))

    def _delay(self, k: int) -> dict[int, int]:
        """A carry that only hands a value to the next round needs no loop."""
        op = self.plan.op
        (whole,) = self._all_rounds([op.body.outputs[k]])
        self.known[self.plan.fixed + k] = self._before(k, whole), True
        assert isinstance(op.size, int)
        last = 0 if op.reverse else op.size - 1
        row = self._rows(whole, last, last + 1)
        return {k: self.b.apply("reshape", row, shape=self.b.array_type(whole).shape[1:])}

    def _before(self, k: int, following: int) -> int:
        """The values of a carry at the start of all rounds, from those at the end."""
        size = self.plan.op.size
        assert isinstance(size, int)
        initial = self.operands[self.plan.fixed + k]
        first = self.b.apply("reshape", initial, shape=(1, *self.b.array_type(initial).shape))
        if self.plan.op.reverse:
            return self.b.apply("concat", self._rows(following, 1, size), first, axis=0)
        return self.b.apply("concat", first, self._rows(following, 0, size - 1), axis=0)

    def _rows(self, slot: int, start: int, stop: int) -> int:
        rest = self.b.array_type(slot).shape[1:]
        return self.b.apply("slice", slot, starts=(start, *(0 for _ in rest)), limits=(stop, *rest))

    def _all_rounds(self, targets: Sequence[int]) -> list[int]:
        """Slots of the body for all rounds at once."""
        if not targets:
            return []
        starts, steps = self.plan.cone(targets)
        one = self._part(starts, steps, targets)
        sources = [self.known[slot] for slot in starts]
        whole, mapped = vmap_partial(one, tuple(on for _, on in sources), self.plan.op.size, final=True)
        slots = self.b.inline(whole, [slot for slot, _ in sources])
        return [slot if on else self._repeated(slot) for slot, on in zip(slots, mapped, strict=True)]

    def _repeated(self, slot: int) -> int:
        shape = self.b.array_type(slot).shape
        return self.b.broadcast(slot, (self.plan.op.size, *shape), tuple(range(1, len(shape) + 1)))

    def _part(self, starts: Sequence[int], steps: Sequence[int], outputs: Sequence[int]) -> Program:
        """Some steps of the body as a program from `starts` to `outputs`."""
        old = self.plan.op.body
        b = Builder(old.name, [old.types[slot] for slot in starts])
        place = {slot: k for k, slot in enumerate(starts)}
        for first in steps:
            _, step = self.plan.made[first]
            b.origin = step.origin
            for offset, slot in enumerate(b.replay(step, [place[slot] for slot in step.operands])):
                place.setdefault(first + offset, slot)
        return b.build([place[slot] for slot in outputs])
