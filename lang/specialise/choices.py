"""Choices: a known selector takes its arm, any other becomes a `Branch` whose arms give results of one form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..builder import Builder
from ..elaborate.scope import drop_unread
from ..ir import Branch, Inject, Program, Step
from .borders import Values, array_slots, enter, packed
from .limits import CROSSING
from .values import Node, Shape, Union, join, shape_of, types_of, unpack

if TYPE_CHECKING:
    from .machine import Machine

Writer = Callable[[Builder, Values], Values]


def branch(machine: Machine, builder: Builder, step: Step, operands: Values) -> Values:
    assert isinstance(step.op, Branch)
    selector, captured, arms = operands[0], operands[1:], step.op.arms
    if isinstance(selector, Node):
        assert isinstance(selector.head, Inject)
        return machine.run(builder, arms[selector.head.tag], [*captured, *selector.children])
    if isinstance(selector, Union):
        groups = [[] if case is None else [*captured, *case.children] for case in selector.cases]
        writers = [
            None if case is None else _replays(machine, arm) for case, arm in zip(selector.cases, arms, strict=True)
        ]
        return choose(machine, builder, selector.selector, groups, writers)
    known = builder.scalar(selector)
    if known is not None and 0 <= int(known) < len(arms):
        return machine.run(builder, arms[int(known)], captured)
    if machine.is_plain(step, captured):
        return list(builder.replay(step, [selector, *array_slots(captured)]))
    return choose(machine, builder, selector, [captured] * len(arms), [_replays(machine, arm) for arm in arms])


def _replays(machine: Machine, arm: Program) -> Writer:
    return lambda inner, values: machine.run(inner, arm, values)


def invoke_union(machine: Machine, builder: Builder, function: Union, arguments: Values) -> Values:
    def writer(case: Node | None) -> Writer | None:
        if case is None:
            return None
        width = len(case.children)

        def write(inner: Builder, values: Values) -> Values:
            return machine.invoke(inner, Node(case.head, case.type, tuple(values[:width])), values[width:])

        return write

    groups: list[Values] = [[] if case is None else [*case.children, *arguments] for case in function.cases]
    return choose(machine, builder, function.selector, groups, [writer(case) for case in function.cases])


def choose(
    machine: Machine, builder: Builder, selector: int, groups: Sequence[Values], writers: Sequence[Writer | None]
) -> Values:
    """A `Branch` whose arms are written by functions, each over its own group of captured values.

    Results of the arms are brought into one form; a None writer is an arm that cannot run.
    """
    possible = [place for place, writer in enumerate(writers) if writer is not None]
    if len(possible) == 1:
        writer = writers[possible[0]]
        assert writer is not None
        return writer(builder, groups[possible[0]])
    everything = [value for group in groups for value in group]
    opened = [enter(builder, everything, "arm", ()) for _ in writers]
    captures = opened[0].captures
    results: list[Values] = []
    start = 0
    for inner, group, writer in zip(opened, groups, writers, strict=True):
        if writer is not None:
            results.append(writer(inner.builder, inner.values[start : start + len(group)]))
        start += len(group)
    shapes = _common(machine, [opened[place].builder for place in possible], results)
    machine.budget.step(builder.origin, CROSSING * sum(len(types_of(shape)) for shape in shapes))
    waiting = iter(results)
    programs = []
    for inner, writer in zip(opened, writers, strict=True):
        outputs = packed(inner.builder, shapes, None if writer is None else next(waiting))
        programs.append(inner.builder.build(outputs))
    kept, trimmed = drop_unread(programs, len(captures))
    slots = iter(builder.branch(selector, [captures[place] for place in kept], trimmed))
    return [unpack(shape, slots) for shape in shapes]


def _common(machine: Machine, builders: Sequence[Builder], results: Sequence[Values]) -> list[Shape]:
    shapes: list[Shape] = []
    for place in range(len(results[0])):
        found = shape_of(builders[0], results[0][place])
        for builder, values in zip(builders[1:], results[1:], strict=True):
            found = join(found, shape_of(builder, values[place]), machine.tags)
        shapes.append(found)
    return shapes
