"""Cost reports: floating-point operations and IR size of a first-order program.

Convention: add, mul, div, sqrt and each elementary call count 1, selects and moves 0, bodies count times their trip
count, a branch as its dearest arm. Sums over a domain of n elements add n - 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..lang.diagnostics import InternalError
from ..lang.ir import Apply, ArrayType, Branch, Call, Each, Fold, Program, SlotType, Step, bodies
from ..lang.primitives import flops as primitive_flops
from ..lang.sizes import Size
from ..lang.substitute import substitute_sizes


def flops(program: Program, sizes: Mapping[str, int] | None = None) -> int:
    """Floating-point operations of one run, all sizes known (`sizes` gives the values of size variables)."""
    if sizes:
        program = substitute_sizes(program, sizes)
    return _flops(program, {}, apply_flops)


def count_of(program: Program, primitive: str) -> int:
    """How many operations of one run are those of one primitive, all sizes known."""

    def count(op: Apply, operands: tuple[object, ...], results: tuple[SlotType, ...]) -> int:
        return apply_flops(op, operands, results) if op.primitive == primitive else 0

    return counted(program, count)


Count = Callable[[Apply, tuple[object, ...], tuple[SlotType, ...]], int]


def counted(program: Program, count: Count) -> int:
    """The total of what `count` says of each application in one run, all sizes known."""
    return _flops(program, {}, count, adds=0)


def _flops(program: Program, known: dict[int, int], count: Count, adds: int = 1) -> int:
    """What `count` says of the applications, and `adds` for each addition of a sum over rounds."""
    if id(program) not in known:
        types = program.types
        known[id(program)] = sum(_step_flops(step, types, known, count, adds) for step in program.steps)
    return known[id(program)]


def _step_flops(step: Step, types: tuple[object, ...], known: dict[int, int], count: Count, adds: int) -> int:
    match step.op:
        case Apply():
            return count(step.op, tuple(types[slot] for slot in step.operands), step.types)
        case Each(size=size, body=body, combine=combine):
            rounds = _number(size)
            sums = adds * sum(_elements(t) for t, how in zip(step.types, combine, strict=True) if how == "sum")
            return rounds * _flops(body, known, count, adds) + max(0, rounds - 1) * sums
        case Fold(size=size, body=body, combine=combine, condition=condition):
            rounds = _number(size)
            extras = step.types[len(step.types) - len(combine) :]
            sums = adds * sum(_elements(t) for t, how in zip(extras, combine, strict=True) if how == "sum")
            test = 0 if condition is None else _flops(condition, known, count, adds)
            return rounds * (_flops(body, known, count, adds) + test) + max(0, rounds - 1) * sums
        case Branch(arms):
            return max(_flops(arm, known, count, adds) for arm in arms)
        case Call(program):
            return _flops(program, known, count, adds)
        case _:
            return 0


def apply_flops(op: Apply, operands: tuple[object, ...], results: tuple[SlotType, ...]) -> int:
    """Operations of one application, from the types of its operands and results; 0 for one without floats."""
    arrays = [t for t in (*operands, *results) if isinstance(t, ArrayType)]
    if not any(t.is_float for t in arrays):
        return 0
    inputs = tuple(t for t in operands if isinstance(t, ArrayType))
    outputs = tuple(t for t in results if isinstance(t, ArrayType))
    return _number(primitive_flops(op.primitive, inputs, outputs, op.params))


def _elements(type_: object) -> int:
    assert isinstance(type_, ArrayType)
    return _number(type_.elements) if type_.is_float else 0


def _number(size: Size) -> int:
    if not isinstance(size, int):
        raise InternalError(f"the size {size} must be known to count operations")
    return size


def ir_size(program: Program) -> int:
    """Number of steps, bodies included once each time they are written."""
    return sum(1 + sum(ir_size(body) for body in bodies(step.op)) for step in program.steps)


@dataclass(frozen=True, slots=True)
class Cost:
    """Flops of the value and of value and gradient, both simplified, and IR sizes."""

    value: int
    gradient: int
    value_size: int
    gradient_size: int

    @property
    def ratio(self) -> float:
        """flops(value and gradient) / flops(value)."""
        return self.gradient / max(1, self.value)
