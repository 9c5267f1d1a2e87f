"""Triangles made visible: a first-order program enters, the same with `triangle` beside products of matrices leaves.

Where a matrix is zero above or below its diagonal by construction, `triangle` in front of a product says so; where only
one half of a product is ever read, `triangle` behind it says so. Neither changes a result. The code for products then
leaves out the other half, except for what an infinity or a NaN would make of its zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ...lang.builder import Builder
from ...lang.ir import Apply, Branch, Each, Fold, Op, Program, Step, as_array, bodies, with_bodies
from ...lang.primitives.type_rules import parse_spec
from .known import UNKNOWN, Fact, Read, arm_wanted, facts, inside, inside_wanted, reads


@lru_cache(maxsize=512)
def triangles(program: Program) -> Program:
    """The program with triangles marked, in bodies too."""
    if not _multiplies(program):
        return program
    return _marked(program, [UNKNOWN] * len(program.inputs), [None] * len(program.outputs), 0)


@lru_cache(maxsize=4096)
def _multiplies(program: Program) -> bool:
    return any(_is_product(step) or any(map(_multiplies, bodies(step.op))) for step in program.steps)


def _is_product(step: Step) -> bool:
    return isinstance(step.op, Apply) and step.op.primitive == "einsum"


def _marked(program: Program, inputs: Sequence[Fact], wanted: Sequence[Read], depth: int) -> Program:
    known = facts(program, inputs, depth)
    read = reads(program, known, wanted, depth)
    b = Builder(program.name, program.inputs, program.sizes)
    slots = list(range(len(program.inputs)))
    for first, step in program.numbered():
        b.origin = step.origin
        operands = [slots[slot] for slot in step.operands]
        given = [known[slot] for slot in step.operands]
        if _is_product(step) and isinstance(step.op, Apply):
            operands = [_half(b, slot, _zero_side(fact, depth)) for slot, fact in zip(operands, given, strict=True)]
            (product,) = b.replay(step, operands)
            unread = None if _sums(step.op) else _unread_side(read[first], as_array(step.types[0]).rank, depth)
            slots.append(_half(b, product, unread))
            continue
        op = _marked_bodies(step.op, given, read[first : first + len(step.types)], depth)
        slots.extend(b.replay(Step(op, step.operands, step.types, step.origin), operands))
    return b.build([slots[slot] for slot in program.outputs], program.signature, program.rules)


def _marked_bodies(op: Op, given: Sequence[Fact], results: Sequence[Read], depth: int) -> Op:
    if not any(map(_multiplies, bodies(op))):
        return op
    match op:
        case Each():
            return with_bodies(
                op, (_marked(op.body, inside(op, given, depth), inside_wanted(op, results, depth), depth + 1),)
            )
        case Fold(body=body, condition=None):
            return with_bodies(op, (_marked(body, inside(op, given, depth), [None] * len(body.outputs), depth + 1),))
        case Branch(arms):
            return Branch(
                tuple(
                    _marked(arm, given[1:], arm_wanted(op, number, given[0], results), depth)
                    for number, arm in enumerate(arms)
                )
            )
        case _:
            return op


def _sums(op: Apply) -> bool:
    """Whether a product adds anything up."""
    terms, output = parse_spec(str(op["spec"]))
    return any(letter not in output for term in terms for letter in term)


def _half(b: Builder, slot: int, lower: bool | None) -> int:
    type_ = b.array_type(slot)
    if lower is None or type_.rank != 2 or 1 in type_.shape:
        return slot
    return b.apply("triangle", slot, lower=lower, offset=0)


def _zero_side(fact: Fact, depth: int) -> bool | None:
    """Whether a matrix is zero above its diagonal (True, a lower triangle) or below it (False) in all rounds."""
    if fact.zero is None or fact.zero.ndim != depth + 2:
        return None
    return _side(np.asarray(fact.zero.all(axis=tuple(range(depth)))))


def _unread_side(read: Read, rank: int, depth: int) -> bool | None:
    if read is None or rank != 2:
        return None
    return _side(~np.asarray(read.any(axis=tuple(range(depth)))))


def _side(empty: np.ndarray) -> bool | None:
    """Which side of the diagonal is empty: above (True), below (False), or neither. A side without a place is none."""
    if 1 in empty.shape:
        return None
    row, column = np.indices(empty.shape)
    if empty[column > row].all():
        return True
    return False if empty[column < row].all() else None
