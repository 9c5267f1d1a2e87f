"""Few rows times one large matrix: a program enters, one leaves in which such products are one where they can be.

A library of matrix products packs the matrix anew for every product, which costs as much as a product of many rows
does. Series multiply every matrix by their value and by each of their coefficients; what is known at the same time is
stacked first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...lang.builder import Builder
from ...lang.ir import Apply, Program, SlotType, Step, as_array, bodies, with_bodies
from ...lang.primitives.type_rules import parse_spec
from ...lang.sizes import product

LARGE = 1 << 18  # entries of a matrix for which packing is worth a concatenation

Key = tuple[int, bool, str]  # slot of the matrix, whether it is summed over its columns, dtype of the rows


@dataclass(frozen=True, slots=True)
class _Member:
    """A product: its step's number and result, and the slot of its rows."""

    number: int
    result: int
    rows: int


@lru_cache(maxsize=1024)
def stack(program: Program) -> Program:
    """The program with products of few rows and one large matrix stacked, in bodies too."""
    groups = _groups(program)
    firsts = {group[0].number: (key, group) for key, group in groups}
    builder = Builder(program.name, program.inputs, program.sizes)
    slots = list(range(len(program.inputs)))
    stacked: dict[int, int] = {}
    for number, step in enumerate(program.steps):
        builder.origin = step.origin
        if number in firsts:
            key, group = firsts[number]
            found = _product(builder, key, slots[key[0]], [slots[member.rows] for member in group])
            stacked |= {member.number: slot for member, slot in zip(group, found, strict=True)}
        operands = tuple(slots[slot] for slot in step.operands)
        if number in stacked:
            slots.append(stacked[number])
        elif bodies(step.op):
            op = with_bodies(step.op, tuple(stack(inner) for inner in bodies(step.op)))
            slots.extend(builder.replay(Step(op, operands, step.types, step.origin), operands))
        else:
            slots.extend(builder.replay(step, operands))
    return builder.build([slots[slot] for slot in program.outputs], program.signature)


def _groups(program: Program) -> list[tuple[Key, list[_Member]]]:
    """Products with the same matrix whose rows are all known before the first of them."""
    types = [*program.inputs, *(type_ for step in program.steps for type_ in step.types)]
    found: list[tuple[Key, list[_Member]]] = []
    open_: dict[Key, list[_Member]] = {}
    for number, (first, step) in enumerate(program.numbered()):
        key = _key(step, types)
        if key is None:
            continue
        member = _Member(number, first, step.operands[0])
        group = open_.get(key)
        if group is None or member.rows >= group[0].result:
            open_[key] = group = []
            found.append((key, group))
        group.append(member)
    return [(key, group) for key, group in found if len(group) > 1]


def _key(step: Step, types: Sequence[SlotType]) -> Key | None:
    """What products must share to be stacked; None for anything but few rows times a large matrix."""
    if not isinstance(step.op, Apply) or step.op.primitive != "einsum" or len(step.operands) != 2:
        return None
    (rows, matrix), out = parse_spec(str(step.op["spec"]))
    left, right = (types[slot] for slot in step.operands)
    shape, sides = as_array(left).shape, as_array(right).shape
    if len(matrix) != 2 or not rows or rows[-1] not in matrix or set(rows[:-1]) & set(matrix):
        return None
    summed, kept = (matrix[0], matrix[1]) if matrix[0] == rows[-1] else (matrix[1], matrix[0])
    count, entries = product(shape[:-1]), product(sides)
    if out != rows[:-1] + kept or kept == summed or not (isinstance(count, int) and isinstance(entries, int)):
        return None
    short = entries >= LARGE and count * count <= entries
    return (step.operands[1], matrix[1] == summed, as_array(left).dtype) if short else None


def _product(b: Builder, key: Key, matrix: int, rows: Sequence[int]) -> list[int]:
    """The products of all rows with the matrix, by one."""
    types = [b.array_type(slot) for slot in rows]
    counts = [product(type_.shape[:-1]) for type_ in types]
    flat = [b.apply("reshape", x, shape=(n, t.shape[-1])) for x, n, t in zip(rows, counts, types, strict=True)]
    whole = b.apply("einsum", b.apply("concat", *flat, axis=0), matrix, spec="ab,cb->ac" if key[1] else "ab,bc->ac")
    width = b.array_type(whole).shape[1]
    found, start = list[int](), 0
    for type_, count in zip(types, counts, strict=True):
        assert isinstance(count, int)
        part = b.apply("slice", whole, starts=(start, 0), limits=(start + count, width))
        found.append(b.apply("reshape", part, shape=(*type_.shape[:-1], width)))
        start += count
    return found
