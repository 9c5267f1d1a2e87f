"""Rows of windows, blocks and updates: compiled programs give what the reference gives, NaN and empty axes included."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from pushforward.codegen.xla.compile import compile_xla
from pushforward.codegen.xla.sliding import by_owner
from pushforward.lang.builder import body
from pushforward.lang.constants import numpy_dtype
from pushforward.lang.ir import ArrayType, Program
from pushforward.semantics.reference import evaluate

from .cases import CURVED, FULL_WINDOWS, LINEAR, WINDOWS, WITHOUT_DERIVATIVE, Case

PREFIXES = ("conv", "window", "block", "scatter", "top_places", "cumlogsumexp")
CASES = [case for case in (*LINEAR, *CURVED, *WITHOUT_DERIVATIVE) if case.name.startswith(PREFIXES)]


def _program(case: Case) -> Program:
    return body(case.name, case.types, lambda b, x: [b.apply(case.name, *x, **case.params)])


def _agree(program: Program, operands: list[np.ndarray]) -> None:
    (wanted,), (found,) = evaluate(program, operands), compile_xla(program)(operands)
    assert found.dtype == np.asarray(wanted).dtype and found.shape == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_compiled_rows_agree_with_the_reference(case: Case) -> None:
    _agree(_program(case), case.operands(11))


@pytest.mark.parametrize("name", ["window_max", "window_min", "window_place"])
def test_windows_treat_nan_and_emptiness_alike(name: str) -> None:
    for window in (*WINDOWS, *FULL_WINDOWS):
        x = Case(name, (ArrayType("f64", (4, 5)),)).operands(3)[0]
        x[1, 2] = np.nan
        extra = {"greatest": True} if name == "window_place" else {}
        _agree(_program(Case(name, (ArrayType("f64", (4, 5)),), {**window, **extra})), [x])


@pytest.mark.parametrize("name", ["window_max", "window_min", "window_sum", "window_place"])
def test_windows_of_whole_numbers_and_long_windows(name: str) -> None:
    params = {"window": (40,), "strides": (3,), "padding": ((5, 41),), "base_dilation": (1,), "window_dilation": (1,)}
    extra = {"greatest": False} if name == "window_place" else {}
    case = Case(name, (ArrayType("int32", (60,)),), {**params, **extra})
    _agree(_program(case), [np.random.default_rng(0).integers(-9, 9, 60).astype("int32")])


def test_windows_and_convolutions_of_nothing() -> None:
    params = {"window": (3,), "strides": (1,), "padding": ((1, 0),), "base_dilation": (1,), "window_dilation": (1,)}
    _agree(_program(Case("window_sum", (ArrayType("f64", (0,)),), params)), [np.zeros(0)])
    _agree(_program(Case("window_max", (ArrayType("f64", (1,)),), params)), [np.zeros(1)])
    conv = {"strides": (1,), "padding": ((2, 3),), "lhs_dilation": (1,), "rhs_dilation": (1,)}
    types = (ArrayType("f64", (1, 2, 0)), ArrayType("f64", (3, 2, 2)))
    case = Case("conv", types, {**conv, "feature_groups": 1, "batch_groups": 1})
    _agree(_program(case), [np.zeros((1, 2, 0)), np.ones((3, 2, 2))])


@pytest.mark.parametrize("dtype", ["f64", "f32", "f16"])
def test_greatest_places_follow_the_total_order(dtype: str) -> None:
    case = Case("top_places", (ArrayType(dtype, (8,)),), {"axis": 0, "k": 8})
    x = np.array([1.0, -np.nan, 2.0, np.nan, -0.0, 0.0, -0.0, np.inf]).astype(numpy_dtype(dtype))
    x[1] = np.copysign(x[3], -1)
    assert evaluate(_program(case), [x])[0].tolist() == [3, 7, 2, 0, 5, 4, 6, 1]
    _agree(_program(case), [x])


def test_the_last_update_is_found_where_their_order_is_open() -> None:
    for case in (case for case in LINEAR if case.name == "scatter_last" and not case.params["distinct"]):
        operands = case.operands(4)
        (wanted,) = evaluate(_program(case), operands)
        with jax.enable_x64(True):
            found = by_owner([jax.numpy.asarray(x) for x in operands])
        np.testing.assert_array_equal(found, wanted)
