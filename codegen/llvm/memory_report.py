"""What native code keeps in memory, for people: a first-order program enters, a text about each of its arrays leaves.

The plan is the one that the code is written with. Numbers are not in it: they stand in registers, or on the stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from llvmlite import ir

from ...lang import primitives
from ...lang.ir import Apply, ArrayType, Branch, Call, Each, Fold, Program, Step, as_array, bodies
from ...lang.source import Span
from ...lang.text.print_ir import show_slot_type
from ..refusals import require_known_sizes
from .buffers import Buffers, Held
from .dtypes import width
from .kernel import write_kernel
from .memory import count, lengths
from .pipeline import optimise

_ROLES = {
    "operand": "an operand of {what}, computed once",
    "work": "working memory of {what}",
    "turned": "an operand of {what}, turned so that columns stand side by side",
    "panel": "some columns of an operand of {what}, packed",
    "copy": "a copy for {what}",
    "side by side": "rows of {lanes} rounds of {what}, side by side",
    "carry": "the state of {what}",
    "next carry": "the next state of {what}",
    "sum": "a sum over the rounds of {what}",
    "part": "scratch memory of the part called",
    "handed on": "results of the part called",
}


def memory_report(program: Program, inputs: Sequence[str], results: Sequence[str]) -> str:
    """The arrays of a program as native code keeps them, with names for its inputs and results.

    Raises diagnostics for sizes that are still variables (E140) and for what native code lacks (E141, E145, E146).

    >>> from pushforward.lang.builder import body
    >>> x = ArrayType("f64", (3,))
    >>> double = body("double", [x], lambda b, x: [b.apply("add", x[0], x[0])])
    >>> print(memory_report(double, ["x"], ["result"]))
    inputs and results, which the caller holds
                  24 bytes  x: [3]f64
                  24 bytes  result: [3]f64
    scratch memory: 0 bytes
    stack: 0 bytes
    peak: 48 bytes, 48 of them inputs and results
    """
    require_known_sizes(program)
    _, buffers = write_kernel(ir.Module(program.name or "program"), optimise(program))
    slots = [*zip(inputs, program.inputs, strict=True), *zip(results, program.output_types, strict=True)]
    held = [(name, as_array(type_)) for name, type_ in slots]
    own = sum(_bytes(type_) for _, type_ in held)
    lines = ["inputs and results, which the caller holds"]
    lines += [f"{_bytes(type_):>16} bytes  {name}: {show_slot_type(type_)}" for name, type_ in held]
    lines += _function(buffers)
    peak = own + buffers.total + buffers.deepest
    return "\n".join([*lines, f"peak: {peak} bytes, {own} of them inputs and results"])


def _function(buffers: Buffers, name: str = "") -> Iterator[str]:
    """The scratch memory and the stack of a function, and of its parts."""
    regions: dict[int, list[Held]] = {}
    for held in buffers.held:
        if held.region is not None:
            regions.setdefault(held.region, []).append(held)
    scratch = [held for region in sorted(regions) for held in regions[region]]
    first = {id(inside[0]) for inside in regions.values()}
    plan = (
        f" in {len(regions)} regions, at most {buffers.most} in use at once; their arrays have "
        f"{sum(held.size for held in scratch)}"
    )
    yield f"{name}scratch memory: {buffers.total} bytes{plan if regions else ''}"
    yield from _lines(scratch, [f"region {held.region}{'' if id(held) in first else ' again'}" for held in scratch])
    yield f"{name}stack: {buffers.stack} bytes"
    short = [held for held in buffers.held if held.region is None]
    yield from _lines(short, [""] * len(short))
    if buffers.shared:
        yield f"{buffers.shared:>16} bytes  of these for numbers that parts hand on"
    for number, part in enumerate(buffers.parts, 1):
        yield from _function(part, f"{name}part {number}, ")


def _lines(arrays: Sequence[Held], places: Sequence[str]) -> Iterator[str]:
    """A line for each array, or for several alike that follow each other."""
    entries = [(held.size, _meaning(held), place) for held, place in zip(arrays, places, strict=True)]
    for (size, meaning), group in groupby(entries, lambda entry: entry[:2]):
        where = [place for _, _, place in group]
        several = f"{len(where)} x {size}" if len(where) > 1 else f"{size}"
        if len(where) > 2 and "again" not in "".join(where):
            where = [f"{where[0]} to {where[-1].removeprefix('region ')}"]
        place = ", ".join(where) + ": " if where[0] else ""
        yield f"{several:>16} bytes  {place}{meaning}"


def _bytes(type_: ArrayType) -> int:
    return count(lengths(type_)) * width(type_.dtype)


def _meaning(held: Held) -> str:
    """The shape, what stands there, and the line of the source that it comes from."""
    step = next(step for first, step in held.program.numbered() if first == held.slot)
    lanes = f" in {held.lanes} lanes" if held.lanes else ""
    place = _place(step, held)
    line = place.source.line(place.line).strip() if place else ""
    origin = f" -- {place.source.name}:{place.line}: {line}" if place else ""
    return f"{show_slot_type(held.type)}{lanes}, {_role(step, held)}{origin}"


def _role(step: Step, held: Held) -> str:
    what = _named(step)
    if held.role == "rows":
        assert isinstance(step.op, Each | Fold)
        kept = isinstance(step.op, Fold) and _read_back(held.program, step.op, held.slot + _result(step, held))
        saved = "checkpoints" if kept else "results"
        return f"{saved} of {step.op.size} rounds of {what}{', for the way back' if kept else ''}"
    return _ROLES.get(held.role, "result of {what}").format(what=what, lanes=held.lanes)


def _named(step: Step) -> str:
    match step.op:
        case Apply(primitive):
            return f"`{primitive}`"
        case Each() | Fold():
            return "a loop"
        case Branch():
            return "a choice"
        case Call():
            return "a call"
        case _:
            return "a literal"


def _result(step: Step, held: Held) -> int:
    """Which result of the step the array is; sums and rows of a loop are counted behind what it hands on."""
    behind = len(step.types) - len(step.op.combine) if isinstance(step.op, Fold) else 0
    return held.number + (behind if held.role in ("rows", "sum") else 0)


def _place(step: Step, held: Held) -> Span | None:
    """Where the array comes from: of results of loops and choices, the step inside that makes them."""
    if held.role in ("result", "rows", "sum", "handed on"):
        for inner in bodies(step.op)[:1]:
            return _origin(inner, inner.outputs[_result(step, held)]) or step.origin
    return step.origin


def _origin(program: Program, slot: int) -> Span | None:
    """Where in the source a slot comes from."""
    for first, step in program.numbered():
        if first <= slot < first + len(step.types):
            inner = bodies(step.op)[:1]
            found = _origin(inner[0], inner[0].outputs[slot - first]) if inner else None
            return found or step.origin
    return None


def _read_back(program: Program, op: Fold, slot: int) -> bool:
    """Whether a later loop that runs the other way takes the array row by row, perhaps in another shape."""
    same = {slot}
    for first, step in program.numbered():
        if isinstance(step.op, Apply) and not primitives.get(step.op.primitive).elementwise:
            same.update([first] if same.intersection(step.operands) else [])
        if isinstance(step.op, Fold) and step.op.reverse != op.reverse:
            rows = step.operands[step.op.captures : step.op.captures + step.op.arrays]
            if same.intersection(rows):
                return True
    return False
