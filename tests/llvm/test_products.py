"""Products of matrices in tiles: every shape and layout gives the sum that NumPy gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pushforward as pf
from pushforward.codegen.llvm import products
from pushforward.codegen.llvm.compile import compile_llvm
from pushforward.lang.builder import body
from pushforward.lang.ir import ArrayType, Program

SPECS = (
    "ij,jk->ik", "ij,kj->ik", "ji,jk->ik", "ji,kj->ik", "ij,jk->ki", "bij,bjk->bik", "abc,cd->abd", "abc,dbc->ad",
    "ibj,jkb->ibk", "ij,jk->k", "ij,ij->i", "ij,ik->ijk", "abc,cbd->da",
)  # fmt: skip


def _product(spec: str, shapes: list[tuple[int, ...]], dtype: str = "f64") -> Program:
    types = [ArrayType(dtype, shape) for shape in shapes]
    return body("product", types, lambda b, x: [b.apply("einsum", *x, spec=spec)])


@settings(max_examples=60)
@given(spec=st.sampled_from(SPECS), sizes=st.lists(st.integers(1, 19), min_size=4, max_size=4), seed=st.integers(0, 99))
def test_tiles_of_any_shape(spec: str, sizes: list[int], seed: int) -> None:
    letters = dict(zip(sorted(set(spec) - set(",->")), sizes, strict=False))
    shapes = [tuple(letters[letter] for letter in term) for term in spec.split("->")[0].split(",")]
    r = np.random.default_rng(seed)
    args = [r.normal(size=shape) for shape in shapes]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "SMALL", 0)
        (found,) = compile_llvm.__wrapped__(_product(spec, shapes))(args)
    assert np.allclose(found, np.einsum(spec, *args), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("spec", SPECS[:5])
@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_large_products(spec: str, dtype: str) -> None:
    sizes = {"i": 37, "j": 50, "k": 41}
    shapes = [tuple(sizes[letter] for letter in term) for term in spec.split("->")[0].split(",")]
    args = [np.random.default_rng(3).normal(size=shape).astype(dtype.replace("f", "float")) for shape in shapes]
    (found,) = compile_llvm(_product(spec, shapes, dtype))(args)
    close = 1e-12 if dtype == "f64" else 1e-4
    assert found.dtype == args[0].dtype
    assert np.allclose(found, np.einsum(spec, *args), rtol=close, atol=close)


def test_products_that_are_added_up_or_read_turned() -> None:
    module = pf.parse("""
    def total[t, m, k, n](a: [t, m, k]f64, b: [k, n]f64): [m, n]f64 =
      loop s = (for i < m, j < n => 0.0) for i < t do s + a[i] @ b

    def turned[m, k, n](a: [m, k]f64, b: [k, n]f64): [n, k]f64 = transpose(a @ b) @ a @ transpose(b @ transpose(b))
    """)
    r = np.random.default_rng(0)
    a, b = r.normal(size=(3, 21, 30)), r.normal(size=(30, 19))
    assert np.allclose(module["total"].compile("llvm")(a, b), (a @ b).sum(axis=0), rtol=1e-12, atol=1e-12)
    wanted = (a[0] @ b).T @ a[0] @ (b @ b.T).T
    assert np.allclose(module["turned"].compile("llvm")(a[0], b), wanted, rtol=1e-11, atol=1e-11)
