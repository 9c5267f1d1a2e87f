"""Sums of products: a sum over axes of a slot enters, an einsum that never builds the product leaves, where it pays.

A slot is taken apart into the factors of the product that it is, through broadcasts, transpositions, signs and other
einsums; factors whose letters lie inside those of another are multiplied, and what stays apart is contracted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...lang import primitives
from ...lang.builder import Builder
from ...lang.ir import Apply, ArrayType, Step
from ...lang.sizes import Size, product
from .effort import elements
from .places import is_zero, scatter_add_at

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of a product and the letters its axes run over."""

    slot: int
    letters: str


def sum_of(b: Builder, x: int, axes: tuple[int, ...]) -> int | None:
    """The sum of a slot over axes without storing the product it is, or None when a plain sum is best."""
    type_ = b.array_type(x)
    if not (type_.is_float or type_.dtype == "i64") or type_.rank > 40 or not axes:
        return None
    inside = _sum_inside(b, x, axes)
    if inside is not None:
        return inside
    letters = LETTERS[: type_.rank]
    sizes = dict(zip(letters, type_.shape, strict=True))
    output = "".join(letter for axis, letter in enumerate(letters) if axis not in axes)
    negative, factors = _factors(b, x, letters, sizes)
    groups = _matrix_times_vector(b, factors, sizes, output) or _groups(b, factors, sizes)
    if not output and len(groups) == 1:
        groups = _inner_product(b, groups[0])
    present = set("".join(group.letters for group in groups))
    absent = [letter for letter in letters if letter not in present]
    repeated = [letter for letter in absent if letter not in output]
    if not (repeated or (len(groups) > 1 and _pays(b, groups, output))):
        return None
    kept = "".join(letter for letter in output if letter in present)
    slot = _emit(b, groups, kept)
    if repeated:
        slot = b.apply("mul", slot, count_of(b, product(tuple(sizes[letter] for letter in repeated)), type_.dtype))
    slot = b.apply("neg", slot) if negative else slot
    return b.broadcast(slot, tuple(sizes[letter] for letter in output), tuple(output.index(c) for c in kept))


def count_of(b: Builder, size: Size, dtype: str) -> int:
    """A size as a number of a dtype."""
    count = b.size(size)
    if isinstance(size, int):
        return b.constant(size, dtype)
    return count if dtype == "i64" else b.apply("convert", count, dtype=dtype)


def _factors(b: Builder, slot: int, letters: str, sizes: dict[str, Size]) -> tuple[bool, list[Factor]]:
    """The factors of a slot whose axes run over `letters`, and whether their product is negated."""
    step = b.definition(slot)
    if step is None or not isinstance(step.op, Apply):
        return False, [Factor(slot, letters)]
    op, x = step.op, step.operands
    match op.primitive:
        case "broadcast" | "transpose":
            return _factors(b, x[0], letters_inside(op, letters), sizes)
        case "neg":
            negative, found = _factors(b, x[0], letters, sizes)
            return not negative, found
        case "mul" if x[0] != x[1]:
            parts = [_factors(b, y, letters if b.array_type(y).shape else "", sizes) for y in x]
            found = [*parts[0][1], *parts[1][1]]
            if all(set(factor.letters) == set(letters) for factor in found):
                return False, [Factor(slot, letters)]  # nothing is repeated: keep the product as it stands
            return parts[0][0] != parts[1][0], found
        case "einsum":
            return False, _outer_factors(b, op, x, letters) or [Factor(slot, letters)]
        case _:
            return False, [Factor(slot, letters)]


def letters_inside(op: Apply, letters: str) -> str:
    """The letters of what a broadcast or a transposition is of."""
    axes = op.integers("axes")
    if op.primitive == "broadcast":
        return "".join(letters[axis] for axis in axes)
    inner = dict(zip(axes, letters, strict=True))
    return "".join(inner[axis] for axis in range(len(axes)))


def _outer_factors(b: Builder, op: Apply, x: tuple[int, ...], letters: str) -> list[Factor] | None:
    """The operands of an einsum, with fresh letters for its own sums."""
    inputs, output = str(op["spec"]).split("->")
    if set(inputs) - set(output) - {","}:
        return None
    names = dict(zip(output, letters, strict=True))
    return [
        Factor(slot, "".join(names[letter] for letter in term)) for term, slot in zip(inputs.split(","), x, strict=True)
    ]


def _groups(b: Builder, factors: Sequence[Factor], sizes: dict[str, Size]) -> list[Factor]:
    """Multiply factors into larger ones that cover their letters; what stays apart has letters of its own."""
    ordered = sorted(factors, key=lambda factor: -len(factor.letters))
    groups: list[Factor] = []
    for factor in ordered:
        holders = [place for place, group in enumerate(groups) if set(factor.letters) <= set(group.letters)]
        if not holders:
            groups.append(factor)
            continue
        place = min(holders, key=lambda at: elements([b.array_type(groups[at].slot)]))
        groups[place] = _times(b, groups[place], factor, sizes)
    return groups


def _matrix_times_vector(
    b: Builder, factors: Sequence[Factor], sizes: dict[str, Size], output: str
) -> list[Factor] | None:
    """A stored array times something smaller with a summed letter: two groups, when everything else is inside those."""
    large, *rest = sorted(factors, key=lambda factor: -len(factor.letters))
    if not rest or _is_computed(b, large.slot):
        return None
    small = _groups(b, rest, sizes)
    inside = len(small) == 1 and set(small[0].letters) < set(large.letters)
    return [large, *small] if inside and set(small[0].letters) - set(output) else None


