"""Rules of rows, elaborated: an expression in the language and named slots enter, steps of a builder leave.

A rule reads operands ``x0 x1 …``, the result ``y``, the cotangent ``z`` and parameters by name. What is known
while the rule is elaborated (numbers, parameters, conditions on them) is decided at once, so ``if order == 0
then …`` costs nothing, and literals take the dtype of the operands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from ..diagnostics import DiagnosticError, InternalError, fail
from ..ir import Param, Params
from . import get
from .row import Linear, Piecewise, Primitive, RuleContext, Smooth
from .type_rules import scalar_type

if TYPE_CHECKING:
    from ..builder import Builder
    from ..source import Span
    from ..surface import ast

_OPERATORS = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "//": "floordiv",
    "%": "mod",
    "<": "lt",
    "<=": "le",
    ">": "gt",
    ">=": "ge",
    "==": "eq",
    "!=": "ne",
    "and": "logical_and",
    "or": "logical_or",
}


@dataclass(frozen=True, slots=True)
class _Known:
    """A number or truth value that needs no step yet."""

    value: float | int | bool


_Value = _Known | int


@cache
def parse_rule(text: str) -> ast.Expr:
    """The tree of a rule; each text is parsed once."""
    from ..surface.parser import parse_expression

    return parse_expression(text)


def expression(builder: Builder, text: str, names: Mapping[str, int], params: Mapping[str, Param] | None = None) -> int:
    """Emit an elementwise expression over named slots and return its slot (rank 0 when it is a constant).

    A name or form that rules do not have is a mistake in a row and raises `InternalError`.
    """
    scope = Scope(builder, names, params or {})
    return scope.slot(scope.value(parse_rule(text)))


class Scope:
    """Elaborates rules over named slots and known parameters."""

    def __init__(self, builder: Builder, names: Mapping[str, int], params: Mapping[str, Param]) -> None:
        self.builder = builder
        self.names = names
        self.params = params

    @cached_property
    def dtype(self) -> str:
        """The dtype of literals: that of the first float operand, or else of the first number."""
        types = [self.builder.array_type(slot) for slot in self.names.values()]
        floats = [type_.dtype for type_ in types if type_.is_float]
        return (floats or [type_.dtype for type_ in types if type_.dtype != "bool"] or ["f64"])[0]

    def slot(self, value: _Value) -> int:
        """The slot of a value, writing down a constant when it has none."""
        if isinstance(value, int):
            return value
        dtype = "bool" if isinstance(value.value, bool) else self.dtype
        return self.builder.constant(value.value, dtype)

    def value(self, node: ast.Expr) -> _Value:
        from ..surface import ast

        match node:
            case ast.Integer(value=value) | ast.Bool(value=value):
                return _Known(value)
            case ast.Decimal(text=text):
                return _Known(float(text))
            case ast.Name(name=name):
                return self.name(name)
            case ast.Unary(operator=operator, operand=operand):
                return self.unary(operator, self.value(operand))
            case ast.Binary(operator=operator, left=left, right=right):
                return self.binary(operator, self.value(left), self.value(right))
            case ast.If(condition=condition, then=then, otherwise=otherwise):
                return self.choice(self.value(condition), then, otherwise)
            case ast.Call(function=ast.Name(name=name), arguments=arguments):
                return self.call(name, [self.value(argument.value) for argument in arguments])
            case _:
                raise InternalError(f"rules cannot use {type(node).__name__}")

    def name(self, name: str) -> _Value:
        if name in self.names:
            return self.names[name]
        if name in ("true", "false"):
            return _Known(name == "true")
        value = self.params.get(name)
        if not isinstance(value, (bool, int, float)):
            raise InternalError(f"rules know no name {name} here")
        return _Known(value)

    def unary(self, operator: str, value: _Value) -> _Value:
        if isinstance(value, _Known):
            return _Known(not value.value if operator == "not" else -value.value)
        return self.builder.apply("logical_not" if operator == "not" else "neg", value)

    def binary(self, operator: str, left: _Value, right: _Value) -> _Value:
        if operator == "^":
            return self.power(left, right)
        if isinstance(left, _Known) and isinstance(right, _Known):
            known = _fold(operator, left.value, right.value)
            if known is not None:
                return _Known(known)
        return self.builder.apply(_OPERATORS[operator], self.slot(left), self.slot(right))

    def power(self, base: _Value, exponent: _Value) -> int:
        whole = isinstance(exponent, _Known) and isinstance(exponent.value, int)
        if whole and isinstance(exponent, _Known):
            return self.builder.apply("integer_pow", self.slot(base), exponent=int(exponent.value))
        return self.builder.apply("pow", self.slot(base), self.slot(exponent))

    def choice(self, condition: _Value, then: ast.Expr, otherwise: ast.Expr) -> _Value:
        if isinstance(condition, _Known):
            return self.value(then if condition.value else otherwise)
        arms = [self.slot(self.value(arm)) for arm in (then, otherwise)]
        return self.builder.apply("where", condition, *arms)

    def call(self, name: str, arguments: list[_Value]) -> int:
        """A primitive; arguments behind its operands are its parameters, which must be known."""
        row = get(name)
        count = len(scalar_type(row.type)[0])
        extra = arguments[count:]
        if len(extra) != len(row.params) or not all(isinstance(value, _Known) for value in extra):
            raise InternalError(f"{name} takes {count} operands and the parameters {row.params}")
        params = {key: value.value for key, value in zip(row.params, extra, strict=True)}  # type: ignore[union-attr]
        return self.builder.apply(name, *(self.slot(value) for value in arguments[:count]), **params)


def _fold(operator: str, left: float, right: float) -> float | bool | None:
    """The value of an operator on known numbers, where that is exact; None for the rest."""
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "==":
            return left == right
        case "!=":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "and":
            return bool(left and right)
        case "or":
            return bool(left or right)
        case _:
            return None


def _names(context: RuleContext) -> dict[str, int]:
    names = {f"x{number}": slot for number, slot in enumerate(context.operands)}
    if context.results:
        names["y"] = context.results[0]
    return names


def partial(context: RuleContext, row: Primitive, operand: int, *, stable: bool = True) -> int:
    """The partial derivative of a `Smooth` or `Piecewise` row by one operand (rank 0 when constant).

    `stable` picks the numeric form where the row states one; without it the algebraic definition is used.
    """
    names, params = _names(context), dict(context.params)
    match row.derivative:
        case Smooth(partials, numeric):
            chosen = stable and not is_algebraic(context.params)
            text = numeric[operand] if chosen and numeric is not None else partials[operand]
            if text is None:
                raise no_partial(row, operand, context.builder.origin)
            return expression(context.builder, text, names, params)
        case Piecewise(partials):
            return expression(context.builder, cases(partials[operand]), names, params)
        case _:
            raise InternalError(f"{row.name} has no partial derivatives")


def is_algebraic(params: Params) -> bool:
    """Whether a step asks for the algebraic partials although its row states stable ones.

    The algebraic form of tanh, logistic and expm1 reads the result that is there already, and loses relative accuracy
    where the function saturates. JAX takes it, so traced programs do.
    """
    return ("partials", "algebraic") in params


def no_partial(row: Primitive, operand: int, origin: Span | None) -> DiagnosticError:
    """The diagnostic (E112) for a partial derivative that the row does not state; raise it."""
    return fail(
        "E112",
        f"the derivative of `{row.name}` with respect to operand {operand} is not known",
        origin,
        hint="hold that operand constant with stop_gradient, or give the function a rule of its own",
    )


@cache
def cases(pairs: tuple[tuple[str, str], ...]) -> str:
    """Guards and values as one conditional expression.

    >>> cases((("x0 > 0", "1"), ("true", "0")))
    'if x0 > 0 then (1) else (0)'
    """
    *guarded, (_, last) = pairs
    return "".join(f"if {guard} then ({value}) else " for guard, value in guarded) + f"({last})"


def transpose(context: RuleContext, row: Primitive, operand: int, z: int) -> int | None:
    """The cotangent of one operand of a `Linear` row from that of the result; None where there is none.

    The answer of an elementwise row has the shape of the result: a scalar operand still needs a sum over it.
    """
    if not isinstance(row.derivative, Linear):
        raise InternalError(f"{row.name} is not linear")
    rules = row.derivative.transposes
    if not isinstance(rules, tuple):
        return rules(context, z, operand)
    rule = rules[operand]
    if isinstance(rule, str):
        return expression(context.builder, rule, {**_names(context), "z": z}, dict(context.params))
    return None if rule is None else rule(context, z)
