"""Checks of rows that are not elementwise, on small cases: values, tangents, cotangents and batches.

Tangents are compared with differences of the exact evaluator at 60 digits, cotangents with tangents by dot products;
both go through the modes, so that the rules are used as the passes use them. Batches are compared with their lanes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from ...ad.forward import forward
from ...ad.reverse import reverse
from ...ad.vmap import vmap
from ...lang.builder import Builder, body
from ...lang.diagnostics import DiagnosticError
from ...lang.ir import F64, ArrayType, Param, Program
from ...lang.primitives import get, rules
from ...lang.primitives.row import RuleContext
from ...semantics.exact import evaluate_exact
from ...semantics.reference import evaluate
from ..cases import CURVED, LINEAR, SIGNED, WITHOUT_DERIVATIVE, Case
from .check import Check, all_close, close

STEP = Fraction(1, 10**20)
LANES = 3
Arrays = list[np.ndarray]
_VECTOR = ArrayType("f64", (3,))
# Elementwise rows of a scalar and an array, which all lanes may share.
MIXED = (
    Case("add", (_VECTOR, F64)),
    Case("sub", (F64, _VECTOR)),
    Case("mul", (_VECTOR, F64)),
    Case("div", (F64, _VECTOR)),
    Case("where", (ArrayType("bool", (3,)), F64, _VECTOR)),
    Case("where", (ArrayType("bool"), _VECTOR, _VECTOR)),
)


def case_checks() -> Iterator[Check]:
    """The checks of every case; oracles are evaluated here and now."""
    for case in (*MIXED, *LINEAR, *CURVED):
        yield _derivatives(case)
    for case in (*MIXED, *LINEAR, *CURVED, *WITHOUT_DERIVATIVE):
        if case.types:
            yield _lanes(case)
    yield Check("rows", "ties of an extremum", frozenset({"reduce_max", "reduce_min"}), _ties)
    yield Check("rows", "products with zeros", frozenset({"reduce_prod", "cumprod"}), _zeros)
    yield Check("rows", "product of nothing: both modes", frozenset({"reduce_prod"}), _empty)
    yield Check("rows", "exponentials of infinities", frozenset({"logsumexp", "softmax"}), _infinities)
    yield Check("rows", "precisions", frozenset({"convert"}), _precisions)
    yield Check("rows", "stated transpose of a read", frozenset({"gather"}), _stated_transpose)
    yield Check("rows", "ties of a running extremum", frozenset({"cummax", "cummin"}), _running_ties)
    yield Check("rows", "windows that see nothing", frozenset({"window_max", "window_min"}), _empty_windows)
    yield Check("rows", "completed bases", frozenset({"svd_left", "svd_right"}), _completed_bases)


def _program(case: Case) -> Program:
    return body(case.name, case.types, lambda b, x: [b.apply(case.name, *x, **case.params)])


def _derivatives(case: Case) -> Check:
    operands = case.apart()
    floats = [k for k, x in enumerate(operands) if x.dtype == float]
    dots = {k: case.direction()[k] for k in floats}
    signs = signs_of(case, operands)
    value = signs * np.asarray(evaluate_exact(_program(case), _exact(operands), digits=40)[0]).astype(float)
    wanted = signs * _difference(case, operands, dots)
    alone = [float(np.sum(signs * _difference(case, operands, {k: dots[k]}))) for k in floats]
    z = np.random.default_rng(11).normal(size=wanted.shape)

    def run() -> None:
        y, y_dot = evaluate(forward(_program(case)), [*operands, *dots.values()])
        close(y, value, 1e-11, "value")
        close(y_dot, wanted, 1e-10, "tangent")
        _, *bars = evaluate(reverse(_program(case)), [*operands, z])
        total = sum(float(np.sum(bar * dots[k])) for k, bar in zip(floats, bars, strict=True))
        close(total, float(np.sum(z * wanted)), 1e-10, "dot product")
        for k, bar, slope in zip(floats, bars, alone, strict=True):
            active = [position == k for position in range(len(operands))]
            one = evaluate(forward(_program(case), active), [*operands, dots[k]])[1]
            close(float(np.sum(one)), slope, 1e-10, f"tangent of operand {k} alone")
            close(float(np.sum(bar * dots[k])), float(np.sum(z * one)), 1e-10, f"dot product of operand {k}")

    return Check("rows", f"{case}: value, tangent, cotangent", frozenset({case.name}), run)


def _lanes(case: Case) -> Check:
    """A batch of all operands, and of each alone, has the values of its lanes one by one."""
    lanes = [case.apart(seed) for seed in range(LANES)]
    count = len(lanes[0])
    wanted: dict[tuple[bool, ...], np.ndarray] = {}
    for mapped in {(True,) * count, *(tuple(place == k for place in range(count)) for k in range(count))}:
        own = [[lane[k] if on else lanes[0][k] for k, on in enumerate(mapped)] for lane in lanes]
        wanted[mapped] = np.stack([np.asarray(evaluate(_program(case), operands)[0]) for operands in own])

    def run() -> None:
        for mapped, values in wanted.items():
            inputs = [np.stack([lane[k] for lane in lanes]) if on else lanes[0][k] for k, on in enumerate(mapped)]
            close(evaluate(vmap(_program(case), mapped, LANES), inputs)[0], values, 1e-11, f"batch of {mapped}")

    return Check("rows", f"{case}: lanes", frozenset(), run)


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


def signs_of(case: Case, operands: Arrays) -> Any:
    """The signs by which vectors of the exact evaluator differ from those of the reference."""
    axis = SIGNED.get(case.name)
    if axis is None:
        return 1.0
    found = np.asarray(evaluate(_program(case), operands)[0])
    exact = np.asarray(evaluate_exact(_program(case), operands, digits=40)[0]).astype(float)
    return np.sign(np.sum(found * exact, axis=axis, keepdims=True))


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


def _empty_windows() -> None:
    """An extremum of nothing has no derivative: windows of one place over an array with gaps."""
    params = {"window": (1,), "strides": (1,), "padding": ((0, 0),), "base_dilation": (2,), "window_dilation": (1,)}
    for name in ("window_max", "window_min"):
        program = body(name, [_VECTOR], lambda b, x, name=name: [b.apply(name, *x, **params)])
        x, x_dot, z = np.array([3.0, 1.0, 2.0]), np.array([4.0, 5.0, 6.0]), np.arange(1.0, 6.0)
        close(evaluate(forward(program), [x, x_dot])[1], [4.0, 0.0, 5.0, 0.0, 6.0], 0, f"tangent of {name}")
        close(evaluate(reverse(program), [x, z])[1], [1.0, 3.0, 5.0], 0, f"cotangent of {name}")


def _completed_bases() -> None:
    """Singular vectors that complete a basis are not determined: their derivative is refused, not made up."""
    for name, shape in (("svd_left", (4, 3)), ("svd_right", (3, 4))):
        program = body(name, [ArrayType("f64", shape)], lambda b, x, name=name: [b.apply(name, *x, full=True)])
        for mode in (forward, reverse):
            try:
                mode(program)
            except DiagnosticError as refusal:
                if refusal.diagnostics[0].code == "E112":
                    continue
            raise AssertionError(f"{name} with a completed basis was differentiated")