def _inner_product(b: Builder, group: Factor) -> list[Factor]:
    """The sum of all products of two stored arrays of one shape is an inner product."""
    step = b.definition(group.slot)
    if step is None or not isinstance(step.op, Apply) or step.op.primitive != "mul":
        return [group]
    stored = [slot for slot in step.operands if b.array_type(slot).shape and not _is_computed(b, slot)]
    return [Factor(slot, group.letters) for slot in stored] if len(stored) == 2 else [group]


def _times(b: Builder, large: Factor, small: Factor, sizes: dict[str, Size]) -> Factor:
    """The product on the letters of the larger factor."""
    slot = small.slot
    if small.letters:
        order = sorted(range(len(small.letters)), key=lambda axis: large.letters.index(small.letters[axis]))
        slot = b.apply("transpose", slot, axes=tuple(order))
        places = tuple(sorted(large.letters.index(letter) for letter in small.letters))
        slot = b.broadcast(slot, b.array_type(large.slot).shape, places)
    if not small.letters and _is_one(b, slot):
        return large
    return Factor(b.apply("mul", large.slot, slot), large.letters)


def _is_one(b: Builder, slot: int) -> bool:
    known = b.scalar(slot)
    return known is not None and known == 1


def _pays(b: Builder, groups: Sequence[Factor], output: str) -> bool:
    """Whether an einsum beats a fused multiply and sum.

    Always when each side has letters of its own. Otherwise the larger side is read once: an einsum wins when it lies in
    memory, and a fused loop when it is being computed element by element and would have to be stored first.
    """
    if len(groups) != 2:
        return True
    if not output and groups[0].letters == groups[1].letters:
        return True
    left, right = (set(group.letters) for group in groups)
    kept = set(output)
    if not (left & right - kept):
        return True  # each side can be summed by itself first
    if left - right and right - left:
        return True
    larger = max(groups, key=lambda group: elements([b.array_type(group.slot)]))
    return not _is_computed(b, larger.slot)


def _is_computed(b: Builder, slot: int) -> bool:
    step = b.definition(slot)
    return step is not None and isinstance(step.op, Apply) and primitives.get(step.op.primitive).elementwise


def _emit(b: Builder, groups: Sequence[Factor], output: str) -> int:
    if len(groups) == 1:
        (group,) = groups
        axes = tuple(axis for axis, letter in enumerate(group.letters) if letter not in output)
        slot = b.apply("reduce_sum", group.slot, axes=axes)
        left = [letter for letter in group.letters if letter in output]
        return b.apply("transpose", slot, axes=tuple(left.index(letter) for letter in output))
    spec = ",".join(group.letters for group in groups) + "->" + output
    return b.apply("einsum", *(group.slot for group in groups), spec=spec)


# --- other sums ------------------------------------------------------------------------------------------------------


def _sum_inside(b: Builder, x: int, axes: tuple[int, ...]) -> int | None:
    """The sum taken into what made the slot: an einsum, a sum or difference of such, a lane-by-lane scatter-add."""
    step = b.definition(x)
    if step is None or not isinstance(step.op, Apply):
        return None
    match step.op.primitive:
        case "einsum":
            return _sum_of_einsum(b, step, axes)
        case "neg":
            part = sum_of(b, step.operands[0], axes)
            return None if part is None else b.apply("neg", part)
        case "mul":
            return _sum_of_multiple(b, step, axes)
        case "add" | "sub" as name:
            if any(b.array_type(slot).shape != b.array_type(x).shape for slot in step.operands):
                return None
            parts = [sum_of(b, slot, axes) for slot in step.operands]
            known = [part for part in parts if part is not None]
            return b.apply(name, *known) if len(known) == 2 else None
        case "scatter_add":
            return _sum_of_scatters(b, step, axes)
        case _:
            return None


def _sum_of_einsum(b: Builder, step: Step, axes: tuple[int, ...]) -> int:
    assert isinstance(step.op, Apply)
    inputs, output = str(step.op["spec"]).split("->")
    left = "".join(letter for axis, letter in enumerate(output) if axis not in axes)
    return b.apply("einsum", *step.operands, spec=f"{inputs}->{left}")


def _sum_of_multiple(b: Builder, step: Step, axes: tuple[int, ...]) -> int | None:
    """A number times something that can be summed inside."""
    for number, other in (step.operands, step.operands[::-1]):
        if not b.array_type(number).shape:
            part = sum_of(b, other, axes)
            return None if part is None else b.apply("mul", number, part)
    return None


def _sum_of_scatters(b: Builder, step: Step, axes: tuple[int, ...]) -> int | None:
    """Scatter-adds whose leading index is the number of the lane, summed over lanes: one scatter-add."""
    assert isinstance(step.op, Apply)
    base, values, *indices = step.operands
    if axes != (0,) or len(indices) < 2 or not _is_lane_number(b, indices[0]) or not is_zero(b, base):
        return None
    zeros, places = b.zeros(_without_first(b.array_type(base))), tuple(indices[1:])
    known = scatter_add_at(b, step.op, zeros, values, places)
    return known if known is not None else b.apply("scatter_add", zeros, values, *places, **dict(step.op.params))


def _without_first(type_: ArrayType) -> ArrayType:
    return type_.with_shape(type_.shape[1:])


def _is_lane_number(b: Builder, slot: int) -> bool:
    step = b.definition(slot)
    if step is not None and isinstance(step.op, Apply) and step.op.primitive == "broadcast":
        if step.op["axes"] != (0,):
            return False
        step = b.definition(step.operands[0])
    return step is not None and isinstance(step.op, Apply) and step.op.primitive == "iota"
