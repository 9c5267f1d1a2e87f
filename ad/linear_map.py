"""Derivatives as linear maps that transformations of a host can carry: a program enters, halves of its derivative
leave.

A host that differentiates around our programs (JAX) needs the derivative of one in two pieces: a primal half that also
returns residuals, and a linear map from tangents to tangents that reads them. The map is a value: it is transposed,
batched and differentiated by making another map, and the program behind it is worked out only when it runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..lang.builder import Builder
from ..lang.diagnostics import DiagnosticError
from ..lang.ir import ArrayType, Program, as_array
from ..lang.memo import memo
from ..lang.passes import normalise
from .activity import Flags, is_float, output_activity
from .forward import push
from .linearise import Linearised, linearise
from .reverse import transpose
from .structured.loops import dense, pull_apart
from .vmap import vmap


@dataclass(frozen=True, slots=True, repr=False)
class Tangent:
    """(x, saved, x_dot) -> y_dot of `base` by the inputs marked `active`, with a tangent per active output.

    With `lean` nothing is saved: the way back runs the program again.
    """

    base: Program
    active: Flags
    lean: bool = False

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def name(self) -> str:
        return f"tangent of {self.base.name}"

    @property
    def saved(self) -> tuple[ArrayType, ...]:
        return () if self.lean else _linearised(self.base, self.active, False).residuals

    @property
    def residuals(self) -> int:
        return len(self.base.inputs) + len(self.saved)

    @property
    def output_types(self) -> tuple[ArrayType, ...]:
        on = output_activity(self.base, self.active)
        return tuple(as_array(type_) for type_, flag in zip(self.base.output_types, on, strict=True) if flag)

    def program(self) -> Program:
        return _tangent_program(self)

    def transposed(self) -> LinearMap:
        return Cotangent(self)

    def batched(self, mapped: Flags, size: int) -> LinearMap:
        return Batched(self, mapped, size)

    def derivative(self, active: Flags) -> tuple[LinearMap, Flags]:
        return _derivative(self, active)


@dataclass(frozen=True, slots=True, repr=False)
class Cotangent:
    """(x, saved, y_bar) -> x_bar: the transpose of a `Tangent`, by the production reverse mode."""

    of: Tangent

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def name(self) -> str:
        return f"cotangent of {self.of.base.name}"

    @property
    def residuals(self) -> int:
        return self.of.residuals

    @property
    def output_types(self) -> tuple[ArrayType, ...]:
        return tuple(
            as_array(type_) for type_, flag in zip(self.of.base.inputs, self.of.active, strict=True) if flag
        )

    def program(self) -> Program:
        return _cotangent_program(self.of)

    def transposed(self) -> LinearMap:
        return self.of

    def batched(self, mapped: Flags, size: int) -> LinearMap:
        return Batched(self, mapped, size)

    def derivative(self, active: Flags) -> tuple[LinearMap, Flags]:
        return _derivative(self, active)


@dataclass(frozen=True, slots=True, repr=False)
class Batched:
    """A linear map over `size` lanes: operands marked `mapped` carry the batch axis, and all results do."""

    base: LinearMap
    mapped: Flags
    size: int

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def name(self) -> str:
        return f"batch of {self.base.name}"

    @property
    def residuals(self) -> int:
        return self.base.residuals

    @property
    def output_types(self) -> tuple[ArrayType, ...]:
        return tuple(type_.with_shape((self.size, *type_.shape)) for type_ in self.base.output_types)

    def program(self) -> Program:
        return normalise(vmap(self.base.program(), self.mapped, self.size))

    def transposed(self) -> LinearMap:
        """Where every lane has its own v, lanes are transposed one by one; shared ones are summed over all lanes."""
        shared = not all(self.mapped[self.residuals :])
        if shared:
            return Explicit(_transposed(self.program(), self.residuals), self.residuals)
        own = self.mapped[: self.residuals] + (True,) * len(self.base.output_types)
        return Batched(self.base.transposed(), own, self.size)

    def batched(self, mapped: Flags, size: int) -> LinearMap:
        return Batched(self, mapped, size)

    def derivative(self, active: Flags) -> tuple[LinearMap, Flags]:
        return _derivative(self, active)


@dataclass(frozen=True, slots=True, repr=False)
class Explicit:
    """A linear map given by its program: `residuals` inputs, then those it is linear in."""

    of: Program
    residuals: int

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def name(self) -> str:
        return self.of.name

    @property
    def output_types(self) -> tuple[ArrayType, ...]:
        return tuple(as_array(type_) for type_ in self.of.output_types)

    def program(self) -> Program:
        return self.of

    def transposed(self) -> LinearMap:
        return Explicit(_transposed(self.of, self.residuals), self.residuals)

    def batched(self, mapped: Flags, size: int) -> LinearMap:
        return Batched(self, mapped, size)

    def derivative(self, active: Flags) -> tuple[LinearMap, Flags]:
        return _derivative(self, active)


LinearMap = Tangent | Cotangent | Batched | Explicit


def halves(program: Program, active: Flags) -> tuple[Program, Tangent, Flags]:
    """The primal half (x -> y, saved), the linear map (x, saved, x_dot) -> y_dot, and which outputs are active.

    `active` marks inputs; only float inputs count. The map has one tangent per active input and active output. A
    program without a reverse mode can still be pushed forward: its map saves nothing, and to transpose it says why not.
    """
    on = tuple(flag and is_float(type_) for flag, type_ in zip(active, program.inputs, strict=True))
    outputs = output_activity(program, on)
    try:
        return _linearised(program, on, False).forward, Tangent(program, on), outputs
    except DiagnosticError:
        return program, Tangent(program, on, lean=True), outputs


def _derivative(map_: LinearMap, active: Flags) -> tuple[Tangent, Flags]:
    """The derivative of a map by its residuals, and which results it reaches.

    It reads what the map reads and nothing more is saved, so that it stays linear in v as well.
    """
    program = map_.program()
    flags = active + (False,) * (len(program.inputs) - len(active))
    on = tuple(flag and is_float(type_) for flag, type_ in zip(flags, program.inputs, strict=True))
    return Tangent(program, on, lean=True), output_activity(program, on)


@memo(maxsize=512)
def _linearised(program: Program, active: Flags, lean: bool) -> Linearised:
    program = normalise(program)
    available = (True,) * len(program.inputs)
    demanded = output_activity(program, active)
    return linearise(program, active, available, demanded, recompute=lean)


@memo(maxsize=512)
def _tangent_program(map_: Tangent) -> Program:
    base = normalise(map_.base)
    wanted = output_activity(map_.base, map_.active)
    pushed = push(base, map_.active, wanted)
    count = len(base.inputs)
    dots = [type_ for type_, flag in zip(base.inputs, map_.active, strict=True) if flag]
    b = Builder(map_.name, [*base.inputs, *map_.saved, *dots], base.sizes)
    start = count + len(map_.saved)
    results = b.inline(pushed.program, [*range(count), *range(start, start + len(dots))])
    extra = iter(results[len(base.outputs) :])
    tangents = [next(extra) if flag else None for flag in pushed.active_outputs]
    return normalise(b.build([slot for slot, flag in zip(tangents, wanted, strict=True) if flag and slot is not None]))


@memo(maxsize=512)
def _cotangent_program(map_: Tangent) -> Program:
    lin = _linearised(map_.base, map_.active, map_.lean)
    backward = lin.backward
    b = Builder(f"cotangent of {map_.base.name}", backward.inputs, backward.sizes)
    groups = pull_apart(lin, b.inline(backward, range(len(backward.inputs))))
    wanted = [k for k, flag in enumerate(map_.active) if flag]
    return normalise(b.build([dense(b, groups[k], as_array(map_.base.inputs[k])) for k in wanted]))


@memo(maxsize=256)
def _transposed(program: Program, residuals: int) -> Program:
    linear = tuple(k >= residuals for k in range(len(program.inputs)))
    return normalise(transpose(program, linear))

