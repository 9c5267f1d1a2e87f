"""Tangents of `Selects`, `Implicit` and `Defined` rows against differences of the exact evaluator at 60 digits."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import F64, ArrayType, Program
from pushforward.lang.primitives import get
from pushforward.lang.primitives.row import Defined, Implicit, RuleContext, Selects
from pushforward.semantics.exact import evaluate_exact
from pushforward.semantics.reference import evaluate

from .cases import CURVED, LINEAR, WITHOUT_DERIVATIVE, Case

STEP = Fraction(1, 10**20)
# Rows of vectors of which only the direction is known, and the axis along which these lie.
SIGNED = {"eigh_vectors": -2, "svd_left": -2, "svd_right": -1}
SYMMETRIC = ("symmetric_cholesky", "eigh_values", "eigh_vectors")


def _value(case: Case) -> Program:
    return body(case.name, case.types, lambda b, x: [b.apply(case.name, *x, **case.params)])


def _tangent(case: Case, active: tuple[bool, ...]) -> Program:
    """Operands and their tangents enter, the tangent of the result leaves."""
    row = get(case.name)
    count = len(case.types)
    builder = Builder(case.name, (*case.types, *case.types))
    operands = tuple(range(count))
    y = builder.apply(case.name, *operands, **case.params)
    context = RuleContext(builder, operands, (y,), tuple(sorted(case.params.items())))
    match row.derivative:
        case Selects(gather):
            return builder.build((gather(context, count),))
        case Implicit(_, tangent):
            slots = tuple(count + k if on else None for k, on in enumerate(active))
            return builder.build((tangent(context, slots),))
        case other:
            raise AssertionError(f"{case.name} is {other}")


def _operands(case: Case, seed: int) -> list[np.ndarray]:
    if case.kind == "generic":  # no ties, where the derivative jumps
        rng = np.random.default_rng(seed)
        drawn = case.operands(seed)
        apart = rng.permutation(sum(x.size for x in drawn)).astype(float)  # no ties between operands either
        ends = np.cumsum([x.size for x in drawn])
        parts = [part.reshape(x.shape) for part, x in zip(np.split(apart, ends[:-1]), drawn, strict=True)]
        return [part if x.dtype == float else x for part, x in zip(parts, drawn, strict=True)]
    return case.operands(seed)


def _moved(a: np.generic, step: Fraction, b: np.floating) -> object:
    return Fraction(float(a)) + step * Fraction(float(b)) if isinstance(a, np.floating) else a


def _difference(case: Case, operands: list[np.ndarray], tangents: list[np.ndarray]) -> np.ndarray:
    """The directional derivative from values on both sides, with 60 digits."""
    sides = []
    for sign in (1, -1):
        moved = [
            np.array([_moved(a, sign * STEP, b) for a, b in zip(x.flat, t.flat, strict=True)], object)
            for x, t in zip(operands, tangents, strict=True)
        ]
        shaped = [x.reshape(y.shape) for x, y in zip(moved, operands, strict=True)]
        sides.append(np.asarray(evaluate_exact(_value(case), shaped, digits=60)[0], object))
    return np.asarray((sides[0] - sides[1]) / (2 * float(STEP))).astype(float)


def _signs(case: Case, operands: list[np.ndarray]) -> np.ndarray | float:
    """The signs by which vectors of the exact evaluator differ from those of the reference."""
    axis = SIGNED.get(case.name)
    if axis is None:
        return 1.0
    found = np.asarray(evaluate(_value(case), operands)[0])
    exact = np.asarray(evaluate_exact(_value(case), operands, digits=40)[0]).astype(float)
    return np.sign(np.sum(found * exact, axis=axis, keepdims=True))


def _activities(types: tuple[ArrayType, ...]) -> list[tuple[bool, ...]]:
    """Every choice of float operands that move, at least one."""
    choices = product(*((False, True) if type_.is_float else (False,) for type_ in types))
    return [choice for choice in choices if any(choice)]


CASES = [case for case in CURVED if not isinstance(get(case.name).derivative, Defined)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_tangent_is_the_directional_derivative(case: Case) -> None:
    operands = _operands(case, 0)
    for active in _activities(case.types):
        drawn = [np.random.default_rng(3 + k).normal(size=x.shape) for k, x in enumerate(operands)]
        if case.name == "cholesky":
            drawn = [np.tril(t) for t in drawn]
        if case.name in SYMMETRIC:
            drawn = [t + np.swapaxes(t, -1, -2) for t in drawn]
        tangents = [t if on else np.zeros_like(x) for x, t, on in zip(operands, drawn, active, strict=True)]
        result = evaluate(_tangent(case, active), [*operands, *tangents])[0]
        wanted = _signs(case, operands) * _difference(case, operands, tangents)
        np.testing.assert_allclose(result, wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("case", [case for case in CASES if case.name.endswith("solve")], ids=str)
def test_solutions_are_linear_in_the_right_hand_side(case: Case) -> None:
    """The stated transpose of a solution in its right-hand side passes the dot test."""
    derivative = get(case.name).derivative
    assert isinstance(derivative, Implicit)
    last = len(case.types) - 1
    rule = derivative.transposes[last]
    assert rule is not None
    builder = Builder("transpose", case.types)
    params = tuple(sorted(case.params.items()))
    bar = builder.build((rule(RuleContext(builder, tuple(range(last + 1)), (), params), last),))
    *fixed, v = case.operands()
    z = np.random.default_rng(7).normal(size=v.shape)
    image, back = evaluate(_value(case), [*fixed, v])[0], evaluate(bar, [*fixed, z])[0]
    assert float(np.sum(image * z)) == pytest.approx(float(np.sum(v * back)), rel=1e-11)


@pytest.mark.parametrize("case", [*LINEAR, *CURVED, *WITHOUT_DERIVATIVE], ids=str)
def test_reference_and_exact_evaluation_agree(case: Case) -> None:
    operands = _operands(case, 4)
    fast = evaluate(_value(case), operands)[0]
    exact = np.asarray(evaluate_exact(_value(case), operands, digits=40)[0])
    assert exact.shape == fast.shape
    wanted = _signs(case, operands) * exact.astype(float)
    np.testing.assert_allclose(wanted, fast.astype(float), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["reduce_max", "reduce_min"])
def test_ties_of_an_extremum_share_evenly(name: str) -> None:
    case = Case(name, (ArrayType("f64", (4,)),), {"axes": (0,)})
    x = np.array([2.0, 2.0, 2.0, 2.0])
    shares = [float(evaluate(_tangent(case, (True,)), [x, row])[0]) for row in np.eye(4)]
    assert shares == [0.25] * 4


@pytest.mark.parametrize("x", [[0.0, 2.0, 3.0], [0.0, 2.0, 0.0], [1.0, -2.0, 4.0]])
def test_product_has_an_exact_derivative_at_zeros(x: list[float]) -> None:
    case = Case("reduce_prod", (ArrayType("f64", (3,)),), {"axes": (0,)})
    rows = [float(evaluate(_tangent(case, (True,)), [np.array(x), row])[0]) for row in np.eye(3)]
    assert rows == [x[1] * x[2], x[0] * x[2], x[0] * x[1]]


def test_product_over_no_elements() -> None:
    case = Case("reduce_prod", (ArrayType("f64", (0,)),), {"axes": (0,)})
    assert float(evaluate(_value(case), [np.zeros(0)])[0]) == 1.0
    assert float(evaluate(_tangent(case, (True,)), [np.zeros(0), np.zeros(0)])[0]) == 0.0


@pytest.mark.parametrize("x", [[-np.inf, -np.inf], [np.inf, 0.0], [1000.0, 1000.0], [-np.inf, 0.0]])
def test_logsumexp_and_its_definition_have_no_nan(x: list[float]) -> None:
    row = get("logsumexp")
    assert isinstance(row.derivative, Defined)
    definition = row.derivative.definition
    type_ = ArrayType("f64", (2,))
    by_row = body("row", [type_], lambda b, s: [b.apply("logsumexp", *s, axes=(0,))])
    by_rule = body("rule", [type_], lambda b, s: [definition(RuleContext(b, s, (), (("axes", (0,)),)))])
    wanted = np.logaddexp(x[0], x[1])
    assert evaluate(by_row, [np.array(x)])[0] == pytest.approx(wanted, rel=1e-15)
    assert evaluate(by_rule, [np.array(x)])[0] == pytest.approx(wanted, rel=1e-15)


def test_softmax_of_minus_infinity_alone_is_zero() -> None:
    program = body("softmax", [ArrayType("f64", (2,))], lambda b, s: [b.apply("softmax", *s, axes=(0,))])
    assert evaluate(program, [np.full(2, -np.inf)])[0].tolist() == [0.0, 0.0]


def test_constants_in_rules_take_the_dtype_of_the_operand() -> None:
    f32 = ArrayType("f32", (3,))
    program = body("tanh", [f32], lambda b, s: [b.apply("mul", s[0], b.apply("tanh", s[0]))])
    assert evaluate(program, [np.ones(3, np.float32)])[0].dtype == np.float32
    assert F64.dtype == "f64"
