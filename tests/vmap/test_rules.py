"""Every primitive, batched in every combination of operands, against one lane after another in the reference."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from pushforward.ad.vmap import vmap, vmap_partial
from pushforward.ad.vmap_rules import rule_for
from pushforward.lang import primitives
from pushforward.lang.builder import body
from pushforward.lang.constants import numpy_dtype
from pushforward.lang.ir import ArrayType, Program
from pushforward.semantics.reference import evaluate

LANES = 3

# (primitive, operand types, parameters); index operands are drawn below LIMIT
LIMIT = 3
CONV = {"strides": (2,), "padding": ((1, 0),), "lhs_dilation": (2,), "rhs_dilation": (3,)}
WINDOW = {
    "window": (2, 2),
    "strides": (1, 2),
    "padding": ((-1, 1), (1, 2)),
    "base_dilation": (1, 2),
    "window_dilation": (1, 2),
}
STRUCTURAL = [
    ("broadcast", [("f64", (2,))], {"shape": (4, 2, 5), "axes": (1,)}),
    ("broadcast", [("f64", ())], {"shape": (4,), "axes": ()}),
    ("reshape", [("f64", (2, 3))], {"shape": (3, 2)}),
    ("transpose", [("f64", (2, 3, 4))], {"axes": (2, 0, 1)}),
    ("slice", [("f64", (4, 5))], {"starts": (1, 0), "limits": (3, 4)}),
    ("pad", [("f64", (2, 3))], {"low": (1, 0), "high": (0, 2)}),
    ("reverse", [("f64", (2, 3))], {"axes": (1,)}),
    ("concat", [("f64", (2, 3)), ("f64", (4, 3))], {"axis": 0}),
    ("gather", [("f64", (3, 4)), ("i64", ())], {"proved": True}),
    ("gather", [("f64", (3, 4)), ("i64", (2,))], {"proved": False}),
    ("gather", [("f64", (3, 4)), ("i64", (2, 5)), ("i64", (2, 5))], {"proved": True}),
    ("scatter_add", [("f64", (3, 4)), ("f64", (4,)), ("i64", ())], {"proved": True}),
    ("scatter_add", [("f64", (3, 4)), ("f64", (2, 4)), ("i64", (2,))], {"proved": True}),
    ("scatter_add", [("f64", (3, 4)), ("f64", (5,)), ("i64", (5,)), ("i64", (5,))], {"proved": False}),
    ("scatter", [("f64", (3, 4)), ("f64", (4,)), ("i64", ())], {"proved": True}),
    ("scatter", [("f64", (3,)), ("f64", ()), ("i64", ())], {"proved": True}),
    ("einsum", [("f64", (2, 3)), ("f64", (3, 4))], {"spec": "ij,jk->ik"}),
    ("einsum", [("f64", (2, 3)), ("f64", (3,)), ("f64", (2,))], {"spec": "ij,j,i->j"}),
    ("reduce_sum", [("f64", (2, 3))], {"axes": (1,)}),
    ("reduce_max", [("f64", (2, 3))], {"axes": (0, 1)}),
    ("winners", [("f64", (2, 3))], {"axes": (1,), "greatest": True}),
    ("reduce_min", [("f64", (2, 3))], {"axes": (0,)}),
    ("reduce_prod", [("f64", (2, 3))], {"axes": (1,)}),
    ("reduce_all", [("bool", (2, 3))], {"axes": (1,)}),
    ("reduce_any", [("bool", (2, 3))], {"axes": (0,)}),
    ("argmax", [("f64", (2, 3))], {"axis": 1}),
    ("argmin", [("f64", (2, 3))], {"axis": 0}),
    ("cumsum", [("f64", (2, 3))], {"axis": 1, "reverse": False}),
    ("cumprod", [("f64", (2, 3))], {"axis": 0, "reverse": True}),
    ("cummax", [("f64", (4,))], {"axis": 0, "reverse": False}),
    ("cummin", [("f64", (4,))], {"axis": 0, "reverse": True}),
    ("sort", [("f64", (5,))], {"axis": 0}),
    ("argsort", [("f64", (5,))], {"axis": 0}),
    ("logsumexp", [("f64", (2, 3))], {"axes": (1,)}),
    ("softmax", [("f64", (2, 3))], {"axes": (1,)}),
    ("solve", [("f64", (3, 3)), ("f64", (3, 2))], {}),
    ("solve", [("f64", (2, 3, 3)), ("f64", (2, 3, 1))], {}),
    ("triangular_solve", [("f64", (3, 3)), ("f64", (3, 2))], {"lower": True, "transposed": True, "unit": False}),
    ("cholesky", [("f64", (3, 3))], {}),
    ("logdet", [("f64", (3, 3))], {}),
    ("triangle", [("f64", (3, 3))], {"lower": True, "offset": 0}),
    ("symmetric_cholesky", [("f64", (3, 3))], {}),
    *((name, [("f64", (3, 3))], {"lower": True}) for name in ("eigh_values", "eigh_vectors")),
    *((name, [("f64", (4, 3))], {"full": False}) for name in ("svd_left", "svd_right", "qr_q", "qr_r")),
    *((name, [("f64", (2, 4, 3))], {}) for name in ("svd_values", "lu", "lu_pivots", "lu_permutation")),
    ("pivots_to_permutation", [("i64", (3,))], {"size": 4}),
    ("tridiagonal_solve", [*[("f64", (3,))] * 3, ("f64", (3, 2))], {}),
    ("scatter_last", [("f64", (2, 4)), ("f64", (5, 4)), ("i64", (5,))], {"distinct": False}),
    ("scatter_max", [("f64", (3, 2)), ("f64", (5,)), ("i64", (5,)), ("i64", (5,))], {}),
    ("scatter_min", [("f64", (3, 4)), ("f64", (4,)), ("i64", ())], {}),
    ("scatter_mul", [("f64", (2, 4)), ("f64", (5, 4)), ("i64", (5,))], {"distinct": False}),
    ("top_places", [("f64", (2, 5))], {"axis": 1, "k": 2}),
    ("cumlogsumexp", [("f64", (2, 5))], {"axis": 1, "reverse": True}),
    ("conv", [("f64", (2, 4, 5)), ("f64", (6, 4, 2))], {**CONV, "feature_groups": 1, "batch_groups": 1}),
    ("conv", [("f64", (2, 4, 5)), ("f64", (6, 2, 2))], {**CONV, "feature_groups": 2, "batch_groups": 1}),
    ("conv", [("f64", (4, 4, 5)), ("f64", (6, 4, 2))], {**CONV, "feature_groups": 1, "batch_groups": 2}),
    *((name, [("f64", (4, 5))], WINDOW) for name in ("window_sum", "window_max", "window_min")),
    ("window_place", [("f64", (4, 5))], {**WINDOW, "greatest": False}),
    ("block_read", [("f64", (3, 4, 2)), ("i64", ()), ("i64", ())], {"axes": (0, 1), "sizes": (2, 1)}),
    ("block_write", [("f64", (3, 4)), ("f64", (3, 2)), ("i64", ())], {"axes": (1,)}),
    ("block_add", [("f64", (3, 4)), ("f64", (2, 2)), ("i64", ()), ("i64", ())], {"axes": (0, 1)}),
]
SYMMETRIC = "solve cholesky symmetric_cholesky logdet triangular_solve eigh_values eigh_vectors".split()
ELEMENTWISE_PARAMS = {
    "integer_pow": {"exponent": 3},
    "convert": {"dtype": "i64"},
    "polygamma": {"order": 2},
    "bitcast": {"dtype": "i64"},
    "reduce_precision": {"exponent_bits": 5, "mantissa_bits": 3},
    "threefry2x32": {"word": 1},
    "random_gamma": {"log_space": False},
}
KINDS = {"f": "f64", "n": "f64", "b": "bool", "i": "i64", "w": "uint32"}


def _elementwise() -> list[tuple[str, list[tuple[str, tuple[int, ...]]], dict]]:
    cases = []
    for name, row in primitives.table().items():
        if row.elementwise:
            letters = [letter.strip() for letter in row.type.split("->")[0].strip(" ()").split(",")]
            kinds = [KINDS.get(letter, "f64") for letter in letters if letter]
            for shapes in {((2,),) * len(kinds), ((2,), *((),) * (len(kinds) - 1)), ((),) * len(kinds)}:
                cases.append((name, list(zip(kinds, shapes, strict=True)), ELEMENTWISE_PARAMS.get(name, {})))
    return cases


CASES = STRUCTURAL + _elementwise()


def _program(name: str, types: list[tuple[str, tuple[int, ...]]], params: dict) -> Program:
    inputs = [ArrayType(dtype, shape) for dtype, shape in types]
    return body(name, inputs, lambda b, x: [b.apply(name, *x, **params)])


def _value(rng: np.random.Generator, dtype: str, shape: tuple[int, ...], name: str) -> np.ndarray:
    if dtype == "i64":
        return rng.integers(0, LIMIT, shape)
    if dtype == "bool":
        return rng.random(shape) < 0.5
    values = rng.uniform(0.2, 0.8, shape)
    if name == "acosh":
        values = values + 1.0
    if name in SYMMETRIC and len(shape) > 1 and shape[-1] == shape[-2]:
        values = (values + np.swapaxes(values, -1, -2)) / 2 + 3 * np.eye(shape[-1])
    return values.astype(numpy_dtype(dtype))


@pytest.mark.parametrize(("name", "types", "params"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_batched_primitive_is_the_primitive_lane_by_lane(
    name: str, types: list[tuple[str, tuple[int, ...]]], params: dict
) -> None:
    rng = np.random.default_rng(7)
    program = _program(name, types, params)
    for mapped in product((False, True), repeat=len(types)):
        args = [
            _value(rng, dtype, (LANES, *shape) if on else shape, name)
            for (dtype, shape), on in zip(types, mapped, strict=True)
        ]
        batch = vmap(program, mapped, LANES)
        (got,) = evaluate(batch, args)
        lanes = [
            evaluate(program, [x[k] if on else x for x, on in zip(args, mapped, strict=True)])[0] for k in range(LANES)
        ]
        (result,) = batch.output_types
        assert isinstance(result, ArrayType) and np.shape(got) == result.shape
        np.testing.assert_allclose(np.asarray(got), np.stack(lanes), rtol=1e-12, atol=1e-12)
        assert vmap_partial(program, mapped, LANES)[1] == (any(mapped),)


@pytest.mark.parametrize("name", sorted(primitives.table()))
def test_every_primitive_has_a_rule_and_a_case(name: str) -> None:
    # Two have no operands, so nothing about them can be batched; steps of the host have tests of their own.
    if name in ("iota", "platform_index", "foreign"):
        return
    assert rule_for(name) is not None
    assert any(case[0] == name for case in CASES)
