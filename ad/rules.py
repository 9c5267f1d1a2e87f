"""From the derivative kind of a row to tangents and cotangents of one `Apply` step.

What enters is a step already emitted into a builder with the slots of its operands and results; what leaves are slots
of tangents (forward) or of cotangent contributions (reverse). Seven kinds are handled here, not a hundred names; the
one exception, the cotangent of `gather`, stays an `At` and lives in `ad.cotangents`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..lang.builder import Builder
from ..lang.diagnostics import InternalError
from ..lang.ir import Apply, ArrayType, Program, SlotType
from ..lang.primitives import get
from ..lang.primitives.row import (
    Defined,
    Discrete,
    Implicit,
    Linear,
    LinearRules,
    Piecewise,
    Primitive,
    RuleContext,
    Selects,
    Smooth,
)
from ..lang.primitives.rules import Scope, cases, expression, is_algebraic, no_partial, parse_rule
from ..lang.surface import ast

_OPERAND_NAMES = tuple(f"x{number}" for number in range(8))  # elementwise primitives have few operands

Slots = Sequence[int]
Maybe = Sequence[int | None]


def carries_tangent(op: Apply, operand: int, type_: SlotType) -> bool:
    """Whether operand number `operand` contributes to the derivative."""
    derivative = get(op.primitive).derivative
    if not (isinstance(type_, ArrayType) and type_.is_float) or isinstance(derivative, Discrete):
        return False
    if isinstance(derivative, Linear) and isinstance(derivative.transposes, tuple):
        return derivative.transposes[operand] is not None
    return True


def definition_of(op: Apply, operand_types: Sequence[ArrayType]) -> Program | None:
    """The program a `Defined` primitive stands for, closed over its operands."""
    derivative = get(op.primitive).derivative
    if not isinstance(derivative, Defined):
        return None
    builder = Builder(op.primitive, operand_types)
    operands = tuple(range(len(operand_types)))
    result = derivative.definition(RuleContext(builder, operands, (), op.params))
    return builder.build((result,))


# --- forward ---------------------------------------------------------------------------------------------------------


def tangent(b: Builder, op: Apply, operands: Slots, result: int, tangents: Maybe) -> int | None:
    """The tangent of the result, or None when it is zero by construction."""
    row = get(op.primitive)
    context = RuleContext(b, tuple(operands), (result,), op.params)
    match row.derivative:
        case Smooth() | Piecewise():
            total = None
            for k, x_dot in enumerate(tangents):
                if x_dot is not None:
                    total = _plus(b, total, scaled_by_partial(context, row, k, x_dot))
            return None if total is None else match_shape(b, total, b.array_type(result))
        case Linear():
            return _linear_tangent(b, op, row.derivative, operands, result, tangents)
        case Selects(gather):
            return None if tangents[0] is None else gather(context, tangents[0])
        case Implicit(_, rule):
            return rule(context, tuple(tangents)) if any(t is not None for t in tangents) else None
        case Discrete():
            return None
        case Defined():
            raise InternalError(f"{op.primitive} must be expanded before differentiation")


def _linear_tangent(
    b: Builder, op: Apply, derivative: Linear, operands: Slots, result: int, tangents: Maybe
) -> int | None:
    params = dict(op.params)
    on = [
        k for k, x_dot in enumerate(tangents)
        if x_dot is not None and carries_tangent(op, k, b.array_type(operands[k]))
    ]  # fmt: skip
    if not on:
        return None
    rules = derivative.transposes
    if derivative.jointly and not (isinstance(rules, tuple) and all(isinstance(rules[k], str) for k in on)):
        moved = [
            (b.zeros(b.array_type(x)) if x_dot is None else x_dot)
            if carries_tangent(op, k, b.array_type(x))
            else x
            for k, (x, x_dot) in enumerate(zip(operands, tangents, strict=True))
        ]
        return b.apply(op.primitive, *moved, **params)
    context = RuleContext(b, tuple(operands), (result,), op.params)
    total = None
    for k in on:
        x_dot = tangents[k]
        assert x_dot is not None
        rule = rules[k] if isinstance(rules, tuple) else None
        # An elementwise linear map is its own transpose, so its rule for z serves for the tangent too.
        if isinstance(rule, str):
            term: int = expression(b, rule, {**_names(context), "z": x_dot}, params)
        else:
            term = b.apply(op.primitive, *operands[:k], x_dot, *operands[k + 1 :], **params)
        total = _plus(b, total, term)
    assert total is not None
    return match_shape(b, total, b.array_type(result))


def _names(context: RuleContext) -> dict[str, int]:
    names = dict(zip(_OPERAND_NAMES, context.operands, strict=False))
    names["y"] = context.results[0]
    return names


def scaled_by_partial(context: RuleContext, row: Primitive, k: int, factor: int) -> int | None:
    """``factor * (partial of the result with respect to operand k)``, elementwise; None for a partial that is 0."""
    scope = Scope(context.builder, _names(context), dict(context.params))
    match row.derivative:
        case Smooth(partials, stable):
            text = (partials if is_algebraic(context.params) else stable or partials)[k]
            if text is None:
                raise no_partial(row, k, context.builder.origin)
            return _scaled(scope, factor, parse_rule(text))
        case Piecewise(partials):
            return _scaled(scope, factor, parse_rule(cases(partials[k])))
    raise InternalError(f"{row.name} has no partials")


def _scaled(scope: Scope, factor: int, rule: ast.Expr) -> int | None:
    """``factor * rule`` with the factor pushed inwards, so that ``1 / x`` costs one division; None for an exact zero.

    In a choice the factor goes into the arms: where the partial is the literal 0 the product is an exact zero, whatever
    the factor.
    """
    b = scope.builder
    match rule:
        case ast.Integer(0):
            return None
        case ast.Integer(1):
            return factor
        case ast.Unary("-", operand):
            inner = _scaled(scope, factor, operand)
            return None if inner is None else b.apply("neg", inner)
        case ast.Binary("/", left, right):
            inner = _scaled(scope, factor, left)
            return None if inner is None else b.apply("div", inner, scope.slot(scope.value(right)))
        case ast.If(condition, then, otherwise):
            choice = scope.value(condition)
            if not isinstance(choice, int):
                return _scaled(scope, factor, then if choice.value else otherwise)
            return _chosen(scope, factor, choice, (then, otherwise))
        case _:
            return b.apply("mul", factor, scope.slot(scope.value(rule)))


def _chosen(scope: Scope, factor: int, choice: int, arms: tuple[ast.Expr, ast.Expr]) -> int | None:
    b = scope.builder
    scaled = [_scaled(scope, factor, arm) for arm in arms]
    if scaled == [None, None]:
        return None
    shapes = [b.array_type(slot).shape for slot in (choice, *scaled) if slot is not None]
    full = ArrayType(b.array_type(factor).dtype, max(shapes, key=len))
    filled = [b.zeros(full) if slot is None else match_shape(b, slot, full) for slot in scaled]
    return b.apply("where", choice, *filled)


# --- reverse ---------------------------------------------------------------------------------------------------------


def cotangents(b: Builder, op: Apply, operands: Slots, result: int, z: int, active: Sequence[bool]) -> list[int | None]:
    """Cotangent contributions to the active operands, given the cotangent `z` of the result."""
    row = get(op.primitive)
    context = RuleContext(b, tuple(operands), (result,), op.params)
    match row.derivative:
        case Smooth() | Piecewise():
            bars = [scaled_by_partial(context, row, k, z) if on else None for k, on in enumerate(active)]
        case Linear(transposes):
            bars = [_transpose(context, transposes, k, z) if on else None for k, on in enumerate(active)]
        case Implicit(_, _, rules) if rules and all(rules[k] is not None for k, on in enumerate(active) if on):
            bars = [_transpose(context, rules, k, z) if on else None for k, on in enumerate(active)]
        case Selects() | Implicit():
            return _by_transposing_tangent(b, op, operands, result, z, active)
        case Discrete():
            return [None] * len(operands)
        case Defined():
            raise InternalError(f"{op.primitive} must be expanded before differentiation")
    return [
        None if bar is None else match_shape(b, bar, b.array_type(x))
        for bar, x in zip(bars, operands, strict=True)
    ]


def _transpose(context: RuleContext, transposes: LinearRules, k: int, z: int) -> int | None:
    if not isinstance(transposes, tuple):
        return transposes(context, z, k)
    rule = transposes[k]
    if rule is None:
        return None
    if isinstance(rule, str):
        return expression(context.builder, rule, {**_names(context), "z": z}, dict(context.params))
    return rule(context, z)


def _by_transposing_tangent(
    b: Builder, op: Apply, operands: Slots, result: int, z: int, active: Sequence[bool]
) -> list[int | None]:
    """Selects and Implicit state their tangent by linear primitives; its transpose is the cotangent."""
    from .reverse import transpose

    types = [b.array_type(slot) for slot in operands]
    on = [k for k, flag in enumerate(active) if flag]
    inputs = [*types, b.array_type(result), *(types[k] for k in on)]
    inner = Builder(f"{op.primitive} tangent", inputs)
    count = len(operands)
    tangents: list[int | None] = [None] * count
    for position, k in enumerate(on):
        tangents[k] = count + 1 + position
    y_dot = tangent(inner, op, range(count), count, tangents)
    if y_dot is None:
        return [None] * count
    program = inner.build((y_dot,))
    linear = [False] * (count + 1) + [True] * len(on)
    bars = b.inline(transpose(program, tuple(linear)), [*operands, result, z])
    answer: list[int | None] = [None] * count
    for k, bar in zip(on, bars, strict=True):
        answer[k] = bar
    return answer


# --- shapes ----------------------------------------------------------------------------------------------------------


def match_shape(b: Builder, slot: int, type_: ArrayType) -> int:
    """Sum or repeat so that a scalar operand of an elementwise step and its array result agree."""
    shape = b.array_type(slot).shape
    if shape == type_.shape:
        return slot
    if not shape:
        return b.broadcast(slot, type_.shape, ())
    if not type_.shape:
        return b.apply("reduce_sum", slot, axes=tuple(range(len(shape))))
    raise InternalError(f"a derivative of shape {shape} cannot take shape {type_.shape}")


def _plus(b: Builder, total: int | None, term: int | None) -> int | None:
    if total is None or term is None:
        return term if total is None else total
    return b.apply("add", total, term)
