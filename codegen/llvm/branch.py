"""Choices: operands of a `Branch` enter, its arms are written, results leave.

Where lanes differ, all arms run, and each lane takes what its own one gives.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from ...lang.ir import ArrayType, Branch
from . import steps
from .code import Code, Number, lanes_of
from .memory import Stored, Target, Value, Variable, allocate, deliver, read, variable, write
from .results import settled


def branch(
    code: Code, op: Branch, operands: list[Value], types: Sequence[ArrayType], goals: Sequence[Target | None]
) -> Sequence[Value]:
    """One arm; where lanes differ, all arms, of which each lane takes its own."""
    selector = read(code, operands[0])
    captures = settled(code, operands[1:])
    if lanes_of(selector):
        return _blend(code, op, selector, captures, types)
    places = [
        variable(code, t.dtype)
        if not t.shape
        else goal.place
        if goal and not goal.adds
        else allocate(code, t, number=number)
        for number, (t, goal) in enumerate(zip(types, goals, strict=True))
    ]
    blocks = [code.b.append_basic_block("arm") for _ in op.arms]
    after = code.b.append_basic_block("after")
    _jump(code, selector, blocks)
    for block, arm in zip(blocks, op.arms, strict=True):
        code.b.position_at_end(block)
        code.unit.buffers.open()
        targets = [Target(place) if isinstance(place, Stored) else None for place in places]
        found = steps.run(code, arm, captures, targets)
        for place, value in zip(places, found, strict=True):
            if isinstance(place, Variable):
                place.set(read(code, value))
        code.unit.buffers.close()
        code.b.branch(after)
    code.b.position_at_end(after)
    return [place.get() if isinstance(place, Variable) else place for place in places]


def _jump(code: Code, selector: Number, blocks: Sequence[ir.Block]) -> None:
    if selector.type == ir.IntType(1):
        code.b.cbranch(selector, blocks[1], blocks[0])
        return
    switch = code.b.switch(selector, blocks[-1])
    for k, block in enumerate(blocks[:-1]):
        switch.add_case(ir.Constant(selector.type, k), block)


def _blend(
    code: Code, op: Branch, selector: Number, captures: Sequence[Value], types: Sequence[ArrayType]
) -> Sequence[Value]:
    inside = code.guard()
    results: list[Value] = []
    for k, arm in enumerate(op.arms):
        found = steps.run(inside, arm, captures)
        if not k:
            results = [_own(code, t, value, n) for n, (t, value) in enumerate(zip(types, found, strict=True))]
            continue
        mine = (
            selector
            if selector.type.element == ir.IntType(1)
            else code.b.icmp_signed("==", selector, code.literal(k, selector.type))
        )
        for place, (t, value) in enumerate(zip(types, found, strict=True)):
            results[place] = _mixed(code, mine, t, value, results[place])
    return results


def _own(code: Code, type_: ArrayType, value: Value, number: int) -> Value:
    if not type_.shape:
        return read(code, value)
    target = Target(allocate(code, type_, number=number))
    deliver(code, value, target)
    return target.place


def _mixed(code: Code, mine: Number, type_: ArrayType, yes: Value, no: Value) -> Value:
    if not type_.shape:
        return code.select(mine, read(code, yes), read(code, no))
    assert isinstance(no, Stored)
    code.loops(no.shape, lambda at: write(code, no, at, code.select(mine, read(code, yes, at), read(code, no, at))))
    return no
