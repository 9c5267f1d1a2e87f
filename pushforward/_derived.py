"""Derived programs: a first-order program enters, a program for its gradient, Jacobian or batch leaves.

Everything is written with a `Builder` around the two modes of `ad`: forward maps (x, x_dot) to (y, y_dot), reverse maps
(x, y_bar) to (y, x_bar). Structured types are kept in the signature, so results come back in the shape of the inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import factorial
from typing import Any

from . import _wire
from .lang.builder import Builder
from .lang.diagnostics import InternalError, fail, suggest
from .lang.ir import FLOAT_DTYPES, ArrayType, Program, Signature, SlotType, leaves
from .lang.types import UNIT, Array, Record, Scalar, SizeType, Tuple, Type, array, show_type


class _Nothing:
    """Where a structure of the host has no tangent it holds None."""

    def parts(self, value: Any) -> Sequence[Any]:
        return ()

    def build(self, parts: Sequence[Any]) -> None:
        return None


NOTHING = Tuple((), _Nothing())


def tangent(type_: Type) -> Type:
    """The tangent type: floats stay, integers, booleans and sizes vanish, structures follow their parts."""
    match type_:
        case Scalar(dtype):
            return type_ if dtype in FLOAT_DTYPES else UNIT
        case Array(shape, element):
            inner = tangent(element)
            return UNIT if inner == UNIT else array(shape, inner)
        case Tuple(items, node):
            if not _has_tangent(type_):
                return UNIT if node is None else NOTHING
            parts = [tangent(item) for item in items]
            return Tuple(tuple(NOTHING if node and part == UNIT else part for part in parts), node)
        case Record(fields):
            return Record(tuple((name, tangent(item)) for name, item in fields)) if _has_tangent(type_) else UNIT
        case _:
            return UNIT


def _has_tangent(type_: Type) -> bool:
    return any(isinstance(leaf, ArrayType) and leaf.is_float for leaf in leaves(type_))


def signature(program: Program) -> Signature:
    """The signature of a program; one without names gets x0, x1, …."""
    if program.signature is not None:
        return program.signature
    inputs = tuple((f"x{index}", _surface(type_)) for index, type_ in enumerate(program.inputs))
    outputs = tuple(_surface(type_) for type_ in program.output_types)
    return Signature(inputs, outputs[0] if len(outputs) == 1 else Tuple(outputs))


def _surface(type_: SlotType) -> Type:
    if not isinstance(type_, ArrayType):
        raise InternalError(f"no surface type for {type_}")
    return array(type_.shape, Scalar(type_.dtype))


def as_call(program: Program) -> Program:
    """A program with its own derivative rules as one call of it, where passes look for rules; others as they are."""
    if not program.rules:
        return program
    builder = Builder(program.name, program.inputs, program.sizes)
    return builder.build(builder.call(program, range(len(program.inputs))), signature(program))


def hidden(program: Program) -> int:
    """How many inputs stand in front of those that the signature names: arrays that a traced function closes over."""
    return len(program.inputs) - sum(len(leaves(type_)) for _, type_ in signature(program).inputs)


def slot_ranges(program: Program) -> tuple[range, ...]:
    """The slots of each input of the signature."""
    ranges, first = [], hidden(program)
    for _, type_ in signature(program).inputs:
        count = len(leaves(type_))
        ranges.append(range(first, first + count))
        first += count
    return tuple(ranges)


@dataclass(frozen=True, slots=True)
class Wrt:
    """The inputs a derivative is taken with respect to: their positions, float slots and tangent types."""

    positions: tuple[int, ...]
    active: tuple[bool, ...]
    type: Type


def select(program: Program, wrt: int | str | Sequence[int | str]) -> Wrt:
    """Resolve `wrt` (index, name or tuple of them); E184 when it names nothing differentiable."""
    inputs = signature(program).inputs
    single = isinstance(wrt, (int, str))
    positions = tuple(_position(inputs, item) for item in ((wrt,) if isinstance(wrt, (int, str)) else wrt))
    if len(set(positions)) != len(positions):
        raise fail("E184", "an input is named twice in wrt", hint="name each input once")
    active = [False] * len(program.inputs)
    ranges = slot_ranges(program)
    for position in positions:
        name, type_ = inputs[position]
        if isinstance(type_, SizeType) or tangent(type_) == UNIT:
            raise fail("E184", f"the input `{name}: {show_type(type_)}` has no derivative", hint="only floats have one")
        for slot in ranges[position]:
            leaf = program.inputs[slot]
            active[slot] = isinstance(leaf, ArrayType) and leaf.is_float
    types = tuple(tangent(inputs[position][1]) for position in positions)
    return Wrt(positions, tuple(active), types[0] if single else Tuple(types))


def _position(inputs: Sequence[tuple[str, Type]], item: int | str) -> int:
    names = [name for name, _ in inputs]
    if isinstance(item, str) and item in names:
        return names.index(item)
    if isinstance(item, int) and -len(names) <= item < len(names):
        return item % len(names)
    raise fail(
        "E184",
        f"there is no input {item!r} to differentiate by",
        actual=", ".join(names) or "no inputs",
        hint=(suggest(item, names) if isinstance(item, str) else None) or "give the name or the position of an input",
    )


def _slots(program: Program, wrt: Wrt) -> tuple[int, ...]:
    """The active slots in the order of `wrt`."""
    ranges = slot_ranges(program)
    return tuple(slot for position in wrt.positions for slot in ranges[position] if wrt.active[slot])


def gradient(
    program: Program, wrt: Wrt, *, has_aux: bool = False, with_value: bool = False, memory: int | None = None
) -> Program:
    """x -> gradient (with `with_value`: (value, gradient); with `has_aux` the rest of the result comes along)."""
    own = signature(program)
    aux = _aux_type(program, own.output, has_aux)
    slots = _slots(program, wrt)
    if with_value:
        both = _wire.value_and_gradient(program, slots, memory)
        return replace(both, signature=Signature(own.inputs, Tuple((own.output, wrt.type))))
    if not has_aux:
        return replace(_wire.gradient(program, slots, memory), signature=Signature(own.inputs, wrt.type))
    both = _wire.value_and_gradient(program, slots, memory)
    count = len(program.outputs)
    kept = _wire.select_outputs(both, (*range(count, len(both.outputs)), *range(1, count)))
    return replace(kept, signature=Signature(own.inputs, Tuple((wrt.type, aux))))


def _aux_type(program: Program, output: Type, has_aux: bool) -> Type:
    """Check that there is one float to differentiate; the type of what comes beside it."""
    head, rest = output, UNIT
    if has_aux:
        if not isinstance(output, Tuple) or len(output.items) != 2:
            raise fail(
                "E185",
                f"has_aux needs a pair (value, aux), but `{program.name}` gives {show_type(output)}",
                hint="leave has_aux out, or let the definition give a pair",
            )
        head, rest = output.items
    if not (isinstance(head, Scalar) and head.dtype in FLOAT_DTYPES):
        raise fail(
            "E185",
            f"a gradient needs one float result, but `{program.name}` gives {show_type(head)}",
            hint="the first of the pair must be one float" if has_aux else "use jacobian for several results",
        )
    return rest


def packed(types: Sequence[Type]) -> Type:
    """One type for a list of arguments: itself when alone, else the tuple."""
    return types[0] if len(types) == 1 else Tuple(tuple(types))


def forward(program: Program) -> Program:
    """(x, x_dot) -> (y, y_dot), where x is the tuple of inputs when there are several."""
    result = _wire.forward(program, _float_slots(program))
    return replace(result, signature=pushed_signature(signature(program)))


def pushed_signature(own: Signature) -> Signature:
    """Names and types of a pushforward."""
    types = [type_ for _, type_ in own.inputs]
    name = own.inputs[0][0] if len(own.inputs) == 1 else "x"
    inputs = ((name, packed(types)), (f"{name}_dot", tangent(packed(types))))
    return Signature(inputs, Tuple((own.output, tangent(own.output))))


def reverse(program: Program) -> Program:
    """(x, y_bar) -> (y, x_bar), where x is the tuple of inputs when there are several."""
    own = signature(program)
    types = [type_ for _, type_ in own.inputs]
    name = own.inputs[0][0] if len(own.inputs) == 1 else "x"
    inputs = ((name, packed(types)), ("y_bar", tangent(own.output)))
    result = _wire.reverse(program, _float_slots(program))
    return replace(result, signature=Signature(inputs, Tuple((own.output, tangent(packed(types))))))


def jet(program: Program, order: int, given: Sequence[Sequence[int]], *, derivatives: bool = False) -> Program:
    """(x, series) -> (y, (y1, …)); `given` lists per input the orders of the coefficients that the series hold.

    With `derivatives` series hold derivatives of the curve, which are k! times as large.
    """
    own, ranges = signature(program), slot_ranges(program)
    types = [type_ for _, type_ in own.inputs]
    orders: list[tuple[int, ...]] = [()] * len(program.inputs)
    floats = _float_slots(program)
    for slots, numbers in zip(ranges, given, strict=True):
        for slot in slots:
            orders[slot] = tuple(numbers) if floats[slot] else ()
    inner = _wire.jet(program, order, tuple(orders))
    places, count = dict[tuple[int, int], int](), len(program.inputs)
    for slots, numbers in zip(ranges, given, strict=True):
        for number in numbers:
            for slot in slots:
                if floats[slot]:
                    places[slot, number] = count + len(places)
    moving = [program.inputs[slot] for slot, _ in places]
    builder = Builder(f"jet_{program.name}", [*program.inputs, *moving], program.sizes)
    operands = [
        _times(builder, places[slot, number], 1 / factorial(number) if derivatives else 1)
        for slot, numbers in enumerate(orders)
        for number in numbers
    ]
    results = builder.inline(inner, [*range(count), *operands])
    split = len(program.outputs)
    ordered = [
        _times(builder, slot, factorial(number + 1) if derivatives else 1)
        for number in range(order)
        for slot in results[split + number :: order]
    ]
    series = Tuple(tuple(Tuple((tangent(type_),) * len(numbers)) for type_, numbers in zip(types, given, strict=True)))
    inputs = ((own.inputs[0][0] if len(types) == 1 else "x", packed(types)), ("series", series))
    output = Tuple((own.output, Tuple((tangent(own.output),) * order)))
    return builder.build([*results[:split], *ordered], Signature(inputs, output))


def _times(builder: Builder, slot: int, factor: float) -> int:
    return slot if factor == 1 else builder.apply("mul", builder.constant(factor, builder.array_type(slot).dtype), slot)


def _float_slots(program: Program) -> tuple[bool, ...]:
    first = hidden(program)
    return tuple(
        slot >= first and isinstance(type_, ArrayType) and type_.is_float for slot, type_ in enumerate(program.inputs)
    )


def jacobian(program: Program, wrt: Wrt, *, sparse: bool = False) -> Program:
    """x -> Jacobian: every float array of the result, of shape S, becomes [S] of the shape of x.

    `sparse` compresses it by its pattern, which takes known sizes; while sizes are open it is dense.
    """
    own = signature(program)
    builder = Builder(f"jacobian_{program.name}", program.inputs, program.sizes)
    inputs = range(len(program.inputs))
    by_slot = _wire.compressed_jacobian if sparse and not program.sizes else _wire.jacobian
    columns = [builder.inline(by_slot(program, slot), inputs) for slot in _slots(program, wrt)]
    rows = [column[index] for index in range(len(columns[0])) for column in columns]
    return builder.build(rows, Signature(own.inputs, _jacobian_type(own.output, wrt.type)))


def sparsity(program: Program, wrt: Wrt) -> str:
    """How the Jacobian of a program at known sizes is compressed, as text: a paragraph per array of the inputs."""
    if program.sizes:
        name = program.sizes[0]
        raise fail("E166", f"a sparsity pattern needs the size `{name}`", hint=f"give it: {name}=10")
    ranges, names = slot_ranges(program), [name for name, _ in signature(program).inputs]
    parts: list[str] = []
    for position in wrt.positions:
        active = [slot for slot in ranges[position] if wrt.active[slot]]
        for number, slot in enumerate(active):
            title = names[position] if len(active) == 1 else f"{names[position]}, array {number}"
            parts.append(f"{program.name} by {title}\n{_wire.compression(program, slot)}")
    return "\n".join(parts)


def _jacobian_type(output: Type, inner: Type) -> Type:
    match output:
        case Scalar(dtype):
            return inner if dtype in FLOAT_DTYPES else UNIT
        case Array(shape, Scalar(dtype)):
            return array(shape, inner) if dtype in FLOAT_DTYPES else UNIT
        case Array(shape, element):
            return array(shape, _jacobian_type(element, inner))
        case Tuple(items, node):
            return Tuple(tuple(_jacobian_type(item, inner) for item in items), node)
        case Record(fields):
            return Record(tuple((name, _jacobian_type(item, inner)) for name, item in fields))
        case _:
            return UNIT
