"""Arrays in memory and arrays still to be computed: indices enter, loads and stores leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from llvmlite import ir

from ...lang.diagnostics import InternalError, fail
from ...lang.ir import ArrayType
from ...lang.sizes import Size
from .code import Code, Number, lanes_of
from .dtypes import is_float, llvm_type, memory_type, width

Indices = tuple[Number, ...]


def known(size: Size) -> int:
    """A size, which is known by now."""
    if not isinstance(size, int):
        raise InternalError(f"size {size} is not known at lowering")
    return size


def lengths(type_: ArrayType) -> tuple[int, ...]:
    """The shape."""
    return tuple(map(known, type_.shape))


def count(shape: Sequence[int]) -> int:
    """How many elements a shape has."""
    total = 1
    for size in shape:
        total *= size
    return total


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides of a dense array, the last axis innermost.

    >>> row_major((2, 3, 4))
    (12, 4, 1)
    """
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


@dataclass(frozen=True)
class Stored:
    """An array in memory: element `i` stands `sum of i_k strides_k` elements behind `pointer`.

    In lanes each one may have an array of its own: `spread` holds how many elements further it begins in each lane, and
    `packed` says that this is 0, 1, 2, … `valid` tells where the array exists; reads give NaN (0) where it does not.
    """

    type: ArrayType
    pointer: Number
    strides: tuple[int, ...]
    spread: Number | None = None
    packed: bool = False
    valid: Number | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return lengths(self.type)

    @property
    def dense(self) -> bool:
        """Whether the elements stand in row-major order without gaps, so that any reshape is a view."""
        unit = self.strides[-1] if self.strides else 1
        return self.strides == tuple(unit * step for step in row_major(self.shape))


@dataclass(frozen=True)
class Computed:
    """An array whose elements are computed where they are read. `free` says that reading one costs next to nothing,
    `zero` that all of them are 0, `half` that a matrix is 0 on one side of its diagonal."""

    type: ArrayType
    at: Callable[[Code, Indices], Number]
    free: bool = False
    zero: bool = False
    half: Half | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return lengths(self.type)


@dataclass(frozen=True)
class Left:
    """A number that a part of a long program leaves for the parts behind it, so many bytes into a block of memory."""

    type: ArrayType
    place: int
    block: int = 0


@dataclass(frozen=True)
class Half:
    """A triangular matrix: 0 above the diagonal if `lower`, else 0 below it; `inside` holds the rest."""

    lower: bool
    inside: Stored | Computed


Array = Stored | Computed
Value = Number | Stored | Computed


@dataclass(frozen=True)
class Target:
    """Where a result goes: it replaces what is there, or is added. `fresh` tells the lanes that count in a sum; memory
    for sums may have fewer lanes, `folded`, over which all of them are spread."""

    place: Stored
    adds: bool = False
    fresh: Number | None = None
    folded: int = 0

    def at(self, place: Stored) -> Target:
        return replace(self, place=place)


def allocate(code: Code, type_: ArrayType, role: str = "result", number: int = 0) -> Stored:
    """Memory for an array; one per lane in code for lanes. `role` and `number` say what for, as in `Held`."""
    shape, lanes = lengths(type_), code.lanes
    size = count(shape) * width(type_.dtype) * max(lanes, 1)
    strides = tuple(step * max(lanes, 1) for step in row_major(shape))
    unit, element = code.unit, memory_type(type_.dtype)
    stack = unit.buffers.on_stack(size)
    if stack:
        pointer: Number = unit.variable(element, max(count(shape) * max(lanes, 1), 1), 64)
    else:
        region = unit.buffers.take(size)
        if region is None:
            raise fail(
                "E146",
                "the program keeps more long intermediate arrays at once than native code has regions for",
                hint='use backend="xla", or "auto"',
            )
        pointer = region
    unit.buffers.note(size, type_, lanes, role, number, stack=stack)
    return Stored(type_, pointer, strides, packed=bool(lanes))


