"""The words of the language: one table of their types, and how the table is read.

Letters in a signature: ``f`` a float, ``t`` a number, ``e`` a number or bool (all scalars), ``a`` any type; ``n m k``
sizes, ``*s`` a whole shape. Lifted words take scalars, or arrays of one shape mixed with scalars.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from .. import types as ty
from ..diagnostics import DiagnosticError, fail
from ..sizes import Size, add, variable
from ..source import Span

CLASS_OF = {"f": "float", "t": "number", "e": "scalar"}

LIFTED_ROWS = {
    "f -> f": "exp expm1 exp2 log log1p log2 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sqrt cbrt "
    "rsqrt erf erfc lgamma digamma logistic softplus relu",
    "t -> t": "abs sign floor ceil round",
    "(f, f) -> f": "atan2",
    "(t, t) -> t": "minimum maximum",
    "(t, t, t) -> t": "clip",
    "(bool, e, e) -> e": "where",
    "e -> f64": "f64",
    "e -> f32": "f32",
    "e -> i64": "i64",
    "e -> real": "real",
    "e -> bool": "bool",
}
LIFTED = {word: row for row, words in LIFTED_ROWS.items() for word in words.split()}

OPERATORS = {
    **dict.fromkeys(("+", "-", "*", "//", "%"), "(t, t) -> t"),
    "/": "(f, f) -> f",
    **dict.fromkeys(("<", "<=", ">", ">="), "(t, t) -> bool"),
    **dict.fromkeys(("==", "!="), "(e, e) -> bool"),
    **dict.fromkeys(("and", "or"), "(bool, bool) -> bool"),
    "^": "(f, f) -> f",
    "negate": "t -> t",
    "not": "bool -> bool",
}

TABLE = {
    **dict.fromkeys(("sum", "prod", "max", "min"), "[*s]t -> t"),
    **dict.fromkeys(("mean", "logsumexp"), "[*s]f -> f"),
    **dict.fromkeys(("all", "any"), "[*s]bool -> bool"),
    "softmax": "[n]f -> [n]f",
    **dict.fromkeys(("argmax", "argmin"), "[n]t -> i64"),
    **dict.fromkeys(("cumsum", "cumprod", "cummax", "cummin"), "[*s]t -> [*s]t"),
    "sort": "[n]t -> [n]t",
    "argsort": "[n]t -> [n]i64",
    "reverse": "[n]a -> [n]a",
    "concat": "([n]a, [m]a) -> [n + m]a",
    "transpose": "[n, m]e -> [m, n]e",
    "gather": "([n]a, [k]i64) -> [k]a",
    "scatter_add": "([n]a, [k]i64, [k]a) -> [n]a",
    "solve": "([n, n]f, [n]f) -> [n]f | ([n, n]f, [n, m]f) -> [n, m]f",
    "triangular_solve": "([n, n]f, [n]f) -> [n]f | ([n, n]f, [n, m]f) -> [n, m]f",
    "triangular_solve_upper": "([n, n]f, [n]f) -> [n]f | ([n, n]f, [n, m]f) -> [n, m]f",
    "cholesky": "[n, n]f -> [n, n]f",
    "logdet": "[n, n]f -> f",
    "stop_gradient": "a -> a",
    "@": "([n, k]f, [k, m]f) -> [n, m]f | ([n, k]f, [k]f) -> [n]f | ([k]f, [k, m]f) -> [m]f | ([k]f, [k]f) -> f",
}
NEEDS_ELEMENTS = frozenset({"max", "min", "mean", "argmax", "argmin"})
SPECIAL = frozenset({"reduce", "reshape", "flatten", "iota"})
DERIVATIVES = frozenset({"grad", "value_and_grad", "jvp", "vjp", "jacobian", "hessian", "laplacian", "jet"})
CONSTANTS = frozenset({"pi", "inf", "nan"})
WORDS = frozenset(LIFTED) | (frozenset(TABLE) - {"@"}) | SPECIAL | DERIVATIVES
LATER = {
    "partial": ("E220", "`partial` is a word of operators: `operator name(u)(x) = …`"),
}


# --- reading signatures ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signature:
    parameters: tuple[ty.Type, ...]
    result: ty.Type


@cache
def signatures(text: str) -> tuple[Signature, ...]:
    """The alternatives of a row, e.g. ``"[*s]t -> t"`` with one parameter."""
    return tuple(_Reader(part).signature() for part in text.split("|"))


class _Reader:
    """A reader of signature texts by recursive descent."""

    def __init__(self, text: str) -> None:
        self.tokens = re.findall(r"->|\*?\w+|[\[\](),+]", text)
        self.place = 0

    def take(self) -> str:
        self.place += 1
        return self.tokens[self.place - 1]

    def signature(self) -> Signature:
        if self.tokens[0] == "(":
            self.take()
            parameters = [self.type()]
            while self.take() == ",":
                parameters.append(self.type())
        else:
            parameters = [self.type()]
        self.take()
        return Signature(tuple(parameters), self.type())

    def type(self) -> ty.Type:
        token = self.take()
        if token != "[":
            return ty.Var(token) if len(token) == 1 or token == "real" else ty.Scalar(token)
        shape = [self.size()]
        while self.take() == ",":
            shape.append(self.size())
        return ty.array(tuple(shape), self.type())

    def size(self) -> Size:
        total: Size = variable(self.take())
        while self.tokens[self.place] == "+":
            self.take()
            total = add(total, variable(self.take()))
        return total


def arity(name: str) -> int:
    """How many arguments a lifted word or a word of the table takes."""
    row = LIFTED[name] if name in LIFTED else TABLE[name]
    return len(signatures(row)[0].parameters)


def wrong_count(name: str, wanted: str, given: int, span: Span) -> DiagnosticError:
    """E034 for a word of the language."""
    return fail(
        "E034",
        f"`{name}` takes {wanted}, not {given}",
        span,
        expected=f"{name} : {TABLE.get(name) or LIFTED.get(name) or ''}".rstrip(" :") or None,
        hint="several values go in as one array or are combined pair by pair" if given > 2 else "count the arguments",
    )
