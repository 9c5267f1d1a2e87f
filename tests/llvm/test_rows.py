"""Native code of every primitive: what the reference gives, one by one and in lanes."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from pushforward.codegen.llvm.compile import compile_llvm
from pushforward.codegen.llvm.rows import ARRAYS, is_native
from pushforward.lang import primitives
from pushforward.lang.builder import body
from pushforward.lang.constants import numpy_dtype
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.ir import I64, ArrayType, Param, Program
from pushforward.semantics.reference import evaluate
from pushforward.verify.cases import CURVED, FACTORISATIONS, LINEAR, WITHOUT_DERIVATIVE, Case

# What this back end leaves to others, and refuses by name.
LEFT = frozenset(
    "foreign platform_index polygamma zeta igamma_grad_a random_gamma_grad random_gamma threefry2x32 lu lu_pivots "
    "lu_permutation pivots_to_permutation qr_q qr_r eigh_values eigh_vectors svd_values svd_left svd_right".split()
)
CASES = [case for case in (*LINEAR, *CURVED, *WITHOUT_DERIVATIVE, *FACTORISATIONS) if is_native(case.name)]
DTYPES = ("f64", "f32", "i64", "int32", "uint8", "bool")
PARAMS: dict[str, dict[str, Param]] = {
    "integer_pow": {"exponent": 3},
    "convert": {"dtype": "f64"},
    "reduce_precision": {"exponent_bits": 5, "mantissa_bits": 10},
}
COUNT = 37


def test_every_primitive_has_a_form_or_is_refused_by_name() -> None:
    defined = {name for name, row in primitives.table().items() if type(row.derivative).__name__ == "Defined"}
    assert {name for name in primitives.table() if not is_native(name)} - defined == LEFT
    assert set(ARRAYS) <= set(primitives.table())
    with pytest.raises(DiagnosticError, match=r"E145.*`zeta`"):
        compile_llvm(body("z", [ArrayType("f64")] * 2, lambda b, x: [b.apply("zeta", *x)]))
    with pytest.raises(DiagnosticError, match="E145.*f16"):
        compile_llvm(body("h", [ArrayType("f16")], lambda b, x: [b.apply("neg", *x)]))


def in_lanes(program: Program, count: int) -> Program:
    """The program at every row of its operands."""
    one = body(program.name, [*program.inputs, I64], lambda b, x: b.inline(program, x[:-1]))
    types = [ArrayType(t.dtype, (count, *t.shape)) for t in program.inputs if isinstance(t, ArrayType)]
    return body("lanes", types, lambda b, x: b.each(count, [], x, one, ["stack"] * len(one.outputs)))


def agree(program: Program, operands: list[np.ndarray], tolerance: float = 1e-12) -> None:
    wanted, found = evaluate(program, operands), compile_llvm(program)(operands)
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.dtype == np.asarray(theirs).dtype and ours.shape == np.shape(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def _applied(name: str, types: list[ArrayType], params: dict[str, Param]) -> Program:
    return body(name, types, lambda b, x: [b.apply(name, *x, **params)])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_arrays(case: Case) -> None:
    program = _applied(case.name, list(case.types), case.params)
    agree(program, case.operands(11))
    if case.types:
        rows = [case.operands(seed) for seed in range(9)]
        agree(in_lanes(program, 9), [np.stack([row[k] for row in rows]) for k in range(len(case.types))])


def _fits(letter: str, dtype: str) -> bool:
    match letter:
        case "f":
            return dtype in ("f64", "f32")
        case "n":
            return dtype != "bool"
        case "i":
            return dtype in ("i64", "int32", "uint8")
        case "w":
            return False
        case _:
            return True


def _numbers(name: str, dtype: str, samples: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    if dtype == "bool":
        return rng.integers(0, 2, COUNT).astype(bool)
    if dtype in ("f64", "f32"):
        x = rng.uniform(*samples, COUNT)
        if primitives.get(name).domain == "true":
            x[:3] = 0.0, -0.0, samples[0]
        return x.astype(numpy_dtype(dtype))
    if dtype == "uint8":  # half of them with the highest bit set, which is no sign
        return rng.integers(1, 256, COUNT).astype("uint8")
    low = 1 if name in ("floordiv", "mod", "truncdiv", "rem") else -9
    return rng.integers(low, 9, COUNT).astype(numpy_dtype(dtype))


ELEMENTWISE = [
    (name, dtype)
    for name, row in primitives.table().items()
    if row.elementwise and is_native(name)
    for dtype in DTYPES
    if all(_fits(letter, dtype) for letter in row.type[1 : row.type.index(")")].split(", "))
]


@pytest.mark.parametrize(("name", "dtype"), ELEMENTWISE)
def test_numbers(name: str, dtype: str) -> None:
    row = primitives.get(name)
    letters = row.type[1 : row.type.index(")")].split(", ")
    rng = np.random.default_rng(5)
    dtypes = ["bool" if letter == "b" else dtype for letter in letters]
    spans = [row.samples[k] if k < len(row.samples) else (-4.0, 4.0) for k in range(len(letters))]
    operands = [_numbers(name, d, span, rng) for d, span in zip(dtypes, spans, strict=True)]
    params: dict[str, Param] = {"dtype": dtype} if name == "bitcast" else PARAMS.get(name, {})
    tolerance = 1e-12 if dtype == "f64" else 2e-5
    with np.errstate(all="ignore"):
        agree(_applied(name, [ArrayType(d, (COUNT,)) for d in dtypes], params), operands, tolerance)
        agree(in_lanes(_applied(name, [ArrayType(d) for d in dtypes], params), COUNT), operands, tolerance)


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh", "sin", "cos", "logistic", "softplus"])
def test_formulas_are_right_to_three_units_in_the_last_place(name: str) -> None:
    rng = np.random.default_rng(7)
    ends = {"log": (1e-300, 1e300), "log1p": (-0.999, 1e3)}.get(name, (-40.0, 40.0))
    x = np.concatenate([rng.uniform(*ends, 3000), rng.uniform(-1e-3, 1e-3, 500), 2.0 ** rng.uniform(-60, 5, 500)])
    x = np.abs(x) if name == "log" else x
    found = compile_llvm(in_lanes(_applied(name, [ArrayType("f64")], {}), len(x)))([x])[0]
    exact = {
        "logistic": lambda v: 1 / (1 + mpmath.exp(-v)),
        "softplus": lambda v: mpmath.log1p(mpmath.exp(v)),
    }.get(name) or getattr(mpmath, name)
    with mpmath.workdps(40):
        errors = [abs(mpmath.mpf(float(y)) - exact(mpmath.mpf(float(v)))) for v, y in zip(x, found, strict=True)]
    units = [float(error) / np.spacing(max(abs(float(y)), 1e-300)) for error, y in zip(errors, found, strict=True)]
    assert max(units) < 3.0, (x[int(np.argmax(units))], max(units))


def test_formulas_at_the_ends() -> None:
    inf, nan = np.inf, np.nan
    ends = np.array([inf, -inf, nan, 0.0, -0.0, 800.0, -800.0, 1e300, 5e-324, -1.0])
    for name in ("exp", "expm1", "log", "log1p", "tanh", "logistic", "softplus", "sin", "cos"):
        program = _applied(name, [ArrayType("f64", (len(ends),))], {})
        with np.errstate(all="ignore"):
            (wanted,), (found,) = evaluate(program, [ends]), compile_llvm(program)([ends])
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-300, err_msg=name)
        if name in ("expm1", "log1p", "tanh", "sin"):
            np.testing.assert_array_equal(np.signbit(found[3:5]), [False, True], err_msg=name)


def test_indices_without_a_sign_reach_beyond_the_highest_bit() -> None:
    x, places = np.arange(200.0), np.array([3, 150, 199, 250], "uint8")
    read = _applied("gather", [ArrayType("f64", (200,)), ArrayType("uint8", (4,))], {"proved": False})
    np.testing.assert_array_equal(compile_llvm(read)([x, places])[0], [3.0, 150.0, 199.0, np.nan])
    one = _applied("block_read", [ArrayType("f64", (200,)), ArrayType("uint8")], {"axes": (0,), "sizes": (2,)})
    np.testing.assert_array_equal(compile_llvm(one)([x, np.uint8(150)])[0], [150.0, 151.0])
