"""What a corpus covers: generated programs enter, shares of features and counts of (step kind, row kind) leave.

Everything but the order of derivatives is read off the simplified first-order program, so that what a pass removes does
not count. The order is read off the text, where a derivative word inside the function of another adds up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from statistics import median

from ...lang import primitives
from ...lang.ir import Apply, ArrayType, Branch, Each, Fold, Program, bodies
from ...lang.passes import normalise
from ...lang.source import Source
from ...lang.surface import ast
from ...lang.surface.parser import parse
from .case import Case
from .generator.library import FUNCTIONS_OF_FUNCTIONS

_ORDERS = {"grad": 1, "jvp": 1, "vjp": 1, "value_and_grad": 1, "jacobian": 1, "hessian": 2, "laplacian": 2}
_CALLED_ORDERS = {"slope": 1, "steepest": 1}
_CONSTRUCTORS = frozenset({"Nothing", "Just", "First", "Second", "Empty", "Item", "Leaf", "Node"})


@dataclass(frozen=True)
class Features:
    """What one program contains."""

    steps: int
    loops: bool
    order: int
    function_arguments: bool
    variants: bool
    nested_binders: bool
    indexed_captures: bool
    kinds: Counter[tuple[str, str]]


def features(case: Case) -> Features:
    """The features of a program, simplified."""
    program = normalise(case.first)
    tree = parse(Source("<generated>", case.generated.text))
    own = [item for item in tree.items if isinstance(item, ast.Def) and _is_own(item.name)]
    names = [node.name for item in own for node in _nodes(item) if isinstance(node, ast.Name)]
    steps = list(_steps(program, "straight", 0))
    return Features(
        steps=len(steps),
        loops=any(isinstance(op, Fold) for op, _, _ in steps),
        order=max(_order(item) for item in own),
        function_arguments=bool(case.generated.arguments) or any(name in FUNCTIONS_OF_FUNCTIONS for name in names),
        variants=any(name in _CONSTRUCTORS for name in names),
        nested_binders=any(depth >= 1 and isinstance(op, (Each, Fold)) for op, _, depth in steps),
        indexed_captures=_has_indexed_capture(program),
        kinds=Counter(
            (around, type(primitives.get(op.primitive).derivative).__name__)
            for op, around, _ in steps
            if isinstance(op, Apply)
        ),
    )


def _is_own(name: str) -> bool:
    return name in ("main", "core") or name.startswith("argument")


def _steps(program: Program, around: str, depth: int) -> Iterator[tuple[object, str, int]]:
    """Every operation, the kind of step it stands in, and how many loops are around it."""
    for step in program.steps:
        yield step.op, around, depth
        inner = depth + isinstance(step.op, (Each, Fold))
        name = "straight" if not isinstance(step.op, (Each, Fold, Branch)) else type(step.op).__name__
        for body in bodies(step.op):
            yield from _steps(body, name, inner)


def _nodes(node: object) -> Iterator[ast.Node]:
    if isinstance(node, tuple):
        for item in node:
            yield from _nodes(item)
    elif isinstance(node, ast.Node) and is_dataclass(node):
        yield node
        for part in fields(node):
            if part.name != "span":
                yield from _nodes(getattr(node, part.name))


def _order(node: object) -> int:
    """How deep derivatives nest in a tree."""
    if isinstance(node, tuple):
        return max(map(_order, node), default=0)
    if not (isinstance(node, ast.Node) and is_dataclass(node)):
        return 0
    if isinstance(node, ast.Prime):
        return 1 + _order(node.base)
    if isinstance(node, ast.Call) and isinstance(node.function, ast.Name):
        name = node.function.name
        own = _ORDERS.get(name, 0) + _CALLED_ORDERS.get(name, 0)
        function = node.arguments[0].value if node.arguments else None
        return max(own + (_order(function) if own else 0), _order(node.arguments))
    return max((_order(getattr(node, part.name)) for part in fields(node) if part.name != "span"), default=0)


def _has_indexed_capture(program: Program) -> bool:
    """Whether a loop reads an array it captures at a place that is data."""
    for step in program.steps:
        if isinstance(step.op, (Each, Fold)) and _reads_capture(step.op.body, step.op.captures):
            return True
        if any(_has_indexed_capture(body) for body in bodies(step.op)):
            return True
    return False


def _reads_capture(body: Program, captures: int) -> bool:
    count = len(body.inputs)
    data = {k for k in range(count - 1) if _is_whole(body.inputs[k])}
    for first, step in body.numbered():
        if any(slot in data for slot in step.operands) and all(_is_whole(t) for t in step.types):
            data.update(range(first, first + len(step.types)))
        if isinstance(step.op, Apply) and step.op.primitive == "gather" and step.operands[0] < captures:
            if not _is_whole(body.inputs[step.operands[0]]) and any(slot in data for slot in step.operands[1:]):
                return True
        if isinstance(step.op, (Each, Fold, Branch)):
            shared = step.op.captures if not isinstance(step.op, Branch) else len(step.operands) - 1
            if any(_reads_capture(deeper, shared) for deeper in bodies(step.op)):
                return True
    return False


def _is_whole(type_: object) -> bool:
    return isinstance(type_, ArrayType) and type_.dtype == "i64"


@dataclass(frozen=True)
class Coverage:
    """Shares of the programs of a corpus that have a feature."""

    programs: int
    median_steps: float
    loops: float
    second_order: float
    function_arguments: float
    variants: float
    nested_binders: float
    indexed_captures: float
    kinds: Counter[tuple[str, str]]


def coverage(found: list[Features]) -> Coverage:
    """The shares of a corpus."""
    count = len(found)
    kinds: Counter[tuple[str, str]] = Counter()
    for one in found:
        kinds.update(one.kinds)
    return Coverage(
        programs=count,
        median_steps=median(one.steps for one in found),
        loops=sum(one.loops for one in found) / count,
        second_order=sum(one.order >= 2 for one in found) / count,
        function_arguments=sum(one.function_arguments for one in found) / count,
        variants=sum(one.variants for one in found) / count,
        nested_binders=sum(one.nested_binders for one in found) / count,
        indexed_captures=sum(one.indexed_captures for one in found) / count,
        kinds=kinds,
    )
