"""Products of matrices in tiles: a sum of products of two arrays enters, loops over blocks of registers are written.

A tile of the result stays in registers while its sum is taken: some rows, and of each as many numbers side by side as
two vector registers hold. The panel of the right array that a column of tiles reads is copied to one stretch of memory,
which stays in the first cache (Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication", section
4): rows of a matrix lie at distances that fall on few lines of a cache. Arrays that would be read across are copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from ...lang.ir import ArrayType
from .code import Code, Number
from .dtypes import is_float
from .memory import Indices, Stored, Target, Value, allocate, count, lengths, put, read, row_major, variable, write
from .site import Site

ROWS, COLUMNS = 6, 8
PACKED = 12  # rows for which copying panels pays
SMALL = 4096  # products; below, loops as they are do as well


@dataclass(frozen=True)
class _Product:
    """``result[output] = sum over `summed` of left[left_term] * right[right_term]``; tiles lie over `row` and the last
    letter of the output, which only `right` has."""

    left: Stored
    right: Stored
    target: Target
    left_term: str
    right_term: str
    output: str
    summed: tuple[str, ...]
    row: str
    sizes: Mapping[str, int]

    @property
    def column(self) -> str:
        return self.output[-1]


def tiled(site: Site, terms: Sequence[str], output: str, sizes: Mapping[str, int], xs: Sequence[Value]) -> Value | None:
    """The product in tiles, or None where that does not fit or does not pay."""
    if site.code.lanes or len(xs) != 2 or not output or not is_float(site.result.dtype):
        return None
    place = 1 if output[-1] in terms[1] else 0
    (left_term, left), (right_term, right) = (terms[1 - place], xs[1 - place]), (terms[place], xs[place])
    rows = [letter for letter in output if letter in left_term and letter not in right_term and sizes[letter] >= ROWS]
    summed = tuple(letter for letter in sizes if letter not in output)
    shared = bool(summed) and all(letter in left_term and letter in right_term for letter in summed)
    if not rows or not shared or output[-1] in left_term or sizes[output[-1]] < COLUMNS:
        return None
    if count([sizes[letter] for letter in sizes]) < SMALL or not _plain(terms, output):
        return None
    memory = {number: site.memory(x, number) for number, x in ((1 - place, left), (place, right))}
    right, right_term = _side_by_side(site, memory[place], right_term, output[-1])
    left, left_term = _side_by_side(site, memory[1 - place], left_term, _innermost(left_term, summed))
    row = max(rows, key=lambda letter: sizes[letter])
    target = site.goal
    if target is None or target.place.strides[-1] != 1:
        target = replace(site, goal=None).target()
    _write(site.code, _Product(left, right, target, left_term, right_term, output, summed, row, sizes))
    return target.place


def _innermost(term: str, summed: Sequence[str]) -> str:
    """The letter that is summed over and stands last."""
    return max(summed, key=term.index)


def _plain(terms: Sequence[str], output: str) -> bool:
    """Whether no letter is met twice in one term."""
    return all(len(set(term)) == len(term) for term in (*terms, output))


def _side_by_side(site: Site, x: Stored, term: str, column: str) -> tuple[Stored, str]:
    """An array in which the numbers along a letter stand side by side."""
    if x.strides[term.index(column)] == 1:
        return x, term
    order = [k for k, letter in enumerate(term) if letter != column] + [term.index(column)]
    turned = replace(
        x,
        type=x.type.with_shape(tuple(x.type.shape[k] for k in order)),
        strides=tuple(x.strides[k] for k in order),
    )
    place = allocate(site.code, turned.type, "turned")
    _turn(site.code, turned, place)
    return place, "".join(term[k] for k in order)


def _turn(code: Code, x: Stored, place: Stored) -> None:
    """Copy blocks as wide as a cache line: numbers along the axis that is read with the shortest steps, innermost."""
    *lengths, columns = x.shape
    near = min(range(len(lengths)), key=lambda axis: x.strides[axis], default=0)
    far = [axis for axis in range(len(lengths)) if axis != near]

    def one(at: Indices) -> None:
        around = dict(zip(far, at, strict=True))
        for column, width in _blocks(code, columns, COLUMNS):
            with column as j:
                copy(code.in_lanes(width), around, j)

    def copy(inside: Code, around: Mapping[int, Number], j: Number) -> None:
        many, target = replace(x, spread=inside.lane_numbers(x.strides[-1])), replace(place, packed=True)

        def number(index: Indices) -> None:
            found = {**around, **dict(zip([near], index, strict=False))}
            at = (*(found[axis] for axis in range(len(lengths))), j)
            write(inside, target, at, read(inside, many, at))

        code.loops([lengths[near]] if lengths else [], number)

    code.loops([lengths[axis] for axis in far], one)


def _write(code: Code, x: _Product) -> None:
    others = [letter for letter in x.output[:-1] if letter != x.row]
    rows, columns = x.sizes[x.row], x.sizes[x.column]

    packs = columns > COLUMNS and rows >= PACKED
    memory = allocate(code, _panel(x, COLUMNS), "panel") if packs else None

    def one(at: Indices) -> None:
        around = dict(zip(others, at, strict=True))
        for column, width in _blocks(code, columns, COLUMNS):
            with column as j:
                panel = None if memory is None else _packed(code, x, around, j, width, memory)
                for row, height in _blocks(code, rows, ROWS):
                    with row as i:
                        _tile(code, x, around, i, j, height, width, panel)

    code.loops([x.sizes[letter] for letter in others], one)


def _blocks(code: Code, size: int, block: int) -> Iterator[tuple[AbstractContextManager[Number], int]]:
    """Loops over whole blocks, and over what is left."""
    whole = size // block * block
    if whole:
        yield code.loop(whole, block), block
    if size > whole:
        yield nullcontext(code.integer(whole)), size - whole


def _panel(x: _Product, width: int) -> ArrayType:
    return x.right.type.with_shape((*(x.sizes[letter] for letter in x.summed), width))


def _packed(code: Code, x: _Product, around: Mapping[str, Number], j: Number, width: int, memory: Stored) -> Stored:
    """The columns of the right array from `j`, copied."""
    inside, type_ = code.in_lanes(width), _panel(x, width)
    panel = replace(memory, type=type_, strides=row_major(lengths(type_)), packed=True)
    right = replace(x.right, packed=True)

    def copy(over: Indices) -> None:
        at = {**around, **dict(zip(x.summed, over, strict=True)), x.column: j}
        number = read(inside, right, tuple(at[letter] for letter in x.right_term))
        write(inside, panel, (*over, inside.integer(0)), number)

    code.loops([x.sizes[letter] for letter in x.summed], copy)
    return panel


def _tile(
    code: Code,
    x: _Product,
    around: Mapping[str, Number],
    i: Number,
    j: Number,
    height: int,
    width: int,
    panel: Stored | None,
) -> None:
    """One tile, whose columns stand in `panel` if there is one."""
    inside = code.in_lanes(width)
    rows = [code.plus(i, code.integer(k)) for k in range(height)]
    totals = [variable(inside, x.target.place.type.dtype, 0) for _ in rows]
    right, place = replace(x.right, packed=True), replace(x.target.place, packed=True)

    def step(over: Indices) -> None:
        at = {**around, **dict(zip(x.summed, over, strict=True)), x.column: j}
        if panel is None:
            many = read(inside, right, tuple(at[letter] for letter in x.right_term))
        else:
            many = read(inside, panel, (*over, inside.integer(0)))
        for row, total in zip(rows, totals, strict=True):
            one = read(code, x.left, tuple(row if letter == x.row else at[letter] for letter in x.left_term))
            total.set(inside.gathered(total.get(), inside.mul(one, many)))

    code.loops([x.sizes[letter] for letter in x.summed], step)
    for row, total in zip(rows, totals, strict=True):
        at = {**around, x.row: row, x.column: j}
        put(inside, x.target.at(place), tuple(at[letter] for letter in x.output), total.get())
