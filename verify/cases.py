"""Small cases of every primitive that is not elementwise: operand types, parameters, and how operands are drawn.

Tests of the rows and the mutants of the rows go through the same cases; a row without one is a failure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..lang.ir import ArrayType, Param
from ..lang.sizes import Size, known


@dataclass(frozen=True)
class Case:
    """Operand types of a primitive with parameters; `high` bounds integer operands, `kind` shapes float ones."""

    name: str
    types: tuple[ArrayType, ...]
    params: dict[str, Param] = field(default_factory=dict)
    high: tuple[int, ...] = ()
    kind: str = "whole"

    def __str__(self) -> str:
        return f"{self.name}-{'-'.join(str(value) for value in self.params.values())}"

    def operands(self, seed: int = 0) -> list[np.ndarray]:
        """Arrays of the types: whole numbers, among them zeros and ties, or well-conditioned matrices."""
        rng = np.random.default_rng(seed)
        arrays = [_draw(rng, type_) for type_ in self.types]
        indices = [k for k, type_ in enumerate(self.types) if type_.dtype == "i64"]
        for k, high in zip(indices, self.high, strict=True):
            arrays[k] = rng.integers(0, high, arrays[k].shape)
        if self.kind == "distinct":
            arrays[-1] = rng.permutation(self.high[0])[: arrays[-1].size].reshape(arrays[-1].shape)
        if self.kind in ("square", "positive"):
            a = rng.normal(size=arrays[0].shape)
            arrays[0] = a @ np.swapaxes(a, -1, -2) if self.kind == "positive" else a
            arrays[0] = arrays[0] + 3 * np.eye(a.shape[-1])
        if self.kind == "symmetric":
            a = rng.normal(size=arrays[0].shape)
            arrays[0] = a + np.swapaxes(a, -1, -2) + np.diag(4.0 * np.arange(a.shape[-1]))
        if self.kind == "normal":
            arrays[0] = rng.normal(size=arrays[0].shape)
        if self.kind == "dominant":
            arrays[1] = arrays[1] + 8.0
        return arrays

    def apart(self, seed: int = 0) -> list[np.ndarray]:
        """As `operands`, but floats are any numbers, no two of them equal."""
        rng = np.random.default_rng([seed, 1])
        drawn = self.operands(seed)
        if self.kind in MATRICES:
            return drawn
        return [rng.normal(size=x.shape) if x.dtype == float else x for x in drawn]

    def direction(self, seed: int = 0) -> list[np.ndarray]:
        """A direction for every float operand, in which the row is differentiable; nothing for the others."""
        rng = np.random.default_rng([seed, 2])
        drawn = [rng.normal(size=tuple(map(known, type_.shape))) for type_ in self.types]
        if self.name == "cholesky":
            drawn = [np.tril(x) for x in drawn]
        if self.name in SYMMETRIC:
            drawn = [x + np.swapaxes(x, -1, -2) for x in drawn]
        return [x if type_.is_float else np.zeros(0) for x, type_ in zip(drawn, self.types, strict=True)]


# Kinds of matrices on which factorisations and solutions are well conditioned.
MATRICES = frozenset({"square", "positive", "symmetric", "normal", "dominant"})
# Rows of symmetric matrices.
SYMMETRIC = frozenset({"symmetric_cholesky", "eigh_values", "eigh_vectors"})
# Rows of vectors of which only the direction is known, and the axis along which these lie.
SIGNED = {"eigh_vectors": -2, "svd_left": -2, "svd_right": -1}


def _draw(rng: np.random.Generator, type_: ArrayType) -> np.ndarray:
    shape = tuple(size for size in type_.shape if isinstance(size, int))
    if type_.dtype == "bool":
        return rng.random(shape) < 0.5
    return rng.integers(-3, 4, shape).astype("int64" if type_.dtype == "i64" else "float64")


def _f(*shape: Size) -> ArrayType:
    return ArrayType("f64", shape)


def _i(*shape: Size) -> ArrayType:
    return ArrayType("i64", shape)


def _b(*shape: Size) -> ArrayType:
    return ArrayType("bool", shape)


def _window(
    window: tuple[int, ...],
    strides: tuple[int, ...] | None = None,
    padding: tuple[tuple[int, int], ...] | None = None,
    base: tuple[int, ...] | None = None,
    dilation: tuple[int, ...] | None = None,
) -> dict[str, Param]:
    """Parameters of the rows of windows; what is left out moves nothing."""
    ones = (1,) * len(window)
    return {
        "window": window,
        "strides": strides or ones,
        "padding": padding or ((0, 0),) * len(window),
        "base_dilation": base or ones,
        "window_dilation": dilation or ones,
    }


def _conv(
    strides: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    lhs: tuple[int, ...] | None = None,
    rhs: tuple[int, ...] | None = None,
    features: int = 1,
    batches: int = 1,
) -> dict[str, Param]:
    """Parameters of a convolution; what is left out moves nothing."""
    ones = (1,) * len(strides)
    return {
        "strides": strides,
        "padding": padding,
        "lhs_dilation": lhs or ones,
        "rhs_dilation": rhs or ones,
        "feature_groups": features,
        "batch_groups": batches,
    }


CONVOLUTIONS = (
    Case("conv", (_f(2, 3), _f(4, 3)), _conv((), ())),
    Case("conv", (_f(2, 3, 5), _f(4, 3, 2)), _conv((1,), ((0, 0),))),
    Case("conv", (_f(1, 2, 5, 4), _f(3, 2, 3, 2)), _conv((2, 1), ((1, 2), (0, 1)))),
    Case("conv", (_f(1, 2, 4), _f(2, 2, 2)), _conv((2,), ((1, 1),), (2,), (3,))),
    Case("conv", (_f(1, 2, 6), _f(2, 2, 2)), _conv((1,), ((-1, -2),), (2,))),
    Case("conv", (_f(2, 4, 5), _f(6, 2, 2)), _conv((2,), ((1, 0),), features=2)),
    Case("conv", (_f(4, 3, 5), _f(6, 3, 2)), _conv((2,), ((1, 0),), (2,), (2,), batches=2)),
    Case("conv", (_f(1, 4, 3, 3), _f(2, 2, 2, 2)), _conv((1, 1), ((0, 0), (1, 0)), features=2)),
    Case("conv", (_f(2, 2, 3, 3), _f(4, 2, 2, 2)), _conv((1, 2), ((0, 1), (0, 0)), batches=2)),
)
WINDOWS = (
    _window((2, 3)),
    _window((2, 2), (2, 1), ((0, 1), (1, 1))),
    _window((1, 2), None, ((0, 0), (2, 1)), (1, 2), (1, 2)),
    _window((2, 2), (1, 2), ((-1, 1), (0, -1))),
)
# Windows that always see an element, so that an extremum is a finite number.
FULL_WINDOWS = (*WINDOWS[:2], _window((1, 3), None, ((0, 0), (1, 1)), (1, 2)), WINDOWS[3])

LINEAR = (
    Case("add", (_f(3), _f(3))),
    Case("sub", (_f(3), _f(3))),
    Case("mul", (_f(3), _f(3))),
    Case("neg", (_f(3),)),
    Case("where", (_b(4), _f(4), _f(4))),
    Case("broadcast", (_f(2, 3),), {"shape": (2, 4, 3), "axes": (0, 2)}),
    Case("broadcast", (_f(),), {"shape": (2, 2), "axes": ()}),
    Case("reshape", (_f(2, 3),), {"shape": (3, 2)}),
    Case("transpose", (_f(2, 3, 4),), {"axes": (2, 0, 1)}),
    Case("slice", (_f(5, 4),), {"starts": (1, 0), "limits": (3, 4)}),
    Case("pad", (_f(2, 3),), {"low": (1, 0), "high": (2, 1)}),
    Case("reverse", (_f(2, 3),), {"axes": (1,)}),
    Case("concat", (_f(2, 3), _f(1, 3), _f(2, 3)), {"axis": 0}),
    Case("gather", (_f(4, 3), _i(5)), {"proved": False}, (4,)),
    Case("gather", (_f(4, 3, 2), _i(2, 2), _i(2, 2)), {"proved": True}, (4, 3)),
    Case("scatter_add", (_f(4, 2), _f(6, 2), _i(6)), {"proved": False}, (4,)),
    Case("scatter", (_f(6, 2), _f(3, 2), _i(3)), {"proved": False}, (6,), "distinct"),
    Case("reduce_sum", (_f(2, 3, 4),), {"axes": (0, 2)}),
    Case("cumsum", (_f(4, 2),), {"axis": 0, "reverse": False}),
    Case("cumsum", (_f(2, 4),), {"axis": 1, "reverse": True}),
    Case("einsum", (_f(2, 3), _f(3, 4)), {"spec": "ij,jk->ik"}),
    Case("einsum", (_f(2, 3), _f(4)), {"spec": "ij,k->k"}),
    Case("einsum", (_f(2, 3), _f(3), _f(2)), {"spec": "ij,j,i->"}),
    Case("einsum", (_f(2, 3, 4),), {"spec": "ijk->ki"}),
    Case("triangle", (_f(3, 4),), {"lower": True, "offset": 1}),
    Case("triangle", (_f(2, 3, 3),), {"lower": False, "offset": -1}),
    *CONVOLUTIONS,
    *(Case("window_sum", (_f(4, 5),), window) for window in WINDOWS),
    Case("block_read", (_f(5, 4, 3), _i(), _i()), {"axes": (0, 2), "sizes": (2, 1)}, (6, 3)),
    Case("block_write", (_f(5, 4), _f(2, 4), _i()), {"axes": (0,)}, (6,)),
    Case("block_write", (_f(5, 4), _f(5, 1), _i()), {"axes": (1,)}, (4,)),
    Case("block_add", (_f(5, 4), _f(2, 3), _i(), _i()), {"axes": (0, 1)}, (4, 2)),
    Case("scatter_last", (_f(4, 2), _f(6, 2), _i(6)), {"distinct": False}, (5,)),
    Case("scatter_last", (_f(3, 2), _f(2, 3), _i(2, 3), _i(2, 3)), {"distinct": False}, (4, 3)),
    Case("scatter_last", (_f(6, 2), _f(3, 2), _i(3)), {"distinct": True}, (8,), "distinct"),
    Case("scatter_last", (_f(5, 4), _f(6), _i(6), _i(6)), {"distinct": True}, (6, 6), "distinct"),
)

FACTORISATIONS = (
    *(Case(f"eigh_{part}", (_f(2, 3, 3),), {"lower": True}, kind="symmetric") for part in ("values", "vectors")),
    *(Case(f"eigh_{part}", (_f(3, 3),), {"lower": False}, kind="symmetric") for part in ("values", "vectors")),
    *(Case("svd_values", (_f(*shape),), kind="normal") for shape in ((2, 4, 3), (3, 4))),
    *(
        Case(f"svd_{side}", (_f(*shape),), {"full": full}, kind="normal")
        for side in ("left", "right")
        for shape, full in (((2, 4, 3), False), ((3, 4), False), ((3, 3), True))
    ),
    *(
        Case(f"qr_{factor}", (_f(*shape),), {"full": full}, kind="normal")
        for factor in "qr"
        for shape, full in (
            ((2, 4, 3), False), ((5, 3), True), ((2, 5, 3), True), ((3, 4), False), ((2, 3, 5), True)
        )  # fmt: skip
    ),
    *(Case("lu", (_f(*shape),), kind="normal") for shape in ((2, 3, 3), (4, 3), (2, 3, 4))),
    Case("tridiagonal_solve", (_f(2, 4), _f(2, 4), _f(2, 4), _f(2, 4, 3)), kind="dominant"),
    Case("tridiagonal_solve", (_f(1), _f(1), _f(1), _f(1, 2)), kind="dominant"),
)

CURVED = (
    Case("reduce_max", (_f(3, 4),), {"axes": (1,)}, kind="generic"),
    Case("reduce_min", (_f(3, 4),), {"axes": (0, 1)}, kind="generic"),
    Case("reduce_min", (_f(3, 4),), {"axes": (0,)}, kind="generic"),
    Case("reduce_prod", (_f(2, 4),), {"axes": (1,)}),
    Case("reduce_prod", (_f(2, 3, 2),), {"axes": (0, 2)}),
    Case("cumprod", (_f(5, 2),), {"axis": 0, "reverse": False}),
    Case("cumprod", (_f(2, 5),), {"axis": 1, "reverse": True}),
    Case("cummax", (_f(2, 6),), {"axis": 1, "reverse": False}, kind="generic"),
    Case(
        "cummax",
        (
            _f(
                6,
            ),
        ),
        {"axis": 0, "reverse": True},
        kind="generic",
    ),
    Case("cummin", (_f(6, 2),), {"axis": 0, "reverse": True}, kind="generic"),
    Case(
        "cummin",
        (
            _f(
                6,
            ),
        ),
        {"axis": 0, "reverse": False},
        kind="generic",
    ),
    Case("sort", (_f(2, 5),), {"axis": 1}, kind="generic"),
    Case(
        "sort",
        (
            _f(
                5,
            ),
        ),
        {"axis": 0},
        kind="generic",
    ),
    *(Case("window_max", (_f(4, 5),), window, kind="generic") for window in FULL_WINDOWS),
    *(Case("window_min", (_f(4, 5),), window, kind="generic") for window in FULL_WINDOWS),
    Case("scatter_max", (_f(4, 2), _f(6, 2), _i(6)), {}, (5,), "generic"),
    Case("scatter_min", (_f(3, 2), _f(2, 3), _i(2, 3), _i(2, 3)), {}, (3, 3), "generic"),
    Case("scatter_mul", (_f(6, 2), _f(3, 2), _i(3)), {"distinct": True}, (8,), "distinct"),
    Case("logsumexp", (_f(2, 3),), {"axes": (1,)}),
    Case("cumlogsumexp", (_f(2, 5),), {"axis": 1, "reverse": False}),
    Case("cumlogsumexp", (_f(6, 2),), {"axis": 0, "reverse": True}),
    Case("cumlogsumexp", (_f(2, 3),), {"axis": 0, "reverse": False}),
    Case("softmax", (_f(2, 3),), {"axes": (0,)}),
    Case("solve", (_f(2, 3, 3), _f(2, 3, 2)), kind="square"),
    Case("cholesky", (_f(2, 3, 3),), kind="positive"),
    Case("symmetric_cholesky", (_f(2, 3, 3),), kind="positive"),
    Case("logdet", (_f(2, 3, 3),), kind="square"),
    *FACTORISATIONS,
    *(
        Case(
            "triangular_solve",
            (_f(3, 3), _f(3, 2)),
            {"lower": lower, "transposed": transposed, "unit": unit},
            kind="square",
        )
        for lower in (False, True)
        for transposed in (False, True)
        for unit in (False, True)
    ),
)

WITHOUT_DERIVATIVE = (
    Case("svd_left", (_f(4, 3),), {"full": True}, kind="normal"),
    Case("svd_right", (_f(3, 4),), {"full": True}, kind="normal"),
    Case("lu_pivots", (_f(2, 4, 3),), kind="normal"),
    Case("lu_permutation", (_f(3, 4),), kind="normal"),
    Case("lu_permutation", (_f(2, 4, 3),), kind="normal"),
    Case("pivots_to_permutation", (_i(2, 3),), {"size": 5}, (5,)),
    Case("iota", (), {"size": 4}),
    Case("platform_index", (), {"platforms": (("cuda",), ("cpu",), ())}),
    Case("reduce_all", (_b(3, 2),), {"axes": (1,)}),
    Case("reduce_any", (_b(3, 2),), {"axes": (0,)}),
    Case("winners", (_f(3, 4),), {"axes": (1,), "greatest": True}),
    Case("winners", (_f(3, 2, 2),), {"axes": (0, 2), "greatest": False}),
    Case("argmax", (_f(3, 4),), {"axis": 1}),
    Case("argmin", (_f(3, 4),), {"axis": 0}),
    Case("argsort", (_f(3, 4),), {"axis": 1}),
    Case("top_places", (_f(3, 5),), {"axis": 1, "k": 3}),
    Case("top_places", (_f(5, 2),), {"axis": 0, "k": 5}),
    *(Case("window_place", (_f(4, 5),), {**window, "greatest": True}) for window in WINDOWS),
    Case("window_place", (_f(4, 5),), {**WINDOWS[1], "greatest": False}),
    Case("scatter_mul", (_f(4, 2), _f(6, 2), _i(6)), {"distinct": False}, (5,)),
)