def read(code: Code, x: Value | Left, indices: Indices = ()) -> Number:
    """The number at a place; in every lane its own where the array or an index varies."""
    if isinstance(x, Computed):
        return x.at(code, indices)
    if isinstance(x, Left):
        return read(code, left_at(code, x))
    if not isinstance(x, Stored):
        return x
    place = code.offset(indices, x.strides)
    kind = memory_type(x.type.dtype)
    if x.packed and not lanes_of(place):
        found = _load(code, _at(code, x, place), ir.VectorType(kind, code.lanes), width(x.type.dtype))
    else:
        spread = code.lane_numbers() if x.packed else x.spread
        if spread is not None:
            place = code.plus(place, spread)
        found = code.each_lane(lambda one: _load(code, _at(code, x, one), kind, width(x.type.dtype)), place)
    if x.type.dtype == "bool":
        found = code.b.icmp_unsigned("!=", found, code.literal(0, found.type))
    return found if x.valid is None else code.select(x.valid, found, missing(code, x.type.dtype))


def left_at(code: Code, x: Left) -> Stored:
    """The place of a number that parts share."""
    return Stored(x.type, code.at(code.unit.blocks[x.block], "uint8", x.place), ())


def missing(code: Code, dtype: str) -> Number:
    """What a read out of range gives: NaN, 0 for whole numbers."""
    return code.literal(float("nan") if is_float(dtype) else 0, llvm_type(dtype))


def write(code: Code, x: Stored, indices: Indices, value: Number) -> None:
    """Put a number in a place."""
    place = code.offset(indices, x.strides)
    kind = memory_type(x.type.dtype)
    if x.type.dtype == "bool":
        wide = ir.VectorType(kind, lanes_of(value)) if lanes_of(value) else kind
        value = code.b.zext(value, wide)
    size = width(x.type.dtype)
    if x.packed and not lanes_of(place):
        _store(code, code.splat(value, code.lanes), _at(code, x, place), size)
        return
    spread = code.lane_numbers() if x.packed else x.spread
    if spread is not None:
        place = code.plus(place, spread)
    if not lanes_of(place):
        if lanes_of(value):
            raise InternalError("numbers that differ between lanes have one place")
        _store(code, value, _at(code, x, place), size)
        return
    for lane in range(lanes_of(place)):
        at = ir.Constant(ir.IntType(32), lane)
        one = code.b.extract_element(value, at) if lanes_of(value) else value
        _store(code, one, _at(code, x, code.b.extract_element(place, at)), size)


def put(code: Code, target: Target, indices: Indices, value: Number) -> None:
    """A number goes where a target says."""
    if target.adds:
        if target.fresh is not None:
            value = code.select(target.fresh, value, code.literal(0, value.type))
        if target.folded:
            _fold(code, target, code.offset(indices, target.place.strides), value)
            return
        value = code.add(read(code, target.place, indices), value)
    write(code, target.place, indices, value)


def _fold(code: Code, target: Target, place: Number, value: Number) -> None:
    """Add the lanes of a number to the fewer lanes of a sum."""
    x, lanes = target.place, target.folded
    kind, size = llvm_type(x.type.dtype), width(x.type.dtype)
    if not lanes_of(place):
        pointer, wide = _at(code, x, place), ir.VectorType(memory_type(x.type.dtype), lanes)
        total = _load(code, pointer, wide, size)
        for part in code.parts(code.splat(value, code.lanes), lanes):
            total = code.add(total, part)
        _store(code, total, pointer, size)
        return
    for lane in range(lanes_of(place)):
        at = ir.Constant(ir.IntType(32), lane)
        pointer = _at(code, x, code.plus(code.b.extract_element(place, at), code.integer(lane % lanes)))
        one = code.b.extract_element(value, at) if lanes_of(value) else value
        _store(code, code.add(_load(code, pointer, kind, size), one), pointer, size)


