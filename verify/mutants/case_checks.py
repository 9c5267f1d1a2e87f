"""Checks of rows that are not elementwise, on small cases: values, tangents and cotangents.

Tangents are compared with differences of the exact evaluator at 60 digits, cotangents with tangents by dot products;
both go through the modes, so that the rules are used as the passes use them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from ...ad.forward import forward
from ...ad.reverse import reverse
from ...ad.vmap import vmap
from ...lang.builder import Builder, body
from ...lang.ir import ArrayType, Param, Program
from ...lang.primitives import get, rules
from ...lang.primitives.row import RuleContext
from ...lang.sizes import Size
from ...semantics.exact import evaluate_exact
from ...semantics.reference import evaluate
from .check import Check, all_close, close

STEP = Fraction(1, 10**20)
Arrays = list[np.ndarray]


@dataclass(frozen=True)
class Case:
    """A primitive on operands of given types; `kind` shapes the floats, `places` bounds the index operands."""

    name: str
    shapes: tuple[str, ...]
    params: dict[str, Param] = field(default_factory=dict)
    kind: str = "plain"
    places: tuple[int, ...] = ()

    def types(self) -> list[ArrayType]:
        return [_type(shape) for shape in self.shapes]

    def operands(self, seed: int = 0) -> Arrays:
        random = np.random.default_rng(len(self.name) + 100 * seed)
        bounds = iter(self.places)
        return [self._operand(random, type_, bounds) for type_ in self.types()]

    def _operand(self, random: np.random.Generator, type_: ArrayType, bounds: Iterator[int]) -> np.ndarray:
        shape = tuple(int(size) for size in type_.shape if isinstance(size, int))
        if type_.dtype == "bool":
            return random.permutation(int(np.prod(shape))).reshape(shape) % 2 == 0
        if type_.dtype == "i64":
            high = next(bounds)
            count = int(np.prod(shape))
            return random.permutation(np.arange(max(high, count)) % high)[:count].reshape(shape)
        if self.kind == "distinct":
            return random.permutation(int(np.prod(shape))).reshape(shape) / 4.0 - 1.0
        values = random.normal(size=shape)
        if self.kind == "positive" and shape[-1:] == shape[-2:-1]:
            return values @ np.swapaxes(values, -1, -2) + 3 * np.eye(shape[-1])
        if self.kind == "square" and shape[-1:] == shape[-2:-1]:
            return values + 3 * np.eye(shape[-1])
        return values


def _type(text: str) -> ArrayType:
    """``f3x4`` as a float matrix, ``i5`` as a vector of integers, ``b4`` of truth values."""
    dtype = {"f": "f64", "i": "i64", "b": "bool"}[text[0]]
    shape: tuple[Size, ...] = tuple(int(size) for size in text[1:].split("x") if size)
    return ArrayType(dtype, shape)


CASES = (
    Case("add", ("f3", "f")),
    Case("sub", ("f", "f3")),
    Case("mul", ("f3", "f")),
    Case("div", ("f", "f3")),
    Case("where", ("b4", "f4", "f4")),
    Case("where", ("b4", "f", "f4")),
    Case("broadcast", ("f2x3",), {"shape": (2, 4, 3), "axes": (0, 2)}),
    Case("broadcast", ("f",), {"shape": (2, 2), "axes": ()}),
    Case("reshape", ("f2x3",), {"shape": (3, 2)}),
    Case("transpose", ("f2x3x4",), {"axes": (2, 0, 1)}),
    Case("slice", ("f5x4",), {"starts": (1, 0), "limits": (3, 4)}),
    Case("pad", ("f2x3",), {"low": (1, 0), "high": (2, 1)}),
    Case("reverse", ("f2x3",), {"axes": (1,)}),
    Case("concat", ("f2x3", "f1x3", "f3x3"), {"axis": 0}),
    Case("concat", ("f2x3", "f2x1"), {"axis": 1}),
    Case("gather", ("f4x3", "i5"), {"proved": False}, places=(4,)),
    Case("gather", ("f4x3x2", "i2x2", "i2x2"), {"proved": True}, places=(4, 3)),
    Case("scatter_add", ("f4x2", "f6x2", "i6"), {"proved": False}, places=(4,)),
    Case("scatter", ("f6x2", "f3x2", "i3"), {"proved": False}, places=(6,)),
    Case("reduce_sum", ("f2x3x4",), {"axes": (0, 2)}),
    Case("cumsum", ("f4x2",), {"axis": 0, "reverse": False}),
    Case("cumsum", ("f2x4",), {"axis": 1, "reverse": True}),
    Case("einsum", ("f2x3", "f3x4"), {"spec": "ij,jk->ik"}),
    Case("einsum", ("f2x3", "f4"), {"spec": "ij,k->k"}),
    Case("einsum", ("f2x3", "f3", "f2"), {"spec": "ij,j,i->"}),
    Case("triangle", ("f3x4",), {"lower": True, "offset": 1}),
    Case("triangle", ("f2x3x3",), {"lower": False, "offset": -1}),
    Case("reduce_max", ("f3x4",), {"axes": (1,)}, "distinct"),
    Case("reduce_min", ("f3x4x2",), {"axes": (0, 1)}, "distinct"),
    Case("reduce_prod", ("f2x4",), {"axes": (1,)}),
    Case("reduce_prod", ("f2x3x2",), {"axes": (0, 2)}),
    Case("cumprod", ("f5x2",), {"axis": 0, "reverse": False}),
    Case("cumprod", ("f2x5",), {"axis": 1, "reverse": True}),
    Case("cummax", ("f2x6",), {"axis": 1, "reverse": False}, "distinct"),
    Case("cummax", ("f6",), {"axis": 0, "reverse": True}, "distinct"),
    Case("cummin", ("f6x2",), {"axis": 0, "reverse": True}, "distinct"),
    Case("cummin", ("f6",), {"axis": 0, "reverse": False}, "distinct"),
    Case("sort", ("f2x5",), {"axis": 1}, "distinct"),
    Case("logsumexp", ("f2x3",), {"axes": (1,)}),
    Case("softmax", ("f2x3",), {"axes": (0,)}),
    Case("solve", ("f2x3x3", "f2x3x2"), kind="square"),
    Case("cholesky", ("f2x3x3",), kind="positive"),
    Case("logdet", ("f2x3x3",), kind="square"),
    *(
        Case("triangular_solve", ("f3x3", "f3x2"), {"lower": a, "transposed": b, "unit": c}, "square")
        for a, b, c in product((False, True), repeat=3)
    ),
)
# Values and batches only.
FLAT_CASES = (
    Case("where", ("b", "f4", "f4")),
    Case("add", ("f2x3", "f")),
    Case("einsum", ("f2x3x4",), {"spec": "ijk->ki"}),
    Case("solve", ("f3x3", "f3x2"), kind="square"),
    Case("reduce_all", ("b3x2",), {"axes": (1,)}),
    Case("reduce_any", ("b3x2",), {"axes": (0,)}),
    Case("argmax", ("f3x4",), {"axis": 1}, "distinct"),
    Case("argmin", ("f3x4",), {"axis": 0}, "distinct"),
    Case("argsort", ("f3x4",), {"axis": 1}, "distinct"),
)


def case_checks() -> Iterator[Check]:
    """One check per case; the oracle is evaluated here and now."""
    for case in CASES:
        yield _check(case)
    for case in (*CASES, *FLAT_CASES):
        yield _lanes(case)
    yield Check("rows", "ties of an extremum", frozenset({"reduce_max", "reduce_min"}), _ties)
    yield Check("rows", "products with zeros", frozenset({"reduce_prod", "cumprod"}), _zeros)
    yield Check("rows", "product of nothing: both modes", frozenset({"reduce_prod"}), _empty)
    yield Check("rows", "exponentials of infinities", frozenset({"logsumexp", "softmax"}), _infinities)
    yield Check("rows", "precisions", frozenset({"convert"}), _precisions)
    yield Check("rows", "stated transpose of a read", frozenset({"gather"}), _stated_transpose)
    yield Check("rows", "ties of a running extremum", frozenset({"cummax", "cummin"}), _running_ties)


def _program(case: Case) -> Program:
    return body(case.name, case.types(), lambda b, x: [b.apply(case.name, *x, **case.params)])


def _check(case: Case) -> Check:
    random = np.random.default_rng(11)
    operands = case.operands()
    floats = [k for k, x in enumerate(operands) if x.dtype == float]
    dots = [random.normal(size=operands[k].shape) for k in floats]
    if case.name == "cholesky":
        dots = [np.tril(dot) for dot in dots]
    wanted = _difference(case, operands, dict(zip(floats, dots, strict=True)))
    value = np.asarray(evaluate_exact(_program(case), _exact(operands), digits=40)[0]).astype(float)
    z = random.normal(size=wanted.shape)

    def run() -> None:
        y, y_dot = evaluate(forward(_program(case)), [*operands, *dots])
        close(y, value, 1e-11, "value")
        close(y_dot, wanted, 1e-10, "tangent")
        _, *bars = evaluate(reverse(_program(case)), [*operands, z])
        left = float(np.sum(z * wanted))
        close(sum(float(np.sum(bar * dot)) for bar, dot in zip(bars, dots, strict=True)), left, 1e-10, "dot product")
        for k, dot, bar in zip(floats, dots, bars, strict=True):
            active = [position == k for position in range(len(operands))]
            one = evaluate(forward(_program(case), active), [*operands, dot])[1]
            close(float(np.sum(bar * dot)), float(np.sum(z * one)), 1e-10, f"dot product of operand {k}")

    return Check("rows", f"{_label(case)}: value, tangent, cotangent", frozenset({case.name}), run)


def _lanes(case: Case) -> Check:
    """A batch of any of the operands is the exact value of every lane."""
    lanes = [case.operands(seed) for seed in range(3)]
    count = len(lanes[0])
    wanted = {}
    for mapped in product((True, False), repeat=count):
        if any(mapped):
            own = [[lane[k] if on else lanes[0][k] for k, on in enumerate(mapped)] for lane in lanes]
            values = [evaluate_exact(_program(case), _exact(operands), digits=40)[0] for operands in own]
            wanted[mapped] = np.stack([np.asarray(value).astype(float) for value in values])

    def run() -> None:
        for mapped, values in wanted.items():
            inputs = [np.stack([lane[k] for lane in lanes]) if on else lanes[0][k] for k, on in enumerate(mapped)]
            close(evaluate(vmap(_program(case), mapped, 3), inputs)[0], values, 1e-11, f"batch of {mapped}")

    return Check("rows", f"{_label(case)}: lanes", frozenset(), run)


def _label(case: Case) -> str:
    return " ".join(str(value) for value in (case.name, *case.params.values()))


def _exact(operands: Arrays) -> list[Any]:
    return [_fractions(x) if x.dtype == float else x for x in operands]


def _fractions(x: np.ndarray) -> np.ndarray:
    return np.array([Fraction(float(value)) for value in x.flat], object).reshape(x.shape)


def _difference(case: Case, operands: Arrays, dots: dict[int, np.ndarray]) -> np.ndarray:
    """The directional derivative from exact values on both sides."""
    sides = []
    for sign in (1, -1):
        moved = _exact(operands)
        for k, dot in dots.items():
            moved[k] = moved[k] + sign * STEP * _fractions(dot)
        sides.append(np.asarray(evaluate_exact(_program(case), moved, digits=60)[0], object))
    return np.asarray((sides[0] - sides[1]) / (2 * float(STEP))).astype(float)


def _gradient(name: str, x: Any, z: Any, **params: Param) -> np.ndarray:
    types = [ArrayType("f64", np.shape(x))]
    program = body(name, types, lambda b, slots: [b.apply(name, *slots, **params)])
    return evaluate(reverse(program), [np.array(x), np.array(z)])[1]


def _ties() -> None:
    for name in ("reduce_max", "reduce_min"):
        close(_gradient(name, [2.0, 2.0, 2.0, 2.0], 1.0, axes=(0,)), [0.25] * 4, 0, name)


def _zeros() -> None:
    for x in ([0.0, 2.0, 3.0], [0.0, 2.0, 0.0], [1.0, -2.0, 4.0]):
        wanted = [x[1] * x[2], x[0] * x[2], x[0] * x[1]]
        close(_gradient("reduce_prod", x, 1.0, axes=(0,)), wanted, 0, "product")
        close(_gradient("cumprod", x, [0.0, 0.0, 1.0], axis=0, reverse=False), wanted, 0, "running product")


def _empty() -> None:
    close(_gradient("reduce_prod", np.zeros(0), 1.0, axes=(0,)), np.zeros(0), 0, "product of nothing")


def _infinities() -> None:
    inf = float("inf")
    for x, wanted in (([-inf, 0.0], [0.0, 1.0]), ([-inf, -inf], [0.0, 0.0]), ([1000.0, 1000.0], [0.5, 0.5])):
        close(_gradient("logsumexp", x, 1.0, axes=(0,)), wanted, 1e-15, "logsumexp")
    for x, wanted in (([1000.0, 1000.0], [0.25, -0.25]), ([-inf, -inf], [0.0, 0.0])):
        close(_gradient("softmax", x, [1.0, 0.0], axes=(0,)), wanted, 1e-15, "softmax")


def _running_ties() -> None:
    ones = [1.0, 1.0, 1.0]
    all_close(
        [_gradient(name, [1.0, 1.0, 1.0], ones, axis=0, reverse=False) for name in ("cummax", "cummin")],
        [ones, ones],
        0,
        "the latest one counts",
    )
    for name in ("cummax", "cummin"):
        close(_gradient(name, [1.0, math.nan], [1.0, 1.0], axis=0, reverse=True), [0.0, 2.0], 0, "NaN wins")


def _precisions() -> None:
    """A cotangent goes back to the precision of the operand; integers carry none."""
    z = np.array([1.5, -2.0, 0.25])
    single = body("convert", [ArrayType("f64", (3,))], lambda b, x: [b.apply("convert", x[0], dtype="f32")])
    bar = evaluate(reverse(single), [z, z.astype("f4")])[1]
    if bar.dtype != np.float64:
        raise AssertionError("the cotangent has another precision than the operand")
    close(bar, z, 0, "cotangent of a conversion")
    whole = body(
        "whole", [ArrayType("f64", (3,))],
        lambda b, x: [b.apply("convert", b.apply("convert", x[0], dtype="i64"), dtype="f64")],
    )  # fmt: skip
    close(evaluate(reverse(whole), [z, z])[1], [0.0, 0.0, 0.0], 0, "cotangent through integers")


def _stated_transpose() -> None:
    """The row's own transpose, which passes replace by sparse cotangents."""
    types = [ArrayType("f64", (4,)), ArrayType("i64", (3,)), ArrayType("f64", (3,))]

    def write(b: Builder, x: tuple[int, ...]) -> list[int | None]:
        context = RuleContext(b, x[:2], (), (("proved", True),))
        return [rules.transpose(context, get("gather"), 0, x[2])]

    program = body("transpose", types, write)  # type: ignore[arg-type]
    bar = evaluate(program, [np.zeros(4), np.array([2, 0, 2]), np.array([1.0, 2.0, 4.0])])[0]
    close(bar, [2.0, 0.0, 5.0, 0.0], 0, "transpose of a read")
