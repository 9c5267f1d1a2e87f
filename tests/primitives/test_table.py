"""Completeness of the table: every row states all its facts and every evaluator knows it."""

from __future__ import annotations

import pytest

from pushforward.lang import primitives
from pushforward.lang.diagnostics import InternalError
from pushforward.lang.ir import BOOL, F64, I64, ArrayType
from pushforward.lang.primitives.row import Defined, Derivative, Linear, Piecewise, Primitive, Smooth
from pushforward.lang.primitives.type_rules import scalar_type
from pushforward.lang.sizes import variable
from pushforward.semantics import movement, reference_numpy
from pushforward.semantics.exact_arrays import ARRAYS
from pushforward.semantics.exact_integers import INTEGERS

from .cases import CURVED, LINEAR, WITHOUT_DERIVATIVE

ROWS = list(primitives.table().values())
# Written out in the exact evaluator itself, because they depend on the container rather than on numbers.
EXACT_FORMS = {"convert", "where", "stop_gradient", *INTEGERS}
# These depend on how floats are written, which exact arithmetic says with E108.
INEXACT = {"bitcast", "nextafter", "reduce_precision", "random_gamma"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_is_complete(row: Primitive) -> None:
    assert row.doc.endswith("."), row.name
    assert isinstance(row.derivative, Derivative)
    assert "->" in row.type
    assert row.elementwise or row.type_rule is not None
    assert isinstance(row.flops, int) or callable(row.flops)
    assert row.elementwise == (row.name not in reference_numpy.STRUCTURAL)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_both_evaluators_know_the_row(row: Primitive) -> None:
    if row.elementwise:
        assert row.name in reference_numpy.ELEMENTWISE or callable(reference_numpy.resolve(row.numpy or ""))
        assert row.oracle is not None or row.name in EXACT_FORMS | INEXACT
    else:
        assert row.name in reference_numpy.STRUCTURAL
        known = row.name in movement.MOVEMENT or row.name in ARRAYS or isinstance(row.derivative, Defined)
        assert known


@pytest.mark.parametrize("row", [row for row in ROWS if row.elementwise], ids=lambda row: row.name)
def test_derivatives_have_one_entry_per_operand(row: Primitive) -> None:
    count = len(scalar_type(row.type)[0])
    match row.derivative:
        case Smooth(partials, stable):
            assert len(partials) == count and (stable is None or len(stable) == count)
        case Piecewise(partials):
            assert len(partials) == count
            assert all(pairs[-1][0] == "true" for pairs in partials)
        case Linear(transposes):
            assert isinstance(transposes, tuple) and len(transposes) == count


def test_every_structural_row_has_a_case() -> None:
    named = {case.name for case in (*LINEAR, *CURVED, *WITHOUT_DERIVATIVE)}
    host = {"foreign"}  # runs by code that is not ours: tests/embed looks at it
    assert {row.name for row in ROWS if not row.elementwise} <= named | host


@pytest.mark.parametrize("case", [*LINEAR, *CURVED], ids=str)
def test_flops_are_counted(case: object) -> None:
    params = tuple(sorted(case.params.items()))  # type: ignore[attr-defined]
    results = primitives.result_types(case.name, case.types, params)  # type: ignore[attr-defined]
    assert primitives.flops(case.name, case.types, results, params) >= 0  # type: ignore[attr-defined]


def test_scalars_mix_with_arrays_and_shapes_must_agree() -> None:
    n = variable("n")
    vector = ArrayType("f64", (n,))
    assert primitives.result_types("mul", (F64, vector)) == (vector,)
    assert primitives.result_types("lt", (vector, F64)) == (ArrayType("bool", (n,)),)
    with pytest.raises(InternalError, match="shapes"):
        primitives.result_types("mul", (ArrayType("f64", (3,)), vector))


@pytest.mark.parametrize(
    ("name", "operands"), [("add", (F64, I64)), ("exp", (I64,)), ("where", (F64, F64, F64)), ("add", (BOOL, BOOL))]
)
def test_mixed_and_wrong_dtypes_are_refused(name: str, operands: tuple[ArrayType, ...]) -> None:
    with pytest.raises(InternalError):
        primitives.result_types(name, operands)


def test_matrix_product_costs_its_multiplications_and_additions() -> None:
    types = (ArrayType("f64", (2, 3)), ArrayType("f64", (3, 4)))
    result = (ArrayType("f64", (2, 4)),)
    assert primitives.flops("einsum", types, result, (("spec", "ij,jk->ik"),)) == 2 * 24 - 8


def test_unknown_names_are_a_bug() -> None:
    with pytest.raises(InternalError, match="no primitive"):
        primitives.get("frobnicate")