def row(code: Code, x: Array, index: Number, *, side_by_side: bool = False) -> Value:
    """The array at an index of the first axis. `side_by_side`: at `index` + 0, 1, … in the lanes."""
    rest = x.type.with_shape(x.type.shape[1:])
    if isinstance(x, Computed):
        first = code.plus(index, code.lane_numbers()) if side_by_side else index
        inner = Computed(rest, lambda at, indices: x.at(at, (first, *indices)))
        return inner if rest.shape else inner.at(code, ())
    place = code.times(index, x.strides[0])
    moved = replace(x, type=rest, strides=x.strides[1:])
    if side_by_side and x.strides[0] == 1 and x.spread is None:
        moved = replace(moved, packed=True)
    elif side_by_side:
        moved = replace(moved, spread=code.lane_numbers(x.strides[0]))
    if lanes_of(place):
        spread = code.lane_numbers() if moved.packed else moved.spread
        place = place if spread is None else code.plus(place, spread)
        moved = replace(moved, spread=place, packed=False)
    else:
        moved = replace(moved, pointer=_at(code, x, place))
    return moved if rest.shape else read(code, moved)


def target_row(code: Code, target: Target, index: Number, *, side_by_side: bool = False) -> Target:
    """The place for one row of a result."""
    x = target.place
    moved = replace(x, type=x.type.with_shape(x.type.shape[1:]), strides=x.strides[1:])
    moved = replace(moved, pointer=_at(code, x, code.times(index, x.strides[0])))
    if side_by_side:
        packed = x.strides[0] == 1
        moved = replace(moved, packed=packed, spread=None if packed else code.lane_numbers(x.strides[0]))
    return target.at(moved)


@dataclass(frozen=True)
class Variable:
    """A number that changes, on the stack; one per lane in code for lanes."""

    code: Code
    pointer: Number
    kind: ir.Type

    def get(self) -> Number:
        return self.code.b.load(self.pointer, typ=self.kind)

    def set(self, value: Number) -> None:
        self.code.b.store(self.code.splat(value, self.code.lanes), self.pointer)


def variable(code: Code, dtype: str, start: Number | float | int | bool | None = None) -> Variable:
    """A new variable; without a start its first value is whatever is there."""
    kind = llvm_type(dtype)
    kind = ir.VectorType(kind, code.lanes) if code.lanes else kind
    made = Variable(code, code.unit.variable(kind, align=64), kind)
    if isinstance(start, ir.Value):
        made.set(start)
    elif start is not None:
        made.set(code.literal(start, llvm_type(dtype)))
    return made


def fill(code: Code, x: Stored, value: float | int | bool) -> None:
    """One number everywhere."""
    kind = llvm_type(x.type.dtype)
    code.loops(x.shape, lambda indices: write(code, x, indices, code.literal(value, kind)))


def stored(code: Code, x: Value, type_: ArrayType, role: str = "operand") -> Stored:
    """The array in memory, for what `role` says."""
    if isinstance(x, Stored):
        return x
    target = Target(allocate(code, type_, role))
    deliver(code, x, target)
    return target.place


def deliver(code: Code, x: Value, target: Target) -> None:
    """Every element goes where a target says."""
    if isinstance(x, Stored) and x == target.place:
        return
    if isinstance(x, Computed) and x.half is not None:
        inside = x.half.inside
        if not target.adds:
            fill(code, target.place, 0)
        rows, columns = target.place.shape
        code.half_loops(rows, columns, x.half.lower, lambda at: put(code, target, at, read(code, inside, at)))
        return
    code.loops(target.place.shape, lambda indices: put(code, target, indices, read(code, x, indices)))


def _at(code: Code, x: Stored, place: Number) -> Number:
    return code.at(x.pointer, x.type.dtype, place)


def _load(code: Code, pointer: Number, type_: ir.Type, align: int) -> Number:
    return code.b.load(pointer, typ=type_, align=align)


def _store(code: Code, value: Number, pointer: Number, align: int) -> None:
    code.b.store(value, pointer, align=align)
