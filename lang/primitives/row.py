"""The row of facts that states a primitive once.

Everything the passes need follows from a row: its type, how it is evaluated, and its derivative as one of
seven kinds. Rules are written in our own language over operands ``x0 x1 …``, the result ``y`` and the
cotangent ``z``; rules that need axes or shapes are small functions over a `Builder`. A rule's builder
function receives a `RuleContext`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..ir import ArrayType, Params
from ..sizes import Size

if TYPE_CHECKING:
    from ..builder import Builder


@dataclass(frozen=True, slots=True)
class RuleContext:
    """What a builder-function rule may use: the builder, operand slots, result slots, parameters."""

    builder: Builder
    operands: tuple[int, ...]
    results: tuple[int, ...]
    params: Params

    def param(self, name: str) -> object:
        return dict(self.params)[name]

    def type(self, slot: int) -> ArrayType:
        return self.builder.array_type(slot)


# A transpose or tangent of one operand: slot of the cotangent (tangent) in, slot out; None means "no contribution".
LinearRule = str | Callable[[RuleContext, int], int | None] | None
# The same for primitives with any number of operands; the number of the operand comes last.
VariadicRule = Callable[[RuleContext, int, int], int | None]
LinearRules = tuple[LinearRule, ...] | VariadicRule


@dataclass(frozen=True, slots=True)
class Smooth:
    """Elementwise and differentiable on its domain: one partial per operand, algebraic in x and y.

    `partials` are the definition (used by Taylor mode, proofs and enclosures, e.g. ``1 - y^2`` for tanh);
    `stable` is the numeric form where the definition cancels. Either may use ``x0 …``, ``y`` and parameters
    by name. A partial that is None has no closed form: asking for it is refused (E112), never answered by 0.
    """

    partials: tuple[str | None, ...]
    stable: tuple[str | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class Linear:
    """Linear in each operand separately (multilinear).

    `transposes[k]` maps the cotangent to that of operand k: an expression in ``z`` and the other operands, or
    a function ``(context, z)``; a variadic primitive gives one function ``(context, z, k)`` instead of the
    tuple. None marks an operand that carries no derivative (an index, a condition). The tangent is the sum
    over operands of the primitive with that operand replaced by its tangent. One rule instead of a tuple
    serves any number of operands. `jointly` names operands in which it is linear *together* (concatenate,
    scatter_add: a sum of parts), for which the tangent is the primitive applied to all tangents at once.
    """

    transposes: LinearRules
    jointly: bool = False


@dataclass(frozen=True, slots=True)
class Piecewise:
    """Elementwise with kinks: per operand, ``(guard, value)`` pairs read in order, the last guard being ``true``."""

    partials: tuple[tuple[tuple[str, str], ...], ...]


@dataclass(frozen=True, slots=True)
class Selects:
    """The result is made of selected elements of operand 0.

    `gather(context, tangent) -> slot` moves a tangent the way the values moved, by linear primitives only, so
    that the transpose follows from it.
    """

    gather: Callable[[RuleContext, int], int]


@dataclass(frozen=True, slots=True)
class Implicit:
    """The result solves ``residual(x, y) = 0``.

    `tangent(context, tangents)` builds the solution of the linearised equation from the operand tangents
    (None for an inactive operand), by primitives linear in them, so that the transpose follows from it.
    `transposes` states the transpose in operands the primitive is linear in (the right-hand side of a solve),
    which ends that recursion.
    """

    residual: str
    tangent: Callable[[RuleContext, tuple[int | None, ...]], int]
    transposes: tuple[Callable[[RuleContext, int], int] | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Defined:
    """Means a program over other rows; derivatives are those of the definition unless `stable` partials are given."""

    definition: Callable[[RuleContext], int]


@dataclass(frozen=True, slots=True)
class Discrete:
    """Has no derivative; says why."""

    reason: str


Derivative = Smooth | Linear | Piecewise | Selects | Implicit | Defined | Discrete

TypeRule = Callable[[tuple[ArrayType, ...], Params], tuple[ArrayType, ...]]
CostRule = Callable[[tuple[ArrayType, ...], tuple[ArrayType, ...], Params], Size]


@dataclass(frozen=True, slots=True)
class Primitive:
    """One row.

    `type` is the scalar type of an elementwise primitive, ``"(f, f) -> f"`` (f float, n number, b bool, i integer, w
    32-bit word, a anything; equal letters are equal types), or a surface type for people; `type_rule` computes result
    types when it is not elementwise. `flops` counts operations per result element; a function of operand types,
    result types and params for the rest. `numpy`/`jax` are dotted names for elementwise primitives; packages hold
    tables for the others. `oracle` is the mpmath name or expression of the same function, sharing no code with
    `numpy`. `domain` is a condition over x0, x1, … outside which the value is not defined; `samples` are intervals
    per operand that generic tests draw from.
    """

    name: str
    type: str
    derivative: Derivative
    doc: str
    flops: int | CostRule = 1
    numpy: str | None = None
    jax: str | None = None
    oracle: str | None = None
    domain: str = "true"
    kinks: tuple[str, ...] = ()
    monotone: str | None = None
    convex: str | None = None
    samples: tuple[tuple[float, float], ...] = ()
    params: tuple[str, ...] = ()
    elementwise: bool = True
    type_rule: TypeRule | None = field(default=None, compare=False)
