"""Moves for numbers: arithmetic and elementary functions whose values stay small, choices, and reads."""

from __future__ import annotations

from ....lang.types import F64, I64, Fun, Type, array
from .writer import Move, Scope, Variable, Writer, form, moves

moves(
    "f64",
    *(form(f"{name}({{0}})", F64) for name in ("sin", "cos", "tanh", "atan", "logistic", "softplus", "erf")),
    form("({0} + {1})", F64, F64),
    form("({0} + {1})", F64, F64),
    form("({0} - {1})", F64, F64),
    form("({0} * {1})", F64, F64),
    form("({0} * {1})", F64, F64),
    form("(-{0})", F64),
    form("sin({0})^2", F64),
    form("sin({0})^3", F64),
    form("exp(tanh({0}))", F64),
    form("({0} / (1.0 + {1}^2))", F64, F64),
    form("log(1.0 + {0}^2)", F64),
    form("sqrt(1.0 + {0}^2)", F64),
    form("atan2({0}, 1.5 + sin({1}))", F64, F64),
    form("log1p(exp(sin({0})))", F64),
    form("rsqrt(1.5 + cos({0}))", F64),
)
moves(
    "f64",
    form("({0} / (1.3 + abs({1} + 0.3719)))", F64, F64),
    form("log(0.4 + abs({0} + 0.2137))", F64),
    form("sqrt(0.3 + abs({0} - 0.6131))", F64),
    form("(0.6 + abs({0} + 0.1723)) ^ tanh({1})", F64, F64),
    form("(0.6 + abs({0} - 0.1127)) ^ -2", F64),
    form("maximum({0}, {1} + 0.4139)", F64, F64),
    form("minimum({0}, {1} - 0.2917)", F64, F64),
    form("relu({0} + 0.1931)", F64),
    form("clip({0}, -0.8317, 0.9121)", F64),
    form("cbrt(1.2 + abs({0} + 0.4871))", F64),
    form("where({0} < {1} + 0.2339, {2}, {3})", F64, F64, F64, F64),
    form("(if {0} < {1} - 0.1279 then {2} else {3})", F64, F64, F64, F64),
    form("(if {0} > 0.3371 and {1} > -0.4547 then {2} else {3})", F64, F64, F64, F64),
    guarded=True,
)


def _choice(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """A choice by an integer, so that no derivative crosses it."""
    test = writer.parity(scope)
    return f"(if {test} then {writer.expression(type_, scope, depth)} else {writer.expression(type_, scope, depth)})"


def _let(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    name = writer.fresh("s")
    value = writer.number(scope, depth)
    variable = Variable(name, F64)
    writer.unused[name] = variable
    body = writer.expression(type_, (*scope, variable), depth)
    writer.unused.pop(name, None)
    return f"(let {name} = {value} in {body})"


def _reduction(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """A reduction over one or two ranges, or of an array."""
    names = [writer.fresh("i") for _ in range(1 + writer.pick(2))]
    sizes = [2 + writer.pick(2) for _ in names]
    inner = (*scope, *(Variable(name, I64, size) for name, size in zip(names, sizes, strict=True)))
    ranges = ", ".join(f"{name} < {size}" for name, size in zip(names, sizes, strict=True))
    body = f"for {ranges} => {writer.expression(F64, inner, depth)}"
    words = ["sum", "mean", "logsumexp", "prod"] + ["max", "min"] * (writer.suite == "guarded")
    word = writer.one_of(words)
    if word == "prod":
        return f"prod(for {ranges} => 0.9 + 0.5 * sin({writer.expression(F64, inner, depth)} + 0.41))"
    if word in ("max", "min"):
        shift = " + ".join(f"f64({name}) * 0.{3117 + 1000 * k}" for k, name in enumerate(names))
        return f"{word}({body} + {shift})"
    return f"{word}({body})"


def _gathered(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    size = 2 + writer.pick(3)
    row = writer.expression(array((size,), F64), scope, depth)
    return f"{row}[{writer.index(size, scope)}]"


def _product(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    vector = array((2 + writer.pick(2),), F64)
    return f"({writer.expression(vector, scope, depth)} @ {writer.expression(vector, scope, depth)})"


def _determinant(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """The log-determinant of a matrix near a multiple of the identity."""
    return f"logdet({dominant(writer, 2, scope, depth)})"


def dominant(writer: Writer, size: int, scope: Scope, depth: int) -> str:
    """A well-conditioned matrix: a small one added to a multiple of the identity."""
    i, j = writer.fresh("i"), writer.fresh("j")
    inner = (*scope, Variable(i, I64, size), Variable(j, I64, size))
    entry = writer.expression(F64, inner, min(depth, 1))
    return f"(for {i} < {size}, {j} < {size} => (if {i} == {j} then 3.0 else 0.2) + 0.3 * sin({entry}))"


def _call(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """A call of a function value, or of a definition of the library."""
    functions = [v for v in scope if _is_function(v.type)]
    if functions and writer.pick(3):
        function = writer.one_of(functions)
        writer.unused.pop(function.name, None)
        arguments = [writer.expression(item, scope, depth) for item in function.type.parameters]  # type: ignore[union-attr]
        return f"{function.name}({', '.join(arguments)})"
    return writer.one_of(_CALLS)(writer, type_, scope, depth)


def _is_function(type_: Type) -> bool:
    return isinstance(type_, Fun) and type_.result == F64


def _library(text: str, *types: Type, needs: tuple[str, ...] = ()) -> Move:
    inner = form(text, *types)

    def move(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
        for name in needs:
            writer.need(name)
        return inner(writer, type_, scope, depth)

    return move


MAP = Fun((F64,), F64)
_V2, _V3 = array((2,), F64), array((3,), F64)
_CALLS = [
    _library("twice({0}, {1})", MAP, F64, needs=("twice",)),
    _library("after({0}, {1})({2})", MAP, MAP, F64, needs=("after",)),
    _library("feed({0}, {1})", Fun((MAP,), F64), F64, needs=("feed",)),
    _library("offer({0}, {1})", Fun((Fun((MAP,), F64),), F64), F64, needs=("offer",)),
    _library("sum(over({0}, {1}))", MAP, _V3, needs=("over",)),
    _library("gathered({0}, {1}, {2})", Fun((F64, F64), F64), F64, _V2, needs=("gathered",)),
    _library("dot({0}, {1})", _V3, _V3),
    _library("foldl({0}, {1}, {2})", Fun((F64, F64), F64), F64, _V2),
    _library("bilinear({0}, {1}, {2})", _V2, array((2, 3), F64), _V3),
    _library("variance({0})", _V3),
]
moves("f64", _choice, _let, _reduction, _reduction, _gathered, _product, _call, _call, _determinant)
